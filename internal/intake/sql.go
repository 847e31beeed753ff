// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

// fileID returns the id of a file by its name, which it registers if new.
func fileID(ctx context.Context, tx *store.Tx, f Format, name string) (int64, error) {
	// DO UPDATE, not DO NOTHING, because only an updated row is returned.
	id, err := tx.Insert(ctx, `INSERT INTO import_file (format, name, organisation_id) VALUES ($1, $2, $3)
		ON CONFLICT (format, name, organisation_id) DO UPDATE SET name = excluded.name RETURNING id`, string(f), name, tx.Caller.Org)
	if err != nil {
		return 0, fmt.Errorf("intake: file: %w", err)
	}
	return id, nil
}

func insertRun(ctx context.Context, tx *store.Tx, o Options, name, blob string) (int64, error) {
	if err := advisory.MayShare(ctx, tx, tx.Caller, o.Group); err != nil {
		return 0, err
	}
	id, err := tx.Insert(ctx, `INSERT INTO import_run (format, organisation_id, account_id, actor, tlp, group_id, state, blob, file, dry_run,
			started_at, finished_at, read_rows, added, renewed, known, excluded, rejected, error)
		VALUES ($1, $2, $3, $4, $5, $6, 'running', $7, $8, $9, $10, 0, 0, 0, 0, 0, 0, 0, '') RETURNING id`,
		string(o.Format), tx.Caller.Org, tx.Caller.Account, tx.Caller.Name, int64(o.TLP), o.Group, blob, name, o.DryRun, store.Micros(tx.Now))
	if err != nil {
		return 0, fmt.Errorf("intake: run: %w", err)
	}
	return id, nil
}

// interrupted closes the records of imports of the same file that no worker
// will take up again: they had no blob, so whoever ran them is gone.
func interrupted(ctx context.Context, tx *store.Tx, f Format, name string) error {
	_, err := tx.Exec(ctx, `UPDATE import_run SET state = 'failed', finished_at = $1, error = $2
		WHERE state = 'running' AND blob = '' AND format = $3 AND file = $4 AND organisation_id = $5`,
		store.Micros(tx.Now), encodeFault(fault.New(fault.Unavailable, "import.interrupted")), string(f), name, tx.Caller.Org)
	return err
}

func updateRun(ctx context.Context, tx *store.Tx, id int64, c Counts) error {
	_, err := tx.Exec(ctx, `UPDATE import_run SET read_rows = $1, added = $2, renewed = $3, known = $4, excluded = $5, rejected = $6
		WHERE id = $7`, c.Rows, c.Added, c.Renewed, c.Known, c.Excluded, c.Rejected, id)
	return err
}

