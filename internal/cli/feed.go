// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"teiten/internal/advisory"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/feed"
	"teiten/internal/fold"
	"teiten/internal/tlp"
)

func (e *env) feedCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "feed", Short: e.t("cli.feed")}
	list := &cobra.Command{
		Use: "list", Short: e.t("cli.feed.list"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error { return a.listFeeds(ctx) }),
	}
	var name, level, group string
	var every time.Duration
	add := &cobra.Command{
		Use: "add URL", Short: e.t("cli.feed.add"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			l, err := tlp.Parse(level)
			if err != nil {
				return err
			}
			in, err := a.group(ctx, group)
			if err != nil {
				return err
			}
			id, err := feed.Add(ctx, a.db, a.caller, feed.Collector{Name: name, URL: args[0], TLP: l, Group: in, Every: every, Enabled: true})
			if err != nil {
				return err
			}
			return a.print(map[string]int64{"id": id}, func() { a.say("cli.feed.added", "id", strconv.FormatInt(id, 10)) })
		}),
	}
	add.Flags().StringVar(&name, "name", "", e.t("cli.flag.feed_name"))
	add.Flags().StringVar(&level, "tlp", "GREEN", e.t("cli.flag.tlp"))
	add.Flags().StringVar(&group, "group", "", e.t("cli.flag.group"))
	add.Flags().DurationVar(&every, "every", feed.DefaultInterval, e.t("cli.flag.every"))
	try := &cobra.Command{
		Use: "try URL", Short: e.t("cli.feed.try"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error { return a.tryFeed(ctx, args[0]) }),
	}
	run := &cobra.Command{
		Use: "run ID", Short: e.t("cli.feed.run"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			if err := feed.RunNow(ctx, a.db, a.caller, id); err != nil {
				return err
			}
			if _, err := a.runner().Drain(ctx); err != nil {
				return err
			}
			return a.listFeeds(ctx)
		}),
	}
	remove := &cobra.Command{
		Use: "remove ID", Short: e.t("cli.feed.remove"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			return feed.Remove(ctx, a.db, a.caller, id)
		}),
	}
	cmd.AddCommand(list, add, e.feedChange(), try, run, remove)
	return cmd
}

// feedChange changes what is given and leaves the rest.
func (e *env) feedChange() *cobra.Command {
	var name, url, level, group string
	var every time.Duration
	cmd := &cobra.Command{Use: "change ID", Short: e.t("cli.feed.change"), Args: cobra.ExactArgs(1)}
	cmd.RunE = e.with(func(ctx context.Context, a *app, args []string) error {
		id, err := number(args[0])
		if err != nil {
			return err
		}
		c, err := feed.FindCollector(ctx, a.db, a.caller, id)
		if err != nil {
			return err
		}
		changed := cmd.Flags().Changed
		take(changed("name"), &c.Name, name)
		take(changed("url"), &c.URL, url)
		take(changed("every"), &c.Every, every)
		if changed("tlp") {
			if c.TLP, err = tlp.Parse(level); err != nil {
				return err
			}
		}
		if changed("group") {
			if c.Group, err = a.group(ctx, group); err != nil {
				return err
			}
		}
		if err := feed.Change(ctx, a.db, a.caller, *c); err != nil {
			return err
		}
		return a.done("cli.feed.changed", id)
	})
	cmd.Flags().StringVar(&name, "name", "", e.t("cli.flag.feed_name"))
	cmd.Flags().StringVar(&url, "url", "", e.t("cli.flag.url"))
	cmd.Flags().StringVar(&level, "tlp", "", e.t("cli.flag.tlp"))
	cmd.Flags().StringVar(&group, "group", "", e.t("cli.flag.group"))
	cmd.Flags().DurationVar(&every, "every", feed.DefaultInterval, e.t("cli.flag.every"))
	return cmd
}

// group finds the sharing group of a flag --group by its name, however it is
// written, or by its number. "" is all, 0.
func (a *app) group(ctx context.Context, name string) (int64, error) {
	if name == "" {
		return 0, nil
	}
	all, err := advisory.Groups(ctx, a.db, a.caller)
	if err != nil {
		return 0, err
	}
	for _, g := range all {
		if fold.Text(g.Name) == fold.Text(name) {
			return g.ID, nil
		}
	}
	for _, g := range all {
		if strconv.FormatInt(g.ID, 10) == name {
			return g.ID, nil
		}
	}
	return 0, fault.New(fault.Invalid, "cli.group.unknown", "name", name).At("group")
}

func number(s string) (int64, error) {
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 1 {
		return 0, fault.New(fault.Invalid, "cli.number", "value", s)
	}
	return n, nil
}

func (a *app) listFeeds(ctx context.Context) error {
	all, err := feed.Collectors(ctx, a.db, a.caller)
	if err != nil {
		return err
	}
	type row struct {
		ID      int64  `json:"id"`
		Name    string `json:"name"`
		URL     string `json:"url"`
		TLP     string `json:"tlp"`
		Group   string `json:"group,omitempty"`
		Enabled bool   `json:"enabled"`
		Items   int    `json:"items"`
		LastOK  string `json:"last_ok,omitempty"`
		Error   string `json:"error,omitempty"`
	}
	rows := []row{}
	for _, c := range all {
		r := row{ID: c.ID, Name: c.Name, URL: c.URL, TLP: c.TLP.String(), Group: c.GroupName, Enabled: c.Enabled, Items: c.Items}
		if !c.LastOK.IsZero() {
			r.LastOK = c.LastOK.Format(time.RFC3339)
		}
		if f := c.Failure(); f != nil {
			r.Error = a.lang.Fault(f)
		}
		rows = append(rows, r)
	}
	return a.print(rows, func() {
		if len(rows) == 0 {
			a.say("cli.feed.none")
		}
		for _, r := range rows {
			with := ""
			if r.Group != "" {
				with = " [" + terminal(r.Group) + "]"
			}
			fmt.Fprintf(a.out, "%d\t%s\t%s\t%s%s\t%d\t%s\n", r.ID, r.Name, r.URL, r.TLP, with, r.Items, r.Error)
		}
	})
}

func (a *app) tryFeed(ctx context.Context, url string) error {
	res, err := feed.Try(ctx, a.client, url)
	if err != nil {
		return err
	}
	type row struct {
		Title    string `json:"title"`
		Category string `json:"category"`
		Because  string `json:"because"`
	}
	rows := []row{}
	for _, it := range res.Feed.Items {
		s := feed.Suggest(it)
		rows = append(rows, row{it.Title, s.Category, s.Because})
	}
	return a.print(rows, func() {
		for _, r := range rows {
			fmt.Fprintf(a.out, "%s\t%s\n", category.Category(r.Category).Name(a.lang), terminal(r.Title))
		}
	})
}
