// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package federate

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"net/url"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// purpose is what a visit to the provider is for.
type purpose string

const (
	signIn purpose = "signin"
	link   purpose = "link"
)

// Visit is what a browser needs to go to the provider.
type Visit struct {
	// URL is where the browser is sent.
	URL string
	// Token is for a cookie that scripts cannot read and that comes along when
	// the provider sends the browser back: __Host-, HttpOnly, SameSite=Lax, for
	// ten minutes. Finish takes it; it must not be shown or logged.
	Token string
}

// BeginSignIn sends somebody to the provider to sign in on a device (its
// certificate's row; 0 without one).
func (p *Provider) BeginSignIn(ctx context.Context, db *store.DB, device int64) (Visit, error) {
	return p.begin(ctx, db, request{purpose: signIn, device: device, issuer: p.cfg.Issuer})
}

// BeginLink sends the signed-in caller to the provider to say which identity
// there is hers.
func (p *Provider) BeginLink(ctx context.Context, db *store.DB, c caller.Caller) (Visit, error) {
	if c.Account == 0 {
		return Visit{}, fault.New(fault.Forbidden, "fault.forbidden")
	}
	return p.begin(ctx, db, request{link, c.Account, c.Device, p.cfg.Issuer})
}

func (p *Provider) begin(ctx context.Context, db *store.DB, r request) (Visit, error) {
	m, err := p.metadata(ctx) // before the transaction: nothing may wait for the network in it
	if err != nil {
		return Visit{}, err
	}
	token := rand.Text() // 130 bits
	if err := db.Keep(ctx, func(tx *store.Tx) error {
		return addRequest(ctx, tx, hash(token), r, tx.Now.Add(requestLife))
	}); err != nil {
		return Visit{}, err
	}
	address := p.oauth(m).AuthCodeURL(derive(token, "state"),
		oidc.Nonce(derive(token, "nonce")), oauth2.S256ChallengeOption(derive(token, "verifier")))
	return Visit{address, token}, nil
}

func (p *Provider) oauth(m *metadata) *oauth2.Config {
	return &oauth2.Config{
		ClientID: p.cfg.ClientID, RedirectURL: p.cfg.RedirectURL, Scopes: []string{oidc.ScopeOpenID}, // nothing about the person is asked for
		Endpoint: oauth2.Endpoint{AuthURL: m.Authorization},
	}
}

// derive makes a value of 256 bits from a token. From one of them neither the
// token nor another can be found: state and nonce are seen by many, the
// verifier by the portal alone.
func derive(token, use string) string {
	h := hmac.New(sha256.New, []byte(token))
	h.Write([]byte("teiten federate " + use))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

func hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// read takes the parameters out of the browser's return. Each may stand there
// once (RFC 6749, section 3.1).
func read(answer url.Values) (code, state, issuer, failure string, err error) {
	for name, into := range map[string]*string{"code": &code, "state": &state, "iss": &issuer, "error": &failure} {
		values := answer[name]
		if len(values) > 1 || len(values) == 1 && len(values[0]) > maxAnswer {
			return "", "", "", "", fault.New(fault.Invalid, "federate.answer")
		}
		if len(values) == 1 {
			*into = values[0]
		}
	}
	return code, state, issuer, failure, nil
}
