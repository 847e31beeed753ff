// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"teiten/internal/advisory"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/search"
)

const (
	searchMost  = 200  // indicators of a pasted text that are looked up
	relatedMost = 20   // advisories shown for one indicator
	foundMost   = 1000 // advisories that have the words are counted; each is read for it
)

// answer is what the portal knows about one indicator, the gravest first.
type answer string

const (
	answerActive    answer = "active"    // registered, and holds today
	answerPast      answer = "past"      // was registered; has run out or was withdrawn
	answerNeighbour answer = "neighbour" // others on the very host are registered
	answerListed    answer = "listed"    // not registered; on a list of well-known sites
	answerUnknown   answer = "unknown"   // not registered, which says nothing
)

var answers = []answer{answerActive, answerPast, answerNeighbour, answerListed, answerUnknown}

// finding is one indicator that was asked about.
type finding struct {
	mark
	Answer answer
	OnHost string // defanged
}

// searchPage answers the one box: an indicator, a pasted mail or words.
type searchPage struct {
	Head
	Asked    string // what was asked, harmless, or ""
	Again    string // the same, so that it can be asked again
	Words    bool   // it was searched for as words
	Answer   answer // the gravest of Findings
	Findings []finding
	Counts   []answerCount
	Left     int // indicators that were not looked up
	Rows     []row
	Near     []nearRow
	Chips    []chip
	Count    int
	Many     bool
	Next     string // place of the next page, or ""
	Paged    bool   // this is not the first page
	Filters  string // of the address, so that forms keep them: "?category=…" or ""
	Box      Field
	Opinions advisory.Opinions
}

// Telling reports whether there is more to say about the findings than the
// verdict says already.
func (p *searchPage) Telling() bool {
	return len(p.Findings) > 1 || len(p.Findings) == 1 && (p.Answer != answerUnknown || p.Findings[0].Masked)
}

// Question asks whether the search helped to decide.
func (p *searchPage) Question() question { return newQuestion("/search/helped", p.Opinions) }

type answerCount struct {
	Answer answer
	N      int
}

// nearRow is an advisory that resembles a pasted mail.
type nearRow struct {
	row
	Why advisory.Likeness
	By  string
}

func (s *Server) searchForm(w http.ResponseWriter, _ *http.Request, q *Request) error {
	return s.render(w, q, http.StatusOK, "search", q.searchPage())
}

func (q *Request) searchPage() *searchPage {
	page := &searchPage{Head: q.Head(q.T("find.title")), Filters: strings.TrimPrefix(q.sameFilters("?"), "?")}
	page.Box = q.Field("textarea", "q", "find.box")
	page.Box.Rows, page.Box.Code = 5, true
	return page
}

// search answers a query, which comes in the body so that no address carries
// it; the filters in the address stay.
func (s *Server) search(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if _, _, err := q.listFilter(); err != nil {
		return err // the address is wrong, not what was typed
	}
	page := q.searchPage()
	asked := strings.TrimSpace(r.PostForm.Get("q"))
	if asked == "" {
		return s.render(w, q, http.StatusOK, "search", page)
	}
	if len(asked) > indicator.MaxText {
		return fault.New(fault.TooLarge, "find.long", "most", size(indicator.MaxText))
	}
	page.Asked, _ = beginning(harmless(asked), 600)
	page.Again = defanged(asked)
	values, left := wanted(asked)
	page.Left = left
	w, done, err := s.turns.take(r.Context(), w)
	if err != nil {
		return err
	}
	defer done()
	if len(values) > 0 {
		err = s.searchIndicators(r.Context(), q, page, asked, values)
	} else {
		err = s.searchWords(r, q, page, asked)
	}
	if err != nil {
		if refused, ok := q.Refuse(err, &page.Box); ok {
			page.Box.Value, page.Box.Error = page.Again, refused[0].Text
			page.Asked, page.Answer = "", ""
			return s.render(w, q, http.StatusUnprocessableEntity, "search", page)
		}
		return err
	}
	if page.Opinions, err = advisory.ReadOpinions(r.Context(), s.DB, q.Caller, 0); err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "search", page)
}

// wanted are the indicators that somebody asks about: the one that he typed, or
// those in what he pasted, each once, and how many were left out.
func wanted(asked string) ([]indicator.Value, int) {
	if v, ok := single(asked); ok {
		return []indicator.Value{v}, 0
	}
	values := distinctValues(indicator.Extract(asked))
	if len(values) == 0 {
		if v, ok := indicator.Recognise(asked); ok { // written with blanks inside
			return []indicator.Value{v}, 0
		}
	}
	left := max(0, len(values)-searchMost)
	return values[:len(values)-left], left
}

// single reads a text that is one indicator and has no blanks. With blanks it
// may be several, which Recognise would take for one strange URL.
func single(s string) (indicator.Value, bool) {
	if strings.ContainsFunc(s, unicode.IsSpace) {
		return indicator.Value{}, false
	}
	return indicator.Recognise(s)
}

func distinctValues(found []indicator.Found) []indicator.Value {
	type id struct {
		kind  indicator.Kind
		value string
	}
	seen := map[id]bool{}
	var values []indicator.Value
	for _, f := range found {
		if k := (id{f.Kind, f.Value.Value}); !seen[k] {
			seen[k] = true
			values = append(values, f.Value)
		}
	}
	return values
}

