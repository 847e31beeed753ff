// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package qr

import (
	"bytes"
	"context"
	"encoding/xml"
	"math"
	"strconv"
	"strings"
)

// Programs that make QR codes write them as <rect> for each module, as a path
// around the dark parts, or as strokes along the rows. That much of SVG is
// drawn here: rectangles, circles and straight paths with plain colours, moved
// and scaled. Curves become straight lines, and style sheets are not read.

const (
	mostShapes = 200_000
	svgSide    = 1000       // pixels
	mostPaint  = 40_000_000 // pixels, counting those painted over
	deepestSVG = 200
)

func isSVG(b []byte) bool {
	head := b[:min(len(b), 4096)]
	head = bytes.TrimLeft(bytes.TrimPrefix(head, []byte("\xEF\xBB\xBF")), " \t\r\n")
	return bytes.HasPrefix(head, []byte("<")) && bytes.Contains(head, []byte("<svg"))
}

// state is what an SVG element passes on to those inside.
type state struct {
	sx, sy, tx, ty float64 // x' = sx·x + tx
	fill, stroke   int     // shade, or none
	width          float64
	hidden         bool
}

const none = -1

// outline is a polygon of one or more outlines in one shade.
type outline struct {
	edges []edge
	shade byte
}

type edge struct{ x0, y0, x1, y1 float64 }

type drawing struct {
	shapes []outline
	count  int
	view   [4]float64 // x, y, width, height
}

// readSVG draws an image and reads its codes.
func readSVG(ctx context.Context, b []byte) []Code {
	d := parseSVG(ctx, b)
	p := d.draw(ctx)
	if p == nil || p.contrast() < 16 {
		return nil
	}
	f := &found{}
	f.scales(ctx, p)
	return f.all()
}

func parseSVG(ctx context.Context, b []byte) *drawing {
	d := &drawing{}
	dec := xml.NewDecoder(bytes.NewReader(b))
	dec.Strict = false
	dec.Entity = xml.HTMLEntity
	stack := []state{{sx: 1, sy: 1, fill: 0, stroke: none, width: 1}}
	for n := 0; ; n++ {
		if n&1023 == 0 && ctx.Err() != nil {
			return d
		}
		token, err := dec.RawToken()
		if err != nil {
			return d
		}
		switch t := token.(type) {
		case xml.StartElement:
			if len(stack) > deepestSVG {
				return d
			}
			s := stack[len(stack)-1]
			attrs := attributes(t)
			s.read(attrs)
			switch t.Name.Local {
			case "svg":
				if len(stack) == 1 {
					d.view = viewBox(attrs)
				}
			case "defs", "clipPath", "mask", "pattern", "symbol":
				s.hidden = true
			case "rect":
				x, y, w, h := number(attrs["x"], d.view[2]), number(attrs["y"], d.view[3]), number(attrs["width"], d.view[2]), number(attrs["height"], d.view[3])
				d.rect(s, x, y, w, h)
			case "circle":
				x, y, r := number(attrs["cx"], 0), number(attrs["cy"], 0), number(attrs["r"], 0)
				d.rect(s, x-r, y-r, 2*r, 2*r)
			case "path":
				d.path(s, attrs["d"])
			case "polygon":
				d.path(s, "M"+attrs["points"]+"z")
			}
			stack = append(stack, s)
		case xml.EndElement:
			if len(stack) > 1 {
				stack = stack[:len(stack)-1]
			}
		}
		if d.count > mostShapes {
			return d
		}
	}
}

// attributes returns them by local name, with those of a style attribute.
func attributes(t xml.StartElement) map[string]string {
	m := make(map[string]string, len(t.Attr))
	for _, a := range t.Attr {
		m[a.Name.Local] = a.Value
	}
	for part := range strings.SplitSeq(m["style"], ";") {
		if k, v, ok := strings.Cut(part, ":"); ok {
			m[strings.TrimSpace(k)] = strings.TrimSpace(v)
		}
	}
	return m
}

