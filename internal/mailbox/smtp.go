// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/emersion/go-smtp"

	"teiten/internal/fault"
)

// Answers of the server. Their words are for postmasters and go into bounces
// that staff read; none tells more than the sender knows.
var (
	noAddress   = &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "No such address here"}
	noSender    = &smtp.SMTPError{Code: 553, EnhancedCode: smtp.EnhancedCode{5, 1, 7}, Message: "The sender's address cannot be used"}
	needTLS     = &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "Issue STARTTLS first"}
	tooMany     = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 7, 1}, Message: "Too many mails, try again later"}
	noSequence  = &smtp.SMTPError{Code: 503, EnhancedCode: smtp.EnhancedCode{5, 5, 1}, Message: "Bad sequence of commands"}
	isEmpty     = &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 6, 0}, Message: "The mail is empty"}
	noRoom      = &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 3, 1}, Message: "It cannot be stored now, try again later"}
	notNow      = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "It cannot be taken now, try again later"}
	interrupted = &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 4, 2}, Message: "The mail did not arrive whole"}
)

// mostUnknown is how many addresses that do not exist may be tried on one
// connection.
const mostUnknown = 5

// Serve takes mail on a listener until the context ends; then what is being
// received comes to its end, within 15 seconds. The settings are for STARTTLS
// (RFC 3207); nil offers none.
func (b *Box) Serve(ctx context.Context, l net.Listener, settings *tls.Config) error {
	limits := b.cfg.Limits
	door := newDoor(l, limits, b.cfg.Relays)
	// Whoever stops the program does not stop a mail between commit and 250.
	working := context.WithoutCancel(ctx)
	networks, senders := newQuota(limits.PerNetwork, time.Minute), newQuota(limits.PerSender, time.Hour)
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		s := &session{b: b, ctx: working, c: c, conn: c.Conn(), networks: networks, senders: senders}
		s.network, s.relay = door.origin(c.Conn())
		return s, nil
	}))
	server.Domain = b.cfg.Host
	server.TLSConfig = settings
	server.MaxMessageBytes = b.cfg.MaxBytes
	server.MaxLineLength = limits.Line
	// Every address has its own answer to the end of the mail; a client sends
	// what is left of its list in the next transaction (RFC 9422).
	server.MaxRecipients = 1
	server.EnableSMTPUTF8 = true
	server.ReadTimeout, server.WriteTimeout = limits.Idle, limits.Idle
	server.ErrorLog = errorLog{b.Log}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(door) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(working, 15*time.Second)
	defer cancel()
	door.drain()
	if err := server.Shutdown(ending); err != nil {
		_ = server.Close()    // whoever takes longer is cut off, and was told nothing
		door.cut()            // Shutdown has taken Close's place: it does nothing a second time
		if ctx.Err() == nil { // the deadline of ending is no failure
			return err
		}
	}
	<-failed
	return nil
}

// session is one client's conversation after EHLO. With CHUNKING (RFC 3030)
// Data runs beside the commands that follow, hence the lock.
type session struct {
	b                 *Box
	ctx               context.Context
	c                 *smtp.Conn
	conn              net.Conn
	network           string
	relay             bool
	networks, senders *quota
	unknown           int

	mu     sync.Mutex
	from   Sender
	begun  bool
	letter *envelope
}

// Mail takes the sender (RFC 5321 section 4.1.1.2).
func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if _, encrypted := s.c.TLSConnectionState(); s.b.cfg.RequireTLS && !encrypted {
		return needTLS
	}
	sender, ok := ParseSender(from)
	if !ok {
		return noSender
	}
	if !s.relay && !s.networks.take(s.network) {
		return tooMany
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.begun, s.letter = sender, true, nil
	return nil
}

