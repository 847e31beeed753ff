// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"teiten/internal/blocklist"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

func TestBlocklists(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db)
		for _, f := range blocklist.Formats() {
			list := w.as("minato contact", "GET", "/blocklists/"+f.Slug, "").is(200)
			if list.header("Content-Type") != f.ContentType || list.header("Content-Disposition") != "" ||
				list.header("Cache-Control") != "private, no-cache" {
				t.Errorf("%s: %q, %q, %q", f.Slug, list.header("Content-Type"), list.header("Content-Disposition"), list.header("Cache-Control"))
			}
			if f.Comment != "" && !strings.Contains(list.body, f.Comment+" "+blocklist.EndMark) {
				t.Errorf("%s has no end:\n%s", f.Slug, list.body)
			}
			// The same state gives the same bytes, or the tag would lie.
			if again := w.as("minato contact", "GET", "/blocklists/"+f.Slug, ""); again.header("ETag") != list.header("ETag") || again.body != list.body {
				t.Errorf("%s changes by itself", f.Slug)
			}
		}
		w.as("minato contact", "GET", "/blocklists/domains", "").has("rakuten-card.xyz\n", "login-minato.top\n").lacks("google", "xn--fiqs8s.xyz")
		w.as("minato contact", "GET", "/blocklists/urls?category=phishing", "").has("https://rakuten-card.xyz/login\n").lacks("denshi-karte")
		w.as("minato contact", "GET", "/blocklists/urls?category=targeted,phishing", "").has("https://rakuten-card.xyz/login\n", "denshi-karte")
		w.as("minato contact", "GET", "/blocklists/domains?tlp=green", "").has("rakuten-card.xyz").lacks("login-minato.top", "denshi-karte")
		w.as("minato contact", "GET", "/blocklists/domains?confidence=100&age=1", "").lacks("rakuten-card.xyz").has("# end: 0 entries")
		// A vendor sees up to AMBER, so its list and its tag are others.
		vendor := w.as("aoba contact", "GET", "/blocklists/domains", "").has("denshi-karte.shop").lacks("login-minato.top")
		if vendor.header("ETag") == w.as("minato contact", "GET", "/blocklists/domains", "").header("ETag") {
			t.Error("two readers who see different things share a tag")
		}
		w.as("minato contact", "GET", "/blocklists/domains?download=1", "").is(200)
		if got := w.as("minato contact", "GET", "/blocklists/rpz?download=1", "").header("Content-Disposition"); got != `attachment; filename="teiten.rpz.zone"` {
			t.Errorf("Content-Disposition %q", got)
		}
	})
}

func TestBlocklistValidators(t *testing.T) {
	w := newWorld(t)
	at := "/blocklists/domains"
	plain := w.as("minato contact", "GET", at, "").is(200)
	tag := plain.header("ETag")
	if !strings.HasPrefix(tag, `"`) || plain.header("Content-Encoding") != "" {
		t.Fatalf("tag %q, encoding %q", tag, plain.header("Content-Encoding"))
	}
	for _, match := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		same := w.as("minato contact", "GET", at, "", "If-None-Match", match).is(304)
		if same.body != "" || same.header("ETag") != tag {
			t.Errorf("If-None-Match %s: %q with tag %q", match, same.body, same.header("ETag"))
		}
	}
	w.as("minato contact", "GET", at, "", "If-None-Match", `"other"`).is(200)

	zipped := w.as("minato contact", "GET", at, "", "Accept-Encoding", "gzip").is(200)
	z, err := gzip.NewReader(strings.NewReader(zipped.body))
	must(t, err)
	unpacked, err := io.ReadAll(z)
	must(t, err)
	if string(unpacked) != plain.body || zipped.header("ETag") == tag || zipped.header("Content-Encoding") != "gzip" ||
		!strings.Contains(strings.Join(w.vary(at), ","), "Accept-Encoding") {
		t.Errorf("compressed: tag %q, encoding %q, %d bytes", zipped.header("ETag"), zipped.header("Content-Encoding"), len(unpacked))
	}
	w.as("minato contact", "GET", at, "", "Accept-Encoding", "gzip", "If-None-Match", tag).is(200)
	w.as("minato contact", "GET", at, "", "Accept-Encoding", "gzip", "If-None-Match", zipped.header("ETag")).is(304)

	head := w.as("minato contact", "HEAD", at, "").is(200)
	if head.body != "" || head.header("ETag") != tag || head.header("Content-Type") != plain.header("Content-Type") {
		t.Errorf("HEAD: %q, tag %q", head.body, head.header("ETag"))
	}

	// What changes the list changes the tag, and only for those whom it concerns.
	other := w.as("yama contact", "GET", at+"?own=1", "").header("ETag")
	mine := w.as("minato contact", "GET", at+"?own=1", "").has("rakuten-card.xyz").header("ETag")
	v, _ := indicator.Recognise("rakuten-card.xyz")
	must(t, intel.AddException(t.Context(), w.db, w.people["minato contact"], v, "試験"))
	w.as("minato contact", "GET", at+"?own=1", "", "If-None-Match", mine).is(200).lacks("rakuten-card.xyz")
	w.as("minato contact", "GET", at, "").has("rakuten-card.xyz")
	w.as("yama contact", "GET", at+"?own=1", "", "If-None-Match", other).is(304)
	w.Now = func() time.Time { return time.Now().AddDate(0, 0, 1) }
	w.as("yama contact", "GET", at+"?own=1", "", "If-None-Match", other).is(200)
	w.Now = func() time.Time { return time.Now().AddDate(3, 0, 0) }
	w.as("yama contact", "GET", at, "").has("# end: 0 entries")
	w.as("yama contact", "GET", at+"?include-expired=1", "").has("rakuten-card.xyz")
}

