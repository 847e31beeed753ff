// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/fault"
)

// table is every address of the portal: method, pattern, door, who may come,
// handler, and what departs from the usual (body 1 MiB, 30 s).
func (s *Server) table() []route {
	return slices.Concat(s.siteRoutes(), s.intelRoutes(), s.toolRoutes())
}

// siteRoutes are what the site itself needs.
func (s *Server) siteRoutes() []route {
	return []route{
		on("GET", "/persona", Public, open, s.personaForm),
		on("POST", "/persona", Public, open, s.personaChoose),
		on("POST", "/language", Public, open, s.languageChoose),
		on("GET", "/style", Public, open, s.style),
		on("POST", "/style", Public, open, s.styleForm),
		on("POST", "/style/withdraw", Public, open, s.styleWithdraw),
		on("POST", "/style/preview", Public, open, s.stylePreview),
		on("GET", "/static/{name}", Public, open, s.asset),
		on("GET", "/favicon.ico", Public, open, s.favicon),
		on("GET", "/healthz", Public, open, s.healthz),
	}
}

// Rules for the table.
var (
	open    = rule{open: true} // at the public door: anybody
	anyRole = only(caller.Operator, caller.Analyst, caller.Contact, caller.Staff, caller.Executive)
	experts = only(caller.Operator, caller.Analyst)                 // the ISAC
	contact = only(caller.Operator, caller.Analyst, caller.Contact) // whoever answers for security
	machine = only(caller.Machine)
)

// Door is how a request proves where it comes from.
type Door string

const (
	// Portal is for people who are signed in.
	Portal Door = "portal"
	// Machine is for machines with a token or a certificate.
	Machine Door = "machine"
	// Public is for anybody.
	Public Door = "public"
)

// rule says which roles may use a route. The zero rule allows nothing and
// cannot be registered.
type rule struct {
	open  bool
	roles []caller.Role
}

func only(roles ...caller.Role) rule { return rule{roles: roles} }

// handler answers a request or returns why it does not; it writes nothing
// before it returns an error.
type handler func(w http.ResponseWriter, r *http.Request, q *Request) error

// route is one line of the table.
type route struct {
	method, pattern string
	door            Door
	rule            rule
	handler         handler
	nav             string        // key of the navigation entry, or ""
	body            int64         // most bytes of a request body
	within          time.Duration // the handler's context ends after this
}

type option func(*route)

func on(method, pattern string, door Door, who rule, h handler, options ...option) route {
	rt := route{
		method: method, pattern: pattern, door: door, rule: who, handler: h,
		body: 1 << 20, within: 30 * time.Second,
	}
	for _, o := range options {
		o(&rt)
	}
	return rt
}

// nav puts the route into the navigation, in the table's order.
func nav(key string) option { return func(rt *route) { rt.nav = key } }

// body allows a request body of up to n bytes.
func body(n int64) option { return func(rt *route) { rt.body = n } }

// within gives the handler another time limit.
func within(d time.Duration) option { return func(rt *route) { rt.within = d } }

// check panics if the route says too little to be safe.
func (s *Server) check(rt route) {
	wrong := func(why string) { panic(fmt.Sprintf("web: route %s %s: %s", rt.method, rt.pattern, why)) }
	switch {
	case rt.handler == nil:
		wrong("no handler")
	case !slices.Contains([]string{"GET", "POST"}, rt.method):
		wrong("method is neither GET nor POST")
	case !strings.HasPrefix(rt.pattern, "/"):
		wrong("pattern does not begin with /")
	case rt.body <= 0 || rt.within <= 0:
		wrong("no limits")
	case rt.rule.open && len(rt.rule.roles) > 0:
		wrong("open and for roles")
	case rt.rule.open != (rt.door == Public):
		wrong("the public door, and no other, is open")
	case !rt.rule.open && len(rt.rule.roles) == 0:
		wrong("no rule")
	}
	switch rt.door {
	case Portal:
		if slices.Contains(rt.rule.roles, caller.Machine) {
			wrong("machines do not use the portal door")
		}
	case Machine:
		if !slices.Equal(rt.rule.roles, machine.roles) {
			wrong("only machines use the machine door")
		}
		if s.Machine == nil {
			wrong("Deps.Machine is missing")
		}
	case Public:
	default:
		wrong("no door")
	}
	for _, role := range rt.rule.roles {
		if !slices.Contains(caller.Roles, role) {
			wrong("unknown role " + string(role))
		}
	}
}

// mux registers the table and the mounts, and answers what neither knows.
func (s *Server) mux(table []route) http.Handler {
	mux := http.NewServeMux()
	for _, rt := range table {
		s.check(rt)
		pattern := rt.pattern
		if pattern == "/" {
			pattern = "/{$}" // the home page, not everything below it
		}
		mux.Handle(rt.method+" "+pattern, s.serve(rt))
	}
	for _, m := range s.Mounts {
		mux.Handle(m.Pattern, m.Handler)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h, pattern := mux.Handler(r)
		q := requestOf(r)
		q.route = pattern
		if pattern != "" {
			mux.ServeHTTP(w, r)
			return
		}
		if err := s.identify(r, q); err != nil { // for the header of the error page
			s.fail(w, r, err)
			return
		}
		// The mux's own answer says whether the address exists for another method.
		probe := &probe{header: http.Header{}}
		h.ServeHTTP(probe, r)
		if probe.status == http.StatusMethodNotAllowed {
			w.Header().Set("Allow", probe.header.Get("Allow"))
			s.fail(w, r, statusError{http.StatusMethodNotAllowed, fault.New(fault.Invalid, "web.method")})
			return
		}
		s.fail(w, r, fault.New(fault.NotFound, "web.not_found"))
	})
}

// serve puts the route's rule and limits in front of its handler.
func (s *Server) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), rt.within)
		defer cancel()
		r = r.WithContext(ctx)
		q := requestOf(r)
		if r.ContentLength > rt.body {
			s.fail(w, r, fault.New(fault.TooLarge, "web.too_large", "limit", size(rt.body)))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, rt.body)
		admitted, err := s.admit(w, r, q, rt)
		if err == nil && admitted && rt.door == Portal && s.DB != nil {
			q.known, err = advisory.Techniques(ctx, s.DB)
		}
		if err == nil && admitted {
			if err = rt.handler(w, r, q); fault.Is(err, fault.Forbidden) {
				s.denied(r, q, rt) // by a noun, which knows more than the route
			}
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

// admit finds out who calls and holds the route's rule against it. Without
// error and without admission the answer is already written.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, q *Request, rt route) (bool, error) {
	if rt.door == Machine {
		who, err := s.Machine(r)
		if err != nil {
			return false, err
		}
		q.Caller = who
	} else if err := s.identify(r, q); err != nil {
		return false, err
	}
	if rt.rule.open {
		return true, nil
	}
	if rt.door == Portal && q.Caller.Role == "" {
		http.Redirect(w, r, personaAddress(r), http.StatusSeeOther)
		return false, nil
	}
	if err := q.Caller.Need(rt.rule.roles...); err != nil {
		s.denied(r, q, rt)
		return false, err
	}
	return true, nil
}

// denied tells of a refusal, even if the caller does not wait for the answer.
func (s *Server) denied(r *http.Request, q *Request, rt route) {
	if s.Denied != nil && q.Caller.Role != "" {
		s.Denied(context.WithoutCancel(r.Context()), q.Caller, rt.method+" "+rt.pattern)
	}
}

// probe takes the mux's answer without sending it.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(status int)      { p.status = status }
