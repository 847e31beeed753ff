// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

func BenchmarkOf(b *testing.B) {
	r := seeded(1)
	m := read(b, newPlan(r).mail(r))
	b.ReportAllocs()
	for b.Loop() {
		Of(m, key)
	}
}

// BenchmarkFind looks for waves in a store with the prints of 100,000 reports:
// 4,000 waves and as many ordinary mails as make up the number. Half of what is
// looked for is of a wave.
func BenchmarkFind(b *testing.B) {
	for _, engine := range []store.Dialect{store.SQLite, store.Postgres} {
		b.Run(fmt.Sprint(engine), func(b *testing.B) {
			open := storetest.SQLite
			if engine == store.Postgres {
				open = storetest.Postgres
			}
			db := open(b)
			const reports, waves, each = 100_000, 4_000, 10
			r := seeded(77)
			plans := make([]plan, waves)
			err := db.Keep(ctx, func(tx *store.Tx) error {
				stored := 0
				for i := 0; stored < reports; i++ {
					n := 1
					if i < waves {
						plans[i], n = newPlan(r), each
					}
					id, err := tx.Insert(ctx, `INSERT INTO mail_case (state, title, verdict, reports, first_at, last_at, opened_at, taken_by, taken_at, decided_at,
						reopened_at, reason, advisory_id, advisory_state, merged_into, revision) VALUES ('new', 'x', 0, 1, 1, 1, 1, 0, 0, 0, 0, '', 0, '', 0, 1) RETURNING id`)
					if err != nil {
						return err
					}
					for range n {
						raw := ""
						if i < waves {
							raw = plans[i].mail(r)
						} else {
							raw = ordinary(r)
						}
						if _, err := Put(ctx, tx, id, Of(read(b, raw), db.Key), tx.Now); err != nil {
							return err
						}
						stored++
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			var asked []Print
			for i := range 200 {
				if i%2 == 0 {
					asked = append(asked, Of(read(b, plans[r.IntN(waves)].mail(r)), db.Key))
				} else {
					asked = append(asked, Of(read(b, ordinary(r)), db.Key))
				}
			}
			c := caller.Caller{Account: 1, Org: 1, OrgKind: caller.Institution, Role: caller.Staff}
			var took []time.Duration
			found := 0
			for b.Loop() {
				for _, print := range asked {
					begin := time.Now()
					seen, err := Find(ctx, db, c, print)
					took = append(took, time.Since(begin))
					if err != nil {
						b.Fatal(err)
					}
					if seen != nil {
						found++
					}
				}
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
			b.ReportMetric(float64(found)/float64(len(took)), "found")
		})
	}
}
