// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build browser

package cli_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"teiten/internal/program"
)

// TestBrowser goes the operator's way in real Chromium: it imports the
// certificate that set-up made, trusts the installation's authority, signs in
// with a password and a code, registers a passkey with a virtual authenticator,
// and signs in with that.
func TestBrowser(t *testing.T) {
	i := &installation{t: t, bin: built(t), data: t.TempDir(), port: program.FreePort(t)}
	i.env = append(os.Environ(), "TEITEN_DATA="+i.data, "TEITEN_LANG=ja", fmt.Sprintf("TEITEN_LISTEN=127.0.0.1:%d", i.port))
	made, p12 := i.begin()
	operator := i.browser(p12, made.Password)
	codes := operator.first(made.Password)

	without := i.chromium(nil, "", made.Authority)
	i.see(without, "/", "まだ登録されていません")

	tab := i.chromium(p12, made.Password, made.Authority)
	i.see(tab, "/", "端末の確認が済みました")
	i.act(tab, "sign in",
		chromedp.SendKeys(chromedp.CSS("#f-login"), "hanako"), chromedp.SendKeys(chromedp.CSS("#f-password"), passphrase), chromedp.SendKeys(chromedp.CSS("#f-code"), codes[0]),
		chromedp.Submit(chromedp.CSS("#f-code")), chromedp.WaitVisible(chromedp.CSS(".home-head")))
	i.see(tab, "/", "山田 花子")

	if _, err := chromedp.Call(tab, webauthn.Enable, webauthn.EnableParams{}); err != nil {
		t.Fatal(err)
	}
	if _, err := chromedp.Call(tab, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal, HasResidentKey: true,
		HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}}); err != nil {
		t.Fatal(err)
	}
	i.act(tab, "register a passkey", chromedp.Navigate(i.url("/account/passkeys/new")),
		chromedp.WaitVisible(chromedp.CSS(`button[data-passkey="register"]`)), chromedp.SetValue(chromedp.CSS("#f-label"), "見本の鍵"),
		chromedp.Click(chromedp.CSS(`button[data-passkey="register"]`)), chromedp.WaitVisible(chromedp.CSS("#passkeys")))
	i.see(tab, "/account", "見本の鍵")
	i.act(tab, "sign out", chromedp.Click(chromedp.CSS("details.who summary")), chromedp.Click(chromedp.CSS(`form[action="/sign-out"] button`)), chromedp.WaitVisible(chromedp.CSS("#f-login")))
	i.act(tab, "sign in with the passkey", chromedp.Click(chromedp.CSS(`button[data-passkey="signin"]`)), chromedp.WaitVisible(chromedp.CSS(".home-head")))
	i.see(tab, "/", "山田 花子")

	// A certificate that is revoked opens nothing any more, at the next request.
	var rows []struct{ ID int64 }
	i.run(&rows, "cert", "list")
	for _, r := range rows {
		if r.ID != 0 {
			i.run(nil, "cert", "revoke", fmt.Sprint(r.ID))
		}
	}
	i.see(tab, "/", "失効")
}

// act does something in a tab, and says what it saw instead if that fails.
func (i *installation) act(tab context.Context, what string, actions ...chromedp.Action[chromedp.Void]) {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(tab, 40*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		i.t.Fatalf("%s: %v\n%s", what, err, i.text(tab))
	}
}

// text is what a tab shows.
func (i *installation) text(tab context.Context) string {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(tab, 20*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + document.body.innerText`))
	if err != nil {
		i.t.Fatal(err)
	}
	return text
}

// see opens a page and looks for a text.
func (i *installation) see(tab context.Context, path, text string) {
	i.t.Helper()
	i.act(tab, path, chromedp.EmulateViewport(1280, 900), chromedp.Navigate(i.url(path)))
	if body := i.text(tab); !strings.Contains(body, text) {
		i.t.Fatalf("%s lacks %q:\n%s", path, text, body)
	}
	if dir := os.Getenv("TEITEN_SHOTS"); dir != "" {
		shot, err := chromedp.Run(tab, chromedp.FullScreenshot(100))
		if err != nil {
			i.t.Fatal(err)
		}
		name := fmt.Sprintf("keys%s-%d.png", strings.ReplaceAll(path, "/", "-"), time.Now().UnixMilli())
		if err := os.WriteFile(filepath.Join(dir, name), shot, 0o644); err != nil {
			i.t.Fatal(err)
		}
	}
}

// chromium starts a browser with a home of its own, in which the authorities are
// trusted and the certificate imported, and which shows it without asking: the
// policy for that stands in /etc, so the browser gets an /etc/chromium of its
// own in a mount namespace.
func (i *installation) chromium(p12 []byte, password string, authorities ...string) context.Context {
	t := i.t
	t.Helper()
	home, policies := t.TempDir(), t.TempDir()
	db := filepath.Join(home, ".pki", "nssdb")
	write := func(name string, content []byte, mode os.FileMode) string {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, content, mode); err != nil {
			t.Fatal(err)
		}
		return name
	}
	do := func(name string, args ...string) {
		t.Helper()
		if out, err := exec.Command(program.Need(t, name), args...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	if err := os.MkdirAll(db, 0o700); err != nil {
		t.Fatal(err)
	}
	do("certutil", "-N", "-d", "sql:"+db, "--empty-password")
	for n, authority := range authorities {
		do("certutil", "-A", "-d", "sql:"+db, "-n", fmt.Sprint("authority", n), "-t", "C,,", "-i", authority)
	}
	if p12 != nil {
		do("pk12util", "-d", "sql:"+db, "-i", write(filepath.Join(home, "operator.p12"), p12, 0o600), "-W", password)
	}
	write(filepath.Join(policies, "policies", "managed", "teiten.json"),
		fmt.Appendf(nil, `{"AutoSelectCertificateForUrls": ["{\"pattern\":\"https://localhost:%d\",\"filter\":{}}"]}`, i.port), 0o644)
	flags := "-m"
	if exec.Command(program.Need(t, "unshare"), "-m", "true").Run() != nil {
		flags = "-Urm" // an ordinary user
	}
	script := write(filepath.Join(home, "chromium"), fmt.Appendf(nil, `#!/bin/sh
export HOME=%s
exec unshare %s sh -c 'mount --bind %s /etc/chromium && exec "$0" "$@"' %s "$@"
`, home, flags, policies, program.Need(t, "chromium")), 0o755)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(script), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("accept-lang", "ja"), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}
