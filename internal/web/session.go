// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
)

// cookie names a cookie. Over HTTPS the prefix makes the browser refuse one
// that another host or a plain connection set.
func (s *Server) cookie(name string) string {
	if s.Secure {
		return "__Host-teiten-" + name
	}
	return "teiten-" + name
}

func (s *Server) setCookie(w http.ResponseWriter, name, value string, life time.Duration) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookie(name), Value: value, Path: "/", MaxAge: int(life.Seconds()),
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	})
}

func (s *Server) clearCookie(w http.ResponseWriter, name string) {
	http.SetCookie(w, &http.Cookie{
		Name: s.cookie(name), Path: "/", MaxAge: -1,
		HttpOnly: true, Secure: s.Secure, SameSite: http.SameSiteLaxMode,
	})
}

func (s *Server) cookieValue(r *http.Request, name string) string {
	c, err := r.Cookie(s.cookie(name))
	if err != nil {
		return ""
	}
	return c.Value
}

// language is the one chosen before, else the portal's own. What the browser
// would like is not asked: many hospital PCs ask for English without anybody
// having chosen it.
func (s *Server) language(r *http.Request) locale.Lang {
	switch l := locale.Lang(s.cookieValue(r, "lang")); l {
	case locale.Japanese, locale.English:
		return l
	}
	return s.Lang
}

func (s *Server) languageChoose(w http.ResponseWriter, r *http.Request, _ *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	s.setCookie(w, "lang", string(locale.Parse(r.PostForm.Get("lang"))), 365*24*time.Hour)
	http.Redirect(w, r, local(r.PostForm.Get("next")), http.StatusSeeOther)
	return nil
}

// parseForm reads a form's body; its fault names a body beyond the limit or
// one that is not a form.
func parseForm(r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return bodyFault(err)
	}
	return nil
}

func bodyFault(err error) error {
	if strings.Contains(err.Error(), "request body too large") {
		return err // carries http.MaxBytesError, which fail knows
	}
	return fault.Wrap(err, fault.Invalid, "web.bad_form")
}

// persona finds out whom the visitor of the sample portal has chosen to be.
func (s *Server) persona(r *http.Request, q *Request) error {
	account := s.Default
	if id, err := strconv.ParseInt(s.cookieValue(r, "persona"), 10, 64); err == nil && id > 0 {
		account = id
	}
	var err error
	if q.personas, err = s.cast.all(r.Context(), s.Personas); err != nil {
		return err
	}
	if account > 0 {
		i := slices.IndexFunc(q.personas, func(c caller.Caller) bool { return c.Account == account })
		if i >= 0 {
			q.Caller = q.personas[i]
		} else if q.Caller, err = s.Personas.Lookup(r.Context(), account); err != nil && !fault.Is(err, fault.NotFound) {
			return err // an account that is gone is nobody
		}
		if q.Caller.Role != "" {
			q.Caller.Channel = "web"
		}
	}
	return nil
}

// cast keeps the personas for some seconds: every page of the sample portal
// asks for them.
type cast struct {
	mu    sync.Mutex
	until time.Time
	list  []caller.Caller
}

func (k *cast) all(ctx context.Context, from Personas) ([]caller.Caller, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if time.Now().Before(k.until) {
		return k.list, nil
	}
	list, err := from.Personas(ctx)
	if err == nil {
		k.list, k.until = list, time.Now().Add(5*time.Second)
	}
	return list, err
}

type personaPage struct {
	Head
	Groups []personaGroup
	Next   string
}

// personaGroup are the accounts of one organisation.
type personaGroup struct {
	Org    string
	People []caller.Caller
}

func personaAddress(r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.RequestURI() == "/" {
		return "/persona"
	}
	return "/persona?next=" + url.QueryEscape(r.URL.RequestURI())
}

func (s *Server) personaForm(w http.ResponseWriter, _ *http.Request, q *Request) error {
	page := &personaPage{Head: q.Head(q.T("web.persona.title")), Next: local(q.Get("next"))}
	at := map[string]int{}
	for _, p := range q.personas {
		i, known := at[p.OrgName]
		if !known {
			i = len(page.Groups)
			at[p.OrgName] = i
			page.Groups = append(page.Groups, personaGroup{Org: p.OrgName})
		}
		page.Groups[i].People = append(page.Groups[i].People, p)
	}
	return s.render(w, q, http.StatusOK, "persona", page)
}

func (s *Server) personaChoose(w http.ResponseWriter, r *http.Request, _ *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	id, err := strconv.ParseInt(r.PostForm.Get("account"), 10, 64)
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "web.persona.unknown")
	}
	if _, err := s.Personas.Lookup(r.Context(), id); err != nil {
		return err
	}
	s.setCookie(w, "persona", strconv.FormatInt(id, 10), 30*24*time.Hour)
	http.Redirect(w, r, local(r.PostForm.Get("next")), http.StatusSeeOther)
	return nil
}

// Flash is what the page after a change says.
type Flash struct {
	Key  string            `json:"k"` // of the sentence, in locale
	Args map[string]string `json:"a,omitempty"`
	Undo string            `json:"u,omitempty"` // address that takes the change back by POST, or ""
}

// text is the sentence.
func (f *Flash) text(lang locale.Lang) string {
	var pairs []any
	for name, v := range f.Args {
		pairs = append(pairs, name, v)
	}
	return lang.T(f.Key, pairs...)
}

// done ends a change: it redirects to next, where the sentence is shown once,
// with a button to take the change back if undo is an address. It travels in a
// sealed cookie, so that no link can put words into the portal's mouth.
func (s *Server) done(w http.ResponseWriter, r *http.Request, next string, f Flash) error {
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	s.setCookie(w, "done", s.sealed(b), time.Minute)
	http.Redirect(w, r, local(next), http.StatusSeeOther)
	return nil
}

func (s *Server) sealed(b []byte) string {
	mac := hmac.New(sha256.New, s.seal[:])
	mac.Write(b)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(b))
}

// flash returns what done left, or nil.
func (s *Server) flash(r *http.Request) *Flash {
	b, err := base64.RawURLEncoding.DecodeString(s.cookieValue(r, "done"))
	if err != nil || len(b) <= sha256.Size {
		return nil
	}
	text := b[: len(b)-sha256.Size : len(b)-sha256.Size]
	if !hmac.Equal([]byte(s.sealed(text)), []byte(base64.RawURLEncoding.EncodeToString(b))) {
		return nil
	}
	var f Flash
	if json.Unmarshal(text, &f) != nil || !locale.Has(f.Key) {
		return nil
	}
	return &f
}
