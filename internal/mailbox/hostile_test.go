// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"crypto/tls"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"teiten/internal/program"
	"teiten/internal/storetest"
)

// An end of data is <CR><LF>.<CR><LF> and nothing else (RFC 5321 section
// 4.1.1.4): what a relay passes on as text must not end the mail here, or a
// mail could hide a second one with another sender.
func TestNoSmuggling(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t), t.TempDir(), func(*Parts, *Config) {})
	w.serve()
	for name, end := range map[string]string{
		"LF . LF": "\n.\n", "LF . CRLF": "\n.\r\n", "CRLF . LF": "\r\n.\n", "CR . CR": "\r.\r", "CR . CRLF": "\r.\r\n", "CRLF . CR": "\r\n.\r",
		"CR CRLF . CR CRLF": "\r\r\n.\r\r\n", "NUL": "\r\n\x00.\r\n", "NUL behind": "\r\n.\x00\r\n",
	} {
		before := len(w.mails())
		c := w.hello()
		c.say("MAIL FROM:<"+hanako+">", "250")
		c.say("RCPT TO:<"+w.address.Address+">", "250")
		c.say("DATA", "354")
		c.send("Subject: %s\r\n\r\nfirst%sMAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\nSubject: smuggled\r\n\r\nsecond\r\n.\r\nQUIT\r\n",
			name, end, taro, w.address.Address)
		c.want("250 2.0.0")
		c.want("221")
		all := w.mails()
		if len(all)-before != 1 || all[0].account != w.p.StaffA.Account {
			t.Errorf("%s: %d mails", name, len(all)-before)
		} else if raw := w.raw(all[0]); !strings.Contains(raw, "smuggled") || !strings.Contains(raw, "MAIL FROM") {
			t.Errorf("%s: the mail is %q", name, raw)
		}
		c.conn.Close()
	}
}

// A mail whose end was not found must not have its rest read as commands.
func TestBrokenMails(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t), t.TempDir(), func(_ *Parts, c *Config) {
		c.MaxBytes = 1 << 20
		c.Limits = Limits{Line: 8 << 10, Idle: 300 * time.Millisecond, Mail: 2 * time.Second}
	})
	w.serve()
	hidden := "\r\nMAIL FROM:<" + taro + ">\r\nRCPT TO:<" + w.address.Address + ">\r\nDATA\r\nSubject: smuggled\r\n\r\nx\r\n.\r\n"
	begin := func() *client {
		c := w.hello()
		c.say("MAIL FROM:<"+hanako+">", "250")
		c.say("RCPT TO:<"+w.address.Address+">", "250")
		c.say("DATA", "354")
		return c
	}
	t.Run("endless line", func(t *testing.T) {
		c := begin()
		c.send("Subject: x\r\n\r\n%s%s", strings.Repeat("a", 9<<10), hidden)
		c.want("451 4.4.2")
		if rest, err := c.reply(); err == nil {
			t.Errorf("the connection goes on with %q", rest)
		}
	})
	t.Run("silence in the middle", func(t *testing.T) {
		c := begin()
		c.send("Subject: x\r\n\r\nabc")
		c.want("451 4.4.2")
		c.conn.Write([]byte(hidden)) // the connection is closed
		if rest, err := c.reply(); err == nil {
			t.Errorf("the connection goes on with %q", rest)
		}
	})
	t.Run("a byte now and then", func(t *testing.T) {
		c := begin()
		started := time.Now()
		for time.Since(started) < 10*time.Second {
			if _, err := c.conn.Write([]byte("a")); err != nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(started); took > 6*time.Second {
			t.Errorf("it was listened to for %v", took)
		}
	})
	t.Run("cut off", func(t *testing.T) {
		c := begin()
		c.send("Subject: x\r\n\r\nabc\r\n")
		c.conn.Close()
	})
	t.Run("empty", func(t *testing.T) {
		c := begin()
		c.send(".\r\n")
		c.want("554 5.6.0")
		c.say("NOOP", "250")
	})
	t.Run("chunks that end in the middle", func(t *testing.T) {
		c := w.hello()
		c.say("MAIL FROM:<"+hanako+">", "250")
		c.say("RCPT TO:<"+w.address.Address+">", "250")
		c.send("BDAT 12\r\nSubject: x\r\n")
		c.want("250")
		c.say("RSET", "250")
		c.say("QUIT", "221")
	})
	t.Run("without a command before it", func(t *testing.T) {
		c := w.hello()
		c.send("BDAT 5 LAST\r\nabcde")
		c.want("502")
		c.say("NOOP", "250")
	})
	if n := len(w.mails()); n != 0 {
		t.Errorf("%d mails", n)
	}
	t.Run("chunks", func(t *testing.T) {
		c := w.hello()
		c.say("MAIL FROM:<"+hanako+">", "250")
		c.say("RCPT TO:<"+w.address.Address+">", "250")
		c.send("BDAT 12\r\nSubject: x\r\nBDAT 7 LAST\r\n\r\na\x00b\r\n")
		c.want("250")
		c.want("250")
		if got := w.raw(w.mails()[0]); got != "Subject: x\r\n\r\na\x00b\r\n" {
			t.Errorf("stored %q", got)
		}
	})
}

