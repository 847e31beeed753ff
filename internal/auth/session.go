// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// Session is a person at a device, from her sign-in until she leaves.
type Session struct {
	ID      int64
	Account int64
	Device  int64 // the certificate it is bound to, 0 for none
	Method  string
	Created time.Time
	Seen    time.Time // to the minute
	Proved  time.Time // when she last showed her factors
	Idle    time.Duration
	Expires time.Time // however busy she is

	// Label is the device's, in Sessions only.
	Label string
	// NewDevice says that the account never signed in on this device before;
	// it is set where a session is opened.
	NewDevice bool
}

// over reports whether the session ended by itself.
func (s Session) over(now time.Time) bool {
	return !now.Before(s.Expires) || now.Sub(s.Seen) >= s.Idle
}

// seenEvery is how exactly Seen is kept.
const seenEvery = time.Minute

const sessionColumns = `s.id, s.account_id, s.device_id, s.method, s.created_at, s.seen_at, s.proved_at, s.idle, s.expires_at`

func (s *Session) scan(scan func(...any) error, more ...any) error {
	var created, seen, proved, idle, expires int64
	err := scan(append([]any{&s.ID, &s.Account, &s.Device, &s.Method, &created, &seen, &proved, &idle, &expires}, more...)...)
	s.Created, s.Seen, s.Proved, s.Expires = store.Time(created), store.Time(seen), store.Time(proved), store.Time(expires)
	s.Idle = time.Duration(idle) * time.Microsecond
	return err
}

func ended() error { return fault.New(fault.Forbidden, "auth.session_over") }

// maxToken bounds what is hashed of a cookie.
const maxToken = 100

