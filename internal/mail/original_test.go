// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"strings"
	"testing"
)

func TestOriginalInline(t *testing.T) {
	// Each has the sender evil@x.example and the subject 至急のお知らせ.
	blocks := map[string]string{
		"Outlook, Japanese":  "差出人: 偽銀行 <evil@x.example>\n送信日時: 2026年11月22日 12:34\n宛先: 山田 <y@hospital.example>\n件名: 至急のお知らせ\n\n本文 https://evil.example/\n",
		"Outlook, line":      "________________________________\nFrom: 偽銀行 <evil@x.example>\nSent: Sunday, November 22, 2026 12:34 PM\nTo: y@hospital.example\nSubject: 至急のお知らせ\n\n本文 https://evil.example/\n",
		"Gmail":              "---------- Forwarded message ---------\nFrom: 偽銀行 <evil@x.example>\nDate: 2026年11月22日(日) 12:34\nSubject: 至急のお知らせ\nTo: <y@hospital.example>\n\n\n本文 https://evil.example/\n",
		"Gmail, Japanese":    "---------- 転送メッセージ ----------\n差出人: 偽銀行 <evil@x.example>\n日付: 2026年11月22日 12:34\n件名: 至急のお知らせ\nTo: y@hospital.example\n\n本文 https://evil.example/\n",
		"Apple Mail":         "転送されたメッセージの開始:\n\n差出人: 偽銀行 <evil@x.example>\n件名: 至急のお知らせ\n日付: 2026年11月22日 12:34:00 JST\n宛先: y@hospital.example\n\n本文 https://evil.example/\n",
		"Apple Mail, quoted": "> Begin forwarded message:\n> \n> From: 偽銀行 <evil@x.example>\n> Subject: 至急のお知らせ\n> Date: November 22, 2026 at 12:34:00 JST\n> To: y@hospital.example\n> \n> 本文 https://evil.example/\n",
		"Thunderbird":        "-------- 転送メッセージ --------\n件名: \t至急のお知らせ\n日付: \tSun, 22 Nov 2026 12:34:00 +0900\n差出人: \t偽銀行 <evil@x.example>\n宛先: \ty@hospital.example\n\n本文 https://evil.example/\n",
		"Becky!":             "Forwarded by 山田 <y@hospital.example>\n--------------- Original Message ---------------\n From:    偽銀行 <evil@x.example>\n To:      y@hospital.example\n Date:    Sun, 22 Nov 2026 12:34:00 +0900\n Subject: 至急のお知らせ\n ----\n\n本文 https://evil.example/\n--------------- Original Message Ends ---------------\n",
		"full-width marks":   "----- 元のメッセージ -----\n｜差出人：偽銀行＜evil@x.example＞\n｜件名：至急のお知らせ\n｜日時：2026/11/22 12:34\n｜\n｜本文 https://evil.example/\n",
		"bold":               "*差出人:* 偽銀行 <evil@x.example>\n*送信日時:* 2026年11月22日 12:34\n*宛先:* y@hospital.example\n*件名:* 至急のお知らせ\n\n本文 https://evil.example/\n",
		"mailto":             "From: 偽銀行 [mailto:evil@x.example]\nSent: Sunday, November 22, 2026 12:34 PM\nTo: y@hospital.example\nSubject: 至急のお知らせ\n\n本文 https://evil.example/\n",
	}
	check := func(name string, o *Message, found Found) {
		t.Helper()
		if found != Inline || len(o.From) != 1 || o.From[0].Address != "evil@x.example" || o.Subject != "至急のお知らせ" {
			t.Errorf("%s: %s %v %q", name, found, o.From, o.Subject)
			return
		}
		if !repaired(o, "repair_inline") || len(o.Texts()) != 1 || !strings.HasPrefix(strings.TrimLeft(o.Texts()[0].Text, "- \n"), "本文 https://evil.example/") {
			t.Errorf("%s: %v %s", name, o.Repairs, outline(o.Root))
		}
		if o.Date.UTC().Format("2006-01-02 15:04") != "2026-11-22 03:34" {
			t.Errorf("%s: %v", name, o.Date)
		}
	}
	for name, b := range blocks {
		o, found := read(t, "From: y@hospital.example\nTo: isac@isac.example\nSubject: Fwd: 至急のお知らせ\n\nこれは怪しいですか。\n\n"+b).Original()
		check(name, o, found)
		o, found = read(t, b).Original() // pasted
		check(name+", pasted", o, found)
		if _, found := read(t, "From: y@hospital.example\nSubject: Re: x\n\n返事です。\n\n----- Original Message -----\n"+strings.ReplaceAll(b[max(0, strings.Index(b, "\n差出人")):], "Forwarded", "")).Original(); strings.HasPrefix(name, "Outlook, J") && found != Itself {
			t.Errorf("%s: an answer is %s", name, found)
		}
	}
}

