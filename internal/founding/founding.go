// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package founding makes a new installation out of four answers: the ISAC, its
// first operator, the certificate authority, the portal's certificate and the
// operator's.
package founding

import (
	"context"
	"net"
	"os"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/auth"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/config"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/pki"
	"teiten/internal/store"
)

// Answers are what set-up asks for.
type Answers struct {
	Name     string   // of the ISAC, or of the hospital that begins alone
	Operator string   // the first operator's name
	Login    string   // and her login
	Hosts    []string // names by which people reach the portal
}

// Made is a new installation. Password and P12 are nowhere else.
type Made struct {
	Org, Account int64
	Login        string
	Hosts        []string
	Password     string // of the P12, and once more for the first sign-in
	P12          []byte
	Authority    []byte // the root certificate, PEM
}

// codeFor is how long the first operator has time for her first sign-in.
const codeFor = 14 * 24 * time.Hour

// Found makes the installation. As long as the first operator has not set up
// her sign-in, it can be repeated with the same login: what was lost, such as
// the one-time password, is made anew, and the certificate before it revoked.
// Then the fault is founding.done (Conflict).
func Found(ctx context.Context, db *store.DB, keys *blob.Keyring, a Answers) (Made, error) {
	hosts, err := checkHosts(a.Hosts)
	if err != nil {
		return Made{}, err
	}
	m := Made{Hosts: hosts, Password: pki.OneTimePassword()}
	if m.Org, m.Account, m.Login, err = operator(ctx, db, a); err != nil {
		return Made{}, err
	}
	c, err := member.Caller(ctx, db, m.Account, "cli")
	if err != nil {
		return Made{}, err
	}
	office, err := device.Open(ctx, db, keys)
	if fault.Is(err, fault.NotFound) {
		office, err = device.Create(ctx, db, keys, c, strings.TrimSpace(a.Name)+" Teiten CA")
	}
	if err != nil {
		return Made{}, err
	}
	if _, err := office.IssueServer(ctx, db, c, hosts); err != nil {
		return Made{}, err
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		if _, err := device.RevokeAll(ctx, tx, m.Account, device.Replaced); err != nil {
			return err
		}
		if err := auth.SetUpCode(ctx, tx, m.Account, m.Password, tx.Now.Add(codeFor)); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "installation.found", "installation", "hosts", hosts)
	})
	if err != nil {
		return Made{}, err
	}
	m.P12, _, err = office.Issue(ctx, db, c, device.Request{Purpose: device.Person, Org: m.Org, Account: m.Account, Label: "最初の端末"}, m.Password, pki.Modern)
	m.Authority = pki.EncodePEM(office.Authority())
	return m, err
}

// operator registers the first operator, or returns the one who was registered
// by an earlier attempt and has not signed in yet.
func operator(ctx context.Context, db *store.DB, a Answers) (org, account int64, login string, err error) {
	if login, err = member.FoldLogin(a.Login); err != nil {
		return 0, 0, "", err
	}
	err = db.Write(ctx, caller.System("init"), func(tx *store.Tx) error {
		org, account, err = member.Found(ctx, tx, a.Name, a.Operator, login)
		return err
	})
	if !fault.Is(err, fault.Conflict) {
		return org, account, login, err
	}
	found, lost := member.FirstOperator(ctx, db, login)
	if lost != nil {
		return 0, 0, "", fault.Wrap(err, fault.Conflict, "founding.done")
	}
	if ready, e := auth.IsSetUp(ctx, db, found.ID); e != nil || ready {
		return 0, 0, "", fault.Wrap(err, fault.Conflict, "founding.done")
	}
	return found.Org.ID, found.ID, login, nil
}

// checkHosts takes host names and addresses as they are compared.
func checkHosts(written []string) ([]string, error) {
	var hosts []string
	for _, h := range written {
		if strings.TrimSpace(h) == "" {
			continue
		}
		host, ok := config.Host(h)
		if !ok {
			return nil, fault.New(fault.Invalid, "founding.host", "value", strings.TrimSpace(h)).At("hosts")
		}
		hosts = append(hosts, host)
	}
	if len(hosts) == 0 {
		return nil, fault.New(fault.Invalid, "founding.host_missing").At("hosts")
	}
	return hosts, nil
}

// LikelyHost is the name that people will probably type: this machine's own if
// it is a full one that resolves, else localhost.
func LikelyHost() string {
	name, err := os.Hostname()
	if err == nil && strings.Contains(name, ".") {
		if _, err := net.LookupHost(name); err == nil {
			return strings.ToLower(name)
		}
	}
	return "localhost"
}
