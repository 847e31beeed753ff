// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package permit says what each role may do, in one table that is read by the
// program, by its tests and by people on a help page. It says what somebody
// may do at all; which information it reaches, TLP and sharing groups decide
// in the SQL of every read.
package permit

import (
	"slices"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
)

// Permission is something that a role may do or not. Its sentence is the
// locale's "permit." with the permission behind it.
type Permission string

// Name returns the sentence of a permission.
func (p Permission) Name(lang locale.Lang) string { return lang.T("permit." + string(p)) }

// Scope is how far a permission reaches.
type Scope int

const (
	// None is nowhere.
	None Scope = iota
	// Own is the caller's own organisation and what belongs to it.
	Own
	// All is every organisation; for what is shared, as far as TLP and
	// sharing groups let the caller see it.
	All
)

func (s Scope) String() string {
	switch s {
	case Own:
		return "own"
	case All:
		return "all"
	default:
		return "none"
	}
}

// Name returns the word for a scope on a page.
func (s Scope) Name(lang locale.Lang) string { return lang.T("permit.scope." + s.String()) }

// Row is a line of the table: how far a permission reaches for each role.
type Row struct {
	Permission Permission
	Scopes     [6]Scope // in the order of caller.Roles
	// Kinds are the organisations whose people have it; nil is all of them.
	// The ISAC's operators have it in any case.
	Kinds []caller.OrgKind
}

// For returns the scope of a role.
func (r Row) For(role caller.Role) Scope {
	if i := slices.Index(caller.Roles, role); i >= 0 {
		return r.Scopes[i]
	}
	return None
}

// Table returns the table, for a page that shows it. The slice is the caller's.
func Table() []Row { return slices.Clone(table) }

// Permissions returns all permissions in the order of the table.
func Permissions() []Permission {
	all := make([]Permission, len(table))
	for i, r := range table {
		all[i] = r.Permission
	}
	return all
}

// May returns how far the caller may do p. Operators and analysts are such in
// the ISAC only: elsewhere their role gives nothing. A role, a kind of
// organisation or a permission that is not known gives nothing either.
func May(c caller.Caller, p Permission) Scope {
	row, known := rows[p]
	if !known || !slices.Contains(caller.OrgKinds, c.OrgKind) {
		return None
	}
	if c.OrgKind != caller.ISAC && c.Is(caller.Operator, caller.Analyst) {
		return None
	}
	if len(row.Kinds) > 0 && !slices.Contains(row.Kinds, c.OrgKind) && !c.Is(caller.Operator) {
		return None
	}
	return row.For(c.Role)
}

// Check returns a fault unless the caller may do p at all. It is enough for
// what has no owner, and in front of a query that carries the scope itself.
func Check(c caller.Caller, p Permission) error {
	if May(c, p) == None {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	return nil
}

// CheckFor returns a fault unless the caller may do p for what belongs to the
// organisation.
func CheckFor(c caller.Caller, p Permission, org int64) error {
	switch May(c, p) {
	case All:
		return nil
	case Own:
		if org != 0 && c.Org == org {
			return nil
		}
	}
	return fault.New(fault.Forbidden, "fault.forbidden")
}

// Reach returns the arguments of the predicate by which a query finds only
// what the caller may do p with:
//
//	($n = 1 OR x.organisation_id = $n+1)
//
// Without the permission it matches nothing: no organisation has the id -1.
func Reach(c caller.Caller, p Permission) (all int, org int64) {
	switch May(c, p) {
	case All:
		return 1, c.Org
	case Own:
		if c.Org != 0 {
			return 0, c.Org
		}
	}
	return 0, -1
}

var rows = func() map[Permission]Row {
	m := make(map[Permission]Row, len(table))
	for _, r := range table {
		if _, twice := m[r.Permission]; twice {
			panic("permit: " + string(r.Permission) + " stands twice in the table")
		}
		m[r.Permission] = r
	}
	return m
}()
