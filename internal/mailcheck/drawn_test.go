// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck_test

import (
	"encoding/base64"
	"fmt"
	"html"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/boombuler/barcode/qr"

	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/program"
)

// drawing is a code as dark and light modules, with a border.
type drawing [][]bool

func draw(t *testing.T, text string, border int) drawing {
	t.Helper()
	c, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		t.Fatal(err)
	}
	n := c.Bounds().Dx()
	d := make(drawing, n+2*border)
	for y := range d {
		d[y] = make([]bool, n+2*border)
		for x := range d[y] {
			if in := image.Pt(x-border, y-border); in.In(c.Bounds()) {
				r, _, _, _ := c.At(in.X, in.Y).RGBA()
				d[y][x] = r == 0
			}
		}
	}
	return d
}

func (d drawing) at(x, y int) bool { return y < len(d) && x < len(d[y]) && d[y][x] }

// times makes each module n by n cells.
func (d drawing) times(n int) drawing {
	out := make(drawing, len(d)*n)
	for y := range out {
		out[y] = make([]bool, len(d)*n)
		for x := range out[y] {
			out[y][x] = d[y/n][x/n]
		}
	}
	return out
}

// cells writes the drawing as an HTML table; cell writes one.
func (d drawing) cells(cell func(dark bool) string) string {
	var b strings.Builder
	b.WriteString(`<table cellspacing="0" cellpadding="0" style="border-collapse:collapse">`)
	for _, row := range d {
		b.WriteString(`<tr>`)
		for _, dark := range row {
			b.WriteString(cell(dark))
		}
		b.WriteString("</tr>\n")
	}
	b.WriteString(`</table>`)
	return b.String()
}

// runs writes neighbours of one colour as one cell.
func (d drawing) runs(dark, light string) string {
	var b strings.Builder
	b.WriteString("<table>")
	for _, row := range d {
		b.WriteString("<tr>")
		for x := 0; x < len(row); {
			n := 1
			for x+n < len(row) && row[x+n] == row[x] {
				n++
			}
			fmt.Fprintf(&b, `<td colspan="%d" bgcolor="%s"></td>`, n, map[bool]string{true: dark, false: light}[row[x]])
			x += n
		}
		b.WriteString("</tr>")
	}
	return b.String() + "</table>"
}

