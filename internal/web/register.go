// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html/template"
	"net/http"
	"strings"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/report"
	"teiten/internal/technique"
)

// registerBody is what a form may hold: a whole pasted mail, percent-encoded.
const registerBody = 16 << 20

// registerPage is the form for new information and for changing it.
type registerPage struct {
	Head
	Act     string // address the form is sent to
	Back    string // where "cancel" leads
	Form    registerForm
	Groups  []techniqueGroup
	Preview *previewed
	Errors  []FieldError

	MayHide         bool // the name of the institution
	New, Correcting bool
	MayPublish      bool
	AskWide         bool // publication must be confirmed: it reaches many
	AskPersonal     bool // the form holds what looks like somebody's data
	WideMeans       string
	Newer           []changeRow // what somebody else changed meanwhile
	Conflict        bool
}

type registerForm struct {
	Category, NoticeKind, TLP, Group, Anonymous, Title, Body, Paste, Brand, Products, Observed, Reason Field

	Techniques []string // chosen
	Omit       []string // defanged indicators that are not taken over
	Related    []int64
	Duplicate  int64
	Revision   int64

	except int64          // the advisory being changed, which is no duplicate of itself
	owner  string         // whose it is, to be found in the text of anonymous information
	with   advisory.Group // the group that it is shared with already
}

func (f *registerForm) fields() []*Field {
	return []*Field{&f.Category, &f.NoticeKind, &f.TLP, &f.Group, &f.Anonymous, &f.Title, &f.Body, &f.Paste, &f.Brand, &f.Products, &f.Observed, &f.Reason}
}

// techniqueGroup is one tactic with its techniques, some of them chosen.
type techniqueGroup struct {
	Name   string
	Chosen int
	Items  []techniqueChoice
}

type techniqueChoice struct {
	technique.Technique
	Chosen bool
}

// registerPage makes the empty form.
func (s *Server) registerPage(q *Request, title string, crumbs ...Crumb) *registerPage {
	page := &registerPage{
		Head: q.Head(title, crumbs...), Act: "/advisories", Back: "/advisories", New: true,
		MayPublish: advisory.MayReview(q.Caller), MayHide: q.Caller.OrgKind == caller.Institution, Form: q.registerForm(),
	}
	page.Form.owner = q.Caller.OrgName
	return page
}

// fill takes over what was sent.
func (f *registerForm) fill(r *http.Request) {
	for _, field := range f.fields() {
		field.Fill(r.PostForm)
	}
	f.Techniques, f.Omit = r.PostForm["techniques"], r.PostForm["omit"]
	f.Related = nil
	for _, v := range r.PostForm["related"] {
		if id := number64(v); id > 0 {
			f.Related = append(f.Related, id)
		}
	}
	f.Duplicate, f.Revision = number64(r.PostForm.Get("duplicate_of")), number64(r.PostForm.Get("revision"))
}

func (s *Server) registerNew(w http.ResponseWriter, r *http.Request, q *Request) error {
	page := s.registerPage(q, q.T("register.title.new"))
	if r.Method == http.MethodPost { // from a search: what was pasted there is here already
		if err := parseForm(r); err != nil {
			return err
		}
		page.Form.Paste.Fill(r.PostForm)
		if v := r.PostForm.Get("category"); v != "" {
			page.Form.Category.Value = v
		}
	}
	return s.showRegister(w, r, q, http.StatusOK, page)
}

// showRegister renders the form with its preview, and with what may not go back
// to the browser as it was written made harmless.
func (s *Server) showRegister(w http.ResponseWriter, r *http.Request, q *Request, status int, page *registerPage) error {
	preview, err := s.preview(r.Context(), q, &page.Form)
	if err != nil {
		return err
	}
	page.Preview = preview
	if err := q.shareWith(r.Context(), s.DB, &page.Form.Group, page.Form.with); err != nil {
		return err
	}
	page.Groups = q.techniqueGroups(page.Form.Techniques)
	for _, f := range []*Field{&page.Form.Title, &page.Form.Paste, &page.Form.Body, &page.Form.Brand, &page.Form.Products, &page.Form.Reason} {
		f.Value = defanged(f.Value)
	}
	return s.render(w, q, status, "register", page)
}

func (q *Request) techniqueGroups(chosen []string) []techniqueGroup {
	on := map[string]bool{}
	for _, id := range chosen {
		on[id] = true
	}
	var groups []techniqueGroup
	for _, g := range q.vocabulary().Groups() {
		one := techniqueGroup{Name: g.Name(q.Lang)}
		for _, t := range g.Techniques {
			one.Items = append(one.Items, techniqueChoice{t, on[t.ID]})
			if on[t.ID] {
				one.Chosen++
			}
		}
		groups = append(groups, one)
	}
	return groups
}

