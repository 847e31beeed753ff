// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"teiten/internal/charset"
	"teiten/internal/indicator"
)

const (
	maxNames    = 100     // of an archive, that are kept
	maxEntries  = 5_000   // of an archive, that are looked at
	maxRelation = 1 << 20 // bytes of a part of an Office file
)

func (f *file) add(name string) {
	if len(f.Names) < maxNames {
		f.Names = append(f.Names, clip(name))
	}
}

// zipEntry is a line of the central directory (APPNOTE 6.3.10, section 4.3.12).
type zipEntry struct {
	name       string
	method     uint16
	compressed int
	offset     int
	encrypted  bool
}

// zipEntries reads the central directory, entry by entry; what does not fit ends
// it. A forged number of entries costs nothing.
func zipEntries(b []byte) (all []zipEntry, cut bool) {
	const end = "PK\x05\x06"
	tail := b[max(0, len(b)-66_000):]
	i := bytes.LastIndex(tail, []byte(end))
	if i < 0 || len(tail) < i+22 {
		return zipLocal(b)
	}
	at := int(binary.LittleEndian.Uint32(tail[i+16:]))
	size := int(binary.LittleEndian.Uint32(tail[i+12:]))
	if here := len(b) - len(tail) + i - size; at < 0 || at > len(b) || !bytes.HasPrefix(b[at:], []byte("PK\x01\x02")) {
		at = max(0, here) // something stands in front of the archive
	}
	for at+46 <= len(b) && string(b[at:at+4]) == "PK\x01\x02" {
		if len(all) == maxEntries {
			return all, true
		}
		h := b[at:]
		n, extra, comment := int(binary.LittleEndian.Uint16(h[28:])), int(binary.LittleEndian.Uint16(h[30:])), int(binary.LittleEndian.Uint16(h[32:]))
		if len(h) < 46+n {
			break
		}
		flags := binary.LittleEndian.Uint16(h[8:])
		all = append(all, zipEntry{zipName(h[46:46+n], flags), binary.LittleEndian.Uint16(h[10:]),
			int(binary.LittleEndian.Uint32(h[20:])), int(binary.LittleEndian.Uint32(h[42:])), flags&1 != 0})
		at += 46 + n + extra + comment
	}
	if len(all) == 0 {
		return zipLocal(b)
	}
	return all, false
}

// zipLocal reads the local headers of an archive whose directory is missing.
func zipLocal(b []byte) (all []zipEntry, cut bool) {
	for at := 0; len(all) < maxEntries; {
		i := bytes.Index(b[at:], []byte("PK\x03\x04"))
		if i < 0 || at+i+30 > len(b) {
			return all, false
		}
		h := b[at+i:]
		n := int(binary.LittleEndian.Uint16(h[26:]))
		if len(h) < 30+n {
			return all, false
		}
		flags := binary.LittleEndian.Uint16(h[6:])
		all = append(all, zipEntry{zipName(h[30:30+n], flags), binary.LittleEndian.Uint16(h[8:]), int(binary.LittleEndian.Uint32(h[18:])), at + i, flags&1 != 0})
		at += i + 30 + n
	}
	return all, true
}

// zipName reads a name: UTF-8 if the flag says so or the bytes are, else in what
// Japanese Windows writes.
func zipName(b []byte, flags uint16) string {
	if flags&0x800 != 0 || utf8.Valid(b) {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return charset.Decode(b, "Shift_JIS").Text
}

// content inflates an entry, as far as limit.
func (e *zipEntry) content(b []byte, limit int64) []byte {
	if e.encrypted || e.offset < 0 || e.offset+30 > len(b) || string(b[e.offset:e.offset+4]) != "PK\x03\x04" {
		return nil
	}
	h := b[e.offset:]
	start := 30 + int(binary.LittleEndian.Uint16(h[26:])) + int(binary.LittleEndian.Uint16(h[28:]))
	if start > len(h) {
		return nil
	}
	data := h[start:]
	if e.compressed > 0 && e.compressed < len(data) {
		data = data[:e.compressed]
	}
	switch e.method {
	case 0:
		return data[:min(int64(len(data)), limit)]
	case 8:
		out, _ := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(data)), limit)) // what could be inflated counts
		return out
	}
	return nil
}

