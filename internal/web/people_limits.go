// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"teiten/internal/auth"
	"teiten/internal/caller"
)

// limitsPage says how long people stay signed in.
type limitsPage struct {
	Head
	Errors []FieldError
	Form   limitsForm
}

// limitsForm has a field for everybody, one for each role that may differ, and
// the end of every session.
type limitsForm struct {
	Idle, Absolute Field
	Roles          []Field
}

func (f *limitsForm) fields() []*Field {
	all := []*Field{&f.Idle, &f.Absolute}
	for i := range f.Roles {
		all = append(all, &f.Roles[i])
	}
	return all
}

// What the page offers; the command line takes every time between the least
// and the most.
var (
	idleTimes     = []time.Duration{5 * time.Minute, 10 * time.Minute, 15 * time.Minute, 30 * time.Minute, time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour}
	absoluteTimes = []time.Duration{time.Hour, 2 * time.Hour, 4 * time.Hour, 8 * time.Hour, 12 * time.Hour, 24 * time.Hour}
)

// limitsForm shows the limits in force, also those that only the command line
// sets.
func (q *Request) limitsForm(l auth.Limits) limitsForm {
	choose := func(name, key string, now time.Duration, offered []time.Duration) Field {
		f := q.Field("select", name, key)
		if now != 0 && !slices.Contains(offered, now) {
			offered = append(slices.Clone(offered), now)
			slices.Sort(offered)
		}
		for _, d := range offered {
			f.Options = append(f.Options, Option{Value: minutes(d), Label: q.period(d)})
		}
		f.Value = minutes(now)
		return f
	}
	f := limitsForm{Idle: choose("idle", "limits.idle", l.Idle, idleTimes), Absolute: choose("absolute", "limits.absolute", l.Absolute, absoluteTimes)}
	for _, role := range caller.Roles {
		if role == caller.Machine { // does not sign in
			continue
		}
		one := choose(auth.IdleField(role), "limits.idle", l.Roles[role], idleTimes)
		one.Label, one.Hint = q.T("web.role."+string(role)), ""
		one.Options = append([]Option{{Label: q.T("limits.same")}}, one.Options...)
		f.Roles = append(f.Roles, one)
	}
	return f
}

// minutes is a time as the form has it; "" is none of its own.
func minutes(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatFloat(d.Minutes(), 'f', -1, 64)
}

// period is a length of time in whole minutes, in words: 90 分, 8 時間.
func (q *Request) period(d time.Duration) string {
	if d%time.Hour == 0 {
		return q.T("span.hours", "n", int(d/time.Hour))
	}
	return q.T("span.minutes", "n", int(d.Round(time.Minute)/time.Minute))
}

// typedLimits reads the form. What is no number is 0, which the limits refuse.
func typedLimits(values url.Values) auth.Limits {
	read := func(name string) time.Duration {
		m, err := strconv.ParseFloat(values.Get(name), 64)
		if err != nil || !(m > 0 && m < 1e6) {
			return 0
		}
		return time.Duration(m * float64(time.Minute))
	}
	l := auth.Limits{Idle: read("idle"), Absolute: read("absolute"), Roles: map[caller.Role]time.Duration{}}
	for _, role := range caller.Roles {
		if name := auth.IdleField(role); values.Get(name) != "" {
			l.Roles[role] = read(name)
		}
	}
	return l
}

func (s *Server) limits(w http.ResponseWriter, r *http.Request, q *Request) error {
	l, err := auth.ReadLimits(r.Context(), s.DB)
	if err != nil {
		return err
	}
	return s.render(w, q, http.StatusOK, "limits", q.limitsPage(l))
}

func (q *Request) limitsPage(l auth.Limits) *limitsPage {
	return &limitsPage{Head: q.Head(q.T("limits.title"), underManage(q, Crumb{"/people", q.T("people.title")})...), Form: q.limitsForm(l)}
}

func (s *Server) limitsSet(w http.ResponseWriter, r *http.Request, q *Request) error {
	if err := parseForm(r); err != nil {
		return err
	}
	l := typedLimits(r.PostForm)
	err := auth.SetLimits(r.Context(), s.DB, q.Caller, l)
	if err == nil {
		return s.done(w, r, "/people/limits", Flash{Key: "limits.set"})
	}
	now, read := auth.ReadLimits(r.Context(), s.DB)
	if read != nil {
		return read
	}
	page := q.limitsPage(now)
	for _, f := range page.Form.fields() {
		f.Fill(r.PostForm)
	}
	var ok bool
	if page.Errors, ok = q.Refuse(err, page.Form.fields()...); !ok {
		return err
	}
	return s.render(w, q, http.StatusUnprocessableEntity, "limits", page)
}
