// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"encoding/base64"
	"strings"
	"unicode/utf8"
)

// mailSpans finds local@domain, greedily on both sides. The domain needs a
// top-level domain of letters, so that pkg@1.2.3 of a script host stays; without
// one it must be the whole value of a parameter.
func mailSpans(s string) (spans [][2]int) {
	for i := 0; i < len(s); i++ {
		if s[i] != '@' {
			continue
		}
		from, to := i, i+1
		for from > 0 && (isLocal(s[from-1])) {
			from--
		}
		for to < len(s) && (isAlnum(s[to]) || s[to] == '.' || s[to] == '-' || s[to] >= utf8.RuneSelf) {
			to++
		}
		if from == i {
			continue
		}
		bare := to > i+1 && isAlpha(s[i+1]) && from > 0 && strings.IndexByte("=?#", s[from-1]) >= 0 &&
			(to == len(s) || strings.IndexByte("&#;", s[to]) >= 0)
		if bare || hasTLD(s[i+1:to]) {
			spans = append(spans, [2]int{from, to})
		}
	}
	return spans
}

func isLocal(c byte) bool {
	return isAlnum(c) || c >= utf8.RuneSelf || strings.IndexByte("._%+-'!~", c) >= 0
}

// hasTLD reports whether a dot and two letters follow something.
func hasTLD(domain string) bool {
	for i := 0; i+2 < len(domain); i++ {
		if domain[i] == '.' && isLetter(domain[i+1]) && isLetter(domain[i+2]) {
			return true
		}
	}
	return false
}

func isLetter(c byte) bool { return isAlpha(c) || c >= utf8.RuneSelf }

// encodedMailSpans finds the digits that carry a mail address in runs of base64
// (both alphabets, padded or not, at any alignment, with and without "/" as a
// digit) and of hexadecimal digits.
func encodedMailSpans(s string) (spans [][2]int) {
	add := func(from int, lo, hi int, ok bool) {
		if ok {
			spans = append(spans, [2]int{from + lo, from + hi})
		}
	}
	runs(s, func(c byte) bool { return isAlnum(c) || c == '+' || c == '-' || c == '_' }, func(from, to int) {
		lo, hi, ok := base64Mail(s[from:to])
		add(from, lo, hi, ok)
	})
	runs(s, func(c byte) bool { return isAlnum(c) || c == '+' || c == '/' }, func(from, to int) {
		if strings.IndexByte(s[from:to], '/') >= 0 {
			lo, hi, ok := base64Mail(s[from:to])
			add(from, lo, hi, ok)
		}
	})
	runs(s, func(c byte) bool { return isHex(rune(c)) }, func(from, to int) {
		lo, hi, ok := hexMail(s[from:to])
		add(from, lo, hi, ok)
	})
	return spans
}

// runs calls found for each longest run of at least eight bytes.
func runs(s string, in func(byte) bool, found func(from, to int)) {
	for i := 0; i < len(s); i++ {
		from := i
		for i < len(s) && in(s[i]) {
			i++
		}
		if i-from >= 8 {
			found(from, i)
		}
	}
}

var toStandard = strings.NewReplacer("-", "+", "_", "/")

func base64Mail(run string) (lo, hi int, ok bool) {
	run = toStandard.Replace(run)
	for skip := 0; skip < 4 && len(run)-skip >= 8; skip++ {
		part := run[skip:]
		if len(part)%4 == 1 {
			part = part[:len(part)-1]
		}
		b, err := base64.RawStdEncoding.DecodeString(part)
		if err != nil {
			continue
		}
		if from, to, ok := findMail(b); ok {
			return skip + from*4/3, min(len(run), skip+(to*4+2)/3), true
		}
	}
	return 0, 0, false
}

func hexMail(run string) (lo, hi int, ok bool) {
	for skip := 0; skip < 2; skip++ {
		b := make([]byte, 0, len(run)/2)
		for i := skip; i+1 < len(run); i += 2 {
			b = append(b, unhex(run[i])<<4|unhex(run[i+1]))
		}
		if from, to, ok := findMail(b); ok {
			return skip + 2*from, skip + 2*to, true
		}
	}
	return 0, 0, false
}

// findMail looks for the first ASCII address in decoded bytes, which may be
// percent-encoded again. Chance must not look like one, so a local part, a label
// and a top-level domain of letters are needed.
func findMail(b []byte) (from, to int, ok bool) {
	s := string(b)
	if from, to, ok = findPlainMail(s); ok {
		return from, to, true
	}
	if plain := decodePercent(s); plain != s {
		if _, _, ok = findPlainMail(plain); ok {
			return 0, len(b), true
		}
	}
	return 0, 0, false
}

func findPlainMail(s string) (from, to int, ok bool) {
	for i := 1; i < len(s); i++ {
		if s[i] != '@' || !isLocal(s[i-1]) || s[i-1] >= utf8.RuneSelf {
			continue
		}
		from, to = i, i+1
		for from > 0 && isLocal(s[from-1]) && s[from-1] < utf8.RuneSelf {
			from--
		}
		for to < len(s) && (isAlnum(s[to]) || s[to] == '.' || s[to] == '-') {
			to++
		}
		domain := s[i+1 : to]
		if len(domain) > 3 && isAlnum(domain[0]) && hasTLD(domain) {
			return from, to, true
		}
	}
	return 0, 0, false
}
