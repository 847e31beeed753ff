// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package config

import (
	"iter"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	"teiten/internal/fault"
	"teiten/internal/locale"
)

// decision is one setting: its names in the three places, its default, and how
// its text becomes a checked value. Place goes into errors.
type decision struct {
	name, flag, env string
	fallback        func(env func(string) (string, bool)) string
	set             func(c *Config, value, place string) error
	show            func(string) string
	list            bool // in the file an array; elsewhere separated by commas
}

var (
	configFile = decision{name: "config", flag: "config", env: "TEITEN_CONFIG"}
	dataFolder = decision{name: "data", flag: "data", env: "TEITEN_DATA", fallback: defaultData, set: setData}
)

// decisions are all settings, in the order in which doctor shows them.
var decisions = []decision{
	dataFolder,
	{name: "database", flag: "database", env: "TEITEN_DATABASE", fallback: text(""), set: setDatabase, show: Redact},
	{name: "listen", flag: "listen", env: "TEITEN_LISTEN", fallback: text("127.0.0.1:8080"), set: setListen},
	{name: "language", flag: "lang", env: "TEITEN_LANG", fallback: text(string(locale.Japanese)), set: setLanguage},
	{name: "log.level", flag: "log-level", env: "TEITEN_LOG_LEVEL", fallback: text("info"), set: setLogLevel},
	{name: "log.format", flag: "log-format", env: "TEITEN_LOG_FORMAT", fallback: text(string(LogText)), set: setLogFormat},
	{name: "outbound.proxy", flag: "outbound-proxy", env: "TEITEN_OUTBOUND_PROXY", fallback: text(""), set: setProxy, show: Redact},
	{name: "outbound.allow", flag: "outbound-allow", env: "TEITEN_OUTBOUND_ALLOW", fallback: text(""), set: setAllow, list: true},
	{name: "access.hosts", flag: "hosts", env: "TEITEN_HOSTS", fallback: text(""), set: setHosts, list: true},
	{name: "access.tls", env: "TEITEN_TLS", fallback: text(string(TLSHere)), set: setTLS},
	{name: "access.tls_minimum", env: "TEITEN_TLS_MINIMUM", fallback: text("1.3"), set: setTLSMinimum},
	{name: "access.certificate", env: "TEITEN_CERTIFICATE", fallback: text(""), set: setPath(func(c *Config) *string { return &c.Access.Certificate })},
	{name: "access.key", env: "TEITEN_KEY", fallback: text(""), set: setPath(func(c *Config) *string { return &c.Access.Key })},
	{name: "access.client_authorities", env: "TEITEN_CLIENT_AUTHORITIES", fallback: text(""), set: setPath(func(c *Config) *string { return &c.Access.ClientAuthorities })},
	{name: "access.proxies", env: "TEITEN_PROXIES", fallback: text(""), set: setProxies, list: true},
	{name: "oidc.name", env: "TEITEN_OIDC_NAME", fallback: text("OpenID Connect"), set: setText(func(c *Config) *string { return &c.OIDC.Name })},
	{name: "oidc.issuer", env: "TEITEN_OIDC_ISSUER", fallback: text(""), set: setIssuer},
	{name: "oidc.client_id", env: "TEITEN_OIDC_CLIENT_ID", fallback: text(""), set: setText(func(c *Config) *string { return &c.OIDC.ClientID })},
	{name: "oidc.client_secret", env: "TEITEN_OIDC_CLIENT_SECRET", fallback: text(""), set: setText(func(c *Config) *string { return &c.OIDC.ClientSecret }), show: hide},
	{name: "mail.server", env: "TEITEN_MAIL_SERVER", fallback: text(""), set: setMailServer},
	{name: "mail.security", env: "TEITEN_MAIL_SECURITY", fallback: text(string(StartTLS)), set: setMailSecurity},
	{name: "mail.user", env: "TEITEN_MAIL_USER", fallback: text(""), set: setText(func(c *Config) *string { return &c.Mail.User })},
	{name: "mail.password", env: "TEITEN_MAIL_PASSWORD", fallback: text(""), set: setText(func(c *Config) *string { return &c.Mail.Password }), show: hide},
	{name: "mail.from", env: "TEITEN_MAIL_FROM", fallback: text(""), set: setMailFrom},
	{name: "mailbox.listen", env: "TEITEN_MAILBOX_LISTEN", fallback: text(""), set: setMailboxListen},
	{name: "mailbox.domain", env: "TEITEN_MAILBOX_DOMAIN", fallback: text(""), set: setMailboxDomain},
	{name: "mailbox.tls", env: "TEITEN_MAILBOX_TLS", fallback: text(string(TLSOffered)), set: setMailboxTLS},
	{name: "mailbox.certificate", env: "TEITEN_MAILBOX_CERTIFICATE", fallback: text(""), set: setPath(func(c *Config) *string { return &c.Mailbox.Certificate })},
	{name: "mailbox.key", env: "TEITEN_MAILBOX_KEY", fallback: text(""), set: setPath(func(c *Config) *string { return &c.Mailbox.Key })},
	{name: "mailbox.relays", env: "TEITEN_MAILBOX_RELAYS", fallback: text(""), set: setMailboxRelays, list: true},
	{name: "mailbox.max_mib", env: "TEITEN_MAILBOX_MAX_MIB", fallback: text("30"), set: setMailboxSize},
}

