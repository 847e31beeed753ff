// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html/template"
	"net/http"
	"slices"

	"teiten/internal/caller"
	"teiten/internal/help"
	"teiten/internal/permit"
)

// rolesPage is the table of permissions that the program itself goes by.
type rolesPage struct {
	Head
	Roles []caller.Role
	Areas []roleArea
	Notes template.HTML // the roles in words
}

// roleArea are the permissions of one subject.
type roleArea struct {
	Name string
	Rows []roleRow
}

type roleRow struct {
	Name  string
	Note  string // for whose people it is
	Cells []roleCell
}

// roleCell is how far a permission reaches for a role.
type roleCell struct {
	Scope permit.Scope
	Name  string
}

// roleAreas say with which permission of the table a subject begins.
var roleAreas = []struct {
	first permit.Permission
	key   string
}{
	{permit.HelpRead, "basic"}, {permit.AdvisoryRead, "advisories"}, {permit.SearchUse, "search"}, {permit.FilterRead, "filters"},
	{permit.ImportRun, "import"}, {permit.InstitutionRead, "people"}, {permit.DeviceRead, "devices"}, {permit.AuditOwnRead, "audit"},
}

func (s *Server) roles(w http.ResponseWriter, _ *http.Request, q *Request) error {
	page := &rolesPage{Head: q.Head(q.T("roles.title"), Crumb{"/help", q.T("web.nav.help")}), Roles: caller.Roles}
	for _, line := range permit.Table() {
		for _, a := range roleAreas {
			if a.first == line.Permission {
				page.Areas = append(page.Areas, roleArea{Name: q.T("roles.area." + a.key)})
			}
		}
		row := roleRow{Name: line.Permission.Name(q.Lang)}
		for _, kind := range line.Kinds {
			row.Note = q.T("roles.kind." + string(kind))
		}
		for _, role := range page.Roles {
			scope := line.For(role)
			row.Cells = append(row.Cells, roleCell{scope, q.T("roles." + scope.String())})
		}
		last := &page.Areas[len(page.Areas)-1]
		last.Rows = append(last.Rows, row)
	}
	if notes, ok := help.Get(q.Lang, "roles"); ok {
		var err error
		if page.Notes, err = renderProse(notes.Body); err != nil {
			return err
		}
	}
	return s.render(w, q, http.StatusOK, "roles", page)
}

// Mine reports whether a column is the reader's own role.
func (p *rolesPage) Mine(i int) bool { return slices.Index(p.Roles, p.Caller.Role) == i }
