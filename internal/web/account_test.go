// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/federate"
	"teiten/internal/locale"
	"teiten/internal/passkey"
	"teiten/internal/storetest"
)

func init() {
	q := sampleRequest(locale.Japanese)
	cert := device.Certificate{ID: 3, Purpose: device.Person, Account: 2, AccountName: "鈴木 一郎", OrgName: "みなと総合病院", Label: "ノート 2",
		NotAfter: testNow.Add(9 * 24 * time.Hour), Issued: testNow, Serial: "1a", Fingerprint: "ab"}
	over, revoked := cert, cert
	over.NotAfter = testNow.Add(-time.Hour)
	revoked.Revoked, revoked.RevokeReason, revoked.LastSeen = testNow, device.Lost, testNow
	rows := []deviceRow{q.deviceRow(cert), q.deviceRow(over), q.deviceRow(revoked)}
	sample("account", &accountPage{Login: "suzuki", Few: true, May: true, Provider: "県の認証", Devices: rows,
		Notices: []recoveryNotice{{auth.Recovery{ID: 1, Opener: "佐藤", Approver: "高橋", Opened: testNow}, true}, {auth.Recovery{ID: 2, Opener: "佐藤", Completed: testNow}, false},
			{auth.Recovery{ID: 3, Opener: "佐藤", Cancelled: testNow}, false}, {auth.Recovery{ID: 4, Opener: "佐藤"}, false}},
		Sessions:   []sessionRow{{auth.Session{ID: 1, Method: auth.ByPasskey, Created: testNow, Seen: testNow}, true}, {auth.Session{ID: 2, Method: auth.ByPassword, Label: "PC"}, false}},
		Passkeys:   []passkey.Passkey{{ID: 1, Label: "iPhone", Created: testNow, Synced: true}, {ID: 2, Label: "鍵", Created: testNow, Used: testNow}},
		Identities: []federate.Identity{{ID: 1, Issuer: "https://id.example.jp", Created: testNow}}})
	sample("account", &accountPage{Sessions: []sessionRow{{auth.Session{ID: 1, Method: auth.BySetUp}, true}, {auth.Session{ID: 2, Method: auth.ByOIDC}, false}, {auth.Session{ID: 3, Method: auth.ByRecoveryCode}, false}}})
	sample("account_prove", &provePage{Next: "/", Passkey: true, Password: q.Field("password", "password", "signin.password"), Code: q.Field("text", "code", "signin.code")})
	sample("account_password", q.passwordPage())
	sample("account_app", &appPage{Code: q.Field("text", "code", "first.app.code")})
	sample("account_app", &appPage{Code: q.Field("text", "code", "first.app.code"), Errors: []FieldError{{Text: "違います"}}, Offer: auth.Provisioning{Secret: "ABCD EFGH"},
		QR: template.HTML(`<svg role="img" viewBox="0 0 1 1"><title>QR</title></svg>`)})
	sample("account_codes", &codesPage{Codes: []string{"ABCD-EFGH"}})
	sample("account_passkey", q.passkeyPage("追加", passkey.Passkey{}))
	sample("account_passkey", q.passkeyPage("iPhone", passkey.Passkey{ID: 1, Label: "iPhone"}))
	sample("away", &awayPage{Name: "県の認証", URL: "https://id.example.jp/authorize?state=a"})
	sample("device", q.devicePage(cert, "/devices/3/revoke", device.Reasons, Crumb{"/devices", "端末"}))
	sample("device", q.devicePage(revoked, "/devices/3/revoke", device.Reasons, Crumb{"/devices", "端末"}))
}

