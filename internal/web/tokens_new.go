// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"net/url"

	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/token"
)

// tokenNewPage makes a token.
type tokenNewPage struct {
	Head
	Errors []FieldError
	Org    member.Organisation
	Choose Field // the organisation, for operators
	Form   tokenForm
}

type tokenForm struct{ Account, Machine, Name, Scopes, Expires, Certificate Field }

func (f *tokenForm) fields() []*Field {
	return []*Field{&f.Account, &f.Machine, &f.Name, &f.Scopes, &f.Expires, &f.Certificate}
}

// newMachine is chosen for a machine that is not registered yet.
const newMachine = "new"

func isMachine(a member.Account) bool { return a.Role == caller.Machine && a.LeftAt.IsZero() }

func (s *Server) tokenNewPage(r *http.Request, q *Request) (*tokenNewPage, error) {
	ctx := r.Context()
	id, err := orgOf(q)
	if err != nil {
		return nil, err
	}
	if err := permit.CheckFor(q.Caller, permit.TokenManage, id); err != nil {
		return nil, err
	}
	q.Path = "/tokens/new"
	page := &tokenNewPage{}
	if page.Org, err = member.FindOrganisation(ctx, s.DB, q.Caller, id); err != nil {
		return nil, err
	}
	page.Head = q.Head(q.T("tokens.add"), underManage(q, Crumb{withOrg(q, "/tokens", id), q.T("tokens.title")})...)
	if page.Choose, err = s.orgChoice(ctx, q, id); err != nil {
		return nil, err
	}
	f := &page.Form
	f.Account, f.Machine, f.Name = q.Field("radio", "account", "tokens.account"), q.Field("text", "machine", "tokens.machine"), q.Field("text", "name", "tokens.name")
	f.Scopes, f.Expires, f.Certificate = q.Field("checkboxes", "scopes", "tokens.scopes"), q.Field("date", "expires", "tokens.expires"), q.Field("select", "certificate", "tokens.certificate")
	f.Account.Required, f.Name.Required, f.Name.Max, f.Machine.Max, f.Expires.Required = true, true, 100, 200, true
	if f.Account.Options, err = s.machines(ctx, q, id); err != nil {
		return nil, err
	}
	f.Account.Options = append(f.Account.Options, Option{Value: newMachine, Label: q.T("tokens.account.new")})
	f.Account.Value = f.Account.Options[0].Value
	for _, scope := range token.Scopes {
		f.Scopes.Options = append(f.Scopes.Options, Option{Value: string(scope), Label: scope.Name(q.Lang), Hint: q.T("tokens.scope." + string(scope))})
	}
	f.Scopes.Values = []string{string(token.ListsRead)}
	f.Expires.Value = lastDay(q.Now.Add(token.Usual))
	return page, s.certificateChoice(ctx, q, &f.Certificate, id)
}

// certificateChoice offers the certificates to which a token can be bound.
func (s *Server) certificateChoice(ctx context.Context, q *Request, f *Field, org int64) error {
	f.Options = []Option{{Value: "", Label: q.T("tokens.certificate.none")}}
	for _, purpose := range []device.Purpose{device.Machine, device.Device} {
		list, err := device.List(ctx, s.DB, q.Caller, device.Filter{Org: org, Purpose: purpose, State: device.Valid, Limit: 200})
		if err != nil {
			return err
		}
		for _, c := range list {
			name := c.Label
			if c.AccountName != "" {
				name += "（" + c.AccountName + "）"
			}
			f.Options = append(f.Options, Option{Value: itoa(c.ID), Label: name})
		}
	}
	return nil
}

func (s *Server) tokenNew(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.tokenNewPage(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "token_new", page)
}

func (s *Server) tokenCreate(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.tokenNewPage(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	secret, made, err := s.createToken(r.Context(), q, page.Org.ID, r.PostForm)
	if err != nil {
		for _, f := range page.Form.fields() {
			f.Fill(r.PostForm)
		}
		var ok bool
		if page.Errors, ok = q.Refuse(err, page.Form.fields()...); !ok {
			return err
		}
		return s.render(w, q, http.StatusUnprocessableEntity, "token_new", page)
	}
	return s.tokenMade(w, r, q, secret, made)
}

// createToken makes what the form asks for: the machine, if it is a new one,
// and its token, both or neither.
func (s *Server) createToken(ctx context.Context, q *Request, org int64, values url.Values) (secret string, made token.Token, err error) {
	n := token.New{Account: typedID(values, "account"), Name: values.Get("name"), Certificate: typedID(values, "certificate")}
	for _, scope := range values["scopes"] {
		n.Scopes = append(n.Scopes, token.Scope(scope))
	}
	if n.ExpiresAt, err = typedEnd(values); err != nil {
		return "", made, err
	}
	fresh := values.Get("account") == newMachine
	if !fresh {
		a, err := member.Find(ctx, s.DB, q.Caller, n.Account)
		if err != nil {
			return "", made, err
		}
		if a.Org.ID != org { // the page shows whose machines these are
			return "", made, fault.New(fault.NotFound, "fault.not_found")
		}
	}
	err = s.DB.Batch(ctx, func(ctx context.Context) error {
		if fresh {
			id, err := s.addPerson(ctx, q, member.Account{Org: member.Organisation{ID: org}, Name: values.Get("machine"), Role: caller.Machine})
			if err != nil {
				return renamed(err, "name", "machine")
			}
			n.Account = id
		}
		secret, made, err = token.Create(ctx, s.DB, q.Caller, n)
		return err
	})
	return secret, made, err
}

// tokenMadePage shows a token's secret, the only time that anybody sees it,
// with what to paste where.
type tokenMadePage struct {
	Head
	Secret   string
	Token    tokenRow
	Lists    bool // it fetches block lists
	Examples []tokenExample
}

// tokenExample is how one kind of machine shows the token.
type tokenExample struct {
	Name, About, Text string
	Filter            string // where the rest of the set-up stands
}

// tokenExamples are the machines that are shown: the name of their sentences
// and the block list that fits them.
var tokenExamples = []struct{ key, format string }{{"curl", "domains"}, {"squid", "squid-domains"}, {"fortigate", "fortigate"}, {"paloalto", "paloalto"}}

func (s *Server) tokenMade(w http.ResponseWriter, r *http.Request, q *Request, secret string, t token.Token) error {
	q.Path = "/tokens"
	page := &tokenMadePage{Head: q.Head(q.T("tokens.made"), underManage(q, Crumb{withOrg(q, "/tokens", t.Org), q.T("tokens.title")})...), Secret: secret, Token: q.tokenRow(t)}
	for _, scope := range t.Scopes {
		page.Lists = page.Lists || scope == token.ListsRead
	}
	for _, e := range tokenExamples {
		if page.Lists {
			page.Examples = append(page.Examples, tokenExample{
				Name: q.T("tokens.example." + e.key), About: q.T("tokens.example." + e.key + ".about"),
				Text:   q.T("tokens.example."+e.key+".text", "url", s.origin(r)+"/blocklists/"+e.format, "secret", secret),
				Filter: "/filters?format=" + e.format + "#result",
			})
		}
	}
	return s.render(w, q, http.StatusOK, "token_made", page)
}

// Back is the list on which the token stands.
func (p *tokenMadePage) Back() string { return withOrg(p.Request, "/tokens", p.Token.Org) }

// At is an address of the organisation whose token it becomes.
func (p *tokenNewPage) At(address string) string { return withOrg(p.Request, address, p.Org.ID) }
