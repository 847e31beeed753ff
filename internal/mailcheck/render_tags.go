// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"net/url"
	"strconv"
	"strings"

	"teiten/internal/indicator"
)

// look takes what a tag says: addresses, fields, and how its text is shown.
func (w *walker) look(e *element, attr map[string]string, inside int) {
	w.shown(e, attr)
	switch e.name {
	case "a":
		if i := w.add("a", first(attr, "href", "xlink:href")); i >= 0 {
			e.link = i
		}
	case "area":
		w.add("area", attr["href"])
	case "base":
		if h := attr["href"]; h != "" && w.base == "" {
			w.r.page.base = true
			if i := w.add("base", h); i >= 0 {
				w.base = w.r.Links[i].URL
			}
		}
	case "form":
		w.r.page.forms++
		w.add("form", attr["action"])
	case "input", "button", "textarea", "select":
		w.field(e.name, attr)
	case "iframe", "frame", "embed":
		w.add("frame", attr["src"])
		if doc := attr["srcdoc"]; doc != "" && inside < maxInside {
			w.run(doc, inside+1)
		}
	case "object":
		w.add("object", attr["data"])
	case "script":
		w.r.page.scripts++
		w.add("script", first(attr, "src", "xlink:href", "href"))
	case "link":
		w.add("style", attr["href"])
	case "img", "image", "source", "video", "input-image":
		w.image(attr)
	case "meta":
		if strings.EqualFold(strings.TrimSpace(attr["http-equiv"]), "refresh") {
			w.r.page.refresh = true
			w.add("refresh", afterURL(attr["content"]))
		}
	default:
		// VML of Outlook, xlink of SVG, and whatever else has a reference.
		if h := first(attr, "href", "xlink:href"); h != "" {
			kind := "a"
			if e.name == "use" || e.name == "fill" || e.name == "v:fill" || e.name == "v:imagedata" {
				kind = "image"
			}
			if i := w.add(kind, h); i >= 0 && kind == "a" {
				e.link = i
			}
		}
	}
	for _, name := range []string{"background", "poster", "lowsrc", "dynsrc"} {
		if v := attr[name]; v != "" {
			w.add("image", v)
		}
	}
	for k, v := range attr {
		if len(k) > 2 && k[0] == 'o' && k[1] == 'n' && v != "" && e.name != "v:shape" {
			w.r.page.handlers++
			for _, f := range indicator.Extract(v[:min(len(v), 4096)]) {
				if f.Kind == indicator.URL {
					w.add("event", f.Written)
				}
			}
		}
	}
}

func first(attr map[string]string, names ...string) string {
	for _, n := range names {
		if v := attr[n]; v != "" {
			return v
		}
	}
	return ""
}

func (w *walker) field(name string, attr map[string]string) {
	kind := strings.ToLower(strings.TrimSpace(attr["type"]))
	if kind != "hidden" && name != "button" {
		w.r.page.inputs++
	}
	id := strings.ToLower(attr["name"] + " " + attr["id"] + " " + attr["placeholder"] + " " + attr["autocomplete"])
	if kind == "password" || name == "input" && (strings.Contains(id, "passw") || strings.Contains(id, "パスワード") || strings.Contains(id, "暗証")) {
		w.r.page.passwords++
	}
	w.add("form", attr["formaction"])
	if kind == "image" {
		w.image(attr)
	}
}

func (w *walker) image(attr map[string]string) {
	width, height := pixels(attr["width"]), pixels(attr["height"])
	if width >= 0 && width <= 2 || height >= 0 && height <= 2 {
		w.r.page.pixels++
	} else {
		w.r.page.images++
	}
	src := first(attr, "src", "xlink:href", "href")
	if len(src) > 5 && strings.EqualFold(src[:5], "data:") {
		if len(w.r.page.data) < 50 {
			w.r.page.data = append(w.r.page.data, src)
		}
	} else {
		w.add("image", src)
	}
	for i, candidate := range strings.SplitN(attr["srcset"], ",", 20) {
		if f := strings.Fields(candidate); len(f) > 0 && i < 19 {
			w.add("image", f[0])
		}
	}
}

func pixels(s string) int {
	n, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(s), "px"))
	if err != nil {
		return -1
	}
	return n
}

// afterURL is the address in the content of a refresh: "5; url=https://…".
func afterURL(content string) string {
	_, rest, ok := strings.Cut(content, ";")
	if !ok {
		if _, rest, ok = strings.Cut(content, ","); !ok {
			return ""
		}
	}
	rest = strings.TrimSpace(rest)
	if len(rest) > 3 && strings.EqualFold(rest[:3], "url") {
		if _, v, ok := strings.Cut(rest, "="); ok {
			rest = v
		}
	}
	return strings.Trim(strings.TrimSpace(rest), `"'`)
}

// add adds an address and returns its index, or -1 if it is none.
func (w *walker) add(kind, written string) int {
	if strings.TrimSpace(written) == "" {
		return -1
	}
	if len(w.r.Links) >= maxTargets {
		w.r.Cut = true
		return -1
	}
	address, scheme := resolve(written, w.base)
	if scheme == "" || scheme == "cid" || scheme == "mid" {
		return -1
	}
	at := w.out.Len()
	w.r.Links = append(w.r.Links, Target{Start: at, End: at, Kind: kind, Written: written[:min(len(written), indicator.MaxURL)], URL: address, Scheme: scheme})
	return len(w.r.Links) - 1
}

// resolve reads an address as browsers do (WHATWG URL, section 4.4): control
// characters and blanks around are dropped, tabs and line breaks inside too,
// "\" is "/" after http. A relative one without a base is none.
func resolve(written, base string) (address, scheme string) {
	s := strings.TrimFunc(written, func(r rune) bool { return r <= ' ' })
	if strings.ContainsAny(s, "\t\r\n") {
		s = strings.Map(func(r rune) rune {
			if r == '\t' || r == '\r' || r == '\n' {
				return -1
			}
			return r
		}, s)
	}
	if s == "" || s[0] == '#' {
		return "", ""
	}
	if n := schemeLength(s); n > 0 {
		scheme = strings.ToLower(s[:n])
		return s, scheme
	}
	if len(s) >= 2 && (s[0] == '/' || s[0] == '\\') && (s[1] == '/' || s[1] == '\\') {
		return "https:" + s, "https"
	}
	if base != "" && len(base)+len(s) < indicator.MaxURL {
		if b, err := url.Parse(base); err == nil {
			if u, err := b.Parse(strings.ReplaceAll(s, `\`, "/")); err == nil {
				return u.String(), u.Scheme
			}
		}
	}
	// "www.evil.example/path" is relative to a browser and a link to mail programs.
	if v, ok := indicator.Recognise(s); ok && (v.Kind == indicator.URL || v.Kind == indicator.Domain && strings.HasPrefix(strings.ToLower(s), "www.")) {
		return "http://" + s, "http"
	}
	return "", ""
}

func schemeLength(s string) int {
	for i := 0; i < len(s) && i < 40; i++ {
		c := s[i] | 0x20
		switch {
		case c >= 'a' && c <= 'z':
		case s[i] == ':' && i > 1:
			return i
		case i > 0 && (s[i] >= '0' && s[i] <= '9' || s[i] == '+' || s[i] == '-'):
		default:
			return 0
		}
	}
	return 0
}
