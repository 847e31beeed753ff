// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/feed"
	"teiten/internal/intel"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/outbound"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

// source is a feed on loopback whose answer the test changes.
type source struct {
	*httptest.Server
	items       atomic.Int64
	status      atomic.Int64
	notModified atomic.Int64
}

func newSource(t *testing.T) *source {
	s := &source{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if code := s.status.Load(); code != 0 {
			w.WriteHeader(int(code))
			return
		}
		etag := fmt.Sprintf(`"%d"`, s.items.Load())
		if r.Header.Get("If-None-Match") == etag {
			s.notModified.Add(1)
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("ETag", etag)
		fmt.Fprint(w, `<?xml version="1.0" encoding="UTF-8"?><rss version="2.0"><channel><title>見本</title><link>https://feed.example/</link>`)
		for i := range s.items.Load() {
			fmt.Fprintf(w, `<item><guid>n-%d</guid><title>偽サイトに関する注意喚起 第%d報</title><description>フィッシングの報告</description><pubDate>%s</pubDate></item>`,
				i, i, time.Now().AddDate(0, 0, -int(i)*20).Format(time.RFC1123Z))
		}
		fmt.Fprint(w, `</channel></rss>`)
	}))
	t.Cleanup(s.Close)
	return s
}

// open allows what is refused otherwise: plain HTTP to a loopback port.
func open(t *testing.T, s *source) *outbound.Client {
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		t.Fatal(err)
	}
	return outbound.New(outbound.Policy{AllowHTTP: true, AllowPorts: []uint16{uint16(port)}, AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})
}

func TestCollector(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		quiet := slog.New(slog.NewTextHandler(t.Output(), nil))
		operator, err := member.LocalOperator(ctx, db, "test")
		if err != nil {
			t.Fatal(err)
		}
		src := newSource(t)
		src.items.Store(4) // of today, 20, 40 and 60 days ago
		id, err := feed.Add(ctx, db, operator, feed.Collector{Name: "見本センター", URL: src.URL, TLP: tlp.Green, Enabled: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := feed.Add(ctx, db, operator, feed.Collector{Name: "again", URL: src.URL}); fault.Code(err) != "feed.known" {
			t.Errorf("the same address twice: %v", err)
		}
		runner := func(c *outbound.Client) *job.Runner {
			return job.NewRunner(db, quiet, map[string]job.Worker{feed.CollectJob: feed.Worker(db, c, intel.NewGuards(db), quiet)})
		}
		guarded, opened := runner(outbound.New(outbound.Policy{AllowHTTP: true})), runner(open(t, src))
		step := func(r *job.Runner) feed.Collector {
			t.Helper()
			if err := feed.RunNow(ctx, db, operator, id); err != nil {
				t.Fatal(err)
			}
			if n, err := r.Drain(ctx); err != nil || n != 1 {
				t.Fatalf("%d jobs, %v", n, err)
			}
			all, err := feed.Collectors(ctx, db, operator)
			if err != nil || len(all) != 1 {
				t.Fatal(all, err)
			}
			return *all[0]
		}
		drafts := func() int {
			t.Helper()
			p, err := advisory.List(ctx, db, operator, advisory.Filter{States: []advisory.State{advisory.Draft}, Source: "見本センター", Limit: 100})
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range p.Items {
				if a.TLP != tlp.Green || a.Category == "" || a.ExternalID == "" {
					t.Errorf("draft %+v", a)
				}
			}
			return len(p.Items)
		}

		if n, err := feed.Schedule(ctx, db); err != nil || n != 1 {
			t.Errorf("a new collector is not due: %d, %v", n, err)
		}
		if c := step(guarded); c.Failures != 1 || c.Failure() == nil || drafts() != 0 {
			t.Errorf("an address inside was not refused: %+v", c)
		}
		c := step(opened)
		if c.Failures != 0 || c.Failure() != nil || c.Items != 4 || drafts() != 2 {
			t.Errorf("first run: %+v, %d drafts; want the two of the last 30 days", c, drafts())
		}
		if !c.NextRun.After(time.Now()) {
			t.Errorf("next run at %v", c.NextRun)
		}
		if n, _ := feed.Schedule(ctx, db); n != 0 {
			t.Error("due again at once")
		}
		if step(opened); src.notModified.Load() != 1 || drafts() != 2 {
			t.Errorf("%d answers 304, %d drafts", src.notModified.Load(), drafts())
		}
		src.items.Store(5)
		if step(opened); drafts() != 3 {
			t.Errorf("%d drafts after a new item; what is new to a known feed comes in however old", drafts())
		}
		src.status.Store(503)
		before := drafts()
		if c := step(opened); c.Failures != 1 || c.ErrorCode == "" || drafts() != before || c.LastOK.IsZero() {
			t.Errorf("after a failure: %+v", c)
		}
		staff := caller.Caller{Account: 9, Org: 1, OrgKind: caller.Institution, Role: caller.Staff}
		if err := feed.Remove(ctx, db, staff, id); !fault.Is(err, fault.Forbidden) {
			t.Errorf("staff removed a collector: %v", err)
		}
		if err := feed.Remove(ctx, db, operator, id); err != nil || drafts() != before {
			t.Errorf("remove: %v, %d drafts left", err, drafts())
		}
	})
}

