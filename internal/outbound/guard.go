// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"context"
	"net/netip"
	"strings"
	"sync/atomic"
	"syscall"

	"teiten/internal/fault"
)

// class says what an address is to us.
type class string

const (
	public        class = ""
	loopback      class = "loopback"
	private       class = "private"
	linkLocal     class = "link-local"
	carrier       class = "carrier NAT" // RFC 6598
	documentation class = "documentation"
	benchmark     class = "benchmark"
	transition    class = "transition" // 6to4, Teredo, local NAT64
	reserved      class = "reserved"
	multicast     class = "multicast"
	unspecified   class = "unspecified"
	metadata      class = "cloud metadata"
)

// excepted reports whether an operator's exception may open the class.
func (c class) excepted() bool {
	return c != multicast && c != unspecified && c != metadata
}

type block struct {
	prefix netip.Prefix
	class  class
}

// blocks are the special-purpose registries of IANA (RFC 6890; IPv4 and IPv6,
// as of 2025) and the addresses at which clouds hand credentials to whoever
// asks from inside. The first that fits counts.
var blocks = []block{
	{netip.MustParsePrefix("169.254.169.254/32"), metadata}, // AWS, Azure, Google, Oracle, …
	{netip.MustParsePrefix("169.254.170.2/32"), metadata},   // AWS ECS task roles
	{netip.MustParsePrefix("169.254.170.23/32"), metadata},  // AWS EKS pod identity
	{netip.MustParsePrefix("100.100.100.200/32"), metadata}, // Alibaba
	{netip.MustParsePrefix("168.63.129.16/32"), metadata},   // Azure wire server; a public number
	{netip.MustParsePrefix("192.0.0.192/32"), metadata},     // Oracle
	{netip.MustParsePrefix("fd00:ec2::/32"), metadata},      // AWS
	{netip.MustParsePrefix("fd20:ce::254/128"), metadata},   // Google

	{netip.MustParsePrefix("0.0.0.0/8"), unspecified}, // "this network"; Linux takes 0.0.0.0 for itself
	{netip.MustParsePrefix("10.0.0.0/8"), private},
	{netip.MustParsePrefix("100.64.0.0/10"), carrier},
	{netip.MustParsePrefix("127.0.0.0/8"), loopback},
	{netip.MustParsePrefix("169.254.0.0/16"), linkLocal},
	{netip.MustParsePrefix("172.16.0.0/12"), private},
	{netip.MustParsePrefix("192.0.0.0/24"), reserved},
	{netip.MustParsePrefix("192.0.2.0/24"), documentation},
	{netip.MustParsePrefix("192.31.196.0/24"), reserved}, // AS112
	{netip.MustParsePrefix("192.52.193.0/24"), reserved}, // AMT
	{netip.MustParsePrefix("192.88.99.0/24"), transition},
	{netip.MustParsePrefix("192.168.0.0/16"), private},
	{netip.MustParsePrefix("192.175.48.0/24"), reserved}, // AS112
	{netip.MustParsePrefix("198.18.0.0/15"), benchmark},
	{netip.MustParsePrefix("198.51.100.0/24"), documentation},
	{netip.MustParsePrefix("203.0.113.0/24"), documentation},
	{netip.MustParsePrefix("224.0.0.0/4"), multicast},
	{netip.MustParsePrefix("255.255.255.255/32"), multicast},
	{netip.MustParsePrefix("240.0.0.0/4"), reserved},

	{netip.MustParsePrefix("::/128"), unspecified},
	{netip.MustParsePrefix("::1/128"), loopback},
	{netip.MustParsePrefix("64:ff9b:1::/48"), transition}, // RFC 8215
	{netip.MustParsePrefix("fc00::/7"), private},
	{netip.MustParsePrefix("fe80::/10"), linkLocal},
	{netip.MustParsePrefix("fec0::/10"), linkLocal}, // site-local, RFC 3879
	{netip.MustParsePrefix("ff00::/8"), multicast},
	{netip.MustParsePrefix("2001::/32"), transition}, // Teredo, RFC 4380
	{netip.MustParsePrefix("2001:2::/48"), benchmark},
	{netip.MustParsePrefix("2001:db8::/32"), documentation},
	{netip.MustParsePrefix("2001::/23"), reserved},
	{netip.MustParsePrefix("2002::/16"), transition}, // 6to4, RFC 7526 retires it
	{netip.MustParsePrefix("2620:4f:8000::/48"), reserved},
	{netip.MustParsePrefix("3fff::/20"), documentation}, // RFC 9637
}

var (
	globalUnicast = netip.MustParsePrefix("2000::/3")     // RFC 4291 section 2.4: what IANA gives out
	nat64         = netip.MustParsePrefix("64:ff9b::/96") // RFC 6052 section 2.1
)

// canonical brings an address into the form in which it is judged: without a
// zone, IPv4 taken out of ::ffff:0:0/96 and of NAT64, because that is where a
// packet to it ends.
func canonical(a netip.Addr) netip.Addr {
	a = a.WithZone("").Unmap()
	if nat64.Contains(a) {
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	return a
}

// classify returns the class of a canonical address.
func classify(a netip.Addr) class {
	for _, b := range blocks {
		if b.prefix.Contains(a) {
			return b.class
		}
	}
	if a.Is6() && !globalUnicast.Contains(a) {
		return reserved // among them ::a.b.c.d, IPv4-compatible
	}
	return public
}

// hop is one request of a chain of redirects.
type hop struct {
	fromPublic bool        // an earlier hop was on the internet
	public     atomic.Bool // this one dials a public address
}

// next returns the hop to which a redirect leads.
func (h *hop) next() *hop {
	return &hop{fromPublic: h.fromPublic || h.public.Load()}
}

type hopKey struct{}

// judge says whether the address may be dialled on this hop.
func (c *Client) judge(h *hop, a netip.Addr) error {
	a = canonical(a)
	cl := classify(a)
	if cl == public {
		if h != nil {
			h.public.Store(true)
		}
		return nil
	}
	allowed := false
	for _, prefix := range c.policy.AllowPrivate {
		allowed = allowed || prefix.Contains(a)
	}
	switch {
	case !allowed || !cl.excepted():
		return fault.New(fault.Forbidden, "outbound.address", "address", defang(a.String()), "class", string(cl))
	case h != nil && h.fromPublic:
		// A server on the internet must not choose what we ask of an inner one.
		return fault.New(fault.Forbidden, "outbound.redirect_inward", "address", defang(a.String()))
	}
	return nil
}

// control is called by net.Dialer with the address that it is about to connect
// to, after resolution, for every attempt.
func (c *Client) control(ctx context.Context, network, address string, _ syscall.RawConn) error {
	if !strings.HasPrefix(network, "tcp") {
		return fault.New(fault.Forbidden, "outbound.host", "host", defang(address))
	}
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fault.Wrap(err, fault.Forbidden, "outbound.host", "host", defang(address))
	}
	h, _ := ctx.Value(hopKey{}).(*hop)
	return c.judge(h, ap.Addr())
}

// defang writes a host so that no program makes a link of it, cut to a length
// that fits a sentence.
func defang(host string) string {
	const longest = 100
	if len(host) > longest {
		host = host[:longest] + "…"
	}
	host = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '\ufffd' {
			return '?'
		}
		return r
	}, host)
	return strings.ReplaceAll(host, ".", "[.]")
}
