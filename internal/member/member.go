// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package member is the register: organisations (the ISAC, institutions,
// vendors, outside bodies), the accounts of their people, and what concerns an
// institution: its domains and the vendors and products that it uses.
package member

import (
	"cmp"
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/job"
	"teiten/internal/store"
)

// Organisation is a member of the portal.
type Organisation struct {
	ID         int64          `json:"id"`
	Kind       caller.OrgKind `json:"kind"`
	Name       string         `json:"name"`
	Short      string         `json:"short"`
	Prefecture string         `json:"prefecture"`
	Beds       int            `json:"beds"`
}

// Account is a person, or a machine, of an organisation.
type Account struct {
	ID     int64
	Org    Organisation
	Name   string
	Title  string
	Role   caller.Role
	Active bool
}

const (
	maxName      = 200
	maxInterests = 1000
	maxDomains   = 200
)

// AddOrganisation registers an organisation. Operators only.
func AddOrganisation(ctx context.Context, tx *store.Tx, o Organisation) (int64, error) {
	if !operates(tx.Caller) {
		return 0, fault.New(fault.Forbidden, "fault.forbidden")
	}
	o.Name, o.Short = strings.TrimSpace(o.Name), strings.TrimSpace(o.Short)
	if o.Short == "" {
		o.Short = o.Name
	}
	if err := cmp.Or(checkName(o.Name, "name"), checkName(o.Short, "short")); err != nil {
		return 0, err
	}
	known := false
	for _, k := range caller.OrgKinds {
		known = known || k == o.Kind
	}
	if !known {
		return 0, fault.New(fault.Invalid, "member.kind", "value", string(o.Kind)).At("kind")
	}
	id, err := tx.Insert(ctx, `INSERT INTO organisation (kind, name, short, prefecture, beds, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
		string(o.Kind), o.Name, o.Short, o.Prefecture, o.Beds, store.Micros(tx.Now))
	if err != nil {
		return 0, err
	}
	return id, audit.Append(ctx, tx, "organisation.add", object("organisation", id), "name", o.Name, "kind", string(o.Kind))
}

// AddAccount registers a person. Operators only.
func AddAccount(ctx context.Context, tx *store.Tx, a Account) (int64, error) {
	if !operates(tx.Caller) {
		return 0, fault.New(fault.Forbidden, "fault.forbidden")
	}
	if err := checkName(a.Name, "name"); err != nil {
		return 0, err
	}
	if !(caller.Caller{Role: a.Role}).Is(caller.Roles...) {
		return 0, fault.New(fault.Invalid, "member.role", "value", string(a.Role)).At("role")
	}
	var kind caller.OrgKind
	if err := tx.QueryRow(ctx, `SELECT kind FROM organisation WHERE id = $1`, a.Org.ID).Scan(&kind); err != nil {
		return 0, store.NotFound(err)
	}
	if (a.Role == caller.Operator || a.Role == caller.Analyst) && kind != caller.ISAC {
		return 0, fault.New(fault.Invalid, "member.role_isac").At("role")
	}
	id, err := tx.Insert(ctx, `INSERT INTO account (organisation_id, name, title, role, active, created_at)
		VALUES ($1, $2, $3, $4, $5, $6) RETURNING id`,
		a.Org.ID, a.Name, a.Title, string(a.Role), true, store.Micros(tx.Now))
	if err != nil {
		return 0, err
	}
	return id, audit.Append(ctx, tx, "account.add", object("account", id), "organisation", a.Org.ID, "role", string(a.Role))
}

// Caller returns the caller that an active account is, through a channel.
func Caller(ctx context.Context, q store.Queryer, account int64, channel string) (caller.Caller, error) {
	c := caller.Caller{Account: account, Channel: channel}
	err := q.QueryRow(ctx, `SELECT a.name, a.role, o.id, o.short, o.kind
		FROM account a JOIN organisation o ON o.id = a.organisation_id WHERE a.id = $1 AND a.active`, account).
		Scan(&c.Name, &c.Role, &c.Org, &c.OrgName, &c.OrgKind)
	if err != nil {
		return caller.Caller{}, store.NotFound(err)
	}
	return c, nil
}

// LocalOperator returns the caller of the command line: an audited operator of
// the ISAC that holds the store, which is registered if there is none yet.
func LocalOperator(ctx context.Context, db *store.DB, channel string) (caller.Caller, error) {
	const name = "local operator"
	find := func(q store.Queryer) (int64, error) {
		var id int64
		err := q.QueryRow(ctx, `SELECT a.id FROM account a JOIN organisation o ON o.id = a.organisation_id
			WHERE o.kind = 'isac' AND a.role = 'operator' AND a.active ORDER BY a.id LIMIT 1`).Scan(&id)
		return id, store.NotFound(err)
	}
	id, err := find(db)
	if fault.Is(err, fault.NotFound) {
		err = db.Write(ctx, caller.System("init"), func(tx *store.Tx) error {
			if id, err = find(tx); !fault.Is(err, fault.NotFound) {
				return err
			}
			var org int64
			err = tx.QueryRow(ctx, `SELECT id FROM organisation WHERE kind = 'isac' ORDER BY id LIMIT 1`).Scan(&org)
			if err = store.NotFound(err); fault.Is(err, fault.NotFound) {
				org, err = AddOrganisation(ctx, tx, Organisation{Kind: caller.ISAC, Name: "ISAC"})
			}
			if err != nil {
				return err
			}
			id, err = AddAccount(ctx, tx, Account{Org: Organisation{ID: org}, Name: name, Role: caller.Operator})
			return err
		})
	}
	if err != nil {
		return caller.Caller{}, err
	}
	return Caller(ctx, db, id, channel)
}

// Organisations lists the register, the ISAC first, institutions by name.
func Organisations(ctx context.Context, q store.Queryer) ([]Organisation, error) {
	rows, err := q.Query(ctx, `SELECT id, kind, name, short, prefecture, beds FROM organisation
		ORDER BY CASE kind WHEN 'isac' THEN 0 WHEN 'institution' THEN 1 ELSE 2 END, id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Organisation
	for rows.Next() {
		var o Organisation
		if err := rows.Scan(&o.ID, &o.Kind, &o.Name, &o.Short, &o.Prefecture, &o.Beds); err != nil {
			return nil, err
		}
		all = append(all, o)
	}
	return all, rows.Err()
}

// Accounts lists the active accounts in the order of their organisations.
func Accounts(ctx context.Context, q store.Queryer) ([]Account, error) {
	rows, err := q.Query(ctx, `SELECT a.id, a.name, a.title, a.role, o.id, o.kind, o.name, o.short, o.prefecture, o.beds
		FROM account a JOIN organisation o ON o.id = a.organisation_id WHERE a.active
		ORDER BY CASE o.kind WHEN 'isac' THEN 0 WHEN 'institution' THEN 1 ELSE 2 END, o.id, a.id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Account
	for rows.Next() {
		a := Account{Active: true}
		if err := rows.Scan(&a.ID, &a.Name, &a.Title, &a.Role, &a.Org.ID, &a.Org.Kind, &a.Org.Name, &a.Org.Short, &a.Org.Prefecture, &a.Org.Beds); err != nil {
			return nil, err
		}
		all = append(all, a)
	}
	return all, rows.Err()
}

// operates reports whether the caller runs the register: an operator of the ISAC.
func operates(c caller.Caller) bool { return c.OrgKind == caller.ISAC && c.Is(caller.Operator) }

// mayManage says who keeps an organisation's own lists: its contact, or an operator.
func mayManage(c caller.Caller, org int64) error {
	if operates(c) || c.Is(caller.Contact) && c.Org == org {
		return nil
	}
	return fault.New(fault.Forbidden, "fault.forbidden")
}

// Names of jobs that other nouns do when the register changes.
const (
	RematchJob = "concern.rematch" // {"org": id}
	RejudgeJob = "indicator.rejudge"
)

// RematchArgs name the organisation whose interests changed.
type RematchArgs struct {
	Org int64 `json:"org"`
}

func rematch(ctx context.Context, tx *store.Tx, org int64) error {
	return job.Enqueue(ctx, tx, RematchJob, RematchArgs{org}, job.Unique(object("organisation", org)))
}

func rejudge(ctx context.Context, tx *store.Tx) error {
	if err := tx.Bump(ctx, "guard"); err != nil {
		return err
	}
	return job.Enqueue(ctx, tx, RejudgeJob, struct{}{}, job.Unique("all"))
}

func checkName(s, field string) error {
	n := utf8.RuneCountInString(strings.TrimSpace(s))
	if n == 0 {
		return fault.New(fault.Invalid, "member.name_empty").At(field)
	}
	if !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
		return fault.New(fault.Invalid, "member.name_text").At(field)
	}
	if n > maxName {
		return fault.New(fault.TooLarge, "member.name_long", "most", maxName).At(field)
	}
	return nil
}

func object(noun string, id int64) string { return noun + "/" + strconv.FormatInt(id, 10) }
