// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"bytes"
	"encoding/xml"
	"errors"
	"html"
	"io"
	"strings"

	"teiten/internal/fault"
)

// parser walks the tokens of one document.
type parser struct {
	dec   *xml.Decoder
	depth int

	title, link string
	drafts      []draft
	count       int  // items met
	answered    bool // MyJVN gave a Status
	noResult    bool // MyJVN says that nothing was found
	problems    []Problem
}

// draft is an item before its link and GUID are settled.
type draft struct {
	item         Item
	rawLink      string
	base         string // xml:base
	number, line int
	dates        int // tried
}

func newParser(text []byte) *parser {
	dec := xml.NewDecoder(bytes.NewReader(text))
	dec.Entity = xml.HTMLEntity
	dec.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // decode has done it
	return &parser{dec: dec}
}

func (p *parser) line() int {
	line, _ := p.dec.InputPos()
	return line
}

// next returns the next token and keeps the limits that hold for all of them.
func (p *parser) next() (xml.Token, error) {
	token, err := p.dec.Token()
	if err != nil {
		return nil, p.broken(err)
	}
	switch t := token.(type) {
	case xml.StartElement:
		if p.depth++; p.depth > MaxDepth {
			return nil, fault.New(fault.Invalid, "feed.too_deep", "line", p.line(), "limit", MaxDepth)
		}
	case xml.EndElement:
		p.depth--
	case xml.Directive:
		// Entities of a document's own are never expanded, so what uses them
		// cannot be read; they are also how a few bytes grow to gigabytes.
		if bytes.ContainsRune(t, '[') {
			return nil, fault.New(fault.Invalid, "feed.entities", "line", p.line())
		}
	}
	return token, nil
}

func (p *parser) broken(err error) error {
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		if strings.Contains(syntax.Msg, "unexpected EOF") {
			return fault.Wrap(err, fault.Invalid, "feed.truncated", "line", syntax.Line)
		}
		return fault.Wrap(err, fault.Invalid, "feed.broken", "line", syntax.Line, "reason", oneLine(syntax.Msg, 120))
	}
	if errors.Is(err, io.EOF) {
		return fault.Wrap(err, fault.Invalid, "feed.truncated", "line", p.line())
	}
	return fault.Wrap(err, fault.Invalid, "feed.broken", "line", p.line(), "reason", oneLine(err.Error(), 120))
}

// children calls f for every child element of the one that has just begun; f
// must take the child whole, by children, text or skip.
func (p *parser) children(f func(key string, e xml.StartElement) error) error {
	for {
		token, err := p.next()
		if err != nil {
			return err
		}
		switch t := token.(type) {
		case xml.StartElement:
			if err := f(keyOf(t.Name), t); err != nil {
				return err
			}
		case xml.EndElement:
			return nil
		}
	}
}

func (p *parser) skip() error {
	return p.children(func(string, xml.StartElement) error { return p.skip() })
}

// maxRaw bounds one field before markup is taken out, in bytes.
const maxRaw = 8 * MaxText

// content is what an element holds.
type content struct {
	raw  string
	html bool // raw is markup, because elements stood in the text
	cut  bool // raw ended at maxRaw
}

// text takes the element that has just begun. Elements inside, as in Atom's
// xhtml, or HTML that somebody forgot to escape, come back as markup.
func (p *parser) text() (content, error) {
	var parts []string // odd: text; even: tags
	var c content
	size := 0
	add := func(tag, s string) {
		if size += len(s) + len(tag); size > maxRaw {
			c.cut = true
			return
		}
		parts = append(parts, tag, s)
	}
	for depth := 1; depth > 0; {
		token, err := p.next()
		if err != nil {
			return c, err
		}
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			c.html = true
			add("<"+tagName(t)+">", "")
		case xml.EndElement:
			if depth--; depth > 0 {
				add("</"+strings.ToLower(t.Name.Local)+">", "")
			}
		case xml.CharData:
			add("", string(t))
		}
	}
	var b strings.Builder
	for i := 0; i < len(parts); i += 2 {
		b.WriteString(parts[i])
		if c.html {
			b.WriteString(html.EscapeString(parts[i+1]))
		} else {
			b.WriteString(parts[i+1])
		}
	}
	c.raw = b.String()
	return c, nil
}

// tagName keeps the one attribute that plain text needs.
func tagName(e xml.StartElement) string {
	name := strings.ToLower(e.Name.Local)
	if name == "img" {
		return `img alt="` + html.EscapeString(attr(e, "alt")) + `"`
	}
	return name
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if strings.EqualFold(a.Name.Local, name) {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// xmlBase returns xml:base, but not another attribute of that name.
func xmlBase(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "base" && vocabulary(a.Name.Space) == "xml" {
			return strings.TrimSpace(a.Value)
		}
	}
	return ""
}

// keyOf names an element by vocabulary and local name, as "dc:date"; those of
// RSS itself have no prefix.
func keyOf(n xml.Name) string {
	local := strings.ToLower(n.Local)
	if v := vocabulary(n.Space); v != "" {
		return v + ":" + local
	}
	return local
}

// vocabulary recognises a namespace as feeds write it: with http or https, with
// or without the last slash, or as a prefix that was never declared.
func vocabulary(space string) string {
	s := strings.ToLower(space)
	s = strings.TrimPrefix(strings.TrimPrefix(s, "https://"), "http://")
	s = strings.TrimRight(s, "/#")
	switch s {
	case "", "purl.org/rss/1.0", "purl.org/rss/2.0", "my.netscape.com/rdf/simple/0.9",
		"backend.userland.com/rss2", "backend.userland.com/rss", "blogs.law.harvard.edu/tech/rss", "cyber.law.harvard.edu/rss/rss.html":
		return ""
	case "purl.org/dc/elements/1.1", "purl.org/dc/elements/1.0", "dc":
		return "dc"
	case "purl.org/dc/terms", "dcterms":
		return "dcterms"
	case "www.w3.org/2005/atom", "purl.org/atom/ns", "atom":
		return "atom"
	case "purl.org/rss/1.0/modules/content", "content":
		return "content"
	case "www.w3.org/1999/02/22-rdf-syntax-ns", "rdf":
		return "rdf"
	case "www.w3.org/xml/1998/namespace", "xml":
		return "xml"
	case "jvndb.jvn.jp/myjvn/status", "jvn.jp/myjvn/status", "status":
		return "status"
	}
	if strings.HasPrefix(s, "jvn.jp/rss/mod_sec") || s == "sec" {
		return "sec"
	}
	return "other"
}

func (p *parser) problem(item, line int, title string, reason *fault.Error) {
	switch {
	case len(p.problems) < maxProblems:
		p.problems = append(p.problems, Problem{Item: item, Line: line, Title: oneLine(title, 100), Reason: reason})
	case len(p.problems) == maxProblems:
		p.problems = append(p.problems, Problem{Reason: fault.New(fault.TooLarge, "feed.problems_limit", "limit", maxProblems)})
	}
}
