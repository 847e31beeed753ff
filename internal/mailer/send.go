// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/textproto"
	"strconv"
	"time"

	"github.com/wneessen/go-mail"

	"teiten/internal/fault"
)

// Limits of one mail. It has one recipient: nobody learns who else was told.
const (
	maxSubject = 200              // bytes
	maxBody    = 16 << 10         // bytes
	timeout    = 30 * time.Second // to connect, and for the conversation until the mail
	longest    = time.Minute      // for everything; less than a job's lease
)

// Failure is why a mail was not sent. It names no person.
type Failure struct {
	Err       error
	permanent bool
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap returns the fault.
func (f *Failure) Unwrap() error { return f.Err }

// Permanent reports that trying again cannot help.
func (f *Failure) Permanent() bool { return f.permanent }

// Probe connects to the server and signs in, without sending anything: for
// "teiten doctor". Its errors are faults.
func (m *Mailer) Probe(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	c, err := m.client(ctx)
	if err != nil {
		return err
	}
	if err := c.DialWithContext(ctx); err != nil {
		return m.explain(ctx, err).Err
	}
	_ = c.Close() // all that matters has worked
	return nil
}

// send sends one mail to one address. The id makes its Message-ID.
func (m *Mailer) send(ctx context.Context, id, to, subject, body string) *Failure {
	msg, err := m.compose(id, to, subject, body)
	if err != nil {
		return &Failure{err, true}
	}
	return m.transmit(ctx, msg)
}

// transmit hands a mail to the server.
func (m *Mailer) transmit(ctx context.Context, msg *mail.Msg) *Failure {
	ctx, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	c, err := m.client(ctx)
	if err != nil {
		return &Failure{err, true}
	}
	err = c.DialAndSendWithContext(ctx, msg)
	if err == nil || msg.IsDelivered() { // taken by the server, whatever came after
		return nil
	}
	return m.explain(ctx, err)
}

func (m *Mailer) compose(id, to, subject, body string) (*mail.Msg, error) {
	if err := checkAddress(to); err != nil {
		return nil, err
	}
	if len(subject) > maxSubject || len(body) > maxBody {
		return nil, fault.New(fault.TooLarge, "mailer.size", "most", maxBody)
	}
	for _, r := range subject {
		if r < ' ' || r == 0x7f {
			return nil, fault.New(fault.Invalid, "mailer.subject")
		}
	}
	from, err := parseFrom(m.cfg.From)
	if err != nil {
		return nil, err
	}
	msg := mail.NewMsg(mail.WithCharset(mail.CharsetUTF8), mail.WithEncoding(mail.EncodingB64), mail.WithNoDefaultUserAgent())
	msg.FromMailAddress(from)
	if err := msg.To(to); err != nil {
		return nil, fault.New(fault.Invalid, "mailer.address")
	}
	msg.Subject(subject)
	msg.SetDateWithValue(m.now())
	msg.SetMessageIDWithValue(id + "@" + m.cfg.Host)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834, section 5: no replies by machines
	msg.SetGenHeader(mail.HeaderXAutoResponseSuppress, "All")
	msg.SetGenHeader("Content-Language", string(m.cfg.Language))
	msg.SetBodyString(mail.TypeTextPlain, body)
	return msg, nil
}

func (m *Mailer) client(ctx context.Context) (*mail.Client, error) {
	host, port, err := net.SplitHostPort(m.cfg.Server)
	if err != nil {
		return nil, fault.New(fault.Invalid, "mailer.config_server")
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, fault.New(fault.Invalid, "mailer.config_server")
	}
	options := []mail.Option{
		mail.WithPort(n), mail.WithTimeout(timeout), mail.WithHELO(m.cfg.Host), mail.WithoutNoop(),
		mail.WithTLSConfig(m.tls(host)), mail.WithDialContextFunc(m.dial(ctx, host)),
	}
	switch m.cfg.Security {
	case TLS:
		// Not WithSSL: with a dialler of our own it would take the connection for
		// an open one. This looks at the connection, which is encrypted already.
		options = append(options, mail.WithTLSPolicy(mail.TLSOpportunistic))
	case None:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	default:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	}
	if m.cfg.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(m.cfg.User), mail.WithPassword(m.cfg.Password))
	}
	c, err := mail.NewClient(host, options...)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "mailer.config_server")
	}
	return c, nil
}

// dial connects to the server, with TLS from the first byte where that is
// configured. The connection ends with the context of the whole mail: go-mail
// heeds it while it connects only, and a program that stops must not wait for a
// server that says nothing.
func (m *Mailer) dial(whole context.Context, host string) mail.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		context.AfterFunc(whole, func() { c.Close() })
		switch m.cfg.Security {
		case TLS:
			encrypted := tls.Client(c, m.tls(host))
			if err := encrypted.HandshakeContext(ctx); err != nil {
				c.Close()
				return nil, err
			}
			return encrypted, nil
		case None: // whatever "localhost" means to the resolver
			if a, ok := c.RemoteAddr().(*net.TCPAddr); !ok || !a.IP.IsLoopback() {
				c.Close()
				return nil, fault.New(fault.Invalid, "mailer.config_loopback")
			}
		}
		return c, nil
	}
}

func (m *Mailer) tls(host string) *tls.Config {
	return &tls.Config{ServerName: host, MinVersion: tls.VersionTLS12, RootCAs: m.cfg.RootCAs}
}

// explain says what went wrong. The words of the server and of go-mail repeat
// the address and stay behind; what the network says is kept.
func (m *Mailer) explain(ctx context.Context, err error) *Failure {
	var ours *fault.Error
	if errors.As(err, &ours) {
		return &Failure{ours, ours.Kind == fault.Invalid}
	}
	if cause := ctx.Err(); errors.Is(cause, context.Canceled) {
		return &Failure{fault.Wrap(cause, fault.Unavailable, "fault.interrupted"), false}
	} else if cause != nil {
		return &Failure{fault.Wrap(cause, fault.Unavailable, "mailer.down", "server", m.cfg.Server), false}
	}
	var sent *mail.SendError
	if errors.As(err, &sent) {
		status := sent.ErrorCode()
		if status == 0 {
			return &Failure{fault.New(fault.Unavailable, "mailer.broken", "server", m.cfg.Server), false}
		}
		return &Failure{fault.New(fault.Unavailable, "mailer.refused", "status", strconv.Itoa(status)), status >= 500}
	}
	var answer *textproto.Error
	if errors.As(err, &answer) { // to the greeting or to the password: the operator can mend that
		return &Failure{fault.New(fault.Unavailable, "mailer.signin", "status", strconv.Itoa(answer.Code)), false}
	}
	var network net.Error
	var certificate *tls.CertificateVerificationError
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &certificate), errors.As(err, &unknown):
		return &Failure{fault.Wrap(err, fault.Unavailable, "mailer.certificate", "server", m.cfg.Server), false}
	case errors.As(err, &network):
		return &Failure{fault.Wrap(err, fault.Unavailable, "mailer.down", "server", m.cfg.Server), false}
	}
	return &Failure{fault.New(fault.Unavailable, "mailer.protocol", "server", m.cfg.Server), false}
}
