// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

// State is where an import stands.
type State string

const (
	Running State = "running" // or waiting for a worker
	Done    State = "done"
	Failed  State = "failed" // the file was not read to its end
)

// Run is the record of an import of one file.
type Run struct {
	ID         int64
	Format     Format
	Org        int64
	Actor      string
	TLP        tlp.Level
	Group      int64  // see Options
	GroupName  string // "" if the reader's organisation is not in the group, or not any more
	State      State
	File       string
	DryRun     bool
	StartedAt  time.Time
	FinishedAt time.Time
	Counts           // New and Repaired are not kept
	Err        error // a fault, when it failed
}

// run is a record being written; a nil one is written nowhere. It is begun in
// the transaction that first needs it and closed in that of the last batch, so
// that a small file is one transaction in all.
type run struct {
	options Options
	name    string
	id      int64 // 0 until begun
	// before is what an earlier attempt at the same file had done when it was
	// killed. Rows that it added are known now, and are counted as added.
	before Counts

	kept, closed, closing bool // kept: id is committed
}

func (r *run) object() string { return "import/" + strconv.FormatInt(r.id, 10) }

// total is a sum of this attempt together with what the earlier one added.
func (r *run) total(sum Counts) Counts {
	again := min(sum.Known, r.before.Added)
	sum.Added, sum.Known = sum.Added+r.before.Added, sum.Known-again
	sum.Renewed, sum.Excluded = sum.Renewed+r.before.Renewed, sum.Excluded+r.before.Excluded
	return sum
}

// save notes the sums in the transaction of a batch, so that they are exact
// whenever the program dies.
func (r *run) save(ctx context.Context, tx *store.Tx, sum Counts) (err error) {
	if r.id == 0 {
		// One of the same file that says it is running was killed: this one takes
		// its place.
		if err := interrupted(ctx, tx, r.options.Format, r.name); err != nil {
			return err
		}
		if r.id, err = insertRun(ctx, tx, r.options, r.name, ""); err != nil {
			return err
		}
		if err := audit.Append(ctx, tx, "import.begin", r.object(), "format", string(r.options.Format), "tlp", r.options.TLP.String(), "group", r.options.Group); err != nil {
			return err
		}
	}
	return updateRun(ctx, tx, r.id, r.total(sum))
}

// settle is told how the transaction of a save ended.
func (r *run) settle(err error) {
	switch {
	case err == nil:
		r.kept, r.closed = true, r.closed || r.closing
	case !r.kept:
		r.id = 0
	}
	r.closing = false
}

// keep is save for a dry run that is watched.
func (r *run) keep(ctx context.Context, db *store.DB, sum Counts) error {
	if r == nil {
		return nil
	}
	return db.Keep(ctx, func(tx *store.Tx) error { return r.save(ctx, tx, sum) })
}

// finish closes the record in a transaction.
func (r *run) finish(ctx context.Context, tx *store.Tx, s *Summary, failed error) error {
	r.closing = true
	state, reason := Done, ""
	if failed != nil {
		state, reason = Failed, encodeFault(failed)
	}
	if err := closeRun(ctx, tx, r.id, state, reason, s.Problems); err != nil {
		return err
	}
	return audit.Append(ctx, tx, "import.end", r.object(), "state", string(state), "rows", s.Rows, "added", s.Added, "rejected", s.Rejected)
}

// end closes the record if the last batch did not. An import that was
// interrupted stays open.
func (r *run) end(ctx context.Context, db *store.DB, c caller.Caller, s *Summary, failed error) error {
	if ctx.Err() != nil || r.closed {
		return ctx.Err()
	}
	err := db.Write(ctx, c, func(tx *store.Tx) error {
		if err := r.save(ctx, tx, s.Counts); err != nil {
			return err
		}
		return r.finish(ctx, tx, s, failed)
	})
	r.settle(err)
	return err
}

// encodeFault is a fault as it is stored: the code and what fills its sentence.
func encodeFault(err error) string {
	f := shown(err)
	text, _ := json.Marshal(stored{f.Code, f.Args, f.Kind})
	return string(text)
}

