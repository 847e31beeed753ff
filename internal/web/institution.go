// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"strconv"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/member"
)

// institutionPage is what the portal knows of an organisation: its domains,
// what it uses, its people.
type institutionPage struct {
	Head
	Errors     []FieldError
	Org        member.Organisation
	Own        bool // the caller's
	May        bool // change it
	All        []Tab
	Place      string // the prefecture in the reader's language
	Domains    []ownDomain
	Waiting    []member.DomainRequest // for an operator's approval
	Refused    []member.DomainRequest // lately
	Groups     []member.Group
	Ward       string // "on", "off", or "" where there are no wards
	Interests  []interestGroup
	People     []member.Account
	Exceptions int

	Domain Field
	Kind   Field
	Value  Field
}

type ownDomain struct {
	Domain string
	Key    string
}

// interestGroup are the interests of one kind.
type interestGroup struct {
	Kind member.InterestKind
	List []member.Interest
}

var interestKinds = []member.InterestKind{member.Vendor, member.Product, member.CPE}

func (s *Server) institution(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.institutionPage(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "institution", page)
}

// orgOf is the organisation that the page is about: the caller's own, or, for
// operators, the one that the address names.
func orgOf(q *Request) (int64, error) {
	if q.Get("org") == "" {
		return q.Caller.Org, nil
	}
	id, err := strconv.ParseInt(q.Get("org"), 10, 64)
	if err != nil || id <= 0 {
		return 0, fault.New(fault.NotFound, "fault.not_found")
	}
	if id != q.Caller.Org && !q.Caller.Is(caller.Operator) {
		return 0, fault.New(fault.Forbidden, "fault.forbidden")
	}
	return id, nil
}

func (s *Server) institutionPage(r *http.Request, q *Request) (*institutionPage, error) {
	q.Path = "/institution"
	id, err := orgOf(q)
	if err != nil {
		return nil, err
	}
	p := &institutionPage{Own: id == q.Caller.Org, May: q.Caller.Is(caller.Operator) || q.Caller.Is(caller.Contact) && id == q.Caller.Org}
	orgs, err := member.Organisations(r.Context(), s.DB)
	if err != nil {
		return nil, err
	}
	for _, o := range orgs {
		if o.ID == id {
			p.Org = o
		}
		if q.Caller.Is(caller.Operator) {
			p.All = append(p.All, Tab{Href: "/institution?org=" + strconv.FormatInt(o.ID, 10), Name: o.Short, Current: o.ID == id})
		}
	}
	if p.Org.ID == 0 {
		return nil, fault.New(fault.NotFound, "fault.not_found")
	}
	p.Head, p.Place = q.Head(p.Org.Name), member.PrefectureName(q.Lang, p.Org.Prefecture)
	if p.Org.Kind == caller.Institution {
		p.Ward = "off"
		if p.Org.WardCheck {
			p.Ward = "on"
		}
	}
	if err := s.readInstitution(r, q, p); err != nil {
		return nil, err
	}
	p.Domain = q.Field("text", "domain", "tools.institution.domain")
	p.Domain.Code, p.Domain.Required, p.Domain.Max = true, true, 253
	p.Kind, p.Value = q.Field("radio", "kind", "tools.interest.kind"), q.Field("text", "value", "tools.interest.value")
	for _, k := range interestKinds {
		p.Kind.Options = append(p.Kind.Options, Option{Value: string(k), Label: q.T("tools.interest." + string(k)), Hint: q.T("tools.interest." + string(k) + ".hint")})
	}
	p.Kind.Value, p.Value.Required, p.Value.Max = string(member.Product), true, 200
	return p, nil
}

func (s *Server) readInstitution(r *http.Request, q *Request, p *institutionPage) error {
	ctx, id := r.Context(), p.Org.ID
	domains, err := member.Domains(ctx, s.DB, id)
	if err != nil {
		return err
	}
	for _, d := range domains[id] {
		p.Domains = append(p.Domains, ownDomain{d, s.keyOf(indicator.Value{Kind: indicator.Domain, Value: d})})
	}
	if err := s.readRequests(r, q, p); err != nil {
		return err
	}
	if p.Groups, err = s.groupsOf(r, q, id); err != nil {
		return err
	}
	interests, err := member.Interests(ctx, s.DB, q.Caller, id)
	if err != nil {
		return err
	}
	for _, k := range interestKinds {
		group := interestGroup{Kind: k}
		for _, i := range interests {
			if i.Kind == k {
				group.List = append(group.List, i)
			}
		}
		if len(group.List) > 0 {
			p.Interests = append(p.Interests, group)
		}
	}
	accounts, err := member.Accounts(ctx, s.DB)
	if err != nil {
		return err
	}
	for _, a := range accounts {
		if a.Org.ID == id {
			p.People = append(p.People, a)
		}
	}
	if p.Own {
		list, err := intel.Exceptions(ctx, s.DB, q.Caller)
		p.Exceptions = len(list)
		return err
	}
	return nil
}

// refusedFor is how long an institution is shown that a domain was refused.
const refusedFor = 30 * 24 * time.Hour

