// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package qr

import (
	"context"
	"image"
	"slices"
	"strings"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/common"
	"github.com/makiuchi-d/gozxing/qrcode/decoder"
	"github.com/makiuchi-d/gozxing/qrcode/detector"
	"golang.org/x/text/encoding"
	"golang.org/x/text/transform"

	"teiten/internal/charset"
)

// border is put around every image, in pixels.
const border = 16

// side is the length to which images are brought first: enough for any code
// that a phone reads off a screen.
const side = 1100

// mostSide is the length of the largest image that is looked at.
const mostSide = 2600

// found collects codes, each once. Codes of one message in several symbols
// (structured append, ISO/IEC 18004, section 8) are put together.
type found struct {
	codes []Code
	parts map[int]map[int]string // by parity and number
}

func (f *found) add(text string) {
	if text == "" || len(f.codes) >= mostCodes || slices.Contains(f.codes, Code{text}) {
		return
	}
	f.codes = append(f.codes, Code{text})
}

func (f *found) take(r *common.DecoderResult) {
	if !r.HasStructuredAppend() {
		f.add(r.GetText())
		return
	}
	if f.parts == nil {
		f.parts = map[int]map[int]string{}
	}
	parity := r.GetStructuredAppendParity()
	if f.parts[parity] == nil {
		f.parts[parity] = map[int]string{}
	}
	f.parts[parity][r.GetStructuredAppendSequenceNumber()>>4] = r.GetText()
}

func (f *found) all() []Code {
	var parities []int
	for parity := range f.parts {
		parities = append(parities, parity)
	}
	slices.Sort(parities)
	for _, parity := range parities {
		var text strings.Builder
		for n := range 16 {
			text.WriteString(f.parts[parity][n])
		}
		f.add(text.String())
	}
	return f.codes
}

func (f *found) any() bool { return len(f.codes) > 0 || len(f.parts) > 0 }

// readImage looks at the image in the ways in which a code can be hidden from
// one of them, the cheap and likely ones first.
func readImage(ctx context.Context, img image.Image) []Code {
	f := &found{}
	backgrounds := []byte{255}
	if !opaque(img) {
		backgrounds = append(backgrounds, 0)
	}
	for _, background := range backgrounds {
		p := grey(img, background, luma)
		if p.contrast() < 16 {
			continue
		}
		f.scales(ctx, p)
	}
	if f.any() || grayscale(img) {
		return f.all()
	}
	// Colours that are equally bright: the difference is in one channel.
	for _, c := range []channel{red, green, blue, saturation} {
		p := grey(img, 255, c)
		if ctx.Err() != nil || f.any() || p.contrast() < 16 {
			continue
		}
		f.both(ctx, p.shrink(fit(p, side)), true)
	}
	return f.all()
}

func grayscale(img image.Image) bool {
	_, gray := img.(*image.Gray)
	return gray
}

// fit is by how much a plane is larger than length.
func fit(p *plane, length int) int { return (max(p.w, p.h) + length - 1) / length }

// scales looks at one plane in several sizes.
func (f *found) scales(ctx context.Context, p *plane) {
	n := fit(p, side)
	q := p.shrink(n)
	f.both(ctx, q, false)
	if n > 1 && ctx.Err() == nil {
		// Small codes in a large screenshot vanish when it is shrunk, even
		// where a larger one was read.
		f.both(ctx, p.shrink(fit(p, mostSide)), false)
	}
	if f.any() || ctx.Err() != nil {
		return
	}
	small := max(q.w, q.h) <= 500
	if small {
		f.both(ctx, q.enlarge(3), true)
	}
	if !f.any() {
		f.both(ctx, q.soften(), true)
	}
	if !f.any() && !small && max(q.w, q.h) > 500 {
		f.both(ctx, p.shrink(fit(p, 420)), true)
	}
}

// both looks at a plane as it is and inverted: a white code on black is as
// good for a phone.
func (f *found) both(ctx context.Context, p *plane, global bool) {
	for _, q := range []*plane{p.pad(border), p.invert().pad(border)} {
		if ctx.Err() != nil {
			return
		}
		f.look(ctx, q, false)
		if global && !f.any() {
			f.look(ctx, q, true)
		}
	}
}

// look finds and reads the codes of a plane. gozxing panics on some grids that
// are none (index out of range, in what it believes about sizes): that code is
// not read, and the others are.
func (f *found) look(ctx context.Context, p *plane, global bool) {
	m := binarize(p, global)
	if m == nil {
		return
	}
	all := corners(ctx, m)
	if len(all) < 3 {
		return
	}
	used := make([]bool, len(all))
	for _, t := range triples(all) {
		if ctx.Err() != nil || len(f.codes) >= mostCodes {
			return
		}
		if used[t.lowLeft] || used[t.topLeft] || used[t.topRight] {
			continue
		}
		if r := readGrid(m, all[t.lowLeft], all[t.topLeft], all[t.topRight]); r != nil {
			used[t.lowLeft], used[t.topLeft], used[t.topRight] = true, true, true
			f.take(r)
		}
	}
}

func binarize(p *plane, global bool) (m *gozxing.BitMatrix) {
	defer func() {
		if recover() != nil {
			m = nil
		}
	}()
	source, err := gozxing.NewPlanarYUVLuminanceSource(p.pix, p.w, p.h, 0, 0, p.w, p.h, false)
	if err != nil {
		return nil
	}
	b := gozxing.NewHybridBinarizer(source)
	if global {
		b = gozxing.NewGlobalHistgramBinarizer(source)
	}
	if m, err = b.GetBlackMatrix(); err != nil {
		return nil
	}
	return m
}

// readGrid reads the code between three corners, nil if there is none.
func readGrid(m *gozxing.BitMatrix, lowLeft, topLeft, topRight corner) (r *common.DecoderResult) {
	defer func() {
		if recover() != nil {
			r = nil
		}
	}()
	at := func(c corner) *detector.FinderPattern { return detector.NewFinderPattern1(c.x, c.y, c.size) }
	grid, err := detector.NewDetector(m).ProcessFinderPatternInfo(detector.NewFinderPatternInfo(at(lowLeft), at(topLeft), at(topRight)))
	if err != nil {
		return nil
	}
	if r, err = decoder.NewDecoder().Decode(grid.GetBits(), hints); err != nil {
		return nil
	}
	return r
}

var hints = map[gozxing.DecodeHintType]any{gozxing.DecodeHintType_CHARACTER_SET: anyCharset{}}

// anyCharset reads the bytes of a code that names no character set, which is
// nearly every one, as mail is read: what they are decides.
type anyCharset struct{}

func (anyCharset) NewDecoder() *encoding.Decoder {
	return &encoding.Decoder{Transformer: wholeText{}}
}
func (anyCharset) NewEncoder() *encoding.Encoder { return encoding.Nop.NewEncoder() }

type wholeText struct{ transform.NopResetter }

func (wholeText) Transform(dst, src []byte, atEOF bool) (int, int, error) {
	if !atEOF {
		return 0, 0, transform.ErrShortSrc
	}
	text := charset.Decode(src, "").Text
	if len(text) > len(dst) {
		return 0, 0, transform.ErrShortDst
	}
	return copy(dst, text), len(src), nil
}
