// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"teiten/internal/indicator"
)

// Limits of the text that is examined. What lies beyond them is left out.
const (
	maxBody  = 1 << 20 // bytes of all bodies
	maxLine  = 4 << 10 // bytes of a subject, a name, a field
	maxNames = 4 << 10 // bytes of a file name
	rounds   = 8       // of hiding, until nothing is found any more
	maxWords = 50_000  // labels and titles in one text; nobody writes so many
)

// redactor hides in the texts of one mail.
type redactor struct {
	inside               *finder // of the institution
	own                  *finder // of this mail, and what the reporter hides
	elsewhere            *finder // names that a label or a title vouches for somewhere in this mail
	vouched              *wanted // collects them, nil while not
	hashes, insideHashes map[string]Kind
	domains              []string
	sent                 time.Time // when the mail was, for what may be a birth date
	senders              map[string]bool
	omitted              []Omission
}

// rules say which rules apply to a text.
type rules uint8

const (
	// names of people, numbers, dates, addresses: in what people wrote
	everything rules = iota
	// names only behind a label or with a title: in what the sender says who he
	// is. Whoever poses as 田中院長 names somebody who may well be there.
	claimed
	// as everything, and the places in a letter where names stand
	letter
)

// hide redacts a text. Hiding something may bring a new reading of what is
// beside it, so it is repeated until nothing is found; then hiding once more
// finds nothing either. A text that does not come to rest is left out.
func (r *redactor) hide(text string, rule rules) (*draft, bool) {
	d := &draft{text: strings.ToValidUTF8(text, "\uFFFD")}
	if r.settle(d, rule) {
		return d, true
	}
	return &draft{}, false
}

// settle hides in a draft until nothing is found.
func (r *redactor) settle(d *draft, rule rules) bool {
	for range rounds {
		hits, ok := r.look(d.text, rule)
		if !ok {
			return false
		}
		if !d.apply(hits) {
			return true
		}
	}
	return false
}

// piece redacts one of the short texts.
func (r *redactor) piece(where, path, text string, rule rules) Piece {
	if len(text) > maxLine {
		text = cut(text, maxLine)
		r.omit(where, path, "redact.omitted_long")
	}
	d, ok := r.hide(text, rule)
	if !ok {
		r.omit(where, path, "redact.omitted_unsettled")
	}
	return d.piece(where, path)
}

func (r *redactor) omit(where, path, code string) {
	o := Omission{Where: where, Path: path, Code: code}
	if !slices.Contains(r.omitted, o) {
		r.omitted = append(r.omitted, o)
	}
}

// cut shortens a text to at most most bytes, at the end of a word if there is
// one near: half a number is not recognised as a number.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	s = s[:most]
	if i := strings.LastIndexAny(s, "\n \t"); i > len(s)-1024 && i > 0 {
		return s[:i]
	}
	return ""
}

// look finds what must be hidden in a text. It is false if there is more in it
// than can be looked at.
func (r *redactor) look(text string, rule rules) (hits []hit, ok bool) {
	marked := markHoles(text)
	found, err := indicator.ExtractLimit(text, 0)
	if err != nil {
		return nil, false
	}
	holes := slices.Clone(marked)
	var kept []stretch // indicators that stay, which no rule about people touches
	for _, f := range found {
		if overlaps(marked, f.Start, f.End) {
			continue
		}
		at := stretch{f.Start, f.End}
		switch f.Kind {
		case indicator.URL:
			holes = append(holes, at)
			for _, h := range r.url(text[f.Start:f.End], f.Host) {
				hits = append(hits, hit{f.Start + h.from, f.Start + h.to, h.kind, h.star})
			}
			continue
		case indicator.Email:
			if r.isInside(f.Host) {
				hits = append(hits, hit{from: f.Start, to: f.End, kind: Address})
				continue
			}
			if rule != claimed && !r.senders[f.Value.Value] && namesPerson(f.Value.Value) {
				hits = append(hits, hit{from: f.Start, to: f.End, kind: Address})
				continue
			}
		case indicator.Domain, indicator.IPv4, indicator.IPv6, indicator.CIDR:
			if r.isInside(f.Host) || isInternal(f.Value.Value) {
				hits = append(hits, hit{from: f.Start, to: f.End, kind: Host})
				continue
			}
		}
		kept = append(kept, at)
	}
	slices.SortFunc(holes, func(a, b stretch) int { return a.from - b.from })
	v := newView(text, holes)
	whole := func(from, to int, kind Kind) {
		at := v.origin(from, to)
		hits = append(hits, hit{from: at.from, to: at.to, kind: kind})
	}
	v.known(r.inside, whole)
	v.known(r.own, whole)
	if rule != claimed {
		v.known(r.elsewhere, whole)
	}
	r.decoded(text, holes, &hits)

	p := people{v: v, red: r, collects: rule != claimed && r.vouched != nil, whole: whole, hit: func(from, to int, kind Kind) {
		at := v.origin(from, to)
		if !overlaps(kept, at.from, at.to) {
			hits = append(hits, hit{from: at.from, to: at.to, kind: kind})
		}
	}}
	p.words(func(class, int, int) {})
	if len(p.found) > maxWords {
		return nil, false
	}
	p.labels(rule)
	if rule != claimed {
		p.names()
	}
	if rule == letter {
		p.letter()
	}
	p.figures()
	p.machines()
	return hits, true
}

// overlaps reports whether a stretch of a sorted list overlaps from:to.
func overlaps(list []stretch, from, to int) bool {
	i, _ := slices.BinarySearchFunc(list, from, func(s stretch, from int) int {
		if s.to <= from {
			return -1
		}
		return 1
	})
	return i < len(list) && list[i].from < to
}

// decoded looks for needles in what a text decodes to, outside holes.
func (r *redactor) decoded(text string, holes []stretch, hits *[]hit) {
	add := func(from, to int, kind Kind) {
		if !overlaps(holes, from, to) {
			*hits = append(*hits, hit{from: from, to: to, kind: kind})
		}
	}
	r.hidden(text, add)
	e := unescaped(text)
	for range escapeLevels {
		var more bool
		if e, more = e.decode(); !more {
			return
		}
		v := newView(e.text, nil)
		back := func(from, to int, kind Kind) {
			at := v.origin(from, to)
			at = e.origin(at.from, at.to)
			add(at.from, at.to, kind)
		}
		v.known(r.inside, back)
		v.known(r.own, back)
		r.hidden(e.text, func(from, to int, kind Kind) {
			at := e.origin(from, to)
			add(at.from, at.to, kind)
		})
	}
}
