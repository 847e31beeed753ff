// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"io"
	"mime"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"teiten/internal/fault"
)

// maxDecoded bounds the text in UTF-8, which may have three bytes where the
// document had one (half-width katakana in Shift_JIS).
const maxDecoded = 2 * MaxBytes

// charsets are the encodings that feeds in Japan come in, by their labels in
// the WHATWG Encoding Standard and by the Windows names that servers send. A
// nil encoding is UTF-8 itself.
var charsets = map[string]encoding.Encoding{
	"utf-8": nil, "utf8": nil, "us-ascii": charmap.Windows1252, "ascii": charmap.Windows1252,
	"iso-8859-1": charmap.Windows1252, "latin1": charmap.Windows1252, "windows-1252": charmap.Windows1252,
	"shift_jis": japanese.ShiftJIS, "shift-jis": japanese.ShiftJIS, "sjis": japanese.ShiftJIS, "x-sjis": japanese.ShiftJIS,
	"ms_kanji": japanese.ShiftJIS, "ms932": japanese.ShiftJIS, "cp932": japanese.ShiftJIS, "windows-31j": japanese.ShiftJIS,
	"euc-jp": japanese.EUCJP, "eucjp": japanese.EUCJP, "x-euc-jp": japanese.EUCJP, "eucjp-win": japanese.EUCJP, "cp51932": japanese.EUCJP,
	"iso-2022-jp": japanese.ISO2022JP, "csiso2022jp": japanese.ISO2022JP, "jis": japanese.ISO2022JP,
	"utf-16": utf16LE, "utf-16le": utf16LE, "utf-16be": utf16BE,
}

var (
	utf16LE = unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)
	utf16BE = unicode.UTF16(unicode.BigEndian, unicode.UseBOM)
)

var declaration = regexp.MustCompile(`^\s*<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']`)

// decode turns the document into UTF-8. Which charset it has is decided as in
// RFC 7303 section 3: byte order mark, HTTP, XML declaration, UTF-8. Servers
// are often configured wrongly, so a label that does not fit the bytes gives
// way to the next that does; damaged says that none fitted and that characters
// were replaced.
func decode(data []byte, contentType string) (text []byte, damaged bool, err error) {
	switch {
	case bytes.HasPrefix(data, []byte("\xef\xbb\xbf")):
		return decodeAs(nil, data[3:])
	case bytes.HasPrefix(data, []byte("\xff\xfe")), bytes.HasPrefix(data, []byte("<\x00")):
		return decodeAs(utf16LE, data)
	case bytes.HasPrefix(data, []byte("\xfe\xff")), bytes.HasPrefix(data, []byte("\x00<")):
		return decodeAs(utf16BE, data)
	}
	var labels []string
	if _, params, err := mime.ParseMediaType(contentType); err == nil && params["charset"] != "" {
		labels = append(labels, strings.ToLower(params["charset"]))
	}
	if m := declaration.FindSubmatch(data[:min(len(data), 1024)]); m != nil {
		declared := strings.ToLower(string(m[1]))
		if len(labels) > 0 && charsets[labels[0]] == charmap.Windows1252 {
			labels = []string{declared, labels[0]} // a server's default, which fits any bytes
		} else {
			labels = append(labels, declared)
		}
	}
	var first []byte
	unknown := ""
	for _, label := range append(labels, "utf-8") {
		enc, known := charsets[label]
		if !known {
			unknown = label
			continue
		}
		if enc == utf16LE || enc == utf16BE {
			continue // it would have begun like UTF-16
		}
		text, damaged, err := decodeAs(enc, data)
		if err != nil || !damaged {
			return text, damaged, err
		}
		if first == nil {
			first = text
		}
	}
	if unknown != "" {
		return nil, false, fault.New(fault.Invalid, "feed.charset", "charset", unknown)
	}
	return first, true, nil
}

func decodeAs(enc encoding.Encoding, data []byte) (text []byte, damaged bool, err error) {
	if enc == nil {
		if utf8.Valid(data) {
			return data, false, nil
		}
		text = bytes.ToValidUTF8(data, []byte("\ufffd"))
	} else {
		r := transform.NewReader(bytes.NewReader(data), enc.NewDecoder())
		if text, err = io.ReadAll(io.LimitReader(r, maxDecoded+1)); err != nil {
			return nil, false, fault.Wrap(err, fault.Invalid, "feed.charset", "charset", "UTF-16")
		}
	}
	if len(text) > maxDecoded {
		return nil, false, fault.New(fault.TooLarge, "feed.too_large", "limit", MaxBytes)
	}
	return text, bytes.ContainsRune(text, '\ufffd'), nil
}