// registerPreview answers the form's script with what its input becomes.
func (s *Server) registerPreview(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	page := s.registerPage(q, q.T("register.title.new"))
	page.Form.fill(r)
	var err error
	if page.Preview, err = s.preview(r.Context(), q, &page.Form); err != nil {
		return err
	}
	return s.fragment(w, q, "register", "preview", page)
}

// register stores a new advisory, or shows the form again: for a preview, with
// what is wrong, or with what has to be confirmed.
func (s *Server) register(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	page := s.registerPage(q, q.T("register.title.new"))
	page.Form.fill(r)
	state, ready, err := s.registerReady(w, r, q, page)
	if err != nil || !ready {
		return err
	}
	content, err := page.Form.content()
	if err != nil {
		return s.refuseRegister(w, r, q, page, err)
	}
	g, err := s.Guards.Current(r.Context())
	if err != nil {
		return err
	}
	id, err := advisory.Submit(r.Context(), s.DB, q.Caller, g, advisory.Submission{Content: content, State: state})
	if err != nil {
		return s.refuseRegister(w, r, q, page, err)
	}
	s.wake()
	return s.done(w, r, address(id), saved(id, state))
}

// saved is what the page after the form says.
func saved(id int64, state advisory.State) Flash {
	f := Flash{Key: "register.done." + string(state)}
	if state == advisory.Draft || state == advisory.InReview {
		f.Undo = address(id) + "/discard"
	}
	return f
}

// registerReady reads which button was pressed and reports whether to go on.
// Personal data and a wide publication are asked about first.
func (s *Server) registerReady(w http.ResponseWriter, r *http.Request, q *Request, page *registerPage) (advisory.State, bool, error) {
	state := advisory.State(r.PostForm.Get("state"))
	if state == "preview" {
		return state, false, s.showRegister(w, r, q, http.StatusOK, page)
	}
	if state == advisory.Draft {
		return state, true, nil
	}
	if len(page.Form.personal()) > 0 && r.PostForm.Get("personal") != "yes" {
		page.AskPersonal = true
	}
	if content, err := page.Form.content(); err == nil && (state == advisory.Published || page.Correcting) {
		if content.Wide() && r.PostForm.Get("confirm") != "yes" {
			page.AskWide, page.WideMeans = true, q.T("detail.publish.ask", "tlp", content.TLP.Label(), "means", q.T("web.tlp."+content.TLP.Class()))
		}
	}
	if page.AskPersonal || page.AskWide {
		return state, false, s.showRegister(w, r, q, http.StatusUnprocessableEntity, page)
	}
	return state, true, nil
}

// refuseRegister shows the form again with the reason at its field.
func (s *Server) refuseRegister(w http.ResponseWriter, r *http.Request, q *Request, page *registerPage, err error) error {
	f := fault.From(err)
	if f.Field == "indicators" {
		err = f.At(page.Form.Paste.Name)
	}
	refused, ok := q.Refuse(err, page.Form.fields()...)
	if !ok {
		return err
	}
	page.Errors = refused
	return s.showRegister(w, r, q, http.StatusUnprocessableEntity, page)
}

// edit shows the form with an advisory in it.
func (s *Server) edit(w http.ResponseWriter, r *http.Request, q *Request) error {
	a, err := s.load(r, q)
	if err != nil {
		return err
	}
	page, err := s.editPage(q, a)
	if err != nil {
		return err
	}
	page.Form.take(a)
	return s.showRegister(w, r, q, http.StatusOK, page)
}

// editPage is the form for an advisory, which is edited before publication and
// corrected after it.
func (s *Server) editPage(q *Request, a *advisory.Advisory) (*registerPage, error) {
	correcting := a.State.Public()
	if correcting && !advisory.MayReview(q.Caller) || !correcting && !advisory.MayEdit(q.Caller, a) {
		return nil, fault.New(fault.Forbidden, "fault.forbidden")
	}
	title := q.T("register.title.edit")
	if correcting {
		title = q.T("register.title.correct")
	}
	page := s.registerPage(q, title, Crumb{"/advisories", q.T("list.title")}, Crumb{address(a.ID), harmless(a.Title, a.Indicators...)})
	page.New, page.Correcting, page.Back = false, correcting, address(a.ID)
	page.Form.except, page.Form.owner, page.MayHide = a.ID, a.OrgName, a.OrgKind == caller.Institution
	page.Form.with = advisory.Group{ID: a.Group, Name: a.GroupName}
	page.Act = address(a.ID) + "/edit"
	if correcting {
		page.Act = address(a.ID) + "/correct"
	}
	return page, nil
}

