// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// hole stands in a view for what is not searched again: a mark, or a URL,
// which is searched by itself. It is a private-use character, so that no rule
// takes it for part of a word.
const hole = '\uE000'

// view is a text in the forms in which it is searched, each byte with the
// place that it came from. The three forms have the same length, so that what
// is found in one is found in all.
type view struct {
	text string // as it was written
	flat string // NFKC, invisible characters gone, one kind of blank and of dash
	low  string // flat in lower case
	kana string // low with katakana as hiragana
	from []int32
	to   []int32 // per byte of flat: from where to where in text

	url bool // the text is a URL, in which "=" parts name and value

	tight string  // kana without what separates: letters, digits and "@" only
	pos   []int32 // per byte of tight: its place in flat
}

// stretch is a part of a text, in bytes.
type stretch struct{ from, to int }

// newView folds text; what lies in holes, sorted and disjoint, becomes one hole
// each.
func newView(text string, holes []stretch) *view {
	v := &view{text: text, from: make([]int32, 0, len(text)), to: make([]int32, 0, len(text))}
	flat := make([]byte, 0, len(text))
	put := func(r rune, from, to int) {
		n := len(flat)
		flat = utf8.AppendRune(flat, r)
		for range len(flat) - n {
			v.from, v.to = append(v.from, int32(from)), append(v.to, int32(to))
		}
	}
	last := rune(0) // the character before
	for i := 0; i < len(text); {
		if len(holes) > 0 && i >= holes[0].from {
			put(hole, holes[0].from, holes[0].to)
			i, holes, last = max(i, holes[0].to), holes[1:], hole
			continue
		}
		limit := len(text)
		if len(holes) > 0 {
			limit = holes[0].from
		}
		if c := text[i]; c < utf8.RuneSelf && (i+1 == limit || text[i+1] < utf8.RuneSelf) {
			if c == '\t' {
				c = ' '
			}
			if c >= ' ' && c != 0x7f || c == '\n' {
				put(rune(c), i, i+1)
				last = rune(c)
			}
			i++
			continue
		}
		n := norm.NFKC.NextBoundaryInString(text[i:limit], true)
		if n <= 0 {
			n = limit - i
		}
		piece := text[i : i+n]
		if utf8.RuneCountInString(piece) > 1 || piece[0] >= utf8.RuneSelf {
			piece = norm.NFKC.String(piece)
		}
		for k, r := range piece {
			if r = plainRune(r, last, text[i+n:limit], k == 0); r == 0 {
				continue
			}
			put(r, i, i+n)
			last = r
		}
		i += n
	}
	v.flat = string(flat)
	v.lower(flat)
	return v
}

// plainRune brings a character to the form of a view, 0 to drop it. rest is
// the text behind it.
func plainRune(r, last rune, rest string, first bool) rune {
	switch {
	case r == '\n':
		return r
	case r == '\r':
		return 0
	case unicode.IsSpace(r):
		return ' '
	case r == utf8.RuneError, r == hole:
		return '?'
	case unicode.In(r, unicode.Cf, unicode.Cc):
		return 0
	}
	switch r {
	case 'ー', '-', '‐', '‑', '‒', '–', '—', '―', '−', '─', '━':
		if !isKana(last) {
			return '-'
		}
		if next, _ := utf8.DecodeRuneInString(rest); next >= '0' && next <= '9' && r != 'ー' {
			return '-'
		}
		return 'ー'
	case '〜', '～', '∼':
		return '~'
	}
	return r
}

// lower makes the two other forms. A character whose lower case is longer or
// shorter stays as it is.
func (v *view) lower(flat []byte) {
	low := flat
	for i := 0; i < len(low); {
		c := low[i]
		if c < utf8.RuneSelf {
			if c >= 'A' && c <= 'Z' {
				low[i] = c + 'a' - 'A'
			}
			i++
			continue
		}
		r, n := utf8.DecodeRune(low[i:])
		if l := unicode.ToLower(r); l != r && utf8.RuneLen(l) == n {
			utf8.EncodeRune(low[i:], l)
		}
		i += n
	}
	v.low = string(low)
	for i := 0; i < len(low); {
		r, n := utf8.DecodeRune(low[i:])
		if r >= 'ァ' && r <= 'ヶ' { // three bytes each, in both scripts
			utf8.EncodeRune(low[i:], r-('ァ'-'ぁ'))
		}
		i += n
	}
	v.kana = string(low)
}

