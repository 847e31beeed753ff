// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"crypto/subtle"
	"database/sql"
	"errors"
	"time"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// leastCode is how many letters and digits a set-up code must have: 80 bits of
// Crockford's base 32.
const leastCode = 16

// IsSetUp reports whether an account has chosen its factors: then it gets no
// set-up code any more, only a recovery.
func IsSetUp(ctx context.Context, q store.Queryer, account int64) (bool, error) {
	p, err := byID(ctx, q, account)
	return p.phc != "", err
}

// SetUpCode stores the one-time code with which a person sets up her first
// sign-in, until a time; it takes the place of an earlier one. The code needs
// 16 letters and digits; case, spaces and hyphens do not count. An account that
// is set up already gets auth.set_up_done (Conflict): otherwise whoever may
// invite a device could take over the account of its owner.
func SetUpCode(ctx context.Context, tx *store.Tx, account int64, code string, until time.Time) error {
	normal := normalCode(code)
	if len(normal) < leastCode {
		return fault.New(fault.Invalid, "auth.set_up_code", "least", leastCode)
	}
	if done, err := IsSetUp(ctx, tx, account); err != nil {
		return err
	} else if done {
		return fault.New(fault.Conflict, "auth.set_up_done")
	}
	if err := storeSetUp(ctx, tx, account, hashSetUp(account, normal), 0, until); err != nil {
		return err
	}
	return audit.Append(ctx, tx, "auth.set_up_code", object("account", account), "until", until.UTC())
}

func storeSetUp(ctx context.Context, tx *store.Tx, account int64, hash string, recovery int64, until time.Time) error {
	_, err := tx.Exec(ctx, `INSERT INTO auth_set_up (account_id, hash, recovery_id, created_at, valid_until) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account_id) DO UPDATE SET hash = $2, recovery_id = $3, created_at = $4, valid_until = $5`,
		account, hash, recovery, store.Micros(tx.Now), store.Micros(until))
	return err
}

// SetUp is how far a person has come with setting up her sign-in.
type SetUp struct {
	Account  int64
	Name     string
	Login    string
	OrgName  string
	Password bool // is chosen
	Until    time.Time
	Provisioning
}

func (p person) setUpState(s step, issuer string) SetUp {
	return SetUp{Account: p.id, Name: p.name, Login: p.login, OrgName: p.short, Password: s.phc != "", Until: s.until,
		Provisioning: provisioning(issuer, p.login, s.secret)}
}

// Begin takes the one-time code of an enrolment, or both halves of a recovery's
// one after the other, and returns the token of the pages that follow. On her
// own device the person need not type her login; on a shared one she must.
// Whoever is refused gets auth.set_up_refused (Forbidden) for every reason.
func Begin(ctx context.Context, db *store.DB, keys *blob.Keyring, dev Device, issuer, login, code string) (string, SetUp, error) {
	p, err := byLogin(ctx, db, login)
	if login == "" && dev.Account != 0 {
		p, err = byID(ctx, db, dev.Account)
	}
	if err != nil {
		return "", SetUp{}, err
	}
	who := p.object(db, login)
	try, err := reserve(ctx, db, dev, who, buckets(db, dev, p, login, false))
	if err != nil {
		return "", SetUp{}, err
	}
	token, u := "", SetUp{}
	reason := p.barred(dev, try.now)
	err = db.Write(ctx, p.caller(dev), func(tx *store.Tx) error {
		hash, err := p.setUpHash(ctx, tx, keys, normalCode(code))
		if err != nil {
			return err
		}
		if reason == "" && hash == "" {
			reason = becauseCode
		}
		if reason != "" {
			return refused()
		}
		if err := try.release(ctx, tx, true); err != nil {
			return err
		}
		var s step
		if token, s, err = begin(ctx, tx, keys, dev.ID, p.id, toSetUp, hash); err != nil {
			return err
		}
		u = p.setUpState(s, issuer)
		return audit.Append(ctx, tx, "auth.set_up_begin", who)
	})
	switch {
	case err == nil:
		return token, u, nil
	case reason == "":
		return "", SetUp{}, try.untried(ctx, db, err)
	}
	if err := failed(ctx, db, dev, "auth.set_up_failed", who, reason); err != nil {
		return "", SetUp{}, err
	}
	return "", SetUp{}, fault.New(fault.Forbidden, "auth.set_up_refused")
}

// setUpHash returns the stored hash of the account's set-up code if it is the
// one that was typed, else "".
func (p person) setUpHash(ctx context.Context, q store.Queryer, keys *blob.Keyring, code string) (string, error) {
	one, both := hashSetUp(p.id, code), joinHalves(keys, p.id, code)
	stored := ""
	err := q.QueryRow(ctx, `SELECT hash FROM auth_set_up WHERE account_id = $1 AND valid_until > $2`,
		p.id, store.Micros(time.Now())).Scan(&stored)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return "", err
	}
	if subtle.ConstantTimeCompare([]byte(stored), []byte(one))|subtle.ConstantTimeCompare([]byte(stored), []byte(both)) == 0 {
		return "", nil
	}
	return stored, nil
}

