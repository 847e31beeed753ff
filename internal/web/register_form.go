// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/fold"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/technique"
	"teiten/internal/tlp"
)

var tokyo = locale.Tokyo

const (
	previewMost = 100 // indicators that the preview lists
	suggestMost = 8
)

// registerForm makes the fields with nothing in them.
func (q *Request) registerForm() registerForm {
	f := registerForm{
		Category:   q.Field("radio", "category", "register.category"),
		NoticeKind: q.Field("select", "notice_kind", "register.notice_kind"),
		TLP:        q.Field("radio", "tlp", "register.tlp"),
		Group:      q.Field("select", "group", "register.group"),
		Anonymous:  q.Field("checkbox", "anonymous", "register.anonymous"),
		Title:      q.Field("text", "title", "register.title"),
		Body:       q.Field("textarea", "body", "register.body"),
		Paste:      q.Field("textarea", "paste", "register.paste"),
		Brand:      q.Field("text", "brand", "register.brand"),
		Products:   q.Field("textarea", "products", "register.products"),
		Observed:   q.Field("date", "observed_at", "register.observed_at"),
		Reason:     q.Field("textarea", "reason", "register.reason"),
	}
	f.Category.Required, f.Title.Required, f.Body.Required, f.TLP.Required, f.Reason.Required = true, true, true, true, true
	f.Title.Max, f.Body.Max, f.Brand.Max, f.Products.Max, f.Reason.Max = 200, 20_000, 200, 4_000, 1_000
	f.Body.Rows, f.Paste.Rows, f.Products.Rows, f.Reason.Rows = 9, 6, 2, 3
	f.Paste.Code = true
	for _, c := range category.All() {
		f.Category.Options = append(f.Category.Options, Option{string(c), c.Name(q.Lang), c.About(q.Lang)})
	}
	f.NoticeKind.Options = []Option{{Label: q.T("register.notice_kind.none")}}
	for _, k := range category.AllNotices() {
		f.NoticeKind.Options = append(f.NoticeKind.Options, Option{Value: string(k), Label: k.Name(q.Lang)})
	}
	for _, l := range tlp.Levels {
		f.TLP.Options = append(f.TLP.Options, Option{l.Class(), l.Label(), q.T("register.tlp." + l.Class())})
	}
	f.TLP.Value = tlp.AmberStrict.Class() // to share more is a decision, not an oversight
	return f
}

// take fills the form with an advisory. Indicators stand in it defanged, as
// they do everywhere; they are read back as the same.
func (f *registerForm) take(a *advisory.Advisory) {
	f.Category.Value, f.NoticeKind.Value, f.TLP.Value = string(a.Category), string(a.NoticeKind), a.TLP.Class()
	f.Group.Value = groupValue(a.Group)
	if a.Anonymous {
		f.Anonymous.Value = "yes"
	}
	f.Title.Value, f.Body.Value, f.Brand.Value, f.Products.Value = a.Title, a.Body, a.Brand, a.Products
	if !a.ObservedAt.IsZero() {
		f.Observed.Value = a.ObservedAt.In(tokyo).Format(time.DateOnly)
	}
	lines := make([]string, len(a.Indicators))
	for i, v := range a.Indicators {
		lines[i] = indicator.Defang(v.Kind, v.Value)
	}
	f.Paste.Value = strings.Join(lines, "\n")
	f.Techniques, f.Related, f.Duplicate, f.Revision = a.Techniques, a.Related, a.DuplicateOf, a.Revision
}

// content is what the form says. Its faults name the field.
func (f *registerForm) content() (advisory.Content, error) {
	level, err := tlp.Parse(f.TLP.Value)
	if err != nil {
		return advisory.Content{}, fault.From(err).At("tlp")
	}
	observed, err := day(f.Observed.Value)
	if err != nil {
		return advisory.Content{}, err
	}
	values, err := f.values()
	if err != nil {
		return advisory.Content{}, err
	}
	group, err := typedGroup(f.Group.Value)
	if err != nil {
		return advisory.Content{}, err
	}
	return advisory.Content{
		Category: category.Category(f.Category.Value), NoticeKind: category.NoticeKind(f.NoticeKind.Value), TLP: level,
		Group: group, Anonymous: f.Anonymous.Value == "yes",
		Title: f.Title.Value, Body: f.Body.Value, Brand: f.Brand.Value, Products: f.Products.Value, ObservedAt: observed,
		Techniques: slices.Clone(f.Techniques), Indicators: values, Related: slices.Clone(f.Related), DuplicateOf: f.Duplicate,
	}, nil
}

