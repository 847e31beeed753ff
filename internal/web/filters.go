// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"teiten/internal/blocklist"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/tlp"
)

// filtersPage makes the address of a block list for a hospital's own device
// and keeps the institution's exceptions.
type filtersPage struct {
	Head
	Errors  []FieldError
	Form    filterForm
	Formats []filterFormat
	Chosen  *filterFormat // with its address; nil when what was asked for is refused
	Address string        // of the list, with the portal's name
	File    string        // the same, to be kept as a file
	Sum     blocklist.Summary
	Skipped []skippedCount

	Exceptions []exceptionRow
	MayExcept  bool
	Except     exceptionForm
}

type filterForm struct {
	Format, Category, Age, Confidence, TLP, Expired, Own Field
}

func (f *filterForm) fields() []*Field {
	return []*Field{&f.Format, &f.Category, &f.Age, &f.Confidence, &f.TLP, &f.Expired, &f.Own}
}

type filterFormat struct {
	Slug, Name, About, Setup, Kinds, Href string
}

type skippedCount struct {
	Count  int
	Reason string
}

type exceptionRow struct {
	intel.Exception
	Key   string
	Shown string // the value, defanged
}

type exceptionForm struct{ Value, Reason Field }

func (f *exceptionForm) fields() []*Field { return []*Field{&f.Value, &f.Reason} }

func (s *Server) filters(w http.ResponseWriter, r *http.Request, q *Request) error {
	return s.showFilters(w, r, q, http.StatusOK, nil)
}

// showFilters renders the page; refused is why an exception was not taken.
func (s *Server) showFilters(w http.ResponseWriter, r *http.Request, q *Request, status int, refused error) error {
	page := &filtersPage{Head: q.Head(q.T("tools.filters.title"))}
	page.form(q)
	if err := s.chosenFilter(r, q, page); err != nil {
		var ok bool
		if page.Errors, ok = q.Refuse(err, page.Form.fields()...); !ok {
			return err
		}
		status = http.StatusBadRequest
	}
	if err := s.readExceptions(r, q, page); err != nil {
		return err
	}
	if refused != nil {
		for _, f := range page.Except.fields() {
			f.Fill(r.PostForm)
			f.Value = defanged(f.Value)
		}
		var ok bool
		if page.Errors, ok = q.Refuse(refused, page.Except.fields()...); !ok {
			return refused
		}
	}
	return s.render(w, q, status, "filters", page)
}

func (p *filtersPage) form(q *Request) {
	f := &p.Form
	f.Format = q.Field("select", "format", "tools.filters.format")
	for _, format := range blocklist.Formats() {
		f.Format.Options = append(f.Format.Options, Option{Value: format.Slug, Label: format.Name(q.Lang)})
		p.Formats = append(p.Formats, filterFormat{
			Slug: format.Slug, Name: format.Name(q.Lang), About: format.About(q.Lang),
			Kinds: kindNames(q, format.Kinds), Href: q.With("format", format.Slug) + "#result",
		})
	}
	f.Format.Value = q.Get("format")
	if f.Format.Value == "" {
		f.Format.Value = "domains"
	}
	f.Category = q.Field("checkboxes", "category", "tools.filters.category")
	for _, c := range category.All() {
		f.Category.Options = append(f.Category.Options, Option{Value: string(c), Label: c.Name(q.Lang)})
	}
	for _, v := range q.Query["category"] {
		f.Category.Values = append(f.Category.Values, strings.Split(v, ",")...)
	}
	f.Age, f.Confidence = q.Field("select", "age", "tools.filters.age"), q.Field("select", "confidence", "tools.filters.confidence")
	f.Age.Options = []Option{{Value: "", Label: q.T("tools.filters.age.any")}}
	for _, n := range []int{7, 30, 90, 365} {
		f.Age.Options = append(f.Age.Options, Option{Value: strconv.Itoa(n), Label: q.T("tools.filters.age.days", "n", n)})
	}
	f.Age.choose(q)
	f.Confidence.Options = []Option{{Value: "", Label: q.T("tools.filters.confidence.any")}}
	for _, n := range []int{30, 50, 80, 95} {
		f.Confidence.Options = append(f.Confidence.Options, Option{Value: strconv.Itoa(n), Label: q.T("tools.filters.confidence.least", "n", n)})
	}
	f.Confidence.choose(q)
	f.TLP = q.Field("select", "tlp", "tools.filters.tlp")
	f.TLP.Options = []Option{{Value: "", Label: q.T("tools.filters.tlp.any")}}
	for _, l := range tlp.Levels {
		if l <= q.Caller.Ceiling() {
			f.TLP.Options = append(f.TLP.Options, Option{Value: l.Class(), Label: q.T("tools.filters.tlp.most", "level", l.Label())})
		}
	}
	f.TLP.choose(q)
	f.Expired, f.Own = q.Field("checkbox", "include-expired", "tools.filters.expired"), q.Field("checkbox", "own", "tools.filters.own")
	for _, box := range []*Field{&f.Expired, &f.Own} {
		if yes, err := yesNo(q, box.Name); err == nil && yes {
			box.Value = "yes"
		}
	}
	p.Except = exceptionForm{q.Field("text", "value", "tools.except.value"), q.Field("text", "reason", "tools.except.reason")}
	p.Except.Value.Code, p.Except.Value.Required, p.Except.Reason.Required, p.Except.Reason.Max = true, true, true, 500
	p.MayExcept = q.Caller.OrgKind == caller.Institution && q.Caller.Is(caller.Contact) || q.Caller.Is(caller.Operator)
}

