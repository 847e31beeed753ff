// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build browser

package web

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// TestKeys does with keys what is done with the mouse: menus and what is
// folded open, the question in a dialog is answered or left, and no letter
// alone does anything.
func TestKeys(t *testing.T) {
	w := newWorld(t)
	ctx := browser(t)
	a := auditor{t, ctx}
	at := as(t, w.Handler(), w.people["isac analyst"], "ja").URL
	a.screen(1280, "light", 1)
	is := func(want, expression string) {
		t.Helper()
		if got := look[string](t, ctx, "String("+expression+")"); got != want {
			t.Errorf("%s is %q, not %q", expression, got, want)
		}
	}
	open := func(path string) { must(t, chromedp.Do(ctx, chromedp.Navigate(at+path))) }
	enter := func() { a.key("Enter", 13, "\r") }

	// The skip link is the first stop and leads past the header.
	open("/")
	a.key("Tab", 9, "")
	is("#main", `document.activeElement.getAttribute("href")`)
	enter()
	is("main", `document.activeElement.id`)
	a.key("Tab", 9, "")
	is("true", `document.activeElement.matches("main *")`)

	// Every fold opens with Enter and closes with Space; Escape leaves a menu.
	open(w.one("waiting"))
	for i := range look[int](t, ctx, `document.querySelectorAll("summary").length`) {
		a.do(`globalThis.fold = document.querySelectorAll("summary")[` + itoa(int64(i)) + `]; globalThis.was = fold.parentElement.open; fold.focus()`)
		if !look[bool](t, ctx, `document.activeElement === fold`) {
			continue // of a narrow window
		}
		enter()
		is("true", `fold.parentElement.open !== was`)
		a.key(" ", 32, " ")
		is("true", `fold.parentElement.open === was`)
	}
	a.do(`document.querySelector(".who summary").focus()`)
	enter()
	a.do(`document.querySelector(".who-menu button").focus()`)
	a.key("Escape", 27, "")
	is("false", `document.querySelector(".who").open`)
	is("true", `document.activeElement === document.querySelector(".who summary")`)

	// A single letter does nothing (2.1.4); with Ctrl it goes to the search.
	a.do(`document.activeElement.blur(); globalThis.before = location.href`)
	for c := '!'; c <= '~'; c++ {
		a.key(string(c), 0, string(c))
	}
	is("true", `document.activeElement === document.body && location.href === before`)
	a.do(`dispatchEvent(new Event("x")); document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", ctrlKey: true, bubbles: true }))`)
	is("site-q", `document.activeElement.id`)

	// A dialog takes the focus, is named, and gives the focus back.
	open("/style")
	a.do(`document.querySelector("button[data-confirm]").focus()`)
	enter()
	must(t, chromedp.Do(ctx, chromedp.WaitVisible(chromedp.CSS("dialog"))))
	is("true", `document.activeElement.matches("dialog button")`)
	a.prepare()
	tell(t, a.run("look"))
	is("dialog", `audit.ax(document.querySelector("dialog")).role`)
	is("true", `audit.ax(document.querySelector("dialog")).name !== ""`)
	a.key("Escape", 27, "")
	is("null", `document.querySelector("dialog")`)
	is("true", `document.activeElement.matches("button[data-confirm]")`)
}

// TestWithoutScripts does the main things in a browser that runs no script:
// register with a preview, search, say "we received it too", publish, change
// the language.
func TestWithoutScripts(t *testing.T) {
	w := newWorld(t)
	ctx := browser(t)
	_, err := chromedp.Call(ctx, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true})
	must(t, err)
	steps := func(actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		soon, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		for i, act := range actions {
			if err := chromedp.Do(soon, act); err != nil {
				t.Fatalf("step %d: %v, at %s", i, err, look[string](t, ctx, `location.pathname + ": " + document.querySelector("main").innerText.slice(0, 300)`))
			}
		}
	}
	click := func(s string) chromedp.Action[chromedp.Void] { return chromedp.Click(chromedp.CSS(s)) }
	wait := func(s string) chromedp.Action[chromedp.Void] { return chromedp.WaitVisible(chromedp.CSS(s)) }
	typed := func(s, text string) chromedp.Action[chromedp.Void] { return chromedp.SendKeys(chromedp.CSS(s), text) }

	staff := as(t, w.Handler(), w.people["yama staff"], "ja").URL
	steps(chromedp.EmulateViewport(1280, 900), chromedp.Navigate(staff+"/advisories/new"),
		click(`[name="category"][value="phishing"]`), typed("#f-title", "宅配を装うメール"), typed("#f-body", "受付に届きました。"),
		typed("#f-paste", "http://takuhai.top/re"), click(`.preview-button button`), wait("#preview .found"),
		click(`.send [value="in_review"]`), wait(".flash"))
	steps(chromedp.Navigate(staff+"/search"), typed("#f-q", "https://rakuten-card.xyz/login"), click("main form .primary"), wait(".verdict"),
		chromedp.Navigate(staff+w.one("invoice")), click(`form[action$="/see"] button`), wait(`form[action$="/unsee"]`),
		click(".who summary"), wait(".who-menu"))

	analyst := as(t, w.Handler(), w.people["isac analyst"], "ja").URL
	steps(chromedp.Navigate(analyst+w.one("waiting")), click(`form[action$="/publish"] button`), wait(`main [name="confirm"] ~ .actions button`))
	steps(click(`main form[action$="/publish"] button`), wait(".flash"))
	steps(click(`[name="lang"]`), wait("main"))
}
