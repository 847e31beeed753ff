// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// deviceRoutes are the pages about certificates and invitations.
func (s *Server) deviceRoutes() []route {
	invite := func(h handler) handler {
		if s.sample() {
			return secret(h)
		}
		// An invitation is a key for whoever holds it: an open browser alone
		// must not make one.
		return s.proven(secret(h))
	}
	return append([]route{
		on("GET", "/devices", Portal, may(permit.DeviceRead), s.devices),
		on("GET", "/devices/invite", Portal, may(permit.DeviceInvite), invite(s.inviteForm)),
		on("POST", "/devices/invite", Portal, may(permit.DeviceInvite), invite(s.invite)),
		on("GET", "/devices/{id}", Portal, may(permit.DeviceRead), s.device),
		on("POST", "/devices/{id}/revoke", Portal, may(permit.DeviceRevoke), s.deviceRevoke),
		on("POST", "/devices/invitations/{id}/cancel", Portal, may(permit.DeviceInvite), s.invitationCancel),
	}, s.enrolRoutes()...)
}

type devicesPage struct {
	Head
	All         bool // the caller sees every organisation's
	Org         int64
	OrgName     string // of the one that is shown, "" for all
	Choose      Field
	Tabs        []Tab
	List        []deviceRow
	Ending      []deviceRow // those that end soon
	Pager       Pager
	May         bool // invite here
	Invitations []device.Invitation
	State       device.State
}

// deviceOrg is the organisation whose devices are shown: an operator's choice,
// 0 for all, else the caller's own.
func deviceOrg(q *Request, p permit.Permission, chosen string) (int64, error) {
	if permit.May(q.Caller, p) != permit.All {
		if chosen != "" && chosen != itoa(q.Caller.Org) {
			return 0, fault.New(fault.NotFound, "fault.not_found")
		}
		return q.Caller.Org, nil
	}
	if chosen == "" {
		return 0, nil
	}
	id, err := strconv.ParseInt(chosen, 10, 64)
	if err != nil || id <= 0 {
		return 0, fault.New(fault.NotFound, "fault.not_found")
	}
	return id, nil
}

func (s *Server) devices(w http.ResponseWriter, r *http.Request, q *Request) error {
	ctx := r.Context()
	org, err := deviceOrg(q, permit.DeviceRead, q.Get("org"))
	if err != nil {
		return err
	}
	page := &devicesPage{Head: q.Head(q.T("devices.title"), underManage(q)...), Org: org, All: permit.May(q.Caller, permit.DeviceRead) == permit.All, State: device.State(q.Get("state"))}
	if page.State == "" {
		page.State = device.Valid
	}
	if page.OrgName, err = s.chooseOrg(ctx, q, &page.Choose, org, page.All); err != nil {
		return err
	}
	const rows = 50
	list, err := device.List(ctx, s.DB, q.Caller, device.Filter{Org: org, State: page.State, Before: q.Int("after", 0), Limit: rows + 1})
	if err != nil {
		return err
	}
	after := ""
	if len(list) > rows {
		list = list[:rows]
		after = itoa(list[rows-1].ID)
	}
	for _, c := range list {
		page.List = append(page.List, q.deviceRow(c))
	}
	page.Pager = q.Pager(len(list), 0, after)
	for _, state := range device.States {
		page.Tabs = append(page.Tabs, Tab{Href: q.With("state", string(state)), Name: q.T(state.Key()), Current: state == page.State})
	}
	if err := s.endingDevices(ctx, q, page); err != nil {
		return err
	}
	if err := s.openInvitations(ctx, q, page); err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "devices", page)
}

// chooseOrg fills the choice of organisations, for those who see all, and
// returns the chosen one's name.
func (s *Server) chooseOrg(ctx context.Context, q *Request, f *Field, org int64, all bool) (name string, err error) {
	orgs, err := member.Organisations(ctx, s.DB)
	if err != nil {
		return "", err
	}
	*f = q.Field("select", "org", "devices.org")
	f.Options = []Option{{Value: "", Label: q.T("devices.org.all")}}
	for _, o := range orgs {
		if o.ID == org {
			name, f.Value = o.Name, itoa(o.ID)
		}
		if all {
			f.Options = append(f.Options, Option{Value: itoa(o.ID), Label: o.Name})
		}
	}
	if org != 0 && name == "" {
		return "", fault.New(fault.NotFound, "fault.not_found")
	}
	return name, nil
}

