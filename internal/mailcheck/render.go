// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"strings"

	"golang.org/x/net/html"

	"teiten/internal/mail"
)

// Limits of rendering one part.
const (
	maxHTML    = 4 << 20   // bytes of HTML that are looked at
	maxTokens  = 300_000   // tags and texts
	maxRender  = 1 << 20   // bytes of text
	maxTargets = 5_000     // addresses in tags
	maxNesting = 512       // open elements that are kept
	maxInside  = 4         // documents inside documents: srcdoc, noscript, conditional comments
	maxScript  = 256 << 10 // bytes of scripts that are kept
)

// Rendered is a part as text, with what a reader of the text does not see. No
// address in it is opened, and nothing is loaded.
type Rendered struct {
	Text   string
	Links  []Target // in the order in which they stand
	Hidden []Unseen
	Cut    bool // there was more than the limits allow

	page page
}

// Target is an address in the HTML.
type Target struct {
	Start, End int    // the words of Text that lead there; equal for none
	Kind       string // a, area, form, frame, image, style, script, refresh, base, object, event
	Written    string // as it stands in the attribute, entities resolved
	URL        string // as a browser reads it: blanks and control characters taken out, resolved against the base; "" for what is no address
	Scheme     string // lower case
}

// Unseen is text that is in the HTML, but is not shown to the reader.
type Unseen struct {
	At   int // where it stands between the Text
	Text string
	Why  string // display, size, colour, position
}

// page is what else the rules ask about the HTML.
type page struct {
	forms, passwords, inputs int
	images, pixels           int
	scripts                  int
	script                   strings.Builder
	handlers                 int
	refresh, base            bool
	data                     []string     // data: addresses of images
	grids                    [][][]string // tables by the colours of their cells
	mixed                    int          // words of the text with unseen characters or text in their middle
}

// Render shows a body as text. HTML becomes what a reader sees, with places of
// the links; text that is hidden from him is given apart. Other parts are
// returned as they are.
func Render(p *mail.Part) Rendered {
	if p == nil {
		return Rendered{}
	}
	if p.MediaType != "text/html" && p.MediaType != "application/xhtml+xml" && p.MediaType != "image/svg+xml" {
		return Rendered{Text: p.Text}
	}
	text := p.Text
	if text == "" {
		text = string(p.Data[:min(len(p.Data), maxHTML)])
	}
	return renderHTML(text)
}

func renderHTML(text string) Rendered {
	w := walker{left: maxTokens}
	w.run(text, 0)
	w.r.Text = strings.TrimRight(w.out.String(), " \n\t")
	for i := range w.r.Links {
		l := &w.r.Links[i]
		l.Start, l.End = min(l.Start, len(w.r.Text)), min(l.End, len(w.r.Text))
	}
	for i := range w.r.Hidden {
		w.r.Hidden[i].At = min(w.r.Hidden[i].At, len(w.r.Text))
	}
	return w.r
}

// element is an open element with what it hands down.
type element struct {
	name       string
	why        string // hidden, and how
	color, bg  string
	link       int // index of the target that its text leads to, -1 for none
	structural bool
}

type walker struct {
	r     Rendered
	out   strings.Builder
	stack []element
	deep  int // open elements beyond the stack
	left  int
	gap   int // pending white space: 1 blank, 2 line, 3 paragraph
	base  string
	// classes hide or colour what carries them.
	classes map[string]declared
	silent  int // inside what other mail programs do not show
	pre     int
}

// run walks over a document, once, without building a tree.
func (w *walker) run(text string, inside int) {
	if len(text) > maxHTML {
		text, w.r.Cut = text[:maxHTML], true
	}
	z := html.NewTokenizer(strings.NewReader(text))
	raw := "" // the element whose content is not markup
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			// A tag that is not closed shows nothing; what stands in it is looked at
			// all the same.
			if i := strings.LastIndexByte(text, '<'); i >= 0 && strings.IndexByte(text[i:], '>') < 0 {
				w.unseen(text[i:min(len(text), i+8192)], "display")
			}
			return
		}
		if w.left--; w.left < 0 {
			w.r.Cut = true
			return
		}
		switch kind {
		case html.TextToken:
			if raw == "" {
				w.text(string(z.Text()))
				continue
			}
			w.raw(raw, string(z.Raw()), inside)
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := z.TagName()
			tag := string(name)
			raw = ""
			w.open(tag, attributes(z, more), kind == html.SelfClosingTagToken, inside)
			switch tag {
			case "script", "style", "title", "noscript", "iframe", "noembed", "noframes", "xmp", "textarea", "plaintext":
				if kind == html.StartTagToken {
					raw = tag
				}
			}
		case html.EndTagToken:
			name, _ := z.TagName()
			raw = ""
			w.close(string(name))
		case html.CommentToken:
			w.comment(string(z.Text()), inside)
		}
	}
}

