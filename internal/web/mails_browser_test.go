// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build browser

package web

import (
	"fmt"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"teiten/internal/report"
	"teiten/internal/storetest"
)

// mailVisits are the pages about mails: what a nurse handed in, its report, the
// case of its wave, and those on whom something waits.
func (w *world) mailVisits() []visit {
	w.t.Helper()
	analyst, contact, staff := w.people["isac analyst"], w.people["minato contact"], w.people["minato staff"]
	page := "From: =?utf-8?B?6YqA6KGM?= <info@parcel-again.top>\r\nTo: m.tanaka@minato-hp.jp\r\nReply-To: collect@freemail.example\r\nSubject: =?utf-8?B?6YeN6KaB?=\r\nDate: Sat, 21 Nov 2026 09:00:00 +0900\r\nMIME-Version: 1.0\r\n" +
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>至急、本人確認は<a href=\"https://parcel-again.top/a?b=1\">https://www.minato-hp.jp/</a>から。24 時間以内に更新しない場合、アカウントを停止します。<span style=\"display:none\">隠し</span></p>\r\n" +
		"--b\r\nContent-Type: application/zip; name=\"invoice.pdf.exe\"\r\nContent-Disposition: attachment\r\n\r\nMZ\r\n--b--\r\n"
	held := w.holds("minato staff", page)
	one := w.reports("minato staff", parcel("田中 美咲", "m.tanaka@minato-hp.jp", "6d5f0d62f23a2c64"), "clicked")
	w.reports("yama staff", parcel("中村 翔", "nakamura@yama.example", "a0b1c2d3e4f5a6b7"), "")
	w.as("isac analyst", "POST", one+"/ask", form("reason", "経路を確かめたい")).is(303)
	r, err := report.Get(w.t.Context(), w.db, analyst, ending(w.t, one))
	must(w.t, err)
	at := caseAddress(r.Case)
	return []visit{
		{"mail check", staff, "/check", "", ""},
		{"mail check refused", staff, "/check", `document.querySelector(".check-form").requestSubmit()`, "#errors"},
		{"mail answer", staff, held + "?did=clicked", "", ""},
		{"mail preview", staff, held + "/report", "", ""},
		{"mail preview again", staff, held + "/report", `document.querySelector("[name=hide]").value = "銀行"; document.querySelector("[name=look]").click()`, "mark.masked"},
		{"mail reports", contact, "/reports", "", ""},
		{"mail report", staff, one, "", ""},
		{"mail report with a question", contact, one, "", ""},
		{"mail report of an analyst", analyst, one, "", ""},
		{"mail cases", analyst, "/cases", "", ""},
		{"mail case", analyst, at, "", ""},
		{"mail case refused", analyst, at, `const f = document.querySelector('form[action$="/dismiss"]'); f.reason.value = "x"; f.revision.value = "99"; f.requestSubmit()`, "#errors"},
		{"home with a question", contact, "/", "", ""},
		{"home with cases", analyst, "/", "", ""},
	}
}

// TestBrowserMails looks at the pages about mails as people see them: nothing is
// wider than the window, no script fails, nothing hostile can be opened.
func TestBrowserMails(t *testing.T) {
	w := mailWorld(t, storetest.SQLite(t))
	visits := w.mailVisits()
	complaints := new(complaints)
	ctx := browser(t, chromedp.WithListener(complaints.listen))
	for _, v := range visits {
		srv := as(t, w.Handler(), v.who, "ja")
		complaints.onScreens(t, ctx, screens, v.name, func(t *testing.T) {
			v.open(t, ctx, srv.URL)
			if why := danger(look[string](t, ctx, `document.documentElement.outerHTML`), []string{parcelHost}); why != "" {
				t.Error(why)
			}
		}, "422") // the form that is refused, as it should be
	}
}

// dropped drops a file of a mail program on an element of the page.
const dropped = `{
	const data = new DataTransfer();
	data.items.add(new File([%s], %s, {type: "message/rfc822"}));
	const at = document.querySelector(%s);
	for (const kind of ["dragenter", "dragover"])
		at.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: data}));
	at.dispatchEvent(new DragEvent("drop", {bubbles: true, cancelable: true, dataTransfer: data}));
}; undefined`

// TestBrowserDrop drops a mail on the page, beside the place for it too, and
// gets its answer without another click.
func TestBrowserDrop(t *testing.T) {
	w := mailWorld(t, storetest.SQLite(t))
	srv := httptest.NewServer(w.Handler())
	defer srv.Close()
	complaints := new(complaints)
	ctx := browser(t, chromedp.WithListener(complaints.listen))
	asPersona(t, ctx, srv.URL, w.people["minato staff"].Account)
	raw := parcel("田中 美咲", "m.tanaka@minato-hp.jp", "6d5f0d62f23a2c64")
	for _, at := range []string{"[data-drop]", "h1"} {
		must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/check")))
		if !look[bool](t, ctx, `!document.querySelector("[data-drop-words]").hidden`) {
			t.Error("the page does not say that a file can be dropped")
		}
		must(t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(dropped, strconv.Quote(raw), `"mail.eml"`, strconv.Quote(at))), chromedp.WaitVisible(chromedp.CSS(".mail-verdict"))))
		if got := look[string](t, ctx, `document.querySelector(".mail-subject b").textContent`); !strings.Contains(got, "お荷物のお届けについて") {
			t.Errorf("dropped on %s, the mail is %q", at, got)
		}
	}
	// What is no mail is refused on the page, and the next can be dropped there.
	must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/check"),
		chromedp.Evaluate[chromedp.Void](fmt.Sprintf(dropped, `"%PDF-1.7\n1 0 obj\n"`, `"mail.pdf"`, `"[data-drop]"`)), chromedp.WaitVisible(chromedp.CSS("#errors"))))
	must(t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(dropped, strconv.Quote(raw), `"mail.eml"`, `"[data-drop]"`)), chromedp.WaitVisible(chromedp.CSS(".mail-verdict"))))

	// The mark is taken back when the file is dragged away again.
	must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/check")))
	if !look[bool](t, ctx, `(() => {
		const data = new DataTransfer(), place = document.querySelector("[data-drop]");
		data.items.add(new File(["x"], "a.eml"));
		const drag = (kind) => place.dispatchEvent(new DragEvent(kind, {bubbles: true, cancelable: true, dataTransfer: data}));
		drag("dragenter");
		const marked = place.classList.contains("over");
		drag("dragleave");
		return marked && !place.classList.contains("over");
	})()`) {
		t.Error("the place is not marked while a file is over it, or stays so")
	}
	for _, c := range complaints.take() {
		if !strings.Contains(c, "422") {
			t.Error(c)
		}
	}
}