// While a feed is fetched, people go on working: what they change counts. And
// what the feed does wrong in one place does not end it.
func TestFetchBesidePeople(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		quiet := slog.New(slog.NewTextHandler(t.Output(), nil))
		operator, err := member.LocalOperator(ctx, db, "test")
		if err != nil {
			t.Fatal(err)
		}
		var during func()
		src := &source{}
		src.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/old" {
				http.Redirect(w, r, "/other", http.StatusMovedPermanently)
				return
			}
			if during != nil {
				during()
			}
			fmt.Fprintf(w, `<rss version="2.0"><channel><title>見本</title>
				<item><guid>future</guid><title>来月の研修</title><pubDate>%s</pubDate></item>
				<item><guid>%s</guid><title>長い番号</title><link>https://feed.example/%s</link></item>
				<item><guid>plain</guid><title>普通の項目</title></item></channel></rss>`,
				time.Now().AddDate(0, 1, 0).Format(time.RFC1123Z), strings.Repeat("g", 2040), strings.Repeat("l", 2020))
		}))
		t.Cleanup(src.Close)
		run := job.NewRunner(db, quiet, map[string]job.Worker{feed.CollectJob: feed.Worker(db, open(t, src), intel.NewGuards(db), quiet)})
		collect := func(c feed.Collector, n int) feed.Collector {
			t.Helper()
			c.Enabled = true
			id, err := feed.Add(ctx, db, operator, c)
			if err != nil {
				t.Fatal(err)
			}
			if err := feed.RunNow(ctx, db, operator, id); err != nil {
				t.Fatal(err)
			}
			if done, err := run.Drain(ctx); err != nil || done != 1 {
				t.Fatalf("%d jobs, %v", done, err)
			}
			found, err := advisory.List(ctx, db, operator, advisory.Filter{States: []advisory.State{advisory.Draft}, Source: c.Name})
			if err != nil || len(found.Items) != n {
				t.Errorf("%s: %d drafts, %v; want %d", c.Name, len(found.Items), err, n)
			}
			all, err := feed.Collectors(ctx, db, operator)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range all {
				if c.ID == id {
					return *c
				}
			}
			t.Fatalf("%s is gone", c.Name)
			return c
		}

		if c := collect(feed.Collector{Name: "other", URL: src.URL + "/other", TLP: tlp.Green}, 3); c.Failures != 0 || c.LastOK.IsZero() {
			t.Errorf("odd items: %+v", c)
		}
		if c := collect(feed.Collector{Name: "old", URL: src.URL + "/old", TLP: tlp.Green}, 3); c.URL != src.URL+"/old" || c.LastOK.IsZero() {
			t.Errorf("moved to where another is: %+v", c)
		}
		during = func() {
			all, err := feed.Collectors(ctx, db, operator)
			for _, c := range all {
				if c.Name == "narrowed" {
					c.TLP = tlp.Red
					err = feed.Change(ctx, db, operator, *c)
				}
			}
			if err != nil {
				t.Error(err)
			}
		}
		if c := collect(feed.Collector{Name: "narrowed", URL: src.URL + "/narrowed", TLP: tlp.Clear}, 3); c.TLP != tlp.Red || c.LastOK.IsZero() {
			t.Errorf("narrowed meanwhile: %+v", c)
		}
		found, err := advisory.List(ctx, db, operator, advisory.Filter{States: []advisory.State{advisory.Draft}, Source: "narrowed"})
		for _, a := range found.Items {
			if a.TLP != tlp.Red {
				t.Errorf("a draft at %s after the collector was narrowed, %v", a.TLP, err)
			}
		}
		during = func() {
			all, err := feed.Collectors(ctx, db, operator)
			for _, c := range all {
				if c.Name == "off" {
					err = feed.SetEnabled(ctx, db, operator, c.ID, false)
				}
			}
			if err != nil {
				t.Error(err)
			}
		}
		if c := collect(feed.Collector{Name: "off", URL: src.URL + "/off", TLP: tlp.Clear}, 0); c.Enabled {
			t.Error("switched off meanwhile, it is on again")
		}
	})
}

