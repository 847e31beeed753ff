// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device

import (
	"bytes"
	"cmp"
	"context"
	"crypto"
	"crypto/x509"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/pki"
	"teiten/internal/store"
)

// Request says whose certificate is wanted.
type Request struct {
	Purpose Purpose       // Person, Device or Machine
	Org     int64         // the organisation, also of an account
	Account int64         // 0 for a Device
	Label   string        // what people call the device: at most 100 characters, a Device must have one
	Valid   time.Duration // 0 means a year

	issuer int64 // who invited; 0 is the caller
}

// Issue makes a key and its certificate without an invitation, for the first
// operator and for the command line, and packs both as [pki.P12] does.
// Operators only.
func (o *Office) Issue(ctx context.Context, db *store.DB, c caller.Caller, r Request, password string, f pki.Format) (p12 []byte, cert Certificate, err error) {
	if err := mayOperate(c); err != nil {
		return nil, cert, err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		p12, cert, err = o.packed(ctx, tx, r, password, f)
		if err != nil {
			return err
		}
		return recordIssue(ctx, tx, "certificate.issue", cert)
	})
	return p12, cert, err
}

// IssueCSR is Issue for a key that its owner made: csr is a signing
// request as [pki.ParseRequest] reads it; the chain is PEM, the leaf first.
func (o *Office) IssueCSR(ctx context.Context, db *store.DB, c caller.Caller, r Request, csr []byte) (chain []byte, cert Certificate, err error) {
	if err := mayOperate(c); err != nil {
		return nil, cert, err
	}
	public, err := pki.ParseRequest(csr)
	if err != nil {
		return nil, cert, err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		var leaf *x509.Certificate
		if leaf, cert, err = o.certify(ctx, tx, r, public); err != nil {
			return err
		}
		chain = pki.EncodePEM(leaf, o.Authority())
		return recordIssue(ctx, tx, "certificate.issue", cert)
	})
	return chain, cert, err
}

// Register binds a certificate of another authority to an account or a device:
// DER, or PEM with the authorities between it and a trusted one behind it. The
// authority must be one that the office trusts, now and at every request. Operators only: it is not asked whether the caller holds the
// key, so nobody else may claim a certificate. Its revocation by its own
// authority is not seen here: revoke it here too.
func (o *Office) Register(ctx context.Context, db *store.DB, c caller.Caller, r Request, certificate []byte) (Certificate, error) {
	if err := mayOperate(c); err != nil {
		return Certificate{}, err
	}
	chain, err := parseForeign(certificate)
	if err != nil {
		return Certificate{}, fault.From(err).At("certificate")
	}
	leaf := chain[0]
	var cert Certificate
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		roots := o.Roots()
		if leaf.CheckSignatureFrom(roots[0]) == nil {
			return fault.New(fault.Conflict, "device.register_own").At("certificate")
		}
		if _, err := pki.Verify(leaf, chain[1:], roots[1:], tx.Now); err != nil {
			return fault.From(refused(err)).At("certificate")
		}
		if r.Label, err = checkLabel(r.Label, r.Purpose); err != nil {
			return err
		}
		if _, err := checkOwner(ctx, tx, r.Purpose, r.Org, r.Account); err != nil {
			return err
		}
		cert = describe(leaf, r)
		cert.Foreign, cert.IssuedBy = true, c.Account
		if err := insertCertificate(ctx, tx, &cert, leaf.Raw); err != nil {
			return err
		}
		return recordIssue(ctx, tx, "certificate.register", cert)
	})
	return cert, err
}

func parseForeign(b []byte) ([]*x509.Certificate, error) {
	if bytes.HasPrefix(bytes.TrimSpace(b), []byte("-----BEGIN ")) {
		return pki.ParseChain(b)
	}
	c, err := pki.ParseCertificate(b)
	return []*x509.Certificate{c}, err
}

// packed issues a certificate for a fresh key and packs both.
func (o *Office) packed(ctx context.Context, tx *store.Tx, r Request, password string, f pki.Format) ([]byte, Certificate, error) {
	key, err := pki.NewKey()
	if err != nil {
		return nil, Certificate{}, err
	}
	leaf, cert, err := o.certify(ctx, tx, r, key.Public())
	if err != nil {
		return nil, Certificate{}, err
	}
	p12, err := pki.P12(f, key, leaf, []*x509.Certificate{o.Authority()}, password)
	return p12, cert, err
}

// certify issues a certificate to its owner, if the owner may have one, and
// registers it. The caller of the transaction counts as the issuer.
func (o *Office) certify(ctx context.Context, tx *store.Tx, r Request, public crypto.PublicKey) (leaf *x509.Certificate, cert Certificate, err error) {
	if r.Label, err = checkLabel(r.Label, r.Purpose); err != nil {
		return nil, cert, err
	}
	name, err := checkOwner(ctx, tx, r.Purpose, r.Org, r.Account)
	if err != nil {
		return nil, cert, err
	}
	if leaf, err = o.authority.Client(name, public, r.Valid, tx.Now); err != nil {
		return nil, cert, err
	}
	cert = describe(leaf, r)
	cert.IssuedBy = cmp.Or(r.issuer, tx.Caller.Account)
	return leaf, cert, insertCertificate(ctx, tx, &cert, leaf.Raw)
}

func describe(leaf *x509.Certificate, r Request) Certificate {
	return Certificate{
		Serial: leaf.SerialNumber.Text(16), Fingerprint: pki.Fingerprint(leaf),
		Purpose: r.Purpose, Org: r.Org, Account: r.Account, Label: r.Label,
		NotBefore: leaf.NotBefore.UTC(), NotAfter: leaf.NotAfter.UTC(),
	}
}

func recordIssue(ctx context.Context, tx *store.Tx, action string, c Certificate, more ...any) error {
	return audit.Append(ctx, tx, action, object("certificate", c.ID), append([]any{
		"purpose", string(c.Purpose), "organisation", c.Org, "account", c.Account,
		"fingerprint", c.Fingerprint, "until", c.NotAfter}, more...)...)
}

// checkOwner says whether an organisation, or its account, may have a
// certificate for a purpose now, and returns the organisation's name. An
// account of another organisation is not found.
func checkOwner(ctx context.Context, tx *store.Tx, p Purpose, org, account int64) (name string, err error) {
	switch p {
	case Device:
		if account != 0 {
			return "", fault.New(fault.Invalid, "device.owner_device").At("account")
		}
	case Person, Machine:
		if account == 0 {
			return "", fault.New(fault.Invalid, "device.owner_none").At("account")
		}
	default:
		return "", fault.New(fault.Invalid, "device.purpose", "value", string(p)).At("purpose")
	}
	who, err := readOwner(ctx, tx, org, account, tx.Now)
	if err != nil {
		return "", err
	}
	if !who.active {
		return "", fault.New(fault.Conflict, "device.owner_left").At("account")
	}
	if account != 0 && (who.role == caller.Machine) != (p == Machine) {
		return "", fault.New(fault.Invalid, "device.owner_role").At("purpose")
	}
	return who.orgName, nil
}
