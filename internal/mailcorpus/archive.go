// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"unicode/utf8"
)

// entry is a file in an archive.
type entry struct {
	name    string
	content []byte
}

// zipped makes a zip archive (APPNOTE 6.3.3): stored entries, encrypted with
// the traditional cipher (section 6.1) if there is a password. archive/zip
// writes no encrypted ones.
func zipped(password string, entries ...entry) []byte {
	var out, directory bytes.Buffer
	put := func(b *bytes.Buffer, v ...any) {
		for _, x := range v {
			_ = binary.Write(b, binary.LittleEndian, x) // a Buffer never fails
		}
	}
	for _, e := range entries {
		offset := uint32(out.Len())
		sum := crc32.ChecksumIEEE(e.content)
		content := e.content
		flags := uint16(0)
		if !ascii(e.name) && utf8.ValidString(e.name) {
			flags |= 1 << 11
		}
		if password != "" {
			flags |= 1
			content = zipCrypto(password, sum, content)
		}
		// Version needed, flags, stored, time and date of 2026-01-05 08:00.
		common := []any{uint16(20), flags, uint16(0), uint16(8 << 11), uint16(46<<9 | 1<<5 | 5), sum,
			uint32(len(content)), uint32(len(e.content)), uint16(len(e.name)), uint16(0)}
		put(&out, uint32(0x04034b50))
		put(&out, common...)
		out.WriteString(e.name)
		out.Write(content)
		put(&directory, uint32(0x02014b50), uint16(20))
		put(&directory, common...)
		put(&directory, uint16(0), uint16(0), uint16(0), uint32(0), offset)
		directory.WriteString(e.name)
	}
	start := uint32(out.Len())
	size := uint32(directory.Len())
	out.Write(directory.Bytes())
	n := uint16(len(entries))
	put(&out, uint32(0x06054b50), uint16(0), uint16(0), n, n, size, start, uint16(0))
	return out.Bytes()
}

// zipCrypto is the traditional cipher of zip: twelve bytes of header, of which
// the last tells a wrong password, and the content.
func zipCrypto(password string, sum uint32, content []byte) []byte {
	k := [3]uint32{0x12345678, 0x23456789, 0x34567890}
	update := func(b byte) {
		k[0] = crc32.IEEETable[byte(k[0])^b] ^ k[0]>>8
		k[1] = (k[1]+k[0]&0xff)*134775813 + 1
		k[2] = crc32.IEEETable[byte(k[2])^byte(k[1]>>24)] ^ k[2]>>8
	}
	for _, b := range []byte(password) {
		update(b)
	}
	head := make([]byte, 12)
	binary.LittleEndian.PutUint32(head, sum*2654435761)
	binary.LittleEndian.PutUint32(head[4:], sum^0x5bd1e995)
	head[11] = byte(sum >> 24)
	out := append(head, content...)
	for i, b := range out {
		t := uint16(k[2]) | 2
		out[i] = b ^ byte(uint32(t)*uint32(t^1)>>8)
		update(b)
	}
	return out
}

// office makes an Office Open XML file (ISO/IEC 29500-2), with a part for
// macros, which holds none, if asked.
func office(document, mediaType, text string, macro bool) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name, content string) {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write([]byte(content))
		}
		if err != nil {
			panic(err) // a Buffer never fails
		}
	}
	const head = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	override := `<Override PartName="/` + document + `" ContentType="` + mediaType + `"/>`
	if macro {
		override += `<Override PartName="/word/vbaProject.bin" ContentType="application/vnd.ms-office.vbaProject"/>`
	}
	add("[Content_Types].xml", head+`<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>`+override+`</Types>`)
	add("_rels/.rels", head+`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="`+document+`"/></Relationships>`)
	add(document, head+`<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>`+text+`</w:t></w:r></w:p></w:body></w:document>`)
	if macro {
		add("word/vbaProject.bin", string(ole("VBA")))
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.Bytes()
}
