// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"time"

	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/token"
)

// tokensPage lists the tokens of machines; their secrets nobody can show.
type tokensPage struct {
	Head
	Org    member.Organisation // ID 0: of all
	Own    bool
	May    bool  // make and revoke them
	Choose Field // the organisation, for operators
	Works  []tokenRow
	Over   []tokenRow
}

type tokenRow struct {
	token.Token
	State  token.State
	Soon   bool   // its end is near
	Until  string // its last day
	Allows []string
	Ask    string // what revoking it means, as a question
}

func (q *Request) tokenRow(t token.Token) tokenRow {
	row := tokenRow{Token: t, State: t.State(q.Now), Until: q.untilDay(t.ExpiresAt), Ask: q.T("tokens.revoke.ask", "name", t.Name)}
	row.Soon = row.State == token.Works && t.ExpiresAt.Before(q.Now.Add(soon))
	for _, scope := range t.Scopes {
		row.Allows = append(row.Allows, scope.Name(q.Lang))
	}
	return row
}

// Current reports whether the token works yet.
func (r tokenRow) Current() bool { return r.State == token.Works || r.State == token.Replaced }

func (s *Server) tokens(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.tokensPage(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "tokens", page)
}

func (s *Server) tokensPage(r *http.Request, q *Request) (*tokensPage, error) {
	ctx := r.Context()
	page := &tokensPage{Head: q.Head(q.T("tokens.title"), underManage(q)...), May: permit.May(q.Caller, permit.TokenManage) != permit.None}
	org, err := orgOf(q)
	if err != nil {
		return nil, err
	}
	page.Own = org == q.Caller.Org
	if q.Get("org") == "" && permit.May(q.Caller, permit.TokenRead) == permit.All {
		org = 0
	}
	if org != 0 {
		if page.Org, err = member.FindOrganisation(ctx, s.DB, q.Caller, org); err != nil {
			return nil, err
		}
	}
	if page.Choose, err = s.orgChoice(ctx, q, org); err != nil {
		return nil, err
	}
	if len(page.Choose.Options) > 0 {
		page.Choose.Options = append([]Option{{Value: "", Label: q.T("tokens.org.all")}}, page.Choose.Options...)
		if org == 0 {
			page.Choose.Value = ""
		}
	}
	list, err := token.List(ctx, s.DB, q.Caller, org)
	for _, t := range list {
		if row := q.tokenRow(t); row.Current() {
			page.Works = append(page.Works, row)
		} else {
			page.Over = append(page.Over, row)
		}
	}
	return page, err
}

// tokenOf finds one that the caller may know of.
func (s *Server) tokenOf(r *http.Request, q *Request) (tokenRow, error) {
	id, err := idIn(r, "id")
	if err != nil {
		return tokenRow{}, err
	}
	list, err := token.List(r.Context(), s.DB, q.Caller, 0)
	for _, t := range list {
		if t.ID == id {
			return q.tokenRow(t), err
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "fault.not_found")
	}
	return tokenRow{}, err
}

func (s *Server) tokenRevoke(w http.ResponseWriter, r *http.Request, q *Request) error {
	t, err := s.tokenOf(r, q)
	if err != nil {
		return err
	}
	yes, err := s.confirmed(w, r, q, t.Ask, q.T("tokens.revoke"), withOrg(q, "/tokens", t.Org), true)
	if err != nil || !yes {
		return err
	}
	if err := token.Revoke(r.Context(), s.DB, q.Caller, t.ID); err != nil {
		return err
	}
	return s.done(w, r, withOrg(q, "/tokens", t.Org), Flash{Key: "tokens.revoked"})
}

// rotatePage asks how long the old token is to work beside the new one.
type rotatePage struct {
	Head
	Errors  []FieldError
	Token   tokenRow
	Overlap Field
}

// overlaps are the times that are offered, in hours.
var overlaps = []struct {
	hours string
	time.Duration
}{{"0", 0}, {"1", time.Hour}, {"24", 24 * time.Hour}, {"168", token.LongestOverlap}}

func (s *Server) rotatePage(r *http.Request, q *Request) (*rotatePage, error) {
	t, err := s.tokenOf(r, q)
	if err != nil {
		return nil, err
	}
	page := &rotatePage{Head: q.Head(q.T("tokens.rotate.title"), underManage(q, Crumb{withOrg(q, "/tokens", t.Org), q.T("tokens.title")})...), Token: t}
	page.Overlap = q.Field("radio", "overlap", "tokens.overlap")
	page.Overlap.Required, page.Overlap.Value = true, "24"
	for _, o := range overlaps {
		page.Overlap.Options = append(page.Overlap.Options, Option{Value: o.hours, Label: q.T("tokens.overlap." + o.hours)})
	}
	return page, nil
}

func (s *Server) tokenRotateForm(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.rotatePage(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "rotate", page)
}

func (s *Server) tokenRotate(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.rotatePage(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	overlap := time.Duration(-1) // which the noun refuses
	for _, o := range overlaps {
		if o.hours == r.PostForm.Get("overlap") {
			overlap = o.Duration
		}
	}
	secret, fresh, err := token.Rotate(r.Context(), s.DB, q.Caller, page.Token.ID, overlap)
	if err != nil {
		page.Overlap.Fill(r.PostForm)
		var ok bool
		if page.Errors, ok = q.Refuse(err, &page.Overlap); !ok {
			return err
		}
		return s.render(w, q, http.StatusUnprocessableEntity, "rotate", page)
	}
	return s.tokenMade(w, r, q, secret, fresh)
}

// machines are the accounts of an organisation that a token can belong to.
func (s *Server) machines(ctx context.Context, q *Request, org int64) ([]Option, error) {
	list, err := member.People(ctx, s.DB, q.Caller, org)
	var all []Option
	for _, a := range list {
		if isMachine(a) {
			all = append(all, Option{Value: itoa(a.ID), Label: a.Name, Hint: a.Title})
		}
	}
	return all, err
}
