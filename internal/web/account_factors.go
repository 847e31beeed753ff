// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html/template"
	"net/http"
	"time"

	"teiten/internal/auth"
	"teiten/internal/fault"
)

type passwordPage struct {
	Head
	Errors               []FieldError
	Old, Password, Again Field
}

func (q *Request) passwordPage() *passwordPage {
	p := &passwordPage{Head: q.Head(q.T("account.password.title"), Crumb{"/account", q.T("account.title")}),
		Old:      q.Field("password", "old", "account.password.old"),
		Password: q.Field("password", "password", "first.password"), Again: q.Field("password", "again", "first.again")}
	p.Old.Autofill, p.Password.Autofill, p.Again.Autofill = "current-password", "new-password", "new-password"
	for _, f := range []*Field{&p.Old, &p.Password, &p.Again} {
		f.Required, f.Max = true, 200
	}
	return p
}

func (s *Server) passwordForm(w http.ResponseWriter, _ *http.Request, q *Request) error {
	return s.render(w, q, http.StatusOK, "account_password", q.passwordPage())
}

func (s *Server) password(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	dev, _ := q.device()
	var why error = fault.New(fault.Invalid, "first.differ").At("again")
	if r.PostForm.Get("password") == r.PostForm.Get("again") {
		why = auth.ChangePassword(r.Context(), s.DB, dev, q.Caller, q.session, r.PostForm.Get("old"), r.PostForm.Get("password"))
	}
	if why == nil {
		return s.done(w, r, "/account", Flash{Key: "account.password.done"})
	}
	page := q.passwordPage()
	if page.Errors, why = q.refused(why, &page.Old, &page.Password, &page.Again); why != nil {
		return why
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "account_password", page)
}

// appPage replaces the authenticator app in two steps: the secret is made, and
// counts when a code of it was seen. Until then the old app does.
type appPage struct {
	Head
	Errors []FieldError
	Offer  auth.Provisioning // empty before the first step
	QR     template.HTML
	Code   Field
}

func (s *Server) appPage(r *http.Request, q *Request) (*appPage, error) {
	p := &appPage{Head: q.Head(q.T("account.app.title"), Crumb{"/account", q.T("account.title")}), Code: q.Field("text", "code", "first.app.code")}
	p.Code.Required, p.Code.Max, p.Code.Code, p.Code.Autofill = true, 20, true, "one-time-code"
	token := s.cookieValue(r, "app")
	if token == "" {
		return p, nil
	}
	var err error
	p.Offer, err = auth.OfferedTOTP(r.Context(), s.DB, s.Access.Keys, q.Caller, q.session, s.issuer(q), token)
	if fault.Is(err, fault.Forbidden) {
		return p, nil // it took too long, or is somebody else's: one begins again
	}
	if err == nil {
		p.QR, err = auth.QR(p.Offer.URI, q.T("first.app.qr"))
	}
	return p, err
}

func (s *Server) appForm(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.appPage(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "account_app", page)
}

func (s *Server) app(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if r.PostForm.Get("do") != "confirm" {
		token, _, err := auth.BeginTOTP(r.Context(), s.DB, s.Access.Keys, q.Caller, q.session, s.issuer(q))
		if err != nil {
			return err
		}
		s.setCookie(w, "app", token, 15*time.Minute)
		http.Redirect(w, r, "/account/app", http.StatusSeeOther)
		return nil
	}
	dev, _ := q.device()
	why := auth.ConfirmTOTP(r.Context(), s.DB, s.Access.Keys, dev, q.Caller, q.session, s.cookieValue(r, "app"), r.PostForm.Get("code"))
	if why == nil {
		s.clearCookie(w, "app")
		return s.done(w, r, "/account", Flash{Key: "account.app.done"})
	}
	page, err := s.appPage(r, q)
	if err != nil {
		return err
	}
	if page.Errors, err = q.refused(why, &page.Code); err != nil {
		return err
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "account_app", page)
}

type codesPage struct {
	Head
	Codes []string
}

func (s *Server) codesForm(w http.ResponseWriter, _ *http.Request, q *Request) error {
	return s.ask(w, q, q.T("account.codes.title"), q.T("account.codes.ask"), q.T("account.codes.button"), "/account")
}

// ask renders the question that a change of a key begins with; the answer is
// posted to the same address.
func (s *Server) ask(w http.ResponseWriter, q *Request, title, question, button, back string) error {
	return s.render(w, q, http.StatusOK, "confirm", &confirmPage{Head: q.Head(title), Question: question, Button: button, Back: back})
}

// codes makes new recovery codes and shows them, now and never again.
func (s *Server) codes(w http.ResponseWriter, r *http.Request, q *Request) error {
	yes, err := s.confirmed(w, r, q, q.T("account.codes.ask"), q.T("account.codes.button"), "/account", false)
	if err != nil || !yes {
		return err
	}
	codes, err := auth.NewRecoveryCodes(r.Context(), s.DB, s.Access.Keys, q.Caller, q.session)
	if err != nil {
		return err
	}
	page := &codesPage{Head: q.Head(q.T("account.codes.title"), Crumb{"/account", q.T("account.title")}), Codes: codes}
	return s.render(w, q, http.StatusOK, "account_codes", page)
}
