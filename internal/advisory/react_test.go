// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/member"
	"teiten/internal/tlp"
)

func TestSightings(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		first := time.Date(2026, 3, 4, 3, 0, 0, 0, time.UTC)
		day := func(n int) time.Time { return first.AddDate(0, 0, n) }
		c := content("届いたメール")
		c.Indicators = []indicator.Value{url("https://evil.example/login")}
		id, err := advisory.Submit(at(first), p.db, p.Analyst, p.guard, advisory.Submission{Content: c, State: advisory.Published})
		p.must(err)
		read := func(c caller.Caller) advisory.Sightings {
			t.Helper()
			all, err := advisory.ReadSightings(ctx, p.db, c, id, id+1)
			p.must(err)
			return *all[id]
		}
		until := func() time.Time {
			t.Helper()
			hits, err := intel.Lookup(ctx, p.db, p.db.Key, p.Analyst, c.Indicators)
			p.must(err)
			return hits[0].ValidUntil
		}
		p.want(advisory.Unsee(ctx, p.db, p.StaffA, id), "advisory.sighting_none", "")
		p.must(advisory.See(at(day(1)), p.db, p.StaffA, id))
		p.must(advisory.See(at(day(3)), p.db, p.ContactB, id))
		if got, want := until(), intel.ValidUntil(indicator.URL, day(3)); !got.Equal(want) {
			t.Errorf("valid until %v after the second sighting, want %v", got, want)
		}
		p.must(advisory.See(at(day(5)), p.db, p.ContactA, id)) // the same institution
		if s := read(p.StaffA); s.Count.String() != "<3" || !s.First.IsZero() || !s.Last.IsZero() || !s.Mine || !s.MineAt.Equal(day(1)) || s.Orgs != nil {
			t.Errorf("after saying it again: %+v", s)
		}
		if s := read(p.Operator); s.Count.String() != "2" || !s.First.Equal(day(1)) || !s.Last.Equal(day(3)) {
			t.Errorf("the operator sees, after saying it again: %+v", s)
		}
		if got, want := until(), intel.ValidUntil(indicator.URL, day(3)); !got.Equal(want) {
			t.Errorf("saying it again moved the validity to %v", got)
		}
		if s := read(p.Analyst); s.Mine || !slices.Equal(s.Orgs, []advisory.Sighter{{Name: "甲病院"}, {Name: "乙病院"}}) {
			t.Errorf("the analyst sees %+v", s)
		}
		if s := read(p.ContactO); s.Count.String() != "<3" || !s.First.IsZero() || !s.Last.IsZero() || s.Mine || s.Orgs != nil {
			t.Errorf("an outside body sees %+v", s)
		}

		// A correction keeps what the sightings renewed.
		c.Body += "訂正"
		p.must(advisory.Correct(at(day(4)), p.db, p.Analyst, p.guard, id, 1, c, "誤字"))
		if got, want := until(), intel.ValidUntil(indicator.URL, day(3)); !got.Equal(want) {
			t.Errorf("valid until %v after a correction, want %v", got, want)
		}

		p.must(advisory.Unsee(at(day(6)), p.db, p.ContactA, id))
		p.want(advisory.Unsee(ctx, p.db, p.StaffA, id), "advisory.sighting_none", "")
		if s := read(p.Analyst); s.Count.String() != "1" || s.Mine || !s.First.Equal(day(3)) {
			t.Errorf("after retracting: %+v", s)
		}
		p.must(advisory.SeeAnonymously(at(day(7)), p.db, p.StaffA, id))
		if s := read(p.StaffA); s.Count.String() != "<3" || !s.MineAt.Equal(day(7)) {
			t.Errorf("after saying it anew: %+v", s)
		}
		if s := read(p.Analyst); !slices.Equal(s.Orgs, []advisory.Sighter{{Name: "乙病院"}, {Name: "甲病院", Anonymous: true}}) {
			t.Errorf("the analyst sees, after one said it without its name: %+v", s)
		}
		// With a third institution the number and the days name nobody.
		p.must(advisory.See(at(day(8)), p.db, p.institution("戊病院"), id))
		if s := read(p.ContactO); s.Count.String() != "3" || !s.First.Equal(day(3)) || !s.Last.Equal(day(8)) || s.Orgs != nil {
			t.Errorf("with three an outside body sees %+v", s)
		}
		p.want(advisory.See(ctx, p.db, p.Analyst, id), "advisory.sighting_who", "")
		p.want(advisory.See(ctx, p.db, p.StaffA, id+1), "fault.not_found", "")
	})
}

