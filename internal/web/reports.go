// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/mailbox"
	"teiten/internal/mailcheck"
	"teiten/internal/permit"
	"teiten/internal/redact"
	"teiten/internal/report"
)

// previewPage shows what a report shares and what it hides, before it is made.
type previewPage struct {
	Head
	ID     int64
	Errors []FieldError
	Did    Field
	Hide   Field
	Shared sharedView
	Days   int  // the original is kept
	Counts bool // as "we received it too", when an advisory comes of it
}

// sharedView is a redacted mail.
type sharedView struct {
	Subject []textRun
	Fields  []sharedField
	Bodies  []sharedBody
	Files   []sharedFile
	Links   [][]textRun
	Counts  []kindCount

	MoreLinks, MoreFiles int // that are not shown
}

type sharedField struct {
	Name string
	Runs []textRun
}

type sharedBody struct {
	HTML bool
	Runs []textRun
	Cut  bool
}

type sharedFile struct {
	Name      []textRun
	MediaType string
	Size      int64
	SHA256    string
}

type kindCount struct {
	Name string
	N    int
}

func (s *Server) reportPreview(w http.ResponseWriter, r *http.Request, q *Request) error {
	return s.showPreview(w, r, q, nil, nil)
}

// showPreview renders the preview with further words hidden; refused is why the
// report was not taken.
func (s *Server) showPreview(w http.ResponseWriter, r *http.Request, q *Request, hide []string, refused error) error {
	id := number64(r.PathValue("id"))
	held, err := report.Open(r.Context(), s.DB, s.Blobs, s.Checker, q.Caller, id, hide)
	if f := fault.From(err); f != nil && f.Field == "hide" { // what cannot be hidden is no reason to lose the form
		refused = err
		held, err = report.Open(r.Context(), s.DB, s.Blobs, s.Checker, q.Caller, id, nil)
	}
	if err != nil {
		return err
	}
	if held.Report != 0 && refused == nil {
		http.Redirect(w, r, reportAddress(held.Report), http.StatusSeeOther)
		return nil
	}
	page := &previewPage{
		Head: q.Head(q.T("reporting.title"), Crumb{"/check", q.T("checking.title")}, Crumb{"/check/" + itoa(id), q.T("checking.answer")}),
		ID:   id, Shared: q.sharedView(held.Redacted), Counts: q.Caller.OrgKind == caller.Institution,
		Did: q.Field("radio", "did", "checking.did"), Hide: q.Field("textarea", "hide", "reporting.hide"),
	}
	if page.Days, err = report.Retention(r.Context(), s.DB, q.Caller, q.Caller.Org); err != nil {
		return err
	}
	page.Did.Value, page.Hide.Rows, page.Hide.Value = r.FormValue("did"), 2, strings.Join(hide, "\n")
	for _, action := range mailcheck.Actions {
		page.Did.Options = append(page.Did.Options, Option{Value: string(action), Label: action.Name(q.Lang)})
	}
	status := http.StatusOK
	if refused != nil {
		var ok bool
		if page.Errors, ok = q.Refuse(refused, &page.Did, &page.Hide); !ok {
			return refused
		}
		status = http.StatusUnprocessableEntity
	}
	return s.render(w, q, status, "preview", page)
}

// reportNew makes the report, or shows the preview anew with further words
// hidden.
func (s *Server) reportNew(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	var hide []string
	for line := range strings.Lines(r.PostForm.Get("hide")) {
		if line = strings.TrimSpace(line); line != "" {
			hide = append(hide, line)
		}
	}
	if r.PostForm.Get("look") != "" {
		return s.showPreview(w, r, q, hide, nil)
	}
	did, err := actionOf(r.PostForm.Get("did"))
	var id int64
	if err == nil {
		id, err = report.Submit(r.Context(), s.DB, s.Blobs, s.Checker, q.Caller, number64(r.PathValue("id")),
			report.Submission{Did: did, Hide: hide, Channel: report.Web})
	}
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			return err
		}
		return s.showPreview(w, r, q, hide, err)
	}
	s.wake()
	return s.done(w, r, reportAddress(id), Flash{Key: "reporting.done"})
}

func reportAddress(id int64) string { return "/reports/" + itoa(id) }

