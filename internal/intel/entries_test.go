// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

func leaving(t *testing.T, db *store.DB, c caller.Caller, s intel.Selection, today time.Time) (all []intel.Entry) {
	t.Helper()
	for e, err := range intel.Entries(ctx, db, c, s, today) {
		if err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
		all = append(all, e)
	}
	return all
}

// What leaves is what filtering and merging the visible claims by hand gives,
// in the same order on both engines.
func TestEntriesOfRandomSelections(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newModel(t, db)
		for range 12 {
			m.record(300)
		}
		compared, left := 0, 0
		people := []caller.Caller{m.Operator, m.ISACStaff, m.StaffA, m.ContactB, m.ContactV, m.ContactO, {}}
		for range 120 {
			c := people[m.r.IntN(len(people))]
			s := intel.Selection{Pages: m.r.IntN(2) == 0, ByHost: m.r.IntN(2) == 0, IncludeExpired: m.r.IntN(3) == 0}
			if m.r.IntN(3) == 0 {
				s.Kinds = []indicator.Kind{indicator.Kinds[m.r.IntN(4)], indicator.Domain}[:1+m.r.IntN(2)]
			}
			if m.r.IntN(4) == 0 {
				s.MaxAge = 1 + m.r.IntN(100)
			}
			if m.r.IntN(4) == 0 {
				s.MinConfidence = m.r.IntN(101)
			}
			if m.r.IntN(3) == 0 {
				level := tlp.Levels[m.r.IntN(5)]
				s.MaxTLP = &level
			}
			if m.r.IntN(8) == 0 {
				s.Categories = []category.Category{category.Targeted}
			}
			got := leaving(t, db, c, s, now)
			want := map[string]intel.Claim{}
			for _, v := range m.values {
				var all []*intel.Claim
				for _, claim := range m.visible(c, v.Value) {
					if m.leaves(s, claim) {
						all = append(all, claim)
					}
				}
				if len(all) > 0 {
					want[v.Value] = merged(all)
				}
			}
			compared++
			left += len(got)
			if len(got) != len(want) {
				t.Fatalf("%+v for %s: %d entries, want %d", s, c.Name, len(got), len(want))
			}
			for _, e := range got {
				w, ok := want[e.Value]
				if !ok || !e.FirstSeen.Equal(w.FirstSeen) || !e.LastSeen.Equal(w.LastSeen) || !e.ValidUntil.Equal(w.ValidUntil) ||
					e.Confidence != w.Confidence || e.TLP != w.TLP || e.HostBlocked != w.HostEntry {
					t.Fatalf("%+v for %s: %+v, want %+v", s, c.Name, e, w)
				}
			}
			if s.ByHost && !slices.IsSortedFunc(got, func(a, b intel.Entry) int {
				return strings.Compare(indicator.HostKey(a.Host)+"\x00"+a.Value, indicator.HostKey(b.Host)+"\x00"+b.Value)
			}) {
				t.Errorf("%+v is not in the order of hosts", s)
			}
		}
		t.Logf("%d selections, %d entries compared", compared, left)
		if left < 1000 {
			t.Error("too few entries to prove anything")
		}
	})
}

// leaves reports whether a claim, by itself, is in a selection.
func (m *model) leaves(s intel.Selection, c *intel.Claim) bool {
	whole := slices.Contains([]indicator.Kind{indicator.URL, indicator.Domain, indicator.IPv4, indicator.IPv6}, c.Kind)
	out := c.HostEntry || c.Entry && (s.Pages || !whole)
	if s.Pages && slices.Equal(s.Kinds, []indicator.Kind{indicator.URL}) {
		out = c.Entry
	}
	y, month, d := now.In(locale.Tokyo).Date()
	oldest := time.Date(y, month, d-s.MaxAge, 0, 0, 0, 0, locale.Tokyo)
	return out && (s.Kinds == nil || slices.Contains(s.Kinds, c.Kind)) &&
		(s.Categories == nil || slices.Contains(s.Categories, c.Category)) &&
		(s.IncludeExpired || c.ValidUntil.After(now)) &&
		(s.MaxAge == 0 || !c.LastSeen.Before(oldest)) &&
		c.Confidence >= s.MinConfidence && (s.MaxTLP == nil || c.TLP <= *s.MaxTLP && c.Group == 0)
}

