// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"context"
	"time"

	"teiten/internal/blob"
	"teiten/internal/store"
)

// logFor is how long the log of mails and answers is kept: it names nobody.
const logFor = 400 * 24 * time.Hour

// Sweep deletes what is over: mails that became no report after 30 days, with
// their senders, and the log after 400. It returns how many files and rows
// went. To be called every hour.
func (b *Box) Sweep(ctx context.Context) (n int, err error) {
	const batch = 100
	for more := true; more; {
		var names []string
		err := b.DB.Keep(ctx, func(tx *store.Tx) (err error) {
			if names, err = expired(ctx, tx, tx.Now.Add(-keepFor), batch); err != nil {
				return err
			}
			for _, name := range names {
				if err := blob.Delete(ctx, tx, name); err != nil {
					return err
				}
				if err := forgetMail(ctx, tx, name); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		for _, name := range names {
			if err := b.Blobs.Remove(name); err != nil {
				return n, err
			}
		}
		n += len(names)
		more = len(names) == batch
	}
	var rows int64
	err = b.DB.Keep(ctx, func(tx *store.Tx) (err error) {
		rows, err = forgetOld(ctx, tx, tx.Now.Add(-sameFor), tx.Now.Add(-logFor))
		return err
	})
	return n + int(rows), err
}
