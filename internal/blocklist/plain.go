// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist

// hostLine returns an encoder that writes each host that passes check between
// two fixed texts.
func hostLine(before, after string, check func(string) Reason) encoder {
	return encoder{entry: func(b []byte, e *Entry) ([]byte, Reason) {
		host := e.host()
		if r := check(host); r != "" {
			return b, r
		}
		b = append(b, before...)
		b = append(b, host...)
		return append(b, after...), ""
	}}
}

// urls: one URL in a line, as normalised, whether its host may be refused as a
// whole or not.
func urls() encoder {
	return encoder{entry: func(b []byte, e *Entry) ([]byte, Reason) {
		if _, r := web(e.Value); r != "" {
			return b, r
		}
		b = append(b, e.Value...)
		return append(b, '\n'), ""
	}}
}

// domains: one host name in a line; exactly this host.
func domains() encoder { return hostLine("", "\n", name) }

// hosts: lines of a hosts file (hosts(5)); exactly this host. 0.0.0.0 is no
// destination (RFC 1122 section 3.2.1.3), so that a program fails at once,
// where 127.0.0.1 might reach a service of the same machine.
func hosts() encoder { return hostLine("0.0.0.0 ", "\n", strictName) }

// ips: one address or network in a line, canonical (RFC 5952 for IPv6).
func ips() encoder {
	return encoder{entry: func(b []byte, e *Entry) ([]byte, Reason) {
		p, r := address(e.host())
		if r != "" {
			return b, r
		}
		return append(appendAddress(b, p), '\n'), ""
	}}
}
