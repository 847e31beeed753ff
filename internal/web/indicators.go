// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/tlp"
)

const (
	observationsMost = 100
	neighboursMost   = 50
)

// indicatorPage is everything that the caller may know about one indicator.
type indicatorPage struct {
	Head
	mark
	Answer       answer
	Categories   []category.Category
	Brands       []string
	Observations []observed
	Rows         []row
	Neighbours   []mark
	HostShown    string
	MayOverrule  bool
	Overruled    bool
	Reason       Field
	Errors       []FieldError
	Act          string // address of the forms
}

type observed struct {
	At       time.Time
	Source   string
	File     string
	Category category.Category
	Brand    string
	Written  string
	TLP      tlp.Level
}

// indicatorAddress is where an indicator has its page. The number is a keyed
// hash, so that the address tells nothing to who reads a log.
func indicatorAddress(key int64) string { return "/indicators/" + itoa(key) }

// indicatorOf finds the indicator that the address names.
func (s *Server) indicatorOf(r *http.Request, q *Request) (indicator.Value, string, error) {
	key, err := strconv.ParseInt(r.PathValue("key"), 10, 64)
	if err != nil {
		return indicator.Value{}, "", fault.Wrap(err, fault.NotFound, "fault.not_found")
	}
	v, err := intel.ByKey(r.Context(), s.DB, q.Caller, key)
	return v, indicatorAddress(key), err
}

func (s *Server) indicator(w http.ResponseWriter, r *http.Request, q *Request) error {
	v, at, err := s.indicatorOf(r, q)
	if err != nil {
		return err
	}
	page, err := s.indicatorPage(r.Context(), q, v, at)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "indicator", page)
}

func (s *Server) indicatorPage(ctx context.Context, q *Request, v indicator.Value, at string) (*indicatorPage, error) {
	marks, err := s.marks(ctx, q, []indicator.Value{v})
	if err != nil {
		return nil, err
	}
	page := &indicatorPage{
		Head: q.Head(q.T("mark.title"), Crumb{"/advisories", q.T("list.title")}), mark: marks[0], Act: at,
		Answer: judge(marks[0]), Categories: marks[0].Hit.Categories, HostShown: indicator.Defang(indicator.Domain, v.Host),
		MayOverrule: advisory.MayReview(q.Caller), Reason: q.Field("textarea", "reason", "mark.reason"),
	}
	page.Reason.Rows, page.Reason.Required = 2, true
	for _, b := range marks[0].Hit.Brands {
		page.Brands = append(page.Brands, harmless(b, v))
	}
	seen, err := intel.Observations(ctx, s.DB, s.DB.Key, q.Caller, v, observationsMost)
	if err != nil {
		return nil, err
	}
	for _, o := range seen {
		masked, _ := indicator.Mask(v.Kind, o.Written)
		page.Observations = append(page.Observations, observed{
			At: o.At, Source: harmless(o.Source), File: harmless(o.File, v), Category: o.Category,
			Brand: harmless(o.Brand, v), Written: indicator.Defang(v.Kind, masked), TLP: o.TLP,
		})
	}
	carriers, err := advisory.List(ctx, s.DB, q.Caller, advisory.Filter{Indicator: &v, Limit: relatedMost})
	if err != nil {
		return nil, err
	}
	if page.Rows, err = rows(ctx, s.DB, q.Caller, carriers.Items); err != nil {
		return nil, err
	}
	if v.Kind != indicator.Email {
		others, err := intel.OnHost(ctx, s.DB, q.Caller, v, neighboursMost)
		if err != nil {
			return nil, err
		}
		if page.Neighbours, err = s.marks(ctx, q, others); err != nil {
			return nil, err
		}
	}
	g, err := s.Guards.Current(ctx)
	if err != nil {
		return nil, err
	}
	for _, why := range g.Judge(v).Reasons {
		page.Overruled = page.Overruled || why.Slug == guard.SlugOverrule
	}
	return page, nil
}

// overrule lets an indicator into the filters although a list holds it.
func (s *Server) overrule(w http.ResponseWriter, r *http.Request, q *Request) error {
	v, at, err := s.indicatorOf(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	if err := intel.Overrule(r.Context(), s.DB, q.Caller, v, r.PostForm.Get("reason")); err != nil {
		page, e := s.indicatorPage(r.Context(), q, v, at)
		if e != nil {
			return e
		}
		page.Reason.Fill(r.PostForm)
		page.Reason.Value = defanged(page.Reason.Value)
		refused, ok := q.Refuse(err, &page.Reason)
		if !ok {
			return err
		}
		page.Errors = refused
		return s.render(w, q, http.StatusUnprocessableEntity, "indicator", page)
	}
	s.wake()
	return s.done(w, r, at, Flash{Key: "mark.overruled", Undo: at + "/heed"})
}

// heed takes an overrule back.
func (s *Server) heed(w http.ResponseWriter, r *http.Request, q *Request) error {
	v, at, err := s.indicatorOf(r, q)
	if err != nil {
		return err
	}
	if err := intel.RemoveOverrule(r.Context(), s.DB, q.Caller, v); err != nil {
		return err
	}
	s.wake()
	return s.done(w, r, at, Flash{Key: "mark.heeded"})
}
