// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"teiten/internal/audit"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// BenchmarkTrail measures what a record costs when it is appended (beside an
// insertion of the same bytes into a bare table), sealed and verified (beside
// SHA-256 over as many bytes, which no verification can be faster than).
func BenchmarkTrail(b *testing.B) {
	n := 100_000
	if testing.Short() {
		n /= 20
	}
	for _, engine := range []struct {
		name string
		open func(testing.TB) *store.DB
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			for range b.N {
				tr := newTrail(b, engine.open(b))
				tr.exec(`CREATE TABLE bare (id BIGINT PRIMARY KEY, content TEXT NOT NULL)`)
				per := func(fn func()) float64 {
					start := time.Now()
					fn()
					return float64(time.Since(start).Microseconds()) / float64(n)
				}
				content := string(bytes.Repeat([]byte("x"), 150))
				bare := per(func() {
					err := tr.db.Keep(ctx, func(tx *store.Tx) error {
						for i := range n {
							if _, err := tx.Exec(ctx, `INSERT INTO bare (id, content) VALUES ($1, $2)`, i, content); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						b.Fatal(err)
					}
				})
				appending := per(func() {
					err := tr.db.Write(ctx, operator, func(tx *store.Tx) error {
						for i := range n {
							if err := audit.Append(ctx, tx, "advisory.publish", fmt.Sprint("advisory/", i), "from", "in_review", "to", "published", "revision", 3, "tlp", "AMBER"); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						b.Fatal(err)
					}
				})
				sealing := per(func() { tr.seal() })
				verifying := per(func() { tr.whole() })
				record := bytes.Repeat([]byte("x"), 260) // as an encoding has
				hashing := per(func() {
					for range 2 * n { // a leaf and, all in all, a node for each record
						sha256.Sum256(record)
					}
				})
				b.ReportMetric(appending, "µs/append")
				b.ReportMetric(appending/bare, "append/bare")
				b.ReportMetric(sealing, "µs/seal")
				b.ReportMetric(verifying, "µs/verify")
				b.ReportMetric(1e6/verifying, "verified/s")
				b.ReportMetric(verifying/hashing, "verify/sha256")
			}
		})
	}
}
