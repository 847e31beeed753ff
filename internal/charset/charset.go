// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package charset

import (
	"bytes"
	"unicode/utf8"
)

// Text is what bytes were read as.
type Text struct {
	Text string
	// Name is the character set that was used, in IANA's preferred spelling
	// (RFC 2978): "ISO-2022-JP", "Shift_JIS", "EUC-JP", "UTF-8", ... Kin share
	// the name of their family: CP932 is "Shift_JIS", CP50221 "ISO-2022-JP".
	Name string
	// Lied reports that another one was declared, and None that none was, or
	// none that exists.
	Lied bool
	None bool
	// Lost counts characters that could not be read and became U+FFFD.
	Lost int
}

// Decode reads bytes in the declared character set, "" for none, or in the one
// that they are in. It never fails: what cannot be read becomes U+FFFD. The
// time is linear in the length of b, and the text at most three times as long.
func Decode(b []byte, declared string) Text {
	want := find(declared)
	t := decode(b, want)
	t.None = want == nil
	t.Lied = want != nil && want.name != t.Name
	return t
}

// DecodeHinted is Decode for bytes that say themselves what they are in, as
// HTML does in its meta element. The hint counts where nothing is declared and
// where what is declared cannot be right.
func DecodeHinted(b []byte, declared, hint string) Text {
	t := Decode(b, declared)
	if hint == "" || t.Lost == 0 && !t.Lied && !t.None {
		return t
	}
	if h := Decode(b, hint); !h.None && !h.Lied && h.Lost <= t.Lost {
		h.None, h.Lied = t.None, !t.None && h.Name != find(declared).name
		return h
	}
	return t
}

// Known reports whether the label names a character set, aliases and usual
// misspellings included.
func Known(label string) bool { return find(label) != nil }

func decode(b []byte, want *set) Text {
	switch {
	case bytes.HasPrefix(b, []byte("\xef\xbb\xbf")):
		return utf8Text(b[3:])
	case bytes.HasPrefix(b, []byte("\xff\xfe")) && (want == nil || want.kind != single):
		return utf16Text(b[2:], false)
	case bytes.HasPrefix(b, []byte("\xfe\xff")) && (want == nil || want.kind != single):
		return utf16Text(b[2:], true)
	}
	s := survey(b)
	if !s.high && !s.shift {
		return decodeSeven(b, want, s)
	}
	if s.shift && (s.nuls == 0 || want == nil || want.kind != wide16) && (want != nil && want.kind == jis || designates(b)) {
		return jisText(b)
	}
	if !s.high { // a stray control character
		return decodeSeven(b, want, s)
	}
	return decodeEight(b, want)
}

// traits are what a first look over the bytes finds.
type traits struct {
	high  bool // bytes above 0x7F
	shift bool // ESC, SO or SI
	nuls  int
}

func survey(b []byte) (t traits) {
	for _, c := range b {
		if c >= 0x80 {
			t.high = true
			if t.shift {
				break
			}
		} else if c < 0x20 {
			switch c {
			case 0x1b, 0x0e, 0x0f:
				t.shift = true
			case 0:
				t.nuls++
			}
		}
	}
	return t
}

// decodeSeven reads bytes below 0x80 without escape sequences.
func decodeSeven(b []byte, want *set, s traits) Text {
	if want != nil {
		switch want.kind {
		case utf7:
			return utf7Text(b)
		case hz:
			return otherText(b, want)
		}
	}
	if s.nuls*3 >= len(b) && len(b) >= 4 || s.nuls > 0 && want != nil && want.kind == wide16 {
		if big, ok := guess16(b); ok {
			return utf16Text(b, big)
		}
	}
	if lostEscapes(b, want != nil && want.kind == jis) {
		return jisText(b)
	}
	name := "US-ASCII"
	if want != nil && want.kind != wide16 {
		name = want.name
	}
	return Text{Text: string(b), Name: name}
}

// decodeEight reads bytes of which some are above 0x7F.
func decodeEight(b []byte, want *set) Text {
	if want != nil && want.kind == wide16 {
		return decodeWide(b, want)
	}
	if utf8.Valid(b) && (want == nil || want.kind == unicode8 || convincing8(b, want)) {
		return Text{Text: string(b), Name: "UTF-8"}
	}
	switch k := choose(b, want); k {
	case unicode8:
		return utf8Text(b)
	case sjis:
		return sjisText(b)
	case euc:
		return eucText(b)
	case declared:
		return otherText(b, want)
	default:
		return otherText(b, undeclared[k])
	}
}

// convincing8 reports whether valid UTF-8 that was declared to be something
// else is UTF-8. Three bytes in a row that fit by chance are rare; pairs are
// not, in character sets that consist of pairs.
func convincing8(b []byte, want *set) bool {
	pairs, longer := 0, 0
	for i := 0; i < len(b); {
		switch c := b[i]; {
		case c < 0x80:
			i++
		case c < 0xe0:
			pairs++
			i += 2
		case c < 0xf0:
			longer++
			i += 3
		default:
			longer++
			i += 4
		}
	}
	if longer > 1 || pairs > 8 {
		return true
	}
	switch want.kind {
	case sjis:
		j := judgeSJIS(b)
		return j.bad > 0 || j.points < 2*j.pairs
	case euc:
		j := judgeEUC(b)
		return j.bad > 0 || longer > 0 && j.points < 2*j.pairs
	case other:
		t := otherText(b, want)
		return t.Lost > 0
	case single:
		return want.latin || longer > 0
	}
	return true
}

// utf8Text reads UTF-8 of which some may be broken.
func utf8Text(b []byte) Text {
	if utf8.Valid(b) {
		return Text{Text: string(b), Name: "UTF-8"}
	}
	t := Text{Name: "UTF-8"}
	out := make([]byte, 0, len(b)+16)
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n == 1 {
			t.Lost++
			// What is left of one character is one loss (Unicode, section 3.9).
			for n < 3 && i+n < len(b) && b[i+n]&0xc0 == 0x80 && b[i] >= 0xc2 {
				n++
			}
		}
		out = utf8.AppendRune(out, r)
		i += n
	}
	t.Text = string(out)
	return t
}
