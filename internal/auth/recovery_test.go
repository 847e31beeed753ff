// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"strings"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/store"
)

func (w *world) open(c caller.Caller, account int64) (int64, string, error) {
	return OpenRecovery(ctx, w.db, w.keys, c, account, "スマートフォンを失くした")
}

// recovered goes through the pages with a code and returns the person anew.
func (u *user) recovered(code string, also ...Also) (*user, error) {
	w := u.w
	token, state, err := Begin(ctx, w.db, w.keys, u.dev, "定点", u.login, code)
	if err != nil {
		return nil, err
	}
	fresh := *u
	fresh.password, fresh.secret = "another-teapot-marble-4", strings.ReplaceAll(state.Secret, " ", "")
	w.must(ChoosePassword(ctx, w.db, w.keys, u.dev, token, fresh.password))
	done, err := Finish(ctx, w.db, w.keys, u.dev, token, fresh.code(), also...)
	fresh.token, fresh.session, fresh.codes = done.Token, done.Session, done.Codes
	return &fresh, err
}

func TestRecovery(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		id, first, err := w.open(w.ContactA, u.c.Account)
		want(t, err, "")
		_, _, err = w.open(w.Operator, u.c.Account)
		want(t, err, "auth.recovery_open")
		_, _, err = Resume(ctx, w.db, u.token, u.dev) // nothing has happened yet
		want(t, err, "")
		_, err = u.recovered(first)
		want(t, err, "auth.set_up_refused")
		_, err = ApproveRecovery(ctx, w.db, w.keys, w.ContactA, id)
		want(t, err, "auth.recovery_second")
		second, err := ApproveRecovery(ctx, w.db, w.keys, w.Operator, id)
		want(t, err, "")
		_, _, err = Resume(ctx, w.db, u.token, u.dev) // now all sessions are over
		want(t, err, "auth.session_over")
		for _, half := range []string{first, second, first + first, second + second, second + first} {
			w.exec(`DELETE FROM auth_throttle`)
			_, err = u.recovered(half)
			want(t, err, "auth.set_up_refused")
		}
		w.exec(`DELETE FROM auth_throttle`)
		thief := *u
		thief.dev = bound(8, w.StaffB)
		_, err = thief.recovered(first + second)
		want(t, err, "auth.set_up_refused")

		// The old factors count until there are new ones, and their owner hears of it.
		_, _, err = u.signIn()
		want(t, err, "")
		notes, err := Notices(ctx, w.db, u.c)
		if err != nil || len(notes) != 1 || notes[0].ID != id || notes[0].Opener != w.ContactA.Name || notes[0].Approver != w.Operator.Name || notes[0].Reason == "" {
			t.Errorf("%+v, %v", notes, err)
		}
		removed := int64(0)
		fresh, err := u.recovered(first+" "+second, func(_ context.Context, _ *store.Tx, account int64) error {
			removed = account
			return nil
		})
		if want(t, err, ""); removed != u.c.Account {
			t.Error("what other packages keep is not removed")
		}
		_, _, err = u.signIn()
		want(t, err, "auth.refused")
		_, _, err = u.attempt(u.dev, fresh.password, u.codes[0])
		want(t, err, "auth.refused")
		_, _, err = fresh.signIn()
		want(t, err, "")
		w.exec(`DELETE FROM auth_throttle`)
		_, err = u.recovered(first + second)
		want(t, err, "auth.set_up_refused")
		notes, err = Notices(ctx, w.db, u.c)
		if err != nil || len(notes) != 1 || notes[0].Completed.IsZero() {
			t.Errorf("%+v, %v", notes, err)
		}
		want(t, Acknowledge(ctx, w.db, w.StaffB, id), "fault.not_found")
		want(t, Acknowledge(ctx, w.db, u.c, id), "")
		want(t, Acknowledge(ctx, w.db, u.c, id), "fault.not_found")
		if notes, err = Notices(ctx, w.db, u.c); err != nil || len(notes) != 0 {
			t.Errorf("%+v, %v", notes, err)
		}
		for _, action := range []string{"recovery.open", "recovery.approve", "recovery.acknowledge"} {
			if got := w.newest(action, "account"); !strings.HasPrefix(got, object("recovery", id)) {
				t.Errorf("the audit of %s says %q", action, got)
			}
		}
		if w.count(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%失くした%'`) != 0 {
			t.Error("the audit holds what somebody typed")
		}
	})
}

