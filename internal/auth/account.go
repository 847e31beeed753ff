// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"teiten/internal/caller"
	"teiten/internal/member"
	"teiten/internal/store"
)

// person is an account with what proves that it is she. The zero person is
// nobody, whose factors are checked like anybody's.
type person struct {
	id      int64
	name    string
	login   string
	mail    string
	role    caller.Role
	active  bool
	left    time.Time
	expires time.Time

	org     int64
	orgName string
	short   string
	kind    caller.OrgKind
	orgLeft time.Time

	phc       string // '' when she never chose a password
	secret    []byte // of TOTP, encrypted; nil when there is none
	confirmed time.Time
}

const personColumns = `a.id, a.name, a.login, a.mail, a.role, a.active, a.left_at, a.expires_at,
	o.id, o.name, o.short, o.kind, o.left_at, COALESCE(p.phc, ''), t.secret, COALESCE(t.confirmed_at, 0)
	FROM account a JOIN organisation o ON o.id = a.organisation_id
	LEFT JOIN auth_password p ON p.account_id = a.id
	LEFT JOIN auth_totp t ON t.account_id = a.id`

// byLogin returns the account with a login as it was typed, or nobody.
func byLogin(ctx context.Context, q store.Queryer, typed string) (person, error) {
	return scanPerson(q.QueryRow(ctx, `SELECT `+personColumns+` WHERE a.login = $1 AND a.login <> ''`, foldLogin(typed)))
}

// byID returns an account, or nobody.
func byID(ctx context.Context, q store.Queryer, id int64) (person, error) {
	return scanPerson(q.QueryRow(ctx, `SELECT `+personColumns+` WHERE a.id = $1`, id))
}

func scanPerson(row *sql.Row) (p person, err error) {
	var left, expires, orgLeft, confirmed int64
	err = row.Scan(&p.id, &p.name, &p.login, &p.mail, &p.role, &p.active, &left, &expires,
		&p.org, &p.orgName, &p.short, &p.kind, &orgLeft, &p.phc, &p.secret, &confirmed)
	if errors.Is(err, sql.ErrNoRows) {
		return person{}, nil
	}
	p.left, p.expires, p.orgLeft, p.confirmed = store.Time(left), store.Time(expires), store.Time(orgLeft), store.Time(confirmed)
	return p, err
}

// foldLogin is the login that was typed as the register has it, "" when it can
// be nobody's.
func foldLogin(typed string) string {
	login, err := member.FoldLogin(typed)
	if err != nil {
		return ""
	}
	return login
}

// loginKey is the keyed hash of a login that was typed, whether it exists or not.
func loginKey(q store.Queryer, typed string) int64 {
	login := foldLogin(typed)
	if login == "" {
		login = "?" + typed
	}
	return q.Key("auth login", login)
}

// barred is the reason why the account may not come in on a device, whatever
// it proves, or "".
func (p person) barred(dev Device, now time.Time) string {
	switch {
	case p.id == 0:
		return becauseUnknown
	case !dev.serves(p.id, p.org):
		return becauseDevice
	case !p.left.IsZero() || !p.orgLeft.IsZero():
		return becauseLeft
	case !p.active:
		return becauseInactive
	case !p.expires.IsZero() && !p.expires.After(now):
		return becauseExpired
	case p.role == caller.Machine:
		return becauseMachine
	}
	return ""
}

// caller is the account as it acts on a device.
func (p person) caller(dev Device) caller.Caller {
	return caller.Caller{Account: p.id, Name: p.name, Org: p.org, OrgName: p.short, OrgKind: p.kind,
		Role: p.role, Channel: "web", Device: dev.ID}
}

// setUp reports whether the account has both factors.
func (p person) setUp() bool { return p.phc != "" && !p.confirmed.IsZero() }

// words are what a password must not be made of, because whoever attacks this
// account knows it.
func (p person) words() []string { return []string{p.login, p.mail, p.name, p.orgName, p.short} }
