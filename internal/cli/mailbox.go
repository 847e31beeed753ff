// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"teiten/internal/caller"
	"teiten/internal/config"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/mailbox"
	"teiten/internal/mailcheck"
	"teiten/internal/pki"
	"teiten/internal/store"
)

func (e *env) mailboxCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "mailbox", Short: e.t("cli.mailbox"), Example: "  teiten mailbox add 3\n  teiten mailbox rotate 1 --overlap 336h"}
	imap := &cobra.Command{Use: "imap", Short: e.t("cli.mailbox.imap")}
	imap.AddCommand(e.imapList(), e.imapSet(), e.byID("remove ORGANISATION", "cli.mailbox.imap.remove", "cli.mailbox.imap.removed", mailbox.RemoveIMAP))
	cmd.AddCommand(e.mailboxList(), e.mailboxAdd(), e.mailboxRotate(),
		e.byID("off ADDRESS", "cli.mailbox.off", "cli.mailbox.off.done", mailbox.StopAddress), e.mailboxLog(),
		e.mailboxAccept(), e.mailboxDiscard(), imap, e.mailboxTest())
	return cmd
}

// mailbox is the reporting mailbox as it is configured, without a listener.
func (a *app) mailbox() *mailbox.Box {
	host := "localhost"
	if len(a.cfg.Access.Hosts) > 0 {
		host = a.cfg.Access.Hosts[0]
	}
	m := a.cfg.Mailbox
	return mailbox.New(mailbox.Parts{DB: a.db, Blobs: a.blobs, Checker: a.checks.With(mailcheck.Options{Forwarded: true}), Mail: a.mail, Log: a.log}, mailbox.Config{
		Domain: m.Domain, Host: host, MaxBytes: m.MaxBytes, RequireTLS: m.TLS == config.TLSRequired, Relays: m.Relays,
		IMAP: mailbox.IMAPConfig{Client: a.client}, Language: a.cfg.Language,
	})
}

// listenForMail opens the mailbox's own door; the returned function serves
// until the context ends. Without mailbox.listen there is none.
func (a *app) listenForMail(ctx context.Context, office *device.Office) (serve func(context.Context) error, err error) {
	m := a.cfg.Mailbox
	if m.Listen == "" {
		return nil, nil
	}
	var certificate func(*tls.ClientHelloInfo) (*tls.Certificate, error)
	keep := func(context.Context) {}
	if m.Certificate != "" {
		files, err := pki.OpenServerFiles(m.Certificate, m.Key, time.Now())
		if err != nil {
			return nil, err
		}
		certificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return files.Certificate(), nil }
		keep = func(ctx context.Context) { a.reload(ctx, files) }
	} else {
		door, err := a.openDoor(ctx, office)
		if err != nil {
			return nil, err
		}
		certificate, keep = door.certificate, door.keep
	}
	listener, err := net.Listen("tcp", m.Listen)
	if err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "cli.listen", "listen", m.Listen)
	}
	settings := &tls.Config{MinVersion: tls.VersionTLS12, GetCertificate: certificate}
	return func(ctx context.Context) error {
		daily, stop := context.WithCancel(ctx)
		defer stop()
		go keep(daily)
		return a.box.Serve(ctx, listener, settings)
	}, nil
}

// reload looks every minute whether the certificate's files have changed.
func (a *app) reload(ctx context.Context, files *pki.ServerFiles) {
	minute := time.NewTicker(time.Minute)
	defer minute.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-minute.C:
		}
		if _, err := files.Reload(time.Now()); err != nil {
			a.log.Error("renewal of the mailbox's certificate", "error", err)
		}
	}
}

func (e *env) mailboxList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: e.t("cli.mailbox.list"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			all, err := mailbox.Addresses(ctx, a.db, a.caller)
			if err != nil {
				return err
			}
			return a.print(orEmpty(all), func() {
				for _, x := range all {
					state := a.t("cli.mailbox.on")
					switch {
					case !x.Active:
						state = a.t("cli.mailbox.ended")
					case !x.EndsAt.IsZero():
						state = a.t("cli.mailbox.until", "at", a.lang.DateTime(x.EndsAt))
					}
					fmt.Fprintf(a.out, "%d\t%s\t%s\t%s\n", x.ID, x.Address, terminal(x.OrgName), state)
				}
			})
		}),
	}
}

// orEmpty makes JSON's [] of no rows.
func orEmpty[T any](all []T) []T {
	if all == nil {
		return []T{}
	}
	return all
}

func (e *env) mailboxAdd() *cobra.Command {
	return &cobra.Command{
		Use: "add ORGANISATION", Short: e.t("cli.mailbox.add"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			org, err := number(args[0])
			if err != nil {
				return err
			}
			made, err := a.box.AddAddress(ctx, a.caller, org)
			if err != nil {
				return err
			}
			return a.printAddress(made)
		}),
	}
}

