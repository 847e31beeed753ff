// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// A recovery gives a person who has lost her factors a way in again. One
// person opens it, another approves it within a day, and each is shown one
// half of a code, once, which the owner gets from both and types together
// within three days, on a device that serves her account. Neither of the two
// has what it takes alone, be it the opener of what he opened or the approver
// of what he was asked for in good faith. Her old factors work until the new
// ones are set up, so that a recovery which nobody asked for locks nobody out:
// she hears of it when she signs in, and can stop it.
const (
	approveWithin = 24 * time.Hour
	setUpWithin   = 72 * time.Hour
	halfGroups    = 3 // 60 bits, of which the other half holder must guess all at the door
	halfLetters   = 4 * halfGroups
	localGroups   = 7 // 140 bits
	maxReason     = 500
)

// Recovery is one, without its code.
type Recovery struct {
	ID         int64
	Account    int64
	Name       string // of the account
	Org        int64
	Reason     string
	OpenedBy   int64
	Opener     string
	Opened     time.Time
	ApprovedBy int64  // 0 not yet
	Approver   string // "" not yet
	Approved   time.Time
	Until      time.Time // for the approval, then for the set-up
	Completed  time.Time
	Cancelled  time.Time
}

// Waits reports whether it waits for an approval, at a time.
func (r Recovery) Waits(now time.Time) bool { return r.ApprovedBy == 0 && r.live(now) }

func (r Recovery) live(now time.Time) bool {
	return r.Completed.IsZero() && r.Cancelled.IsZero() && now.Before(r.Until)
}

// joinHalves is what is stored of both halves of a code typed as one: the MAC
// of each, so that the first can be kept before the second exists.
func joinHalves(keys *blob.Keyring, account int64, code string) string {
	if len(code) != 2*halfLetters {
		return "-"
	}
	return firstHalf(keys, account, code[:halfLetters]) + "." + secondHalf(keys, account, code[halfLetters:])
}

func firstHalf(keys *blob.Keyring, account int64, code string) string {
	return sealCode(keys, "first half", account, code)
}

func secondHalf(keys *blob.Keyring, account int64, code string) string {
	return sealCode(keys, "second half", account, code)
}

// recoverable returns the account if the caller may have a part in recovering
// it: a contact for people of her organisation, an operator for all; only
// operators for those who run the ISAC; nobody for herself.
func recoverable(ctx context.Context, tx *store.Tx, account int64) (p person, err error) {
	c := tx.Caller
	all, org := permit.Reach(c, permit.PeopleRecover)
	p, err = scanPerson(tx.QueryRow(ctx, `SELECT `+personColumns+` WHERE a.id = $1 AND ($2 = 1 OR a.organisation_id = $3)`, account, all, org))
	switch {
	case err != nil:
		return p, err
	case p.id == 0 || c.Account == 0:
		return p, fault.New(fault.NotFound, "fault.not_found")
	case p.id == c.Account:
		return p, fault.New(fault.Forbidden, "auth.recovery_self")
	case (p.role == caller.Operator || p.role == caller.Analyst) && !c.Is(caller.Operator):
		return p, fault.New(fault.Forbidden, "auth.recovery_operator")
	case p.barred(Device{Account: p.id}, tx.Now) != "":
		return p, fault.New(fault.Conflict, "auth.recovery_gone")
	}
	return p, nil
}

