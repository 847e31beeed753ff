// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"context"
	"slices"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/store"
)

// usedStep is how exact the time of last use is: a write for every request
// would cost more than the request.
const usedStep = 10 * time.Minute

// Verify finds who shows a token, with which certificate (0 for none) and for
// what. The account and its organisation are looked at in the same query, so
// that what ended a moment ago is not let in. Faults, all but the last
// Unauthenticated:
//
//	token.malformed    it is no token; the database was not asked
//	token.unknown      nobody has this one
//	token.revoked      somebody ended it, or its machine or organisation left
//	token.expired      its time is over
//	token.certificate  it works only with another certificate
//	token.scope        (Forbidden) it does not allow this
//
// Only who holds the whole secret learns more than that it is not known.
func Verify(ctx context.Context, q store.Queryer, secret string, cert int64, scope Scope) (caller.Caller, Token, error) {
	refuse := func(code string) (caller.Caller, Token, error) {
		return caller.Caller{}, Token{}, fault.New(fault.Unauthenticated, code)
	}
	if !wellFormed(secret) {
		return refuse("token.malformed")
	}
	c, t, admitted, err := shown(ctx, q, secret)
	if fault.Is(err, fault.NotFound) {
		return refuse("token.unknown")
	}
	if err != nil {
		return caller.Caller{}, Token{}, err
	}
	if t.Certificate != 0 && t.Certificate != cert {
		return refuse("token.certificate")
	}
	switch t.State(store.Time(member.Present(q))) {
	case Revoked:
		return refuse("token.revoked")
	case Expired:
		return refuse("token.expired")
	}
	if !admitted {
		return refuse("token.revoked")
	}
	if scope != Any && !slices.Contains(t.Scopes, scope) {
		return caller.Caller{}, Token{}, fault.New(fault.Forbidden, "token.scope", "scope", string(scope))
	}
	c.Channel, c.Device, c.Token = "api", cert, t.ID
	return c, t, nil
}

// Admit is [FromHeader] and [Verify], and keeps when the token was last used.
func Admit(ctx context.Context, db *store.DB, authorization string, cert int64, scope Scope) (caller.Caller, Token, error) {
	secret, err := FromHeader(authorization)
	if err != nil {
		return caller.Caller{}, Token{}, err
	}
	c, t, err := Verify(ctx, db, secret, cert, scope)
	if err != nil {
		return c, t, err
	}
	return c, t, Used(ctx, db, t)
}

// Used keeps that a token was used now, at most once in ten minutes.
func Used(ctx context.Context, db *store.DB, t Token) error {
	if time.Since(t.LastUsed) < usedStep {
		return nil
	}
	return db.Keep(ctx, func(tx *store.Tx) error { return markUsed(ctx, tx, t.ID) })
}

func init() { member.OnLeave(EndAllOf) }

// EndAllOf revokes every token of an account, in the transaction in which the
// account ends.
func EndAllOf(ctx context.Context, tx *store.Tx, account int64) error {
	ended, err := revokeAll(ctx, tx, account)
	if err != nil {
		return err
	}
	for _, id := range ended {
		if err := audit.Append(ctx, tx, "token.revoke", object(id), "account", account); err != nil {
			return err
		}
	}
	return nil
}
