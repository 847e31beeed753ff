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
	concerning, err := s.homeConcerns(ctx, q, page)
	if err != nil {
		return err
	}
	all, err := rows(ctx, s.DB, q.Caller, slices.Concat(latest.Items, concerning))
	if err != nil {
		return err
	}
	page.New, page.Concerns = all[:len(latest.Items)], all[len(latest.Items):]
	if err := s.homeTiles(ctx, q, page); err != nil {
		return err
	}
	if page.Tasks, err = s.tasks(ctx, q, page); err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "home", page)
}

// homeConcerns returns the newest that concern the caller's institution.
func (s *Server) homeConcerns(ctx context.Context, q *Request, page *homePage) ([]*advisory.Advisory, error) {
	if !page.Member {
		return nil, nil
	}
	interests, err := member.Interests(ctx, s.DB, q.Caller, q.Caller.Org)
	if err != nil {
		return nil, err
	}
	page.Set = len(interests) > 0
	found, err := advisory.List(ctx, s.DB, q.Caller, advisory.Filter{Concerns: q.Caller.Org, Limit: homeConcerns})
	return found.Items, err
}

func (s *Server) homeTiles(ctx context.Context, q *Request, page *homePage) error {
	today := trend.Day(q.Now)
	month := trend.DayStart(today - homeDays + 1)
	days, err := advisory.Tallies(ctx, s.DB, q.Caller, month)
	if err != nil {
		return err
	}
	var fresh, week, concerns, ours int
	spark := make([]float64, homeSpark)
	for _, d := range days {
		concerns, ours = concerns+d.Concerns, ours+d.Own
		if d.Day >= today-6 {
			week += d.Published
		}
		if d.Day >= today-1 {
			fresh += d.Published
		}
		if i := d.Day - (today - homeSpark + 1); i >= 0 && i < homeSpark {
			spark[i] = float64(d.Published)
		}
	}
	page.Tiles = append(page.Tiles, tile{
		Name: q.T("home.tile.new"), Figure: q.number(fresh), Unit: q.T("home.items"), Href: "/advisories?from=" + trend.DayText(today-1),
		Note:  q.T("home.tile.week", "n", q.number(week)),
		Spark: chart.Sparkline(q.Lang, q.T("home.tile.spark", "n", homeSpark), spark),
	})
	if page.Member {
		page.Tiles = append(page.Tiles,
			tile{Name: q.T("home.tile.concerns"), Figure: q.number(concerns), Unit: q.T("home.items"), Href: "/advisories?concerns=1", Note: q.T("home.tile.days", "n", homeDays)},
			tile{Name: q.T("home.tile.ours"), Figure: q.number(ours), Unit: q.T("home.items"), Href: "/advisories?ours=1", Note: q.T("home.tile.days", "n", homeDays)})
	} else if advisory.MayReview(q.Caller) {
		waiting, err := advisory.Count(ctx, s.DB, q.Caller, advisory.Filter{States: []advisory.State{advisory.InReview}}, countMost)
		if err != nil {
			return err
		}
		page.Tiles = append(page.Tiles, tile{Name: q.T("home.tile.review"), Figure: q.number(waiting), Unit: q.T("home.items"), Href: "/review"})
	}
	protection, err := s.protectionTile(ctx, q, month)
	page.Tiles = append(page.Tiles, protection)
	return err
}

// publishTile is how long it takes from registration at a hospital to
// publication to all.
func (s *Server) publishTile(ctx context.Context, q *Request, since time.Time) (tile, error) {
	t := tile{Name: q.T("home.tile.time"), Figure: "–", Note: q.T("home.tile.time.none", "n", homeDays)}
	took, err := advisory.TimesToPublish(ctx, s.DB, q.Caller, since)
	if err == nil && len(took) > 0 {
		t.Figure, t.Unit = q.span(median(took))
		t.Note = q.T("home.tile.time.note", "days", homeDays, "n", len(took))
	}
	return t, err
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

// median is the middle of at least one duration. It sorts them.
func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	middle := len(all) / 2
	if len(all)%2 == 0 {
		return (all[middle-1] + all[middle]) / 2
	}
	return all[middle]
}
