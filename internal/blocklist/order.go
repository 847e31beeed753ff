// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist

import (
	"slices"
	"strings"

	"teiten/internal/indicator"
)

// Order is the order in which a format needs its entries, so that equal ones
// are neighbours and a parent domain comes before its subdomains.
type Order int

const (
	AnyOrder Order = iota // as the source has them, each of them once
	ByHost                // ascending bytes of indicator.HostKey, then of Value
)

// Compare is the order of two entries, as a sort function has it.
func (o Order) Compare(a, b Entry) int {
	if o != ByHost {
		return 0
	}
	if c := strings.Compare(indicator.HostKey(a.host()), indicator.HostKey(b.host())); c != 0 {
		return c
	}
	return strings.Compare(a.Value, b.Value)
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
		keys[i].at = i
		if o == ByHost {
			keys[i].key = indicator.HostKey(entries[i].host())
		}
	}
	if o == ByHost {
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
	latest string
	begins []int // ascending lengths of the prefixes of latest that are keys
}

// has reports whether key itself was written or, with subdomains, a parent of it.
func (c *cover) has(key string, subdomains bool) bool {
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
func (c *cover) add(key string) {
	c.latest = key
	if len(c.begins) == 0 || c.begins[len(c.begins)-1] != len(key) {
		c.begins = append(c.begins, len(key))
	}
}

func commonPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
