// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"teiten/internal/caller"
)

// Tx is one transaction, read or write. It must not be used by two goroutines
// at a time and not after the function that received it has returned.
type Tx struct {
	Caller caller.Caller
	Now    time.Time // the one time of everything written in this transaction

	db      *DB
	conn    *sql.Conn
	tx      *sql.Tx
	audited bool
	changed []string             // topics
	seen    map[string]*sql.Stmt // statements by text: nil when run once, prepared from then on
}

// ErrNotAudited is returned by Write when the function appended no audit
// record: no audit, no change.
var ErrNotAudited = errors.New("store: a write without an audit record was rolled back")

// Write runs fn in a transaction and commits it if fn returns nil and has
// appended an audit record. On SQLite there is one writer at a time: never
// call Write inside fn, and never wait for the network or an upload in it.
func (db *DB) Write(ctx context.Context, c caller.Caller, fn func(*Tx) error) error {
	audited := func(tx *Tx) error {
		if err := fn(tx); err != nil {
			return err
		}
		if !tx.audited {
			return ErrNotAudited
		}
		return nil
	}
	if joined, err := db.join(ctx, c, audited); joined {
		return err
	}
	return db.run(ctx, c, db.write, nil, audited)
}

// Keep runs fn in a transaction for the program's own bookkeeping, which
// changes nothing that a person decided: leases of jobs, derived counts, the
// state of a collector. Whatever a caller asked for goes through Write.
func (db *DB) Keep(ctx context.Context, fn func(*Tx) error) error {
	if joined, err := db.join(ctx, caller.System("keep"), fn); joined {
		return err
	}
	return db.run(ctx, caller.System("keep"), db.write, nil, fn)
}

// View runs fn on one consistent snapshot.
func (db *DB) View(ctx context.Context, c caller.Caller, fn func(*Tx) error) error {
	o := &sql.TxOptions{ReadOnly: true}
	if db.Dialect == Postgres {
		o.Isolation = sql.LevelRepeatableRead
	}
	return db.run(ctx, c, db.read, o, fn)
}

func (db *DB) run(ctx context.Context, c caller.Caller, pool *sql.DB, o *sql.TxOptions, fn func(*Tx) error) (err error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return fmt.Errorf("store: connection: %w", err)
	}
	defer conn.Close()
	sqltx, err := conn.BeginTx(ctx, o)
	if err != nil {
		return fmt.Errorf("store: begin: %w", err)
	}
	defer sqltx.Rollback() // after a commit it does nothing
	// Stored times have microseconds: what is returned equals what is read back.
	tx := &Tx{Caller: c, Now: clock(ctx).UTC().Truncate(time.Microsecond), db: db, conn: conn, tx: sqltx}
	if err := fn(tx); err != nil {
		return err
	}
	if err := sqltx.Commit(); err != nil {
		return fmt.Errorf("store: commit: %w", err)
	}
	db.versions.add(tx.changed)
	return nil
}

type clockKey struct{}

// At returns a context in which transactions take t for the present: for
// samples and for history that is told afterwards. No request has it.
func At(ctx context.Context, t time.Time) context.Context {
	return context.WithValue(ctx, clockKey{}, t)
}

func clock(ctx context.Context) time.Time {
	if t, ok := ctx.Value(clockKey{}).(time.Time); ok {
		return t
	}
	return time.Now()
}

// Audited notes that an audit record was appended. Only package audit calls it.
func (tx *Tx) Audited() { tx.audited = true }

// Engine returns the dialect.
func (tx *Tx) Engine() Dialect { return tx.db.Dialect }

// Key is DB.Key.
func (tx *Tx) Key(parts ...string) int64 { return tx.db.Key(parts...) }

// prepared returns the statement for a text that this transaction has run
// before; SQLite spends more on reading a statement than on most rows. pgx
// keeps statements by itself.
func (tx *Tx) prepared(ctx context.Context, query string) *sql.Stmt {
	if tx.db.Dialect != SQLite {
		return nil
	}
	stmt, again := tx.seen[query]
	if stmt != nil {
		return stmt
	}
	if tx.seen == nil {
		tx.seen = map[string]*sql.Stmt{}
	}
	if again {
		stmt, _ = tx.Prepare(ctx, query) // an error comes again, with its place, when it is run
	}
	tx.seen[query] = stmt
	return stmt
}

// Query reads rows in the transaction.
func (tx *Tx) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := tx.prepared(ctx, query); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return tx.tx.QueryContext(ctx, tx.db.bind(query), args...)
}