// readZip lists a zip; of Office files it looks for macros, and for templates
// and objects that come from elsewhere (ECMA-376, part 2, section 6.5).
func (v *view) readZip(f *file, data []byte) {
	entries, cut := zipEntries(data)
	if cut {
		v.cut["mailcheck.cut.file"] = true
	}
	office := false
	budget := int64(4 * maxRelation)
	for i := range entries {
		e := &entries[i]
		f.Encrypted = f.Encrypted || e.encrypted
		lower := strings.ToLower(strings.ReplaceAll(e.name, `\`, "/"))
		if lower == "[content_types].xml" {
			office = true
		}
		switch {
		case strings.HasSuffix(lower, "vbaproject.bin"), strings.Contains(lower, "macrosheets/"):
			f.mark("macro", f.Name)
		case strings.HasSuffix(lower, ".rels") && budget > 0:
			content := e.content(data, min(maxRelation, budget))
			budget -= int64(len(content))
			v.relations(f, string(content))
		}
	}
	if office {
		f.kind = "ooxml"
		return
	}
	for i := range entries {
		if !strings.HasSuffix(entries[i].name, "/") {
			f.add(entries[i].name)
		}
	}
	if f.ext == "jar" || f.ext == "apk" || f.ext == "xpi" {
		f.Names = nil
	}
}

// relations reads the relationships of a part of an Office file.
func (v *view) relations(f *file, s string) {
	for i, rel := range strings.SplitN(s, "<Relationship ", 1001) {
		if i == 0 || !strings.Contains(rel, `TargetMode="External"`) {
			continue
		}
		_, after, ok := strings.Cut(rel, `Target="`)
		if !ok {
			continue
		}
		target, _, _ := strings.Cut(after, `"`)
		target = strings.ReplaceAll(target, "&amp;", "&")
		for _, kind := range []string{"attachedTemplate", "oleObject", "/frame", "subDocument", "externalLink\""} {
			if strings.Contains(rel, kind) && strings.Contains(target, "://") {
				f.mark("template", target)
			}
		}
		if val, u, ok := normal(target); ok && (u.Scheme == "http" || u.Scheme == "https") {
			v.addAddress(val.Value, "", Place{Where: "file", Path: f.Path, Text: clip(target)}, "file", 0)
		}
	}
}

// readOLE looks at the directory of a compound file (MS-CFB, section 2.6): its
// entries are 128 bytes, aligned, with the name in UTF-16 and its length at 64.
func readOLE(f *file, data []byte) {
	for at := 512; at+128 <= len(data); at += 128 {
		n := int(binary.LittleEndian.Uint16(data[at+64:]))
		if n < 4 || n > 64 || n%2 != 0 || data[at] == 0 && data[at+1] == 0 || data[at+n-1] != 0 || data[at+n-2] != 0 || data[at+66] == 0 || data[at+66] > 5 {
			continue
		}
		u := make([]uint16, n/2-1)
		for i := range u {
			u[i] = binary.LittleEndian.Uint16(data[at+2*i:])
		}
		switch name := string(utf16.Decode(u)); name {
		case "_VBA_PROJECT", "VBA", "_VBA_PROJECT_CUR", "Macros":
			if !f.has("macro") {
				f.mark("macro", f.Name)
			}
		case "EncryptedPackage":
			f.Encrypted = true
		case "\x01Ole10Native", "Ole10Native":
			f.mark("object", f.Name)
		}
	}
}

// readRAR reads the names of RAR 4 and 5 archives.
func readRAR(f *file, data []byte) {
	if bytes.HasPrefix(data, []byte("Rar!\x1a\x07\x01\x00")) {
		readRAR5(f, data[8:])
		return
	}
	for at, n := 7, 0; at+7 <= len(data) && n < maxEntries; n++ {
		h := data[at:]
		kind, flags, size := h[2], binary.LittleEndian.Uint16(h[3:]), int(binary.LittleEndian.Uint16(h[5:]))
		if size < 7 || size > len(h) {
			return
		}
		packed := 0
		switch {
		case kind == 0x73 && flags&0x80 != 0:
			f.Encrypted = true
			f.mark("closed", f.Name)
			return
		case kind == 0x74 && size >= 32:
			packed = int(binary.LittleEndian.Uint32(h[7:]))
			f.Encrypted = f.Encrypted || flags&4 != 0
			from := 32
			if flags&0x100 != 0 {
				from = 40
			}
			if l := int(binary.LittleEndian.Uint16(h[26:])); from+l <= size {
				name, _, _ := bytes.Cut(h[from:from+l], []byte{0}) // behind the zero the same in another form
				f.add(zipName(name, 0))
			}
		case flags&0x8000 != 0 && size >= 11:
			packed = int(binary.LittleEndian.Uint32(h[7:]))
		}
		if kind == 0x7b || packed < 0 {
			return
		}
		at += size + packed
	}
}

// readRAR5 reads the blocks of RAR 5: checksum, size, type, flags and fields, the
// numbers in groups of seven bits.
func readRAR5(f *file, b []byte) {
	for n := 0; len(b) > 7 && n < maxEntries; n++ {
		rest := b[4:]
		size, rest, ok := vint(rest)
		if !ok || size == 0 || size > uint64(len(rest)) {
			return
		}
		h, after := rest[:size], rest[size:]
		kind, h, _ := vint(h)
		flags, h, ok := vint(h)
		var extra, packed uint64
		if flags&1 != 0 {
			extra, h, ok = vint(h)
		}
		if flags&2 != 0 {
			packed, h, ok = vint(h)
		}
		if !ok || packed > uint64(len(after)) {
			packed = uint64(len(after))
		}
		switch kind {
		case 4: // everything behind is encrypted
			f.Encrypted = true
			f.mark("closed", f.Name)
			return
		case 5:
			return
		case 2:
			f.rar5File(h, extra)
		}
		b = after[packed:]
	}
}

func (f *file) rar5File(h []byte, extra uint64) {
	flags, h, _ := vint(h)
	for range 2 { // size, attributes
		_, h, _ = vint(h)
	}
	for _, bit := range []uint64{2, 4} { // time, checksum
		if flags&bit != 0 && len(h) >= 4 {
			h = h[4:]
		}
	}
	for range 2 { // compression, system
		_, h, _ = vint(h)
	}
	n, h, ok := vint(h)
	if !ok || n > uint64(len(h)) {
		return
	}
	f.add(zipName(h[:n], 0x800))
	if h = h[n:]; extra > 0 && extra <= uint64(len(h)) {
		h = h[uint64(len(h))-extra:]
		if _, h, ok = vint(h); ok {
			if kind, _, ok := vint(h); ok && kind == 1 {
				f.Encrypted = true
			}
		}
	}
}

func vint(b []byte) (v uint64, rest []byte, ok bool) {
	for i := 0; i < len(b) && i < 10; i++ {
		v |= uint64(b[i]&0x7f) << (7 * i)
		if b[i] < 0x80 {
			return v, b[i+1:], true
		}
	}
	return 0, nil, false
}

// readRTF looks for objects and addresses in RTF.
func (v *view) readRTF(f *file, data []byte) {
	s := strings.ToLower(string(data[:min(len(data), 1<<20)]))
	if strings.Contains(s, `\objdata`) || strings.Contains(s, `\objupdate`) {
		f.mark("object", f.Name)
	}
	if strings.Contains(s, `\*\template http`) || strings.Contains(s, `\*\template \\\\`) {
		f.mark("template", f.Name)
	}
	v.addFound(indicator.Extract(s), "file", f.Path, "file")
}
