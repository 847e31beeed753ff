// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"teiten/internal/store"
)

// quote writes a name that plainName matches, or that the database itself
// gave, as an identifier.
func quote(name string) string { return pgx.Identifier{name}.Sanitize() }

func (t *Table) columnList() string {
	names := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		names[i] = quote(c.Name)
	}
	return strings.Join(names, ", ")
}

// types are the types of both engines that our migrations use. What is not
// here cannot be backed up, except tsvector, which is derived.
var types = map[string]Type{
	"BIGINT": Integer, "INTEGER": Integer, "TEXT": Text, "BOOLEAN": Boolean,
	"BYTEA": Bytes, "BLOB": Bytes, "DOUBLE PRECISION": Real,
}

const derivedType = "TSVECTOR"

// SQLite's shadow and virtual tables are derived; goose's is made by migrating.
const columnsSQLite = `SELECT t.name, c.name, upper(c.type), c."notnull" = 0 AND c.pk = 0
	FROM pragma_table_list t, pragma_table_info(t.name) c
	WHERE t.schema = 'main' AND t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\' AND t.name <> 'goose_db_version'
	ORDER BY t.name, c.cid`

const columnsPostgres = `SELECT t.table_name::text, c.column_name::text, upper(c.data_type), c.is_nullable = 'YES'
	FROM information_schema.tables t JOIN information_schema.columns c USING (table_schema, table_name)
	WHERE t.table_schema = current_schema() AND t.table_type = 'BASE TABLE' AND t.table_name <> 'goose_db_version'
	ORDER BY t.table_name, c.ordinal_position`

const referencesSQLite = `SELECT t.name, f."table" FROM pragma_table_list t, pragma_foreign_key_list(t.name) f WHERE t.schema = 'main'`

const referencesPostgres = `SELECT c.relname::text, f.relname::text FROM pg_constraint r
	JOIN pg_class c ON c.oid = r.conrelid JOIN pg_class f ON f.oid = r.confrelid
	JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.contype = 'f' AND n.nspname = current_schema()`

func pick(q store.Queryer, sqlite, postgres string) string {
	if q.Engine() == store.Postgres {
		return postgres
	}
	return sqlite
}

// tables lists what a backup holds, each table after those it refers to.
func tables(ctx context.Context, q store.Queryer) ([]Table, error) {
	rows, err := q.Query(ctx, pick(q, columnsSQLite, columnsPostgres))
	if err != nil {
		return nil, fmt.Errorf("backup: tables: %w", err)
	}
	defer rows.Close()
	var all []Table
	for rows.Next() {
		var table, declared string
		var c Column
		if err := rows.Scan(&table, &c.Name, &declared, &c.Null); err != nil {
			return nil, fmt.Errorf("backup: tables: %w", err)
		}
		if len(all) == 0 || all[len(all)-1].Name != table {
			all = append(all, Table{Name: table})
		}
		if declared == derivedType {
			continue
		}
		if c.Type = types[declared]; c.Type == "" {
			return nil, fmt.Errorf("backup: column %s.%s has the unknown type %s", table, c.Name, declared)
		}
		t := &all[len(all)-1]
		t.Columns = append(t.Columns, c)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("backup: tables: %w", err)
	}
	refers, err := pairs(ctx, q, pick(q, referencesSQLite, referencesPostgres))
	if err != nil {
		return nil, err
	}
	return inOrder(all, refers)
}

func pairs(ctx context.Context, q store.Queryer, query string) (map[string][]string, error) {
	rows, err := q.Query(ctx, query)
	if err != nil {
		return nil, fmt.Errorf("backup: references: %w", err)
	}
	defer rows.Close()
	all := map[string][]string{}
	for rows.Next() {
		var from, to string
		if err := rows.Scan(&from, &to); err != nil {
			return nil, fmt.Errorf("backup: references: %w", err)
		}
		all[from] = append(all[from], to)
	}
	return all, rows.Err()
}

// inOrder sorts tables so that each comes after those it refers to.
func inOrder(all []Table, refers map[string][]string) ([]Table, error) {
	var sorted []Table
	placed := map[string]bool{}
	for len(sorted) < len(all) {
		before := len(sorted)
		for _, t := range all {
			waits := func(other string) bool { return other != t.Name && !placed[other] }
			if !placed[t.Name] && !slices.ContainsFunc(refers[t.Name], waits) {
				sorted = append(sorted, t)
				placed[t.Name] = true
			}
		}
		if len(sorted) == before {
			return nil, errors.New("backup: tables refer to each other in a circle")
		}
	}
	return sorted, nil
}

