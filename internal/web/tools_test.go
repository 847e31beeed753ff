// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"teiten/internal/caller"
	"teiten/internal/glossary"
	"teiten/internal/help"
	"teiten/internal/intel"
	"teiten/internal/member"
	"teiten/internal/trend"
)

// undo sends what a change offers to take it back, as the same person's browser
// would, and returns the page after it.
func (w *world) undo(who string, changed *http.Response) *response {
	w.t.Helper()
	var cookies []string
	for _, c := range changed.Cookies() {
		cookies = append(cookies, c.Name+"="+c.Value)
	}
	jar := strings.Join(cookies, "; ")
	page := w.as(who, "GET", changed.Header.Get("Location"), "", "Cookie", jar)
	at := regexp.MustCompile(`<div class="flash"[\s\S]*?action="([^"]+)"`).FindStringSubmatch(page.body)
	if at == nil {
		w.t.Fatalf("nothing to undo in\n%s", gist(page.body))
	}
	return w.as(who, "POST", at[1], form("x", ""), "Cookie", jar)
}

// send is as, for tests that need the answer's cookies.
func (w *world) send(who, target, form string) *http.Response {
	w.t.Helper()
	return w.do("POST", target, form, "Cookie", fmt.Sprintf("teiten-persona=%d", w.people[who].Account), "Accept-Language", "ja")
}

func TestTrendsPage(t *testing.T) {
	w := newWorld(t)
	must(t, trend.Refresh(t.Context(), w.db))
	page := w.as("minato contact", "GET", "/trends", "").is(200).safe()
	page.has("公開された情報", `<svg class="chart`, "私たちの施設", "フィッシング", "/trends.csv", "数字で見る")
	w.as("isac analyst", "GET", "/trends", "").is(200).safe().lacks(`id="c-own"`)
	w.as("aoba contact", "GET", "/trends?by=source", "").is(200).safe()
	w.as("minato staff", "GET", "/trends?series=sighting&by=technique&view=lines&period=30d", "").is(200).safe().has("フィッシング（リンク）")
	w.as("minato executive", "GET", "/trends?series=observation&period=5y", "").is(200).safe().has("観測日が空欄")
	// A dimension that the series does not have falls back to one that it has.
	w.as("minato staff", "GET", "/trends?series=observation&by=technique", "").is(200)

	for query, part := range map[string]string{
		"series=mood": "三つです",
		"by=weather":  "weather",
		"period=9y":   "その期間は選べません",
		"period=own&from=2026-05-01&to=2026-04-01":           "始まりの日より前",
		"period=own&from=05/01/2026":                         "日付を読めません",
		"period=own&from=2025-01-01&to=2025-12-31&every=day": "92 日まで",
		"period=own&from=1990-01-01&to=2025-12-31":           "120 か月まで",
	} {
		w.as("minato staff", "GET", "/trends?"+query, "").is(400).safe().has(part)
		w.as("minato staff", "GET", "/trends.csv?"+query, "").is(400)
	}
}

// TestTrendsCSV: the file has what the caller may see, no more, with the own
// institution's share beside it.
func TestTrendsCSV(t *testing.T) {
	w := newWorld(t)
	must(t, trend.Refresh(t.Context(), w.db))
	count := func(who, query string) map[string][2]int {
		t.Helper()
		got := w.as(who, "GET", "/trends.csv?"+query, "").is(200)
		if !strings.HasPrefix(got.body, "\ufeffseries,period,") || !strings.Contains(got.header("Content-Disposition"), ".csv") {
			t.Fatalf("%s: %q", got.header("Content-Disposition"), got.body)
		}
		sums := map[string][2]int{}
		for _, line := range strings.Split(strings.TrimSpace(got.body), "\r\n")[1:] {
			cells := strings.Split(line, ",")
			n, _ := strconv.Atoi(cells[4])
			sum := sums[cells[2]]
			sum[0] += n
			if len(cells) > 5 {
				own, _ := strconv.Atoi(cells[5])
				sum[1] += own
			}
			sums[cells[2]] = sum
		}
		return sums
	}
	if got := count("minato contact", "by=category"); got["phishing"] != [2]int{2, 1} || got["notice"] != [2]int{1, 0} || got["targeted"] != [2]int{1, 0} {
		t.Errorf("advisories of a hospital: %v", got)
	}
	if got := count("aoba contact", "by=category"); got["phishing"] != [2]int{1, 0} {
		t.Errorf("advisories of a vendor: %v", got)
	}
	if got := count("yama contact", "series=sighting"); got["phishing"] != [2]int{0, 1} { // one institution is told of its own only
		t.Errorf("sightings: %v", got)
	}
	for in, out := range map[string]string{"=1+1": "'=1+1", "楽天": "楽天", "": ""} {
		if got := csvCell(in); got != out {
			t.Errorf("csvCell(%q) = %q", in, got)
		}
	}
}

