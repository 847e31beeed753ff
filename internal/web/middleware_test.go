// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/permit"
)

func TestSecurityHeaders(t *testing.T) {
	p := newPortal(t)
	for _, path := range []string{"/style", "/no-such-page", "/static/no.css", "/healthz"} {
		resp := p.do("GET", path, "")
		for name, part := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Opener-Policy": "same-origin", "Permissions-Policy": "camera=()",
		} {
			if !strings.Contains(resp.Header.Get(name), part) {
				t.Errorf("%s: %s: %q", path, name, resp.Header.Get(name))
			}
		}
		if strings.Contains(resp.Header.Get("Content-Security-Policy"), "unsafe") {
			t.Errorf("%s: the policy allows inline code", path)
		}
		if resp.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: no request id", path)
		}
		if resp.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: HSTS without HTTPS", path)
		}
	}
	secure := newPortal(t, func(c *Config) { c.Secure = true })
	if secure.do("GET", "/style", "").Header.Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS with HTTPS")
	}
}

func TestHost(t *testing.T) {
	p := newPortal(t)
	for host, status := range map[string]int{
		"localhost": 200, "localhost:8080": 200, "teiten.localhost:80": 200, "127.0.0.1:9": 200, "127.1.2.3": 200, "[::1]:8080": 200, "LOCALHOST": 200,
		"": 421, "attacker.example": 421, "localhost.attacker.example:8080": 421, "127.0.0.1.attacker.example": 421, "10.0.0.1": 421, "[::]:1": 421,
	} {
		if got := p.do("GET", "/healthz", "", "Host", host).StatusCode; got != status {
			t.Errorf("Host %q: status %d, want %d", host, got, status)
		}
	}
}

func TestCrossOrigin(t *testing.T) {
	p := newPortal(t)
	post := func(header ...string) int {
		return p.do("POST", "/language", form("lang", "en"), header...).StatusCode
	}
	if got := post(); got != 303 {
		t.Errorf("no browser: status %d", got)
	}
	if got := post("Sec-Fetch-Site", "same-origin"); got != 303 {
		t.Errorf("same origin: status %d", got)
	}
	if got := post("Sec-Fetch-Site", "cross-site"); got != 403 {
		t.Errorf("another site: status %d", got)
	}
	if got := post("Origin", "http://attacker.example"); got != 403 {
		t.Errorf("another origin, old browser: status %d", got)
	}
	want(t, p.do("POST", "/language", form("lang", "en"), "Sec-Fetch-Site", "cross-site"), 403, "ほかのサイトから送られた操作")
}

func TestErrorPages(t *testing.T) {
	secret := errors.New("secret detail 4711")
	for _, c := range []struct {
		err    error
		status int
		part   string
	}{
		{fault.Wrap(secret, fault.Invalid, "web.bad_form"), 400, "読み取れません"},
		{fault.New(fault.Forbidden, "fault.forbidden"), 403, "権限がありません"},
		{fault.New(fault.NotFound, "fault.not_found"), 404, "見つかりません"},
		{fault.New(fault.Conflict, "web.bad_form"), 409, "重なりました"},
		{fault.New(fault.TooLarge, "web.too_large", "limit", "1 MB"), 413, "1 MB まで"},
		{fault.Wrap(secret, fault.Unavailable, "fault.interrupted"), 503, "少し待って"},
		{fmt.Errorf("around: %w", fault.New(fault.NotFound, "fault.not_found")), 404, "見つかりません"},
		{secret, 500, "要求番号"},
	} {
		p := newPortal(t).with(on("GET", "/test", Portal, anyRole, func(http.ResponseWriter, *http.Request, *Request) error { return c.err }))
		resp := p.do("GET", "/test?q=private", "")
		id := resp.Header.Get("X-Request-Id")
		body := text(t, resp)
		if resp.StatusCode != c.status || !strings.Contains(body, c.part) || !strings.Contains(body, id) {
			t.Errorf("%v: status %d, want %d with %q and %s in\n%s", c.err, resp.StatusCode, c.status, c.part, id, body)
		}
		if strings.Contains(body, "4711") {
			t.Errorf("%v: the page shows the cause", c.err)
		}
		if c.status >= 500 && !strings.Contains(p.log.String(), "4711") {
			t.Errorf("%v: the log has no cause:\n%s", c.err, p.log)
		}
	}
}

