// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"teiten/internal/caller"
	"teiten/internal/permit"
	"teiten/internal/token"
)

// TestRoutesNeedARule registers lines that say too little.
func TestRoutesNeedARule(t *testing.T) {
	h := func(http.ResponseWriter, *http.Request, *Request) error { return nil }
	p := newPortal(t)
	for why, rt := range map[string]route{
		"no rule":                          on("GET", "/x", Portal, rule{}, h),
		"the public door, and no other":    on("GET", "/x", Portal, open, h),
		"no door":                          on("GET", "/x", "", anyRole, h),
		"no handler":                       on("GET", "/x", Portal, anyRole, nil),
		"method is neither":                on("DELETE", "/x", Portal, anyRole, h),
		"pattern does not begin":           on("GET", "x", Portal, anyRole, h),
		"no limits":                        on("GET", "/x", Portal, anyRole, h, body(0)),
		"the machine door, and no other":   on("GET", "/x", Portal, anyRole.to(token.ListsRead), h),
		"the machine door, and no other, ": on("GET", "/x", Machine, anyRole, h),
		"unknown scope":                    on("GET", "/x", Machine, anyRole.to("king"), h),
		"unknown permission":               on("GET", "/x", Portal, may("king"), h),
		"the public door, and no other, ":  on("GET", "/x", Public, anyRole, h),
		"open and for some":                on("GET", "/x", Public, rule{open: true, permissions: anyRole.permissions}, h),
		"for every device and for some":    on("GET", "/x", Portal, rule{device: true, ward: true}, h),
		"only the portal's door knows":     on("GET", "/x", Machine, rule{device: true, scope: token.ListsRead}, h),
	} {
		func() {
			defer func() {
				v, _ := recover().(string)
				if !strings.Contains(v, strings.TrimRight(why, ", ")) {
					t.Errorf("%q: panic %q", why, v)
				}
			}()
			p.mux([]route{rt})
		}()
	}
}

// TestEveryRouteKeepsItsRule asks each route as every role: those whom the
// table of permissions does not let in are refused, without persona one is
// asked for.
func TestEveryRouteKeepsItsRule(t *testing.T) {
	var everyone people
	for i, role := range caller.Roles {
		kind := caller.Institution
		if role == caller.Operator || role == caller.Analyst {
			kind = caller.ISAC
		}
		everyone = append(everyone, caller.Caller{Account: int64(i + 1), Name: string(role), Org: 1, OrgKind: kind, Role: role})
	}
	p := newPortal(t, func(c *Config) { c.Personas, c.Default = everyone, 0 })
	asked := 0
	for _, rt := range p.Server.routes {
		if rt.door == Public {
			continue
		}
		rt.handler = func(w http.ResponseWriter, _ *http.Request, _ *Request) error {
			w.WriteHeader(http.StatusTeapot)
			return nil
		}
		pattern := strings.NewReplacer("{", "", "}", "", "...", "", "$", "").Replace(rt.pattern)
		p.handler = p.middleware(p.mux([]route{rt}))
		nobody := p.do(rt.method, pattern, "")
		switch {
		case rt.door == Machine && nobody.StatusCode != 401:
			t.Errorf("%s %s without persona: status %d", rt.method, rt.pattern, nobody.StatusCode)
		case rt.door == Portal && (nobody.StatusCode != 303 || !strings.HasPrefix(nobody.Header.Get("Location"), "/persona")):
			t.Errorf("%s %s without persona: status %d", rt.method, rt.pattern, nobody.StatusCode)
		}
		for i, role := range caller.Roles {
			status := http.StatusForbidden
			for _, permission := range rt.rule.permissions {
				if permit.May(everyone[i], permission) != permit.None {
					status = http.StatusTeapot
				}
			}
			asked++
			if got := p.do(rt.method, pattern, "", "Cookie", "teiten-persona="+string(rune('1'+i))).StatusCode; got != status {
				t.Errorf("%s %s as %s: status %d, want %d", rt.method, rt.pattern, role, got, status)
			}
		}
	}
	if asked < 300 {
		t.Errorf("only %d questions were asked", asked)
	}
}

func TestMount(t *testing.T) {
	p := newPortal(t, func(c *Config) {
		c.Mounts = []Mount{{"/api/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })}}
	})
	resp := p.do("GET", "/api/v1/advisories?q=secret", "")
	if resp.StatusCode != http.StatusTeapot || resp.Header.Get("X-Request-Id") == "" {
		t.Errorf("status %d", resp.StatusCode)
	}
	if strings.Contains(p.log.String(), "secret") || !strings.Contains(p.log.String(), "route=/api/") {
		t.Errorf("log: %s", p.log)
	}
}

func TestNew(t *testing.T) {
	if _, err := New(Config{Loopback: true}); err == nil {
		t.Error("no personas, no error")
	}
	if _, err := New(Config{Deps: Deps{Personas: testPeople}}); err == nil {
		t.Error("personas without sign-in on an open address, no error")
	}
	for addr, is := range map[string]bool{
		"127.0.0.1:80": true, "localhost:80": true, "[::1]:80": true, "[::ffff:127.0.0.1]:1": true,
		":80": false, "0.0.0.0:80": false, "[::]:80": false, "192.0.2.1:80": false, "localhost": false, "example.jp:80": false,
	} {
		if got := IsLoopback(addr); got != is {
			t.Errorf("IsLoopback(%q) = %v", addr, got)
		}
	}
	srv := HTTPServer(http.NotFoundHandler(), newPortal(t).Log)
	if srv.ReadHeaderTimeout == 0 || srv.ReadTimeout == 0 || srv.WriteTimeout == 0 || srv.IdleTimeout == 0 || srv.MaxHeaderBytes == 0 {
		t.Error("the server has no limits")
	}
}

func TestNav(t *testing.T) {
	h := func(http.ResponseWriter, *http.Request, *Request) error { return nil }
	q := sampleRequest("ja")
	q.can = []route{
		on("GET", "/", Portal, anyRole, h, nav("home")),
		on("GET", "/advisories", Portal, anyRole, h, nav("advisories")),
		on("GET", "/advisories/{id}", Portal, anyRole, h),
		on("GET", "/advisories/new", Portal, may(permit.AdvisoryRegister), h, nav("register")),
		on("GET", "/review", Portal, may(permit.AdvisoryReview), h, nav("review")),
		on("POST", "/search", Portal, anyRole, h),
	}
	for path, current := range map[string]string{
		"/": "ホーム", "/advisories": "情報", "/advisories/42": "情報", "/advisories/new": "登録", "/advisoriesx": "", "/style": "",
	} {
		q.Path = path
		head := q.Head("")
		got, names := "", []string{}
		for _, item := range head.Nav() {
			names = append(names, item.Name)
			if item.Current {
				got = item.Name
			}
		}
		if got != current {
			t.Errorf("at %s the entry %q is current, want %q", path, got, current)
		}
		if !slices.Equal(names, []string{"ホーム", "情報", "登録"}) {
			t.Errorf("a contact sees %q", names)
		}
	}
	head := q.Head("")
	if !head.Has("POST", "/search") || head.Has("GET", "/review") || head.Has("GET", "/search") {
		t.Error("Has does not know what exists for a contact")
	}
}
