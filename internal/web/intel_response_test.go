// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"teiten/internal/locale"
)

// response is what a page answered.
type response struct {
	t        *testing.T
	status   int
	body     string
	location string
	header   func(string) string
}

func (r *response) is(status int) *response {
	r.t.Helper()
	if r.status != status {
		r.t.Fatalf("status %d, want %d\n%s", r.status, status, gist(r.body))
	}
	return r
}

// main is the answer without the frame, whose menu names everybody.
func (r *response) main() string {
	if _, after, framed := strings.Cut(r.body, "<main"); framed {
		before, _, _ := strings.Cut(after, "</main>")
		return before
	}
	return r.body
}

func (r *response) has(parts ...string) *response {
	r.t.Helper()
	for _, p := range parts {
		if !strings.Contains(r.main(), p) {
			r.t.Errorf("no %q in\n%s", p, gist(r.body))
		}
	}
	return r
}

func (r *response) lacks(parts ...string) *response {
	r.t.Helper()
	for _, p := range parts {
		if strings.Contains(r.main(), p) {
			r.t.Errorf("%q stands in\n%s", p, gist(r.body))
		}
	}
	return r
}

// safe holds what every page must be, and that nothing hostile can be opened.
func (r *response) safe() *response {
	r.t.Helper()
	if strings.Contains(r.body, "<html") {
		lintPage(r.t, r.body, locale.Japanese)
	}
	if why := danger(r.body, hostile); why != "" {
		r.t.Error(why)
	}
	return r
}

// danger finds a hostile host that a page shows so that it could be opened, or
// that stands in an attribute, and links that lead out of the portal.
func danger(page string, hosts []string) string {
	doc, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return err.Error()
	}
	why := ""
	var look func(*html.Node)
	look = func(n *html.Node) {
		for _, h := range hosts {
			if n.Type == html.TextNode && strings.Contains(strings.ToLower(n.Data), h) {
				why = "the page shows " + h + ": " + n.Data
			}
			for _, a := range n.Attr {
				if strings.Contains(strings.ToLower(a.Val), h) {
					why = "<" + n.Data + " " + a.Key + "> holds " + a.Val
				}
			}
		}
		for _, a := range n.Attr {
			if (a.Key == "href" || a.Key == "src" || a.Key == "action") && !strings.HasPrefix(a.Val, "/") && !strings.HasPrefix(a.Val, "#") {
				why = "<" + n.Data + " " + a.Key + "> leads to " + a.Val
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			look(c)
		}
	}
	look(doc)
	return why
}
