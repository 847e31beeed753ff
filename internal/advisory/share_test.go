// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/disclose"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

// Moved between groups, information and all that follows from it is where it
// was moved to and nowhere else.
func TestNarrowed(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		a := p.group("県内病院", p.ContactA)
		b := p.group("画像診断ネットワーク", p.ContactA, p.ContactB)
		c := content("広い題")
		c.TLP, c.Brand, c.Indicators = tlp.Clear, "商標", []indicator.Value{url("https://evil.example/login")}
		id := p.in(advisory.Published, p.ContactA, c)
		p.must(advisory.See(ctx, p.db, p.ContactB, id))
		everybody := []caller.Caller{p.StaffA, p.StaffB, p.ContactV, p.Analyst, p.ISACStaff}
		sees := func(why string, want ...bool) {
			t.Helper()
			p.work()
			for i, who := range everybody {
				today := trend.Day(time.Now())
				_, err := advisory.Get(ctx, p.db, who, id)
				hits, e := intel.Lookup(ctx, p.db, p.db.Key, who, c.Indicators)
				p.must(e)
				entries := 0
				for _, e := range intel.Entries(ctx, p.db, who, intel.Selection{}, time.Now()) {
					p.must(e)
					entries++
				}
				points, e := trend.Read(ctx, p.db, who, trend.Query{Series: trend.Advisory, Dimension: trend.Brand, From: today - 1, To: today + 1})
				p.must(e)
				found, e := advisory.Count(ctx, p.db, who, advisory.Filter{Text: "広い題"}, 10)
				p.must(e)
				for what, got := range map[string]bool{"the advisory": err == nil, "its claim": hits[0].Active, "its entry": entries > 0,
					"its count": len(points) > 0, "its text": found > 0} {
					if got != want[i] {
						t.Errorf("%s: %s sees %s: %v", why, who.Name, what, got)
					}
				}
			}
			differences, err := trend.Check(ctx, p.db, p.Operator)
			if err != nil || len(differences) > 0 {
				t.Errorf("%s: the counts differ from a recount: %v, %v", why, differences, err)
			}
		}
		correct := func(group int64, level tlp.Level, reason string) {
			t.Helper()
			c.Group, c.TLP = group, level
			p.must(advisory.Correct(ctx, p.db, p.Analyst, p.guard, id, p.get(p.Analyst, id).Revision, c, reason))
		}
		sees("for all", true, true, true, true, true)
		version := func(c caller.Caller) string {
			v, err := intel.Version(ctx, p.db, c)
			p.must(err)
			return v
		}
		correct(b, tlp.Clear, "狭める")
		sees("for the network", true, true, false, true, true)
		correct(a, tlp.Clear, "さらに狭める")
		sees("for the prefecture", true, false, false, true, true)
		if got := p.get(p.StaffA, id).GroupName; got != "県内病院" {
			t.Errorf("the group is called %q", got)
		}
		before := version(p.StaffB)
		storetest.Exec(p.t, p.db, `INSERT INTO sharing_group_member (group_id, organisation_id, since) VALUES ($1, $2, 1)`, a, p.StaffB.Org)
		sees("with another member", true, true, false, true, true)
		if version(p.StaffB) == before {
			t.Error("a new member's block lists are said not to have changed")
		}
		before = version(p.StaffB)
		storetest.Exec(p.t, p.db, `DELETE FROM sharing_group_member WHERE group_id = $1 AND organisation_id = $2`, a, p.StaffB.Org)
		sees("without that member", true, false, false, true, true)
		if version(p.StaffB) == before {
			t.Error("the block lists of who left a group are said not to have changed")
		}
		correct(0, tlp.Red, "一時的に")
		correct(0, tlp.Clear, "広げる")
		sees("for all again", true, true, true, true, true)

		// What was narrow in between stays so.
		for _, who := range []struct {
			c    caller.Caller
			want string
		}{
			{p.Analyst, "in_review published corrected/画像診断ネットワーク corrected/県内病院 corrected corrected"}, {p.StaffA, "in_review published corrected/画像診断ネットワーク corrected/県内病院 corrected corrected"},
			{p.StaffB, "published corrected/画像診断ネットワーク corrected"}, {p.ContactV, "published corrected"},
		} {
			all, err := advisory.Revisions(ctx, p.db, who.c, id)
			p.must(err)
			var got []string
			for _, r := range all {
				s := string(r.State)
				if r.GroupName != "" {
					s += "/" + r.GroupName
				}
				got = append(got, s)
			}
			if strings.Join(got, " ") != who.want {
				t.Errorf("%s sees the revisions %v, want %s", who.c.Name, got, who.want)
			}
		}
	})
}

