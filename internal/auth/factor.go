// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// mine returns the account of the session's caller, who must have shown her
// factors just now.
func mine(ctx context.Context, q store.Queryer, c caller.Caller, s Session) (person, error) {
	if s.ID == 0 || c.Account == 0 || s.Account != c.Account || s.Device != c.Device {
		return person{}, ended()
	}
	if err := Recent(ctx, s); err != nil {
		return person{}, err
	}
	return byID(ctx, q, c.Account)
}

// ChangePassword takes the old password once more, makes another the caller's
// and ends her other sessions. dev is the device she does it on.
func ChangePassword(ctx context.Context, db *store.DB, dev Device, c caller.Caller, s Session, old, fresh string) error {
	p, err := mine(ctx, db, c, s)
	if err != nil {
		return err
	}
	if err := CheckPassword(fresh, p.words()...); err != nil {
		return err
	}
	if normalPassword(old) == normalPassword(fresh) {
		return fault.New(fault.Invalid, "auth.password_same").At("password")
	}
	who := object("account", p.id)
	try, err := reserve(ctx, db, dev, who, buckets(db, dev, p, "", true))
	if err != nil {
		return err
	}
	right, _, err := verifyPassword(ctx, p.phc, old)
	if err != nil {
		return try.untried(ctx, db, err)
	}
	if !right {
		if err := failed(ctx, db, dev, "auth.password_failed", who, becausePassword); err != nil {
			return err
		}
		return fault.New(fault.Invalid, "auth.password_old").At("old")
	}
	hash, err := hashPassword(ctx, fresh)
	if err != nil {
		return try.untried(ctx, db, err)
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		if err := still(ctx, tx, c, s); err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE auth_password SET phc = $3, changed_at = $4 WHERE account_id = $1 AND phc = $2`,
			p.id, p.phc, hash, store.Micros(tx.Now))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "auth.changed")
		}
		if err := try.release(ctx, tx, true); err != nil {
			return err
		}
		if _, err := endOthers(ctx, tx, p.id, s.ID); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "auth.password_change", who)
	})
	if err != nil {
		return try.untried(ctx, db, err)
	}
	return nil
}

// BeginTOTP offers the caller a secret for a new app. It counts when
// ConfirmTOTP has seen a code from it; until then the old app does.
func BeginTOTP(ctx context.Context, db *store.DB, keys *blob.Keyring, c caller.Caller, s Session, issuer string) (token string, offer Provisioning, err error) {
	p, err := mine(ctx, db, c, s)
	if err != nil {
		return "", Provisioning{}, err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		if err := still(ctx, tx, c, s); err != nil {
			return err
		}
		var step step
		if token, step, err = begin(ctx, tx, keys, c.Device, p.id, toNewTOTP, ""); err != nil {
			return err
		}
		offer = provisioning(issuer, p.login, step.secret)
		return audit.Append(ctx, tx, "auth.totp_begin", object("account", p.id))
	})
	return token, offer, err
}

// OfferedTOTP returns once more what BeginTOTP offered, for a page that is
// shown again.
func OfferedTOTP(ctx context.Context, db *store.DB, keys *blob.Keyring, c caller.Caller, s Session, issuer, token string) (Provisioning, error) {
	step, p, err := newTOTP(ctx, db, keys, c, s, token)
	if err != nil {
		return Provisioning{}, err
	}
	return provisioning(issuer, p.login, step.secret), nil
}

func newTOTP(ctx context.Context, db *store.DB, keys *blob.Keyring, c caller.Caller, s Session, token string) (step, person, error) {
	step, err := readStep(ctx, db, keys, c.Device, toNewTOTP, token)
	if err == nil && (s.Account != c.Account || step.account != c.Account) {
		err = stepOver()
	}
	if err != nil {
		return step, person{}, err
	}
	p, err := byID(ctx, db, c.Account)
	return step, p, err
}

// ConfirmTOTP takes the first code of the new app and puts it in the place of
// the old one. The caller's other sessions end.
func ConfirmTOTP(ctx context.Context, db *store.DB, keys *blob.Keyring, dev Device, c caller.Caller, s Session, token, code string) error {
	step, p, err := newTOTP(ctx, db, keys, c, s, token)
	if err != nil {
		return err
	}
	used, err := step.confirm(ctx, db, dev, code)
	if err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if err := still(ctx, tx, c, s); err != nil {
			return err
		}
		if err := step.take(ctx, tx); err != nil {
			return err
		}
		if err := storeTOTP(ctx, tx, keys, p.id, step.secret, used); err != nil {
			return err
		}
		if _, err := endOthers(ctx, tx, p.id, s.ID); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "auth.totp_change", object("account", p.id))
	})
}

// NewRecoveryCodes makes ten recovery codes in place of the caller's others.
// They are shown now and never again.
func NewRecoveryCodes(ctx context.Context, db *store.DB, keys *blob.Keyring, c caller.Caller, s Session) (codes []string, err error) {
	p, err := mine(ctx, db, c, s)
	if err != nil {
		return nil, err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		if err := still(ctx, tx, c, s); err != nil {
			return err
		}
		codes, err = storeRecoveryCodes(ctx, tx, keys, p.id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return codes, nil
}

// Factors are what an account has to sign in with.
type Factors struct {
	Password bool
	TOTP     bool
	Codes    int // recovery codes that are left
}

// OwnFactors returns those of the caller.
func OwnFactors(ctx context.Context, q store.Queryer, c caller.Caller) (Factors, error) {
	p, err := byID(ctx, q, c.Account)
	if err != nil {
		return Factors{}, err
	}
	left, err := recoveryCodesLeft(ctx, q, c.Account)
	return Factors{Password: p.phc != "", TOTP: !p.confirmed.IsZero(), Codes: left}, err
}
