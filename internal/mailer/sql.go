// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"context"

	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/store"
)

// address returns where an account is written to, "" when it has left or has
// no address.
func address(ctx context.Context, q store.Queryer, account int64) (string, error) {
	var to string
	err := store.NotFound(q.QueryRow(ctx, `SELECT a.mail FROM account a WHERE a.id = $1 AND `+member.Active(2), account, member.Present(q)).Scan(&to))
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return to, err
}
