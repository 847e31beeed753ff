// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"html/template"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	gmtext "github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"

	"teiten/internal/indicator"
)

// What members write is Markdown (CommonMark) without everything that could
// load or open something: no HTML, no links, no images. What remains are
// paragraphs, lists, emphasis, quotes, headings and code. A link's text and
// address stay as they are typed, the address defanged.
var markdownParser = parser.NewParser(
	parser.WithBlockParsers(
		util.Prioritized(parser.NewSetextHeadingParser(), 100),
		util.Prioritized(parser.NewThematicBreakParser(), 200),
		util.Prioritized(parser.NewListParser(), 300),
		util.Prioritized(parser.NewListItemParser(), 400),
		util.Prioritized(parser.NewCodeBlockParser(), 500),
		util.Prioritized(parser.NewATXHeadingParser(), 600),
		util.Prioritized(parser.NewFencedCodeBlockParser(), 700),
		util.Prioritized(parser.NewBlockquoteParser(), 800),
		util.Prioritized(parser.NewParagraphParser(), 1000),
	),
	parser.WithInlineParsers(
		util.Prioritized(parser.NewCodeSpanParser(), 100),
		util.Prioritized(parser.NewEmphasisParser(), 500),
	),
)

// maxDepth bounds how deep quotes and lists nest; what is deeper is shown at
// this depth.
const maxDepth = 12

// markdown writes a text as HTML in which nothing can be opened. Headings begin
// at h3, below the page's own. known are the indicators that the text is about.
func markdown(body string, known []indicator.Value) template.HTML {
	source := []byte(strings.ToValidUTF8(body, string(utf8.RuneError)))
	w := &markdownWriter{source: source, known: known}
	w.children(markdownParser.Parse(gmtext.NewReader(source)), 0)
	return template.HTML(w.out.String())
}

// markdownText is the text of a body without its marks, on one line, harmless.
func markdownText(body string, known []indicator.Value) string {
	source := []byte(strings.ToValidUTF8(body, string(utf8.RuneError)))
	w := &markdownWriter{source: source}
	var words []string
	var take func(ast.Node)
	take = func(n ast.Node) {
		switch n.(type) {
		case *ast.Paragraph, *ast.TextBlock, *ast.Heading:
			var line strings.Builder
			for _, r := range w.runs(n, nil) {
				line.WriteString(r.text)
			}
			words = append(words, strings.Fields(line.String())...)
		case *ast.CodeBlock, *ast.FencedCodeBlock:
			words = append(words, strings.Fields(lines(n, source))...)
		default:
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				take(c)
			}
		}
	}
	take(markdownParser.Parse(gmtext.NewReader(source)))
	return harmless(strings.Join(words, " "), known...)
}

type markdownWriter struct {
	source []byte
	known  []indicator.Value
	out    strings.Builder
}

func (w *markdownWriter) children(n ast.Node, depth int) {
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		w.block(c, depth)
	}
}

// block writes one block. A block that is not named here shows its children.
func (w *markdownWriter) block(n ast.Node, depth int) {
	switch n := n.(type) {
	case *ast.Paragraph:
		w.element("p", n)
	case *ast.TextBlock:
		w.inline(n)
	case *ast.Heading:
		w.element(fmt.Sprintf("h%d", min(max(n.Level, 3), 5)), n)
	case *ast.CodeBlock, *ast.FencedCodeBlock:
		w.out.WriteString("<pre><code>" + template.HTMLEscapeString(harmless(lines(n, w.source), w.known...)) + "</code></pre>\n")
	case *ast.ThematicBreak:
		w.out.WriteString("<hr>\n")
	default:
		open, end := wrapper(n)
		if depth >= maxDepth {
			open, end = "", ""
		}
		w.out.WriteString(open)
		w.children(n, depth+1)
		w.out.WriteString(end)
	}
}

func wrapper(n ast.Node) (open, end string) {
	switch n := n.(type) {
	case *ast.Blockquote:
		return "<blockquote>\n", "</blockquote>\n"
	case *ast.ListItem:
		return "<li>", "</li>\n"
	case *ast.List:
		if !n.IsOrdered() {
			return "<ul>\n", "</ul>\n"
		}
		if n.Start > 1 {
			return fmt.Sprintf("<ol start=\"%d\">\n", n.Start), "</ol>\n"
		}
		return "<ol>\n", "</ol>\n"
	}
	return "", ""
}

func lines(n ast.Node, source []byte) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		b.Write(line.Value(source))
	}
	return b.String()
}

func (w *markdownWriter) element(tag string, n ast.Node) {
	w.out.WriteString("<" + tag + ">")
	w.inline(n)
	w.out.WriteString("</" + tag + ">\n")
}

// inline writes the text of a block. An address can be hidden from a look at
// each run of text by letting emphasis cut it in two; then the block is written
// without emphasis.
func (w *markdownWriter) inline(n ast.Node) {
	runs := w.runs(n, nil)
	var whole, pieces strings.Builder
	for _, r := range runs {
		whole.WriteString(r.text)
		pieces.WriteString(harmless(r.text, w.known...))
	}
	safe := harmless(whole.String(), w.known...)
	if safe != pieces.String() {
		w.text(safe)
		return
	}
	for _, r := range runs {
		w.out.WriteString(r.open)
		w.text(harmless(r.text, w.known...))
		w.out.WriteString(r.end)
	}
}

// text writes escaped text whose lines stay where their writer broke them.
func (w *markdownWriter) text(s string) {
	w.out.WriteString(strings.ReplaceAll(template.HTMLEscapeString(s), "\n", "<br>\n"))
}

// run is a piece of text with the same emphasis.
type run struct{ open, text, end string }

func (w *markdownWriter) runs(n ast.Node, tags []string) []run {
	var all []run
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		switch c := c.(type) {
		case *ast.Text:
			raw := c.Value(w.source)
			if n.Kind() != ast.KindCodeSpan {
				raw = util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(raw)))
			}
			s := strings.ToValidUTF8(string(raw), string(utf8.RuneError))
			if c.SoftLineBreak() || c.HardLineBreak() {
				s += "\n"
			}
			all = append(all, tagged(s, tags))
		case *ast.String:
			all = append(all, tagged(string(c.Value), tags))
		case *ast.Emphasis:
			tag := "em"
			if c.Level >= 2 {
				tag = "strong"
			}
			all = append(all, w.runs(c, with(tags, tag))...)
		case *ast.CodeSpan:
			all = append(all, w.runs(c, with(tags, "code"))...)
		default:
			all = append(all, w.runs(c, tags)...)
		}
	}
	return all
}

// with adds a tag unless it is there: deeper nesting looks no different.
func with(tags []string, tag string) []string {
	for _, t := range tags {
		if t == tag {
			return tags
		}
	}
	return append(tags[:len(tags):len(tags)], tag)
}

func tagged(s string, tags []string) run {
	r := run{text: s}
	for _, t := range tags {
		r.open += "<" + t + ">"
		r.end = "</" + t + ">" + r.end
	}
	return r
}
