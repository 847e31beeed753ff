// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package federate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

const device = 7

// world is a portal with people and a provider.
type world struct {
	t  *testing.T
	db *store.DB
	p  *membertest.People
	h  *hostile
	*Provider
}

func each(t *testing.T, fn func(w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		for _, c := range []*caller.Caller{&p.StaffA, &p.OtherA, &p.ContactB} {
			c.Device = device
		}
		h := newHostile(t)
		fn(&world{t, db, p, h, h.provider()})
	})
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

var stranger = caller.Caller{Channel: "web", Device: device}

func (w *world) begin() Visit {
	w.t.Helper()
	v, err := w.BeginSignIn(ctx, w.db, device)
	if err != nil {
		w.t.Fatal(err)
	}
	return v
}

func (w *world) signIn() (int64, error) {
	w.t.Helper()
	v := w.begin()
	out, err := w.Finish(ctx, w.db, stranger, v.Token, w.h.visit(v))
	if out.Linked {
		w.t.Error("a sign-in linked something")
	}
	return out.Account, err
}

func (w *world) link(c caller.Caller) error {
	w.t.Helper()
	v, err := w.BeginLink(ctx, w.db, c)
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := w.Finish(ctx, w.db, c, v.Token, w.h.visit(v))
	if err == nil && (out.Account != c.Account || !out.Linked) {
		w.t.Errorf("%+v", out)
	}
	return err
}

