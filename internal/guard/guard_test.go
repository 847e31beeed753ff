// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/indicator"
)

// value makes a normalised indicator of what a test names.
func value(t testing.TB, kind indicator.Kind, s string) indicator.Value {
	t.Helper()
	v := indicator.Value{Kind: kind, Value: s, Written: s}
	switch kind {
	case indicator.URL:
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		v.Host = strings.ToLower(u.Hostname())
	case indicator.Email:
		_, v.Host, _ = strings.Cut(s, "@")
	case indicator.Domain, indicator.IPv4, indicator.IPv6:
		v.Host = s
	}
	return v
}

// kindOf tells the kind of a test's value by its form.
func kindOf(s string) indicator.Kind {
	a, err := netip.ParseAddr(s)
	switch {
	case strings.Contains(s, "://"):
		return indicator.URL
	case strings.Contains(s, "@"):
		return indicator.Email
	case err == nil && a.Is4():
		return indicator.IPv4
	case err == nil:
		return indicator.IPv6
	case strings.Contains(s, "/"):
		return indicator.CIDR
	case len(s) == 32 && !strings.Contains(s, "."):
		return indicator.MD5
	case len(s) == 40 && !strings.Contains(s, "."):
		return indicator.SHA1
	case len(s) == 64 && !strings.Contains(s, "."):
		return indicator.SHA256
	}
	return indicator.Domain
}

func bundledGuard(t testing.TB, own ...*List) *Guard {
	t.Helper()
	lists, err := Bundled()
	if err != nil {
		t.Fatal(err)
	}
	return New(lists, own...)
}