func (s *Server) change(w http.ResponseWriter, r *http.Request, q *Request) error {
	a, err := s.load(r, q)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	page, err := s.editPage(q, a)
	if err != nil {
		return err
	}
	page.Form.fill(r)
	if !r.PostForm.Has("group") { // a form without the field does not mean all
		page.Form.Group.Value = groupValue(a.Group)
	}
	state, ready, err := s.registerReady(w, r, q, page)
	if err != nil || !ready {
		return err
	}
	content, err := page.Form.content()
	if err != nil {
		return s.refuseRegister(w, r, q, page, err)
	}
	keepWritten(content.Indicators, a.Indicators)
	if page.Correcting {
		err = s.correct(r, q, a.ID, &page.Form, content)
		state = advisory.Corrected
	} else {
		err = s.editAndPublish(r, q, a.ID, page.Form.Revision, content, state)
	}
	if fault.Code(err) == "advisory.changed_meanwhile" {
		return s.conflict(w, r, q, page, content, err)
	}
	if err != nil {
		return s.refuseRegister(w, r, q, page, err)
	}
	s.wake()
	f := saved(a.ID, state)
	f.Undo = "" // discarding is no way back to what it was before
	return s.done(w, r, address(a.ID), f)
}

func (s *Server) correct(r *http.Request, q *Request, id int64, f *registerForm, content advisory.Content) error {
	g, err := s.Guards.Current(r.Context())
	if err != nil {
		return err
	}
	return advisory.Correct(r.Context(), s.DB, q.Caller, g, id, f.Revision, content, f.Reason.Value)
}

// editAndPublish stores an edit; "publish" is an edit and then a publication.
func (s *Server) editAndPublish(r *http.Request, q *Request, id, revision int64, content advisory.Content, state advisory.State) error {
	to := state
	if state == advisory.Published {
		if !advisory.MayReview(q.Caller) {
			return fault.New(fault.Forbidden, "fault.forbidden")
		}
		to = advisory.InReview
	}
	if err := advisory.Edit(r.Context(), s.DB, q.Caller, id, revision, content, to); err != nil || to == state {
		return err
	}
	g, err := s.Guards.Current(r.Context())
	if err != nil {
		return err
	}
	return report.PublishAdvisory(r.Context(), s.DB, s.Mailer, q.Caller, g, id, revision+1)
}

// conflict shows what somebody else changed meanwhile. What was typed stays,
// and to save again stores it over the newest version.
func (s *Server) conflict(w http.ResponseWriter, r *http.Request, q *Request, page *registerPage, mine advisory.Content, err error) error {
	newest, e := s.load(r, q)
	if e != nil {
		return e
	}
	page.Form.Revision, page.Conflict = newest.Revision, true
	if e := q.shareWith(r.Context(), s.DB, &page.Form.Group, page.Form.with); e != nil {
		return e
	}
	mine.GroupName = page.Form.Group.chosen()
	page.Newer = changes(q.Lang, newest.Content, mine)
	page.Errors, _ = q.Refuse(err)
	return s.showRegister(w, r, q, http.StatusConflict, page)
}

// previewed is what the form's input will become.
type previewed struct {
	Found      []foundMark
	FoundCount int
	Left       int // indicators that are not listed, but taken over
	Entries    int
	Suggested  []technique.Technique // not chosen yet
	Duplicates []duplicateRow
	Personal   []personalHit
	Body       template.HTML
	Problem    string  // why the pasted text cannot be read
	Related    []int64 // links that are not among Duplicates, to be kept
	Duplicate  int64
}

type foundMark struct {
	mark
	Value   string // as the form sends it back
	Omitted bool
}

type duplicateRow struct {
	nearRow
	Duplicate, Related bool // as chosen
	CanSee             bool // "we received it too" is there for it
}

// day reads a date of the form, in Tokyo; the zero time for "".
func day(s string) (time.Time, error) {
	if s = strings.TrimSpace(s); s == "" {
		return time.Time{}, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, s, tokyo)
	if err != nil {
		return time.Time{}, fault.Wrap(err, fault.Invalid, "register.day").At("observed_at")
	}
	return t, nil
}
