// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device

import (
	"context"
	"slices"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// Filter narrows a list; zero values narrow nothing.
type Filter struct {
	Org     int64
	Account int64
	Purpose Purpose
	State   State
	Before  int64 // the last id of the page before
	Limit   int   // 1 to 200; 0 means 50
}

const (
	usualLimit = 50
	maxLimit   = 200
)

// List returns certificates, the newest first: all for operators, those of
// their organisation for contacts, their own for everybody else.
func List(ctx context.Context, q store.Queryer, c caller.Caller, f Filter) ([]Certificate, error) {
	if f.Limit == 0 {
		f.Limit = usualLimit
	}
	if f.Limit < 1 || f.Limit > maxLimit {
		return nil, fault.New(fault.Invalid, "fault.limit", "most", maxLimit).At("limit")
	}
	if f.Purpose != "" && f.Purpose != Server && !slices.Contains(Purposes, f.Purpose) {
		return nil, fault.New(fault.Invalid, "device.purpose", "value", string(f.Purpose)).At("purpose")
	}
	if f.State != "" && !slices.Contains(States, f.State) {
		return nil, fault.New(fault.Invalid, "device.state", "value", string(f.State)).At("state")
	}
	return readList(ctx, q, scopeOf(c, permit.DeviceRead), f, present(q))
}

// Find returns one certificate that List would show.
func Find(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (Certificate, error) {
	return readOne(ctx, q, scopeOf(c, permit.DeviceRead), id)
}

// Ending is a certificate that ends soon.
type Ending struct {
	Kind        EndingKind
	Certificate Certificate // of a device or the server
	Name        string      // of an authority
	NotAfter    time.Time
}

// EndingKind is whose end comes.
type EndingKind string

const (
	EndingDevice    EndingKind = "device"
	EndingServer    EndingKind = "server"
	EndingAuthority EndingKind = "authority" // the installation's own
	EndingForeign   EndingKind = "foreign"   // an authority that is trusted
)

// Key is the sentence for it in package locale.
func (k EndingKind) Key() string { return "device.ending." + string(k) }

// Expiring returns what of that which List shows the caller ends within a
// time, the first end first, at most 500: certificates that are valid, of
// active owners, and have no successor with the same owner and label.
// Operators are told of the portal's own certificate too, which renews itself
// before, and of authorities, also of those whose end has passed.
func (o *Office) Expiring(ctx context.Context, q store.Queryer, c caller.Caller, within time.Duration) ([]Ending, error) {
	now, s := present(q), scopeOf(c, permit.DeviceRead)
	certs, err := readExpiring(ctx, q, s, now, now.Add(within))
	if err != nil {
		return nil, err
	}
	var all []Ending
	for _, cert := range certs {
		kind := EndingDevice
		if cert.Purpose == Server {
			kind = EndingServer
		}
		all = append(all, Ending{Kind: kind, Certificate: cert, NotAfter: cert.NotAfter})
	}
	if s.all {
		for i, a := range o.Roots() {
			if a.NotAfter.After(now.Add(within)) {
				continue
			}
			kind := EndingForeign
			if i == 0 {
				kind = EndingAuthority
			}
			all = append(all, Ending{Kind: kind, Name: a.Subject.String(), NotAfter: a.NotAfter})
		}
	}
	slices.SortStableFunc(all, func(a, b Ending) int { return a.NotAfter.Compare(b.NotAfter) })
	return all, nil
}
