// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/pki"
)

// certCommand looks after the certificates of devices.
func (e *env) certCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "cert", Short: e.t("cli.cert")}
	cmd.AddCommand(e.certList(), e.certInvite(), e.certRevoke(), e.certRegister(), e.certAuthority(), e.certCRL())
	return cmd
}

// office opens the register of devices of a command.
func (a *app) office(ctx context.Context) (*device.Office, error) {
	return device.Open(ctx, a.db, a.blobs.Keyring())
}

// certRow is a certificate as the command line shows it.
type certRow struct {
	ID           int64          `json:"id"`
	Purpose      device.Purpose `json:"purpose"`
	State        device.State   `json:"state"`
	Organisation string         `json:"organisation"`
	Account      int64          `json:"account,omitempty"`
	Holder       string         `json:"holder,omitempty"`
	Label        string         `json:"label,omitempty"`
	Until        time.Time      `json:"until"`
	LastSeen     *time.Time     `json:"last_seen,omitempty"`
	Fingerprint  string         `json:"fingerprint"`
}

func (e *env) certList() *cobra.Command {
	var org int64
	cmd := &cobra.Command{
		Use: "list", Short: e.t("cli.cert.list"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			rows := []certRow{}
			for before := int64(0); ; {
				page, err := device.List(ctx, a.db, a.caller, device.Filter{Org: org, Before: before, Limit: 200})
				if err != nil {
					return err
				}
				for _, c := range page {
					r := certRow{ID: c.ID, Purpose: c.Purpose, State: c.State(time.Now()), Organisation: c.OrgName, Account: c.Account,
						Holder: c.AccountName, Label: c.Label, Until: c.NotAfter, Fingerprint: c.Fingerprint}
					if !c.LastSeen.IsZero() {
						r.LastSeen = &c.LastSeen
					}
					rows = append(rows, r)
					before = c.ID
				}
				if len(page) < 200 {
					break
				}
			}
			return a.print(rows, func() {
				if len(rows) == 0 {
					a.say("cli.cert.none")
				}
				for _, r := range rows {
					holder := r.Holder
					if holder == "" {
						holder = r.Label
					}
					fmt.Fprintf(a.out, "%d\t%s\t%s\t%s\t%s\t%s\n", r.ID, a.t(r.State.Key()), a.t(r.Purpose.Key()), r.Organisation, holder, a.lang.Date(r.Until))
				}
			})
		}),
	}
	cmd.Flags().Int64Var(&org, "org", 0, e.t("cli.cert.flag.org"))
	return cmd
}

func (e *env) certInvite() *cobra.Command {
	var account, ward int64
	var label string
	var life time.Duration
	cmd := &cobra.Command{
		Use: "invite", Short: e.t("cli.cert.invite"), Long: e.t("cli.cert.invite.long"), Args: cobra.NoArgs,
		Example: "  teiten cert invite --account 12\n  teiten cert invite --ward 3 --label \"3F nurses\"",
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			if _, err := a.office(ctx); err != nil {
				return err
			}
			i := device.Invitation{Label: label, For: life}
			switch {
			case (account == 0) == (ward == 0):
				return fault.New(fault.Invalid, "cli.cert.whose")
			case ward != 0:
				i.Purpose, i.Org = device.Device, ward
			default:
				who, err := member.Find(ctx, a.db, a.caller, account)
				if err != nil {
					return err
				}
				i.Purpose, i.Org, i.Account = device.Person, who.Org.ID, account
				if who.Role == "machine" {
					i.Purpose = device.Machine
				}
			}
			code, made, err := device.Invite(ctx, a.db, a.caller, i)
			if err != nil {
				return err
			}
			link := portalURL(a.cfg) + "enrol#" + code
			return a.print(map[string]any{"id": made.ID, "link": link, "code": code, "until": made.Expires}, func() {
				fmt.Fprintln(a.out, link)
				fmt.Fprintln(a.err, a.t("cli.cert.invited", "until", a.lang.DateTime(made.Expires)))
			})
		}),
	}
	cmd.Flags().Int64Var(&account, "account", 0, e.t("cli.cert.flag.account"))
	cmd.Flags().Int64Var(&ward, "ward", 0, e.t("cli.cert.flag.ward"))
	cmd.Flags().StringVar(&label, "label", "", e.t("cli.cert.flag.label"))
	cmd.Flags().DurationVar(&life, "for", 0, e.t("cli.cert.flag.for"))
	return cmd
}