// letters draws with one character, or two, for a module.
func (d drawing) letters(dark, light string) string {
	var b strings.Builder
	for _, row := range d {
		for _, is := range row {
			if is {
				b.WriteString(dark)
			} else {
				b.WriteString(light)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// halves draws two rows in one line, quarters two columns besides.
func (d drawing) halves() string {
	var b strings.Builder
	for y := 0; y < len(d); y += 2 {
		for x := range d[y] {
			b.WriteString(map[[2]bool]string{{true, true}: "█", {true, false}: "▀", {false, true}: "▄", {}: " "}[[2]bool{d.at(x, y), d.at(x, y+1)}])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (d drawing) quarters() string {
	shapes := []rune(" ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█")
	var b strings.Builder
	for y := 0; y < len(d); y += 2 {
		for x := 0; x < len(d[y]); x += 2 {
			n := 0
			for bit, at := range []image.Point{{x, y}, {x + 1, y}, {x, y + 1}, {x + 1, y + 1}} {
				if d.at(at.X, at.Y) {
					n |= 1 << bit
				}
			}
			b.WriteRune(shapes[n])
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (d drawing) not() drawing {
	out := make(drawing, len(d))
	for y := range d {
		for _, dark := range d[y] {
			out[y] = append(out[y], !dark)
		}
	}
	return out
}

// framed adds a border of one module.
func (d drawing) framed() drawing {
	out := drawing{make([]bool, len(d)+2)}
	for _, row := range d {
		out = append(out, slices.Concat([]bool{false}, row, []bool{false}))
	}
	return append(out, make([]bool, len(d)+2))
}

func (d drawing) png(t *testing.T, module int, dark, light color.Color) string {
	t.Helper()
	big := d.times(module)
	img := image.NewNRGBA(image.Rect(0, 0, len(big), len(big)))
	for y := range big {
		for x, is := range big[y] {
			if is {
				img.Set(x, y, dark)
			} else {
				img.Set(x, y, light)
			}
		}
	}
	path := filepath.Join(t.TempDir(), "a.png")
	f, err := os.Create(path)
	if err == nil {
		if err = png.Encode(f, img); err == nil {
			err = f.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func text64(body string) string {
	return around("", "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64", base64.StdEncoding.EncodeToString([]byte(body)))
}

func html64(body string) string {
	return around("", "text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64", base64.StdEncoding.EncodeToString([]byte("<html><body>"+body+"</body></html>")))
}

// TestDrawnCodes reads codes that are drawn without an image, and those in WebP
// images, from whole mails, and prints how many of each kind are found.
func TestDrawnCodes(t *testing.T) {
	if testing.Short() {
		t.Skip("15 seconds of drawings")
	}
	addresses := []string{
		"https://login.example.test/a", "https://portal.example.jp/verify?token=0123456789abcdef&user=00ff&next=/mail",
		"https://example.test/" + strings.Repeat("a0", 70), "HTTPS://CAPITALS.EXAMPLE/LOGIN",
	}
	colours := [][2]string{{"#000000", "#ffffff"}, {"#222244", "#f4f4f4"}, {"#0000ff", "#ffff00"}, {"#c00000", "#ffffff"}, {"#ffffff", "#000000"}, {"red", "#008200"},
		{"#606060", "#a0a0a0"}, {"rgb(0, 90, 60)", "rgb(255,250,240)"}, {"navy", "lightyellow"}, {"hsl(0,0%,0%)", "hsl(0,0%,100%)"}, {"#00f", "#eef"}, {"black", "transparent"}}
	intro := "お手続きは次のコードを読み取ってください。\n\n"
	layout := func(s string) string {
		table := `<table><tr><td>ご案内</td><td>`
		return strings.Repeat(table, 6) + s + strings.Repeat(`</td></tr></table>`, 6) + `<table><tr><td>窓口</td></tr></table>`
	}
	attribute := func(c [2]string) func(bool) string {
		return func(dark bool) string {
			return `<td width="4" height="4" bgcolor="` + map[bool]string{true: c[0], false: c[1]}[dark] + `"></td>`
		}
	}
	type made struct {
		name string
		mail func(d drawing, c [2]string) string
	}
	var kinds = []made{
		{"cells, attribute", func(d drawing, c [2]string) string { return html64(d.cells(attribute(c))) }},
		{"cells, style", func(d drawing, c [2]string) string {
			return html64(d.cells(func(dark bool) string {
				return `<td style="width:4px;height:4px;background-color:` + map[bool]string{true: c[0], false: c[1]}[dark] + `">&nbsp;</td>`
			}))
		}},
		{"cells, class", func(d drawing, c [2]string) string {
			return html64("<style>.k{background:" + c[0] + ";width:4px} .w{background:" + c[1] + "}</style>" + d.cells(func(dark bool) string {
				return `<td class="` + map[bool]string{true: "k", false: "w"}[dark] + `"></td>`
			}))
		}},
		{"cells, light ones of the table", func(d drawing, c [2]string) string {
			return html64(strings.Replace(d.cells(func(dark bool) string {
				return map[bool]string{true: `<td bgcolor="` + c[0] + `">`, false: `<td>`}[dark] + "</td>"
			}), "<table", `<table bgcolor="`+c[1]+`"`, 1))
		}},
		{"cells, several to a module", func(d drawing, c [2]string) string { return html64(d.times(2).cells(attribute(c))) }},
		{"cells joined", func(d drawing, c [2]string) string { return html64(d.runs(c[0], c[1])) }},
		{"cells within a layout", func(d drawing, c [2]string) string { return html64(layout(d.cells(attribute(c)))) }},
		{"cells, each of another shade", func(d drawing, c [2]string) string {
			n := 0
			return html64(d.cells(func(dark bool) string {
				n = (n*31 + 7) % 97
				if dark {
					return fmt.Sprintf(`<td bgcolor="#%02x%02x%02x"></td>`, n, 97-n, n/2)
				}
				return fmt.Sprintf(`<td bgcolor="#%02x%02x%02x"></td>`, 255-n, 255-n/2, 158+n)
			}))
		}},
		{"cells in an attached page", func(d drawing, c [2]string) string {
			return withFile("a.html", "text/html", []byte("<html><body>"+d.cells(attribute(c))+"</body></html>"))
		}},
	}
	drawn := []made{
		{"blocks, two to a module", func(d drawing, _ [2]string) string { return text64(intro + d.letters("██", "  ")) }},
		{"blocks, light on dark", func(d drawing, _ [2]string) string { return text64(intro + d.not().letters("██", "  ")) }},
		{"half blocks", func(d drawing, _ [2]string) string { return text64(intro + d.halves()) }},
		{"half blocks, light on dark", func(d drawing, _ [2]string) string { // without a border, no reader sees where it ends
			if d.at(0, 0) {
				d = d.framed()
			}
			return text64(intro + d.not().halves())
		}},
		{"quarters", func(d drawing, _ [2]string) string { return text64(intro + d.quarters()) }},
		{"number signs", func(d drawing, _ [2]string) string { return text64(intro + d.letters("##", "  ")) }},
		{"squares", func(d drawing, _ [2]string) string { return text64(intro + d.letters("⬛", "⬜")) }},
		{"shades", func(d drawing, _ [2]string) string { return text64(intro + d.letters("▓▓", "░░")) }},
		{"full-width", func(d drawing, _ [2]string) string { return text64(intro + d.letters("■", "□")) }},
		{"half blocks in HTML", func(d drawing, _ [2]string) string { return html64("<pre>" + html.EscapeString(d.halves()) + "</pre>") }},
		{"half blocks in lines of HTML", func(d drawing, _ [2]string) string {
			return html64("<div>" + strings.NewReplacer(" ", "&nbsp;", "\n", "<br>").Replace(d.halves()) + "</div>")
		}},
	}
	found := func(raw, address string) bool {
		t.Helper()
		m, err := mail.Read([]byte(raw), mail.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		want := norm(t, "url", address)
		return slices.ContainsFunc(mailcheck.Judge(m, mailcheck.Facts{}).Links, func(l mailcheck.Link) bool {
			return l.Kind == want.Kind && l.Value.Value == want.Value && slices.ContainsFunc(l.Places, func(p mailcheck.Place) bool { return p.Where == "image" })
		})
	}
	report := func(name string, hit, n int, missed []string) {
		t.Helper()
		t.Logf("%-32s %3d of %3d", name, hit, n)
		if hit < n {
			t.Errorf("%s: not found: %s", name, strings.Join(missed[:min(len(missed), 8)], "; "))
		}
	}
	for _, k := range kinds {
		hit, n := 0, 0
		var missed []string
		for i, a := range addresses {
			for j, c := range colours {
				if (i+j)%2 == 1 {
					continue
				}
				n++
				if found(k.mail(draw(t, a, (i+j)%3), c), a) {
					hit++
				} else {
					missed = append(missed, fmt.Sprint(i, c))
				}
			}
		}
		report(k.name, hit, n, missed)
	}
	for _, k := range drawn {
		hit, n := 0, 0
		var missed []string
		for i, a := range addresses {
			for border := range 3 {
				n++
				if found(k.mail(draw(t, a, 2*border), [2]string{}), a) {
					hit++
				} else {
					missed = append(missed, fmt.Sprint(i, " border ", 2*border))
				}
			}
		}
		report(k.name, hit, n, missed)
	}
	cwebp := program.Need(t, "cwebp")
	for _, options := range [][]string{{"-lossless"}, {"-q", "75"}, {"-q", "20"}, {"-lossless", "-alpha_q", "100"}, {"-near_lossless", "40"}} {
		hit, n := 0, 0
		var missed []string
		for i, a := range addresses {
			for _, module := range []int{3, 5, 9} {
				var dark, light color.Color = color.NRGBA{0, 0, 0, 255}, color.NRGBA{255, 255, 255, 255}
				if options[len(options)-1] == "100" { // black on nothing
					light = color.NRGBA{255, 255, 255, 0}
				} else if module == 5 {
					dark, light = color.NRGBA{20, 40, 120, 255}, color.NRGBA{250, 240, 200, 255}
				}
				path := draw(t, a, 4).png(t, module, dark, light)
				out := path + ".webp"
				if b, err := exec.Command(cwebp, append(slices.Clone(options), "-quiet", path, "-o", out)...).CombinedOutput(); err != nil {
					t.Fatalf("%v: %s", err, b)
				}
				b, err := os.ReadFile(out)
				if err != nil {
					t.Fatal(err)
				}
				for _, raw := range []string{withFile("a.webp", "image/webp", b), withFile("a.jpg", "application/octet-stream", b),
					html64(`<img src="data:image/webp;base64,` + base64.StdEncoding.EncodeToString(b) + `">`)} {
					n++
					if found(raw, a) {
						hit++
					} else {
						missed = append(missed, fmt.Sprint(i, " module ", module))
					}
				}
			}
		}
		report("WebP "+strings.Join(options, " "), hit, n, missed)
	}
}
