// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"teiten/internal/advisory"
)

// The body of an imported advisory is an introduction and a list of facts, one
// a line, each with a Japanese label; the fact itself stays in the language of its
// source. A later import reads the facts back to say what has changed, so a
// label that is renamed here makes every advisory be corrected once.
type fact struct{ label, value string }

const colon = "："

// bodyText writes the facts that there are.
func bodyText(intro string, all []fact) string {
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString("\n")
	for _, f := range all {
		if f.value != "" {
			b.WriteString("\n- " + f.label + colon + f.value)
		}
	}
	return b.String()
}

// facts reads back what bodyText wrote.
func facts(body string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(body) {
		if line, ok := strings.CutPrefix(strings.TrimSpace(line), "- "); ok {
			if label, value, ok := strings.Cut(line, colon); ok {
				all[label] = value
			}
		}
	}
	return all
}

// whatChanged names the facts in which two contents differ, with the values
// where they are short.
func whatChanged(old, new *advisory.Content) string {
	before, after := facts(old.Body), facts(new.Body)
	var all []string
	name := func(label string) {
		a, b := before[label], after[label]
		if a != b {
			if max(utf8.RuneCountInString(a), utf8.RuneCountInString(b)) <= 40 {
				label += "（" + orNone(a) + " → " + orNone(b) + "）"
			}
			all = append(all, label)
		}
	}
	if old.Title != new.Title {
		all = append(all, "題名")
	}
	if old.TLP != new.TLP {
		all = append(all, "共有範囲（"+old.TLP.String()+" → "+new.TLP.String()+"）")
	}
	seen := map[string]bool{}
	for _, body := range []string{new.Body, old.Body} {
		for line := range strings.Lines(body) {
			label, _, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "- "), colon)
			if ok && !seen[label] {
				seen[label] = true
				name(label)
			}
		}
	}
	if old.Products != new.Products {
		all = append(all, "対象の製品")
	}
	const most = 12
	if len(all) > most {
		all = append(all[:most], "ほか")
	}
	if len(all) == 0 {
		return "書き方が変わりました"
	}
	return strings.Join(all, "、") + " が変わりました"
}

func orNone(s string) string {
	if s == "" {
		return "なし"
	}
	return s
}

// oneLine makes foreign text one line of at most most characters, without
// invisible characters.
func oneLine(s string, most int) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.In(r, unicode.Cf) {
			return -1
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:max(0, most-1)]) + "…"
	}
	return s
}

// prose is oneLine as text in Markdown: what would begin markup is escaped.
// An underscore inside a word begins none.
func prose(s string, most int) string {
	s = oneLine(s, most)
	var b strings.Builder
	for i, r := range s {
		switch r {
		case '\\', '*', '`', '[', ']', '<', '>', '|', '~':
			b.WriteByte('\\')
		case '_':
			if i == 0 || i+1 == len(s) || !word(s[i-1]) || !word(s[i+1]) {
				b.WriteByte('\\')
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

func word(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

// titleText is a title within the limit of an advisory.
func titleText(s string) string { return oneLine(s, 200) }
