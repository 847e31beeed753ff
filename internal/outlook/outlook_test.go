// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook_test

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/outlook"
	"teiten/internal/outlooktest"
)

// letter is an item with something of everything.
func letter() outlook.Item {
	return outlook.Item{
		Class:      "IPM.Note",
		Headers:    "Received: from mx.example.jp\r\nFrom: =?UTF-8?B?5bGx55Sw?= <yamada@example.jp>\r\nTo: a@example.test, b@example.test\r\nCc: c@example.test\r\n\r\n",
		Fields:     []outlook.Field{{Name: "x-drill-token", Value: "0123abcd"}, {Name: "x-mailer", Value: "テスト 1.0"}},
		Subject:    "Re: 【至急】請求書の確認ソ表",
		FromName:   "山田 太郎",
		From:       "yamada@example.jp",
		SenderName: "代理 花子",
		Sender:     "hanako@example.jp",
		ReplyTo:    []outlook.Person{{Name: "窓口", Address: "reply@example.test"}, {Name: "B", Address: "b2@example.test"}},
		To:         []outlook.Person{{Name: "一郎", Address: "a@example.test"}, {Name: "二郎", Address: "b@example.test"}},
		Cc:         []outlook.Person{{Name: "三郎", Address: "c@example.test"}},
		Bcc:        []outlook.Person{{Name: "四郎", Address: "d@example.test"}},
		Date:       time.Date(2026, 4, 1, 9, 30, 0, 0, time.UTC),
		Delivered:  time.Date(2026, 4, 1, 9, 30, 5, 0, time.UTC),
		MessageID:  "1234@example.jp",
		InReplyTo:  "<1@example.jp>",
		References: "<0@example.jp> <1@example.jp>",
		Text:       "お世話になっております。\r\n添付をご確認ください。\r\n",
		HTML:       []byte("<html><body><p>お世話になっております。</p><a href=\"https://example.test/a?b=1&amp;c=2\">こちら &gt;</a>\n</body></html>"),
		Attachments: []outlook.Attachment{
			{Name: "請求書.pdf", MediaType: "application/pdf", Data: []byte("%PDF-1.7 small")},
			{Name: "logo.png", MediaType: "image/png", ContentID: "logo@example.jp", Hidden: true, Data: bytes.Repeat([]byte("0123456789"), 2000)},
			{Name: "空.txt", Data: []byte{}},
			{Name: "smime.p7m", MediaType: "application/pkcs7-mime", Data: []byte{0x30, 0x80}},
			{Name: "共有.xlsx", Link: "https://files.example.test/d/1"},
			{Name: "転送", Item: &outlook.Item{
				Class: "IPM.Note", Subject: "元のメール", FromName: "元", From: "moto@example.test", Text: "元の本文",
				Attachments: []outlook.Attachment{{Name: "深い.zip", Data: []byte("PK\x03\x04")},
					{Name: "もっと", Item: &outlook.Item{Class: "IPM.Note", Subject: "さらに中", Text: "中"}}},
			}},
		},
	}
}

// clear leaves out what a way of writing does not keep.
func clear(i *outlook.Item, tnef bool) {
	if tnef {
		// TNEF always has an attachment's bytes or nothing.
		i.Repairs = nil
	}
	for n := range i.Attachments {
		if len(i.Attachments[n].Data) == 0 {
			i.Attachments[n].Data = nil
		}
		if i.Attachments[n].Item != nil {
			clear(i.Attachments[n].Item, tnef)
		}
	}
}

func diff(t *testing.T, got, want outlook.Item) {
	t.Helper()
	g, w := reflect.ValueOf(got), reflect.ValueOf(want)
	for i := range g.NumField() {
		if g.Type().Field(i).Name == "Attachments" {
			continue
		}
		if !reflect.DeepEqual(g.Field(i).Interface(), w.Field(i).Interface()) {
			t.Errorf("%s:\n got %+q\nwant %+q", g.Type().Field(i).Name, g.Field(i).Interface(), w.Field(i).Interface())
		}
	}
	if len(got.Attachments) != len(want.Attachments) {
		t.Fatalf("%d attachments, want %d", len(got.Attachments), len(want.Attachments))
	}
	for i, a := range want.Attachments {
		b := got.Attachments[i]
		if (a.Item == nil) != (b.Item == nil) {
			t.Fatalf("attachment %d: item %v", i, b.Item)
		}
		if a.Item != nil {
			diff(t, *b.Item, *a.Item)
			a.Item, b.Item = nil, nil
		}
		if !reflect.DeepEqual(b, a) {
			t.Errorf("attachment %d:\n got %+v\nwant %+v", i, b, a)
		}
	}
}

func TestMsg(t *testing.T) {
	for _, o := range []outlooktest.Options{
		{}, {CodePage: 932}, {CodePage: 65001},
		{HTMLInRTF: true}, {CodePage: 932, HTMLInRTF: true}, {HTMLInRTF: true, Uncompressed: true},
	} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			want := letter()
			if o.HTMLInRTF {
				want.FromRTF = true
			}
			got, err := outlook.ReadMsg(outlooktest.Msg(letter(), o), outlook.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if o.HTMLInRTF {
				got.HTML = bytes.ReplaceAll(got.HTML, []byte("\r\n"), []byte("\n"))
			}
			clear(got, false)
			clear(&want, false)
			diff(t, *got, want)
		})
	}
}

