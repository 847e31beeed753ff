// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package federate

import (
	"context"
	"net/url"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
)

// Outcome is how a visit ended.
type Outcome struct {
	// Account is whose identity it is. After a sign-in, whether that account may
	// come in on this device is for package auth, which opens the session.
	Account int64
	// Linked reports that the visit was for linking and no session is to open.
	Linked bool
}

// Finish ends a visit when the provider has sent the browser back to the
// redirect URL. The token is the cookie's; the answer is the URL's query. The
// caller is who asks now: her device must be that on which the visit began
// and, for linking, her account that which began it; for a sign-in only the
// device counts. Every refusal is audited.
func (p *Provider) Finish(ctx context.Context, db *store.DB, c caller.Caller, token string, answer url.Values) (Outcome, error) {
	r, err := take(ctx, db, token, c.Device)
	if err != nil {
		return Outcome{}, deny(ctx, db, c, "", err)
	}
	if r.purpose == signIn {
		c = caller.Caller{Channel: "web", Device: c.Device} // who comes back is nobody yet
	}
	out, err := p.finish(ctx, db, c, r, token, answer)
	if err != nil {
		return Outcome{}, deny(ctx, db, c, r.purpose, err)
	}
	return out, nil
}

func (p *Provider) finish(ctx context.Context, db *store.DB, c caller.Caller, r *request, token string, answer url.Values) (Outcome, error) {
	if r.purpose == link && (c.Account == 0 || r.account != c.Account) || r.issuer != p.cfg.Issuer {
		return Outcome{}, errExpired()
	}
	subject, err := p.subject(ctx, token, answer)
	if err != nil {
		return Outcome{}, err
	}
	if r.purpose == link {
		return Outcome{c.Account, true}, p.link(ctx, db, c, subject)
	}
	var account int64
	err = db.Keep(ctx, func(tx *store.Tx) error {
		account, err = useIdentity(ctx, tx, p.cfg.Issuer, subject)
		return err
	})
	if fault.Is(err, fault.NotFound) {
		err = fault.New(fault.Forbidden, "federate.unknown", "name", p.cfg.Name)
	}
	return Outcome{Account: account}, err
}

// subject checks the answer, turns its code into an ID token, checks that, and
// returns whom it names.
func (p *Provider) subject(ctx context.Context, token string, answer url.Values) (string, error) {
	code, state, issuer, failure, err := read(answer)
	if err != nil {
		return "", err
	}
	if !equal(state, derive(token, "state")) {
		return "", fault.New(fault.Forbidden, "federate.state")
	}
	m, err := p.metadata(ctx)
	if err != nil {
		return "", err
	}
	// RFC 9207, section 2.4: an answer of another provider must not make us
	// show its code, or ours, to the wrong one.
	if issuer != "" && issuer != p.cfg.Issuer || issuer == "" && m.SaysIssuer {
		return "", fault.New(fault.Forbidden, "federate.issuer")
	}
	switch {
	case failure == "access_denied": // RFC 6749, section 4.1.2.1
		return "", fault.New(fault.Forbidden, "federate.declined", "name", p.cfg.Name)
	case failure == "temporarily_unavailable", failure == "server_error":
		return "", fault.New(fault.Unavailable, "federate.down", "name", p.cfg.Name)
	case failure != "" || code == "":
		return "", fault.New(fault.Invalid, "federate.answer")
	}
	raw, access, err := p.exchange(ctx, m, code, derive(token, "verifier"))
	if err != nil {
		return "", err
	}
	return p.check(ctx, raw, access, derive(token, "nonce"))
}

// link ties the identity to the caller's account.
func (p *Provider) link(ctx context.Context, db *store.DB, c caller.Caller, subject string) error {
	return db.Write(ctx, c, func(tx *store.Tx) error {
		id, err := addIdentity(ctx, tx, c.Account, p.cfg.Issuer, subject)
		if err != nil {
			return err
		}
		return audit.Append(ctx, tx, "identity.link", object(id), "account", c.Account, "issuer", p.cfg.Issuer)
	})
}

// take ends the visit of a token, whatever becomes of it.
func take(ctx context.Context, db *store.DB, token string, device int64) (r *request, err error) {
	err = db.Keep(ctx, func(tx *store.Tx) error {
		r, err = takeRequest(ctx, tx, hash(token), device)
		return err
	})
	return r, err
}

func errExpired() error { return fault.New(fault.Conflict, "federate.expired") }

func object(id int64) string { return "identity/" + itoa(id) }

// deny records a refusal and returns it. That the provider or the store fails
// is none.
func deny(ctx context.Context, db *store.DB, c caller.Caller, p purpose, reason error) error {
	f := fault.From(reason)
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		return reason
	}
	if p == "" {
		p = signIn
	}
	err := db.Write(ctx, c, func(tx *store.Tx) error {
		return audit.Append(ctx, tx, "denied", "account/"+itoa(c.Account), "action", "identity."+string(p), "reason", f.Code)
	})
	if err != nil {
		return err
	}
	return reason
}