// What source and analyst say to each other about a draft stays with them when
// it is published.
func TestCommentsBeforePublication(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		id := p.submit(p.StaffA, advisory.InReview, content("相談中"))
		say := func(c caller.Caller, body string) {
			t.Helper()
			_, err := advisory.AddComment(ctx, p.db, c, id, body)
			p.must(err)
		}
		say(p.StaffA, "患者さんの名前が画像にあります")
		p.must(advisory.Publish(ctx, p.db, p.Analyst, p.guard, id, 1))
		say(p.ContactB, "うちにも")
		for name, want := range map[string]int{"甲病院 contact": 2, "見本ISAC analyst": 2, "乙病院 contact": 1, "丙社 contact": 1, "見本ISAC staff": 1} {
			p.Each(func(who string, c caller.Caller) {
				if who != name {
					return
				}
				all, err := advisory.Comments(ctx, p.db, c, id)
				if p.must(err); len(all) != want || all[len(all)-1].Body != "うちにも" {
					t.Errorf("%s reads %d remarks, want %d", name, len(all), want)
				}
			})
		}
	})
}

func TestComments(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		id := p.in(advisory.Published, p.StaffA, content("情報"))
		add := func(c caller.Caller, body string) int64 {
			t.Helper()
			n, err := advisory.AddComment(ctx, p.db, c, id, body)
			p.must(err)
			return n
		}
		bodies := func(c caller.Caller) string {
			t.Helper()
			all, err := advisory.Comments(ctx, p.db, c, id)
			p.must(err)
			var s []string
			for _, m := range all {
				if !m.Removed.IsZero() {
					m.Body = "[" + m.Body + "]"
				}
				s = append(s, m.OrgName+"("+m.Actor+"):"+m.Body)
			}
			return strings.Join(s, " ")
		}
		one, two := add(p.StaffA, " うちは\r\n無事 "), add(p.ContactB, "二件届いた")
		if got := bodies(p.ContactA); got != "甲病院(甲病院 staff):うちは\n無事 乙病院():二件届いた" {
			t.Errorf("甲病院 reads %q", got)
		}
		if got := bodies(p.Analyst); got != "甲病院(甲病院 staff):うちは\n無事 乙病院(乙病院 contact):二件届いた" {
			t.Errorf("the analyst reads %q", got)
		}
		for body, want := range map[string]string{" \n": "advisory.comment_empty", strings.Repeat("長", 2001): "advisory.long", "a\x00": "advisory.text", "\xff": "advisory.text"} {
			_, err := advisory.AddComment(ctx, p.db, p.StaffA, id, body)
			p.want(err, want, "body")
		}
		p.want(advisory.RemoveComment(ctx, p.db, p.ContactA, id, one, false), "fault.not_found", "") // a colleague's
		p.want(advisory.RemoveComment(ctx, p.db, p.StaffA, id, two, false), "fault.not_found", "")
		p.want(advisory.RemoveComment(ctx, p.db, p.StaffA, id+1, one, false), "fault.not_found", "")
		p.must(advisory.RemoveComment(ctx, p.db, p.StaffA, id, one, false))
		p.must(advisory.RemoveComment(ctx, p.db, p.Analyst, id, two, false))
		for _, want := range []struct {
			who  string
			c    caller.Caller
			text string
		}{
			{"another", p.ContactA, ""}, {"a colleague of its author", p.StaffB, ""}, {"an executive", p.ExecutiveA, ""},
			{"its author", p.ContactB, "乙病院(乙病院 contact):[二件届いた]"}, {"a reviewer", p.Operator, "乙病院(乙病院 contact):[二件届いた]"},
		} {
			if got := bodies(want.c); got != want.text {
				t.Errorf("after removing, %s reads %q", want.who, got)
			}
		}
		// The author cannot undo what a reviewer did, not by removing it once more.
		for _, restore := range []bool{true, false, true} {
			p.want(advisory.RemoveComment(ctx, p.db, p.ContactB, id, two, restore), "advisory.comment_moderated", "")
		}
		p.want(advisory.RemoveComment(ctx, p.db, p.StaffB, id, two, true), "fault.not_found", "")
		p.must(advisory.RemoveComment(ctx, p.db, p.StaffA, id, one, false))
		p.must(advisory.RemoveComment(ctx, p.db, p.StaffA, id, one, true))
		// Nor when he had taken it away himself before.
		three := add(p.ContactB, "三件目")
		p.must(advisory.RemoveComment(ctx, p.db, p.ContactB, id, three, false))
		p.must(advisory.RemoveComment(ctx, p.db, p.Operator, id, three, false))
		p.want(advisory.RemoveComment(ctx, p.db, p.ContactB, id, three, true), "advisory.comment_moderated", "")
		p.must(advisory.RemoveComment(ctx, p.db, p.Analyst, id, three, true)) // another reviewer may
		if got := bodies(p.StaffB); got != "甲病院():うちは\n無事 乙病院(乙病院 contact):三件目" {
			t.Errorf("after a reviewer restored it: %q", got)
		}
		p.must(advisory.RemoveComment(ctx, p.db, p.ContactB, id, three, false))
		p.must(advisory.RemoveComment(ctx, p.db, p.ContactB, id, three, true)) // and it is his again
		p.must(advisory.RemoveComment(ctx, p.db, p.ContactB, id, three, false))
		// A reviewer's own is as anybody's own: gone when she takes it away.
		four := add(p.Analyst, "消します")
		p.must(advisory.RemoveComment(ctx, p.db, p.Analyst, id, four, false))
		if got := bodies(p.Analyst); got != "甲病院(甲病院 staff):うちは\n無事 乙病院(乙病院 contact):[二件届いた]" {
			t.Errorf("the analyst reads %q", got)
		}
		p.must(advisory.RemoveComment(ctx, p.db, p.StaffA, id, one, true))
		if got := bodies(p.StaffB); got != "甲病院():うちは\n無事" {
			t.Errorf("after restoring: %q", got)
		}
	})
}

