// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/report"
)

// What the argument of a check is to be taken for.
const (
	asMail = "mail"
	asText = "text"
)

// mailOptions are what is known of mails that the store does not know.
type mailOptions struct {
	as, did           string
	dkim              []string
	authserv, domains []string
}

func (o *mailOptions) flags(e *env, cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.as, "as", "", e.t("cli.check.as"))
	f.StringVar(&o.did, "did", "", e.t("cli.check.did"))
	f.StringArrayVar(&o.dkim, "dkim-key", nil, e.t("cli.check.dkim"))
	f.StringArrayVar(&o.authserv, "authserv", nil, e.t("cli.check.authserv"))
	f.StringArrayVar(&o.domains, "domain", nil, e.t("cli.check.domain"))
}

// options reads the flags.
func (o *mailOptions) options() (mailcheck.Options, error) {
	all := mailcheck.Options{Own: o.domains, Authserv: o.authserv, DKIM: map[string]string{}}
	if !slices.Contains([]string{"", asMail, asText}, o.as) {
		return all, fault.New(fault.Invalid, "cli.check.as_unknown", "value", o.as)
	}
	if !slices.Contains(mailcheck.Actions, mailcheck.Action(o.did)) {
		return all, fault.New(fault.Invalid, "cli.check.did_unknown", "value", o.did)
	}
	for _, key := range o.dkim {
		name, file, ok := strings.Cut(key, "=")
		if !ok {
			return all, fault.New(fault.Invalid, "cli.check.dkim_form", "value", key)
		}
		record, err := os.ReadFile(file)
		if err != nil {
			return all, fault.Wrap(err, fault.Invalid, "cli.check.file", "file", file)
		}
		all.DKIM[strings.ToLower(name)] = strings.TrimSpace(string(record))
	}
	return all, nil
}

// mailFile is a mail that is to be checked.
type mailFile struct {
	name string
	raw  []byte
}

// readMail reads a file or, for "-", standard input, up to the size of a mail.
func (a *app) readMail(name string) ([]byte, error) {
	in := a.in
	if name != "-" {
		f, err := os.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fault.New(fault.Invalid, "cli.check.what", "value", name)
		}
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "cli.check.file", "file", name)
		}
		defer func() { _ = f.Close() }() // it was read
		in = f
	}
	raw, err := io.ReadAll(io.LimitReader(in, report.MaxMail+1))
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "cli.check.file", "file", name)
	}
	return raw, nil
}

// looksLikeMail reports whether a text is a mail with its header, or a .msg.
func looksLikeMail(raw []byte) bool {
	m, err := mail.Read(raw, mail.Limits{})
	return err == nil && m.Format != mail.Text
}

// checkedMail is the answer about one mail of several.
type checkedMail struct {
	File string `json:"file"`
	mailcheck.Report
}

// checkMails prints the answers. A single one is an object with the verdict at
// its top.
func (a *app) checkMails(ctx context.Context, mails []mailFile, options mailcheck.Options, did mailcheck.Action) error {
	checker := a.checks.With(options)
	all := make([]checkedMail, len(mails))
	answers := make([]*mailcheck.Answer, len(mails))
	bad := false
	for i, m := range mails {
		answer, err := checker.Check(ctx, a.db, a.caller, m.raw)
		if err != nil {
			return &fileError{m.name, err}
		}
		answers[i], all[i] = answer, checkedMail{m.name, answer.JSON(a.lang, did)}
		bad = bad || answer.Verdict != mailcheck.Unknown
	}
	var printed any = all
	if len(all) == 1 {
		printed = all[0]
	}
	err := a.print(printed, func() {
		for i, answer := range answers {
			a.tellMail(mails[i].name, answer, did)
		}
	})
	if err == nil && bad {
		return errFound
	}
	return err
}

// tellMail prints an answer for people.
func (a *app) tellMail(name string, answer *mailcheck.Answer, did mailcheck.Action) {
	fmt.Fprintf(a.out, "%s\t%s\n", terminal(name), answer.Verdict.Name(a.lang))
	if answer.Found != mail.Itself {
		a.say("cli.check.mail.found." + string(answer.Found))
	}
	m := answer.Mail
	if m.Subject != "" {
		a.say("cli.check.mail.subject", "subject", terminal(m.Subject))
	}
	for _, f := range m.From {
		a.say("cli.check.mail.from", "name", terminal(f.Name), "address", indicator.Defang(indicator.Email, f.Address))
	}
	if g := answer.Signature; g.State != mailcheck.Unsigned {
		a.say("cli.check.mail.signed", "state", g.State.Name(a.lang), "by", terminal(cmp.Or(indicator.Defang(indicator.Domain, g.Domain), strings.Join(g.Keys, ", "))))
	}
	for i, f := range answer.Findings {
		if f.Weight < 0 {
			continue
		}
		fmt.Fprintf(a.out, "  %d. %s\n", i+1, terminal(f.Explain(a.lang)))
	}
	for _, key := range answer.Incomplete {
		fmt.Fprintf(a.out, "  ! %s\n", a.t(key))
	}
	if w := answer.Wave; w != nil && w.Institutions.Some() {
		a.say("cli.check.mail.seen", "n", w.Institutions.Text(a.lang), "day", day(a.lang, w.First))
	}
	for i, key := range answer.Advice(did) {
		mark := "→"
		if i > 0 {
			mark = "  -"
		}
		fmt.Fprintf(a.out, "%s %s\n", mark, a.t(key))
	}
}
