// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory_test

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/tlp"
)

func TestLife(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		start := time.Date(2026, 3, 4, 1, 0, 0, 0, time.UTC)
		id, err := advisory.Submit(at(start), p.db, p.StaffA, p.guard, advisory.Submission{
			Content: advisory.Content{Category: category.Notice, TLP: tlp.Amber, Title: "下書き"}, State: advisory.Draft})
		p.must(err)
		step := func(err error, state advisory.State, reason string) {
			t.Helper()
			p.must(err)
			if a := p.get(p.StaffA, id); a.State != state || a.Reason != reason {
				t.Errorf("state %s, reason %q; want %s, %q", a.State, a.Reason, state, reason)
			}
		}
		step(nil, advisory.Draft, "")
		p.want(advisory.Edit(ctx, p.db, p.StaffA, id, 1, advisory.Content{Category: category.Notice, Title: "x"}, advisory.InReview), "category.notice_unknown", "notice_kind")

		c := content("偽の宅配通知")
		step(advisory.Edit(ctx, p.db, p.StaffA, id, 1, c, advisory.InReview), advisory.InReview, "")
		step(advisory.Return(ctx, p.db, p.Analyst, id, 2, " 画像を付けてください "), advisory.Draft, "画像を付けてください")
		again := advisory.Return(ctx, p.db, p.Analyst, id, 3, "もう一度")
		p.want(again, "advisory.state_now", "")
		if said := locale.Japanese.Fault(again); !strings.Contains(said, "下書き") {
			t.Errorf("the state is not named in Japanese: %s", said)
		}
		step(advisory.Discard(ctx, p.db, p.StaffA, id), advisory.Discarded, "")
		p.want(advisory.Publish(ctx, p.db, p.Analyst, p.guard, id, 4), "advisory.state_now", "")
		step(advisory.Restore(ctx, p.db, p.ContactA, id), advisory.Draft, "")
		step(advisory.Edit(ctx, p.db, p.ContactA, id, 5, c, advisory.InReview), advisory.InReview, "")
		p.want(advisory.Withdraw(ctx, p.db, p.Analyst, p.guard, id, 6, "早い"), "advisory.state_now", "")
		p.want(advisory.Correct(ctx, p.db, p.Analyst, p.guard, id, 6, c, "早い"), "advisory.state_now", "")
		step(advisory.Publish(at(start.Add(95*time.Minute)), p.db, p.Analyst, p.guard, id, 6), advisory.Published, "")
		if got := p.get(p.ContactB, id).TimeToPublish(); got != 95*time.Minute {
			t.Errorf("time to publish %v", got)
		}
		p.want(advisory.Publish(ctx, p.db, p.Analyst, p.guard, id, 7), "advisory.state_now", "")
		p.want(advisory.Edit(ctx, p.db, p.StaffA, id, 7, c, advisory.Draft), "fault.forbidden", "")
		p.want(advisory.Discard(ctx, p.db, p.StaffA, id), "advisory.state_now", "")
		c.Title = "偽の宅配通知（差出人を訂正）"
		step(advisory.Correct(ctx, p.db, p.Analyst, p.guard, id, 7, c, "差出人"), advisory.Corrected, "差出人")
		step(advisory.Correct(ctx, p.db, p.Operator, p.guard, id, 8, c, "再訂正"), advisory.Corrected, "再訂正")
		step(advisory.Withdraw(ctx, p.db, p.Analyst, p.guard, id, 9, "誤報"), advisory.Withdrawn, "誤報")
		p.want(advisory.Withdraw(ctx, p.db, p.Analyst, p.guard, id, 10, "誤報"), "advisory.state_now", "")
		p.want(advisory.See(ctx, p.db, p.StaffB, id), "advisory.state_now", "")
		step(advisory.Correct(ctx, p.db, p.Analyst, p.guard, id, 10, c, "誤報ではなかった"), advisory.Corrected, "誤報ではなかった")
		if got := p.get(p.ContactB, id).PublishedAt; !got.Equal(start.Add(95 * time.Minute)) {
			t.Errorf("published at %v after corrections", got)
		}

		// What was kept, for its own organisation and for a member.
		all, err := advisory.Revisions(ctx, p.db, p.StaffA, id)
		p.must(err)
		var states []string
		for i, r := range all {
			states = append(states, string(r.State))
			if r.Number != int64(i+1) || r.Actor == "" {
				t.Errorf("revision %d is numbered %d, by %q", i+1, r.Number, r.Actor)
			}
		}
		if got := strings.Join(states, " "); got != "draft in_review draft discarded draft in_review published corrected corrected withdrawn corrected" {
			t.Errorf("revisions: %s", got)
		}
		shown, err := advisory.Revisions(ctx, p.db, p.ContactB, id)
		p.must(err)
		if len(shown) != 5 || shown[0].State != advisory.Published || slices.ContainsFunc(shown, func(r advisory.Revision) bool { return r.Actor != "" }) {
			t.Errorf("a member is shown %+v", shown)
		}

		// Each of these left one audit record.
		records, err := audit.List(ctx, p.db, p.Operator, 0, 1000)
		p.must(err)
		var actions []string
		for _, r := range slices.Backward(records) {
			if strings.HasPrefix(r.Object, "advisory/") {
				actions = append(actions, strings.TrimPrefix(r.Action, "advisory."))
			}
		}
		if got := strings.Join(actions, " "); got != "submit edit return discard restore edit publish correct correct withdraw correct" {
			t.Errorf("audited: %s", got)
		}
	})
}

