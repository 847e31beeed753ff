// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bufio"
	"encoding/base64"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"teiten/internal/indicator"
	"teiten/internal/report"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/token"
)

// What is no mail is refused, and the page says what to do instead.
func TestRefusedMails(t *testing.T) {
	w := mailWorld(t, storetest.SQLite(t))
	const who = "minato staff"
	for name, c := range map[string]struct {
		file, content, says string
	}{
		"nothing":    {"", "", "メールのファイルを選ぶか"},
		"empty":      {"a.eml", "", "中身が空です"},
		"screenshot": {"a.png", "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + strings.Repeat("\x00", 60), "ファイルに保存"},
		"archive":    {"a.eml", "PK\x03\x04\x14\x00\x00\x00\x08\x00" + strings.Repeat("\x00\xff", 60), "解凍せずに"},
		"printed":    {"mail.pdf", "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\n", "これはPDFです"},
		"program":    {"a.exe", "MZ\x90\x00" + strings.Repeat("\x00\x01", 200), "プログラム"},
		"noise":      {"a.bin", strings.Repeat("\x00\x01\x02\xff\xfe", 200), "貼り付け"},
	} {
		field := "file"
		if c.file == "" {
			field = ""
		}
		r := w.upload(who, "/check", field, c.file, c.content, "text", "")
		if r.status != 422 {
			t.Errorf("%s: status %d", name, r.status)
		}
		r.safe().has(c.says, `id="errors"`, `href="#f-file"`)
	}
	w.as(who, "POST", "/check", form("text", "x")).is(400)
	long := w.upload(who, "/check", "file", "a.eml", "From: a@a.example\r\n\r\n"+strings.Repeat("x", report.MaxMail)).is(413)
	long.safe().has("50 MB", `href="#f-file"`)
	pasted := w.upload(who, "/check", "", "", "", "text", "差出人: info@parcel-again.top\n件名: 再配達\n\nhttps://www.parcel-again.top/x をご確認ください").is(303).location
	w.as(who, "GET", pasted, "").is(200).inert(parcelHost).has("再配達", "parcel-again[.]top")
	if n := count(t, w.db, `SELECT COUNT(*) FROM mail_hold`); n != 1 {
		t.Errorf("%d mails are held of which one was taken", n)
	}
}

func count(t *testing.T, db *store.DB, query string) (n int) {
	t.Helper()
	must(t, db.QueryRow(t.Context(), query).Scan(&n))
	return n
}

// Hostile mails are shown as text: no markup of theirs is in the page, nothing
// leads to them.
func TestHostileMailsAreInert(t *testing.T) {
	w := mailWorld(t, storetest.SQLite(t))
	const who = "minato staff"
	const host = "evil-login.top"
	html := func(body string) string {
		return "From: \"" + host + "\" <a@" + host + ">\r\nTo: m.tanaka@minato-hp.jp\r\nSubject: a\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n" + body
	}
	for name, raw := range map[string]string{
		"scripts":    html(`<p onclick="alert(1)">本人確認</p><script>document.location="https://` + host + `/x"</script><style>@import url(https://` + host + `/s.css)</style><iframe src="https://` + host + `/f"></iframe><img src="https://` + host + `/i.png" onerror="alert(2)">`),
		"javascript": html(`<a href="javascript:alert(1)">押す</a><a href="JaVa&#x09;script:alert(2)">押す</a><a href="data:text/html,<script>alert(3)</script>">押す</a><form action="https://` + host + `/f"><input name=p></form>`),
		"svg":        html(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><a xlink:href="https://` + host + `/"><text>押す</text></a><script>alert(4)</script></svg>`),
		"closing":    html(`</div></main></body></html><h1>偽の結果：安全です</h1><!-- </p> --><textarea></textarea><plaintext>`),
		"turned":     "From: a@" + host + "\r\nSubject: =?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte("請求書\u202ecod.exe <script>alert(5)</script>")) + "?=\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\u202e\u2066https://" + host + "/\u2069\u200f 本文\r\n",
		"controls":   "From: a@" + host + "\r\nSubject: a\x07\x1b[31mb\x00c\r\n\r\n\x00\x01\x02\x1b]0;x\x07\x7f https://" + host + "/\x00x <b>&lt;script&gt;\r\n",
		"one line":   html("<p>" + strings.Repeat("https://"+host+"/a ", 1<<20/24) + "</p>"),
		"many links": html(strings.Repeat("<p>", 3000) + func() (all string) {
			for i := range 3000 {
				all += "<a href=\"https://" + host + "/" + itoa(int64(i)) + "\">" + itoa(int64(i)) + "</a> "
			}
			return all
		}()),
		"one word":   "From: a@" + host + "\r\nSubject: " + strings.Repeat("<b>x", 300_000) + "\r\n\r\n" + strings.Repeat("&lt;", 300_000) + "\r\n",
		"file names": "From: a@" + host + "\r\nSubject: a\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\na\r\n--b\r\nContent-Type: application/x-\"><script>alert(6)</script>; name=\"\\\"><script>alert(7)</script>.exe\"\r\nContent-Disposition: attachment; filename=\"\\\"><img src=x onerror=alert(8)>https://" + host + "/.exe\"\r\n\r\nx\r\n--b--\r\n",
		"attributes": html(`<a href='https://` + host + `/"onmouseover="alert(9)' title='"><script>'>https://www.example.co.jp/</a>`),
	} {
		if testing.Short() && len(raw) > 100_000 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			at := w.holds(who, raw)
			pages := []*response{w.as(who, "GET", at, "").is(200), w.as(who, "GET", at+"/report", "").is(200)}
			one := w.as(who, "POST", at+"/report", form("did", "")).is(303).location
			pages = append(pages, w.as(who, "GET", one, "").is(200), w.as("isac analyst", "GET", one, "").is(200), w.as(who, "GET", "/reports", "").is(200), w.as("isac analyst", "GET", "/cases", "").is(200))
			for _, r := range pages {
				r.t = t
				r.inert(host)
				clean := regexp.MustCompile(`(?s)<script[^>]*src="/static[^>]*></script>|<img[^>]*src="/static[^>]*>`).ReplaceAllString(r.main(), "")
				for _, bad := range []string{"<script>", "<script ", "alert(1)\">", "onerror=\"", "onclick=\"", "onload=\"", "onmouseover=\"", "<iframe", "<plaintext", "<h1>偽", "\x00", "\x1b", "\x07", "\u202e", "\u2066"} {
					if strings.Contains(clean, bad) {
						i := strings.Index(clean, bad)
						t.Errorf("the page holds %q: …%q…", bad, clean[max(0, i-80):min(len(clean), i+80)])
					}
				}
				if len(r.body) > 1<<20 {
					t.Errorf("a page of %d bytes", len(r.body))
				}
			}
		})
	}
}

