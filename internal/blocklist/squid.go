// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist

import "strings"

// squidLine bounds a line of a file of ACL values, in bytes. Squid reads them
// into a buffer of 2,048 (CONFIG_LINE_LIMIT) and takes the rest of a longer
// line for a value of its own.
const squidLine = 2000

// squidDomains: values of "acl … dstdomain -n": ".host" is the host and
// everything below it; an IPv4 address is itself. Squid warns about a value
// below another and ignores it: the list has none, since covered subdomains
// are left out.
func squidDomains() encoder {
	return encoder{entry: func(b []byte, e *Entry) ([]byte, Reason) {
		host := e.host()
		if r := squidName(host); r != "" {
			return b, r
		}
		if !numericHost(host) {
			b = append(b, '.')
		}
		b = append(b, host...)
		return append(b, '\n'), ""
	}}
}

// squidURLs: values of "acl … url_regex", one anchored POSIX extended regular
// expression for one page; what is listed is refused under http and https.
// Pages of hosts that squid-domains refuses anyway are left out, because Squid
// tries expressions for every request: up to some 3,000 (5.7 with glibc) it
// joins them, more it may try one after another; it warns of either.
func squidURLs() encoder {
	return encoder{entry: func(b []byte, e *Entry) ([]byte, Reason) {
		if e.HostBlocked && squidName(e.Host) == "" {
			return b, HostListed
		}
		p, r := pageOf(e)
		if r == FrontPage && e.HostBlocked {
			// A whole host that dstdomain cannot carry, such as an IPv6
			// address: its front page at least.
			return b, Address
		}
		if r != "" {
			return b, r
		}
		start := len(b)
		b = append(b, "^https?://"...)
		b = appendRegex(b, p.host)
		b = append(b, p.port...)
		b = appendRegex(b, p.path)
		b = append(b, "$\n"...)
		if len(b)-start > squidLine {
			return b[:start], TooLong
		}
		return b, ""
	}}
}

// appendRegex escapes what means something in a POSIX extended regular
// expression (IEEE Std 1003.1, section 9.4.3). A backslash before any other
// character would be undefined.
func appendRegex(b []byte, s string) []byte {
	for i := range len(s) {
		if strings.IndexByte(`\.[]()*+?{}|^$`, s[i]) >= 0 {
			b = append(b, '\\')
		}
		b = append(b, s[i])
	}
	return b
}

// squidName is name for dstdomain, which takes IPv4 addresses too.
func squidName(host string) Reason {
	if r := name(host); r != Address {
		return r
	}
	if strings.ContainsAny(host, ":/") {
		return Address
	}
	_, r := address(host)
	return r
}
