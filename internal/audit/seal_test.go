// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// trail is a store with a key.
type trail struct {
	t    testing.TB
	db   *store.DB
	keys *blob.Keyring
}

func newTrail(t testing.TB, db *store.DB) *trail {
	t.Helper()
	keys, err := blob.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	return &trail{t, db, keys}
}

var operator = caller.Caller{Account: 7, Name: "運営", Org: 1, OrgKind: caller.ISAC, Role: caller.Operator, Channel: "test", Device: 3, Token: 4}

// append writes n records in a transaction each.
func (tr *trail) append(n int) {
	tr.t.Helper()
	tr.appendAt(time.Time{}, n)
}

func (tr *trail) appendAt(at time.Time, n int) {
	tr.t.Helper()
	c := ctx
	if !at.IsZero() {
		c = store.At(ctx, at)
	}
	err := tr.db.Write(audit.WithRequest(c, "req-1"), operator, func(tx *store.Tx) error {
		for i := range n {
			if err := audit.Append(audit.WithRequest(c, "req-1"), tx, "thing.do", fmt.Sprint("thing/", i), "n", i, "word", "語"); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *trail) seal() *audit.Checkpoint {
	tr.t.Helper()
	c, err := audit.Seal(ctx, tr.db, tr.keys)
	if err != nil {
		tr.t.Fatal(err)
	}
	return c
}

func (tr *trail) verify(kept ...string) *audit.Report {
	tr.t.Helper()
	var texts [][]byte
	for _, k := range kept {
		texts = append(texts, []byte(k))
	}
	r, err := audit.Verify(ctx, tr.db, tr.keys, texts...)
	if err != nil {
		tr.t.Fatal(err)
	}
	return r
}

// whole fails the test unless nothing is found.
func (tr *trail) whole(kept ...string) *audit.Report {
	tr.t.Helper()
	r := tr.verify(kept...)
	if !r.OK() {
		tr.t.Fatalf("found %+v", r.Findings)
	}
	return r
}

// verifier is what an institution keeps to check the checkpoints with.
func (tr *trail) verifier() note.Verifier {
	tr.t.Helper()
	text, err := audit.Verifier(ctx, tr.db)
	if err != nil {
		tr.t.Fatal(err)
	}
	v, err := note.NewVerifier(text)
	if err != nil {
		tr.t.Fatal(err)
	}
	return v
}

func (tr *trail) exec(query string, args ...any) {
	tr.t.Helper()
	storetest.Exec(tr.t, tr.db, query, args...)
}

func (tr *trail) count(query string, args ...any) int64 {
	tr.t.Helper()
	return storetest.Value[int64](tr.t, tr.db, query, args...)
}

func TestSealInBatches(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr := newTrail(t, db)
		if c := tr.seal(); c != nil {
			t.Fatalf("a checkpoint of nothing: %+v", c)
		}
		if r := tr.whole(); r.Size != 0 || r.Newest != nil {
			t.Fatalf("an empty trail: %+v", r)
		}
		var kept []string
		for i := range 5 {
			tr.append(i*7 + 1)
			c := tr.seal()
			kept = append(kept, c.Note)
			if again := tr.seal(); again.Note != c.Note {
				t.Error("sealing nothing made a checkpoint")
			}
		}
		tr.append(2)
		r := tr.whole(kept...)
		if r.Size != 75 || r.Records != 75 || r.Unsealed != 2 || r.Checkpoints != 10 || r.Newest == nil || r.Newest.Size != 75 {
			t.Errorf("report %+v", r)
		}
		if !strings.HasPrefix(kept[4], "teiten/audit/"+tr.keys.ID()+"\n75\n"+r.Newest.Root.String()+"\n\n— teiten/audit/"+tr.keys.ID()+" ") {
			t.Errorf("the note is no checkpoint of C2SP:\n%s", kept[4])
		}
		if r, err := audit.Verify(ctx, db, nil, []byte(kept[2])); err != nil || !r.OK() {
			t.Errorf("without keys: %+v, %v", r, err)
		}
		all, err := audit.List(ctx, db, operator, 0, 100)
		if err != nil || all[0].Position != -1 || all[2].Position != 74 || all[2].Device != 3 || all[2].Token != 4 || all[2].Request != "req-1" {
			t.Errorf("%+v, %v", all[:3], err)
		}
		other := newTrail(t, db)
		tr.append(1)
		if _, err := audit.Seal(ctx, db, other.keys); fault.Code(err) != "audit.signer" {
			t.Errorf("sealing with another installation's key: %v", err)
		}
	})
}

// More than one transaction seals takes several, and the tree is the same.
func TestSealMuch(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr := newTrail(t, db)
		tr.append(25_000)
		if c := tr.seal(); c.Size != 25_000 {
			t.Errorf("sealed %d", c.Size)
		}
		if r := tr.whole(); r.Records != 25_000 || r.Checkpoints != 3 {
			t.Errorf("report %+v", r)
		}
	})
}

