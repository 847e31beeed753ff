// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"strconv"
	"strings"
)

// shown sets whether the element's text can be seen.
func (w *walker) shown(e *element, attr map[string]string) {
	if c := attr["class"]; c != "" && w.classes != nil && e.why == "" {
		for i, name := range strings.Fields(c) {
			if why := w.classes[name]; why != "" {
				e.why = why
			}
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
		d := declarations(s, func(target string) { w.add("style", target) })
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

var colourNames = map[string]string{"white": "#ffffff", "black": "#000000", "red": "#ff0000", "blue": "#0000ff", "gray": "#808080", "grey": "#808080",
	"whitesmoke": "#f5f5f5", "snow": "#fffafa", "ivory": "#fffff0", "yellow": "#ffff00", "green": "#008000", "silver": "#c0c0c0"}

// colour brings the usual spellings to #rrggbb; "" for what is not known.
func colour(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if c, ok := colourNames[s]; ok {
		return c
	}
	if strings.HasPrefix(s, "rgb(") || strings.HasPrefix(s, "rgba(") {
		_, inner, _ := strings.Cut(s, "(")
		parts := strings.FieldsFunc(inner, func(r rune) bool { return r == ',' || r == ' ' || r == ')' || r == '/' })
		if len(parts) < 3 {
			return ""
		}
		out := "#"
		for _, p := range parts[:3] {
			n, err := strconv.Atoi(p)
			if err != nil || n < 0 || n > 255 {
				return ""
			}
			out += string("0123456789abcdef"[n>>4]) + string("0123456789abcdef"[n&15])
		}
		return out
	}
	s = strings.TrimPrefix(s, "#")
	if len(s) == 3 && hexDigits(s) {
		return "#" + string([]byte{s[0], s[0], s[1], s[1], s[2], s[2]})
	}
	if len(s) == 6 && hexDigits(s) {
		return "#" + s
	}
	return ""
}

func hexDigits(s string) bool {
	for i := range len(s) {
		if !(s[i] >= '0' && s[i] <= '9' || s[i] >= 'a' && s[i] <= 'f') {
			return false
		}
	}
	return true
}

// sheet reads the classes that a style sheet hides. Rules inside @media are for
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
		if d.why == "" || media {
			continue
		}
		for i, one := range strings.SplitN(selector, ",", 20) {
			one = strings.TrimSpace(one)
			if i == 19 || strings.ContainsAny(one, " >+~:[") {
				continue
			}
			if _, class, ok := strings.Cut(one, "."); ok && class != "" && len(w.classes) < 500 {
				if w.classes == nil {
					w.classes = map[string]string{}
				}
				w.classes[class] = d.why
			}
		}
	}
}
