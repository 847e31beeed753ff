// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package help holds the help pages of the portal, written for a clerk in a
// small hospital. They are Markdown (CommonMark) of which only this is used:
// headings of level 2, paragraphs, lists, bold, and links to pages of the
// portal. A test holds the texts to it, and both languages to the same shape.
package help

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"teiten/internal/locale"
)

// Page is one help page.
type Page struct {
	Slug  string // in the address: /help/lookup
	Title string // plain text
	Body  string // Markdown without the title
}

// slugs are all pages in the order in which they are listed. Slug x is in the
// files pages/x.ja.md and pages/x.en.md.
var slugs = []string{
	"start", "access", "check", "report", "register", "tlp", "lookup", "filter", "sighting",
	"roles", "import", "trends", "privacy", "guard", "faq",
}

//go:embed pages/*.md
var files embed.FS

var pages = must(load(files))

// Pages returns the pages in the language, in order. The slice is the caller's.
func Pages(lang locale.Lang) []Page { return slices.Clone(pages[lang]) }

// Get returns the page with the slug in the language.
func Get(lang locale.Lang, slug string) (Page, bool) {
	i := slices.IndexFunc(pages[lang], func(p Page) bool { return p.Slug == slug })
	if i < 0 {
		return Page{}, false
	}
	return pages[lang][i], true
}

func load(fsys fs.FS) (map[locale.Lang][]Page, error) {
	all := map[locale.Lang][]Page{}
	for _, lang := range locale.Langs {
		for _, slug := range slugs {
			name := fmt.Sprintf("pages/%s.%s.md", slug, lang)
			text, err := fs.ReadFile(fsys, name)
			if err != nil {
				return nil, err
			}
			first, body, _ := strings.Cut(string(text), "\n")
			title, ok := strings.CutPrefix(first, "# ")
			if !ok {
				return nil, fmt.Errorf("%s: the first line is no title", name)
			}
			all[lang] = append(all[lang], Page{Slug: slug, Title: title, Body: strings.TrimSpace(body) + "\n"})
		}
	}
	return all, nil
}

// must is for the embedded pages, which the tests have read before.
func must(all map[locale.Lang][]Page, err error) map[locale.Lang][]Page {
	if err != nil {
		panic("help: " + err.Error())
	}
	return all
}
