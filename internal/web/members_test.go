// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
	"teiten/internal/token"
)

func gateOnSQLite(t *testing.T) *gate { return newGate(t, storetest.SQLite(t)) }

func TestMemberPages(t *testing.T) {
	g := gateOnSQLite(t)
	operator := g.signedIn(g.Operator, "operator")
	operator.get("/members").is(200).safe().has("甲病院", "丙社", "丁庁", "施設", "取引先")
	operator.get("/members/new").is(200).safe().lacks(`value="isac"`)
	add := func(pairs ...string) *response { return operator.post("/members", pairs...) }
	add("kind", "institution", "name", "").is(422).safe().has("f-name-error")
	add("kind", "institution", "name", "戊", "beds", "たくさん").is(422).safe().has("f-beds-error", "たくさん")
	add("kind", "institution", "name", "戊", "prefecture", "江戸").is(422).safe().has("f-prefecture-error")
	add("kind", "isac", "name", "戊").is(422).safe().has("f-kind-error")
	added := add("kind", "institution", "name", "戊診療所", "short", "戊", "facility", "clinic", "beds", "19", "prefecture", "長野県").is(303)
	id := strings.TrimPrefix(added.location, "/people?org=")
	operator.get(added.location).is(200).safe().has("戊診療所", "利用者がいません")
	operator.get("/members").is(200).has("戊診療所", "長野県", "診療所", "19")
	add("kind", "vendor", "name", "己社", "facility", "hospital", "beds", "9").is(303) // what is for institutions does not count

	one := "/members/" + id
	operator.get(one).is(200).safe().has("診療所", one+"/leave")
	operator.post(one, "name", "戊診療所", "beds", "-1").is(422).safe().has("f-beds-error")
	operator.post(one, "name", "戊新診療所", "short", "戊", "beds", "18", "facility", "clinic", "kind", "vendor").goes("/members")
	operator.get(one).has("戊新診療所", `value="18"`)
	operator.post("/people?org="+id, "name", "戊の窓口", "role", "contact", "login", "contact-bo").is(303)
	operator.post(one+"/leave").is(200).safe().has("戊 を退会にしますか", "1 人")
	operator.post(one+"/leave", "confirm", "yes").goes("/members")
	operator.get("/members").is(200).safe().has("退会した組織（1）")
	operator.get(one).is(200).safe().has(one+"/return", "復帰").lacks(one + "/leave")
	operator.get("/people?org="+id).is(200).safe().has("退会しています", "離任した人（1）")
	operator.post("/people?org="+id, "name", "次の人", "role", "staff").is(422).safe().has("退会しています")
	operator.post(one + "/return").goes("/people?org=" + id)
	operator.post(one + "/return").is(404)
	operator.post("/members/999999/leave", "confirm", "yes").is(404)
}

func TestRequestPages(t *testing.T) {
	g := gateOnSQLite(t)
	contact, operator := g.signedIn(g.ContactA, "contact-a"), g.signedIn(g.Operator, "operator")
	for _, domain := range []string{"one.example.jp", "two.example.jp", "three.example.jp"} {
		contact.post("/institution/domains", "domain", domain).is(303)
	}
	operator.post("/institution/domains?org="+itoa(g.ContactB.Org), "domain", "a.one.example.jp").is(303)
	list, err := member.Requests(t.Context(), g.db, g.ContactA, false)
	must(t, err)
	ids := map[string]string{}
	for _, r := range list {
		ids[r.Domain] = itoa(r.ID)
	}
	contact.get("/institution").is(200).safe().has("one.example.jp", "承認待ち", "/institution/requests/"+ids["one.example.jp"]+"/withdraw")
	operator.get("/members/requests").is(200).safe().has("one.example.jp", "two.example.jp", "乙病院")
	own := func() string {
		all, err := member.Domains(t.Context(), g.db, g.ContactA.Org)
		must(t, err)
		return strings.Join(all[g.ContactA.Org], " ")
	}
	contact.post("/members/requests/" + ids["one.example.jp"] + "/approve").is(403)
	if own() != "" {
		t.Fatalf("approved by the contact: %s", own())
	}
	operator.post("/members/requests/" + ids["one.example.jp"] + "/approve").goes("/members/requests")
	operator.post("/members/requests/" + ids["one.example.jp"] + "/approve").is(404)
	if own() != "one.example.jp" {
		t.Errorf("own domains %q", own())
	}
	field := "reason-" + ids["two.example.jp"]
	operator.post("/members/requests/"+ids["two.example.jp"]+"/refuse", field, " ").is(422).safe().has("f-"+field+"-error", "<details open>")
	operator.post("/members/requests/"+ids["two.example.jp"]+"/refuse", field, "別の法人のものです").goes("/members/requests")
	contact.get("/institution").is(200).safe().has("two.example.jp", "別の法人のものです", "不承認")
	operator.get("/members/requests").is(200).safe().has("処理した申請（2）")
	contact.post("/institution/requests/" + ids["three.example.jp"] + "/withdraw").goes("/institution#domains")
	contact.get("/institution").is(200).safe().has("申請を取り下げました", "元に戻す")
	contact.post("/institution/domains/restore").is(303)
	contact.get("/institution").is(200).has("three.example.jp", "承認すると")
}

