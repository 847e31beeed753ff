// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist

import (
	"fmt"
	"time"
)

// dnsmasq: "address=/host/" without an address answers NXDOMAIN for the host
// and everything below it (dnsmasq(8), -A).
func dnsmasq() encoder { return hostLine("address=/", "/\n", name) }

// unbound: a local zone that answers NXDOMAIN for the host and everything below
// it (unbound.conf(5), local-zone). The leading "server:" makes the file right
// both as a file of its own in conf.d and when included inside that clause.
func unbound() encoder {
	enc := hostLine(`local-zone: "`, ".\" always_nxdomain\n", name)
	enc.open = func(b []byte, _ Header) []byte { return append(b, "server:\n"...) }
	return enc
}

// adguard: "||host^" matches the host and everything below it (AdGuard Home,
// Adblock-style syntax for hosts block lists).
func adguard() encoder { return hostLine("||", "^\n", name) }

// rpzHost bounds the host in a response policy zone, in bytes: the owner name
// is the host below a "*" label and followed by the name of the zone, which the
// administrator chooses, and one name that is too long makes the server refuse
// the whole zone. It leaves 50 bytes for the zone's name.
const rpzHost = maxHost - len("*.") - 50 - 1

// rpz: a response policy zone (draft-vixie-dnsop-dns-rpz, section 3): "CNAME ."
// answers NXDOMAIN, for the host and, with "*", for everything below it. Owner
// names are relative, so that the zone may have any name.
//
// The serial is the time in seconds, which grows with every list as long as
// less than a list a second is made (serial arithmetic, RFC 1982).
func rpz() encoder {
	return encoder{
		open: func(b []byte, h Header) []byte {
			return fmt.Appendf(b, "$TTL 300\n@ IN SOA localhost. hostmaster.localhost. %d 3600 600 604800 300\n@ IN NS localhost.\n",
				serial(h.At))
		},
		entry: func(b []byte, e *Entry) ([]byte, Reason) {
			host := e.host()
			if r := name(host); r != "" {
				return b, r
			}
			if len(host) > rpzHost {
				return b, TooLong
			}
			b = append(b, host...)
			b = append(b, " CNAME .\n*."...)
			b = append(b, host...)
			return append(b, " CNAME .\n"...), ""
		},
	}
}

func serial(at time.Time) uint32 {
	if at.IsZero() {
		return 1
	}
	return uint32(at.Unix()) // modulo 2^32, as serials are
}
