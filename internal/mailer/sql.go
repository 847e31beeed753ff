// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"context"
	"time"

	"teiten/internal/fault"
	"teiten/internal/store"
)

// address returns where an account is written to, "" when it has left or has
// no address.
func address(ctx context.Context, q store.Queryer, account int64) (string, error) {
	var to string
	err := store.NotFound(q.QueryRow(ctx, `SELECT mail FROM account
		WHERE id = $1 AND active AND left_at = 0 AND (expires_at = 0 OR expires_at > $2)`, account, store.Micros(time.Now())).Scan(&to))
	if fault.Is(err, fault.NotFound) {
		return "", nil
	}
	return to, err
}
