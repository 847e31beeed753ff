// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"io"
	"sync"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/intel"
	"teiten/internal/store"
)

// File imports one file. Its name is what rows are identified by (see the
// package comment) and what problems and the register of imports show.
//
// An error means that the file was not read to its end: it is damaged, too
// large, or not of this format; the summary then says what was taken before,
// and importing it again adds the rest. Rows that were rejected are no error.
// Callers need to be analyst or operator; a security contact imports CSV and
// text for the own institution, at TLP:RED.
//
// When observations were added, the counts of their days are made anew by the
// job trend.RefreshJob; a program without workers calls trend.Refresh.
func File(ctx context.Context, db *store.DB, c caller.Caller, g *guard.Guard, o Options, name string, r io.Reader) (Summary, error) {
	return New(db, c, g, o).File(ctx, name, r)
}

// Import reads several files with the same options. A dry run of them counts as
// if each had been stored before the next.
type Import struct {
	db       *store.DB
	caller   caller.Caller
	guard    *guard.Guard
	options  Options
	preview  *intel.Preview
	foreseen map[string]bool // advisories that a dry run has added already
}

// New prepares an import; what is wrong with the options File says.
func New(db *store.DB, c caller.Caller, g *guard.Guard, o Options) *Import {
	return &Import{db: db, caller: c, guard: g, options: o, preview: intel.NewPreview(c.Org), foreseen: map[string]bool{}}
}

// File imports one file.
func (m *Import) File(ctx context.Context, name string, r io.Reader) (Summary, error) {
	o := m.options
	if err := o.check(m.caller); err != nil {
		return Summary{}, err
	}
	name = label(name)
	if o.DryRun {
		return m.file(ctx, o, name, r, nil)
	}
	return m.file(ctx, o, name, r, &run{options: o, name: name})
}

// file imports into a run, which is nil for a dry run that nobody watches.
func (m *Import) file(ctx context.Context, o Options, name string, r io.Reader, run *run) (Summary, error) {
	s := Summary{Files: []FileSummary{{Name: name}}}
	f := &s.Files[0]
	err := m.read(ctx, o, name, r, run, &s)
	f.Counts = s.Counts
	if run != nil {
		if ended := run.end(ctx, m.db, m.caller, &s, err); err == nil {
			err = ended
		}
		f.Run = run.id
	}
	return s, err
}

func (m *Import) read(ctx context.Context, o Options, name string, r io.Reader, run *run, s *Summary) error {
	in, err := open(r)
	if err != nil && o.Format.advisories() {
		return unreadJSON(err)
	}
	if err != nil {
		return damaged(err, 1)
	}
	s.Files[0].Encoding = in.encoding
	switch o.Format {
	case KEV, CSAF:
		return m.documents(ctx, o, name, in, run, s)
	}
	return m.observations(ctx, o, name, in, run, s)
}

// observations runs reading and storing side by side. What was read before an
// error is stored.
func (m *Import) observations(ctx context.Context, o Options, name string, in *input, run *run, s *Summary) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	batches := make(chan *batch, 1)
	r := newRefiner(ctx, batches, m.db, m.guard, m.caller.Org, &o, name, in)
	r.narrow = m.caller.Is(caller.Contact)
	var failed error
	var wg sync.WaitGroup
	wg.Go(func() {
		defer close(batches)
		defer func() {
			if p := recover(); p != nil {
				failed = fault.Wrap(panicked{p}, fault.Internal, "fault.internal")
			}
		}()
		var err error
		switch o.Format {
		case JPCERT:
			err = readJPCERT(in, r)
		case CSV:
			s.Files[0].Ignored, err = readCSV(in, r)
		case Text:
			err = readText(in, r)
		}
		failed, r.now.last = err, err == nil
		if err := r.flush(); failed == nil {
			failed = err
		}
	})
	var storing error
	for b := range batches {
		if storing != nil {
			continue // drained, so that the reader ends
		}
		var out intel.Outcome
		if out, storing = m.store(ctx, o, name, b, run, s); storing != nil {
			stop()
			continue
		}
		s.problems(b.problems...)
		s.Dropped += b.dropped
		o.Progress(Progress{File: name, Rows: s.Rows, Bytes: b.bytes, TotalBytes: in.total, Outcome: out})
		select {
		case r.free <- b:
		default:
		}
	}
	wg.Wait()
	if storing != nil {
		return storing
	}
	return failed
}

// store stores a batch, or looks what storing it would do, and returns the sums
// so far.
func (m *Import) store(ctx context.Context, o Options, name string, b *batch, run *run, s *Summary) (intel.Outcome, error) {
	var out intel.Outcome
	var err error
	sum := s.Counts
	if o.DryRun {
		if out, err = m.preview.Look(ctx, m.db, b.rows); err == nil {
			sum.Add(b.with(out))
			err = run.keep(ctx, m.db, sum)
		}
	} else {
		err = m.db.Write(ctx, m.caller, func(tx *store.Tx) error {
			file, err := fileID(ctx, tx, o.Format, stem(name))
			if err != nil {
				return err
			}
			for i := range b.rows {
				b.rows[i].File = file
			}
			if out, err = intel.Record(ctx, tx, b.rows); err != nil {
				return err
			}
			sum = s.Counts
			sum.Add(b.with(out))
			if err := run.save(ctx, tx, sum); err != nil {
				return err
			}
			if err := audit.Append(ctx, tx, "import.batch", run.object(), "rows", b.Rows, "added", out.Added, "rejected", b.Rejected, "tlp", o.TLP.String()); err != nil || !b.last {
				return err
			}
			whole := Summary{Counts: sum, Problems: append(s.Problems[:len(s.Problems):len(s.Problems)], b.problems...)}
			return run.finish(ctx, tx, &whole, nil)
		})
		run.settle(err)
	}
	if err != nil {
		return out, err
	}
	s.Counts = sum
	return intel.Outcome{Added: int(sum.Added), Known: int(sum.Known), New: int(sum.New), Renewed: int(sum.Renewed), Excluded: int(sum.Excluded)}, nil
}

// with adds to what reading a batch counted what storing it did.
func (b *batch) with(out intel.Outcome) Counts {
	c := b.Counts
	c.Added, c.Known, c.New = int64(out.Added), int64(out.Known), int64(out.New)
	c.Renewed, c.Excluded = int64(out.Renewed), int64(out.Excluded)
	return c
}

// panicked is a panic of a parser as an error for the log.
type panicked struct{ value any }

func (p panicked) Error() string { return "panic in a parser" }

// label is a file's name as it is stored and shown: without folders, for they
// may name a person.
func label(name string) string {
	if name = oneLine(stem(name), 200); name == "" {
		return "-"
	}
	return name
}
