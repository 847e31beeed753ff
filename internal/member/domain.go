// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"context"

	"golang.org/x/net/publicsuffix"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/store"
)

// AddDomain adds an own domain: the guard keeps it out of every filter, and
// mail checks will look for its look-alikes.
func AddDomain(ctx context.Context, db *store.DB, c caller.Caller, org int64, written string) error {
	if err := mayManage(c, org); err != nil {
		return err
	}
	v, err := indicator.Normalise(indicator.Domain, written)
	if err != nil {
		f := fault.From(err)
		return f.At("domain")
	}
	// Owning "jp" or "or.jp" would let one institution blind everybody's filters.
	if suffix, _ := publicsuffix.PublicSuffix(v.Value); suffix == v.Value {
		return fault.New(fault.Invalid, "member.domain_suffix", "domain", v.Value).At("domain")
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		var n int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM organisation_domain WHERE organisation_id = $1`, org).Scan(&n); err != nil {
			return err
		}
		if n >= maxDomains {
			return fault.New(fault.TooLarge, "member.domain_many", "most", maxDomains)
		}
		if _, err := tx.Exec(ctx, `INSERT INTO organisation_domain (organisation_id, domain) VALUES ($1, $2)
			ON CONFLICT DO NOTHING`, org, v.Value); err != nil {
			return err
		}
		if err := rejudge(ctx, tx); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "domain.add", object("organisation", org), "domain", v.Value)
	})
}

// RemoveDomain takes an own domain off the list.
func RemoveDomain(ctx context.Context, db *store.DB, c caller.Caller, org int64, domain string) error {
	if err := mayManage(c, org); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		n, err := tx.Exec(ctx, `DELETE FROM organisation_domain WHERE organisation_id = $1 AND domain = $2`, org, domain)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "fault.not_found")
		}
		if err := rejudge(ctx, tx); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "domain.remove", object("organisation", org), "domain", domain)
	})
}

// Domains lists the own domains of an organisation, or of all with 0.
func Domains(ctx context.Context, q store.Queryer, org int64) (map[int64][]string, error) {
	rows, err := q.Query(ctx, `SELECT organisation_id, domain FROM organisation_domain
		WHERE organisation_id = $1 OR $1 = 0 ORDER BY organisation_id, domain`, org)
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
