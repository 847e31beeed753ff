// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build browser

package web

import (
	"context"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browserPages are the addresses that the browser visits.
var browserPages = []string{"/style", "/persona", "/no-such-page"}

// TestBrowser opens pages in headless Chromium at the width of a desk and of a
// phone, light and dark: nothing is wider than the window, and no script fails
// or is stopped by the content security policy. With TEITEN_SHOTS set to a
// directory it leaves pictures there. Run it with: go test -tags browser
func TestBrowser(t *testing.T) {
	p := newPortal(t)
	p.fillNav()
	srv := httptest.NewServer(p.Handler())
	defer srv.Close()

	complaints := new(complaints)
	ctx := browser(t, chromedp.WithListener(complaints.listen))
	for _, path := range browserPages {
		complaints.onScreens(t, ctx, []int64{1280, 390, 360}, strings.Trim(path, "/"), func(t *testing.T) {
			must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+path)))
		})
	}
}

// fillNav adds the pages that the table does not have yet, so that the header
// is seen at its fullest.
func (p *portal) fillNav() {
	var more []route
	have := map[string]bool{}
	for _, rt := range p.table() {
		have[rt.method+rt.pattern] = true
	}
	for _, key := range []string{"home", "advisories", "register", "review", "trends", "filters", "import", "collectors", "institution", "help"} {
		pattern := "/" + key
		if key == "home" {
			pattern = "/"
		}
		if !have["GET"+pattern] {
			more = append(more, on("GET", pattern, Portal, anyRole, p.style, nav(key)))
		}
	}
	if !have["POST/search"] {
		more = append(more, on("POST", "/search", Portal, anyRole, p.style))
	}
	p.with(more...)
}

// TestBrowserScripts uses the parts that need a script.
func TestBrowserScripts(t *testing.T) {
	p := newPortal(t)
	srv := httptest.NewServer(p.Handler())
	defer srv.Close()
	ctx := browser(t)

	err := chromedp.Do(ctx,
		chromedp.Navigate(srv.URL+"/style"),
		chromedp.SendKeys(chromedp.CSS("#f-url"), "https://login.example/"),
		chromedp.WaitVisible(chromedp.CSS("#preview code")),
	)
	if err != nil {
		t.Fatal(err)
	}
	if got := look[string](t, ctx, `document.querySelector("#preview code").textContent`); got != "hxxps://login[.]example/" {
		t.Errorf("the preview shows %q", got)
	}
	if look[bool](t, ctx, `document.querySelector("#preview [data-copy]").hidden`) {
		t.Error("the copy button of the preview stays hidden")
	}
	err = chromedp.Do(ctx,
		chromedp.Click(chromedp.CSS("button[data-confirm]")),
		chromedp.WaitVisible(chromedp.CSS("dialog")),
	)
	if err != nil {
		t.Fatal(err)
	}
	if look[string](t, ctx, `document.querySelector("dialog p").textContent`) == "" {
		t.Error("the dialog asks nothing")
	}
	keepShot(t, ctx)
	err = chromedp.Do(ctx,
		chromedp.Click(chromedp.CSS("dialog .danger")),
		chromedp.WaitVisible(chromedp.CSS(".flash")),
	)
	if err != nil {
		t.Fatal(err)
	}
}

// TestPrint looks at the style guide as it is printed.
func TestPrint(t *testing.T) {
	p := newPortal(t)
	srv := httptest.NewServer(p.Handler())
	defer srv.Close()
	ctx := browser(t)
	media(t, ctx, emulation.SetEmulatedMediaParams{Media: "print"})
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(680, 1000), chromedp.Navigate(srv.URL+"/style")); err != nil {
		t.Fatal(err)
	}
	header := look[string](t, ctx, `getComputedStyle(document.querySelector("header.site")).display`)
	head := look[string](t, ctx, `getComputedStyle(document.querySelector(".print-head")).display`)
	if header != "none" || head == "none" {
		t.Errorf("in print the header is %q and the report's head %q", header, head)
	}
	keepShot(t, ctx)
}

// complaints are what the browser says against a page.
type complaints struct {
	mu   sync.Mutex
	list []string
}

func (c *complaints) listen(event any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch e := event.(type) {
	case *log.EventEntryAdded:
		if e.Entry.Level == "error" && !strings.Contains(e.Entry.Text, "404") {
			c.list = append(c.list, e.Entry.Text)
		}
	case *runtime.EventExceptionThrown:
		c.list = append(c.list, e.ExceptionDetails.Text)
	}
}

func (c *complaints) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := c.list
	c.list = nil
	return list
}

// screens are as wide as those of a desk and of a phone.
var screens = []int64{1280, 390}

// onScreens opens a page on each screen, light and dark: nothing is wider than
// the window, and the browser complains of nothing but what is due.
func (c *complaints) onScreens(t *testing.T, ctx context.Context, widths []int64, name string, open func(t *testing.T), due ...string) {
	for _, width := range widths {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(fmt.Sprintf("%s/%d/%s", name, width, scheme), func(t *testing.T) {
				media(t, ctx, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
				must(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, 900)))
				open(t)
				narrowEnough(t, ctx, width)
				for _, said := range c.take() {
					if !slices.ContainsFunc(due, func(part string) bool { return strings.Contains(said, part) }) {
						t.Error(said)
					}
				}
				keepShot(t, ctx)
			})
		}
	}
}

func narrowEnough(t *testing.T, ctx context.Context, width int64) {
	t.Helper()
	if scroll := look[int64](t, ctx, `document.documentElement.scrollWidth`); scroll > width {
		t.Errorf("the page is %d pixels wide in a window of %d", scroll, width)
	}
}

// asPersona makes the browser an account at a portal of sample people.
func asPersona(t *testing.T, ctx context.Context, at string, account int64) {
	t.Helper()
	_, err := chromedp.Call(ctx, network.SetCookie, network.SetCookieParams{Name: "teiten-persona", Value: itoa(account), URL: at})
	must(t, err)
}

func media(t *testing.T, ctx context.Context, p emulation.SetEmulatedMediaParams) {
	t.Helper()
	if _, err := chromedp.Call(ctx, emulation.SetEmulatedMedia, p); err != nil {
		t.Fatal(err)
	}
}

// look evaluates a script's expression in the page.
func look[T any](t *testing.T, ctx context.Context, expression string) T {
	t.Helper()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// browser starts headless Chromium, which reaches loopback addresses only.
func browser(t *testing.T, more ...chromedp.ContextOption) context.Context {
	t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.UserDataDir(t.TempDir()),
		chromedp.Flag("accept-lang", "ja"),
		chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"),
	)
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx, more...)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func keepShot(t *testing.T, ctx context.Context) {
	t.Helper()
	dir := os.Getenv("TEITEN_SHOTS")
	if dir == "" {
		return
	}
	png, err := chromedp.Run(ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	name := strings.ReplaceAll(t.Name(), "/", "-") + ".png"
	if err := os.WriteFile(filepath.Join(dir, name), png, 0o600); err != nil {
		t.Fatal(err)
	}
}
