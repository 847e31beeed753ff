// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package founding

import (
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"software.sslmate.com/src/go-pkcs12"

	"teiten/internal/auth"
	"teiten/internal/blob"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// Set-up can be done again until the first operator has signed in: the
// certificate before is revoked and the password before forgotten. Afterwards,
// and for another login, it is a conflict; wrong answers found nothing.
func TestFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		keys, err := blob.NewKeyring()
		if err != nil {
			t.Fatal(err)
		}
		answers := Answers{Name: "見本ISAC", Operator: "山田 花子", Login: "Hanako", Hosts: []string{"Portal.example.jp", " 127.0.0.1 "}}
		for code, change := range map[string]func(*Answers){
			"founding.host":         func(a *Answers) { a.Hosts = []string{"https://portal.example.jp/"} },
			"founding.host_missing": func(a *Answers) { a.Hosts = []string{" "} },
			"member.name_empty":     func(a *Answers) { a.Operator = " " },
			"member.login_length":   func(a *Answers) { a.Login = "h" },
		} {
			wrong := answers
			change(&wrong)
			if _, err := Found(ctx, db, keys, wrong); fault.Code(err) != code {
				t.Errorf("%v; want %s", err, code)
			}
		}
		if _, err := device.Open(ctx, db, keys); !fault.Is(err, fault.NotFound) {
			t.Fatalf("wrong answers founded an authority: %v", err)
		}

		first, err := Found(ctx, db, keys, answers)
		if err != nil {
			t.Fatal(err)
		}
		second, err := Found(ctx, db, keys, answers)
		if err != nil {
			t.Fatal(err)
		}
		if first.Account != second.Account || first.Password == second.Password || second.Login != "hanako" || len(second.Hosts) != 2 || second.Hosts[1] != "127.0.0.1" {
			t.Errorf("first %d %s, second %d %s %v", first.Account, first.Login, second.Account, second.Login, second.Hosts)
		}
		office, err := device.Open(ctx, db, keys)
		if err != nil {
			t.Fatal(err)
		}
		admit := func(m Made) (device.Certificate, error) {
			_, leaf, _, err := pkcs12.DecodeChain(m.P12, m.Password)
			if err != nil {
				t.Fatal(err)
			}
			return office.Admit(ctx, db, leaf, nil, time.Now())
		}
		if _, err := admit(first); fault.Code(err) != "device.revoked" {
			t.Errorf("the first certificate: %v", err)
		}
		cert, err := admit(second)
		if err != nil {
			t.Fatal(err)
		}
		dev := auth.Device{ID: cert.ID, Account: cert.Account, Org: cert.Org}
		if _, _, err := auth.Begin(ctx, db, keys, dev, "定点", "", first.Password); fault.Code(err) != "auth.set_up_refused" {
			t.Errorf("the first password: %v", err)
		}
		step, state, err := auth.Begin(ctx, db, keys, dev, "定点", "", second.Password)
		if err != nil {
			t.Fatal(err)
		}
		if err := auth.ChoosePassword(ctx, db, keys, dev, step, "umbrella-teacup-gravel-17"); err != nil {
			t.Fatal(err)
		}
		code, err := totp.GenerateCode(strings.ReplaceAll(state.Secret, " ", ""), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := auth.Finish(ctx, db, keys, dev, step, code); err != nil {
			t.Fatal(err)
		}
		other := answers
		other.Login = "taro"
		for _, again := range []Answers{answers, other} {
			if _, err := Found(ctx, db, keys, again); fault.Code(err) != "founding.done" || !fault.Is(err, fault.Conflict) {
				t.Errorf("again as %s: %v", again.Login, err)
			}
		}
		if _, err := admit(second); err != nil {
			t.Errorf("what was refused revoked her certificate: %v", err)
		}
	})
}
