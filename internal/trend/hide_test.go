// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package trend_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/disclose"
	"teiten/internal/guard"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

// sightings are a portal with six institutions and what they received on the
// days from 2026-03-01 on.
type sightings struct {
	*membertest.People
	db    *store.DB
	many  []caller.Caller
	first int64
}

func receive(t *testing.T, db *store.DB) *sightings {
	t.Helper()
	s := &sightings{People: membertest.Register(t, db), db: db, first: trend.Day(tokyo(2026, 3, 1, 0, 0, 0))}
	s.many = []caller.Caller{s.ContactA, s.ContactB}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(db.Write(ctx, caller.System("test"), func(tx *store.Tx) error {
		for i := range 4 {
			org, err := member.AddOrganisation(ctx, tx, member.Organisation{Kind: caller.Institution, Name: fmt.Sprint("病院", i)})
			if err != nil {
				return err
			}
			s.many = append(s.many, caller.Caller{Account: 100 + int64(i), Org: org, OrgKind: caller.Institution, Role: caller.Contact})
		}
		return nil
	}))
	for _, in := range []struct {
		category category.Category
		kind     category.NoticeKind
		days     []int // on which each of many, in turn, received it
	}{
		{category.Phishing, "", []int{0, 0, 0, 0, 0, 1}},
		{category.Phishing, "", []int{2, 2, 2, 2, 9, 9}},
		{category.Phishing, "", []int{9}}, // the same hospital as on that day before, and another thing
		{category.Targeted, "", []int{0, 0, 0, 0, 2, 2}},
		{category.Notice, category.Malware, []int{0, 0, 0, 0, 35, 35}},
	} {
		id, err := advisory.Submit(store.At(ctx, tokyo(2026, 2, 1, 0, 0, 0)), db, s.Analyst, guard.New(nil), advisory.Submission{State: advisory.Published,
			Content: advisory.Content{Category: in.category, NoticeKind: in.kind, TLP: tlp.Clear, Title: "題", Body: "文"}})
		must(err)
		for i, day := range in.days {
			must(advisory.See(store.At(ctx, tokyo(2026, 3, 1+day, 12, 0, 0)), db, s.many[i], id))
		}
	}
	must(trend.Refresh(ctx, db))
	return s
}

func (s *sightings) read(t *testing.T, c caller.Caller, ask trend.Query) (all []string) {
	t.Helper()
	ask.Series = trend.Sighting
	points, err := trend.Read(ctx, s.db, c, ask)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range points {
		if p.Hidden.Hidden() && p.Count != 0 {
			t.Errorf("a hidden point has its count: %+v", p)
		}
		all = append(all, p.Period[5:]+" "+p.Item+" "+p.Shown().String())
	}
	slices.Sort(all)
	return all
}

func TestSightingsAreHidden(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := receive(t, db)
		march := trend.Query{Dimension: trend.Category, From: s.first, To: s.first + 30}
		for _, c := range []struct {
			who  caller.Caller
			ask  func(*trend.Query)
			want string
		}{
			{s.Analyst, func(*trend.Query) {}, "03-01 notice 4|03-01 phishing 5|03-01 targeted 4|03-02 phishing 1|03-03 phishing 4|03-03 targeted 2|03-10 phishing 3"},
			// One day alone, two that share it, and three by two: what could be computed from the sums is withheld too.
			{s.ContactA, func(*trend.Query) {}, "03-01 notice 4|03-01 phishing withheld|03-01 targeted withheld|03-02 phishing withheld|" +
				"03-03 phishing withheld|03-03 targeted withheld|03-10 phishing withheld"},
			{s.ContactO, func(q *trend.Query) { q.Monthly = true }, "03 notice 4|03 phishing 13|03 targeted 6"},
			{s.ContactA, func(q *trend.Query) { q.Monthly, q.From, q.To = true, q.From+20, q.To+10 }, "03 notice 4|03 phishing 13|03 targeted 6|04 notice withheld"},
			{s.ContactA, func(q *trend.Query) { q.Dimension = trend.NoticeKind }, "03-01 malware 4"},
			{s.ContactA, func(q *trend.Query) { q.Org = s.ContactA.Org }, "03-01 notice 1|03-01 phishing 1|03-01 targeted 1|03-03 phishing 1|03-10 phishing 1"},
		} {
			ask := march
			c.ask(&ask)
			if got := strings.Join(s.read(t, c.who, ask), "|"); got != c.want {
				t.Errorf("%s asking %+v is told\n%s\nwant\n%s", c.who.Name, ask, got, c.want)
			}
		}
		// Whatever part is asked for, it is a part of the same table: two questions
		// that differ by a day do not give the day.
		whole := s.read(t, s.ContactA, march)
		for from := march.From; from <= march.From+12; from++ {
			for to := from; to <= march.From+12; to++ {
				ask := trend.Query{Dimension: trend.Category, From: from, To: to}
				for _, told := range s.read(t, s.ContactA, ask) {
					if !slices.Contains(whole, told) {
						t.Errorf("from %d to %d is told %s", from, to, told)
					}
				}
				ask.Monthly = true
				if got := strings.Join(s.read(t, s.ContactA, ask), "|"); got != "03 notice 4|03 phishing 13|03 targeted 6" {
					t.Errorf("the month from %d to %d is %s", from, to, got)
				}
			}
		}
		ask := march
		ask.Item = "notice"
		if got := s.read(t, s.ContactA, ask); !slices.Equal(got, []string{"03-01 notice 4"}) {
			t.Errorf("of one item: %v", got)
		}
	})
}

func TestPointsAsJSON(t *testing.T) {
	for _, c := range []struct {
		p    trend.Point
		want string
	}{
		{trend.Point{Period: "2026-03", Item: "phishing", Count: 7}, `{"period":"2026-03","item":"phishing","count":7}`},
		{trend.Point{Period: "2026-03", Item: "phishing", Hidden: disclose.Count(disclose.Sightings, 2)}, `{"period":"2026-03","item":"phishing","count":{"fewer_than":3}}`},
	} {
		if b, err := json.Marshal(c.p); err != nil || string(b) != c.want {
			t.Errorf("%s, %v; want %s", b, err, c.want)
		}
	}
}
