// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"html/template"
	"net/http"
	"slices"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/chart"
	"teiten/internal/member"
	"teiten/internal/trend"
)

const (
	homeNew      = 8 // rows of what is new
	homeConcerns = 4
	homeDays     = 30 // of the figures
	homeSpark    = 14 // days of the small drawing
)

// homePage answers first: what is new, what concerns my hospital, what to do.
type homePage struct {
	Head
	Today    string
	Empty    bool // nothing was ever published
	Tiles    []tile
	Concerns []row
	Set      bool // the institution has said what it uses
	Member   bool // the caller belongs to an institution
	New      []row
	Tasks    []task
	Box      Field // to look something up
}

// tile is one figure.
type tile struct {
	Name, Figure, Unit, Note, Href string
	Spark                          template.HTML
}

// task is one thing to do next. The gravest stand first.
type task struct {
	Icon, Text, Note, Href, Button string
	Urgent                         bool

	Act, ActName, ActValue, ActButton string // a form that puts the task away
}

func (s *Server) home(w http.ResponseWriter, r *http.Request, q *Request) error {
	ctx := r.Context()
	page := &homePage{
		Head: q.Head(q.T("home.title")), Today: q.Lang.Date(q.Now),
		Member: q.Caller.OrgKind == caller.Institution, Box: q.Field("textarea", "q", "home.box"),
	}
	page.Box.Rows, page.Box.Code = 3, true
	latest, err := advisory.List(ctx, s.DB, q.Caller, advisory.Filter{Limit: homeNew})
	if err != nil {
		return err
	}
	page.Empty = len(latest.Items) == 0
	if page.New, err = rows(ctx, s.DB, q.Caller, latest.Items); err != nil {
		return err
	}
	if err := s.homeConcerns(ctx, q, page); err != nil {
		return err
	}
	if err := s.homeTiles(ctx, q, page); err != nil {
		return err
	}
	if page.Tasks, err = s.tasks(ctx, q, page); err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "home", page)
}

func (s *Server) homeConcerns(ctx context.Context, q *Request, page *homePage) error {
	if !page.Member {
		return nil
	}
	interests, err := member.Interests(ctx, s.DB, q.Caller, q.Caller.Org)
	if err != nil {
		return err
	}
	page.Set = len(interests) > 0
	found, err := advisory.List(ctx, s.DB, q.Caller, advisory.Filter{Concerns: q.Caller.Org, Limit: homeConcerns})
	if err != nil {
		return err
	}
	page.Concerns, err = rows(ctx, s.DB, q.Caller, found.Items)
	return err
}

func (s *Server) homeTiles(ctx context.Context, q *Request, page *homePage) error {
	today := trend.DayStart(trend.Day(q.Now))
	month := today.AddDate(0, 0, -homeDays+1)
	count := func(f advisory.Filter) (int, error) {
		return advisory.Count(ctx, s.DB, q.Caller, f, countMost)
	}
	fresh, err := count(advisory.Filter{From: today.AddDate(0, 0, -1)})
	if err != nil {
		return err
	}
	week, err := count(advisory.Filter{From: today.AddDate(0, 0, -6)})
	if err != nil {
		return err
	}
	recent, err := advisory.List(ctx, s.DB, q.Caller, advisory.Filter{From: month, Limit: 1000})
	if err != nil {
		return err
	}
	page.Tiles = append(page.Tiles, tile{
		Name: q.T("home.tile.new"), Figure: q.number(fresh), Unit: q.T("home.items"), Href: "/advisories?from=" + trend.DayText(trend.Day(q.Now)-1),
		Note: q.T("home.tile.week", "n", q.number(week)),
	})
	if recent.Next == 0 { // else the drawing would lack the earlier days
		page.Tiles[0].Spark = chart.Sparkline(q.Lang, q.T("home.tile.spark", "n", homeSpark), perDay(recent.Items, q.Now, homeSpark))
	}
	if page.Member {
		concerns, err := count(advisory.Filter{Concerns: q.Caller.Org, From: month})
		if err != nil {
			return err
		}
		ours, err := count(advisory.Filter{Org: q.Caller.Org, From: month, States: []advisory.State{
			advisory.InReview, advisory.Published, advisory.Corrected, advisory.Withdrawn}})
		if err != nil {
			return err
		}
		page.Tiles = append(page.Tiles,
			tile{Name: q.T("home.tile.concerns"), Figure: q.number(concerns), Unit: q.T("home.items"), Href: "/advisories?concerns=1", Note: q.T("home.tile.days", "n", homeDays)},
			tile{Name: q.T("home.tile.ours"), Figure: q.number(ours), Unit: q.T("home.items"), Href: "/advisories?ours=1", Note: q.T("home.tile.days", "n", homeDays)})
	} else if advisory.MayReview(q.Caller) {
		waiting, err := count(advisory.Filter{States: []advisory.State{advisory.InReview}})
		if err != nil {
			return err
		}
		page.Tiles = append(page.Tiles, tile{Name: q.T("home.tile.review"), Figure: q.number(waiting), Unit: q.T("home.items"), Href: "/review"})
	}
	protection, err := s.protectionTile(ctx, q, recent.Items)
	page.Tiles = append(page.Tiles, protection)
	return err
}

// publishTile is how long it takes from registration at a hospital to
// publication to all.
func (q *Request) publishTile(items []*advisory.Advisory) tile {
	t := tile{Name: q.T("home.tile.time"), Figure: "–", Note: q.T("home.tile.time.none", "n", homeDays)}
	middle, n := medianToPublish(items)
	if n > 0 {
		t.Figure, t.Unit = q.span(middle)
		t.Note = q.T("home.tile.time.note", "days", homeDays, "n", n)
	}
	return t
}

// span writes a duration as a figure and its unit.
func (q *Request) span(d time.Duration) (figure, unit string) {
	switch {
	case d < 2*time.Hour:
		return q.number(max(1, int(d.Round(time.Minute)/time.Minute))), q.T("home.minutes")
	case d < 48*time.Hour:
		f, _ := number(d.Hours())
		return f, q.T("home.hours")
	default:
		f, _ := number(d.Hours() / 24)
		return f, q.T("home.days")
	}
}

func (q *Request) number(n int) string {
	s, _ := number(n)
	return s
}

// medianToPublish is the median time from registration to publication of what
// institutions registered, and of how many it is.
func medianToPublish(items []*advisory.Advisory) (time.Duration, int) {
	var all []time.Duration
	for _, a := range items {
		if a.OrgKind == caller.Institution && !a.PublishedAt.IsZero() {
			all = append(all, a.TimeToPublish())
		}
	}
	if len(all) == 0 {
		return 0, 0
	}
	slices.Sort(all)
	middle := len(all) / 2
	if len(all)%2 == 0 {
		return (all[middle-1] + all[middle]) / 2, len(all)
	}
	return all[middle], len(all)
}

// perDay counts what was published on each of the last n days, the oldest first.
func perDay(items []*advisory.Advisory, now time.Time, n int) []float64 {
	counts := make([]float64, n)
	first := trend.Day(now) - int64(n) + 1
	for _, a := range items {
		if i := trend.Day(a.PublishedAt) - first; i >= 0 && i < int64(n) {
			counts[i]++
		}
	}
	return counts
}
