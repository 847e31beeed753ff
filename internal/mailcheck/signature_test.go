// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/emersion/go-msgauth/dkim"

	"teiten/internal/mail"
	"teiten/internal/mailcheck"
)

// signed is a mail that a domain signed, and the record of its key.
func signed(t *testing.T, domain string) (name, record string, raw []byte) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	text := "From: a@" + domain + "\r\nTo: b@hospital.example\r\nSubject: notice\r\nDate: Mon, 02 Mar 2026 09:00:00 +0900\r\nMessage-ID: <1@" + domain + ">\r\n\r\nhello\r\n"
	if err := dkim.Sign(&b, strings.NewReader(text), &dkim.SignOptions{Domain: domain, Selector: "s1", Signer: private}); err != nil {
		t.Fatal(err)
	}
	return "s1._domainkey." + domain, "v=DKIM1; k=ed25519; p=" + base64.StdEncoding.EncodeToString(public), b.Bytes()
}

func TestSignature(t *testing.T) {
	name, record, raw := signed(t, "amazon.co.jp")
	m, err := mail.Read(raw, mail.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	asked := 0
	f := mailcheck.Facts{DKIM: func(n string) (string, bool) {
		asked++
		return record, n == name
	}}
	if a := mailcheck.Judge(m, f); !says(a, "good.authenticated") || says(a, "auth.signature") || asked == 0 {
		t.Errorf("signed rightly, asked %d times: %+v", asked, a.Findings)
	}
	broken, err := mail.Read(bytes.Replace(raw, []byte("hello"), []byte("hallo"), 1), mail.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if a := mailcheck.Judge(broken, f); says(a, "good.authenticated") || !says(a, "auth.signature") {
		t.Errorf("changed after it was signed: %+v", a.Findings)
	}
	f.DKIM = func(string) (string, bool) { return "", false }
	if a := mailcheck.Judge(broken, f); says(a, "good.authenticated") || says(a, "auth.signature") {
		t.Errorf("without a key nothing is known: %+v", a.Findings)
	}
}

// A mail whose parts are named twice, so that filters and programs read
// different ones.
func TestBroken(t *testing.T) {
	for raw, want := range map[string]bool{
		"From: a@b.example\r\nSubject: x\r\nContent-Type: text/plain\r\nContent-Type: text/html\r\nDate: Mon, 02 Mar 2026 09:00:00 +0900\r\n\r\n<a href=x>y</a>\r\n": true,
		"From: a@b.example\r\nSubject: x\r\nContent-Type: text/plain\r\nDate: Mon, 02 Mar 2026 09:00:00 +0900\r\n\r\nhello\r\n":                                      false,
	} {
		m, err := mail.Read([]byte(raw), mail.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if a := mailcheck.Judge(m, mailcheck.Facts{}); says(a, "structure.evasion") != want {
			t.Errorf("%v of %+v", a.Findings, m.Repairs)
		}
	}
}
