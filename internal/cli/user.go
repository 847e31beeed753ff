// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"encoding/csv"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/member"
	"teiten/internal/store"
)

func (e *env) userCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "user", Short: e.t("cli.user"), Example: "  teiten user add --org 2 --name \"田中 花子\" --login tanaka --role contact"}
	cmd.AddCommand(e.userRecover(), e.userLimits(), e.userList(), e.userAdd(), e.userChange(), e.userLeave(),
		e.byID("return ACCOUNT", "cli.user.return", "cli.user.returned", member.Return), e.userMove(), e.userEvaluations())
	return cmd
}

func (e *env) userList() *cobra.Command {
	var org int64
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: e.t("cli.user.list"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			people, err := member.People(ctx, a.db, a.caller, org)
			if err != nil {
				return err
			}
			type row struct {
				ID        int64       `json:"id"`
				Org       int64       `json:"organisation"`
				OrgName   string      `json:"organisation_name"`
				Name      string      `json:"name"`
				Title     string      `json:"title,omitempty"`
				Role      caller.Role `json:"role"`
				Login     string      `json:"login,omitempty"`
				Mail      string      `json:"mail,omitempty"`
				Evaluator bool        `json:"evaluator,omitempty"`
				ExpiresAt time.Time   `json:"expires_at,omitzero"`
				LeftAt    time.Time   `json:"left_at,omitzero"`
				MovedFrom int64       `json:"moved_from,omitempty"`
			}
			rows := []row{}
			for _, p := range people {
				if all || p.LeftAt.IsZero() {
					rows = append(rows, row{p.ID, p.Org.ID, p.Org.Short, p.Name, p.Title, p.Role, p.Login, p.Mail, p.Evaluator, p.ExpiresAt, p.LeftAt, p.MovedFrom})
				}
			}
			return a.print(rows, func() {
				for _, r := range rows {
					fmt.Fprintf(a.out, "%d\t%s\t%s\t%s\t%s\t%s%s\n", r.ID, r.Role, r.Login, terminal(r.Name), terminal(r.OrgName),
						a.lang.Date(r.ExpiresAt), a.leftMark(!r.LeftAt.IsZero()))
				}
			})
		}),
	}
	cmd.Flags().Int64Var(&org, "org", 0, e.t("cli.flag.org"))
	cmd.Flags().BoolVar(&all, "all", false, e.t("cli.flag.left_too"))
	return cmd
}

// accountFlags fill an account from the command line; the end comes as text.
func (e *env) accountFlags(cmd *cobra.Command, a *member.Account, expires *string) {
	f := cmd.Flags()
	f.StringVar(&a.Name, "name", "", e.t("cli.flag.user_name"))
	f.StringVar(&a.Title, "title", "", e.t("cli.flag.user_title"))
	f.StringVar((*string)(&a.Role), "role", string(caller.Staff), e.t("cli.flag.role"))
	f.StringVar(&a.Login, "login", "", e.t("cli.flag.login"))
	f.StringVar(&a.Mail, "mail", "", e.t("cli.flag.mail"))
	f.StringVar(expires, "expires", "", e.t("cli.flag.expires"))
}

// lastMoment reads a day, whose end in Tokyo is meant, or a time of RFC 3339.
// "" is the zero time.
func lastMoment(s string) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if day, err := time.ParseInLocation(time.DateOnly, s, locale.Tokyo); err == nil {
		return day.AddDate(0, 0, 1).Add(-time.Microsecond), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fault.New(fault.Invalid, "cli.expires", "value", s).At("expires")
	}
	return t, nil
}

func (e *env) userAdd() *cobra.Command {
	var account member.Account
	var expires string
	cmd := &cobra.Command{
		Use: "add --org ORGANISATION --name NAME", Short: e.t("cli.user.add"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) (err error) {
			if account.ExpiresAt, err = lastMoment(expires); err != nil {
				return err
			}
			if account.Org.ID == 0 {
				return fault.New(fault.Invalid, "cli.user.org").At("org")
			}
			if account.Login == "" && account.Role != caller.Machine {
				return fault.New(fault.Invalid, "cli.user.login").At("login")
			}
			var id int64
			if err := a.db.Write(ctx, a.caller, func(tx *store.Tx) error {
				id, err = member.AddAccount(ctx, tx, account)
				return err
			}); err != nil {
				return err
			}
			return a.done("cli.user.added", id)
		}),
	}
	e.accountFlags(cmd, &account, &expires)
	cmd.Flags().Int64Var(&account.Org.ID, "org", 0, e.t("cli.flag.org"))
	cmd.Flags().BoolVar(&account.Evaluator, "evaluator", false, e.t("cli.flag.evaluator"))
	return cmd
}