func (e *env) mailboxRotate() *cobra.Command {
	var overlap time.Duration
	cmd := &cobra.Command{
		Use: "rotate ADDRESS", Short: e.t("cli.mailbox.rotate"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			made, err := a.box.RotateAddress(ctx, a.caller, id, overlap)
			if err != nil {
				return err
			}
			return a.printAddress(made)
		}),
	}
	cmd.Flags().DurationVar(&overlap, "overlap", 14*24*time.Hour, e.t("cli.flag.mailbox_overlap"))
	return cmd
}

// printAddress prints a new address alone on standard output, for scripts.
func (a *app) printAddress(x mailbox.Address) error {
	return a.print(x, func() {
		fmt.Fprintln(a.err, a.t("cli.mailbox.added", "id", strconv.FormatInt(x.ID, 10), "name", x.OrgName))
		fmt.Fprintln(a.out, x.Address)
	})
}

func (e *env) mailboxLog() *cobra.Command {
	var f mailbox.Filter
	cmd := &cobra.Command{
		Use: "log", Short: e.t("cli.mailbox.log"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			page, err := mailbox.Recent(ctx, a.db, a.caller, f)
			if err != nil {
				return err
			}
			return a.print(orEmpty(page.Items), func() {
				for _, m := range page.Items {
					fmt.Fprintf(a.out, "%d\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", m.ID, a.lang.DateTime(m.At), terminal(m.OrgName), m.Size,
						m.State.Name(a.lang), cmp.Or(string(m.Verdict), "-"), m.Reply.Name(a.lang), m.Why(a.lang))
				}
			})
		}),
	}
	cmd.Flags().IntVar(&f.Limit, "limit", 50, e.t("cli.flag.mailbox_limit"))
	cmd.Flags().Int64Var(&f.Org, "org", 0, e.t("cli.flag.mailbox_org"))
	cmd.Flags().Int64Var(&f.Before, "before", 0, e.t("cli.flag.mailbox_before"))
	cmd.Flags().BoolVar(&f.Outside, "outside", false, e.t("cli.flag.mailbox_outside"))
	return cmd
}

func (e *env) mailboxAccept() *cobra.Command {
	return &cobra.Command{
		Use: "accept MAIL", Short: e.t("cli.mailbox.accept"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			made, err := a.box.Accept(ctx, a.caller, id)
			if err != nil {
				return err
			}
			return a.print(map[string]int64{"id": id, "report": made}, func() {
				a.say("cli.mailbox.accept.done", "id", strconv.FormatInt(id, 10), "report", strconv.FormatInt(made, 10))
			})
		}),
	}
}

// mailboxDiscard asks for --yes rather than at the terminal: it runs in
// scripts too, and there is no way back.
func (e *env) mailboxDiscard() *cobra.Command {
	sure := false
	cmd := &cobra.Command{
		Use: "discard MAIL --yes", Short: e.t("cli.mailbox.discard"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			if !sure {
				return fault.New(fault.Invalid, "cli.mailbox.discard.sure").At("yes")
			}
			if err := a.box.Discard(ctx, a.caller, id); err != nil {
				return err
			}
			return a.done("cli.mailbox.discard.done", id)
		}),
	}
	cmd.Flags().BoolVar(&sure, "yes", false, e.t("cli.flag.mailbox_yes"))
	return cmd
}

func (e *env) imapList() *cobra.Command {
	return &cobra.Command{
		Use: "list", Short: e.t("cli.mailbox.imap.list"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			all, err := mailbox.IMAPs(ctx, a.db, a.caller)
			if err != nil {
				return err
			}
			return a.print(orEmpty(all), func() {
				for _, i := range all {
					state := a.t("cli.mailbox.on")
					if !i.Enabled {
						state = a.t("cli.mailbox.ended")
					} else if failure := i.Failure(); failure != nil {
						state = a.lang.Fault(failure)
					}
					fmt.Fprintf(a.out, "%d\t%s\t%s\t%s\t%d\t%s\n", i.Org, terminal(i.OrgName), i.Server, i.Security, i.Fetched, state)
				}
			})
		}),
	}
}

func (e *env) imapSet() *cobra.Command {
	i := mailbox.IMAP{Enabled: true}
	var security string
	var off, keep bool
	cmd := &cobra.Command{
		Use: "set ORGANISATION --server HOST:PORT --user NAME", Short: e.t("cli.mailbox.imap.set"), Long: e.t("cli.mailbox.imap.set.long"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) (err error) {
			if i.Org, err = number(args[0]); err != nil {
				return err
			}
			if !keep {
				line, _ := bufio.NewReader(a.in).ReadString('\n') // an empty one is refused below
				i.Password = strings.TrimRight(line, "\r\n")
			}
			i.Security, i.Enabled = mailbox.Security(security), !off
			if err := a.box.SetIMAP(ctx, a.caller, i); err != nil {
				return err
			}
			return a.done("cli.mailbox.imap.done", i.Org)
		}),
	}
	cmd.Flags().StringVar(&i.Server, "server", "", e.t("cli.flag.imap_server"))
	cmd.Flags().StringVar(&security, "security", string(mailbox.TLS), e.t("cli.flag.imap_security"))
	cmd.Flags().StringVar(&i.Login, "user", "", e.t("cli.flag.imap_user"))
	cmd.Flags().StringVar(&i.Folder, "folder", "INBOX", e.t("cli.flag.imap_folder"))
	cmd.Flags().StringVar(&i.DoneFolder, "done", "Teiten", e.t("cli.flag.imap_done"))
	cmd.Flags().BoolVar(&keep, "keep-password", false, e.t("cli.flag.imap_keep"))
	cmd.Flags().BoolVar(&off, "off", false, e.t("cli.flag.imap_off"))
	return cmd
}

