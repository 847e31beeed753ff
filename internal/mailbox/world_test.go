// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"teiten/internal/blob"
	"teiten/internal/intel"
	"teiten/internal/job"
	"teiten/internal/mailcheck"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var ctx = context.Background()

const (
	hanako = "hanako@kou-byouin.example.jp" // StaffA
	taro   = "taro@kou-byouin.example.jp"   // nobody's account
)

// world is a portal with a reporting mailbox. StaffA has a mail address, and
// her institution a domain and an address to report to.
type world struct {
	t       testing.TB
	db      *store.DB
	blobs   *blob.Store
	p       *membertest.People
	box     *Box
	runner  *job.Runner
	log     *safeBuffer
	address Address
	server  string // host:port of SMTP, once it runs
	data    string
}

// safeBuffer is a log that goroutines may write to.
type safeBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *safeBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *safeBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(newWorld(t, db, t.TempDir(), func(*Parts, *Config) {})) })
}

func newWorld(t testing.TB, db *store.DB, data string, change func(*Parts, *Config)) *world {
	t.Helper()
	blobs, err := blob.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, db: db, blobs: blobs, data: data, p: membertest.Register(t, db), log: &safeBuffer{}}
	checker, err := mailcheck.New(intel.NewGuards(db))
	if err != nil {
		t.Fatal(err)
	}
	parts := Parts{DB: db, Blobs: blobs, Checker: checker, Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	cfg := Config{Domain: "houkoku.portal.example.jp", Host: "portal.example.jp"}
	change(&parts, &cfg)
	w.box = New(parts, cfg)
	if _, err := member.AddDomain(ctx, db, w.p.Operator, w.p.StaffA.Org, "kou-byouin.example.jp"); err != nil {
		t.Fatal(err)
	}
	w.exec("UPDATE account SET mail = $1 WHERE id = $2", hanako, w.p.StaffA.Account)
	if w.address, err = w.box.AddAddress(ctx, w.p.ContactA, w.p.ContactA.Org); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) exec(query string, args ...any) {
	w.t.Helper()
	storetest.Exec(w.t, w.db, query, args...)
}

// count is the one number that a query gives.
func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	return storetest.Value[int](w.t, w.db, query, args...)
}

// serve runs the SMTP service until the test ends.
func (w *world) serve() { w.t.Helper(); w.serveTLS(nil) }

func (w *world) serveTLS(settings *tls.Config) {
	w.t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.server = l.Addr().String()
	until, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- w.box.Serve(until, l, settings) }()
	w.t.Cleanup(func() {
		stop()
		select {
		case err := <-done:
			if err != nil {
				w.t.Errorf("the mailbox ended with %v", err)
			}
		case <-time.After(30 * time.Second):
			w.t.Error("the mailbox did not end")
		}
	})
}

func (w *world) port() string {
	_, port, _ := net.SplitHostPort(w.server)
	return port
}

// mails are those that arrived, the newest first.
func (w *world) mails() []Mail {
	w.t.Helper()
	page, err := Recent(ctx, w.db, w.p.Operator, Filter{Limit: MostRecent})
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Items
}

// raw is the stored text of a mail.
func (w *world) raw(m Mail) string {
	w.t.Helper()
	r, err := w.blobs.Open(ctx, w.db, m.blob)
	if err != nil {
		w.t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(b)
}

// client is a bare conversation.
type client struct {
	t    testing.TB
	conn net.Conn
	in   *bufio.Reader
}

func (w *world) dial() *client {
	w.t.Helper()
	conn, err := net.Dial("tcp4", w.server)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(time.Minute))
	return &client{w.t, conn, bufio.NewReader(conn)}
}

// reply reads one answer of the server, all its lines.
func (c *client) reply() (string, error) {
	var all strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		all.WriteString(line)
		if err != nil {
			return all.String(), err
		}
		if len(line) < 4 || line[3] != '-' {
			return all.String(), nil
		}
	}
}

// want reads an answer that begins so.
func (c *client) want(prefix string) string {
	c.t.Helper()
	got, err := c.reply()
	if !strings.HasPrefix(got, prefix) {
		c.t.Fatalf("the server says %q, %v; want %s", got, err, prefix)
	}
	return got
}

func (c *client) send(format string, args ...any) {
	c.t.Helper()
	if _, err := fmt.Fprintf(c.conn, format, args...); err != nil && !errors.Is(err, net.ErrClosed) {
		c.t.Fatal(err)
	}
}

// say sends a command and reads its answer.
func (c *client) say(command, prefix string) string {
	c.t.Helper()
	c.send("%s\r\n", command)
	return c.want(prefix)
}

// hello opens a conversation.
func (w *world) hello() *client {
	w.t.Helper()
	c := w.dial()
	c.want("220 ")
	c.say("EHLO relay.kou-byouin.example.jp", "250")
	return c
}

// deliver sends a mail and returns the answer to its end.
func (w *world) deliver(from, to, text string) string {
	w.t.Helper()
	c := w.hello()
	defer c.conn.Close()
	c.say("MAIL FROM:<"+from+">", "250")
	c.say("RCPT TO:<"+to+">", "250")
	c.say("DATA", "354")
	c.send("%s\r\n.\r\n", strings.ReplaceAll(strings.ReplaceAll(text, "\n", "\r\n"), "\r\n.", "\r\n.."))
	got, err := c.reply()
	if err != nil {
		w.t.Fatal(err)
	}
	return got
}

// forward is a mail in which somebody forwards another as an attachment.
func forward(from, subject, original string) string {
	return "From: " + from + "\nTo: mailbox\nSubject: Fw: " + subject + "\nMessage-ID: <" + rand.Text() + "@kou-byouin.example.jp>\n" +
		"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n" +
		"--b\nContent-Type: text/plain; charset=utf-8\n\nこれは何でしょうか\n--b\nContent-Type: message/rfc822\nContent-Disposition: attachment\n\n" +
		original + "\n--b--\n"
}

// hostile is a mail as somebody receives it.
func hostile(subject string) string {
	return "From: \"Bank\" <info@bank.example>\nTo: " + hanako + "\nSubject: " + subject + "\nDate: Mon, 02 Nov 2026 09:00:00 +0900\n" +
		"Message-ID: <1@bank.example>\n\nYour account ends today: http://login.bank-secure.example/renew\n"
}

func (w *world) blobsFolder() string { return filepath.Join(w.data, blob.Folder) }

// breakDisk puts a file where objects are written, which stops root too.
func breakDisk(w *world) {
	w.t.Helper()
	incoming := filepath.Join(w.blobsFolder(), "incoming")
	if err := os.RemoveAll(incoming); err != nil {
		w.t.Fatal(err)
	}
	if err := os.WriteFile(incoming, nil, 0o600); err != nil {
		w.t.Fatal(err)
	}
}