// TestTrendSeries: two charts side by side have the same series, and what is
// summed loses nothing.
func TestTrendSeries(t *testing.T) {
	q := sampleRequest("ja")
	a := trendAsked{Query: trend.Query{Series: trend.Advisory, Dimension: trend.Brand, From: 20000, To: 20001}}
	var points []trend.Point
	for i := range 12 {
		points = append(points, trend.Point{Period: trend.DayText(20000), Item: fmt.Sprintf("b%02d", i), Count: int64(100 - i)})
	}
	items := rankTrend(q, trend.Brand, points)
	all := string(a.draw(q, "c-all", "全体", items, points))
	own := string(a.draw(q, "c-own", "自院", items, points[9:10]))
	for _, figure := range []string{all, own} {
		if strings.Count(figure, "<li>") != 8 || !strings.Contains(figure, "b06</li>") || strings.Contains(figure, "b07</li>") || !strings.Contains(figure, "その他（5）</li>") {
			t.Errorf("legend of\n%s", figure)
		}
	}
	if !strings.Contains(all, `<td class="sum">1,134</td>`) {
		t.Error("the sum of the first day is not that of all items")
	}
	if table := string(a.table(q, items, points)); !strings.Contains(table, "b11") {
		t.Error("the table lacks an item")
	}
}

func TestFiltersPage(t *testing.T) {
	w := newWorld(t)
	page := w.as("minato contact", "GET", "/filters?format=squid-domains&category=phishing&age=30&tlp=green", "").is(200).safe()
	page.has("http://localhost:8080/blocklists/squid-domains?category=phishing&amp;age=30&amp;tlp=green", "dstdomain", `<dd class="big">1<small>`)
	w.as("minato contact", "GET", "/filters?format=fortigate&age=12", "").is(200).has(">12</option>")
	w.as("minato staff", "GET", "/filters", "").is(200).safe().lacks(`action="/filters/exceptions"`)
	w.as("isac operator", "GET", "/filters?confidence=80&include-expired=yes", "").is(200).safe()
	for query, id := range map[string]string{"format=bind": "f-format", "age=x": "f-age", "tlp=x": "f-tlp", "category=x": "f-category", "own=maybe": "f-own"} {
		w.as("minato contact", "GET", "/filters?"+query, "").is(400).safe().has(`href="#` + id + `"`)
	}
	// Counted twice, it is read once.
	if len(w.counts.last) == 0 {
		t.Error("no count is remembered")
	}
}

func TestExceptions(t *testing.T) {
	w := newWorld(t)
	w.as("minato contact", "POST", "/filters/exceptions", form("value", "なにか", "reason", "必要")).is(422).safe().has("f-value-error")
	w.as("minato contact", "POST", "/filters/exceptions", form("value", "rakuten-card[.]xyz", "reason", "")).is(422).safe().has("f-reason-error", "rakuten-card[.]xyz")
	w.as("minato staff", "POST", "/filters/exceptions", form("value", "rakuten-card.xyz", "reason", "必要")).is(403)
	w.as("isac analyst", "POST", "/filters/exceptions", form("value", "rakuten-card.xyz", "reason", "必要")).is(403)

	added := w.send("minato contact", "/filters/exceptions", form("value", "https://rakuten-card[.]xyz/login", "reason", "検査の予約 http://login-minato.top/"))
	if added.StatusCode != 303 {
		t.Fatalf("status %d", added.StatusCode)
	}
	listed := func() bool {
		list, err := intel.Exceptions(t.Context(), w.db, w.people["minato contact"])
		must(t, err)
		return len(list) == 1
	}
	w.as("minato contact", "GET", "/filters", "").is(200).safe().has("検査の予約", "鈴木 一郎")
	w.as("yama contact", "GET", "/filters", "").is(200).lacks("検査の予約")
	if w.undo("minato contact", added).is(303); listed() {
		t.Error("undone, it is still there")
	}
	w.send("minato contact", "/filters/exceptions", form("value", "rakuten-card.xyz", "reason", "必要"))
	v, _ := typedValue("rakuten-card.xyz")
	remove := "/filters/exceptions/" + w.keyOf(v) + "/remove"
	w.as("yama contact", "POST", remove, form("x", "")).is(404) // another institution's
	removed := w.send("minato contact", remove, form("x", ""))
	if listed() {
		t.Fatal("it was not removed")
	}
	if w.undo("minato contact", removed).is(303); !listed() {
		t.Error("it did not come back")
	}
	w.as("minato contact", "POST", "/filters/exceptions/restore", form("x", "")).is(404) // once only, and only with the cookie
	w.as("minato contact", "POST", "/filters/exceptions/restore", form("x", ""), "Cookie", "teiten-removed=bm90IHNlYWxlZCBub3Qgc2VhbGVkIG5vdCBzZWFsZWQ").is(404)
}

