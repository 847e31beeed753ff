// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/feed"
	"teiten/internal/tlp"
)

// collectorsPage keeps the feeds from which drafts for the analysts come.
type collectorsPage struct {
	Head
	Errors []FieldError
	Form   collectorForm
	List   []collectorRow
	Test   *collectorTest // what the test button found
}

type collectorForm struct{ Name, URL, Every, TLP, Group Field }

func (f *collectorForm) fields() []*Field {
	return []*Field{&f.Name, &f.URL, &f.Every, &f.TLP, &f.Group}
}

// collectorRow is a collector with its state in words.
type collectorRow struct {
	feed.Collector
	Interval string
	Shared   string // see groupName
	Why      string // the last error, or ""
	Edit     collectorForm
	Open     bool // the form to change it was refused
}

// collectorTest is what a feed would bring. Nothing of it is stored.
type collectorTest struct {
	URL      string
	Title    string
	Items    []collectorItem
	Total    int
	Problems []string
	Why      string // it failed
}

type collectorItem struct {
	Title    string
	At       time.Time
	Category category.Category
	Notice   string
	Because  string
}

const (
	testItems    = 10
	testProblems = 5
	testTime     = 45 * time.Second
)

func (s *Server) collectors(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.collectorsPage(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "collectors", page)
}

func (s *Server) collectorsPage(r *http.Request, q *Request) (*collectorsPage, error) {
	q.Path = "/collectors"
	page := &collectorsPage{Head: q.Head(q.T("tools.collectors.title")), Form: q.collectorForm("")}
	page.Form.Every.Value, page.Form.TLP.Value = "60", tlp.Clear.Class()
	if err := q.shareWith(r.Context(), s.DB, &page.Form.Group, advisory.Group{}); err != nil {
		return nil, err
	}
	list, err := feed.Collectors(r.Context(), s.DB, q.Caller)
	for _, c := range list {
		row := collectorRow{Collector: *c, Interval: q.duration(c.Every), Shared: q.groupName(c.Group, c.GroupName), Edit: q.collectorForm("-" + itoa(c.ID))}
		if failure := c.Failure(); failure != nil {
			row.Why = q.Lang.Fault(failure)
		}
		row.Edit.Name.Value, row.Edit.URL.Value = c.Name, c.URL
		row.Edit.Every.Value, row.Edit.TLP.Value = strconv.Itoa(int(c.Every/time.Minute)), c.TLP.Class()
		row.Edit.Group.Value = groupValue(c.Group)
		row.Edit.Group.Options = page.Form.Group.with(groupValue(c.Group), row.Shared)
		page.List = append(page.List, row)
	}
	return page, err
}

// collectorForm has the fields of a collector; suffix keeps those of several
// forms on one page apart.
func (q *Request) collectorForm(suffix string) collectorForm {
	f := collectorForm{
		Name: q.Field("text", "name"+suffix, "tools.collectors.name"), URL: q.Field("text", "url"+suffix, "tools.collectors.url"),
		Every: q.Field("select", "every"+suffix, "tools.collectors.every"), TLP: q.Field("select", "tlp"+suffix, "tools.collectors.tlp"),
		Group: q.Field("select", "group"+suffix, "register.group"),
	}
	f.Name.Required, f.Name.Max, f.URL.Required, f.URL.Max, f.URL.Code = true, 100, true, 1000, true
	for _, minutes := range []int{15, 30, 60, 180, 360, 720, 1440} {
		f.Every.Options = append(f.Every.Options, Option{Value: strconv.Itoa(minutes), Label: q.duration(time.Duration(minutes) * time.Minute)})
	}
	for _, l := range tlp.Levels {
		f.TLP.Options = append(f.TLP.Options, Option{Value: l.Class(), Label: l.Label() + " " + q.T("web.tlp."+l.Class())})
	}
	return f
}

// typedCollector reads the form's values.
func typedCollector(values url.Values, suffix string) (c feed.Collector, err error) {
	c.Name, c.URL = values.Get("name"+suffix), values.Get("url"+suffix)
	minutes, err := strconv.Atoi(values.Get("every" + suffix))
	if err != nil || minutes <= 0 {
		return c, fault.New(fault.Invalid, "feed.every", "least", int(feed.MinInterval.Minutes()), "most", 7*24*60).At("every")
	}
	c.Every = time.Duration(minutes) * time.Minute
	if c.TLP, err = tlp.Parse(values.Get("tlp" + suffix)); err != nil {
		return c, fault.From(err).At("tlp")
	}
	c.Group, err = typedGroup(values.Get("group" + suffix))
	return c, err
}

// refuseCollector renders the page with why a form was not taken.
func (s *Server) refuseCollector(w http.ResponseWriter, r *http.Request, q *Request, why error, id int64) error {
	page, err := s.collectorsPage(r, q)
	if err != nil {
		return err
	}
	form, suffix := &page.Form, ""
	for i := range page.List {
		if page.List[i].ID == id {
			form, suffix, page.List[i].Open = &page.List[i].Edit, "-"+itoa(id), true
		}
	}
	for _, f := range form.fields() {
		if r.PostForm.Has(f.Name) {
			f.Fill(r.PostForm)
		}
	}
	if f := fault.From(why); f.Field != "" {
		named := *f
		why = named.At(f.Field + suffix)
	}
	var ok bool
	if page.Errors, ok = q.Refuse(why, form.fields()...); !ok {
		return why
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "collectors", page)
}

