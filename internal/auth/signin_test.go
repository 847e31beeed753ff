// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

func TestSignIn(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		token, s, err := u.signIn()
		want(t, err, "")
		c, again, err := Resume(ctx, w.db, token, u.dev)
		want(t, err, "")
		if c != u.c || again != s || s.Method != ByPassword || s.Device != 7 {
			t.Errorf("resumed %+v %+v, signed in as %+v %+v", c, again, u.c, s)
		}
		// Letters as a Japanese keyboard writes them: full width, in capitals.
		w.later(2 * time.Minute)
		wide := strings.Map(func(r rune) rune { return r - '0' + '０' }, u.code())
		_, _, err = SignIn(ctx, w.db, w.keys, u.dev, Attempt{Login: " ＳＴＡＦＦ－Ａ ", Password: goodPassword, Code: wide[:9] + " " + wide[9:]})
		want(t, err, "")
		if got := w.newest("auth.sign_in", "method"); got != object("account", u.c.Account)+" password" {
			t.Errorf("the audit says %s", got)
		}
	})
}

// Everybody who is refused hears the same and costs the same; the audit knows why.
func TestOneAnswerForAll(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		b := w.setUp(w.StaffB, "staff-b", bound(8, w.StaffB))
		left := w.setUp(w.OtherA, "other-a", bound(9, w.OtherA))
		w.exec(`UPDATE account SET left_at = 1 WHERE id = $1`, left.c.Account)
		ward := Device{ID: 20, Org: w.StaffA.Org}
		unset := bound(30, w.ContactA)
		w.later(10 * time.Minute)
		used := u.code()
		_, _, err := u.attempt(u.dev, u.password, used)
		w.must(err)

		type try struct {
			reason, login, password, code string
			dev                           Device
			prepare                       string
		}
		alter := map[string]string{
			becauseInactive: `UPDATE account SET active = NOT active WHERE id = $1`,
			becauseExpired:  `UPDATE account SET expires_at = 1 WHERE id = $1`,
		}
		for _, c := range []try{
			{becauseReplay, "staff-a", goodPassword, used, u.dev, ""},
			{becauseUnknown, "nobody-here", goodPassword, "", u.dev, ""},
			{becauseUnknown, "", goodPassword, "", u.dev, ""},
			{becauseUnknown, strings.Repeat("x", 10000), goodPassword, "", u.dev, ""},
			{becauseUnknown, "病院' OR 1=1 --", goodPassword, "", u.dev, ""},
			{becausePassword, "staff-a", "something else entirely", "", u.dev, ""},
			{becausePassword, "staff-a", "", "", u.dev, ""},
			{becausePassword, "staff-a", strings.Repeat("long", 100000), "", u.dev, ""},
			{becauseCode, "staff-a", goodPassword, "wrong", u.dev, ""},
			{becauseCode, "staff-a", goodPassword, "-", u.dev, ""},
			{becauseDevice, "staff-a", goodPassword, "", b.dev, ""},                          // a valid certificate with another's right password
			{becauseDevice, "staff-b", goodPassword, "", ward, ""},                           // of another hospital
			{becauseDevice, "staff-a", goodPassword, "", Device{ID: 40}, ""},                 // of nobody
			{becauseDevice, "staff-a", goodPassword, "", Device{ID: 41, Org: b.dev.Org}, ""}, // of another hospital
			{becauseLeft, "other-a", goodPassword, "", left.dev, ""},
			{becauseNotSetUp, "contact-a", goodPassword, "", unset, ""},
			{becauseInactive, "staff-a", goodPassword, "", u.dev, alter[becauseInactive]},
			{becauseExpired, "staff-a", goodPassword, "", u.dev, alter[becauseExpired]},
			{becauseMachine, "staff-a", goodPassword, "", u.dev, `UPDATE account SET role = 'machine' WHERE id = $1`},
			{becauseLeft, "staff-a", goodPassword, "", u.dev, `UPDATE organisation SET left_at = 1 WHERE id = (SELECT organisation_id FROM account WHERE id = $1)`},
		} {
			w.exec(`DELETE FROM auth_throttle`)
			if c.code != used { // else the code is new
				w.later(2 * time.Minute)
			}
			switch c.code {
			case "":
				c.code = u.code()
				if c.login == "staff-b" {
					c.code = b.code()
				} else if c.login == "other-a" {
					c.code = left.code()
				}
			case "wrong":
				c.code = wrongCode(u)
			}
			if c.prepare != "" {
				w.exec(c.prepare, u.c.Account)
			}
			before := hashing.runs.Load()
			token, s, err := SignIn(ctx, w.db, w.keys, c.dev, Attempt{Login: c.login, Password: c.password, Code: c.code})
			if f := fault.From(err); f == nil || f.Error() != refused().Error() || f.Kind != fault.Forbidden || token != "" || s != (Session{}) {
				t.Errorf("%s: %v, %q", c.reason, err, token)
			}
			if n := hashing.runs.Load() - before; n != 1 {
				t.Errorf("%s: %d computations of argon2, want 1", c.reason, n)
			}
			got := w.newest("auth.sign_in_failed", "reason")
			if !strings.HasSuffix(got, " "+c.reason) {
				t.Errorf("the audit says %q, want %s", got, c.reason)
			}
			if known := strings.HasPrefix(got, "account/"); known != (c.reason != becauseUnknown) || strings.Contains(got, "nobody-here") {
				t.Errorf("the audit names %q", got)
			}
			w.exec(`UPDATE account SET active = $1, expires_at = 0, role = 'staff' WHERE id = $2`, true, u.c.Account)
			w.exec(`UPDATE organisation SET left_at = 0`)
		}
		if n := w.count(`SELECT COUNT(*) FROM session WHERE account_id = $1`, u.c.Account); n != 2 {
			t.Errorf("%d sessions, want those of set-up and sign-in", n)
		}
		w.later(2 * time.Minute)
		_, _, err = u.attempt(u.dev, u.password, u.code())
		want(t, err, "")
	})
}

