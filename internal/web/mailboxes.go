// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"strings"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/mailbox"
	"teiten/internal/mailcheck"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/report"
)

// mailboxPage is how an institution hands in mails: the addresses to forward
// to, its own mailbox, and what is decided about its mails.
type mailboxPage struct {
	Head
	Errors    []FieldError
	Org       member.Organisation
	Choose    Field
	Domain    bool // the portal has a domain for addresses
	Addresses []mailbox.Address
	Tabs      []Tab
	Mails     []mailbox.Mail
	Pager     Pager
	Decides   bool          // about what came from outside
	IMAP      *mailbox.IMAP // nil for none
	Failure   string
	IMAPForm  imapForm
	Settings  mailSettingsForm
}

type imapForm struct{ Server, Security, Login, Password, Folder, DoneFolder, Enabled Field }

func (f *imapForm) fields() []*Field {
	return []*Field{&f.Server, &f.Security, &f.Login, &f.Password, &f.Folder, &f.DoneFolder, &f.Enabled}
}

type mailSettingsForm struct{ Days, Authserv Field }

func (f *mailSettingsForm) fields() []*Field { return []*Field{&f.Days, &f.Authserv} }

const (
	mailboxAddress = "/mailbox"
	mailboxRows    = 20
	strayAddress   = mailboxAddress + "/mails/{id}"
	rotateOverlap  = 14 * 24 * time.Hour // an old address works on
)

// mailboxRoutes are the settings of mails.
func (s *Server) mailboxRoutes() []route {
	return []route{
		on("GET", mailboxAddress, Portal, may(permit.InstitutionManage), s.mailbox),
		on("POST", mailboxAddress+"/settings", Portal, may(permit.InstitutionManage), s.mailSettings),
		on("POST", mailboxAddress+"/addresses", Portal, may(permit.InstitutionManage), s.mailboxAdd),
		on("POST", mailboxAddress+"/addresses/{id}/rotate", Portal, may(permit.InstitutionManage), s.mailboxRotate),
		on("POST", mailboxAddress+"/addresses/{id}/stop", Portal, may(permit.InstitutionManage), s.mailboxStop),
		on("GET", strayAddress, Portal, may(permit.InstitutionManage), s.stray),
		on("POST", strayAddress+"/accept", Portal, may(permit.InstitutionManage), s.strayAccept),
		on("POST", strayAddress+"/discard", Portal, may(permit.InstitutionManage), s.strayDiscard),
		on("POST", mailboxAddress+"/imap", Portal, may(permit.InstitutionManage), s.imapSet),
		on("POST", mailboxAddress+"/imap/test", Portal, may(permit.InstitutionManage), s.imapTest, within(testTime)),
		on("POST", mailboxAddress+"/imap/remove", Portal, may(permit.InstitutionManage), s.imapRemove),
	}
}

func (s *Server) mailbox(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.mailboxPage(r.Context(), q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "mailbox", page)
}

func (s *Server) mailboxPage(ctx context.Context, q *Request) (*mailboxPage, error) {
	org, err := orgOf(q)
	if err != nil {
		return nil, err
	}
	page := &mailboxPage{Head: q.Head(q.T("mailboxes.title"), underManage(q)...)}
	if page.Org, err = member.FindOrganisation(ctx, s.DB, q.Caller, org); err != nil {
		return nil, err
	}
	if page.Choose, err = s.orgChoice(ctx, q, org); err != nil {
		return nil, err
	}
	page.Domain = s.MailDomain != ""
	all, err := mailbox.Addresses(ctx, s.DB, q.Caller)
	if err != nil {
		return nil, err
	}
	for _, a := range all {
		if a.Org == org && a.Active {
			page.Addresses = append(page.Addresses, a)
		}
	}
	if err := s.mailboxLog(ctx, q, page); err != nil {
		return nil, err
	}
	return page, s.mailboxForms(ctx, q, page)
}

// mailboxLog fills in a page of what arrived.
func (s *Server) mailboxLog(ctx context.Context, q *Request, page *mailboxPage) error {
	f := mailbox.Filter{Org: page.Org.ID, Outside: q.Get("show") == "outside", Before: max(q.Int("after", 0), 0), Limit: mailboxRows}
	found, err := mailbox.Recent(ctx, s.DB, q.Caller, f)
	if err != nil {
		return err
	}
	status, err := mailbox.ReadStatus(ctx, s.DB, q.Caller, page.Org.ID)
	if err != nil {
		return err
	}
	next := ""
	if found.Next != 0 {
		next = itoa(found.Next)
	}
	page.Mails, page.Pager, page.Decides = found.Items, q.Pager(len(found.Items), 0, next), page.Org.ID == q.Caller.Org
	if status.Outside > 0 || f.Outside {
		page.Tabs = []Tab{
			{Href: q.With("show", ""), Name: q.T("mailbox.show.all"), Current: !f.Outside},
			{Href: q.With("show", "outside"), Name: q.T("mailbox.show.outside"), Count: int64(status.Outside), Counted: true, Current: f.Outside},
		}
	}
	return nil
}

