// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"teiten/internal/blob"
	"teiten/internal/guard"
	"teiten/internal/job"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// An upload is kept while it is needed: until it is stored, or for a day when
// it was only tried.
func TestForget(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		c, g := operator(t, db), theGuard(t)
		blobs, err := blob.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		upload := func() string {
			d, err := blobs.Create(ctx, "import", strings.NewReader(jpcertHead+"2024/09/02 11:34:00,https://a.example/,B\n"), 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if err := db.Keep(ctx, func(tx *store.Tx) error { return d.Attach(ctx, tx) }); err != nil {
				t.Fatal(err)
			}
			return d.Name
		}
		runner := job.NewRunner(db, slog.New(slog.DiscardHandler), map[string]job.Worker{
			Job: Worker(db, func(context.Context) (*guard.Guard, error) { return g, nil },
				func(ctx context.Context, name string) (io.ReadCloser, error) { return blobs.Open(ctx, db, name) }),
		})
		enqueue := func(name string, dry bool) {
			o := Defaults(JPCERT)
			o.DryRun = dry
			if _, err := Enqueue(ctx, db, c, o, "a.csv", name); err != nil {
				t.Fatal(err)
			}
		}
		forget := func(at time.Time) int {
			n, err := Forget(store.At(ctx, at), db)
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		tried, stored := upload(), upload()
		enqueue(tried, true)
		enqueue(stored, false)
		if n := forget(time.Now().AddDate(0, 0, 2)); n != 0 {
			t.Errorf("%d uploads were forgotten before they were read", n)
		}
		runner.Drain(ctx) // trend.refresh has no worker here and is given up
		if n := forget(time.Now()); n != 1 || countRows(t, db, `SELECT COUNT(*) FROM blob WHERE name = '`+stored+`'`) != 0 {
			t.Errorf("%d forgotten; the stored import's upload must be, the tried one's not", n)
		}
		if n := forget(time.Now().Add(keepTried + time.Hour)); n != 1 || countRows(t, db, `SELECT COUNT(*) FROM blob`) != 0 {
			t.Errorf("%d forgotten after a day", n)
		}
	})
}
