// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"strings"
	"unicode/utf8"

	"teiten/internal/fault"
)

// Limits of extraction.
const (
	MaxText  = 4 << 20 // bytes of text
	MaxFound = 10_000  // indicators
)

// Found is an indicator and where it stands in the text, in bytes: Written is
// text[Start:End].
type Found struct {
	Value
	Start, End int
}

// Extract returns the indicators in a text, Japanese or other, in the order in
// which they stand; one that stands there twice is found twice. It reads the first
// [MaxText] bytes and stops after [MaxFound]; [ExtractLimit] reports when that is
// not all.
//
// A URL may be defanged, in brackets or Markdown, and directly between Japanese
// letters: kana, kanji and their punctuation end it, sentence punctuation and an
// unbalanced bracket at its end do not belong to it. A URL that a mail program
// wrapped is joined when it is in angle brackets, or when its line is full (70
// to 80 characters) and the next holds nothing but what can only be its rest.
//
// A bare name needs a known public suffix and must not look like a file name or
// source code; defanged it needs only the suffix. The host of a URL or mail address
// is not found again. Numbers such as "version 1.2.3.4" are no addresses.
func Extract(text string) []Found {
	if len(text) > MaxText {
		cut := MaxText
		for cut > MaxText-utf8.UTFMax && !utf8.RuneStart(text[cut]) {
			cut--
		}
		text = text[:cut]
	}
	found, _ := extract(text, MaxFound)
	return found
}

// ExtractLimit is Extract with the most indicators wanted, for callers that must
// not miss any: a text over [MaxText] or with more indicators than limit gives
// [fault.TooLarge], the latter beside the first ones. A limit of 0 or less means
// [MaxFound].
func ExtractLimit(text string, limit int) ([]Found, error) {
	if limit <= 0 {
		limit = MaxFound
	}
	if len(text) > MaxText {
		return nil, fault.New(fault.TooLarge, "indicator.text_long", "limit", MaxText>>20)
	}
	found, more := extract(text, limit)
	if more {
		return found, fault.New(fault.TooLarge, "indicator.found_many", "limit", limit)
	}
	return found, nil
}

type scanner struct {
	text  string
	found []Found
}

// extract walks over the text once. At each beginning of a word it tries a URL,
// then the kinds that consist of one word.
func extract(text string, limit int) (found []Found, more bool) {
	s := scanner{text: text}
	for i := 0; i < len(text); {
		if !s.wordStart(i) {
			i += s.width(i)
			continue
		}
		f, next, ok := s.url(i)
		if !ok && next == i {
			f, next, ok = s.word(i)
		}
		if ok {
			if len(s.found) == limit {
				return s.found, true
			}
			s.found = append(s.found, f)
		}
		i = max(next, i+1)
	}
	return s.found, false
}

func (s *scanner) width(i int) int {
	_, n := utf8.DecodeRuneInString(s.text[i:])
	return n
}

// wordStart reports whether an indicator may begin at i: a letter, digit, "_", ":"
// or opening bracket of IPv6, full-width or not, that does not follow a letter.
func (s *scanner) wordStart(i int) bool {
	r, _ := utf8.DecodeRuneInString(s.text[i:])
	r = foldRune(r)
	if r >= 0x80 || !isAlnum(byte(r)) && r != '_' && r != ':' {
		return false
	}
	p, _ := utf8.DecodeLastRuneInString(s.text[:i])
	p = foldRune(p)
	if r == ':' {
		return strings.HasPrefix(s.text[i:], "::") && (p >= 0x80 || !isAlnum(byte(p)) && p != ':')
	}
	return i == 0 || p >= 0x80 || !isAlnum(byte(p)) && p != '_'
}

// value normalises text[from:to].
func (s *scanner) value(kind Kind, from, to int) (Found, bool) {
	v, err := Normalise(kind, s.text[from:to])
	if err != nil {
		return Found{}, false
	}
	return Found{Value: v, Start: from, End: to}, true
}

// dot returns the length of a dot inside a name at i: plain, full-width, or
// bracketed with blanks around; 0 if no label follows.
func (s *scanner) dot(i int) (n int, defanged bool) {
	rest := s.text[i:]
	switch {
	case strings.HasPrefix(rest, "."):
		n = 1
	case strings.HasPrefix(rest, "．"):
		n = len("．")
	default:
		blank := 0
		if strings.HasPrefix(rest, " ") {
			blank = 1
		}
		sep, length := bracketed(rest[blank:], inHost)
		if sep != "." {
			return 0, false
		}
		n, defanged = blank+length, true
		if strings.HasPrefix(rest[n:], " ") {
			n++
		}
	}
	if r, _ := utf8.DecodeRuneInString(rest[n:]); !isLabel(r) {
		return 0, false
	}
	return n, defanged
}

// isLabel reports whether r, or the ASCII form of it, may stand in a label.
func isLabel(r rune) bool {
	r = foldRune(r)
	return r < 0x80 && (isAlnum(byte(r)) || r == '-' || r == '_')
}
