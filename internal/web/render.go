// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"

	"teiten/internal/caller"
	"teiten/internal/locale"
)

//go:embed templates/*.html
var templateFiles embed.FS

// Page is a page struct: a pointer to a struct that embeds Head.
type Page interface{ head() *Head }

// Head is what the layout needs of a page. Its Request's fields and methods
// are within the template's reach: {{.Caller.Name}}, {{.Now}}, {{.With "q" ""}}.
type Head struct {
	*Request
	Title  string  // of the document and, by convention, the h1
	Crumbs []Crumb // the way to this page, without home and the page itself
	Wide   bool    // the page is a table that uses the whole window
}

func (h *Head) head() *Head { return h }

// Crumb is one step of the way to a page.
type Crumb struct{ Href, Name string }

// NavItem is one entry of the navigation.
type NavItem struct {
	Href, Name string
	Current    bool
}

// Nav returns the entries that the caller may use. The current one is the
// longest that the page's address begins with.
func (h *Head) Nav() []NavItem {
	var items []NavItem
	current, longest := -1, 0
	for _, rt := range h.can {
		if rt.nav == "" || !rt.rule.open && !h.Caller.Is(rt.rule.roles...) {
			continue
		}
		if within := h.Path == rt.pattern || rt.pattern != "/" && strings.HasPrefix(h.Path, rt.pattern+"/"); within && len(rt.pattern) > longest {
			current, longest = len(items), len(rt.pattern)
		}
		items = append(items, NavItem{Href: rt.pattern, Name: h.T("web.nav." + rt.nav)})
	}
	if current >= 0 {
		items[current].Current = true
	}
	return items
}

// Has reports whether the portal answers the route, so that a shared part
// links only to what exists.
func (h *Head) Has(method, pattern string) bool {
	for _, rt := range h.can {
		if rt.method == method && rt.pattern == pattern {
			return rt.rule.open || h.Caller.Is(rt.rule.roles...)
		}
	}
	return false
}

// Personas are the accounts of the menu at the top: the colleagues of whoever
// the visitor is. The others stand on a page of their own.
func (h *Head) Personas() []caller.Caller {
	var colleagues []caller.Caller
	for _, p := range h.personas {
		if p.Org == h.Caller.Org {
			colleagues = append(colleagues, p)
		}
	}
	return colleagues
}

// pageSet holds every page's templates in every language.
type pageSet map[locale.Lang]map[string]*template.Template

// parse reads the templates once for each language: layout.html and
// parts*.html are shared, every other file is a page.
func (s *Server) parse() pageSet {
	set := pageSet{}
	names, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic(err)
	}
	for _, lang := range locale.Langs {
		base := template.New("").Option("missingkey=error").Funcs(s.funcs(lang))
		template.Must(base.ParseFS(templateFiles, "templates/layout.html", "templates/parts*.html"))
		set[lang] = map[string]*template.Template{}
		constants := s.constants(lang.T)
		for _, file := range names {
			name := strings.TrimSuffix(path.Base(file), ".html")
			if name == "layout" || strings.HasPrefix(name, "parts") {
				continue
			}
			page := template.Must(template.Must(base.Clone()).ParseFS(templateFiles, file))
			for _, part := range page.Templates() {
				if part.Tree != nil {
					constants.fold(part.Tree.Root)
				}
			}
			set[lang][name] = page
		}
	}
	return set
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// render answers with a page. The page is complete before the first byte is
// sent, so an error never leaves half a page.
func (s *Server) render(w http.ResponseWriter, q *Request, status int, name string, page Page) error {
	return s.execute(w, q, status, name, "layout", page)
}

// fragment answers with one template of a page, for a script that replaces a
// part of what is shown.
func (s *Server) fragment(w http.ResponseWriter, q *Request, name, part string, page Page) error {
	return s.execute(w, q, http.StatusOK, name, part, page)
}

func (s *Server) execute(w http.ResponseWriter, q *Request, status int, name, part string, page Page) error {
	t, ok := s.pages[q.Lang][name]
	if !ok {
		return fmt.Errorf("web: no template %q", name)
	}
	if h := page.head(); h.Request == nil {
		h.Request = q
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer func() {
		if buf.Cap() <= 1<<20 { // a rare huge page should not stay in memory
			buf.Reset()
			buffers.Put(buf)
		}
	}()
	if err := t.ExecuteTemplate(buf, part, page); err != nil {
		return fmt.Errorf("web: template %s: %w", name, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", string(q.Lang))
	h.Set("Cache-Control", "no-store") // pages carry what TLP limits
	if q.Flash != nil && part == "layout" {
		s.clearCookie(w, "done")
	}
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // the client may have gone; nobody is left to tell
	return nil
}