func text(s string) func(func(string) (string, bool)) string {
	return func(func(string) (string, bool)) string { return s }
}

func setData(c *Config, value, place string) error {
	if strings.TrimSpace(value) == "" || strings.ContainsRune(value, 0) {
		return fault.New(fault.Invalid, "config.data", "place", place)
	}
	c.Data = value
	return nil
}

// setDatabase checks the shape only; the store reads the rest. The value may
// hold a password and is in no error.
func setDatabase(c *Config, value, place string) error {
	if value != "" && !strings.HasPrefix(value, "postgres://") && !strings.HasPrefix(value, "postgresql://") {
		return fault.New(fault.Invalid, "config.database", "place", place)
	}
	c.Database = value
	return nil
}

func setListen(c *Config, value, place string) error {
	host, port, err := net.SplitHostPort(value)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || strings.ContainsAny(host, " /@") {
		return fault.Wrap(err, fault.Invalid, "config.listen", "place", place, "value", value)
	}
	c.Listen = value
	return nil
}

func setLanguage(c *Config, value, place string) error {
	for _, l := range locale.Langs {
		if value == string(l) {
			c.Language = l
			return nil
		}
	}
	return fault.New(fault.Invalid, "config.language", "place", place, "value", value)
}

func setLogLevel(c *Config, value, place string) error {
	switch value {
	case "debug":
		c.LogLevel = slog.LevelDebug
	case "info":
		c.LogLevel = slog.LevelInfo
	case "warn":
		c.LogLevel = slog.LevelWarn
	case "error":
		c.LogLevel = slog.LevelError
	default:
		return fault.New(fault.Invalid, "config.log_level", "place", place, "value", value)
	}
	return nil
}

func setLogFormat(c *Config, value, place string) error {
	if f := LogFormat(value); f == LogText || f == LogJSON {
		c.LogFormat = f
		return nil
	}
	return fault.New(fault.Invalid, "config.log_format", "place", place, "value", value)
}

func setProxy(c *Config, value, place string) error {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" {
		// The cause of url.Parse quotes its input, which may hold a password.
		return fault.New(fault.Invalid, "config.proxy", "place", place)
	}
	c.OutboundProxy = u
	return nil
}

func setAllow(c *Config, value, place string) error {
	var err error
	c.OutboundAllow, err = networks(value, place)
	return err
}

// networks reads addresses and networks separated by commas.
func networks(value, place string) (all []netip.Prefix, err error) {
	for item := range items(value) {
		prefix, err := netip.ParsePrefix(item)
		if err != nil {
			addr, alone := netip.ParseAddr(item)
			if alone != nil || addr.Zone() != "" {
				return nil, fault.Wrap(err, fault.Invalid, "config.allow", "place", place, "value", item)
			}
			prefix = netip.PrefixFrom(addr, addr.BitLen())
		}
		if prefix != prefix.Masked() {
			return nil, fault.New(fault.Invalid, "config.allow_bits", "place", place, "value", item, "want", prefix.Masked())
		}
		all = append(all, prefix)
	}
	return all, nil
}

// items are the parts of a list that are not empty.
func items(value string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for item := range strings.SplitSeq(value, ",") {
			if item = strings.TrimSpace(item); item != "" && !yield(item) {
				return
			}
		}
	}
}

// secretParameter matches the names of parameters that hold a password.
var secretParameter = regexp.MustCompile(`(?i)password|passwd|secret|token`)

// Redact returns an address with its passwords replaced by xxxxx: that of the
// user, and those among the parameters. What it cannot read it hides entirely.
func Redact(address string) string {
	if address == "" {
		return ""
	}
	const hidden = "xxxxx"
	u, err := url.Parse(address)
	if err != nil || u.Host == "" && u.User == nil && u.Scheme == "" || u.Opaque != "" {
		return hidden
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), hidden)
	}
	parameters := strings.Split(u.RawQuery, "&")
	for i, p := range parameters {
		name, _, _ := strings.Cut(p, "=")
		if plain, err := url.QueryUnescape(name); err != nil || secretParameter.MatchString(plain) {
			parameters[i] = name + "=" + hidden
		}
	}
	u.RawQuery = strings.Join(parameters, "&")
	return u.String()
}
