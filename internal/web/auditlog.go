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
	"sync"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/member"
	"teiten/internal/permit"
)

// auditPage lists who did what, the newest first: everything for the ISAC's
// operators, their own organisation's for security contacts.
type auditPage struct {
	Head
	Own      bool // only the caller's own organisation's
	Errors   []FieldError
	Form     auditForm
	Narrowed bool
	CSV      string // address of the same as a file; "" when nothing may be read
	Records  []auditRow
	Pager    Pager

	Checkpoint *audit.Checkpoint // the newest; nil before the first
	Verifier   string
}

type auditForm struct{ From, To, Action, Object, Person Field }

func (f *auditForm) fields() []*Field {
	return []*Field{&f.From, &f.To, &f.Action, &f.Object, &f.Person}
}

type auditRow struct {
	At      time.Time
	Actor   string
	Theirs  string      // address of what the same person did
	Role    caller.Role // "" for the program itself
	Org     string
	Channel string
	Device  string // in words; "" for none
	Request string
	Action  string // in words
	Code    string // the same as it is stored
	Object  string // in words where it is known
	Href    string // the page of the object, or ""
	Changes []auditChange
	Detail  []auditDetail
}

type auditDetail struct{ Name, Value string }

// auditChange is a value before and after.
type auditChange struct{ Name, Before, After string }

const auditRows = 100

// auditActions are the actions that have a name, sorted.
var auditActions = sync.OnceValue(func() []string {
	var all []string
	for key := range locale.All() {
		if action, ok := strings.CutPrefix(key, "tools.audit.action."); ok {
			all = append(all, action)
		}
	}
	slices.Sort(all)
	return all
})

// auditFilter reads what the address asks for; the last day is included.
func (q *Request) auditFilter() audit.Filter {
	f := audit.Filter{From: q.Day("from"), To: q.Day("to"), Action: q.Get("action"), Object: q.Get("object"),
		Person: q.Int("person", 0), Before: max(q.Int("after", 0), 0)}
	if !f.To.IsZero() {
		f.To = f.To.AddDate(0, 0, 1)
	}
	return f
}

func (s *Server) audit(w http.ResponseWriter, r *http.Request, q *Request) error {
	ctx := r.Context()
	page := &auditPage{Head: q.Head(q.T("tools.audit.title"))}
	page.Wide = true
	page.Own = permit.May(q.Caller, permit.AuditRead) != permit.All
	if err := s.auditForm(r, q, page); err != nil {
		return err
	}
	f, status := q.auditFilter(), http.StatusOK
	page.Narrowed = f != audit.Filter{Before: f.Before}
	records, err := audit.Read(ctx, s.DB, q.Caller, f, auditRows+1)
	if err != nil {
		var refused bool
		if page.Errors, refused = q.Refuse(err, page.Form.fields()...); !refused {
			return err
		}
		status = http.StatusUnprocessableEntity
	} else {
		page.CSV = "/audit.csv" + strings.TrimPrefix(q.With(), q.Path)
	}
	next := ""
	if len(records) > auditRows {
		records = records[:auditRows]
		next = strconv.FormatInt(records[auditRows-1].ID, 10)
	}
	names, err := s.auditNames(r, q, records)
	if err != nil {
		return err
	}
	for _, rec := range records {
		page.Records = append(page.Records, auditRowOf(q, page, rec, names))
	}
	page.Pager = q.Pager(len(page.Records), 0, next)
	if page.Checkpoint, err = audit.Newest(ctx, s.DB); err != nil {
		return err
	}
	if page.Verifier, err = audit.Verifier(ctx, s.DB); err != nil {
		return err
	}
	return s.render(w, q, status, "auditlog", page)
}

