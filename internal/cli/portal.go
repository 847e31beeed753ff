// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"teiten/internal/api"
	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/config"
	"teiten/internal/demo"
	"teiten/internal/fault"
	"teiten/internal/feed"
	"teiten/internal/intake"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/store"
	"teiten/internal/web"
)

func (e *env) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: e.t("cli.serve"), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			a, err := e.open(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.Close()) }()
			return a.portal(cmd.Context(), a.caller.Account, func(url string) {
				e.say("cli.serving", "url", url, "data", place(a.cfg))
			})
		},
	}
}

func place(c *config.Config) string {
	if c.Database != "" {
		return config.Redact(c.Database)
	}
	return c.Data
}

func (e *env) demoCommand() *cobra.Command {
	return &cobra.Command{
		Use: "demo", Short: e.t("cli.demo"), Long: e.t("cli.demo.long"), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			cfg, err := e.configure(cmd)
			if err != nil {
				return err
			}
			dir, err := os.MkdirTemp("", "teiten-demo-")
			if err != nil {
				return fault.Wrap(err, fault.Unavailable, "cli.temporary")
			}
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			a, err := e.assemble(cmd.Context(), cfg, store.Options{Data: dir, Volatile: true})
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.Close()) }()
			if err := demo.Load(cmd.Context(), a.db, a.guards, time.Now()); err != nil {
				return err
			}
			people, err := member.Accounts(cmd.Context(), a.db)
			if err != nil {
				return err
			}
			first := people[0].ID
			for _, p := range people {
				if p.Org.Kind == caller.Institution && p.Role == caller.Contact {
					first = p.ID // one enters as a hospital's security contact
					break
				}
			}
			return a.portal(cmd.Context(), first, func(url string) { e.welcome(url, people) })
		},
	}
}

// welcome prints where the demo is and whom one can be.
func (e *env) welcome(url string, people []member.Account) {
	e.say("cli.demo.ready", "url", url)
	seen := map[caller.Role]bool{}
	for _, p := range people {
		if !seen[p.Role] {
			seen[p.Role] = true
			fmt.Fprintf(e.out, "  %s\t%s（%s）\n", e.t("web.role."+string(p.Role)), p.Name, p.Org.Short)
		}
	}
	e.say("cli.demo.stop")
}

// personas lets a visitor on loopback choose who to be, until signing in comes.
type personas struct{ db *store.DB }

func (p personas) Personas(ctx context.Context) ([]caller.Caller, error) {
	people, err := member.Accounts(ctx, p.db)
	if err != nil {
		return nil, err
	}
	var all []caller.Caller
	for _, a := range people {
		all = append(all, caller.Caller{
			Account: a.ID, Name: a.Name, Org: a.Org.ID, OrgName: a.Org.Short, OrgKind: a.Org.Kind, Role: a.Role, Channel: "web",
		})
	}
	return all, nil
}

func (p personas) Lookup(ctx context.Context, account int64) (caller.Caller, error) {
	return member.Caller(ctx, p.db, account, "web")
}

// portal serves until the context ends, then lets what runs come to its end.
func (a *app) portal(ctx context.Context, account int64, ready func(url string)) error {
	if !web.IsLoopback(a.cfg.Listen) {
		return fault.New(fault.Invalid, "cli.loopback", "listen", a.cfg.Listen)
	}
	jobs := a.runner()
	deps := web.Deps{
		Personas: personas{a.db}, Default: account, DB: a.db, Guards: a.guards, Blobs: a.blobs, Client: a.client, Wake: jobs.Wake,
		Version: versionText(),
		Denied: func(ctx context.Context, who caller.Caller, route string) {
			if err := audit.Denied(ctx, a.db, who, route, "route"); err != nil {
				a.log.Error("audit of a denial", "error", err)
			}
		},
	}
	site, err := web.New(web.Config{Deps: deps, Log: a.log, Lang: a.cfg.Language, Loopback: true,
		Mounts: []web.Mount{{Pattern: "/api/", Handler: api.New(api.Deps{
			DB: a.db, Guards: a.guards, Wake: jobs.Wake, Log: a.log, Caller: func(r *http.Request) (caller.Caller, error) {
				c, err := member.Caller(r.Context(), a.db, account, "api")
				return c, err
			},
		})}}})
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", a.cfg.Listen)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "cli.listen", "listen", a.cfg.Listen)
	}
	server := web.HTTPServer(site.Handler(), a.log)
	working, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { jobs.Run(working, 2) })
	wg.Go(func() { a.housekeeping(working, jobs) })
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	ready("http://" + listener.Addr().String() + "/")
	select {
	case err = <-failed:
	case <-ctx.Done():
		e := a.env
		e.say("cli.stopping")
		ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 15*time.Second)
		defer cancel()
		err = server.Shutdown(ending)
		if errors.Is(err, context.DeadlineExceeded) {
			err = server.Close() // a reader who takes longer is cut off
		}
	}
	stop()
	wg.Wait()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// housekeeping does what the clock asks for.
func (a *app) housekeeping(ctx context.Context, jobs *job.Runner) {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for n := 0; ; n++ {
		if due, err := feed.Schedule(ctx, a.db); err != nil && ctx.Err() == nil {
			a.log.Error("schedule of collectors", "error", err)
		} else if due > 0 {
			jobs.Wake()
		}
		if n%60 == 1 {
			if _, err := job.Sweep(ctx, a.db, time.Now().AddDate(0, 0, -7)); err != nil && ctx.Err() == nil {
				a.log.Error("sweep of jobs", "error", err)
			}
			if _, err := intake.Forget(ctx, a.db); err != nil && ctx.Err() == nil {
				a.log.Error("sweep of uploads", "error", err)
			}
			if _, err := a.blobs.Sweep(ctx, a.db); err != nil && ctx.Err() == nil {
				a.log.Error("sweep of objects", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-minute.C:
		}
	}
}
