// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build browser

package web

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/accessibility"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/dom"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"

	"teiten/internal/caller"
	"teiten/internal/storetest"
)

var (
	//go:embed testdata/a11y.js
	auditScript string
	//go:embed testdata/a11y_look.js
	lookScript string
)

// barrier is something in a page that keeps somebody out: the rule's id, the
// success criterion of WCAG 2.2 and where it is.
type barrier struct {
	Rule, Criterion, Path, Says string
}

func (b barrier) String() string {
	return fmt.Sprintf("%s (WCAG 2.2 %s): %s: %s", b.Rule, b.Criterion, b.Path, b.Says)
}

// auditor judges the page that a tab of the browser shows.
type auditor struct {
	t   *testing.T
	ctx context.Context
}

// heard is what a screen reader is told of an element.
type heard struct {
	Role string `json:"role"`
	Name string `json:"name"`
}

// prepare unfolds the page and hands the accessibility tree of Chromium to the
// audit, by the numbers that the audit gives the elements.
func (a auditor) prepare() {
	a.t.Helper()
	a.do(auditScript + lookScript + "\naudit.number()")
	deep := int64(-1)
	doc, err := chromedp.Call(a.ctx, dom.GetDocument, dom.GetDocumentParams{Depth: &deep})
	must(a.t, err)
	numbers := map[cdp.BackendNodeID]string{}
	numbersOf(doc.Root, numbers)
	tree, err := chromedp.Call(a.ctx, accessibility.GetFullAXTree, accessibility.GetFullAXTreeParams{})
	must(a.t, err)
	told := map[string]heard{}
	for _, n := range tree.Nodes {
		at, known := numbers[n.BackendDOMNodeID]
		if known && !n.Ignored {
			told[at] = heard{Role: plainValue(n.Role), Name: strings.TrimSpace(plainValue(n.Name))}
		}
	}
	if len(told) == 0 {
		a.t.Fatal("the accessibility tree is empty")
	}
	out, err := json.Marshal(told)
	must(a.t, err)
	a.do("audit.tree(" + string(out) + ")")
}

func numbersOf(n *cdp.Node, numbers map[cdp.BackendNodeID]string) {
	for i := 0; i+1 < len(n.Attributes); i += 2 {
		if n.Attributes[i] == "data-audit" {
			numbers[n.BackendNodeID] = n.Attributes[i+1]
		}
	}
	for _, c := range n.Children {
		numbersOf(c, numbers)
	}
}

func plainValue(v *accessibility.Value) string {
	var s string
	if v == nil || json.Unmarshal(v.Value, &s) != nil {
		return ""
	}
	return s
}

// do runs a script for what it does.
func (a auditor) do(script string) {
	a.t.Helper()
	must(a.t, chromedp.Do(a.ctx, chromedp.Evaluate[chromedp.Void]("{"+script+"}; undefined")))
}

// run asks one group of rules.
func (a auditor) run(group string) []barrier {
	a.t.Helper()
	return look[[]barrier](a.t, a.ctx, "audit.run("+strconv.Quote(group)+")")
}

// screen makes the window so wide and its colours light or dark. Nothing moves.
func (a auditor) screen(width int64, scheme string, scale float64) {
	a.t.Helper()
	media(a.t, a.ctx, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{
		{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}})
	_, err := chromedp.Call(a.ctx, emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true})
	must(a.t, err)
	_, err = chromedp.Call(a.ctx, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: 900, DeviceScaleFactor: scale})
	must(a.t, err)
}

// walk presses Tab until the focus has come round, on the page as it opens.
func (a auditor) walk() []barrier {
	a.t.Helper()
	a.do(auditScript + lookScript + "\nglobalThis.stops = audit.steps(); document.activeElement.blur(); globalThis.address = location.href")
	most := look[int](a.t, a.ctx, "audit.tabbable().length + 1")
	for range 4 * most { // a date has several stops of its own
		a.key("Tab", 9, "")
		if look[bool](a.t, a.ctx, "audit.settled(stops)") {
			break
		}
	}
	if !look[bool](a.t, a.ctx, "location.href === address") {
		return []barrier{{"focus-changes", "3.2.1", "body", "the focus alone leads to another page"}}
	}
	return look[[]barrier](a.t, a.ctx, "audit.walked(stops)")
}

