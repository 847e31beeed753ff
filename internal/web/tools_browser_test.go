// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build browser

package web

import (
	"context"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"teiten/internal/advisory"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/demo"
	"teiten/internal/feed"
	"teiten/internal/indicator"
	"teiten/internal/intake"
	"teiten/internal/intel"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

// TestToolPages opens the tools' pages with the demo's data: nothing is wider
// than the window and nothing is stopped by the content security policy.
func TestToolPages(t *testing.T) {
	d := newDemo(t)
	srv := httptest.NewServer(d.Handler())
	defer srv.Close()
	complaints := new(complaints)
	ctx := browser(t, chromedp.WithListener(complaints.listen))
	for _, page := range []struct {
		path string
		who  caller.Role
	}{
		{"/trends?period=12m", caller.Contact}, {"/trends?by=technique&period=12m", caller.Executive},
		{"/trends?series=sighting&by=brand&view=lines&period=own&from=2026-01-01&to=2026-06-30", caller.Contact},
		{"/filters?format=squid-domains&own=1", caller.Contact}, {"/guard", caller.Analyst}, {"/institution", caller.Contact},
		{"/import", caller.Analyst}, {"/import/1", caller.Analyst}, {"/collectors", caller.Analyst},
		{"/glossary", caller.Staff}, {"/help", caller.Staff}, {"/help/filter", caller.Staff},
		{"/techniques", caller.Staff}, {"/audit", caller.Operator}, {"/about", caller.Staff},
	} {
		name := strings.NewReplacer("/", "", "?", "_", "&", "_", "=", "-").Replace(page.path)
		complaints.onScreens(t, ctx, screens, name, func(t *testing.T) {
			asPersona(t, ctx, srv.URL, d.people[page.who])
			must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+page.path)))
			if status := look[string](t, ctx, `document.querySelector(".error-status")?.textContent ?? ""`); status != "" {
				t.Errorf("an error page: %s", status)
			}
		})
	}
}

// demoPortal is a portal with the demo's data and somebody of each role.
type demoPortal struct {
	*portal
	people map[caller.Role]int64
}

func newDemo(t *testing.T) *demoPortal {
	t.Helper()
	ctx, db := t.Context(), storetest.SQLite(t)
	guards := intel.NewGuards(db)
	must(t, demo.Load(ctx, db, guards, time.Now()))
	blobs, err := blob.Open(t.TempDir())
	must(t, err)
	accounts, err := member.Accounts(ctx, db)
	must(t, err)
	d := &demoPortal{people: map[caller.Role]int64{}}
	var everyone people
	who := map[caller.Role]caller.Caller{}
	for _, a := range accounts {
		c, err := member.Caller(ctx, db, a.ID, "web")
		must(t, err)
		everyone = append(everyone, c)
		if _, known := d.people[a.Role]; !known && (a.Org.Kind == caller.ISAC || a.Role != caller.Operator && a.Role != caller.Analyst) {
			d.people[a.Role], who[a.Role] = a.ID, c
		}
	}
	d.portal = newPortal(t, func(c *Config) {
		c.Personas, c.DB, c.Guards, c.Blobs, c.Now = everyone, db, guards, blobs, time.Now
	})
	analyst, contact := who[caller.Analyst], who[caller.Contact]
	must(t, intel.AddException(ctx, db, contact, indicator.Value{Kind: indicator.Domain, Value: "kensa-yoyaku.example", Host: "kensa-yoyaku.example"}, "検査の予約に使っています"))
	must(t, intel.Overrule(ctx, db, analyst, indicator.Value{Kind: indicator.Domain, Value: "free-hosting.example", Host: "free-hosting.example"}, "乗っ取られた状態が続いているため"))
	must(t, intel.SwitchList(ctx, db, analyst, "sinkholes", false, "古い値が多いため"))
	for _, c := range []feed.Collector{
		{Name: "JVN iPedia 新着情報", URL: "https://feeds.example/jvndb_new.rdf", Every: time.Hour, Enabled: true},
		{Name: "メーカーのお知らせ", URL: "https://vendor.example/news/security.atom", Every: 6 * time.Hour, TLP: tlp.Green},
	} {
		_, err := feed.Add(ctx, db, analyst, c)
		must(t, err)
	}
	g, err := guards.Current(ctx)
	must(t, err)
	o := intake.Defaults(intake.CSV)
	o.Category, o.Source = category.Phishing, "県警からの一覧"
	_, err = intake.File(ctx, db, analyst, g, o, "県警_不審URL一覧_2026-03.csv", strings.NewReader(
		"date,url\n2026-03-01,hxxps://refund-nhi[.]example/apply\n2026-03-01,これはURLではない\n2026-13-45,http://b.example/x\n2026-03-02,http://login.hoken-kanpu.example/index.php?id=1\n"))
	must(t, err)
	must(t, drain(ctx, d.portal, guards))
	return d
}

// drain does the jobs that the loading has left.
func drain(ctx context.Context, p *portal, guards *intel.Guards) error {
	db := p.DB
	r := job.NewRunner(db, slog.New(slog.DiscardHandler), map[string]job.Worker{
		trend.RefreshJob: trend.Worker(db), advisory.ConcernJob: advisory.ConcernWorker(db),
		member.RematchJob: advisory.RematchWorker(db), member.RejudgeJob: intel.RejudgeWorker(db, guards),
		intake.Job: intake.Worker(db, guards.Current, func(ctx context.Context, name string) (io.ReadCloser, error) {
			return p.Blobs.Open(ctx, db, name)
		}),
	})
	_, err := r.Drain(ctx)
	return err
}

// TestPrintTrends: what is handed to a director has the charts and the figures,
// and none of the controls.
func TestPrintTrends(t *testing.T) {
	d := newDemo(t)
	srv := httptest.NewServer(d.Handler())
	defer srv.Close()
	ctx := browser(t)
	media(t, ctx, emulation.SetEmulatedMediaParams{Media: "print"})
	asPersona(t, ctx, srv.URL, d.people[caller.Executive])
	must(t, chromedp.Do(ctx, chromedp.EmulateViewport(680, 1000), chromedp.Navigate(srv.URL+"/trends")))
	for selector, visible := range map[string]bool{".filters": false, ".tabs": false, ".tiles": true, ".figure svg": true, ".report-line": true} {
		if got := look[bool](t, ctx, `document.querySelector("`+selector+`").checkVisibility()`); got != visible {
			t.Errorf("%s is printed: %v", selector, got)
		}
	}
	keepShot(t, ctx)
}