func TestWhoMayRecover(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		target := w.StaffA
		may := map[int64]bool{w.ContactA.Account: true, w.Operator.Account: true}
		id, _, err := w.open(w.ContactA, target.Account)
		want(t, err, "")
		w.exec(`UPDATE auth_recovery SET opened_by = $2 WHERE id = $1`, id, w.OtherA.Account) // nobody below is the opener
		w.Each(func(name string, c caller.Caller) {
			_, _, err := w.open(c, target.Account)
			switch {
			case may[c.Account]:
				want(t, err, "auth.recovery_open")
			case c.Role == caller.Contact:
				want(t, err, "fault.not_found")
			default:
				want(t, err, "fault.forbidden")
			}
			list, err := Recoveries(ctx, w.db, c)
			if sees := may[c.Account] || c.Account == target.Account; err != nil || (len(list) == 1) != sees {
				t.Errorf("%s sees %d recoveries, %v", name, len(list), err)
			}
			if !may[c.Account] {
				_, err = ApproveRecovery(ctx, w.db, w.keys, c, id)
				if err == nil || w.count(`SELECT COUNT(*) FROM auth_recovery WHERE approved_by <> 0`) != 0 {
					t.Errorf("%s approves", name)
				}
				if c.Account != target.Account {
					want(t, CancelRecovery(ctx, w.db, c, id), "fault.not_found")
				}
			}
		})
		_, err = ApproveRecovery(ctx, w.db, w.keys, w.ContactA, id+1)
		want(t, err, "fault.not_found")
		got := parallel(6, func() error {
			_, err := ApproveRecovery(ctx, w.db, w.keys, w.ContactA, id)
			return err
		})
		if got[""] != 1 || got["auth.recovery_over"] != 5 {
			t.Errorf("approved at once: %v", got)
		}

		// Nobody for herself, and nobody below for those who run the ISAC.
		_, _, err = w.open(w.ContactA, w.ContactA.Account)
		want(t, err, "auth.recovery_self")
		_, _, err = w.open(w.Operator, w.Operator.Account)
		want(t, err, "auth.recovery_self")
		w.exec(`UPDATE account SET role = 'contact' WHERE id = $1`, w.ISACStaff.Account)
		lower := w.ISACStaff
		lower.Role = caller.Contact
		_, _, err = w.open(lower, w.Analyst.Account)
		want(t, err, "auth.recovery_operator")
		id, _, err = w.open(w.Operator, w.Analyst.Account)
		want(t, err, "")
		_, err = ApproveRecovery(ctx, w.db, w.keys, lower, id)
		want(t, err, "auth.recovery_operator")
		id, _, err = w.open(w.Operator, w.ContactA.Account)
		want(t, err, "")
		_, err = ApproveRecovery(ctx, w.db, w.keys, w.ContactA, id)
		want(t, err, "auth.recovery_self")
		_, _, err = w.open(w.Operator, w.MachineA.Account)
		want(t, err, "auth.recovery_gone")
		_, _, err = w.open(w.Operator, 999)
		want(t, err, "fault.not_found")
		for reason, code := range map[string]string{" ": "auth.recovery_reason", "a\x00": "auth.recovery_reason", strings.Repeat("長", 501): "auth.recovery_reason_long"} {
			_, _, err = OpenRecovery(ctx, w.db, w.keys, w.Operator, w.StaffB.Account, reason)
			want(t, err, code)
		}
	})
}

