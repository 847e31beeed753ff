// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"time"

	"teiten/internal/caller"
	"teiten/internal/disclose"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// mostSummed is how many advisories a summary looks at, the newest.
const mostSummed = 100

// Summary is the time to protection over a while, of the advisories that came
// of reports and that the caller may see: the newest hundred at most. Times to
// the filter are to a minute.
type Summary struct {
	Advisories int
	// ToPublish is the median from first report to publication, ToFilter the
	// median to the filter over all pairs of advisory and institution; -1 for
	// none, and for members when it would tell of fewer than three.
	ToPublish, ToFilter time.Duration
	Share               float64       // of the pairs that have a fetch; -1 as ToFilter
	Own                 time.Duration // ToFilter of the caller's institution; -1 for none
	OwnShare            float64       // -1 for none
}

// audience is for whom an advisory is meant.
type audience struct{ level, group, org int64 }

// ProtectionSummary sums up what was published since.
func ProtectionSummary(ctx context.Context, q store.Queryer, c caller.Caller, since time.Time) (*Summary, error) {
	s := &Summary{ToPublish: -1, ToFilter: -1, Share: -1, Own: -1, OwnShare: -1}
	ceiling, org := store.Sees(c)
	which := []any{store.Micros(since), ceiling, org, mostSummed}
	publish, audiences, err := summedTimes(ctx, q, which)
	if err != nil || len(publish) == 0 {
		return s, err
	}
	s.Advisories = len(publish)
	pairs, ours := 0, 0 // that are meant, and of them the caller's institution's
	for a, n := range audiences {
		var all, own int
		if err := q.QueryRow(ctx, countMeant, a.level, a.group, a.org, org).Scan(&all, &own); err != nil {
			return nil, fmt.Errorf("report: summary: %w", err)
		}
		pairs, ours = pairs+n*all, ours+n*own
	}
	took, own, err := fetchTimes(ctx, q, which)
	if err != nil {
		return nil, err
	}
	if ours > 0 {
		s.Own, s.OwnShare = own.median(), float64(own.n)/float64(ours)
	}
	tell := permit.May(c, permit.MailCase) == permit.All
	if least := disclose.Least(disclose.Statistics); !tell && s.Advisories >= least {
		s.ToPublish = median(publish)
		var fetchers int
		if err := q.QueryRow(ctx, summedFetchers, append(which, least)...).Scan(&fetchers); err != nil {
			return nil, fmt.Errorf("report: summary: %w", err)
		}
		tell = fetchers >= least
	}
	if tell {
		s.ToPublish, s.ToFilter = median(publish), took.median()
		if pairs > 0 {
			s.Share = float64(took.n) / float64(pairs)
		}
	}
	return s, nil
}

// summedTimes returns how long each advisory took to be published, and how many
// there are for each audience.
func summedTimes(ctx context.Context, q store.Queryer, which []any) (publish []time.Duration, audiences map[audience]int, err error) {
	rows, err := q.Query(ctx, summed, which...)
	if err != nil {
		return nil, nil, fmt.Errorf("report: summary: %w", err)
	}
	defer rows.Close()
	audiences = map[audience]int{}
	for rows.Next() {
		var id, published, first int64
		var a audience
		if err := rows.Scan(&id, &published, &a.level, &a.group, &a.org, &first); err != nil {
			return nil, nil, err
		}
		audiences[a]++
		publish = append(publish, max(0, time.Duration(published-first)*time.Microsecond))
	}
	return publish, audiences, rows.Err()
}

// histogram counts durations by the minute, in order.
type histogram struct {
	n       int
	minutes []struct {
		minute int64
		n      int
	}
}

func (h *histogram) add(minute int64, n int) {
	if h.n += n; n > 0 {
		h.minutes = append(h.minutes, struct {
			minute int64
			n      int
		}{max(0, minute), n})
	}
}

// median is as the function of that name.
func (h *histogram) median() time.Duration {
	before := 0
	for _, m := range h.minutes {
		if before += m.n; before > h.n/2 {
			return time.Duration(m.minute) * time.Minute
		}
	}
	return -1
}

// fetchTimes returns how long all fetches took, and those of the caller's
// organisation.
func fetchTimes(ctx context.Context, q store.Queryer, which []any) (all, own histogram, err error) {
	rows, err := q.Query(ctx, summedFetches, which...)
	if err != nil {
		return all, own, fmt.Errorf("report: summary: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var minute int64
		var n, ours int
		if err := rows.Scan(&minute, &n, &ours); err != nil {
			return all, own, err
		}
		all.add(minute, n)
		own.add(minute, ours)
	}
	return all, own, rows.Err()
}
