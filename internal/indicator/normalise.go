// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"strings"

	"teiten/internal/fault"
)

// Limits, in bytes. A written form may be longer than what it stands for,
// because every defanged dot adds to it.
const (
	MaxURL     = 8192       // of a URL, refanged, and of its normal form
	maxWritten = 3 * MaxURL // of anything handed to Normalise
	maxHost    = 253        // RFC 1035, section 2.3.4, as text
	maxLabel   = 63
	maxLocal   = 64 // RFC 5321, section 4.5.3.1.1
)

// Normalise reads what was written as an indicator of the kind, in any spelling
// that the package documentation lists. It returns a [fault.Invalid] whose code
// is the reason, or [fault.TooLarge] beyond the limits: URL 8192 bytes, host 253,
// label 63. Normalising a normal or a defanged value gives the same value again.
// The Kind of the result differs from kind for an IPv4-mapped IPv6 address and
// for a network of one address, and nowhere else.
func Normalise(kind Kind, written string) (Value, error) {
	if kind == URL {
		if value, host, ok := fastURL(written); ok {
			return Value{Kind: URL, Value: value, Host: host, Written: written}, nil
		}
	}
	if len(written) > maxWritten {
		return Value{}, fault.New(fault.TooLarge, "indicator.too_long", "limit", MaxURL)
	}
	v := Value{Kind: kind, Written: written}
	var err error
	switch kind {
	case URL:
		var u parsedURL
		u, err = parseURL(written)
		v.Value, v.Host = u.value, u.host
	case Domain:
		v.Value, err = normaliseDomain(written)
		v.Host = v.Value
	case IPv4, IPv6:
		v.Kind, v.Value, err = normaliseAddress(kind, written)
		v.Host = v.Value
	case CIDR:
		v.Kind, v.Value, err = normaliseNetwork(written)
		if v.Kind != CIDR {
			v.Host = v.Value
		}
	case Email:
		v.Value, v.Host, err = normaliseEmail(written)
	case MD5, SHA1, SHA256:
		v.Value, err = normaliseHash(kind, written)
	default:
		err = fault.New(fault.Invalid, "indicator.kind", "kind", clip(string(kind)))
	}
	if err != nil {
		return Value{}, err
	}
	return v, nil
}

// hashDigits is the length of each hash in hexadecimal digits.
var hashDigits = map[Kind]int{MD5: 32, SHA1: 40, SHA256: 64}

// normaliseHash lowers hexadecimal digits; a label such as "sha256:" is dropped.
func normaliseHash(kind Kind, written string) (string, error) {
	s, err := plain(written)
	if err != nil {
		return "", err
	}
	s = strings.ToLower(s)
	if label, rest, found := strings.Cut(s, ":"); found && strings.ReplaceAll(label, "-", "") == string(kind) {
		s = strings.TrimSpace(rest)
	}
	for _, r := range s {
		if !isHex(r) {
			return "", fault.New(fault.Invalid, "indicator.hash_character", "kind", string(kind), "character", show(r))
		}
	}
	if len(s) != hashDigits[kind] {
		return "", fault.New(fault.Invalid, "indicator.hash_length",
			"kind", string(kind), "want", hashDigits[kind], "length", len(s))
	}
	return s, nil
}

// normaliseEmail reads addr-spec (RFC 5322, section 3.4.1) without comments,
// quoted local parts and address literals; "mailto:" is dropped.
func normaliseEmail(written string) (value, host string, err error) {
	s, err := plain(written)
	if err != nil {
		return "", "", err
	}
	s = refang(s, inHost)
	if len(s) >= 7 && strings.EqualFold(s[:7], "mailto:") {
		s = s[7:]
	}
	at := strings.LastIndexByte(s, '@')
	if at < 0 {
		return "", "", fault.New(fault.Invalid, "indicator.email_at")
	}
	local := strings.ToLower(s[:at])
	switch {
	case local == "":
		return "", "", fault.New(fault.Invalid, "indicator.email_local")
	case len(local) > maxLocal:
		return "", "", fault.New(fault.TooLarge, "indicator.email_local_long", "limit", maxLocal)
	case local[0] == '.' || local[len(local)-1] == '.' || strings.Contains(local, ".."):
		return "", "", fault.New(fault.Invalid, "indicator.email_dot")
	}
	for _, r := range local {
		if r < 0x80 && !isAtext(byte(r)) && r != '.' || r == '\uFFFD' || isSpace(r) {
			return "", "", fault.New(fault.Invalid, "indicator.email_character", "character", show(r))
		}
	}
	host, err = domainOf(s[at+1:])
	if err != nil {
		return "", "", err
	}
	return local + "@" + host, host, nil
}

// isAtext reports whether c may stand in an unquoted local part (RFC 5322,
// section 3.2.3). Braces and the like would be read as defanging; they do not
// occur in mailboxes.
func isAtext(c byte) bool {
	return isAlnum(c) || strings.IndexByte("!#$%&'*+-/=?^_`|~", c) >= 0
}
