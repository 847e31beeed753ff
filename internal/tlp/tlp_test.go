// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package tlp

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"teiten/internal/fault"
)

func TestParse(t *testing.T) {
	for s, want := range map[string]Level{
		"TLP:CLEAR": Clear, "clear": Clear, "TLP:WHITE": Clear, " green ": Green, "tlp:amber": Amber, "TLP: AMBER": Amber,
		"AMBER+STRICT": AmberStrict, "amber-strict": AmberStrict, "TLP:AMBER_STRICT": AmberStrict, "AMBER + STRICT": AmberStrict, "Red": Red,
	} {
		if got, err := Parse(s); err != nil || got != want {
			t.Errorf("Parse(%q) = %v, %v; want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", "TLP:", "BLUE", "AMBER+", "STRICT", "0", "TLP:TLP:RED", "赤", strings.Repeat("長", 1000)} {
		got, err := Parse(s)
		if !fault.Is(err, fault.Invalid) || got != Red {
			t.Errorf("Parse(%.20q) = %v, %v; want RED and a fault", s, got, err)
		}
		if shown := fault.From(err).Args["value"].(string); !utf8.ValidString(shown) || utf8.RuneCountInString(shown) > 41 {
			t.Errorf("Parse(%.20q) shows %q", s, shown)
		}
	}
}

func TestForms(t *testing.T) {
	classes := map[string]bool{}
	for i, l := range Levels {
		if int(l) != i {
			t.Errorf("%v is not in its place", l)
		}
		for _, form := range []string{l.String(), l.Label(), l.Class()} {
			if back, err := Parse(form); err != nil || back != l {
				t.Errorf("%v as %q is read as %v, %v", l, form, back, err)
			}
		}
		classes[l.Class()] = true
		b, err := json.Marshal(map[string]Level{"tlp": l})
		var back map[string]Level
		if err == nil {
			err = json.Unmarshal(b, &back)
		}
		if err != nil || back["tlp"] != l {
			t.Errorf("%v as JSON: %s, %v", l, b, err)
		}
	}
	if len(classes) != 5 || !slices.IsSorted(Levels) {
		t.Errorf("classes %v", classes)
	}
	for _, l := range []Level{-1, 5, 99} { // what is unknown is narrow
		if l.String() != "RED" {
			t.Errorf("%d is %s", int(l), l)
		}
	}
	var l Level
	if err := json.Unmarshal([]byte(`"PURPLE"`), &l); err == nil || l != Red {
		t.Errorf("an unknown label is %v, %v", l, err)
	}
}