// auditForm fills the line of filters.
func (s *Server) auditForm(r *http.Request, q *Request, page *auditPage) error {
	f := &page.Form
	f.From, f.To = q.Field("date", "from", "tools.audit.from"), q.Field("date", "to", "tools.audit.to")
	f.Action, f.Person = q.Field("select", "action", "tools.audit.what"), q.Field("select", "person", "tools.audit.who")
	f.Object = q.Field("text", "object", "tools.audit.of")
	f.Object.Max, f.Object.Code = 120, true
	every := Option{Label: q.T("tools.audit.any")}
	f.Action.Options, f.Person.Options = []Option{every}, []Option{every}
	for _, action := range auditActions() {
		f.Action.Options = append(f.Action.Options, Option{Value: action, Label: q.T("tools.audit.action." + action)})
	}
	people, err := member.Accounts(r.Context(), s.DB)
	if err != nil {
		return err
	}
	for _, a := range people {
		if !page.Own || a.Org.ID == q.Caller.Org {
			f.Person.Options = append(f.Person.Options, Option{Value: strconv.FormatInt(a.ID, 10), Label: a.Org.Short + " " + a.Name})
		}
	}
	for _, field := range f.fields() {
		field.Fill(q.Query)
		// Whoever or whatever is not in the list, because it is no more, stays chosen.
		if field.Kind == "select" && !slices.ContainsFunc(field.Options, func(o Option) bool { return o.Value == field.Value }) {
			field.Options = append(field.Options, Option{Value: field.Value, Label: harmless(field.Value)})
		}
	}
	return nil
}

// auditNames are the words for what records name by number.
type auditNames struct{ orgs, devices map[string]string }

func (s *Server) auditNames(r *http.Request, q *Request, records []audit.Record) (auditNames, error) {
	n := auditNames{map[string]string{}, map[string]string{}}
	orgs, err := member.Organisations(r.Context(), s.DB)
	if err != nil {
		return n, err
	}
	for _, o := range orgs {
		n.orgs[strconv.FormatInt(o.ID, 10)] = o.Short
	}
	for _, rec := range records {
		id := strconv.FormatInt(rec.Device, 10)
		if _, known := n.devices[id]; known || rec.Device <= 0 {
			continue
		}
		n.devices[id] = ""
		cert, err := device.Find(r.Context(), s.DB, q.Caller, rec.Device)
		if err == nil {
			n.devices[id] = cert.Label
		} else if !fault.Is(err, fault.NotFound) && !fault.Is(err, fault.Forbidden) {
			return n, err
		}
	}
	return n, nil
}

func auditRowOf(q *Request, page *auditPage, rec audit.Record, names auditNames) auditRow {
	row := auditRow{At: rec.At, Actor: rec.Actor, Role: rec.Role, Org: names.orgs[strconv.FormatInt(rec.Org, 10)],
		Channel: rec.Channel, Request: rec.Request, Code: rec.Action, Object: harmless(rec.Object)}
	if rec.Account == 0 {
		row.Role = ""
		if name, ok := strings.CutPrefix(rec.Actor, "system:"); ok {
			row.Actor = q.T("tools.audit.program", "name", name)
		} else if rec.Actor == "" {
			row.Actor = q.T("tools.audit.nobody")
		}
	} else {
		row.Theirs = q.With("person", strconv.FormatInt(rec.Account, 10))
	}
	switch id := strconv.FormatInt(rec.Device, 10); {
	case rec.Device < 0: // a sender whom nobody has named
		row.Device = q.T("mailbox.by.mail")
	case rec.Device > 0:
		row.Device = q.T("tools.audit.device", "name", orElse(names.devices[id], id))
	case rec.Token != 0:
		row.Device = q.T("tools.audit.token", "name", strconv.FormatInt(rec.Token, 10))
	}
	row.Action = rec.Action
	if key := "tools.audit.action." + rec.Action; locale.Has(key) {
		row.Action = q.T(key)
	}
	noun, id, _ := strings.Cut(rec.Object, "/")
	switch {
	case noun == "organisation" && names.orgs[id] != "":
		row.Object = names.orgs[id]
	case noun == "advisory" && page.Has("GET", "/advisories/{id}"):
		row.Href = "/advisories/" + id
		row.Object = q.T("tools.audit.advisory", "id", id)
	case noun == "import":
		row.Href = "/import/" + id
		row.Object = q.T("tools.audit.import", "id", id)
	}
	for _, name := range slices.Sorted(maps.Keys(rec.Detail)) {
		v := rec.Detail[name]
		if change, ok := v.(map[string]any); ok && len(change) == 2 {
			before, was := change["before"]
			after, is := change["after"]
			if was && is {
				row.Changes = append(row.Changes, auditChange{name, auditValue(name, before), auditValue(name, after)})
				continue
			}
		}
		row.Detail = append(row.Detail, auditDetail{name, auditValue(name, v)})
	}
	return row
}

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// auditValue writes a detail; what may be a hostile address is defanged.
func auditValue(name string, v any) string {
	var text string
	switch v := v.(type) {
	case nil:
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		text = fmt.Sprint(v)
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
