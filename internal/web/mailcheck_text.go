// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"slices"
	"unicode/utf8"

	"teiten/internal/mailcheck"
)

// mostText bounds what is shown of one body, in bytes.
const mostText = 64 << 10

// textView is one body of a mail as text with markings.
type textView struct {
	HTML   bool // taken out of HTML
	Runs   []textRun
	Cut    bool // there is more
	Folded bool // another form of the same text is shown already
}

// textRun is a piece of the text, marked or not.
type textRun struct {
	Text string
	Mark string // "", "found" (a reason), "link", "target" (where a link leads), "hidden" (the mail hides it), "masked" (is not shared)
	Note string // what the mark says
	Was  string // what a "masked" one hides, for the reporter's own eyes
}

// span is a place to be marked. Where several meet, the one with the higher
// rank is shown.
type span struct {
	start, end int
	mark, note string
	rank       int
	text       string // of a span without length: what is put there
}

// runs cuts a text into marked and unmarked pieces, each harmless.
func runs(text string, spans []span) (all []textRun, cut bool) {
	if len(text) > mostText {
		end := mostText
		for end > 0 && !utf8.RuneStart(text[end]) {
			end--
		}
		text, cut = text[:end], true
	}
	edges := []int{0, len(text)}
	kept := spans[:0:0]
	put := map[int][]span{}
	for _, s := range spans {
		s.start, s.end = max(s.start, 0), min(s.end, len(text))
		switch {
		case s.start > s.end || !atRune(text, s.start) || !atRune(text, s.end):
			continue
		case s.text != "":
			put[s.start] = append(put[s.start], s)
		case s.start == s.end:
			continue
		default:
			kept = append(kept, s)
		}
		edges = append(edges, s.start, s.end)
	}
	slices.Sort(edges)
	edges = slices.Compact(edges)
	slices.SortStableFunc(kept, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	inserted := func(at int) {
		for _, s := range put[at] {
			all = append(all, textRun{Text: s.text, Mark: s.mark, Note: s.note})
		}
	}
	var open []span // those that have begun and not ended
	for i := 0; i+1 < len(edges); i++ {
		from, to := edges[i], edges[i+1]
		inserted(from)
		for len(kept) > 0 && kept[0].start <= from {
			open, kept = append(open, kept[0]), kept[1:]
		}
		open = slices.DeleteFunc(open, func(s span) bool { return s.end <= from })
		run := textRun{Text: text[from:to]}
		best := -1
		for _, s := range open {
			if s.rank > best {
				best, run.Mark, run.Note = s.rank, s.mark, s.note
			}
		}
		if last := len(all) - 1; last >= 0 && all[last].Mark == run.Mark && all[last].Note == run.Note {
			all[last].Text += run.Text
			continue
		}
		all = append(all, run)
	}
	inserted(len(text))
	for i := range all {
		all[i].Text = harmless(all[i].Text)
	}
	return all, cut
}

func atRune(text string, at int) bool { return at == len(text) || utf8.RuneStart(text[at]) }

// textViews are the bodies: what the reader saw first, which is the HTML.
func (q *Request) textViews(a *mailcheck.Answer) (views []textView) {
	marks := q.bodyMarks(a)
	add := func(path, text string, html bool, more []span) {
		if text == "" {
			return
		}
		v := textView{HTML: html, Folded: len(views) > 0 && !html}
		v.Runs, v.Cut = runs(text, append(more, marks[bodyKey{path, html}]...))
		views = append(views, v)
	}
	for _, p := range a.Mail.HTML() {
		shown := mailcheck.Render(p)
		var spans []span
		for _, h := range shown.Hidden {
			spans = append(spans, span{start: h.At, end: h.At, mark: "hidden", note: q.T("checking.mark.hidden"), text: h.Text})
		}
		for _, l := range shown.Links {
			if l.URL != "" {
				spans = append(spans, span{start: l.Start, end: l.End, mark: "link", note: q.T("checking.mark.link"), rank: 1},
					span{start: l.End, end: l.End, mark: "target", text: " → " + shortened(harmless(l.URL)) + " "})
			}
		}
		add(p.Path, shown.Text, true, spans)
	}
	for _, p := range a.Mail.Texts() {
		add(p.Path, p.Text, false, nil)
	}
	return views
}

type bodyKey struct {
	path string
	html bool
}

// bodyMarks are the places in bodies that findings are about.
func (q *Request) bodyMarks(a *mailcheck.Answer) map[bodyKey][]span {
	all := map[bodyKey][]span{}
	for _, f := range a.Findings {
		if f.Weight <= 0 {
			continue
		}
		note := harmless(f.Explain(q.Lang))
		for _, p := range f.Places {
			if p.End > p.Start && (p.Where == "text" || p.Where == "html" || p.Where == "link") {
				key := bodyKey{p.Path, p.Where != "text"}
				all[key] = append(all[key], span{start: p.Start, end: p.End, mark: "found", note: note, rank: 2})
			}
		}
	}
	return all
}
