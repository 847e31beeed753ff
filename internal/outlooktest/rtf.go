// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlooktest

import (
	"encoding/binary"
)

const dictionary = `{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern \fscript \fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0\green0\blue0` +
	"\r\n" + `\par \pard\plain\f0\fs20\b\i\u\tab\tx`

// CompressRTF writes a value of PR_RTF_COMPRESSED (MS-OXRTFCP, section 2.2.3).
func CompressRTF(rtf []byte) []byte {
	// The text with the dictionary before it; place p is at p%4096 of the window.
	text := append([]byte(dictionary), rtf...)
	last := map[[2]byte][]int{}
	remember := func(p int) {
		if p+1 < len(text) {
			k := [2]byte{text[p], text[p+1]}
			list := append(last[k], p)
			if len(list) > 32 {
				list = list[1:]
			}
			last[k] = list
		}
	}
	for p := range len(dictionary) {
		remember(p)
	}
	var body, round []byte
	control, bits := byte(0), 0
	flush := func() {
		body = append(append(body, control), round...)
		control, bits, round = 0, 0, nil
	}
	put := func(token ...byte) {
		if len(token) == 2 {
			control |= 1 << bits
		}
		round = append(round, token...)
		if bits++; bits == 8 {
			flush()
		}
	}
	for p := len(dictionary); p < len(text); {
		from, length := 0, 0
		if p+1 < len(text) {
			for _, q := range last[[2]byte{text[p], text[p+1]}] {
				if p-q >= 4096-17 {
					continue
				}
				n := 0
				for n < 17 && p+n < len(text) && text[q+n] == text[p+n] {
					n++
				}
				if n > length && q%4096 != p%4096 {
					from, length = q, n
				}
			}
		}
		if length < 2 {
			put(text[p])
			remember(p)
			p++
			continue
		}
		ref := from%4096<<4 | (length - 2)
		put(byte(ref>>8), byte(ref))
		for range length {
			remember(p)
			p++
		}
	}
	end := len(text) % 4096 << 4
	put(byte(end>>8), byte(end))
	if bits > 0 {
		flush()
	}
	return rtfHeader(0x75465A4C, len(rtf), body, sum(body))
}

// StoreRTF writes a value of PR_RTF_COMPRESSED that is not compressed.
func StoreRTF(rtf []byte) []byte { return rtfHeader(0x414C454D, len(rtf), rtf, 0) }

func rtfHeader(kind uint32, raw int, body []byte, crc uint32) []byte {
	var b []byte
	for _, v := range []uint32{uint32(len(body) + 12), uint32(raw), kind, crc} {
		b = binary.LittleEndian.AppendUint32(b, v)
	}
	return append(b, body...)
}

// sum is the checksum of MS-OXRTFCP, section 2.1.3.2, bit by bit.
func sum(b []byte) uint32 {
	crc := uint32(0)
	for _, c := range b {
		crc ^= uint32(c)
		for range 8 {
			if crc&1 != 0 {
				crc = crc>>1 ^ 0xEDB88320
			} else {
				crc >>= 1
			}
		}
	}
	return crc
}
