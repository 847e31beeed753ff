// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"strconv"
	"strings"

	"teiten/internal/advisory"
	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/intake"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

// importsPage takes a file or a pasted text and lists what was imported.
type importsPage struct {
	Head
	Errors []FieldError
	Form   importForm
	Runs   []importRow
	Pager  Pager
}

type importForm struct {
	Format, TLP, Group, Category, Source, File, Text, Dry Field
}

func (f *importForm) fields() []*Field {
	return []*Field{&f.Format, &f.TLP, &f.Group, &f.Category, &f.Source, &f.File, &f.Text, &f.Dry}
}

// importRow is a run with what people call things.
type importRow struct {
	intake.Run
	Name   string // of the file
	Format string
	Group  string // see groupName
	Why    string // it failed
}

const (
	maxUpload   = 200 << 20 // bytes of a file
	maxPaste    = 2 << 20   // bytes of a pasted text
	maxField    = 4 << 10   // bytes of any other field
	importRows  = 20
	problemRows = 200 // on the page; the CSV has all that are kept
)

func (s *Server) imports(w http.ResponseWriter, r *http.Request, q *Request) error {
	return s.showImports(w, r, q, http.StatusOK, nil, nil)
}

// showImports renders the page; refused is why a form, with its values, was not
// taken.
func (s *Server) showImports(w http.ResponseWriter, r *http.Request, q *Request, status int, refused error, values url.Values) error {
	page := &importsPage{Head: q.Head(q.T("web.nav.import"))}
	page.form(q)
	if err := page.Form.groups(r.Context(), s.DB, q); err != nil {
		return err
	}
	if refused != nil {
		for _, f := range page.Form.fields() {
			if values.Has(f.Name) && f.Kind != "file" {
				f.Fill(values)
				f.Value = defanged(f.Value)
			}
		}
		var ok bool
		if page.Errors, ok = q.Refuse(refused, page.Form.fields()...); !ok {
			return refused
		}
	}
	runs, err := intake.Runs(r.Context(), s.DB, q.Caller, max(q.Int("after", 0), 0), importRows+1)
	if err != nil {
		return err
	}
	next := ""
	if len(runs) > importRows {
		runs = runs[:importRows]
		next = itoa(runs[importRows-1].ID)
	}
	for _, run := range runs {
		page.Runs = append(page.Runs, importRowOf(q, run))
	}
	page.Pager = q.Pager(len(runs), 0, next)
	return s.render(w, q, status, "imports", page)
}

func importRowOf(q *Request, run intake.Run) importRow {
	row := importRow{Run: run, Name: harmless(run.File), Format: q.T("tools.import.format." + string(run.Format)), Group: q.groupName(run.Group, run.GroupName)}
	if run.Err != nil {
		row.Why = q.Lang.Fault(run.Err)
	}
	return row
}

func (p *importsPage) form(q *Request) {
	f := &p.Form
	f.Format = q.Field("select", "format", "tools.import.format")
	for _, format := range intake.Formats() {
		if intake.MayImport(q.Caller, format) {
			f.Format.Options = append(f.Format.Options, Option{Value: string(format), Label: q.T("tools.import.format." + string(format))})
		}
	}
	if len(f.Format.Options) > 0 {
		f.Format.Value = f.Format.Options[0].Value
	}
	f.TLP = q.Field("select", "tlp", "tools.import.tlp")
	if q.Caller.Is(caller.Contact) {
		f.TLP.Hint = q.T("tools.import.tlp.contact")
		f.TLP.Options = []Option{{Value: tlp.Red.Class(), Label: tlp.Red.Label() + " " + q.T("web.tlp.red")}}
	} else {
		f.TLP.Options = []Option{{Value: "", Label: q.T("tools.import.tlp.default")}}
		for _, l := range tlp.Levels {
			f.TLP.Options = append(f.TLP.Options, Option{Value: l.Class(), Label: l.Label() + " " + q.T("web.tlp."+l.Class())})
		}
	}
	f.Group = q.Field("select", "group", "register.group")
	f.Category = q.Field("select", "category", "tools.import.category")
	f.Category.Options = []Option{{Value: "", Label: q.T("tools.import.category.default")}}
	for _, c := range category.All() {
		f.Category.Options = append(f.Category.Options, Option{Value: string(c), Label: c.Name(q.Lang)})
	}
	f.Source, f.File, f.Text = q.Field("text", "source", "tools.import.source"), q.Field("file", "file", "tools.import.file"), q.Field("textarea", "text", "tools.import.text")
	f.Source.Max, f.Text.Rows, f.Text.Code = 200, 5, true
	f.Dry = q.Field("radio", "dry", "tools.import.dry")
	f.Dry.Value = "yes"
	for _, v := range []string{"yes", "no"} {
		f.Dry.Options = append(f.Dry.Options, Option{v, q.T("tools.import.dry." + v), q.T("tools.import.dry." + v + ".hint")})
	}
}

