// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"

	"teiten/internal/indicator"
	"teiten/internal/mail"
)

// maxLinks is how many different targets of links are shared.
const maxLinks = 1000

// bodies redacts plain text and what a reader of HTML sees.
func (r *redactor) bodies(m *mail.Message, out *Mail) {
	left := maxBody
	add := func(where, path, text string) {
		if len(text) > left {
			text = cut(text, left)
			r.omit(where, path, "redact.omitted_long")
		}
		left -= len(text)
		if strings.TrimSpace(text) == "" {
			return
		}
		d, ok := r.hide(text, letter)
		if !ok {
			r.omit(where, path, "redact.omitted_unsettled")
			return
		}
		out.Body = append(out.Body, d.piece(where, path))
	}
	for _, p := range m.Texts() {
		add("text", p.Path, p.Text)
	}
	seen := map[string]bool{}
	for _, p := range m.HTML() {
		source := p.Text
		if len(source) > maxBody {
			source = source[:strings.LastIndexByte(source[:maxBody], '<')+1]
			source = strings.TrimSuffix(source, "<")
			r.omit("html", p.Path, "redact.omitted_long")
		}
		text, links, err := readHTML(source)
		if err != nil { // nested deeper than a page is
			r.omit("html", p.Path, "redact.omitted_html")
			continue
		}
		add("html", p.Path, text)
		for _, l := range links {
			if seen[l] {
				continue
			}
			seen[l] = true
			if len(out.Links) == maxLinks {
				r.omit("link", p.Path, "redact.omitted_long")
				break
			}
			if piece, ok := r.link(p.Path, l); ok {
				out.Links = append(out.Links, piece)
			}
		}
	}
}

// link redacts a target. Of other things than URLs of the web only the address
// of mailto: and the number of tel: are worth sharing, of data: the kind.
func (r *redactor) link(path, target string) (Piece, bool) {
	low := strings.ToLower(target)
	scheme, rest, _ := strings.Cut(low, ":")
	switch scheme {
	case "mailto", "tel", "sms", "skype", "callto":
		rest, _, _ = strings.Cut(rest, "?")
		text := scheme + ":" + rest
		if scheme != "mailto" && strings.ContainsAny(rest, "0123456789") {
			d := draft{text: text}
			d.apply([]hit{{len(scheme) + 1, len(text), Phone, false}})
			return d.piece("link", path), true
		}
		return r.piece("link", path, text, everything), true
	case "data", "javascript", "vbscript", "file", "cid", "blob", "about":
		if scheme != "data" {
			return Piece{Where: "link", Path: path, Text: scheme + ":"}, scheme != "cid"
		}
		kind, _, _ := strings.Cut(rest, ",")
		kind, _, _ = strings.Cut(kind, ";")
		if !mediaType(kind) || strings.HasPrefix(kind, "image/") {
			return Piece{}, false
		}
		return Piece{Where: "link", Path: path, Text: "data:" + kind}, true
	}
	v, err := indicator.Normalise(indicator.URL, target)
	if err != nil || len(v.Value) > maxLine {
		return Piece{}, false
	}
	d := &draft{text: v.Value}
	for range rounds {
		if !d.apply(r.url(d.text, v.Host)) {
			return d.piece("link", path), true
		}
		if d.text == Host.Mark() {
			return d.piece("link", path), true
		}
	}
	return Piece{}, false
}

// readHTML returns the text that a reader of HTML sees, in lines, and where its
// links, forms, frames and images lead. Comments, attributes, titles, scripts
// and text that is hidden are left out.
func readHTML(source string) (text string, links []string, err error) {
	root, err := html.Parse(strings.NewReader(source))
	if err != nil {
		return "", nil, err
	}
	t := &page{}
	t.walk(root, false)
	return strings.Trim(t.text.String(), " \n"), t.links, nil
}

// page is an HTML document being read.
type page struct {
	text  strings.Builder
	links []string
	blank bool // a blank is due
	lines int  // at the end of text
}

// unseen are elements of which a reader sees no text.
var unseen = map[atom.Atom]bool{atom.Script: true, atom.Style: true, atom.Head: true, atom.Title: true, atom.Template: true,
	atom.Noscript: true, atom.Textarea: true, atom.Select: true, atom.Svg: true, atom.Math: true, atom.Object: true, atom.Iframe: true,
	atom.Noembed: true, atom.Noframes: true, atom.Audio: true, atom.Video: true, atom.Canvas: true, atom.Datalist: true, atom.Option: true}

