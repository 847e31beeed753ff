// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/fault"
	"teiten/internal/locale"
)

func parseFile(t *testing.T, name, contentType string) *Feed {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	f, err := Parse(bytes.NewReader(data), contentType)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func utc(year int, month time.Month, day, hour, minute, second int) time.Time {
	return time.Date(year, month, day, hour, minute, second, 0, time.UTC)
}

// wantProblems checks codes in order, and that each has its sentence.
func wantProblems(t *testing.T, f *Feed, codes ...string) {
	t.Helper()
	var got []string
	for _, p := range f.Problems {
		got = append(got, p.Reason.Code)
		wantSentence(t, p.Reason)
	}
	if !slices.Equal(got, codes) {
		t.Errorf("problems %q, want %q", got, codes)
	}
}

func wantSentence(t *testing.T, err error) {
	t.Helper()
	for _, l := range locale.Langs {
		if s := l.Fault(err); strings.ContainsAny(s, "{}") || strings.HasPrefix(s, "[") {
			t.Errorf("%s: sentence %q", l, s)
		}
	}
}

func TestAlerts(t *testing.T) {
	f := parseFile(t, "alerts.rdf", "application/rdf+xml")
	wantProblems(t, f)
	if f.Title != "見本緊急対応センター 注意喚起" || f.Link != "https://cert.example.jp/" || len(f.Items) != 2 {
		t.Fatalf("got %+v", f)
	}
	it := f.Items[0]
	if it.GUID != "https://cert.example.jp/at/2026/at260007.html" || it.Link != it.GUID {
		t.Errorf("GUID %q, link %q", it.GUID, it.Link)
	}
	if it.Summary != "本脆弱性を悪用した攻撃を確認しています。\n至急、修正版を適用してください。" {
		t.Errorf("summary %q", it.Summary)
	}
	if want := utc(2026, 3, 4, 1, 30, 0); !it.Published.Equal(want) || !it.Updated.Equal(want) {
		t.Errorf("published %v, updated %v", it.Published, it.Updated)
	}
	if !slices.Equal(it.Identifiers, []string{"CVE-2026-10007"}) {
		t.Errorf("identifiers %q", it.Identifiers)
	}
	if got := f.Items[1].Title; got != "注意喚起: 見本ソフトの定例パッチ & 回避策" {
		t.Errorf("title %q", got)
	}
}

func TestAgency(t *testing.T) {
	// The server's label is wrong in three ways; the document knows better.
	for _, contentType := range []string{"", "text/xml; charset=utf-8", "text/xml; charset=ISO-8859-1", "text/xml; charset=unknown-8bit"} {
		f := parseFile(t, "agency.rdf", contentType)
		wantProblems(t, f)
		if f.Title != "見本機構 重要なセキュリティ情報" || len(f.Items) != 2 {
			t.Fatalf("%s: got %+v", contentType, f)
		}
		// Two items, one page: the page's address names neither of them.
		a, b := f.Items[0], f.Items[1]
		if a.GUID == b.GUID || !strings.HasPrefix(a.GUID, "sha256:") || a.Link != "https://agency.example.jp/security/news.html" {
			t.Errorf("%s: %q, %q, link %q", contentType, a.GUID, b.GUID, a.Link)
		}
		if a.Title != "①ファイル共有ソフト「見本」の更新について" || a.Summary != "半角ｶﾀｶﾅと～波線。" {
			t.Errorf("%s: %q, %q", contentType, a.Title, a.Summary)
		}
		if !a.Published.Equal(utc(2026, 3, 1, 15, 0, 0)) {
			t.Errorf("%s: published %v, want midnight in Tokyo", contentType, a.Published)
		}
	}
}

func TestMinistry(t *testing.T) {
	f := parseFile(t, "ministry.rss", "")
	wantProblems(t, f, "feed.item_date", "feed.item_empty", "feed.item_link", "feed.item_twice")
	if f.Problems[0].Line != 26 || f.Problems[0].Item != 2 || f.Problems[0].Title != "日付のない項目" {
		t.Errorf("problem %+v", f.Problems[0])
	}
	if f.Title != "見本省 新着情報" || len(f.Items) != 3 {
		t.Fatalf("got %+v", f)
	}
	it := f.Items[0]
	if it.GUID != "newpage_0001" || it.Title != "同じ識別子" || !it.Published.Equal(utc(2026, 3, 5, 0, 0, 0)) {
		t.Errorf("the newer of two with one id should count: %+v", it)
	}
	if it = f.Items[1]; it.Link != "" || !it.Published.IsZero() || !it.Updated.IsZero() || it.Author != "hodo@ministry.example.jp (報道係)" {
		t.Errorf("got %+v", it)
	}
	it = f.Items[2]
	if it.Title != "Q&A と <script> の扱い" {
		t.Errorf("title %q", it.Title)
	}
	if want := "https://www.ministry.example.jp/stf/newpage_0003.html?a=1&copy=2"; it.Link != want || it.GUID != want {
		t.Errorf("link %q, GUID %q", it.Link, it.GUID)
	}
	if !it.Published.Equal(utc(2026, 3, 3, 8, 15, 0)) {
		t.Errorf("published %v", it.Published)
	}

	// Without the second "newpage_0001" the first shows its text.
	data, err := os.ReadFile("testdata/ministry.rss")
	if err != nil {
		t.Fatal(err)
	}
	f, err = Parse(bytes.NewReader(bytes.Replace(data, []byte("newpage_0001</guid>\n<pub"), []byte("newpage_0009</guid>\n<pub"), 1)), "")
	if err != nil {
		t.Fatal(err)
	}
	it = f.Items[0]
	if want := "改定の要点は次の通りです。\n\n台帳の確認\nパスワード & 二要素\n\n問い合わせ先(図)"; it.Summary != want {
		t.Errorf("summary %q, want %q", it.Summary, want)
	}
	if it.Title != "医療機関向けサイバーセキュリティ対策チェックリスト (見本)を改定しました" || it.Link != "https://www.ministry.example.jp/stf/newpage_0001.html" {
		t.Errorf("title %q, link %q", it.Title, it.Link)
	}
	if !slices.Equal(it.Categories, []string{"医療", "お知らせ"}) || !it.Published.Equal(utc(2026, 3, 4, 0, 0, 0)) {
		t.Errorf("categories %q, published %v", it.Categories, it.Published)
	}
}

func TestVendor(t *testing.T) {
	f := parseFile(t, "vendor.atom", "application/atom+xml")
	wantProblems(t, f)
	if f.Title != "Sample PSIRT" || f.Link != "" || len(f.Items) != 2 {
		t.Fatalf("got %+v", f)
	}
	it := f.Items[0]
	if it.GUID != "urn:uuid:6e1f0c52-0000-4000-8000-000000000001" || it.Link != "https://vendor.example/psirt/2026/001.html" {
		t.Errorf("GUID %q, link %q", it.GUID, it.Link)
	}
	if it.Summary != "Fixes CVE‑2026‑20001 & 1 < 2.\n\nUpdate now." || !slices.Equal(it.Identifiers, []string{"CVE-2026-20001"}) {
		t.Errorf("summary %q, identifiers %q", it.Summary, it.Identifiers)
	}
	if it.Author != "PSIRT" || !slices.Equal(it.Categories, []string{"Product security"}) {
		t.Errorf("got %+v", it)
	}
	if it.Published.Equal(it.Updated) || !it.Updated.Equal(utc(2026, 3, 4, 3, 0, 0)) {
		t.Errorf("published %v, updated %v", it.Published, it.Updated)
	}
	it = f.Items[1]
	if it.Title != "A & B" || it.Summary != "See JVNVU#90000001." || !slices.Equal(it.Identifiers, []string{"JVNVU#90000001"}) {
		t.Errorf("got %+v", it)
	}
}

func TestMyJVN(t *testing.T) {
	const head = `<rdf:RDF xmlns="http://purl.org/rss/1.0/" xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:sec="https://jvn.jp/rss/mod_sec/3.0" xmlns:status="https://jvndb.jvn.jp/myjvn/Status">`
	const dummy = `<item rdf:about=""><title/><link/><description/></item>`
	for _, doc := range []string{
		head + `<channel/>` + dummy + `<status:Status retCd="0" totalRes="0"/></rdf:RDF>`,
		head + `<channel/><status:Status retCd="0" totalRes="0"/>` + dummy + `</rdf:RDF>`,
		`<status:Status xmlns:status="http://jvndb.jvn.jp/myjvn/Status" retCd="0" totalRes="0"/>`,
		`<Result xmlns="http://jvndb.jvn.jp/myjvn/Results" xmlns:status="http://jvndb.jvn.jp/myjvn/Status"><status:Status retCd="0" totalRes="0"/></Result>`,
	} {
		f, err := Parse(strings.NewReader(doc), "")
		if err != nil || len(f.Items) != 0 || len(f.Problems) != 0 {
			t.Errorf("no result: %+v, %v", f, err)
		}
	}
	_, err := Parse(strings.NewReader(`<Result xmlns:status="http://jvndb.jvn.jp/myjvn/Status"><status:Status retCd="1" errCd="101" errMsg="bad parameter"/></Result>`), "")
	if fault.Code(err) != "feed.not_feed" { // a Result of nobody's
		t.Errorf("got %v", err)
	}
	_, err = Parse(strings.NewReader(`<Result xmlns="http://jvndb.jvn.jp/myjvn/Results" xmlns:status="http://jvndb.jvn.jp/myjvn/Status"><status:Status retCd="1" errCd="101" errMsg="bad parameter"/></Result>`), "")
	if fault.Code(err) != "feed.myjvn" {
		t.Errorf("got %v", err)
	}
	wantSentence(t, err)

	f, err := Parse(strings.NewReader(head+`<item><title>t</title><link>https://jvn.example/1</link><sec:identifier>JVNDB-2026-000001</sec:identifier>
		<sec:cpe-item name="cpe:/a:x:y"><sec:vname>x</sec:vname></sec:cpe-item><sec:cpe>cpe:/a:x:z</sec:cpe>
		<sec:cvss version="3.1" score="7.5" type="Base" severity="High" vector="CVSS:3.1/AV:N"/>
		<sec:cvss version="2.0" score="5" type="Base" severity="Medium"/>
		<sec:cvss version="4.0" score="11" type="Base" severity="High"/>
		<sec:cvss version="4.0" score="NaN" severity="High"/>
		<sec:cvss version="4.0" score="9.9" type="Temporal"/></item></rdf:RDF>`), "")
	if err != nil {
		t.Fatal(err)
	}
	wantProblems(t, f, "feed.item_score", "feed.item_score")
	it := f.Items[0]
	if it.Severity != (Severity{Version: "3.1", Score: 7.5, Level: "high", Vector: "CVSS:3.1/AV:N"}) || !slices.Equal(it.CPEs, []string{"cpe:/a:x:y", "cpe:/a:x:z"}) {
		t.Errorf("got %+v", it)
	}
}
