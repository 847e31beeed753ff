// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"time"

	"teiten/internal/fault"
)

// CRLLife is how long a revocation list holds: from this update to the next.
const CRLLife = 7 * 24 * time.Hour

// Codes of reasons (RFC 5280, 5.3.1).
const (
	Unspecified   = 0
	KeyCompromise = 1
	Affiliation   = 3
	Superseded    = 4
	Cessation     = 5
)

// Revoked is an entry of a revocation list.
type Revoked struct {
	Serial *big.Int
	At     time.Time
	Reason int // of the codes above
}

// CRL signs a revocation list (version 2, RFC 5280, section 5) as DER. The
// caller sees to it that the number grows from list to list.
func (a *Authority) CRL(number int64, revoked []Revoked, now time.Time) ([]byte, error) {
	list := &x509.RevocationList{
		Number:     big.NewInt(number),
		ThisUpdate: now.UTC().Truncate(time.Second),
		NextUpdate: now.UTC().Add(CRLLife).Truncate(time.Second),
	}
	for _, r := range revoked {
		list.RevokedCertificateEntries = append(list.RevokedCertificateEntries, x509.RevocationListEntry{
			SerialNumber: r.Serial, RevocationTime: r.At.UTC().Truncate(time.Second), ReasonCode: r.Reason,
		})
	}
	der, err := x509.CreateRevocationList(rand.Reader, list, a.cert, a.key)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "fault.internal")
	}
	return der, nil
}