func TestJudge(t *testing.T) {
	g := bundledGuard(t, Own("Example Hospital", []string{
		"hospital.example.jp", "clinic.sakura.ne.jp", "198.41.0.0/24",
	}))
	const (
		both = "entry host"
		url  = "entry"
		none = ""
		host = "host"
	)
	for _, tt := range []struct {
		value string
		want  string
		slug  string // a list that it must be on; "" for none at all
	}{
		// Hostile names under those who rent out names stay.
		{"evil.duckdns.org", both, ""},
		{"https://evil.duckdns.org/", both, ""},
		{"https://evil.duckdns.org/login?x=1", both, ""},
		{"evil.workers.dev", both, ""},
		{"a.b.evil.workers.dev", both, ""},
		{"evil.blogspot.com", both, ""},
		{"evil.blogspot.jp", both, ""},
		{"evil.weebly.com", both, ""},
		{"evil.wordpress.com", both, ""},
		{"evil.pages.dev", both, ""},
		{"evil.web.app", both, ""},
		{"evil.github.io", both, ""},
		{"evil.azurewebsites.net", both, ""},
		{"evil.sharepoint.com", both, ""},
		{"evil.s3.ap-northeast-1.amazonaws.com", both, ""},
		{"evil.translate.goog", both, ""},
		{"evil.sakura.ne.jp", both, ""},
		{"evil.xsrv.jp", both, ""},
		{"evil.wikaba.com", both, ""},
		{"u1234567.ct.sendgrid.net", both, ""},
		{"evil.mssg.me", both, ""},
		{"bucket.storage.googleapis.com", both, ""},
		// The landlord itself is never an entry; a page on it is.
		{"duckdns.org", none, SlugSuffix},
		{"www.duckdns.org", none, SlugSuffix},
		{"workers.dev", none, SlugSuffix},
		{"https://workers.dev/", none, SlugSuffix},
		{"https://www.duckdns.org/update?domains=x", url, SlugSuffix},
		{"weebly.com", none, "tranco10k"},
		{"wikaba.com", none, "tranco10k"},
		{"xsrv.jp", none, "tranco10k"},
		{"linktr.ee", none, "tranco10k"},
		{"https://linktr.ee/evil", url, "tranco10k"},
		{"https://www.linktr.ee/evil", url, "tranco10k"},
		// Famous hosts: never the host, never their root, but a deep URL.
		{"www.google.com", none, "captive-portals"},
		{"google.com", none, "google"},
		{"https://www.google.com", none, "captive-portals"},
		{"https://www.google.com/", none, "captive-portals"},
		{"https://www.google.com//", none, "captive-portals"},
		{"https://www.google.com/./", none, "captive-portals"},
		{"https://www.google.com/?", none, "captive-portals"},
		{"https://www.google.com/#/login", none, "captive-portals"},
		{"https://user@www.google.com/", none, "captive-portals"},
		{"https://www.google.com:8443/", none, "captive-portals"},
		{"https://www.google.com/url?q=http://evil.example/", url, "captive-portals"},
		{"https://www.google.com?q=1", url, "captive-portals"},
		{"https://docs.google.com/forms/d/e/x/viewform", url, "google"},
		{"https://sites.google.com/view/evil", url, "google"},
		{"https://onedrive.live.com/download?cid=1", url, "microsoft"},
		{"https://github.com/evil/x/raw/main/a.exe", url, "tranco10k"},
		{"gist.github.com", none, "tranco10k"},
		{"https://www.linkedin.com/slink?code=x", url, "tranco10k"},
		{"www.amazon.co.jp", none, "teiten-jp-services"},
		{"amazon.co.jp.evil.example", both, ""},
		{"amazon-co-jp.top", both, ""},
		{"mq.mbd.baidu.com", none, "tranco10k"},
		{"u-tokyo.ac.jp", none, "tranco10k"},
		{"notgoogle.com", both, ""},
		{"google.com.evil.top", both, ""},
		// Shorteners: the URL, not the host.
		{"cutt.ly", none, "tranco10k"},
		{"https://cutt.ly/", none, "tranco10k"},
		{"https://cutt.ly/abc", url, "tranco10k"},
		{"https://is.gd/abc", url, "tranco10k"},
		{"https://x.gd/abc", url, "url-shortener"},
		// Those who carry only their own content are left out whole.
		{"https://www.mhlw.go.jp/stf/index.html", none, "teiten-jp-public"},
		{"mhlw.go.jp", none, "teiten-jp-public"},
		{"www.ipa.go.jp", none, "teiten-jp-public"},
		{"https://www.jpcert.or.jp/at/2024/at240001.html", none, "teiten-jp-public"},
		{"www.city.nagoya.lg.jp", none, "teiten-jp-public"},
		{"mhlw-go-jp.top", both, ""},
		{"mhlw.go.jp.evil.top", both, ""},
		{"go.jp", none, "teiten-jp-public"},
		{"https://www.smbc-card.com/mem/index.jsp", none, "teiten-jp-finance"},
		{"https://direct.bk.mufg.jp/", none, "bank-website"},
		{"smbc-card.com-login.top", both, ""},
		{"info@mhlw.go.jp", none, "teiten-jp-public"},
		{"example.com", none, "rfc6761"},
		{"c.pki.goog", none, "crl-hostname"},
		// Public suffixes and names without a domain.
		{"co.jp", none, SlugSuffix},
		{"jp", none, SlugSuffix},
		{"localhost", none, SlugSuffix},
		{"evil.co.jp", both, ""},
		{"evil.gda.pl", both, ""}, // gda.pl is famous and a suffix
		// The institution's own.
		{"hospital.example.jp", none, "own-example-hospital"},
		{"mail.hospital.example.jp", none, "own-example-hospital"},
		{"https://mail.hospital.example.jp/owa/?x=1", none, "own-example-hospital"},
		{"nurse@hospital.example.jp", none, "own-example-hospital"},
		{"www.clinic.sakura.ne.jp", none, "own-example-hospital"},
		{"other.example.jp", both, ""},
		{"198.41.0.4", none, "own-example-hospital"},
		// Mail addresses: a single one at a famous provider is an entry.
		{"evil@gmail.com", url, "google"},
		{"evil@evil.top", both, ""},
		{"abuse@evil.top", host, "common-contact-emails"},
		{"Security@evil.top", host, "common-contact-emails"},
		{"insecurity@evil.top", both, ""},
		// Addresses.
		{"10.1.2.3", none, "rfc1918"},
		{"192.168.0.1", none, "rfc1918"},
		{"100.64.0.1", none, "rfc6598"},
		{"127.0.0.1", none, "rfc5735"},
		{"224.0.0.251", none, "multicast"},
		{"::1", none, "teiten-special-addresses"},
		{"fd00::1", none, "teiten-special-addresses"},
		{"fe80::1", none, "ipv6-linklocal"},
		{"2001:db8::1", none, "rfc3849"},
		{"8.8.8.8", none, "teiten-public-dns"},
		{"2001:4860:4860::8888", none, "public-dns-v6"},
		{"104.16.1.1", none, "cloudflare"},
		{"http://104.16.1.1/evil.sh", url, "cloudflare"},
		{"http://104.16.1.1/", none, "cloudflare"},
		{"http://10.0.0.1/evil.sh", none, "rfc1918"},
		{"http://[::1]/evil.sh", none, "teiten-special-addresses"},
		{"151.101.1.1", none, "fastly"},
		{"45.155.205.233", both, ""},
		{"http://45.155.205.233/x", both, ""},
		{"104.155.11.149", both, "sinkholes"},
		// Ranges: what covers something listed counts as well.
		{"10.0.0.0/8", none, "teiten-special-addresses"},
		{"10.9.0.0/16", none, "rfc1918"},
		{"8.0.0.0/6", none, "teiten-special-addresses"},
		{"8.8.8.0/24", none, "teiten-public-dns"},
		{"45.155.205.0/24", url, ""},
		{"0.0.0.0/0", none, "rfc1918"},
		{"2606:4700::/32", none, "cloudflare"},
		// Files that are everywhere.
		{"d41d8cd98f00b204e9800998ecf8427e", none, "empty-hashes"},
		{"44d88612fea8a8f36de82e1278abb02f", none, "eicar.com"},
		{"da39a3ee5e6b4b0d3255bfef95601890afd80709", none, "empty-hashes"},
		{"275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f", none, "eicar.com"},
		{"ffffffffffffffffffffffffffffffff", url, ""},
		{strings.Repeat("ab", 32), url, ""},
	} {
		t.Run(tt.value, func(t *testing.T) {
			v := g.Judge(value(t, kindOf(tt.value), tt.value))
			var got []string
			if v.Entry {
				got = append(got, "entry")
			}
			if v.HostEntry {
				got = append(got, "host")
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("may be %q, want %q; reasons %+v", got, tt.want, v.Reasons)
			}
			if on := slugs(v); tt.slug == "" && len(on) > 0 || tt.slug != "" && !slices.Contains(on, tt.slug) {
				t.Errorf("on %q, want %q", on, tt.slug)
			}
			if !v.Entry && len(v.Reasons) == 0 {
				t.Error("left out without a reason")
			}
		})
	}
}