// 200 MB are refused at once when they are announced, and read to their end
// and refused when they are not. The conversation goes on.
func TestHuge(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t), t.TempDir(), func(*Parts, *Config) {})
	w.serve()
	c := w.hello()
	c.say("MAIL FROM:<"+hanako+"> SIZE=209715200", "552 5.3.4")
	c.say("MAIL FROM:<"+hanako+">", "250")
	c.say("RCPT TO:<"+w.address.Address+">", "250")
	c.say("DATA", "354")
	line := []byte(strings.Repeat(strings.Repeat("a", 76)+"\r\n", 1000))
	size := 200 << 20
	if testing.Short() {
		size = 64 << 20
	}
	if err := c.conn.SetDeadline(time.Now().Add(5 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	for range size / len(line) {
		if _, err := c.conn.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	c.send(".\r\n")
	c.want("552 5.3.4")
	c.say("QUIT", "221")
	if n := w.count(`SELECT COUNT(*) FROM blob`); n != 0 || len(w.mails()) != 0 {
		t.Errorf("%d objects", n)
	}
}

func TestGarbage(t *testing.T) {
	t.Parallel()
	certificate, _ := program.Identity(t)
	w := newWorld(t, storetest.SQLite(t), t.TempDir(), func(_ *Parts, c *Config) { c.Limits = Limits{Idle: time.Second} })
	w.serveTLS(&tls.Config{Certificates: []tls.Certificate{certificate}})
	ends := func(c *client) {
		t.Helper()
		c.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		for {
			if _, err := c.in.ReadByte(); err != nil {
				if e, ok := err.(net.Error); ok && e.Timeout() {
					t.Error("the connection stays open")
				}
				return
			}
		}
	}
	c := w.hello()
	c.say("STARTTLS", "220")
	c.conn.Write([]byte("GET / HTTP/1.1\r\n\r\n\x00\xff\xfe"))
	ends(c)
	// Commands sent before the handshake are not obeyed after it.
	c = w.hello()
	c.send("STARTTLS\r\nMAIL FROM:<%s>\r\n", taro)
	c.want("220")
	ends(c)
	c = w.dial()
	c.want("220")
	c.conn.Write([]byte(strings.Repeat("\x00\xff\r\n", 50)))
	ends(c)
	c = w.dial()
	c.want("220")
	c.conn.Write([]byte(strings.Repeat("A", 100<<10)))
	ends(c)
	c = w.dial() // says nothing
	c.want("220")
	ends(c)
	c = w.dial() // half a command
	c.want("220")
	c.send("EHL")
	ends(c)
	if got := w.deliver(hanako, w.address.Address, "Subject: x\n\nstill here"); !strings.HasPrefix(got, "250") {
		t.Error(got)
	}
}

func TestDoor(t *testing.T) {
	w := newWorld(t, storetest.SQLite(t), t.TempDir(), func(_ *Parts, c *Config) { c.Limits = Limits{PerAddress: 3, PerNetwork: 4} })
	w.serve()
	var held []*client
	for range 3 {
		held = append(held, w.hello())
	}
	w.dial().want("421 4.7.0")
	held[0].conn.Close()
	deadline := time.Now().Add(5 * time.Second)
	for {
		c := w.dial()
		got, _ := c.reply()
		if strings.HasPrefix(got, "220") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the place of a connection that ended is not free")
		}
		time.Sleep(20 * time.Millisecond)
	}
	c := held[1]
	for range 4 {
		c.say("MAIL FROM:<"+hanako+">", "250")
		c.say("RSET", "250")
	}
	c.say("MAIL FROM:<"+hanako+">", "451 4.7.1")
	// Only relays, where they are named; they are not counted.
	for prefix, want := range map[string]string{"192.0.2.0/24": "554 5.7.1", "127.0.0.0/8": "220"} {
		w := newWorld(t, storetest.SQLite(t), t.TempDir(), func(_ *Parts, c *Config) {
			c.Relays, c.Limits = []netip.Prefix{netip.MustParsePrefix(prefix)}, Limits{PerNetwork: 1, PerAddress: 1}
		})
		w.serve()
		for range 3 {
			w.dial().want(want)
		}
		state, err := Probe(ctx, w.server)
		if err != nil || state != nil {
			t.Errorf("%s: %v, %v", prefix, state, err)
		}
	}
}

// Disk and database trouble are the client's to wait for.
func TestTrouble(t *testing.T) {
	each(t, func(w *world) {
		w.serve()
		w.exec(`ALTER TABLE mailbox_mail RENAME TO mailbox_gone`)
		if got := w.deliver(hanako, w.address.Address, "Subject: x\n\nx"); !strings.HasPrefix(got, "451 4.3.0") {
			w.t.Error(got)
		}
		w.exec(`ALTER TABLE mailbox_gone RENAME TO mailbox_mail`)
		breakDisk(w)
		if got := w.deliver(hanako, w.address.Address, "Subject: x\n\nx"); !strings.HasPrefix(got, "452 4.3.1") {
			w.t.Error(got)
		}
		if n := len(w.mails()); n != 0 {
			w.t.Errorf("%d mails", n)
		}
	})
}

func FuzzParseSender(f *testing.F) {
	for _, s := range []string{"", "a@b.jp", "花子@病院.example.jp", "a@b@c.jp", "\"a b\"@c.jp", "a@[192.0.2.1]", "a\r\nb@c.jp", ".a@b.jp", "ａ@ｂ．ｊｐ", "a@xn--0rys90e.jp"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, written string) {
		s, ok := ParseSender(written)
		if !ok {
			if s != (Sender{}) && s.String() == "" {
				t.Errorf("%q is refused and %+v", written, s)
			}
			return
		}
		plain := s.String()
		if strings.ContainsAny(plain, " \t\r\n\x00<>,;\"()[]\\") || strings.Count(plain, "@") > 1 || len(plain) > maxAddress {
			t.Errorf("%q gives %q, which is no address", written, plain)
		}
		if written != "" && (s.Local == "" || !strings.Contains(s.Domain, ".") || s.Domain != strings.ToLower(s.Domain)) {
			t.Errorf("%q gives %+v", written, s)
		}
		if again, ok := ParseSender(plain); !ok || again != s {
			t.Errorf("%q gives %q, which gives %q, %v", written, plain, again, ok)
		}
		if s.within([]string{"example.jp"}) != (s.Domain == "example.jp" || strings.HasSuffix(s.Domain, ".example.jp")) {
			t.Errorf("%q is within or not", plain)
		}
	})
}
