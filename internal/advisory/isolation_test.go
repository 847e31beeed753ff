// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/store"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

// ceilings are, written out anew, the narrowest level of others' information
// that somebody may see: who is not named sees nothing of others.
var ceilings = map[string]tlp.Level{
	"見本ISAC operator": tlp.Red, "見本ISAC analyst": tlp.Red, "見本ISAC staff": tlp.AmberStrict,
	"甲病院 contact": tlp.AmberStrict, "甲病院 staff": tlp.AmberStrict, "甲病院 staff 2": tlp.AmberStrict,
	"甲病院 executive": tlp.AmberStrict, "甲病院 machine": tlp.AmberStrict,
	"乙病院 contact": tlp.AmberStrict, "乙病院 staff": tlp.AmberStrict,
	"丙社 contact": tlp.Amber, "丁庁 contact": tlp.Green, "nobody": -1,
}

// members are, by the names of their organisations, who is in the sharing
// groups of the matrix.
var members = map[string][]string{"A": {"見本ISAC", "甲病院"}, "VO": {"見本ISAC", "丙社", "丁庁"}}

// inGroup reports whether somebody's organisation is in a group, or all are.
func inGroup(name, group string) bool {
	return group == "" || slices.ContainsFunc(members[group], func(org string) bool { return strings.HasPrefix(name, org+" ") })
}

// told is one advisory of the matrix, with a word, a brand, a title and an
// indicator that no other has.
type told struct {
	id     int64
	org    int64
	tlp    tlp.Level
	state  advisory.State
	group  string // "" for all
	word   string
	title  string
	value  indicator.Value
	onHost indicator.Value
}

func (d told) public() bool {
	return d.state == advisory.Published || d.state == advisory.Corrected || d.state == advisory.Withdrawn
}

func (d told) active() bool { return d.public() && d.state != advisory.Withdrawn }

// The matrix: organisation × TLP × group × state × everybody × every function
// that reads. Expected is (TLP within the ceiling and member of the group, or
// own) and (public or own or reviewer), and what the function leaves out by its
// nature.
func TestIsolation(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	each(t, func(t *testing.T, p *portal) {
		all := p.matrix()
		hubs := p.hubs(all)
		p.work()
		cells, open, wrong := 0, 0, 0
		p.everybody(func(name string, c caller.Caller) {
			reviewer := strings.HasSuffix(name, "operator") || strings.HasSuffix(name, "analyst")
			for _, f := range reads(p, c, all, hubs) {
				for _, d := range all {
					own := c.Org == d.org
					want := d.tlp <= ceilings[name] && inGroup(name, d.group) || own
					if !f.counts {
						want = want && (d.public() || own || reviewer)
					}
					want = want && f.has(d)
					cells++
					if want {
						open++
					}
					if got := f.sees(d); got != want {
						t.Errorf("%s: %s sees TLP:%s %s of organisation %d for group %q: %v, want %v", f.name, name, d.tlp, d.state, d.org, d.group, got, want)
						if wrong++; wrong == 20 {
							t.Fatal("and perhaps more")
						}
					}
				}
			}
		})
		t.Logf("%d cells, %d of them open", cells, open)
	})
}

// everybody is each person and the zero caller.
func (p *portal) everybody(fn func(name string, c caller.Caller)) {
	p.Each(fn)
	fn("nobody", caller.Caller{})
}

// matrix registers one advisory for each organisation, TLP and state, and for
// groups those in which more than one thing differs: in review and public,
// by a member and by the ISAC, at the levels around the members' ceilings.
func (p *portal) matrix() (all []told) {
	p.t.Helper()
	groups := map[string]int64{"A": p.group("A", p.ContactA), "VO": p.group("VO", p.ContactV, p.ContactO)}
	p.must(p.db.Batch(ctx, func(batch ctxType) error {
		for _, c := range []caller.Caller{p.Analyst, p.ContactA, p.ContactB, p.ContactV, p.ContactO} {
			for _, level := range tlp.Levels {
				for _, state := range advisory.States {
					d, err := p.tell(batch, c, level, state, len(all), "", 0)
					if err != nil {
						return err
					}
					all = append(all, d)
				}
			}
		}
		for name, by := range map[string][]caller.Caller{"A": {p.Analyst, p.ContactA}, "VO": {p.Analyst, p.ContactO}} {
			for _, c := range by {
				for _, level := range tlp.Levels {
					for _, state := range []advisory.State{advisory.InReview, advisory.Corrected} {
						d, err := p.tell(batch, c, level, state, len(all), name, groups[name])
						if err != nil {
							return err
						}
						all = append(all, d)
					}
				}
			}
		}
		return nil
	}))
	return all
}