// eachRow reads a table. The slice is used again for the next row.
func eachRow(ctx context.Context, q store.Queryer, t *Table, fn func([]any) error) error {
	rows, err := q.Query(ctx, `SELECT `+t.columnList()+` FROM `+quote(t.Name))
	if err != nil {
		return fmt.Errorf("backup: table %s: %w", t.Name, err)
	}
	defer rows.Close()
	values, into := make([]any, len(t.Columns)), make([]any, len(t.Columns))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return fmt.Errorf("backup: table %s: %w", t.Name, err)
		}
		if err := fn(values); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("backup: table %s: %w", t.Name, err)
	}
	return nil
}

// identities lists the tables whose ids the engine hands out, with that column.
func identities(ctx context.Context, q store.Queryer) (map[string][]string, error) {
	return pairs(ctx, q, pick(q,
		`SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c
			WHERE t.type = 'table' AND t.name <> 'goose_db_version' AND t.sql LIKE '%AUTOINCREMENT%' AND c.pk = 1`,
		`SELECT table_name::text, column_name::text FROM information_schema.columns
			WHERE table_schema = current_schema() AND is_identity = 'YES' AND table_name <> 'goose_db_version'`))
}

// sequences returns the last id that each table handed out: ids of rows that
// are gone must not come again.
func sequences(ctx context.Context, q store.Queryer) (map[string]int64, error) {
	columns, err := identities(ctx, q)
	if err != nil {
		return nil, err
	}
	all := map[string]int64{}
	for table, column := range columns {
		var last sql.NullInt64
		query, args := `SELECT seq FROM sqlite_sequence WHERE name = $1`, []any{table}
		if q.Engine() == store.Postgres {
			query, args = `SELECT pg_sequence_last_value(pg_get_serial_sequence($1, $2)::regclass)`, []any{quote(table), column[0]}
		}
		if err := q.QueryRow(ctx, query, args...).Scan(&last); err != nil && !errors.Is(err, sql.ErrNoRows) {
			return nil, fmt.Errorf("backup: sequence of %s: %w", table, err)
		}
		all[table] = last.Int64
	}
	return all, nil
}

// setSequences makes each table go on after the given id, and after its own
// highest.
func setSequences(ctx context.Context, tx *store.Tx, last map[string]int64) error {
	columns, err := identities(ctx, tx)
	if err != nil {
		return err
	}
	for table, column := range columns {
		var highest int64
		if err := tx.QueryRow(ctx, `SELECT COALESCE(MAX(`+quote(column[0])+`), 0) FROM `+quote(table)).Scan(&highest); err != nil {
			return fmt.Errorf("backup: sequence of %s: %w", table, err)
		}
		seq := max(highest, last[table])
		if seq < 1 {
			continue
		}
		if tx.Engine() == store.Postgres {
			_, err = tx.Exec(ctx, `SELECT setval(pg_get_serial_sequence($1, $2)::regclass, $3)`, quote(table), column[0], seq)
		} else {
			var n int64
			n, err = tx.Exec(ctx, `UPDATE sqlite_sequence SET seq = $2 WHERE name = $1`, table, seq)
			if err == nil && n == 0 {
				_, err = tx.Exec(ctx, `INSERT INTO sqlite_sequence (name, seq) VALUES ($1, $2)`, table, seq)
			}
		}
		if err != nil {
			return fmt.Errorf("backup: sequence of %s: %w", table, err)
		}
	}
	return nil
}

// freeJobs gives work that was in hand back to be taken: whoever had it is not
// here. Where an equal job waits already, or is given back too, that one does.
func freeJobs(ctx context.Context, tx *store.Tx) error {
	for _, query := range []string{
		`UPDATE job SET state = 'done', finished_at = $1, lease_until = 0, lease_token = ''
			WHERE state = 'running' AND unique_key <> '' AND EXISTS (SELECT 1 FROM job AS o WHERE o.unique_key = job.unique_key
				AND (o.state = 'available' OR o.state = 'running' AND o.id < job.id))`,
		`UPDATE job SET state = 'available', run_at = $1, lease_until = 0, lease_token = '',
			attempts = CASE WHEN attempts > 0 THEN attempts - 1 ELSE 0 END WHERE state = 'running'`,
	} {
		if _, err := tx.Exec(ctx, query, store.Micros(tx.Now)); err != nil {
			return fmt.Errorf("backup: jobs: %w", err)
		}
	}
	return nil
}

