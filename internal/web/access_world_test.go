// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"teiten/internal/audit"
	"teiten/internal/auth"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/intel"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/passkey"
	"teiten/internal/pki"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// gate is a portal in earnest: an authority, people with logins, nobody let in
// without keys.
type gate struct {
	*portal
	*membertest.People
	db     *store.DB
	keys   *blob.Keyring
	office *device.Office
}

func eachGate(t *testing.T, fn func(t *testing.T, g *gate)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { fn(t, newGate(t, db)) })
}

const gateHost = "portal.example.jp"

func newGate(t *testing.T, db *store.DB, change ...func(*Config)) *gate {
	t.Helper()
	g := &gate{People: membertest.Register(t, db), db: db}
	var err error
	g.keys, err = blob.NewKeyring()
	must(t, err)
	g.office, err = device.Create(t.Context(), db, g.keys, g.Operator, "見本の認証局")
	must(t, err)
	party, err := passkey.NewRelyingParty("定点", gateHost)
	must(t, err)
	for login, c := range map[string]caller.Caller{"operator": g.Operator, "contact-a": g.ContactA, "staff-a": g.StaffA, "other-a": g.OtherA, "contact-b": g.ContactB, "staff-b": g.StaffB} {
		a, err := member.Find(t.Context(), db, g.Operator, c.Account)
		must(t, err)
		a.Login = login
		must(t, member.ChangeAccount(t.Context(), db, g.Operator, a))
	}
	g.portal = newPortal(t, append([]func(*Config){func(c *Config) {
		c.Personas, c.Default, c.Loopback, c.Secure, c.Hosts = nil, 0, false, true, []string{gateHost}
		c.DB, c.Guards, c.Now = db, intel.NewGuards(db), time.Now
		c.Access = &Access{Office: g.office, Keys: g.keys, Party: party}
	}}, change...)...)
	return g
}

// certificate gives somebody one; with the zero caller's account it is a
// shared PC's.
func (g *gate) certificate(c caller.Caller, label string, valid time.Duration) device.Certificate {
	g.t.Helper()
	r := device.Request{Purpose: device.Person, Org: c.Org, Account: c.Account, Label: label, Valid: valid}
	if c.Account == 0 {
		r.Purpose = device.Device
	}
	_, cert, err := g.office.Issue(g.t.Context(), g.db, g.Operator, r, pki.OneTimePassword(), pki.Modern)
	must(g.t, err)
	return cert
}

// visitor is a browser on a device.
type visitor struct {
	g    *gate
	c    caller.Caller
	cert device.Certificate // the zero certificate is none
	jar  map[string]string
	from string

	password, secret string
	codes            []string // recovery codes that are left
	session          auth.Session
}

func (g *gate) stranger() *visitor {
	return &visitor{g: g, jar: map[string]string{}, from: "192.0.2.7:4000"}
}

func init() { auth.Cheapen() }

const gatePassword = "umbrella-teacup-gravel-17"

// signedIn is somebody who has set up her sign-in, on a device of her own.
func (g *gate) signedIn(c caller.Caller, login string) *visitor {
	g.t.Helper()
	v := g.stranger()
	v.c, v.cert, v.password = c, g.certificate(c, "ノート "+login, 0), gatePassword
	v.c.Channel, v.c.Device = "web", v.cert.ID
	ctx, dev := g.t.Context(), v.device()
	const code = "ABCD-EFGH-JKMN-PQRS-TVWX"
	must(g.t, g.db.Write(ctx, caller.System("enrolment"), func(tx *store.Tx) error {
		return auth.SetUpCode(ctx, tx, c.Account, code, tx.Now.Add(time.Hour))
	}))
	token, state, err := auth.Begin(ctx, g.db, g.keys, dev, "定点", login, code)
	must(g.t, err)
	must(g.t, auth.ChoosePassword(ctx, g.db, g.keys, dev, token, v.password))
	v.secret = strings.ReplaceAll(state.Secret, " ", "")
	now, err := totp.GenerateCode(v.secret, time.Now())
	must(g.t, err)
	done, err := auth.Finish(ctx, g.db, g.keys, dev, token, now)
	must(g.t, err)
	v.jar["__Host-teiten-session"], v.session, v.codes = done.Token, done.Session, done.Codes
	return v
}

func (v *visitor) device() auth.Device {
	return auth.Device{ID: v.cert.ID, Account: v.cert.Account, Org: v.cert.Org}
}

// again opens another session of the same person on another device.
func (v *visitor) again(label string) *visitor {
	v.g.t.Helper()
	w := v.g.stranger()
	w.c, w.cert, w.password, w.secret, w.codes = v.c, v.g.certificate(v.c, label, 0), v.password, v.secret, v.codes
	w.c.Device = w.cert.ID
	token, s, err := auth.Open(v.g.t.Context(), v.g.db, w.device(), v.c.Account, auth.ByPasskey, "")
	must(v.g.t, err)
	w.jar["__Host-teiten-session"], w.session = token, s
	return w
}

