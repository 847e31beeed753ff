// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/disclose"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/mail"
	"teiten/internal/mailbox"
	"teiten/internal/mailcheck"
	"teiten/internal/member"
	"teiten/internal/redact"
	"teiten/internal/report"
	"teiten/internal/wave"
)

const sampleMail = "From: =?utf-8?B?6YqA6KGM?= <info@evil.example>\r\nTo: a@hospital.example\r\nReply-To: b@evil.example\r\nSubject: =?utf-8?B?6YeN6KaB?=\r\n" +
	"Date: Sat, 21 Nov 2026 09:00:00 +0900\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" +
	"<p>本人確認は<a href=\"https://evil.example/a?b=1\">こちら</a><span style=\"display:none\">隠し</span></p>\r\n"

func sampleAnswer(verdict mailcheck.Verdict) *mailcheck.Answer {
	m, err := mail.Read([]byte(sampleMail), mail.Limits{})
	if err != nil {
		panic(err)
	}
	m.Repairs = []mail.Repair{{Code: "mail.image", What: "x"}} // any sentence
	return &mailcheck.Answer{
		Verdict: verdict, Score: 1200, Rules: "1", Mail: m, Found: mail.Attached,
		Findings: []mailcheck.Finding{
			{Rule: "known.url", Weight: 1000, Advisory: 3, Places: []mailcheck.Place{{Where: "html", Path: "1", Text: "こちら", Start: 0, End: 6}, {Where: "header:From", Text: "info@evil.example"}}},
			{Rule: "known.host", Weight: 300}, {Rule: "known.url", Weight: 100}, {Rule: "known.host", Weight: 50}, {Rule: "known.url", Weight: -50},
		},
		Links: []mailcheck.Link{
			{Value: sampleValue, Hit: intel.Hit{Known: true, Active: true}, Places: []mailcheck.Place{{Where: "link"}, {Where: "link"}}},
			{Value: indicator.Value{Kind: indicator.Domain, Value: "evil.example", Host: "evil.example"}},
		},
		Files:      []mailcheck.File{{Path: "2", Name: "請求書.zip", MediaType: "application/zip", Size: 1234, SHA256: "e3b0", Names: []string{"a.exe"}, Encrypted: true}},
		Wave:       &wave.Seen{Advisory: 3, Institutions: disclose.Exactly(4), Own: 1, First: testNow},
		Incomplete: []string{"mail.image"},
	}
}

