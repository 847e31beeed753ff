// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"teiten/internal/indicator"
	"teiten/internal/mail"
)

// whole is a mail with something to hide in every place.
const whole = "Return-Path: <bounce-483920-teshigawara.madoka=hospital.example.jp@list.evil.example>\r\n" +
	"Delivered-To: teshigawara.madoka@hospital.example.jp\r\n" +
	"Received: from mx.hospital.example.jp (mx.hospital.example.jp [203.0.113.9]) by mbox01.local with LMTP id x for <teshigawara.madoka@hospital.example.jp>; Fri, 20 Nov 2026 09:00:03 +0900\r\n" +
	"Received: from relay.evil.example (helo [10.0.0.7] [198.51.100.7]) by mx.hospital.example.jp with ESMTPS id 4Xy for <teshigawara.madoka@hospital.example.jp>; Fri, 20 Nov 2026 09:00:01 +0900\r\n" +
	"Received: from pc-1.local ([192.168.3.4]) by relay.evil.example; Fri, 20 Nov 2026 09:00:00 +0900\r\n" +
	"Authentication-Results: mx.hospital.example.jp; spf=fail (sender IP is 198.51.100.7) smtp.mailfrom=evil.example; dkim=none header.d=hospital.example.jp; dmarc=fail header.from=evil.example\r\n" +
	"DKIM-Signature: v=1; a=rsa-sha256; d=evil.example; s=sel1; bh=AAAA; b=BBBB\r\n" +
	"X-Spam-Status: No, for teshigawara.madoka\r\n" +
	"X-Mailer: Foxmail 7 (user teshigawara.madoka)\r\n" +
	"Message-ID: <teshigawara.madoka.1@mail.evil.example>\r\n" +
	"List-Unsubscribe: <https://list.evil.example/u?m=teshigawara.madoka@hospital.example.jp>\r\n" +
	"From: =?UTF-8?B?5a6F6YWN44K144O844OT44K5?= <notice@evil.example>\r\n" +
	"To: =?UTF-8?B?5YuF5L2/5bed5Y6f44CA44G+44Gp44GL?= <teshigawara.madoka@hospital.example.jp>\r\n" +
	"Subject: =?UTF-8?B?5YuF5L2/5bed5Y6f5qeY44CB44GK6I2354mp44Gu44GU6YCj57Wh?=\r\n" +
	"Date: Fri, 20 Nov 2026 09:00:00 +0900\r\nMIME-Version: 1.0\r\n" +
	"Content-Type: multipart/mixed; boundary=b\r\n\r\n" +
	"--b\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n" +
	"<html><head><title>teshigawara</title><style>.a{}</style></head><body><!-- teshigawara.madoka --><div style='display:none'>secret 佐藤花子</div>" +
	"<p title='佐藤花子'>勅使<b>川原</b>様</p><p>お荷物は<a href='https://track.evil.example/p?e=teshigawara.madoka%40hospital.example.jp&amp;v=2'>こちら</a>、" +
	"<a href='mailto:suzuki.ichiro@hospital.example.jp'>鈴木</a>まで。2026年11月30日まで保管。</p>" +
	"<img src='https://pixel.evil.example/o.gif?uid=83920485'><form action='https://login.evil.example/in'></form><a href='javascript:alert(1)'>x</a></body></html>\r\n" +
	"--b\r\nContent-Type: application/pdf; name=\"=?UTF-8?B?5YuF5L2/5bed5Y6f44G+44Gp44GL5qeYX+iri+axguabuC5wZGY=?=\"\r\nContent-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\nJVBERg==\r\n" +
	"--b--\r\n"

