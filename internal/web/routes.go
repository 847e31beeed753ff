// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/permit"
	"teiten/internal/token"
)

// table is every address of the portal: method, pattern, door, who may come,
// handler, and what departs from the usual (body 1 MiB, 30 s).
func (s *Server) table() []route {
	home := []route{on("GET", "/", Portal, may(permit.AdvisoryRead), s.home, nav("home"))}
	return slices.Concat(s.siteRoutes(), home, s.mailRoutes(), s.mailboxRoutes(), s.intelRoutes(), s.toolRoutes(), s.deviceRoutes(), s.registerRoutes())
}

// siteRoutes are what the site itself needs.
func (s *Server) siteRoutes() []route {
	always := []route{
		on("POST", "/language", Public, open, s.languageChoose),
		on("GET", "/static/{name}", Public, open, s.asset),
		on("GET", "/favicon.ico", Public, open, s.favicon),
		on("GET", "/healthz", Public, open, s.healthz),
	}
	if !s.sample() {
		return append(always, s.signInRoutes()...)
	}
	return append(always,
		on("GET", "/persona", Public, open, s.personaForm),
		on("POST", "/persona", Public, open, s.personaChoose),
		on("GET", "/style", Public, open, s.style),
		on("POST", "/style", Public, open, s.styleForm),
		on("POST", "/style/withdraw", Public, open, s.styleWithdraw),
		on("POST", "/style/preview", Public, open, s.stylePreview),
	)
}

// Rules for the table.
var (
	open       = rule{open: true}   // at the public door: anybody
	deviceOnly = rule{device: true} // at the portal's door: a registered device, nobody signed in yet
)

// may is the rule for those who have one of the permissions at all. How far it
// reaches is decided where the thing is loaded.
func may(permissions ...permit.Permission) rule { return rule{permissions: permissions} }

// to lets a machine in whose token has the scope.
func (r rule) to(scope token.Scope) rule { r.scope = scope; return r }

// orWard lets a ward's shared PC use the route without anybody signed in, if
// its institution has decided so.
func (r rule) orWard() rule { r.ward = true; return r }

// Door is how a request proves where it comes from.
type Door string

const (
	// Portal is for people who are signed in, on a registered device.
	Portal Door = "portal"
	// Machine is for machines with a token or a certificate, and for people
	// who would be let in at the portal's door.
	Machine Door = "machine"
	// Public is for anybody.
	Public Door = "public"
)

// rule says who may use a route. The zero rule allows nothing and cannot be
// registered.
type rule struct {
	open, device, ward bool
	permissions        []permit.Permission
	scope              token.Scope // what a machine's token must allow; "" lets no machine in
}

// allows reports whether the caller has one of the rule's permissions.
func (r rule) allows(c caller.Caller) bool {
	return slices.ContainsFunc(r.permissions, func(p permit.Permission) bool { return permit.May(c, p) != permit.None })
}

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
	holds           int64         // most bytes of what people send in it, which a refusal names; 0 means body
	within          time.Duration // the handler's context ends after this
}

type option func(*route)

