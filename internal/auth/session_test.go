// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"strings"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/store"
)

func TestSessionEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		resume := func() error {
			_, _, err := Resume(ctx, w.db, u.token, u.dev)
			return err
		}
		sign := func() {
			t.Helper()
			var err error
			if u.token, u.session, err = u.signIn(); err != nil {
				t.Fatal(err)
			}
		}
		w.later(29 * time.Minute)
		want(t, resume(), "") // and was seen
		w.later(29 * time.Minute)
		want(t, resume(), "")
		w.later(30 * time.Minute)
		want(t, resume(), "auth.session_over")

		sign()
		for range 11 * 3 {
			w.later(20 * time.Minute)
			want(t, resume(), "")
		}
		w.later(20 * time.Minute)
		w.later(20 * time.Minute)
		w.later(18 * time.Minute) // with the 2 of sign: 12 hours
		w.exec(`UPDATE session SET seen_at = $1`, store.Micros(time.Now()))
		want(t, resume(), "")
		w.later(2 * time.Minute)
		w.exec(`UPDATE session SET seen_at = $1`, store.Micros(time.Now()))
		want(t, resume(), "auth.session_over")

		for _, change := range []string{
			`UPDATE account SET left_at = 1 WHERE id = $1`, `UPDATE account SET active = NOT active WHERE id = $1`, `UPDATE account SET expires_at = 1 WHERE id = $1`,
			`UPDATE account SET role = 'machine' WHERE id = $1`, `UPDATE organisation SET left_at = 1 WHERE id = (SELECT organisation_id FROM account WHERE id = $1)`,
		} {
			sign()
			want(t, resume(), "")
			w.exec(change, u.c.Account)
			want(t, resume(), "auth.session_over")
			w.exec(`UPDATE account SET left_at = 0, expires_at = 0, role = 'staff', active = $2 WHERE id = $1`, u.c.Account, true)
			w.exec(`UPDATE organisation SET left_at = 0`)
		}
		for _, token := range []string{"", "x", newToken(), strings.Repeat("x", 1<<20), hashToken(u.token), u.token + "A", u.token[:42]} {
			if _, _, err := Resume(ctx, w.db, token, u.dev); err == nil {
				t.Errorf("%.50q is a session", token)
			}
		}
	})
}

// Only the hash of a token is stored, anywhere.
func TestTokenIsNotStored(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		if len(u.token) != 43 {
			t.Errorf("%d characters, want 256 bits", len(u.token))
		}
		var stored string
		w.must(w.db.QueryRow(ctx, `SELECT token_hash FROM session WHERE id = $1`, u.session.ID).Scan(&stored))
		if stored != hashToken(u.token) || len(stored) != 64 {
			t.Errorf("stored is %s", stored)
		}
		var sealed []byte
		w.must(w.db.QueryRow(ctx, `SELECT secret FROM auth_totp`).Scan(&sealed))
		if plain, err := w.keys.Reveal(secretUse(u.c.Account), sealed); err != nil || base32Text.EncodeToString(plain) != u.secret {
			t.Errorf("the app's secret: %v", err)
		}
		if _, err := w.keys.Reveal(secretUse(w.OtherA.Account), sealed); err == nil {
			t.Error("the app's secret may be moved to another account")
		}
	})
}

func TestSeenOnceAMinute(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		seen := func() int { return w.count(`SELECT seen_at FROM session WHERE id = $1`, u.session.ID) }
		for _, c := range []struct {
			after   time.Duration
			written bool
		}{{50 * time.Second, false}, {11 * time.Second, true}, {time.Second, false}} {
			w.later(c.after)
			before := seen()
			_, s, err := Resume(ctx, w.db, u.token, u.dev)
			if want(t, err, ""); (seen() != before) != c.written || store.Micros(s.Seen) != int64(seen()) {
				t.Errorf("after %s: written %v, session %s", c.after, seen() != before, s.Seen)
			}
		}
	})
}

func TestStolenCookie(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		for _, thief := range []Device{bound(8, w.StaffB), {}, {ID: 20, Org: w.StaffA.Org}, bound(9, w.StaffA)} {
			w.exec(`DELETE FROM auth_password`)
			u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
			_, _, err := Resume(ctx, w.db, u.token, thief)
			want(t, err, "auth.session_over")
			_, _, err = Resume(ctx, w.db, u.token, u.dev)
			want(t, err, "auth.session_over")
			same := "false"
			if thief.Account == u.c.Account { // a certificate that was renewed
				same = "true"
			}
			if got := w.newest("session.stolen", "same_person"); got != object("session", u.session.ID)+" "+same {
				t.Errorf("the audit says %q", got)
			}
		}
	})
}

func TestOldTokenEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		w.later(2 * time.Minute)
		token, _, err := SignIn(ctx, w.db, w.keys, u.dev, Attempt{Login: u.login, Password: u.password, Code: u.code(), OldToken: u.token})
		if want(t, err, ""); token == u.token {
			t.Error("the token is the old one")
		}
		_, _, err = Resume(ctx, w.db, u.token, u.dev)
		want(t, err, "auth.session_over")
		_, _, err = Resume(ctx, w.db, token, u.dev)
		want(t, err, "")
	})
}

