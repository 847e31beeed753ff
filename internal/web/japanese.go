// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"slices"
	"unicode"
	"unicode/utf8"
)

// markJapanese writes a page in another language to dst with lang="ja" on every
// piece of Japanese in its text (WCAG 2.2, 3.1.2): titles, remarks, names of
// people and hospitals, which members write in Japanese whatever language the
// page is in. It looks at the finished page and not at the templates, so that
// no page can forget it and names within sentences are found as well. The text
// itself stays byte for byte the same.
//
// page is what our templates made: tags and quotes are closed, and < and > in
// text are escaped. Values of attributes are left alone: they cannot be marked
// by themselves. What has a lang of its own already is left to its template.
func markJapanese(dst *bytes.Buffer, page []byte) {
	m := marker{dst: dst}
	for len(page) > 0 {
		at := bytes.IndexByte(page, '<')
		if at < 0 {
			at = len(page)
		}
		if at > 0 {
			m.text(page[:at], page[at:])
			page = page[at:]
			continue
		}
		n := tagLength(page)
		m.tag(page[:n])
		page = page[n:]
		if m.raw != "" { // up to the end tag nothing is a tag or text
			end := bytes.Index(page, []byte("</"+m.raw))
			if end < 0 {
				end = len(page)
			}
			m.dst.Write(page[:end])
			page, m.raw, m.leaf = page[end:], "", ""
		}
	}
}

// marker is a page being marked.
type marker struct {
	dst *bytes.Buffer
	// leaf is the element whose start tag was just written, "" if something
	// else was.
	leaf string
	// inside is the element with a lang of its own that we are in, depth how
	// many of the same name lie in each other.
	inside string
	depth  int
	raw    string // the element whose content is no markup
}

// unmarkable are elements that can hold no <span>: the mark goes on themselves.
var unmarkable = []string{"option", "title", "textarea", "text", "tspan", "desc"}

func (m *marker) tag(tag []byte) {
	m.dst.Write(tag)
	name, end := tagName(tag)
	m.leaf = ""
	switch {
	case name == "" || name == "html": // doctype; the page's own language
		return
	case m.inside != "":
		switch {
		case name != m.inside:
		case end:
			if m.depth--; m.depth == 0 {
				m.inside = ""
			}
		default:
			m.depth++
		}
		return
	case end:
		return
	case name == "script" || name == "style":
		m.raw = name
	case bytes.Contains(tag, []byte(` lang="`)):
		m.inside, m.depth = name, 1
	default:
		m.leaf = name
	}
}

// text writes what stands between two tags; after begins with the second.
func (m *marker) text(text, after []byte) {
	runs := japaneseRuns(text)
	if len(runs) == 0 || m.inside != "" {
		m.dst.Write(text)
		m.leaf = ""
		return
	}
	next, end := "", false
	if len(after) > 0 {
		next, end = tagName(after)
	}
	trimmed := bytes.TrimSpace(text)
	whole := len(runs) == 1 && runs[0][1]-runs[0][0] == len(trimmed)
	only := m.leaf != "" && end && next == m.leaf
	switch {
	case only && (whole || slices.Contains(unmarkable, m.leaf)):
		m.dst.Truncate(m.dst.Len() - 1)
		m.dst.WriteString(` lang="ja">`)
		m.dst.Write(text)
	default:
		at := 0
		for _, r := range runs {
			m.dst.Write(text[at:r[0]])
			m.dst.WriteString(`<span lang="ja">`)
			m.dst.Write(text[r[0]:r[1]])
			m.dst.WriteString(`</span>`)
			at = r[1]
		}
		m.dst.Write(text[at:])
	}
	m.leaf = ""
}

// tagLength is the length of the tag or comment that page begins with.
func tagLength(page []byte) int {
	quote := byte(0)
	for i, c := range page {
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i + 1
		}
	}
	return len(page)
}

// tagName returns the name of the tag that b begins with and whether it is an
// end tag; "" for what is not one of an element.
func tagName(b []byte) (name string, end bool) {
	b = b[1:]
	if end = len(b) > 0 && b[0] == '/'; end {
		b = b[1:]
	}
	n := 0
	for n < len(b) && (b[n]|0x20 >= 'a' && b[n]|0x20 <= 'z' || n > 0 && b[n] >= '0' && b[n] <= '9') {
		n++
	}
	return string(b[:n]), end
}

// japaneseRuns finds the pieces of a text that are Japanese: from the first to
// the last kana or kanji, with the punctuation around them. Words in Latin
// letters belong to the piece where they touch it on both sides, as in
// 「Microsoft 365」を装う, and so does a name or number alone between spaces; but
// not a sentence in another language that goes on between two names.
func japaneseRuns(text []byte) (runs [][2]int) {
	if !slices.ContainsFunc(text, func(b byte) bool { return b >= 0xe3 }) { // the first byte of U+3000 and above
		return nil
	}
	from, to, kana := -1, 0, false
	flush := func() {
		if kana {
			runs = append(runs, [2]int{from, to})
		}
		from, kana = -1, false
	}
	for i := 0; i < len(text); {
		r, n := utf8.DecodeRune(text[i:])
		letter, belongs := japanese(r)
		if belongs {
			if from >= 0 && !continues(text[to:i]) {
				flush()
			}
			if from < 0 {
				from = i
			}
			to, kana = i+n, kana || letter
		}
		i += n
	}
	if from >= 0 {
		flush()
	}
	return runs
}

// continues reports whether what lies between two pieces of Japanese is part of
// one text with them.
func continues(gap []byte) bool {
	word := bytes.TrimSpace(gap)
	if len(word) == 0 {
		return true
	}
	if one := !bytes.ContainsAny(word, " \t\n"); len(word) < len(gap) {
		return one && alphanumeric(word[0]) && (word[0] < 'a' || word[0] > 'z')
	} else if one {
		return true
	}
	return alphanumeric(gap[0]) && alphanumeric(gap[len(gap)-1])
}

func alphanumeric(b byte) bool {
	return b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
}

// japanese reports whether a rune is kana or kanji, and whether it belongs to a
// Japanese text if it stands beside one: full-width letters and punctuation.
func japanese(r rune) (letter, belongs bool) {
	switch {
	case r < 0x3000:
		return false, false
	case r == 0x3000: // a space, which layouts use on their own
		return false, false
	case r <= 0x303f && r != '々' && r != '〆', r >= 0xff00 && r <= 0xff60, r == '・', r == 'ー':
		return false, true
	}
	letter = unicode.In(r, unicode.Hiragana, unicode.Katakana, unicode.Han)
	return letter, letter
}
