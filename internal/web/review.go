// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"slices"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/category"
	"teiten/internal/locale"
)

const (
	reviewMost = 1000
	reviewLook = 50 // of them, how many are looked at for duplicates
	// longWait is when a waiting item is marked: the others are unprotected
	// for a working day.
	longWait = 8 * time.Hour
)

// reviewPage is what waits for an analyst, the longest waiting first.
type reviewPage struct {
	Head
	Items   []reviewItem
	Oldest  string // how long the first one waits
	Reached bool   // there are more than the page shows
}

type reviewItem struct {
	row
	Waits      string
	Long       bool
	Wide       bool
	Ask        string // before it is published, if Wide
	Marks      int
	Begins     string
	Duplicates []nearRow
}

func (s *Server) review(w http.ResponseWriter, r *http.Request, q *Request) error {
	items, err := s.waiting(r.Context(), q)
	if err != nil {
		return err
	}
	page := &reviewPage{Head: q.Head(q.T("review.title")), Reached: len(items) >= reviewMost}
	for i, a := range items {
		one := reviewItem{
			row: newRow(a), Waits: q.duration(q.Now.Sub(a.RegisteredAt)), Long: q.Now.Sub(a.RegisteredAt) >= longWait, Wide: wide(a),
		}
		if one.Wide {
			one.Ask = q.T("detail.publish.ask", "tlp", a.TLP.Label(), "means", q.T("web.tlp."+a.TLP.Class()))
		}
		one.Begins, _ = beginning(markdownText(a.Body, nil), 160)
		if i < reviewLook {
			if err := s.reviewDetails(r.Context(), q, a.ID, &one); err != nil {
				return err
			}
		}
		page.Items = append(page.Items, one)
	}
	if len(page.Items) > 0 {
		page.Oldest = page.Items[0].Waits
	}
	return s.render(w, q, http.StatusOK, "review", page)
}

// waiting lists what is in review, the longest waiting first.
func (s *Server) waiting(ctx context.Context, q *Request) ([]*advisory.Advisory, error) {
	found, err := advisory.List(ctx, s.DB, q.Caller, advisory.Filter{States: []advisory.State{advisory.InReview}, Limit: reviewMost})
	if err != nil {
		return nil, err
	}
	slices.Reverse(found.Items)
	return found.Items, nil
}

// reviewDetails adds how many indicators an item has and what it may repeat.
func (s *Server) reviewDetails(ctx context.Context, q *Request, id int64, one *reviewItem) error {
	a, err := advisory.Get(ctx, s.DB, q.Caller, id)
	if err != nil {
		return err
	}
	one.Marks = len(a.Indicators)
	one.row = newRow(a)
	one.Begins, _ = beginning(markdownText(a.Body, a.Indicators), 160)
	near, err := s.near(ctx, q, a.ID, a.Title, a.Indicators)
	one.Duplicates = near[:min(len(near), 3)]
	return err
}

// duration writes how long something takes or waits, in its largest unit.
func (q *Request) duration(d time.Duration) string {
	switch {
	case d < time.Minute:
		return q.T("span.moment")
	case d < 2*time.Hour:
		return q.T("span.minutes", "n", int(d/time.Minute))
	case d < 48*time.Hour:
		return q.T("span.hours", "n", int(d/time.Hour))
	default:
		return q.T("span.days", "n", int(d/(24*time.Hour)))
	}
}

// NoticeName is the word for what a notice is about.
func (r row) NoticeName(lang locale.Lang) string {
	if r.Category != category.Notice || r.Notice == "" {
		return ""
	}
	return r.Notice.Name(lang)
}
