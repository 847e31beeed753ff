// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"context"
	"encoding/base64"
	"net/url"
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
			v.addCodes(qr.FromCells(cells), path)
		}
	}
	for i := range v.bodies {
		b := &v.bodies[i]
		if b.r != nil {
			pages(b.r, b.path)
		}
		if strings.ContainsAny(b.text, "█▀▄■") {
			v.addCodes(qr.FromText(b.text), b.path)
		}
	}
	for _, f := range v.files {
		if f.r != nil {
			pages(f.r, f.Path)
		}
	}
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
