// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"encoding/binary"
	"errors"
	"unicode/utf16"
)

const (
	maxHeader7z  = 512 << 10 // bytes of a header, unpacked: the names of some 5,000 files
	maxHeaders7z = 2 << 20   // of those in one mail
)

// Numbers of properties of a 7z header (7zFormat.txt of the 7-Zip project).
const (
	end7z           = 0x00
	header7z        = 0x01
	properties7z    = 0x02
	moreStreams7z   = 0x03
	mainStreams7z   = 0x04
	files7z         = 0x05
	packed7z        = 0x06
	coders7z        = 0x07
	parts7z         = 0x08
	sizes7z         = 0x09
	checksums7z     = 0x0a
	folders7z       = 0x0b
	unpackedSizes7z = 0x0c
	partCounts7z    = 0x0d
	names7z         = 0x11
	encoded7z       = 0x17
)

// Identifiers of coders.
const (
	lzma7z = "\x03\x01\x01"
	aes7z  = "\x06\xf1\x07\x01"
)

var (
	err7z    = errors.New("mailcheck: a damaged 7z archive")
	errPlain = errors.New("mailcheck: unpacking of this kind is not known")
)

// read7z reads the names of a 7z archive, and whether anything in it is
// encrypted. Its header is compressed as a rule, and says where it lies.
func (v *view) read7z(f *file, data []byte) {
	if len(data) < 32 {
		return
	}
	at, size := binary.LittleEndian.Uint64(data[12:]), binary.LittleEndian.Uint64(data[20:])
	if at > uint64(len(data)-32) || size > uint64(len(data)-32)-at {
		return
	}
	if size > maxHeader7z {
		f.mark("closed", f.Name)
		return
	}
	h := &reader7z{b: data[32+at : 32+at+size]}
	for range 3 { // a header in a header is lawful
		kind := h.number()
		if kind == header7z && h.err == nil {
			h.header(f)
			f.Encrypted = f.Encrypted || h.encrypted
			if h.err != nil {
				break // there may be more
			}
			return
		}
		if kind != encoded7z {
			break
		}
		s := h.streams()
		f.Encrypted = f.Encrypted || h.encrypted
		next, err := h.unpack(data[32:], s, maxHeaders7z-v.headers7z)
		if err != nil {
			break
		}
		v.headers7z += len(next)
		h = &reader7z{b: next, encrypted: h.encrypted}
	}
	f.mark("closed", f.Name)
}

// reader7z reads a header from its beginning; once something does not fit, err
// is set and everything is 0.
type reader7z struct {
	b         []byte
	err       error
	encrypted bool
}

func (h *reader7z) take(n uint64) []byte {
	if h.err != nil || n > uint64(len(h.b)) {
		h.err = err7z
		return nil
	}
	part := h.b[:n]
	h.b = h.b[n:]
	return part
}

func (h *reader7z) byte() byte {
	if b := h.take(1); b != nil {
		return b[0]
	}
	return 0
}

// number reads a number: the ones at the beginning of the first byte count the
// bytes behind it.
func (h *reader7z) number() (n uint64) {
	first := h.byte()
	for i, mask := 0, byte(0x80); i < 8; i, mask = i+1, mask>>1 {
		if first&mask == 0 {
			return n | uint64(first&(mask-1))<<(8*i)
		}
		n |= uint64(h.byte()) << (8 * i)
	}
	return n
}

// count reads a number of things of which each takes a byte at least.
func (h *reader7z) count() uint64 {
	n := h.number()
	if n > uint64(len(h.b)) {
		h.err = err7z
		return 0
	}
	return n
}

// folder is what is packed together.
type folder7z struct {
	coder      string // of its only coder, "" for several
	properties []byte
	outputs    uint64
	unpacked   uint64 // size of the last output
	checksum   bool
}

// streams7z are the streams that a header speaks of.
type streams7z struct {
	at      uint64   // of the first
	sizes   []uint64 // packed
	folders []folder7z
}

func (h *reader7z) streams() (s streams7z) {
	for h.err == nil {
		switch h.number() {
		case end7z:
			return s
		case packed7z:
			s.at = h.number()
			n := h.count()
			for kind := h.number(); kind != end7z && h.err == nil; kind = h.number() {
				switch kind {
				case sizes7z:
					for range n {
						s.sizes = append(s.sizes, h.number())
					}
				case checksums7z:
					h.checksums(n)
				default:
					h.err = err7z
				}
			}
		case coders7z:
			h.coders(&s)
		case parts7z:
			h.parts(&s)
		default:
			h.err = err7z
		}
	}
	return s
}