func slugs(v Verdict) []string {
	var on []string
	for _, r := range v.Reasons {
		on = append(on, r.Slug)
	}
	return on
}

func TestOverrule(t *testing.T) {
	day := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	plain := bundledGuard(t)
	by := func(kind, value string) Overrule {
		return Overrule{Kind: kind, Value: value, By: "analyst", At: day, Reason: "taken over, confirmed by its owner"}
	}
	g, err := plain.With([]Overrule{
		by("domain", "www.city.nagoya.lg.jp"), by("url", "https://www.google.com/"),
		by("ipv4", "8.8.8.8"), by("md5", "44d88612fea8a8f36de82e1278abb02f"), by("email", "info@mhlw.go.jp"),
		by("domain", "evil.example.top"),
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		value       string
		entry, host bool
		overruled   bool
	}{
		{"www.city.nagoya.lg.jp", true, true, true},
		{"https://www.city.nagoya.lg.jp/a", true, true, true},
		{"https://www.city.nagoya.lg.jp/", true, true, true},
		{"x@www.city.nagoya.lg.jp", true, true, true},
		{"sub.www.city.nagoya.lg.jp", false, false, false},
		{"https://www.google.com/", true, false, true},
		{"www.google.com", false, false, false},
		{"8.8.8.8", true, true, true},
		{"http://8.8.8.8/", true, true, true},
		{"8.8.8.0/24", false, false, false},
		{"44d88612fea8a8f36de82e1278abb02f", true, false, true},
		{"info@mhlw.go.jp", true, false, true},
		{"mhlw.go.jp", false, false, false},
	} {
		v := g.Judge(value(t, kindOf(tt.value), tt.value))
		named := false
		for _, r := range v.Reasons {
			if r.Overrule != nil {
				named = r.Slug == SlugOverrule && r.Overrule.By == "analyst" && r.Overrule.At.Equal(day)
			}
		}
		if v.Entry != tt.entry || v.HostEntry != tt.host || named != tt.overruled {
			t.Errorf("%s: %+v, want entry %v host %v overruled %v", tt.value, v, tt.entry, tt.host, tt.overruled)
		}
	}
	if v := plain.Judge(value(t, indicator.IPv4, "8.8.8.8")); v.Entry {
		t.Error("With changed the guard it was called on")
	}
	for _, bad := range []Overrule{
		{Value: "x.example", By: "a", At: day, Reason: "r"},
		{Kind: "domain", Value: "x.example", At: day, Reason: "r"},
		{Kind: "domain", Value: "x.example", By: "a", Reason: "r"},
		{Kind: "domain", Value: "x.example", By: "a", At: day, Reason: " "},
	} {
		if _, err := plain.With([]Overrule{bad}); err == nil {
			t.Errorf("accepted %+v", bad)
		}
	}
}

func TestOwnRefusesWhatIsEverybodys(t *testing.T) {
	l := Own("Example", []string{"jp", "or.jp", "workers.dev", "hospital.or.jp", "no domain", ""})
	if l.Values.Len() != 1 || l.Values.At(0) != "hospital.or.jp" || l.Skipped != 5 {
		t.Fatalf("kept %d, skipped %d, problems %v", l.Values.Len(), l.Skipped, l.Problems)
	}
	g := New(nil, l, nil)
	if v := g.Judge(value(t, indicator.Domain, "evil.or.jp")); !v.Entry || !v.HostEntry {
		t.Errorf("another's domain is excluded: %+v", v)
	}
	if v := g.Judge(value(t, indicator.Domain, "a.b.hospital.or.jp")); v.Entry || v.HostEntry {
		t.Errorf("a name below the own domain may be an entry: %+v", v)
	}
}

// TestUnknownKind holds that what the guard does not understand never becomes
// an entry.
func TestUnknownKind(t *testing.T) {
	g := bundledGuard(t)
	for _, v := range []indicator.Value{{}, {Kind: "imphash", Value: "x"}, {Kind: indicator.CIDR, Value: "no range"}} {
		if got := g.Judge(v); got.Entry || got.HostEntry {
			t.Errorf("%+v may be an entry: %+v", v, got)
		}
	}
}
