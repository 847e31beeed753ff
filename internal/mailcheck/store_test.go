// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/membertest"
	"teiten/internal/permit"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

// around puts a body into a mail.
func around(head, kind, body string) string {
	if head == "" {
		head = "From: a@sender.example\r\n"
	}
	return head + "To: b@hospital.example\r\nSubject: notice\r\nDate: Mon, 02 Mar 2026 09:00:00 +0900\r\nMessage-ID: <1@sender.example>\r\nMIME-Version: 1.0\r\nContent-Type: " +
		kind + "\r\n\r\n" + body + "\r\n"
}

func withFile(name, kind string, data []byte) string {
	return around("", `multipart/mixed; boundary="b"`, "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: "+kind+
		"\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename=\""+name+"\"\r\n\r\n"+base64.StdEncoding.EncodeToString(data)+"\r\n--b--")
}

func inHTML(s string) string { return around("", "text/html; charset=utf-8", s) }

// One indicator, in every place of a mail that a reader or his program may come
// to: the check finds it, on both engines, whether the URL, its host or the
// domain above was shared.
func TestMatchIsAlwaysFound(t *testing.T) {
	const address = "https://login.evil-host.example/a/form?x=1"
	code := base64.StdEncoding.EncodeToString(mailcheck.Code(address))
	places := map[string]string{
		"text":             around("", "text/plain", "see "+address+" now"),
		"defanged text":    around("", "text/plain", "see hxxps://login[.]evil-host[.]example/a/form?x=1 now"),
		"japanese text":    around("", "text/plain; charset=utf-8", "こちら（"+address+"）から"),
		"base64 text":      around("", "text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64", base64.StdEncoding.EncodeToString([]byte("x "+address+" y"))),
		"wrapped text":     around("", "text/plain", "<https://login.evil-host.example/a/\r\n form?x=1>"),
		"subject":          strings.Replace(around("", "text/plain", "x"), "Subject: notice", "Subject: "+address, 1),
		"href":             inHTML(`<a href="` + address + `">x</a>`),
		"broken href":      inHTML("<a href=\"  https://login.evil-\n\thost.example/a/form?x=1 \">x</a>"),
		"entities":         inHTML(`<a href="https&#58;//login.evil&#x2d;host.example/a/form?x=1">x</a>`),
		"backslashes":      inHTML(`<a href="https:\\login.evil-host.example\a\form?x=1">x</a>`),
		"no scheme":        inHTML(`<a href="//login.evil-host.example/a/form?x=1">x</a>`),
		"user information": inHTML(`<a href="https://www.bank.example@login.evil-host.example/a/form?x=1">x</a>`),
		"base":             inHTML(`<base href="https://login.evil-host.example/a/"><a href="form?x=1">x</a>`),
		"area":             inHTML(`<map><area href="` + address + `"></map>`),
		"image":            inHTML(`<img src="` + address + `">`),
		"srcset":           inHTML(`<img srcset="` + address + ` 2x">`),
		"background":       inHTML(`<td background="` + address + `">`),
		"style":            inHTML(`<div style="background:url('` + address + `')">x</div>`),
		"style sheet":      inHTML(`<style>.a{background-image:url(` + address + `)}</style>`),
		"form":             inHTML(`<form action="` + address + `"><input></form>`),
		"formaction":       inHTML(`<button formaction="` + address + `">x</button>`),
		"refresh":          inHTML(`<meta http-equiv="refresh" content="3; URL='` + address + `'">`),
		"frame":            inHTML(`<iframe src="` + address + `"></iframe>`),
		"srcdoc":           inHTML(`<iframe srcdoc="<a href='` + address + `'>x</a>"></iframe>`),
		"svg":              inHTML(`<svg><a xlink:href="` + address + `"><text>x</text></a></svg>`),
		"vml":              inHTML(`<!--[if mso]><v:roundrect href="` + address + `">x</v:roundrect><![endif]-->`),
		"handler":          inHTML(`<p onclick="location.href='` + address + `'">x</p>`),
		"script address":   inHTML(`<script src="` + address + `"></script>`),
		"words":            inHTML(`<p>` + address + `</p>`),
		"hidden words":     inHTML(`<p style="display:none">` + address + `</p>`),
		"not closed":       inHTML(`<div><a href='` + address),
		"redirector":       inHTML(`<a href="https://www.google.com/url?q=https%3A%2F%2Flogin.evil-host.example%2Fa%2Fform%3Fx%3D1">x</a>`),
		"gateway":          inHTML(`<a href="https://apc01.safelinks.protection.outlook.com/?url=https%3A%2F%2Flogin.evil-host.example%2Fa%2Fform%3Fx%3D1&amp;data=1">x</a>`),
		"base64 inside":    inHTML(`<a href="https://r.example/?u=` + base64.RawURLEncoding.EncodeToString([]byte(address)) + `">x</a>`),
		"unsubscribe":      around("List-Unsubscribe: <"+address+">\r\nFrom: a@sender.example\r\n", "text/plain", "x"),
		"calendar":         around("", "text/calendar", "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nURL:https://login.evil-host.ex\r\n ample/a/form?x=1\r\nEND:VEVENT\r\nEND:VCALENDAR"),
		"html file":        withFile("a.html", "text/html", []byte(`<a href="`+address+`">x</a>`)),
		"svg file":         withFile("a.svg", "image/svg+xml", []byte(`<svg><a href="`+address+`"><text>x</text></a></svg>`)),
		"url file":         withFile("a.url", "application/octet-stream", []byte("[InternetShortcut]\r\nURL="+address+"\r\n")),
		"text file":        withFile("a.txt", "text/plain", []byte(address)),
		"pdf file":         withFile("a.pdf", "application/pdf", []byte("%PDF-1.4\n1 0 obj<</A<</S/URI/URI("+address+")>>>>endobj")),
		"office file": withFile("a.docx", "application/octet-stream", mailcheck.Zipped(false, "[Content_Types].xml",
			`word/_rels/document.xml.rels=<Relationships><Relationship Id="r1" Type="x/hyperlink" Target="`+address+`" TargetMode="External"/></Relationships>`)),
		"attached mail":  around("", `multipart/mixed; boundary="b"`, "--b\r\nContent-Type: text/plain\r\n\r\nhello\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"+around("", "text/plain", address)+"\r\n--b--"),
		"qr file":        withFile("a.png", "image/png", mailcheck.Code(address)),
		"qr data":        inHTML(`<img src="data:image/png;base64,` + code + `">`),
		"qr unnamed":     withFile("a.bin", "application/octet-stream", mailcheck.Code(address)),
		"other spelling": inHTML(`<a href="HTTPS://LOGIN.evil-host.example:443/a/./b/../form?x=1#frag">x</a>`),
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		checker, err := mailcheck.New(intel.NewGuards(db))
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, shared := range []struct {
			kind indicator.Kind
			s    string
		}{{indicator.URL, address}, {indicator.Domain, "login.evil-host.example"}, {indicator.Domain, "evil-host.example"}} {
			v := norm(t, shared.kind, shared.s)
			tell(t, db, p.Analyst.Org, tlp.Amber, v)
			for name, raw := range places {
				a, err := checker.Check(ctx, db, p.StaffA, []byte(raw))
				if err != nil {
					t.Errorf("%s: %v", name, err)
					continue
				}
				if a.Verdict != mailcheck.Malicious {
					t.Errorf("%s: %s is not found: %s, %+v", name, shared.s, a.Verdict, a.Links)
					continue
				}
				found++
			}
			if err := db.Keep(ctx, func(tx *store.Tx) error {
				return intel.Release(ctx, tx, 0, intel.Audience{TLP: tlp.Amber, Org: p.Analyst.Org}, []indicator.Value{v})
			}); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("%d of %d found", found, 3*len(places))

		// What is not for the caller, he is not told.
		tell(t, db, p.ContactB.Org, tlp.Red, norm(t, indicator.URL, address))
		for c, want := range map[*caller.Caller]mailcheck.Verdict{&p.StaffA: mailcheck.Unknown, &p.StaffB: mailcheck.Malicious, &p.Analyst: mailcheck.Malicious} {
			if a, err := checker.Check(ctx, db, *c, []byte(places["text"])); err != nil || a.Verdict != want {
				t.Errorf("%s: %s, %v; want %s", c.Name, a.Verdict, err, want)
			}
		}
	})
}

