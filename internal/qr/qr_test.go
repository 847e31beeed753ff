// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package qr

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	barcode "github.com/boombuler/barcode/qr"
	"golang.org/x/image/draw"

	"teiten/internal/fault"
	"teiten/internal/program"
)

// qrencode runs the program that most of the world makes codes with.
func qrencode(t *testing.T, text []byte, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(program.Need(t, "qrencode"), append(args, "-o", "-")...)
	cmd.Stdin = bytes.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("qrencode %v: %v", args, err)
	}
	return out
}

func texts(codes []Code) []string {
	var all []string
	for _, c := range codes {
		all = append(all, c.Text)
	}
	slices.Sort(all)
	return all
}

func read(t testing.TB, b []byte) []string {
	t.Helper()
	codes, err := Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return texts(codes)
}

func TestSeveralCodes(t *testing.T) {
	slow(t)
	page := onPage(image.NewNRGBA(image.Rect(0, 0, 1, 1)), 1400, 1000, 0, 0)
	var want []string
	for i := range 6 {
		text := fmt.Sprintf("https://example.test/code/%d", i)
		want = append(want, text)
		l := plain
		l.module = 3 + i
		if i%2 == 1 {
			invert(&l)
		}
		img := paint(modules(t, text, barcode.M), l)
		at := image.Pt(20+(i%3)*450, 30+(i/3)*480)
		draw.Draw(page, img.Bounds().Add(at), img, image.Point{}, draw.Src)
	}
	if got := read(t, asPNG(t, page)); !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

// A large code must not hide a small one.
func TestDecoy(t *testing.T) {
	slow(t)
	l := plain
	l.module = 24
	page := onPage(paint(modules(t, "https://example.jp/", barcode.L), l), 2400, 1600, 100, 100)
	l.module = 3
	img := paint(modules(t, "https://evil.example.test/", barcode.L), l)
	draw.Draw(page, img.Bounds().Add(image.Pt(2000, 1300)), img, image.Point{}, draw.Src)
	want := []string{"https://evil.example.test/", "https://example.jp/"}
	if got := read(t, asPNG(t, page)); !slices.Equal(got, want) {
		t.Errorf("read %q, want %q", got, want)
	}
}

func TestJapanese(t *testing.T) {
	const text = "病院からのお知らせです。ＩＤの確認はこちら"
	sjis := []byte("\x95\x61\x89\x40\x82\xa9\x82\xe7\x82\xcc\x82\xa8\x92\x6d\x82\xe7\x82\xb9\x82\xc5\x82\xb7\x81\x42\x82\x68\x82\x63\x82\xcc\x8a\x6d\x94\x46\x82\xcd\x82\xb1\x82\xbf\x82\xe7")
	for name, b := range map[string][]byte{
		"UTF-8":      qrencode(t, []byte(text), "-8"),
		"Shift_JIS":  qrencode(t, sjis, "-8"),
		"Kanji mode": qrencode(t, sjis, "-k"),
	} {
		if got := read(t, b); len(got) != 1 || got[0] != text {
			t.Errorf("%s: read %q", name, got)
		}
	}
	// A kanji segment between bytes and letters.
	if got, want := read(t, qrencode(t, []byte("https://example.jp/?q=\x95\x61\x89\x40&n=12345678901234567890"), "-k")), "https://example.jp/?q=病院&n=12345678901234567890"; len(got) != 1 || got[0] != want {
		t.Errorf("mixed: read %q, want %q", got, want)
	}
}

func TestVersions(t *testing.T) {
	slow(t)
	got := 0
	for version := 1; version <= 40; version++ {
		text := "https://example.test/" + strings.Repeat("x", max(0, (version-1)*20-20))
		if version == 1 {
			text = "example.test"
		}
		b := qrencode(t, []byte(text), "-v", fmt.Sprint(version), "-l", "L", "-8", "-s", "4")
		if slices.Contains(read(t, b), text) {
			got++
		} else {
			t.Logf("version %d not read", version)
		}
	}
	t.Logf("%d of 40 versions read", got)
	if got < 40 {
		t.Errorf("%d of 40 versions read", got)
	}
}

func TestStructuredAppend(t *testing.T) {
	// Two symbols of one message: made by hand from parts, as qrencode writes
	// them to files only.
	dir := t.TempDir()
	text := "https://example.test/" + strings.Repeat("0123456789abcdef", 6)
	cmd := exec.Command(program.Need(t, "qrencode"), "-S", "-v", "3", "-8", "-o", dir+"/part.png", text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	page := image.NewNRGBA(image.Rect(0, 0, 900, 300))
	draw.Draw(page, page.Bounds(), image.White, image.Point{}, draw.Src)
	for i := range 8 {
		img := loadPNG(t, fmt.Sprintf("%s/part-%02d.png", dir, i+1))
		if img == nil {
			break
		}
		draw.Draw(page, img.Bounds().Add(image.Pt(10+(i%6)*140, 10+(i/6)*140)), img, image.Point{}, draw.Src)
	}
	if got := read(t, asPNG(t, page)); !slices.Equal(got, []string{text}) {
		t.Errorf("read %q, want %q", got, text)
	}
}

func TestText(t *testing.T) {
	const text = "https://portal.example.test/verify?id=0123456789"
	for _, kind := range []string{"UTF8", "UTF8i", "ASCII", "ASCIIi"} {
		for _, around := range []string{"%s", "お知らせ\n\n%s\n以上\n", "\r\n%s\r\n"} {
			mail := fmt.Sprintf(around, qrencode(t, []byte(text), "-t", kind))
			if got := texts(FromText(mail)); !slices.Equal(got, []string{text}) {
				t.Errorf("%s in %q: read %q", kind, around, got)
			}
		}
	}
	cells := modules(t, text, barcode.M)
	draw := func(dark, light string) string {
		var b strings.Builder
		for _, row := range cells {
			for _, c := range row {
				if c {
					b.WriteString(dark)
				} else {
					b.WriteString(light)
				}
			}
			b.WriteByte('\n')
		}
		return b.String()
	}
	for _, pair := range [][2]string{{"██", "  "}, {"  ", "██"}, {"█", " "}, {"⬛", "⬜"}, {"■", "□"}, {"▓▓", "░░"}, {"#", "\u3000"}} {
		if got := texts(FromText(draw(pair[0], pair[1]))); !slices.Equal(got, []string{text}) {
			t.Errorf("%q: read %q", pair, got)
		}
	}
	var quads strings.Builder
	at := func(x, y int) int {
		if y < len(cells) && x < len(cells) && cells[y][x] {
			return 1
		}
		return 0
	}
	for y := 0; y < len(cells); y += 2 {
		for x := 0; x < len(cells); x += 2 {
			quads.WriteRune([]rune(" ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█")[at(x, y)|at(x+1, y)<<1|at(x, y+1)<<2|at(x+1, y+1)<<3])
		}
		quads.WriteByte('\n')
	}
	if got := texts(FromText(quads.String())); !slices.Equal(got, []string{text}) {
		t.Errorf("quadrants: read %q", got)
	}
	for _, plain := range []string{"", "お知らせ", strings.Repeat("####################\n", 40), strings.Repeat("─────\n", 100), strings.Repeat(" \n", 100)} {
		if got := FromText(plain); got != nil {
			t.Errorf("%.20q: read %q", plain, got)
		}
	}
}

func TestCells(t *testing.T) {
	const text = "https://example.test/table"
	cells := modules(t, text, barcode.Q)
	if got := texts(FromCells(cells)); !slices.Equal(got, []string{text}) {
		t.Errorf("read %q", got)
	}
	light := make([][]bool, len(cells))
	for y, row := range cells {
		for _, c := range row {
			light[y] = append(light[y], !c)
		}
	}
	if got := texts(FromCells(light)); !slices.Equal(got, []string{text}) {
		t.Errorf("inverted: read %q", got)
	}
	if got := FromCells([][]bool{{true}}); got != nil {
		t.Errorf("one cell: read %q", got)
	}
	if got := FromCells(make([][]bool, 100_000)); got != nil {
		t.Errorf("no cells: read %q", got)
	}
}

func TestSVG(t *testing.T) {
	const text = "https://example.test/svg?a=1"
	cells := modules(t, text, barcode.M)
	n := len(cells) + 8
	var fills, strokes, outline strings.Builder
	for y, row := range cells {
		for x, c := range row {
			if c {
				fmt.Fprintf(&fills, "M%d,%dh1v1h-1z", x+4, y+4)
				fmt.Fprintf(&strokes, "M%d %d.5h1", x+4, y+4)
				fmt.Fprintf(&outline, `<circle cx="%g" cy="%g" r="0.5"/>`, float64(x)+4.5, float64(y)+4.5)
			}
		}
	}
	svg := func(body string) []byte {
		return fmt.Appendf(nil, `<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d">%s</svg>`, n, n, body)
	}
	for name, b := range map[string][]byte{
		"rectangles":       qrencode(t, []byte(text), "-t", "SVG"),
		"strokes":          qrencode(t, []byte(text), "-t", "SVG", "--svg-path"),
		"coloured":         qrencode(t, []byte(text), "-t", "SVG", "--foreground=204080", "--background=FFEEDD"),
		"filled path":      svg(`<rect width="100%" height="100%" fill="#fff"/><path d="` + fills.String() + `"/>`),
		"strokes, dense":   svg(`<path fill="#ffffff" d="M0 0h99v99H0z"/><path stroke="#000000" d="` + strokes.String() + `"/>`),
		"circles":          svg(outline.String()),
		"white on black":   svg(`<rect width="100%" height="100%"/><path fill="white" d="` + fills.String() + `"/>`),
		"moved and scaled": svg(`<g transform="translate(2 3) scale(0.5)"><path style="fill: rgb(10, 20, 30)" d="` + fills.String() + `"/></g>`),
	} {
		if got := read(t, b); !slices.Equal(got, []string{text}) {
			t.Errorf("%s: read %q", name, got)
		}
	}
	if got := read(t, svg(`<defs><path d="`+fills.String()+`"/></defs>`)); got != nil {
		t.Errorf("what is only defined was read: %q", got)
	}
}

func TestRefused(t *testing.T) {
	bomb := []byte("\x89PNG\r\n\x1a\n")
	header := make([]byte, 13)
	binary.BigEndian.PutUint32(header, 60000)
	binary.BigEndian.PutUint32(header[4:], 60000)
	header[8], header[9] = 8, 2
	chunk := append([]byte("IHDR"), header...)
	bomb = binary.BigEndian.AppendUint32(bomb, 13)
	bomb = append(bomb, chunk...)
	bomb = binary.BigEndian.AppendUint32(bomb, crc32.ChecksumIEEE(chunk))
	scans := asJPEG(t, paint(modules(t, "x", barcode.L), plain), 50)
	scans = append(scans, bytes.Repeat([]byte{0xFF, 0xDA}, mostScans)...)
	whole := asPNG(t, paint(modules(t, "x", barcode.L), plain))
	for _, c := range []struct {
		name, code string
		b          []byte
	}{
		{"nothing", "qr.image", nil},
		{"text", "qr.image", []byte("hello")},
		{"half a PNG", "qr.image", whole[:len(whole)/2]},
		{"3,600 megapixels", "qr.too_big", bomb},
		{"11 MiB", "qr.too_big", make([]byte, 11<<20)},
		{"JPEG of many scans", "qr.too_big", scans},
	} {
		if _, err := Read(c.b); fault.Code(err) != c.code {
			t.Errorf("%s: %v, want %s", c.name, err, c.code)
		}
	}
}

// TestHostileCorners reads an image full of finder patterns: trying every three
// of them would take days.
func TestHostileCorners(t *testing.T) {
	slow(t)
	img := image.NewGray(image.Rect(0, 0, 1600, 1600))
	for i := range img.Pix {
		img.Pix[i] = 255
	}
	for y := 0; y+9 <= 1600; y += 9 {
		for x := 0; x+9 <= 1600; x += 9 {
			for dy := range 7 {
				for dx := range 7 {
					ring := min(dx, dy, 6-dx, 6-dy)
					if ring != 1 {
						img.SetGray(x+dx, y+dy, color.Gray{})
					}
				}
			}
		}
	}
	start := time.Now()
	codes, err := Read(asPNG(t, img))
	if err != nil || len(codes) > 0 {
		t.Errorf("%q, %v", codes, err)
	}
	if d := time.Since(start); d > 2*mostTime {
		t.Errorf("took %v", d)
	} else {
		t.Logf("%v", d)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if codes, err := ReadContext(ctx, asPNG(t, img)); err != nil || codes != nil {
		t.Errorf("without time: %q, %v", codes, err)
	}
}

// TestWithoutCode looks at what mails mostly show: logos, photographs, pages.
func TestWithoutCode(t *testing.T) {
	slow(t)
	r := rand.New(rand.NewPCG(3, 4))
	gradient := image.NewNRGBA(image.Rect(0, 0, 800, 600))
	for y := range 600 {
		for x := range 800 {
			gradient.SetNRGBA(x, y, color.NRGBA{byte(x / 4), byte(y / 3), byte(x * y / 2000), 255})
		}
	}
	for name, img := range map[string]*image.NRGBA{
		"page":     onPage(image.NewNRGBA(image.Rect(0, 0, 1, 1)), 1280, 900, 0, 0),
		"gradient": gradient,
		"noise":    noise(image.NewNRGBA(image.Rect(0, 0, 640, 480)), r, 255),
		"logo":     onPage(image.NewNRGBA(image.Rect(0, 0, 1, 1)), 120, 60, 0, 0),
	} {
		start := time.Now()
		if got := read(t, asPNG(t, img)); got != nil {
			t.Errorf("%s: read %q", name, got)
		}
		t.Logf("%-10s %v", name, time.Since(start).Round(time.Millisecond))
	}
}
