// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/demo"
	"teiten/internal/intel"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/outbound"
	"teiten/internal/store"
	"teiten/internal/trend"
	"teiten/internal/web"
)

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// portal is the sample portal, served over loopback.
type portal struct {
	url    string
	client *http.Client
	ids    []int64 // advisories that its visitor may see
}

// loadDemo fills the store with the sample portal, does the jobs that follow,
// and serves it to a hospital's security contact.
func loadDemo(b *testing.B, db *store.DB) *portal {
	b.Helper()
	ctx := context.Background()
	guards := intel.NewGuards(db)
	if err := demo.Load(ctx, db, guards, time.Now()); err != nil {
		b.Fatal(err)
	}
	jobs := job.NewRunner(db, quiet, map[string]job.Worker{
		trend.RefreshJob:    trend.Worker(db),
		advisory.ConcernJob: advisory.ConcernWorker(db),
		member.RematchJob:   advisory.RematchWorker(db),
		member.RejudgeJob:   intel.RejudgeWorker(db, guards),
	})
	if _, err := jobs.Drain(ctx); err != nil {
		b.Fatal(err)
	}
	people, err := member.Accounts(ctx, db)
	if err != nil {
		b.Fatal(err)
	}
	visitor := caller.Caller{}
	for _, p := range people {
		if p.Org.Kind == caller.Institution && p.Role == caller.Contact {
			visitor = caller.Caller{Account: p.ID, Name: p.Name, Org: p.Org.ID, OrgName: p.Org.Short, OrgKind: p.Org.Kind, Role: p.Role}
			break
		}
	}
	blobs, err := blob.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	site, err := web.New(web.Config{Loopback: true, Log: quiet, Deps: web.Deps{
		Personas: personas{db}, Default: visitor.Account, DB: db, Guards: guards, Blobs: blobs, Client: outbound.New(outbound.Policy{}),
	}})
	if err != nil {
		b.Fatal(err)
	}
	found, err := advisory.List(ctx, db, visitor, advisory.Filter{Limit: 1000})
	if err != nil {
		b.Fatal(err)
	}
	p := serve(b, site.Handler())
	for _, a := range found.Items {
		p.ids = append(p.ids, a.ID)
	}
	if len(p.ids) < 20 {
		b.Fatalf("the sample portal shows %d advisories", len(p.ids))
	}
	return p
}

// personas lets the visitor be anybody, as the portal on loopback does.
type personas struct{ db *store.DB }

func (p personas) Personas(ctx context.Context) ([]caller.Caller, error) {
	people, err := member.Accounts(ctx, p.db)
	var all []caller.Caller
	for _, a := range people {
		all = append(all, caller.Caller{Account: a.ID, Name: a.Name, Org: a.Org.ID, OrgName: a.Org.Short, OrgKind: a.Org.Kind, Role: a.Role})
	}
	return all, err
}

func (p personas) Lookup(ctx context.Context, account int64) (caller.Caller, error) {
	return member.Caller(ctx, p.db, account, "web")
}

// serve starts a server with the portal's own limits on a free port.
func serve(b *testing.B, h http.Handler) *portal {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := web.HTTPServer(h, quiet)
	go server.Serve(l)
	b.Cleanup(func() { server.Close() })
	// As a browser does: connections are kept, answers come compressed. The
	// client does not unpack them, which would cost the server's processors.
	transport := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	b.Cleanup(transport.CloseIdleConnections)
	return &portal{url: "http://" + l.Addr().String(), client: &http.Client{Transport: transport}}
}
