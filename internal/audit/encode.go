// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"database/sql"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"teiten/internal/caller"
	"teiten/internal/store"
)

// row is a record as it is stored. Its encoding is what is hashed.
type row struct {
	id, at, account, org, device, token                   int64
	actor, role, channel, request, action, object, detail string
}

// rowColumns are the columns of a row, in the order of fields, of table audit
// under the alias a.
const rowColumns = `a.id, a.at, a.account_id, a.organisation_id, a.device_id, a.token_id,
	a.actor, a.role, a.channel, a.request, a.action, a.object, a.detail`

// fields are the places to scan rowColumns into.
func (r *row) fields() []any {
	return []any{&r.id, &r.at, &r.account, &r.org, &r.device, &r.token,
		&r.actor, &r.role, &r.channel, &r.request, &r.action, &r.object, &r.detail}
}

// encodingVersion is the first byte of an encoding; another order or another
// set of fields gets another number.
const encodingVersion = 1

// encode appends the canonical encoding to buf: the version, the six numbers as
// 64 bits, big-endian, and each text after its length in bytes as 64 bits. Two
// rows that differ have different encodings, because each field's end is known
// before it is read.
func (r *row) encode(buf []byte) []byte {
	buf = append(buf, encodingVersion)
	for _, n := range [...]int64{r.id, r.at, r.account, r.org, r.device, r.token} {
		buf = binary.BigEndian.AppendUint64(buf, uint64(n))
	}
	for _, s := range [...]string{r.actor, r.role, r.channel, r.request, r.action, r.object, r.detail} {
		buf = binary.BigEndian.AppendUint64(buf, uint64(len(s)))
		buf = append(buf, s...)
	}
	return buf
}

// hash is the hash of the row's leaf (RFC 6962 section 2.1): SHA-256 of a zero
// byte and the encoding. The buffer is used for the encoding and returned.
func (r *row) hash(buf []byte) (tlog.Hash, []byte) {
	buf = r.encode(buf[:0])
	return tlog.RecordHash(buf), buf
}

// record returns the row as people read it.
func (r *row) record(position sql.NullInt64) (Record, error) {
	rec := Record{
		ID: r.id, At: store.Time(r.at), Account: r.account, Org: r.org, Actor: r.actor, Role: caller.Role(r.role), Channel: r.channel,
		Device: r.device, Token: r.token, Request: r.request, Action: r.action, Object: r.object, Position: -1,
	}
	if position.Valid {
		rec.Position = position.Int64
	}
	if err := json.Unmarshal([]byte(r.detail), &rec.Detail); err != nil {
		return rec, fmt.Errorf("audit: record %d: %w", r.id, err)
	}
	return rec, nil
}
