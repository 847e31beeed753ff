// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package charset

import (
	"bytes"
	"unicode/utf8"
)

const (
	esc = 0x1b
	so  = 0x0e
	si  = 0x0f
)

// graphic is a set that an escape sequence designates.
type graphic int

const (
	ascii graphic = iota // and JIS X 0201's Roman set, whose yen sign everybody means as a backslash
	kana
	x0208
	x0212
	x0213a
	x0213b
	gb
	ks
	latin1 // G2 only
	greek  // G2 only
)

func (g graphic) double() bool { return g >= x0208 && g <= ks }

// escape reads the escape sequence at b[0]: what it designates to which of G0,
// G1 and G2, and its length, 0 if it is none that is known (ISO/IEC 2022; RFC 1468,
// 1554, 1557, 1922, 2237).
func escape(b []byte) (g graphic, to, n int) {
	if len(b) < 3 || b[0] != esc {
		return 0, 0, 0
	}
	switch b[1] {
	case '(':
		switch b[2] {
		case 'B', 'J', 'H': // H is an old mistake for J
			return ascii, 0, 3
		case 'I':
			return kana, 0, 3
		}
	case ')':
		switch b[2] {
		case 'I':
			return kana, 1, 3
		case 'B', 'J':
			return ascii, 1, 3
		}
	case '&': // of JIS X 0208-1990, "ESC & @" before "ESC $ B"
		if b[2] == '@' {
			return ascii, -1, 3
		}
	case '.':
		switch b[2] {
		case 'A':
			return latin1, 2, 3
		case 'F':
			return greek, 2, 3
		}
	case '$':
		switch b[2] {
		case '@', 'B':
			return x0208, 0, 3
		case 'A':
			return gb, 0, 3
		case '(', ')':
			if len(b) < 4 {
				return 0, 0, 0
			}
			if b[2] == ')' {
				to = 1
			}
			switch b[3] {
			case '@', 'B':
				return x0208, to, 4
			case 'A':
				return gb, to, 4
			case 'C':
				return ks, to, 4
			case 'D':
				return x0212, to, 4
			case 'O', 'Q':
				return x0213a, to, 4
			case 'P':
				return x0213b, to, 4
			}
		}
	}
	return 0, 0, 0
}

// designates reports whether some escape sequence of b is one of ISO/IEC 2022.
func designates(b []byte) bool {
	for {
		i := bytes.IndexByte(b, esc)
		if i < 0 {
			break
		}
		if _, _, n := escape(b[i:]); n > 0 {
			return true
		}
		b = b[i+1:]
	}
	return false
}

// jisReader follows the state of ISO/IEC 2022.
type jisReader struct {
	b       []byte
	i       int
	out     []byte
	g0, g1  graphic
	g2      graphic
	shifted bool // SO: G1 is in use
	lost    int
	name    string
	t       *tables
	failed  [2]int // up to where there is no lost escape sequence, by parity
}

// jisText reads ISO-2022-JP and its kin.
func jisText(b []byte) Text {
	r := jisReader{b: b, out: make([]byte, 0, len(b)+len(b)/2), g1: kana, name: "ISO-2022-JP", t: japaneseTables()}
	for r.i < len(b) {
		r.step()
	}
	return Text{Text: string(r.out), Name: r.name, Lost: r.lost}
}

func (r *jisReader) step() {
	b, i := r.b, r.i
	g := r.g0
	if r.shifted {
		g = r.g1
	}
	switch c := b[i]; {
	case c == esc:
		r.escape()
	case c == so:
		r.shifted = true
		r.i++
	case c == si:
		r.shifted = false
		r.i++
	case c == '\n' || c == '\r':
		r.out = append(r.out, c)
		r.i++
		// A line begins in ASCII (RFC 1468), but programs that fold headers and
		// bodies without looking cut inside: there the next escape sequence
		// closes what would not be open.
		if c == '\n' && !r.continues() {
			r.g0, r.shifted = ascii, false
		}
	case c <= 0x20 || c == 0x7f:
		r.out = append(r.out, c)
		r.i++
	case g.double():
		r.pair(g)
	case c >= 0x80:
		r.eight()
	case g == kana && c < 0x60:
		r.out = utf8.AppendRune(r.out, 0xff61+rune(c-0x21))
		r.i++
	case c == '$' && g == ascii && r.reopens() > 0:
		r.g0 = x0208
		r.i += 2
	default:
		r.out = append(r.out, c)
		r.i++
	}
}

