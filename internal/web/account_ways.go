// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"net/http"
	"time"

	"teiten/internal/auth"
	"teiten/internal/fault"
	"teiten/internal/federate"
	"teiten/internal/passkey"
)

// passkeyPage adds a passkey, or changes one.
type passkeyPage struct {
	Head
	Errors  []FieldError
	Passkey passkey.Passkey // zero for a new one
	Label   Field
}

func (q *Request) passkeyPage(title string, k passkey.Passkey) *passkeyPage {
	p := &passkeyPage{Head: q.Head(title, Crumb{"/account#passkeys", q.T("account.title")}), Passkey: k, Label: q.Field("text", "label", "account.passkey.label")}
	p.Label.Required, p.Label.Max, p.Label.Value = true, passkey.LongestLabel, k.Label
	return p
}

func (s *Server) passkeyNew(w http.ResponseWriter, _ *http.Request, q *Request) error {
	return s.render(w, q, http.StatusOK, "account_passkey", q.passkeyPage(q.T("account.passkey.new"), passkey.Passkey{}))
}

func (s *Server) passkeyOptions(w http.ResponseWriter, r *http.Request, q *Request) error {
	if s.Access.Party == nil {
		return fault.New(fault.NotFound, "fault.not_found")
	}
	state, options, err := passkey.BeginRegistration(r.Context(), s.DB, q.Caller, s.Access.Party)
	if err != nil {
		return s.tell(w, q, err)
	}
	return s.ceremony(w, state, options)
}

// passkeyAdd takes what the authenticator made, with the person's name for it.
func (s *Server) passkeyAdd(w http.ResponseWriter, r *http.Request, q *Request) error {
	if s.Access.Party == nil {
		return fault.New(fault.NotFound, "fault.not_found")
	}
	var made struct {
		Label    string          `json:"label"`
		Response json.RawMessage `json:"response"`
	}
	if err := json.NewDecoder(r.Body).Decode(&made); err != nil {
		return bodyFault(err)
	}
	_, err := passkey.FinishRegistration(r.Context(), s.DB, q.Caller, s.Access.Party, s.cookieValue(r, "passkey"), made.Label, made.Response)
	if err != nil {
		return s.tell(w, q, err)
	}
	s.clearCookie(w, "passkey")
	said, err := json.Marshal(Flash{Key: "account.passkey.added"})
	if err != nil {
		return err
	}
	s.setCookie(w, "done", s.sealed(said), time.Minute)
	return s.reply(w, http.StatusOK, map[string]string{"next": "/account"})
}

// ownPasskey returns the caller's own passkey that the address names.
func (s *Server) ownPasskey(r *http.Request, q *Request) (passkey.Passkey, error) {
	id, err := pathID(r)
	if err != nil {
		return passkey.Passkey{}, err
	}
	all, err := passkey.List(r.Context(), s.DB, q.Caller)
	if err != nil {
		return passkey.Passkey{}, err
	}
	for _, k := range all {
		if k.ID == id {
			return k, nil
		}
	}
	return passkey.Passkey{}, fault.New(fault.NotFound, "fault.not_found")
}

func (s *Server) passkeyForm(w http.ResponseWriter, r *http.Request, q *Request) error {
	k, err := s.ownPasskey(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "account_passkey", q.passkeyPage(k.Label, k))
}

func (s *Server) passkeyChange(w http.ResponseWriter, r *http.Request, q *Request) error {
	k, err := s.ownPasskey(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	page, done := q.passkeyPage(k.Label, k), "account.passkey.renamed"
	var why error
	if r.PostForm.Get("do") == "remove" {
		yes, err := s.confirmed(w, r, q, q.T("account.passkey.remove.ask", "name", k.Label), q.T("account.passkey.remove"), q.Path, true)
		if err != nil || !yes {
			return err
		}
		factors, err := auth.OwnFactors(r.Context(), s.DB, q.Caller)
		if err != nil {
			return err
		}
		done = "account.passkey.removed"
		why = passkey.Remove(r.Context(), s.DB, q.Caller, k.ID, factors.Password && factors.TOTP)
	} else {
		page.Label.Fill(r.PostForm)
		why = passkey.Rename(r.Context(), s.DB, q.Caller, k.ID, page.Label.Value)
	}
	if why == nil {
		return s.done(w, r, "/account#passkeys", Flash{Key: done})
	}
	if page.Errors, err = q.refused(why, &page.Label); err != nil {
		return err
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "account_passkey", page)
}

func (s *Server) linkForm(w http.ResponseWriter, _ *http.Request, q *Request) error {
	if s.Access.Provider == nil {
		return fault.New(fault.NotFound, "fault.not_found")
	}
	name := s.Access.Provider.Name()
	return s.ask(w, q, q.T("account.link.title", "name", name), q.T("account.link.ask", "name", name), q.T("account.link.button"), "/account#identities")
}

// link sends the browser to the provider to say which identity there is hers.
func (s *Server) link(w http.ResponseWriter, r *http.Request, q *Request) error {
	if s.Access.Provider == nil {
		return fault.New(fault.NotFound, "fault.not_found")
	}
	visit, err := s.Access.Provider.BeginLink(r.Context(), s.DB, q.Caller)
	if err != nil {
		return err
	}
	s.setCookie(w, "oidc", visit.Token, 10*time.Minute)
	return s.away(w, q, s.Access.Provider.Name(), visit.URL)
}

type awayPage struct {
	Head
	Name, URL string
}

// away leads the browser to another site after a form was sent. A redirect
// would be stopped: the policy lets forms go to the portal alone, and browsers
// hold that against redirects of the answer too (CSP 3, section 6.4.2).
func (s *Server) away(w http.ResponseWriter, q *Request, name, address string) error {
	w.Header().Set("Refresh", "0; url="+address)
	return s.render(w, q, http.StatusOK, "away", &awayPage{Head: q.Head(q.T("account.away.title", "name", name)), Name: name, URL: address})
}

// ownIdentity returns the caller's own identity that the address names.
func (s *Server) ownIdentity(r *http.Request, q *Request) (federate.Identity, error) {
	id, err := pathID(r)
	if err != nil {
		return federate.Identity{}, err
	}
	all, err := federate.Identities(r.Context(), s.DB, q.Caller)
	if err != nil {
		return federate.Identity{}, err
	}
	for _, i := range all {
		if i.ID == id {
			return i, nil
		}
	}
	return federate.Identity{}, fault.New(fault.NotFound, "fault.not_found")
}

func (s *Server) identityForm(w http.ResponseWriter, r *http.Request, q *Request) error {
	i, err := s.ownIdentity(r, q)
	if err != nil {
		return err
	}
	return s.ask(w, q, q.T("account.unlink.title"), q.T("account.unlink.ask", "issuer", i.Issuer), q.T("account.unlink"), "/account#identities")
}

func (s *Server) identityUnlink(w http.ResponseWriter, r *http.Request, q *Request) error {
	i, err := s.ownIdentity(r, q)
	if err != nil {
		return err
	}
	yes, err := s.confirmed(w, r, q, q.T("account.unlink.ask", "issuer", i.Issuer), q.T("account.unlink"), "/account#identities", false)
	if err != nil || !yes {
		return err
	}
	if err := federate.Unlink(r.Context(), s.DB, q.Caller, i.ID); err != nil {
		return err
	}
	return s.done(w, r, "/account#identities", Flash{Key: "account.unlinked"})
}