// vary are the Vary headers of an address.
func (w *world) vary(target string) []string {
	resp := w.do("GET", target, "", "Cookie", fmt.Sprintf("teiten-persona=%d", w.people["minato contact"].Account))
	defer resp.Body.Close()
	return resp.Header.Values("Vary")
}

func TestBlocklistRefuses(t *testing.T) {
	w := newWorld(t)
	for target, status := range map[string]int{
		"/blocklists/bind":                       404,
		"/blocklists/domains?category=spam":      400,
		"/blocklists/domains?age=-1":             400,
		"/blocklists/domains?age=soon":           400,
		"/blocklists/domains?confidence=101":     400,
		"/blocklists/domains?tlp=purple":         400,
		"/blocklists/domains?own=perhaps":        400,
		"/blocklists/domains?include-expired=ja": 400,
		"/blocklists/domains?categroy=phishing":  400,
	} {
		got := w.as("minato contact", "GET", target, "").is(status).safe()
		if got.header("ETag") != "" || strings.Contains(got.body, "# end:") {
			t.Errorf("%s: looks like a list", target)
		}
	}
	w.as("minato contact", "GET", "/blocklists/domains?categroy=phishing", "").has("categroy", "include-expired")
}

// TestBlocklistBreaksOff: a list whose source fails is never ended as if whole.
func TestBlocklistBreaksOff(t *testing.T) {
	w := newWorld(t)
	before := w.people["minato contact"]
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := httptest.NewRequest("GET", "http://localhost:8080/blocklists/domains", nil).WithContext(ctx)
	r.AddCookie(&http.Cookie{Name: "teiten-persona", Value: itoa(before.Account)})
	out := &cutting{ResponseRecorder: httptest.NewRecorder(), cancel: cancel}
	defer func() {
		if recover() != http.ErrAbortHandler { //nolint:errorlint // as net/http compares it
			t.Error("the connection was not cut")
		}
		if body := out.Body.String(); !strings.HasPrefix(body, "# ") || strings.Contains(body, "# end:") {
			t.Errorf("the list looks whole:\n%s", body)
		}
	}()
	w.Handler().ServeHTTP(out, r)
}

// cutting is a reader who goes away after the head of the list.
type cutting struct {
	*httptest.ResponseRecorder
	cancel context.CancelFunc
}

func (c *cutting) Write(b []byte) (int, error) {
	defer c.cancel()
	return c.ResponseRecorder.Write(b)
}

// TestBlocklistReader: a reader who takes nothing more is no reason to go on.
func TestBlocklistReader(t *testing.T) {
	var l listRequest
	var err error
	l.Format, err = blocklist.Find("urls")
	must(t, err)
	out := &listWriter{w: brokenPipe{}, control: http.NewResponseController(httptest.NewRecorder())}
	_, err = blocklist.Write(t.Context(), out, l.Format, blocklist.Header{}, func(func(blocklist.Entry, error) bool) {})
	if !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("%v", err)
	}
}

type brokenPipe struct{}

