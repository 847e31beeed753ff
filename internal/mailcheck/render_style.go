// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"math"
	"strconv"
	"strings"

	"golang.org/x/image/colornames"
)

// shown sets whether the element's text can be seen.
func (w *walker) shown(e *element, attr map[string]string) {
	if c := attr["class"]; c != "" && w.classes != nil {
		for i, name := range strings.Fields(c) {
			e.take(w.classes[name])
			if i == 20 {
				break
			}
		}
	}
	if _, ok := attr["hidden"]; ok && e.why == "" {
		e.why = "display"
	}
	if c := attr["bgcolor"]; c != "" {
		e.bg = colour(c)
	}
	if attr["background"] != "" {
		e.bg = ""
	}
	if e.name == "font" {
		if c := attr["color"]; c != "" {
			e.color = colour(c)
		}
	}
	if s := attr["style"]; s != "" {
		e.take(declarations(s, func(target string) { w.add("style", target) }))
	}
}

// take lets an element look as a style says.
func (e *element) take(d declared) {
	if d.why != "" && e.why == "" {
		e.why = d.why
	}
	if d.color != "" {
		e.color = d.color
	}
	if d.bgSet {
		e.bg = d.bg
	}
}

// declared is what a style says about being seen.
type declared struct {
	why       string
	color, bg string
	bgSet     bool
}

// declarations reads the declarations of a style attribute or rule.
func declarations(s string, address func(string)) declared {
	var d declared
	var width, height, clip bool
	for i, decl := range strings.SplitN(s[:min(len(s), 8192)], ";", 100) {
		name, value, ok := strings.Cut(decl, ":")
		if !ok || i == 99 {
			continue
		}
		name = strings.ToLower(strings.TrimSpace(name))
		value = strings.ToLower(strings.TrimSpace(value))
		value = strings.TrimSpace(strings.TrimSuffix(value, "!important"))
		switch name {
		case "display":
			if value == "none" {
				d.why = "display"
			}
		case "visibility":
			if value == "hidden" || value == "collapse" {
				d.why = "display"
			}
		case "mso-hide":
			continue // Outlook only, together with display for the others
		case "opacity":
			if f, err := strconv.ParseFloat(value, 64); err == nil && f < 0.05 {
				d.why = "colour"
			}
		case "font-size":
			if n, ok := length(value); ok && n < 2 {
				d.why = "size"
			}
		case "font":
			if strings.HasPrefix(value, "0px") || strings.HasPrefix(value, "0 ") || strings.HasPrefix(value, "1px") {
				d.why = "size"
			}
		case "width", "max-width":
			if n, ok := length(value); ok && n < 1 {
				width = true
			}
		case "height", "max-height":
			if n, ok := length(value); ok && n < 1 {
				height = true
			}
		case "overflow", "overflow-x", "overflow-y":
			clip = clip || value == "hidden"
		case "text-indent":
			if n, ok := length(value); ok && n < -500 {
				d.why = "position"
			}
		case "left", "top", "right", "bottom", "margin-left", "margin-top":
			if n, ok := length(value); ok && n < -500 {
				d.why = "position"
			}
		case "color":
			d.color = colour(value)
			if value == "transparent" {
				d.why = "colour"
			}
		case "background-color":
			d.bg, d.bgSet = colour(value), true
		case "background", "background-image", "list-style-image", "list-style", "content", "cursor", "border-image":
			if u := cssURL(decl); u != "" {
				if strings.HasPrefix(name, "background") {
					d.bg, d.bgSet = "", true
				}
				if address != nil {
					address(u)
				}
			} else if name == "background" {
				d.bg, d.bgSet = colour(strings.SplitN(value, " ", 2)[0]), true
			}
		}
	}
	if d.why == "" && clip && (width || height) {
		d.why = "size"
	}
	return d
}

// cssURL is the address in url(…).
func cssURL(s string) string {
	i := strings.Index(strings.ToLower(s), "url(")
	if i < 0 {
		return ""
	}
	s = s[i+4:]
	if j := strings.IndexByte(s, ')'); j >= 0 {
		s = s[:j]
	}
	return strings.Trim(strings.TrimSpace(s), `"'`)
}

// length reads a length in pixels, roughly: only whether it is next to nothing
// or far away matters.
func length(s string) (float64, bool) {
	i := 0
	for i < len(s) && (s[i] >= '0' && s[i] <= '9' || s[i] == '.' || s[i] == '-' || s[i] == '+') {
		i++
	}
	n, err := strconv.ParseFloat(s[:i], 64)
	if err != nil {
		return 0, false
	}
	switch strings.TrimSpace(s[i:]) {
	case "em", "rem", "ex", "ch", "cm":
		n *= 16
	case "pt":
		n *= 1.33
	case "%":
		if n != 0 {
			n *= 16
		}
	case "vw", "vh":
		n *= 10
	}
	return n, true
}

