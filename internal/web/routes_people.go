// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"teiten/internal/fault"
	"teiten/internal/permit"
)

// registerRoutes are the pages about organisations, people, groups and tokens.
func (s *Server) registerRoutes() []route {
	const org, person, group, token = "/members/{id}", "/people/{id}", "/groups/{id}", "/tokens/{id}"
	return []route{
		on("GET", "/members", Portal, may(permit.RegisterManage), s.members),
		on("POST", "/members", Portal, may(permit.RegisterManage), s.memberAdd),
		on("GET", "/members/new", Portal, may(permit.RegisterManage), s.memberNew),
		on("GET", "/members/requests", Portal, may(permit.DomainApprove), s.requests),
		on("POST", "/members/requests/{id}/approve", Portal, may(permit.DomainApprove), s.requestApprove),
		on("POST", "/members/requests/{id}/refuse", Portal, may(permit.DomainApprove), s.requestRefuse),
		on("GET", "/members/evaluators", Portal, may(permit.EvaluationRead), s.evaluators),
		on("POST", "/members/evaluators", Portal, may(permit.RegisterManage), s.evaluatorAdd),
		on("GET", "/members/evaluators.csv", Portal, may(permit.EvaluationRead), s.evaluatorsCSV),
		on("GET", org, Portal, may(permit.RegisterManage), s.member),
		on("POST", org, Portal, may(permit.RegisterManage), s.memberChange),
		on("POST", org+"/leave", Portal, may(permit.RegisterManage), s.memberLeave),
		on("POST", org+"/return", Portal, may(permit.RegisterManage), s.memberReturn),

		on("GET", "/people", Portal, may(permit.PeopleRead), s.people),
		on("POST", "/people", Portal, may(permit.PeopleManage), s.personAdd),
		on("GET", "/people/new", Portal, may(permit.PeopleManage), s.personNew),
		on("GET", "/people/limits", Portal, may(permit.InstallationManage), s.limits),
		on("POST", "/people/limits", Portal, may(permit.InstallationManage), s.lately(s.limitsSet)),
		on("POST", "/people/recoveries/{id}/approve", Portal, may(permit.PeopleRecover), secret(s.recoveryApprove)),
		on("POST", "/people/recoveries/{id}/cancel", Portal, may(permit.PeopleRecover), s.recoveryCancel),
		on("GET", person, Portal, may(permit.PeopleRead), s.person),
		on("POST", person, Portal, may(permit.PeopleManage), s.personChange),
		on("POST", person+"/leave", Portal, may(permit.PeopleManage), s.personLeave),
		on("POST", person+"/return", Portal, may(permit.PeopleManage), s.personReturn),
		on("POST", person+"/move", Portal, may(permit.RegisterManage), s.personMove),
		on("POST", person+"/recover", Portal, may(permit.PeopleRecover), secret(s.personRecover)),

		on("GET", "/groups", Portal, may(permit.GroupRead), s.groups),
		on("POST", "/groups", Portal, may(permit.GroupManage), s.groupAdd),
		on("GET", group, Portal, may(permit.GroupRead), s.group),
		on("POST", group, Portal, may(permit.GroupManage), s.groupRename),
		on("POST", group+"/close", Portal, may(permit.GroupManage), s.groupClose),
		on("POST", group+"/members", Portal, may(permit.GroupManage), s.groupJoin),
		on("POST", group+"/members/{org}/remove", Portal, may(permit.GroupManage), s.groupPart),
		on("POST", group+"/members/{org}/restore", Portal, may(permit.GroupManage), s.groupRejoin),

		on("GET", "/tokens", Portal, may(permit.TokenRead), s.tokens),
		on("GET", "/tokens/new", Portal, may(permit.TokenManage), s.lately(s.tokenNew)),
		on("POST", "/tokens/new", Portal, may(permit.TokenManage), s.lately(secret(s.tokenCreate))),
		on("GET", token+"/rotate", Portal, may(permit.TokenManage), s.lately(s.tokenRotateForm)),
		on("POST", token+"/rotate", Portal, may(permit.TokenManage), s.lately(secret(s.tokenRotate))),
		on("POST", token+"/revoke", Portal, may(permit.TokenManage), s.tokenRevoke),

		on("POST", "/institution/ward/on", Portal, may(permit.InstitutionManage), s.wardCheck(true)),
		on("POST", "/institution/ward/off", Portal, may(permit.InstitutionManage), s.wardCheck(false)),
		on("POST", "/institution/requests/{id}/withdraw", Portal, may(permit.InstitutionManage), s.requestWithdraw),

		on("GET", "/help/roles", Portal, may(permit.HelpRead), s.roles),
	}
}

// lately is proven, but for the sample portal, which has no keys to show: a
// token is a key for whoever holds it, so an open browser alone must not make
// one.
func (s *Server) lately(h handler) handler {
	if s.sample() {
		return h
	}
	return s.proven(h)
}

// idIn is an id in the address. What is no id names nothing.
func idIn(r *http.Request, name string) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil || id <= 0 {
		return 0, fault.New(fault.NotFound, "fault.not_found")
	}
	return id, nil
}

// typedID is an id that a form sends; 0 for none.
func typedID(values url.Values, name string) int64 {
	id, err := strconv.ParseInt(strings.TrimSpace(values.Get(name)), 10, 64)
	if err != nil || id < 0 {
		return 0
	}
	return id
}

// withOrg adds the organisation that the page is about to an address, unless
// it is the caller's own.
func withOrg(q *Request, address string, org int64) string {
	if org == q.Caller.Org {
		return address
	}
	path, part, found := strings.Cut(address, "#")
	path += "?org=" + itoa(org)
	if found {
		path += "#" + part
	}
	return path
}

// renamed gives a fault the name that its field has on a page with several
// forms; pairs are the noun's name and the page's.
func renamed(err error, pairs ...string) error {
	f := fault.From(err)
	for i := 0; f != nil && i+1 < len(pairs); i += 2 {
		if f.Field == pairs[i] {
			named := *f
			return named.At(pairs[i+1])
		}
	}
	return err
}
