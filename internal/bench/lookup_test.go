// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"teiten/internal/caller"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/store"
)

// contact is a hospital's security contact: he sees GREEN and AMBER, and has
// told nothing himself.
var contact = caller.Caller{Account: 9, Name: "担当者", Org: 9, OrgKind: caller.Institution, Role: caller.Contact}

// BenchmarkIndicators loads a million indicators once for each engine, beside
// the sample portal, and measures what is done with them.
func BenchmarkIndicators(b *testing.B) {
	each(b, func(b *testing.B, db *store.DB) {
		site := loadDemo(b, db)
		n, m := scaled(hosts), scaled(others)
		took := fillIndicators(b, db, n, m)
		b.Run("lookup", func(b *testing.B) {
			b.Logf("%d rows recorded in %s (%.0f rows/s)", n+m, short(took), perSecond(n+m, took))
			lookup(b, db, n)
		})
		b.Run("blocklist", func(b *testing.B) { blockLists(b, db, site, n) })
		b.Run("pages", func(b *testing.B) { pages(b, site, n) })
	})
}

// lookup asks for one value at a time, four known ones to each unknown one.
// What it is compared with is one query by the key, which says only whether
// there is a row; a look-up also counts observations and the indicators on the
// same host.
func lookup(b *testing.B, db *store.DB, n int) {
	ctx := context.Background()
	for b.Loop() {
		random := rand.New(rand.NewPCG(1, 1))
		asked := make([]indicator.Value, scaled(40_000))
		for i := range asked {
			asked[i] = value(random.IntN(n))
			if i%5 == 4 {
				asked[i] = unknown(random.IntN(n / 2))
			}
		}
		bare := func(i int) error {
			rows, err := db.Query(ctx, `SELECT kind, value, status FROM indicator WHERE key = $1`, db.Key(string(asked[i].Kind), asked[i].Value))
			if err != nil {
				return err
			}
			defer rows.Close()
			found := false
			for rows.Next() {
				var kind, value, status string
				if err := rows.Scan(&kind, &value, &status); err != nil {
					return err
				}
				found = true
			}
			if found != (i%5 != 4) {
				return fmt.Errorf("the bare query found %v for %d", found, i)
			}
			return rows.Err()
		}
		whole := func(i int) error {
			hits, err := intel.Lookup(ctx, db, db.Key, contact, asked[i:i+1])
			if err != nil {
				return err
			}
			if known := i%5 != 4; hits[0].Known != known || known && (!hits[0].Active || hits[0].Observations != 1) {
				return fmt.Errorf("look-up of %d: %+v", i, hits[0])
			}
			return nil
		}
		timed(b, len(asked)/10, whole) // what is read first is read from the disk
		plain, full := timed(b, len(asked), bare), timed(b, len(asked), whole)
		b.Logf("look-up: %s, %.0f/s; the bare query: %s, %.0f/s; ratio %.1f",
			full, 1/full.mean().Seconds(), plain, 1/plain.mean().Seconds(), ratio(full.at(.5), plain.at(.5)))
		report(b, microseconds(full.at(.5)), "p50-µs", microseconds(full.at(.99)), "p99-µs",
			microseconds(plain.at(.5)), "bare-p50-µs", ratio(full.at(.5), plain.at(.5)), "×bare")
	}
}
