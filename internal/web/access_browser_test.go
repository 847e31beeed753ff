// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build browser

package web

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/webauthn"
	"github.com/chromedp/chromedp"

	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/locale"
	"teiten/internal/passkey"
	"teiten/internal/storetest"
)

// browserGate is a portal in earnest at https://localhost, to whom the browser
// is a device that a test chooses.
type browserGate struct {
	*gate
	url    string
	device *visitor // whose certificate comes with each request
}

func newBrowserGate(t *testing.T) *browserGate {
	t.Helper()
	b := &browserGate{}
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		peer := device.Peer{Addr: netip.MustParseAddrPort(r.RemoteAddr)}
		if b.device != nil && b.device.cert.ID != 0 {
			peer.Certificate = &b.device.cert
		}
		b.gate.Handler().ServeHTTP(w, r.WithContext(device.WithPeer(r.Context(), peer)))
	}))
	port := srv.Listener.Addr().(*net.TCPAddr).Port
	b.url = fmt.Sprintf("https://localhost:%d", port)
	party, err := passkey.NewRelyingParty("定点", "localhost", port)
	must(t, err)
	b.gate = newGate(t, storetest.SQLite(t), func(c *Config) {
		c.Hosts, c.Access.Party = []string{"localhost"}, party
	})
	srv.StartTLS()
	t.Cleanup(srv.Close)
	return b
}

// open starts Chromium, which trusts the test's server for its name.
func (b *browserGate) open(t *testing.T, more ...chromedp.ContextOption) context.Context {
	t.Helper()
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU, chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("accept-lang", "ja"), chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("ignore-certificate-errors", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1"))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, more...)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	must(t, chromedp.Do(ctx))
	return ctx
}

// become gives the browser a visitor's device and session.
func (b *browserGate) become(t *testing.T, ctx context.Context, v *visitor) {
	t.Helper()
	b.device = v
	yes := true
	_, err := chromedp.Call(ctx, network.ClearBrowserCookies, cdp.Empty{})
	must(t, err)
	_, err = chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{
		Name: "__Host-teiten-session", Value: v.jar["__Host-teiten-session"], URL: b.url, Path: "/", Secure: &yes, HTTPOnly: &yes})
	must(t, err)
}

