// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"teiten/internal/store"
	"teiten/internal/trend"
)

var observationColumns = []string{"key", "indicator_key", "tlp", "organisation_id", "file_id", "source", "category",
	"brand", "written", "observed_at", "day"}

func observationValues(o *Observation) []any {
	return []any{o.Key, o.ClaimKey, int64(o.TLP), o.Org, o.File, o.Source, string(o.Category), o.Brand, o.Written,
		store.Micros(o.ObservedAt), trend.Day(o.ObservedAt)}
}

const insertObservation = `INSERT INTO observation (key, indicator_key, tlp, organisation_id, file_id, source, category, brand, written, observed_at, day)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (key) DO NOTHING`

// insertObservations stores the rows that are not there and returns them.
// Prepared rows are the fastest way into SQLite, COPY the one into PostgreSQL.
func insertObservations(ctx context.Context, tx *store.Tx, batch []Observation) ([]Observation, error) {
	if tx.Engine() == store.Postgres && len(batch) > 50 {
		return copyObservations(ctx, tx, batch)
	}
	stmt, err := tx.Prepare(ctx, insertObservation)
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	fresh := make([]Observation, 0, len(batch))
	for i := range batch {
		res, err := stmt.ExecContext(ctx, observationValues(&batch[i])...)
		if err != nil {
			return nil, fmt.Errorf("intel: observation: %w", err)
		}
		if n, _ := res.RowsAffected(); n == 1 {
			fresh = append(fresh, batch[i])
		}
	}
	return fresh, nil
}

