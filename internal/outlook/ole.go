// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"bytes"
	"encoding/binary"
	"strings"
)

// deepestOLE bounds the storages inside each other of an embedded object.
const deepestOLE = 32

// export takes a storage, which was listed, out of the file.
func (c *compound) export(e entry, children []entry, depth int) *Storage {
	out := &Storage{Name: e.name, Class: e.class}
	for _, child := range children {
		if child.kind == typeStorage {
			if depth == deepestOLE {
				c.notes.add("outlook.repair_tree", e.name)
				continue
			}
			out.Storages = append(out.Storages, c.export(child, c.list(child), depth+1))
			continue
		}
		out.Streams = append(out.Streams, Stream{child.name, c.read(child)})
	}
	return out
}

// unpackOLE returns the file inside an embedded object, or else the object as
// a compound file of its own.
func unpackOLE(a *Attachment, object *Storage, b *bag) []byte {
	if data := innerFile(a, object, b); data != nil {
		return data
	}
	out := object.Encode()
	if !b.s.spend(len(out)) {
		return nil
	}
	return out
}

// innerFile returns what the packager packed, or the contents that a program
// keeps as a file of their own; nil if there is no such thing.
func innerFile(a *Attachment, object *Storage, b *bag) []byte {
	for _, s := range object.Streams {
		switch s.Name {
		case "\x01Ole10Native":
			if name, data, ok := packed(s.Data, b); ok {
				if name != "" {
					a.Name = name
				}
				return data
			}
		case "Package", "CONTENTS":
			if len(object.Storages) == 0 && len(s.Data) > 0 {
				return s.Data
			}
		}
	}
	return nil
}

// packed reads what the packager wrote: size, 2, the file's label and path,
// eight bytes and the path again, all ended by NUL or counted, then the file.
func packed(raw []byte, b *bag) (name string, data []byte, ok bool) {
	if len(raw) < 6 || binary.LittleEndian.Uint16(raw[4:]) != 2 {
		return "", nil, false
	}
	label, rest, ok := bytes.Cut(raw[6:], []byte{0})
	if !ok {
		return "", nil, false
	}
	if _, rest, ok = bytes.Cut(rest, []byte{0}); !ok || len(rest) < 8 {
		return "", nil, false
	}
	n := int64(binary.LittleEndian.Uint32(rest[4:]))
	rest = rest[8:]
	if n > int64(len(rest)) || int64(len(rest))-n < 4 {
		return "", nil, false
	}
	rest = rest[n:]
	size := int64(binary.LittleEndian.Uint32(rest))
	rest = rest[4:]
	if size > int64(len(rest)) {
		b.notes.add("outlook.repair_truncated", b.where)
		size = int64(len(rest))
	}
	name, _ = b.decode(label, b.page)
	if i := strings.LastIndexAny(name, `\/`); i >= 0 {
		name = name[i+1:]
	}
	return name, rest[:size:size], true
}
