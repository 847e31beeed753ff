// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package chart

import (
	"fmt"
	"math"
	"strings"
	"unicode/utf8"
)

// frame is the room in which numbers are drawn.
type frame struct {
	left, top, width, height float64 // of the plot
	most                     float64 // the value at its upper edge
}

// up is the height of a value; bars are exactly proportional.
func (f frame) up(v float64) float64 { return f.height * v / f.most }

func (f frame) bottom() float64 { return f.top + f.height }

const (
	above = 22 // room over the plot, for the unit and a value upon the highest bar
	below = 40 // for two lines of labels
	digit = 7  // about the width of a figure at the axis' size of text
)

// axes draws the vertical scale and the labels and returns the plot.
func (c Chart) axes(b *strings.Builder, width, most float64) frame {
	marks := ticks(most)
	room := 0
	for _, v := range marks {
		room = max(room, textWidth(short(c.Lang, v)))
	}
	f := frame{left: float64(room) + 10, top: above, most: marks[len(marks)-1]}
	f.width = width - f.left - 4
	f.height = math.Round(math.Min(width*0.55, 240))

	b.WriteString(`<g class="axis">`)
	if c.Unit != "" {
		fmt.Fprintf(b, `<text class="unit" x="%s" y="11" text-anchor="end">%s</text>`, num(f.left-6), esc(c.Unit))
	}
	for _, v := range marks {
		y := f.bottom() - f.up(v)
		class := "grid"
		if v == 0 {
			class = "base"
		}
		fmt.Fprintf(b, `<path class="%s" d="M%s %sH%s"/>`, class, num(f.left), num(y), num(f.left+f.width))
		fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="end">%s</text>`, num(f.left-6), num(y+4), esc(short(c.Lang, v)))
	}
	c.labels(b, f)
	b.WriteString("</g>")
	return f
}

// labels writes as many labels as there is room for, always at equal distance,
// and the group below the first label of each.
func (c Chart) labels(b *strings.Builder, f frame) {
	if len(c.Labels) == 0 {
		return
	}
	slot := f.width / float64(len(c.Labels))
	longest := 0
	for _, l := range c.Labels {
		longest = max(longest, textWidth(l.Text))
	}
	every := max(1, int(math.Ceil(float64(longest+6)/slot)))
	group, free := "", 0.0
	for i, l := range c.Labels {
		x := f.left + slot*(float64(i)+0.5)
		if i%every == 0 {
			fmt.Fprintf(b, `<text x="%s" y="%s" text-anchor="middle">%s</text>`, num(x), num(f.bottom()+16), esc(l.Text))
		}
		if l.Group == group {
			continue
		}
		group = l.Group
		start, long := f.left+slot*float64(i), float64(textWidth(l.Group))
		if start < free || start+long > f.left+f.width+4 {
			continue
		}
		free = start + long + 8
		if i > 0 {
			fmt.Fprintf(b, `<path class="grid" d="M%s %sv36"/>`, num(start), num(f.bottom()))
		}
		fmt.Fprintf(b, `<text class="group" x="%s" y="%s">%s</text>`, num(start+4), num(f.bottom()+34), esc(l.Group))
	}
}

// textWidth estimates the width of a text: a character beyond Latin is square.
func textWidth(s string) int {
	n := 0
	for _, r := range s {
		if r < 0x2000 {
			n += digit
		} else {
			n += 12
		}
	}
	return n
}

func (c Chart) tip(at int, s Series, v float64) string {
	text := c.name(at)
	if s.Name != "" {
		text += " " + s.Name
	}
	return text + c.Lang.T("chart.colon") + write(v) + c.Unit
}

func (c Chart) drawBars(b *strings.Builder, width float64, series []Series) float64 {
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
	each := math.Min(slot*0.72, 64) / float64(len(series))
	for i := range c.Labels {
		x := f.left + slot*(float64(i)+0.5) - each*float64(len(series))/2
		for k, s := range series {
			v, ok := s.value(i)
			if !ok {
				continue
			}
			h := f.up(v)
			if h > 0 {
				c.bar(b, c.look(k, series), x+each*float64(k), f.bottom()-h, each, h, c.tip(i, s, v))
			}
			if text := short(c.Lang, v); len(series) == 1 && float64(textWidth(text)) < slot {
				fmt.Fprintf(b, `<text class="value" x="%s" y="%s" text-anchor="middle">%s</text>`, num(x+each/2), num(f.bottom()-h-5), esc(text))
			}
		}
	}
	return f.bottom() + below
}

func (c Chart) drawStacks(b *strings.Builder, width float64, series []Series) float64 {
	most := 0.0
	for i := range c.Labels {
		total, _ := sumAt(series, i)
		most = max(most, total)
	}
	f := c.axes(b, width, most)
	slot := f.width / float64(len(c.Labels))
	each := math.Min(slot*0.72, 64)
	for i := range c.Labels {
		x := f.left + slot*(float64(i)+0.5) - each/2
		below := 0.0
		for k, s := range series {
			v, ok := s.value(i)
			if !ok || v == 0 {
				continue
			}
			h := f.up(v)
			c.bar(b, c.look(k, series), x, f.bottom()-f.up(below)-h, each, h, c.tip(i, s, v))
			below += v
		}
		if text := short(c.Lang, below); below > 0 && float64(textWidth(text)) < slot {
			fmt.Fprintf(b, `<text class="value" x="%s" y="%s" text-anchor="middle">%s</text>`, num(x+each/2), num(f.bottom()-f.up(below)-5), esc(text))
		}
	}
	return f.bottom() + below
}

// rowHeight is the room of one row of a ranking: a line of text and a bar.
const rowHeight = 40

// drawRanking writes each label over its bar and the number at the bar's end.
func (c Chart) drawRanking(b *strings.Builder, width float64, series []Series) float64 {
	s := series[0]
	most, room := 0.0, 0
	for i := range c.Labels {
		if v, ok := s.value(i); ok {
			most = max(most, v)
			room = max(room, textWidth(write(v)+c.Unit))
		}
	}
	full := width - float64(room) - 10
	for i := range c.Labels {
		y := float64(i * rowHeight)
		fmt.Fprintf(b, `<text class="row" x="0" y="%s">%s</text>`, num(y+14), esc(fit(c.name(i), width)))
		v, ok := s.value(i)
		if !ok {
			continue
		}
		length := 0.0
		if v > 0 {
			length = full * v / most
			c.bar(b, 1, 0, y+19, length, 12, c.tip(i, s, v))
		}
		fmt.Fprintf(b, `<text class="value" x="%s" y="%s">%s</text>`, num(length+6), num(y+29.5), esc(write(v)+c.Unit))
	}
	return float64(len(c.Labels) * rowHeight)
}

// fit shortens a label that is wider than the drawing; the table has it whole.
func fit(text string, width float64) string {
	for s := text; s != ""; {
		shown := s
		if s != text {
			shown += "…"
		}
		if float64(textWidth(shown))*1.1 <= width {
			return shown
		}
		_, last := utf8.DecodeLastRuneInString(s)
		s = s[:len(s)-last]
	}
	return ""
}
