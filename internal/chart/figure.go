// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"html"
	"html/template"
	"strings"
)

// Widths of the two drawings, in CSS pixels at which text has its own size.
const (
	wide   = 600
	narrow = 340
)

// Bars draws one bar for each number, the series side by side.
func (c Chart) Bars() template.HTML { return c.figure(c.drawBars, c.bar) }

// StackedBars draws one bar for each label, the series upon each other.
func (c Chart) StackedBars() template.HTML {
	c.Sums = true
	return c.figure(c.drawStacks, c.bar)
}

// Lines draws one line for each series; it is broken where there is no number.
func (c Chart) Lines() template.HTML { return c.figure(c.drawLines, c.lineSwatch) }

// Ranking draws the first series as bars that lie under their labels, for
// labels that are words: techniques, institutions.
func (c Chart) Ranking() template.HTML { return c.figure(c.drawRanking, c.bar) }

// drawing writes the shapes for a width and returns the height.
type drawing func(b *strings.Builder, width float64, series []Series) float64

// swatch writes the sample of a series' look in the legend.
type swatch func(b *strings.Builder, look int, x, y, width, height float64, tip string)

// figure puts the two drawings between the title and the legend, and the
// numbers below.
func (c Chart) figure(draw drawing, sample swatch) template.HTML {
	var b strings.Builder
	fmt.Fprintf(&b, `<figure class="figure" id="%s"><figcaption>%s</figcaption>`, c.ID, esc(c.Title))
	if c.Desc != "" {
		fmt.Fprintf(&b, `<p class="figure-desc">%s</p>`, esc(c.Desc))
	}
	if c.empty() {
		fmt.Fprintf(&b, `<p class="figure-empty">%s</p></figure>`, esc(c.Lang.T("chart.empty")))
		return template.HTML(b.String())
	}
	series := c.top()
	c.patterns(&b, len(series))
	for _, v := range []struct {
		class string
		width float64
	}{{"wide", wide}, {"narrow", narrow}} {
		var shapes strings.Builder
		height := draw(&shapes, v.width, series)
		id := c.ID + "-" + v.class
		fmt.Fprintf(&b, `<svg class="chart chart-%s" viewBox="0 0 %s %s" role="img" aria-labelledby="%s-title %s-desc">`,
			v.class, num(v.width), num(height), id, id)
		fmt.Fprintf(&b, `<title id="%s-title">%s</title><desc id="%s-desc">%s</desc>`, id, esc(c.Title), id, esc(c.describe(series)))
		b.WriteString(shapes.String())
		b.WriteString("</svg>")
	}
	c.legend(&b, series, sample)
	fmt.Fprintf(&b, `<details class="figure-numbers"><summary>%s</summary>%s</details></figure>`, esc(c.Lang.T("chart.numbers")), c.Table())
	return template.HTML(b.String())
}

// describe says in words what the drawing shows: the range and the peak.
func (c Chart) describe(series []Series) string {
	var peak float64
	at := -1
	see := func(i int, v float64) {
		if at < 0 || v > peak {
			peak, at = v, i
		}
	}
	for i := range c.Labels {
		if total, any := sumAt(series, i); any && c.Sums {
			see(i, total)
			continue
		}
		for _, s := range series {
			if v, ok := s.value(i); ok {
				see(i, v)
			}
		}
	}
	key := "chart.desc"
	if len(series) == 1 {
		key = "chart.desc.one"
	}
	if c.Labels[0].Group == "" { // words, which have no from and to
		key = "chart.desc.words"
	}
	text := c.Lang.T(key,
		"from", c.name(0), "to", c.name(len(c.Labels)-1), "n", len(series), "labels", len(c.Labels),
		"peak", c.name(at), "value", write(peak)+c.Unit)
	if c.Desc != "" {
		return c.Desc + " " + text
	}
	return text
}

// name writes a label with its group, as the table and the tips show it.
func (c Chart) name(i int) string {
	l := c.Labels[i]
	switch {
	case l.Group == "":
		return l.Text
	case c.Lang == "en":
		return l.Text + " " + l.Group
	default:
		return l.Group + l.Text
	}
}

// look is the style sheet class of the i-th series drawn; the sum of the others
// is always grey.
func (c Chart) look(i int, series []Series) int {
	if c.Sums && i == len(series)-1 && len(series) < len(c.Series) {
		return 0
	}
	return i%Classes + 1
}

// hatches are the patterns of the series, drawn over their colour on an 8 by 8
// tile. The first is plain.
var hatches = [Classes + 1]string{
	2: `<path d="M-2 6 6-2M2 10 10 2"/>`,
	3: `<circle cx="2" cy="2" r="1"/><circle cx="6" cy="6" r="1"/>`,
	4: `<path d="M0 2h8M0 6h8"/>`,
	5: `<path d="M0 0 8 8M8 0 0 8"/>`,
	6: `<path d="M2 0v8M6 0v8"/>`,
	7: `<path d="M-2 2 6 10M2-2 10 6"/>`,
	8: `<path d="M0 4h8M4 0v8"/>`,
}

// patterns defines those that the drawings and the legend of c share.
func (c Chart) patterns(b *strings.Builder, n int) {
	if n < 2 {
		return
	}
	b.WriteString(`<svg class="chart-patterns" width="0" height="0" aria-hidden="true" focusable="false"><defs>`)
	for i := 2; i <= min(n, Classes); i++ {
		fmt.Fprintf(b, `<pattern id="%s-p%d" class="hatch" width="8" height="8" patternUnits="userSpaceOnUse">%s</pattern>`, c.ID, i, hatches[i])
	}
	b.WriteString("</defs></svg>")
}

// bar writes one rectangle in the look of a series, with its pattern.
func (c Chart) bar(b *strings.Builder, look int, x, y, width, height float64, tip string) {
	b.WriteString("<g>")
	if tip != "" {
		fmt.Fprintf(b, "<title>%s</title>", esc(tip))
	}
	at := fmt.Sprintf(`x="%s" y="%s" width="%s" height="%s"`, num(x), num(y), num(width), num(height))
	fmt.Fprintf(b, `<rect class="bar s%d" %s/>`, look, at)
	if look > 1 {
		fmt.Fprintf(b, `<rect %s fill="url(#%s-p%d)"/>`, at, c.ID, look)
	}
	b.WriteString("</g>")
}

func (c Chart) legend(b *strings.Builder, series []Series, sample swatch) {
	if len(series) < 2 {
		return
	}
	b.WriteString(`<ul class="legend">`)
	for i, s := range series {
		look := c.look(i, series)
		b.WriteString(`<li><svg class="swatch" viewBox="0 0 24 16" width="24" height="16" aria-hidden="true" focusable="false">`)
		sample(b, look, 0, 0, 24, 16, "")
		fmt.Fprintf(b, "</svg>%s</li>", esc(s.Name))
	}
	if n := c.rest(series); n > 0 {
		fmt.Fprintf(b, "<li>%s</li>", esc(c.Lang.T("chart.rest", "n", n)))
	}
	b.WriteString("</ul>")
}

func esc(s string) string { return html.EscapeString(s) }
