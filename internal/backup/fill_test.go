// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/search"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var (
	ctx      = context.Background()
	operator = caller.Caller{Name: "operator", OrgKind: caller.ISAC, Role: caller.Operator, Channel: "cli"}
)

// place is where an installation is or will be.
type place struct {
	engine store.Dialect
	store.Options
}

func newPlace(t testing.TB, engine store.Dialect) place {
	t.Helper()
	p := place{engine, store.Options{Data: t.TempDir(), Volatile: true}}
	if engine == store.Postgres {
		p.Database = storetest.Address(t)
	}
	return p
}

func (p place) open(t testing.TB) *store.DB {
	t.Helper()
	db, err := store.Open(ctx, p.Options)
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

var engines = []store.Dialect{store.SQLite, store.Postgres}

// texts are what makes trouble in formats.
var texts = []string{"", `\N`, `\.`, "tab\tline\nreturn\r\\end\\", "病院の朝 🏥 ｶﾞ", "t", "quote\"' ", "\\x41", "\u2028\ufeff", "NULL"}

// fill gives every table of the schema n rows, whatever tables there are. Row i
// of a table has i as its integers, so that references point at rows.
func fill(t testing.TB, db *store.DB, n int) {
	t.Helper()
	err := db.Keep(ctx, func(tx *store.Tx) error {
		all, err := tables(ctx, tx)
		if err != nil {
			return err
		}
		if err := prepareLoad(ctx, tx, nil); err != nil {
			return err
		}
		refers, err := pairs(ctx, tx, pick(tx, referencesSQLite, referencesPostgres))
		if err != nil {
			return err
		}
		for _, table := range all {
			if table.Name == "blob" || table.Name == "setting" || table.Name == "search_text" {
				continue
			}
			for i := 1; i <= n; i++ {
				args := make([]any, len(table.Columns))
				for j, c := range table.Columns {
					args[j] = value(c, int64(i), j, len(refers[table.Name]) > 0)
				}
				if _, err := tx.Exec(ctx, insertStatement(tx.Engine(), &table, 1), args...); err != nil {
					return fmt.Errorf("%s: %w", table.Name, err)
				}
			}
		}
		for i := 1; i <= n; i++ {
			if err := search.Put(ctx, tx, int64(i), int64(i), fmt.Sprintf("偽の銀行 メール%d %s", i, texts[i%len(texts)])); err != nil {
				return err
			}
		}
		return setSequences(ctx, tx, nil)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func value(c Column, i int64, j int, refers bool) any {
	switch c.Type {
	case Integer:
		switch {
		case refers || strings.HasSuffix(c.Name, "id") || c.Name == "position":
			return i
		case c.Name == "key":
			return math.MaxInt64 - i
		default:
			return (i - 3) * int64(j+1) * 1_000_003 // some negative
		}
	case Boolean:
		return i%2 == 0
	case Bytes:
		return []byte{0, byte(i), '\\', '\n', 0xff}
	case Real:
		return float64(i) / 3
	default:
		if i%7 == 0 && c.Name == "body" {
			return fmt.Sprint(i) + strings.Repeat("長い文。\n", 30_000)
		}
		return fmt.Sprintf("%d %s", i, texts[(int(i)+j)%len(texts)])
	}
}

// addBlobs stores objects and returns their contents by name.
func addBlobs(t testing.TB, db *store.DB, data string, sizes ...int) map[string][]byte {
	t.Helper()
	s, err := blob.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{}
	for i, size := range sizes {
		content := bytes.Repeat([]byte{byte(i), 'x', 0}, size/3+1)[:size]
		d, err := s.Create(ctx, "specimen", bytes.NewReader(content), int64(size))
		if err != nil {
			t.Fatal(err)
		}
		if err := db.Keep(ctx, func(tx *store.Tx) error { return d.Attach(ctx, tx) }); err != nil {
			t.Fatal(err)
		}
		all[d.Name] = content
	}
	return all
}

func checkBlobs(t testing.TB, db *store.DB, data string, want map[string][]byte) {
	t.Helper()
	s, err := blob.Open(data)
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range want {
		r, err := s.Open(ctx, db, name)
		if err != nil {
			t.Errorf("object %s: %v", name, err)
			continue
		}
		got, err := io.ReadAll(r)
		r.Close()
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("object %s: %d bytes, want %d, %v", name, len(got), len(content), err)
		}
	}
}

// content returns every row of every table as a line, sorted.
func content(t testing.TB, db *store.DB) map[string][]string {
	t.Helper()
	all := map[string][]string{}
	list, err := tables(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range list {
		slices.SortFunc(table.Columns, func(a, b Column) int { return strings.Compare(a.Name, b.Name) })
		lines := []string{}
		err := eachRow(ctx, db, &table, func(values []any) error {
			line, err := appendRow(nil, &table, values)
			lines = append(lines, string(line))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(lines)
		all[table.Name] = lines
	}
	return all
}

// same compares two contents but for what a restore changes on purpose.
func same(t testing.TB, got, want map[string][]string) {
	t.Helper()
	for name := range want {
		if name == "change_sequence" {
			continue
		}
		g := got[name]
		switch name {
		case "session", "auth_step", "auth_set_up", "passkey_ceremony", "federate_request":
			if len(g) > 0 || len(want[name]) == 0 {
				t.Errorf("table %s has %d rows of %d: what was under way goes on", name, len(g), len(want[name]))
			}
			continue
		case "enrolment", "auth_recovery": // what was open is cancelled
			if len(g) != len(want[name]) {
				t.Errorf("table %s has %d rows, want %d", name, len(g), len(want[name]))
			}
			continue
		}
		if name == "audit" {
			g = slices.DeleteFunc(slices.Clone(g), func(line string) bool { return strings.Contains(line, "backup.restore") })
			if len(g) != len(got[name])-1 {
				t.Errorf("%d audit records of restoring", len(got[name])-len(g))
			}
		}
		if len(want[name]) == 0 {
			t.Errorf("table %s is empty: nothing is compared", name)
		}
		if slices.Equal(g, want[name]) {
			continue
		}
		t.Errorf("table %s differs: %d rows, want %d", name, len(g), len(want[name]))
		for i := range min(len(g), len(want[name])) {
			if g[i] != want[name][i] {
				t.Errorf(" got  %.200q\n want %.200q", g[i], want[name][i])
				break
			}
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d tables, want %d", len(got), len(want))
	}
}

// archive makes a backup and returns its path.
func archive(t testing.TB, db *store.DB, data string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "backup.tar.gz")
	if _, err := Create(ctx, db, operator, data, path, nil); err != nil {
		t.Fatalf("back up: %v", err)
	}
	return path
}

// restore restores an archive with the key of another data folder.
func restore(t testing.TB, p place, path, keyFrom string) (*Summary, error) {
	t.Helper()
	keys, err := blob.LoadKeyring(keyFrom)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return Restore(ctx, operator, p.Options, f, RestoreOptions{Key: keys})
}
