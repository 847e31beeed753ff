// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blob

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"teiten/internal/fault"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var ctx = context.Background()

func open(t *testing.T) *Store {
	t.Helper()
	s, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// keep creates and attaches an object.
func keep(t *testing.T, s *Store, db *store.DB, content []byte) *Draft {
	t.Helper()
	d, err := s.Create(ctx, "specimen", bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Keep(ctx, func(tx *store.Tx) error { return d.Attach(ctx, tx) }); err != nil {
		t.Fatal(err)
	}
	return d
}

func read(t *testing.T, s *Store, db *store.DB, name string) ([]byte, error) {
	t.Helper()
	r, err := s.Open(ctx, db, name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	return io.ReadAll(r)
}

func TestRoundTrip(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t)
		for _, size := range []int{0, 1, 100, segmentSize - 57, segmentSize - 56, segmentSize - 16, segmentSize, 3*segmentSize + 7} {
			content := random(size)
			d := keep(t, s, db, content)
			got, err := read(t, s, db, d.Name)
			if err != nil || !bytes.Equal(got, content) {
				t.Errorf("size %d: read %d bytes, %v", size, len(got), err)
			}
			sum := sha256.Sum256(content)
			r, err := s.Open(ctx, db, d.Name)
			if err != nil {
				t.Fatal(err)
			}
			if r.Size != int64(size) || r.SHA256 != hex.EncodeToString(sum[:]) || r.Purpose != "specimen" || r.Created != d.Created {
				t.Errorf("size %d: recorded %+v", size, r.Ref)
			}
			if err := iotest.TestReader(r, content); err != nil && size < 200 {
				t.Error(err)
			}
			r.Close()
		}
		if all, problems, err := s.Check(ctx, db); all != 8 || len(problems) != 0 || err != nil {
			t.Errorf("check: %d, %v, %v", all, problems, err)
		}
	})
}

// Every way of cutting a file must be noticed, also at the places where the
// encryption's own end mark could be mistaken.
func TestAlteredFilesAreNoticed(t *testing.T) {
	s, db := open(t), storetest.SQLite(t)
	content := random(2*segmentSize + 100)
	d := keep(t, s, db, content)
	path := Path(s.data, d.Name)
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	other := keep(t, s, db, content)
	theirs, _ := os.ReadFile(Path(s.data, other.Name))

	flip := func(at int) []byte { b := bytes.Clone(whole); b[at] ^= 1; return b }
	files := map[string][]byte{
		"another's file": theirs, "a byte appended": append(bytes.Clone(whole), 0), "doubled": append(bytes.Clone(whole), whole...),
		"first byte": flip(0), "salt": flip(5), "nonce": flip(36), "middle": flip(len(whole) / 2), "last byte": flip(len(whole) - 1),
	}
	for _, n := range []int{0, 1, 20, 40, 41, 55, 56, 57, segmentSize - 1, segmentSize, segmentSize + 1, 2*segmentSize - 1,
		2 * segmentSize, 2*segmentSize + 1, 2*segmentSize + 16, len(whole) - 1} {
		files["cut to "+string(rune('a'+len(files)))] = whole[:n]
	}
	for what, b := range files {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := read(t, s, db, d.Name)
		if fault.Code(err) != "blob.altered" {
			t.Errorf("%s (%d bytes): read %d bytes, %v", what, len(b), len(got), err)
		}
		if !bytes.HasPrefix(content, got) {
			t.Errorf("%s: gave bytes that were never stored", what)
		}
	}
	if all, problems, err := s.Check(ctx, db); all != 2 || len(problems) != 1 || problems[0].Name != d.Name || err != nil {
		t.Errorf("check: %d, %v, %v", all, problems, err)
	}
	os.Remove(path)
	if _, err := read(t, s, db, d.Name); fault.Code(err) != "blob.gone" {
		t.Errorf("without its file: %v", err)
	}
}

func TestRowsCannotBeSwapped(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t)
		a, b := keep(t, s, db, []byte("one")), keep(t, s, db, []byte("two"))
		for what, change := range map[string]struct {
			query string
			args  []any
		}{
			"another purpose": {`UPDATE blob SET purpose = 'import' WHERE name = $1`, []any{a.Name}},
			"another's key":   {`UPDATE blob SET wrapped_key = (SELECT wrapped_key FROM blob WHERE name = $2) WHERE name = $1`, []any{a.Name, b.Name}},
			"a cut key":       {`UPDATE blob SET wrapped_key = $2 WHERE name = $1`, []any{a.Name, []byte("x")}},
		} {
			// Opening fails, which rolls the change back.
			err := db.Keep(ctx, func(tx *store.Tx) error {
				if _, err := tx.Exec(ctx, change.query, change.args...); err != nil {
					return err
				}
				_, err := s.Open(ctx, tx, a.Name)
				return err
			})
			if fault.Code(err) != "blob.key_wrapped" {
				t.Errorf("%s: %v", what, err)
			}
		}
	})
}

