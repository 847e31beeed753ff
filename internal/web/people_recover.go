// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"

	"teiten/internal/auth"
	"teiten/internal/blob"
	"teiten/internal/fault"
)

// recoveryRow is a recovery that is under way, with what the reader can do
// about it.
type recoveryRow struct {
	auth.Recovery
	Waiting    bool // for an approval; else for the owner
	MayApprove bool
	MyOwn      bool // opened by the reader, who cannot approve it
}

// recoveriesOf lists those under way that are asked for.
func (s *Server) recoveriesOf(ctx context.Context, q *Request, asked func(auth.Recovery) bool) ([]recoveryRow, error) {
	list, err := auth.Recoveries(ctx, s.DB, q.Caller)
	var rows []recoveryRow
	for _, rec := range list {
		if !asked(rec) || !rec.Completed.IsZero() || !rec.Cancelled.IsZero() || !rec.Until.After(q.Now) {
			continue
		}
		row := recoveryRow{Recovery: rec, Waiting: rec.Waits(q.Now), MyOwn: rec.OpenedBy == q.Caller.Account}
		row.MayApprove = row.Waiting && !row.MyOwn && rec.Account != q.Caller.Account
		rows = append(rows, row)
	}
	return rows, err
}

// halfPage shows one half of a recovery's code, once, with what to do with it.
type halfPage struct {
	Head
	First bool // of the two halves
	Name  string
	Half  string
	Back  string
}

// keys protect what is kept encrypted.
func (s *Server) keys() (*blob.Keyring, error) {
	if s.Access == nil || s.Access.Keys == nil {
		return nil, fault.New(fault.Unavailable, "recovery.no_keys")
	}
	return s.Access.Keys, nil
}

func (s *Server) personRecover(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.personPage(r, q)
	if err != nil {
		return err
	}
	keys, err := s.keys()
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	_, half, err := auth.OpenRecovery(r.Context(), s.DB, keys, q.Caller, page.Person.ID, r.PostForm.Get("why"))
	if err != nil {
		return s.refusePerson(w, r, q, page, renamed(err, "reason", "why"), &page.Reason)
	}
	q.Path = "/people/" + itoa(page.Person.ID)
	return s.render(w, q, http.StatusOK, "half", &halfPage{
		Head: q.Head(q.T("recovery.half.first"), underManage(q)...), First: true, Name: page.Person.Name, Half: half, Back: "/people/" + itoa(page.Person.ID),
	})
}

// recovery finds one that the caller may know of.
func (s *Server) recovery(r *http.Request, q *Request) (auth.Recovery, error) {
	id, err := idIn(r, "id")
	if err != nil {
		return auth.Recovery{}, err
	}
	list, err := auth.Recoveries(r.Context(), s.DB, q.Caller)
	for _, rec := range list {
		if rec.ID == id {
			return rec, err
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "fault.not_found")
	}
	return auth.Recovery{}, err
}

func (s *Server) recoveryApprove(w http.ResponseWriter, r *http.Request, q *Request) error {
	rec, err := s.recovery(r, q)
	if err != nil {
		return err
	}
	keys, err := s.keys()
	if err != nil {
		return err
	}
	yes, err := s.confirmed(w, r, q, q.T("recovery.approve.ask", "name", rec.Name, "opener", rec.Opener), q.T("recovery.approve"), withOrg(q, "/people", rec.Org), false)
	if err != nil || !yes {
		return err
	}
	half, err := auth.ApproveRecovery(r.Context(), s.DB, keys, q.Caller, rec.ID)
	if err != nil {
		return err
	}
	q.Path = "/people"
	return s.render(w, q, http.StatusOK, "half", &halfPage{
		Head: q.Head(q.T("recovery.half.second"), underManage(q)...), Name: rec.Name, Half: half, Back: withOrg(q, "/people", rec.Org),
	})
}

func (s *Server) recoveryCancel(w http.ResponseWriter, r *http.Request, q *Request) error {
	rec, err := s.recovery(r, q)
	if err != nil {
		return err
	}
	yes, err := s.confirmed(w, r, q, q.T("recovery.cancel.ask", "name", rec.Name), q.T("recovery.cancel"), withOrg(q, "/people", rec.Org), true)
	if err != nil || !yes {
		return err
	}
	if err := auth.CancelRecovery(r.Context(), s.DB, q.Caller, rec.ID); err != nil {
		return err
	}
	return s.done(w, r, withOrg(q, "/people#recoveries", rec.Org), Flash{Key: "recovery.cancelled"})
}
