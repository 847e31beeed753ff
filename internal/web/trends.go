// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"html/template"
	"net/http"
	"slices"
	"time"

	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/chart"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/trend"
)

// trendsPage shows one series by one dimension: as a chart, as a ranking and,
// inside the chart, as a table. Printed, it is a report.
type trendsPage struct {
	Head
	Errors  []FieldError
	Form    trendForm
	Series  []Tab
	Periods []Tab
	Asked   trendAsked
	Tiles   []trendTile
	Figures []template.HTML // all that the caller may see; beside it, the own institution's
	Ranking template.HTML
	Numbers template.HTML // every item of the first figure, where that sums the rarer ones
	From    string        // of the period, as dates
	To      string
	CSV     string // address of the same counts
	Hidden  bool   // some counts are hidden
	Undated bool   // the series may have things without a date, which no period holds
}

type trendForm struct{ Dimension, View, Every, From, To Field }

func (f *trendForm) fields() []*Field {
	return []*Field{&f.Dimension, &f.View, &f.Every, &f.From, &f.To}
}

// trendAsked is what the page's address asks for.
type trendAsked struct {
	trend.Query
	Period string // 30d, 12m, 5y or own
	Lines  bool
}

// trendTile is one number over the charts.
type trendTile struct {
	Name, Figure, Unit, Note string
}

// The most periods that a chart stays readable with.
const (
	mostDays   = 92
	mostMonths = 120
)

// trendPeriods are the choices of a period, in the order of the page.
var trendPeriods = []string{"30d", "12m", "5y", "own"}

func (s *Server) trends(w http.ResponseWriter, r *http.Request, q *Request) error {
	page := &trendsPage{Head: q.Head(q.T("tools.trends.title")), CSV: "/trends.csv"}
	if len(q.Query) > 0 {
		page.CSV += "?" + q.Query.Encode()
	}
	asked, err := askTrend(q)
	page.Asked = asked
	page.form(q)
	if err == nil {
		err = s.drawTrend(r, q, page)
	}
	if err == nil {
		return s.render(w, q, http.StatusOK, "trends", page)
	}
	var refused bool
	if page.Errors, refused = q.Refuse(err, page.Form.fields()...); !refused {
		return err
	}
	return s.render(w, q, http.StatusBadRequest, "trends", page)
}

// askTrend reads the address. What is left out has a default; what is wrong is
// named, never replaced in silence.
func askTrend(q *Request) (a trendAsked, err error) {
	a.Series = trend.Series(cmp.Or(q.Get("series"), string(trend.Advisory)))
	a.Period = cmp.Or(q.Get("period"), "12m")
	a.Lines = q.Get("view") == "lines"
	a.Dimension = trend.Category
	if !slices.Contains(trend.AllSeries, a.Series) {
		a.Series = trend.Advisory
		err = fault.New(fault.Invalid, "tools.trends.series.unknown")
	}
	if d := q.Get("by"); d != "" {
		parsed, wrong := trend.ParseDimension(d)
		if wrong != nil {
			return a, fault.From(wrong).At("by")
		}
		a.Dimension = parsed
	}
	if !slices.Contains(a.Series.Dimensions(), a.Dimension) {
		a.Dimension = trend.Category // of another series before: each has this one
	}
	if wrong := a.period(q); err == nil {
		err = wrong
	}
	return a, err
}

// period sets the days. Months begin on their first day, so that no bar is of
// half a month but the present one.
func (a *trendAsked) period(q *Request) error {
	now := q.Now.In(locale.Tokyo)
	month := func(back int) int64 {
		return trend.Day(time.Date(now.Year(), now.Month()-time.Month(back), 1, 0, 0, 0, 0, locale.Tokyo))
	}
	a.To = trend.Day(now)
	switch a.Period {
	case "30d":
		a.From = a.To - 29
	case "12m":
		a.From, a.Monthly = month(11), true
	case "5y":
		a.From, a.Monthly = month(59), true
	case "own":
		from, to := q.Day("from"), q.Day("to")
		a.From, a.Monthly = month(11), q.Get("every") != "day"
		if q.Get("from") != "" && from.IsZero() || q.Get("to") != "" && to.IsZero() {
			return fault.New(fault.Invalid, "tools.trends.day").At("from")
		}
		if !from.IsZero() {
			a.From = trend.Day(from)
		}
		if !to.IsZero() {
			a.To = trend.Day(to)
		}
		if a.From > a.To || a.From < 0 {
			return fault.New(fault.Invalid, "tools.trends.backwards").At("from")
		}
		if !a.Monthly && a.To-a.From >= mostDays {
			return fault.New(fault.Invalid, "tools.trends.days", "most", mostDays).At("every")
		}
		if a.Monthly && a.To-a.From > mostMonths*31 {
			return fault.New(fault.Invalid, "tools.trends.months", "most", mostMonths).At("from")
		}
	default:
		a.Period, a.From, a.Monthly = "12m", month(11), true
		return fault.New(fault.Invalid, "tools.trends.period.unknown")
	}
	return nil
}

