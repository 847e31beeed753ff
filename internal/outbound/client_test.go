// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"teiten/internal/fault"
	"teiten/internal/locale"
)

// local is a policy that opens loopback and a test server's port.
func local(t *testing.T, servers ...*httptest.Server) Policy {
	t.Helper()
	p := Policy{
		AllowHTTP:    true,
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
		Timeout:      10 * time.Second,
		UserAgent:    "Teiten/test",
		RootCAs:      x509.NewCertPool(),
	}
	for _, s := range servers {
		p.AllowPorts = append(p.AllowPorts, portOf(t, s.URL))
		if s.Certificate() != nil {
			p.RootCAs.AddCert(s.Certificate())
		}
	}
	return p
}

func portOf(t *testing.T, raw string) uint16 {
	t.Helper()
	n, err := strconv.ParseUint(mustURL(raw).Port(), 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return uint16(n)
}

func mustURL(raw string) *url.URL {
	u, err := url.Parse(raw)
	if err != nil {
		panic(err)
	}
	return u
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

// wantCode checks the code and that both languages have its whole sentence.
func wantCode(t *testing.T, err error, code string) {
	t.Helper()
	if fault.Code(err) != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	for _, l := range locale.Langs {
		if s := l.Fault(err); strings.ContainsAny(s, "{}") || strings.HasPrefix(s, "[") {
			t.Errorf("%s: sentence %q", l, s)
		}
	}
}

func TestLoopbackIsRefusedByDefaultAndAllowedByException(t *testing.T) {
	asked := 0
	s := serve(t, func(w http.ResponseWriter, r *http.Request) { asked++; io.WriteString(w, "hello") })
	p := local(t, s)

	closed := p
	closed.AllowPrivate = nil
	for _, host := range []string{"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]"} {
		_, err := New(closed).Get(t.Context(), fmt.Sprintf("http://%s:%d/", host, portOf(t, s.URL)), "", "")
		wantCode(t, err, "outbound.address")
	}
	if asked != 0 {
		t.Fatalf("a refused server was asked %d times", asked)
	}

	resp, err := New(p).Get(t.Context(), s.URL, "", "")
	if err != nil || string(resp.Body) != "hello" || resp.Status != 200 {
		t.Fatalf("got %+v, %v", resp, err)
	}

	p.AllowPorts = nil
	_, err = New(p).Get(t.Context(), s.URL, "", "")
	wantCode(t, err, "outbound.port")
	p.AllowHTTP = false
	_, err = New(p).Get(t.Context(), s.URL, "", "")
	wantCode(t, err, "outbound.plain_http")
}

func TestWhatIsSentAndReturned(t *testing.T) {
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1") // must not be asked
	var got http.Header
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header
		w.Header().Set("Set-Cookie", "id=1")
		w.Header().Set("ETag", `"v2"`)
		w.Header().Set("Retry-After", "120")
		if r.Header.Get("If-None-Match") == `"v2"` {
			w.WriteHeader(http.StatusNotModified)
		}
	})
	c := New(local(t, s))
	resp, err := c.Get(t.Context(), s.URL+"/feed", `"v2"`, "Tue, 06 Jan 2026 00:00:00 GMT")
	if err != nil {
		t.Fatal(err)
	}
	if resp.Status != 304 || resp.Header.Get("ETag") != `"v2"` || resp.Header.Get("Set-Cookie") != "" {
		t.Errorf("got %+v", resp)
	}
	if d := resp.RetryAfter(time.Now()); d != 2*time.Minute {
		t.Errorf("RetryAfter = %v", d)
	}
	if got.Get("User-Agent") != "Teiten/test" || got.Get("If-Modified-Since") == "" {
		t.Errorf("sent %v", got)
	}
	if got.Get("Cookie") != "" || got.Get("Referer") != "" {
		t.Errorf("sent %v", got)
	}

	// A stored validator that cannot be a header must not end the feed.
	for _, bad := range []string{"a\r\nX-Evil: 1", strings.Repeat("x", maxValidator+1)} {
		if _, err := c.Get(t.Context(), s.URL, bad, bad); err != nil {
			t.Fatal(err)
		}
		if got.Get("X-Evil") != "" || got.Get("If-None-Match") != "" {
			t.Errorf("sent %v", got)
		}
	}
}