// sharedView shows a redacted mail with the marks of what is hidden; nothing of
// one that was taken back.
func (q *Request) sharedView(m *redact.Mail) (v sharedView) {
	if m == nil {
		return v
	}
	v.Subject, _ = q.pieceRuns(m.Subject)
	field := func(name string, pieces ...redact.Piece) {
		for _, p := range pieces {
			if p.Text != "" {
				text, _ := q.pieceRuns(p)
				v.Fields = append(v.Fields, sharedField{name, text})
			}
		}
	}
	field(q.T("checking.field.from"), m.From...)
	field(q.T("checking.field.reply_to"), m.ReplyTo...)
	field(q.T("checking.field.return_path"), m.ReturnPath)
	if at, err := time.Parse(time.RFC3339, m.Date); err == nil {
		field(q.T("checking.field.date"), redact.Piece{Text: q.Lang.DateTime(at)})
	}
	for _, p := range m.Header {
		name := strings.ToLower(strings.TrimPrefix(p.Where, "header:"))
		if key := "checking.field." + name; locale.Has(key) {
			name = q.T(key)
		}
		field(name, p)
	}
	for _, p := range m.Body {
		text, cut := q.pieceRuns(p)
		v.Bodies = append(v.Bodies, sharedBody{p.Where == "html", text, cut})
	}
	var links []redact.Piece
	links, v.MoreLinks = first(m.Links, mostLinks)
	for _, p := range links {
		text, _ := q.pieceRuns(p)
		v.Links = append(v.Links, text)
	}
	var files []redact.File
	files, v.MoreFiles = first(m.Files, mostFiles)
	for _, f := range files {
		name, _ := q.pieceRuns(f.Name)
		v.Files = append(v.Files, sharedFile{name, f.MediaType, f.Size, f.SHA256})
	}
	for _, k := range redact.Kinds {
		if n := m.Counts[k]; n > 0 {
			v.Counts = append(v.Counts, kindCount{q.T("redact." + string(k)), n})
		}
	}
	return v
}

// pieceRuns marks what is hidden in a piece, and says of what kind it is. A
// preview has the words behind the marks, what is stored has not.
func (q *Request) pieceRuns(p redact.Piece) (all []textRun, cut bool) {
	left := mostText
	for _, part := range p.Segments() {
		if left <= 0 {
			return all, true
		}
		left -= len(part.Text)
		run := textRun{Text: part.Text}
		if part.Kind != "" {
			run.Mark, run.Note, run.Was = "masked", q.T("redact."+string(part.Kind)), harmless(part.Original)
		} else {
			run.Text = harmless(part.Text)
		}
		all = append(all, run)
	}
	return all, false
}

// reportsPage lists the reports that the caller may see.
type reportsPage struct {
	Head
	Tabs  []Tab
	Rows  []reportRow
	Pager Pager
	Asked []report.Consent // wait for the caller's answer
	All   bool             // of the whole institution, or of all institutions
}

type reportRow struct {
	*report.Report
	Heading string
	By      string // who reported it, as far as the caller may know
}

const reportRows = 50

func (s *Server) reports(w http.ResponseWriter, r *http.Request, q *Request) error {
	f := report.Filter{Mine: q.Get("whose") == "mine", Withdrawn: true, Before: max(q.Int("after", 0), 0), Limit: reportRows}
	found, err := report.List(r.Context(), s.DB, q.Caller, f)
	if err != nil {
		return err
	}
	page := &reportsPage{Head: q.Head(q.T("reporting.list")), All: q.seesColleagues()}
	next := ""
	if found.Next != 0 {
		next = itoa(found.Next)
	}
	for _, rep := range found.Items {
		page.Rows = append(page.Rows, q.reportRow(rep))
	}
	page.Pager = q.Pager(len(page.Rows), 0, next)
	if page.All {
		page.Tabs = []Tab{
			{Href: q.With("whose", ""), Name: q.T("reporting.whose.all"), Current: !f.Mine},
			{Href: q.With("whose", "mine"), Name: q.T("reporting.whose.mine"), Current: f.Mine},
		}
	}
	if page.Asked, err = s.askedConsents(r.Context(), q); err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "reports", page)
}

// seesColleagues reports whether the caller's list has others' reports.
func (q *Request) seesColleagues() bool {
	return q.Caller.Is(caller.Contact, caller.Analyst, caller.Operator)
}

func (q *Request) reportRow(r *report.Report) reportRow {
	heading := harmless(r.Subject)
	if heading == "" {
		heading = q.T("checking.subject.none")
	}
	return reportRow{r, heading, q.reportedBy(r)}
}

// reportedBy names who reported a mail: to people of the institution its member
// of staff, or the way it came where nobody is known by name; to others the
// institution.
func (q *Request) reportedBy(r *report.Report) string {
	switch {
	case r.Reporter != "":
		return r.Reporter
	case r.Org != q.Caller.Org || r.Account != 0:
		return r.OrgName
	case r.Channel == report.Mailbox:
		return q.T("mailbox.by.mail")
	}
	return q.T("mailbox.by.shared")
}

