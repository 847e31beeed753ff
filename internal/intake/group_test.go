// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"strings"
	"testing"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

// What is imported for a group is its members' alone until it is imported for
// all as well: those are other rows.
func TestImportForAGroup(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		p := membertest.Register(t, db)
		group, err := member.AddGroup(ctx, db, p.Operator, "県内病院", "試験")
		if err == nil {
			err = member.JoinGroup(ctx, db, p.Operator, group, p.ContactA.Org)
		}
		if err != nil {
			t.Fatal(err)
		}
		const list = "https://evil.example/login\n"
		load := func(group int64) (Summary, error) {
			o := Defaults(Text)
			o.TLP, o.Group = tlp.Green, group
			return File(ctx, db, p.Analyst, guard.New(nil), o, "list.txt", strings.NewReader(list))
		}
		v, err := indicator.Normalise(indicator.URL, "https://evil.example/login")
		if err != nil {
			t.Fatal(err)
		}
		sees := func(why string, a, b bool) {
			t.Helper()
			for _, want := range []struct {
				who  string
				sees bool
			}{{"甲病院 contact", a}, {"乙病院 contact", b}, {"見本ISAC analyst", true}} {
				p.Each(func(name string, c caller.Caller) {
					if name != want.who {
						return
					}
					hits, err := intel.Lookup(ctx, db, db.Key, c, []indicator.Value{v})
					if err != nil || hits[0].Known != want.sees || (hits[0].Observations > 0) != want.sees {
						t.Errorf("%s: %s is told %+v, %v", why, name, hits[0], err)
					}
				})
			}
		}
		s, err := load(group)
		if err != nil || s.Added != 1 {
			t.Fatalf("%+v, %v", s.Counts, err)
		}
		sees("for the group", true, false)
		if r, _, err := ReadRun(ctx, db, p.Analyst, s.Files[0].Run); err != nil || r.Group != group || r.GroupName != "県内病院" {
			t.Errorf("the run is %+v, %v", r, err)
		}
		if s, err = load(group); err != nil || s.Known != 1 {
			t.Errorf("again: %+v, %v", s.Counts, err)
		}
		if s, err = load(0); err != nil || s.Added != 1 {
			t.Errorf("for all: %+v, %v", s.Counts, err)
		}
		sees("for all", true, true)
		if s, err = load(group + 1); fault.Code(err) != "sharing.group" || s.Added != 0 {
			t.Errorf("for a group that is not there: %+v, %v", s.Counts, err)
		}
	})
}
