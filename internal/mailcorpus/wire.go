// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
)

// part is a MIME part being written: header lines and a body that is encoded
// already, or parts inside.
type part struct {
	head     []string
	body     []byte
	parts    []part
	boundary string
}

// write puts the part into b, lines ended with CRLF.
func (p part) write(b *bytes.Buffer) {
	for _, h := range p.head {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("\r\n")
	if p.boundary == "" {
		b.Write(p.body)
		return
	}
	b.Write(p.body) // the preamble
	for _, q := range p.parts {
		b.WriteString("--" + p.boundary + "\r\n")
		q.write(b)
		if !bytes.HasSuffix(b.Bytes(), []byte("\r\n")) {
			b.WriteString("\r\n")
		}
	}
	b.WriteString("--" + p.boundary + "--\r\n")
}

// multipart puts parts together.
func (s *scope) multipart(subtype string, parts ...part) part {
	mark := []string{"----=_Part_", "_000_", "=_", "--boundary_", "NextPart_", "b1_"}[s.r.IntN(6)] + s.draw(hexes, 20)
	return part{
		head:     []string{"Content-Type: multipart/" + subtype + ";\r\n boundary=\"" + mark + "\""},
		parts:    parts,
		boundary: mark,
	}
}

// inCharset encodes text; false if the charset cannot say it.
func inCharset(text, charset string) ([]byte, bool) {
	switch charset {
	case "ISO-2022-JP":
		b, err := japanese.ISO2022JP.NewEncoder().Bytes([]byte(text))
		// The table has the rows of NEC, which ISO-2022-JP has not.
		return b, err == nil && !strings.ContainsAny(text, "①②③④⑤⑥⑦⑧⑨⑩㈱髙﨑№℡")
	case "Shift_JIS":
		b, err := japanese.ShiftJIS.NewEncoder().Bytes([]byte(text))
		return b, err == nil
	case "EUC-JP":
		b, err := japanese.EUCJP.NewEncoder().Bytes([]byte(text))
		return b, err == nil
	}
	return []byte(text), true
}

// textPart is a part of text in one of the ways in which programs send it.
func textPart(subtype, text, charset, encoding string) part {
	text = strings.ReplaceAll(text, "\n", "\r\n")
	raw, ok := inCharset(text, charset)
	if !ok {
		charset, encoding, raw = "UTF-8", "base64", []byte(text)
	}
	p := part{head: []string{
		"Content-Type: text/" + subtype + "; charset=" + charset,
		"Content-Transfer-Encoding: " + encoding,
	}}
	p.body = encode(raw, encoding)
	return p
}

// encode applies a content transfer encoding (RFC 2045, section 6).
func encode(raw []byte, encoding string) []byte {
	switch encoding {
	case "base64":
		return base64Lines(raw, 76)
	case "quoted-printable":
		return quotedPrintable(raw, 76)
	}
	return raw
}

func base64Lines(raw []byte, width int) []byte {
	var b bytes.Buffer
	text := base64.StdEncoding.EncodeToString(raw)
	for len(text) > width {
		b.WriteString(text[:width] + "\r\n")
		text = text[width:]
	}
	b.WriteString(text + "\r\n")
	return b.Bytes()
}

// quotedPrintable breaks lines wherever the width ends, as most programs do,
// in the middle of characters too.
func quotedPrintable(raw []byte, width int) []byte {
	var b bytes.Buffer
	column := 0
	put := func(s string) {
		if column+len(s) > width-1 {
			b.WriteString("=\r\n")
			column = 0
		}
		b.WriteString(s)
		column += len(s)
	}
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		switch {
		case c == '\r' && i+1 < len(raw) && raw[i+1] == '\n':
			b.WriteString("\r\n")
			column = 0
			i++
		case (c == ' ' || c == '\t') && (i+1 == len(raw) || raw[i+1] == '\r'), c == '=', c < ' ' && c != '\t', c > '~':
			put(fmt.Sprintf("=%02X", c))
		default:
			put(string(rune(c)))
		}
	}
	return b.Bytes()
}

// encodedWords writes text as RFC 2047 has it, split between characters so
// that no word is longer than 75 bytes, folded. ASCII stays as it is.
func encodedWords(text, charset string, q bool) string {
	if ascii(text) {
		return text
	}
	var words []string
	var chunk string
	flush := func() {
		if chunk != "" {
			words = append(words, encodedWord(chunk, charset, q))
			chunk = ""
		}
	}
	for _, r := range text {
		if len(encodedWord(chunk+string(r), charset, q)) > 75 {
			flush()
		}
		chunk += string(r)
	}
	flush()
	return strings.Join(words, "\r\n ")
}

func encodedWord(text, charset string, q bool) string {
	raw, ok := inCharset(text, charset)
	if !ok {
		charset, raw = "UTF-8", []byte(text)
	}
	if q {
		return "=?" + charset + "?Q?" + qWord(raw) + "?="
	}
	return "=?" + charset + "?B?" + base64.StdEncoding.EncodeToString(raw) + "?="
}

func qWord(raw []byte) string {
	var b strings.Builder
	for _, c := range raw {
		switch {
		case c == ' ':
			b.WriteByte('_')
		case c >= '0' && c <= '9', c >= 'A' && c <= 'Z', c >= 'a' && c <= 'z':
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf || s[i] < ' ' && s[i] != '\t' {
			return false
		}
	}
	return true
}

// percent writes bytes as RFC 2231, section 4 has them.
func percent(raw []byte) string {
	var b strings.Builder
	for _, c := range raw {
		if c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z' || c == '.' || c == '-' || c == '_' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// filePart is an attachment with its name in one of the two usual ways.
func (s *scope) filePart(name, mediaType, disposition string, content []byte) part {
	p := part{body: base64Lines(content, 76)}
	encoded := encodedWords(name, "UTF-8", false)
	typeLine := "Content-Type: " + mediaType + ";\r\n name=\"" + encoded + "\""
	nameLine := "Content-Disposition: " + disposition + ";\r\n filename=\"" + encoded + "\""
	if !ascii(name) && s.r.IntN(2) == 0 {
		nameLine = "Content-Disposition: " + disposition + ";\r\n " + continued("filename", []byte(name), "UTF-8")
	}
	p.head = []string{typeLine, "Content-Transfer-Encoding: base64", nameLine}
	return p
}

// continued writes a parameter in pieces of 60 bytes (RFC 2231, section 3).
func continued(name string, raw []byte, charset string) string {
	text := percent(raw)
	if len(text) <= 60 {
		return name + "*=" + charset + "''" + text
	}
	var lines []string
	for n := 0; text != ""; n++ {
		cut := min(60, len(text))
		for cut < len(text) && (text[cut-1] == '%' || text[cut-2] == '%') {
			cut--
		}
		head := ""
		if n == 0 {
			head = charset + "''"
		}
		lines = append(lines, fmt.Sprintf("%s*%d*=%s%s", name, n, head, text[:cut]))
		text = text[cut:]
	}
	return strings.Join(lines, ";\r\n ")
}
