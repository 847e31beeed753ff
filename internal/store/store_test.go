// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var ctx = context.Background()

func TestWriteNeedsAudit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		set := func(tx *store.Tx, name string) {
			t.Helper()
			if _, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ($1, 'x')`, name); err != nil {
				t.Fatal(err)
			}
		}
		has := func(name string) bool {
			var n int
			if err := db.QueryRow(ctx, `SELECT COUNT(*) FROM setting WHERE name = $1`, name).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n == 1
		}
		err := db.Write(ctx, caller.System("test"), func(tx *store.Tx) error { set(tx, "unaudited"); return nil })
		if !errors.Is(err, store.ErrNotAudited) || has("unaudited") {
			t.Errorf("a write without an audit record: error %v, stored %v", err, has("unaudited"))
		}
		err = db.Write(ctx, caller.System("test"), func(tx *store.Tx) error {
			set(tx, "audited")
			return audit.Append(ctx, tx, "setting.set", "setting/audited", "value", "x")
		})
		if err != nil || !has("audited") {
			t.Errorf("an audited write: error %v, stored %v", err, has("audited"))
		}
		wrong := errors.New("wrong")
		err = db.Write(ctx, caller.System("test"), func(tx *store.Tx) error {
			set(tx, "failed")
			if err := audit.Append(ctx, tx, "setting.set", "setting/failed"); err != nil {
				t.Fatal(err)
			}
			return wrong
		})
		if !errors.Is(err, wrong) || has("failed") {
			t.Errorf("a write that failed: error %v, stored %v", err, has("failed"))
		}
		all, err := audit.List(ctx, db, caller.System("test"), 0, 10)
		if err != nil || len(all) != 1 || all[0].Object != "setting/audited" || all[0].Detail["value"] != "x" {
			t.Errorf("audit holds %+v (%v), want the one committed write", all, err)
		}
	})
}

func TestMigrateDownAndUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		have, want, err := db.SchemaVersion(ctx)
		if err != nil || have != want || want < 3 {
			t.Fatalf("schema %d of %d: %v", have, want, err)
		}
		if err := db.MigrateTo(ctx, 0); err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRow(ctx, `SELECT COUNT(*) FROM setting`).Err(); err == nil {
			t.Error("a table is left after migrating down")
		}
		if err := db.MigrateTo(ctx, want); err != nil {
			t.Fatal(err)
		}
		var n int
		if err := db.QueryRow(ctx, `SELECT COUNT(*) FROM advisory`).Scan(&n); err != nil || n != 0 {
			t.Errorf("after down and up: %d advisories, %v", n, err)
		}
	})
}

// Placeholders are bound by number, not by appearance, on both engines.
func TestPlaceholdersByNumber(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var got string
		err := db.QueryRow(ctx, `SELECT CAST($2 AS TEXT) || CAST($1 AS TEXT) || CAST($2 AS TEXT)`, "a", "b").Scan(&got)
		if err != nil || got != "bab" {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

func TestKeyIsStableAndSeparatesParts(t *testing.T) {
	dir := t.TempDir()
	open := func() *store.DB {
		db, err := store.Open(ctx, store.Options{Data: dir})
		if err != nil {
			t.Fatal(err)
		}
		return db
	}
	db := open()
	one, split := db.Key("ab", "c"), db.Key("a", "bc")
	if one == split || one < 0 {
		t.Errorf("keys %d and %d", one, split)
	}
	db.Close()
	db = open()
	defer db.Close()
	if again := db.Key("ab", "c"); again != one {
		t.Errorf("after reopening the key is %d, was %d", again, one)
	}
	if other := storetest.SQLite(t).Key("ab", "c"); other == one {
		t.Error("two stores share a key")
	}
}

func TestSequenceCountsCommits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for range 3 {
			if err := db.Keep(ctx, func(tx *store.Tx) error { return tx.Bump(ctx, "indicator") }); err != nil {
				t.Fatal(err)
			}
		}
		db.Keep(ctx, func(tx *store.Tx) error { tx.Bump(ctx, "indicator"); return errors.New("roll back") })
		seq, err := store.Sequence(ctx, db, "indicator")
		if err != nil || seq != 3 {
			t.Errorf("sequence %d, %v", seq, err)
		}
		if seq, err := store.Sequence(ctx, db, "never"); err != nil || seq != 0 {
			t.Errorf("unknown topic: %d, %v", seq, err)
		}
	})
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	for database, want := range map[string]string{
		"mysql://x":                   "store.scheme",
		"postgres://u:hidden@[::1:/x": "store.address",
		"postgres://u:hidden@127.0.0.1:1/x?connect_timeout=1": "store.connect",
	} {
		_, err := store.Open(ctx, store.Options{Database: database})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", database, err)
		}
		if err != nil && strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: the error tells the password", database)
		}
	}
}