// Senders, files, addresses of machines, and tokens that were masked before sharing.
func TestOtherMatches(t *testing.T) {
	sum := sha256.Sum256([]byte("content"))
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		checker, err := mailcheck.New(intel.NewGuards(db))
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct {
			kind  indicator.Kind
			value string
			raw   string
			rule  string
			want  mailcheck.Verdict
		}{
			{indicator.Email, "evil@bad.example", around("From: <Evil@BAD.example>\r\n", "text/plain", "x"), "known.sender", mailcheck.Malicious},
			{indicator.Email, "evil@bad.example", around("From: a@sender.example\r\nReply-To: evil@bad.example\r\n", "text/plain", "x"), "known.sender", mailcheck.Malicious},
			{indicator.Domain, "bad.example", around("From: other@bad.example\r\n", "text/plain", "x"), "known.sender_domain", mailcheck.Malicious},
			{indicator.SHA256, hex.EncodeToString(sum[:]), withFile("a.bin", "application/octet-stream", []byte("content")), "known.file", mailcheck.Malicious},
			{indicator.IPv4, "198.51.100.77", around("Received: from x (x [198.51.100.77]) by mx.hospital.example; Mon, 02 Mar 2026 09:00:00 +0900\r\nFrom: a@sender.example\r\n", "text/plain", "x"), "known.ip", mailcheck.Suspicious},
			{indicator.URL, "https://t.evil-token.example/a?token=*", around("", "text/plain", "https://t.evil-token.example/a?token=a8f5f167f44f4964e6c998dee827110c"), "known.url", mailcheck.Malicious},
			{indicator.URL, "https://pages.dev.example/kit/page.html", around("", "text/plain", "https://pages.dev.example/kit/other.html"), "known.host", mailcheck.Malicious},
			{indicator.URL, "https://docs.google.com/forms/d/evilform/viewform", around("", "text/plain", "https://docs.google.com/forms/d/good/viewform"), "", mailcheck.Unknown},
			{indicator.URL, "https://evil.workers.dev/a", around("", "text/plain", "https://other.workers.dev/a"), "", mailcheck.Unknown},
		} {
			v := norm(t, c.kind, c.value)
			tell(t, db, p.Analyst.Org, tlp.Green, v)
			a, err := checker.Check(ctx, db, p.StaffA, []byte(c.raw))
			if err != nil {
				t.Fatal(err)
			}
			rule := ""
			if r := a.Reasons(); len(r) > 0 && strings.HasPrefix(r[0].Rule, "known.") {
				rule = r[0].Rule
			}
			if a.Verdict != c.want || rule != c.rule {
				t.Errorf("%s: %s by %q, want %s by %q: %+v", c.value, a.Verdict, rule, c.want, c.rule, a.Findings)
			}
			if err := db.Keep(ctx, func(tx *store.Tx) error {
				return intel.Release(ctx, tx, 0, intel.Audience{TLP: tlp.Green, Org: p.Analyst.Org}, []indicator.Value{v})
			}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func TestSettings(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		p.Each(func(name string, c caller.Caller) {
			err := mailcheck.ChangeSettings(ctx, db, c, p.ContactA.Org, mailcheck.Settings{Authserv: []string{" MX.hospital.example ", "mx.hospital.example", ""}})
			if may := permit.CheckFor(c, permit.InstitutionManage, p.ContactA.Org) == nil; may != (err == nil) {
				t.Errorf("%s changes: %v", name, err)
			}
			s, err := mailcheck.ReadSettings(ctx, db, c, p.ContactA.Org)
			if may := permit.CheckFor(c, permit.InstitutionRead, p.ContactA.Org) == nil; may != (err == nil) || may && fmt.Sprint(s.Authserv) != "[mx.hospital.example]" && name != "見本ISAC operator" && len(s.Authserv) > 1 {
				t.Errorf("%s reads %v: %v", name, s, err)
			}
		})
		for code, ids := range map[string][]string{"mailcheck.authserv": {"a;b"}, "mailcheck.authserv_many": make([]string, 21)} {
			if err := mailcheck.ChangeSettings(ctx, db, p.ContactA, p.ContactA.Org, mailcheck.Settings{Authserv: ids}); fault.Code(err) != code {
				t.Errorf("%q: %v", ids, err)
			}
		}
		checker, err := mailcheck.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		raw := around("Authentication-Results: mx.hospital.example; dmarc=fail header.from=sender.example\r\nFrom: a@sender.example\r\n", "text/plain", "x")
		for c, want := range map[*caller.Caller]bool{&p.StaffA: true, &p.StaffB: false} {
			a, err := checker.Check(ctx, db, *c, []byte(raw))
			if err != nil {
				t.Fatal(err)
			}
			if got := says(a, "auth.dmarc"); got != want {
				t.Errorf("%s: %v", c.Name, got)
			}
		}
	})
}

func says(a *mailcheck.Answer, rule string) bool {
	for _, f := range a.Findings {
		if f.Rule == rule {
			return true
		}
	}
	return false
}

// A sender is new until a mail of his was not found bad; institutions do not
// learn from each other, and nothing is kept that could be read.
func TestCorrespondents(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		checker, err := mailcheck.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		first := func(c caller.Caller, from string) bool {
			t.Helper()
			a, err := checker.Check(ctx, db, c, []byte(around("From: "+from+"\r\n", "text/plain", "x")))
			if err != nil {
				t.Fatal(err)
			}
			return says(a, "sender.first")
		}
		for i := range 200 {
			if first(p.StaffA, fmt.Sprintf("a%d@s%d.example", i, i)) {
				t.Fatalf("after %d: too early to say", i)
			}
			a := &mailcheck.Answer{Verdict: mailcheck.Unknown, Mail: &mail.Message{From: []mail.Address{{Address: fmt.Sprintf("a%d@s%d.example", i, i)}}}}
			if err := mailcheck.Learn(ctx, db, p.StaffA, a); err != nil {
				t.Fatal(err)
			}
			a.Verdict, a.Mail.From[0].Address = mailcheck.Suspicious, "bad@bad.example"
			if err := mailcheck.Learn(ctx, db, p.StaffA, a); err != nil {
				t.Fatal(err)
			}
		}
		for from, want := range map[string]bool{"new@new.example": true, "A7@s7.example": false, "bad@bad.example": true} {
			if got := first(p.StaffA, from); got != want {
				t.Errorf("%s is new: %v", from, got)
			}
		}
		if first(p.StaffB, "new@new.example") {
			t.Error("the other institution knows nobody")
		}
	})
}

