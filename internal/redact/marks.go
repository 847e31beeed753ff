// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"slices"
	"strings"
)

// Kinds are all kinds; where two hide the same place, the first is named.
var Kinds = []Kind{Chosen, Recipient, Address, Patient, Birth, Person, Postal, Phone, Number, Host, Institution, Token}

// marks stand for what was hidden. They are part of the stored text and the
// same in every language.
var marks = map[Kind]string{
	Recipient:   "【宛先】",
	Person:      "【氏名】",
	Address:     "【メールアドレス】",
	Token:       "【識別子】",
	Patient:     "【患者番号】",
	Birth:       "【生年月日】",
	Phone:       "【電話番号】",
	Postal:      "【住所】",
	Number:      "【番号】",
	Host:        "【院内ホスト】",
	Institution: "【施設名】",
	Chosen:      "【非公開】",
}

// star is the mark inside a URL, as [indicator.Mask] writes it: the URL stays
// one.
const star = "*"

// Mark returns the text that stands for what was hidden.
func (k Kind) Mark() string { return marks[k] }

func (k Kind) rank() int { return slices.Index(Kinds, k) }

// hit is a place to hide, in bytes of a text.
type hit struct {
	from, to int
	kind     Kind
	star     bool // inside a URL
}

// Segment is a stretch of a redacted text: either shared, or hidden behind a
// mark.
type Segment struct {
	Text     string // as it is shared
	Kind     Kind   // "" for what is shared as it was
	Original string `json:"-"` // what the mark hides; for the reporter's own eyes
}

// Segments returns the piece's text in stretches. Their Original is only known
// to the Mail that Redact returned, and is gone in one that was stored.
func (p Piece) Segments() []Segment {
	var segments []Segment
	at := 0
	for i, s := range p.Spans {
		if s.Start < at || s.End > len(p.Text) || s.Start > s.End {
			break
		}
		if s.Start > at {
			segments = append(segments, Segment{Text: p.Text[at:s.Start]})
		}
		segment := Segment{Text: p.Text[s.Start:s.End], Kind: s.Kind}
		if i < len(p.originals) {
			segment.Original = p.originals[i]
		}
		segments = append(segments, segment)
		at = s.End
	}
	if at < len(p.Text) {
		segments = append(segments, Segment{Text: p.Text[at:]})
	}
	return segments
}

// draft is a text on its way to a Piece.
type draft struct {
	text      string
	spans     []Span
	originals []string
}

// apply hides the places. It reports whether anything changed.
func (d *draft) apply(hits []hit) bool {
	hits = d.merge(hits)
	if len(hits) == 0 {
		return false
	}
	var b strings.Builder
	var spans []Span
	var originals []string
	at, next := 0, 0 // next is the first span not yet copied
	keep := func(to int) {
		for ; next < len(d.spans) && d.spans[next].Start < to; next++ {
			s := d.spans[next]
			shift := b.Len() - at
			spans = append(spans, Span{s.Start + shift, s.End + shift, s.Kind})
			originals = append(originals, d.originals[next])
		}
		b.WriteString(d.text[at:to])
	}
	for _, h := range hits {
		keep(h.from)
		mark := h.kind.Mark()
		if h.star {
			mark = star
		}
		spans = append(spans, Span{b.Len(), b.Len() + len(mark), h.kind})
		b.WriteString(mark)
		original, from := "", h.from
		for ; next < len(d.spans) && d.spans[next].Start < h.to; next++ {
			original += d.text[from:d.spans[next].Start] + d.originals[next]
			from = d.spans[next].End
		}
		originals = append(originals, original+d.text[from:h.to])
		at = h.to
	}
	keep(len(d.text))
	d.text, d.spans, d.originals = b.String(), spans, originals
	return true
}

// merge sorts the hits, joins those that overlap, and those of one kind that
// only a blank parts, widens them to marks that they touch, and drops those
// that hide nothing but marks.
func (d *draft) merge(hits []hit) []hit {
	hits = slices.DeleteFunc(hits, func(h hit) bool { return h.from >= h.to })
	slices.SortFunc(hits, func(a, b hit) int {
		if a.from != b.from {
			return a.from - b.from
		}
		return b.to - a.to
	})
	var joined []hit
	next := 0
	for _, h := range hits {
		for next < len(d.spans) && d.spans[next].End <= h.from {
			next++
		}
		for i := next; i < len(d.spans) && d.spans[i].Start < h.to; i++ {
			h.from, h.to = min(h.from, d.spans[i].Start), max(h.to, d.spans[i].End)
		}
		if n := len(joined) - 1; n >= 0 {
			last := &joined[n]
			gap := ""
			if h.from > last.to {
				gap = d.text[last.to:h.from]
			}
			if h.from < last.to || h.kind == last.kind && h.star == last.star && (gap == "" || gap == " " || gap == "　") {
				last.to = max(last.to, h.to)
				last.star = last.star && h.star
				if h.kind.rank() < last.kind.rank() {
					last.kind = h.kind
				}
				continue
			}
		}
		joined = append(joined, h)
	}
	return slices.DeleteFunc(joined, func(h hit) bool { return onlyMarks(d.text[h.from:h.to]) })
}

// onlyMarks reports whether a text hides nothing: marks and blanks.
func onlyMarks(s string) bool {
	for s != "" {
		switch n := markAt(s); {
		case n > 0:
			s = s[n:]
		case s[0] == ' ' || s[0] == '*' || s[0] == '\n':
			s = s[1:]
		case strings.HasPrefix(s, "　"):
			s = s[len("　"):]
		default:
			return false
		}
	}
	return true
}

// markAt returns the length of the mark at the beginning of s, 0 for none.
func markAt(s string) int {
	if !strings.HasPrefix(s, "【") {
		return 0
	}
	for _, k := range Kinds {
		if strings.HasPrefix(s, marks[k]) {
			return len(marks[k])
		}
	}
	return 0
}

// markHoles finds the marks in a text.
func markHoles(text string) (holes []stretch) {
	for i := 0; ; {
		n := strings.Index(text[i:], "【")
		if n < 0 {
			return holes
		}
		i += n
		if m := markAt(text[i:]); m > 0 {
			holes = append(holes, stretch{i, i + m})
			i += m
			continue
		}
		i += len("【")
	}
}

func (d *draft) piece(where, path string) Piece {
	return Piece{Where: where, Path: path, Text: d.text, Spans: d.spans, originals: d.originals}
}

// Key is the kind's name in package locale.
func (k Kind) Key() string { return "redact." + string(k) }
