// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"teiten/internal/fault"
)

// MailboxTLS says whether mail is taken without encryption.
type MailboxTLS string

const (
	TLSOffered  MailboxTLS = "offered"  // to relays that can (RFC 3207)
	TLSRequired MailboxTLS = "required" // from all
)

// Mailbox is the SMTP service to which suspicious mails are forwarded. Its
// place is behind the hospital's or the ISAC's own relay, which sends it what
// is for its domain.
type Mailbox struct {
	Listen string // host:port, "" for none
	// Domain is that of the addresses, in lower case and ASCII.
	Domain string
	TLS    MailboxTLS
	// Certificate and Key are PEM files; both or neither. Without them the
	// portal's own certificate is shown.
	Certificate, Key string
	// Relays are the networks that may deliver, nil for all.
	Relays []netip.Prefix
	// MaxBytes is the size of a mail.
	MaxBytes int64
}

func (m Mailbox) together() error {
	switch {
	case m.Listen != "" && m.Domain == "":
		return fault.New(fault.Invalid, "config.mailbox_domain_missing")
	case (m.Certificate == "") != (m.Key == ""):
		return fault.New(fault.Invalid, "config.mailbox_certificate_key")
	}
	return nil
}

func setMailboxListen(c *Config, value, place string) error {
	if value == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || strings.ContainsAny(host, " /@") {
		return fault.New(fault.Invalid, "config.listen", "place", place, "value", value)
	}
	c.Mailbox.Listen = value
	return nil
}

func setMailboxDomain(c *Config, value, place string) error {
	if value == "" {
		return nil
	}
	host, ok := Host(value)
	if _, err := netip.ParseAddr(host); !ok || err == nil || !strings.Contains(host, ".") {
		return fault.New(fault.Invalid, "config.mailbox_domain", "place", place, "value", value)
	}
	c.Mailbox.Domain = host
	return nil
}

func setMailboxTLS(c *Config, value, place string) error {
	switch c.Mailbox.TLS = MailboxTLS(value); c.Mailbox.TLS {
	case TLSOffered, TLSRequired:
		return nil
	}
	return fault.New(fault.Invalid, "config.mailbox_tls", "place", place, "value", value)
}

func setMailboxRelays(c *Config, value, place string) (err error) {
	c.Mailbox.Relays, err = networks(value, place)
	return err
}

// mostMiB is the most that a report may have: package report keeps no more.
const mostMiB = 50

func setMailboxSize(c *Config, value, place string) error {
	n, err := strconv.ParseUint(value, 10, 16)
	if err != nil || n < 1 || n > mostMiB {
		return fault.New(fault.Invalid, "config.mailbox_size", "place", place, "value", value, "most", mostMiB)
	}
	c.Mailbox.MaxBytes = int64(n) << 20
	return nil
}