func (p *portal) tell(ctx ctxType, c caller.Caller, level tlp.Level, state advisory.State, n int, name string, group int64) (told, error) {
	d := told{org: c.Org, tlp: level, state: state, group: name, word: fmt.Sprintf("語%04d", n), title: fmt.Sprintf("%x", p.db.Key(fmt.Sprint(n)))}
	d.value, d.onHost = url(fmt.Sprintf("https://h%d.example/a", n)), url(fmt.Sprintf("https://h%d.example/b", n))
	text := content(d.title)
	text.TLP, text.Group, text.Brand, text.Body, text.Indicators = level, group, d.word, "本文 "+d.word, []indicator.Value{d.value}
	var err error
	d.id, err = advisory.Submit(ctx, p.db, c, p.guard, advisory.Submission{Content: text, State: advisory.InReview, Source: d.word})
	step := func(next error) {
		if err == nil {
			err = next
		}
	}
	switch state {
	case advisory.Draft:
		step(advisory.Return(ctx, p.db, p.Analyst, d.id, 1, "理由"))
	case advisory.Discarded:
		step(advisory.Discard(ctx, p.db, p.Analyst, d.id))
	case advisory.Published, advisory.Corrected, advisory.Withdrawn:
		step(advisory.Publish(ctx, p.db, p.Analyst, p.guard, d.id, 1))
	}
	switch state {
	case advisory.Corrected:
		step(advisory.Correct(ctx, p.db, p.Analyst, p.guard, d.id, 2, text, "理由"))
	case advisory.Withdrawn:
		step(advisory.Withdraw(ctx, p.db, p.Analyst, p.guard, d.id, 2, "理由"))
	}
	_, comment := advisory.AddComment(ctx, p.db, p.Analyst, d.id, "意見")
	step(comment)
	step(advisory.Decide(ctx, p.db, p.Analyst, d.id, true))
	// Whatever its state, an institution saw it: what must not be told is there.
	step(p.db.Write(ctx, p.Analyst, func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `INSERT INTO sighting (advisory_id, organisation_id, account_id, at, retracted_at) VALUES ($1, $2, $3, $4, 0)`,
			d.id, d.org, int64(1), store.Micros(tx.Now)); err != nil {
			return err
		}
		if err := trend.MarkDirty(ctx, tx, trend.Sighting, trend.Day(tx.Now)); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "test.see", "advisory/"+itoa(d.id))
	}))
	return d, err
}

// hubs publishes for the world advisories that link to all others.
func (p *portal) hubs(all []told) (hubs []int64) {
	p.t.Helper()
	for part := range slices.Chunk(all, 50) {
		hub := content("まとめ")
		hub.TLP = tlp.Clear
		for _, d := range part {
			hub.Related = append(hub.Related, d.id)
		}
		hubs = append(hubs, p.in(advisory.Published, p.Analyst, hub))
	}
	return hubs
}

// read is one function that reads, asked by one caller.
type read struct {
	name   string
	sees   func(told) bool
	has    func(told) bool // whether the function would show it to who may see all
	counts bool            // made from what was published, whoever asks
}