// An indicator that a form names is written so that no program makes a link of
// it, and is found again.
func TestCandidateNames(t *testing.T) {
	for _, v := range marksOf(t, "http://a.example.top/x?y=z b.example.top c@d.example.top 203.0.113.9") {
		name := candidateID(report.Candidate{Value: v})
		if back, ok := indicator.Recognise(strings.SplitN(name, " ", 2)[1]); !ok || back.Value != v.Value || strings.Contains(name, ".top") {
			t.Errorf("%v is %q, which reads as %v", v, name, back)
		}
	}
}

// The mailbox's page has what an institution decides, and no password of it.
func TestMailboxPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMatrix(t, db)
		contact, other := m.named("a contact"), m.named("b contact")
		ask := func(p *somebody, method, target, content string) *response {
			t.Helper()
			m.signedIn(p)
			a := m.ask(p, method, target, content, "")
			return &response{t: t, status: a.status, body: a.text, location: a.to}
		}
		ask(contact, "GET", "/mailbox", "").is(200).has("@in."+matrixHost, `value="90"`)
		ask(contact, "POST", "/mailbox/settings", form("days", "30", "authserv", "mx.example.jp")).is(303)
		ask(contact, "GET", "/mailbox", "").is(200).has(`value="30"`, "mx.example.jp")
		ask(contact, "POST", "/mailbox/settings", form("days", "4000", "authserv", "")).is(422).has(`href="#f-days"`, `value="4000"`)
		box := func(pairs ...string) string {
			return form(append([]string{"security", "tls", "login", "a", "password", "kept-from-all", "enabled", "yes"}, pairs...)...)
		}
		ask(contact, "POST", "/mailbox/imap", box("server", "no port")).is(422).has(`href="#f-server"`).lacks("kept-from-all")
		ask(contact, "POST", "/mailbox/imap", box("server", "127.0.0.1:1")).is(303)
		ask(contact, "GET", "/mailbox", "").is(200).has("127.0.0.1:1").lacks("kept-from-all")
		ask(contact, "POST", "/mailbox/imap/test", "x=").is(422).has(`href="#f-server"`)
		ask(other, "GET", "/mailbox", "").is(200).lacks("127.0.0.1:1")
		ask(contact, "POST", "/mailbox/imap/remove", "x=").is(200).has(`name="confirm"`)
		ask(contact, "POST", "/mailbox/imap/remove", form("confirm", "yes")).is(303)
		ask(contact, "GET", "/mailbox", "").is(200).lacks("127.0.0.1:1")
	})
}

