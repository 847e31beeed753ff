// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"context"
	"fmt"
	"path"
	"slices"
	"strings"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/mail"
	"teiten/internal/redact"
	"teiten/internal/store"
	"teiten/internal/technique"
	"teiten/internal/tlp"
)

const (
	mostRead       = 200 // mails of a case, the newest
	mostSuggested  = 500 // indicators in an advisory
	mostTechniques = 6
	maxTitle       = 200  // characters of an advisory's title
	maxExcerpt     = 1500 // characters of a mail's text in an advisory
	mostSenders    = 5
	fence          = "~~~~"
)

// Suggestion is an advisory as the reports of a case suggest it, for an analyst
// to look through.
type Suggestion struct {
	Content    advisory.Content // with the indicators that are Chosen
	Indicators []Candidate      // all of them, the chosen ones and those in most reports first
}

// Candidate is an indicator in the redacted mails of a case.
type Candidate struct {
	indicator.Value
	Verdict      guard.Verdict
	Reports      int
	Institutions int
	// Chosen: it stands where an attacker puts it (sender, text, links, files),
	// and the guard lets it or its host be an entry.
	Chosen bool
}

// Suggest fills in an advisory from the redacted mails of a case. Its text is
// Japanese, in which advisories are shared.
func Suggest(ctx context.Context, q store.Queryer, c caller.Caller, g *guard.Guard, id int64) (*Suggestion, error) {
	k, err := loadCase(ctx, q, c, id)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, caseMails, id, mostRead)
	if err != nil {
		return nil, fmt.Errorf("report: case %d: %w", id, err)
	}
	defer rows.Close()
	s := collected{guard: g, found: map[subject]*counted{}}
	for rows.Next() {
		var org int64
		var text string
		if err := rows.Scan(&org, &text); err != nil {
			return nil, err
		}
		m, err := readRedacted(text)
		if err != nil {
			return nil, err
		}
		if m != nil {
			s.take(org, m)
		}
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	known, err := advisory.Techniques(ctx, q)
	if err != nil {
		return nil, err
	}
	return s.suggestion(k, known), nil
}

// subject is what an indicator is about.
type subject struct {
	kind  indicator.Kind
	value string
}

type counted struct {
	Candidate
	orgs  map[int64]bool
	order int
}

// collected is what the mails of a case have in them.
type collected struct {
	guard   *guard.Guard
	newest  *redact.Mail
	senders []string
	files   []redact.File
	links   bool
	found   map[subject]*counted
}

// sender is whom a mail claims to be from: the name shown, and the domain. The
// address itself stands among the indicators.
func sender(text string) string {
	for _, a := range mail.ParseAddresses(text) {
		_, domain, ok := strings.Cut(a.Address, "@")
		switch name := strings.TrimSpace(a.Name); {
		case !ok:
			return strings.TrimSpace(text)
		case name == "":
			return domain
		default:
			return name + " (" + domain + ")"
		}
	}
	return strings.TrimSpace(text)
}

func (s *collected) take(org int64, m *redact.Mail) {
	if s.newest == nil {
		s.newest = m
	}
	for _, p := range m.From {
		if t := sender(p.Text); t != "" && len(s.senders) < mostSenders && !slices.Contains(s.senders, t) {
			s.senders = append(s.senders, t)
		}
	}
	placed := s.placed(m)
	seen := map[subject]bool{}
	add := func(v indicator.Value, chosen bool) {
		key := subject{v.Kind, v.Value}
		if seen[key] || len(s.found) >= 10*mostSuggested {
			return
		}
		seen[key] = true
		n := s.found[key]
		if n == nil {
			n = &counted{Candidate: Candidate{Value: v, Verdict: s.guard.Judge(v)}, orgs: map[int64]bool{}, order: len(s.found)}
			s.found[key] = n
		}
		n.Reports++
		n.orgs[org] = true
		n.Institutions = len(n.orgs)
		n.Chosen = n.Chosen || chosen && (n.Verdict.Entry || n.Verdict.HostEntry)
	}
	for _, v := range m.Indicators {
		add(v, placed[v.Value] || v.Host != "" && placed[v.Host] && v.Kind != indicator.Email)
	}
	for _, f := range m.Files {
		if strings.HasPrefix(f.MediaType, "image/") {
			continue // logos are in harmless mails too
		}
		if len(s.files) < mostSenders && !slices.ContainsFunc(s.files, func(o redact.File) bool { return o.SHA256 == f.SHA256 }) {
			s.files = append(s.files, f)
		}
		if v, err := indicator.Normalise(indicator.SHA256, f.SHA256); err == nil {
			add(v, true)
		}
	}
}

// placed are the values, and their hosts, that stand where an attacker puts
// them: not those of the servers that passed the mail on.
func (s *collected) placed(m *redact.Mail) map[string]bool {
	all := map[string]bool{}
	note := func(v indicator.Value) {
		all[v.Value] = true
		if v.Host != "" && v.Kind != indicator.Email {
			all[v.Host] = true
		}
	}
	for _, list := range [][]redact.Piece{m.From, m.ReplyTo, m.Body, {m.Subject}} {
		for _, p := range list {
			for _, f := range indicator.Extract(p.Text) {
				note(f.Value)
				s.links = s.links || f.Kind == indicator.URL
			}
		}
	}
	for _, p := range m.Links {
		if v, err := indicator.Normalise(indicator.URL, p.Text); err == nil {
			note(v)
			s.links = true
		}
	}
	return all
}