func (h *reader7z) coders(s *streams7z) {
	if h.number() != folders7z {
		h.err = err7z
	}
	n := h.count()
	if h.byte() != 0 { // the folders are elsewhere: nobody writes this
		h.err = err7z
	}
	for range n {
		if h.err != nil {
			return
		}
		s.folders = append(s.folders, h.folder())
	}
	if h.number() != unpackedSizes7z {
		h.err = err7z
	}
	for i := range s.folders {
		for range s.folders[i].outputs {
			if h.err != nil {
				return
			}
			s.folders[i].unpacked = h.number()
		}
	}
	for kind := h.number(); kind != end7z && h.err == nil; kind = h.number() {
		if kind != checksums7z {
			h.err = err7z
			return
		}
		for i, is := range h.checksums(uint64(len(s.folders))) {
			s.folders[i].checksum = is
		}
	}
}

func (h *reader7z) folder() (f folder7z) {
	coders := h.count()
	inputs := uint64(0)
	for range coders {
		flags := h.byte()
		id := string(h.take(uint64(flags & 0x0f)))
		in, out := uint64(1), uint64(1)
		if flags&0x10 != 0 {
			in, out = h.count(), h.count()
		}
		var properties []byte
		if flags&0x20 != 0 {
			properties = h.take(h.number())
		}
		if h.err != nil {
			return f
		}
		inputs, f.outputs = inputs+in, f.outputs+out
		h.encrypted = h.encrypted || id == aes7z
		if coders == 1 {
			f.coder, f.properties = id, properties
		}
	}
	if f.outputs == 0 || inputs+1 < f.outputs {
		h.err = err7z
		return f
	}
	pairs := f.outputs - 1
	packed := inputs - pairs
	if packed == 1 {
		packed = 0 // then it is not said which
	}
	for range 2*pairs + packed {
		if h.err != nil {
			return f
		}
		h.number()
	}
	return f
}

// checksums skips the CRCs of n things, and says which have one.
func (h *reader7z) checksums(n uint64) []bool {
	if n > 8*uint64(len(h.b)) {
		h.err = err7z
		return nil
	}
	which := make([]bool, n)
	all := h.byte() != 0
	var bits []byte
	if !all {
		bits = h.take((n + 7) / 8)
	}
	count := uint64(0)
	for i := range which {
		if which[i] = all || h.err == nil && bits[i/8]&(0x80>>(i%8)) != 0; which[i] {
			count++
		}
	}
	h.take(4 * count)
	return which
}

// parts skips what says how the folders are divided into files.
func (h *reader7z) parts(s *streams7z) {
	counts := make([]uint64, len(s.folders))
	for i := range counts {
		counts[i] = 1
	}
	kind := h.number()
	if kind == partCounts7z {
		for i := range counts {
			counts[i] = h.number()
		}
		kind = h.number()
	}
	for ; kind != end7z && h.err == nil; kind = h.number() {
		switch kind {
		case sizes7z:
			for _, n := range counts {
				for i := uint64(1); i < n && h.err == nil; i++ { // the last one's follows from the folder's
					h.number()
				}
			}
		case checksums7z:
			unknown := uint64(0)
			for i, n := range counts {
				if n != 1 || !s.folders[i].checksum {
					unknown += min(n, 1<<40)
				}
			}
			h.checksums(unknown)
		default:
			h.err = err7z
		}
	}
}

// unpack returns the header that lies compressed in the archive, if it has at
// most most bytes.
func (h *reader7z) unpack(archive []byte, s streams7z, most int) ([]byte, error) {
	if h.err != nil || len(s.folders) != 1 || len(s.sizes) != 1 || s.at > uint64(len(archive)) || s.sizes[0] > uint64(len(archive))-s.at {
		return nil, err7z
	}
	f := s.folders[0]
	if f.unpacked > uint64(min(most, maxHeader7z)) {
		return nil, err7z
	}
	packed := archive[s.at : s.at+s.sizes[0]]
	switch f.coder {
	case "\x00": // stored
		if uint64(len(packed)) != f.unpacked {
			return nil, err7z
		}
		return packed, nil
	case lzma7z:
		return unpackLZMA(f.properties, packed, int(f.unpacked))
	}
	return nil, errPlain
}

// header reads the names of the files.
func (h *reader7z) header(f *file) {
	for h.err == nil {
		switch h.number() {
		case properties7z:
			for kind := h.number(); kind != end7z && h.err == nil; kind = h.number() {
				h.take(h.number())
			}
		case moreStreams7z, mainStreams7z:
			h.streams()
		case files7z:
			h.number() // how many
			for kind := h.number(); kind != end7z && h.err == nil; kind = h.number() {
				property := h.take(h.number())
				if kind == names7z && len(property) > 0 && property[0] == 0 {
					names(f, property[1:])
				}
			}
			return
		default:
			return
		}
	}
}

// names adds names in UTF-16, each with a zero behind it.
func names(f *file, b []byte) {
	var name []uint16
	for n := 0; len(b) >= 2 && n < maxEntries; b = b[2:] {
		switch c := binary.LittleEndian.Uint16(b); {
		case c == 0:
			f.add(string(utf16.Decode(name)))
			name = name[:0]
			n++
		case len(name) < 1024:
			name = append(name, c)
		}
	}
}
