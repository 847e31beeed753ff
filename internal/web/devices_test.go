// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"html/template"
	"strings"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/locale"
)

func init() {
	q := sampleRequest(locale.Japanese)
	cert := device.Certificate{ID: 3, Purpose: device.Person, Account: 2, Org: 2, AccountName: "鈴木 一郎", OrgName: "みなと総合病院", Label: "ノート 2", NotAfter: testNow.Add(9 * 24 * time.Hour)}
	shared := device.Certificate{ID: 4, Purpose: device.Device, Org: 2, OrgName: "みなと総合病院", Label: "3 階病棟", NotAfter: testNow.Add(300 * 24 * time.Hour), LastSeen: testNow}
	rows := []deviceRow{q.deviceRow(cert), q.deviceRow(shared)}
	choose := q.Field("select", "org", "devices.org")
	choose.Options = []Option{{Value: "2", Label: "みなと総合病院"}}
	full := &devicesPage{All: true, Org: 2, Choose: choose, Tabs: []Tab{{Href: "/devices", Name: "有効", Current: true}}, List: rows, Ending: rows[:1], May: true,
		Invitations: []device.Invitation{{ID: 1, Purpose: device.Device, Label: "詰所", OrgName: "みなと総合病院", Created: testNow, Expires: testNow}}, State: device.Valid}
	sample("devices", full)
	sample("devices", &devicesPage{May: true, State: device.Revoked})
	form := &invitePage{All: true, Org: 2, Name: "みなと総合病院", Choose: choose, Purpose: q.Field("radio", "purpose", "devices.invite.purpose"),
		Account: q.Field("select", "account", "devices.invite.account"), Label: q.Field("text", "label", "devices.invite.label"), For: q.Field("select", "for", "devices.invite.for")}
	sample("invite", form)
	sample("invite", &invitePage{All: true, Choose: choose})
	sample("invited", &invitedPage{Invitation: device.Invitation{OrgName: "みなと総合病院", Label: "ノート 2", Expires: testNow}, Whose: "鈴木 一郎", Code: "ABCD-EFGH",
		Door: "https://portal.example.jp/enrol", Link: "https://portal.example.jp/enrol#ABCD-EFGH", Sample: true, QR: template.HTML(`<svg role="img" viewBox="0 0 1 1"><title>QR</title></svg>`)})
}

// TestDevices: a contact sees the devices of her own people, an operator all.
func TestDevices(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		contact, operator, staff := g.signedIn(g.ContactA, "contact-a"), g.signedIn(g.Operator, "operator"), g.signedIn(g.StaffA, "staff-a")
		far := g.certificate(g.StaffB, "乙のノート", 0)
		ward := g.certificate(caller.Caller{Org: g.StaffA.Org}, "3 階病棟", 9*24*time.Hour)
		open := g.invited(g.ContactB, g.ContactB, "乙の招待")
		g.invited(g.ContactA, g.OtherA, "甲の招待")

		page := contact.get("/devices").is(200).safe()
		page.has("甲病院 staff", "ノート staff-a", "3 階病棟", "あと 9 日", "期限が近い証明書が 1 枚", "甲の招待", "この端末").lacks("乙", "ノート operator", `name="org"`)
		operator.get("/devices").is(200).safe().has("甲病院 staff", "乙病院 staff", "乙の招待", `name="org"`)
		operator.get("/devices?org="+itoa(g.StaffB.Org)).is(200).has("乙のノート", "乙の招待").lacks("ノート staff-a", "甲の招待")
		contact.get("/devices?org=" + itoa(g.StaffB.Org)).is(404)
		for _, org := range []string{"x", "-1", "99999"} {
			operator.get("/devices?org=" + org).is(404)
		}
		operator.get("/devices?state=lost").is(400)
		staff.get("/devices").is(403)
		staff.get("/devices/" + itoa(staff.cert.ID)).is(403)

		// What is another institution's is not there, whatever is asked of it.
		id := itoa(far.ID)
		contact.get("/devices/" + id).is(404)
		contact.post("/devices/"+id+"/revoke", "reason", "lost", "confirm", "yes").is(404)
		staff.post("/devices/"+id+"/revoke", "reason", "lost", "confirm", "yes").is(403)
		theirs := itoa(int64(g.count(`SELECT id FROM enrolment WHERE label = '乙の招待'`)))
		contact.post("/devices/invitations/"+theirs+"/cancel", "confirm", "yes").is(404)
		if n := g.count(`SELECT (SELECT COUNT(*) FROM certificate WHERE revoked_at <> 0) + (SELECT COUNT(*) FROM enrolment WHERE cancelled_at <> 0)`); n != 0 {
			t.Errorf("%d were changed by a stranger", n)
		}
		g.stranger().post("/enrol", "code", open).is(200)

		contact.get("/devices/"+itoa(ward.ID)).is(200).safe().has("3 階病棟", ward.Fingerprint, "病棟などの共用 PC")
		contact.get("/devices/"+itoa(staff.cert.ID)).is(200).has("甲病院 staff", "退職")
		contact.get("/").is(200).has("1 台の端末の証明書")
		operator.get("/").is(200).has("1 台の端末の証明書")
		staff.get("/").is(200).lacks("端末の証明書")
	})
}