func reads(p *portal, c caller.Caller, all []told, hubs []int64) []read {
	any := func(told) bool { return true }
	set := func(f advisory.Filter) map[int64]bool {
		p.t.Helper()
		f.Limit = 1000
		page, err := advisory.List(ctx, p.db, c, f)
		p.must(err)
		ids := map[int64]bool{}
		for _, a := range page.Items {
			ids[a.ID] = true
		}
		return ids
	}
	in := func(ids map[int64]bool) func(told) bool { return func(d told) bool { return ids[d.id] } }
	found := func(err error) bool {
		if err != nil && outcome(err) != "not_found" {
			p.t.Fatal(err)
		}
		return err == nil
	}
	everyState := advisory.Filter{States: advisory.States}
	linked, named := map[int64]bool{}, map[int64]bool{}
	for _, hub := range hubs {
		links, err := advisory.Links(ctx, p.db, c, hub)
		p.must(err)
		for _, a := range links {
			linked[a.ID] = true
		}
		if a, err := advisory.Get(ctx, p.db, c, hub); found(err) {
			for _, id := range a.Related {
				named[id] = true
			}
		}
	}
	ids := make([]int64, len(all))
	for i, d := range all {
		ids[i] = d.id
	}
	sightings, err := advisory.ReadSightings(ctx, p.db, c, ids...)
	p.must(err)
	facets, err := advisory.ReadFacets(ctx, p.db, c)
	p.must(err)
	counted := func(s trend.Series, d trend.Dimension) func(told) bool {
		today := trend.Day(time.Now())
		points, err := trend.Read(ctx, p.db, c, trend.Query{Series: s, Dimension: d, From: today - 1, To: today + 1})
		p.must(err)
		items := map[string]bool{}
		for _, p := range points {
			items[p.Item] = true
		}
		return func(d told) bool { return items[d.word] }
	}
	leaving := map[string]bool{}
	for e, err := range intel.Entries(ctx, p.db, c, intel.Selection{Pages: true}, time.Now()) {
		p.must(err)
		leaving[e.Value] = true
	}
	duplicate := func(title string, values ...indicator.Value) map[int64]bool {
		p.t.Helper()
		all, err := advisory.FindDuplicates(ctx, p.db, c, 0, title, values)
		p.must(err)
		ids := map[int64]bool{}
		for _, d := range all {
			ids[d.ID] = true
		}
		return ids
	}
	lookup := func(d told) intel.Hit {
		hits, err := intel.Lookup(ctx, p.db, p.db.Key, c, []indicator.Value{d.value})
		p.must(err)
		return hits[0]
	}
	kept := func(d told) bool { return d.state != advisory.Discarded }
	return []read{
		{name: "Get", has: any, sees: func(d told) bool { _, err := advisory.Get(ctx, p.db, c, d.id); return found(err) }},
		{name: "List", has: told.public, sees: in(set(advisory.Filter{}))},
		{name: "List of every state", has: any, sees: in(set(everyState))},
		{name: "List by text", has: any, sees: func(d told) bool {
			return set(advisory.Filter{States: advisory.States, Text: d.word})[d.id]
		}},
		{name: "List by indicator", has: any, sees: func(d told) bool {
			return set(advisory.Filter{States: advisory.States, Indicator: &d.value})[d.id]
		}},
		{name: "Count", has: any, sees: func(d told) bool {
			n, err := advisory.Count(ctx, p.db, c, advisory.Filter{States: advisory.States, Brand: d.word}, 10)
			p.must(err)
			return n > 0
		}},
		{name: "Revisions", has: any, sees: func(d told) bool {
			all, err := advisory.Revisions(ctx, p.db, c, d.id)
			return found(err) && len(all) > 0
		}},
		{name: "Comments", has: any, sees: func(d told) bool {
			all, err := advisory.Comments(ctx, p.db, c, d.id)
			p.must(err)
			return len(all) > 0
		}},
		{name: "ReadOpinions", has: any, sees: func(d told) bool { _, err := advisory.ReadOpinions(ctx, p.db, c, d.id); return found(err) }},
		{name: "ReadSightings", has: any, sees: func(d told) bool { return sightings[d.id].Count.Some() }},
		{name: "Links", has: any, sees: in(linked)},
		{name: "Get, what it links to", has: any, sees: in(named)},
		{name: "FindDuplicates by indicator", has: kept, sees: func(d told) bool { return duplicate("", d.value)[d.id] }},
		{name: "FindDuplicates by host", has: kept, sees: func(d told) bool { return duplicate("", d.onHost)[d.id] }},
		{name: "FindDuplicates by title", has: kept, sees: func(d told) bool { return duplicate(d.title)[d.id] }},
		{name: "ReadFacets, sources", has: any, sees: func(d told) bool { return slices.Contains(facets.Sources, d.word) }},
		{name: "ReadFacets, brands", has: any, sees: func(d told) bool { return slices.Contains(facets.Brands, d.word) }},
		{name: "trend.Read of advisories", has: told.active, sees: counted(trend.Advisory, trend.Brand), counts: true},
		{name: "trend.Read of sightings", has: told.active, sees: counted(trend.Sighting, trend.Source), counts: true},
		{name: "intel.Lookup", has: told.public, sees: func(d told) bool { return lookup(d).Known }, counts: true},
		{name: "intel.Lookup, active", has: told.active, sees: func(d told) bool { return lookup(d).Active }, counts: true},
		{name: "intel.ByKey", has: told.public, sees: func(d told) bool {
			_, err := intel.ByKey(ctx, p.db, c, p.db.Key("url", d.value.Value))
			return found(err)
		}, counts: true},
		{name: "intel.OnHost", has: told.active, sees: func(d told) bool {
			all, err := intel.OnHost(ctx, p.db, c, d.onHost, 10)
			p.must(err)
			return len(all) > 0
		}, counts: true},
		{name: "intel.Entries", has: told.active, sees: func(d told) bool { return leaving[d.value.Value] }, counts: true},
	}
}

