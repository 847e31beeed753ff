// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"time"
)

// The grammar of the files in data:
//
//	[a|b|]     one of the alternatives, the last one here empty
//	{name}     a word: the same wherever it stands in one mail
//	{*name}    a word, drawn again at every place
//	<<name|t>> a link to the URL of the shape's line "name:", shown as t, or
//	           as the URL itself if t is empty
//	\[ \{ \|   the character itself
//	\n         a line break
type node struct {
	kind  nodeKind
	text  string // of a literal; the name of a word or link
	fresh bool
	alts  [][]node // of a choice; of a link its only text
}

type nodeKind byte

const (
	literal nodeKind = iota
	choice
	word
	anchor
)

// parse reads a template.
func parse(s string) ([]node, error) {
	p := &templateParser{rest: s}
	seq := p.sequence("")
	if p.err == nil && p.rest != "" {
		p.err = fmt.Errorf("unexpected %.20q", p.rest)
	}
	return seq, p.err
}

type templateParser struct {
	rest string
	err  error
}

// sequence reads up to one of the bytes of end, which stays.
func (p *templateParser) sequence(end string) (seq []node) {
	var text strings.Builder
	flush := func() {
		if text.Len() > 0 {
			seq = append(seq, node{kind: literal, text: text.String()})
			text.Reset()
		}
	}
	for p.rest != "" && p.err == nil {
		c := p.rest[0]
		switch {
		case strings.HasPrefix(p.rest, `\n`):
			text.WriteByte('\n')
			p.rest = p.rest[2:]
		case c == '\\' && len(p.rest) > 1 && strings.IndexByte(`[]{}|<>\`, p.rest[1]) >= 0:
			text.WriteByte(p.rest[1])
			p.rest = p.rest[2:]
		case strings.IndexByte(end, c) >= 0 && (c != '>' || strings.HasPrefix(p.rest, ">>")):
			flush()
			return seq
		case c == '[':
			flush()
			seq = append(seq, p.choice())
		case c == '{':
			flush()
			name, rest, ok := strings.Cut(p.rest[1:], "}")
			if !ok {
				p.err = fmt.Errorf("{ without }: %.20q", p.rest)
			}
			n := node{kind: word, text: name}
			n.text, n.fresh = strings.CutPrefix(name, "*")
			seq, p.rest = append(seq, n), rest
		case strings.HasPrefix(p.rest, "<<"):
			flush()
			name, rest, ok := strings.Cut(p.rest[2:], "|")
			if !ok {
				p.err = fmt.Errorf("<< without |: %.20q", p.rest)
			}
			p.rest = rest
			n := node{kind: anchor, text: name, alts: [][]node{p.sequence(">")}}
			if !strings.HasPrefix(p.rest, ">>") {
				p.err = fmt.Errorf("<<%s without >>", name)
				return seq
			}
			seq, p.rest = append(seq, n), p.rest[2:]
		default:
			text.WriteByte(c)
			p.rest = p.rest[1:]
		}
	}
	flush()
	return seq
}

func (p *templateParser) choice() node {
	n := node{kind: choice}
	for p.rest = p.rest[1:]; p.err == nil; p.rest = p.rest[1:] {
		n.alts = append(n.alts, p.sequence("|]"))
		if p.rest == "" {
			p.err = fmt.Errorf("[ without ]")
			break
		}
		if p.rest[0] == ']' {
			p.rest = p.rest[1:]
			break
		}
	}
	return n
}

// Marks around links in expanded text, which the renderers turn into what a
// link is in their format.
const (
	linkStart = "\x01"
	linkText  = "\x02"
	linkEnd   = "\x03"
)

// scope is one mail being written.
type scope struct {
	r     *rand.Rand
	words map[string][]node // of all shapes
	local map[string][]node // of this shape
	bound map[string]string
	at    time.Time
}

func (s *scope) expand(seq []node) string {
	var b strings.Builder
	for _, n := range seq {
		switch n.kind {
		case literal:
			b.WriteString(n.text)
		case choice:
			b.WriteString(s.expand(n.alts[s.r.IntN(len(n.alts))]))
		case word:
			b.WriteString(s.word(n.text, n.fresh))
		case anchor:
			b.WriteString(linkStart + n.text + linkText + s.expand(n.alts[0]) + linkEnd)
		}
	}
	return b.String()
}

// word is the value of a word. An unknown one is a mistake in data, which the
// tests find.
func (s *scope) word(name string, fresh bool) string {
	if v, ok := s.bound[name]; ok && !fresh {
		return v
	}
	var v string
	if seq, ok := s.local[name]; ok {
		v = s.expand(seq)
	} else if seq, ok := s.words[name]; ok {
		v = s.expand(seq)
	} else if v, ok = s.builtin(name); !ok {
		panic("mailcorpus: no word " + name)
	}
	if !fresh {
		s.bound[name] = v
	}
	return v
}

// variants is a lower bound of the number of different texts that a template
// makes, numbers, dates and names of people not counted.
func (s *scope) variants(seq []node, seen map[string]bool) float64 {
	product := 1.0
	for _, n := range seq {
		switch n.kind {
		case choice, anchor:
			sum, all := 0.0, maps.Clone(seen)
			for _, alt := range n.alts {
				mine := maps.Clone(seen)
				sum += s.variants(alt, mine)
				maps.Copy(all, mine)
			}
			maps.Copy(seen, all)
			product *= sum
		case word:
			if seen[n.text] && !n.fresh {
				continue
			}
			seen[n.text] = true
			if inner, ok := s.local[n.text]; ok {
				product *= s.variants(inner, seen)
			} else if inner, ok := s.words[n.text]; ok {
				product *= s.variants(inner, seen)
			}
		}
	}
	return product
}
