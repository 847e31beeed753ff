// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/job"
	"teiten/internal/store"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

const jobs = 4000

// BenchmarkJobs adds jobs, 100 to a transaction, and runs them one by one, each
// with its lease and its end in transactions of their own. It is compared with
// bare rows of the same table, added and updated in as many transactions.
func BenchmarkJobs(b *testing.B) {
	each(b, func(b *testing.B, db *store.DB) {
		ctx := context.Background()
		n := scaled(jobs)
		for b.Loop() {
			start := time.Now()
			hundreds(b, db, n, func(tx *store.Tx, i int) error {
				return job.Enqueue(ctx, tx, "bench", struct{ N int }{i})
			})
			added := time.Since(start)
			ran := 0
			runner := job.NewRunner(db, quiet, map[string]job.Worker{"bench": func(context.Context, job.Job) error { ran++; return nil }})
			start = time.Now()
			if done, err := runner.Drain(ctx); err != nil || done != n || ran != n {
				b.Fatalf("%d of %d jobs done, %d run: %v", done, n, ran, err)
			}
			worked := time.Since(start)
			start = time.Now()
			hundreds(b, db, n, func(tx *store.Tx, i int) error {
				_, err := tx.Exec(ctx, `INSERT INTO job (kind, args, unique_key, state, run_at, attempts, lease_until, lease_token, last_error, created_at, finished_at)
					VALUES ('bare', $1, '', 'done', 0, 0, 0, '', '', 0, 0)`, fmt.Sprintf(`{"N":%d}`, i))
				return err
			})
			bareAdded := time.Since(start)
			ids := bareJobs(b, db)
			start = time.Now()
			for _, id := range ids {
				for _, q := range []string{`UPDATE job SET state = 'running' WHERE id = $1`, `UPDATE job SET state = 'done' WHERE id = $1`} {
					err := db.Keep(ctx, func(tx *store.Tx) error { _, err := tx.Exec(ctx, q, id); return err })
					if err != nil {
						b.Fatal(err)
					}
				}
			}
			bareWorked := time.Since(start) * time.Duration(n) / time.Duration(len(ids))
			b.Logf("%.0f jobs/s added, bare rows %.0f/s, ratio %.2f; %.0f jobs/s run by one worker, two bare updates each %.0f/s, ratio %.2f",
				perSecond(n, added), perSecond(n, bareAdded), ratio(added, bareAdded), perSecond(n, worked), perSecond(n, bareWorked), ratio(worked, bareWorked))
			report(b, perSecond(n, added), "added/s", ratio(added, bareAdded), "×bare-add", perSecond(n, worked), "run/s", ratio(worked, bareWorked), "×bare-run")
		}
	})
}

// bareJobs returns the ids of a tenth of the bare rows.
func bareJobs(b *testing.B, db *store.DB) (ids []int64) {
	b.Helper()
	rows, err := db.Query(context.Background(), `SELECT id FROM job WHERE kind = 'bare' ORDER BY id DESC LIMIT $1`, scaled(jobs)/10)
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			b.Fatal(err)
		}
		ids = append(ids, id)
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return ids
}

// hundreds calls fn for 0 to n-1, a hundred in each transaction.
func hundreds(b *testing.B, db *store.DB, n int, fn func(tx *store.Tx, i int) error) {
	b.Helper()
	for from := 0; from < n; from += 100 {
		err := db.Keep(context.Background(), func(tx *store.Tx) error {
			for i := from; i < min(from+100, n); i++ {
				if err := fn(tx, i); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkTrends counts 220,000 observations of 2,000 days, as after the first
// import of a list of years, and reads a year by month. It is compared with one
// GROUP BY over the observations, which is what a page would do without the
// stored counts.
func BenchmarkTrends(b *testing.B) {
	each(b, func(b *testing.B, db *store.DB) {
		ctx := context.Background()
		const days = 2000
		n := scaled(220_000)
		fillObservations(b, db, n, days)
		for b.Loop() {
			today := trend.Day(time.Now())
			err := db.Keep(ctx, func(tx *store.Tx) error {
				for day := today - days; day <= today; day++ {
					if err := trend.MarkDirty(ctx, tx, trend.Observation, day); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				b.Fatal(err)
			}
			start := time.Now()
			if err := trend.Refresh(ctx, db); err != nil {
				b.Fatal(err)
			}
			refreshed := time.Since(start)
			year := trend.Query{Series: trend.Observation, Dimension: trend.Brand, From: today - 365, To: today, Monthly: true}
			var sum int64
			read := timed(b, 100, func(int) error {
				points, err := trend.Read(ctx, db, contact, year)
				sum = 0
				for _, p := range points {
					sum += p.Count
				}
				return err
			})
			bare := timed(b, 10, func(int) error {
				got, err := group(ctx, db, year)
				if err == nil && got != sum {
					err = fmt.Errorf("the stored counts sum up to %d, the rows to %d", sum, got)
				}
				return err
			})
			if sum == 0 {
				b.Fatal("nothing was counted")
			}
			b.Logf("%d days of %d observations counted in %s (%.0f rows/s); a year by month: %s; without stored counts: %s; ratio %.2f",
				days, n, short(refreshed), perSecond(n, refreshed), read, bare, ratio(read.at(.5), bare.at(.5)))
			report(b, perSecond(n, refreshed), "rows/s", milliseconds(read.at(.5)), "year-p50-ms", milliseconds(read.at(.99)), "year-p99-ms",
				ratio(read.at(.5), bare.at(.5)), "×group")
		}
	})
}

func group(ctx context.Context, db *store.DB, ask trend.Query) (sum int64, err error) {
	ceiling, org := store.Sees(contact)
	rows, err := db.Query(ctx, `SELECT o.day, o.brand, COUNT(*) FROM observation o WHERE o.day BETWEEN $1 AND $2 AND o.brand <> ''
		AND `+store.Visible("o", 3)+` GROUP BY o.day, o.brand`, ask.From, ask.To, ceiling, org)
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var day, n int64
		var brand string
		if err := rows.Scan(&day, &brand, &n); err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, rows.Err()
}

// fillObservations records n rows about as many pages, spread over days.
func fillObservations(b *testing.B, db *store.DB, n, days int) {
	b.Helper()
	ctx := context.Background()
	file := importFile(b, db)
	w := newWriter(4)
	now := time.Now()
	const batch = 20_000
	for done := 0; done < n; done += batch {
		rows := make([]intel.Observation, min(batch, n-done))
		for i := range rows {
			url := fmt.Sprintf("https://page-%d.example/login", done+i)
			v := indicator.Value{Kind: indicator.URL, Value: url, Host: url[len("https://") : len(url)-len("/login")], Written: url}
			o := intel.NewObservation(v, intel.Claim{TLP: tlp.Green, Org: 1, Brand: w.of(brands)},
				now.AddDate(0, 0, -(done+i)%days))
			o.Key, o.ClaimKey, o.File, o.Source = db.Key("trends", url), db.Key(string(v.Kind), v.Value), file, "csv"
			rows[i] = o
		}
		err := db.Keep(ctx, func(tx *store.Tx) error { _, err := intel.Record(ctx, tx, rows); return err })
		if err != nil {
			b.Fatal(err)
		}
	}
	settle(b, db)
}
