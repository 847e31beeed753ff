// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"encoding/base64"
	"errors"
	"io"
	"log"
	"log/slog"
	"mime"
	"net"
	"net/mail"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"teiten/internal/mailer"
)

// sink is a real SMTP server that takes the answers.
type sink struct {
	address string

	mu      sync.Mutex
	answers []error // to the next recipients, in order; nil takes
	letters []taken
}

// taken is an answer as it arrived.
type taken struct {
	from, to string
	header   mail.Header
	subject  string
	body     string
	raw      string
}

func newSink(t testing.TB) *sink {
	t.Helper()
	s := &sink{}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	server := smtp.NewServer(smtp.BackendFunc(func(*smtp.Conn) (smtp.Session, error) { return &sinkSession{s: s}, nil }))
	server.Domain = "mail.example.jp"
	server.ReadTimeout, server.WriteTimeout = 10*time.Second, 10*time.Second
	server.ErrorLog = log.New(io.Discard, "", 0)
	done := make(chan error, 1)
	go func() { done <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Close()
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Errorf("the mail server ended with %v", err)
		}
	})
	return s
}

func (s *sink) mailer(t testing.TB, log *slog.Logger) *mailer.Mailer {
	t.Helper()
	m, err := mailer.New(mailer.Config{Server: s.address, Security: mailer.None, From: "定点 <teiten@portal.example.jp>", Host: "portal.example.jp"}, log)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (s *sink) all() []taken {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]taken(nil), s.letters...)
}

type sinkSession struct {
	s        *sink
	from, to string
}

func (s *sinkSession) Mail(from string, _ *smtp.MailOptions) error { s.from = from; return nil }

func (s *sinkSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	if len(s.s.answers) > 0 {
		answer := s.s.answers[0]
		s.s.answers = s.s.answers[1:]
		if answer != nil {
			return answer
		}
	}
	s.to = to
	return nil
}

func (s *sinkSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	t := taken{from: s.from, to: s.to, raw: string(raw)}
	msg, err := mail.ReadMessage(strings.NewReader(t.raw))
	if err != nil {
		return err
	}
	t.header = msg.Header
	if t.subject, err = new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject")); err != nil {
		return err
	}
	in := msg.Body
	if msg.Header.Get("Content-Transfer-Encoding") == "base64" { // as our answers are; what servers write of their own is not
		in = base64.NewDecoder(base64.StdEncoding, in)
	}
	body, err := io.ReadAll(in)
	if err != nil {
		return err
	}
	t.body = strings.ReplaceAll(string(body), "\r\n", "\n")
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	s.s.letters = append(s.s.letters, t)
	return nil
}

func (s *sinkSession) Reset()        {}
func (s *sinkSession) Logout() error { return nil }