func TestGuardPage(t *testing.T) {
	w := newWorld(t)
	page := w.as("isac analyst", "GET", "/guard", "").is(200).safe()
	page.has("入れない", "借り手ごとに見る", `action="/guard/overrules"`)
	w.as("minato contact", "GET", "/guard", "").is(200).safe().lacks(`action="/guard/overrules"`, `action="/guard/lists"`)
	w.as("minato staff", "GET", "/guard", "").is(403)

	for value, parts := range map[string][]string{
		"https://rakuten-card.xyz/login": {"フィルターに入っています"},
		"https://www.google.com/":        {"フィルターには入っていません", "google"},
		"portal.minato-hp.jp":            {"フィルターには入っていません", "minato"},
		"http://unknown.shop/":           {"フィルターには入っていません", "情報がありません"},
		"hxxp://xn--fiqs8s[.]xyz/":       {"フィルターには入っていません", "取り下げられたか"},
		"denshi-karte.shop":              {"情報がありません"},
	} {
		w.as("minato contact", "POST", "/guard", form("value", value)).is(200).safe().has(parts...)
	}
	w.as("minato contact", "POST", "/guard", form("value", "こんにちは")).is(422).safe().has("f-value-error")
	w.send("minato contact", "/filters/exceptions", form("value", "rakuten-card.xyz", "reason", "必要"))
	w.as("minato contact", "POST", "/guard", form("value", "https://rakuten-card.xyz/login")).is(200).has("自院の除外に登録")

	// A list goes off with a reason only.
	w.as("isac analyst", "POST", "/guard/lists/bank-website", form("why", "")).is(422).safe().has(`id="f-why"`, "理由を書いてください")
	w.as("minato contact", "POST", "/guard/lists/bank-website", form("why", "x")).is(403)
	off := w.send("isac analyst", "/guard/lists/bank-website", form("why", "古いため"))
	w.as("isac analyst", "GET", "/guard", "").has("古いため", "もう一度使う")
	w.undo("isac analyst", off).is(303)
	w.as("isac analyst", "GET", "/guard", "").lacks("もう一度使う")
	w.send("isac analyst", "/guard/lists/bank-website", form("why", "古いため"))
	w.as("isac analyst", "POST", "/guard/lists/bank-website", form("on", "yes")).is(303)
	w.as("isac analyst", "GET", "/guard", "").lacks("もう一度使う")
	w.as("isac analyst", "POST", "/guard/lists/none", form("why", "x")).is(404)
}

func TestOverrules(t *testing.T) {
	w := newWorld(t)
	w.as("isac analyst", "POST", "/guard/overrules", form("overrule", "google.com", "reason", "")).is(422).safe().has("f-reason-error")
	w.as("isac analyst", "POST", "/guard/overrules", form("overrule", "", "reason", "乗っ取り")).is(422).safe().has("f-overrule-error")
	w.as("minato contact", "POST", "/guard/overrules", form("overrule", "google.com", "reason", "乗っ取り")).is(403)
	added := w.send("isac analyst", "/guard/overrules", form("overrule", "https://www.google.com/evil", "reason", "乗っ取り"))
	count := func() int {
		list, err := intel.Overrules(t.Context(), w.db)
		must(t, err)
		return len(list)
	}
	w.as("isac analyst", "GET", "/guard", "").is(200).safe().has("乗っ取り", "佐藤 花子")
	w.as("isac analyst", "POST", "/guard", form("value", "https://www.google.com/evil")).is(200).has("佐藤 花子 さんが")
	if w.undo("isac analyst", added).is(303); count() != 0 {
		t.Error("undone, it still holds")
	}
	w.send("isac analyst", "/guard/overrules", form("overrule", "google.com", "reason", "乗っ取り"))
	v, _ := typedValue("google.com")
	removed := w.send("isac analyst", "/guard/overrules/"+w.keyOf(v)+"/remove", form("x", ""))
	if count() != 0 {
		t.Fatal("it was not removed")
	}
	if w.undo("isac analyst", removed).is(303); count() != 1 {
		t.Error("it did not come back")
	}
	w.as("isac analyst", "POST", "/guard/overrules/123/remove", form("x", "")).is(404)
	// An overrule tells of its indicator: only to those who know of it already.
	w.as("isac analyst", "POST", "/guard/overrules", form("overrule", "https://www.google.com/only-red", "reason", "丙病院の件")).is(303)
	w.as("minato contact", "GET", "/guard", "").is(200).lacks("only-red", "丙病院の件")
	w.as("minato contact", "POST", "/guard", form("value", "https://www.google.com/only-red")).is(200).lacks("丙病院の件", "佐藤 花子")
	w.as("isac analyst", "POST", "/guard/overrules", form("overrule", "login-minato.top", "reason", "偽の入口")).is(303)
	w.as("minato contact", "GET", "/guard", "").is(200).has("偽の入口")
}

