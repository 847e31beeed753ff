// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package fold brings Japanese and Latin text to the one form in which it is
// compared: what a reader would call the same word becomes the same bytes, on
// every engine, because Go does it and the databases only store the outcome.
package fold

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Text folds s: NFKC (UAX #15, which joins half-width kana with their voicing
// marks and narrows full-width letters), lower case, katakana to hiragana, the
// several dashes and long-vowel marks to one, runs of white space to one
// space, and no invisible characters.
func Text(s string) string {
	if plain(s) {
		return strings.ToLower(s)
	}
	s = norm.NFKC.String(s)
	var b strings.Builder
	b.Grow(len(s))
	space, kana := false, false // kana: the character before is one
	for _, r := range s {
		switch {
		case unicode.IsSpace(r):
			space = b.Len() > 0
			continue
		case unicode.In(r, unicode.Cf, unicode.Cc), r == utf8.RuneError:
			continue
		}
		if space {
			b.WriteByte(' ')
			space, kana = false, false
		}
		r = fold(r, kana)
		kana = r >= 'ぁ' && r <= 'ゖ' || r == 'ー'
		b.WriteRune(r)
	}
	return b.String()
}

// fold maps one character. The many dashes are a long-vowel mark behind kana,
// for which they are often typed, and a hyphen elsewhere.
func fold(r rune, afterKana bool) rune {
	switch r {
	case '-', 'ー', '‐', '‑', '‒', '–', '—', '―', '−', '─', '━':
		if afterKana {
			return 'ー'
		}
		return '-'
	case '〜', '～':
		return '~'
	case '’', '‘':
		return '\''
	case '”', '“':
		return '"'
	}
	if r >= 'ァ' && r <= 'ヶ' || r == 'ヽ' || r == 'ヾ' {
		return r - ('ァ' - 'ぁ')
	}
	return unicode.ToLower(r)
}

// plain reports whether s is printable ASCII without double or outer spaces.
func plain(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c < ' ' || c >= 0x7f {
			return false
		}
		if c == ' ' && (i == 0 || i == len(s)-1 || s[i-1] == ' ') {
			return false
		}
	}
	return true
}

// Grams returns the distinct grams of a folded text, one character and two
// adjacent ones, in the order of their first appearance. Spaces belong to no
// gram. Grams of one character make words of one character findable.
func Grams(folded string) []string {
	seen := make(map[string]struct{}, len(folded))
	var grams []string
	add := func(g string) {
		if _, ok := seen[g]; !ok {
			seen[g] = struct{}{}
			grams = append(grams, g)
		}
	}
	prev := -1 // where the character before starts, -1 after a space
	for i, r := range folded {
		if r == ' ' {
			prev = -1
			continue
		}
		end := i + utf8.RuneLen(r)
		add(folded[i:end])
		if prev >= 0 {
			add(folded[prev:end])
		}
		prev = i
	}
	return grams
}

// QueryGrams returns the grams that a text must have to contain word, as few
// as will do: the pairs, or the character of a word that has only one.
func QueryGrams(word string) []string {
	all := Grams(word)
	var pairs []string
	for _, g := range all {
		if utf8.RuneCountInString(g) == 2 {
			pairs = append(pairs, g)
		}
	}
	if len(pairs) == 0 {
		return all
	}
	// A single character between spaces is in no pair.
	for _, part := range strings.Fields(word) {
		if utf8.RuneCountInString(part) == 1 {
			pairs = append(pairs, part)
		}
	}
	return pairs
}

// Token writes a gram as an ASCII word that every tokenizer keeps whole:
// lower-case letters and digits stand for themselves, all else is hexadecimal
// behind an x.
func Token(gram string) string {
	simple := true
	for i := 0; i < len(gram); i++ {
		c := gram[i]
		simple = simple && (c >= 'a' && c <= 'w' || c >= '0' && c <= '9')
	}
	if simple {
		return gram
	}
	var b strings.Builder
	b.WriteByte('x')
	for _, r := range gram {
		const digits = "0123456789abcdefghijklmnopqrstuv"
		// Base 32, four places: 20 bits, enough for every code point below 2^20.
		for shift := 15; shift >= 0; shift -= 5 {
			b.WriteByte(digits[(r>>shift)&31])
		}
	}
	return b.String()
}