type stored struct {
	Code string     `json:"code"`
	Args fault.Args `json:"args,omitempty"`
	Kind fault.Kind `json:"kind,omitempty"`
}

// Job reads an uploaded file in the background.
const Job = "import.run"

type jobArgs struct {
	Run      int64             `json:"run"`
	Category category.Category `json:"category,omitempty"`
	Brand    string            `json:"brand,omitempty"`
	Source   string            `json:"source,omitempty"`
	Batch    int               `json:"batch,omitempty"`
}

// Enqueue registers the import of a file that lies in the blob store and returns
// the id of its run. A worker imports it; ReadRun shows how far it is.
func Enqueue(ctx context.Context, db *store.DB, c caller.Caller, o Options, name, blob string) (id int64, err error) {
	if err := o.check(c); err != nil {
		return 0, err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		if id, err = insertRun(ctx, tx, o, label(name), blob); err != nil {
			return err
		}
		if err := job.Enqueue(ctx, tx, Job, jobArgs{id, o.Category, o.Brand, o.Source, o.Batch}); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "import.begin", (&run{id: id}).object(), "format", string(o.Format), "tlp", o.TLP.String(), "group", o.Group, "dry_run", o.DryRun)
	})
	return id, err
}

// Worker does Job: open returns the content of a blob, judge the guard of the
// moment. An import whose process died goes on where it was.
func Worker(db *store.DB, judge func(context.Context) (*guard.Guard, error), open func(ctx context.Context, blob string) (io.ReadCloser, error)) job.Worker {
	return func(ctx context.Context, j job.Job) error {
		var args jobArgs
		if err := json.Unmarshal(j.Args, &args); err != nil {
			return err
		}
		w, err := loadWork(ctx, db, args.Run)
		if err != nil || w.state == Done {
			return err
		}
		c, err := member.Caller(ctx, db, w.account, "web")
		if err != nil {
			return fmt.Errorf("intake: run %d: %w", args.Run, err)
		}
		o := Options{Format: w.format, TLP: w.tlp, Group: w.group, DryRun: w.dryRun, Category: args.Category, Brand: args.Brand, Source: args.Source, Batch: args.Batch}
		run := &run{options: o, name: w.file, id: args.Run, before: w.before, kept: true}
		if o.DryRun {
			run.before = Counts{}
		}
		s := Summary{}
		err = o.check(c) // the account's role may have changed
		if err == nil {
			err = advisory.MayShare(ctx, db, c, o.Group)
		}
		if err != nil {
			return run.end(ctx, db, c, &s, err)
		}
		g, err := judge(ctx)
		if err != nil {
			return err
		}
		content, err := open(ctx, w.blob)
		if err != nil {
			return err
		}
		defer content.Close()
		_, err = New(db, c, g, o).file(ctx, o, w.file, content, run)
		var f *fault.Error
		if errors.As(err, &f) && f.Kind != fault.Internal && f.Kind != fault.Unavailable && ctx.Err() == nil {
			err = nil // it is the file's fault, which the run tells; trying again would not help
		}
		if err == nil && !o.DryRun {
			err = Settle(ctx, db, judge, g)
		}
		return err
	}
}

// mayRead says whose runs a caller may see: those of the own organisation, and
// all of them for the ISAC's reviewers.
func mayRead(c caller.Caller) error {
	return c.Need(caller.Operator, caller.Analyst, caller.Contact)
}

// Runs returns records of imports, the latest first: those before the given id
// if it is not 0. limit is 1 to 1,000.
func Runs(ctx context.Context, q store.Queryer, c caller.Caller, before int64, limit int) ([]Run, error) {
	if err := mayRead(c); err != nil {
		return nil, err
	}
	if limit < 1 || limit > 1000 {
		return nil, fault.New(fault.Invalid, "fault.limit", "most", 1000)
	}
	return listRuns(ctx, q, c, before, limit)
}

// ReadRun returns a record with its problems, in the order of their lines.
func ReadRun(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (Run, []Problem, error) {
	if err := mayRead(c); err != nil {
		return Run{}, nil, err
	}
	return readRun(ctx, q, c, id)
}
