// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package trend counts what was shared, seen and observed, by day. Days are
// those of Asia/Tokyo. Advisories, sightings and observations are series of
// their own and never added up. The counts are stored; a job makes those of a
// day anew whenever something of that day changed, from the rows themselves,
// so that they always equal a recount.
package trend

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"teiten/internal/disclose"
	"teiten/internal/job"
	"teiten/internal/store"
)

// Series is what is counted.
type Series string

const (
	Advisory    Series = "advisory"    // published, on the day of publication; withdrawn ones do not count
	Sighting    Series = "sighting"    // "we received it too", on the day it was reported
	Observation Series = "observation" // rows of lists, on the day they were observed
)

// AllSeries are all series in the order of the page.
var AllSeries = []Series{Advisory, Sighting, Observation}

// Dimension is by what is counted.
type Dimension string

const (
	Category   Dimension = "category"
	Technique  Dimension = "technique"
	NoticeKind Dimension = "notice_kind"
	Brand      Dimension = "brand"
	Source     Dimension = "source"
)

// Dimensions of a series; the first one has each thing exactly once, so that
// its sum is the total.
func (s Series) Dimensions() []Dimension {
	switch s {
	case Advisory, Sighting:
		return []Dimension{Category, Technique, NoticeKind, Brand, Source}
	case Observation:
		return []Dimension{Category, Brand, Source}
	default:
		return nil
	}
}

// NoDay is the day of what came with a blank date.
const NoDay = -1

// Day is the day of t in Tokyo as days since 1970-01-01; NoDay for the zero
// time. Times before 1970 are NoDay as well.
func Day(t time.Time) int64 {
	seconds := t.Unix() + 9*60*60
	if t.IsZero() || seconds < 0 {
		return NoDay
	}
	return seconds / (24 * 60 * 60)
}

// DayStart is the first moment of a day, the reverse of Day.
func DayStart(day int64) time.Time {
	return time.Unix(day*24*60*60-9*60*60, 0).UTC()
}

// RefreshJob makes the counts of dirty days anew.
const RefreshJob = "trend.refresh"

// MarkDirty notes, in the transaction of a change, that a day must be counted
// again.
func MarkDirty(ctx context.Context, tx *store.Tx, series Series, days ...int64) error {
	if len(days) == 0 {
		return nil
	}
	// The job comes first: its row is the one for which writers wait. A
	// transaction that marks days twice would else wait for the days of another
	// that waits for the job.
	if err := job.Enqueue(ctx, tx, RefreshJob, struct{}{}, job.Unique("all")); err != nil {
		return err
	}
	// The update keeps the mark for this transaction: with DO NOTHING a refresh
	// on PostgreSQL could take away a mark that was there, count without what is
	// not committed yet, and leave the day so.
	for some := range slices.Chunk(slices.Compact(slices.Sorted(slices.Values(days))), 100) {
		rows := make([]string, len(some))
		args := []any{string(series)}
		for i, day := range some {
			args = append(args, day)
			rows[i] = fmt.Sprintf("($1, $%d)", len(args))
		}
		if _, err := tx.Exec(ctx, `INSERT INTO dirty_day (series, day) VALUES `+strings.Join(rows, ", ")+
			` ON CONFLICT (series, day) DO UPDATE SET day = excluded.day`, args...); err != nil {
			return fmt.Errorf("trend: %w", err)
		}
	}
	return nil
}

// Refresh counts the dirty days, a few dozen in each transaction.
func Refresh(ctx context.Context, db *store.DB) error {
	for {
		var n int
		err := db.Keep(ctx, func(tx *store.Tx) (err error) {
			n, err = refreshSome(ctx, tx, 64)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
	}
}

// Worker is Refresh as a job.
func Worker(db *store.DB) job.Worker {
	return func(ctx context.Context, j job.Job) error { return Refresh(ctx, db) }
}

// Difference is a stored count that a recount contradicts.
type Difference struct {
	Series    Series    `json:"series"`
	Dimension Dimension `json:"dimension"`
	Item      string    `json:"item"`
	Day       string    `json:"day"` // 2026-03-04, or "" without a date
	Stored    int64     `json:"stored"`
	Counted   int64     `json:"counted"`
}

// DayText writes a day as 2026-03-04; NoDay is "".
func DayText(day int64) string {
	if day == NoDay {
		return ""
	}
	return DayStart(day).Add(9 * time.Hour).Format(time.DateOnly)
}

// MarshalJSON of a point writes its count as it may be shown.
func (p Point) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Period string         `json:"period"`
		Item   string         `json:"item"`
		Count  disclose.Shown `json:"count"`
	}{p.Period, p.Item, p.Shown()})
}
