// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package caller

import (
	"testing"

	"teiten/internal/fault"
	"teiten/internal/tlp"
)

func TestCeiling(t *testing.T) {
	want := map[OrgKind]tlp.Level{ISAC: tlp.AmberStrict, Institution: tlp.AmberStrict, Vendor: tlp.Amber, Outside: tlp.Green, "": -1, "x": -1}
	for kind, level := range want {
		for _, role := range append([]Role{"", "x"}, Roles...) {
			expected := level
			if kind == ISAC && (role == Operator || role == Analyst) {
				expected = tlp.Red
			}
			if got := (Caller{OrgKind: kind, Role: role}).Ceiling(); got != expected {
				t.Errorf("%s of %s: ceiling %d, want %d", role, kind, got, expected)
			}
		}
	}
	if (Caller{}).Ceiling() >= tlp.Clear {
		t.Error("the zero caller sees something")
	}
	if c := System("job"); c.Ceiling() != tlp.Red || c.Account != 0 || c.Org != 0 || c.Name != "system:job" {
		t.Errorf("the program itself: %+v", c)
	}
}

func TestNeed(t *testing.T) {
	for _, role := range Roles {
		c := Caller{Role: role}
		for _, needed := range Roles {
			if err := c.Need(needed); (err == nil) != (role == needed) || err != nil && !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s needs %s: %v", role, needed, err)
			}
		}
		if err := c.Need(Roles...); err != nil {
			t.Errorf("%s needs any: %v", role, err)
		}
		if c.Is() || c.Need() == nil {
			t.Errorf("%s is one of none", role)
		}
	}
	if (Caller{}).Is(Roles...) {
		t.Error("the zero caller has a role")
	}
}
