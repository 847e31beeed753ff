// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist

import (
	"bytes"
	"slices"
	"strings"
)

// Order is the order in which a format needs its entries, so that equal ones
// are neighbours and a parent domain comes before its subdomains.
type Order int

const (
	AnyOrder Order = iota // nothing is left out
	ByValue               // ascending bytes of Value
	ByHost                // ascending bytes of HostKey, then of Value
)

// HostKey is the sort key of a host: its labels from the right, so that
// "www.evil.example" is "example.evil.www" and follows "example.evil". An
// address or network is its own key. Compare keys byte by byte: in SQLite the
// BINARY collation, in PostgreSQL COLLATE "C".
func HostKey(host string) string { return string(appendHostKey(nil, host)) }

func appendHostKey(b []byte, host string) []byte {
	if numericHost(host) {
		return append(b, host...)
	}
	for {
		dot := strings.LastIndexByte(host, '.')
		b = append(b, host[dot+1:]...)
		if dot < 0 {
			return b
		}
		b = append(b, '.')
		host = host[:dot]
	}
}

// numericHost reports whether a host is an address or a network rather than a
// name: no top-level domain is numeric (RFC 3696 section 2), and no name has a
// colon or a slash.
func numericHost(host string) bool {
	last := host[strings.LastIndexByte(host, '.')+1:]
	if strings.ContainsAny(host, ":/") {
		return true
	}
	for i := range len(last) {
		if last[i] < '0' || last[i] > '9' {
			return false
		}
	}
	return last != ""
}

// Compare is the order of two entries, as a sort function has it.
func (o Order) Compare(a, b Entry) int {
	switch o {
	case ByValue:
		return strings.Compare(a.Value, b.Value)
	case ByHost:
		if c := strings.Compare(HostKey(a.host()), HostKey(b.host())); c != 0 {
			return c
		}
		return strings.Compare(a.Value, b.Value)
	default:
		return 0
	}
}

// Sorted gives entries that are already in memory in the order o. The slice is
// not changed.
func Sorted(entries []Entry, o Order) Source {
	type keyed struct {
		key string
		at  int
	}
	keys := make([]keyed, len(entries))
	for i := range entries {
		switch o {
		case ByHost:
			keys[i] = keyed{HostKey(entries[i].host()), i}
		default:
			keys[i] = keyed{"", i}
		}
	}
	if o != AnyOrder {
		slices.SortStableFunc(keys, func(a, b keyed) int {
			if c := strings.Compare(a.key, b.key); c != 0 {
				return c
			}
			return strings.Compare(entries[a.at].Value, entries[b.at].Value)
		})
	}
	return func(yield func(Entry, error) bool) {
		for _, k := range keys {
			if !yield(entries[k.at], nil) {
				return
			}
		}
	}
}

// host is what a host list lists of the entry.
func (e *Entry) host() string {
	if e.Host == "" {
		return e.Value
	}
	return e.Host
}

// cover remembers which of the keys written so far can be, in ascending order,
// equal to or a parent of a key that follows. All of them begin the latest one,
// so that their lengths suffice: a key that does not begin with P comes after
// all keys that do. (A sibling such as "example.a-b" may stand between
// "example.a" and "example.a.www": a hyphen sorts before a dot.)
type cover struct {
	latest []byte
	begins []int // ascending lengths of the prefixes of latest that are keys
}

// has reports whether key itself was written or, with subdomains, a parent of it.
func (c *cover) has(key []byte, subdomains bool) bool {
	n := commonPrefix(c.latest, key)
	for len(c.begins) > 0 && c.begins[len(c.begins)-1] > n {
		c.begins = c.begins[:len(c.begins)-1]
	}
	for _, length := range c.begins {
		if length == len(key) || subdomains && key[length] == '.' {
			return true
		}
	}
	return false
}

// add is called after has, with the same key.
func (c *cover) add(key []byte) {
	c.latest = append(c.latest[:0], key...)
	if len(c.begins) == 0 || c.begins[len(c.begins)-1] != len(key) {
		c.begins = append(c.begins, len(key))
	}
}

func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	if bytes.Equal(a[:n], b[:n]) {
		return n
	}
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
