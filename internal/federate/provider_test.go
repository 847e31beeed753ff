// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package federate

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"teiten/internal/outbound"
)

var ctx = context.Background()

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}

const (
	back   = "https://portal.example.jp/signin/provider"
	secret = "s3cret/+ and more"
)

// client is the program's own, within the configuration's policy.
func client(t testing.TB, cfg Config, roots *x509.CertPool) Client {
	t.Helper()
	return outbound.New(cfg.Policy(outbound.Policy{RootCAs: roots}))
}

// hostile is a provider that does what a test wants, over real TLS. It is as
// strict with us as a good one: code once, PKCE, client, redirect URL.
type hostile struct {
	t      testing.TB
	server *httptest.Server
	cfg    Config

	mu     sync.Mutex
	keys   map[string]crypto.Signer // by kid
	grants map[string]url.Values    // by code: what was asked at the authorization endpoint
	down   int                      // status of every answer, 0 for none
	asked  map[string]int           // by path
	meta   func(map[string]any)     // changes the configuration document
	claims func(map[string]any)     // changes an ID token
	sign   func(payload []byte) string
	short  bool             // publishes coordinates without the zeros in front, as glewlwyd does
	now    func() time.Time // by its clock
}

func newHostile(t testing.TB) *hostile {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	h := &hostile{t: t, keys: map[string]crypto.Signer{"one": key}, grants: map[string]url.Values{}, asked: map[string]int{}, now: time.Now}
	h.sign = func(payload []byte) string { return h.jws(jose.ES256, "one", h.keys["one"], payload) }
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", h.configuration)
	mux.HandleFunc("GET /keys", h.publish)
	mux.HandleFunc("POST /token", h.token)
	h.server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.asked[r.URL.Path]++
		if h.down != 0 {
			http.Error(w, "down", h.down)
			return
		}
		mux.ServeHTTP(w, r)
	}))
	h.server.Config.ErrorLog = log.New(io.Discard, "", 0) // tests refuse its certificate on purpose
	h.server.StartTLS()
	t.Cleanup(h.server.Close)
	h.cfg = Config{Name: "県の共通認証", Issuer: h.server.URL, ClientID: "teiten", ClientSecret: secret, RedirectURL: back, Allowed: loopback}
	return h
}

func (h *hostile) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(h.server.Certificate())
	return pool
}

func (h *hostile) provider() *Provider {
	h.t.Helper()
	p, err := New(h.cfg, client(h.t, h.cfg, h.roots()))
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// set changes the provider while it runs.
func (h *hostile) set(fn func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fn()
}

func (h *hostile) configuration(w http.ResponseWriter, _ *http.Request) {
	doc := map[string]any{
		"issuer": h.server.URL, "authorization_endpoint": h.server.URL + "/authorize", "token_endpoint": h.server.URL + "/token",
		"jwks_uri": h.server.URL + "/keys", "end_session_endpoint": h.server.URL + "/end?x=1",
		"id_token_signing_alg_values_supported": []string{"ES256", "RS256", "none"},
		"code_challenge_methods_supported":      []string{"plain", "S256"},
	}
	if h.meta != nil {
		h.meta(doc)
	}
	json.NewEncoder(w).Encode(doc)
}

func coordinates(t testing.TB, k *ecdsa.PublicKey) (x, y []byte) {
	t.Helper()
	b, err := k.Bytes() // SEC 1, section 2.3.3: uncompressed
	if err != nil {
		t.Fatal(err)
	}
	return b[1:33], b[33:]
}

func (h *hostile) publish(w http.ResponseWriter, _ *http.Request) {
	set := []any{
		map[string]string{"kty": "oct", "k": base64.RawURLEncoding.EncodeToString([]byte(secret)), "kid": "shared"}, // a trap
		map[string]string{"kty": "later", "kid": "unknown kind"},
	}
	for kid, k := range h.keys {
		if public, ok := k.Public().(*ecdsa.PublicKey); ok && h.short {
			x, y := coordinates(h.t, public)
			set = append(set, map[string]string{"kty": "EC", "crv": "P-256", "kid": kid,
				"x": base64.RawURLEncoding.EncodeToString(bytes.TrimLeft(x, "\x00")), "y": base64.RawURLEncoding.EncodeToString(bytes.TrimLeft(y, "\x00"))})
			continue
		}
		set = append(set, jose.JSONWebKey{Key: k.Public(), KeyID: kid, Use: "sig"})
	}
	json.NewEncoder(w).Encode(map[string]any{"keys": set})
}

// visit does at the authorization endpoint what a person there does, and
// returns what the browser brings back.
func (h *hostile) visit(v Visit) url.Values {
	h.t.Helper()
	u, err := url.Parse(v.URL)
	if err != nil {
		h.t.Fatal(err)
	}
	q := u.Query()
	if u.Path != "/authorize" || q.Get("response_type") != "code" || q.Get("client_id") != "teiten" || q.Get("redirect_uri") != back ||
		q.Get("scope") != "openid" || q.Get("code_challenge_method") != "S256" || len(q.Get("state")) < 40 || len(q.Get("nonce")) < 40 {
		h.t.Fatalf("the browser is sent to %s", v.URL)
	}
	code := rand.Text()
	h.set(func() { h.grants[code] = q })
	return url.Values{"code": {code}, "state": {q.Get("state")}}
}

func (h *hostile) token(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, reason string) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"error": reason})
	}
	id, password, ok := r.BasicAuth()
	if !ok {
		id, password = url.QueryEscape(r.PostFormValue("client_id")), url.QueryEscape(r.PostFormValue("client_secret"))
	}
	if id != "teiten" || password != url.QueryEscape(secret) {
		refuse(401, "invalid_client")
		return
	}
	asked, ok := h.grants[r.PostFormValue("code")]
	delete(h.grants, r.PostFormValue("code"))
	challenge := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
	if !ok || r.PostFormValue("redirect_uri") != asked.Get("redirect_uri") || r.PostFormValue("grant_type") != "authorization_code" ||
		base64.RawURLEncoding.EncodeToString(challenge[:]) != asked.Get("code_challenge") {
		refuse(400, "invalid_grant")
		return
	}
	now := h.now()
	claims := map[string]any{
		"iss": h.server.URL, "sub": "hanako-248289761001", "aud": "teiten", "nonce": asked.Get("nonce"),
		"exp": now.Add(5 * time.Minute).Unix(), "iat": now.Unix(), "email": "contact@portal.example.jp", "email_verified": true,
	}
	if h.claims != nil {
		h.claims(claims)
	}
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	payload, err := json.Marshal(claims)
	if err != nil {
		h.t.Error(err)
	}
	answer := map[string]any{"access_token": "opaque", "token_type": "Bearer", "id_token": h.sign(payload)}
	json.NewEncoder(w).Encode(answer)
}

func (h *hostile) jws(alg jose.SignatureAlgorithm, kid string, key any, payload []byte) string {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: kid}}, nil)
	if err != nil {
		h.t.Error(err)
		return ""
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		h.t.Error(err)
		return ""
	}
	text, err := signed.CompactSerialize()
	if err != nil {
		h.t.Error(err)
	}
	return text
}

// unsigned is a token of RFC 7519, section 6.
func unsigned(payload []byte) string {
	b64 := base64.RawURLEncoding
	return b64.EncodeToString([]byte(`{"alg":"none"}`)) + "." + b64.EncodeToString(payload) + "."
}

func rsaKey(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func edKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
