// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"teiten/internal/caller"
	"teiten/internal/member"
	"teiten/internal/store"
)

func (e *env) memberCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "member", Short: e.t("cli.member"), Example: "  teiten member add --kind institution --name 見本病院 --facility hospital --beds 120 --prefecture 長野県"}
	cmd.AddCommand(e.memberList(), e.memberAdd(), e.memberChange(),
		e.byID("leave ORGANISATION", "cli.member.leave", "cli.member.left", member.LeaveOrganisation),
		e.byID("return ORGANISATION", "cli.member.return", "cli.member.returned", member.ReturnOrganisation),
		e.groupCommand(), e.domainCommand())
	return cmd
}

// operation is what a noun does to one thing.
type operation func(ctx context.Context, db *store.DB, c caller.Caller, id int64) error

// byID is the command that does one thing to what its argument names.
func (e *env) byID(use, short, done string, do operation) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: e.t(short), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			if err := do(ctx, a.db, a.caller, id); err != nil {
				return err
			}
			return a.done(done, id)
		}),
	}
}

// done says that something was done to what has the id.
func (a *app) done(key string, id int64) error {
	return a.print(map[string]int64{"id": id}, func() { a.say(key, "id", strconv.FormatInt(id, 10)) })
}

func (e *env) memberList() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "list", Short: e.t("cli.member.list"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			orgs, err := member.Organisations(ctx, a.db)
			if err != nil {
				return err
			}
			rows := []member.Organisation{}
			for _, o := range orgs {
				if all || o.LeftAt.IsZero() {
					rows = append(rows, o)
				}
			}
			return a.print(rows, func() {
				for _, o := range rows {
					fmt.Fprintf(a.out, "%d\t%s\t%s\t%s\t%s\t%d%s\n", o.ID, o.Kind, terminal(o.Name), o.Facility,
						member.PrefectureName(a.lang, o.Prefecture), o.Beds, a.leftMark(!o.LeftAt.IsZero()))
				}
			})
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, e.t("cli.flag.left_too"))
	return cmd
}

// leftMark ends the line of what has left.
func (a *app) leftMark(left bool) string {
	if left {
		return "\t" + a.t("cli.member.gone")
	}
	return ""
}

// organisationFlags fill o from the command line.
func (e *env) organisationFlags(cmd *cobra.Command, o *member.Organisation) {
	f := cmd.Flags()
	f.StringVar((*string)(&o.Kind), "kind", string(caller.Institution), e.t("cli.flag.org_kind"))
	f.StringVar(&o.Name, "name", "", e.t("cli.flag.org_name"))
	f.StringVar(&o.Short, "short", "", e.t("cli.flag.org_short"))
	f.StringVar((*string)(&o.Facility), "facility", "", e.t("cli.flag.facility"))
	f.IntVar(&o.Beds, "beds", 0, e.t("cli.flag.beds"))
	f.StringVar(&o.Prefecture, "prefecture", "", e.t("cli.flag.prefecture"))
	f.BoolVar(&o.WardCheck, "ward-check", false, e.t("cli.flag.ward_check"))
}

func (e *env) memberAdd() *cobra.Command {
	var o member.Organisation
	cmd := &cobra.Command{
		Use: "add --name NAME", Short: e.t("cli.member.add"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) (err error) {
			var id int64
			if err := a.db.Write(ctx, a.caller, func(tx *store.Tx) error {
				id, err = member.AddOrganisation(ctx, tx, o)
				return err
			}); err != nil {
				return err
			}
			return a.done("cli.member.added", id)
		}),
	}
	e.organisationFlags(cmd, &o)
	return cmd
}

func (e *env) memberChange() *cobra.Command {
	var with member.Organisation
	cmd := &cobra.Command{Use: "change ORGANISATION", Short: e.t("cli.member.change"), Args: cobra.ExactArgs(1)}
	e.organisationFlags(cmd, &with)
	cmd.RunE = e.with(func(ctx context.Context, a *app, args []string) error {
		id, err := number(args[0])
		if err != nil {
			return err
		}
		o, err := member.FindOrganisation(ctx, a.db, a.caller, id)
		if err != nil {
			return err
		}
		changed := cmd.Flags().Changed
		take(changed("kind"), &o.Kind, with.Kind)
		take(changed("name"), &o.Name, with.Name)
		take(changed("short"), &o.Short, with.Short)
		take(changed("facility"), &o.Facility, with.Facility)
		take(changed("beds"), &o.Beds, with.Beds)
		take(changed("prefecture"), &o.Prefecture, with.Prefecture)
		take(changed("ward-check"), &o.WardCheck, with.WardCheck)
		if err := member.ChangeOrganisation(ctx, a.db, a.caller, o); err != nil {
			return err
		}
		return a.done("cli.member.changed", id)
	})
	return cmd
}

// take stores what was given on the command line.
func take[T any](given bool, into *T, value T) {
	if given {
		*into = value
	}
}

