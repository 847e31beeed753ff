// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook_test

import (
	"bytes"
	"testing"
	"time"
	"unicode/utf8"

	"teiten/internal/fault"
	"teiten/internal/outlook"
	"teiten/internal/outlooktest"
)

// FuzzMsg holds that the limits are kept and that reading is repeatable.
func FuzzMsg(f *testing.F) {
	for _, o := range []outlooktest.Options{{}, {CodePage: 932, HTMLInRTF: true}, {Exchange: true, SMTPIn: "entry", Uncompressed: true, HTMLInRTF: true}} {
		item := letter()
		item.Attachments[1].Data = item.Attachments[1].Data[:4200]
		f.Add(outlooktest.Msg(item, o))
		f.Add(outlooktest.Msg(outlook.Item{Subject: "x", Text: "y"}, o))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		start := time.Now()
		sameTwice(t, func() (*outlook.Item, error) { return outlook.ReadMsg(b, small) })
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("took %v", d)
		}
	})
}

// FuzzTNEF holds the same of winmail.dat.
func FuzzTNEF(f *testing.F) {
	for _, o := range []outlooktest.Options{{}, {CodePage: 932, HTMLInRTF: true}, {Exchange: true, SMTPIn: "entry"}} {
		f.Add(outlooktest.TNEF(letter(), o))
		f.Add(outlooktest.TNEF(outlook.Item{Subject: "x", Text: "y"}, o))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		start := time.Now()
		sameTwice(t, func() (*outlook.Item, error) { return outlook.ReadTNEF(b, small) })
		if d := time.Since(start); d > 5*time.Second {
			t.Fatalf("took %v", d)
		}
	})
}

// FuzzRTF holds that what comes out of RTF is UTF-8, within the limit and in
// proportion, and that compressing loses nothing.
func FuzzRTF(f *testing.F) {
	f.Add(outlooktest.EncapsulateHTML("<p>こんにちは &amp; <a href=\"x\">A</a></p>", 932))
	f.Add([]byte(`{\rtf1\ansi\ansicpg932{\fonttbl{\f0\fcharset128 X;}}{\field{\*\fldinst HYPERLINK "x"}{\fldrslt \'82\'b1\u12371?}}\bin3 }}}\par}`))
	f.Add([]byte(`{\rtf1\fromtext a\tab\uc2\u-10179??\u-8704 b}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		body, err := outlook.ReadRTF(b, small)
		again, _ := outlook.ReadRTF(b, small)
		if err != nil {
			if !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
				t.Fatalf("no reason: %v", err)
			}
			return
		}
		if !bytes.Equal(body.HTML, again.HTML) || body.Text != again.Text {
			t.Fatal("read differently the second time")
		}
		if int64(len(body.HTML)+len(body.Text)) > small.Bytes || len(body.HTML) > 10*len(b)+64 {
			t.Fatalf("%d bytes of %d", len(body.HTML), len(b))
		}
		if !utf8.Valid(body.HTML) || !utf8.ValidString(body.Text) {
			t.Fatalf("no UTF-8: %q %q", body.HTML, body.Text)
		}
		if got, repairs, err := outlook.DecompressRTF(outlooktest.CompressRTF(b), outlook.Limits{}); err != nil || !bytes.Equal(got, b) || len(repairs) > 0 {
			t.Fatalf("%d bytes, compressed and back %d, %v, %v", len(b), len(got), repairs, err)
		}
	})
}

// FuzzCompressed holds the same of what LZFu is made to do.
func FuzzCompressed(f *testing.F) {
	f.Add(outlooktest.CompressRTF([]byte(`{\rtf1 hello hello hello}`)))
	f.Add(outlooktest.StoreRTF([]byte(`{\rtf1 hello}`)))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, _, err := outlook.DecompressRTF(b, small)
		if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
			t.Fatalf("no reason: %v", err)
		}
		if int64(len(out)) > small.Bytes || len(out) > 9*len(b) {
			t.Fatalf("%d bytes of %d", len(out), len(b))
		}
	})
}
