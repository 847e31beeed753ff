// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package trend_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

var ctx = context.Background()

func tokyo(y int, m time.Month, d, h, min, s int) time.Time {
	return time.Date(y, m, d, h, min, s, 0, locale.Tokyo)
}

func TestDay(t *testing.T) {
	for _, c := range []struct {
		at   time.Time
		text string
	}{
		{tokyo(2026, 3, 4, 0, 0, 0), "2026-03-04"},
		{tokyo(2026, 3, 4, 23, 59, 59).Add(time.Second - time.Microsecond), "2026-03-04"},
		{time.Date(2026, 3, 3, 15, 0, 0, 0, time.UTC), "2026-03-04"},
		{time.Date(2026, 3, 3, 14, 59, 59, 999_999_000, time.UTC), "2026-03-03"},
		{tokyo(1970, 1, 1, 0, 0, 0), "1970-01-01"},
		{tokyo(1969, 12, 31, 23, 59, 59), ""},
		{tokyo(9999, 12, 31, 12, 0, 0), "9999-12-31"},
		{time.Time{}, ""},
	} {
		day := trend.Day(c.at)
		if got := trend.DayText(day); got != c.text || (c.text == "") != (day == trend.NoDay) {
			t.Errorf("%v is day %d, %q; want %q", c.at, day, got, c.text)
		}
		if day != trend.NoDay && (trend.Day(trend.DayStart(day)) != day || trend.Day(trend.DayStart(day).Add(-time.Microsecond)) >= day && day > 0) {
			t.Errorf("day %d does not start at %v", day, trend.DayStart(day))
		}
	}
}

func TestPeriods(t *testing.T) {
	day := func(s string) int64 {
		d, err := time.ParseInLocation(time.DateOnly, s, locale.Tokyo)
		if err != nil {
			t.Fatal(err)
		}
		return trend.Day(d)
	}
	q := trend.Query{From: day("2026-02-27"), To: day("2026-03-02")}
	if got := q.Periods(); strings.Join(got, " ") != "2026-02-27 2026-02-28 2026-03-01 2026-03-02" {
		t.Errorf("days %v", got)
	}
	q.Monthly = true
	if got := q.Periods(); strings.Join(got, " ") != "2026-02 2026-03" {
		t.Errorf("months %v", got)
	}
	q.From, q.To = trend.NoDay, 31
	if got := q.Periods(); strings.Join(got, " ") != "1970-01 1970-02" {
		t.Errorf("months from no day on: %v", got)
	}
}

// world is a portal in which things happen at random, and a plain list of what
// should be counted.
type world struct {
	*membertest.People
	t     *testing.T
	db    *store.DB
	guard *guard.Guard
	r     *rand.Rand

	items    []*item
	observed []observation
	groups   []map[int64]bool // members, by the group's place from 1
}

// found makes two sharing groups, whose ids are 1 and 2 in an empty store.
func (w *world) found() *world {
	w.t.Helper()
	w.groups = []map[int64]bool{nil, {w.Analyst.Org: true, w.StaffA.Org: true}, {w.Analyst.Org: true, w.StaffB.Org: true, w.ContactV.Org: true}}
	w.must(w.db.Keep(ctx, func(tx *store.Tx) error {
		for id, members := range w.groups {
			if id == 0 {
				continue
			}
			if _, err := tx.Exec(ctx, `INSERT INTO sharing_group (id, name, purpose, created_at, closed_at) VALUES ($1, '組', '', 1, 0)`, id); err != nil {
				return err
			}
			for org := range members {
				if _, err := tx.Exec(ctx, `INSERT INTO sharing_group_member (group_id, organisation_id, since) VALUES ($1, $2, 1)`, id, org); err != nil {
					return err
				}
			}
		}
		return nil
	}))
	return w
}

// sees is who may see what, written out anew.
func (w *world) sees(c caller.Caller, org int64, level tlp.Level, group int64) bool {
	return org == c.Org || level <= c.Ceiling() && (group == 0 || w.groups[group][c.Org])
}

type item struct {
	id, org, revision int64
	content           advisory.Content
	source            string
	state             advisory.State
	published         time.Time
	seen              map[int64]time.Time // by organisation
}

