// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"os"

	"github.com/spf13/cobra"

	"teiten/internal/advisory"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/config"
	"teiten/internal/feed"
	"teiten/internal/intake"
	"teiten/internal/intel"
	"teiten/internal/job"
	"teiten/internal/mailbox"
	"teiten/internal/mailcheck"
	"teiten/internal/mailer"
	"teiten/internal/member"
	"teiten/internal/outbound"
	"teiten/internal/store"
	"teiten/internal/trend"
)

// app is the program put together over one store.
type app struct {
	*env
	cfg    *config.Config
	db     *store.DB
	blobs  *blob.Store
	guards *intel.Guards
	checks *mailcheck.Checker
	client *outbound.Client
	mail   *mailer.Mailer // nil without a mail server
	box    *mailbox.Box
	caller caller.Caller // who acts on the command line
}

// configure reads the settings and makes the log.
func (e *env) configure(cmd *cobra.Command) (*config.Config, error) {
	cfg, err := config.Load(cmd.Flags(), os.LookupEnv)
	if err != nil {
		return nil, err
	}
	e.lang = cfg.Language
	e.spare = make([]byte, 32<<20)
	options := &slog.HandlerOptions{Level: cfg.LogLevel}
	if cfg.LogFormat == config.LogJSON {
		e.log = slog.New(slog.NewJSONHandler(e.err, options))
	} else {
		e.log = slog.New(slog.NewTextHandler(e.err, options))
	}
	return cfg, nil
}

// openUnfounded puts the program together over the configured store, on which
// nobody may be registered yet.
func (e *env) openUnfounded(cmd *cobra.Command) (*app, error) {
	cfg, err := e.configure(cmd)
	if err != nil {
		return nil, err
	}
	return e.assemble(cmd.Context(), cfg, store.Options{Database: cfg.Database, Data: cfg.Data})
}

// open puts the program together for a command that acts as the local operator.
func (e *env) open(cmd *cobra.Command) (*app, error) {
	a, err := e.openUnfounded(cmd)
	if err != nil {
		return nil, err
	}
	if a.caller, err = member.LocalOperator(cmd.Context(), a.db, "cli"); err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

func (e *env) assemble(ctx context.Context, cfg *config.Config, o store.Options) (*app, error) {
	db, err := store.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	blobs, err := blob.Open(o.Data)
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	client := outbound.New(outbound.Policy{
		AllowPrivate: cfg.OutboundAllow, Proxy: cfg.OutboundProxy, UserAgent: "Teiten/" + Version,
	})
	a := &app{env: e, cfg: cfg, db: db, blobs: blobs, guards: intel.NewGuards(db), client: client}
	if a.checks, err = mailcheck.New(a.guards); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	if a.mail, err = e.mailer(cfg); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	a.box = a.mailbox()
	return a, nil
}

// mailer is outgoing mail as it is configured, nil for none.
func (e *env) mailer(cfg *config.Config) (*mailer.Mailer, error) {
	m := cfg.Mail
	if m.Server == "" {
		return nil, nil
	}
	host := "localhost"
	if len(cfg.Access.Hosts) > 0 {
		host = cfg.Access.Hosts[0]
	}
	return mailer.New(mailer.Config{Server: m.Server, Security: mailer.Security(m.Security), User: m.User, Password: m.Password,
		From: m.From, Host: host, Language: cfg.Language}, e.log)
}

// Close closes the store.
func (a *app) Close() error { return a.db.Close() }

// runner returns the workers of every kind of job.
func (a *app) runner() *job.Runner {
	workers := map[string]job.Worker{
		trend.RefreshJob:    trend.Worker(a.db),
		advisory.ConcernJob: advisory.ConcernWorker(a.db),
		member.RematchJob:   advisory.RematchWorker(a.db),
		member.RejudgeJob:   intel.RejudgeWorker(a.db, a.guards),
		feed.CollectJob:     feed.Worker(a.db, a.client, a.guards, a.log),
		intake.Job: intake.Worker(a.db, a.guards.Current, func(ctx context.Context, name string) (io.ReadCloser, error) {
			return a.blobs.Open(ctx, a.db, name)
		}),
	}
	if a.mail != nil {
		workers[mailer.SendJob] = a.mail.Worker(a.db)
	}
	maps.Copy(workers, a.box.Workers())
	runner := job.NewRunner(a.db, a.log, workers)
	a.box.Wake = runner.Wake
	return runner
}

// with runs a command over the configured store. What it left to do in the
// background is done before it returns: another process may not be running.
func (e *env) with(fn func(ctx context.Context, a *app, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) (err error) {
		a, err := e.open(cmd)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, a.Close()) }()
		err = fn(cmd.Context(), a, args)
		if err != nil && !errors.Is(err, errFound) {
			return err
		}
		_, jobs := a.runner().Drain(cmd.Context())
		return errors.Join(err, jobs)
	}
}
