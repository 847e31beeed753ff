// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"cmp"
	"context"

	"github.com/wneessen/go-mail"

	"teiten/internal/fault"
	"teiten/internal/locale"
)

// Letter is a mail whose words the caller has written, and answers for: an
// answer of the reporting mailbox. It has one recipient.
type Letter struct {
	ID        string // left side of Message-ID
	To        string // address
	Subject   string
	Body      string
	Language  locale.Lang // "" is the configured one
	InReplyTo string      // Message-ID without angle brackets, "" for none
	// Fields are set besides, and in place of Auto-Submitted: auto-generated.
	Fields map[string]string
}

// Deliver sends a letter now; nil means that the server has taken it. The
// error is a *Failure. Where nobody waits, put it into a job.
func (m *Mailer) Deliver(ctx context.Context, l Letter) error {
	if m == nil {
		return &Failure{Err: fault.New(fault.Unavailable, "mailer.off"), permanent: true}
	}
	msg, err := m.compose(l.ID, l.To, l.Subject, l.Body)
	if err != nil {
		return &Failure{Err: err, permanent: true}
	}
	msg.SetGenHeader("Content-Language", string(cmp.Or(l.Language, m.cfg.Language)))
	if l.InReplyTo != "" {
		if !isPrintable(l.InReplyTo) {
			return &Failure{Err: fault.New(fault.Invalid, "mailer.subject"), permanent: true}
		}
		msg.SetGenHeader(mail.HeaderInReplyTo, "<"+l.InReplyTo+">")
		msg.SetGenHeader(mail.HeaderReferences, "<"+l.InReplyTo+">")
	}
	for name, value := range l.Fields {
		if !isPrintable(name + value) {
			return &Failure{Err: fault.New(fault.Invalid, "mailer.subject"), permanent: true}
		}
		msg.SetGenHeader(mail.Header(name), value)
	}
	return orNil(m.transmit(ctx, msg))
}

// From returns the address that mail is sent from, "" without a mail server.
func (m *Mailer) From() string {
	if m == nil {
		return ""
	}
	from, err := parseFrom(m.cfg.From)
	if err != nil {
		return ""
	}
	return from.Address
}
