// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/outbound"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// Security is how the way to an IMAP server is protected. There is no way
// without protection: the password goes over it.
type Security string

const (
	TLS      Security = "tls"      // from the first byte, usually port 993 (RFC 8314)
	StartTLS Security = "starttls" // usually port 143 (RFC 9051 section 6.2.1)
)

// IMAPConfig guards the way to institutions' own servers.
type IMAPConfig struct {
	// Client dials, and refuses addresses inside networks that the operator
	// has not named.
	Client *outbound.Client
	// RootCAs are the authorities for the servers' certificates; nil means the
	// system's.
	RootCAs *x509.CertPool
}

// IMAP is an institution's own mailbox, from which mails are fetched, and how
// that goes. Signing in is with a password; OAuth 2.0 (XOAUTH2) is not offered.
type IMAP struct {
	ID         int64      `json:"id"`
	Org        int64      `json:"organisation"`
	OrgName    string     `json:"organisation_name"`
	Server     string     `json:"server"` // host:port
	Security   Security   `json:"security"`
	Login      string     `json:"login"`
	Password   string     `json:"-"`      // for writing; "" keeps the one there is
	Folder     string     `json:"folder"` // "INBOX" when it is empty
	DoneFolder string     `json:"done_folder"`
	Enabled    bool       `json:"enabled"`
	Fetched    int64      `json:"fetched"` // mails in all
	LastRun    time.Time  `json:"last_run,omitzero"`
	LastOK     time.Time  `json:"last_ok,omitzero"`
	NextRun    time.Time  `json:"next_run,omitzero"`
	Failures   int        `json:"failures"` // since the last success
	ErrorCode  string     `json:"error,omitempty"`
	ErrorArgs  fault.Args `json:"error_args,omitempty"`

	password              []byte // sealed
	validity, first, last int64
}

// String keeps the password out of logs.
func (i IMAP) String() string { return i.Server + " " + string(i.Security) }

// GoString keeps the password out of %#v.
func (i IMAP) GoString() string { return i.String() }

// Failure returns the last failure as a fault, or nil.
func (i IMAP) Failure() error {
	if i.ErrorCode == "" {
		return nil
	}
	return &fault.Error{Kind: fault.Unavailable, Code: i.ErrorCode, Args: i.ErrorArgs}
}

func (i *IMAP) check() error {
	i.Server, i.Login = strings.ToLower(strings.TrimSpace(i.Server)), strings.TrimSpace(i.Login)
	i.Folder, i.DoneFolder = strings.TrimSpace(i.Folder), strings.TrimSpace(i.DoneFolder)
	if i.Folder == "" {
		i.Folder = "INBOX"
	}
	if i.DoneFolder == "" {
		i.DoneFolder = "Teiten"
	}
	host, port, err := net.SplitHostPort(i.Server)
	if n, failed := strconv.ParseUint(port, 10, 16); err != nil || failed != nil || n == 0 || host == "" || strings.ContainsAny(host, " /@") {
		return fault.New(fault.Invalid, "mailbox.imap_server").At("server")
	}
	if i.Security != TLS && i.Security != StartTLS {
		return fault.New(fault.Invalid, "mailbox.imap_security").At("security")
	}
	for _, f := range []struct{ field, value string }{{"login", i.Login}, {"password", i.Password}, {"folder", i.Folder}, {"done_folder", i.DoneFolder}} {
		if len(f.value) > 300 || strings.ContainsFunc(f.value, func(r rune) bool { return r < ' ' || r == 0x7f }) || f.value == "" && f.field == "login" {
			return fault.New(fault.Invalid, "mailbox.imap_text").At(f.field)
		}
	}
	if strings.EqualFold(i.Folder, i.DoneFolder) {
		return fault.New(fault.Invalid, "mailbox.imap_done").At("done_folder")
	}
	return nil
}

func (b *Box) passwordUse(org int64) string { return "mailbox.imap/" + strconv.FormatInt(org, 10) }

// IMAPs lists the mailboxes of the caller's institution, or of all for
// operators, without passwords.
func IMAPs(ctx context.Context, q store.Queryer, c caller.Caller) ([]IMAP, error) {
	if err := permit.Check(c, permit.InstitutionManage); err != nil {
		return nil, err
	}
	return imaps(ctx, q, c, 0)
}

