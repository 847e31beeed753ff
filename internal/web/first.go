// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html/template"
	"net/http"
	"time"

	"teiten/internal/auth"
	"teiten/internal/fault"
	"teiten/internal/federate"
	"teiten/internal/mailer"
	"teiten/internal/passkey"
)

// The first sign-in has three steps: the one-time code that came with the
// certificate, a password of one's own, and the authenticator app. The same
// steps follow a recovery.

type firstPage struct {
	Head
	Errors []FieldError
	Step   int  // 1 to 4; 4 shows the recovery codes
	Shared bool // a ward's PC, where one says who one is
	SetUp  auth.SetUp
	QR     template.HTML
	Codes  []string

	Login, Code, Password, Again Field
}

const firstStepLife = 15 * time.Minute

func (s *Server) firstPage(q *Request, step int) *firstPage {
	dev, _ := q.device()
	p := &firstPage{
		Head: q.Head(q.T("first.title")), Step: step, Shared: dev.Account == 0,
		Login: q.Field("text", "login", "signin.login"), Code: q.Field("text", "code", "first.code"),
		Password: q.Field("password", "password", "first.password"), Again: q.Field("password", "again", "first.again"),
	}
	if step == 3 {
		p.Code = q.Field("text", "code", "first.app.code")
	}
	p.Login.Autofill, p.Code.Autofill, p.Password.Autofill, p.Again.Autofill = "username", "one-time-code", "new-password", "new-password"
	p.Login.Code, p.Code.Code = true, true
	for _, f := range []*Field{&p.Login, &p.Code, &p.Password, &p.Again} {
		f.Required, f.Max = true, 200
	}
	return p
}

// issuer is what authenticator apps call the portal.
func (s *Server) issuer(q *Request) string { return q.T("web.name") }

func (s *Server) firstForm(w http.ResponseWriter, _ *http.Request, q *Request) error {
	return s.render(w, q, http.StatusOK, "first", s.firstPage(q, 1))
}

func (s *Server) first(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	dev, _ := q.device()
	token, _, err := auth.Begin(r.Context(), s.DB, s.Access.Keys, dev, s.issuer(q), r.PostForm.Get("login"), r.PostForm.Get("code"))
	if err != nil {
		page := s.firstPage(q, 1)
		page.Login.Fill(r.PostForm)
		return s.firstRefused(w, q, page, &page.Code, err)
	}
	s.setCookie(w, "first", token, firstStepLife)
	http.Redirect(w, r, "/sign-in/first/password", http.StatusSeeOther)
	return nil
}

// firstRefused shows a step again with the reason at its field.
func (s *Server) firstRefused(w http.ResponseWriter, q *Request, page *firstPage, field *Field, err error) error {
	f := fault.From(err)
	if f.Kind == fault.Internal {
		return err
	}
	field.Error = q.Lang.Fault(f)
	page.Errors = Summary(field)
	return s.render(w, q, statusOf(err), "first", page)
}

// firstStep returns how far the person has come, or sends her back to the
// first step.
func (s *Server) firstStep(w http.ResponseWriter, r *http.Request, q *Request, step int) (*firstPage, error) {
	dev, _ := q.device()
	page := s.firstPage(q, step)
	var err error
	page.SetUp, err = auth.Continue(r.Context(), s.DB, s.Access.Keys, dev, s.issuer(q), s.cookieValue(r, "first"))
	if fault.Is(err, fault.Forbidden) {
		first := s.firstPage(q, 1)
		return nil, s.firstRefused(w, q, first, &first.Code, err)
	}
	if err == nil && step == 3 {
		page.QR, err = auth.QR(page.SetUp.URI, q.T("first.app.qr"))
	}
	return page, err
}

func (s *Server) firstPasswordForm(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.firstStep(w, r, q, 2)
	if page == nil || err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "first", page)
}

func (s *Server) firstPassword(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	page, err := s.firstStep(w, r, q, 2)
	if page == nil || err != nil {
		return err
	}
	dev, _ := q.device()
	field := &page.Password
	if r.PostForm.Get("password") != r.PostForm.Get("again") {
		field, err = &page.Again, fault.New(fault.Invalid, "first.differ")
	} else {
		err = auth.ChoosePassword(r.Context(), s.DB, s.Access.Keys, dev, s.cookieValue(r, "first"), r.PostForm.Get("password"))
	}
	if err != nil {
		return s.firstRefused(w, q, page, field, err)
	}
	http.Redirect(w, r, "/sign-in/first/app", http.StatusSeeOther)
	return nil
}

func (s *Server) firstAppForm(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.firstStep(w, r, q, 3)
	if page == nil || err != nil {
		return err
	}
	if !page.SetUp.Password {
		http.Redirect(w, r, "/sign-in/first/password", http.StatusSeeOther)
		return nil
	}
	return s.render(w, q, http.StatusOK, "first", page)
}

func (s *Server) firstApp(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	page, err := s.firstStep(w, r, q, 3)
	if page == nil || err != nil {
		return err
	}
	dev, _ := q.device()
	done, err := auth.Finish(r.Context(), s.DB, s.Access.Keys, dev, s.cookieValue(r, "first"), r.PostForm.Get("code"),
		passkey.RemoveAll, federate.UnlinkAll)
	if err != nil {
		return s.firstRefused(w, q, page, &page.Code, err)
	}
	s.clearCookie(w, "first")
	s.opened(w, done.Token)
	if done.Recovered {
		s.notify(r, done.Session.Account, mailer.Recovery, "at", done.Session.Created)
	}
	page = s.firstPage(q, 4)
	page.Codes = done.Codes
	return s.render(w, q, http.StatusOK, "first", page)
}
