// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import "teiten/internal/locale"

// Signed is what is known of a mail's signatures (DKIM, RFC 6376). A valid one
// says that the domain sent the mail as it is, not that it means well.
type Signed string

const (
	Unsigned   Signed = ""           // there is none
	Valid      Signed = "valid"      // by a key that is kept or was given
	Invalid    Signed = "invalid"    // it does not fit: changed on the way, or forged
	Unverified Signed = "unverified" // its key is not at hand, and nobody is asked for it
)

// Name returns the word for it.
func (s Signed) Name(lang locale.Lang) string { return lang.T("mailcheck.signed." + string(s)) }

// Signature is what the keys at hand say about a mail.
type Signature struct {
	State  Signed
	Domain string   // that signed, of a valid or an invalid one
	Keys   []string // names of the keys that are missing, of an unverified one
}

// signature sums up what verify found.
func (v *view) signature() (s Signature) {
	r := v.authenticated()
	switch {
	case v.m.Get("DKIM-Signature") == "":
	case r.signed == "pass":
		s.State, s.Domain = Valid, r.signer
	case r.signed == "fail":
		s.State, s.Domain = Invalid, r.signer
	default:
		s.State, s.Keys = Unverified, signers(v.m)
	}
	return s
}