func TestOriginalHTML(t *testing.T) {
	for name, page := range map[string]string{
		"Gmail":       `<div dir="ltr"><div>見てください</div><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>差出人: <strong>偽銀行</strong> <span>&lt;<a href="mailto:evil@x.example">evil@x.example</a>&gt;</span><br>Date: 2026年11月22日(日) 12:34<br>Subject: 至急<br>To: &lt;y@hospital.example&gt;<br></div><p><a href="https://evil.example/">こちら</a></p></div></div>`,
		"Outlook":     `<html><body><p>見て</p><div style="border-top:solid"><p><b>差出人:</b> 偽銀行 &lt;evil@x.example&gt;<br><b>送信日時:</b> 2026年11月22日 12:34<br><b>宛先:</b> y@hospital.example<br><b>件名:</b> 至急</p></div><p><a href="https://evil.example/">こちら</a></p></body></html>`,
		"Thunderbird": `<body><br>-------- 転送メッセージ --------<table><tr><th>件名: </th><td>至急</td></tr><tr><th>日付: </th><td>Sun, 22 Nov 2026 12:34:00 +0900</td></tr><tr><th>差出人: </th><td>偽銀行 &lt;evil@x.example&gt;</td></tr></table><br><a href="https://evil.example/">こちら</a></body>`,
		"pre":         "<body><pre>-------- Forwarded Message --------\nSubject: 至急\nFrom: &lt;evil@x.example&gt;\n\n</pre><a href=\"https://evil.example/\">こちら</a>",
	} {
		o, found := read(t, "From: y@hospital.example\nSubject: FW: 至急\nContent-Type: text/html; charset=utf-8\n\n"+page).Original()
		if found != Inline || len(o.From) != 1 || o.From[0].Address != "evil@x.example" || o.Subject != "至急" {
			t.Errorf("%s: %s %v %q", name, found, o.From, o.Subject)
			continue
		}
		if len(o.HTML()) != 1 || !strings.Contains(o.HTML()[0].Text, `href="https://evil.example/"`) || strings.Contains(o.HTML()[0].Text, "差出人") {
			t.Errorf("%s: %s", name, outline(o.Root))
		}
	}
}

func TestOriginalAttached(t *testing.T) {
	inner := "From: evil@x.example\nSubject: 至急\n\n本文\n"
	wrap := func(head, note, typ string) string {
		return head + "Content-Type: multipart/mixed; boundary=b\n\n--b\n\n" + note + "\n--b\nContent-Type: " + typ + "\n\n" + inner + "\n--b--\n"
	}
	o, found := read(t, wrap("From: y@h.example\nSubject: Fwd: x\n", "見てください", "message/rfc822")).Original()
	if found != Attached || o.From[0].Address != "evil@x.example" {
		t.Errorf("%s %v", found, o.From)
	}
	o, found = read(t, wrap("From: y@h.example\nSubject: 怪しいメール\n", "見てください", "application/octet-stream; name=a.eml")).Original()
	if found != Attached || o.Subject != "至急" {
		t.Errorf("%s %q", found, o.Subject)
	}
	inner = "From: z@h.example\nSubject: FW: 至急\n\n差出人: 偽 <evil@x.example>\n件名: 至急\n\n本文\n"
	if o, found = read(t, wrap("From: y@h.example\nSubject: Fwd: FW: x\n", "", "message/rfc822")).Original(); found != Inline || o.From[0].Address != "evil@x.example" {
		t.Errorf("nested: %s %v", found, o.From)
	}
	for name, raw := range map[string]string{
		"bounce":      "From: MAILER-DAEMON@h.example\nSubject: Undelivered\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nfailed\n--b\nContent-Type: message/rfc822\n\nFrom: a@b.example\nSubject: x\n\ny\n--b--\n",
		"digest":      "From: list@h.example\nSubject: Digest\nContent-Type: multipart/digest; boundary=b\n\n--b\n\nFrom: a@b.example\n\ny\n--b--\n",
		"long letter": wrap("From: y@h.example\nSubject: minutes\n", strings.Repeat("A long letter about something else. ", 100), "message/rfc822"),
		"answer":      "From: y@h.example\nSubject: Re: x\n\nyes\n\n-----Original Message-----\nFrom: a@b.example\nSent: Monday\nTo: y@h.example\nSubject: x\n\ntext\n",
		"nothing":     "From: y@h.example\nSubject: x\n\ntext\n",
		"words":       "From: y@h.example\nSubject: Fwd: x\n\nFrom: nothing else\n",
	} {
		m := read(t, raw)
		if o, found := m.Original(); found != Itself || o != m {
			t.Errorf("%s: %s", name, found)
		}
	}
}

// TestOriginalFiles: files of an inline forward are the original's.
func TestOriginalFiles(t *testing.T) {
	m := read(t, "From: y@h.example\nSubject: Fwd: x\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\n---------- Forwarded message ----------\nFrom: evil@x.example\nSubject: x\n\nhi\n--b\nContent-Type: application/zip; name=a.zip\n\nPK\x03\x04\n--b--\n")
	o, found := m.Original()
	if found != Inline || len(o.Files()) != 1 || o.Files()[0].Path != "1.2" {
		t.Errorf("%s %s", found, outline(o.Root))
	}
}

func TestIsForward(t *testing.T) {
	for subject, want := range map[string]bool{
		"Fwd: x": true, "FW: x": true, "転送: x": true, "転送：x": true, "Ｆｗ：x": true, "[Fwd: x]": true, "[list 12] Fwd: x": true, "【転送】x": true, "【至急】FW: x": true,
		"Re: Fwd: x": false, "forward plan: x": false, "x": false, "": false, "FW[2]: x": true, "外部 Fw: x": true, "Re: a Fw: x": false,
	} {
		if got := isForward(subject); got != want {
			t.Errorf("%q: %v", subject, got)
		}
	}
}
