// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package member is the register: organisations (the ISAC, institutions,
// vendors, outside bodies), the accounts of their people, the groups in which
// they share, and what concerns an institution: its domains and the vendors
// and products that it uses. Who joins, who leaves, and who changes from one
// to another is decided here; what an account may do, package permit says.
package member

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"
	"time"
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
	Prefecture string         `json:"prefecture"` // one of the 47, "" when it is not known
	Beds       int            `json:"beds"`
	Facility   Facility       `json:"facility,omitempty"` // of an institution
	// WardCheck lets a ward's shared PC check and report a mail without
	// anybody signing in.
	WardCheck bool      `json:"ward_check,omitempty"`
	LeftAt    time.Time `json:"left_at,omitzero"` // zero for members
}

// Account is a person, or a machine, of an organisation.
type Account struct {
	ID     int64
	Org    Organisation
	Name   string
	Title  string
	Role   caller.Role
	Active bool

	// The rest is for those who may read accounts: [People] and [Find] fill it.

	Login     string    // folded; "" cannot sign in
	Mail      string    // where notices go
	Evaluator bool      // an outside researcher, for a time
	ExpiresAt time.Time // zero for never
	LeftAt    time.Time
	MovedFrom int64 // the account of the same person in her former organisation
}

const (
	maxName      = 200 // characters
	maxInterests = 1000
	maxDomains   = 200
)

// Active is the part of [Admitted] about the account (a) alone.
func Active(n int) string {
	return `(a.active AND a.left_at = 0 AND (a.expires_at = 0 OR a.expires_at > $` + strconv.Itoa(n) + `))`
}

// Admitted is the predicate of every query that lets an account in: it is
// active, has not left and not expired, and neither has its organisation left.
// The aliases are a for account and o for organisation; $n is the present, as
// [Present] returns it.
func Admitted(n int) string { return Active(n) + ` AND o.left_at = 0` }

// Present returns the argument of [Admitted]: the time of the transaction, or
// of now outside of one.
func Present(q store.Queryer) int64 {
	if tx, ok := q.(*store.Tx); ok {
		return store.Micros(tx.Now)
	}
	return store.Micros(time.Now())
}

// Caller returns the caller that an account is, through a channel. One that
// has left or expired, or whose organisation left, is not found.
func Caller(ctx context.Context, q store.Queryer, account int64, channel string) (caller.Caller, error) {
	c := caller.Caller{Account: account, Channel: channel}
	err := q.QueryRow(ctx, `SELECT a.name, a.role, o.id, o.short, o.kind
		FROM account a JOIN organisation o ON o.id = a.organisation_id WHERE a.id = $1 AND `+Admitted(2), account, Present(q)).
		Scan(&c.Name, &c.Role, &c.Org, &c.OrgName, &c.OrgKind)
	if err != nil {
		return caller.Caller{}, store.NotFound(err)
	}
	return c, nil
}

// errRegistered undoes the registration when another process was faster.
var errRegistered = errors.New("member: the operator is registered already")

// localOperator is the name of the account that the command line makes for
// itself; set-up gives it to the first operator.
const localOperator = "local operator"

// LocalOperator returns the caller of the command line: an audited operator of
// the ISAC that holds the store, which is registered if there is none yet.
func LocalOperator(ctx context.Context, db *store.DB, channel string) (caller.Caller, error) {
	find := func(q store.Queryer) (int64, error) {
		var id int64
		err := q.QueryRow(ctx, `SELECT a.id FROM account a JOIN organisation o ON o.id = a.organisation_id
			WHERE o.kind = 'isac' AND a.role = 'operator' AND `+Admitted(1)+` ORDER BY a.id LIMIT 1`, Present(q)).Scan(&id)
		return id, store.NotFound(err)
	}
	id, err := find(db)
	if fault.Is(err, fault.NotFound) {
		err = db.Write(ctx, caller.System("init"), func(tx *store.Tx) error {
			if err := serialise(ctx, tx); err != nil {
				return err
			}
			if id, err = find(tx); !fault.Is(err, fault.NotFound) {
				return cmp.Or(err, errRegistered)
			}
			org, err := centre(ctx, tx, "ISAC")
			if err != nil {
				return err
			}
			id, err = AddAccount(ctx, tx, Account{Org: Organisation{ID: org}, Name: localOperator, Role: caller.Operator})
			return err
		})
		if errors.Is(err, errRegistered) {
			err = nil
		}
	}
	if err != nil {
		return caller.Caller{}, err
	}
	return Caller(ctx, db, id, channel)
}