// reportPage is one report and what became of it.
type reportPage struct {
	Head
	Errors   []FieldError
	Report   reportRow
	Number   string
	Came     string // how its mail came to the mailbox, for its institution; "" otherwise
	Reasons  []reasonRow
	Shared   sharedView
	Did      string
	Advice   advice
	Withdraw bool
	Original bool // the caller may have it
	Analyst  bool
	Consents []consentRow
	Reason   Field // to ask for the original
}

type consentRow struct {
	report.Consent
	MayAnswer bool
	MayRevoke bool
	Form      Field
	Days      Field
}

func (s *Server) reportShow(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.reportPage(r.Context(), q, number64(r.PathValue("id")))
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "report", page)
}

func (s *Server) reportPage(ctx context.Context, q *Request, id int64) (*reportPage, error) {
	rep, err := report.Get(ctx, s.DB, q.Caller, id)
	if err != nil {
		return nil, err
	}
	page := &reportPage{
		Head: q.Head(q.T("reporting.one", "n", id)), Report: q.reportRow(rep), Number: strconv.FormatInt(id, 10),
		Shared: q.sharedView(rep.Mail), Withdraw: q.Caller.Account != 0 && report.MayWithdraw(q.Caller, rep),
		Analyst: permit.May(q.Caller, permit.MailCase) != permit.None, Reason: q.Field("textarea", "reason", "reporting.ask.reason"),
	}
	if q.Caller.Account != 0 {
		page.Crumbs = []Crumb{{"/reports", q.T("reporting.list")}}
	}
	page.Reason.Rows, page.Reason.Max, page.Reason.Required = 2, 1000, true
	page.Did = rep.Did.Name(q.Lang)
	answer := &mailcheck.Answer{Verdict: rep.Verdict, Findings: rep.Findings}
	page.Reasons = q.mailReasons(answer)
	if rep.State == report.Published { // experts have decided since, and what to do goes by that
		answer.Verdict = mailcheck.Malicious
	}
	page.Advice = q.advice(answer.AdviceReported(rep.Did))
	if page.Original, err = report.MayOriginal(ctx, s.DB, q.Caller, id); err != nil {
		return nil, err
	}
	if page.Came, err = s.cameBy(ctx, q, rep); err != nil {
		return nil, err
	}
	page.Consents, err = s.consentRows(ctx, q, report.ConsentFilter{Report: id})
	return page, err
}

// cameBy tells people of the institution how a report came by mail, where no
// account stands for its sender.
func (s *Server) cameBy(ctx context.Context, q *Request, r *report.Report) (string, error) {
	if r.Channel != report.Mailbox || r.Org != q.Caller.Org || r.Account != 0 {
		return "", nil
	}
	o, err := mailbox.CameBy(ctx, s.DB, q.Caller, r.ID, r.At)
	if fault.Is(err, fault.NotFound) { // older than the log
		return "", nil
	} else if err != nil {
		return "", err
	}
	said := q.T("mailbox.came.forwarded", "address", o.Address, "at", q.Lang.DateTime(o.At))
	if o.Fetched {
		said = q.T("mailbox.came.fetched", "at", q.Lang.DateTime(o.At))
	}
	if o.Accepted {
		return said + q.T("mailbox.came.accepted"), nil
	}
	return said + q.T("mailbox.came.nobody"), nil
}

func (s *Server) reportWithdraw(w http.ResponseWriter, r *http.Request, q *Request) error {
	id := number64(r.PathValue("id"))
	if _, err := report.Get(r.Context(), s.DB, q.Caller, id); err != nil {
		return err
	}
	if yes, err := s.confirmed(w, r, q, q.T("reporting.withdraw.ask"), q.T("reporting.withdraw"), reportAddress(id), true); err != nil || !yes {
		return err
	}
	if err := report.Withdraw(r.Context(), s.DB, s.Blobs, q.Caller, id); err != nil {
		return err
	}
	s.wake()
	return s.done(w, r, reportAddress(id), Flash{Key: "reporting.withdrawn"})
}

// reportOriginal hands out the mail as it came. The name ends in .txt, so that a
// double click shows it in an editor instead of opening it in a mail program.
func (s *Server) reportOriginal(w http.ResponseWriter, r *http.Request, q *Request) error {
	id := number64(r.PathValue("id"))
	file, err := report.Original(r.Context(), s.DB, s.Blobs, q.Caller, id)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }() // it was read; a reader's end tells nothing more
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="report-`+itoa(id)+`.eml.txt"`)
	h.Set("Content-Length", itoa(file.Size))
	h.Set("Cache-Control", "no-store")
	_, err = io.Copy(w, file)
	return err
}
