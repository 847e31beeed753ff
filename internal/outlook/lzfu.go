// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"encoding/binary"
	"hash/crc32"

	"teiten/internal/fault"
)

// lzfuDictionary is what every compressed RTF knows before it begins
// (MS-OXRTFCP, section 2.1.2.1).
const lzfuDictionary = `{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0` +
	"\r\n" + `\par \pard\plain\f0\fs20\b\i\u\tab\tx`

const (
	lzfuMagic  = 0x75465A4C // "LZFu"
	plainMagic = 0x414C454D // "MELA"
	lzfuWindow = 4096
)

// DecompressRTF returns the RTF in the value of PR_RTF_COMPRESSED (MS-OXRTFCP)
// with what was wrong with it. Only Bytes of the limits matters.
func DecompressRTF(b []byte, limits Limits) ([]byte, []Repair, error) {
	s, n := newSession(limits), &notes{}
	if len(b) < 16 {
		return nil, nil, fault.New(fault.Invalid, "outlook.not_rtf")
	}
	if m := binary.LittleEndian.Uint32(b[8:]); m != lzfuMagic && m != plainMagic {
		return nil, nil, fault.New(fault.Invalid, "outlook.not_rtf")
	}
	out := decompress(b, s, n)
	if s.err != nil {
		return nil, nil, s.err
	}
	return out, n.list, nil
}

func decompress(b []byte, s *session, n *notes) []byte {
	const where = "RTF"
	if len(b) < 16 {
		n.add("outlook.repair_rtf", where)
		return nil
	}
	size := int64(binary.LittleEndian.Uint32(b)) - 12 // it counts the rest of the header
	raw := int64(binary.LittleEndian.Uint32(b[4:]))
	sum := binary.LittleEndian.Uint32(b[12:])
	body := b[16:]
	switch binary.LittleEndian.Uint32(b[8:]) {
	case plainMagic:
		if raw > int64(len(body)) {
			n.add("outlook.repair_truncated", where)
		}
		body = body[:min(raw, int64(len(body)))]
		if !s.spend(len(body)) {
			return nil
		}
		return body
	case lzfuMagic:
	default:
		n.add("outlook.repair_rtf", where)
		return nil
	}
	if size < 0 || size > int64(len(body)) {
		n.add("outlook.repair_truncated", where)
	} else {
		body = body[:size]
		// The sum begins with zero and is not inverted (MS-OXRTFCP, 2.1.3.2).
		if ^crc32.Update(0xFFFFFFFF, crc32.IEEETable, body) != sum {
			n.add("outlook.repair_crc", where)
		}
	}
	out, whole := inflate(body, s)
	if !s.spend(len(out)) {
		return nil
	}
	if !whole || int64(len(out)) != raw {
		n.add("outlook.repair_rtf_size", where)
	}
	return out
}

// inflate undoes LZFu. whole reports that the end was marked.
func inflate(b []byte, s *session) (out []byte, whole bool) {
	var window [lzfuWindow]byte
	at := copy(window[:], lzfuDictionary)
	put := func(c byte) {
		window[at] = c
		at = (at + 1) % lzfuWindow
		out = append(out, c)
	}
	for len(b) > 0 {
		control := b[0]
		b = b[1:]
		// A round produces 136 bytes at most, so that checking here is enough.
		if int64(len(out)) > s.left {
			return out, false
		}
		for bit := range 8 {
			if control>>bit&1 == 0 {
				if len(b) == 0 {
					return out, false
				}
				put(b[0])
				b = b[1:]
				continue
			}
			if len(b) < 2 {
				return out, false
			}
			ref := int(b[0])<<8 | int(b[1])
			b = b[2:]
			from, length := ref>>4, ref&15+2
			if from == at {
				return out, true
			}
			for range length {
				put(window[from])
				from = (from + 1) % lzfuWindow
			}
		}
	}
	return out, false
}
