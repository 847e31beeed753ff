// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/store"
	"teiten/internal/technique"
	"teiten/internal/tlp"
)

// countMost bounds what a list counts: beyond it the page says "more than".
const countMost = 10_000

// row is an advisory in a list. What others wrote is harmless in it.
type row struct {
	ID        int64
	Category  category.Category
	Notice    category.NoticeKind
	Group     string // the sharing group that it is for, "" for all
	Anonymous bool   // the institution's name is not to be passed on
	TLP       tlp.Level
	State     advisory.State
	Revision  int64
	Heading   string
	Source    string
	Reason    string
	Brand     string
	At        time.Time // of publication, or of registration before it
	Sightings *advisory.Sightings
	Matched   []string // the institution's own words that it concerns
}

// Public reports whether the advisory is known beyond its source.
func (r row) Public() bool { return r.State.Public() }

func newRow(a *advisory.Advisory) row {
	r := row{
		ID: a.ID, Category: a.Category, Notice: a.NoticeKind, TLP: a.TLP, State: a.State, Revision: a.Revision,
		Group: harmless(a.GroupName), Anonymous: a.Anonymous,
		Heading: harmless(a.Title, a.Indicators...), Source: harmless(a.Source), Brand: harmless(a.Brand),
		Reason: harmless(a.Reason), At: a.PublishedAt, Sightings: &advisory.Sightings{},
	}
	if r.At.IsZero() {
		r.At = a.RegisteredAt
	}
	return r
}

// Named reports whether the reader is told a name that others are not.
func (r row) Named() bool { return r.Anonymous && r.Source != advisory.AnonymousName }

// SeenText says how many institutions received it too; "" for none.
func (r row) SeenText(lang locale.Lang) string {
	switch count := r.Sightings.Count; {
	case !count.Some():
		return ""
	case count.Hidden():
		return lang.T("list.seen.hidden", "n", count.Text(lang))
	default:
		return lang.T("list.seen", "n", count.N)
	}
}

// sourceName is what a source is called: a name, but where none is told.
func sourceName(lang locale.Lang, source string) string {
	if source == advisory.AnonymousName {
		return lang.T("sharing.anonymous")
	}
	return harmless(source)
}

// rows adds to advisories who received them too and why they concern the
// caller's institution.
func rows(ctx context.Context, db store.Queryer, c caller.Caller, items []*advisory.Advisory) ([]row, error) {
	list := make([]row, len(items))
	ids := make([]int64, len(items))
	for i, a := range items {
		list[i], ids[i] = newRow(a), a.ID
	}
	seen, err := advisory.ReadSightings(ctx, db, c, ids...)
	if err != nil {
		return nil, err
	}
	matched, err := advisory.Matched(ctx, db, c, ids...)
	if err != nil {
		return nil, err
	}
	for i := range list {
		list[i].Matched = matched[list[i].ID]
		if s := seen[list[i].ID]; s != nil {
			list[i].Sightings = s
		}
	}
	return list, nil
}

// countAll is how many advisories a filter finds, at most most. Of a list that
// has one page only, they are counted already.
func (s *Server) countAll(ctx context.Context, q *Request, f advisory.Filter, found advisory.Page, most int) (int, error) {
	if f.Before == 0 && found.Next == 0 {
		return len(found.Items), nil
	}
	return advisory.Count(ctx, s.DB, q.Caller, f, most)
}

// chip is one filter that is active, with the address without it.
type chip struct{ Name, Value, Without string }

// listFilter reads the filters in the address. A value that does not exist is
// a fault, so that a mistyped address does not show everything.
func (q *Request) listFilter() (advisory.Filter, []chip, error) {
	var f advisory.Filter
	var chips []chip
	add := func(parameter, value string) {
		chips = append(chips, chip{q.T("list.by." + parameter), value, q.With(parameter, "")})
	}
	if s := q.Get("category"); s != "" {
		c, err := category.Parse(s)
		if err != nil {
			return f, nil, err
		}
		f.Category = c
		add("category", c.Name(q.Lang))
	}
	if s := q.Get("notice"); s != "" {
		k, err := category.ParseNotice(s)
		if err != nil {
			return f, nil, err
		}
		f.NoticeKind = k
		add("notice", k.Name(q.Lang))
	}
	if f.Technique = q.Get("technique"); f.Technique != "" {
		add("technique", q.techniqueName(f.Technique))
	}
	if f.Source = q.Get("source"); f.Source != "" {
		add("source", sourceName(q.Lang, f.Source))
	}
	if f.Brand = q.Get("brand"); f.Brand != "" {
		add("brand", harmless(f.Brand))
	}
	if s := q.Get("tlp"); s != "" {
		level, err := tlp.Parse(s)
		if err != nil {
			return f, nil, err
		}
		f.TLP = &level
		add("tlp", level.Label())
	}
	if s := q.Get("group"); s != "" {
		if f.Group = number64(s); f.Group <= 0 {
			return f, nil, fault.New(fault.Invalid, "sharing.group").At("group")
		}
		add("group", "")
	}
	if s := q.Get("state"); s != "" {
		f.States = []advisory.State{advisory.State(s)}
		if locale.Has("state." + s) {
			add("state", q.T("state."+s))
		}
	}
	if f.From = q.Day("from"); !f.From.IsZero() {
		add("from", q.Lang.Date(f.From))
	}
	if to := q.Day("to"); !to.IsZero() {
		f.To = to.AddDate(0, 0, 1) // the day itself is included
		add("to", q.Lang.Date(to))
	}
	if q.Get("concerns") != "" {
		f.Concerns = q.Caller.Org
		add("concerns", "")
	}
	if q.Get("ours") != "" {
		f.Org = q.Caller.Org
		add("ours", "")
		if f.States == nil {
			f.States = []advisory.State{advisory.Draft, advisory.InReview, advisory.Published, advisory.Corrected, advisory.Withdrawn}
		}
	}
	f.Before = q.Int("after", 0)
	return f, chips, nil
}

