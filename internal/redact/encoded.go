// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// Limits of what is decoded. Each level is a pass over what the one before
// yielded, so that the work grows with the text only.
const (
	escapeLevels = 3 // of percent-encoding and the like inside each other
	base64Levels = 2
)

// escaped is text with the place in the text that it was decoded from of each
// byte; at has one more element, the end.
type escaped struct {
	text string
	at   []int32
}

func unescaped(s string) escaped {
	e := escaped{s, make([]int32, len(s)+1)}
	for i := range e.at {
		e.at[i] = int32(i)
	}
	return e
}

// decode undoes one level of %40, =40 (RFC 2045, a body that was not decoded),
// \u0040, \x40 and &#64;. It is false if there is none.
func (e escaped) decode() (escaped, bool) {
	if !strings.ContainsAny(e.text, `%=\&`) {
		return e, false
	}
	b, at := make([]byte, 0, len(e.text)), make([]int32, 0, len(e.text)+1)
	s := e.text
	for i := 0; i < len(s); {
		r, n := escape(s[i:])
		if n == 0 {
			b, at = append(b, s[i]), append(at, e.at[i])
			i++
			continue
		}
		before := len(b)
		if s[i] == '%' || s[i] == '=' {
			b = append(b, byte(r)) // bytes of UTF-8
		} else {
			b = utf8.AppendRune(b, r)
		}
		for range len(b) - before {
			at = append(at, e.at[i])
		}
		i += n
	}
	at = append(at, e.at[len(e.at)-1])
	return escaped{string(b), at}, len(b) < len(s)
}

// escape reads an escape at the beginning of s; n is 0 if there is none.
func escape(s string) (r rune, n int) {
	switch {
	case len(s) < 3:
	case s[0] == '%' || s[0] == '=':
		return hexRune(s[1:3], 3)
	case s[0] == '\\' && s[1] == 'u' && len(s) >= 6:
		return hexRune(s[2:6], 6)
	case s[0] == '\\' && s[1] == 'x' && len(s) >= 4:
		return hexRune(s[2:4], 4)
	case s[0] == '&' && s[1] == '#':
		end := strings.IndexByte(s[:min(len(s), 10)], ';')
		if end < 0 {
			return 0, 0
		}
		if s[2]|0x20 == 'x' {
			return hexRune(s[3:end], end+1)
		}
		for _, c := range []byte(s[2:end]) {
			if !isDigit(c) {
				return 0, 0
			}
			r = r*10 + rune(c-'0')
		}
		return r, end + 1
	}
	return 0, 0
}

func hexRune(digits string, length int) (rune, int) {
	r := rune(0)
	if digits == "" {
		return 0, 0
	}
	for i := range len(digits) {
		d := unhex(digits[i])
		if d < 0 {
			return 0, 0
		}
		r = r<<4 | rune(d)
	}
	return r, length
}

