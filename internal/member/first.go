// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"context"

	"teiten/internal/caller"
	"teiten/internal/store"
)

// FirstOperator returns the operator with a login, for set-up that is done
// again: only while there is no other operator with a login.
func FirstOperator(ctx context.Context, q store.Queryer, login string) (Account, error) {
	a := Account{Role: caller.Operator, Active: true, Login: login}
	err := q.QueryRow(ctx, `SELECT a.id, a.name, a.organisation_id FROM account a JOIN organisation o ON o.id = a.organisation_id
		WHERE o.kind = 'isac' AND a.role = 'operator' AND a.login = $1 AND a.active AND a.left_at = 0
		AND NOT EXISTS (SELECT 1 FROM account b WHERE b.login <> '' AND b.id <> a.id)`, login).Scan(&a.ID, &a.Name, &a.Org.ID)
	return a, store.NotFound(err)
}
