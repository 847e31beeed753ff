// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"teiten/internal/store"
	"teiten/internal/storetest"
)

// each runs fn on an empty store of each engine. The SQLite file is written as
// in production, with synchronous=FULL. The PostgreSQL server of the tests has
// fsync off, so that what it writes is compared only with what it writes.
func each(b *testing.B, fn func(b *testing.B, db *store.DB)) {
	b.Run("sqlite", func(b *testing.B) { fn(b, storetest.Open(b, store.Options{Data: b.TempDir()})) })
	b.Run("postgres", func(b *testing.B) { fn(b, storetest.Open(b, store.Options{Database: storetest.Address(b)})) })
}

// scaled is how many of n things a run has.
func scaled(n int) int {
	if testing.Short() {
		return n / 20
	}
	return n
}

// settle lets PostgreSQL count what was loaded, as its autovacuum does within
// minutes. SQLite plans without statistics.
func settle(b *testing.B, db *store.DB) {
	b.Helper()
	if db.Engine() != store.Postgres {
		return
	}
	err := db.Keep(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Exec(context.Background(), `ANALYZE`)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
}

// times are durations of single operations.
type times []time.Duration

// timed runs op n times and returns how long each took, the shortest first.
func timed(b *testing.B, n int, op func(i int) error) times {
	b.Helper()
	all := make(times, n)
	for i := range all {
		start := time.Now()
		if err := op(i); err != nil {
			b.Fatal(err)
		}
		all[i] = time.Since(start)
	}
	slices.Sort(all)
	return all
}

// at returns the quantile p, 0 to 1, of sorted times.
func (t times) at(p float64) time.Duration {
	return t[min(int(p*float64(len(t))), len(t)-1)]
}

func (t times) mean() time.Duration {
	var sum time.Duration
	for _, d := range t {
		sum += d
	}
	return sum / time.Duration(len(t))
}

func (t times) String() string {
	return fmt.Sprintf("p50 %s, p99 %s", short(t.at(.5)), short(t.at(.99)))
}

// short writes a duration with three places.
func short(d time.Duration) string {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= unit {
			return d.Round(unit / 100).String()
		}
	}
	return d.String()
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func microseconds(d time.Duration) float64 { return float64(d) / float64(time.Microsecond) }

func perSecond(n int, d time.Duration) float64 { return float64(n) / d.Seconds() }

func ratio(a, b time.Duration) float64 { return float64(a) / float64(b) }

// report adds metrics, given as value and unit in turn, to a benchmark's line,
// which has no use for ns/op: an iteration is many operations.
func report(b *testing.B, pairs ...any) {
	b.ReportMetric(0, "ns/op")
	for i := 0; i+1 < len(pairs); i += 2 {
		b.ReportMetric(pairs[i].(float64), pairs[i+1].(string))
	}
}
