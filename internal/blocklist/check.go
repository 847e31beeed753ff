// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist

import (
	"net/netip"
	"strings"
	"unicode/utf8"
)

// Limits on what goes into any list.
const (
	maxHost  = 253  // bytes of a name in text (RFC 1035 section 3.1: 255 on the wire)
	maxLabel = 63   // bytes (RFC 1035 section 2.3.4)
	maxURL   = 4000 // bytes; FortiGate reads lines up to 4 KiB, Suricata rules up to 8 KiB
)

// name checks a host name for a list of names: lower-case letters, digits,
// hyphens and underscores, at least two labels. These characters mean nothing
// but themselves in every format here. Names that break the rules of RFC 1123
// but resolve nevertheless (hyphens at the ends of a label) pass.
func name(host string) Reason {
	if host == "" {
		return Characters
	}
	// First what decides the reason, whatever else is wrong.
	for i := range len(host) {
		if host[i] >= utf8.RuneSelf {
			return NonASCII
		}
	}
	if numericHost(host) {
		return Address
	}
	if len(host) > maxHost {
		return TooLong
	}
	label, labels := 0, 1
	for i := range len(host) {
		switch c := host[i]; {
		case c == '.':
			if label == 0 {
				return Characters
			}
			label = 0
			labels++
			continue
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '-', c == '_':
		case c == '*':
			return Wildcard
		default:
			return Characters
		}
		if label++; label > maxLabel {
			return TooLong
		}
	}
	if label == 0 {
		return Characters
	}
	if labels < 2 {
		return SingleLabel
	}
	return ""
}

// strictName is name without underscores, for hosts files: resolvers differ in
// whether they take a line with one.
func strictName(host string) Reason {
	if r := name(host); r != "" {
		return r
	}
	if strings.IndexByte(host, '_') >= 0 {
		return Underscore
	}
	return ""
}

// address reads an address or a network. What it returns is written in its
// canonical form, so that a list holds one line for one address.
func address(s string) (netip.Prefix, Reason) {
	if !numericHost(s) {
		return netip.Prefix{}, Name
	}
	var p netip.Prefix
	if strings.IndexByte(s, '/') >= 0 {
		var err error
		if p, err = netip.ParsePrefix(s); err != nil {
			return p, Characters
		}
		p = p.Masked()
	} else {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return p, Characters
		}
		a = a.Unmap()
		p = netip.PrefixFrom(a, a.BitLen())
	}
	if a := p.Addr(); a.Is4In6() || a.IsUnspecified() && p.IsSingleIP() {
		return p, Characters
	}
	if p.Addr().Is4() && p.Bits() < 8 || p.Addr().Is6() && p.Bits() < 16 {
		return p, TooWide
	}
	return p, ""
}

// numericHost reports whether a host is an address or a network rather than a
// name: no top-level domain is numeric (RFC 3696 section 2), and no name has a
// colon or a slash.
func numericHost(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.ContainsAny(host, ":/") {
		return true
	}
	for i := range len(last) {
		if last[i] < '0' || last[i] > '9' {
			return false
		}
	}
	return last != ""
}

func appendAddress(b []byte, p netip.Prefix) []byte {
	if p.IsSingleIP() {
		return p.Addr().AppendTo(b)
	}
	return p.AppendTo(b)
}

// page is a URL taken apart for a list of pages.
type page struct {
	host string
	port string // with its colon, or ""
	path string // path and query as a browser sends them, beginning with "/"
}

// printable checks that s has only visible ASCII characters: no space, no
// control character, nothing that could end a line in any reader.
func printable(s string) Reason {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return NonASCII
		}
		if s[i] <= ' ' || s[i] == 0x7f {
			return Characters
		}
	}
	return ""
}

// web checks that s is an http or https URL of visible ASCII characters and
// returns what follows the scheme.
func web(s string) (rest string, r Reason) {
	rest, ok := strings.CutPrefix(s, "https://")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "http://"); !ok {
			return "", Scheme
		}
	}
	if r := printable(rest); r != "" {
		return "", r
	}
	if len(s) > maxURL {
		return "", TooLong
	}
	return rest, ""
}

// pageOf takes a URL apart for a list that refuses pages of hosts that may not
// be refused as a whole. The fragment is dropped, since browsers do not send
// it; user and password too.
func pageOf(e *Entry) (page, Reason) {
	rest, r := web(e.Value)
	if r != "" {
		return page{}, r
	}
	rest, _, fragment := strings.Cut(rest, "#")
	authority, path := rest, ""
	if i := strings.IndexAny(rest, "/?"); i >= 0 {
		authority, path = rest[:i], rest[i:]
	}
	authority = authority[strings.LastIndexByte(authority, '@')+1:]
	host := e.Host
	if strings.IndexByte(host, ':') >= 0 {
		host = "[" + host + "]"
	}
	port, ok := strings.CutPrefix(authority, host)
	if !ok || host == "" || !isPort(port) {
		return page{}, Characters
	}
	if numericHost(e.Host) {
		if p, r := address(e.Host); r != "" || !p.IsSingleIP() {
			return page{}, Characters
		}
	} else if r := name(e.Host); r != "" {
		return page{}, r
	}
	if path == "" || path == "/" {
		if fragment {
			return page{}, Fragment
		}
		return page{}, FrontPage
	}
	if path[0] == '?' {
		path = "/" + path
	}
	return page{host: host, port: port, path: path}, ""
}

// isPort reports whether s is empty or a colon and up to five digits.
func isPort(s string) bool {
	if s == "" {
		return true
	}
	if s[0] != ':' || len(s) < 2 || len(s) > 6 {
		return false
	}
	for i := 1; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}
