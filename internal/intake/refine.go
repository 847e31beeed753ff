// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"time"
	"unicode/utf8"

	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

// row is what a parser found in one row of a file.
type row struct {
	line       int64
	value      indicator.Value // when it was extracted; else kind and written
	kind       indicator.Kind  // "" when it has to be recognised
	written    string
	seen       time.Time
	category   category.Category
	brand      string
	confidence int
	tlp        tlp.Level
	identity   []string // what the row says, as it says it
}

// batch is what one transaction stores.
type batch struct {
	rows     []intel.Observation
	problems []Problem
	dropped  int64
	Counts         // Rows, Rejected and Repaired of this batch
	bytes    int64 // read of the file when it was full
	last     bool  // the file was read to its end
}

// maxRows bounds the memory for telling equal rows apart.
const maxRows = 20_000_000

// refiner makes observations of rows and hands them on in batches. It runs
// beside the goroutine that stores them.
type refiner struct {
	ctx    context.Context
	out    chan<- *batch
	free   chan *batch // stored, to be filled again
	guard  *guard.Guard
	salt   [32]byte
	org    int64
	narrow bool     // everything is TLP:RED: a contact imports
	base   []string // begins every row's identity
	name   string
	input  *input
	opts   *Options

	now      *batch
	problems int // kept so far
	rows     int64
	times    map[int64]uint32 // how often the file has said each thing
}

func newRefiner(ctx context.Context, to *reading, db *store.DB, g *guard.Guard, org int64, o *Options) *refiner {
	return &refiner{
		ctx: ctx, out: to.batches, free: to.free, guard: g, salt: db.Salt(), org: org, name: to.name, input: to.input, opts: o,
		base:  baseOf(org, o, to.name),
		times: make(map[int64]uint32), now: &batch{},
	}
}

// baseOf begins every row's identity. What was imported for a group may be
// imported for all as well: those are other rows.
func baseOf(org int64, o *Options, name string) []string {
	base := []string{"row", string(binary.AppendVarint(nil, org)), string(o.Format), stem(name)}
	if o.Group != 0 {
		base = append(base, "group", string(binary.AppendVarint(nil, o.Group)))
	}
	return base
}

// add takes a row or rejects it. The error ends the import.
func (r *refiner) add(w row) error {
	v, err := r.normalise(w)
	if err != nil {
		return r.reject(w.line, err)
	}
	if v.Kind == indicator.URL && v.Value != v.Written && !rootOnly(v) && len(indicator.Repaired(v.Written)) > 0 {
		r.now.Repaired++
	}
	o := intel.NewObservation(v, intel.Claim{
		TLP: w.tlp, Org: r.org, Group: r.opts.Group, Category: w.category, Brand: w.brand, Confidence: w.confidence,
	}, w.seen)
	o.Judge(r.guard)
	o.Source, o.ClaimKey, o.Key = r.opts.Source, intel.Key(r.salt, v), r.key(w.identity)
	r.now.rows = append(r.now.rows, o)
	return r.count()
}

// rootOnly reports whether all that a URL lacked is the slash behind its host,
// as many do: that is no repair, and asking costs.
func rootOnly(v indicator.Value) bool {
	return len(v.Value) == len(v.Written)+1 && strings.HasPrefix(v.Value, v.Written)
}

func (r *refiner) normalise(w row) (indicator.Value, error) {
	if w.value.Kind != "" {
		return w.value, nil
	}
	if !utf8.ValidString(w.written) || strings.ContainsRune(w.written, utf8.RuneError) ||
		!utf8.ValidString(w.brand) || strings.ContainsRune(w.brand, utf8.RuneError) {
		return indicator.Value{}, r.badEncoding()
	}
	if strings.IndexByte(w.written, 0) >= 0 || strings.IndexByte(w.brand, 0) >= 0 {
		return indicator.Value{}, fault.New(fault.Invalid, "import.row_null") // PostgreSQL has no text with it
	}
	if utf8.RuneCountInString(w.brand) > maxWord {
		return indicator.Value{}, fault.New(fault.TooLarge, "import.word_long", "length", utf8.RuneCountInString(w.brand), "most", maxWord)
	}
	if w.kind != "" {
		return indicator.Normalise(w.kind, w.written)
	}
	if v, ok := indicator.Recognise(w.written); ok {
		return v, nil
	}
	if strings.Contains(w.written, "/") { // a URL that is broken has a reason to give
		if v, err := indicator.Normalise(indicator.URL, w.written); err != nil {
			return v, err
		}
	}
	return indicator.Value{}, fault.New(fault.Invalid, "import.value_unknown")
}

func (r *refiner) badEncoding() error {
	return fault.New(fault.Invalid, "import.row_encoding", "encoding", r.input.encoding)
}

// key names a row. Only the second and later ones of a kind carry their number,
// so that nearly every row is hashed once.
func (r *refiner) key(identity []string) int64 {
	var stack [16]string
	parts := append(append(stack[:0], r.base...), identity...)
	key := store.KeyWith(r.salt, parts...)
	n := r.times[key]
	r.times[key] = n + 1
	if n == 0 {
		return key
	}
	return store.KeyWith(r.salt, append(parts, "again", string(binary.AppendUvarint(nil, uint64(n))))...)
}

// reject reports a row that is not taken.
func (r *refiner) reject(line int64, err error) error {
	r.now.Rejected++
	r.note(line, err)
	return r.count()
}

// note reports something that costs no row.
func (r *refiner) note(line int64, err error) {
	if r.problems < MaxProblems {
		r.problems++
		r.now.problems = append(r.now.problems, Problem{r.name, line, shown(err)})
	} else {
		r.now.dropped++
	}
}

func (r *refiner) count() error {
	r.now.Rows++
	if r.rows++; r.rows > maxRows {
		return fault.New(fault.TooLarge, "import.rows_many", "most", maxRows)
	}
	if r.now.Rows >= int64(r.opts.Batch) {
		return r.flush()
	}
	return nil
}

func (r *refiner) flush() error {
	if r.now.Rows == 0 && len(r.now.problems) == 0 {
		return nil
	}
	r.now.bytes = r.input.read.Load()
	select {
	case r.out <- r.now:
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
	select {
	case r.now = <-r.free:
		clear(r.now.rows) // lets go of the lines
		*r.now = batch{rows: r.now.rows[:0]}
	default:
		r.now = &batch{}
	}
	return nil
}

// skips reports whether err is the reason of one row, after which reading goes
// on; else it ends the file.
func skips(err error) bool {
	switch fault.Code(err) {
	case lineLong, "import.csv_quote", "import.csv_open_quote":
		return true
	}
	return false
}

// damaged adds to what ends a file early the line at which it happened.
func damaged(err error, line int64) error {
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind == fault.Internal || f.Args["line"] != nil {
		return err
	}
	g := *f
	g.Args = fault.Args{"line": line}
	for name, v := range f.Args {
		g.Args[name] = v
	}
	return &g
}

// stem is the file's name without folders and ".gz".
func stem(name string) string {
	name = name[strings.LastIndexAny(name, `/\`)+1:]
	if len(name) > 3 && strings.EqualFold(name[len(name)-3:], ".gz") {
		name = name[:len(name)-3]
	}
	return name
}
