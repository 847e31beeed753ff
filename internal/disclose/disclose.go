// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package disclose decides which counts may be shown to those who may not know
// whom they are about. A count over fewer than k institutions is shown as
// "fewer than k", and in a table whose totals are known further cells are
// withheld, so that nobody computes what was hidden from what was shown.
//
// What is hidden is hidden from other members. The ISAC's analysts and
// operators have the exact numbers, and an institution those of its own part;
// callers of this package ask first who asks. An institution that is itself
// among those counted knows one of them: of a count of k it learns that k-1
// others are in it, which with k at least 3 are never fewer than two.
//
// A count that is asked for again and again tells by its changes: when "fewer
// than 3" becomes 3, somebody was added since. No threshold prevents that.
package disclose

import (
	"encoding/json"
	"fmt"

	"teiten/internal/locale"
)

// Kind is what is counted.
type Kind int

const (
	// Sightings are institutions that received an attack too. The reader knows
	// the attack and the day; with one or two of them a rumour or a press report
	// is enough to name the victim, and few will press the button if they can be
	// named. Three is the least number at which each is hidden from each other.
	Sightings Kind = iota
	// Statistics are institutions by prefecture, beds or facility. These
	// attributes are public, so that a cell with one institution is that
	// institution. Three, as for most official statistics of establishments.
	Statistics
	// MailChecks are institutions whose staff had a mail checked. As for
	// sightings: who checks a mail has received it.
	MailChecks
	// Drills are people of a department in a drill against phishing. They are
	// people, not institutions, and their superiors know who was on duty and who
	// was on leave: ten, as is customary for results of surveys among employees.
	Drills
)

// rule is how few are too few, and of what, as the part of a message's key.
type rule struct {
	least int
	of    string
}

// rules is the one table of thresholds for everything that is counted. None
// may be below 3: with 2, "fewer than 2" is exactly 1.
var rules = map[Kind]rule{
	Sightings:  {3, "institutions"},
	Statistics: {3, "institutions"},
	MailChecks: {3, "institutions"},
	Drills:     {10, "people"},
}

// Kinds are all kinds, in the order of their constants.
var Kinds = []Kind{Sightings, Statistics, MailChecks, Drills}

// Least returns the smallest count of the kind that is shown as it is.
func Least(kind Kind) int { return rules[kind].least }

// Shown is a count as it may be shown. The zero value is the count 0.
type Shown struct {
	N        int  // the count, 0 when it is hidden
	Fewer    int  // if not 0, the count is hidden: above 0 and below this
	Withheld bool // hidden lest another be computed; it may be anything
	kind     Kind
}

// Exactly shows a count as it is, to those who may know it.
func Exactly(n int) Shown { return Shown{N: n} }

// Count shows a count by itself: 0 as 0, 1 to k-1 as "fewer than k".
func Count(kind Kind, n int) Shown { return Of(kind, n, n) }

// Of shows a count of things over so many contributors: five mails that all
// came to one hospital are five, but of fewer than three institutions.
func Of(kind Kind, n, contributors int) Shown {
	if (Cell{n, contributors}).small(kind) {
		return Shown{Fewer: Least(kind), kind: kind}
	}
	return Shown{N: n, kind: kind}
}

func withheld(kind Kind) Shown { return Shown{Withheld: true, kind: kind} }

// Hidden reports whether the number is not told.
func (s Shown) Hidden() bool { return s.Fewer != 0 || s.Withheld }

// Some reports whether there is something: of what is withheld nobody knows.
func (s Shown) Some() bool { return s.N > 0 || s.Fewer != 0 }

// Text writes the count for people: 1,234, "fewer than 3", "not shown".
func (s Shown) Text(lang locale.Lang) string {
	switch {
	case s.Withheld:
		return lang.T("disclose.withheld")
	case s.Fewer != 0:
		return lang.T("disclose.fewer."+rules[s.kind].of, "n", s.Fewer)
	default:
		return locale.Number(int64(s.N))
	}
}

// String is for logs and tests.
func (s Shown) String() string {
	switch {
	case s.Withheld:
		return "withheld"
	case s.Fewer != 0:
		return fmt.Sprintf("<%d", s.Fewer)
	default:
		return fmt.Sprint(s.N)
	}
}

// MarshalJSON writes a number, {"fewer_than": 3} or {"withheld": true}.
func (s Shown) MarshalJSON() ([]byte, error) {
	switch {
	case s.Withheld:
		return []byte(`{"withheld":true}`), nil
	case s.Fewer != 0:
		return fmt.Appendf(nil, `{"fewer_than":%d}`, s.Fewer), nil
	default:
		return json.Marshal(s.N)
	}
}

// UnmarshalJSON reads what MarshalJSON writes; the kind is lost.
func (s *Shown) UnmarshalJSON(b []byte) error {
	*s = Shown{}
	if len(b) > 0 && b[0] != '{' {
		return json.Unmarshal(b, &s.N)
	}
	var hidden struct {
		Fewer    int  `json:"fewer_than"`
		Withheld bool `json:"withheld"`
	}
	if err := json.Unmarshal(b, &hidden); err != nil {
		return err
	}
	s.Fewer, s.Withheld = hidden.Fewer, hidden.Withheld
	return nil
}