func TestNoPlaintextOnDisk(t *testing.T) {
	s, db := open(t), storetest.SQLite(t)
	keep(t, s, db, bytes.Repeat([]byte("the patient's name is 山田 "), 100_000))
	err := filepath.WalkDir(s.data, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte("patient")) || bytes.Contains(b, []byte("山田")) {
			t.Errorf("%s holds plaintext", path)
		}
		if info, _ := e.Info(); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has permissions %v", path, info.Mode().Perm())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestCreateThatFailsLeavesNothing(t *testing.T) {
	s := open(t)
	wrong := errors.New("wrong")
	stopped, stop := context.WithCancel(ctx)
	stop()
	for _, test := range []struct {
		ctx  context.Context
		r    io.Reader
		want func(error) bool
	}{
		{ctx, strings.NewReader("12345"), func(err error) bool { return fault.Is(err, fault.TooLarge) }},
		{ctx, io.MultiReader(strings.NewReader("12"), iotest.ErrReader(wrong)), func(err error) bool { return errors.Is(err, wrong) }},
		{ctx, io.MultiReader(strings.NewReader("12"), iotest.ErrReader(io.ErrUnexpectedEOF)), func(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }},
		{stopped, strings.NewReader("1"), func(err error) bool { return errors.Is(err, context.Canceled) }},
	} {
		if d, err := s.Create(test.ctx, "specimen", test.r, 4); d != nil || !test.want(err) {
			t.Errorf("created %v, %v", d, err)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.data, Folder, "*", "*")); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSweepRemovesOnlyOldFilesWithoutRow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t)
		kept := keep(t, s, db, []byte("kept"))
		draft := func() *Draft {
			d, err := s.Create(ctx, "specimen", strings.NewReader("draft"), 9)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		fresh, stale := draft(), draft()
		unfinished := filepath.Join(s.data, Folder, incoming, newName())
		os.WriteFile(unfinished, nil, 0o600)
		old := time.Now().Add(-25 * time.Hour)
		for _, path := range []string{Path(s.data, kept.Name), Path(s.data, stale.Name), unfinished} {
			if err := os.Chtimes(path, old, old); err != nil {
				t.Fatal(err)
			}
		}
		release, err := Hold(s.data)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := s.Sweep(ctx, db); n != 0 || err != nil {
			t.Errorf("while held swept %d, %v", n, err)
		}
		if err := release(); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Sweep(ctx, db); n != 2 || err != nil {
			t.Errorf("swept %d, %v; want 2", n, err)
		}
		for name, want := range map[string]bool{kept.Name: true, fresh.Name: true, stale.Name: false} {
			if _, err := os.Stat(Path(s.data, name)); (err == nil) != want {
				t.Errorf("%s is there: %v, want %v", name, err == nil, want)
			}
		}
		stale.made = old
		err = db.Keep(ctx, func(tx *store.Tx) error { return stale.Attach(ctx, tx) })
		if fault.Code(err) != "blob.draft_old" {
			t.Errorf("a swept draft was attached: %v", err)
		}
	})
}

func TestDeleteKeepsTheFileWhileHeld(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := open(t)
		for _, hold := range []bool{false, true} {
			d := keep(t, s, db, []byte("x"))
			release := func() error { return nil }
			if hold {
				var err error
				if release, err = Hold(s.data); err != nil {
					t.Fatal(err)
				}
			}
			if err := db.Keep(ctx, func(tx *store.Tx) error { return Delete(ctx, tx, d.Name) }); err != nil {
				t.Fatal(err)
			}
			if err := s.Remove(d.Name); err != nil {
				t.Fatal(err)
			}
			if _, err := os.Stat(Path(s.data, d.Name)); (err == nil) != hold {
				t.Errorf("held %v: the file is there: %v", hold, err == nil)
			}
			if _, err := s.Open(ctx, db, d.Name); !fault.Is(err, fault.NotFound) {
				t.Errorf("a deleted object opens: %v", err)
			}
			err := db.Keep(ctx, func(tx *store.Tx) error { return Delete(ctx, tx, d.Name) })
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("deleted twice: %v", err)
			}
			release()
		}
		// A process that died while it held does not hold for ever.
		if _, err := Hold(s.data); err != nil || !held(s.data) {
			t.Fatal(err)
		}
		files, _ := filepath.Glob(filepath.Join(s.data, Folder, holdPrefix+"*"))
		old := time.Now().Add(-25 * time.Hour)
		os.Chtimes(files[0], old, old)
		if n, err := s.Sweep(ctx, db); held(s.data) || n != 1 || err != nil {
			t.Errorf("after a day: held %v, swept %d, %v", held(s.data), n, err)
		}
	})
}

func TestNamesAreChecked(t *testing.T) {
	s, db := open(t), storetest.SQLite(t)
	for _, name := range []string{"", "../../etc/passwd", strings.Repeat("A", 32), strings.Repeat("0", 31), strings.Repeat("0", 31) + "/"} {
		if ValidName(name) {
			t.Errorf("%q is valid", name)
		}
		if _, err := s.Open(ctx, db, name); !fault.Is(err, fault.NotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if !ValidName(newName()) {
		t.Error("our own names are not valid")
	}
}

func BenchmarkCreate(b *testing.B) {
	dir := b.TempDir()
	s, err := Open(dir)
	if err != nil {
		b.Fatal(err)
	}
	content := random(64 << 20)
	b.SetBytes(int64(len(content)))
	for b.Loop() {
		d, err := s.Create(ctx, "specimen", bytes.NewReader(content), 1<<30)
		if err != nil {
			b.Fatal(err)
		}
		d.Discard()
	}
}