// Found makes the ISAC and its first operator, for set-up. What the command
// line registered for itself before becomes hers. Once an operator has a login
// it is a Conflict: others are added by her.
func Found(ctx context.Context, tx *store.Tx, isacName, operatorName, login string) (org, account int64, err error) {
	login, err = FoldLogin(login)
	if err == nil {
		err = checkName(operatorName, "operator")
	}
	if err == nil {
		err = checkName(isacName, "isac")
	}
	if err == nil {
		err = serialise(ctx, tx)
	}
	if err != nil {
		return 0, 0, err
	}
	var founded int
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM account a JOIN organisation o ON o.id = a.organisation_id
		WHERE o.kind = 'isac' AND a.role = 'operator' AND a.login <> ''`).Scan(&founded); err != nil {
		return 0, 0, err
	}
	if founded > 0 {
		return 0, 0, fault.New(fault.Conflict, "member.founded")
	}
	isacName, operatorName = strings.TrimSpace(isacName), strings.TrimSpace(operatorName)
	if org, err = centre(ctx, tx, isacName); err != nil {
		return 0, 0, err
	}
	if _, err := tx.Exec(ctx, `UPDATE organisation SET name = $1, short = $1 WHERE id = $2`, isacName, org); err != nil {
		return 0, 0, err
	}
	err = tx.QueryRow(ctx, `SELECT id FROM account WHERE organisation_id = $1 AND role = 'operator' AND name = $2 AND login = ''
		ORDER BY id LIMIT 1`, org, localOperator).Scan(&account)
	switch err = store.NotFound(err); {
	case fault.Is(err, fault.NotFound):
		account, err = AddAccount(ctx, tx, Account{Org: Organisation{ID: org}, Name: operatorName, Role: caller.Operator, Login: login})
		return org, account, err
	case err != nil:
		return 0, 0, err
	}
	if err := loginFree(ctx, tx, login, account); err != nil {
		return 0, 0, err
	}
	if _, err := tx.Exec(ctx, `UPDATE account SET name = $1, login = $2 WHERE id = $3`, operatorName, login, account); err != nil {
		return 0, 0, err
	}
	return org, account, audit.Append(ctx, tx, "account.change", object("account", account), "login", audit.Delta{After: audit.Personal(tx, login)})
}

// FirstOperator returns the operator with a login, for set-up that is done
// again: only while there is no other operator with a login.
func FirstOperator(ctx context.Context, q store.Queryer, login string) (Account, error) {
	a := Account{Role: caller.Operator, Active: true, Login: login}
	err := q.QueryRow(ctx, `SELECT a.id, a.name, a.organisation_id FROM account a JOIN organisation o ON o.id = a.organisation_id
		WHERE o.kind = 'isac' AND a.role = 'operator' AND a.login = $1 AND a.active AND a.left_at = 0
		AND NOT EXISTS (SELECT 1 FROM account b WHERE b.login <> '' AND b.id <> a.id)`, login).Scan(&a.ID, &a.Name, &a.Org.ID)
	return a, store.NotFound(err)
}

// centre returns the ISAC, which is registered under the name if there is none.
func centre(ctx context.Context, tx *store.Tx, name string) (org int64, err error) {
	err = tx.QueryRow(ctx, `SELECT id FROM organisation WHERE kind = 'isac' ORDER BY id LIMIT 1`).Scan(&org)
	if err = store.NotFound(err); fault.Is(err, fault.NotFound) {
		return AddOrganisation(ctx, tx, Organisation{Kind: caller.ISAC, Name: name})
	}
	return org, err
}

// serialise lets one change of the register wait for another, on PostgreSQL
// too: without it two operators could each be the one who lets the other, the
// last, leave.
func serialise(ctx context.Context, tx *store.Tx) error { return tx.Bump(ctx, "register") }

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
	if strings.TrimSpace(s) == "" {
		return fault.New(fault.Invalid, "member.name_empty").At(field)
	}
	return checkText(s, field, maxName)
}

// checkText refuses what cannot be shown on one line.
func checkText(s, field string, most int) error {
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return fault.New(fault.Invalid, "member.name_text").At(field)
	}
	if utf8.RuneCountInString(s) > most {
		return fault.New(fault.TooLarge, "member.name_long", "most", most).At(field)
	}
	return nil
}

func notFound() error { return fault.New(fault.NotFound, "fault.not_found") }

func forbidden() error { return fault.New(fault.Forbidden, "fault.forbidden") }

func object(noun string, id int64) string { return noun + "/" + strconv.FormatInt(id, 10) }