func (s *state) read(attrs map[string]string) {
	if v, ok := attrs["fill"]; ok {
		s.fill = colour(v, s.fill)
	}
	if v, ok := attrs["stroke"]; ok {
		s.stroke = colour(v, s.stroke)
	}
	if v, ok := attrs["stroke-width"]; ok {
		s.width = number(v, 0)
	}
	if attrs["display"] == "none" || attrs["visibility"] == "hidden" {
		s.hidden = true
	}
	rest := attrs["transform"]
	for range 16 {
		name, after, ok := strings.Cut(rest, "(")
		if !ok {
			return
		}
		var list string
		if list, rest, ok = strings.Cut(after, ")"); !ok {
			return
		}
		n := numbers(list, 6)
		switch name = strings.Trim(name, " ,\t\r\n"); {
		case name == "translate" && len(n) >= 1:
			n = append(n, 0)
			s.tx, s.ty = s.tx+s.sx*n[0], s.ty+s.sy*n[1]
		case name == "scale" && len(n) >= 1:
			n = append(n, n[0])
			s.sx, s.sy = s.sx*n[0], s.sy*n[1]
		case name == "matrix" && len(n) == 6:
			s.tx, s.ty = s.tx+s.sx*n[4], s.ty+s.sy*n[5]
			s.sx, s.sy = s.sx*n[0], s.sy*n[3]
		}
	}
}

func viewBox(attrs map[string]string) [4]float64 {
	if n := numbers(attrs["viewBox"], 4); len(n) == 4 && n[2] > 0 && n[3] > 0 {
		return [4]float64(n)
	}
	return [4]float64{0, 0, number(attrs["width"], 0), number(attrs["height"], 0)}
}

// number reads a length; units are taken for pixels, a percentage is of whole.
func number(s string, whole float64) float64 {
	s = strings.TrimSpace(s)
	end := len(s)
	for end > 0 && (s[end-1]|0x20 >= 'a' && s[end-1]|0x20 <= 'z' || s[end-1] == '%') {
		end--
	}
	v, err := strconv.ParseFloat(s[:end], 64)
	if err != nil || math.IsNaN(v) || math.Abs(v) > 1e9 {
		return 0
	}
	if strings.HasSuffix(s, "%") {
		return v * whole / 100
	}
	return v
}

// numbers reads up to most numbers.
func numbers(s string, most int) []float64 {
	var all []float64
	for len(all) < most {
		v, rest, ok := nextNumber(s)
		if !ok {
			break
		}
		all, s = append(all, v), rest
	}
	return all
}

// nextNumber reads a number of a path, where "1-2.5.5" are three.
func nextNumber(s string) (v float64, rest string, ok bool) {
	s = strings.TrimLeft(s, " ,\t\r\n")
	i, dot, digits := 0, false, false
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case c >= '0' && c <= '9':
			digits = true
			continue
		case (c == '-' || c == '+') && i == 0:
			continue
		case c == '.' && !dot:
			dot = true
			continue
		case c|0x20 == 'e' && digits && i+1 < len(s) && (s[i+1] >= '0' && s[i+1] <= '9' || s[i+1] == '-'):
			i++
			for i+1 < len(s) && s[i+1] >= '0' && s[i+1] <= '9' {
				i++
			}
			i++
		}
		break
	}
	if !digits || i > 64 {
		return 0, s, false
	}
	v, err := strconv.ParseFloat(s[:i], 64)
	return v, s[i:], err == nil && math.Abs(v) <= 1e9
}

