// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"

	"teiten/internal/fault"
)

// rss wraps items in an RSS 2.0 channel.
func rss(items string) string {
	return "<rss version=\"2.0\"><channel><title>見本</title>\n" + items + "</channel></rss>"
}

func TestRefused(t *testing.T) {
	lol := `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "lol">`
	for c := 'b'; c <= 'k'; c++ {
		lol += fmt.Sprintf(`<!ENTITY %c "%s">`, c, strings.Repeat(fmt.Sprintf("&%c;", c-1), 10))
	}
	lol += `]>` + rss("<item><title>&k;</title></item>")

	tests := []struct {
		name, doc, code string
		line            any
	}{
		{"empty", " \n ", "feed.empty", nil},
		{"JSON", `{"items": []}`, "feed.not_xml", nil},
		{"page", "\n<!DOCTYPE html><html><head><title>x</title></head></html>", "feed.html", nil},
		{"page in XHTML", `<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"/>`, "feed.html", nil},
		{"other XML", `<VULDEF-Document xmlns="http://jvn.jp/vuldef/"/>`, "feed.not_feed", nil},
		{"only a declaration", `<?xml version="1.0"?>`, "feed.truncated", 1},
		{"ends in a tag", "<rss><channel>\n<item>\n<title>a</title>\n<li", "feed.truncated", 4},
		{"ends between items", "<rss><channel>\n<item><title>a</title></item>\n", "feed.truncated", 3},
		{"ends in CDATA", "<rss><channel><item><title><![CDATA[a\n", "feed.truncated", 2},
		{"ends in a comment", "<rss><channel>\n<!-- a", "feed.truncated", 2},
		{"wrong end", "<rss><channel>\n<item><title>a</item></channel></rss>", "feed.broken", 2},
		{"attribute without quotes", "<rss version=2.0/>", "feed.broken", 1},
		{"entity bomb", lol, "feed.entities", 1},
		{"external entity", "<!DOCTYPE r [\n<!ENTITY x SYSTEM \"file:///etc/passwd\">]>\n" + rss("<item><title>&x;</title></item>"), "feed.entities", 2},
		{"deep", rss("<item><description>" + strings.Repeat("<b>", 100) + strings.Repeat("</b>", 100) + "</description></item>"), "feed.too_deep", 2},
		{"deep, ignored part", rss(strings.Repeat("<x>", 100_000)), "feed.too_deep", 2},
		{"many attributes", "<rss>\n<a " + strings.Repeat(`b=">" `, 100_000) + "/></rss>", "feed.broken", 2},
		{"unknown charset", `<?xml version="1.0" encoding="x-klingon"?><rss>` + "\xff</rss>", "feed.charset", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			start := time.Now()
			f, err := Parse(strings.NewReader(tt.doc), "")
			if fault.Code(err) != tt.code || f != nil {
				t.Fatalf("got %+v, %v, want %s", f, err, tt.code)
			}
			if got := fault.From(err).Args["line"]; got != tt.line {
				t.Errorf("line %v, want %v", got, tt.line)
			}
			wantSentence(t, err)
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("took %v", took)
			}
		})
	}

	_, err := Parse(io.MultiReader(strings.NewReader("<rss>"), bytes.NewReader(bytes.Repeat([]byte(" "), MaxBytes))), "")
	if fault.Code(err) != "feed.too_large" {
		t.Errorf("too large: %v", err)
	}
	if _, err = Parse(iotest.ErrReader(errors.New("disk")), ""); fault.Code(err) != "feed.read" {
		t.Errorf("reader that fails: %v", err)
	}
}

