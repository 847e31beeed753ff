// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"teiten/internal/blob"
)

// letters are those of Crockford's base 32: none looks like another, so that a
// code survives being read aloud and written by hand. 5 bits each.
const letters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// newCode makes a random code of groups of four letters with hyphens between:
// 20 bits a group.
func newCode(groups int) string {
	b := make([]byte, groups*4)
	rand.Read(b)
	var s strings.Builder
	for i, c := range b {
		if i > 0 && i%4 == 0 {
			s.WriteByte('-')
		}
		s.WriteByte(letters[c%32])
	}
	return s.String()
}

const maxCode = 200 // bytes as typed

// normalCode brings a code as people type it to the one form that is hashed:
// NFKC, because Japanese keyboards write full-width letters, capitals, without
// spaces and hyphens of any kind, O as 0, I and L as 1. Anything else than
// letters and digits makes it no code at all: "".
func normalCode(typed string) string {
	if len(typed) > maxCode {
		return ""
	}
	var s strings.Builder
	for _, r := range norm.NFKC.String(typed) {
		switch r = unicode.ToUpper(r); {
		case r == 'O':
			s.WriteByte('0')
		case r == 'I', r == 'L':
			s.WriteByte('1')
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z':
			s.WriteRune(r)
		case unicode.IsSpace(r), unicode.Is(unicode.Pd, r), r == '−', r == 'ー':
		default:
			return ""
		}
	}
	return s.String()
}

// newToken makes 256 random bits for a cookie, in base64url (RFC 4648).
func newToken() string {
	b := make([]byte, 32)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// hashToken is what is stored of a token. It needs neither salt nor stretching:
// there is nothing to guess in 256 random bits.
func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// sealCode is what is stored of a code that is short enough to be typed: a MAC
// under the installation's key, so that the database alone says nothing.
func sealCode(keys *blob.Keyring, use string, account int64, code string) string {
	return hex.EncodeToString(keys.Seal([]byte("teiten auth v1\x00" + use + "\x00" + strconv.FormatInt(account, 10) + "\x00" + code)))
}

// hashSetUp is what is stored of a set-up code.
func hashSetUp(account int64, code string) string {
	return hashToken("teiten set-up v1\x00" + strconv.FormatInt(account, 10) + "\x00" + code)
}
