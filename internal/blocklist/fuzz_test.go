// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist_test

import (
	"bytes"
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/blocklist"
	"teiten/internal/indicator"
	"teiten/internal/locale"
)

var made = time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)

// good are harmless entries among which a hostile one is put.
var good = []blocklist.Entry{
	{Kind: indicator.Domain, Value: "bad.example", Host: "bad.example", HostBlocked: true, Category: "phishing"},
	{Kind: indicator.URL, Value: "https://worse.test/login", Host: "worse.test", HostBlocked: true, Category: "malicious_site"},
	{Kind: indicator.URL, Value: "https://shared.test/~evil/a.php?x=1", Host: "shared.test", Category: "phishing", Brand: "銀行"},
	{Kind: indicator.IPv4, Value: "192.0.2.7", Host: "192.0.2.7", HostBlocked: true},
}

// hostile values, each with what it tries.
var hostile = []struct{ kind, value, host string }{
	{"domain", "a.test\nserver: do-ip4: no", "a.test\nserver: do-ip4: no"},
	{"domain", "a.test/192.0.2.1\naddress=/#/", "a.test/192.0.2.1"},
	{"domain", `a.test." transparent`, `a.test." transparent`},
	{"domain", "a.test # x", "a.test # x"},
	{"domain", "a.test;b", "a.test;b"},
	{"domain", "*.test", "*.test"},
	{"domain", "com", "com"},
	{"domain", ".", "."},
	{"domain", "", ""},
	{"domain", "-a.test", "-a.test"},
	{"domain", "a-.-b.test", "a-.-b.test"},
	{"domain", "_dmarc.under_score.test", "_dmarc.under_score.test"},
	{"domain", "xn--zzzzzz99999.test", "xn--zzzzzz99999.test"},
	{"domain", "xn--.test", "xn--.test"},
	{"domain", "aa--bb.test", "aa--bb.test"},
	{"domain", "銀行.example", "銀行.example"},
	{"domain", "a..test", "a..test"},
	{"domain", "a.test.", "a.test."},
	{"domain", "A.TEST", "A.TEST"},
	{"domain", strings.Repeat("a", 64) + ".test", strings.Repeat("a", 64) + ".test"},
	{"domain", strings.Repeat("abcdefgh.", 27) + "test", strings.Repeat("abcdefgh.", 27) + "test"},
	{"domain", strings.Repeat("abcdefg.", 31) + "tests", strings.Repeat("abcdefg.", 31) + "tests"},
	{"domain", strings.Repeat("a.", 300) + "test", strings.Repeat("a.", 300) + "test"},
	{"domain", "$ORIGIN.test", "$ORIGIN.test"},
	{"domain", "www.bad.example", "www.bad.example"},
	{"url", "http://a.test/\n.*", "a.test"},
	{"url", "http://a.test/x#y", "a.test"},
	{"url", "http://a.test/#y", "a.test"},
	{"url", "http://a.test/a b", "a.test"},
	{"url", `http://a.test/";sid:1;)`, "a.test"},
	{"url", `http://a.test/|41|\x;:!`, "a.test"},
	{"url", "http://a.test/(.*)[a-z]+{2}|^$?q=\\", "a.test"},
	{"url", "http://user@a.test:8080/x", "a.test"},
	{"url", "http://a.test", "a.test"},
	{"url", "http://a.test?x", "a.test"},
	{"url", "http://a.test.evil.test/x", "a.test"},
	{"url", "http://a.test:99x/x", "a.test"},
	{"url", "http://[2001:db8::1]:8080/x", "2001:db8::1"},
	{"url", "http://192.0.2.9/x", "192.0.2.9"},
	{"url", "ftp://a.test/x", "a.test"},
	{"url", "http://a.test/" + strings.Repeat("(", 1500), "a.test"},
	{"url", "http://a.test/" + strings.Repeat("x", 9000), "a.test"},
	{"url", "http://a.test/\u2028x", "a.test"},
	{"ipv4", "192.0.2.1\n0.0.0.0/0", "192.0.2.1\n0.0.0.0/0"},
	{"ipv4", "0.0.0.0", "0.0.0.0"},
	{"ipv4", "192.0.02.1", "192.0.02.1"},
	{"ipv6", "2001:db8::7", "2001:db8::7"},
	{"ipv6", "fe80::1%eth0\n", "fe80::1%eth0\n"},
	{"cidr", "0.0.0.0/0", ""},
	{"cidr", "198.51.100.0/24", ""},
	{"email", "=cmd|'/c calc'!A1@evil.test", "evil.test"},
	{"sha256", "e3b0\nc442", ""},
	{"csv", "a,b", "x"},
}

