// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package pki is the cryptography of the door: a small certificate authority
// (RFC 5280), what it issues and revokes, and the reading and judging of the
// certificates that others bring. It stores nothing and knows no institution;
// package device does.
//
// Whatever comes from outside, a signing request, a chain, a header, is read
// within limits that stand beside the function that reads it.
package pki

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
)

// Fingerprint names a certificate: SHA-256 over its DER, 64 hexadecimal digits.
func Fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return hex.EncodeToString(sum[:])
}
