// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"context"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/member"
	"teiten/internal/report"
	"teiten/internal/store"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

// submitAt is submit at another time.
func (w *world) submitAt(at time.Time, c caller.Caller, raw []byte) *report.Report {
	w.Helper()
	id, _, err := report.SubmitRaw(store.At(ctx, at), w.db, w.blobs, w.checker, c, raw, report.Submission{})
	w.ok(err)
	r, err := report.Get(ctx, w.db, c, id)
	w.ok(err)
	return r
}

func (w *world) sightings(c caller.Caller, id int64) advisory.Sightings {
	w.Helper()
	all, err := advisory.ReadSightings(ctx, w.db, c, id)
	w.ok(err)
	return *all[id]
}

// sighters are the institutions as an analyst sees them, those whose name is not
// to be passed on in parentheses.
func (w *world) sighters(id int64) string {
	w.Helper()
	var names []string
	for _, o := range w.sightings(w.Analyst, id).Orgs {
		name := o.Name
		if o.Anonymous {
			name = "(" + name + ")"
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return strings.Join(names, " ")
}

// content is what an analyst publishes of a wave.
func content(level tlp.Level, group int64) advisory.Content {
	v, err := indicator.Normalise(indicator.URL, "https://www.parcel-again.example/redelivery")
	if err != nil {
		panic(err)
	}
	return advisory.Content{Category: category.Phishing, TLP: level, Group: group, Title: "お荷物", Body: "本文", Indicators: []indicator.Value{v}}
}

// publish makes a published advisory of a report's case.
func (w *world) publish(at time.Time, of int64, level tlp.Level, group int64) (id int64) {
	w.Helper()
	k := w.caseOf(of)
	id, err := report.Publish(store.At(ctx, at), w.db, nil, w.Analyst, w.guard, k.ID, k.Revision, content(level, group), advisory.Published)
	w.ok(err)
	return id
}

// recounted says that the trends' counts equal what is there.
func (w *world) recounted() {
	w.Helper()
	diff, err := trend.Check(ctx, w.db, w.Operator)
	w.ok(err)
	if len(diff) != 0 {
		w.Errorf("the counts differ from a recount: %+v", diff)
	}
}

// A report is a sighting of what becomes of it, once for each institution, on the
// day of its first report, and without its name.
func TestReportsAreSightings(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		start := time.Now().UTC().Truncate(time.Second).Add(-10 * day)
		at := func(n int) time.Time { return start.Add(time.Duration(n) * day) }
		contacts, staff := w.institutions(2)
		first := w.submitAt(at(0), w.StaffA, parcel(1))
		w.submitAt(at(1), w.OtherA, parcel(2))
		w.submitAt(at(2), w.StaffB, parcel(3))
		w.submitAt(at(2), w.ContactV, parcel(4)) // a vendor could not say so by hand either
		id := w.publish(at(3), first.ID, tlp.AmberStrict, 0)
		until := func() time.Time {
			t.Helper()
			hits, err := intel.Lookup(ctx, w.db, w.db.Key, w.Analyst, content(0, 0).Indicators)
			w.ok(err)
			return hits[0].ValidUntil
		}
		if s := w.sightings(w.Analyst, id); w.sighters(id) != "(乙病院) (甲病院)" || !s.First.Equal(at(0)) || !s.Last.Equal(at(2)) {
			t.Errorf("at publication: %q, %+v", w.sighters(id), s)
		}
		if got, want := until(), intel.ValidUntil(indicator.URL, at(3)); !got.Equal(want) {
			t.Errorf("reports from before made it valid until %v, want %v", got, want)
		}
		// Two are too few to be told, as by hand.
		if s := w.sightings(w.StaffA, id); s.Count.String() != "<3" || !s.Mine || !s.Reported || !s.MineAt.Equal(at(0)) || s.Orgs != nil || !s.First.IsZero() {
			t.Errorf("the first reporter sees %+v", s)
		}
		if s := w.sightings(staff[0], id); s.Count.String() != "<3" || s.Mine || s.Orgs != nil || !s.Last.IsZero() {
			t.Errorf("another member sees %+v", s)
		}
		// A report that joins the wave later adds its institution, and is news of
		// the attack; one more of the same does not.
		third := w.submitAt(at(4), staff[0], parcel(5))
		w.submitAt(at(5), contacts[0], parcel(6))
		w.submitAt(at(5), w.StaffA, parcel(7))
		if s := w.sightings(staff[1], id); s.Count.String() != "3" || !s.First.Equal(at(0)) || !s.Last.Equal(at(4)) {
			t.Errorf("with three a member sees %+v", s)
		}
		if got, want := until(), intel.ValidUntil(indicator.URL, at(4)); !got.Equal(want) {
			t.Errorf("a later report made it valid until %v, want %v", got, want)
		}
		w.recounted()

		// Who says so by hand lets its name be passed on, and keeps its day.
		w.ok(advisory.See(store.At(ctx, at(6)), w.db, w.ContactB, id))
		if s := w.sightings(w.StaffB, id); !s.Mine || s.Reported || !s.MineAt.Equal(at(2)) || w.sighters(id) != "(甲病院) (第1病院) 乙病院" {
			t.Errorf("by hand besides: %+v, %q", s, w.sighters(id))
		}
		// It is wrong, says the institution: then its reports do not count, and new
		// ones do.
		w.ok(advisory.Unsee(store.At(ctx, at(6)), w.db, contacts[0], id))
		if w.sighters(id) != "(甲病院) 乙病院" {
			t.Errorf("taken back by hand: %q", w.sighters(id))
		}
		if _, err := report.Split(ctx, w.db, w.Analyst, w.caseOf(first.ID).ID, third.ID); err != nil {
			t.Fatal(err)
		}
		w.ok(report.Merge(ctx, w.db, w.Analyst, w.caseOf(first.ID).ID, w.caseOf(third.ID).ID))
		if w.sighters(id) != "(甲病院) 乙病院" {
			t.Errorf("a merge brought back what was taken back by hand: %q", w.sighters(id))
		}
		w.submitAt(at(7), staff[0], parcel(8))
		if s := w.sightings(staff[0], id); !s.Mine || !s.MineAt.Equal(at(7)) {
			t.Errorf("a new report after that: %+v", s)
		}
		// Taken back, and by mistake: the button says it anew.
		w.ok(advisory.Unsee(store.At(ctx, at(8)), w.db, w.StaffA, id))
		w.ok(advisory.See(store.At(ctx, at(9)), w.db, w.StaffA, id))
		if s := w.sightings(w.StaffA, id); !s.Mine || s.Reported || !s.MineAt.Equal(at(9)) {
			t.Errorf("said anew: %+v", s)
		}
		w.recounted()
	})
}

