// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
	"unicode/utf16"
)

// Storage is a directory of a compound file, to be written. Embedded objects
// are stored that way inside a message and leave it as files of their own.
type Storage struct {
	Name     string // at most 31 UTF-16 units
	Class    [16]byte
	Streams  []Stream
	Storages []*Storage
}

// Stream is a file in a storage.
type Stream struct {
	Name string // at most 31 UTF-16 units
	Data []byte
}

type writer struct {
	entries []byte
	fat     []uint32
	body    bytes.Buffer
	mini    bytes.Buffer
	miniFAT []uint32
}

const writeSector = 512

// Encode returns a compound file of version 3 with the storage as its root.
func (s *Storage) Encode() []byte {
	w := &writer{}
	w.storage(s, typeRoot)
	for len(w.entries)%writeSector != 0 {
		w.entries = append(w.entries, emptyEntry()...)
	}
	start := w.append(w.mini.Bytes())
	binary.LittleEndian.PutUint32(w.entries[116:], start)
	binary.LittleEndian.PutUint32(w.entries[120:], uint32(w.mini.Len()))
	dir := w.append(w.entries)
	miniFAT := w.append(unwords(w.miniFAT))
	miniSectors := (len(w.miniFAT)*4 + writeSector - 1) / writeSector

	// The FAT covers its own sectors and those of the DIFAT.
	const per = writeSector / 4
	fats, difats := 0, 0
	for {
		f := (len(w.fat) + fats + difats + per - 1) / per
		d := 0
		if f > 109 {
			d = (f - 109 + per - 2) / (per - 1)
		}
		if f == fats && d == difats {
			break
		}
		fats, difats = f, d
	}
	firstFAT, firstDIFAT := uint32(len(w.fat)), uint32(len(w.fat)+fats)
	for range fats {
		w.fat = append(w.fat, 0xFFFFFFFD)
	}
	for range difats {
		w.fat = append(w.fat, 0xFFFFFFFC)
	}
	for len(w.fat)%per != 0 {
		w.fat = append(w.fat, freeSector)
	}
	w.body.Write(unwords(w.fat))
	for i := range difats {
		list := make([]uint32, per)
		for j := range list {
			list[j] = freeSector
			if n := 109 + i*(per-1) + j; j < per-1 && n < fats {
				list[j] = firstFAT + uint32(n)
			}
		}
		list[per-1] = endOfChain
		if i+1 < difats {
			list[per-1] = firstDIFAT + uint32(i) + 1
		}
		w.body.Write(unwords(list))
	}

	h := make([]byte, headerSize)
	put := binary.LittleEndian.PutUint32
	copy(h, compoundSignature)
	copy(h[24:], []byte{0x3E, 0, 3, 0, 0xFE, 0xFF, 9, 0, 6, 0})
	put(h[44:], uint32(fats))
	put(h[48:], dir)
	put(h[56:], miniCutoff)
	put(h[60:], miniFAT)
	put(h[64:], uint32(miniSectors))
	put(h[68:], endOfChain)
	if difats > 0 {
		put(h[68:], firstDIFAT)
	}
	put(h[72:], uint32(difats))
	for i := range 109 {
		put(h[76+4*i:], freeSector)
		if i < fats {
			put(h[76+4*i:], firstFAT+uint32(i))
		}
	}
	return append(h, w.body.Bytes()...)
}

func unwords(w []uint32) []byte {
	b := make([]byte, 0, 4*len(w))
	for _, v := range w {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return b
}

// append writes a chain of sectors and returns its start.
func (w *writer) append(b []byte) uint32 {
	if len(b) == 0 {
		return endOfChain
	}
	start := uint32(len(w.fat))
	for at := 0; at < len(b); at += writeSector {
		w.fat = append(w.fat, uint32(len(w.fat))+1)
	}
	w.fat[len(w.fat)-1] = endOfChain
	w.body.Write(b)
	w.body.Write(make([]byte, -len(b)&(writeSector-1)))
	return start
}

func (w *writer) small(b []byte) uint32 {
	start := uint32(len(w.miniFAT))
	for at := 0; at < len(b); at += miniSize {
		w.miniFAT = append(w.miniFAT, uint32(len(w.miniFAT))+1)
	}
	w.miniFAT[len(w.miniFAT)-1] = endOfChain
	w.mini.Write(b)
	w.mini.Write(make([]byte, -len(b)&(miniSize-1)))
	return start
}

func emptyEntry() []byte {
	e := make([]byte, entrySize)
	for at := 68; at < 80; at++ {
		e[at] = 0xFF
	}
	return e
}

// storage writes the entry of a storage with what it holds and returns its
// number. Siblings are a balanced tree, all black but for the deepest level.
func (w *writer) storage(s *Storage, kind byte) uint32 {
	id := w.entry(s.Name, kind)
	if kind == typeRoot {
		copy(w.entries, emptyEntry())
		w.name(id, "Root Entry")
		w.entries[66], w.entries[67] = typeRoot, 1
	}
	copy(w.entries[int(id)*entrySize+80:], s.Class[:])
	type child struct {
		name string
		id   uint32
	}
	var all []child
	for _, sub := range s.Storages {
		all = append(all, child{sub.Name, w.storage(sub, typeStorage)})
	}
	for _, stream := range s.Streams {
		n := w.entry(stream.Name, typeStream)
		start := uint32(endOfChain)
		switch {
		case len(stream.Data) >= miniCutoff:
			start = w.append(stream.Data)
		case len(stream.Data) > 0:
			start = w.small(stream.Data)
		}
		binary.LittleEndian.PutUint32(w.entries[int(n)*entrySize+116:], start)
		binary.LittleEndian.PutUint32(w.entries[int(n)*entrySize+120:], uint32(len(stream.Data)))
		all = append(all, child{stream.Name, n})
	}
	// Shorter names come first (MS-CFB, section 2.6.4).
	slices.SortFunc(all, func(a, b child) int {
		ua, ub := utf16.Encode([]rune(strings.ToUpper(a.name))), utf16.Encode([]rune(strings.ToUpper(b.name)))
		if len(ua) != len(ub) {
			return len(ua) - len(ub)
		}
		return slices.Compare(ua, ub)
	})
	full := 1 // nodes down to the last level that is full
	for full*2+1 <= len(all) {
		full = full*2 + 1
	}
	var tree func(list []child, level int) uint32
	tree = func(list []child, level int) uint32 {
		if len(list) == 0 {
			return noEntry
		}
		mid := len(list) / 2
		at := int(list[mid].id) * entrySize
		if 1<<level <= full {
			w.entries[at+67] = 1
		} else {
			w.entries[at+67] = 0
		}
		binary.LittleEndian.PutUint32(w.entries[at+68:], tree(list[:mid], level+1))
		binary.LittleEndian.PutUint32(w.entries[at+72:], tree(list[mid+1:], level+1))
		return list[mid].id
	}
	binary.LittleEndian.PutUint32(w.entries[int(id)*entrySize+76:], tree(all, 0))
	return id
}

func (w *writer) entry(name string, kind byte) uint32 {
	id := uint32(len(w.entries) / entrySize)
	w.entries = append(w.entries, emptyEntry()...)
	w.entries[int(id)*entrySize+66] = kind
	w.name(id, name)
	return id
}

func (w *writer) name(id uint32, name string) {
	units := utf16.Encode([]rune(name))
	units = units[:min(len(units), 31)]
	at := int(id) * entrySize
	for i, u := range units {
		binary.LittleEndian.PutUint16(w.entries[at+2*i:], u)
	}
	binary.LittleEndian.PutUint16(w.entries[at+64:], uint16(2*len(units)+2))
}
