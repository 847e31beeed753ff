// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outbound

import (
	"crypto/x509"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"time"

	"teiten/internal/fault"
)

// Limits that hold where a Policy says nothing.
const (
	DefaultMaxBytes      = 10 << 20
	DefaultHeaderBytes   = 64 << 10
	DefaultRedirects     = 5
	DefaultTimeout       = 60 * time.Second
	DefaultHeaderTimeout = 15 * time.Second
	DefaultMinRate       = 512
	DefaultRateWindow    = 10 * time.Second
)

// Policy is what the operator allows. The zero Policy is the safe one: https
// to port 443 on public addresses, directly, within the default limits.
type Policy struct {
	// AllowPrivate are networks that may be reached although they are not
	// public, for a feed inside the institution. Keep them narrow (/32): any
	// name may point there. Metadata services, multicast and the unspecified
	// address stay refused whatever stands here.
	AllowPrivate []netip.Prefix
	// AllowPorts are ports beside 443 (and 80, for plain http).
	AllowPorts []uint16
	// AllowHTTP permits plain http. A redirect from https to http is refused
	// all the same.
	AllowHTTP bool

	// MaxRedirects is how many redirects are followed; 0 means
	// DefaultRedirects, below 0 means none.
	MaxRedirects int
	// MaxBytes bounds the body, on the wire and again after decompression.
	MaxBytes int64
	// MaxHeaderBytes bounds the header of each response.
	MaxHeaderBytes int64
	// Timeout is the time for everything, redirects and body included.
	Timeout time.Duration
	// HeaderTimeout is the time for connecting, for the TLS handshake and for
	// a response's header, each.
	HeaderTimeout time.Duration
	// MinRate is the least number of bytes per second of body, measured over
	// each RateWindow; below 0 means no such limit.
	MinRate int64
	// RateWindow is the time over which MinRate is measured.
	RateWindow time.Duration

	// UserAgent names the program to servers, as "Teiten/1.2".
	UserAgent string
	// Proxy is the operator's proxy: http, https or socks5. The environment is
	// never asked. A proxy resolves names itself, so through one only literal
	// addresses and local names can be judged here: the proxy must refuse
	// inner networks on its own.
	Proxy *url.URL
	// RootCAs are the authorities for TLS; nil means the system's. Institutions
	// whose proxy opens TLS set their own here.
	RootCAs *x509.CertPool
	// Resolver looks names up; nil means the system's.
	Resolver *net.Resolver
}

// Check says whether the policy can be used; New keeps its answer and Get gives it.
func (p Policy) Check() error {
	if p.Proxy != nil {
		if !slices.Contains([]string{"http", "https", "socks5"}, p.Proxy.Scheme) || p.Proxy.Hostname() == "" {
			return fault.New(fault.Invalid, "outbound.proxy")
		}
	}
	for _, prefix := range p.AllowPrivate {
		if !prefix.IsValid() {
			return fault.New(fault.Invalid, "outbound.exception")
		}
	}
	return nil
}

func (p Policy) withDefaults() Policy {
	orInt64(&p.MaxBytes, DefaultMaxBytes)
	orInt64(&p.MaxHeaderBytes, DefaultHeaderBytes)
	orInt64(&p.MinRate, DefaultMinRate)
	orDuration(&p.Timeout, DefaultTimeout)
	orDuration(&p.HeaderTimeout, DefaultHeaderTimeout)
	orDuration(&p.RateWindow, DefaultRateWindow)
	if p.MaxRedirects == 0 {
		p.MaxRedirects = DefaultRedirects
	}
	if p.UserAgent == "" {
		p.UserAgent = "Teiten"
	}
	p.AllowPorts = slices.Clone(p.AllowPorts)
	allowed := make([]netip.Prefix, len(p.AllowPrivate))
	for i, prefix := range p.AllowPrivate {
		allowed[i] = unmapPrefix(prefix)
	}
	p.AllowPrivate = allowed
	return p
}

// unmapPrefix writes ::ffff:10.0.0.0/104 as 10.0.0.0/8, the form in which
// addresses are compared.
func unmapPrefix(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked()
}

func orInt64(v *int64, otherwise int64) {
	if *v == 0 {
		*v = otherwise
	}
}

func orDuration(v *time.Duration, otherwise time.Duration) {
	if *v <= 0 {
		*v = otherwise
	}
}
