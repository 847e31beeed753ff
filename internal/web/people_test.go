// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/locale"
	"teiten/internal/member"
	"teiten/internal/token"
)

// register is everything that the pages of this file's subject can change, as
// text: two equal texts are an unchanged register.
func (g *gate) register() string {
	g.t.Helper()
	var b strings.Builder
	for _, table := range []string{"organisation", "account", "sharing_group", "sharing_group_member", "token", "auth_recovery", "domain_request", "organisation_domain"} {
		order := map[string]string{"sharing_group_member": "group_id, organisation_id", "organisation_domain": "organisation_id, domain"}[table]
		if order == "" {
			order = "id"
		}
		rows, err := g.db.Query(g.t.Context(), `SELECT * FROM `+table+` ORDER BY `+order)
		must(g.t, err)
		columns, err := rows.Columns()
		must(g.t, err)
		for rows.Next() {
			values := make([]any, len(columns))
			into := make([]any, len(columns))
			for i := range values {
				into[i] = &values[i]
			}
			must(g.t, rows.Scan(into...))
			fmt.Fprintln(&b, table, values)
		}
		must(g.t, rows.Close())
	}
	return b.String()
}

// filled is what belongs to institution A, one of each sort.
type filled struct{ request, recovery, group, token int64 }

func (g *gate) fill(contact *visitor) (f filled) {
	g.t.Helper()
	ctx := g.t.Context()
	waiting, err := member.AddDomain(ctx, g.db, contact.c, g.ContactA.Org, "kou-hospital.example.jp")
	must(g.t, err)
	if !waiting {
		g.t.Fatal("the domain does not wait")
	}
	list, err := member.Requests(ctx, g.db, contact.c, false)
	must(g.t, err)
	f.request = list[0].ID
	f.recovery, _, err = auth.OpenRecovery(ctx, g.db, g.keys, contact.c, g.OtherA.Account, "電話を失くした")
	must(g.t, err)
	f.group, err = member.AddGroup(ctx, g.db, g.Operator, "甲のグループ", "")
	must(g.t, err)
	must(g.t, member.JoinGroup(ctx, g.db, g.Operator, f.group, g.ContactA.Org))
	_, made, err := token.Create(ctx, g.db, contact.c, token.New{Account: g.MachineA.Account, Name: "甲のトークン", Scopes: []token.Scope{token.ListsRead}})
	must(g.t, err)
	f.token = made.ID
	return f
}

// everything is a form that every one of the pages would take.
var everything = []string{
	"confirm", "yes", "name", "別の名前", "kind", "institution", "role", "staff", "login", "another-login", "reason", "left", "why", "理由",
	"role-there", "staff", "overlap", "0", "account", "new", "machine", "機器", "scopes", "lists.read", "expires", "", "purpose", "目的",
}

// TestNothingCrosses asks every route of the register, as people of another
// institution and as those who may not manage their own, for what belongs to
// institution A. It must not answer, nothing may change, and no page may name
// what it must not.
func TestNothingCrosses(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		f := g.fill(g.signedIn(g.ContactA, "contact-a"))
		a := itoa(g.ContactA.Org)
		address := func(pattern string) string {
			id := map[string]int64{"members": g.ContactA.Org, "people": g.StaffA.Account, "groups": f.group, "tokens": f.token, "institution": f.request}[strings.Split(pattern, "/")[1]]
			if strings.Contains(pattern, "/requests/") {
				id = f.request
			} else if strings.Contains(pattern, "/recoveries/") {
				id = f.recovery
			}
			return strings.NewReplacer("{id}", itoa(id), "{org}", a).Replace(pattern) + "?org=" + a
		}
		form := append([]string{"to", itoa(g.ContactB.Org), "org", a, "reason-" + itoa(f.request), "理由"}, everything...)
		operator := g.signedIn(g.Operator, "operator")
		for _, v := range []*visitor{g.signedIn(g.ContactB, "contact-b"), g.signedIn(g.StaffB, "staff-b"), g.signedIn(g.StaffA, "staff-a")} {
			foreign := v.c.Org != g.ContactA.Org
			before := g.register()
			for _, rt := range g.Server.registerRoutes() {
				at := address(rt.pattern)
				what := v.c.Name + " " + rt.method + " " + rt.pattern
				if rt.method == http.MethodPost {
					if got := v.post(at, form...); got.status != 403 && got.status != 404 {
						t.Errorf("%s: status %d", what, got.status)
					}
					continue
				}
				got := v.get(at)
				own := rt.pattern == "/help/roles" || rt.pattern == "/groups" || !foreign && rt.pattern == "/groups/{id}"
				if !own && got.status != 403 && got.status != 404 {
					t.Errorf("%s: status %d", what, got.status)
				}
				if own && got.status != 200 {
					t.Errorf("%s: status %d", what, got.status)
				}
				for _, secret := range []string{"甲病院", "甲のグループ", "甲のトークン", "kou-hospital"} {
					if foreign && strings.Contains(got.body, secret) {
						t.Errorf("%s names %s", what, secret)
					}
				}
				if mine := operator.get(at); mine.status != 200 {
					t.Errorf("operator %s: status %d", at, mine.status)
				}
			}
			if after := g.register(); after != before {
				t.Errorf("%s has changed the register:\n%s\nwas\n%s", v.c.Name, after, before)
			}
		}
		if g.register() == strings.ReplaceAll(g.register(), "甲のトークン", "") {
			t.Error("the register as text lacks what is in it")
		}
	})
}

