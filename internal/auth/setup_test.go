// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"strings"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

const enrolment = "ABCD-EFGH-JKMN-PQRS-TVWX"

func (w *world) giveCode(account int64, code string) error {
	return w.db.Write(ctx, caller.System("enrolment"), func(tx *store.Tx) error {
		return SetUpCode(ctx, tx, account, code, tx.Now.Add(time.Hour))
	})
}

func TestSetUp(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev := bound(7, w.StaffA)
		want(t, w.giveCode(w.StaffA.Account, enrolment), "")
		if w.count(`SELECT COUNT(*) FROM auth_set_up WHERE hash LIKE '%ABCD%'`) != 0 {
			t.Error("the code is stored as it is")
		}
		token, u, err := Begin(ctx, w.db, w.keys, dev, "定点", "", strings.ToLower(enrolment)) // her own device knows who she is
		if want(t, err, ""); u.Login != "staff-a" || u.Password || u.Account != w.StaffA.Account || !strings.HasPrefix(u.URI, "otpauth://totp/") {
			t.Errorf("%+v", u)
		}
		code := func() string {
			x := &user{w: w, secret: strings.ReplaceAll(u.Secret, " ", "")}
			return x.code()
		}
		_, err = Finish(ctx, w.db, w.keys, dev, token, code())
		want(t, err, "auth.set_up_password")
		for password, reason := range map[string]string{"short": "auth.password_short", "staff-a staff-a 2024": "auth.password_own", "passwordpassword": "auth.password_common"} {
			want(t, ChoosePassword(ctx, w.db, w.keys, dev, token, password), reason)
		}
		want(t, ChoosePassword(ctx, w.db, w.keys, dev, token, goodPassword), "")
		again, err := Continue(ctx, w.db, w.keys, dev, "定点", token)
		if want(t, err, ""); !again.Password || again.Secret != u.Secret {
			t.Errorf("%+v", again)
		}
		// Nothing counts before the end.
		if n := w.count(`SELECT (SELECT COUNT(*) FROM auth_password) + (SELECT COUNT(*) FROM auth_totp) + (SELECT COUNT(*) FROM session)`); n != 0 {
			t.Error("something counts already")
		}
		wrong := wrongCode(&user{secret: strings.ReplaceAll(u.Secret, " ", "")})
		_, err = Finish(ctx, w.db, w.keys, dev, token, wrong)
		want(t, err, "auth.first_code")
		// Another device, another token, another purpose.
		for _, other := range []Device{bound(8, w.StaffB), {}, {ID: 20, Org: w.StaffA.Org}} {
			_, err = Continue(ctx, w.db, w.keys, other, "定点", token)
			want(t, err, "auth.step_over")
			_, err = Finish(ctx, w.db, w.keys, other, token, code())
			want(t, err, "auth.step_over")
			want(t, ChoosePassword(ctx, w.db, w.keys, other, token, goodPassword), "auth.step_over")
		}
		_, err = Continue(ctx, w.db, w.keys, dev, "定点", "x")
		want(t, err, "auth.step_over")

		got := parallel(4, func() error {
			_, err := Finish(ctx, w.db, w.keys, dev, token, code())
			return err
		})
		if got[""] != 1 || got["auth.step_over"] != 3 || w.count(`SELECT COUNT(*) FROM session`) != 1 || w.count(`SELECT COUNT(*) FROM auth_recovery_code`) != 10 {
			t.Errorf("%v finished at once", got)
		}
		// The code is used up, and another is not to be had.
		_, _, err = Begin(ctx, w.db, w.keys, dev, "定点", "staff-a", enrolment)
		want(t, err, "auth.set_up_refused")
		want(t, w.giveCode(w.StaffA.Account, enrolment), "auth.set_up_done")
		if set, err := IsSetUp(ctx, w.db, w.StaffA.Account); !set || err != nil {
			t.Errorf("set up: %v, %v", set, err)
		}
	})
}

