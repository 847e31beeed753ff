// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package qr

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
)

// plane is an image in shades of grey.
type plane struct {
	w, h int
	pix  []byte
}

func newPlane(w, h int) *plane { return &plane{w, h, make([]byte, w*h)} }

// decode reads the image. The decoders are not ours and meet hostile bytes: a
// panic in one is an image that cannot be read.
func decode(b []byte) (img image.Image, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("image decoder: %v", p)
		}
	}()
	img, _, err = image.Decode(bytes.NewReader(b))
	return img, err
}

// opaque reports whether an image cannot be seen through anywhere.
func opaque(img image.Image) bool {
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// channel says which shade of grey a colour becomes.
type channel int

const (
	luma channel = iota
	red
	green
	blue
	saturation
)

// grey turns an image into a plane, over a background of this shade.
func grey(img image.Image, background byte, c channel) *plane {
	r := img.Bounds()
	p := newPlane(r.Dx(), r.Dy())
	switch img := img.(type) {
	case *image.Gray:
		if c != saturation {
			for y := range p.h {
				copy(p.pix[y*p.w:(y+1)*p.w], img.Pix[y*img.Stride:])
			}
			return p
		}
	case *image.YCbCr:
		if c == luma {
			for y := range p.h {
				copy(p.pix[y*p.w:(y+1)*p.w], img.Y[y*img.YStride:])
			}
			return p
		}
	case *image.Paletted:
		var table [256]byte
		for i, entry := range img.Palette {
			table[i&255] = shade(color.NRGBAModel.Convert(entry).(color.NRGBA), background, c)
		}
		for y := range p.h {
			row := img.Pix[y*img.Stride:][:p.w]
			for x, v := range row {
				p.pix[y*p.w+x] = table[v]
			}
		}
		return p
	case *image.NRGBA:
		for y := range p.h {
			row := img.Pix[y*img.Stride:][:4*p.w]
			for x := range p.w {
				p.pix[y*p.w+x] = shade(color.NRGBA{row[4*x], row[4*x+1], row[4*x+2], row[4*x+3]}, background, c)
			}
		}
		return p
	case *image.RGBA:
		if img.Opaque() {
			for y := range p.h {
				row := img.Pix[y*img.Stride:][:4*p.w]
				for x := range p.w {
					p.pix[y*p.w+x] = shade(color.NRGBA{row[4*x], row[4*x+1], row[4*x+2], 255}, background, c)
				}
			}
			return p
		}
	}
	for y := range p.h {
		for x := range p.w {
			p.pix[y*p.w+x] = shade(color.NRGBAModel.Convert(img.At(r.Min.X+x, r.Min.Y+y)).(color.NRGBA), background, c)
		}
	}
	return p
}

func shade(v color.NRGBA, background byte, c channel) byte {
	var s int
	switch c {
	case red:
		s = int(v.R)
	case green:
		s = int(v.G)
	case blue:
		s = int(v.B)
	case saturation:
		s = 255 - int(max(v.R, v.G, v.B)-min(v.R, v.G, v.B))
	default:
		s = (299*int(v.R) + 587*int(v.G) + 114*int(v.B)) / 1000
	}
	if v.A != 255 {
		s = (s*int(v.A) + int(background)*(255-int(v.A))) / 255
	}
	return byte(s)
}

// contrast is the difference between the lightest and the darkest shade.
func (p *plane) contrast() int {
	low, high := byte(255), byte(0)
	for _, v := range p.pix {
		low, high = min(low, v), max(high, v)
	}
	return int(high) - int(low)
}

func (p *plane) invert() *plane {
	q := newPlane(p.w, p.h)
	for i, v := range p.pix {
		q.pix[i] = 255 - v
	}
	return q
}

// shrink averages squares of n by n.
func (p *plane) shrink(n int) *plane {
	if n <= 1 {
		return p
	}
	q := newPlane(max(p.w/n, 1), max(p.h/n, 1))
	for y := range q.h {
		for x := range q.w {
			sum := 0
			for dy := range n {
				row := p.pix[min(y*n+dy, p.h-1)*p.w:]
				for dx := range n {
					sum += int(row[min(x*n+dx, p.w-1)])
				}
			}
			q.pix[y*q.w+x] = byte(sum / (n * n))
		}
	}
	return q
}

// enlarge repeats every pixel n times in both directions, smoothly.
func (p *plane) enlarge(n int) *plane {
	q := newPlane(p.w*n, p.h*n)
	for y := range q.h {
		// Centres of pixels, in 1/(2n) of a pixel of p.
		fy := 2*y + 1 - n
		y0 := max(floorDiv(fy, 2*n), 0)
		ty := max(fy-y0*2*n, 0)
		y1 := min(y0+1, p.h-1)
		for x := range q.w {
			fx := 2*x + 1 - n
			x0 := max(floorDiv(fx, 2*n), 0)
			tx := max(fx-x0*2*n, 0)
			x1 := min(x0+1, p.w-1)
			top := int(p.pix[y0*p.w+x0])*(2*n-tx) + int(p.pix[y0*p.w+x1])*tx
			low := int(p.pix[y1*p.w+x0])*(2*n-tx) + int(p.pix[y1*p.w+x1])*tx
			q.pix[y*q.w+x] = byte((top*(2*n-ty) + low*ty) / (4 * n * n))
		}
	}
	return q
}

func floorDiv(a, b int) int {
	if a < 0 {
		return -((-a + b - 1) / b)
	}
	return a / b
}

// pad puts a light border around, for codes that fill the whole image.
func (p *plane) pad(n int) *plane {
	q := newPlane(p.w+2*n, p.h+2*n)
	for i := range q.pix {
		q.pix[i] = 255
	}
	for y := range p.h {
		copy(q.pix[(y+n)*q.w+n:], p.pix[y*p.w:(y+1)*p.w])
	}
	return q
}

// soften averages each pixel with its neighbours, against noise.
func (p *plane) soften() *plane {
	q := newPlane(p.w, p.h)
	copy(q.pix, p.pix)
	for y := 1; y < p.h-1; y++ {
		for x := 1; x < p.w-1; x++ {
			i := y*p.w + x
			s := 4*int(p.pix[i]) + 2*(int(p.pix[i-1])+int(p.pix[i+1])+int(p.pix[i-p.w])+int(p.pix[i+p.w])) +
				int(p.pix[i-p.w-1]) + int(p.pix[i-p.w+1]) + int(p.pix[i+p.w-1]) + int(p.pix[i+p.w+1])
			q.pix[i] = byte(s / 16)
		}
	}
	return q
}
