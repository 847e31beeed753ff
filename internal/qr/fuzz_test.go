// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package qr

import (
	"slices"
	"strings"
	"testing"
	"time"

	barcode "github.com/boombuler/barcode/qr"

	"teiten/internal/fault"
)

// FuzzRead holds that an image is read within the time, the same every time,
// or refused with a reason.
func FuzzRead(f *testing.F) {
	small := look{2, 2, plain.dark, plain.light}
	img := paint(modules(f, "https://example.test/", barcode.L), small)
	f.Add(asPNG(f, img))
	f.Add(asJPEG(f, img, 60))
	f.Add([]byte(`<svg viewBox="0 0 30 30"><g transform="scale(2)"><rect x="1" y="1" width="7" height="7"/><path d="M1 1h7v7h-7zm1 1h5v5h-5z" stroke="#000"/></g></svg>`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<16 {
			return
		}
		start := time.Now()
		codes, err := Read(b)
		took := time.Since(start)
		if took > 2*mostTime {
			t.Fatalf("took %v", took)
		}
		if err != nil && !fault.Is(err, fault.Invalid) && !fault.Is(err, fault.TooLarge) {
			t.Fatalf("no reason: %v", err)
		}
		if len(codes) > mostCodes {
			t.Fatalf("%d codes", len(codes))
		}
		if took < mostTime/4 {
			if again, _ := Read(b); !slices.Equal(codes, again) {
				t.Fatalf("read %q, then %q", codes, again)
			}
		}
	})
}

// FuzzText holds that drawings are read within the time and the same every
// time, and that what is read twice in one text is there once.
func FuzzText(f *testing.F) {
	var drawing strings.Builder
	for _, row := range modules(f, "https://example.test/", barcode.L) {
		for _, dark := range row {
			drawing.WriteString(map[bool]string{true: "██", false: "  "}[dark])
		}
		drawing.WriteByte('\n')
	}
	f.Add(drawing.String())
	f.Add(strings.Repeat("▀▄█ ▙▟▌▐▞▚#", 4) + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 1<<16 {
			return
		}
		start := time.Now()
		codes := FromText(text)
		took := time.Since(start)
		if took > 2*mostTime {
			t.Fatalf("took %v", took)
		}
		for i, c := range codes {
			if c.Text == "" || slices.Contains(codes[:i], c) {
				t.Fatalf("code %d of %q", i, codes)
			}
		}
		if took < mostTime/8 && !slices.Equal(codes, FromText(text)) {
			t.Fatal("read differently the second time")
		}
	})
}
