// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory_test

import (
	"slices"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/member"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

// What is tallied in one question is what lists of the same things hold, for
// everybody, and no day begins before it does in Tokyo.
func TestTalliesEqualLists(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		p.must(member.AddInterest(ctx, p.db, p.ContactA, member.Interest{Org: p.ContactA.Org, Kind: member.Product, Value: "宅配"}))
		first := time.Date(2026, 3, 1, 14, 59, 0, 0, time.UTC) // 23:59 in Tokyo
		for i, by := range []caller.Caller{p.Analyst, p.ContactA, p.ContactB} {
			for j, level := range []tlp.Level{tlp.Green, tlp.Amber, tlp.Red} {
				for k, state := range advisory.States {
					when := first.Add(time.Duration(i*7+j*5+k) * 2 * time.Hour).Add(time.Duration(k) * time.Minute)
					c := content("件名 " + itoa(int64(100*i+10*j+k)))
					c.TLP = level
					id := p.in(state, by, c)
					storetest.Exec(p.t, p.db, `UPDATE advisory SET position = $1 + id, registered_at = $1 - id * 1000000,
							published_at = CASE WHEN published_at = 0 THEN 0 ELSE $1 END WHERE id = $2`, store.Micros(when), id)
				}
			}
		}
		p.work()
		since := first.Add(time.Minute) // midnight
		everywhere := 0
		p.everybody(func(name string, c caller.Caller) {
			list := func(f advisory.Filter) (all []*advisory.Advisory) {
				f.Limit, f.From = 1000, since
				page, err := advisory.List(ctx, p.db, c, f)
				p.must(err)
				return page.Items
			}
			want := map[int64]advisory.Tally{}
			count := func(items []*advisory.Advisory, add func(*advisory.Tally)) {
				for _, a := range items {
					day := trend.Day(store.Time(a.Position))
					tally := want[day]
					tally.Day = day
					add(&tally)
					want[day] = tally
				}
			}
			public := list(advisory.Filter{})
			count(public, func(t *advisory.Tally) { t.Published++ })
			var took []time.Duration
			for _, a := range public {
				if a.OrgKind == caller.Institution {
					took = append(took, a.TimeToPublish())
				}
			}
			if c.Org != 0 {
				count(list(advisory.Filter{Concerns: c.Org}), func(t *advisory.Tally) { t.Concerns++ })
				count(list(advisory.Filter{Org: c.Org, States: []advisory.State{
					advisory.InReview, advisory.Published, advisory.Corrected, advisory.Withdrawn}}), func(t *advisory.Tally) { t.Own++ })
			}
			got, err := advisory.Tallies(ctx, p.db, c, since)
			p.must(err)
			for i, tally := range got {
				if tally.Published+tally.Own == 0 { // a day on which others wait for review
					if !advisory.MayReview(c) {
						t.Errorf("%s: an empty day %+v", name, tally)
					}
					continue
				}
				if tally != want[tally.Day] || i > 0 && got[i-1].Day >= tally.Day {
					t.Errorf("%s: %+v, the lists have %+v", name, tally, want[tally.Day])
				}
				delete(want, tally.Day)
				everywhere += tally.Published + tally.Concerns + tally.Own
			}
			if len(want) > 0 {
				t.Errorf("%s: days are missing: %+v", name, want)
			}
			times, err := advisory.TimesToPublish(ctx, p.db, c, since)
			p.must(err)
			if slices.Sort(took); !slices.Equal(slices.Sorted(slices.Values(times)), took) {
				t.Errorf("%s: times %v, the list has %v", name, times, took)
			}
		})
		if everywhere < 100 {
			t.Errorf("only %d counted", everywhere)
		}
	})
}
