// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"teiten/internal/advisory"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/mailcheck"
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
	var o mailOptions
	cmd := &cobra.Command{
		Use: "check MAIL|URL|DOMAIN|IP|HASH|-...", Short: e.t("cli.check"), Long: e.t("cli.check.long"), Args: cobra.MinimumNArgs(1),
		Example: "  teiten check suspicious.eml\n  teiten check 'hxxp://login.example[.]test/a'\n  teiten check - < mail.txt",
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			options, err := o.options()
			if err != nil {
				return err
			}
			var values []indicator.Value
			var mails []mailFile
			for _, arg := range args {
				mail, some, err := a.readAsked(arg, o.as)
				switch {
				case err != nil:
					return err
				case mail != nil:
					mails = append(mails, *mail)
				default:
					values = append(values, some...)
				}
			}
			if len(mails) > 0 && len(values) > 0 {
				return fault.New(fault.Invalid, "cli.check.mixed")
			}
			if len(mails) > 0 {
				return a.checkMails(ctx, mails, options, mailcheck.Action(o.did))
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
	o.flags(e, cmd)
	return cmd
}

// readAsked reads what an argument names: a mail, or indicators. What stands on
// standard input is a mail if it has a mail's header.
func (a *app) readAsked(arg, as string) (*mailFile, []indicator.Value, error) {
	if arg != "-" && as != asMail {
		if v, ok := indicator.Recognise(arg); ok {
			return nil, []indicator.Value{v}, nil
		}
	}
	raw, err := a.readMail(arg)
	if err != nil {
		return nil, nil, err
	}
	if as == asMail || as == "" && (arg != "-" || looksLikeMail(raw)) {
		return &mailFile{arg, raw}, nil, nil
	}
	values, err := valuesIn(raw)
	return nil, values, err
}

// valuesIn are the indicators of a text, each once.
func valuesIn(text []byte) ([]indicator.Value, error) {
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
