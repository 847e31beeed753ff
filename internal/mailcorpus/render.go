// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"fmt"
	"html"
	"net/url"
	"slices"
	"strings"
)

// links are the URLs of one mail, each made once.
type links struct {
	s     *scope
	shape *shape
	urls  map[string]string
	hosts []string
}

// url makes the URL of the shape's line of that name.
func (l *links) url(name string) string {
	if u, ok := l.urls[name]; ok {
		return u
	}
	seq, ok := l.shape.lines[name]
	if !ok {
		panic("mailcorpus: " + l.shape.name + " has no URL " + name)
	}
	u := l.s.expand(seq)
	l.urls[name] = u
	return u
}

// use makes the URL and notes its host.
func (l *links) use(name string) string {
	u := l.url(name)
	l.hosts = addHost(l.hosts, u)
	return u
}

// addHost adds the host of a URL that is written without tricks.
func addHost(hosts []string, u string) []string {
	p, err := url.Parse(u)
	if err != nil {
		panic("mailcorpus: " + err.Error())
	}
	h := strings.ToLower(p.Hostname())
	if h == "" || slices.Contains(hosts, h) {
		return hosts
	}
	return append(hosts, h)
}

// cut finds the next link in expanded text.
func cut(text string) (before, name, shown, rest string, found bool) {
	before, rest, found = strings.Cut(text, linkStart)
	if !found {
		return text, "", "", "", false
	}
	name, rest, _ = strings.Cut(rest, linkText)
	shown, rest, _ = strings.Cut(rest, linkEnd)
	return before, name, shown, rest, true
}

// plain renders a body as text: a link is its text, a line break and the URL.
func (l *links) plain(text string) string {
	var b strings.Builder
	for {
		before, name, shown, rest, ok := cut(text)
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		if shown != "" && !strings.Contains(shown, "://") {
			b.WriteString(shown + "\n")
		}
		b.WriteString(l.use(name))
		text = rest
	}
}

// html renders a body in one of the manners of mail programs and senders.
func (l *links) html(text string, hostile bool) string {
	r := l.s.r
	fonts := []string{"Meiryo", "'Yu Gothic'", "'MS PGothic'", "'Hiragino Kaku Gothic ProN'", "sans-serif"}
	style := fmt.Sprintf("font-family:%s;font-size:%dpx;color:#%d%d%d", fonts[r.IntN(len(fonts))], 12+r.IntN(5), r.IntN(5), r.IntN(5), r.IntN(5))
	colour := fmt.Sprintf("#%02x%02x%02x", r.IntN(160), r.IntN(160), r.IntN(200))
	manner, wrap := r.IntN(3), r.IntN(4)
	var b strings.Builder
	for i, paragraph := range strings.Split(text, "\n\n") {
		if i > 0 {
			b.WriteString("\n")
		}
		inner := l.inline(paragraph, colour, manner)
		if wrap == 0 {
			b.WriteString("<div>" + inner + "</div><br>")
		} else {
			b.WriteString("<p>" + inner + "</p>")
		}
	}
	body := b.String()
	if seq, ok := l.shape.lines["image"]; ok {
		u := l.s.expand(seq)
		l.hosts = addHost(l.hosts, u)
		body = `<img src="` + html.EscapeString(u) + `" alt="" width="160"><br>` + "\n" + body
	}
	if hostile && r.IntN(6) == 0 {
		// Words of harmless mail that nobody sees, against filters that count.
		hidden := []string{"display:none", "font-size:0", "color:#ffffff;font-size:1px", "max-height:0;overflow:hidden"}
		body += "\n<div style=\"" + hidden[r.IntN(len(hidden))] + "\">" + l.s.word("salad", false) + "</div>"
	}
	switch wrap {
	case 0:
		return "<html><head><meta http-equiv=\"Content-Type\" content=\"text/html; charset=utf-8\"></head>\n<body style=\"" + style + "\">\n" + body + "\n</body></html>\n"
	case 1:
		return "<!DOCTYPE html>\n<html lang=\"ja\"><head><title></title><style>body{" + style + "}</style></head>\n<body>\n<table width=\"600\" align=\"center\"><tr><td>\n" + body + "\n</td></tr></table>\n</body></html>\n"
	case 2:
		return "<div style=\"" + style + "\">\n" + body + "\n</div>\n"
	}
	return "<html xmlns:o=\"urn:schemas-microsoft-com:office:office\"><body lang=JA link=blue>\n<div class=WordSection1>\n" + body + "\n</div></body></html>\n"
}

func (l *links) inline(text, colour string, manner int) string {
	var b strings.Builder
	lines := func(s string) string { return strings.ReplaceAll(html.EscapeString(s), "\n", "<br>\n") }
	for {
		before, name, shown, rest, ok := cut(text)
		b.WriteString(lines(before))
		if !ok {
			return b.String()
		}
		u := l.use(name)
		if shown == "" {
			shown = u
		}
		href := html.EscapeString(u)
		switch {
		case manner == 0 && !strings.Contains(shown, "://"):
			fmt.Fprintf(&b, `<a href="%s" style="display:inline-block;padding:12px 28px;background:%s;color:#fff;text-decoration:none">%s</a>`, href, colour, lines(shown))
		case manner == 1:
			fmt.Fprintf(&b, `<a target="_blank" href='%s'><span style="color:%s">%s</span></a>`, href, colour, lines(shown))
		default:
			fmt.Fprintf(&b, `<a href="%s">%s</a>`, href, lines(shown))
		}
		text = rest
	}
}

// sentence is the longest line of a rendered text in which no link stands:
// what a reader has to find.
func sentence(text string) string {
	best := ""
	for _, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if strings.Contains(line, linkStart) || strings.Contains(line, linkEnd) || strings.HasPrefix(line, ">") {
			continue
		}
		if len(line) > len(best) {
			best = line
		}
	}
	return best
}
