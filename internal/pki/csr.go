// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"

	"teiten/internal/fault"
)

const (
	// maxRequest bounds a signing request in bytes, PEM or DER.
	maxRequest = 16 << 10
	// RSA keys below are weak, those above cost more to check than they protect.
	minRSA, maxRSA = 2048, 8192
)

// ParseRequest reads a certificate signing request (PKCS #10, RFC 2986), PEM or
// DER, of at most 16 KiB, checks that its sender holds the key, and returns the
// public key: P-256, P-384, Ed25519, or RSA of 2048 to 8192 bits. Nothing else
// of the request counts: its subject and the extensions that it asks for are
// not looked at.
func ParseRequest(b []byte) (crypto.PublicKey, error) {
	if len(b) > maxRequest {
		return nil, fault.New(fault.TooLarge, "pki.csr_large", "most", maxRequest).At("csr")
	}
	der := b
	if bytes.Contains(b, []byte("-----BEGIN ")) {
		block, rest := pem.Decode(b)
		if block == nil || block.Type != "CERTIFICATE REQUEST" && block.Type != "NEW CERTIFICATE REQUEST" {
			return nil, fault.New(fault.Invalid, "pki.csr_format").At("csr")
		}
		if len(bytes.TrimSpace(rest)) > 0 {
			return nil, fault.New(fault.Invalid, "pki.csr_one").At("csr")
		}
		der = block.Bytes
	}
	req, err := x509.ParseCertificateRequest(der)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "pki.csr_format").At("csr")
	}
	// The key first: checking a signature with a huge one takes long.
	if err := checkKey(req.PublicKey); err != nil {
		return nil, err
	}
	if err := req.CheckSignature(); err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "pki.csr_signature").At("csr")
	}
	return req.PublicKey, nil
}

// checkKey says whether a public key is of a kind that may be certified.
func checkKey(public crypto.PublicKey) error {
	switch k := public.(type) {
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() || k.Curve == elliptic.P384() {
			return nil
		}
	case ed25519.PublicKey:
		return nil
	case *rsa.PublicKey:
		if n := k.N.BitLen(); n < minRSA || n > maxRSA {
			return fault.New(fault.Invalid, "pki.key_rsa", "bits", n, "least", minRSA, "most", maxRSA).At("csr")
		}
		return nil
	}
	return fault.New(fault.Invalid, "pki.key_kind").At("csr")
}
