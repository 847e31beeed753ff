// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device

import (
	"context"
	"crypto/x509"
	"slices"
	"sync"
	"time"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/pki"
	"teiten/internal/store"
)

// own is the number of the installation's authority.
const own = 1

// Office is the installation's certificate authority with its registry. It is
// safe for concurrent use, and several processes may have one on the same
// database.
type Office struct {
	keys      *blob.Keyring
	authority *pki.Authority

	mu       sync.RWMutex
	foreign  []*x509.Certificate
	trusts   int                 // how often foreign was replaced
	verified map[string]verdict  // by fingerprint
	seen     map[int64]time.Time // when a certificate's last sight was stored
}

// Create founds the authority and opens the office. Operators only; if there
// is an authority already, the fault's kind is Conflict.
func Create(ctx context.Context, db *store.DB, keys *blob.Keyring, c caller.Caller, name string) (*Office, error) {
	if err := mayOperate(c); err != nil {
		return nil, err
	}
	err := db.Write(ctx, c, func(tx *store.Tx) error {
		a, err := pki.NewAuthority(name, tx.Now)
		if err != nil {
			return err
		}
		cert := a.Certificate()
		key, err := a.Key()
		if err != nil {
			return err
		}
		fresh, err := insertAuthority(ctx, tx, name, cert, keys.Protect(authorityUse(cert), key))
		if err != nil {
			return err
		}
		if !fresh {
			return fault.New(fault.Conflict, "device.founded")
		}
		crl, err := a.CRL(1, nil, tx.Now)
		if err != nil {
			return err
		}
		if err := insertList(ctx, tx, crl); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "authority.found", object("authority", own), "fingerprint", pki.Fingerprint(cert))
	})
	if err != nil {
		return nil, err
	}
	return Open(ctx, db, keys)
}

// Open opens the office of an installation that has an authority; if it has
// none, the fault's kind is NotFound.
func Open(ctx context.Context, q store.Queryer, keys *blob.Keyring) (*Office, error) {
	der, sealed, err := readAuthority(ctx, q)
	if fault.Is(err, fault.NotFound) {
		return nil, fault.Wrap(err, fault.NotFound, "device.not_founded")
	}
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "pki.authority")
	}
	key, err := keys.Reveal(authorityUse(cert), sealed)
	if err != nil {
		return nil, err
	}
	a, err := pki.LoadAuthority(der, key)
	if err != nil {
		return nil, err
	}
	return &Office{keys: keys, authority: a, verified: map[string]verdict{}, seen: map[int64]time.Time{}}, nil
}

// Uses of sealed keys name whose they are, so that no row takes another's key.
func authorityUse(c *x509.Certificate) string { return "device authority " + pki.Fingerprint(c) }
func serverUse(c *x509.Certificate) string    { return "device server " + pki.Fingerprint(c) }

// Authority returns the installation's root certificate; do not change it.
func (o *Office) Authority() *x509.Certificate { return o.authority.Certificate() }

// Trust replaces the list of other authorities whose certificates may be
// registered and admitted.
func (o *Office) Trust(foreign []*x509.Certificate) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.foreign = slices.Clone(foreign)
	o.trusts++
	clear(o.verified)
}

// Roots returns the own authority and the others that are trusted: what a TLS
// listener names to clients.
func (o *Office) Roots() []*x509.Certificate {
	o.mu.RLock()
	defer o.mu.RUnlock()
	return append([]*x509.Certificate{o.authority.Certificate()}, o.foreign...)
}
