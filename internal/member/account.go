// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"context"
	"slices"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// Longest is how long an evaluator's account may last from the day on which
// its end is set.
const Longest = 366 * 24 * time.Hour

// delegated are the roles that an institution's contact gives and takes;
// operators and analysts are made by operators.
var delegated = []caller.Role{caller.Contact, caller.Staff, caller.Executive, caller.Machine}

// AddAccount registers a person or a machine: operators everywhere, a contact
// in her own organisation. Without a login the account cannot sign in.
func AddAccount(ctx context.Context, tx *store.Tx, a Account) (int64, error) {
	c := tx.Caller
	if err := permit.CheckFor(c, permit.PeopleManage, a.Org.ID); err != nil {
		return 0, err
	}
	if err := serialise(ctx, tx); err != nil {
		return 0, err
	}
	org, err := organisation(ctx, tx, c, permit.PeopleManage, a.Org.ID)
	if err != nil {
		return 0, err
	}
	if !org.LeftAt.IsZero() {
		return 0, fault.New(fault.Conflict, "member.organisation_left", "name", org.Short).At("org")
	}
	a.Org = org
	if err := a.check(tx.Now); err != nil {
		return 0, err
	}
	if err := mayGive(c, a.Role); err != nil {
		return 0, err
	}
	if a.Evaluator && !operates(c) {
		return 0, forbidden()
	}
	if err := loginFree(ctx, tx, a.Login, 0); err != nil {
		return 0, err
	}
	return insert(ctx, tx, a, "account.add")
}

func insert(ctx context.Context, tx *store.Tx, a Account, action string) (int64, error) {
	id, err := tx.Insert(ctx, `INSERT INTO account
		(organisation_id, name, title, role, active, login, mail, evaluator, expires_at, moved_from, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id`,
		a.Org.ID, a.Name, a.Title, string(a.Role), true, a.Login, a.Mail, a.Evaluator,
		store.Micros(a.ExpiresAt), a.MovedFrom, store.Micros(tx.Now))
	if err != nil {
		return 0, err
	}
	detail := []any{"organisation", a.Org.ID, "role", string(a.Role), "evaluator", a.Evaluator, "expires", a.record().Expires}
	if a.MovedFrom != 0 {
		detail = append(detail, "moved_from", a.MovedFrom)
	}
	return id, audit.Append(ctx, tx, action, object("account", id), detail...)
}

// check completes a, whose organisation is loaded, and refuses what cannot be.
func (a *Account) check(now time.Time) error {
	a.Name, a.Title, a.Mail = strings.TrimSpace(a.Name), strings.TrimSpace(a.Title), strings.TrimSpace(a.Mail)
	if err := checkName(a.Name, "name"); err != nil {
		return err
	}
	if err := checkText(a.Title, "title", maxName); err != nil {
		return err
	}
	if !slices.Contains(caller.Roles, a.Role) {
		return fault.New(fault.Invalid, "member.role", "value", short(string(a.Role))).At("role")
	}
	if (a.Role == caller.Operator || a.Role == caller.Analyst) && a.Org.Kind != caller.ISAC {
		return fault.New(fault.Invalid, "member.role_isac").At("role")
	}
	var err error
	if a.Login != "" {
		if a.Login, err = FoldLogin(a.Login); err != nil {
			return err
		}
		if a.Role == caller.Machine {
			return fault.New(fault.Invalid, "member.login_machine").At("login")
		}
	}
	if err := checkMail(a.Mail); err != nil {
		return err
	}
	return a.checkEnd(now)
}

// checkEnd holds evaluators to an end, and operators to none: the ISAC must
// not wake up without one.
func (a *Account) checkEnd(now time.Time) error {
	if a.Evaluator {
		switch {
		case a.Org.Kind != caller.Outside:
			return fault.New(fault.Invalid, "member.evaluator_outside").At("evaluator")
		case a.Role != caller.Staff:
			return fault.New(fault.Invalid, "member.evaluator_role").At("role")
		case a.ExpiresAt.IsZero():
			return fault.New(fault.Invalid, "member.evaluator_expires").At("expires")
		case a.ExpiresAt.After(now.Add(Longest)):
			return fault.New(fault.Invalid, "member.evaluator_long").At("expires")
		}
	}
	if a.ExpiresAt.IsZero() {
		return nil
	}
	if a.Role == caller.Operator {
		return fault.New(fault.Invalid, "member.expires_operator").At("expires")
	}
	if !a.ExpiresAt.After(now) {
		return fault.New(fault.Invalid, "member.expires_past").At("expires")
	}
	return nil
}

