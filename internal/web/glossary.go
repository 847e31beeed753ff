// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"

	"teiten/internal/glossary"
	"teiten/internal/locale"
)

// glossaryPage is every word of the portal with its meaning.
type glossaryPage struct {
	Head
	Areas []glossaryArea
}

type glossaryArea struct {
	Key, Name string
	Terms     []glossaryTerm
}

type glossaryTerm struct {
	Key, Name, Yomi, Other, About string
	Not                           []string
}

func (s *Server) glossary(w http.ResponseWriter, _ *http.Request, q *Request) error {
	page := &glossaryPage{Head: q.Head(q.T("web.nav.glossary"))}
	other := locale.English
	if q.Lang == locale.English {
		other = locale.Japanese
	}
	for _, a := range glossary.Areas() {
		area := glossaryArea{Key: a.Key, Name: a.Name(q.Lang)}
		for _, t := range glossary.All() {
			if t.Area == a.Key {
				area.Terms = append(area.Terms, glossaryTerm{t.Key, t.Name(q.Lang), t.Yomi, t.Name(other), t.About(q.Lang), t.Not})
			}
		}
		page.Areas = append(page.Areas, area)
	}
	return s.render(w, q, http.StatusOK, "glossary", page)
}
