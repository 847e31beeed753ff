// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intel"
)

// guardPage shows what keeps honest sites out of the filters: the lists, who
// let something through although a list holds it, and, for one value, why it is
// or is not in the filters.
type guardPage struct {
	Head
	Errors    []FieldError
	May       bool // change anything here
	Effects   []effectGroup
	Values    int
	Overrules []overruleRow
	Ask       Field
	Answer    *guardAnswer
	Upload    Field
	Over      overruleForm
	Switch    string // slug of the list whose reason was refused
	Reason    Field  // of switching off
}

// effectGroup are the lists with one effect, the strongest first.
type effectGroup struct {
	Effect guard.Effect
	Lists  []intel.ListInfo
}

// Has reports whether a list of the group has the slug.
func (g effectGroup) Has(slug string) bool {
	return slug != "" && slices.ContainsFunc(g.Lists, func(l intel.ListInfo) bool { return l.Slug == slug })
}

// Off is how many lists of the group are not used.
func (g effectGroup) Off() (n int) {
	for _, l := range g.Lists {
		if !l.Enabled {
			n++
		}
	}
	return n
}

type overruleRow struct {
	guard.Overrule
	Key   string
	Shown string // the value, defanged
}

type overruleForm struct{ Value, Reason Field }

func (s *Server) guardShow(w http.ResponseWriter, r *http.Request, q *Request) error {
	page, err := s.guardPage(r, q)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "guardlists", page)
}

func (s *Server) guardPage(r *http.Request, q *Request) (*guardPage, error) {
	q.Path = "/guard"
	page := &guardPage{Head: q.Head(q.T("tools.guard.title"))}
	page.May = q.Caller.OrgKind == caller.ISAC && q.Caller.Is(caller.Operator, caller.Analyst)
	page.Ask = q.Field("text", "value", "tools.guard.ask")
	page.Ask.Code = true
	page.Upload = q.Field("file", "list", "tools.guard.upload")
	page.Upload.Accept, page.Upload.Required = ".json,.json.gz,application/json", true
	page.Over.Value, page.Over.Reason = q.Field("text", "overrule", "tools.guard.overrule.value"), q.Field("text", "reason", "tools.guard.overrule.reason")
	page.Over.Value.Code, page.Over.Value.Required, page.Over.Reason.Required, page.Over.Reason.Max = true, true, true, 500
	page.Reason = q.Field("text", "why", "tools.guard.off.reason")
	page.Reason.Required, page.Reason.Max = true, 500
	lists, err := intel.Lists(r.Context(), s.DB)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(lists, func(a, b intel.ListInfo) int { return cmp.Compare(a.Name, b.Name) })
	for _, effect := range guard.Effects {
		group := effectGroup{Effect: effect}
		for _, l := range lists {
			if l.Effect == effect {
				l.Reason = harmless(l.Reason)
				group.Lists = append(group.Lists, l)
				page.Values += l.Values
			}
		}
		if len(group.Lists) > 0 {
			page.Effects = append(page.Effects, group)
		}
	}
	overrules, err := intel.SeenOverrules(r.Context(), s.DB, q.Caller)
	for _, o := range overrules {
		v := indicator.Value{Kind: indicator.Kind(o.Kind), Value: o.Value}
		o.Reason = harmless(o.Reason)
		page.Overrules = append(page.Overrules, overruleRow{o, s.keyOf(v), shown(v)})
	}
	return page, err
}

// refuseGuard renders the page with why a form was not taken.
func (s *Server) refuseGuard(w http.ResponseWriter, r *http.Request, q *Request, why error, fill func(*guardPage) []*Field) error {
	page, err := s.guardPage(r, q)
	if err != nil {
		return err
	}
	var ok bool
	if page.Errors, ok = q.Refuse(why, fill(page)...); !ok {
		return why
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "guardlists", page)
}

// guardAnswer says why a value is, or is not, in the filters of the caller.
type guardAnswer struct {
	Shown   string   // the value, defanged
	In      bool     // as itself
	Host    bool     // its host as a whole
	HasHost bool     // its host could be
	Reasons []string // the decisive ones first
}

