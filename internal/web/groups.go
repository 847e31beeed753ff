// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/permit"
)

// groupsPage lists the sharing groups that the caller may know of.
type groupsPage struct {
	Head
	Errors []FieldError
	May    bool // add and change them
	Open   []member.Group
	Closed []member.Group
	Form   groupForm
}

// groupPage shows one group and who is in it.
type groupPage struct {
	Head
	Errors []FieldError
	Group  member.Group
	May    bool
	Form   groupForm
	Join   Field
}

type groupForm struct{ Name, Purpose Field }

func (f *groupForm) fields() []*Field { return []*Field{&f.Name, &f.Purpose} }

func (q *Request) groupForm(g member.Group) groupForm {
	f := groupForm{q.Field("text", "name", "groups.name"), q.Field("text", "purpose", "groups.purpose")}
	f.Name.Required, f.Name.Max, f.Purpose.Max = true, 200, 400
	f.Name.Value, f.Purpose.Value = g.Name, g.Purpose
	return f
}

func mayGroup(q *Request) bool { return permit.May(q.Caller, permit.GroupManage) == permit.All }

func (s *Server) groups(w http.ResponseWriter, r *http.Request, q *Request) error {
	return s.showGroups(w, r, q, nil)
}

// showGroups renders the list; refused is why a new group was not taken.
func (s *Server) showGroups(w http.ResponseWriter, r *http.Request, q *Request, refused error) error {
	page := &groupsPage{Head: q.Head(q.T("groups.title"), q.hub()...), May: mayGroup(q), Form: q.groupForm(member.Group{})}
	list, err := member.Groups(r.Context(), s.DB, q.Caller)
	if err != nil {
		return err
	}
	for _, g := range list {
		if g.ClosedAt.IsZero() {
			page.Open = append(page.Open, g)
		} else {
			page.Closed = append(page.Closed, g)
		}
	}
	status := http.StatusOK
	if refused != nil {
		for _, f := range page.Form.fields() {
			f.Fill(r.PostForm)
		}
		var ok bool
		if page.Errors, ok = q.Refuse(refused, page.Form.fields()...); !ok {
			return refused
		}
		status = http.StatusUnprocessableEntity
	}
	return s.render(w, q, status, "groups", page)
}

// hub begins the way to a page that others than those who manage may read, too.
func (q *Request) hub(more ...Crumb) []Crumb {
	if permit.May(q.Caller, permit.PeopleRead) == permit.None {
		return more
	}
	return underManage(q, more...)
}

func (s *Server) groupAdd(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	id, err := member.AddGroup(r.Context(), s.DB, q.Caller, r.PostForm.Get("name"), r.PostForm.Get("purpose"))
	if err != nil {
		return s.showGroups(w, r, q, err)
	}
	return s.done(w, r, "/groups/"+itoa(id), Flash{Key: "groups.added"})
}

// groupPage reads a group that the caller may know of, and who could join it.
func (s *Server) groupPage(r *http.Request, q *Request) (*groupPage, error) {
	id, err := idIn(r, "id")
	if err != nil {
		return nil, err
	}
	page := &groupPage{May: mayGroup(q)}
	if page.Group, err = member.FindGroup(r.Context(), s.DB, q.Caller, id); err != nil {
		return nil, err
	}
	page.Head = q.Head(page.Group.Name, q.hub(Crumb{"/groups", q.T("groups.title")})...)
	page.Form, page.Join = q.groupForm(page.Group), q.Field("select", "org", "groups.join")
	if !page.May || !page.Group.ClosedAt.IsZero() {
		page.May = false
		return page, nil
	}
	in := map[int64]bool{}
	for _, o := range page.Group.Members {
		in[o.ID] = true
	}
	orgs, err := member.Organisations(r.Context(), s.DB)
	page.Join.Options = []Option{{Value: "", Label: q.T("groups.join.choose")}}
	for _, o := range orgs {
		if o.LeftAt.IsZero() && !in[o.ID] {
			page.Join.Options = append(page.Join.Options, Option{Value: itoa(o.ID), Label: o.Name})
		}
	}
	return page, err
}

func (s *Server) group(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.groupPage(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "group", page)
}