// TestAccountPage: who I am, where I am signed in, and nobody else.
func TestAccountPage(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		staff, other := g.signedIn(g.StaffA, "staff-a"), g.signedIn(g.OtherA, "other-a")
		page := staff.get("/account").is(200).safe()
		page.has("甲病院 staff", "甲病院", "職員", "ノート staff-a", "この画面", "あと 10 個", "まだありません").lacks("other-a", "甲病院 staff 2", "ほかのサインインの方法", "あと 1 個")
		contact := g.signedIn(g.ContactA, "contact-a")
		contact.get("/account").is(200).safe().has("contact-a").lacks("ノート staff-a", "ノート other-a")

		second := staff.again("病院の iPhone")
		staff.get("/account").has("病院の iPhone", "パスキー")
		staff.post("/account/sessions/" + itoa(other.session.ID) + "/end").is(404)
		other.get("/account").is(200)
		staff.post("/account/sessions/" + itoa(second.session.ID) + "/end").goes("/account#sessions")
		second.get("/account").goes("/sign-in?next=%2Faccount")
		for _, id := range []string{"0", "-1", "x", "99999999999999999999"} {
			staff.post("/account/sessions/" + id + "/end").is(404)
		}
		staff.get("/account").is(200)

		third := staff.again("別の PC")
		staff.post("/account/sign-out").is(200).has("すべての端末からサインアウトしますか")
		third.get("/account").is(200)
		staff.post("/account/sign-out", "confirm", "yes").goes("/sign-in")
		if staff.jar["__Host-teiten-session"] != "" {
			t.Error("the cookie stays")
		}
		third.get("/account").goes("/sign-in?next=%2Faccount")
		other.get("/account").is(200)
		g.wantAudit("session.end", "session.end_all")
	})
}

// TestProve: after a while an open browser alone changes no key, and whoever
// shows her factors goes on to where she was, with a new token.
func TestProve(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		staff, other := g.signedIn(g.StaffA, "staff-a"), g.signedIn(g.OtherA, "other-a")
		staff.wait()
		for _, path := range []string{"/account/password", "/account/app", "/account/codes", "/account/passkeys/new", "/account/passkeys/1", "/account/link",
			"/account/identities/1", "/account/devices/" + itoa(staff.cert.ID)} {
			staff.get(path).goes(proveAddress(path))
			if path != "/account/passkeys/new" {
				staff.post(path, "confirm", "yes", "do", "begin", "reason", "lost").goes(proveAddress(path))
			}
		}
		for _, path := range []string{"/account/passkeys/options", "/account/passkeys"} {
			staff.send("POST", path, `{}`, "application/json").is(403).has(`"next":"/account/prove?next=%2Faccount%2Fpasskeys%2Fnew"`)
		}
		if n := g.count(`SELECT COUNT(*) FROM certificate WHERE revoked_at <> 0`); n != 0 {
			t.Errorf("%d certificates were revoked without proof", n)
		}
		staff.get(proveAddress("/account/password")).is(200).safe().has("もう一度").lacks("data-passkey-area")

		before := staff.jar["__Host-teiten-session"]
		wrong := staff.post("/account/prove", "next", "/account/password", "password", "not her password", "code", staff.recoveryCode())
		wrong.is(403).safe().has("role=\"alert\"", `value="/account/password"`).lacks("not her password")
		// Another's factors are not hers.
		staff.post("/account/prove", "next", "/account", "password", other.password, "code", other.recoveryCode()).is(403)
		staff.get("/account/password").goes(proveAddress("/account/password"))
		staff.post("/account/prove", "next", "https://evil.example/", "password", staff.password, "code", staff.recoveryCode()).goes("/")
		if staff.jar["__Host-teiten-session"] == before {
			t.Error("the session keeps its token although it may do more now")
		}
		staff.get("/account/password").is(200).safe()
		stolen := g.stranger()
		stolen.cert, stolen.jar["__Host-teiten-session"] = staff.cert, before
		stolen.get("/account").goes("/sign-in?next=%2Faccount")
		g.wantAudit("auth.prove", "auth.prove_failed")
		g.quiet(staff.password, before, "not her password")
	})
}

