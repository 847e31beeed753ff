// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"time"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// proof is how long a person who showed her factors may do what an open
// browser alone must not: change them, or make tokens.
const proof = 5 * time.Minute

// Recent returns auth.prove (Forbidden) unless the person showed her factors
// within the last five minutes: then ask for them, Reauthenticate, and go on.
func Recent(_ context.Context, s Session) error {
	if time.Since(s.Proved) < proof {
		return nil
	}
	return fault.New(fault.Forbidden, "auth.prove", "minutes", int(proof.Minutes()))
}

// Reauthenticate takes password and code of the person who has the session
// (login and old token are not read) and returns the token that takes the
// place of its own. The faults are those of SignIn; failures count alike.
func Reauthenticate(ctx context.Context, db *store.DB, keys *blob.Keyring, dev Device, token string, a Attempt) (string, Session, error) {
	c, s, err := Resume(ctx, db, token, dev)
	if err != nil {
		return "", Session{}, err
	}
	p, err := byID(ctx, db, c.Account)
	if err != nil {
		return "", Session{}, err
	}
	who := object("account", p.id)
	try, err := reserve(ctx, db, dev, who, buckets(db, dev, p, "", true))
	if err != nil {
		return "", Session{}, err
	}
	f, reason, err := p.check(ctx, db, keys, a, try)
	if err != nil {
		return "", Session{}, try.untried(ctx, db, err)
	}
	if reason == "" {
		fresh := ""
		err = db.Write(ctx, c, func(tx *store.Tx) error {
			if err := f.use(ctx, tx); err != nil {
				return err
			}
			if err := try.release(ctx, tx, true); err != nil {
				return err
			}
			fresh, err = prove(ctx, tx, &s, f.method())
			return err
		})
		if err == nil {
			return fresh, s, nil
		}
		if !errors.Is(err, errUsed) {
			return "", Session{}, try.untried(ctx, db, err)
		}
		reason = becauseReplay
	}
	if err := failed(ctx, db, dev, "auth.prove_failed", who, reason); err != nil {
		return "", Session{}, err
	}
	return "", Session{}, refused()
}

// Proved renews the proof of a session whose person another package has
// authenticated just now, by a passkey, and returns its new token.
func Proved(ctx context.Context, db *store.DB, dev Device, token, method string) (string, Session, error) {
	c, s, err := Resume(ctx, db, token, dev)
	if err != nil {
		return "", Session{}, err
	}
	fresh := ""
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		fresh, err = prove(ctx, tx, &s, method)
		return err
	})
	if err != nil {
		return "", Session{}, err
	}
	return fresh, s, nil
}

// prove writes down that a person showed her factors and gives the session a
// new token, because it may do more from now on.
func prove(ctx context.Context, tx *store.Tx, s *Session, method string) (string, error) {
	fresh := newToken()
	n, err := tx.Exec(ctx, `UPDATE session SET token_hash = $2, proved_at = $3, seen_at = $3 WHERE id = $1`,
		s.ID, hashToken(fresh), store.Micros(tx.Now))
	if err != nil {
		return "", err
	}
	if n == 0 {
		return "", ended()
	}
	s.Proved, s.Seen = tx.Now, tx.Now
	return fresh, audit.Append(ctx, tx, "auth.prove", object("account", s.Account), "method", method, "session", s.ID)
}

// still returns a fault unless the session of the caller is there yet.
func still(ctx context.Context, tx *store.Tx, c caller.Caller, s Session) error {
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM session WHERE id = $1 AND account_id = $2 AND device_id = $3`,
		s.ID, c.Account, c.Device).Scan(&n)
	if err == nil && n == 0 {
		err = ended()
	}
	return err
}
