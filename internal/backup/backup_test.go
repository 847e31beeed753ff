// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/search"
	"teiten/internal/store"
)

func TestEveryRowComesBackOnEitherEngine(t *testing.T) {
	t.Parallel()
	for _, from := range engines {
		src := newPlace(t, from)
		db := src.open(t)
		fill(t, db, 25)
		objects := addBlobs(t, db, src.Data, 0, 1, 100_000, 3<<20)
		path := archive(t, db, src.Data)
		want := content(t, db)
		// The record of the backup itself came after the snapshot.
		want["audit"] = slices.DeleteFunc(want["audit"], func(l string) bool { return strings.Contains(l, "backup.create") })
		for _, to := range engines {
			t.Run(from.String()+" to "+to.String(), func(t *testing.T) {
				dst := newPlace(t, to)
				s, err := restore(t, dst, path, src.Data)
				if err != nil {
					t.Fatal(err)
				}
				if s.Blobs != 4 || s.Tables["advisory"] != 25 || s.Engine != from.String() || !s.Sealed || s.Ended == nil || s.Ended.Sessions != 25 || len(s.Missing)+len(s.Unreadable) > 0 {
					t.Errorf("summary %+v", s)
				}
				restored := dst.open(t)
				same(t, content(t, restored), want)
				checkBlobs(t, restored, dst.Data, objects)
				checkSearch(t, restored)
				checkNextIDs(t, restored, db)
				if one, two := db.Key("a", "b"), restored.Key("a", "b"); one != two {
					t.Errorf("keys differ: %d and %d", one, two)
				}
				checkClean(t, dst)
				// The restored place can be backed up and restored again.
				third := newPlace(t, from)
				if _, err := restore(t, third, archive(t, restored, dst.Data), dst.Data); err != nil {
					t.Errorf("a backup of the restored: %v", err)
				}
			})
		}
	}
}

func checkSearch(t *testing.T, db *store.DB) {
	t.Helper()
	for query, want := range map[string]int{"偽の銀行": 25, "メール7": 1, "行": 25, "朝": 3, "居ない": 0} {
		words, err := search.Words(query)
		if err != nil {
			t.Fatal(err)
		}
		clause := search.Match(db.Dialect, words, 1)
		var n int
		err = db.QueryRow(ctx, `SELECT COUNT(*) FROM advisory a `+clause.Join+` WHERE `+strings.Join(clause.Where, " AND "), clause.Args...).Scan(&n)
		if err != nil || n != want {
			t.Errorf("search %q finds %d, want %d, %v", query, n, want, err)
		}
	}
}

// checkNextIDs makes sure that no id is handed out twice, not even one of a
// row that was deleted before the backup.
func checkNextIDs(t *testing.T, restored, source *store.DB) {
	t.Helper()
	last, err := sequences(ctx, source)
	if err != nil || len(last) == 0 {
		t.Fatalf("sequences %v, %v", last, err)
	}
	next, err := sequences(ctx, restored)
	if err != nil {
		t.Fatal(err)
	}
	for table, id := range last {
		if table == "audit" {
			id-- // the record of the backup came after the snapshot
		}
		if next[table] < id {
			t.Errorf("table %s goes on after %d, want %d", table, next[table], id)
		}
	}
	err = restored.Write(ctx, operator, func(tx *store.Tx) error {
		id, err := tx.Insert(ctx, `INSERT INTO organisation (kind, name, short, prefecture, beds, created_at)
			VALUES ('isac', 'x', 'x', 'x', 0, 0) RETURNING id`)
		if err != nil || id <= last["organisation"] {
			return fmt.Errorf("the next id is %d, the last was %d: %w", id, last["organisation"], err)
		}
		return audit.Append(ctx, tx, "test", "test/1")
	})
	if err != nil {
		t.Error(err)
	}
}

// checkClean makes sure that no stage is left.
func checkClean(t *testing.T, p place) {
	t.Helper()
	if _, err := os.Lstat(filepath.Join(p.Data, stageFolder)); err == nil {
		t.Error("the stage's folder is left")
	}
	if p.engine != store.Postgres {
		return
	}
	db, err := store.Connect(ctx, p.Options)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var n int
	if err := db.QueryRow(ctx, `SELECT COUNT(*) FROM pg_namespace WHERE nspname = $1`, stageSchema).Scan(&n); err != nil || n != 0 {
		t.Errorf("the stage's schema is left (%v)", err)
	}
}

// checkEmpty makes sure that a failed restore left nothing at all.
func checkEmpty(t *testing.T, p place) {
	t.Helper()
	checkClean(t, p)
	files, err := os.ReadDir(p.Data)
	if err != nil || len(files) != 0 {
		t.Errorf("left in the data folder: %v (%v)", files, err)
	}
	if p.engine != store.Postgres {
		return
	}
	db, err := store.Connect(ctx, p.Options)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, n, err := schemaOf(ctx, db); err != nil || n != 0 {
		t.Errorf("%d tables are left (%v)", n, err)
	}
}