func TestWardSetting(t *testing.T) {
	g := gateOnSQLite(t)
	contact, staff := g.signedIn(g.ContactA, "contact-a"), g.signedIn(g.StaffA, "staff-a")
	on := func() bool {
		o, err := member.FindOrganisation(t.Context(), g.db, g.ContactA, g.ContactA.Org)
		must(t, err)
		return o.WardCheck
	}
	contact.get("/institution").is(200).safe().has("病棟の共用の端末", `action="/institution/ward/on"`)
	staff.get("/institution").is(200).safe().has("病棟の共用の端末").lacks("/institution/ward/")
	staff.post("/institution/ward/on").is(403)
	contact.post("/institution/ward/on?org=" + itoa(g.ContactB.Org)).is(403)
	if on() {
		t.Fatal("it is on")
	}
	contact.post("/institution/ward/on").goes("/institution#ward")
	if !on() {
		t.Fatal("it is off")
	}
	contact.get("/institution").is(200).safe().has(`action="/institution/ward/off"`, "元に戻す")
	contact.post("/institution/ward/off").is(303)
	if on() {
		t.Error("it is still on")
	}
}

func TestEvaluatorPages(t *testing.T) {
	g := gateOnSQLite(t)
	operator := g.signedIn(g.Operator, "operator")
	operator.get("/members/evaluators").is(200).safe().has("評価者はいません", "丁庁")
	body := itoa(g.ContactO.Org)
	until := time.Now().AddDate(0, 2, 0).Format(time.DateOnly)
	add := func(pairs ...string) *response {
		return operator.post("/members/evaluators", append(pairs, "org", body, "login", "professor")...)
	}
	add("name", "教授", "expires", "").is(422).safe().has("f-expires-error", "教授")
	add("name", "教授", "expires", "2999-01-01").is(422).safe().has("f-expires-error")
	added := add("name", "=教授", "expires", until).is(303)
	operator.get(added.location).is(200).safe().has("評価者", "丁庁").lacks("/move")
	evaluators, _, err := member.Evaluations(t.Context(), g.db, g.Operator)
	must(t, err)
	who, err := member.Caller(t.Context(), g.db, evaluators[0].Account, "web")
	must(t, err)
	guards, err := g.Guards.Current(t.Context())
	must(t, err)
	id, err := advisory.Submit(t.Context(), g.db, g.Analyst, guards, advisory.Submission{State: advisory.Published, Content: advisory.Content{
		Category: category.Notice, NoticeKind: category.ExploitedVulnerability, TLP: tlp.Clear, Title: "お知らせ", Body: "本文", ObservedAt: time.Now().Add(-time.Hour)}})
	must(t, err)
	must(t, advisory.Decide(t.Context(), g.db, who, id, true))
	operator.get("/members/evaluators").is(200).safe().has("=教授", "合計")
	csv := operator.get("/members/evaluators.csv").is(200)
	for _, part := range []string{"account,name,organisation", "'=教授", ",1,0,0,0,1\r\n", "合計"} {
		if !strings.Contains(csv.body, part) {
			t.Errorf("no %q in %s", part, csv.body)
		}
	}
	g.signedIn(g.ContactA, "contact-a").get("/members/evaluators.csv").is(403)
}

