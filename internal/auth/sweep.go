// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"time"

	"teiten/internal/store"
)

// keepRecoveries is how long a recovery that is over stays in the list.
const keepRecoveries = 90 * 24 * time.Hour

// Sweep removes what is over: sessions, steps, codes, counts of failures, and
// recoveries of more than 90 days ago whose account's owner knows of them. It
// returns how many rows went.
func Sweep(ctx context.Context, db *store.DB) (n int64, err error) {
	err = db.Keep(ctx, func(tx *store.Tx) error {
		n = 0
		now := store.Micros(tx.Now)
		for _, s := range []struct {
			query string
			than  int64
		}{
			{`DELETE FROM session WHERE expires_at <= $1 OR seen_at + idle <= $1`, now},
			{`DELETE FROM auth_step WHERE valid_until <= $1`, now},
			{`DELETE FROM auth_set_up WHERE valid_until <= $1`, now},
			{`DELETE FROM auth_throttle WHERE counted_at <= $1 AND blocked_until <= $1`, ago(tx.Now, forgotten)},
			{`DELETE FROM auth_recovery WHERE opened_at <= $1 AND told_at <> 0`, ago(tx.Now, keepRecoveries)},
		} {
			gone, err := tx.Exec(ctx, s.query, s.than)
			if err != nil {
				return err
			}
			n += gone
		}
		return nil
	})
	return n, err
}
