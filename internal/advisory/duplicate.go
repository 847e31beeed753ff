// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"context"
	"strconv"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fold"
	"teiten/internal/indicator"
	"teiten/internal/store"
)

// Likeness says why an advisory may be the same as a new one.
type Likeness string

const (
	SameIndicator Likeness = "indicator"
	SameHost      Likeness = "host"
	SimilarTitle  Likeness = "title"
)

// Duplicate is an advisory that a new one may repeat.
type Duplicate struct {
	*Advisory
	Why Likeness
	By  string // the indicator or host they share, normalised; "" for titles
}

const (
	likeDays     = 90 // titles are compared with those of this many days
	likeTitles   = 2000
	likeMost     = 10
	titleOverlap = 0.6 // Jaccard index of the titles' pairs of characters
)

// FindDuplicates returns the advisories, that the caller may see, which carry
// one of the indicators, one of their hosts, or a similar title; the surest
// first, at most ten. except is the advisory being edited, or 0.
func FindDuplicates(ctx context.Context, q store.Queryer, c caller.Caller, except int64, title string, values []indicator.Value) ([]Duplicate, error) {
	var all []Duplicate
	seen := map[int64]bool{except: true}
	take := func(same string, why Likeness, by string, args ...any) error {
		if len(all) >= likeMost {
			return nil
		}
		args = append(seesArgs(c), args...)
		rows, err := q.Query(ctx, `SELECT `+columns+from+`WHERE a.id IN (SELECT i.advisory_id FROM advisory_indicator i WHERE `+same+`)
			AND a.state <> 'discarded' AND `+visible(1)+` ORDER BY a.position DESC LIMIT `+strconv.Itoa(likeMost+1), args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			a, err := scan(rows, c)
			if err != nil {
				return err
			}
			if !seen[a.ID] && len(all) < likeMost {
				seen[a.ID] = true
				all = append(all, Duplicate{a, why, by})
			}
		}
		return rows.Err()
	}
	if len(values) > 50 {
		values = values[:50]
	}
	for _, v := range values {
		kind := string(v.Kind)
		if err := take(`i.indicator_key = $4 AND i.kind = $5 AND i.value = $6`, SameIndicator,
			indicator.Defang(v.Kind, v.Value), q.Key(kind, v.Value), kind, v.Value); err != nil {
			return nil, err
		}
	}
	for _, v := range values {
		if v.Kind == indicator.URL || v.Kind == indicator.Domain {
			if err := take(`i.host = $4`, SameHost,
				indicator.Defang(indicator.Domain, v.Host), v.Host); err != nil {
				return nil, err
			}
		}
	}
	err := similarTitles(ctx, q, c, title, seen, &all)
	return all, err
}

func similarTitles(ctx context.Context, q store.Queryer, c caller.Caller, title string, seen map[int64]bool, all *[]Duplicate) error {
	mine := pairs(title)
	if len(mine) < 4 {
		return nil
	}
	args := append(seesArgs(c), store.Micros(time.Now().AddDate(0, 0, -likeDays)))
	rows, err := q.Query(ctx, `SELECT `+columns+from+`WHERE a.position >= $4 AND a.state <> 'discarded' AND `+visible(1)+
		` ORDER BY a.position DESC LIMIT `+strconv.Itoa(likeTitles), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		a, err := scan(rows, c)
		if err != nil {
			return err
		}
		if seen[a.ID] || len(*all) >= likeMost {
			continue
		}
		theirs := pairs(a.Title)
		both := 0
		for p := range theirs {
			if mine[p] {
				both++
			}
		}
		if union := len(mine) + len(theirs) - both; float64(both) >= titleOverlap*float64(union) {
			*all = append(*all, Duplicate{Advisory: a, Why: SimilarTitle})
		}
	}
	return rows.Err()
}

func pairs(title string) map[string]bool {
	set := map[string]bool{}
	for _, g := range fold.QueryGrams(fold.Text(title)) {
		set[g] = true
	}
	return set
}
