// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// usual is how long a handler has unless its route says otherwise. A route with
// more time sends something long or waits for somebody.
const usual = 30 * time.Second

// turns lets few pages be made at a time, two for each processor; the others
// wait in the order in which they came. Many at once are made no sooner, and
// then each waits behind the others at each question to the store: database/sql
// gives a free connection to any of those who wait for one.
type turns chan struct{}

// take waits for a turn. It ends when the answer begins, whose reader may take
// his time, or else with done.
func (t turns) take(ctx context.Context, w http.ResponseWriter) (in http.ResponseWriter, done func(), err error) {
	select {
	case t <- struct{}{}:
		done = sync.OnceFunc(func() { <-t })
		return &turn{w, done}, done, nil
	case <-ctx.Done():
		return nil, nil, ctx.Err()
	}
}

// turn gives the turn back before anything is sent.
type turn struct {
	http.ResponseWriter
	done func()
}

func (t *turn) WriteHeader(status int) {
	t.done()
	t.ResponseWriter.WriteHeader(status)
}

func (t *turn) Write(b []byte) (int, error) {
	t.done()
	return t.ResponseWriter.Write(b)
}

// Unwrap is for http.ResponseController.
func (t *turn) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// inTurn reports whether a route waits for its turn before anything else. Those
// that read a body do not, because its sender may take his time.
func (rt route) inTurn() bool {
	return rt.door == Portal && rt.method == http.MethodGet && rt.within == usual
}
