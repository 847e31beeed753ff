//go:build browser

package web

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/demo"
	"teiten/internal/intel"
	"teiten/internal/member"
	"teiten/internal/storetest"
)

func TestZZDemo(t *testing.T) {
	db := storetest.SQLite(t)
	g := intel.NewGuards(db)
	must(t, demo.Load(t.Context(), db, g, time.Now()))
	w := &world{db: db, people: map[string]caller.Caller{}, ids: map[string]int64{}}
	accounts, err := member.Accounts(t.Context(), db)
	must(t, err)
	var all people
	for _, a := range accounts {
		c, err := member.Caller(t.Context(), db, a.ID, "web")
		must(t, err)
		all = append(all, c)
		if _, ok := w.people[string(a.Role)]; !ok {
			w.people[string(a.Role)] = c
		}
	}
	w.portal = newPortal(t, func(c *Config) { c.Personas, c.Default, c.DB, c.Guards, c.Now = all, 0, db, g, time.Now })
	w.work(advisory.ConcernJob, advisory.ConcernWorker(db))
	for _, p := range []string{"/", "/advisories", "/review"} {
		start := time.Now()
		r := w.as("analyst", "GET", p, "")
		t.Log(p, r.status, time.Since(start))
		r.safe()
	}
	list, err := advisory.List(t.Context(), db, w.people["contact"], advisory.Filter{Limit: 200})
	must(t, err)
	n := 0
	for _, a := range list.Items {
		r := w.as("contact", "GET", address(a.ID), "").is(200)
		if why := danger(r.body); why != "" {
			t.Error(a.ID, why)
		}
		n++
	}
	t.Log(n, "details")
	srv := httptest.NewServer(w.Handler())
	defer srv.Close()
	ctx := browser(t)
	for i, p := range []struct{ who, path string }{{"analyst", "/"}, {"contact", "/"}, {"executive", "/"}, {"contact", address(list.Items[1].ID)}, {"analyst", "/review"}, {"contact", "/advisories"}} {
		for _, width := range []int64{1280, 390} {
			t.Run(fmt.Sprintf("%d-%s-%d", i, p.who, width), func(t *testing.T) {
				w.become(ctx, srv.URL, w.people[p.who])
				must(t, chromedp.Do(ctx, chromedp.EmulateViewport(width, 900), chromedp.Navigate(srv.URL+p.path)))
				narrowEnough(t, ctx, width)
				keepShot(t, ctx)
			})
		}
	}
}
