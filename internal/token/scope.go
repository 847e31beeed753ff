// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package token

import (
	"slices"
	"strings"

	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/permit"
)

// Scope is one thing that a token allows, within what package permit allows
// machines at all.
type Scope string

const (
	ListsRead       Scope = "lists.read"       // block lists
	AdvisoriesRead  Scope = "advisories.read"  // advisories, techniques, feeds of them
	AdvisoriesWrite Scope = "advisories.write" // register an advisory
	Lookup          Scope = "lookup"
	TrendsRead      Scope = "trends.read"
	MailCheck       Scope = "mail.check"

	// Any asks for a token and for no scope of it: for what says nothing
	// about anybody, such as the description of the API. No token has it.
	Any Scope = "any"
)

// Scopes are all scopes that a token may have.
var Scopes = []Scope{ListsRead, AdvisoriesRead, AdvisoriesWrite, Lookup, TrendsRead, MailCheck}

// Name returns what the scope allows.
func (s Scope) Name(lang locale.Lang) string { return lang.T("token.scope." + string(s)) }

// Permission is what somebody must be permitted to do so that a token with
// the scope does it for her organisation.
func (s Scope) Permission() permit.Permission {
	switch s {
	case ListsRead:
		return permit.FilterRead
	case AdvisoriesRead:
		return permit.AdvisoryRead
	case AdvisoriesWrite:
		return permit.AdvisoryRegister
	case Lookup:
		return permit.SearchUse
	case TrendsRead:
		return permit.TrendRead
	case MailCheck:
		return permit.MailCheck
	default:
		return permit.HelpRead
	}
}

// checkScopes returns the scopes in the order of [Scopes], each once.
func checkScopes(asked []Scope) ([]Scope, error) {
	for _, s := range asked {
		if !slices.Contains(Scopes, s) {
			return nil, fault.New(fault.Invalid, "token.scope_unknown", "value", short(string(s)), "known", join(Scopes, ", ")).At("scopes")
		}
	}
	var kept []Scope
	for _, s := range Scopes {
		if slices.Contains(asked, s) {
			kept = append(kept, s)
		}
	}
	if len(kept) == 0 {
		return nil, fault.New(fault.Invalid, "token.scope_none", "known", join(Scopes, ", ")).At("scopes")
	}
	return kept, nil
}

func join(scopes []Scope, between string) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, between)
}

func split(stored string) []Scope {
	var all []Scope
	for _, name := range strings.Fields(stored) {
		all = append(all, Scope(name))
	}
	return all
}

// short bounds what a sentence repeats.
func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
