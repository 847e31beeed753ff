// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"teiten/internal/caller"
	"teiten/internal/locale"
	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/report"
	"teiten/internal/tlp"
)

const lure = "From: Support <info@portal-check.example>\r\nTo: staff@hospital.example\r\nSubject: Your password expires\r\nDate: Mon, 16 Nov 2026 09:12:00 +0900\r\n" +
	"Content-Type: text/plain; charset=utf-8\r\n\r\nVerify your password today:\r\nhttp://login-a.example/in\r\n"

// mailed sends a mail as it is.
func (p *portal) mailed(c caller.Caller, target, raw, media string) answer {
	p.t.Helper()
	return p.do(c, "POST", target, raw, "Content-Type", media, "Accept-Language", "ja")
}

// A mail is judged by what its sender may know, in the form of the command line.
func TestCheckMail(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		const checks = "/api/v1/mail-checks"
		advice := p.publish(p.ContactA, tlp.AmberStrict, "偽の入口", "http://login-a.example/in")
		var got, want mailcheck.Report
		p.mailed(p.StaffA, checks, lure, "message/rfc822").ok(200, &got)
		if got.Verdict != mailcheck.Malicious || got.Subject != "Your password expires" || len(got.Findings) == 0 || got.Findings[0].Advisory != advice || got.Format != "eml" {
			t.Errorf("%+v", got)
		}
		checked, err := p.Checker.Check(context.Background(), p.DB, p.StaffA, []byte(lure))
		if err != nil {
			t.Fatal(err)
		}
		want = checked.JSON(locale.Japanese, mailcheck.None)
		if a, b := jsonOf(t, got), jsonOf(t, want); a != b {
			t.Errorf("the answer is not that of the command line:\n%s\n%s", a, b)
		}
		if a := p.do(p.StaffA, "POST", checks, lure, "Content-Type", "message/rfc822", "Accept-Language", "en"); !strings.Contains(a.Body.String(), checked.JSON(locale.English, mailcheck.None).Advice[0]) {
			t.Error("the answer is not in English")
		}
		told := map[string]bool{}
		for _, did := range mailcheck.Actions {
			target := checks
			if did != mailcheck.None {
				target += "?did=" + string(did)
			}
			p.mailed(p.StaffA, target, lure, "message/rfc822").ok(200, &got)
			told[got.Advice[0]] = true
		}
		if len(told) != len(mailcheck.Actions) {
			t.Errorf("what was done changes nothing: %v", told)
		}
		p.mailed(p.StaffA, checks+"?did=danced", lure, "message/rfc822").refused(422, "api.enum")

		// Others see less of what is shared, and so does the answer to them.
		p.mailed(p.ContactA, checks, lure, "message/rfc822").ok(200, &got)
		p.Each(func(name string, c caller.Caller) {
			p.mailed(c, checks, lure, "message/rfc822").ok(200, &got)
			sees := c.Org == p.ContactA.Org || c.Ceiling() >= tlp.AmberStrict
			if found := got.Findings; sees != (len(found) > 0 && found[0].Advisory == advice) {
				t.Errorf("%s: the information is behind the answer: %t, want %t", name, !sees, sees)
			}
		})
		if n := p.rows("mail_hold") + p.rows("mail_report"); n != 0 {
			t.Errorf("a check left %d mails behind", n)
		}
	})
}

func (p *portal) rows(table string) (n int) {
	p.t.Helper()
	if err := p.DB.QueryRow(context.Background(), `SELECT COUNT(*) FROM `+table).Scan(&n); err != nil {
		p.t.Fatal(err)
	}
	return n
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What a mail is, its bytes say; what is none is refused with what to do.
func TestMailTypes(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		for _, target := range []string{"/api/v1/mail-checks", "/api/v1/mail-reports"} {
			status := map[string]int{"/api/v1/mail-checks": 200, "/api/v1/mail-reports": 201}[target]
			for _, media := range append(mailTypes, "message/rfc822; charset=utf-8", "MESSAGE/RFC822", "text/plain; charset=iso-2022-jp") {
				if a := p.mailed(p.StaffA, target, lure, media); a.Code != status {
					t.Errorf("%s as %s: status %d: %s", target, media, a.Code, a.Body)
				}
			}
			for _, media := range []string{"application/json", "image/png", "multipart/form-data; boundary=x", "text/html", "nonsense", ";"} {
				if a := p.mailed(p.StaffA, target, lure, media); a.Code != http.StatusUnsupportedMediaType {
					t.Errorf("%s as %s: status %d: %s", target, media, a.Code, a.Body)
				}
			}
			p.mailed(p.StaffA, target, "", "message/rfc822").refused(400, "api.body_empty")
			p.mailed(p.StaffA, target, " \r\n", "message/rfc822").refused(422, "mail.empty")
			p.mailed(p.StaffA, target, "PK\x03\x04\x14\x00\x00\x00\x08\x00"+strings.Repeat("\x00\xff", 60), "message/rfc822").refused(422, "mail.archive")
			p.mailed(p.StaffA, target, "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"+strings.Repeat("\x00", 60), "application/octet-stream").refused(422, "mail.image")
		}
		if n := p.rows("mail_report"); n != 1 {
			t.Errorf("the same mail makes %d reports", n)
		}
	})
}

