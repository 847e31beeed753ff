// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// internetHeaders is PS_INTERNET_HEADERS as it is stored (MS-OXPROPS, 1.3.2).
var internetHeaders = []byte{0x86, 0x03, 0x02, 0, 0, 0, 0, 0, 0xC0, 0, 0, 0, 0, 0, 0, 0x46}

// namedProperty is a header field that is kept as a property.
type namedProperty struct {
	id   uint16
	name string
}

// mostFields of one item are read.
const mostFields = 1000

// names reads which properties are header fields: a stream of GUIDs, one of
// entries and one of strings (MS-OXMSG, section 2.2.3).
func (c *compound) names(e entry, b *bag) []namedProperty {
	st := c.storage(e)
	stream := func(id uint16) []byte { return c.read(st.streams[tag(id, ptBinary)]) }
	guids, entries, strings := stream(2), stream(3), stream(4)
	var all []namedProperty
	for ; len(entries) >= 8 && len(all) < mostFields; entries = entries[8:] {
		at, info := int64(binary.LittleEndian.Uint32(entries)), binary.LittleEndian.Uint32(entries[4:])
		// The lowest bit tells names from numbers, the next fifteen the GUID:
		// the first three are well known and not stored.
		guid := int(info>>1&0x7FFF) - 3
		if info&1 == 0 || guid < 0 || (guid+1)*16 > len(guids) || !bytes.Equal(guids[guid*16:][:16], internetHeaders) {
			continue
		}
		if at+4 > int64(len(strings)) {
			b.notes.add("outlook.repair_names", "")
			continue
		}
		n := int64(binary.LittleEndian.Uint32(strings[at:]))
		if at+4+n > int64(len(strings)) {
			b.notes.add("outlook.repair_names", "")
			continue
		}
		// Many entries may name one long string.
		if !b.s.spend(int(n)) {
			break
		}
		all = append(all, namedProperty{prNamed + uint16(info>>16)&0x7FFF, b.utf16(strings[at+4 : at+4+n])})
	}
	slices.SortStableFunc(all, func(x, y namedProperty) int { return int(x.id) - int(y.id) })
	return all
}

// fields reads the header fields that an item keeps as properties.
func (c *compound) fields(item *Item, st *storage, b *bag, names []namedProperty) {
	for _, p := range names {
		if v := b.text(p.id); v != "" {
			item.Fields = append(item.Fields, Field{p.name, v})
			continue
		}
		for _, kind := range []uint16{ptUnicode, ptString8} {
			for _, e := range st.parts[tag(p.id, ptMultiple|kind)] {
				one := *b
				one.get = func(t uint32) ([]byte, bool) {
					if t != tag(p.id, kind) {
						return nil, false
					}
					return c.read(e), true
				}
				if v := one.text(p.id); v != "" && len(item.Fields) < mostFields {
					item.Fields = append(item.Fields, Field{p.name, v})
				}
			}
		}
	}
}