func (s *Server) collectorAdd(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	if r.PostForm.Get("do") == "test" {
		return s.collectorTest(w, r, q, r.PostForm.Get("url"))
	}
	c, err := typedCollector(r.PostForm, "")
	c.Enabled = true
	if err == nil {
		_, err = feed.Add(r.Context(), s.DB, q.Caller, c)
	}
	if err != nil {
		return s.refuseCollector(w, r, q, err, 0)
	}
	s.wake()
	return s.done(w, r, "/collectors", Flash{Key: "tools.collectors.added"})
}

func collectorID(r *http.Request) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return 0, fault.Wrap(err, fault.NotFound, "fault.not_found")
	}
	return id, nil
}

func (s *Server) collectorChange(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := collectorID(r)
	if err != nil {
		return err
	}
	if err := parseForm(r); err != nil {
		return err
	}
	c, err := typedCollector(r.PostForm, "-"+itoa(id))
	c.ID = id
	if err == nil && !r.PostForm.Has("group-"+itoa(id)) { // a form without the field does not mean all
		var now *feed.Collector
		if now, err = feed.FindCollector(r.Context(), s.DB, q.Caller, id); err == nil {
			c.Group = now.Group
		}
	}
	if err == nil {
		err = feed.Change(r.Context(), s.DB, q.Caller, c)
	}
	if err != nil {
		return s.refuseCollector(w, r, q, err, id)
	}
	return s.done(w, r, "/collectors", Flash{Key: "tools.collectors.changed"})
}

// collectorSwitch turns a collector on or off, each of which undoes the other.
func (s *Server) collectorSwitch(on bool) handler {
	return func(w http.ResponseWriter, r *http.Request, q *Request) error {
		id, err := collectorID(r)
		if err != nil {
			return err
		}
		if err := feed.SetEnabled(r.Context(), s.DB, q.Caller, id, on); err != nil {
			return err
		}
		s.wake()
		flash := Flash{Key: "tools.collectors.off.done", Undo: "/collectors/" + itoa(id) + "/on"}
		if on {
			flash = Flash{Key: "tools.collectors.on.done", Undo: "/collectors/" + itoa(id) + "/off"}
		}
		return s.done(w, r, "/collectors", flash)
	}
}

func (s *Server) collectorRun(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := collectorID(r)
	if err != nil {
		return err
	}
	if err := feed.RunNow(r.Context(), s.DB, q.Caller, id); err != nil {
		return err
	}
	s.wake()
	return s.done(w, r, "/collectors", Flash{Key: "tools.collectors.running"})
}

func (s *Server) collectorRemove(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := collectorID(r)
	if err != nil {
		return err
	}
	yes, err := s.confirmed(w, r, q, q.T("tools.collectors.remove.ask"), q.T("tools.collectors.remove"), "/collectors", true)
	if err != nil || !yes {
		return err
	}
	if err := feed.Remove(r.Context(), s.DB, q.Caller, id); err != nil {
		return err
	}
	return s.done(w, r, "/collectors", Flash{Key: "tools.collectors.removed"})
}

// collectorTry tests a collector that is there.
func (s *Server) collectorTry(w http.ResponseWriter, r *http.Request, q *Request) error {
	id, err := collectorID(r)
	if err != nil {
		return err
	}
	c, err := feed.FindCollector(r.Context(), s.DB, q.Caller, id)
	if err != nil {
		return err
	}
	return s.collectorTest(w, r, q, c.URL)
}

// collectorTest fetches a feed and shows what it would bring.
func (s *Server) collectorTest(w http.ResponseWriter, r *http.Request, q *Request, address string) error {
	if !feed.MayCollect(q.Caller) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	result, err := feed.Try(r.Context(), s.Client, address)
	if f := fault.From(err); f != nil && f.Field != "" {
		return s.refuseCollector(w, r, q, err, 0)
	}
	page, wrong := s.collectorsPage(r, q)
	if wrong != nil {
		return wrong
	}
	for _, f := range page.Form.fields() {
		if r.PostForm.Has(f.Name) {
			f.Fill(r.PostForm)
		}
	}
	page.Test = &collectorTest{URL: address}
	if err != nil {
		page.Test.Why = q.Lang.Fault(err)
	} else if result.Feed != nil {
		page.Test.read(q, result.Feed)
	}
	return s.render(w, q, http.StatusOK, "collectors", page)
}

func (t *collectorTest) read(q *Request, f *feed.Feed) {
	t.Title, t.Total = harmless(f.Title), len(f.Items)
	for _, it := range f.Items[:min(len(f.Items), testItems)] {
		suggested := feed.Suggest(it)
		item := collectorItem{Title: harmless(shortened(it.Title)), At: it.Published, Category: category.Category(suggested.Category), Because: harmless(suggested.Because)}
		if suggested.NoticeKind != "" {
			item.Notice = category.NoticeKind(suggested.NoticeKind).Name(q.Lang)
		}
		t.Items = append(t.Items, item)
	}
	for _, p := range f.Problems[:min(len(f.Problems), testProblems)] {
		t.Problems = append(t.Problems, q.Lang.Fault(p.Reason))
	}
}
