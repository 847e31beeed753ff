// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package outlook

import (
	"html"
	"strings"
)

// field is an RTF field: a hyperlink, mostly.
type field struct {
	instruction []byte
	shown       bool
}

// hyperlinkSwitches take a value of their own.
const hyperlinkSwitches = "lotm"

// target reads the instruction of a field, such as HYPERLINK "http://…" \l "x",
// and returns what it is and where it leads.
func (f *field) target() (name, target string) {
	var words []string
	anchor := ""
	pending := byte(0)
	text := string(f.instruction)
	for i := 0; i < len(text) && len(words) < 16; {
		switch c := text[i]; {
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i++
		case c == '\\' && i+1 < len(text) && text[i+1] != '\\':
			if s := text[i+1] | 0x20; strings.IndexByte(hyperlinkSwitches, s) >= 0 {
				pending = s
			}
			i += 2
		default:
			var word strings.Builder
			quoted := c == '"'
			if quoted {
				i++
			}
			for ; i < len(text); i++ {
				if text[i] == '\\' && i+1 < len(text) && (text[i+1] == '\\' || text[i+1] == '"') {
					i++
				} else if quoted && text[i] == '"' || !quoted && text[i] <= ' ' {
					i++
					break
				}
				word.WriteByte(text[i])
			}
			switch {
			case pending == 'l':
				anchor = word.String()
			case pending == 0:
				words = append(words, word.String())
			}
			pending = 0
		}
	}
	if len(words) == 0 {
		return "", ""
	}
	name = strings.ToUpper(words[0])
	if len(words) > 1 {
		target = words[1]
	}
	if anchor != "" {
		target += "#" + anchor
	}
	return name, target
}

// beginField, beginResult, endLink and endField turn fields into links, where
// the document is not HTML already.
func (r *rtfReader) beginField() {
	if r.kind != rtfPlain || r.g.to == toNone || r.g.ends != endsNothing {
		return
	}
	r.flush()
	r.fields = append(r.fields, field{})
	r.g.ends = endsField
}

func (r *rtfReader) beginResult() {
	if r.kind != rtfPlain || r.g.to != toBody || len(r.fields) == 0 || r.g.ends != endsNothing {
		return
	}
	r.flush()
	if r.link(&r.fields[len(r.fields)-1]) {
		r.g.ends = endsResult
	}
}

// link opens the element that a field comes to, once.
func (r *rtfReader) link(f *field) bool {
	if f.shown {
		return false
	}
	name, target := f.target()
	if target == "" {
		return false
	}
	f.shown = true
	switch name {
	case "HYPERLINK":
		r.out = append(r.out, `<a href="`...)
		r.out = append(r.out, html.EscapeString(target)...)
		r.out = append(r.out, `">`...)
		return true
	case "INCLUDEPICTURE", "INCLUDETEXT", "IMPORT":
		// Word fetches these when the document is opened.
		r.out = append(r.out, `<img src="`...)
		r.out = append(r.out, html.EscapeString(target)...)
		r.out = append(r.out, `">`...)
	}
	return false
}

func (r *rtfReader) endLink() {
	r.out = append(r.out, "</a>"...)
}

func (r *rtfReader) endField() {
	n := len(r.fields)
	if n == 0 {
		return
	}
	if r.link(&r.fields[n-1]) {
		r.endLink()
	}
	r.fields = r.fields[:n-1]
}
