// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/mailcheck"
	"teiten/internal/store"
	"teiten/internal/token"
)

const (
	// maxBody is the most bytes of a request body.
	maxBody = 1 << 20
	// within is how long an operation may take, and its body to arrive.
	within = 30 * time.Second
)

// Deps are what the operations work on.
type Deps struct {
	DB      *store.DB
	Guards  *intel.Guards
	Blobs   *blob.Store
	Checker *mailcheck.Checker
	// Wake makes the background workers look for jobs at once; it may be nil.
	Wake func()
	Log  *slog.Logger
	// Caller says who asks; a machine's token must have the scope. A caller
	// without a role may do nothing.
	Caller func(*http.Request, token.Scope) (caller.Caller, error)
}

type server struct {
	Deps
	mux *http.ServeMux
	api huma.API
	doc document
}

// New returns the handler of everything below /api/. The checks of the host
// and of the request's origin, and compression, are the business of who mounts it.
func New(d Deps) http.Handler { return newServer(d) }

func newServer(d Deps) *server {
	s := &server{Deps: d, mux: http.NewServeMux()}
	s.api = humago.New(s.mux, s.config())
	for _, op := range s.table() {
		s.register(op)
	}
	openAnswers(s.api.OpenAPI())
	s.doc = describe(s.api.OpenAPI())
	return s
}

// request is what an operation knows about who asks.
type request struct {
	caller caller.Caller
	lang   locale.Lang
	id     string // of the request, given by the server around; "" without one
	op     *operation
	// in is where fields of the input are: "body" or "query".
	in string
}

type requestKey struct{}

// requestOf returns the request that ServeHTTP put into the context.
func requestOf(ctx context.Context) *request { return ctx.Value(requestKey{}).(*request) }

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), within)
	defer cancel()
	q := &request{lang: locale.Parse(r.Header.Get("Accept-Language")), id: w.Header().Get("X-Request-Id"), in: "query"}
	r = r.WithContext(audit.WithRequest(context.WithValue(ctx, requestKey{}, q), q.id))
	// Answers depend on the caller, and may be TLP:RED.
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Add("Vary", "Accept-Language")

	sent := &tracker{ResponseWriter: w}
	defer s.recoverPanic(sent, q)

	h, pattern := s.mux.Handler(r)
	if pattern == "" {
		s.unrouted(sent, r, q, h)
		return
	}
	if err := checkQuery(r.URL.RawQuery); err != nil {
		s.send(sent, s.problem(ctx, q, err))
		return
	}
	s.mux.ServeHTTP(sent, r)
}

// checkQuery refuses what a parser would drop or choose from in silence.
func checkQuery(raw string) error {
	if raw == "" {
		return nil
	}
	values, err := url.ParseQuery(raw)
	if err != nil {
		return fault.New(fault.Invalid, "api.query") // the cause would quote the query
	}
	for name, v := range values {
		if len(v) > 1 && name != "state" {
			return fault.New(fault.Invalid, "api.repeated", "name", short(name)).At(short(name))
		}
	}
	return nil
}

// unrouted answers what no operation is registered for. The mux's own handler
// knows whether the address exists for another method.
func (s *server) unrouted(w http.ResponseWriter, r *http.Request, q *request, h http.Handler) {
	probe := &probe{header: http.Header{}}
	h.ServeHTTP(probe, r)
	if probe.status == http.StatusMethodNotAllowed {
		w.Header().Set("Allow", probe.header.Get("Allow"))
		s.send(w, s.problem(r.Context(), q, fault.New(fault.Invalid, "api.method")))
		return
	}
	s.send(w, s.problem(r.Context(), q, fault.New(fault.NotFound, "api.route")))
}

// recoverPanic answers a panic, or breaks the connection when part of another
// answer is already sent.
func (s *server) recoverPanic(w *tracker, q *request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares it the same way
		panic(v)
	}
	s.Log.Error("panic", "request", q.id, "operation", q.op.name(), "value", v, "stack", string(debug.Stack()))
	if w.sent {
		panic(http.ErrAbortHandler)
	}
	s.send(w, s.problem(context.Background(), q, fault.New(fault.Internal, "fault.internal")))
}

// tracker knows whether an answer was begun.
type tracker struct {
	http.ResponseWriter
	sent bool
}

func (t *tracker) WriteHeader(status int) {
	t.sent = true
	t.ResponseWriter.WriteHeader(status)
}

func (t *tracker) Write(b []byte) (int, error) {
	t.sent = true
	return t.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (t *tracker) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// probe takes the mux's answer without sending it.
type probe struct {
	header http.Header
	status int
}

func (p *probe) Header() http.Header         { return p.header }
func (p *probe) Write(b []byte) (int, error) { return len(b), nil }
func (p *probe) WriteHeader(status int)      { p.status = status }
