// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"time"

	"teiten/internal/permit"
	"teiten/internal/report"
)

// protectionDays is the while that Home sums up.
const protectionDays = 90

// protectionView is the way of an advisory from the first report to the filters.
type protectionView struct {
	Steps   []stepRow
	Fetched string // how many institutions' filters have it, of how many
	Share   string // in per cent
	Median  string
	Own     string // since the first report, until the own filter had it
	NotYet  bool   // the own filter has not fetched it
	Names   []fetchRow
}

// fetchRow is one institution's filter, for analysts.
type fetchRow struct {
	Name, Span string
	At         time.Time
}

// protection returns nil for an advisory that came of no report.
func (s *Server) protection(ctx context.Context, q *Request, id int64) (*protectionView, error) {
	p, err := report.ReadProtection(ctx, s.DB, q.Caller, id)
	if err != nil || p == nil {
		return nil, err
	}
	v := &protectionView{}
	first := p.First
	if first.IsZero() {
		first = p.Published
	}
	add := func(key string, at time.Time) {
		if !at.IsZero() {
			row := stepRow{Name: q.T(key), At: at}
			if at.After(first) {
				row.Span = q.duration(at.Sub(first))
			}
			v.Steps = append(v.Steps, row)
		}
	}
	add("protection.first", p.First)
	add("protection.triage", p.Triaged)
	add("protection.published", p.Published)
	add("protection.own", p.Own)
	v.NotYet = p.Own.IsZero() && q.Caller.OrgKind == "institution"
	v.Fetched = q.T("protection.fetched.of", "n", p.Fetched.Text(q.Lang), "of", p.Meant)
	if p.Share >= 0 {
		v.Share = percentage(p.Share)
	}
	if p.Median >= 0 {
		v.Median = q.duration(p.Median)
	}
	for _, f := range p.Fetches {
		row := fetchRow{Name: f.Name, At: f.At}
		if !f.At.IsZero() {
			row.Span = q.duration(f.At.Sub(first))
		}
		v.Names = append(v.Names, row)
	}
	return v, nil
}

func percentage(share float64) string { return percent(int64(share*1000+0.5), 1000) }

// protectionTile is the measure of the whole: from the first report at one
// hospital until the filters of the others have it. Until something was
// reported, it is from registration to publication.
func (s *Server) protectionTile(ctx context.Context, q *Request, since time.Time) (tile, error) {
	sum, err := report.ProtectionSummary(ctx, s.DB, q.Caller, q.Now.AddDate(0, 0, -protectionDays))
	if err != nil {
		return tile{}, err
	}
	if sum == nil || sum.Advisories == 0 || sum.ToPublish < 0 && sum.ToFilter < 0 {
		return s.publishTile(ctx, q, since)
	}
	t := tile{Name: q.T("home.tile.protection")}
	switch {
	case sum.ToFilter >= 0:
		t.Figure, t.Unit = q.span(sum.ToFilter)
		t.Note = q.T("home.tile.protection.filter", "days", protectionDays, "n", sum.Advisories, "share", percentage(max(sum.Share, 0)))
	default:
		t.Figure, t.Unit = q.span(sum.ToPublish)
		t.Note = q.T("home.tile.protection.publish", "days", protectionDays, "n", sum.Advisories)
	}
	return t, nil
}

// mailTasks are what reports bring: what became of one's own, what waits for a
// consent, and for analysts the cases.
func (s *Server) mailTasks(ctx context.Context, q *Request, page *homePage) (list []task, err error) {
	notices, err := report.Notices(ctx, s.DB, q.Caller, true, 5)
	if err != nil {
		return nil, err
	}
	for _, n := range notices {
		t := task{Icon: "done", Text: n.Kind.Text(q.Lang), Note: harmless(n.Subject), Href: reportAddress(n.Report), Button: q.T("home.task.show"),
			Act: "/notices/read", ActName: "notice", ActValue: itoa(n.ID), ActButton: q.T("home.task.read")}
		switch {
		case n.Kind == report.ToldAsked:
			t.Icon, t.Urgent, t.Href = "alert", true, reportAddress(n.Report)+"#consents"
		case n.Advisory != 0:
			t.Href = address(n.Advisory)
		}
		list = append(list, t)
	}
	if permit.May(q.Caller, permit.MailCase) == permit.None {
		return list, nil
	}
	cases, err := report.Cases(ctx, s.DB, q.Caller, report.CaseFilter{States: []report.State{report.New}, Limit: 4})
	if err != nil {
		return nil, err
	}
	for i, c := range cases.Items {
		if i == 3 {
			list = append(list, task{Icon: "mail", Text: q.T("home.task.cases"), Href: "/cases", Button: q.T("cases.title")})
			break
		}
		list = append(list, task{Icon: "mail", Text: q.caseRow(c).Heading, Note: q.T("home.task.case", "reports", c.Reports, "institutions", c.Institutions, "span", q.duration(q.Now.Sub(c.First))),
			Href: caseAddress(c.ID), Button: q.T("cases.open"), Urgent: c.Verdict == "malicious" || c.Institutions > 1})
	}
	return list, nil
}

// noticesRead puts away what the caller was told.
func (s *Server) noticesRead(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	var ids []int64
	for _, v := range r.PostForm["notice"] {
		ids = append(ids, number64(v))
	}
	if err := report.MarkRead(r.Context(), s.DB, q.Caller, ids...); err != nil {
		return err
	}
	return s.done(w, r, "/", Flash{Key: "home.task.read.done"})
}