// attributes reads at most 100 of a tag; of two with one name the first counts,
// as in browsers.
func attributes(z *html.Tokenizer, more bool) map[string]string {
	if !more {
		return nil
	}
	m := make(map[string]string, 4)
	for range 100 {
		var k, v []byte
		k, v, more = z.TagAttr()
		if len(k) > 0 {
			if _, twice := m[string(k)]; !twice {
				m[string(k)] = string(v)
			}
		}
		if !more {
			break
		}
	}
	return m
}

// raw takes the content of an element that is not markup.
func (w *walker) raw(name, text string, inside int) {
	switch name {
	case "script":
		if room := maxScript - w.r.page.script.Len(); room > 0 {
			w.r.page.script.WriteString(text[:min(len(text), room)])
			w.r.page.script.WriteByte('\n')
		} else {
			w.r.Cut = true
		}
	case "style":
		w.sheet(text)
	case "noscript", "noembed", "noframes": // mail programs run no scripts and show this
		if inside < maxInside {
			w.run(text, inside+1)
		}
	case "xmp", "textarea", "plaintext":
		w.text(html.UnescapeString(text))
	}
}

// comment looks into the conditional comments of Outlook, which carry links.
func (w *walker) comment(text string, inside int) {
	if !strings.HasPrefix(strings.TrimSpace(text), "[if") || inside >= maxInside {
		return
	}
	if _, body, ok := strings.Cut(text, ">"); ok {
		w.silent++
		w.run(body, inside+1)
		w.silent--
	}
}

func (w *walker) top() element {
	if len(w.stack) == 0 {
		return element{link: -1, bg: "#ffffff"}
	}
	return w.stack[len(w.stack)-1]
}

var void = map[string]bool{"area": true, "base": true, "br": true, "col": true, "embed": true, "hr": true, "img": true, "input": true, "link": true,
	"meta": true, "param": true, "source": true, "track": true, "wbr": true, "basefont": true, "frame": true, "bgsound": true}

var blocks = map[string]int{"p": 3, "div": 2, "tr": 2, "table": 2, "ul": 2, "ol": 2, "li": 2, "h1": 3, "h2": 3, "h3": 3, "h4": 3, "h5": 3, "h6": 3,
	"blockquote": 2, "pre": 2, "hr": 2, "center": 2, "form": 2, "section": 2, "article": 2, "header": 2, "footer": 2, "dl": 2, "dt": 2, "dd": 2,
	"fieldset": 2, "option": 2, "address": 2, "main": 2, "nav": 2, "tbody": 2, "body": 2, "td": 1, "th": 1}

func (w *walker) open(name string, attr map[string]string, closed bool, inside int) {
	if name == "br" {
		w.gap = max(w.gap, 2)
		if w.out.Len() > 0 {
			w.breakLine()
		}
		return
	}
	w.gap = max(w.gap, blocks[name])
	e := w.top()
	e.name = name
	if blocks[name] > 0 { // a head that was not closed ends here
		e.structural = false
	}
	if attr != nil || name == "script" || name == "form" || name == "input" || name == "textarea" {
		w.look(&e, attr, inside)
	}
	if name == "head" || name == "title" || name == "template" || name == "datalist" {
		e.structural = true
	}
	w.cell(&e, attr)
	if void[name] || closed {
		return
	}
	if name == "pre" {
		w.pre++
	}
	if len(w.stack) >= maxNesting {
		w.deep++
		return
	}
	w.stack = append(w.stack, e)
}