func readWhole(t testing.TB) *mail.Message {
	t.Helper()
	m, err := mail.Read([]byte(whole), mail.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func texts(list []Piece) (all []string) {
	for _, p := range list {
		all = append(all, strings.TrimPrefix(p.Where, "header:")+": "+p.Text)
	}
	return all
}

func TestWhole(t *testing.T) {
	out := Redact(readWhole(t), testInside, nil)
	equal := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %q\nwant %q", what, got, want)
		}
	}
	equal("subject", out.Subject.Text, "【宛先】様、お荷物のご連絡")
	equal("from", texts(out.From), []string{"from: 宅配サービス <notice@evil.example>"})
	equal("return-path", out.ReturnPath.Text, "【宛先】@list.evil.example")
	equal("date", out.Date, "2026-11-20T00:00:00Z")
	equal("header", texts(out.Header), []string{
		"received: from 203.0.113.9; 2026-11-20T00:00:03Z",
		"received: from relay.evil.example 198.51.100.7; 2026-11-20T00:00:01Z",
		"authentication-results: spf=fail smtp.mailfrom=evil.example; dkim=none; dmarc=fail header.from=evil.example",
		"dkim-signature: d=evil.example s=sel1",
		"x-mailer: Foxmail 7 (user 【宛先】)",
		"message-id: mail.evil.example",
		"list-unsubscribe: list.evil.example",
	})
	equal("body", texts(out.Body), []string{"html: 【宛先】様\n\nお荷物はこちら、【氏名】まで。2026年11月30日まで保管。\nx"})
	equal("links", texts(out.Links), []string{
		"link: https://track.evil.example/p?e=*&v=2",
		"link: mailto:【メールアドレス】",
		"link: https://pixel.evil.example/o.gif?uid=*",
		"link: https://login.evil.example/in",
		"link: javascript:",
	})
	if len(out.Files) != 1 || out.Files[0].Name.Text != "【宛先】様_請求書.pdf" || out.Files[0].Size != 4 ||
		out.Files[0].SHA256 != "315d429b7714cedb6ad04ac31240145257692630457f3c88253c5beceac76027" {
		t.Errorf("files: %+v", out.Files)
	}
	var found []string
	for _, v := range out.Indicators {
		found = append(found, string(v.Kind)+" "+v.Value)
	}
	equal("indicators", found, []string{
		"email notice@evil.example", "url https://track.evil.example/p?e=*&v=2",
		"url https://pixel.evil.example/o.gif?uid=*", "url https://login.evil.example/in",
		"sha256 315d429b7714cedb6ad04ac31240145257692630457f3c88253c5beceac76027",
	})
	total := 0
	for _, n := range out.Counts {
		total += n
	}
	spans := 0
	out.each(func(p *Piece) { spans += len(p.Spans) })
	equal("counts", total, spans)
}

// TestJSON holds that a redacted mail survives storage, and that nothing of
// what it hides is stored.
func TestJSON(t *testing.T) {
	out := Redact(readWhole(t), testInside, []string{"お荷物"})
	b, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	var back Mail
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(&back)
	if err != nil || !bytes.Equal(b, again) {
		t.Errorf("%v\n%s\n%s", err, b, again)
	}
	segments, err := json.Marshal(out.Subject.Segments())
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"勅使川原", "teshigawara", "お荷物", "hospital.example.jp", "佐藤"} {
		if bytes.Contains(b, []byte(secret)) || bytes.Contains(segments, []byte(secret)) {
			t.Errorf("%s is stored: %s %s", secret, b, segments)
		}
	}
	if s := back.Subject.Segments(); len(s) == 0 || s[0].Kind != Recipient || s[0].Original != "" {
		t.Errorf("segments of a stored mail: %+v", s)
	}
}