// TestRevokeDevice ends a certificate and the sessions on it together.
func TestRevokeDevice(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		contact, staff := g.signedIn(g.ContactA, "contact-a"), g.signedIn(g.StaffA, "staff-a")
		at := "/devices/" + itoa(staff.cert.ID) + "/revoke"
		contact.post(at).is(422).safe().has("理由を選んでください")
		contact.post(at, "reason", "fun").is(422)
		contact.post(at, "reason", "left").is(200).safe().has("元には戻せません", `name="reason" value="left"`)
		staff.get("/account").is(200)
		contact.post(at, "reason", "left", "confirm", "yes").goes("/devices")
		if n := g.count(`SELECT COUNT(*) FROM session WHERE account_id = $1`, staff.c.Account); n != 0 {
			t.Errorf("%d sessions go on", n)
		}
		contact.get("/devices?state=revoked").is(200).has("ノート staff-a", "失効")
		contact.get("/devices/" + itoa(staff.cert.ID)).has("退職または異動").lacks("data-confirm")
		contact.post(at, "reason", "left", "confirm", "yes").is(409)
		this := "/devices/" + itoa(contact.cert.ID) + "/revoke"
		contact.post(this, "reason", "lost").is(200).has("この端末からはもう入れません")
		g.wantAudit("certificate.revoke", "session.end_all")
	})
}

// TestInvite shows the code once, for the caller's own people.
func TestInvite(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		contact := g.signedIn(g.ContactA, "contact-a")
		contact.get("/devices/invite").is(200).safe().has("甲病院 staff（職員）", "甲病院 machine（", "共用 PC").lacks("乙病院", `name="org"`)
		contact.get("/devices/invite?account="+itoa(g.MachineA.Account)).has(`value="machine" checked`, `value="`+itoa(g.MachineA.Account)+`" selected`)
		invite := func(pairs ...string) *response { return contact.post("/devices/invite", append(pairs, "for", "72")...) }
		refused := func(r *response, field string) {
			t.Helper()
			r.is(422).safe().has(`href="#f-`+field+`"`, `id="f-`+field+`-error"`)
		}
		refused(invite("purpose", "person"), "account")
		refused(invite("purpose", "device"), "label")
		refused(invite("purpose", "king", "account", itoa(g.StaffA.Account)), "purpose")
		refused(invite("purpose", "device", "label", strings.Repeat("あ", 101)), "label")
		refused(contact.post("/devices/invite", "purpose", "device", "label", "詰所", "for", "9999"), "for")
		invite("purpose", "person", "account", itoa(g.StaffB.Account)).is(404)
		invite("purpose", "person", "account", itoa(g.StaffB.Account), "org", itoa(g.StaffB.Org)).is(404)
		invite("purpose", "device", "label", "詰所", "org", itoa(g.StaffB.Org)).is(404)
		contact.get("/devices/invite?org=" + itoa(g.StaffB.Org)).is(404)
		if n := g.count(`SELECT COUNT(*) FROM enrolment`); n != 0 {
			t.Errorf("%d invitations of what was refused", n)
		}

		made := invite("purpose", "person", "account", itoa(g.StaffA.Account), "label", "医事課").is(200).secret().safe()
		link := made.after(`<code class="secret-text" translate="no">`, "<")
		code, found := strings.CutPrefix(link, "https://"+gateHost+"/enrol#")
		if !found {
			t.Fatalf("the link is %s", link)
		}
		made.has("甲病院 staff", "医事課", "<svg xmlns", "メールでは送らないで", "一回だけ").lacks("見本のポータル")
		g.stranger().post("/enrol", "code", code).is(200).has("甲病院", "医事課")
		contact.get("/devices").has("医事課").lacks(code)
		// A shared PC has no holder, whatever was chosen before.
		invite("purpose", "device", "account", itoa(g.StaffA.Account), "label", "詰所").is(200).has("病棟などで共用")

		id := itoa(int64(g.count(`SELECT id FROM enrolment WHERE label = '医事課'`)))
		contact.post("/devices/invitations/" + id + "/cancel").is(200).has("取り消しますか")
		contact.post("/devices/invitations/"+id+"/cancel", "confirm", "yes").goes("/devices#invitations")
		contact.post("/devices/invitations/"+id+"/cancel", "confirm", "yes").is(409)
		g.stranger().post("/enrol", "code", code).is(409)
		contact.wait()
		contact.get("/devices/invite?account=5").goes(proveAddress("/devices/invite?account=5"))
		invite("purpose", "device", "label", "あとから").goes(proveAddress("/devices/invite"))
		g.quiet(code)
	})
}

