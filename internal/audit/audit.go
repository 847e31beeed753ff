// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"sync/atomic"
	"time"

	"teiten/internal/caller"
	"teiten/internal/store"
)

// Record is one entry as it is read back.
type Record struct {
	ID      int64          `json:"id"`
	At      time.Time      `json:"at"`
	Account int64          `json:"account"` // 0 for the program itself and for nobody
	Org     int64          `json:"organisation"`
	Actor   string         `json:"actor"`
	Role    caller.Role    `json:"role"`
	Channel string         `json:"channel"`
	Device  int64          `json:"device,omitempty"`  // the certificate that was shown
	Token   int64          `json:"token,omitempty"`   // of a machine
	Request string         `json:"request,omitempty"` // the id that error pages and the log show
	Action  string         `json:"action"`            // verb with its noun before it: advisory.publish
	Object  string         `json:"object"`            // noun and id: advisory/12
	Detail  map[string]any `json:"detail,omitempty"`

	// Position is the record's place in the tree, from 0; -1 until it is sealed.
	Position int64 `json:"position"`
}

// appended counts the records of this process, so that Run notices a rush.
var appended atomic.Int64

// Append writes the record of an action by the transaction's caller. Detail
// comes in pairs of name and value; it holds what changed (see Change), personal
// values as Personal gives them, and never a secret or the text that somebody
// searched for.
func Append(ctx context.Context, tx *store.Tx, action, object string, pairs ...any) error {
	return insert(ctx, tx, tx.Caller, action, object, pairs...)
}

func insert(ctx context.Context, tx *store.Tx, c caller.Caller, action, object string, pairs ...any) error {
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
	if _, err := tx.Exec(ctx, `INSERT INTO audit (at, account_id, organisation_id, actor, role, channel, device_id, token_id, request, action, object, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
		store.Micros(tx.Now), c.Account, c.Org, c.Name, string(c.Role), c.Channel, c.Device, c.Token, requestOf(ctx),
		action, object, string(text)); err != nil {
		return fmt.Errorf("audit: %s: %w", action, err)
	}
	tx.Audited()
	appended.Add(1)
	return nil
}

type requestKey struct{}

// maxRequest bounds the id of a request, in bytes.
const maxRequest = 64

// WithRequest returns a context whose records carry the id of a request, so that
// a line of the log and a record can be laid side by side.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id[:min(len(id), maxRequest)])
}

func requestOf(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}
