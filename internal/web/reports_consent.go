// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/report"
)

// consentDays are for how long a consent can be given, in days.
var consentDays = []int{1, 3, 7, 14, 30}

// askedConsents are the questions that wait for the caller's answer.
func (s *Server) askedConsents(ctx context.Context, q *Request) ([]report.Consent, error) {
	if !q.Caller.Is(caller.Contact) {
		return nil, nil
	}
	return report.Consents(ctx, s.DB, q.Caller, report.ConsentFilter{Open: true})
}

// consentRows are consents with the forms that answer them. Each form has its own
// names, for a page may have several.
func (s *Server) consentRows(ctx context.Context, q *Request, f report.ConsentFilter) ([]consentRow, error) {
	all, err := report.Consents(ctx, s.DB, q.Caller, f)
	rows := make([]consentRow, 0, len(all))
	for _, c := range all {
		own := q.Caller.Is(caller.Contact, caller.Operator) && c.Org == q.Caller.Org
		row := consentRow{Consent: c, MayAnswer: own && c.State == report.Asked, MayRevoke: own && c.State == report.Granted}
		row.Reason, row.Answer = harmless(c.Reason), harmless(c.Answer)
		row.Form, row.Days = q.Field("text", "reason-"+itoa(c.ID), "reporting.consent.reason"), q.Field("select", "days-"+itoa(c.ID), "reporting.consent.days")
		if row.MayRevoke {
			row.Form.Label, row.Form.Required = q.T("reporting.consent.revoke.reason"), true
		}
		row.Form.Max, row.Days.Value = 1000, "7"
		for _, d := range consentDays {
			row.Days.Options = append(row.Days.Options, Option{Value: itoa(int64(d)), Label: q.T("reporting.consent.days.n", "n", d)})
		}
		rows = append(rows, row)
	}
	return rows, err
}

func (s *Server) originalAsk(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	id := number64(r.PathValue("id"))
	if _, err := report.AskOriginal(r.Context(), s.DB, s.Mailer, q.Caller, id, r.PostForm.Get("reason")); err != nil {
		return s.refuseOnReport(w, r, q, id, err)
	}
	s.wake()
	return s.done(w, r, reportAddress(id), Flash{Key: "reporting.asked"})
}

// refuseOnReport renders the report again with the reason at its field.
func (s *Server) refuseOnReport(w http.ResponseWriter, r *http.Request, q *Request, id int64, refused error) error {
	page, err := s.reportPage(r.Context(), q, id)
	if err != nil {
		return err
	}
	fields := []*Field{&page.Reason}
	for i := range page.Consents {
		fields = append(fields, &page.Consents[i].Form, &page.Consents[i].Days)
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
	return s.render(w, q, http.StatusUnprocessableEntity, "report", page)
}

// consentOf loads a consent that the caller may know of.
func (s *Server) consentOf(r *http.Request, q *Request) (report.Consent, error) {
	return report.GetConsent(r.Context(), s.DB, q.Caller, number64(r.PathValue("id")))
}

func consentReason(r *http.Request, c report.Consent) string {
	return r.PostForm.Get("reason-" + itoa(c.ID))
}

// atConsent puts a refusal at the field of the consent's own form.
func atConsent(err error, c report.Consent) error {
	if f := fault.From(err); f.Field == "reason" {
		return f.At("reason-" + itoa(c.ID))
	}
	return err
}

func (s *Server) consentAnswer(w http.ResponseWriter, r *http.Request, q *Request) error {
	c, err := s.consentOf(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	granted, said := r.PostForm.Get("answer") == "yes", "reporting.refused"
	if granted {
		said = "reporting.granted"
	}
	until := time.Time{}
	if days := number64(r.PostForm.Get("days-" + itoa(c.ID))); days > 0 {
		until = q.Now.AddDate(0, 0, int(min(days, 30)))
	}
	if err := report.AnswerConsent(r.Context(), s.DB, s.Mailer, q.Caller, c.ID, granted, consentReason(r, c), until); err != nil {
		return s.refuseOnReport(w, r, q, c.Report, atConsent(err, c))
	}
	s.wake()
	return s.done(w, r, reportAddress(c.Report), Flash{Key: said})
}

func (s *Server) consentRevoke(w http.ResponseWriter, r *http.Request, q *Request) error {
	c, err := s.consentOf(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	if err := report.RevokeConsent(r.Context(), s.DB, q.Caller, c.ID, consentReason(r, c)); err != nil {
		return s.refuseOnReport(w, r, q, c.Report, atConsent(err, c))
	}
	return s.done(w, r, reportAddress(c.Report), Flash{Key: "reporting.revoked"})
}
