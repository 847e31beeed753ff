// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"context"
	"errors"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/mailcheck"
	"teiten/internal/permit"
	"teiten/internal/report"
	"teiten/internal/store"
)

// Stray is a mail from outside the institution's domains, for its contact to
// decide about: a nurse may have forwarded it from her own telephone, and a
// stranger may have found the address.
type Stray struct {
	Mail
	Sender  string            // of the envelope, as it was given; hostile
	Answer  *mailcheck.Answer // nil when the mail cannot be read
	Problem error             // why it cannot be, a fault
}

// Look opens a mail from outside. Only the institution's own people who manage
// its mailbox may, because it is a letter to them; operators of the ISAC, who
// may decide, may not read it. That somebody looked is in the audit.
func (b *Box) Look(ctx context.Context, c caller.Caller, id int64) (*Stray, error) {
	m, err := b.stray(ctx, c, id)
	if err != nil {
		return nil, err
	}
	if m.Org != c.Org || c.Account == 0 {
		return nil, fault.New(fault.NotFound, "fault.not_found")
	}
	from, raw, err := b.open(ctx, c, m)
	if err != nil {
		return nil, err
	}
	err = b.DB.Write(ctx, c, func(tx *store.Tx) error {
		return audit.Append(ctx, tx, "mailbox.look", object("mailbox_mail", id), "organisation", m.Org)
	})
	if err != nil {
		return nil, err
	}
	s := &Stray{Mail: m, Sender: from.String()}
	if s.Answer, err = b.Checker.Check(ctx, b.DB, c, raw); err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
		return nil, err
	}
	s.Problem = err
	return s, nil
}

// Accept makes a mail from outside a report of the institution, of the person
// whose address it came from: of the account that has the address, else of
// nobody by name. It is checked and shared as any report, and nothing is sent
// to the address, which may be anybody's. It returns the report's id.
func (b *Box) Accept(ctx context.Context, c caller.Caller, id int64) (made int64, err error) {
	m, err := b.stray(ctx, c, id)
	if err != nil {
		return 0, err
	}
	from, raw, err := b.open(ctx, c, m)
	if err != nil {
		return 0, err
	}
	by, err := sender(ctx, b.DB, m.Org, from.Fold())
	if err != nil {
		return 0, err
	}
	draft, err := report.Prepare(ctx, b.DB, b.Blobs, b.Checker, by, raw, report.Submission{Channel: report.Mailbox, At: m.At})
	if err != nil {
		return 0, err
	}
	defer draft.Discard()
	err = b.decide(ctx, c, id, func(tx *store.Tx, m *Mail) error {
		// The report is the sender's, as those of all who write from inside
		// are; that it counts was decided by the caller, and both are written down.
		tx.Caller = by
		m.Report, _, err = draft.SubmitIn(ctx, tx)
		tx.Caller = c
		if err != nil {
			return err
		}
		m.State, m.Verdict = Reported, draft.Answer.Verdict
		made = m.Report
		return audit.Append(ctx, tx, "mailbox.accept", object("mailbox_mail", id), "organisation", m.Org, "report", made,
			"sender", audit.Personal(tx, from.Fold()))
	})
	return made, err
}

// Discard deletes a mail from outside before its 30 days are over. Nothing
// brings it back.
func (b *Box) Discard(ctx context.Context, c caller.Caller, id int64) error {
	if _, err := b.stray(ctx, c, id); err != nil {
		return err
	}
	return b.decide(ctx, c, id, func(tx *store.Tx, m *Mail) error {
		m.State = Discarded
		return audit.Append(ctx, tx, "mailbox.discard", object("mailbox_mail", id), "organisation", m.Org)
	})
}

// stray returns a mail from outside about which the caller may decide.
func (b *Box) stray(ctx context.Context, c caller.Caller, id int64) (Mail, error) {
	if err := permit.Check(c, permit.InstitutionManage); err != nil {
		return Mail{}, err
	}
	m, err := findMail(ctx, b.DB, c, id)
	if err == nil && m.Until.IsZero() {
		err = fault.New(fault.Conflict, "mailbox.decided")
	}
	return m, err
}

// open reads a mail that is kept. When it goes meanwhile the fault is the one
// that stray has.
func (b *Box) open(ctx context.Context, c caller.Caller, m Mail) (from Sender, raw []byte, err error) {
	if from, err = b.senderOf(m); err != nil {
		return from, nil, err
	}
	if raw, err = b.read(ctx, m.blob); err != nil {
		if _, gone := b.stray(ctx, c, m.ID); gone != nil {
			err = gone
		}
	}
	return from, raw, err
}

// decide ends the waiting of a mail from outside, whose file and sender go. Of
// two who decide at the same time the second is told so.
func (b *Box) decide(ctx context.Context, c caller.Caller, id int64, fn func(*store.Tx, *Mail) error) error {
	err := b.change(ctx, c, id, Outside, func(tx *store.Tx, m *Mail) error {
		if err := fn(tx, m); err != nil {
			return err
		}
		m.sender = []byte{}
		return m.drop(ctx, tx)
	})
	if errors.Is(err, errHandled) {
		return fault.New(fault.Conflict, "mailbox.decided")
	}
	return err
}

// Origin is how the mail of a report came, for the people of its institution.
// Who sent it is not kept apart from the mail.
type Origin struct {
	At       time.Time
	Address  string // to which it was forwarded; "" of one that was fetched
	Fetched  bool   // by IMAP
	Accepted bool   // it came from outside, and somebody accepted it
}

// CameBy returns how the mail of a report of the caller's own institution came
// to the mailbox. Reported is when the report was made. The fault is NotFound
// for a report that came otherwise or is older than the log.
func CameBy(ctx context.Context, q store.Queryer, c caller.Caller, made int64, reported time.Time) (Origin, error) {
	if err := permit.CheckFor(c, permit.MailReportRead, c.Org); err != nil {
		return Origin{}, err
	}
	return cameBy(ctx, q, c.Org, made, reported)
}
