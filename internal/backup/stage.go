// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"teiten/internal/blob"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// stageFolder is where a restore works, inside the data folder, so that the
// result only has to be renamed.
const stageFolder = "restore-unfinished"

const databaseFile = "teiten.db"

// stage is a place beside the real one, on the same disk or in the same
// database, where a restore works until it is complete: a folder, and in
// PostgreSQL a schema.
type stage struct {
	place  store.Options
	folder string
	db     *store.DB // the stage's; nil once closed
	target *store.DB // PostgreSQL's; nil for SQLite
	schema string    // the target's
}

// newStage makes a stage if the place is empty and no other restore works
// there. A stage that a killed process left is for the operator to remove:
// only they know that nothing works in it any more.
func newStage(ctx context.Context, place store.Options) (st *stage, err error) {
	if err := os.MkdirAll(place.Data, 0o700); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "store.folder", "folder", place.Data)
	}
	if err := emptyFolder(place.Data); err != nil {
		return nil, err
	}
	st = &stage{place: place, folder: filepath.Join(place.Data, stageFolder)}
	if err := os.Mkdir(st.folder, 0o700); errors.Is(err, fs.ErrExist) {
		return nil, fault.Wrap(err, fault.Conflict, "backup.unfinished", "place", st.folder)
	} else if err != nil {
		return nil, st.disk(err)
	}
	inStage := store.Options{Data: st.folder, Volatile: place.Volatile}
	if place.Database != "" {
		if inStage.Database, err = st.makeSchema(ctx); err != nil {
			if st.target != nil {
				st.target.Close()
			}
			return nil, errors.Join(err, os.RemoveAll(st.folder))
		}
	}
	if st.db, err = store.Connect(ctx, inStage); err == nil && st.target != nil {
		// A pooler between us and the server may drop the setting: never fill
		// another schema than the stage's.
		var schema string
		if schema, _, err = schemaOf(ctx, st.db); err == nil && schema != stageSchema {
			err = fault.New(fault.Unavailable, "backup.pooler")
		}
	}
	if err != nil {
		return nil, errors.Join(err, st.drop())
	}
	return st, nil
}

// emptyFolder refuses a data folder with a database or objects in it.
func emptyFolder(data string) error {
	for _, name := range []string{databaseFile, databaseFile + "-wal"} {
		if _, err := os.Lstat(filepath.Join(data, name)); !errors.Is(err, fs.ErrNotExist) {
			return fault.Wrap(err, fault.Conflict, "backup.not_empty", "place", filepath.Join(data, name))
		}
	}
	return blob.Names(data, func(string, fs.FileInfo) error {
		return fault.New(fault.Conflict, "backup.not_empty", "place", filepath.Join(data, blob.Folder))
	})
}

// makeSchema makes the stage in PostgreSQL and returns its address.
func (st *stage) makeSchema(ctx context.Context) (string, error) {
	target, err := store.Connect(ctx, st.place)
	if err != nil {
		return "", err
	}
	st.target = target
	schema, tables, err := schemaOf(ctx, target)
	if err != nil {
		return "", fault.Wrap(err, fault.Unavailable, "backup.stage")
	}
	if schema == "" || schema == stageSchema {
		return "", fault.New(fault.Invalid, "backup.no_schema")
	}
	if tables > 0 {
		return "", fault.New(fault.Conflict, "backup.not_empty", "place", "PostgreSQL: "+schema)
	}
	st.schema = schema
	address, err := url.Parse(st.place.Database)
	if err != nil {
		return "", fault.New(fault.Invalid, "store.address") // the cause may quote a password
	}
	query := address.Query()
	query.Set("search_path", stageSchema)
	address.RawQuery = query.Encode()
	err = target.Keep(ctx, func(tx *store.Tx) error { return createStageSchema(ctx, tx) })
	var refused *pgconn.PgError
	switch {
	case errors.As(err, &refused) && refused.Code == "42P06": // duplicate_schema
		return "", fault.Wrap(err, fault.Conflict, "backup.unfinished", "place", "PostgreSQL: "+stageSchema)
	case errors.As(err, &refused) && refused.Code == "42501": // insufficient_privilege
		return "", fault.Wrap(err, fault.Forbidden, "backup.schema_right")
	case err != nil:
		return "", fault.Wrap(err, fault.Unavailable, "backup.stage")
	}
	return address.String(), nil
}

