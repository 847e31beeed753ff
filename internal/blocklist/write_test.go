// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"iter"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"teiten/internal/blocklist"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/tlp"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sample has one of everything that matters, in no order.
func sample() []blocklist.Entry {
	e := []blocklist.Entry{
		{Kind: indicator.Domain, Value: "evil.example", Host: "evil.example", HostBlocked: true},
		{Kind: indicator.Domain, Value: "www.evil.example", Host: "www.evil.example", HostBlocked: true},
		{Kind: indicator.Domain, Value: "evil-a.example", Host: "evil-a.example", HostBlocked: true},
		{Kind: indicator.URL, Value: "https://evil.example/login?a=1", Host: "evil.example", HostBlocked: true, Brand: "銀行, \"A\""},
		{Kind: indicator.URL, Value: "https://under_score.test/", Host: "under_score.test", HostBlocked: true},
		{Kind: indicator.URL, Value: "https://forms.test/d/1.html", Host: "forms.test"},
		{Kind: indicator.URL, Value: "http://forms.test/d/(2)?x=[1]*", Host: "forms.test"},
		{Kind: indicator.URL, Value: "https://forms.test/", Host: "forms.test"},
		{Kind: indicator.URL, Value: "http://192.0.2.10:8080/panel/", Host: "192.0.2.10", HostBlocked: true},
		{Kind: indicator.IPv4, Value: "192.0.2.10", Host: "192.0.2.10", HostBlocked: true},
		{Kind: indicator.IPv6, Value: "2001:db8::1", Host: "2001:db8::1", HostBlocked: true},
		{Kind: indicator.CIDR, Value: "198.51.100.0/24", HostBlocked: true},
		{Kind: indicator.CIDR, Value: "0.0.0.0/1", HostBlocked: true},
		{Kind: indicator.Email, Value: "+boss@evil.example", Host: "evil.example", HostBlocked: true},
		{Kind: indicator.SHA256, Value: strings.Repeat("ab", 32)},
	}
	for i := range e {
		e[i].Category, e[i].Confidence, e[i].TLP = "phishing", 80, tlp.Amber
		e[i].FirstSeen, e[i].LastSeen = made.AddDate(0, 0, -1), made
	}
	return e
}

var header = blocklist.Header{At: made, Title: "定点", Scope: "フィッシング、TLP:AMBER まで", Lang: locale.Japanese}

