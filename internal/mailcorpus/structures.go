// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// structures are mistakes, and rarities, of the parts, of forwarding, and of
// line ends.
var structures = []mistake{
	mixed("unclosed", func(x *mess, raw []byte) []byte {
		at := bytes.LastIndex(raw, []byte("\r\n--"))
		return raw[:at+2]
	}),
	mixed("no-boundary", func(x *mess, raw []byte) []byte {
		return boundaryParam.ReplaceAll(raw, nil)
	}),
	mixed("boundary-blanks", func(x *mess, raw []byte) []byte {
		m := boundaryParam.FindSubmatch(raw)
		return bytes.ReplaceAll(raw, append([]byte("\r\n--"), append(m[1], "\r\n"...)...), append([]byte("\r\n--"), append(m[1], " \t \r\n"...)...))
	}),
	mixed("declared-base64", func(x *mess, raw []byte) []byte { // of a multipart: RFC 2045, section 6.4 forbids it
		return bytes.Replace(raw, []byte("MIME-Version: 1.0\r\n"), []byte("MIME-Version: 1.0\r\nContent-Transfer-Encoding: base64\r\n"), 1)
	}),
	mixed("version-twice", func(x *mess, raw []byte) []byte {
		return bytes.Replace(raw, []byte("MIME-Version: 1.0\r\n"), []byte("MIME-Version: 1.0\r\nMIME-Version: 1.0\r\n"), 1)
	}),
	bounded("boundary-odd", "=_?: '()+,-./=", true),
	bounded("boundary-unquoted", "=_next/part=", false),
	bounded("boundary-long", strings.Repeat("x", 200), true),
	{name: "structure.boundary-prefix", apply: func(x *mess) {
		x.structure = func(body part) part {
			inner := x.multipart("alternative", body)
			outer := x.multipart("mixed", inner)
			outer.boundary = "a" + x.draw(hexes, 10)
			inner.boundary = outer.boundary + "b"
			inner.head[0] = "Content-Type: multipart/alternative; boundary=" + inner.boundary
			outer.head[0] = "Content-Type: multipart/mixed; boundary=" + outer.boundary
			outer.parts[0] = inner
			return outer
		}
	}},
	{name: "structure.deep", apply: func(x *mess) {
		x.structure = func(body part) part {
			for range 12 {
				body = x.multipart("mixed", body)
			}
			return body
		}
	}},
	{name: "structure.empty-parts", apply: func(x *mess) {
		x.structure = func(body part) part { return x.multipart("mixed", part{}, body, part{}) }
	}},
	{name: "structure.related", apply: func(x *mess) {
		x.asHTML = true
		x.structure = func(body part) part {
			image := x.filePart("logo.png", "image/png", "inline", code("定点"))
			x.m.Files = append(x.m.Files, "logo.png")
			return x.multipart("related", x.multipart("alternative", body), image)
		}
	}},
	attached("attached", "message/rfc822", "8bit"),
	attached("attached-base64", "message/rfc822", "base64"),
	attached("attached-octets", "application/octet-stream", "base64"),
	inline("inline-outlook-ja", "\r\n-----Original Message-----\r\n差出人: %[1]s <%[2]s>\r\n送信日時: %[3]s\r\n宛先: %[4]s\r\n件名: %[5]s\r\n\r\n%[6]s\r\n"),
	inline("inline-outlook-line-ja", "\r\n________________________________\r\n差出人: %[1]s <%[2]s>\r\n送信日時: %[3]s\r\n宛先: %[4]s <%[4]s>\r\n件名: %[5]s\r\n\r\n%[6]s\r\n"),
	inline("inline-outlook-en", "\r\n-----Original Message-----\r\nFrom: %[1]s <%[2]s>\r\nSent: %[3]s\r\nTo: %[4]s\r\nSubject: %[5]s\r\n\r\n%[6]s\r\n"),
	inline("inline-gmail-ja", "\r\n---------- Forwarded message ---------\r\nFrom: %[1]s <%[2]s>\r\nDate: %[3]s\r\nSubject: %[5]s\r\nTo: <%[4]s>\r\n\r\n\r\n%[6]s\r\n"),
	inline("inline-gmail-new-ja", "\r\n---------- 転送メッセージ ---------\r\nFrom: %[1]s <%[2]s>\r\n日付: %[3]s\r\n件名: %[5]s\r\nTo: %[4]s\r\n\r\n%[6]s\r\n"),
	inline("inline-apple-ja", "\r\n転送されたメッセージ：\r\n\r\n> 差出人: %[1]s <%[2]s>\r\n> 件名: %[5]s\r\n> 日付: %[3]s\r\n> 宛先: %[4]s\r\n> \r\n> %[6]s\r\n"),
	inline("inline-thunderbird-ja", "\r\n-------- 転送されたメッセージ --------\r\n件名: \t%[5]s\r\n日付: \t%[3]s\r\n差出人: \t%[1]s <%[2]s>\r\n宛先: \t%[4]s\r\n\r\n%[6]s\r\n"),
	afterwards("structure.mbox", func(x *mess, raw []byte) []byte {
		return append([]byte("From "+x.m.From+" Mon Jan  5 08:00:00 2026\r\n"), raw...)
	}),
	afterwards("structure.blank-first", func(x *mess, raw []byte) []byte { return append([]byte("\r\n \r\n\r\n"), raw...) }),
	{name: "structure.no-blank-line", alone: true, apply: func(x *mess) {
		x.plainUTF8()
		x.raw = append(x.raw, func(raw []byte) []byte { return bytes.Replace(raw, []byte("\r\n\r\n"), []byte("\r\n"), 1) })
	}},
	{name: "structure.no-type", alone: true, apply: func(x *mess) {
		x.plainUTF8()
		x.noMIME = true
	}},
	{name: "structure.html-without-type", alone: true, apply: func(x *mess) {
		x.plainUTF8()
		x.noMIME, x.asHTML = true, true
	}},
	typed("type-no-semicolon", "text/plain charset=UTF-8", false),
	typed("type-empty", "", false),
	typed("type-no-slash", "text; charset=utf-8", false),
	typed("type-trailing", "text/plain; charset=\"utf-8\";;; format=flowed;", false),
	typed("type-charset-twice", "text/plain; charset=utf-8; charset=utf-8", false),
	typed("html-as-plain", "text/plain; charset=utf-8", true),
	typed("html-as-unknown", "text/x-html; charset=utf-8", true),
	afterwards("structure.space-before-colon", func(x *mess, raw []byte) []byte {
		return bytes.Replace(bytes.Replace(raw, []byte("\r\nSubject:"), []byte("\r\nSubject :"), 1), []byte("\r\nFrom:"), []byte("\r\nFROM \t:"), 1)
	}),
	afterwards("structure.broken-field", func(x *mess, raw []byte) []byte {
		return bytes.Replace(raw, []byte("\r\nDate:"), []byte("\r\nthis is no field\r\n: nor this\r\nDate:"), 1)
	}),

	afterwards("lines.lf", func(x *mess, raw []byte) []byte { return bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\n")) }),
	afterwards("lines.cr", func(x *mess, raw []byte) []byte { return bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\r")) }),
	afterwards("lines.cr-cr-lf", func(x *mess, raw []byte) []byte {
		return bytes.ReplaceAll(raw, []byte("\r\n"), []byte("\r\r\n"))
	}),
	afterwards("lines.mixed", func(x *mess, raw []byte) []byte {
		pieces := bytes.Split(raw, []byte("\r\n"))
		var b bytes.Buffer
		for i, p := range pieces {
			if i > 0 {
				b.WriteString([]string{"\r\n", "\n", "\r\n"}[i%3])
			}
			b.Write(p)
		}
		return b.Bytes()
	}),
	afterwards("lines.nul", func(x *mess, raw []byte) []byte {
		raw = bytes.Replace(raw, []byte("\r\n\r\n"), []byte("\r\nX-Filler: a\x00b\r\n\r\n\x00"), 1)
		return append(raw, 0, 0)
	}),
	{name: "lines.long", apply: func(x *mess) {
		x.closing += " " + strings.Repeat("0123456789", 300)
		x.raw = append(x.raw, func(raw []byte) []byte {
			return bytes.Replace(raw, []byte("\r\nTo:"), []byte("\r\nX-Long: "+strings.Repeat("0123456789 ", 300)+"\r\nTo:"), 1)
		})
	}},
	afterwards("lines.no-end", func(x *mess, raw []byte) []byte { return bytes.TrimRight(raw, "\r\n") }),
}

var boundaryParam = regexp.MustCompile(`;\r\n boundary="([^"]+)"`)

// afterwards changes the whole mail.
func afterwards(name string, change func(x *mess, raw []byte) []byte) mistake {
	return mistake{name: name, apply: func(x *mess) {
		if strings.HasPrefix(name, "lines.") {
			x.ends = func(raw []byte) []byte { return change(x, raw) }
			return
		}
		x.raw = append(x.raw, func(raw []byte) []byte { return change(x, raw) })
	}}
}

// mixed is a multipart of text and a file, changed afterwards.
func mixed(name string, change func(x *mess, raw []byte) []byte) mistake {
	return with(afterwards("structure."+name, change), func(x *mess) {
		x.asHTML, x.structure = false, nil
		if x.file == nil {
			x.file = fileEncodedWord
		}
	})
}

// bounded is a multipart with a given boundary.
func bounded(name, mark string, quoted bool) mistake {
	return mistake{name: "structure." + name, apply: func(x *mess) {
		x.structure = func(body part) part {
			p := x.multipart("mixed", body)
			p.boundary = mark + x.draw(digits, 6)
			p.head[0] = "Content-Type: multipart/mixed; boundary=" + p.boundary
			if quoted {
				p.head[0] = "Content-Type: multipart/mixed; boundary=\"" + p.boundary + "\""
			}
			return p
		}
	}}
}

// typed is a body whose type is written so.
func typed(name, value string, html bool) mistake {
	return mistake{name: "structure." + name, alone: true, apply: func(x *mess) {
		x.plainUTF8()
		x.asHTML, x.typeLine = html, "Content-Type: "+value
	}}
}

// plainUTF8 is a body without anything else.
func (x *mess) plainUTF8() {
	x.asHTML, x.structure, x.file = false, nil, nil
	x.form, x.transfer = textForm{"UTF-8", "utf-8"}, transferForm{"8bit", as("8bit")}
}

// original draws the mail that is forwarded.
func (x *mess) original() *Truth {
	return &Truth{
		Subject:  x.word("jsubject", true),
		FromName: x.word("jname", true),
		From:     x.draw(small, 5) + "@" + x.word("jhost", true),
		Text:     x.word("jtext", true),
	}
}

// attached is a forwarded mail that is attached.
func attached(name, mediaType, encoding string) mistake {
	return mistake{name: "structure." + name, apply: func(x *mess) {
		o := x.original()
		x.m.Original = o
		x.m.Subject = "FW: " + o.Subject
		x.structure = func(body part) part {
			inner := part{head: []string{
				"From: " + encodedWords(o.FromName, "UTF-8", false) + " <" + o.From + ">",
				"To: " + x.word("toaddr", false),
				"Subject: " + encodedWords(o.Subject, "ISO-2022-JP", false),
				"Date: Mon, 05 Jan 2026 08:00:00 +0900",
				"MIME-Version: 1.0",
				"Content-Type: text/plain; charset=ISO-2022-JP",
				"Content-Transfer-Encoding: 7bit",
			}, body: bytesIn("jis", o.Text+"\r\n")}
			var b bytes.Buffer
			inner.write(&b)
			p := part{
				head: []string{"Content-Type: " + mediaType, "Content-Transfer-Encoding: " + encoding, "Content-Disposition: attachment; filename=\"original.eml\""},
				body: encode(b.Bytes(), encoding),
			}
			x.m.Files = append(x.m.Files, "original.eml")
			return x.multipart("mixed", body, p)
		}
	}}
}

// inline is a forwarded mail whose header lines stand in the text.
func inline(name, format string) mistake {
	return mistake{name: "structure." + name, apply: func(x *mess) {
		o := x.original()
		x.m.Original = o
		x.m.Subject = "Fwd: " + o.Subject
		if strings.Contains(name, "outlook") {
			x.m.Subject = []string{"FW: ", "Fw: ", "転送: "}[x.r.IntN(3)] + o.Subject
		}
		x.asHTML, x.structure = false, nil
		x.closing += fmt.Sprintf(format, o.FromName, o.From, x.at.Format("2006/01/02 15:04"), x.word("toaddr", false), o.Subject, o.Text)
	}}
}