func TestUnknownAddressAndMethod(t *testing.T) {
	p := newPortal(t)
	want(t, p.do("GET", "/no-such-page", ""), 404, "<!doctype html>", "見つかりません", "鈴木 一郎")
	resp := p.do("POST", "/persona/x", "a=b")
	want(t, resp, 404)
	resp = p.do("PUT", "/style", "a=b")
	if allow := resp.Header.Get("Allow"); !strings.Contains(allow, "GET") || !strings.Contains(allow, "POST") {
		t.Errorf("Allow: %q", allow)
	}
	want(t, resp, 405, "この方法では開けません")
	if got := p.do("HEAD", "/style", "").StatusCode; got != 200 {
		t.Errorf("HEAD: status %d", got)
	}
}

func TestPanic(t *testing.T) {
	p := newPortal(t).with(on("GET", "/test", Portal, anyRole, func(http.ResponseWriter, *http.Request, *Request) error { panic("boom 4711") }))
	resp := p.do("GET", "/test", "", "Accept-Encoding", "gzip")
	if enc := resp.Header.Get("Content-Encoding"); enc != "" {
		t.Fatalf("the error page is marked %q but not compressed", enc)
	}
	body := text(t, resp)
	if resp.StatusCode != 500 || !strings.Contains(body, "問題が起きました") || strings.Contains(body, "4711") {
		t.Errorf("status %d\n%s", resp.StatusCode, body)
	}
	if log := p.log.String(); !strings.Contains(log, "boom 4711") || !strings.Contains(log, "status=500") {
		t.Errorf("log:\n%s", log)
	}
}

func TestPanicAfterTheFirstByte(t *testing.T) {
	p := newPortal(t).with(on("GET", "/test", Portal, anyRole, func(w http.ResponseWriter, _ *http.Request, _ *Request) error {
		_, _ = io.WriteString(w, "half")
		panic("boom")
	}))
	defer func() {
		if v := recover(); v != http.ErrAbortHandler {
			t.Errorf("recovered %v: the connection must break", v)
		}
	}()
	p.do("GET", "/test", "")
	t.Error("a half answer looks whole")
}

