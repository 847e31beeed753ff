// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package qr

import (
	"context"
	"math"
)

// draw paints the shapes in order on white.
func (d *drawing) draw(ctx context.Context) *plane {
	v := d.view
	if v[2] <= 0 || v[3] <= 0 {
		v = d.extent()
	}
	if v[2] <= 0 || v[3] <= 0 || v[2]/v[3] > 20 || v[3]/v[2] > 20 {
		return nil
	}
	scale := svgSide / max(v[2], v[3])
	p := newPlane(max(int(v[2]*scale), 1), max(int(v[3]*scale), 1))
	for i := range p.pix {
		p.pix[i] = 255
	}
	budget := mostPaint
	for i, s := range d.shapes {
		if i&1023 == 0 && ctx.Err() != nil {
			return p
		}
		if budget -= p.fill(s, v[0], v[1], scale, budget); budget <= 0 {
			break
		}
	}
	return p
}

func (d *drawing) extent() [4]float64 {
	l, t, r, b := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range d.shapes {
		for _, e := range s.edges {
			l, r = min(l, e.x0, e.x1), max(r, e.x0, e.x1)
			t, b = min(t, e.y0, e.y1), max(b, e.y0, e.y1)
		}
	}
	if l > r {
		return [4]float64{}
	}
	return [4]float64{l, t, r - l, b - t}
}

// fill paints what is inside an odd number of outlines and returns what that
// cost. Every edge is noted at the rows it crosses.
func (p *plane) fill(s outline, left, top, scale float64, budget int) (cost int) {
	low, high := p.h, -1
	type span struct{ first, last int }
	spans := make([]span, len(s.edges))
	for i, e := range s.edges {
		y0, y1 := (min(e.y0, e.y1)-top)*scale, (max(e.y0, e.y1)-top)*scale
		// Rows whose middle lies between the ends.
		first, last := int(math.Ceil(min(max(y0-0.5, 0), float64(p.h)))), int(math.Ceil(min(max(y1-0.5, 0), float64(p.h))))-1
		spans[i] = span{first, last}
		if first <= last {
			low, high = min(low, first), max(high, last)
			cost += last - first + 1
		}
	}
	cost += len(s.edges)
	if low > high || cost > budget {
		return cost
	}
	// delta[x] is a crossing at x: between an odd and an even one is inside.
	w := p.w + 1
	rows := high - low + 1
	if cost += rows * 2; len(s.edges) == 2 {
		// A rectangle, which is nearly everything.
		x0, x1 := p.column(s.edges[0], 0, left, top, scale), p.column(s.edges[1], 0, left, top, scale)
		x0, x1 = min(x0, x1), max(x0, x1)
		for y := low; y <= high; y++ {
			row := p.pix[y*p.w:][:p.w]
			for x := x0; x < x1; x++ {
				row[x] = s.shade
			}
		}
		return cost + rows*(x1-x0)
	}
	if cost += rows * w; cost > budget {
		return cost
	}
	odd := make([]bool, rows*w)
	for i, e := range s.edges {
		for y := spans[i].first; y <= spans[i].last; y++ {
			x := p.column(e, y, left, top, scale)
			odd[(y-low)*w+x] = !odd[(y-low)*w+x]
		}
	}
	for y := range rows {
		inside := false
		for x := range p.w {
			if odd[y*w+x] {
				inside = !inside
			}
			if inside {
				p.pix[(y+low)*p.w+x] = s.shade
			}
		}
	}
	return cost
}

// column is where an edge crosses the middle of a row, between 0 and p.w.
func (p *plane) column(e edge, y int, left, top, scale float64) int {
	x := e.x0
	if e.x0 != e.x1 {
		at := (float64(y)+0.5)/scale + top
		x = e.x0 + (e.x1-e.x0)*(at-e.y0)/(e.y1-e.y0)
	}
	v := math.Round((x - left) * scale)
	return int(min(max(v, 0), float64(p.w)))
}