// blocks are elements that begin and end a line.
var blocks = map[atom.Atom]bool{atom.P: true, atom.Div: true, atom.Tr: true, atom.Li: true, atom.Ul: true, atom.Ol: true, atom.Table: true,
	atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.H5: true, atom.H6: true, atom.Blockquote: true, atom.Pre: true, atom.Hr: true,
	atom.Br: true, atom.Dl: true, atom.Dt: true, atom.Dd: true, atom.Form: true, atom.Section: true, atom.Article: true, atom.Header: true,
	atom.Footer: true, atom.Center: true, atom.Address: true, atom.Fieldset: true, atom.Caption: true, atom.Thead: true, atom.Tbody: true, atom.Main: true, atom.Nav: true, atom.Aside: true}

// walk reads a node. html.Parse refuses more than 512 elements inside each
// other, so that recursion is bounded.
func (t *page) walk(n *html.Node, pre bool) {
	switch n.Type {
	case html.TextNode:
		t.write(n.Data, pre)
		return
	case html.ElementNode:
		t.target(n)
		if unseen[n.DataAtom] && n.DataAtom != atom.Head || hiddenElement(n) {
			t.targets(n)
			return
		}
		if n.DataAtom == atom.Head {
			t.targets(n)
			return
		}
		if n.DataAtom == atom.Td || n.DataAtom == atom.Th {
			t.blank = t.text.Len() > 0 && t.lines == 0
		}
		pre = pre || n.DataAtom == atom.Pre
	case html.DocumentNode:
	default:
		return
	}
	if blocks[n.DataAtom] {
		t.newLine(n.DataAtom == atom.P || n.DataAtom == atom.Table)
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		t.walk(c, pre)
	}
	if blocks[n.DataAtom] && n.DataAtom != atom.Br {
		t.newLine(false)
	}
}

// targets collects the links below an element whose text is not seen.
func (t *page) targets(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.ElementNode {
			t.target(c)
			t.targets(c)
		}
	}
}

func (t *page) newLine(empty bool) {
	t.blank = false
	if t.text.Len() == 0 {
		return
	}
	most := 1
	if empty {
		most = 2
	}
	for t.lines < most {
		t.text.WriteByte('\n')
		t.lines++
	}
}

func (t *page) write(s string, pre bool) {
	for _, r := range s {
		switch {
		case r == '\n' && pre:
			t.blank, t.lines = false, t.lines+1
			t.text.WriteByte('\n')
		case r == ' ' || r == '\n' || r == '\t' || r == '\r' || r == '\f':
			t.blank = true
		default:
			if t.blank && t.lines == 0 && t.text.Len() > 0 {
				t.text.WriteByte(' ')
			}
			t.blank, t.lines = false, 0
			t.text.WriteRune(r)
		}
	}
}

// target notes where an element leads.
func (t *page) target(n *html.Node) {
	attribute := ""
	switch n.DataAtom {
	case atom.A, atom.Area, atom.Base:
		attribute = "href"
	case atom.Form:
		attribute = "action"
	case atom.Button, atom.Input:
		attribute = "formaction"
	case atom.Img, atom.Iframe, atom.Frame, atom.Embed, atom.Script, atom.Source:
		attribute = "src"
	case atom.Object:
		attribute = "data"
	case atom.Meta:
		if strings.EqualFold(attr(n, "http-equiv"), "refresh") {
			if i := strings.Index(strings.ToLower(attr(n, "content")), "url="); i >= 0 {
				t.link(strings.Trim(attr(n, "content")[i+4:], `'" `))
			}
		}
		return
	default:
		return
	}
	t.link(attr(n, attribute))
}

func (t *page) link(target string) {
	target = strings.Map(func(r rune) rune { // as browsers do: WHATWG URL, section 4.4
		if r == '\n' || r == '\r' || r == '\t' {
			return -1
		}
		return r
	}, strings.TrimSpace(target))
	if target != "" && target[0] != '#' && strings.ContainsAny(target, ":/.") && len(t.links) < 10*maxLinks {
		t.links = append(t.links, target)
	}
}

func attr(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

// hiddenElement reports whether an element is not shown: by attribute or by
// what its style says of itself.
func hiddenElement(n *html.Node) bool {
	for _, a := range n.Attr {
		switch a.Key {
		case "hidden":
			return true
		case "style":
			if hiddenStyle(a.Val) {
				return true
			}
		}
	}
	return false
}

func hiddenStyle(style string) bool {
	for _, rule := range strings.Split(strings.ToLower(style), ";") {
		name, value, _ := strings.Cut(rule, ":")
		name, value = strings.TrimSpace(name), strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(value), "!important"))
		switch name {
		case "display":
			if value == "none" {
				return true
			}
		case "visibility":
			if value == "hidden" || value == "collapse" {
				return true
			}
		case "mso-hide":
			if value == "all" {
				return true
			}
		case "font-size", "max-height", "max-width", "opacity":
			if n := strings.TrimRight(value, "pxemt%r"); n == "0" || n == "0.0" || n == ".0" || n == "0.01" || n == "0.1" && name != "opacity" || n == "1" && name == "font-size" && strings.HasSuffix(value, "px") {
				return true
			}
		}
	}
	return false
}
