// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"math/big"
	"strings"

	"software.sslmate.com/src/go-pkcs12"

	"teiten/internal/fault"
)

// Format is how a key and its certificate are packed into one PKCS #12 file
// (RFC 7292), a .p12.
type Format string

const (
	// Modern is PBES2 with AES-256-CBC and an HMAC-SHA-256 over it. Windows 10
	// since 1709, Windows 11, Windows Server 2019, Firefox, Chrome on Linux,
	// OpenSSL 1.1.1 and Java 12 read it.
	Modern Format = "modern"
	// Legacy is triple DES with an HMAC-SHA-1. The key chains of macOS and iOS,
	// Windows before 10 1709, Windows Server 2016 and old Android read only this
	// one. Its ciphers are weak, so that its safety is that of the password:
	// give it one of OneTimePassword, for once.
	Legacy Format = "legacy"
)

// ParseFormat reads a format; "" is Modern.
func ParseFormat(s string) (Format, error) {
	switch f := Format(s); f {
	case "":
		return Modern, nil
	case Modern, Legacy:
		return f, nil
	}
	return "", fault.New(fault.Invalid, "pki.format", "value", clip(s)).At("format")
}

const (
	minPassword = 12
	// Old Windows takes no more.
	maxPassword = 32
)

// P12 packs a key with its certificate and the chain above it. The password
// has 12 to 32 printable ASCII characters: beyond them systems disagree on how
// to encode it.
func P12(f Format, key crypto.PrivateKey, leaf *x509.Certificate, chain []*x509.Certificate, password string) ([]byte, error) {
	if len(password) < minPassword || len(password) > maxPassword ||
		strings.ContainsFunc(password, func(r rune) bool { return r < ' ' || r > '~' }) {
		return nil, fault.New(fault.Invalid, "pki.password", "least", minPassword, "most", maxPassword).At("password")
	}
	f, err := ParseFormat(string(f))
	if err != nil {
		return nil, err
	}
	encoder := pkcs12.Modern2023
	if f == Legacy {
		encoder = pkcs12.LegacyDES
	}
	p12, err := encoder.Encode(key, leaf, chain, password)
	if err != nil {
		return nil, fault.Wrap(err, fault.Internal, "fault.internal")
	}
	return p12, nil
}

// readable are capital letters and digits of which no two look alike: without
// 0 O Q, 1 I, 2 Z, 5 S, 8 B, U V.
const readable = "34679ACDEFGHJKLMNPRTWXY"

// OneTimePassword makes a password to be read from one screen and typed on
// another: five groups of four characters, 90 bits.
func OneTimePassword() string {
	most := big.NewInt(int64(len(readable)))
	var b strings.Builder
	for i := range 20 {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		n, err := rand.Int(rand.Reader, most)
		if err != nil {
			panic(err) // the system's random numbers never fail
		}
		b.WriteByte(readable[n.Int64()])
	}
	return b.String()
}
