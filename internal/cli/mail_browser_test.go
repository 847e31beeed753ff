// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build browser

package cli_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"golang.org/x/net/dns/dnsmessage"

	"teiten/internal/program"
)

const (
	hostileHost = "webmail-kanri.test"
	hostileMail = "From: =?utf-8?B?%s?= <admin@webmail-kanri.test>\r\nTo: sato@hospital.test\r\nSubject: =?utf-8?B?%s?=\r\n" +
		"Date: %s\r\nMessage-ID: <1@webmail-kanri.test>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n"
	hostilePage = `<p>佐藤 様</p><p>メールボックスの容量が上限を超えました。本日中に本人確認をしないと利用停止になります。</p>` +
		`<p><a href="https://webmail-kanri.test/owa/?u=sato@hospital.test&amp;t=99aa88bb77cc66dd">https://mail.hospital.test/owa/</a></p>`
	hostileSubject = "【重要】メールボックスの容量超過による利用停止のお知らせ"
)

// TestMailToProtection goes the whole way with real programs: swaks forwards a
// hostile mail to a hospital's reporting address, an analyst publishes the case
// in Chromium, an unbound that reloads the list refuses the host, and the page
// shows the time to protection.
func TestMailToProtection(t *testing.T) {
	swaks, unbound, control := program.Need(t, "swaks"), program.Need(t, "unbound"), program.Need(t, "unbound-control")
	mailPort := program.FreePort(t)
	i := &installation{t: t, bin: built(t), data: t.TempDir(), port: program.FreePort(t)}
	i.env = append(os.Environ(), "TEITEN_DATA="+i.data, "TEITEN_LANG=ja", fmt.Sprintf("TEITEN_LISTEN=127.0.0.1:%d", i.port),
		fmt.Sprintf("TEITEN_MAILBOX_LISTEN=127.0.0.1:%d", mailPort), "TEITEN_MAILBOX_DOMAIN=houkoku.portal.test")
	made, p12 := i.begin()
	codes := i.browser(p12, made.Password).first(made.Password)

	// Two hospitals: one reports, and the proxy of the other is protected.
	var first, second, machine struct{ ID int64 }
	i.run(&first, "member", "add", "--kind", "institution", "--name", "東定点病院")
	i.run(&second, "member", "add", "--kind", "institution", "--name", "西定点病院")
	i.run(nil, "member", "domain", "add", fmt.Sprint(first.ID), "hospital.test")
	i.run(&machine, "user", "add", "--org", fmt.Sprint(second.ID), "--name", "リゾルバ", "--role", "machine")
	var token struct{ Secret string }
	i.run(&token, "token", "add", fmt.Sprint(machine.ID), "--name", "unbound", "--scope", "lists.read")
	i.run(nil, "warninglist", "off", "rfc6761", "--reason", "文書用の名前を本物として使う試験のため")
	var address struct{ Address string }
	i.run(&address, "mailbox", "add", fmt.Sprint(first.ID))

	// The resolver of the second hospital, which takes the list as it is now.
	dir, port := program.Dir(t), program.FreePort(t)
	list := filepath.Join(dir, "teiten.conf")
	fetch := func() {
		t.Helper()
		out, err := exec.Command(program.Need(t, "curl"), "-fsS", "--cacert", made.Authority, "-H", "Authorization: Bearer "+token.Secret, "-o", list, i.url("/blocklists/unbound")).CombinedOutput()
		if err != nil {
			t.Fatalf("curl: %v\n%s", err, out)
		}
	}
	fetch()
	socket := filepath.Join(dir, "control")
	conf := program.WriteFile(t, dir, "unbound.conf", fmt.Appendf(nil, `
server:
	directory: %q
	chroot: ""
	username: ""
	pidfile: ""
	use-syslog: no
	interface: 127.0.0.1
	port: %d
	do-daemonize: no
	module-config: "iterator"
	local-zone: "." static
	local-data: "%s. A 192.0.2.80"
include: %q
remote-control:
	control-enable: yes
	control-interface: %q
`, dir, port, hostileHost, list, socket))
	resolver := program.Start(t, program.Cmd{Path: unbound, Args: []string{"-d", "-p", "-c", conf}, Dir: dir})
	resolver.Wait(10*time.Second, func(context.Context) error { _, err := refused(port, hostileHost); return err })
	if no, err := refused(port, hostileHost); no || err != nil {
		t.Fatalf("the host is refused before anybody reported it: %v", err)
	}

	// Somebody forwards the mail, as her mail program does: as an attachment.
	word := func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }
	hostile := program.WriteFile(t, dir, "hostile.eml", fmt.Appendf(nil, hostileMail, word("情報システム管理者"), word(hostileSubject),
		time.Now().Format(time.RFC1123Z), word(hostilePage)))
	out, err := exec.Command(swaks, "--server", fmt.Sprintf("127.0.0.1:%d", mailPort), "--tls", "--to", address.Address, "--from", "sato@hospital.test",
		"--h-Subject", "FW: mailbox", "--body", "怪しいメールです。", "--attach-type", "message/rfc822", "--attach", "@"+hostile).CombinedOutput()
	if err != nil {
		t.Fatalf("swaks: %v\n%s", err, out)
	}

	tab := i.chromium(p12, made.Password, made.Authority)
	i.see(tab, "/", "端末の確認が済みました")
	i.act(tab, "sign in",
		chromedp.SendKeys(chromedp.CSS("#f-login"), "hanako"), chromedp.SendKeys(chromedp.CSS("#f-password"), passphrase), chromedp.SendKeys(chromedp.CSS("#f-code"), codes[0]),
		chromedp.Submit(chromedp.CSS("#f-code")), chromedp.WaitVisible(chromedp.CSS(".home-head")))
	deadline := time.Now().Add(30 * time.Second)
	for {
		i.act(tab, "cases", chromedp.Navigate(i.url("/cases")), chromedp.WaitVisible(chromedp.CSS("h1")))
		if strings.Contains(i.text(tab), hostileSubject) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no case came of the mail:\n%s", i.text(tab))
		}
		time.Sleep(300 * time.Millisecond)
	}
	i.act(tab, "open the case", chromedp.Click(chromedp.CSS("table.cases th a")), chromedp.WaitVisible(chromedp.CSS("#draft")))
	if body := i.text(tab); !strings.Contains(body, "【氏名】") || strings.Contains(body, "sato") || strings.Contains(body, "hospital") {
		t.Fatalf("the case is not redacted:\n%s", body)
	}
	i.act(tab, "take it", chromedp.Click(chromedp.CSS(`form[action$="/take"] button`)), chromedp.WaitVisible(chromedp.CSS("#draft")))
	i.act(tab, "make a draft", chromedp.Click(chromedp.CSS(`#draft button.primary`)), chromedp.WaitVisible(chromedp.CSS("#f-title")))
	i.act(tab, "save the draft", chromedp.Click(chromedp.CSS(`main form button[name="state"][value="published"], main form button[value="published"]`)))
	published := waitFor(i, tab, "/advisories/", 20*time.Second)

	fetch()
	if out, err := exec.Command(control, "-c", conf, "-s", socket, "reload").CombinedOutput(); err != nil {
		t.Fatalf("unbound-control: %v\n%s", err, out)
	}
	resolver.Wait(10*time.Second, func(context.Context) error {
		no, err := refused(port, hostileHost)
		if err == nil && !no {
			err = errors.New("the host is still answered")
		}
		return err
	})
	i.act(tab, "the advisory", chromedp.Navigate(published), chromedp.WaitVisible(chromedp.CSS(".protection")))
	times, err := chromedp.Run(tab, chromedp.Evaluate[string](`document.querySelector(".protection").textContent`))
	if err != nil || !strings.Contains(times, "守れるまでの時間") || !strings.Contains(times, "西定点病院") || !strings.Contains(times, "2 施設のうち 1") {
		t.Fatalf("the time to protection is not shown: %v\n%s", err, times)
	}
	i.see(tab, "/", "守れるまでの時間")
	i.run(nil, "audit", "verify")
}

// waitFor waits until the tab shows an address that ends with a number behind
// the prefix, and returns it; it confirms what is asked meanwhile.
func waitFor(i *installation, tab context.Context, prefix string, long time.Duration) string {
	i.t.Helper()
	for deadline := time.Now().Add(long); ; time.Sleep(300 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(tab, 10*time.Second)
		at, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(() => {
			const sure = document.querySelector('dialog[open] button[value="yes"], dialog[open] button.primary, form button[name="confirm"]');
			if (sure) sure.click();
			return location.pathname;
		})()`))
		cancel()
		var n int
		if err == nil {
			if rest, ok := strings.CutPrefix(at, prefix); ok {
				if _, err := fmt.Sscanf(rest+" ", "%d ", &n); err == nil && fmt.Sprint(n) == rest {
					return i.url(at)
				}
			}
		}
		if time.Now().After(deadline) {
			i.t.Fatalf("the page stays at %s:\n%s", at, i.text(tab))
		}
	}
}

// refused reports whether a host does not exist for a resolver.
func refused(port int, host string) (bool, error) {
	code, _, err := program.Resolve(port, host)
	return code == dnsmessage.RCodeNameError, err
}