// TestGolden shows what each format looks like: testdata/*.golden.
func TestGolden(t *testing.T) {
	for _, f := range blocklist.Formats() {
		text, _ := write(t, f, header, sample())
		readBack(t, f, text)
		path := filepath.Join("testdata", f.Slug+".golden")
		if *update {
			if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text != string(want) {
			t.Errorf("%s differs from %s:\n%s", f.Slug, path, text)
		}
	}
}

func TestSkippedIsCountedAndSaid(t *testing.T) {
	const deep = "aaaaaaaaa."
	tests := []struct {
		slug string
		e    blocklist.Entry
		want blocklist.Reason
	}{
		{"domains", blocklist.Entry{Kind: "sha256", Value: "ab"}, blocklist.WrongKind},
		{"domains", blocklist.Entry{Kind: "url", Value: "http://a.test/x", Host: "a.test"}, blocklist.HostShared},
		{"domains", blocklist.Entry{Kind: "url", Value: "http://192.0.2.1/x", Host: "192.0.2.1", HostBlocked: true}, blocklist.Address},
		{"domains", blocklist.Entry{Kind: "domain", Value: "*.a.test", HostBlocked: true}, blocklist.Wildcard},
		{"domains", blocklist.Entry{Kind: "domain", Value: "銀行.test", HostBlocked: true}, blocklist.NonASCII},
		{"domains", blocklist.Entry{Kind: "domain", Value: "test", HostBlocked: true}, blocklist.SingleLabel},
		{"domains", blocklist.Entry{Kind: "domain", Value: "a.test:80", HostBlocked: true}, blocklist.Address},
		{"domains", blocklist.Entry{Kind: "domain", Value: strings.Repeat("a", 64) + ".test", HostBlocked: true}, blocklist.TooLong},
		{"domains", blocklist.Entry{Kind: "domain", Value: strings.Repeat(deep, 25) + "test", HostBlocked: true}, blocklist.TooLong},
		{"rpz", blocklist.Entry{Kind: "domain", Value: strings.Repeat(deep, 20) + "test", HostBlocked: true}, blocklist.TooLong},
		{"hosts", blocklist.Entry{Kind: "domain", Value: "a_b.test", HostBlocked: true}, blocklist.Underscore},
		{"ips", blocklist.Entry{Kind: "url", Value: "http://a.test/", Host: "a.test", HostBlocked: true}, blocklist.Name},
		{"ips", blocklist.Entry{Kind: "cidr", Value: "0.0.0.0/0", HostBlocked: true}, blocklist.TooWide},
		{"ips", blocklist.Entry{Kind: "ipv4", Value: "23.94.00.27", HostBlocked: true}, blocklist.Characters},
		{"urls", blocklist.Entry{Kind: "url", Value: "ftp://a.test/", Host: "a.test"}, blocklist.Scheme},
		{"urls", blocklist.Entry{Kind: "url", Value: "http://a.test/ b", Host: "a.test"}, blocklist.Characters},
		{"squid-urls", blocklist.Entry{Kind: "url", Value: "http://a.test/x", Host: "a.test", HostBlocked: true}, blocklist.HostListed},
		{"squid-urls", blocklist.Entry{Kind: "url", Value: "http://a.test/#x", Host: "a.test"}, blocklist.Fragment},
		{"squid-urls", blocklist.Entry{Kind: "url", Value: "http://a.test", Host: "a.test"}, blocklist.FrontPage},
		{"squid-urls", blocklist.Entry{Kind: "url", Value: "http://a.test/" + strings.Repeat("(", 1000), Host: "a.test"}, blocklist.TooLong},
		{"squid-urls", blocklist.Entry{Kind: "url", Value: "http://b.test/x", Host: "a.test"}, blocklist.Characters},
		{"paloalto", blocklist.Entry{Kind: "url", Value: "http://a.test/x*", Host: "a.test"}, blocklist.Wildcard},
		{"paloalto", blocklist.Entry{Kind: "url", Value: "http://a.test/" + strings.Repeat("x", 250), Host: "a.test"}, blocklist.TooLong},
		{"fortigate", blocklist.Entry{Kind: "ipv4", Value: "192.0.2.1"}, blocklist.HostShared},
		{"suricata-hosts", blocklist.Entry{Kind: "url", Value: "http://192.0.2.1/x", Host: "192.0.2.1", HostBlocked: true}, blocklist.Address},
		{"suricata-hosts", blocklist.Entry{Kind: "url", Value: "http://a.test/x", Host: "a.test"}, blocklist.HostShared},
	}
	for _, tt := range tests {
		f, err := blocklist.Find(tt.slug)
		if err != nil {
			t.Fatal(err)
		}
		text, sum := write(t, f, header, []blocklist.Entry{tt.e})
		if f.Slug == "suricata-hosts" {
			text = decoded(t, text)
		}
		if !maps.Equal(sum.Skipped, map[blocklist.Reason]int{tt.want: 1}) {
			t.Errorf("%s %.60q: skipped %v, want %s", tt.slug, tt.e.Value, sum.Skipped, tt.want)
		}
		if !strings.Contains(text, tt.want.Sentence(locale.Japanese)) {
			t.Errorf("%s: the list does not say %s:\n%s", tt.slug, tt.want, text)
		}
	}
}

func TestCovered(t *testing.T) {
	var entries []blocklist.Entry
	for _, h := range []string{"www.a.example", "a.example", "a-b.example", "a.example", "x.y.a.example", "a.b.example", "b.example2", "ab.example"} {
		entries = append(entries, blocklist.Entry{Kind: indicator.Domain, Value: h, Host: h, HostBlocked: true})
	}
	for slug, want := range map[string]string{
		"dnsmasq": "a.example a-b.example ab.example a.b.example b.example2",
		"domains": "a.example a-b.example www.a.example x.y.a.example ab.example a.b.example b.example2",
	} {
		f, _ := blocklist.Find(slug)
		text, sum := write(t, f, header, entries)
		if got := strings.Join(readBack(t, f, text), " "); got != want {
			t.Errorf("%s: %s\nwant %s", slug, got, want)
		}
		if sum.Covered != len(entries)-sum.Written {
			t.Errorf("%s: %+v", slug, sum)
		}
	}
}

// broken gives one entry and then an error.
func broken(err error) blocklist.Source {
	return func(yield func(blocklist.Entry, error) bool) {
		if yield(sample()[0], nil) {
			yield(blocklist.Entry{}, err)
		}
	}
}

func TestErrorLeavesTheFootOut(t *testing.T) {
	boom := errors.New("boom")
	for _, f := range blocklist.Formats() {
		var out bytes.Buffer
		if _, err := blocklist.Write(context.Background(), &out, f, header, broken(boom)); err != boom {
			t.Errorf("%s: %v", f.Slug, err)
		}
		text := out.String()
		if f.Slug == "suricata-hosts" {
			text = decoded(t, text)
		}
		if text == "" || strings.Contains(text, " end: ") || strings.Contains(text, `"count"`) {
			t.Errorf("%s: looks whole:\n%s", f.Slug, text)
		}
	}
}

func TestOutOfOrderIsAnError(t *testing.T) {
	for _, f := range blocklist.Formats() {
		if f.Order == blocklist.AnyOrder {
			continue
		}
		in := []blocklist.Entry{sample()[8], sample()[3]}
		slices.SortFunc(in, func(a, b blocklist.Entry) int { return f.Order.Compare(b, a) })
		_, err := blocklist.Write(context.Background(), &bytes.Buffer{}, f, header, seq(in))
		if fault.Code(err) != "blocklist.order" {
			t.Errorf("%s: %v", f.Slug, err)
		}
	}
}

func seq(entries []blocklist.Entry) blocklist.Source {
	return func(yield func(blocklist.Entry, error) bool) {
		for _, e := range entries {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func TestContextEndsTheList(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	n := 0
	var endless iter.Seq2[blocklist.Entry, error] = func(yield func(blocklist.Entry, error) bool) {
		for yield(sample()[0], nil) {
			if n++; n == 5000 {
				cancel()
			}
		}
	}
	f, _ := blocklist.Find("json")
	if _, err := blocklist.Write(ctx, &bytes.Buffer{}, f, header, endless); !errors.Is(err, context.Canceled) || n > 7000 {
		t.Errorf("%v after %d entries", err, n)
	}
}

// flushed notes how much had been written when Flush was called first.
type flushed struct {
	bytes.Buffer
	first int
}

func (w *flushed) Flush() {
	if w.first == 0 {
		w.first = w.Len()
	}
}

func TestHeadGoesOutAtOnce(t *testing.T) {
	for _, f := range blocklist.Formats() {
		var w flushed
		asked := false
		src := func(func(blocklist.Entry, error) bool) { asked = w.first > 0 }
		if _, err := blocklist.Write(context.Background(), &w, f, header, src); err != nil || !asked {
			t.Errorf("%s: the source was asked before the head went out (%v)", f.Slug, err)
		}
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("connection lost") }

func TestWriteErrorIsReturned(t *testing.T) {
	for _, f := range blocklist.Formats() {
		if _, err := blocklist.Write(context.Background(), failing{}, f, header, seq(nil)); err == nil {
			t.Errorf("%s: no error", f.Slug)
		}
	}
}

func TestFindUnknown(t *testing.T) {
	_, err := blocklist.Find("bind\xff")
	if !fault.Is(err, fault.NotFound) || !strings.Contains(locale.English.Fault(err), "rpz") {
		t.Errorf("%v", err)
	}
}

func TestEveryFormatIsExplained(t *testing.T) {
	for _, f := range blocklist.Formats() {
		for _, l := range locale.Langs {
			const url = "https://portal.test/blocklists/x"
			setup := f.Setup(l, url)
			for _, text := range []string{f.Name(l), f.About(l), setup} {
				if text == "" || strings.Contains(text, "[blocklist.") || strings.Contains(text, "{url}") {
					t.Errorf("%s %s: %q", f.Slug, l, text)
				}
			}
			if !strings.Contains(setup, url) {
				t.Errorf("%s %s: the set-up does not name the list:\n%s", f.Slug, l, setup)
			}
		}
		if f.ContentType == "" || f.File == "" || len(f.Kinds) == 0 {
			t.Errorf("%s: %+v", f.Slug, f)
		}
	}
	for _, r := range blocklist.Reasons {
		if !locale.Has("blocklist.skip." + string(r)) {
			t.Errorf("no sentence for %s", r)
		}
	}
}

// TestRuleNumbers: stable from list to list, and never twice in one, even among
// so many that the hash must collide.
func TestRuleNumbers(t *testing.T) {
	f, _ := blocklist.Find("suricata")
	one := func(entries []blocklist.Entry) string {
		text, _ := write(t, f, header, entries)
		for line := range strings.Lines(text) {
			if strings.Contains(line, " page on forms.test") && strings.Contains(line, "/d/1.html") {
				return line[strings.Index(line, "sid:"):]
			}
		}
		t.Fatal("rule not found")
		return ""
	}
	if a, b := one(sample()), one(sample()[5:6]); a != b {
		t.Errorf("the number depends on the list: %s, %s", a, b)
	}
	text, sum := write(t, f, header, slices.Collect(firsts(hostEntries(60_000))))
	if got := len(readBack(t, f, text)); got != sum.Written || got != 60_000 {
		t.Errorf("%d of %d", got, sum.Written)
	}
}
