// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package qr

import (
	"context"
	"strings"
	"unicode/utf8"
)

const (
	// mostCells in a row or column: version 40 has 177, and a border.
	mostCells = 400
	// mostText is looked through.
	mostText = 4 << 20
	// mostDrawings in one text are read.
	mostDrawings = 16
	cellPixels   = 4
)

// FromCells returns the codes in a grid of cells, dark ones true, such as the
// background colours of an HTML table make. A grid beyond 400 by 400 holds none.
// Cells may be several to a module.
func FromCells(cells [][]bool) []Code {
	ctx, cancel := context.WithTimeout(context.Background(), mostTime)
	defer cancel()
	f := &found{}
	f.cells(ctx, cells, 1)
	return f.all()
}

// cells reads a grid; tall is how many times as high as wide a cell is.
func (f *found) cells(ctx context.Context, cells [][]bool, tall int) {
	h, w := len(cells), 0
	for _, row := range cells {
		w = max(w, len(row))
	}
	if w < smallestCode || h*tall < smallestCode || w > mostCells || h > mostCells {
		return
	}
	p := newPlane(w*cellPixels, h*cellPixels*tall)
	dark := 0
	for y := range p.h {
		row := cells[y/(cellPixels*tall)]
		for x := range p.w {
			if i := x / cellPixels; i < len(row) && row[i] {
				dark++
			} else {
				p.pix[y*p.w+x] = 255
			}
		}
	}
	if dark == 0 || dark == len(p.pix) {
		return
	}
	f.both(ctx, p, true)
}

// FromText returns the codes that are drawn in a text with block characters:
// full and half blocks, quadrants, shades, or "##" for a module.
func FromText(text string) []Code {
	ctx, cancel := context.WithTimeout(context.Background(), mostTime)
	defer cancel()
	f := &found{}
	text = text[:min(len(text), mostText)]
	var lines []string
	drawings := 0
	end := func() {
		if len(lines) >= smallestCode/2 && drawings < mostDrawings && ctx.Err() == nil {
			drawings++
			f.drawing(ctx, lines)
		}
		lines = lines[:0]
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if drawn(line) && len(lines) < mostCells {
			lines = append(lines, line)
		} else {
			end()
		}
	}
	end()
	return f.all()
}

// ink is how a character fills its four quarters: upper left, upper right,
// lower left, lower right.
type ink [4]bool

var inks = map[rune]ink{
	'█': {true, true, true, true}, '▀': {true, true, false, false}, '▄': {false, false, true, true},
	'▌': {true, false, true, false}, '▐': {false, true, false, true},
	'▘': {true, false, false, false}, '▝': {false, true, false, false}, '▖': {false, false, true, false}, '▗': {false, false, false, true},
	'▙': {true, false, true, true}, '▛': {true, true, true, false}, '▜': {true, true, false, true}, '▟': {false, true, true, true},
	'▚': {true, false, false, true}, '▞': {false, true, true, false},
	'▓': {true, true, true, true}, '▒': {true, true, true, true}, '■': {true, true, true, true}, '⬛': {true, true, true, true}, '#': {true, true, true, true},
	' ': {}, '\u00A0': {}, '\u3000': {}, '░': {}, '□': {}, '⬜': {}, '\u2007': {}, '\u2800': {},
}

// drawn reports whether a line consists of what codes are drawn with. A line
// of spaces may belong to one.
func drawn(line string) bool {
	if len(line) < smallestCode/2 {
		return false
	}
	n := 0
	for _, r := range line {
		if n++; n > mostCells*2 {
			return false
		}
		if _, ok := inks[r]; !ok {
			return false
		}
	}
	return true
}

// drawing reads the lines as every kind of drawing they may be.
func (f *found) drawing(ctx context.Context, lines []string) {
	halves, quarters, fulls := false, false, false
	widest := 0
	for _, line := range lines {
		widest = max(widest, utf8.RuneCountInString(line))
		for _, r := range line {
			switch i := inks[r]; {
			case i[0] != i[1] || i[2] != i[3]:
				quarters = true
			case i[0] != i[2]:
				halves = true
			case i[0]:
				fulls = true
			}
		}
	}
	if !halves && !quarters && !fulls {
		return
	}
	rows := make([][]bool, 0, 2*len(lines))
	for _, line := range lines {
		upper, lower := make([]bool, 0, 2*widest), make([]bool, 0, 2*widest)
		for _, r := range line {
			i := inks[r]
			upper, lower = append(upper, i[0], i[1]), append(lower, i[2], i[3])
		}
		rows = append(rows, upper, lower)
	}
	if quarters {
		f.cells(ctx, rows, 1)
		return
	}
	// A character is two quarters wide; a module is one character where it has
	// halves, and one or two where it has none.
	for i, row := range rows {
		single := make([]bool, 0, len(row)/2)
		for x := 0; x < len(row); x += 2 {
			single = append(single, row[x])
		}
		rows[i] = single
	}
	if halves {
		f.cells(ctx, rows, 1)
		return
	}
	whole := make([][]bool, 0, len(lines))
	for i := 0; i < len(rows); i += 2 {
		whole = append(whole, rows[i])
	}
	if f.cells(ctx, whole, 2); !f.any() {
		f.cells(ctx, whole, 1)
	}
}
