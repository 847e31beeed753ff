// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package federate

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"teiten/internal/fault"
)

// Limits.
const (
	maxDocument = 1 << 20 // bytes of any answer of the provider
	maxToken    = 64 << 10
	maxAnswer   = 4096 // bytes of one parameter that the browser brings back
	maxSubject  = 255  // OpenID Connect Core, section 2

	requestLife   = 10 * time.Minute
	metadataLife  = time.Hour
	metadataStale = 24 * time.Hour   // how long an old answer serves while the provider is down
	pause         = 10 * time.Second // between two attempts that fail, and between two looks for new keys
	skew          = time.Minute      // by which clocks may differ
)

// algorithms may sign ID tokens. None of them works with a shared secret:
// "none" and HS256 would let anybody, or anybody who knows the client's
// secret, write tokens.
var algorithms = []string{oidc.RS256, oidc.PS256, oidc.ES256, oidc.EdDSA}

// Provider is the configured provider. It is safe for concurrent use.
type Provider struct {
	cfg    Config
	client Client
	now    func() time.Time
	keys   *keySet

	mu      sync.Mutex
	meta    *metadata
	fetched time.Time
	failed  error // of the last attempt, when it failed
	tried   time.Time
}

// metadata is what matters of the provider's configuration (OpenID Connect
// Discovery 1.0, section 3; RFC 8414; RFC 9207; RP-Initiated Logout 1.0).
type metadata struct {
	Issuer        string   `json:"issuer"`
	Authorization string   `json:"authorization_endpoint"`
	Token         string   `json:"token_endpoint"`
	Keys          string   `json:"jwks_uri"`
	EndSession    string   `json:"end_session_endpoint"`
	Algorithms    []string `json:"id_token_signing_alg_values_supported"`
	ClientAuth    []string `json:"token_endpoint_auth_methods_supported"`
	Challenges    []string `json:"code_challenge_methods_supported"`
	SaysIssuer    bool     `json:"authorization_response_iss_parameter_supported"`
}

// New returns the provider of a configuration, without asking it yet. The
// client should keep to cfg.Policy.
func New(cfg Config, client Client) (*Provider, error) {
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	p := &Provider{cfg: cfg, client: client, now: time.Now}
	p.keys = &keySet{p: p}
	return p, nil
}

// Name is what the operator calls the provider.
func (p *Provider) Name() string { return p.cfg.Name }

// Issuer is by what the provider's identities are known.
func (p *Provider) Issuer() string { return p.cfg.Issuer }

// Probe asks the provider whether it is there and fit, for "teiten doctor".
func (p *Provider) Probe(ctx context.Context) error {
	m, err := p.discover(ctx)
	if err != nil {
		return err
	}
	_, err = p.keys.fetch(ctx, m.Keys)
	return err
}

// metadata returns the provider's configuration, asked at most once an hour.
// One that is older serves for a day while the provider does not answer.
func (p *Provider) metadata(ctx context.Context) (*metadata, error) {
	p.mu.Lock()
	defer p.mu.Unlock() // others wait for the answer instead of asking too
	now := p.now()
	if p.meta != nil && now.Sub(p.fetched) < metadataLife {
		return p.meta, nil
	}
	if p.failed == nil || now.Sub(p.tried) >= pause {
		m, err := p.discover(ctx)
		if err != nil && ctx.Err() != nil {
			return nil, err // this caller went away; that says nothing about the provider
		}
		if p.failed, p.tried = err, now; err == nil {
			p.meta, p.fetched = m, now
		}
	}
	switch {
	case p.failed == nil, p.meta != nil && fault.Is(p.failed, fault.Unavailable) && now.Sub(p.fetched) < metadataStale:
		return p.meta, nil
	}
	return nil, p.failed
}

func (p *Provider) discover(ctx context.Context) (*metadata, error) {
	var m metadata
	if err := p.get(ctx, strings.TrimSuffix(p.cfg.Issuer, "/")+"/.well-known/openid-configuration", &m); err != nil {
		return nil, err
	}
	misfit := func(what string) error { return fault.New(fault.Unavailable, "federate.misfit", "what", what) }
	if m.Issuer != p.cfg.Issuer { // character by character: OpenID Connect Discovery, section 4.3
		return nil, misfit("issuer")
	}
	for what, address := range map[string]string{"authorization_endpoint": m.Authorization, "token_endpoint": m.Token, "jwks_uri": m.Keys} {
		if !isHTTPS(address) {
			return nil, misfit(what)
		}
	}
	if !isHTTPS(m.EndSession) {
		m.EndSession = ""
	}
	// Without the list RS256 is what everybody has (section 3).
	if len(m.Algorithms) > 0 && !slices.ContainsFunc(m.Algorithms, func(a string) bool { return slices.Contains(algorithms, a) }) {
		return nil, misfit("id_token_signing_alg_values_supported")
	}
	if len(m.Challenges) > 0 && !slices.Contains(m.Challenges, "S256") {
		return nil, misfit("code_challenge_methods_supported")
	}
	return &m, nil
}

func isHTTPS(address string) bool {
	u, err := url.Parse(address)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.Fragment == ""
}

// get fetches a JSON document of the provider.
func (p *Provider) get(ctx context.Context, address string, into any) error {
	resp, err := p.client.Get(ctx, address, "", "")
	if err != nil {
		return p.down(err)
	}
	if resp.Status != http.StatusOK {
		return fault.New(fault.Unavailable, "federate.down", "name", p.cfg.Name)
	}
	if err := json.Unmarshal(resp.Body, into); err != nil {
		return fault.Wrap(err, fault.Unavailable, "federate.misfit", "what", "JSON")
	}
	return nil
}

// down says that the provider does not answer. A refusal of our own (its
// address is inside and not allowed) is said as it is: the operator must act.
func (p *Provider) down(err error) error {
	if f := fault.From(err); f.Kind == fault.Forbidden || f.Kind == fault.Invalid || f.Code == "fault.interrupted" {
		return f
	}
	return fault.Wrap(err, fault.Unavailable, "federate.down", "name", p.cfg.Name)
}

// SignOutURL is where the browser ends the person's session at the provider
// (RP-Initiated Logout 1.0, section 2) and comes back from, or "" when the
// provider offers nothing of the kind. On a PC that several people use, the
// next one would else be signed in as the last.
func (p *Provider) SignOutURL(ctx context.Context, back string) (string, error) {
	m, err := p.metadata(ctx)
	if err != nil || m.EndSession == "" {
		return "", err
	}
	u, err := url.Parse(m.EndSession)
	if err != nil {
		return "", nil
	}
	q := u.Query()
	q.Set("client_id", p.cfg.ClientID)
	if back != "" {
		q.Set("post_logout_redirect_uri", back)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