func (e *env) groupCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "group", Short: e.t("cli.group")}
	list := &cobra.Command{
		Use: "list", Short: e.t("cli.group.list"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error { return a.listGroups(ctx) }),
	}
	var purpose string
	add := &cobra.Command{
		Use: "add NAME", Short: e.t("cli.group.add"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := member.AddGroup(ctx, a.db, a.caller, args[0], purpose)
			if err != nil {
				return err
			}
			return a.done("cli.group.added", id)
		}),
	}
	rename := &cobra.Command{
		Use: "rename GROUP NAME", Short: e.t("cli.group.rename"), Args: cobra.ExactArgs(2),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			if err := member.RenameGroup(ctx, a.db, a.caller, id, args[1], purpose); err != nil {
				return err
			}
			return a.done("cli.group.changed", id)
		}),
	}
	for _, c := range []*cobra.Command{add, rename} {
		c.Flags().StringVar(&purpose, "purpose", "", e.t("cli.flag.purpose"))
	}
	pair := func(use, short, done string, do func(context.Context, *store.DB, caller.Caller, int64, int64) error) *cobra.Command {
		return &cobra.Command{
			Use: use + " GROUP ORGANISATION...", Short: e.t(short), Args: cobra.MinimumNArgs(2),
			RunE: e.with(func(ctx context.Context, a *app, args []string) error {
				var all []int64
				for _, s := range args {
					id, err := number(s)
					if err != nil {
						return err
					}
					all = append(all, id)
				}
				for _, org := range all[1:] {
					if err := do(ctx, a.db, a.caller, all[0], org); err != nil {
						return err
					}
				}
				return a.done(done, all[0])
			}),
		}
	}
	cmd.AddCommand(list, add, rename,
		pair("join", "cli.group.join", "cli.group.changed", member.JoinGroup),
		pair("part", "cli.group.part", "cli.group.changed", member.PartGroup),
		e.byID("close GROUP", "cli.group.close", "cli.group.closed", member.CloseGroup))
	return cmd
}

func (a *app) listGroups(ctx context.Context) error {
	all, err := member.Groups(ctx, a.db, a.caller)
	if err != nil {
		return err
	}
	type row struct {
		ID      int64   `json:"id"`
		Name    string  `json:"name"`
		Purpose string  `json:"purpose,omitempty"`
		Closed  bool    `json:"closed"`
		Members []int64 `json:"members"`
		names   []string
	}
	rows := []row{}
	for _, g := range all {
		r := row{ID: g.ID, Name: g.Name, Purpose: g.Purpose, Closed: !g.ClosedAt.IsZero()}
		for _, o := range g.Members {
			r.Members, r.names = append(r.Members, o.ID), append(r.names, terminal(o.Short))
		}
		rows = append(rows, r)
	}
	return a.print(rows, func() {
		for _, r := range rows {
			closed := ""
			if r.Closed {
				closed = "\t" + a.t("cli.group.ended")
			}
			fmt.Fprintf(a.out, "%d\t%s\t%s%s\n", r.ID, terminal(r.Name), strings.Join(r.names, ", "), closed)
		}
	})
}

func (e *env) domainCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "domain", Short: e.t("cli.domain")}
	list := &cobra.Command{
		Use: "list", Short: e.t("cli.domain.list"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error { return a.listDomains(ctx) }),
	}
	add := &cobra.Command{
		Use: "add ORGANISATION DOMAIN...", Short: e.t("cli.domain.add"), Args: cobra.MinimumNArgs(2),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			org, err := number(args[0])
			if err != nil {
				return err
			}
			for _, d := range args[1:] {
				if _, err := member.AddDomain(ctx, a.db, a.caller, org, d); err != nil {
					return err
				}
			}
			return a.done("cli.domain.added", org)
		}),
	}
	var reason string
	refuse := &cobra.Command{
		Use: "refuse REQUEST --reason TEXT", Short: e.t("cli.domain.refuse"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			if err := member.RefuseDomain(ctx, a.db, a.caller, id, reason); err != nil {
				return err
			}
			return a.done("cli.domain.refused", id)
		}),
	}
	refuse.Flags().StringVar(&reason, "reason", "", e.t("cli.flag.reason"))
	cmd.AddCommand(list, add, e.byID("approve REQUEST", "cli.domain.approve", "cli.domain.approved", member.ApproveDomain), refuse)
	return cmd
}

// listDomains shows what waits for approval, with who else has the domain.
func (a *app) listDomains(ctx context.Context) error {
	all, err := member.Requests(ctx, a.db, a.caller, false)
	if err != nil {
		return err
	}
	type row struct {
		ID     int64    `json:"id"`
		Org    int64    `json:"organisation"`
		Name   string   `json:"name"`
		Domain string   `json:"domain"`
		Others []string `json:"others,omitempty"`
	}
	rows := []row{}
	for _, r := range all {
		rows = append(rows, row{r.ID, r.Org, r.OrgName, r.Domain, r.Others})
	}
	return a.print(rows, func() {
		if len(rows) == 0 {
			a.say("cli.domain.none")
		}
		for _, r := range rows {
			fmt.Fprintf(a.out, "%d\t%s\t%s\t%s\n", r.ID, r.Domain, terminal(r.Name), terminal(strings.Join(r.Others, ", ")))
		}
	})
}