// What leaves the case takes back its own sighting, and none that a person said.
func TestSightingsFollowReports(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, staff := w.institutions(1)
		a, b, c := w.submit(w.StaffA, parcel(1)), w.submit(w.StaffB, parcel(2)), w.submit(staff[0], parcel(3))
		again := w.submit(w.OtherA, parcel(4))
		id := w.publish(time.Now(), a.ID, tlp.AmberStrict, 0)
		w.ok(advisory.See(ctx, w.db, w.StaffB, id))
		is := func(when, want string) {
			t.Helper()
			if got := w.sighters(id); got != want {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
			w.recounted()
		}
		is("published", "(甲病院) (第1病院) 乙病院")
		of := w.caseOf(a.ID).ID
		split := func(ids ...int64) int64 {
			t.Helper()
			k, err := report.Split(ctx, w.db, w.Analyst, of, ids...)
			w.ok(err)
			return k
		}
		split(again.ID)
		is("a second report of an institution moved out", "(甲病院) (第1病院) 乙病院")
		apart := split(b.ID, c.ID)
		is("those of two moved out", "(甲病院) 乙病院")
		// Withdrawn there, it can do no more.
		w.ok(report.Withdraw(ctx, w.db, w.blobs, w.StaffB, b.ID))
		w.ok(report.Merge(ctx, w.db, w.Analyst, of, apart))
		is("merged again", "(甲病院) (第1病院) 乙病院")

		// Merged into a case without advisory, the others come along.
		other := w.submit(w.ContactB, payroll(1))
		w.ok(advisory.Unsee(ctx, w.db, w.StaffB, id))
		w.ok(report.Merge(ctx, w.db, w.Analyst, w.caseOf(other.ID).ID, of))
		is("merged into another case", "(甲病院) (第1病院)") // who took it back before the report came along
		w.submit(w.StaffB, payroll(2))
		is("with a new report of it", "(乙病院) (甲病院) (第1病院)")

		// The advisory is taken back: what was counted is history, until the
		// reports go.
		d, err := advisory.Get(ctx, w.db, w.Analyst, id)
		w.ok(err)
		w.ok(advisory.Withdraw(ctx, w.db, w.Analyst, w.guard, id, d.Revision, "誤り"))
		_, err = report.Follow(ctx, w.db, nil)
		w.ok(err)
		is("withdrawn", "(乙病院) (甲病院) (第1病院)")
		w.ok(report.Withdraw(ctx, w.db, w.blobs, staff[0], c.ID))
		is("a report withdrawn", "(乙病院) (甲病院)")
		// Another advisory takes the reports over.
		next := w.publish(time.Now(), other.ID, tlp.AmberStrict, 0)
		if got := w.sighters(id) + "; " + w.sighters(next); got != "; (乙病院) (甲病院)" {
			t.Errorf("published anew: %q", got)
		}
		w.recounted()
	})
}