func TestSetUpRefuses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev := bound(7, w.StaffA)
		want(t, w.giveCode(w.StaffA.Account, enrolment), "")
		want(t, w.giveCode(w.StaffB.Account, "another code of 16 letters"), "")
		for _, short := range []string{"", "ABCD-EFGH-JKMN-PQR", "病院病院病院病院病院病院", "***************************"} {
			want(t, w.giveCode(w.OtherA.Account, short), "auth.set_up_code")
		}
		for reason, c := range map[string]struct {
			dev         Device
			login, code string
		}{
			"wrong_code":    {dev, "", "ABCD-EFGH-JKMN-PQRS-TVWY"},
			"wrong_code ":   {dev, "", ""},
			"wrong_code  ":  {bound(9, w.OtherA), "", enrolment}, // of another person
			"other_device":  {bound(8, w.StaffB), "staff-a", enrolment},
			"other_device ": {Device{ID: 20, Org: w.StaffB.Org}, "staff-a", enrolment},
			"unknown_login": {Device{ID: 20, Org: w.StaffA.Org}, "", enrolment},
		} {
			w.exec(`DELETE FROM auth_throttle`)
			_, _, err := Begin(ctx, w.db, w.keys, c.dev, "定点", c.login, c.code)
			want(t, err, "auth.set_up_refused")
			if got := w.newest("auth.set_up_failed", "reason"); !strings.HasSuffix(got, " "+strings.TrimSpace(reason)) {
				t.Errorf("the audit says %q, want %s", got, reason)
			}
		}
		// Guesses are slowed down like those of passwords.
		w.exec(`DELETE FROM auth_throttle`)
		got := parallel(20, func() error {
			_, _, err := Begin(ctx, w.db, w.keys, dev, "定点", "", "ABCD-EFGH-JKMN-PQRS-TVWY")
			return err
		})
		if got["auth.set_up_refused"] != 5 || got["auth.wait"] != 15 {
			t.Errorf("%v", got)
		}
		w.exec(`DELETE FROM auth_throttle`)
		token, _, err := Begin(ctx, w.db, w.keys, dev, "定点", "", enrolment)
		want(t, err, "")
		second, u, err := Begin(ctx, w.db, w.keys, dev, "定点", "", enrolment) // begun anew: the first is gone
		want(t, err, "")
		_, err = Continue(ctx, w.db, w.keys, dev, "定点", token)
		want(t, err, "auth.step_over")
		want(t, ChoosePassword(ctx, w.db, w.keys, dev, second, goodPassword), "")
		// Ten wrong first codes, also at once, and it is over.
		x := &user{w: w, secret: strings.ReplaceAll(u.Secret, " ", "")}
		wrong := wrongCode(x)
		got = parallel(30, func() error {
			_, err := Finish(ctx, w.db, w.keys, dev, second, wrong)
			return err
		})
		if got["auth.first_code"] != stepTries || got["auth.step_over"] != 30-stepTries {
			t.Errorf("%v", got)
		}
		_, err = Finish(ctx, w.db, w.keys, dev, second, x.code())
		want(t, err, "auth.step_over")

		// The step that was read while there were tries left has none now.
		if _, err := (step{hash: hashToken(second)}).confirm(ctx, w.db, dev, wrong); err == nil || fault.Code(err) != "auth.step_over" {
			t.Errorf("an eleventh try: %v", err)
		}

		third, u, err := Begin(ctx, w.db, w.keys, dev, "定点", "", enrolment)
		want(t, err, "")
		want(t, ChoosePassword(ctx, w.db, w.keys, dev, third, goodPassword), "")
		x.secret = strings.ReplaceAll(u.Secret, " ", "")
		// A new code voids what was begun with the old one.
		want(t, w.giveCode(w.StaffA.Account, "2345-6789-2345-6789"), "")
		_, err = Finish(ctx, w.db, w.keys, dev, third, x.code())
		want(t, err, "auth.step_over")
		w.later(16 * time.Minute)
		_, err = Continue(ctx, w.db, w.keys, dev, "定点", third)
		want(t, err, "auth.step_over")
		w.later(time.Hour) // and codes come to their end
		_, _, err = Begin(ctx, w.db, w.keys, dev, "定点", "", "2345-6789-2345-6789")
		want(t, err, "auth.set_up_refused")
		if w.count(`SELECT COUNT(*) FROM session`) != 0 {
			t.Error("somebody came in")
		}
	})
}

func TestReauthenticate(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		want(t, Recent(ctx, u.session), "")
		w.later(4 * time.Minute)
		_, s, err := Resume(ctx, w.db, u.token, u.dev)
		want(t, err, "")
		want(t, Recent(ctx, s), "")
		w.later(time.Minute)
		_, s, err = Resume(ctx, w.db, u.token, u.dev)
		want(t, err, "")
		want(t, Recent(ctx, s), "auth.prove")
		_, err = NewRecoveryCodes(ctx, w.db, w.keys, u.c, s)
		want(t, err, "auth.prove")
		want(t, ChangePassword(ctx, w.db, u.dev, u.c, s, goodPassword, "another-teapot-marble-4"), "auth.prove")
		_, _, err = BeginTOTP(ctx, w.db, w.keys, u.c, s, "定点")
		want(t, err, "auth.prove")

		_, _, err = Reauthenticate(ctx, w.db, w.keys, u.dev, u.token, Attempt{Password: "wrong", Code: u.code()})
		want(t, err, "auth.refused")
		_, _, err = Reauthenticate(ctx, w.db, w.keys, u.dev, u.token, Attempt{Password: u.password, Code: wrongCode(u)})
		want(t, err, "auth.refused")
		code := u.code()
		token, s, err := Reauthenticate(ctx, w.db, w.keys, u.dev, u.token, Attempt{Password: u.password, Code: code})
		if want(t, err, ""); s.ID != u.session.ID || token == u.token {
			t.Errorf("%+v", s)
		}
		want(t, Recent(ctx, s), "")
		_, _, err = Resume(ctx, w.db, u.token, u.dev) // its token has changed
		want(t, err, "auth.session_over")
		_, _, err = Reauthenticate(ctx, w.db, w.keys, u.dev, token, Attempt{Password: u.password, Code: code})
		want(t, err, "auth.refused")
		// An open browser is no place to guess.
		got := parallel(50, func() error {
			_, _, err := Reauthenticate(ctx, w.db, w.keys, u.dev, token, Attempt{Password: "wrong"})
			return err
		})
		if got["auth.refused"] > 5 || got["auth.refused"]+got["auth.wait"] != 50 {
			t.Errorf("%v", got)
		}
		w.later(6 * time.Minute)
		fresh, s, err := Proved(ctx, w.db, u.dev, token, ByPasskey)
		if want(t, err, ""); Recent(ctx, s) != nil || fresh == token {
			t.Errorf("%+v", s)
		}
	})
}

