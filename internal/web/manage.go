// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"teiten/internal/auth"
	"teiten/internal/device"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/token"
)

// managePage is where those who look after accounts, devices and settings
// begin: what needs them, and the pages on which they work.
type managePage struct {
	Head
	Attention []task
	Areas     []area
}

// area is one of the pages that stand under the hub in the navigation.
type area struct{ Icon, Href, Name, About string }

const manageAddress = "/manage"

// managed are the pages below the hub, in its order: drawing, address, the
// sentence that names it, and the one that says what it is for.
var managed = []struct{ icon, address, name, about string }{
	{"building", "/members", "members.title", "manage.members"},
	{"user", "/people", "people.title", "manage.people"},
	{"shield", "/devices", "web.nav.devices", "manage.devices"},
	{"globe", "/groups", "groups.title", "manage.groups"},
	{"key", "/tokens", "tokens.title", "manage.tokens"},
	{"mail", mailboxAddress, "mailboxes.title", "manage.mailbox"},
	{"filter", "/guard", "web.nav.guard", "manage.guard"},
	{"download", "/collectors", "web.nav.collectors", "manage.collectors"},
	{"file", "/audit", "web.nav.audit", "manage.audit"},
}

// section is where a page stands in the navigation: the hub for the pages
// below it.
func section(path string) string {
	for _, m := range managed {
		if path == m.address || strings.HasPrefix(path, m.address+"/") {
			return manageAddress
		}
	}
	return path
}

// underManage begins the way to a page below the hub.
func underManage(q *Request, more ...Crumb) []Crumb {
	return append([]Crumb{{manageAddress, q.T("web.nav.manage")}}, more...)
}

func (s *Server) manage(w http.ResponseWriter, r *http.Request, q *Request) error {
	page := &managePage{Head: q.Head(q.T("manage.title"))}
	for _, m := range managed {
		if page.Has("GET", m.address) {
			page.Areas = append(page.Areas, area{m.icon, m.address, q.T(m.name), q.T(m.about)})
		}
	}
	for _, ask := range []func(context.Context, *Request, *managePage) error{s.domainTask, s.recoveryTasks, s.invitationTask, s.tokenTask, s.certificateTask} {
		if err := ask(r.Context(), q, page); err != nil {
			return err
		}
	}
	return s.render(w, q, http.StatusOK, "manage", page)
}

func (s *Server) domainTask(ctx context.Context, q *Request, page *managePage) error {
	if permit.May(q.Caller, permit.InstitutionManage) == permit.None {
		return nil
	}
	list, err := member.Requests(ctx, s.DB, q.Caller, false)
	if err != nil || len(list) == 0 {
		return err
	}
	t := task{Icon: "clock", Text: q.T("manage.domains.own", "n", len(list)), Note: q.T("manage.domains.own.note"), Href: "/institution#domains", Button: q.T("manage.show")}
	if permit.May(q.Caller, permit.DomainApprove) == permit.All {
		t = task{Icon: "alert", Text: q.T("manage.domains", "n", len(list)), Note: q.T("manage.domains.note"), Href: "/members/requests", Button: q.T("manage.decide"), Urgent: true}
	}
	page.Attention = append(page.Attention, t)
	return nil
}

func (s *Server) recoveryTasks(ctx context.Context, q *Request, page *managePage) error {
	if permit.May(q.Caller, permit.PeopleRecover) == permit.None {
		return nil
	}
	list, err := auth.Recoveries(ctx, s.DB, q.Caller)
	for _, rec := range list {
		if !rec.Waits(q.Now) || rec.Account == q.Caller.Account {
			continue
		}
		t := task{
			Icon: "key", Text: q.T("manage.recovery", "name", rec.Name), Note: q.T("manage.recovery.note", "opener", rec.Opener, "until", q.Lang.DateTime(rec.Until)),
			Href: withOrg(q, "/people#recoveries", rec.Org), Button: q.T("manage.decide"), Urgent: true,
		}
		if rec.OpenedBy == q.Caller.Account {
			t.Note, t.Button, t.Urgent = q.T("manage.recovery.other", "until", q.Lang.DateTime(rec.Until)), q.T("manage.show"), false
		}
		page.Attention = append(page.Attention, t)
	}
	return err
}

func (s *Server) invitationTask(ctx context.Context, q *Request, page *managePage) error {
	if permit.May(q.Caller, permit.DeviceInvite) == permit.None || !page.Has("GET", "/devices") {
		return nil
	}
	org := q.Caller.Org
	if permit.May(q.Caller, permit.DeviceInvite) == permit.All {
		org = 0
	}
	list, err := device.Invitations(ctx, s.DB, q.Caller, org)
	n := 0
	for i := range list {
		if list[i].State(q.Now) == device.InviteOpen {
			n++
		}
	}
	if n > 0 {
		page.Attention = append(page.Attention, task{Icon: "bell", Text: q.T("manage.invitations", "n", n), Note: q.T("manage.invitations.note"), Href: "/devices", Button: q.T("manage.show")})
	}
	return err
}

func (s *Server) tokenTask(ctx context.Context, q *Request, page *managePage) error {
	if permit.May(q.Caller, permit.TokenRead) == permit.None {
		return nil
	}
	list, err := token.Expiring(ctx, s.DB, q.Caller, soon)
	if err != nil || len(list) == 0 {
		return err
	}
	first := slices.MinFunc(list, func(a, b token.Token) int { return a.ExpiresAt.Compare(b.ExpiresAt) })
	page.Attention = append(page.Attention, task{
		Icon: "key", Text: q.T("manage.endings.tokens", "n", len(list)), Note: q.T("manage.endings.note", "day", q.untilDay(first.ExpiresAt)),
		Href: "/tokens", Button: q.T("manage.show"),
	})
	return nil
}

func (s *Server) certificateTask(ctx context.Context, q *Request, page *managePage) error {
	if permit.May(q.Caller, permit.DeviceRead) == permit.None || s.Access == nil || s.Access.Office == nil {
		return nil
	}
	list, err := s.Access.Office.Expiring(ctx, s.DB, q.Caller, soon)
	if err != nil || len(list) == 0 {
		return err
	}
	t := task{Icon: "shield", Text: q.T("manage.endings.certificates", "n", len(list)), Note: q.T("manage.endings.note", "day", q.untilDay(list[0].NotAfter))}
	if page.Has("GET", "/devices") {
		t.Href, t.Button = "/devices", q.T("manage.show")
	}
	page.Attention = append(page.Attention, t)
	return nil
}
