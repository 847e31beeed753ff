// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist

import (
	"iter"
	"time"

	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/tlp"
)

// Entry is one indicator to be listed. Value and Host are normalised, as
// indicator.Value holds them: lower-case host without a final dot,
// internationalised names in their ASCII form (RFC 5890), IPv6 as RFC 5952
// writes it, without brackets.
type Entry struct {
	Kind        indicator.Kind
	Value       string
	Host        string // of a URL its host; of a domain or address itself; of a CIDR itself or ""
	HostBlocked bool   // the host as a whole may be refused; without it only the URL may
	Category    string // machine word, as in "phishing"
	Brand       string // who is imitated, in free text
	Confidence  int    // 0 to 100
	FirstSeen   time.Time
	LastSeen    time.Time
	ValidUntil  time.Time // zero: no end
	TLP         tlp.Level
}

// Source gives the entries of a list, in the order that Format.Order names. An
// error ends it, and the list.
type Source = iter.Seq2[Entry, error]

// Header is what a list says of itself.
type Header struct {
	At    time.Time   // when the list was made
	Title string      // who publishes it, in words
	Scope string      // what was selected (category, TLP, …), in words
	Lang  locale.Lang // of the comments; Japanese if empty
}

// Reason is why a format cannot carry an entry. Its sentence is the locale key
// "blocklist.skip." followed by the reason.
type Reason string

// Reasons. An entry is counted under the first that applies.
const (
	WrongKind   Reason = "kind"         // a kind of indicator that is not for this format
	HostShared  Reason = "host_shared"  // the host may not be refused as a whole and the format knows hosts only
	HostListed  Reason = "host_listed"  // squid-urls: the whole host stands in squid-domains
	FrontPage   Reason = "front_page"   // the URL is the front page of a host that may not be refused as a whole
	Fragment    Reason = "fragment"     // only the part after # names the page, and that never leaves the browser
	Scheme      Reason = "scheme"       // a URL of another scheme than http and https
	Address     Reason = "address"      // an IP address, in a list of names
	Name        Reason = "name"         // a name, in a list of addresses
	TooWide     Reason = "too_wide"     // a network larger than an IPv4 /8 or an IPv6 /16
	TooLong     Reason = "too_long"     // longer than DNS or the format allows
	SingleLabel Reason = "single_label" // a whole top-level domain, or a name of the inner network
	NonASCII    Reason = "non_ascii"    // a character outside ASCII
	Wildcard    Reason = "wildcard"     // * or ^, which the device would read as a pattern
	Underscore  Reason = "underscore"   // _ where only host names in the strict sense are taken
	Characters  Reason = "characters"   // any other character or form that the format has no room for
)

// Reasons are all reasons in the order in which a list names them.
var Reasons = []Reason{
	WrongKind, HostShared, HostListed, FrontPage, Fragment, Scheme, Address, Name, TooWide,
	TooLong, SingleLabel, NonASCII, Wildcard, Underscore, Characters,
}

// Summary counts what became of the entries of a source:
//
//	Read = Written + Covered + the sum of Skipped
type Summary struct {
	Read    int
	Written int            // entries in the list; one may take two lines
	Covered int            // the same, or a subdomain, of one that is written
	Skipped map[Reason]int // what the format cannot carry
	Bytes   int64
}
