// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"html/template"
	"net/http"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"

	"teiten/internal/fault"
	"teiten/internal/help"
)

// helpPage lists the help pages, and shows one of them.
type helpPage struct {
	Head
	Pages []helpEntry
	Body  template.HTML // "" on the list
	Next  *helpEntry    // the page to go on with
}

type helpEntry struct {
	Slug, Title string
	Current     bool
}

// prose turns texts of this program into HTML. Raw HTML in them is left
// out, and so are addresses such as javascript: (goldmark's defaults): a text
// that comes from elsewhere one day can do no harm either.
var prose = goldmark.New(goldmark.WithExtensions(extension.Table))

func renderProse(text string) (template.HTML, error) {
	var b bytes.Buffer
	if err := prose.Convert([]byte(text), &b); err != nil {
		return "", err
	}
	return template.HTML(b.String()), nil
}

func (s *Server) helpList(w http.ResponseWriter, _ *http.Request, q *Request) error {
	page := &helpPage{Head: q.Head(q.T("web.nav.help"))}
	for _, p := range help.Pages(q.Lang) {
		page.Pages = append(page.Pages, helpEntry{Slug: p.Slug, Title: p.Title})
	}
	return s.render(w, q, http.StatusOK, "help", page)
}

func (s *Server) helpShow(w http.ResponseWriter, r *http.Request, q *Request) error {
	found, ok := help.Get(q.Lang, r.PathValue("slug"))
	if !ok {
		return fault.New(fault.NotFound, "web.not_found")
	}
	page := &helpPage{Head: q.Head(found.Title, Crumb{"/help", q.T("web.nav.help")})}
	all := help.Pages(q.Lang)
	for i, p := range all {
		page.Pages = append(page.Pages, helpEntry{p.Slug, p.Title, p.Slug == found.Slug})
		if p.Slug == found.Slug && i+1 < len(all) {
			page.Next = &helpEntry{Slug: all[i+1].Slug, Title: all[i+1].Title}
		}
	}
	var err error
	if page.Body, err = renderProse(found.Body); err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "help", page)
}
