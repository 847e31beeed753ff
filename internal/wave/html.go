// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import (
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// unseen are the elements whose text nobody reads.
var unseen = map[atom.Atom]bool{atom.Script: true, atom.Style: true, atom.Title: true, atom.Template: true, atom.Noscript: true}

// void elements have no end.
var void = map[atom.Atom]bool{atom.Area: true, atom.Base: true, atom.Br: true, atom.Col: true, atom.Embed: true, atom.Hr: true,
	atom.Img: true, atom.Input: true, atom.Link: true, atom.Meta: true, atom.Source: true, atom.Track: true, atom.Wbr: true}

// lenient elements end where the next of them begins.
var lenient = map[atom.Atom]bool{atom.P: true, atom.Li: true, atom.Td: true, atom.Th: true, atom.Tr: true, atom.Dt: true, atom.Dd: true, atom.Option: true}

// blocks begin a new line.
var blocks = map[atom.Atom]bool{atom.P: true, atom.Div: true, atom.Br: true, atom.Tr: true, atom.Td: true, atom.Li: true, atom.Table: true,
	atom.H1: true, atom.H2: true, atom.H3: true, atom.H4: true, atom.Hr: true, atom.Blockquote: true, atom.Pre: true, atom.Body: true}

// readHTML returns the text that a reader sees, roughly, and where links and
// forms lead. What is hidden by a style of its own is left out: random text is
// put there so that no two mails are the same.
func readHTML(source string) (string, []string) {
	var text strings.Builder
	var links []string
	z := html.NewTokenizer(strings.NewReader(source))
	hidden := "" // the element within which nothing is seen
	depth := 0   // of elements of that name within it
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return text.String(), links
		case html.TextToken:
			if hidden == "" && text.Len() < maxText {
				text.Write(z.Text())
			}
		case html.StartTagToken, html.SelfClosingTagToken:
			raw, more := z.TagName()
			tag, name := string(raw), atom.Lookup(raw)
			if tag == hidden && lenient[name] {
				hidden = ""
			}
			style := ""
			for n := 0; more && n < 50; n++ {
				var key, value []byte
				key, value, more = z.TagAttr()
				switch string(key) {
				case "href", "action", "formaction":
					if name != atom.Link && name != atom.Base && hidden == "" && len(links) < maxLinks && len(value) > 0 && len(value) <= 8192 {
						links = append(links, string(value))
					}
				case "style":
					style = string(value)
				case "hidden":
					style = "display:none"
				}
			}
			if blocks[name] && hidden == "" {
				text.WriteByte('\n')
			}
			if kind == html.SelfClosingTagToken || void[name] {
				continue
			}
			switch {
			case hidden != "":
				if tag == hidden {
					depth++
				}
			case unseen[name] || conceals(style):
				hidden, depth = tag, 1
			}
		case html.EndTagToken:
			if raw, _ := z.TagName(); hidden != "" && hidden == string(raw) {
				if depth--; depth == 0 {
					hidden = ""
				}
			}
		}
	}
}

// conceals reports whether a style makes an element invisible.
func conceals(style string) bool {
	if style == "" || len(style) > 4096 {
		return false
	}
	s := strings.Map(func(r rune) rune {
		if r == ' ' || r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, strings.ToLower(style))
	for _, declared := range []string{"display:none", "visibility:hidden", "mso-hide:all", "opacity:0;"} {
		if strings.Contains(s, declared) {
			return true
		}
	}
	for _, size := range []string{"font-size:0", "max-height:0"} {
		if _, rest, ok := strings.Cut(s, size); ok && (rest == "" || rest[0] == ';' || strings.HasPrefix(rest, "px") || strings.HasPrefix(rest, "pt") || rest[0] == '!') {
			return true
		}
	}
	return false
}
