// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build unix

package blocklist_test

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"teiten/internal/blocklist"
	"teiten/internal/indicator"
	"teiten/internal/locale"
)

// Neither firewall can be had for a test. The lists are held to what their
// makers publish instead; each rule names the document that says it.

// rule is one sentence of a document about the lines of a list.
type rule struct {
	says  string
	holds func(line string) bool
}

// panRules are of "Guidelines for URL Category Exceptions" (Advanced URL
// Filtering Administration, sections Basic Guidelines and Wildcard Guidelines)
// and "Configure the Firewall to Access an External Dynamic List" (PAN-OS
// Administrator's Guide 9.1).
var panRules = []rule{
	{"Basic Guidelines: an entry has up to 255 characters. " +
		"The maker's own exporter cuts at 254 (Cortex XSOAR, Generic Export Indicators Service, \"Truncate URL length\")",
		func(line string) bool { return len(line) <= 254 }},
	{"Basic Guidelines; Configure the Firewall: no http:// and https:// before an entry, or it is invalid",
		func(line string) bool { return !strings.HasPrefix(line, "http:") && !strings.HasPrefix(line, "https:") }},
	{"Basic Guidelines: without a slash at its end a host is followed by an implicit asterisk, " +
		"so that evil.example.domain.test matches too, unless Append Ending Token is on (from 10.2)",
		func(line string) bool { return strings.Contains(line, "/") }},
	{"Wildcard Guidelines: * and ^ stand for tokens",
		func(line string) bool { return !strings.ContainsAny(line, "*^") }},
	{"Configure the Firewall: each entry is on a line of its own",
		func(line string) bool { return !strings.ContainsAny(line, " \t") }},
	{"Basic Guidelines: entries are compared without case; they are written in one way",
		func(line string) bool {
			host, _, _ := strings.Cut(line, "/")
			return host == strings.ToLower(host)
		}},
}

// fortiRules are of "External resources file format" as "Technical Tip: How to
// use an external resource on a remote HTTP(S) server" (225335) and "Types and
// file formats of threat feeds" (FortiMail Administration Guide) repeat it.
var fortiRules = []rule{
	{"225335: a line has at most 4K characters", func(line string) bool { return len(line) < 4096 }},
	{"225335: each URL is on a line of its own, in plain text",
		func(line string) bool { return !strings.ContainsAny(line, " \t") && ascii(line) }},
	{"File formats: * at the beginning or the end is a wildcard",
		func(line string) bool { return !strings.Contains(line, "*") }},
	{"File formats: IPv6 addresses in URLs are in brackets (the list has none: the format ips has them)",
		func(line string) bool {
			host, _, _ := strings.Cut(line, "/")
			return strings.Count(host, ":") <= 1
		}},
	{"File formats: # begins a comment", func(line string) bool { return line[0] != '#' }},
}

// ipRules are of "Formatting Guidelines for an External Dynamic List" (Network
// Security, Security Policy Administration, section IP Address List) and of
// "Types and file formats of threat feeds".
var ipRules = []rule{
	{"IP Address List: an address or address/mask in each line, no URL and no domain",
		func(line string) bool {
			_, a := netip.ParseAddr(line)
			p, b := netip.ParsePrefix(line)
			return a == nil || b == nil && p == p.Masked()
		}},
}

// domainRules are of the same document and of what the maker says of its own
// exporter (demisto/content, pull request 12411).
var domainRules = []rule{
	{"a list of one type has entries of that type only; a name with a slash after it is ignored",
		func(line string) bool {
			_, err := netip.ParseAddr(line)
			return err != nil && !strings.ContainsAny(line, ":/*")
		}},
}

