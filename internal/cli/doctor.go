// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/config"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/feed"
	"teiten/internal/job"
	"teiten/internal/pki"
	"teiten/internal/store"
	"teiten/internal/token"
	"teiten/internal/trend"
)

// examined is one thing that doctor looked at.
type examined struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"`
}

func (e *env) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use: "doctor", Short: e.t("cli.doctor"), Long: e.t("cli.doctor.long"), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := e.configure(cmd)
			if err != nil {
				return err
			}
			all := e.examine(cmd.Context(), cfg)
			if err := e.print(map[string]any{"version": versionText(), "settings": cfg.Describe(), "checks": all}, func() {
				fmt.Fprintln(e.out, versionText())
				for _, s := range cfg.Describe() {
					fmt.Fprintf(e.out, "%-18s %s\t(%s)\n", s.Name, s.Value, s.Origin)
				}
				fmt.Fprintln(e.out)
				for _, x := range all {
					mark := "ok"
					if !x.OK {
						mark = "NG"
					}
					fmt.Fprintf(e.out, "%s  %s: %s\n", mark, e.t("cli.doctor."+x.Name), x.Detail)
				}
			}); err != nil {
				return err
			}
			for _, x := range all {
				if !x.OK {
					return errFound
				}
			}
			return nil
		},
	}
}

// examine looks at everything and changes nothing: a store that is absent is
// not created, a schema that is old is not brought up to date.
func (e *env) examine(ctx context.Context, cfg *config.Config) []examined {
	var all []examined
	note := func(name string, err error, detail string) bool {
		if err != nil {
			detail = e.lang.Fault(err)
		}
		all = append(all, examined{name, err == nil, detail})
		return err == nil
	}
	if cfg.Database == "" {
		if _, err := os.Stat(filepath.Join(cfg.Data, "teiten.db")); errors.Is(err, os.ErrNotExist) {
			note("store", nil, e.t("cli.doctor.empty", "folder", cfg.Data))
			return all
		}
	}
	db, err := store.Connect(ctx, store.Options{Database: cfg.Database, Data: cfg.Data})
	if !note("store", err, place(cfg)) {
		return all
	}
	defer db.Close()
	have, want, err := db.SchemaVersion(ctx)
	if !note("schema", err, e.t("cli.doctor.versions", "have", have, "want", want)) || have != want {
		all[len(all)-1].OK = have == want && err == nil
		return all
	}
	jobs, err := job.Counts(ctx, db)
	note("jobs", err, e.t("cli.doctor.jobcounts", "waiting", jobs["available"], "running", jobs["running"], "dead", jobs["dead"]))
	all[len(all)-1].OK = all[len(all)-1].OK && jobs["dead"] == 0
	e.examineBlobs(ctx, cfg, db, note)
	operator := local()
	diff, err := trend.Differences(ctx, db, operator)
	note("counts", err, e.t("cli.doctor.differences", "n", len(diff)))
	all[len(all)-1].OK = all[len(all)-1].OK && len(diff) == 0
	collectors, err := feed.Collectors(ctx, db, operator)
	failing := 0
	for _, c := range collectors {
		if c.Enabled && c.Failures > 0 {
			failing++
		}
	}
	note("collectors", err, e.t("cli.doctor.failing", "n", len(collectors), "failing", failing))
	e.examineAccess(ctx, cfg, db, note)
	e.examineMailbox(ctx, cfg, db, operator, note)
	return all
}

// examineAccess looks at what lets people in: the authority and certificates
// that end, tokens, the mail server, the portal's names, and the audit trail,
// which tells who came.
func (e *env) examineAccess(ctx context.Context, cfg *config.Config, db *store.DB, note func(string, error, string) bool) {
	operator := local()
	keys, err := blob.LoadKeyring(cfg.Data)
	if fault.Is(err, fault.NotFound) {
		note("authority", nil, e.t("cli.doctor.unfounded"))
		return
	}
	var office *device.Office
	if err == nil {
		office, err = device.Open(ctx, db, keys)
	}
	if fault.Is(err, fault.NotFound) {
		note("authority", nil, e.t("cli.doctor.unfounded"))
		return
	}
	name := ""
	if office != nil {
		name = office.Authority().Subject.CommonName
	}
	if note("authority", err, name) {
		ending, err := office.Expiring(ctx, db, operator, soon)
		last := ""
		if len(ending) > 0 {
			last = e.t("cli.doctor.ending", "n", len(ending), "day", e.lang.Date(ending[0].NotAfter))
			err = cmp.Or(err, error(fault.New(fault.Conflict, "cli.doctor.ending", "n", len(ending), "day", e.lang.Date(ending[0].NotAfter))))
		} else {
			last = e.t("cli.doctor.until", "day", e.lang.Date(office.Authority().NotAfter))
		}
		note("certificates", err, last)
	}
	tokens, err := token.Expiring(ctx, db, operator, soon)
	if err == nil && len(tokens) > 0 {
		err = fault.New(fault.Conflict, "cli.doctor.tokens_ending", "n", len(tokens))
	}
	note("tokens", err, e.t("cli.doctor.tokens_fine"))
	if len(cfg.Access.Hosts) == 0 {
		err = fault.New(fault.Invalid, "cli.hosts")
	} else {
		err = nil
	}
	note("hosts", err, strings.Join(cfg.Access.Hosts, " "))
	if path := cfg.Access.Certificate; path != "" {
		_, err := pki.OpenServerFiles(path, cfg.Access.Key, time.Now())
		note("server_certificate", err, path)
	}
	if m, err := e.mailer(cfg); m != nil || err != nil {
		if err == nil {
			err = m.Probe(ctx)
		}
		note("mail", err, cfg.Mail.Server)
	}
	report, err := audit.Verify(ctx, db, keys)
	if err == nil && !report.OK() {
		err = fault.New(fault.Conflict, "cli.doctor.audit_found", "n", int64(len(report.Findings))+report.More)
	}
	detail := ""
	if report != nil {
		detail = e.t("cli.doctor.audit_fine", "n", report.Records)
	}
	note("audit", err, detail)
}

// soon is how long before an end doctor speaks of it.
const soon = 30 * 24 * time.Hour

func (e *env) examineBlobs(ctx context.Context, cfg *config.Config, db *store.DB, note func(string, error, string) bool) {
	if _, err := os.Stat(filepath.Join(cfg.Data, blob.KeyFile)); errors.Is(err, os.ErrNotExist) {
		note("objects", nil, e.t("cli.doctor.objectcount", "n", 0))
		return
	}
	blobs, err := blob.Open(cfg.Data)
	if err != nil {
		note("objects", err, "")
		return
	}
	n, problems, err := blobs.Check(ctx, db)
	if err == nil && len(problems) > 0 {
		err = problems[0].Err
	}
	note("objects", err, e.t("cli.doctor.objectcount", "n", n))
}