func init() {
	q := sampleRequest(locale.Japanese)

	text, file := q.Field("textarea", "text", "checking.text"), q.Field("file", "file", "checking.file")
	sample("check", &checkPage{Form: checkForm{Text: text, File: file}, Held: "24", Most: "50 MiB", To: "houkoku-a@mail.example"})
	text.Value, file.Error = "貼り付け", "だめ"
	sample("check", &checkPage{Form: checkForm{Text: text, File: file}, Errors: []FieldError{{ID: "f-file", Text: "だめ"}}, Ward: true})

	answered := func(verdict mailcheck.Verdict) *answerPage {
		a := sampleAnswer(verdict)
		reasons := q.mailReasons(a)
		return &answerPage{ID: 5, Until: testNow, Verdict: verdict, Rules: "1", Files: a.Files, MayReport: true, Mail: q.mailView(a), Seen: q.seenRow(a.Wave),
			Did:    []didChoice{{"見ただけ", "/check/5", true}, {"リンクを開いた", "/check/5?did=clicked", false}},
			Advice: advice{"開かないでください。", []string{"電話する"}}, Top: reasons[:3], More: reasons[3:], Incomplete: []string{"大きすぎます"}, MoreLinks: 3, MoreFiles: 2,
			Links:    []linkRow{{Value: sampleValue, Shown: shown(sampleValue), Href: "/indicators/1", Known: true, Active: true, Where: []string{"リンク"}}, {Value: sampleValue, Shown: "x", Known: true}},
			Opinions: advisory.Opinions{Helped: 1}}
	}
	for _, verdict := range []mailcheck.Verdict{mailcheck.Malicious, mailcheck.Suspicious, mailcheck.Unknown} {
		sample("answer", answered(verdict))
	}
	empty := answered(mailcheck.Unknown)
	empty.Top, empty.More, empty.Files, empty.Links, empty.Incomplete, empty.Reported, empty.Seen = nil, nil, nil, nil, nil, 7, seenRow{}
	empty.Mail = mailView{Found: mail.Itself, Empty: true}
	sample("answer", empty)

	hidden := redact.Mail{Subject: redact.Piece{Text: "【氏名】様へ", Spans: []redact.Span{{Start: 0, End: len("【氏名】"), Kind: redact.Person}}},
		From: []redact.Piece{{Text: "info@evil.example"}}, Date: testNow.Format(time.RFC3339), Header: []redact.Piece{{Where: "header:X-Mailer", Text: "a"}},
		Body:  []redact.Piece{{Where: "html", Path: "1", Text: "本人確認は https://evil.example/"}},
		Links: []redact.Piece{{Text: "https://evil.example/*"}}, Counts: map[redact.Kind]int{redact.Person: 1},
		Files: []redact.File{{Name: redact.Piece{Text: "請求書.zip"}, MediaType: "application/zip", Size: 12, SHA256: "e3b0"}}}
	view := q.sharedView(&hidden)
	did, hide := q.Field("radio", "did", "checking.did"), q.Field("textarea", "hide", "reporting.hide")
	for _, action := range mailcheck.Actions {
		did.Options = append(did.Options, Option{Value: string(action), Label: action.Name(q.Lang)})
	}
	sample("preview", &previewPage{ID: 5, Did: did, Hide: hide, Shared: view, Days: 90})
	sample("preview", &previewPage{ID: 5, Did: did, Hide: hide, Days: 90, Errors: []FieldError{{Text: "だめ"}}})

	one := &report.Report{ID: 9, Org: 2, OrgName: "みなと総合", Reporter: "佐藤", Channel: report.Web, At: testNow, Verdict: mailcheck.Suspicious, Subject: "重要", State: report.Published, Advisory: 3, Size: 12, Original: testNow, Case: 4}
	gone := *one
	gone.State, gone.Withdrawn, gone.Reporter, gone.Original = report.New, testNow, "", time.Time{}
	consent := report.Consent{ID: 2, Report: 9, State: report.Asked, Asker: "分析", Reason: "理由", At: testNow, Until: testNow}
	sample("reports", &reportsPage{All: true, Tabs: []Tab{{Href: "/reports", Name: "すべて", Current: true}}, Rows: []reportRow{q.reportRow(one), q.reportRow(&gone)}, Asked: []report.Consent{consent}})
	sample("reports", &reportsPage{})
	days, word := q.Field("select", "days", "reporting.consent.days"), q.Field("text", "reason", "reporting.consent.reason")
	page := &reportPage{Report: q.reportRow(one), Number: "9", Came: "転送されたメールです。", Shared: view, Did: "見ただけ", Advice: advice{First: "開かない"}, Withdraw: true, Original: true,
		Reasons: q.mailReasons(sampleAnswer(mailcheck.Suspicious)), Reason: q.Field("textarea", "ask", "reporting.ask.reason"),
		Consents: []consentRow{{Consent: consent, MayAnswer: true, Form: word, Days: days}, {Consent: consent, MayRevoke: true}}}
	sample("report", page)
	sample("report", &reportPage{Report: q.reportRow(&gone), Errors: []FieldError{{Text: "だめ"}}})
	asking := *page
	asking.Analyst, asking.Original, asking.Consents = true, false, nil
	sample("report", &asking)

	c := &report.Case{ID: 4, State: report.Triage, Title: "重要", Verdict: mailcheck.Malicious, Reports: 40, Institutions: 7, First: testNow, Last: testNow, Fresh: 2, Taker: "分析", Taken: testNow,
		ByOrg: []report.OrgCount{{Org: 2, Name: "みなと総合", Reports: 3, First: testNow, Last: testNow}}}
	published, dismissed := *c, *c
	published.State, published.Advisory, published.AdvisoryIs, published.Decided = report.Published, 3, advisory.Published, testNow
	dismissed.State, dismissed.Reason, dismissed.Decided = report.Dismissed, "本物でした", testNow
	sample("cases", &casesPage{Tabs: []Tab{{Href: "/cases", Name: "待つもの", Counted: true, Count: 2, Current: true}}, Rows: []caseRow{q.caseRow(c), q.caseRow(&published), q.caseRow(&dismissed)}})
	sample("cases", &casesPage{})
	other := q.Field("select", "other", "cases.merge.other")
	other.Options = []Option{{Value: "5", Label: "#5 別の件"}}
	for _, one := range []*report.Case{c, &published, &dismissed} {
		sample("case", &casePage{Case: q.caseRow(one), Steps: q.caseSteps(one), MayDraft: one == c, MayTake: one == c, More: 3,
			Mails: []redactedMail{{reportRow: q.reportRow(&report.Report{ID: 9, OrgName: "みなと総合", At: testNow, Subject: "重要"}), Shared: view, Same: 2, All: "9 8 7"}, {reportRow: q.reportRow(&gone), All: "6"}},
			Found: []candidateRow{{mark{Kind: indicator.URL, Shown: shown(sampleValue), Entry: true, Why: []string{"理由"}}, "url x", 3, 2}, {mark{Kind: indicator.Domain, Shown: "x"}, "domain x", 1, 1}},
			Other: other, Dismiss: q.Field("textarea", "reason", "cases.dismiss.reason"), Reopen: q.Field("textarea", "reason", "cases.reopen.reason"), Link: q.Field("number", "advisory", "cases.link.number")})
	}
	box := &mailboxPage{Org: member.Organisation{ID: 2, Kind: caller.Institution, Name: "みなと総合病院"}, Domain: true,
		Addresses: []mailbox.Address{{ID: 1, Org: 2, Address: "houkoku-a@mail.example", CreatedAt: testNow, Active: true}, {ID: 2, Org: 2, Address: "houkoku-b@mail.example", CreatedAt: testNow, EndsAt: testNow, Active: true}},
		Mails:     []mailbox.Mail{{ID: 1, Org: 2, At: testNow, Size: 1234, State: mailbox.Reported, Verdict: mailcheck.Suspicious, Report: 9, Reply: mailbox.Sent}, {ID: 2, At: testNow, State: mailbox.Bounce, Reply: mailbox.NoReply}, {ID: 3, At: testNow, State: mailbox.Outside, Reason: string(mailbox.NotInside), Reply: mailbox.NoReply, Until: testNow}},
		Tabs:      []Tab{{Href: "/mailbox?show=outside", Name: "施設の外から", Counted: true, Count: 1}}, Pager: Pager{Shown: 20, Next: "/mailbox?after=3"}, Decides: true,
		IMAP: &mailbox.IMAP{Server: "imap.example:993", LastOK: testNow, Fetched: 3}}
	box.Settings = mailSettingsForm{q.Field("number", "days", "mailboxes.days"), q.Field("textarea", "authserv", "mailboxes.authserv")}
	box.IMAPForm = imapForm{q.Field("text", "server", "mailboxes.imap.server"), q.Field("select", "security", "mailboxes.imap.security"), q.Field("text", "login", "mailboxes.imap.login"),
		q.Field("password", "password", "mailboxes.imap.password"), q.Field("text", "folder", "mailboxes.imap.folder"), q.Field("text", "done_folder", "mailboxes.imap.done"), q.Field("checkbox", "enabled", "mailboxes.imap.enabled")}
	sample("mailbox", box)
	bare := *box
	bare.Addresses, bare.Mails, bare.IMAP, bare.Domain, bare.Errors = nil, nil, nil, false, []FieldError{{Text: "だめ"}}
	sample("mailbox", &bare)
	broken := *box
	broken.Failure = "届きません"
	sample("mailbox", &broken)
	stray := &strayPage{ID: 3, Sender: "nurse[@]mail[.]example", At: testNow, Size: 1234, Until: testNow, Verdict: mailcheck.Suspicious, Mail: q.mailView(sampleAnswer(mailcheck.Suspicious)),
		Reasons: q.mailReasons(sampleAnswer(mailcheck.Suspicious)), Files: sampleAnswer(mailcheck.Suspicious).Files, More: 2}
	sample("stray", stray)
	sample("stray", &strayPage{ID: 3, Problem: "読み取れません", Errors: []FieldError{{Text: "だめ"}}})
	sample("case", &casePage{Case: q.caseRow(c), MayDraft: true, Dismiss: q.Field("textarea", "reason", "cases.dismiss.reason"), Reopen: q.Field("textarea", "reason", "cases.reopen.reason"), Link: q.Field("number", "advisory", "cases.link.number"), Errors: []FieldError{{Text: "だめ"}}})
}
