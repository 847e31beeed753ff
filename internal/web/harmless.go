// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"teiten/internal/indicator"
)

// shown writes an indicator for a page: what identifies its recipient masked,
// the rest defanged.
func shown(v indicator.Value) string {
	masked, _ := indicator.Mask(v.Kind, v.Value)
	return indicator.Defang(v.Kind, masked)
}

// harmless writes somebody's text for a page: every indicator in it is masked
// and defanged. known are indicators that the text is about; their hosts are
// defanged even where nothing but that knowledge tells that they are hosts. What
// would act on the text instead of being read is written out.
func harmless(text string, known ...indicator.Value) string {
	return visible(rewrite(text, known, func(f indicator.Found) string {
		masked, _ := indicator.Mask(f.Kind, f.Written)
		return indicator.Defang(f.Kind, masked)
	}))
}

// directions are the characters that turn the text around them about, by their
// names in Unicode Standard Annex 9.
var directions = map[rune]string{
	'\u202a': "⟨LRE⟩", '\u202b': "⟨RLE⟩", '\u202c': "⟨PDF⟩", '\u202d': "⟨LRO⟩", '\u202e': "⟨RLO⟩",
	'\u2066': "⟨LRI⟩", '\u2067': "⟨RLI⟩", '\u2068': "⟨FSI⟩", '\u2069': "⟨PDI⟩",
}

// visible writes control characters as their pictures, and those that turn text
// about by their names: a file name must not read from right to left.
func visible(text string) string {
	if !strings.ContainsFunc(text, acts) {
		return text
	}
	var b strings.Builder
	b.Grow(len(text) + 16)
	for _, r := range text {
		switch name := directions[r]; {
		case name != "":
			b.WriteString(name)
		case !acts(r):
			b.WriteRune(r)
		case r < ' ':
			b.WriteRune('\u2400' + r)
		case r == 0x7f:
			b.WriteRune('\u2421')
		default: // C1, which has no pictures
			b.WriteRune(utf8.RuneError)
		}
	}
	return b.String()
}

// acts reports whether a character does something instead of being read.
func acts(r rune) bool {
	return r < ' ' && r != '\n' && r != '\t' && r != '\r' || r >= 0x7f && r < 0xa0 || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069'
}

// Harmless is the text as a page shows it, for the command line: indicators in
// it masked and defanged.
func Harmless(text string) string { return harmless(text) }

// defanged is harmless without masking, for what goes back into a form: it
// reads as the same indicators again.
func defanged(text string) string {
	return rewrite(text, nil, func(f indicator.Found) string { return indicator.Defang(f.Kind, f.Written) })
}

func rewrite(text string, known []indicator.Value, write func(indicator.Found) string) string {
	var b strings.Builder
	at := 0
	for _, f := range indicator.Extract(text) {
		if f.Start < at {
			continue
		}
		b.WriteString(inert(text[at:f.Start], known))
		b.WriteString(write(f))
		at = f.End
	}
	b.WriteString(inert(text[at:], known))
	return b.String()
}

// addressed is what still looks like an address where no indicator was found:
// a host that cannot be read, an unknown scheme or none.
var addressed = regexp.MustCompile(`(?i)[a-z][a-z0-9+.*-]*:/+[^\s<>"'「」（）、。]+|//[^\s<>"'「」（）、。]+|\bwww\.[^\s<>"'「」（）、。]+`)

// inert breaks what is left in a text without indicators.
func inert(text string, known []indicator.Value) string {
	for _, v := range known {
		if strings.Contains(v.Host, ".") {
			text = replaceFold(text, v.Host, indicator.Defang(indicator.Domain, v.Host))
		}
	}
	if !strings.ContainsAny(text, "/.") {
		return text
	}
	return addressed.ReplaceAllStringFunc(text, breakAddress)
}

// breakAddress breaks scheme and host of what looks like an address but cannot
// be read as one.
func breakAddress(s string) string {
	start := 0
	if i := strings.Index(s, ":/"); i >= 0 {
		s = replaceFold(s[:i], "http", "hxxp") + s[i:]
		start = i + 1
	}
	for start < len(s) && s[start] == '/' {
		start++
	}
	end := len(s)
	if i := strings.IndexAny(s[start:], "/?#"); i >= 0 {
		end = start + i
	}
	host := strings.ReplaceAll(strings.ReplaceAll(s[start:end], "[.]", "."), ".", "[.]")
	return s[:start] + host + indicator.Defang(indicator.URL, s[end:])
}

// replaceFold replaces old, in any case of ASCII letters, by new.
func replaceFold(text, old, new string) string {
	lower := asciiLower(text)
	old = asciiLower(old)
	var b strings.Builder
	for {
		i := strings.Index(lower, old)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		b.WriteString(new)
		text, lower = text[i+len(old):], lower[i+len(old):]
	}
}

func asciiLower(s string) string {
	b := []byte(s) // by bytes, so that places in both are the same
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