func closeRun(ctx context.Context, tx *store.Tx, id int64, state State, reason string, problems []Problem) error {
	if _, err := tx.Exec(ctx, `UPDATE import_run SET state = $1, finished_at = $2, error = $3 WHERE id = $4`,
		string(state), store.Micros(tx.Now), reason, id); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM import_problem WHERE run_id = $1`, id); err != nil {
		return err
	}
	if len(problems) == 0 {
		return nil
	}
	insert, err := tx.Prepare(ctx, `INSERT INTO import_problem (run_id, n, file, line, code, args) VALUES ($1, $2, $3, $4, $5, $6)`)
	if err != nil {
		return err
	}
	defer insert.Close()
	for n, p := range problems {
		f := shown(p.Err)
		args, err := json.Marshal(f.Args)
		if err != nil {
			return err
		}
		if _, err := insert.ExecContext(ctx, id, n+1, p.File, p.Line, f.Code, string(args)); err != nil {
			return fmt.Errorf("intake: problem: %w", err)
		}
	}
	return nil
}

// work is what a worker needs to know of a run.
type work struct {
	format  Format
	account int64
	tlp     tlp.Level
	group   int64
	state   State
	blob    string
	file    string
	dryRun  bool
	before  Counts
}

func loadWork(ctx context.Context, q store.Queryer, id int64) (w work, err error) {
	var level int64
	err = q.QueryRow(ctx, `SELECT format, account_id, tlp, group_id, state, blob, file, dry_run, added, renewed, excluded FROM import_run WHERE id = $1`, id).
		Scan(&w.format, &w.account, &level, &w.group, &w.state, &w.blob, &w.file, &w.dryRun, &w.before.Added, &w.before.Renewed, &w.before.Excluded)
	w.tlp = tlp.Level(level)
	return w, store.NotFound(err)
}

const runColumns = `SELECT id, format, organisation_id, actor, tlp, group_id,
	COALESCE((SELECT g.name FROM sharing_group g JOIN sharing_group_member m ON m.group_id = g.id
		WHERE g.id = import_run.group_id AND m.organisation_id = $1), ''), state, file, dry_run, started_at, finished_at,
	read_rows, added, renewed, known, excluded, rejected, error FROM import_run WHERE (organisation_id = $1 OR $2 = 1)`

// runsOf are the arguments of runColumns.
func runsOf(c caller.Caller) []any {
	all := 0
	if advisory.MayReview(c) {
		all = 1
	}
	return []any{c.Org, all}
}

func scanRun(row interface{ Scan(...any) error }) (r Run, err error) {
	var level, started, finished int64
	var reason string
	if err := row.Scan(&r.ID, &r.Format, &r.Org, &r.Actor, &level, &r.Group, &r.GroupName, &r.State, &r.File, &r.DryRun, &started, &finished,
		&r.Rows, &r.Added, &r.Renewed, &r.Known, &r.Excluded, &r.Rejected, &reason); err != nil {
		return Run{}, store.NotFound(err)
	}
	r.TLP, r.StartedAt, r.FinishedAt = tlp.Level(level), store.Time(started), store.Time(finished)
	if reason != "" {
		var s stored
		if err := unmarshal(reason, &s); err != nil {
			return Run{}, fmt.Errorf("intake: run %d: %w", r.ID, err)
		}
		r.Err = &fault.Error{Kind: s.Kind, Code: s.Code, Args: whole(s.Args)}
	}
	return r, nil
}

func listRuns(ctx context.Context, q store.Queryer, c caller.Caller, before int64, limit int) ([]Run, error) {
	rows, err := q.Query(ctx, runColumns+` AND ($3 = 0 OR id < $3) ORDER BY id DESC LIMIT $4`, append(runsOf(c), before, limit)...)
	if err != nil {
		return nil, fmt.Errorf("intake: runs: %w", err)
	}
	defer rows.Close()
	var all []Run
	for rows.Next() {
		r, err := scanRun(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func readRun(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (Run, []Problem, error) {
	r, err := scanRun(q.QueryRow(ctx, runColumns+` AND id = $3`, append(runsOf(c), id)...))
	if err != nil {
		return Run{}, nil, err
	}
	rows, err := q.Query(ctx, `SELECT file, line, code, args FROM import_problem WHERE run_id = $1 ORDER BY n`, r.ID)
	if err != nil {
		return Run{}, nil, fmt.Errorf("intake: problems: %w", err)
	}
	defer rows.Close()
	var all []Problem
	for rows.Next() {
		var p Problem
		var code, text string
		if err := rows.Scan(&p.File, &p.Line, &code, &text); err != nil {
			return Run{}, nil, err
		}
		var args fault.Args
		if err := unmarshal(text, &args); err != nil {
			return Run{}, nil, fmt.Errorf("intake: run %d: %w", id, err)
		}
		p.Err = &fault.Error{Kind: fault.Invalid, Code: code, Args: whole(args)}
		all = append(all, p)
	}
	return r, all, rows.Err()
}

func unmarshal(text string, to any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(text)))
	d.UseNumber()
	return d.Decode(to)
}

// whole turns JSON's numbers back into the integers that they were.
func whole(args fault.Args) fault.Args {
	for name, v := range args {
		if n, ok := v.(json.Number); ok {
			if i, err := n.Int64(); err == nil {
				args[name] = i
			}
		}
	}
	return args
}

// outside is an advisory that an earlier import has registered.
type outside struct {
	id    int64
	state advisory.State
}

// outsiders returns the advisories of an outside source by its own names for
// them. The names of a source are unique in the store.
func outsiders(ctx context.Context, q store.Queryer, source string) (map[string]outside, error) {
	rows, err := q.Query(ctx, `SELECT external_id, id, state FROM advisory WHERE source = $1 AND external_id <> ''`, source)
	if err != nil {
		return nil, fmt.Errorf("intake: %s: %w", source, err)
	}
	defer rows.Close()
	all := map[string]outside{}
	for rows.Next() {
		var name string
		var o outside
		if err := rows.Scan(&name, &o.id, &o.state); err != nil {
			return nil, err
		}
		all[name] = o
	}
	return all, rows.Err()
}

// The edition of a catalogue that was imported last, so that an older one
// imported later undoes nothing.
func editionName(source string) string { return "import.edition " + source }

func lastEdition(ctx context.Context, q store.Queryer, source string) (edition string, err error) {
	err = q.QueryRow(ctx, `SELECT value FROM setting WHERE name = $1`, editionName(source)).Scan(&edition)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return edition, err
}

func keepEdition(ctx context.Context, db *store.DB, source, edition string) error {
	last, err := lastEdition(ctx, db, source)
	if err != nil || compareVersions(edition, last) <= 0 {
		return err
	}
	return db.Keep(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ($1, $2)
			ON CONFLICT (name) DO UPDATE SET value = excluded.value`, editionName(source), edition)
		return err
	})
}

func forgetUploads(ctx context.Context, tx *store.Tx, before time.Time) (int, error) {
	rows, err := tx.Query(ctx, `SELECT DISTINCT r.blob FROM import_run r WHERE r.blob <> '' AND r.state <> 'running'
		AND (NOT r.dry_run OR r.finished_at < $1)
		AND NOT EXISTS (SELECT 1 FROM import_run o WHERE o.blob = r.blob AND o.state = 'running') LIMIT 1000`, store.Micros(before))
	if err != nil {
		return 0, err
	}
	var names []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			rows.Close()
			return 0, err
		}
		names = append(names, name)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return 0, err
	}
	for _, name := range names {
		if err := blob.Delete(ctx, tx, name); err != nil {
			return 0, err
		}
		if _, err := tx.Exec(ctx, `UPDATE import_run SET blob = '' WHERE blob = $1`, name); err != nil {
			return 0, err
		}
	}
	return len(names), nil
}
