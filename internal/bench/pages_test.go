// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// readers is how many people read at once, each asking for the next page as
// soon as he has one: more than twelve hospitals do.
const readers = 20

// page is a request that people make, the i-th of its kind.
type page struct {
	name string
	ask  func(i int) (method, path, form string)
}

// pages measures each page alone with 20 readers, then all of them mixed, and a
// bare handler that answers with as many bytes.
func pages(b *testing.B, site *portal, n int) {
	get := func(path string) func(int) (string, string, string) {
		return func(int) (string, string, string) { return "GET", path, "" }
	}
	words := []string{"請求書", "VPN", "フィッシング 宅配", "ランサムウェア", "不在通知", "ログイン"}
	all := []page{
		{"home", get("/")},
		{"list", get("/advisories")},
		{"detail", func(i int) (string, string, string) {
			return "GET", fmt.Sprintf("/advisories/%d", site.ids[i%len(site.ids)]), ""
		}},
		{"trends", get("/trends")},
		{"search words", func(i int) (string, string, string) { return "POST", "/search", words[i%len(words)] }},
		{"search URL", func(i int) (string, string, string) { return "POST", "/search", value(i*7919%n | 1).Value }},
	}
	for b.Loop() {
		var bytesPerPage int
		for _, p := range all {
			site.read(b, readers, p) // the first of each read what nobody has read before
			busy := processor()
			took, size, elapsed := site.read(b, 1000, p)
			busy = (processor() - busy) / time.Duration(len(took))
			bytesPerPage += size / len(all)
			slow := took.at(.95)
			b.Logf("%-12s %s, p95 %s, %5.0f requests/s, %s of a processor each, %d KB", p.name, took, short(slow), perSecond(len(took), elapsed), short(busy), size/1024)
			report(b, milliseconds(slow), strings.ReplaceAll(p.name, " ", "-")+"-p95-ms")
		}
		mixed := page{"mixed", func(i int) (string, string, string) { return all[i%len(all)].ask(i / len(all)) }}
		took, _, elapsed := site.read(b, 3000, mixed)
		body := bytes.Repeat([]byte("x"), bytesPerPage)
		bare := serve(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write(body) }))
		plain, _, flat := bare.read(b, 20_000, page{"bare", get("/")})
		faster := perSecond(len(plain), flat) / perSecond(len(took), elapsed)
		b.Logf("%-12s %s, p95 %s, %5.0f requests/s; a bare handler with %d KB: p95 %s, %.0f requests/s; ratio %.0f",
			"mixed", took, short(took.at(.95)), perSecond(len(took), elapsed), bytesPerPage/1024, short(plain.at(.95)), perSecond(len(plain), flat), faster)
		report(b, milliseconds(took.at(.95)), "p95-ms", perSecond(len(took), elapsed), "requests/s", faster, "×bare")
	}
}

// processor is the time for which this program, server and readers, has kept a
// processor busy.
func processor() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// read lets 20 readers make n requests in all; it returns how long each took,
// how large an answer was on the average, and how long it took altogether.
func (p *portal) read(b *testing.B, n int, what page) (times, int, time.Duration) {
	b.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	all := make(times, n)
	var next, size atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range readers {
		wg.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				begin := time.Now()
				got, err := p.ask(ctx, what, i)
				if err != nil {
					cancel(err)
					return
				}
				all[i] = time.Since(begin)
				size.Add(got)
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(start)
	if err := context.Cause(ctx); err != nil {
		b.Fatal(err)
	}
	slices.Sort(all)
	return all, int(size.Load()) / n, elapsed
}

func (p *portal) ask(ctx context.Context, what page, i int) (int64, error) {
	method, path, text := what.ask(i)
	var body io.Reader
	if method == "POST" {
		body = strings.NewReader(url.Values{"q": {text}}.Encode())
	}
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, body)
	if err != nil {
		return 0, err
	}
	req.Header.Set("Accept-Encoding", "gzip")
	if method == "POST" {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	got, err := io.Copy(io.Discard, resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	return got, err
}
