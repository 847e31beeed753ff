// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"

	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/permit"
)

// personPage adds an account, or shows one with all that can be done about it.
type personPage struct {
	Head
	Errors     []FieldError
	Person     personRow // ID 0: to be added
	Self       bool
	May        bool // change, end and recover it
	MayMove    bool
	MayRecover bool
	Recoveries []recoveryRow
	Ask        string // what ending it means, as a question
	AskMove    string

	Form   personForm
	Leave  Field // the reason
	Reason Field // of a recovery
	Move   moveForm
}

// moveForm lets a person change to another organisation. Its names differ from
// those of the form that stands beside it.
type moveForm struct{ Org, Role, Title Field }

func (f *moveForm) fields() []*Field { return []*Field{&f.Org, &f.Role, &f.Title} }

func (s *Server) newPersonPage(r *http.Request, q *Request) (*personPage, error) {
	id, err := orgOf(q)
	if err != nil {
		return nil, err
	}
	if err := permit.CheckFor(q.Caller, permit.PeopleManage, id); err != nil {
		return nil, err
	}
	page := &personPage{May: true}
	a := member.Account{Role: caller.Staff}
	if a.Org, err = member.FindOrganisation(r.Context(), s.DB, q.Caller, id); err != nil {
		return nil, err
	}
	page.Head = q.Head(q.T("people.add"), underManage(q, Crumb{withOrg(q, "/people", id), q.T("people.title")})...)
	page.Person.Account, page.Form = a, q.personForm(a)
	return page, nil
}

func (s *Server) personNew(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.newPersonPage(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "person", page)
}