func TestOpinions(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		id := p.in(advisory.Published, p.StaffA, content("情報"))
		p.must(advisory.Decide(ctx, p.db, p.StaffA, id, true))
		p.must(advisory.Decide(ctx, p.db, p.StaffA, id, false)) // the last answer counts
		p.must(advisory.Decide(ctx, p.db, p.ContactB, id, true))
		o, err := advisory.ReadOpinions(ctx, p.db, p.StaffA, id)
		p.must(err)
		if o.Helped != 1 || o.NotHelped != 1 || o.Mine == nil || *o.Mine {
			t.Errorf("about an advisory: %+v", o)
		}
		if o, err := advisory.ReadOpinions(ctx, p.db, p.Analyst, id); err != nil || o.Mine != nil {
			t.Errorf("who did not answer: %+v, %v", o, err)
		}
		// Searches: one a day of each person.
		now := time.Now()
		p.must(advisory.Decide(at(now.AddDate(0, 0, -1)), p.db, p.StaffA, 0, true))
		p.must(advisory.Decide(at(now.AddDate(0, 0, -1)), p.db, p.StaffA, 0, true))
		o, err = advisory.ReadOpinions(ctx, p.db, p.StaffA, 0)
		p.must(err)
		if o.Helped != 1 || o.Mine != nil {
			t.Errorf("yesterday's search: %+v", o)
		}
		p.must(advisory.Decide(ctx, p.db, p.StaffA, 0, false))
		p.must(advisory.Decide(ctx, p.db, p.ContactB, 0, false))
		o, err = advisory.ReadOpinions(ctx, p.db, p.StaffA, 0)
		p.must(err)
		if o.Helped != 1 || o.NotHelped != 2 || o.Mine == nil || *o.Mine {
			t.Errorf("searches: %+v", o)
		}
		p.want(advisory.Decide(ctx, p.db, p.MachineA, 0, true), "fault.forbidden", "")
		hidden := p.in(advisory.Draft, p.StaffA, content("下書き"))
		p.want(advisory.Decide(ctx, p.db, p.ContactB, hidden, true), "fault.not_found", "")
		_, err = advisory.ReadOpinions(ctx, p.db, p.ContactB, hidden)
		p.want(err, "fault.not_found", "")
	})
}