func TestManagePage(t *testing.T) {
	g := gateOnSQLite(t)
	contact, operator := g.signedIn(g.ContactA, "contact-a"), g.signedIn(g.Operator, "operator")
	g.fill(contact)
	operator.get("/manage").is(200).safe().has("承認を待つドメインが 1 件", "甲病院 staff 2さんの復旧", `href="/members/requests"`, `href="/people?org=`+itoa(g.ContactA.Org)+`#recoveries"`, `href="/members"`, `href="/collectors"`, `href="/audit"`)
	contact.get("/manage").is(200).safe().has("申請中のドメインが 1 件", "もう一人の窓口か運営者", `href="/tokens"`).lacks(`href="/members"`, `href="/collectors"`)
	if page := contact.get("/tokens"); !strings.Contains(page.body, `<a href="/manage" aria-current="page">`) {
		t.Error("the hub is not current on a page below it")
	}
	if page := operator.get("/manage"); strings.Contains(page.body, `<nav class="site-nav"`) && strings.Contains(strings.SplitN(page.body, "<main", 2)[0], `href="/audit"`) {
		t.Error("the navigation still holds what moved under the hub")
	}
}

func TestPeoplePages(t *testing.T) {
	g := gateOnSQLite(t)
	contact, operator := g.signedIn(g.ContactA, "contact-a"), g.signedIn(g.Operator, "operator")
	staff := "/people/" + itoa(g.StaffA.Account)

	contact.get("/people").is(200).safe().has("contact-a", "使用中", "未設定", "機器", `href="/people/new"`)
	operator.get("/people?org="+itoa(g.ContactB.Org)).is(200).safe().has("乙病院 contact", `name="org"`)
	contact.get("/people/new").is(200).safe().lacks(`value="operator"`, `value="analyst"`)
	contact.post("/people", "name", "", "role", "staff").is(422).safe().has("f-name-error")
	contact.post("/people", "name", "新人", "role", "staff", "login", "staff-b").is(422).safe().has("f-login-error", `value="新人"`)
	contact.post("/people", "name", "新人", "role", "staff", "expires", "あした").is(422).safe().has("f-expires-error")
	before := g.register()
	for _, role := range []string{"operator", "analyst"} {
		if got := contact.post("/people", "name", "偽", "role", role, "login", "false-one"); got.status != 403 && got.status != 422 {
			t.Errorf("a contact makes an %s: status %d", role, got.status)
		}
		if got := contact.post(staff, "name", "甲", "role", role); got.status != 403 && got.status != 422 {
			t.Errorf("a contact makes her staff an %s: status %d", role, got.status)
		}
	}
	contact.post("/people/"+itoa(g.ContactA.Account), "name", "甲", "role", "executive").is(403) // her own role
	contact.post(staff+"/move", "to", itoa(g.ContactB.Org), "role-there", "staff", "confirm", "yes").is(403)
	if g.register() != before {
		t.Fatal("what was refused has changed the register")
	}

	added := contact.post("/people", "name", "新人 花", "role", "staff", "login", "Ｓｈｉｎｊｉｎ", "mail", "shinjin@kou.example.jp", "expires", "2099-03-31")
	added.is(303)
	contact.get(added.location).is(200).safe().has("新人 花", "shinjin", "2099年3月31日", "証明書を招待する", "account=")
	one := added.location
	contact.post(one, "name", "新人 花子", "role", "executive", "login", "shinjin", "expires", "2099-03-31").is(303)
	contact.get(one).is(200).has("新人 花子", "経営者", `value="2099-03-31"`)
	contact.post(one+"/leave", "reason", "left").is(200).safe().has("離任にしますか", `name="reason" value="left"`)
	contact.post(one+"/leave", "reason", "bored", "confirm", "yes").is(422).safe().has("f-reason-error")
	contact.post(one+"/leave", "reason", "left", "confirm", "yes").goes("/people")
	contact.get("/people").has("離任した人（1）")
	contact.get(one).is(200).safe().has("離任", one+"/return").lacks(one + "/leave")
	contact.post(one + "/return").goes(one)
	contact.post(one + "/return").is(422).safe()

	operator.post(one+"/move", "to", "", "role-there", "staff", "confirm", "yes").is(422).safe().has("f-to-error")
	operator.post(one+"/move", "to", itoa(g.ContactB.Org), "role-there", "operator", "confirm", "yes").is(422).safe().has("f-role-there-error")
	operator.post(one+"/move", "to", itoa(g.ContactB.Org), "role-there", "staff").is(200).safe().has("移しますか")
	moved := operator.post(one+"/move", "to", itoa(g.ContactB.Org), "role-there", "staff", "title-there", "総務", "confirm", "yes").is(303)
	operator.get(moved.location).is(200).safe().has("乙病院", "総務", "shinjin")
	contact.get(moved.location).is(404)
	operator.get("/people/999999").is(404)
	operator.get("/people/x").is(404)
}

