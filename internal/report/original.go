// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"io"
	"time"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/mailer"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// DefaultConsent is how long a consent holds if nothing else is said, and
// LongestConsent how long at most.
const (
	DefaultConsent = 7 * 24 * time.Hour
	LongestConsent = 30 * 24 * time.Hour
)

// ConsentState is what became of the wish to see an original.
type ConsentState string

const (
	Asked   ConsentState = "asked"
	Granted ConsentState = "granted"
	Refused ConsentState = "refused"
	Revoked ConsentState = "revoked"
	Ended   ConsentState = "ended" // its time is over, or the original is gone
)

// Name returns the word for the state.
func (s ConsentState) Name(lang locale.Lang) string { return lang.T("report.consent." + string(s)) }

// Consent is an analyst's wish to see the original of a report, and the
// institution's answer.
type Consent struct {
	ID       int64
	Report   int64
	Subject  string // of the report, redacted
	Org      int64
	OrgName  string
	State    ConsentState
	Asker    string // name of the analyst
	Reason   string
	At       time.Time
	Answerer string // name of the contact; "" for analysts
	Answer   string // what was said to it
	Answered time.Time
	Until    time.Time // of a granted one
}

func forbidden() error { return fault.New(fault.Forbidden, "fault.forbidden") }

// analyses reports whether the caller is an analyst, or an operator, of the ISAC.
func analyses(c caller.Caller) bool { return permit.May(c, permit.MailCase) == permit.All }

// AskOriginal asks a report's institution to let analysts see the original. Its
// contacts are told. While a question is open, asking again is the same.
func AskOriginal(ctx context.Context, db *store.DB, ml *mailer.Mailer, c caller.Caller, report int64, reason string) (id int64, err error) {
	if !analyses(c) {
		return 0, forbidden()
	}
	if reason, err = checkReason(reason); err != nil {
		return 0, err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		if err := serialise(ctx, tx); err != nil {
			return err
		}
		r, err := Get(ctx, tx, c, report)
		if err != nil {
			return err
		}
		if r.Original.IsZero() {
			return fault.New(fault.NotFound, "report.original_gone")
		}
		if err := tx.QueryRow(ctx, openConsent, report).Scan(&id); err != nil {
			return err
		}
		if id != 0 {
			return audit.Append(ctx, tx, "consent.ask", object(report), "consent", id, "known", true)
		}
		if id, err = tx.Insert(ctx, insertConsent, report, c.Account, store.Micros(tx.Now), reason); err != nil {
			return err
		}
		who, err := pairs(ctx, tx, orgContacts, r.Org, store.Micros(tx.Now), report)
		if err != nil {
			return err
		}
		for _, w := range who {
			if err := tell(ctx, tx, ml, w, ToldAsked, 0, id); err != nil {
				return err
			}
		}
		return audit.Append(ctx, tx, "consent.ask", object(report), "consent", id, "institution", r.Org)
	})
	return id, err
}

// answers reports whether the caller answers for the originals of his own
// institution: its contact, or an operator for the ISAC's own.
func answers(c caller.Caller) bool {
	return permit.May(c, permit.MailOriginal) != permit.None && c.Account != 0 && c.Org != 0 && c.Is(caller.Contact, caller.Operator)
}

// wish is an open or answered consent as it is changed.
type wish struct {
	report, asker int64
	state         ConsentState
	until, keep   time.Time
	gone          bool
}

// loadWish reads a consent of the caller's own institution.
func loadWish(ctx context.Context, tx *store.Tx, id int64) (w wish, err error) {
	var until, keep int64
	var file string
	err = tx.QueryRow(ctx, selectConsent, id, tx.Caller.Org).Scan(&w.report, &w.state, &w.asker, &until, &keep, &file)
	w.until, w.keep, w.gone = store.Time(until), store.Time(keep), file == ""
	return w, store.NotFound(err)
}

// AnswerConsent grants or refuses, by a contact of the institution. A zero until
// means in seven days, and at most thirty are given; a consent never outlives
// the original.
func AnswerConsent(ctx context.Context, db *store.DB, ml *mailer.Mailer, c caller.Caller, id int64, granted bool, reason string, until time.Time) error {
	if !answers(c) {
		return forbidden()
	}
	if reason != "" || !granted { // a refusal says why
		var err error
		if reason, err = checkReason(reason); err != nil {
			return err
		}
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if err := serialise(ctx, tx); err != nil {
			return err
		}
		w, err := loadWish(ctx, tx, id)
		if err != nil {
			return err
		}
		if w.state != Asked {
			return fault.New(fault.Conflict, "report.consent_state", "state", w.state)
		}
		if w.gone {
			return fault.New(fault.NotFound, "report.original_gone")
		}
		state, ends := Refused, time.Time{}
		if granted {
			state, ends = Granted, until
			if until.IsZero() {
				ends = tx.Now.Add(DefaultConsent)
			}
			if !ends.After(tx.Now) || ends.After(tx.Now.Add(LongestConsent)) {
				return fault.New(fault.Invalid, "report.consent_until", "most", int(LongestConsent/(24*time.Hour))).At("until")
			}
			if ends.After(w.keep) {
				ends = w.keep
			}
		}
		if _, err := tx.Exec(ctx, answerConsent, id, string(state), c.Account, store.Micros(tx.Now), reason, moment(ends)); err != nil {
			return err
		}
		if w.asker != 0 {
			if err := tell(ctx, tx, ml, told{w.asker, w.report}, ToldAnswered, 0, id); err != nil {
				return err
			}
		}
		detail := []any{"consent", id, "state", string(state)}
		if granted {
			detail = append(detail, "until", ends.UTC().Format(time.RFC3339))
		}
		return audit.Append(ctx, tx, "consent.answer", object(w.report), detail...)
	})
}

