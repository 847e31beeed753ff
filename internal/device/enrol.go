// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device

import (
	"context"
	"crypto/x509"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/pki"
	"teiten/internal/store"
)

// Enrol uses an invitation up: it makes a key and its certificate and packs
// both as [pki.P12] does; the key is kept nowhere. Of two who come at once with
// one code, one gets a certificate. The faults are those of [Look], and those
// of the password and format, which leave the invitation as it was.
func (o *Office) Enrol(ctx context.Context, db *store.DB, code, password string, f pki.Format) (p12 []byte, cert Certificate, err error) {
	err = o.enrol(ctx, db, code, func(tx *store.Tx, r Request) (Certificate, error) {
		p12, cert, err = o.packed(ctx, tx, r, password, f)
		return cert, err
	}, "key", "made")
	if err != nil {
		return nil, Certificate{}, err
	}
	return p12, cert, nil
}

// EnrolCSR is Enrol for a key that its owner made: csr is a signing
// request as [pki.ParseRequest] reads it; the chain is PEM, the leaf first.
func (o *Office) EnrolCSR(ctx context.Context, db *store.DB, code string, csr []byte) (chain []byte, cert Certificate, err error) {
	public, err := pki.ParseRequest(csr)
	if err != nil {
		return nil, Certificate{}, err
	}
	err = o.enrol(ctx, db, code, func(tx *store.Tx, r Request) (Certificate, error) {
		var leaf *x509.Certificate
		leaf, cert, err = o.certify(ctx, tx, r, public)
		if err == nil {
			chain = pki.EncodePEM(leaf, o.Authority())
		}
		return cert, err
	}, "key", "brought")
	if err != nil {
		return nil, Certificate{}, err
	}
	return chain, cert, nil
}

// enrol takes the invitation, has the certificate made and ties both together,
// in one transaction.
func (o *Office) enrol(ctx context.Context, db *store.DB, code string, issue func(*store.Tx, Request) (Certificate, error), detail ...any) error {
	hash := hashCode(code)
	return db.Write(ctx, caller.System("enrolment"), func(tx *store.Tx) error {
		i, err := takeInvitation(ctx, tx, hash)
		if fault.Is(err, fault.NotFound) {
			if _, err := Look(ctx, tx, code); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		tx.Caller.Org = i.Org
		cert, err := issue(tx, Request{Purpose: i.Purpose, Org: i.Org, Account: i.Account, Label: i.Label, issuer: i.CreatedBy})
		if err != nil {
			return err
		}
		if err := tieInvitation(ctx, tx, i.ID, cert.ID); err != nil {
			return err
		}
		return recordIssue(ctx, tx, "certificate.enrol", cert, append(detail, "enrolment", i.ID, "invited_by", i.CreatedBy)...)
	})
}