// A mail that is far too large is answered with a page that says so, also to
// those who listen only when they have said everything.
func TestHugeMailIsAnswered(t *testing.T) {
	w := mailWorld(t, storetest.SQLite(t))
	srv := httptest.NewServer(w.Handler())
	defer srv.Close()
	head := "--" + boundary + "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.eml\"\r\n\r\nFrom: a@a.example\r\n\r\n"
	const size = 60 << 20
	for name, length := range map[string]string{
		"announced":   fmt.Sprintf("Content-Length: %d\r\n", len(head)+size),
		"unannounced": "Transfer-Encoding: chunked\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c, err := net.Dial("tcp", srv.Listener.Addr().String())
			must(t, err)
			defer c.Close()
			must(t, c.SetDeadline(time.Now().Add(time.Minute)))
			_, err = fmt.Fprintf(c, "POST /check HTTP/1.1\r\nHost: localhost:8080\r\nCookie: teiten-persona=%d\r\nAccept-Language: ja\r\nContent-Type: multipart/form-data; boundary=%s\r\n%s\r\n",
				w.people["minato staff"].Account, boundary, length)
			must(t, err)
			say := func(s string) {
				if name == "unannounced" {
					s = fmt.Sprintf("%x\r\n%s\r\n", len(s), s)
				}
				_, err := io.WriteString(c, s)
				must(t, err)
			}
			say(head)
			for range size >> 20 {
				say(strings.Repeat("x", 1<<20))
			}
			if name == "unannounced" {
				_, err = io.WriteString(c, "0\r\n\r\n")
				must(t, err)
			}
			resp, err := http.ReadResponse(bufio.NewReader(c), nil)
			must(t, err)
			defer resp.Body.Close()
			page := text(t, resp)
			if resp.StatusCode != 413 || !strings.Contains(page, "。50 MB まで") {
				t.Errorf("status %d: %s", resp.StatusCode, gist(page))
			}
		})
	}
}

// What acts on a text instead of being read is written out, and nothing else is.
func TestVisible(t *testing.T) {
	for text, want := range map[string]string{
		"請求書\u202ecod.exe":   "請求書⟨RLO⟩cod.exe",
		"a\x1b[31mb\x00\x7f": "a␛[31mb␀␡",
		"\u2066x\u2069":      "⟨LRI⟩x⟨PDI⟩",
		"\u0085":             "\ufffd",
		"一\r\n\t二 \u200bé":   "一\r\n\t二 \u200bé",
	} {
		if got := visible(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}

// A machine checks and reports mails by a token that is for it, and no other.
func TestMailScope(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMatrix(t, db)
		machine := *m.named("a machine")
		for _, scope := range token.Scopes {
			secret, _, err := token.Create(t.Context(), db, m.operator(), token.New{Account: machine.caller.Account, Name: string(scope), Scopes: []token.Scope{scope}})
			must(t, err)
			machine.token = secret
			for _, route := range []string{"checks", "reports"} {
				a := m.ask(&machine, "POST", "/api/v1/mail-"+route, checked, "")
				if ok := a.status < 300; ok != (scope == token.MailCheck) || !ok && a.status != 403 {
					t.Errorf("mail-%s with %s: status %d", route, scope, a.status)
				}
			}
		}
	})
}
