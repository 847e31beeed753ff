// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"slices"

	"teiten/internal/advisory"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// shareWith offers, in a select, all and the groups that the caller may share
// with; and with, the group that something is shared with already, which may be
// closed by now. Templates leave out a choice of one.
func (q *Request) shareWith(ctx context.Context, db store.Queryer, f *Field, with advisory.Group) error {
	all, err := advisory.Groups(ctx, db, q.Caller)
	if err != nil {
		return err
	}
	if with.ID != 0 && !slices.Contains(all, with) {
		all = append(all, with)
	}
	f.Options = []Option{{Label: q.T("register.group.all")}}
	for _, g := range all {
		f.Options = append(f.Options, Option{Value: groupValue(g.ID), Label: harmless(g.Name)})
	}
	return nil
}

// groupValue is a group as a form has it; "" is all.
func groupValue(id int64) string {
	if id == 0 {
		return ""
	}
	return itoa(id)
}

// typedGroup reads what a form has for a group.
func typedGroup(value string) (int64, error) {
	if value == "" {
		return 0, nil
	}
	id := number64(value)
	if id <= 0 {
		return 0, fault.New(fault.Invalid, "sharing.group").At("group")
	}
	return id, nil
}

// groupName is how a list names the group that something is for, "" for all. A
// group that the caller's organisation has left is not told by its name.
func (q *Request) groupName(id int64, name string) string {
	if id != 0 && name == "" {
		return q.T("tools.group.former")
	}
	return harmless(name)
}

// with is the options of a select and one more, if it is not among them.
func (f *Field) with(value, label string) []Option {
	if slices.ContainsFunc(f.Options, func(o Option) bool { return o.Value == value }) {
		return f.Options
	}
	return append(slices.Clip(f.Options), Option{Value: value, Label: label})
}
