// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device

import (
	"context"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"math/big"
	"strconv"
	"time"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/pki"
	"teiten/internal/store"
)

// --- the authority

func insertAuthority(ctx context.Context, tx *store.Tx, name string, c *x509.Certificate, sealed []byte) (fresh bool, err error) {
	n, err := tx.Exec(ctx, `INSERT INTO authority (id, name, fingerprint, not_before, not_after, created_at, created_by, der, key_sealed)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (id) DO NOTHING`,
		own, name, pki.Fingerprint(c), store.Micros(c.NotBefore), store.Micros(c.NotAfter), store.Micros(tx.Now), tx.Caller.Account, c.Raw, sealed)
	return n == 1, err
}

func readAuthority(ctx context.Context, q store.Queryer) (der, sealed []byte, err error) {
	err = q.QueryRow(ctx, `SELECT der, key_sealed FROM authority WHERE id = $1`, own).Scan(&der, &sealed)
	return der, sealed, store.NotFound(err)
}

// lockAuthority makes processes that would sign for all of them wait for each other.
func lockAuthority(ctx context.Context, tx *store.Tx) error {
	_, err := tx.Exec(ctx, `UPDATE authority SET name = name WHERE id = $1`, own)
	return err
}

// --- certificates

const certificateColumns = `c.id, c.authority_id, c.serial, c.fingerprint, c.purpose, c.organisation_id, COALESCE(o.name, ''),
	c.account_id, COALESCE(a.name, ''), c.label, c.not_before, c.not_after, c.issued_at, c.issued_by,
	c.revoked_at, c.revoked_by, c.revoke_reason, c.last_seen_at`

const certificateTables = ` FROM certificate c
	LEFT JOIN organisation o ON o.id = c.organisation_id
	LEFT JOIN account a ON a.id = c.account_id `

// activeOwner is whether whoever a certificate belongs to is here at the time
// $n: the account is still of that organisation, and neither has left.
func activeOwner(n int) string {
	return `(c.organisation_id = 0 OR o.left_at = 0) AND (c.account_id = 0 OR ` + member.Active(n) + ` AND a.organisation_id = c.organisation_id)`
}

// inScope is the predicate of every read and revocation on somebody's behalf;
// $1 to $3 are the scope's values. 0 is nobody's number there: servers and
// shared PCs have it.
const inScope = `($1 OR c.organisation_id = $2 AND c.organisation_id <> 0 OR c.account_id = $3 AND c.account_id <> 0)`

func (s scope) args(more ...any) []any { return append([]any{s.all, s.org, s.account}, more...) }

type scanner interface{ Scan(...any) error }

func scanCertificate(row scanner, more ...any) (c Certificate, err error) {
	var authority, from, to, issued, revoked, seen int64
	err = row.Scan(append([]any{&c.ID, &authority, &c.Serial, &c.Fingerprint, &c.Purpose, &c.Org, &c.OrgName,
		&c.Account, &c.AccountName, &c.Label, &from, &to, &issued, &c.IssuedBy,
		&revoked, &c.RevokedBy, &c.RevokeReason, &seen}, more...)...)
	if err != nil {
		return Certificate{}, err
	}
	c.Foreign = authority == 0
	c.NotBefore, c.NotAfter, c.Issued = store.Time(from), store.Time(to), store.Time(issued)
	c.Revoked, c.LastSeen = store.Time(revoked), store.Time(seen)
	return c, nil
}

