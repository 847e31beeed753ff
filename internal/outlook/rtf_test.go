// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"teiten/internal/fault"
	"teiten/internal/outlook"
	"teiten/internal/outlooktest"
)

func TestReadRTF(t *testing.T) {
	const head = `{\rtf1\ansi\ansicpg932\fromhtml1 \deff0{\fonttbl{\f0\fswiss\fcharset128 MS PGothic;}{\f1\fswiss\fcharset204 Arial;}{\f2\fswiss Arial;}}{\*\generator Riched20;}\uc1\pard\f0 `
	for _, c := range []struct {
		name, rtf, html, text string
	}{
		{"tags and text", head + `{\*\htmltag64 <p>}\htmlrtf {\htmlrtf0 abc\htmlrtf\par}\htmlrtf0{\*\htmltag72 </p>}}`, "<p>abc</p>", ""},
		{"double bytes", head + `\'82\'b1\'82\'f1\'82\'c9\'82\'bf\'82\'cd}`, "こんにちは", ""},
		{"a second byte as it is", head + `\'83\\\'95\\}`, "ソ表", ""},
		{"raw bytes", head + "\x82\xb1\x82\xf1}", "こん", ""},
		{"one character over two groups", head + `{\b \'82}{\'b1}}`, "こ", ""},
		{"another font", head + `{\f1 \'cf\'f0\'e8\'e2\'e5\'f2, \'ea\'e0\'ea \'e4\'e5\'eb\'e0?}\'82\'b1}`, "Привет, как дела?こ", ""},
		{"Unicode", head + `\u12371?\u-10179?\u-8704?\uc2\u12435\'82\'f1\uc0\u33x}`, "こ😀ん!x", ""},
		{"a pair in halves", head + `\u-10179?x}`, "\uFFFDx", ""},
		{"references", head + `{\*\htmltag84 &lt;}\htmlrtf <\htmlrtf0 a &lt; b & c < d}`, "&lt;a &lt; b &amp; c &lt; d", ""},
		{"words", head + `\lquote a\rquote\~\emdash{\*\htmltag4 \par }\tab z}`, "&lsquo;a&rsquo;&nbsp;&mdash;\r\n\tz", ""},
		{"the other tag", head + `{\*\mhtmltag84 <img src="x">}{\*\htmltag84 <img src="cid:1">}}`, `<img src="cid:1">`, ""},
		{"escapes in a tag", head + `{\*\htmltag241 <style>\{a:\'82\'b1\}</style>}}`, `<style>{a:こ}</style>`, ""},
		{"binary", head + `a{\*\blipuid x}{\pict\bin5 }}{}}}b}`, "ab", ""},
		{"never closed", head + `{\*\htmltag64 <a href="https://example.test/">}x`, `<a href="https://example.test/">x`, ""},
		{"from text", `{\rtf1\ansi\ansicpg932\fromtext \deff0{\fonttbl{\f0\fcharset128 X;}}\f0 a < b\par \'82\'b1\line c}`, "", "a < b\r\nこ\r\nc"},
		{"plain", `{\rtf1\ansi a < b\par c\tab d}`, "<html><body>a &lt; b<br>\nc\td</body></html>", ""},
		{"a link", `{\rtf1\ansi See {\field{\*\fldinst{HYPERLINK "https://example.test/a?b=1&c=2" \\o "tip"}}{\fldrslt{\ul here}}}.}`,
			`<html><body>See <a href="https://example.test/a?b=1&amp;c=2">here</a>.</body></html>`, ""},
		{"a link in pieces", `{\rtf1\ansi {\field\fldedit{\*\fldinst {\rtlch HYPER}{LINK "https://exa}{mple.test/\'82\'b1"}}{\fldrslt x}}}`,
			`<html><body><a href="https://example.test/` + "\u201a±" + `">x</a></body></html>`, ""},
		{"a link without text", `{\rtf1\ansi {\field{\*\fldinst HYPERLINK https://example.test/ \\l "top"}}}`,
			`<html><body><a href="https://example.test/#top"></a></body></html>`, ""},
		{"a link in a link's address", `{\rtf1 {\field{\*\fldinst HYPERLINK "{\field{\*\fldinst PAGE}{\fldrslt https://example.test/}}"}{\fldrslt x}}}`,
			`<html><body><a href="https://example.test/">x</a></body></html>`, ""},
		{"markup in an address", `{\rtf1 {\field{\*\fldinst HYPERLINK "x\\"><script>"}{\fldrslt x}}}`,
			`<html><body><a href="x&#34;&gt;&lt;script&gt;">x</a></body></html>`, ""},
		{"a picture from outside", `{\rtf1 {\field{\*\fldinst INCLUDEPICTURE "https://example.test/p.png" \\d}{\fldrslt }}}`,
			`<html><body><img src="https://example.test/p.png"></body></html>`, ""},
		{"a table", `{\rtf1 a\cell b\cell\row}`, "<html><body>a\tb\t<br>\n</body></html>", ""},
		{"nothing", `{\rtf1}`, "", ""},
	} {
		body, err := outlook.ReadRTF([]byte(c.rtf), outlook.Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if string(body.HTML) != c.html || body.Text != c.text {
			t.Errorf("%s:\n got %q %q\nwant %q %q", c.name, body.HTML, body.Text, c.html, c.text)
		}
	}
	for _, b := range []string{"", "hello", "{\\html"} {
		if _, err := outlook.ReadRTF([]byte(b), outlook.Limits{}); fault.Code(err) != "outlook.not_rtf" {
			t.Errorf("%q: %v", b, err)
		}
	}
}

func TestDecompressRTF(t *testing.T) {
	// The two examples of MS-OXRTFCP, section 3.
	for _, c := range []struct {
		packed []byte
		want   string
	}{
		{[]byte{0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a, 0x00, 0x72, 0x63, 0x70, 0x67,
			0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c, 0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0},
			"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"},
		{[]byte{0x1a, 0, 0, 0, 0x1c, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xe2, 0xd4, 0x4b, 0x51, 0x41, 0x00, 0x04, 0x20, 0x57, 0x58, 0x59, 0x5a, 0x0d, 0x6e, 0x7d, 0x01, 0x0e, 0xb0},
			"{\\rtf1 WXYZWXYZWXYZWXYZWXYZ}"},
	} {
		got, repairs, err := outlook.DecompressRTF(c.packed, outlook.Limits{})
		if err != nil || string(got) != c.want || len(repairs) > 0 {
			t.Errorf("%q, %v, %v, want %q", got, repairs, err, c.want)
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	for _, n := range []int{0, 1, 100, 4095, 4096, 5000, 100_000} {
		want := make([]byte, n)
		for i := range want {
			want[i] = byte('a' + r.IntN(1+n%7))
		}
		for _, pack := range []func([]byte) []byte{outlooktest.CompressRTF, outlooktest.StoreRTF} {
			packed := pack(want)
			got, repairs, err := outlook.DecompressRTF(packed, outlook.Limits{})
			if err != nil || !bytes.Equal(got, want) || len(repairs) > 0 {
				t.Fatalf("%d bytes: %d, %v, %v", n, len(got), repairs, err)
			}
		}
	}
	packed := outlooktest.CompressRTF([]byte(strings.Repeat("{\\rtf1 hello}", 50)))
	packed[12] ^= 1
	if got, repairs, err := outlook.DecompressRTF(packed, outlook.Limits{}); err != nil || len(got) != 650 || !has(repairs, "outlook.repair_crc") {
		t.Errorf("wrong checksum: %d bytes, %v, %v", len(got), repairs, err)
	}
	if got, repairs, err := outlook.DecompressRTF(packed[:40], outlook.Limits{}); err != nil || len(got) == 0 || !has(repairs, "outlook.repair_truncated") {
		t.Errorf("cut: %d bytes, %v, %v", len(got), repairs, err)
	}
	bomb := outlooktest.CompressRTF(make([]byte, 3<<20))
	if _, _, err := outlook.DecompressRTF(bomb, outlook.Limits{Bytes: 1 << 20}); fault.Code(err) != "outlook.too_big" {
		t.Errorf("bomb: %v", err)
	}
	if _, _, err := outlook.DecompressRTF(bomb, outlook.Limits{Bytes: 3 << 20}); err != nil {
		t.Errorf("exactly the limit: %v", err)
	}
}

// TestHostileRTF holds the limits and the time.
func TestHostileRTF(t *testing.T) {
	for name, rtf := range map[string]string{
		"braces":        `{\rtf1 ` + strings.Repeat("{", 5<<20),
		"fields":        `{\rtf1 ` + strings.Repeat(`{\field{\*\fldinst HYPERLINK "x`, 60_000),
		"fonts":         `{\rtf1{\fonttbl` + manyFonts(200_000) + `}x}`,
		"switches":      `{\rtf1{\field{\*\fldinst ` + strings.Repeat(`\\l `, 1<<20) + `}}}`,
		"controls":      `{\rtf1 ` + strings.Repeat(`\b`, 2<<20),
		"bin":           `{\rtf1 \bin2147483647 x}`,
		"negative bin":  strings.Repeat(`{\rtf1 \bin-5 x}`, 3),
		"changing page": `{\rtf1{\fonttbl{\f0\fcharset128 X;}{\f1\fcharset204 X;}}` + strings.Repeat(`\f0 \'82\f1 \'a0`, 100_000) + `}`,
	} {
		body, err := outlook.ReadRTF([]byte(rtf), outlook.Limits{})
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if len(body.HTML) > 8*len(rtf)+100 {
			t.Errorf("%s: %d bytes of %d", name, len(body.HTML), len(rtf))
		}
	}
	if _, err := outlook.ReadRTF([]byte(`{\rtf1 `+strings.Repeat("<", 1<<20)+`}`), outlook.Limits{Bytes: 1 << 20}); fault.Code(err) != "outlook.too_big" {
		t.Errorf("beyond the limit: %v", err)
	}
}

func manyFonts(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{\f%d\fcharset128 X;}`, i)
	}
	return b.String()
}
