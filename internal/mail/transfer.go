// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"unicode/utf8"

	"teiten/internal/charset"
)

// unbase64 has the values of base64's alphabet, 0xff for others; unbase64URL
// those of the variant for URLs as well.
var (
	unbase64    = alphabet("+/")
	unbase64URL = alphabet("+/-_")
)

func alphabet(last string) (t [256]byte) {
	for i := range t {
		t[i] = 0xff
	}
	for i, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789") {
		t[c] = byte(i)
	}
	for i, c := range []byte(last) {
		t[c] = 62 + byte(i%2)
	}
	return t
}

// variant chooses the alphabet: "-" and "_" are values where "+" and "/" are
// not used and the groups come out even with them, else they do not belong.
func variant[T string | []byte](src T) *[256]byte {
	dashes, signs, letters := 0, 0, 0
	for i := 0; i < len(src); i++ {
		switch c := src[i]; {
		case c == '-' || c == '_':
			dashes++
		case c == '+' || c == '/':
			signs++
		case unbase64[c] < 64, c == '=':
			letters++
		}
	}
	if dashes == 0 || signs > 0 || letters%4 == 0 || (letters+dashes)%4 == 1 {
		return &unbase64
	}
	return &unbase64URL
}

// appendBase64 decodes base64 (RFC 2045, section 6.8) and leaves out what does
// not belong in it. Padding ends a group, and another may follow. It returns
// how many characters were left out that are no white space.
func appendBase64[T string | []byte](dst []byte, src T) (out []byte, junk int) {
	var acc uint32
	n := 0
	values, chosen := &unbase64, false
	for i := 0; i < len(src); {
		if n == 0 {
			for i+4 <= len(src) {
				a, b, c, d := values[src[i]], values[src[i+1]], values[src[i+2]], values[src[i+3]]
				if a|b|c|d >= 64 {
					break
				}
				v := uint32(a)<<18 | uint32(b)<<12 | uint32(c)<<6 | uint32(d)
				dst = append(dst, byte(v>>16), byte(v>>8), byte(v))
				i += 4
			}
			if i >= len(src) {
				break
			}
		}
		c := src[i]
		i++
		v := values[c]
		if (c == '-' || c == '_') && !chosen {
			values, chosen = variant(src), true
			v = values[c]
		}
		switch {
		case v < 64:
			acc = acc<<6 | uint32(v)
			if n++; n == 4 {
				dst = append(dst, byte(acc>>16), byte(acc>>8), byte(acc))
				acc, n = 0, 0
			}
		case c == '=':
			dst = appendRest(dst, acc, n)
			acc, n = 0, 0
		case c != ' ' && c != '\t' && c != '\r' && c != '\n':
			junk++
		}
	}
	return appendRest(dst, acc, n), junk
}

// appendRest takes the whole bytes out of a group of n characters that is not
// full.
func appendRest(dst []byte, acc uint32, n int) []byte {
	switch n {
	case 2:
		dst = append(dst, byte(acc>>4))
	case 3:
		dst = append(dst, byte(acc>>10), byte(acc>>2))
	}
	return dst
}

// base64Body decodes a body. What follows the padding and is no base64, such as
// the footer of a mailing list, is returned apart.
func base64Body(src []byte) (out, tail []byte, junk int) {
	if pad := bytes.IndexByte(src, '='); pad >= 0 {
		end := pad
		for end < len(src) && (src[end] == '=' || src[end] <= ' ') {
			end++
		}
		if end < len(src) {
			stop, _, _ := lineAt(src, end)
			if line := bytes.TrimSpace(src[end:stop]); !allBase64(line) {
				src, tail = src[:pad+1], src[end:]
			}
		}
	}
	out, junk = appendBase64(make([]byte, 0, len(src)/4*3+3), src)
	return out, tail, junk
}

func allBase64(line []byte) bool {
	for _, c := range line {
		if unbase64[c] >= 64 && c != '=' {
			return false
		}
	}
	return true
}

// looksBase64 reports whether what is declared as base64 may be it: words with
// blanks between them and eight-bit bytes are not.
func looksBase64(src []byte) bool {
	sample := src[:min(len(src), 4096)]
	good, bad, lines, prose := 0, 0, 0, 0
	for i := 0; i < len(sample); {
		end, next, _ := lineAt(sample, i)
		line := bytes.TrimSpace(sample[i:end])
		i = next
		if len(line) == 0 {
			continue
		}
		lines++
		if n := bytes.Count(line, []byte(" ")); n > 0 && n*16 > len(line) { // words, not a blank that got in
			prose++
		}
		for _, c := range line {
			if unbase64[c] < 64 || c == '=' {
				good++
			} else {
				bad++
			}
		}
		if line[len(line)-1] == '=' && bad*4 <= good { // what follows is something else
			break
		}
	}
	return lines == 0 || bad*10 <= good+10 && prose*2 <= lines
}

