// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"teiten/internal/auth"
	"teiten/internal/store"
)

// userRecover gives an operator a way in again who has nobody to ask.
func (e *env) userRecover() *cobra.Command {
	return &cobra.Command{
		Use: "recover ACCOUNT", Short: e.t("cli.user.recover"), Long: e.t("cli.user.recover.long"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			var code string
			if err := a.db.Write(ctx, a.caller, func(tx *store.Tx) error {
				code, err = auth.RecoverLocally(ctx, tx, id)
				return err
			}); err != nil {
				return err
			}
			return a.print(map[string]string{"code": code}, func() {
				fmt.Fprintln(a.out, code)
				fmt.Fprintln(a.err, a.t("cli.user.recovered"))
			})
		}),
	}
}

// userLimits shows how long sessions last, or changes it.
func (e *env) userLimits() *cobra.Command {
	var idle, life time.Duration
	cmd := &cobra.Command{
		Use: "limits", Short: e.t("cli.user.limits"), Args: cobra.NoArgs,
	}
	cmd.Flags().DurationVar(&idle, "idle", 0, e.t("cli.user.limits.idle"))
	cmd.Flags().DurationVar(&life, "life", 0, e.t("cli.user.limits.life"))
	cmd.RunE = e.with(func(ctx context.Context, a *app, _ []string) error {
		l, err := auth.ReadLimits(ctx, a.db)
		if err != nil {
			return err
		}
		if cmd.Flags().Changed("idle") || cmd.Flags().Changed("life") {
			if idle != 0 {
				l.Idle = idle
			}
			if life != 0 {
				l.Absolute = life
			}
			if err := auth.SetLimits(ctx, a.db, a.caller, l); err != nil {
				return err
			}
		}
		return a.print(map[string]string{"idle": l.Idle.String(), "life": l.Absolute.String()}, func() {
			a.say("cli.user.limits.are", "idle", l.Idle, "life", l.Absolute)
		})
	})
	return cmd
}
