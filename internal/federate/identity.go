// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package federate

import (
	"context"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/store"
)

// MostIdentities is how many identities an account may have.
const MostIdentities = 10

// Identity is an identity at a provider that an account is tied to. Its
// subject is not shown: it means nothing to people.
type Identity struct {
	ID      int64
	Issuer  string
	Created time.Time
	Used    time.Time // the zero time for never
}

// Identities returns the caller's own, the oldest first.
func Identities(ctx context.Context, q store.Queryer, c caller.Caller) ([]Identity, error) {
	return listIdentities(ctx, q, c.Account)
}

// Unlink takes one of the caller's own identities away. Nobody can sign in
// with it from then on.
func Unlink(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	return db.Write(ctx, c, func(tx *store.Tx) error {
		issuer, err := removeIdentity(ctx, tx, id, c.Account)
		if err != nil {
			return err
		}
		return audit.Append(ctx, tx, "identity.unlink", object(id), "account", c.Account, "issuer", issuer)
	})
}

// UnlinkAll takes every identity of an account away, in the transaction of
// what makes it necessary, such as a recovery. Who may do that is for the
// caller to check.
func UnlinkAll(ctx context.Context, tx *store.Tx, account int64) error {
	n, err := removeIdentities(ctx, tx, account)
	if err != nil || n == 0 {
		return err
	}
	return audit.Append(ctx, tx, "identity.clear", "account/"+itoa(account), "removed", n)
}
