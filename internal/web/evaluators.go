// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"net/http"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/locale"
	"teiten/internal/member"
	"teiten/internal/store"
)

// evaluatorsPage keeps the accounts of outside researchers and reports what
// they answered to "did this help?".
type evaluatorsPage struct {
	Head
	Tabs   []Tab
	Errors []FieldError
	List   []member.Evaluation
	Total  member.Evaluation
	Bodies bool // there is an outside body to which one can belong
	Form   evaluatorForm
}

type evaluatorForm struct{ Org, Name, Login, Mail, Expires Field }

func (f *evaluatorForm) fields() []*Field {
	return []*Field{&f.Org, &f.Name, &f.Login, &f.Mail, &f.Expires}
}

func (s *Server) evaluators(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.evaluatorsPage(r.Context(), q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "evaluators", page)
}

func (s *Server) evaluatorsPage(ctx context.Context, q *Request) (*evaluatorsPage, error) {
	q.Path = "/members/evaluators"
	page := &evaluatorsPage{Head: q.Head(q.T("evaluators.title"), underManage(q)...)}
	var err error
	if page.Tabs, err = s.memberTabs(ctx, q, q.Path); err != nil {
		return nil, err
	}
	if page.List, page.Total, err = member.Evaluations(ctx, s.DB, q.Caller); err != nil {
		return nil, err
	}
	orgs, err := member.Organisations(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	f := &page.Form
	f.Org, f.Name = q.Field("select", "org", "evaluators.org"), q.Field("text", "name", "people.name")
	f.Login, f.Mail, f.Expires = q.Field("text", "login", "people.login"), q.Field("email", "mail", "people.mail"), q.Field("date", "expires", "evaluators.expires")
	for _, o := range orgs {
		if o.Kind == caller.Outside && o.LeftAt.IsZero() {
			f.Org.Options = append(f.Org.Options, Option{Value: itoa(o.ID), Label: o.Name})
		}
	}
	page.Bodies = len(f.Org.Options) > 0
	f.Name.Required, f.Name.Max, f.Login.Required, f.Login.Code, f.Login.Max, f.Expires.Required = true, 200, true, true, 64, true
	f.Mail.Max = 254
	f.Expires.Value = q.Now.In(locale.Tokyo).AddDate(0, 3, 0).Format("2006-01-02")
	return page, nil
}

func (s *Server) evaluatorAdd(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	a := member.Account{
		Org: member.Organisation{ID: typedID(r.PostForm, "org")}, Name: r.PostForm.Get("name"), Role: caller.Staff,
		Login: r.PostForm.Get("login"), Mail: r.PostForm.Get("mail"), Evaluator: true,
	}
	var id int64
	until, err := typedEnd(r.PostForm)
	if err == nil {
		a.ExpiresAt = until
		id, err = s.addPerson(r.Context(), q, a)
	}
	if err != nil {
		page, wrong := s.evaluatorsPage(r.Context(), q)
		if wrong != nil {
			return wrong
		}
		for _, f := range page.Form.fields() {
			f.Fill(r.PostForm)
		}
		var ok bool
		if page.Errors, ok = q.Refuse(err, page.Form.fields()...); !ok {
			return err
		}
		return s.render(w, q, http.StatusUnprocessableEntity, "evaluators", page)
	}
	return s.done(w, r, "/people/"+itoa(id), Flash{Key: "people.added"})
}

// addPerson registers an account in a transaction of its own.
func (s *Server) addPerson(ctx context.Context, q *Request, a member.Account) (id int64, err error) {
	err = s.DB.Write(ctx, q.Caller, func(tx *store.Tx) error {
		id, err = member.AddAccount(ctx, tx, a)
		return err
	})
	return id, err
}

// evaluatorsCSV answers with the report. The byte order mark makes spreadsheets
// read UTF-8.
func (s *Server) evaluatorsCSV(w http.ResponseWriter, r *http.Request, q *Request) error {
	list, total, err := member.Evaluations(r.Context(), s.DB, q.Caller)
	if err == nil {
		err = audit.Taken(r.Context(), s.DB, q.Caller, "evaluation.export", "evaluations")
	}
	if err != nil {
		return err
	}
	total.Name = q.T("evaluators.total")
	var b bytes.Buffer
	b.WriteString("\ufeff")
	out := csv.NewWriter(&b)
	out.UseCRLF = true // RFC 4180 section 2
	out.Write(member.EvaluationHeader())
	for _, e := range append(list, total) {
		record := e.Record()
		for i := range record {
			record[i] = csvCell(record[i])
		}
		out.Write(record)
	}
	out.Flush() // to memory: it cannot fail
	sendCSV(w, fmt.Sprintf("teiten-evaluators-%s.csv", q.Now.In(locale.Tokyo).Format("2006-01-02")), b.Bytes())
	return nil
}

// Until is the last day of an evaluator's account.
func (p *evaluatorsPage) Until(e member.Evaluation) string {
	if e.ExpiresAt.IsZero() {
		return "–"
	}
	return p.untilDay(e.ExpiresAt)
}