// Rcpt takes the one recipient. Nothing is relayed: what is not an address of
// the mailbox does not exist.
func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.mu.Lock()
	sender, begun := s.from, s.begun
	s.mu.Unlock()
	if !begun {
		return noSequence
	}
	e, err := s.b.accepts(s.ctx, to)
	switch {
	case fault.Is(err, fault.NotFound):
		if s.unknown++; s.unknown >= mostUnknown {
			s.hangUp(&smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 7, 0}, Message: "Too many unknown addresses"})
		}
		return noAddress
	case err != nil:
		s.b.Log.Error("an address of the mailbox could not be looked up", "error", err)
		return notNow
	}
	if !s.senders.take(sender.Fold()) {
		return tooMany
	}
	e.sender = sender
	s.mu.Lock()
	defer s.mu.Unlock()
	s.letter = &e
	return nil
}

// Data stores the mail. Only when it returns nil is it acknowledged.
func (s *session) Data(r io.Reader) error {
	s.mu.Lock()
	letter := s.letter
	s.letter = nil
	s.mu.Unlock()
	if letter == nil {
		return noSequence
	}
	in := &body{r: r, conn: s.conn, idle: s.b.cfg.Limits.Idle, end: time.Now().Add(s.b.cfg.Limits.Mail)}
	_, _, err := s.b.receive(s.ctx, *letter, in, nil)
	switch {
	case err == nil:
		return nil
	case errors.Is(in.err, smtp.ErrDataTooLarge), fault.Is(err, fault.TooLarge):
		in.leave() // the rest is read and thrown away before the answer
		return smtp.ErrDataTooLarge
	case errors.Is(in.err, smtp.ErrDataReset):
		return interrupted // the client gave it up between two chunks
	case in.err != nil && in.err != io.EOF:
		// The end of the mail was not found. What follows on the connection
		// may be its text and must not be taken for commands.
		s.b.Log.Info("a mail did not arrive whole", "network", s.network, "error", in.err)
		s.hangUp(interrupted)
		return interrupted
	case fault.Code(err) == "mailbox.empty":
		return isEmpty
	}
	s.b.Log.Error("a mail could not be stored and was not acknowledged", "error", err)
	in.leave()
	if fault.Code(err) == "blob.disk" {
		return noRoom
	}
	return notNow
}

// Reset forgets sender and recipient.
func (s *session) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.from, s.begun, s.letter = Sender{}, false, nil
}

// Logout has nothing to let go.
func (s *session) Logout() error { return nil }

// hangUp says why and closes the connection at once.
func (s *session) hangUp(why *smtp.SMTPError) {
	_ = s.conn.SetWriteDeadline(time.Now().Add(time.Second))
	e := why.EnhancedCode
	_, _ = fmt.Fprintf(s.conn, "%d %d.%d.%d %s\r\n", why.Code, e[0], e[1], e[2], why.Message)
	_ = s.conn.Close()
}

// body is the mail as it comes in. It gives every 32 KiB the idle time, and
// the whole its own.
type body struct {
	r    io.Reader
	conn net.Conn
	idle time.Duration
	end  time.Time
	err  error
}

func (d *body) Read(p []byte) (int, error) {
	if len(p) > 32<<10 {
		p = p[:32<<10]
	}
	next := time.Now().Add(d.idle)
	if next.After(d.end) {
		next = d.end
	}
	_ = d.conn.SetReadDeadline(next) // a closed connection shows when it is read
	n, err := d.r.Read(p)
	if err != nil {
		d.err = err
	}
	return n, err
}

// leave gives the rest of the mail, which go-smtp reads and throws away, what
// is left of its time.
func (d *body) leave() { _ = d.conn.SetReadDeadline(d.end) }

// errorLog is go-smtp's log. It repeats what clients say, so it is for whoever
// looks for a fault only.
type errorLog struct{ log *slog.Logger }

func (l errorLog) Printf(format string, v ...any) { l.log.Debug("smtp: " + fmt.Sprintf(format, v...)) }
func (l errorLog) Println(v ...any)               { l.log.Debug("smtp: " + fmt.Sprint(v...)) }
