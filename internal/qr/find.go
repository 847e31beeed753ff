// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package qr

import (
	"cmp"
	"context"
	"math"
	"slices"

	"github.com/makiuchi-d/gozxing"
)

// corner is a finder pattern: a dark square in a light one in a dark one.
type corner struct {
	x, y, size float64 // size of a module, in pixels
	seen       int
}

// doubt is how far the rows that saw a corner are from the three modules that
// its dark middle is high.
func (c corner) doubt() float64 {
	return math.Abs(1 - float64(c.seen)/(3*c.size))
}

const (
	// smallestCode is the width of version 1 in modules.
	smallestCode = 21
	// mostCorners are combined. A page full of codes has fewer; hostile images
	// have thousands.
	mostCorners = 300
	// nearest corners are tried together with one.
	nearest = 24
	// mostTriples are read.
	mostTriples = 250
)

// corners looks for the finder patterns in every row: dark, light, dark, light,
// dark as 1:1:3:1:1 (ISO/IEC 18004, section 6.3.3), then across.
func corners(ctx context.Context, m *gozxing.BitMatrix) []corner {
	w, h := m.GetWidth(), m.GetHeight()
	var all []corner
	grid := map[[2]int][]int{} // corners by squares of 16 pixels
	var runs []int
	for y := 0; y < h; y++ {
		if y&63 == 0 && ctx.Err() != nil {
			break
		}
		runs = runs[:0]
		dark := false // the first run is light, maybe of no length
		start := 0
		for x := range w {
			if m.Get(x, y) != dark {
				runs = append(runs, x-start)
				start, dark = x, !dark
			}
		}
		runs = append(runs, w-start)
		at := 0
		for i, n := range runs {
			// Dark runs are at odd places.
			if i%2 == 1 && i+4 < len(runs) {
				r := [5]int(runs[i : i+5])
				if total, ok := finder(r, straight); ok {
					x := float64(at+r[0]+r[1]) + float64(r[2])/2
					if c, ok := across(m, int(x), y, total); ok {
						all = merge(all, grid, c)
					}
				}
			}
			at += n
		}
	}
	// The dark middle is three modules high.
	all = slices.DeleteFunc(all, func(c corner) bool { return float64(c.seen) < c.size })
	if len(all) > mostCorners {
		slices.SortStableFunc(all, func(a, b corner) int { return cmp.Compare(b.seen, a.seen) })
		all = all[:mostCorners]
	}
	return all
}

// By how much of a module a run may be off, along the pattern's sides or not.
const (
	straight = 0.6
	diagonal = 0.8
)

// finder reports whether five runs are a finder pattern's.
func finder(r [5]int, tolerance float64) (total int, ok bool) {
	for _, n := range r {
		if n == 0 {
			return 0, false
		}
		total += n
	}
	if total < 7 {
		return 0, false
	}
	unit := float64(total) / 7
	off := unit * tolerance
	for i, n := range r {
		want := unit
		if i == 2 {
			want = 3 * unit
		}
		if math.Abs(want-float64(n)) >= off*want/unit {
			return 0, false
		}
	}
	return total, true
}

// across checks the pattern vertically and once more horizontally, and returns
// its centre.
func across(m *gozxing.BitMatrix, x, y, total int) (corner, bool) {
	cy, tall, ok := cross(m, x, y, 0, 1, total, straight)
	if !ok {
		return corner{}, false
	}
	cx, wide, ok := cross(m, x, int(cy), 1, 0, total, straight)
	if !ok || 2*tall > 5*wide || 2*wide > 5*tall {
		return corner{}, false
	}
	// Text and the inside of codes pass so far, but not also on the diagonals.
	for _, dy := range []int{1, -1} {
		if _, _, ok := cross(m, int(cx), int(cy), 1, dy, total, diagonal); !ok {
			return corner{}, false
		}
	}
	return corner{x: cx, y: cy, size: float64(tall+wide) / 14, seen: 1}, true
}

