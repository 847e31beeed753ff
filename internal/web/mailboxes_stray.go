// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"time"

	"teiten/internal/fault"
	"teiten/internal/mailbox"
	"teiten/internal/mailcheck"
)

// strayPage shows the institution's contact a mail from outside its domains,
// so that she can decide what becomes of it.
type strayPage struct {
	Head
	Errors  []FieldError
	ID      int64
	Sender  string // not told apart from a name by looks: harmless
	At      time.Time
	Size    int64
	Until   time.Time
	Problem string // why it cannot be read; "" if it can
	Verdict mailcheck.Verdict
	Reasons []reasonRow
	Mail    mailView
	Files   []mailcheck.File
	More    int // files that are not shown
}

func (s *Server) stray(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	return s.showStray(w, r, q, id, nil)
}

// showStray renders the page; refused is why the mail was not accepted.
func (s *Server) showStray(w http.ResponseWriter, r *http.Request, q *Request, id int64, refused error) error {
	box, err := s.box()
	if err != nil {
		return err
	}
	found, err := box.Look(r.Context(), q.Caller, id)
	if err != nil {
		return err
	}
	page := &strayPage{Head: q.Head(q.T("mailbox.stray.title"), append(underManage(q), Crumb{mailboxAddress, q.T("mailboxes.title")})...), ID: id,
		Sender: harmless(found.Sender), At: found.At, Size: found.Size, Until: found.Until}
	if a := found.Answer; a != nil {
		page.Verdict, page.Mail, page.Reasons = a.Verdict, q.mailView(a), q.mailReasons(a)
		page.Reasons = page.Reasons[:min(topReasons, len(page.Reasons))]
		page.Files, page.More = first(a.Files, mostFiles)
	} else {
		page.Problem = q.Lang.Fault(fault.From(found.Problem))
	}
	status := http.StatusOK
	if refused != nil {
		var ok bool
		if page.Errors, ok = q.Refuse(refused); !ok {
			return refused
		}
		status = http.StatusUnprocessableEntity
	}
	return s.render(w, q, status, "stray", page)
}

func (s *Server) strayAccept(w http.ResponseWriter, r *http.Request, q *Request) error {
	return s.decideStray(w, r, q, func(box *mailbox.Box, id int64) error {
		made, err := box.Accept(r.Context(), q.Caller, id)
		if fault.Is(err, fault.Invalid) || fault.Is(err, fault.TooLarge) {
			return s.showStray(w, r, q, id, err)
		} else if err != nil {
			return err
		}
		s.wake()
		return s.done(w, r, reportAddress(made), Flash{Key: "mailbox.stray.accepted"})
	})
}

func (s *Server) strayDiscard(w http.ResponseWriter, r *http.Request, q *Request) error {
	return s.decideStray(w, r, q, func(box *mailbox.Box, id int64) error {
		if yes, err := s.confirmed(w, r, q, q.T("mailbox.stray.discard.ask"), q.T("mailbox.stray.discard"), mailboxAddress+"/mails/"+itoa(id), true); err != nil || !yes {
			return err
		}
		if err := box.Discard(r.Context(), q.Caller, id); err != nil {
			return err
		}
		return s.done(w, r, mailboxAddress, Flash{Key: "mailbox.stray.discarded"})
	})
}

// decideStray calls do with the mail of the address.
func (s *Server) decideStray(w http.ResponseWriter, r *http.Request, q *Request, do func(*mailbox.Box, int64) error) error {
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	box, err := s.box()
	if err != nil {
		return err
	}
	return do(box, id)
}
