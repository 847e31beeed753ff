// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package qr

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	barcode "github.com/boombuler/barcode/qr"
	"golang.org/x/image/draw"
)

// modules makes a code; dark modules are true.
func modules(t testing.TB, text string, level barcode.ErrorCorrectionLevel) [][]bool {
	t.Helper()
	code, err := barcode.Encode(text, level, barcode.Unicode)
	if err != nil {
		t.Fatal(err)
	}
	n := code.Bounds().Dx()
	cells := make([][]bool, n)
	for y := range cells {
		cells[y] = make([]bool, n)
		for x := range cells[y] {
			r, _, _, _ := code.At(x, y).RGBA()
			cells[y][x] = r == 0
		}
	}
	return cells
}

// look says how a code is drawn.
type look struct {
	module      int // pixels
	quiet       int // modules around
	dark, light color.NRGBA
}

var plain = look{4, 4, color.NRGBA{0, 0, 0, 255}, color.NRGBA{255, 255, 255, 255}}

func paint(cells [][]bool, l look) *image.NRGBA {
	n := (len(cells) + 2*l.quiet) * l.module
	img := image.NewNRGBA(image.Rect(0, 0, n, n))
	for y := range n {
		for x := range n {
			cx, cy := x/l.module-l.quiet, y/l.module-l.quiet
			c := l.light
			if cx >= 0 && cy >= 0 && cx < len(cells) && cy < len(cells) && cells[cy][cx] {
				c = l.dark
			}
			img.SetNRGBA(x, y, c)
		}
	}
	return img
}

func asPNG(t testing.TB, img image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func asJPEG(t testing.TB, img image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// rotate turns an image by an angle in degrees, smoothly, on white.
func rotate(img image.Image, degrees float64) *image.NRGBA {
	b := img.Bounds()
	n := int(float64(b.Dx()) * 1.5)
	out := image.NewNRGBA(image.Rect(0, 0, n, n))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	s, c := math.Sincos(degrees * math.Pi / 180)
	m, h := float64(b.Dx())/2, float64(n)/2
	draw.BiLinear.Transform(out, [6]float64{c, -s, h - c*m + s*m, s, c, h - s*m - c*m}, img, b, draw.Over, nil)
	return out
}

func scale(img image.Image, factor float64) *image.NRGBA {
	n := int(float64(img.Bounds().Dx()) * factor)
	out := image.NewNRGBA(image.Rect(0, 0, n, n))
	draw.CatmullRom.Scale(out, out.Bounds(), img, img.Bounds(), draw.Src, nil)
	return out
}

func noise(img *image.NRGBA, r *rand.Rand, amount int) *image.NRGBA {
	for i := range img.Pix {
		if i%4 != 3 {
			img.Pix[i] = byte(min(max(int(img.Pix[i])+r.IntN(2*amount+1)-amount, 0), 255))
		}
	}
	return img
}

// onPage puts an image somewhere on a page with lines of pretended text.
func onPage(img image.Image, w, h, x, y int) *image.NRGBA {
	out := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
	for ly := 10; ly < h; ly += 18 {
		for lx := 10; lx < w-10; lx += 7 + (lx*ly)%5 {
			draw.Draw(out, image.Rect(lx, ly, lx+4, ly+9), image.NewUniform(color.Gray{40}), image.Point{}, draw.Src)
		}
	}
	draw.Draw(out, img.Bounds().Add(image.Pt(x, y)), img, img.Bounds().Min, draw.Over)
	return out
}

// loadPNG reads a file, nil if there is none.
func loadPNG(t testing.TB, path string) image.Image {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// underRace is set where the race detector makes every pixel some twenty times
// as dear. Nothing here runs in two goroutines, so that tests which measure time
// or need many pixels prove nothing more with it.
var underRace bool

func slow(t *testing.T) {
	t.Helper()
	if underRace {
		t.Skip("too many pixels for the race detector; make test runs it without")
	}
}
