// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/store"
	"teiten/internal/trend"
)

// Observation is one row of a source.
type Observation struct {
	Claim             // what the row says of its indicator
	Key        int64  // keyed hash of file, row and occurrence: the same row twice is one
	File       int64  // import_file
	Source     string // jpcert, csv, …
	ObservedAt time.Time
	ClaimKey   int64 // Key of the indicator
}

// Outcome counts what a batch did. Added + Known is the number of rows.
type Outcome struct {
	Added    int // observations that were not there
	Known    int // observations that were there already
	New      int // indicators first heard of by these rows
	Renewed  int // indicators whose last seen or validity moved
	Excluded int // added observations whose indicator the guard keeps out of filters altogether
}

// Add sums outcomes.
func (o *Outcome) Add(p Outcome) {
	o.Added += p.Added
	o.Known += p.Known
	o.New += p.New
	o.Renewed += p.Renewed
	o.Excluded += p.Excluded
}

// Record stores a batch of observations and the claims that follow from them.
// It is idempotent: rows that are there already change nothing, so an import
// that was killed is simply repeated. Rows are
// written in the order of their keys, because neighbours in an index are
// written together.
func Record(ctx context.Context, tx *store.Tx, batch []Observation) (Outcome, error) {
	if len(batch) == 0 {
		return Outcome{}, nil
	}
	rows := inOrder(batch)
	fresh, err := insertObservations(ctx, tx, rows)
	out := Outcome{Added: len(fresh), Known: len(batch) - len(fresh)}
	if err != nil || len(fresh) == 0 {
		return out, err
	}
	days := map[int64]struct{}{}
	for _, o := range fresh {
		days[trend.Day(o.ObservedAt)] = struct{}{}
		if !o.Entry && !o.HostEntry {
			out.Excluded++
		}
	}
	if err := claimsChange(ctx, tx); err != nil {
		return out, err
	}
	if out.New, out.Renewed, err = storeClaims(ctx, tx, claimsOf(fresh)); err != nil {
		return out, err
	}
	return out, trend.MarkDirty(ctx, tx, trend.Observation, slices.Sorted(maps.Keys(days))...)
}

// placed is an observation with its place in the batch.
type placed struct {
	*Observation
	at int
}

// inOrder returns the rows of a batch by key, each key once.
func inOrder(batch []Observation) []placed {
	rows := make([]placed, len(batch))
	for i := range batch {
		rows[i] = placed{&batch[i], i}
	}
	slices.SortFunc(rows, func(a, b placed) int { return cmp.Or(cmp.Compare(a.Key, b.Key), a.at-b.at) })
	return slices.CompactFunc(rows, func(a, b placed) bool { return a.Key == b.Key })
}

// claimID is the primary key of a claim.
type claimID struct {
	key int64
	to  Audience
}

func (a claimID) compare(b claimID) int {
	return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.to.TLP, b.to.TLP), cmp.Compare(a.to.Org, b.to.Org), cmp.Compare(a.to.Group, b.to.Group))
}

func (o *Observation) claimID() claimID { return claimID{o.ClaimKey, o.audience()} }

// keyedClaim is a claim with the key of its indicator.
type keyedClaim struct {
	Claim
	key int64
}

func (c *keyedClaim) id() claimID { return claimID{c.key, c.audience()} }

// claimsOf merges what the rows say about each indicator, by audience, in the order of the claims' primary key. Of what cannot be merged the
// row that came first decides. It puts rows into another order.
func claimsOf(rows []placed) []keyedClaim {
	slices.SortFunc(rows, func(a, b placed) int { return cmp.Or(a.claimID().compare(b.claimID()), a.at-b.at) })
	claims := make([]keyedClaim, 0, len(rows))
	for _, o := range rows {
		if n := len(claims); n > 0 && claims[n-1].id() == o.claimID() {
			merge(&claims[n-1].Claim, o.Claim)
			continue
		}
		claims = append(claims, keyedClaim{o.Claim, o.ClaimKey})
	}
	return claims
}

// merge widens c by a later or earlier claim for the same audience.
func merge(c *Claim, d Claim) {
	if c.FirstSeen.IsZero() || !d.FirstSeen.IsZero() && d.FirstSeen.Before(c.FirstSeen) {
		c.FirstSeen = d.FirstSeen
	}
	if d.LastSeen.After(c.LastSeen) {
		c.LastSeen = d.LastSeen
	}
	if d.ValidUntil.After(c.ValidUntil) {
		c.ValidUntil = d.ValidUntil
	}
	c.Confidence = max(c.Confidence, d.Confidence)
	if c.Brand == "" {
		c.Brand = d.Brand
	}
}

// collided is the fault of two indicators with one key: of 63 bits with a
// secret salt it will not be seen, and is not allowed to pass silently.
func collided(kind indicator.Kind) error {
	return fault.New(fault.Internal, "intel.collision", "kind", string(kind))
}

// NewObservation is an observation of v by an organisation, its validity the
// default of its kind.
func NewObservation(v indicator.Value, c Claim, seen time.Time) Observation {
	c.Value, c.FirstSeen, c.LastSeen, c.ValidUntil = v, seen, seen, ValidUntil(v.Kind, seen)
	if c.Category == "" {
		c.Category = category.MaliciousSite
	}
	return Observation{Claim: c, ObservedAt: seen}
}
