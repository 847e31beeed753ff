// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device

import (
	"context"
	"crypto/x509"
	"errors"
	"time"

	"teiten/internal/fault"
	"teiten/internal/pki"
	"teiten/internal/store"
)

const (
	// verifiedFor is how long a chain that was found good is not looked for again.
	verifiedFor = time.Minute
	maxVerified = 10_000
	// seenEvery is how exact the time of the last sight is.
	seenEvery = 10 * time.Minute
)

// verdict is a chain that was found good.
type verdict struct {
	until    time.Time // when it is looked at again
	from, to time.Time // within which every certificate of it is valid
}

// Admit says whether a client's certificate opens the door at a time, and
// whose it is. The chain must lead to the own authority or a trusted one
// ([pki.Verify]), and the certificate must be in the registry, not revoked,
// of an account and an organisation that are active. It runs at every request:
// a good chain is remembered for a minute, while the registry is read each
// time, so that a revocation counts from the next request on.
//
// Faults are Forbidden: device.malformed, device.self_signed, device.weak,
// device.foreign, device.usage, device.not_yet, device.expired, device.unknown,
// device.revoked, device.left. With the last two the certificate is returned
// too, for the record of the denial.
func (o *Office) Admit(ctx context.Context, q store.Queryer, leaf *x509.Certificate, intermediates []*x509.Certificate, now time.Time) (Certificate, error) {
	if leaf == nil {
		return Certificate{}, fault.New(fault.Forbidden, "device.malformed")
	}
	fingerprint := pki.Fingerprint(leaf)
	if err := o.verify(fingerprint, leaf, intermediates, now); err != nil {
		return Certificate{}, err
	}
	cert, active, err := readAdmitted(ctx, q, fingerprint, now)
	switch {
	case fault.Is(err, fault.NotFound):
		return Certificate{}, fault.New(fault.Forbidden, "device.unknown")
	case err != nil:
		return Certificate{}, err
	case cert.Purpose == Server:
		return Certificate{}, fault.New(fault.Forbidden, "device.usage")
	case !cert.Revoked.IsZero():
		return cert, fault.New(fault.Forbidden, "device.revoked")
	case !active:
		return cert, fault.New(fault.Forbidden, "device.left")
	}
	return cert, nil
}

func (o *Office) verify(fingerprint string, leaf *x509.Certificate, intermediates []*x509.Certificate, now time.Time) error {
	o.mu.RLock()
	v, known := o.verified[fingerprint]
	trusts := o.trusts
	o.mu.RUnlock()
	if known && now.Before(v.until) && !now.Before(v.from) && !now.After(v.to) {
		return nil
	}
	chain, err := pki.Verify(leaf, intermediates, o.Roots(), now)
	if err != nil {
		return refused(err)
	}
	v = verdict{until: now.Add(verifiedFor), from: leaf.NotBefore, to: leaf.NotAfter}
	for _, c := range chain {
		if c.NotBefore.After(v.from) {
			v.from = c.NotBefore
		}
		if c.NotAfter.Before(v.to) {
			v.to = c.NotAfter
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.trusts != trusts {
		return nil // Trust came between: good for this once only
	}
	if len(o.verified) >= maxVerified {
		clear(o.verified)
	}
	o.verified[fingerprint] = v
	return nil
}

// refusals are the sentences of pki's reasons.
var refusals = map[pki.Reason]string{
	pki.Malformed: "device.malformed", pki.SelfSigned: "device.self_signed", pki.Weak: "device.weak",
	pki.Foreign: "device.foreign", pki.Usage: "device.usage", pki.NotYet: "device.not_yet", pki.Expired: "device.expired",
}

func refused(err error) error {
	var r *pki.Refusal
	if !errors.As(err, &r) {
		return err
	}
	return fault.Wrap(err, fault.Forbidden, refusals[r.Reason])
}

// Seen notes that a certificate was admitted at a time. It stores that at most
// once in ten minutes for each certificate; other calls cost nothing.
func (o *Office) Seen(ctx context.Context, db *store.DB, id int64, now time.Time) error {
	o.mu.Lock()
	last, known := o.seen[id]
	due := !known || now.Sub(last) >= seenEvery
	if due {
		if len(o.seen) >= maxVerified {
			clear(o.seen)
		}
		o.seen[id] = now
	}
	o.mu.Unlock()
	if !due {
		return nil
	}
	return db.Keep(ctx, func(tx *store.Tx) error { return updateSeen(ctx, tx, id, now) })
}