func TestChangePassword(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		b := w.setUp(w.StaffB, "staff-b", bound(8, w.StaffB))
		_, s, err := u.signIn()
		want(t, err, "")
		const fresh = "another-teapot-marble-4"
		change := func(old, fresh string) error { return ChangePassword(ctx, w.db, u.dev, u.c, s, old, fresh) }
		if err := change("wrong", fresh); fault.Code(err) != "auth.password_old" || fault.From(err).Field != "old" {
			t.Errorf("%v", err)
		}
		want(t, change(goodPassword, goodPassword), "auth.password_same")
		want(t, change(goodPassword, "Password2024!"), "auth.password_common")
		want(t, change(goodPassword, "short"), "auth.password_short")
		want(t, ChangePassword(ctx, w.db, b.dev, b.c, s, goodPassword, fresh), "auth.session_over") // with another's session
		want(t, ChangePassword(ctx, w.db, u.dev, u.c, Session{Account: u.c.Account, Device: 7, Proved: time.Now()}, goodPassword, fresh), "auth.session_over")
		got := parallel(20, func() error { return change("wrong", fresh) })
		if got["auth.password_old"] > 5 || got["auth.password_old"]+got["auth.wait"] != 20 {
			t.Errorf("%v", got)
		}
		w.exec(`DELETE FROM auth_throttle`)
		want(t, change(goodPassword, fresh), "")
		_, _, err = Resume(ctx, w.db, u.token, u.dev) // the first session, elsewhere
		want(t, err, "auth.session_over")
		list, err := Sessions(ctx, w.db, u.c)
		if err != nil || len(list) != 1 || list[0].ID != s.ID {
			t.Errorf("%+v, %v", list, err)
		}
		_, _, err = u.signIn()
		want(t, err, "auth.refused")
		u.password = fresh
		_, _, err = u.signIn()
		want(t, err, "")
		_, _, err = b.signIn()
		want(t, err, "")
	})
}

func TestNewTOTP(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		b := w.setUp(w.StaffB, "staff-b", bound(8, w.StaffB))
		_, s, err := u.signIn()
		want(t, err, "")
		token, offer, err := BeginTOTP(ctx, w.db, w.keys, u.c, s, "定点")
		want(t, err, "")
		again, err := OfferedTOTP(ctx, w.db, w.keys, u.c, s, "定点", token)
		if want(t, err, ""); again != offer {
			t.Error("another secret is offered")
		}
		_, err = OfferedTOTP(ctx, w.db, w.keys, b.c, b.session, "定点", token)
		want(t, err, "auth.step_over")
		_, err = Continue(ctx, w.db, w.keys, u.dev, "定点", token) // it is not for setting up
		want(t, err, "auth.step_over")
		fresh := *u
		fresh.secret = strings.ReplaceAll(offer.Secret, " ", "")
		want(t, ConfirmTOTP(ctx, w.db, w.keys, u.dev, u.c, s, token, wrongCode(&fresh)), "auth.first_code")
		want(t, ConfirmTOTP(ctx, w.db, w.keys, b.dev, b.c, b.session, token, fresh.code()), "auth.step_over")
		_, _, err = u.signIn() // the old app counts until then
		want(t, err, "")
		want(t, ConfirmTOTP(ctx, w.db, w.keys, u.dev, u.c, s, token, fresh.code()), "")
		want(t, ConfirmTOTP(ctx, w.db, w.keys, u.dev, u.c, s, token, fresh.code()), "auth.step_over")
		_, _, err = fresh.attempt(u.dev, u.password, fresh.code()) // which is used up
		want(t, err, "auth.refused")
		_, _, err = u.signIn()
		want(t, err, "auth.refused")
		_, _, err = fresh.signIn()
		want(t, err, "")
		_, _, err = Resume(ctx, w.db, u.token, u.dev)
		want(t, err, "auth.session_over")
		_, _, err = u.attempt(u.dev, u.password, u.codes[0]) // recovery codes stay
		want(t, err, "")
	})
}
