// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package passkey

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var ctx = context.Background()

const device = 7 // the row of a certificate

// world is a portal with people, one of whom has a passkey.
type world struct {
	t  *testing.T
	db *store.DB
	p  *membertest.People
	rp *RelyingParty
}

func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		for _, c := range []*caller.Caller{&p.StaffA, &p.OtherA, &p.ContactB} {
			c.Device = device
		}
		fn(&world{t, db, p, party(t)})
	})
}

func party(t testing.TB) *RelyingParty {
	t.Helper()
	rp, err := NewRelyingParty("定点", "portal.example.jp", 443, 8443)
	if err != nil {
		t.Fatal(err)
	}
	return rp
}

func (w *world) want(err error, code string) {
	w.t.Helper()
	if fault.Code(err) != code || err != nil && code == "" {
		w.t.Errorf("got %v, want %q", err, code)
	}
	if code != "" && !locale.Has(code) {
		w.t.Errorf("%q has no sentence", code)
	}
}

func (w *world) add(c caller.Caller, a *authenticator, label string) Passkey {
	w.t.Helper()
	state, options, err := BeginRegistration(ctx, w.db, c, w.rp)
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := FinishRegistration(ctx, w.db, c, w.rp, state, label, a.create(options))
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// signIn signs in on the device and returns whose passkey it was.
func (w *world) signIn(a *authenticator, account int64) (int64, error) {
	w.t.Helper()
	state, options, err := BeginSignIn(ctx, w.db, w.rp, device, account)
	if err != nil {
		w.t.Fatal(err)
	}
	return FinishSignIn(ctx, w.db, w.rp, device, state, a.get(options))
}

// records returns "action object reason" of the newest audit records first.
func (w *world) records(n int) (all []string) {
	w.t.Helper()
	list, err := audit.List(ctx, w.db, w.p.Operator, 0, n)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, r := range list {
		line := r.Action + " " + r.Object
		if reason, ok := r.Detail["reason"]; ok {
			line += fmt.Sprint(" ", reason)
		}
		all = append(all, line)
	}
	return all
}

func (w *world) rows(table string) (n int) {
	w.t.Helper()
	if err := w.db.QueryRow(ctx, "SELECT COUNT(*) FROM "+table).Scan(&n); err != nil {
		w.t.Fatal(err)
	}
	return n
}

func TestRegisterAndSignIn(t *testing.T) {
	each(t, func(w *world) {
		a := newAuthenticator(w.t)
		a.eligible = true
		made := w.add(w.p.StaffA, a, " 自分のスマートフォン ")
		if made.Label != "自分のスマートフォン" || !made.Synced || made.Created.IsZero() || !made.Used.IsZero() {
			w.t.Errorf("%+v", made)
		}
		if got := w.records(1)[0]; got != fmt.Sprintf("passkey.add passkey/%d", made.ID) {
			w.t.Errorf("audit: %s", got)
		}
		for _, account := range []int64{0, w.p.StaffA.Account} {
			if got, err := w.signIn(a, account); err != nil || got != w.p.StaffA.Account {
				w.t.Errorf("for %d: account %d, %v", account, got, err)
			}
		}
		// A security key that keeps nothing serves where the account is known.
		a.noHandle = true
		if got, err := w.signIn(a, w.p.StaffA.Account); err != nil || got != w.p.StaffA.Account {
			w.t.Errorf("without a handle: %d, %v", got, err)
		}
		_, err := w.signIn(a, 0)
		w.want(err, "passkey.unknown")

		all, err := List(ctx, w.db, w.p.StaffA)
		if err != nil || len(all) != 1 || all[0].ID != made.ID || all[0].Used.IsZero() || !all[0].Created.Equal(made.Created) {
			w.t.Errorf("%+v, %v", all, err)
		}
		if w.rows("passkey_ceremony") != 0 {
			w.t.Error("a finished ceremony is still there")
		}
	})
}

// What the options ask for is what the brief of the package promises.
func TestOptions(t *testing.T) {
	each(t, func(w *world) {
		a := newAuthenticator(w.t)
		_, raw, err := BeginRegistration(ctx, w.db, w.p.StaffA, w.rp)
		w.want(err, "")
		o := a.read(raw)
		s := o.AuthenticatorSelection
		if o.RP.ID != "portal.example.jp" || s.UserVerification != "required" || s.ResidentKey != "preferred" || s.RequireResidentKey ||
			o.Attestation != "none" || o.Timeout != 300000 || len(o.Exclude) != 0 || len(o.PubKeyCredParams) != 3 {
			w.t.Errorf("%s", raw)
		}
		handle := a.decode(o.User.ID)
		if len(handle) != 32 || !strings.HasPrefix(o.User.Name, w.p.StaffA.Name) {
			w.t.Errorf("user %+v", o.User)
		}
		if len(a.decode(o.Challenge)) < 16 {
			w.t.Error("the challenge is short")
		}
		w.add(w.p.StaffA, a, "一つめ")
		_, raw, err = BeginRegistration(ctx, w.db, w.p.StaffA, w.rp)
		w.want(err, "")
		if o := a.read(raw); len(o.Exclude) != 1 || o.Exclude[0].ID != b64.EncodeToString(a.id) || !bytes.Equal(a.decode(o.User.ID), handle) {
			w.t.Errorf("the second time: %s", raw)
		}
		_, raw, err = BeginRegistration(ctx, w.db, w.p.OtherA, w.rp)
		w.want(err, "")
		if bytes.Equal(a.decode(a.read(raw).User.ID), handle) {
			w.t.Error("two accounts share a handle")
		}
		_, raw, err = BeginSignIn(ctx, w.db, w.rp, device, w.p.StaffA.Account)
		w.want(err, "")
		if o := a.read(raw); o.RPID != "portal.example.jp" || o.UserVerification != "required" || len(o.Allow) != 1 {
			w.t.Errorf("sign-in: %s", raw)
		}
		_, raw, err = BeginSignIn(ctx, w.db, w.rp, device, 0)
		w.want(err, "")
		if o := a.read(raw); len(o.Allow) != 0 || o.UserVerification != "required" {
			w.t.Errorf("sign-in of anybody: %s", raw)
		}
		_, _, err = BeginSignIn(ctx, w.db, w.rp, device, w.p.OtherA.Account)
		w.want(err, "passkey.none")
		_, _, err = BeginRegistration(ctx, w.db, caller.Caller{}, w.rp)
		w.want(err, "fault.forbidden")
	})
}

func TestSignInRefusals(t *testing.T) {
	each(t, func(w *world) {
		a := newAuthenticator(w.t)
		w.add(w.p.StaffA, a, "鍵")
		other := newAuthenticator(w.t)
		w.add(w.p.ContactB, other, "別の人の鍵")
		for _, c := range []struct {
			name    string
			account int64
			change  func(a *authenticator)
			code    string
		}{
			{"wrong origin", 0, func(a *authenticator) { a.origin = "https://portal.example.jp.evil.example" }, "passkey.refused"},
			{"plain http", 0, func(a *authenticator) { a.origin = "http://portal.example.jp" }, "passkey.refused"},
			{"wrong port", 0, func(a *authenticator) { a.origin = "https://portal.example.jp:9443" }, "passkey.refused"},
			{"a part of the host", 0, func(a *authenticator) { a.origin = "https://example.jp" }, "passkey.refused"},
			{"another's frame", 0, func(a *authenticator) { a.cross = true }, "passkey.refused"},
			{"wrong relying party", 0, func(a *authenticator) { a.rpID = "example.jp" }, "passkey.refused"},
			{"nobody verified", 0, func(a *authenticator) { a.noUV = true }, "passkey.unverified"},
			{"unknown credential", 0, func(a *authenticator) { a.id = []byte("0123456789abcdef") }, "passkey.unknown"},
			{"another's handle", 0, func(a *authenticator) { a.handle = other.handle }, "passkey.unknown"},
			{"another's credential", w.p.StaffA.Account, func(a *authenticator) { *a = *other }, "passkey.unknown"},
			{"another's credential with our handle", w.p.StaffA.Account, func(a *authenticator) { a.id, a.key = other.id, other.key }, "passkey.unknown"},
			{"another's key", 0, func(a *authenticator) { a.key = other.key }, "passkey.refused"},
			{"suddenly synced", 0, func(a *authenticator) { a.eligible = true }, "passkey.refused"},
		} {
			wrong := *a
			wrong.counter += 1000
			c.change(&wrong)
			if got, err := w.signIn(&wrong, c.account); got != 0 || fault.Code(err) != c.code || !fault.Is(err, fault.Forbidden) {
				w.t.Errorf("%s: account %d, %v; want %s", c.name, got, err, c.code)
			}
			if got := w.records(1)[0]; !strings.HasPrefix(got, "denied account/") || !strings.HasSuffix(got, c.code) {
				w.t.Errorf("%s: audit %q", c.name, got)
			}
		}
		// Nothing of that kept the right one out, on either port.
		a.origin = "https://portal.example.jp:8443"
		if got, err := w.signIn(a, 0); err != nil || got != w.p.StaffA.Account {
			w.t.Errorf("%d, %v", got, err)
		}
	})
}

func TestCeremonyServesOnceOnItsDeviceInTime(t *testing.T) {
	each(t, func(w *world) {
		a := newAuthenticator(w.t)
		w.add(w.p.StaffA, a, "鍵")
		begin := func() (string, []byte) {
			w.t.Helper()
			state, options, err := BeginSignIn(ctx, w.db, w.rp, device, 0)
			if err != nil {
				w.t.Fatal(err)
			}
			return state, options
		}
		finish := func(ctx context.Context, device int64, state string, response []byte) error {
			_, err := FinishSignIn(ctx, w.db, w.rp, device, state, response)
			return err
		}

		state, options := begin()
		w.want(finish(ctx, device+1, state, a.get(options)), "passkey.expired") // another device
		w.want(finish(ctx, 0, state, a.get(options)), "passkey.expired")        // none
		answer := a.get(options)
		w.want(finish(ctx, device, state, answer), "")
		w.want(finish(ctx, device, state, answer), "passkey.expired") // again
		w.want(finish(ctx, device, "", answer), "passkey.expired")
		if got := w.records(1)[0]; got != "denied account/0 passkey.expired" {
			w.t.Errorf("audit: %s", got)
		}

		// The answer to one challenge does not fit another.
		state, _ = begin()
		w.want(finish(ctx, device, state, answer), "passkey.refused")
		w.want(finish(ctx, device, state, answer), "passkey.expired") // and the failure used it up

		state, options = begin()
		late := func() context.Context { return store.At(ctx, time.Now().Add(ceremonyLife+time.Second)) }
		w.want(finish(late(), device, state, a.get(options)), "passkey.expired")
		state, options = begin()
		soon := store.At(ctx, time.Now().Add(ceremonyLife-time.Minute))
		w.want(finish(soon, device, state, a.get(options)), "")

		// A registration's token is no sign-in's, nor another account's.
		state, options, err := BeginRegistration(ctx, w.db, w.p.StaffA, w.rp)
		w.want(err, "")
		w.want(finish(ctx, device, state, a.get(options)), "passkey.expired")
		fresh := newAuthenticator(w.t)
		_, err = FinishRegistration(ctx, w.db, w.p.OtherA, w.rp, state, "鍵", fresh.create(options))
		w.want(err, "passkey.expired")
		elsewhere := w.p.StaffA
		elsewhere.Device++
		_, err = FinishRegistration(ctx, w.db, elsewhere, w.rp, state, "鍵", fresh.create(options))
		w.want(err, "passkey.expired")
		_, err = FinishRegistration(ctx, w.db, w.p.StaffA, w.rp, state, "鍵", fresh.create(options))
		w.want(err, "")

		// What is stored is no token.
		state, _ = begin()
		var stored []byte
		if err := w.db.QueryRow(ctx, `SELECT token_hash FROM passkey_ceremony WHERE purpose = 'signin'`).Scan(&stored); err != nil || strings.Contains(string(stored), state) || len(stored) != 32 {
			w.t.Errorf("%x, %v", stored, err)
		}
		// However many begin, few stay, and the old ones go.
		for range 3 * mostOpen {
			begin()
		}
		if n := w.rows("passkey_ceremony"); n > mostOpen {
			w.t.Errorf("%d ceremonies are open", n)
		}
		_, _, err = BeginSignIn(late(), w.db, w.rp, device+1, 0)
		w.want(err, "")
		if n := w.rows("passkey_ceremony"); n != 1 {
			w.t.Errorf("%d ceremonies are left after their time", n)
		}
	})
}

func TestCounter(t *testing.T) {
	each(t, func(w *world) {
		a := newAuthenticator(w.t)
		made := w.add(w.p.StaffA, a, "鍵")
		twin := *a
		_, err := w.signIn(a, 0)
		w.want(err, "")
		if got, err := w.signIn(&twin, 0); got != 0 || fault.Code(err) != "passkey.cloned" { // the same count again
			w.t.Errorf("account %d, %v", got, err)
		}
		if got := w.records(1)[0]; got != fmt.Sprintf("passkey.cloned passkey/%d", made.ID) {
			w.t.Errorf("audit: %s", got)
		}
		twin.counter = 0
		_, err = w.signIn(&twin, w.p.StaffA.Account)
		w.want(err, "passkey.cloned")
		_, err = w.signIn(a, 0)
		w.want(err, "")
		a.step, a.counter = 0, 0
		_, err = w.signIn(a, 0) // from counting to not counting is a step back
		w.want(err, "passkey.cloned")

		// Synced passkeys do not count at all.
		b := newAuthenticator(w.t)
		b.step, b.eligible = 0, true
		w.add(w.p.OtherA, b, "鍵")
		for range 2 {
			_, err = w.signIn(b, 0)
			w.want(err, "")
		}
		// Two answers with the same count at the same time: one comes in.
		c := newAuthenticator(w.t)
		w.add(w.p.ContactB, c, "鍵")
		results := make(chan error)
		for range 2 {
			one := *c
			one.t = t
			state, options, err := BeginSignIn(ctx, w.db, w.rp, device, 0)
			w.want(err, "")
			answer := one.get(options)
			go func() {
				_, err := FinishSignIn(ctx, w.db, w.rp, device, state, answer)
				results <- err
			}()
		}
		codes := []string{fault.Code(<-results), fault.Code(<-results)}
		slices.Sort(codes)
		if !slices.Equal(codes, []string{"", "passkey.cloned"}) {
			w.t.Errorf("two at once: %q", codes)
		}
	})
}

func TestAccountThatMayNotSignIn(t *testing.T) {
	each(t, func(w *world) {
		a := newAuthenticator(w.t)
		w.add(w.p.StaffA, a, "鍵")
		for _, change := range []string{"active = FALSE", "active = TRUE, left_at = 5", "left_at = 0, expires_at = 5"} {
			storetest.Exec(w.t, w.db, "UPDATE account SET "+change+" WHERE id = $1", w.p.StaffA.Account)
			_, err := w.signIn(a, 0)
			w.want(err, "passkey.unknown")
			_, _, err = BeginSignIn(ctx, w.db, w.rp, device, w.p.StaffA.Account)
			w.want(err, "passkey.none")
		}
	})
}

func TestRegistrationRefusals(t *testing.T) {
	each(t, func(w *world) {
		finish := func(c caller.Caller, label string, answer func(options []byte) []byte) error {
			w.t.Helper()
			state, options, err := BeginRegistration(ctx, w.db, c, w.rp)
			if err != nil {
				return err
			}
			_, err = FinishRegistration(ctx, w.db, c, w.rp, state, label, answer(options))
			return err
		}
		for code, change := range map[string]func(a *authenticator){
			"passkey.unverified": func(a *authenticator) { a.noUV = true },
			"passkey.refused":    func(a *authenticator) { a.rpID = "other.example" },
		} {
			a := newAuthenticator(w.t)
			change(a)
			w.want(finish(w.p.StaffA, "鍵", a.create), code)
			if got := w.records(1)[0]; got != fmt.Sprintf("denied account/%d %s", w.p.StaffA.Account, code) {
				w.t.Errorf("audit: %s", got)
			}
		}
		a := newAuthenticator(w.t)
		a.origin = "https://evil.example"
		w.want(finish(w.p.StaffA, "鍵", a.create), "passkey.refused")
		a.origin = "https://portal.example.jp"
		w.want(finish(w.p.StaffA, "鍵", func(o []byte) []byte { return []byte("{}") }), "passkey.refused")
		w.want(finish(w.p.StaffA, "鍵", func(o []byte) []byte { return bytes.Repeat([]byte(" "), MaxResponse+1) }), "passkey.size")
		for label, code := range map[string]string{" ": "passkey.label_empty", "a\x00": "passkey.label_text", "\xff": "passkey.label_text",
			strings.Repeat("長", LongestLabel+1): "passkey.label_long"} {
			err := finish(w.p.StaffA, label, a.create)
			if w.want(err, code); fault.From(err).Field != "label" {
				w.t.Errorf("%q: no field", label)
			}
		}
		w.want(finish(w.p.StaffA, strings.Repeat("長", LongestLabel), a.create), "")
		w.want(finish(w.p.StaffA, "鍵", a.create), "passkey.known")
		w.want(finish(w.p.ContactB, "鍵", a.create), "passkey.known") // whosever it is
		for range MostPasskeys - 1 {
			w.add(w.p.StaffA, newAuthenticator(w.t), "鍵")
		}
		w.want(finish(w.p.StaffA, "鍵", newAuthenticator(w.t).create), "passkey.many")
		if n, err := Count(ctx, w.db, w.p.StaffA.Account); err != nil || n != MostPasskeys {
			w.t.Errorf("%d, %v", n, err)
		}
	})
}

func TestRenameAndRemove(t *testing.T) {
	each(t, func(w *world) {
		a, b := newAuthenticator(w.t), newAuthenticator(w.t)
		first, second := w.add(w.p.StaffA, a, "一つめ"), w.add(w.p.StaffA, b, "二つめ")
		w.want(Rename(ctx, w.db, w.p.StaffA, first.ID, "机の鍵"), "")
		w.want(Rename(ctx, w.db, w.p.OtherA, first.ID, "盗んだ鍵"), "fault.not_found")
		w.want(Rename(ctx, w.db, w.p.Operator, first.ID, "盗んだ鍵"), "fault.not_found")
		w.want(Rename(ctx, w.db, w.p.StaffA, first.ID, ""), "passkey.label_empty")
		w.want(Remove(ctx, w.db, w.p.OtherA, first.ID, true), "fault.not_found")
		if err := Remove(ctx, w.db, w.p.StaffA, 0, true); !fault.Is(err, fault.NotFound) {
			w.t.Error(err)
		}
		all, err := List(ctx, w.db, w.p.StaffA)
		if err != nil || len(all) != 2 || all[0].Label != "机の鍵" || all[1].Label != "二つめ" {
			w.t.Fatalf("%+v, %v", all, err)
		}
		w.want(Remove(ctx, w.db, w.p.StaffA, first.ID, false), "") // another is left
		_, err = w.signIn(a, 0)
		w.want(err, "passkey.unknown")
		w.want(Remove(ctx, w.db, w.p.StaffA, second.ID, false), "passkey.last")
		_, err = w.signIn(b, 0)
		w.want(err, "")
		w.want(Remove(ctx, w.db, w.p.StaffA, second.ID, true), "")
		if n := w.rows("passkey"); n != 0 {
			w.t.Errorf("%d are left", n)
		}

		// Of two that are removed at once, one stays.
		x, y := w.add(w.p.OtherA, newAuthenticator(w.t), "x"), w.add(w.p.OtherA, newAuthenticator(w.t), "y")
		results := make(chan error)
		for _, id := range []int64{x.ID, y.ID} {
			go func() { results <- Remove(ctx, w.db, w.p.OtherA, id, false) }()
		}
		codes := []string{fault.Code(<-results), fault.Code(<-results)}
		slices.Sort(codes)
		if n, err := Count(ctx, w.db, w.p.OtherA.Account); err != nil || n != 1 || codes[0] != "" || codes[1] != "passkey.last" {
			w.t.Errorf("%d left, %q, %v", n, codes, err)
		}
		if err := w.db.Write(ctx, w.p.Operator, func(tx *store.Tx) error { return RemoveAll(ctx, tx, w.p.OtherA.Account) }); err != nil {
			w.t.Error(err)
		}
		if n := w.rows("passkey"); n != 0 || w.records(1)[0] != fmt.Sprintf("passkey.clear account/%d", w.p.OtherA.Account) {
			w.t.Errorf("%d left, %s", n, w.records(1)[0])
		}
	})
}

func TestRelyingParty(t *testing.T) {
	for _, c := range []struct {
		host  string
		ports []int
		want  string // origins or a code
	}{
		{"portal.example.jp", nil, "https://portal.example.jp"},
		{"Portal.Example.JP.", []int{443, 8443}, "https://portal.example.jp https://portal.example.jp:8443"},
		{"localhost", []int{8080}, "https://localhost:8080 http://localhost:8080"},
		{"127.0.0.1", nil, "passkey.host"},
		{"[::1]", nil, "passkey.host"},
		{"", nil, "passkey.host"},
		{"https://portal.example.jp", nil, "passkey.host"},
		{"portal.example.jp:443", nil, "passkey.host"},
		{"portal.example.jp/x", nil, "passkey.host"},
		{"portal.example.jp", []int{0}, "passkey.port"},
		{"portal.example.jp", []int{65536}, "passkey.port"},
	} {
		rp, err := NewRelyingParty("定点", c.host, c.ports...)
		got := fault.Code(err)
		if err == nil {
			got = strings.Join(rp.Origins(), " ")
		}
		if got != c.want {
			t.Errorf("%s %v: %s, want %s", c.host, c.ports, got, c.want)
		}
	}
}

// FuzzResponses: whatever a browser sends, it is refused as a fault, because
// nobody knows the key.
func FuzzResponses(f *testing.F) {
	rp := party(f)
	a := newAuthenticator(f)
	owner := &user{account: 1, handle: bytes.Repeat([]byte{1}, 32), name: "人"}
	creation, creating, err := rp.w.BeginRegistration(owner)
	if err != nil {
		f.Fatal(err)
	}
	raw, err := json.Marshal(creation.Response)
	if err != nil {
		f.Fatal(err)
	}
	first := a.create(raw)
	made, err := rp.register(owner, creating, first)
	if err != nil {
		f.Fatal(err)
	}
	owner.keys = []stored{{1, *made}}
	assertion, asserting, err := rp.w.BeginLogin(owner)
	if err != nil {
		f.Fatal(err)
	}
	if raw, err = json.Marshal(assertion.Response); err != nil {
		f.Fatal(err)
	}
	second := a.get(raw)
	f.Add(first)
	f.Add(second)
	f.Add([]byte("{}"))
	// Nobody answers these challenges.
	creating.Challenge, asserting.Challenge = b64.EncodeToString(make([]byte, 32)), b64.EncodeToString(make([]byte, 32))
	f.Fuzz(func(t *testing.T, response []byte) {
		if made, err := rp.register(owner, creating, response); err == nil {
			t.Errorf("registered %+v", made)
		} else if fault.Code(err) == "" {
			t.Errorf("no fault: %v", err)
		}
		find := func(_, _ []byte) (*user, error) { return owner, nil }
		if u, used, err := rp.signIn(asserting, response, find); err == nil {
			t.Errorf("signed in %+v %+v", u, used)
		} else if fault.Code(err) == "" {
			t.Errorf("no fault: %v", err)
		}
	})
}
