// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html/template"
	"math"
	"slices"

	"teiten/internal/category"
	"teiten/internal/chart"
	"teiten/internal/trend"
)

// draw makes the chart of points. Items, those of everyone, decide which series
// there are and in which look, so that figures side by side mean the same by
// the same look; with more than chart.Classes of them, the rarer ones are summed.
func (a *trendAsked) draw(q *Request, id, title string, items []trendItem, points []trend.Point) template.HTML {
	items = a.ordered(items)
	if kept := chart.Classes - 1; len(items) > chart.Classes {
		items = append(slices.Clone(items[:kept]), trendItem{name: q.T("chart.others", "n", len(items)-kept)})
	}
	c := a.chart(q, title, items, points)
	c.ID = id
	c.Desc = q.T("tools.trends.desc", "series", q.T("tools.trends.series."+string(a.Series)), "by", q.T("tools.trends.by."+string(a.Dimension)))
	if a.Lines {
		return c.Lines()
	}
	return c.StackedBars()
}

// mostRows is how many items the table of all numbers has at most.
const mostRows = 200

// table writes the counts of every item.
func (a *trendAsked) table(q *Request, items []trendItem, points []trend.Point) template.HTML {
	if len(items) > mostRows {
		items = append(slices.Clone(items[:mostRows]), trendItem{name: q.T("chart.others", "n", len(items)-mostRows)})
	}
	return a.chart(q, q.T("tools.trends.numbers"), items, points).Table()
}

// ordered keeps categories in their own order; other items stand by their number.
func (a *trendAsked) ordered(items []trendItem) []trendItem {
	if a.Dimension != trend.Category {
		return items
	}
	items = slices.Clone(items)
	order := category.All()
	slices.SortStableFunc(items, func(x, y trendItem) int {
		return slices.Index(order, category.Category(x.item)) - slices.Index(order, category.Category(y.item))
	})
	return items
}

// chart has one series for each item. What belongs to none of them goes to the
// last one, which then has no item.
func (a *trendAsked) chart(q *Request, title string, items []trendItem, points []trend.Point) chart.Chart {
	c := chart.Chart{
		Lang: q.Lang, Title: title, Unit: q.T("tools.trends.unit"), Sums: true,
		Across: q.T("tools.trends.every." + map[bool]string{true: "month", false: "day"}[a.Monthly]),
	}
	periods := a.Periods()
	if start := trend.DayStart(a.From); a.Monthly {
		c.Labels = chart.Months(q.Lang, start, len(periods))
	} else {
		c.Labels = chart.Days(q.Lang, start, len(periods))
	}
	if len(points) == 0 {
		return c // without numbers, which it says
	}
	column, at := map[string]int{}, map[string]int{}
	for i, p := range periods {
		column[p] = i
	}
	for i, item := range items {
		at[item.item] = i
		c.Series = append(c.Series, chart.Series{Name: item.name, Values: make([]float64, len(periods))})
	}
	for _, p := range points {
		i, ok := at[p.Item]
		if !ok {
			i = len(items) - 1
		}
		switch at := &c.Series[i].Values[column[p.Period]]; {
		case p.Hidden.Hidden() && *at == 0:
			*at = chart.None
		case math.IsNaN(*at) && p.Count > 0: // of the rarer ones together, only some are hidden
			*at = float64(p.Count)
		default:
			*at += float64(p.Count)
		}
	}
	return c
}

// rankingChart shows the items over the whole period.
func rankingChart(q *Request, d trend.Dimension, items []trendItem) template.HTML {
	const most = 12
	c := chart.Chart{
		ID: "c-rank", Lang: q.Lang, Title: q.T("tools.trends.ranking"), Unit: q.T("tools.trends.unit"),
		Across: q.T("tools.trends.by." + string(d)), Series: []chart.Series{{}},
	}
	if len(items) > most {
		c.Title = q.T("tools.trends.ranking.top", "n", most)
		items = items[:most]
	}
	for _, item := range items {
		c.Labels = append(c.Labels, chart.Label{Text: item.name})
		value := float64(item.count)
		if item.hidden && item.count == 0 {
			value = chart.None
		}
		c.Series[0].Values = append(c.Series[0].Values, value)
	}
	return c.Ranking()
}