// A record whose transaction stays open while later ones are sealed comes late,
// and exactly once; ids that were rolled back leave a gap.
func TestLateCommit(t *testing.T) {
	db := storetest.Postgres(t)
	tr := newTrail(t, db)
	begun, end := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := db.Write(ctx, operator, func(tx *store.Tx) error {
			for range 3 {
				if err := audit.Append(ctx, tx, "late.do", "thing/late"); err != nil {
					return err
				}
			}
			close(begun)
			<-end
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-begun
	undone := errors.New("undo")
	if err := db.Write(ctx, operator, func(tx *store.Tx) error {
		if err := audit.Append(ctx, tx, "never.do", "thing/0"); err != nil {
			return err
		}
		return undone
	}); !errors.Is(err, undone) {
		t.Fatal(err)
	}
	tr.append(2)
	early := tr.seal()
	if r := tr.whole(); r.Size != 2 || r.Unsealed != 0 {
		t.Fatalf("before the late commit: %+v", r)
	}
	close(end)
	wg.Wait()
	if r := tr.whole(); r.Unsealed != 3 {
		t.Fatalf("after the late commit: %+v", r)
	}
	tr.append(1)
	tr.seal()
	r := tr.whole(early.Note)
	if r.Size != 6 || r.Unsealed != 0 {
		t.Errorf("after sealing: %+v", r)
	}
	if n := tr.count(`SELECT COUNT(*) FROM audit_leaf l JOIN audit a ON a.id = l.audit_id WHERE a.action = 'late.do' AND l.position BETWEEN 2 AND 4`); n != 3 {
		t.Errorf("%d late records have their places", n)
	}
	if n := tr.count(`SELECT COALESCE(SUM(last_id - first_id + 1), 0) FROM audit_gap`); n != 1 {
		t.Errorf("%d ids are waited for, want the one that was rolled back", n)
	}
}

// Many write, some give up, and two processes seal all the while: every record
// gets one place, and every checkpoint on the way is of the same tree.
func TestSealBesideWriters(t *testing.T) {
	type open struct {
		name string
		make func(t *testing.T) (a, b *store.DB)
	}
	two := func(t *testing.T, o store.Options) (a, b *store.DB) {
		for _, into := range []**store.DB{&a, &b} {
			db, err := store.Open(ctx, o)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			*into = db
		}
		return a, b
	}
	for _, o := range []open{
		{"sqlite", func(t *testing.T) (a, b *store.DB) { return two(t, store.Options{Data: t.TempDir(), Volatile: true}) }},
		{"postgres", func(t *testing.T) (a, b *store.DB) {
			return two(t, store.Options{Database: storetest.Address(t), Volatile: true, Readers: 20})
		}},
	} {
		t.Run(o.name, func(t *testing.T) {
			a, b := o.make(t)
			tr := newTrail(t, a)
			tr.append(1)
			tr.seal() // one key for both
			var writers, sealers sync.WaitGroup
			undone := errors.New("undo")
			for w := range 8 {
				writers.Go(func() {
					for i := range 30 {
						err := a.Write(ctx, operator, func(tx *store.Tx) error {
							if err := audit.Append(ctx, tx, "thing.do", fmt.Sprintf("thing/%d-%d", w, i)); err != nil {
								return err
							}
							if w%3 == 0 {
								time.Sleep(time.Duration(i%4) * time.Millisecond)
							}
							if i%5 == 4 {
								return undone
							}
							return nil
						})
						if err != nil && !errors.Is(err, undone) {
							t.Error(err)
						}
					}
				})
			}
			done := make(chan struct{})
			var mu sync.Mutex
			var kept []string
			for _, db := range []*store.DB{a, b} {
				sealers.Go(func() {
					for {
						c, err := audit.Seal(ctx, db, tr.keys)
						if err != nil {
							t.Error(err)
							return
						}
						mu.Lock()
						kept = append(kept, c.Note)
						mu.Unlock()
						select {
						case <-done:
							return
						default:
						}
					}
				})
			}
			writers.Wait()
			close(done)
			sealers.Wait()
			tr.seal()
			r := tr.whole(kept...)
			if want := int64(1 + 8*24); r.Size != want || r.Records != want || r.Unsealed != 0 {
				t.Errorf("report %+v, want %d records", r, want)
			}
		})
	}
}

func TestRun(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr := newTrail(t, db)
		tr.append(1)
		running, stop := context.WithCancel(ctx)
		var wg sync.WaitGroup
		var said strings.Builder
		wg.Go(func() { audit.Run(running, db, tr.keys, slog.New(slog.NewTextHandler(&said, nil))) })
		wait := func(size int64) {
			t.Helper()
			for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
				c, err := audit.Newest(ctx, db)
				if err != nil {
					t.Fatal(err)
				}
				if c != nil && c.Size == size {
					return
				}
				if time.Now().After(end) {
					t.Fatalf("never sealed %d records: %+v", size, c)
				}
			}
		}
		wait(1) // at the beginning
		tr.append(1000)
		wait(1001) // a rush does not wait for the minute
		tr.append(3)
		stop()
		wg.Wait()
		wait(1004) // at the end
		if said.Len() > 0 {
			t.Error(said.String())
		}
	})
}