// groups offers the sharing groups. What a contact imports is RED: the own
// institution's and the ISAC's, so that a group would promise what it is not.
func (f *importForm) groups(ctx context.Context, db store.Queryer, q *Request) error {
	if q.Caller.Is(caller.Contact) {
		return nil
	}
	return q.shareWith(ctx, db, &f.Group, advisory.Group{})
}

// importNew takes the form. Its fields come before the file, which goes from
// the network into the encrypted store without touching the disk before.
func (s *Server) importNew(w http.ResponseWriter, r *http.Request, q *Request) error {
	form, err := r.MultipartReader()
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "web.bad_form")
	}
	values, file, err := formFields(form)
	if err != nil {
		return err
	}
	job, err := importJobOf(q, values)
	var content io.Reader = strings.NewReader(values.Get("text"))
	if file != nil {
		job.Name, content = file.FileName(), file
	} else if err == nil && strings.TrimSpace(values.Get("text")) == "" {
		err = fault.New(fault.Invalid, "tools.import.nothing").At("file")
	}
	var id int64
	if err == nil {
		id, err = s.importStart(r.Context(), q, &job, content)
	}
	if err != nil {
		var tooLarge *http.MaxBytesError
		switch f := fault.From(err); {
		case errors.As(err, &tooLarge):
			return err
		case f.Code == "blob.too_large":
			err = fault.New(fault.TooLarge, "web.too_large", "limit", size(maxUpload)).At("file")
		}
		return s.showImports(w, r, q, http.StatusUnprocessableEntity, err, values)
	}
	s.wake()
	if job.Dry {
		job.Run = id
		s.keepImport(w, job)
	}
	http.Redirect(w, r, "/import/"+itoa(id), http.StatusSeeOther)
	return nil
}

// formFields reads the fields of a form up to its file, which is nil when none
// was chosen.
func formFields(form *multipart.Reader) (url.Values, *multipart.Part, error) {
	values := url.Values{}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return values, nil, nil
		}
		if err != nil {
			return nil, nil, bodyFault(err)
		}
		if part.FormName() == "file" {
			if part.FileName() != "" {
				return values, part, nil
			}
			continue
		}
		most := int64(maxField)
		if part.FormName() == "text" {
			most = maxPaste
		}
		b, err := io.ReadAll(io.LimitReader(part, most+1))
		if err != nil {
			return nil, nil, bodyFault(err)
		}
		if int64(len(b)) > most {
			return nil, nil, fault.New(fault.TooLarge, "web.too_large", "limit", size(most))
		}
		values.Add(part.FormName(), strings.ToValidUTF8(string(b), "\ufffd"))
	}
}

// importJob is what a form asks for, and what is kept so that a trial can be
// made earnest without sending the file again.
type importJob struct {
	Run      int64
	Account  int64
	Format   intake.Format
	TLP      tlp.Level
	Group    int64
	Category category.Category
	Source   string
	Dry      bool
	Name     string
	Blob     string
}

func importJobOf(q *Request, values url.Values) (j importJob, err error) {
	j.Account = q.Caller.Account
	if j.Format, err = intake.ParseFormat(values.Get("format")); err != nil {
		return j, err
	}
	defaults := intake.Defaults(j.Format)
	j.TLP, j.Category, j.Source = defaults.TLP, defaults.Category, strings.TrimSpace(values.Get("source"))
	if text := values.Get("tlp"); text != "" {
		if j.TLP, err = tlp.Parse(text); err != nil {
			return j, fault.From(err).At("tlp")
		}
	}
	if text := values.Get("category"); text != "" {
		if j.Category, err = category.Parse(text); err != nil {
			return j, fault.From(err).At("category")
		}
	}
	if j.Group, err = typedGroup(values.Get("group")); err != nil {
		return j, err
	}
	j.Dry = values.Get("dry") != "no"
	j.Name = q.T("tools.import.pasted", "at", q.Now) + ".txt"
	return j, nil
}

func (j importJob) options() intake.Options {
	return intake.Options{Format: j.Format, TLP: j.TLP, Group: j.Group, DryRun: j.Dry, Category: j.Category, Source: j.Source}
}

