// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"bytes"
	"encoding/base64"
	"html"
	"mime"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
)

var (
	base64Block = regexp.MustCompile(`(?m)(?:^[A-Za-z0-9+/]{16,}={0,2}\r?\n?)+`)
	encodedRun  = regexp.MustCompile(`=\?(?i:utf-8)\?B\?([^?]*)\?=\s*`)
	softBreak   = regexp.MustCompile(`=\r\n`)
	hexByte     = regexp.MustCompile(`=[0-9A-F]{2}`)
	percented   = regexp.MustCompile(`(?:%[0-9A-Fa-f]{2})+`)
	markup      = regexp.MustCompile(`<[^>]*>`)
	piece       = regexp.MustCompile(`;\s+filename\*\d+\*=`)
)

// everything is all that stands in a mail, decoded without regard to where.
func everything(raw []byte) string {
	var b strings.Builder
	add := func(s string) { b.WriteString(s + "\n") }
	add(string(raw))
	if bytes.Contains(raw, []byte("\x1b$B")) {
		add(readIn("jis", raw))
	}
	for _, block := range base64Block.FindAllString(string(raw), -1) {
		joined := strings.NewReplacer("\r", "", "\n", "").Replace(block)
		if d, err := base64.StdEncoding.DecodeString(joined); err == nil {
			add(string(d))
		}
	}
	// The bytes of neighbouring encoded words belong together.
	joined := encodedRun.ReplaceAllStringFunc(string(raw), func(w string) string {
		d, _ := base64.StdEncoding.DecodeString(encodedRun.FindStringSubmatch(w)[1])
		return string(d)
	})
	add(joined)
	so := b.String()
	q := softBreak.ReplaceAllString(so, "")
	q = hexByte.ReplaceAllStringFunc(q, func(h string) string {
		d, err := new(mime.WordDecoder).Decode("=?utf-8?q?" + h + "?=")
		if err != nil || len(d) != 1 {
			c, _ := url.PathUnescape("%" + h[1:])
			return c
		}
		return d
	})
	add(q)
	p := percented.ReplaceAllStringFunc(piece.ReplaceAllString(so, ""), func(h string) string {
		d, _ := url.PathUnescape(h)
		return d
	})
	add(p)
	e := html.UnescapeString(so + q)
	add(e)
	add(markup.ReplaceAllString(e, ""))
	return strings.ReplaceAll(norm.NFKC.String(b.String()), "\u200b", "") + b.String()
}

func TestPlanted(t *testing.T) {
	n := Combinations()
	if n < 500 {
		t.Errorf("only %d combinations", n)
	}
	seen, human := map[string]bool{}, 0
	kindsSeen, placesSeen := map[string]bool{}, map[string]bool{}
	for m := range Planted(3, n) {
		seen[m.Kind+" in "+m.Place] = true
		kindsSeen[m.Kind], placesSeen[m.Place] = true, true
		if m.Human {
			human++
		}
		if len(m.Secrets) == 0 || len(m.Keep) < 4 || len(m.Raw) > MaxSize {
			t.Errorf("%s in %s: %d secrets, %d to keep, %d bytes", m.Kind, m.Place, len(m.Secrets), len(m.Keep), len(m.Raw))
		}
		all := everything(m.Raw)
		if !slices.ContainsFunc(m.Secrets, func(s string) bool {
			return strings.Contains(all, s) || strings.Contains(strings.Join(strings.Fields(all), ""), s)
		}) {
			t.Errorf("%s in %s: none of %q is in\n%s", m.Kind, m.Place, m.Secrets, m.Raw)
		}
		for _, k := range m.Keep {
			if !strings.Contains(all, k) {
				t.Errorf("%s in %s: %q is not in\n%s", m.Kind, m.Place, k, m.Raw)
			}
			for _, s := range m.Secrets {
				if strings.Contains(k, s) {
					t.Errorf("%s in %s: keeping %q keeps the secret %q", m.Kind, m.Place, k, s)
				}
			}
		}
		for _, s := range m.Secrets {
			if len([]rune(s)) < 2 {
				t.Errorf("%s: secret %q", m.Kind, s)
			}
		}
	}
	if len(seen) != n {
		t.Errorf("%d of %d combinations", len(seen), n)
	}
	t.Logf("%d combinations of %d kinds and %d places, %d for people only", n, len(kindsSeen), len(placesSeen), human)
}

func TestPlantedIsDeterministic(t *testing.T) {
	a, b := slices.Collect(Planted(4, 60)), slices.Collect(Planted(4, 90))
	for i := range a {
		if !bytes.Equal(a[i].Raw, b[i].Raw) || !slices.Equal(a[i].Secrets, b[i].Secrets) {
			t.Fatalf("mail %d of the same seed differs", i)
		}
	}
}

// TestCheckDigits has numbers with known check digits.
func TestCheckDigits(t *testing.T) {
	for m := range Planted(5, Combinations()) {
		if !strings.HasPrefix(m.Kind, "number.pay") {
			continue
		}
		sum := 0
		d := strings.ReplaceAll(m.Secrets[0], "-", "")
		for i := range d {
			v := int(d[len(d)-1-i] - '0')
			if i%2 == 1 {
				v = v/5 + v*2%10
			}
			sum += v
		}
		if len(d) != 16 || sum%10 != 0 {
			t.Errorf("%s: %s", m.Kind, d)
		}
	}
}
