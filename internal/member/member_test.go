// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var ctx = context.Background()

func each(t *testing.T, fn func(t *testing.T, db *store.DB, p *membertest.People)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, db, membertest.Register(t, db)) })
}

func want(t *testing.T, err error, code string) {
	t.Helper()
	if fault.Code(err) != code || code == "" && err != nil {
		t.Errorf("error %v, want %q", err, code)
	}
}

func TestRegister(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		add := func(c caller.Caller, o member.Organisation, a ...member.Account) error {
			return db.Write(ctx, c, func(tx *store.Tx) error {
				id, err := member.AddOrganisation(ctx, tx, o)
				for _, account := range a {
					if err == nil {
						account.Org.ID = id
						_, err = member.AddAccount(ctx, tx, account)
					}
				}
				return err
			})
		}
		p.Each(func(name string, c caller.Caller) {
			code := "fault.forbidden"
			if name == "見本ISAC operator" {
				code = ""
			}
			want(t, add(c, member.Organisation{Kind: caller.Vendor, Name: "新会社"}), code)
			err := db.Write(ctx, c, func(tx *store.Tx) error {
				_, err := member.AddAccount(ctx, tx, member.Account{Org: member.Organisation{ID: c.Org}, Name: "新人", Role: caller.Staff})
				return err
			})
			if c.Is(caller.Contact) {
				code = "" // in her own organisation
			}
			want(t, err, code)
		})
		// An account with an operator's role outside the ISAC cannot come to be,
		// and if it did it would run nothing.
		want(t, add(p.Operator, member.Organisation{Kind: caller.Institution, Name: "戊病院"}, member.Account{Name: "人", Role: caller.Operator}), "member.role_isac")
		want(t, add(p.Operator, member.Organisation{Kind: caller.Vendor, Name: "戊社"}, member.Account{Name: "人", Role: caller.Analyst}), "member.role_isac")
		impostor := p.ContactA
		impostor.Role = caller.Operator
		want(t, add(impostor, member.Organisation{Kind: caller.Vendor, Name: "戊社"}), "fault.forbidden")
		_, err := member.Interests(ctx, db, impostor, p.ContactB.Org)
		want(t, err, "fault.forbidden")
		_, err = member.AddDomain(ctx, db, impostor, p.ContactB.Org, "otsu.example.jp")
		want(t, err, "fault.forbidden")

		for code, o := range map[string]member.Organisation{
			"member.kind":       {Kind: "x", Name: "会社"},
			"member.name_empty": {Kind: caller.Vendor, Name: " "},
			"member.name_long":  {Kind: caller.Vendor, Name: strings.Repeat("長", 201)},
			"member.name_text":  {Kind: caller.Vendor, Name: "a\x00"},
		} {
			want(t, add(p.Operator, o), code)
		}
		want(t, add(p.Operator, member.Organisation{Kind: caller.Vendor, Name: "己社"}, member.Account{Name: "人", Role: "x"}), "member.role")
		want(t, add(p.Operator, member.Organisation{Kind: caller.Vendor, Name: "己社"}, member.Account{Name: "", Role: caller.Staff}), "member.name_empty")
		err = db.Write(ctx, p.Operator, func(tx *store.Tx) error {
			_, err := member.AddAccount(ctx, tx, member.Account{Org: member.Organisation{ID: 999}, Name: "人", Role: caller.Staff})
			return err
		})
		want(t, err, "fault.not_found")

		orgs, err := member.Organisations(ctx, db)
		want(t, err, "")
		var names []string
		for _, o := range orgs {
			names = append(names, o.Short)
		}
		if got := strings.Join(names, " "); got != "見本ISAC 甲病院 乙病院 丙社 丁庁 新会社" {
			t.Errorf("organisations: %s", got)
		}
	})
}

func TestCallerAndAccounts(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		p.Each(func(name string, c caller.Caller) {
			got, err := member.Caller(ctx, db, c.Account, "test")
			if err != nil || got != c {
				t.Errorf("%s: %+v, %v; want %+v", name, got, err, c)
			}
		})
		storetest.Exec(t, db, `UPDATE account SET active = $1 WHERE id = $2`, false, p.StaffA.Account)
		_, err := member.Caller(ctx, db, p.StaffA.Account, "web")
		want(t, err, "fault.not_found")
		all, err := member.Accounts(ctx, db)
		want(t, err, "")
		if len(all) != 11 || slices.ContainsFunc(all, func(a member.Account) bool { return a.ID == p.StaffA.Account }) {
			t.Errorf("%d accounts: %+v", len(all), all)
		}
	})
}