// Who may do what: everybody, to an advisory of 甲病院's first member of staff.
func TestWhoMay(t *testing.T) {
	const reviewers, author = "見本ISAC operator|見本ISAC analyst", "甲病院 staff|甲病院 contact"
	const ownOrg = "甲病院 staff 2|甲病院 executive|甲病院 machine"
	const othersStaff = "乙病院 contact|乙病院 staff"
	in := func(list, name string) bool { return slices.Contains(strings.Split(list, "|"), name) }
	// before publication: reviewers and authors may; the rest of the own
	// organisation sees it but may not; nobody else knows of it.
	draft := func(name string) string {
		switch {
		case in(reviewers+"|"+author, name):
			return "ok"
		case in(ownOrg, name):
			return "forbidden"
		default:
			return "not_found"
		}
	}
	only := func(list string) func(string) string {
		return func(name string) string {
			if in(list, name) {
				return "ok"
			}
			return "forbidden"
		}
	}
	all := func(name string) string {
		if strings.HasSuffix(name, "machine") {
			return "forbidden"
		}
		return "ok"
	}
	each(t, func(t *testing.T, p *portal) {
		cells := 0
		for _, op := range []struct {
			name  string
			state advisory.State
			do    func(c caller.Caller, id int64) error
			want  func(name string) string
		}{
			{"submit", advisory.Draft, func(c caller.Caller, _ int64) error {
				_, err := advisory.Submit(ctx, p.db, c, p.guard, advisory.Submission{Content: content("新規"), State: advisory.InReview})
				return err
			}, only(reviewers + "|見本ISAC staff|" + author + "|甲病院 staff 2|甲病院 machine|" + othersStaff + "|丙社 contact|丁庁 contact")},
			{"submit published", advisory.Draft, func(c caller.Caller, _ int64) error {
				_, err := advisory.Submit(ctx, p.db, c, p.guard, advisory.Submission{Content: content("新規"), State: advisory.Published})
				return err
			}, only(reviewers)},
			{"edit", advisory.Draft, func(c caller.Caller, id int64) error {
				return advisory.Edit(ctx, p.db, c, id, 1, content("別"), advisory.InReview)
			}, draft},
			{"edit in review", advisory.InReview, func(c caller.Caller, id int64) error {
				return advisory.Edit(ctx, p.db, c, id, 1, content("別"), advisory.Draft)
			}, draft},
			{"discard", advisory.InReview, func(c caller.Caller, id int64) error { return advisory.Discard(ctx, p.db, c, id) }, draft},
			{"restore", advisory.Discarded, func(c caller.Caller, id int64) error { return advisory.Restore(ctx, p.db, c, id) }, draft},
			{"return", advisory.InReview, func(c caller.Caller, id int64) error { return advisory.Return(ctx, p.db, c, id, 1, "理由") }, only(reviewers)},
			{"publish", advisory.InReview, func(c caller.Caller, id int64) error { return advisory.Publish(ctx, p.db, c, p.guard, id, 1) }, only(reviewers)},
			{"correct", advisory.Published, func(c caller.Caller, id int64) error {
				return advisory.Correct(ctx, p.db, c, p.guard, id, 2, content("別"), "理由")
			}, only(reviewers)},
			{"withdraw", advisory.Published, func(c caller.Caller, id int64) error {
				return advisory.Withdraw(ctx, p.db, c, p.guard, id, 2, "理由")
			}, only(reviewers)},
			{"see", advisory.Published, func(c caller.Caller, id int64) error { return advisory.See(ctx, p.db, c, id) },
				only("甲病院 contact|甲病院 staff|甲病院 staff 2|" + othersStaff)},
			{"comment", advisory.Published, func(c caller.Caller, id int64) error {
				_, err := advisory.AddComment(ctx, p.db, c, id, "確認しました")
				return err
			}, all},
			{"decide", advisory.Published, func(c caller.Caller, id int64) error { return advisory.Decide(ctx, p.db, c, id, true) }, all},
		} {
			p.Each(func(name string, c caller.Caller) {
				cells++
				id := p.in(op.state, p.StaffA, content("甲病院の情報"))
				if got, want := outcome(op.do(c, id)), op.want(name); got != want {
					t.Errorf("%s by %s: %s, want %s", op.name, name, got, want)
				}
			})
			if err := op.do(caller.Caller{}, p.in(op.state, p.StaffA, content("甲病院の情報"))); err == nil {
				t.Errorf("%s: the zero caller may", op.name)
			}
		}
		t.Logf("%d cells", cells)
	})
}

