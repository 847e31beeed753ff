// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"encoding/base64"
	"strings"
	"unicode/utf16"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// codecs of x/text, by the name under which mistakes.go speaks of them. The
// tables of the Web's standard have NEC's rows and the half-width kana, as the
// code pages of Windows have.
var codecs = map[string]encoding.Encoding{
	"jis": japanese.ISO2022JP, "sjis": japanese.ShiftJIS, "euc": japanese.EUCJP,
	"gb": simplifiedchinese.GBK, "big5": traditionalchinese.Big5, "euc-kr": korean.EUCKR, "koi8-r": charmap.KOI8R,
}

// bytesIn is text in a charset. A character that it lacks is a mistake of this
// package, which the tests find.
func bytesIn(codec, text string) []byte {
	switch codec {
	case "utf-8":
		return []byte(text)
	case "utf-7":
		return utf7(text)
	case "utf-16":
		return append([]byte{0xfe, 0xff}, utf16BE(text)...)
	case "utf-16le":
		b := utf16BE(text)
		for i := 0; i+1 < len(b); i += 2 {
			b[i], b[i+1] = b[i+1], b[i]
		}
		return b
	}
	if codec == "sjis" {
		// Windows has these in IBM's rows, the table of the Web in NEC's.
		var b []byte
		for _, r := range text {
			switch r {
			case '髙':
				b = append(b, 0xfb, 0xfc)
			case '﨑':
				b = append(b, 0xfa, 0xb1)
			default:
				c, err := japanese.ShiftJIS.NewEncoder().String(string(r))
				if err != nil {
					panic("mailcorpus: " + codec + ": " + err.Error() + ": " + text)
				}
				b = append(b, c...)
			}
		}
		return b
	}
	b, err := codecs[codec].NewEncoder().Bytes([]byte(text))
	if err != nil {
		panic("mailcorpus: " + codec + ": " + err.Error() + ": " + text)
	}
	return b
}

func utf16BE(text string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(text)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return b
}

// utf7 writes text as RFC 2152 has it.
func utf7(text string) []byte {
	var b strings.Builder
	var wide []rune
	flush := func() {
		if len(wide) > 0 {
			b.WriteString("+" + base64.RawStdEncoding.EncodeToString(utf16BE(string(wide))) + "-")
			wide = nil
		}
	}
	for _, r := range text {
		switch {
		case r >= 0x80:
			wide = append(wide, r)
		case r == '+':
			flush()
			b.WriteString("+-")
		default:
			flush()
			b.WriteRune(r)
		}
	}
	flush()
	return []byte(b.String())
}

// textForm is how a text is said to be written and how it is.
type textForm struct {
	label string // of the parameter charset, as it stands after "charset=", "" for none
	codec string
}

// transferForm likewise.
type transferForm struct {
	label string // of Content-Transfer-Encoding, "" for none
	apply func(s *scope, raw []byte) []byte
}

func as(encoding string) func(*scope, []byte) []byte {
	return func(_ *scope, raw []byte) []byte { return encode(raw, encoding) }
}

// Base64 as programs and gateways break it.

func base64Junk(s *scope, raw []byte) []byte {
	lines := strings.Split(string(base64Lines(raw, 60)), "\r\n")
	for i, l := range lines {
		if len(l) > 20 {
			at := 4 + s.r.IntN(len(l)-8)
			lines[i] = l[:at] + []string{"!", " ", "*", "\t", "?!", "-\r\n"}[s.r.IntN(6)] + l[at:]
		}
	}
	return []byte(strings.Join(lines, "\r\n"))
}

// padded has a length that base64 pads.
func padded(raw []byte) []byte {
	for len(raw)%3 != 1 {
		raw = append(raw, '\n')
	}
	return raw
}

func base64Unpadded(_ *scope, raw []byte) []byte {
	return []byte(strings.ReplaceAll(string(base64Lines(padded(raw), 76)), "=", ""))
}

// base64Joined is two pieces one after the other, the first one padded.
func base64Joined(_ *scope, raw []byte) []byte {
	half := len(raw) / 2
	for half%3 == 0 {
		half++
	}
	return append(base64Lines(raw[:half], 76), base64Lines(raw[half:], 76)...)
}

func base64OneLine(_ *scope, raw []byte) []byte {
	for len(raw) < 800 {
		raw = append(raw, "\r\n"...)
	}
	return append([]byte(base64.StdEncoding.EncodeToString(raw)), "\r\n"...)
}

// Quoted-printable likewise.

// quotedSplit breaks every line after 17 characters, so that characters of
// several bytes are broken for certain.
func quotedSplit(_ *scope, raw []byte) []byte { return quotedPrintable(raw, 18) }

func quotedLower(_ *scope, raw []byte) []byte {
	b := quotedPrintable(raw, 76)
	for i := range b {
		if i > 0 && b[i-1] == '=' || i > 1 && b[i-2] == '=' {
			if b[i] >= 'A' && b[i] <= 'F' {
				b[i] += 'a' - 'A'
			}
		}
	}
	return b
}

// quotedRaw leaves the bytes above 0x7f as they are, and encodes the rest.
func quotedRaw(_ *scope, raw []byte) []byte {
	return []byte(strings.NewReplacer("=", "=3D").Replace(string(raw)))
}

// quotedStray puts a "=" that begins nothing after the text.
func quotedStray(_ *scope, raw []byte) []byte {
	return append(quotedPrintable(raw, 76), "--=\r\n=ZZ 100=% =\r\n"...)
}

// uuencoded is a file in the text (POSIX uuencode).
func uuencoded(name string, content []byte) string {
	var b strings.Builder
	b.WriteString("begin 644 " + name + "\r\n")
	char := func(v byte) byte {
		if v == 0 {
			return '`'
		}
		return v + ' '
	}
	for len(content) > 0 {
		n := min(45, len(content))
		line := append([]byte(nil), content[:n]...)
		content = content[n:]
		for len(line)%3 != 0 {
			line = append(line, 0)
		}
		b.WriteByte(char(byte(n)))
		for i := 0; i < len(line); i += 3 {
			v := uint(line[i])<<16 | uint(line[i+1])<<8 | uint(line[i+2])
			for shift := 18; shift >= 0; shift -= 6 {
				b.WriteByte(char(byte(v>>shift) & 63))
			}
		}
		b.WriteString("\r\n")
	}
	b.WriteString("`\r\nend\r\n")
	return b.String()
}
