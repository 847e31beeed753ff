// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"bytes"
	"compress/zlib"
	"encoding/hex"
	"io"
	"strings"

	"teiten/internal/charset"
)

const (
	maxStreams  = 300     // of a PDF that are inflated
	maxInflated = 8 << 20 // bytes in all
	maxPDFLinks = 200
)

// readPDF looks for actions and addresses in a PDF: in its bytes, and in its
// object streams (ISO 32000-1, section 7.5.7), without reading its structure,
// which attackers break.
func (v *view) readPDF(f *file, data []byte) {
	v.pdfObjects(f, data)
	left := maxInflated
	rest := data
	for n := 0; n < maxStreams && left > 0; n++ {
		i := bytes.Index(rest, []byte("stream"))
		if i < 0 {
			return
		}
		dict := rest[max(0, i-400):i]
		body := rest[i+len("stream"):]
		rest = body
		if bytes.HasSuffix(dict, []byte("end")) || !bytes.Contains(dict, []byte("/ObjStm")) {
			n--
			continue
		}
		body = bytes.TrimLeft(body, "\r\n")
		z, err := zlib.NewReader(bytes.NewReader(body))
		if err != nil {
			continue
		}
		out, _ := io.ReadAll(io.LimitReader(z, int64(left))) // what could be inflated counts
		left -= len(out)
		v.pdfObjects(f, out)
		if end := bytes.Index(rest, []byte("endstream")); end >= 0 {
			rest = rest[end+len("endstream"):]
		}
	}
	v.cut["mailcheck.cut.file"] = true
}

func (v *view) pdfObjects(f *file, b []byte) {
	if bytes.IndexByte(b, '#') >= 0 { // names may be written with escapes: /J#61vaScript
		b = pdfNames(b)
	}
	for _, n := range []struct{ name, code string }{{"/JavaScript", "pdf_script"}, {"/JS", "pdf_script"}, {"/Launch", "pdf_launch"}, {"/OpenAction", "pdf_action"},
		{"/EmbeddedFile", "pdf_file"}, {"/SubmitForm", "pdf_form"}, {"/Encrypt", "encrypt"}} {
		if pdfHas(b, n.name) && !f.has(n.code) {
			if n.code == "encrypt" {
				f.Encrypted = true
				continue
			}
			f.mark(n.code, n.name)
		}
	}
	for n := 0; n < maxPDFLinks; n++ {
		i := bytes.Index(b, []byte("/URI"))
		if i < 0 {
			return
		}
		b = b[i+4:]
		s := pdfString(bytes.TrimLeft(b[:min(len(b), 4200)], " \t\r\n\x00"))
		if s == "" {
			continue
		}
		address, scheme := resolve(s, "")
		if scheme == "http" || scheme == "https" {
			f.mark("pdf_link", s)
			v.addAddress(address, scheme, Place{Where: "file", Path: f.Path, Text: clip(s)}, "file", 0)
		}
	}
	v.cut["mailcheck.cut.file"] = true
}

// pdfHas looks for a name that ends where it ends.
func pdfHas(b []byte, name string) bool {
	for n := 0; n < 100; n++ {
		i := bytes.Index(b, []byte(name))
		if i < 0 {
			return false
		}
		b = b[i+len(name):]
		if len(b) == 0 || !(b[0]|0x20 >= 'a' && b[0]|0x20 <= 'z' || b[0] >= '0' && b[0] <= '9') {
			return true
		}
	}
	return false
}

// pdfNames resolves #xx in names (section 7.3.5).
func pdfNames(b []byte) []byte {
	out := make([]byte, 0, len(b))
	name := false
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '/':
			name = true
		case c == '#' && name && i+2 < len(b):
			if d, err := hex.DecodeString(string(b[i+1 : i+3])); err == nil {
				out = append(out, d[0])
				i += 2
				continue
			}
		case !(c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9'):
			name = false
		}
		out = append(out, b[i])
	}
	return out
}

// pdfString reads a string: in parentheses or in hexadecimal digits (section 7.3.4).
func pdfString(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	var out []byte
	switch b[0] {
	case '(':
		depth := 0
		for i := 0; i < len(b); i++ {
			c := b[i]
			switch c {
			case '\\':
				if i++; i >= len(b) {
					return ""
				}
				if b[i] == '\n' || b[i] == '\r' {
					continue
				}
				if b[i] >= '0' && b[i] <= '7' {
					n := 0
					for j := 0; j < 3 && i < len(b) && b[i] >= '0' && b[i] <= '7'; j, i = j+1, i+1 {
						n = n*8 + int(b[i]-'0')
					}
					i--
					out = append(out, byte(n))
					continue
				}
				out = append(out, b[i])
				continue
			case '(':
				if depth++; depth == 1 {
					continue
				}
			case ')':
				if depth--; depth == 0 {
					return pdfText(out)
				}
			}
			out = append(out, c)
		}
	case '<':
		if end := bytes.IndexByte(b, '>'); end > 0 {
			digits := strings.Map(func(r rune) rune {
				if r <= ' ' {
					return -1
				}
				return r
			}, string(b[1:end]))
			out, _ = hex.DecodeString(digits[:len(digits)&^1])
			return pdfText(out)
		}
	}
	return ""
}

func pdfText(b []byte) string {
	if bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return charset.Decode(b, "UTF-16").Text
	}
	return string(b)
}
