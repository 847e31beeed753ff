// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"software.sslmate.com/src/go-pkcs12"

	"teiten/internal/program"
	"teiten/internal/storetest"
)

// TestTwoKeys goes the way of a new installation with the real program: set
// up, serve, sign in for the first time, register a second hospital, invite
// its contact, who fetches her certificate and signs in on it.
func TestTwoKeys(t *testing.T) {
	bin := built(t)
	for _, engine := range []string{"sqlite", "postgres"} {
		t.Run(engine, func(t *testing.T) {
			i := &installation{t: t, bin: bin, data: t.TempDir(), port: program.FreePort(t)}
			i.env = append(os.Environ(), "TEITEN_DATA="+i.data, "TEITEN_LANG=ja", fmt.Sprintf("TEITEN_LISTEN=127.0.0.1:%d", i.port))
			if engine == "postgres" {
				i.env = append(i.env, "TEITEN_DATABASE="+storetest.Address(t))
			}
			i.through()
		})
	}
}

// built is the program as it is released, built once for all tests; tidy
// removes it.
func built(t *testing.T) string {
	t.Helper()
	if err := build(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(buildDir, "teiten")
}

var buildDir string // "" while nothing was built

var build = sync.OnceValue(func() (err error) {
	if buildDir, err = os.MkdirTemp("", "teiten-cli-"); err != nil {
		return err
	}
	cmd := exec.Command("go", "build", "-trimpath", "-o", filepath.Join(buildDir, "teiten"), "teiten/cmd/teiten")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
})

// tidy runs the tests and removes what they built.
type tidy struct{ *testing.M }

func (m tidy) Run() int {
	code := m.M.Run()
	if buildDir != "" {
		os.RemoveAll(buildDir)
	}
	return code
}

// passphrase is everybody's, once it is chosen.
const passphrase = "青い傘と七つの石段を登る"

type installation struct {
	t         *testing.T
	bin, data string
	env       []string
	port      int
	roots     *x509.CertPool
}

// run runs a command and reads its JSON.
func (i *installation) run(into any, args ...string) {
	i.t.Helper()
	cmd := exec.Command(i.bin, append(args, "--json")...)
	cmd.Env = i.env
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		i.t.Fatalf("teiten %s: %v\n%s", strings.Join(args, " "), err, problem.String())
	}
	if into != nil {
		if err := json.Unmarshal(out, into); err != nil {
			i.t.Fatalf("teiten %s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
}

// browser is a visitor with a certificate, or with none.
type browser struct {
	*installation
	http.Client
}

func (i *installation) browser(p12 []byte, password string) *browser {
	i.t.Helper()
	settings := &tls.Config{RootCAs: i.roots}
	if p12 != nil {
		key, leaf, _, err := pkcs12.DecodeChain(p12, password)
		if err != nil {
			i.t.Fatal(err)
		}
		settings.Certificates = []tls.Certificate{{Certificate: [][]byte{leaf.Raw}, PrivateKey: key, Leaf: leaf}}
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		i.t.Fatal(err)
	}
	b := &browser{installation: i, Client: http.Client{Jar: jar, Transport: &http.Transport{TLSClientConfig: settings, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
	i.t.Cleanup(b.CloseIdleConnections)
	return b
}

func (i *installation) url(path string) string {
	return fmt.Sprintf("https://localhost:%d%s", i.port, path)
}

// page asks for a page and returns status, where it leads, and the text.
func (b *browser) page(method, path string, form ...string) (status int, next, body string) {
	b.t.Helper()
	values := url.Values{}
	for n := 0; n+1 < len(form); n += 2 {
		values.Set(form[n], form[n+1])
	}
	r, err := http.NewRequest(method, b.url(path), strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	if method == "POST" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header.Get("Location"), string(text)
}

// want asks for a page and fails unless it is as expected: a status, and for a
// redirect where it leads, else a part of the page.
func (b *browser) want(status int, part, method, path string, form ...string) string {
	b.t.Helper()
	got, next, body := b.page(method, path, form...)
	if got != status || !strings.Contains(body+next, part) {
		b.t.Fatalf("%s %s: status %d to %q, want %d with %q\n%s", method, path, got, next, status, part, plain(body))
	}
	return body
}

// curl asks with the real curl, which must get the status.
func (i *installation) curl(status, url string, args ...string) {
	i.t.Helper()
	args = append([]string{"--silent", "--cacert", filepath.Join(i.data, "ca.crt"), "--output", os.DevNull, "--write-out", "%{http_code}", "--http1.1", url}, args...)
	out, err := exec.Command(program.Need(i.t, "curl"), args...).CombinedOutput()
	if err != nil || string(out) != status {
		i.t.Errorf("curl %s: %s, %v; want %s", url, out, err, status)
	}
}

// first sets up a sign-in with the one-time password and returns the recovery codes.
func (b *browser) first(password string) []string {
	b.t.Helper()
	b.want(303, "/sign-in", "GET", "/")
	b.want(200, "サインイン", "GET", "/sign-in")
	b.want(403, "違", "POST", "/sign-in/first", "code", strings.Repeat("A", 24))
	b.want(303, "/sign-in/first/password", "POST", "/sign-in/first", "code", password)
	b.want(200, "パスワード", "GET", "/sign-in/first/password")
	b.want(400, "12", "POST", "/sign-in/first/password", "password", "短い", "again", "短い")
	b.want(303, "/sign-in/first/app", "POST", "/sign-in/first/password", "password", passphrase, "again", passphrase)
	body := b.want(200, "QR", "GET", "/sign-in/first/app")
	secret := regexp.MustCompile(`secret-text"[^>]*>([A-Z2-7 ]+)<`).FindStringSubmatch(body)
	if secret == nil {
		b.t.Fatalf("no secret in\n%s", body)
	}
	code, err := totp.GenerateCode(strings.ReplaceAll(secret[1], " ", ""), time.Now())
	if err != nil {
		b.t.Fatal(err)
	}
	body = b.want(200, "復旧コード", "POST", "/sign-in/first/app", "code", code)
	var codes []string
	for _, m := range regexp.MustCompile(`<li><code translate="no">([^<]+)</code></li>`).FindAllStringSubmatch(body, -1) {
		codes = append(codes, m[1])
	}
	if len(codes) != 10 {
		b.t.Fatalf("%d recovery codes", len(codes))
	}
	b.want(200, "ホーム", "GET", "/")
	return codes
}

// made is what set-up made.
type made struct{ Password, Certificate, Authority, URL, Login string }

// begin sets up an installation and serves it until the test ends.
func (i *installation) begin() (made made, p12 []byte) {
	t := i.t
	t.Helper()
	i.run(&made, "init", "--name", "見本ISAC", "--operator", "山田 花子", "--login", "hanako", "--host", "localhost")
	ca, err := os.ReadFile(made.Authority)
	if err != nil {
		t.Fatal(err)
	}
	i.roots = x509.NewCertPool()
	i.roots.AppendCertsFromPEM(ca)
	if p12, err = os.ReadFile(made.Certificate); err != nil {
		t.Fatal(err)
	}

	serving := exec.Command(i.bin, "serve")
	serving.Env = i.env
	out, err := serving.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	serving.Stderr = log
	t.Cleanup(func() {
		if b, _ := os.ReadFile(log.Name()); t.Failed() {
			t.Logf("the portal's log:\n%s", b)
		}
	})
	if err := serving.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { serving.Process.Kill(); serving.Wait() })
	if line := make([]byte, 300); true {
		if n, err := out.Read(line); err != nil || !strings.Contains(string(line[:n]), made.URL) {
			t.Fatalf("serve says %q, %v; want %s", line[:n], err, made.URL)
		}
	}
	return made, p12
}

func (i *installation) through() {
	t := i.t
	made, p12 := i.begin()
	stranger := i.browser(nil, "")
	stranger.want(403, "まだ登録されていません", "GET", "/")
	stranger.want(403, "まだ登録されていません", "GET", "/advisories/1")
	stranger.want(403, "まだ登録されていません", "GET", "/nowhere")
	stranger.want(401, "", "GET", "/blocklists/domains")
	stranger.want(401, "", "GET", "/api/v1/advisories")

	operator := i.browser(p12, made.Password)
	codes := operator.first(made.Password)
	operator.want(303, "/sign-in", "POST", "/sign-out")
	operator.want(303, "/sign-in", "GET", "/")
	operator.want(403, "違うか", "POST", "/sign-in", "login", "hanako", "password", passphrase+"x", "code", codes[0])
	operator.want(303, "/", "POST", "/sign-in", "login", "hanako", "password", passphrase, "code", codes[1])
	operator.want(200, "山田 花子", "GET", "/")
	again := i.browser(p12, made.Password)
	again.want(403, "違うか", "POST", "/sign-in", "login", "hanako", "password", passphrase, "code", codes[1])

	// The second hospital, by the command line; the pages have tests of their own.
	var org struct{ ID int64 }
	i.run(&org, "member", "add", "--kind", "institution", "--name", "みなと総合病院")
	var contact struct{ ID int64 }
	i.run(&contact, "user", "add", "--org", fmt.Sprint(org.ID), "--name", "鈴木 一郎", "--role", "contact", "--login", "suzuki")
	var invited struct{ Code, Link string }
	i.run(&invited, "cert", "invite", "--account", fmt.Sprint(contact.ID))
	if !strings.HasPrefix(invited.Link, made.URL+"enrol#") {
		t.Errorf("the link is %s", invited.Link)
	}
	body := stranger.want(200, "みなと総合病院", "POST", "/enrol", "code", invited.Code)
	shown := regexp.MustCompile(`name="password" value="([^"]+)"`).FindStringSubmatch(body)
	if shown == nil {
		t.Fatalf("no one-time password in\n%s", body)
	}
	file := stranger.want(200, "", "POST", "/enrol/certificate", "code", invited.Code, "password", shown[1], "format", "modern")
	second := i.browser([]byte(file), shown[1])
	stranger.want(409, "", "POST", "/enrol/certificate", "code", invited.Code, "password", shown[1], "format", "modern")
	second.first(shown[1])
	second.want(200, "鈴木 一郎", "GET", "/")

	// A proxy of the hospital fetches a block list with a token.
	var machine struct{ ID int64 }
	i.run(&machine, "user", "add", "--org", fmt.Sprint(org.ID), "--name", "プロキシ", "--role", "machine")
	var token struct{ Secret string }
	i.run(&token, "token", "add", fmt.Sprint(machine.ID), "--name", "squid", "--scope", "lists.read")
	list := i.url("/blocklists/domains")
	i.curl("200", list, "-H", "Authorization: Bearer "+token.Secret)
	i.curl("200", list, "-u", "anybody:"+token.Secret)
	i.curl("401", list, "-H", "Authorization: Bearer "+token.Secret[:20]+"X"+token.Secret[21:])
	i.curl("403", i.url("/api/v1/advisories"), "-H", "Authorization: Bearer "+token.Secret)
	i.curl("401", list)
	i.curl("303", i.url("/advisories"), "--cert-type", "P12", "--cert", made.Certificate+":"+made.Password)
	i.curl("403", i.url("/advisories"))
	i.curl("431", i.url("/"), "-H", "X-Long: "+strings.Repeat("x", 100_000))

	// Her right password does not serve on another's device, nor her session.
	session := second.Jar.Cookies(&url.URL{Scheme: "https", Host: "localhost"})
	operator.want(403, "違うか", "POST", "/sign-in", "login", "suzuki", "password", passphrase, "code", codes[2])
	thief := i.browser(p12, made.Password)
	thief.Jar.SetCookies(&url.URL{Scheme: "https", Host: "localhost", Path: "/"}, session)
	thief.want(303, "/sign-in", "GET", "/")
	second.want(303, "/sign-in", "GET", "/") // ended with the theft

	// Revocation holds at the next request, on a connection that is open.
	operator.want(200, "山田 花子", "GET", "/")
	var rows []struct {
		ID, Account int64
		State       string
	}
	i.run(&rows, "cert", "list")
	for _, r := range rows {
		if r.Account == contact.ID {
			i.run(nil, "cert", "revoke", fmt.Sprint(r.ID), "--reason", "lost")
		}
	}
	second.want(403, "失効", "GET", "/")
	i.run(nil, "audit", "verify")
}

var tag = regexp.MustCompile(`(?s)<svg.*?</svg>|<[^>]*>|\n\s*\n`)

// plain is a page's text, for the log.
func plain(body string) string { return tag.ReplaceAllString(body, "\n") }
