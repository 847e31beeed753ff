// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build browser

package web

import (
	"context"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"teiten/internal/advisory"
)

// TestBrowserIntel looks at the pages about shared information as people see
// them: nothing is wider than the window, no script fails.
func TestBrowserIntel(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewServer(w.Handler())
	defer srv.Close()
	complaints := new(complaints)
	ctx := browser(t, chromedp.WithListener(complaints.listen))
	for _, page := range []struct{ name, who, path string }{
		{"home-contact", "minato contact", "/"},
		{"home-analyst", "isac analyst", "/"},
		{"home-staff", "minato staff", "/"},
		{"home-executive", "minato executive", "/"},
		{"list", "minato contact", "/advisories"},
		{"list-narrowed", "minato contact", "/advisories?category=phishing&from=2026-01-01&tlp=green"},
		{"list-none", "minato contact", "/advisories?from=2000-01-01&to=2000-01-02"},
		{"detail", "minato staff", w.one("phish")},
		{"detail-withdrawn", "isac analyst", w.one("shop")},
		{"detail-review", "isac analyst", w.one("waiting")},
		{"revisions", "isac analyst", w.one("card") + "/revisions"},
		{"register", "isac analyst", "/advisories/new"},
		{"edit", "isac analyst", w.one("card") + "/edit"},
		{"review", "isac analyst", "/review"},
		{"indicator", "isac analyst", indicatorAddress(w.db.Key("url", "https://rakuten-card.xyz/login"))},
		{"search-form", "minato staff", "/search"},
	} {
		complaints.onScreens(t, ctx, screens, page.name, func(t *testing.T) {
			asPersona(t, ctx, srv.URL, w.people[page.who].Account)
			must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+page.path)))
		})
	}
}

// TestBrowserSearch asks as a member of staff does, with a mail pasted whole.
func TestBrowserSearch(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewServer(w.Handler())
	defer srv.Close()
	ctx := browser(t)
	asPersona(t, ctx, srv.URL, w.people["minato staff"].Account)
	for name, asked := range map[string]string{
		"active":  "http://rakuten-card.xyz/login を開いてください",
		"mail":    "差出人: info@takuhai.top\n件名: 再配達のお知らせ\n\nお荷物をお届けしましたが不在でした。\nhttps://rakuten-card.xyz/login\nhttps://www.google.com/maps\nhttp://new-host.top/a",
		"unknown": "https://nobody-knows.top/",
		"words":   "フィッシング",
		"none":    "こんなことばはどこにもない",
	} {
		for _, width := range screens {
			t.Run(fmt.Sprintf("%s/%d", name, width), func(t *testing.T) {
				must(t, chromedp.Do(ctx,
					chromedp.EmulateViewport(width, 900), chromedp.Navigate(srv.URL+"/search"),
					chromedp.SetValue(chromedp.CSS("#f-q"), asked), chromedp.Submit(chromedp.CSS("#f-q")),
					chromedp.WaitVisible(chromedp.CSS(".asked"))))
				narrowEnough(t, ctx, width)
				keepShot(t, ctx)
			})
		}
	}
	must(t, chromedp.Do(ctx, chromedp.Click(chromedp.CSS(`.helped [value="yes"]`)), chromedp.WaitVisible(chromedp.CSS(".told"))))
	if !look[bool](t, ctx, `!!document.querySelector(".asked")`) {
		t.Error("the answer took the result away")
	}
	o, err := advisory.ReadOpinions(t.Context(), w.db, w.people["minato staff"], 0)
	if err != nil || o.Helped != 1 {
		t.Errorf("%d found it helpful (%v)", o.Helped, err)
	}
}

// TestBrowserRegister fills the form in: the preview follows while one types.
func TestBrowserRegister(t *testing.T) {
	w := newWorld(t)
	srv := httptest.NewServer(w.Handler())
	defer srv.Close()
	complaints := new(complaints)
	ctx := browser(t, chromedp.WithListener(complaints.listen))
	asPersona(t, ctx, srv.URL, w.people["isac analyst"].Account)
	must(t, chromedp.Do(ctx,
		chromedp.EmulateViewport(1280, 900), chromedp.Navigate(srv.URL+"/advisories/new"),
		chromedp.Click(chromedp.CSS(`[name="category"][value="phishing"]`)),
		chromedp.SendKeys(chromedp.CSS("#f-title"), "宅配業者を装う SMS：再配達のお知らせ"),
		chromedp.SendKeys(chromedp.CSS("#f-body"), "患者ID 00123456 の山田太郎様に SMS が届き、リンクを開いて ID とパスワードを入力しました。"),
		chromedp.SendKeys(chromedp.CSS("#f-paste"), "http://rakuten-card.xyz/re http://takuhai.top/?mail=a@minato-hp.jp https://www.google.com/"),
		chromedp.WaitVisible(chromedp.CSS("#preview .found"))))
	time.Sleep(800 * time.Millisecond) // the last keys' preview
	keepShot(t, ctx)
	if n := look[int64](t, ctx, `document.querySelectorAll("#preview .found > li").length`); n != 3 {
		t.Errorf("the preview lists %d indicators", n)
	}
	must(t, chromedp.Do(ctx, chromedp.Click(chromedp.CSS(`#preview [name="omit"]`)), chromedp.WaitVisible(chromedp.CSS("#preview .omitted"))))
	if got := look[string](t, ctx, `document.activeElement.name`); got != "omit" {
		t.Errorf("the focus is on %q", got)
	}
	must(t, chromedp.Do(ctx, chromedp.Click(chromedp.CSS(`.send [value="in_review"]`)), chromedp.WaitVisible(chromedp.CSS("#asks"))))
	keepShot2(t, ctx, "asks")
	must(t, chromedp.Do(ctx, chromedp.Click(chromedp.CSS(`#asks [name="personal"]`)),
		chromedp.Click(chromedp.CSS(`.send [value="in_review"]`)), chromedp.WaitVisible(chromedp.CSS(".flash"))))
	keepShot2(t, ctx, "done")
	for _, c := range complaints.take() {
		if !strings.Contains(c, "422") { // the form asked back, as it should
			t.Error(c)
		}
	}
}

func keepShot2(t *testing.T, ctx context.Context, name string) {
	t.Run(name, func(t *testing.T) { keepShot(t, ctx) })
}
