// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist

import (
	"slices"
	"strings"

	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/locale"
)

// Format is one kind of list.
type Format struct {
	Slug        string           // in addresses and commands: "squid-domains"
	File        string           // suggested name of the file
	ContentType string           // of an HTTP answer
	Comment     string           // what begins a comment line; "" if the format has none
	Kinds       []indicator.Kind // what it takes; entries of other kinds are skipped
	Order       Order            // in which it needs its entries
	Subdomains  bool             // a listed host means everything below it too
	Pages       bool             // it can refuse one page of a host that may not be refused as a whole

	encode func() encoder
}

// encoder writes the entries of one list. Every function appends to b.
type encoder struct {
	note  func(b []byte, text string) []byte          // a comment, where Format.Comment cannot begin one; may be nil
	open  func(b []byte, h Header) []byte             // after the comments of the head; may be nil
	entry func(b []byte, e *Entry) ([]byte, Reason)   // a reason means: nothing was appended
	end   func(b []byte, h Header, s *Summary) []byte // before the comments of the foot; may be nil
}

var (
	everything = indicator.Kinds
	names      = []indicator.Kind{indicator.URL, indicator.Domain}
	addresses  = []indicator.Kind{indicator.URL, indicator.IPv4, indicator.IPv6, indicator.CIDR}
	namesAndV4 = []indicator.Kind{indicator.URL, indicator.Domain, indicator.IPv4}
	network    = []indicator.Kind{indicator.URL, indicator.Domain, indicator.IPv4, indicator.IPv6, indicator.CIDR}
)

const (
	textPlain = "text/plain; charset=utf-8"
	textCSV   = "text/csv; charset=utf-8; header=present"
	appJSON   = "application/json"
)

var formats = []Format{
	{Slug: "urls", File: "teiten-urls.txt", ContentType: textPlain, Comment: "#",
		Kinds: []indicator.Kind{indicator.URL}, Order: AnyOrder, Pages: true, encode: urls},
	{Slug: "domains", File: "teiten-domains.txt", ContentType: textPlain, Comment: "#",
		Kinds: names, Order: ByHost, encode: domains},
	{Slug: "ips", File: "teiten-ips.txt", ContentType: textPlain, Comment: "#",
		Kinds: addresses, Order: ByHost, encode: ips},
	{Slug: "hosts", File: "teiten-hosts.txt", ContentType: textPlain, Comment: "#",
		Kinds: names, Order: ByHost, encode: hosts},
	{Slug: "dnsmasq", File: "teiten-dnsmasq.conf", ContentType: textPlain, Comment: "#",
		Kinds: names, Order: ByHost, Subdomains: true, encode: dnsmasq},
	{Slug: "unbound", File: "teiten-unbound.conf", ContentType: textPlain, Comment: "#",
		Kinds: names, Order: ByHost, Subdomains: true, encode: unbound},
	{Slug: "rpz", File: "teiten.rpz.zone", ContentType: textPlain, Comment: ";",
		Kinds: names, Order: ByHost, Subdomains: true, encode: rpz},
	{Slug: "squid-domains", File: "teiten-squid-domains.txt", ContentType: textPlain, Comment: "#",
		Kinds: namesAndV4, Order: ByHost, Subdomains: true, encode: squidDomains},
	{Slug: "squid-urls", File: "teiten-squid-urls.txt", ContentType: textPlain, Comment: "#",
		Kinds: []indicator.Kind{indicator.URL}, Order: AnyOrder, Pages: true, encode: squidURLs},
	{Slug: "adguard", File: "teiten-adguard.txt", ContentType: textPlain, Comment: "!",
		Kinds: names, Order: ByHost, Subdomains: true, encode: adguard},
	{Slug: "paloalto", File: "teiten-paloalto-urls.txt", ContentType: textPlain, Comment: "#",
		Kinds: namesAndV4, Order: ByHost, Pages: true, encode: paloalto},
	{Slug: "fortigate", File: "teiten-fortigate-urls.txt", ContentType: textPlain, Comment: "#",
		Kinds: namesAndV4, Order: ByHost, Pages: true, encode: fortigate},
	{Slug: "suricata", File: "teiten.rules", ContentType: textPlain, Comment: "#",
		Kinds: network, Order: ByHost, Subdomains: true, Pages: true, encode: suricata},
	{Slug: "suricata-hosts", File: "teiten-suricata-hosts.lst", ContentType: textPlain,
		Kinds: names, Order: ByHost, encode: suricataHosts},
	{Slug: "csv", File: "teiten-indicators.csv", ContentType: textCSV, Comment: "#",
		Kinds: everything, Order: AnyOrder, Pages: true, encode: csvTable},
	{Slug: "json", File: "teiten-indicators.json", ContentType: appJSON,
		Kinds: everything, Order: AnyOrder, Pages: true, encode: jsonObject},
}

// Formats are all formats in the order in which pages list them.
func Formats() []Format { return slices.Clone(formats) }

// Find returns the format of a slug, or a NotFound fault that names those
// there are.
func Find(slug string) (Format, error) {
	known := make([]string, len(formats))
	for i, f := range formats {
		if f.Slug == slug {
			return f, nil
		}
		known[i] = f.Slug
	}
	if len(slug) > 40 {
		slug = slug[:40] + "…"
	}
	return Format{}, fault.New(fault.NotFound, "blocklist.unknown",
		"value", strings.ToValidUTF8(slug, "�"), "known", strings.Join(known, ", "))
}

// Takes reports whether entries of the kind can stand in the list.
func (f Format) Takes(k indicator.Kind) bool { return slices.Contains(f.Kinds, k) }

// Name is what the format is called on a page.
func (f Format) Name(l locale.Lang) string { return l.T("blocklist." + f.Slug + ".name") }

// About says in a sentence or two what the list refuses and what it does not.
func (f Format) About(l locale.Lang) string { return l.T("blocklist." + f.Slug + ".about") }

// Setup is what to configure, as lines to copy, with the list's address in
// place of {url}.
func (f Format) Setup(l locale.Lang, url string) string {
	return l.T("blocklist."+f.Slug+".setup", "url", url)
}

// Sentence says a reason in words.
func (r Reason) Sentence(l locale.Lang) string { return l.T("blocklist.skip." + string(r)) }