// forgottenBase64 decodes a text that is base64 from beginning to end although
// nothing says so, or nil.
func forgottenBase64(src []byte) []byte {
	src = bytes.TrimSpace(src)
	if len(src) < 24 {
		return nil
	}
	n, letters := 0, 0
	for i, c := range src {
		switch {
		case unbase64[c] < 64:
			n++
			if c|0x20 >= 'a' && c|0x20 <= 'z' {
				letters++
			}
		case c == '=' && i >= len(src)-4:
			n++
		case c == '\r' || c == '\n':
		default:
			return nil
		}
	}
	if n%4 != 0 || letters == n { // one long word is none
		return nil
	}
	out, _ := appendBase64(make([]byte, 0, n/4*3), src)
	if binary(out) || !utf8.Valid(out) && charset.Decode(out, "").Lost > 0 {
		return nil
	}
	return out
}

// quotedPrintable decodes quoted-printable (RFC 2045, section 6.7). Escapes
// that are none stay as they are; bad counts them.
func quotedPrintable(src []byte) (out []byte, bad int) {
	first := bytes.IndexByte(src, '=')
	if first < 0 {
		return src, 0
	}
	out = make([]byte, 0, len(src))
	for {
		i := bytes.IndexByte(src, '=')
		if i < 0 {
			return append(out, src...), bad
		}
		out = append(out, src[:i]...)
		src = src[i+1:]
		if len(src) >= 2 {
			if hi, lo := unhex(src[0]), unhex(src[1]); hi >= 0 && lo >= 0 {
				out = append(out, byte(hi<<4|lo))
				src = src[2:]
				continue
			}
		}
		// A soft line break, after blanks perhaps that were added on the way.
		k := 0
		for k < len(src) && (src[k] == ' ' || src[k] == '\t') {
			k++
		}
		switch {
		case k == len(src):
			return out, bad
		case src[k] == '\n':
			src = src[k+1:]
		case src[k] == '\r':
			k++
			if k < len(src) && src[k] == '\n' {
				k++
			}
			src = src[k:]
		default:
			bad++
			out = append(out, '=')
			if k > 0 { // blanks are looked at once
				out = append(out, src[:k]...)
				src = src[k:]
			}
		}
	}
}

// uuFile is a file in uuencoding that stood in a text.
type uuFile struct {
	name []byte
	data []byte
}

// uuencoded takes uuencoded files out of a text, and returns the text without
// them. It takes blocks that end and lines whose length is what they say.
func uuencoded(src []byte) (text []byte, files []uuFile) {
	at := 0
	for at < len(src) && len(files) < 100 {
		i := bytes.Index(src[at:], []byte("begin "))
		if i < 0 {
			break
		}
		i += at
		if i > 0 && src[i-1] != '\n' && src[i-1] != '\r' {
			at = i + 6
			continue
		}
		end, next, _ := lineAt(src, i)
		mode, name, ok := bytes.Cut(src[i+6:end], []byte(" "))
		if !ok || len(mode) < 3 || len(mode) > 4 || !octal(mode) || len(name) == 0 {
			at = max(i+6, at)
			continue
		}
		data, stop := uuLines(src, next)
		if len(data) == 0 {
			at = stop
			continue
		}
		if text == nil {
			text = make([]byte, 0, len(src))
		}
		text = append(text, src[:i]...)
		files = append(files, uuFile{name, data})
		src = src[stop:]
		at = 0
	}
	if files == nil {
		return src, nil
	}
	return append(text, src...), files
}

func octal(b []byte) bool {
	for _, c := range b {
		if c < '0' || c > '7' {
			return false
		}
	}
	return true
}

// uuLines decodes lines up to "end", or to one that is none.
func uuLines(src []byte, i int) (data []byte, stop int) {
	for i < len(src) {
		end, next, _ := lineAt(src, i)
		line := src[i:end]
		if len(line) == 0 || line[0] == '`' || line[0] == ' ' && blank(line) {
			i = next
			continue
		}
		if string(bytes.TrimSpace(line)) == "end" {
			return data, next
		}
		n := int(line[0]-' ') & 63
		if line[0] < ' ' || line[0] > '`' || len(line)-1 > (n+2)/3*4+2 || len(line)-1 < n {
			return data, i
		}
		had := len(data)
		for k := 1; k < len(line); k += 4 {
			var v uint32
			for j := k; j < k+4; j++ {
				v <<= 6
				if j < len(line) {
					v |= uint32(line[j]-' ') & 63
				}
			}
			data = append(data, byte(v>>16), byte(v>>8), byte(v))
		}
		data = data[:min(len(data), had+n)]
		i = next
	}
	return data, i
}