func (s *Server) personAdd(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.newPersonPage(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	a, err := typedPerson(r.PostForm, page.Person.Account)
	var id int64
	if err == nil {
		id, err = s.addPerson(r.Context(), q, a)
	}
	if err != nil {
		return s.refusePerson(w, r, q, page, err, page.Form.fields()...)
	}
	return s.done(w, r, "/people/"+itoa(id), Flash{Key: "people.added"})
}

// refusePerson shows the page again with what is wrong; the fields are those
// of the form that was sent.
func (s *Server) refusePerson(w http.ResponseWriter, r *http.Request, q *Request, page *personPage, why error, fields ...*Field) error {
	for _, f := range fields {
		f.Fill(r.PostForm)
	}
	var ok bool
	if page.Errors, ok = q.Refuse(why, fields...); !ok {
		return why
	}
	if q.Path = "/people/new"; page.Person.ID != 0 {
		q.Path = "/people/" + itoa(page.Person.ID)
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "person", page)
}

// personPage reads one account and all that can be done about it. Somebody
// else's is not found.
func (s *Server) personPage(r *http.Request, q *Request) (*personPage, error) {
	ctx := r.Context()
	id, err := idIn(r, "id")
	if err != nil {
		return nil, err
	}
	a, err := member.Find(ctx, s.DB, q.Caller, id)
	if err != nil {
		return nil, err
	}
	page := &personPage{Person: personRow{Account: a}, Self: a.ID == q.Caller.Account}
	page.Head = q.Head(a.Name, underManage(q, Crumb{withOrg(q, "/people", a.Org.ID), q.T("people.title")})...)
	if page.Person.State, err = s.stateOf(ctx, q, a); err != nil {
		return nil, err
	}
	used, err := s.usage(ctx, q, a.Org.ID)
	if err != nil {
		return nil, err
	}
	page.Person.Devices, page.Person.Seen = used.held[a.ID], used.account[a.ID]
	operator := permit.May(q.Caller, permit.RegisterManage) == permit.All
	here := page.Person.State != personLeft
	person := a.Role != caller.Machine
	page.May = operator || a.Role != caller.Operator && a.Role != caller.Analyst
	page.MayMove = operator && here && person && !a.Evaluator && !page.Self
	page.MayRecover = page.May && here && person && page.Person.State != personExpired && !page.Self
	if page.Recoveries, err = s.recoveriesOf(ctx, q, func(rec auth.Recovery) bool { return rec.Account == id }); err != nil {
		return nil, err
	}
	page.Form = q.personForm(a)
	if !person {
		page.Form.Login.Kind = "hidden"
	}
	page.Ask = q.T("people.leave.ask", "name", a.Name)
	if page.Self {
		page.Ask = q.T("people.leave.ask.self")
	}
	page.Leave = q.Field("radio", "reason", "people.leave.reason")
	page.Leave.Required, page.Leave.Value = true, string(member.Left)
	for _, why := range member.Reasons {
		page.Leave.Options = append(page.Leave.Options, Option{Value: string(why), Label: why.Name(q.Lang)})
	}
	page.Reason = q.Field("text", "why", "recovery.reason")
	page.Reason.Required, page.Reason.Max = true, 500
	if page.MayMove {
		err = s.moveForm(ctx, q, page)
	}
	return page, err
}

func (s *Server) moveForm(ctx context.Context, q *Request, page *personPage) error {
	f := &page.Move
	page.AskMove = q.T("people.move.ask", "name", page.Person.Name)
	f.Org, f.Role, f.Title = q.Field("select", "to", "people.move.to"), q.Field("select", "role-there", "people.role"), q.Field("text", "title-there", "people.move.position")
	f.Org.Required, f.Role.Required, f.Title.Max = true, true, 200
	f.Org.Options = []Option{{Value: "", Label: q.T("people.move.choose")}}
	orgs, err := member.Organisations(ctx, s.DB)
	for _, o := range orgs {
		if o.LeftAt.IsZero() && o.ID != page.Person.Org.ID {
			f.Org.Options = append(f.Org.Options, Option{Value: itoa(o.ID), Label: o.Name})
		}
	}
	f.Role.Value = string(caller.Staff)
	for _, role := range caller.Roles {
		if role != caller.Machine {
			f.Role.Options = append(f.Role.Options, Option{Value: string(role), Label: q.T("web.role." + string(role))})
		}
	}
	return err
}

func (s *Server) person(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.personPage(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "person", page)
}

func (s *Server) personChange(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.personPage(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	a, err := typedPerson(r.PostForm, page.Person.Account)
	if err == nil {
		err = member.ChangeAccount(r.Context(), s.DB, q.Caller, a)
	}
	if err != nil {
		return s.refusePerson(w, r, q, page, err, page.Form.fields()...)
	}
	return s.done(w, r, "/people/"+itoa(a.ID), Flash{Key: "people.changed"})
}

func (s *Server) personLeave(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.personPage(r, q)
	if err != nil {
		return err
	}
	id := page.Person.ID
	yes, err := s.confirmed(w, r, q, page.Ask, q.T("people.leave"), "/people/"+itoa(id), true)
	if err != nil || !yes {
		return err
	}
	if err := member.Leave(r.Context(), s.DB, q.Caller, id, member.Reason(r.PostForm.Get("reason"))); err != nil {
		return s.refusePerson(w, r, q, page, err, &page.Leave)
	}
	return s.done(w, r, withOrg(q, "/people", page.Person.Org.ID), Flash{Key: "people.left", Undo: "/people/" + itoa(id) + "/return"})
}

func (s *Server) personReturn(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.personPage(r, q)
	if err != nil {
		return err
	}
	if err := member.Return(r.Context(), s.DB, q.Caller, page.Person.ID); err != nil {
		return s.refusePerson(w, r, q, page, err)
	}
	return s.done(w, r, "/people/"+itoa(page.Person.ID), Flash{Key: "people.returned"})
}

func (s *Server) personMove(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.personPage(r, q)
	if err != nil {
		return err
	}
	yes, err := s.confirmed(w, r, q, q.T("people.move.ask", "name", page.Person.Name), q.T("people.move"), "/people/"+itoa(page.Person.ID), true)
	if err != nil || !yes {
		return err
	}
	to := typedID(r.PostForm, "to")
	if to == 0 {
		err = fault.New(fault.Invalid, "people.move.choose").At("to")
	} else {
		to, err = member.Move(r.Context(), s.DB, q.Caller, page.Person.ID, to, caller.Role(r.PostForm.Get("role-there")), r.PostForm.Get("title-there"))
	}
	if err != nil {
		err = renamed(err, "org", "to", "role", "role-there", "title", "title-there")
		return s.refusePerson(w, r, q, page, err, page.Move.fields()...)
	}
	return s.done(w, r, "/people/"+itoa(to), Flash{Key: "people.moved"})
}

// At is an address of the person's organisation.
func (p *personPage) At(address string) string { return withOrg(p.Request, address, p.Person.Org.ID) }

// Until is the account's last day.
func (p *personPage) Until() string { return p.untilDay(p.Person.ExpiresAt) }
