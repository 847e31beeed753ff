// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"

	"teiten/internal/fault"
	"teiten/internal/mailbox"
	"teiten/internal/permit"
	"teiten/internal/report"
)

// checkPage takes a mail: a file that is dropped or chosen, or a pasted text.
type checkPage struct {
	Head
	Errors []FieldError
	Form   checkForm
	Held   string // for how long, in hours
	Most   string // size of a mail
	Ward   bool   // nobody is signed in: a shared PC
	To     string // the address to forward to; "" for none
}

type checkForm struct{ Text, File Field }

func (f *checkForm) fields() []*Field { return []*Field{&f.Text, &f.File} }

func (s *Server) checkForm(w http.ResponseWriter, r *http.Request, q *Request) error {
	return s.showCheck(w, r, q, nil, "")
}

// showCheck renders the form; refused is why a mail was not taken.
func (s *Server) showCheck(w http.ResponseWriter, r *http.Request, q *Request, refused error, text string) error {
	page := &checkPage{Head: q.Head(q.T("checking.title")), Held: itoa(int64(report.HoldFor.Hours())), Most: size(report.MaxMail), Ward: q.Caller.Account == 0}
	page.Form = checkForm{Text: q.Field("textarea", "text", "checking.text"), File: q.Field("file", "file", "checking.file")}
	page.Form.Text.Rows, page.Form.Text.Code = 6, true
	page.Form.File.Accept = ".eml,.msg,.txt,.mht,.emlx,message/rfc822,application/vnd.ms-outlook,text/plain"
	if permit.May(q.Caller, permit.MailReport) != permit.None {
		var err error
		if page.To, err = mailbox.ForwardTo(r.Context(), s.DB, q.Caller); err != nil {
			return err
		}
	}
	status := http.StatusOK
	if refused != nil {
		page.Form.Text.Value = defanged(text)
		var ok bool
		if page.Errors, ok = q.Refuse(fault.From(refused).At("file"), page.Form.fields()...); !ok {
			return refused
		}
		status = statusOf(refused)
		if status == http.StatusBadRequest {
			status = http.StatusUnprocessableEntity
		}
	}
	return s.render(w, q, status, "check", page)
}

// checkNew holds the mail and leads to its answer. The mail goes from the
// network into memory and from there into the encrypted store.
func (s *Server) checkNew(w http.ResponseWriter, r *http.Request, q *Request) error {
	form, err := r.MultipartReader()
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "web.bad_form")
	}
	values, file, err := formFields(form)
	if err != nil {
		return err
	}
	raw, text, err := handedIn(values, file)
	var id int64
	if err == nil {
		id, err = report.Hold(r.Context(), s.DB, s.Blobs, s.Checker, q.Caller, raw)
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		// Without its cause, whose limit is that of the whole form.
		return fault.New(fault.TooLarge, "web.too_large", "limit", size(report.MaxMail))
	case err != nil:
		return s.showCheck(w, r, q, err, text)
	}
	http.Redirect(w, r, "/check/"+itoa(id), http.StatusSeeOther)
	return nil
}

// handedIn is the mail of the form: its file, or else what was pasted.
func handedIn(values url.Values, file *multipart.Part) (raw []byte, text string, err error) {
	text = values.Get("text")
	if file == nil {
		if len(bytes.TrimSpace([]byte(text))) == 0 {
			return nil, text, fault.New(fault.Invalid, "checking.nothing").At("file")
		}
		return []byte(text), text, nil
	}
	raw, err = io.ReadAll(io.LimitReader(file, report.MaxMail+1))
	if err == nil && len(raw) > report.MaxMail {
		if _, err = io.Copy(io.Discard, file); err != nil { // lest the answer be lost with the connection
			return nil, text, err
		}
		err = fault.New(fault.TooLarge, "web.too_large", "limit", size(report.MaxMail)).At("file")
	}
	return raw, text, err
}
