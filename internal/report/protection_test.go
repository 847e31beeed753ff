// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/report"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

// From the first report to each institution's filter.
func TestProtection(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		contacts, staff := w.institutions(4) // with two more of membertest
		start := time.Now().Add(-6 * time.Hour).UTC().Truncate(time.Microsecond)
		at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
		fetch := func(c caller.Caller, minutes int) {
			t.Helper()
			w.ok(report.Fetched(ctx, w.db, w.db, c, at(minutes)))
		}
		read := func(c caller.Caller, id int64) *report.Protection {
			t.Helper()
			p, err := report.ReadProtection(ctx, w.db, c, id)
			w.ok(err)
			return p
		}
		// Each fetches every so often before anything is published.
		for _, c := range contacts {
			fetch(c, -3)
			fetch(c, -1)
		}
		first, _, err := report.SubmitRaw(store.At(ctx, at(0)), w.db, w.blobs, w.checker, staff[0], parcel(1), report.Submission{})
		w.ok(err)
		k := w.caseOf(first)
		w.ok(report.Take(store.At(ctx, at(20)), w.db, w.Analyst, k.ID))
		k = w.caseOf(first)
		publish := func(minutes int, k *report.Case, level tlp.Level) int64 {
			t.Helper()
			id, err := report.Publish(store.At(ctx, at(minutes)), w.db, nil, w.Analyst, w.guard, k.ID, k.Revision,
				advisory.Content{Category: category.Phishing, TLP: level, Title: "x", Body: "y"}, advisory.Published)
			w.ok(err)
			return id
		}
		id := publish(30, k, tlp.AmberStrict)
		if p := read(w.Analyst, id); p.Meant != 6 || p.Fetched.N != 0 || p.Median != -1 || p.Share != 0 || !p.First.Equal(at(0)) || !p.Triaged.Equal(at(20)) || !p.Published.Equal(at(30)) {
			t.Errorf("published: %+v", p)
		}
		fetch(contacts[1], 31)
		fetch(contacts[1], 40) // later fetches change nothing
		fetch(contacts[0], 35)
		fetch(w.ContactV, 36) // no institution, and the advisory is not for it
		p := read(w.Analyst, id)
		if p.Fetched.N != 2 || p.Median != 35*time.Minute || len(p.Fetches) != 6 || p.Fetches[0].Org != contacts[1].Org || !p.Fetches[0].At.Equal(at(31)) || !p.Fetches[5].At.IsZero() {
			t.Errorf("two have it: %+v", p)
		}
		// Members: few reported and few have it, so neither is told.
		if p = read(w.StaffB, id); !p.First.IsZero() || !p.Triaged.IsZero() || !p.Fetched.Hidden() || p.Share != -1 || p.Median != -1 || p.Fetches != nil || p.Meant != 6 || !p.Own.IsZero() {
			t.Errorf("another institution is told %+v", p)
		}
		if p = read(contacts[0], id); !p.First.Equal(at(0)) || !p.Own.Equal(at(35)) || p.Fetches != nil || !p.Fetched.Hidden() {
			t.Errorf("the reporters' institution is told %+v", p)
		}
		fetch(contacts[2], 90)
		if p = read(w.StaffB, id); p.Fetched.N != 3 || p.Share != 0.5 || p.Median != 5*time.Minute || !p.First.IsZero() {
			t.Errorf("with three: %+v", p)
		}
		if p, err := report.ReadProtection(ctx, w.db, w.ContactV, id); err == nil {
			t.Errorf("whom it is not for is told %+v", p)
		}
		// A member learns the beginning when three institutions reported.
		for i := 1; i < 3; i++ {
			if _, _, err := report.SubmitRaw(ctx, w.db, w.blobs, w.checker, staff[i], parcel(1+i), report.Submission{}); err != nil {
				t.Fatal(err)
			}
		}
		if p = read(w.StaffB, id); !p.First.Equal(at(0)) || p.Median != 35*time.Minute {
			t.Errorf("three institutions reported: %+v", p)
		}

		// A list that was made before the publication was committed does not count.
		pay, _, err := report.SubmitRaw(store.At(ctx, at(50)), w.db, w.blobs, w.checker, staff[1], payroll(1), report.Submission{})
		w.ok(err)
		second := w.caseOf(pay)
		err = w.db.View(ctx, contacts[3], func(snapshot *store.Tx) error {
			if err := snapshot.QueryRow(ctx, `SELECT COUNT(*) FROM protection`).Scan(new(int)); err != nil { // from here on it sees the store as it is now
				return err
			}
			other := publish(100, second, tlp.Green)
			w.ok(report.Fetched(ctx, w.db, snapshot, contacts[3], at(101)))
			if p := read(w.Analyst, other); p.Fetched.N != 0 {
				t.Errorf("a list without it counts: %+v", p)
			}
			// The next one does, although the publication is older than the last fetch.
			w.ok(report.Fetched(ctx, w.db, w.db, contacts[3], at(102)))
			if p := read(w.Analyst, other); p.Fetched.N != 1 || !p.Fetches[0].At.Equal(at(102)) {
				t.Errorf("the next list: %+v", p)
			}
			return nil
		})
		w.ok(err)

		sum := func(c caller.Caller) *report.Summary {
			t.Helper()
			s, err := report.ProtectionSummary(ctx, w.db, c, at(-60))
			w.ok(err)
			return s
		}
		s := sum(w.Analyst)
		// Of the first 31, 35, 90 and 101 minutes, of the second 52.
		if s.Advisories != 2 || s.Share != float64(4+1)/12 || s.ToFilter != 52*time.Minute || s.ToPublish != 50*time.Minute || s.Own != -1 {
			t.Errorf("the analysts' summary is %+v", s)
		}
		if s = sum(contacts[0]); s.Advisories != 2 || s.Own != 35*time.Minute || s.OwnShare != 0.5 || s.Share != -1 || s.ToFilter != -1 || s.ToPublish != -1 {
			t.Errorf("a member's summary is %+v", s)
		}
		if s = sum(w.ContactV); s.Advisories != 1 {
			t.Errorf("a vendor's summary is %+v", s)
		}
		if s, err := report.ProtectionSummary(ctx, w.db, w.Analyst, time.Now()); err != nil || s.Advisories != 0 || s.Share != -1 || s.ToFilter != -1 {
			t.Errorf("of nothing: %+v, %v", s, err)
		}
		// Withdrawn, it counts no more.
		d, err := advisory.Get(ctx, w.db, w.Analyst, id)
		w.ok(err)
		w.ok(advisory.Withdraw(ctx, w.db, w.Analyst, w.guard, id, d.Revision, "x"))
		if p := read(w.Analyst, id); p != nil || sum(w.Analyst).Advisories != 1 {
			t.Errorf("withdrawn: %+v", p)
		}
	})
}