func TestGroupPages(t *testing.T) {
	g := gateOnSQLite(t)
	contact, operator := g.signedIn(g.ContactA, "contact-a"), g.signedIn(g.Operator, "operator")
	contact.get("/groups").is(200).safe().has("共有グループはありません").lacks(`action="/groups"`)
	operator.post("/groups", "name", "").is(422).safe().has("f-name-error")
	at := operator.post("/groups", "name", "湾岸", "purpose", "見せ合う").is(303).location
	operator.post("/groups", "name", "湾岸").is(422).safe().has("f-name-error")
	contact.get(at).is(404)
	operator.post(at+"/members", "org", "").is(422).safe().has("f-org-error")
	operator.post(at+"/members", "org", "999999").is(404)
	operator.post(at+"/members", "org", itoa(g.ContactA.Org)).goes(at)
	contact.get(at).is(200).safe().has("甲病院", "湾岸").lacks("/remove", at+"/close")
	contact.get("/institution").is(200).has(`href="` + at + `"`)
	part := at + "/members/" + itoa(g.ContactA.Org)
	operator.post(part + "/remove").goes(at)
	contact.get(at).is(404)
	operator.post(part + "/remove").is(404)
	operator.post(part + "/restore").goes(at)
	contact.get(at).is(200)
	operator.post(at + "/members/" + itoa(g.Operator.Org) + "/remove").is(422).safe().has("ISAC は")
	operator.post(at, "name", "湾岸の病院", "purpose", "").goes(at)
	operator.post(at + "/close").is(200).safe().has("「湾岸の病院」を終えますか")
	operator.post(at+"/close", "confirm", "yes").goes("/groups")
	operator.post(at, "name", "もう一度").is(422).safe().has("終わっています")
	contact.get(at).is(200).safe().has("終了")
	operator.get("/groups").is(200).safe().has("終わったグループ（1）")
}

