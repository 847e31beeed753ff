// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/permit"
)

// invitePage invites a device of one organisation. An operator chooses that
// first: whose people can be chosen follows from it.
type invitePage struct {
	Head
	Errors []FieldError
	All    bool
	Org    int64
	Name   string // of the organisation
	Choose Field

	Purpose, Account, Label, For Field
}

func (p *invitePage) fields() []*Field { return []*Field{&p.Purpose, &p.Account, &p.Label, &p.For} }

func (s *Server) invitePage(ctx context.Context, q *Request, chosen string) (*invitePage, error) {
	q.Path = "/devices/invite"
	p := &invitePage{Head: q.Head(q.T("devices.invite.title"), Crumb{"/devices", q.T("devices.title")}), All: permit.May(q.Caller, permit.DeviceInvite) == permit.All}
	var err error
	if p.Org, err = deviceOrg(q, permit.DeviceInvite, chosen); err != nil {
		return nil, err
	}
	if p.Name, err = s.chooseOrg(ctx, q, &p.Choose, p.Org, p.All); err != nil {
		return nil, err
	}
	p.Choose.Options[0].Label = q.T("devices.invite.choose")
	if p.Org == 0 {
		return p, nil
	}
	p.Purpose, p.Account = q.Field("radio", "purpose", "devices.invite.purpose"), q.Field("select", "account", "devices.invite.account")
	p.Label, p.For = q.Field("text", "label", "devices.invite.label"), q.Field("select", "for", "devices.invite.for")
	for _, purpose := range device.Purposes {
		p.Purpose.Options = append(p.Purpose.Options, Option{Value: string(purpose), Label: q.T(purpose.Key()), Hint: q.T("devices.invite." + string(purpose) + ".hint")})
	}
	p.Purpose.Required, p.Purpose.Value, p.Label.Max, p.For.Value = true, string(device.Person), 100, "72"
	for _, hours := range []int{24, 72, 168} {
		p.For.Options = append(p.For.Options, Option{Value: strconv.Itoa(hours), Label: q.duration(time.Duration(hours) * time.Hour)})
	}
	people, err := member.People(ctx, s.DB, q.Caller, p.Org)
	if err != nil {
		return nil, err
	}
	p.Account.Options = []Option{{Label: q.T("devices.invite.account.none")}}
	for _, a := range people {
		if a.Active && a.LeftAt.IsZero() && (a.ExpiresAt.IsZero() || a.ExpiresAt.After(q.Now)) {
			p.Account.Options = append(p.Account.Options, Option{Value: itoa(a.ID), Label: a.Name + "（" + q.T("web.role."+string(a.Role)) + "）"})
			if q.Get("account") == itoa(a.ID) {
				p.Account.Value = itoa(a.ID)
				if a.Role == caller.Machine {
					p.Purpose.Value = string(device.Machine)
				}
			}
		}
	}
	return p, nil
}

func (s *Server) inviteForm(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.invitePage(r.Context(), q, q.Get("org"))
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "invite", page)
}

// invitedPage hands an invitation over, once: the code is kept nowhere.
type invitedPage struct {
	Head
	Invitation device.Invitation
	Whose      string
	Code       string
	Link       string // with the code behind a #, which browsers keep to themselves
	Door       string // without it
	QR         template.HTML
	Sample     bool // nobody can use it
}

func (s *Server) invite(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	page, err := s.invitePage(r.Context(), q, r.PostForm.Get("org"))
	if err != nil {
		return err
	}
	if page.Org == 0 {
		return s.render(w, q, http.StatusOK, "invite", page)
	}
	for _, f := range page.fields() {
		f.Fill(r.PostForm)
	}
	i, why := page.typed()
	code := ""
	if why == nil {
		code, i, why = device.Invite(r.Context(), s.DB, q.Caller, i)
	}
	if why != nil {
		var ok bool
		if page.Errors, ok = q.Refuse(why, page.fields()...); !ok {
			return why
		}
		return s.render(w, q, http.StatusUnprocessableEntity, "invite", page)
	}
	sheet := &invitedPage{Head: q.Head(q.T("devices.invited.title"), Crumb{"/devices", q.T("devices.title")}), Invitation: i,
		Code: code, Door: s.base(r) + "/enrol", Whose: page.whose(q), Sample: !hasRoute(q, "GET", "/enrol")}
	sheet.Link = sheet.Door + "#" + code
	if sheet.QR, err = auth.QR(sheet.Link, q.T("devices.invited.qr")); err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "invited", sheet)
}

// hasRoute reports whether the portal has the route at all.
func hasRoute(q *Request, method, pattern string) bool {
	for _, rt := range q.can {
		if rt.method == method && rt.pattern == pattern {
			return true
		}
	}
	return false
}

// typed reads the form. Who holds a shared PC is not asked, whatever was chosen.
func (p *invitePage) typed() (device.Invitation, error) {
	i := device.Invitation{Org: p.Org, Purpose: device.Purpose(p.Purpose.Value), Label: p.Label.Value}
	hours, err := strconv.Atoi(p.For.Value)
	if err != nil || hours <= 0 || hours > 14*24 {
		return i, fault.New(fault.Invalid, "device.invitation_for", "most", 14).At("for")
	}
	i.For = time.Duration(hours) * time.Hour
	if i.Purpose == device.Device || p.Account.Value == "" {
		return i, nil
	}
	if i.Account, err = strconv.ParseInt(p.Account.Value, 10, 64); err != nil || i.Account <= 0 {
		return i, fault.New(fault.NotFound, "fault.not_found")
	}
	return i, nil
}

// whose is the chosen account as the form names it.
func (p *invitePage) whose(q *Request) string {
	for _, o := range p.Account.Options {
		if o.Value != "" && o.Value == p.Account.Value && device.Purpose(p.Purpose.Value) != device.Device {
			return o.Label
		}
	}
	return q.T("devices.shared")
}
