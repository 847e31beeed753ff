// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist

import (
	"context"
	"strings"
	"time"

	"teiten/internal/caller"
	"teiten/internal/intel"
	"teiten/internal/locale"
	"teiten/internal/store"
)

// Select completes a selection by what the format takes: its kinds of
// indicators, their order, and whether single pages are of use.
func (f Format) Select(s intel.Selection) intel.Selection {
	s.Kinds, s.Pages, s.ByHost = f.Kinds, f.Pages, f.Order == ByHost
	return s
}

// Entries gives the indicators of a selection, which Select completed, that
// the caller may see, as Write takes them.
func Entries(ctx context.Context, q store.Queryer, c caller.Caller, s intel.Selection, today time.Time) Source {
	return func(yield func(Entry, error) bool) {
		for e, err := range intel.Entries(ctx, q, c, s, today) {
			out := Entry{Kind: e.Kind, Value: e.Value, Host: e.Host, HostBlocked: e.HostBlocked,
				Category: string(e.Category), Brand: e.Brand, Confidence: e.Confidence,
				FirstSeen: e.FirstSeen, LastSeen: e.LastSeen, ValidUntil: e.ValidUntil, TLP: e.TLP}
			if !yield(out, err) {
				return
			}
		}
	}
}

// Scope says in words what is selected, for the head of a list.
func Scope(s intel.Selection, lang locale.Lang) string {
	comma := lang.T("blocklist.comma")
	var names []string
	for _, c := range s.Categories {
		names = append(names, c.Name(lang))
	}
	if len(names) == 0 {
		names = []string{lang.T("blocklist.scope.all")}
	}
	parts := []string{strings.Join(names, comma)}
	if s.MaxAge > 0 {
		parts = append(parts, lang.T("blocklist.scope.age", "n", s.MaxAge))
	}
	if s.MinConfidence > 0 {
		parts = append(parts, lang.T("blocklist.scope.confidence", "n", s.MinConfidence))
	}
	if s.MaxTLP != nil {
		parts = append(parts, lang.T("blocklist.scope.tlp", "level", s.MaxTLP.Label()))
	}
	if s.IncludeExpired {
		parts = append(parts, lang.T("blocklist.scope.expired"))
	}
	if s.Own {
		parts = append(parts, lang.T("blocklist.scope.own"))
	}
	return strings.Join(parts, comma)
}