func (r *jisReader) escape() {
	b := r.b[r.i:]
	g, to, n := escape(b)
	switch {
	case n == 0 && len(b) >= 2 && b[1] == 'N' && len(b) >= 3: // single shift to G2
		r.i += 3
		switch {
		case r.g2 == latin1:
			r.out = utf8.AppendRune(r.out, rune(b[2]|0x80))
		case r.g2 == greek:
			t := otherText([]byte{b[2] | 0x80}, sets["ISO-8859-7"])
			r.out, r.lost = append(r.out, t.Text...), r.lost+t.Lost
		default:
			r.lose(0)
		}
		return
	case n == 0:
		// An escape sequence that lost its middle, or none: it shows nothing.
		r.i++
		if len(b) > 1 && b[1] != '$' && b[1] != '(' {
			return
		}
		r.lose(0)
		return
	}
	r.i += n
	switch to {
	case 0:
		r.g0, r.shifted = g, false
	case 1:
		r.g1 = g
		if g == ks && r.name == "ISO-2022-JP" && len(r.out) == 0 {
			r.name = "ISO-2022-KR"
		} else if g == gb && r.name == "ISO-2022-JP" {
			r.name = "ISO-2022-CN"
		}
	case 2:
		r.g2 = g
	}
}

// pair reads a character of two bytes. The high bit, which some gateways set,
// does not count.
func (r *jisReader) pair(g graphic) {
	b, i := r.b, r.i
	if i+1 >= len(b) {
		r.lose(1)
		return
	}
	hi, lo := b[i], b[i+1]
	if hi == '(' && (lo == 'B' || lo == 'J') && g == x0208 && hi < 0x80 {
		// Nothing is assigned there: it is an escape sequence without ESC.
		r.g0, r.shifted = ascii, false
		r.i += 2
		return
	}
	if hi >= 0x80 && !(hi >= 0xa1 && lo >= 0xa1 && hi < 0xff && lo < 0xff) {
		r.eight()
		return
	}
	hi, lo = hi&0x7f, lo&0x7f
	if hi < 0x21 || lo < 0x21 || lo > 0x7e || hi > 0x7e {
		r.lose(1)
		return
	}
	at := int(hi-0x21)*cells + int(lo-0x21)
	var c rune
	switch g {
	case x0208:
		c = rune(r.t.x0208[at])
	case x0212:
		c = rune(r.t.x0212[at])
	case gb:
		c = rune(gb2312()[at])
	case ks:
		c = rune(ksx1001()[at])
	case x0213a, x0213b:
		plane := 1
		if g == x0213b {
			plane = 2
		}
		if s, ok := x0213()[[2]int{plane, at}]; ok {
			r.out = append(r.out, s...)
			r.i += 2
			return
		}
		if plane == 1 {
			c = rune(r.t.x0208[at])
		}
	}
	if c == 0 {
		r.lose(2)
		return
	}
	r.out = utf8.AppendRune(r.out, c)
	r.i += 2
}

// lose drops n bytes that cannot be read.
func (r *jisReader) lose(n int) {
	r.out = utf8.AppendRune(r.out, utf8.RuneError)
	r.lost++
	r.i += n
}

