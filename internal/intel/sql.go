// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"teiten/internal/indicator"
	"teiten/internal/store"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

func observationValues(o *Observation) []any {
	return []any{o.Key, o.ClaimKey, int64(o.TLP), o.Org, o.Group, o.File, o.Source, string(o.Category), o.Brand, o.Written,
		store.Micros(o.ObservedAt), trend.Day(o.ObservedAt)}
}

const insertObservation = `INSERT INTO observation (key, indicator_key, tlp, organisation_id, group_id, file_id, source, category, brand, written, observed_at, day)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (key) DO NOTHING`

// insertObservations stores the rows that are not there and returns them.
// Prepared rows are the fastest way into SQLite, COPY the one into PostgreSQL.
func insertObservations(ctx context.Context, tx *store.Tx, rows []placed) ([]placed, error) {
	if tx.Engine() == store.Postgres && len(rows) > 50 {
		if fresh, ok, err := copyObservations(ctx, tx, rows); ok || err != nil {
			return fresh, err
		}
	}
	stmt, err := tx.Prepare(ctx, insertObservation)
	if err != nil {
		return nil, err
	}
	defer stmt.Close()
	fresh := make([]placed, 0, len(rows))
	for _, o := range rows {
		res, err := stmt.ExecContext(ctx, observationValues(o.Observation)...)
		if err != nil {
			return nil, fmt.Errorf("intel: observation: %w", err)
		}
		if n, _ := res.RowsAffected(); n == 1 {
			fresh = append(fresh, o)
		}
	}
	return fresh, nil
}

var observationColumns = []string{"key", "indicator_key", "tlp", "organisation_id", "group_id", "file_id", "source", "category",
	"brand", "written", "observed_at", "day"}

// copyObservations looks which rows are there and copies the others. That is
// twice as fast as ON CONFLICT, which has no COPY; false when somebody else
// stores some of the same rows at this moment.
func copyObservations(ctx context.Context, tx *store.Tx, rows []placed) (fresh []placed, ok bool, err error) {
	// For thousands of keys the planner would rather read the whole table.
	if _, err := tx.Exec(ctx, `SET LOCAL enable_seqscan = off`); err != nil {
		return nil, false, err
	}
	keys := make([]int64, len(rows))
	for i, o := range rows {
		keys[i] = o.Key
	}
	known, err := keysOf(tx.Query(ctx, `SELECT key FROM observation WHERE key = ANY($1::BIGINT[])`, keys))
	if err != nil {
		return nil, false, fmt.Errorf("intel: observations: %w", err)
	}
	fresh = slices.DeleteFunc(slices.Clone(rows), func(o placed) bool {
		_, found := slices.BinarySearch(known, o.Key)
		return found
	})
	ok, err = tryCopy(ctx, tx, "observation", observationColumns, len(fresh), func(i int) []any { return observationValues(fresh[i].Observation) })
	return fresh, ok, err
}

// tryCopy copies rows into a table of PostgreSQL; false, and nothing copied, if
// one of them is there by now.
func tryCopy(ctx context.Context, tx *store.Tx, table string, columns []string, n int, row func(int) []any) (bool, error) {
	if n == 0 {
		return true, nil
	}
	if _, err := tx.Exec(ctx, `SAVEPOINT many`); err != nil {
		return false, err
	}
	_, err := tx.Copy(ctx, table, columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) { return row(i), nil }))
	var clash *pgconn.PgError
	if errors.As(err, &clash) && clash.Code == "23505" {
		_, err = tx.Exec(ctx, `ROLLBACK TO SAVEPOINT many`)
		return false, err
	}
	if err != nil {
		return false, fmt.Errorf("intel: %s: %w", table, err)
	}
	_, err = tx.Exec(ctx, `RELEASE SAVEPOINT many`)
	return true, err
}

