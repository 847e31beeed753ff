// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/permit"
	"teiten/internal/store"
)

const (
	// LongestOverlap is how long an old address may take mail after it was
	// changed: until the last poster on a wall is replaced.
	LongestOverlap = 90 * 24 * time.Hour
	mostAddresses  = 10 // of an organisation that take mail
)

// Address is one to which an institution's people forward.
type Address struct {
	ID        int64     `json:"id"`
	Org       int64     `json:"organisation"`
	OrgName   string    `json:"organisation_name"`
	Address   string    `json:"address"`
	CreatedAt time.Time `json:"created_at"`
	EndsAt    time.Time `json:"ends_at,omitzero"` // zero: never
	Active    bool      `json:"active"`           // takes mail now
}

// Addresses lists the addresses of the caller's institution, or of all for
// operators: those that take mail first.
func Addresses(ctx context.Context, q store.Queryer, c caller.Caller) ([]Address, error) {
	if err := permit.Check(c, permit.InstitutionManage); err != nil {
		return nil, err
	}
	return addresses(ctx, q, c, 0)
}

// ForwardTo is the address to which the caller forwards suspicious mails: the
// newest one of his institution that takes mail; "" while there is none.
func ForwardTo(ctx context.Context, q store.Queryer, c caller.Caller) (string, error) {
	if err := permit.Check(c, permit.MailReport); err != nil {
		return "", err
	}
	all, err := addressesOf(ctx, q, 0, c.Org, 0)
	for _, a := range all {
		if a.Active && a.EndsAt.IsZero() {
			return a.Address, nil
		}
	}
	return "", err
}

// AddAddress makes an address for an institution. Its contact and operators may.
func (b *Box) AddAddress(ctx context.Context, c caller.Caller, org int64) (a Address, err error) {
	if err := permit.CheckFor(c, permit.InstitutionManage, org); err != nil {
		return a, err
	}
	if b.cfg.Domain == "" {
		return a, fault.New(fault.Invalid, "mailbox.domain")
	}
	o, err := member.FindOrganisation(ctx, b.DB, c, org)
	if err != nil {
		return a, err
	}
	if !o.LeftAt.IsZero() {
		return a, fault.New(fault.Conflict, "mailbox.organisation_left", "name", o.Short)
	}
	err = b.DB.Write(ctx, c, func(tx *store.Tx) error {
		if a, err = b.newAddress(ctx, tx, org, o.Short); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "mailbox.address_add", object("mailbox_address", a.ID), "organisation", org)
	})
	return a, err
}

// RotateAddress makes a new address in the place of one that takes mail. The
// old one works on for the overlap, or ends at once with 0.
func (b *Box) RotateAddress(ctx context.Context, c caller.Caller, id int64, overlap time.Duration) (a Address, err error) {
	if overlap < 0 || overlap > LongestOverlap {
		return a, fault.New(fault.Invalid, "mailbox.overlap", "most", int(LongestOverlap/(24*time.Hour))).At("overlap")
	}
	if b.cfg.Domain == "" {
		return a, fault.New(fault.Invalid, "mailbox.domain")
	}
	err = b.DB.Write(ctx, c, func(tx *store.Tx) error {
		old, err := activeAddress(ctx, tx, c, id)
		if err != nil {
			return err
		}
		if err := endAddress(ctx, tx, id, tx.Now.Add(overlap)); err != nil {
			return err
		}
		if a, err = b.newAddress(ctx, tx, old.Org, old.OrgName); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "mailbox.address_rotate", object("mailbox_address", id), "organisation", old.Org, "new", a.ID, "overlap", int64(overlap/time.Second))
	})
	return a, err
}

// StopAddress ends an address at once. Mail to it is refused from then on.
func StopAddress(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	return db.Write(ctx, c, func(tx *store.Tx) error {
		old, err := activeAddress(ctx, tx, c, id)
		if err != nil {
			return err
		}
		if err := endAddress(ctx, tx, id, tx.Now); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "mailbox.address_off", object("mailbox_address", id), "organisation", old.Org)
	})
}

// activeAddress returns an address that takes mail and that the caller may
// change; another is not found.
func activeAddress(ctx context.Context, tx *store.Tx, c caller.Caller, id int64) (Address, error) {
	if err := permit.Check(c, permit.InstitutionManage); err != nil {
		return Address{}, err
	}
	all, err := addresses(ctx, tx, c, id)
	switch {
	case err != nil:
		return Address{}, err
	case len(all) == 0:
		return Address{}, fault.New(fault.NotFound, "fault.not_found")
	case !all[0].Active:
		return Address{}, fault.New(fault.Conflict, "mailbox.address_ended")
	}
	return all[0], nil
}

// newAddress makes one whose local part nobody guesses: 80 random bits.
func (b *Box) newAddress(ctx context.Context, tx *store.Tx, org int64, name string) (Address, error) {
	a := Address{Org: org, OrgName: name, CreatedAt: tx.Now, Active: true,
		Address: "houkoku-" + strings.ToLower(rand.Text()[:16]) + "@" + b.cfg.Domain}
	n, err := countAddresses(ctx, tx, org)
	if err != nil {
		return a, err
	}
	if n >= mostAddresses {
		return a, fault.New(fault.TooLarge, "mailbox.addresses_many", "most", mostAddresses)
	}
	a.ID, err = insertAddress(ctx, tx, a)
	return a, err
}
