// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package federate

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/membertest"
	"teiten/internal/program"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// glewlwyd is a real OpenID provider, the Debian package of that name.
type glewlwyd struct {
	t     testing.TB
	base  string // https://localhost:port
	roots *x509.CertPool
	cfg   Config
	p     *program.Process
}

// plainSecret needs no encoding in a header: glewlwyd does not undo that of RFC
// 6749, section 2.3.1.
const plainSecret = "client-secret-1234"

// schema is the package's own script for a new database, which has one
// administrator with a well-known password.
const schema = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"

func startGlewlwyd(t testing.TB) *glewlwyd {
	t.Helper()
	path := program.Need(t, "glewlwyd")
	script, err := os.ReadFile(schema)
	if err != nil {
		t.Fatalf("the Debian package glewlwyd brings this file: %v", err)
	}
	dir := program.Dir(t)
	database := program.WriteFile(t, dir, "glewlwyd.db", nil)
	db, err := sql.Open("sqlite", database)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(script)); err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	private, public := encodePair(t, key)
	certificate := selfSigned(t, key)
	port := program.FreePort(t)
	g := &glewlwyd{t: t, base: fmt.Sprintf("https://localhost:%d", port), roots: x509.NewCertPool()}
	g.roots.AppendCertsFromPEM(certificate)

	const modules = "/usr/lib/glewlwyd/"
	settings := program.WriteFile(t, dir, "glewlwyd.conf", fmt.Appendf(nil, `
port=%d
bind_address="127.0.0.1"
external_url="%s"
login_url="login.html"
api_prefix="api"
cookie_secure=1
log_mode="console"
log_level="WARNING"
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="%[3]suser"
client_module_path="%[3]sclient"
user_auth_scheme_module_path="%[3]sscheme"
plugin_module_path="%[3]splugin"
use_secure_connection=true
secure_connection_key_file="%[4]s"
secure_connection_pem_file="%[5]s"
hash_algorithm="SHA512"
database = { type = "sqlite3"; path = "%[6]s"; };
`, port, g.base, modules, program.WriteFile(t, dir, "tls.key", private), program.WriteFile(t, dir, "tls.pem", certificate), database))
	g.p = program.Start(t, program.Cmd{Path: path, Args: []string{"--config-file=" + settings}, Dir: dir})
	g.p.WaitTCP(port, 20*time.Second)
	g.cfg = Config{Name: "県の共通認証", Issuer: g.base + "/api/oidc", ClientID: "teiten", ClientSecret: plainSecret,
		RedirectURL: back, Allowed: loopback}
	g.configure(private, public)
	return g
}

// configure sets the provider up as its administrator would, through its API.
func (g *glewlwyd) configure(private, public []byte) {
	g.t.Helper()
	admin := g.browser()
	g.call(admin, "POST", "/api/auth/", map[string]any{"username": "admin", "password": "password"})
	g.call(admin, "POST", "/api/mod/plugin/", map[string]any{"module": "oidc", "name": "oidc", "display_name": "OpenID Connect", "parameters": map[string]any{
		"iss": g.cfg.Issuer, "jwt-type": "ecdsa", "jwt-key-size": "256", "key": string(private), "cert": string(public), "jwks-show": true,
		"access-token-duration": 600, "refresh-token-duration": 600, "code-duration": 60, "refresh-token-rolling": false, "allow-non-oidc": false,
		"auth-type-code-enabled": true, "auth-type-token-enabled": false, "auth-type-id-token-enabled": true, "auth-type-password-enabled": false,
		"auth-type-client-enabled": false, "auth-type-device-enabled": false, "auth-type-refresh-enabled": false,
		"pkce-allowed": true, "pkce-method-plain-allowed": false, "pkce-required": true, "subject-type": "public",
		"session-management-allowed": true, "session-cookie-name": "GLEWLWYD2_OIDC_SID", "session-cookie-expiration": 3600,
		"name-claim": "no", "email-claim": "mandatory", "scope-claim": "no", "request-parameter-allow": false,
	}})
	g.call(admin, "POST", "/api/client/", map[string]any{"client_id": "teiten", "name": "Teiten", "enabled": true, "confidential": true, "password": plainSecret,
		"redirect_uri": []string{back}, "authorization_type": []string{"code"}, "token_endpoint_auth_method": []string{"client_secret_basic"}})
	for _, name := range []string{"hanako", "taro"} {
		g.call(admin, "POST", "/api/user/", map[string]any{"username": name, "name": name, "email": name + "@example.jp", "password": name + "-password",
			"enabled": true, "scope": []string{"openid", "g_profile"}})
	}
}

// browser keeps cookies and follows nothing by itself.
func (g *glewlwyd) browser() *http.Client {
	g.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		g.t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: g.roots}}
	g.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (g *glewlwyd) call(b *http.Client, method, path string, body any) {
	g.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		g.t.Fatal(err)
	}
	req, err := http.NewRequest(method, g.base+path, bytes.NewReader(text))
	if err != nil {
		g.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := b.Do(req)
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		g.t.Fatalf("%s %s: %s %s, %v", method, path, resp.Status, answer, err)
	}
}

