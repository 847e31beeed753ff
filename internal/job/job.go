// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package job runs work in the background. A job is written in the same
// transaction as what caused it, so it is there if and only if the cause is.
// A worker leases it; a result is accepted only with the current lease; what
// fails is tried again with growing pauses and kept when it is given up.
package job

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"teiten/internal/fault"
	"teiten/internal/store"
)

const (
	lease       = 2 * time.Minute
	maxAttempts = 8
	firstPause  = 5 * time.Second
	maxPause    = time.Hour
)

// Job is one piece of work as a worker receives it.
type Job struct {
	ID      int64
	Kind    string
	Args    json.RawMessage
	Attempt int // 1 for the first
	token   string
}

// Worker does jobs of one kind. The context ends when the lease is lost or the
// program stops. Work may be done twice when a process dies: a worker must
// come to the same end state. An error with a method Permanent() bool that
// returns true says that trying again cannot help: the job is given up at once.
type Worker func(ctx context.Context, j Job) error

// Option changes how a job is enqueued.
type Option func(*row)

type row struct {
	unique string
	runAt  time.Time
}

// Unique makes a job one of its kind: while one with the same key waits,
// another is not added. One that already runs does not count, because it may
// have read before the present change.
func Unique(key string) Option { return func(r *row) { r.unique = key } }

// At delays a job.
func At(t time.Time) Option { return func(r *row) { r.runAt = t } }

// Enqueue adds a job in the transaction of its cause.
func Enqueue(ctx context.Context, tx *store.Tx, kind string, args any, options ...Option) error {
	text, err := json.Marshal(args)
	if err != nil {
		return fmt.Errorf("job: %s: %w", kind, err)
	}
	r := row{runAt: tx.Now}
	for _, o := range options {
		o(&r)
	}
	if r.unique != "" {
		r.unique = kind + " " + r.unique
	}
	_, err = tx.Exec(ctx, `INSERT INTO job (kind, args, unique_key, state, run_at, attempts, lease_until, lease_token, last_error, created_at, finished_at)
		VALUES ($1, $2, $3, 'available', $4, 0, 0, '', '', $5, 0)
		ON CONFLICT (unique_key) WHERE state = 'available' AND unique_key <> '' DO UPDATE SET unique_key = excluded.unique_key`,
		kind, string(text), r.unique, store.Micros(r.runAt), store.Micros(tx.Now))
	if err != nil {
		return fmt.Errorf("job: enqueue %s: %w", kind, err)
	}
	return nil
}

// Runner leases jobs and gives them to workers.
type Runner struct {
	db      *store.DB
	log     *slog.Logger
	workers map[string]Worker
	wake    chan struct{}
	Poll    time.Duration // how often to look for jobs that other processes added
}

// NewRunner returns a runner for the workers, by kind.
func NewRunner(db *store.DB, log *slog.Logger, workers map[string]Worker) *Runner {
	return &Runner{db: db, log: log, workers: workers, wake: make(chan struct{}, 1), Poll: time.Second}
}

// Wake makes an idle runner look at once instead of at the next poll.
func (r *Runner) Wake() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run works with n goroutines until the context ends, and returns when the
// jobs in hand have returned.
func (r *Runner) Run(ctx context.Context, n int) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(func() {
			for ctx.Err() == nil {
				done, err := r.step(ctx)
				if err != nil && ctx.Err() == nil {
					r.log.Error("jobs", "error", err)
				}
				if done && err == nil {
					continue
				}
				select {
				case <-ctx.Done():
				case <-r.wake:
				case <-time.After(r.Poll):
				}
			}
		})
	}
	wg.Wait()
}

// Drain works until no job is due and returns how many were done. Commands and
// tests use it; jobs delayed into the future are left.
func (r *Runner) Drain(ctx context.Context) (n int, err error) {
	for {
		done, err := r.step(ctx)
		if err != nil || !done {
			return n, err
		}
		n++
	}
}

// step leases and runs one job; false when none is due.
func (r *Runner) step(ctx context.Context) (bool, error) {
	j, err := r.claim(ctx)
	if err != nil || j == nil {
		return false, err
	}
	work := r.workers[j.Kind]
	if work == nil {
		return true, r.finish(ctx, j, fmt.Errorf("no worker for kind %q", j.Kind))
	}
	if j.Attempt > maxAttempts { // it takes the whole program with it
		return true, r.finish(ctx, j, errors.New("its process died at every attempt"))
	}
	running, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { r.renew(running, stop, j) })
	err = run(running, work, *j)
	stop()
	wg.Wait()
	// A stopping program still writes down what its workers finished.
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if err != nil && ctx.Err() != nil {
		return true, r.release(ending, j)
	}
	return true, r.finish(ending, j, err)
}

func run(ctx context.Context, work Worker, j Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return work(ctx, j)
}