// TestInviteAnybody: an operator chooses the organisation first.
func TestInviteAnybody(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		operator := g.signedIn(g.Operator, "operator")
		operator.get("/devices/invite").is(200).safe().has("乙病院", `name="org"`).lacks(`name="purpose"`)
		org := itoa(g.StaffB.Org)
		operator.get("/devices/invite?org=" + org).is(200).safe().has("乙病院 staff（職員）").lacks("甲病院 staff")
		operator.post("/devices/invite", "purpose", "device", "label", "x", "for", "24").is(200).lacks("secret-text")
		operator.post("/devices/invite", "org", org, "purpose", "person", "account", itoa(g.StaffA.Account), "for", "24").is(404)
		operator.post("/devices/invite", "org", org, "purpose", "person", "account", itoa(g.StaffB.Account), "for", "24").is(200).has("乙病院 staff")
		if n := g.count(`SELECT COUNT(*) FROM enrolment WHERE organisation_id = $1 AND account_id = $2`, g.StaffB.Org, g.StaffB.Account); n != 1 {
			t.Errorf("%d invitations", n)
		}
	})
}

// TestEndingSoon: each is told of her own certificate, in days.
func TestEndingSoon(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		staff := g.signedIn(g.StaffA, "staff-a")
		g.certificate(g.StaffA, "古いノート", 5*24*time.Hour)
		g.certificate(g.ContactB, "乙のノート", 5*24*time.Hour)
		staff.get("/").is(200).safe().has("あと 5 日で期限切れです", "招待を頼んでください").lacks("台の端末")
		staff.get("/account").has("あと 5 日", "期限が近づいています")
		contact := g.signedIn(g.ContactA, "contact-a")
		g.certificate(g.ContactA, "窓口のノート", 20*24*time.Hour)
		contact.get("/").is(200).safe().has("あと 20 日で期限切れです", "1 台の端末の証明書", "/devices/invite?org=").lacks("乙")
	})
}

// TestSampleDevices: the sample portal shows the pages; what it makes opens nothing.
func TestSampleDevices(t *testing.T) {
	w := newWorld(t)
	w.as("minato contact", "GET", "/devices", "").is(200).safe().has("あてはまる証明書はありません")
	w.as("minato contact", "POST", "/devices/invite", form("purpose", "device", "label", "3 階病棟", "for", "72")).is(200).safe().has("この招待は使えません")
	w.as("minato staff", "GET", "/devices", "").is(403)
	w.as("minato contact", "GET", "/enrol", "").is(404)
	w.as("minato contact", "GET", "/account", "").is(404)
}
