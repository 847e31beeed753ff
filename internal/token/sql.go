// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/store"
)

const columns = `t.id, t.account_id, a.name, o.id, o.short, t.name, t.hint, t.scopes, t.certificate_id,
	t.created_at, t.expires_at, t.last_used_at, t.revoked_at, t.replaced_by`

const from = ` FROM token t JOIN account a ON a.id = t.account_id JOIN organisation o ON o.id = a.organisation_id `

func scan(row interface{ Scan(...any) error }, more ...any) (t Token, err error) {
	var scopes string
	var created, expires, used, revoked int64
	into := []any{&t.ID, &t.Account, &t.AccountName, &t.Org, &t.OrgName, &t.Name, &t.Hint, &scopes, &t.Certificate,
		&created, &expires, &used, &revoked, &t.ReplacedBy}
	if err := row.Scan(append(into, more...)...); err != nil {
		return Token{}, store.NotFound(err)
	}
	t.Scopes = split(scopes)
	t.CreatedAt, t.ExpiresAt, t.LastUsed, t.RevokedAt = store.Time(created), store.Time(expires), store.Time(used), store.Time(revoked)
	return t, nil
}

// find loads a token by id and by what the caller may do with it.
func find(ctx context.Context, q store.Queryer, c caller.Caller, p permit.Permission, id int64) (Token, error) {
	all, own := permit.Reach(c, p)
	return scan(q.QueryRow(ctx, `SELECT `+columns+from+`WHERE t.id = $1 AND ($2 = 1 OR o.id = $3)`, id, all, own))
}

func list(ctx context.Context, q store.Queryer, c caller.Caller, org int64) ([]Token, error) {
	all, own := permit.Reach(c, permit.TokenRead)
	rows, err := q.Query(ctx, `SELECT `+columns+from+`WHERE (o.id = $1 OR $1 = 0) AND ($2 = 1 OR o.id = $3)
		ORDER BY CASE WHEN t.revoked_at = 0 AND t.expires_at > $4 THEN 0 ELSE 1 END, o.id, t.name, t.id`, org, all, own, member.Present(q))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var found []Token
	for rows.Next() {
		t, err := scan(rows)
		if err != nil {
			return nil, err
		}
		found = append(found, t)
	}
	return found, rows.Err()
}

// shown finds the token of a secret with who shows it.
func shown(ctx context.Context, q store.Queryer, secret string) (c caller.Caller, t Token, admitted bool, err error) {
	var in int
	t, err = scan(q.QueryRow(ctx, `SELECT `+columns+`, o.kind, a.role, CASE WHEN a.role = 'machine' AND `+member.Admitted(2)+` THEN 1 ELSE 0 END`+
		from+`WHERE t.hash = $1`, hash(secret), member.Present(q)), &c.OrgKind, &c.Role, &in)
	c.Account, c.Name, c.Org, c.OrgName = t.Account, t.AccountName, t.Org, t.OrgName
	return c, t, in == 1, err
}

// machineOf loads a machine's account for which the caller may make tokens.
func machineOf(ctx context.Context, tx *store.Tx, c caller.Caller, account int64) (member.Account, error) {
	all, own := permit.Reach(c, permit.TokenManage)
	a := member.Account{ID: account}
	var in int
	err := tx.QueryRow(ctx, `SELECT a.role, o.id, CASE WHEN `+member.Admitted(4)+` THEN 1 ELSE 0 END
		FROM account a JOIN organisation o ON o.id = a.organisation_id WHERE a.id = $1 AND ($2 = 1 OR o.id = $3)`,
		account, all, own, member.Present(tx)).Scan(&a.Role, &a.Org.ID, &in)
	if err != nil {
		return a, store.NotFound(err)
	}
	if a.Role != caller.Machine {
		return a, fault.New(fault.Invalid, "token.machine").At("account")
	}
	if in == 0 {
		return a, fault.New(fault.Conflict, "token.machine_left").At("account")
	}
	return a, nil
}

// checkCertificate holds a token to a certificate of the same machine, or of
// the same organisation's machines and devices.
func checkCertificate(ctx context.Context, tx *store.Tx, certificate int64, machine member.Account) error {
	if certificate == 0 {
		return nil
	}
	var n int
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM certificate WHERE id = $1 AND organisation_id = $2 AND account_id IN (0, $3)
		AND purpose IN ('machine', 'device') AND revoked_at = 0 AND not_after > $4`,
		certificate, machine.Org.ID, machine.ID, store.Micros(tx.Now)).Scan(&n); err != nil {
		return err
	}
	if n == 0 {
		return fault.New(fault.Invalid, "token.certificate_unknown").At("certificate")
	}
	return nil
}

// roomFor bounds the tokens of an organisation that work.
func roomFor(ctx context.Context, tx *store.Tx, org int64) error {
	var n int
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM token t JOIN account a ON a.id = t.account_id
		WHERE a.organisation_id = $1 AND t.revoked_at = 0 AND t.expires_at > $2`, org, store.Micros(tx.Now)).Scan(&n); err != nil {
		return err
	}
	if n >= maxTokens {
		return fault.New(fault.TooLarge, "token.many", "most", maxTokens)
	}
	return nil
}

func insert(ctx context.Context, tx *store.Tx, t Token, secret string) (int64, error) {
	return tx.Insert(ctx, `INSERT INTO token (account_id, name, hash, hint, scopes, certificate_id, created_by, created_at,
		expires_at, last_used_at, revoked_at, replaced_by) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, 0, 0) RETURNING id`,
		t.Account, t.Name, hash(secret), secret[:hintChars], join(t.Scopes, " "), t.Certificate, tx.Caller.Account,
		store.Micros(tx.Now), store.Micros(t.ExpiresAt))
}

func revoke(ctx context.Context, tx *store.Tx, id int64) error {
	_, err := tx.Exec(ctx, `UPDATE token SET revoked_at = $1 WHERE id = $2 AND revoked_at = 0`, store.Micros(tx.Now), id)
	return err
}

// revokeAll ends the tokens of an account that are not ended and returns them.
func revokeAll(ctx context.Context, tx *store.Tx, account int64) (ended []int64, err error) {
	return store.Numbers(ctx, tx, `UPDATE token SET revoked_at = $1 WHERE account_id = $2 AND revoked_at = 0 RETURNING id`,
		store.Micros(tx.Now), account)
}

// replace gives a token's place to another. It fails when somebody else did
// so in the meantime.
func replace(ctx context.Context, tx *store.Tx, old Token, next int64, overlap time.Duration) error {
	revoked, expires := int64(0), min(store.Micros(old.ExpiresAt), store.Micros(tx.Now.Add(overlap)))
	if overlap == 0 {
		revoked, expires = store.Micros(tx.Now), store.Micros(old.ExpiresAt)
	}
	n, err := tx.Exec(ctx, `UPDATE token SET replaced_by = $1, expires_at = $2, revoked_at = $3 WHERE id = $4 AND replaced_by = 0 AND revoked_at = 0`,
		next, expires, revoked, old.ID)
	if err == nil && n == 0 {
		return fault.New(fault.Conflict, "token.replaced_already")
	}
	return err
}

func markUsed(ctx context.Context, tx *store.Tx, id int64) error {
	_, err := tx.Exec(ctx, `UPDATE token SET last_used_at = $1 WHERE id = $2 AND last_used_at < $1`, store.Micros(tx.Now), id)
	return err
}
