// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"teiten/internal/indicator"
)

func TestMarkdown(t *testing.T) {
	for body, want := range map[string]string{
		"一行目\n二行目":                         "<p>一行目<br>\n二行目</p>",
		"**強い** と *弱い* と `code`":           "<p><strong>強い</strong> と <em>弱い</em> と <code>code</code></p>",
		"# 見出し":                            "<h3>見出し</h3>",
		"### 見出し":                          "<h3>見出し</h3>",
		"##### 見出し":                        "<h5>見出し</h5>",
		"- a\n- b":                         "<ul>\n<li>a</li>\n<li>b</li>\n</ul>",
		"3. a\n4. b":                       "<ol start=\"3\">\n<li>a</li>\n<li>b</li>\n</ol>",
		"> 引用":                             "<blockquote>\n<p>引用</p>\n</blockquote>",
		"```\n<b>&\n```":                   "<pre><code>&lt;b&gt;&amp;\n</code></pre>",
		"<script>alert(1)</script>":        "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>",
		"<img src=x onerror=alert(1)>":     "<p>&lt;img src=x onerror=alert(1)&gt;</p>",
		"[ここ](https://evil.example.com/a)": "<p>[ここ](hxxps://evil[.]example[.]com/a)</p>",
		"![](https://evil.example.com/a)":  "<p>![](hxxps://evil[.]example[.]com/a)</p>",
		"<https://evil.example.com/>":      "<p>&lt;hxxps://evil[.]example[.]com/&gt;</p>",
		"javascript:alert(1)":              "<p>javascript:alert(1)</p>",
		"https&#58;//evil.example.com/":    "<p>hxxps://evil[.]example[.]com/</p>",
		`https:\/\/evil.example.com/`:      "<p>hxxps://evil[.]example[.]com/</p>",
		"https://evil.**example**.com/":    "<p>hxxps://evil[.]example[.]com/</p>",
		"`https://evil.example.com/`":      "<p><code>hxxps://evil[.]example[.]com/</code></p>",
		"a@evil.example.com に返信":           "<p>a[@]evil[.]example[.]com に返信</p>",
		"[x]: https://evil.example.com/":   "<p>[x]: hxxps://evil[.]example[.]com/</p>",
		"//evil.example.com/a.png":         "<p>//evil[.]example[.]com/a.png</p>",
		"":                                 "",
	} {
		if got := strings.TrimSpace(string(markdown(body, nil))); got != want {
			t.Errorf("%q\n got %q\nwant %q", body, got, want)
		}
	}
}

// TestMarkdownKnownHost defangs a name that only the indicators tell is a host.
func TestMarkdownKnownHost(t *testing.T) {
	known := []indicator.Value{{Kind: indicator.Domain, Value: "evil.internal", Host: "evil.internal"}}
	if got := string(markdown("EVIL.internal と evil.internal", known)); strings.Contains(strings.ToLower(got), "evil.internal") {
		t.Error(got)
	}
}

// allowedTags are all that a member's text can become.
var allowedTags = []string{"html", "head", "body", "p", "br", "h3", "h4", "h5", "ul", "ol", "li", "blockquote", "pre", "code", "em", "strong", "hr"}

func FuzzMarkdown(f *testing.F) {
	for _, s := range []string{
		"# a\n- b\n> c `d` **e**", "<a href=javascript:x>", "https://evil.example.com/<script>", strings.Repeat("> ", 400) + "x",
		"```\n</code></pre><script>\n```", "&lt;script&gt; &#60;script&#62;", "*https://evil.exa*mple.com/", "Ahttp://000", "1. a\n   - https:*//evil.example.com*", "hxxp://a[.]jp http://а.рф/",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		page := string(markdown(body, nil))
		doc, err := html.Parse(strings.NewReader(page))
		if err != nil {
			t.Fatal(err)
		}
		var words strings.Builder
		var look func(*html.Node)
		look = func(n *html.Node) {
			if n.Type == html.ElementNode && !slices.Contains(allowedTags, n.Data) || n.Type == html.CommentNode {
				t.Fatalf("<%s> from %q", n.Data, body)
			}
			for _, a := range n.Attr {
				if a.Key != "start" || strings.Trim(a.Val, "0123456789") != "" {
					t.Fatalf("%s=%q from %q", a.Key, a.Val, body)
				}
			}
			if n.Type == html.TextNode {
				words.WriteString(n.Data)
			}
			for c := n.FirstChild; c != nil; c = c.NextSibling {
				look(c)
			}
			if n.Type == html.ElementNode && slices.Contains([]string{"p", "li", "h3", "h4", "h5", "pre", "blockquote", "br"}, n.Data) {
				words.WriteByte('\n')
			}
		}
		look(doc)
		if s := strings.ToLower(words.String()); strings.Contains(s, "http://") || strings.Contains(s, "https://") {
			t.Fatalf("an address can be opened: %q from %q", s, body)
		}
	})
}

func FuzzHarmless(f *testing.F) {
	for _, s := range []string{"http://evil.example.com/", "HTTPS://e.example/a b", "ht\u200btp://evil.example.com", "http:/evil.example", "//x.y/z", "www.evil.example"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := strings.ToLower(harmless(s))
		if strings.Contains(got, "http://") || strings.Contains(got, "https://") {
			t.Fatalf("%q becomes %q", s, got)
		}
	})
}

func TestMarkdownText(t *testing.T) {
	got := markdownText("### 見出し\n\n**強い** `https://evil.example.com/`\n\n- 一\n- 二\n\n> 引用\n\n```\nコード\n```", nil)
	if want := "見出し 強い hxxps://evil[.]example[.]com/ 一 二 引用 コード"; got != want {
		t.Errorf("%q", got)
	}
}