// shelf is a portal that holds a few claims.
type shelf struct {
	*membertest.People
	t  *testing.T
	db *store.DB
}

func onShelf(t *testing.T, fn func(t *testing.T, p *shelf)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, &shelf{membertest.Register(t, db), t, db}) })
}

func norm(kind indicator.Kind, s string) indicator.Value {
	v, err := indicator.Normalise(kind, s)
	if err != nil {
		panic(err)
	}
	return v
}

// claim asserts, for the ISAC and for all, that v is hostile and may be listed.
func (p *shelf) claim(values ...indicator.Value) {
	p.t.Helper()
	claims := make([]intel.Claim, len(values))
	for i, v := range values {
		claims[i] = intel.Claim{Value: v, TLP: tlp.Clear, Org: p.Analyst.Org, Category: category.Phishing, Confidence: 80, Entry: true,
			HostEntry: v.Host != "", FirstSeen: now.UTC(), LastSeen: now.UTC(), ValidUntil: intel.ValidUntil(v.Kind, now)}
	}
	if err := p.db.Keep(ctx, func(tx *store.Tx) error { return intel.Assert(ctx, tx, claims) }); err != nil {
		p.t.Fatal(err)
	}
}

// shown writes entries as value, with ! where the host as a whole is refused.
func shown(all []intel.Entry) string {
	var s []string
	for _, e := range all {
		mark := ""
		if e.HostBlocked {
			mark = "!"
		}
		s = append(s, e.Value+mark)
	}
	slices.Sort(s)
	return strings.Join(s, " ")
}

// An exception is heard in every list of its institution, and in no other.
func TestExceptions(t *testing.T) {
	all := []indicator.Value{
		norm(indicator.URL, "https://www.h.example/a"), norm(indicator.URL, "https://www.h.example/b"), norm(indicator.URL, "https://h.example/c"),
		norm(indicator.Domain, "h.example"), norm(indicator.Domain, "x.www.h.example"), norm(indicator.Domain, "d.example"),
		norm(indicator.IPv4, "192.0.2.7"), norm(indicator.URL, "http://192.0.2.7/a"), norm(indicator.CIDR, "192.0.2.0/29"), norm(indicator.Email, "a@www.h.example"),
	}
	everything := shown(leavingOf(all))
	for _, c := range []struct {
		except indicator.Value
		pages  string // of the institution, with pages and hosts
		hosts  string // with hosts only
	}{
		{norm(indicator.URL, "https://www.h.example/a"), // its host and the name above are needed
			"192.0.2.0/29 192.0.2.7! a@www.h.example d.example! http://192.0.2.7/a! https://h.example/c https://www.h.example/b x.www.h.example!",
			"192.0.2.0/29 192.0.2.7! a@www.h.example d.example! http://192.0.2.7/a! x.www.h.example!"},
		{norm(indicator.Domain, "www.h.example"), // with all below it
			"192.0.2.0/29 192.0.2.7! d.example! http://192.0.2.7/a! https://h.example/c",
			"192.0.2.0/29 192.0.2.7! d.example! http://192.0.2.7/a!"},
		{norm(indicator.Domain, "h.example"),
			"192.0.2.0/29 192.0.2.7! d.example! http://192.0.2.7/a!",
			"192.0.2.0/29 192.0.2.7! d.example! http://192.0.2.7/a!"},
		{norm(indicator.IPv4, "192.0.2.7"),
			"a@www.h.example! d.example! h.example! https://h.example/c! https://www.h.example/a! https://www.h.example/b! x.www.h.example!",
			"a@www.h.example! d.example! h.example! https://h.example/c! https://www.h.example/a! https://www.h.example/b! x.www.h.example!"},
		{norm(indicator.URL, "http://192.0.2.7/other"),
			"a@www.h.example! d.example! h.example! http://192.0.2.7/a https://h.example/c! https://www.h.example/a! https://www.h.example/b! x.www.h.example!",
			"a@www.h.example! d.example! h.example! https://h.example/c! https://www.h.example/a! https://www.h.example/b! x.www.h.example!"},
		{norm(indicator.Domain, "example.com"), everything, everything},
	} {
		onShelf(t, func(t *testing.T, p *shelf) {
			p.claim(all...)
			if err := intel.AddException(ctx, p.db, p.ContactA, c.except, "検査結果の取り寄せに使うため"); err != nil {
				t.Fatal(err)
			}
			for _, ask := range []struct {
				c    caller.Caller
				s    intel.Selection
				want string
			}{
				{p.StaffA, intel.Selection{Own: true, Pages: true}, c.pages},
				{p.MachineA, intel.Selection{Own: true, ByHost: true}, c.hosts},
				{p.StaffA, intel.Selection{Pages: true}, everything},
				{p.StaffB, intel.Selection{Own: true, Pages: true}, everything},
			} {
				if got := shown(leaving(t, p.db, ask.c, ask.s, now)); got != ask.want {
					t.Errorf("without %s, %s with %+v gets\n%s\nwant\n%s", c.except.Value, ask.c.Name, ask.s, got, ask.want)
				}
			}
			if err := intel.RemoveException(ctx, p.db, p.ContactA, c.except); err != nil {
				t.Fatal(err)
			}
			if got := shown(leaving(t, p.db, p.StaffA, intel.Selection{Own: true, Pages: true}, now)); got != everything {
				t.Errorf("after taking the exception back: %s", got)
			}
		})
	}
}

