// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"teiten/internal/program"
	"teiten/internal/storetest"
)

func TestReceive(t *testing.T) {
	each(t, func(w *world) {
		w.serve()
		text := forward(hanako, "a", hostile("a"))
		if got := w.deliver(hanako, strings.ToUpper(w.address.Address), text); !strings.HasPrefix(got, "250 2.0.0") {
			w.t.Fatal(got)
		}
		all := w.mails()
		if len(all) != 1 {
			w.t.Fatalf("%d mails", len(all))
		}
		m := all[0]
		if m.State != Received || m.Org != w.p.StaffA.Org || m.account != w.p.StaffA.Account || m.address != w.address.ID || m.Fetched || m.Reply != NoReply {
			w.t.Errorf("%+v", m)
		}
		if got, want := w.raw(m), strings.ReplaceAll(text, "\n", "\r\n")+"\r\n"; got != want {
			w.t.Errorf("stored %q\nwant %q", got, want)
		}
		if from, err := w.blobs.Keyring().Reveal(senderUse, m.sender); err != nil || string(from) != hanako {
			w.t.Errorf("sender %s, %v", from, err)
		}
		if n := w.count(`SELECT COUNT(*) FROM job WHERE kind = $1 AND state = 'available'`, HandleJob); n != 1 {
			w.t.Errorf("%d jobs", n)
		}
		// What was stored names nobody in clear.
		if n := w.count(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%hanako%' OR detail LIKE '%houkoku-%'`); n != 0 {
			w.t.Errorf("%d audit records name somebody", n)
		}
		if strings.Contains(w.log.String(), "hanako") {
			w.t.Errorf("the log names the sender: %s", w.log)
		}
	})
}

// A client that lost our answer sends the same again; another mail, another
// sender and another day are others.
func TestSameMailAgain(t *testing.T) {
	each(t, func(w *world) {
		w.serve()
		text := forward(hanako, "a", hostile("a"))
		for range 3 {
			if got := w.deliver(hanako, w.address.Address, text); !strings.HasPrefix(got, "250") {
				w.t.Fatal(got)
			}
		}
		if n := len(w.mails()); n != 1 || w.count(`SELECT COUNT(*) FROM job WHERE kind = $1`, HandleJob) != 1 || w.count(`SELECT COUNT(*) FROM blob`) != 1 {
			w.t.Errorf("%d mails", n)
		}
		w.deliver("Hanako@KOU-byouin.example.jp", w.address.Address, text)
		if n := len(w.mails()); n != 1 {
			w.t.Errorf("%d mails of one sender in two spellings", n)
		}
		w.deliver(taro, w.address.Address, text)
		w.deliver(hanako, w.address.Address, text+"x")
		if n := len(w.mails()); n != 3 {
			w.t.Errorf("%d mails, want 3", n)
		}
		w.exec("UPDATE mailbox_seen SET seen_at = seen_at - $1", sameFor.Microseconds())
		w.deliver(hanako, w.address.Address, text)
		if n := len(w.mails()); n != 4 {
			w.t.Errorf("%d mails a day later, want 4", n)
		}
	})
}

func TestRefusals(t *testing.T) {
	db := storetest.SQLite(t)
	w := newWorld(t, db, t.TempDir(), func(_ *Parts, c *Config) { c.MaxBytes = 100_000 })
	w.serve()
	c := w.dial()
	if got := c.want("220 "); got != "220 portal.example.jp ESMTP Service Ready\r\n" {
		t.Errorf("the greeting is %q", got)
	}
	c.say("MAIL FROM:<"+hanako+">", "502")
	features := c.say("EHLO relay", "250")
	if !strings.Contains(features, "SIZE 100000\r\n") || !strings.Contains(features, "8BITMIME") || !strings.Contains(features, "SMTPUTF8") ||
		strings.Contains(features, "AUTH") || strings.Contains(features, "STARTTLS") || strings.Contains(features, "VRFY") {
		t.Errorf("the server offers %q", features)
	}
	c.say("AUTH PLAIN AGEAYg==", "5")
	c.say("RCPT TO:<"+w.address.Address+">", "502")
	c.say("DATA", "502")
	c.say("VRFY hanako", "252") // RFC 5321 section 3.5.3: it says nothing about anybody
	c.say("EXPN staff", "502")
	c.say("MAIL FROM:<"+hanako+"> SIZE=100001", "552")
	c.say("MAIL FROM:<\"a b\"@kou-byouin.example.jp>", "553 5.1.7")
	c.say("MAIL FROM:<a@localhost>", "553 5.1.7")
	c.say("MAIL FROM:<>", "250")
	c.say("RSET", "250")
	c.say("MAIL FROM:<"+hanako+">", "250")
	local, domain, _ := strings.Cut(w.address.Address, "@")
	for _, to := range []string{"info@bank.example", "postmaster", "houkoku@" + domain, local + "@kou-byouin.example.jp"} {
		c.say("RCPT TO:<"+to+">", "5")
	}
	c.say("DATA", "502")
	c.say("RCPT TO:<"+w.address.Address+">", "250")
	c.say("RCPT TO:<"+w.address.Address+">", "452 4.5.3")
	c.say("QUIT", "221")
	// Trying addresses out ends the conversation.
	c = w.hello()
	c.say("MAIL FROM:<"+hanako+">", "250")
	for range mostUnknown - 1 {
		c.say("RCPT TO:<houkoku-aaaaaaaaaaaaaaaa@"+domain+">", "550 5.1.1")
	}
	c.say("RCPT TO:<houkoku-aaaaaaaaaaaaaaaa@"+domain+">", "421 4.7.0")
	if got, err := c.reply(); err == nil {
		t.Errorf("the connection goes on with %q", got)
	}
	if n := len(w.mails()); n != 0 {
		t.Errorf("%d mails", n)
	}
}

