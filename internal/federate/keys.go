// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package federate

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// keySet are the provider's keys (RFC 7517), for go-oidc. They are fetched when
// a token is signed by one that is not known, because providers change them
// without a word; how often a stranger's token can make us ask is bounded.
type keySet struct {
	p *Provider

	mu    sync.Mutex
	keys  []jose.JSONWebKey
	asked time.Time
}

const maxKeys = 100

var errSignature = errors.New("no key of the provider made this signature")

// VerifySignature returns the payload of a token that a key of the provider
// has signed. It is called by oidc.IDTokenVerifier, which has checked the
// algorithm already; it is checked here again.
func (s *keySet) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	var allowed []jose.SignatureAlgorithm
	for _, a := range algorithms {
		allowed = append(allowed, jose.SignatureAlgorithm(a))
	}
	jws, err := jose.ParseSigned(token, allowed)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	// A key that the provider took back must not serve for ever.
	now := s.p.now()
	if now.Sub(s.asked) < metadataLife {
		if payload, err := verify(jws, s.keys); err == nil {
			return payload, nil
		}
	}
	if now.Sub(s.asked) >= pause {
		m, err := s.p.metadata(ctx)
		if err != nil {
			return nil, err
		}
		fresh, err := s.fetch(ctx, m.Keys)
		if err != nil {
			return nil, err
		}
		s.keys, s.asked = fresh, now
	}
	return verify(jws, s.keys)
}

// fetch reads the provider's keys and leaves out what is no public key for
// signatures, or of a kind that we do not know.
func (s *keySet) fetch(ctx context.Context, address string) ([]jose.JSONWebKey, error) {
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := s.p.get(ctx, address, &set); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, raw := range set.Keys[:min(len(set.Keys), maxKeys)] {
		var k jose.JSONWebKey
		if err := json.Unmarshal(padded(raw), &k); err == nil && k.Valid() && k.IsPublic() && (k.Use == "" || k.Use == "sig") {
			keys = append(keys, k)
		}
	}
	return keys, nil
}

// padded gives the coordinates of a P-256 key the 32 bytes that they must have
// (RFC 7518, section 6.2.1.2). Glewlwyd, for one, drops the zeros in front, so
// that one key of 128 could not be read.
func padded(raw json.RawMessage) json.RawMessage {
	var key map[string]any
	if err := json.Unmarshal(raw, &key); err != nil || key["kty"] != "EC" || key["crv"] != "P-256" {
		return raw
	}
	for _, name := range []string{"x", "y"} {
		text, _ := key[name].(string)
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil || len(b) > 32 {
			return raw
		}
		var whole [32]byte
		copy(whole[32-len(b):], b)
		key[name] = base64.RawURLEncoding.EncodeToString(whole[:])
	}
	out, err := json.Marshal(key)
	if err != nil {
		return raw
	}
	return out
}

func verify(jws *jose.JSONWebSignature, keys []jose.JSONWebKey) ([]byte, error) {
	if len(jws.Signatures) != 1 {
		return nil, errSignature
	}
	header := jws.Signatures[0].Header
	for _, k := range keys {
		if header.KeyID != "" && k.KeyID != "" && header.KeyID != k.KeyID ||
			k.Algorithm != "" && k.Algorithm != header.Algorithm {
			continue
		}
		if payload, err := jws.Verify(k.Key); err == nil {
			return payload, nil
		}
	}
	return nil, errSignature
}

// witness remembers the error that go-oidc passes on as text only.
type witness struct {
	*keySet
	err error
}

// VerifySignature is keySet.VerifySignature.
func (w *witness) VerifySignature(ctx context.Context, token string) (payload []byte, err error) {
	payload, w.err = w.keySet.VerifySignature(ctx, token)
	return payload, w.err
}