func (e *env) userChange() *cobra.Command {
	var with member.Account
	var expires string
	cmd := &cobra.Command{Use: "change ACCOUNT", Short: e.t("cli.user.change"), Args: cobra.ExactArgs(1)}
	e.accountFlags(cmd, &with, &expires)
	cmd.RunE = e.with(func(ctx context.Context, a *app, args []string) error {
		id, err := number(args[0])
		if err != nil {
			return err
		}
		end, err := lastMoment(expires)
		if err != nil {
			return err
		}
		account, err := member.Find(ctx, a.db, a.caller, id)
		if err != nil {
			return err
		}
		changed := cmd.Flags().Changed
		take(changed("name"), &account.Name, with.Name)
		take(changed("title"), &account.Title, with.Title)
		take(changed("role"), &account.Role, with.Role)
		take(changed("login"), &account.Login, with.Login)
		take(changed("mail"), &account.Mail, with.Mail)
		take(changed("expires"), &account.ExpiresAt, end)
		if err := member.ChangeAccount(ctx, a.db, a.caller, account); err != nil {
			return err
		}
		return a.done("cli.user.changed", id)
	})
	return cmd
}

func (e *env) userLeave() *cobra.Command {
	var names []string
	for _, r := range member.Reasons {
		names = append(names, string(r))
	}
	why := string(member.Left)
	cmd := &cobra.Command{
		Use: "leave ACCOUNT", Short: e.t("cli.user.leave"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			if err := member.Leave(ctx, a.db, a.caller, id, member.Reason(why)); err != nil {
				return err
			}
			return a.done("cli.user.left", id)
		}),
	}
	cmd.Flags().StringVar(&why, "reason", why, e.t("cli.flag.leave_reason", "reasons", strings.Join(names, ", ")))
	return cmd
}

func (e *env) userMove() *cobra.Command {
	var to int64
	var role, title string
	cmd := &cobra.Command{
		Use: "move ACCOUNT --to ORGANISATION", Short: e.t("cli.user.move"), Long: e.t("cli.user.move.long"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			if to == 0 {
				return fault.New(fault.Invalid, "cli.user.to").At("to")
			}
			next, err := member.Move(ctx, a.db, a.caller, id, to, caller.Role(role), title)
			if err != nil {
				return err
			}
			return a.done("cli.user.moved", next)
		}),
	}
	cmd.Flags().Int64Var(&to, "to", 0, e.t("cli.flag.move_to"))
	cmd.Flags().StringVar(&role, "role", string(caller.Staff), e.t("cli.flag.role"))
	cmd.Flags().StringVar(&title, "title", "", e.t("cli.flag.user_title"))
	return cmd
}

func (e *env) userEvaluations() *cobra.Command {
	var asCSV bool
	cmd := &cobra.Command{
		Use: "evaluations", Short: e.t("cli.user.evaluations"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			all, total, err := member.Evaluations(ctx, a.db, a.caller)
			if err != nil {
				return err
			}
			if asCSV {
				w := csv.NewWriter(a.out)
				w.Write(member.EvaluationHeader())
				for _, e := range all {
					w.Write(e.Record())
				}
				w.Flush()
				return w.Error()
			}
			if all == nil {
				all = []member.Evaluation{}
			}
			return a.print(map[string]any{"evaluators": all, "total": total}, func() {
				total.Name = a.t("cli.user.total")
				for _, e := range append(all, total) {
					a.say("cli.user.evaluation", "name", terminal(e.Name), "organisation", terminal(e.OrgName), "helped", e.AdvisoryHelped,
						"not_helped", e.AdvisoryNotHelped, "search_helped", e.SearchHelped, "search_not_helped", e.SearchNotHelped)
				}
			})
		}),
	}
	cmd.Flags().BoolVar(&asCSV, "csv", false, e.t("cli.flag.csv"))
	return cmd
}