// leavingOf is what the values are as entries that nothing holds.
func leavingOf(values []indicator.Value) (all []intel.Entry) {
	for _, v := range values {
		all = append(all, intel.Entry{Value: v.Value, HostBlocked: v.Host != ""})
	}
	return all
}

func TestWhoMayExcept(t *testing.T) {
	onShelf(t, func(t *testing.T, p *shelf) {
		v := norm(indicator.URL, "https://h.example/a?mail=taro@hospital.example")
		p.Each(func(name string, c caller.Caller) {
			err := intel.AddException(ctx, p.db, c, v, "理由")
			may := name == "甲病院 contact" || name == "乙病院 contact" || name == "見本ISAC operator"
			if may != (err == nil) || !may && fault.Code(err) != "fault.forbidden" {
				t.Errorf("%s: %v", name, err)
			}
		})
		for reason, code := range map[string]string{" ": "intel.reason", strings.Repeat("長", 501): "intel.reason_long", "a\x00": "intel.reason_text"} {
			if err := intel.AddException(ctx, p.db, p.ContactA, v, reason); fault.Code(err) != code {
				t.Errorf("reason %.5q: %v", reason, err)
			}
		}
		if err := intel.RemoveException(ctx, p.db, p.ContactA, norm(indicator.Domain, "x.example")); fault.Code(err) != "fault.not_found" {
			t.Errorf("taking back what is not there: %v", err)
		}
		all, err := intel.Exceptions(ctx, p.db, p.StaffA)
		if err != nil || len(all) != 1 || all[0].Value != v.Value || all[0].Reason != "理由" || all[0].Actor != p.ContactA.Name {
			t.Errorf("exceptions of 甲病院: %+v, %v", all, err)
		}
		var n int
		if err := p.db.QueryRow(ctx, `SELECT COUNT(*) FROM audit WHERE action = 'exception.add'`).Scan(&n); err != nil || n != 3 {
			t.Errorf("%d audit records, %v", n, err)
		}
		if err := p.db.QueryRow(ctx, `SELECT COUNT(*) FROM audit WHERE detail LIKE '%taro%'`).Scan(&n); err != nil || n != 0 {
			t.Errorf("the audit record tells a mail address (%d, %v)", n, err)
		}
	})
}