// importStart stores the content and, in one transaction, its row and the run.
func (s *Server) importStart(ctx context.Context, q *Request, j *importJob, content io.Reader) (id int64, err error) {
	if !intake.MayImport(q.Caller, j.Format) {
		return 0, fault.New(fault.Forbidden, "fault.forbidden")
	}
	j.Name = path.Base(strings.ReplaceAll(j.Name, `\`, "/"))
	draft, err := s.Blobs.Create(ctx, "import", content, maxUpload)
	if err != nil {
		return 0, err
	}
	err = s.DB.Batch(ctx, func(ctx context.Context) error {
		if err := s.DB.Keep(ctx, func(tx *store.Tx) error { return draft.Attach(ctx, tx) }); err != nil {
			return err
		}
		id, err = intake.Enqueue(ctx, s.DB, q.Caller, j.options(), j.Name, draft.Name)
		return err
	})
	if err != nil {
		return 0, errors.Join(err, draft.Discard())
	}
	j.Blob = draft.Name
	return id, nil
}

// importPage shows one run: how far it is, what came of it, what was not taken.
type importPage struct {
	Head
	Row      importRow
	Progress Progress
	Problems []importProblem
	Many     int    // problems altogether
	CSV      string // address of all problems
	Earnest  string // address that imports the file of a trial, or ""
}

type importProblem struct {
	File   string
	Line   int64
	Reason string
}

// refreshAfter is after how many seconds a page of a running import comes anew.
const refreshAfter = "3"

func (s *Server) importShow(w http.ResponseWriter, r *http.Request, q *Request) error {
	run, problems, err := s.readImport(r, q)
	if err != nil {
		return err
	}
	page := &importPage{Row: importRowOf(q, run), Many: len(problems)}
	page.Head = q.Head(q.T("tools.import.run", "name", page.Row.Name), Crumb{"/import", q.T("web.nav.import")})
	for _, p := range problems[:min(len(problems), problemRows)] {
		page.Problems = append(page.Problems, importProblem{harmless(p.File), p.Line, q.Lang.Fault(p.Err)})
	}
	page.CSV = "/import/" + itoa(run.ID) + "/problems.csv"
	switch {
	case run.State == intake.Running:
		page.Progress.Label = q.T("tools.import.progress", "n", run.Rows)
		w.Header().Set("Refresh", refreshAfter)
	case run.State == intake.Done && run.DryRun:
		if kept, ok := s.keptImport(r, q); ok && kept.Run == run.ID {
			page.Earnest = "/import/" + itoa(run.ID) + "/earnest"
		}
	}
	return s.render(w, q, http.StatusOK, "import", page)
}

func (s *Server) readImport(r *http.Request, q *Request) (intake.Run, []intake.Problem, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return intake.Run{}, nil, fault.Wrap(err, fault.NotFound, "fault.not_found")
	}
	return intake.ReadRun(r.Context(), s.DB, q.Caller, id)
}

// importProblems answers with every problem that is kept, as CSV.
func (s *Server) importProblems(w http.ResponseWriter, r *http.Request, q *Request) error {
	run, problems, err := s.readImport(r, q)
	if err == nil {
		err = audit.Taken(r.Context(), s.DB, q.Caller, "import.export", "import/"+itoa(run.ID))
	}
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("\ufeff")
	out := csv.NewWriter(&b)
	out.UseCRLF = true
	out.Write([]string{q.T("tools.import.col.file"), q.T("tools.import.col.line"), q.T("tools.import.col.reason"), "code"})
	for _, p := range problems {
		line := ""
		if p.Line > 0 {
			line = itoa(p.Line)
		}
		out.Write([]string{csvCell(harmless(p.File)), line, csvCell(q.Lang.Fault(p.Err)), fault.Code(p.Err)})
	}
	out.Flush() // to memory: it cannot fail
	sendCSV(w, "teiten-import-"+itoa(run.ID)+"-problems.csv", b.Bytes())
	return nil
}

// importEarnest imports the file of a trial.
func (s *Server) importEarnest(w http.ResponseWriter, r *http.Request, q *Request) error {
	run, _, err := s.readImport(r, q)
	if err != nil {
		return err
	}
	job, ok := s.keptImport(r, q)
	if !ok || job.Run != run.ID {
		return fault.New(fault.NotFound, "tools.import.gone")
	}
	job.Dry = false
	id, err := intake.Enqueue(r.Context(), s.DB, q.Caller, job.options(), job.Name, job.Blob)
	if err != nil {
		return err
	}
	s.wake()
	s.clearCookie(w, "import")
	http.Redirect(w, r, "/import/"+itoa(id), http.StatusSeeOther)
	return nil
}
