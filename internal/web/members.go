// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/store"
	"teiten/internal/token"
)

// membersPage is the register of organisations, for operators.
type membersPage struct {
	Head
	Tabs  []Tab
	Kinds []memberKind
	Left  []memberRow
	Sum   int // members, without those that left
}

// memberKind are the organisations of one kind.
type memberKind struct {
	Kind caller.OrgKind
	List []memberRow
}

type memberRow struct {
	member.Organisation
	Place   string // the prefecture in the reader's language
	People  int
	Devices int
	Active  time.Time // when somebody or something of it was last heard of
}

// memberPage adds an organisation, or changes one.
type memberPage struct {
	Head
	Errors []FieldError
	Org    member.Organisation // ID 0: to be added
	People int
	Ask    string // what leaving means, as a question
	Form   memberForm
}

type memberForm struct{ Kind, Name, Short, Facility, Beds, Prefecture, Ward Field }

func (f *memberForm) fields() []*Field {
	return []*Field{&f.Kind, &f.Name, &f.Short, &f.Facility, &f.Beds, &f.Prefecture, &f.Ward}
}

// usage is what the register of devices knows of organisations and people.
type usage struct {
	devices map[int64]int       // valid certificates, by organisation
	held    map[int64]int       // valid certificates, by account
	org     map[int64]time.Time // last seen, by organisation
	account map[int64]time.Time // last seen, by account
}

// usage counts the certificates that the caller may see: of an organisation,
// or of all with 0.
func (s *Server) usage(ctx context.Context, q *Request, org int64) (usage, error) {
	const most = 200
	u := usage{map[int64]int{}, map[int64]int{}, map[int64]time.Time{}, map[int64]time.Time{}}
	for before := int64(0); ; {
		list, err := device.List(ctx, s.DB, q.Caller, device.Filter{Org: org, Before: before, Limit: most})
		if err != nil {
			return u, err
		}
		for i := range list {
			c := &list[i]
			if c.State(q.Now) == device.Valid {
				u.devices[c.Org]++
				u.held[c.Account]++
			}
			if c.LastSeen.After(u.org[c.Org]) {
				u.org[c.Org] = c.LastSeen
			}
			if c.LastSeen.After(u.account[c.Account]) {
				u.account[c.Account] = c.LastSeen
			}
		}
		if len(list) < most {
			return u, nil
		}
		before = list[len(list)-1].ID
	}
}

// heardOf adds to when the devices of organisations were last seen what else
// tells that they are active: tokens that were used, and what they registered
// lately.
func (s *Server) heardOf(ctx context.Context, q *Request, last map[int64]time.Time) error {
	const lately = 1000
	later := func(org int64, at time.Time) {
		if at.After(last[org]) {
			last[org] = at
		}
	}
	tokens, err := token.List(ctx, s.DB, q.Caller, 0)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		later(t.Org, t.LastUsed)
	}
	newest, err := advisory.List(ctx, s.DB, q.Caller, advisory.Filter{Limit: lately})
	for _, a := range newest.Items {
		later(a.Org, a.RegisteredAt)
	}
	return err
}

// memberTabs are the three pages about organisations.
func (s *Server) memberTabs(ctx context.Context, q *Request, current string) ([]Tab, error) {
	waiting, err := member.Requests(ctx, s.DB, q.Caller, false)
	if err != nil {
		return nil, err
	}
	tabs := []Tab{
		{Href: "/members", Name: q.T("members.tab.list")},
		{Href: "/members/requests", Name: q.T("members.tab.requests"), Count: int64(len(waiting)), Counted: true},
		{Href: "/members/evaluators", Name: q.T("members.tab.evaluators")},
	}
	for i := range tabs {
		tabs[i].Current = tabs[i].Href == current
	}
	return tabs, nil
}