func copyObservations(ctx context.Context, tx *store.Tx, batch []Observation) ([]Observation, error) {
	if _, err := tx.Exec(ctx, `CREATE TEMP TABLE IF NOT EXISTS stage_observation (LIKE observation) ON COMMIT DELETE ROWS`); err != nil {
		return nil, err
	}
	if _, err := tx.Copy(ctx, "stage_observation", observationColumns, pgx.CopyFromSlice(len(batch),
		func(i int) ([]any, error) { return observationValues(&batch[i]), nil })); err != nil {
		return nil, fmt.Errorf("intel: observations: %w", err)
	}
	rows, err := tx.Query(ctx, `INSERT INTO observation SELECT * FROM stage_observation ON CONFLICT (key) DO NOTHING RETURNING key`)
	if err != nil {
		return nil, fmt.Errorf("intel: observations: %w", err)
	}
	defer rows.Close()
	added := make(map[int64]struct{}, len(batch))
	for rows.Next() {
		var key int64
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		added[key] = struct{}{}
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(ctx, `TRUNCATE stage_observation`); err != nil {
		return nil, err
	}
	fresh := make([]Observation, 0, len(added))
	for _, o := range batch {
		if _, ok := added[o.Key]; ok {
			fresh = append(fresh, o)
		}
	}
	return fresh, nil
}

var claimColumns = []string{"key", "tlp", "organisation_id", "kind", "value", "host", "host_key", "written", "category", "brand",
	"first_seen", "last_seen", "confidence", "valid_until", "status", "is_entry", "is_host_entry"}

const insertClaim = `INSERT INTO indicator (key, tlp, organisation_id, kind, value, host, host_key, written, category, brand,
		first_seen, last_seen, confidence, valid_until, status, is_entry, is_host_entry)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
	ON CONFLICT (key, tlp, organisation_id) DO NOTHING`

// widen is what an existing claim takes from a new one; it writes only when
// something moves. Blank dates (0) move nothing.
const widen = ` SET
	first_seen = CASE WHEN n.first_seen > 0 AND (o.first_seen = 0 OR n.first_seen < o.first_seen) THEN n.first_seen ELSE o.first_seen END,
	last_seen = CASE WHEN n.last_seen > o.last_seen THEN n.last_seen ELSE o.last_seen END,
	valid_until = CASE WHEN n.valid_until > o.valid_until THEN n.valid_until ELSE o.valid_until END,
	confidence = CASE WHEN n.confidence > o.confidence THEN n.confidence ELSE o.confidence END,
	brand = CASE WHEN o.brand = '' THEN n.brand ELSE o.brand END,
	status = 'active'`

const widens = ` (n.last_seen > o.last_seen OR n.valid_until > o.valid_until OR n.confidence > o.confidence
	OR n.first_seen > 0 AND (o.first_seen = 0 OR n.first_seen < o.first_seen) OR o.status <> 'active')`

const updateClaim = `UPDATE indicator AS o` + widen + `
	FROM (SELECT CAST($1 AS BIGINT) AS key, CAST($2 AS BIGINT) AS tlp, CAST($3 AS BIGINT) AS organisation_id,
		CAST($4 AS TEXT) AS brand, CAST($5 AS BIGINT) AS first_seen, CAST($6 AS BIGINT) AS last_seen,
		CAST($7 AS BIGINT) AS confidence, CAST($8 AS BIGINT) AS valid_until) AS n
	WHERE o.key = n.key AND o.tlp = n.tlp AND o.organisation_id = n.organisation_id AND` + widens

// upsertClaims adds or widens claims and says how many of each.
func upsertClaims(ctx context.Context, tx *store.Tx, claims map[int64]*Claim) (added, renewed int, err error) {
	keys := make([]int64, 0, len(claims))
	for key := range claims {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, cmp.Compare)
	if tx.Engine() == store.Postgres && len(keys) > 50 {
		return copyClaims(ctx, tx, keys, claims)
	}
	insert, err := tx.Prepare(ctx, insertClaim)
	if err != nil {
		return 0, 0, err
	}
	defer insert.Close()
	var old []int64
	for _, key := range keys {
		res, err := insert.ExecContext(ctx, claimValues(key, claims[key])...)
		if err != nil {
			return 0, 0, fmt.Errorf("intel: indicator: %w", err)
		}
		if n, _ := res.RowsAffected(); n == 1 {
			added++
		} else {
			old = append(old, key)
		}
	}
	for _, key := range old {
		c := claims[key]
		var kind, value string
		if err := tx.QueryRow(ctx, `SELECT kind, value FROM indicator WHERE key = $1 AND tlp = $2 AND organisation_id = $3`,
			key, int64(c.TLP), c.Org).Scan(&kind, &value); err != nil {
			return 0, 0, err
		}
		if kind != string(c.Kind) || value != c.Value.Value {
			return 0, 0, collided(c.Kind)
		}
		n, err := tx.Exec(ctx, updateClaim, key, int64(c.TLP), c.Org, c.Brand, store.Micros(c.FirstSeen), store.Micros(c.LastSeen),
			int64(c.Confidence), store.Micros(c.ValidUntil))
		if err != nil {
			return 0, 0, fmt.Errorf("intel: indicator: %w", err)
		}
		renewed += int(n)
	}
	return added, renewed, nil
}

func copyClaims(ctx context.Context, tx *store.Tx, keys []int64, claims map[int64]*Claim) (added, renewed int, err error) {
	if _, err := tx.Exec(ctx, `CREATE TEMP TABLE IF NOT EXISTS stage_indicator (LIKE indicator) ON COMMIT DELETE ROWS`); err != nil {
		return 0, 0, err
	}
	if _, err := tx.Copy(ctx, "stage_indicator", claimColumns, pgx.CopyFromSlice(len(keys),
		func(i int) ([]any, error) { return claimValues(keys[i], claims[keys[i]]), nil })); err != nil {
		return 0, 0, fmt.Errorf("intel: indicators: %w", err)
	}
	const same = ` o.key = n.key AND o.tlp = n.tlp AND o.organisation_id = n.organisation_id`
	var other int
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM indicator AS o JOIN stage_indicator AS n ON`+same+`
		WHERE o.kind <> n.kind OR o.value <> n.value`).Scan(&other); err != nil {
		return 0, 0, err
	}
	if other > 0 {
		return 0, 0, collided("")
	}
	moved, err := tx.Exec(ctx, `UPDATE indicator AS o`+widen+` FROM stage_indicator AS n WHERE`+same+` AND`+widens)
	if err != nil {
		return 0, 0, fmt.Errorf("intel: indicators: %w", err)
	}
	n, err := tx.Exec(ctx, `INSERT INTO indicator SELECT * FROM stage_indicator ON CONFLICT (key, tlp, organisation_id) DO NOTHING`)
	if err != nil {
		return 0, 0, fmt.Errorf("intel: indicators: %w", err)
	}
	_, err = tx.Exec(ctx, `TRUNCATE stage_indicator`)
	return int(n), int(moved), err
}

const releaseClaim = `UPDATE indicator SET status = 'revoked'
	WHERE key = $1 AND tlp = $2 AND organisation_id = $3 AND status = 'active'
	AND NOT EXISTS (SELECT 1 FROM observation o WHERE o.indicator_key = $1 AND o.tlp = $2 AND o.organisation_id = $3)
	AND NOT EXISTS (SELECT 1 FROM advisory_indicator ai JOIN advisory a ON a.id = ai.advisory_id
		WHERE ai.indicator_key = $1 AND a.tlp = $2 AND a.organisation_id = $3 AND a.state IN ('published', 'corrected'))`

const renewClaim = `UPDATE indicator SET last_seen = $4, valid_until = CASE WHEN valid_until > $5 THEN valid_until ELSE $5 END
	WHERE key = $1 AND tlp = $2 AND organisation_id = $3 AND status = 'active' AND last_seen < $4`