func (s *Server) searchIndicators(ctx context.Context, q *Request, page *searchPage, asked string, values []indicator.Value) error {
	marks, err := s.marks(ctx, q, values)
	if err != nil {
		return err
	}
	for i, m := range marks {
		page.Findings = append(page.Findings, finding{
			mark: m, Answer: judge(m), OnHost: indicator.Defang(indicator.Domain, values[i].Host),
		})
	}
	slices.SortStableFunc(page.Findings, func(a, b finding) int {
		return slices.Index(answers, a.Answer) - slices.Index(answers, b.Answer)
	})
	page.Answer = page.Findings[0].Answer
	for _, a := range answers {
		n := 0
		for _, f := range page.Findings {
			if f.Answer == a {
				n++
			}
		}
		if n > 0 {
			page.Counts = append(page.Counts, answerCount{a, n})
		}
	}
	return s.searchCarriers(ctx, q, page, asked, values)
}

// judge says what an indicator is to the one who asks.
func judge(m mark) answer {
	switch {
	case m.Hit.Known && m.Hit.Active:
		return answerActive
	case m.Hit.Known:
		return answerPast
	case m.Hit.SameHost > 0 && m.Host:
		return answerNeighbour
	case len(m.Why) > 0:
		return answerListed
	case m.Hit.SameHost > 0:
		return answerNeighbour
	default:
		return answerUnknown
	}
}

// searchCarriers finds the advisories that carry what was asked about, and
// those that resemble it. Words are searched for beside one single indicator,
// because an advisory may name it in its text only.
func (s *Server) searchCarriers(ctx context.Context, q *Request, page *searchPage, asked string, values []indicator.Value) error {
	f, chips, err := q.listFilter()
	if err != nil {
		return err
	}
	page.Chips = chips
	f.Before, f.Limit = 0, relatedMost
	have := map[int64]bool{}
	var items []*advisory.Advisory
	take := func(f advisory.Filter) error {
		found, err := advisory.List(ctx, s.DB, q.Caller, f)
		for _, a := range found.Items {
			if !have[a.ID] {
				have[a.ID] = true
				items = append(items, a)
			}
		}
		return err
	}
	for i := range values {
		f.Indicator = &values[i]
		if err := take(f); err != nil {
			return err
		}
	}
	if f.Indicator = nil; len(values) == 1 && len(values[0].Value) <= search.MaxQuery {
		f.Text = `"` + values[0].Value + `"`
		if err := take(f); err != nil {
			return err
		}
	}
	if page.Rows, err = rows(ctx, s.DB, q.Caller, items); err != nil {
		return err
	}
	page.Count = len(page.Rows)
	near, err := s.near(ctx, q, 0, subject(asked), values)
	for _, d := range near {
		if !have[d.ID] && d.State.Public() {
			page.Near = append(page.Near, d)
		}
	}
	return err
}

// near finds advisories that resemble a title and indicators. That two share a
// well-known site, which half of all pasted mails do, does not make them alike.
func (s *Server) near(ctx context.Context, q *Request, except int64, title string, values []indicator.Value) ([]nearRow, error) {
	g, err := s.Guards.Current(ctx)
	if err != nil {
		return nil, err
	}
	common := map[string]bool{}
	for _, v := range values {
		if verdict := g.Judge(v); v.Host != "" && len(verdict.Reasons) > 0 && !verdict.HostEntry {
			common[indicator.Defang(indicator.Domain, v.Host)] = true
		}
	}
	found, err := advisory.FindDuplicates(ctx, s.DB, q.Caller, except, title, values)
	var list []nearRow
	for _, d := range found {
		if d.Why != advisory.SameHost || !common[d.By] {
			list = append(list, nearRow{newRow(d.Advisory), d.Why, harmless(d.By)})
		}
	}
	return list, err
}

// subject is the subject of a pasted mail, by which similar ones are found.
func subject(mail string) string {
	for line := range strings.Lines(mail) {
		for _, name := range []string{"subject:", "件名:", "件名："} {
			if rest, found := strings.CutPrefix(strings.ToLower(strings.TrimSpace(line)), name); found {
				return strings.TrimSpace(rest)
			}
		}
	}
	return ""
}

func (s *Server) searchWords(r *http.Request, q *Request, page *searchPage, asked string) error {
	f, chips, err := q.listFilter()
	if err != nil {
		return err
	}
	page.Chips, page.Words = chips, true
	f.Text = asked
	if utf8.RuneCountInString(asked) > 200 { // a pasted mail without any address
		return s.searchSubject(r.Context(), q, page, asked)
	}
	f.Before = number64(r.PostForm.Get("after"))
	page.Paged = f.Before != 0
	found, err := advisory.List(r.Context(), s.DB, q.Caller, f)
	if err != nil {
		return fault.From(err).At("q")
	}
	if page.Rows, err = rows(r.Context(), s.DB, q.Caller, found.Items); err != nil {
		return err
	}
	if page.Count, err = s.countAll(r.Context(), q, f, found, foundMost+1); err != nil {
		return err
	}
	if page.Count > foundMost {
		page.Count, page.Many = foundMost, true
	}
	if found.Next != 0 {
		page.Next = itoa(found.Next)
	}
	page.Box.Value = page.Again
	return nil
}

// searchSubject looks for advisories like a pasted mail that holds no address.
func (s *Server) searchSubject(ctx context.Context, q *Request, page *searchPage, asked string) error {
	page.Answer, page.Words = answerUnknown, false
	title := subject(asked)
	if title == "" {
		title, _, _ = strings.Cut(asked, "\n")
	}
	near, err := s.near(ctx, q, 0, title, nil)
	for _, d := range near {
		if d.State.Public() {
			page.Near = append(page.Near, d)
		}
	}
	return err
}

// beginning cuts a text to at most n characters.
func beginning(s string, n int) (string, bool) {
	if utf8.RuneCountInString(s) <= n {
		return s, false
	}
	return string([]rune(s)[:n]) + "…", true
}
