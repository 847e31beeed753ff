// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package cli is the command line and the one place where the parts are put
// together. Exit codes: 0 fine, 1 found something (a difference, a match, a
// failed verification), 2 wrong use, 3 could not finish.
package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"teiten/internal/config"
	"teiten/internal/fault"
	"teiten/internal/locale"
)

// Exit codes.
const (
	exitFine = iota
	exitFound
	exitUse
	exitFailed
)

// Version and Commit are set by the linker; see the Makefile.
var (
	Version = "dev"
	Commit  = ""
)

// errFound is returned by a command that did its work and found something.
var errFound = errors.New("found")

// env is what a command works with.
type env struct {
	in       io.Reader
	out, err io.Writer
	lang     locale.Lang
	json     bool
	log      *slog.Logger
	// spare keeps the collector of garbage, which goes by what is alive, from
	// beginning at 4 MB: that took most of the time of a small command. It is
	// never touched and so takes no memory. What runs for long lets go of it.
	spare []byte
}

func (e *env) t(key string, pairs ...any) string { return e.lang.T(key, pairs...) }

// say prints a sentence on standard output.
func (e *env) say(key string, pairs ...any) { fmt.Fprintln(e.out, e.t(key, pairs...)) }

// print writes v as JSON when --json was given, else what text prints.
func (e *env) print(v any, text func()) error {
	if !e.json {
		text()
		return nil
	}
	enc := json.NewEncoder(e.out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// Main runs the command line and returns the exit code.
func Main(args []string, in io.Reader, out, errOut io.Writer) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	e := &env{in: in, out: out, err: errOut, lang: language(args, os.Getenv)}
	root := e.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errOut)
	cmd, err := root.ExecuteContextC(ctx)
	return e.exit(cmd, err)
}

// language is decided before anything else, because help needs it.
func language(args []string, getenv func(string) string) locale.Lang {
	for i, a := range args {
		if a == "--lang" && i+1 < len(args) {
			return locale.Parse(args[i+1])
		}
		if len(a) > 7 && a[:7] == "--lang=" {
			return locale.Parse(a[7:])
		}
	}
	return locale.Parse(getenv("TEITEN_LANG"))
}

func (e *env) root() *cobra.Command {
	root := &cobra.Command{
		Use: "teiten", Short: e.t("cli.about"), SilenceErrors: true, SilenceUsage: true,
		Version: versionText(), CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	config.Bind(root.PersistentFlags(), e.lang)
	root.PersistentFlags().BoolVar(&e.json, "json", false, e.t("cli.flag.json"))
	root.SetUsageTemplate(e.usage())
	root.InitDefaultHelpFlag()
	root.Flags().Lookup("help").Usage = e.t("cli.flag.help")
	root.InitDefaultVersionFlag()
	root.Flags().Lookup("version").Usage = e.t("cli.flag.version")
	root.SetHelpCommand(&cobra.Command{Hidden: true, Use: "no-help"})
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		return fault.Wrap(err, fault.Invalid, "cli.flags", "reason", err.Error())
	})
	root.AddCommand(
		e.demoCommand(), e.initCommand(), e.serveCommand(), e.doctorCommand(), e.migrateCommand(),
		e.importCommand(), e.exportCommand(), e.checkCommand(), e.trendCommand(),
		e.feedCommand(), e.warninglistCommand(),
		e.memberCommand(), e.userCommand(), e.certCommand(), e.tokenCommand(), e.mailboxCommand(), e.dkimCommand(),
		e.backupCommand(), e.restoreCommand(), e.keyCommand(), e.auditCommand(),
	)
	return root
}

// fileError says of which of several files an error is.
type fileError struct {
	file string
	error
}

func (e *fileError) Unwrap() error { return e.error }

// exit prints what went wrong and returns the exit code.
func (e *env) exit(cmd *cobra.Command, err error) int {
	if err == nil {
		return exitFine
	}
	if errors.Is(err, errFound) {
		return exitFound
	}
	var f *fault.Error
	if !errors.As(err, &f) && cmd != nil && !errors.Is(err, context.Canceled) && isUse(err) {
		f = fault.Wrap(err, fault.Invalid, "cli.use", "reason", err.Error(), "command", cmd.CommandPath())
	}
	if f == nil {
		f = fault.From(err)
	}
	var in *fileError
	if e.json {
		told := map[string]any{"code": f.Code, "message": e.lang.Fault(f), "field": f.Field}
		if errors.As(err, &in) {
			told["file"] = in.file
		}
		enc := json.NewEncoder(e.err)
		enc.SetEscapeHTML(false)
		enc.Encode(told)
	} else {
		where := "teiten: "
		if errors.As(err, &in) {
			where += terminal(in.file) + ": "
		}
		fmt.Fprintln(e.err, where+e.lang.Fault(f))
		if f.Err != nil && (f.Kind == fault.Internal || f.Kind == fault.Unavailable) {
			fmt.Fprintln(e.err, e.t("cli.cause", "cause", f.Err.Error()))
		}
	}
	if f.Kind == fault.Invalid || f.Kind == fault.TooLarge || f.Kind == fault.NotFound && f.Code != "fault.not_found" {
		return exitUse
	}
	return exitFailed
}

// isUse reports whether cobra refused the arguments: its errors have no type.
func isUse(err error) bool {
	for _, p := range []string{"unknown command", "accepts ", "requires at least", "unknown flag", "required flag", "if any flags"} {
		if len(err.Error()) >= len(p) && err.Error()[:len(p)] == p {
			return true
		}
	}
	return false
}

func (e *env) usage() string {
	return e.t("cli.usage.usage") + `{{if .Runnable}}
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} …{{end}}{{if .HasExample}}

` + e.t("cli.usage.examples") + `
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}

` + e.t("cli.usage.commands") + `{{range .Commands}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

` + e.t("cli.usage.flags") + `
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

` + e.t("cli.usage.everywhere") + `
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}
`
}

func versionText() string {
	commit := Commit
	if commit == "" {
		if info, ok := debug.ReadBuildInfo(); ok {
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					commit = s.Value
				}
			}
		}
	}
	if commit == "" {
		commit = "unknown"
	}
	return "teiten " + Version + " (" + commit + ")"
}
