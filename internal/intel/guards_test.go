// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel_test

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/job"
	"teiten/internal/member"
)

// What is on the lists follows the guard: a list switched off and on, own
// domains, overrules, lists of one's own.
func TestRejudge(t *testing.T) {
	onShelf(t, func(t *testing.T, p *shelf) {
		guards := intel.NewGuards(p.db)
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		judged := func() string {
			t.Helper()
			_, err := job.NewRunner(p.db, slog.New(slog.DiscardHandler), map[string]job.Worker{member.RejudgeJob: intel.RejudgeWorker(p.db, guards)}).Drain(ctx)
			must(err)
			return shown(leaving(t, p.db, p.StaffB, intel.Selection{Pages: true}, now))
		}
		famous, hospital, private := norm(indicator.URL, "https://www.google.com/search/x"), norm(indicator.URL, "https://portal.kou-byouin.jp/x"), norm(indicator.IPv4, "192.168.0.1")
		g, err := guards.Current(ctx)
		must(err)
		list := func(v indicator.Value) string { // the first list that holds it
			reasons := g.Judge(v).Reasons
			if len(reasons) == 0 {
				t.Fatalf("no list holds %s", v.Value)
			}
			return reasons[0].Slug
		}
		p.claim(famous, hospital, private)
		bump := func() { // as after an import with an older guard
			t.Helper()
			must(intel.Overrule(ctx, p.db, p.Analyst, norm(indicator.Domain, "unrelated.example"), "試し"))
		}
		bump()
		if got, want := judged(), "https://portal.kou-byouin.jp/x! https://www.google.com/search/x"; got != want {
			t.Errorf("by the bundled lists: %s, want %s", got, want)
		}

		waiting, err := member.AddDomain(ctx, p.db, p.ContactA, p.ContactA.Org, "kou-byouin.jp")
		must(err)
		if got, want := judged(), "https://portal.kou-byouin.jp/x! https://www.google.com/search/x"; !waiting || got != want {
			t.Errorf("while an own domain waits: %s, want %s", got, want)
		}
		_, err = member.AddDomain(ctx, p.db, p.Operator, p.ContactA.Org, "kou-byouin.jp")
		must(err)
		if got, want := judged(), "https://www.google.com/search/x"; got != want {
			t.Errorf("with an own domain: %s, want %s", got, want)
		}
		must(intel.Overrule(ctx, p.db, p.Analyst, hospital, "乗っ取られたページ"))
		if got, want := judged(), "https://portal.kou-byouin.jp/x https://www.google.com/search/x"; got != want {
			t.Errorf("overruled: %s, want %s", got, want)
		}
		must(intel.RemoveOverrule(ctx, p.db, p.Analyst, hospital))
		must(member.RemoveDomain(ctx, p.db, p.ContactA, p.ContactA.Org, "kou-byouin.jp"))
		if got, want := judged(), "https://portal.kou-byouin.jp/x! https://www.google.com/search/x"; got != want {
			t.Errorf("taken back: %s, want %s", got, want)
		}

		slug := list(private)
		for _, r := range g.Judge(private).Reasons {
			must(intel.SwitchList(ctx, p.db, p.Analyst, r.Slug, false, "院内でも使うため"))
		}
		if got := judged(); !strings.Contains(got, "192.168.0.1!") {
			t.Errorf("with the lists of private addresses off: %s", got)
		}
		must(intel.SwitchList(ctx, p.db, p.Operator, slug, true, ""))
		if got := judged(); strings.Contains(got, "192.168.0.1") {
			t.Errorf("switched on again: %s", got)
		}

		own := `{"name": "見本の一覧", "type": "hostname", "version": 1, "list": ["kou-byouin.jp"], "matching_attributes": ["hostname", "domain", "url"]}`
		l, err := intel.AddList(ctx, p.db, p.Analyst, strings.NewReader(own))
		must(err)
		if got := judged(); strings.Contains(got, "kou-byouin.jp/x!") {
			t.Errorf("with a list of one's own: %s", got)
		}
		infos, err := intel.Lists(ctx, p.db)
		must(err)
		if !slices.IsSortedFunc(infos, func(a, b intel.ListInfo) int { return strings.Compare(a.Name, b.Name) }) {
			t.Error("lists are not ordered by name")
		}
		for _, info := range infos {
			if info.Slug == l.Slug && (info.Bundled || !info.Enabled || info.Values != 1 || info.Actor != p.Analyst.Name) {
				t.Errorf("the added list is %+v", info)
			}
			if info.Slug == slug && (!info.Bundled || !info.Enabled || info.Reason != "" || info.Actor != p.Operator.Name) {
				t.Errorf("the switched list is %+v", info)
			}
		}
	})
}

func TestWhoMayGuard(t *testing.T) {
	onShelf(t, func(t *testing.T, p *shelf) {
		v := norm(indicator.URL, "https://h.example/a?mail=taro@hospital.example")
		lists, err := guard.Bundled()
		if err != nil {
			t.Fatal(err)
		}
		p.Each(func(name string, c caller.Caller) {
			may := name == "見本ISAC operator" || name == "見本ISAC analyst"
			for _, do := range []func() error{
				func() error { return intel.Overrule(ctx, p.db, c, v, "理由") },
				func() error { return intel.RemoveOverrule(ctx, p.db, c, v) },
				func() error { return intel.SwitchList(ctx, p.db, c, lists[0].Slug, false, "理由") },
			} {
				if err := do(); may != (err == nil) || !may && fault.Code(err) != "fault.forbidden" {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
		for code, err := range map[string]error{
			"intel.reason":    intel.Overrule(ctx, p.db, p.Analyst, v, " "),
			"fault.not_found": intel.RemoveOverrule(ctx, p.db, p.Analyst, v),
		} {
			if fault.Code(err) != code {
				t.Errorf("%v, want %s", err, code)
			}
		}
		if err := intel.SwitchList(ctx, p.db, p.Analyst, "no-such-list", false, "理由"); fault.Code(err) != "fault.not_found" {
			t.Errorf("an unknown list: %v", err)
		}
		if err := intel.SwitchList(ctx, p.db, p.Analyst, lists[0].Slug, false, ""); fault.Code(err) != "intel.reason" {
			t.Errorf("off without a reason: %v", err)
		}
		var n int
		if err := p.db.QueryRow(ctx, `SELECT COUNT(*) FROM audit WHERE detail LIKE '%taro%'`).Scan(&n); err != nil || n != 0 {
			t.Errorf("the audit record tells a mail address (%d, %v)", n, err)
		}
	})
}
