// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist

import (
	"strings"

	"teiten/internal/indicator"
)

// panEntry is the longest entry of a URL list of PAN-OS, in bytes. Its guide
// says 255, its maker's own exporter stops at 254.
const panEntry = 254

// paloalto: an External Dynamic List of type URL (Advanced URL Filtering
// Administration, "Guidelines for URL Category Exceptions"). Entries have no
// scheme. A host ends in a slash: before PAN-OS 10.2, and later where Append
// Ending Token is off, "evil.example" would match evil.example.org too. It
// stands for exactly this host, because a "*." line for each host would use up
// the firewall's small number of entries twice as fast. The lists of type IP
// and Domain are the formats ips and domains.
func paloalto() encoder {
	return firewall("/", panEntry)
}

// fortigate: an external threat feed of type category (FortiOS, "FortiGuard
// category threat feed"): a host or a URL without its scheme in a line. The
// feeds of type address and domain are the formats ips and domains.
func fortigate() encoder {
	return firewall("", maxURL)
}

// firewall writes hosts with what has to follow them, and pages of hosts that
// may not be refused. Both products read "*" as a pattern, PAN-OS "^" too.
func firewall(after string, limit int) encoder {
	return encoder{entry: func(b []byte, e *Entry) ([]byte, Reason) {
		start := len(b)
		if e.HostBlocked {
			if r := squidName(e.host()); r != "" {
				return b, r
			}
			b = append(b, e.host()...)
			b = append(b, after...)
		} else {
			if e.Kind != indicator.URL {
				return b, HostShared
			}
			p, r := pageOf(e)
			if r != "" {
				return b, r
			}
			if strings.ContainsAny(p.path, "*^") {
				return b, Wildcard
			}
			if p.host[0] == '[' {
				return b, Address
			}
			b = append(b, p.host...)
			b = append(b, p.port...)
			b = append(b, p.path...)
		}
		if len(b)-start > limit {
			return b[:start], TooLong
		}
		return append(b, '\n'), ""
	}}
}
