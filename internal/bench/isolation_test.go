// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/membertest"
	"teiten/internal/store"
)

// unguarded is a store whose reads leave out who may see what: the very same
// statements without store.Visible. Only a benchmark has it.
type unguarded struct {
	store.Queryer
	known map[string]string // statements without it: to look for it takes longer than a look-up
	left  int               // predicates that were taken out
}

func (u *unguarded) without(query string) string {
	bare, ok := u.known[query]
	if !ok {
		bare = u.strip(query)
		u.known[query] = bare
	}
	return bare
}

func (u *unguarded) strip(query string) string {
	for _, alias := range []string{"a", "i", "o"} {
		for n := 1; n <= 8; n++ {
			if guard := store.Visible(alias, n); strings.Contains(query, guard) {
				u.left++
				// The arguments stay, as they are counted.
				query = strings.ReplaceAll(query, guard, fmt.Sprintf("(CAST($%d AS BIGINT) >= -1 AND CAST($%d AS BIGINT) >= 0)", n, n+1))
			}
		}
	}
	return query
}

func (u *unguarded) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return u.Queryer.Query(ctx, u.without(query), args...)
}

func (u *unguarded) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	return u.Queryer.QueryRow(ctx, u.without(query), args...)
}

// BenchmarkIsolation measures what it costs that each statement asks who may
// see a row: the same functions are called with and without the predicate, in
// turn. A tenth of everything is shared with one of three groups, of which the
// reader is in two; he sees all that is measured, so that both answers are the
// same.
func BenchmarkIsolation(b *testing.B) {
	each(b, func(b *testing.B, db *store.DB) {
		ctx := context.Background()
		p := membertest.Register(b, db)
		fillAdvisories(b, db, scaled(20_000))
		n := scaled(200_000)
		fillIndicators(b, db, n, 0)
		reader := p.ContactB
		shareSome(b, db, reader.Org, p.Analyst.Org)
		settle(b, db)
		random := rand.New(rand.NewPCG(1, 1))
		for _, c := range []struct {
			name  string
			times int
			ask   func(q store.Queryer, i int) (int, error)
		}{
			{"list page", 200, func(q store.Queryer, i int) (int, error) {
				page, err := advisory.List(ctx, q, reader, advisory.Filter{})
				return len(page.Items), err
			}},
			{"list of a category", 200, func(q store.Queryer, i int) (int, error) {
				page, err := advisory.List(ctx, q, reader, advisory.Filter{Category: "targeted"})
				return len(page.Items), err
			}},
			{"count of a list", 60, func(q store.Queryer, i int) (int, error) {
				return advisory.Count(ctx, q, reader, advisory.Filter{}, 10_001)
			}},
			{"search, rare", 200, func(q store.Queryer, i int) (int, error) {
				page, err := advisory.List(ctx, q, reader, advisory.Filter{Text: []string{"琥珀", "霊安", "梅田", "稚内"}[i%4]})
				return len(page.Items), err
			}},
			{"search, common", 200, func(q store.Queryer, i int) (int, error) {
				page, err := advisory.List(ctx, q, reader, advisory.Filter{Text: "メール"})
				return len(page.Items), err
			}},
			{"look-up", 2000, func(q store.Queryer, i int) (int, error) {
				hits, err := intel.Lookup(ctx, q, db.Key, reader, []indicator.Value{value(i * 7919 % n)})
				if err == nil && !hits[0].Known {
					err = fmt.Errorf("%d is not known", i)
				}
				return hits[0].Observations, err
			}},
			{"block list", 7, func(q store.Queryer, i int) (entries int, err error) {
				for _, err := range intel.Entries(ctx, q, reader, intel.Selection{ByHost: true}, time.Now()) {
					if err != nil {
						return 0, err
					}
					entries++
				}
				return entries, nil
			}},
		} {
			b.Run(c.name, func(b *testing.B) {
				for b.Loop() {
					open := &unguarded{Queryer: db, known: map[string]string{}}
					var took [2]times
					for i := range c.times + c.times/10 + 1 {
						var rows [2]int
						for _, which := range random.Perm(2) {
							q := []store.Queryer{db, open}[which]
							start := time.Now()
							n, err := c.ask(q, i)
							if err != nil {
								b.Fatal(err)
							}
							if rows[which] = n; i > c.times/10 { // what is read first is read from the disk
								took[which] = append(took[which], time.Since(start))
							}
						}
						if rows[0] != rows[1] {
							b.Fatalf("%d rows with the predicate, %d without", rows[0], rows[1])
						}
					}
					if open.left == 0 {
						b.Fatal("no predicate was taken out")
					}
					slices.Sort(took[0])
					slices.Sort(took[1])
					b.Logf("with: %s; without: %s; ratio %.2f", took[0], took[1], ratio(took[0].at(.5), took[1].at(.5)))
					report(b, microseconds(took[0].at(.5)), "p50-µs", microseconds(took[1].at(.5)), "without-p50-µs", ratio(took[0].at(.5), took[1].at(.5)), "×without")
				}
			})
		}
	})
}

// shareSome shares a tenth of the advisories and claims with groups 1 to 3, of
// which the reader is in 1 and 2, and what would be for the third with all.
func shareSome(b *testing.B, db *store.DB, reader, isac int64) {
	b.Helper()
	ctx := context.Background()
	err := db.Keep(ctx, func(tx *store.Tx) error {
		for id := int64(1); id <= 3; id++ {
			if _, err := tx.Exec(ctx, `INSERT INTO sharing_group (id, name, purpose, created_at, closed_at) VALUES ($1, '組', '', 1, 0)`, id); err != nil {
				return err
			}
			for _, org := range []int64{isac, reader} {
				if id == 3 && org == reader {
					continue
				}
				if _, err := tx.Exec(ctx, `INSERT INTO sharing_group_member (group_id, organisation_id, since) VALUES ($1, $2, 1)`, id, org); err != nil {
					return err
				}
			}
		}
		for _, q := range []string{
			`UPDATE advisory SET group_id = 1 + id / 10 % 2 WHERE id % 10 = 0`,
			`UPDATE indicator SET group_id = 1 + key / 10 % 2 WHERE key % 10 = 0`,
			`UPDATE observation SET group_id = 1 + indicator_key / 10 % 2 WHERE indicator_key % 10 = 0`,
		} {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
}
