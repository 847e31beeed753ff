// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/html"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/permit"
)

// samples are the page structs with which every template is executed.
var samples = map[string][]Page{}

// sample adds one; the page's own test file calls it from init.
func sample(name string, p Page) { samples[name] = append(samples[name], p) }

// anyRole is the rule for everybody who is signed in.
var anyRole = may(permit.HelpRead)

var testNow = time.Date(2026, 3, 4, 9, 5, 0, 0, locale.Tokyo)

// people are the personas of tests.
type people []caller.Caller

func (p people) Personas(context.Context) ([]caller.Caller, error) { return p, nil }

func (p people) Lookup(_ context.Context, account int64) (caller.Caller, error) {
	for _, c := range p {
		if c.Account == account {
			return c, nil
		}
	}
	return caller.Caller{}, fault.New(fault.NotFound, "fault.not_found")
}

var testPeople = people{
	{Account: 1, Name: "佐藤 花子", Org: 1, OrgName: "医療セキュリティ情報共有センター", OrgKind: caller.ISAC, Role: caller.Analyst},
	{Account: 2, Name: "鈴木 一郎", Org: 2, OrgName: "みなと総合病院", OrgKind: caller.Institution, Role: caller.Contact},
	{Account: 3, Name: "田中 美咲", Org: 2, OrgName: "みなと総合病院", OrgKind: caller.Institution, Role: caller.Staff},
}

// portal is a running portal for tests and what it has logged.
type portal struct {
	*Server
	t   *testing.T
	log *bytes.Buffer
}

func newPortal(t *testing.T, change ...func(*Config)) *portal {
	t.Helper()
	p := &portal{t: t, log: new(bytes.Buffer)}
	c := Config{
		Deps:     Deps{Personas: testPeople, Default: 2},
		Log:      slog.New(slog.NewTextHandler(p.log, nil)),
		Now:      func() time.Time { return testNow },
		Loopback: true,
	}
	for _, f := range change {
		f(&c)
	}
	s, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	p.Server = s
	return p
}

// with replaces the table by routes for one test.
func (p *portal) with(routes ...route) *portal {
	p.Server.routes = append(p.table(), routes...)
	p.handler = p.middleware(p.mux(p.Server.routes))
	return p
}

// do sends a request, whose cookies are "name=value", and returns the answer.
func (p *portal) do(method, target, form string, header ...string) *http.Response {
	p.t.Helper()
	var in io.Reader
	if form != "" {
		in = strings.NewReader(form)
	}
	r := httptest.NewRequest(method, target, in)
	r.Host = "localhost:8080"
	if form != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i+1 < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		} else {
			r.Header.Add(header[i], header[i+1])
		}
	}
	w := httptest.NewRecorder()
	p.Handler().ServeHTTP(w, r)
	return w.Result()
}

func text(t *testing.T, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func want(t *testing.T, resp *http.Response, status int, parts ...string) {
	t.Helper()
	body := text(t, resp)
	if resp.StatusCode != status {
		t.Fatalf("status %d, want %d\n%s", resp.StatusCode, status, gist(body))
	}
	for _, part := range parts {
		if !strings.Contains(body, part) {
			t.Errorf("no %q in\n%s", part, gist(body))
		}
	}
}

// gist is the beginning of a page's main part, for messages.
func gist(page string) string {
	if _, after, found := strings.Cut(page, "<main"); found {
		page = after
	}
	return page[:min(len(page), 800)]
}

// cookie returns the value of a cookie that the answer sets.
func cookie(resp *http.Response, name string) string {
	for _, c := range resp.Cookies() {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func form(pairs ...string) string {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v.Encode()
}

// walk visits every element of a document.
func walk(n *html.Node, visit func(*html.Node)) {
	if n.Type == html.ElementNode {
		visit(n)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		walk(c, visit)
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
