// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/locale"
	"teiten/internal/technique"
)

// Request is what every handler and every template knows about the request.
type Request struct {
	Caller caller.Caller // zero at the public door when nobody is chosen
	Lang   locale.Lang
	ID     string     // shown on error pages and written in the log
	Now    time.Time  // one moment for the whole page
	Path   string     // of the address, without the query
	Query  url.Values // of the address
	Flash  *Flash     // what the last change says, or nil

	method      string
	route       string          // the pattern, for the log
	personas    []caller.Caller // of the sample portal
	peer        device.Peer     // who is at the other end of the connection
	session     auth.Session    // of the caller; zero for personas and machines
	sessionOver bool            // the browser holds a session that has ended
	known       *technique.Vocabulary
	can         []route // for the navigation
}

type requestKey struct{}

// requestOf returns the Request that the outermost middleware made.
func requestOf(r *http.Request) *Request {
	return r.Context().Value(requestKey{}).(*Request)
}

func withRequest(r *http.Request, q *Request) *http.Request {
	return r.WithContext(context.WithValue(r.Context(), requestKey{}, q))
}

// T returns the sentence for a key in the request's language.
func (q *Request) T(key string, pairs ...any) string { return q.Lang.T(key, pairs...) }

// Head begins a page struct.
func (q *Request) Head(title string, crumbs ...Crumb) Head {
	return Head{Request: q, Title: title, Crumbs: crumbs}
}

// Get returns a parameter of the address without surrounding space.
func (q *Request) Get(name string) string { return strings.TrimSpace(q.Query.Get(name)) }

// Int returns a whole number of the address, or otherwise if there is none.
func (q *Request) Int(name string, otherwise int64) int64 {
	n, err := strconv.ParseInt(q.Get(name), 10, 64)
	if err != nil {
		return otherwise
	}
	return n
}

// Day returns the start of a day, "2006-01-02" in Tokyo, or the zero time.
func (q *Request) Day(name string) time.Time {
	t, err := time.ParseInLocation(time.DateOnly, q.Get(name), locale.Tokyo)
	if err != nil {
		return time.Time{}
	}
	return t
}

// With returns the request's own address with parameters changed, in pairs of
// name and value; an empty value removes the parameter. Links of filters, tabs
// and paging are made with it. The place in the list, "after", is dropped
// unless it is given, because a changed filter begins at the top.
func (q *Request) With(pairs ...string) string {
	values := url.Values{}
	for name, v := range q.Query {
		if name != "after" {
			values[name] = v
		}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			values.Del(pairs[i])
		} else {
			values.Set(pairs[i], pairs[i+1])
		}
	}
	if len(values) == 0 {
		return q.Path
	}
	return q.Path + "?" + values.Encode()
}

// Here is the address to come back to after a change of language or persona.
func (q *Request) Here() string {
	if q.method != http.MethodGet || len(q.Query) == 0 {
		return q.Path
	}
	return q.Path + "?" + q.Query.Encode()
}

// local returns an address of this portal, or "/" for anything else: a form's
// "next" must not lead to another site.
func local(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.IsAbs() || u.Host != "" || u.User != nil ||
		!strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") ||
		strings.ContainsAny(address, "\\\r\n\t") {
		return "/"
	}
	return address
}

// vocabulary is the techniques that can be chosen in this portal.
func (q *Request) vocabulary() *technique.Vocabulary {
	if q.known == nil {
		return technique.BuiltIn()
	}
	return q.known
}

// techniqueName names a technique, or gives its id back if it is not known.
func (q *Request) techniqueName(id string) string {
	if t, ok := q.vocabulary().Get(id); ok {
		return t.Name(q.Lang)
	}
	return harmless(id)
}
