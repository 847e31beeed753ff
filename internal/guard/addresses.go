// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
)

// ranges is an index of address ranges of one IP version: for each prefix
// length in use, the network addresses in order.
type ranges struct {
	lengths []sameLength // the longest first
}

type sameLength struct {
	bits  int
	nets  []addr128
	lists []uint32 // lists[i] holds nets[i]
}

// addr128 is an address as a number; IPv4 stands in the upper 32 bits.
type addr128 struct{ hi, lo uint64 }

func number(a netip.Addr) addr128 {
	if a.Is4() {
		b := a.As4()
		return addr128{hi: uint64(binary.BigEndian.Uint32(b[:])) << 32}
	}
	b := a.As16()
	return addr128{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:])}
}

// mask keeps the first bits bits.
func (a addr128) mask(bits int) addr128 {
	if bits <= 64 {
		return addr128{hi: a.hi &^ (^uint64(0) >> bits)}
	}
	return addr128{a.hi, a.lo &^ (^uint64(0) >> (bits - 64))}
}

type listed struct {
	prefix netip.Prefix
	list   uint32
}

// newRanges takes over all, which it sorts; all are of one IP version.
func newRanges(all []listed) *ranges {
	slices.SortFunc(all, func(a, b listed) int {
		return cmp.Or(cmp.Compare(b.prefix.Bits(), a.prefix.Bits()),
			a.prefix.Addr().Compare(b.prefix.Addr()), cmp.Compare(a.list, b.list))
	})
	var r ranges
	for start := 0; start < len(all); {
		bits, end := all[start].prefix.Bits(), start
		for end < len(all) && all[end].prefix.Bits() == bits {
			end++
		}
		s := sameLength{bits: bits, nets: make([]addr128, 0, end-start), lists: make([]uint32, 0, end-start)}
		for i, l := range all[start:end] {
			if i > 0 && l == all[start+i-1] {
				continue
			}
			s.nets = append(s.nets, number(l.prefix.Addr()))
			s.lists = append(s.lists, l.list)
		}
		r.lengths = append(r.lengths, s)
		start = end
	}
	return &r
}

// overlapping calls found for each listed range that shares an address with
// p: those that contain it, and those inside it, because to block a range is
// to block what is listed in it. found returns false to stop.
func (r *ranges) overlapping(p netip.Prefix, found func(list uint32, listed netip.Prefix) bool) {
	want := number(p.Addr())
	for i := range r.lengths {
		s := &r.lengths[i]
		bits := min(s.bits, p.Bits())
		key := want.mask(bits)
		for at := s.firstFrom(key); at < len(s.nets) && s.nets[at].mask(bits) == key; at++ {
			if !found(s.lists[at], s.nets[at].prefix(s.bits, p.Addr().Is4())) {
				return
			}
		}
	}
}

// firstFrom returns the index of the first network that is not before key. It
// is written out because it is most of the time a look-up takes.
func (s *sameLength) firstFrom(key addr128) int {
	low, high := 0, len(s.nets)
	for low < high {
		mid := int(uint(low+high) / 2)
		if n := s.nets[mid]; n.hi < key.hi || n.hi == key.hi && n.lo < key.lo {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}

func (a addr128) prefix(bits int, is4 bool) netip.Prefix {
	if is4 {
		var b [4]byte
		binary.BigEndian.PutUint32(b[:], uint32(a.hi>>32))
		return netip.PrefixFrom(netip.AddrFrom4(b), bits)
	}
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], a.hi)
	binary.BigEndian.PutUint64(b[8:], a.lo)
	return netip.PrefixFrom(netip.AddrFrom16(b), bits)
}