func TestOwnSessions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		w.exec(`INSERT INTO certificate (id, authority_id, serial, fingerprint, purpose, organisation_id, account_id, label, not_before, not_after,
			issued_at, issued_by, revoked_at, revoked_by, revoke_reason, last_seen_at, der) VALUES (7, 0, '', '', 'person', 0, 0, '医局の PC', 0, 0, 0, 0, 0, 0, '', 0, $1)`, []byte{1})
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		b := w.setUp(w.StaffB, "staff-b", bound(8, w.StaffB))
		tokens := []string{u.token}
		for range 3 {
			token, _, err := u.signIn()
			want(t, err, "")
			tokens = append(tokens, token)
		}
		list, err := Sessions(ctx, w.db, u.c)
		if err != nil || len(list) != 4 || list[0].ID < list[1].ID || list[0].Label != "医局の PC" || list[3].ID != u.session.ID {
			t.Fatalf("%+v, %v", list, err)
		}
		want(t, End(ctx, w.db, b.c, list[0].ID), "fault.not_found")
		want(t, End(ctx, w.db, u.c, list[0].ID), "")
		want(t, End(ctx, w.db, u.c, list[0].ID), "fault.not_found")
		n, err := EndAll(ctx, w.db, u.c, u.session.ID)
		if err != nil || n != 2 {
			t.Errorf("%d ended, %v", n, err)
		}
		for i, token := range tokens {
			if _, _, err := Resume(ctx, w.db, token, u.dev); (err == nil) != (i == 0) {
				t.Errorf("session %d: %v", i, err)
			}
		}
		if n, err := EndAll(ctx, w.db, u.c, b.session.ID); err != nil || n != 1 { // another's is no exception
			t.Errorf("%d ended, %v", n, err)
		}
		_, _, err = Resume(ctx, w.db, b.token, b.dev)
		want(t, err, "")
		w.must(w.db.Write(ctx, w.ContactB, func(tx *store.Tx) error { return EndAllOf(ctx, tx, b.c.Account) }))
		_, _, err = Resume(ctx, w.db, b.token, b.dev)
		want(t, err, "auth.session_over")
		token, _, err := u.signIn()
		want(t, err, "")
		w.must(w.db.Write(ctx, w.ContactA, func(tx *store.Tx) error { return EndAllOn(ctx, tx, 7) }))
		_, _, err = Resume(ctx, w.db, token, u.dev)
		want(t, err, "auth.session_over")
	})
}

func TestLimits(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		good := Limits{Idle: 20 * time.Minute, Absolute: 2 * time.Hour, Roles: map[caller.Role]time.Duration{caller.Staff: 10 * time.Minute}}
		w.Each(func(name string, c caller.Caller) {
			code := "fault.forbidden"
			if c == w.Operator {
				code = ""
			}
			want(t, SetLimits(ctx, w.db, c, good), code)
		})
		for _, l := range []Limits{{}, {Idle: time.Minute, Absolute: time.Hour}, {Idle: 9 * time.Hour, Absolute: 10 * time.Hour},
			{Idle: time.Hour, Absolute: time.Hour, Roles: map[caller.Role]time.Duration{caller.Staff: 0}}} {
			want(t, SetLimits(ctx, w.db, w.Operator, l), "auth.limit_idle")
		}
		for _, d := range []time.Duration{0, time.Minute, 25 * time.Hour} {
			want(t, SetLimits(ctx, w.db, w.Operator, Limits{Idle: time.Hour, Absolute: d}), "auth.limit_absolute")
		}
		want(t, SetLimits(ctx, w.db, w.Operator, Limits{Idle: time.Hour, Absolute: time.Hour, Roles: map[caller.Role]time.Duration{"x": time.Hour}}), "member.role")
		_, s, err := u.signIn()
		if want(t, err, ""); s.Idle != 10*time.Minute || s.Expires.Sub(s.Created) != 2*time.Hour {
			t.Errorf("%+v", s)
		}
		if _, s, err := Open(ctx, w.db, bound(9, w.ContactA), w.ContactA.Account, ByPasskey, ""); err != nil || s.Idle != 20*time.Minute {
			t.Errorf("%+v, %v", s, err)
		}
	})
}

func TestSweep(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		want(t, w.db.Write(ctx, w.ContactA, func(tx *store.Tx) error {
			return SetUpCode(ctx, tx, w.OtherA.Account, "ABCD-EFGH-JKMN-PQRS", tx.Now.Add(time.Hour))
		}), "")
		_, _, err := Begin(ctx, w.db, w.keys, bound(9, w.OtherA), "x", "", "ABCD-EFGH-JKMN-PQRS")
		want(t, err, "")
		_, _, err = u.attempt(u.dev, "wrong", "")
		want(t, err, "auth.refused")
		for _, c := range []struct {
			after time.Duration
			rows  int64
		}{{0, 0}, {16 * time.Minute, 1}, {15 * time.Minute, 1}, {30 * time.Minute, 1}, {7*time.Hour + 2*time.Minute, 2}, {time.Hour, 0}} {
			w.later(c.after)
			if n, err := Sweep(ctx, w.db); n != c.rows || err != nil {
				t.Errorf("after %s more: %d rows, %v; want %d", c.after, n, err, c.rows)
			}
		}
		if _, _, err := u.signIn(); err != nil {
			t.Error(err)
		}
	})
}
