// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"slices"
	"time"

	"teiten/internal/store"
)

// Preview foretells what Record would do with batch after batch of one
// organisation. It only reads, and keeps in memory what the earlier batches
// would have changed: about 100 bytes a row.
type Preview struct {
	org    int64
	rows   map[int64]struct{}
	claims map[claimID]*extent
}

// extent is the part of a claim that later rows may move.
type extent struct {
	first, last, valid time.Time
	confidence         int
	revoked            bool
}

// NewPreview begins a preview for an organisation.
func NewPreview(org int64) *Preview {
	return &Preview{org: org, rows: map[int64]struct{}{}, claims: map[claimID]*extent{}}
}

// Look returns what Record of the batch would return.
func (p *Preview) Look(ctx context.Context, q store.Queryer, batch []Observation) (Outcome, error) {
	rows := inOrder(batch)
	keys := make([]int64, len(rows))
	for i, o := range rows {
		keys[i] = o.Key
	}
	known, err := storedObservations(ctx, q, keys)
	if err != nil {
		return Outcome{}, err
	}
	fresh := rows[:0]
	for _, o := range rows {
		_, before := p.rows[o.Key]
		if _, stored := known[o.Key]; !stored && !before {
			p.rows[o.Key] = struct{}{}
			fresh = append(fresh, o)
		}
	}
	out := Outcome{Added: len(fresh), Known: len(batch) - len(fresh)}
	for _, o := range fresh {
		if !o.Entry && !o.HostEntry {
			out.Excluded++
		}
	}
	claims := claimsOf(fresh)
	if err := p.load(ctx, q, claims); err != nil {
		return out, err
	}
	for i := range claims {
		c := &claims[i]
		switch e := p.claims[c.id()]; {
		case e == nil:
			out.New++
			p.claims[c.id()] = &extent{c.FirstSeen, c.LastSeen, c.ValidUntil, c.Confidence, c.Revoked}
		case e.widen(&c.Claim):
			out.Renewed++
		}
	}
	return out, nil
}

// load reads the stored claims that were not looked at before.
func (p *Preview) load(ctx context.Context, q store.Queryer, claims []keyedClaim) error {
	var keys []int64
	for i := range claims {
		if _, ok := p.claims[claims[i].id()]; !ok {
			keys = append(keys, claims[i].key)
		}
	}
	return storedClaims(ctx, q, p.org, slices.Compact(keys), func(id claimID, e extent) {
		if _, ok := p.claims[id]; !ok {
			p.claims[id] = &e
		}
	})
}

// widen is the condition and the change of updateClaim.
func (e *extent) widen(c *Claim) bool {
	earlier := !c.FirstSeen.IsZero() && (e.first.IsZero() || c.FirstSeen.Before(e.first))
	if !c.LastSeen.After(e.last) && !c.ValidUntil.After(e.valid) && c.Confidence <= e.confidence && !earlier && !e.revoked {
		return false
	}
	if earlier {
		e.first = c.FirstSeen
	}
	if c.LastSeen.After(e.last) {
		e.last = c.LastSeen
	}
	if c.ValidUntil.After(e.valid) {
		e.valid = c.ValidUntil
	}
	e.confidence, e.revoked = max(e.confidence, c.Confidence), false
	return true
}
