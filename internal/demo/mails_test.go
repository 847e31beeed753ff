// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/intel"
	"teiten/internal/mailcheck"
	"teiten/internal/report"
	"teiten/internal/store"
)

// The sample portal has cases in every state, and one that became protection.
func TestMails(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx, now := context.Background(), time.Now()
		guards := intel.NewGuards(db)
		checker, err := mailcheck.New(guards)
		if err != nil {
			t.Fatal(err)
		}
		blobs, err := blob.Open(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := Load(ctx, db, guards, now); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		if err := Mails(ctx, db, blobs, checker, guards, now); err != nil {
			t.Fatal(err)
		}
		took := time.Since(start)
		l, err := people(ctx, db, guards, now)
		if err != nil {
			t.Fatal(err)
		}
		analyst := l.analysts[0]
		list, err := report.Cases(ctx, db, analyst, report.CaseFilter{States: report.States})
		if err != nil {
			t.Fatal(err)
		}
		var waves []wave
		if err := read("data/mails.json", &waves); err != nil {
			t.Fatal(err)
		}
		states, reports, published := map[report.State]int{}, 0, int64(0)
		for _, c := range list.Items {
			states[c.State]++
			reports += c.Reports
			if c.State == report.Published {
				published = c.Advisory
			}
			if c.First.After(now) || c.Last.After(now) || c.Decided.After(now) {
				t.Errorf("the case %q lies in the future: %v to %v, %v", c.Title, c.First, c.Last, c.Decided)
			}
		}
		want := 0
		for _, w := range waves {
			want += len(w.Reports)
		}
		if len(list.Items) != len(waves) || reports != want || len(waves) != 5 {
			t.Errorf("%d cases of %d reports, want %d of %d", len(list.Items), reports, len(waves), want)
		}
		if states[report.New] != 2 || states[report.Triage] != 1 || states[report.Published] != 1 || states[report.Dismissed] != 1 {
			t.Errorf("states %v", states)
		}
		hidden(t, db, analyst)

		p, err := report.ReadProtection(ctx, db, analyst, published)
		if err != nil || p == nil {
			t.Fatalf("no time to protection: %v", err)
		}
		if p.First.IsZero() || p.Triaged.Before(p.First) || p.Published.Before(p.Triaged) || p.Fetched.N < 3 || p.Median <= 0 || p.Median > 24*time.Hour {
			t.Errorf("%+v", p)
		}
		for _, f := range p.Fetches {
			if !f.At.IsZero() && (f.At.Before(p.Published) || f.At.After(now)) {
				t.Errorf("%s has it at %v, published %v", f.Name, f.At, p.Published)
			}
		}
		sum, err := report.ProtectionSummary(ctx, db, analyst, now.AddDate(0, 0, -90))
		if err != nil || sum.Advisories != 1 || sum.ToFilter <= 0 {
			t.Errorf("%+v, %v", sum, err)
		}
		t.Logf("%d reports in %.2f s; published after %v, in %d of %d filters after %v (median)", reports, took.Seconds(),
			p.Published.Sub(p.First).Round(time.Minute), p.Fetched.N, p.Meant, p.Median.Round(time.Minute))
	})
}

// hidden says that no report tells analysts who got the mail.
func hidden(t *testing.T, db *store.DB, analyst caller.Caller) {
	t.Helper()
	all, err := report.List(context.Background(), db, analyst, report.Filter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for _, item := range all.Items {
		r, err := report.Get(context.Background(), db, analyst, item.ID)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "shokuin") || r.Reporter != "" {
			t.Errorf("the report %d names who got the mail: %s", r.ID, text)
		}
	}
}