// guardAsk answers the question by POST: what people ask for stays out of logs
// and histories.
func (s *Server) guardAsk(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	text := r.PostForm.Get("value")
	v, err := typedValue(text)
	if err != nil {
		return s.refuseGuard(w, r, q, err, func(p *guardPage) []*Field {
			p.Ask.Value = defanged(text)
			return []*Field{&p.Ask}
		})
	}
	page, err := s.guardPage(r, q)
	if err != nil {
		return err
	}
	page.Ask.Value = defanged(text)
	page.Over.Value.Value = page.Ask.Value
	if page.Answer, err = s.answer(r, q, v); err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "guardlists", page)
}

func (s *Server) answer(r *http.Request, q *Request, v indicator.Value) (*guardAnswer, error) {
	g, err := s.Guards.Current(r.Context())
	if err != nil {
		return nil, err
	}
	hits, err := intel.Lookup(r.Context(), s.DB, s.DB.Key, q.Caller, []indicator.Value{v})
	if err != nil {
		return nil, err
	}
	excepted, err := s.excepted(r, q, v)
	if err != nil {
		return nil, err
	}
	verdict, err := intel.Judge(r.Context(), s.DB, q.Caller, g, v)
	if err != nil {
		return nil, err
	}
	hit := hits[0]
	a := &guardAnswer{Shown: shown(v), HasHost: v.Host != "" && v.Kind != indicator.Email}
	active := hit.Known && hit.Active
	a.In, a.Host = active && verdict.Entry, active && verdict.HostEntry && a.HasHost
	say := func(key string, pairs ...any) { a.Reasons = append(a.Reasons, q.T(key, pairs...)) }
	switch {
	case !hit.Known:
		say("tools.guard.unknown")
	case !hit.Active && !hit.ValidUntil.IsZero() && hit.ValidUntil.Before(q.Now):
		say("tools.guard.expired", "at", hit.ValidUntil)
	case !hit.Active:
		say("tools.guard.revoked")
	}
	for i, text := range q.reasons(verdict) {
		if e := verdict.Reasons[i].Effect; e != 0 {
			text += q.T("tools.guard.therefore", "effect", q.T("guard.effect."+e.String()))
		}
		a.Reasons = append(a.Reasons, text)
	}
	if excepted {
		say("tools.guard.excepted")
	}
	if active && len(a.Reasons) == 0 {
		say("tools.guard.active", "at", hit.ValidUntil)
	}
	return a, nil
}

// excepted reports whether the caller's institution left the value out of its
// own filters, itself or with its host.
func (s *Server) excepted(r *http.Request, q *Request, v indicator.Value) (bool, error) {
	list, err := intel.Exceptions(r.Context(), s.DB, q.Caller)
	for _, e := range list {
		switch {
		case e.Kind == v.Kind && e.Value == v.Value:
			return true, nil
		case e.Kind == indicator.Domain && (v.Host == e.Value || strings.HasSuffix(v.Host, "."+e.Value)),
			e.Value == v.Host && v.Host != "":
			return true, nil
		}
	}
	return false, err
}

// guardSwitch turns a list on or off.
func (s *Server) guardSwitch(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	slug, on, reason := r.PathValue("slug"), r.PostForm.Get("on") == "yes", r.PostForm.Get("why")
	if err := intel.SwitchList(r.Context(), s.DB, q.Caller, slug, on, reason); err != nil {
		if f := fault.From(err); f.Field == "reason" {
			err = f.At("why")
		}
		return s.refuseGuard(w, r, q, err, func(p *guardPage) []*Field {
			p.Switch, p.Reason.Value = slug, defanged(reason)
			return []*Field{&p.Reason}
		})
	}
	s.wake()
	key := map[bool]string{true: "tools.guard.on.done", false: "tools.guard.off.done"}[on]
	undo := ""
	if !on {
		undo = "/guard/lists/" + slug + "/on"
	}
	return s.done(w, r, "/guard#lists", Flash{Key: key, Undo: undo})
}