// eight reads eight-bit bytes where none should be: text in another character
// set, put beside by a program that did not look, or half-width kana of JIS X
// 0201. A run goes to the end of the line or the next shift.
func (r *jisReader) eight() {
	end := r.i
	for end < len(r.b) && r.b[end] != '\n' && r.b[end] != esc && r.b[end] != so && r.b[end] != si {
		end++
	}
	run := r.b[r.i:end]
	var t Text
	if utf8.Valid(run) {
		t = Text{Text: string(run)}
	} else if t = decodeEight(run, sets["Shift_JIS"]); t.Lost > 0 {
		if u := decodeEight(run, nil); u.Lost < t.Lost {
			t = u
		}
	}
	r.out = append(r.out, t.Text...)
	r.lost += t.Lost
	r.i = end
}

// continues reports whether the line that begins now goes on in two bytes: it
// holds pairs up to an escape sequence that ends them.
func (r *jisReader) continues() bool {
	if !r.g0.double() || r.shifted {
		return false
	}
	j := r.i
	for j < len(r.b) && (r.b[j] == ' ' || r.b[j] == '\t') {
		j++
	}
	start := j
	for j < len(r.b) && r.b[j] > 0x20 && r.b[j] < 0x7f {
		j++
	}
	if j == start || (j-start)%2 != 0 || j >= len(r.b) || r.b[j] != esc {
		return false
	}
	if g, to, n := escape(r.b[j:]); n == 0 || to != 0 || g.double() {
		return false
	}
	return r.g0 != x0208 || japanesePairs(r.b[start:j], r.t, 1)
}

// reopens returns where the characters end if "$B" or "$@" at the reader's place
// is an escape sequence that lost its ESC, else 0: what follows are characters up
// to an escape sequence that ends them, whole or without its ESC. Where it
// fails, later places of the same parity need not be looked at again, which
// keeps the time linear.
func (r *jisReader) reopens() (end int) {
	i := r.i
	if i+2 >= len(r.b) || r.b[i+1] != 'B' && r.b[i+1] != '@' || i < r.failed[i&1] {
		return 0
	}
	for j := i + 2; ; j += 2 {
		if j+1 < len(r.b) {
			hi, lo := r.b[j], r.b[j+1]
			if hi == '(' && (lo == 'B' || lo == 'J') || hi == esc {
				if j > i+2 && japanesePairs(r.b[i+2:j], r.t, 1) {
					return j
				}
			} else if hi >= 0x21 && hi <= 0x7e && lo >= 0x21 && lo <= 0x7e && r.t.x0208[int(hi-0x21)*cells+int(lo-0x21)] != 0 {
				continue
			}
		}
		r.failed[i&1] = j
		return 0
	}
}

// lostEscapes reports whether b, which has no escape byte, has escape sequences
// without it. Where the label says ISO-2022-JP one character is enough.
func lostEscapes(b []byte, labelled bool) bool {
	if !bytes.Contains(b, []byte("(B")) && !bytes.Contains(b, []byte("(J")) {
		return false
	}
	least := 2
	if labelled {
		least = 1
	}
	r := jisReader{b: b, t: nil}
	for {
		k := bytes.IndexByte(b[r.i:], '$')
		if k < 0 {
			return false
		}
		r.i += k
		if r.t == nil {
			r.t = japaneseTables()
		}
		if end := r.reopens(); end > 0 {
			if japanesePairs(b[r.i+2:end], r.t, least) {
				return true
			}
			r.i = end
		}
		r.i++
	}
}

// japanesePairs reports whether seven-bit pairs are at least so many characters,
// and most of them such as Japanese is written with.
func japanesePairs(b []byte, t *tables, least int) bool {
	good, all := 0, len(b)/2
	for i := 0; i+1 < len(b); i += 2 {
		row := int(b[i]) - 0x20
		if row < 1 || row > 94 || b[i+1] < 0x21 || b[i+1] > 0x7e || t.x0208[(row-1)*cells+int(b[i+1]-0x21)] == 0 {
			return false
		}
		if row == 1 || row >= 3 && row <= 5 || row == 13 || row >= 16 && row <= 47 {
			good++
		}
	}
	return all >= least && good*2 > all
}