func TestChangePassword(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		staff := g.signedIn(g.StaffA, "staff-a")
		second := staff.again("別の PC")
		const fresh = "kettle-bicycle-amber-30"
		try := func(old, password, again string) *response {
			return staff.post("/account/password", "old", old, "password", password, "again", again)
		}
		try(staff.password, fresh, fresh+"x").is(422).safe().has("二つのパスワードが違います", `href="#f-again"`).lacks(fresh)
		try(staff.password, "short", "short").is(422).has(`href="#f-password"`)
		try("not it at all really", fresh, fresh).is(422).has(`href="#f-old"`)
		second.get("/account").is(200)
		try(staff.password, fresh, fresh).goes("/account")
		staff.get("/account").is(200).has("パスワードを変えました")
		second.get("/account").goes("/sign-in?next=%2Faccount")
		_, _, err := auth.SignIn(t.Context(), g.db, g.keys, staff.device(), auth.Attempt{Login: "staff-a", Password: fresh, Code: staff.recoveryCode()})
		must(t, err)
		g.quiet(fresh, staff.password)
	})
}

func TestReplaceApp(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		staff, other := g.signedIn(g.StaffA, "staff-a"), g.signedIn(g.OtherA, "other-a")
		staff.get("/account/app").is(200).safe().has("QR コードを表示").lacks("<svg xmlns")
		staff.post("/account/app", "do", "begin").goes("/account/app")
		page := staff.get("/account/app").is(200).secret().safe().has("<svg xmlns")
		secret := strings.ReplaceAll(page.after(`<code class="secret-text" translate="no">`, "<"), " ", "")
		// Somebody else with the cookie, on her own device, sees nothing of it.
		other.jar["__Host-teiten-app"] = staff.jar["__Host-teiten-app"]
		other.get("/account/app").is(200).lacks(secret, "<svg xmlns")
		code, err := totp.GenerateCode(secret, time.Now())
		must(t, err)
		wrong := "000000"
		if code == wrong {
			wrong = "111111"
		}
		staff.post("/account/app", "do", "confirm", "code", wrong).is(422).secret().safe().has(`id="f-code"`, `role="alert"`, "<svg xmlns")
		other.post("/account/app", "do", "confirm", "code", code).is(422)
		staff.post("/account/app", "do", "confirm", "code", code).goes("/account")
		staff.get("/account").has("認証アプリを替えました")
		_, _, err = auth.SignIn(t.Context(), g.db, g.keys, staff.device(), auth.Attempt{Login: "staff-a", Password: staff.password, Code: oldCode(t, staff)})
		if !fault.Is(err, fault.Forbidden) {
			t.Errorf("the old app still works: %v", err)
		}
		g.wantAudit("auth.totp_begin", "auth.totp_change")
		g.quiet(secret)
	})
}

// oldCode is the next code of the app that a visitor began with.
func oldCode(t *testing.T, v *visitor) string {
	t.Helper()
	code, err := totp.GenerateCode(v.secret, time.Now().Add(30*time.Second))
	must(t, err)
	return code
}

func TestNewRecoveryCodes(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		staff := g.signedIn(g.StaffA, "staff-a")
		old := staff.recoveryCode()
		staff.get("/account/codes").is(200).safe().has("すべて使えなくなります")
		staff.post("/account/codes").is(200).has("すべて使えなくなります").lacks("recovery-codes")
		page := staff.post("/account/codes", "confirm", "yes").is(200).secret().safe()
		codes := regexp.MustCompile(`<li><code translate="no">([^<]+)</code>`).FindAllStringSubmatch(page.body, -1)
		if len(codes) != 10 || strings.Contains(page.body, old) {
			t.Fatalf("%d codes", len(codes))
		}
		staff.wait()
		staff.post("/account/prove", "next", "/account", "password", staff.password, "code", old).is(403)
		staff.post("/account/prove", "next", "/account", "password", staff.password, "code", codes[0][1]).goes("/account")
		staff.get("/account").has("あと 9 個").lacks("新しく作ってください")
		for _, c := range codes[1:7] {
			staff.post("/account/prove", "next", "/account", "password", staff.password, "code", c[1]).goes("/account")
		}
		staff.get("/account").has("あと 3 個", "新しく作ってください")
		g.quiet(codes[0][1], codes[8][1])
	})
}

