// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"teiten/internal/fault"
)

// plain prepares a written form: white space and quotes around it, invisible
// characters and line breaks inside it are gone, and full-width forms of ASCII
// are ASCII. It is for kinds that know no other characters than these.
func plain(written string) (string, error) {
	s, err := clean(written)
	if err != nil {
		return "", err
	}
	return fold(s), nil
}

// quotes are what people put around an indicator.
var quotes = []struct{ open, close string }{
	{"<", ">"}, {`"`, `"`}, {"'", "'"}, {"`", "`"},
	{"「", "」"}, {"『", "』"}, {"“", "”"}, {"‘", "’"}, {"＜", "＞"}, {"〈", "〉"}, {"《", "》"},
}

// clean drops what surrounds an indicator, invisible characters, and line breaks
// with the indentation that follows them. Two URLs on two lines are not one.
func clean(s string) (string, error) {
	s = strings.TrimFunc(s, isBlank)
	for range 3 {
		for _, q := range quotes {
			if len(s) >= len(q.open)+len(q.close) && strings.HasPrefix(s, q.open) && strings.HasSuffix(s, q.close) {
				s = strings.TrimFunc(s[len(q.open):len(s)-len(q.close)], isBlank)
				break
			}
		}
	}
	if len(s) >= 4 && strings.EqualFold(s[:4], "url:") {
		s = strings.TrimFunc(s[4:], isBlank) // RFC 3986, appendix C
	}
	if strings.IndexFunc(s, isDropped) >= 0 {
		var b strings.Builder
		b.Grow(len(s))
		for i := 0; i < len(s); {
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == '\n' || r == '\r':
				for i < len(s) && (s[i] == '\n' || s[i] == '\r' || s[i] == ' ' || s[i] == '\t') {
					i++
				}
				if _, ok := readScheme(s[i:]); ok {
					return "", fault.New(fault.Invalid, "indicator.several")
				}
				continue
			case !isDropped(r):
				b.WriteString(s[i : i+n])
			}
			i += n
		}
		s = strings.TrimFunc(b.String(), isBlank)
	}
	if len(s) == 0 {
		return "", fault.New(fault.Invalid, "indicator.empty")
	}
	if strings.Contains(s, `:\/\/`) { // as JSON writes it
		s = strings.ReplaceAll(s, `\/`, "/")
	}
	return s, nil
}

// isInvisible reports whether r has no shape of its own and is used to break up
// words: soft hyphen, zero-width, bidi controls, BOM.
func isInvisible(r rune) bool {
	switch {
	case r < 0xAD:
		return false
	case r == 0xAD, r == 0x034F, r == 0x061C, r == 0x180E, r == 0xFEFF:
		return true
	}
	return r >= 0x200B && r <= 0x200F || r >= 0x202A && r <= 0x202E || r >= 0x2060 && r <= 0x2069
}

func isDropped(r rune) bool { return r == '\t' || r == '\n' || r == '\r' || isInvisible(r) }
func isSpace(r rune) bool   { return r <= ' ' || r == 0x7F || unicode.IsSpace(r) }
func isBlank(r rune) bool   { return isSpace(r) || isInvisible(r) }
func isHex(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'f' || r >= 'A' && r <= 'F'
}
func isDigit(c byte) bool { return c >= '0' && c <= '9' }
func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isAlnum(c byte) bool { return isDigit(c) || isAlpha(c) }

// foldRune maps the full-width form of an ASCII character, and the full stops of
// UTS 46, section 4, to ASCII.
func foldRune(r rune) rune {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E:
		return r - 0xFEE0
	case r == 0x3002 || r == 0xFF61:
		return '.'
	}
	return r
}

func fold(s string) string {
	if isASCII(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if f := foldRune(r); f != r {
			b.WriteByte(byte(f))
		} else {
			b.WriteString(s[i : i+n]) // also keeps a byte that is not UTF-8
		}
		i += n
	}
	return b.String()
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// place says where refang works: parentheses are part of many real paths, so that
// only brackets and braces count there.
type place int

const (
	inHost place = iota
	inRest
)

// refang undoes the bracketing of dots, colons, slashes and at signs.
func refang(s string, where place) string {
	if !strings.ContainsAny(s, "[({") && !strings.Contains(s, ".]") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); {
		if text, n := bracketed(s[i:], where); n > 0 {
			if where == inHost { // "evil [.] example"
				for len(b) > 0 && b[len(b)-1] == ' ' {
					b = b[:len(b)-1]
				}
				for i+n < len(s) && s[i+n] == ' ' {
					n++
				}
			}
			b = append(b, text...)
			i += n
			continue
		}
		switch {
		case where == inHost && strings.HasPrefix(s[i:], "[."), where == inHost && strings.HasPrefix(s[i:], ".]"):
			b = append(b, '.') // half a pair: evil[.example
			i += 2
		default:
			b = append(b, s[i])
			i++
		}
	}
	return string(b)
}

// bracketed returns what stands for a defanged separator at the start of s, and
// its length there; 0 if there is none.
func bracketed(s string, where place) (text string, n int) {
	if len(s) < 3 {
		return "", 0
	}
	var closing byte
	switch {
	case s[0] == '[':
		closing = ']'
	case s[0] == '{':
		closing = '}'
	case s[0] == '(' && where == inHost:
		closing = ')'
	default:
		return "", 0
	}
	end := strings.IndexByte(s[:min(len(s), 12)], closing)
	if end < 0 {
		return "", 0
	}
	inner := s[1:end]
	switch strings.ToLower(strings.Trim(inner, " ")) {
	case ".", "dot", "．", "。":
		return ".", end + 1
	case ":", "：":
		return ":", end + 1
	case "/":
		return "/", end + 1
	case "@", "＠":
		return "@", end + 1
	case "at", "アット":
		if where == inHost {
			return "@", end + 1
		}
	}
	return "", 0
}

// clip shortens text for a message and breaks its links.
func clip(s string) string {
	const most = 80
	s = strings.Map(func(r rune) rune {
		if isInvisible(r) || !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > most {
		s = string([]rune(s)[:most]) + "…"
	}
	return dots(s)
}

// show names a character so that one without shape is understood too.
func show(r rune) string {
	if unicode.IsPrint(r) && r != utf8.RuneError {
		return fmt.Sprintf("%c (%U)", r, r)
	}
	return fmt.Sprintf("%U", r)
}