// TestWorstCases keeps documents of the greatest size from costing much more
// time than their size.
func TestWorstCases(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	const n = MaxBytes - 1000
	fill := func(s string) string { return strings.Repeat(s, n/len(s)) }
	for name, doc := range map[string]string{
		"ampersands":      rss("<item><title>" + fill("&") + "</title></item>"),
		"open tags":       rss(fill("<a>")),
		"items":           rss(fill("<item><title>a</title></item>")),
		"comments":        rss(fill("<!---->")),
		"references":      rss("<item><description>" + fill("&#1;&lt;p&gt;") + "</description></item>"),
		"half comments":   rss(fill("<!--")),
		"half CDATA":      rss(fill("<![CDATA[")),
		"tags in a text":  rss("<item><description>" + fill("<p>x</p>") + "</description></item>"),
		"dates":           rss("<item><title>a</title>" + fill("<pubDate>x (((</pubDate>") + "</item>"),
		"instructions":    rss(fill("<?a ")),
		"escaped scripts": rss("<item><description>" + fill("&lt;script&gt;") + "</description></item>"),
	} {
		start := time.Now()
		f, err := Parse(strings.NewReader(doc), "")
		if f != nil && (len(f.Items) > MaxItems || len(f.Problems) > maxProblems+1) {
			t.Errorf("%s: %d items, %d problems", name, len(f.Items), len(f.Problems))
		}
		t.Logf("%s: %v", name, time.Since(start).Round(time.Millisecond))
		// What grows with the square of its input would take hours; how fast it is
		// otherwise is not this test's affair.
		if took := time.Since(start); took > 3*time.Minute {
			t.Errorf("%s: %v, %v", name, took, err)
		}
	}
}

func TestLimitsOfItems(t *testing.T) {
	var b strings.Builder
	for i := range MaxItems + 3 {
		fmt.Fprintf(&b, "<item><guid>%d</guid><title>t</title></item>", i)
	}
	f, err := Parse(strings.NewReader(rss(b.String())), "")
	if err != nil || len(f.Items) != MaxItems {
		t.Fatalf("%d items, %v", len(f.Items), err)
	}
	wantProblems(t, f, "feed.items_limit")

	f, err = Parse(strings.NewReader(rss("<item><title>t</title><description>"+strings.Repeat("あ", MaxText)+"</description></item>")), "")
	if err != nil {
		t.Fatal(err)
	}
	wantProblems(t, f, "feed.item_text")
	if s := f.Items[0].Summary; len(s) > MaxText || len(s) < MaxText-3 || !utf8.ValidString(s) {
		t.Errorf("summary of %d bytes", len(s))
	}

	f, err = Parse(strings.NewReader(rss(strings.Repeat("<item><title>t</title><pubDate>x</pubDate></item>", maxProblems+50))), "")
	if err != nil {
		t.Fatal(err)
	}
	if n := len(f.Problems); n != maxProblems+1 || f.Problems[n-1].Reason.Code != "feed.problems_limit" {
		t.Errorf("%d problems", n)
	}
}

