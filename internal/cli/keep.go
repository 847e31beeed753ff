// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"io"
	"os"

	"github.com/spf13/cobra"

	"teiten/internal/audit"
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
			// What was done until now is sealed, and so in the backup as it was.
			if _, err := audit.Seal(ctx, a.db, a.blobs.Keyring()); err != nil {
				return err
			}
			s, err := backup.Create(ctx, a.db, a.caller, a.cfg.Data, args[0], nil)
			if err != nil {
				return err
			}
			return a.print(s, func() {
				a.say("cli.backup.done", "file", args[0], "rows", s.Rows, "objects", s.Blobs)
			})
		}),
	}
}

func (e *env) restoreCommand() *cobra.Command {
	var verify, withoutKey bool
	var keyFile string
	cmd := &cobra.Command{
		Use: "restore FILE", Short: e.t("cli.restore"), Long: e.t("cli.restore.long"), Args: cobra.ExactArgs(1),
		Example: "  teiten restore --key key.txt --data /srv/teiten monday.teiten",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := e.configure(cmd)
			if err != nil {
				return err
			}
			var key *blob.Keyring
			if keyFile != "" {
				if key, err = e.readKey(keyFile); err != nil {
					return err
				}
			}
			f, err := os.Open(args[0])
			if err != nil {
				return fault.Wrap(err, fault.Invalid, "cli.import.open", "file", args[0])
			}
			defer f.Close()
			var s *backup.Summary
			done := "cli.restore.done"
			if verify {
				done = "cli.restore.verified"
				s, err = backup.Verify(cmd.Context(), f, key)
			} else {
				s, err = backup.Restore(cmd.Context(), local(), store.Options{Database: cfg.Database, Data: cfg.Data}, f,
					backup.RestoreOptions{Key: key, WithoutKey: withoutKey})
			}
			if err != nil {
				return err
			}
			return e.print(s, func() {
				e.say(done, "file", args[0], "rows", s.Rows, "objects", s.Blobs, "place", place(cfg))
				if !s.Sealed {
					e.say("cli.restore.unsealed")
				}
				if s.Ended != nil {
					e.say("cli.restore.ended", "sessions", s.Ended.Sessions, "codes", s.Ended.Invitations+s.Ended.Codes+s.Ended.Recoveries)
					e.say("cli.restore.since", "at", s.Created)
				}
			})
		},
	}
	cmd.Flags().BoolVar(&verify, "verify", false, e.t("cli.flag.verify"))
	cmd.Flags().StringVar(&keyFile, "key", "", e.t("cli.flag.key"))
	cmd.Flags().BoolVar(&withoutKey, "without-key", false, e.t("cli.flag.without_key"))
	return cmd
}

func (e *env) keyCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "key", Short: e.t("cli.key")}
	export := &cobra.Command{
		Use: "export", Short: e.t("cli.key.export"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			return backup.ExportKey(ctx, a.db, a.caller, a.cfg.Data, a.out)
		}),
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
	k, err := e.readKey(name)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(cfg.Data, 0o700); err != nil {
		return fault.Wrap(err, fault.Unavailable, "store.folder", "folder", cfg.Data)
	}
	if err := k.Save(cfg.Data); err != nil {
		return err
	}
	return e.print(map[string]string{"id": k.ID(), "folder": cfg.Data}, func() {
		e.say("cli.key.imported", "id", k.ID(), "folder", cfg.Data)
	})
}

// readKey reads the line that key export printed from a file, or from standard
// input for "-".
func (e *env) readKey(name string) (*blob.Keyring, error) {
	in := e.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "cli.import.open", "file", name)
		}
		defer f.Close()
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, 64<<10))
	if err != nil {
		return nil, err
	}
	return blob.ParseKey(string(text))
}
