// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"teiten/internal/backup"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/config"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// local is the operator of this machine, for what needs no account.
func local() caller.Caller {
	c := caller.System("local operator")
	c.Channel = "cli"
	return c
}

func (e *env) migrateCommand() *cobra.Command {
	to := int64(-1)
	cmd := &cobra.Command{
		Use: "migrate", Short: e.t("cli.migrate"), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := e.configure(cmd)
			if err != nil {
				return err
			}
			db, err := store.Connect(cmd.Context(), store.Options{Database: cfg.Database, Data: cfg.Data})
			if err != nil {
				return err
			}
			defer db.Close()
			before, want, err := db.SchemaVersion(cmd.Context())
			if err != nil {
				return err
			}
			switch {
			case to < 0:
				err = db.Migrate(cmd.Context())
			case to > want:
				return fault.New(fault.Invalid, "cli.migrate.unknown", "version", to, "newest", want)
			default:
				err = db.MigrateTo(cmd.Context(), to)
			}
			if err != nil {
				return err
			}
			after, _, err := db.SchemaVersion(cmd.Context())
			if err != nil {
				return err
			}
			return e.print(map[string]int64{"before": before, "after": after}, func() {
				e.say("cli.migrate.done", "before", before, "after", after)
			})
		},
	}
	cmd.Flags().Int64Var(&to, "to", -1, e.t("cli.flag.to"))
	return cmd
}

func (e *env) backupCommand() *cobra.Command {
	return &cobra.Command{
		Use: "backup FILE", Short: e.t("cli.backup"), Long: e.t("cli.backup.long"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			s, err := backup.Create(ctx, a.db, a.caller, a.cfg.Data, args[0], nil)
			if err != nil {
				return err
			}
			return a.print(s, func() {
				a.say("cli.backup.done", "file", args[0], "rows", s.Rows, "objects", strconv.FormatInt(int64(s.Blobs), 10))
			})
		}),
	}
}

func (e *env) restoreCommand() *cobra.Command {
	var verify bool
	cmd := &cobra.Command{
		Use: "restore FILE", Short: e.t("cli.restore"), Long: e.t("cli.restore.long"), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := e.configure(cmd)
			if err != nil {
				return err
			}
			var s *backup.Summary
			if verify {
				s, err = backup.VerifyFile(cmd.Context(), args[0], nil)
			} else {
				s, err = backup.Restore(cmd.Context(), store.Options{Database: cfg.Database, Data: cfg.Data}, args[0], nil)
			}
			if err != nil {
				return err
			}
			return e.print(s, func() {
				key := "cli.restore.done"
				if verify {
					key = "cli.restore.verified"
				}
				e.say(key, "file", args[0], "rows", s.Rows, "objects", strconv.FormatInt(int64(s.Blobs), 10), "place", place(cfg))
			})
		},
	}
	cmd.Flags().BoolVar(&verify, "verify", false, e.t("cli.flag.verify"))
	return cmd
}

func (e *env) keyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: e.t("cli.key")}
	export := &cobra.Command{
		Use: "export", Short: e.t("cli.key.export"), Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := e.configure(cmd)
			if err != nil {
				return err
			}
			k, err := blob.OpenKeyring(cfg.Data)
			if err != nil {
				return err
			}
			fmt.Fprintln(e.out, k.Line())
			return nil
		},
	}
	imported := &cobra.Command{
		Use: "import FILE|-", Short: e.t("cli.key.import"), Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := e.configure(cmd)
			if err != nil {
				return err
			}
			return e.importKey(cfg, args[0])
		},
	}
	cmd.AddCommand(export, imported)
	return cmd
}

func (e *env) importKey(cfg *config.Config, name string) error {
	text, err := readSmall(name, e.in)
	if err != nil {
		return err
	}
	k, err := blob.ParseKey(text)
	if err != nil {
		return err
	}
	if err := k.Save(cfg.Data); err != nil {
		return err
	}
	e.say("cli.key.imported", "id", k.ID(), "folder", cfg.Data)
	return nil
}
