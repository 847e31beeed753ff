// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"io"
	"net/http"
	"net/url"

	"teiten/internal/auth"
	"teiten/internal/fault"
	"teiten/internal/passkey"
)

// passkeyBody bounds a browser's answer in a passkey's ceremony, with the
// label around it.
const passkeyBody = passkey.MaxResponse + 4<<10

// proven lets a handler run only for a person who showed her factors just now.
// Anybody else is asked for them and then goes on to the same address, which
// must answer GET too.
func (s *Server) proven(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, q *Request) error {
		if auth.Recent(r.Context(), q.session) == nil {
			return h(w, r, q)
		}
		next := r.URL.Path
		if r.Method == http.MethodGet {
			next = r.URL.RequestURI()
		}
		http.Redirect(w, r, proveAddress(next), http.StatusSeeOther)
		return nil
	}
}

// provenScript is proven for what only the page of a new passkey asks for.
func (s *Server) provenScript(h handler) handler {
	return func(w http.ResponseWriter, r *http.Request, q *Request) error {
		err := auth.Recent(r.Context(), q.session)
		if err == nil {
			return h(w, r, q)
		}
		return s.reply(w, http.StatusForbidden, map[string]string{"message": q.Lang.Fault(err), "next": proveAddress("/account/passkeys/new")})
	}
}

func proveAddress(next string) string { return "/account/prove?next=" + url.QueryEscape(next) }

type provePage struct {
	Head
	Errors         []FieldError
	Next           string
	Passkey        bool // the person has one
	Password, Code Field
}

func (s *Server) provePage(r *http.Request, q *Request, next string) (*provePage, error) {
	p := &provePage{Head: q.Head(q.T("account.prove.title")), Next: local(next),
		Password: q.Field("password", "password", "signin.password"), Code: q.Field("text", "code", "signin.code")}
	p.Password.Autofill, p.Code.Autofill, p.Code.Code = "current-password", "one-time-code", true
	p.Password.Required, p.Password.Max, p.Code.Required, p.Code.Max = true, 200, true, 200
	if s.Access.Party == nil {
		return p, nil
	}
	n, err := passkey.Count(r.Context(), s.DB, q.Caller.Account)
	p.Passkey = n > 0
	return p, err
}

func (s *Server) proveForm(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.provePage(r, q, q.Get("next"))
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "account_prove", page)
}

func (s *Server) prove(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	dev, _ := q.device()
	token, _, err := auth.Reauthenticate(r.Context(), s.DB, s.Access.Keys, dev, s.cookieValue(r, "session"),
		auth.Attempt{Password: r.PostForm.Get("password"), Code: r.PostForm.Get("code")})
	if err != nil {
		page, wrong := s.provePage(r, q, r.PostForm.Get("next"))
		if wrong != nil {
			return wrong
		}
		if page.Errors, err = q.refused(err, &page.Password, &page.Code); err != nil {
			return err
		}
		return s.render(w, q, http.StatusForbidden, "account_prove", page)
	}
	s.opened(w, token)
	http.Redirect(w, r, local(r.PostForm.Get("next")), http.StatusSeeOther)
	return nil
}

// refused puts a reason at the field that it names, or above the form,
// whatever its kind; a failure of the program is returned.
func (q *Request) refused(err error, fields ...*Field) ([]FieldError, error) {
	f := fault.From(err)
	if f.Kind == fault.Internal {
		return nil, err
	}
	text := q.Lang.Fault(f)
	for _, field := range fields {
		if field.Name == f.Field {
			field.Error = text
			return Summary(field), nil
		}
	}
	return []FieldError{{Text: text}}, nil
}

func (s *Server) provePasskeyOptions(w http.ResponseWriter, r *http.Request, q *Request) error {
	if s.Access.Party == nil {
		return fault.New(fault.NotFound, "fault.not_found")
	}
	dev, _ := q.device()
	state, options, err := passkey.BeginSignIn(r.Context(), s.DB, s.Access.Party, dev.ID, q.Caller.Account)
	if err != nil {
		return s.tell(w, q, err)
	}
	return s.ceremony(w, state, options)
}

// provePasskey renews the proof of the session with a passkey, which must be
// the session's own person's: on a shared PC others have theirs too.
func (s *Server) provePasskey(w http.ResponseWriter, r *http.Request, q *Request) error {
	if s.Access.Party == nil {
		return fault.New(fault.NotFound, "fault.not_found")
	}
	response, err := io.ReadAll(r.Body)
	if err != nil {
		return bodyFault(err)
	}
	dev, _ := q.device()
	account, err := passkey.FinishSignIn(r.Context(), s.DB, s.Access.Party, dev.ID, s.cookieValue(r, "passkey"), response)
	s.clearCookie(w, "passkey")
	if err == nil && account != q.Caller.Account {
		err = fault.New(fault.Forbidden, "auth.refused")
	}
	if err != nil {
		return s.tell(w, q, err)
	}
	token, _, err := auth.Proved(r.Context(), s.DB, dev, s.cookieValue(r, "session"), auth.ByPasskey)
	if err != nil {
		return s.tell(w, q, err)
	}
	s.opened(w, token)
	return s.reply(w, http.StatusOK, map[string]string{"next": local(q.Get("next"))})
}