func (s *Server) refuseGroup(w http.ResponseWriter, r *http.Request, q *Request, page *groupPage, why error, fields ...*Field) error {
	for _, f := range fields {
		f.Fill(r.PostForm)
	}
	var ok bool
	if page.Errors, ok = q.Refuse(why, fields...); !ok {
		return why
	}
	q.Path = "/groups/" + itoa(page.Group.ID)
	return s.render(w, q, http.StatusUnprocessableEntity, "group", page)
}

func (s *Server) groupRename(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.groupPage(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	if err := member.RenameGroup(r.Context(), s.DB, q.Caller, page.Group.ID, r.PostForm.Get("name"), r.PostForm.Get("purpose")); err != nil {
		return s.refuseGroup(w, r, q, page, err, page.Form.fields()...)
	}
	return s.done(w, r, "/groups/"+itoa(page.Group.ID), Flash{Key: "groups.changed"})
}

func (s *Server) groupClose(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.groupPage(r, q)
	if err != nil {
		return err
	}
	yes, err := s.confirmed(w, r, q, q.T("groups.close.ask", "name", page.Group.Name), q.T("groups.close"), "/groups/"+itoa(page.Group.ID), true)
	if err != nil || !yes {
		return err
	}
	if err := member.CloseGroup(r.Context(), s.DB, q.Caller, page.Group.ID); err != nil {
		return s.refuseGroup(w, r, q, page, err)
	}
	return s.done(w, r, "/groups", Flash{Key: "groups.closed"})
}

func (s *Server) groupJoin(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.groupPage(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	org := typedID(r.PostForm, "org")
	if org == 0 {
		err = fault.New(fault.Invalid, "groups.join.choose").At("org")
	} else {
		err = member.JoinGroup(r.Context(), s.DB, q.Caller, page.Group.ID, org)
	}
	if err != nil {
		return s.refuseGroup(w, r, q, page, err, &page.Join)
	}
	return s.done(w, r, "/groups/"+itoa(page.Group.ID), Flash{Key: "groups.joined", Undo: groupMember(page.Group.ID, org, "remove")})
}

// groupMember is the address of a change of one organisation's membership.
func groupMember(group, org int64, act string) string {
	return "/groups/" + itoa(group) + "/members/" + itoa(org) + "/" + act
}

func (s *Server) groupPart(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.groupPage(r, q)
	if err != nil {
		return err
	}
	org, err := idIn(r, "org")
	if err != nil {
		return err
	}
	if err := member.PartGroup(r.Context(), s.DB, q.Caller, page.Group.ID, org); err != nil {
		return s.refuseGroup(w, r, q, page, err)
	}
	flash := Flash{Key: "groups.parted"}
	if page.Group.ClosedAt.IsZero() { // nobody joins one that is closed
		flash.Undo = groupMember(page.Group.ID, org, "restore")
	}
	return s.done(w, r, "/groups/"+itoa(page.Group.ID), flash)
}

// groupRejoin takes back what groupPart did.
func (s *Server) groupRejoin(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.groupPage(r, q)
	if err != nil {
		return err
	}
	org, err := idIn(r, "org")
	if err != nil {
		return err
	}
	if err := member.JoinGroup(r.Context(), s.DB, q.Caller, page.Group.ID, org); err != nil {
		return s.refuseGroup(w, r, q, page, err)
	}
	return s.done(w, r, "/groups/"+itoa(page.Group.ID), Flash{Key: "groups.joined", Undo: groupMember(page.Group.ID, org, "remove")})
}

// groupsOf are the open groups of an organisation, for its page.
func (s *Server) groupsOf(r *http.Request, q *Request, org int64) ([]member.Group, error) {
	all, err := member.Groups(r.Context(), s.DB, q.Caller)
	var own []member.Group
	for _, g := range all {
		for _, o := range g.Members {
			if o.ID == org && g.ClosedAt.IsZero() {
				own = append(own, g)
			}
		}
	}
	return own, err
}

// Stays reports whether the organisation is the ISAC, which is in every group.
func (p *groupPage) Stays(o member.Organisation) bool { return o.Kind == caller.ISAC }