func TestLocalOperator(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		first, err := member.LocalOperator(ctx, db, "cli")
		want(t, err, "")
		again, err := member.LocalOperator(ctx, db, "cli")
		want(t, err, "")
		if first != again || first.Role != caller.Operator || first.OrgKind != caller.ISAC || first.Channel != "cli" || first.Account == 0 {
			t.Errorf("%+v, then %+v", first, again)
		}
		all, err := audit.List(ctx, db, first, 0, 10)
		want(t, err, "")
		if len(all) != 2 {
			t.Errorf("%d audit records of the registration", len(all))
		}
		// An ISAC whose operators have all left gets a new one, not a second ISAC.
		storetest.Exec(t, db, `UPDATE account SET active = $1`, false)
		third, err := member.LocalOperator(ctx, db, "cli")
		want(t, err, "")
		if third.Org != first.Org || third.Account == first.Account {
			t.Errorf("%+v after %+v", third, first)
		}
	})
}

func TestInterests(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		add := func(c caller.Caller, org int64, kind member.InterestKind, value string) error {
			return member.AddInterest(ctx, db, c, member.Interest{Org: org, Kind: kind, Value: value})
		}
		p.Each(func(name string, c caller.Caller) {
			code := "fault.forbidden"
			if name == "甲病院 contact" || name == "見本ISAC operator" {
				code = ""
			}
			want(t, add(c, p.ContactA.Org, member.Product, " 電子カルテ "), code)
			_, err := member.Interests(ctx, db, c, p.ContactA.Org)
			if c.Org == p.ContactA.Org {
				code = ""
			}
			want(t, err, code)
		})
		want(t, add(p.ContactA, p.ContactA.Org, member.Product, "電子ｶﾙﾃ"), "") // the same
		for code, i := range map[string]member.Interest{
			"member.interest_short": {Kind: member.Product, Value: "桜"},
			"member.interest_cpe":   {Kind: member.CPE, Value: "cpe:/a:x"},
			"member.interest_kind":  {Kind: "x", Value: "y"},
			"member.name_long":      {Kind: member.Vendor, Value: strings.Repeat("長", 201)},
			"member.name_text":      {Kind: member.Vendor, Value: "ab\x00"},
		} {
			want(t, add(p.ContactA, p.ContactA.Org, i.Kind, i.Value), code)
		}
		want(t, add(p.ContactA, p.ContactA.Org, member.CPE, "cpe:2.3:a:*:*:*:*:*:*:*:*:*:*"), "member.interest_cpe")
		all, err := member.Interests(ctx, db, p.ContactA, p.ContactA.Org)
		if err != nil || len(all) != 1 || all[0].Value != "電子カルテ" {
			t.Fatalf("%+v, %v", all, err)
		}
		want(t, member.RemoveInterest(ctx, db, p.ContactB, p.ContactB.Org, all[0].ID), "fault.not_found")
		want(t, member.RemoveInterest(ctx, db, p.ContactB, p.ContactA.Org, all[0].ID), "fault.forbidden")
		want(t, member.RemoveInterest(ctx, db, p.ContactA, p.ContactA.Org, all[0].ID), "")
		var jobs int
		if err := db.QueryRow(ctx, `SELECT COUNT(*) FROM job WHERE kind = $1`, member.RematchJob).Scan(&jobs); err != nil || jobs != 1 {
			t.Errorf("%d jobs to match anew, %v", jobs, err)
		}
	})
}

func TestWords(t *testing.T) {
	for value, want := range map[string]string{
		"cpe:2.3:a:microsoft:exchange_server:2019:*:*:*:*:*:*:*": "microsoft|exchange server",
		`cpe:2.3:a:foo\:bar:b\-az\.x:1:*:*:*:*:*:*:*`:            "foo:bar|b-az.x",
		"cpe:2.3:h:Cisco:*:*:*:*:*:*:*:*:*":                      "cisco",
		"cpe:2.3:a":                                              "",
	} {
		if got := strings.Join((member.Interest{Kind: member.CPE, Value: value}).Words(), "|"); got != want {
			t.Errorf("%s: %q, want %q", value, got, want)
		}
	}
	if got := (member.Interest{Kind: member.Product, Value: "ＶＰＮ装置"}).Words(); !slices.Equal(got, []string{"vpn装置"}) {
		t.Errorf("%q", got)
	}
}
