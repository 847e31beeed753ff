// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"time"

	"teiten/internal/guard"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/store"
)

// Settle is called after an import: if the guard has changed since it began,
// what the old one judged is judged again.
func Settle(ctx context.Context, db *store.DB, judge func(context.Context) (*guard.Guard, error), used *guard.Guard) error {
	now, err := judge(ctx)
	if err != nil || now == used {
		return err
	}
	return db.Keep(ctx, func(tx *store.Tx) error {
		return job.Enqueue(ctx, tx, member.RejudgeJob, struct{}{}, job.Unique("all"))
	})
}

// keepTried is how long the upload of a dry run waits to be imported for real.
const keepTried = 24 * time.Hour

// Forget removes the uploads that are no longer needed: those of finished
// imports at once, those that were only tried after a day. Their files go with
// the next sweep of the blob store.
func Forget(ctx context.Context, db *store.DB) (n int, err error) {
	err = db.Keep(ctx, func(tx *store.Tx) error {
		n, err = forgetUploads(ctx, tx, tx.Now.Add(-keepTried))
		return err
	})
	return n, err
}
