// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"html/template"
	"math"
	"strings"

	"teiten/internal/locale"
)

// dashes and points tell lines apart without colour.
var (
	dashes = [Classes + 1]string{2: "7 4", 3: "2 4", 4: "10 3 2 3", 5: "4 2", 6: "12 4", 7: "2 2", 8: "7 3 2 3 2 3"}
	points = [Classes + 1]string{
		0: "M-3.5-1h7v2h-7z",
		1: "M-4 0a4 4 0 1 0 8 0a4 4 0 1 0-8 0z",
		2: "M-3.5-3.5h7v7h-7z",
		3: "M0-4.5 4.5 3.5h-9z",
		4: "M0-5 5 0 0 5-5 0z",
		5: "M0 4.5 4.5-3.5h-9z",
		6: "M-1.5-4.5h3v3h3v3h-3v3h-3v-3h-3v-3h3z",
		7: "M-4.5-4.5 4.5 4.5v-9l-9 9z",
		8: "M-5-2h10v4h-10z",
	}
)

func (c Chart) drawLines(b *strings.Builder, width float64, series []Series) float64 {
	most := 0.0
	for _, s := range series {
		for i := range c.Labels {
			if v, ok := s.value(i); ok {
				most = max(most, v)
			}
		}
	}
	f := c.axes(b, width, most)
	slot := f.width / float64(len(c.Labels))
	for k, s := range series {
		look := c.look(k, series)
		var path strings.Builder
		pen := "M"
		for i := range c.Labels {
			v, ok := s.value(i)
			if !ok {
				pen = "M"
				continue
			}
			fmt.Fprintf(&path, "%s%s %s", pen, num(f.left+slot*(float64(i)+0.5)), num(f.bottom()-f.up(v)))
			pen = "L"
		}
		stroke(b, look, path.String())
		for i := range c.Labels {
			if v, ok := s.value(i); ok {
				fmt.Fprintf(b, `<path class="point s%d" transform="translate(%s %s)" d="%s"><title>%s</title></path>`,
					look, num(f.left+slot*(float64(i)+0.5)), num(f.bottom()-f.up(v)), points[look], esc(c.tip(i, s, v)))
			}
		}
	}
	return f.bottom() + below
}

func stroke(b *strings.Builder, look int, path string) {
	dash := ""
	if dashes[look] != "" {
		dash = fmt.Sprintf(` stroke-dasharray="%s"`, dashes[look])
	}
	fmt.Fprintf(b, `<path class="line s%d"%s d="%s"/>`, look, dash, path)
}

// lineSwatch writes a piece of line with its point.
func (c Chart) lineSwatch(b *strings.Builder, look int, x, y, width, height float64, _ string) {
	stroke(b, look, fmt.Sprintf("M%s %sh%s", num(x), num(y+height/2), num(width)))
	fmt.Fprintf(b, `<path class="point s%d" transform="translate(%s %s)" d="%s"/>`, look, num(x+width/2), num(y+height/2), points[look])
}

// Sparkline draws a line without axes, as high as a line of text, for the side
// of a figure that is written out. The title says what it shows. Values follow
// the rules of Series; fewer than two give no drawing.
func Sparkline(lang locale.Lang, title string, values []float64) template.HTML {
	const width, height, edge = 120.0, 32.0, 4.0
	s := Series{Values: values}
	most, n, last := 0.0, 0, -1
	for i := range values {
		if v, ok := s.value(i); ok {
			most = math.Max(most, v)
			n++
			last = i
		}
	}
	if n < 2 {
		return ""
	}
	place := func(i int) (x, y float64) {
		x = edge + (width-2*edge)*float64(i)/float64(len(values)-1)
		y = height - edge
		if most > 0 {
			y -= (height - 2*edge) * values[i] / most
		}
		return x, y
	}
	var path strings.Builder
	pen := "M"
	for i := range values {
		if _, ok := s.value(i); !ok {
			pen = "M"
			continue
		}
		x, y := place(i)
		fmt.Fprintf(&path, "%s%s %s", pen, num(x), num(y))
		pen = "L"
	}
	x, y := place(last)
	label := title + lang.T("chart.colon") + lang.T("chart.last", "value", write(values[last]), "most", write(most))
	return template.HTML(fmt.Sprintf(`<svg class="sparkline" viewBox="0 0 %s %s" width="%s" height="%s" role="img" aria-label="%s"><title>%s</title><path class="line s1" d="%s"/><circle class="point s1" cx="%s" cy="%s" r="3"/></svg>`,
		num(width), num(height), num(width), num(height), esc(label), esc(label), path.String(), num(x), num(y)))
}
