// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"strconv"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// Device is the certificate that was shown at the door, already checked.
type Device struct {
	// ID is the certificate's row. 0 is no certificate: only a portal that
	// listens on loopback alone lets such a visitor come as far as here.
	ID int64
	// Account is whose certificate it is, 0 for a shared PC of a ward.
	Account int64
	// Org is the organisation whose device it is. On a shared PC any account
	// of it may sign in, and none of another.
	Org int64
}

// serves reports whether an account may sign in on the device at all.
func (d Device) serves(account, org int64) bool {
	switch {
	case account == 0:
		return false
	case d.Account != 0:
		return d.Account == account
	case d.ID != 0:
		return d.Org != 0 && d.Org == org
	default:
		return d.Org == 0 || d.Org == org
	}
}

// Ways by which a session was opened, as they stand in the audit.
const (
	ByPassword     = "password"
	ByRecoveryCode = "recovery_code"
	BySetUp        = "set_up"
	ByPasskey      = "passkey"
	ByOIDC         = "oidc"
)

// Reasons why somebody was refused. They are for the audit alone: the person
// at the door hears the same sentence for all.
const (
	becauseUnknown  = "unknown_login"
	becauseDevice   = "other_device" // the certificate of another account or organisation
	becauseInactive = "inactive"
	becauseLeft     = "left"
	becauseExpired  = "expired"
	becauseMachine  = "machine"
	becauseNotSetUp = "not_set_up"
	becausePassword = "wrong_password"
	becauseCode     = "wrong_code"
	becauseReplay   = "code_used" // or the factors changed while they were checked
	becauseWait     = "too_many"
)

func refused() error { return fault.New(fault.Forbidden, "auth.refused") }

// visitor is the actor of records about somebody who has proved nothing.
func visitor(dev Device) caller.Caller {
	return caller.Caller{Name: "visitor", Org: dev.Org, Channel: "web", Device: dev.ID}
}

// failed writes down why somebody was refused.
func failed(ctx context.Context, db *store.DB, dev Device, action, object, reason string) error {
	return db.Write(ctx, visitor(dev), func(tx *store.Tx) error {
		return audit.Append(ctx, tx, action, object, "reason", reason)
	})
}

func object(noun string, id int64) string { return noun + "/" + strconv.FormatInt(id, 10) }

// ago is the stored form of a moment before now.
func ago(now time.Time, d time.Duration) int64 { return store.Micros(now.Add(-d)) }