// recoveryCode takes the next of hers.
func (v *visitor) recoveryCode() string {
	code := v.codes[0]
	v.codes = v.codes[1:]
	return code
}

// wait makes what her session proved older than it counts.
func (v *visitor) wait() {
	v.g.t.Helper()
	v.g.exec(`UPDATE session SET proved_at = proved_at - $2 WHERE account_id = $1`, v.c.Account, (10 * time.Minute).Microseconds())
}

func (v *visitor) get(target string) *response { return v.send("GET", target, "", "") }

func (v *visitor) post(target string, pairs ...string) *response {
	return v.send("POST", target, form(append(pairs, "x", "")...), "application/x-www-form-urlencoded")
}

func (v *visitor) send(method, target, content, contentType string, header ...string) *response {
	v.g.t.Helper()
	r := httptest.NewRequest(method, target, strings.NewReader(content))
	r.Host = gateHost
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	r.Header.Set("Accept-Encoding", "gzip")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	for name, value := range v.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	peer := device.Peer{Addr: netip.MustParseAddrPort(v.from)}
	if v.cert.ID != 0 {
		peer.Certificate = &v.cert
	}
	r = r.WithContext(device.WithPeer(r.Context(), peer))
	w := httptest.NewRecorder()
	v.g.Handler().ServeHTTP(w, r)
	resp := w.Result()
	for _, c := range resp.Cookies() {
		if c.MaxAge < 0 {
			delete(v.jar, c.Name)
		} else {
			v.jar[c.Name] = c.Value
		}
		if !c.Secure || !c.HttpOnly || c.Path != "/" {
			v.g.t.Errorf("%s %s: the cookie %s is not kept safe", method, target, c.Name)
		}
	}
	return &response{t: v.g.t, status: resp.StatusCode, body: unzipped(v.g.t, resp), location: resp.Header.Get("Location"), header: resp.Header.Get}
}

// secret asserts that an answer cannot be stored, nor measured.
func (r *response) secret() *response {
	r.t.Helper()
	if r.header("Content-Encoding") != "" || !strings.Contains(r.header("Cache-Control"), "no-store") {
		r.t.Errorf("an answer with a secret: Content-Encoding %q, Cache-Control %q", r.header("Content-Encoding"), r.header("Cache-Control"))
	}
	return r
}

// goes asserts a redirect.
func (r *response) goes(location string) *response {
	r.t.Helper()
	r.is(http.StatusSeeOther)
	if r.location != location {
		r.t.Errorf("leads to %q, want %q", r.location, location)
	}
	return r
}

// after returns what stands between two texts of the page.
func (r *response) after(before, until string) string {
	r.t.Helper()
	_, rest, found := strings.Cut(r.body, before)
	text, _, ended := strings.Cut(rest, until)
	if !found || !ended {
		r.t.Fatalf("no %q … %q in\n%s", before, until, gist(r.body))
	}
	return text
}

func (g *gate) exec(query string, args ...any) {
	g.t.Helper()
	storetest.Exec(g.t, g.db, query, args...)
}

func (g *gate) count(query string, args ...any) (n int) {
	g.t.Helper()
	must(g.t, g.db.QueryRow(context.Background(), query, args...).Scan(&n))
	return n
}

// audited returns the newest actions, the newest first.
func (g *gate) audited() (all []string) {
	g.t.Helper()
	list, err := audit.List(context.Background(), g.db, g.Operator, 0, 40)
	must(g.t, err)
	for _, r := range list {
		what := r.Action
		if a, ok := r.Detail["action"].(string); ok && r.Action == "denied" {
			what += " " + a
		}
		all = append(all, what)
	}
	return all
}

func (g *gate) wantAudit(actions ...string) {
	g.t.Helper()
	have := g.audited()
	for _, a := range actions {
		if !slices.Contains(have, a) {
			g.t.Errorf("the audit has no %q, only %q", a, have)
		}
	}
}

// quiet asserts that the log and the audit hold none of the secrets.
func (g *gate) quiet(secrets ...string) {
	g.t.Helper()
	list, err := audit.List(context.Background(), g.db, g.Operator, 0, 1000)
	must(g.t, err)
	for _, s := range secrets {
		if strings.Contains(g.log.String(), s) || strings.Contains(g.log.String(), url.QueryEscape(s)) {
			g.t.Errorf("the log holds %q", s)
		}
		for _, r := range list {
			for k, v := range r.Detail {
				if text, ok := v.(string); ok && strings.Contains(text, s) {
					g.t.Errorf("the audit holds %q under %s of %s", s, k, r.Action)
				}
			}
		}
	}
}

func unzipped(t *testing.T, resp *http.Response) string {
	t.Helper()
	var in io.Reader = resp.Body
	if resp.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(resp.Body)
		must(t, err)
		in = z
	}
	b, err := io.ReadAll(in)
	must(t, err)
	return string(b)
}
