// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck_test

import (
	"strings"
	"testing"

	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// TestHarmlessInside: an attacker cannot hide behind a harmless mail that he
// attaches to his own, as if it were the one in question.
func TestHarmlessInside(t *testing.T) {
	const hostile = "From: =?UTF-8?B?44K344K544OG44Og566h55CG6ICF?= <admin@webmail-kanri.example>\r\nTo: a@hospital.example\r\nReply-To: x@freemail.example\r\n" +
		"Subject: FW: =?UTF-8?B?44CQ6YeN6KaB44CR44Ki44Kr44Km44Oz44OI5Yip55So5YGc5q2i?=\r\nDate: Mon, 02 Mar 2026 09:00:00 +0900\r\nMessage-ID: <2@webmail-kanri.example>\r\n" +
		"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=UTF-8\r\n\r\n" +
		"<p>パスワードの有効期限が切れました。本日中に本人確認をしないとアカウントが利用停止になります。</p>" +
		"<p><a href=\"https://webmail-kanri.example/?u=a@hospital.example\">https://mail.hospital.example/</a></p>\r\n" +
		"--b\r\nContent-Type: message/rfc822\r\n\r\n"
	raw := []byte(hostile + plainMail + "\r\n--b--\r\n")
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		checker, err := mailcheck.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		a, err := checker.Check(ctx, db, p.StaffA, raw)
		if err != nil {
			t.Fatal(err)
		}
		if a.Verdict == mailcheck.Unknown || a.Found != mail.Itself || !strings.Contains(a.Mail.From[0].Address, "webmail-kanri") {
			t.Errorf("%s, %s: %v", a.Verdict, a.Found, a.Mail.From)
		}
		// Also when somebody forwards the attacker's mail as an attachment.
		staff := []byte("From: b@hospital.example\r\nTo: houkoku@portal.example\r\nSubject: FW: check this\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=s\r\n\r\n" +
			"--s\r\nContent-Type: text/plain; charset=UTF-8\r\n\r\nお願いします。\r\n--s\r\nContent-Type: message/rfc822\r\n\r\n" + string(raw) + "\r\n--s--\r\n")
		for name, k := range map[string]*mailcheck.Checker{"handed in": checker, "forwarded": checker.With(mailcheck.Options{Forwarded: true})} {
			a, err := k.Check(ctx, db, p.StaffA, staff)
			if err != nil {
				t.Fatal(err)
			}
			if a.Verdict == mailcheck.Unknown || a.Found != mail.Attached || !strings.Contains(a.Mail.From[0].Address, "webmail-kanri") {
				t.Errorf("%s: %s, %s: %v", name, a.Verdict, a.Found, a.Mail.From)
			}
		}
		forwarded, err := checker.With(mailcheck.Options{Forwarded: true}).Check(ctx, db, p.StaffA, raw)
		if err != nil {
			t.Fatal(err)
		}
		if forwarded.Verdict != mailcheck.Unknown || forwarded.Found != mail.Attached {
			t.Errorf("of a forwarded mail, the one inside is in question: %s, %s", forwarded.Verdict, forwarded.Found)
		}
	})
}
