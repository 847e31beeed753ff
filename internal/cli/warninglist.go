// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/intel"
)

func (e *env) warninglistCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "warninglist", Short: e.t("cli.warninglist")}
	list := &cobra.Command{
		Use: "list", Short: e.t("cli.warninglist.list"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			all, err := intel.Lists(ctx, a.db)
			if err != nil {
				return err
			}
			type row struct {
				Slug    string       `json:"slug"`
				Name    string       `json:"name"`
				Effect  guard.Effect `json:"effect"`
				Values  int          `json:"values"`
				Enabled bool         `json:"enabled"`
				Reason  string       `json:"reason,omitempty"`
			}
			var rows []row
			for _, l := range all {
				rows = append(rows, row{l.Slug, l.Name, l.Effect, l.Values, l.Enabled, l.Reason})
			}
			return a.print(rows, func() {
				for _, r := range rows {
					mark := "+"
					if !r.Enabled {
						mark = "-"
					}
					fmt.Fprintf(a.out, "%s %s\t%s\t%d\t%s\n", mark, r.Slug, r.Effect, r.Values, r.Name)
				}
			})
		}),
	}
	add := &cobra.Command{
		Use: "add FILE...", Short: e.t("cli.warninglist.add"), Args: cobra.MinimumNArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			type row struct {
				Slug    string `json:"slug"`
				Values  int    `json:"values"`
				Skipped int    `json:"skipped"`
			}
			rows := []row{}
			for _, name := range args {
				f, err := os.Open(name)
				if err != nil {
					return fault.Wrap(err, fault.Invalid, "cli.import.open", "file", name)
				}
				l, err := intel.AddList(ctx, a.db, a.caller, f)
				f.Close()
				if err != nil {
					return err
				}
				rows = append(rows, row{l.Slug, l.Values.Len(), l.Skipped})
			}
			return a.print(rows, func() {
				for _, r := range rows {
					a.say("cli.warninglist.added", "slug", r.Slug, "values", r.Values, "skipped", r.Skipped)
				}
			})
		}),
	}
	var reason string
	off := &cobra.Command{
		Use: "off SLUG --reason TEXT", Short: e.t("cli.warninglist.off"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			return intel.SwitchList(ctx, a.db, a.caller, args[0], false, reason)
		}),
	}
	off.Flags().StringVar(&reason, "reason", "", e.t("cli.flag.reason"))
	on := &cobra.Command{
		Use: "on SLUG", Short: e.t("cli.warninglist.on"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			return intel.SwitchList(ctx, a.db, a.caller, args[0], true, "")
		}),
	}
	cmd.AddCommand(list, add, off, on)
	return cmd
}
