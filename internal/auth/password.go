// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"teiten/internal/fault"
)

const (
	minPassword = 12  // characters
	maxPassword = 128 // characters
	// maxPasswordBytes bounds what is normalised at all. A character of NFKC
	// comes from at most a few bytes, and what is longer is refused anyway.
	maxPasswordBytes = 4 * maxPassword * 3
)

// normalPassword is the form of a password that is hashed: NFKC, as NIST SP
// 800-63B-4 section 3.1.1.2 advises, so that full-width and half-width letters
// are the same on every keyboard. What is too long to be one becomes "", which
// no password is.
func normalPassword(typed string) string {
	if len(typed) > maxPasswordBytes {
		return ""
	}
	return norm.NFKC.String(typed)
}

// CheckPassword says why a password cannot be chosen, as a fault at the field
// "password", or nil. There are no rules of composition (NIST SP 800-63B-4
// section 3.1.1.2): it must be 12 to 128 characters long and must not be
// something that an attacker tries first, which others use or which is made of
// own, words that are known about the person.
func CheckPassword(password string, own ...string) error {
	if !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl) {
		return fault.New(fault.Invalid, "auth.password_text").At("password")
	}
	if len(password) > maxPasswordBytes {
		return fault.New(fault.Invalid, "auth.password_long", "most", maxPassword).At("password")
	}
	normal := normalPassword(password)
	switch n := utf8.RuneCountInString(normal); {
	case n < minPassword:
		return fault.New(fault.Invalid, "auth.password_short", "least", minPassword, "have", n).At("password")
	case n > maxPassword:
		return fault.New(fault.Invalid, "auth.password_long", "most", maxPassword).At("password")
	}
	if weight(normal, nil) < enough {
		return fault.New(fault.Invalid, "auth.password_common").At("password")
	}
	if weight(normal, ownWords(own)) < enough {
		return fault.New(fault.Invalid, "auth.password_own").At("password")
	}
	return nil
}

// ownWords are the parts of what is known about a person that are long enough
// to recognise, in the form of disguise.
func ownWords(known []string) map[string]bool {
	words := map[string]bool{}
	add := func(s string) {
		if s := disguise(s); utf8.RuneCountInString(s) >= 3 || utf8.RuneCountInString(s) == 2 && s[0] >= utf8.RuneSelf {
			words[s] = true
		}
	}
	for _, k := range known {
		k = normalPassword(k)
		add(k)
		for _, part := range strings.FieldsFunc(k, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			add(part)
		}
	}
	return words
}