// key presses and releases a key.
func (a auditor) key(name string, code int64, text string) {
	a.t.Helper()
	down := input.DispatchKeyEventParams{Type: "rawKeyDown", Key: name, Code: name, WindowsVirtualKeyCode: code, Text: text}
	if text != "" {
		down.Type = "keyDown"
	}
	_, err := chromedp.Call(a.ctx, input.DispatchKeyEvent, down)
	must(a.t, err)
	_, err = chromedp.Call(a.ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: "keyUp", Key: name, Code: name, WindowsVirtualKeyCode: code})
	must(a.t, err)
}

// whole is everything about a page that is open: structure, and what is seen
// in each window and colour.
func (a auditor) whole() []barrier {
	a.t.Helper()
	var all []barrier
	a.screen(1280, "light", 1)
	all = append(all, a.walk()...)
	a.prepare()
	all = append(all, a.run("page")...)
	all = append(all, a.run("motion")...)
	for _, width := range []int64{1280, 390} {
		for _, scheme := range []string{"light", "dark"} {
			a.screen(width, scheme, 1)
			all = append(all, a.run("look")...)
			if width == 1280 {
				all = append(all, a.run("focus")...)
			}
		}
	}
	return append(all, a.narrow()...)
}

// narrow looks at the page in a window of 320 pixels, at 200 % of 1280 and
// with more space in its text.
func (a auditor) narrow() []barrier {
	a.t.Helper()
	a.screen(320, "light", 1)
	all := a.run("reflow")
	a.screen(640, "light", 2)
	all = append(all, a.run("zoom")...)
	a.screen(390, "light", 1)
	return append(all, a.run("spacing")...)
}

// english is what another language can change: names, marks of language, lengths.
func (a auditor) english() []barrier {
	a.t.Helper()
	a.screen(1280, "light", 1)
	a.prepare()
	return append(a.run("page"), a.narrow()...)
}

// tell reports each barrier once.
func tell(t *testing.T, all []barrier) {
	t.Helper()
	told := map[barrier]bool{}
	for _, b := range all {
		if !told[b] {
			t.Error(b)
		}
		told[b] = true
	}
}

// visit is a page as somebody opens it.
type visit struct {
	name string
	who  caller.Caller
	path string
	act  string // a script that leads to the page from there
	till string // what shows that it has
}

// as serves the portal to somebody in a language, without a sign-in.
func as(t *testing.T, h http.Handler, who caller.Caller, language string) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Set("Accept-Language", language)
		if who.Account != 0 {
			r.AddCookie(&http.Cookie{Name: "teiten-persona", Value: strconv.FormatInt(who.Account, 10)})
		}
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv
}

func (v visit) open(t *testing.T, ctx context.Context, at string) {
	t.Helper()
	must(t, chromedp.Do(ctx, chromedp.Navigate(at+v.path)))
	if v.act != "" {
		must(t, chromedp.Do(ctx, chromedp.Evaluate[chromedp.Void](v.act+"; undefined"), chromedp.WaitVisible(chromedp.CSS(v.till))))
	}
}

// TestAccessible holds every page of the portal against WCAG 2.2 AA, as far as
// a program can: in Japanese, in windows of 1280 and 390 pixels, light and
// dark, with the Tab key, zoomed and narrow; and in English.
func TestAccessible(t *testing.T) {
	for name, open := range map[string]func(*testing.T) (http.Handler, []visit){"world": worldVisits, "demo": demoVisits} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, visits := open(t)
			ctx := browser(t)
			for i, v := range visits {
				t.Run(v.name, func(t *testing.T) {
					a := auditor{t, ctx}
					v.open(t, ctx, as(t, h, v.who, "ja").URL)
					all := a.whole()
					if i == 0 { // the header of narrow windows is the same on every page
						for _, scheme := range []string{"light", "dark"} {
							a.screen(390, scheme, 1)
							all = append(all, a.run("focus")...)
						}
					}
					tell(t, all)
					v.open(t, ctx, as(t, h, v.who, "en").URL)
					tell(t, a.english())
				})
			}
		})
	}
}

