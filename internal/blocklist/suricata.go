// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist

import (
	"encoding/base64"
	"strconv"
	"strings"

	"teiten/internal/indicator"
)

// Rule numbers. They lie above those of the known publishers and below 2^31,
// because some readers of alerts keep them in a signed number.
const (
	FirstSID = 1_100_000_000
	LastSID  = 2_099_999_999
)

// suricata: rules for Suricata 5 and later (sticky buffers, dotprefix). A host
// has three rules, for its DNS query, for the name in the TLS handshake and for
// the one in an HTTP request, all for everything below it too; an address or
// network has one; a page of a host that may not be refused has one for HTTP,
// which sees it only where the traffic is not, or no longer, encrypted.
//
// The time that Suricata takes to read rules grows with the square of their
// number: suricataHosts is for more than some thousand hosts.
//
// A rule's number comes from its kind and value alone: it stays the same from
// list to list, so that an alert can be silenced or counted by it. Within a
// list no number is given twice: when two values ask for the same (with 200,000
// rules this happens to about twenty), the later in the list's order gets
// another, and may get a different one when the earlier leaves the list. The
// numbers given out are remembered, about 40 bytes for a rule.
func suricata() encoder {
	sids := sidSet{}
	return encoder{entry: func(b []byte, e *Entry) ([]byte, Reason) {
		host := e.host()
		switch {
		case !e.HostBlocked && e.Kind != indicator.URL:
			return b, HostShared
		case !e.HostBlocked:
			p, r := pageOf(e)
			if r != "" {
				return b, r
			}
			b = append(b, "alert http $HOME_NET any -> any any (msg:\"TEITEN "...)
			b = append(b, word(e.Category)...)
			b = append(b, " page on "...)
			b = append(b, e.Host...)
			b = append(b, "\"; flow:established,to_server; http.host; content:\""...)
			b = appendContent(b, e.Host)
			b = append(b, "\"; bsize:"...)
			b = strconv.AppendInt(b, int64(len(e.Host)), 10)
			b = append(b, "; http.uri.raw; content:\""...)
			b = appendContent(b, p.path)
			b = append(b, "\"; bsize:"...)
			b = strconv.AppendInt(b, int64(len(p.path)), 10)
			return sids.finish(b, "http", e.Value), ""
		case numericHost(host):
			p, r := address(host)
			if r != "" {
				return b, r
			}
			b = append(b, "alert ip $HOME_NET any -> "...)
			b = appendAddress(b, p)
			b = append(b, " any (msg:\"TEITEN "...)
			b = append(b, word(e.Category)...)
			b = append(b, " address"...)
			b = append(b, '"')
			return sids.finish(b, "ip", host), ""
		}
		if r := name(host); r != "" {
			return b, r
		}
		b = append(b, "alert dns $HOME_NET any -> any any (msg:\"TEITEN "...)
		b = append(b, word(e.Category)...)
		b = append(b, " DNS query for "...)
		b = append(b, host...)
		b = append(b, "\"; dns.query; dotprefix; content:\"."...)
		b = append(b, host...)
		b = append(b, "\"; nocase; endswith"...)
		b = sids.finish(b, "dns", host)
		b = append(b, "alert tls $HOME_NET any -> any any (msg:\"TEITEN "...)
		b = append(b, word(e.Category)...)
		b = append(b, " TLS connection to "...)
		b = append(b, host...)
		b = append(b, "\"; flow:established,to_server; tls.sni; dotprefix; content:\"."...)
		b = append(b, host...)
		b = append(b, "\"; nocase; endswith"...)
		b = sids.finish(b, "tls", host)
		// http.host is in lower case, and Suricata warns about nocase there.
		b = append(b, "alert http $HOME_NET any -> any any (msg:\"TEITEN "...)
		b = append(b, word(e.Category)...)
		b = append(b, " HTTP request to "...)
		b = append(b, host...)
		b = append(b, "\"; flow:established,to_server; http.host; dotprefix; content:\"."...)
		b = append(b, host...)
		b = append(b, "\"; endswith"...)
		return sids.finish(b, "host", host), ""
	}}
}

// suricataHosts: a dataset of type string (Suricata user guide, "Datasets"):
// one host in a line, in base64 (RFC 4648 section 4), exactly this host, since
// datasets know equality only. Three rules, which the set-up gives, ask it for
// every DNS query, TLS handshake and HTTP request.
//
// The file has no comments, and one line that is not base64 makes Suricata
// refuse to start. What a list says of itself therefore stands in it as
// entries: "# end: 3 entries" in base64 is a host that nobody can ask for.
func suricataHosts() encoder {
	var plain []byte // one for all entries
	coded := func(b []byte, before, s string) []byte {
		plain = append(append(plain[:0], before...), s...)
		return append(base64.StdEncoding.AppendEncode(b, plain), '\n')
	}
	return encoder{
		note: func(b []byte, text string) []byte { return coded(b, "# ", text) },
		entry: func(b []byte, e *Entry) ([]byte, Reason) {
			host := e.host()
			if r := name(host); r != "" {
				return b, r
			}
			return coded(b, "", host), ""
		},
	}
}

// word is a category fit for a rule's message: a machine word, or "listed".
func word(category string) string {
	if category == "" || len(category) > 40 {
		return "listed"
	}
	for i := range len(category) {
		if c := category[i]; (c < 'a' || c > 'z') && c != '_' {
			return "listed"
		}
	}
	return category
}

// appendContent writes bytes as a content pattern: what Suricata reads as the
// end of the pattern, of the option or of hexadecimal is itself written in
// hexadecimal (Suricata user guide, content).
func appendContent(b []byte, s string) []byte {
	const digits = "0123456789abcdef"
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte(`";\|:!`, c) >= 0 {
			b = append(b, '|', digits[c>>4], digits[c&15], '|')
		} else {
			b = append(b, c)
		}
	}
	return b
}

// sidSet are the numbers that a list has given out.
type sidSet map[uint32]struct{}

// finish writes the options that end every rule.
func (s sidSet) finish(b []byte, kind, value string) []byte {
	b = append(b, "; classtype:bad-unknown; sid:"...)
	b = strconv.AppendUint(b, uint64(s.give(kind, value)), 10)
	return append(b, "; rev:1;)\n"...)
}

func (s sidSet) give(kind, value string) uint32 {
	// FNV-1a, 64 bits; a number that is taken is hashed on.
	h := uint64(14695981039346656037)
	step := func(c byte) { h = (h ^ uint64(c)) * 1099511628211 }
	for i := range len(kind) {
		step(kind[i])
	}
	step(0)
	for i := range len(value) {
		step(value[i])
	}
	for {
		// The upper half: FNV mixes its lowest bits least.
		sid := FirstSID + uint32((h>>32)%(LastSID-FirstSID+1))
		if _, taken := s[sid]; !taken {
			s[sid] = struct{}{}
			return sid
		}
		step(1)
	}
}