func TestRecoveryEnds(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		approve := func(id int64) error {
			_, err := ApproveRecovery(ctx, w.db, w.keys, w.Operator, id)
			return err
		}
		id, _, err := w.open(w.ContactA, u.c.Account)
		want(t, err, "")
		w.later(24*time.Hour + time.Minute)
		want(t, approve(id), "auth.recovery_over")

		id, first, err := w.open(w.ContactA, u.c.Account) // the earlier one is over
		want(t, err, "")
		second, err := ApproveRecovery(ctx, w.db, w.keys, w.Operator, id)
		want(t, err, "")
		want(t, approve(id), "auth.recovery_over")
		want(t, CancelRecovery(ctx, w.db, u.c, id), "") // by the account's owner
		_, err = u.recovered(first + second)
		want(t, err, "auth.set_up_refused")
		want(t, CancelRecovery(ctx, w.db, u.c, id), "auth.recovery_over")

		id, first, err = w.open(w.Operator, u.c.Account)
		want(t, err, "")
		second, err = ApproveRecovery(ctx, w.db, w.keys, w.ContactA, id)
		want(t, err, "")
		token, state, err := Begin(ctx, w.db, w.keys, u.dev, "定点", u.login, first+second)
		want(t, err, "")
		want(t, ChoosePassword(ctx, w.db, w.keys, u.dev, token, "another-teapot-marble-4"), "")
		want(t, CancelRecovery(ctx, w.db, w.ContactA, id), "") // in the middle of it
		x := user{w: w, secret: strings.ReplaceAll(state.Secret, " ", "")}
		_, err = Finish(ctx, w.db, w.keys, u.dev, token, x.code())
		want(t, err, "auth.step_over")

		id, first, err = w.open(w.Operator, u.c.Account)
		want(t, err, "")
		second, err = ApproveRecovery(ctx, w.db, w.keys, w.ContactA, id)
		want(t, err, "")
		w.later(72*time.Hour + time.Minute)
		_, err = u.recovered(first + second)
		want(t, err, "auth.set_up_refused")

		id, _, err = w.open(w.ContactA, u.c.Account)
		want(t, err, "")
		w.exec(`UPDATE account SET left_at = 1 WHERE id = $1`, w.ContactA.Account) // the opener has left
		want(t, approve(id), "auth.recovery_over")
		w.exec(`UPDATE account SET left_at = 1 WHERE id = $1`, u.c.Account)
		want(t, approve(id), "auth.recovery_gone")
		w.exec(`UPDATE account SET left_at = 0`)
		_, _, err = u.signIn() // all the time the old factors were hers
		want(t, err, "")
	})
}

func TestRecoverLocally(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.Operator, "operator", bound(7, w.Operator))
		local := func(c caller.Caller, account int64) (code string, err error) {
			err = w.db.Write(ctx, c, func(tx *store.Tx) error {
				code, err = RecoverLocally(ctx, tx, account)
				return err
			})
			return code, err
		}
		console := w.Operator
		console.Channel = "cli"
		w.Each(func(name string, c caller.Caller) {
			_, err := local(c, u.c.Account)
			want(t, err, "fault.forbidden")
			if c.Channel = "cli"; c.Account != w.Operator.Account {
				_, err = local(c, u.c.Account)
				want(t, err, "fault.forbidden")
			}
		})
		_, err := local(console, 999)
		want(t, err, "fault.not_found")
		old, err := local(console, u.c.Account)
		want(t, err, "")
		code, err := local(console, u.c.Account)
		want(t, err, "")
		_, _, err = Resume(ctx, w.db, u.token, u.dev)
		want(t, err, "auth.session_over")
		_, err = u.recovered(old)
		want(t, err, "auth.set_up_refused")
		fresh, err := u.recovered(code)
		want(t, err, "")
		_, _, err = fresh.signIn()
		want(t, err, "")
		if notes, err := Notices(ctx, w.db, u.c); err != nil || len(notes) != 2 || notes[0].Completed.IsZero() {
			t.Errorf("%+v, %v", notes, err)
		}
		if got := w.newest("recovery.local", "account"); got == "" {
			t.Error("it is not audited")
		}
	})
}