// The matrix is worth something only if it notices a hole: it must fail on a
// program in which a predicate was taken out. The program is changed while it
// is compiled, never on disk.
func TestIsolationNoticesHoles(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	for _, hole := range []struct{ file, old, new, test, says string }{
		{"../store/tx.go", `"(%[1]s.tlp <= $%[2]d AND "`, `"(1=1 OR %[1]s.tlp <= $%[2]d AND "`, "TestIsolation", "sees TLP:"},
		{"../store/tx.go", `"(%[1]s.group_id = 0 OR`, `"(1=1 OR %[1]s.group_id = 0 OR`, "TestIsolation", "sees TLP:"},
		{"../store/tx.go", `WHERE sgm.organisation_id = $%[3]d)`, `WHERE 1=1 OR sgm.organisation_id = $%[3]d)`, "TestIsolation", "sees TLP:"},
		{"sql.go", `OR $%d = 1)`, `OR 1=1 OR $%d = 1)`, "TestIsolation", "sees TLP:"},
		{"share.go", `&& groups[to.Group]`, ``, "TestNarrowed", "revision"},
		{"share.go", `return to.TLP <= c.Ceiling() && `, `return `, "TestNarrowed", "revision"},
		{"share.go", `case insider(c, a.Org):`, `case true:`, "TestAnonymous", "tells"},
		{"share.go", `if anonymous && m.Org == org && !insider(c, org) {`, `if false {`, "TestAnonymous", "tells"},
		{"share.go", `	if a.Anonymous {
		return AnonymousName
	}
`, ``, "TestAnonymous", "tells"},
		{"read.go", `if !insider(c, f.Org) {`, `if false {`, "TestAnonymous", "tells"},
		{"react.go", `if !MayReview(c) {
		for _, s`, `if false {
		for _, s`, "TestFewSightings", "is told"},
		{"react.go", `s.First, s.Last = time.Time{}, time.Time{}`, ``, "TestFewSightings", "is told"},
		{"../trend/hide.go", `return ask.Series != Sighting ||`, `return true ||`, "TestFewSightings", "is told"},
	} {
		name, err := filepath.Abs(hole.file)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), hole.old) != 1 {
			t.Fatalf("%s has no single %q any more", hole.file, hole.old)
		}
		dir := t.TempDir()
		holed := filepath.Join(dir, "holed.go")
		if err := os.WriteFile(holed, []byte(strings.Replace(string(text), hole.old, hole.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay, err := json.Marshal(map[string]map[string]string{"Replace": {name: holed}})
		if err != nil {
			t.Fatal(err)
		}
		list := filepath.Join(dir, "overlay.json")
		if err := os.WriteFile(list, overlay, 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command("go", "test", "-overlay", list, "-run", "^"+hole.test+"$/^sqlite$", ".").CombinedOutput()
		if err == nil || !strings.Contains(string(out), hole.says) {
			t.Errorf("with %q instead of %q in %s %s still holds: %v\n%s", hole.new, hole.old, hole.file, hole.test, err, out)
		}
	}
}