// readRequests finds what became of the domains that the organisation asked for.
func (s *Server) readRequests(r *http.Request, q *Request, p *institutionPage) error {
	if !p.May {
		return nil
	}
	list, err := member.Requests(r.Context(), s.DB, q.Caller, true)
	for _, one := range list {
		switch {
		case one.Org != p.Org.ID:
		case one.State == member.Waiting:
			p.Waiting = append(p.Waiting, one)
		case one.State == member.Refused && q.Now.Sub(one.DecidedAt) < refusedFor:
			p.Refused = append(p.Refused, one)
		}
	}
	return err
}

// institutionAddress leads back to the organisation that was changed.
func institutionAddress(q *Request, id int64, part string) string {
	if id == q.Caller.Org {
		return "/institution" + part
	}
	return "/institution?org=" + strconv.FormatInt(id, 10) + part
}

func (s *Server) refuseInstitution(w http.ResponseWriter, r *http.Request, q *Request, why error) error {
	page, err := s.institutionPage(r, q)
	if err != nil {
		return err
	}
	fields := []*Field{&page.Domain, &page.Kind, &page.Value}
	for _, f := range fields {
		if r.PostForm.Has(f.Name) {
			f.Fill(r.PostForm)
		}
	}
	var ok bool
	if page.Errors, ok = q.Refuse(why, fields...); !ok {
		return why
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "institution", page)
}

func (s *Server) domainAdd(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := orgOf(q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	written := r.PostForm.Get("domain")
	waiting, err := member.AddDomain(r.Context(), s.DB, q.Caller, id, written)
	if err != nil {
		return s.refuseInstitution(w, r, q, err)
	}
	if waiting {
		return s.done(w, r, institutionAddress(q, id, "#domains"), Flash{Key: "member.domain_waits"})
	}
	s.wake()
	undo := ""
	if v, err := indicator.Normalise(indicator.Domain, written); err == nil {
		undo = institutionPart(q, id, "/domains/"+s.keyOf(v)+"/remove")
	}
	return s.done(w, r, institutionAddress(q, id, "#domains"), Flash{Key: "tools.institution.domain.added", Undo: undo})
}

// institutionPart is the address of a change to the organisation.
func institutionPart(q *Request, id int64, part string) string {
	if id == q.Caller.Org {
		return "/institution" + part
	}
	return "/institution" + part + "?org=" + strconv.FormatInt(id, 10)
}

func (s *Server) domainRemove(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := orgOf(q)
	if err != nil {
		return err
	}
	domains, err := member.Domains(r.Context(), s.DB, id)
	if err != nil {
		return err
	}
	for _, d := range domains[id] {
		if s.keyOf(indicator.Value{Kind: indicator.Domain, Value: d}) != r.PathValue("key") {
			continue
		}
		if err := member.RemoveDomain(r.Context(), s.DB, q.Caller, id, d); err != nil {
			return err
		}
		s.wake()
		return s.done(w, r, institutionAddress(q, id, "#domains"), Flash{Key: "tools.institution.domain.removed",
			Undo: s.keepForUndo(w, "domain", d, institutionPart(q, id, "/domains/restore"))})
	}
	return fault.New(fault.NotFound, "fault.not_found")
}

func (s *Server) domainRestore(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := orgOf(q)
	if err != nil {
		return err
	}
	var domain string
	if err := s.undone(w, r, "domain", &domain); err != nil {
		return err
	}
	waiting, err := member.AddDomain(r.Context(), s.DB, q.Caller, id, domain)
	if err != nil {
		return err
	}
	if waiting {
		return s.done(w, r, institutionAddress(q, id, "#domains"), Flash{Key: "member.domain_waits"})
	}
	s.wake()
	return s.done(w, r, institutionAddress(q, id, "#domains"), Flash{Key: "tools.institution.domain.added"})
}

func (s *Server) interestAdd(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := orgOf(q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	i := member.Interest{Org: id, Kind: member.InterestKind(r.PostForm.Get("kind")), Value: r.PostForm.Get("value")}
	if err := member.AddInterest(r.Context(), s.DB, q.Caller, i); err != nil {
		return s.refuseInstitution(w, r, q, err)
	}
	s.wake()
	return s.done(w, r, institutionAddress(q, id, "#interests"), Flash{Key: "tools.interest.added"})
}

func (s *Server) interestRemove(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := orgOf(q)
	if err != nil {
		return err
	}
	list, err := member.Interests(r.Context(), s.DB, q.Caller, id)
	if err != nil {
		return err
	}
	for _, i := range list {
		if strconv.FormatInt(i.ID, 10) != r.PathValue("id") {
			continue
		}
		if err := member.RemoveInterest(r.Context(), s.DB, q.Caller, id, i.ID); err != nil {
			return err
		}
		s.wake()
		return s.done(w, r, institutionAddress(q, id, "#interests"), Flash{Key: "tools.interest.removed",
			Undo: s.keepForUndo(w, "interest", i, institutionPart(q, id, "/interests/restore"))})
	}
	return fault.New(fault.NotFound, "fault.not_found")
}

func (s *Server) interestRestore(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := orgOf(q)
	if err != nil {
		return err
	}
	var i member.Interest
	if err := s.undone(w, r, "interest", &i); err != nil {
		return err
	}
	i.Org = id // of the address, which was checked
	if err := member.AddInterest(r.Context(), s.DB, q.Caller, i); err != nil {
		return err
	}
	s.wake()
	return s.done(w, r, institutionAddress(q, id, "#interests"), Flash{Key: "tools.interest.added"})
}
