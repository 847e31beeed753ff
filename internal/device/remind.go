// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device

import (
	"context"
	"slices"
	"time"

	"teiten/internal/caller"
	"teiten/internal/store"
)

// remindAt are the days before a certificate's end on which its owner hears of
// it, the first last.
var remindAt = []int{1, 3, 7, 14, 30}

// Reminder is that somebody should hear of a certificate's end.
type Reminder struct {
	Account int64
	Until   time.Time
	Days    int // that are left
}

// Remind calls tell, in one transaction, for everybody who should hear on this
// day that a certificate ends soon: a person of her own, the contacts of an
// institution of its shared PCs and machines, the ISAC's operators of
// authorities. Of several processes one does it, once a day; days on which no
// program ran are made up for.
func (o *Office) Remind(ctx context.Context, db *store.DB, now time.Time, tell func(context.Context, *store.Tx, Reminder) error) error {
	ending, err := o.Expiring(ctx, db, caller.System("reminder"), time.Duration(slices.Max(remindAt)+1)*24*time.Hour)
	if err != nil {
		return err
	}
	today := now.Unix() / 86400
	return db.Keep(ctx, func(tx *store.Tx) error {
		last, fresh, err := takeDay(ctx, tx, today)
		if err != nil || !fresh {
			return err
		}
		for _, e := range ending {
			days := int(e.NotAfter.Unix()/86400 - today)
			if days < 0 || !due(days, days+int(today-last)) {
				continue
			}
			who, err := concerned(ctx, tx, e)
			if err != nil {
				return err
			}
			for _, account := range who {
				if err := tell(ctx, tx, Reminder{account, e.NotAfter, days}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// due reports whether a reminder's day lies between the days that are left now
// and those that were left when reminders last went out.
func due(now, before int) bool {
	return slices.ContainsFunc(remindAt, func(at int) bool { return now <= at && at < before })
}