func worldVisits(t *testing.T) (http.Handler, []visit) {
	w := mailWorld(t, storetest.SQLite(t))
	analyst, contact, staff := w.people["isac analyst"], w.people["minato contact"], w.people["minato staff"]
	const ask = `document.querySelector("#f-q").value = %q; document.querySelector("#f-q").form.requestSubmit()`
	const register = `document.querySelector('.send [value=%q]').click()`
	return w.Handler(), append(w.mailVisits(), []visit{
		{"home", contact, "/", "", ""},
		{"home of an analyst", analyst, "/", "", ""},
		{"home of a director", w.people["minato executive"], "/", "", ""},
		{"list", contact, "/advisories", "", ""},
		{"list narrowed", contact, "/advisories?category=phishing&from=2026-01-01&tlp=green", "", ""},
		{"list empty", contact, "/advisories?from=2000-01-01&to=2000-01-02", "", ""},
		{"search", staff, "/search", "", ""},
		{"search result", staff, "/search", fmt.Sprintf(ask, "差出人: info@takuhai.top\nhttps://rakuten-card.xyz/login\nhttps://www.google.com/maps\nhttp://new-host.top/a"), ".asked"},
		{"search words", staff, "/search", fmt.Sprintf(ask, "フィッシング"), ".asked"},
		{"detail", staff, w.one("phish"), "", ""},
		{"detail withdrawn", analyst, w.one("shop"), "", ""},
		{"detail in review", analyst, w.one("waiting"), "", ""},
		{"detail returned", contact, w.one("returned"), "", ""},
		{"revisions", analyst, w.one("card") + "/revisions", "", ""},
		{"register", analyst, "/advisories/new", "", ""},
		{"register refused", staff, "/advisories/new", fmt.Sprintf(register, "in_review"), "#errors"},
		{"register asks back", analyst, "/advisories/new", `
			document.querySelector('[name="category"][value="phishing"]').click();
			document.querySelector("#f-title").value = "宅配業者を装う SMS：再配達のお知らせ";
			document.querySelector("#f-body").value = "患者ID 00123456 の山田太郎様に SMS が届きました。";
			document.querySelector("#f-paste").value = "http://rakuten-card.xyz/re http://takuhai.top/?mail=a@minato-hp.jp https://rakuten-card.xyz/login";
			` + fmt.Sprintf(register, "in_review"), "#asks"},
		{"edit", analyst, w.one("card") + "/edit", "", ""},
		{"review", analyst, "/review", "", ""},
		{"indicator", analyst, indicatorAddress(w.db.Key("url", "https://rakuten-card.xyz/login")), "", ""},
		{"not found", staff, "/no-such-page", "", ""},
		{"forbidden", staff, "/review", "", ""},
		{"persona", caller.Caller{}, "/persona", "", ""},
		{"style", caller.Caller{}, "/style", "", ""},
	}...)
}

func demoVisits(t *testing.T) (http.Handler, []visit) {
	d := newDemo(t)
	role := func(r caller.Role) caller.Caller { return caller.Caller{Account: d.people[r]} }
	analyst, contact, staff := role(caller.Analyst), role(caller.Contact), role(caller.Staff)
	operator := role(caller.Operator)
	return d.Handler(), []visit{
		{"trends", contact, "/trends?period=12m", "", ""},
		{"trends by technique", role(caller.Executive), "/trends?by=technique&period=12m", "", ""},
		{"trends own period", contact, "/trends?series=sighting&by=brand&view=lines&period=own&from=2026-01-01&to=2026-06-30", "", ""},
		{"filters", contact, "/filters?format=squid-domains&own=1", "", ""},
		{"guard", analyst, "/guard", "", ""},
		{"institution", contact, "/institution", "", ""},
		{"import", analyst, "/import", "", ""},
		{"import run", analyst, "/import/1", "", ""},
		{"import refused", analyst, "/import", `document.querySelector('form[action="/import"]').requestSubmit()`, "#errors"},
		{"collectors", analyst, "/collectors", "", ""},
		{"glossary", staff, "/glossary", "", ""},
		{"help", staff, "/help", "", ""},
		{"help page", staff, "/help/filter", "", ""},
		{"techniques", analyst, "/techniques", "", ""},
		{"audit", operator, "/audit", "", ""},
		{"manage", operator, "/manage", "", ""},
		{"members", operator, "/members", "", ""},
		{"member new", operator, "/members/new", "", ""},
		{"member", operator, "/members/2", "", ""},
		{"requests", operator, "/members/requests", "", ""},
		{"evaluators", operator, "/members/evaluators", "", ""},
		{"people", contact, "/people", "", ""},
		{"person new", contact, "/people/new", "", ""},
		{"person", operator, "/people/6", "", ""},
		{"person refused", contact, "/people/new", `document.querySelector('form[action="/people"]').requestSubmit()`, "#errors"},
		{"groups", operator, "/groups", "", ""},
		{"tokens", operator, "/tokens", "", ""},
		{"token new", contact, "/tokens/new", "", ""},
		{"roles", staff, "/help/roles", "", ""},
		{"about", staff, "/about", "", ""},
	}
}