// close closes the stage's database and makes its file last.
func (st *stage) close() error {
	err := st.db.Close()
	st.db = nil
	if err != nil {
		return fmt.Errorf("backup: close: %w", err)
	}
	if st.target != nil {
		return nil
	}
	// The last connection writes the log into the file and removes it.
	if info, err := os.Stat(filepath.Join(st.folder, databaseFile+"-wal")); err == nil && info.Size() > 0 {
		return fault.New(fault.Internal, "backup.stage")
	}
	f, err := os.OpenFile(filepath.Join(st.folder, databaseFile), os.O_RDWR, 0)
	if err != nil {
		return st.disk(err)
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return st.disk(err)
	}
	return nil
}

// publish makes the stage the place: first the objects, which nobody can read
// without rows, then in one step the database.
func (st *stage) publish(ctx context.Context, key *blob.Keyring) (err error) {
	data := st.place.Data
	from, to := filepath.Join(st.folder, blob.Folder), filepath.Join(data, blob.Folder)
	var undo []func() error
	defer func() {
		if err == nil {
			return
		}
		for _, u := range undo {
			err = errors.Join(err, u())
		}
	}()
	if key != nil {
		path := filepath.Join(data, blob.KeyFile)
		if _, there := os.Lstat(path); errors.Is(there, fs.ErrNotExist) {
			undo = append(undo, func() error { return os.Remove(path) })
		}
		if err := key.Save(data); err != nil {
			return err
		}
	}
	if _, there := os.Stat(from); there == nil {
		if err := syncShelves(from); err != nil {
			return st.disk(err)
		}
		// Folders that an earlier start made are empty; others make Rename fail.
		os.Remove(filepath.Join(to, "incoming"))
		os.Remove(to)
		if err := os.Rename(from, to); err != nil {
			return fault.Wrap(err, fault.Conflict, "backup.not_empty", "place", to)
		}
		undo = append(undo, func() error { return os.Rename(to, from) })
	}
	if err := blob.SyncFolder(data); err != nil {
		return st.disk(err)
	}
	if st.target == nil {
		path := filepath.Join(data, databaseFile)
		if err := blob.PlaceNew(filepath.Join(st.folder, databaseFile), path); errors.Is(err, fs.ErrExist) {
			return fault.Wrap(err, fault.Conflict, "backup.not_empty", "place", path)
		} else if err != nil {
			return st.disk(err)
		}
		return nil
	}
	err = st.target.Keep(ctx, func(tx *store.Tx) error { return moveTables(ctx, tx, st.schema) })
	var refused *pgconn.PgError
	if errors.As(err, &refused) && refused.Code == "42P07" { // duplicate_table
		return fault.Wrap(err, fault.Conflict, "backup.not_empty", "place", "PostgreSQL: "+st.schema)
	}
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "backup.stage")
	}
	return nil
}

// syncShelves makes the names of all objects last.
func syncShelves(root string) error {
	shelves, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	for _, s := range shelves {
		if err := blob.SyncFolder(filepath.Join(root, s.Name())); err != nil {
			return err
		}
	}
	return blob.SyncFolder(root)
}

// drop removes the stage, also when the context that filled it has ended.
func (st *stage) drop() error {
	var all []error
	if st.db != nil {
		all = append(all, st.db.Close())
		st.db = nil
	}
	if st.target != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		all = append(all, st.target.Keep(ctx, func(tx *store.Tx) error { return dropStageSchema(ctx, tx) }), st.target.Close())
	}
	return errors.Join(append(all, os.RemoveAll(st.folder))...)
}

func (st *stage) disk(err error) error {
	return fault.Wrap(err, fault.Unavailable, "blob.disk", "folder", st.folder)
}
