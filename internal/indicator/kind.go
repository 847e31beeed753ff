// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

// Kind is what sort of thing an indicator names. The words are those of the
// field and of the API.
type Kind string

const (
	URL    Kind = "url"
	Domain Kind = "domain"
	IPv4   Kind = "ipv4"
	IPv6   Kind = "ipv6"
	CIDR   Kind = "cidr"
	Email  Kind = "email"
	MD5    Kind = "md5"
	SHA1   Kind = "sha1"
	SHA256 Kind = "sha256"
)

// Kinds are all kinds in the order in which pages list them.
var Kinds = []Kind{URL, Domain, IPv4, IPv6, CIDR, Email, MD5, SHA1, SHA256}

// Value is one indicator. The same thing has the same Kind and Value however
// it was written; Written keeps the form in which it came.
type Value struct {
	Kind    Kind
	Value   string // normalised: what is compared, stored and exported
	Host    string // of a url or email, the normalised host; of a domain or address, itself; else ""
	Written string // as found, with the defanging
}