func (s *collected) suggestion(k *Case, known *technique.Vocabulary) *Suggestion {
	all := make([]*counted, 0, len(s.found))
	for _, n := range s.found {
		all = append(all, n)
	}
	slices.SortFunc(all, func(a, b *counted) int {
		return cmp.Or(number(b.Chosen)-number(a.Chosen), b.Reports-a.Reports, a.order-b.order)
	})
	out := &Suggestion{}
	c := &out.Content
	for _, n := range all {
		out.Indicators = append(out.Indicators, n.Candidate)
		if n.Chosen && len(c.Indicators) < mostSuggested {
			c.Indicators = append(c.Indicators, n.Value)
		}
	}
	c.TLP, c.ObservedAt = tlp.AmberStrict, k.First // to share more is a decision
	c.Category = category.Phishing
	if !s.links && len(s.files) > 0 {
		c.Category = category.Targeted
	}
	l := locale.Japanese
	title := line(k.Title)
	if title == "" {
		title = l.T("report.draft.no_subject")
	}
	c.Title = l.T("report.draft.title", "subject", title)
	if r := []rune(c.Title); len(r) > maxTitle {
		c.Title = l.T("report.draft.title", "subject", clipped(title, maxTitle-len(r)+len([]rune(title))-1))
	}
	text := ""
	if s.newest != nil {
		for _, p := range s.newest.Body {
			text += p.Text + "\n"
		}
	}
	c.Body = s.body(l, title, text)
	c.Techniques = s.techniques(title+"\n"+clipped(text, 10*maxExcerpt), known)
	return out
}

// body is the text of the advisory: what came, from whom, what it says, and what
// to do.
func (s *collected) body(l locale.Lang, title, text string) string {
	var b strings.Builder
	b.WriteString(l.T("report.draft.intro") + "\n\n")
	list := func(heading string, items []string) {
		if len(items) == 0 {
			return
		}
		b.WriteString("## " + heading + "\n\n")
		for _, item := range items {
			b.WriteString("- " + code(harmless(item)) + "\n")
		}
		b.WriteString("\n")
	}
	list(l.T("report.draft.subject"), []string{title})
	list(l.T("report.draft.senders"), s.senders)
	var names []string
	for _, f := range s.files {
		if name := line(f.Name.Text); name != "" {
			names = append(names, name)
		}
	}
	list(l.T("report.draft.files"), names)
	if text = excerpt(text); text != "" {
		b.WriteString("## " + l.T("report.draft.text") + "\n\n" + fence + "\n" + text + "\n" + fence + "\n\n")
	}
	b.WriteString("## " + l.T("report.draft.todo") + "\n\n")
	todo := []string{"report.draft.todo_open"}
	if s.links {
		todo = append(todo, "report.draft.todo_link")
	}
	if len(s.files) > 0 {
		todo = append(todo, "report.draft.todo_file")
	}
	for _, key := range append(todo, "report.draft.todo_tell") {
		b.WriteString("- " + l.T(key) + "\n")
	}
	return b.String()
}

// excerpt is the beginning of a mail's text, harmless, fit for a fenced block.
func excerpt(text string) string {
	var kept []string
	empty := true
	for _, l := range strings.Split(harmless(clipped(text, maxExcerpt)), "\n") {
		l = strings.TrimRight(strings.ReplaceAll(line(l), fence, "~~~"), " ")
		if l == "" && empty {
			continue // of empty lines one is enough
		}
		empty = l == ""
		kept = append(kept, l)
	}
	return strings.TrimSpace(strings.Join(kept, "\n"))
}

// harmless writes every indicator in a text so that nobody can follow it.
func harmless(text string) string {
	var b strings.Builder
	end := 0
	for _, f := range indicator.Extract(text) {
		if f.Start < end {
			continue
		}
		b.WriteString(text[end:f.Start] + indicator.Defang(f.Kind, text[f.Start:f.End]))
		end = f.End
	}
	return b.String() + text[end:]
}

// line makes one line of plain characters of a text.
func line(text string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\r' || r == '\t':
			return ' '
		case r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 || r == 0xfeff:
			return -1 // control characters, and those that turn the direction
		}
		return r
	}, storable(text)))
}

// code is a text as a Markdown code span.
func code(text string) string {
	return "`" + strings.ReplaceAll(line(text), "`", "'") + "`"
}

// techniques suggests what the mails were an attempt at.
func (s *collected) techniques(text string, known *technique.Vocabulary) []string {
	var all []string
	add := func(ids ...string) {
		for _, id := range ids {
			if _, ok := known.Get(id); ok && len(all) < mostTechniques && !slices.Contains(all, id) {
				all = append(all, id)
			}
		}
	}
	if s.links {
		add("T1566.002") // phishing: spearphishing link
	}
	if len(s.files) > 0 {
		add("T1566.001") // phishing: spearphishing attachment
		for _, f := range s.files {
			switch strings.ToLower(path.Ext(f.Name.Text)) {
			case ".html", ".htm", ".svg":
				add("T1027.006") // HTML smuggling
			default:
				add("T1204.002") // user execution: malicious file
			}
		}
	}
	add(technique.Suggest(text)...)
	slices.Sort(all)
	return all
}