// readSetUp returns the step of a token and the person it is for, who must
// still be let in on the device.
func readSetUp(ctx context.Context, db *store.DB, keys *blob.Keyring, dev Device, token string) (step, person, error) {
	s, err := readStep(ctx, db, keys, dev.ID, toSetUp, token)
	if err != nil {
		return step{}, person{}, err
	}
	p, err := byID(ctx, db, s.account)
	if err == nil && p.barred(dev, time.Now()) != "" {
		err = stepOver()
	}
	return s, p, err
}

// Continue returns how far the person has come. The fault is auth.step_over
// (Forbidden) after 15 minutes, on another device or without a token.
func Continue(ctx context.Context, db *store.DB, keys *blob.Keyring, dev Device, issuer, token string) (SetUp, error) {
	s, p, err := readSetUp(ctx, db, keys, dev, token)
	if err != nil {
		return SetUp{}, err
	}
	return p.setUpState(s, issuer), nil
}

// ChoosePassword keeps the password that the person chose, until Finish.
func ChoosePassword(ctx context.Context, db *store.DB, keys *blob.Keyring, dev Device, token, password string) error {
	s, p, err := readSetUp(ctx, db, keys, dev, token)
	if err != nil {
		return err
	}
	if err := CheckPassword(password, p.words()...); err != nil {
		return err
	}
	hash, err := hashPassword(ctx, password)
	if err != nil {
		return err
	}
	return db.Write(ctx, p.caller(dev), func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE auth_step SET phc = $2 WHERE token_hash = $1`, s.hash, hash)
		if err != nil {
			return err
		}
		if n == 0 {
			return stepOver()
		}
		return audit.Append(ctx, tx, "auth.set_up_password", object("account", p.id))
	})
}

// Finished is what a person leaves the set-up with.
type Finished struct {
	Token   string
	Session Session
	// Codes are her recovery codes. They are shown now and never again.
	Codes []string
	// Recovered says that others gave the account a new way in.
	Recovered bool
}

// Also removes what another package keeps of an account's factors, when a
// recovery replaces them all.
type Also func(ctx context.Context, tx *store.Tx, account int64) error

// Finish takes the first code of the person's app, which confirms it, and makes
// password and app hers: the set-up code is used up, she gets recovery codes,
// other sessions end and one opens here. After a recovery her old factors are
// gone with that, also those that recovered removes.
func Finish(ctx context.Context, db *store.DB, keys *blob.Keyring, dev Device, token, code string, recovered ...Also) (Finished, error) {
	s, p, err := readSetUp(ctx, db, keys, dev, token)
	if err != nil {
		return Finished{}, err
	}
	if s.phc == "" {
		return Finished{}, fault.New(fault.Conflict, "auth.set_up_password").At("password")
	}
	used, err := s.confirm(ctx, db, dev, code)
	if err != nil {
		return Finished{}, err
	}
	var f Finished
	err = db.Write(ctx, p.caller(dev), func(tx *store.Tx) error {
		if err := s.take(ctx, tx); err != nil {
			return err
		}
		recovery, err := s.takeCode(ctx, tx)
		if err != nil {
			return err
		}
		if f.Recovered = recovery != 0; f.Recovered {
			if err := completeRecovery(ctx, tx, recovery, p.id); err != nil {
				return err
			}
			for _, also := range recovered {
				if err := also(ctx, tx, p.id); err != nil {
					return err
				}
			}
		} else if done, err := IsSetUp(ctx, tx, p.id); err != nil {
			return err
		} else if done {
			return fault.New(fault.Conflict, "auth.set_up_done")
		}
		if err := storePassword(ctx, tx, p.id, s.phc); err != nil {
			return err
		}
		if err := storeTOTP(ctx, tx, keys, p.id, s.secret, used); err != nil {
			return err
		}
		if f.Codes, err = storeRecoveryCodes(ctx, tx, keys, p.id); err != nil {
			return err
		}
		if err := EndAllOf(ctx, tx, p.id); err != nil {
			return err
		}
		if err := audit.Append(ctx, tx, "auth.set_up", object("account", p.id), "recovery", recovery); err != nil {
			return err
		}
		f.Token, f.Session, err = open(ctx, tx, p, dev, BySetUp, "")
		return err
	})
	if err != nil {
		return Finished{}, err
	}
	return f, nil
}

// takeCode uses up the set-up code with which the step began, if it is still
// the account's, and returns the recovery that gave it, 0 for none.
func (s step) takeCode(ctx context.Context, tx *store.Tx) (recovery int64, err error) {
	err = tx.QueryRow(ctx, `DELETE FROM auth_set_up WHERE account_id = $1 AND hash = $2 RETURNING recovery_id`,
		s.account, s.code).Scan(&recovery)
	if errors.Is(err, sql.ErrNoRows) {
		err = stepOver()
	}
	return recovery, err
}