// Nobody learns of an institution that could not have said so itself.
func TestSightingsOfThoseWhoMaySee(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, staff := w.institutions(3)
		group, err := member.AddGroup(ctx, w.db, w.Operator, "北の病院", "")
		w.ok(err)
		for _, c := range []caller.Caller{w.Analyst, w.StaffA, staff[0]} {
			w.ok(member.JoinGroup(ctx, w.db, w.Operator, group, c.Org))
		}
		a := w.submit(w.StaffA, parcel(1))
		for i, c := range []caller.Caller{w.StaffB, staff[0], staff[1]} {
			w.submit(c, parcel(2+i))
		}
		id := w.publish(time.Now(), a.ID, tlp.AmberStrict, group)
		if got := w.sighters(id); got != "(甲病院) (第1病院)" {
			t.Errorf("in a group: %q", got)
		}
		w.submit(staff[2], parcel(9))
		if s := w.sightings(w.StaffA, id); s.Count.String() != "<3" || w.sighters(id) != "(甲病院) (第1病院)" {
			t.Errorf("a report from outside the group: %+v, %q", s, w.sighters(id))
		}
		// Shared with all, they count; and stay when it is narrowed again, as what
		// was said by hand does.
		correct := func(to int64) {
			t.Helper()
			d, err := advisory.Get(ctx, w.db, w.Analyst, id)
			w.ok(err)
			w.ok(advisory.Correct(ctx, w.db, w.Analyst, w.guard, id, d.Revision, content(tlp.AmberStrict, to), "共有範囲"))
			n, err := report.Follow(ctx, w.db, nil)
			if err != nil || n != 1 {
				t.Fatalf("%d cases followed, %v", n, err)
			}
		}
		correct(0)
		correct(0) // a second correction is followed too
		if got := w.sighters(id); got != "(乙病院) (甲病院) (第1病院) (第2病院) (第3病院)" {
			t.Errorf("for all: %q", got)
		}
		correct(group)
		if got := w.sighters(id); got != "(乙病院) (甲病院) (第1病院) (第2病院) (第3病院)" {
			t.Errorf("narrowed: %q", got)
		}
		red := w.submit(w.StaffB, payroll(1))
		w.submit(w.StaffA, payroll(2))
		if got := w.sighters(w.publish(time.Now(), red.ID, tlp.Red, 0)); got != "" {
			t.Errorf("for the ISAC alone: %q", got)
		}
		w.recounted()
	})
}

// Whatever happens to reports and cases, the sightings are those that a recount
// from the reports and from what people said gives.
func TestSightingsEqualARecount(t *testing.T) {
	steps := 250
	if testing.Short() {
		steps = 80
	}
	each(t, func(t *testing.T, w *world) {
		seed := uint64(time.Now().UnixNano())
		t.Logf("seed %d", seed)
		m := newModel(w, rand.New(rand.NewPCG(seed, 1)))
		for n := range steps {
			m.step()
			m.compare(n)
			if t.Failed() {
				return
			}
		}
		w.recounted()
		for _, what := range []string{"report", "publish", "merge", "split", "withdraw", "see", "unsee"} {
			if m.done[what] == 0 && !testing.Short() {
				t.Errorf("%s never came to happen: %v", what, m.done)
			}
		}
	})
}

