// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"

	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/member"
)

// requestsPage is where operators decide which domains are an institution's own.
type requestsPage struct {
	Head
	Tabs    []Tab
	Errors  []FieldError
	Waiting []requestRow
	Decided []member.DomainRequest
}

type requestRow struct {
	member.DomainRequest
	Reason Field // for refusing it
	Open   bool  // the refusal was not taken
}

func (s *Server) requests(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.requestsPage(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "requests", page)
}

func (s *Server) requestsPage(r *http.Request, q *Request) (*requestsPage, error) {
	const mostDecided = 50
	q.Path = "/members/requests"
	page := &requestsPage{Head: q.Head(q.T("requests.title"), underManage(q)...)}
	var err error
	if page.Tabs, err = s.memberTabs(r.Context(), q, q.Path); err != nil {
		return nil, err
	}
	list, err := member.Requests(r.Context(), s.DB, q.Caller, true)
	if err != nil {
		return nil, err
	}
	for _, one := range list {
		if one.State == member.Waiting {
			row := requestRow{DomainRequest: one, Reason: q.Field("text", "reason-"+itoa(one.ID), "requests.reason")}
			row.Reason.Required, row.Reason.Max = true, 200
			page.Waiting = append(page.Waiting, row)
		} else if len(page.Decided) < mostDecided {
			page.Decided = append(page.Decided, one)
		}
	}
	return page, nil
}

// requested finds one that waits.
func (s *Server) requested(r *http.Request, q *Request) (member.DomainRequest, error) {
	id, err := idIn(r, "id")
	if err != nil {
		return member.DomainRequest{}, err
	}
	list, err := member.Requests(r.Context(), s.DB, q.Caller, false)
	for _, one := range list {
		if one.ID == id {
			return one, err
		}
	}
	if err == nil {
		err = fault.New(fault.NotFound, "fault.not_found")
	}
	return member.DomainRequest{}, err
}

func (s *Server) requestApprove(w http.ResponseWriter, r *http.Request, q *Request) error {
	one, err := s.requested(r, q)
	if err != nil {
		return err
	}
	if err := member.ApproveDomain(r.Context(), s.DB, q.Caller, one.ID); err != nil {
		return err
	}
	s.wake()
	key := s.keyOf(indicator.Value{Kind: indicator.Domain, Value: one.Domain})
	return s.done(w, r, "/members/requests", Flash{Key: "requests.approved", Args: map[string]string{"name": one.OrgName},
		Undo: institutionPart(q, one.Org, "/domains/"+key+"/remove")})
}

func (s *Server) requestRefuse(w http.ResponseWriter, r *http.Request, q *Request) error {
	one, err := s.requested(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	field := "reason-" + itoa(one.ID)
	err = member.RefuseDomain(r.Context(), s.DB, q.Caller, one.ID, r.PostForm.Get(field))
	if f := fault.From(err); f != nil && f.Field == "reason" {
		return s.refuseRefusal(w, r, q, one.ID, f)
	}
	if err != nil {
		return err
	}
	return s.done(w, r, "/members/requests", Flash{Key: "requests.refused", Args: map[string]string{"name": one.OrgName}})
}

// refuseRefusal shows the page again with what is wrong about the reason.
func (s *Server) refuseRefusal(w http.ResponseWriter, r *http.Request, q *Request, id int64, why *fault.Error) error {
	page, err := s.requestsPage(r, q)
	if err != nil {
		return err
	}
	for i := range page.Waiting {
		row := &page.Waiting[i]
		if row.ID != id {
			continue
		}
		row.Open = true
		row.Reason.Fill(r.PostForm)
		row.Reason.Error = q.Lang.Fault(why)
		page.Errors = Summary(&row.Reason)
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "requests", page)
}

// requestWithdraw takes an own request back.
func (s *Server) requestWithdraw(w http.ResponseWriter, r *http.Request, q *Request) error {
	one, err := s.requested(r, q)
	if err != nil {
		return err
	}
	if err := member.DropDomain(r.Context(), s.DB, q.Caller, one.ID); err != nil {
		return err
	}
	return s.done(w, r, institutionAddress(q, one.Org, "#domains"), Flash{Key: "requests.withdrawn",
		Undo: s.keepForUndo(w, "domain", one.Domain, institutionPart(q, one.Org, "/domains/restore"))})
}

// wardCheck decides whether the institution's ward PCs check mail without
// anybody signing in; each way undoes the other.
func (s *Server) wardCheck(on bool) handler {
	return func(w http.ResponseWriter, r *http.Request, q *Request) error {
		id, err := orgOf(q)
		if err != nil {
			return err
		}
		if err := member.SetWardCheck(r.Context(), s.DB, q.Caller, id, on); err != nil {
			return err
		}
		flash := Flash{Key: "ward.off.done", Undo: institutionPart(q, id, "/ward/on")}
		if on {
			flash = Flash{Key: "ward.on.done", Undo: institutionPart(q, id, "/ward/off")}
		}
		return s.done(w, r, institutionAddress(q, id, "#ward"), flash)
	}
}
