// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/mailcheck"
	"teiten/internal/permit"
	"teiten/internal/redact"
	"teiten/internal/store"
	"teiten/internal/wave"
)

const (
	mostHidden = 50
	maxHidden  = 200 // characters
	maxSubject = 200 // characters
	maxDelay   = 7 * 24 * time.Hour
)

// Submit reports a held mail and returns the report's id. Reporting the same
// mail again is the same report.
func Submit(ctx context.Context, db *store.DB, blobs *blob.Store, k *mailcheck.Checker, c caller.Caller, held int64, s Submission) (id int64, err error) {
	h, err := openHeld(ctx, db, blobs, c, held)
	if err != nil {
		return 0, err
	}
	id, _, err = SubmitRaw(ctx, db, blobs, k, c, h.Raw, s)
	return id, err
}

// SubmitRaw reports a mail that is not held, and returns what was said about it.
func SubmitRaw(ctx context.Context, db *store.DB, blobs *blob.Store, k *mailcheck.Checker, c caller.Caller, raw []byte, s Submission) (id int64, answer *mailcheck.Answer, err error) {
	d, err := Prepare(ctx, db, blobs, k, c, raw, s)
	if err != nil {
		return 0, nil, err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		id, _, err = d.SubmitIn(ctx, tx)
		return err
	})
	d.Discard()
	return id, d.Answer, err
}

// Draft is a mail that is checked, redacted and kept, and not reported yet. It
// is for those who report in a transaction of their own:
//
//	d, err := report.Prepare(ctx, db, blobs, checker, c, raw, s)
//	...
//	defer d.Discard()
//	err = db.Write(ctx, c, func(tx *store.Tx) error {
//		id, fresh, err := d.SubmitIn(ctx, tx)
//		...
//	})
type Draft struct {
	Answer   *mailcheck.Answer
	Redacted *redact.Mail

	owner    owner
	s        Submission
	key      int64
	print    wave.Print
	subject  string
	findings string // JSON
	redacted string // JSON
	original *blob.Draft
	taken    bool
}

// Prepare does everything that needs no transaction. If SubmitIn is not called
// within six hours, the draft is lost.
func Prepare(ctx context.Context, db *store.DB, blobs *blob.Store, k *mailcheck.Checker, c caller.Caller, raw []byte, s Submission) (*Draft, error) {
	if err := permit.CheckFor(c, permit.MailReport, c.Org); err != nil {
		return nil, err
	}
	own, err := ownerOf(c)
	if err != nil {
		return nil, err
	}
	if err := s.check(c, now(db)); err != nil {
		return nil, err
	}
	if len(raw) > MaxMail {
		return nil, fault.New(fault.TooLarge, "report.large", "most", int64(MaxMail>>20))
	}
	d := &Draft{owner: own, s: s}
	if d.Answer, err = k.Check(ctx, db, c, raw); err != nil {
		return nil, err
	}
	in, err := insideOf(ctx, db, c.Org)
	if err != nil {
		return nil, err
	}
	d.Redacted = redact.Redact(d.Answer.Mail, in, s.Hide)
	d.key = mailKey(db, d.Answer, raw)
	d.print = wave.Of(d.Answer.Mail, db.Key)
	d.subject = storable(clipped(d.Redacted.Subject.Text, maxSubject))
	text, err := json.Marshal(d.Redacted)
	if err != nil {
		return nil, fmt.Errorf("report: redacted mail: %w", err)
	}
	d.redacted = string(text)
	if d.findings, err = writeFindings(d.Answer, d.Redacted); err != nil {
		return nil, err
	}
	d.original, err = blobs.Create(ctx, purpose, bytes.NewReader(raw), MaxMail)
	return d, err
}

// check completes s and refuses what cannot be.
func (s *Submission) check(c caller.Caller, now time.Time) (err error) {
	if !slices.Contains(mailcheck.Actions, s.Did) {
		return fault.New(fault.Invalid, "report.did", "value", clipped(string(s.Did), 40)).At("did")
	}
	if s.Hide, err = checkHide(s.Hide); err != nil {
		return err
	}
	channels := []Channel{Web, API, CLI, Mailbox}
	if s.Channel == "" {
		s.Channel = Channel(c.Channel)
		if !slices.Contains(channels, s.Channel) {
			s.Channel = Web
		}
	}
	if !slices.Contains(channels, s.Channel) {
		return fault.New(fault.Invalid, "report.channel", "value", clipped(string(s.Channel), 40)).At("channel")
	}
	if !s.At.IsZero() && (s.At.After(now.Add(time.Minute)) || s.At.Before(now.Add(-maxDelay))) {
		s.At = time.Time{}
	}
	return nil
}

func checkHide(hide []string) ([]string, error) {
	var kept []string
	for _, h := range hide {
		if h = strings.TrimSpace(h); h == "" {
			continue
		}
		if !utf8.ValidString(h) || utf8.RuneCountInString(h) > maxHidden {
			return nil, fault.New(fault.Invalid, "report.hide_long", "most", maxHidden).At("hide")
		}
		kept = append(kept, h)
	}
	if len(kept) > mostHidden {
		return nil, fault.New(fault.Invalid, "report.hide_many", "most", mostHidden).At("hide")
	}
	return kept, nil
}