// QueryRow reads one row in the transaction.
func (tx *Tx) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := tx.prepared(ctx, query); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return tx.tx.QueryRowContext(ctx, tx.db.bind(query), args...)
}

// Exec changes rows and returns how many.
func (tx *Tx) Exec(ctx context.Context, query string, args ...any) (int64, error) {
	var res sql.Result
	var err error
	if stmt := tx.prepared(ctx, query); stmt != nil {
		res, err = stmt.ExecContext(ctx, args...)
	} else {
		res, err = tx.tx.ExecContext(ctx, tx.db.bind(query), args...)
	}
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}

// Insert runs an INSERT … RETURNING id and returns the id.
func (tx *Tx) Insert(ctx context.Context, query string, args ...any) (id int64, err error) {
	err = tx.QueryRow(ctx, query, args...).Scan(&id)
	return id, err
}

// Prepare readies a statement for a loop; close it.
func (tx *Tx) Prepare(ctx context.Context, query string) (*sql.Stmt, error) {
	return tx.tx.PrepareContext(ctx, tx.db.bind(query))
}

// Bump advances the committed change sequence of a topic. Other processes poll
// it, and block lists take their ETag from it. The row's lock makes the order
// of the numbers the order of the commits.
func (tx *Tx) Bump(ctx context.Context, topic string) error {
	tx.Changed(topic)
	_, err := tx.Exec(ctx, `INSERT INTO change_sequence (topic, seq) VALUES ($1, 1)
		ON CONFLICT (topic) DO UPDATE SET seq = change_sequence.seq + 1`, topic)
	return err
}

// Sequence returns the change sequence of a topic, 0 if it never changed.
func Sequence(ctx context.Context, q Queryer, topic string) (seq int64, err error) {
	err = q.QueryRow(ctx, `SELECT seq FROM change_sequence WHERE topic = $1`, topic).Scan(&seq)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return seq, err
}

// Copy streams rows into a table with COPY. It exists on PostgreSQL only and
// is the fastest way in; SQLite's is a prepared statement.
func (tx *Tx) Copy(ctx context.Context, table string, columns []string, rows pgx.CopyFromSource) (n int64, err error) {
	err = tx.conn.Raw(func(dc any) error {
		n, err = dc.(*stdlib.Conn).Conn().CopyFrom(ctx, pgx.Identifier{table}, columns, rows)
		return err
	})
	return n, err
}

// Numbers returns the one column of whole numbers that a query gives: ids, or
// what a change RETURNING ids touched.
func Numbers(ctx context.Context, q Queryer, query string, args ...any) (all []int64, err error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n int64
		if err := rows.Scan(&n); err != nil {
			return nil, err
		}
		all = append(all, n)
	}
	return all, rows.Err()
}

// Visible is the predicate of every read of shared information: the row's TLP
// is within the caller's ceiling and the row is for all or for a sharing group
// of the caller's organisation; or it is the caller's own organisation's. The
// alias is the table's; $n is the ceiling and $n+1 the organisation, as Sees
// returns them. Both engines read the groups once for a statement, and only
// when a row asks for them.
func Visible(alias string, n int) string {
	return fmt.Sprintf("(%[1]s.tlp <= $%[2]d AND "+inGroup+" OR %[1]s.organisation_id = $%[3]d)", alias, n, n+1)
}

// inGroup is the part of Visible about sharing groups.
const inGroup = "(%[1]s.group_id = 0 OR %[1]s.group_id IN (SELECT sgm.group_id FROM sharing_group_member sgm WHERE sgm.organisation_id = $%[3]d))"

// Sees returns the two arguments of Visible.
func Sees(c caller.Caller) (ceiling, org int64) { return int64(c.Ceiling()), c.Org }

type batchKey struct{}

// Batch runs fn in one transaction that every Write in it, given fn's context,
// joins with its own caller and its own duty to audit. If one of them fails,
// the batch fails whole. It is for loading many things at once.
func (db *DB) Batch(ctx context.Context, fn func(context.Context) error) error {
	return db.Keep(ctx, func(tx *Tx) error {
		return fn(context.WithValue(ctx, batchKey{}, tx))
	})
}

// join runs fn in the batch of the context, if there is one of this store.
func (db *DB) join(ctx context.Context, c caller.Caller, fn func(*Tx) error) (joined bool, err error) {
	tx, ok := ctx.Value(batchKey{}).(*Tx)
	if !ok || tx.db != db {
		return false, nil
	}
	tx.Caller, tx.Now, tx.audited = c, clock(ctx).UTC().Truncate(time.Microsecond), false
	return true, fn(tx)
}
