// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"teiten/internal/store"
	"teiten/internal/storetest"
)

var (
	ctx   = context.Background()
	quiet = slog.New(slog.DiscardHandler)
)

func add(t *testing.T, db *store.DB, n int, options ...Option) {
	t.Helper()
	err := db.Keep(ctx, func(tx *store.Tx) error {
		for i := range n {
			if err := Enqueue(ctx, tx, "work", i, options...); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func counts(t *testing.T, db *store.DB) map[string]int64 {
	t.Helper()
	all, err := Counts(ctx, db)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestEachJobRunsOnceAmongManyWorkers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, 60)
		var mu sync.Mutex
		seen := map[string]int{}
		var wg sync.WaitGroup
		for range 4 {
			r := NewRunner(db, quiet, map[string]Worker{"work": func(ctx context.Context, j Job) error {
				mu.Lock()
				defer mu.Unlock()
				seen[string(j.Args)]++
				return nil
			}})
			wg.Go(func() {
				for counts(t, db)["available"] > 0 {
					if _, err := r.Drain(ctx); err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
		if len(seen) != 60 {
			t.Errorf("%d of 60 jobs ran", len(seen))
		}
		for args, n := range seen {
			if n != 1 {
				t.Errorf("job %s ran %d times", args, n)
			}
		}
	})
}

func TestRolledBackCauseLeavesNoJob(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		db.Keep(ctx, func(tx *store.Tx) error {
			Enqueue(ctx, tx, "work", 1)
			return errors.New("roll back")
		})
		if c := counts(t, db); len(c) != 0 {
			t.Errorf("jobs: %v", c)
		}
	})
}

func TestUniqueWaitsOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, 5, Unique("same"))
		var ran atomic.Int64
		r := NewRunner(db, quiet, map[string]Worker{"work": func(ctx context.Context, j Job) error {
			if ran.Add(1) == 1 {
				add(t, db, 3, Unique("same")) // while one runs, one more may wait
			}
			return nil
		}})
		if n, err := r.Drain(ctx); err != nil || n != 2 {
			t.Errorf("%d jobs ran, %v; want 2", n, err)
		}
	})
}

func TestFailureIsRetriedLaterAndKeptWhenDead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, 1)
		r := NewRunner(db, quiet, map[string]Worker{"work": func(context.Context, Job) error { return errors.New("no luck") }})
		for attempt := 1; attempt <= maxAttempts; attempt++ {
			if n, err := r.Drain(ctx); err != nil || n != 1 {
				t.Fatalf("attempt %d: %d ran, %v", attempt, n, err)
			}
			if n, _ := r.Drain(ctx); n != 0 {
				t.Fatalf("attempt %d: tried again without a pause", attempt)
			}
			hurry(t, db)
		}
		var state, reason string
		if err := db.QueryRow(ctx, `SELECT state, last_error FROM job`).Scan(&state, &reason); err != nil || state != "dead" || reason != "no luck" {
			t.Errorf("state %q, reason %q, %v", state, reason, err)
		}
	})
}

func TestDeadWorkersJobIsTakenOverAndItsResultRefused(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, 1)
		var ran int
		var r *Runner
		r = NewRunner(db, quiet, map[string]Worker{"work": func(ctx context.Context, j Job) error {
			ran++
			if ran == 1 { // as if this process had stopped for longer than the lease
				expire(t, db)
				if n, err := r.Drain(context.Background()); err != nil || n != 1 {
					t.Errorf("the expired job was not taken over: %d, %v", n, err)
				}
				return errors.New("late result")
			}
			return nil
		}})
		if _, err := r.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		if c := counts(t, db); c["done"] != 1 || len(c) != 1 {
			t.Errorf("states %v: the late result was accepted", c)
		}
	})
}

func TestRunStopsWithItsContext(t *testing.T) {
	db := storetest.SQLite(t)
	var done atomic.Int64
	r := NewRunner(db, quiet, map[string]Worker{"work": func(context.Context, Job) error { done.Add(1); return nil }})
	running, stop := context.WithCancel(ctx)
	finished := make(chan struct{})
	go func() { r.Run(running, 2); close(finished) }()
	add(t, db, 10)
	r.Wake()
	for deadline := time.Now().Add(20 * time.Second); done.Load() < 10 && time.Now().Before(deadline); {
		time.Sleep(5 * time.Millisecond)
	}
	stop()
	<-finished
	if done.Load() != 10 || counts(t, db)["done"] != 10 {
		t.Errorf("%d done, states %v", done.Load(), counts(t, db))
	}
}

// A stopping program gives back what it holds, however often it stops.
func TestInterruptionIsNoFailure(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, 1, Unique("same"))
		for range maxAttempts + 2 {
			running, stop := context.WithCancel(ctx)
			r := NewRunner(db, quiet, map[string]Worker{"work": func(ctx context.Context, _ Job) error {
				stop()
				<-ctx.Done()
				return ctx.Err()
			}})
			if _, err := r.step(running); err != nil {
				t.Fatal(err)
			}
		}
		var attempt int
		r := NewRunner(db, quiet, map[string]Worker{"work": func(_ context.Context, j Job) error { attempt = j.Attempt; return nil }})
		if n, err := r.Drain(ctx); err != nil || n != 1 || attempt != 1 {
			t.Errorf("%d jobs ran, at attempt %d, %v; states %v", n, attempt, err, counts(t, db))
		}
	})
}

// A job that takes its process with it every time is given up, not run for ever.
func TestDeadlyJobIsGivenUp(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, 1)
		ran := 0
		for range maxAttempts {
			r := NewRunner(db, quiet, nil)
			if j, err := r.claim(ctx); err != nil || j == nil { // and never heard of again
				t.Fatal(j, err)
			}
			expire(t, db)
		}
		r := NewRunner(db, quiet, map[string]Worker{"work": func(context.Context, Job) error { ran++; return nil }})
		if _, err := r.Drain(ctx); err != nil {
			t.Fatal(err)
		}
		if c := counts(t, db); ran != 0 || c["dead"] != 1 {
			t.Errorf("ran %d times, states %v", ran, c)
		}
	})
}

func TestPanicIsAFailure(t *testing.T) {
	db := storetest.SQLite(t)
	add(t, db, 1)
	r := NewRunner(db, quiet, map[string]Worker{"work": func(context.Context, Job) error { panic("oh") }})
	if n, err := r.Drain(ctx); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	if c := counts(t, db); c["available"] != 1 {
		t.Errorf("states %v", c)
	}
}

func hurry(t *testing.T, db *store.DB) {
	storetest.Exec(t, db, `UPDATE job SET run_at = 1 WHERE state = 'available'`)
}
func expire(t *testing.T, db *store.DB) { storetest.Exec(t, db, `UPDATE job SET lease_until = 1`) }

type hopeless struct{}

func (hopeless) Error() string   { return "never" }
func (hopeless) Permanent() bool { return true }

func TestPermanentFailureIsNotTriedAgain(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, 1)
		r := NewRunner(db, quiet, map[string]Worker{"work": func(context.Context, Job) error { return fmt.Errorf("work: %w", hopeless{}) }})
		if n, err := r.Drain(ctx); err != nil || n != 1 {
			t.Fatalf("%d ran, %v", n, err)
		}
		if c := counts(t, db); c["dead"] != 1 || len(c) != 1 {
			t.Errorf("states %v", c)
		}
	})
}