func TestLinks(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		red := content("赤")
		red.TLP = tlp.Red
		hidden := p.in(advisory.Published, p.StaffB, red)
		open := p.in(advisory.Published, p.StaffB, content("緑"))
		draft := p.in(advisory.Draft, p.StaffB, content("下書き"))

		c := content("自分")
		c.Related = []int64{hidden, open, draft, open, 999}
		id := p.submit(p.StaffA, advisory.InReview, c)
		ids := func(c caller.Caller, of int64) (all []int64) {
			t.Helper()
			links, err := advisory.Links(ctx, p.db, c, of)
			p.must(err)
			for _, a := range links {
				all = append(all, a.ID)
			}
			slices.Sort(all)
			return all
		}
		if got := ids(p.Analyst, id); !slices.Equal(got, []int64{open}) {
			t.Errorf("links to %v, want only to what their author sees (%d)", got, open)
		}
		if got := ids(p.StaffB, open); got != nil {
			t.Errorf("back from a public one to what is in review: %v", got)
		}
		// A reviewer links to the red one; the author neither sees nor loses that.
		c.Related, c.DuplicateOf = []int64{open}, hidden
		p.must(advisory.Edit(ctx, p.db, p.Analyst, id, 1, c, advisory.InReview))
		a := p.get(p.StaffA, id)
		if a.DuplicateOf != 0 || !slices.Equal(a.Related, []int64{open}) {
			t.Errorf("the author is told of %d and %v", a.DuplicateOf, a.Related)
		}
		c.Related, c.DuplicateOf = nil, 0
		p.must(advisory.Edit(ctx, p.db, p.StaffA, id, 2, c, advisory.InReview))
		if a := p.get(p.Analyst, id); a.DuplicateOf != hidden || a.Related != nil {
			t.Errorf("after the author's edit: duplicate of %d, related %v", a.DuplicateOf, a.Related)
		}
		p.must(advisory.Publish(ctx, p.db, p.Analyst, p.guard, id, 3))
		if got := ids(p.StaffB, hidden); !slices.Equal(got, []int64{id}) {
			t.Errorf("the red one's owner sees links from %v", got)
		}
		p.Each(func(name string, c caller.Caller) {
			all, err := advisory.Revisions(ctx, p.db, c, id)
			p.must(err)
			for _, r := range all {
				if r.DuplicateOf != 0 || r.Related != nil {
					t.Errorf("revision %d tells %s of %d and %v", r.Number, name, r.DuplicateOf, r.Related)
				}
			}
		})
		// Nothing links to itself.
		c.Related = []int64{id}
		p.must(advisory.Correct(ctx, p.db, p.Analyst, p.guard, id, 4, c, "理由"))
		if a := p.get(p.Analyst, id); a.Related != nil {
			t.Errorf("linked to itself: %v", a.Related)
		}
	})
}

