// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/report"
)

// casesPage is the analysts' list: the reports of one wave are one line.
type casesPage struct {
	Head
	Tabs  []Tab
	Rows  []caseRow
	Pager Pager
	State string
}

type caseRow struct {
	*report.Case
	Heading string
}

// mostOrgs are the institutions of a case that stand on its page unfolded.
const mostOrgs = 8

// Most are the institutions with the most reports, Others the rest.
func (r caseRow) Most() []report.OrgCount { return r.ByOrg[:min(mostOrgs, len(r.ByOrg))] }

func (r caseRow) Others() []report.OrgCount { return r.ByOrg[min(mostOrgs, len(r.ByOrg)):] }

const (
	caseRows   = 50
	caseMails  = 100 // reports of a case on its page
	mergeCases = 50  // others that a case can be merged with
)

func (s *Server) cases(w http.ResponseWriter, r *http.Request, q *Request) error {
	f := report.CaseFilter{Mine: q.Get("whose") == "mine", Before: max(q.Int("after", 0), 0), Limit: caseRows}
	page := &casesPage{Head: q.Head(q.T("cases.title")), State: q.Get("state")}
	counts, err := report.CountCases(r.Context(), s.DB, q.Caller)
	if err != nil {
		return err
	}
	page.Tabs = append(page.Tabs, Tab{Href: q.With("state", ""), Name: q.T("cases.waiting"), Counted: true,
		Count: int64(counts[report.New] + counts[report.Triage]), Current: page.State == ""})
	for _, state := range report.States {
		if page.State == string(state) {
			f.States = []report.State{state}
		}
		page.Tabs = append(page.Tabs, Tab{Href: q.With("state", string(state)), Name: state.Name(q.Lang), Counted: true,
			Count: int64(counts[state]), Current: page.State == string(state)})
	}
	if page.State != "" && f.States == nil {
		return fault.New(fault.Invalid, "cases.state_unknown")
	}
	found, err := report.Cases(r.Context(), s.DB, q.Caller, f)
	if err != nil {
		return err
	}
	for _, c := range found.Items {
		page.Rows = append(page.Rows, q.caseRow(c))
	}
	next := ""
	if found.Next != 0 {
		next = itoa(found.Next)
	}
	page.Pager = q.Pager(len(page.Rows), 0, next)
	return s.render(w, q, http.StatusOK, "cases", page)
}

func (q *Request) caseRow(c *report.Case) caseRow {
	heading := harmless(c.Title)
	if heading == "" {
		heading = q.T("checking.subject.none")
	}
	return caseRow{c, heading}
}

// casePage is one case with all that is decided about it.
type casePage struct {
	Head
	Errors   []FieldError
	Case     caseRow
	Mails    []redactedMail
	More     int // reports that are not on the page
	Found    []candidateRow
	Steps    []stepRow // of the time to protection so far
	Others   []Option
	Dismiss  Field
	Reopen   Field
	Link     Field
	Other    Field
	MayTake  bool
	MayDraft bool
}

// redactedMail is a report of the case; of those that look the same, the first
// stands for all.
type redactedMail struct {
	reportRow
	Shared sharedView
	Same   int    // further reports with the very same redacted mail
	All    string // their ids and its own, for the form that splits
}

type candidateRow struct {
	mark
	ID                    string // in the form
	Reports, Institutions int
}

// stepRow is one moment on the way to protection.
type stepRow struct {
	Name string
	At   time.Time
	Span string // since the first
}

func (s *Server) caseShow(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.casePage(r.Context(), q, number64(r.PathValue("id")))
	if err != nil {
		return err
	}
	if into := page.Case.MergedInto; into != 0 {
		http.Redirect(w, r, caseAddress(into), http.StatusSeeOther)
		return nil
	}
	return s.render(w, q, http.StatusOK, "case", page)
}

func caseAddress(id int64) string { return "/cases/" + itoa(id) }

func (s *Server) casePage(ctx context.Context, q *Request, id int64) (*casePage, error) {
	c, err := report.GetCase(ctx, s.DB, q.Caller, id)
	if err != nil {
		return nil, err
	}
	page := &casePage{
		Case: q.caseRow(c), Dismiss: q.Field("textarea", "reason", "cases.dismiss.reason"),
		Link: q.Field("number", "advisory", "cases.link.number"), Other: q.Field("select", "other", "cases.merge.other"),
		Reopen:  q.Field("textarea", "reason", "cases.reopen.reason"),
		MayTake: c.State == report.New || c.State == report.Triage,
	}
	page.MayDraft = page.MayTake && c.Advisory == 0
	page.Head = q.Head(page.Case.Heading, Crumb{"/cases", q.T("cases.title")})
	for _, f := range []*Field{&page.Dismiss, &page.Reopen} { // of which the page has one at most
		f.Rows, f.Max, f.Required = 2, 1000, true
	}
	if err := s.caseMails(ctx, q, page); err != nil {
		return nil, err
	}
	g, err := s.Guards.Current(ctx)
	if err != nil {
		return nil, err
	}
	suggestion, err := report.Suggest(ctx, s.DB, q.Caller, g, id)
	if err != nil {
		return nil, err
	}
	if err := s.candidates(ctx, q, page, suggestion.Indicators); err != nil {
		return nil, err
	}
	page.Steps = q.caseSteps(c)
	others, err := report.Cases(ctx, s.DB, q.Caller, report.CaseFilter{Limit: mergeCases})
	if err != nil {
		return nil, err
	}
	for _, o := range others.Items {
		if o.ID != id {
			page.Other.Options = append(page.Other.Options, Option{Value: itoa(o.ID), Label: "#" + itoa(o.ID) + " " + q.caseRow(o).Heading})
		}
	}
	return page, nil
}