func TestCharsets(t *testing.T) {
	const text = "医療機関への注意喚起（①）"
	doc := func(label string) string {
		return `<?xml version="1.0" encoding="` + label + `"?>` + rss("<item><title>"+text+"</title></item>")
	}
	encoded := func(e encoding.Encoding, s string) string {
		t.Helper()
		out, err := e.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	wide := func(s string, swap, mark bool) string {
		units := utf16.Encode([]rune(s))
		if mark {
			units = append([]uint16{0xfeff}, units...)
		}
		var b []byte
		for _, u := range units {
			if swap {
				b = append(b, byte(u>>8), byte(u))
			} else {
				b = append(b, byte(u), byte(u>>8))
			}
		}
		return string(b)
	}
	noCircle := strings.ReplaceAll(doc("EUC-JP"), "①", "1")
	tests := []struct{ name, doc, contentType string }{
		{"UTF-8", doc("UTF-8"), ""},
		{"UTF-8 with mark", "\xef\xbb\xbf" + doc("Shift_JIS"), "text/xml; charset=euc-jp"},
		{"UTF-8 called Latin 1 by the server", doc("UTF-8"), "text/xml; charset=ISO-8859-1"},
		{"UTF-8 called ASCII by the server", doc("UTF-8"), "text/xml; charset=us-ascii"},
		{"Shift_JIS", encoded(japanese.ShiftJIS, doc("Shift_JIS")), ""},
		{"Windows-31J", encoded(japanese.ShiftJIS, doc("Windows-31J")), "application/xml"},
		{"Shift_JIS by the server only", encoded(japanese.ShiftJIS, rss("<item><title>"+text+"</title></item>")), `text/xml; charset="Shift_JIS"`},
		{"Shift_JIS called UTF-8 by the server", encoded(japanese.ShiftJIS, doc("shift_jis")), "text/xml; charset=utf-8"},
		{"EUC-JP", encoded(japanese.EUCJP, noCircle), ""},
		{"ISO-2022-JP", encoded(japanese.ISO2022JP, strings.ReplaceAll(noCircle, "EUC-JP", "ISO-2022-JP")), ""},
		{"UTF-16 LE with mark", wide(doc("UTF-16"), false, true), ""},
		{"UTF-16 BE with mark", wide(doc("UTF-16"), true, true), ""},
		{"UTF-16 LE", wide(doc("UTF-16"), false, false), ""},
		{"UTF-16 BE", wide(doc("UTF-16"), true, false), ""},
		{"unknown label on UTF-8", doc("x-unknown"), "text/xml; charset=x-other"},
		{"malformed content type", doc("UTF-8"), "text/xml; charset=;;=\x00"},
	}
	for _, tt := range tests {
		f, err := Parse(strings.NewReader(tt.doc), tt.contentType)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := strings.ReplaceAll(f.Items[0].Title, "（1）", "（①）"); got != text || len(f.Problems) != 0 {
			t.Errorf("%s: %q, %v", tt.name, got, f.Problems)
		}
	}

	f, err := Parse(strings.NewReader(rss("<item><title>a\xff\xfeb</title></item>")), "")
	if err != nil || f.Items[0].Title != "a\ufffd\ufffdb" && f.Items[0].Title != "a\ufffdb" {
		t.Fatalf("damaged: %+v, %v", f, err)
	}
	wantProblems(t, f, "feed.charset_damaged")
}

func TestTolerated(t *testing.T) {
	tests := []struct{ name, item, title, summary string }{
		{"named entities", "<title>a&nbsp;b&copy;&hellip;</title>", "a b©…", ""},
		{"unknown entity", "<title>a&unknown;b &; &#;</title>", "a&unknown;b &; &#;", ""},
		{"bare ampersand", "<title>R&D & Q&A</title>", "R&D & Q&A", ""},
		{"bare ampersand in CDATA", "<title><![CDATA[R&D <&> x]]></title>", "R&D <&> x", ""},
		{"control characters", "<title>a\x00\x08b\x1fc&#0;&#x1B;&#xFFFE;&#55357;d</title>", "abcd", ""},
		{"direction override", "<title>exe\u202egpj.\u2066scr\ufeff</title>", "exegpj.scr", ""},
		{"comment with dashes", "<!-- -- --><title>a</title>", "a", ""},
		{"white space", "<title>\r\n  a\t b　c \n</title>", "a b c", ""},
		{"escaped twice", "<title>a &amp;amp; b</title>", "a & b", ""},
		{"tag as subject", "<title>XSS in &lt;script&gt; tags</title><description>Avoid &lt;script&gt; if 1 &lt; 2.</description>", "XSS in <script> tags", "Avoid <script> if 1 < 2."},
		{"unescaped HTML", "<title>a<br/>b &lt; c</title><description>x<p>y &amp; z</p><script>no()</script></description>", "a b < c", "x\ny & z"},
		{"plain lines", "<description>a\n\n\n\nb\nc</description>", "a b c", "a\n\nb\nc"},
		{"style and comments in HTML", "<title>t</title><description>&lt;style&gt;p{}&lt;/style&gt;&lt;!-- x --&gt;&lt;p&gt;a&lt;/p&gt;</description>", "t", "a"},
		{"table", "<title>t</title><description>&lt;table&gt;&lt;tr&gt;&lt;td&gt;a&lt;/td&gt;&lt;td&gt;b&lt;/td&gt;&lt;/tr&gt;&lt;/table&gt;</description>", "t", "a b"},
		{"undeclared prefix", "<dc:date>2026-03-04</dc:date><title>a</title>", "a", ""},
		{"second title", "<title>a</title><media:title>b</media:title><title>c</title>", "a", ""},
	}
	for _, tt := range tests {
		f, err := Parse(strings.NewReader(rss("<item>"+tt.item+"</item>")), "")
		if err != nil || len(f.Items) != 1 {
			t.Errorf("%s: %+v, %v", tt.name, f, err)
			continue
		}
		if it := f.Items[0]; it.Title != tt.title || it.Summary != tt.summary {
			t.Errorf("%s: title %q, summary %q", tt.name, it.Title, it.Summary)
		}
	}

	// White space before the declaration, DOCTYPE of RSS 0.91, text after the end.
	f, err := Parse(strings.NewReader("\n<?xml version=\"1.0\"?>\n<!DOCTYPE rss PUBLIC \"-//Netscape//DTD RSS 0.91//EN\" \"http://example.jp/rss-0.91.dtd\">\n"+
		rss("<item><title>a</title></item>")+"\n<!-- cached --> & < PHP Notice"), "")
	if err != nil || len(f.Items) != 1 {
		t.Errorf("got %+v, %v", f, err)
	}
}

func TestLinks(t *testing.T) {
	for raw, want := range map[string]string{
		"https://example.jp/a?b=1&amp;c=2":     "https://example.jp/a?b=1&c=2",
		"\n https://example.jp/a \n":           "https://example.jp/a",
		"/b":                                   "https://base.example.jp/b",
		"//other.example.jp/c":                 "https://other.example.jp/c",
		"javascript:alert(1)":                  "",
		"JaVaScRiPt:alert(1)":                  "",
		"java\nscript:alert(1)":                "",
		"data:text/html,x":                     "",
		"file:///etc/passwd":                   "",
		"https://user:pw@example.jp/":          "",
		"https:///x":                           "",
		"https://" + strings.Repeat("a", 3000): "",
	} {
		f, err := Parse(strings.NewReader(rss("<link>https://base.example.jp/news/</link><item><title>t</title><link>"+raw+"</link></item>")), "")
		if err != nil || f.Items[0].Link != want {
			t.Errorf("%q: %+v, %v", raw, f, err)
		}
		if want == "" && len(f.Problems) != 1 {
			t.Errorf("%q: nothing said: %v", raw, f.Problems)
		}
	}
}

func TestParseTime(t *testing.T) {
	want := utc(2026, 3, 4, 1, 2, 0)
	for _, s := range []string{
		"Wed, 04 Mar 2026 10:02:00 +0900", "Wed, 4 Mar 2026 10:02:00 +0900", "4 Mar 2026 10:02 +0900", "Wed, 04 Mar 26 10:02:00 +0900",
		"Wed, 04 Mar 2026 01:02:00 GMT", "Wed, 04 Mar 2026 01:02:00 UT", "Wed, 04 Mar 2026 01:02:00 Z", "Wed, 04 Mar 2026 10:02:00 JST",
		"Tue, 03 Mar 2026 20:02:00 EST", "Wed 04 Mar 2026 10:02:00", "Wednesday, 04 March 2026 10:02:00 +0900", "Wednesday, 04-Mar-26 01:02:00 GMT",
		"Wed, 04 MAR 2026 01:02:00 GMT", "Wed, 04 Mar 2026 10:02:00 +09:00", "Wed, 04 Mar 2026 10:02:00 GMT+0900 (JST)", "Wed Mar 4 10:02:00 2026", "Wed Mar  4 10:02:00 JST 2026",
		"2026-03-04T10:02:00+09:00", "2026-03-04T10:02+09:00", "2026-03-04T01:02:00Z", "2026-03-04T01:02:00.000Z", "2026-03-04T01:02Z", "2026-03-04T10:02:00+0900",
		"2026-03-04T10:02:00", "2026-03-04T10:02", "2026-03-04 10:02:00", "2026-03-04 10:02", "2026-03-04 10:02:00 +0900", "2026-03-04 01:02:00 UTC", "2026-03-04 10:02:00 JST",
		"2026/03/04 10:02:00", "2026/3/4 10:02", "2026.03.04 10:02", "2026年3月4日 10:02", "2026年3月4日(水) 10時2分", "２０２６年３月４日（水）　１０：０２", "20260304100200", "\n 2026-03-04T10:02:00+09:00 ",
	} {
		if got, ok := parseTime(s); !ok || !got.Equal(want) {
			t.Errorf("parseTime(%q) = %v, %v", s, got, ok)
		}
	}
	day := utc(2026, 3, 3, 15, 0, 0)
	for _, s := range []string{"2026-03-04", "2026/03/04", "2026.3.4", "2026年3月4日", "4 Mar 2026", "Wed, 04 Mar 2026", "Mar 4, 2026", "March 4, 2026", "20260304"} {
		if got, ok := parseTime(s); !ok || !got.Equal(day) {
			t.Errorf("parseTime(%q) = %v, %v", s, got, ok)
		}
	}
	for _, s := range []string{"", "yesterday", "そのうち", "0000-00-00", "2026-02-30", "1970-01-01", "9999-12-31", "Wed, 04 Mar 2026 10:02:00 XYZ", "1e9", "::", ":00Z", strings.Repeat("(", 10000), strings.Repeat("1", 10000)} {
		if got, ok := parseTime(s); ok {
			t.Errorf("parseTime(%q) = %v", s, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(rss("<item><title>a &amp; b</title><link>/x</link><pubDate>Wed, 04 Mar 2026 10:02:00 JST</pubDate></item>")), "text/xml")
	f.Add([]byte(`<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>1</id><title type="xhtml"><div>a<b>c</b></div></title></entry></feed>`), "")
	f.Add([]byte(`<rdf:RDF xmlns="http://purl.org/rss/1.0/"><item rdf:about="x"><title>t</title><sec:cvss version="3.0" score="9"/><dc:date>2026-03-04T10:02+09:00</dc:date></item></rdf:RDF>`), "text/xml; charset=shift_jis")
	f.Add([]byte("<rss><channel><item><description><![CDATA[<p>x</p>]]>&nbsp;&#1;</description></item>"), "")
	f.Fuzz(func(t *testing.T, data []byte, contentType string) {
		feed, err := Parse(bytes.NewReader(data), contentType)
		if err != nil {
			var reason *fault.Error
			if feed != nil || !errors.As(err, &reason) || !strings.HasPrefix(reason.Code, "feed.") {
				t.Fatalf("%+v, %v", feed, err)
			}
			return
		}
		seen := map[string]bool{}
		for _, it := range feed.Items {
			if it.GUID == "" || seen[it.GUID] || it.Title == "" {
				t.Fatalf("GUID %q, title %q", it.GUID, it.Title)
			}
			seen[it.GUID] = true
			if it.Link != "" && !strings.HasPrefix(it.Link, "http://") && !strings.HasPrefix(it.Link, "https://") {
				t.Fatalf("link %q", it.Link)
			}
			for _, s := range append([]string{it.GUID, it.Title, it.Summary, it.Author}, it.Categories...) {
				if len(s) > MaxText || !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
					t.Fatalf("text %q", s)
				}
			}
			if s := it.Title; strings.Contains(s, "\n") {
				t.Fatalf("title %q", s)
			}
			if s := it.Severity.Score; !(s >= 0 && s <= 10) {
				t.Fatalf("score %v", s)
			}
			if s := Suggest(it); s.Category == "" || (s.NoticeKind == "") == (s.Category == CategoryNotice) {
				t.Fatalf("suggestion %+v", s)
			}
		}
	})
}