func TestConcerns(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		interest := func(c caller.Caller, kind member.InterestKind, value string) {
			t.Helper()
			p.must(member.AddInterest(ctx, p.db, c, member.Interest{Org: c.Org, Kind: kind, Value: value}))
		}
		interest(p.ContactA, member.Product, "SAP")
		interest(p.ContactA, member.CPE, "cpe:2.3:o:microsoft:windows_11:*:*:*:*:*:*:*:*")
		interest(p.ContactA, member.Product, "電子カルテ")
		interest(p.ContactB, member.Vendor, "ﾏｲｸﾛｿﾌﾄ")
		add := func(title, products string) int64 {
			c := content(title)
			c.Products = products
			return p.in(advisory.Published, p.StaffB, c)
		}
		sapporo := add("Sapporo の病院", "ASAP")
		sap := add("SAPの更新", "")
		windows := add("Microsoft の製品", "Windows 11 24H2")
		windows1 := add("Microsoft の製品", "Windows 110")
		karte := add("電子ｶﾙﾃの停止", "マイクロソフト製ではない")
		p.work()
		matched := func(c caller.Caller) map[int64]string {
			t.Helper()
			all, err := advisory.Matched(ctx, p.db, c, sapporo, sap, windows, windows1, karte)
			p.must(err)
			out := map[int64]string{}
			for id, words := range all {
				out[id] = strings.Join(words, "|")
			}
			return out
		}
		check := func(name string, got, want map[int64]string) {
			t.Helper()
			if len(got) != len(want) {
				t.Errorf("%s: %v, want %v", name, got, want)
			}
			for id, words := range want {
				if got[id] != words {
					t.Errorf("%s: advisory %d matches %q, want %q", name, id, got[id], words)
				}
			}
		}
		cpe := "cpe:2.3:o:microsoft:windows_11:*:*:*:*:*:*:*:*"
		check("甲病院", matched(p.StaffA), map[int64]string{sap: "SAP", windows: cpe, karte: "電子カルテ"})
		check("乙病院", matched(p.StaffB), map[int64]string{karte: "ﾏｲｸﾛｿﾌﾄ"})
		check("the ISAC", matched(p.Analyst), nil)

		page, err := advisory.List(ctx, p.db, p.StaffA, advisory.Filter{Concerns: p.StaffA.Org})
		p.must(err)
		if len(page.Items) != 3 {
			t.Errorf("%d advisories concern 甲病院", len(page.Items))
		}
		_, err = advisory.List(ctx, p.db, p.Operator, advisory.Filter{Concerns: p.StaffA.Org})
		p.want(err, "fault.forbidden", "")

		// They follow the interests, corrections and withdrawals.
		all, err := member.Interests(ctx, p.db, p.ContactA, p.ContactA.Org)
		p.must(err)
		for _, i := range all {
			if i.Value == "SAP" {
				p.must(member.RemoveInterest(ctx, p.db, p.ContactA, i.Org, i.ID))
			}
		}
		interest(p.ContactA, member.Product, "sapporo")
		p.must(advisory.Withdraw(ctx, p.db, p.Analyst, p.guard, windows, 2, "誤報"))
		c := content("電子帳票の停止")
		p.must(advisory.Correct(ctx, p.db, p.Analyst, p.guard, karte, 2, c, "品名"))
		p.work()
		check("甲病院 later", matched(p.StaffA), map[int64]string{sapporo: "sapporo"})
		check("乙病院 later", matched(p.StaffB), nil)
	})
}

