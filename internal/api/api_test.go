// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/intel"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/store"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

// Who may see what, at each level and in each state, in the list, alone, by
// search and by look-up.
func TestNothingCrosses(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		type sample struct {
			id    int64
			level tlp.Level
			state advisory.State
			url   string
		}
		var all []sample
		for _, level := range tlp.Levels {
			for _, state := range []advisory.State{advisory.Draft, advisory.InReview, advisory.Published} {
				s := sample{level: level, state: state, url: fmt.Sprintf("http://%s-%s.evil.example/", level.Class(), strings.ReplaceAll(string(state), "_", "-"))}
				s.id = p.submit(p.ContactA, state, level, "越境の試し "+level.String(), s.url)
				all = append(all, s)
			}
		}
		p.Each(func(name string, c caller.Caller) {
			var page advisoryPage
			p.get(c, "/api/v1/advisories?limit=200&state=draft&state=in_review&state=published").ok(200, &page)
			listed := map[int64]bool{}
			for _, a := range page.Items {
				listed[a.ID] = true
			}
			p.post(c, "/api/v1/advisories/search", map[string]any{"text": "越境", "limit": 200, "state": advisory.States}).ok(200, &page)
			searched := map[int64]bool{}
			for _, a := range page.Items {
				searched[a.ID] = true
			}
			for _, s := range all {
				own := c.Org == p.ContactA.Org
				want := own || s.level <= c.Ceiling() && (s.state.Public() || advisory.MayReview(c))
				if listed[s.id] != want || searched[s.id] != want {
					t.Errorf("%s: %v %s: listed %t, found %t, want %t", name, s.level, s.state, listed[s.id], searched[s.id], want)
				}
				one := p.get(c, fmt.Sprintf("/api/v1/advisories/%d", s.id))
				if want != (one.Code == 200) {
					t.Errorf("%s: %v %s: read %d, want %t", name, s.level, s.state, one.Code, want)
				}
				if !want {
					one.refused(404, "fault.not_found")
				}
				var hit lookupResult
				p.get(c, "/api/v1/lookup?value="+url.QueryEscape(s.url)).ok(200, &hit)
				known := want && s.state == advisory.Published
				if hit.Known != known || (len(hit.Advisories) == 1) != known || hit.Active != known {
					t.Errorf("%s: %v %s: looked up: known %t, active %t, %d advisories, want %t", name, s.level, s.state, hit.Known, hit.Active, len(hit.Advisories), known)
				}
			}
		})
	})
}

// The table's permissions hold for everybody, and each refusal of somebody known is
// audited; a refusal comes before anything of the request is read.
func TestPermissions(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		for _, op := range p.table() {
			target := strings.ReplaceAll(op.path, "{id}", "1")
			p.Each(func(name string, c caller.Caller) {
				before := p.audited(`action = 'denied'`)
				a := p.do(c, op.method, target, map[bool]string{true: "{"}[op.method == "POST"])
				may := permit.May(c, op.may) != permit.None
				if may == (a.Code == http.StatusForbidden) {
					t.Errorf("%s %s: %s: status %d", op.method, op.path, name, a.Code)
				}
				if !may {
					a.refused(403, "fault.forbidden")
				}
				if got := p.audited(`action = 'denied'`) - before; got != map[bool]int{false: 1}[may] {
					t.Errorf("%s %s: %s: %d records of a denial", op.method, op.path, name, got)
				}
			})
			p.do(caller.Caller{}, op.method, target, "").refused(403, "fault.forbidden")
			p.do(caller.Caller{Account: 9999}, op.method, target, "").refused(403, "fault.forbidden")
		}
		if n := p.audited(`action = 'denied' AND account_id = $1 AND channel = 'api' AND detail LIKE '%POST /api/v1/advisories"%'`, p.ExecutiveA.Account); n != 1 {
			t.Errorf("the executive's denial is recorded %d times", n)
		}
	})
}

// Pages follow each other without gap or repetition, whatever is published
// meanwhile.
func TestPagingWithoutGaps(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		var want []int64
		for i := range 23 {
			want = append(want, p.publish(p.Analyst, tlp.Green, fmt.Sprintf("項目 %d", i)))
		}
		slices.Reverse(want)
		walk := func(first func(cursor string) answer) {
			var got []int64
			cursor := ""
			for n := 0; ; n++ {
				var page advisoryPage
				first(cursor).ok(200, &page)
				for _, a := range page.Items {
					got = append(got, a.ID)
				}
				if cursor = page.Next; cursor == "" {
					break
				}
				if n == 1 {
					p.publish(p.Analyst, tlp.Green, "項目 その間に")
				}
			}
			if !slices.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
			var newest advisoryPage
			p.get(p.StaffB, "/api/v1/advisories?limit=1").ok(200, &newest)
			want = append([]int64{newest.Items[0].ID}, want...)
		}
		walk(func(cursor string) answer {
			return p.get(p.StaffB, "/api/v1/advisories?limit=5&tlp=green&cursor="+cursor)
		})
		walk(func(cursor string) answer {
			return p.post(p.StaffB, "/api/v1/advisories/search", map[string]any{"text": "項目", "limit": 6, "cursor": cursor})
		})
		// Without a limit a page has 50.
		var page advisoryPage
		p.post(p.StaffB, "/api/v1/advisories/search", map[string]any{"text": "項目"}).ok(200, &page)
		if len(page.Items) != len(want) || len(want) <= 20 {
			t.Errorf("%d items of %d", len(page.Items), len(want))
		}
		// The size may change on the way, the filter not.
		p.get(p.StaffB, "/api/v1/advisories?limit=2").ok(200, &page)
		p.get(p.StaffB, "/api/v1/advisories?limit=3&cursor="+page.Next).ok(200, &advisoryPage{})
		p.get(p.StaffB, "/api/v1/advisories?category=notice&cursor="+page.Next).refused(400, "api.cursor")
		p.post(p.StaffB, "/api/v1/advisories/search", map[string]any{"text": "項目", "cursor": page.Next}).refused(400, "api.cursor")
	})
}