// close closes the nearest open element of the name; what was left open inside
// it closes too. It looks only so far, lest hostile tags make it look for ever.
func (w *walker) close(name string) {
	if name == "p" || name == "br" {
		w.gap = max(w.gap, 2)
	}
	w.gap = max(w.gap, blocks[name])
	if w.deep > 0 {
		w.deep--
		return
	}
	for i, looked := len(w.stack)-1, 0; i >= 0 && looked < 40; i, looked = i-1, looked+1 {
		if w.stack[i].name != name {
			continue
		}
		for _, e := range w.stack[i:] {
			if e.name == "pre" {
				w.pre--
			}
			if e.name == "a" && e.link >= 0 {
				w.r.Links[e.link].End = w.out.Len()
			}
		}
		w.stack = w.stack[:i]
		return
	}
}

const (
	maxGrids  = 8
	leastGrid = 21  // rows of the smallest code; tables with fewer are for the layout
	maxCells  = 250 // in a row and in a column
)

// cell keeps a table as a picture: some draw QR codes with coloured cells.
func (w *walker) cell(e *element, attr map[string]string) {
	g := &w.r.page.grids
	switch n := len(*g); {
	case e.name == "table" && n > 0 && len((*g)[n-1]) < leastGrid:
		(*g)[n-1] = nil
	case e.name == "table" && n < maxGrids:
		*g = append(*g, nil)
	case n == 0:
	case e.name == "tr" && len((*g)[n-1]) < maxCells:
		(*g)[n-1] = append((*g)[n-1], nil)
	case (e.name == "td" || e.name == "th") && len((*g)[n-1]) > 0:
		row := &(*g)[n-1][len((*g)[n-1])-1]
		for range min(max(pixels(attr["colspan"]), 1), maxCells-len(*row)) {
			*row = append(*row, e.bg)
		}
	}
}

func (w *walker) breakLine() {
	if w.out.Len() < maxRender {
		w.out.WriteByte('\n')
	}
	w.gap = 0
}

// text adds text, white space folded as browsers do.
func (w *walker) text(s string) {
	e := w.top()
	if w.silent > 0 || e.structural {
		return
	}
	if e.why == "" && e.color != "" && e.color == e.bg {
		e.why = "colour"
	}
	if e.why != "" {
		w.unseen(s, e.why)
		return
	}
	if w.out.Len() > maxRender {
		w.r.Cut = true
		return
	}
	begun := false
	for len(s) > 0 {
		i := 0
		for i < len(s) && (s[i] > ' ' || w.pre > 0 && s[i] != '\r') {
			i++
		}
		if i > 0 {
			w.flush()
			if !begun && e.link >= 0 && w.r.Links[e.link].End <= w.r.Links[e.link].Start {
				w.r.Links[e.link].Start = w.out.Len()
			}
			begun = true
			w.out.WriteString(s[:i])
			if e.link >= 0 {
				w.r.Links[e.link].End = w.out.Len()
			}
		}
		j := i
		for j < len(s) && s[j] <= ' ' && (w.pre == 0 || s[j] == '\r') {
			j++
		}
		if j > i {
			w.gap = max(w.gap, 1)
		}
		s = s[j:]
	}
}

func (w *walker) flush() {
	if w.out.Len() > 0 {
		switch w.gap {
		case 1:
			w.out.WriteByte(' ')
		case 2:
			w.out.WriteByte('\n')
		case 3:
			w.out.WriteString("\n\n")
		}
	}
	w.gap = 0
}

func (w *walker) unseen(s, why string) {
	s = strings.Join(strings.Fields(s), " ")
	if s == "" || strings.Trim(s, "\u200c\u200b\u00ad\u034f\ufeff\u00a0\u2007 ") == "" {
		return
	}
	if n := len(w.r.Hidden); n > 0 && w.r.Hidden[n-1].At == w.out.Len() && w.r.Hidden[n-1].Why == why && len(w.r.Hidden[n-1].Text) < maxScript {
		w.r.Hidden[n-1].Text += " " + s
		return
	}
	if len(w.r.Hidden) >= maxTargets {
		w.r.Cut = true
		return
	}
	// Between letters without any blank the text was cut to pieces.
	if w.gap == 0 && w.out.Len() > 0 {
		w.r.page.mixed++
	}
	w.r.Hidden = append(w.r.Hidden, Unseen{w.out.Len(), s, why})
}