func TestDuplicates(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		add := func(title string, state advisory.State, urls ...string) int64 {
			c := content(title)
			for _, s := range urls {
				c.Indicators = append(c.Indicators, url(s))
			}
			return p.in(state, p.StaffB, c)
		}
		same := add("甲", advisory.Published, "https://evil.example/a")
		host := add("乙", advisory.Published, "https://evil.example/b")
		var many []string
		for i := range 30 {
			many = append(many, "https://evil.example/m"+strings.Repeat("x", i))
		}
		crowd := add("丙", advisory.Withdrawn, many...)
		title := add("宅配業者をかたる不在通知のメール", advisory.Published)
		add("宅配業者をかたる不在通知のメール", advisory.Draft, "https://evil.example/a")
		add("宅配業者をかたる不在通知のメール", advisory.Discarded, "https://evil.example/a")
		mine := p.in(advisory.Draft, p.StaffA, content("宅配業者をかたる不在通知のメール"))
		find := func(c caller.Caller, except int64) (found []int64, why []string) {
			t.Helper()
			all, err := advisory.FindDuplicates(ctx, p.db, c, except, "宅配業者をかたる不在通知メールについて", []indicator.Value{url("https://EVIL.example/a"), {Kind: indicator.SHA256, Value: strings.Repeat("a", 64)}})
			p.must(err)
			for _, d := range all {
				found, why = append(found, d.ID), append(why, string(d.Why)+" "+d.By)
			}
			return found, why
		}
		found, why := find(p.StaffA, mine)
		if want := []int64{same, crowd, host, title}; !slices.Equal(found, want) {
			t.Errorf("found %v, want %v", found, want)
		}
		if want := "indicator hxxps://evil[.]example/a|host evil[.]example|host evil[.]example|title "; strings.Join(why, "|") != want {
			t.Errorf("because %q", why)
		}
		if found, _ := find(p.StaffA, 0); !slices.Contains(found, mine) {
			t.Errorf("the own draft is not among %v", found)
		}
		if found, _ := find(p.Analyst, 0); len(found) != 6 { // and 乙病院's draft
			t.Errorf("the analyst finds %v", found)
		}
	})
}

// Two changes at once that touch the same indicator: what filters get is what
// is published when both are done.
func TestClaimsOfTwoChangesAtOnce(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		c := content("同じ指標")
		c.Indicators = []indicator.Value{url("https://evil.example/a")}
		active := func() bool {
			t.Helper()
			hits, err := intel.Lookup(ctx, p.db, p.db.Key, p.StaffA, c.Indicators)
			p.must(err)
			return hits[0].Active
		}
		// together does one before, and commits it while the other waits.
		together := func(before, after func(ctxType) error) {
			t.Helper()
			done, end, late := make(chan struct{}), make(chan struct{}), make(chan error, 2)
			go func() {
				late <- p.db.Batch(ctx, func(ctx ctxType) error {
					err := before(ctx)
					close(done)
					<-end
					return err
				})
			}()
			<-done
			go func() { late <- after(ctx) }()
			time.Sleep(200 * time.Millisecond)
			close(end)
			p.must(<-late)
			p.must(<-late)
		}
		withdraw := func(id int64) func(ctxType) error {
			return func(ctx ctxType) error { return advisory.Withdraw(ctx, p.db, p.Analyst, p.guard, id, 2, "誤報") }
		}
		one, two := p.in(advisory.Published, p.StaffA, c), p.in(advisory.Published, p.StaffA, c)
		together(withdraw(one), withdraw(two))
		if active() {
			t.Error("both are withdrawn, but the indicator stays in the filters")
		}
		one, two = p.in(advisory.Published, p.StaffA, c), p.submit(p.StaffA, advisory.InReview, c)
		publish := func(ctx ctxType) error { return advisory.Publish(ctx, p.db, p.Analyst, p.guard, two, 1) }
		together(publish, withdraw(one))
		if !active() {
			t.Error("one is published, but the indicator left the filters")
		}
	})
}

