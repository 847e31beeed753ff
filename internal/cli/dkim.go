// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"teiten/internal/fault"
	"teiten/internal/mailcheck"
)

// dkimCommand keeps the keys by which checks verify signatures. No check asks
// the DNS, so that nobody learns which mail is looked at.
func (e *env) dkimCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "dkim", Short: e.t("cli.dkim"), Long: e.t("cli.dkim.long"),
		Example: "  dig +short TXT s1._domainkey.example.jp | teiten dkim add s1._domainkey.example.jp -"}
	list := &cobra.Command{
		Use: "list", Short: e.t("cli.dkim.list"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			all, err := mailcheck.Keys(ctx, a.db, a.caller)
			if err != nil {
				return err
			}
			return a.print(all, func() {
				for _, k := range all {
					fmt.Fprintf(a.out, "%s\t%s\t%d\t%s\n", k.Name, k.Algorithm, k.Bits, a.lang.Date(k.Kept))
				}
			})
		}),
	}
	add := &cobra.Command{
		Use: "add SELECTOR._domainkey.DOMAIN FILE|-", Short: e.t("cli.dkim.add"), Long: e.t("cli.dkim.add.long"), Args: cobra.ExactArgs(2),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			text, err := a.keyText(args[1])
			if err != nil {
				return err
			}
			k, err := mailcheck.KeepKey(ctx, a.db, a.caller, args[0], text)
			if err != nil {
				return err
			}
			return a.print(k, func() {
				a.say("cli.dkim.added", "name", k.Name, "algorithm", k.Algorithm, "bits", k.Bits)
			})
		}),
	}
	sure := false
	remove := &cobra.Command{
		Use: "remove SELECTOR._domainkey.DOMAIN --yes", Short: e.t("cli.dkim.remove"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			if !sure {
				return fault.New(fault.Invalid, "cli.dkim.yes")
			}
			if err := mailcheck.DropKey(ctx, a.db, a.caller, args[0]); err != nil {
				return err
			}
			return a.print(map[string]string{"removed": args[0]}, func() { a.say("cli.dkim.removed", "name", args[0]) })
		}),
	}
	remove.Flags().BoolVar(&sure, "yes", false, e.t("cli.flag.dkim_yes"))
	cmd.AddCommand(list, add, remove)
	return cmd
}

// mostKeyText bounds what is read of a key's file: a record has 4 KB at most.
const mostKeyText = 64 << 10

// keyText reads a file or, for "-", standard input.
func (a *app) keyText(name string) (string, error) {
	in := a.in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return "", fault.Wrap(err, fault.Invalid, "cli.check.file", "file", name)
		}
		defer func() { _ = f.Close() }() // it was read
		in = f
	}
	text, err := io.ReadAll(io.LimitReader(in, mostKeyText+1))
	if err != nil {
		return "", fault.Wrap(err, fault.Invalid, "cli.check.file", "file", name)
	}
	return string(text), nil
}
