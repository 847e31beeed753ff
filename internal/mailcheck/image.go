// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"cmp"
	"context"
	"encoding/base64"
	"maps"
	"math"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"teiten/internal/indicator"
	"teiten/internal/mail"
	"teiten/internal/qr"
)

// imageTime is how long the images of one mail may take together.
const imageTime = 2 * time.Second

// readImages looks for QR codes: in images inside, attached and in data:
// addresses, and in pictures made of letters or of the cells of a table.
func (v *view) readImages() {
	ctx, cancel := context.WithTimeout(context.Background(), imageTime)
	defer cancel()
	n, all := 0, 0
	read := func(b []byte, path string) {
		if len(b) < 60 {
			return
		}
		if n == maxImages || len(b) > maxImage || all+len(b) > maxImageAll || ctx.Err() != nil {
			v.cut["mailcheck.cut.images"] = true
			return
		}
		n, all = n+1, all+len(b)
		codes, err := qr.ReadContext(ctx, b)
		if err != nil && ctx.Err() != nil {
			v.cut["mailcheck.cut.images"] = true
		}
		v.addCodes(codes, path)
	}
	v.m.Walk(func(p *mail.Part) bool {
		if strings.HasPrefix(p.MediaType, "image/") {
			read(p.Data, p.Path)
		} else if len(p.Data) > 0 && p.Message == nil {
			switch sniff(p.Data) {
			case "png", "jpeg", "gif", "webp", "bmp":
				read(p.Data, p.Path)
			}
		}
		return true
	})
	pages := func(r *Rendered, path string) {
		for _, d := range r.page.data {
			read(dataURI(d), path)
		}
		for _, cells := range r.page.grids {
			v.addCodes(qr.FromCells(twoColours(cells)), path)
		}
	}
	for i := range v.bodies {
		b := &v.bodies[i]
		if b.r != nil {
			pages(b.r, b.path)
		}
		if strings.ContainsAny(b.text, blocksOfText) || strings.Contains(b.text, "#######") {
			v.addCodes(qr.FromText(b.text), b.path)
		}
	}
	for _, f := range v.files {
		if f.r != nil {
			pages(f.r, f.Path)
		}
	}
}

// blocksOfText are characters with which codes are drawn.
const blocksOfText = "█▀▄▌▐▘▝▖▗▙▛▜▟▚▞▓▒■⬛"

// twoColours parts the cells of a table into dark and light. The two colours
// that most of them have count as such, whichever they are: a reader takes a
// code in red on green too. Where there are many colours, their brightness counts.
func twoColours(cells [][]string) [][]bool {
	count, all := map[string]int{}, 0
	for _, row := range cells {
		for _, c := range row {
			count[c]++
			all++
		}
	}
	if len(count) < 2 {
		return nil
	}
	most := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
	mean := 0.0
	for c, n := range count {
		mean += brightness(c) * float64(n) / float64(all)
	}
	two := count[most[0]]+count[most[1]] >= all*9/10
	dark := make(map[string]bool, len(count))
	for _, c := range most {
		dark[c] = brightness(c) < mean
		if two {
			dark[c] = c == most[1] || c != most[0] && math.Abs(brightness(c)-brightness(most[1])) < math.Abs(brightness(c)-brightness(most[0]))
		}
	}
	out := make([][]bool, len(cells))
	for y, row := range cells {
		out[y] = make([]bool, len(row))
		for x, c := range row {
			out[y][x] = dark[c]
		}
	}
	return out
}

// brightness of a colour as [colour] writes it, 0 to 1; that of one which is not
// known is the page's.
func brightness(c string) float64 {
	n, err := strconv.ParseUint(strings.TrimPrefix(c, "#"), 16, 32)
	if err != nil {
		return 1
	}
	return (0.299*float64(n>>16) + 0.587*float64(n>>8&255) + 0.114*float64(n&255)) / 255
}

// addCodes adds the addresses that codes carry.
func (v *view) addCodes(codes []qr.Code, path string) {
	for i, c := range codes {
		if i == 20 {
			v.cut["mailcheck.cut.images"] = true
			return
		}
		text := c.Text[:min(len(c.Text), 4096)]
		place := Place{Where: "image", Path: path, Text: clip(text)}
		if v2, ok := indicator.Recognise(strings.TrimSpace(text)); ok {
			if v2.Kind == indicator.URL {
				v.codes++
				v.addAddress(v2.Value, "", place, "qr", 0)
				continue
			}
			v.add(v2, place, "qr")
			continue
		}
		for _, f := range indicator.Extract(text) {
			if f.Kind == indicator.URL {
				v.codes++
				v.addAddress(f.Value.Value, "", place, "qr", 0)
			} else {
				v.add(f.Value, place, "qr")
			}
		}
	}
}

// dataURI decodes the content of a data: address (RFC 2397), nil for none.
func dataURI(s string) []byte {
	head, body, ok := strings.Cut(s, ",")
	if !ok || len(body) > maxImage*4/3+4 {
		return nil
	}
	if strings.HasSuffix(strings.ToLower(strings.TrimSpace(head)), "base64") {
		body = strings.Map(func(r rune) rune {
			if r <= ' ' || r == '=' {
				return -1
			}
			return r
		}, body)
		b, err := base64.RawStdEncoding.DecodeString(body)
		if err != nil {
			b, _ = base64.RawURLEncoding.DecodeString(body)
		}
		return b
	}
	t, err := url.PathUnescape(body)
	if err != nil {
		return nil
	}
	return []byte(t)
}

// readCalendar adds the addresses in invitations (RFC 5545): those of its text,
// and the organiser.
func (v *view) readCalendar() {
	v.m.Walk(func(p *mail.Part) bool {
		if p.MediaType != "text/calendar" && !strings.HasSuffix(strings.ToLower(p.Name), ".ics") {
			return true
		}
		text := p.Text
		if text == "" {
			text = string(p.Data)
		}
		text = text[:min(len(text), 256<<10)]
		text = strings.NewReplacer("\r\n ", "", "\r\n\t", "", "\n ", "", "\n\t", "", `\n`, "\n", `\N`, "\n", `\,`, ",", `\;`, ";").Replace(text)
		v.addFound(indicator.Extract(text), "calendar", p.Path, "calendar")
		return true
	})
}