// OpenRecovery opens the recovery of an account, with the reason that its
// approver reads, and returns the first half of the code: for the account's
// owner alone, shown once.
func OpenRecovery(ctx context.Context, db *store.DB, keys *blob.Keyring, c caller.Caller, account int64, reason string) (id int64, half string, err error) {
	if err := permit.Check(c, permit.PeopleRecover); err != nil {
		return 0, "", err
	}
	reason = strings.TrimSpace(reason)
	if reason == "" || !utf8.ValidString(reason) || strings.ContainsRune(reason, 0) {
		return 0, "", fault.New(fault.Invalid, "auth.recovery_reason").At("reason")
	}
	if utf8.RuneCountInString(reason) > maxReason {
		return 0, "", fault.New(fault.TooLarge, "auth.recovery_reason_long", "most", maxReason).At("reason")
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		p, err := recoverable(ctx, tx, account)
		if err != nil {
			return err
		}
		// The account's row makes those who open at once follow one another.
		if _, err := tx.Exec(ctx, `UPDATE account SET login = login WHERE id = $1`, account); err != nil {
			return err
		}
		var others int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM auth_recovery WHERE account_id = $1
			AND completed_at = 0 AND cancelled_at = 0 AND valid_until > $2`, account, store.Micros(tx.Now)).Scan(&others); err != nil {
			return err
		}
		if others > 0 {
			return fault.New(fault.Conflict, "auth.recovery_open")
		}
		half = newCode(halfGroups)
		id, err = tx.Insert(ctx, `INSERT INTO auth_recovery (account_id, opened_by, opened_at, reason, first_hash, approved_by, approved_at,
			valid_until, completed_at, cancelled_at, told_at) VALUES ($1, $2, $3, $4, $5, 0, 0, $6, 0, 0, 0) RETURNING id`,
			p.id, c.Account, store.Micros(tx.Now), reason, firstHalf(keys, p.id, normalCode(half)), store.Micros(tx.Now.Add(approveWithin)))
		if err != nil {
			return err
		}
		return audit.Append(ctx, tx, "recovery.open", object("recovery", id), "account", p.id)
	})
	if err != nil {
		return 0, "", err
	}
	return id, half, nil
}

// ApproveRecovery approves what somebody else opened, ends the account's
// sessions and returns the second half of the code: for the account's owner
// alone, shown once.
func ApproveRecovery(ctx context.Context, db *store.DB, keys *blob.Keyring, c caller.Caller, id int64) (half string, err error) {
	if err := permit.Check(c, permit.PeopleRecover); err != nil {
		return "", err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		r, first, err := reachedRecovery(ctx, tx, id)
		if err != nil {
			return err
		}
		if r.OpenedBy == c.Account {
			return fault.New(fault.Forbidden, "auth.recovery_second")
		}
		if _, err := recoverable(ctx, tx, r.Account); err != nil {
			return err
		}
		if !r.Waits(tx.Now) {
			return fault.New(fault.Conflict, "auth.recovery_over")
		}
		until := tx.Now.Add(setUpWithin)
		n, err := tx.Exec(ctx, `UPDATE auth_recovery SET approved_by = $2, approved_at = $3, valid_until = $4, first_hash = ''
			WHERE id = $1 AND approved_by = 0 AND cancelled_at = 0 AND valid_until > $3 AND opened_by <> $2 AND account_id <> $2
			AND EXISTS (SELECT 1 FROM account o WHERE o.id = auth_recovery.opened_by AND o.active AND o.left_at = 0)`,
			id, c.Account, store.Micros(tx.Now), store.Micros(until))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "auth.recovery_over")
		}
		half = newCode(halfGroups)
		if err := storeSetUp(ctx, tx, r.Account, first+"."+secondHalf(keys, r.Account, normalCode(half)), id, until); err != nil {
			return err
		}
		if err := EndAllOf(ctx, tx, r.Account); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "recovery.approve", object("recovery", id), "account", r.Account, "opened_by", r.OpenedBy)
	})
	if err != nil {
		return "", err
	}
	return half, nil
}

// CancelRecovery stops one that is not completed: its code is worth nothing
// any more. Whoever may recover the account can, and its owner.
func CancelRecovery(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	return db.Write(ctx, c, func(tx *store.Tx) error {
		r, _, err := reachedRecovery(ctx, tx, id)
		if err != nil {
			return err
		}
		n, err := tx.Exec(ctx, `UPDATE auth_recovery SET cancelled_at = $2, first_hash = '' WHERE id = $1 AND completed_at = 0 AND cancelled_at = 0`,
			id, store.Micros(tx.Now))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "auth.recovery_over")
		}
		if _, err := tx.Exec(ctx, `DELETE FROM auth_set_up WHERE recovery_id = $1`, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM auth_step WHERE account_id = $1 AND purpose = $2`, r.Account, toSetUp); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "recovery.cancel", object("recovery", id), "account", r.Account)
	})
}

// RecoverLocally gives an account a set-up code for three days, for who stands
// at the server's own command line: the ISAC's only operator has no second
// person. The transaction's caller must be an operator there; the code is
// shown once.
func RecoverLocally(ctx context.Context, tx *store.Tx, account int64) (code string, err error) {
	c := tx.Caller
	if err := permit.Check(c, permit.PeopleRecover); err != nil {
		return "", err
	}
	if c.Channel != "cli" || !c.Is(caller.Operator) || c.Account == 0 {
		return "", fault.New(fault.Forbidden, "fault.forbidden")
	}
	p, err := byID(ctx, tx, account)
	if err != nil {
		return "", err
	}
	if p.id == 0 {
		return "", fault.New(fault.NotFound, "fault.not_found")
	}
	if p.barred(Device{Account: p.id}, tx.Now) != "" {
		return "", fault.New(fault.Conflict, "auth.recovery_gone")
	}
	now, until := store.Micros(tx.Now), tx.Now.Add(setUpWithin)
	if _, err := tx.Exec(ctx, `UPDATE auth_recovery SET cancelled_at = $2, first_hash = '' WHERE account_id = $1 AND completed_at = 0 AND cancelled_at = 0`,
		account, now); err != nil {
		return "", err
	}
	id, err := tx.Insert(ctx, `INSERT INTO auth_recovery (account_id, opened_by, opened_at, reason, first_hash, approved_by, approved_at,
		valid_until, completed_at, cancelled_at, told_at) VALUES ($1, $2, $3, '', '', $2, $3, $4, 0, 0, 0) RETURNING id`,
		account, c.Account, now, store.Micros(until))
	if err != nil {
		return "", err
	}
	code = newCode(localGroups)
	if err := storeSetUp(ctx, tx, account, hashSetUp(account, normalCode(code)), id, until); err != nil {
		return "", err
	}
	if err := EndAllOf(ctx, tx, account); err != nil {
		return "", err
	}
	return code, audit.Append(ctx, tx, "recovery.local", object("recovery", id), "account", account)
}

