// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/disclose"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/technique"
	"teiten/internal/tlp"
)

// Every template of the pages about shared information, full and empty.
func init() {
	q := sampleRequest(locale.Japanese)
	sighted := &advisory.Sightings{Count: disclose.Exactly(3), First: testNow.Add(-time.Hour), Last: testNow, Mine: true, MineAt: testNow, Orgs: []advisory.Sighter{{Name: "みなと総合病院"}, {Name: "丘の上診療所", Anonymous: true}}}
	few := &advisory.Sightings{Count: disclose.Count(disclose.Sightings, 1)}
	var list []row
	for i, s := range advisory.States {
		list = append(list, row{
			ID: int64(i + 1), Category: category.All()[i%4], TLP: tlp.Levels[i%5], State: s, Heading: "題名", Source: "提供元",
			Reason: "理由", At: testNow, Sightings: sighted, Matched: []string{"FortiGate"},
		})
		if i%2 == 1 {
			list[i].Group, list[i].Anonymous, list[i].Sightings = "画像診断ネットワーク", true, few
		}
		list[i].Notice = map[category.Category]category.NoticeKind{category.Notice: category.Malware}[list[i].Category]
	}
	near := []nearRow{{list[2], advisory.SameIndicator, "hxxp://a[.]b"}, {list[3], advisory.SameHost, "a[.]b"}, {list[4], advisory.SimilarTitle, ""}}
	value := indicator.Value{Kind: indicator.URL, Value: "http://a.example/", Host: "a.example"}
	marks := []mark{
		{Kind: indicator.URL, Shown: "hxxp://a[.]example/", Masked: true, Href: "/indicators/1", Entry: true, Host: true, Why: []string{"載っています"},
			Hit: intel.Hit{Value: value, Known: true, Active: true, Categories: category.All(), Brands: []string{"名"}, FirstSeen: testNow, LastSeen: testNow, ValidUntil: testNow, Sources: 2, Observations: 1200, SameHost: 3}},
		{Kind: indicator.SHA256, Shown: "e3b0", Hit: intel.Hit{Known: true}, Expired: true, Href: "/indicators/2"},
		{Kind: indicator.Domain, Shown: "a[.]example", Why: []string{"載っています"}},
	}
	box := q.Field("textarea", "q", "find.box")

	sample("home", &homePage{Box: box, Empty: true, Member: true})
	sample("home", &homePage{Box: box, Today: "今日", Member: true, Set: true, New: list, Concerns: list[:1],
		Tiles: []tile{{Name: "名", Figure: "3", Unit: "件", Note: "注", Href: "/"}}, Tasks: []task{{Icon: "clock", Text: "すること", Note: "注", Href: "/", Button: "見る", Urgent: true}}})
	page := &listPage{Tabs: q.categoryTabs(), Views: q.viewTabs(), Form: q.listForm(advisory.Facets{Sources: []string{"元"}, Brands: []string{"名"}}), CSV: "/advisories.csv", Search: "/search"}
	sample("advisories", page)
	full := *page
	full.Rows, full.Count, full.Chips, full.Pager, full.Many = list, 10_000, []chip{{"分類", "標的型", "/advisories"}}, Pager{Shown: 6, Total: 10_000, Next: "/advisories?after=1"}, true
	sample("advisories", &full)

	for i, s := range advisory.States {
		a := &advisory.Advisory{ID: 1, State: s, Content: advisory.Content{Category: category.Notice, TLP: tlp.Green, Body: "本文", ObservedAt: testNow}, RegisteredAt: testNow, OrgName: "別の元"}
		if s.Public() {
			a.PublishedAt = testNow.Add(time.Hour)
		}
		p := &detailPage{
			Head: Head{Request: q}, A: a, Row: list[i], NoticeName: "マルウェア", TLPMeans: "意味", Body: markdown("**本文**", nil), Products: []string{"製品"}, Brand: "名",
			Reference: "JVN#1", Techniques: technique.All()[:2], Marks: marks, MarkCount: 300, MarkNext: "/advisories/1?from=100", AllMarks: "a", Entries: 1,
			Linked: list[:1], Near: near, Comments: []commentRow{
				{Comment: advisory.Comment{OrgName: "施設", Actor: "人", At: testNow}, Text: "文", Remove: "/remove"},
				{Comment: advisory.Comment{OrgName: "施設", Actor: "人", At: testNow, Removed: testNow}, Text: "文", Restore: "/restore", Gone: "消した"}}, Standing: 1, Revisions: 3,
			Opinions: advisory.Opinions{Helped: 2}, Reason: q.Field("textarea", "reason", "detail.reason"), Comment: q.Field("textarea", "body", "detail.comment"),
		}
		p.rights(caller.Caller{Account: 9, Org: 1, OrgKind: caller.ISAC, Role: caller.Analyst})
		p.MaySight = true
		sample("advisory", p)
	}
	bare := &detailPage{
		Head: Head{Request: q}, A: &advisory.Advisory{ID: 1, State: advisory.Published, Content: advisory.Content{Category: category.Phishing, TLP: tlp.Red}, RegisteredAt: testNow, PublishedAt: testNow},
		Row: row{Source: "元", State: advisory.Published, Sightings: &advisory.Sightings{}}, Comment: q.Field("textarea", "body", "detail.comment"),
	}
	bare.rights(testPeople[1])
	sample("advisory", bare)

	sample("revisions", &revisionsPage{ID: 1, Revisions: []revisionRow{
		{Number: 3, At: testNow, Actor: "人", State: advisory.Corrected, Reason: "理由", Changes: changes(locale.Japanese, advisory.Content{Title: "前"}, advisory.Content{Title: "後"})},
		{Number: 2, At: testNow, State: advisory.Published}, {Number: 1, At: testNow, State: advisory.Draft, First: true},
	}})

	sample("search", &searchPage{Box: box})
	for _, a := range answers {
		found := []finding{{mark: marks[0], Answer: a, OnHost: "a[.]example"}, {mark: marks[1], Answer: a}, {mark: marks[2], Answer: a}}
		sample("search", &searchPage{Box: box, Asked: "x", Again: "x", Answer: a, Findings: found, Counts: []answerCount{{a, 3}}, Left: 2, Rows: list, Near: near})
		sample("search", &searchPage{Box: box, Asked: "x", Again: "x", Answer: a, Findings: found[:1]})
	}
	sample("search", &searchPage{Box: box, Asked: "言葉", Again: "言葉", Words: true, Rows: list, Count: 10_000, Many: true, Next: "1", Paged: true, Chips: full.Chips, Filters: "?category=notice"})
	sample("search", &searchPage{Box: box, Asked: "言葉", Again: "言葉", Words: true})

	for i, m := range marks {
		sample("indicator", &indicatorPage{
			mark: m, Answer: answers[i], Categories: category.All(), Brands: []string{"名"}, Rows: list, Neighbours: marks, HostShown: "a[.]b", MayOverrule: true, Overruled: i == 1,
			Observations: []observed{{At: testNow, Source: "元", File: "f.csv", TLP: tlp.Green}, {TLP: tlp.Clear}}, Act: "/indicators/1", Reason: q.Field("textarea", "reason", "mark.reason"),
		})
	}
	sample("indicator", &indicatorPage{mark: marks[2], Answer: answerUnknown})

	sample("review", &reviewPage{})
	sample("review", &reviewPage{Oldest: "9 時間", Reached: true, Items: []reviewItem{{row: list[1], Waits: "9 時間", Long: true, Wide: true, Ask: "公開しますか", Marks: 2, Begins: "本文", Duplicates: near}, {row: list[1], Waits: "1 分"}}})

	fresh := &registerPage{Act: "/advisories", Back: "/advisories", New: true, Form: q.registerForm(), Groups: q.techniqueGroups(nil), Preview: &previewed{}}
	sample("register", fresh)
	filled := &registerPage{
		Act: "/advisories/1/correct", Back: "/advisories/1", Form: q.registerForm(), Groups: q.techniqueGroups([]string{"T1566.002"}), MayPublish: true, Correcting: true,
		AskWide: true, AskPersonal: true, WideMeans: "意味", Conflict: true, Newer: changes(locale.Japanese, advisory.Content{Title: "前"}, advisory.Content{Title: "後"}),
		Preview: &previewed{
			Found: []foundMark{{mark: marks[0], Value: "hxxp://a[.]example/"}, {mark: marks[2], Value: "a[.]example", Omitted: true}}, FoundCount: 300, Left: 298, Entries: 1,
			Suggested: technique.All()[:2], Duplicates: []duplicateRow{{nearRow: near[0], Duplicate: true, CanSee: true}, {nearRow: near[1], Related: true}},
			Personal: personal("患者ID 00123456 山田太郎様 090-1234-5678 a@b.example.com 生年月日 2000年1月1日 被保険者番号 12345678"),
			Body:     markdown("本文", nil), Problem: "読めません", Related: []int64{7}, Duplicate: 8,
		},
	}
	filled.Form.Title.Error, filled.Form.Techniques, filled.Form.Revision = "題名がありません", []string{"T1566.002"}, 3
	filled.Errors = Summary(filled.Form.fields()...)
	sample("register", filled)
}