func TestTwoEditors(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		id := p.submit(p.StaffA, advisory.Draft, content("元"))
		p.must(advisory.Edit(ctx, p.db, p.ContactA, id, 1, content("先に保存"), advisory.Draft))
		p.want(advisory.Edit(ctx, p.db, p.StaffA, id, 1, content("後から保存"), advisory.Draft), "advisory.changed_meanwhile", "")
		if a := p.get(p.StaffA, id); a.Title != "先に保存" || a.Revision != 2 {
			t.Errorf("%q, revision %d", a.Title, a.Revision)
		}
		// Who decides about what was changed meanwhile has not read it.
		p.want(advisory.Publish(ctx, p.db, p.Analyst, p.guard, id, 1), "advisory.state_now", "")
		p.must(advisory.Edit(ctx, p.db, p.StaffA, id, 2, content("差し替え"), advisory.InReview))
		p.want(advisory.Publish(ctx, p.db, p.Analyst, p.guard, id, 2), "advisory.changed_meanwhile", "")
		p.want(advisory.Return(ctx, p.db, p.Analyst, id, 2, "理由"), "advisory.changed_meanwhile", "")
		if a := p.get(p.StaffA, id); a.State != advisory.InReview || a.Revision != 3 {
			t.Errorf("after refusals: %s, revision %d", a.State, a.Revision)
		}
		p.must(advisory.Publish(ctx, p.db, p.Analyst, p.guard, id, 3))
		p.want(advisory.Withdraw(ctx, p.db, p.Analyst, p.guard, id, 3, "理由"), "advisory.changed_meanwhile", "")
		p.want(advisory.Correct(ctx, p.db, p.Analyst, p.guard, id, 2, content("古い"), "理由"), "advisory.changed_meanwhile", "")

		// At the very same moment: one of them, and nothing of the others.
		var wg sync.WaitGroup
		errs := make([]error, 6)
		for i := range errs {
			wg.Go(func() {
				errs[i] = advisory.Correct(ctx, p.db, p.Analyst, p.guard, id, 4, content("訂正"), "同時")
			})
		}
		wg.Wait()
		done := 0
		for _, err := range errs {
			if err == nil {
				done++
			} else if !fault.Is(err, fault.Conflict) {
				t.Errorf("a late correction: %v", err)
			}
		}
		all, err := advisory.Revisions(ctx, p.db, p.Analyst, id)
		p.must(err)
		if done != 1 || len(all) != 5 {
			t.Errorf("%d of %d corrections were taken; %d revisions", done, len(errs), len(all))
		}
	})
}

func TestCheckNamesTheField(t *testing.T) {
	good := content("題名")
	good.Indicators = []indicator.Value{url("https://evil.example/a")}
	for _, c := range []struct {
		code, field string
		change      func(c *advisory.Content)
	}{
		{"category.unknown", "category", func(c *advisory.Content) { c.Category = "x" }},
		{"category.notice_unknown", "notice_kind", func(c *advisory.Content) { c.Category = category.Notice }},
		{"tlp.unknown", "tlp", func(c *advisory.Content) { c.TLP = 9 }},
		{"tlp.unknown", "tlp", func(c *advisory.Content) { c.TLP = -1 }},
		{"advisory.title_empty", "title", func(c *advisory.Content) { c.Title = " 　\n" }},
		{"advisory.long", "title", func(c *advisory.Content) { c.Title = strings.Repeat("長", 201) }},
		{"advisory.long", "body", func(c *advisory.Content) { c.Body = strings.Repeat("長", 20_001) }},
		{"advisory.long", "brand", func(c *advisory.Content) { c.Brand = strings.Repeat("a", 201) }},
		{"advisory.long", "products", func(c *advisory.Content) { c.Products = strings.Repeat("a", 4001) }},
		{"advisory.text", "title", func(c *advisory.Content) { c.Title = "a\x00b" }},
		{"advisory.text", "body", func(c *advisory.Content) { c.Body = "a\xffb" }},
		{"advisory.body_empty", "body", func(c *advisory.Content) { c.Body = " " }},
		{"advisory.future", "observed_at", func(c *advisory.Content) { c.ObservedAt = time.Now().Add(72 * time.Hour) }},
		{"advisory.many", "techniques", func(c *advisory.Content) {
			for i := range 41 {
				c.Techniques = append(c.Techniques, "T"+string(rune('a'+i)))
			}
		}},
		{"advisory.many", "related", func(c *advisory.Content) {
			for i := range 51 {
				c.Related = append(c.Related, int64(i))
			}
		}},
		{"advisory.many", "indicators", func(c *advisory.Content) { c.Indicators = make([]indicator.Value, 10_001) }},
		{"indicator.kind", "indicators", func(c *advisory.Content) { c.Indicators = []indicator.Value{{Kind: "x", Value: "y"}} }},
	} {
		bad := good
		c.change(&bad)
		(&portal{t: t}).want(bad.Check(false), c.code, c.field)
	}
	draft := advisory.Content{Category: category.Notice, Title: "書きかけ"}
	if err := draft.Check(true); err != nil {
		t.Errorf("an incomplete draft: %v", err)
	}
	good.Title, good.Body, good.NoticeKind = "  題 ", "a\r\nb ", category.AllNotices()[0]
	good.Indicators = append(good.Indicators, good.Indicators[0], indicator.Value{Kind: indicator.URL, Value: "HTTPS://EVIL.example:443/a", Written: "\xff"})
	if err := good.Check(false); err != nil || good.Title != "題" || good.Body != "a\nb" || good.NoticeKind != "" || len(good.Indicators) != 1 {
		t.Errorf("tidied to %+v, %v", good, err)
	}
}

