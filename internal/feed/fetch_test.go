// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"testing"
	"time"

	"teiten/internal/fault"
	"teiten/internal/outbound"
)

func server(t *testing.T, h http.HandlerFunc) (*outbound.Client, string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	if err != nil {
		t.Fatal(err)
	}
	return outbound.New(outbound.Policy{
		AllowHTTP:    true,
		AllowPorts:   []uint16{uint16(port)},
		AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")},
	}), s.URL
}

func TestFetch(t *testing.T) {
	var sent []http.Header
	c, base := server(t, func(w http.ResponseWriter, r *http.Request) {
		sent = append(sent, r.Header)
		switch {
		case r.URL.Path == "/old":
			http.Redirect(w, r, "/news/feed", http.StatusMovedPermanently)
		case r.Header.Get("If-None-Match") == `"1"`:
			w.Header().Set("ETag", `"1b"`)
			w.WriteHeader(http.StatusNotModified)
		default:
			w.Header().Set("ETag", `"1"`)
			w.Header().Set("Last-Modified", "Wed, 04 Mar 2026 01:02:00 GMT")
			w.Header().Set("Content-Type", "text/html; charset=utf-8") // not trusted
			io.WriteString(w, rss("<item><title>題名</title><link>a.html</link></item>"))
		}
	})

	first, err := Fetch(t.Context(), c, State{URL: base + "/old"})
	if err != nil {
		t.Fatal(err)
	}
	want := State{URL: base + "/news/feed", ETag: `"1"`, LastModified: "Wed, 04 Mar 2026 01:02:00 GMT"}
	if first.State != want || first.Status != 200 || first.NotModified {
		t.Errorf("first: %+v", first)
	}
	if got := first.Feed.Items[0].Link; got != base+"/news/a.html" {
		t.Errorf("link %q is not resolved against where the feed lies", got)
	}

	second, err := Fetch(t.Context(), c, first.State)
	if err != nil || !second.NotModified || second.Feed != nil {
		t.Fatalf("second: %+v, %v", second, err)
	}
	if got := sent[len(sent)-1].Get("If-Modified-Since"); got != want.LastModified {
		t.Errorf("sent If-Modified-Since %q", got)
	}
	want.ETag = `"1b"`
	if second.State != want {
		t.Errorf("state after 304: %+v, want %+v", second.State, want)
	}
}

func TestFetchFaults(t *testing.T) {
	c, base := server(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"new"`)
		switch r.URL.Path {
		case "/cut":
			io.WriteString(w, "<rss><channel><item><title>a</title></item>")
		case "/page":
			io.WriteString(w, "<!DOCTYPE html><p>Sign in")
		default:
			w.Header().Set("Retry-After", "7200")
			status, _ := strconv.Atoi(r.URL.Path[1:])
			w.WriteHeader(status)
		}
	})
	tests := []struct {
		path, code string
		status     int
		wait       time.Duration
	}{
		{"/429", "feed.busy", 429, 2 * time.Hour},
		{"/503", "feed.busy", 503, 2 * time.Hour},
		{"/404", "feed.missing", 404, 2 * time.Hour},
		{"/410", "feed.gone", 410, 2 * time.Hour},
		{"/403", "feed.denied", 403, 2 * time.Hour},
		{"/401", "feed.denied", 401, 2 * time.Hour},
		{"/500", "feed.status", 500, 2 * time.Hour},
		{"/204", "feed.status", 204, 2 * time.Hour},
		{"/304", "feed.status", 304, 2 * time.Hour}, // unasked for
		{"/cut", "feed.truncated", 200, 0},
		{"/page", "feed.html", 200, 0},
	}
	for _, tt := range tests {
		s := State{URL: base + tt.path}
		r, err := Fetch(t.Context(), c, s)
		if fault.Code(err) != tt.code || r.Status != tt.status || r.RetryAfter != tt.wait {
			t.Errorf("%s: %+v, %v", tt.path, r, err)
		}
		if r.State != s || r.Feed != nil || r.NotModified {
			t.Errorf("%s: a fetch that failed changed the state: %+v", tt.path, r)
		}
		wantSentence(t, err)
	}

	r, err := Fetch(t.Context(), c, State{URL: "https://10.0.0.1/feed"})
	if fault.Code(err) != "outbound.address" || r.Status != 0 {
		t.Errorf("an inner address: %+v, %v", r, err)
	}
}
