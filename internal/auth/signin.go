// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"errors"
	"strconv"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/store"
)

// Attempt is what a person types to sign in.
type Attempt struct {
	Login    string
	Password string
	// Code is from her authenticator app, or one of her recovery codes.
	Code string
	// OldToken is the session that her browser had before, which ends.
	OldToken string
}

// SignIn opens a session for a person who knows her password and holds a code.
// Everybody else gets auth.refused (Forbidden), whatever the reason was, after
// the same work; auth.wait (TooMany, with "seconds") after too many
// failures; auth.busy (Unavailable) when too many sign in at once.
func SignIn(ctx context.Context, db *store.DB, keys *blob.Keyring, dev Device, a Attempt) (token string, s Session, err error) {
	p, err := byLogin(ctx, db, a.Login)
	if err != nil {
		return "", Session{}, err
	}
	who := p.object(db, a.Login)
	spared, err := p.spared(ctx, db, dev)
	if err != nil {
		return "", Session{}, err
	}
	try, err := reserve(ctx, db, dev, who, buckets(db, dev, p, a.Login, spared))
	if err != nil {
		return "", Session{}, err
	}
	f, reason, err := p.check(ctx, db, keys, a, try)
	if err != nil {
		return "", Session{}, try.untried(ctx, db, err)
	}
	if why := p.barred(dev, try.now); why != "" {
		reason = why
	}
	if reason == "" {
		rehashed := p.rehash(ctx, f, a.Password)
		err = db.Write(ctx, p.caller(dev), func(tx *store.Tx) error {
			if err := f.use(ctx, tx); err != nil {
				return err
			}
			if rehashed != "" {
				if _, err := tx.Exec(ctx, `UPDATE auth_password SET phc = $2 WHERE account_id = $1`, p.id, rehashed); err != nil {
					return err
				}
			}
			if err := try.release(ctx, tx, true); err != nil {
				return err
			}
			token, s, err = open(ctx, tx, p, dev, f.method(), a.OldToken)
			return err
		})
		if err == nil {
			return token, s, nil
		}
		if !errors.Is(err, errUsed) {
			return "", Session{}, try.untried(ctx, db, err)
		}
		reason = becauseReplay
	}
	if err := failed(ctx, db, dev, "auth.sign_in_failed", who, reason); err != nil {
		return "", Session{}, err
	}
	return "", Session{}, refused()
}

// object names the account in the audit, or a login that nobody has by its
// keyed hash: what somebody typed there may be a password.
func (p person) object(q store.Queryer, typed string) string {
	if p.id != 0 {
		return object("account", p.id)
	}
	return "login/" + strconv.FormatInt(loginKey(q, typed), 16)
}

// spared reports whether the device is the account's own and she has signed in
// on it before.
func (p person) spared(ctx context.Context, q store.Queryer, dev Device) (yes bool, err error) {
	err = q.QueryRow(ctx, `SELECT COUNT(*) > 0 FROM auth_known_device WHERE account_id = $1 AND device_id = $2`, p.id, dev.ID).Scan(&yes)
	return yes && dev.ID != 0 && dev.Account == p.id, err
}

// factors are what a person showed and is about to use up.
type factors struct {
	account int64
	phc     string // against which the password was right
	oldHash bool
	step    int64  // of TOTP, 0 for a recovery code
	code    string // the recovery code's hash
}

func (f factors) method() string {
	if f.step != 0 {
		return ByPassword
	}
	return ByRecoveryCode
}

// check compares password and code, both always and for nobody too. The reason
// is "" when they are right; nothing is used up yet.
func (p person) check(ctx context.Context, q store.Queryer, keys *blob.Keyring, a Attempt, try *attempt) (f factors, reason string, err error) {
	f = factors{account: p.id, phc: p.phc}
	right, old, err := verifyPassword(ctx, p.phc, a.Password)
	if err != nil {
		return f, "", err
	}
	f.oldHash = old
	secret := make([]byte, totpSecret)
	if len(p.secret) > 0 {
		if secret, err = keys.Reveal(secretUse(p.id), p.secret); err != nil {
			return f, "", err
		}
	}
	code, known := normalCode(a.Code), false
	step, fits := matchTOTP(secret, code, try.now)
	f.code = sealCode(keys, "recovery", p.id, code)
	err = q.QueryRow(ctx, `SELECT COUNT(*) > 0 FROM auth_recovery_code WHERE account_id = $1 AND hash = $2 AND used_at = 0`,
		p.id, f.code).Scan(&known)
	if err != nil {
		return f, "", err
	}
	if isTOTP(code) {
		known = fits && !p.confirmed.IsZero()
		f.step = step
	}
	switch {
	case !p.setUp():
		reason = becauseNotSetUp
	case !right:
		reason = becausePassword
	case !known:
		reason = becauseCode
	}
	return f, reason, nil
}

// errUsed says that the code was used in the meantime or before, or that the
// factors are not those any more which were checked.
var errUsed = errors.New("auth: the code was used before")

// use uses the code up, in one statement of which only one of many attempts
// with the same code comes true.
func (f factors) use(ctx context.Context, tx *store.Tx) error {
	var n int64
	var err error
	if f.step != 0 {
		n, err = tx.Exec(ctx, `UPDATE auth_totp SET last_step = $2 WHERE account_id = $1 AND last_step < $2
			AND EXISTS (SELECT 1 FROM auth_password p WHERE p.account_id = $1 AND p.phc = $3)`, f.account, f.step, f.phc)
	} else {
		n, err = tx.Exec(ctx, `UPDATE auth_recovery_code SET used_at = $3 WHERE account_id = $1 AND hash = $2 AND used_at = 0
			AND EXISTS (SELECT 1 FROM auth_password p WHERE p.account_id = $1 AND p.phc = $4)`,
			f.account, f.code, store.Micros(tx.Now), f.phc)
	}
	if err != nil {
		return err
	}
	if n == 0 {
		return errUsed
	}
	if f.step == 0 {
		left, err := recoveryCodesLeft(ctx, tx, f.account)
		if err != nil {
			return err
		}
		return audit.Append(ctx, tx, "auth.recovery_code_use", object("account", f.account), "left", left)
	}
	return nil
}

// rehash returns a new hash of a password whose stored one was made with other
// parameters, or "" when it need not or cannot be made now.
func (p person) rehash(ctx context.Context, f factors, password string) string {
	if !f.oldHash {
		return ""
	}
	fresh, err := hashPassword(ctx, password)
	if err != nil {
		return "" // at the next sign-in then
	}
	return fresh
}