func ascii(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func TestFirewallListsKeepTheMakersRules(t *testing.T) {
	entries := hostileSample()
	// At and beyond each limit.
	for _, n := range []int{230, 239, 240, 241, 242, 243, 300, 3900, 3980, 3990, 4000, 4100, 9000} {
		entries = append(entries, blocklist.Entry{Kind: indicator.URL, Host: "forms.test",
			Value: "https://forms.test/" + strings.Repeat("x", n)})
	}
	label := strings.Repeat("a", 60)
	entries = append(entries, blocklist.Entry{Kind: indicator.Domain, HostBlocked: true,
		Value: strings.Join([]string{label, label, label, label, "test"}, ".")})
	alsoReal(t, entries, func(t *testing.T, entries []blocklist.Entry) {
		for slug, rules := range map[string][]rule{
			"paloalto": panRules, "fortigate": fortiRules, "ips": ipRules, "domains": domainRules,
		} {
			f, err := blocklist.Find(slug)
			if err != nil {
				t.Fatal(err)
			}
			text, sum := write(t, f, header, entries)
			lines := 0
			for line := range strings.Lines(text) {
				line = strings.TrimSuffix(line, "\n")
				if strings.HasPrefix(line, "# ") {
					continue
				}
				lines++
				for _, r := range rules {
					if !r.holds(line) {
						t.Errorf("%s: %.80q (%d bytes) breaks %s", slug, line, len(line), r.says)
					}
				}
			}
			if lines != sum.Written || lines == 0 {
				t.Errorf("%s: %d lines, %+v", slug, lines, sum)
			}
		}
	})
}

// TestFirewallLimits: an entry of the greatest length is listed, and one byte
// more is counted as left out, which a device would cut or skip without a word.
func TestFirewallLimits(t *testing.T) {
	for slug, limit := range map[string]int{"paloalto": 254, "fortigate": 4000 - len("https://")} {
		f, err := blocklist.Find(slug)
		if err != nil {
			t.Fatal(err)
		}
		for _, over := range []int{0, 1} {
			page := "forms.test/" + strings.Repeat("x", limit+over-len("forms.test/"))
			text, sum := write(t, f, header, []blocklist.Entry{{Kind: indicator.URL, Host: "forms.test", Value: "https://" + page}})
			if listed := slices.Contains(readBack(t, f, text), page); listed != (over == 0) || sum.Skipped[blocklist.TooLong] != over {
				t.Errorf("%s: %d bytes: listed %v, %+v", slug, len(page), listed, sum)
			}
		}
	}
}

// TestFortiGateTakesAFullList: as many hosts as one feed may have before
// FortiOS 7.4.4 (131,072) stay below its limit of 10 MB, even with names twice
// as long as those of real lists.
func TestFortiGateTakesAFullList(t *testing.T) {
	f, err := blocklist.Find("fortigate")
	if err != nil {
		t.Fatal(err)
	}
	entries := make([]blocklist.Entry, 131_072)
	for i := range entries {
		host := fmt.Sprintf("%040d.phishing.example", i)
		entries[i] = blocklist.Entry{Kind: indicator.Domain, Value: host, Host: host, HostBlocked: true}
	}
	if _, sum := write(t, f, header, entries); sum.Written != len(entries) || sum.Bytes >= 10_000_000 {
		t.Errorf("%+v", sum)
	}
}

// TestSetupSaysTheLimits: who sets a device up reads there what it can hold.
func TestSetupSaysTheLimits(t *testing.T) {
	for slug, limits := range map[string][]string{
		"paloalto":       {"List Capacities"},
		"fortigate":      {"131,072", "10 MB", "150,000", "32 MB", "server-identity-check full"},
		"squid-urls":     {"3,000"},
		"suricata":       {"3,000", "suricata-hosts"},
		"suricata-hosts": {"3,000"},
	} {
		f, err := blocklist.Find(slug)
		if err != nil {
			t.Fatal(err)
		}
		for _, lang := range locale.Langs {
			for _, limit := range limits {
				if text := f.About(lang) + f.Setup(lang, "https://portal.test/"); !strings.Contains(text, limit) {
					t.Errorf("%s %s does not say %q", slug, lang, limit)
				}
			}
		}
	}
}