// mailboxForms fills the forms with what holds now.
func (s *Server) mailboxForms(ctx context.Context, q *Request, page *mailboxPage) error {
	days, err := report.Retention(ctx, s.DB, q.Caller, page.Org.ID)
	if err != nil {
		return err
	}
	settings, err := mailcheck.ReadSettings(ctx, s.DB, q.Caller, page.Org.ID)
	if err != nil {
		return err
	}
	page.Settings = mailSettingsForm{q.Field("number", "days", "mailboxes.days"), q.Field("textarea", "authserv", "mailboxes.authserv")}
	page.Settings.Days.Value, page.Settings.Days.Required = itoa(int64(days)), true
	page.Settings.Authserv.Value, page.Settings.Authserv.Rows, page.Settings.Authserv.Code = strings.Join(settings.Authserv, "\n"), 2, true

	boxes, err := mailbox.IMAPs(ctx, s.DB, q.Caller)
	if err != nil {
		return err
	}
	now := mailbox.IMAP{Security: mailbox.TLS, Folder: "INBOX", DoneFolder: "Teiten", Enabled: true}
	for _, i := range boxes {
		if i.Org == page.Org.ID {
			page.IMAP, now = &i, i
			if why := i.Failure(); why != nil {
				page.Failure = q.Lang.Fault(fault.From(why))
			}
		}
	}
	f := &page.IMAPForm
	*f = imapForm{q.Field("text", "server", "mailboxes.imap.server"), q.Field("select", "security", "mailboxes.imap.security"), q.Field("text", "login", "mailboxes.imap.login"),
		q.Field("password", "password", "mailboxes.imap.password"), q.Field("text", "folder", "mailboxes.imap.folder"), q.Field("text", "done_folder", "mailboxes.imap.done"),
		q.Field("checkbox", "enabled", "mailboxes.imap.enabled")}
	for _, security := range []mailbox.Security{mailbox.TLS, mailbox.StartTLS} {
		f.Security.Options = append(f.Security.Options, Option{Value: string(security), Label: q.T("mailboxes.imap.security." + string(security))})
	}
	f.Server.Value, f.Security.Value, f.Login.Value, f.Folder.Value, f.DoneFolder.Value = now.Server, string(now.Security), now.Login, now.Folder, now.DoneFolder
	f.Server.Required, f.Login.Required, f.Server.Code, f.Login.Code = true, true, true, true
	f.Password.Autofill, f.Password.Required = "new-password", page.IMAP == nil
	if page.IMAP != nil {
		f.Password.Hint = q.T("mailboxes.imap.password.keep")
	}
	if now.Enabled {
		f.Enabled.Value = "yes"
	}
	return nil
}

// afterMailbox leads back to the page of the organisation it is about.
func (s *Server) afterMailbox(w http.ResponseWriter, r *http.Request, q *Request, said string, args map[string]string) error {
	next := mailboxAddress
	if org := q.Get("org"); org != "" {
		next += "?org=" + itoa(number64(org))
	}
	return s.done(w, r, next, Flash{Key: said, Args: args})
}

// refuseOnMailbox renders the page again with the reason at its field.
func (s *Server) refuseOnMailbox(w http.ResponseWriter, r *http.Request, q *Request, refused error) error {
	q.Path = mailboxAddress
	page, err := s.mailboxPage(r.Context(), q)
	if err != nil {
		return err
	}
	fields := append(page.IMAPForm.fields(), page.Settings.fields()...)
	for _, f := range fields {
		if f.Kind != "password" && r.PostForm.Has(f.Name) {
			f.Fill(r.PostForm)
		}
	}
	var ok bool
	if page.Errors, ok = q.Refuse(refused, fields...); !ok {
		return refused
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "mailbox", page)
}

