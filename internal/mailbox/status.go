// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"time"

	"github.com/emersion/go-smtp"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// Status is how the mailbox does, of the caller's institution, or of all for
// operators.
type Status struct {
	Addresses    int       `json:"addresses"`       // that take mail
	Last         time.Time `json:"last,omitzero"`   // when the newest mail came
	Day          int       `json:"day"`             // mails in the last 24 hours
	Bounces      int       `json:"bounces"`         // of them, delivery notices: our answers did not arrive
	Waiting      int       `json:"waiting"`         // that are not looked at yet
	Oldest       time.Time `json:"oldest,omitzero"` // when the oldest of them came
	Failed       int       `json:"failed"`          // that were given up
	Outside      int       `json:"outside"`         // from outside, about which nobody has decided
	Unanswered   int       `json:"unanswered"`      // answers that wait to be sent
	IMAPs        int       `json:"imaps"`           // that are switched on
	IMAPsFailing int       `json:"imaps_failing"`
}

// ReadStatus returns how the mailbox does, of one organisation; 0 for all that
// the caller may see.
func ReadStatus(ctx context.Context, q store.Queryer, c caller.Caller, org int64) (Status, error) {
	if err := permit.Check(c, permit.InstitutionManage); err != nil {
		return Status{}, err
	}
	return status(ctx, q, c, org)
}

// Probe asks a running mailbox at an address to which it listens whether it
// takes mail, and returns the certificate that it shows; nil without STARTTLS.
// A mailbox that takes mail from its relays only answers so, and that is fine.
func Probe(ctx context.Context, listen string) (*tls.ConnectionState, error) {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "mailbox.down", "listen", listen)
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	down := func(err error) error { return fault.Wrap(err, fault.Unavailable, "mailbox.down", "listen", listen) }
	dial := func() (net.Conn, error) {
		conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", net.JoinHostPort(host, port))
		if err == nil {
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second)) // it shows in what follows
		}
		return conn, err
	}
	conn, err := dial()
	if err != nil {
		return nil, down(err)
	}
	plain := smtp.NewClient(conn)
	defer plain.Close()
	var answer *smtp.SMTPError
	if err := plain.Hello("localhost"); errors.As(err, &answer) && answer.Code == 554 {
		return nil, nil
	} else if err != nil {
		return nil, down(err)
	}
	if ok, _ := plain.Extension("STARTTLS"); !ok {
		return nil, nil
	}
	if conn, err = dial(); err != nil {
		return nil, down(err)
	}
	// It is this machine's own certificate that is looked at, not believed.
	secure, err := smtp.NewClientStartTLS(conn, &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS12})
	if err != nil {
		conn.Close()
		return nil, down(err)
	}
	defer secure.Close()
	if err := secure.Noop(); err != nil {
		return nil, down(err)
	}
	state, _ := secure.TLSConnectionState()
	return &state, nil
}
