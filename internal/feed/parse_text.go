// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"html"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	markup "golang.org/x/net/html"
)

// htmlTag finds the tags that mean that a text is markup. A text about
// <script> or "1.2 < 2.0" is not: security notes are full of those.
var htmlTag = regexp.MustCompile(`(?i)</?(?:a|p|br|b|i|u|em|strong|span|font|small|sup|sub|div|section|article|header|footer|main|nav|ul|ol|li|dl|dt|dd|table|thead|tbody|tr|td|th|img|figure|h[1-6]|hr|pre|code|blockquote|center|iframe|style)(?:\s[^<>]*)?/?>`)

// plainText returns what a reader of the text would read: of markup the words,
// with a line for each block; of plain text the same lines.
func plainText(c content) string {
	if c.html || htmlTag.MatchString(c.raw) {
		return tidy(fromHTML(c.raw))
	}
	return typedText(content{raw: html.UnescapeString(c.raw)})
}

// typedText is plainText for a text that says of itself that it is plain.
func typedText(c content) string {
	if c.html {
		return tidy(fromHTML(c.raw))
	}
	return tidy(c.raw)
}

// title is plainText in one line. Only tags that belong into a line count as
// markup.
func title(c content) string {
	s := c.raw
	switch {
	case c.html:
		s = fromHTML(s)
	case inlineTag.MatchString(s):
		s = html.UnescapeString(inlineTag.ReplaceAllString(s, ""))
	default:
		s = html.UnescapeString(s)
	}
	return withoutBreaks(tidy(s))
}

var inlineTag = regexp.MustCompile(`(?i)</?(?:a|b|i|u|em|strong|span|font|small|sup|sub|br|p)(?:\s[^<>]*)?/?>`)

var (
	// skipped elements show no text to a reader, or text of another document.
	skipped = words("script style template iframe object noscript svg math head select textarea")
	// blocks begin a line, and paragraphs end one.
	blocks     = words("p div section article header footer main nav ul ol li dl dt dd table tr h1 h2 h3 h4 h5 h6 hr pre blockquote figure center br")
	paragraphs = words("p ul ol dl table h1 h2 h3 h4 h5 h6 pre blockquote figure")
)

func words(s string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(s) {
		m[w] = true
	}
	return m
}

func fromHTML(s string) string {
	z := markup.NewTokenizer(strings.NewReader(s))
	var b strings.Builder
	skipping, depth := "", 0
	for {
		switch z.Next() {
		case markup.ErrorToken:
			return b.String()
		case markup.TextToken:
			if skipping == "" {
				// In markup a line break is a space like another.
				b.WriteString(strings.ReplaceAll(string(z.Text()), "\n", " "))
			}
		case markup.StartTagToken:
			tag, hasAttr := z.TagName()
			name := string(tag)
			switch {
			case skipping == name:
				depth++
			case skipping != "":
			case skipped[name]:
				skipping, depth = name, 1
			case name == "img" && hasAttr:
				b.WriteString(altText(z))
			case name == "td" || name == "th":
				b.WriteByte(' ')
			case blocks[name]:
				b.WriteByte('\n')
			}
		case markup.EndTagToken:
			tag, _ := z.TagName()
			name := string(tag)
			switch {
			case skipping == name:
				if depth--; depth == 0 {
					skipping = ""
				}
			case skipping == "" && paragraphs[name]:
				b.WriteByte('\n')
			}
		case markup.SelfClosingTagToken:
			tag, hasAttr := z.TagName()
			switch name := string(tag); {
			case skipping != "":
			case name == "img" && hasAttr:
				b.WriteString(altText(z))
			case blocks[name]:
				b.WriteByte('\n')
			}
		}
	}
}

func altText(z *markup.Tokenizer) string {
	for {
		key, value, more := z.TagAttr()
		if string(key) == "alt" {
			return string(value)
		}
		if !more {
			return ""
		}
	}
}

// tidy drops what cannot be seen but changes what is: control characters,
// direction overrides, byte order marks. It joins runs of spaces and of empty
// lines.
func tidy(s string) string {
	var b strings.Builder
	b.Grow(len(s))
	space, lines := false, 0
	for _, r := range s {
		switch {
		case r == '\n' || r == '\u2028' || r == '\u2029':
			lines++
			continue
		case hidden(r):
			continue
		case r == '\t' || r == '\r' || unicode.Is(unicode.Zs, r):
			space = true
			continue
		}
		if b.Len() > 0 {
			if lines > 0 {
				b.WriteString("\n\n"[:min(lines, 2)])
			} else if space {
				b.WriteByte(' ')
			}
		}
		space, lines = false, 0
		b.WriteRune(r)
	}
	return b.String()
}

func hidden(r rune) bool {
	switch {
	case r == '\t' || r == '\r':
		return false
	case r == '\u200d' || r == '\u200c': // joiners carry meaning in some scripts and in emoji
		return false
	case unicode.Is(unicode.Cc, r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r):
		return true
	}
	return false
}

func withoutBreaks(s string) string {
	return strings.Join(strings.Fields(s), " ")
}

// oneLine returns s as one clean line of at most n bytes.
func oneLine(s string, n int) string {
	return cutBytes(withoutBreaks(tidy(cutBytes(s, 4*n+64))), n)
}

// cutBytes returns at most n bytes of s, ending at a character.
func cutBytes(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
