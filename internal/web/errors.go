// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"

	"teiten/internal/fault"
)

// statusError answers with a status that no fault kind stands for.
type statusError struct {
	status int
	err    error
}

func (e statusError) Error() string { return e.err.Error() }
func (e statusError) Unwrap() error { return e.err }

// statusOf says how HTTP names the error (RFC 9110 section 15).
func statusOf(err error) int {
	var s statusError
	if errors.As(err, &s) {
		return s.status
	}
	switch fault.From(err).Kind {
	case fault.Invalid:
		return http.StatusBadRequest
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.Conflict:
		return http.StatusConflict
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.TooMany:
		return http.StatusTooManyRequests
	default:
		return http.StatusInternalServerError
	}
}

type errorPage struct {
	Head
	Status int
	Reason string
	Next   string // what to do now
}

// fail answers with the page for an error. The cause goes to the log only.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	q := requestOf(r)
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		err = fault.Wrap(err, fault.TooLarge, "web.too_large", "limit", size(tooLarge.Limit))
	}
	status := statusOf(err)
	if status >= 500 {
		s.Log.Error("failed", "request", q.ID, "route", q.route, "error", err.Error())
	}
	page := &errorPage{
		Head:   q.Head(q.T(fmt.Sprintf("web.error.%d", titled(status)))),
		Status: status,
		Reason: q.Lang.Fault(err),
		Next:   q.T(fmt.Sprintf("web.error.%d.next", titled(status))),
	}
	w.Header().Del("Content-Disposition") // of a download that did not come to be
	if status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "30")
	}
	if e := s.render(w, q, status, "error", page); e != nil {
		s.Log.Error("error page failed", "request", q.ID, "error", e.Error())
		http.Error(w, q.T("fault.internal")+" "+q.ID, http.StatusInternalServerError)
	}
}

// titled maps a status to one that the error page has words for.
func titled(status int) int {
	switch status {
	case 400, 401, 403, 404, 405, 409, 413, 421, 429, 503:
		return status
	default:
		if status < 500 {
			return 400
		}
		return 500
	}
}

// recoverPanic turns a panic into a 500 page, or into a broken connection when
// part of another answer is already sent.
func (s *Server) recoverPanic(w *meter, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if v == http.ErrAbortHandler { //nolint:errorlint // net/http compares it the same way
		panic(v)
	}
	q := requestOf(r)
	s.Log.Error("panic", "request", q.ID, "route", q.route, "value", fmt.Sprint(v), "stack", string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler)
	}
	s.fail(w, r, fault.New(fault.Internal, "fault.internal"))
}

// size writes a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<30 && n%(1<<30) == 0:
		return fmt.Sprintf("%d GB", n>>30)
	case n >= 1<<20:
		return fmt.Sprintf("%d MB", n>>20)
	case n >= 1<<10:
		return fmt.Sprintf("%d KB", n>>10)
	default:
		return fmt.Sprintf("%d B", n)
	}
}