func unhex(c byte) int {
	switch {
	case isDigit(c):
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return -1
}

// origin is where text[from:to] was decoded from.
func (e escaped) origin(from, to int) stretch {
	return stretch{int(e.at[from]), int(e.at[to])}
}

// hidden hits runs of base64 and hexadecimal digits that carry a needle.
func (r *redactor) hidden(s string, hit func(from, to int, kind Kind)) {
	r.hashed(s, hit)
	runsOf(s, func(c byte) bool { return isAlnum(c) || c == '+' || c == '-' || c == '_' || c == '/' }, func(from, to int) {
		if !mixed(s[from:to]) {
			return
		}
		// "/" is a digit of base64 and what parts a path.
		found := false
		if strings.IndexByte(s[from:to], '/') >= 0 {
			runsOf(s[from:to], func(c byte) bool { return c != '/' }, func(i, j int) {
				if kind, ok := r.carries([]byte(s[from+i:from+j]), base64Levels); ok {
					hit(from+i, from+j, kind)
					found = true
				}
			})
		}
		if !found {
			if kind, ok := r.carries([]byte(s[from:to]), base64Levels); ok {
				hit(from, to, kind)
			}
		}
	})
}

// hashed hits hashes of addresses. Their lengths are those of MD5, SHA-1 and
// SHA-256 in hexadecimal digits and in base64.
func (r *redactor) hashed(s string, hit func(from, to int, kind Kind)) {
	look := func(from, to int, key string) {
		kind, ok := r.hashes[key]
		if !ok {
			kind, ok = r.insideHashes[key]
		}
		if ok {
			hit(from, to, kind)
		}
	}
	runsOf(s, func(c byte) bool { return unhex(c) >= 0 }, func(from, to int) {
		if n := to - from; n == 32 || n == 40 || n == 64 {
			look(from, to, strings.ToLower(s[from:to]))
		}
	})
	runsOf(s, func(c byte) bool { return isAlnum(c) || strings.IndexByte("-_+/", c) >= 0 }, func(from, to int) {
		if n := to - from; n == 22 || n == 27 || n == 43 {
			look(from, to, strings.NewReplacer("+", "-", "/", "_").Replace(s[from:to]))
		}
	})
}

// carries decodes a run of digits at every alignment.
func (r *redactor) carries(run []byte, levels int) (Kind, bool) {
	found := func(b []byte) (Kind, bool) {
		if kind, ok := r.own.in(b); ok {
			return kind, true
		}
		return r.inside.in(b)
	}
	if b := unhexAll(run); b != nil {
		if kind, ok := found(b); ok {
			return kind, true
		}
		if len(b) > 2 {
			if kind, ok := found(unhexAll(run[1 : len(run)-1])); ok {
				return kind, true
			}
		}
	}
	std := bytes.Map(func(c rune) rune {
		switch c {
		case '-':
			return '+'
		case '_':
			return '/'
		}
		return c
	}, run)
	for skip := 0; skip < 4 && len(std)-skip >= 6; skip++ {
		part := std[skip:]
		if len(part)%4 == 1 {
			part = part[:len(part)-1]
		}
		out := make([]byte, base64.RawStdEncoding.DecodedLen(len(part)))
		n, err := base64.RawStdEncoding.Decode(out, part)
		if err != nil {
			continue
		}
		out = out[:n]
		if kind, ok := found(out); ok {
			return kind, true
		}
		if e, more := unescaped(string(out)).decode(); more {
			if kind, ok := found([]byte(e.text)); ok {
				return kind, true
			}
		}
		if levels > 1 && isBase64(out) {
			if kind, ok := r.carries(bytes.TrimRight(out, "="), levels-1); ok {
				return kind, true
			}
		}
	}
	return "", false
}

// unhexAll decodes hexadecimal digits, nil if there is anything else.
func unhexAll(run []byte) []byte {
	b := make([]byte, 0, len(run)/2)
	for i := 0; i+1 < len(run); i += 2 {
		hi, lo := unhex(run[i]), unhex(run[i+1])
		if hi < 0 || lo < 0 {
			return nil
		}
		b = append(b, byte(hi<<4|lo))
	}
	return b
}

func isBase64(b []byte) bool {
	for _, c := range bytes.TrimRight(b, "=") {
		if !isAlnum(c) && bytes.IndexByte([]byte("+/-_"), c) < 0 {
			return false
		}
	}
	return len(b) >= 8
}

// mixed tells digits of an encoding from words: a word has neither figures nor
// capitals inside.
func mixed(s string) bool {
	for i := range len(s) {
		if isDigit(s[i]) || i > 0 && s[i] >= 'A' && s[i] <= 'Z' {
			return true
		}
	}
	return false
}

// runsOf calls fn for each longest run of at least six bytes.
func runsOf(s string, in func(byte) bool, fn func(from, to int)) {
	for i := 0; i < len(s); i++ {
		from := i
		for i < len(s) && in(s[i]) {
			i++
		}
		if i-from >= 6 {
			fn(from, i)
		}
	}
}