// Resume returns who has the session of a token, with one query. The fault is
// auth.session_over (Forbidden) when there is none, when it is over, when the
// account may not come in any more, and when another certificate was shown
// than the one it was opened with: then the token was stolen, and the session
// ends.
func Resume(ctx context.Context, db *store.DB, token string, dev Device) (caller.Caller, Session, error) {
	if token == "" || len(token) > maxToken {
		return caller.Caller{}, Session{}, ended()
	}
	var s Session
	var p person
	var left, expires, orgLeft int64
	err := s.scan(db.QueryRow(ctx, `SELECT `+sessionColumns+`, a.id, a.name, a.role, a.active, a.left_at, a.expires_at, o.id, o.short, o.kind, o.left_at
		FROM session s JOIN account a ON a.id = s.account_id JOIN organisation o ON o.id = a.organisation_id
		WHERE s.token_hash = $1`, hashToken(token)).Scan,
		&p.id, &p.name, &p.role, &p.active, &left, &expires, &p.org, &p.short, &p.kind, &orgLeft)
	if errors.Is(err, sql.ErrNoRows) {
		return caller.Caller{}, Session{}, ended()
	}
	if err != nil {
		return caller.Caller{}, Session{}, err
	}
	p.left, p.expires, p.orgLeft = store.Time(left), store.Time(expires), store.Time(orgLeft)
	now := time.Now()
	if s.over(now) {
		return caller.Caller{}, Session{}, ended()
	}
	if s.Device != dev.ID {
		return caller.Caller{}, Session{}, s.stolen(ctx, db, dev)
	}
	if p.barred(dev, now) != "" {
		return caller.Caller{}, Session{}, ended()
	}
	if now.Sub(s.Seen) >= seenEvery {
		err := db.Keep(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE session SET seen_at = $2 WHERE id = $1 AND seen_at < $2`, s.ID, store.Micros(now))
			return err
		})
		if err != nil {
			return caller.Caller{}, Session{}, err
		}
		s.Seen = now.UTC().Truncate(time.Microsecond)
	}
	return p.caller(dev), s, nil
}

// stolen ends a session whose token came with another certificate. One that
// was renewed is another certificate too; the record says whether it is the
// same person's.
func (s Session) stolen(ctx context.Context, db *store.DB, dev Device) error {
	err := db.Write(ctx, visitor(dev), func(tx *store.Tx) error {
		if _, err := tx.Exec(ctx, `DELETE FROM session WHERE id = $1`, s.ID); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "session.stolen", object("session", s.ID), "account", s.Account,
			"device", s.Device, "same_person", dev.Account == s.Account)
	})
	if err != nil {
		return err
	}
	return ended()
}

// Open opens a session for an account that another package has authenticated,
// by a passkey or OpenID Connect, and ends the one of oldToken. Device and
// account are checked as in SignIn, with the same fault.
func Open(ctx context.Context, db *store.DB, dev Device, account int64, method, oldToken string) (token string, s Session, err error) {
	p, err := byID(ctx, db, account)
	if err != nil {
		return "", Session{}, err
	}
	reason := ""
	err = db.Write(ctx, p.caller(dev), func(tx *store.Tx) error {
		if reason = p.barred(dev, tx.Now); reason != "" {
			return refused()
		}
		token, s, err = open(ctx, tx, p, dev, method, oldToken)
		return err
	})
	if reason != "" {
		if err := failed(ctx, db, dev, "auth.sign_in_failed", object("account", account), reason); err != nil {
			return "", Session{}, err
		}
	}
	return token, s, err
}

// open writes a new session. It never goes on with an old token: one that an
// attacker planted in the browser must not become hers.
func open(ctx context.Context, tx *store.Tx, p person, dev Device, method, oldToken string) (string, Session, error) {
	limits, err := ReadLimits(ctx, tx)
	if err != nil {
		return "", Session{}, err
	}
	if oldToken != "" && len(oldToken) <= maxToken {
		if _, err := tx.Exec(ctx, `DELETE FROM session WHERE token_hash = $1`, hashToken(oldToken)); err != nil {
			return "", Session{}, err
		}
	}
	token := newToken()
	s := Session{Account: p.id, Device: dev.ID, Method: method, Created: tx.Now, Seen: tx.Now, Proved: tx.Now,
		Idle: limits.idle(p.role), Expires: tx.Now.Add(limits.Absolute)}
	now := store.Micros(tx.Now)
	s.ID, err = tx.Insert(ctx, `INSERT INTO session (token_hash, account_id, device_id, method, created_at, seen_at, proved_at, idle, expires_at)
		VALUES ($1, $2, $3, $4, $5, $5, $5, $6, $7) RETURNING id`,
		hashToken(token), p.id, dev.ID, method, now, s.Idle.Microseconds(), store.Micros(s.Expires))
	if err != nil {
		return "", Session{}, err
	}
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) = 0 FROM auth_known_device WHERE account_id = $1 AND device_id = $2`, p.id, dev.ID).Scan(&s.NewDevice); err != nil {
		return "", Session{}, err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO auth_known_device (account_id, device_id, signed_in_at) VALUES ($1, $2, $3)
		ON CONFLICT (account_id, device_id) DO UPDATE SET signed_in_at = $3`, p.id, dev.ID, now); err != nil {
		return "", Session{}, err
	}
	return token, s, audit.Append(ctx, tx, "auth.sign_in", object("account", p.id), "method", method, "session", s.ID)
}

// Sessions lists the caller's own, the newest first, with their devices' labels.
func Sessions(ctx context.Context, q store.Queryer, c caller.Caller) ([]Session, error) {
	rows, err := q.Query(ctx, `SELECT `+sessionColumns+`, COALESCE(d.label, '') FROM session s
		LEFT JOIN certificate d ON d.id = s.device_id WHERE s.account_id = $1 ORDER BY s.id DESC`, c.Account)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Session
	now := time.Now()
	for rows.Next() {
		var s Session
		if err := s.scan(rows.Scan, &s.Label); err != nil {
			return nil, err
		}
		if !s.over(now) {
			all = append(all, s)
		}
	}
	return all, rows.Err()
}

// End ends one of the caller's own sessions: signing out, here or elsewhere.
func End(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	return db.Write(ctx, c, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM session WHERE id = $1 AND account_id = $2`, id, c.Account)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "fault.not_found")
		}
		return audit.Append(ctx, tx, "session.end", object("session", id))
	})
}

// EndAll ends the caller's own sessions but one, or all with 0, and returns
// how many.
func EndAll(ctx context.Context, db *store.DB, c caller.Caller, except int64) (n int64, err error) {
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		n, err = endOthers(ctx, tx, c.Account, except)
		return err
	})
	return n, err
}

// EndAllOf ends all sessions of an account in the transaction of the cause: it
// left, or its factors changed. Steps that it had begun end too.
func EndAllOf(ctx context.Context, tx *store.Tx, account int64) error {
	if _, err := tx.Exec(ctx, `DELETE FROM auth_step WHERE account_id = $1`, account); err != nil {
		return err
	}
	_, err := endOthers(ctx, tx, account, 0)
	return err
}

// EndAllOn ends all sessions on a certificate that was revoked, in that
// transaction.
func EndAllOn(ctx context.Context, tx *store.Tx, device int64) error {
	if device == 0 {
		return nil // no certificate cannot be revoked
	}
	if _, err := tx.Exec(ctx, `DELETE FROM auth_step WHERE device_id = $1`, device); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `DELETE FROM session WHERE device_id = $1`, device)
	if err != nil {
		return err
	}
	return audit.Append(ctx, tx, "session.end_all", object("certificate", device), "ended", n)
}

func endOthers(ctx context.Context, tx *store.Tx, account, except int64) (int64, error) {
	n, err := tx.Exec(ctx, `DELETE FROM session WHERE account_id = $1 AND id <> $2`, account, except)
	if err != nil {
		return 0, err
	}
	return n, audit.Append(ctx, tx, "session.end_all", object("account", account), "ended", n)
}
