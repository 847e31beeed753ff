// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"maps"
	"strings"
	"time"

	"teiten/internal/fault"
	"teiten/internal/indicator"
)

// Overrule lets one indicator through although a list holds it. A domain or
// address that is let through is so for host lists as well, and for the URLs
// and mail addresses on that very host; names below it are not.
type Overrule struct {
	Kind   string // a kind of package indicator
	Value  string // normalised
	By     string // who decided
	At     time.Time
	Reason string // why, for the others
}

type subject struct {
	kind  indicator.Kind
	value string
}

// With returns a guard that also heeds the overrules; a later one replaces an
// earlier one on the same indicator. Nothing is let through without a name, a
// date and a reason. The receiver does not change.
func (g *Guard) With(overrules []Overrule) (*Guard, error) {
	more := *g
	more.overrules = maps.Clone(g.overrules)
	if more.overrules == nil {
		more.overrules = make(map[subject]Overrule, len(overrules))
	}
	for i, o := range overrules {
		switch {
		case o.Kind == "" || o.Value == "":
			return nil, fault.New(fault.Invalid, "guard.overrule_what", "index", i).At("value")
		case strings.TrimSpace(o.By) == "" || o.At.IsZero():
			return nil, fault.New(fault.Invalid, "guard.overrule_who", "index", i).At("by")
		case strings.TrimSpace(o.Reason) == "":
			return nil, fault.New(fault.Invalid, "guard.overrule_why", "index", i).At("reason")
		}
		more.overrules[subject{indicator.Kind(o.Kind), o.Value}] = o
	}
	return &more, nil
}