// Keys that are kept verify a signature; a key of an operator only.
func TestKeys(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		name, record, raw := signed(t, "sender.example")
		p.Each(func(who string, c caller.Caller) {
			_, keep := mailcheck.KeepKey(ctx, db, c, "s9._domainkey.sender.example", record)
			_, list := mailcheck.Keys(ctx, db, c)
			drop := mailcheck.DropKey(ctx, db, c, "s9._domainkey.sender.example")
			for what, err := range map[string]error{"keeps": keep, "lists": list, "drops": drop} {
				if operator := c == p.Operator; operator != (err == nil) || !operator && !fault.Is(err, fault.Forbidden) {
					t.Errorf("%s %s a key: %v", who, what, err)
				}
			}
		})
		for _, bad := range [][2]string{{"x", record}, {"s1._domainkey.", record}, {"s 1._domainkey.a.example", record}, {name, "no key"}, {name, ""}} {
			if _, err := mailcheck.KeepKey(ctx, db, p.Operator, bad[0], bad[1]); !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		checker, err := mailcheck.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		broken := bytes.Replace(raw, []byte("hello"), []byte("hallo"), 1)
		check := func(what string, genuine, tampered mailcheck.Signature) {
			t.Helper()
			for _, m := range []struct {
				raw  []byte
				want mailcheck.Signature
			}{{raw, genuine}, {broken, tampered}} {
				a, err := checker.Check(ctx, db, p.StaffA, m.raw)
				if err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(a.Signature, m.want) || says(a, "auth.signature") != (m.want.State == mailcheck.Invalid) {
					t.Errorf("%s: %+v, want %+v: %+v", what, a.Signature, m.want, a.Findings)
				}
			}
		}
		missing := mailcheck.Signature{State: mailcheck.Unverified, Keys: []string{name}}
		check("without a key", missing, missing)
		if _, err := mailcheck.KeepKey(ctx, db, p.Operator, strings.ToUpper(name)+".", record); err != nil {
			t.Fatal(err)
		}
		all, err := mailcheck.Keys(ctx, db, p.Operator)
		if err != nil || len(all) != 1 || all[0].Name != name || all[0].Algorithm != "ed25519" || all[0].Bits != 256 || all[0].Record != record || all[0].Kept.IsZero() {
			t.Errorf("kept %+v, %v", all, err)
		}
		check("with the key", mailcheck.Signature{State: mailcheck.Valid, Domain: "sender.example"},
			mailcheck.Signature{State: mailcheck.Invalid, Domain: "sender.example"})
		if err := mailcheck.DropKey(ctx, db, p.Operator, name); err != nil {
			t.Fatal(err)
		}
		check("after it was dropped", missing, missing)
		if err := mailcheck.DropKey(ctx, db, p.Operator, name); fault.Code(err) != "mailcheck.key_none" {
			t.Errorf("dropped twice: %v", err)
		}
	})
}
