// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"
	"time"

	"golang.org/x/text/width"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/permit"
	"teiten/internal/store"
)

const (
	inviteFor    = 72 * time.Hour
	maxInviteFor = 14 * 24 * time.Hour
	maxOpen      = 50  // invitations of one organisation
	maxListed    = 500 // invitations in a list
)

// Invitation lets whoever has its code fetch one certificate. The code itself
// is stored nowhere.
type Invitation struct {
	ID      int64
	Purpose Purpose
	Org     int64
	Account int64 // 0 for a Device
	Label   string
	For     time.Duration // asked for: 0 means 72 hours, at most 14 days

	OrgName     string
	AccountName string // not told by Look: the code may have gone astray
	CreatedBy   int64
	Created     time.Time
	Expires     time.Time
	Used        time.Time
	Cancelled   time.Time
	Certificate int64 // that was fetched, 0 for none
}

// InvitationState says how an invitation stands at a time.
type InvitationState string

const (
	InviteOpen      InvitationState = "open"
	InviteUsed      InvitationState = "used"
	InviteCancelled InvitationState = "cancelled"
	InviteLapsed    InvitationState = "lapsed"
)

// InvitationStates are all states.
var InvitationStates = []InvitationState{InviteOpen, InviteUsed, InviteCancelled, InviteLapsed}

// Key is the word for it in package locale.
func (s InvitationState) Key() string { return "device.invitation." + string(s) }

// State returns how the invitation stands.
func (i *Invitation) State(now time.Time) InvitationState {
	switch {
	case !i.Used.IsZero():
		return InviteUsed
	case !i.Cancelled.IsZero():
		return InviteCancelled
	case !now.Before(i.Expires):
		return InviteLapsed
	default:
		return InviteOpen
	}
}

// fault says why an invitation cannot be used.
func (i *Invitation) fault(now time.Time) error {
	switch i.State(now) {
	case InviteUsed:
		return fault.New(fault.Conflict, "device.invitation_used", "at", i.Used)
	case InviteCancelled:
		return fault.New(fault.Conflict, "device.invitation_cancelled")
	case InviteLapsed:
		return fault.New(fault.Conflict, "device.invitation_lapsed", "at", i.Expires)
	}
	return nil
}

// Invite makes an invitation and its code: 140 random bits in base32, in seven
// groups. Operators invite for everybody, a contact for the accounts and the
// shared PCs of her own organisation. An organisation may have 50 open ones.
func Invite(ctx context.Context, db *store.DB, c caller.Caller, i Invitation) (code string, made Invitation, err error) {
	if err := mayInvite(c, i.Org); err != nil {
		return "", i, err
	}
	if i.For == 0 {
		i.For = inviteFor
	}
	if i.For < time.Minute || i.For > maxInviteFor {
		return "", i, fault.New(fault.Invalid, "device.invitation_for", "most", int(maxInviteFor.Hours()/24)).At("for")
	}
	if i.Label, err = checkLabel(i.Label, i.Purpose); err != nil {
		return "", i, err
	}
	code = newCode()
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		// Held until the end, so that two cannot both be the fiftieth.
		if err := lockOrganisation(ctx, tx, i.Org); err != nil {
			return err
		}
		if i.OrgName, err = checkOwner(ctx, tx, i.Purpose, i.Org, i.Account); err != nil {
			return err
		}
		open, err := countOpen(ctx, tx, i.Org, tx.Now)
		if err != nil {
			return err
		}
		if open >= maxOpen {
			return fault.New(fault.Conflict, "device.invitation_many", "most", maxOpen)
		}
		i.CreatedBy, i.Created, i.Expires = c.Account, tx.Now, tx.Now.Add(i.For)
		i.Used, i.Cancelled, i.Certificate = time.Time{}, time.Time{}, 0
		if err := insertInvitation(ctx, tx, &i, hashCode(code)); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "enrolment.invite", object("enrolment", i.ID),
			"purpose", string(i.Purpose), "organisation", i.Org, "account", i.Account, "until", i.Expires)
	})
	if err != nil {
		return "", i, err
	}
	return code, i, nil
}

// Invitations lists the newest 500 of an organisation, or of all with 0, which
// is for operators.
func Invitations(ctx context.Context, q store.Queryer, c caller.Caller, org int64) ([]Invitation, error) {
	if err := mayInvite(c, org); err != nil {
		return nil, err
	}
	return readInvitations(ctx, q, org, maxListed)
}

// Cancel makes an open invitation worthless.
func Cancel(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	return db.Write(ctx, c, func(tx *store.Tx) error {
		all, org := reach(c, permit.DeviceInvite)
		i, err := lockInvitation(ctx, tx, id, all, org)
		if err != nil {
			return err
		}
		if err := i.fault(tx.Now); err != nil {
			return err
		}
		if err := cancelInvitation(ctx, tx, id); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "enrolment.cancel", object("enrolment", id), "organisation", i.Org)
	})
}

// Look tells whose invitation a code is, without using it up: organisation,
// purpose, label and end, no person's name. Faults: device.invitation_unknown
// (NotFound), and for the right code only device.invitation_used, _cancelled,
// _lapsed and device.owner_left (Conflict).
func Look(ctx context.Context, q store.Queryer, code string) (Invitation, error) {
	now := present(q)
	i, active, err := findInvitation(ctx, q, hashCode(code), now)
	if fault.Is(err, fault.NotFound) {
		return Invitation{}, fault.New(fault.NotFound, "device.invitation_unknown")
	}
	if err != nil {
		return Invitation{}, err
	}
	if err := i.fault(now); err != nil {
		return Invitation{}, err
	}
	if !active {
		return Invitation{}, fault.New(fault.Conflict, "device.owner_left")
	}
	return i, nil
}

// present is the time of a transaction, or now.
func present(q store.Queryer) time.Time {
	if tx, ok := q.(*store.Tx); ok {
		return tx.Now
	}
	return time.Now()
}

const (
	codeLength = 28 // characters of five bits
	codeGroup  = 4
	maxTyped   = 256
)

var codeText = base32.StdEncoding.WithPadding(base32.NoPadding)

func newCode() string {
	var b [18]byte
	rand.Read(b[:])
	text := codeText.EncodeToString(b[:])[:codeLength]
	groups := make([]string, 0, codeLength/codeGroup)
	for ; text != ""; text = text[codeGroup:] {
		groups = append(groups, text[:codeGroup])
	}
	return strings.Join(groups, "-")
}

// typed forgives what people do to a code on the way: the alphabet has no 0, 1
// and 8.
var typed = strings.NewReplacer("-", "", "ー", "", "−", "", " ", "", "\t", "", "\r", "", "\n", "", "0", "O", "1", "I", "8", "B")

// hashCode returns the stored form of a code as somebody typed it, in full
// width too. A code has so many random bits that it needs no slow hash.
func hashCode(code string) string {
	if len(code) > maxTyped {
		code = ""
	}
	sum := sha256.Sum256([]byte(typed.Replace(strings.ToUpper(width.Narrow.String(code)))))
	return hex.EncodeToString(sum[:])
}
