// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"encoding/binary"
	"testing"
	"time"
)

// plain7z is an archive with the header, which is not compressed, behind packed
// streams.
func plain7z(packed, header []byte) []byte {
	b := make([]byte, 32, 32+len(packed)+len(header))
	copy(b, "7z\xbc\xaf\x27\x1c\x00\x04")
	binary.LittleEndian.PutUint64(b[12:], uint64(len(packed)))
	binary.LittleEndian.PutUint64(b[20:], uint64(len(header)))
	return append(append(b, packed...), header...)
}

// FuzzSevenZip reads headers: they take no long time, and give either names or
// the word that nothing was looked at, or they are empty.
func FuzzSevenZip(f *testing.F) {
	f.Add([]byte{}, []byte("\x01\x05\x01\x11\x0b\x00a\x00.\x00e\x00x\x00e\x00\x00\x00\x00"))
	f.Add([]byte("\x00\x21"), []byte("\x17\x06\x00\x01\x09\x02\x00\x07\x0b\x01\x00\x01\x23\x03\x01\x01\x05\x5d\x00\x10\x00\x00\x0c\x20\x00\x00"))
	f.Add([]byte("\x01\x00"), []byte("\x17\x06\x00\x01\x09\x02\x00\x07\x0b\x01\x00\x01\x01\x00\x0c\x02\x00\x00"))
	f.Add([]byte{}, []byte("\x01\x04\x06\x00\x01\x09\x02\x00\x07\x0b\x01\x00\x02\x11\x00\x01\x01\x21\x21\x01\x18\x00\x00\x0c\x02\x02\x0a\x01abcd\x00\x08\x0d\x03\x09\x01\x01\x0a\x01abcdefghijkl\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, packed, header []byte) {
		v := &view{cut: map[string]bool{}}
		file := &file{}
		start := time.Now()
		v.read7z(file, plain7z(packed, header))
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%d and %d bytes took %v", len(packed), len(header), took)
		}
		if len(file.Names) > maxNames || v.headers7z > maxHeaders7z {
			t.Errorf("%d names, %d bytes unpacked", len(file.Names), v.headers7z)
		}
		if kind := (&reader7z{b: header}).number(); len(header) > 0 && kind != header7z && len(file.Names) == 0 && !file.has("closed") && v.headers7z == 0 {
			t.Errorf("a header of kind %x was read", kind)
		}
	})
}
