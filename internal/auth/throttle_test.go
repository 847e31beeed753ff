// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"strings"
	"testing"
	"time"

	"teiten/internal/fault"
	"teiten/internal/locale"
)

// Fifty wrong attempts at once yield as many checks of the password as five
// one after the other, and for a login that nobody has as many.
func TestParallelGuesses(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		for login, dev := range map[string]Device{"staff-a": u.dev, "nobody-here": u.dev, "staff-b": u.dev} {
			w.exec(`DELETE FROM auth_throttle`)
			before, told := hashing.runs.Load(), len(w.records("auth.blocked", "reason"))
			got := parallel(50, func() error {
				_, _, err := SignIn(ctx, w.db, w.keys, dev, Attempt{Login: login, Password: "a guess", Code: "123456"})
				return err
			})
			if n := hashing.runs.Load() - before; n != 5 || got["auth.refused"] != 5 || got["auth.wait"] != 45 {
				t.Errorf("%s: %d passwords were checked, answers %v", login, n, got)
			}
			if n := len(w.records("auth.blocked", "reason")) - told; n != 1 {
				t.Errorf("%s: the audit tells %d times of one block", login, n)
			}
		}
	})
}

func TestDelaysGrow(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		guess := func() error {
			_, _, err := u.attempt(u.dev, "a guess", "123456")
			return err
		}
		waits := func() int64 {
			t.Helper()
			err := guess()
			want(t, err, "auth.wait")
			f := fault.From(err)
			if f == nil || f.Kind != fault.TooMany {
				t.Fatalf("%v", err)
			}
			return f.Args["seconds"].(int64)
		}
		for range 5 {
			want(t, guess(), "auth.refused")
		}
		for _, s := range []int64{30, 60, 120, 240, 480, 900, 900} {
			if got := waits(); got > s || got < s-3 {
				t.Errorf("%d s to wait, want %d", got, s)
			}
			// Right or wrong, nothing is tried before the time.
			_, _, err := u.attempt(u.dev, u.password, u.code())
			want(t, err, "auth.wait")
			w.later(time.Duration(s) * time.Second)
			want(t, guess(), "auth.refused")
		}
		// In the end the owner comes in, and starts afresh.
		w.later(longestWait)
		_, _, err := u.signIn()
		want(t, err, "")
		for range 5 {
			want(t, guess(), "auth.refused")
		}
		if got := waits(); got > 30 {
			t.Errorf("%d s to wait after a sign-in", got)
		}
		// What is long ago is forgotten.
		w.later(forgotten)
		for range 5 {
			want(t, guess(), "auth.refused")
		}
	})
}

// However often strangers fail, on their own devices or on shared ones, the
// owner comes in on hers.
func TestNobodyLocksAnotherOut(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		stranger, other := bound(8, w.StaffB), bound(9, w.OtherA)
		for _, dev := range []Device{stranger, other, {ID: 20, Org: w.StaffB.Org}} {
			for range 40 {
				u.attempt(dev, "a guess", "123456")
			}
		}
		if _, _, err := u.attempt(stranger, u.password, u.code()); fault.Code(err) != "auth.wait" {
			t.Errorf("the stranger need not wait: %v", err)
		}
		for id := range int64(10) { // together more than any account may fail
			for range 5 {
				u.attempt(Device{ID: 50 + id, Org: w.StaffB.Org}, "a guess", "123456")
			}
		}
		_, _, err := u.attempt(Device{ID: 90, Org: u.c.Org}, u.password, u.codes[0]) // on a shared PC that is new to her
		want(t, err, "")
		_, _, err = u.signIn()
		want(t, err, "")
		// Her hospital's shared PCs, of which somebody tries many.
		for pc := range int64(10) {
			for range 5 {
				u.attempt(Device{ID: 100 + pc, Org: u.c.Org}, "a guess", "123456")
			}
		}
		fresh := Device{ID: 200, Org: u.c.Org}
		_, _, err = u.attempt(fresh, u.password, u.code())
		want(t, err, "auth.wait")
		_, _, err = u.signIn() // on her own device
		want(t, err, "")
		o := w.setUp(w.OtherA, "other-a", fresh) // and others on the shared one
		_, _, err = o.signIn()
		want(t, err, "")
	})
}

// A device that tries many accounts must wait for all of them; who is right
// there does not wipe out what others did.
func TestDeviceTriesMany(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ward := Device{ID: 20, Org: w.StaffA.Org}
		u := w.setUp(w.StaffA, "staff-a", ward)
		w.later(time.Hour)
		names := strings.Fields("aaa bbb ccc ddd eee fff ggg hhh iii jjj kkk lll mmm nnn ooo ppp qqq rrr sss")
		for i, login := range names {
			_, _, err := SignIn(ctx, w.db, w.keys, ward, Attempt{Login: login, Password: "a guess"})
			want(t, err, "auth.refused")
			if i == 9 {
				_, _, err := u.attempt(ward, u.password, u.code())
				want(t, err, "")
			}
		}
		_, _, err := SignIn(ctx, w.db, w.keys, ward, Attempt{Login: "ttt", Password: "a guess"})
		want(t, err, "auth.refused") // the twentieth
		_, _, err = SignIn(ctx, w.db, w.keys, ward, Attempt{Login: "uuu", Password: "a guess"})
		want(t, err, "auth.wait")
		if w.later(firstWait); true {
			_, _, err = u.signIn()
			want(t, err, "")
		}
	})
}

func TestWait(t *testing.T) {
	for w, want := range map[time.Duration]string{
		1: "1 秒", 30 * time.Second: "30 秒", 119 * time.Second: "119 秒", 2 * time.Minute: "2 分", 14*time.Minute + time.Second: "15 分",
	} {
		if got := Wait(w).Name(locale.Japanese); got != want {
			t.Errorf("%s is said as %s, want %s", w, got, want)
		}
	}
	err := fault.New(fault.TooMany, "auth.wait", "wait", Wait(30*time.Second), "seconds", int64(30))
	if s := locale.Japanese.Fault(err); !strings.Contains(s, "あと 30 秒 待って") {
		t.Errorf("%s", s)
	}
}
