// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"crypto/rand"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"teiten/internal/fault"
)

// middleware wraps everything, from the outside in: the request's id and log
// line, recovery from panics, headers, the host check, the origin check,
// compression.
func (s *Server) middleware(next http.Handler) http.Handler {
	origin := http.NewCrossOriginProtection()
	origin.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.fail(w, r, fault.New(fault.Forbidden, "web.cross_origin"))
	}))
	next = origin.Handler(next)
	next = s.checkHost(next)
	next = compress(next)
	next = s.headers(next)
	return s.observe(next)
}

// observe makes the Request, writes one log line and recovers from panics. The
// line holds the route's pattern, never the address: what people look up is
// theirs.
func (s *Server) observe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		q := &Request{
			ID:     rand.Text()[:12],
			Now:    s.Now(),
			Lang:   s.language(r),
			Path:   r.URL.Path,
			Query:  r.URL.Query(),
			method: r.Method,
			can:    s.routes,
		}
		r = withRequest(r, q)
		w.Header().Set("X-Request-Id", q.ID)
		m := &meter{ResponseWriter: w}
		defer func() {
			level := slog.LevelInfo
			if strings.HasSuffix(q.route, " /static/{name}") || strings.HasSuffix(q.route, " /healthz") {
				level = slog.LevelDebug
			}
			s.Log.LogAttrs(r.Context(), level, "request",
				slog.String("request", q.ID),
				slog.String("method", method(r.Method)),
				slog.String("route", q.route),
				slog.Int("status", m.status),
				slog.Int64("bytes", m.bytes),
				slog.Duration("took", time.Since(start)),
				slog.String("role", string(q.Caller.Role)),
			)
		}()
		defer s.recoverPanic(m, r)
		next.ServeHTTP(m, r)
	})
}

// method keeps a client's inventions out of the log.
func method(m string) string {
	if slices.Contains([]string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}, m) {
		return m
	}
	return "other"
}

// meter counts what is sent.
type meter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (m *meter) WriteHeader(status int) {
	if m.status == 0 && status >= 200 {
		m.status = status
	}
	m.ResponseWriter.WriteHeader(status)
}

func (m *meter) Write(b []byte) (int, error) {
	if m.status == 0 {
		m.status = http.StatusOK
	}
	n, err := m.ResponseWriter.Write(b)
	m.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (m *meter) Unwrap() http.ResponseWriter { return m.ResponseWriter }

// policy allows the portal's own files and nothing else: no inline script or
// style, no frame, no plug-in, no request to another site.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; font-src 'self'; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func (s *Server) headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=(), usb=()")
		if s.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		next.ServeHTTP(w, r)
	})
}

// checkHost answers only to the portal's own names. A page on another site can
// make its name point at 127.0.0.1, but it cannot change the Host it sends.
func (s *Server) checkHost(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := hostname(r.Host)
		known := slices.Contains(s.Hosts, host)
		if s.Loopback {
			known = loopbackName(host)
		}
		if !known {
			s.fail(w, r, statusError{http.StatusMisdirectedRequest, fault.New(fault.Invalid, "web.host")})
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostname returns a Host header's name without port and brackets, in lower case.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
}

// loopbackName reports whether the name can only mean this machine: localhost
// (RFC 6761 section 6.3) or a loopback address.
func loopbackName(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
