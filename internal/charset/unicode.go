// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package charset

import (
	"unicode/utf16"
	"unicode/utf8"
)

// guess16 tells the byte order of UTF-16 without a mark by where its zero bytes
// stand: text has line ends, blanks and digits. It fails where both halves
// have them alike.
func guess16(b []byte) (big, ok bool) {
	var zeros [2]int
	for i := range len(b) &^ 1 {
		if b[i] == 0 {
			zeros[i&1]++
		}
	}
	switch {
	case zeros[0] > 4*zeros[1]:
		return true, true
	case zeros[1] > 4*zeros[0]:
		return false, true
	}
	return false, false
}

// decodeWide reads what was declared to be UTF-16, if it is.
func decodeWide(b []byte, want *set) Text {
	if utf8.Valid(b) && !hasZero(b) {
		return Text{Text: string(b), Name: "UTF-8"}
	}
	big, sure := guess16(b)
	if !hasZero(b) {
		if s, e := judgeSJIS(b), judgeEUC(b); s.strong() || s.fits() || e.strong() || e.fits() {
			return decodeEight(b, nil)
		}
	}
	if !sure {
		big = want.big
		if !plausible16(b, big) {
			if plausible16(b, !big) {
				big = !big
			} else {
				return decodeEight(b, nil)
			}
		}
	}
	t := utf16Text(b, big)
	if want.name == "UTF-16" {
		t.Name = want.name
	}
	return t
}

func hasZero(b []byte) bool {
	for _, c := range b {
		if c == 0 {
			return true
		}
	}
	return false
}

// plausible16 reports whether most units are kana, kanji, Hangul or ASCII.
func plausible16(b []byte, big bool) bool {
	good, all := 0, len(b)/2
	for i := 0; i+1 < len(b); i += 2 {
		u := unit16(b[i:], big)
		if u < 0x80 || u >= 0x3000 && u < 0x9fa0 || u >= 0xac00 && u < 0xd7a4 || u >= 0xff00 {
			good++
		}
	}
	return all > 0 && good*10 >= all*9
}

func unit16(b []byte, big bool) uint16 {
	if big {
		return uint16(b[0])<<8 | uint16(b[1])
	}
	return uint16(b[1])<<8 | uint16(b[0])
}

// utf16Text reads UTF-16 (RFC 2781).
func utf16Text(b []byte, big bool) Text {
	t := Text{Name: "UTF-16LE"}
	if big {
		t.Name = "UTF-16BE"
	}
	out := make([]byte, 0, len(b)*3/2+3)
	i := 0
	for ; i+1 < len(b); i += 2 {
		r := rune(unit16(b[i:], big))
		if utf16.IsSurrogate(r) {
			pair := rune(utf8.RuneError)
			if i+3 < len(b) {
				pair = utf16.DecodeRune(r, rune(unit16(b[i+2:], big)))
			}
			if r = pair; r == utf8.RuneError {
				t.Lost++
			} else {
				i += 2
			}
		}
		out = utf8.AppendRune(out, r)
	}
	if i < len(b) {
		t.Lost++
		out = utf8.AppendRune(out, utf8.RuneError)
	}
	t.Text = string(out)
	return t
}

// utf7Text reads UTF-7 (RFC 2152).
func utf7Text(b []byte) Text {
	t := Text{Name: "UTF-7"}
	out := make([]byte, 0, len(b))
	for i := 0; i < len(b); {
		c := b[i]
		if c != '+' {
			if c >= 0x80 {
				t.Lost++
				out = utf8.AppendRune(out, utf8.RuneError)
			} else {
				out = append(out, c)
			}
			i++
			continue
		}
		i++
		if i < len(b) && b[i] == '-' {
			out = append(out, '+')
			i++
			continue
		}
		var units []byte
		acc, bits := uint32(0), 0
		start := i
		for ; i < len(b); i++ {
			v := sextet(b[i])
			if v < 0 {
				break
			}
			acc, bits = acc<<6|uint32(v), bits+6
			if bits >= 16 {
				bits -= 16
				units = append(units, byte(acc>>bits>>8), byte(acc>>bits))
			}
		}
		if i == start { // a plus that is none
			out = append(out, '+')
			continue
		}
		u := utf16Text(units, true)
		if bits >= 6 { // rests of fewer bits are padding
			u.Lost++
		}
		out = append(out, u.Text...)
		t.Lost += u.Lost
		if i < len(b) && b[i] == '-' {
			i++
		}
	}
	t.Text = string(out)
	return t
}

func sextet(c byte) int {
	switch {
	case c >= 'A' && c <= 'Z':
		return int(c - 'A')
	case c >= 'a' && c <= 'z':
		return int(c-'a') + 26
	case c >= '0' && c <= '9':
		return int(c-'0') + 52
	case c == '+':
		return 62
	case c == '/', c == ',': // a comma in the variant of IMAP
		return 63
	}
	return -1
}
