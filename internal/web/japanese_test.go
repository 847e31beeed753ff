// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"html/template"
	"strings"
	"testing"

	"golang.org/x/net/html"
)

func TestMarkJapanese(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`<p>Nothing here</p>`, `<p>Nothing here</p>`},
		{`<p>偽の銀行</p>`, `<p lang="ja">偽の銀行</p>`},
		{"<td class=\"a>b\">\n 偽の銀行 </td>", "<td class=\"a>b\" lang=\"ja\">\n 偽の銀行 </td>"},
		{`<p>Received by みなと総合病院 and やまなみ市民病院.</p>`, `<p>Received by <span lang="ja">みなと総合病院</span> and <span lang="ja">やまなみ市民病院</span>.</p>`},
		{`<p>「Microsoft 365」を装う</p>`, `<p lang="ja">「Microsoft 365」を装う</p>`},
		{`<p>FortiGateの脆弱性、VPNも</p>`, `<p>FortiGate<span lang="ja">の脆弱性、VPNも</span></p>`},
		{`<p>鈴木 一郎</p>`, `<p lang="ja">鈴木 一郎</p>`},
		{`<p>外来の PC 3 台と 25 人に</p>`, `<p><span lang="ja">外来の</span> PC 3 <span lang="ja">台と 25 人に</span></p>`},
		{`<p>外来の PC に、鈴木、by 佐藤</p>`, `<p><span lang="ja">外来の PC に、鈴木、</span>by <span lang="ja">佐藤</span></p>`},
		{`<p><b>佐藤</b> wrote</p>`, `<p><b lang="ja">佐藤</b> wrote</p>`},
		{`<p>佐藤<br>Tokyo</p>`, `<p><span lang="ja">佐藤</span><br>Tokyo</p>`},
		{`<select><option value="1">全体 (all)</option><option>Kanto</option></select>`, `<select><option value="1" lang="ja">全体 (all)</option><option>Kanto</option></select>`},
		{`<title>偽の銀行 – Teiten</title>`, `<title lang="ja">偽の銀行 – Teiten</title>`},
		{`<svg><title>Chart of 銀行</title><text x="1">銀行 12</text></svg>`, `<svg><title lang="ja">Chart of 銀行</title><text x="1" lang="ja">銀行 12</text></svg>`},
		{`<button lang="ja"><svg></svg><span>日本語</span></button><p>病</p>`, `<button lang="ja"><svg></svg><span>日本語</span></button><p lang="ja">病</p>`},
		{`<div lang="ja"><div>病</div>院</div>病`, `<div lang="ja"><div>病</div>院</div><span lang="ja">病</span>`},
		{`<p title="病院">A</p>`, `<p title="病院">A</p>`},
		{`<script src="a"></script><p>病</p>`, `<script src="a"></script><p lang="ja">病</p>`},
		{`<script>if (a<b) "病"</script>`, `<script>if (a<b) "病"</script>`},
		{`<p>　</p>、。`, `<p>　</p>、。`}, // no word of Japanese
		{`<p>Café … №5 中</p>`, `<p>Café … №5 <span lang="ja">中</span></p>`},
		{`<html lang="en"><p>院</p></html>`, `<html lang="en"><p lang="ja">院</p></html>`},
		{``, ``}, {`病`, `<span lang="ja">病</span>`}, {`<p`, `<p`}, {`<`, `<`}, {`</`, `</`},
	} {
		var b bytes.Buffer
		markJapanese(&b, []byte(c.in))
		if b.String() != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, b.String(), c.want)
		}
	}
}

// unmarked lists the texts of a page with Japanese that is in no lang="ja".
func unmarked(doc *html.Node) (all []string) {
	walk(doc, func(n *html.Node) {
		if n.Type != html.TextNode || len(japaneseRuns([]byte(n.Data))) == 0 {
			return
		}
		for p := n.Parent; p != nil; p = p.Parent {
			if lang := attr(p, "lang"); lang != "" {
				if lang != "ja" {
					all = append(all, strings.TrimSpace(n.Data))
				}
				return
			}
		}
		all = append(all, strings.TrimSpace(n.Data))
	})
	return all
}

// What members write is marked on the English pages, and on the Japanese ones
// it needs no mark.
func TestJapaneseOnEnglishPages(t *testing.T) {
	w := newWorld(t)
	at := w.one("phish")
	w.as("minato staff", "POST", at+"/comments", form("body", "外来の PC に届きました")).is(303)
	for _, page := range []string{"/", "/advisories", at, "/institution", "/trends", "/filters", "/glossary", "/import", "/collectors", at + "/revisions", "/advisories/999"} {
		r := w.as("isac operator", "GET", page, "", "Cookie", "teiten-lang=en")
		if r.header("Content-Language") != "en" {
			t.Fatalf("%s is in %s", page, r.header("Content-Language"))
		}
		doc, err := html.Parse(strings.NewReader(r.body))
		must(t, err)
		for _, text := range unmarked(doc) {
			t.Errorf("%s: %q is not marked as Japanese", page, text)
		}
		if r := w.as("isac operator", "GET", page, "", "Cookie", "teiten-lang=ja"); strings.Contains(r.body, ` lang="ja">`+"<span") || strings.Count(r.body, `lang="ja"`) > 1 {
			t.Errorf("%s in Japanese is marked as Japanese", page)
		}
	}
	w.as("minato staff", "GET", at, "", "Cookie", "teiten-lang=en").has(`<p class="written" lang="ja">外来の PC に届きました</p>`)
}

var fuzzed = template.Must(template.New("").Parse(`<!doctype html><html lang="en"><head><title>{{.}} – Teiten</title></head><body>
<p title="{{.}}">{{.}}</p><p>by {{.}} and <b>{{.}}</b><input value="{{.}}"></p><textarea>
{{.}}</textarea><select><option value="{{.}}">{{.}}</option></select></body></html>`))

// FuzzMarkJapanese: the text of a page is the same, what is marked is Japanese,
// and nothing that is Japanese is left unmarked, whatever members write.
func FuzzMarkJapanese(f *testing.F) {
	for _, s := range []string{"偽の銀行", "by 鈴木 一郎 <b>", "「Microsoft 365」を装う\n&amp;", "ｶﾞ\u3000Ａ", "\xff\xe3", `"'><script>病`, "</textarea>病", "a 病 b 院", "。"} {
		f.Add(s)
	}
	read := func(t *testing.T, page []byte) (*html.Node, string) {
		t.Helper()
		doc, err := html.Parse(bytes.NewReader(page))
		must(t, err)
		var all strings.Builder
		walk(doc, func(n *html.Node) {
			if n.Type == html.TextNode {
				all.WriteString(n.Data)
			}
			for _, a := range n.Attr {
				if a.Key != "lang" {
					all.WriteString("\x00" + a.Key + "=" + a.Val + "\x00")
				}
			}
		})
		return doc, all.String()
	}
	f.Fuzz(func(t *testing.T, s string) {
		var plain, marked bytes.Buffer
		must(t, fuzzed.Execute(&plain, s))
		markJapanese(&marked, plain.Bytes())
		_, before := read(t, plain.Bytes())
		doc, after := read(t, marked.Bytes())
		if before != after {
			t.Errorf("the page says\n%q\nand was\n%q", after, before)
		}
		for _, text := range unmarked(doc) {
			t.Errorf("%q is not marked", text)
		}
		walk(doc, func(n *html.Node) {
			if attr(n, "lang") == "ja" && (n.FirstChild == nil || len(japaneseRuns([]byte(n.FirstChild.Data))) == 0) {
				t.Errorf("%+v is marked", n.FirstChild)
			}
		})
	})
}