// chosen is the label of the option that is chosen; "" for the first, which is
// none in particular.
func (f *Field) chosen() string {
	for _, o := range f.Options {
		if o.Value == f.Value && o.Value != "" {
			return o.Label
		}
	}
	return ""
}

// personal finds what should not be in the text: somebody's data, and of
// anonymous information the name of the institution.
func (f *registerForm) personal() []personalHit {
	text := f.Title.Value + "\n" + f.Body.Value
	hits := personal(text)
	if f.Anonymous.Value == "yes" && f.owner != "" && strings.Contains(fold.Text(text), fold.Text(f.owner)) {
		hits = append([]personalHit{{"institution", f.owner}}, hits...)
	}
	return hits
}

// pasted are the indicators in the pasted text, each once. A line that is one
// indicator is read as such, so that what [registerForm.take] wrote comes back
// even where a text would not show that it is one.
func (f *registerForm) pasted() ([]indicator.Value, error) {
	var values []indicator.Value
	var rest strings.Builder
	for line := range strings.Lines(f.Paste.Value) {
		if v, ok := single(strings.TrimSpace(line)); ok {
			values = append(values, v)
			rest.WriteByte('\n')
		} else {
			rest.WriteString(line)
		}
	}
	found, err := indicator.ExtractLimit(rest.String(), indicator.MaxFound)
	if err != nil {
		return nil, fault.From(err).At("paste")
	}
	all := make([]indicator.Found, 0, len(values)+len(found))
	for _, v := range values {
		all = append(all, indicator.Found{Value: v})
	}
	return distinctValues(append(all, found...)), nil
}

// values are the pasted indicators without those that are not to be taken over.
func (f *registerForm) values() ([]indicator.Value, error) {
	all, err := f.pasted()
	return slices.DeleteFunc(all, func(v indicator.Value) bool {
		return slices.Contains(f.Omit, indicator.Defang(v.Kind, v.Value))
	}), err
}

// keepWritten gives indicators that were there before the form in which they
// first came: the form of an edit holds them defanged.
func keepWritten(values, before []indicator.Value) {
	for i, v := range values {
		for _, old := range before {
			if old.Kind == v.Kind && old.Value == v.Value {
				values[i].Written = old.Written
			}
		}
	}
}

// preview says what the form's input becomes.
func (s *Server) preview(ctx context.Context, q *Request, f *registerForm) (*previewed, error) {
	p := &previewed{}
	text := f.Title.Value + "\n" + f.Body.Value
	values, err := f.pasted()
	if err != nil {
		p.Problem, values = q.Lang.Fault(err), nil
	}
	p.FoundCount = len(values)
	listed := values[:min(len(values), previewMost)]
	p.Left = len(values) - len(listed)
	marks, err := s.marks(ctx, q, listed)
	if err != nil {
		return nil, err
	}
	for i, m := range marks {
		one := foundMark{mark: m, Value: indicator.Defang(listed[i].Kind, listed[i].Value)}
		one.Omitted = slices.Contains(f.Omit, one.Value)
		if m.Entry && !one.Omitted {
			p.Entries++
		}
		p.Found = append(p.Found, one)
	}
	suggested := technique.Suggest(text + "\n" + f.Paste.Value)
	for _, id := range suggested {
		if t, ok := q.vocabulary().Get(id); ok && !slices.Contains(f.Techniques, id) && len(p.Suggested) < suggestMost {
			p.Suggested = append(p.Suggested, t)
		}
	}
	p.Personal = f.personal()
	p.Body = markdown(f.Body.Value, values)
	return p, s.previewDuplicates(ctx, q, f, p, values)
}

func (s *Server) previewDuplicates(ctx context.Context, q *Request, f *registerForm, p *previewed, values []indicator.Value) error {
	near, err := s.near(ctx, q, f.except, f.Title.Value, values)
	p.Related, p.Duplicate = slices.Clone(f.Related), f.Duplicate
	for _, d := range near {
		p.Related = slices.DeleteFunc(p.Related, func(id int64) bool { return id == d.ID })
		if p.Duplicate == d.ID {
			p.Duplicate = 0
		}
		p.Duplicates = append(p.Duplicates, duplicateRow{
			nearRow:   d,
			Duplicate: f.Duplicate == d.ID, Related: slices.Contains(f.Related, d.ID),
			CanSee: advisory.MaySight(q.Caller) && (d.State == advisory.Published || d.State == advisory.Corrected),
		})
	}
	return err
}

// number64 reads a whole number of a form; 0 for anything else.
func number64(s string) int64 {
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0
	}
	return n
}
