// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package qr

import (
	"bytes"
	"context"
	"image"
	_ "image/gif"
	_ "image/jpeg"
	_ "image/png"
	"time"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/webp"

	"teiten/internal/fault"
)

// Code is what a QR code says.
type Code struct{ Text string }

// Limits of an image.
const (
	MostBytes  = 10 << 20
	MostPixels = 25_000_000
	// mostScans of a JPEG: each goes over the whole image in a few bytes.
	mostScans = 64
	// mostTime is spent on an image by Read.
	mostTime = 3 * time.Second
	// mostCodes are returned of one image.
	mostCodes = 32
)

// Read returns the codes in a PNG, JPEG, GIF (first frame), WebP, BMP or SVG
// image. An image without any is no error. An error is a fault: TooLarge beyond
// the limits ("qr.too_big"), Invalid for what is no such image ("qr.image").
func Read(b []byte) ([]Code, error) {
	ctx, cancel := context.WithTimeout(context.Background(), mostTime)
	defer cancel()
	return ReadContext(ctx, b)
}

// ReadContext is [Read] with the time that it may take. When the time is over it
// returns what it found until then; decoding the image itself is not
// interrupted, but bounded by the limits.
func ReadContext(ctx context.Context, b []byte) ([]Code, error) {
	if len(b) > MostBytes {
		return nil, fault.New(fault.TooLarge, "qr.too_big")
	}
	if isSVG(b) {
		return readSVG(ctx, b), nil
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "qr.image")
	}
	if config.Width <= 0 || config.Height <= 0 || int64(config.Width)*int64(config.Height) > MostPixels {
		return nil, fault.New(fault.TooLarge, "qr.too_big")
	}
	if config.Width < smallestCode || config.Height < smallestCode {
		return nil, nil
	}
	if format == "jpeg" && bytes.Count(b, []byte{0xFF, 0xDA}) > mostScans {
		return nil, fault.New(fault.TooLarge, "qr.too_big")
	}
	if ctx.Err() != nil {
		return nil, nil
	}
	img, err := decode(b)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "qr.image")
	}
	return readImage(ctx, img), nil
}