func (brokenPipe) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// TestLongBlocklist streams more than any buffer holds over a real connection.
func TestLongBlocklist(t *testing.T) {
	const n = 30_000
	w := newWorld(t)
	srv := httptest.NewServer(w.Handler())
	defer srv.Close()
	fillIndicators(t, w, n)
	for _, encoding := range []string{"identity", "gzip"} {
		req, err := http.NewRequestWithContext(t.Context(), "GET", srv.URL+"/blocklists/domains", nil)
		must(t, err)
		req.Header.Set("Accept-Encoding", encoding)
		req.AddCookie(&http.Cookie{Name: "teiten-persona", Value: itoa(w.people["minato contact"].Account)})
		start := time.Now()
		resp, err := http.DefaultTransport.RoundTrip(req)
		must(t, err)
		b, err := io.ReadAll(resp.Body)
		must(t, err)
		resp.Body.Close()
		if encoding == "gzip" {
			z, err := gzip.NewReader(bytes.NewReader(b))
			must(t, err)
			b, err = io.ReadAll(z)
			must(t, err)
		}
		t.Logf("%s: %d entries in %v", encoding, bytes.Count(b, []byte("\n")), time.Since(start).Round(time.Millisecond))
		if got := strings.Count(string(b), ".many.example\n"); got != n {
			t.Errorf("%s: %d entries, want %d", encoding, got, n)
		}
		if !strings.Contains(string(b), "\n# end: ") {
			t.Errorf("%s: no end", encoding)
		}
	}
}

// fillIndicators claims n domains as the ISAC's analyst.
func fillIndicators(t *testing.T, w *world, n int) {
	t.Helper()
	c := w.people["isac analyst"]
	must(t, w.db.Keep(t.Context(), func(tx *store.Tx) error {
		insert, err := tx.Prepare(t.Context(), `INSERT INTO indicator (key, tlp, organisation_id, kind, value, host, host_key, written, category, brand,
			first_seen, last_seen, confidence, valid_until, status, is_entry, is_host_entry)
			VALUES ($1, $2, $3, 'domain', $4, $4, $5, $4, $6, '', $7, $7, 80, $8, 'active', $9, $9)`)
		if err != nil {
			return err
		}
		defer insert.Close()
		now := store.Micros(tx.Now)
		for i := range n {
			host := fmt.Sprintf("h%06d.many.example", i)
			if _, err := insert.ExecContext(t.Context(), tx.Key("domain", host), int64(tlp.Green), c.Org, host, indicator.HostKey(host),
				string(category.Phishing), now, now+int64(24*time.Hour/time.Microsecond)*30, true); err != nil {
				return err
			}
		}
		return tx.Bump(t.Context(), "indicator")
	}))
}

func TestListAddress(t *testing.T) {
	q := sampleRequest("ja")
	q.Query = map[string][]string{"category": {"phishing", "targeted,phishing"}, "age": {"30"}, "tlp": {"TLP:AMBER+STRICT"}, "own": {"yes"}, "confidence": {"0"}}
	l, err := readList("squid-urls", q)
	must(t, err)
	if got := l.address(); got != "/blocklists/squid-urls?category=phishing,targeted&age=30&tlp=amber-strict&own=1" {
		t.Errorf("address %s", got)
	}
	if l.ByHost || !l.Pages || len(l.Kinds) != 1 || blocklist.Scope(l.Selection, "ja") == "" {
		t.Errorf("%+v", l)
	}
	// What the address says is read back as the same.
	q.Query = map[string][]string{"category": {"phishing,targeted"}, "age": {"30"}, "tlp": {"amber-strict"}, "own": {"1"}}
	again, err := readList("squid-urls", q)
	must(t, err)
	if again.address() != l.address() {
		t.Errorf("%s became %s", l.address(), again.address())
	}
}

func TestEditions(t *testing.T) {
	var e editions
	who := reader{org: 1, ceiling: tlp.AmberStrict}
	first := e.since(who, "a", testNow)
	if got := e.since(who, "a", testNow.Add(time.Hour)); got != first {
		t.Errorf("the same state since %v and %v", first, got)
	}
	// Who sees more has lists of his own, and does not renew the others'.
	e.since(reader{org: 1, ceiling: tlp.Red}, "r", testNow.Add(time.Minute))
	if got := e.since(who, "a", testNow.Add(time.Hour)); got != first {
		t.Errorf("another reader's state renewed it: %v", got)
	}
	if got := e.since(who, "b", testNow.Add(time.Hour)); got == first {
		t.Error("another state, the same time")
	}
	if len(e.of) != 2 {
		t.Errorf("%d states of two readers are kept", len(e.of))
	}
}

// Slow readers cannot take every connection of the store; who has the list
// already needs no place.
func TestBlocklistPlaces(t *testing.T) {
	w := newWorld(t)
	tag := w.as("minato contact", "GET", "/blocklists/urls", "").is(200).header("ETag")
	for range mostReaders {
		leave, err := w.readers.enter(t.Context())
		must(t, err)
		defer leave()
	}
	w.as("minato contact", "GET", "/blocklists/urls", "", "If-None-Match", tag).is(304)
	w.as("minato contact", "GET", "/", "").is(200)
	short, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := w.readers.enter(short); !fault.Is(err, fault.Unavailable) {
		t.Errorf("one more than the places: %v", err)
	}
}