// An advisory that the filters have already when a case is linked to it.
func TestProtectedBefore(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		early := time.Now().Add(-5 * day).UTC().Truncate(time.Microsecond)
		id, err := advisory.Submit(store.At(ctx, early), w.db, w.Analyst, w.guard, advisory.Submission{State: advisory.Published,
			Content: advisory.Content{Category: category.Phishing, TLP: tlp.Green, Title: "x", Body: "y"}})
		w.ok(err)
		last := time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
		w.ok(report.Fetched(ctx, w.db, w.db, w.ContactB, last))
		if p, err := report.ReadProtection(ctx, w.db, w.Analyst, id); p != nil || err != nil {
			t.Errorf("without a case: %+v, %v", p, err)
		}
		r := w.submit(w.StaffA, parcel(1))
		w.ok(report.Link(ctx, w.db, nil, w.Analyst, w.caseOf(r.ID).ID, id))
		p, err := report.ReadProtection(ctx, w.db, w.Analyst, id)
		if err != nil || p.Fetched.N != 1 || !p.Fetches[0].At.Equal(last) || p.Fetches[0].Org != w.ContactB.Org || p.Median != 0 {
			t.Errorf("linked: %+v, %v", p, err)
		}
	})
}

// Fetching a list costs no write when there is nothing new.
func TestFetchedWritesSeldom(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		now := time.Now().UTC().Truncate(time.Microsecond)
		last := func() time.Time {
			return store.Time(int64(w.count(`SELECT COALESCE(MAX(fetched_at), 0) FROM filter_fetch WHERE organisation_id = $1`, w.ContactA.Org)))
		}
		for _, step := range []struct{ seconds, want int }{{0, 0}, {1, 0}, {59, 0}, {60, 60}, {70, 60}, {121, 121}, {100, 121}} {
			w.ok(report.Fetched(ctx, w.db, w.db, w.ContactA, now.Add(time.Duration(step.seconds)*time.Second)))
			if want := now.Add(time.Duration(step.want) * time.Second); !last().Equal(want) {
				t.Errorf("after %d s it says %v, want %v", step.seconds, last(), want)
			}
		}
		w.ok(report.Fetched(ctx, w.db, w.db, caller.System("test"), now)) // of no organisation
		if n := w.count(`SELECT COUNT(*) FROM filter_fetch`); n != 1 {
			t.Errorf("%d organisations fetched", n)
		}
	})
}
