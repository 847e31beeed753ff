// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build browser

package cli_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"teiten/internal/program"
)

// TestBrowserOIDC goes the way through a real provider of OpenID Connect in real
// Chromium: an identity that nobody has bound opens nothing; a person who is
// signed in binds hers; from then on she signs in with it, on a device with a
// certificate only; and another's identity does not become hers.
func TestBrowserOIDC(t *testing.T) {
	i := &installation{t: t, bin: built(t), data: t.TempDir(), port: program.FreePort(t)}
	g := program.StartGlewlwyd(t, i.url("/sign-in/oidc/return"))
	i.env = append(os.Environ(), "TEITEN_DATA="+i.data, "TEITEN_LANG=ja", fmt.Sprintf("TEITEN_LISTEN=127.0.0.1:%d", i.port),
		"TEITEN_OIDC_NAME=県の共通認証", "TEITEN_OIDC_ISSUER="+g.Issuer, "TEITEN_OIDC_CLIENT_ID="+program.ClientID, "TEITEN_OIDC_CLIENT_SECRET="+g.ClientSecret,
		"TEITEN_OUTBOUND_ALLOW=127.0.0.0/8,::1/128", "SSL_CERT_FILE="+g.Certificate)
	made, p12 := i.begin()
	operator := i.browser(p12, made.Password)
	codes := operator.first(made.Password)
	tab := i.chromium(p12, made.Password, made.Authority, g.Certificate)

	// Nobody has bound hanako's identity there: it opens nothing here.
	i.see(tab, "/", "県の共通認証")
	i.act(tab, "go to the provider", chromedp.Click(chromedp.CSS(`form[action="/sign-in/oidc"] button`)))
	i.provider(tab, "hanako")
	i.shows(tab, "/sign-in/oidc/return", "結び付いていません")
	i.see(tab, "/advisories", "端末の確認が済みました")

	// Signed in, she binds it. The provider knows her already.
	i.act(tab, "sign in",
		chromedp.SendKeys(chromedp.CSS("#f-login"), "hanako"), chromedp.SendKeys(chromedp.CSS("#f-password"), passphrase), chromedp.SendKeys(chromedp.CSS("#f-code"), codes[0]),
		chromedp.Submit(chromedp.CSS("#f-code")), chromedp.WaitVisible(chromedp.CSS("h1")))
	i.see(tab, "/account", "県の共通認証")
	i.act(tab, "bind", chromedp.Click(chromedp.CSS(`a[href="/account/link"]`)), chromedp.WaitVisible(chromedp.CSS(`main form button`)), chromedp.Click(chromedp.CSS(`main form button`)))
	i.onward(tab)
	i.shows(tab, "/account", g.Issuer)

	// From then on the provider is her key, beside the certificate.
	signOut := func() {
		t.Helper()
		i.act(tab, "sign out", chromedp.Click(chromedp.CSS("details.who summary")), chromedp.Click(chromedp.CSS(`form[action="/sign-out"] button`)), chromedp.WaitVisible(chromedp.CSS("#f-login")))
	}
	signOut()
	i.see(tab, "/techniques", "端末の確認が済みました")
	i.act(tab, "sign in by the provider", chromedp.Click(chromedp.CSS(`form[action="/sign-in/oidc"] button`)))
	i.onward(tab)
	i.shows(tab, "/techniques", "山田 花子") // where she wanted to go
	i.see(tab, "/account", "県の共通認証")

	// The provider alone is not enough: without a certificate there is no door.
	without := i.chromium(nil, "", made.Authority, g.Certificate)
	i.see(without, "/", "まだ登録されていません")
	i.see(without, "/sign-in/oidc/return?code=x&state=y", "まだ登録されていません")

	// Another person's identity there is not hers.
	signOut()
	other := i.chromium(p12, made.Password, made.Authority, g.Certificate)
	i.see(other, "/", "県の共通認証")
	i.act(other, "go to the provider", chromedp.Click(chromedp.CSS(`form[action="/sign-in/oidc"] button`)))
	i.provider(other, "taro")
	i.shows(other, "/sign-in/oidc/return", "結び付いていません")
	i.see(other, "/", "端末の確認が済みました")

	var records []struct {
		Action string
		Detail map[string]any
	}
	i.run(&records, "audit", "list")
	linked, methods := 0, []string{}
	for _, r := range records {
		switch r.Action {
		case "identity.link":
			linked++
		case "auth.sign_in":
			methods = append(methods, fmt.Sprint(r.Detail["method"]))
		}
	}
	if linked != 1 || fmt.Sprint(methods) != "[oidc recovery_code set_up]" {
		t.Errorf("the record has %d identities linked, and sign-ins by %v", linked, methods)
	}
}

// provider signs somebody in on the provider's own pages. Who is asked for no
// more than "openid" is asked nothing else there.
func (i *installation) provider(tab context.Context, name string) {
	i.t.Helper()
	i.act(tab, "sign in at the provider", chromedp.WaitVisible(chromedp.CSS("#username")),
		chromedp.SendKeys(chromedp.CSS("#username"), name), chromedp.SendKeys(chromedp.CSS("#password"), name+"-password"),
		chromedp.Click(chromedp.CSS("#loginbut")))
	i.onward(tab)
}

// onward leaves the page on which the provider says who is signed in there.
func (i *installation) onward(tab context.Context) {
	i.t.Helper()
	button := chromedp.Search(`//button[.//i[contains(@class, "fa-play")]]`)
	i.act(tab, "go on at the provider", chromedp.WaitVisible(button), chromedp.Click(button))
}

// shows waits until the tab is at a page of the portal and has a text.
func (i *installation) shows(tab context.Context, path, text string) {
	i.t.Helper()
	body := ""
	for limit := time.Now().Add(30 * time.Second); time.Now().Before(limit); time.Sleep(100 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(tab, 10*time.Second)
		now, err := chromedp.Run(ctx, chromedp.Evaluate[string](`location.href + "\n" + (document.body ? document.body.innerText : "")`))
		cancel()
		if err != nil {
			continue // between two pages
		}
		if body = now; strings.HasPrefix(body, i.url(path)) && strings.Contains(body, text) {
			return
		}
	}
	i.t.Fatalf("%s lacks %q:\n%s", path, text, body)
}
