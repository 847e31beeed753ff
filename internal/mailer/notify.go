// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"teiten/internal/fault"
	"teiten/internal/job"
	"teiten/internal/locale"
	"teiten/internal/store"
)

// SendJob is the kind of the jobs that Worker does.
const SendJob = "mail.send"

// Notices, by the keys of their texts mail.KEY.subject and mail.KEY.body, with
// the values that each text needs.
const (
	CertificateRenewal = "certificate_renewal" // until time.Time, days int
	Recovery           = "recovery"            // at time.Time
	NewDevice          = "new_device"          // at time.Time
)

// Mailer is outgoing mail as it is configured. The nil Mailer is a portal
// without mail. It is safe for concurrent use.
type Mailer struct {
	cfg Config
	log *slog.Logger
	now func() time.Time
}

// New returns outgoing mail by a configuration, without asking the server yet.
func New(cfg Config, log *slog.Logger) (*Mailer, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	if cfg.Security == "" {
		cfg.Security = StartTLS
	}
	if cfg.Language == "" {
		cfg.Language = locale.Japanese
	}
	return &Mailer{cfg: cfg, log: log, now: time.Now}, nil
}

// value is a number or a time of a text. There are no words: whoever could
// put words into a mail of the portal could write what he likes in its name.
type value struct {
	Number *int64 `json:"number,omitempty"`
	Time   *int64 `json:"time,omitempty"` // microseconds UTC
}

// notice is what a job holds.
type notice struct {
	ID      string           `json:"id"` // makes Message-ID the same at every attempt
	Account int64            `json:"account"`
	Key     string           `json:"key"`
	Values  map[string]value `json:"values"`
	Try     int              `json:"try"` // 0 for the first
}

// Notify tells an account something by mail, in the transaction of what it is
// about: the mail goes if and only if that is committed. Pairs are names and
// values (int, int64, time.Time) for the text. It reports whether mail is
// configured; if not, nothing happens. That an account has no address shows
// when the mail is to be sent, and ends there.
func (m *Mailer) Notify(ctx context.Context, tx *store.Tx, account int64, key string, pairs ...any) (configured bool, err error) {
	n, err := newNotice(account, key, pairs)
	if err != nil || m == nil {
		return false, err
	}
	return true, job.Enqueue(ctx, tx, SendJob, n, job.Unique(n.ID))
}

func newNotice(account int64, key string, pairs []any) (notice, error) {
	n := notice{ID: strings.ToLower(rand.Text()), Account: account, Key: key, Values: map[string]value{}}
	if len(pairs)%2 != 0 {
		return n, fmt.Errorf("mailer: %s: values come in pairs", key)
	}
	for i := 0; i < len(pairs); i += 2 {
		name, ok := pairs[i].(string)
		if !ok {
			return n, fmt.Errorf("mailer: %s: %v is no name", key, pairs[i])
		}
		var number int64
		switch v := pairs[i+1].(type) {
		case int:
			number = int64(v)
			n.Values[name] = value{Number: &number}
		case int64:
			n.Values[name] = value{Number: &v}
		case time.Time:
			number = store.Micros(v)
			n.Values[name] = value{Time: &number}
		default:
			return n, fmt.Errorf("mailer: %s: %s is a %T, not a number or a time", key, name, v)
		}
	}
	for _, l := range locale.Langs {
		if _, _, err := n.text(l); err != nil {
			return n, err
		}
	}
	return n, nil
}

// text is the notice in words.
func (n notice) text(l locale.Lang) (subject, body string, err error) {
	if !locale.Has("mail."+n.Key+".subject") || !locale.Has("mail."+n.Key+".body") {
		return "", "", fmt.Errorf("mailer: there is no text %q", n.Key)
	}
	var pairs []any
	for name, v := range n.Values {
		switch {
		case v.Number != nil:
			pairs = append(pairs, name, *v.Number)
		case v.Time != nil:
			pairs = append(pairs, name, store.Time(*v.Time))
		}
	}
	subject = l.T("mail."+n.Key+".subject", pairs...)
	body = l.T("mail."+n.Key+".body", pairs...) + "\n\n" + l.T("mail.footer")
	if strings.ContainsAny(subject+body, "{}") {
		return "", "", fmt.Errorf("mailer: %s: a value is missing: %s", n.Key, subject)
	}
	return subject, body, nil
}

// pauses are between attempts while the server cannot or will not for now; a
// server that greylists wants some minutes, one that is repaired a day. After
// the last the job is dead.
var pauses = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute, time.Hour,
	2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 8 * time.Hour}

// Worker sends the mails of SendJob. What the server refuses for good (5xx) is
// not tried again; what it refuses for now is, for about a day.
func (m *Mailer) Worker(db *store.DB) job.Worker {
	return func(ctx context.Context, j job.Job) error {
		var n notice
		if err := json.Unmarshal(j.Args, &n); err != nil {
			return &Failure{Err: fmt.Errorf("mailer: %w", err), permanent: true}
		}
		if m == nil {
			return &Failure{Err: fault.New(fault.Unavailable, "mailer.off"), permanent: true}
		}
		address, err := address(ctx, db, n.Account)
		if err != nil {
			return err // the store's: the job's own attempts are for that
		}
		if address == "" {
			m.log.Info("a notice was not sent: the account has left or has no address", "account", n.Account, "notice", n.Key)
			return nil
		}
		subject, body, err := n.text(m.cfg.Language)
		if err != nil {
			return &Failure{Err: err, permanent: true}
		}
		failed := m.send(ctx, n.ID, address, subject, body)
		if failed == nil || failed.permanent || ctx.Err() != nil {
			return orNil(failed)
		}
		if n.Try >= len(pauses) {
			failed.permanent = true
			return failed
		}
		m.log.Warn("a notice could not be sent and will be tried again", "account", n.Account, "notice", n.Key, "try", n.Try+1, "error", failed)
		at := m.now().Add(pauses[n.Try])
		n.Try++
		return db.Keep(ctx, func(tx *store.Tx) error {
			return job.Enqueue(ctx, tx, SendJob, n, job.Unique(n.ID), job.At(at))
		})
	}
}

// orNil keeps a nil *Failure from becoming an error that is not nil.
func orNil(f *Failure) error {
	if f == nil {
		return nil
	}
	return f
}
