// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bufio"
	"bytes"
	"io"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"teiten/internal/fault"
)

// decode recognises the encoding of a text by its first bytes and returns a
// reader of UTF-8. A byte order mark decides; without one the text is UTF-8 if it
// can be, then the Japanese encoding that fits best. Bytes that do not fit become
// U+FFFD, and their row is rejected; when there are many, the file is.
func decode(r *bufio.Reader, sample []byte) (io.Reader, string, error) {
	switch {
	case bytes.HasPrefix(sample, []byte("\xef\xbb\xbf")):
		r.Discard(3)
		return r, "UTF-8", nil
	case bytes.HasPrefix(sample, []byte("\xff\xfe")):
		return as(r, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM)), "UTF-16", nil
	case bytes.HasPrefix(sample, []byte("\xfe\xff")):
		return as(r, unicode.UTF16(unicode.BigEndian, unicode.UseBOM)), "UTF-16", nil
	case bytes.IndexByte(sample, 0) >= 0:
		if order, ok := utf16Order(sample); ok {
			return as(r, unicode.UTF16(order, unicode.IgnoreBOM)), "UTF-16", nil
		}
		return nil, "", fault.New(fault.Invalid, "import.binary")
	case bytes.Contains(sample, []byte("\x1b$B")), bytes.Contains(sample, []byte("\x1b$@")):
		return as(r, japanese.ISO2022JP), "ISO-2022-JP", nil
	}
	good, bad := countUTF8(sample)
	if bad == 0 || good > 4*bad { // a UTF-8 file with some broken rows is one
		return r, "UTF-8", nil
	}
	sjis, sjisBad := likeness(japanese.ShiftJIS, sample)
	euc, eucBad := likeness(japanese.EUCJP, sample)
	least := min(bad, sjisBad, eucBad)
	switch {
	case least*50 > len(sample):
		return nil, "", fault.New(fault.Invalid, "import.encoding")
	case bad == least:
		return r, "UTF-8", nil
	case eucBad == least && (sjisBad > least || euc > sjis):
		return as(r, japanese.EUCJP), "EUC-JP", nil
	default:
		return as(r, japanese.ShiftJIS), "Shift_JIS", nil
	}
}

func as(r io.Reader, e encoding.Encoding) io.Reader {
	return transform.NewReader(r, e.NewDecoder())
}

// utf16Order recognises UTF-16 without a byte order mark by the zero bytes of
// its Latin letters, digits and line ends: at least one in twenty characters,
// and all on one side.
func utf16Order(sample []byte) (unicode.Endianness, bool) {
	var zero [2]int
	for i, c := range sample {
		if c == 0 {
			zero[i%2]++
		}
	}
	least := len(sample) / 2 / 20
	switch {
	case zero[1] > least && zero[0] == 0:
		return unicode.LittleEndian, true
	case zero[0] > least && zero[1] == 0:
		return unicode.BigEndian, true
	}
	return unicode.LittleEndian, false
}

// countUTF8 counts characters of several bytes and bytes that are none. A
// character cut off at the end of the sample counts as neither.
func countUTF8(b []byte) (good, bad int) {
	for i := 0; i < len(b); {
		if b[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, n := utf8.DecodeRune(b[i:])
		switch {
		case r != utf8.RuneError || n > 1:
			good++
		case !utf8.FullRune(b[i:]):
			return good, bad
		default:
			bad++
		}
		i += n
	}
	return good, bad
}

// likeness decodes the sample and says how Japanese it looks and how many
// characters are none. What is EUC-JP often decodes as Shift_JIS into half-width
// kana, which nobody writes at length.
func likeness(e encoding.Encoding, sample []byte) (score, bad int) {
	if len(sample) == sampleSize { // the last line may be cut inside a character
		sample = sample[:bytes.LastIndexByte(sample, '\n')+1]
	}
	text, err := e.NewDecoder().Bytes(sample)
	if err != nil {
		return 0, len(sample)
	}
	for _, r := range string(text) {
		switch {
		case r == utf8.RuneError, r >= 0xE000 && r <= 0xF8FF, r >= 0x80 && r < 0xA0:
			bad++
		case r >= 'ぁ' && r <= 'ヿ':
			score += 3
		case r >= 0x4E00 && r <= 0x9FFF:
			score++
		case r >= 0xFF61 && r <= 0xFF9F:
			score -= 2
		}
	}
	return score, bad
}
