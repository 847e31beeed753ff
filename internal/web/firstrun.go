// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"crypto/subtle"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"teiten/internal/fault"
	"teiten/internal/founding"
	"teiten/internal/locale"
)

// FirstRun is the page with which an installation begins, on loopback only.
type FirstRun struct {
	Log  *slog.Logger
	Lang locale.Lang
	// Code stands in the terminal: whoever reads it started the program.
	Code string
	// Host is proposed as the portal's name.
	Host string
	// Found makes the installation.
	Found func(context.Context, founding.Answers) (Founded, error)
	// Begin ends this page and starts the portal. It is called once.
	Begin func()
}

// Founded is what the first operator must keep.
type Founded struct {
	Password, Login, URL   string
	Certificate, Authority string // files
	P12                    []byte
}

type firstRun struct {
	*Server
	FirstRun
	mu    sync.Mutex
	made  *Founded
	wrong int // codes
	begin sync.Once
}

// mostCodes is how many wrong codes end the page: another user of this machine
// is guessing.
const mostCodes = 20

// NewFirstRun returns the page of the first run.
func NewFirstRun(f FirstRun) (http.Handler, error) {
	s := &Server{Config: Config{Log: f.Log, Lang: f.Lang, Now: time.Now, Loopback: true, Deps: Deps{Access: &Access{}}}}
	s.assets = bundle()
	s.pages = s.parse()
	r := &firstRun{Server: s, FirstRun: f}
	s.routes = []route{
		on("GET", "/", Public, open, r.form),
		on("POST", "/", Public, open, r.found),
		on("POST", "/certificate", Public, open, r.certificate),
		on("POST", "/begin", Public, open, r.start),
		on("POST", "/language", Public, open, s.languageChoose),
		on("GET", "/static/{name}", Public, open, s.asset),
		on("GET", "/favicon.ico", Public, open, s.favicon),
	}
	return s.middleware(s.mux(s.routes)), nil
}

type firstRunPage struct {
	Head
	Errors []FieldError
	Made   *Founded
	Code   string // typed rightly before

	CodeField, Name, Operator, Login, Host Field
}

func (f *firstRunPage) fields() []*Field {
	return []*Field{&f.CodeField, &f.Name, &f.Operator, &f.Login, &f.Host}
}

func (r *firstRun) page(q *Request) *firstRunPage {
	p := &firstRunPage{Head: q.Head(q.T("firstrun.title")),
		CodeField: q.Field("text", "code", "firstrun.code"), Name: q.Field("text", "isac", "firstrun.name"), Operator: q.Field("text", "operator", "firstrun.operator"),
		Login: q.Field("text", "login", "firstrun.login"), Host: q.Field("text", "hosts", "firstrun.host")}
	p.CodeField.Code, p.Login.Code, p.Host.Code = true, true, true
	p.Login.Value, p.Host.Value = "operator", r.Host
	for _, f := range p.fields() {
		f.Required, f.Max = true, 200
	}
	return p
}

func (r *firstRun) form(w http.ResponseWriter, _ *http.Request, q *Request) error {
	return r.render(w, q, http.StatusOK, "firstrun", r.page(q))
}

// known reports whether the form carries the code of the terminal.
func (r *firstRun) known(req *http.Request) error {
	typed := strings.ToUpper(strings.Join(strings.Fields(req.PostForm.Get("code")), ""))
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.wrong < mostCodes && subtle.ConstantTimeCompare([]byte(typed), []byte(strings.ToUpper(r.Code))) == 1 {
		return nil
	}
	r.wrong++
	if r.wrong >= mostCodes {
		return fault.New(fault.Forbidden, "firstrun.codes").At("code")
	}
	return fault.New(fault.Invalid, "firstrun.code_wrong").At("code")
}

func (r *firstRun) found(w http.ResponseWriter, req *http.Request, q *Request) error {
	if err := parseForm(req); err != nil {
		return err
	}
	page := r.page(q)
	for _, f := range page.fields() {
		f.Fill(req.PostForm)
	}
	err := r.known(req)
	if err == nil {
		var made Founded
		if made, err = r.Found(req.Context(), founding.Answers{Name: page.Name.Value, Operator: page.Operator.Value,
			Login: page.Login.Value, Hosts: strings.Split(page.Host.Value, ",")}); err == nil {
			r.mu.Lock()
			r.made = &made
			r.mu.Unlock()
			page.Made, page.Code, page.Title = &made, r.Code, q.T("firstrun.done")
			return r.render(w, q, http.StatusOK, "firstrun", page)
		}
	}
	var refused bool
	if page.Errors, refused = q.Refuse(err, page.fields()...); !refused {
		return err
	}
	return r.render(w, q, http.StatusUnprocessableEntity, "firstrun", page)
}

// certificate gives the operator's certificate as a file.
func (r *firstRun) certificate(w http.ResponseWriter, req *http.Request, _ *Request) error {
	made, err := r.after(req)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "application/x-pkcs12")
	h.Set("Content-Disposition", `attachment; filename="operator.p12"`)
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write(made.P12) // the browser may have gone
	return nil
}

// start ends the first run; the portal opens at its own address.
func (r *firstRun) start(w http.ResponseWriter, req *http.Request, q *Request) error {
	made, err := r.after(req)
	if err != nil {
		return err
	}
	page := &firstRunPage{Head: q.Head(q.T("firstrun.begun")), Made: made}
	if err := r.render(w, q, http.StatusOK, "firstrun", page); err != nil {
		return err
	}
	r.begin.Do(r.Begin)
	return nil
}

// after returns what was made, to whoever knows the code.
func (r *firstRun) after(req *http.Request) (*Founded, error) {
	if err := parseForm(req); err != nil {
		return nil, err
	}
	if err := r.known(req); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.made == nil {
		return nil, fault.New(fault.Conflict, "firstrun.first")
	}
	return r.made, nil
}