func TestFilters(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		ctx := context.Background()
		g, err := p.Guards.Current(ctx)
		if err != nil {
			t.Fatal(err)
		}
		submit := func(when string, s advisory.Submission) int64 {
			at, err := time.Parse(time.RFC3339, when)
			if err != nil {
				t.Fatal(err)
			}
			s.State, s.PublishedAt, s.Body = advisory.Published, at, "本文"
			id, err := advisory.Submit(ctx, p.DB, p.Analyst, g, s)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		a := submit("2026-03-01T14:59:59Z", advisory.Submission{Source: "甲", Content: advisory.Content{Category: "phishing", TLP: tlp.AmberStrict, Title: "一", Brand: "銀行", Techniques: []string{"T1566.002"}}})
		b := submit("2026-03-01T15:00:00Z", advisory.Submission{Source: "乙", Content: advisory.Content{Category: "notice", NoticeKind: "ransomware", TLP: tlp.Clear, Title: "二"}})
		if err := member.AddInterest(ctx, p.DB, p.ContactA, member.Interest{Org: p.ContactA.Org, Kind: member.Product, Value: "製品二"}); err != nil {
			t.Fatal(err)
		}
		err = p.DB.Keep(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO concern (advisory_id, organisation_id, matched) VALUES ($1, $2, '製品二')`, b, p.ContactA.Org)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		both := fmt.Sprintf("%d %d", b, a)
		for query, want := range map[string]string{
			"":                                both,
			"category=phishing":               fmt.Sprint(a),
			"notice_kind=ransomware":          fmt.Sprint(b),
			"technique=T1566.002":             fmt.Sprint(a),
			"source=" + url.QueryEscape("乙"):  fmt.Sprint(b),
			"brand=" + url.QueryEscape("銀行"):  fmt.Sprint(a),
			"tlp=clear":                       fmt.Sprint(b),
			"tlp=AMBER%2BSTRICT":              fmt.Sprint(a),
			"tlp=AMBER+STRICT":                fmt.Sprint(a), // the + arrives as a blank
			"tlp=TLP:amber-strict":            fmt.Sprint(a),
			"state=withdrawn":                 "",
			"state=withdrawn&state=published": both,
			"from=2026-03-02":                 fmt.Sprint(b),
			"to=2026-03-01":                   fmt.Sprint(a), // 23:59:59 in Tokyo
			"from=2026-03-01&to=2026-03-02":   both,
			"concerns=true":                   fmt.Sprint(b),
			"concerns=false":                  both,
		} {
			var page advisoryPage
			p.get(p.ContactA, "/api/v1/advisories?"+query).ok(200, &page)
			if got := ids(page); got != want {
				t.Errorf("%s: %q, want %q", query, got, want)
			}
		}
		var page advisoryPage
		p.get(p.ContactA, "/api/v1/advisories?concerns=true").ok(200, &page)
		if got := page.Items[0].Concerns; !slices.Equal(got, []string{"製品二"}) {
			t.Errorf("concerns %v", got)
		}
		p.get(p.ContactB, "/api/v1/advisories?concerns=true").ok(200, &page)
		if len(page.Items) > 0 {
			t.Error("what concerns one institution was told another")
		}
	})
}

func TestLookup(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		id := p.publish(p.ContactA, tlp.Green, "届いた", "http://evil.example/a", "http://evil.example/b")
		var hit lookupResult
		p.get(p.MachineA, "/api/v1/lookup?value="+url.QueryEscape("hxxp://EVIL[.]example/a")).ok(200, &hit)
		if hit.Kind != "url" || hit.Value != "http://evil.example/a" || hit.Host != "evil.example" || !hit.Known || !hit.Active ||
			hit.TLP != "GREEN" || hit.Confidence != intel.DefaultConfidence || hit.SameHost != 1 || hit.Sources != 1 || hit.LastSeen.IsZero() ||
			!slices.Equal(hit.Categories, []categoryName{"phishing"}) || len(hit.Advisories) != 1 || hit.Advisories[0].ID != id || hit.More {
			t.Errorf("%+v", hit)
		}
		if hit.Guard == nil || !hit.Guard.Entry || len(hit.Guard.Reasons) != 0 {
			t.Errorf("guard %+v", hit.Guard)
		}
		p.get(p.MachineA, "/api/v1/lookup?value=192.168.0.1").ok(200, &hit)
		if hit.Known || hit.Guard.Entry || len(hit.Guard.Reasons) == 0 || hit.Guard.Reasons[0].Effect != "exclude" || hit.TLP != "" {
			t.Errorf("%+v", hit)
		}
		var batch lookupResults
		values := []string{"http://evil.example/b", "これは指標ではありません", "hxxp://evil.example/b", "unknown.example", ""}
		p.post(p.MachineA, "/api/v1/lookup", map[string]any{"values": values}).ok(200, &batch)
		for i, r := range batch.Results {
			if r.Input != values[i] || r.Recognised != (i != 1 && i != 4) || r.Known != (i == 0 || i == 2) {
				t.Errorf("result %d: %+v", i, r)
			}
		}
		if len(batch.Results) != len(values) {
			t.Errorf("%d results", len(batch.Results))
		}
		many := make([]string, 1000)
		for i := range many {
			many[i] = fmt.Sprintf("h%d.example", i)
		}
		p.post(p.MachineA, "/api/v1/lookup", map[string]any{"values": many}).ok(200, &batch)
		if len(batch.Results) != 1000 || batch.Results[999].Value != "h999.example" {
			t.Errorf("%d results", len(batch.Results))
		}
		for range carriersMost {
			p.publish(p.Analyst, tlp.Green, "また", "http://evil.example/a")
		}
		p.get(p.MachineA, "/api/v1/lookup?value=http://evil.example/a").ok(200, &hit)
		if len(hit.Advisories) != carriersMost || !hit.More {
			t.Errorf("%d advisories, more %t", len(hit.Advisories), hit.More)
		}
	})
}

func TestTrends(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		p.publish(p.ContactA, tlp.Green, "一")
		p.publish(p.ContactB, tlp.AmberStrict, "二")
		p.publish(p.ContactB, tlp.Red, "三")
		if err := trend.Refresh(context.Background(), p.DB); err != nil {
			t.Fatal(err)
		}
		sum := func(c caller.Caller, query string) (n int64) {
			var got trendCounts
			p.get(c, "/api/v1/trends?"+query).ok(200, &got)
			for _, pt := range got.Points {
				if !slices.Contains(got.Periods, pt.Period) {
					t.Errorf("%s: the point %+v is in no period", query, pt)
				}
				n += int64(pt.Count.N)
			}
			return n
		}
		for _, want := range []struct {
			c     caller.Caller
			query string
			n     int64
		}{
			{p.ExecutiveA, "", 2}, {p.Analyst, "", 3}, {p.ContactV, "", 1}, {p.ContactB, "", 3},
			{p.ExecutiveA, "mine=true", 1}, {p.ContactB, "mine=true", 2}, {p.Analyst, "mine=true", 0},
			{p.ExecutiveA, "item=phishing", 2}, {p.ExecutiveA, "item=notice", 0}, {p.ExecutiveA, "dimension=technique&monthly=true", 2},
			{p.ExecutiveA, "series=sighting", 0}, {p.ExecutiveA, "to=2020-01-01", 0},
		} {
			if n := sum(want.c, want.query); n != want.n {
				t.Errorf("%s: %q: %d, want %d", want.c.Name, want.query, n, want.n)
			}
		}
		var got trendCounts
		p.get(p.StaffA, "/api/v1/trends?from=2026-01-15&to=2026-03-01&monthly=true").ok(200, &got)
		if !slices.Equal(got.Periods, []string{"2026-01", "2026-02", "2026-03"}) || got.From != "2026-01-15" || got.To != "2026-03-01" {
			t.Errorf("%+v", got)
		}
	})
}

func TestTechniques(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		var got techniqueList
		p.get(p.MachineA, "/api/v1/techniques").ok(200, &got)
		i := slices.IndexFunc(got.Items, func(e techniqueEntry) bool { return e.ID == "T1566.002" })
		if i < 0 || got.Items[i].Name.En == "" || got.Items[i].Name.Ja == "" || got.Items[i].Own || got.Notice == "" {
			t.Errorf("%+v", got)
		}
	})
}

func TestDocumentIsServed(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		if got := p.get(p.StaffA, "/api/v1/openapi.yaml").Body.String(); got != string(p.doc.yaml) {
			t.Errorf("YAML of %d bytes", len(got))
		}
		if got := p.get(p.StaffA, "/api/v1/openapi.json").Body.String(); got != string(p.doc.json) {
			t.Errorf("JSON of %d bytes", len(got))
		}
		for _, path := range []string{"/docs", "/api/docs", "/openapi.json", "/schemas/Problem.json"} {
			p.get(p.StaffA, path).refused(404, "api.route")
		}
	})
}
