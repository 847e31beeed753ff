// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package outlooktest writes, for tests, what Outlook writes: .msg files,
// winmail.dat and compressed RTF. It knows nothing of how package outlook reads
// them but the compound file, which that package writes for embedded objects.
package outlooktest

import (
	"encoding/binary"
	"fmt"
	"strings"
	"time"
	"unicode/utf16"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
)

// Options say how an item is written. The zero value is what Outlook does now:
// Unicode, HTML in a property of its own.
type Options struct {
	// CodePage makes the strings 8-bit ones: 932, 1252, 50220, 65001. 0 is Unicode.
	CodePage int
	// Declared is the code page that is declared where it shall be a lie.
	Declared int
	// HTMLInRTF puts the HTML into compressed RTF instead of a property.
	HTMLInRTF bool
	// RTF is a document for the compressed RTF, whatever the item says.
	RTF []byte
	// Uncompressed stores the RTF as it is ("MELA").
	Uncompressed bool
	// Exchange writes addresses inside an organisation as X.500, with the SMTP
	// ones beside them as SMTPIn says: "", "property", "key" or "entry".
	Exchange bool
	SMTPIn   string
}

func (o Options) encode(s string) []byte {
	switch o.CodePage {
	case 0:
		return wide(s)
	default:
		return Encode(s, o.CodePage)
	}
}

func wide(s string) []byte {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = binary.LittleEndian.AppendUint16(b, u)
	}
	return b
}

// Encode writes text in a code page.
func Encode(s string, page int) []byte {
	pages := map[int]encoding.Encoding{
		932: japanese.ShiftJIS, 51932: japanese.EUCJP, 50220: japanese.ISO2022JP,
		1252: charmap.Windows1252, 1251: charmap.Windows1251, 65001: unicode.UTF8,
	}
	e, ok := pages[page]
	if !ok {
		panic(fmt.Sprintf("no code page %d", page))
	}
	b, err := e.NewEncoder().Bytes([]byte(s))
	if err != nil {
		panic(fmt.Sprintf("%q in code page %d: %v", s, page, err))
	}
	return b
}

func fileTime(t time.Time) uint64 {
	return uint64(t.Unix()*1e7+int64(t.Nanosecond()/100)) + 116444736000000000
}

// EncapsulateHTML writes HTML inside RTF (MS-OXRTFEX): tags in groups of their
// own, text with what readers of RTF alone need beside it. Text that the code
// page lacks is written with \u.
func EncapsulateHTML(html string, page int) []byte {
	var b strings.Builder
	fcharset := map[int]int{932: 128, 1252: 0, 1251: 204}[page]
	fmt.Fprintf(&b, `{\rtf1\ansi\ansicpg%d\fromhtml1 \deff0{\fonttbl`+"\r\n"+`{\f0\fswiss\fcharset%d Main;}{\f1\fmodern Courier New;}{\f2\fnil\fcharset2 Symbol;}}`+"\r\n"+
		`{\colortbl\red0\green0\blue0;}`+"\r\n"+`{\*\generator Made for a test;}\uc1\pard\plain\deftab360 \f0\fs24 `+"\r\n", page, fcharset)
	for html != "" {
		if html[0] == '<' {
			end := strings.IndexByte(html, '>')
			if end < 0 {
				end = len(html) - 1
			}
			fmt.Fprintf(&b, `{\*\htmltag64 %s}`, rtfText(html[:end+1], page))
			b.WriteString(`\htmlrtf \pard {\b\htmlrtf0 `) // what only readers of RTF see
			b.WriteString(`\htmlrtf }\htmlrtf0 `)
			html = html[end+1:]
			continue
		}
		end := strings.IndexAny(html, "<&")
		switch {
		case end < 0:
			end = len(html)
		case html[end] == '&' && end == 0:
			end = strings.IndexByte(html, ';') + 1
			fmt.Fprintf(&b, `{\*\htmltag84 %s}\htmlrtf ?\htmlrtf0 `, html[:end])
			html = html[end:]
			continue
		}
		b.WriteString(rtfText(html[:end], page))
		html = html[end:]
	}
	b.WriteString(`}`)
	return []byte(b.String())
}

func rtfText(s string, page int) string {
	var b strings.Builder
	for _, r := range s {
		switch {
		case r == '\\' || r == '{' || r == '}':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r == '\r':
		case r == '\n':
			b.WriteString("\\par \r\n")
		case r < 0x80:
			b.WriteRune(r)
		default:
			if raw, ok := tryEncode(r, page); ok {
				for _, c := range raw {
					fmt.Fprintf(&b, `\'%02x`, c)
				}
				continue
			}
			for _, u := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, `\u%d?`, int16(u))
			}
		}
	}
	return b.String()
}

func tryEncode(r rune, page int) ([]byte, bool) {
	var e encoding.Encoding = charmap.Windows1252
	switch page {
	case 932:
		e = japanese.ShiftJIS
	case 1251:
		e = charmap.Windows1251
	}
	b, err := e.NewEncoder().Bytes([]byte(string(r)))
	return b, err == nil
}
