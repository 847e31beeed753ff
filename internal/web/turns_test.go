// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Whoever came first goes on first, never more at a time than there are turns,
// and who gives up leaves nothing behind.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := make(turns, 2)
		var mu sync.Mutex
		var order []int
		running, most := 0, 0
		for i := range 10 {
			go func() {
				time.Sleep(time.Duration(i) * time.Millisecond) // they come one after the other
				ctx := context.Background()
				if i == 5 {
					short, cancel := context.WithTimeout(ctx, time.Millisecond)
					defer cancel()
					ctx = short
				}
				_, done, err := turns.take(ctx, nil)
				if i == 5 {
					if !errors.Is(err, context.DeadlineExceeded) {
						t.Errorf("who gave up was told %v", err)
					}
					return
				}
				if err != nil {
					t.Error(err)
					return
				}
				defer done()
				mu.Lock()
				order = append(order, i)
				running++
				most = max(most, running)
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				running--
				mu.Unlock()
			}()
		}
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if want := []int{0, 1, 2, 3, 4, 6, 7, 8, 9}; !slices.Equal(order, want) || most != 2 || len(turns) != 0 {
			t.Errorf("order %v, %d at a time, %d turns kept", order, most, len(turns))
		}
	})
}

// A turn ends once: when the answer begins, so that a reader who takes it slowly
// keeps nobody waiting, or at the end of a handler that answers nothing.
func TestTurnEndsWithTheFirstByte(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"head": func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotModified) },
		"body": func(w http.ResponseWriter) { _, _ = w.Write([]byte("page")) },
		"both": func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK); _, _ = w.Write([]byte("page")) },
		"none": func(http.ResponseWriter) {}, // then done ends it
	} {
		turns := make(turns, 1)
		rec := httptest.NewRecorder()
		w, done, err := turns.take(t.Context(), rec)
		if err != nil {
			t.Fatal(err)
		}
		w.Header().Set("X", name)
		if len(turns) != 1 {
			t.Errorf("%s: the turn ends before anything is sent", name)
		}
		answer(w)
		if name == "none" {
			done()
		}
		if len(turns) != 0 {
			t.Errorf("%s: the turn goes on", name)
		}
		turns <- struct{}{} // somebody else's
		done()
		if len(turns) != 1 {
			t.Errorf("%s: another's turn is ended", name)
		}
		if rec.Header().Get("X") != name {
			t.Errorf("%s: the answer is not what was sent", name)
		}
	}
}

// Pages wait for their turn; what is sent, what is long and what machines ask
// for does not.
func TestWhoWaits(t *testing.T) {
	waits := map[string]bool{}
	for _, rt := range (&Server{}).table() {
		waits[rt.method+" "+rt.pattern] = rt.inTurn()
	}
	for what, want := range map[string]bool{
		"GET /advisories": true, "GET /advisories/{id}": true, "GET /trends": true,
		"POST /search": false, "POST /check": false, "GET /advisories.csv": false, "GET /audit.csv": false, "GET /blocklists/{format}": false,
	} {
		if got, known := waits[what]; !known || got != want {
			t.Errorf("%s waits: %v (known: %v), want %v", what, got, known, want)
		}
	}
}
