// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"strings"
	"testing"
)

func TestRecognise(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"https://evil.example/a", "url https://evil.example/a"},
		{" hxxps://evil[.]example/a\n", "url https://evil.example/a"},
		{"「https://evil.example/a」", "url https://evil.example/a"},
		{"evil.example/a", "url http://evil.example/a"},
		{"192.0.2.1/a", "url http://192.0.2.1/a"},
		{"evil.com:8080", "url http://evil.com:8080/"},
		{"evil.example", "domain evil.example"},
		{"evil[.]example", "domain evil.example"},
		{"evil . example", ""},
		{"日本語.jp", "domain xn--wgv71a119e.jp"},
		{"192.0.2.1", "ipv4 192.0.2.1"},
		{"192[.]0[.]2[.]1", "ipv4 192.0.2.1"},
		{"2001:DB8::1", "ipv6 2001:db8::1"},
		{"[2001:db8::1]", "ipv6 2001:db8::1"},
		{"192.0.2.0/24", "cidr 192.0.2.0/24"},
		{"2001:db8::/32", "cidr 2001:db8::/32"},
		{"User@evil.example", "email user@evil.example"},
		{"user[at]evil[dot]example", "email user@evil.example"},
		{"mailto:user@evil.example", "email user@evil.example"},
		{md5Text, "md5 " + md5Text},
		{strings.ToUpper(sha256Text), "sha256 " + sha256Text},
		{"", ""},
		{"請求書", ""},
		{"evil", ""},
		{"1234567890", ""},
		{"12:30", ""},
		{"3/4", ""},
		{"3.5", ""},
		{"setup.zip", ""},
		{"setup[.]zip", "domain setup.zip"},
		{"readme.md", ""},
		{"script.sh:12", ""},
		{"https://evil.example/ を開いた", "url https://evil.example/%20%E3%82%92%E9%96%8B%E3%81%84%E3%81%9F"},
		{"user @ evil", ""},
		{"CVE-2024-3400", ""},
		{"a@b", ""},
	} {
		v, ok := Recognise(c.in)
		got := ""
		if ok {
			got = string(v.Kind) + " " + v.Value
		}
		if got != c.want || ok && v.Written != c.in {
			t.Errorf("%q: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestDefang(t *testing.T) {
	for _, c := range []struct {
		kind     Kind
		in, want string
	}{
		{URL, "https://evil.example/path", "hxxps://evil[.]example/path"},
		{URL, "http://192.0.2.1:8080/a.b", "hxxp://192[.]0[.]2[.]1:8080/a.b"},
		{URL, "http://[2001:db8::1]/", "hxxp://[2001[:]db8[:][:]1]/"},
		{URL, "ftp://evil.example/", "fxp://evil[.]example/"},
		{URL, "https://evil.example/?u=https://www.b.example/&m=a@b.example", "hxxps://evil[.]example/?u=https[:]//www[.]b.example/&m=a[@]b.example"},
		{URL, "ttps://evil.example/", "ttps[:]//evil[.]example/"},
		{URL, "hxxps://evil[.]example/", "hxxps://evil[.]example/"},
		{Domain, "evil.example", "evil[.]example"},
		{Email, "user@evil.example.jp", "user[@]evil[.]example[.]jp"},
		{IPv4, "192.0.2.1", "192[.]0[.]2[.]1"},
		{IPv6, "2001:db8::1", "2001[:]db8[:][:]1"},
		{CIDR, "192.0.2.0/24", "192[.]0[.]2[.]0/24"},
		{CIDR, "2001:db8::/32", "2001[:]db8[:][:]/32"},
		{MD5, md5Text, md5Text},
	} {
		if got := Defang(c.kind, c.in); got != c.want {
			t.Errorf("%s %s: %s, want %s", c.kind, c.in, got, c.want)
		}
	}
}

func FuzzExtract(f *testing.F) {
	for _, c := range corpus {
		f.Add(c.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		last := 0
		for _, found := range Extract(text) {
			if found.Start < last || found.End <= found.Start || found.End > len(text) {
				t.Fatalf("%q: %d to %d after %d", text, found.Start, found.End, last)
			}
			last = found.End
			if found.Written != text[found.Start:found.End] {
				t.Fatalf("%q: written %q", text, found.Written)
			}
			again, err := Normalise(found.Kind, found.Value.Value)
			if err != nil || again.Value != found.Value.Value {
				t.Fatalf("%q: %q is not stable: %q, %v", text, found.Value.Value, again.Value, err)
			}
		}
	})
}

// BenchmarkExtract reads ordinary Japanese text with a few indicators.
func BenchmarkExtract(b *testing.B) {
	text := strings.Repeat("こちらのメールを受け取った方は、https://evil.example/login を開かず、情報システム室に連絡してください。送信者は bad@evil.example です。\n", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if len(Extract(text)) != 2000 {
			b.Fatal("not all found")
		}
	}
}