// RevokeConsent ends a consent that holds, at once.
func RevokeConsent(ctx context.Context, db *store.DB, c caller.Caller, id int64, reason string) error {
	if !answers(c) {
		return forbidden()
	}
	reason, err := checkReason(reason)
	if err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if err := serialise(ctx, tx); err != nil {
			return err
		}
		w, err := loadWish(ctx, tx, id)
		if err != nil {
			return err
		}
		if w.state != Granted || !w.until.After(tx.Now) {
			return fault.New(fault.Conflict, "report.consent_state", "state", w.state)
		}
		if _, err := tx.Exec(ctx, answerConsent, id, string(Revoked), c.Account, store.Micros(tx.Now), reason, store.Micros(tx.Now)); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "consent.revoke", object(w.report), "consent", id)
	})
}

// ConsentFilter narrows the list of consents.
type ConsentFilter struct {
	Report int64 // 0 for all
	Open   bool  // only those that wait for an answer
}

// Consents returns the newest consents, at most 200: for analysts all, for a
// contact those of her institution, for a reporter those about his reports.
func Consents(ctx context.Context, q store.Queryer, c caller.Caller, f ConsentFilter) ([]Consent, error) {
	rows, err := q.Query(ctx, listConsents, append(consentSight(q, c), f.Report, number(f.Open))...)
	if err != nil {
		return nil, fmt.Errorf("report: consents: %w", err)
	}
	defer rows.Close()
	var list []Consent
	for rows.Next() {
		n, err := scanConsent(rows, c)
		if err != nil {
			return nil, err
		}
		list = append(list, n)
	}
	return list, rows.Err()
}

// GetConsent returns a consent that Consents could list.
func GetConsent(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (Consent, error) {
	return scanConsent(q.QueryRow(ctx, oneConsent, append(consentSight(q, c), id)...), c)
}

// consentSight are the first arguments of every read of consents.
func consentSight(q store.Queryer, c caller.Caller) []any {
	all, org := permit.Reach(c, permit.MailOriginal)
	return []any{moment(now(q)), all, org, number(leads(c)), c.Account}
}

func scanConsent(row scanner, c caller.Caller) (n Consent, err error) {
	var at, answered, until int64
	if err := row.Scan(&n.ID, &n.Report, &n.Subject, &n.Org, &n.OrgName, &n.State, &n.Asker, &n.Reason, &at,
		&n.Answerer, &n.Answer, &answered, &until); err != nil {
		return Consent{}, store.NotFound(err)
	}
	n.At, n.Answered, n.Until = store.Time(at), store.Time(answered), store.Time(until)
	if n.Org != c.Org { // who it was stays in the institution
		n.Answerer = ""
	}
	return n, nil
}

// OriginalFile is an original that is being handed out.
type OriginalFile struct {
	io.ReadCloser
	Size   int64
	SHA256 string // of the file, in hexadecimal digits
}

// Original hands out the mail as it was handed in: to the reporter, to his
// institution's contact, and to analysts with a consent that holds. It is
// recorded before the first byte. The fault is NotFound with the code
// report.original_gone when the original is deleted, Forbidden with
// report.original_consent for an analyst without consent.
func Original(ctx context.Context, db *store.DB, blobs *blob.Store, c caller.Caller, report int64) (*OriginalFile, error) {
	var name string
	err := db.Write(ctx, c, func(tx *store.Tx) error {
		consent, err := mayOriginal(ctx, tx, c, report)
		if err != nil {
			return err
		}
		var print, of int64
		if err := tx.QueryRow(ctx, reportParts, report).Scan(&name, &print, &of); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "report.original", object(report), "consent", consent)
	})
	if err != nil {
		return nil, err
	}
	r, err := blobs.Open(ctx, db, name)
	if err != nil {
		return nil, err
	}
	return &OriginalFile{ReadCloser: r, Size: r.Size, SHA256: r.SHA256}, nil
}

// mayOriginal returns a fault unless the caller may have the original now, and
// the consent by which he may, 0 for his own.
func mayOriginal(ctx context.Context, q store.Queryer, c caller.Caller, report int64) (consent int64, err error) {
	if c.Account == 0 {
		return 0, forbidden()
	}
	if err := permit.Check(c, permit.MailOriginal); err != nil {
		return 0, err
	}
	r, err := Get(ctx, q, c, report)
	if err != nil {
		return 0, err
	}
	if r.Original.IsZero() || !r.Original.After(now(q)) {
		return 0, fault.New(fault.NotFound, "report.original_gone")
	}
	if r.Org == c.Org && (r.Mine || leads(c)) {
		return 0, nil
	}
	if !analyses(c) {
		return 0, forbidden()
	}
	if err := q.QueryRow(ctx, liveConsent, report, store.Micros(now(q))).Scan(&consent); err != nil {
		return 0, err
	}
	if consent == 0 {
		return 0, fault.New(fault.Forbidden, "report.original_consent")
	}
	return consent, nil
}

// MayOriginal reports whether Original would hand the report's original out now.
func MayOriginal(ctx context.Context, q store.Queryer, c caller.Caller, report int64) (bool, error) {
	_, err := mayOriginal(ctx, q, c, report)
	if fault.Is(err, fault.Forbidden) || fault.Is(err, fault.NotFound) {
		return false, nil
	}
	return err == nil, err
}
