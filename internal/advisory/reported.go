// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/intel"
	"teiten/internal/store"
	"teiten/internal/trend"
)

// SetReported makes the sightings that an advisory has by reports those of the
// given organisations, each at the time of its first report; or, when org is
// not 0, the one of that organisation. It is for package report, which knows
// the reports, and audits what it changes.
//
// A report counts where a person of the institution could have said so by hand:
// an institution that may see the advisory while it is published. Once it
// counts it stays as long as the report does, as what is said by hand stays.
// What was said by hand is never taken back, and what was taken back by hand
// since the report is never brought back.
func SetReported(ctx context.Context, tx *store.Tx, id, org int64, first map[int64]time.Time) error {
	before, err := sighted(ctx, tx, id, org)
	if err != nil {
		return err
	}
	var fresh []int64 // would be sightings by report, and are not yet
	change := map[int64]time.Time{}
	for who, at := range first {
		if was := before[who].reported; was.IsZero() {
			fresh = append(fresh, who)
		} else if !was.Equal(at) {
			change[who] = at
		}
	}
	for who, s := range before {
		if first[who].IsZero() && !s.reported.IsZero() {
			change[who] = time.Time{}
		}
	}
	if len(fresh) > 0 {
		may, err := store.Numbers(ctx, tx, maySight, id, org)
		if err != nil {
			return fmt.Errorf("advisory: sightings: %w", err)
		}
		for _, who := range may {
			if at := first[who]; !at.IsZero() && before[who].reported.IsZero() {
				change[who] = at
			}
		}
	}
	return setReported(ctx, tx, id, before, change)
}

// sight is what is known of one organisation's sighting.
type sight struct {
	at, said, reported time.Time
}

func sighted(ctx context.Context, tx *store.Tx, id, org int64) (map[int64]sight, error) {
	rows, err := tx.Query(ctx, readSighted, id, org)
	if err != nil {
		return nil, fmt.Errorf("advisory: sightings: %w", err)
	}
	defer rows.Close()
	all := map[int64]sight{}
	for rows.Next() {
		var who, at, said, reported int64
		if err := rows.Scan(&who, &at, &said, &reported); err != nil {
			return nil, err
		}
		all[who] = sight{store.Time(at), store.Time(said), store.Time(reported)}
	}
	return all, rows.Err()
}

// setReported stores changes of the first report; zero is none any more.
func setReported(ctx context.Context, tx *store.Tx, id int64, before map[int64]sight, change map[int64]time.Time) error {
	if len(change) == 0 {
		return nil
	}
	var days []int64
	var newest time.Time // of the sightings that come with this
	added, removed := 0, 0
	for _, who := range slices.Sorted(maps.Keys(change)) {
		at := change[who]
		n, err := tx.Exec(ctx, reportSighting, id, who, store.Micros(tx.Now), store.Micros(at))
		if err != nil {
			return fmt.Errorf("advisory: sighting: %w", err)
		}
		was, known := before[who]
		if known {
			days = append(days, trend.Day(was.at))
		}
		switch {
		case n == 0 || !was.said.IsZero(): // taken back at the same time, or there by hand
		case at.IsZero():
			removed++
		case was.reported.IsZero():
			if added++; at.After(newest) {
				newest = at
			}
		}
	}
	if added > 0 {
		if err := renew(ctx, tx, id, newest); err != nil {
			return err
		}
	}
	if err := dirtySightings(ctx, tx, id, days...); err != nil {
		return err
	}
	return audit.Append(ctx, tx, "sighting.report", object(id), "added", added, "removed", removed)
}

// renew makes the validity of an advisory's indicators count from a sighting.
func renew(ctx context.Context, tx *store.Tx, id int64, seen time.Time) error {
	a := &Advisory{ID: id}
	var to intel.Audience
	if err := tx.QueryRow(ctx, selectAudience, id).Scan(&to.TLP, &to.Org, &to.Group); err != nil {
		return store.NotFound(err)
	}
	if err := loadParts(ctx, tx, caller.System("report"), a); err != nil {
		return err
	}
	return intel.Renew(ctx, tx, to, a.Indicators, seen)
}
