// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"context"
	"slices"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// Reason is why an account ends. It is one of a few words and no text, because
// it stays in the audit record.
type Reason string

const (
	Left             Reason = "left"              // she works elsewhere now
	Moved            Reason = "moved"             // to another organisation of the register
	OrganisationLeft Reason = "organisation_left" // with her organisation
	Compromised      Reason = "compromised"       // somebody else may be using it
	Mistake          Reason = "mistake"           // it should not have been made
)

// Reasons are those that a person chooses from; the others follow from what
// is done.
var Reasons = []Reason{Left, Compromised, Mistake}

// Name returns the words for it.
func (r Reason) Name(lang locale.Lang) string { return lang.T("member.reason." + string(r)) }

// Ending ends what a noun keeps of an account: sessions, certificates, tokens.
// It runs in the transaction in which the account ends.
type Ending func(ctx context.Context, tx *store.Tx, account int64) error

var endings []Ending

// OnLeave adds what happens whenever an account ends. The nouns above call it
// from their func init, so that whatever program knows them ends what they
// keep, and no caller of [Leave] can forget it.
func OnLeave(e Ending) { endings = append(endings, e) }

// Leave ends an account at once. What the person told the others stays, with
// her name for those who may read it.
func Leave(ctx context.Context, db *store.DB, c caller.Caller, account int64, why Reason) error {
	if err := permit.Check(c, permit.PeopleManage); err != nil {
		return err
	}
	if !slices.Contains(Reasons, why) {
		return fault.New(fault.Invalid, "member.reason", "value", short(string(why))).At("reason")
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		_, err := leaving(ctx, tx, account)
		if err != nil {
			return err
		}
		return end(ctx, tx, account, why)
	})
}

// leaving loads an account that the caller may end and that may end.
func leaving(ctx context.Context, tx *store.Tx, account int64) (Account, error) {
	if err := serialise(ctx, tx); err != nil {
		return Account{}, err
	}
	a, err := managed(ctx, tx, tx.Caller, account)
	if err != nil {
		return a, err
	}
	if !a.LeftAt.IsZero() {
		return a, fault.New(fault.Conflict, "member.left")
	}
	if a.Role == caller.Operator {
		return a, operatorRemains(ctx, tx, account)
	}
	return a, nil
}

// end is the only place where an account ends.
func end(ctx context.Context, tx *store.Tx, account int64, why Reason) error {
	n, err := tx.Exec(ctx, `UPDATE account SET active = $1, left_at = $2 WHERE id = $3 AND left_at = 0`, false, store.Micros(tx.Now), account)
	if err != nil {
		return err
	}
	if n == 0 {
		return notFound()
	}
	for _, e := range endings {
		if err := e(ctx, tx, account); err != nil {
			return err
		}
	}
	return audit.Append(ctx, tx, "account.leave", object("account", account), "reason", string(why))
}

// Return lets a person who left come back to the same organisation, with the
// role that she had. Sessions, certificates and tokens stay ended.
func Return(ctx context.Context, db *store.DB, c caller.Caller, account int64) error {
	if err := permit.Check(c, permit.PeopleManage); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if err := serialise(ctx, tx); err != nil {
			return err
		}
		a, err := managed(ctx, tx, c, account)
		if err != nil {
			return err
		}
		if a.LeftAt.IsZero() {
			return fault.New(fault.Conflict, "member.present")
		}
		if !a.Org.LeftAt.IsZero() {
			return fault.New(fault.Conflict, "member.organisation_left", "name", a.Org.Short)
		}
		var elsewhere int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM account WHERE moved_from = $1`, account).Scan(&elsewhere); err != nil {
			return err
		}
		if elsewhere > 0 {
			return fault.New(fault.Conflict, "member.moved")
		}
		if _, err := tx.Exec(ctx, `UPDATE account SET active = $1, left_at = 0 WHERE id = $2`, true, account); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "account.return", object("account", account), "role", string(a.Role))
	})
}

// Move lets a person change from one organisation to another: her account ends
// with everything that belongs to it, and a new one begins, with her name,
// login and mail and the role that the new organisation gives her. She enrols
// anew there; nothing that she could see or do before comes with her, and what
// she told stays with her former organisation. Operators only.
func Move(ctx context.Context, db *store.DB, c caller.Caller, account, to int64, role caller.Role, title string) (id int64, err error) {
	if err := permit.Check(c, permit.RegisterManage); err != nil {
		return 0, err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		if account == c.Account {
			return fault.New(fault.Forbidden, "member.own_role")
		}
		a, err := leaving(ctx, tx, account)
		if err != nil {
			return err
		}
		if a.Role == caller.Machine || role == caller.Machine {
			return fault.New(fault.Invalid, "member.move_machine")
		}
		if a.Evaluator {
			return fault.New(fault.Invalid, "member.move_evaluator")
		}
		org, err := organisation(ctx, tx, c, permit.RegisterManage, to)
		if err != nil {
			return err
		}
		if org.ID == a.Org.ID {
			return fault.New(fault.Invalid, "member.move_same").At("org")
		}
		if !org.LeftAt.IsZero() {
			return fault.New(fault.Conflict, "member.organisation_left", "name", org.Short).At("org")
		}
		arrived := Account{Org: org, Name: a.Name, Title: title, Role: role, Login: a.Login, Mail: a.Mail, MovedFrom: account}
		if err := arrived.check(tx.Now); err != nil {
			return err
		}
		if err := end(ctx, tx, account, Moved); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE account SET login = '', mail = '' WHERE id = $1`, account); err != nil {
			return err
		}
		id, err = insert(ctx, tx, arrived, "account.arrive")
		return err
	})
	return id, err
}
