// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"

	"teiten/internal/technique"
	"teiten/internal/trend"
)

// techniquesPage explains every attack technique and says how often it occurs.
type techniquesPage struct {
	Head
	Groups []tacticGroup
	Linked bool // the list of advisories exists
	Used   int  // how many techniques have at least one advisory
}

type tacticGroup struct {
	Tactic, Name string
	Techniques   []techniqueRow
}

type techniqueRow struct {
	ID, Name, About string
	Own             bool // the ISAC's own
	Attack          string
	Count           int64 // of advisories that the caller may see
}

func (s *Server) techniques(w http.ResponseWriter, r *http.Request, q *Request) error {
	page := &techniquesPage{Head: q.Head(q.T("tools.techniques.title"))}
	page.Linked = page.Has("GET", "/advisories")
	today := trend.Day(q.Now)
	points, err := trend.Read(r.Context(), s.DB, q.Caller, trend.Query{
		Series: trend.Advisory, Dimension: trend.Technique, From: max(0, today-366*30), To: today, Monthly: true,
	})
	if err != nil {
		return err
	}
	count := map[string]int64{}
	for _, p := range points {
		count[p.Item] += p.Count
	}
	for _, g := range technique.Groups() {
		group := tacticGroup{Tactic: g.Tactic, Name: g.Name(q.Lang)}
		for _, t := range g.Techniques {
			row := techniqueRow{ID: t.ID, Name: t.Name(q.Lang), About: t.About(q.Lang), Own: t.Own(), Attack: t.Attack, Count: count[t.ID]}
			if row.Count > 0 {
				page.Used++
			}
			group.Techniques = append(group.Techniques, row)
		}
		page.Groups = append(page.Groups, group)
	}
	return s.render(w, q, http.StatusOK, "techniques", page)
}
