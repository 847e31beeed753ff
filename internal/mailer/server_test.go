// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"teiten/internal/program"
)

const (
	user     = "teiten"
	password = "mail-pässword"
)

// letter is what the server took.
type letter struct {
	from, text string
	to         []string
	encrypted  bool
	user       string
}

// server is a real SMTP server that answers as a test wants.
type server struct {
	address string
	roots   *x509.CertPool

	mu      sync.Mutex
	letters []letter
	answers []error // to the next recipients, in order; nil takes
	data    error   // to the next texts
	rcpts   int
}

// start runs a server with STARTTLS, with TLS from the first byte, or with
// neither.
func start(t testing.TB, security Security) *server {
	t.Helper()
	certificate, roots := program.Identity(t)
	s := &server{roots: roots}
	config := &tls.Config{Certificates: []tls.Certificate{certificate}}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	real := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) { return &session{s: s, c: c}, nil }))
	real.Domain = "mail.example.jp"
	real.ReadTimeout, real.WriteTimeout = 10*time.Second, 10*time.Second
	real.MaxRecipients, real.MaxMessageBytes = 1, 64<<10
	real.AllowInsecureAuth = true // so that a client that gives its password away is seen
	real.ErrorLog = log.New(io.Discard, "", 0)
	switch security {
	case StartTLS:
		real.TLSConfig = config
	case TLS:
		l = tls.NewListener(l, config)
	}
	done := make(chan error, 1)
	go func() { done <- real.Serve(l) }()
	t.Cleanup(func() {
		real.Close()
		if err := <-done; err != nil && !errors.Is(err, smtp.ErrServerClosed) {
			t.Errorf("the mail server ended with %v", err)
		}
	})
	return s
}

func (s *server) taken() []letter {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]letter(nil), s.letters...)
}

func (s *server) asked() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rcpts
}

type session struct {
	s       *server
	c       *smtp.Conn
	user    string
	current letter
}

func (s *session) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *session) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, u, p string) error {
		if u != user || p != password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "no such user " + u}
		}
		s.user = u
		return nil
	}), nil
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	_, encrypted := s.c.TLSConnectionState()
	s.current = letter{from: from, encrypted: encrypted, user: s.user}
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	s.s.rcpts++
	if len(s.s.answers) > 0 {
		answer := s.s.answers[0]
		s.s.answers = s.s.answers[1:]
		if answer != nil {
			return answer
		}
	}
	s.current.to = append(s.current.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	if s.s.data != nil {
		return s.s.data
	}
	s.current.text = string(text)
	s.s.letters = append(s.s.letters, s.current)
	return nil
}

func (s *session) Reset()        { s.current = letter{} }
func (s *session) Logout() error { return nil }