func TestWhoMayShare(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		ours, theirs := p.group("県内病院", p.ContactA), p.group("他県病院", p.ContactB)
		closed := p.group("終わった組", p.ContactA)
		storetest.Exec(p.t, p.db, `UPDATE sharing_group SET closed_at = 1 WHERE id = $1`, closed)
		for _, c := range []struct {
			who         caller.Caller
			group       int64
			anonymous   bool
			code, field string
		}{
			{p.StaffA, 0, false, "", ""},
			{p.StaffA, ours, true, "", ""},
			{p.StaffA, theirs, false, "sharing.group", "group"},
			{p.StaffA, closed, false, "sharing.group", "group"},
			{p.StaffA, 4711, false, "sharing.group", "group"},
			{p.StaffA, -1, false, "sharing.group", "group"},
			{p.Analyst, theirs, false, "", ""},
			{p.Analyst, 0, true, "sharing.anonymous_who", "anonymous"},
			{p.ContactV, 0, true, "sharing.anonymous_who", "anonymous"},
		} {
			text := content("題")
			text.Group, text.Anonymous = c.group, c.anonymous
			_, err := advisory.Submit(ctx, p.db, c.who, p.guard, advisory.Submission{Content: text, State: advisory.InReview})
			p.want(err, c.code, c.field)
		}
		if all, err := advisory.Groups(ctx, p.db, p.StaffA); err != nil || !slices.Equal(all, []advisory.Group{{ID: ours, Name: "県内病院"}}) {
			t.Errorf("groups: %v, %v", all, err)
		}

		// Anonymity is a promise to the institution.
		text := content("匿名の題")
		text.Anonymous = true
		id := p.submit(p.StaffA, advisory.InReview, text)
		named := text
		named.Anonymous = false
		p.want(advisory.Edit(ctx, p.db, p.Analyst, id, 1, named, advisory.InReview), "sharing.anonymous_promise", "anonymous")
		p.must(advisory.Edit(ctx, p.db, p.StaffA, id, 1, named, advisory.InReview))
		if a := p.get(p.Analyst, id); a.Source != "甲病院" || a.Anonymous {
			t.Errorf("after the institution gave its name: %q", a.Source)
		}
		p.must(advisory.Edit(ctx, p.db, p.StaffA, id, 2, text, advisory.InReview))
		p.must(advisory.Publish(ctx, p.db, p.Analyst, p.guard, id, 3))
		p.want(advisory.Correct(ctx, p.db, p.Analyst, p.guard, id, 4, named, "名前を出す"), "sharing.anonymous_promise", "anonymous")

		// Its own names for things clash with its own only, and say nothing of others'.
		submit := func(c caller.Caller, anonymous bool) error {
			text := content("題")
			text.Anonymous = anonymous
			_, err := advisory.Submit(ctx, p.db, c, p.guard, advisory.Submission{Content: text, State: advisory.InReview, ExternalID: "ticket-1"})
			return err
		}
		p.must(submit(p.StaffA, true))
		p.must(submit(p.StaffB, true))
		p.want(submit(p.StaffA, true), "advisory.external_known", "")
		p.want(submit(p.StaffA, false), "advisory.external_known", "")
	})
}

