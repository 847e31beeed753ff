// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"cmp"
	"log/slog"
	"net/netip"
	"time"

	"teiten/internal/blob"
	"teiten/internal/locale"
	"teiten/internal/mailcheck"
	"teiten/internal/mailer"
	"teiten/internal/store"
)

// Limits bound what the mailbox takes and answers. Zero fields mean the
// defaults.
type Limits struct {
	Connections   int           // SMTP, in all: 100
	PerAddress    int           // SMTP, from one address (of IPv6: one /64): 20
	PerNetwork    int           // mails a minute from one /24 or /64; relays are exempt: 60
	PerSender     int           // mails an hour from one sender: 2,000
	Line          int           // bytes of a line: 64 KiB
	Idle          time.Duration // between two commands, or for 32 KiB of a mail: a minute
	Mail          time.Duration // for a whole mail: ten minutes
	Connection    time.Duration // for a whole connection: half an hour
	Answers       int           // to one sender in an hour, beside one for all the others together: 10
	Single        int           // reports of one institution in an hour that are answered one by one: 60
	Group         time.Duration // between two answers for many reports together: an hour
	GroupPause    time.Duration // from the first report that is answered with others until that answer: ten minutes
	GuideInterval time.Duration // between two answers that explain how to forward, to one sender: a day
}

func (l Limits) withDefaults() Limits {
	l.Connections = cmp.Or(l.Connections, 100)
	l.PerAddress = cmp.Or(l.PerAddress, 20)
	l.PerNetwork = cmp.Or(l.PerNetwork, 60)
	l.PerSender = cmp.Or(l.PerSender, 2000)
	l.Line = cmp.Or(l.Line, 64<<10)
	l.Idle = cmp.Or(l.Idle, time.Minute)
	l.Mail = cmp.Or(l.Mail, 10*time.Minute)
	l.Connection = cmp.Or(l.Connection, 30*time.Minute)
	l.Answers = cmp.Or(l.Answers, 10)
	l.Single = cmp.Or(l.Single, 60)
	l.Group = cmp.Or(l.Group, time.Hour)
	l.GroupPause = cmp.Or(l.GroupPause, 10*time.Minute)
	l.GuideInterval = cmp.Or(l.GuideInterval, 24*time.Hour)
	return l
}

const (
	// DefaultMaxBytes is the size of a mail that is taken unless the operator
	// says otherwise: three quarters of it are left for what is attached.
	DefaultMaxBytes = 30 << 20
	// sameFor is how long the same mail again is the same one: for that long a
	// client that lost our answer tries again.
	sameFor = 24 * time.Hour
	// keepFor is how long what did not become a report is kept.
	keepFor = 30 * 24 * time.Hour
	// purpose names the mails among the objects of package blob.
	purpose = "mailbox"
)

// Config is what the operator decided.
type Config struct {
	// Domain is that of the addresses, in lower case and ASCII.
	Domain string
	// Host is the portal's host name: in greetings, and as a plain word in
	// answers.
	Host     string
	MaxBytes int64
	// RequireTLS takes mail over an encrypted connection only.
	RequireTLS bool
	// Relays are the networks that may deliver, nil for all. They are exempt
	// from PerNetwork, because everybody's mail comes from them.
	Relays []netip.Prefix
	// IMAP guards the way to institutions' own servers.
	IMAP IMAPConfig
	// Language is that of answers to people whose own is not known.
	Language locale.Lang
	Limits   Limits
}

// Parts are what the mailbox works with.
type Parts struct {
	DB      *store.DB
	Blobs   *blob.Store
	Checker *mailcheck.Checker
	Mail    *mailer.Mailer // nil: nothing is answered
	Log     *slog.Logger
	// Wake is called when a mail was stored; nil for none.
	Wake func()
}

// Box is the reporting mailbox. It is safe for concurrent use.
type Box struct {
	Parts
	cfg Config
	// halt is called at named moments; the test that kills the program there
	// sets it.
	halt func(moment string)
}

// New returns the mailbox by a configuration.
func New(p Parts, cfg Config) *Box {
	cfg.Limits = cfg.Limits.withDefaults()
	cfg.MaxBytes = cmp.Or(cfg.MaxBytes, DefaultMaxBytes)
	cfg.Language = cmp.Or(cfg.Language, locale.Japanese)
	if p.Wake == nil {
		p.Wake = func() {}
	}
	return &Box{Parts: p, cfg: cfg, halt: func(string) {}}
}