// ChangeAccount stores name, title, role, login, mail and end of a.ID; the
// other fields of a are not looked at. Nobody changes her own role, a machine
// stays a machine, and the ISAC keeps an operator.
func ChangeAccount(ctx context.Context, db *store.DB, c caller.Caller, a Account) error {
	if err := permit.Check(c, permit.PeopleManage); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if err := serialise(ctx, tx); err != nil {
			return err
		}
		before, err := managed(ctx, tx, c, a.ID)
		if err != nil {
			return err
		}
		if !before.LeftAt.IsZero() {
			return fault.New(fault.Conflict, "member.left")
		}
		a.Org, a.Evaluator, a.MovedFrom = before.Org, before.Evaluator, before.MovedFrom
		if a.ExpiresAt.Equal(before.ExpiresAt) {
			err = a.check(min2(tx.Now, before.ExpiresAt)) // an end that has passed may stay
		} else {
			err = a.check(tx.Now)
		}
		if err != nil {
			return err
		}
		if a.Role != before.Role {
			if err := changeRole(ctx, tx, before, a.Role); err != nil {
				return err
			}
		}
		if err := loginFree(ctx, tx, a.Login, a.ID); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE account SET name = $1, title = $2, role = $3, login = $4, mail = $5, expires_at = $6 WHERE id = $7`,
			a.Name, a.Title, string(a.Role), a.Login, a.Mail, store.Micros(a.ExpiresAt), a.ID); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "account.change", object("account", a.ID), audit.Change(tx, before.record(), a.record())...)
	})
}

// min2 returns a moment at which an unchanged end is still ahead.
func min2(now, end time.Time) time.Time {
	if end.IsZero() || end.After(now) {
		return now
	}
	return end.Add(-time.Microsecond)
}

// changeRole says whether the transaction's caller may give the account a role.
func changeRole(ctx context.Context, tx *store.Tx, a Account, role caller.Role) error {
	if a.ID == tx.Caller.Account {
		return fault.New(fault.Forbidden, "member.own_role").At("role")
	}
	if a.Role == caller.Machine || role == caller.Machine {
		return fault.New(fault.Invalid, "member.role_machine").At("role")
	}
	if err := mayGive(tx.Caller, role); err != nil {
		return err
	}
	if a.Role == caller.Operator {
		return operatorRemains(ctx, tx, a.ID)
	}
	return nil
}

// accountRecord is what an audit record tells of an account: personal values
// as keyed hashes only.
type accountRecord struct {
	Name    string      `audit:"name,personal"`
	Title   string      `audit:"title,personal"`
	Login   string      `audit:"login,personal"`
	Mail    string      `audit:"mail,personal"`
	Role    caller.Role `audit:"role"`
	Expires string      `audit:"expires"`
}

func (a Account) record() accountRecord {
	r := accountRecord{Name: a.Name, Title: a.Title, Login: a.Login, Mail: a.Mail, Role: a.Role}
	if !a.ExpiresAt.IsZero() {
		r.Expires = a.ExpiresAt.UTC().Format(time.RFC3339)
	}
	return r
}

// operatorRemains fails when the account is the ISAC's last operator.
func operatorRemains(ctx context.Context, tx *store.Tx, account int64) error {
	var others int
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM account a JOIN organisation o ON o.id = a.organisation_id
		WHERE o.kind = 'isac' AND a.role = 'operator' AND a.id <> $1 AND `+Admitted(2), account, Present(tx)).Scan(&others); err != nil {
		return err
	}
	if others == 0 {
		return fault.New(fault.Conflict, "member.last_operator")
	}
	return nil
}