// TestLeftOut holds what is left out rather than shared unexamined.
func TestLeftOut(t *testing.T) {
	code := func(m *mail.Message) string {
		out := Redact(m, testInside, nil)
		var codes []string
		for _, o := range out.Omitted {
			codes = append(codes, o.Where+" "+o.Code)
		}
		for _, p := range out.Body {
			if strings.Contains(p.Text, "末尾") {
				t.Errorf("the end of a long text is shared")
			}
		}
		return strings.Join(codes, ",")
	}
	read := func(kind, body string) *mail.Message {
		m, err := mail.Read([]byte("From: a@evil.example\r\nTo: b@hospital.example.jp\r\nSubject: x\r\nContent-Type: "+kind+"; charset=utf-8\r\n\r\n"+body), mail.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if got := code(read("text/plain", strings.Repeat("長い本文です。\n", 60_000)+"末尾")); got != "text redact.omitted_long" {
		t.Errorf("a long text: %s", got)
	}
	if got := code(read("text/html", strings.Repeat("<div>", 5_000)+"末尾")); got != "html redact.omitted_html" {
		t.Errorf("deep HTML: %s", got)
	}
	m := read("text/plain", "末尾")
	for i := range maxRecipients + 1 {
		m.Cc = append(m.Cc, mail.Address{Address: fmt.Sprintf("u%d@hospital.example.jp", i)})
	}
	if got := code(m); got != "text redact.omitted_recipients" {
		t.Errorf("too many recipients: %s", got)
	}
	if got := code(read("text/plain", "短い本文")); got != "" {
		t.Errorf("a short text: %s", got)
	}
}

// TestHostile holds that no text takes long: a quarter of the limit, so that a
// quadratic rule would still take minutes.
func TestHostile(t *testing.T) {
	for _, unit := range []string{"カルテ", "患者名：", "様", "佐藤", "0", "0-", "1丁目", "To: @\n ", "(", "@", "a.", "http://a.example/?", "%25", "=3D", "&#64;",
		"【", "【宛先】", "东京都", "東京都", "\u200b", "か\u3099", "e\u0301", "¥¥", `\\a`, "2026-", "S", "dGVz", "-ku ", "氏", "Dr. A ", "hospital.example.jp", "t", "\n", " ", "a@b.", "fd00::"} {
		m := testMail()
		size := maxBody / 4
		if testing.Short() {
			size /= 8
		}
		text := strings.Repeat(unit, size/len(unit))
		m.Root = &mail.Part{Path: "1", MediaType: "text/plain", Text: text}
		start := time.Now()
		Redact(m, testInside, []string{strings.Repeat("t", 100), "ttt"})
		if d := time.Since(start); d > 12*time.Second {
			t.Errorf("%q took %v", unit, d)
		} else {
			t.Logf("%q: %v", unit, d.Round(time.Millisecond))
		}
	}
}

var (
	insideAddress = regexp.MustCompile(`(?i)[a-z0-9._%+-]+@([a-z0-9-]+\.)*hospital\.example\.jp\b`)
	insideName    = regexp.MustCompile(`(?i)(^|[^a-z0-9-])([a-z0-9_-]+\.)*hospital\.example\.jp($|[^a-z0-9])`)
	recipientWord = regexp.MustCompile(`(?i)(^|[^a-z0-9])teshigawara\.madoka($|[^a-z0-9])`)
)

// FuzzRedact holds for any text, in any place of a mail, that nothing of the
// inside survives, that spans are marks, that hiding twice is hiding once, and
// that the mail can be stored.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{
		"佐藤花子様　TEL ０３−１２３４ー５６７８ teshigawara.madoka@hospital.example.jp",
		"https://evil.example/?e=teshigawara.madoka%40hospital.example.jp#dGVzaGlnYXdhcmEubWFkb2th",
		"患者名：山田　太郎（ヤマダ タロウ）S25.1.2 〒100-0005 東京都千代田区丸の内1-2-3",
		"x@hospital[.]example[.]jp \\\\fs\\a 10.0.0.1 【宛先】様 *a*",
		"<p>a<b>勅使</b>川原</p><a href='//pc.hospital.example.jp/'>x</a>",
		"te\u200bshigawara.madoka =E4=BD=90 &#x4f50; \\u4f50 %E4%BD%90\u0000\xff",
	} {
		f.Add(s, "ひみつ")
	}
	all := New(testInside)
	f.Fuzz(func(t *testing.T, s, hide string) {
		if len(s) > 1<<14 || len(hide) > 100 {
			return
		}
		m := testMail()
		m.Subject = s
		m.From[0].Name = s
		m.Root = &mail.Part{Path: "1", MediaType: "text/plain", Text: s}
		if strings.Contains(s, "<") {
			m.Root.MediaType = "text/html"
		}
		out := all.Redact(m, []string{hide})
		for _, p := range out.Pieces() {
			if !utf8.ValidString(p.Text) {
				t.Fatalf("%s of %q is no UTF-8: %q", p.Where, s, p.Text)
			}
			at := 0
			for _, span := range p.Spans {
				if span.Start < at || span.End > len(p.Text) || span.Start >= span.End {
					t.Fatalf("%s: %+v in %q", p.Where, p.Spans, p.Text)
				}
				if mark := p.Text[span.Start:span.End]; mark != star && mark != span.Kind.Mark() {
					t.Fatalf("%s: %q is no mark of %s", p.Where, mark, span.Kind)
				}
				at = span.End
			}
			for _, secret := range []*regexp.Regexp{insideAddress, insideName, recipientWord} {
				if found := secret.FindString(p.Text); found != "" {
					t.Fatalf("%s: %q of %q is left in %q", p.Where, found, s, p.Text)
				}
			}
		}
		for _, v := range out.Indicators {
			if insideName.MatchString(v.Value) || insideName.MatchString(v.Written) || v.Kind == indicator.Email && strings.HasSuffix(v.Host, "hospital.example.jp") {
				t.Fatalf("indicator %+v of %q", v, s)
			}
		}
		r, _ := all.prepare(m, []string{hide})
		for _, p := range append(out.Body, out.Subject) {
			rule := everything
			if p.Where == "text" || p.Where == "html" {
				rule = letter
			}
			if d, ok := r.hide(p.Text, rule); !ok || d.text != p.Text {
				t.Fatalf("%q of %q becomes %q when hidden again", p.Text, s, d.text)
			}
		}
		b, err := json.Marshal(out)
		if err != nil {
			t.Fatal(err)
		}
		var back Mail
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if again, err := json.Marshal(&back); err != nil || !bytes.Equal(b, again) {
			t.Fatalf("stored mail differs: %v\n%s\n%s", err, b, again)
		}
	})
}