func (r *Runner) claim(ctx context.Context) (j *Job, err error) {
	token := rand.Text()
	now := time.Now()
	// Looking first keeps an idle program from writing.
	var due int
	err = r.db.QueryRow(ctx, `SELECT COUNT(*) FROM (SELECT 1 FROM job WHERE `+dueRows+` LIMIT 1) AS due`,
		store.Micros(now)).Scan(&due)
	if err != nil || due == 0 {
		return nil, err
	}
	err = r.db.Keep(ctx, func(tx *store.Tx) error {
		var found Job
		var args string
		skip := tx.Engine().Skip()
		// Two selections, each in the order of the index: one for both would sort
		// the whole queue for each job.
		err := tx.QueryRow(ctx, `UPDATE job SET state = 'running', attempts = attempts + 1, lease_until = $2, lease_token = $3
			WHERE id = COALESCE(
				(SELECT id FROM job WHERE state = 'running' AND lease_until <= $1 ORDER BY lease_until LIMIT 1`+skip+`),
				(SELECT id FROM job WHERE state = 'available' AND run_at <= $1 ORDER BY run_at, id LIMIT 1`+skip+`))
			RETURNING id, kind, args, attempts`,
			store.Micros(now), store.Micros(now.Add(lease)), token).Scan(&found.ID, &found.Kind, &args, &found.Attempt)
		if err != nil {
			return store.NotFound(err)
		}
		found.Args, found.token = json.RawMessage(args), token
		j = &found
		return nil
	})
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	return j, err
}

// dueRows are the jobs to run now ($1), among them those whose worker died.
const dueRows = `(state = 'available' AND run_at <= $1 OR state = 'running' AND lease_until <= $1)`

func (r *Runner) renew(ctx context.Context, lost context.CancelFunc, j *Job) {
	tick := time.NewTicker(lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var n int64
		err := r.db.Keep(ctx, func(tx *store.Tx) (err error) {
			n, err = tx.Exec(ctx, `UPDATE job SET lease_until = $1 WHERE id = $2 AND lease_token = $3`,
				store.Micros(time.Now().Add(lease)), j.ID, j.token)
			return err
		})
		if err == nil && n == 0 {
			lost()
			return
		}
	}
}

func (r *Runner) finish(ctx context.Context, j *Job, failed error) error {
	return r.db.Keep(ctx, func(tx *store.Tx) error {
		now := store.Micros(tx.Now)
		var n int64
		var err error
		switch {
		case failed == nil:
			n, err = tx.Exec(ctx, `UPDATE job SET state = 'done', finished_at = $1, lease_token = '', last_error = ''
				WHERE id = $2 AND lease_token = $3`, now, j.ID, j.token)
		case j.Attempt >= maxAttempts || r.workers[j.Kind] == nil || permanent(failed):
			r.log.Error("job given up", "kind", j.Kind, "id", j.ID, "attempt", j.Attempt, "error", failed)
			n, err = tx.Exec(ctx, `UPDATE job SET state = 'dead', finished_at = $1, lease_token = '', last_error = $4
				WHERE id = $2 AND lease_token = $3`, now, j.ID, j.token, failed.Error())
		default:
			if !errors.Is(failed, context.Canceled) {
				r.log.Warn("job failed, will be tried again", "kind", j.Kind, "id", j.ID, "attempt", j.Attempt, "error", failed)
			}
			n, err = r.retry(ctx, tx, j, failed)
		}
		if err == nil && n == 0 {
			r.log.Warn("job result refused: the lease was lost", "kind", j.Kind, "id", j.ID)
		}
		return err
	})
}

func permanent(err error) bool {
	var p interface{ Permanent() bool }
	return errors.As(err, &p) && p.Permanent()
}

// release gives a job back that a stopping program interrupted. That is no
// failure of the job: it is due at once and the attempt does not count.
func (r *Runner) release(ctx context.Context, j *Job) error {
	return r.db.Keep(ctx, func(tx *store.Tx) error {
		if n, err := r.superseded(ctx, tx, j, context.Canceled); err != nil || n > 0 {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE job SET state = 'available', attempts = attempts - 1, run_at = $1, lease_token = '', lease_until = 0
			WHERE id = $2 AND lease_token = $3`, store.Micros(tx.Now), j.ID, j.token)
		return err
	})
}

// retry makes a failed job available again, later each time.
func (r *Runner) retry(ctx context.Context, tx *store.Tx, j *Job, failed error) (int64, error) {
	pause := min(firstPause<<(j.Attempt-1), maxPause)
	n, err := r.superseded(ctx, tx, j, failed)
	if err != nil || n > 0 {
		return n, err
	}
	return tx.Exec(ctx, `UPDATE job SET state = 'available', run_at = $1, lease_token = '', lease_until = 0, last_error = $4
		WHERE id = $2 AND lease_token = $3`, store.Micros(tx.Now.Add(pause)), j.ID, j.token, failed.Error())
}

// superseded ends a job if one with its unique key waits already: that one will
// do the work.
func (r *Runner) superseded(ctx context.Context, tx *store.Tx, j *Job, failed error) (int64, error) {
	return tx.Exec(ctx, `UPDATE job SET state = 'done', finished_at = $1, lease_token = '', last_error = $4
		WHERE id = $2 AND lease_token = $3 AND unique_key <> '' AND EXISTS
			(SELECT 1 FROM job AS o WHERE o.unique_key = job.unique_key AND o.state = 'available')`,
		store.Micros(tx.Now), j.ID, j.token, failed.Error())
}

// Counts are the jobs by state, for doctor and Home.
func Counts(ctx context.Context, q store.Queryer) (map[string]int64, error) {
	rows, err := q.Query(ctx, `SELECT state, COUNT(*) FROM job GROUP BY state`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]int64{}
	for rows.Next() {
		var state string
		var n int64
		if err := rows.Scan(&state, &n); err != nil {
			return nil, err
		}
		all[state] = n
	}
	return all, rows.Err()
}

// Sweep removes jobs that were done before t.
func Sweep(ctx context.Context, db *store.DB, t time.Time) (n int64, err error) {
	err = db.Keep(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.Exec(ctx, `DELETE FROM job WHERE state = 'done' AND finished_at < $1`, store.Micros(t))
		return err
	})
	return n, err
}
