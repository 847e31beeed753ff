// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck_test

import (
	"encoding/binary"
	"runtime"
	"slices"
	"testing"
	"time"

	"teiten/internal/mailcheck"
)

// Archives of the real program as it makes them when nobody tells it otherwise:
// the header of all but the smallest is compressed.
func TestSevenZip(t *testing.T) {
	for name, options := range map[string][]string{
		"by default": nil, "not solid": {"-ms=off"}, "stored": {"-mx=0", "-mhc=on"}, "ultra": {"-mx=9"}, "encrypted": {"-psecret"}, "with times": {"-mtc=on", "-mta=on"},
	} {
		for _, n := range []int{1, 2, 60, 99} {
			names := manyNames(n)
			f, a := enclosed7z(t, sevenZip(t, names, options...))
			if got, want := slices.Sorted(slices.Values(f.Names)), slices.Sorted(slices.Values(names)); !slices.Equal(got, want) {
				t.Errorf("%s: of %d names %d are read: %q", name, len(want), len(got), got)
			}
			if f.Encrypted != (name == "encrypted") || (name != "encrypted") != (len(a.Incomplete) == 0) {
				t.Errorf("%s: encrypted: %v; not looked at: %v", name, f.Encrypted, a.Incomplete)
			}
			if !slices.ContainsFunc(a.Findings, func(f mailcheck.Finding) bool { return f.Rule == "file.archive_program" }) {
				t.Errorf("%s: the program in it is not noticed", name)
			}
		}
	}
}

// An archive that is damaged, at any place of its header, or that asks for much
// memory, ends soon.
func TestSevenZipDamaged(t *testing.T) {
	whole := sevenZip(t, manyNames(60))
	at := 32 + int(binary.LittleEndian.Uint64(whole[12:]))
	read := 0
	for i := at - 200; i < len(whole); i++ {
		for _, b := range []byte{0x00, 0xff, whole[i] ^ 0x40} {
			bad := slices.Clone(whole)
			bad[i] = b
			start := time.Now()
			f, a := enclosed7z(t, bad)
			if took := time.Since(start); took > 2*time.Second {
				t.Fatalf("byte %d as %02x takes %v", i, b, took)
			}
			if len(f.Names) > 0 {
				read++
			} else if len(a.Incomplete) == 0 {
				t.Fatalf("byte %d as %02x: nothing is read, and nothing is said of it", i, b)
			}
		}
	}
	t.Logf("of %d damaged archives %d still give names", 3*(len(whole)-at+200), read)
}

// A header that is only stored is no larger than it says, however much lies in
// the archive: each folder that it lists takes memory.
func TestSevenZipStoredHeader(t *testing.T) {
	number := func(b []byte, n int) []byte { return binary.LittleEndian.AppendUint64(append(b, 0xff), uint64(n)) }
	const folders = 2 << 20
	inner := append(number([]byte{0x01, 0x04, 0x07, 0x0b}, folders), 0x00)
	for range folders {
		inner = append(inner, 0x01, 0x01, 0x00) // one coder, which stores
	}
	for _, claimed := range []int{10, len(inner)} {
		head := number([]byte{0x17, 0x06, 0x00, 0x01, 0x09}, len(inner))
		head = append(head, 0x00, 0x07, 0x0b, 0x01, 0x00, 0x01, 0x01, 0x00, 0x0c)
		head = append(number(head, claimed), 0x00, 0x00)
		archive := append([]byte("7z\xbc\xaf\x27\x1c\x00\x04"), make([]byte, 4)...)
		archive = binary.LittleEndian.AppendUint64(archive, uint64(len(inner)))
		archive = binary.LittleEndian.AppendUint64(archive, uint64(len(head)))
		archive = append(append(append(archive, make([]byte, 4)...), inner...), head...)

		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, a := enclosed7z(t, archive)
		runtime.ReadMemStats(&after)
		if len(a.Incomplete) == 0 {
			t.Errorf("claimed %d: nothing is said of it", claimed)
		}
		if mb := (after.TotalAlloc - before.TotalAlloc) >> 20; mb > 300 {
			t.Errorf("claimed %d: it took %d MB", claimed, mb)
		} else {
			t.Logf("claimed %d: %d MB", claimed, mb)
		}
	}
}
