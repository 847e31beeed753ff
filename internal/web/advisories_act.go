// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"strconv"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/report"
	"teiten/internal/store"
)

// act is what one button of an advisory's page does.
type act func(ctx context.Context, db *store.DB, c caller.Caller, id int64) error

// advisoryAct answers a button that needs no more than the advisory's id. undo
// is the part of the address that takes it back, or "".
func (s *Server) advisoryAct(do act, said, undo string) handler {
	return func(w http.ResponseWriter, r *http.Request, q *Request) error {
		a, err := s.load(r, q)
		if err != nil {
			return err
		}
		if err := do(r.Context(), s.DB, q.Caller, a.ID); err != nil {
			return err
		}
		s.wake()
		f := Flash{Key: said}
		if undo != "" {
			f.Undo = address(a.ID) + "/" + undo
		}
		return s.done(w, r, address(a.ID), f)
	}
}

// see takes "we received it too", with the institution's name for the ISAC to
// use or without.
func (s *Server) see(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	do := advisory.See
	if r.PostForm.Get("anonymous") == "yes" {
		do = advisory.SeeAnonymously
	}
	return s.advisoryAct(do, "detail.seen", "unsee")(w, r, q)
}

// wake makes the workers look for what a change has left them.
func (s *Server) wake() {
	if s.Wake != nil {
		s.Wake()
	}
}

// publish asks once more when the world, or everybody here, will read it.
func (s *Server) publish(w http.ResponseWriter, r *http.Request, q *Request) error {
	a, err := s.load(r, q)
	if err != nil {
		return err
	}
	if !advisory.MayReview(q.Caller) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	if wide(a) {
		ask := q.T("detail.publish.ask", "tlp", a.TLP.Label(), "means", q.T("web.tlp."+a.TLP.Class()))
		if yes, err := s.confirmed(w, r, q, ask, q.T("detail.publish"), address(a.ID), false); err != nil || !yes {
			return err
		}
	} else if err := parseForm(r); err != nil {
		return err
	}
	g, err := s.Guards.Current(r.Context())
	if err != nil {
		return err
	}
	if err := report.PublishAdvisory(r.Context(), s.DB, s.Mailer, q.Caller, g, a.ID, seenRevision(r)); err != nil {
		return err
	}
	s.wake()
	next := address(a.ID)
	if r.PostForm.Get("next") == "review" {
		next = "/review"
	}
	return s.done(w, r, next, Flash{Key: "detail.published"})
}

// withdraw and giveBack take a reason; refused, the page comes again with what
// was written.
func (s *Server) withdraw(w http.ResponseWriter, r *http.Request, q *Request) error {
	return s.withReason(w, r, q, "withdraw", "detail.withdrawn", func(ctx context.Context, id int64, reason string) error {
		g, err := s.Guards.Current(ctx)
		if err != nil {
			return err
		}
		return advisory.Withdraw(ctx, s.DB, q.Caller, g, id, seenRevision(r), reason)
	})
}

func (s *Server) giveBack(w http.ResponseWriter, r *http.Request, q *Request) error {
	return s.withReason(w, r, q, "return", "detail.returned", func(ctx context.Context, id int64, reason string) error {
		return advisory.Return(ctx, s.DB, q.Caller, id, seenRevision(r), reason)
	})
}

// seenRevision is the revision of the page on which a button was pressed.
func seenRevision(r *http.Request) int64 { return number64(r.PostForm.Get("revision")) }

func (s *Server) withReason(w http.ResponseWriter, r *http.Request, q *Request, which, said string, do func(context.Context, int64, string) error) error {
	a, err := s.load(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	if err := do(r.Context(), a.ID, r.PostForm.Get("reason")); err != nil {
		return s.refuseOnDetail(w, r, q, a, err, func(p *detailPage) *Field {
			p.ReasonFor = which
			return &p.Reason
		})
	}
	s.wake()
	return s.done(w, r, address(a.ID), Flash{Key: said})
}

// refuseOnDetail renders the page again, as it is now, with the field filled
// with what was written: when the noun refused the field, and when what was
// decided about changed meanwhile.
func (s *Server) refuseOnDetail(w http.ResponseWriter, r *http.Request, q *Request, a *advisory.Advisory, err error, field func(*detailPage) *Field) error {
	page, e := s.detail(r.Context(), q, a)
	if e != nil {
		return e
	}
	f := field(page)
	f.Fill(r.PostForm)
	f.Value = defanged(f.Value)
	refused, ok := q.Refuse(err, f)
	status := http.StatusUnprocessableEntity
	if fault.Code(err) == "advisory.changed_meanwhile" {
		status = http.StatusConflict
	} else if !ok || fault.From(err).Field != f.Name {
		return err
	}
	page.Errors = refused
	return s.render(w, q, status, "advisory", page)
}

func (s *Server) addComment(w http.ResponseWriter, r *http.Request, q *Request) error {
	a, err := s.load(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	id, err := advisory.AddComment(r.Context(), s.DB, q.Caller, a.ID, r.PostForm.Get("body"))
	if err != nil {
		return s.refuseOnDetail(w, r, q, a, err, func(p *detailPage) *Field { return &p.Comment })
	}
	return s.done(w, r, address(a.ID)+"#comments", Flash{Key: "detail.commented", Undo: address(a.ID) + "/comments/" + itoa(id) + "/remove"})
}

// hideComment hides a remark or, with restore, shows it again.
func (s *Server) hideComment(restore bool) handler {
	return func(w http.ResponseWriter, r *http.Request, q *Request) error {
		a, err := s.load(r, q)
		if err != nil {
			return err
		}
		id, err := strconv.ParseInt(r.PathValue("comment"), 10, 64)
		if err != nil {
			return fault.Wrap(err, fault.NotFound, "fault.not_found")
		}
		if err := advisory.RemoveComment(r.Context(), s.DB, q.Caller, a.ID, id, restore); err != nil {
			return err
		}
		f := Flash{Key: "detail.comment.removed", Undo: address(a.ID) + "/comments/" + itoa(id) + "/restore"}
		if restore {
			f = Flash{Key: "detail.comment.restored"}
		}
		return s.done(w, r, address(a.ID)+"#comments", f)
	}
}

// helped takes the answer to "did this help you decide?" about an advisory.
func (s *Server) helped(w http.ResponseWriter, r *http.Request, q *Request) error {
	a, err := s.load(r, q)
	if err != nil {
		return err
	}
	return s.decide(w, r, q, a.ID, address(a.ID))
}

func (s *Server) searchHelped(w http.ResponseWriter, r *http.Request, q *Request) error {
	return s.decide(w, r, q, 0, "/search")
}

func (s *Server) decide(w http.ResponseWriter, r *http.Request, q *Request, id int64, next string) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if err := advisory.Decide(r.Context(), s.DB, q.Caller, id, r.PostForm.Get("helped") == "yes"); err != nil {
		return err
	}
	if r.Header.Get("X-Teiten-Part") != "" { // our script shows the thanks where the question was
		return s.fragment(w, q, "search", "thanks", &searchPage{})
	}
	return s.done(w, r, next, Flash{Key: "find.helped.thanks"})
}