// SubmitIn makes the draft a report in a transaction of the same caller. fresh
// is false if he had reported the same mail before; then the id is that of the
// earlier report. It appends the audit record.
func (d *Draft) SubmitIn(ctx context.Context, tx *store.Tx) (id int64, fresh bool, err error) {
	if own, err := ownerOf(tx.Caller); err != nil || own != d.owner {
		return 0, false, fault.New(fault.Forbidden, "fault.forbidden")
	}
	if err := serialise(ctx, tx); err != nil {
		return 0, false, err
	}
	if id, err = reported(ctx, tx, d.owner, d.key); err != nil {
		return 0, false, err
	}
	if id != 0 {
		return id, false, audit.Append(ctx, tx, "report.add", object(id), "known", true)
	}
	if err := d.original.Attach(ctx, tx); err != nil {
		return 0, false, err
	}
	at := tx.Now
	if !d.s.At.IsZero() && d.s.At.Before(at) {
		at = d.s.At.UTC().Truncate(time.Microsecond)
	}
	of, reopened, err := d.joinCase(ctx, tx, at)
	if err != nil {
		return 0, false, err
	}
	print, err := wave.Put(ctx, tx, of, d.print, at)
	if err != nil {
		return 0, false, err
	}
	days, err := retention(ctx, tx, d.owner.org)
	if err != nil {
		return 0, false, err
	}
	a := d.Answer
	id, err = tx.Insert(ctx, insertReport, d.owner.org, d.owner.account, d.owner.device, string(d.s.Channel), store.Micros(at), string(d.s.Did),
		string(a.Verdict), a.Score, a.Rules, d.findings, d.subject, d.redacted, d.key, d.original.Size, d.original.Name,
		store.Micros(tx.Now.AddDate(0, 0, days)), of, print)
	if err != nil {
		return 0, false, fmt.Errorf("report: insert: %w", err)
	}
	if err := sighting(ctx, tx, of, d.owner.org, at); err != nil {
		return 0, false, err
	}
	d.taken = true
	detail := []any{"case", of, "channel", string(d.s.Channel), "verdict", string(a.Verdict), "score", a.Score, "did", string(d.s.Did)}
	if reopened {
		detail = append(detail, "reopened", true)
	}
	return id, true, audit.Append(ctx, tx, "report.add", object(id), detail...)
}

// joinCase counts the report in the case of its wave, or opens one.
func (d *Draft) joinCase(ctx context.Context, tx *store.Tx, at time.Time) (of int64, reopened bool, err error) {
	m, err := wave.Closest(ctx, tx, d.print)
	if err != nil {
		return 0, false, err
	}
	rank, when := rankOf(d.Answer.Verdict), store.Micros(at)
	if of = m.Case; of == 0 {
		of, err = tx.Insert(ctx, insertCase, string(New), d.subject, rank, when, when, store.Micros(tx.Now))
	} else {
		// What was dismissed was another mail of the wave, when this one is
		// known to be an attack.
		var n int64
		if _, err = tx.Exec(ctx, joinCase, of, when, rank); err == nil && rank == rankOf(mailcheck.Malicious) {
			n, err = tx.Exec(ctx, reopenCase, of, store.Micros(tx.Now), "")
			reopened = n > 0
		}
	}
	if err != nil {
		return 0, false, fmt.Errorf("report: case: %w", err)
	}
	_, err = tx.Exec(ctx, countInstitution, of, d.owner.org, when)
	return of, reopened, err
}

// Discard throws the draft away, unless SubmitIn took it. If that transaction
// fails in the end, the file is left without a row, and swept with the others
// of that kind.
func (d *Draft) Discard() {
	if !d.taken {
		_ = d.original.Discard() // it has no row: package blob sweeps what is left
	}
}

// serialise makes the changes of reports and cases wait for each other, so that
// two reports of one wave do not open two cases; and tells who polls.
func serialise(ctx context.Context, tx *store.Tx) error { return tx.Bump(ctx, "report") }

func rankOf(v mailcheck.Verdict) int64 {
	switch v {
	case mailcheck.Malicious:
		return 2
	case mailcheck.Suspicious:
		return 1
	default:
		return 0
	}
}

func verdictOf(rank int64) mailcheck.Verdict {
	return []mailcheck.Verdict{mailcheck.Unknown, mailcheck.Suspicious, mailcheck.Malicious}[min(max(rank, 0), 2)]
}

func object(id int64) string     { return "report/" + strconv.FormatInt(id, 10) }
func caseObject(id int64) string { return "case/" + strconv.FormatInt(id, 10) }

// clipped cuts a text to at most n characters.
func clipped(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i] + "…"
		}
	}
	return s
}

// storable makes a text one that both engines store.
func storable(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}