// choose takes a select's value from the address; one that is not among the
// options, typed by hand, becomes one.
func (f *Field) choose(q *Request) {
	f.Value = q.Get(f.Name)
	for _, o := range f.Options {
		if o.Value == f.Value {
			return
		}
	}
	f.Options = append(f.Options, Option{Value: f.Value, Label: shortened(f.Value)})
}

// chosenFilter makes the address that the form describes and counts what the
// list holds now.
func (s *Server) chosenFilter(r *http.Request, q *Request, p *filtersPage) error {
	list, err := readList(p.Form.Format.Value, q)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			return fault.New(fault.Invalid, "tools.filters.format.unknown").At("format")
		}
		return err
	}
	if p.Sum, err = s.count(r.Context(), q, list); err != nil {
		return err
	}
	for _, reason := range blocklist.Reasons {
		if n := p.Sum.Skipped[reason]; n > 0 {
			p.Skipped = append(p.Skipped, skippedCount{n, reason.Sentence(q.Lang)})
		}
	}
	p.Address = s.origin(r) + list.address()
	p.File = list.address() + "?download=1"
	if strings.Contains(list.address(), "?") {
		p.File = list.address() + "&download=1"
	}
	for i, f := range p.Formats {
		if f.Slug == list.Format.Slug {
			p.Chosen = &p.Formats[i]
			p.Chosen.Setup = strings.TrimSpace(list.Format.Setup(q.Lang, p.Address))
		}
	}
	return nil
}

// origin is how people reach the portal, as in "https://portal.example". The
// host is one that the portal answers to: another one did not come this far.
func (s *Server) origin(r *http.Request) string {
	if s.Secure {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}

func (s *Server) readExceptions(r *http.Request, q *Request, p *filtersPage) error {
	if q.Caller.OrgKind != caller.Institution && !p.MayExcept {
		return nil
	}
	list, err := intel.Exceptions(r.Context(), s.DB, q.Caller)
	for _, e := range list {
		v := indicator.Value{Kind: e.Kind, Value: e.Value}
		e.Reason = harmless(e.Reason)
		p.Exceptions = append(p.Exceptions, exceptionRow{e, s.keyOf(v), shown(v)})
	}
	return err
}

// keyOf names an indicator in an address without telling it: its key in the
// store.
func (s *Server) keyOf(v indicator.Value) string {
	return strconv.FormatInt(s.DB.Key(string(v.Kind), v.Value), 10)
}

// typedValue reads an indicator from a form's field "value".
func typedValue(text string) (indicator.Value, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return indicator.Value{}, fault.New(fault.Invalid, "indicator.empty").At("value")
	}
	v, ok := indicator.Recognise(text)
	if !ok {
		return indicator.Value{}, fault.New(fault.Invalid, "tools.value.unknown").At("value")
	}
	return v, nil
}

func (s *Server) exceptionAdd(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	v, err := typedValue(r.PostForm.Get("value"))
	if err == nil {
		err = intel.AddException(r.Context(), s.DB, q.Caller, v, r.PostForm.Get("reason"))
	}
	if err != nil {
		q.Path = "/filters"
		return s.showFilters(w, r, q, http.StatusUnprocessableEntity, err)
	}
	return s.done(w, r, "/filters#exceptions", Flash{Key: "tools.except.added", Undo: "/filters/exceptions/" + s.keyOf(v) + "/remove"})
}

func (s *Server) exceptionRemove(w http.ResponseWriter, r *http.Request, q *Request) error {
	list, err := intel.Exceptions(r.Context(), s.DB, q.Caller)
	if err != nil {
		return err
	}
	for _, e := range list {
		v := indicator.Value{Kind: e.Kind, Value: e.Value}
		if s.keyOf(v) != r.PathValue("key") {
			continue
		}
		if err := intel.RemoveException(r.Context(), s.DB, q.Caller, v); err != nil {
			return err
		}
		return s.done(w, r, "/filters#exceptions", Flash{Key: "tools.except.removed",
			Undo: s.keepForUndo(w, "exception", e, "/filters/exceptions/restore")})
	}
	return fault.New(fault.NotFound, "fault.not_found")
}

func (s *Server) exceptionRestore(w http.ResponseWriter, r *http.Request, q *Request) error {
	var e intel.Exception
	if err := s.undone(w, r, "exception", &e); err != nil {
		return err
	}
	v, err := indicator.Normalise(e.Kind, e.Value)
	if err != nil {
		return err
	}
	if err := intel.AddException(r.Context(), s.DB, q.Caller, v, e.Reason); err != nil {
		return err
	}
	return s.done(w, r, "/filters#exceptions", Flash{Key: "tools.except.added"})
}

// listTime bounds a list that a slow device reads.
const listTime = 30 * time.Minute