// guardOn is guardSwitch for the undo button, which sends no fields.
func (s *Server) guardOn(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := intel.SwitchList(r.Context(), s.DB, q.Caller, r.PathValue("slug"), true, ""); err != nil {
		return err
	}
	s.wake()
	return s.done(w, r, "/guard#lists", Flash{Key: "tools.guard.on.done"})
}

// guardUpload stores a list in MISP's format. It is read as it arrives.
func (s *Server) guardUpload(w http.ResponseWriter, r *http.Request, q *Request) error {
	part, err := filePart(r, "list")
	if err != nil {
		return err
	}
	if part == nil {
		return s.refuseGuard(w, r, q, fault.New(fault.Invalid, "tools.file.missing").At("list"),
			func(p *guardPage) []*Field { return []*Field{&p.Upload} })
	}
	list, err := intel.AddList(r.Context(), s.DB, q.Caller, part)
	if err != nil {
		f := fault.From(err)
		return s.refuseGuard(w, r, q, f.At("list"), func(p *guardPage) []*Field { return []*Field{&p.Upload} })
	}
	s.wake()
	return s.done(w, r, "/guard#lists", Flash{Key: "tools.guard.uploaded", Args: map[string]string{
		"name": shortened(list.Name), "n": strconv.Itoa(list.Values.Len()), "skipped": strconv.Itoa(list.Skipped)}})
}

// filePart finds the file of a form without storing anything of it; nil when
// none was chosen. Fields that stand before it are read and dropped.
func filePart(r *http.Request, name string) (*multipart.Part, error) {
	form, err := r.MultipartReader()
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "web.bad_form")
	}
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		if err != nil {
			return nil, bodyFault(err)
		}
		if part.FormName() == name && part.FileName() != "" {
			return part, nil
		}
	}
}

func (s *Server) overruleAdd(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	text, reason := r.PostForm.Get("overrule"), r.PostForm.Get("reason")
	v, err := typedValue(text)
	if err == nil {
		err = intel.Overrule(r.Context(), s.DB, q.Caller, v, reason)
	}
	if err != nil {
		if f := fault.From(err); f.Field == "value" {
			err = f.At("overrule")
		}
		return s.refuseGuard(w, r, q, err, func(p *guardPage) []*Field {
			p.Over.Value.Value, p.Over.Reason.Value = defanged(text), defanged(reason)
			return []*Field{&p.Over.Value, &p.Over.Reason}
		})
	}
	s.wake()
	return s.done(w, r, "/guard#overrules", Flash{Key: "tools.guard.overrule.added", Undo: "/guard/overrules/" + s.keyOf(v) + "/remove"})
}

func (s *Server) overruleRemove(w http.ResponseWriter, r *http.Request, q *Request) error {
	list, err := intel.SeenOverrules(r.Context(), s.DB, q.Caller)
	if err != nil {
		return err
	}
	for _, o := range list {
		v := indicator.Value{Kind: indicator.Kind(o.Kind), Value: o.Value}
		if s.keyOf(v) != r.PathValue("key") {
			continue
		}
		if err := intel.RemoveOverrule(r.Context(), s.DB, q.Caller, v); err != nil {
			return err
		}
		s.wake()
		return s.done(w, r, "/guard#overrules", Flash{Key: "tools.guard.overrule.removed",
			Undo: s.keepForUndo(w, "overrule", o, "/guard/overrules/restore")})
	}
	return fault.New(fault.NotFound, "fault.not_found")
}

func (s *Server) overruleRestore(w http.ResponseWriter, r *http.Request, q *Request) error {
	var o guard.Overrule
	if err := s.undone(w, r, "overrule", &o); err != nil {
		return err
	}
	v, err := indicator.Normalise(indicator.Kind(o.Kind), o.Value)
	if err != nil {
		return err
	}
	if err := intel.Overrule(r.Context(), s.DB, q.Caller, v, o.Reason); err != nil {
		return err
	}
	s.wake()
	return s.done(w, r, "/guard#overrules", Flash{Key: "tools.guard.overrule.added"})
}
