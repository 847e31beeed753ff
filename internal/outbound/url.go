// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"teiten/internal/fault"
)

const maxURL = 4096 // bytes

// target checks a URL as far as that is possible before resolution and returns
// it in the form in which it is asked for: host in ASCII, no fragment.
func (c *Client) target(raw string) (*url.URL, error) {
	if len(raw) > maxURL {
		return nil, fault.New(fault.TooLarge, "outbound.url_length", "limit", maxURL)
	}
	u, err := url.Parse(strings.TrimSpace(raw))
	if err != nil {
		// The cause repeats the URL, which may hold a token.
		return nil, fault.New(fault.Invalid, "outbound.url")
	}
	if err := c.checkScheme(u); err != nil {
		return nil, err
	}
	if u.User != nil {
		return nil, fault.New(fault.Invalid, "outbound.credentials")
	}
	host, err := c.checkHost(u.Hostname())
	if err != nil {
		return nil, err
	}
	port := u.Port()
	if err := c.checkPort(u.Scheme, port); err != nil {
		return nil, err
	}

	clean := *u
	clean.Host = host
	if strings.Contains(host, ":") {
		clean.Host = "[" + host + "]"
	}
	if port != "" {
		clean.Host += ":" + port
	}
	clean.Fragment, clean.RawFragment = "", ""
	return &clean, nil
}

func (c *Client) checkScheme(u *url.URL) error {
	switch {
	case u.Scheme == "":
		return fault.New(fault.Invalid, "outbound.url")
	case u.Scheme != "https" && u.Scheme != "http":
		return fault.New(fault.Invalid, "outbound.scheme")
	case u.Opaque != "" || u.Host == "":
		return fault.New(fault.Invalid, "outbound.url")
	case u.Scheme == "https":
		return nil
	case c.policy.AllowHTTP:
		return nil
	}
	return fault.New(fault.Forbidden, "outbound.plain_http")
}

// checkHost returns the host in ASCII. A host that ends in a number must be a
// plain IPv4 address: 2130706433, 0x7f.1 and 127.1 are spellings of 127.0.0.1
// to some resolvers and proxies (WHATWG URL, "ends in a number").
func (c *Client) checkHost(host string) (string, error) {
	bad := func(err error) (string, error) {
		return "", fault.Wrap(err, fault.Invalid, "outbound.host", "host", defang(host))
	}
	if a, err := netip.ParseAddr(host); err == nil {
		if a.Zone() != "" {
			return bad(nil)
		}
		if c.policy.Proxy != nil {
			err = c.judge(nil, a) // a proxy dials for us, so this is the only look
		}
		return host, err
	}
	// Full-width digits and dots become ASCII here, so the checks come after.
	ascii, err := idna.Lookup.ToASCII(host)
	if err != nil || len(ascii) > 253 {
		return bad(err)
	}
	// The transport converts again, so the form must be final.
	if again, err := idna.Lookup.ToASCII(ascii); err != nil || again != ascii {
		return bad(err)
	}
	labels := strings.Split(strings.TrimSuffix(ascii, "."), ".")
	for _, label := range labels {
		if label == "" || len(label) > 63 {
			return bad(nil)
		}
	}
	last := strings.ToLower(labels[len(labels)-1])
	if isNumber(last) {
		if a, err := netip.ParseAddr(ascii); err != nil {
			return bad(err)
		} else if c.policy.Proxy != nil {
			return ascii, c.judge(nil, a)
		}
		return ascii, nil
	}
	if c.policy.Proxy != nil && (len(labels) == 1 || slices.Contains(localSuffixes, last)) {
		return "", fault.New(fault.Forbidden, "outbound.local_name", "host", defang(host))
	}
	return ascii, nil
}

// localSuffixes end names that exist only inside a network (RFC 6761, RFC 6762,
// RFC 8375, and .internal, which ICANN reserved in 2024).
var localSuffixes = []string{"localhost", "local", "internal", "intranet", "lan", "home", "corp", "private", "arpa"}

func isNumber(label string) bool {
	if rest, hex := strings.CutPrefix(label, "0x"); hex {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return label != "" && strings.Trim(label, "0123456789") == ""
}

func (c *Client) checkPort(scheme, port string) error {
	if port == "" {
		return nil
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err == nil {
		switch {
		case scheme == "https" && n == 443, scheme == "http" && n == 80:
			return nil
		case slices.Contains(c.policy.AllowPorts, uint16(n)):
			return nil
		}
	}
	return fault.Wrap(err, fault.Forbidden, "outbound.port", "port", defang(port))
}
