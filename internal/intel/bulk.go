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
// that was killed is simply repeated. The batch is sorted in place, because
// neighbours in an index are written together.
func Record(ctx context.Context, tx *store.Tx, batch []Observation) (Outcome, error) {
	var out Outcome
	if len(batch) == 0 {
		return out, nil
	}
	slices.SortFunc(batch, func(a, b Observation) int { return cmp.Compare(a.Key, b.Key) })
	batch = slices.CompactFunc(batch, func(a, b Observation) bool {
		same := a.Key == b.Key
		if same {
			out.Known++
		}
		return same
	})
	fresh, err := insertObservations(ctx, tx, batch)
	if err != nil {
		return out, err
	}
	out.Added = len(fresh)
	out.Known += len(batch) - len(fresh)
	if len(fresh) == 0 {
		return out, nil
	}
	days := map[int64]struct{}{}
	claims := make(map[int64]*Claim, len(fresh))
	for _, o := range fresh {
		days[trend.Day(o.ObservedAt)] = struct{}{}
		if !o.Entry && !o.HostEntry {
			out.Excluded++
		}
		if c := claims[o.ClaimKey]; c != nil {
			merge(c, o.Claim)
		} else {
			copied := o.Claim
			claims[o.ClaimKey] = &copied
		}
	}
	if out.New, out.Renewed, err = upsertClaims(ctx, tx, claims); err != nil {
		return out, err
	}
	if err := trend.MarkDirty(ctx, tx, trend.Observation, slices.Collect(maps.Keys(days))...); err != nil {
		return out, err
	}
	return out, tx.Bump(ctx, "indicator")
}

// merge widens c by a later or earlier claim of the same organisation and TLP.
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

// claimValues are the columns of a claim, in the order of claimColumns.
func claimValues(key int64, c *Claim) []any {
	status := "active"
	if c.Revoked {
		status = "revoked"
	}
	return []any{key, int64(c.TLP), c.Org, string(c.Kind), c.Value.Value, c.Host, indicator.HostKey(c.Host), c.Written, string(c.Category), c.Brand,
		store.Micros(c.FirstSeen), store.Micros(c.LastSeen), int64(c.Confidence), store.Micros(c.ValidUntil), status, c.Entry, c.HostEntry}
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
