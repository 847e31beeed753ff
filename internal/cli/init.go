// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"teiten/internal/config"
	"teiten/internal/fault"
	"teiten/internal/founding"
)

// initCommand makes an installation: four questions, and an answer for each
// may be given as a flag.
func (e *env) initCommand() *cobra.Command {
	var asked founding.Answers
	var host string
	cmd := &cobra.Command{
		Use: "init", Short: e.t("cli.init"), Long: e.t("cli.init.long"), Args: cobra.NoArgs,
		Example: `  teiten init
  teiten init --name 見本ISAC --operator "山田 花子" --login hanako --host portal.example.jp`,
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			a, err := e.openUnfounded(cmd)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, a.Close()) }()
			if err := e.ask(&asked, &host, a.cfg.Access.Hosts); err != nil {
				return err
			}
			found, err := a.found(cmd.Context(), asked)
			if err != nil {
				return err
			}
			return e.print(found, func() { e.founded(found, a.cfg) })
		},
	}
	cmd.Flags().StringVar(&asked.Name, "name", "", e.t("cli.init.name"))
	cmd.Flags().StringVar(&asked.Operator, "operator", "", e.t("cli.init.operator"))
	cmd.Flags().StringVar(&asked.Login, "login", "", e.t("cli.init.login"))
	cmd.Flags().StringVar(&host, "host", "", e.t("cli.init.host"))
	return cmd
}

// ask puts the questions that no flag answered, each with what Enter means.
func (e *env) ask(a *founding.Answers, host *string, configured []string) error {
	usual := cmp.Or(strings.Join(configured, ","), founding.LikelyHost())
	in := bufio.NewReader(e.in)
	for _, q := range []struct {
		key, usual string
		answer     *string
	}{
		{"cli.init.ask.name", "", &a.Name},
		{"cli.init.ask.operator", "", &a.Operator},
		{"cli.init.ask.login", "operator", &a.Login},
		{"cli.init.ask.host", usual, host},
	} {
		if *q.answer != "" {
			continue
		}
		if q.usual == "" {
			fmt.Fprintf(e.err, "%s: ", e.t(q.key))
		} else {
			fmt.Fprintf(e.err, "%s [%s]: ", e.t(q.key), q.usual)
		}
		line, err := in.ReadString('\n')
		if *q.answer = cmp.Or(strings.TrimSpace(line), q.usual); *q.answer == "" || err != nil && line == "" && q.usual == "" {
			fmt.Fprintln(e.err)
			return fault.New(fault.Invalid, "cli.init.unanswered", "question", e.t(q.key))
		}
	}
	a.Hosts = strings.Split(*host, ",")
	return nil
}

// founded is what set-up made, and what the operator must do with it.
type founded struct {
	Folder      string `json:"data"`
	Settings    string `json:"settings,omitempty"` // the file that was written, "" if there was one
	Certificate string `json:"certificate"`        // the .p12
	Authority   string `json:"authority"`          // the root, for browsers that do not know it
	Password    string `json:"password"`           // for the .p12 and the first sign-in, shown once
	Login       string `json:"login"`
	URL         string `json:"url"`
	P12         []byte `json:"-"`
}

// found makes the installation and writes what the operator needs into the
// data folder.
func (a *app) found(ctx context.Context, asked founding.Answers) (founded, error) {
	made, err := founding.Found(ctx, a.db, a.blobs.Keyring(), asked)
	if err != nil {
		return founded{}, err
	}
	f := founded{Folder: a.cfg.Data, Password: made.Password, Login: made.Login, P12: made.P12,
		Certificate: filepath.Join(a.cfg.Data, "operator.p12"), Authority: filepath.Join(a.cfg.Data, "ca.crt")}
	if len(a.cfg.Access.Hosts) == 0 {
		a.cfg.Access.Hosts = made.Hosts
		if f.Settings, err = writeSettings(a.cfg, made.Hosts); err != nil {
			return founded{}, err
		}
	}
	f.URL = portalURL(a.cfg)
	if err := writeFile(f.Certificate, made.P12); err != nil {
		return founded{}, err
	}
	return f, writeFile(f.Authority, made.Authority)
}

// founded tells what to do next.
func (e *env) founded(f founded, cfg *config.Config) {
	e.say("cli.init.done", "data", f.Folder)
	fmt.Fprintln(e.out)
	e.say("cli.init.password")
	fmt.Fprintf(e.out, "\n    %s\n\n", f.Password)
	e.say("cli.init.next", "p12", f.Certificate, "ca", f.Authority, "url", f.URL, "login", f.Login, "serve", serveLine(cfg))
}

// serveLine is how this portal is started with the flags that matter.
func serveLine(cfg *config.Config) string {
	for _, s := range cfg.Describe() {
		if s.Name == "data" && s.Origin == "--data" {
			return "teiten serve --data " + s.Value
		}
	}
	return "teiten serve"
}

// publicPort is where an installation of its own listens: no rights are needed
// for it, and it is the usual second port of HTTPS.
const publicPort = "8443"

// writeSettings writes teiten.toml into the data folder unless there is one,
// and applies what it says. An address that was given already is kept.
func writeSettings(cfg *config.Config, hosts []string) (string, error) {
	path := filepath.Join(cfg.Data, config.FileName)
	if cfg.File != "" {
		return "", fault.New(fault.Invalid, "cli.init.hosts_there", "file", cfg.File, "hosts", strings.Join(hosts, `", "`))
	}
	quoted := make([]string, len(hosts))
	for i, h := range hosts {
		quoted[i] = strconv.Quote(h)
	}
	var text strings.Builder
	if given(cfg, "listen") == "default" {
		cfg.Listen = ":" + publicPort
		fmt.Fprintf(&text, "listen = %q\n", cfg.Listen)
	}
	fmt.Fprintf(&text, "language = %q\n\n[access]\nhosts = [%s]\n", cfg.Language, strings.Join(quoted, ", "))
	return path, writeFile(path, []byte(text.String()))
}

// given is where a setting comes from.
func given(cfg *config.Config, name string) string {
	for _, s := range cfg.Describe() {
		if s.Name == name {
			return s.Origin
		}
	}
	return ""
}

// writeFile writes a file that only this user reads.
func writeFile(path string, content []byte) error {
	if err := os.WriteFile(path, content, 0o600); err != nil {
		return fault.Wrap(err, fault.Unavailable, "cli.write", "file", path)
	}
	return nil
}

// portalURL is the address that people type.
func portalURL(cfg *config.Config) string {
	host := "localhost"
	if len(cfg.Access.Hosts) > 0 {
		host = cfg.Access.Hosts[0]
	}
	_, port, _ := net.SplitHostPort(cfg.Listen)
	if cfg.Access.TLS == config.TLSProxy || port == "443" || port == "" {
		if strings.Contains(host, ":") {
			host = "[" + host + "]"
		}
		return "https://" + host + "/"
	}
	return "https://" + net.JoinHostPort(host, port) + "/"
}
