// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"net/netip"
	"strings"

	"teiten/internal/indicator"
)

// Guard judges indicators against its lists. It never changes and may be used
// from many goroutines. It keeps nothing of the lists it was made from but its
// own compact index.
type Guard struct {
	lists     []about
	names     *names
	v4, v6    *ranges
	ofHosts   *patterns
	ofURLs    *patterns
	ofEmails  *patterns
	overrules map[subject]Overrule
}

// about is what a reason repeats of a list.
type about struct {
	slug, name string
	effect     Effect
	own        bool
}

// Verdict says what may be made of an indicator.
type Verdict struct {
	// Entry: the indicator may be a filter entry of its own kind.
	Entry bool
	// HostEntry: its host may be an entry of host lists (hosts files, DNS,
	// host columns of proxies). False for what has no host.
	HostEntry bool
	// Reasons are the lists it is on, the strongest effect first, at most 16.
	// There may be reasons although both may become entries (a Note).
	Reasons []Reason
}

// Reason is one list that holds the indicator, its host or a parent of it.
type Reason struct {
	List     string    // the list's name; "" for what is no list
	Slug     string    // the list's slug, SlugSuffix or SlugOverrule
	Matched  string    // the value on the list
	Effect   Effect    // what the list does; zero for an overrule
	Overrule *Overrule // who let it through and why, when Slug is SlugOverrule
}

// Slugs of reasons that do not come from a list.
const (
	SlugSuffix   = "public-suffix" // on the Public Suffix List compiled in
	SlugOverrule = "overrule"
)

// New returns a guard over lists and the institution's own domains (see
// [Own]). A nil list is left out. Even without lists, public suffixes do not
// become entries.
func New(lists []*List, own ...*List) *Guard {
	var b builder
	for _, l := range lists {
		b.add(l)
	}
	for _, l := range own {
		b.add(l)
	}
	return b.guard()
}

// Judge says what may become of v, which is normalised. Hosts are looked up as
// the package comment says. A range counts as listed when it shares an address
// with v: to block 10.0.0.0/7 is to block 10.0.0.1.
//
// A URL without path and query is its host in other words and judged like it.
func (g *Guard) Judge(v indicator.Value) Verdict {
	j := judgement{guard: g}
	var entry, hostEntry bool
	switch v.Kind {
	case indicator.Domain, indicator.IPv4, indicator.IPv6:
		entry = j.host(v.Value) < Shared
		hostEntry = entry
	case indicator.URL:
		host := j.host(v.Host)
		entry = host < Shared || host < Exclude && !onlyRoot(v.Value)
		hostEntry = host < Shared && v.Host != ""
		entry = j.whole(v, g.ofURLs) < Shared && entry
	case indicator.Email:
		host := j.host(v.Host)
		entry = j.whole(v, g.ofEmails) < Shared && host < Exclude
		hostEntry = host < Shared && v.Host != ""
	case indicator.CIDR:
		if p, ok := readPrefix(v.Value); ok {
			entry = j.addresses(p) < Shared
		}
	case indicator.MD5, indicator.SHA1, indicator.SHA256:
		entry = j.whole(v, nil) < Shared
	}
	if j.overruled(subject{v.Kind, v.Value}) {
		entry = true
		hostEntry = hostEntry || v.Kind == indicator.Domain || v.Kind == indicator.IPv4 || v.Kind == indicator.IPv6
	}
	return Verdict{Entry: entry, HostEntry: hostEntry, Reasons: j.sorted()}
}

// onlyRoot reports whether nothing follows the host of a URL but slashes, dot
// segments, an empty query or a fragment, which never leaves the browser (RFC
// 3986, sections 3.3 and 3.5).
func onlyRoot(url string) bool {
	if _, rest, ok := strings.Cut(url, "://"); ok {
		url = rest
	}
	at := strings.IndexAny(url, "/?#")
	if at < 0 {
		return true
	}
	rest, _, _ := strings.Cut(url[at:], "#")
	rest = strings.TrimSuffix(rest, "?")
	return strings.Trim(rest, "/.") == ""
}

// builder gathers the values of all lists.
type builder struct {
	lists  []about
	named  []named
	v4, v6 []listed

	hostTexts, urlTexts, emailTexts       []substring
	hostRegexes, urlRegexes, emailRegexes []*pattern
}

func (b *builder) add(l *List) {
	if l == nil {
		return
	}
	effect := l.Effect
	if effect == 0 {
		effect = DefaultEffect(l.Slug, l.Type)
	}
	n := uint32(len(b.lists))
	b.lists = append(b.lists, about{l.Slug, l.Name, effect, l.own})

	f := families(l.Matching)
	plain := below // what a name without a leading dot covers
	if l.Type == TypeString || !l.own && hasDotted(l.Values) {
		plain = alone
	}
	for _, v := range l.Values.All() {
		e, reason := readValue(l.Type, f, strings.TrimSpace(v))
		if reason != "" {
			continue // ParseList and Own have reported it
		}
		switch e.kind {
		case isExact:
			b.named = append(b.named, named{e.text, ref{n, alone}})
		case isName:
			cover := plain
			if e.dotted {
				cover = dotted
			}
			b.named = append(b.named, named{e.text, ref{n, cover}})
		case isPrefix:
			b.network(listed{e.prefix, n})
		case isSubstring:
			b.substring(f, substring{e.text, n})
		case isRegex:
			e.regex.list = n
			b.regex(f, e.regex)
		}
	}
}

func hasDotted(values Values) bool {
	for _, v := range values.All() {
		if strings.HasPrefix(v, ".") || strings.HasPrefix(v, "*.") {
			return true
		}
	}
	return false
}

func (b *builder) network(l listed) {
	if l.prefix.Addr().Is4() {
		b.v4 = append(b.v4, l)
	} else {
		b.v6 = append(b.v6, l)
	}
}

// substring files a substring under what its list speaks about. Of a URL only
// the host is searched, unless the list speaks about nothing but URLs: whoever
// writes a hostile URL can put any harmless word into its query.
func (b *builder) substring(f family, s substring) {
	if f&hosts != 0 {
		b.hostTexts = append(b.hostTexts, s)
	}
	if f&urls != 0 {
		b.urlTexts = append(b.urlTexts, s)
	}
	if f&emails != 0 {
		b.emailTexts = append(b.emailTexts, s)
	}
}

func (b *builder) regex(f family, p *pattern) {
	if f&hosts != 0 {
		b.hostRegexes = append(b.hostRegexes, p)
	}
	if f&urls != 0 {
		b.urlRegexes = append(b.urlRegexes, p)
	}
	if f&emails != 0 {
		b.emailRegexes = append(b.emailRegexes, p)
	}
}

func (b *builder) guard() *Guard {
	return &Guard{
		lists: b.lists, names: newNames(b.named),
		v4: newRanges(b.v4), v6: newRanges(b.v6),
		ofHosts:  newPatterns(b.hostTexts, b.hostRegexes),
		ofURLs:   newPatterns(b.urlTexts, b.urlRegexes),
		ofEmails: newPatterns(b.emailTexts, b.emailRegexes),
	}
}

// address reads a host that is an address; IPv6 may stand in brackets.
func address(host string) (netip.Addr, bool) {
	if host == "" || host[0] != '[' && !strings.Contains(host, ":") && (host[len(host)-1] < '0' || host[len(host)-1] > '9') {
		return netip.Addr{}, false
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
	return a.Unmap().WithZone(""), err == nil
}