// The largest mail is taken, a larger one refused before it is read whole.
func TestMailTooLarge(t *testing.T) {
	if testing.Short() {
		t.Skip("100 MB; make test runs it")
	}
	each(t, func(t *testing.T, p *portal) {
		head := strings.TrimSuffix(lure, "\r\n")
		largest := head + strings.Repeat("x", report.MaxMail-len(head))
		var got mailcheck.Report
		p.mailed(p.StaffA, "/api/v1/mail-checks", largest, "message/rfc822").ok(200, &got)
		for _, target := range []string{"/api/v1/mail-checks", "/api/v1/mail-reports"} {
			for _, more := range []string{"x", strings.Repeat("x", 10<<20)} {
				a := p.mailed(p.StaffA, target, largest+more, "message/rfc822")
				if !strings.Contains(a.Body.String(), "上限 50 MB") {
					t.Errorf("%s: %d bytes too many: %.200s", target, len(more), a.Body)
				}
				a.refused(http.StatusRequestEntityTooLarge, "report.large")
			}
		}
	})
}

// A report is stored once, shared redacted, and says where it is.
func TestReportMail(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		const reports = "/api/v1/mail-reports"
		var got mailReport
		a := p.mailed(p.StaffA, reports+"?did=clicked", lure, "message/rfc822")
		a.ok(201, &got)
		if p.woken != 1 || a.Header().Get("Location") != fmt.Sprintf("/reports/%d", got.ID) || got.Check.Subject != "Your password expires" {
			t.Errorf("woken %d times, %q, %+v", p.woken, a.Header().Get("Location"), got)
		}
		r, err := report.Get(context.Background(), p.DB, p.StaffA, got.ID)
		if err != nil || r.Channel != report.API || r.Did != mailcheck.Clicked || !r.Mine || r.Verdict != got.Check.Verdict {
			t.Errorf("%+v, %v", r, err)
		}
		first := got.ID
		if p.mailed(p.StaffA, reports, lure, "text/plain").ok(201, &got); got.ID != first {
			t.Errorf("the same mail again is report %d, not %d", got.ID, first)
		}
		if p.mailed(p.StaffB, reports, lure, "message/rfc822").ok(201, &got); got.ID == first {
			t.Error("two people share a report")
		}
		if _, err := report.Get(context.Background(), p.DB, p.StaffB, first); err == nil {
			t.Error("somebody else reads the report")
		}
		shared, err := report.Get(context.Background(), p.DB, p.Analyst, first)
		if err != nil || strings.Contains(jsonOf(t, shared), "staff@hospital.example") {
			t.Errorf("an analyst reads who got it: %s, %v", jsonOf(t, shared), err)
		}
		if n := p.audited(`action = 'report.add' AND channel = 'api'`); n < 2 {
			t.Errorf("%d records of reports", n)
		}
		if n := p.audited(`detail LIKE '%password expires%' OR detail LIKE '%portal-check%'`); n != 0 {
			t.Errorf("%d records hold words of the mail", n)
		}
		if strings.Contains(p.log.String(), "portal-check") {
			t.Error("the log holds words of the mail")
		}
	})
}

// An Outlook mail and a pasted text come by the same door.
func TestMailForms(t *testing.T) {
	each(t, func(t *testing.T, p *portal) {
		var got mailcheck.Report
		p.mailed(p.StaffA, "/api/v1/mail-checks", "差出人: info@portal-check.example\n件名: 再配達のお知らせ\n\nhttp://login-a.example/in をご確認ください", "text/plain").ok(200, &got)
		if got.Format == string(mail.EML) || len(got.Indicators) == 0 {
			t.Errorf("%+v", got)
		}
		forwarded := "From: a@hospital.example\r\nSubject: Fw\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nsee\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n" + lure + "\r\n--b--\r\n"
		p.mailed(p.StaffA, "/api/v1/mail-checks", forwarded, "message/rfc822").ok(200, &got)
		if got.Found != string(mail.Attached) || got.Subject != "Your password expires" {
			t.Errorf("the original was not found: %+v", got)
		}
	})
}
