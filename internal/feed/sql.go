// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

const collectorColumns = `c.id, c.name, c.url, c.organisation_id, c.tlp, c.group_id,
	COALESCE((SELECT g.name FROM sharing_group g WHERE g.id = c.group_id), ''), c.every_minutes, c.enabled, c.etag, c.last_modified,
	c.last_run_at, c.last_ok_at, c.next_run_at, c.failures, c.error_code, c.error_args,
	(SELECT COUNT(*) FROM collector_item i WHERE i.collector_id = c.id)`

func scanCollector(row interface{ Scan(...any) error }) (*Collector, error) {
	var c Collector
	var level, minutes, run, ok, next, failures, items int64
	var args string
	err := row.Scan(&c.ID, &c.Name, &c.URL, &c.Org, &level, &c.Group, &c.GroupName, &minutes, &c.Enabled, &c.ETag, &c.Modified,
		&run, &ok, &next, &failures, &c.ErrorCode, &args, &items)
	if err != nil {
		return nil, store.NotFound(err)
	}
	c.TLP, c.Every, c.Failures, c.Items = tlp.Level(level), time.Duration(minutes)*time.Minute, int(failures), int(items)
	c.LastRun, c.LastOK, c.NextRun = store.Time(run), store.Time(ok), store.Time(next)
	if args != "" {
		if err := json.Unmarshal([]byte(args), &c.ErrorArgs); err != nil {
			return nil, fmt.Errorf("feed: collector %d: %w", c.ID, err)
		}
	}
	return &c, nil
}

// Collectors lists all collectors by name, for those who may change them.
func Collectors(ctx context.Context, q store.Queryer, by caller.Caller) ([]*Collector, error) {
	if !MayCollect(by) {
		return nil, fault.New(fault.Forbidden, "fault.forbidden")
	}
	rows, err := q.Query(ctx, `SELECT `+collectorColumns+` FROM collector c ORDER BY c.name, c.id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*Collector
	for rows.Next() {
		c, err := scanCollector(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// FindCollector returns one of [Collectors].
func FindCollector(ctx context.Context, q store.Queryer, by caller.Caller, id int64) (*Collector, error) {
	return loadCollector(ctx, q, by, id)
}

func loadCollector(ctx context.Context, q store.Queryer, by caller.Caller, id int64) (*Collector, error) {
	if !MayCollect(by) {
		return nil, fault.New(fault.Forbidden, "fault.forbidden")
	}
	return scanCollector(q.QueryRow(ctx, `SELECT `+collectorColumns+` FROM collector c WHERE c.id = $1`, id))
}

func insertCollector(ctx context.Context, tx *store.Tx, c Collector) (int64, error) {
	taken, err := urlTaken(ctx, tx, &c)
	if err != nil {
		return 0, err
	}
	if taken {
		return 0, fault.New(fault.Conflict, "feed.known").At("url")
	}
	return tx.Insert(ctx, `INSERT INTO collector (name, url, organisation_id, tlp, group_id, every_minutes, enabled, etag, last_modified,
			last_run_at, last_ok_at, next_run_at, failures, error_code, error_args, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, '', '', 0, 0, 0, 0, '', '', $8) RETURNING id`,
		c.Name, c.URL, c.Org, int64(c.TLP), c.Group, int64(c.Every/time.Minute), c.Enabled, store.Micros(tx.Now))
}

func updateCollector(ctx context.Context, tx *store.Tx, c *Collector) error {
	args, err := errorArgs(c)
	if err != nil {
		return err
	}
	taken, err := urlTaken(ctx, tx, c)
	if err != nil {
		return err
	}
	if taken {
		return fault.New(fault.Conflict, "feed.known").At("url")
	}
	_, err = tx.Exec(ctx, `UPDATE collector SET name = $1, url = $2, tlp = $3, every_minutes = $4, enabled = $5, etag = $6, last_modified = $7,
			last_run_at = $8, last_ok_at = $9, next_run_at = $10, failures = $11, error_code = $12, error_args = $13, group_id = $14 WHERE id = $15`,
		c.Name, c.URL, int64(c.TLP), int64(c.Every/time.Minute), c.Enabled, c.ETag, c.Modified,
		store.Micros(c.LastRun), store.Micros(c.LastOK), store.Micros(c.NextRun), c.Failures, c.ErrorCode, args, c.Group, c.ID)
	return err
}

// updateFetched stores what a fetch of an address changes, and nothing that
// people decide. A feed that has moved to the address of another collector
// keeps its old one.
func updateFetched(ctx context.Context, tx *store.Tx, c *Collector, from string) error {
	args, err := errorArgs(c)
	if err != nil {
		return err
	}
	taken, err := urlTaken(ctx, tx, c)
	if err != nil {
		return err
	}
	if taken {
		c.URL, c.ETag, c.Modified = from, "", ""
	}
	_, err = tx.Exec(ctx, `UPDATE collector SET url = $1, etag = $2, last_modified = $3, last_run_at = $4, last_ok_at = $5,
			next_run_at = $6, failures = $7, error_code = $8, error_args = $9 WHERE id = $10 AND url = $11`,
		c.URL, c.ETag, c.Modified, store.Micros(c.LastRun), store.Micros(c.LastOK),
		store.Micros(c.NextRun), c.Failures, c.ErrorCode, args, c.ID, from)
	return err
}

func errorArgs(c *Collector) (string, error) {
	if len(c.ErrorArgs) == 0 {
		return "", nil
	}
	b, err := json.Marshal(c.ErrorArgs)
	return string(b), err
}

// urlTaken reports whether another collector has the address.
func urlTaken(ctx context.Context, tx *store.Tx, c *Collector) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM collector WHERE url = $1 AND id <> $2`, c.URL, c.ID).Scan(&n)
	return n > 0, err
}

func deleteCollector(ctx context.Context, tx *store.Tx, id int64) error {
	if _, err := tx.Exec(ctx, `DELETE FROM collector_item WHERE collector_id = $1`, id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM collector WHERE id = $1`, id)
	return err
}

func dueCollectors(ctx context.Context, q store.Queryer, now time.Time) ([]int64, error) {
	return store.Numbers(ctx, q, `SELECT id FROM collector WHERE enabled AND next_run_at <= $1 ORDER BY next_run_at, id LIMIT 100`, store.Micros(now))
}

func itemKey(tx *store.Tx, collector int64, guid string) int64 {
	return tx.Key("collector item", fmt.Sprint(collector), guid)
}

// noteItem remembers an item and reports whether it is new.
func noteItem(ctx context.Context, tx *store.Tx, collector int64, guid string) (bool, error) {
	n, err := tx.Exec(ctx, `INSERT INTO collector_item (key, collector_id, advisory_id, seen_at) VALUES ($1, $2, 0, $3)
		ON CONFLICT (key) DO NOTHING`, itemKey(tx, collector, guid), collector, store.Micros(tx.Now))
	return n == 1, err
}

func setItemAdvisory(ctx context.Context, tx *store.Tx, collector int64, guid string, advisory int64) error {
	_, err := tx.Exec(ctx, `UPDATE collector_item SET advisory_id = $1 WHERE key = $2`, advisory, itemKey(tx, collector, guid))
	return err
}
