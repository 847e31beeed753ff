// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"net/netip"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"teiten/internal/fault"
)

// toASCII is UTS 46 as browsers use it: nontransitional, without the STD 3
// rules, because underscores occur in hosts, and without hyphen rules.
var toASCII = idna.New(
	idna.MapForLookup(),
	idna.Transitional(false),
	idna.StrictDomainName(false),
	idna.CheckHyphens(false),
	idna.BidiRule(),
)

// parseHost reads a refanged host as the WHATWG host parser does (URL standard,
// section 3.5), except that empty labels and characters outside letters, digits,
// hyphen and underscore are refused, which no resolver could look up. It
// returns an A-label name, a dotted quad, or RFC 5952 text without brackets.
func parseHost(s string) (string, error) {
	if s == "" {
		return "", fault.New(fault.Invalid, "indicator.host_missing")
	}
	if s[0] == '[' {
		if s[len(s)-1] != ']' {
			return "", fault.New(fault.Invalid, "indicator.host_bracket", "host", clip(s))
		}
		a, err := netip.ParseAddr(s[1 : len(s)-1])
		if err != nil || !a.Is6() || a.Zone() != "" {
			return "", fault.New(fault.Invalid, "indicator.ipv6", "value", clip(s))
		}
		return a.Unmap().String(), nil
	}
	host := s
	if strings.IndexByte(host, '%') >= 0 {
		host = decodePercent(host)
	}
	if isASCII(host) {
		host = strings.ToLower(host)
	}
	if !isASCII(host) || strings.Contains(host, "xn--") {
		if !utf8.ValidString(host) {
			return "", fault.New(fault.Invalid, "indicator.host_encoding")
		}
		a, err := toASCII.ToASCII(host)
		if err != nil {
			return "", fault.Wrap(err, fault.Invalid, "indicator.host_idn", "host", clip(s))
		}
		host = a
	}
	host = strings.TrimSuffix(host, ".")
	if endsInNumber(host) {
		a, ok := parseIPv4(host)
		if !ok {
			return "", fault.New(fault.Invalid, "indicator.ipv4", "value", clip(s))
		}
		return a.String(), nil
	}
	return host, checkName(host)
}

// checkName checks a lower-case name of A-labels (RFC 1035, section 2.3.4).
func checkName(host string) error {
	if host == "" {
		return fault.New(fault.Invalid, "indicator.host_missing")
	}
	if len(host) > maxHost {
		return fault.New(fault.TooLarge, "indicator.host_long", "limit", maxHost, "length", len(host))
	}
	start := 0
	for i := 0; i <= len(host); i++ {
		if i < len(host) && host[i] != '.' {
			if c := host[i]; !isNameByte(c) {
				r, _ := utf8.DecodeRuneInString(host[i:])
				return fault.New(fault.Invalid, "indicator.host_character", "character", show(r), "host", clip(host))
			}
			continue
		}
		switch n := i - start; {
		case n == 0:
			return fault.New(fault.Invalid, "indicator.host_empty_label", "host", clip(host))
		case n > maxLabel:
			return fault.New(fault.TooLarge, "indicator.host_label_long", "limit", maxLabel, "length", n)
		}
		start = i + 1
	}
	return nil
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || isDigit(c) || c == '-' || c == '_'
}

// endsInNumber is the WHATWG check of that name: such a host is an IPv4 address or
// nothing.
func endsInNumber(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if last == "" {
		return false
	}
	if len(last) >= 2 && last[0] == '0' && last[1]|0x20 == 'x' {
		return strings.Trim(last[2:], "0123456789abcdefABCDEF") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// parseIPv4 is the WHATWG IPv4 parser: one to four parts, each decimal, octal
// with a leading 0 or hexadecimal with 0x; the last fills the bytes that remain.
func parseIPv4(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var sum uint64
	for i, part := range parts {
		if part == "" {
			return netip.Addr{}, false
		}
		base, digits := 10, part
		switch {
		case len(part) >= 2 && part[0] == '0' && part[1]|0x20 == 'x':
			base, digits = 16, part[2:]
		case len(part) >= 2 && part[0] == '0':
			base, digits = 8, part[1:]
		}
		var n uint64
		if digits != "" { // "0x" alone is zero
			var err error
			if n, err = strconv.ParseUint(digits, base, 64); err != nil || strings.IndexByte(digits, '_') >= 0 {
				return netip.Addr{}, false
			}
		}
		if i < len(parts)-1 {
			if n > 255 {
				return netip.Addr{}, false
			}
			sum |= n << (24 - 8*i)
			continue
		}
		if n >= 1<<(8*(5-len(parts))) {
			return netip.Addr{}, false
		}
		sum |= n
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}

// decodePercent decodes every valid triplet once.
func decodePercent(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && isHex(rune(s[i+1])) && isHex(rune(s[i+2])) {
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

func unhex(c byte) byte {
	if isDigit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
