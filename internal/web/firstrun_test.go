// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"teiten/internal/fault"
	"teiten/internal/founding"
	"teiten/internal/locale"
)

// TestFirstRun answers the questions of a first run, as who reads the terminal
// and as who does not.
func TestFirstRun(t *testing.T) {
	const code = "ABCD-EFGH-JKMN"
	var asked []founding.Answers
	begun := 0
	h, err := NewFirstRun(FirstRun{Log: slog.New(slog.DiscardHandler), Lang: locale.Japanese, Code: code, Host: "localhost",
		Found: func(_ context.Context, a founding.Answers) (Founded, error) {
			if a.Operator == "" {
				return Founded{}, fault.New(fault.Invalid, "member.name_empty").At("operator")
			}
			asked = append(asked, a)
			return Founded{Password: "WXYZ-1234", Login: a.Login, URL: "https://localhost:8443/", P12: []byte("p12")}, nil
		}, Begin: func() { begun++ }})
	if err != nil {
		t.Fatal(err)
	}
	do := func(host, method, target, body string) *http.Response {
		r := httptest.NewRequest(method, target, strings.NewReader(body))
		r.Host = host
		if body != "" {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w.Result()
	}
	answers := form("code", " abcd-efgh-jkmn ", "isac", "見本ISAC", "operator", "山田 花子", "login", "hanako", "hosts", "localhost,portal.example.jp")
	want(t, do("localhost:8080", "GET", "/", ""), 200, "ポータルをはじめる", "起動の合言葉")
	want(t, do("attacker.example", "GET", "/", ""), 421)
	want(t, do("localhost:8080", "POST", "/certificate", form("code", code)), 409)
	want(t, do("localhost:8080", "POST", "/", form("code", "x", "isac", "a", "operator", "b")), 422, "起動の合言葉が違います")
	want(t, do("localhost:8080", "POST", "/", form("code", code, "isac", "a")), 422, "名前")
	want(t, do("localhost:8080", "POST", "/", answers), 200, "WXYZ-1234", "operator.p12")
	if len(asked) != 1 || asked[0].Name != "見本ISAC" || len(asked[0].Hosts) != 2 {
		t.Errorf("answers %+v", asked)
	}
	want(t, do("localhost:8080", "POST", "/certificate", form("code", "x")), 400)
	if resp := do("localhost:8080", "POST", "/certificate", form("code", code)); text(t, resp) != "p12" || !strings.Contains(resp.Header.Get("Content-Disposition"), "operator.p12") {
		t.Errorf("status %d, %v", resp.StatusCode, resp.Header)
	}
	want(t, do("localhost:8080", "POST", "/begin", form("code", code)), 200, "https://localhost:8443/")
	do("localhost:8080", "POST", "/begin", form("code", code))
	if begun != 1 {
		t.Errorf("begun %d times", begun)
	}
	for range mostCodes {
		do("localhost:8080", "POST", "/begin", form("code", "guess"))
	}
	want(t, do("localhost:8080", "POST", "/begin", form("code", code)), 403, "何度も間違えました")
}
