// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestContrast computes the contrast of each pair of colours that meet on a
// page, in every theme (WCAG 2.2, 1.4.3: 4.5 for text; 1.4.11: 3 for the edges
// of controls and the parts of a drawing).
func TestContrast(t *testing.T) {
	tokens := string(read("static/css/00-tokens.css"))
	light, dark, found := strings.Cut(tokens, "prefers-color-scheme: dark")
	if !found {
		t.Fatal("no dark theme")
	}
	themes := map[string]map[string]string{"light": colours(light), "dark": colours(light + dark), "print": colours(light + string(read("static/css/60-print.css")))}
	pairs := []struct {
		least  float64
		ink    string
		ground string
	}{
		{4.5, "ink quiet key link visited good warn bad", "ground raised"},
		{4.5, "ink quiet", "sunken key-soft"},
		{4.5, "key link", "key-soft"},
		{4.5, "ink good", "good-soft"},
		{4.5, "ink warn", "warn-soft"},
		{4.5, "ink bad", "bad-soft"},
		{4.5, "on-key", "key key-deep"},
		{4.5, "on-bad", "bad"},
		{3, "edge key bad", "ground raised"},
		{3, "s0 s1 s2 s3 s4 s5 s6 s7 s8", "ground"},
	}
	for theme, colour := range themes {
		for _, p := range pairs {
			for ink := range strings.FieldsSeq(p.ink) {
				for ground := range strings.FieldsSeq(p.ground) {
					if theme == "print" && (ground == "key-deep" || ink == "on-key" || ink == "on-bad") {
						continue // buttons are not printed
					}
					got := contrast(t, colour[ink], colour[ground])
					if got < p.least {
						t.Errorf("%s: %s (%s) on %s (%s) has a contrast of %.2f, want %.1f", theme, ink, colour[ink], ground, colour[ground], got, p.least)
					}
				}
			}
		}
	}
}

// TestTLPColours holds the colours that FIRST prescribes for TLP 2.0.
func TestTLPColours(t *testing.T) {
	css := string(read("static/css/40-parts.css"))
	for class, colour := range map[string]string{"red": "#ff2b2b", "amber": "#ffc000", "amber-strict": "#ffc000", "green": "#33ff00", "clear": "#ffffff"} {
		rule := regexp.MustCompile(`\.tlp-` + class + `(?:,\s*\.tlp-[a-z-]+)* \{\s*color: (#[0-9a-f]{6});`).FindStringSubmatch(css)
		if rule == nil || rule[1] != colour {
			t.Errorf("TLP %s: %v, want %s", class, rule, colour)
		}
	}
	if !regexp.MustCompile(`(?s)\.tlp \{[^}]*background: #000000;`).MatchString(css) {
		t.Error("the ground of TLP labels is not black")
	}
}

// colours reads custom properties; a later one replaces an earlier one.
func colours(css string) map[string]string {
	all := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z0-9-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(css, -1) {
		all[m[1]] = m[2]
	}
	return all
}

// contrast is the ratio of relative luminances (WCAG 2.2).
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (math.Max(la, lb) + 0.05) / (math.Min(la, lb) + 0.05)
}

func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	if len(colour) != 7 {
		t.Fatalf("colour %q", colour)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(colour[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