// spoken is what an institution said by hand of an advisory.
type spoken struct{ said, declined time.Time }

type model struct {
	*world
	*rand.Rand
	now     time.Time
	callers []caller.Caller // institutions, and at the end a vendor
	group   int64
	inGroup map[int64]bool
	spoken  map[[2]int64]spoken // by advisory and organisation
	mails   int
	done    map[string]int
}

func newModel(w *world, r *rand.Rand) *model {
	_, staff := w.institutions(2)
	m := &model{world: w, Rand: r, now: time.Now().UTC().Truncate(time.Microsecond).Add(-5 * day),
		callers: append(staff, w.StaffA, w.StaffB, w.ContactV), spoken: map[[2]int64]spoken{}, done: map[string]int{}}
	var err error
	m.group, err = member.AddGroup(ctx, w.db, w.Operator, "組", "")
	w.ok(err)
	m.inGroup = map[int64]bool{staff[0].Org: true, w.StaffA.Org: true}
	for org := range m.inGroup {
		w.ok(member.JoinGroup(ctx, w.db, w.Operator, m.group, org))
	}
	w.ok(member.JoinGroup(ctx, w.db, w.Operator, m.group, w.Analyst.Org))
	return m
}

// at is the time of the next step.
func (m *model) at() context.Context {
	m.now = m.now.Add(time.Duration(1+m.IntN(100)) * time.Minute)
	return store.At(ctx, m.now)
}

// some returns one of the numbers that a query gives, 0 for none.
func (m *model) some(query string, args ...any) int64 {
	m.Helper()
	all, err := store.Numbers(ctx, m.db, query, args...)
	m.ok(err)
	if len(all) == 0 {
		return 0
	}
	return all[m.IntN(len(all))]
}

func (m *model) step() {
	m.Helper()
	c := m.callers[m.IntN(len(m.callers))]
	switch what := m.IntN(32); {
	case what < 10:
		m.mails++
		mail := []func(int) []byte{parcel, payroll, unlike}[m.IntN(3)]
		if _, _, err := report.SubmitRaw(m.at(), m.db, m.blobs, m.checker, c, mail(m.mails), report.Submission{}); err != nil {
			m.Fatal(err)
		}
		m.done["report"]++
	case what < 12:
		m.decide("publish", `SELECT id FROM mail_case WHERE state IN ('new', 'triage') AND reports > 0 AND (advisory_id = 0 OR advisory_state = 'withdrawn')`, m.publishCase)
	case what == 12:
		m.decide("link", `SELECT id FROM mail_case WHERE state IN ('new', 'triage') AND reports > 0`, func(of int64) error {
			known := m.some(`SELECT id FROM advisory WHERE state = 'published'`)
			return report.Link(m.at(), m.db, nil, m.Analyst, of, known)
		})
	case what < 15:
		m.decide("merge", `SELECT id FROM mail_case WHERE state <> 'merged'`, func(into int64) error {
			other := m.some(`SELECT id FROM mail_case WHERE state <> 'merged' AND id <> $1`, into)
			return report.Merge(m.at(), m.db, m.Analyst, into, other)
		})
	case what < 18:
		m.decide("split", `SELECT case_id FROM mail_report WHERE withdrawn_at = 0 GROUP BY case_id HAVING COUNT(*) > 1`, func(of int64) error {
			one := m.some(`SELECT id FROM mail_report WHERE case_id = $1 AND withdrawn_at = 0`, of)
			_, err := report.Split(m.at(), m.db, m.Analyst, of, one)
			return err
		})
	case what < 20:
		if id := m.some(`SELECT id FROM mail_report WHERE withdrawn_at = 0 AND organisation_id = $1`, c.Org); id != 0 {
			lead := c
			lead.Role = caller.Contact
			m.try("withdraw", report.Withdraw(m.at(), m.db, m.blobs, lead, id))
		}
	case what == 20:
		if id := m.some(`SELECT id FROM advisory WHERE state = 'published'`); id != 0 {
			a, err := advisory.Get(ctx, m.db, m.Analyst, id)
			m.ok(err)
			m.try("advisory withdrawn", advisory.Withdraw(m.at(), m.db, m.Analyst, m.guard, id, a.Revision, "誤り"))
		}
	default:
		which := `SELECT id FROM advisory WHERE state = 'published' OR id = $1`
		if m.IntN(2) == 0 {
			which = `SELECT advisory_id FROM sighting WHERE retracted_at = 0 AND organisation_id = $1`
		}
		id := m.some(which, c.Org)
		key := [2]int64{id, c.Org}
		if m.IntN(2) == 0 {
			if m.try("see", advisory.See(m.at(), m.db, c, id)) && m.spoken[key].said.IsZero() {
				m.spoken[key] = spoken{said: m.now, declined: m.spoken[key].declined}
			}
		} else if m.try("unsee", advisory.Unsee(m.at(), m.db, c, id)) {
			m.spoken[key] = spoken{declined: m.now}
		}
	}
	_, err := report.Follow(m.at(), m.db, nil)
	m.ok(err)
}

