// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"html/template"
	"strings"
)

// Table writes the same numbers, every series included, with sums where the
// numbers may be added. A number that is not known is a dash.
func (c Chart) Table() template.HTML {
	var b strings.Builder
	caption := c.Title
	if c.Unit != "" {
		caption += c.Lang.T("chart.unit", "unit", c.Unit)
	}
	fmt.Fprintf(&b, `<div class="scroll" tabindex="0" role="region" aria-label="%s"><table class="numbers"><caption>%s</caption>`, esc(caption), esc(caption))
	if len(c.Series) <= Classes {
		c.labelsDown(&b)
	} else {
		c.seriesDown(&b)
	}
	b.WriteString("</table></div>")
	return template.HTML(b.String())
}

// labelsDown has a row for each label, which suits a phone.
func (c Chart) labelsDown(b *strings.Builder) {
	sums := c.Sums && len(c.Series) > 1
	fmt.Fprintf(b, `<thead><tr><th scope="col">%s</th>`, esc(c.Across))
	for _, s := range c.Series {
		name := s.Name
		if name == "" {
			name = c.Title
		}
		fmt.Fprintf(b, `<th scope="col">%s</th>`, esc(name))
	}
	if sums {
		fmt.Fprintf(b, `<th scope="col">%s</th>`, esc(c.Lang.T("chart.sum")))
	}
	b.WriteString("</tr></thead><tbody>")
	for i := range c.Labels {
		fmt.Fprintf(b, `<tr><th scope="row">%s</th>`, esc(c.name(i)))
		for _, s := range c.Series {
			cell(b, s, i)
		}
		if sums {
			total, any := sumAt(c.Series, i)
			sumCell(b, total, any)
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</tbody>")
}

// seriesDown has a row for each series, for many of them.
func (c Chart) seriesDown(b *strings.Builder) {
	b.WriteString(`<thead><tr><td></td>`)
	for i := range c.Labels {
		fmt.Fprintf(b, `<th scope="col">%s</th>`, esc(c.name(i)))
	}
	if c.Sums {
		fmt.Fprintf(b, `<th scope="col">%s</th>`, esc(c.Lang.T("chart.sum")))
	}
	b.WriteString("</tr></thead><tbody>")
	for _, s := range c.Series {
		fmt.Fprintf(b, `<tr><th scope="row">%s</th>`, esc(s.Name))
		for i := range c.Labels {
			cell(b, s, i)
		}
		if c.Sums {
			sumCell(b, s.sum(), true)
		}
		b.WriteString("</tr>")
	}
	b.WriteString("</tbody>")
}

func cell(b *strings.Builder, s Series, i int) {
	text := "–"
	if v, ok := s.value(i); ok {
		text = write(v)
	}
	fmt.Fprintf(b, "<td>%s</td>", text)
}

func sumCell(b *strings.Builder, total float64, any bool) {
	text := "–"
	if any {
		text = write(total)
	}
	fmt.Fprintf(b, `<td class="sum">%s</td>`, text)
}
