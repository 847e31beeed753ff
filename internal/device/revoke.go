// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device

import (
	"context"
	"slices"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/pki"
	"teiten/internal/store"
)

// revocation is the topic of the change sequence that each revocation advances.
const revocation = "revocation"

// Revoke ends a certificate for good, from the next request on: operators any,
// contacts those of their organisation, everybody their own.
func Revoke(ctx context.Context, db *store.DB, c caller.Caller, id int64, r Reason) error {
	if !slices.Contains(Reasons, r) {
		return fault.New(fault.Invalid, "device.reason", "value", string(r)).At("reason")
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		s := scopeOf(c, permit.DeviceRevoke)
		changed, err := revokeOne(ctx, tx, s, id, r)
		if err != nil {
			return err
		}
		if !changed {
			cert, err := readOne(ctx, tx, s, id)
			if err != nil {
				return err
			}
			return fault.New(fault.Conflict, "device.revoked_before", "at", cert.Revoked)
		}
		if err := tx.Bump(ctx, revocation); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "certificate.revoke", object("certificate", id), "reason", string(r))
	})
}

// RevokeAll ends every certificate of an account and cancels its open
// invitations, and returns how many certificates it ended. Operators, and the
// contact of the account's organisation; another's account is not found. When
// an account leaves it happens by itself.
func RevokeAll(ctx context.Context, tx *store.Tx, account int64, r Reason) (int, error) {
	if !slices.Contains(Reasons, r) {
		return 0, fault.New(fault.Invalid, "device.reason", "value", string(r)).At("reason")
	}
	all, org := reach(tx.Caller, permit.DeviceRevoke)
	if err := findAccount(ctx, tx, all, org, account); err != nil {
		return 0, err
	}
	return revokeAll(ctx, tx, account, r)
}

// Whoever may end an account ends its certificates with it.
func init() {
	member.OnLeave(func(ctx context.Context, tx *store.Tx, account int64) error {
		_, err := revokeAll(ctx, tx, account, Left)
		return err
	})
}

func revokeAll(ctx context.Context, tx *store.Tx, account int64, r Reason) (int, error) {
	ids, err := revokeAccount(ctx, tx, account, r)
	if err != nil {
		return 0, err
	}
	cancelled, err := cancelAccount(ctx, tx, account)
	if err != nil {
		return 0, err
	}
	if len(ids) == 0 && cancelled == 0 {
		return 0, nil
	}
	if err := tx.Bump(ctx, revocation); err != nil {
		return 0, err
	}
	return len(ids), audit.Append(ctx, tx, "certificate.revoke_all", object("account", account),
		"reason", string(r), "certificates", ids, "invitations", cancelled)
}

// codes are the reasons in a revocation list.
var codes = map[Reason]int{Lost: pki.KeyCompromise, Left: pki.Affiliation, Replaced: pki.Superseded, Ended: pki.Cessation}

// CRL returns the revocation list of the own authority as DER, for proxies and
// others who check for themselves; the portal reads its registry. A list that
// was signed is used again until something is revoked or half its life is
// over, in every process; its number grows from list to list, also after a
// backup was restored.
func (o *Office) CRL(ctx context.Context, db *store.DB) ([]byte, error) {
	var der []byte
	fresh := false
	read := func(tx *store.Tx) error {
		l, err := readRevocationList(ctx, tx)
		der, fresh = l.der, err == nil && l.fresh(tx.Now)
		return err
	}
	if err := db.View(ctx, caller.System("crl"), read); err != nil || fresh {
		return der, err
	}
	err := db.Keep(ctx, func(tx *store.Tx) error {
		if err := lockAuthority(ctx, tx); err != nil {
			return err
		}
		// Another process may have signed one while this one waited.
		l, err := readRevocationList(ctx, tx)
		if err != nil {
			return err
		}
		if l.fresh(tx.Now) {
			der = l.der
			return nil
		}
		// What is revoked after this line belongs to a later sequence number.
		revoked, err := readRevoked(ctx, tx, tx.Now.Add(-listedAfter))
		if err != nil {
			return err
		}
		// A restored backup has an old number; the clock has not gone back.
		l.number = max(l.number+1, tx.Now.Unix())
		if der, err = o.authority.CRL(l.number, revoked, tx.Now); err != nil {
			return err
		}
		l.der = der
		return updateList(ctx, tx, l, tx.Now, tx.Now.Add(pki.CRLLife))
	})
	return der, err
}
