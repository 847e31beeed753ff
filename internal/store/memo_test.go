// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package store_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"teiten/internal/store"
	"teiten/internal/storetest"
)

func TestMemo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		reads := 0
		memo := store.NewMemo[string, int](db, "herbs", "spices")
		get := func(key string) int {
			t.Helper()
			n, err := memo.Get(key, func() (int, error) { reads++; return reads, nil })
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		want := func(what string, got, want int) {
			t.Helper()
			if got != want {
				t.Errorf("%s: read %d was returned, want %d", what, got, want)
			}
		}
		keep := func(fn func(*store.Tx) error) error { return db.Keep(ctx, fn) }

		want("the first time", get("a"), 1)
		want("again", get("a"), 1)
		want("another key", get("b"), 2)
		if err := keep(func(tx *store.Tx) error { tx.Changed("fruit"); return nil }); err != nil {
			t.Fatal(err)
		}
		want("after a change of something else", get("a"), 1)
		if err := keep(func(tx *store.Tx) error {
			tx.Changed("herbs")
			want("before the commit", get("a"), 1)
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		want("after the commit", get("a"), 3)
		failed := errors.New("no")
		if err := keep(func(tx *store.Tx) error { tx.Changed("herbs"); return failed }); !errors.Is(err, failed) {
			t.Fatal(err)
		}
		want("after a rollback", get("a"), 3)
		if err := keep(func(tx *store.Tx) error { return tx.Bump(ctx, "spices") }); err != nil {
			t.Fatal(err)
		}
		want("after a bump of the other topic", get("a"), 4)
		if err := db.Batch(ctx, func(batch context.Context) error {
			return db.Keep(batch, func(tx *store.Tx) error { tx.Changed("herbs"); return nil })
		}); err != nil {
			t.Fatal(err)
		}
		want("after a batch", get("a"), 5)

		if _, err := memo.Get("c", func() (int, error) { return 0, failed }); !errors.Is(err, failed) {
			t.Error(err)
		}
		want("after an error", get("c"), 6)
		for i := range 10_000 { // more than it keeps
			if _, err := memo.Get(string(rune('一'+i)), func() (int, error) { return 0, nil }); err != nil {
				t.Fatal(err)
			}
		}
		want("after many others", get("a"), 7)
	})
}

// A commit while somebody reads makes what was read too old to be remembered,
// and those who ask at the same time share one read.
func TestMemoAtTheSameTime(t *testing.T) {
	db := storetest.SQLite(t)
	memo := store.NewMemo[int, int](db, "herbs")
	var reads atomic.Int64
	slow := func() (int, error) {
		n := reads.Add(1)
		time.Sleep(20 * time.Millisecond)
		return int(n), nil
	}
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if n, err := memo.Get(1, slow); n != 1 || err != nil {
				t.Error(n, err)
			}
		})
	}
	wg.Wait()
	n, err := memo.Get(2, func() (int, error) {
		return 1, db.Keep(context.Background(), func(tx *store.Tx) error { tx.Changed("herbs"); return nil })
	})
	if n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if n, _ := memo.Get(2, func() (int, error) { return 2, nil }); n != 2 {
		t.Error("what was read before the commit is remembered after it")
	}
}

// What another process changes is seen after 15 seconds.
func TestMemoEnds(t *testing.T) {
	db := storetest.SQLite(t)
	synctest.Test(t, func(t *testing.T) {
		memo := store.NewMemo[int, int](db, "herbs")
		read := func(n int) int {
			n, _ = memo.Get(0, func() (int, error) { return n, nil })
			return n
		}
		first := read(1)
		time.Sleep(14 * time.Second)
		second := read(2)
		time.Sleep(time.Second)
		if third := read(3); first != 1 || second != 1 || third != 3 {
			t.Errorf("%d, %d, %d", first, second, third)
		}
	})
}
