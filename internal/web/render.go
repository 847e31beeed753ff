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

	name string // of its template
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
	current, longest, path := -1, 0, section(h.Path)
	for _, rt := range h.can {
		if rt.nav == "" || !rt.rule.open && !rt.rule.allows(h.Caller) {
			continue
		}
		if within := path == rt.pattern || rt.pattern != "/" && strings.HasPrefix(path, rt.pattern+"/"); within && len(rt.pattern) > longest {
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
			return rt.rule.open || rt.rule.allows(h.Caller)
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

// pageSet holds every template in every language: one set for each, so that
// what pages share is held once. Each page's "main" is named after its file.
type pageSet map[locale.Lang]*template.Template

// mainOf names the part of a page that stands within the layout.
func mainOf(page string) string { return "main:" + page }

// pageNames are the files that are pages: layout.html and parts*.html are shared.
func pageNames() (names []string) {
	files, err := fs.Glob(templateFiles, "templates/*.html")
	if err != nil {
		panic(err)
	}
	for _, file := range files {
		name := strings.TrimSuffix(path.Base(file), ".html")
		if name != "layout" && !strings.HasPrefix(name, "parts") {
			names = append(names, name)
		}
	}
	return names
}

// parse reads the templates once for each language.
func (s *Server) parse() pageSet {
	set := pageSet{}
	for _, lang := range locale.Langs {
		all := template.New("").Option("missingkey=error")
		all.Funcs(s.funcs(lang)).Funcs(s.drawn(lang)).Funcs(template.FuncMap{"main": func(p Page) (template.HTML, error) {
			var b strings.Builder
			err := all.ExecuteTemplate(&b, mainOf(p.head().name), p)
			return template.HTML(b.String()), err
		}})
		template.Must(all.ParseFS(templateFiles, "templates/layout.html", "templates/parts*.html"))
		for _, name := range pageNames() {
			text, err := templateFiles.ReadFile("templates/" + name + ".html")
			if err != nil {
				panic(err)
			}
			named := strings.Replace(string(text), `{{define "main"}}`, `{{define "`+mainOf(name)+`"}}`, 1)
			template.Must(all.New(name + ".html").Parse(named))
		}
		constants := s.constants(lang.T)
		for _, part := range all.Templates() {
			if part.Tree != nil {
				constants.fold(part.Tree.Root)
			}
		}
		set[lang] = all
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

func release(buf *bytes.Buffer) {
	if buf.Cap() <= 1<<20 { // a rare huge page should not stay in memory
		buf.Reset()
		buffers.Put(buf)
	}
}

func (s *Server) execute(w http.ResponseWriter, q *Request, status int, name, part string, page Page) error {
	t := s.pages[q.Lang]
	if t.Lookup(mainOf(name)) == nil {
		return fmt.Errorf("web: no template %q", name)
	}
	h := page.head()
	h.name = name
	if h.Request == nil {
		h.Request = q
	}
	buf := buffers.Get().(*bytes.Buffer)
	defer release(buf)
	if err := t.ExecuteTemplate(buf, part, page); err != nil {
		return fmt.Errorf("web: template %s: %w", name, err)
	}
	if q.Lang != locale.Japanese {
		marked := buffers.Get().(*bytes.Buffer)
		defer release(marked)
		markJapanese(marked, buf.Bytes())
		buf = marked
	}
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Content-Language", string(q.Lang))
	header.Set("Cache-Control", "no-store") // pages carry what TLP limits
	if q.Flash != nil && part == "layout" {
		s.clearCookie(w, "done")
	}
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes()) // the client may have gone; nobody is left to tell
	return nil
}
