// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"slices"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/disclose"
	"teiten/internal/fault"
	"teiten/internal/permit"
	"teiten/internal/store"
)

const (
	// fetchEvery is how often it is written down that an organisation fetched,
	// when there is nothing new to fetch.
	fetchEvery = time.Minute
	// lateCommit bounds how long before it could be read a publication says that
	// it happened: the time of a transaction is that of its beginning.
	lateCommit = time.Hour
)

// Fetched notes that the caller's organisation has taken a block list, whole or
// by the answer that it has it already (304). q is the snapshot that the list
// was answered from, so that only what was in it counts. It costs two small
// reads; it writes when something was published since the last time, and
// otherwise at most once a minute for an organisation. Call it when the list is
// sent. That the list was narrowed to some categories or kinds is not looked at.
func Fetched(ctx context.Context, db *store.DB, q store.Queryer, c caller.Caller, at time.Time) error {
	if c.Org == 0 {
		return nil
	}
	at = at.UTC().Truncate(time.Microsecond)
	var last int64
	if err := q.QueryRow(ctx, fetchedLast, c.Org).Scan(&last); err != nil {
		return fmt.Errorf("report: fetch: %w", err)
	}
	since := int64(0)
	if last != 0 {
		since = store.Micros(store.Time(last).Add(-lateCommit))
	}
	fresh, err := store.Numbers(ctx, q, unfetched, c.Org, since, store.Micros(at))
	if err != nil {
		return fmt.Errorf("report: fetch: %w", err)
	}
	if len(fresh) == 0 && at.Sub(store.Time(last)) < fetchEvery {
		return nil
	}
	return db.Keep(ctx, func(tx *store.Tx) error {
		for _, id := range fresh {
			if _, err := tx.Exec(ctx, keepFetch, id, c.Org, store.Micros(at)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, keepLast, c.Org, store.Micros(at))
		return err
	})
}

// protected notes that an advisory that came of reports was published.
func protected(ctx context.Context, tx *store.Tx, advisoryID, published int64) error {
	if _, err := tx.Exec(ctx, protect, advisoryID, published); err != nil {
		return fmt.Errorf("report: protection: %w", err)
	}
	_, err := tx.Exec(ctx, protectKnown, advisoryID, published+fetchEvery.Microseconds())
	return err
}

// Protection is the way of one advisory from the first report to the filters of
// the institutions for which it is meant.
type Protection struct {
	Advisory int64
	// First is the first report and Triaged when an analyst took the case. They
	// are zero for members when so few institutions reported that their number
	// is hidden, unless their own is one of them.
	First, Triaged time.Time
	Published      time.Time
	Meant          int            // institutions for which it is meant
	Fetched        disclose.Shown // of them, those whose filter has it
	Share          float64        // 0 to 1; -1 when Fetched is hidden or there is none to fetch
	// Median is from the first report (from publication, when First is zero) to
	// the filter, over the institutions that have it; -1 when hidden or none.
	Median time.Duration
	Own    time.Time // the caller's organisation's fetch; zero not yet
	// Fetches are those that the caller may know by name: for analysts all, the
	// earliest first, those without one last; for others nil.
	Fetches []Fetch
}

// Fetch is when an institution's filter first had an advisory.
type Fetch struct {
	Org  int64
	Name string
	At   time.Time // zero not yet
}

// ReadProtection returns the times of an advisory that the caller may see and
// that came of a case; nil for one without a case, not published or withdrawn.
func ReadProtection(ctx context.Context, q store.Queryer, c caller.Caller, advisoryID int64) (*Protection, error) {
	a, err := advisory.Get(ctx, q, c, advisoryID)
	if err != nil {
		return nil, err
	}
	if a.State != advisory.Published && a.State != advisory.Corrected {
		return nil, nil
	}
	p := &Protection{Advisory: advisoryID, Published: a.PublishedAt, Median: -1, Share: -1}
	var first, triaged, own int64
	var reporters, mine int
	err = q.QueryRow(ctx, protectionTimes, advisoryID, c.Org).Scan(&first, &triaged, &reporters, &mine, &own)
	if fault.Is(store.NotFound(err), fault.NotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("report: protection: %w", err)
	}
	p.Own = store.Time(own)
	insider := permit.May(c, permit.MailCase) == permit.All
	if insider || mine > 0 || !disclose.Count(disclose.MailChecks, reporters).Hidden() {
		p.First, p.Triaged = store.Time(first), store.Time(triaged)
	}
	from := p.First
	if from.IsZero() {
		from = p.Published
	}
	rows, err := q.Query(ctx, protectionFetches, advisoryID)
	if err != nil {
		return nil, fmt.Errorf("report: protection: %w", err)
	}
	defer rows.Close()
	var all []Fetch
	var took []time.Duration
	for rows.Next() {
		var f Fetch
		var at int64
		if err := rows.Scan(&f.Org, &f.Name, &at); err != nil {
			return nil, err
		}
		if f.At = store.Time(at); at != 0 {
			took = append(took, max(0, f.At.Sub(from)))
		}
		all = append(all, f)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	p.Meant = len(all)
	p.Fetched = disclose.Exactly(len(took))
	if insider {
		slices.SortStableFunc(all, func(a, b Fetch) int {
			if a.At.IsZero() != b.At.IsZero() {
				return number(a.At.IsZero()) - number(b.At.IsZero())
			}
			return a.At.Compare(b.At)
		})
		p.Fetches = all
	} else {
		p.Fetched = disclose.Count(disclose.Statistics, len(took))
	}
	if !p.Fetched.Hidden() && p.Meant > 0 {
		p.Share, p.Median = float64(len(took))/float64(p.Meant), median(took)
	}
	return p, nil
}

// median returns the middle of durations, the upper of two; -1 for none.
func median(all []time.Duration) time.Duration {
	if len(all) == 0 {
		return -1
	}
	slices.Sort(all)
	return all[len(all)/2]
}
