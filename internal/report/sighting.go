// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/store"
)

// sightings makes the reports in the cases of an advisory count as sightings of
// it: once for each institution, at the time of its first report.
func sightings(ctx context.Context, tx *store.Tx, advisoryID int64) error {
	if advisoryID == 0 {
		return nil
	}
	return settle(ctx, tx, advisoryID, 0)
}

// sighting is sightings for one more report of an organisation in a case. In a
// wave of thousands all but the first cost two look-ups.
func sighting(ctx context.Context, tx *store.Tx, of, org int64, at time.Time) error {
	var advisoryID, since int64
	if err := tx.QueryRow(ctx, caseAdvisory, of).Scan(&advisoryID); err != nil {
		return fmt.Errorf("report: case %d: %w", of, err)
	}
	if advisoryID == 0 {
		return nil
	}
	if err := tx.QueryRow(ctx, sightedByReport, advisoryID, org).Scan(&since); err != nil {
		return fmt.Errorf("report: sighting: %w", err)
	}
	if since != 0 && since <= store.Micros(at) {
		return nil
	}
	return settle(ctx, tx, advisoryID, org)
}

// settle has the sightings by report of one organisation, or of all with 0,
// follow the reports as they are.
func settle(ctx context.Context, tx *store.Tx, advisoryID, org int64) error {
	rows, err := tx.Query(ctx, firstReports, advisoryID, org)
	if err != nil {
		return fmt.Errorf("report: sightings: %w", err)
	}
	defer rows.Close()
	first := map[int64]time.Time{}
	for rows.Next() {
		var who int64
		var at *int64
		if err := rows.Scan(&who, &at); err != nil {
			return err
		}
		if at != nil { // else it took all of them back
			first[who] = store.Time(*at)
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	rows.Close()
	return advisory.SetReported(ctx, tx, advisoryID, org, first)
}