func (p *trendsPage) form(q *Request) {
	a := &p.Asked
	for _, series := range trend.AllSeries {
		p.Series = append(p.Series, Tab{Href: q.With("series", string(series)), Name: q.T("tools.trends.series." + string(series)), Current: series == a.Series})
	}
	for _, period := range trendPeriods {
		pairs := []string{"period", period, "from", "", "to", "", "every", ""}
		if period == "own" {
			pairs = []string{"period", period, "from", trend.DayText(a.From), "to", trend.DayText(a.To)}
		}
		p.Periods = append(p.Periods, Tab{Href: q.With(pairs...), Name: q.T("tools.trends.period." + period), Current: period == a.Period})
	}
	f := &p.Form
	f.Dimension, f.View = q.Field("select", "by", "tools.trends.by"), q.Field("select", "view", "tools.trends.view")
	for _, d := range a.Series.Dimensions() {
		f.Dimension.Options = append(f.Dimension.Options, Option{Value: string(d), Label: q.T("tools.trends.by." + string(d))})
	}
	for _, view := range []string{"bars", "lines"} {
		f.View.Options = append(f.View.Options, Option{Value: view, Label: q.T("tools.trends.view." + view)})
	}
	f.Dimension.Value = string(a.Dimension)
	f.View.Value = map[bool]string{true: "lines", false: "bars"}[a.Lines]
	f.Every = q.Field("select", "every", "tools.trends.every")
	for _, every := range []string{"month", "day"} {
		f.Every.Options = append(f.Every.Options, Option{Value: every, Label: q.T("tools.trends.every." + every)})
	}
	f.Every.Value = map[bool]string{true: "month", false: "day"}[a.Monthly]
	f.From, f.To = q.Field("date", "from", "tools.trends.from"), q.Field("date", "to", "tools.trends.to")
	f.From.Value, f.To.Value = trend.DayText(a.From), trend.DayText(a.To)
	p.From, p.To = q.Lang.Date(trend.DayStart(a.From)), q.Lang.Date(trend.DayStart(a.To))
	p.Undated = a.Series == trend.Observation
}

func (s *Server) drawTrend(r *http.Request, q *Request, p *trendsPage) error {
	all, err := trend.Read(r.Context(), s.DB, q.Caller, p.Asked.Query)
	if err != nil {
		return err
	}
	earlier := p.Asked.Query
	earlier.From, earlier.To = p.Asked.From-(p.Asked.To-p.Asked.From+1), p.Asked.From-1
	before, err := trend.Read(r.Context(), s.DB, q.Caller, earlier)
	if err != nil {
		return err
	}
	names := rankTrend(q, p.Asked.Dimension, all)
	p.Hidden = sumTrend(all).hidden || sumTrend(before).hidden
	p.Figures = append(p.Figures, p.Asked.draw(q, "c-all", q.T("tools.trends.all"), names, all))
	if len(names) > chart.Classes {
		p.Numbers = p.Asked.table(q, names, all)
	}
	p.tiles(q, names, sumTrend(all), sumTrend(before))
	if q.Caller.OrgKind == caller.Institution {
		mine := p.Asked.Query
		mine.Org = q.Caller.Org
		own, err := trend.Read(r.Context(), s.DB, q.Caller, mine)
		if err != nil {
			return err
		}
		p.Figures = append(p.Figures, p.Asked.draw(q, "c-own", q.T("tools.trends.own", "name", q.Caller.OrgName), names, own))
		if p.Asked.eachOnce() {
			p.Tiles = append(p.Tiles, trendTile{Name: q.T("tools.trends.tile.own." + string(p.Asked.Series)),
				Figure: sumTrend(own).text(q), Unit: q.T("tools.trends.unit"), Note: q.shareOf(sumTrend(own), sumTrend(all))})
		}
	}
	if len(names) > 1 {
		p.Ranking = rankingChart(q, p.Asked.Dimension, names)
	}
	return nil
}

