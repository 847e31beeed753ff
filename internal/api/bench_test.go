// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"teiten/internal/caller"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

// BenchmarkRequests measures operations over 2,000 advisories beside a handler
// that does nothing but answer, and prints requests a second. The callers come
// from all cores; what HTTP itself costs is left out of both.
func BenchmarkRequests(b *testing.B) {
	for _, engine := range []struct {
		name string
		open func(testing.TB) *store.DB
	}{{"sqlite", storetest.SQLite}, {"postgres", storetest.Postgres}} {
		b.Run(engine.name, func(b *testing.B) {
			p := newPortal(b, engine.open(b))
			var many []string
			for i := range 2000 {
				address := fmt.Sprintf("http://h%d.evil.example/x", i)
				p.publish(p.Analyst, tlp.Green, fmt.Sprintf("フィッシング %d", i), address)
				if i%2 == 0 {
					many = append(many, `"`+address+`"`)
				}
			}
			known := "/api/v1/lookup?value=" + url.QueryEscape("http://h77.evil.example/x")
			bare := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				fmt.Fprint(w, `{"items":[]}`)
			})
			for _, bm := range []struct {
				name         string
				h            http.Handler
				target, body string
			}{
				{"bare", bare, "/", ""},
				{"techniques", p.server, "/api/v1/techniques", ""},
				{"list-20", p.server, "/api/v1/advisories?limit=20", ""},
				{"list-200", p.server, "/api/v1/advisories?limit=200", ""},
				{"lookup-known", p.server, known, ""},
				{"lookup-unknown", p.server, "/api/v1/lookup?value=unknown.example", ""},
				{"lookup-1000-known", p.server, "/api/v1/lookup", `{"values":[` + strings.Join(many, ",") + `]}`},
			} {
				b.Run(bm.name, func(b *testing.B) {
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							if w := serve(bm.h, p.StaffA, bm.target, bm.body); w.Code != http.StatusOK {
								b.Errorf("status %d: %s", w.Code, w.Body)
								return
							}
						}
					})
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "req/s")
				})
			}
		})
	}
}

func serve(h http.Handler, c caller.Caller, target, body string) *httptest.ResponseRecorder {
	method := http.MethodGet
	if body != "" {
		method = http.MethodPost
	}
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(accountHeader, strconv.FormatInt(c.Account, 10))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
