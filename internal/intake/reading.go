// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"io"

	"teiten/internal/caller"
	"teiten/internal/fault"
)

// reading is a file that is being read on a goroutine of its own, a batch or
// two ahead of what is stored. Of a file that brings advisories only the opening
// is done here.
type reading struct {
	name    string
	content io.Reader
	owned   bool   // content is ours to close
	input   *input // nil if it could not be opened
	err     error  // why not

	stop    context.CancelFunc
	batches chan *batch // closed at the end
	free    chan *batch // stored, to be filled again
	// Known once batches is closed:
	failed  error
	ignored []string
}

// begin opens a file and begins to read it.
func (m *Import) begin(ctx context.Context, o Options, name string, content io.Reader) *reading {
	r := &reading{name: name, content: content}
	r.input, r.err = open(content)
	switch {
	case r.err != nil && o.Format.advisories():
		r.err = unreadJSON(r.err)
	case r.err != nil:
		r.err = damaged(r.err, 1)
	}
	if r.err != nil || o.Format.advisories() {
		return r
	}
	r.batches, r.free = make(chan *batch, 1), make(chan *batch, 2)
	ctx, r.stop = context.WithCancel(ctx)
	refine := newRefiner(ctx, r, m.db, m.guard, m.caller.Org, &o)
	refine.narrow = m.caller.Is(caller.Contact)
	go func() {
		defer close(r.batches)
		defer func() {
			if p := recover(); p != nil {
				r.failed = fault.Wrap(panicked{p}, fault.Internal, "fault.internal")
			}
		}()
		var err error
		switch o.Format {
		case JPCERT:
			err = readJPCERT(r.input, refine)
		case CSV:
			r.ignored, err = readCSV(r.input, refine)
		case Text:
			err = readText(r.input, refine)
		}
		r.failed, refine.now.last = err, err == nil
		if err := refine.flush(); r.failed == nil {
			r.failed = err
		}
	}()
	return r
}

// wait ends a reading, whether it was read to its end or not, and closes its
// file. A nil one is none.
func (r *reading) wait() {
	if r == nil {
		return
	}
	if r.batches != nil {
		r.stop()
		for range r.batches {
		}
	}
	if c, ok := r.content.(io.Closer); ok && r.owned {
		c.Close()
	}
}

// panicked is a panic of a parser as an error for the log.
type panicked struct{ value any }

func (p panicked) Error() string { return "panic in a parser" }