func on(method, pattern string, door Door, who rule, h handler, options ...option) route {
	rt := route{
		method: method, pattern: pattern, door: door, rule: who, handler: h,
		body: 1 << 20, within: usual,
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

// holding allows a body of up to n bytes for something of up to most: a form
// adds to what is sent with it, and nobody who is refused cares by how much.
func holding(most, n int64) option { return func(rt *route) { rt.holds, rt.body = most, n } }

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
	case rt.rule.open && (rt.rule.device || rt.rule.ward || len(rt.rule.permissions) > 0):
		wrong("open and for some")
	case rt.rule.device && (rt.rule.ward || len(rt.rule.permissions) > 0):
		wrong("for every device and for some")
	case rt.rule.open != (rt.door == Public):
		wrong("the public door, and no other, is open")
	case !rt.rule.open && !rt.rule.device && len(rt.rule.permissions) == 0:
		wrong("no rule")
	case rt.rule.device && rt.door != Portal:
		wrong("only the portal's door knows devices without people")
	case (rt.rule.scope != "") != (rt.door == Machine):
		wrong("the machine door, and no other, asks for a token's scope")
	case rt.rule.scope != "" && !slices.Contains(token.Scopes, rt.rule.scope):
		wrong("unknown scope " + string(rt.rule.scope))
	case !slices.Contains([]Door{Portal, Machine, Public}, rt.door):
		wrong("no door")
	}
	for _, p := range rt.rule.permissions {
		if !slices.Contains(permit.Permissions(), p) {
			wrong("unknown permission " + string(p))
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
		if known, err := s.lost(w, r, q); !known || err != nil {
			if err != nil {
				s.fail(w, r, err)
			}
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

// lost identifies who asks for an address that is not there. Without a device
// that is known one learns no more than at the door.
func (s *Server) lost(w http.ResponseWriter, r *http.Request, q *Request) (bool, error) {
	if err := s.forged(r, q); err != nil {
		return false, err
	}
	if err := s.identify(r, q); err != nil {
		return false, err
	}
	if _, ok := q.device(); !s.sample() && !ok {
		return false, s.noDevice(w, r, q)
	}
	return true, nil
}

// refuseMachine tells a machine how to show who it is (RFC 9110 section 11.6.1),
// and records a token or certificate that was refused.
func (s *Server) refuseMachine(w http.ResponseWriter, r *http.Request, q *Request, rt route, err error) {
	if !fault.Is(err, fault.Unauthenticated) {
		return
	}
	Challenge(w)
	if s.Denied != nil && (r.Header.Get("Authorization") != "" || q.peer.Leaf != nil) {
		s.Denied(context.WithoutCancel(r.Context()), caller.Caller{Name: "machine", Channel: "api"}, rt.method+" "+rt.pattern)
	}
}

// Challenge says how a machine can show who it is.
func Challenge(w http.ResponseWriter) {
	w.Header().Add("WWW-Authenticate", `Bearer realm="teiten"`)
	w.Header().Add("WWW-Authenticate", `Basic realm="teiten", charset="UTF-8"`)
}

// serve puts the route's rule and limits in front of its handler.
func (s *Server) serve(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), rt.within)
		defer cancel()
		q := requestOf(r)
		if rt.inTurn() {
			in, done, err := s.turns.take(ctx, w)
			if err != nil {
				s.fail(w, r, err)
				return
			}
			defer done()
			w = in
		}
		r = r.WithContext(audit.WithRequest(ctx, q.ID))
		whole := r.Body
		r.Body = http.MaxBytesReader(w, whole, rt.body)
		admitted, err := s.admit(w, r, q, rt)
		if err == nil && admitted && r.ContentLength > rt.body {
			err = fault.New(fault.TooLarge, "web.too_large", "limit", size(cmp.Or(rt.holds, rt.body)))
		}
		if err == nil && admitted && rt.door == Portal && s.DB != nil {
			q.known, err = s.words.Read(ctx, s.DB)
		}
		if err == nil && admitted {
			if err = rt.handler(w, r, q); fault.Is(err, fault.Forbidden) {
				s.denied(r, q, rt) // by a noun, which knows more than the route
			}
		}
		if err != nil {
			if admitted && tooMuch(err) {
				hearOut(w, whole)
			}
			s.fail(w, r, err)
		}
	})
}

// tooMuch reports whether an error is that the body is too large.
func tooMuch(err error) bool {
	var most *http.MaxBytesError
	return errors.As(err, &most) || fault.Is(err, fault.TooLarge)
}

// Somebody who sends too much is heard out, within reason: a browser that is
// cut off while it sends shows a broken connection instead of the answer.
const (
	heardBytes = 256 << 20
	heardTime  = 30 * time.Second
)

func hearOut(w http.ResponseWriter, body io.Reader) {
	if err := http.NewResponseController(w).SetReadDeadline(time.Now().Add(heardTime)); err == nil {
		_, _ = io.Copy(io.Discard, io.LimitReader(body, heardBytes)) // whatever it is, the answer is the same
	}
}

// admit finds out who calls and holds the route's rule against it. Without
// error and without admission the answer is already written.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, q *Request, rt route) (bool, error) {
	if err := s.forged(r, q); err != nil {
		return false, err
	}
	switch rt.door {
	case Public:
		if !s.sample() {
			return true, nil // nobody needs to know who it is
		}
		return true, s.identify(r, q)
	case Machine:
		who, err := s.Machine(r, rt.rule.scope)
		if err != nil {
			s.refuseMachine(w, r, q, rt, err)
			return false, err
		}
		q.Caller = who
	case Portal:
		if err := s.identify(r, q); err != nil {
			return false, err
		}
		if ok, err := s.knock(w, r, q, rt); !ok || err != nil {
			return false, err
		}
		if rt.rule.device {
			return true, nil
		}
	}
	if !rt.rule.allows(q.Caller) {
		s.denied(r, q, rt)
		return false, fault.New(fault.Forbidden, "fault.forbidden")
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