// What identifies a recipient does not leave.
func TestEntriesAreMasked(t *testing.T) {
	onShelf(t, func(t *testing.T, p *shelf) {
		p.claim(norm(indicator.URL, "https://a.example/u?mail=taro@hospital.example"), norm(indicator.URL, "https://b.example/t?token=a8f5f167f44f4964e6c998dee827110c"),
			norm(indicator.URL, "https://c.example/dGFyb0Bob3NwaXRhbC5leGFtcGxl/x"), norm(indicator.Email, "evil@d.example"))
		got := shown(leaving(t, p.db, p.StaffA, intel.Selection{Pages: true}, now))
		if want := "evil@d.example! https://a.example/u?mail=*! https://b.example/t?token=*! https://c.example/*/x!"; got != want {
			t.Errorf("%s, want %s", got, want)
		}
	})
}

// The version changes when what leaves changes, and with nothing else.
func TestVersion(t *testing.T) {
	onShelf(t, func(t *testing.T, p *shelf) {
		list := func(c caller.Caller) string {
			return shown(leaving(t, p.db, c, intel.Selection{Own: true, Pages: true, IncludeExpired: true}, now))
		}
		v := norm(indicator.URL, "https://h.example/a")
		batch := func(key int64, url string) func() error {
			return func() error {
				o := intel.NewObservation(norm(indicator.URL, url), intel.Claim{TLP: tlp.Clear, Org: p.Analyst.Org, Entry: true}, now.UTC())
				o.Key, o.ClaimKey = key, p.db.Key("url", o.Value.Value)
				return p.db.Keep(ctx, func(tx *store.Tx) error {
					_, err := intel.Record(ctx, tx, []intel.Observation{o})
					return err
				})
			}
		}
		for _, step := range []struct {
			name string
			do   func() error
			a, b bool // whether the lists of 甲病院 and 乙病院 change
		}{
			{"a claim", func() error { p.claim(v); return nil }, true, true},
			{"an observation", batch(1, "https://i.example/"), true, true},
			{"the same observation", batch(1, "https://i.example/"), false, false},
			{"an exception", func() error { return intel.AddException(ctx, p.db, p.ContactA, v, "理由") }, true, false},
			{"the exception taken back", func() error { return intel.RemoveException(ctx, p.db, p.ContactA, v) }, true, false},
			{"a release", func() error {
				return p.db.Keep(ctx, func(tx *store.Tx) error {
					return intel.Release(ctx, tx, 0, intel.Audience{Org: p.Analyst.Org}, []indicator.Value{v})
				})
			}, true, true},
			{"nothing", func() error { return nil }, false, false},
		} {
			listA, listB := list(p.StaffA), list(p.StaffB)
			versionA, versionB := p.version(p.StaffA), p.version(p.StaffB)
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.name, err)
			}
			for _, got := range []struct {
				who           string
				list, version bool
				want          bool
			}{
				{"甲病院", list(p.StaffA) != listA, p.version(p.StaffA) != versionA, step.a},
				{"乙病院", list(p.StaffB) != listB, p.version(p.StaffB) != versionB, step.b},
			} {
				if got.list != got.want || got.version != got.want {
					t.Errorf("%s: the list of %s changes %v, its version %v; want %v", step.name, got.who, got.list, got.version, got.want)
				}
			}
		}
		if p.version(p.StaffA) == p.version(p.StaffB) || p.version(p.StaffA) == p.version(p.ContactV) {
			t.Error("callers who see different things share a version")
		}
	})
}

func (p *shelf) version(c caller.Caller) string {
	p.t.Helper()
	v, err := intel.Version(ctx, p.db, c)
	if err != nil {
		p.t.Fatal(err)
	}
	return v
}

func TestSelectionCheck(t *testing.T) {
	for field, s := range map[string]intel.Selection{"age": {MaxAge: -1}, "confidence": {MinConfidence: 101}} {
		if err := s.Check(); fault.From(err) == nil || fault.From(err).Field != field {
			t.Errorf("%+v: %v", s, err)
		}
		for _, err := range intel.Entries(ctx, nil, caller.Caller{}, s, now) {
			if err == nil {
				t.Errorf("%+v yields an entry", s)
			}
		}
	}
	if err := (intel.Selection{MaxAge: 36500, MinConfidence: 100}).Check(); err != nil {
		t.Error(err)
	}
}
