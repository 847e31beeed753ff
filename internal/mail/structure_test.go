// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"teiten/internal/fault"
)

// outline is a message's tree in short: path, media type, and what marks it.
func outline(p *Part) string {
	var b strings.Builder
	var visit func(*Part)
	visit = func(p *Part) {
		if b.Len() > 0 {
			b.WriteString(" ")
		}
		b.WriteString(p.Path + ":" + p.MediaType)
		if p.Hidden {
			b.WriteString("(hidden)")
		}
		if p.Attached() {
			b.WriteString("(file)")
		}
		for _, c := range p.Parts {
			visit(c)
		}
		if p.Message != nil {
			visit(p.Message.Root)
		}
	}
	visit(p)
	return b.String()
}

func TestStructure(t *testing.T) {
	text := "Content-Type: text/plain\n\n"
	page := "Content-Type: text/html\n\n"
	tests := []struct{ name, raw, want, repair string }{
		{"plain", "\nx", "1:text/plain", ""},
		{"mixed", "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + text + "x\n--b\n" + page + "y\n--b--\n", "1:multipart/mixed 1.1:text/plain 1.2:text/html", ""},
		{"no boundary given", "Content-Type: multipart/mixed\n\n--b\n" + text + "x\n--b\n" + page + "y\n--b--\n", "1:multipart/mixed 1.1:text/plain 1.2:text/html", "repair_boundary"},
		{"another boundary", "Content-Type: multipart/mixed; boundary=c\n\n--b\n" + text + "x\n--b\n" + page + "y\n--b--\n", "1:multipart/mixed 1.1:text/plain 1.2:text/html", "repair_boundary"},
		{"blanks and quotes", "Content-Type: multipart/mixed; boundary=\"b  \"\n\n--b \t\n" + text + "x\n--b--  \n", "1:multipart/mixed 1.1:text/plain", ""},
		{"never closed", "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + text + "x\n--b\n" + page + "y\n", "1:multipart/mixed 1.1:text/plain 1.2:text/html", "repair_not_closed"},
		{"prefix of another", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=bb\n\n--bb\n" + text + "x\n--bb\n" + page + "y\n--bb--\n--b\nContent-Type: image/png\n\nz\n--b--\n",
			"1:multipart/mixed 1.1:multipart/alternative 1.1.1:text/plain 1.1.2:text/html 1.2:image/png(file)", ""},
		{"the same inside", "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: multipart/alternative; boundary=b\n\n--b\n" + text + "x\n--b\n" + page + "y\n--b--\n--b\nContent-Type: image/png\n\nz\n--b--\n",
			"1:multipart/mixed 1.1:multipart/alternative 1.2:text/plain 1.3:text/html 1.4:image/png(file)", "repair_parts_after_end"},
		{"behind the end", "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + text + "x\n--b--\n\n--b\n" + page + "y\n--b--\n", "1:multipart/mixed 1.1:text/plain 1.2:text/html", "repair_parts_after_end"},
		{"text behind the end", "Content-Type: multipart/mixed; boundary=b\n\n--b\n" + text + "x\n--b--\nsee https://evil.example/ now\n", "1:multipart/mixed 1.1:text/plain 1.2:text/plain(hidden)", "repair_after_last"},
		{"text before the first", "Content-Type: multipart/mixed; boundary=b\n\nsee https://evil.example/ now\n--b\n" + text + "x\n--b--\n", "1:multipart/mixed 1.1:text/plain(hidden) 1.2:text/plain", "repair_before_first"},
		{"usual preamble", "Content-Type: multipart/mixed; boundary=b\n\nThis is a multi-part message in MIME format.\n--b\n" + text + "x\n--b--\n", "1:multipart/mixed 1.1:text/plain", ""},
		{"first boundary missing", "Content-Type: multipart/mixed; boundary=b\n\n" + text + "x\n--b--\n", "1:multipart/mixed 1.1:text/plain", "repair_boundary"},
		{"not a multipart at all", "Content-Type: multipart/mixed; boundary=b\n\njust text\n", "1:text/plain", "repair_boundary"},
		{"undeclared", "\n--b\n" + text + "x\n--b\n" + page + "y\n--b--\n", "1:multipart/mixed 1.1:text/plain 1.2:text/html", "repair_multipart_undeclared"},
		{"second Content-Type", "Content-Type: text/plain\nContent-Type: multipart/mixed; boundary=b\n\n--b\n" + page + "x\n--b--\n", "1:multipart/mixed 1.1:text/html", "repair_twice"},
		{"multipart in base64", "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n" + b64("--b\n"+text+"x\n--b--\n"), "1:multipart/mixed 1.1:text/plain", "repair_encoding"},
		{"multipart called base64", "Content-Type: multipart/mixed; boundary=b\nContent-Transfer-Encoding: base64\n\n--b\n" + text + "x\n--b--\n", "1:multipart/mixed 1.1:text/plain", ""},
		{"part without a header", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\ny is text\n--b--\n", "1:multipart/mixed 1.1:text/plain 1.2:text/plain", "repair_part_header"},
		{"attached", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: message/rfc822\n\nSubject: in\nContent-Type: multipart/mixed; boundary=c\n\n--c\n\ny\n--c--\n--b--\n",
			"1:multipart/mixed 1.1:text/plain 1.2:message/rfc822(file) 1.2/1:multipart/mixed 1.2/1.1:text/plain", ""},
		{"attached in base64", "Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\n" + b64("Subject: in\n\nx"), "1:message/rfc822(file) 1/1:text/plain", ""},
		{"attached as a file", "Content-Type: application/octet-stream; name=a.eml\nContent-Transfer-Encoding: base64\n\n" + b64("From: a@b.example\nSubject: in\n\nx"), "1:message/rfc822(file) 1/1:text/plain", ""},
		{"digest", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: 1\n\nx\n--b--\n", "1:multipart/digest 1.1:message/rfc822(file) 1.1/1:text/plain", ""},
		{"uuencode", "\ntext\nbegin 644 a.txt\n#86)C\n`\nend\nmore\n", "1:text/plain 1.1:text/plain(file)", "repair_uuencode"},
		{"calendar", "Content-Type: text/calendar; charset=utf-8\n\nBEGIN:VCALENDAR", "1:text/calendar", ""},
		{"a PDF says text", "Content-Type: text/plain; name=a.txt\n\n%PDF-1.4 abc", "1:application/pdf(file)", "repair_type_lie"},
		{"HTML says octet-stream", "Content-Type: application/octet-stream; name=a.html\n\n<html><body>x", "1:text/html", ""},
		{"a named body", "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html; name=b.html\n\nx\n--b--\n", "1:multipart/alternative 1.1:text/html", ""},
		{"a named text behind", "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: text/html; name=b.html\n\nx\n--b--\n", "1:multipart/mixed 1.1:text/plain 1.2:text/html(file)", ""},
		{"no type but a slash", "Content-Type: text\n\nx", "1:text/plain", "repair_type"},
	}
	for _, tt := range tests {
		m := read(t, "From: a@b.example\n"+tt.raw)
		if got := outline(m.Root); got != tt.want {
			t.Errorf("%s:\n got %s\nwant %s", tt.name, got, tt.want)
		}
		if tt.repair != "" && !repaired(m, tt.repair) {
			t.Errorf("%s: %s is not in %v", tt.name, tt.repair, m.Repairs)
		}
		if tt.repair == "" && len(m.Repairs) > 0 {
			t.Errorf("%s: repaired %v", tt.name, m.Repairs)
		}
	}
}

func TestParts(t *testing.T) {
	m := read(t, "From: a@b.example\nSubject: s\nReceived: 1\nReceived: 2\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b\nContent-Type: text/html\n\ny\n--b\n"+
		"Content-Type: application/zip; name=\"a.zip\"\nContent-ID: <i@d>\nContent-Transfer-Encoding: base64\n\n"+b64("PK\x03\x04abc")+"\n--b--\n")
	if m.Get("SUBJECT") != "s" || len(m.All("received")) != 2 || m.Get("none") != "" {
		t.Errorf("%v", m.Fields)
	}
	if len(m.Texts()) != 1 || len(m.HTML()) != 1 || len(m.Files()) != 1 {
		t.Errorf("%s", outline(m.Root))
	}
	f := m.Files()[0]
	if string(f.Data) != "PK\x03\x04abc" || f.ContentID != "i@d" || f.Name != "a.zip" || f.Encoding != "base64" {
		t.Errorf("%+v", f)
	}
	n := 0
	m.Walk(func(*Part) bool { n++; return n < 2 })
	if n != 2 {
		t.Errorf("walked %d", n)
	}
}

func TestRefusals(t *testing.T) {
	pad := strings.Repeat("\x00", 300)
	for _, tt := range []struct{ raw, code string }{
		{"", "mail.empty"}, {" \r\n\t\n", "mail.empty"}, {"\xef\xbb\xbf\n", "mail.empty"},
		{"\x89PNG\r\n\x1a\n" + pad, "mail.image"}, {"\xff\xd8\xff\xe0" + pad, "mail.image"}, {"GIF89a" + pad, "mail.image"},
		{"RIFF\x00\x00\x00\x00WEBPVP8 " + pad, "mail.image"}, {"\x00\x00\x00\x18ftypheic" + pad, "mail.image"}, {"II*\x00" + pad, "mail.image"},
		{"BM\x36\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00\x28\x00\x00\x00" + pad, "mail.image"},
		{"%PDF-1.7\n" + pad, "mail.pdf"},
		{"PK\x03\x04\x14\x00\x06\x00[Content_Types].xml" + pad, "mail.office"}, {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + pad, "mail.office"}, {"{\\rtf1 abc}", "mail.office"},
		{"PK\x03\x04\x14\x00\x00\x00mail.eml" + pad, "mail.archive"}, {"Rar!\x1a\x07\x01" + pad, "mail.archive"}, {"7z\xbc\xaf\x27\x1c" + pad, "mail.archive"}, {"\x1f\x8b\x08" + pad, "mail.archive"},
		{"MZ\x90\x00" + pad, "mail.executable"}, {"\x7fELF" + pad, "mail.executable"}, {"L\x00\x00\x00\x01\x14\x02\x00" + pad, "mail.executable"},
		{"!BDN" + pad, "mail.mailbox"},
		{"\x01\x02\x03\x04\x05" + pad, "mail.binary"},
		{"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + pad + string(propertyStream) + pad, "mail.msg_broken"},
	} {
		_, err := Read([]byte(tt.raw), Limits{})
		var f *fault.Error
		if !errors.As(err, &f) || f.Code != tt.code || f.Kind != fault.Invalid {
			t.Errorf("%.20q: %v, want %s", tt.raw, err, tt.code)
		}
	}
	var f *fault.Error
	if _, err := Read(make([]byte, 101), Limits{Bytes: 100}); !errors.As(err, &f) || f.Kind != fault.TooLarge || f.Code != "mail.too_large" {
		t.Errorf("%v", err)
	}
}

// left reports whether a limit left something unread.
func left(m *Message, code string) bool {
	for _, r := range m.Incomplete {
		if r.Code == "mail."+code {
			return true
		}
	}
	return false
}

func TestLimits(t *testing.T) {
	count := func(m *Message) int {
		n := 0
		var visit func(*Part)
		visit = func(p *Part) {
			n++
			for _, c := range p.Parts {
				visit(c)
			}
			if p.Message != nil {
				visit(p.Message.Root)
			}
		}
		visit(m.Root)
		return n
	}
	many := "From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 10000) + "--b--\n"
	if m := read(t, many); count(m) != 1000 || !left(m, "incomplete_parts") {
		t.Errorf("%d parts, %v", count(m), m.Incomplete)
	}
	exact := "From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\n\nx\n", 999) + "--b--\n"
	if m := read(t, exact); count(m) != 1000 || len(m.Incomplete) > 0 {
		t.Errorf("%d parts, %v", count(m), m.Incomplete)
	}
	nest := func(n int) string {
		var b strings.Builder
		b.WriteString("From: a@b.example\n")
		for i := range n {
			fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b%dx\n\n--b%dx\n", i, i)
		}
		return b.String() + "\nx\n"
	}
	if m := read(t, nest(5000)); count(m) != 20 || len(m.Incomplete) != 1 || !left(m, "incomplete_depth") {
		t.Errorf("%d deep, %v", count(m), m.Incomplete)
	}
	if m := read(t, nest(19)); count(m) != 20 || len(m.Incomplete) != 0 {
		t.Errorf("%d deep, %v", count(m), m.Incomplete)
	}
	inside := strings.Repeat("Content-Type: message/rfc822\n\n", 5000)
	if m := read(t, "From: a@b.example\n"+inside); count(m) != 20 {
		t.Errorf("%d deep", count(m))
	}
	long := "From: a@b.example\nX-Long: " + strings.Repeat("x", 10<<20) + "\nSubject: late\n\nbody https://evil.example/\n"
	if m := read(t, long); !left(m, "incomplete_header") || strings.TrimSpace(m.Root.Text) != "body https://evil.example/" {
		t.Errorf("%v %.50q", m.Incomplete, m.Root.Text)
	}
	fields := "From: a@b.example\n" + strings.Repeat("X: y\n", 5000) + "\nbody\n"
	if m := read(t, fields); len(m.Fields) != 2000 || !left(m, "incomplete_fields") || m.Root.Text != "body\n" {
		t.Errorf("%d fields, %v", len(m.Fields), m.Incomplete)
	}
	big := "From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n" + strings.Repeat("x", 600) + "\n--b\n\n" + strings.Repeat("y", 600) + "\n--b--\n"
	m, err := Read([]byte(big), Limits{Decoded: 1000})
	if err != nil || !left(m, "incomplete_decoded") || len(m.Root.Parts[0].Data) != 600 || m.Root.Parts[1].Data != nil {
		t.Errorf("%v %v", err, m.Incomplete)
	}
}

// TestHostile reads what is made to take long: the time must be linear.
func TestHostile(t *testing.T) {
	n := 1 << 20
	if testing.Short() {
		n = 1 << 18
	}
	fill := func(unit string) string { return strings.Repeat(unit, n/len(unit)) }
	for name, raw := range map[string]string{
		"words not closed":     "Subject: " + fill("=?utf-8?Q?a ") + "\n\nx",
		"B words not closed":   "Subject: " + fill("=?utf-8?B?YWJj ") + "\n\nx",
		"uneven B words":       "Subject: " + fill("=?utf-8?B?YWJ?= ") + "\n\nx",
		"beginnings":           "Subject: " + fill("=?") + "\n\nx",
		"ends":                 "Subject: =?utf-8?Q?" + fill("?=41") + "\n\nx",
		"angles":               "From: " + fill("<") + "\n\nx",
		"parentheses":          "From: " + fill("(") + "\n\nx",
		"quotes":               "From: " + fill("\"") + "\n\nx",
		"commas":               "From: " + fill("a,") + "\n\nx",
		"names":                "From: " + fill("a ") + "\n\nx",
		"at signs":             "From: " + fill("a@b ") + "\n\nx",
		"parameters":           "Content-Type: text/plain" + fill(";a=b") + "\n\nx",
		"pieces":               "Content-Type: text/plain" + fill(";a*0=b;a*1=c") + "\n\nx",
		"CR":                   "From: a@b.example\r" + fill("\r"),
		"CR lines":             "From: a@b.example\r" + fill("ab\r"),
		"lines without colons": "From: a@b.example\n" + fill("ab\n"),
		"blank folds":          "From: a@b.example\n" + fill(" \n"),
		"dashes":               "Content-Type: multipart/mixed; boundary=x\n\n" + fill("--\n"),
		"boundaries":           "Content-Type: multipart/mixed; boundary=x\n\n" + fill("--x\n"),
		"half boundaries":      "Content-Type: multipart/mixed; boundary=x\n\n" + fill("--x"),
		"no boundary":          "Content-Type: multipart/mixed\n\n" + fill("--x\n"),
		"begins":               "From: a@b.example\n\n" + fill("begin 644 x\n"),
		"begins in a line":     "From: a@b.example\n\n" + fill("begin "),
		"equals":               "From: a@b.example\nContent-Transfer-Encoding: quoted-printable\n\n" + fill("= "),
		"padding":              "From: a@b.example\nContent-Transfer-Encoding: base64\n\n" + fill("="),
		"dashes in base64":     "From: a@b.example\nContent-Transfer-Encoding: base64\n\n" + fill("ab-_"),
		"escapes":              "Subject: " + fill("$B$3") + "\n\n" + fill("$B"),
		"NUL":                  "From: a@b.example\n" + fill("\x00"),
		"NUL before dashes":    "Content-Type: multipart/mixed; boundary=x\n\n" + fill("\x00--x"),
		"quotations":           "Subject: Fwd: x\n\n" + fill("From: a\n"),
		"marks":                "Subject: Fwd: x\n\n" + fill("> "),
		"announcements":        "Subject: x\n\nFrom:\n" + fill("Forwarded message\nFrom: x\nTo: y\n"),
		"tags":                 "Subject: Fwd: x\nContent-Type: text/html\n\nFrom:" + fill("<br><p>"),
		"mailbox":              "From x\nFrom: a@b.example\n\n" + fill("\n\nFrom "),
		"meta":                 "Content-Type: text/html\n\n" + fill("charset="),
		"date":                 "Date: " + fill("1 ") + "\n\nx",
	} {
		// Four times as much takes four times as long; sixteen times if it were
		// quadratic. Short times say nothing, and other work on the machine only
		// makes them longer: the shortest of some counts.
		took := [2]time.Duration{time.Hour, time.Hour}
		for range 4 {
			for i, raw := range []string{raw[:len(raw)/4], raw} {
				start := time.Now()
				m, err := Read([]byte(raw), Limits{})
				if err == nil {
					m.Original()
				}
				took[i] = min(took[i], time.Since(start))
			}
			if took[1] < 500*time.Millisecond || took[1] < 10*took[0] {
				break
			}
		}
		if took[1] > 500*time.Millisecond && took[1] > 10*took[0] {
			t.Errorf("%s: a quarter took %v, the whole %v", name, took[0], took[1])
		}
	}
}

// TestMemory: a mail takes a small multiple of its size.
func TestMemory(t *testing.T) {
	raw := []byte("From: a@b.example\nContent-Type: multipart/mixed; boundary=b\n\n" + strings.Repeat("--b\nContent-Transfer-Encoding: base64\n\n"+strings.Repeat("YWJj", 20000)+"\n", 100))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	m, err := Read(raw, Limits{})
	runtime.ReadMemStats(&after)
	if err != nil || len(m.Root.Parts) != 100 {
		t.Fatal(err)
	}
	if took := after.TotalAlloc - before.TotalAlloc; took > 5*uint64(len(raw)) {
		t.Errorf("%d bytes for %d", took, len(raw))
	}
}
