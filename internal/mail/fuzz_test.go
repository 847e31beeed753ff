// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"
)

// seeds are mails that show what the parser has to deal with.
var seeds = []string{
	"From: a@b.example\nTo: c@d.example\nSubject: =?ISO-2022-JP?B?GyRCJDMkcw==?= =?ISO-2022-JP?B?JEskQSRPGyhC?=\n\nhello\n",
	"Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: text/html; charset=shift_jis\nContent-Transfer-Encoding: quoted-printable\n\n=82=A0=\n<b>\n--x\nContent-Type: multipart/alternative; boundary=xy\n\n--xy\n\na\n--xy--\n--x\nContent-Type: message/rfc822\n\nSubject: in\n\ntext\n--x--\nafter\n--x\n\nlate\n",
	"From x Mon\r\nReceived: from a\r\n by b\r\nSubject: \x1b$B$3$s\x1b(B\r\nContent-Type: application/octet-stream; name*0*=iso-2022-jp''%1B$B; name*2=x; name*1*=%24%33\r\nContent-Transfer-Encoding: base64\r\n\r\nUEsDBBQAAAAIAA==\r\n",
	"差出人: 山田 <yamada@example.jp>\n送信日時: 2026年11月22日 12:34\n宛先: b@example.jp\n件名: 至急\n\n本文 https://evil.example/\n",
	"Subject: Fwd: x\nFrom: a@b.example\nContent-Type: text/html\n\n<div>---------- Forwarded message ---------<br>From: <b>X</b> &lt;x@y.example&gt;<br>Date: Mon<br>Subject: s<br></div><a href=http://z.example>q</a>",
	"Subject: u\n\nbegin 644 a.txt\n#86)C\n`\nend\n",
	"From: \"a, b\" <c@d>, =?utf-8?Q?=E3=81=82?= <e＠ｆ．example>, g:h@i,j;\nContent-Type: multipart/mixed\n\n--q\nContent-Type: text/plain\n\nx\n--q--",
	"A:\x00\rB: c\r\rbody",
	"--b\nContent-Type: text/plain\n\nx\n--b--\n",
	"Subject: x\nContent-Type: text/plain; charset=utf-7\n\n+MEI-\n",
	"Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\neJ8+IgAAAA==\n",
}

// check reads and holds what must be true of every message.
func check(t *testing.T, b []byte, lim Limits) {
	m, err := Read(b, lim)
	if err != nil {
		return
	}
	full := lim.orDefaults()
	var decoded int64
	parts, deepest := 0, 0
	paths := map[string]bool{}
	var visit func(p *Part, depth int)
	visit = func(p *Part, depth int) {
		if paths[p.Path] {
			t.Errorf("path %q twice", p.Path)
		}
		paths[p.Path] = true
		parts++
		deepest = max(deepest, depth)
		decoded += int64(len(p.Data))
		if !utf8.ValidString(p.Text) || strings.ContainsAny(p.Text, "\r\x00") {
			t.Errorf("text of %s: %.80q", p.Path, p.Text)
		}
		if len(p.Fields) > full.Fields {
			t.Errorf("%d fields", len(p.Fields))
		}
		for _, c := range p.Parts {
			visit(c, depth+1)
		}
		if p.Message != nil {
			if p.Message.Root == nil {
				t.Fatalf("no root in %s", p.Path)
			}
			visit(p.Message.Root, depth+1)
		}
	}
	visit(m.Root, 1)
	if decoded > full.Decoded {
		t.Errorf("%d bytes decoded, limit %d", decoded, full.Decoded)
	}
	if parts > full.Parts {
		t.Errorf("%d parts, limit %d", parts, full.Parts)
	}
	if deepest > full.Depth+1 { // files beside the text of an Outlook item are one deeper
		t.Errorf("%d deep, limit %d", deepest, full.Depth)
	}
	for _, f := range m.Fields {
		if strings.ContainsAny(f.Value, "\r\n\x00") {
			t.Errorf("field %q: %q", f.Name, f.Value)
		}
	}
	again, err := Read(b, lim)
	if err != nil || !reflect.DeepEqual(m, again) {
		t.Error("reading twice differs")
	}
	o, found := m.Original()
	if o == nil || o.Root == nil || (found == Itself) != (o == m) {
		t.Errorf("original: %v", found)
	}
	paths = map[string]bool{}
	o.Walk(func(p *Part) bool {
		if paths[p.Path] {
			t.Errorf("path %q twice in the original", p.Path)
		}
		paths[p.Path] = true
		return true
	})
	for _, r := range append(m.Repairs, m.Incomplete...) {
		if !utf8.ValidString(r.What) || utf8.RuneCountInString(r.What) > 60 {
			t.Errorf("repair %q", r.What)
		}
	}
}

func FuzzRead(f *testing.F) {
	for _, s := range seeds {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		check(t, b, Limits{})
		check(t, b, Limits{Bytes: 1 << 20, Depth: 3, Parts: 4, Header: 200, Fields: 5, Decoded: 500})
	})
}

func FuzzHeader(f *testing.F) {
	for _, s := range seeds {
		head, _, _ := strings.Cut(s, "\n\n")
		f.Add([]byte(head))
	}
	f.Add([]byte("From: =?utf-8?B?44GC?= =?utf-8?B?44GE <a@b>, \"x\\\"y\" <z@w> (c(d)e)\nSubject: =?x?q?a?==?y?b?b?=\nDate: 2026年1月2日 午後3時4分"))
	f.Fuzz(func(t *testing.T, b []byte) {
		s := (&budget{lim: Limits{}.orDefaults()}).scope(&Message{})
		fields, body := s.block(b, "")
		if body < 0 || body > len(b) {
			t.Fatalf("body at %d of %d", body, len(b))
		}
		for _, fd := range fields {
			if strings.ContainsAny(fd.Value, "\r\n\x00") || strings.ContainsAny(fd.Raw, "\n\x00") {
				t.Errorf("%q: %q", fd.Name, fd.Value)
			}
			if !utf8.ValidString(fd.Value) {
				t.Errorf("%q is no UTF-8: %q", fd.Name, fd.Value)
			}
			for _, a := range ParseAddresses(fd.Raw) {
				if a == (Address{}) {
					t.Errorf("empty address in %q", fd.Raw)
				}
			}
			value, params := parseParams(s, fd.Raw, "", "x")
			if strings.Contains(value, ";") {
				t.Errorf("value %q", value)
			}
			for name, v := range params {
				if strings.ContainsAny(v, "\r\n\x00") || name != strings.ToLower(name) {
					t.Errorf("parameter %q: %q", name, v)
				}
			}
			parseDate(fd.Value)
		}
		s.m.Fields = fields
		s.head()
	})
}

// TestSeeds holds the properties without fuzzing.
func TestSeeds(t *testing.T) {
	for i, s := range seeds {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			check(t, []byte(s), Limits{})
			for cut := range len(s) {
				check(t, []byte(s[:cut]), Limits{})
			}
		})
	}
}