func scanCertificates(rows *sql.Rows, err error) ([]Certificate, error) {
	if err != nil {
		return nil, fmt.Errorf("device: list: %w", err)
	}
	defer rows.Close()
	var all []Certificate
	for rows.Next() {
		c, err := scanCertificate(rows)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

func insertCertificate(ctx context.Context, tx *store.Tx, c *Certificate, der []byte) (err error) {
	authority := own
	if c.Foreign {
		authority = 0
	}
	c.Issued = tx.Now
	err = tx.QueryRow(ctx, `INSERT INTO certificate (authority_id, serial, fingerprint, purpose, organisation_id, account_id, label,
			not_before, not_after, issued_at, issued_by, revoked_at, revoked_by, revoke_reason, last_seen_at, der)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, '', 0, $12) ON CONFLICT (fingerprint) DO NOTHING RETURNING id`,
		authority, c.Serial, c.Fingerprint, string(c.Purpose), c.Org, c.Account, c.Label,
		store.Micros(c.NotBefore), store.Micros(c.NotAfter), store.Micros(c.Issued), c.IssuedBy, der).Scan(&c.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return fault.New(fault.Conflict, "device.registered").At("certificate")
	}
	return err
}

func readAdmitted(ctx context.Context, q store.Queryer, fingerprint string, now time.Time) (c Certificate, active bool, err error) {
	c, err = scanCertificate(q.QueryRow(ctx, `SELECT `+certificateColumns+`, CASE WHEN `+activeOwner(2)+` THEN 1 ELSE 0 END`+
		certificateTables+`WHERE c.fingerprint = $1`, fingerprint, store.Micros(now)), &active)
	return c, active, store.NotFound(err)
}

func readOne(ctx context.Context, q store.Queryer, s scope, id int64) (Certificate, error) {
	c, err := scanCertificate(q.QueryRow(ctx, `SELECT `+certificateColumns+certificateTables+`WHERE c.id = $4 AND `+inScope, s.args(id)...))
	return c, store.NotFound(err)
}

func readList(ctx context.Context, q store.Queryer, s scope, f Filter, now time.Time) ([]Certificate, error) {
	return scanCertificates(q.Query(ctx, `SELECT `+certificateColumns+certificateTables+`WHERE `+inScope+`
		AND (c.organisation_id = $4 OR $4 = 0) AND (c.account_id = $5 OR $5 = 0) AND (c.purpose = $6 OR $6 = '')
		AND ($7 = '' OR $7 = CASE WHEN c.revoked_at <> 0 THEN 'revoked' WHEN c.not_after < $8 THEN 'expired' ELSE 'valid' END)
		AND (c.id < $9 OR $9 = 0) ORDER BY c.id DESC LIMIT $10`,
		s.args(f.Org, f.Account, string(f.Purpose), string(f.State), store.Micros(now), f.Before, f.Limit)...))
}

func readExpiring(ctx context.Context, q store.Queryer, s scope, from, to time.Time) ([]Certificate, error) {
	return scanCertificates(q.Query(ctx, `SELECT `+certificateColumns+certificateTables+`WHERE `+inScope+`
		AND c.not_after >= $4 AND c.not_after <= $5 AND c.revoked_at = 0 AND `+activeOwner(4)+`
		AND NOT EXISTS (SELECT 1 FROM certificate n WHERE n.purpose = c.purpose AND n.organisation_id = c.organisation_id
			AND n.account_id = c.account_id AND n.label = c.label AND n.revoked_at = 0 AND n.not_after > c.not_after)
		ORDER BY c.not_after, c.id LIMIT $6`, s.args(store.Micros(from), store.Micros(to), maxListed)...))
}

func updateSeen(ctx context.Context, tx *store.Tx, id int64, now time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE certificate SET last_seen_at = $2 WHERE id = $1 AND last_seen_at <= $3`,
		id, store.Micros(now), store.Micros(now.Add(-seenEvery)))
	return err
}

// --- the portal's own

func insertServer(ctx context.Context, tx *store.Tx, id int64, hosts string, sealed []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO server_key (certificate_id, hosts, key_sealed) VALUES ($1, $2, $3)`, id, hosts, sealed)
	return err
}

// readServer returns the newest for just these hosts.
func readServer(ctx context.Context, q store.Queryer, hosts string) (der, sealed []byte, err error) {
	err = q.QueryRow(ctx, `SELECT c.der, s.key_sealed FROM server_key s JOIN certificate c ON c.id = s.certificate_id
		WHERE s.hosts = $1 AND c.revoked_at = 0 AND c.authority_id = $2 ORDER BY c.not_after DESC, c.id DESC LIMIT 1`, hosts, own).
		Scan(&der, &sealed)
	return der, sealed, store.NotFound(err)
}

// --- owners

type owner struct {
	orgName string
	role    caller.Role // '' without an account
	active  bool
}

func readOwner(ctx context.Context, q store.Queryer, org, account int64, now time.Time) (o owner, err error) {
	err = q.QueryRow(ctx, `SELECT o.name, COALESCE(a.role, ''), CASE WHEN o.left_at = 0 AND (a.id IS NULL OR `+member.Active(3)+`) THEN 1 ELSE 0 END
		FROM organisation o LEFT JOIN account a ON a.id = $2 AND a.organisation_id = o.id
		WHERE o.id = $1 AND (a.id IS NOT NULL OR $2 = 0)`, org, account, store.Micros(now)).
		Scan(&o.orgName, &o.role, &o.active)
	return o, store.NotFound(err)
}

func lockOrganisation(ctx context.Context, tx *store.Tx, org int64) error {
	n, err := tx.Exec(ctx, `UPDATE organisation SET name = name WHERE id = $1`, org)
	if err == nil && n == 0 {
		return fault.New(fault.NotFound, "fault.not_found").At("organisation")
	}
	return err
}

func findAccount(ctx context.Context, tx *store.Tx, all bool, org, account int64) error {
	var id int64
	return store.NotFound(tx.QueryRow(ctx, `SELECT id FROM account WHERE id = $3 AND ($1 OR organisation_id = $2)`,
		all, org, account).Scan(&id))
}

// --- invitations

// In full: SQLite knows no other name of a table after RETURNING.
const invitationColumns = `enrolment.id, enrolment.purpose, enrolment.organisation_id, enrolment.account_id, enrolment.label,
	enrolment.created_by, enrolment.created_at, enrolment.expires_at, enrolment.used_at, enrolment.cancelled_at, enrolment.certificate_id`

func scanInvitation(row scanner, more ...any) (i Invitation, err error) {
	var created, expires, used, cancelled int64
	err = row.Scan(append([]any{&i.ID, &i.Purpose, &i.Org, &i.Account, &i.Label, &i.CreatedBy, &created, &expires,
		&used, &cancelled, &i.Certificate}, more...)...)
	if err != nil {
		return Invitation{}, store.NotFound(err)
	}
	i.Created, i.Expires, i.Used, i.Cancelled = store.Time(created), store.Time(expires), store.Time(used), store.Time(cancelled)
	i.For = i.Expires.Sub(i.Created)
	return i, nil
}

const isOpen = `used_at = 0 AND cancelled_at = 0`

func countOpen(ctx context.Context, tx *store.Tx, org int64, now time.Time) (n int, err error) {
	err = tx.QueryRow(ctx, `SELECT COUNT(*) FROM enrolment WHERE organisation_id = $1 AND `+isOpen+` AND expires_at > $2`,
		org, store.Micros(now)).Scan(&n)
	return n, err
}

func insertInvitation(ctx context.Context, tx *store.Tx, i *Invitation, hash string) (err error) {
	i.ID, err = tx.Insert(ctx, `INSERT INTO enrolment (code_hash, purpose, organisation_id, account_id, label, created_by, created_at,
			expires_at, used_at, cancelled_at, cancelled_by, certificate_id)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, 0) RETURNING id`,
		hash, string(i.Purpose), i.Org, i.Account, i.Label, i.CreatedBy, store.Micros(i.Created), store.Micros(i.Expires))
	return err
}

func readInvitations(ctx context.Context, q store.Queryer, org int64, most int) ([]Invitation, error) {
	rows, err := q.Query(ctx, `SELECT `+invitationColumns+`, o.name, COALESCE(a.name, '') FROM enrolment
		JOIN organisation o ON o.id = enrolment.organisation_id LEFT JOIN account a ON a.id = enrolment.account_id
		WHERE enrolment.organisation_id = $1 OR $1 = 0 ORDER BY enrolment.id DESC LIMIT $2`, org, most)
	if err != nil {
		return nil, fmt.Errorf("device: invitations: %w", err)
	}
	defer rows.Close()
	var all []Invitation
	for rows.Next() {
		var org, account string
		i, err := scanInvitation(rows, &org, &account)
		if err != nil {
			return nil, err
		}
		i.OrgName, i.AccountName = org, account
		all = append(all, i)
	}
	return all, rows.Err()
}

// findInvitation looks one up by its code's hash.
func findInvitation(ctx context.Context, q store.Queryer, hash string, now time.Time) (i Invitation, active bool, err error) {
	var name string
	i, err = scanInvitation(q.QueryRow(ctx, `SELECT `+invitationColumns+`, o.name, CASE WHEN o.left_at = 0 AND (enrolment.account_id = 0 OR
			`+member.Active(2)+` AND a.organisation_id = enrolment.organisation_id) THEN 1 ELSE 0 END
		FROM enrolment JOIN organisation o ON o.id = enrolment.organisation_id LEFT JOIN account a ON a.id = enrolment.account_id
		WHERE enrolment.code_hash = $1`, hash, store.Micros(now)), &name, &active)
	i.OrgName = name
	return i, active, err
}

// takeInvitation marks an open one as used; whoever comes second finds none.
func takeInvitation(ctx context.Context, tx *store.Tx, hash string) (Invitation, error) {
	return scanInvitation(tx.QueryRow(ctx, `UPDATE enrolment SET used_at = $2
		WHERE enrolment.code_hash = $1 AND `+isOpen+` AND enrolment.expires_at > $2 RETURNING `+invitationColumns, hash, store.Micros(tx.Now)))
}

// tieInvitation joins an invitation with its certificate.
func tieInvitation(ctx context.Context, tx *store.Tx, id, certificate int64) error {
	_, err := tx.Exec(ctx, `UPDATE enrolment SET certificate_id = $2 WHERE id = $1`, id, certificate)
	return err
}

// lockInvitation reads one, of all or of an organisation's, and keeps it from
// being used meanwhile.
func lockInvitation(ctx context.Context, tx *store.Tx, id int64, all bool, org int64) (Invitation, error) {
	return scanInvitation(tx.QueryRow(ctx, `UPDATE enrolment SET cancelled_by = cancelled_by
		WHERE enrolment.id = $1 AND ($2 OR enrolment.organisation_id = $3) RETURNING `+invitationColumns, id, all, org))
}

func cancelInvitation(ctx context.Context, tx *store.Tx, id int64) error {
	_, err := tx.Exec(ctx, `UPDATE enrolment SET cancelled_at = $2, cancelled_by = $3 WHERE id = $1`,
		id, store.Micros(tx.Now), tx.Caller.Account)
	return err
}

func cancelAccount(ctx context.Context, tx *store.Tx, account int64) (int64, error) {
	return tx.Exec(ctx, `UPDATE enrolment SET cancelled_at = $2, cancelled_by = $3 WHERE account_id = $1 AND `+isOpen,
		account, store.Micros(tx.Now), tx.Caller.Account)
}

// --- revocation

// listedAfter is how long past its end a certificate stays on the list: until
// one list was published after it (RFC 5280, 3.3).
const listedAfter = 2 * pki.CRLLife

func revokeOne(ctx context.Context, tx *store.Tx, s scope, id int64, r Reason) (bool, error) {
	n, err := tx.Exec(ctx, `UPDATE certificate AS c SET revoked_at = $5, revoked_by = $6, revoke_reason = $7
		WHERE c.id = $4 AND c.revoked_at = 0 AND `+inScope, s.args(id, store.Micros(tx.Now), tx.Caller.Account, string(r))...)
	return n == 1, err
}

func revokeAccount(ctx context.Context, tx *store.Tx, account int64, r Reason) (ids []int64, err error) {
	return store.Numbers(ctx, tx, `UPDATE certificate SET revoked_at = $2, revoked_by = $3, revoke_reason = $4
		WHERE account_id = $1 AND revoked_at = 0 RETURNING id`, account, store.Micros(tx.Now), tx.Caller.Account, string(r))
}

func readRevoked(ctx context.Context, tx *store.Tx, endsAfter time.Time) ([]pki.Revoked, error) {
	rows, err := tx.Query(ctx, `SELECT serial, revoked_at, revoke_reason FROM certificate
		WHERE authority_id = $1 AND revoked_at <> 0 AND not_after > $2 ORDER BY id`, own, store.Micros(endsAfter))
	if err != nil {
		return nil, fmt.Errorf("device: revoked: %w", err)
	}
	defer rows.Close()
	var all []pki.Revoked
	for rows.Next() {
		var serial string
		var at int64
		var r Reason
		if err := rows.Scan(&serial, &at, &r); err != nil {
			return nil, err
		}
		n, ok := new(big.Int).SetString(serial, 16)
		if !ok {
			return nil, fmt.Errorf("device: the serial number %q is damaged", serial)
		}
		all = append(all, pki.Revoked{Serial: n, At: store.Time(at), Reason: codes[r]})
	}
	return all, rows.Err()
}

// revocationList is the list that was signed last.
type revocationList struct {
	number, seq int64
	current     int64 // change sequence now
	thisUpdate  time.Time
	der         []byte
}

func (l *revocationList) fresh(now time.Time) bool {
	age := now.Sub(l.thisUpdate)
	return l.seq == l.current && age >= -time.Hour && age < pki.CRLLife/2
}

func insertList(ctx context.Context, tx *store.Tx, der []byte) error {
	_, err := tx.Exec(ctx, `INSERT INTO revocation_list (authority_id, number, seq, this_update, next_update, der)
		VALUES ($1, 1, 0, $2, $3, $4)`, own, store.Micros(tx.Now), store.Micros(tx.Now.Add(pki.CRLLife)), der)
	return err
}

func readRevocationList(ctx context.Context, q store.Queryer) (l revocationList, err error) {
	var at int64
	err = q.QueryRow(ctx, `SELECT l.number, l.seq, COALESCE(s.seq, 0), l.this_update, l.der
		FROM revocation_list l LEFT JOIN change_sequence s ON s.topic = $2 WHERE l.authority_id = $1`, own, revocation).
		Scan(&l.number, &l.seq, &l.current, &at, &l.der)
	l.thisUpdate = store.Time(at)
	return l, store.NotFound(err)
}

func updateList(ctx context.Context, tx *store.Tx, l revocationList, this, next time.Time) error {
	_, err := tx.Exec(ctx, `UPDATE revocation_list SET number = $2, seq = $3, this_update = $4, next_update = $5, der = $6
		WHERE authority_id = $1`, own, l.number, l.current, store.Micros(this), store.Micros(next), l.der)
	return err
}

// takeDay notes that reminders go out today, unless they did already; last is
// the day on which they did before, a day ago if they never did.
func takeDay(ctx context.Context, tx *store.Tx, today int64) (last int64, fresh bool, err error) {
	const name = "device.reminded"
	if _, err := tx.Exec(ctx, `INSERT INTO setting (name, value) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, name, strconv.FormatInt(today-1, 10)); err != nil {
		return 0, false, err
	}
	var text string
	if err := tx.QueryRow(ctx, `SELECT value FROM setting WHERE name = $1`, name).Scan(&text); err != nil {
		return 0, false, err
	}
	if last, err = strconv.ParseInt(text, 10, 64); err != nil || last >= today {
		return last, false, err
	}
	n, err := tx.Exec(ctx, `UPDATE setting SET value = $2 WHERE name = $1 AND value = $3`, name, strconv.FormatInt(today, 10), text)
	return last, n == 1, err
}

// concerned are the accounts that hear of a certificate's end.
func concerned(ctx context.Context, tx *store.Tx, e Ending) (all []int64, err error) {
	if e.Kind == EndingServer {
		return nil, nil // it renews itself
	}
	if e.Kind == EndingDevice && e.Certificate.Purpose == Person {
		return []int64{e.Certificate.Account}, nil
	}
	role, org := caller.Contact, e.Certificate.Org
	if e.Kind != EndingDevice {
		role, org = caller.Operator, 0
	}
	return store.Numbers(ctx, tx, `SELECT a.id FROM account a JOIN organisation o ON o.id = a.organisation_id
		WHERE a.role = $2 AND (o.id = $3 OR $3 = 0 AND o.kind = 'isac') AND `+member.Admitted(1)+` ORDER BY a.id`, member.Present(tx), string(role), org)
}
