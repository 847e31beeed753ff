// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"strconv"
	"time"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/permit"
	"teiten/internal/store"
	"teiten/internal/wave"
)

// Retention times of originals, in days.
const (
	DefaultRetention = 90
	LongestRetention = 400
)

// Retention returns how many days an organisation's originals are kept.
func Retention(ctx context.Context, q store.Queryer, c caller.Caller, org int64) (days int, err error) {
	if err := permit.CheckFor(c, permit.InstitutionRead, org); err != nil {
		return 0, err
	}
	return retention(ctx, q, org)
}

// SetRetention changes it to 1 to 400 days, by the institution's contact. A
// shorter time holds for what is there already, a longer one only for what
// comes.
func SetRetention(ctx context.Context, db *store.DB, c caller.Caller, org int64, days int) error {
	if err := permit.CheckFor(c, permit.InstitutionManage, org); err != nil {
		return err
	}
	if days < 1 || days > LongestRetention {
		return fault.New(fault.Invalid, "report.retention", "most", LongestRetention).At("days")
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		before, err := retention(ctx, tx, org)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, setRetention, org, days); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, shortenMails, org, (time.Duration(days) * 24 * time.Hour).Microseconds()); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "report.retention", "organisation/"+strconv.FormatInt(org, 10), "days", audit.Delta{Before: before, After: days})
	})
}

const sweepBatch = 100

// Sweep deletes what is over: held mails, originals past their time, notices
// that were read long ago, features of waves that ended. It returns how many
// things went. To be called every hour or so.
func Sweep(ctx context.Context, db *store.DB, blobs *blob.Store) (n int, err error) {
	for _, sweep := range []func(context.Context, *store.Tx) ([]string, int, error){sweepHolds, sweepOriginals} {
		for {
			var files []string
			gone := 0
			err := db.Write(ctx, caller.System("report"), func(tx *store.Tx) error {
				files, gone, err = sweep(ctx, tx)
				if err == nil && gone == 0 {
					return errNothing
				}
				return err
			})
			if err == errNothing {
				break
			}
			if err != nil {
				return n, err
			}
			if err := removeFiles(blobs, files); err != nil {
				return n, err
			}
			if n += gone; gone < sweepBatch {
				break
			}
		}
	}
	err = db.Keep(ctx, func(tx *store.Tx) error {
		gone, err := tx.Exec(ctx, dropNotices, store.Micros(tx.Now.Add(-keepRead)))
		n += int(gone)
		return err
	})
	if err != nil {
		return n, err
	}
	old, err := wave.Sweep(ctx, db)
	return n + old, err
}

// errNothing ends a transaction that has nothing to do, and so nothing to record.
var errNothing = fault.New(fault.NotFound, "fault.not_found")

func sweepHolds(ctx context.Context, tx *store.Tx) ([]string, int, error) {
	files, err := deleteHolds(ctx, tx, deleteExpiredHolds, store.Micros(tx.Now), sweepBatch)
	if err != nil || len(files) == 0 {
		return nil, 0, err
	}
	return files, len(files), audit.Append(ctx, tx, "mail.hold_end", "hold/*", "mails", len(files))
}

func sweepOriginals(ctx context.Context, tx *store.Tx) ([]string, int, error) {
	ids, err := store.Numbers(ctx, tx, expiredMails, store.Micros(tx.Now), sweepBatch)
	if err != nil {
		return nil, 0, err
	}
	var files []string
	for _, id := range ids {
		var file string
		var print, of int64
		if err := tx.QueryRow(ctx, reportParts, id).Scan(&file, &print, &of); err != nil {
			return nil, 0, err
		}
		if err := dropFile(ctx, tx, file); err != nil {
			return nil, 0, err
		}
		if _, err := tx.Exec(ctx, forgetOriginal, id); err != nil {
			return nil, 0, err
		}
		if err := audit.Append(ctx, tx, "report.original_end", object(id)); err != nil {
			return nil, 0, err
		}
		files = append(files, file)
	}
	return files, len(files), nil
}
