// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package federate

import (
	"context"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"teiten/internal/fault"
	"teiten/internal/outbound"
)

// Config is what the operator decided about the provider.
type Config struct {
	Name         string // on the button: "県の共通認証"
	Issuer       string // as the provider writes it, https
	ClientID     string
	ClientSecret string `json:"-"` // "" for a public client
	RedirectURL  string // of the portal, as it is registered at the provider
	// Allowed are networks in which the provider may stand although they are
	// not public. Without one, a provider inside the institution is refused.
	Allowed []netip.Prefix
}

// String keeps the secret out of logs.
func (c Config) String() string { return c.Name + " " + c.Issuer }

// GoString keeps the secret out of %#v.
func (c Config) GoString() string { return c.String() }

// Check says what is wrong; the fault's field is the setting: issuer, client,
// redirect or name.
func (c Config) Check() error {
	bad := func(field string) error {
		return fault.New(fault.Invalid, "federate.config_"+field).At(field)
	}
	if strings.TrimSpace(c.Name) == "" || len(c.Name) > 200 {
		return bad("name")
	}
	issuer, err := url.Parse(c.Issuer)
	if err != nil || issuer.Scheme != "https" || issuer.Host == "" || issuer.User != nil || // OpenID Connect Discovery, section 3
		issuer.RawQuery != "" || issuer.Fragment != "" {
		return bad("issuer")
	}
	if c.ClientID == "" || strings.ContainsFunc(c.ClientID+c.ClientSecret, func(r rune) bool { return r < ' ' || r > '~' }) { // RFC 6749, appendix A.1
		return bad("client")
	}
	back, err := url.Parse(c.RedirectURL)
	if err != nil || back.Host == "" || back.User != nil || back.Fragment != "" ||
		back.Scheme != "https" && (back.Scheme != "http" || !isLoopback(back.Hostname())) {
		return bad("redirect")
	}
	return nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Policy is the policy of the client with which the provider is asked: the
// program's own (proxy, authorities, name), the networks of this provider and
// no others, the issuer's port, and limits that fit short documents.
func (c Config) Policy(base outbound.Policy) outbound.Policy {
	base.AllowPrivate = slices.Clone(c.Allowed)
	base.AllowHTTP = false
	base.AllowPorts = nil
	if issuer, err := url.Parse(c.Issuer); err == nil {
		if port, err := strconv.ParseUint(issuer.Port(), 10, 16); err == nil {
			base.AllowPorts = []uint16{uint16(port)}
		}
	}
	base.MaxBytes = maxDocument
	base.Timeout = 15 * time.Second
	base.HeaderTimeout = 5 * time.Second
	return base
}

// Client asks the provider; outbound.Client is one.
type Client interface {
	Get(ctx context.Context, url, etag, lastModified string) (*outbound.Response, error)
	// PostForm follows no redirect and returns the body of every status.
	PostForm(ctx context.Context, url string, form url.Values, user, password string) (*outbound.Response, error)
}
