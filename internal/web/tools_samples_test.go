// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html/template"
	"time"

	"teiten/internal/blocklist"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/feed"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intake"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/member"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

var sampleValue = indicator.Value{Kind: indicator.URL, Value: "https://login.example/a", Host: "login.example"}

func init() {
	q := sampleRequest(locale.Japanese)

	asked, _ := askTrend(q)
	trends := &trendsPage{Asked: asked, CSV: "/trends.csv", Tiles: []trendTile{{"公開された情報", "12", "件", "前より多い"}},
		Figures: []template.HTML{asked.draw(q, "c-all", "全体", []trendItem{{item: "phishing", name: "フィッシング", count: 3}}, []trend.Point{{Period: asked.Periods()[0], Item: "phishing", Count: 3}})}}
	trends.form(q)
	sample("trends", trends)
	own := &trendsPage{CSV: "/trends.csv", Undated: true, Errors: []FieldError{{ID: "f-from", Text: "日付"}}}
	own.Asked = asked
	own.Asked.Period = "own"
	own.form(q)
	sample("trends", own)

	filters := &filtersPage{Address: "http://localhost:8080/blocklists/domains", File: "/blocklists/domains?download=1",
		Sum: blocklist.Summary{Read: 12, Written: 9}, Skipped: []skippedCount{{3, "理由"}},
		Exceptions: []exceptionRow{{intel.Exception{Reason: "検査の予約", Actor: "鈴木", At: testNow}, "12", shown(sampleValue)}}}
	filters.form(q)
	filters.Chosen = &filters.Formats[1]
	filters.Chosen.Setup = "# 設定\ncurl -fsS http://localhost:8080/blocklists/domains"
	sample("filters", filters)
	bare := &filtersPage{Errors: []FieldError{{Text: "だめ"}}}
	bare.form(q)
	sample("filters", bare)

	ask, over := q.Field("text", "value", "tools.guard.ask"), q.Field("text", "overrule", "tools.guard.overrule.value")
	lists := &guardPage{May: true, Ask: ask, Values: 3, Switch: "b",
		Upload: q.Field("file", "list", "tools.guard.upload"), Over: overruleForm{over, q.Field("text", "reason", "tools.guard.overrule.reason")},
		Reason: q.Field("text", "why", "tools.guard.off.reason"),
		Effects: []effectGroup{{guard.Exclude, []intel.ListInfo{
			{Slug: "a", Name: "A", Values: 2, Bundled: true, Enabled: true}, {Slug: "b", Name: "B", Values: 1, Enabled: true, Actor: "佐藤", At: testNow},
			{Slug: "c", Name: "C", Reason: "古い", Actor: "佐藤", At: testNow}}}},
		Overrules: []overruleRow{{guard.Overrule{By: "佐藤", At: testNow, Reason: "乗っ取り"}, "9", shown(sampleValue)}},
		Answer:    &guardAnswer{Shown: shown(sampleValue), In: true, HasHost: true, Reasons: []string{"理由"}}}
	lists.Reason.Error = "理由を書いてください。"
	lists.Errors = Summary(&lists.Reason)
	sample("guardlists", lists)
	sample("guardlists", &guardPage{Ask: ask, Answer: &guardAnswer{Shown: shown(sampleValue)}})

	person := member.Account{Name: "鈴木 一郎", Title: "情報係", Role: caller.Contact}
	interest := member.Interest{ID: 4, Kind: member.Product, Value: "FortiGate"}
	domain := q.Field("text", "domain", "tools.institution.domain")
	kind, value := q.Field("radio", "kind", "tools.interest.kind"), q.Field("text", "value", "tools.interest.value")
	sample("institution", &institutionPage{Own: true, May: true, Org: member.Organisation{ID: 2, Kind: caller.Institution, Name: "みなと総合病院", Prefecture: "神奈川県", Beds: 320},
		Domains: []ownDomain{{"minato-hp.example", "5"}}, Interests: []interestGroup{{member.Product, []member.Interest{interest}}},
		People: []member.Account{person}, Domain: domain, Kind: kind, Value: value})
	sample("institution", &institutionPage{Org: member.Organisation{ID: 3, Kind: caller.Vendor, Name: "あおば"}, All: []Tab{{Href: "/institution?org=3", Name: "あおば", Current: true}}})

	sample("glossary", &glossaryPage{Areas: []glossaryArea{{"a", "情報", []glossaryTerm{{"advisory", "情報", "じょうほう", "advisory", "意味", []string{"投稿", "記事"}}}}}})
	sample("help", &helpPage{Pages: []helpEntry{{"start", "はじめに", false}}})
	sample("help", &helpPage{Pages: []helpEntry{{"start", "はじめに", true}}, Body: "<p>文</p>", Next: &helpEntry{"tlp", "共有範囲", false}})
	sample("techniques", &techniquesPage{Linked: true, Groups: []tacticGroup{{"impact", "業務への影響", []techniqueRow{
		{ID: "T1486", Name: "暗号化", About: "説明", Count: 3}, {ID: "isac.qr", Name: "QR", About: "説明", Own: true}}}}})
	sample("about", &aboutPage{Version: "1.0", Revision: "abc", Modules: []aboutModule{{"a.example/b", "v1"}}, Lists: []aboutList{{"A", 1, 2, true}, {"B", 1, 2, false}}, Notice: "<p>notice</p>"})

	run := importRow{Run: intake.Run{ID: 7, Format: intake.CSV, State: intake.Running, TLP: tlp.Green, Actor: "佐藤", StartedAt: testNow}, Name: "list.csv", Format: "CSV"}
	run.Rows = 120
	failed, tried := run, run
	run.Group = "画像診断ネットワーク"
	failed.State, failed.Why, failed.Err = intake.Failed, "切れています", fault.New(fault.Invalid, "import.gzip_cut")
	tried.State, tried.DryRun = intake.Done, true
	imports := &importsPage{Runs: []importRow{run, failed, tried}, Pager: Pager{Shown: 3, Next: "/import?after=1"}}
	imports.form(q)
	sample("imports", imports)
	sample("imports", &importsPage{Form: imports.Form, Errors: []FieldError{{Text: "だめ"}}})
	sample("import", &importPage{Row: run, Progress: Progress{Label: "120 行"}, CSV: "/import/7/problems.csv"})
	sample("import", &importPage{Row: failed, Problems: []importProblem{{"list.csv", 12, "理由"}, {"list.csv", 0, "理由"}}, Many: 3, CSV: "/import/7/problems.csv"})
	sample("import", &importPage{Row: tried, Earnest: "/import/7/earnest"})

	row := collectorRow{Collector: feed.Collector{ID: 3, Name: "JVN", URL: "https://feed.example/rss", Every: time.Hour, Enabled: true, LastRun: testNow, LastOK: testNow, NextRun: testNow, Failures: 2}, Interval: "60 分", Shared: "画像診断ネットワーク", Why: "届きません", Edit: q.collectorForm("-3"), Open: true}
	off := collectorRow{Collector: feed.Collector{ID: 4, Name: "B", URL: "https://b.example/rss"}, Edit: q.collectorForm("-4")}
	sample("collectors", &collectorsPage{List: []collectorRow{row, off}, Form: q.collectorForm(""), Test: &collectorTest{URL: "https://feed.example/rss", Title: "お知らせ", Total: 3,
		Items: []collectorItem{{"脆弱性", testNow, category.Notice, "脆弱性", "脆弱性"}}, Problems: []string{"直した"}}})
	sample("collectors", &collectorsPage{Form: q.collectorForm(""), Test: &collectorTest{URL: "https://feed.example/rss", Why: "届きません"}})
}
