// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"

	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/mailer"
	"teiten/internal/passkey"
	"teiten/internal/permit"
)

// signInRoutes are where people show their second key.
func (s *Server) signInRoutes() []route {
	return append(s.accountRoutes(),
		on("GET", "/sign-in", Portal, deviceOnly, s.signInForm),
		on("POST", "/sign-in", Portal, deviceOnly, s.signIn),
		on("POST", "/sign-in/passkey/options", Portal, deviceOnly, s.signInPasskeyOptions),
		on("POST", "/sign-in/passkey", Portal, deviceOnly, s.signInPasskey),
		on("POST", "/sign-in/oidc", Portal, deviceOnly, s.signInProvider),
		on("GET", "/sign-in/oidc/return", Portal, deviceOnly, s.signInReturn),
		on("GET", "/sign-in/first", Portal, deviceOnly, s.firstForm),
		on("POST", "/sign-in/first", Portal, deviceOnly, s.first),
		on("GET", "/sign-in/first/password", Portal, deviceOnly, s.firstPasswordForm),
		on("POST", "/sign-in/first/password", Portal, deviceOnly, s.firstPassword),
		on("GET", "/sign-in/first/app", Portal, deviceOnly, secret(s.firstAppForm)),
		on("POST", "/sign-in/first/app", Portal, deviceOnly, secret(s.firstApp)),
		on("POST", "/sign-out", Portal, may(permit.ProfileOwn), s.signOut),
	)
}

type signInPage struct {
	Head
	Errors   []FieldError
	Device   string // what people call it
	Ended    string // why one is here again, as a sentence
	Provider string // of OpenID Connect, "" for none
	Passkeys bool   // the portal has a name, without which there are none
	Next     string

	Login, Password, Code Field
}

func (s *Server) signInPage(q *Request, next string) *signInPage {
	p := &signInPage{
		Head: q.Head(q.T("signin.title")), Device: deviceName(q), Next: local(next),
		Login: q.Field("text", "login", "signin.login"), Password: q.Field("password", "password", "signin.password"), Code: q.Field("text", "code", "signin.code"),
	}
	p.Login.Autofill, p.Password.Autofill, p.Code.Autofill = "username", "current-password", "one-time-code"
	p.Login.Code, p.Code.Code = true, true
	for _, f := range []*Field{&p.Login, &p.Password, &p.Code} {
		f.Required, f.Max = true, 200
	}
	if q.sessionOver {
		p.Ended = q.T("signin.idle")
	}
	p.Passkeys = s.Access.Party != nil
	if s.Access.Provider != nil {
		p.Provider = s.Access.Provider.Name()
	}
	return p
}

// deviceName is what the certificate is called, or whose it is. Whoever holds
// the device may read the institution's name on it, but not who she is.
func deviceName(q *Request) string {
	c := q.peer.Certificate
	if c == nil {
		return ""
	}
	if c.Label != "" {
		return c.Label + "（" + c.OrgName + "）"
	}
	return c.OrgName
}

func (s *Server) signInForm(w http.ResponseWriter, r *http.Request, q *Request) error {
	next := local(q.Get("next"))
	if q.Caller.Role != "" {
		http.Redirect(w, r, next, http.StatusSeeOther)
		return nil
	}
	return s.render(w, q, http.StatusOK, "signin", s.signInPage(q, next))
}

func (s *Server) signIn(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	dev, _ := q.device()
	token, session, err := auth.SignIn(r.Context(), s.DB, s.Access.Keys, dev, auth.Attempt{
		Login: r.PostForm.Get("login"), Password: r.PostForm.Get("password"), Code: r.PostForm.Get("code"),
		OldToken: s.cookieValue(r, "session"),
	})
	if err != nil {
		page := s.signInPage(q, r.PostForm.Get("next"))
		page.Ended = ""
		page.Login.Fill(r.PostForm)
		return s.signInRefused(w, q, page, err)
	}
	s.signedIn(w, r, token, session)
	http.Redirect(w, r, local(r.PostForm.Get("next")), http.StatusSeeOther)
	return nil
}

// signInRefused shows the form again with what package auth says about it; the
// password is typed anew.
func (s *Server) signInRefused(w http.ResponseWriter, q *Request, page *signInPage, err error) error {
	f := fault.From(err)
	if f.Kind == fault.Internal {
		return err
	}
	page.Errors = []FieldError{{ID: page.Login.ID(), Text: q.Lang.Fault(f)}}
	status := statusOf(err)
	switch seconds, told := f.Args["seconds"].(int64); {
	case told:
		w.Header().Set("Retry-After", strconv.FormatInt(seconds, 10))
	case status == http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "30")
	}
	return s.render(w, q, status, "signin", page)
}

// opened gives the browser its session.
func (s *Server) opened(w http.ResponseWriter, token string) {
	s.setCookie(w, "session", token, sessionLife)
}

// signedIn is opened after a sign-in: the account hears of a device on which it
// never signed in before.
func (s *Server) signedIn(w http.ResponseWriter, r *http.Request, token string, session auth.Session) {
	s.opened(w, token)
	if session.NewDevice {
		s.notify(r, session.Account, mailer.NewDevice, "at", session.Created)
	}
}