// TestPasskeyInBrowser registers a passkey with Chromium's virtual
// authenticator, shows it instead of the password, and signs in with it.
func TestPasskeyInBrowser(t *testing.T) {
	b := newBrowserGate(t)
	staff := b.signedIn(b.StaffA, "staff-a")
	complaints := new(complaints)
	ctx := b.open(t, chromedp.WithListener(complaints.listen))
	_, err := chromedp.Call(ctx, webauthn.Enable, webauthn.EnableParams{})
	must(t, err)
	added, err := chromedp.Call(ctx, webauthn.AddVirtualAuthenticator, webauthn.AddVirtualAuthenticatorParams{Options: &webauthn.VirtualAuthenticatorOptions{
		Protocol: webauthn.AuthenticatorProtocolCtap2, Transport: webauthn.AuthenticatorTransportInternal,
		HasResidentKey: true, HasUserVerification: true, IsUserVerified: true, AutomaticPresenceSimulation: true}})
	must(t, err)
	b.become(t, ctx, staff)

	must(t, chromedp.Do(ctx, chromedp.Navigate(b.url+"/account/passkeys/new"), chromedp.WaitVisible(chromedp.CSS("button[data-passkey]"))))
	keepShot(t, ctx)
	must(t, chromedp.Do(ctx, chromedp.SendKeys(chromedp.CSS("#f-label"), "病院の iPhone"), chromedp.Click(chromedp.CSS("button[data-passkey]")), chromedp.WaitVisible(chromedp.CSS(".flash"))))
	if page := look[string](t, ctx, `document.querySelector("main").innerText`); !strings.Contains(page, "病院の iPhone") || !strings.Contains(page, "パスキーを追加しました") {
		t.Fatalf("the passkey is not there:\n%s", page)
	}
	// Once more on the same authenticator: the browser knows it.
	must(t, chromedp.Do(ctx, chromedp.Navigate(b.url+"/account/passkeys/new"), chromedp.SendKeys(chromedp.CSS("#f-label"), "同じ"), chromedp.Click(chromedp.CSS("button[data-passkey]"))))
	waitFor(t, ctx, `document.querySelector("[data-passkey-said]").textContent`, "もう追加してあります")

	staff.wait()
	must(t, chromedp.Do(ctx, chromedp.Navigate(b.url+"/account/password"), chromedp.WaitVisible(chromedp.CSS("button[data-passkey]"))))
	keepShot(t, ctx)
	must(t, chromedp.Do(ctx, chromedp.Click(chromedp.CSS("button[data-passkey]")), chromedp.WaitVisible(chromedp.CSS("#f-old"))))
	if at := look[string](t, ctx, `location.pathname`); at != "/account/password" {
		t.Errorf("after the proof the browser is at %s", at)
	}

	// Signed out, she signs in with it and goes on to where she was.
	must(t, b.endAll(t, staff.c))
	must(t, chromedp.Do(ctx, chromedp.Navigate(b.url+"/account"), chromedp.WaitVisible(chromedp.CSS(`button[data-passkey="signin"]`)), chromedp.Click(chromedp.CSS(`button[data-passkey="signin"]`)), chromedp.WaitVisible(chromedp.CSS("#sessions"))))
	if at := look[string](t, ctx, `location.pathname`); at != "/account" {
		t.Errorf("after the sign-in the browser is at %s", at)
	}

	// An authenticator that does not check who holds it is refused.
	_, err = chromedp.Call(ctx, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: added.AuthenticatorID, IsUserVerified: false})
	must(t, err)
	staff.wait()
	must(t, chromedp.Do(ctx, chromedp.Navigate(b.url+"/account/password"), chromedp.WaitVisible(chromedp.CSS("button[data-passkey]")), chromedp.Click(chromedp.CSS("button[data-passkey]"))))
	waitFor(t, ctx, `document.querySelector("[data-passkey-said]").textContent`, "取り消されました")

	// On a shared PC nobody proves with another's passkey, although that one
	// would sign its owner in there.
	_, err = chromedp.Call(ctx, webauthn.SetUserVerified, webauthn.SetUserVerifiedParams{AuthenticatorID: added.AuthenticatorID, IsUserVerified: true})
	must(t, err)
	other := b.signedIn(b.OtherA, "other-a")
	other.cert = b.certificate(caller.Caller{Org: b.OtherA.Org}, "3 階病棟", 0)
	token, _, err := auth.Open(t.Context(), b.db, other.device(), other.c.Account, auth.ByPassword, "")
	must(t, err)
	other.jar["__Host-teiten-session"] = token
	b.become(t, ctx, other)
	must(t, chromedp.Do(ctx, chromedp.Navigate(b.url+"/account/passkeys/new"), chromedp.WaitVisible(chromedp.CSS("button[data-passkey]"))))
	other.wait()
	look[any](t, ctx, `{
		const button = document.querySelector("button[data-passkey]");
		Object.assign(button.dataset, { passkey: "signin", options: "/sign-in/passkey/options", finish: "/account/prove/passkey" });
		button.click();
	}; 0`)
	waitFor(t, ctx, `document.querySelector("[data-passkey-said]").textContent`, locale.Japanese.T("auth.refused"))
	must(t, chromedp.Do(ctx, chromedp.Navigate(b.url+"/account/password"), chromedp.WaitVisible(chromedp.CSS("#f-code"))))
	for _, c := range complaints.take() {
		if !strings.Contains(c, "403") {
			t.Error(c)
		}
	}
	b.wantAudit("passkey.add", "auth.prove", "auth.sign_in")
}

func (b *browserGate) endAll(t *testing.T, c caller.Caller) error {
	_, err := auth.EndAll(t.Context(), b.db, c, 0)
	return err
}

