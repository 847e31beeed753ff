// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package charset

import (
	"bytes"
	"unicode/utf8"
)

// sjisIndex is the place in x0208 of two bytes of Shift_JIS, or -1.
func sjisIndex(lead, trail byte) int {
	switch {
	case lead >= 0x81 && lead <= 0x9f:
		lead -= 0x81
	case lead >= 0xe0 && lead <= 0xfc:
		lead -= 0xc1
	default:
		return -1
	}
	switch {
	case trail >= 0x40 && trail <= 0x7e:
		trail -= 0x40
	case trail >= 0x80 && trail <= 0xfc:
		trail -= 0x41
	default:
		return -1
	}
	return int(lead)*188 + int(trail)
}

// sjisText reads Shift_JIS as CP932 does.
func sjisText(b []byte) Text {
	t := japaneseTables()
	out := make([]byte, 0, len(b)+len(b)/2)
	lost := 0
	for i := 0; i < len(b); {
		c := b[i]
		switch {
		case c < 0x80:
			n := i + 1
			for n < len(b) && b[n] < 0x80 {
				n++
			}
			out = append(out, b[i:n]...)
			i = n
			continue
		case c >= 0xa1 && c <= 0xdf:
			out = utf8.AppendRune(out, 0xff61+rune(c-0xa1))
			i++
			continue
		case i+1 < len(b):
			if k := sjisIndex(c, b[i+1]); k >= 0 {
				if r := rune(t.x0208[k]); r != 0 {
					out = utf8.AppendRune(out, r)
					i += 2
					continue
				}
				if b[i+1] >= 0x80 {
					i++
				}
			}
		}
		out = utf8.AppendRune(out, utf8.RuneError)
		lost++
		i++
	}
	return Text{Text: string(out), Name: "Shift_JIS", Lost: lost}
}

// eucText reads EUC-JP as CP51932 does, and JIS X 0212 behind 0x8F.
func eucText(b []byte) Text {
	t := japaneseTables()
	out := make([]byte, 0, len(b)+len(b)/2)
	lost := 0
	right := func(i int) bool { return i < len(b) && b[i] >= 0xa1 && b[i] <= 0xfe }
	for i := 0; i < len(b); {
		c := b[i]
		var r rune
		n := 1
		switch {
		case c < 0x80:
			r = rune(c)
		case c == 0x8e && right(i+1) && b[i+1] <= 0xdf:
			r, n = 0xff61+rune(b[i+1]-0xa1), 2
		case c == 0x8f && right(i+1) && right(i+2):
			k := int(b[i+1]-0xa1)*cells + int(b[i+2]-0xa1)
			r, n = rune(t.x0212[k]), 3
		case right(i) && right(i+1):
			k := int(c-0xa1)*cells + int(b[i+1]-0xa1)
			r, n = rune(t.x0208[k]), 2
			if row := k/cells + 1; r == 0 && row >= 85 { // rows of users, as eucJP-ms has them
				r = rune(0xe000 + (row-85)*cells + k%cells)
			}
		}
		if r == 0 && c != 0 {
			r = utf8.RuneError
			lost++
		}
		out = utf8.AppendRune(out, r)
		i += n
	}
	return Text{Text: string(out), Name: "EUC-JP", Lost: lost}
}

// otherText reads with a decoder of x/text.
func otherText(b []byte, s *set) Text {
	t := Text{Name: s.name}
	text, err := s.enc.NewDecoder().Bytes(b)
	if err != nil { // no decoder fails, but none promises not to
		return utf8Text(b)
	}
	t.Text = string(text)
	t.Lost = bytes.Count(text, []byte("\uFFFD"))
	return t
}
