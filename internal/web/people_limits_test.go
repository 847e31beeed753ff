// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"
	"time"

	"teiten/internal/audit"
	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/locale"
)

func init() {
	q := sampleRequest(locale.Japanese)
	page := q.limitsPage(auth.Limits{Idle: 45 * time.Minute, Absolute: 12 * time.Hour, Roles: map[caller.Role]time.Duration{caller.Operator: 10 * time.Minute}})
	sample("limits", page)
	refused := *page
	refused.Form.Idle.Error = "長すぎます"
	refused.Errors = Summary(refused.Form.fields()...)
	sample("limits", &refused)
}

// An operator sets how long sessions last; it holds from the next sign-in on,
// and the record says what was changed.
func TestLimits(t *testing.T) {
	eachGate(t, func(t *testing.T, g *gate) {
		operator := g.signedIn(g.Operator, "operator")
		operator.get("/people").is(200).has(`href="/people/limits"`)
		operator.get("/people/limits").is(200).safe().has(`<option value="30" selected>30 分</option>`, `<option value="720" selected>12 時間</option>`)
		contact := g.signedIn(g.ContactA, "contact-a")
		contact.get("/people").is(200).lacks("/people/limits")
		contact.get("/people/limits").is(403)
		contact.post("/people/limits", "idle", "60", "absolute", "480").is(403)

		for _, c := range []struct{ idle, absolute, role, field string }{
			{"1", "720", "", "idle"}, {"481", "720", "", "idle"}, {"", "720", "", "idle"}, {"x", "720", "", "idle"}, {"-30", "720", "", "idle"},
			{"NaN", "720", "", "idle"}, {"30", "59", "", "absolute"}, {"30", "1441", "", "absolute"}, {"30", "1e300", "", "absolute"},
			{"30", "720", "4", "idle_contact"}, {"30", "720", "none", "idle_contact"},
		} {
			operator.post("/people/limits", "idle", c.idle, "absolute", c.absolute, "idle_contact", c.role).is(422).safe().has(`href="#f-`+c.field+`"`, `id="f-`+c.field+`-error"`)
		}
		if l, err := auth.ReadLimits(t.Context(), g.db); err != nil || l.Idle != 30*time.Minute || l.Absolute != 12*time.Hour || len(l.Roles) != 0 {
			t.Fatalf("what was refused has left %+v, %v", l, err)
		}

		operator.post("/people/limits", "idle", "60", "absolute", "480", "idle_contact", "15", "idle_staff", "").goes("/people/limits")
		operator.get("/people/limits").is(200).safe().has(`<option value="60" selected>`, `<option value="480" selected>`, `<option value="15" selected>`)
		for c, want := range map[*visitor]time.Duration{g.signedIn(g.StaffA, "staff-a"): time.Hour, contact.again("別の端末"): 15 * time.Minute} {
			if c.session.Idle != want || c.session.Expires.Sub(c.session.Created) != 8*time.Hour {
				t.Errorf("a session of %s idles %v and lasts %v", c.c.Name, c.session.Idle, c.session.Expires.Sub(c.session.Created))
			}
		}
		contact.get("/").is(200) // the open one goes on as it began
		list, err := audit.Read(t.Context(), g.db, g.Operator, audit.Filter{Action: "auth.limits"}, 10)
		must(t, err)
		if len(list) != 1 || list[0].Account != g.Operator.Account {
			t.Fatalf("records %+v", list)
		}
		for key, want := range map[string][2]string{"idle": {"30m0s", "1h0m0s"}, "absolute": {"12h0m0s", "8h0m0s"}, "roles": {"", "contact 15m0s"}} {
			if d, ok := list[0].Detail[key].(map[string]any); !ok || d["before"] != want[0] || d["after"] != want[1] {
				t.Errorf("the record has %s %v, want %v", key, list[0].Detail[key], want)
			}
		}

		// What only the command line offers stays a choice on the page.
		must(t, auth.SetLimits(t.Context(), g.db, g.Operator, auth.Limits{Idle: 45 * time.Minute, Absolute: 90 * time.Minute}))
		operator.get("/people/limits").is(200).has(`<option value="45" selected>45 分</option>`, `<option value="90" selected>90 分</option>`)

		// It asks for the keys again when that was long ago.
		operator.wait()
		if r := operator.post("/people/limits", "idle", "60", "absolute", "480"); r.status != 303 || !strings.HasPrefix(r.location, "/account/prove") {
			t.Errorf("long after signing in: %d to %s", r.status, r.location)
		}
	})
}