func TestDeletedIDsDoNotComeBack(t *testing.T) {
	t.Parallel()
	for _, from := range engines {
		src := newPlace(t, from)
		db := src.open(t)
		err := db.Keep(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(ctx, `INSERT INTO job (id, kind, args, unique_key, state, run_at, attempts, lease_until, lease_token, last_error, created_at, finished_at)
				VALUES (41, 'k', '', '', 'done', 0, 0, 0, '', '', 0, 0)`)
			if err != nil {
				return err
			}
			if err := setSequences(ctx, tx, nil); err != nil {
				return err
			}
			_, err = tx.Exec(ctx, `DELETE FROM job`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		path := archive(t, db, src.Data)
		for _, to := range engines {
			dst := newPlace(t, to)
			if _, err := restore(t, dst, path, src.Data); err != nil {
				t.Fatal(err)
			}
			if last, err := sequences(ctx, dst.open(t)); err != nil || last["job"] != 41 {
				t.Errorf("%s to %s: job goes on after %d, want 41, %v", from, to, last["job"], err)
			}
		}
	}
}

func TestRunningJobsWaitAgainAndSequencesLeap(t *testing.T) {
	t.Parallel()
	for _, engine := range engines {
		src := newPlace(t, engine)
		db := src.open(t)
		err := db.Keep(ctx, func(tx *store.Tx) error {
			for i, job := range [][2]string{
				{"running", "a"}, {"available", "a"}, {"running", "b"}, {"running", "b"}, {"running", ""}, {"running", ""}, {"done", "a"}, {"dead", "c"},
			} {
				if _, err := tx.Exec(ctx, `INSERT INTO job (id, kind, args, unique_key, state, run_at, attempts, lease_until, lease_token, last_error, created_at, finished_at)
					VALUES ($1, 'k', '', $2, $3, 5, 1, 9, 'token', '', 1, 0)`, i+1, job[1], job[0]); err != nil {
					return err
				}
			}
			return tx.Bump(ctx, "indicator")
		})
		if err != nil {
			t.Fatal(err)
		}
		dst := newPlace(t, engine)
		if _, err := restore(t, dst, archive(t, db, src.Data), src.Data); err != nil {
			t.Fatal(err)
		}
		restored := dst.open(t)
		rows, err := restored.Query(ctx, `SELECT state FROM job ORDER BY id`)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		var got []string
		for rows.Next() {
			var state string
			if err := rows.Scan(&state); err != nil {
				t.Fatal(err)
			}
			got = append(got, state)
		}
		want := []string{"done", "available", "available", "done", "available", "available", "done", "dead"}
		if !slices.Equal(got, want) {
			t.Errorf("%s: states %v, want %v", engine, got, want)
		}
		if seq, err := store.Sequence(ctx, restored, "indicator"); err != nil || seq != 1+sequenceLeap {
			t.Errorf("%s: the change sequence is %d, %v", engine, seq, err)
		}
	}
}

func TestRestoreRefusesWhatIsNotEmpty(t *testing.T) {
	t.Parallel()
	src := newPlace(t, store.SQLite)
	db := src.open(t)
	addBlobs(t, db, src.Data, 10)
	path := archive(t, db, src.Data)
	for _, engine := range engines {
		used := newPlace(t, engine)
		used.open(t)
		if _, err := restore(t, used, path, src.Data); fault.Code(err) != "backup.not_empty" {
			t.Errorf("%s with a database: %v", engine, err)
		}
		checkClean(t, used)
		objects := newPlace(t, engine)
		addBlobs(t, db, objects.Data, 10)
		if _, err := restore(t, objects, path, objects.Data); fault.Code(err) != "backup.key_wrong" {
			t.Errorf("%s with another key: %v", engine, err)
		}
		os.Remove(filepath.Join(objects.Data, blob.KeyFile))
		if _, err := restore(t, objects, path, src.Data); fault.Code(err) != "backup.not_empty" {
			t.Errorf("%s with objects: %v", engine, err)
		}
		busy := newPlace(t, engine)
		os.Mkdir(filepath.Join(busy.Data, stageFolder), 0o700)
		if _, err := restore(t, busy, path, src.Data); fault.Code(err) != "backup.unfinished" {
			t.Errorf("%s while another restore runs: %v", engine, err)
		}
		os.Remove(filepath.Join(busy.Data, stageFolder))
		if _, err := restore(t, busy, path, src.Data); err != nil {
			t.Errorf("%s after that: %v", engine, err)
		}
	}
	// A stage that somebody else has in the same database.
	busy := newPlace(t, store.Postgres)
	target, err := store.Connect(ctx, busy.Options)
	if err != nil {
		t.Fatal(err)
	}
	defer target.Close()
	if err := target.Keep(ctx, func(tx *store.Tx) error { return createStageSchema(ctx, tx) }); err != nil {
		t.Fatal(err)
	}
	if _, err := restore(t, busy, path, src.Data); fault.Code(err) != "backup.unfinished" {
		t.Errorf("with a foreign stage: %v", err)
	}
	var n int
	if err := target.QueryRow(ctx, `SELECT COUNT(*) FROM pg_namespace WHERE nspname = $1`, stageSchema).Scan(&n); err != nil || n != 1 {
		t.Errorf("the foreign stage was dropped (%v)", err)
	}
}

// A place prepared with configuration, key and the folders of an earlier start
// counts as empty.
func TestRestoreIntoAPreparedFolder(t *testing.T) {
	t.Parallel()
	src := newPlace(t, store.SQLite)
	db := src.open(t)
	objects := addBlobs(t, db, src.Data, 10)
	path := archive(t, db, src.Data)
	for _, engine := range engines {
		dst := newPlace(t, engine)
		keys, err := blob.LoadKeyring(src.Data)
		if err != nil {
			t.Fatal(err)
		}
		var line strings.Builder
		if err := ExportKey(ctx, db, operator, src.Data, &line); err != nil {
			t.Fatal(err)
		}
		if k, err := ImportKey(dst.Data, strings.NewReader(line.String())); err != nil || k.ID() != keys.ID() {
			t.Fatal(err)
		}
		if _, err := blob.Open(dst.Data); err != nil {
			t.Fatal(err)
		}
		os.WriteFile(filepath.Join(dst.Data, "teiten.toml"), nil, 0o600)
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if s, err := Restore(ctx, operator, dst.Options, f, RestoreOptions{}); err != nil || !s.Sealed {
			t.Fatal(err)
		}
		checkBlobs(t, dst.open(t), dst.Data, objects)
	}
}

func TestWithoutTheKey(t *testing.T) {
	src := newPlace(t, store.SQLite)
	db := src.open(t)
	objects := addBlobs(t, db, src.Data, 10)
	path := archive(t, db, src.Data)
	dst := newPlace(t, store.SQLite)
	open := func() *os.File {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	if _, err := Restore(ctx, operator, dst.Options, open(), RestoreOptions{}); fault.Code(err) != "backup.key_absent" {
		t.Errorf("without a key: %v", err)
	}
	checkEmpty(t, dst)
	other, _ := blob.NewKeyring()
	if _, err := Restore(ctx, operator, dst.Options, open(), RestoreOptions{Key: other, WithoutKey: true}); fault.Code(err) != "backup.key_wrong" {
		t.Errorf("with another key: %v", err)
	}
	checkEmpty(t, dst)
	if s, err := Restore(ctx, operator, dst.Options, open(), RestoreOptions{WithoutKey: true}); err != nil || s.Sealed {
		t.Fatalf("%+v, %v", s, err)
	}
	if _, err := blob.Open(dst.Data); fault.Code(err) != "blob.key_lost" {
		t.Errorf("objects without their key open: %v", err)
	}
	keys, _ := blob.LoadKeyring(src.Data)
	if _, err := ImportKey(dst.Data, strings.NewReader(keys.Line())); err != nil {
		t.Fatal(err)
	}
	checkBlobs(t, dst.open(t), dst.Data, objects)
}

func TestOnlyOperators(t *testing.T) {
	p := newPlace(t, store.SQLite)
	db := p.open(t)
	c := caller.Caller{OrgKind: caller.ISAC, Role: caller.Analyst}
	path := filepath.Join(t.TempDir(), "b")
	if _, err := Create(ctx, db, c, p.Data, path, nil); !fault.Is(err, fault.Forbidden) {
		t.Errorf("backup: %v", err)
	}
	if err := ExportKey(ctx, db, c, p.Data, os.Stderr); !fault.Is(err, fault.Forbidden) {
		t.Errorf("key: %v", err)
	}
	if _, err := Restore(ctx, c, newPlace(t, store.SQLite).Options, strings.NewReader(""), RestoreOptions{}); !fault.Is(err, fault.Forbidden) {
		t.Errorf("restore: %v", err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 0 {
		t.Errorf("left %v", left)
	}
}

func TestCreateDoesNotReplaceAndIsRecorded(t *testing.T) {
	p := newPlace(t, store.SQLite)
	db := p.open(t)
	path := archive(t, db, p.Data)
	if _, err := Create(ctx, db, operator, p.Data, path, nil); fault.Code(err) != "backup.exists" {
		t.Errorf("over an existing file: %v", err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("permissions %v, %v", info.Mode(), err)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) != 1 {
		t.Errorf("beside the backup lie %v", left)
	}
	all, err := audit.List(ctx, db, operator, 0, 10)
	if err != nil || len(all) != 1 || all[0].Action != "backup.create" || all[0].Actor != "operator" {
		t.Errorf("audit %+v, %v", all, err)
	}
	if left, _ := filepath.Glob(filepath.Join(p.Data, blob.Folder, "hold-*")); len(left) != 0 {
		t.Errorf("the hold is left: %v", left)
	}
}
