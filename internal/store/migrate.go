// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package store

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"teiten/internal/fault"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrate brings the schema to the newest version. Several processes may start
// at once: on PostgreSQL a session lock lets one of them do it.
func (db *DB) Migrate(ctx context.Context) error {
	p, err := db.provider()
	if err != nil {
		return err
	}
	if _, err := p.Up(ctx); err != nil {
		return fault.Wrap(err, fault.Internal, "store.migrate", "engine", db.Dialect.String())
	}
	return nil
}

// MigrateTo brings the schema up or down to a version; 0 is empty.
func (db *DB) MigrateTo(ctx context.Context, version int64) error {
	p, err := db.provider()
	if err != nil {
		return err
	}
	now, err := p.GetDBVersion(ctx)
	if err == nil {
		if version >= now {
			_, err = p.UpTo(ctx, version)
		} else {
			_, err = p.DownTo(ctx, version)
		}
	}
	if err != nil {
		return fault.Wrap(err, fault.Internal, "store.migrate", "engine", db.Dialect.String())
	}
	return nil
}

// SchemaVersion returns the version the database has and the newest this
// program knows.
func (db *DB) SchemaVersion(ctx context.Context) (have, want int64, err error) {
	p, err := db.provider()
	if err != nil {
		return 0, 0, err
	}
	for _, s := range p.ListSources() {
		want = max(want, s.Version)
	}
	have, err = p.GetDBVersion(ctx)
	return have, want, err
}

func (db *DB) provider() (*goose.Provider, error) {
	steps, err := db.steps()
	if err != nil {
		return nil, err
	}
	options := []goose.ProviderOption{
		goose.WithGoMigrations(steps...), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()),
	}
	dialect := goose.DialectSQLite3
	if db.Dialect == Postgres {
		dialect = goose.DialectPostgres
		locker, err := lock.NewPostgresSessionLocker()
		if err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	p, err := goose.NewProvider(dialect, db.write, nil, options...)
	if err != nil {
		return nil, fmt.Errorf("store: migrations: %w", err)
	}
	return p, nil
}

// steps reads migrations/NNNN_name.{up,down}.sql; a file named
// NNNN_name.sqlite.up.sql or NNNN_name.postgres.up.sql is added on that engine.
func (db *DB) steps() ([]*goose.Migration, error) {
	type step struct{ up, down strings.Builder }
	all := map[int64]*step{}
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	fill := strings.NewReplacer("{{key}}", db.Dialect.keyType(), "{{bytewise}}", db.Dialect.bytewise())
	for _, name := range names {
		base := strings.TrimPrefix(name, "migrations/")
		number, _, _ := strings.Cut(base, "_")
		version, err := strconv.ParseInt(number, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("store: migration %s has no number", base)
		}
		if strings.Contains(base, ".sqlite.") && db.Dialect != SQLite ||
			strings.Contains(base, ".postgres.") && db.Dialect != Postgres {
			continue
		}
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		if all[version] == nil {
			all[version] = &step{}
		}
		into := &all[version].up
		if strings.HasSuffix(base, ".down.sql") {
			into = &all[version].down
		}
		into.WriteString(fill.Replace(string(text)) + "\n")
	}
	var steps []*goose.Migration
	for version, s := range all {
		run := func(text string) *goose.GoFunc {
			return &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
				_, err := tx.ExecContext(ctx, text)
				return err
			}}
		}
		steps = append(steps, goose.NewGoMigration(version, run(s.up.String()), run(s.down.String())))
	}
	return steps, nil
}
