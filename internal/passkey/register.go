// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package passkey

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// BeginRegistration starts a registration for the signed-in caller. The
// options are a PublicKeyCredentialCreationOptionsJSON (WebAuthn section
// 5.1.8) for the browser; the state goes to FinishRegistration with its
// answer, within five minutes, from the same account and device.
func BeginRegistration(ctx context.Context, db *store.DB, c caller.Caller, rp *RelyingParty) (state string, options []byte, err error) {
	if c.Account == 0 {
		return "", nil, fault.New(fault.Forbidden, "fault.forbidden")
	}
	err = db.Keep(ctx, func(tx *store.Tx) error {
		u, err := loadOrAddUser(ctx, tx, c)
		if err != nil {
			return err
		}
		if len(u.keys) >= MostPasskeys {
			return fault.New(fault.Conflict, "passkey.many", "most", MostPasskeys)
		}
		creation, session, err := rp.w.BeginRegistration(u,
			webauthn.WithExclusions(u.descriptors()), webauthn.WithCredentialParameters(algorithms))
		if err != nil {
			return fmt.Errorf("passkey: %w", err)
		}
		if options, err = json.Marshal(creation.Response); err != nil {
			return fmt.Errorf("passkey: %w", err)
		}
		state, err = ceremony{register, c.Account, c.Device, session}.begin(ctx, tx)
		return err
	})
	if err != nil {
		return "", nil, err
	}
	return state, options, nil
}

// FinishRegistration stores the passkey that the authenticator made. The
// response is the RegistrationResponseJSON of the browser (WebAuthn section
// 5.1), MaxResponse bytes at most. The label is the person's own name for it.
func FinishRegistration(ctx context.Context, db *store.DB, c caller.Caller, rp *RelyingParty, state, label string, response []byte) (Passkey, error) {
	if c.Account == 0 {
		return Passkey{}, fault.New(fault.Forbidden, "fault.forbidden")
	}
	label, err := checkLabel(label)
	if err != nil {
		return Passkey{}, err
	}
	ceremony, err := take(ctx, db, state, register, c.Device, c.Account)
	if err != nil {
		return Passkey{}, deny(ctx, db, c, register, c.Account, err)
	}
	made, err := rp.register(&user{account: c.Account, handle: ceremony.session.UserID}, ceremony.session, response)
	if err != nil {
		return Passkey{}, deny(ctx, db, c, register, c.Account, err)
	}
	p := Passkey{Label: label, Synced: made.Flags.BackupState}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		if err := lockUser(ctx, tx, c.Account); err != nil {
			return err
		}
		n, err := count(ctx, tx, c.Account)
		if err != nil {
			return err
		}
		if n >= MostPasskeys {
			return fault.New(fault.Conflict, "passkey.many", "most", MostPasskeys)
		}
		p.Created = tx.Now
		if p.ID, err = add(ctx, tx, c.Account, label, made); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "passkey.add", object("passkey", p.ID), "account", c.Account, "synced", p.Synced)
	})
	if fault.Code(err) == "passkey.known" {
		return Passkey{}, deny(ctx, db, c, register, c.Account, err)
	}
	if err != nil {
		return Passkey{}, err
	}
	return p, nil
}

// register checks an answer to a registration without touching the store.
func (rp *RelyingParty) register(u *user, session *webauthn.SessionData, response []byte) (*webauthn.Credential, error) {
	if err := checkSize(response); err != nil {
		return nil, err
	}
	parsed, err := protocol.ParseCredentialCreationResponseBytes(response)
	if err != nil {
		return nil, refused(err)
	}
	if !parsed.Response.AttestationObject.AuthData.Flags.HasUserVerified() {
		return nil, fault.New(fault.Forbidden, "passkey.unverified")
	}
	made, err := rp.w.CreateCredential(u, *session, parsed)
	return made, refused(err)
}

func checkSize(response []byte) error {
	if len(response) > MaxResponse {
		return fault.New(fault.TooLarge, "passkey.size", "most", MaxResponse)
	}
	return nil
}

// deny records that a ceremony was refused and returns the refusal. What is a
// failure of the program or the store is none.
func deny(ctx context.Context, db *store.DB, c caller.Caller, p purpose, account int64, reason error) error {
	f := fault.From(reason)
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		return reason
	}
	err := db.Write(ctx, c, func(tx *store.Tx) error {
		return audit.Append(ctx, tx, "denied", object("account", account), "action", "passkey."+string(p), "reason", f.Code)
	})
	if err != nil {
		return err
	}
	return reason
}
