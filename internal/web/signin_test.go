// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"html/template"
	"slices"
	"testing"

	"teiten/internal/auth"
	"teiten/internal/locale"
	"teiten/internal/mailer"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

func init() {
	sample("door", &doorPage{Reason: "理由", Enrol: true})
	sample("door", &doorPage{Reason: "理由"})
	q := sampleRequest(locale.Japanese)
	login := func(name, key string) Field { return q.Field("text", name, key) }
	form := signInPage{Device: "ノート PC（みなと総合病院）", Ended: "切れました", Provider: "県の認証", Passkeys: true, Next: "/",
		Login: login("login", "signin.login"), Password: login("password", "signin.password"), Code: login("code", "signin.code")}
	sample("signin", &form)
	refused := form
	refused.Errors = []FieldError{{ID: "f-login", Text: "違います"}}
	sample("signin", &refused)
	asked := &firstRunPage{CodeField: login("code", "firstrun.code"), Name: login("isac", "firstrun.name"), Operator: login("operator", "firstrun.operator"),
		Login: login("login", "firstrun.login"), Host: login("hosts", "firstrun.host")}
	sample("firstrun", asked)
	made := &Founded{Password: "ABCD-EFGH", Login: "hanako", URL: "https://portal.example.jp/", Certificate: "/data/operator.p12", Authority: "/data/ca.crt"}
	sample("firstrun", &firstRunPage{Made: made, Code: "ABCD"})
	sample("firstrun", &firstRunPage{Made: made})
	for step := 1; step <= 4; step++ {
		sample("first", &firstPage{Step: step, Shared: step == 1, QR: template.HTML(`<svg role="img" viewBox="0 0 1 1"><title>QR</title></svg>`),
			SetUp: auth.SetUp{Name: "田中 美咲", Login: "tanaka", Provisioning: auth.Provisioning{Secret: "ABCD EFGH"}},
			Codes: []string{"ABCD-EFGH"}, Login: login("login", "signin.login"), Code: login("code", "first.code"),
			Password: login("password", "first.password"), Again: login("again", "first.again")})
	}
}

// TestNotices: an account hears of a sign-in on a device that it never used.
func TestNotices(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var told []string
		g := newGate(t, db, func(c *Config) {
			c.Notify = func(_ context.Context, account int64, key string, _ ...any) error {
				told = append(told, key+" "+itoa(account))
				return nil
			}
		})
		v := g.signedIn(g.ContactA, "contact-a")
		other := g.stranger()
		other.cert = g.certificate(g.ContactA, "別の PC", 0)
		for range 2 {
			other.post("/sign-in", "login", "contact-a", "password", gatePassword, "code", v.recoveryCode()).goes("/")
		}
		other.post("/sign-in", "login", "contact-a", "password", gatePassword+"x", "code", v.recoveryCode()).is(403)
		if want := []string{mailer.NewDevice + " " + itoa(g.ContactA.Account)}; !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}
