// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/demo"
	"teiten/internal/member"
	"teiten/internal/storetest"
)

// TestIntelPagesAreSafe opens every page about shared information in every
// role: each is well made, and nothing hostile on it can be opened.
func TestIntelPagesAreSafe(t *testing.T) {
	w := newWorld(t)
	for who, c := range w.people {
		for _, path := range []string{
			"/", "/advisories", "/advisories?category=phishing&from=2020-01-01&tlp=green&technique=T1566.002", "/advisories?ours=1",
			"/advisories?concerns=1", "/advisories?state=in_review", "/search",
			w.one("phish"), w.one("phish") + "/revisions", w.one("vpn"), w.one("invoice"), w.one("card"), w.one("card") + "/revisions",
			w.one("shop"), w.one("waiting"), w.one("waiting red"), w.one("draft"), w.one("returned"),
			w.one("card") + "/edit", w.one("returned") + "/edit", w.one("phish") + "/edit", "/advisories/new", "/review",
		} {
			r := w.as(who, "GET", path, "")
			if r.status != 200 && r.status != 403 && r.status != 404 {
				t.Errorf("%s: GET %s: status %d\n%s", who, path, r.status, gist(r.body))
			}
			r.safe()
		}
		for _, q := range []string{
			"http://login-minato.top/", "login-minato.top", "https://rakuten-card.xyz/other", "rakuten-card", "https://unknown-host.top/", "カード",
			"件名：再配達\nhttp://rakuten-card.xyz/re と hxxp://denshi-karte[.]shop/inv/2026.xlsm と https://www.google.com/ です", "203.0.113.77",
		} {
			w.as(who, "POST", "/search", form("q", q)).is(200).safe()
		}
		if c.Org == 0 {
			t.Errorf("%s has no organisation", who)
		}
	}
}

// TestSamplesAreSafe opens the advisories that come as samples: none of their
// own indicators can be opened.
func TestSamplesAreSafe(t *testing.T) {
	w := emptyWorld(t, storetest.SQLite(t))
	must(t, demo.Load(t.Context(), w.db, w.Guards, time.Now()))
	accounts, err := member.Accounts(t.Context(), w.db)
	must(t, err)
	i := slices.IndexFunc(accounts, func(a member.Account) bool {
		return a.Role == caller.Analyst && a.Org.Name != "医療セキュリティ情報共有センター"
	})
	c, err := member.Caller(t.Context(), w.db, accounts[i].ID, "web")
	must(t, err)
	w.people["sample analyst"] = c
	w.Personas = append(w.Personas.(people), c)
	found, err := advisory.List(t.Context(), w.db, c, advisory.Filter{Limit: 300})
	must(t, err)
	if len(found.Items) < 100 {
		t.Fatalf("%d samples", len(found.Items))
	}
	for _, a := range found.Items {
		a, err := advisory.Get(t.Context(), w.db, c, a.ID)
		must(t, err)
		var hosts []string
		for _, v := range a.Indicators {
			if strings.Contains(v.Host, ".") {
				hosts = append(hosts, v.Host)
			}
		}
		for _, part := range []string{"", "/revisions"} {
			if why := danger(w.as("sample analyst", "GET", address(a.ID)+part, "").is(200).body, hosts); why != "" {
				t.Errorf("advisory %d%s: %s", a.ID, part, why)
			}
		}
	}
}
