// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package membertest registers the same few organisations and people in the
// stores of tests, one for each answer that "who may do this?" can have.
package membertest

import (
	"context"
	"testing"

	"teiten/internal/caller"
	"teiten/internal/member"
	"teiten/internal/store"
)

// People are the callers of a test's portal.
type People struct {
	Operator, Analyst, ISACStaff                   caller.Caller // of the ISAC
	ContactA, StaffA, OtherA, ExecutiveA, MachineA caller.Caller // of an institution; OtherA is staff too
	ContactB, StaffB                               caller.Caller // of another
	ContactV, ContactO                             caller.Caller // of a vendor and of an outside body
	names                                          []string
	byName                                         map[string]caller.Caller
}

// Each calls fn for everybody, in the same order each time.
func (p *People) Each(fn func(name string, c caller.Caller)) {
	for _, name := range p.names {
		fn(name, p.byName[name])
	}
}

// Register adds the organisations and people to an empty store.
func Register(t testing.TB, db *store.DB) *People {
	t.Helper()
	ctx := context.Background()
	p := &People{byName: map[string]caller.Caller{}}
	err := db.Write(ctx, caller.System("test"), func(tx *store.Tx) error {
		for _, o := range []struct {
			kind   caller.OrgKind
			name   string
			people map[caller.Role][]*caller.Caller
		}{
			{caller.ISAC, "見本ISAC", map[caller.Role][]*caller.Caller{
				caller.Operator: {&p.Operator}, caller.Analyst: {&p.Analyst}, caller.Staff: {&p.ISACStaff}}},
			{caller.Institution, "甲病院", map[caller.Role][]*caller.Caller{
				caller.Contact: {&p.ContactA}, caller.Staff: {&p.StaffA, &p.OtherA}, caller.Executive: {&p.ExecutiveA}, caller.Machine: {&p.MachineA}}},
			{caller.Institution, "乙病院", map[caller.Role][]*caller.Caller{caller.Contact: {&p.ContactB}, caller.Staff: {&p.StaffB}}},
			{caller.Vendor, "丙社", map[caller.Role][]*caller.Caller{caller.Contact: {&p.ContactV}}},
			{caller.Outside, "丁庁", map[caller.Role][]*caller.Caller{caller.Contact: {&p.ContactO}}},
		} {
			org, err := member.AddOrganisation(ctx, tx, member.Organisation{Kind: o.kind, Name: o.name})
			if err != nil {
				return err
			}
			for _, role := range caller.Roles {
				for i, into := range o.people[role] {
					name := o.name + " " + string(role)
					if i > 0 {
						name += " 2"
					}
					id, err := member.AddAccount(ctx, tx, member.Account{Org: member.Organisation{ID: org}, Name: name, Role: role})
					if err != nil {
						return err
					}
					*into = caller.Caller{Account: id, Name: name, Org: org, OrgName: o.name, OrgKind: o.kind, Role: role, Channel: "test"}
					p.names = append(p.names, name)
					p.byName[name] = *into
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatalf("register the test's people: %v", err)
	}
	return p
}
