// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"slices"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/indicator"
	"teiten/internal/locale"
)

// revisionsPage is the history of an advisory, the newest first.
type revisionsPage struct {
	Head
	ID        int64
	Revisions []revisionRow
}

type revisionRow struct {
	Number  int64
	At      time.Time
	Actor   string
	State   advisory.State
	Reason  string
	First   bool
	Changes []changeRow
}

type changeRow struct {
	Name  string
	Parts []DiffPart
}

func (s *Server) revisions(w http.ResponseWriter, r *http.Request, q *Request) error {
	a, err := s.load(r, q)
	if err != nil {
		return err
	}
	all, err := advisory.Revisions(r.Context(), s.DB, q.Caller, a.ID)
	if err != nil {
		return err
	}
	page := &revisionsPage{ID: a.ID, Head: q.Head(q.T("revisions.title"),
		Crumb{"/advisories", q.T("list.title")}, Crumb{address(a.ID), harmless(a.Title, a.Indicators...)})}
	for i, rev := range all {
		one := revisionRow{
			Number: rev.Number, At: rev.At, Actor: rev.Actor, State: rev.State,
			Reason: harmless(rev.Reason, rev.Indicators...), First: i == 0,
		}
		if err := r.Context().Err(); err != nil { // comparing costs more than reading
			return err
		}
		if i > 0 {
			one.Changes = changes(q.Lang, all[i-1].Content, rev.Content)
		}
		page.Revisions = append(page.Revisions, one)
	}
	slices.Reverse(page.Revisions)
	return s.render(w, q, http.StatusOK, "revisions", page)
}

// changes compares two contents. Their texts are made harmless before they are
// compared, because a difference may run through the middle of an address.
func changes(lang locale.Lang, before, after advisory.Content) []changeRow {
	known := slices.Concat(before.Indicators, after.Indicators)
	var list []changeRow
	for _, c := range advisory.Diff(harmlessContent(before, known), harmlessContent(after, known), lang) {
		one := changeRow{Name: lang.T("register." + c.Field)}
		for _, chunk := range c.Chunks {
			part := DiffPart{Kind: "same", Text: chunk.Text}
			switch {
			case chunk.Inserted:
				part.Kind = "ins"
			case chunk.Deleted:
				part.Kind = "del"
			}
			one.Parts = append(one.Parts, part)
		}
		list = append(list, one)
	}
	return list
}

func harmlessContent(c advisory.Content, known []indicator.Value) advisory.Content {
	for _, s := range []*string{&c.Title, &c.Body, &c.Brand, &c.Products} {
		*s = harmless(*s, known...)
	}
	values := make([]indicator.Value, len(c.Indicators))
	for i, v := range c.Indicators {
		v.Value, _ = indicator.Mask(v.Kind, v.Value)
		values[i] = v
	}
	c.Indicators = values
	return c
}
