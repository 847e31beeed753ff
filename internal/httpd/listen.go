// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package httpd

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/netip"
	"sync"
)

// TLS returns the settings of the portal's own end of TLS (RFC 8446). It asks
// for a client certificate without insisting on one and checks none here:
// Peers does, at every request, so that a revocation holds for connections
// that are open already. Authorities are only named to the browser, which then
// offers no certificate of others.
func TLS(minimum uint16, authorities *x509.CertPool, certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)) *tls.Config {
	return &tls.Config{
		MinVersion:     minimum,
		ClientAuth:     tls.RequestClientCert,
		ClientCAs:      authorities,
		GetCertificate: certificate,
		NextProtos:     []string{"h2", "http/1.1"},
	}
}

// Limits of connections: many slow ones must not keep everybody else out.
const (
	// MostConnections are held at a time.
	MostConnections = 4096
	// MostPerAddress are held at a time from one address; a hospital behind
	// one address has a few hundred PCs with two or three each.
	MostPerAddress = 1024
)

// Limit closes what exceeds the most connections in all, or from one address
// unless it is one of the proxies. Loopback addresses are proxies, or the
// operator herself, and have only the limit in all.
func Limit(l net.Listener, all, each int, proxies []netip.Prefix) net.Listener {
	return &limitedListener{Listener: l, all: all, each: each, proxies: proxies, held: map[netip.Addr]int{}}
}

type limitedListener struct {
	net.Listener
	all, each int
	proxies   []netip.Prefix

	mu   sync.Mutex
	sum  int
	held map[netip.Addr]int
}

// Accept returns the next connection within the limits.
func (l *limitedListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if release := l.admit(c.RemoteAddr()); release != nil {
			return &held{Conn: c, release: release}, nil
		}
		c.Close()
	}
}

// admit counts a connection and returns what takes it back, or nil.
func (l *limitedListener) admit(from net.Addr) func() {
	at, _ := netip.ParseAddrPort(from.String())
	addr := at.Addr().Unmap()
	free := addr.IsLoopback()
	for _, n := range l.proxies {
		free = free || n.Contains(addr)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.sum >= l.all || !free && l.held[addr] >= l.each {
		return nil
	}
	l.sum++
	l.held[addr]++
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.sum--
		if l.held[addr]--; l.held[addr] == 0 {
			delete(l.held, addr)
		}
	}
}

// held is a connection that is counted until it is closed.
type held struct {
	net.Conn
	once    sync.Once
	release func()
}

func (h *held) Close() error {
	err := h.Conn.Close()
	h.once.Do(h.release)
	return err
}