// Of each day that is over the last checkpoint is kept; all of the last 24 hours.
func TestCheckpointsThinOut(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr := newTrail(t, db)
		start := time.Date(2026, 3, 1, 0, 0, 0, 0, time.FixedZone("", 9*3600))
		for hour := range 4 * 24 {
			at := store.At(ctx, start.Add(time.Duration(hour)*time.Hour))
			if err := db.Write(at, operator, func(tx *store.Tx) error { return audit.Append(at, tx, "thing.do", "thing/1") }); err != nil {
				t.Fatal(err)
			}
			if _, err := audit.Seal(at, db, tr.keys); err != nil {
				t.Fatal(err)
			}
		}
		all, err := audit.Checkpoints(ctx, db, 0, 1000)
		if err != nil {
			t.Fatal(err)
		}
		var sizes []int64
		for _, c := range all {
			sizes = append(sizes, c.Size)
		}
		if len(sizes) != 25+2 || sizes[0] != 96 || sizes[24] != 72 || sizes[25] != 48 || sizes[26] != 24 {
			t.Errorf("checkpoints of sizes %v", sizes)
		}
		tr.whole()
	})
}

// What was recorded before there were seals is sealed with the rest, and the
// way back down leaves the records.
func TestRecordsFromBefore(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		if err := db.MigrateTo(ctx, 8); err != nil {
			t.Fatal(err)
		}
		tr := newTrail(t, db)
		for i := range 3 {
			tr.exec(`INSERT INTO audit (at, account_id, organisation_id, actor, role, channel, action, object, detail)
				VALUES ($1, 1, 1, 'x', 'staff', 'web', 'thing.do', 'thing/1', '{}')`, 1_700_000_000_000_000+i)
		}
		if err := db.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		tr.append(1)
		if c := tr.seal(); c.Size != 4 {
			t.Errorf("sealed %d", c.Size)
		}
		tr.whole()
		if err := db.MigrateTo(ctx, 8); err != nil {
			t.Fatal(err)
		}
		if n := tr.count(`SELECT COUNT(*) FROM audit`); n != 4 {
			t.Errorf("%d records are left", n)
		}
	})
}
