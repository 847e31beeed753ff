// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"bytes"
	"encoding/binary"
	"unicode/utf16"

	"teiten/internal/fault"
)

// Numbers of MS-CFB, sections 2.1, 2.2 and 2.6.
const (
	maxSector  = 0xFFFFFFFA // and above: not a sector
	endOfChain = 0xFFFFFFFE
	freeSector = 0xFFFFFFFF
	noEntry    = 0xFFFFFFFF

	headerSize = 512
	entrySize  = 128
	miniSize   = 64
	miniCutoff = 4096 // smaller streams live in the mini stream

	typeStorage = 1
	typeStream  = 2
	typeRoot    = 5
)

// mostEntries bounds the directory: 2,000 parts have some 60 streams each.
const mostEntries = 1 << 18

var compoundSignature = []byte{0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1}

// compound reads a compound file. It needs no more memory than a fraction of
// the file, and every step is taken at most once per sector and stream.
type compound struct {
	b       []byte
	sector  int // bytes
	v4      bool
	fat     []uint32
	miniFAT []uint32
	mini    []byte // the mini stream
	dir     []byte
	used    []bool // directory entries that were found in some storage
	s       *session
	notes   *notes

	// Chains are followed with a stamp on each sector, which finds circles
	// without clearing anything between two chains.
	stamps, miniStamps []uint32
	stamp              uint32
}

// entry is a directory entry (MS-CFB, section 2.6.1).
type entry struct {
	id                 uint32
	name               string
	kind               byte
	left, right, child uint32
	class              [16]byte
	start              uint32
	size               int64
}

// openCompound reads header, FAT and directory.
func openCompound(b []byte, s *session, n *notes) (*compound, error) {
	if !bytes.HasPrefix(b, compoundSignature) {
		return nil, fault.New(fault.Invalid, "outlook.not_msg")
	}
	if len(b) < headerSize {
		return nil, fault.New(fault.Invalid, "outlook.damaged")
	}
	u16 := func(at int) uint16 { return binary.LittleEndian.Uint16(b[at:]) }
	u32 := func(at int) uint32 { return binary.LittleEndian.Uint32(b[at:]) }
	c := &compound{b: b, s: s, notes: n}
	switch shift := u16(30); shift {
	case 9, 12:
		c.sector = 1 << shift
		c.v4 = shift == 12
	default:
		return nil, fault.New(fault.Invalid, "outlook.damaged")
	}
	if version := u16(26); (version == 4) != c.v4 || u16(32) != 6 || u32(56) != miniCutoff {
		n.add("outlook.repair_header", "")
	}
	count := (len(b) + c.sector - 1) / c.sector
	if count--; count < 0 {
		count = 0
	}
	c.readFAT(count, u32)
	c.stamps = make([]uint32, count)
	c.dir = c.chain(u32(48), mostEntries*entrySize, "directory", false)
	if len(c.dir) < entrySize {
		return nil, fault.New(fault.Invalid, "outlook.damaged")
	}
	c.used = make([]bool, len(c.dir)/entrySize)
	c.used[0] = true
	root := c.entry(0)
	raw := c.chain(u32(60), int64(count)*int64(c.sector), "mini FAT", false)
	c.miniFAT = words(raw)
	if root.size > 0 && root.start < maxSector {
		c.mini = c.chain(root.start, root.size, "mini stream", true)
	}
	if most := (len(c.mini) + miniSize - 1) / miniSize; len(c.miniFAT) > most {
		c.miniFAT = c.miniFAT[:most]
	}
	c.miniStamps = make([]uint32, len(c.miniFAT))
	return c, nil
}

func words(b []byte) []uint32 {
	w := make([]uint32, len(b)/4)
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return w
}

// readFAT puts the FAT together from the sectors that the header and the DIFAT
// name. Sectors that are not there read as free.
func (c *compound) readFAT(count int, u32 func(int) uint32) {
	c.fat = make([]uint32, count)
	for i := range c.fat {
		c.fat[i] = freeSector
	}
	per := c.sector / 4
	at := 0
	add := func(sector uint32) {
		if at >= count {
			return
		}
		w := words(c.at(sector))
		if len(w) < per && at+len(w) < count {
			c.notes.add("outlook.repair_truncated", "FAT")
		}
		copy(c.fat[at:], w)
		at += per
	}
	for i := range 109 {
		if sector := u32(76 + 4*i); sector < maxSector {
			add(sector)
		}
	}
	next := u32(68)
	// Each DIFAT sector names per-1 sectors of the FAT, so that more of them
	// than the file needs can only be a circle.
	for steps := 0; next < maxSector && at < count; steps++ {
		list := c.at(next)
		if len(list) < c.sector || steps > count/per+1 {
			c.notes.add("outlook.repair_chain", "DIFAT")
			return
		}
		w := words(list)
		for _, sector := range w[:per-1] {
			if sector < maxSector {
				add(sector)
			}
		}
		next = w[per-1]
	}
}

