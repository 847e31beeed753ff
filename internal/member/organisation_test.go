// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/store"
)

func TestPrefectures(t *testing.T) {
	all := member.Prefectures()
	if slices.Sort(all); len(slices.Compact(all)) != 47 {
		t.Fatalf("%d prefectures", len(all))
	}
	for _, stored := range member.Prefectures() {
		latin := member.PrefectureName(locale.English, stored)
		for _, written := range []string{stored, latin, " " + strings.ToUpper(latin)} {
			if got, err := member.ParsePrefecture(written); got != stored || err != nil {
				t.Errorf("%s: %s, %v", written, got, err)
			}
		}
		if member.PrefectureName(locale.Japanese, stored) != stored {
			t.Errorf("%s in Japanese", stored)
		}
	}
	for written, want := range map[string]string{"東京": "東京都", "京都": "京都府", "北海": "", "大阪": "大阪府", "": "", "京": "", "北海道": "北海道"} {
		if got, err := member.ParsePrefecture(written); got != want || (err == nil) != (want != "" || written == "") {
			t.Errorf("%s: %s, %v", written, got, err)
		}
	}
}

func TestOrganisation(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		a := p.ContactA.Org
		good := member.Organisation{ID: a, Name: "甲総合病院", Short: "甲病院", Facility: member.Hospital, Beds: 320, Prefecture: "神奈川", WardCheck: true}
		for name, w := range map[string]struct {
			by   caller.Caller
			with func(*member.Organisation)
			code string
		}{
			"by a contact": {p.ContactA, func(*member.Organisation) {}, "fault.forbidden"},
			"unknown":      {p.Operator, func(o *member.Organisation) { o.ID = 999 }, "fault.not_found"},
			"kind":         {p.Operator, func(o *member.Organisation) { o.Kind = caller.ISAC }, "member.kind_fixed"},
			"facility":     {p.Operator, func(o *member.Organisation) { o.Facility = "hotel" }, "member.facility"},
			"vendor's":     {p.Operator, func(o *member.Organisation) { o.ID = p.ContactV.Org }, "member.facility_institution"},
			"ward":         {p.Operator, func(o *member.Organisation) { o.ID, o.Facility = p.ContactV.Org, "" }, "member.ward_institution"},
			"beds":         {p.Operator, func(o *member.Organisation) { o.Beds = -1 }, "member.beds"},
			"many beds":    {p.Operator, func(o *member.Organisation) { o.Beds = 10001 }, "member.beds"},
			"prefecture":   {p.Operator, func(o *member.Organisation) { o.Prefecture = "江戸" }, "member.prefecture"},
			"name":         {p.Operator, func(o *member.Organisation) { o.Name = "甲\n病院" }, "member.name_text"},
		} {
			o := good
			w.with(&o)
			before := register(t, db)
			err := member.ChangeOrganisation(ctx, db, w.by, o)
			if fault.Code(err) != w.code || register(t, db) != before {
				t.Errorf("%s: %v, want %s", name, err, w.code)
			}
		}
		want(t, member.ChangeOrganisation(ctx, db, p.Operator, good), "")
		got, err := member.FindOrganisation(ctx, db, p.StaffA, a)
		if err != nil || got.Prefecture != "神奈川県" || got.Kind != caller.Institution || got.Beds != 320 || !got.WardCheck || got.Facility != member.Hospital {
			t.Errorf("%+v, %v", got, err)
		}
		_, err = member.FindOrganisation(ctx, db, p.StaffB, a)
		want(t, err, "fault.not_found")
		want(t, member.SetWardCheck(ctx, db, p.ContactB, a, false), "fault.forbidden")
		want(t, member.SetWardCheck(ctx, db, p.StaffA, a, false), "fault.forbidden")
		want(t, member.SetWardCheck(ctx, db, p.ContactV, p.ContactV.Org, true), "member.ward_institution")
		want(t, member.SetWardCheck(ctx, db, p.ContactA, a, false), "")
		if got, err = member.FindOrganisation(ctx, db, p.Operator, a); err != nil || got.WardCheck {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

func TestOrganisationLeaves(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		a := p.ContactA.Org
		_, err := member.AddDomain(ctx, db, p.Operator, a, "kou-byouin.jp")
		want(t, err, "")
		_, err = member.AddDomain(ctx, db, p.ContactA, a, "kou.example.jp")
		want(t, err, "")
		group, err := member.AddGroup(ctx, db, p.Operator, "県内", "")
		want(t, err, "")
		want(t, member.JoinGroup(ctx, db, p.Operator, group, a), "")
		before := register(t, db)
		want(t, member.LeaveOrganisation(ctx, db, p.ContactA, a), "fault.forbidden")
		want(t, member.LeaveOrganisation(ctx, db, p.Operator, p.Operator.Org), "member.isac_stays")
		want(t, member.LeaveOrganisation(ctx, db, p.Operator, 999), "fault.not_found")
		if register(t, db) != before {
			t.Error("attempts changed the register")
		}
		want(t, member.LeaveOrganisation(ctx, db, p.Operator, a), "")
		for _, c := range []caller.Caller{p.ContactA, p.StaffA, p.OtherA, p.ExecutiveA, p.MachineA} {
			_, err := member.Caller(ctx, db, c.Account, "web")
			want(t, err, "fault.not_found")
		}
		if domains, err := member.Domains(ctx, db, 0); err != nil || len(domains) != 0 {
			t.Errorf("its domains still act: %v, %v", domains, err)
		}
		if waiting, err := member.Requests(ctx, db, p.Operator, false); err != nil || len(waiting) != 0 {
			t.Errorf("its requests still wait: %v, %v", waiting, err)
		}
		if g, err := member.FindGroup(ctx, db, p.Operator, group); err != nil || len(g.Members) != 1 {
			t.Errorf("%+v, %v", g, err)
		}
		want(t, member.LeaveOrganisation(ctx, db, p.Operator, a), "member.organisation_left")
		want(t, member.JoinGroup(ctx, db, p.Operator, group, a), "member.organisation_left")
		want(t, member.Return(ctx, db, p.Operator, p.StaffA.Account), "member.organisation_left")
		_, err = add(db, p.Operator, member.Account{Org: in(a), Name: "人", Role: caller.Staff})
		want(t, err, "member.organisation_left")
		_, err = member.Move(ctx, db, p.Operator, p.StaffB.Account, a, caller.Staff, "")
		want(t, err, "member.organisation_left")
		_, err = member.AddDomain(ctx, db, p.Operator, a, "kou2.example.jp")
		want(t, err, "member.organisation_left")

		want(t, member.ReturnOrganisation(ctx, db, p.ContactB, a), "fault.forbidden")
		want(t, member.ReturnOrganisation(ctx, db, p.Operator, a), "")
		want(t, member.ReturnOrganisation(ctx, db, p.Operator, a), "fault.not_found")
		_, err = member.Caller(ctx, db, p.ContactA.Account, "web")
		want(t, err, "fault.not_found") // one by one
		want(t, member.Return(ctx, db, p.Operator, p.ContactA.Account), "")
		if _, err = member.Caller(ctx, db, p.ContactA.Account, "web"); err != nil {
			t.Error(err)
		}
		if g, err := member.FindGroup(ctx, db, p.Operator, group); err != nil || len(g.Members) != 1 {
			t.Errorf("a group took it back by itself: %+v, %v", g, err)
		}
	})
}

