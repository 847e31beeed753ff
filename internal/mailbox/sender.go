// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

const maxAddress = 254 // bytes: a path of RFC 5321 section 4.5.3.1.3 without its brackets

// Sender is an address of an envelope in the form in which it is compared.
// The zero Sender is the null reverse path (RFC 5321 section 4.5.5).
type Sender struct {
	Local  string // NFC (RFC 6532 section 3.1); as written otherwise
	Domain string // lower case, ASCII (RFC 5891)
}

// ParseSender reads an address without angle brackets; ok is false for what is
// none, or none that could be answered: a quoted local part, an address
// literal, a domain of one label. "" is the null reverse path.
func ParseSender(written string) (s Sender, ok bool) {
	if written == "" {
		return Sender{}, true
	}
	at := strings.LastIndexByte(written, '@')
	if at < 1 || len(written) > maxAddress || !utf8.ValidString(written) {
		return Sender{}, false
	}
	local := norm.NFC.String(written[:at])
	if len(local) > 64 || strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") ||
		strings.ContainsFunc(local, func(r rune) bool { return !atext(r) && r != '.' }) {
		return Sender{}, false
	}
	domain, err := idna.Lookup.ToASCII(strings.ToLower(written[at+1:]))
	if err != nil || len(domain) > 253 || !strings.Contains(domain, ".") || strings.HasPrefix(domain, ".") || strings.HasSuffix(domain, ".") ||
		strings.Contains(domain, "..") || strings.ContainsFunc(domain, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '.'
	}) {
		return Sender{}, false
	}
	s = Sender{Local: local, Domain: domain}
	return s, len(s.String()) <= maxAddress
}

// atext is the rule of that name in RFC 5322 section 3.2.3, with RFC 6532's
// characters that can be seen.
func atext(r rune) bool {
	if r >= utf8.RuneSelf {
		return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r)
	}
	return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("!#$%&'*+-/=?^_`{|}~", r)
}

// String is the address, "" for the null reverse path.
func (s Sender) String() string {
	if s == (Sender{}) {
		return ""
	}
	return s.Local + "@" + s.Domain
}

// Fold is the address with its local part in lower case: nobody's server tells
// them apart, and a retry may write it otherwise.
func (s Sender) Fold() string { return strings.ToLower(s.String()) }

// ASCII reports whether the address can be written to without SMTPUTF8
// (RFC 6531).
func (s Sender) ASCII() bool {
	return !strings.ContainsFunc(s.Local, func(r rune) bool { return r >= utf8.RuneSelf })
}

// within reports whether the address is of one of the domains or below it.
func (s Sender) within(domains []string) bool {
	for _, d := range domains {
		if s.Domain == d || strings.HasSuffix(s.Domain, "."+d) {
			return true
		}
	}
	return false
}
