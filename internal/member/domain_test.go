// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/store"
)

func TestDomains(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		a, b := p.ContactA.Org, p.ContactB.Org
		add := func(c caller.Caller, org int64, written, code string, waits bool) {
			t.Helper()
			waiting, err := member.AddDomain(ctx, db, c, org, written)
			if want(t, err, code); waiting != waits {
				t.Errorf("%s: waits %v", written, waiting)
			}
		}
		for written, code := range map[string]string{
			"jp": "indicator.domain_label", "or.jp": "member.domain_suffix", "duckdns.org": "member.domain_suffix",
		} {
			_, err := member.AddDomain(ctx, db, p.ContactA, a, written)
			if want(t, err, code); err != nil && fault.From(err).Field != "domain" {
				t.Errorf("%q: %v does not name the field", written, err)
			}
		}
		add(p.ContactA, b, "otsu.example.jp", "fault.forbidden", false)
		add(p.StaffA, a, "otsu.example.jp", "fault.forbidden", false)
		add(p.Operator, 999, "otsu.example.jp", "fault.not_found", false)

		// A contact's addition acts on nobody's filter before it is approved.
		add(p.ContactA, a, "Kou-Byouin.jp.", "", true)
		add(p.ContactA, a, "kou-byouin.jp", "", true) // again: the same request
		add(p.ContactA, a, "google.com", "", true)
		add(p.ContactA, a, "病院.example.jp", "", true)
		add(p.ContactB, b, "byouin.kou-byouin.jp", "", true) // below another's
		add(p.Operator, b, "otsu.example.jp", "", false)
		all, err := member.Domains(ctx, db, 0)
		if got := fmt.Sprint(all[a], all[b]); err != nil || got != "[] [otsu.example.jp]" {
			t.Errorf("%s, %v", got, err)
		}
		requests := func(c caller.Caller, decided bool) (all []member.DomainRequest, text string) {
			all, err := member.Requests(ctx, db, c, decided)
			want(t, err, "")
			for _, r := range all {
				text += fmt.Sprintf(" %s/%s/%s%v", r.Domain, r.OrgName, r.State, r.Others)
			}
			return all, strings.TrimSpace(text)
		}
		ofB, text := requests(p.ContactB, true)
		if text != "byouin.kou-byouin.jp/乙病院/waiting[]" {
			t.Errorf("B sees %s", text)
		}
		ofA, text := requests(p.ContactA, false)
		if text != "kou-byouin.jp/甲病院/waiting[] google.com/甲病院/waiting[] xn--0rys90e.example.jp/甲病院/waiting[]" {
			t.Errorf("A sees %s", text)
		}
		for _, c := range []caller.Caller{p.StaffA, p.Analyst, p.MachineA, {}} {
			_, err := member.Requests(ctx, db, c, true)
			want(t, err, "fault.forbidden")
			want(t, member.ApproveDomain(ctx, db, c, ofA[0].ID), "fault.forbidden")
			want(t, member.DropDomain(ctx, db, c, ofA[0].ID), "fault.forbidden")
		}
		want(t, member.ApproveDomain(ctx, db, p.ContactA, ofA[0].ID), "fault.forbidden")
		want(t, member.RefuseDomain(ctx, db, p.ContactA, ofA[0].ID, "自分で"), "fault.forbidden")
		want(t, member.DropDomain(ctx, db, p.ContactB, ofA[0].ID), "fault.not_found")
		want(t, member.DropDomain(ctx, db, p.ContactA, ofB[0].ID), "fault.not_found")
		if _, now := requests(p.ContactA, false); now != text {
			t.Errorf("after attempts of others: %s", now)
		}

		want(t, member.RefuseDomain(ctx, db, p.Operator, ofA[1].ID, " "), "member.name_empty")
		want(t, member.RefuseDomain(ctx, db, p.Operator, ofA[1].ID, "病院のドメインではありません"), "")
		want(t, member.RefuseDomain(ctx, db, p.Operator, ofA[1].ID, "もう一度"), "member.request_decided")
		want(t, member.ApproveDomain(ctx, db, p.Operator, ofA[0].ID), "")
		want(t, member.ApproveDomain(ctx, db, p.Operator, ofA[0].ID), "member.request_decided")
		want(t, member.ApproveDomain(ctx, db, p.Operator, 999), "fault.not_found")
		want(t, member.DropDomain(ctx, db, p.ContactA, ofA[2].ID), "")
		if _, text := requests(p.ContactA, true); text != "xn--0rys90e.example.jp/甲病院/dropped[] google.com/甲病院/refused[] kou-byouin.jp/甲病院/approved[]" {
			t.Errorf("decided: %s", text)
		}
		if list, text := requests(p.Operator, false); text != "byouin.kou-byouin.jp/乙病院/waiting[甲病院]" || list[0].AskedAt.IsZero() {
			t.Errorf("the operator sees %s", text)
		}

		// Below one's own domain nothing needs approval, nor what was on the
		// list until today.
		add(p.ContactA, a, "mail.kou-byouin.jp", "", false)
		add(p.ContactA, a, "otherkou-byouin.jp", "", true)
		want(t, member.RemoveDomain(ctx, db, p.ContactB, b, "kou-byouin.jp"), "fault.not_found")
		want(t, member.RemoveDomain(ctx, db, p.ContactB, a, "kou-byouin.jp"), "fault.forbidden")
		want(t, member.RemoveDomain(ctx, db, p.ContactA, a, "kou-byouin.jp"), "")
		add(p.ContactB, b, "kou-byouin.jp", "", true) // that A had it helps nobody else
		add(p.ContactA, a, "kou-byouin.jp", "", false)
		want(t, member.RemoveDomain(ctx, db, p.ContactA, a, "kou-byouin.jp"), "")
		waiting, err := member.AddDomain(store.At(ctx, time.Now().Add(25*time.Hour)), db, p.ContactA, a, "kou-byouin.jp")
		if want(t, err, ""); !waiting {
			t.Error("a day later it is not asked for anew")
		}
		if one, err := member.Domains(ctx, db, a); err != nil || fmt.Sprint(one) != fmt.Sprintf("map[%d:[mail.kou-byouin.jp]]", a) {
			t.Errorf("%v, %v", one, err)
		}
		// otsu, approve, mail, remove, add, remove; what waits changes nothing.
		if seq, err := store.Sequence(ctx, db, "guard"); err != nil || seq != 6 {
			t.Errorf("the guard changed %d times, %v; want 6", seq, err)
		}
	})
}

func TestDomainsAreBounded(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		for i := range 200 {
			c := p.ContactA
			if i%2 == 0 {
				c = p.Operator
			}
			if _, err := member.AddDomain(ctx, db, c, p.ContactA.Org, fmt.Sprintf("h%d.example.jp", i)); err != nil {
				t.Fatal(err)
			}
		}
		for _, c := range []caller.Caller{p.ContactA, p.Operator} {
			_, err := member.AddDomain(ctx, db, c, p.ContactA.Org, "h200.example.jp")
			want(t, err, "member.domain_many")
		}
		_, err := member.AddDomain(ctx, db, p.Operator, p.ContactA.Org, "h1.example.jp") // one that waits
		want(t, err, "")
		_, err = member.AddDomain(ctx, db, p.ContactB, p.ContactB.Org, "h200.example.jp")
		want(t, err, "")
	})
}
