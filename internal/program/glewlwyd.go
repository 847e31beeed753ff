// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package program

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"testing"
	"time"

	_ "modernc.org/sqlite" // for the provider's own database
)

// Glewlwyd is a real OpenID provider, the Debian package of that name, with the
// confidential client "teiten" and the people "hanako" and "taro", whose
// passwords are their names and "-password".
type Glewlwyd struct {
	Base         string // https://localhost:port
	Issuer       string
	ClientSecret string
	Roots        *x509.CertPool // who vouch for its certificate
	Certificate  string         // the same, a PEM file

	t       testing.TB
	process *Process
}

const (
	// ClientID is the portal's name at the provider.
	ClientID = "teiten"
	// Its secret needs no encoding in a header: glewlwyd does not undo that of
	// RFC 6749, section 2.3.1.
	clientSecret = "client-secret-1234"
	// glewlwydSchema is the package's own script for a new database, which has
	// one administrator with a well-known password.
	glewlwydSchema = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3"
	glewlwydPages  = "/usr/share/glewlwyd"
)

// StartGlewlwyd starts the provider for a portal that takes browsers back at an
// address.
func StartGlewlwyd(t testing.TB, back string) *Glewlwyd {
	t.Helper()
	path := Need(t, "glewlwyd")
	script, err := os.ReadFile(glewlwydSchema)
	if err != nil {
		t.Fatalf("the Debian package glewlwyd brings this file: %v", err)
	}
	dir := Dir(t)
	database := WriteFile(t, dir, "glewlwyd.db", nil)
	db, err := sql.Open("sqlite", database)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(string(script)); err != nil {
		t.Fatalf("%s: %v", glewlwydSchema, err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	identity, roots := Identity(t)
	certificate, private := PEM(t, identity)
	public, err := x509.MarshalPKIXPublicKey(identity.Leaf.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	port := FreePort(t)
	g := &Glewlwyd{t: t, Base: fmt.Sprintf("https://localhost:%d", port), ClientSecret: clientSecret, Roots: roots}
	g.Issuer = g.Base + "/api/oidc"
	g.Certificate = WriteFile(t, dir, "tls.pem", certificate)

	const modules = "/usr/lib/glewlwyd/"
	settings := WriteFile(t, dir, "glewlwyd.conf", fmt.Appendf(nil, `
port=%d
bind_address="127.0.0.1"
external_url="%s"
login_url="login.html"
api_prefix="api"
static_files_path="%s"
static_files_mime_types = (
  { extension = ".html"; mime_type = "text/html" }, { extension = ".css"; mime_type = "text/css" },
  { extension = ".js"; mime_type = "application/javascript" }, { extension = ".json"; mime_type = "application/json" },
  { extension = ".woff2"; mime_type = "font/woff2" } )
cookie_secure=1
log_mode="console"
log_level="WARNING"
session_expiration=3600
session_key="GLEWLWYD2_SESSION_ID"
admin_scope="g_admin"
profile_scope="g_profile"
user_module_path="%[4]suser"
client_module_path="%[4]sclient"
user_auth_scheme_module_path="%[4]sscheme"
plugin_module_path="%[4]splugin"
use_secure_connection=true
secure_connection_key_file="%[5]s"
secure_connection_pem_file="%[6]s"
hash_algorithm="SHA512"
database = { type = "sqlite3"; path = "%[7]s"; };
`, port, g.Base, glewlwydSite(t, dir), modules, WriteFile(t, dir, "tls.key", private), g.Certificate, database))
	g.process = Start(t, Cmd{Path: path, Args: []string{"--config-file=" + settings}, Dir: dir})
	g.process.WaitTCP(port, 20*time.Second)
	g.configure(private, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: public}), back)
	return g
}

// glewlwydSite copies the provider's pages, whose settings the package keeps
// elsewhere: links are not followed out of the folder.
func glewlwydSite(t testing.TB, dir string) string {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(glewlwydPages, "webapp"), func(name string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || d.Type()&os.ModeSymlink != 0 && filepath.Base(name) == "config.json" {
			return err
		}
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		below, err := filepath.Rel(glewlwydPages, name)
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, below)), 0o755); err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(dir, below), b, 0o644)
	})
	if err == nil {
		var b []byte
		if b, err = os.ReadFile(filepath.Join(glewlwydPages, "templates", "config.json")); err == nil {
			err = os.WriteFile(filepath.Join(dir, "webapp", "config.json"), b, 0o644)
		}
	}
	if err != nil {
		t.Fatalf("the Debian package glewlwyd brings these pages: %v", err)
	}
	return filepath.Join(dir, "webapp")
}

// configure sets the provider up as its administrator would, through its API.
func (g *Glewlwyd) configure(private, public []byte, back string) {
	g.t.Helper()
	admin := g.Stranger()
	g.call(admin, "POST", "/api/auth/", map[string]any{"username": "admin", "password": "password"})
	g.call(admin, "POST", "/api/mod/plugin/", map[string]any{"module": "oidc", "name": "oidc", "display_name": "OpenID Connect", "parameters": map[string]any{
		"iss": g.Issuer, "jwt-type": "ecdsa", "jwt-key-size": "256", "key": string(private), "cert": string(public), "jwks-show": true,
		"access-token-duration": 600, "refresh-token-duration": 600, "code-duration": 60, "refresh-token-rolling": false, "allow-non-oidc": false,
		"auth-type-code-enabled": true, "auth-type-token-enabled": false, "auth-type-id-token-enabled": true, "auth-type-password-enabled": false,
		"auth-type-client-enabled": false, "auth-type-device-enabled": false, "auth-type-refresh-enabled": false,
		"pkce-allowed": true, "pkce-method-plain-allowed": false, "pkce-required": true, "subject-type": "public",
		"session-management-allowed": true, "session-cookie-name": "GLEWLWYD2_OIDC_SID", "session-cookie-expiration": 3600,
		"name-claim": "no", "email-claim": "mandatory", "scope-claim": "no", "request-parameter-allow": false,
	}})
	g.call(admin, "POST", "/api/client/", map[string]any{"client_id": ClientID, "name": "Teiten", "enabled": true, "confidential": true, "password": g.ClientSecret,
		"redirect_uri": []string{back}, "authorization_type": []string{"code"}, "token_endpoint_auth_method": []string{"client_secret_basic"}})
	for _, name := range []string{"hanako", "taro"} {
		g.call(admin, "POST", "/api/user/", map[string]any{"username": name, "name": name, "email": name + "@example.jp", "password": name + "-password",
			"enabled": true, "scope": []string{"openid", "g_profile"}})
	}
}

// Stranger is a browser in which nobody is signed in. It keeps cookies and
// follows no redirect.
func (g *Glewlwyd) Stranger() *http.Client {
	g.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		g.t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: g.Roots}}
	g.t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func (g *Glewlwyd) call(b *http.Client, method, path string, body any) {
	g.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		g.t.Fatal(err)
	}
	req, err := http.NewRequest(method, g.Base+path, bytes.NewReader(text))
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

// Person is a browser in which somebody is signed in at the provider and has
// agreed to the portal.
func (g *Glewlwyd) Person(name string) *http.Client {
	g.t.Helper()
	b := g.Stranger()
	g.call(b, "POST", "/api/auth/", map[string]any{"username": name, "password": name + "-password"})
	g.call(b, "PUT", "/api/auth/grant/"+ClientID, map[string]any{"scope": "openid"})
	return b
}

// Stop ends the provider before the test does.
func (g *Glewlwyd) Stop() { g.process.Stop() }