// at returns a sector, or what is there of it.
func (c *compound) at(sector uint32) []byte {
	from := (int64(sector) + 1) * int64(c.sector)
	if from >= int64(len(c.b)) {
		return nil
	}
	return c.b[from:min(from+int64(c.sector), int64(len(c.b)))]
}

type span struct{ from, to int }

// chain returns up to size bytes of the chain of sectors from start. When
// exact, a chain that is shorter is a repair; one in a circle always is.
func (c *compound) chain(start uint32, size int64, where string, exact bool) []byte {
	return c.follow(c.b, c.fat, c.stamps, c.sector, c.sector, start, size, where, exact)
}

// follow is chain for any table: unit is the size of what table counts, first
// the offset of unit zero in space.
func (c *compound) follow(space []byte, table, stamps []uint32, unit, first int, start uint32, size int64, where string, exact bool) []byte {
	c.stamp++
	var spans []span
	var got int64
	next := start
	for got < size && next < maxSector {
		if int64(next) >= int64(len(table)) {
			break
		}
		if stamps[next] == c.stamp {
			c.notes.add("outlook.repair_chain", where)
			exact = false
			break
		}
		stamps[next] = c.stamp
		from := first + int(next)*unit
		to := min(from+unit, len(space))
		if from >= to {
			break
		}
		if n := len(spans); n > 0 && spans[n-1].to == from {
			spans[n-1].to = to
		} else {
			spans = append(spans, span{from, to})
		}
		got += int64(to - from)
		next = table[next]
	}
	if exact && got < size {
		c.notes.add("outlook.repair_truncated", where)
	}
	got = min(got, size)
	switch len(spans) {
	case 0:
		return nil
	case 1:
		// One piece needs no copy, which is nearly always so.
		from := spans[0].from
		return space[from : from+int(got) : from+int(got)]
	}
	out := make([]byte, 0, got)
	for _, s := range spans {
		out = append(out, space[s.from:min(s.to, s.from+int(got)-len(out))]...)
	}
	return out
}

// entry reads a directory entry.
func (c *compound) entry(id uint32) entry {
	b := c.dir[int(id)*entrySize:][:entrySize]
	e := entry{
		id:    id,
		kind:  b[66],
		left:  binary.LittleEndian.Uint32(b[68:]),
		right: binary.LittleEndian.Uint32(b[72:]),
		child: binary.LittleEndian.Uint32(b[76:]),
		start: binary.LittleEndian.Uint32(b[116:]),
		size:  int64(binary.LittleEndian.Uint32(b[120:])),
	}
	copy(e.class[:], b[80:96])
	// In version 3 the upper half of the size may be anything (section 2.6.1).
	if c.v4 {
		e.size |= int64(binary.LittleEndian.Uint32(b[124:])&0x7FFFFFFF) << 32
	}
	n := int(binary.LittleEndian.Uint16(b[64:]))/2 - 1
	if n < 0 || n > 31 {
		n = 31
	}
	name := make([]uint16, 0, 31)
	for i := range n {
		u := binary.LittleEndian.Uint16(b[2*i:])
		if u == 0 {
			break
		}
		name = append(name, u)
	}
	e.name = string(utf16.Decode(name))
	return e
}

// list returns what a storage contains. An entry is in the first storage that
// names it only, so that no storage can contain itself.
func (c *compound) list(storage entry) []entry {
	var all []entry
	stack := []uint32{storage.child}
	for len(stack) > 0 {
		id := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if id == noEntry {
			continue
		}
		if int64(id) >= int64(len(c.used)) || c.used[id] {
			c.notes.add("outlook.repair_tree", storage.name)
			continue
		}
		c.used[id] = true
		e := c.entry(id)
		stack = append(stack, e.right, e.left)
		if e.kind == typeStream || e.kind == typeStorage {
			all = append(all, e)
		}
	}
	return all
}

// read returns the bytes of a stream, which count.
func (c *compound) read(e entry) []byte {
	if e.kind != typeStream || e.size == 0 {
		return nil
	}
	// A forged size costs nothing: what counts is what the chain holds, and
	// that is bounded by the file.
	size := min(e.size, c.s.left+1)
	var b []byte
	if e.size < miniCutoff {
		b = c.follow(c.mini, c.miniFAT, c.miniStamps, miniSize, 0, e.start, size, e.name, e.size == size)
	} else {
		b = c.chain(e.start, size, e.name, e.size == size)
	}
	if !c.s.spend(len(b)) {
		return nil
	}
	return b
}