type observation struct {
	day, org int64
	tlp      tlp.Level
	group    int64
	items    map[trend.Dimension]string
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// moment is a time near the borders of days and months in Tokyo more often
// than not.
func (w *world) moment() time.Time {
	day := tokyo(2026, 1, 20, 0, 0, 0).AddDate(0, 0, w.r.IntN(40))
	switch w.r.IntN(4) {
	case 0:
		return day
	case 1:
		return day.Add(-time.Microsecond)
	case 2:
		return day.Add(9 * time.Hour) // midnight in UTC
	default:
		return day.Add(time.Duration(w.r.Int64N(int64(24 * time.Hour)))).Truncate(time.Microsecond)
	}
}

// content is what somebody of an organisation registers.
func (w *world) content(org int64) advisory.Content {
	c := advisory.Content{Category: category.All()[w.r.IntN(4)], TLP: tlp.Levels[w.r.IntN(5)], Title: "題", Body: "文",
		Brand: []string{"", "銀行", "宅配"}[w.r.IntN(3)]}
	if c.Category == category.Notice {
		c.NoticeKind = category.AllNotices()[w.r.IntN(3)]
	}
	if group := w.r.Int64N(4); group < int64(len(w.groups)) && w.groups[group][org] {
		c.Group = group
	}
	for _, id := range []string{"T1566.001", "T1566.002", "T1486"} {
		if w.r.IntN(2) == 0 {
			c.Techniques = append(c.Techniques, id)
		}
	}
	return c
}

func (w *world) step() {
	w.t.Helper()
	people := []caller.Caller{w.Analyst, w.StaffA, w.StaffB, w.ContactV}
	var it *item
	if len(w.items) > 0 {
		it = w.items[w.r.IntN(len(w.items))]
	}
	now := store.At(ctx, w.moment())
	switch op := w.r.IntN(12); {
	case it == nil || op < 2:
		c := people[w.r.IntN(len(people))]
		it := &item{org: c.Org, revision: 1, content: w.content(c.Org), source: c.OrgName, state: advisory.InReview, seen: map[int64]time.Time{}}
		id, err := advisory.Submit(now, w.db, c, w.guard, advisory.Submission{Content: it.content, State: it.state})
		w.must(err)
		it.id = id
		w.items = append(w.items, it)
	case op < 4 && it.state == advisory.InReview:
		it.published = w.moment()
		w.must(advisory.Publish(store.At(ctx, it.published), w.db, w.Analyst, w.guard, it.id, it.revision))
		it.state, it.revision = advisory.Published, it.revision+1
	case op < 6 && it.state.Public():
		it.content = w.content(w.Analyst.Org)
		w.must(advisory.Correct(now, w.db, w.Analyst, w.guard, it.id, it.revision, it.content, "訂正"))
		it.state, it.revision = advisory.Corrected, it.revision+1
	case op == 6 && it.state.Public() && it.state != advisory.Withdrawn:
		w.must(advisory.Withdraw(now, w.db, w.Analyst, w.guard, it.id, it.revision, "誤報"))
		it.state, it.revision = advisory.Withdrawn, it.revision+1
	case op < 9:
		c, at := []caller.Caller{w.StaffA, w.ContactB}[w.r.IntN(2)], w.moment()
		may := (it.state == advisory.Published || it.state == advisory.Corrected) && w.sees(c, it.org, it.content.TLP, it.content.Group)
		if err := advisory.See(store.At(ctx, at), w.db, c, it.id); (err == nil) != may {
			w.t.Fatalf("sighting of a %s TLP:%s advisory: %v", it.state, it.content.TLP, err)
		} else if _, known := it.seen[c.Org]; may && !known {
			it.seen[c.Org] = at
		}
	case op == 9:
		c := []caller.Caller{w.StaffA, w.ContactB}[w.r.IntN(2)]
		if advisory.Unsee(now, w.db, c, it.id) == nil {
			delete(it.seen, c.Org)
		}
	default:
		w.record()
	}
}

func (w *world) record() {
	w.t.Helper()
	c := []caller.Caller{w.Analyst, w.ContactA}[w.r.IntN(2)]
	n := 1 + w.r.IntN(80) // both ways into PostgreSQL
	batch := make([]intel.Observation, n)
	level, group := tlp.Levels[w.r.IntN(5)], w.r.Int64N(3)
	for i := range batch {
		at := w.moment()
		if w.r.IntN(10) == 0 {
			at = time.Time{}
		}
		if w.r.IntN(50) == 0 {
			at = tokyo(2999, 1, 1, 0, 0, 0) // a slip of the pen
		}
		text := fmt.Sprintf("https://h%d.example/", w.r.IntN(500))
		v := indicator.Value{Kind: indicator.URL, Value: text, Host: strings.Trim(text, "htps:/"), Written: text}
		brand := []string{"", "銀行"}[w.r.IntN(2)]
		o := intel.NewObservation(v, intel.Claim{TLP: level, Org: c.Org, Group: group, Category: category.All()[w.r.IntN(2)], Brand: brand}, at)
		o.Key, o.ClaimKey, o.Source = w.r.Int64(), w.db.Key("url", text), "csv"
		batch[i] = o
		w.observed = append(w.observed, observation{trend.Day(at), c.Org, level, group,
			map[trend.Dimension]string{trend.Category: string(o.Category), trend.Brand: brand, trend.Source: "csv"}})
	}
	w.must(w.db.Write(ctx, c, func(tx *store.Tx) error {
		if _, err := intel.Record(ctx, tx, batch); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "test.record", "observation")
	}))
}

