// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/fault"
	"teiten/internal/search"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// While the backup runs, rows are added, changed and removed in every table's
// neighbourhood and objects are added and deleted: the backup is of one moment.
func TestBackupOfALivePortalIsOneMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	for i, from := range engines {
		src := newPlace(t, from)
		db := src.open(t)
		fill(t, db, 200)
		objects := addBlobs(t, db, src.Data, 10, 20, 30, 400_000)
		want := content(t, db)
		s, err := blob.Open(src.Data)
		if err != nil {
			t.Fatal(err)
		}
		names := []string{}
		for name := range objects {
			names = append(names, name)
		}
		step := 0
		disturb := func(p Progress) {
			step++
			err := db.Write(ctx, operator, func(tx *store.Tx) error {
				for _, query := range []string{
					`UPDATE advisory SET title = title || '!'`,
					`UPDATE blob SET purpose = purpose`,
					`DELETE FROM setting WHERE name <> 'salt'`,
					`DELETE FROM import_problem WHERE n % 2 = 0`,
				} {
					if _, err := tx.Exec(ctx, query); err != nil {
						return err
					}
				}
				if _, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ($1, '')`, fmt.Sprint("live", step)); err != nil {
					return err
				}
				if len(names) > 0 {
					if err := blob.Delete(ctx, tx, names[0]); err != nil {
						return err
					}
				}
				return audit.Append(ctx, tx, "test.disturb", "test/1")
			})
			if err != nil {
				t.Errorf("write while backing up: %v", err)
			}
			if len(names) > 0 {
				if err := s.Remove(names[0]); err != nil {
					t.Error(err)
				}
				names = names[1:]
			}
			addBlobs(t, db, src.Data, 7)
		}
		path := filepath.Join(t.TempDir(), "b")
		sum, err := Create(ctx, db, operator, src.Data, path, disturb)
		if err != nil {
			t.Fatal(err)
		}
		if step < 30 || len(names) != 0 || len(sum.Missing) != 0 {
			t.Fatalf("disturbed %d times, %d objects not deleted, missing %v", step, len(names), sum.Missing)
		}
		dst := newPlace(t, engines[1-i])
		if _, err := restore(t, dst, path, src.Data); err != nil {
			t.Fatal(err)
		}
		restored := dst.open(t)
		same(t, content(t, restored), want)
		checkBlobs(t, restored, dst.Data, objects)
	}
}

func TestMissingAndUnreadableObjectsAreTold(t *testing.T) {
	src := newPlace(t, store.SQLite)
	db := src.open(t)
	var names []string
	for name := range addBlobs(t, db, src.Data, 10, 10, 10) {
		names = append(names, name)
	}
	os.Remove(blob.Path(src.Data, names[0]))
	err := db.Keep(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE blob SET purpose = 'other' WHERE name = $1`, names[1])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "b")
	check := func(what string, s *Summary, err error) {
		t.Helper()
		if err != nil || s.Blobs != 2 || !slices.Equal(s.Missing, names[:1]) || !slices.Equal(s.Unreadable, names[1:2]) {
			t.Errorf("%s: %+v, %v", what, s, err)
		}
	}
	s, err := Create(ctx, db, operator, src.Data, path, nil)
	check("backup", s, err)
	keys, _ := blob.LoadKeyring(src.Data)
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s, err = Verify(ctx, f, keys)
	check("verify", s, err)
	s, err = restore(t, newPlace(t, store.Postgres), path, src.Data)
	check("restore", s, err)
}

// An archive of an older schema is restored at its schema and migrated.
func TestOlderSchema(t *testing.T) {
	t.Parallel()
	for _, from := range engines {
		src := newPlace(t, from)
		db := src.open(t)
		keys, err := blob.OpenKeyring(src.Data)
		if err != nil {
			t.Fatal(err)
		}
		_, newest, err := db.SchemaVersion(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := db.MigrateTo(ctx, newest-1); err != nil {
			t.Fatal(err)
		}
		if _, err := Create(ctx, db, operator, src.Data, filepath.Join(t.TempDir(), "b"), nil); fault.Code(err) != "backup.schema_now" {
			t.Errorf("%s: backup of an older schema: %v", from, err)
		}
		// As the program of that schema would have made it.
		h := &Header{Format: formatName, Version: formatVersion, Schema: newest - 1, Engine: from.String(), Created: time.Now().UTC(), Key: keys.ID()}
		var b bytes.Buffer
		err = db.View(ctx, operator, func(tx *store.Tx) error {
			a, err := dump(ctx, tx, h, newBlobRows(keys), src.Data, &b, func(Progress) {})
			if err != nil {
				return err
			}
			return a.finish(keys)
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range engines {
			dst := newPlace(t, to)
			if _, err := Restore(ctx, operator, dst.Options, bytes.NewReader(b.Bytes()), RestoreOptions{Key: keys}); err != nil {
				t.Errorf("%s to %s: %v", from, to, err)
				continue
			}
			restored := dst.open(t)
			if have, want, err := restored.SchemaVersion(ctx); have != want || err != nil {
				t.Errorf("%s to %s: schema %d of %d, %v", from, to, have, want, err)
			}
			// What migrations need has come along too.
			if err := errors.Join(restored.MigrateTo(ctx, newest-1), restored.MigrateTo(ctx, newest)); err != nil {
				t.Errorf("%s to %s: migrate down and up: %v", from, to, err)
			}
		}
	}
}

// SQLite keeps text that PostgreSQL cannot: it comes back on SQLite to the
// byte, and PostgreSQL refuses it by name.
func TestTextThatPostgresCannotHold(t *testing.T) {
	src := newPlace(t, store.SQLite)
	db := src.open(t)
	odd := []string{"nul \x00 inside", "not \xff UTF-8"}
	err := db.Keep(ctx, func(tx *store.Tx) error {
		for _, s := range odd {
			if _, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ($1, $2)`, s, s); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	path := archive(t, db, src.Data)
	dst := newPlace(t, store.SQLite)
	if _, err := restore(t, dst, path, src.Data); err != nil {
		t.Fatal(err)
	}
	restored := dst.open(t)
	for _, s := range odd {
		var got string
		if err := restored.QueryRow(ctx, `SELECT value FROM setting WHERE name = $1`, s).Scan(&got); err != nil || got != s {
			t.Errorf("got %q, %v; want %q", got, err, s)
		}
	}
	other := newPlace(t, store.Postgres)
	if _, err := restore(t, other, path, src.Data); fault.Code(err) != "backup.text_postgres" || !strings.Contains(err.Error(), "table=setting") {
		t.Errorf("into PostgreSQL: %v", err)
	}
	checkEmpty(t, other)
}

func TestRestoreWithoutTheRightToMakeASchema(t *testing.T) {
	src := newPlace(t, store.SQLite)
	path := archive(t, src.open(t), src.Data)
	dst := newPlace(t, store.Postgres)
	owner, err := store.Connect(ctx, dst.Options)
	if err != nil {
		t.Fatal(err)
	}
	defer owner.Close()
	storetest.Exec(t, owner, `CREATE ROLE narrow LOGIN`)
	narrow := dst
	narrow.Database = strings.Replace(dst.Database, "teiten@", "narrow@", 1)
	if _, err := restore(t, narrow, path, src.Data); fault.Code(err) != "backup.schema_right" {
		t.Errorf("without the right: %v", err)
	}
	checkEmpty(t, dst)
}

// Both engines describe the same tables, so that a backup of one fits the other.
func TestEnginesHaveTheSameTables(t *testing.T) {
	var all [2][]Table
	for i, engine := range engines {
		var err error
		if all[i], err = tables(ctx, newPlace(t, engine).open(t)); err != nil {
			t.Fatal(err)
		}
	}
	if len(all[0]) < 30 {
		t.Errorf("only %d tables", len(all[0]))
	}
	if err := sameTables(all[0], all[1]); err != nil {
		t.Error(err)
	}
	if err := sameTables(all[1], all[0]); err != nil {
		t.Error(err)
	}
}

func TestReferencesInACircleAreRefused(t *testing.T) {
	if _, err := inOrder([]Table{{Name: "a"}, {Name: "b"}}, map[string][]string{"a": {"b"}, "b": {"a"}}); err == nil {
		t.Error("a circle was put in order")
	}
	sorted, err := inOrder([]Table{{Name: "a"}, {Name: "b"}, {Name: "c"}}, map[string][]string{"a": {"b", "a"}, "b": {"c"}})
	if err != nil || sorted[0].Name != "c" || sorted[2].Name != "a" {
		t.Errorf("sorted %v, %v", sorted, err)
	}
}

// BenchmarkRows measures 300,000 rows, of which a tenth are advisories with
// text to be indexed.
func BenchmarkRows(b *testing.B) {
	const advisories, indicators = 30_000, 270_000
	for _, engine := range engines {
		src := newPlace(b, engine)
		src.Volatile = false
		db := src.open(b)
		err := db.Keep(ctx, func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, `INSERT INTO organisation (id, kind, name, short, prefecture, beds, created_at) VALUES (1, 'isac', 'x', 'x', 'x', 0, 0)`); err != nil {
				return err
			}
			for _, name := range []string{"advisory", "indicator"} {
				all, err := tables(ctx, tx)
				if err != nil {
					return err
				}
				table := all[slices.IndexFunc(all, func(t Table) bool { return t.Name == name })]
				stmt, err := tx.Prepare(ctx, insertStatement(tx.Engine(), &table, 1))
				if err != nil {
					return err
				}
				for i := range map[string]int{"advisory": advisories, "indicator": indicators}[name] {
					args := make([]any, len(table.Columns))
					for j, c := range table.Columns {
						switch c.Type {
						case Integer:
							args[j] = int64(i)
						case Boolean:
							args[j] = i%2 == 0
						default:
							args[j] = fmt.Sprintf("https://host-%d.example/%s", i, c.Name)
						}
						if c.Name == "organisation_id" {
							args[j] = int64(1)
						}
					}
					if _, err := stmt.ExecContext(ctx, args...); err != nil {
						return err
					}
				}
				stmt.Close()
			}
			for i := range advisories {
				if err := search.Put(ctx, tx, int64(i), int64(i), fmt.Sprintf("銀行をかたる偽のサイト %d が見つかりました。開かないでください。", i)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		keys, err := blob.OpenKeyring(src.Data)
		if err != nil {
			b.Fatal(err)
		}
		var packed bytes.Buffer
		measure := func(what string, fn func() (*Summary, error)) {
			b.Run(what+"/"+engine.String(), func(b *testing.B) {
				var rows int64
				for b.Loop() {
					s, err := fn()
					if err != nil {
						b.Fatal(err)
					}
					rows += s.Rows
				}
				b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
				b.ReportMetric(float64(packed.Len())/1e6, "MB")
			})
		}
		measure("backup", func() (*Summary, error) {
			packed.Reset()
			return Write(ctx, db, operator, src.Data, &packed, nil)
		})
		measure("verify", func() (*Summary, error) { return Verify(ctx, bytes.NewReader(packed.Bytes()), keys) })
		measure("restore", func() (*Summary, error) {
			dst := newPlace(b, engine)
			dst.Volatile = false
			return Restore(ctx, operator, dst.Options, bytes.NewReader(packed.Bytes()), RestoreOptions{Key: keys})
		})
	}
}
