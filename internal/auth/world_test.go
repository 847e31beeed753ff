// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var ctx = context.Background()

// production are the parameters that the tests, but not the benchmarks, lower:
// what is tested does not depend on them.
var production = present

func TestMain(m *testing.M) {
	Cheapen()
	os.Exit(m.Run())
}

// world is a portal with the test's people, who have logins such as staff-a.
type world struct {
	*membertest.People
	t    testing.TB
	db   *store.DB
	keys *blob.Keyring
}

func each(t *testing.T, fn func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, newWorld(t, db)) })
}

func newWorld(t testing.TB, db *store.DB) *world {
	t.Helper()
	keys, err := blob.NewKeyring()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{membertest.Register(t, db), t, db, keys}
	for login, c := range map[string]caller.Caller{"operator": w.Operator, "analyst": w.Analyst, "contact-a": w.ContactA, "staff-a": w.StaffA,
		"other-a": w.OtherA, "contact-b": w.ContactB, "staff-b": w.StaffB, "executive-a": w.ExecutiveA} {
		w.exec(`UPDATE account SET login = $2, mail = $3 WHERE id = $1`, c.Account, login, login+"@example.jp")
	}
	return w
}

func (w *world) exec(query string, args ...any) int64 {
	w.t.Helper()
	var n int64
	err := w.db.Keep(ctx, func(tx *store.Tx) (err error) {
		n, err = tx.Exec(ctx, query, args...)
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) count(query string, args ...any) int {
	w.t.Helper()
	return storetest.Value[int](w.t, w.db, query, args...)
}

// later makes everything that is stored older, which is what time does.
func (w *world) later(d time.Duration) {
	w.t.Helper()
	for table, columns := range map[string]string{
		"session": "created_at seen_at proved_at expires_at", "auth_throttle": "counted_at blocked_until", "auth_step": "valid_until",
		"auth_set_up": "created_at valid_until", "auth_recovery": "opened_at approved_at valid_until completed_at cancelled_at told_at",
	} {
		for _, c := range strings.Fields(columns) {
			w.exec(fmt.Sprintf(`UPDATE %s SET %s = %s - $1 WHERE %s <> 0`, table, c, c, c), d.Microseconds())
		}
	}
	w.exec(`UPDATE auth_totp SET last_step = last_step - $1`, int64(d/time.Second/totpPeriod))
}

// user is a person who has set up her sign-in.
type user struct {
	w        *world
	c        caller.Caller
	login    string
	password string
	secret   string // base32
	codes    []string
	dev      Device
	token    string
	session  Session
}

func bound(id int64, c caller.Caller) Device { return Device{ID: id, Account: c.Account, Org: c.Org} }

const goodPassword = "umbrella-teacup-gravel-17"

// setUp takes a person through her first sign-in on a device.
func (w *world) setUp(c caller.Caller, login string, dev Device) *user {
	w.t.Helper()
	const code = "ABCD-EFGH-JKMN-PQRS-TVWX"
	w.must(w.db.Write(ctx, caller.System("enrolment"), func(tx *store.Tx) error {
		return SetUpCode(ctx, tx, c.Account, code, tx.Now.Add(time.Hour))
	}))
	u := &user{w: w, c: c, login: login, password: goodPassword, dev: dev}
	u.c.Channel, u.c.Device = "web", dev.ID
	token, state, err := Begin(ctx, w.db, w.keys, dev, "定点 Teiten", login, code)
	w.must(err)
	w.must(ChoosePassword(ctx, w.db, w.keys, dev, token, u.password))
	u.secret = strings.ReplaceAll(state.Secret, " ", "")
	done, err := Finish(ctx, w.db, w.keys, dev, token, u.code())
	w.must(err)
	u.token, u.session, u.codes = done.Token, done.Session, done.Codes
	return u
}

// code is what her app shows now.
func (u *user) code() string {
	u.w.t.Helper()
	code, err := totp.GenerateCode(u.secret, time.Now())
	u.w.must(err)
	return code
}

// signIn signs in with the next code of her app.
func (u *user) signIn() (string, Session, error) {
	u.w.t.Helper()
	u.w.later(2 * time.Minute)
	return u.attempt(u.dev, u.password, u.code())
}

func (u *user) attempt(dev Device, password, code string) (string, Session, error) {
	return SignIn(ctx, u.w.db, u.w.keys, dev, Attempt{Login: u.login, Password: password, Code: code})
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func want(t testing.TB, err error, code string) {
	t.Helper()
	if fault.Code(err) != code || code == "" && err != nil {
		t.Errorf("error %v, want %q", err, code)
	}
}

// reasons are the newest records of an action, the newest first: object and a
// detail.
func (w *world) records(action, detail string) (all []string) {
	w.t.Helper()
	list, err := audit.List(ctx, w.db, w.Operator, 0, 1000)
	w.must(err)
	for _, r := range list {
		if r.Action == action {
			all = append(all, fmt.Sprintf("%s %v", r.Object, r.Detail[detail]))
		}
	}
	return all
}

// newest is the newest record of an action.
func (w *world) newest(action, detail string) string {
	w.t.Helper()
	if all := w.records(action, detail); len(all) > 0 {
		return all[0]
	}
	return ""
}
