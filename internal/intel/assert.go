// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"time"

	"teiten/internal/indicator"
	"teiten/internal/store"
)

// claimsChange is called before claims are read or written. On PostgreSQL it
// holds the row of the change sequence until the commit: of two transactions
// the later sees what the earlier did. Else two withdrawals of the same
// indicator would each leave it to the other, and a withdrawal beside a
// publication would take it out of the filters.
func claimsChange(ctx context.Context, tx *store.Tx) error { return tx.Bump(ctx, "indicator") }

// Assert adds or widens the claims of a published advisory. Of a claim that was
// released nothing is left but what is said now.
func Assert(ctx context.Context, tx *store.Tx, claims []Claim) error {
	if len(claims) == 0 {
		return nil
	}
	if err := claimsChange(ctx, tx); err != nil {
		return err
	}
	byKey := make(map[int64]*Claim, len(claims))
	for i := range claims {
		key := tx.Key(string(claims[i].Kind), claims[i].Value.Value)
		if c := byKey[key]; c != nil {
			merge(c, claims[i])
		} else {
			byKey[key] = &claims[i]
		}
	}
	for key, c := range byKey {
		if _, err := tx.Exec(ctx, forgetClaim, key, int64(c.TLP), c.Org, c.Group); err != nil {
			return err
		}
	}
	_, _, err := upsertClaims(ctx, tx, byKey)
	return err
}

// Release revokes the claims of an advisory, made to one audience, that neither another published advisory nor an observation carries. What the
// advisory still says is asserted afterwards.
func Release(ctx context.Context, tx *store.Tx, advisory int64, to Audience, values []indicator.Value) error {
	if len(values) == 0 {
		return nil
	}
	if err := claimsChange(ctx, tx); err != nil {
		return err
	}
	for _, v := range values {
		if _, err := tx.Exec(ctx, releaseClaim, tx.Key(string(v.Kind), v.Value), int64(to.TLP), to.Org, to.Group, advisory); err != nil {
			return err
		}
	}
	return nil
}

// Renew moves the claims of an advisory that was sighted again: last seen is
// now, and their validity starts anew.
func Renew(ctx context.Context, tx *store.Tx, to Audience, values []indicator.Value, seen time.Time) error {
	if len(values) == 0 {
		return nil
	}
	if err := claimsChange(ctx, tx); err != nil {
		return err
	}
	for _, v := range values {
		if _, err := tx.Exec(ctx, renewClaim, tx.Key(string(v.Kind), v.Value), int64(to.TLP), to.Org, to.Group,
			store.Micros(seen), store.Micros(ValidUntil(v.Kind, seen))); err != nil {
			return err
		}
	}
	return nil
}
