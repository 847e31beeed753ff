// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/intake"
	"teiten/internal/locale"
	"teiten/internal/tlp"
	"teiten/internal/web"
)

func (e *env) importCommand() *cobra.Command {
	var dry bool
	var level, group, cat, brand, source string
	cmd := &cobra.Command{
		Use: "import FORMAT FILE...", Short: e.t("cli.import"), Long: e.t("cli.import.long"), Args: cobra.MinimumNArgs(2),
		Example: "  teiten import jpcert 202409.csv.gz\n  teiten import text --category phishing - < mail.txt",
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			format, err := intake.ParseFormat(args[0])
			if err != nil {
				return err
			}
			o := intake.Defaults(format)
			o.DryRun = dry
			if level != "" {
				if o.TLP, err = tlp.Parse(level); err != nil {
					return err
				}
			}
			if o.Group, err = a.group(ctx, group); err != nil {
				return err
			}
			if cat != "" {
				if o.Category, err = category.Parse(cat); err != nil {
					return err
				}
			}
			if brand != "" {
				o.Brand = brand
			}
			if source != "" {
				o.Source = source
			}
			return a.importFiles(ctx, o, args[1:])
		}),
	}
	cmd.Flags().BoolVar(&dry, "dry-run", false, e.t("cli.flag.dry_run"))
	cmd.Flags().StringVar(&level, "tlp", "", e.t("cli.flag.tlp"))
	cmd.Flags().StringVar(&group, "group", "", e.t("cli.flag.group"))
	cmd.Flags().StringVar(&cat, "category", "", e.t("cli.flag.category"))
	cmd.Flags().StringVar(&brand, "brand", "", e.t("cli.flag.brand"))
	cmd.Flags().StringVar(&source, "source", "", e.t("cli.flag.source"))
	return cmd
}

// importFiles imports one file after the other; a file that cannot be read
// does not keep the next ones out, but the exit code says so.
func (a *app) importFiles(ctx context.Context, o intake.Options, names []string) error {
	g, err := a.guards.Current(ctx)
	if err != nil {
		return err
	}
	bar := newProgress(a.env)
	o.Progress = func(p intake.Progress) { bar.update(p) }
	im := intake.New(a.db, a.caller, g, o)
	var sum intake.Summary
	var failed error
	err = im.Files(ctx, names, a.openFile, func(name string, s intake.Summary, err error) error {
		sum.Add(s)
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		bar.clear()
		fmt.Fprintf(a.err, "teiten: %s: %s\n", name, a.lang.Fault(err))
		if failed == nil {
			failed = err
		}
		return nil
	})
	bar.clear()
	if settled := intake.Settle(ctx, a.db, a.guards.Current, g); err == nil {
		err = settled
	}
	if err != nil {
		return err
	}
	if err := a.print(a.importJSON(o, sum), func() { a.importText(o, sum) }); err != nil {
		return err
	}
	if failed != nil {
		return fault.Wrap(failed, fault.Unavailable, "cli.import.failed")
	}
	if sum.Rejected > 0 {
		return errFound
	}
	return nil
}

func (e *env) openFile(name string) (io.ReadCloser, error) {
	if name == "-" {
		return io.NopCloser(e.in), nil
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "cli.import.open", "file", name)
	}
	return f, nil
}

func (a *app) importText(o intake.Options, s intake.Summary) {
	const shown = 20
	for i, p := range s.Problems {
		if i == shown {
			a.say("cli.import.more", "n", int64(len(s.Problems)-shown)+s.Dropped)
			break
		}
		if p.Line > 0 {
			fmt.Fprintf(a.out, "%s:%d: %s\n", p.File, p.Line, a.lang.Fault(p.Err))
		} else {
			fmt.Fprintf(a.out, "%s: %s\n", p.File, a.lang.Fault(p.Err))
		}
	}
	if o.DryRun {
		a.say("cli.import.dry")
	}
	a.say("cli.import.sum", "files", len(s.Files), "rows", s.Rows, "added", s.Added, "known", s.Known,
		"renewed", s.Renewed, "excluded", s.Excluded, "rejected", s.Rejected)
	if s.New > 0 || s.Repaired > 0 {
		a.say("cli.import.sum2", "new", s.New, "repaired", s.Repaired)
	}
}

func (a *app) importJSON(o intake.Options, s intake.Summary) any {
	type problem struct {
		File    string `json:"file"`
		Line    int64  `json:"line,omitempty"`
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	out := struct {
		DryRun   bool      `json:"dry_run"`
		Files    int       `json:"files"`
		Rows     int64     `json:"rows"`
		Added    int64     `json:"added"`
		Known    int64     `json:"known"`
		New      int64     `json:"new_indicators"`
		Renewed  int64     `json:"renewed"`
		Excluded int64     `json:"excluded"`
		Rejected int64     `json:"rejected"`
		Repaired int64     `json:"repaired"`
		Problems []problem `json:"problems"`
		Dropped  int64     `json:"problems_not_listed"`
	}{o.DryRun, len(s.Files), s.Rows, s.Added, s.Known, s.New, s.Renewed, s.Excluded, s.Rejected, s.Repaired, []problem{}, s.Dropped}
	for _, p := range s.Problems {
		out.Problems = append(out.Problems, problem{p.File, p.Line, fault.Code(p.Err), a.lang.Fault(p.Err)})
	}
	return out
}

// progress is one line that is rewritten while standard error is a terminal.
type progress struct {
	*env
	on    bool
	last  time.Time
	start time.Time
}

func newProgress(e *env) *progress {
	p := &progress{env: e, start: time.Now()}
	if f, ok := e.err.(*os.File); ok {
		if info, err := f.Stat(); err == nil {
			p.on = info.Mode()&os.ModeCharDevice != 0
		}
	}
	return p
}

func (p *progress) update(at intake.Progress) {
	if !p.on || time.Since(p.last) < 100*time.Millisecond {
		return
	}
	p.last = time.Now()
	line := p.t("cli.import.progress", "file", at.File, "rows", at.Rows, "rate", int64(float64(at.Rows)/time.Since(p.start).Seconds()))
	if at.TotalBytes > 0 {
		line += fmt.Sprintf(" %d%%", at.Bytes*100/at.TotalBytes)
	}
	fmt.Fprintf(p.err, "\r\x1b[K%s", line)
}

func (p *progress) clear() {
	if p.on {
		fmt.Fprint(p.err, "\r\x1b[K")
	}
}

// defanged shows a value on a terminal.
func defanged(v indicator.Value) string { return indicator.Defang(v.Kind, v.Value) }

// terminal writes what somebody else wrote on a terminal: addresses in it are
// defanged, and no control character reaches the screen.
func terminal(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, web.Harmless(text))
}

// day shows a time as a day in Tokyo, or a dash.
func day(lang locale.Lang, t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return lang.Date(t)
}