const accountColumns = `a.id, a.name, a.title, a.role, a.active, a.login, a.mail, a.evaluator, a.expires_at, a.left_at, a.moved_from`

func scanAccount(row interface{ Scan(...any) error }) (Account, error) {
	var a Account
	var expires, left, orgLeft int64
	into := []any{&a.ID, &a.Name, &a.Title, &a.Role, &a.Active, &a.Login, &a.Mail, &a.Evaluator, &expires, &left, &a.MovedFrom}
	err := row.Scan(append(into, a.Org.into(&orgLeft)...)...)
	a.ExpiresAt, a.LeftAt, a.Org.LeftAt = store.Time(expires), store.Time(left), store.Time(orgLeft)
	return a, err
}

// Find returns an account with login and mail: any for operators, those of her
// own organisation for a contact. Another is not found.
func Find(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (Account, error) {
	return find(ctx, q, c, permit.PeopleRead, id)
}

// Own returns the caller's own account, with login and mail.
func Own(ctx context.Context, q store.Queryer, c caller.Caller) (Account, error) {
	a, err := scanAccount(q.QueryRow(ctx, `SELECT `+accountColumns+`, `+organisationColumns+`
		FROM account a JOIN organisation o ON o.id = a.organisation_id WHERE a.id = $1 AND a.organisation_id = $2`, c.Account, c.Org))
	return a, store.NotFound(err)
}

func find(ctx context.Context, q store.Queryer, c caller.Caller, p permit.Permission, id int64) (Account, error) {
	all, own := permit.Reach(c, p)
	a, err := scanAccount(q.QueryRow(ctx, `SELECT `+accountColumns+`, `+organisationColumns+`
		FROM account a JOIN organisation o ON o.id = a.organisation_id
		WHERE a.id = $1 AND ($2 = 1 OR a.organisation_id = $3)`, id, all, own))
	return a, store.NotFound(err)
}

// managed loads an account that the caller may change.
func managed(ctx context.Context, tx *store.Tx, c caller.Caller, id int64) (Account, error) {
	a, err := find(ctx, tx, c, permit.PeopleManage, id)
	if err != nil {
		return a, err
	}
	return a, mayGive(c, a.Role)
}

// mayGive says whether the caller gives and takes a role.
func mayGive(c caller.Caller, role caller.Role) error {
	if permit.May(c, permit.PeopleManage) == permit.All || slices.Contains(delegated, role) {
		return nil
	}
	return fault.New(fault.Forbidden, "member.role_delegated").At("role")
}

// People lists accounts with login and mail, those that left too: of one
// organisation, or, with 0, of all that the caller may manage.
func People(ctx context.Context, q store.Queryer, c caller.Caller, org int64) ([]Account, error) {
	if err := permit.Check(c, permit.PeopleRead); err != nil {
		return nil, err
	}
	if org != 0 {
		if err := permit.CheckFor(c, permit.PeopleRead, org); err != nil {
			return nil, err
		}
	}
	all, own := permit.Reach(c, permit.PeopleRead)
	return accounts(ctx, q, `(a.organisation_id = $1 OR $1 = 0) AND ($2 = 1 OR a.organisation_id = $3)`, org, all, own)
}

// Accounts lists those who are let in, in the order of their organisations,
// without login and mail.
func Accounts(ctx context.Context, q store.Queryer) ([]Account, error) {
	all, err := accounts(ctx, q, Admitted(1), Present(q))
	for i := range all {
		all[i].Login, all[i].Mail = "", ""
	}
	return all, err
}

func accounts(ctx context.Context, q store.Queryer, where string, args ...any) ([]Account, error) {
	rows, err := q.Query(ctx, `SELECT `+accountColumns+`, `+organisationColumns+`
		FROM account a JOIN organisation o ON o.id = a.organisation_id WHERE `+where+` ORDER BY `+byOrganisation+`, a.id`, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Account
	for rows.Next() {
		a, err := scanAccount(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// operates reports whether the caller runs the register: an operator of the ISAC.
func operates(c caller.Caller) bool { return permit.May(c, permit.RegisterManage) == permit.All }
