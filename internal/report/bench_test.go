// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/report"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// BenchmarkSubmit reports mails, each another, as durably as an installation
// does: checked, redacted, encrypted, on disk.
func BenchmarkSubmit(b *testing.B) {
	db, err := store.Open(ctx, store.Options{Data: filepath.Join(b.TempDir(), "data")})
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	w := newWorld(b, db)
	var took []time.Duration
	i := 0
	for b.Loop() {
		raw := parcel(i)
		if i++; i%2 == 0 {
			raw = unlike(i)
		}
		begin := time.Now()
		if _, _, err := report.SubmitRaw(ctx, w.db, w.blobs, w.checker, w.StaffA, raw, report.Submission{}); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(begin))
	}
	percentiles(b, took)
}

// BenchmarkFetched is what the handler of a block list pays when there is
// nothing new.
func BenchmarkFetched(b *testing.B) {
	w := newWorld(b, storetest.SQLite(b))
	at := time.Now()
	if err := report.Fetched(ctx, w.db, w.db, w.ContactA, at); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := report.Fetched(ctx, w.db, w.db, w.ContactA, at); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkSummary sums up a hundred advisories that three hundred institutions
// have fetched, as Home does.
func BenchmarkSummary(b *testing.B) {
	w := newWorld(b, storetest.SQLite(b))
	err := w.db.Keep(ctx, func(tx *store.Tx) error {
		now := store.Micros(tx.Now)
		exec := func(query string, args ...any) {
			if _, err := tx.Exec(ctx, query, args...); err != nil {
				b.Fatal(err)
			}
		}
		for i := range 300 {
			exec(`INSERT INTO organisation (id, kind, name, short, prefecture, beds, created_at) VALUES ($1, 'institution', $2, $2, '', 0, 0)`, 1000+i, fmt.Sprint(i))
		}
		for i := range 100 {
			exec(`INSERT INTO advisory (id, category, notice_kind, tlp, state, organisation_id, account_id, source, external_id, external_url, title, body, brand, products,
				observed_at, registered_at, published_at, changed_at, revision, reason, position) VALUES ($1, 'phishing', '', 1, 'published', 1, 1, 'x', '', '', 'x', 'y', '', '', $2, $2, $2, $2, 1, '', $3)`,
				5000+i, now, now+int64(i))
			exec(`INSERT INTO mail_case (id, state, title, verdict, reports, first_at, last_at, opened_at, taken_by, taken_at, decided_at,
				reopened_at, reason, advisory_id, advisory_state, merged_into, revision) VALUES ($1, 'published', 'x', 0, 1, $2, $2, $2, 0, 0, 0, 0, '', $1, 'published', 0, 1)`, 5000+i, now)
			exec(`INSERT INTO protection (advisory_id, published_at) VALUES ($1, $2)`, 5000+i, now)
			for j := range 300 {
				exec(`INSERT INTO protection_fetch (advisory_id, organisation_id, fetched_at) VALUES ($1, $2, $3)`, 5000+i, 1000+j, now+int64(j))
			}
		}
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	c := caller.Caller{Account: w.ContactA.Account, Org: 1007, OrgKind: caller.Institution, Role: caller.Contact}
	for b.Loop() {
		s, err := report.ProtectionSummary(ctx, w.db, c, time.Now().Add(-90*day))
		if err != nil || s.Advisories != 100 || s.OwnShare != 1 {
			b.Fatal(s, err)
		}
	}
}

func percentiles(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
