// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestBodyLimits(t *testing.T) {
	bomb := func() []byte {
		var b bytes.Buffer
		zw := gzip.NewWriter(&b)
		zw.Write(make([]byte, 4<<20))
		zw.Close()
		return b.Bytes()
	}()
	var empty bytes.Buffer
	zw := gzip.NewWriter(&empty)
	zw.Close()

	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		coding := func(c string) { w.Header().Set("Content-Encoding", c) }
		switch r.URL.Path {
		case "/exact":
			w.Write(make([]byte, 64<<10))
		case "/one-more":
			w.Write(make([]byte, 64<<10+1))
		case "/announced":
			w.Header().Set("Content-Length", "1000000000")
			w.Write(make([]byte, 1<<10))
		case "/endless":
			for {
				if _, err := w.Write(make([]byte, 32<<10)); err != nil {
					return
				}
			}
		case "/small-gzip":
			coding("gzip")
			zw := gzip.NewWriter(w)
			io.WriteString(zw, "packed")
			zw.Close()
		case "/bomb":
			coding("gzip")
			w.Write(bomb)
		case "/empty-members":
			coding("gzip")
			for {
				if _, err := w.Write(empty.Bytes()); err != nil {
					return
				}
			}
		case "/not-gzip":
			coding("gzip")
			io.WriteString(w, "these are not the bytes of a gzip stream")
		case "/half-gzip":
			coding("gzip")
			w.Write(bomb[:20])
		case "/brotli":
			coding("br")
			io.WriteString(w, "?")
		case "/big-header":
			w.Header().Set("X-Big", strings.Repeat("x", 128<<10))
		}
	})
	p := local(t, s)
	p.MaxBytes = 64 << 10
	c := New(p)
	if len(bomb) > 64<<10 {
		t.Fatalf("the bomb has %d bytes, more than the limit of the wire", len(bomb))
	}

	for path, want := range map[string]int{"/exact": 64 << 10, "/small-gzip": 6} {
		resp, err := c.Get(t.Context(), s.URL+path, "", "")
		if err != nil || len(resp.Body) != want {
			t.Errorf("%s: %v, %v", path, resp, err)
		}
	}
	for path, code := range map[string]string{
		"/one-more":      "outbound.body_size",
		"/announced":     "outbound.body_size",
		"/endless":       "outbound.body_size",
		"/bomb":          "outbound.body_size",
		"/empty-members": "outbound.body_size",
		"/not-gzip":      "outbound.encoding",
		"/half-gzip":     "outbound.protocol",
		"/brotli":        "outbound.encoding",
		"/big-header":    "outbound.header_size",
	} {
		t.Run(path[1:], func(t *testing.T) {
			_, err := c.Get(t.Context(), s.URL+path, "", "")
			wantCode(t, err, code)
		})
	}
}

func TestTime(t *testing.T) {
	release := make(chan struct{})
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		drip := func(every time.Duration) {
			for {
				if _, err := w.Write([]byte{'x'}); err != nil {
					return
				}
				w.(http.Flusher).Flush()
				select {
				case <-time.After(every):
				case <-r.Context().Done():
					return
				case <-release:
					return
				}
			}
		}
		switch r.URL.Path {
		case "/drip":
			drip(5 * time.Millisecond)
		case "/stall":
			drip(time.Hour)
		case "/silent":
			<-release
		}
	})
	t.Cleanup(func() { close(release) })
	p := local(t, s)
	p.Timeout, p.HeaderTimeout = 2*time.Second, 150*time.Millisecond
	p.MinRate, p.RateWindow = 1<<20, 100*time.Millisecond

	for path, code := range map[string]string{
		"/drip":   "outbound.slow",
		"/stall":  "outbound.slow",
		"/silent": "outbound.timeout",
	} {
		t.Run(path[1:], func(t *testing.T) {
			start := time.Now()
			_, err := New(p).Get(t.Context(), s.URL+path, "", "")
			wantCode(t, err, code)
			if took := time.Since(start); took > 1500*time.Millisecond {
				t.Errorf("took %v", took)
			}
		})
	}

	t.Run("total", func(t *testing.T) {
		p := p
		p.MinRate, p.Timeout = -1, 200*time.Millisecond
		_, err := New(p).Get(t.Context(), s.URL+"/drip", "", "")
		wantCode(t, err, "outbound.timeout")
	})
	t.Run("cancelled by the caller", func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		time.AfterFunc(50*time.Millisecond, cancel)
		p := p
		p.MinRate = -1
		_, err := New(p).Get(ctx, s.URL+"/drip", "", "")
		wantCode(t, err, "fault.interrupted")
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v does not say that it was cancelled", err)
		}
	})
}

// TestSlowHeader sends a header that never ends, a byte at a time.
func TestSlowHeader(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err != nil {
			return
		}
		io.WriteString(conn, "HTTP/1.1 200 OK\r\nX-Slow: ")
		for err == nil {
			time.Sleep(5 * time.Millisecond)
			_, err = io.WriteString(conn, "x")
		}
	}()
	p := local(t)
	p.AllowPorts = []uint16{uint16(l.Addr().(*net.TCPAddr).Port)}
	p.HeaderTimeout = 150 * time.Millisecond
	start := time.Now()
	_, err = New(p).Get(t.Context(), "http://"+l.Addr().String(), "", "")
	wantCode(t, err, "outbound.timeout")
	if took := time.Since(start); took > 3*time.Second {
		t.Errorf("took %v", took)
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"-5":                            0,
		"90":                            90 * time.Second,
		" 90 ":                          90 * time.Second,
		"soon":                          0,
		"Wed, 04 Mar 2026 01:00:00 GMT": time.Hour,
		"Tue, 03 Mar 2026 01:00:00 GMT": 0,
	} {
		if got := parseRetryAfter(value, now); got != want {
			t.Errorf("parseRetryAfter(%q) = %v, want %v", value, got, want)
		}
	}
	if got := parseRetryAfter("9223372036854775807", now); got <= 0 {
		t.Errorf("a very long wait became %v", got)
	}
}