// Who reported without a name is known to the own institution and the ISAC's
// reviewers, and told nobody else by any function that reads.
func TestAnonymous(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		text := content("不審な添付ファイル")
		text.Anonymous, text.Brand, text.Indicators = true, "商標", []indicator.Value{url("https://evil.example/login")}
		id, err := advisory.Submit(ctx, p.db, p.StaffA, p.guard, advisory.Submission{Content: text, State: advisory.InReview,
			Source: "甲病院の情報システム課", ExternalID: "甲病院-12", ExternalURL: "https://kou.example/12"})
		p.must(err)
		p.must(advisory.Publish(ctx, p.db, p.Analyst, p.guard, id, 1))
		text.Body += "訂正"
		p.must(advisory.Correct(ctx, p.db, p.Analyst, p.guard, id, 2, text, "誤字"))
		_, err = advisory.AddComment(ctx, p.db, p.ContactA, id, "続報です")
		p.must(err)
		_, err = advisory.AddComment(ctx, p.db, p.ContactB, id, "うちもです")
		p.must(err)
		p.must(advisory.See(ctx, p.db, p.ContactB, id))
		hub := content("まとめ")
		hub.Related = []int64{id}
		linked := p.in(advisory.Published, p.Analyst, hub)
		p.work()

		p.everybody(func(name string, c caller.Caller) {
			knows := strings.HasPrefix(name, "甲病院") || name == "見本ISAC operator" || name == "見本ISAC analyst"
			told, seen := p.everythingAbout(c, id, linked, text)
			if !seen {
				if name != "nobody" {
					t.Errorf("%s does not see it", name)
				}
				return
			}
			for what, s := range told {
				leaks := strings.Contains(s, "甲病院") || strings.Contains(s, "kou.example") || strings.Contains(s, fmt.Sprintf(`"Org":%d,`, p.StaffA.Org)) ||
					strings.Contains(s, fmt.Sprintf(`"Account":%d,`, p.StaffA.Account)) || strings.Contains(s, fmt.Sprintf(`"Account":%d,`, p.ContactA.Account))
				if leaks && !knows {
					t.Errorf("%s tells %s who it was: %s", what, name, s)
				}
				if knows && !leaks && (what == "Get" || what == "List" || what == "Comments") {
					t.Errorf("%s does not tell %s, who may know: %s", what, name, s)
				}
			}
		})
	})
}

// everythingAbout is all that the functions that read tell a caller about an
// advisory, as JSON.
func (p *portal) everythingAbout(c caller.Caller, id, hub int64, text advisory.Content) (told map[string]string, seen bool) {
	p.t.Helper()
	told = map[string]string{}
	put := func(what string, v any, err error) {
		p.t.Helper()
		p.must(err)
		b, err := json.Marshal(v)
		p.must(err)
		told[what] = string(b)
	}
	a, err := advisory.Get(ctx, p.db, c, id)
	if err != nil {
		return nil, false
	}
	put("Get", a, nil)
	list := func(what string, f advisory.Filter) {
		page, err := advisory.List(ctx, p.db, c, f)
		put(what, page, err)
		if n, err := advisory.Count(ctx, p.db, c, f, 10); err != nil || n != len(page.Items) {
			p.t.Errorf("%s: %d are counted, %v, and %d listed", what, n, err, len(page.Items))
		}
		if !strings.HasPrefix(what, "List by") || len(page.Items) == 0 {
			return
		}
		told[what] += " found as of 甲病院" // to be found by its name is to be told it
	}
	list("List", advisory.Filter{Brand: text.Brand})
	list("List by source", advisory.Filter{Source: "甲病院", Brand: text.Brand})
	list("List by the source it was given", advisory.Filter{Source: "甲病院の情報システム課"})
	list("List by text", advisory.Filter{Text: "甲病院", Brand: text.Brand})
	list("List by its own name for it", advisory.Filter{Text: "甲病院-12"})
	list("List by organisation", advisory.Filter{Org: p.StaffA.Org, Brand: text.Brand})
	revisions, err := advisory.Revisions(ctx, p.db, c, id)
	put("Revisions", revisions, err)
	comments, err := advisory.Comments(ctx, p.db, c, id)
	put("Comments", comments, err)
	links, err := advisory.Links(ctx, p.db, c, hub)
	put("Links", links, err)
	duplicates, err := advisory.FindDuplicates(ctx, p.db, c, 0, "", text.Indicators)
	put("FindDuplicates", duplicates, err)
	facets, err := advisory.ReadFacets(ctx, p.db, c)
	put("ReadFacets", facets, err)
	sightings, err := advisory.ReadSightings(ctx, p.db, c, id)
	put("ReadSightings", sightings, err)
	today := trend.Day(time.Now())
	for _, s := range []trend.Series{trend.Advisory, trend.Sighting} {
		points, err := trend.Read(ctx, p.db, c, trend.Query{Series: s, Dimension: trend.Source, From: today - 1, To: today + 1})
		put("trend.Read of "+string(s), points, err)
	}
	hits, err := intel.Lookup(ctx, p.db, p.db.Key, c, text.Indicators)
	put("intel.Lookup", hits, err)
	return told, true
}

