// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package demo

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/intel"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/trend"
)

// each is storetest.Each. The sample portal itself stands on SQLite; the many
// round trips to PostgreSQL are for those who have the time.
func each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	if testing.Short() {
		fn(t, storetest.SQLite(t))
		return
	}
	storetest.Each(t, fn)
}

func TestLoad(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		guards := intel.NewGuards(db)
		start := time.Now()
		if err := Load(ctx, db, guards, time.Now()); err != nil {
			t.Fatal(err)
		}
		t.Logf("loaded in %v", time.Since(start))
		r := job.NewRunner(db, slog.New(slog.DiscardHandler), map[string]job.Worker{
			trend.RefreshJob: trend.Worker(db), advisory.ConcernJob: advisory.ConcernWorker(db),
			member.RematchJob: advisory.RematchWorker(db), member.RejudgeJob: intel.RejudgeWorker(db, guards),
		})
		n, err := r.Drain(ctx)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d jobs, all in %v", n, time.Since(start))

		orgs, err := member.Organisations(ctx, db)
		if err != nil || len(orgs) != 19 {
			t.Errorf("%d organisations, %v", len(orgs), err)
		}
		analyst := caller.Caller{Org: orgs[0].ID, OrgKind: caller.ISAC, Role: caller.Analyst, Account: 2}
		all, err := advisory.List(ctx, db, analyst, advisory.Filter{States: advisory.States, Limit: 1000})
		if err != nil || len(all.Items) < 175 {
			t.Fatalf("%d advisories, %v", len(all.Items), err)
		}
		titles, seen := map[string]bool{}, map[advisory.State]int{}
		grouped, unnamed := 0, 0
		for _, a := range all.Items {
			if titles[a.Title] {
				t.Errorf("the title %q occurs twice", a.Title)
			}
			titles[a.Title] = true
			seen[a.State]++
			if a.GroupName != "" {
				grouped++
			}
			if a.Anonymous && a.Source != advisory.AnonymousName {
				unnamed++
			}
			if a.PublishedAt.After(time.Now()) || a.RegisteredAt.After(time.Now()) {
				t.Errorf("%q lies in the future", a.Title)
			}
		}
		for _, s := range []advisory.State{advisory.Draft, advisory.InReview, advisory.Published, advisory.Corrected, advisory.Withdrawn} {
			if seen[s] == 0 {
				t.Errorf("no advisory is %s", s)
			}
		}
		if grouped != 3 || unnamed != 1 {
			t.Errorf("%d advisories are shared with a group and %d told without a name", grouped, unnamed)
		}
		concerned := 0
		for _, o := range orgs {
			if o.Kind != caller.Institution {
				continue
			}
			c := caller.Caller{Org: o.ID, OrgKind: o.Kind, Role: caller.Contact, Account: 99}
			page, err := advisory.List(ctx, db, c, advisory.Filter{Concerns: o.ID})
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Items) > 0 {
				concerned++
			}
		}
		if concerned < 10 {
			t.Errorf("only %d of 12 hospitals have something that concerns them", concerned)
		}
		diff, err := trend.Check(ctx, db, analyst)
		if err != nil || len(diff) > 0 {
			t.Errorf("counts differ from a recount: %v, %v", diff, err)
		}
		entries := 0
		for _, err := range intel.Entries(ctx, db, analyst, intel.Selection{ByHost: true}, time.Now()) {
			if err != nil {
				t.Fatal(err)
			}
			entries++
		}
		if entries < 50 {
			t.Errorf("only %d entries for host lists", entries)
		}
	})
}