// notify tells an account something by mail, where mail is configured. That it
// could not be queued is no reason to refuse what was done.
func (s *Server) notify(r *http.Request, account int64, key string, pairs ...any) {
	if s.Notify == nil {
		return
	}
	if err := s.Notify(r.Context(), account, key, pairs...); err != nil {
		s.Log.Error("notice by mail", "request", requestOf(r).ID, "notice", key, "error", err)
	}
}

func (s *Server) signOut(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := auth.End(r.Context(), s.DB, q.Caller, q.session.ID); err != nil && !fault.Is(err, fault.NotFound) {
		return err
	}
	s.clearCookie(w, "session")
	return s.done(w, r, "/sign-in", Flash{Key: "signin.out.done"})
}

// signInPasskeyOptions begins a sign-in by passkey; the browser's answer goes
// to signInPasskey. What belongs together is held by a cookie.
func (s *Server) signInPasskeyOptions(w http.ResponseWriter, r *http.Request, q *Request) error {
	if s.Access.Party == nil { // a bare address has no passkeys
		return fault.New(fault.NotFound, "fault.not_found")
	}
	dev, _ := q.device()
	state, options, err := passkey.BeginSignIn(r.Context(), s.DB, s.Access.Party, dev.ID, dev.Account)
	if err != nil {
		return err
	}
	return s.ceremony(w, state, options)
}

// ceremony sends the options of a passkey's ceremony to the script that asked.
func (s *Server) ceremony(w http.ResponseWriter, state string, options []byte) error {
	s.setCookie(w, "passkey", state, 5*time.Minute)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(options) // the browser may have gone
	return nil
}

func (s *Server) signInPasskey(w http.ResponseWriter, r *http.Request, q *Request) error {
	if s.Access.Party == nil {
		return fault.New(fault.NotFound, "fault.not_found")
	}
	dev, _ := q.device()
	response, err := io.ReadAll(r.Body)
	if err != nil {
		return bodyFault(err)
	}
	account, err := passkey.FinishSignIn(r.Context(), s.DB, s.Access.Party, dev.ID, s.cookieValue(r, "passkey"), response)
	if err != nil {
		return s.tell(w, q, err)
	}
	s.clearCookie(w, "passkey")
	token, session, err := auth.Open(r.Context(), s.DB, dev, account, auth.ByPasskey, s.cookieValue(r, "session"))
	if err != nil {
		return s.tell(w, q, err)
	}
	s.signedIn(w, r, token, session)
	return s.reply(w, http.StatusOK, map[string]string{"next": local(q.Get("next"))})
}

// tell answers a script with the sentence of a fault.
func (s *Server) tell(w http.ResponseWriter, q *Request, err error) error {
	f := fault.From(err)
	if f.Kind == fault.Internal {
		return err
	}
	return s.reply(w, statusOf(err), map[string]string{"message": q.Lang.Fault(f)})
}

func (s *Server) reply(w http.ResponseWriter, status int, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(b) // the browser may have gone
	return nil
}

// signInProvider sends the browser to the provider of OpenID Connect.
func (s *Server) signInProvider(w http.ResponseWriter, r *http.Request, q *Request) error {
	if s.Access.Provider == nil {
		return fault.New(fault.NotFound, "fault.not_found")
	}
	if err := parseForm(r); err != nil {
		return err
	}
	dev, _ := q.device()
	visit, err := s.Access.Provider.BeginSignIn(r.Context(), s.DB, dev.ID)
	if err != nil {
		return s.signInRefused(w, q, s.signInPage(q, r.PostForm.Get("next")), err)
	}
	s.setCookie(w, "oidc", visit.Token, 10*time.Minute)
	s.setCookie(w, "next", local(r.PostForm.Get("next")), 10*time.Minute)
	return s.away(w, q, s.Access.Provider.Name(), visit.URL)
}

// signInReturn takes the browser back from the provider, whether it went there
// to sign in or to link an identity.
func (s *Server) signInReturn(w http.ResponseWriter, r *http.Request, q *Request) error {
	if s.Access.Provider == nil {
		return fault.New(fault.NotFound, "fault.not_found")
	}
	dev, _ := q.device()
	who := q.Caller
	if who.Role == "" {
		who = caller.Caller{Channel: "web", Device: dev.ID}
	}
	next := local(s.cookieValue(r, "next"))
	out, err := s.Access.Provider.Finish(r.Context(), s.DB, who, s.cookieValue(r, "oidc"), r.URL.Query())
	s.clearCookie(w, "oidc")
	s.clearCookie(w, "next")
	if err != nil {
		if q.Caller.Role != "" {
			return err
		}
		return s.signInRefused(w, q, s.signInPage(q, next), err)
	}
	if out.Linked {
		return s.done(w, r, "/account", Flash{Key: "account.linked"})
	}
	token, session, err := auth.Open(r.Context(), s.DB, dev, out.Account, auth.ByOIDC, s.cookieValue(r, "session"))
	if err != nil {
		return s.signInRefused(w, q, s.signInPage(q, next), err)
	}
	s.signedIn(w, r, token, session)
	http.Redirect(w, r, next, http.StatusSeeOther)
	return nil
}
