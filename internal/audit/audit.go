// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package audit records who changed what, when and through which door. A
// record is appended in the transaction of the change itself: there is no
// change without one.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// Record is one entry as it is read back.
type Record struct {
	ID      int64          `json:"id"`
	At      time.Time      `json:"at"`
	Account int64          `json:"account"`
	Org     int64          `json:"organisation"`
	Actor   string         `json:"actor"`
	Role    caller.Role    `json:"role"`
	Channel string         `json:"channel"`
	Action  string         `json:"action"` // verb with its noun before it: advisory.publish
	Object  string         `json:"object"` // noun and id: advisory/12
	Detail  map[string]any `json:"detail,omitempty"`
}

// Append writes the record of an action by the transaction's caller. Detail
// comes in pairs of name and value; it holds what changed, never a secret and
// never the text that somebody searched for.
func Append(ctx context.Context, tx *store.Tx, action, object string, pairs ...any) error {
	if len(pairs)%2 != 0 {
		panic("audit: " + action + ": detail comes in pairs")
	}
	detail := make(map[string]any, len(pairs)/2)
	for i := 0; i < len(pairs); i += 2 {
		detail[pairs[i].(string)] = pairs[i+1]
	}
	text, err := json.Marshal(detail)
	if err != nil {
		return fmt.Errorf("audit: %s: %w", action, err)
	}
	c := tx.Caller
	if _, err := tx.Exec(ctx, `INSERT INTO audit (at, account_id, organisation_id, actor, role, channel, action, object, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
		store.Micros(tx.Now), c.Account, c.Org, c.Name, string(c.Role), c.Channel, action, object, string(text)); err != nil {
		return fmt.Errorf("audit: %s: %w", action, err)
	}
	tx.Audited()
	return nil
}

// Denied records that a caller was refused. It is a transaction of its own,
// because the operation that was refused has none.
func Denied(ctx context.Context, db *store.DB, c caller.Caller, action, object string) error {
	return db.Write(ctx, c, func(tx *store.Tx) error {
		return Append(ctx, tx, "denied", object, "action", action)
	})
}

// List returns the newest records, those before the given id if it is not 0.
// Only operators of the ISAC may read them.
func List(ctx context.Context, q store.Queryer, c caller.Caller, before int64, limit int) ([]Record, error) {
	if c.OrgKind != caller.ISAC {
		return nil, fault.New(fault.Forbidden, "fault.forbidden")
	}
	if err := c.Need(caller.Operator); err != nil {
		return nil, err
	}
	if limit < 1 || limit > 1000 {
		return nil, fault.New(fault.Invalid, "fault.limit", "most", 1000)
	}
	rows, err := q.Query(ctx, `SELECT id, at, account_id, organisation_id, actor, role, channel, action, object, detail
		FROM audit WHERE id < $1 OR $1 = 0 ORDER BY id DESC LIMIT $2`, before, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Record
	for rows.Next() {
		var r Record
		var at int64
		var detail string
		if err := rows.Scan(&r.ID, &at, &r.Account, &r.Org, &r.Actor, &r.Role, &r.Channel, &r.Action, &r.Object, &detail); err != nil {
			return nil, err
		}
		r.At = store.Time(at)
		if err := json.Unmarshal([]byte(detail), &r.Detail); err != nil {
			return nil, fmt.Errorf("audit: record %d: %w", r.ID, err)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}