// completeRecovery marks one as done, unless it was cancelled.
func completeRecovery(ctx context.Context, tx *store.Tx, id, account int64) error {
	n, err := tx.Exec(ctx, `UPDATE auth_recovery SET completed_at = $3 WHERE id = $1 AND account_id = $2
		AND approved_by <> 0 AND completed_at = 0 AND cancelled_at = 0 AND valid_until > $3`, id, account, store.Micros(tx.Now))
	if err == nil && n == 0 {
		err = stepOver()
	}
	return err
}

const recoveryColumns = `r.id, r.account_id, a.name, a.organisation_id, r.reason, r.opened_by, o.name, r.opened_at,
	r.approved_by, COALESCE(p.name, ''), r.approved_at, r.valid_until, r.completed_at, r.cancelled_at, r.first_hash
	FROM auth_recovery r JOIN account a ON a.id = r.account_id JOIN account o ON o.id = r.opened_by
	LEFT JOIN account p ON p.id = r.approved_by`

func (r *Recovery) scan(scan func(...any) error) (first string, err error) {
	var opened, approved, until, completed, cancelled int64
	err = scan(&r.ID, &r.Account, &r.Name, &r.Org, &r.Reason, &r.OpenedBy, &r.Opener, &opened,
		&r.ApprovedBy, &r.Approver, &approved, &until, &completed, &cancelled, &first)
	r.Opened, r.Approved, r.Until = store.Time(opened), store.Time(approved), store.Time(until)
	r.Completed, r.Cancelled = store.Time(completed), store.Time(cancelled)
	return first, err
}

// reachedRecovery returns one that the transaction's caller may know of.
func reachedRecovery(ctx context.Context, tx *store.Tx, id int64) (r Recovery, first string, err error) {
	all, org := permit.Reach(tx.Caller, permit.PeopleRecover)
	first, err = r.scan(tx.QueryRow(ctx, `SELECT `+recoveryColumns+` WHERE r.id = $1
		AND ($2 = 1 OR a.organisation_id = $3 OR r.account_id = $4)`, id, all, org, tx.Caller.Account).Scan)
	if errors.Is(err, sql.ErrNoRows) || err == nil && tx.Caller.Account == 0 {
		err = fault.New(fault.NotFound, "fault.not_found")
	}
	return r, first, err
}

// Recoveries lists those of the accounts that the caller may recover, and her
// own, the newest first, at most 100.
func Recoveries(ctx context.Context, q store.Queryer, c caller.Caller) ([]Recovery, error) {
	all, org := permit.Reach(c, permit.PeopleRecover)
	return listRecoveries(ctx, q, `($1 = 1 OR a.organisation_id = $2 OR r.account_id = $3)`, all, org, c.Account)
}

// Notices lists the recoveries of the caller's own account that she has not
// acknowledged: she may be the one who knows nothing of it.
func Notices(ctx context.Context, q store.Queryer, c caller.Caller) ([]Recovery, error) {
	return listRecoveries(ctx, q, `r.account_id = $1 AND r.told_at = 0`, c.Account)
}

func listRecoveries(ctx context.Context, q store.Queryer, where string, args ...any) ([]Recovery, error) {
	rows, err := q.Query(ctx, `SELECT `+recoveryColumns+` WHERE `+where+` ORDER BY r.id DESC LIMIT 100`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Recovery
	for rows.Next() {
		var r Recovery
		if _, err := r.scan(rows.Scan); err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, rows.Err()
}

// Acknowledge notes that the caller has read of the recovery of her account.
func Acknowledge(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	return db.Write(ctx, c, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `UPDATE auth_recovery SET told_at = $3 WHERE id = $1 AND account_id = $2 AND told_at = 0`,
			id, c.Account, store.Micros(tx.Now))
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "fault.not_found")
		}
		return audit.Append(ctx, tx, "recovery.acknowledge", object("recovery", id))
	})
}
