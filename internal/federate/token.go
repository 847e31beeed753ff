// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package federate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"teiten/internal/fault"
)

// exchange turns a code into an ID token and the access token that came with
// it (RFC 6749, section 4.1.3; RFC 7636, section 4.5).
func (p *Provider) exchange(ctx context.Context, m *metadata, code, verifier string) (raw, access string, err error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code},
		"redirect_uri": {p.cfg.RedirectURL}, "code_verifier": {verifier},
	}
	var user, password string
	switch {
	case p.cfg.ClientSecret == "":
		form.Set("client_id", p.cfg.ClientID)
	case len(m.ClientAuth) == 0 || slices.Contains(m.ClientAuth, "client_secret_basic"):
		// Section 2.3.1 wants both encoded as in forms.
		user, password = url.QueryEscape(p.cfg.ClientID), url.QueryEscape(p.cfg.ClientSecret)
	default:
		form.Set("client_id", p.cfg.ClientID)
		form.Set("client_secret", p.cfg.ClientSecret)
	}
	resp, err := p.client.PostForm(ctx, m.Token, form, user, password)
	if err != nil {
		return "", "", p.down(err)
	}
	var answer struct {
		ID     string `json:"id_token"`
		Access string `json:"access_token"`
		Error  string `json:"error"`
	}
	unread := json.Unmarshal(resp.Body, &answer)
	switch {
	case resp.Status >= 500:
		return "", "", fault.New(fault.Unavailable, "federate.down", "name", p.cfg.Name)
	case resp.Status == http.StatusUnauthorized,
		resp.Status != http.StatusOK && (answer.Error == "invalid_client" || answer.Error == "unauthorized_client"):
		return "", "", fault.New(fault.Unavailable, "federate.client", "name", p.cfg.Name)
	case resp.Status != http.StatusOK:
		return "", "", fault.Wrap(fmt.Errorf("token endpoint: status %d, %.40q", resp.Status, answer.Error), fault.Forbidden, "federate.code")
	case unread != nil || answer.ID == "" || len(answer.ID) > maxToken:
		return "", "", fault.Wrap(unread, fault.Forbidden, "federate.token")
	}
	return answer.ID, answer.Access, nil
}

// check does what OpenID Connect Core wants in section 3.1.3.7 and returns the
// subject. The cause of a refusal names claims, never the person.
func (p *Provider) check(ctx context.Context, raw, access, nonce string) (string, error) {
	refuse := func(why string) (string, error) {
		return "", fault.Wrap(errors.New(why), fault.Forbidden, "federate.token")
	}
	now := p.now()
	keys := &witness{keySet: p.keys}
	verifier := oidc.NewVerifier(p.cfg.Issuer, keys, &oidc.Config{
		ClientID: p.cfg.ClientID, SupportedSigningAlgs: algorithms,
		Now: func() time.Time { return now.Add(-skew) },
	})
	token, err := verifier.Verify(ctx, raw)
	if err != nil {
		if f := new(fault.Error); errors.As(keys.err, &f) { // the keys could not be fetched
			return "", f
		}
		return "", fault.Wrap(err, fault.Forbidden, "federate.token")
	}
	var claims struct {
		Authorized string `json:"azp"`
	}
	if err := token.Claims(&claims); err != nil {
		return refuse("claims")
	}
	switch {
	case claims.Authorized != "" && claims.Authorized != p.cfg.ClientID,
		claims.Authorized == "" && len(token.Audience) > 1:
		return refuse("azp")
	case token.IssuedAt.Unix() <= 0, token.IssuedAt.After(now.Add(skew)), token.IssuedAt.Before(now.Add(-requestLife - skew)):
		return refuse("iat")
	case !equal(token.Nonce, nonce):
		return refuse("nonce")
	case token.Subject == "", len(token.Subject) > maxSubject, strings.ContainsFunc(token.Subject, func(r rune) bool { return r < ' ' || r > '~' }):
		return refuse("sub")
	case token.AccessTokenHash != "" && token.VerifyAccessToken(access) != nil:
		return refuse("at_hash")
	}
	return token.Subject, nil
}
