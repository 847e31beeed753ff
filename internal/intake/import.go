// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"io"

	"teiten/internal/audit"
	"teiten/internal/caller"
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

// Files imports files one after the other and tells each of what came of it. An
// error from each ends it. While one file is stored, the next is already read.
func (m *Import) Files(ctx context.Context, names []string, open func(name string) (io.ReadCloser, error), each func(name string, s Summary, err error) error) error {
	o := m.options
	if err := o.check(m.caller); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	begin := func(name string) *reading {
		r, err := open(name)
		if err != nil {
			return &reading{err: err, name: label(name)}
		}
		begun := m.begin(ctx, o, label(name), r)
		begun.owned = true
		return begun
	}
	var next *reading
	for i, name := range names {
		r := next
		if r == nil {
			r = begin(name)
		}
		if next = nil; i+1 < len(names) {
			next = begin(names[i+1])
		}
		var to *run
		if !o.DryRun && r.content != nil {
			to = &run{options: o, name: r.name}
		}
		s, err := m.complete(ctx, o, r, to)
		if err = each(name, s, err); err != nil {
			stop()
			next.wait()
			return err
		}
	}
	return nil
}

// file imports into a run, which is nil for a dry run that nobody watches.
func (m *Import) file(ctx context.Context, o Options, name string, r io.Reader, run *run) (Summary, error) {
	return m.complete(ctx, o, m.begin(ctx, o, name, r), run)
}

// complete stores what is read of a file and closes its record.
func (m *Import) complete(ctx context.Context, o Options, r *reading, run *run) (Summary, error) {
	s := Summary{Files: []FileSummary{{Name: r.name}}}
	f := &s.Files[0]
	err := r.err
	switch {
	case err != nil:
	case o.Format.advisories():
		err = m.documents(ctx, o, r.name, r.input, run, &s)
	default:
		err = m.observations(ctx, o, r, run, &s)
	}
	r.wait()
	f.Counts, f.Ignored = s.Counts, r.ignored
	if r.input != nil {
		f.Encoding = r.input.encoding
	}
	if run != nil {
		if ended := run.end(ctx, m.db, m.caller, &s, err); err == nil {
			err = ended
		}
		f.Run = run.id
	}
	return s, err
}

// observations stores the batches that are read meanwhile. What was read before
// an error is stored.
func (m *Import) observations(ctx context.Context, o Options, r *reading, run *run, s *Summary) error {
	for b := range r.batches {
		out, err := m.store(ctx, o, r.name, b, run, s)
		if err != nil {
			return err
		}
		s.problems(b.problems...)
		s.Dropped += b.dropped
		o.Progress(Progress{File: r.name, Rows: s.Rows, Bytes: b.bytes, TotalBytes: r.input.total, Outcome: out})
		select {
		case r.free <- b:
		default:
		}
	}
	return r.failed
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

// label is a file's name as it is stored and shown: without folders, for they
// may name a person.
func label(name string) string {
	if name = oneLine(stem(name), 200); name == "" {
		return "-"
	}
	return name
}
