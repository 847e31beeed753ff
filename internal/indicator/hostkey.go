// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import "strings"

// HostKey is the sort key of a host: its labels from the right, so that
// "www.evil.example" is "example.evil.www" and comes after "example.evil",
// and all names below a domain are one range. An address or network is its own
// key. Compare keys byte by byte.
func HostKey(host string) string {
	if numericHost(host) || strings.IndexByte(host, '.') < 0 {
		return host
	}
	b := make([]byte, 0, len(host))
	for {
		dot := strings.LastIndexByte(host, '.')
		b = append(b, host[dot+1:]...)
		if dot < 0 {
			return string(b)
		}
		b = append(b, '.')
		host = host[:dot]
	}
}

// numericHost reports whether a host is an address or a network rather than a
// name: no top-level domain is numeric (RFC 3696 section 2), and no name has a
// colon or a slash.
func numericHost(host string) bool {
	if strings.ContainsAny(host, ":/") {
		return true
	}
	last := host[strings.LastIndexByte(host, '.')+1:]
	for i := range len(last) {
		if last[i] < '0' || last[i] > '9' {
			return false
		}
	}
	return last != ""
}
