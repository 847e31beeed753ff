// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/mailbox"
	"teiten/internal/mailcheck"
	"teiten/internal/mailer"
	"teiten/internal/outbound"
	"teiten/internal/store"
)

// Personas are the accounts that a visitor of the sample portal may choose to
// be. They stand where the sign-in is otherwise, and only on a loopback address.
type Personas interface {
	// Personas returns every account that may be chosen, in the order of the menu.
	Personas(ctx context.Context) ([]caller.Caller, error)
	// Lookup returns the account with the id, or a fault.NotFound.
	Lookup(ctx context.Context, account int64) (caller.Caller, error)
}

// Deps are the nouns that pages read and change. A page that needs another one
// adds a field here; package cli fills it.
type Deps struct {
	// Access is the way in, and the register of devices. It may be nil on a
	// sample portal.
	Access *Access

	// Personas make this a sample portal, whose visitors choose whom to be.
	Personas Personas

	// DB is the store that pages read and change.
	DB *store.DB

	// Guards keeps the guard against false positives.
	Guards *intel.Guards

	// Blobs keeps what is uploaded, encrypted.
	Blobs *blob.Store

	// Checker judges mails.
	Checker *mailcheck.Checker

	// Mailer sends notices; nil without a mail server.
	Mailer *mailer.Mailer

	// Mailbox is where people forward mails to; nil for none.
	Mailbox *mailbox.Box

	// MailDomain is that of its addresses; "" while there is none.
	MailDomain string

	// Client fetches what an operator asks to be fetched.
	Client *outbound.Client

	// Version is what /about says the program is.
	Version string

	// Wake makes the background workers look for jobs at once; it may be nil.
	Wake func()

	// Notify, if set, tells an account something by mail: the key and values of
	// a notice of package mailer.
	Notify func(ctx context.Context, account int64, key string, pairs ...any) error

	// Default is the account of a visitor who has not chosen one; with 0 the
	// visitor is asked.
	Default int64

	// Denied, if set, is told of every request that a route's rule or a noun
	// turned away.
	Denied func(ctx context.Context, who caller.Caller, route string)
}

// Config is what the surface itself needs.
type Config struct {
	Deps

	// Log receives one line for each request. nil means slog.Default.
	Log *slog.Logger

	// Lang is the language for readers who have not chosen one; "" is Japanese.
	Lang locale.Lang

	// Now is the clock. nil means time.Now.
	Now func() time.Time

	// Loopback says that the portal listens on a loopback address. Then only
	// loopback host names are answered, which keeps a page elsewhere from
	// reaching the portal by DNS rebinding.
	Loopback bool

	// Hosts are the host names that are answered when Loopback is false.
	Hosts []string

	// Secure says that people reach the portal by HTTPS: cookies are then
	// Secure and carry the __Host- prefix (RFC 6265bis section 4.1.3.2).
	Secure bool

	// Mounts are handlers of other surfaces that share this one's middleware.
	Mounts []Mount
}

// Mount is a handler of another surface, which checks its callers by itself.
type Mount struct {
	Pattern string // of http.ServeMux, as in "/api/"
	Handler http.Handler
}

// Server is the portal.
type Server struct {
	Config
	handler http.Handler
	assets  *assets
	pages   pageSet
	routes  []route
	seal    [32]byte // key of the flash cookie, new with each start
	cast    cast     // the personas of the sample portal

	editions editions   // since when block lists are as they are
	counts   listCounts // of what they hold
	readers  readers    // of block lists, at a time
	turns    turns      // to make a page
	facets   advisory.FacetMemo
	words    advisory.TechniqueMemo // that this portal knows
}

// New builds the portal: it parses every template and registers every route.
// It returns an error for a configuration that would be unsafe, and panics on
// a mistake in the program: a template that does not parse, a route without a
// rule.
func New(c Config) (*Server, error) {
	switch {
	case c.Access == nil && c.Personas == nil:
		return nil, errors.New("web: neither Access nor Personas: nobody could come in")
	case c.Personas != nil && !c.Loopback:
		return nil, errors.New("web: personas need no sign-in, so the portal may listen on a loopback address only")
	case c.Personas == nil && !c.Secure:
		return nil, errors.New("web: Access needs HTTPS, for its certificates and its cookies")
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Lang == "" {
		c.Lang = locale.Japanese
	}
	s := &Server{Config: c, readers: make(readers, mostReaders), turns: make(turns, 1)}
	if _, err := rand.Read(s.seal[:]); err != nil {
		return nil, err
	}
	if s.DB != nil {
		s.turns = make(turns, min(2*runtime.GOMAXPROCS(0), s.DB.Readers()))
		s.facets, s.words = advisory.NewFacetMemo(s.DB), advisory.NewTechniqueMemo(s.DB)
	}
	s.assets = bundle()
	s.pages = s.parse()
	s.routes = s.table()
	s.handler = s.middleware(s.mux(s.routes))
	return s, nil
}

// Handler returns the portal with all its middleware.
func (s *Server) Handler() http.Handler { return s.handler }

// HTTPServer returns a server for h with limits against slow and large
// requests: 10 s for the header, 64 KiB of header, 10 min for a body (a
// specimen over a slow line) and for an answer, 2 min idle. Handlers have
// narrower limits of their own.
func HTTPServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       10 * time.Minute,
		WriteTimeout:      10 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
}

// IsLoopback reports whether a listen address, "host:port", can only be reached
// from this machine.
func IsLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	return loopbackName(host)
}