// caseMails shows each different redacted mail once.
func (s *Server) caseMails(ctx context.Context, q *Request, page *casePage) error {
	found, err := report.List(ctx, s.DB, q.Caller, report.Filter{Case: page.Case.ID, Limit: caseMails, Mails: true})
	if err != nil {
		return err
	}
	at := map[string]int{}
	for _, item := range found.Items {
		key := item.Subject
		for _, p := range item.Mail.Body {
			key += "\x00" + p.Text
		}
		if i, ok := at[key]; ok {
			page.Mails[i].Same++
			page.Mails[i].All += " " + itoa(item.ID)
			continue
		}
		at[key] = len(page.Mails)
		page.Mails = append(page.Mails, redactedMail{reportRow: q.reportRow(item), Shared: q.sharedView(item.Mail), All: itoa(item.ID)})
	}
	page.More = max(0, page.Case.Reports-len(found.Items))
	return nil
}

func (s *Server) candidates(ctx context.Context, q *Request, page *casePage, all []report.Candidate) error {
	values := make([]indicator.Value, len(all))
	for i, k := range all {
		values[i] = k.Value
	}
	marks, err := s.marks(ctx, q, values)
	for i, m := range marks {
		page.Found = append(page.Found, candidateRow{m, candidateID(all[i]), all[i].Reports, all[i].Institutions})
	}
	return err
}

// candidateID names an indicator in a form, defanged, so that the page holds
// nothing that a program would make a link.
func candidateID(k report.Candidate) string {
	return string(k.Kind) + " " + indicator.Defang(k.Kind, k.Value.Value)
}

func (q *Request) caseSteps(c *report.Case) (steps []stepRow) {
	add := func(key string, at time.Time) {
		if at.IsZero() {
			return
		}
		row := stepRow{Name: q.T(key), At: at}
		if len(steps) > 0 {
			row.Span = q.duration(at.Sub(steps[0].At))
		}
		steps = append(steps, row)
	}
	add("protection.first", c.First)
	add("protection.triage", c.Taken)
	switch c.State {
	case report.Published:
		add("protection.published", c.Decided)
	case report.Dismissed:
		add("cases.step.dismissed", c.Decided)
	}
	return steps
}

// caseAct answers a button of a case.
func (s *Server) caseAct(said string, do func(context.Context, *Request, *http.Request, int64) error) handler {
	return func(w http.ResponseWriter, r *http.Request, q *Request) error {
		id := number64(r.PathValue("id"))
		if _, err := report.GetCase(r.Context(), s.DB, q.Caller, id); err != nil {
			return err
		}
		if err := parseForm(r); err != nil {
			return err
		}
		if err := do(r.Context(), q, r, id); err != nil {
			return s.refuseOnCase(w, r, q, id, err)
		}
		s.wake()
		return s.done(w, r, caseAddress(id), Flash{Key: said})
	}
}

func (s *Server) refuseOnCase(w http.ResponseWriter, r *http.Request, q *Request, id int64, refused error) error {
	page, err := s.casePage(r.Context(), q, id)
	if err != nil {
		return err
	}
	fields := []*Field{&page.Dismiss, &page.Link, &page.Other}
	if page.Case.State == report.Dismissed {
		fields[0] = &page.Reopen
	}
	for _, f := range fields {
		if r.PostForm.Has(f.Name) {
			f.Fill(r.PostForm)
		}
	}
	var ok bool
	if page.Errors, ok = q.Refuse(refused, fields...); !ok {
		return refused
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "case", page)
}

// caseSplit moves the chosen reports into a case of their own.
func (s *Server) caseSplit(w http.ResponseWriter, r *http.Request, q *Request) error {
	id := number64(r.PathValue("id"))
	if _, err := report.GetCase(r.Context(), s.DB, q.Caller, id); err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	var chosen []int64
	for _, some := range r.PostForm["report"] {
		for _, v := range strings.Fields(some) {
			chosen = append(chosen, number64(v))
		}
	}
	other, err := report.Split(r.Context(), s.DB, q.Caller, id, chosen...)
	if err != nil {
		return s.refuseOnCase(w, r, q, id, err)
	}
	return s.done(w, r, caseAddress(other), Flash{Key: "cases.split.done"})
}

// caseDraft makes a draft of the case's advisory and leads to its form, where the
// analyst looks through it and publishes.
func (s *Server) caseDraft(w http.ResponseWriter, r *http.Request, q *Request) error {
	id := number64(r.PathValue("id"))
	if _, err := report.GetCase(r.Context(), s.DB, q.Caller, id); err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	g, err := s.Guards.Current(r.Context())
	if err != nil {
		return err
	}
	suggestion, err := report.Suggest(r.Context(), s.DB, q.Caller, g, id)
	if err != nil {
		return err
	}
	content := suggestion.Content
	keep := map[string]bool{}
	for _, v := range r.PostForm["indicator"] {
		keep[v] = true
	}
	content.Indicators = nil
	for _, k := range suggestion.Indicators {
		if keep[candidateID(k)] {
			content.Indicators = append(content.Indicators, k.Value)
		}
	}
	made, err := report.Publish(r.Context(), s.DB, s.Mailer, q.Caller, g, id, seenRevision(r), content, "draft")
	if err != nil {
		return s.refuseOnCase(w, r, q, id, err)
	}
	s.wake()
	return s.done(w, r, address(made)+"/edit", Flash{Key: "cases.drafted"})
}
