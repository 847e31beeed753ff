// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package qr

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	barcode "github.com/boombuler/barcode/qr"
	"golang.org/x/image/bmp"
	"golang.org/x/image/draw"
)

// shape is something done to codes, and how many of 20 must still be read.
type shape struct {
	name  string
	floor int // for large images, of 5
	make  func(t *testing.T, cells [][]bool, i int, r *rand.Rand) []byte
}

// painted is a shape that only differs in how the code is drawn.
func painted(name string, floor int, change func(l *look, i int)) shape {
	return shape{name, floor, func(t *testing.T, c [][]bool, i int, _ *rand.Rand) []byte {
		l := plain
		change(&l, i)
		return asPNG(t, paint(c, l))
	}}
}

func invert(l *look) { l.dark, l.light = l.light, l.dark }

var shapes = []shape{
	painted("plain", 20, func(l *look, i int) { l.module = 2 + i%7 }),
	painted("one pixel per module", 20, func(l *look, i int) { l.module = 1 }),
	painted("no border", 20, func(l *look, i int) { l.module, l.quiet = 3, 0 }),
	painted("inverted", 20, func(l *look, i int) { invert(l); l.quiet = i % 5 }),
	painted("grey on grey", 20, func(l *look, i int) {
		l.dark, l.light = color.NRGBA{110, 110, 110, 255}, color.NRGBA{150, 150, 150, 255}
	}),
	painted("coloured", 20, func(l *look, i int) {
		l.dark, l.light = color.NRGBA{byte(10 * i), 0, 120, 255}, color.NRGBA{255, 240, byte(200 - 8*i), 255}
	}),
	painted("equally bright colours", 20, func(l *look, i int) {
		l.dark, l.light = color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 130, 0, 255}
	}),
	painted("black on nothing", 20, func(l *look, i int) { l.light = color.NRGBA{} }),
	painted("white on nothing", 20, func(l *look, i int) { l.dark, l.light = color.NRGBA{255, 255, 255, 255}, color.NRGBA{} }),
	{"rotated", 19, func(t *testing.T, c [][]bool, i int, _ *rand.Rand) []byte {
		return asPNG(t, rotate(paint(c, plain), float64(i)*17.3))
	}},
	{"mirrored", 19, func(t *testing.T, c [][]bool, i int, _ *rand.Rand) []byte {
		m := make([][]bool, len(c))
		for y := range m {
			m[y] = make([]bool, len(c))
			for x := range m[y] {
				m[y][x] = c[x][y]
			}
		}
		return asPNG(t, paint(m, plain))
	}},
	{"inverted on a page", 19, func(t *testing.T, c [][]bool, i int, _ *rand.Rand) []byte {
		l := plain
		invert(&l)
		return asPNG(t, onPage(paint(c, l), 900, 700, 100, 80))
	}},
	{"JPEG of quality 30", 19, func(t *testing.T, c [][]bool, i int, _ *rand.Rand) []byte { return asJPEG(t, paint(c, plain), 30) }},
	{"JPEG of quality 10, small modules", 15, func(t *testing.T, c [][]bool, i int, _ *rand.Rand) []byte {
		l := plain
		l.module = 3
		return asJPEG(t, paint(c, l), 10)
	}},
	{"noise", 19, func(t *testing.T, c [][]bool, i int, r *rand.Rand) []byte {
		return asPNG(t, noise(paint(c, plain), r, 20+4*i))
	}},
	{"screenshot, not whole pixels", 18, func(t *testing.T, c [][]bool, i int, _ *rand.Rand) []byte {
		return asPNG(t, onPage(scale(paint(c, plain), 0.6+0.07*float64(i%10)), 1280, 900, 301, 207))
	}},
	{"small in a large screenshot", 5, func(t *testing.T, c [][]bool, i int, _ *rand.Rand) []byte {
		l := plain
		l.module = 3
		return asPNG(t, onPage(paint(c, l), 2560, 1440, 1700, 900))
	}},
	{"photograph of 12 megapixels", 5, func(t *testing.T, c [][]bool, i int, _ *rand.Rand) []byte {
		l := plain
		l.module = 20
		return asJPEG(t, onPage(paint(c, l), 4000, 3000, 500+i, 300), 70)
	}},
	{"BMP and GIF", 20, func(t *testing.T, c [][]bool, i int, _ *rand.Rand) []byte {
		var b bytes.Buffer
		var err error
		if i%2 == 0 {
			err = bmp.Encode(&b, paint(c, plain))
		} else {
			err = gif.Encode(&b, paint(c, plain), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}},
	{"logo in the middle", 18, func(t *testing.T, c [][]bool, i int, _ *rand.Rand) []byte {
		// Redundancy H stands 30 % lost; a logo takes some 4 % of the area.
		img := paint(c, plain)
		n := img.Bounds().Dx()
		if i/4%4 == 3 {
			draw.Draw(img, image.Rect(n*2/5, n*2/5, n*3/5, n*3/5), image.NewUniform(color.NRGBA{30, 90, 200, 255}), image.Point{}, draw.Src)
		}
		return asPNG(t, img)
	}},
	{"slanted", 18, func(t *testing.T, c [][]bool, i int, _ *rand.Rand) []byte {
		img := paint(c, plain)
		n := img.Bounds().Dx()
		out := image.NewNRGBA(image.Rect(0, 0, n*3/2, n*3/2))
		draw.Draw(out, out.Bounds(), image.White, image.Point{}, draw.Src)
		k := 0.01 * float64(i)
		draw.BiLinear.Transform(out, [6]float64{1, k, 10, k / 2, 1 - k/2, 10}, img, img.Bounds(), draw.Over, nil)
		return asPNG(t, out)
	}},
}

// TestRecall reads codes as mails carry them.
func TestRecall(t *testing.T) {
	if testing.Short() {
		t.Skip("20 seconds of images")
	}
	slow(t)
	r := rand.New(rand.NewPCG(1, 2))
	text := func(i int) string {
		switch i % 4 {
		case 0:
			return fmt.Sprintf("https://login.example.test/%06d", r.IntN(1e6))
		case 1:
			return fmt.Sprintf("https://portal.example.jp/verify?token=%016x&user=%08x&next=/mail/inbox", r.Uint64(), r.Uint32())
		case 2:
			return "https://example.test/" + strings.Repeat("a0", 60+r.IntN(60))
		}
		return fmt.Sprintf("【重要】パスワードの確認 https://example.jp/%d", r.IntN(1000))
	}
	levels := []barcode.ErrorCorrectionLevel{barcode.L, barcode.M, barcode.Q, barcode.H}
	all, read := 0, 0
	for _, shape := range shapes {
		got, count := 0, 20
		if shape.floor <= 5 {
			count = 5
		}
		var spent time.Duration
		for i := range count {
			want := text(i)
			b := shape.make(t, modules(t, want, levels[(i/4)%4]), i, r)
			start := time.Now()
			codes, err := Read(b)
			spent += time.Since(start)
			if err != nil {
				t.Fatalf("%s: %v", shape.name, err)
			}
			if slices.Contains(codes, Code{want}) {
				got++
			}
		}
		all, read = all+count, read+got
		t.Logf("%-36s %2d/%d  %6.1f ms", shape.name, got, count, float64(spent.Microseconds())/1e3/float64(count))
		if got < shape.floor {
			t.Errorf("%s: %d of %d codes read, want %d", shape.name, got, count, shape.floor)
		}
	}
	t.Logf("%d of %d codes read", read, all)
	if all < 300 {
		t.Errorf("only %d codes tried", all)
	}
}
