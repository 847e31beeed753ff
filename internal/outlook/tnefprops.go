// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// tnefValues are properties by tag. Named ones are numbered anew from prNamed.
type tnefValues map[uint32][]byte

// tnefNames is the tag under which the names of header fields are kept: a
// property of this number and type cannot exist.
const tnefNames = 0xFFFF0000

// mostProperties of one message, recipient or attachment are read.
const mostProperties = 1 << 12

// parseProperties reads a list of properties (MS-OXTNEF, section 2.1.3.4). fine
// reports that all could be read.
func parseProperties(b []byte, n *notes, s *session) (values tnefValues, rest []byte, fine bool) {
	values = tnefValues{}
	if len(b) < 4 {
		return values, nil, false
	}
	r := &cursor{b: b}
	count := r.u32()
	named := uint16(0)
	for i := range count {
		if i == mostProperties {
			n.add("outlook.repair_properties", "TNEF")
			return values, nil, false
		}
		kind, id := r.u16(), r.u16()
		if id >= prNamed {
			guid := r.take(16)
			name := ""
			if r.u32() == 1 {
				name = string(r.padded())
			} else {
				r.u32()
			}
			id = prNamed + named
			named++
			if bytes.Equal(guid, internetHeaders) && name != "" && named <= mostFields {
				values[tnefNames+uint32(id)] = []byte(name)
			}
		}
		for _, v := range r.values(kind) {
			t := tag(id, kind&^ptMultiple)
			if _, twice := values[t]; !twice {
				values[t] = v
			}
		}
		if r.bad {
			return values, nil, false
		}
	}
	return values, r.b, true
}

// cursor reads little-endian numbers and what they count.
type cursor struct {
	b   []byte
	bad bool
}

func (r *cursor) take(n int64) []byte {
	if r.bad || n > int64(len(r.b)) {
		r.bad = true
		return nil
	}
	v := r.b[:n:n]
	r.b = r.b[n:]
	return v
}

func (r *cursor) u16() uint16 {
	if v := r.take(2); v != nil {
		return binary.LittleEndian.Uint16(v)
	}
	return 0
}

func (r *cursor) u32() uint32 {
	if v := r.take(4); v != nil {
		return binary.LittleEndian.Uint32(v)
	}
	return 0
}

// padded reads counted bytes, which are padded to a multiple of four.
func (r *cursor) padded() []byte {
	n := int64(r.u32())
	v := r.take(n)
	// The last value of a truncated file lacks its padding and is whole.
	if pad := -n & 3; pad <= int64(len(r.b)) {
		r.take(pad)
	} else {
		r.b = nil
	}
	return v
}

// values reads what a property says: one value, or several where its type has
// the flag for that.
func (r *cursor) values(kind uint16) [][]byte {
	size, counted := int64(0), false
	switch kind &^ ptMultiple {
	case 0x0001: // PtypNull
	case ptInteger16, ptBoolean, ptInteger32, 0x0004, 0x000A:
		size = 4
	case 0x0005, 0x0006, 0x0007, 0x0014, ptTime:
		size = 8
	case 0x0048: // PtypGuid
		size = 16
	case ptString8, ptUnicode, ptBinary, ptObject:
		counted = true
	default:
		r.bad = true
		return nil
	}
	count := uint32(1)
	if counted || kind&ptMultiple != 0 {
		count = r.u32()
	}
	if kind&ptMultiple != 0 && size == 4 && kind&^ptMultiple == ptInteger16 {
		// Small numbers of a list are not padded each, only the list is.
		v := r.take(2 * int64(count))
		r.take(2 * int64(count) & 2)
		return [][]byte{v}
	}
	var all [][]byte
	for range count {
		if r.bad || len(r.b) == 0 {
			r.bad = r.bad || size > 0 || counted
			break
		}
		if counted {
			all = append(all, r.padded())
		} else {
			all = append(all, r.take(size))
		}
		if len(all) > mostProperties {
			r.bad = true
		}
		if size == 0 && !counted {
			break
		}
	}
	return all
}

func (v tnefValues) bag(s *session, n *notes, where string) *bag {
	return &bag{s: s, notes: n, where: where, get: func(t uint32) ([]byte, bool) {
		value, ok := v[t]
		if ok && !s.spend(len(value)) {
			return nil, true
		}
		return value, ok
	}}
}

// fields returns the header fields that are kept as named properties.
func (v tnefValues) fields(b *bag) []Field {
	var ids []uint32
	for t := range v {
		if t >= tnefNames {
			ids = append(ids, t)
		}
	}
	slices.Sort(ids)
	var all []Field
	for _, t := range ids {
		if value := b.text(uint16(t - tnefNames)); value != "" {
			all = append(all, Field{fieldName(b.utf16(v[t])), value})
		}
	}
	return all
}