// colour brings the spellings of CSS (Color Module Level 4) to #rrggbb, without
// what shines through; "" for what is not known.
func colour(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if c, ok := colornames.Map[s]; ok {
		return hexColour(float64(c.R), float64(c.G), float64(c.B))
	}
	if name, inner, ok := strings.Cut(s, "("); ok {
		parts := strings.FieldsFunc(inner, func(r rune) bool { return r == ',' || r == ' ' || r == ')' || r == '/' })
		if len(parts) < 3 {
			return ""
		}
		var n [3]float64
		for i, p := range parts[:3] {
			number, percent := strings.CutSuffix(strings.TrimSuffix(p, "deg"), "%")
			f, err := strconv.ParseFloat(number, 64)
			if err != nil || !(f >= -1e4 && f <= 1e4) {
				return ""
			}
			if percent && strings.HasPrefix(name, "rgb") {
				f *= 2.55
			}
			n[i] = f
		}
		switch name {
		case "rgb", "rgba":
			return hexColour(n[0], n[1], n[2])
		case "hsl", "hsla":
			return hexColour(fromHSL(n[0], n[1]/100, n[2]/100))
		}
		return ""
	}
	s = strings.TrimPrefix(s, "#")
	if (len(s) == 3 || len(s) == 4) && hexDigits(s) {
		return "#" + string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
	}
	if (len(s) == 6 || len(s) == 8) && hexDigits(s) {
		return "#" + s[:6]
	}
	return ""
}

func hexColour(r, g, b float64) string {
	const digits = "0123456789abcdef"
	out := []byte("#")
	for _, f := range []float64{r, g, b} {
		n := int(min(max(f, 0), 255) + 0.5)
		out = append(out, digits[n>>4], digits[n&15])
	}
	return string(out)
}

// fromHSL follows CSS Color Module Level 4, section 7.1.
func fromHSL(hue, saturation, lightness float64) (r, g, b float64) {
	saturation, lightness = min(max(saturation, 0), 1), min(max(lightness, 0), 1)
	part := func(n float64) float64 {
		k := math.Mod(n+hue/30, 12)
		if k < 0 {
			k += 12
		}
		return 255 * (lightness - saturation*min(lightness, 1-lightness)*max(-1, min(k-3, 9-k, 1)))
	}
	return part(0), part(8), part(4)
}

func hexDigits(s string) bool {
	for i := range len(s) {
		if !(s[i] >= '0' && s[i] <= '9' || s[i] >= 'a' && s[i] <= 'f') {
			return false
		}
	}
	return true
}

// sheet reads the classes that a style sheet hides or colours. Rules inside @media are for
// some screens only and do not count.
func (w *walker) sheet(s string) {
	if len(s) > 256<<10 {
		s, w.r.Cut = s[:256<<10], true
	}
	depth, media := 0, false
	for rules := 0; rules < 2000; rules++ {
		open := strings.IndexAny(s, "{}")
		if open < 0 {
			return
		}
		if s[open] == '}' {
			if depth > 0 {
				depth--
			}
			media = media && depth > 0
			s = s[open+1:]
			continue
		}
		selector := strings.TrimSpace(s[:open])
		s = s[open+1:]
		if i := strings.LastIndex(selector, "-->"); i >= 0 {
			selector = strings.TrimSpace(selector[i+3:])
		}
		if i := strings.LastIndex(selector, "*/"); i >= 0 {
			selector = strings.TrimSpace(selector[i+2:])
		}
		selector = strings.TrimSpace(strings.TrimPrefix(selector, "<!--"))
		if strings.HasPrefix(selector, "@") && !strings.HasPrefix(selector, "@font-face") {
			depth, media = depth+1, true
			continue
		}
		end := strings.IndexByte(s, '}')
		if end < 0 {
			return
		}
		body := s[:end]
		s = s[end+1:]
		d := declarations(body, func(target string) { w.add("style", target) })
		if d == (declared{}) || media {
			continue
		}
		for i, one := range strings.SplitN(selector, ",", 20) {
			one = strings.TrimSpace(one)
			if i == 19 || strings.ContainsAny(one, " >+~:[") {
				continue
			}
			if _, class, ok := strings.Cut(one, "."); ok && class != "" && len(w.classes) < 500 {
				if w.classes == nil {
					w.classes = map[string]declared{}
				}
				w.classes[class] = d
			}
		}
	}
}