func write(t testing.TB, f blocklist.Format, h blocklist.Header, entries []blocklist.Entry) (string, blocklist.Summary) {
	t.Helper()
	var out bytes.Buffer
	sum, err := blocklist.Write(context.Background(), &out, f, h, blocklist.Sorted(entries, f.Order))
	if err != nil {
		t.Fatalf("%s: %v", f.Slug, err)
	}
	return out.String(), sum
}

// refuses reports whether a thing that was read back from a list is what the
// entry names, in the form of that list.
func refuses(thing string, e blocklist.Entry) bool {
	host := e.Host
	if host == "" {
		host = e.Value
	}
	_, page, _ := strings.Cut(e.Value, "://")
	page, _, _ = strings.Cut(page, "#")
	if at := strings.LastIndexByte(page[:max(0, strings.IndexAny(page+"/", "/?"))], '@'); at >= 0 {
		page = page[at+1:]
	}
	rooted := strings.Replace(page, "?", "/?", 1)
	// A rule has host and path, not the port.
	path := strings.TrimPrefix(strings.TrimPrefix(page, "["+host+"]"), host)
	if i := strings.IndexAny(path, "/?"); i >= 0 {
		path = path[i:]
	}
	if strings.HasPrefix(path, "?") {
		path = "/" + path
	}
	forms := []string{e.Value, host, host + "/", page, rooted, host + path}
	if p, err := netip.ParsePrefix(host); err == nil {
		forms = append(forms, p.Masked().String())
	}
	if a, err := netip.ParseAddr(host); err == nil {
		forms = append(forms, a.Unmap().String())
	}
	return slices.Contains(forms, thing)
}

func FuzzWrite(f *testing.F) {
	for _, h := range hostile {
		f.Add(h.kind, h.value, h.host, true, "phishing", "x", "Teiten")
		f.Add(h.kind, h.value, h.host, false, "x;y\n", "=1+1", "Teiten\nserver:")
	}
	f.Fuzz(func(t *testing.T, kind, value, host string, blocked bool, category, brand, title string) {
		if !slices.Contains(indicator.Kinds, indicator.Kind(kind)) {
			kind = string(indicator.Kinds[len(kind)%len(indicator.Kinds)])
		}
		e := blocklist.Entry{Kind: indicator.Kind(kind), Value: value, Host: host, HostBlocked: blocked, Category: category, Brand: brand}
		for _, format := range blocklist.Formats() {
			h := blocklist.Header{At: made, Title: title, Scope: brand, Lang: locale.Langs[len(title)%2]}
			clean, before := write(t, format, h, good)
			text, sum := write(t, format, h, append(slices.Clone(good), e))
			was, got := readBack(t, format, clean), readBack(t, format, text)

			total := sum.Written + sum.Covered
			for _, n := range sum.Skipped {
				total += n
			}
			if sum.Read != len(good)+1 || total != sum.Read || sum.Bytes != int64(len(text)) {
				t.Errorf("%s: %+v does not add up", format.Slug, sum)
			}
			if len(got) != sum.Written || len(was) != before.Written {
				t.Errorf("%s: %d read back, %d written", format.Slug, len(got), sum.Written)
			}
			// What the hostile entry adds is itself, or nothing; what it
			// takes away is what it covers.
			for _, thing := range got {
				if !slices.Contains(was, thing) && !refuses(thing, e) {
					t.Errorf("%s: %q is refused, which nobody listed; entry %+v", format.Slug, thing, e)
				}
			}
			for _, thing := range was {
				if !slices.Contains(got, thing) && !(blocked && (strings.HasSuffix(thing, host) || strings.HasPrefix(thing, host))) {
					t.Errorf("%s: %q got lost beside %+v", format.Slug, thing, e)
				}
			}
		}
	})
}
