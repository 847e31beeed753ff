// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"net/netip"
	"strconv"
	"strings"

	"teiten/internal/fault"
)

// normaliseDomain reads a domain name of at least two labels.
func normaliseDomain(written string) (string, error) {
	s, err := plain(written)
	if err != nil {
		return "", err
	}
	s = refang(s, inHost)
	if strings.HasPrefix(s, "*.") {
		return "", fault.New(fault.Invalid, "indicator.host_wildcard", "host", clip(s[2:]))
	}
	switch i := strings.IndexAny(s, "/?#@:\\"); {
	case i < 0:
	case s[i] == '@':
		return "", fault.New(fault.Invalid, "indicator.userinfo")
	case s[i] == ':' && strings.Trim(s[i+1:], "0123456789") == "":
		return "", fault.New(fault.Invalid, "indicator.domain_port")
	case s[i] == ':' && strings.Count(s, ":") > 1 && isAddress(s):
		return "", fault.New(fault.Invalid, "indicator.domain_address", "value", clip(s))
	default:
		return "", fault.New(fault.Invalid, "indicator.domain_path")
	}
	return domainOf(s)
}

func isAddress(s string) bool {
	_, err := netip.ParseAddr(s)
	return err == nil
}

// domainOf is the host parser for names only.
func domainOf(s string) (string, error) {
	host, err := parseHost(s)
	if err != nil {
		return "", err
	}
	switch {
	case endsInNumber(host) || strings.IndexByte(host, ':') >= 0:
		return "", fault.New(fault.Invalid, "indicator.domain_address", "value", clip(host))
	case strings.IndexByte(host, '.') < 0:
		return "", fault.New(fault.Invalid, "indicator.domain_label", "host", clip(host))
	}
	return host, nil
}

// normaliseAddress reads an address; an IPv4-mapped IPv6 address is IPv4.
func normaliseAddress(kind Kind, written string) (Kind, string, error) {
	s, err := plain(written)
	if err != nil {
		return kind, "", err
	}
	s = refang(s, inHost)
	a, err := addressOf(s)
	switch {
	case err != nil && kind == IPv6:
		return kind, "", fault.New(fault.Invalid, "indicator.ipv6", "value", clip(s))
	case err != nil:
		return kind, "", fault.New(fault.Invalid, "indicator.ipv4", "value", clip(s))
	case a.Is4() && kind == IPv6 && strings.IndexByte(s, ':') < 0:
		return kind, "", fault.New(fault.Invalid, "indicator.ipv6", "value", clip(s))
	case a.Is6() && kind == IPv4:
		return kind, "", fault.New(fault.Invalid, "indicator.ipv4", "value", clip(s))
	}
	return kindOf(a), a.String(), nil
}

// addressOf reads either family, IPv6 with or without brackets.
func addressOf(s string) (netip.Addr, error) {
	if strings.IndexByte(s, ':') < 0 {
		if a, ok := parseIPv4(strings.TrimSuffix(s, ".")); ok {
			return a, nil
		}
		return netip.Addr{}, fault.New(fault.Invalid, "indicator.ipv4", "value", clip(s))
	}
	a, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(s, "["), "]"))
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, fault.New(fault.Invalid, "indicator.ipv6", "value", clip(s))
	}
	return a.Unmap(), nil
}

func kindOf(a netip.Addr) Kind {
	if a.Is4() {
		return IPv4
	}
	return IPv6
}

// normaliseNetwork reads CIDR notation (RFC 4632, RFC 4291 section 2.3). A
// network of everything is refused: as a filter it would cut a hospital off.
func normaliseNetwork(written string) (Kind, string, error) {
	s, err := plain(written)
	if err != nil {
		return CIDR, "", err
	}
	s = refang(s, inHost)
	address, length, found := strings.Cut(s, "/")
	if !found {
		return CIDR, "", fault.New(fault.Invalid, "indicator.cidr_slash", "value", clip(s))
	}
	a, err := addressOf(strings.TrimSpace(address))
	if err != nil {
		return CIDR, "", err
	}
	length = strings.TrimSpace(length)
	most := a.BitLen()
	mapped := a.Is4() && strings.IndexByte(address, ':') >= 0
	if mapped {
		most = 128
	}
	bits, err := strconv.ParseUint(length, 10, 8)
	if err != nil || int(bits) > most {
		return CIDR, "", fault.New(fault.Invalid, "indicator.cidr_length", "length", clip(length), "most", most)
	}
	n := int(bits)
	if mapped {
		if n -= 96; n < 0 {
			return CIDR, "", fault.New(fault.Invalid, "indicator.cidr_mapped", "value", clip(s))
		}
	}
	if n == 0 {
		return CIDR, "", fault.New(fault.Invalid, "indicator.cidr_everything")
	}
	if n == a.BitLen() {
		return kindOf(a), a.String(), nil
	}
	p, err := a.Prefix(n)
	if err != nil {
		return CIDR, "", fault.Wrap(err, fault.Invalid, "indicator.cidr_length", "length", n, "most", most)
	}
	return CIDR, p.String(), nil
}
