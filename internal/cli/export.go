// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"teiten/internal/audit"
	"teiten/internal/blocklist"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/intel"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

func (e *env) exportCommand() *cobra.Command {
	var s intel.Selection
	var cats []string
	var level, output string
	var slugs []string
	for _, f := range blocklist.Formats() {
		slugs = append(slugs, f.Slug)
	}
	cmd := &cobra.Command{
		Use: "export FORMAT", Short: e.t("cli.export"), Long: e.t("cli.export.long", "formats", strings.Join(slugs, " ")), Args: cobra.ExactArgs(1),
		Example: "  teiten export rpz --output hospital.rpz\n  teiten export urls --category phishing --age 30",
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			f, err := blocklist.Find(args[0])
			if err != nil {
				return err
			}
			for _, c := range cats {
				parsed, err := category.Parse(c)
				if err != nil {
					return err
				}
				s.Categories = append(s.Categories, parsed)
			}
			if level != "" {
				l, err := tlp.Parse(level)
				if err != nil {
					return err
				}
				s.MaxTLP = &l
			}
			if err := s.Check(); err != nil {
				return err
			}
			if output == "" {
				return a.export(ctx, f, s, a.out)
			}
			return replaceFile(output, func(w io.Writer) error { return a.export(ctx, f, s, w) })
		}),
	}
	fs := cmd.Flags()
	fs.StringSliceVar(&cats, "category", nil, e.t("cli.flag.categories"))
	fs.IntVar(&s.MaxAge, "age", 0, e.t("cli.flag.age"))
	fs.IntVar(&s.MinConfidence, "confidence", 0, e.t("cli.flag.confidence"))
	fs.StringVar(&level, "tlp", "", e.t("cli.flag.max_tlp"))
	fs.BoolVar(&s.IncludeExpired, "include-expired", false, e.t("cli.flag.include_expired"))
	fs.StringVarP(&output, "output", "o", "", e.t("cli.flag.output"))
	return cmd
}

// export writes a list from one snapshot of the store.
func (a *app) export(ctx context.Context, f blocklist.Format, s intel.Selection, w io.Writer) error {
	s = f.Select(s)
	now := time.Now()
	var sum blocklist.Summary
	err := a.db.View(ctx, a.caller, func(tx *store.Tx) (err error) {
		sum, err = blocklist.Write(ctx, w, f, blocklist.Header{At: now, Title: a.caller.OrgName, Scope: blocklist.Scope(s, a.lang), Lang: a.lang},
			blocklist.Entries(ctx, tx, a.caller, s, now))
		return err
	})
	if err != nil {
		return err
	}
	return a.db.Write(ctx, a.caller, func(tx *store.Tx) error {
		return audit.Append(ctx, tx, "blocklist.export", "blocklist/"+f.Slug, "entries", sum.Written)
	})
}

// replaceFile writes a file beside name and puts it in its place when it is
// whole, so that a proxy never loads half a list.
func replaceFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fault.Wrap(err, fault.Unavailable, "cli.output", "file", name)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	buffered := bufio.NewWriterSize(f, 1<<20)
	if err := write(buffered); err != nil {
		return err
	}
	if err := errors.Join(buffered.Flush(), f.Chmod(0o644), f.Sync()); err != nil {
		return fault.Wrap(err, fault.Unavailable, "cli.output", "file", name)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fault.Wrap(err, fault.Unavailable, "cli.output", "file", name)
	}
	return f.Close()
}