// listForm are the controls that narrow a list; their values are the address's.
type listForm struct {
	Source, Brand, TLP, Group, State, From, To Field
	Technique                                  Field
	Groups                                     []technique.Group
	Hidden                                     []hidden // filters that the form does not show
}

func (q *Request) listForm(facets advisory.Facets) listForm {
	option := func(kind, name string) Field {
		f := q.Field(kind, name, "list.by."+name)
		f.Value = q.Get(name)
		if kind == "select" {
			f.Options = []Option{{Label: q.T("list.any")}}
		}
		return f
	}
	form := listForm{
		Source: option("select", "source"), Brand: option("select", "brand"), TLP: option("select", "tlp"),
		Group: option("select", "group"), State: option("select", "state"), From: option("date", "from"), To: option("date", "to"),
		Technique: option("select", "technique"), Groups: q.vocabulary().Groups(),
	}
	for _, s := range facets.Sources {
		form.Source.Options = append(form.Source.Options, Option{Value: s, Label: sourceName(q.Lang, s)})
	}
	for _, b := range facets.Brands {
		form.Brand.Options = append(form.Brand.Options, Option{Value: b, Label: harmless(b)})
	}
	for _, l := range tlp.Levels {
		if l <= q.Caller.Ceiling() || q.Caller.Org != 0 {
			form.TLP.Options = append(form.TLP.Options, Option{Value: l.Class(), Label: l.Label()})
		}
	}
	for _, g := range facets.Groups {
		form.Group.Options = append(form.Group.Options, Option{Value: groupValue(g.ID), Label: harmless(g.Name)})
	}
	for _, s := range advisory.States {
		form.State.Options = append(form.State.Options, Option{Value: string(s), Label: q.T("state." + string(s))})
	}
	for _, name := range []string{"category", "notice", "concerns", "ours"} {
		if v := q.Get(name); v != "" {
			form.Hidden = append(form.Hidden, hidden{name, v})
		}
	}
	return form
}

// listPage shows what the caller may see, the newest first.
type listPage struct {
	Head
	Tabs   []Tab
	Views  []Tab
	Form   listForm
	Chips  []chip
	Rows   []row
	Count  int
	Many   bool // there are more than Count
	Pager  Pager
	CSV    string // address of the same list as a file
	Search string // address of the search within the same filters
}

func (s *Server) advisories(w http.ResponseWriter, r *http.Request, q *Request) error {
	f, chips, err := q.listFilter()
	if err != nil {
		return err
	}
	ctx := r.Context()
	found, err := advisory.List(ctx, s.DB, q.Caller, f)
	if err != nil {
		return err
	}
	page := &listPage{Head: q.Head(q.T("list.title")), Chips: chips, Tabs: q.categoryTabs(), Views: q.viewTabs()}
	if page.Rows, err = rows(ctx, s.DB, q.Caller, found.Items); err != nil {
		return err
	}
	if page.Count, err = s.countAll(ctx, q, f, found, countMost+1); err != nil {
		return err
	}
	if page.Count > countMost {
		page.Count, page.Many = countMost, true
	}
	facets, err := s.facets.Read(ctx, s.DB, q.Caller)
	if err != nil {
		return err
	}
	page.Form = q.listForm(facets)
	for i, c := range page.Chips {
		if c.Name == q.T("list.by.group") {
			page.Chips[i].Value = page.Form.Group.chosen()
		}
	}
	after := ""
	if found.Next != 0 {
		after = itoa(found.Next)
	}
	page.Pager = q.Pager(len(page.Rows), int64(page.Count), after)
	page.CSV, page.Search = q.sameFilters("/advisories.csv"), q.sameFilters("/search")
	return s.render(w, q, http.StatusOK, "advisories", page)
}

// sameFilters is another address with the filters of this one.
func (q *Request) sameFilters(path string) string {
	if _, query, found := strings.Cut(q.With(), "?"); found {
		return path + "?" + query
	}
	return path
}

func (q *Request) categoryTabs() []Tab {
	now := q.Get("category")
	tabs := []Tab{{Href: q.With("category", "", "notice", ""), Name: q.T("list.all"), Current: now == ""}}
	for _, c := range category.All() {
		tabs = append(tabs, Tab{Href: q.With("category", string(c), "notice", ""), Name: c.Name(q.Lang), Current: now == string(c)})
	}
	return tabs
}

// viewTabs are the lists of the caller's own organisation.
func (q *Request) viewTabs() []Tab {
	concerns, ours := q.Get("concerns") != "", q.Get("ours") != ""
	tabs := []Tab{{Href: q.With("concerns", "", "ours", "", "state", ""), Name: q.T("list.view.all"), Current: !concerns && !ours}}
	if q.Caller.OrgKind == caller.Institution {
		tabs = append(tabs, Tab{Href: q.With("concerns", "1", "ours", "", "state", ""), Name: q.T("list.by.concerns"), Current: concerns})
	}
	if q.Caller.Org != 0 {
		tabs = append(tabs, Tab{Href: q.With("ours", "1", "concerns", "", "state", ""), Name: q.T("list.by.ours"), Current: ours})
	}
	return tabs
}
