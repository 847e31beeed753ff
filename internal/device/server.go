// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device

import (
	"context"
	"crypto/ecdsa"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/pki"
	"teiten/internal/store"
)

// renewBefore is how long before its end the portal's certificate is replaced.
const renewBefore = 30 * 24 * time.Hour

// IssueServer returns the portal's own certificate for its host names and
// addresses, with its key and the authority's certificate behind it. It issues
// one when there is none for just these hosts, or when the newest ends within
// 30 days; otherwise every call, in every process on this database, returns
// the same. Operators only. Call it at the start and once a day.
func (o *Office) IssueServer(ctx context.Context, db *store.DB, c caller.Caller, hosts []string) (*tls.Certificate, error) {
	if err := mayOperate(c); err != nil {
		return nil, err
	}
	hosts, err := pki.Hosts(hosts)
	if err != nil {
		return nil, err
	}
	var pair *tls.Certificate
	look := func(tx *store.Tx) (err error) {
		pair, err = o.server(ctx, tx, hosts)
		return err
	}
	if err := db.View(ctx, c, look); err != nil || pair != nil {
		return pair, err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		if err := lockAuthority(ctx, tx); err != nil {
			return err
		}
		if err := look(tx); err != nil {
			return err
		}
		if pair != nil {
			return errThere
		}
		pair, err = o.newServer(ctx, tx, hosts)
		return err
	})
	if err != nil && !errors.Is(err, errThere) {
		return nil, err
	}
	return pair, nil
}

// errThere ends a write in which there is nothing to do, because another
// process did it meanwhile.
var errThere = errors.New("device: already there")

// server returns the certificate that is to be used, nil if a new one is needed.
func (o *Office) server(ctx context.Context, tx *store.Tx, hosts []string) (*tls.Certificate, error) {
	der, sealed, err := readServer(ctx, tx, strings.Join(hosts, " "))
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "device.server_key")
	}
	// At the end of the authority's life no newer one would last longer.
	if leaf.NotAfter.Before(tx.Now.Add(renewBefore)) && leaf.NotAfter.Before(o.Authority().NotAfter) {
		return nil, nil
	}
	secret, err := o.keys.Reveal(serverUse(leaf), sealed)
	if err != nil {
		return nil, err
	}
	parsed, err := x509.ParsePKCS8PrivateKey(secret)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "device.server_key")
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(leaf.PublicKey) {
		return nil, fault.New(fault.Internal, "device.server_key")
	}
	return o.pair(leaf, key), nil
}

func (o *Office) newServer(ctx context.Context, tx *store.Tx, hosts []string) (*tls.Certificate, error) {
	key, err := pki.NewKey()
	if err != nil {
		return nil, err
	}
	leaf, err := o.authority.Server(hosts, key.Public(), tx.Now)
	if err != nil {
		return nil, err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "device.server_key")
	}
	cert := describe(leaf, Request{Purpose: Server})
	cert.IssuedBy = tx.Caller.Account
	if err := insertCertificate(ctx, tx, &cert, leaf.Raw); err != nil {
		return nil, err
	}
	if err := insertServer(ctx, tx, cert.ID, strings.Join(hosts, " "), o.keys.Protect(serverUse(leaf), secret)); err != nil {
		return nil, err
	}
	return o.pair(leaf, key), audit.Append(ctx, tx, "certificate.server", object("certificate", cert.ID),
		"hosts", hosts, "fingerprint", cert.Fingerprint, "until", cert.NotAfter)
}

func (o *Office) pair(leaf *x509.Certificate, key *ecdsa.PrivateKey) *tls.Certificate {
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw, o.Authority().Raw}, PrivateKey: key, Leaf: leaf}
}