func TestAddressesThatEnded(t *testing.T) {
	each(t, func(w *world) {
		w.serve()
		fresh, err := w.box.RotateAddress(ctx, w.p.ContactA, w.address.ID, 0)
		if err != nil {
			w.t.Fatal(err)
		}
		try := func(address string) string {
			c := w.hello()
			c.say("MAIL FROM:<"+hanako+">", "250")
			c.send("RCPT TO:<%s>\r\n", address)
			got, _ := c.reply()
			return got[:3]
		}
		if a, b := try(w.address.Address), try(fresh.Address); a != "550" || b != "250" {
			w.t.Errorf("old %s, new %s", a, b)
		}
		w.exec("UPDATE organisation SET left_at = 1 WHERE id = $1", w.p.StaffA.Org)
		if got := try(fresh.Address); got != "550" {
			w.t.Errorf("an institution that left: %s", got)
		}
	})
}

// Real clients over STARTTLS, which is required.
func TestRealClients(t *testing.T) {
	swaks, curl, openssl := program.Need(t, "swaks"), program.Need(t, "curl"), program.Need(t, "openssl")
	certificate, _ := program.Identity(t)
	w := newWorld(t, storetest.SQLite(t), t.TempDir(), func(_ *Parts, c *Config) {
		c.RequireTLS = true
	})
	w.serveTLS(&tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12})
	dir := program.Dir(t)
	text := forward(hanako, "a", hostile("a"))
	file := program.WriteFile(t, dir, "mail.eml", []byte(strings.ReplaceAll(text, "\n", "\r\n")))
	trusted, _ := program.PEM(t, certificate)
	ca := program.WriteFile(t, dir, "ca.pem", trusted)

	out, err := program.Run(t, program.Cmd{Path: swaks, Args: []string{"--server", "127.0.0.1", "--port", w.port(), "--from", hanako, "--to", w.address.Address,
		"--data", "@" + file}})
	if err == nil || !strings.Contains(out, "530 5.7.0") {
		t.Errorf("without TLS: %v\n%s", err, out)
	}
	out, err = program.Run(t, program.Cmd{Path: openssl, Args: []string{"s_client", "-starttls", "smtp", "-connect", "127.0.0.1:" + w.port(), "-CAfile", ca,
		"-verify_return_error", "-tls1_1"}})
	if err == nil {
		t.Errorf("TLS 1.1 is taken\n%s", out)
	}
	out, err = program.Run(t, program.Cmd{Path: curl, Args: []string{"-sS", "--ssl-reqd", "--cacert", ca, "smtp://127.0.0.1:" + w.port(),
		"--mail-from", taro, "--mail-rcpt", w.address.Address, "-T", file}})
	if err != nil {
		t.Errorf("curl: %v\n%s", err, out)
	}
	out, err = program.Run(t, program.Cmd{Path: swaks, Args: []string{"--server", "127.0.0.1", "--port", w.port(), "--tls", "--from", hanako, "--to", w.address.Address,
		"--data", "@" + file}})
	if err != nil || !strings.Contains(out, "250 2.0.0 OK") {
		t.Errorf("swaks: %v\n%s", err, out)
	}
	all := w.mails()
	if len(all) != 2 || all[0].account != w.p.StaffA.Account || all[1].account != 0 {
		t.Fatalf("%+v", all)
	}
	if got := w.raw(all[1]); !strings.Contains(got, "login.bank-secure.example") {
		t.Errorf("stored %q", got)
	}
	// Nothing of it is readable on disk.
	err = filepath.WalkDir(w.blobsFolder(), func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if strings.Contains(string(b), "bank-secure") {
			t.Errorf("%s is in clear", path)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}