// endingDevices are the certificates on the page's list of valid ones that end
// soon and have no successor yet.
func (s *Server) endingDevices(ctx context.Context, q *Request, page *devicesPage) error {
	if s.Access == nil || s.Access.Office == nil || page.State != device.Valid {
		return nil
	}
	ending, err := s.Access.Office.Expiring(ctx, s.DB, q.Caller, soon)
	for _, e := range ending {
		if e.Kind == device.EndingDevice && (page.Org == 0 || e.Certificate.Org == page.Org) {
			page.Ending = append(page.Ending, q.deviceRow(e.Certificate))
		}
	}
	return err
}

// openInvitations fills in what may still be used. A contact whose organisation
// takes no devices of its own sees none.
func (s *Server) openInvitations(ctx context.Context, q *Request, page *devicesPage) error {
	all, err := device.Invitations(ctx, s.DB, q.Caller, page.Org)
	if fault.Is(err, fault.Forbidden) {
		return nil
	}
	page.May = err == nil
	page.Invitations = slices.DeleteFunc(all, func(i device.Invitation) bool { return i.State(q.Now) != device.InviteOpen })
	return err
}

// devicePage is one certificate, with the form that revokes it.
type devicePage struct {
	Head
	Errors []FieldError
	Device deviceRow
	Action string // where the form goes
	May    bool   // revoke it
	Reason Field
}

func (q *Request) devicePage(c device.Certificate, action string, reasons []device.Reason, way Crumb) *devicePage {
	title := c.Label
	if title == "" {
		title = q.T("devices.nameless")
	}
	p := &devicePage{Head: q.Head(title, way), Device: q.deviceRow(c), Action: action, Reason: q.Field("radio", "reason", "devices.reason")}
	p.May = p.Device.Now == device.Valid && c.Purpose != device.Server
	p.Reason.Required = true
	for _, r := range reasons {
		p.Reason.Options = append(p.Reason.Options, Option{Value: string(r), Label: q.T(r.Key())})
	}
	return p
}

// found returns the certificate that the address names, if the caller sees it.
func (s *Server) found(r *http.Request, q *Request) (*devicePage, error) {
	id, err := pathID(r)
	if err != nil {
		return nil, err
	}
	c, err := device.Find(r.Context(), s.DB, q.Caller, id)
	if err != nil {
		return nil, err
	}
	return q.devicePage(c, "/devices/"+itoa(id)+"/revoke", device.Reasons, Crumb{"/devices", q.T("devices.title")}), nil
}

func (s *Server) device(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.found(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "device", page)
}

func (s *Server) deviceRevoke(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.found(r, q)
	if err != nil {
		return err
	}
	return s.revoke(w, r, q, page, "/devices")
}

// revoke ends the page's certificate and every session on it, both or neither.
func (s *Server) revoke(w http.ResponseWriter, r *http.Request, q *Request, page *devicePage, back string) error {
	if err := parseForm(r); err != nil {
		return err
	}
	page.Reason.Fill(r.PostForm)
	if !page.May {
		return fault.New(fault.Conflict, "devices.revoke.not")
	}
	why := page.refuseReason()
	if why == nil {
		question := q.T("devices.revoke.ask", "name", page.Title)
		if page.Device.This {
			question = q.T("devices.revoke.ask.this")
		}
		yes, err := s.confirmed(w, r, q, question, q.T("devices.revoke"), back, true)
		if err != nil || !yes {
			return err
		}
		why = s.revoked(r.Context(), q.Caller, page.Device.ID, device.Reason(page.Reason.Value))
	}
	if why == nil {
		return s.done(w, r, back, Flash{Key: "devices.revoke.done"})
	}
	var ok bool
	if page.Errors, ok = q.Refuse(why, &page.Reason); !ok {
		return why
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "device", page)
}

func (p *devicePage) refuseReason() error {
	if slices.ContainsFunc(p.Reason.Options, func(o Option) bool { return o.Value == p.Reason.Value }) {
		return nil
	}
	return fault.New(fault.Invalid, "devices.revoke.why").At("reason")
}

func (s *Server) revoked(ctx context.Context, c caller.Caller, id int64, reason device.Reason) error {
	return s.DB.Batch(ctx, func(ctx context.Context) error {
		if err := device.Revoke(ctx, s.DB, c, id, reason); err != nil {
			return err
		}
		return s.DB.Write(ctx, c, func(tx *store.Tx) error { return auth.EndAllOn(ctx, tx, id) })
	})
}

func (s *Server) invitationCancel(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := pathID(r)
	if err != nil {
		return err
	}
	yes, err := s.confirmed(w, r, q, q.T("devices.cancel.ask"), q.T("devices.cancel"), "/devices#invitations", true)
	if err != nil || !yes {
		return err
	}
	if err := device.Cancel(r.Context(), s.DB, q.Caller, id); err != nil {
		return err
	}
	return s.done(w, r, "/devices#invitations", Flash{Key: "devices.cancel.done"})
}
