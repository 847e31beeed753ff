// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"teiten/internal/mail"
	"teiten/internal/outlook"
	"teiten/internal/outlooktest"
)

// written is a mail as Outlook keeps it: in code page 932, its HTML in
// compressed RTF, a file with a Japanese name, and a mail attached.
func written() outlook.Item {
	return outlook.Item{
		Class: "IPM.Note", Subject: "請求書①の送付（髙橋）", FromName: "経理 太郎", From: "keiri@seikyu.example",
		To: []outlook.Person{{Name: "佐藤 花子", Address: "sato@hospital.example"}}, Date: time.Date(2026, 11, 20, 1, 2, 0, 0, time.UTC), MessageID: "1@seikyu.example",
		HTML: []byte(`<html><body><p>振込先が変わりました。</p><a href="https://seikyu.example/pay?id=1">確認</a></body></html>`),
		Attachments: []outlook.Attachment{
			{Name: "請求書_11月分.pdf.exe", MediaType: "application/octet-stream", Data: []byte("harmless")},
			{Name: "前のメール.msg", Item: &outlook.Item{Class: "IPM.Note", Subject: "中のメール", From: "a@inner.example", Text: "本文 https://inner.example/x"}},
		},
	}
}

// check compares what was read with what was written.
func check(t *testing.T, m *mail.Message) {
	t.Helper()
	if m.Subject != "請求書①の送付（髙橋）" {
		t.Errorf("subject %q", m.Subject)
	}
	if len(m.From) != 1 || m.From[0].Address != "keiri@seikyu.example" || m.From[0].Name != "経理 太郎" {
		t.Errorf("from %v", m.From)
	}
	html := ""
	for _, p := range m.HTML() {
		html += p.Text
	}
	if !strings.Contains(html, "振込先が変わりました") || !strings.Contains(html, `https://seikyu.example/pay?id=1`) {
		t.Errorf("HTML %q", html)
	}
	names, inner := "", ""
	for _, p := range m.Files() {
		names += p.Name + "|"
		if p.Message != nil {
			inner += p.Message.Subject
			for _, text := range p.Message.Texts() {
				inner += text.Text
			}
		}
	}
	if !strings.Contains(names, "請求書_11月分.pdf.exe|") || !strings.Contains(inner, "中のメール") || !strings.Contains(inner, "https://inner.example/x") {
		t.Errorf("files %q, inside %q", names, inner)
	}
}

// A .msg is read as it is handed in, and as a file of another mail.
func TestMsg(t *testing.T) {
	for _, o := range []outlooktest.Options{{}, {HTMLInRTF: true}, {CodePage: 932, HTMLInRTF: true}, {CodePage: 65001}} {
		t.Run(fmt.Sprintf("%+v", o), func(t *testing.T) {
			file := outlooktest.Msg(written(), o)
			m, err := mail.Read(file, mail.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if m.Format != mail.MSG {
				t.Errorf("format %s", m.Format)
			}
			check(t, m)

			outer, err := mail.Read(around("application/vnd.ms-outlook", "mail.msg", file), mail.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			all := outer.Forwards()
			if len(all) != 3 || all[1].Found != mail.Attached {
				t.Fatalf("%d mails inside each other", len(all))
			}
			check(t, all[1].Message)
		})
	}
}

// A winmail.dat is opened: its body and files are those of the mail.
func TestTNEF(t *testing.T) {
	m, err := mail.Read(around("application/ms-tnef", "winmail.dat", outlooktest.TNEF(written(), outlooktest.Options{HTMLInRTF: true})), mail.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	m.Subject, m.From = "請求書①の送付（髙橋）", []mail.Address{{Name: "経理 太郎", Address: "keiri@seikyu.example"}} // of the outer header
	check(t, m)
}

// around is a mail with one file.
func around(kind, name string, file []byte) []byte {
	return []byte("From: staff@hospital.example\r\nTo: houkoku@portal.example\r\nSubject: FW: mail\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n" +
		"--b\r\nContent-Type: text/plain\r\n\r\n怪しいメールです。\r\n--b\r\nContent-Type: " + kind + "; name=\"" + name + "\"\r\nContent-Disposition: attachment; filename=\"" + name +
		"\"\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.StdEncoding.EncodeToString(file) + "\r\n--b--\r\n")
}