// eachOnce reports whether a thing has exactly one item of the dimension, so
// that their sum is the number of things.
func (a *trendAsked) eachOnce() bool {
	return a.Dimension == trend.Category || a.Dimension == trend.Source
}

// tiles say the sum, how it compares with the same length of time before, and
// what there was most of. A dimension of which a thing may have several, or
// none, has no sum that means anything.
func (p *trendsPage) tiles(q *Request, names []trendItem, now, before trendSum) {
	unit := q.T("tools.trends.unit")
	if p.Asked.eachOnce() {
		note := q.T("tools.trends.tile.before.none")
		switch {
		case before.hidden || now.hidden && before.n > 0:
			note = q.T("tools.trends.tile.before.text", "before", before.text(q))
		case before.n >= fewForShare:
			note = q.T("tools.trends.tile.before.change", "before", before.n, "change", changed(now.n, before.n))
		case before.n > 0:
			note = q.T("tools.trends.tile.before", "before", before.n)
		}
		p.Tiles = append(p.Tiles, trendTile{q.T("tools.trends.tile.sum." + string(p.Asked.Series)), now.text(q), unit, note})
	}
	if len(names) > 0 {
		p.Tiles = append(p.Tiles, trendTile{q.T("tools.trends.tile.most"), names[0].sum().text(q), unit, names[0].name})
	}
}

// fewForShare is how few things are too few to write a change as a share of them.
const fewForShare = 10

// changed writes how much more or less now is than before, as +12.5%.
func changed(now, before int64) string {
	text := percent(now-before, before)
	if now > before {
		text = "+" + text
	}
	return text
}

// trendSum is a sum of counts, some of which may be hidden: then it is the least
// that there can be.
type trendSum struct {
	n      int64
	hidden bool
}

func sumTrend(points []trend.Point) (sum trendSum) {
	for _, p := range points {
		sum.n += p.Count
		sum.hidden = sum.hidden || p.Hidden.Hidden()
	}
	return sum
}

func (s trendSum) text(q *Request) string {
	switch {
	case !s.hidden:
		return locale.Number(s.n)
	case s.n == 0:
		return q.T("disclose.withheld")
	default:
		return q.T("disclose.at_least", "n", s.n)
	}
}

// shareOf says how much of all the own institution has, where all is known.
func (q *Request) shareOf(own, all trendSum) string {
	if all.hidden {
		return q.T("disclose.share")
	}
	return q.T("tools.trends.tile.share", "share", percent(own.n, all.n))
}

// trendItem is an item with its name and its count over all periods.
type trendItem struct {
	item, name string
	count      int64
	hidden     bool // some of it is
}

func (i trendItem) sum() trendSum { return trendSum{i.count, i.hidden} }

// rankTrend lists the items, the most frequent first.
func rankTrend(q *Request, d trend.Dimension, points []trend.Point) []trendItem {
	at := map[string]int{}
	var all []trendItem
	for _, p := range points {
		i, ok := at[p.Item]
		if !ok {
			i = len(all)
			at[p.Item] = i
			all = append(all, trendItem{item: p.Item, name: itemName(q, d, p.Item)})
		}
		all[i].count += p.Count
		all[i].hidden = all[i].hidden || p.Hidden.Hidden()
	}
	slices.SortStableFunc(all, func(a, b trendItem) int { return cmp.Or(cmp.Compare(b.count, a.count), cmp.Compare(a.item, b.item)) })
	return all
}

// itemName is what people call an item; brands and sources are names already.
func itemName(q *Request, d trend.Dimension, item string) string {
	switch d {
	case trend.Category:
		if c, err := category.Parse(item); err == nil {
			return c.Name(q.Lang)
		}
	case trend.NoticeKind:
		if k, err := category.ParseNotice(item); err == nil {
			return k.Name(q.Lang)
		}
	case trend.Technique:
		return q.techniqueName(item)
	case trend.Source:
		return sourceName(q.Lang, item)
	}
	return harmless(item)
}
