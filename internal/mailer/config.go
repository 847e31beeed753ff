// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailer

import (
	"crypto/x509"
	"net"
	"net/mail"
	"strconv"
	"strings"

	"teiten/internal/fault"
	"teiten/internal/locale"
)

// Security is how the way to the server is protected.
type Security string

const (
	// StartTLS is RFC 3207: a server that does not offer it gets nothing. It is
	// the default, usually on port 587.
	StartTLS Security = "starttls"
	// TLS is from the first byte (RFC 8314), usually on port 465.
	TLS Security = "tls"
	// None is for a server on this machine only.
	None Security = "none"
)

// Config is what the operator decided about outgoing mail.
type Config struct {
	Server   string   // host:port
	Security Security // "" is StartTLS
	User     string   // "" sends without signing in
	Password string   `json:"-"`
	From     string   // "定点 <teiten@portal.example.jp>" or the address alone
	// Host is the portal's own host name, for greeting the server and for
	// Message-ID.
	Host string
	// Language is that of the mails; "" is Japanese.
	Language locale.Lang
	// RootCAs are the authorities for the server's certificate; nil means the
	// system's.
	RootCAs *x509.CertPool `json:"-"`
}

// String keeps the password out of logs.
func (c Config) String() string { return c.Server + " " + string(c.Security) }

// GoString keeps the password out of %#v.
func (c Config) GoString() string { return c.String() }

// Check says what is wrong; the fault's field is the setting.
func (c Config) Check() error {
	bad := func(field string) error { return fault.New(fault.Invalid, "mailer.config_"+field).At(field) }
	host, port, err := net.SplitHostPort(c.Server)
	if n, failed := strconv.Atoi(port); err != nil || host == "" || failed != nil || n < 1 || n > 65535 || !isPrintable(c.Server) {
		return bad("server")
	}
	switch c.Security {
	case "", StartTLS, TLS:
	case None:
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return bad("loopback")
		}
		if c.User != "" { // RFC 4954, section 4: no password in clear
			return bad("user")
		}
	default:
		return bad("security")
	}
	if (c.User == "") != (c.Password == "") || strings.ContainsRune(c.User+c.Password, 0) {
		return bad("user")
	}
	if _, err := parseFrom(c.From); err != nil {
		return bad("from")
	}
	if c.Host == "" || len(c.Host) > 253 || !isPrintable(c.Host) || strings.ContainsAny(c.Host, "<>@()[]:;, \"\\") {
		return bad("host")
	}
	return nil
}

func parseFrom(from string) (*mail.Address, error) {
	a, err := mail.ParseAddress(from)
	if err != nil {
		return nil, err
	}
	return a, checkAddress(a.Address)
}

// checkAddress accepts one plain ASCII address (RFC 5321, section 4.5.3.1).
func checkAddress(address string) error {
	a, err := mail.ParseAddress(address)
	if err != nil || a.Name != "" || a.Address != address || len(address) > 254 || !isPrintable(address) || strings.ContainsAny(address, " <>") {
		return fault.New(fault.Invalid, "mailer.address") // the cause repeats the address
	}
	return nil
}

// isPrintable reports whether a text is printable ASCII: nothing in it ends a
// line of a protocol.
func isPrintable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}
