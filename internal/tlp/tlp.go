// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package tlp is the Traffic Light Protocol, version 2.0 (FIRST, August 2022):
// who may see what, in one order from the widest to the narrowest.
package tlp

import (
	"strings"

	"teiten/internal/fault"
)

// Level is a TLP 2.0 label. A higher level is shared more narrowly, so that
// "visible" is a comparison, in Go and in SQL.
type Level int

const (
	Clear       Level = iota // the world
	Green                    // the community: members, vendors and outside bodies of the portal
	Amber                    // members and their clients who need to know: here, their vendors
	AmberStrict              // member institutions only
	Red                      // the source and the ISAC's analysts only
)

// Levels are all levels, the widest first.
var Levels = []Level{Clear, Green, Amber, AmberStrict, Red}

var names = [...]string{"CLEAR", "GREEN", "AMBER", "AMBER+STRICT", "RED"}

// String returns the label without its prefix, as in "AMBER+STRICT".
func (l Level) String() string {
	if l < Clear || l > Red {
		return "RED"
	}
	return names[l]
}

// Label returns the label as the standard prints it: "TLP:AMBER+STRICT".
func (l Level) Label() string { return "TLP:" + l.String() }

// Class returns a name for style sheets and addresses: "amber-strict".
func (l Level) Class() string {
	return strings.ReplaceAll(strings.ToLower(l.String()), "+", "-")
}

// Parse reads a label in any case, with or without "TLP:", with "+", "-" or
// "_" in AMBER+STRICT; WHITE, of version 1.0, is CLEAR.
func Parse(s string) (Level, error) {
	t := strings.ToUpper(strings.TrimSpace(s))
	t = strings.TrimPrefix(t, "TLP:")
	t = strings.NewReplacer("-", "+", "_", "+", " ", "").Replace(t)
	if t == "WHITE" {
		return Clear, nil
	}
	for i, name := range names {
		if t == name {
			return Level(i), nil
		}
	}
	return Red, fault.New(fault.Invalid, "tlp.unknown", "value", short(s))
}

// MarshalText and UnmarshalText make JSON carry the label.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

func (l *Level) UnmarshalText(b []byte) (err error) {
	*l, err = Parse(string(b))
	return err
}

func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