func waitFor(t *testing.T, ctx context.Context, expression, part string) {
	t.Helper()
	text := ""
	for range 100 {
		if text = look[string](t, ctx, expression); strings.Contains(text, part) {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("%s is %q, want %q", expression, text, part)
}

// TestEnrolInBrowser opens an invitation's link: the code goes from behind the
// # into the form and nowhere else.
func TestEnrolInBrowser(t *testing.T) {
	b := newBrowserGate(t)
	code := b.invited(b.ContactA, b.StaffA, "医事課ノート")
	ctx := b.open(t)
	must(t, chromedp.Do(ctx, chromedp.Navigate(b.url+"/enrol#"+code), chromedp.WaitVisible(chromedp.CSS("#f-code"))))
	waitFor(t, ctx, `document.querySelector("#f-code").value`, code)
	if at := look[string](t, ctx, `location.href`); at != b.url+"/enrol" {
		t.Errorf("the address bar shows %s", at)
	}
	must(t, chromedp.Do(ctx, chromedp.Click(chromedp.CSS("[data-fragment] button")), chromedp.WaitVisible(chromedp.CSS(".secret-text"))))
	if hidden := look[bool](t, ctx, `document.querySelector(".secret-line [data-copy]").hidden`); hidden {
		t.Error("the password cannot be copied")
	}
	b.quiet(code)
}

// TestAccessPages looks at the pages at both widths, light and dark.
func TestAccessPages(t *testing.T) {
	b := newBrowserGate(t)
	contact, operator := b.signedIn(b.ContactA, "contact-a"), b.signedIn(b.Operator, "operator")
	contact.again("病院の iPhone")
	b.certificate(b.ContactA, "古いノート", 9*24*time.Hour)
	ward := b.certificate(caller.Caller{Org: b.ContactA.Org}, "3 階病棟 詰所", 0)
	must(t, device.Revoke(t.Context(), b.db, b.ContactA, b.certificate(b.StaffA, "失くした PC", 0).ID, device.Lost))
	_, _, err := auth.OpenRecovery(t.Context(), b.db, b.keys, b.Operator, b.ContactA.Account, "スマートフォンの紛失")
	must(t, err)
	b.invited(b.ContactA, b.OtherA, "医事課ノート 2")
	code := b.invited(b.ContactA, b.StaffA, "医事課ノート")
	complaints := new(complaints)
	ctx := b.open(t, chromedp.WithListener(complaints.listen))
	submit := `document.querySelector("main form .primary").click()`
	for _, page := range []struct {
		who        *visitor
		path, then string // a script that leads on
		wait       string
	}{
		{contact, "/account", "", "#sessions"}, {contact, "/account/password", "", "#f-old"}, {contact, "/account/prove?next=/account", "", "#f-code"},
		{contact, "/account/app", submit, "svg.qr"}, {contact, "/account/codes", submit, ".recovery-codes"}, {contact, "/account/devices/" + itoa(contact.cert.ID), "", ".danger"},
		{contact, "/devices", "", "table"}, {contact, "/devices/" + itoa(ward.ID), "", ".danger"}, {operator, "/devices", "", "table"},
		{contact, "/devices/invite", "", "#f-label"},
		{contact, "/devices/invite?x=1", `document.querySelector("[value=device]").checked = true; document.querySelector("#f-label").value = "4 階病棟 詰所"; ` + submit, "svg.qr"},
		{b.stranger(), "/enrol", "", "#f-code"}, {b.stranger(), "/enrol#" + code, `setTimeout(() => document.querySelector("[data-fragment] button").click(), 100)`, ".secret-text"},
		{b.stranger(), "/", "", ".door"}, {b.stranger(), "/sign-in", "", ".door"}, {contact, "/", "", ".tasks"},
	} {
		name := fmt.Sprint(page.who.c.Role, "/", strings.NewReplacer("/", "_", "?", "-", "#"+code, "-2", "=", "").Replace(page.path))
		complaints.onScreens(t, ctx, screens, name, func(t *testing.T) {
			b.become(t, ctx, page.who)
			must(t, chromedp.Do(ctx, chromedp.Navigate("about:blank"), chromedp.Navigate(b.url+page.path)))
			if page.then != "" {
				look[any](t, ctx, page.then+"; 0")
			}
			must(t, chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS(page.wait))))
		}, "403") // of the door
	}
}

// TestInvitationInPrint looks at the sheet that is handed over.
func TestInvitationInPrint(t *testing.T) {
	b := newBrowserGate(t)
	contact := b.signedIn(b.ContactA, "contact-a")
	ctx := b.open(t)
	b.become(t, ctx, contact)
	must(t, chromedp.Do(ctx, chromedp.EmulateViewport(680, 1000), chromedp.Navigate(b.url+"/devices/invite"), chromedp.WaitVisible(chromedp.CSS("#f-label"))))
	look[any](t, ctx, `document.querySelector("[value=device]").checked = true; document.querySelector("#f-label").value = "4 階病棟 詰所"; document.querySelector("main form .primary").click(); 0`)
	must(t, chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS("svg.qr"))))
	if look[bool](t, ctx, `document.querySelector("[data-print]").hidden`) {
		t.Error("the button that prints is hidden")
	}
	media(t, ctx, emulation.SetEmulatedMediaParams{Media: "print"})
	for part, shown := range map[string]bool{"svg.qr": true, ".secret-text": true, ".facts": true, ".print-head": true, "header.site": false, ".actions": false, ".unprinted": false} {
		if is := look[string](t, ctx, `getComputedStyle(document.querySelector("`+part+`")).display`) != "none"; is != shown {
			t.Errorf("%s is printed: %v", part, is)
		}
	}
	keepShot(t, ctx)
}