func TestRedirects(t *testing.T) {
	var referer, cookie string
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		referer, cookie = r.Header.Get("Referer"), r.Header.Get("Cookie")
		w.Header().Set("Set-Cookie", "id=1")
		to := map[string]string{
			"/moved":       "/end",
			"/inside":      "http://127.0.0.2:" + mustURL("http://"+r.Host).Port() + "/",
			"/metadata":    "http://169.254.169.254/latest/meta-data/",
			"/port":        "http://127.0.0.1:22/",
			"/file":        "file:///etc/passwd",
			"/credentials": "http://a:b@" + r.Host + "/end",
			"/loop":        "/loop",
			"/nowhere":     "",
			"/broken":      "http://[::1/",
		}
		status := http.StatusMovedPermanently
		if r.URL.Path == "/found" {
			to["/found"], status = "/end", http.StatusFound
		}
		if location, ok := to[r.URL.Path]; ok {
			if location != "" {
				w.Header().Set("Location", location)
			}
			w.WriteHeader(status)
			return
		}
		io.WriteString(w, "end")
	})
	down := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, s.URL+"/end", http.StatusFound)
	}))
	t.Cleanup(down.Close)
	c := New(local(t, s, down))

	resp, err := c.Get(t.Context(), s.URL+"/moved", "", "")
	if err != nil || string(resp.Body) != "end" || resp.URL != s.URL+"/end" || resp.MovedTo != s.URL+"/end" {
		t.Fatalf("got %+v, %v", resp, err)
	}
	if referer != "" || cookie != "" {
		t.Errorf("the second request carried Referer %q, Cookie %q", referer, cookie)
	}
	if resp, err = c.Get(t.Context(), s.URL+"/found", "", ""); err != nil || resp.MovedTo != "" {
		t.Errorf("a temporary redirect: %+v, %v", resp, err)
	}

	for path, code := range map[string]string{
		"/inside":      "outbound.address",
		"/metadata":    "outbound.address",
		"/port":        "outbound.port",
		"/file":        "outbound.scheme",
		"/credentials": "outbound.credentials",
		"/loop":        "outbound.redirects",
		"/nowhere":     "outbound.redirect_nowhere",
		"/broken":      "outbound.redirect_nowhere",
	} {
		_, err := c.Get(t.Context(), s.URL+path, "", "")
		wantCode(t, err, code)
	}
	_, err = c.Get(t.Context(), down.URL, "", "")
	wantCode(t, err, "outbound.redirect_downgrade")

	p := local(t, s)
	p.MaxRedirects = -1
	_, err = New(p).Get(t.Context(), s.URL+"/moved", "", "")
	wantCode(t, err, "outbound.redirects")
}

func TestCertificates(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "ok") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	if resp, err := New(local(t, s)).Get(t.Context(), s.URL, "", ""); err != nil || string(resp.Body) != "ok" {
		t.Fatalf("got %+v, %v", resp, err)
	}
	p := local(t, s)
	p.RootCAs = x509.NewCertPool()
	_, err := New(p).Get(t.Context(), s.URL, "", "")
	wantCode(t, err, "outbound.certificate")

	plain := serve(t, func(w http.ResponseWriter, r *http.Request) {})
	_, err = New(local(t, plain)).Get(t.Context(), strings.Replace(plain.URL, "http:", "https:", 1), "", "")
	wantCode(t, err, "outbound.tls")
}

func TestNotListening(t *testing.T) {
	s := serve(t, func(http.ResponseWriter, *http.Request) {})
	p := local(t, s)
	s.Close()
	_, err := New(p).Get(t.Context(), s.URL, "", "")
	wantCode(t, err, "outbound.connect")
}

func TestProxy(t *testing.T) {
	var asked []string
	proxy := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.RequestURI)
		io.WriteString(w, "by proxy")
	})
	// The proxy stands on loopback without an exception: the operator named it.
	p := Policy{AllowHTTP: true, Proxy: mustURL(proxy.URL)}
	resp, err := New(p).Get(t.Context(), "http://feeds.example.jp/a", "", "")
	if err != nil || string(resp.Body) != "by proxy" || len(asked) != 1 || asked[0] != "GET http://feeds.example.jp/a" {
		t.Fatalf("got %+v, %v; the proxy was asked %q", resp, err, asked)
	}
	for _, inner := range []string{"http://10.0.0.1/", "http://localhost/", proxy.URL} {
		if _, err := New(p).Get(t.Context(), inner, "", ""); !fault.Is(err, fault.Forbidden) {
			t.Errorf("%s through the proxy: %v", inner, err)
		}
	}
	if len(asked) != 1 {
		t.Errorf("the proxy was asked %q", asked)
	}

	_, err = New(Policy{Proxy: mustURL("ftp://proxy.example/")}).Get(t.Context(), "https://example.jp/", "", "")
	wantCode(t, err, "outbound.proxy")
	_, err = New(Policy{AllowPrivate: []netip.Prefix{{}}}).Get(t.Context(), "https://example.jp/", "", "")
	wantCode(t, err, "outbound.exception")
}
