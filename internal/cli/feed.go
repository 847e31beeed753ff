// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/feed"
	"teiten/internal/tlp"
)

func (e *env) feedCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "feed", Short: e.t("cli.feed")}
	list := &cobra.Command{
		Use: "list", Short: e.t("cli.feed.list"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error { return a.listFeeds(ctx) }),
	}
	var name, level string
	var every time.Duration
	add := &cobra.Command{
		Use: "add URL", Short: e.t("cli.feed.add"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			l, err := tlp.Parse(level)
			if err != nil {
				return err
			}
			id, err := feed.Add(ctx, a.db, a.caller, feed.Collector{Name: name, URL: args[0], TLP: l, Every: every, Enabled: true})
			if err != nil {
				return err
			}
			return a.print(map[string]int64{"id": id}, func() { a.say("cli.feed.added", "id", strconv.FormatInt(id, 10)) })
		}),
	}
	add.Flags().StringVar(&name, "name", "", e.t("cli.flag.feed_name"))
	add.Flags().StringVar(&level, "tlp", "GREEN", e.t("cli.flag.tlp"))
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
	cmd.AddCommand(list, add, try, run, remove)
	return cmd
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
		Enabled bool   `json:"enabled"`
		Items   int    `json:"items"`
		LastOK  string `json:"last_ok,omitempty"`
		Error   string `json:"error,omitempty"`
	}
	rows := []row{}
	for _, c := range all {
		r := row{ID: c.ID, Name: c.Name, URL: c.URL, Enabled: c.Enabled, Items: c.Items}
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
			fmt.Fprintf(a.out, "%d\t%s\t%s\t%d\t%s\n", r.ID, r.Name, r.URL, r.Items, r.Error)
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
