// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
	"unicode/utf8"

	"teiten/internal/fault"
)

// maxTag bounds one tag with its attributes, in bytes: a tag with a million
// attributes is small on the wire and large in memory.
const maxTag = 64 << 10

// repair writes the document so that a strict XML reader takes it, where it can
// be meant in one way only:
//
//   - an ampersand that begins no known reference stands for itself;
//   - characters that XML 1.0 (section 2.2) forbids are dropped, also as &#1;
//   - comments are dropped, because some contain "--".
//
// Line breaks are kept, so that lines in errors are those of the document.
func repair(text []byte) ([]byte, error) {
	out := bytes.NewBuffer(make([]byte, 0, len(text)+len(text)/64+64))
	var inTag bool
	var quote byte
	tagStart := 0
	for i := 0; i < len(text); {
		c := text[i]
		rest := text[i:]
		switch {
		case inTag && i-tagStart > maxTag:
			return nil, fault.New(fault.Invalid, "feed.broken", "line", 1+bytes.Count(text[:tagStart], []byte("\n")),
				"reason", "tag longer than "+strconv.Itoa(maxTag)+" bytes")
		case c == '&':
			n := reference(rest)
			switch {
			case n > 0:
				out.Write(rest[:n])
				i += n
			case n < 0:
				i -= n
			default:
				out.WriteString("&amp;")
				i++
			}
			if out.Len() > 2*maxDecoded {
				return nil, fault.New(fault.TooLarge, "feed.too_large", "limit", MaxBytes)
			}
			continue
		case !inTag && bytes.HasPrefix(rest, []byte("<![CDATA[")):
			i += verbatim(out, rest, "]]>", true)
			continue
		case !inTag && bytes.HasPrefix(rest, []byte("<!--")):
			i += verbatim(out, rest, "-->", false)
			continue
		case !inTag && bytes.HasPrefix(rest, []byte("<?")):
			i += verbatim(out, rest, "?>", true)
			continue
		case !inTag && c == '<':
			inTag, quote, tagStart = true, 0, i
		case inTag && quote == 0 && (c == '"' || c == '\''):
			quote = c
		case inTag && c == quote:
			quote = 0
		case inTag && quote == 0 && c == '>':
			inTag = false
		}
		i += character(out, rest)
	}
	return out.Bytes(), nil
}

// verbatim copies a section up to its end mark, or only its line breaks, and
// returns the bytes taken. Without an end mark it takes everything, which the
// XML reader then reports as a document that ends too early.
func verbatim(out *bytes.Buffer, rest []byte, end string, keep bool) int {
	n := bytes.Index(rest[2:], []byte(end))
	open := n < 0
	if n += 2 + len(end); open {
		n = len(rest)
	}
	for i := 0; i < n; {
		switch {
		case keep:
			i += character(out, rest[i:n])
		default:
			if rest[i] == '\n' {
				out.WriteByte('\n')
			}
			i++
		}
	}
	if open && !keep {
		out.WriteString("<!--")
	}
	return n
}

func character(out *bytes.Buffer, rest []byte) int {
	if c := rest[0]; c < utf8.RuneSelf {
		if c >= ' ' && c != 0x7f || c == '\n' || c == '\r' || c == '\t' {
			out.WriteByte(c)
		}
		return 1
	}
	r, n := utf8.DecodeRune(rest)
	if allowedRune(r) {
		out.Write(rest[:n])
	}
	return n
}

// allowedRune is XML 1.0 section 2.2, Char.
func allowedRune(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xd7ff ||
		r >= 0xe000 && r <= 0xfffd || r >= 0x10000 && r <= 0x10ffff
}

// reference returns the length of the character or entity reference that rest
// begins with, minus that length if it stands for a forbidden character, and 0
// if there is none.
func reference(rest []byte) int {
	const longest = 40
	end := bytes.IndexByte(rest[:min(len(rest), longest)], ';')
	if end < 2 {
		return 0
	}
	name := string(rest[1:end])
	digits, numeric := strings.CutPrefix(name, "#")
	if !numeric {
		if _, ok := xml.HTMLEntity[name]; ok || predefined[name] {
			return end + 1
		}
		return 0
	}
	base := 10
	if hex, ok := strings.CutPrefix(digits, "x"); ok {
		digits, base = hex, 16
	}
	if strings.Trim(digits, "0123456789abcdefABCDEF") != "" || digits == "" {
		return 0
	}
	n, err := strconv.ParseInt(digits, base, 32)
	if err != nil || !allowedRune(rune(n)) {
		return -(end + 1)
	}
	return end + 1
}

var predefined = map[string]bool{"lt": true, "gt": true, "amp": true, "quot": true, "apos": true}