// TestAccountOfOthers asks for what is another's under every address that
// names something.
func TestAccountOfOthers(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		staff, contact, far := g.signedIn(g.StaffA, "staff-a"), g.signedIn(g.ContactA, "contact-a"), g.signedIn(g.StaffB, "staff-b")
		g.exec(`INSERT INTO federate_identity (account_id, issuer, subject, created_at, used_at) VALUES ($1, 'https://id.example.jp', 's', 1, 0)`, staff.c.Account)
		identity := g.count(`SELECT id FROM federate_identity WHERE account_id = $1`, staff.c.Account)
		for _, v := range []*visitor{contact, far} {
			v.get("/account/devices/" + itoa(staff.cert.ID)).is(404)
			v.post("/account/devices/"+itoa(staff.cert.ID), "reason", "lost", "confirm", "yes").is(404)
			v.get("/account/identities/" + itoa(int64(identity))).is(404)
			v.post("/account/identities/"+itoa(int64(identity)), "confirm", "yes").is(404)
			v.get("/account/link").is(404)
			v.get("/account/passkeys/1").is(404)
			v.post("/account/passkeys/1", "do", "remove", "confirm", "yes").is(404)
			v.post("/account/notices/1/seen").is(404)
		}
		staff.get("/account/devices/" + itoa(far.cert.ID)).is(404)
		if n := g.count(`SELECT COUNT(*) FROM certificate WHERE revoked_at <> 0`); n != 0 {
			t.Errorf("%d certificates were revoked", n)
		}
		staff.get("/account").has("https://id.example.jp")
		staff.get("/account/identities/" + itoa(int64(identity))).is(200).safe().has("つながりを外しますか")
		staff.post("/account/identities/" + itoa(int64(identity))).is(200)
		if g.count(`SELECT COUNT(*) FROM federate_identity`) != 1 {
			t.Error("it was unlinked without an answer")
		}
		staff.post("/account/identities/"+itoa(int64(identity)), "confirm", "yes").goes("/account#identities")
		if g.count(`SELECT COUNT(*) FROM federate_identity`) != 0 {
			t.Error("it is still linked")
		}
	})
}

// TestRevokeOwn: a lost device is shut out with the sessions on it.
func TestRevokeOwn(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		staff := g.signedIn(g.StaffA, "staff-a")
		lost := staff.again("失くした PC")
		path := "/account/devices/" + itoa(lost.cert.ID)
		staff.get(path).is(200).safe().has("失くした PC", "紛失").lacks("退職")
		staff.post(path).is(422).safe().has("理由を選んでください")
		staff.post(path, "reason", "left").is(422)
		staff.post(path, "reason", "lost").is(200).has("失くした PC", `name="reason" value="lost"`)
		lost.get("/account").is(200)
		staff.post(path, "reason", "lost", "confirm", "yes").goes("/account#devices")
		if n := g.count(`SELECT COUNT(*) FROM session WHERE device_id = $1`, lost.cert.ID); n != 0 {
			t.Errorf("%d sessions live on the lost device", n)
		}
		staff.get("/account").is(200).has("失効")
		staff.post(path, "reason", "lost", "confirm", "yes").is(409)
		this := "/account/devices/" + itoa(staff.cert.ID)
		staff.post(this, "reason", "ended").is(200).has("この端末からはもう入れません")
		g.wantAudit("certificate.revoke", "session.end_all")
	})
}