// TestAccessLog holds that the log has no word of what people look up.
func TestAccessLog(t *testing.T) {
	p := newPortal(t).with(
		on("GET", "/thing/{id}", Portal, anyRole, func(w http.ResponseWriter, _ *http.Request, _ *Request) error {
			_, err := io.WriteString(w, "hello")
			return err
		}),
	)
	p.do("GET", "/thing/42?q=patient-name", "", "Referer", "http://localhost/patient-name")
	p.do("GET", "/patient-name/nothing", "")
	p.do("GET", "/style?patient-name", "")
	p.do("PATIENT-NAME", "/style", "")
	log := p.log.String()
	if strings.Contains(strings.ToLower(log), "patient") {
		t.Errorf("the log tells what was looked up:\n%s", log)
	}
	for _, part := range []string{`route="GET /thing/{id}"`, "status=200", "bytes=5", "role=contact", "request=", "status=404", "method=other"} {
		if !strings.Contains(log, part) {
			t.Errorf("no %s in\n%s", part, log)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	read := func(w http.ResponseWriter, r *http.Request, _ *Request) error {
		if err := parseForm(r); err != nil {
			return err
		}
		_, err := io.WriteString(w, "read")
		return err
	}
	p := newPortal(t).with(
		on("POST", "/small", Portal, anyRole, read, body(100)),
		on("POST", "/usual", Portal, anyRole, read),
	)
	want(t, p.do("POST", "/small", "a="+strings.Repeat("x", 98)), 200, "read")
	want(t, p.do("POST", "/small", "a="+strings.Repeat("x", 99)), 413, "100 B まで")
	want(t, p.do("POST", "/usual", "a="+strings.Repeat("x", 1<<20)), 413, "1 MB まで")
	want(t, p.do("POST", "/small", "%zz"), 400, "読み取れません")

	// Without a length the limit is met while reading.
	r, _ := http.NewRequest("POST", "/small", io.MultiReader(strings.NewReader("a="), strings.NewReader(strings.Repeat("x", 200))))
	r.Host = "localhost"
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := &recorder{header: http.Header{}}
	p.Handler().ServeHTTP(w, r)
	if w.status != 413 {
		t.Errorf("chunked: status %d", w.status)
	}
}

type recorder struct {
	header http.Header
	status int
}

func (w *recorder) Header() http.Header         { return w.header }
func (w *recorder) Write(b []byte) (int, error) { return len(b), nil }
func (w *recorder) WriteHeader(status int)      { w.status = status }

func TestGzip(t *testing.T) {
	p := newPortal(t)
	plain := text(t, p.do("GET", "/persona", ""))
	resp := p.do("GET", "/persona", "", "Accept-Encoding", "br, gzip")
	if resp.Header.Get("Content-Encoding") != "gzip" {
		t.Fatal("not compressed")
	}
	z, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	if len(b) != len(plain) {
		t.Errorf("%d bytes, want %d", len(b), len(plain))
	}
	for accept, zip := range map[string]bool{"gzip": true, "gzip;q=0.5": true, "gzip;q=0": false, "gzip; q=0.000": false, "br": false, "": false} {
		if got := acceptsGzip(accept); got != zip {
			t.Errorf("acceptsGzip(%q) = %v", accept, got)
		}
	}
	p.with(on("GET", "/zip", Public, open, func(w http.ResponseWriter, _ *http.Request, _ *Request) error {
		w.Header().Set("Content-Type", "application/zip")
		_, err := io.WriteString(w, "PK")
		return err
	}))
	if p.do("GET", "/zip", "", "Accept-Encoding", "gzip").Header.Get("Content-Encoding") != "" {
		t.Error("a zip file was compressed again")
	}
}

func TestAssets(t *testing.T) {
	p := newPortal(t)
	for name, hashed := range p.assets.names {
		resp := p.do("GET", "/static/"+hashed, "")
		if resp.StatusCode != 200 || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: status %d, %q", name, resp.StatusCode, resp.Header.Get("Cache-Control"))
		}
		if len(text(t, resp)) < 200 {
			t.Errorf("%s is nearly empty", name)
		}
		if p.do("GET", "/static/"+name, "").StatusCode != 404 {
			t.Errorf("%s: served without its hash", name)
		}
	}
	css := string(p.assets.files[p.assets.names["teiten.css"]].content)
	if strings.Contains(css, "url(") || strings.Contains(css, "@import") {
		t.Error("the style sheet loads something")
	}
	if strings.Count(css, "{") != strings.Count(css, "}") {
		t.Error("braces of the style sheet do not match")
	}
}

func TestPagesAreNotStored(t *testing.T) {
	p := newPortal(t)
	if got := p.do("GET", "/style", "").Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control: %q", got)
	}
}

func TestDenied(t *testing.T) {
	var denied []string
	p := newPortal(t, func(c *Config) {
		c.Denied = func(_ context.Context, who caller.Caller, route string) { denied = append(denied, who.Name+" "+route) }
	}).with(on("GET", "/test", Portal, may(permit.AdvisoryReview), func(w http.ResponseWriter, _ *http.Request, _ *Request) error {
		_, err := io.WriteString(w, "in")
		return err
	}))
	want(t, p.do("GET", "/test", "", "Cookie", "teiten-persona=3"), 403, "権限がありません")
	want(t, p.do("GET", "/test", "", "Cookie", "teiten-persona=1"), 200, "in")
	if len(denied) != 1 || denied[0] != "田中 美咲 GET /test" {
		t.Errorf("denied: %q", denied)
	}
}