func TestGroups(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		seq := func() int64 {
			n, err := store.Sequence(ctx, db, "sharing")
			want(t, err, "")
			return n
		}
		start := seq()
		first, err := member.AddGroup(ctx, db, p.Operator, " 県内の病院 ", "地域の連携")
		want(t, err, "")
		second, err := member.AddGroup(ctx, db, p.Operator, "ＶＰＮ利用施設", "")
		want(t, err, "")
		_, err = member.AddGroup(ctx, db, p.Operator, "vpn利用施設", "")
		want(t, err, "member.group_name")
		_, err = member.AddGroup(ctx, db, p.Operator, "", "")
		want(t, err, "member.name_empty")
		want(t, member.JoinGroup(ctx, db, p.Operator, first, p.ContactA.Org), "")
		want(t, member.JoinGroup(ctx, db, p.Operator, first, p.ContactA.Org), "")
		want(t, member.JoinGroup(ctx, db, p.Operator, second, p.ContactB.Org), "")
		if seq() != start+5 {
			t.Errorf("sharing changed %d times, want 5", seq()-start)
		}
		text := func(c caller.Caller) (s string) {
			all, err := member.Groups(ctx, db, c)
			want(t, err, "")
			for _, g := range all {
				s += g.Name
				for _, o := range g.Members {
					s += " " + o.Short
				}
				s += fmt.Sprintf(" %v; ", !g.ClosedAt.IsZero())
			}
			return s
		}
		for who, want := range map[*caller.Caller]string{
			&p.StaffA: "県内の病院 見本ISAC 甲病院 false; ", &p.ContactB: "ＶＰＮ利用施設 見本ISAC 乙病院 false; ", &p.ContactV: "",
			&p.Operator: "県内の病院 見本ISAC 甲病院 false; ＶＰＮ利用施設 見本ISAC 乙病院 false; ",
			&p.Analyst:  "県内の病院 見本ISAC 甲病院 false; ＶＰＮ利用施設 見本ISAC 乙病院 false; ",
		} {
			if got := text(*who); got != want {
				t.Errorf("%s sees %s", who.Name, got)
			}
		}
		_, err = member.Groups(ctx, db, caller.Caller{})
		want(t, err, "fault.forbidden")
		_, err = member.FindGroup(ctx, db, p.ContactA, second)
		want(t, err, "fault.not_found")

		before, at := register(t, db), seq()
		for _, c := range []caller.Caller{p.ContactA, p.StaffA, p.Analyst, p.MachineA, {}} {
			_, err := member.AddGroup(ctx, db, c, "勝手", "")
			want(t, err, "fault.forbidden")
			want(t, member.JoinGroup(ctx, db, c, second, c.Org), "fault.forbidden")
			want(t, member.PartGroup(ctx, db, c, second, p.ContactB.Org), "fault.forbidden")
			want(t, member.RenameGroup(ctx, db, c, second, "勝手", ""), "fault.forbidden")
			want(t, member.CloseGroup(ctx, db, c, second), "fault.forbidden")
		}
		want(t, member.PartGroup(ctx, db, p.Operator, first, p.Operator.Org), "member.group_isac")
		want(t, member.PartGroup(ctx, db, p.Operator, first, p.ContactB.Org), "fault.not_found")
		want(t, member.JoinGroup(ctx, db, p.Operator, 999, p.ContactB.Org), "fault.not_found")
		want(t, member.JoinGroup(ctx, db, p.Operator, first, 999), "fault.not_found")
		want(t, member.RenameGroup(ctx, db, p.Operator, first, "VPN利用施設", ""), "member.group_name")
		if register(t, db) != before || seq() != at {
			t.Error("attempts changed the register")
		}
		want(t, member.RenameGroup(ctx, db, p.Operator, first, "県内の病院", "改めて"), "")
		want(t, member.PartGroup(ctx, db, p.Operator, first, p.ContactA.Org), "")
		if got := text(p.ContactA); got != "" {
			t.Errorf("after parting: %s", got)
		}
		want(t, member.CloseGroup(ctx, db, p.Operator, second), "")
		want(t, member.CloseGroup(ctx, db, p.Operator, second), "member.group_closed")
		want(t, member.JoinGroup(ctx, db, p.Operator, second, p.ContactA.Org), "member.group_closed")
		if got := text(p.StaffB); got != "ＶＰＮ利用施設 見本ISAC 乙病院 true; " {
			t.Errorf("closed: %s", got)
		}
		_, err = member.AddGroup(ctx, db, p.Operator, "VPN利用施設", "") // the name is free again
		want(t, err, "")
	})
}
