// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/member"
)

// auditPage lists who changed what, the newest first. Operators only.
type auditPage struct {
	Head
	Records []auditRow
	Pager   Pager
}

type auditRow struct {
	At      time.Time
	Actor   string
	Role    caller.Role // "" for the program itself
	Org     string
	Channel string
	Action  string // in words
	Code    string // the same as it is stored
	Object  string // in words where it is known
	Href    string // the page of the object, or ""
	Detail  []auditDetail
}

type auditDetail struct{ Name, Value string }

const auditRows = 100

func (s *Server) audit(w http.ResponseWriter, r *http.Request, q *Request) error {
	records, err := audit.List(r.Context(), s.DB, q.Caller, max(q.Int("after", 0), 0), auditRows+1)
	if err != nil {
		return err
	}
	orgs, err := member.Organisations(r.Context(), s.DB)
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, o := range orgs {
		names[strconv.FormatInt(o.ID, 10)] = o.Short
	}
	page := &auditPage{Head: q.Head(q.T("tools.audit.title"))}
	page.Wide = true
	next := ""
	if len(records) > auditRows {
		records = records[:auditRows]
		next = strconv.FormatInt(records[auditRows-1].ID, 10)
	}
	for _, rec := range records {
		page.Records = append(page.Records, auditRowOf(q, page, rec, names))
	}
	page.Pager = q.Pager(len(page.Records), 0, next)
	return s.render(w, q, http.StatusOK, "auditlog", page)
}

func auditRowOf(q *Request, page *auditPage, rec audit.Record, orgs map[string]string) auditRow {
	row := auditRow{At: rec.At, Actor: rec.Actor, Role: rec.Role, Org: orgs[strconv.FormatInt(rec.Org, 10)], Channel: rec.Channel, Code: rec.Action, Object: rec.Object}
	if rec.Account == 0 {
		row.Role, row.Actor = "", q.T("tools.audit.program", "name", strings.TrimPrefix(rec.Actor, "system:"))
	}
	row.Action = rec.Action
	if key := "tools.audit.action." + rec.Action; locale.Has(key) {
		row.Action = q.T(key)
	}
	noun, id, _ := strings.Cut(rec.Object, "/")
	switch {
	case noun == "organisation" && orgs[id] != "":
		row.Object = orgs[id]
	case noun == "advisory" && page.Has("GET", "/advisories/{id}"):
		row.Href = "/advisories/" + id
		row.Object = q.T("tools.audit.advisory", "id", id)
	case noun == "import":
		row.Href = "/import/" + id
		row.Object = q.T("tools.audit.import", "id", id)
	}
	for _, name := range slices.Sorted(maps.Keys(rec.Detail)) {
		row.Detail = append(row.Detail, auditDetail{name, auditValue(name, rec.Detail[name])})
	}
	return row
}

// auditValue writes a detail; what may be a hostile address is defanged.
func auditValue(name string, v any) string {
	text := fmt.Sprint(v)
	if n, ok := v.(float64); ok {
		text = strconv.FormatFloat(n, 'f', -1, 64)
	}
	if name == "value" {
		text = indicator.Defang(kindOf(text), text)
	} else {
		text = harmless(text)
	}
	if runes := []rune(text); len(runes) > 300 {
		text = string(runes[:300]) + "…"
	}
	return text
}
