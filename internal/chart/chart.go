// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package chart draws counts as SVG on the server: exact, readable in print and
// in the dark, with the same numbers beside it as a table.
//
// Nothing is told by colour alone: series differ by pattern or by the shape of
// their points and are named in a legend. Colours come from style sheet classes
// (s1 … s8), never from attributes or inline styles, so a strict content
// security policy holds and light, dark and print each have their own.
//
// Every drawing comes twice, wide and narrow, so that its text keeps its size
// on a phone; the style sheet shows one.
package chart

import (
	"math"
	"slices"

	"teiten/internal/locale"
)

// Chart is what is to be drawn.
type Chart struct {
	ID     string // unique on the page; letters, digits and -
	Lang   locale.Lang
	Title  string
	Desc   string // one sentence for people who do not see the drawing
	Unit   string // after each number, as in "件"; may be ""
	Across string // what the labels are, as in "月": the table's first column
	Labels []Label
	Series []Series
	Sums   bool // the numbers may be added: counts, not medians. StackedBars sets it
	Most   int  // most series drawn one by one; 0 means 8, or 7 and the sum of the others
}

// Label names one place on the horizontal axis.
type Label struct {
	Text  string // "3月"
	Group string // "2026年": written below where it changes; may be ""
}

// Series is one row of numbers, one for each label. A value is a count or a
// duration: what is negative or infinite, like None, is not drawn.
type Series struct {
	Name   string
	Values []float64
}

// None stands for a value that is not known, unlike one that is zero.
var None = math.NaN()

// Classes is the number of series that have a look of their own.
const Classes = 8

// value returns the number at i, or false where there is none.
func (s Series) value(i int) (float64, bool) {
	if i >= len(s.Values) {
		return 0, false
	}
	v := s.Values[i]
	return v, v >= 0 && !math.IsInf(v, 1)
}

func (s Series) sum() (total float64) {
	for i := range s.Values {
		if v, ok := s.value(i); ok {
			total += v
		}
	}
	return total
}

// top returns the series to draw: those with the largest numbers, in the order
// given, and, where numbers may be added, the sum of the others last.
func (c Chart) top() []Series {
	most := c.Most
	if most <= 0 || most >= Classes {
		most = Classes - 1
	}
	if len(c.Series) <= most || len(c.Series) <= Classes && c.Most == 0 {
		return c.Series
	}
	order := make([]int, len(c.Series))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch sa, sb := c.Series[a].sum(), c.Series[b].sum(); {
		case sa > sb:
			return -1
		case sa < sb:
			return 1
		default:
			return a - b
		}
	})
	kept := slices.Clone(order[:most])
	slices.Sort(kept)
	shown := make([]Series, 0, most+1)
	for _, i := range kept {
		shown = append(shown, c.Series[i])
	}
	if !c.Sums {
		return shown
	}
	others := Series{
		Name:   c.Lang.T("chart.others", "n", len(c.Series)-most),
		Values: make([]float64, len(c.Labels)),
	}
	for at := range c.Labels {
		others.Values[at] = None
		for _, i := range order[most:] {
			v, ok := c.Series[i].value(at)
			switch {
			case !ok:
			case math.IsNaN(others.Values[at]):
				others.Values[at] = v
			default:
				others.Values[at] += v
			}
		}
	}
	return append(shown, others)
}

// rest is how many series the drawing leaves to the table.
func (c Chart) rest(shown []Series) int {
	if c.Sums {
		return 0
	}
	return len(c.Series) - len(shown)
}

// sumAt adds what the series have at one label.
func sumAt(series []Series, at int) (total float64, any bool) {
	for _, s := range series {
		if v, ok := s.value(at); ok {
			total += v
			any = true
		}
	}
	return total, any
}

// empty reports whether there is not one number to draw.
func (c Chart) empty() bool {
	for _, s := range c.Series {
		for at := range c.Labels {
			if _, ok := s.value(at); ok {
				return false
			}
		}
	}
	return true
}
