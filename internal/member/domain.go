// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"context"
	"slices"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// undoWithin is how long a domain that was taken off the list comes back
// without being approved again.
const undoWithin = 24 * time.Hour

// AddDomain adds an own domain: the guard keeps it out of every filter, and
// mail checks look for its look-alikes. Because it acts on everybody's
// filters, a contact's addition waits for an operator, unless it lies below a
// domain that her organisation has already, or was on the list a day ago.
func AddDomain(ctx context.Context, db *store.DB, c caller.Caller, org int64, written string) (waiting bool, err error) {
	if err := permit.CheckFor(c, permit.InstitutionManage, org); err != nil {
		return false, err
	}
	v, err := indicator.Normalise(indicator.Domain, written)
	if err != nil {
		return false, fault.From(err).At("domain")
	}
	// Owning "jp" or "or.jp" would let one institution blind everybody's filters.
	if suffix, _ := publicsuffix.PublicSuffix(v.Value); suffix == v.Value {
		return false, fault.New(fault.Invalid, "member.domain_suffix", "domain", v.Value).At("domain")
	}
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		o, err := organisation(ctx, tx, c, permit.InstitutionManage, org)
		if err != nil {
			return err
		}
		if !o.LeftAt.IsZero() {
			return fault.New(fault.Conflict, "member.organisation_left", "name", o.Short)
		}
		known, err := approved(ctx, tx, c, org, v.Value)
		if err != nil {
			return err
		}
		if waiting = !known; waiting {
			return askDomain(ctx, tx, org, v.Value)
		}
		return ownDomain(ctx, tx, org, v.Value)
	})
	return waiting, err
}

// approved reports whether a domain needs nobody's approval (any more).
func approved(ctx context.Context, tx *store.Tx, c caller.Caller, org int64, domain string) (bool, error) {
	if permit.CheckFor(c, permit.DomainApprove, org) == nil {
		return true, nil
	}
	own, err := Domains(ctx, tx, org)
	if err != nil {
		return false, err
	}
	if slices.ContainsFunc(own[org], func(d string) bool { return domain == d || strings.HasSuffix(domain, "."+d) }) {
		return true, nil
	}
	var removed int
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM domain_request WHERE organisation_id = $1 AND domain = $2 AND state = $3 AND decided_at > $4`,
		org, domain, string(Removed), store.Micros(tx.Now.Add(-undoWithin))).Scan(&removed)
	return removed > 0, err
}

// ownDomain puts a domain on the list, where it acts.
func ownDomain(ctx context.Context, tx *store.Tx, org int64, domain string) error {
	if err := roomForDomain(ctx, tx, org, domain); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO organisation_domain (organisation_id, domain) VALUES ($1, $2)
		ON CONFLICT DO NOTHING`, org, domain); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE domain_request SET state = $1, decided_by = $2, decided_at = $3
		WHERE organisation_id = $4 AND domain = $5 AND state = 'waiting'`,
		string(Approved), tx.Caller.Account, store.Micros(tx.Now), org, domain); err != nil {
		return err
	}
	if err := rejudge(ctx, tx); err != nil {
		return err
	}
	return audit.Append(ctx, tx, "domain.add", object("organisation", org), "domain", domain)
}

// askDomain lets a domain wait for approval; asking again changes nothing.
func askDomain(ctx context.Context, tx *store.Tx, org int64, domain string) error {
	if err := roomForDomain(ctx, tx, org, domain); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO domain_request (organisation_id, domain, state, asked_by, asked_at, decided_by, decided_at, reason)
		VALUES ($1, $2, 'waiting', $3, $4, 0, 0, '') ON CONFLICT (organisation_id, domain) WHERE state = 'waiting' DO NOTHING`,
		org, domain, tx.Caller.Account, store.Micros(tx.Now)); err != nil {
		return err
	}
	return audit.Append(ctx, tx, "domain.ask", object("organisation", org), "domain", domain)
}

// roomForDomain bounds the domains of an organisation, with those that wait.
func roomForDomain(ctx context.Context, tx *store.Tx, org int64, domain string) error {
	var n int
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM (SELECT domain FROM organisation_domain WHERE organisation_id = $1
		UNION SELECT domain FROM domain_request WHERE organisation_id = $1 AND state = 'waiting') AS d WHERE domain <> $2`, org, domain).Scan(&n); err != nil {
		return err
	}
	if n >= maxDomains {
		return fault.New(fault.TooLarge, "member.domain_many", "most", maxDomains)
	}
	return nil
}

// RemoveDomain takes an own domain off the list.
func RemoveDomain(ctx context.Context, db *store.DB, c caller.Caller, org int64, domain string) error {
	if err := permit.CheckFor(c, permit.InstitutionManage, org); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM organisation_domain WHERE organisation_id = $1 AND domain = $2`, org, domain)
		if err != nil {
			return err
		}
		if n == 0 {
			return notFound()
		}
		now := store.Micros(tx.Now)
		if _, err := tx.Exec(ctx, `INSERT INTO domain_request (organisation_id, domain, state, asked_by, asked_at, decided_by, decided_at, reason)
			VALUES ($1, $2, $3, $4, $5, $4, $5, '')`, org, domain, string(Removed), c.Account, now); err != nil {
			return err
		}
		if err := rejudge(ctx, tx); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "domain.remove", object("organisation", org), "domain", domain)
	})
}

// Domains lists the approved own domains of an organisation, or of all with 0.
// Those of an organisation that left do not act any more.
func Domains(ctx context.Context, q store.Queryer, org int64) (map[int64][]string, error) {
	rows, err := q.Query(ctx, `SELECT d.organisation_id, d.domain FROM organisation_domain d JOIN organisation o ON o.id = d.organisation_id
		WHERE (d.organisation_id = $1 OR $1 = 0) AND o.left_at = 0 ORDER BY d.organisation_id, d.domain`, org)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[int64][]string{}
	for rows.Next() {
		var id int64
		var d string
		if err := rows.Scan(&id, &d); err != nil {
			return nil, err
		}
		all[id] = append(all[id], d)
	}
	return all, rows.Err()
}
