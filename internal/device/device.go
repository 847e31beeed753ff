// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device

import (
	"context"
	"crypto/x509"
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/permit"
)

// Purpose is what a certificate is for.
type Purpose string

const (
	Person  Purpose = "person"  // of one account
	Device  Purpose = "device"  // of a PC that an institution's people share
	Machine Purpose = "machine" // of a machine's account
	Server  Purpose = "server"  // of the portal's own door
)

// Purposes are those for which people can be invited.
var Purposes = []Purpose{Person, Device, Machine}

// Key is the word for it in package locale.
func (p Purpose) Key() string { return "device.purpose." + string(p) }

// Reason is why a certificate was revoked.
type Reason string

const (
	Lost     Reason = "lost"     // or stolen, or the key was copied
	Left     Reason = "left"     // the person left, or changed posts
	Replaced Reason = "replaced" // by a newer certificate
	Ended    Reason = "ended"    // the device is no longer used
)

// Reasons are all reasons.
var Reasons = []Reason{Lost, Left, Replaced, Ended}

// Key is the word for it in package locale.
func (r Reason) Key() string { return "device.reason." + string(r) }

// Certificate is a row of the registry.
type Certificate struct {
	ID           int64
	Foreign      bool // of another authority, which the operator trusts
	Serial       string
	Fingerprint  string // SHA-256, 64 hexadecimal digits
	Purpose      Purpose
	Org          int64 // 0 of a server
	OrgName      string
	Account      int64 // 0 of a device or a server
	AccountName  string
	Label        string
	NotBefore    time.Time
	NotAfter     time.Time
	Issued       time.Time
	IssuedBy     int64 // 0 the program
	Revoked      time.Time
	RevokedBy    int64
	RevokeReason Reason
	LastSeen     time.Time // within ten minutes; zero if never
}

// State says how a certificate stands at a time.
type State string

const (
	Valid   State = "valid"
	Expired State = "expired"
	Revoked State = "revoked"
)

// States are all states.
var States = []State{Valid, Expired, Revoked}

// Key is the word for it in package locale.
func (s State) Key() string { return "device.state." + string(s) }

// State returns how the certificate stands; it says nothing about the account.
func (c *Certificate) State(now time.Time) State {
	switch {
	case !c.Revoked.IsZero():
		return Revoked
	case now.After(c.NotAfter):
		return Expired
	default:
		return Valid
	}
}

// Peer is who stands at the other end of a connection, as the listener or a
// trusted proxy tells it.
type Peer struct {
	Certificate *Certificate      // nil unless it was admitted
	Leaf        *x509.Certificate // nil when none was shown
	Err         error             // why it was not admitted: a fault of Admit
	Addr        netip.AddrPort    // of the client, not of the proxy
}

type peerKey struct{}

// WithPeer returns a context that carries the peer of a request.
func WithPeer(ctx context.Context, p Peer) context.Context {
	return context.WithValue(ctx, peerKey{}, p)
}

// PeerOf returns the peer of a request, false if nobody looked for one.
func PeerOf(ctx context.Context) (Peer, bool) {
	p, ok := ctx.Value(peerKey{}).(Peer)
	return p, ok
}

// mayOperate says who issues without an invitation, founds the authority and
// registers others' certificates: whoever manages the installation.
func mayOperate(c caller.Caller) error { return permit.Check(c, permit.InstallationManage) }

// scope is what of the registry a caller reaches: everything, one
// organisation's, or one account's. 0 stands for none.
type scope struct {
	all          bool
	org, account int64
}

// reach returns whose devices a caller reaches beside her own: all, or those of
// an organisation, 0 for nobody's. In the ISAC only operators look after
// devices, or a contact there could take the operators' own away.
func reach(c caller.Caller, p permit.Permission) (all bool, org int64) {
	switch permit.May(c, p) {
	case permit.All:
		return true, 0
	case permit.Own:
		if c.OrgKind != caller.ISAC {
			return false, c.Org
		}
	}
	return false, 0
}

func scopeOf(c caller.Caller, p permit.Permission) scope {
	all, org := reach(c, p)
	return scope{all, org, c.Account}
}

// mayInvite says who hands out certificates for an organisation; 0 is all of them.
func mayInvite(c caller.Caller, org int64) error {
	if all, own := reach(c, permit.DeviceInvite); all || own != 0 && own == org {
		return nil
	}
	return fault.New(fault.Forbidden, "fault.forbidden")
}

const maxLabel = 100

// checkLabel cleans what people call a device: at most 100 characters on one line.
func checkLabel(label string, p Purpose) (string, error) {
	label = strings.TrimSpace(label)
	switch {
	case label == "" && p == Device:
		return "", fault.New(fault.Invalid, "device.label_empty").At("label")
	case !utf8.ValidString(label) || strings.ContainsFunc(label, unicode.IsControl):
		return "", fault.New(fault.Invalid, "device.label_text").At("label")
	case utf8.RuneCountInString(label) > maxLabel:
		return "", fault.New(fault.TooLarge, "device.label_long", "most", maxLabel).At("label")
	}
	return label, nil
}

func object(noun string, id int64) string { return noun + "/" + strconv.FormatInt(id, 10) }