// try notes what could be done. Much of what comes by chance is refused.
func (m *model) try(what string, err error) bool {
	if err == nil {
		m.done[what]++
	}
	return err == nil
}

// decide tries something on one of the numbers that a query gives.
func (m *model) decide(what, which string, do func(int64) error) {
	m.Helper()
	if id := m.some(which); id != 0 {
		m.try(what, do(id))
	}
}

func (m *model) publishCase(of int64) error {
	k, err := report.GetCase(ctx, m.db, m.Analyst, of)
	if err != nil {
		return err
	}
	to := content([]tlp.Level{tlp.Green, tlp.AmberStrict, tlp.Red}[m.IntN(3)], []int64{0, 0, m.group}[m.IntN(3)])
	_, err = report.Publish(m.at(), m.db, nil, m.Analyst, m.guard, of, k.Revision, to, advisory.Published)
	return err
}

// compare recounts the sightings of what is published.
func (m *model) compare(step int) {
	m.Helper()
	want := map[[2]int64]int64{} // when, by advisory and organisation
	put := func(key [2]int64, at time.Time) {
		if was, ok := want[key]; !ok || store.Micros(at) < was {
			want[key] = store.Micros(at)
		}
	}
	for _, s := range m.query(`SELECT a.id, r.organisation_id, r.reported_at FROM mail_report r JOIN mail_case c ON c.id = r.case_id
			JOIN advisory a ON a.id = c.advisory_id WHERE r.withdrawn_at = 0 AND a.state = 'published'`) {
		key := [2]int64{s[0], s[1]}
		var level, group int64
		m.ok(m.db.QueryRow(ctx, `SELECT tlp, group_id FROM advisory WHERE id = $1`, s[0]).Scan(&level, &group))
		may := s[1] != m.ContactV.Org && tlp.Level(level) <= tlp.AmberStrict && (group == 0 || m.inGroup[s[1]])
		if at := store.Time(s[2]); may && at.After(m.spoken[key].declined) {
			put(key, at)
		}
	}
	for key, s := range m.spoken {
		if !s.said.IsZero() && m.count(`SELECT COUNT(*) FROM advisory WHERE id = $1 AND state = 'published'`, key[0]) == 1 {
			put(key, s.said)
		}
	}
	got := map[[2]int64]int64{}
	for _, s := range m.query(`SELECT s.advisory_id, s.organisation_id, s.at FROM sighting s JOIN advisory a ON a.id = s.advisory_id
			WHERE s.retracted_at = 0 AND a.state = 'published'`) {
		got[[2]int64{s[0], s[1]}] = s[2]
	}
	if !maps.Equal(got, want) {
		m.Errorf("after step %d the sightings are\n%v, counted from the reports\n%v", step, got, want)
	}
}

func (m *model) query(query string) (all [][3]int64) {
	m.Helper()
	rows, err := m.db.Query(ctx, query)
	m.ok(err)
	defer rows.Close()
	for rows.Next() {
		var r [3]int64
		m.ok(rows.Scan(&r[0], &r[1], &r[2]))
		all = append(all, r)
	}
	m.ok(rows.Err())
	return all
}