// person is a browser in which somebody is signed in at the provider and has
// agreed to the portal.
func (g *glewlwyd) person(name string) *http.Client {
	g.t.Helper()
	b := g.browser()
	g.call(b, "POST", "/api/auth/", map[string]any{"username": name, "password": name + "-password"})
	g.call(b, "PUT", "/api/auth/grant/teiten", map[string]any{"scope": "openid"})
	return b
}

// visit goes to the provider and returns what the redirect brings back.
func (g *glewlwyd) visit(b *http.Client, v Visit) url.Values {
	g.t.Helper()
	resp, err := b.Get(v.URL + "&g_continue") // what its own page adds after "continue"
	if err != nil {
		g.t.Fatal(err)
	}
	defer resp.Body.Close()
	where := resp.Header.Get("Location")
	query, ok := strings.CutPrefix(where, back+"?")
	if !ok {
		g.t.Fatalf("%s %q", resp.Status, where)
	}
	q, err := url.ParseQuery(query)
	if err != nil {
		g.t.Fatal(err)
	}
	return q
}

func TestRealProvider(t *testing.T) {
	g := startGlewlwyd(t)
	hanako, taro := g.person("hanako"), g.person("taro")
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		people := membertest.Register(t, db)
		p, err := New(g.cfg, client(t, g.cfg, g.roots))
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Probe(ctx); err != nil {
			t.Fatal(err)
		}
		signIn := func(b *http.Client) (int64, error) {
			v, err := p.BeginSignIn(ctx, db, device)
			if err != nil {
				t.Fatal(err)
			}
			out, err := p.Finish(ctx, db, caller.Caller{Device: device}, v.Token, g.visit(b, v))
			return out.Account, err
		}
		link := func(c caller.Caller, b *http.Client) {
			c.Device = device
			v, err := p.BeginLink(ctx, db, c)
			if err != nil {
				t.Fatal(err)
			}
			if out, err := p.Finish(ctx, db, c, v.Token, g.visit(b, v)); err != nil || out.Account != c.Account || !out.Linked {
				t.Fatalf("%+v, %v", out, err)
			}
		}
		if _, err := signIn(hanako); fault.Code(err) != "federate.unknown" {
			t.Errorf("before it is linked: %v", err)
		}
		link(people.StaffA, hanako)
		link(people.ContactB, taro)
		for b, want := range map[*http.Client]int64{hanako: people.StaffA.Account, taro: people.ContactB.Account} {
			if got, err := signIn(b); err != nil || got != want {
				t.Errorf("account %d, %v; want %d", got, err, want)
			}
		}

		// The provider keeps to PKCE and to codes that serve once: so do we.
		mine, err := p.BeginSignIn(ctx, db, device)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := p.BeginSignIn(ctx, db, device)
		if err != nil {
			t.Fatal(err)
		}
		answer := g.visit(hanako, mine)
		answer.Set("code", g.visit(taro, theirs).Get("code"))
		if _, err := p.Finish(ctx, db, caller.Caller{Device: device}, mine.Token, answer); fault.Code(err) != "federate.code" {
			t.Errorf("another's code: %v", err)
		}
		// Who is not signed in there is asked to, and nothing comes back here.
		v, err := p.BeginSignIn(ctx, db, device)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := g.browser().Get(v.URL)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if where := resp.Header.Get("Location"); !strings.HasPrefix(where, g.base) {
			t.Errorf("a stranger is sent to %q", where)
		}
		if out, err := p.SignOutURL(ctx, back); err != nil || !strings.HasPrefix(out, g.base) {
			t.Errorf("sign out at %q, %v", out, err)
		}

		wrong := g.cfg
		wrong.ClientSecret = "guessed"
		impostor, err := New(wrong, client(t, wrong, g.roots))
		if err != nil {
			t.Fatal(err)
		}
		if v, err = impostor.BeginSignIn(ctx, db, device); err != nil {
			t.Fatal(err)
		}
		if _, err = impostor.Finish(ctx, db, caller.Caller{Device: device}, v.Token, g.visit(hanako, v)); fault.Code(err) != "federate.client" {
			t.Errorf("with a wrong client secret: %v", err)
		}
	})

	// The provider goes: a clear reason, not a hang.
	db := storetest.SQLite(t)
	p, err := New(g.cfg, client(t, g.cfg, g.roots))
	if err != nil {
		t.Fatal(err)
	}
	g.p.Stop()
	limited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if _, err := p.BeginSignIn(limited, db, device); fault.Code(err) != "federate.down" {
		t.Error(err)
	}
}

func encodePair(t testing.TB, key *ecdsa.PrivateKey) (private, public []byte) {
	t.Helper()
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pkix, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}), pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})
}

func selfSigned(t testing.TB, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}
