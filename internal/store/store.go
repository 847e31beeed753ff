// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package store is the database under everything: a SQLite file by default,
// PostgreSQL when its address is given. Both run the same SQL text; what must
// differ is a named method of Dialect.
//
// SQL is written with $1 placeholders. Times are BIGINT microseconds UTC, 0
// for none. A write is one transaction that fails unless it appended an audit
// record.
package store

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"teiten/internal/fault"
)

// Options say where the data is and how hard a commit must hold.
type Options struct {
	// Database is "postgres://…" or "" for a SQLite file in Data.
	Database string
	// Data is the data folder; it is created when absent.
	Data string
	// Volatile trades durability for speed: for demos and tests only.
	Volatile bool
	// Readers bounds the read connections; 0 means 8.
	Readers int
}

// DB is an open store. It is safe for concurrent use.
type DB struct {
	Dialect Dialect

	write *sql.DB // one connection on SQLite
	read  *sql.DB
	salt  [32]byte

	statements sync.Map // SQL text → *sql.Stmt of the read pool; SQLite only
	kept       atomic.Int64
	versions   versions
}

// Open opens the store, creates what is absent and brings the schema up to
// date. Errors are faults that name the place.
func Open(ctx context.Context, o Options) (*DB, error) {
	db, err := Connect(ctx, o)
	if err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx); err != nil {
		db.Close()
		return nil, err
	}
	if err := db.loadSalt(ctx); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// Connect opens the store without touching its schema.
func Connect(ctx context.Context, o Options) (*DB, error) {
	if o.Readers == 0 {
		o.Readers = 8
	}
	var db *DB
	var err error
	switch {
	case o.Database == "":
		if err := os.MkdirAll(o.Data, 0o700); err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "store.folder", "folder", o.Data)
		}
		db, err = openSQLite(filepath.Join(o.Data, "teiten.db"), o)
	case strings.HasPrefix(o.Database, "postgres://"), strings.HasPrefix(o.Database, "postgresql://"):
		db, err = openPostgres(o.Database, o)
	default:
		return nil, fault.New(fault.Invalid, "store.scheme")
	}
	if err != nil {
		return nil, err
	}
	if err := db.write.PingContext(ctx); err != nil {
		db.Close()
		return nil, fault.Wrap(err, fault.Unavailable, "store.connect", "engine", db.Dialect.String())
	}
	return db, nil
}

// Close waits for running queries and closes the connections.
func (db *DB) Close() error {
	return errors.Join(db.read.Close(), db.write.Close())
}

// Queryer is what reading needs: the store itself or a transaction on it.
type Queryer interface {
	Query(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRow(ctx context.Context, query string, args ...any) *sql.Row
	Engine() Dialect
	Key(parts ...string) int64
}

// Engine returns the dialect, for the few places where SQL must differ.
func (db *DB) Engine() Dialect { return db.Dialect }

// Readers returns how many can read at a time.
func (db *DB) Readers() int { return db.read.Stats().MaxOpenConnections }

// Query reads from the pool of read connections.
func (db *DB) Query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if stmt := db.statement(ctx, query); stmt != nil {
		return stmt.QueryContext(ctx, args...)
	}
	return db.read.QueryContext(ctx, db.bind(query), args...)
}

// QueryRow reads one row.
func (db *DB) QueryRow(ctx context.Context, query string, args ...any) *sql.Row {
	if stmt := db.statement(ctx, query); stmt != nil {
		return stmt.QueryRowContext(ctx, args...)
	}
	return db.read.QueryRowContext(ctx, db.bind(query), args...)
}

// maxStatements bounds the statements that are kept ready on each connection.
// The first ones are kept, which are those of every page; the many texts that
// filters make come and go.
const maxStatements = 200

// statement returns the prepared form of a text, or nil to run it as it is.
// SQLite spends more on reading a statement than on most rows; pgx keeps
// statements by itself.
func (db *DB) statement(ctx context.Context, query string) *sql.Stmt {
	if db.Dialect != SQLite {
		return nil
	}
	if stmt, ok := db.statements.Load(query); ok {
		return stmt.(*sql.Stmt)
	}
	if db.kept.Load() >= maxStatements {
		return nil
	}
	stmt, err := db.read.PrepareContext(ctx, db.bind(query))
	if err != nil {
		return nil // the error comes again, with its place, when it is run
	}
	if first, known := db.statements.LoadOrStore(query, stmt); known {
		stmt.Close()
		return first.(*sql.Stmt)
	}
	db.kept.Add(1)
	return stmt
}

// bind rewrites $1 to ?1 for SQLite, whose drivers bind $1 by first
// appearance, not by number.
func (db *DB) bind(query string) string {
	if db.Dialect != SQLite {
		return query
	}
	return strings.ReplaceAll(query, "$", "?")
}

// Key returns the keyed hash of parts as a positive 63-bit number. It names
// things by their content, so that writing the same thing twice needs no
// look-up. The key is random and of this store alone: nobody outside can make
// two things collide, and keys of two stores cannot be compared.
func (db *DB) Key(parts ...string) int64 {
	return KeyWith(db.salt, parts...)
}

// Salt returns the key of Key, for loops that hash on several goroutines.
func (db *DB) Salt() [32]byte { return db.salt }

// KeyWith is Key for a given salt: SHA-256 over the salt and each part with
// its length before it, cut to 63 bits.
func KeyWith(salt [32]byte, parts ...string) int64 {
	var stack [512]byte
	buf := append(stack[:0], salt[:]...)
	for _, p := range parts {
		buf = binary.AppendUvarint(buf, uint64(len(p)))
		buf = append(buf, p...)
	}
	sum := sha256.Sum256(buf)
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
}

func (db *DB) loadSalt(ctx context.Context) error {
	var fresh [32]byte
	rand.Read(fresh[:])
	if _, err := db.write.ExecContext(ctx, db.bind(
		`INSERT INTO setting (name, value) VALUES ('salt', $1) ON CONFLICT (name) DO NOTHING`),
		hex.EncodeToString(fresh[:])); err != nil {
		return fmt.Errorf("store: salt: %w", err)
	}
	var text string
	if err := db.write.QueryRowContext(ctx, `SELECT value FROM setting WHERE name = 'salt'`).Scan(&text); err != nil {
		return fmt.Errorf("store: salt: %w", err)
	}
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(db.salt) {
		return fault.Wrap(err, fault.Internal, "store.salt")
	}
	copy(db.salt[:], b)
	return nil
}

// Micros is the stored form of t; 0 for the zero time.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time is the time of a stored form; the zero time for 0.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// NotFound turns "no rows" into the fault of that name and leaves other errors.
func NotFound(err error) error {
	if errors.Is(err, sql.ErrNoRows) {
		return fault.Wrap(err, fault.NotFound, "fault.not_found")
	}
	return err
}
