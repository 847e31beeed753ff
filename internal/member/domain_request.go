// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member

import (
	"context"
	"strings"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// RequestState is what became of a request for an own domain.
type RequestState string

const (
	Waiting  RequestState = "waiting"
	Approved RequestState = "approved"
	Refused  RequestState = "refused"
	Dropped  RequestState = "dropped" // by the institution itself
	Removed  RequestState = "removed" // it was on the list and was taken off
)

// Name returns the word for it.
func (s RequestState) Name(lang locale.Lang) string { return lang.T("member.request." + string(s)) }

// DomainRequest is a domain that an institution calls its own.
type DomainRequest struct {
	ID        int64
	Org       int64
	OrgName   string
	Domain    string
	State     RequestState
	AskedAt   time.Time
	DecidedAt time.Time
	Reason    string // why it was refused
	// Others are organisations that have the same domain, one above or one
	// below it: what an operator looks at first. Filled for operators only.
	Others []string
}

// maxRequests bounds a list of requests.
const maxRequests = 500

// Requests lists the requests of the caller's organisation, or of all for
// operators: those that wait, or with decided also what became of the others.
// The newest 500, the oldest of those that wait first.
func Requests(ctx context.Context, q store.Queryer, c caller.Caller, decided bool) ([]DomainRequest, error) {
	if err := permit.Check(c, permit.InstitutionManage); err != nil {
		return nil, err
	}
	reach, own := permit.Reach(c, permit.InstitutionManage)
	rows, err := q.Query(ctx, `SELECT r.id, r.organisation_id, o.short, r.domain, r.state, r.asked_at, r.decided_at, r.reason
		FROM domain_request r JOIN organisation o ON o.id = r.organisation_id
		WHERE ($1 = 1 OR r.organisation_id = $2) AND (r.state = 'waiting' OR $3 = 1 AND r.state <> 'removed')
		ORDER BY r.decided_at <> 0, CASE WHEN r.decided_at = 0 THEN r.id ELSE -r.id END LIMIT $4`, reach, own, flag(decided), maxRequests)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []DomainRequest
	for rows.Next() {
		var r DomainRequest
		var asked, at int64
		if err := rows.Scan(&r.ID, &r.Org, &r.OrgName, &r.Domain, &r.State, &asked, &at, &r.Reason); err != nil {
			return nil, err
		}
		r.AskedAt, r.DecidedAt = store.Time(asked), store.Time(at)
		all = append(all, r)
	}
	if err := rows.Err(); err != nil || permit.May(c, permit.DomainApprove) != permit.All || len(all) == 0 {
		return all, err
	}
	return all, others(ctx, q, all)
}

// others fills in who else has a domain.
func others(ctx context.Context, q store.Queryer, requests []DomainRequest) error {
	domains, err := Domains(ctx, q, 0)
	if err != nil {
		return err
	}
	orgs, err := Organisations(ctx, q)
	if err != nil {
		return err
	}
	for i := range requests {
		r := &requests[i]
		for _, o := range orgs {
			for _, d := range domains[o.ID] {
				if o.ID != r.Org && (d == r.Domain || strings.HasSuffix(d, "."+r.Domain) || strings.HasSuffix(r.Domain, "."+d)) {
					r.Others = append(r.Others, o.Short)
					break
				}
			}
		}
	}
	return nil
}

// ApproveDomain puts a domain that waits on the list. Operators only.
func ApproveDomain(ctx context.Context, db *store.DB, c caller.Caller, request int64) error {
	if err := permit.Check(c, permit.DomainApprove); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		org, domain, err := waitingRequest(ctx, tx, c, permit.DomainApprove, request)
		if err != nil {
			return err
		}
		return ownDomain(ctx, tx, org, domain)
	})
}

// RefuseDomain refuses a domain that waits, with a reason for the institution.
// Operators only.
func RefuseDomain(ctx context.Context, db *store.DB, c caller.Caller, request int64, reason string) error {
	if err := permit.Check(c, permit.DomainApprove); err != nil {
		return err
	}
	reason = strings.TrimSpace(reason)
	if err := checkName(reason, "reason"); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		return decide(ctx, tx, permit.DomainApprove, request, Refused, reason)
	})
}

// DropDomain takes a request back. The institution's contact and operators may.
func DropDomain(ctx context.Context, db *store.DB, c caller.Caller, request int64) error {
	if err := permit.Check(c, permit.InstitutionManage); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		return decide(ctx, tx, permit.InstitutionManage, request, Dropped, "")
	})
}

func decide(ctx context.Context, tx *store.Tx, p permit.Permission, request int64, state RequestState, reason string) error {
	org, domain, err := waitingRequest(ctx, tx, tx.Caller, p, request)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE domain_request SET state = $1, reason = $2, decided_by = $3, decided_at = $4 WHERE id = $5`,
		string(state), reason, tx.Caller.Account, store.Micros(tx.Now), request); err != nil {
		return err
	}
	return audit.Append(ctx, tx, "domain."+string(state), object("organisation", org), "domain", domain)
}

// waitingRequest loads a request by id and by what the caller may do with it.
// The register's lock keeps it from being decided twice.
func waitingRequest(ctx context.Context, tx *store.Tx, c caller.Caller, p permit.Permission, id int64) (org int64, domain string, err error) {
	if err := serialise(ctx, tx); err != nil {
		return 0, "", err
	}
	all, own := permit.Reach(c, p)
	var state RequestState
	err = tx.QueryRow(ctx, `SELECT organisation_id, domain, state FROM domain_request
		WHERE id = $1 AND state <> 'removed' AND ($2 = 1 OR organisation_id = $3)`, id, all, own).Scan(&org, &domain, &state)
	if err != nil {
		return 0, "", store.NotFound(err)
	}
	if state != Waiting {
		return 0, "", fault.New(fault.Conflict, "member.request_decided")
	}
	return org, domain, nil
}

func flag(b bool) int {
	if b {
		return 1
	}
	return 0
}