// What endAccess ends. An invitation that has lapsed stays as it is: it is told
// so by its date.
const (
	deleteSessions    = `DELETE FROM session`
	deleteSteps       = `DELETE FROM auth_step`
	deleteCeremonies  = `DELETE FROM passkey_ceremony`
	deleteVisits      = `DELETE FROM federate_request`
	deleteSetUpCodes  = `DELETE FROM auth_set_up`
	cancelInvitations = `UPDATE enrolment SET cancelled_at = $1, cancelled_by = 0 WHERE used_at = 0 AND cancelled_at = 0 AND expires_at > $1`
	cancelRecoveries  = `UPDATE auth_recovery SET cancelled_at = $1, first_hash = '' WHERE completed_at = 0 AND cancelled_at = 0`
)

func endFailed(err error) error { return fmt.Errorf("backup: end access: %w", err) }

// sequenceLeap is by how much change sequences advance at a restore: numbers
// that were given out after the backup must never come again for something
// else, or a filter with that number as its ETag would be told "unchanged".
const sequenceLeap = 1 << 32

func leapSequences(ctx context.Context, tx *store.Tx) error {
	if _, err := tx.Exec(ctx, `UPDATE change_sequence SET seq = seq + $1`, int64(sequenceLeap)); err != nil {
		return fmt.Errorf("backup: change sequence: %w", err)
	}
	return nil
}

// derivedColumns lists table and column of what is filled from other columns
// after loading; only PostgreSQL has them.
const derivedColumns = `SELECT table_name::text, column_name::text FROM information_schema.columns
	WHERE table_schema = current_schema() AND data_type = 'tsvector'`

// prepareLoad empties the tables of what migrations put there and lets rows in
// that are not complete yet.
func prepareLoad(ctx context.Context, tx *store.Tx, all []Table) error {
	for _, t := range slices.Backward(all) {
		if _, err := tx.Exec(ctx, `DELETE FROM `+quote(t.Name)); err != nil {
			return fmt.Errorf("backup: empty %s: %w", t.Name, err)
		}
	}
	if tx.Engine() == store.SQLite {
		_, err := tx.Exec(ctx, `PRAGMA defer_foreign_keys = ON`)
		return err
	}
	return alterDerived(ctx, tx, `SET DEFAULT ''`)
}

// finishLoad undoes what prepareLoad changed.
func finishLoad(ctx context.Context, tx *store.Tx) error {
	if tx.Engine() == store.SQLite {
		return nil // the pragma ends with the transaction, which checks
	}
	return alterDerived(ctx, tx, `DROP DEFAULT`)
}

func alterDerived(ctx context.Context, tx *store.Tx, change string) error {
	derived, err := pairs(ctx, tx, derivedColumns)
	if err != nil {
		return err
	}
	for table, columns := range derived {
		for _, column := range columns {
			if _, err := tx.Exec(ctx, `ALTER TABLE `+quote(table)+` ALTER COLUMN `+quote(column)+` `+change); err != nil {
				return fmt.Errorf("backup: %s: %w", table, err)
			}
		}
	}
	return nil
}

// stageSchema is where a restore into PostgreSQL works until it is complete.
const stageSchema = "teiten_restore"

// schemaOf returns the schema in which unqualified names are looked up first,
// and how many tables it holds.
func schemaOf(ctx context.Context, q store.Queryer) (name string, tables int, err error) {
	var schema sql.NullString
	err = q.QueryRow(ctx, `SELECT current_schema()::text,
		(SELECT COUNT(*) FROM pg_tables WHERE schemaname = current_schema())`).Scan(&schema, &tables)
	return schema.String, tables, err
}

func createStageSchema(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, `CREATE SCHEMA `+stageSchema)
	return err
}

func dropStageSchema(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, `DROP SCHEMA IF EXISTS `+stageSchema+` CASCADE`)
	return err
}

// moveTables moves every table, with its indexes and sequences, out of the
// stage in one transaction. A table that is there already makes it fail.
func moveTables(ctx context.Context, tx *store.Tx, to string) error {
	found, err := pairs(ctx, tx, `SELECT tablename::text, schemaname::text FROM pg_tables WHERE schemaname = '`+stageSchema+`'`)
	if err != nil {
		return err
	}
	for table := range found {
		if _, err := tx.Exec(ctx, `ALTER TABLE `+stageSchema+`.`+quote(table)+` SET SCHEMA `+quote(to)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(ctx, `DROP SCHEMA `+stageSchema) // fails unless all is moved
	return err
}
