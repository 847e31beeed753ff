// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"slices"

	"teiten/internal/advisory"
	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/device"
)

// tasks says what the caller should do next: first about her own keys and those
// that she looks after, then what her role brings.
func (s *Server) tasks(ctx context.Context, q *Request, page *homePage) ([]task, error) {
	keys, err := s.keyTasks(ctx, q, page)
	if err != nil {
		return nil, err
	}
	mails, err := s.mailTasks(ctx, q, page)
	if err != nil {
		return nil, err
	}
	others, err := s.roleTasks(ctx, q, page)
	return slices.Concat(keys, mails, others), err
}

func (s *Server) roleTasks(ctx context.Context, q *Request, page *homePage) ([]task, error) {
	switch q.Caller.Role {
	case caller.Analyst, caller.Operator:
		return s.expertTasks(ctx, q, page)
	case caller.Contact:
		return s.contactTasks(ctx, q, page)
	case caller.Staff:
		return s.staffTasks(ctx, q)
	case caller.Executive:
		return page.executiveTasks(), nil
	default:
		return nil, nil
	}
}

// keyTasks tell of a recovery of the caller's account, and of certificates that
// end soon: her own, those of her institution, all of them.
func (s *Server) keyTasks(ctx context.Context, q *Request, page *homePage) (list []task, err error) {
	if page.Has("GET", "/account") {
		notices, err := auth.Notices(ctx, s.DB, q.Caller)
		if err != nil {
			return nil, err
		}
		if len(notices) > 0 {
			list = append(list, task{Icon: "alert", Text: q.T("home.task.recovery"), Note: q.T("home.task.recovery.note"),
				Href: "/account", Button: q.T("home.task.recovery.button"), Urgent: true})
		}
	}
	if s.Access == nil || s.Access.Office == nil {
		return list, nil
	}
	ending, err := s.Access.Office.Expiring(ctx, s.DB, q.Caller, soon)
	if err != nil {
		return nil, err
	}
	var others []device.Ending
	for _, e := range ending {
		switch {
		case e.Kind != device.EndingDevice:
			list = append(list, task{Icon: "clock", Text: q.T(e.Kind.Key()), Note: q.T("home.task.ending.day", "day", q.Lang.Date(e.NotAfter)), Urgent: e.Kind != device.EndingServer})
		case e.Certificate.Account == q.Caller.Account:
			list = append(list, q.ownEnding(page, e.Certificate))
		default:
			others = append(others, e)
		}
	}
	if len(others) > 0 && page.Has("GET", "/devices") {
		list = append(list, task{Icon: "clock", Text: q.T("home.task.ending", "n", len(others)),
			Note: q.T("home.task.ending.first", "day", q.Lang.Date(others[0].NotAfter)), Href: "/devices", Button: q.T("home.task.show")})
	}
	return list, nil
}

// ownEnding is about a certificate of the caller's own, for which she asks
// somebody else, unless she invites herself.
func (q *Request) ownEnding(page *homePage, c device.Certificate) task {
	row := q.deviceRow(c)
	t := task{Icon: "clock", Text: q.T("home.task.ending.own", "days", row.Days), Note: q.T("home.task.ending.own.note"), Urgent: row.Days <= 7}
	if page.Has("GET", "/devices/invite") {
		t.Note, t.Href, t.Button = c.Label, "/devices/invite?org="+itoa(c.Org)+"&account="+itoa(c.Account), q.T("devices.invite.title")
	}
	return t
}

