// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package passkey

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// BeginSignIn starts a sign-in on a device (its certificate's row; 0 without
// one). The account is that of a certificate that is bound to a person: then
// only that account's passkeys serve. With 0 the passkey says whose it is,
// which takes one that the authenticator can find by itself. The options are a
// PublicKeyCredentialRequestOptionsJSON (WebAuthn section 5.1.9).
func BeginSignIn(ctx context.Context, db *store.DB, rp *RelyingParty, device, account int64) (state string, options []byte, err error) {
	err = db.Keep(ctx, func(tx *store.Tx) error {
		var assertion *protocol.CredentialAssertion
		var session *webauthn.SessionData
		if account == 0 {
			assertion, session, err = rp.w.BeginDiscoverableLogin()
		} else {
			var u *user
			if u, err = loadUser(ctx, tx, account); err != nil {
				return err
			}
			assertion, session, err = rp.w.BeginLogin(u)
		}
		if err != nil {
			return fmt.Errorf("passkey: %w", err)
		}
		if options, err = json.Marshal(assertion.Response); err != nil {
			return fmt.Errorf("passkey: %w", err)
		}
		state, err = ceremony{signIn, account, device, session}.begin(ctx, tx)
		return err
	})
	if err != nil {
		return "", nil, err
	}
	return state, options, nil
}

// FinishSignIn returns the account whose passkey answered. The device must be
// the one on which the sign-in began. The response is the browser's
// AuthenticationResponseJSON (WebAuthn section 5.1), MaxResponse bytes at most.
//
// Every refusal is audited. A signature counter that does not advance means
// that somebody may have copied the passkey (WebAuthn section 6.1.1): it is
// refused as "passkey.cloned" and recorded under that name.
func FinishSignIn(ctx context.Context, db *store.DB, rp *RelyingParty, device int64, state string, response []byte) (account int64, err error) {
	nobody := caller.Caller{Channel: "web", Device: device}
	begun, err := take(ctx, db, state, signIn, device, anybody)
	if err != nil {
		return 0, deny(ctx, db, nobody, signIn, 0, err)
	}
	find := func(id, handle []byte) (*user, error) {
		if begun.account != 0 {
			return loadUser(ctx, db, begun.account)
		}
		return findUser(ctx, db, id, handle)
	}
	u, used, err := rp.signIn(begun.session, response, find)
	if err != nil {
		known := begun.account
		if u != nil {
			known = u.account
		}
		return 0, deny(ctx, db, nobody, signIn, known, err)
	}
	advanced := false
	err = db.Keep(ctx, func(tx *store.Tx) error {
		advanced, err = advance(ctx, tx, used)
		return err
	})
	if err != nil {
		return 0, err
	}
	if !advanced { // or it was removed since our look
		return 0, cloned(ctx, db, nobody, u, used)
	}
	return u.account, nil
}

func cloned(ctx context.Context, db *store.DB, c caller.Caller, u *user, used *stored) error {
	err := db.Write(ctx, c, func(tx *store.Tx) error {
		return audit.Append(ctx, tx, "passkey.cloned", object("passkey", used.id), "account", u.account)
	})
	if err != nil {
		return err
	}
	return fault.New(fault.Forbidden, "passkey.cloned")
}

// signIn checks an answer to a sign-in; find returns whose passkey it is, or
// NotFound. The user is returned beside an error when it is known.
func (rp *RelyingParty) signIn(session *webauthn.SessionData, response []byte, find func(id, handle []byte) (*user, error)) (*user, *stored, error) {
	if err := checkSize(response); err != nil {
		return nil, nil, err
	}
	parsed, err := protocol.ParseCredentialRequestResponseBytes(response)
	if err != nil {
		return nil, nil, refused(err)
	}
	if !parsed.Response.AuthenticatorData.Flags.HasUserVerified() {
		return nil, nil, fault.New(fault.Forbidden, "passkey.unverified")
	}
	u, err := find(parsed.RawID, parsed.Response.UserHandle)
	if err != nil {
		if fault.Is(err, fault.NotFound) {
			err = fault.Wrap(err, fault.Forbidden, "passkey.unknown")
		}
		return nil, nil, err
	}
	var used *webauthn.Credential
	if len(session.UserID) > 0 {
		used, err = rp.w.ValidateLogin(u, *session, parsed)
	} else {
		used, err = rp.w.ValidateDiscoverableLogin(func(_, _ []byte) (webauthn.User, error) { return u, nil }, *session, parsed)
	}
	var unknown *protocol.ErrorUnknownCredential
	if errors.As(err, &unknown) {
		return u, nil, fault.Wrap(err, fault.Forbidden, "passkey.unknown")
	}
	if err != nil {
		return u, nil, refused(err)
	}
	for _, k := range u.keys {
		if bytes.Equal(k.ID, used.ID) {
			return u, &stored{k.id, *used}, nil
		}
	}
	return u, nil, fault.New(fault.Forbidden, "passkey.unknown")
}
