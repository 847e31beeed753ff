// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"context"
	"fmt"
	"time"

	"teiten/internal/caller"
	"teiten/internal/store"
)

// Tally is what one day brought, as far as the caller may see it.
type Tally struct {
	Day       int64 // days since 1970 in Tokyo, as package trend counts
	Published int   // published, corrected or withdrawn since
	Concerns  int   // of them those that match what the caller's institution uses
	Own       int   // of the caller's own organisation, in review too
}

// Tallies counts each day from the given time on, in one question. Days without
// anything are left out; the others come in order.
func Tallies(ctx context.Context, q store.Queryer, c caller.Caller, since time.Time) ([]Tally, error) {
	rows, err := q.Query(ctx, `SELECT (a.position + 32400000000) / 86400000000 AS day,
			SUM(CASE WHEN a.state <> 'in_review' THEN 1 ELSE 0 END),
			SUM(CASE WHEN a.state <> 'in_review' AND EXISTS (SELECT 1 FROM concern n WHERE n.advisory_id = a.id AND n.organisation_id = $4) THEN 1 ELSE 0 END),
			SUM(CASE WHEN a.organisation_id = $4 THEN 1 ELSE 0 END)
		FROM advisory a WHERE `+visible(1)+` AND a.state NOT IN ('draft', 'discarded') AND a.position >= $5
		GROUP BY 1 ORDER BY 1`, append(seesArgs(c), c.Org, store.Micros(since))...)
	if err != nil {
		return nil, fmt.Errorf("advisory: tallies: %w", err)
	}
	defer rows.Close()
	var all []Tally
	for rows.Next() {
		var t Tally
		if err := rows.Scan(&t.Day, &t.Published, &t.Concerns, &t.Own); err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// TimesToPublish is how long what institutions registered took from
// registration to publication, for what was published from the given time on
// and the caller may see. At most 1,000, the newest.
func TimesToPublish(ctx context.Context, q store.Queryer, c caller.Caller, since time.Time) ([]time.Duration, error) {
	rows, err := q.Query(ctx, `SELECT a.published_at - a.registered_at`+from+`WHERE `+visible(1)+` AND a.state NOT IN ('draft', 'in_review', 'discarded') AND a.position >= $4 AND o.kind = 'institution' AND a.published_at > 0
		ORDER BY a.position DESC LIMIT 1000`, append(seesArgs(c), store.Micros(since))...)
	if err != nil {
		return nil, fmt.Errorf("advisory: times: %w", err)
	}
	defer rows.Close()
	var all []time.Duration
	for rows.Next() {
		var micros int64
		if err := rows.Scan(&micros); err != nil {
			return nil, err
		}
		all = append(all, max(0, time.Duration(micros)*time.Microsecond))
	}
	return all, rows.Err()
}