func (s *Server) expertTasks(ctx context.Context, q *Request, page *homePage) ([]task, error) {
	var list []task
	if advisory.MayReview(q.Caller) {
		waiting, err := s.waiting(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, a := range waiting[:min(len(waiting), 3)] {
			d := q.Now.Sub(a.RegisteredAt)
			list = append(list, task{
				Icon: "clock", Text: harmless(a.Title), Note: q.T("home.task.waits", "span", q.duration(d), "source", harmless(a.Source)),
				Href: address(a.ID), Button: q.T("home.task.review"), Urgent: d >= longWait,
			})
		}
		if n := len(waiting); n > 3 {
			list = append(list, task{Icon: "notice", Text: q.T("home.task.queue", "n", n), Href: "/review", Button: q.T("review.title")})
		}
		if len(waiting) == 0 {
			list = append(list, task{Icon: "done", Text: q.T("home.task.queue.empty")})
		}
	}
	if page.Has("GET", "/import") {
		list = append(list, task{Icon: "upload", Text: q.T("home.task.import"), Href: "/import", Button: q.T("web.nav.import")})
	}
	return list, nil
}

func (s *Server) contactTasks(ctx context.Context, q *Request, page *homePage) ([]task, error) {
	list, err := s.draftTasks(ctx, q)
	if err != nil {
		return nil, err
	}
	if page.Member && !page.Set {
		t := task{Icon: "building", Text: q.T("home.task.products"), Note: q.T("home.task.products.note")}
		if page.Has("GET", "/institution") {
			t.Href, t.Button = "/institution", q.T("web.nav.institution")
		}
		list = append(list, t)
	}
	list = append(list, task{
		Icon: "plus", Text: q.T("home.task.register"), Note: q.T("home.task.register.note"), Href: "/advisories/new", Button: q.T("web.nav.register"),
	})
	if page.Has("GET", "/filters") {
		list = append(list, task{Icon: "shield", Text: q.T("home.task.filters"), Note: q.T("home.task.filters.note"), Href: "/filters", Button: q.T("web.nav.filters")})
	}
	return list, nil
}

// draftTasks are the caller's organisation's own items that wait for it or for
// the ISAC: what came back first.
func (s *Server) draftTasks(ctx context.Context, q *Request) ([]task, error) {
	found, err := advisory.List(ctx, s.DB, q.Caller, advisory.Filter{
		Org: q.Caller.Org, States: []advisory.State{advisory.Draft, advisory.InReview}, Limit: 50,
	})
	if err != nil {
		return nil, err
	}
	var returned, drafts []task
	waiting := 0
	for _, a := range found.Items {
		switch {
		case !advisory.MayEdit(q.Caller, a):
		case a.State == advisory.InReview:
			waiting++
		case a.Reason != "":
			reason, _ := beginning(harmless(a.Reason), 80)
			returned = append(returned, task{
				Icon: "undo", Text: harmless(a.Title), Note: q.T("home.task.returned", "reason", reason),
				Href: address(a.ID) + "/edit", Button: q.T("home.task.fix"), Urgent: true,
			})
		default:
			drafts = append(drafts, task{
				Icon: "file", Text: harmless(a.Title), Note: q.T("home.task.draft"), Href: address(a.ID) + "/edit", Button: q.T("home.task.continue"),
			})
		}
	}
	list := append(returned[:min(len(returned), 3)], drafts[:min(len(drafts), 2)]...)
	if waiting > 0 {
		list = append(list, task{Icon: "clock", Text: q.T("home.task.inreview", "n", waiting), Href: "/advisories?ours=1&state=in_review", Button: q.T("home.task.show")})
	}
	return list, nil
}

func (s *Server) staffTasks(ctx context.Context, q *Request) ([]task, error) {
	list, err := s.draftTasks(ctx, q)
	if err != nil {
		return nil, err
	}
	return append(list,
		task{Icon: "search", Text: q.T("home.task.look"), Note: q.T("home.task.look.note"), Href: "/search", Button: q.T("home.task.look.button")},
		task{Icon: "plus", Text: q.T("home.task.tell"), Note: q.T("home.task.tell.note"), Href: "/advisories/new", Button: q.T("web.nav.register")},
		task{Icon: "alert", Text: q.T("home.task.opened"), Note: q.T("home.task.opened.note")},
	), nil
}

func (p *homePage) executiveTasks() []task {
	var list []task
	if p.Has("GET", "/trends") {
		list = append(list, task{Icon: "chart", Text: p.T("home.task.trends"), Note: p.T("home.task.trends.note"), Href: "/trends", Button: p.T("web.nav.trends")})
	}
	return append(list,
		task{Icon: "targeted", Text: p.T("home.task.concerns"), Note: p.T("home.task.concerns.note"), Href: "/advisories?concerns=1", Button: p.T("home.task.show")},
		task{Icon: "print", Text: p.T("home.task.print"), Note: p.T("home.task.print.note")},
	)
}