func (w *world) newest() string {
	w.t.Helper()
	all, err := audit.List(ctx, w.db, w.p.Operator, 0, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	text, err := json.Marshal(all[0].Detail)
	if err != nil {
		w.t.Fatal(err)
	}
	return all[0].Action + " " + all[0].Object + " " + string(text)
}

func TestLinkAndSignIn(t *testing.T) {
	each(t, func(w *world) {
		// The mail address in the token is that of a contact: it finds nobody.
		storetest.Exec(w.t, w.db, `UPDATE account SET mail = 'contact@portal.example.jp' WHERE id = $1`, w.p.ContactB.Account)
		account, err := w.signIn()
		if w.want(err, "federate.unknown"); account != 0 || !fault.Is(err, fault.Forbidden) {
			w.t.Errorf("account %d, %v", account, err)
		}
		if got := w.newest(); got != `denied account/0 {"action":"identity.signin","reason":"federate.unknown"}` {
			w.t.Errorf("audit: %s", got)
		}

		w.want(w.link(w.p.StaffA), "")
		if got := w.newest(); !strings.HasPrefix(got, "identity.link identity/") || strings.Contains(got, "hanako") {
			w.t.Errorf("audit: %s", got)
		}
		w.want(w.link(w.p.StaffA), "") // again
		account, err = w.signIn()
		if w.want(err, ""); account != w.p.StaffA.Account {
			w.t.Errorf("account %d", account)
		}
		w.want(w.link(w.p.ContactB), "federate.taken")
		all, err := Identities(ctx, w.db, w.p.StaffA)
		if err != nil || len(all) != 1 || all[0].Issuer != w.Issuer() || all[0].Used.IsZero() || all[0].Created.IsZero() {
			w.t.Fatalf("%+v, %v", all, err)
		}
		if others, err := Identities(ctx, w.db, w.p.ContactB); err != nil || len(others) != 0 {
			w.t.Errorf("%+v, %v", others, err)
		}

		// Who may not sign in does not, and nothing says that the identity is known.
		for _, change := range []string{"active = FALSE", "active = TRUE, left_at = 5", "left_at = 0, expires_at = 5", "expires_at = 0"} {
			storetest.Exec(w.t, w.db, "UPDATE account SET "+change+" WHERE id = $1", w.p.StaffA.Account)
			code := "federate.unknown"
			if change == "expires_at = 0" {
				code = ""
			}
			_, err := w.signIn()
			w.want(err, code)
		}

		w.want(Unlink(ctx, w.db, w.p.ContactB, all[0].ID), "fault.not_found")
		w.want(Unlink(ctx, w.db, w.p.Operator, all[0].ID), "fault.not_found")
		w.want(Unlink(ctx, w.db, w.p.StaffA, all[0].ID), "")
		_, err = w.signIn()
		w.want(err, "federate.unknown")
		w.want(w.link(w.p.ContactB), "") // free again
		w.want(w.db.Write(ctx, w.p.Operator, func(tx *store.Tx) error { return UnlinkAll(ctx, tx, w.p.ContactB.Account) }), "")
		_, err = w.signIn()
		w.want(err, "federate.unknown")
	})
}

func TestMostIdentities(t *testing.T) {
	each(t, func(w *world) {
		for i := range MostIdentities + 1 {
			w.h.set(func() { w.h.claims = func(c map[string]any) { c["sub"] = fmt.Sprint("person ", i) } })
			code := ""
			if i == MostIdentities {
				code = "federate.many"
			}
			w.want(w.link(w.p.StaffA), code)
		}
	})
}

// A token that is not what it should be is refused, whoever signed it.
func TestHostileTokens(t *testing.T) {
	rsa, ed, foreign := rsaKey(t), edKey(t), edKey(t)
	each(t, func(w *world) {
		w.want(w.link(w.p.StaffA), "")
		good := w.h.sign
		claim := func(name string, value any) func() {
			return func() { w.h.claims = func(c map[string]any) { c[name] = value } }
		}
		at := func(name string, offset time.Duration) func() { // from when the token is made
			return func() {
				w.h.claims = func(c map[string]any) { c[name] = time.Now().Add(offset).Unix() }
			}
		}
		sign := func(alg jose.SignatureAlgorithm, kid string, key any) func() {
			return func() { w.h.sign = func(p []byte) string { return w.h.jws(alg, kid, key, p) } }
		}
		for _, c := range []struct {
			name string
			set  func()
			code string
		}{
			{"another nonce", claim("nonce", "another"), "federate.token"},
			{"no nonce", claim("nonce", nil), "federate.token"},
			{"another audience", claim("aud", "other-client"), "federate.token"},
			{"no audience", claim("aud", nil), "federate.token"},
			{"several audiences without azp", claim("aud", []string{"teiten", "other"}), "federate.token"},
			{"azp of another", claim("azp", "other"), "federate.token"},
			{"another issuer", claim("iss", "https://evil.example"), "federate.token"},
			{"issuer with a slash", claim("iss", w.Issuer()+"/"), "federate.token"},
			{"expired", at("exp", -2*time.Minute), "federate.token"},
			{"never expires", claim("exp", nil), "federate.token"},
			{"from the future", at("iat", 10*time.Minute), "federate.token"},
			{"old", at("iat", -time.Hour), "federate.token"},
			{"without a time", claim("iat", nil), "federate.token"},
			{"not yet valid", at("nbf", time.Hour), "federate.token"},
			{"no subject", claim("sub", nil), "federate.token"},
			{"long subject", claim("sub", strings.Repeat("x", 256)), "federate.token"},
			{"subject with a line break", claim("sub", "hanako\n"), "federate.token"},
			{"another access token", claim("at_hash", "77QmUPtjPfzWtF2AnpK9RQ"), "federate.token"},
			{"no signature", func() { w.h.sign = unsigned }, "federate.token"},
			{"client secret as key", sign(jose.HS256, "one", []byte(strings.Repeat(secret, 2))), "federate.token"},
			{"published secret as key", sign(jose.HS256, "shared", []byte(strings.Repeat(secret, 2))), "federate.token"},
			{"RS512", sign(jose.RS512, "rsa", rsa), "federate.token"},
			{"a stranger's key", sign(jose.EdDSA, "one", foreign), "federate.token"},
			{"a stranger's key without a name", sign(jose.EdDSA, "", foreign), "federate.token"},
			{"no token", func() { w.h.sign = func([]byte) string { return "" } }, "federate.token"},
			{"nonsense", func() { w.h.sign = func([]byte) string { return "a.b.c" } }, "federate.token"},
			{"too long", func() { w.h.sign = func([]byte) string { return strings.Repeat("a", maxToken+1) } }, "federate.token"},

			{"within the skew", at("exp", -30*time.Second), ""},
			{"several audiences with azp", func() {
				w.h.claims = func(c map[string]any) { c["aud"], c["azp"] = []string{"other", "teiten"}, "teiten" }
			}, ""},
			{"EdDSA", sign(jose.EdDSA, "ed", ed), ""},
			{"RS256", sign(jose.RS256, "rsa", rsa), ""},
			{"PS256", sign(jose.PS256, "rsa", rsa), ""},
			{"as at first", func() {}, ""},
		} {
			w.h.set(func() {
				w.h.claims, w.h.sign = nil, good
				w.h.keys["rsa"], w.h.keys["ed"] = rsa, ed
				c.set()
			})
			w.now = func() time.Time { return time.Now() }
			w.keys.asked = time.Time{} // or the pause between two looks for keys would be tested
			account, err := w.signIn()
			if fault.Code(err) != c.code || err != nil && c.code == "" || (account == w.p.StaffA.Account) != (err == nil) {
				w.t.Errorf("%s: account %d, %v; want %q", c.name, account, err, c.code)
			}
			if c.code != "" {
				if got := w.newest(); !strings.Contains(got, c.code) || !strings.HasPrefix(got, "denied ") {
					w.t.Errorf("%s: audit %s", c.name, got)
				}
			}
		}
	})
}

// What the browser brings back fits one visit of one browser on one device.
func TestHostileAnswers(t *testing.T) {
	each(t, func(w *world) {
		w.want(w.link(w.p.StaffA), "")
		finish := func(c caller.Caller, token string, answer url.Values) error {
			_, err := w.Finish(ctx, w.db, c, token, answer)
			return err
		}
		v := w.begin()
		answer := w.h.visit(v)
		w.want(finish(stranger, v.Token, answer), "")
		w.want(finish(stranger, v.Token, answer), "federate.expired") // again

		// The code and state of another's visit, put into the victim's browser.
		mine, theirs := w.begin(), w.begin()
		w.want(finish(stranger, mine.Token, w.h.visit(theirs)), "federate.state")
		// The code of another's visit with our own state: PKCE does not fit.
		mine = w.begin()
		answer = w.h.visit(mine)
		answer.Set("code", w.h.visit(theirs).Get("code"))
		w.want(finish(stranger, mine.Token, answer), "federate.code")

		// Another device, none, no cookie, another's cookie.
		v = w.begin()
		answer = w.h.visit(v)
		w.want(finish(caller.Caller{Device: device + 1}, v.Token, answer), "federate.expired")
		w.want(finish(caller.Caller{}, v.Token, answer), "federate.expired")
		w.want(finish(stranger, "", answer), "federate.expired")
		w.want(finish(stranger, v.Token, answer), "")

		// Of another account, or of nobody, a link is nobody's.
		for _, c := range []caller.Caller{w.p.OtherA, stranger} {
			v, err := w.BeginLink(ctx, w.db, w.p.StaffA)
			w.want(err, "")
			w.want(finish(c, v.Token, w.h.visit(v)), "federate.expired")
		}
		_, err := w.BeginLink(ctx, w.db, stranger)
		w.want(err, "fault.forbidden")

		for name, c := range map[string]struct {
			change func(url.Values)
			code   string
		}{
			"mix-up":        {func(q url.Values) { q.Set("iss", "https://evil.example") }, "federate.issuer"},
			"right issuer":  {func(q url.Values) { q.Set("iss", w.Issuer()) }, ""},
			"no state":      {func(q url.Values) { q.Del("state") }, "federate.state"},
			"two states":    {func(q url.Values) { q.Add("state", q.Get("state")) }, "federate.answer"},
			"two codes":     {func(q url.Values) { q.Add("code", "x") }, "federate.answer"},
			"no code":       {func(q url.Values) { q.Del("code") }, "federate.answer"},
			"invented code": {func(q url.Values) { q.Set("code", "x") }, "federate.code"},
			"long code":     {func(q url.Values) { q.Set("code", strings.Repeat("x", maxAnswer+1)) }, "federate.answer"},
			"declined":      {func(q url.Values) { q.Set("error", "access_denied") }, "federate.declined"},
			"other error":   {func(q url.Values) { q.Set("error", "<script>") }, "federate.answer"},
			"busy":          {func(q url.Values) { q.Set("error", "temporarily_unavailable") }, "federate.down"},
		} {
			v := w.begin()
			answer := w.h.visit(v)
			c.change(answer)
			if err := finish(stranger, v.Token, answer); fault.Code(err) != c.code {
				w.t.Errorf("%s: %v, want %q", name, err, c.code)
			}
			w.want(finish(stranger, v.Token, answer), "federate.expired")
		}

		// A provider that promises to name itself must do so (RFC 9207).
		w.h.set(func() {
			w.h.meta = func(m map[string]any) { m["authorization_response_iss_parameter_supported"] = true }
		})
		w.meta = nil
		v = w.begin()
		w.want(finish(stranger, v.Token, w.h.visit(v)), "federate.issuer")

		w.h.set(func() { w.h.meta = nil })
		w.meta = nil
		v = w.begin()
		late := store.At(ctx, time.Now().Add(requestLife+time.Second))
		_, err = w.Finish(late, w.db, stranger, v.Token, w.h.visit(v))
		w.want(err, "federate.expired")

		// Nothing of a visit can be read from the database.
		v = w.begin()
		u, err := url.Parse(v.URL)
		w.want(err, "")
		rows, err := w.db.Query(ctx, `SELECT token_hash, purpose, issuer FROM federate_request`)
		if err != nil {
			w.t.Fatal(err)
		}
		defer rows.Close()
		n := 0
		for ; rows.Next(); n++ {
			var hash []byte
			var purpose, issuer string
			if err := rows.Scan(&hash, &purpose, &issuer); err != nil {
				w.t.Fatal(err)
			}
			row := string(hash) + purpose + issuer
			for _, known := range []string{v.Token, u.Query().Get("state"), u.Query().Get("nonce")} {
				if strings.Contains(row, known) {
					w.t.Errorf("the row holds %q", known)
				}
			}
		}
		if n == 0 || n > mostOpen {
			w.t.Errorf("%d visits are open", n)
		}
	})
}

func TestProviderDown(t *testing.T) {
	db := storetest.SQLite(t)
	p := membertest.Register(t, db)
	h := newHostile(t)
	w := &world{t, db, p, h, h.provider()}
	p.StaffA.Device = device
	present := time.Now()
	w.now = func() time.Time { return present }
	h.now = w.now
	pass := func(d time.Duration) { h.set(func() { present = present.Add(d) }) }

	h.set(func() { h.down = 503 })
	_, err := w.BeginSignIn(ctx, db, device)
	if w.want(err, "federate.down"); !fault.Is(err, fault.Unavailable) {
		t.Error(err)
	}
	_, err = w.BeginSignIn(ctx, db, device)
	w.want(err, "federate.down")
	if n := h.asked["/.well-known/openid-configuration"]; n != 1 {
		t.Errorf("a provider that is down was asked %d times at once", n)
	}
	pass(pause)
	h.set(func() { h.down = 0 })
	w.want(w.link(p.StaffA), "")
	for range 3 {
		_, err = w.signIn()
		w.want(err, "")
	}
	if n := h.asked["/.well-known/openid-configuration"]; n != 2 {
		t.Errorf("the configuration was asked for %d times", n)
	}
	if n := h.asked["/keys"]; n != 1 {
		t.Errorf("the keys were asked for %d times", n)
	}

	// It fails when the code is to be exchanged: a clear reason, no denial.
	v := w.begin()
	answer := h.visit(v)
	h.set(func() { h.down = 502 })
	_, err = w.Finish(ctx, db, stranger, v.Token, answer)
	w.want(err, "federate.down")
	if got := w.newest(); strings.HasPrefix(got, "denied") {
		t.Errorf("audit: %s", got)
	}
	// For a day an old configuration leads people there all the same.
	pass(metadataStale - time.Minute)
	_, err = w.BeginSignIn(ctx, db, device)
	w.want(err, "")
	pass(metadataLife)
	_, err = w.BeginSignIn(ctx, db, device)
	w.want(err, "federate.down")
	h.server.Close()
	pass(pause)
	_, err = w.BeginSignIn(ctx, db, device)
	w.want(err, "federate.down")
}

// Providers change their keys; one that is taken back must not serve on.
func TestKeysChange(t *testing.T) {
	db := storetest.SQLite(t)
	p := membertest.Register(t, db)
	h := newHostile(t)
	w := &world{t, db, p, h, h.provider()}
	p.StaffA.Device = device
	start := time.Now()
	present := start
	w.now = func() time.Time { return present }
	h.now = w.now
	w.want(w.link(p.StaffA), "")

	old, fresh := h.keys["one"], edKey(t)
	h.set(func() {
		h.keys["two"] = fresh
		h.sign = func(payload []byte) string { return h.jws(jose.EdDSA, "two", fresh, payload) }
	})
	_, err := w.signIn()
	w.want(err, "federate.token") // asked a moment ago
	h.set(func() { present = start.Add(pause) })
	_, err = w.signIn()
	w.want(err, "")
	h.set(func() {
		delete(h.keys, "one")
		h.sign = func(payload []byte) string { return h.jws(jose.ES256, "one", old, payload) }
	})
	_, err = w.signIn()
	w.want(err, "") // not known yet
	h.set(func() { present = present.Add(metadataLife) })
	_, err = w.signIn()
	w.want(err, "federate.token")
}

// One P-256 key of 128 has a coordinate that begins with a zero.
func TestShortCoordinates(t *testing.T) {
	db := storetest.SQLite(t)
	p := membertest.Register(t, db)
	p.StaffA.Device = device
	for i := range 2 {
		h := newHostile(t)
		h.short = true
		for {
			key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
			if err != nil {
				t.Fatal(err)
			}
			x, y := coordinates(t, &key.PublicKey)
			if [][]byte{x, y}[i][0] == 0 {
				h.keys["one"] = key
				break
			}
		}
		w := &world{t, db, p, h, h.provider()}
		w.want(w.link(p.StaffA), "")
	}
}

func TestMisfits(t *testing.T) {
	db := storetest.SQLite(t)
	for name, c := range map[string]struct {
		change func(map[string]any)
		what   string // "" for fine
	}{
		"another issuer":    {func(m map[string]any) { m["issuer"] = "https://evil.example" }, "issuer"},
		"issuer and slash":  {func(m map[string]any) { m["issuer"] = m["issuer"].(string) + "/" }, "issuer"},
		"token in clear":    {func(m map[string]any) { m["token_endpoint"] = "http://127.0.0.1/token" }, "token_endpoint"},
		"script":            {func(m map[string]any) { m["authorization_endpoint"] = "javascript:alert(1)" }, "authorization_endpoint"},
		"no keys":           {func(m map[string]any) { delete(m, "jwks_uri") }, "jwks_uri"},
		"shared secrets":    {func(m map[string]any) { m["id_token_signing_alg_values_supported"] = []string{"HS256", "none"} }, "id_token_signing_alg_values_supported"},
		"plain PKCE":        {func(m map[string]any) { m["code_challenge_methods_supported"] = []string{"plain"} }, "code_challenge_methods_supported"},
		"silent about PKCE": {func(m map[string]any) { delete(m, "code_challenge_methods_supported") }, ""},
		"not JSON":          {func(m map[string]any) { m["token_endpoint"] = 5 }, "JSON"},
	} {
		h := newHostile(t)
		h.meta = c.change
		_, err := h.provider().BeginSignIn(ctx, db, device)
		if c.what == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if fault.Code(err) != "federate.misfit" || fault.From(err).Args["what"] != c.what {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClientAuthentication(t *testing.T) {
	db := storetest.SQLite(t)
	p := membertest.Register(t, db)
	p.StaffA.Device = device
	try := func(change func(h *hostile)) error {
		h := newHostile(t)
		change(h)
		w := &world{t, db, p, h, h.provider()}
		return w.link(p.StaffA)
	}
	methods := func(names ...string) func(h *hostile) {
		return func(h *hostile) {
			h.meta = func(m map[string]any) { m["token_endpoint_auth_methods_supported"] = names }
		}
	}
	for _, change := range []func(h *hostile){methods("client_secret_post"), methods("client_secret_post", "client_secret_basic"), func(*hostile) {}} {
		if err := try(change); err != nil {
			t.Error(err)
		}
	}
	if err := try(func(h *hostile) { h.cfg.ClientSecret = "wrong" }); fault.Code(err) != "federate.client" || strings.Contains(err.Error(), "wrong") {
		t.Error(err)
	}
}

// The provider is asked within the guard of package outbound.
func TestGuard(t *testing.T) {
	db := storetest.SQLite(t)
	h := newHostile(t)
	h.cfg.Allowed = nil
	_, err := h.provider().BeginSignIn(ctx, db, device)
	if fault.Code(err) != "outbound.address" || len(h.asked) != 0 {
		t.Errorf("%v; asked %v", err, h.asked)
	}
	h.cfg.Allowed = loopback
	h.meta = func(m map[string]any) { m["jwks_uri"] = "https://10.1.2.3/keys" }
	if err := h.provider().Probe(ctx); fault.Code(err) != "outbound.address" {
		t.Error(err)
	}
	h.meta = nil
	if err := h.provider().Probe(ctx); err != nil {
		t.Error(err)
	}
	other, err := New(h.cfg, client(t, h.cfg, nil)) // an authority that nobody trusts
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.BeginSignIn(ctx, db, device); fault.Code(err) != "federate.down" {
		t.Error(err)
	}
}

func TestSignOut(t *testing.T) {
	h := newHostile(t)
	got, err := h.provider().SignOutURL(ctx, "https://portal.example.jp/")
	if want := h.server.URL + "/end?client_id=teiten&post_logout_redirect_uri=https%3A%2F%2Fportal.example.jp%2F&x=1"; err != nil || got != want {
		t.Errorf("%s, %v", got, err)
	}
	h.meta = func(m map[string]any) { m["end_session_endpoint"] = "javascript:alert(1)" }
	if got, err := h.provider().SignOutURL(ctx, ""); err != nil || got != "" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestConfig(t *testing.T) {
	good := Config{Name: "認証", Issuer: "https://id.example.jp/realms/a", ClientID: "teiten", ClientSecret: "very secret", RedirectURL: back}
	for field, change := range map[string]func(c *Config){
		"":         func(c *Config) {},
		"name":     func(c *Config) { c.Name = " " },
		"issuer":   func(c *Config) { c.Issuer = "http://id.example.jp" },
		"client":   func(c *Config) { c.ClientID = "" },
		"redirect": func(c *Config) { c.RedirectURL = "http://portal.example.jp/" },
	} {
		c := good
		change(&c)
		if err := c.Check(); field == "" && err != nil || field != "" && fault.From(err).Field != field {
			t.Errorf("%s: %v", field, err)
		}
	}
	for _, issuer := range []string{"", "id.example.jp", "https://", "https://a@id.example.jp", "https://id.example.jp?x", "https://id.example.jp#x", "\x00"} {
		c := good
		c.Issuer = issuer
		if _, err := New(c, nil); fault.Code(err) != "federate.config_issuer" {
			t.Errorf("%q: %v", issuer, err)
		}
	}
	c := good
	c.RedirectURL = "http://localhost:8080/signin/provider"
	if err := c.Check(); err != nil {
		t.Error(err)
	}
	text, err := json.Marshal(good)
	if all := fmt.Sprintf("%v %+v %#v %s", good, good, good, text); err != nil || strings.Contains(all, "very secret") {
		t.Errorf("%s, %v", all, err)
	}
}

// FuzzAnswer: whatever the provider and the browser say, nobody comes in by it.
func FuzzAnswer(f *testing.F) {
	f.Add("code=a&state=b&iss=c", []byte(`{"id_token":"a.b.c"}`))
	f.Add("error=access_denied&state=b", []byte(unsigned([]byte(`{"sub":"x"}`))))
	h := newHostile(f)
	p := h.provider()
	p.meta, p.fetched = &metadata{Issuer: p.cfg.Issuer}, time.Now()
	p.now = func() time.Time { return p.fetched }
	p.keys.asked = p.fetched // and no key is known
	f.Fuzz(func(t *testing.T, query string, token []byte) {
		if q, err := url.ParseQuery(query); err == nil {
			if _, err := p.subject(ctx, "a token of a browser", q); fault.Code(err) == "" {
				t.Errorf("%q: %v", query, err)
			}
		}
		if subject, err := p.check(ctx, string(token), "", "nonce"); fault.Code(err) != "federate.token" {
			t.Errorf("%q: %q, %v", token, subject, err)
		}
	})
}