// Claims follow what an advisory says now, not what it once said.
func TestClaimsFollow(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		c := content("指標")
		c.Brand, c.Indicators = "銀行", []indicator.Value{url("https://evil.example/a"), url("https://evil.example/b")}
		c.ObservedAt = time.Now().AddDate(0, -2, 0).UTC().Truncate(time.Microsecond)
		id := p.in(advisory.Published, p.StaffA, c)
		hit := func(c caller.Caller, n int, in []indicator.Value) intel.Hit {
			t.Helper()
			hits, err := intel.Lookup(ctx, p.db, p.db.Key, c, in)
			p.must(err)
			return hits[n]
		}
		before := c.Indicators
		if h := hit(p.ContactO, 0, before); !h.Active || h.TLP != tlp.Green || h.Categories[0] != "phishing" || h.Brands[0] != "銀行" {
			t.Errorf("published: %+v", h)
		}
		other := content("ほかの情報")
		other.Indicators = before[1:]
		p.in(advisory.Published, p.ContactA, other)

		c.Category, c.Brand, c.TLP = "malicious_site", "病院", tlp.Amber
		c.ObservedAt = c.ObservedAt.AddDate(0, 1, 0)
		p.must(advisory.Correct(ctx, p.db, p.Analyst, p.guard, id, 2, c, "分類"))
		if h := hit(p.StaffB, 0, before); !h.Active || h.TLP != tlp.Amber || h.Sources != 1 || h.Categories[0] != "malicious_site" || h.Brands[0] != "病院" {
			t.Errorf("corrected to AMBER: %+v", h)
		}
		if h := hit(p.ContactO, 0, before); h.Active || !h.Known {
			t.Errorf("for an outside body, which knew it, it is active %v, known %v", h.Active, h.Known)
		}
		if h := hit(p.ContactO, 1, before); !h.Active {
			t.Error("another advisory still says it, but it is not active")
		}
		// The same TLP: the category, the brand and the day of observation are the corrected ones.
		c.Category, c.Brand = "targeted", ""
		c.ObservedAt = c.ObservedAt.AddDate(0, 0, 7)
		c.Indicators = c.Indicators[:1]
		p.must(advisory.Correct(ctx, p.db, p.Analyst, p.guard, id, 3, c, "分類"))
		h := hit(p.ContactV, 0, before)
		if !h.Active || !slices.Equal(h.Categories, []category.Category{category.Targeted}) || h.Brands != nil || !h.FirstSeen.Equal(c.ObservedAt) {
			t.Errorf("corrected again: %+v", h)
		}
		p.must(advisory.Withdraw(ctx, p.db, p.Analyst, p.guard, id, 4, "誤報"))
		if h := hit(p.Analyst, 0, before); h.Active {
			t.Error("withdrawn, but active")
		}
		p.must(advisory.Correct(ctx, p.db, p.Analyst, p.guard, id, 5, c, "誤報ではない"))
		if h := hit(p.ContactV, 0, before); !h.Active {
			t.Error("back, but not active")
		}
	})
}

// Every kind of write leaves its record, with who did it and to what.
func TestEachWriteIsAudited(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		id := p.in(advisory.Published, p.StaffA, content("情報"))
		p.must(advisory.See(ctx, p.db, p.StaffB, id))
		p.must(advisory.See(ctx, p.db, p.StaffB, id))
		p.must(advisory.Unsee(ctx, p.db, p.StaffB, id))
		n, err := advisory.AddComment(ctx, p.db, p.StaffB, id, "秘密ではない")
		p.must(err)
		p.must(advisory.RemoveComment(ctx, p.db, p.StaffB, id, n, false))
		p.must(advisory.RemoveComment(ctx, p.db, p.StaffB, id, n, true))
		p.must(advisory.Decide(ctx, p.db, p.StaffB, id, true))
		p.must(advisory.Decide(ctx, p.db, p.StaffB, 0, true))
		all, err := audit.List(ctx, p.db, p.Operator, 0, 100)
		p.must(err)
		var got []string
		for _, r := range all {
			if r.Account == p.StaffB.Account {
				got = append(got, r.Action)
				if r.Org != p.StaffB.Org || r.Actor != p.StaffB.Name || r.Role != caller.Staff || r.Channel != "test" || r.Object != "advisory/"+itoa(id) && r.Action != "opinion.set" {
					t.Errorf("record %+v", r)
				}
			}
		}
		slices.Reverse(got)
		if s := strings.Join(got, " "); s != "sighting.add sighting.add sighting.retract comment.add comment.remove comment.restore opinion.set opinion.set" {
			t.Errorf("audited: %s", s)
		}
		// What is refused changes nothing and leaves nothing.
		before := len(all)
		_ = advisory.Publish(ctx, p.db, p.StaffB, p.guard, id, 1)
		_ = advisory.See(ctx, p.db, p.StaffB, 9999)
		if all, _ := audit.List(ctx, p.db, p.Operator, 0, 100); len(all) != before {
			t.Errorf("%d records after refusals, %d before", len(all), before)
		}
	})
}