// squeeze makes the tight form, in which "佐藤　花子" and "佐藤花子", and
// "sato.hanako" and "sato hanako", are the same.
func (v *view) squeeze() {
	if v.pos != nil {
		return
	}
	b, pos := make([]byte, 0, len(v.kana)), make([]int32, 0, len(v.kana))
	for i, r := range v.kana {
		if !tightRune(r) {
			continue
		}
		for k := range utf8.RuneLen(r) {
			b, pos = append(b, v.kana[i+k]), append(pos, int32(i+k))
		}
	}
	v.tight, v.pos = string(b), pos
}

func tightRune(r rune) bool {
	if r < utf8.RuneSelf {
		return isAlnum(byte(r)) || r == '@'
	}
	return r == hole || r == 'ー' || r == '々' || unicode.IsLetter(r) || unicode.IsDigit(r)
}

// tighten is the tight form of a text by itself.
func tighten(s string) string {
	v := newView(s, nil)
	v.squeeze()
	return v.tight
}

// origin is where flat[i:j] stands in the text.
func (v *view) origin(i, j int) stretch {
	if i >= j {
		return stretch{}
	}
	return stretch{int(v.from[i]), int(v.to[j-1])}
}

// before and after are the characters at the two sides of a place in flat.
func (v *view) before(i int) (rune, int) {
	if i <= 0 {
		return 0, 0
	}
	return utf8.DecodeLastRuneInString(v.flat[:i])
}

func (v *view) after(i int) (rune, int) {
	if i >= len(v.flat) {
		return 0, 0
	}
	return utf8.DecodeRuneInString(v.flat[i:])
}

// blanks returns the place behind the blanks at i, at most six.
func (v *view) blanks(i int) int {
	for end := i + 6; i < len(v.flat) && i < end && v.flat[i] == ' '; i++ {
	}
	return i
}

// run returns the end of the longest run of characters in is from i on, of at
// most most characters.
func (v *view) run(i, most int, is func(rune) bool) int {
	for ; most > 0; most-- {
		r, n := v.after(i)
		if n == 0 || !is(r) {
			break
		}
		i += n
	}
	return i
}

// runBack returns the beginning of the longest such run that ends at i.
func (v *view) runBack(i, most int, is func(rune) bool) int {
	for ; most > 0; most-- {
		r, n := v.before(i)
		if n == 0 || !is(r) {
			break
		}
		i -= n
	}
	return i
}

// line returns the line around i.
func (v *view) line(i int) stretch {
	return stretch{strings.LastIndexByte(v.flat[:i], '\n') + 1, lineEnd(v.flat, i)}
}

func lineEnd(s string, i int) int {
	if n := strings.IndexByte(s[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(s)
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isAlnum(c byte) bool { return isDigit(c) || isAlpha(c) }
func isWord(r rune) bool  { return r < utf8.RuneSelf && isAlnum(byte(r)) }
func isLatin(r rune) bool { return r < utf8.RuneSelf && isAlpha(byte(r)) }
func isKanji(r rune) bool {
	return r == '々' || r == '〆' || r == '〇' || unicode.Is(unicode.Han, r)
}
func isHiragana(r rune) bool {
	return r >= 'ぁ' && r <= 'ゖ' || r == 'ー' || r == 'ゝ' || r == 'ゞ'
}
func isKatakana(r rune) bool { return r >= 'ァ' && r <= 'ヶ' || r == 'ー' }
func isKana(r rune) bool     { return isHiragana(r) || isKatakana(r) }