func TestLastOperatorStays(t *testing.T) {
	g := gateOnSQLite(t)
	operator := g.signedIn(g.Operator, "operator")
	self := "/people/" + itoa(g.Operator.Account)
	operator.get(self).is(200).safe().has("これはあなた自身です").lacks(self+"/move", self+"/recover")
	before := g.register()
	operator.post(self+"/leave", "reason", "left", "confirm", "yes").is(422).safe().has("最後の運営者")
	operator.post(self, "name", "運営", "role", "staff", "login", "operator").is(403)
	operator.post("/members/"+itoa(g.Operator.Org)+"/leave", "confirm", "yes").is(422).safe().has("ISAC は退会できません")
	if g.register() != before {
		t.Error("the register has changed")
	}
}

// TestRecoveryPages lets two people recover a third, who then begins anew with
// both halves.
func TestRecoveryPages(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		contact, operator := g.signedIn(g.ContactA, "contact-a"), g.signedIn(g.Operator, "operator")
		staff := "/people/" + itoa(g.StaffA.Account)
		contact.post(staff+"/recover", "why", "").is(422).safe().has("f-why-error")
		contact.post("/people/"+itoa(g.ContactA.Account)+"/recover", "why", "自分").is(403)
		half := func(page *response) string {
			return page.is(200).safe().secret().has("一度だけ").after(`<code class="secret-text" translate="no">`, "</code>")
		}
		first := half(contact.post(staff+"/recover", "why", "電話を替えた"))
		contact.post(staff+"/recover", "why", "もう一度").is(422).safe().has("すでに始まっています")
		if page := contact.get(staff).is(200).safe().has("電話を替えた", "承認待ち", "あなたが始めた復旧です"); strings.Contains(page.body, first) {
			t.Error("the half of the code is shown again")
		}
		list, err := auth.Recoveries(t.Context(), g.db, g.Operator)
		must(t, err)
		approve, cancel := "/people/recoveries/"+itoa(list[0].ID)+"/approve", "/people/recoveries/"+itoa(list[0].ID)+"/cancel"
		contact.post(approve, "confirm", "yes").is(403)
		operator.post(approve).is(200).safe().has("本人が頼んだことだと確かめましたか")
		second := half(operator.post(approve, "confirm", "yes"))
		operator.post(approve, "confirm", "yes").is(409)
		dev := auth.Device{Account: g.StaffA.Account, Org: g.StaffA.Org, ID: g.certificate(g.StaffA, "新しい PC", 0).ID}
		for _, code := range []string{first, second, second + first} {
			if _, _, err := auth.Begin(t.Context(), g.db, g.keys, dev, "定点", "staff-a", code); err == nil {
				t.Errorf("%q is enough", code)
			}
		}
		if _, _, err := auth.Begin(t.Context(), g.db, g.keys, dev, "定点", "staff-a", first+second); err != nil {
			t.Error(err)
		}
		contact.post(cancel).is(200).safe().has("取り消しますか")
		contact.post(cancel, "confirm", "yes").goes("/people#recoveries")
		contact.get("/people").is(200).lacks("進行中の復旧")
		if _, _, err := auth.Begin(t.Context(), g.db, g.keys, dev, "定点", "staff-a", first+second); err == nil {
			t.Error("the code works after it was cancelled")
		}
	})
}

func TestEndOfADay(t *testing.T) {
	end, err := typedEnd(map[string][]string{"expires": {" 2026-03-31 "}})
	must(t, err)
	if want := time.Date(2026, 4, 1, 0, 0, 0, 0, locale.Tokyo); !end.Equal(want) || lastDay(end) != "2026-03-31" {
		t.Errorf("%v, last day %s", end, lastDay(end))
	}
	odd := member.Account{ExpiresAt: time.Date(2026, 3, 31, 3, 0, 0, 0, time.UTC), Role: caller.Staff}
	a, err := typedPerson(map[string][]string{"expires": {"2026-03-31"}}, odd)
	must(t, err)
	if !a.ExpiresAt.Equal(odd.ExpiresAt) {
		t.Errorf("an end that was not changed becomes %v", a.ExpiresAt)
	}
	if lastDay(time.Time{}) != "" {
		t.Error("no end has a last day")
	}
}