// count is what Read should return, from the lists.
func (w *world) count(c caller.Caller, ask trend.Query) map[string]int64 {
	sum := map[string]int64{}
	add := func(day, org int64, level tlp.Level, group int64, item string) {
		if day < ask.From || day > ask.To || day == trend.NoDay || item == "" ||
			!w.sees(c, org, level, group) || ask.Org != 0 && org != ask.Org || ask.Item != "" && item != ask.Item {
			return
		}
		period := trend.DayText(day)
		if ask.Monthly {
			period = period[:7]
		}
		sum[period+" "+item]++
	}
	for _, it := range w.items {
		if it.state != advisory.Published && it.state != advisory.Corrected {
			continue
		}
		of := []string{map[trend.Dimension]string{trend.Category: string(it.content.Category), trend.NoticeKind: string(it.content.NoticeKind),
			trend.Brand: it.content.Brand, trend.Source: it.source}[ask.Dimension]}
		if ask.Dimension == trend.Technique {
			of = it.content.Techniques
		}
		for _, item := range of {
			switch ask.Series {
			case trend.Advisory:
				add(trend.Day(it.published), it.org, it.content.TLP, it.content.Group, item)
			case trend.Sighting:
				for org, at := range it.seen {
					add(trend.Day(at), org, it.content.TLP, it.content.Group, item)
				}
			}
		}
	}
	if ask.Series == trend.Observation {
		for _, o := range w.observed {
			add(o.day, o.org, o.tlp, o.group, o.items[ask.Dimension])
		}
	}
	return sum
}

func read(t *testing.T, db *store.DB, c caller.Caller, ask trend.Query) map[string]int64 {
	t.Helper()
	points, err := trend.Read(ctx, db, c, ask)
	if err != nil {
		t.Fatal(err)
	}
	sum := map[string]int64{}
	last := ""
	for _, p := range points {
		key := p.Period + " " + p.Item
		if _, twice := sum[key]; twice || p.Period < last {
			t.Errorf("%s comes twice or out of order", key)
		}
		sum[key], last = p.Count, p.Period
	}
	return sum
}