// colour is the shade of a colour; inherited is kept for what is not known.
func colour(v string, inherited int) int {
	v = strings.ToLower(strings.TrimSpace(v))
	switch v {
	case "none", "transparent":
		return none
	case "white":
		return 255
	case "inherit", "currentcolor":
		return inherited
	}
	if strings.HasPrefix(v, "#") && (len(v) == 4 || len(v) >= 7) {
		h := v[1:]
		if len(h) == 3 {
			h = string([]byte{h[0], h[0], h[1], h[1], h[2], h[2]})
		}
		if n, err := strconv.ParseUint(h[:6], 16, 32); err == nil {
			return int(299*(n>>16)+587*(n>>8&255)+114*(n&255)) / 1000
		}
	}
	if list, ok := strings.CutPrefix(v, "rgb("); ok {
		if n := numbers(strings.ReplaceAll(list, "%", " "), 3); len(n) == 3 {
			unit := 1.0
			if strings.Contains(list, "%") {
				unit = 2.55
			}
			return int(min(max(unit*(0.299*n[0]+0.587*n[1]+0.114*n[2]), 0), 255))
		}
	}
	// Names of colours are mostly of dark ones where codes are drawn.
	return 0
}

func (d *drawing) add(s state, shade int, edges []edge) {
	if s.hidden || shade == none || len(edges) == 0 {
		return
	}
	if d.count += len(edges); d.count > mostShapes {
		return
	}
	for i, e := range edges {
		edges[i] = edge{e.x0*s.sx + s.tx, e.y0*s.sy + s.ty, e.x1*s.sx + s.tx, e.y1*s.sy + s.ty}
	}
	d.shapes = append(d.shapes, outline{edges, byte(shade)})
}

func (d *drawing) rect(s state, x, y, w, h float64) {
	if w > 0 && h > 0 {
		// Only edges that go down or up matter for what is between them.
		d.add(s, s.fill, []edge{{x, y, x, y + h}, {x + w, y, x + w, y + h}})
	}
}

// path reads a path: what it surrounds is filled, and strokes along the rows
// are as wide as the pen.
func (d *drawing) path(s state, text string) {
	var edges, strokes []edge
	var x, y, x0, y0 float64
	line := func(nx, ny float64) {
		edges = append(edges, edge{x, y, nx, ny})
		if s.stroke != none && s.width > 0 && (y == ny) != (x == nx) {
			half := s.width / 2
			l, r, t, b := min(x, nx), max(x, nx), min(y, ny), max(y, ny)
			if y == ny {
				t, b = t-half, b+half
			} else {
				l, r = l-half, r+half
			}
			strokes = append(strokes, edge{l, t, l, b}, edge{r, t, r, b})
		}
		x, y = nx, ny
	}
	command := byte(0)
	arguments := map[byte]int{'m': 2, 'l': 2, 'h': 1, 'v': 1, 'c': 6, 's': 4, 'q': 4, 't': 2, 'a': 7}
	for len(edges) < mostShapes {
		text = strings.TrimLeft(text, " ,\t\r\n")
		if text == "" {
			break
		}
		if c := text[0] | 0x20; c >= 'a' && c <= 'z' {
			command, text = text[0], text[1:]
			if c == 'z' {
				line(x0, y0)
				continue
			}
		}
		n := arguments[command|0x20]
		if n == 0 {
			break
		}
		var a [7]float64
		good := true
		for i := range n {
			var ok bool
			if a[i], text, ok = nextNumber(text); !ok {
				good = false
				break
			}
		}
		if !good {
			break
		}
		// The end point comes last; curves become lines to it.
		ex, ey := a[max(n-2, 0)], a[n-1]
		relative := command >= 'a'
		switch command | 0x20 {
		case 'h':
			ex, ey = a[0], 0
			if !relative {
				ey = y
			}
		case 'v':
			ex, ey = 0, a[0]
			if !relative {
				ex = x
			}
		}
		if relative {
			ex, ey = x+ex, y+ey
		}
		if command|0x20 == 'm' {
			edges = append(edges, edge{x, y, x0, y0}) // filling closes outlines
			x, y, x0, y0 = ex, ey, ex, ey
			command -= 'm' - 'l' // more points are lines
			continue
		}
		line(ex, ey)
	}
	edges = append(edges, edge{x, y, x0, y0})
	d.add(s, s.fill, edges)
	for i := 0; i+1 < len(strokes) && d.count <= mostShapes; i += 2 {
		d.add(s, s.stroke, strokes[i:i+2:i+2])
	}
}