// wrongCode is one that the app shows neither now nor in the steps beside it.
func wrongCode(u *user) string {
	secret, _ := base32Text.DecodeString(u.secret)
	for i := range 1000000 {
		code := fmt.Sprintf("%06d", i)
		if _, ok := matchTOTP(secret, code, time.Now()); !ok {
			return code
		}
	}
	panic("every code is right")
}

func TestSharedDevice(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ward := Device{ID: 20, Org: w.StaffA.Org}
		a := w.setUp(w.StaffA, "staff-a", ward)
		o := w.setUp(w.OtherA, "other-a", ward)
		for _, u := range []*user{a, o} {
			token, _, err := u.signIn()
			want(t, err, "")
			c, _, err := Resume(ctx, w.db, token, ward)
			if want(t, err, ""); c != u.c {
				t.Errorf("%+v, want %+v", c, u.c)
			}
		}
		// The portal without certificates listens on loopback only.
		w.later(2 * time.Minute)
		_, _, err := a.attempt(Device{}, a.password, a.code())
		want(t, err, "")
	})
}

func TestReplay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		// The code that confirmed the app is used up too.
		_, _, err := u.attempt(u.dev, u.password, u.code())
		want(t, err, "auth.refused")
		if _, _, err = u.signIn(); err != nil {
			t.Fatal(err)
		}
		_, _, err = u.attempt(u.dev, u.password, u.code())
		want(t, err, "auth.refused")
		if got := w.newest("auth.sign_in_failed", "reason"); !strings.HasSuffix(got, becauseReplay) {
			t.Errorf("the audit says %q", got)
		}
	})
}

// Of many who show one code at once, one comes in.
func TestParallelReplay(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		w.later(time.Hour)
		for _, code := range []string{u.code(), u.codes[0]} {
			w.exec(`DELETE FROM session`)
			w.exec(`DELETE FROM auth_throttle`)
			in := parallel(4, func() error { // fewer than the limit
				_, _, err := u.attempt(u.dev, u.password, code)
				return err
			})
			if in[""] != 1 || in[""]+in["auth.refused"] != 4 || w.count(`SELECT COUNT(*) FROM session`) != 1 {
				t.Errorf("%v with one code, %d sessions", in, w.count(`SELECT COUNT(*) FROM session`))
			}
		}
	})
}

// Between the look at a code and its use another attempt may be: deterministic,
// what TestParallelReplay leaves to chance.
func TestCodeIsUsedOnce(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		w.later(time.Hour)
		for _, code := range []string{u.code(), u.codes[0]} {
			p, err := byLogin(ctx, w.db, u.login)
			w.must(err)
			f, reason, err := p.check(ctx, w.db, w.keys, Attempt{Password: u.password, Code: code}, &attempt{now: time.Now()})
			if err != nil || reason != "" {
				t.Fatalf("%s, %v", reason, err)
			}
			changed := f
			changed.phc = "another hash" // the password was changed in between
			for i, c := range []struct {
				factors
				err error
			}{{changed, errUsed}, {f, nil}, {f, errUsed}} {
				if err := w.db.Keep(ctx, func(tx *store.Tx) error { return c.use(ctx, tx) }); err != c.err {
					t.Errorf("use %d of %s: %v, want %v", i, f.method(), err, c.err)
				}
			}
		}
	})
}