// Whatever happens, the stored counts are those of a recount, for everybody.
func TestCountsEqualARecount(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := (&world{People: membertest.Register(t, db), t: t, db: db, guard: guard.New(nil), r: rand.New(rand.NewPCG(5, 6))}).found()
		from, to := trend.Day(tokyo(2026, 1, 25, 0, 0, 0)), trend.Day(tokyo(2026, 2, 25, 0, 0, 0))
		compared, filled := 0, 0
		for round := range 6 {
			for range 60 {
				w.step()
			}
			if round%2 == 0 { // the others are counted by Check itself
				w.must(trend.Refresh(ctx, db))
			}
			differences, err := trend.Check(ctx, db, w.Operator)
			w.must(err)
			if len(differences) > 0 {
				t.Fatalf("round %d: %+v", round, differences)
			}
			w.Each(func(name string, c caller.Caller) {
				for _, s := range trend.AllSeries {
					for _, d := range s.Dimensions() {
						for _, ask := range []trend.Query{
							{Series: s, Dimension: d, From: from, To: to},
							{Series: s, Dimension: d, From: to - 9000, To: to, Monthly: true, Org: c.Org},
							{Series: s, Dimension: d, From: trend.NoDay, To: 365, Monthly: true}, // what has no date is in no period
							{Series: s, Dimension: d, From: from, To: to, Monthly: true, Item: "銀行"},
						} {
							got, want := read(t, db, c, ask), w.count(c, ask)
							compared, filled = compared+1, filled+len(want)
							if s == trend.Sighting && ask.Org == 0 && c.Ceiling() != tlp.Red {
								// Two institutions are too few for any number to be shown.
								for key, n := range want {
									if shown, there := got[key]; !there {
										t.Errorf("round %d: %s of %+v: nothing of %s, want %d hidden", round, name, ask, key, n)
									} else if shown != 0 {
										t.Errorf("round %d: %s of %+v is told %d of %s", round, name, ask, shown, key)
									}
								}
							} else if !maps.Equal(got, want) {
								t.Errorf("round %d: %s of %+v: %v, want %v", round, name, ask, got, want)
							}
						}
					}
				}
			})
		}
		t.Logf("%d advisories, %d observations; %d answers with %d counts compared", len(w.items), len(w.observed), compared, filled)

		var before []string
		dump := func() (all []string) {
			rows, err := db.Query(ctx, `SELECT series, dimension, item, day, tlp, organisation_id, group_id, count FROM daily_count ORDER BY 1, 2, 3, 4, 5, 6, 7`)
			w.must(err)
			defer rows.Close()
			for rows.Next() {
				var series, dimension, item string
				var n [5]int64
				w.must(rows.Scan(&series, &dimension, &item, &n[0], &n[1], &n[2], &n[3], &n[4]))
				all = append(all, fmt.Sprint(series, dimension, item, n))
			}
			return all
		}
		before = dump()
		w.must(trend.Recount(ctx, db))
		if after := dump(); !slices.Equal(before, after) {
			t.Errorf("a recount changes %d rows to %d", len(before), len(after))
		}
	})
}

// A count that somebody altered, added or took away is found.
func TestCheckFindsWhatWasAltered(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{People: membertest.Register(t, db), t: t, db: db, guard: guard.New(nil), r: rand.New(rand.NewPCG(9, 9))}
		for range 60 {
			w.step()
		}
		w.must(trend.Refresh(ctx, db))
		for _, c := range []struct {
			alter string
			want  func(d trend.Difference) bool
		}{
			{`UPDATE daily_count SET count = count + 2 WHERE series = 'observation' AND dimension = 'category' AND day = (SELECT MIN(day) FROM daily_count WHERE series = 'observation' AND day >= 0)
				AND item = 'phishing'`, func(d trend.Difference) bool {
				return d.Series == trend.Observation && d.Stored == d.Counted+2 && d.Day != ""
			}},
			{`DELETE FROM daily_count WHERE series = 'observation' AND dimension = 'source' AND day = -1`, func(d trend.Difference) bool {
				return d.Dimension == trend.Source && d.Day == "" && d.Stored == 0 && d.Counted > 0
			}},
			{`INSERT INTO daily_count (series, dimension, item, day, tlp, organisation_id, count) VALUES ('sighting', 'brand', '偽', 5, 0, 1, 3)`, func(d trend.Difference) bool {
				return d == trend.Difference{Series: trend.Sighting, Dimension: trend.Brand, Item: "偽", Day: "1970-01-06", Stored: 3}
			}},
		} {
			var altered int64
			w.must(db.Keep(ctx, func(tx *store.Tx) (err error) { altered, err = tx.Exec(ctx, c.alter); return err }))
			all, err := trend.Check(ctx, db, w.Operator)
			w.must(err)
			if altered == 0 || int64(len(all)) != altered || !slices.ContainsFunc(all, c.want) {
				t.Errorf("%s altered %d rows, and Check finds %+v", c.alter, altered, all)
			}
			w.must(trend.Recount(ctx, db))
			if all, err := trend.Check(ctx, db, w.Operator); err != nil || len(all) > 0 {
				t.Errorf("after a recount: %+v, %v", all, err)
			}
		}
	})
}