// mailboxTest tries everything that mail needs: the own door, the way out, and
// the institutions' mailboxes.
func (e *env) mailboxTest() *cobra.Command {
	return &cobra.Command{
		Use: "test", Short: e.t("cli.mailbox.test"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			var all []examined
			note := func(name string, err error, detail string) bool {
				if err != nil {
					detail = a.lang.Fault(err)
				}
				all = append(all, examined{name, err == nil, detail})
				return err == nil
			}
			if err := a.probeMailbox(ctx, a.cfg, note); err != nil {
				return err
			}
			note("mail", a.probeMail(ctx), a.cfg.Mail.Server)
			imaps, err := mailbox.IMAPs(ctx, a.db, a.caller)
			if err != nil {
				return err
			}
			for _, i := range imaps {
				n, err := a.box.TestIMAP(ctx, a.caller, i.Org)
				note("mailbox_imap", err, a.t("cli.mailbox.imap.holds", "server", i.Server, "n", n))
			}
			failed := false
			if err := a.print(all, func() {
				for _, x := range all {
					mark := "ok"
					if !x.OK {
						mark = "NG"
					}
					fmt.Fprintf(a.out, "%s  %s: %s\n", mark, a.t("cli.doctor."+x.Name), x.Detail)
				}
			}); err != nil {
				return err
			}
			for _, x := range all {
				failed = failed || !x.OK
			}
			if failed {
				return errFound
			}
			return nil
		}),
	}
}

func (a *app) probeMail(ctx context.Context) error {
	if a.mail == nil {
		return fault.New(fault.Unavailable, "mailer.off")
	}
	return a.mail.Probe(ctx)
}

// probeMailbox asks the mailbox that is running, if one is configured.
func (e *env) probeMailbox(ctx context.Context, cfg *config.Config, note func(string, error, string) bool) error {
	m := cfg.Mailbox
	if m.Listen == "" {
		note("mailbox", nil, e.t("cli.doctor.mailbox_off"))
		return nil
	}
	state, err := mailbox.Probe(ctx, m.Listen)
	if note("mailbox", err, m.Listen+" "+m.Domain) && state != nil && len(state.PeerCertificates) > 0 {
		end := state.PeerCertificates[0].NotAfter
		var ending error
		if time.Until(end) < soon/3 {
			ending = fault.New(fault.Conflict, "cli.doctor.mailbox_ending", "day", e.lang.Date(end))
		}
		note("mailbox_certificate", ending, e.t("cli.doctor.until", "day", e.lang.Date(end)))
	}
	return nil
}

// examineMailbox looks at the reporting mailbox, if there is one.
func (e *env) examineMailbox(ctx context.Context, cfg *config.Config, db *store.DB, operator caller.Caller, note func(string, error, string) bool) {
	s, err := mailbox.ReadStatus(ctx, db, operator, 0)
	if err == nil && cfg.Mailbox.Listen == "" && s.Addresses == 0 && s.IMAPs == 0 {
		return
	}
	if err := e.probeMailbox(ctx, cfg, note); err != nil {
		note("mailbox", err, "")
	}
	if cfg.Mail.Server == "" {
		note("mailbox_answers", fault.New(fault.Unavailable, "mailer.off"), "")
	}
	last := e.t("cli.doctor.mailbox_never")
	if !s.Last.IsZero() {
		last = e.lang.DateTime(s.Last)
	}
	if err == nil && (s.Failed > 0 || !s.Oldest.IsZero() && time.Since(s.Oldest) > time.Hour) {
		err = fault.New(fault.Conflict, "cli.doctor.mailbox_stuck", "waiting", s.Waiting, "failed", s.Failed)
	}
	note("mailbox_mails", err, e.t("cli.doctor.mailbox_counts", "addresses", s.Addresses, "last", last, "day", s.Day, "bounces", s.Bounces,
		"waiting", s.Waiting, "unanswered", s.Unanswered))
	if s.IMAPs > 0 {
		err = nil
		if s.IMAPsFailing > 0 {
			err = fault.New(fault.Conflict, "cli.doctor.mailbox_imaps_failing", "n", s.IMAPs, "failing", s.IMAPsFailing)
		}
		note("mailbox_imap", err, e.t("cli.doctor.mailbox_imaps", "n", s.IMAPs))
	}
}
