// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"teiten/internal/advisory"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intel"
)

// finding is what is known of one value.
type finding struct {
	Written      string         `json:"written"`
	Kind         indicator.Kind `json:"kind"`
	Value        string         `json:"value"`
	Known        bool           `json:"known"`
	Active       bool           `json:"active"`
	Observations int            `json:"observations"`
	SameHost     int            `json:"same_host"`
	FirstSeen    string         `json:"first_seen,omitempty"`
	LastSeen     string         `json:"last_seen,omitempty"`
	Advisories   []found        `json:"advisories"`

	hit intel.Hit
}

type found struct {
	ID       int64  `json:"id"`
	Title    string `json:"title"`
	Category string `json:"category"`
}

func (e *env) checkCommand() *cobra.Command {
	return &cobra.Command{
		Use: "check URL|DOMAIN|IP|HASH|-...", Short: e.t("cli.check"), Long: e.t("cli.check.long"), Args: cobra.MinimumNArgs(1),
		Example: "  teiten check 'hxxps://login.example[.]test/a'\n  teiten check - < mail.txt",
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			var values []indicator.Value
			for _, arg := range args {
				some, err := readValues(arg, a.in)
				if err != nil {
					return err
				}
				values = append(values, some...)
			}
			all, known, err := a.look(ctx, values)
			if err != nil {
				return err
			}
			if err := a.print(all, func() { a.findings(all) }); err != nil {
				return err
			}
			if known {
				return errFound
			}
			return nil
		}),
	}
}

func readValues(arg string, in io.Reader) ([]indicator.Value, error) {
	if arg != "-" {
		v, ok := indicator.Recognise(arg)
		if !ok {
			return nil, fault.New(fault.Invalid, "cli.check.what", "value", arg)
		}
		return []indicator.Value{v}, nil
	}
	text, err := io.ReadAll(io.LimitReader(in, indicator.MaxText+1))
	if err != nil {
		return nil, err
	}
	all, err := indicator.ExtractLimit(string(text), 0)
	if err != nil {
		return nil, err
	}
	seen := map[string]bool{}
	var values []indicator.Value
	for _, f := range all {
		if id := string(f.Kind) + " " + f.Value.Value; !seen[id] {
			seen[id] = true
			values = append(values, f.Value)
		}
	}
	return values, nil
}

func (a *app) look(ctx context.Context, values []indicator.Value) (all []finding, known bool, err error) {
	hits, err := intel.Lookup(ctx, a.db, a.db.Key, a.caller, values)
	if err != nil {
		return nil, false, err
	}
	all = []finding{}
	for i, h := range hits {
		f := finding{Written: values[i].Written, Kind: h.Kind, Value: h.Value.Value, Known: h.Known, Active: h.Active,
			Observations: h.Observations, SameHost: h.SameHost, Advisories: []found{}, hit: h}
		if !h.FirstSeen.IsZero() {
			f.FirstSeen, f.LastSeen = h.FirstSeen.Format("2006-01-02T15:04:05Z"), h.LastSeen.Format("2006-01-02T15:04:05Z")
		}
		page, err := advisory.List(ctx, a.db, a.caller, advisory.Filter{Indicator: &values[i], Limit: 20})
		if err != nil {
			return nil, false, err
		}
		for _, item := range page.Items {
			f.Advisories = append(f.Advisories, found{item.ID, item.Title, string(item.Category)})
		}
		known = known || f.Known || len(f.Advisories) > 0
		all = append(all, f)
	}
	return all, known, nil
}

func (a *app) findings(all []finding) {
	if len(all) == 0 {
		a.say("cli.check.none")
	}
	for _, f := range all {
		fmt.Fprintf(a.out, "%s\t%s\n", f.Kind, defanged(f.hit.Value))
		switch {
		case !f.Known && len(f.Advisories) == 0:
			a.say("cli.check.unknown")
		default:
			var kinds []string
			for _, c := range f.hit.Categories {
				kinds = append(kinds, c.Name(a.lang))
			}
			a.say("cli.check.known", "category", strings.Join(kinds, a.t("blocklist.comma")), "first", day(a.lang, f.hit.FirstSeen),
				"last", day(a.lang, f.hit.LastSeen), "observations", f.Observations)
		}
		if f.SameHost > 0 {
			a.say("cli.check.host", "n", f.SameHost)
		}
		for _, item := range f.Advisories {
			fmt.Fprintf(a.out, "  #%d %s\n", item.ID, terminal(item.Title))
		}
	}
}
