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
	"runtime/debug"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"teiten/internal/api"
	"teiten/internal/audit"
	"teiten/internal/auth"
	"teiten/internal/caller"
	"teiten/internal/config"
	"teiten/internal/demo"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/feed"
	"teiten/internal/httpd"
	"teiten/internal/intake"
	"teiten/internal/job"
	"teiten/internal/mailer"
	"teiten/internal/member"
	"teiten/internal/report"
	"teiten/internal/store"
	"teiten/internal/token"
	"teiten/internal/web"
)

func (e *env) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: e.t("cli.serve"), Long: e.t("cli.serve.long"), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			a, err := e.openUnfounded(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.Close()) }()
			office, err := device.Open(cmd.Context(), a.db, a.blobs.Keyring())
			if fault.Is(err, fault.NotFound) {
				if office, err = a.firstRun(cmd.Context()); office == nil {
					return err
				}
			}
			if err != nil {
				return err
			}
			return a.serve(cmd.Context(), office, func(url string) {
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
			now := time.Now()
			if err := demo.Load(cmd.Context(), a.db, a.guards, now); err != nil {
				return err
			}
			if err := demo.Mails(cmd.Context(), a.db, a.blobs, a.checks, a.guards, now); err != nil {
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
			return a.sample(cmd.Context(), first, func(url string) { e.welcome(url, people) })
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

// personas are the accounts of the sample portal, whose visitors choose whom to be.
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

// sample serves the sample portal, on loopback only: nobody there shows a key.
func (a *app) sample(ctx context.Context, account int64, ready func(url string)) error {
	if !web.IsLoopback(a.cfg.Listen) {
		return fault.New(fault.Invalid, "cli.loopback", "listen", a.cfg.Listen)
	}
	keys := a.blobs.Keyring()
	operator, err := member.LocalOperator(ctx, a.db, "cli")
	if err != nil {
		return err
	}
	office, err := device.Create(ctx, a.db, keys, operator, "Teiten demo CA")
	if err != nil {
		return err
	}
	return a.run(ctx, running{
		site:  web.Config{Loopback: true, Deps: web.Deps{Personas: personas{a.db}, Default: account, Access: &web.Access{Office: office, Keys: keys}}},
		serve: func(server *http.Server, l net.Listener) error { return server.Serve(l) },
		url:   func(l net.Listener) string { return "http://" + l.Addr().String() + "/" },
		ready: ready,
	})
}

// running is what a portal on a listener consists of, beside what every portal has.
type running struct {
	site  web.Config
	peers func(http.Handler) http.Handler // finds out which device asks; nil for none
	serve func(*http.Server, net.Listener) error
	url   func(net.Listener) string
	ready func(url string)
}

// run serves until the context ends, then lets what runs come to its end.
func (a *app) run(ctx context.Context, r running) error {
	jobs := a.runner()
	d := &r.site.Deps
	d.DB, d.Guards, d.Blobs, d.Client, d.Wake, d.Version = a.db, a.guards, a.blobs, a.client, jobs.Wake, versionText()
	d.Checker, d.Mailer, d.Mailbox, d.MailDomain = a.checks, a.mail, a.box, a.cfg.Mailbox.Domain
	d.Denied = func(ctx context.Context, who caller.Caller, route string) {
		if err := audit.Denied(ctx, a.db, who, route, "route"); err != nil {
			a.log.Error("audit of a denial", "error", err)
		}
	}
	if a.mail != nil {
		d.Notify = func(ctx context.Context, account int64, key string, pairs ...any) error {
			return a.db.Keep(ctx, func(tx *store.Tx) error {
				_, err := a.mail.Notify(ctx, tx, account, key, pairs...)
				return err
			})
		}
	}
	var site *web.Server
	r.site.Log, r.site.Lang = a.log, a.cfg.Language
	r.site.Mounts = []web.Mount{{Pattern: "/api/", Handler: api.New(api.Deps{
		DB: a.db, Guards: a.guards, Blobs: a.blobs, Checker: a.checks, Wake: jobs.Wake, Log: a.log,
		Caller: func(r *http.Request, scope token.Scope) (caller.Caller, error) {
			c, err := site.Machine(r, scope)
			c.Channel = "api"
			return c, err
		},
	})}}
	site, err := web.New(r.site)
	if err != nil {
		return err
	}
	receive, err := a.listenForMail(ctx, d.Access.Office)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", a.cfg.Listen)
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "cli.listen", "listen", a.cfg.Listen)
	}
	handler := site.Handler()
	if r.peers != nil {
		handler = r.peers(handler)
	}
	server := web.HTTPServer(handler, a.log)
	working, stop := context.WithCancel(ctx)
	defer stop()
	var wg sync.WaitGroup
	wg.Go(func() { jobs.Run(working, 2) })
	wg.Go(func() { a.housekeeping(working, jobs, d.Access.Office) })
	wg.Go(func() { audit.Run(working, a.db, a.blobs.Keyring(), a.log) })
	failed := make(chan error, 2)
	if receive != nil {
		wg.Go(func() {
			if err := receive(working); err != nil {
				failed <- err
			}
		})
	}
	limited := httpd.Limit(listener, httpd.MostConnections, httpd.MostPerAddress, a.cfg.Access.Proxies)
	go func() { failed <- r.serve(server, limited) }()
	r.ready(r.url(listener))
	a.spare = nil
	debug.FreeOSMemory() // what it took to get here
	select {
	case err = <-failed:
	case <-ctx.Done():
		a.env.say("cli.stopping")
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
func (a *app) housekeeping(ctx context.Context, jobs *job.Runner, office *device.Office) {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for n := 0; ; n++ {
		if due, err := feed.Schedule(ctx, a.db); err != nil && ctx.Err() == nil {
			a.log.Error("schedule of collectors", "error", err)
		} else if due > 0 {
			jobs.Wake()
		}
		if due, err := a.box.Schedule(ctx); err != nil && ctx.Err() == nil {
			a.log.Error("schedule of institutions' mailboxes", "error", err)
		} else if due > 0 {
			jobs.Wake()
		}
		if _, err := report.Follow(ctx, a.db, a.mail); err != nil && ctx.Err() == nil {
			a.log.Error("cases that follow their advisories", "error", err)
		}
		if n%60 == 1 {
			if err := a.remind(ctx, office); err != nil && ctx.Err() == nil {
				a.log.Error("reminders of certificates that end", "error", err)
			}
			if _, err := job.Sweep(ctx, a.db, time.Now().AddDate(0, 0, -7)); err != nil && ctx.Err() == nil {
				a.log.Error("sweep of jobs", "error", err)
			}
			if _, err := intake.Forget(ctx, a.db); err != nil && ctx.Err() == nil {
				a.log.Error("sweep of uploads", "error", err)
			}
			if _, err := auth.Sweep(ctx, a.db); err != nil && ctx.Err() == nil {
				a.log.Error("sweep of sessions", "error", err)
			}
			if _, err := report.Sweep(ctx, a.db, a.blobs); err != nil && ctx.Err() == nil {
				a.log.Error("sweep of mails", "error", err)
			}
			if _, err := a.box.Sweep(ctx); err != nil && ctx.Err() == nil {
				a.log.Error("sweep of the mailbox", "error", err)
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

// remind tells by mail whose certificates end soon.
func (a *app) remind(ctx context.Context, office *device.Office) error {
	if a.mail == nil {
		return nil
	}
	return office.Remind(ctx, a.db, time.Now(), func(ctx context.Context, tx *store.Tx, r device.Reminder) error {
		_, err := a.mail.Notify(ctx, tx, r.Account, mailer.CertificateRenewal, "until", r.Until, "days", r.Days)
		return err
	})
}