// What a collector brings is for the group that it was given, and editing its
// address or name does not widen that.
func TestCollectorOfAGroup(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		p := membertest.Register(t, db)
		group, err := member.AddGroup(ctx, db, p.Operator, "県内病院", "試験")
		if err != nil {
			t.Fatal(err)
		}
		src := newSource(t)
		src.items.Store(1)
		c := feed.Collector{Name: "見本センター", URL: src.URL, TLP: tlp.Green, Enabled: true, Group: group + 1}
		if _, err := feed.Add(ctx, db, p.Operator, c); fault.Code(err) != "sharing.group" {
			t.Errorf("a group that is not there: %v", err)
		}
		c.Group = 0
		if c.ID, err = feed.Add(ctx, db, p.Operator, c); err != nil {
			t.Fatal(err)
		}
		c.Name, c.Group = "別の名前", group
		if err := feed.Change(ctx, db, p.ContactA, c); fault.Code(err) != "fault.forbidden" {
			t.Errorf("by a hospital: %v", err)
		}
		c.Group = group + 1
		if err := feed.Change(ctx, db, p.Operator, c); fault.Code(err) != "sharing.group" {
			t.Errorf("shared with a group that is not there: %v", err)
		}
		if kept, err := feed.FindCollector(ctx, db, p.Operator, c.ID); err != nil || kept.Name != "見本センター" || kept.Group != 0 {
			t.Errorf("a refused change has left %+v, %v", kept, err)
		}
		c.Group = group
		if err := feed.Change(ctx, db, p.Operator, c); err != nil {
			t.Fatal(err)
		}
		if _, err := feed.FindCollector(ctx, db, p.ContactA, c.ID); fault.Code(err) != "fault.forbidden" {
			t.Errorf("read by a hospital: %v", err)
		}
		if all, err := feed.Collectors(ctx, db, p.Operator); err != nil || len(all) != 1 || all[0].Group != group || all[0].GroupName != "県内病院" || all[0].Name != c.Name {
			t.Errorf("%+v, %v", all, err)
		}
		work := feed.Worker(db, open(t, src), intel.NewGuards(db), slog.New(slog.DiscardHandler))
		if err := work(ctx, job.Job{Args: fmt.Appendf(nil, `{"id":%d}`, c.ID)}); err != nil {
			t.Fatal(err)
		}
		drafts, err := advisory.List(ctx, db, p.Analyst, advisory.Filter{States: []advisory.State{advisory.Draft}})
		if err != nil || len(drafts.Items) != 1 || drafts.Items[0].Group != group {
			t.Errorf("drafts %+v, %v", drafts.Items, err)
		}

		// What is shared with a closed group stays so; nothing new comes to it.
		if err := member.CloseGroup(ctx, db, p.Operator, group); err != nil {
			t.Fatal(err)
		}
		c.Every = 2 * feed.DefaultInterval
		if err := feed.Change(ctx, db, p.Operator, c); err != nil {
			t.Errorf("a change of something else, with the group closed: %v", err)
		}
		count := func() (n int) {
			t.Helper()
			drafts, err := advisory.List(ctx, db, p.Analyst, advisory.Filter{States: []advisory.State{advisory.Draft}})
			if err != nil {
				t.Fatal(err)
			}
			return len(drafts.Items)
		}
		collect := func() {
			t.Helper()
			if err := work(ctx, job.Job{Args: fmt.Appendf(nil, `{"id":%d}`, c.ID)}); err != nil {
				t.Fatal(err)
			}
		}
		src.items.Store(2)
		collect()
		if got, err := feed.FindCollector(ctx, db, p.Operator, c.ID); err != nil || got.ErrorCode != "feed.group" || count() != 1 {
			t.Errorf("for a closed group: %+v, %v, %d drafts", got, err, count())
		}
		c.Group = 0
		if err := feed.Change(ctx, db, p.Operator, c); err != nil {
			t.Fatal(err)
		}
		collect() // and nothing that came meanwhile is lost
		if got, err := feed.FindCollector(ctx, db, p.Operator, c.ID); err != nil || got.ErrorCode != "" || count() != 2 {
			t.Errorf("for all again: %+v, %v, %d drafts", got, err, count())
		}
		c.Group = group
		if err := feed.Change(ctx, db, p.Operator, c); fault.Code(err) != "sharing.group" {
			t.Errorf("back to a closed group: %v", err)
		}
	})
}
