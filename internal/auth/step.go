// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/fault"
	"teiten/internal/store"
)

const (
	stepLife  = 15 * time.Minute
	stepTries = 10 // first codes that may be wrong

	toSetUp   = "set_up"
	toNewTOTP = "totp"
)

// step is what a person has done so far of something that takes several
// pages. Nothing of it counts before the last one.
type step struct {
	hash    string // of its token
	account int64
	code    string // hash of the set-up code with which it began
	phc     string
	secret  []byte // of TOTP, as it is
	until   time.Time
}

func stepOver() error { return fault.New(fault.Forbidden, "auth.step_over") }

// begin writes a new step in place of others of the account for the purpose.
func begin(ctx context.Context, tx *store.Tx, keys *blob.Keyring, dev int64, account int64, purpose, code string) (token string, s step, err error) {
	if _, err := tx.Exec(ctx, `DELETE FROM auth_step WHERE account_id = $1 AND purpose = $2`, account, purpose); err != nil {
		return "", step{}, err
	}
	token = newToken()
	s = step{hash: hashToken(token), account: account, code: code, secret: newSecret(), until: tx.Now.Add(stepLife)}
	_, err = tx.Exec(ctx, `INSERT INTO auth_step (token_hash, account_id, device_id, purpose, code_hash, phc, secret, tries, valid_until)
		VALUES ($1, $2, $3, $4, $5, '', $6, 0, $7)`,
		s.hash, account, dev, purpose, code, keys.Protect(secretUse(account), s.secret), store.Micros(s.until))
	return token, s, err
}

// readStep returns the step of a token on the device where it was begun.
func readStep(ctx context.Context, q store.Queryer, keys *blob.Keyring, dev int64, purpose, token string) (step, error) {
	if token == "" || len(token) > maxToken {
		return step{}, stepOver()
	}
	s := step{hash: hashToken(token)}
	var sealed []byte
	var until int64
	err := q.QueryRow(ctx, `SELECT account_id, code_hash, phc, secret, valid_until FROM auth_step
		WHERE token_hash = $1 AND device_id = $2 AND purpose = $3 AND valid_until > $4 AND tries < $5`,
		s.hash, dev, purpose, store.Micros(time.Now()), stepTries).Scan(&s.account, &s.code, &s.phc, &sealed, &until)
	if errors.Is(err, sql.ErrNoRows) {
		return step{}, stepOver()
	}
	if err != nil {
		return step{}, err
	}
	s.until = store.Time(until)
	s.secret, err = keys.Reveal(secretUse(s.account), sealed)
	return s, err
}

// confirm compares the first code of a new app. Each one is counted before it
// is tried. The step of the code is what the app must never use again.
func (s step) confirm(ctx context.Context, db *store.DB, dev Device, typed string) (used int64, err error) {
	var now time.Time
	err = db.Keep(ctx, func(tx *store.Tx) error {
		now = tx.Now
		n, err := tx.Exec(ctx, `UPDATE auth_step SET tries = tries + 1 WHERE token_hash = $1 AND tries < $2`, s.hash, stepTries)
		if err == nil && n == 0 {
			err = stepOver()
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	used, ok := matchTOTP(s.secret, normalCode(typed), now)
	if ok {
		return used, nil
	}
	if err := failed(ctx, db, dev, "auth.first_code_failed", object("account", s.account), becauseCode); err != nil {
		return 0, err
	}
	return 0, fault.New(fault.Invalid, "auth.first_code").At("code")
}

// take removes the step: of many who finish it at once, one does.
func (s step) take(ctx context.Context, tx *store.Tx) error {
	n, err := tx.Exec(ctx, `DELETE FROM auth_step WHERE token_hash = $1 AND valid_until > $2`, s.hash, store.Micros(tx.Now))
	if err == nil && n == 0 {
		err = stepOver()
	}
	return err
}

// storeTOTP makes a confirmed secret the account's own.
func storeTOTP(ctx context.Context, tx *store.Tx, keys *blob.Keyring, account int64, secret []byte, used int64) error {
	_, err := tx.Exec(ctx, `INSERT INTO auth_totp (account_id, secret, last_step, confirmed_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (account_id) DO UPDATE SET secret = $2, last_step = $3, confirmed_at = $4`,
		account, keys.Protect(secretUse(account), secret), used, store.Micros(tx.Now))
	return err
}

// storePassword makes a hash the account's own.
func storePassword(ctx context.Context, tx *store.Tx, account int64, phc string) error {
	_, err := tx.Exec(ctx, `INSERT INTO auth_password (account_id, phc, changed_at) VALUES ($1, $2, $3)
		ON CONFLICT (account_id) DO UPDATE SET phc = $2, changed_at = $3`, account, phc, store.Micros(tx.Now))
	return err
}

const (
	recoveryCodes      = 10
	recoveryCodeGroups = 4 // 80 bits
)

// storeRecoveryCodes makes ten codes in place of all others.
func storeRecoveryCodes(ctx context.Context, tx *store.Tx, keys *blob.Keyring, account int64) ([]string, error) {
	if _, err := tx.Exec(ctx, `DELETE FROM auth_recovery_code WHERE account_id = $1`, account); err != nil {
		return nil, err
	}
	codes := make([]string, recoveryCodes)
	for i := range codes {
		codes[i] = newCode(recoveryCodeGroups)
		if _, err := tx.Exec(ctx, `INSERT INTO auth_recovery_code (account_id, hash, used_at) VALUES ($1, $2, 0)`,
			account, sealCode(keys, "recovery", account, normalCode(codes[i]))); err != nil {
			return nil, err
		}
	}
	return codes, audit.Append(ctx, tx, "auth.recovery_codes", object("account", account), "codes", recoveryCodes)
}

func recoveryCodesLeft(ctx context.Context, q store.Queryer, account int64) (n int, err error) {
	err = q.QueryRow(ctx, `SELECT COUNT(*) FROM auth_recovery_code WHERE account_id = $1 AND used_at = 0`, account).Scan(&n)
	return n, err
}
