// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"net/netip"
	"strings"
	"testing"

	"teiten/internal/fault"
)

func TestClassify(t *testing.T) {
	tests := map[class][]string{
		public: {
			"1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0",
			"126.255.255.255", "128.0.0.1", "172.15.255.255", "172.32.0.0", "192.167.255.255", "192.169.0.0",
			"198.17.255.255", "198.20.0.0", "223.255.255.255",
			"2606:4700:4700::1111", "2400:3200::1", "2001:4860:4860::8888", "2001:200::1",
			"64:ff9b::808:808", "::ffff:8.8.8.8",
		},
		loopback:      {"127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"},
		private:       {"10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd12:3456::1", "fc00::1", "::ffff:10.1.2.3", "64:ff9b::c0a8:101"},
		linkLocal:     {"169.254.1.1", "fe80::1", "fe80::1%eth0", "fec0::1", "::ffff:169.254.3.4"},
		carrier:       {"100.64.0.1", "100.127.255.255"},
		documentation: {"192.0.2.1", "198.51.100.7", "203.0.113.9", "2001:db8::1", "3fff::1"},
		benchmark:     {"198.18.0.1", "198.19.255.255", "2001:2::1"},
		transition:    {"2002:7f00:1::1", "2002:808:808::1", "2001::5ef5:79fd", "192.88.99.1", "64:ff9b:1::a00:1"},
		reserved:      {"240.0.0.1", "192.0.0.8", "::8.8.8.8", "4000::1", "5f00::1", "2001:20::1", "100::1"},
		multicast:     {"224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"},
		unspecified:   {"0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "64:ff9b::"},
		metadata: {
			"169.254.169.254", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe", "169.254.170.2",
			"100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254", "fd20:ce::254",
		},
	}
	for want, addrs := range tests {
		for _, s := range addrs {
			if got := classify(canonical(netip.MustParseAddr(s))); got != want {
				t.Errorf("classify(%s) = %q, want %q", s, got, want)
			}
		}
	}
}

func TestExceptions(t *testing.T) {
	c := New(Policy{AllowPrivate: []netip.Prefix{
		netip.MustParsePrefix("10.1.0.0/16"),
		netip.MustParsePrefix("::ffff:192.168.7.0/120"),
		netip.MustParsePrefix("fd00:ec2::/32"),
		netip.MustParsePrefix("169.254.0.0/16"),
		netip.MustParsePrefix("224.0.0.0/4"),
	}})
	allowed := []string{"10.1.2.3", "::ffff:10.1.2.3", "64:ff9b::a01:203", "192.168.7.9", "169.254.1.1", "8.8.8.8"}
	refused := []string{"10.2.0.1", "192.168.8.1", "127.0.0.1", "169.254.169.254", "fd00:ec2::254", "224.0.0.1"}
	for _, s := range allowed {
		if err := c.judge(&hop{}, netip.MustParseAddr(s)); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
	for _, s := range refused {
		if err := c.judge(&hop{}, netip.MustParseAddr(s)); fault.Code(err) != "outbound.address" {
			t.Errorf("%s: got %v, want a refusal", s, err)
		}
	}

	// The exception is for the URL that the operator registered, not for where
	// a server on the internet points.
	h := &hop{}
	if err := c.judge(h, netip.MustParseAddr("8.8.8.8")); err != nil || !h.public.Load() {
		t.Fatalf("public address: err %v, seen as public %v", err, h.public.Load())
	}
	for range 2 { // it stays so for the whole chain
		h = h.next()
		err := c.judge(h, netip.MustParseAddr("10.1.2.3"))
		if fault.Code(err) != "outbound.redirect_inward" {
			t.Errorf("from the internet inward: %v", err)
		}
	}
	inside := &hop{}
	if err := c.judge(inside, netip.MustParseAddr("10.1.2.3")); err != nil {
		t.Fatal(err)
	}
	if err := c.judge(inside.next(), netip.MustParseAddr("10.1.2.4")); err != nil {
		t.Errorf("from one inner server to another: %v", err)
	}
}

func TestTarget(t *testing.T) {
	plain := Policy{}
	http := Policy{AllowHTTP: true, AllowPorts: []uint16{8443}}
	proxied := Policy{Proxy: mustURL("http://proxy.example:3128")}
	tests := []struct {
		policy Policy
		url    string
		want   string // the URL asked for, or a code
	}{
		{plain, "https://example.jp/feed.rdf", "https://example.jp/feed.rdf"},
		{plain, " https://example.jp:443/a?b=c#frag ", "https://example.jp:443/a?b=c"},
		{plain, "https://例え.jp/あ", "https://xn--r8jz45g.jp/%E3%81%82"},
		{plain, "https://[2606:4700::1]/x", "https://[2606:4700::1]/x"},
		{plain, "https://EXAMPLE.jp/", "https://example.jp/"},
		{plain, "http://example.jp/", "outbound.plain_http"},
		{http, "http://example.jp/", "http://example.jp/"},
		{http, "http://example.jp:80/", "http://example.jp:80/"},
		{http, "https://example.jp:8443/", "https://example.jp:8443/"},
		{http, "http://example.jp:443/", "outbound.port"},
		{http, "https://example.jp:80/", "outbound.port"},
		{plain, "https://example.jp:22/", "outbound.port"},
		{plain, "https://example.jp:0/", "outbound.port"},
		{plain, "https://example.jp:65979/", "outbound.port"}, // 443 modulo 65536
		{plain, "https://user:pw@example.jp/", "outbound.credentials"},
		{plain, "https://user@example.jp/", "outbound.credentials"},
		{plain, "file:///etc/passwd", "outbound.scheme"},
		{plain, "ftp://example.jp/", "outbound.scheme"},
		{plain, "gopher://example.jp/", "outbound.scheme"},
		{plain, "javascript:alert(1)", "outbound.scheme"},
		{plain, "https:example.jp", "outbound.url"},
		{plain, "https://a..example.jp/", "outbound.host"},
		{plain, "//example.jp/", "outbound.url"},
		{plain, "example.jp", "outbound.url"},
		{plain, "", "outbound.url"},
		{plain, "https://", "outbound.url"},
		{plain, "https:///path", "outbound.url"},
		{plain, "https://exa\x00mple.jp/", "outbound.url"},
		{plain, "https://example.jp:port/", "outbound.url"},
		{plain, "https://2130706433/", "outbound.host"},
		{plain, "https://0x7f000001/", "outbound.host"},
		{plain, "https://0x7f.1/", "outbound.host"},
		{plain, "https://127.1/", "outbound.host"},
		{plain, "https://0177.0.0.1/", "outbound.host"},
		{plain, "https://127.0.0.1./", "outbound.host"},
		{plain, "https://[fe80::1%25eth0]/", "outbound.host"},
		{plain, "https://" + strings.Repeat("a", 64) + ".jp/", "outbound.host"},
		{plain, "https://example.jp/" + strings.Repeat("a", maxURL), "outbound.url_length"},
		// A proxy dials for us, so the name is all that can be judged.
		{proxied, "https://example.jp/", "https://example.jp/"},
		{proxied, "https://127.0.0.1/", "outbound.address"},
		{proxied, "https://１２７．０．０．１/", "outbound.address"},
		{proxied, "https://[::ffff:10.0.0.1]/", "outbound.address"},
		{proxied, "https://169.254.169.254/latest/", "outbound.address"},
		{proxied, "https://localhost/", "outbound.local_name"},
		{proxied, "https://records.local/", "outbound.local_name"},
		{proxied, "https://metadata.google.internal/", "outbound.local_name"},
		{proxied, "https://intranet/", "outbound.local_name"},
	}
	for _, tt := range tests {
		u, err := New(tt.policy).target(tt.url)
		got := fault.Code(err)
		if err == nil {
			got = u.String()
		}
		if got != tt.want {
			t.Errorf("target(%q) = %s (%v), want %s", tt.url, got, err, tt.want)
		}
	}
}

func FuzzTarget(f *testing.F) {
	for _, s := range []string{"https://example.jp/a", "http://[::1]:80/", "https://１２７．０．０．１/", "https://a@b/", "https://0x7f.1/"} {
		f.Add(s)
	}
	c := New(Policy{AllowHTTP: true})
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := c.target(raw)
		if err != nil {
			return
		}
		if u.User != nil || u.Fragment != "" || (u.Scheme != "https" && u.Scheme != "http") {
			t.Fatalf("%q became %q", raw, u)
		}
		again, err := c.target(u.String())
		if err != nil || again.String() != u.String() {
			t.Fatalf("%q became %q, which becomes %q, %v", raw, u, again, err)
		}
	})
}