func (s *Server) members(w http.ResponseWriter, r *http.Request, q *Request) error {
	ctx := r.Context()
	page := &membersPage{Head: q.Head(q.T("members.title"), underManage(q)...)}
	var err error
	if page.Tabs, err = s.memberTabs(ctx, q, "/members"); err != nil {
		return err
	}
	orgs, err := member.Organisations(ctx, s.DB)
	if err != nil {
		return err
	}
	used, err := s.usage(ctx, q, 0)
	if err != nil {
		return err
	}
	if err := s.heardOf(ctx, q, used.org); err != nil {
		return err
	}
	people, err := member.Accounts(ctx, s.DB)
	if err != nil {
		return err
	}
	count := map[int64]int{}
	for _, a := range people {
		if a.Role != caller.Machine {
			count[a.Org.ID]++
		}
	}
	kinds := map[caller.OrgKind][]memberRow{}
	for _, o := range orgs {
		row := memberRow{o, member.PrefectureName(q.Lang, o.Prefecture), count[o.ID], used.devices[o.ID], used.org[o.ID]}
		if o.LeftAt.IsZero() {
			kinds[o.Kind] = append(kinds[o.Kind], row)
			page.Sum++
		} else {
			page.Left = append(page.Left, row)
		}
	}
	for _, k := range caller.OrgKinds {
		if len(kinds[k]) > 0 {
			page.Kinds = append(page.Kinds, memberKind{k, kinds[k]})
		}
	}
	return s.render(w, q, http.StatusOK, "members", page)
}

// memberForm has the fields of an organisation as it is.
func (q *Request) memberForm(o member.Organisation) memberForm {
	f := memberForm{
		Kind: q.Field("radio", "kind", "members.kind"), Name: q.Field("text", "name", "members.name"), Short: q.Field("text", "short", "members.short"),
		Facility: q.Field("select", "facility", "members.facility"), Beds: q.Field("number", "beds", "members.beds"),
		Prefecture: q.Field("select", "prefecture", "members.prefecture"), Ward: q.Field("checkbox", "ward_check", "members.ward"),
	}
	f.Name.Required, f.Name.Max, f.Short.Max, f.Kind.Required = true, 200, 200, true
	for _, k := range caller.OrgKinds {
		if k != caller.ISAC { // there is one, from set-up
			f.Kind.Options = append(f.Kind.Options, Option{Value: string(k), Label: q.T("tools.org." + string(k)), Hint: q.T("members.kind." + string(k))})
		}
	}
	f.Facility.Options = []Option{{Value: "", Label: q.T("members.unset")}}
	for _, v := range member.Facilities {
		f.Facility.Options = append(f.Facility.Options, Option{Value: string(v), Label: v.Name(q.Lang)})
	}
	f.Prefecture.Options = []Option{{Value: "", Label: q.T("members.unset")}}
	for _, v := range member.Prefectures() {
		f.Prefecture.Options = append(f.Prefecture.Options, Option{Value: v, Label: member.PrefectureName(q.Lang, v)})
	}
	f.Kind.Value, f.Name.Value, f.Short.Value, f.Facility.Value, f.Prefecture.Value = string(o.Kind), o.Name, o.Short, string(o.Facility), o.Prefecture
	if o.Beds > 0 {
		f.Beds.Value = strconv.Itoa(o.Beds)
	}
	if o.WardCheck {
		f.Ward.Value = "yes"
	}
	return f
}

// typedMember reads the form for a kind of organisation: what is asked of
// institutions only does not count for others. What is no number of beds the
// noun refuses.
func typedMember(values url.Values, kind caller.OrgKind) member.Organisation {
	o := member.Organisation{Kind: kind, Name: values.Get("name"), Short: values.Get("short"), Prefecture: values.Get("prefecture")}
	if kind != caller.Institution {
		return o
	}
	o.Facility, o.WardCheck = member.Facility(values.Get("facility")), values.Get("ward_check") == "yes"
	if written := strings.TrimSpace(values.Get("beds")); written != "" {
		var err error
		if o.Beds, err = strconv.Atoi(written); err != nil {
			o.Beds = -1
		}
	}
	return o
}

func (s *Server) memberNew(w http.ResponseWriter, _ *http.Request, q *Request) error {
	return s.render(w, q, http.StatusOK, "member", q.newMemberPage())
}

