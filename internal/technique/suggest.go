// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package technique

import (
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"teiten/internal/fold"
)

// MaxText is how many bytes of a text Suggest reads. What people write about
// an attack is far shorter; a pasted mail says what it is near its beginning.
const MaxText = 64 << 10

// Suggest returns the ids of the techniques whose words occur in the text, the
// one with most of the text's characters in its favour first. It proposes, and
// a person decides: "this was no ransomware" suggests ransomware too. Width,
// case and kind of kana do not matter; a word that begins or ends with a Latin
// letter or a digit must stand alone there, so that SMB is not found in SMBC.
// Only the first MaxText bytes are read; bytes that are not UTF-8 match nothing.
func Suggest(text string) []string {
	text = squeeze(clip(text, MaxText))
	type hit struct{ technique, weight int }
	var hits []hit
	for i, words := range squeezed() {
		weight := 0
		for _, w := range words {
			if contains(text, w) {
				weight += utf8.RuneCountInString(w)
			}
		}
		if weight > 0 {
			hits = append(hits, hit{i, weight})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return b.weight - a.weight })
	all, ids := builtIn().all, make([]string, len(hits))
	for i, h := range hits {
		ids[i] = all[h.technique].ID
	}
	return ids
}

// contains reports whether word occurs in text with its Latin ends standing
// alone, but for an English plural's s.
func contains(text, word string) bool {
	for from := 0; ; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		start := from + i
		end := start + len(word)
		if !joined(text, start) && (!joined(text, end) || text[end] == 's' && !joined(text, end+1)) {
			return true
		}
		from = start + 1
	}
}

// joined reports whether Latin letters or digits stand on both sides of i.
func joined(text string, i int) bool {
	return i > 0 && i < len(text) && latin(text[i-1]) && latin(text[i])
}

// latin reports whether b is a letter or digit of folded ASCII text. Bytes of
// longer characters are not, so 「QRコード」 ends its letters at コ.
func latin(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= '0' && b <= '9'
}

// squeeze folds text as everything in Teiten that is searched and takes out
// white space beside Japanese characters, where a mail breaks its lines and
// writers set a space or not: 「QR コード」 is 「QRコード」.
func squeeze(s string) string {
	var b strings.Builder
	var last byte // of the field before; above ASCII when its character is Japanese
	for field := range strings.FieldsSeq(fold.Text(s)) {
		if b.Len() > 0 && last < utf8.RuneSelf && field[0] < utf8.RuneSelf {
			b.WriteByte(' ')
		}
		b.WriteString(field)
		last = field[len(field)-1]
	}
	return b.String()
}

// squeezed are every technique's words as they are compared.
var squeezed = sync.OnceValue(func() [][]string {
	all := builtIn().all
	words := make([][]string, len(all))
	for i, t := range all {
		for _, w := range t.Words {
			words[i] = append(words[i], squeeze(w))
		}
	}
	return words
})

// clip returns at most n bytes of s, not cutting a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
