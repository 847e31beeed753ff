// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"teiten/internal/fault"
)

// Field is one field of a form with all that people need to fill it in. The
// part "field" shows it: label, required mark, hint, error, control.
type Field struct {
	Name     string
	Kind     string // text, search, email, number, date, textarea, select, radio, checkbox, checkboxes, file, hidden
	Label    string
	Hint     string
	Value    string
	Values   []string // of checkboxes
	Error    string   // what is wrong, as a sentence
	Required bool
	Rows     int    // of a textarea
	Max      int    // most characters; 0 is no limit
	Accept   string // of a file: as the HTML attribute
	Code     bool   // addresses and hashes: fixed pitch, no spelling check, not translated
	Autofill string // as the HTML attribute autocomplete; "" is "off"
	Options  []Option
}

// Option is one choice of a select, of radios or of checkboxes.
type Option struct{ Value, Label, Hint string }

// Field makes a field whose label is the sentence key and whose hint is
// key+".hint" if that exists.
func (q *Request) Field(kind, name, key string) Field {
	f := Field{Name: name, Kind: kind, Label: q.T(key)}
	if hint := q.T(key + ".hint"); hint != "["+key+".hint]" {
		f.Hint = hint
	}
	return f
}

// Fill takes the field's value from a form or from the address.
func (f *Field) Fill(values url.Values) {
	f.Value = values.Get(f.Name)
	f.Values = values[f.Name]
}

// ID is the control's id, which labels and the error summary point at.
func (f Field) ID() string { return "f-" + f.Name }

// Described lists the ids of the hint and the error, for aria-describedby.
func (f Field) Described() string {
	var ids []string
	if f.Hint != "" {
		ids = append(ids, f.ID()+"-hint")
	}
	if f.Error != "" {
		ids = append(ids, f.ID()+"-error")
	}
	return strings.Join(ids, " ")
}

// Has reports whether the option is chosen.
func (f Field) Has(value string) bool {
	if f.Kind == "checkboxes" {
		return slices.Contains(f.Values, value)
	}
	return f.Value == value
}

// Group reports whether the field is several controls under one legend.
func (f Field) Group() bool { return f.Kind == "radio" || f.Kind == "checkboxes" }

// FieldError is one line of the summary at the top of a refused form.
type FieldError struct {
	ID   string // of the control, or "" when the whole form is refused
	Text string
}

// Refuse puts a noun's refusal at the field it names and returns the summary.
// It reports false for an error that is not about the input (of another kind
// than Invalid, Conflict or TooLarge); the handler returns that one.
func (q *Request) Refuse(err error, fields ...*Field) ([]FieldError, bool) {
	f := fault.From(err)
	if f == nil || f.Kind != fault.Invalid && f.Kind != fault.Conflict && f.Kind != fault.TooLarge {
		return nil, false
	}
	text := q.Lang.Fault(f)
	for _, field := range fields {
		if field.Name == f.Field {
			field.Error = text
			return []FieldError{{ID: field.ID(), Text: text}}, true
		}
	}
	return []FieldError{{Text: text}}, true
}

// Summary lists the errors that stand at the fields already.
func Summary(fields ...*Field) []FieldError {
	var list []FieldError
	for _, f := range fields {
		if f.Error != "" {
			list = append(list, FieldError{ID: f.ID(), Text: f.Error})
		}
	}
	return list
}

// Pager leads through a long list by keyset: each address holds the place after
// which to go on, so that new entries neither repeat nor hide others.
type Pager struct {
	Shown int    // on this page
	Total int64  // in the list; 0 if it was not counted
	First string // address of the beginning, or "" on the first page
	Next  string // address of the next page, or ""
}

// Pager makes the links from the place after the last entry shown; "" ends.
func (q *Request) Pager(shown int, total int64, after string) Pager {
	p := Pager{Shown: shown, Total: total}
	if q.Get("after") != "" {
		p.First = q.With()
	}
	if after != "" {
		p.Next = q.With("after", after)
	}
	return p
}

// Tab is one view of the same page.
type Tab struct {
	Href, Name string
	Count      int64 // shown if Counted
	Counted    bool
	Current    bool
}

// DiffPart is a run of text in a comparison: "same", "ins" or "del".
type DiffPart struct{ Kind, Text string }

// Progress is work under way. Percent is Done of Total, or 0 while Total is unknown.
type Progress struct {
	Label       string
	Done, Total int64
}

// confirmPage asks before a change, for a browser without JavaScript; with it,
// a dialog asks and the form comes with the answer.
type confirmPage struct {
	Head
	Question string
	Button   string
	Danger   bool
	Back     string
	Hidden   []hidden
}

type hidden struct{ Name, Value string }

// confirmed reports whether the person has said yes. If not, the page that asks
// is rendered, which posts the same form again with the answer, and the handler
// returns the error. In the template the button carries data-confirm="question".
func (s *Server) confirmed(w http.ResponseWriter, r *http.Request, q *Request, question, button, back string, danger bool) (bool, error) {
	if err := parseForm(r); err != nil {
		return false, err
	}
	if r.PostForm.Get("confirm") == "yes" {
		return true, nil
	}
	page := &confirmPage{Head: q.Head(q.T("web.confirm.title")), Question: question, Button: button, Danger: danger, Back: local(back)}
	names := make([]string, 0, len(r.PostForm))
	for name := range r.PostForm {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range r.PostForm[name] {
			page.Hidden = append(page.Hidden, hidden{name, v})
		}
	}
	return false, s.render(w, q, http.StatusOK, "confirm", page)
}
