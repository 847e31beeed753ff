// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
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

// take waits for a turn and returns what gives it back.
func (t turns) take(ctx context.Context) (done func(), err error) {
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inTurn reports whether a route waits for its turn before anything else. Those
// that read a body do not, because its sender may take his time.
func (rt route) inTurn() bool {
	return rt.door == Portal && rt.method == http.MethodGet && rt.within == usual
}
