// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"math/big"
	"strings"
	"time"

	"teiten/internal/fault"
)

const (
	authorityYears = 10
	// backdate is how far before its making a certificate begins: clocks of
	// hospital PCs are late.
	backdate = time.Hour
	// maxAttribute is the upper bound of a name's parts in characters (RFC 5280,
	// appendix A: ub-common-name, ub-organization-name).
	maxAttribute = 64
)

// Authority is a certificate authority with its key. It is safe for concurrent use.
type Authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// NewAuthority makes an authority with a fresh P-256 key and a root
// certificate for ten years. It signs certificates of servers and clients and
// revocation lists, and no other authority (path length 0). The name stands in
// every certificate that it issues.
func NewAuthority(name string, now time.Time) (*Authority, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return nil, fault.New(fault.Invalid, "pki.authority_name").At("name")
	}
	key, err := NewKey()
	if err != nil {
		return nil, err
	}
	id, err := keyID(key.Public())
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: newSerial(),
		// Two installations may have one name; their authorities may not.
		Subject:               pkix.Name{Organization: []string{cut(name)}, CommonName: "Teiten CA " + newID()[:8]},
		NotBefore:             now.UTC().Add(-backdate).Truncate(time.Second),
		NotAfter:              now.UTC().AddDate(authorityYears, 0, 0).Truncate(time.Second),
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		SubjectKeyId:          id,
	}
	cert, err := sign(template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &Authority{cert, key}, nil
}

// LoadAuthority brings back an authority from what Certificate and Key gave.
func LoadAuthority(certDER, keyPKCS8 []byte) (*Authority, error) {
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "pki.authority")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(keyPKCS8)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "pki.authority")
	}
	key, ok := parsed.(*ecdsa.PrivateKey)
	if !ok || !key.PublicKey.Equal(cert.PublicKey) || !cert.IsCA {
		return nil, fault.New(fault.Internal, "pki.authority")
	}
	return &Authority{cert, key}, nil
}

// Certificate returns the root certificate; do not change it.
func (a *Authority) Certificate() *x509.Certificate { return a.cert }

// Key returns the private key as PKCS #8 DER (RFC 5958), to be stored encrypted.
func (a *Authority) Key() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "pki.authority")
	}
	return der, nil
}

// String keeps the key out of logs.
func (a *Authority) String() string { return "authority " + a.cert.Subject.CommonName }

// GoString keeps the key out of %#v.
func (a *Authority) GoString() string { return a.String() }

// NewKey makes a P-256 key.
func NewKey() (*ecdsa.PrivateKey, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "fault.internal")
	}
	return key, nil
}

func sign(template, parent *x509.Certificate, public crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, public, key)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "fault.internal")
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "fault.internal")
	}
	return cert, nil
}

// newSerial is a positive random number of 128 bits; RFC 5280, 4.1.2.2 allows
// up to 20 octets. The highest bit is set, so that all have the same length
// and none is zero.
func newSerial() *big.Int {
	var b [16]byte
	rand.Read(b[:])
	n := new(big.Int).SetBytes(b[:])
	return n.SetBit(n, 128, 1)
}

// newID is 128 random bits in hexadecimal digits.
func newID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// keyID is the key identifier of RFC 7093, section 2, method 1: the leftmost
// 160 bits of SHA-256 over the public key's bits.
func keyID(public crypto.PublicKey) ([]byte, error) {
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "pki.key_kind").At("csr")
	}
	bits, err := publicBits(der)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "pki.key_kind").At("csr")
	}
	sum := sha256.Sum256(bits)
	return sum[:20], nil
}

// cut shortens a name to what an attribute may hold.
func cut(s string) string {
	runes := []rune(s)
	return string(runes[:min(len(runes), maxAttribute)])
}
