// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"hash/crc32"
	"strings"

	"teiten/internal/fault"
)

const (
	// Prefix begins every token, so that people and scanners of leaked secrets
	// know what it is: ttn_[0-9A-Za-z]{38}.
	Prefix = "ttn_"

	randomChars = 32 // of 62 each: 190 bits
	sumChars    = 6  // CRC-32 in base 62, at most 62^6
	secretChars = len(Prefix) + randomChars + sumChars
	hintChars   = len(Prefix) + 4

	// maxHeader is the most bytes of an Authorization header.
	maxHeader = 4096

	digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// newSecret returns a fresh token.
func newSecret() string {
	b := make([]byte, 0, secretChars)
	b = append(b, Prefix...)
	var random [64]byte
	for len(b) < len(Prefix)+randomChars {
		rand.Read(random[:])
		for _, r := range random {
			// 248 is the largest multiple of 62 in a byte: above it some
			// digits would come more often than others.
			if r < 248 && len(b) < len(Prefix)+randomChars {
				b = append(b, digits[r%62])
			}
		}
	}
	return string(append(b, checksum(string(b))...))
}

// checksum is the end of a token, by which one that was mistyped, cut or
// guessed at random is refused without asking the database. It is no secret.
func checksum(begin string) string {
	n := crc32.ChecksumIEEE([]byte(begin))
	var sum [sumChars]byte
	for i := sumChars - 1; i >= 0; i-- {
		sum[i] = digits[n%62]
		n /= 62
	}
	return string(sum[:])
}

// wellFormed reports whether s can be a token.
func wellFormed(s string) bool {
	if len(s) != secretChars || !strings.HasPrefix(s, Prefix) {
		return false
	}
	for i := len(Prefix); i < len(s); i++ {
		if strings.IndexByte(digits, s[i]) < 0 {
			return false
		}
	}
	at := len(s) - sumChars
	return checksum(s[:at]) == s[at:]
}

func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}

// FromHeader returns the token of an Authorization header: Bearer (RFC 6750
// section 2.1), or Basic (RFC 7617) with the token as password and any user
// name, which is all that some firewalls can send. Faults: token.missing
// without a header, token.malformed for everything else that is no token.
func FromHeader(authorization string) (secret string, err error) {
	if strings.TrimSpace(authorization) == "" {
		return "", fault.New(fault.Unauthenticated, "token.missing")
	}
	malformed := fault.New(fault.Unauthenticated, "token.malformed")
	if len(authorization) > maxHeader {
		return "", malformed
	}
	scheme, rest, _ := strings.Cut(strings.Trim(authorization, " \t"), " ")
	rest = strings.Trim(rest, " \t")
	switch strings.ToLower(scheme) { // RFC 9110 section 11.1: in any case
	case "bearer":
		secret = rest
	case "basic":
		// Some devices leave the padding out.
		b, err := base64.RawStdEncoding.Strict().DecodeString(strings.TrimRight(rest, "="))
		if err != nil {
			return "", malformed // without the cause, which may quote the secret
		}
		_, secret, _ = strings.Cut(string(b), ":")
	default:
		return "", malformed
	}
	if !wellFormed(secret) {
		return "", malformed
	}
	return secret, nil
}
