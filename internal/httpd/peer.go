// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package httpd

import (
	"crypto/x509"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"time"

	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/pki"
	"teiten/internal/store"
)

// Peers finds out which device each request comes from.
type Peers struct {
	DB     *store.DB
	Office *device.Office
	// Proxied says that a proxy ends TLS. Then every request must come from
	// one of Proxies; without it no Client-Cert header is believed.
	Proxied bool
	Proxies []netip.Prefix
	Log     *slog.Logger
}

// Handler puts a device.Peer into the context of each request before next.
func (p *Peers) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer := p.peer(r)
		// Nothing behind this door reads them, and nothing can be misled by them.
		r.Header.Del(pki.ClientCertHeader)
		r.Header.Del(pki.ClientCertChainHeader)
		next.ServeHTTP(w, r.WithContext(device.WithPeer(r.Context(), peer)))
	})
}

func (p *Peers) peer(r *http.Request) (peer device.Peer) {
	peer.Addr, _ = netip.ParseAddrPort(r.RemoteAddr) // a Unix socket has none, which is no proxy's either
	leaf, rest, err := p.presented(r, peer.Addr.Addr())
	if err != nil || leaf == nil {
		peer.Err = err
		return peer
	}
	peer.Leaf = leaf
	now := time.Now()
	c, err := p.Office.Admit(r.Context(), p.DB, leaf, rest, now)
	if err != nil {
		peer.Err = err
		return peer
	}
	peer.Certificate = &c
	if err := p.Office.Seen(r.Context(), p.DB, c.ID, now); err != nil {
		p.Log.Warn("last seen of a device", "error", err) // no reason to keep its owner out
	}
	return peer
}

// presented returns the certificate that came with the request, if any, and
// those that were sent to complete its chain.
func (p *Peers) presented(r *http.Request, from netip.Addr) (leaf *x509.Certificate, rest []*x509.Certificate, err error) {
	if !p.Proxied {
		if len(r.Header.Values(pki.ClientCertHeader))+len(r.Header.Values(pki.ClientCertChainHeader)) > 0 {
			return nil, nil, fault.New(fault.Forbidden, "httpd.forged")
		}
		if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
			return nil, nil, nil
		}
		return r.TLS.PeerCertificates[0], r.TLS.PeerCertificates[1:], nil
	}
	if !p.believed(from) {
		return nil, nil, fault.New(fault.Forbidden, "httpd.not_proxy")
	}
	return pki.ClientCert(r.Header)
}

func (p *Peers) believed(from netip.Addr) bool {
	from = from.Unmap()
	return slices.ContainsFunc(p.Proxies, func(n netip.Prefix) bool { return n.Contains(from) })
}
