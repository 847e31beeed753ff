// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"time"

	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/wave"
)

// Facts are what is known besides the mail. The zero Facts are of somebody who
// knows nothing: then the rules speak alone.
type Facts struct {
	Own      []string // domains of the institution, lower case, with all names below them
	Names    []string // of the institution, as others write it
	Authserv []string // authserv-ids of the institution's own mail servers (RFC 8601, section 2.5), lower case

	// DKIM returns the TXT record of a key, such as
	// "selector._domainkey.example.jp", if it was given or kept. It must not ask
	// anybody. nil: signatures are not verified.
	DKIM func(name string) (record string, ok bool)

	// Correspondents is from how many addresses the institution had mail that
	// was not found bad; Met and MetSite whether the sender's address and domain
	// are among them.
	Correspondents int
	Met, MetSite   bool

	Now time.Time // zero: the present

	// What shared information says; filled by Check.
	hits   map[string]hit // by kind and value
	hosts  map[string]hit // pages on the host are known, and the host may be refused
	inline bool           // the mail was quoted in another: its header is not whole
	wave   *wave.Seen
}

// hit is what shared information says about a value.
type hit struct {
	intel.Hit
	as       indicator.Value // what matched, where it is not the value itself
	entry    bool            // the guard lets it into filters
	advisory int64           // an advisory that says so, 0 for none that the caller may see
}

func key(v indicator.Value) string { return string(v.Kind) + " " + v.Value }
