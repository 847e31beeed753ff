// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"teiten/internal/token"
)

func (e *env) tokenCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "token", Short: e.t("cli.token"), Example: "  teiten token add 7 --name proxy --scope lists.read"}
	cmd.AddCommand(e.tokenList(), e.tokenAdd(), e.tokenRotate(), e.byID("revoke TOKEN", "cli.token.revoke", "cli.token.revoked", token.Revoke))
	return cmd
}

func (e *env) tokenList() *cobra.Command {
	var org int64
	cmd := &cobra.Command{
		Use: "list", Short: e.t("cli.token.list"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			all, err := token.List(ctx, a.db, a.caller, org)
			if err != nil {
				return err
			}
			type row struct {
				token.Token
				State token.State `json:"state"`
			}
			rows := []row{}
			for _, t := range all {
				rows = append(rows, row{t, t.State(time.Now())})
			}
			return a.print(rows, func() {
				for _, r := range rows {
					fmt.Fprintf(a.out, "%d\t%s…\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Hint, terminal(r.Name), terminal(r.OrgName), scopeNames(r.Scopes),
						r.State.Name(a.lang), a.lang.Date(r.ExpiresAt))
				}
			})
		}),
	}
	cmd.Flags().Int64Var(&org, "org", 0, e.t("cli.flag.org"))
	return cmd
}

func scopeNames(scopes []token.Scope) string {
	names := make([]string, len(scopes))
	for i, s := range scopes {
		names[i] = string(s)
	}
	return strings.Join(names, ",")
}

func (e *env) tokenAdd() *cobra.Command {
	var n token.New
	var scopes []string
	var expires string
	cmd := &cobra.Command{
		Use: "add ACCOUNT --name NAME --scope SCOPE,...", Short: e.t("cli.token.add"), Long: e.t("cli.token.add.long"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) (err error) {
			if n.Account, err = number(args[0]); err != nil {
				return err
			}
			for _, s := range scopes {
				n.Scopes = append(n.Scopes, token.Scope(strings.TrimSpace(s)))
			}
			if n.ExpiresAt, err = lastMoment(expires); err != nil {
				return err
			}
			secret, t, err := token.Create(ctx, a.db, a.caller, n)
			if err != nil {
				return err
			}
			return a.printSecret(secret, t)
		}),
	}
	cmd.Flags().StringVar(&n.Name, "name", "", e.t("cli.flag.token_name"))
	cmd.Flags().StringSliceVar(&scopes, "scope", nil, e.t("cli.flag.scope", "scopes", scopeNames(token.Scopes)))
	cmd.Flags().StringVar(&expires, "expires", "", e.t("cli.flag.token_expires"))
	cmd.Flags().Int64Var(&n.Certificate, "certificate", 0, e.t("cli.flag.certificate"))
	return cmd
}

func (e *env) tokenRotate() *cobra.Command {
	var overlap time.Duration
	cmd := &cobra.Command{
		Use: "rotate TOKEN", Short: e.t("cli.token.rotate"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			secret, t, err := token.Rotate(ctx, a.db, a.caller, id, overlap)
			if err != nil {
				return err
			}
			return a.printSecret(secret, t)
		}),
	}
	cmd.Flags().DurationVar(&overlap, "overlap", 24*time.Hour, e.t("cli.flag.overlap"))
	return cmd
}

// printSecret prints a new token alone on standard output, for scripts, and
// what to know about it beside.
func (a *app) printSecret(secret string, t token.Token) error {
	return a.print(map[string]any{"secret": secret, "token": t}, func() {
		fmt.Fprintln(a.err, a.t("cli.token.added", "id", strconv.FormatInt(t.ID, 10), "date", a.lang.Date(t.ExpiresAt)))
		fmt.Fprintln(a.out, secret)
	})
}