func (q *Request) newMemberPage() *memberPage {
	return &memberPage{
		Head: q.Head(q.T("members.add"), underManage(q, Crumb{"/members", q.T("members.title")})...),
		Form: q.memberForm(member.Organisation{Kind: caller.Institution, Facility: member.Hospital}),
	}
}

func (s *Server) memberAdd(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	o := typedMember(r.PostForm, caller.OrgKind(r.PostForm.Get("kind")))
	id, err := s.addMember(r.Context(), q, o)
	if err != nil {
		return s.refuseMember(w, r, q, q.newMemberPage(), err)
	}
	return s.done(w, r, withOrg(q, "/people", id), Flash{Key: "members.added", Args: map[string]string{"name": strings.TrimSpace(o.Name)}})
}

// addMember registers an organisation. The one ISAC is there from set-up.
func (s *Server) addMember(ctx context.Context, q *Request, o member.Organisation) (id int64, err error) {
	if o.Kind == caller.ISAC {
		return 0, fault.New(fault.Invalid, "members.isac").At("kind")
	}
	err = s.DB.Write(ctx, q.Caller, func(tx *store.Tx) error {
		id, err = member.AddOrganisation(ctx, tx, o)
		return err
	})
	return id, err
}

func (s *Server) refuseMember(w http.ResponseWriter, r *http.Request, q *Request, page *memberPage, why error) error {
	for _, f := range page.Form.fields() {
		f.Fill(r.PostForm)
	}
	var ok bool
	if page.Errors, ok = q.Refuse(why, page.Form.fields()...); !ok {
		return why
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "member", page)
}

// memberPage reads one organisation and says what its leaving would mean.
func (s *Server) memberPage(r *http.Request, q *Request) (*memberPage, error) {
	id, err := idIn(r, "id")
	if err != nil {
		return nil, err
	}
	if err := permit.Check(q.Caller, permit.RegisterManage); err != nil {
		return nil, err
	}
	page := &memberPage{}
	if page.Org, err = member.FindOrganisation(r.Context(), s.DB, q.Caller, id); err != nil {
		return nil, err
	}
	accounts, err := member.People(r.Context(), s.DB, q.Caller, id)
	for _, a := range accounts {
		if a.LeftAt.IsZero() {
			page.People++
		}
	}
	page.Head = q.Head(page.Org.Name, underManage(q, Crumb{"/members", q.T("members.title")})...)
	page.Ask = q.T("members.leave.ask", "name", page.Org.Short, "n", page.People)
	page.Form = q.memberForm(page.Org)
	return page, err
}

func (s *Server) member(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.memberPage(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "member", page)
}

func (s *Server) memberChange(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.memberPage(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	o := typedMember(r.PostForm, page.Org.Kind)
	o.ID = page.Org.ID
	if err := member.ChangeOrganisation(r.Context(), s.DB, q.Caller, o); err != nil {
		return s.refuseMember(w, r, q, page, err)
	}
	return s.done(w, r, "/members", Flash{Key: "members.changed"})
}

func (s *Server) memberLeave(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.memberPage(r, q)
	if err != nil {
		return err
	}
	yes, err := s.confirmed(w, r, q, page.Ask, q.T("members.leave"), "/members/"+itoa(page.Org.ID), true)
	if err != nil || !yes {
		return err
	}
	if err := member.LeaveOrganisation(r.Context(), s.DB, q.Caller, page.Org.ID); err != nil {
		var ok bool
		if page.Errors, ok = q.Refuse(err); !ok {
			return err
		}
		return s.render(w, q, http.StatusUnprocessableEntity, "member", page)
	}
	s.wake()
	return s.done(w, r, "/members", Flash{Key: "members.left", Args: map[string]string{"name": page.Org.Short}})
}

func (s *Server) memberReturn(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	if err := member.ReturnOrganisation(r.Context(), s.DB, q.Caller, id); err != nil {
		return err
	}
	s.wake()
	return s.done(w, r, withOrg(q, "/people", id), Flash{Key: "members.returned"})
}