// Both sides of midnight in Tokyo are different days, whatever UTC says.
func TestMidnight(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		midnight := tokyo(2026, 3, 1, 0, 0, 0)
		for _, at := range []time.Time{midnight.Add(-time.Microsecond), midnight, midnight.Add(9 * time.Hour)} {
			if _, err := advisory.Submit(store.At(ctx, at), db, p.Analyst, guard.New(nil), advisory.Submission{State: advisory.Published,
				Content: advisory.Content{Category: category.Phishing, TLP: tlp.Clear, Title: "題", Body: "文"}}); err != nil {
				t.Fatal(err)
			}
		}
		if err := trend.Refresh(ctx, db); err != nil {
			t.Fatal(err)
		}
		day := trend.Day(midnight)
		ask := trend.Query{Series: trend.Advisory, Dimension: trend.Category, From: day - 1, To: day}
		if got := read(t, db, p.ContactO, ask); !maps.Equal(got, map[string]int64{"2026-02-28 phishing": 1, "2026-03-01 phishing": 2}) {
			t.Errorf("days: %v", got)
		}
		ask.Monthly = true
		if got := read(t, db, p.ContactO, ask); !maps.Equal(got, map[string]int64{"2026-02 phishing": 1, "2026-03 phishing": 2}) {
			t.Errorf("months: %v", got)
		}
	})
}

func TestReadRefuses(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		good := trend.Query{Series: trend.Advisory, Dimension: trend.Category, To: 10}
		for _, c := range []struct {
			code   string
			caller caller.Caller
			change func(*trend.Query)
		}{
			{"trend.dimension", p.StaffA, func(q *trend.Query) { q.Dimension = "x" }},
			{"trend.dimension", p.StaffA, func(q *trend.Query) { q.Series = "x" }},
			{"trend.dimension", p.StaffA, func(q *trend.Query) { q.Series, q.Dimension = trend.Observation, trend.Technique }},
			{"trend.period", p.StaffA, func(q *trend.Query) { q.From = 11 }},
			{"trend.period", p.StaffA, func(q *trend.Query) { q.To = 20_000 }},
			{"fault.forbidden", p.StaffA, func(q *trend.Query) { q.Org = p.StaffB.Org }},
			{"fault.forbidden", p.ISACStaff, func(q *trend.Query) { q.Org = p.StaffB.Org }},
			{"", p.Analyst, func(q *trend.Query) { q.Org = p.StaffB.Org }},
			{"", p.StaffA, func(q *trend.Query) { q.Org = p.StaffA.Org }},
			{"", p.StaffA, func(q *trend.Query) { q.Item = "\x00" }},
			{"", p.StaffA, func(q *trend.Query) { q.Item = "\xff" }},
		} {
			q := good
			c.change(&q)
			if _, err := trend.Read(ctx, db, c.caller, q); fault.Code(err) != c.code || c.code == "" && err != nil {
				t.Errorf("%+v: %v, want %q", q, err, c.code)
			}
		}
	})
	for _, s := range []string{"category", " brand "} {
		if _, err := trend.ParseDimension(s); err != nil {
			t.Errorf("%q: %v", s, err)
		}
	}
	if _, err := trend.ParseDimension("x"); fault.Code(err) != "trend.dimension" {
		t.Errorf("x: %v", err)
	}
}

// A change that commits after its day was counted has left its mark, also when
// the day was marked already.
func TestRefreshLosesNoMark(t *testing.T) {
	db := storetest.Postgres(t) // SQLite has one writer: there is no meanwhile
	mark := func(tx *store.Tx) error { return trend.MarkDirty(ctx, tx, trend.Observation, 5) }
	if err := db.Keep(ctx, mark); err != nil {
		t.Fatal(err)
	}
	err := db.Keep(ctx, func(tx *store.Tx) error { // a change that is not committed yet
		return errors.Join(mark(tx), trend.Refresh(ctx, db))
	})
	if err != nil {
		t.Fatal(err)
	}
	var n int
	if err := db.QueryRow(ctx, `SELECT COUNT(*) FROM dirty_day`).Scan(&n); err != nil || n != 1 {
		t.Errorf("%d marks are left, %v; want one", n, err)
	}
}

// A transaction that marks days twice and one that marks some of them between
// go on one after the other.
func TestMarksDoNotDeadlock(t *testing.T) {
	db := storetest.Postgres(t) // SQLite has one writer
	other := make(chan error, 1)
	err := db.Keep(ctx, func(tx *store.Tx) error {
		if err := trend.MarkDirty(ctx, tx, trend.Advisory, 1); err != nil {
			return err
		}
		go func() {
			other <- db.Keep(ctx, func(tx *store.Tx) error { return trend.MarkDirty(ctx, tx, trend.Sighting, 2) })
		}()
		for waiting := 0; waiting == 0 && len(other) == 0; {
			if err := db.QueryRow(ctx, `SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`).Scan(&waiting); err != nil {
				return err
			}
		}
		return trend.MarkDirty(ctx, tx, trend.Sighting, 2)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := <-other; err != nil {
		t.Error(err)
	}
}