func TestTokenPages(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		contact, operator := g.signedIn(g.ContactA, "contact-a"), g.signedIn(g.Operator, "operator")
		contact.get("/tokens").is(200).safe().has("使えるトークンはありません")
		contact.get("/tokens/new").is(200).safe().has("甲病院 machine", "新しい機器を登録する", "フィルターを受け取る")
		create := func(v *visitor, pairs ...string) *response {
			return v.post("/tokens/new", append(pairs, "name", "外来", "expires", "")...)
		}
		before := g.register()
		create(contact, "account", "new", "machine", "プロキシ").is(422).safe().has("f-scopes-error")
		create(contact, "account", "new", "machine", "", "scopes", "lists.read").is(422).safe().has("f-machine-error")
		create(contact, "account", itoa(g.StaffA.Account), "scopes", "lists.read").is(422).safe().has("f-account-error")
		create(contact, "account", itoa(g.MachineA.Account), "scopes", "root").is(422).safe().has("f-scopes-error")
		create(contact, "account", itoa(g.MachineA.Account), "scopes", "lists.read", "certificate", "999").is(422).safe().has("f-certificate-error")
		contact.wait()
		contact.get("/tokens/new").goes("/account/prove?next=%2Ftokens%2Fnew")
		create(contact, "account", "new", "machine", "プロキシ", "scopes", "lists.read").goes("/account/prove?next=%2Ftokens%2Fnew")
		if g.register() != before {
			t.Fatal("what was refused has left something")
		}
		contact = contact.again("もう一つの PC")
		made := create(contact, "account", "new", "machine", "プロキシ", "scopes", "lists.read", "scopes", "lookup").is(200).safe().secret()
		secret := made.has("今だけ表示します", "https://"+gateHost+"/blocklists/fortigate", "/etc/teiten/header").after(`<code class="secret-text" translate="no">`, "</code>")
		who, first, err := token.Verify(t.Context(), g.db, secret, 0, token.ListsRead)
		must(t, err)
		if who.Role != caller.Machine || who.Org != g.ContactA.Org || who.Name != "プロキシ" {
			t.Errorf("%+v", who)
		}
		contact.get("/tokens").is(200).safe().has("外来", "指標を調べる", "有効").lacks(secret)
		operator.get("/tokens").is(200).safe().has("外来", "甲病院", `name="org"`)
		operator.get("/tokens?org=" + itoa(g.ContactB.Org)).is(200).safe().lacks("外来")
		// A machine of another organisation than the page's is not taken.
		create(operator, "account", itoa(g.MachineA.Account), "scopes", "lists.read").is(404)

		one := "/tokens/" + itoa(first.ID)
		contact.get(one + "/rotate").is(200).safe().has("外来")
		contact.post(one+"/rotate", "overlap", "9999").is(422).safe().has("f-overlap-error")
		next := contact.post(one+"/rotate", "overlap", "24").is(200).safe().secret().after(`<code class="secret-text" translate="no">`, "</code>")
		for _, s := range []string{secret, next} {
			_, _, err := token.Verify(t.Context(), g.db, s, 0, token.Lookup)
			must(t, err)
		}
		contact.post(one+"/rotate", "overlap", "24").is(422).safe()
		contact.post(one + "/revoke").is(200).safe().has("「外来」を止めますか")
		contact.post(one+"/revoke", "confirm", "yes").goes("/tokens")
		if _, _, err := token.Verify(t.Context(), g.db, secret, 0, token.ListsRead); err == nil {
			t.Error("it works after it was revoked")
		}
		contact.post(one+"/revoke", "confirm", "yes").is(409)
		contact.get("/tokens").is(200).safe().has("終わったトークン（1）")
	})
}

func TestRolesPage(t *testing.T) {
	g := gateOnSQLite(t)
	page := g.signedIn(g.StaffA, "staff-a").get("/help/roles").is(200).safe().has("あなた", "自施設", "すべて")
	if got := strings.Count(page.body, `<tr><th scope="row">`); got != len(permit.Table()) {
		t.Errorf("%d rows of %d", got, len(permit.Table()))
	}
	var firsts []permit.Permission
	for _, row := range permit.Table() {
		for _, a := range roleAreas {
			if a.first == row.Permission {
				firsts = append(firsts, a.first)
			}
		}
	}
	if len(firsts) != len(roleAreas) || firsts[0] != permit.Table()[0].Permission {
		t.Errorf("of %d subjects %d begin in the table: %v", len(roleAreas), len(firsts), firsts)
	}
	for i, a := range roleAreas {
		if firsts[i] != a.first {
			t.Errorf("the subject %s stands elsewhere in the table", a.key)
		}
	}
}

// TestSamplePortalMakesTokens shows that where nobody has keys to show none are
// asked for.
func TestSamplePortalMakesTokens(t *testing.T) {
	w := newWorld(t)
	w.as("minato contact", "GET", "/tokens/new", "").is(200).safe()
	page := w.as("minato contact", "POST", "/tokens/new", form("account", "new", "machine", "プロキシ", "name", "外来", "scopes", "lists.read", "expires", "")).is(200).safe()
	secret := page.has("今だけ表示します").after(`<code class="secret-text" translate="no">`, "</code>")
	_, _, err := token.Verify(t.Context(), w.db, secret, 0, token.ListsRead)
	must(t, err)
	staff := itoa(w.people["minato staff"].Account)
	w.as("minato contact", "POST", "/people/"+staff+"/recover", form("why", "電話を失くした")).is(503) // this one has no keyring
	w.as("minato executive", "GET", "/manage", "").is(403)
	w.as("isac analyst", "GET", "/manage", "").is(200).safe().has(`href="/guard"`, `href="/collectors"`).lacks(`href="/people"`, `href="/tokens"`)
	w.as("aoba contact", "GET", "/manage", "").is(200).safe().has(`href="/people"`)
}
