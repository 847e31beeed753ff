// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// Format is how an export is written.
type Format string

const (
	JSONLines Format = "jsonl" // one JSON object a line
	CSV       Format = "csv"   // RFC 4180 with a header, UTF-8
)

// exported is a record in an export: with its detail as it is stored and the
// hash of its leaf, so that it can be hashed and found in the tree without us.
type exported struct {
	Record
	Detail json.RawMessage `json:"detail"`
	Hash   string          `json:"hash,omitempty"` // base64; "" until it is sealed
}

// columns of the CSV.
var columns = []string{"id", "position", "at", "account", "organisation", "actor", "role", "channel", "device", "token",
	"request", "action", "object", "detail", "hash"}

// Export writes the records that match, the oldest first, and returns how many.
// It streams; the context ends it. The record of the export is written before
// the first byte. Who may export what is as with Read.
func Export(ctx context.Context, db *store.DB, c caller.Caller, f Filter, format Format, w io.Writer) (n int64, err error) {
	if format != JSONLines && format != CSV {
		return 0, fault.New(fault.Invalid, "audit.format", "value", string(format)).At("format")
	}
	if _, _, err := f.where(c); err != nil {
		return 0, err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		return Append(ctx, tx, "audit.export", "audit/records", append(f.pairs(), "format", string(format))...)
	})
	if err != nil {
		return 0, err
	}
	write := jsonWriter(w)
	table := csv.NewWriter(w)
	if format == CSV {
		table.UseCRLF = true // RFC 4180 section 2
		_ = table.Write(columns)
		write = func(e *exported) error { return table.Write(e.cells()) }
	}
	for after := int64(0); ; {
		page, err := exportPage(ctx, db, c, f, after)
		if err != nil {
			return n, err
		}
		for i := range page {
			if err := write(&page[i]); err != nil {
				return n, err
			}
			n++
		}
		if len(page) < mostRecords {
			table.Flush()
			return n, table.Error()
		}
		after = page[len(page)-1].ID
	}
}

func jsonWriter(w io.Writer) func(*exported) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return func(e *exported) error { return enc.Encode(e) }
}

// exportPage reads the records that match after an id.
func exportPage(ctx context.Context, q store.Queryer, c caller.Caller, f Filter, after int64) ([]exported, error) {
	where, args, err := f.where(c)
	if err != nil {
		return nil, err
	}
	if where == "" {
		where = " WHERE 1 = 1"
	}
	args = append(args, after, mostRecords)
	rows, err := q.Query(ctx, `SELECT COALESCE(l.position, -1), l.hash, `+rowColumns+` FROM audit a LEFT JOIN audit_leaf l ON l.audit_id = a.id`+
		where+fmt.Sprintf(` AND a.id > $%d ORDER BY a.id LIMIT $%d`, len(args)-1, len(args)), args...)
	if err != nil {
		return nil, fmt.Errorf("audit: export: %w", err)
	}
	defer rows.Close()
	var all []exported
	for rows.Next() {
		var r row
		var e exported
		var position int64
		var hash []byte
		if err := rows.Scan(append([]any{&position, &hash}, r.fields()...)...); err != nil {
			return nil, fmt.Errorf("audit: export: %w", err)
		}
		if e.Record, err = r.record(sql.NullInt64{Int64: position, Valid: true}); err != nil {
			return nil, err
		}
		e.Detail, e.Hash = json.RawMessage(r.detail), base64.StdEncoding.EncodeToString(hash)
		all = append(all, e)
	}
	return all, rows.Err()
}

func (e *exported) cells() []string {
	n := func(i int64) string { return strconv.FormatInt(i, 10) }
	cells := []string{n(e.ID), n(e.Position), e.At.Format(time.RFC3339Nano), n(e.Account), n(e.Org), e.Actor, string(e.Role), e.Channel,
		n(e.Device), n(e.Token), e.Request, e.Action, e.Object, string(e.Detail), e.Hash}
	for i, s := range cells {
		// A spreadsheet must not take a cell for a formula (OWASP, CSV injection);
		// a position of -1 and base64 are no formulas.
		if i > 4 && i < len(cells)-1 && s != "" && strings.ContainsRune("=+-@\t\r＝＋－＠", []rune(s)[0]) {
			cells[i] = "'" + s
		}
	}
	return cells
}
