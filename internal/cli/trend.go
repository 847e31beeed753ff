// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"teiten/internal/trend"
)

func (e *env) trendCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "trend", Short: e.t("cli.trend")}
	var check bool
	recount := &cobra.Command{
		Use: "recount", Short: e.t("cli.trend.recount"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			if !check {
				if err := trend.Recount(ctx, a.db); err != nil {
					return err
				}
				return a.print(map[string]bool{"recounted": true}, func() { a.say("cli.trend.recounted") })
			}
			diff, err := trend.Check(ctx, a.db, a.caller)
			if err != nil {
				return err
			}
			if err := a.print(append([]trend.Difference{}, diff...), func() {
				for _, d := range diff {
					fmt.Fprintf(a.out, "%s\t%s\t%s\t%s\t%d\t%d\n", d.Series, d.Dimension, d.Day, d.Item, d.Stored, d.Counted)
				}
				if len(diff) == 0 {
					a.say("cli.trend.equal")
				} else {
					a.say("cli.trend.differ", "n", len(diff))
				}
			}); err != nil {
				return err
			}
			if len(diff) > 0 {
				return errFound
			}
			return nil
		}),
	}
	recount.Flags().BoolVar(&check, "check", false, e.t("cli.flag.check"))

	var series, by, item string
	var months int
	show := &cobra.Command{
		Use: "show", Short: e.t("cli.trend.show"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			dimension, err := trend.ParseDimension(by)
			if err != nil {
				return err
			}
			now := time.Now()
			points, err := trend.Read(ctx, a.db, a.caller, trend.Query{
				Series: trend.Series(series), Dimension: dimension, Item: item, Monthly: true,
				From: trend.Day(now.AddDate(0, -months, 0)), To: trend.Day(now),
			})
			if err != nil {
				return err
			}
			return a.print(append([]trend.Point{}, points...), func() {
				for _, p := range points {
					fmt.Fprintf(a.out, "%s\t%s\t%d\n", p.Period, p.Item, p.Count)
				}
			})
		}),
	}
	show.Flags().StringVar(&series, "series", "advisory", e.t("cli.flag.series"))
	show.Flags().StringVar(&by, "by", "category", e.t("cli.flag.by"))
	show.Flags().StringVar(&item, "item", "", e.t("cli.flag.item"))
	show.Flags().IntVar(&months, "months", 12, e.t("cli.flag.months"))
	cmd.AddCommand(recount, show)
	return cmd
}