// SetIMAP stores the mailbox of i.Org; there is one at most. It begins with
// what arrived since yesterday.
func (b *Box) SetIMAP(ctx context.Context, c caller.Caller, i IMAP) error {
	if err := permit.CheckFor(c, permit.InstitutionManage, i.Org); err != nil {
		return err
	}
	if err := i.check(); err != nil {
		return err
	}
	o, err := member.FindOrganisation(ctx, b.DB, c, i.Org)
	if err != nil {
		return err
	}
	if !o.LeftAt.IsZero() {
		return fault.New(fault.Conflict, "mailbox.organisation_left", "name", o.Short)
	}
	return b.DB.Write(ctx, c, func(tx *store.Tx) error {
		all, err := imaps(ctx, tx, c, i.Org)
		if err != nil {
			return err
		}
		switch {
		case i.Password != "":
			i.password = b.Blobs.Keyring().Protect(b.passwordUse(i.Org), []byte(i.Password))
		case len(all) == 1 && all[0].Server == i.Server && all[0].Login == i.Login:
			i.password = all[0].password
		default:
			// A password is never sent to another server than it was entered for.
			return fault.New(fault.Invalid, "mailbox.imap_password").At("password")
		}
		if len(all) == 1 && all[0].Server == i.Server && all[0].Login == i.Login && all[0].Folder == i.Folder {
			i.validity, i.first, i.last = all[0].validity, all[0].first, all[0].last
		}
		if err := putIMAP(ctx, tx, i); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "mailbox.imap_set", object("organisation", i.Org), "server", i.Server, "security", string(i.Security),
			"login", audit.Personal(tx, i.Login), "enabled", i.Enabled, "password", i.Password != "")
	})
}

// RemoveIMAP forgets the mailbox of an organisation, with its password.
func RemoveIMAP(ctx context.Context, db *store.DB, c caller.Caller, org int64) error {
	if err := permit.CheckFor(c, permit.InstitutionManage, org); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if n, err := deleteIMAP(ctx, tx, org); err != nil {
			return err
		} else if n == 0 {
			return fault.New(fault.NotFound, "fault.not_found")
		}
		return audit.Append(ctx, tx, "mailbox.imap_remove", object("organisation", org))
	})
}

// TestIMAP signs in to the stored mailbox of an organisation, looks at both
// folders, and changes nothing. It returns how many mails lie in the folder.
func (b *Box) TestIMAP(ctx context.Context, c caller.Caller, org int64) (waiting int, err error) {
	if err := permit.CheckFor(c, permit.InstitutionManage, org); err != nil {
		return 0, err
	}
	all, err := imaps(ctx, b.DB, c, org)
	if err != nil {
		return 0, err
	}
	if len(all) == 0 {
		return 0, fault.New(fault.NotFound, "fault.not_found")
	}
	if err := b.DB.Write(ctx, c, func(tx *store.Tx) error {
		return audit.Append(ctx, tx, "mailbox.imap_test", object("organisation", org), "server", all[0].Server)
	}); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	s, err := b.signIn(ctx, all[0])
	if err != nil {
		return 0, err
	}
	defer s.close()
	folder, err := s.open(ctx, true)
	if err != nil {
		return 0, err
	}
	return int(folder.NumMessages), nil
}

const (
	fetchJob  = "mailbox.fetch"
	pollEvery = 2 * time.Minute
	mostPause = 6 * time.Hour
)

type fetchArgs struct {
	IMAP int64 `json:"imap"`
}

// Schedule enqueues the mailboxes that are due. It is called once a minute.
func (b *Box) Schedule(ctx context.Context) (n int, err error) {
	due, err := dueIMAPs(ctx, b.DB)
	if err != nil || len(due) == 0 {
		return 0, err
	}
	return len(due), b.DB.Keep(ctx, func(tx *store.Tx) error {
		for _, id := range due {
			if err := job.Enqueue(ctx, tx, fetchJob, fetchArgs{id}, job.Unique(fmt.Sprint(id))); err != nil {
				return err
			}
		}
		return nil
	})
}

// pause is how long to wait after so many failures in a row: a server that
// locks accounts after wrong passwords must not be asked all day.
func pause(failures int) time.Duration {
	if failures == 0 {
		return pollEvery
	}
	return min(mostPause, 5*time.Minute<<min(failures-1, 10))
}
