// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/base64"
	"regexp"
	"strings"
	"testing"
	"time"

	"teiten/internal/blob"
	"teiten/internal/mailcheck"
	"teiten/internal/member"
	"teiten/internal/report"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// mailWorld is a world in which mails can be checked.
func mailWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := worldOn(t, db)
	var err error
	w.Blobs, err = blob.Open(t.TempDir())
	must(t, err)
	w.Checker, err = mailcheck.New(w.Guards)
	must(t, err)
	return w
}

func eachMailWorld(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, mailWorld(t, db)) })
}

// parcel is a mail of one wave as somebody received it.
func parcel(name, address, token string) string {
	word := func(s string) string { return "=?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(s)) + "?=" }
	body := name + " 様\n\nお荷物をお届けにあがりましたが、宛先の住所に不備があり持ち戻りました。\n専用のサイトから二十四時間以内に配達日時の再指定を行ってください。\n" +
		"ご確認いただけない場合、お荷物は差出人に返送されます。内線 4012\nhttps://www.parcel-again.top/redelivery/index.php?id=" + token + "\n\n担当 西園寺"
	return "From: " + word("配達センター") + " <info@parcel-again.top>\r\nTo: " + word(name) + " <" + address + ">\r\nSubject: " + word("【重要】お荷物のお届けについて") +
		"\r\nDate: Mon, 16 Nov 2026 09:12:00 +0900\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n" +
		base64.StdEncoding.EncodeToString([]byte(body)) + "\r\n"
}

const parcelHost = "parcel-again.top"

// holds hands a mail in and returns the address of its answer.
func (w *world) holds(who, raw string) string {
	w.t.Helper()
	at := w.upload(who, "/check", "file", "mail.eml", raw).is(303).location
	if !regexp.MustCompile(`^/check/[0-9]+$`).MatchString(at) {
		w.t.Fatalf("a mail that was handed in leads to %q", at)
	}
	return at
}

// reports hands a mail in and reports it. It returns the address of the report.
func (w *world) reports(who, raw, did string) string {
	w.t.Helper()
	at := w.as(who, "POST", w.holds(who, raw)+"/report", form("did", did)).is(303).location
	if !regexp.MustCompile(`^/reports/[0-9]+$`).MatchString(at) {
		w.t.Fatalf("a report leads to %q", at)
	}
	return at
}

// inert holds a page against a mail's hosts: none of them can be opened.
func (r *response) inert(hosts ...string) *response {
	r.t.Helper()
	r.safe()
	if why := danger(r.body, hosts); why != "" {
		r.t.Error(why)
	}
	return r
}

// number is the id at the end of an address.
func ending(t *testing.T, address string) int64 {
	t.Helper()
	id := number64(address[strings.LastIndexByte(address, '/')+1:])
	if id == 0 {
		t.Fatalf("no id in %q", address)
	}
	return id
}

// A nurse hands a mail in, is told what it is and what to do, sees what a report
// shares, and reports. Her contact sees it, her colleague does not.
func TestMailCheckedAndReported(t *testing.T) {
	eachMailWorld(t, func(t *testing.T, w *world) {
		const nurse = "minato staff"
		raw := parcel("田中 美咲", "m.tanaka@minato-hp.jp", "6d5f0d62f23a2c64")
		w.as(nurse, "GET", "/check", "").is(200).safe().has(`type="file"`, "data-drop", "見られるのはあなただけです")
		at := w.holds(nurse, raw)
		answer := w.as(nurse, "GET", at, "").is(200).inert(parcelHost, "m.tanaka@minato-hp.jp").has("お荷物のお届けについて", "parcel-again[.]top", "いますること", "通報する")
		if !strings.Contains(answer.main(), "安全という意味ではありません") && !strings.Contains(answer.main(), "メールです") {
			t.Errorf("no verdict in\n%s", gist(answer.body))
		}
		now := func(did string) string {
			return w.as(nurse, "GET", at+"?did="+did, "").is(200).after(`class="now">`, "<")
		}
		told := map[string]string{}
		for _, did := range mailcheck.Actions {
			told[now(string(did))] = string(did)
		}
		if len(told) != len(mailcheck.Actions) {
			t.Errorf("what was done does not change what to do now: %v", told)
		}
		w.as(nurse, "GET", at+"?did=clicked", "").is(200).has(`did=clicked#now" aria-current="true"`)
		w.as(nurse, "GET", at+"?did=danced", "").is(400)
		for _, other := range []string{"minato contact", "yama staff", "isac analyst", "isac operator"} {
			w.as(other, "GET", at, "").is(404)
			w.as(other, "GET", at+"/report", "").is(404)
			w.as(other, "POST", at+"/report", form("did", "")).is(404)
		}

		// What is hidden is shown to her alone, struck out beside the mark.
		shown := func(r *response) string { // without what is struck out
			return regexp.MustCompile(`<del>[^<]*</del>`).ReplaceAllString(r.main(), "")
		}
		preview := w.as(nurse, "GET", at+"/report", "").is(200).inert(parcelHost).has("<del>", "隠したもの", "90 日間")
		for _, secret := range []string{"田中 美咲", "m.tanaka", "minato-hp", "6d5f0d62f23a2c64", "4012"} {
			if strings.Contains(shown(preview), secret) {
				t.Errorf("the preview shares %q:\n%s", secret, shown(preview))
			}
		}
		if !strings.Contains(shown(preview), "西園寺") {
			t.Fatal("the test's further word is hidden already")
		}
		again := w.as(nurse, "POST", at+"/report", form("look", "1", "hide", "西園寺\n", "did", "clicked")).is(200).inert(parcelHost)
		if strings.Contains(strings.ReplaceAll(shown(again), "<textarea", "\x00"), "担当 西園寺") || !strings.Contains(again.main(), ">西園寺</textarea>") {
			t.Errorf("the word is not hidden, or the form has lost it\n%s", shown(again))
		}
		if !regexp.MustCompile(`value="clicked"[^>]* checked`).MatchString(again.main()) {
			t.Error("the form has lost what was done")
		}
		w.as(nurse, "POST", at+"/report", form("hide", strings.Repeat("あ", 201), "did", "")).is(422).has("200 文字まで")
		w.as(nurse, "POST", at+"/report", form("did", "danced")).is(422)

		one := w.as(nurse, "POST", at+"/report", form("hide", "西園寺", "did", "clicked")).is(303).location
		w.as(nurse, "GET", one, "").is(200).inert(parcelHost).has("通報 受付番号", "受け付けました", "リンクを開いた", "元のメールを取り出す").lacks("西園寺", "m.tanaka", "<del>", "このメールを通報します")
		if to := w.as(nurse, "POST", at+"/report", form("did", "")).is(303).location; to != one {
			t.Errorf("the same mail again is %s, not %s", to, one)
		}
		answer.has("このメールを通報します")
		w.as(nurse, "GET", at, "").is(200).has("通報済みです").lacks("このメールを通報します")
		if to := w.as(nurse, "GET", at+"/report", "").is(303).location; to != one {
			t.Errorf("the preview of what was reported leads to %q", to)
		}
		w.as(nurse, "GET", "/reports", "").is(200).inert(parcelHost).has("お荷物のお届けについて", one+`"`)
		w.as("minato contact", "GET", "/reports", "").is(200).inert(parcelHost).has(one+`"`, "田中 美咲")
		w.as("minato contact", "GET", "/reports?whose=mine", "").is(200).lacks(one + `"`)
		w.as("minato contact", "GET", one, "").is(200).inert(parcelHost)
		w.as("isac analyst", "GET", one, "").is(200).inert(parcelHost).has("みなと総合病院", "事案を開く").lacks("田中", "西園寺", "m.tanaka", "元のメールを取り出す")
		w.as("isac analyst", "GET", "/reports", "").is(200).has("みなと総合病院").lacks("田中 美咲")
		for _, other := range []string{"minato executive", "yama contact", "yama staff", "aoba contact"} {
			w.as(other, "GET", one, "").is(404)
			w.as(other, "GET", "/reports", "").is(200).lacks("お荷物", one+`"`)
		}

		// One institution of few: others are told that there is one, not when.
		elsewhere := w.as("yama staff", "GET", w.holds("yama staff", parcel("中村 翔", "nakamura@yama.example", "0b0b0b0b0b0b0b0b")), "").is(200).inert(parcelHost)
		if strings.Contains(elsewhere.main(), "0001") || strings.Contains(elsewhere.main(), "1年1月1日") {
			t.Errorf("a day that is not told is shown: %s", elsewhere.after("seen-elsewhere", "</p>"))
		}
		elsewhere.has("3施設未満").lacks(time.Now().Format("2006年1月2日から"))
		w.as(nurse, "GET", at, "").is(200).has("あなたの施設からの通報は 1 件です")
	})
}

// Of many reports of one wave analysts see one case, decide about it, and what
// they publish protects everybody and is told to who reported.
func TestCaseBecomesProtection(t *testing.T) {
	eachMailWorld(t, func(t *testing.T, w *world) {
		const analyst = "isac analyst"
		one := w.reports("minato staff", parcel("田中 美咲", "m.tanaka@minato-hp.jp", "6d5f0d62f23a2c64"), "clicked")
		two := w.reports("yama staff", parcel("中村 翔", "nakamura@yama.example", "a0b1c2d3e4f5a6b7"), "")
		other := w.reports("aoba contact", "From: hr@salary-check.top\r\nTo: k@aoba.example\r\nSubject: =?UTF-8?B?"+base64.StdEncoding.EncodeToString([]byte("給与明細の確認のお願い"))+
			"?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n今月分の給与明細を添付いたしました。内容をご確認のうえ、誤りがある場合は本日中にご連絡ください。\r\nhttp://salary-check.top/a\r\n", "")
		caseOf := func(at string) *report.Case {
			t.Helper()
			r, err := report.Get(t.Context(), w.db, w.people[analyst], ending(t, at))
			must(t, err)
			c, err := report.GetCase(t.Context(), w.db, w.people[analyst], r.Case)
			must(t, err)
			return c
		}
		at := caseAddress(caseOf(one).ID)
		if caseAddress(caseOf(two).ID) != at || caseAddress(caseOf(other).ID) == at {
			t.Fatal("the waves are not as they were meant")
		}
		list := w.as(analyst, "GET", "/cases", "").is(200).inert(parcelHost, "salary-check.top")
		if n := strings.Count(list.main(), `<a href="`+at+`"`); n != 1 {
			t.Errorf("the case has %d lines", n)
		}
		row := list.after(`<a href="`+at+`"`, "</tr>")
		if strings.Count(row, ">2</td>") != 2 {
			t.Errorf("not 2 reports of 2 institutions: %s", row)
		}
		w.as(analyst, "GET", "/", "").is(200).has("お荷物のお届けについて", at)
		w.as(analyst, "GET", at, "").is(200).inert(parcelHost).has("みなと総合病院", "やまなみ市民病院", "parcel-again[.]top").lacks("田中", "中村", "m.tanaka", "nakamura", "6d5f0d62", "a0b1c2d3")
		for _, who := range []string{"minato contact", "minato staff", "yama contact", "aoba contact", "minato executive"} {
			w.as(who, "GET", "/cases", "").is(403)
			w.as(who, "GET", at, "").is(403)
			w.as(who, "POST", at+"/take", "").is(403)
		}
		w.as(analyst, "GET", "/cases?state=danced", "").is(400)

		w.as(analyst, "POST", at+"/take", "").is(303)
		w.as(analyst, "GET", "/cases?whose=mine", "").is(200).has(at)
		w.as(analyst, "GET", at, "").is(200).has("担当：佐藤 花子", "担当が決まる")
		seen := func() string { return itoa(caseOf(one).Revision) }
		w.as(analyst, "POST", at+"/dismiss", form("revision", seen(), "reason", " ")).is(422).inert(parcelHost).has("理由を入力してください", `href="#f-reason"`)
		w.as(analyst, "POST", at+"/dismiss", form("revision", "99", "reason", "本物")).is(422).has("開いた後に変わりました")
		w.as(analyst, "POST", at+"/dismiss", form("revision", seen(), "reason", "本物でした http://parcel-again.top/")).is(303)
		w.as(analyst, "GET", at, "").is(200).inert(parcelHost).has("本物でした", "もう一度調べる理由").lacks("自分が担当する")
		w.as(analyst, "GET", "/cases", "").is(200).lacks(at + `"`)
		w.as(analyst, "GET", "/cases?state=dismissed", "").is(200).has(at + `"`)
		w.as("minato staff", "GET", "/", "").is(200).has("皆に知らせる必要はない")
		w.as("minato staff", "GET", one, "").is(200).has("共有する危険はありませんでした").lacks("本物でした")
		w.as(analyst, "POST", at+"/take", "").is(422).has("その操作はできません")
		w.as(analyst, "POST", at+"/reopen", form("reason", "")).is(422).has("理由を入力してください")
		w.as(analyst, "POST", at+"/reopen", form("reason", "別の施設にも届いたため")).is(303)

		// Apart and together again.
		w.as(analyst, "POST", at+"/split", "x=").is(422).has("分ける通報")
		apart := w.as(analyst, "POST", at+"/split", form("report", itoa(ending(t, two)))).is(303).location
		if apart == at || caseOf(two).ID != ending(t, apart) || caseOf(one).Reports != 1 {
			t.Errorf("%s is not a case of its own", apart)
		}
		w.as(analyst, "POST", at+"/merge", form("other", itoa(caseOf(one).ID))).is(422)
		w.as(analyst, "POST", at+"/merge", form("other", itoa(ending(t, apart)))).is(303)
		if to := w.as(analyst, "GET", apart, "").is(303).location; to != at {
			t.Errorf("what was merged leads to %q", to)
		}

		// Only what is ticked goes into the draft.
		page := w.as(analyst, "GET", at, "").is(200)
		ticked := regexp.MustCompile(`name="indicator" value="([^"]*)"`).FindAllStringSubmatch(page.body, -1)
		kept := ""
		for _, m := range ticked {
			if strings.HasPrefix(m[1], "url ") {
				kept = m[1]
			}
		}
		if kept == "" || strings.Contains(kept, parcelHost) {
			t.Fatalf("the case offers %v", ticked)
		}
		w.as(analyst, "POST", at+"/draft", form("revision", "99", "indicator", kept)).is(422).has("開いた後に変わりました")
		edit := w.as(analyst, "POST", at+"/draft", form("revision", seen(), "indicator", kept)).is(303).location
		advice := strings.TrimSuffix(edit, "/edit")
		w.as(analyst, "GET", edit, "").is(200).inert(parcelHost).has("お荷物のお届けについて").lacks("田中", "中村", "6d5f0d62")
		w.as(analyst, "GET", at, "").is(200).has("情報の下書きがあります").lacks("情報の下書きを作る</button>")
		w.as("minato staff", "GET", advice, "").is(404)
		w.as(analyst, "POST", advice+"/publish", form("revision", "1", "confirm", "yes")).is(303)
		w.as(analyst, "GET", at, "").is(200).has("情報として公開しました")

		// Its reports count as having received it, and analysts find the case again.
		w.as(analyst, "GET", advice, "").is(200).has(`href="`+at+`"`, "みなと総合病院（匿名）", "やまなみ市民病院（匿名）")
		w.as("minato staff", "GET", advice, "").is(200).has("の通報で数えられています", advice+`/unsee"`).lacks(at+`"`, "元になった事案", "やまなみ市民病院")
		w.as("yama contact", "GET", advice, "").is(200).has("3施設になるまで", "の通報で数えられています").lacks(at+`"`, "みなと総合病院（匿名）")
		w.as("minato staff", "POST", advice+"/unsee", "").is(303)
		w.as("minato staff", "GET", advice, "").is(200).has(advice + `/see"`).lacks("の通報で数えられています")
		w.as("minato staff", "POST", advice+"/see", "").is(303)
		w.as(analyst, "GET", advice, "").is(200).has("みなと総合病院", "やまなみ市民病院（匿名）").lacks("みなと総合病院（匿名）")

		// The reporter is told, and puts it away.
		home := w.as("minato staff", "GET", "/", "").is(200).has("あなたの通報が情報として公開されました", advice)
		notice := home.after(`name="notice" value="`, `"`)
		w.as("yama contact", "GET", "/", "").is(200).lacks("あなたの通報が")
		w.as("yama staff", "POST", "/notices/read", form("notice", notice)).is(303)
		w.as("minato staff", "GET", "/", "").is(200).has("あなたの通報が情報として公開されました")
		w.as("minato staff", "POST", "/notices/read", form("notice", notice)).is(303)
		w.as("minato staff", "GET", "/", "").is(200).lacks("あなたの通報が情報として公開されました")
		w.as("minato staff", "GET", one, "").is(200).has("みんなを守る情報になりました", advice)
		w.as("minato staff", "POST", one+"/withdraw", form("confirm", "yes")).is(409)
		w.as(analyst, "POST", one+"/withdraw", form("confirm", "yes")).is(403)
		w.as("yama contact", "POST", one+"/withdraw", form("confirm", "yes")).is(404)

		// Whoever has such a mail now is told so.
		w.as("yama contact", "GET", w.holds("yama contact", parcel("山本 恵", "megumi@yama.example", "1111222233334444")), "").is(200).inert(parcelHost).has("悪意のあるメールです", advice)

		// The filter fetches it; the page shows how long it took.
		w.as("yama contact", "GET", advice, "").is(200).inert(parcelHost).has("守れるまでの時間", "まだこの情報を取り込んでいません")
		w.as("yama contact", "GET", "/blocklists/urls", "").is(200).has(parcelHost)
		w.as("yama contact", "GET", advice, "").is(200).inert(parcelHost).has("自施設のフィルタに反映").lacks("まだこの情報を取り込んでいません", "施設ごとの反映")
		w.as("minato contact", "GET", advice, "").is(200).has("まだこの情報を取り込んでいません").lacks("やまなみ市民病院")
		w.as(analyst, "GET", advice, "").is(200).inert(parcelHost).has("最初の通報", "担当が決まる", "公開", "施設ごとの反映", "やまなみ市民病院", "2 施設のうち 1")
		w.as(analyst, "GET", "/", "").is(200).has("守れるまでの時間")
		w.as(analyst, "POST", at+"/link", form("advisory", "1")).is(422)
		w.as(analyst, "POST", caseAddress(caseOf(other).ID)+"/link", form("advisory", "999999")).is(404)
		w.as(analyst, "POST", caseAddress(caseOf(other).ID)+"/link", form("advisory", itoa(ending(t, advice)))).is(303)
		w.as("aoba contact", "GET", other, "").is(200).has("みんなを守る情報になりました", "危険なメールです。何も押さず").lacks("知られた危険は見つかりませんでした")
	})
}

// The original stays in the institution unless it agrees, and every byte of it
// that leaves is recorded.
func TestOriginalByConsent(t *testing.T) {
	eachMailWorld(t, func(t *testing.T, w *world) {
		const analyst, contact = "isac analyst", "minato contact"
		raw := parcel("田中 美咲", "m.tanaka@minato-hp.jp", "6d5f0d62f23a2c64")
		one := w.reports("minato staff", raw, "")
		get := func(who string) *response { return w.as(who, "GET", one+"/original", "") }
		count := func() (n int) {
			must(t, w.db.QueryRow(t.Context(), `SELECT COUNT(*) FROM audit WHERE action = 'report.original'`).Scan(&n))
			return n
		}
		whole := func(who string) {
			t.Helper()
			before := count()
			r := get(who).is(200)
			if r.body != raw || r.header("Content-Length") != itoa(int64(len(raw))) {
				t.Errorf("%s gets %d bytes, not the %d that came", who, len(r.body), len(raw))
			}
			if r.header("Content-Type") != "application/octet-stream" || r.header("X-Content-Type-Options") != "nosniff" || !strings.HasSuffix(r.header("Content-Disposition"), `.eml.txt"`) ||
				!strings.HasPrefix(r.header("Content-Disposition"), "attachment") || !strings.Contains(r.header("Cache-Control"), "no-store") {
				t.Errorf("an original is sent as %q, %q", r.header("Content-Type"), r.header("Content-Disposition"))
			}
			if count() != before+1 {
				t.Error("the audit does not know of it")
			}
		}
		whole("minato staff")
		whole(contact)
		for _, who := range []string{"minato executive", "yama contact", "yama staff", analyst, "isac operator"} {
			if r := get(who); r.status != 403 && r.status != 404 || strings.Contains(r.body, raw[:40]) {
				t.Errorf("%s: status %d", who, r.status)
			}
		}
		get(analyst).is(403).has("施設の同意が必要です")

		w.as(analyst, "POST", one+"/ask", form("reason", "")).is(422).inert(parcelHost).has("理由を入力してください", `href="#f-reason"`)
		w.as("minato staff", "POST", one+"/ask", form("reason", "見たい")).is(403)
		w.as(analyst, "POST", one+"/ask", form("reason", "経路を確かめたい http://parcel-again.top/")).is(303)
		w.as(contact, "GET", "/", "").is(200).inert(parcelHost).has("同意するかどうか答えてください", one+"#consents")
		w.as(contact, "GET", "/reports", "").is(200).has("1 件、回答を待っています")
		asked := w.as(contact, "GET", one, "").is(200).inert(parcelHost).has("経路を確かめたい", "佐藤 花子", "同意する")
		w.as("minato staff", "GET", one, "").is(200).has("経路を確かめたい").lacks(`action="/consents/`)
		id := asked.after(`action="/consents/`, `"`)
		consent := "/consents/" + id
		for _, who := range []string{"minato staff", "yama contact", analyst, "isac operator"} {
			if r := w.as(who, "POST", consent, form("answer", "yes")); r.status != 403 && r.status != 404 {
				t.Errorf("%s answers for the institution: status %d", who, r.status)
			}
		}
		w.as(contact, "POST", consent, form("answer", "no")).is(422).inert(parcelHost).has("理由を入力してください", `href="#f-reason-`+id+`"`)
		w.as(contact, "POST", consent, form("answer", "no", "reason-"+id, "患者さんの情報があるため")).is(303)
		get(analyst).is(403)
		w.as(analyst, "GET", one, "").is(200).has("同意しない")
		w.as(contact, "POST", consent, form("answer", "yes")).is(422).has("その操作はできません")

		w.as(analyst, "POST", one+"/ask", form("reason", "もう一度お願いします")).is(303)
		id = w.as(contact, "GET", one, "").is(200).after(`action="/consents/`, `"`)
		consent = "/consents/" + id
		w.as(contact, "POST", consent, form("answer", "yes", "days-"+id, "1")).is(303)
		w.as(analyst, "GET", one, "").is(200).has("元のメールを取り出す").lacks("鈴木 一郎")
		whole(analyst)
		w.as(analyst, "GET", "/", "").is(200).has("施設が答えました")
		w.as("yama contact", "POST", consent+"/revoke", form("reason-"+id, "x")).is(404)
		w.as(contact, "GET", one, "").is(200).safe().has(`action="`+consent+`/revoke"`, "取り消す理由")
		w.as(contact, "POST", consent+"/revoke", form("x", "")).is(422).has("理由を入力してください", `href="#f-reason-`+id+`"`)
		w.as(contact, "POST", consent+"/revoke", form("reason-"+id, "もう要らないため")).is(303)
		get(analyst).is(403).has("施設の同意が必要です")

		w.as("yama contact", "POST", one+"/withdraw", form("confirm", "yes")).is(404)
		w.as(analyst, "POST", one+"/withdraw", form("confirm", "yes")).is(403)
		w.as("minato staff", "POST", one+"/withdraw", "x=").is(200).has("取り下げますか")
		w.as("minato staff", "POST", one+"/withdraw", form("confirm", "yes")).is(303)
		w.as("minato staff", "GET", one, "").is(200).safe().has("この通報は取り下げられました").lacks("二十四時間以内", "隠したことを示す印")
		get("minato staff").is(404)
		w.as(analyst, "GET", one, "").is(404)
		w.as(analyst, "GET", "/cases", "").is(200).lacks("お荷物")
	})
}

// A ward's shared PC checks and reports without anybody signing in, if its
// institution lets it; whoever stands there tomorrow sees nothing.
func TestWardReports(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		var err error
		g.Blobs, err = blob.Open(t.TempDir())
		must(t, err)
		g.Checker, err = mailcheck.New(g.Guards)
		must(t, err)
		ward := g.stranger()
		ward.c.Org = g.ContactA.Org
		ward.cert = g.certificate(ward.c, "病棟 3A", 0)
		neighbour := g.stranger()
		neighbour.cert = g.certificate(ward.c, "病棟 3B", 0)
		send := func(v *visitor) *response {
			return v.send("POST", "/check", part("file", "a.eml", parcel("患者 花子", "a@hospital.example.jp", "99887766554433")), "multipart/form-data; boundary="+boundary)
		}
		off := func(v *visitor) {
			t.Helper()
			if r := v.get("/check"); r.status != 303 || !strings.HasPrefix(r.location, "/sign-in") {
				t.Errorf("a check without the setting: status %d", r.status)
			}
			if r := send(v); r.status != 401 {
				t.Errorf("a mail without the setting: status %d", r.status)
			}
		}
		off(ward)
		must(t, member.SetWardCheck(t.Context(), g.db, g.ContactA, g.ContactA.Org, true))
		ward.get("/check").is(200).safe().has("同じ端末を使う人")
		at := send(ward).is(303).location
		ward.get(at).is(200).inert(parcelHost).has("通報する")
		ward.get(at + "/report").is(200).inert(parcelHost)
		neighbour.get(at).is(404)
		one := ward.post(at+"/report", "did", "entered").is(303).location
		ward.get(one).is(200).inert(parcelHost).has("受け付けました").lacks("患者 花子", "元のメールを取り出す", "通報を取り下げる", `href="/reports"`)
		neighbour.get(one).is(404)
		if r := ward.get(one + "/original"); r.status != 303 || !strings.HasPrefix(r.location, "/sign-in") {
			t.Errorf("the original without a sign-in: status %d", r.status)
		}
		if r := ward.get("/reports"); r.status != 303 {
			t.Errorf("the list without a sign-in: status %d", r.status)
		}
		contact := g.signedIn(g.ContactA, "contact-a")
		contact.get("/reports").is(200).has(one + `"`)
		g.exec(`UPDATE mail_report SET reported_at = reported_at - $1`, (25 * time.Hour).Microseconds())
		ward.get(one).is(404)
		g.exec(`UPDATE mail_hold SET expires_at = held_at`)
		ward.get(at).is(404)
		must(t, member.SetWardCheck(t.Context(), g.db, g.ContactA, g.ContactA.Org, false))
		off(ward)
		if r := ward.get(one); r.status != 303 {
			t.Errorf("a report without the setting: status %d", r.status)
		}
	})
}
