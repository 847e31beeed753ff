// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"context"

	"teiten/internal/caller"
	"teiten/internal/store"
)

// Ward returns who a shared PC of a ward is while nobody is signed in on it: a
// member of staff without a name, if the organisation has decided that a mail
// can be checked and reported there; else the fault's kind is NotFound.
func Ward(ctx context.Context, q store.Queryer, org int64) (caller.Caller, error) {
	c := caller.Caller{Role: caller.Staff}
	err := q.QueryRow(ctx, `SELECT id, short, kind FROM organisation WHERE id = $1 AND ward_check AND left_at = 0`, org).
		Scan(&c.Org, &c.OrgName, &c.OrgKind)
	if err != nil {
		return caller.Caller{}, store.NotFound(err)
	}
	return c, nil
}