// TestRecoveryNotice: the owner hears of a recovery that others began, on her
// page and on Home, and stops it; nobody else does that here.
func TestRecoveryNotice(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		ctx := t.Context()
		staff, operator := g.signedIn(g.StaffA, "staff-a"), g.signedIn(g.Operator, "operator")
		staff.get("/").is(200).lacks("「復旧」が行われました")
		id, _, err := auth.OpenRecovery(ctx, g.db, g.keys, g.ContactA, g.StaffA.Account, "スマートフォンの紛失")
		must(t, err)
		staff.get("/").is(200).safe().has("「復旧」が行われました", `href="/account"`)
		staff.get("/account").is(200).safe().has("甲病院 contact", "すぐに止めて")
		operator.get("/account").lacks("「復旧」が行われました")
		at := "/account/notices/" + itoa(id)
		operator.post(at+"/stop", "confirm", "yes").is(404)
		operator.post(at + "/seen").is(404)
		// A contact who may recover the account, and has a notice of her own.
		contact := g.signedIn(g.ContactA, "contact-a")
		_, _, err = auth.OpenRecovery(ctx, g.db, g.keys, g.Operator, g.ContactA.Account, "紛失")
		must(t, err)
		contact.post(at+"/stop", "confirm", "yes").is(404)
		staff.post(at + "/stop").is(200).has("止めますか")
		_, err = auth.ApproveRecovery(ctx, g.db, g.keys, g.Operator, id)
		must(t, err)
		staff.get("/account").goes("/sign-in?next=%2Faccount") // the approval ended her session
		staff = staff.again("戻った PC")
		staff.post(at+"/stop", "confirm", "yes").goes("/account")
		if n := g.count(`SELECT COUNT(*) FROM auth_set_up WHERE account_id = $1`, staff.c.Account); n != 0 {
			t.Error("its code is still good")
		}
		staff.get("/account").has("途中で取り消されました").lacks("/stop")
		staff.post(at + "/seen").goes("/account")
		staff.get("/account").lacks("途中で取り消されました")
		staff.get("/").lacks("「復旧」が行われました")
	})
}

// TestAccountDoors: nobody comes to these pages without both keys, and no
// machine or ward PC alone.
func TestAccountDoors(t *testing.T) {
	g := newGate(t, storetest.SQLite(t))
	nobody, known := g.stranger(), g.stranger()
	known.cert = g.certificate(g.StaffA, "PC", 0)
	ward := g.stranger()
	ward.cert = g.certificate(caller.Caller{Org: g.StaffA.Org}, "3 階病棟", 0)
	for _, rt := range g.Server.routes {
		if !strings.HasPrefix(rt.pattern, "/account") && !strings.HasPrefix(rt.pattern, "/devices") {
			continue
		}
		path := strings.ReplaceAll(rt.pattern, "{id}", "1")
		nobody.send(rt.method, path, "", "").is(403).has("登録されていません")
		for _, v := range []*visitor{known, ward} {
			status := http.StatusSeeOther
			if rt.method == "POST" {
				status = http.StatusUnauthorized
			}
			v.send(rt.method, path, "", "").is(status)
		}
	}
}

// TestPasskeyAnswers sends what no browser sends; a browser test does the rest.
func TestPasskeyAnswers(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		staff := g.signedIn(g.StaffA, "staff-a")
		staff.get("/account/passkeys/new").is(200).safe().has("data-passkey-area", `data-passkey="register"`)
		options := staff.send("POST", "/account/passkeys/options", "", "").is(200)
		options.has(`"challenge"`, `"id":"`+gateHost+`"`)
		if options.header("Content-Type") != "application/json" || options.header("Cache-Control") != "no-store" {
			t.Error("the options may be kept")
		}
		for body, status := range map[string]int{
			`{"label":"","response":{}}`: 400, `{"label":"a","response":{}}`: 403, `{"label":"a"}`: 403, `nonsense`: 400, "": 400,
			`{"label":"` + strings.Repeat("あ", 101) + `","response":{}}`: 400, `{"label":"` + strings.Repeat("a", passkeyBody) + `"}`: 413,
		} {
			staff.send("POST", "/account/passkeys/options", "", "").is(200)
			staff.send("POST", "/account/passkeys", body, "application/json").is(status)
		}
		staff.send("POST", "/account/prove/passkey", `{}`, "application/json").is(409) // nothing was begun
		staff.send("POST", "/account/prove/passkey/options", "", "").is(404)           // she has none
		if n := g.count(`SELECT COUNT(*) FROM passkey`); n != 0 {
			t.Errorf("%d passkeys", n)
		}
	})
}