// upload sends a form with a file.
func (w *world) upload(who, target, field, name, content string, pairs ...string) *response {
	w.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	for i := 0; i+1 < len(pairs); i += 2 {
		must(w.t, m.WriteField(pairs[i], pairs[i+1]))
	}
	if field != "" {
		part, err := m.CreateFormFile(field, name)
		must(w.t, err)
		_, err = io.WriteString(part, content)
		must(w.t, err)
	}
	must(w.t, m.Close())
	r := httptest.NewRequest("POST", target, &b)
	r.Host = "localhost:8080"
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Accept-Language", "ja")
	r.AddCookie(&http.Cookie{Name: "teiten-persona", Value: itoa(w.people[who].Account)})
	rec := httptest.NewRecorder()
	w.Handler().ServeHTTP(rec, r)
	resp := rec.Result()
	return &response{t: w.t, status: resp.StatusCode, body: text(w.t, resp), location: resp.Header.Get("Location"),
		header: func(name string) string {
			if name == "Set-Cookie" {
				var all []string
				for _, c := range resp.Cookies() {
					all = append(all, c.Name+"="+c.Value)
				}
				return strings.Join(all, "; ")
			}
			return resp.Header.Get(name)
		}}
}

func TestGuardUpload(t *testing.T) {
	w := newWorld(t)
	const list = `{"name":"検査機関","type":"hostname","version":1,"description":"x","matching_attributes":["domain"],"list":["rakuten-card.xyz",""]}`
	w.upload("isac analyst", "/guard/lists", "list", "list.json", list).is(303)
	w.as("isac analyst", "GET", "/guard", "").is(200).safe().has("検査機関", "佐藤 花子 さんが追加")
	w.as("isac analyst", "POST", "/guard", form("value", "rakuten-card.xyz")).has("検査機関")
	w.upload("isac analyst", "/guard/lists", "list", "list.json", `{"name":`).is(422).safe().has("f-list-error", "MISP")
	w.upload("isac analyst", "/guard/lists", "", "", "").is(422).safe().has("ファイルが選ばれていません")
	w.upload("minato contact", "/guard/lists", "list", "list.json", list).is(403)
	w.as("isac analyst", "POST", "/guard/lists", form("list", "x")).is(400)
}