func TestTNEF(t *testing.T) {
	for _, o := range []outlooktest.Options{{}, {CodePage: 932}, {HTMLInRTF: true}, {CodePage: 932, HTMLInRTF: true}} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			want := letter()
			if o.HTMLInRTF {
				want.FromRTF = true
			}
			got, err := outlook.ReadTNEF(outlooktest.TNEF(letter(), o), outlook.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if o.HTMLInRTF {
				got.HTML = bytes.ReplaceAll(got.HTML, []byte("\r\n"), []byte("\n"))
			}
			if len(got.Repairs) > 0 {
				t.Errorf("repairs of a whole file: %v", got.Repairs)
			}
			clear(got, true)
			clear(&want, true)
			diff(t, *got, want)
		})
	}
}

// Inside an Exchange organisation addresses are X.500; the SMTP ones are in
// several other places.
func TestExchangeAddresses(t *testing.T) {
	for _, in := range []string{"property", "key", "entry", "headers"} {
		item := letter()
		item.ReplyTo, item.Bcc = nil, nil
		item.Sender, item.SenderName = "", ""
		if in != "headers" {
			item.Headers = ""
		}
		got, err := outlook.ReadMsg(outlooktest.Msg(item, outlooktest.Options{Exchange: true, SMTPIn: in}), outlook.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got.From != "yamada@example.jp" || got.FromName != "山田 太郎" || got.Sender != "" {
			t.Errorf("%s: from %q %q, sender %q", in, got.FromName, got.From, got.Sender)
		}
		if !slices.Equal(got.To, item.To) || !slices.Equal(got.Cc, item.Cc) {
			t.Errorf("%s: to %v, cc %v", in, got.To, got.Cc)
		}
	}
	item := outlook.Item{Subject: "x", From: "a@example.test", FromName: "A"}
	got, err := outlook.ReadMsg(outlooktest.Msg(item, outlooktest.Options{Exchange: true}), outlook.Limits{})
	if err != nil || got.From != "" || got.FromName != "A" {
		t.Errorf("nowhere: %q %q, %v", got.FromName, got.From, err)
	}
}

// Code pages lie; the bytes decide, and the lie is noted.
func TestCodePageLies(t *testing.T) {
	item := letter()
	item.Fields, item.Attachments = nil, nil
	for _, b := range [][]byte{
		outlooktest.Msg(item, outlooktest.Options{CodePage: 932, Declared: 1252}),
		outlooktest.Msg(item, outlooktest.Options{CodePage: 65001, Declared: 932}),
	} {
		got, err := outlook.ReadMsg(b, outlook.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if got.Subject != item.Subject || got.Text != item.Text {
			t.Errorf("subject %q, text %q", got.Subject, got.Text)
		}
		if !has(got.Repairs, "outlook.repair_charset") {
			t.Errorf("the lie was not noted: %v", got.Repairs)
		}
	}
	b := outlooktest.TNEF(item, outlooktest.Options{CodePage: 932, Declared: 1252})
	got, err := outlook.ReadTNEF(b, outlook.Limits{})
	if err != nil || got.Subject != item.Subject || !has(got.Repairs, "outlook.repair_charset") {
		t.Errorf("TNEF: %q, %v, %v", got.Subject, got.Repairs, err)
	}
	// HTML as bytes, in what it says and in something else.
	for _, page := range []int{932, 50220, 65001} {
		item.HTML = outlooktest.Encode("<p>診療のご案内と、お支払いについて</p>", page)
		item.HTMLCharset = "Shift_JIS"
		got, err := outlook.ReadMsg(outlooktest.Msg(item, outlooktest.Options{}), outlook.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		want := map[int]string{932: "Shift_JIS", 50220: "ISO-2022-JP", 65001: ""}[page]
		if got.HTMLCharset != want || !bytes.Equal(got.HTML, item.HTML) || has(got.Repairs, "outlook.repair_charset") != (page != 932) {
			t.Errorf("%d: HTML in %q, %v", page, got.HTMLCharset, got.Repairs)
		}
	}
}

func has(all []outlook.Repair, code string) bool {
	return slices.ContainsFunc(all, func(r outlook.Repair) bool { return r.Code == code })
}

// What is HTML for one program and RTF for another says both.
func TestTwoBodies(t *testing.T) {
	item := outlook.Item{HTML: []byte("<p>harmless</p>")}
	got, err := outlook.ReadMsg(outlooktest.Msg(item, outlooktest.Options{
		RTF: []byte(`{\rtf1\ansi{\field{\*\fldinst HYPERLINK "https://evil.example.test/"}{\fldrslt here}}}`),
	}), outlook.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if string(got.HTML) != "<p>harmless</p>" || got.FromRTF || !strings.Contains(string(got.Other), `<a href="https://evil.example.test/">here</a>`) {
		t.Errorf("HTML %q, other %q", got.HTML, got.Other)
	}
}

func TestSubject(t *testing.T) {
	for _, c := range []struct{ in, want string }{{"\x01\x04Re: x", "Re: x"}, {"\x01\x05件: x", "件: x"}, {"x", "x"}} {
		got, err := outlook.ReadMsg(outlooktest.Msg(outlook.Item{Subject: c.in}, outlooktest.Options{}), outlook.Limits{})
		if err != nil || got.Subject != c.want {
			t.Errorf("%q: %q, %v", c.in, got.Subject, err)
		}
	}
}

func BenchmarkReadMsg(b *testing.B) {
	for name, o := range map[string]outlooktest.Options{"unicode": {}, "cp932 and RTF": {CodePage: 932, HTMLInRTF: true}} {
		file := outlooktest.Msg(letter(), o)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				if _, err := outlook.ReadMsg(file, outlook.Limits{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
