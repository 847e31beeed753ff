// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intel

import (
	"context"
	"fmt"
	"time"

	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/indicator"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

// Hit is what the caller may know about one indicator: the claims that he may
// see, merged. Those that were revoked count only where none stands.
type Hit struct {
	indicator.Value
	Known        bool // somebody claimed or observed it
	Active       bool // a claim holds today
	Categories   []category.Category
	Brands       []string
	TLP          tlp.Level // the widest that says so
	FirstSeen    time.Time
	LastSeen     time.Time
	ValidUntil   time.Time
	Confidence   int
	Entry        bool
	HostEntry    bool
	Sources      int // organisations that say so
	Observations int
	// SameHost counts other known indicators on the very host.
	SameHost int
}

// Lookup returns a hit for each value, in the same order. What nobody told, or
// told under a TLP that is not for the caller, is not Known.
func Lookup(ctx context.Context, q store.Queryer, key func(...string) int64, c caller.Caller, values []indicator.Value) ([]Hit, error) {
	hits := make([]Hit, len(values))
	now := time.Now()
	for i, v := range values {
		h, err := lookup(ctx, q, key(string(v.Kind), v.Value), c, v, now)
		if err != nil {
			return nil, fmt.Errorf("intel: look up: %w", err)
		}
		hits[i] = h
	}
	return hits, nil
}

func lookup(ctx context.Context, q store.Queryer, key int64, c caller.Caller, v indicator.Value, now time.Time) (Hit, error) {
	h := Hit{Value: v, TLP: tlp.Red}
	ceiling, org := store.Sees(c)
	rows, err := q.Query(ctx, `SELECT i.tlp, i.organisation_id, i.written, i.category, i.brand, i.first_seen, i.last_seen, i.confidence,
			i.valid_until, i.status, i.is_entry, i.is_host_entry
		FROM indicator i WHERE i.key = $1 AND i.value = $4 AND `+store.Visible("i", 2)+`
		ORDER BY i.status, i.tlp, i.organisation_id, i.group_id`, key, ceiling, org, v.Value)
	if err != nil {
		return h, err
	}
	defer rows.Close()
	orgs := map[int64]bool{}
	stands := false
	for rows.Next() {
		var level, by, first, last, confidence, until int64
		var written, cat, brand, status string
		var entry, hostEntry bool
		if err := rows.Scan(&level, &by, &written, &cat, &brand, &first, &last, &confidence, &until, &status, &entry, &hostEntry); err != nil {
			return h, err
		}
		if stands = stands || status == "active"; stands && status != "active" {
			break // "revoked" sorts last
		}
		claim := Claim{Value: v, FirstSeen: store.Time(first), LastSeen: store.Time(last), ValidUntil: store.Time(until), Confidence: int(confidence)}
		sum := Claim{FirstSeen: h.FirstSeen, LastSeen: h.LastSeen, ValidUntil: h.ValidUntil, Confidence: h.Confidence}
		merge(&sum, claim)
		h.FirstSeen, h.LastSeen, h.ValidUntil, h.Confidence = sum.FirstSeen, sum.LastSeen, sum.ValidUntil, sum.Confidence
		if !h.Known {
			h.Written = written
		}
		h.Known = true
		h.Active = h.Active || status == "active" && claim.ValidUntil.After(now)
		h.TLP = min(h.TLP, tlp.Level(level))
		h.Entry, h.HostEntry = h.Entry || entry, h.HostEntry || hostEntry
		h.Categories = appendNew(h.Categories, category.Category(cat))
		if brand != "" {
			h.Brands = appendNew(h.Brands, brand)
		}
		orgs[by] = true
	}
	if err := rows.Err(); err != nil {
		return h, err
	}
	h.Sources = len(orgs)
	if h.Known {
		err = q.QueryRow(ctx, `SELECT COUNT(*) FROM observation o WHERE o.indicator_key = $1 AND `+store.Visible("o", 2),
			key, ceiling, org).Scan(&h.Observations)
		if err != nil {
			return h, err
		}
	}
	if v.Host != "" && v.Kind != indicator.Email {
		err = q.QueryRow(ctx, `SELECT COUNT(*) FROM (SELECT DISTINCT i.key FROM indicator i
			WHERE i.host_key = $1 AND i.key <> $4 AND i.status = 'active' AND `+store.Visible("i", 2)+` LIMIT 1000) AS found`,
			indicator.HostKey(v.Host), ceiling, org, key).Scan(&h.SameHost)
	}
	return h, err
}

func appendNew[T comparable](all []T, one T) []T {
	for _, x := range all {
		if x == one {
			return all
		}
	}
	return append(all, one)
}

// Seen is one observation of an indicator as a page shows it.
type Seen struct {
	At       time.Time // zero when the source gave no date
	Source   string
	File     string
	Category category.Category
	Brand    string
	Written  string
	TLP      tlp.Level
}

// Observations returns the newest observations of an indicator that the
// caller may see, at most limit.
func Observations(ctx context.Context, q store.Queryer, key func(...string) int64, c caller.Caller, v indicator.Value, limit int) ([]Seen, error) {
	ceiling, org := store.Sees(c)
	rows, err := q.Query(ctx, `SELECT o.observed_at, o.source, f.name, o.category, o.brand, o.written, o.tlp
		FROM observation o JOIN import_file f ON f.id = o.file_id
		WHERE o.indicator_key = $1 AND `+store.Visible("o", 2)+` ORDER BY o.observed_at DESC, o.key LIMIT $4`,
		key(string(v.Kind), v.Value), ceiling, org, limit)
	if err != nil {
		return nil, fmt.Errorf("intel: observations: %w", err)
	}
	defer rows.Close()
	var all []Seen
	for rows.Next() {
		var s Seen
		var at int64
		if err := rows.Scan(&at, &s.Source, &s.File, &s.Category, &s.Brand, &s.Written, &s.TLP); err != nil {
			return nil, err
		}
		s.At = store.Time(at)
		all = append(all, s)
	}
	return all, rows.Err()
}
