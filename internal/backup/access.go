// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"

	"teiten/internal/store"
)

// Ended says what a restore took back of the access that the backup had in it.
type Ended struct {
	Sessions    int64 `json:"sessions"`
	Steps       int64 `json:"steps"` // sign-ins, set-ups and the like that were under way
	Invitations int64 `json:"invitations"`
	Codes       int64 `json:"codes"`      // one-time codes of a first sign-in or a recovery
	Recoveries  int64 `json:"recoveries"` // that waited for approval or for their code
}

// endAccess ends what lets somebody in for having been there before the backup:
// sessions and what was under way; and every secret that is good for one time
// and was still open, since it may have been used, cancelled or replaced after
// the backup and must not be good for a second time.
func endAccess(ctx context.Context, tx *store.Tx) (e Ended, err error) {
	now := store.Micros(tx.Now)
	for _, one := range []struct {
		into  *int64
		query string
		args  []any
	}{
		{&e.Sessions, deleteSessions, nil},
		{&e.Steps, deleteSteps, nil},
		{&e.Steps, deleteCeremonies, nil},
		{&e.Steps, deleteVisits, nil},
		{&e.Invitations, cancelInvitations, []any{now}},
		{&e.Codes, deleteSetUpCodes, nil},
		{&e.Recoveries, cancelRecoveries, []any{now}},
	} {
		n, err := tx.Exec(ctx, one.query, one.args...)
		if err != nil {
			return e, endFailed(err)
		}
		*one.into += n
	}
	return e, nil
}
