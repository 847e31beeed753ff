// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"fmt"
	"html"
	"html/template"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"

	"teiten/internal/fault"
)

// quiet is the width of the empty border, in modules (ISO/IEC 18004 section 9.1).
const quiet = 4

// maxQR bounds what is drawn, in bytes: more would be too fine for a phone.
const maxQR = 800

// QR draws text as a QR code of error correction level M: an SVG element that
// scales with its box, with a title for those who cannot see it. It is black
// on white in dark mode too, because not every camera reads it inverted.
func QR(text, title string) (template.HTML, error) {
	if len(text) > maxQR {
		return "", fault.New(fault.TooLarge, "auth.qr_long", "most", maxQR)
	}
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return "", fault.Wrap(err, fault.Internal, "fault.internal")
	}
	side := code.Bounds().Dx()
	dark := func(x, y int) bool {
		return x < side && color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 128
	}
	var path strings.Builder
	for y := range side {
		for x := 0; x < side; x++ {
			from := x
			for dark(x, y) {
				x++
			}
			if x > from {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", from+quiet, y+quiet, x-from, x-from)
			}
		}
	}
	full := side + 2*quiet
	title = html.EscapeString(title)
	return template.HTML(fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" class="qr" role="img" aria-label="%s" viewBox="0 0 %d %d" shape-rendering="crispEdges">`+
		`<title>%s</title><rect width="%d" height="%d" fill="#fff"/><path fill="#000" d="%s"/></svg>`,
		title, full, full, title, full, full, path.String())), nil
}
