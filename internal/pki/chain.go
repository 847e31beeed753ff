// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"strings"

	"teiten/internal/fault"
)

const (
	maxCertificate = 16 << 10 // of one certificate in bytes, as DER
	maxChain       = 10       // certificates above a leaf
	maxChainBytes  = 256 << 10
	maxBundle      = 200 // authorities in a file
	maxBundleBytes = 1 << 20
)

// ParseCertificate reads one certificate, PEM or DER, of at most 16 KiB of DER.
func ParseCertificate(b []byte) (*x509.Certificate, error) {
	if !bytes.Contains(b, []byte(pemBegin)) {
		return parseDER(b, 1)
	}
	certs, err := parsePEM(b, 2*maxCertificate, 1, false)
	if err != nil {
		return nil, err
	}
	return certs[0], nil
}

// ParseChain reads a PEM chain, the leaf first: at most 11 certificates in
// 256 KiB, each signed by the next. Text between them is allowed (RFC 7468,
// 5.2), other blocks are not, and a damaged block is an error, not left out.
func ParseChain(b []byte) ([]*x509.Certificate, error) {
	certs, err := parsePEM(b, maxChainBytes, 1+maxChain, false)
	if err != nil {
		return nil, err
	}
	return certs, checkOrder(certs)
}

func checkOrder(certs []*x509.Certificate) error {
	for i := range len(certs) - 1 {
		if err := certs[i].CheckSignatureFrom(certs[i+1]); err != nil {
			return fault.Wrap(err, fault.Invalid, "pki.chain_order", "number", i+1, "next", i+2)
		}
	}
	return nil
}

// ParseBundle reads a PEM file of certificate authorities that are trusted: at
// most 200 in 1 MiB. A certificate that may not sign others is an error.
func ParseBundle(b []byte) ([]*x509.Certificate, error) {
	certs, err := parsePEM(b, maxBundleBytes, maxBundle, false)
	if err != nil {
		return nil, err
	}
	for i, c := range certs {
		if !c.BasicConstraintsValid || !c.IsCA || c.KeyUsage != 0 && c.KeyUsage&x509.KeyUsageCertSign == 0 {
			return nil, fault.New(fault.Invalid, "pki.bundle_leaf", "number", i+1)
		}
		if weak(c, true) {
			return nil, fault.New(fault.Invalid, "pki.bundle_weak", "number", i+1)
		}
	}
	return certs, nil
}

// EncodePEM writes certificates as PEM, in their order.
func EncodePEM(certs ...*x509.Certificate) []byte {
	var b bytes.Buffer
	for _, c := range certs {
		// Writing into memory does not fail.
		_ = pem.Encode(&b, &pem.Block{Type: pemCertificate, Bytes: c.Raw})
	}
	return b.Bytes()
}

const (
	pemBegin       = "-----BEGIN "
	pemCertificate = "CERTIFICATE"
)

// parsePEM reads all certificates of a file, at least one; with keys, blocks
// of private keys may stand among them and are passed over.
func parsePEM(b []byte, maxBytes, most int, keys bool) ([]*x509.Certificate, error) {
	if len(b) > maxBytes {
		return nil, fault.New(fault.TooLarge, "pki.pem_large", "most", maxBytes)
	}
	var certs []*x509.Certificate
	begun := bytes.Count(b, []byte(pemBegin))
	for number := 1; ; number++ {
		block, rest := pem.Decode(b)
		if block == nil {
			break
		}
		// What is not whole PEM is passed over without a word by pem.Decode.
		if bytes.Count(rest, []byte(pemBegin)) != begun-number {
			return nil, fault.New(fault.Invalid, "pki.pem_damaged", "number", number)
		}
		b = rest
		if keys && block.Type != pemCertificate && (strings.HasSuffix(block.Type, "PRIVATE KEY") || block.Type == "EC PARAMETERS") {
			continue
		}
		if block.Type != pemCertificate {
			return nil, fault.New(fault.Invalid, "pki.pem_type", "number", number, "type", clip(block.Type))
		}
		if len(certs) == most {
			return nil, fault.New(fault.TooLarge, "pki.pem_many", "most", most)
		}
		c, err := parseDER(block.Bytes, number)
		if err != nil {
			return nil, err
		}
		certs = append(certs, c)
	}
	if n := bytes.Count(b, []byte(pemBegin)); n > 0 {
		return nil, fault.New(fault.Invalid, "pki.pem_damaged", "number", begun-n+1)
	}
	if len(certs) == 0 {
		return nil, fault.New(fault.Invalid, "pki.pem_none")
	}
	return certs, nil
}

// parseDER reads one certificate; number is its place among several.
func parseDER(der []byte, number int) (*x509.Certificate, error) {
	if len(der) > maxCertificate {
		return nil, fault.New(fault.TooLarge, "pki.certificate_large", "number", number, "most", maxCertificate)
	}
	c, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "pki.certificate_format", "number", number)
	}
	return c, nil
}