// How many received it too, and when, members are told from three institutions
// on; a count of trends likewise.
func TestFewSightings(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		c := content("題")
		c.TLP = tlp.Clear
		id := p.in(advisory.Published, p.Analyst, c)
		more := []caller.Caller{p.institution("戊病院"), p.institution("己病院")}
		for n, by := range append([]caller.Caller{p.ContactA, p.ContactB}, more...) {
			p.must(advisory.See(ctx, p.db, by, id))
			p.work()
			p.everybody(func(name string, c caller.Caller) {
				if name == "nobody" {
					return
				}
				all, err := advisory.ReadSightings(ctx, p.db, c, id)
				p.must(err)
				want := disclose.Exactly(n + 1)
				if reviewer := name == "見本ISAC operator" || name == "見本ISAC analyst"; !reviewer && n+1 < 3 {
					want = disclose.Count(disclose.Sightings, n+1)
				}
				if s := all[id]; s.Count.String() != want.String() || s.Count.N != want.N || s.First.IsZero() != want.Hidden() || s.Last.IsZero() != want.Hidden() {
					t.Errorf("of %d sightings %s is told %+v, want %s", n+1, name, s, want)
				}
				today := trend.Day(time.Now())
				for _, monthly := range []bool{false, true} {
					points, err := trend.Read(ctx, p.db, c, trend.Query{Series: trend.Sighting, Dimension: trend.Category, From: today - 1, To: today + 1, Monthly: monthly})
					p.must(err)
					if len(points) != 1 || points[0].Hidden.Hidden() != want.Hidden() || points[0].Count != int64(want.N) {
						t.Errorf("of %d sightings %s is told by trends %+v, want %s", n+1, name, points, want)
					}
				}
			})
		}
	})
}

// To go back to a version that knows neither groups nor anonymity makes nothing
// known to more: what was narrow is TLP:RED.
func TestGoingBackWidensNothing(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		group := p.group("県内病院", p.ContactA)
		open, shared, unnamed := content("全体"), content("組だけ"), content("匿名")
		open.Indicators = []indicator.Value{url("https://open.example/")}
		shared.Group, shared.Indicators = group, []indicator.Value{url("https://open.example/"), url("https://shared.example/")}
		unnamed.Anonymous = true
		ids := []int64{p.in(advisory.Published, p.ContactA, open), p.in(advisory.Published, p.ContactA, shared), p.in(advisory.Published, p.ContactA, unnamed)}
		p.work()
		p.must(p.db.MigrateTo(ctx, 9))
		for i, want := range []tlp.Level{tlp.Green, tlp.Red, tlp.Red} {
			var level tlp.Level
			var source string
			p.must(p.db.QueryRow(ctx, `SELECT tlp, source FROM advisory WHERE id = $1`, ids[i]).Scan(&level, &source))
			if level != want || source != "甲病院" {
				t.Errorf("advisory %d is TLP:%s of %q, want %s", i, level, source, want)
			}
		}
		var claims, days int
		p.must(p.db.QueryRow(ctx, `SELECT COUNT(*) FROM indicator`).Scan(&claims))
		p.must(p.db.QueryRow(ctx, `SELECT COUNT(*) FROM dirty_day`).Scan(&days))
		if claims != 1 || days == 0 {
			t.Errorf("%d claims are left, and %d days to count again", claims, days)
		}
		p.must(p.db.Migrate(ctx))
		p.must(trend.Refresh(ctx, p.db))
		if a := p.get(p.Analyst, ids[1]); a.Group != 0 || a.TLP != tlp.Red {
			t.Errorf("again at the newest version: %+v", a)
		}
		if differences, err := trend.Check(ctx, p.db, p.Operator); err != nil || len(differences) > 0 {
			t.Errorf("counts differ: %v, %v", differences, err)
		}
	})
}