func TestCheckAgainstTheStore(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		try := func(change func(s *advisory.Submission)) error {
			s := advisory.Submission{Content: content("題名"), State: advisory.InReview}
			change(&s)
			_, err := advisory.Submit(ctx, p.db, p.StaffA, p.guard, s)
			return err
		}
		p.want(try(func(s *advisory.Submission) { s.Techniques = []string{"T0000"} }), "advisory.technique", "techniques")
		p.want(try(func(s *advisory.Submission) { s.Techniques = []string{"\x00"} }), "advisory.text", "techniques")
		p.want(try(func(s *advisory.Submission) { s.DuplicateOf = 99 }), "advisory.link", "duplicate_of")
		p.want(try(func(s *advisory.Submission) { s.State = advisory.Corrected }), "advisory.state", "")
		p.want(try(func(s *advisory.Submission) { s.ExternalID = "a\x00" }), "advisory.text", "external_id")
		p.want(try(func(s *advisory.Submission) { s.Source = strings.Repeat("x", 2001) }), "advisory.long", "source")
		p.want(try(func(s *advisory.Submission) { s.Techniques = []string{"T1566.002"} }), "", "")

		outside := func(s *advisory.Submission) { s.Source, s.ExternalID = "見本センター", "jvn-1" }
		p.want(try(outside), "", "")
		p.want(try(outside), "advisory.external_known", "")
		p.want(try(func(s *advisory.Submission) { s.Source, s.ExternalID = "別のセンター", "jvn-1" }), "", "")

		// A written form that PostgreSQL cannot store does not lose the indicator.
		c := content("指標")
		c.Indicators = []indicator.Value{url("https://evil.example/x")}
		c.Indicators[0].Written = "hxxps://evil\x00\xff"
		if a := p.get(p.StaffA, p.submit(p.StaffA, advisory.Draft, c)); len(a.Indicators) != 1 || a.Indicators[0].Written != "https://evil.example/x" {
			t.Errorf("indicators: %+v", a.Indicators)
		}
		// What was published elsewhere before is not registered after it.
		past := time.Now().AddDate(0, -1, 0)
		id, err := advisory.Submit(ctx, p.db, p.Analyst, p.guard, advisory.Submission{Content: content("過去"), State: advisory.Published, PublishedAt: past})
		p.must(err)
		if a := p.get(p.Analyst, id); a.TimeToPublish() != 0 || !a.RegisteredAt.Equal(a.PublishedAt) {
			t.Errorf("registered %v, published %v", a.RegisteredAt, a.PublishedAt)
		}
	})
}

// Many items of one moment stay near it, each with a place of its own.
func TestPlacesOfOneMoment(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		moment := time.Date(2026, 3, 4, 0, 0, 0, 0, locale.Tokyo)
		seen := map[int64]bool{}
		for range 70 {
			id, err := advisory.Submit(at(moment), p.db, p.Analyst, p.guard, advisory.Submission{Content: content("一斉取り込み"), State: advisory.Published})
			p.must(err)
			a := p.get(p.Analyst, id)
			if off := a.Position - moment.UnixMicro(); off < 0 || off >= 70 || seen[a.Position] {
				t.Fatalf("the place is %d µs off (taken: %v)", off, seen[a.Position])
			}
			seen[a.Position] = true
		}
	})
}
