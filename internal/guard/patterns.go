// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"regexp"
	"regexp/syntax"
	"strings"
)

// pattern is one regular expression. literal is a text without which it cannot
// match, in lower case; "" if none was found.
type pattern struct {
	regex   *regexp.Regexp
	literal string
	source  string
	list    uint32
}

// patterns matches one text against all substrings and regular expressions of
// one family at once.
//
// Each substring is filed under the rarest of its four-byte pieces, so that
// the 300 disposable mail domains that start with "mail" are not all compared
// with every address at gmail.com. A bitmap of the pieces answers most
// positions of a text without a look-up.
type patterns struct {
	texts   Values
	lists   []uint32
	pieces  map[uint32][]placed
	seen    [1 << 10]uint64 // bitmap of hashed pieces
	regexes []*pattern
}

// placed is substring number, and where in it the piece stands.
type placed struct{ number, offset uint32 }

type substring struct {
	text string
	list uint32
}

// newPatterns returns nil if there is nothing to match.
func newPatterns(subs []substring, regexes []*pattern) *patterns {
	if len(subs) == 0 && len(regexes) == 0 {
		return nil
	}
	// Counted by their bit in the bitmap: exact counts of all pieces of a large
	// list would take more memory than the list.
	count := make([]uint32, 1<<16)
	for _, s := range subs {
		for i := 0; i+4 <= len(s.text); i++ {
			count[spread(piece(s.text, i))]++
		}
	}
	p := &patterns{pieces: make(map[uint32][]placed, len(subs)), regexes: regexes}
	var texts packer
	for n, s := range subs {
		best := 0
		for i := 1; i+4 <= len(s.text); i++ {
			if count[spread(piece(s.text, i))] < count[spread(piece(s.text, best))] {
				best = i
			}
		}
		key := piece(s.text, best)
		p.pieces[key] = append(p.pieces[key], placed{uint32(n), uint32(best)})
		bit := spread(key)
		p.seen[bit>>6] |= 1 << (bit & 63)
		texts.add(s.text)
		p.lists = append(p.lists, s.list)
	}
	p.texts = texts.values()
	return p
}

// match calls found for each substring and expression that text contains;
// text is in lower case.
func (p *patterns) match(text string, found func(list uint32, what string)) {
	for i := 0; i+4 <= len(text); i++ {
		key := piece(text, i)
		if bit := spread(key); p.seen[bit>>6]&(1<<(bit&63)) == 0 {
			continue
		}
		for _, at := range p.pieces[key] {
			sub := p.texts.At(int(at.number))
			if start := i - int(at.offset); start >= 0 && strings.HasPrefix(text[start:], sub) {
				found(p.lists[at.number], sub)
			}
		}
	}
	for _, r := range p.regexes {
		if strings.Contains(text, r.literal) && r.regex.MatchString(text) {
			found(r.list, r.source)
		}
	}
}

func piece(s string, i int) uint32 {
	return uint32(s[i]) | uint32(s[i+1])<<8 | uint32(s[i+2])<<16 | uint32(s[i+3])<<24
}

// spread maps a piece to one of 65,536 bits (Fibonacci hashing).
func spread(key uint32) uint32 { return key * 2654435769 >> 16 }

// literalIn returns the longest text that everything matching re contains, if
// it is plain ASCII without upper case, in which text is matched; else "".
func literalIn(re *syntax.Regexp) string {
	switch re.Op {
	case syntax.OpLiteral:
		s := string(re.Rune)
		if re.Flags&syntax.FoldCase != 0 {
			s = strings.ToLower(s)
			// (?i)k also matches the Kelvin sign, (?i)s the long s.
			if strings.ContainsAny(s, "ks") {
				return ""
			}
		}
		return s
	case syntax.OpCapture, syntax.OpPlus:
		return literalIn(re.Sub[0])
	case syntax.OpConcat:
		longest := ""
		for _, sub := range re.Sub {
			if s := literalIn(sub); len(s) > len(longest) {
				longest = s
			}
		}
		return longest
	}
	return ""
}
