// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"crypto/tls"
	"net"
	"net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"strings"

	"golang.org/x/net/idna"

	"teiten/internal/fault"
)

// TLSEnd is where encryption ends, and so who sees the devices' certificates.
type TLSEnd string

const (
	// TLSHere is the portal itself.
	TLSHere TLSEnd = "here"
	// TLSProxy is a proxy before the portal, which hands the certificate on in
	// the Client-Cert header (RFC 9440).
	TLSProxy TLSEnd = "proxy"
)

// Access says who may reach the portal and how.
type Access struct {
	// Hosts are the names by which people reach the portal, in lower case and
	// ASCII. The first is the one that links are made with.
	Hosts []string
	// TLS is where encryption ends.
	TLS TLSEnd
	// Minimum is tls.VersionTLS13, or tls.VersionTLS12 for old PCs.
	Minimum uint16
	// Certificate and Key are files of the server's own certificate, PEM; both
	// or neither. Without them the installation's authority issues one.
	Certificate, Key string
	// ClientAuthorities is a PEM file of other authorities whose certificates
	// may be bound to accounts, "" for none.
	ClientAuthorities string
	// Proxies are the addresses whose Client-Cert header is believed.
	Proxies []netip.Prefix
}

// OIDC is a provider of OpenID Connect.
type OIDC struct {
	Name, Issuer, ClientID, ClientSecret string
}

// MailSecurity is how the connection to the mail server is protected.
type MailSecurity string

const (
	StartTLS MailSecurity = "starttls"
	MailTLS  MailSecurity = "tls"
	MailNone MailSecurity = "none" // on this machine only
)

// Mail is the server by which notices are sent.
type Mail struct {
	Server   string // host:port, "" for none
	Security MailSecurity
	User     string
	Password string
	From     string // address
}

// together checks what holds between settings.
func (c *Config) together() error {
	switch {
	case (c.Access.Certificate == "") != (c.Access.Key == ""):
		return fault.New(fault.Invalid, "config.certificate_key")
	case c.Access.TLS == TLSProxy && len(c.Access.Proxies) == 0:
		return fault.New(fault.Invalid, "config.proxies")
	case c.OIDC.Issuer != "" && c.OIDC.ClientID == "":
		return fault.New(fault.Invalid, "config.oidc_client")
	case c.Mail.Server != "" && c.Mail.From == "":
		return fault.New(fault.Invalid, "config.mail_from_missing")
	case c.Mail.Server != "" && c.Mail.Security == MailNone && !loopback(c.Mail.Server):
		return fault.New(fault.Invalid, "config.mail_plain")
	}
	return c.Mailbox.together()
}

func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip, notIP := netip.ParseAddr(host)
	return err == nil && (host == "localhost" || notIP == nil && ip.IsLoopback())
}

// Host returns a host name or address as it is compared: in lower case, ASCII
// (RFC 5891), without a port; ok is false for anything else.
func Host(written string) (host string, ok bool) {
	written = strings.ToLower(strings.TrimSpace(written))
	if ip, err := netip.ParseAddr(strings.Trim(written, "[]")); err == nil && ip.Zone() == "" {
		return ip.String(), true
	}
	host, err := idna.Lookup.ToASCII(strings.TrimSuffix(written, "."))
	if err != nil || host == "" || len(host) > 253 || strings.ContainsAny(host, ":/@ *") {
		return "", false
	}
	return host, true
}

func setHosts(c *Config, value, place string) error {
	for item := range items(value) {
		host, ok := Host(item)
		if !ok {
			return fault.New(fault.Invalid, "config.host", "place", place, "value", item)
		}
		c.Access.Hosts = append(c.Access.Hosts, host)
	}
	return nil
}

func setTLS(c *Config, value, place string) error {
	if c.Access.TLS = TLSEnd(value); c.Access.TLS != TLSHere && c.Access.TLS != TLSProxy {
		return fault.New(fault.Invalid, "config.tls", "place", place, "value", value)
	}
	return nil
}

func setTLSMinimum(c *Config, value, place string) error {
	switch value {
	case "1.3":
		c.Access.Minimum = tls.VersionTLS13
	case "1.2":
		c.Access.Minimum = tls.VersionTLS12
	default:
		return fault.New(fault.Invalid, "config.tls_minimum", "place", place, "value", value)
	}
	return nil
}

func setProxies(c *Config, value, place string) (err error) {
	c.Access.Proxies, err = networks(value, place)
	return err
}

func setPath(field func(*Config) *string) func(*Config, string, string) error {
	return func(c *Config, value, place string) error {
		if strings.ContainsRune(value, 0) {
			return fault.New(fault.Invalid, "config.path", "place", place)
		}
		*field(c) = value
		return nil
	}
}

// setText takes a text of one line. It may be a secret and is in no error.
func setText(field func(*Config) *string) func(*Config, string, string) error {
	return func(c *Config, value, place string) error {
		if len(value) > 1000 || strings.ContainsAny(value, "\x00\r\n") {
			return fault.New(fault.Invalid, "config.text", "place", place)
		}
		*field(c) = value
		return nil
	}
}

func setIssuer(c *Config, value, place string) error {
	if u, err := url.Parse(value); value != "" && (err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "") {
		return fault.New(fault.Invalid, "config.issuer", "place", place)
	}
	c.OIDC.Issuer = value
	return nil
}

func setMailServer(c *Config, value, place string) error {
	if value == "" {
		return nil
	}
	host, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || host == "" || strings.ContainsAny(host, " /@") {
		return fault.New(fault.Invalid, "config.mail_server", "place", place, "value", value)
	}
	c.Mail.Server = value
	return nil
}

func setMailSecurity(c *Config, value, place string) error {
	switch c.Mail.Security = MailSecurity(value); c.Mail.Security {
	case StartTLS, MailTLS, MailNone:
		return nil
	}
	return fault.New(fault.Invalid, "config.mail_security", "place", place, "value", value)
}

func setMailFrom(c *Config, value, place string) error {
	if a, err := mail.ParseAddress(value); value != "" && (err != nil || a.Address != value) {
		return fault.New(fault.Invalid, "config.mail_from", "place", place, "value", value)
	}
	c.Mail.From = value
	return nil
}

// hide shows that a secret is set, not which.
func hide(value string) string {
	if value == "" {
		return ""
	}
	return "xxxxx"
}