// cross measures the runs through a point in one direction and returns the
// middle of the dark one in the centre.
func cross(m *gozxing.BitMatrix, x, y, dx, dy, total int, tolerance float64) (centre float64, length int, ok bool) {
	w, h := m.GetWidth(), m.GetHeight()
	if !m.Get(x, y) {
		return 0, 0, false
	}
	var runs [5]int
	walk := func(sign, first, step int) bool {
		want := true
		slot := first
		for i := 1; ; i++ {
			px, py := x+sign*i*dx, y+sign*i*dy
			if i > 2*total {
				return false
			}
			if px < 0 || py < 0 || px >= w || py >= h {
				return slot == first+2*step && runs[slot] > 0
			}
			if m.Get(px, py) != want {
				if slot == first+2*step {
					return true
				}
				slot += step
				want = !want
			}
			runs[slot]++
		}
	}
	if !walk(-1, 2, -1) {
		return 0, 0, false
	}
	before := runs[2]
	if !walk(1, 2, 1) {
		return 0, 0, false
	}
	after := runs[2] - before
	runs[2]++ // the point itself
	length, ok = finder(runs, tolerance)
	return float64(x*dx+y*dy) + float64(after-before)/2 + 0.5, length, ok
}

// merge counts a corner that was found before, in another row.
func merge(all []corner, grid map[[2]int][]int, c corner) []corner {
	gx, gy := int(c.x)>>4, int(c.y)>>4
	for dx := -1; dx <= 1; dx++ {
		for dy := -1; dy <= 1; dy++ {
			for _, i := range grid[[2]int{gx + dx, gy + dy}] {
				o := &all[i]
				if math.Abs(o.x-c.x) <= o.size && math.Abs(o.y-c.y) <= o.size && math.Abs(o.size-c.size) <= max(1, o.size/2) {
					n := float64(o.seen)
					o.x, o.y, o.size = (o.x*n+c.x)/(n+1), (o.y*n+c.y)/(n+1), (o.size*n+c.size)/(n+1)
					o.seen++
					return all
				}
			}
		}
	}
	key := [2]int{gx, gy}
	// A square of 16 pixels has room for four patterns of seven.
	if len(grid[key]) < 16 {
		grid[key] = append(grid[key], len(all))
		all = append(all, c)
	}
	return all
}

// triple is three corners that may be a code's.
type triple struct {
	lowLeft, topLeft, topRight int
	off                        float64 // how far from a right angle of equal sides
}

// triples combines corners, the likeliest first.
func triples(all []corner) []triple {
	var found []triple
	type neighbour struct {
		i int
		d float64
	}
	for a := range all {
		var near []neighbour
		for b := range all {
			if ratio := all[b].size / all[a].size; b != a && ratio > 0.6 && ratio < 1.7 {
				d := math.Hypot(all[b].x-all[a].x, all[b].y-all[a].y)
				// Between two corners are 14 modules (version 1) to 170 (40).
				if modules := d * 2 / (all[a].size + all[b].size); modules > 9 && modules < 230 {
					near = append(near, neighbour{b, d})
				}
			}
		}
		slices.SortFunc(near, func(x, y neighbour) int {
			return cmp.Or(cmp.Compare(math.Round(5*all[x.i].doubt()), math.Round(5*all[y.i].doubt())), cmp.Compare(x.d, y.d), x.i-y.i)
		})
		near = near[:min(len(near), nearest)]
		for i, b := range near {
			for _, c := range near[i+1:] {
				bx, by := all[b.i].x-all[a].x, all[b.i].y-all[a].y
				cx, cy := all[c.i].x-all[a].x, all[c.i].y-all[a].y
				cos := math.Abs(bx*cx+by*cy) / (b.d * c.d)
				off := cos + math.Abs(b.d-c.d)/max(b.d, c.d) + 0.3*math.Abs(all[b.i].size-all[c.i].size)/all[a].size
				if cos > 0.4 || math.Abs(b.d-c.d) > 0.35*max(b.d, c.d) {
					continue
				}
				// The data of a code may imitate corners, but rarely as well.
				off += 0.5 * (all[a].doubt() + all[b.i].doubt() + all[c.i].doubt())
				t := triple{lowLeft: c.i, topLeft: a, topRight: b.i, off: off}
				// Downward is right of rightward, as y grows downward.
				if bx*cy-by*cx < 0 {
					t.lowLeft, t.topRight = t.topRight, t.lowLeft
				}
				found = append(found, t)
			}
		}
	}
	slices.SortStableFunc(found, func(x, y triple) int { return cmp.Compare(x.off, y.off) })
	return found[:min(len(found), mostTriples)]
}
