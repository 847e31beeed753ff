// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package passkey

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"teiten/internal/fault"
	"teiten/internal/store"
)

// purpose is what a ceremony is for.
type purpose string

const (
	register purpose = "register"
	signIn   purpose = "signin"
)

// ceremony is what connects the two steps.
type ceremony struct {
	purpose purpose
	account int64 // 0 for a sign-in in which the passkey says whose it is
	device  int64
	session *webauthn.SessionData
}

// begin stores a ceremony and returns its token.
func (c ceremony) begin(ctx context.Context, tx *store.Tx) (token string, err error) {
	text, err := json.Marshal(c.session)
	if err != nil {
		return "", fmt.Errorf("passkey: %w", err)
	}
	token = rand.Text() // 130 bits
	return token, addCeremony(ctx, tx, hash(token), c, string(text), tx.Now.Add(ceremonyLife))
}

// take ends the ceremony of a token, whatever becomes of it, and returns it.
// One that is unknown, used, expired, of another purpose, device or account is
// refused in the same words: the person can only begin again.
func take(ctx context.Context, db *store.DB, token string, p purpose, device int64, account int64) (c *ceremony, err error) {
	err = db.Keep(ctx, func(tx *store.Tx) error {
		c, err = takeCeremony(ctx, tx, hash(token), p, device, account)
		return err
	})
	return c, err
}

const anybody = -1 // for take: the ceremony itself says whose it is

func hash(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

func errExpired() error { return fault.New(fault.Conflict, "passkey.expired") }

// refused explains why an authenticator's answer was not accepted, as far as
// the person can do something about it; the rest is in the log.
func refused(err error) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	var p *protocol.Error
	if errors.As(err, &p) {
		err = fmt.Errorf("%s: %s: %s", p.Type, p.Details, p.DevInfo)
	}
	return fault.Wrap(err, fault.Forbidden, "passkey.refused")
}

// user is an account as the library wants it.
type user struct {
	account int64
	handle  []byte
	name    string
	keys    []stored
}

// stored is a credential record (WebAuthn section 4) with its row.
type stored struct {
	id int64
	webauthn.Credential
}

func (u *user) WebAuthnID() []byte          { return u.handle }
func (u *user) WebAuthnName() string        { return u.name }
func (u *user) WebAuthnDisplayName() string { return u.name }

func (u *user) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, len(u.keys))
	for i, k := range u.keys {
		all[i] = k.Credential
	}
	return all
}

func (u *user) descriptors() []protocol.CredentialDescriptor {
	all := make([]protocol.CredentialDescriptor, len(u.keys))
	for i, k := range u.keys {
		all[i] = k.Descriptor()
	}
	return all
}
