// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"teiten/internal/fold"
	"teiten/internal/search"
	"teiten/internal/store"
)

// item is an advisory to be stored.
type item struct {
	id, at                       int64
	category, title, body, brand string
	tlp                          int64
}

func (t item) text() string { return t.title + "\n" + t.body + "\n" + t.brand }

const advisoryRow = `INSERT INTO advisory (id, position, category, notice_kind, tlp, state, organisation_id, account_id, source, external_id,
		external_url, title, body, brand, products, observed_at, registered_at, published_at, changed_at, revision, reason)
	VALUES ($1, $2, $3, '', $4, 'published', 1, 1, '見本ISAC', '', '', $5, $6, $7, '', $2, $2, $2, $2, 1, '')`

// fillAdvisories stores n published advisories of ten years with their text's
// index and returns how long it took, without making up the texts. PostgreSQL
// gets them as a restored backup does, the index being made at the end.
func fillAdvisories(b *testing.B, db *store.DB, n int) (took time.Duration) {
	b.Helper()
	w := newWriter(2)
	random := rand.New(rand.NewPCG(3, 3))
	kinds := []string{"malicious_site", "phishing", "phishing", "phishing", "targeted", "notice"}
	first := time.Now().AddDate(-10, 0, 0)
	pause := time.Since(first) / time.Duration(n+1)
	const batch = 5000
	put := putAdvisories
	if db.Engine() == store.Postgres {
		put = copyAdvisories
	}
	for done := 0; done < n; done += batch {
		some := make([]item, min(batch, n-done))
		for i := range some {
			at := first.Add(time.Duration(done+i) * pause)
			some[i] = item{id: int64(1_000_000 + done + i), at: at.UnixMicro(), category: kinds[random.IntN(len(kinds))],
				title: w.title(), body: w.body(), brand: w.of(brands), tlp: int64(random.IntN(4))}
		}
		start := time.Now()
		if err := put(context.Background(), db, some, done+batch >= n); err != nil {
			b.Fatal(err)
		}
		took += time.Since(start)
	}
	settle(b, db)
	return took
}

func putAdvisories(ctx context.Context, db *store.DB, some []item, _ bool) error {
	return db.Keep(ctx, func(tx *store.Tx) error {
		for _, t := range some {
			if _, err := tx.Exec(ctx, advisoryRow, t.id, t.at, t.category, t.tlp, t.title, t.body, t.brand); err != nil {
				return fmt.Errorf("advisory: %w", err)
			}
			if err := search.Put(ctx, tx, t.id, t.at, t.text()); err != nil {
				return err
			}
		}
		return nil
	})
}

const (
	withoutGrams = `DROP INDEX IF EXISTS search_text_grams`
	withGrams    = `CREATE INDEX search_text_grams ON search_text USING gin (grams) WITH (fastupdate = off)`
)

func copyAdvisories(ctx context.Context, db *store.DB, some []item, last bool) error {
	return db.Keep(ctx, func(tx *store.Tx) error {
		for _, q := range []string{withoutGrams,
			`CREATE TEMP TABLE IF NOT EXISTS stage (position BIGINT, advisory_id BIGINT, folded TEXT, grams TEXT[]) ON COMMIT DELETE ROWS`} {
			if _, err := tx.Exec(ctx, q); err != nil {
				return err
			}
		}
		_, err := tx.Copy(ctx, "advisory", []string{"id", "position", "category", "notice_kind", "tlp", "state", "organisation_id", "account_id", "source",
			"external_id", "external_url", "title", "body", "brand", "products", "observed_at", "registered_at", "published_at", "changed_at",
			"revision", "reason"}, pgx.CopyFromSlice(len(some), func(i int) ([]any, error) {
			t := some[i]
			return []any{t.id, t.at, t.category, "", t.tlp, "published", int64(1), int64(1), "見本ISAC", "", "", t.title, t.body, t.brand, "",
				t.at, t.at, t.at, t.at, int64(1), ""}, nil
		}))
		if err != nil {
			return err
		}
		_, err = tx.Copy(ctx, "stage", []string{"position", "advisory_id", "folded", "grams"}, pgx.CopyFromSlice(len(some), func(i int) ([]any, error) {
			folded := fold.Text(some[i].text())
			grams := fold.Grams(folded)
			for i, g := range grams {
				grams[i] = fold.Token(g)
			}
			return []any{some[i].at, some[i].id, folded, grams}, nil
		}))
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT INTO search_text (position, advisory_id, folded, grams)
			SELECT position, advisory_id, folded, array_to_tsvector(grams) FROM stage`); err != nil || !last {
			return err
		}
		_, err = tx.Exec(ctx, withGrams)
		return err
	})
}
