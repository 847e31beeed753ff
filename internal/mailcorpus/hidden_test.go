// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"regexp"
	"strings"
	"testing"
)

// hidingSigns are what must be seen in the decoded body of a mail that hides
// its link so.
var hidingSigns = map[string]string{
	"line-break":          `href="https://\S{3}\r\n\S+\t`,
	"spaces":              `href=" \t\r\n https`,
	"entities":            `href="(&#\d+;){20}`,
	"entities-hex":        `href="https://(&#x[0-9a-f]+;?){10}`,
	"entities-named":      `https&colon;&sol;&sol;\S+&period;`,
	"backslash":           `href="https:\\\\[^/"]+\\`,
	"one-slash":           `href="https:/[^/]`,
	"three-slashes":       `href="https:///[^/]`,
	"user":                `https://www\.bank\.example@`,
	"user-percent":        `https://(%[0-9a-f]{2}){16}:[0-9a-f]{40}@`,
	"ip-octal":            `http://0300\.0000\.0002\.0[0-7]{3}/`,
	"ip-hex":              `http://0xC0\.0x0\.0x2\.0x`,
	"ip-number":           `http://322122\d{4}/`,
	"percent-host":        `https://(%[0-9A-F]{2}){10}`,
	"upper-case":          `HTTPS://[A-Z0-9.-]+/`,
	"full-width":          `https://[！-～]+/`,
	"ideographic-dot":     `https://[^/."]+。`,
	"idn":                 `https://病院確認`,
	"zero-width":          `&#8203;.*&shy;`,
	"no-scheme":           `href="//[a-z]|href="//\d`,
	"port-dot":            `\.:443/`,
	"unquoted":            `HREF = https://`,
	"form":                `<form method=post action="https://`,
	"form-button":         `formaction="https://`,
	"refresh":             `CONTENT="1;URL='https://`,
	"area":                `<area shape="rect" coords="0,0,9,9" href="https://`,
	"style":               `url\('https://`,
	"frame":               `<iframe src="https://`,
	"base":                `<base href="https://[^"]+/"><a href="[^:"]+"`,
	"conditional-comment": `<!--\[if mso\]><v:roundrect href="https://`,
	"tags-in-text":        `https://..<b></b>..<!-- -->`,
	"svg":                 `<svg[^>]*><a xlink:href="https://`,
	"redirector":          `url=https%3A%2F%2F`,
	"redirector-twice":    `u=https%253A%252F%252F`,
	"redirector-base64":   `/c/aHR0cHM6Ly9`,
	"redirector-path":     `/amp/s/https://`,
	"qp-split":            `href="https://`,
	"base64-html":         `href="https://`,
	"text-wrapped":        `<URL:https://\S+/\r\n  \S+>`,
	"text-touching":       `こちらhttps://\S+をご覧ください`,
	"text-brackets":       `「https://\S+」（https://`,
	"text-full-width":     `ｈｔｔｐｓ：／／`,
	"text-no-scheme":      `\nwww\.[a-z]+\.example\.com/`,
	"link-text":           `<a href="https://[^"]+">https://www\.bank\.example\.jp`,
}

func TestHidingsAreThere(t *testing.T) {
	looked := map[string]bool{}
	for s := range Japanese(10, 14*len(mistakes)) {
		name, ok := strings.CutPrefix(s.Mistakes[0], "hide.")
		if !ok || len(s.Mistakes) > 1 {
			continue
		}
		looked[name] = true
		if name == "calendar" {
			if !regexp.MustCompile(`\r\nURL:https://\S+\r\n \S`).Match(s.Raw) {
				t.Errorf("no folded line in\n%s", s.Raw)
			}
			continue
		}
		sign, ok := hidingSigns[name]
		body := readIn(codecOf(s.Raw), bodyBytes(t, s.Raw))
		if !ok || !regexp.MustCompile(sign).MatchString(body) {
			t.Errorf("%s is not in %q", name, body)
		}
		raw := string(s.Raw)
		if name == "qp-split" && !regexp.MustCompile(`ht?t?p?s?:?/?/?\S*=\r\n`).MatchString(raw) {
			t.Errorf("no line break in the URL in\n%s", raw)
		}
	}
	for _, name := range Mistakes() {
		if rest, ok := strings.CutPrefix(name, "hide."); ok && !looked[rest] {
			t.Errorf("nothing looks for %s", name)
		}
	}
}
