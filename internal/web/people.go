// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/member"
	"teiten/internal/permit"
)

// peoplePage lists the accounts of one organisation, and the recoveries that
// are under way there.
type peoplePage struct {
	Head
	Org        member.Organisation
	May        bool  // add and change them
	Choose     Field // the organisation, for operators
	People     []personRow
	Left       []personRow
	Recoveries []recoveryRow
}

// personRow is an account with what else is known of it.
type personRow struct {
	member.Account
	State   personState
	Devices int       // valid certificates
	Seen    time.Time // when one of them was last seen
}

// personState is what an account is good for now.
type personState string

const (
	personNew     personState = "new"     // nothing to sign in with has been set up
	personUsed    personState = "used"    // it is
	personMachine personState = "machine" // which does not sign in
	personExpired personState = "expired"
	personLeft    personState = "left"
)

// stateOf finds out what an account is good for.
func (s *Server) stateOf(ctx context.Context, q *Request, a member.Account) (personState, error) {
	switch {
	case !a.LeftAt.IsZero() || !a.Org.LeftAt.IsZero():
		return personLeft, nil
	case !a.ExpiresAt.IsZero() && !a.ExpiresAt.After(q.Now):
		return personExpired, nil
	case a.Role == caller.Machine:
		return personMachine, nil
	}
	ready, err := auth.IsSetUp(ctx, s.DB, a.ID)
	if ready {
		return personUsed, err
	}
	return personNew, err
}

func (s *Server) people(w http.ResponseWriter, r *http.Request, q *Request) error {
	ctx := r.Context()
	id, err := orgOf(q)
	if err != nil {
		return err
	}
	page := &peoplePage{May: permit.CheckFor(q.Caller, permit.PeopleManage, id) == nil}
	if page.Org, err = member.FindOrganisation(ctx, s.DB, q.Caller, id); err != nil {
		return err
	}
	page.Head = q.Head(q.T("people.title"), underManage(q)...)
	if page.Choose, err = s.orgChoice(ctx, q, id); err != nil {
		return err
	}
	accounts, err := member.People(ctx, s.DB, q.Caller, id)
	if err != nil {
		return err
	}
	used, err := s.usage(ctx, q, id)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		row := personRow{Account: a, Devices: used.held[a.ID], Seen: used.account[a.ID]}
		if row.State, err = s.stateOf(ctx, q, a); err != nil {
			return err
		}
		if row.State == personLeft {
			page.Left = append(page.Left, row)
		} else {
			page.People = append(page.People, row)
		}
	}
	if page.Recoveries, err = s.recoveriesOf(ctx, q, func(rec auth.Recovery) bool { return rec.Org == id }); err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "people", page)
}

// orgChoice lets operators choose whose page it is; others have no choice.
func (s *Server) orgChoice(ctx context.Context, q *Request, current int64) (Field, error) {
	f := q.Field("select", "org", "people.org")
	if permit.May(q.Caller, permit.RegisterManage) != permit.All {
		return f, nil
	}
	orgs, err := member.Organisations(ctx, s.DB)
	for _, o := range orgs {
		name := o.Name
		if !o.LeftAt.IsZero() {
			name = q.T("people.org.left", "name", o.Name)
		}
		f.Options = append(f.Options, Option{Value: itoa(o.ID), Label: name})
	}
	f.Value = itoa(current)
	return f, err
}

type personForm struct{ Name, Title, Role, Login, Mail, Expires Field }

func (f *personForm) fields() []*Field {
	return []*Field{&f.Name, &f.Title, &f.Role, &f.Login, &f.Mail, &f.Expires}
}

// personForm has the fields of an account as it is; ID 0 is one to be added.
func (q *Request) personForm(a member.Account) personForm {
	f := personForm{
		Name: q.Field("text", "name", "people.name"), Title: q.Field("text", "title", "people.position"), Role: q.Field("radio", "role", "people.role"),
		Login: q.Field("text", "login", "people.login"), Mail: q.Field("email", "mail", "people.mail"), Expires: q.Field("date", "expires", "people.expires"),
	}
	f.Name.Required, f.Name.Max, f.Title.Max, f.Role.Required, f.Login.Code, f.Login.Max, f.Mail.Max = true, 200, 200, true, true, 64, 254
	for _, role := range rolesFor(q.Caller, a) {
		f.Role.Options = append(f.Role.Options, Option{Value: string(role), Label: q.T("web.role." + string(role)), Hint: q.T("web.role." + string(role) + ".about")})
	}
	f.Name.Value, f.Title.Value, f.Role.Value, f.Login.Value, f.Mail.Value = a.Name, a.Title, string(a.Role), a.Login, a.Mail
	f.Expires.Value = lastDay(a.ExpiresAt)
	return f
}

// rolesFor are the roles that the caller can give an account: those of the
// ISAC in the ISAC only, and a machine stays one.
func rolesFor(c caller.Caller, a member.Account) []caller.Role {
	switch {
	case a.ID == c.Account || a.Evaluator || a.ID != 0 && a.Role == caller.Machine:
		return []caller.Role{a.Role}
	case a.ID != 0 && a.Role != caller.Machine:
		return slices.DeleteFunc(rolesFor(c, member.Account{Org: a.Org}), func(r caller.Role) bool { return r == caller.Machine })
	case a.Org.Kind == caller.ISAC && permit.May(c, permit.PeopleManage) == permit.All:
		return slices.Clone(caller.Roles) // of which DeleteFunc above takes one
	}
	return []caller.Role{caller.Contact, caller.Staff, caller.Executive, caller.Machine}
}

// lastDay is the last day on which an end has not come, as a form writes it.
func lastDay(end time.Time) string {
	if end.IsZero() {
		return ""
	}
	return end.Add(-time.Microsecond).In(locale.Tokyo).Format(time.DateOnly)
}

// untilDay writes the last day of something that ends.
func (q *Request) untilDay(end time.Time) string { return q.Lang.Date(end.Add(-time.Microsecond)) }

// typedEnd reads the last day of something from a form: it ends when that day
// does, in Tokyo. Without a day there is no end.
func typedEnd(values url.Values) (time.Time, error) {
	written := strings.TrimSpace(values.Get("expires"))
	if written == "" {
		return time.Time{}, nil
	}
	day, err := time.ParseInLocation(time.DateOnly, written, locale.Tokyo)
	if err != nil {
		return time.Time{}, fault.New(fault.Invalid, "people.day").At("expires")
	}
	return day.AddDate(0, 0, 1), nil
}

// typedPerson reads the form. An end whose day was not changed stays what it is
// to the second.
func typedPerson(values url.Values, before member.Account) (member.Account, error) {
	a := before
	a.Name, a.Title, a.Role = values.Get("name"), values.Get("title"), caller.Role(values.Get("role"))
	a.Login, a.Mail = values.Get("login"), values.Get("mail")
	if values.Get("expires") == lastDay(before.ExpiresAt) {
		return a, nil
	}
	var err error
	a.ExpiresAt, err = typedEnd(values)
	return a, err
}

// At is an address of the page's organisation.
func (p *peoplePage) At(address string) string { return withOrg(p.Request, address, p.Org.ID) }
