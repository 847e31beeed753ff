// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"testing"

	"golang.org/x/net/idna"
)

func TestImitates(t *testing.T) {
	k := bundled()
	own, _ := newTarget("minato-hospital.example.jp", "みなと病院", nil)
	own2, _ := newTarget("kitahosp.jp", "北病院", nil)
	targets := append([]target{own, own2}, k.targets...)
	for _, c := range []struct{ host, how, target string }{
		{"rnhlw.go.jp.example", "", ""},
		{"amazon.co.jp.account.example", "subdomain", "amazon.co.jp"},
		{"amazon-co-jp.shop", "added", "amazon.co.jp"},
		{"amaz0n.example", "homograph", "amazon.co.jp"},
		{"smbc-card-login.example", "added", "smbc-card.com"},
		{"xn--mazon-3ve.example", "homograph", "amazon.co.jp"}, // with a Cyrillic letter
		{"arnazon.example", "homograph", "amazon.co.jp"},
		{"amazom.example", "typo", "amazon.co.jp"},
		{"kitahosp.top", "suffix", "kitahosp.jp"},
		{"kitahops.jp", "typo", "kitahosp.jp"},
		{"mhlw-go-jp.example", "added", "mhlw.go.jp"},
		{"rakutencard.example", "added", ""},
		{"microsoft-login.example", "added", "microsoft.com"},
		{"amazon.co.jp", "", ""},
		{"aws.amazon.com", "", ""},
		{"example.jp", "", ""},
		{"tanaka-clinic.example.jp", "", ""},
		{"marunouchi-clinic.jp", "", ""},
		{"192.0.2.1", "", ""},
		{"co.jp", "", ""},
	} {
		if k.brandOf(c.host) != nil {
			if c.how != "" {
				t.Errorf("%s belongs to a brand", c.host)
			}
			continue
		}
		l, _ := imitates(c.host, targets, k.added)
		if l.how != c.how || c.target != "" && registrable(l.target.domain) != registrable(c.target) {
			t.Errorf("%s: %s of %s, want %s of %s", c.host, l.how, l.target.domain, c.how, c.target)
		}
	}
	if u, err := idna.ToUnicode("xn--mazon-3ve"); err != nil || skeleton(u) != "amazon" {
		t.Errorf("skeleton of %q is %q, %v", u, skeleton(u), err)
	}
}