// onMailbox answers a form of the page: what it is about is the organisation of
// the address.
func (s *Server) onMailbox(w http.ResponseWriter, r *http.Request, q *Request, said string, do func(ctx context.Context, org int64) error) error {
	org, err := orgOf(q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	if err := do(r.Context(), org); err != nil {
		return s.refuseOnMailbox(w, r, q, err)
	}
	return s.afterMailbox(w, r, q, said, nil)
}

func (s *Server) mailSettings(w http.ResponseWriter, r *http.Request, q *Request) error {
	return s.onMailbox(w, r, q, "mailboxes.saved", func(ctx context.Context, org int64) error {
		if err := report.SetRetention(ctx, s.DB, q.Caller, org, int(number64(r.PostForm.Get("days")))); err != nil {
			return err
		}
		return mailcheck.ChangeSettings(ctx, s.DB, q.Caller, org, mailcheck.Settings{Authserv: strings.Fields(r.PostForm.Get("authserv"))})
	})
}

// box is the mailbox, or why there is none.
func (s *Server) box() (*mailbox.Box, error) {
	if s.Mailbox == nil {
		return nil, fault.New(fault.Unavailable, "mailbox.domain")
	}
	return s.Mailbox, nil
}

func (s *Server) mailboxAdd(w http.ResponseWriter, r *http.Request, q *Request) error {
	return s.onMailbox(w, r, q, "mailboxes.added", func(ctx context.Context, org int64) error {
		box, err := s.box()
		if err == nil {
			_, err = box.AddAddress(ctx, q.Caller, org)
		}
		return err
	})
}

func (s *Server) mailboxRotate(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	return s.onMailbox(w, r, q, "mailboxes.rotated", func(ctx context.Context, _ int64) error {
		box, err := s.box()
		if err == nil {
			_, err = box.RotateAddress(ctx, q.Caller, id, rotateOverlap)
		}
		return err
	})
}

func (s *Server) mailboxStop(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := idIn(r, "id")
	if err != nil {
		return err
	}
	if yes, err := s.confirmed(w, r, q, q.T("mailboxes.stop.ask"), q.T("mailboxes.stop"), mailboxAddress, true); err != nil || !yes {
		return err
	}
	return s.onMailbox(w, r, q, "mailboxes.stopped", func(ctx context.Context, _ int64) error {
		return mailbox.StopAddress(ctx, s.DB, q.Caller, id)
	})
}

func (s *Server) imapSet(w http.ResponseWriter, r *http.Request, q *Request) error {
	return s.onMailbox(w, r, q, "mailboxes.imap.saved", func(ctx context.Context, org int64) error {
		box, err := s.box()
		if err != nil {
			return err
		}
		form := r.PostForm
		return box.SetIMAP(ctx, q.Caller, mailbox.IMAP{Org: org, Server: form.Get("server"), Security: mailbox.Security(form.Get("security")), Login: form.Get("login"),
			Password: form.Get("password"), Folder: form.Get("folder"), DoneFolder: form.Get("done_folder"), Enabled: form.Get("enabled") == "yes"})
	})
}

// imapTest says at once whether signing in works.
func (s *Server) imapTest(w http.ResponseWriter, r *http.Request, q *Request) error {
	org, err := orgOf(q)
	if err != nil {
		return err
	}
	box, err := s.box()
	if err != nil {
		return err
	}
	waiting, err := box.TestIMAP(r.Context(), q.Caller, org)
	if err != nil {
		f := fault.From(err)
		if f.Kind == fault.Forbidden && !strings.HasPrefix(f.Code, "outbound.") || f.Kind == fault.Internal || f.Kind == fault.NotFound {
			return err
		}
		return s.refuseOnMailbox(w, r, q, (&fault.Error{Kind: fault.Invalid, Code: f.Code, Args: f.Args, Err: err}).At("server"))
	}
	return s.afterMailbox(w, r, q, "mailboxes.imap.tested", map[string]string{"n": itoa(int64(waiting))})
}

func (s *Server) imapRemove(w http.ResponseWriter, r *http.Request, q *Request) error {
	if yes, err := s.confirmed(w, r, q, q.T("mailboxes.imap.remove.ask"), q.T("mailboxes.imap.remove"), mailboxAddress, true); err != nil || !yes {
		return err
	}
	return s.onMailbox(w, r, q, "mailboxes.imap.removed", func(ctx context.Context, org int64) error {
		return mailbox.RemoveIMAP(ctx, s.DB, q.Caller, org)
	})
}

// Institution reports whether the page is about one: others have no people who
// forward.
func (p *mailboxPage) Institution() bool { return p.Org.Kind == caller.Institution }