// keysOf reads the keys that a statement returns, in ascending order.
func keysOf(rows *sql.Rows, err error) ([]int64, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var keys []int64
	for rows.Next() {
		var key int64
		if err := rows.Scan(&key); err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys, rows.Err()
}

const insertClaim = `INSERT INTO indicator (key, tlp, organisation_id, group_id, kind, value, host, host_key, written, category, brand,
		first_seen, last_seen, confidence, valid_until, status, is_entry, is_host_entry)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
	ON CONFLICT (key, tlp, organisation_id, group_id) DO NOTHING`

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
	FROM (SELECT CAST($1 AS BIGINT) AS key, CAST($2 AS BIGINT) AS tlp, CAST($3 AS BIGINT) AS organisation_id, CAST($4 AS BIGINT) AS group_id,
		CAST($5 AS TEXT) AS brand, CAST($6 AS BIGINT) AS first_seen, CAST($7 AS BIGINT) AS last_seen,
		CAST($8 AS BIGINT) AS confidence, CAST($9 AS BIGINT) AS valid_until) AS n
	WHERE o.key = n.key AND o.tlp = n.tlp AND o.organisation_id = n.organisation_id AND o.group_id = n.group_id AND` + widens

// upsertClaims is storeClaims for claims to one audience.
func upsertClaims(ctx context.Context, tx *store.Tx, claims map[int64]*Claim) (added, renewed int, err error) {
	all := make([]keyedClaim, 0, len(claims))
	for key, c := range claims {
		all = append(all, keyedClaim{*c, key})
	}
	slices.SortFunc(all, func(a, b keyedClaim) int { return a.id().compare(b.id()) })
	return storeClaims(ctx, tx, all)
}

// claimValues are the columns of a claim, in the order of insertClaim.
func claimValues(c *keyedClaim) []any {
	return []any{c.key, int64(c.TLP), c.Org, c.Group, string(c.Kind), c.Value.Value, c.Host, indicator.HostKey(c.Host), c.Written, string(c.Category), c.Brand,
		store.Micros(c.FirstSeen), store.Micros(c.LastSeen), int64(c.Confidence), store.Micros(c.ValidUntil), c.status(), c.Entry, c.HostEntry}
}

func (c *Claim) status() string {
	if c.Revoked {
		return "revoked"
	}
	return "active"
}

// storeClaims adds or widens claims, which are in the order of their primary
// key, and says how many of each.
func storeClaims(ctx context.Context, tx *store.Tx, claims []keyedClaim) (added, renewed int, err error) {
	if tx.Engine() == store.Postgres && len(claims) > 50 {
		if added, renewed, ok, err := copyClaims(ctx, tx, claims); ok || err != nil {
			return added, renewed, err
		}
	}
	insert, err := tx.Prepare(ctx, insertClaim)
	if err != nil {
		return 0, 0, err
	}
	defer insert.Close()
	var old []*keyedClaim
	for i := range claims {
		res, err := insert.ExecContext(ctx, claimValues(&claims[i])...)
		if err != nil {
			return 0, 0, fmt.Errorf("intel: indicator: %w", err)
		}
		if n, _ := res.RowsAffected(); n == 1 {
			added++
		} else {
			old = append(old, &claims[i])
		}
	}
	renewed, err = widenClaims(ctx, tx, old)
	return added, renewed, err
}

// widenClaims widens claims that are there, one by one: of a list that grows
// they are few.
func widenClaims(ctx context.Context, tx *store.Tx, old []*keyedClaim) (renewed int, err error) {
	for _, c := range old {
		var kind, value string
		if err := tx.QueryRow(ctx, `SELECT kind, value FROM indicator WHERE key = $1 AND tlp = $2 AND organisation_id = $3 AND group_id = $4`,
			c.key, int64(c.TLP), c.Org, c.Group).Scan(&kind, &value); err != nil {
			return 0, err
		}
		if kind != string(c.Kind) || value != c.Value.Value {
			return 0, collided(c.Kind)
		}
		n, err := tx.Exec(ctx, updateClaim, c.key, int64(c.TLP), c.Org, c.Group, c.Brand, store.Micros(c.FirstSeen), store.Micros(c.LastSeen),
			int64(c.Confidence), store.Micros(c.ValidUntil))
		if err != nil {
			return 0, fmt.Errorf("intel: indicator: %w", err)
		}
		renewed += int(n)
	}
	return renewed, nil
}

var claimColumns = []string{"key", "tlp", "organisation_id", "group_id", "kind", "value", "host", "host_key", "written", "category", "brand",
	"first_seen", "last_seen", "confidence", "valid_until", "status", "is_entry", "is_host_entry"}

// manyWidened is updateClaim for arrays of columns.
const manyWidened = `UPDATE indicator AS o` + widen + `
	FROM unnest($1::BIGINT[], $2::BIGINT[], $3::BIGINT[], $4::BIGINT[], $5::TEXT[], $6::BIGINT[], $7::BIGINT[], $8::BIGINT[], $9::BIGINT[])
		AS n (key, tlp, organisation_id, group_id, brand, first_seen, last_seen, confidence, valid_until)
	WHERE o.key = n.key AND o.tlp = n.tlp AND o.organisation_id = n.organisation_id AND o.group_id = n.group_id AND` + widens

// copyClaims is storeClaims as copyObservations is insertObservations.
func copyClaims(ctx context.Context, tx *store.Tx, claims []keyedClaim) (added, renewed int, ok bool, err error) {
	keys := make([]int64, len(claims))
	for i := range claims {
		keys[i] = claims[i].key
	}
	rows, err := tx.Query(ctx, `SELECT key, tlp, organisation_id, group_id, kind, value FROM indicator WHERE key = ANY($1::BIGINT[])`, keys)
	if err != nil {
		return 0, 0, false, fmt.Errorf("intel: indicators: %w", err)
	}
	defer rows.Close()
	known := map[claimID]indicator.Value{}
	for rows.Next() {
		var id claimID
		var v indicator.Value
		if err := rows.Scan(&id.key, &id.to.TLP, &id.to.Org, &id.to.Group, &v.Kind, &v.Value); err != nil {
			return 0, 0, false, err
		}
		known[id] = v
	}
	if err := rows.Err(); err != nil {
		return 0, 0, false, err
	}
	var fresh, old []*keyedClaim
	for i := range claims {
		c := &claims[i]
		v, found := known[c.id()]
		switch {
		case !found:
			fresh = append(fresh, c)
		case v.Kind != c.Kind || v.Value != c.Value.Value:
			return 0, 0, false, collided(c.Kind)
		default:
			old = append(old, c)
		}
	}
	ok, err = tryCopy(ctx, tx, "indicator", claimColumns, len(fresh), func(i int) []any { return claimValues(fresh[i]) })
	if ok && err == nil {
		renewed, err = widenMany(ctx, tx, old)
	}
	return len(fresh), renewed, ok, err
}

func widenMany(ctx context.Context, tx *store.Tx, old []*keyedClaim) (int, error) {
	if len(old) == 0 {
		return 0, nil
	}
	var ints [8][]int64
	var brands []string
	for _, c := range old {
		for i, v := range [...]int64{c.key, int64(c.TLP), c.Org, c.Group, store.Micros(c.FirstSeen), store.Micros(c.LastSeen), int64(c.Confidence), store.Micros(c.ValidUntil)} {
			ints[i] = append(ints[i], v)
		}
		brands = append(brands, c.Brand)
	}
	n, err := tx.Exec(ctx, manyWidened, ints[0], ints[1], ints[2], ints[3], brands, ints[4], ints[5], ints[6], ints[7])
	if err != nil {
		return 0, fmt.Errorf("intel: indicators: %w", err)
	}
	return int(n), nil
}

const releaseClaim = `UPDATE indicator SET status = 'revoked'
	WHERE key = $1 AND tlp = $2 AND organisation_id = $3 AND group_id = $4 AND status = 'active'
	AND NOT EXISTS (SELECT 1 FROM observation o WHERE o.indicator_key = $1 AND o.tlp = $2 AND o.organisation_id = $3 AND o.group_id = $4)
	AND NOT EXISTS (SELECT 1 FROM advisory_indicator ai JOIN advisory a ON a.id = ai.advisory_id
		WHERE ai.indicator_key = $1 AND a.tlp = $2 AND a.organisation_id = $3 AND a.group_id = $4
		AND a.state IN ('published', 'corrected') AND a.id <> $5)`

const forgetClaim = `DELETE FROM indicator WHERE key = $1 AND tlp = $2 AND organisation_id = $3 AND group_id = $4 AND status = 'revoked'`

const renewClaim = `UPDATE indicator SET last_seen = $5, valid_until = CASE WHEN valid_until > $6 THEN valid_until ELSE $6 END
	WHERE key = $1 AND tlp = $2 AND organisation_id = $3 AND group_id = $4 AND status = 'active' AND last_seen < $5`

// chunk is how many keys one look-up names: SQLite allows 32,766 parameters,
// and a text that is always the same is prepared once.
const chunk = 500

// inKeys runs a query, whose text ends where the list of keys begins, for
// keys in chunks. The last chunk repeats its last key.
func inKeys(ctx context.Context, q store.Queryer, query string, keys []int64, each func(scan func(...any) error) error, args ...any) error {
	if len(keys) == 0 {
		return nil
	}
	var text strings.Builder
	text.WriteString(query)
	separator := "("
	for i := range chunk {
		fmt.Fprintf(&text, "%s$%d", separator, len(args)+i+1)
		separator = ", "
	}
	text.WriteString(")")
	for part := range slices.Chunk(keys, chunk) {
		all := slices.Clone(args)
		for i := range chunk {
			all = append(all, part[min(i, len(part)-1)])
		}
		rows, err := q.Query(ctx, text.String(), all...)
		if err != nil {
			return fmt.Errorf("intel: look up: %w", err)
		}
		for rows.Next() {
			if err := each(rows.Scan); err != nil {
				rows.Close()
				return err
			}
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return nil
}

// storedObservations returns those of the keys that are there.
func storedObservations(ctx context.Context, q store.Queryer, keys []int64) (map[int64]struct{}, error) {
	known := map[int64]struct{}{}
	err := inKeys(ctx, q, `SELECT key FROM observation WHERE key IN `, keys, func(scan func(...any) error) error {
		var key int64
		err := scan(&key)
		known[key] = struct{}{}
		return err
	})
	return known, err
}

// storedClaims reads an organisation's claims about indicators to every audience.
func storedClaims(ctx context.Context, q store.Queryer, org int64, keys []int64, each func(claimID, extent)) error {
	return inKeys(ctx, q, `SELECT key, tlp, group_id, first_seen, last_seen, valid_until, confidence, status FROM indicator
		WHERE organisation_id = $1 AND key IN `, keys, func(scan func(...any) error) error {
		id := claimID{to: Audience{Org: org}}
		var level, first, last, valid int64
		var e extent
		var status string
		if err := scan(&id.key, &level, &id.to.Group, &first, &last, &valid, &e.confidence, &status); err != nil {
			return err
		}
		id.to.TLP, e.revoked = tlp.Level(level), status != "active"
		e.first, e.last, e.valid = store.Time(first), store.Time(last), store.Time(valid)
		each(id, e)
		return nil
	}, org)
}