func TestInstitutionPage(t *testing.T) {
	w := newWorld(t)
	w.as("minato contact", "GET", "/institution", "").is(200).safe().has("みなと総合病院", "minato-hp.jp", "FortiGate", "渡辺 誠", `action="/institution/domains"`)
	w.as("minato staff", "GET", "/institution", "").is(200).safe().has("FortiGate", "変更できるのは").lacks(`action="/institution/domains"`)
	w.as("yama contact", "GET", "/institution", "").is(200).lacks(">FortiGate<", "minato-hp.jp")
	minato := strconv.FormatInt(w.people["minato contact"].Org, 10)
	w.as("yama contact", "GET", "/institution?org="+minato, "").is(403)
	w.as("isac operator", "GET", "/institution?org="+minato, "").is(200).safe().has("FortiGate", `/institution/domains?org=`+minato)
	w.as("isac operator", "GET", "/institution?org=999", "").is(404)

	w.as("minato staff", "POST", "/institution/domains", form("domain", "x.jp")).is(403)
	w.as("yama contact", "POST", "/institution/domains?org="+minato, form("domain", "x.jp")).is(403)
	w.as("minato contact", "POST", "/institution/domains", form("domain", "or.jp")).is(422).safe().has("f-domain-error")
	added := w.send("minato contact", "/institution/domains", form("domain", "Kenshin.Minato-HP.jp"))
	has := func(part string) bool {
		return strings.Contains(w.as("minato contact", "GET", "/institution", "").is(200).safe().body, part)
	}
	if !has("kenshin.minato-hp.jp") {
		t.Fatal("the domain is not there")
	}
	if w.undo("minato contact", added).is(303); has("kenshin.minato-hp.jp") {
		t.Error("undone, it is still there")
	}
	v, _ := typedValue("minato-hp.jp")
	w.as("yama contact", "POST", "/institution/domains/"+w.keyOf(v)+"/remove", form("x", "")).is(404)
	removed := w.send("minato contact", "/institution/domains/"+w.keyOf(v)+"/remove", form("x", ""))
	if has("<code translate=\"no\">minato-hp.jp") {
		t.Error("the domain was not removed")
	}
	if w.undo("minato contact", removed).is(303); !has("<code translate=\"no\">minato-hp.jp") {
		t.Error("the domain did not come back")
	}

	w.as("minato contact", "POST", "/institution/interests", form("kind", "product", "value", "x")).is(422).safe().has("f-value-error")
	w.as("minato contact", "POST", "/institution/interests", form("kind", "mood", "value", "楽天")).is(422).safe().has("f-kind")
	w.as("minato contact", "POST", "/institution/interests", form("kind", "vendor", "value", "オムロン")).is(303)
	if !has("オムロン") {
		t.Error("the vendor is not there")
	}
	list, err := member.Interests(t.Context(), w.db, w.people["minato contact"], w.people["minato contact"].Org)
	must(t, err)
	at := "/institution/interests/" + strconv.FormatInt(list[0].ID, 10) + "/remove"
	w.as("yama contact", "POST", at, form("x", "")).is(404)
	gone := w.send("minato contact", at, form("x", ""))
	if has(">" + list[0].Value + "<") {
		t.Error("the interest was not removed")
	}
	if w.undo("minato contact", gone).is(303); !has(">" + list[0].Value + "<") {
		t.Error("the interest did not come back")
	}
}

func TestReadingPages(t *testing.T) {
	w := newWorld(t)
	must(t, trend.Refresh(t.Context(), w.db))
	page := w.as("minato staff", "GET", "/glossary", "").is(200).safe()
	for _, term := range glossary.All() {
		page.has(term.Ja)
	}
	page = w.as("minato staff", "GET", "/help", "").is(200).safe()
	for _, p := range help.Pages("ja") {
		page.has(p.Title)
		w.as("minato staff", "GET", "/help/"+p.Slug, "").is(200).safe().has("<h1>" + p.Title + "</h1>").lacks("<!-- raw HTML omitted -->")
	}
	w.as("minato staff", "GET", "/help/none", "").is(404)
	w.as("minato staff", "GET", "/techniques", "").is(200).safe().has("最初の侵入", `/advisories?technique=T1566.002`, "情報 1 件")
	w.as("minato staff", "GET", "/about", "").is(200).safe().has("Apache License 2.0", "The MITRE Corporation", "MISP warninglists", "Public Suffix List")

	w.as("minato staff", "GET", "/audit", "").is(403)
	w.as("isac analyst", "GET", "/audit", "").is(403)
	w.as("isac operator", "GET", "/audit", "").is(200).safe().has("情報を公開", "みなと総合病院")
}

// TestAuditPaging walks through the whole trail: every record once.
func TestAuditPaging(t *testing.T) {
	w := newWorld(t)
	for i := range 120 {
		must(t, member.AddInterest(t.Context(), w.db, w.people["yama contact"], member.Interest{Org: w.people["yama contact"].Org, Kind: member.Product, Value: fmt.Sprintf("機器%03d", i)}))
	}
	var want, got int
	must(t, w.db.QueryRow(t.Context(), `SELECT COUNT(*) FROM audit`).Scan(&want))
	for next := "/audit"; next != ""; {
		page := w.as("isac operator", "GET", next, "").is(200).safe()
		got += strings.Count(page.body, `<th scope="row">`)
		at := regexp.MustCompile(`href="(/audit\?after=\d+)" rel="next"`).FindStringSubmatch(page.body)
		if next = ""; at != nil {
			next = at[1]
		}
	}
	if got != want {
		t.Errorf("%d records shown, %d there", got, want)
	}
}

// What a noun refuses is told as well: it knows whose thing it was.
func TestDeniedByANoun(t *testing.T) {
	w := newWorld(t)
	var denied []string
	w.Denied = func(_ context.Context, who caller.Caller, route string) {
		denied = append(denied, who.OrgName+" "+route)
	}
	other := "/institution/domains?org=" + itoa(w.people["yama contact"].Org)
	w.as("minato contact", "POST", other, form("domain", "yama.example")).is(403)
	if len(denied) != 1 || denied[0] != "みなと総合病院 POST /institution/domains" {
		t.Errorf("told of %q", denied)
	}
}