func (e *env) certRevoke() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: "revoke ID", Short: e.t("cli.cert.revoke"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			id, err := number(args[0])
			if err != nil {
				return err
			}
			if err := device.Revoke(ctx, a.db, a.caller, id, device.Reason(reason)); err != nil {
				return err
			}
			return a.print(map[string]int64{"revoked": id}, func() { a.say("cli.cert.revoked", "id", id) })
		}),
	}
	cmd.Flags().StringVar(&reason, "reason", string(device.Lost), e.t("cli.cert.flag.reason"))
	return cmd
}

// certRegister binds a certificate of another authority to an account or a ward.
func (e *env) certRegister() *cobra.Command {
	var account, ward int64
	var label string
	cmd := &cobra.Command{
		Use: "register FILE", Short: e.t("cli.cert.register"), Args: cobra.ExactArgs(1),
		RunE: e.with(func(ctx context.Context, a *app, args []string) error {
			office, err := a.office(ctx)
			if err != nil {
				return err
			}
			if path := a.cfg.Access.ClientAuthorities; path != "" {
				bundle, err := pki.OpenBundleFile(path)
				if err != nil {
					return err
				}
				office.Trust(bundle.Authorities())
			}
			f, err := os.Open(args[0])
			if err != nil {
				return fault.Wrap(err, fault.Invalid, "cli.read", "file", args[0])
			}
			defer f.Close()
			text, err := io.ReadAll(io.LimitReader(f, 1<<20))
			if err != nil {
				return fault.Wrap(err, fault.Unavailable, "cli.read", "file", args[0])
			}
			r := device.Request{Purpose: device.Device, Org: ward, Label: label}
			if account != 0 {
				who, err := member.Find(ctx, a.db, a.caller, account)
				if err != nil {
					return err
				}
				r.Purpose, r.Org, r.Account = device.Person, who.Org.ID, account
				if who.Role == "machine" {
					r.Purpose = device.Machine
				}
			}
			c, err := office.Register(ctx, a.db, a.caller, r, text)
			if err != nil {
				return err
			}
			return a.print(map[string]any{"id": c.ID, "fingerprint": c.Fingerprint, "until": c.NotAfter}, func() {
				a.say("cli.cert.registered", "id", c.ID, "until", a.lang.Date(c.NotAfter))
			})
		}),
	}
	cmd.Flags().Int64Var(&account, "account", 0, e.t("cli.cert.flag.account"))
	cmd.Flags().Int64Var(&ward, "ward", 0, e.t("cli.cert.flag.ward"))
	cmd.Flags().StringVar(&label, "label", "", e.t("cli.cert.flag.label"))
	return cmd
}

func (e *env) certAuthority() *cobra.Command {
	return &cobra.Command{
		Use: "ca", Short: e.t("cli.cert.ca"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			office, err := a.office(ctx)
			if err != nil {
				return err
			}
			_, err = a.out.Write(pki.EncodePEM(office.Authority()))
			return err
		}),
	}
}

func (e *env) certCRL() *cobra.Command {
	return &cobra.Command{
		Use: "crl", Short: e.t("cli.cert.crl"), Args: cobra.NoArgs,
		RunE: e.with(func(ctx context.Context, a *app, _ []string) error {
			office, err := a.office(ctx)
			if err != nil {
				return err
			}
			list, err := office.CRL(ctx, a.db)
			if err != nil {
				return err
			}
			_, err = a.out.Write(list)
			return err
		}),
	}
}