// parallel runs fn n times at once and counts the codes of its errors.
func parallel(n int, fn func() error) map[string]int {
	codes := make([]string, n)
	var all sync.WaitGroup
	start := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-start
			if err := fn(); err != nil {
				codes[i] = fault.From(err).Code
			}
		})
	}
	close(start)
	all.Wait()
	sums := map[string]int{}
	for _, c := range codes {
		sums[c]++
	}
	return sums
}

func TestRecoveryCodes(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		b := w.setUp(w.StaffB, "staff-b", bound(8, w.StaffB))
		if len(u.codes) != 10 || len(u.codes[0]) != 19 {
			t.Fatalf("%d codes such as %q", len(u.codes), u.codes[0])
		}
		if n := w.count(`SELECT COUNT(*) FROM auth_recovery_code WHERE hash LIKE $1`, "%"+u.codes[0]+"%"); n != 0 {
			t.Error("a code is stored as it is")
		}
		_, s, err := u.attempt(u.dev, u.password, strings.ToLower(strings.ReplaceAll(u.codes[3], "-", " ")))
		if want(t, err, ""); s.Method != ByRecoveryCode {
			t.Errorf("method %s", s.Method)
		}
		_, _, err = u.attempt(u.dev, u.password, u.codes[3])
		want(t, err, "auth.refused")
		_, _, err = u.attempt(u.dev, u.password, b.codes[0])
		want(t, err, "auth.refused")
		if f, err := OwnFactors(ctx, w.db, u.c); err != nil || f != (Factors{Password: true, TOTP: true, Codes: 9}) {
			t.Errorf("%+v, %v", f, err)
		}
		if got := w.newest("auth.recovery_code_use", "left"); !strings.HasSuffix(got, " 9") {
			t.Errorf("the audit says %q", got)
		}
		fresh, err := NewRecoveryCodes(ctx, w.db, w.keys, u.c, s)
		want(t, err, "")
		_, _, err = u.attempt(u.dev, u.password, u.codes[4])
		want(t, err, "auth.refused")
		_, _, err = u.attempt(u.dev, u.password, fresh[0])
		want(t, err, "")
	})
}

func TestRehash(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		stored := func() (s string) {
			w.must(w.db.QueryRow(ctx, `SELECT phc FROM auth_password WHERE account_id = $1`, u.c.Account).Scan(&s))
			return s
		}
		old := stored()
		defer func(c cost) { charge(c) }(present)
		charge(cost{memory: 128, passes: 2, lanes: 1})
		w.later(2 * time.Minute)
		if _, _, err := u.attempt(u.dev, "not the password", u.code()); err == nil || stored() != old {
			t.Error("a wrong password changed the hash")
		}
		_, _, err := u.signIn()
		want(t, err, "")
		if fresh := stored(); fresh == old || !strings.Contains(fresh, "m=128,t=2,p=1") {
			t.Errorf("the hash is %s", fresh)
		}
		_, _, err = u.signIn()
		want(t, err, "")
	})
}

// A stored hash that somebody damaged is told, and lets nobody in.
func TestDamagedHash(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		w.exec(`UPDATE auth_password SET phc = '$argon2id$v=19$m=4294967295,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA'`)
		_, _, err := u.signIn()
		want(t, err, "auth.hash")
		if n := w.count(`SELECT COALESCE(SUM(failures), 0) FROM auth_throttle`); n != 0 {
			t.Errorf("%d failures are counted for what the person cannot help", n)
		}
	})
}

func TestOpen(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		dev := bound(7, w.StaffA)
		old, _, err := Open(ctx, w.db, dev, w.StaffA.Account, ByPasskey, "")
		want(t, err, "")
		token, s, err := Open(ctx, w.db, dev, w.StaffA.Account, ByOIDC, old)
		if want(t, err, ""); s.Method != ByOIDC {
			t.Errorf("%+v", s)
		}
		_, _, err = Resume(ctx, w.db, old, dev)
		want(t, err, "auth.session_over")
		_, _, err = Resume(ctx, w.db, token, dev)
		want(t, err, "")
		for reason, c := range map[string]struct {
			caller.Caller
			dev Device
		}{
			becauseDevice:  {w.StaffB, dev},
			becauseUnknown: {caller.Caller{Account: 999}, dev},
			becauseMachine: {w.MachineA, bound(9, w.MachineA)},
		} {
			_, _, err := Open(ctx, w.db, c.dev, c.Account, ByPasskey, token)
			want(t, err, "auth.refused")
			if got := w.newest("auth.sign_in_failed", "reason"); !strings.HasSuffix(got, reason) {
				t.Errorf("the audit says %q, want %s", got, reason)
			}
		}
		_, _, err = Resume(ctx, w.db, token, dev) // a refusal ends nothing
		want(t, err, "")
	})
}
