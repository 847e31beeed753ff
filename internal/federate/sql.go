// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package federate

import (
	"context"
	"strconv"
	"time"

	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/store"
)

// mostOpen is how many visits one account has open on one device.
const mostOpen = 16

// request is the row of a visit.
type request struct {
	purpose purpose
	account int64 // of a link; 0 for a sign-in
	device  int64
	issuer  string
}

func addRequest(ctx context.Context, tx *store.Tx, hash []byte, r request, expires time.Time) error {
	// Those that nobody came back from go when others begin, and nobody has many.
	if _, err := tx.Exec(ctx, `DELETE FROM federate_request WHERE expires_at <= $1`, store.Micros(tx.Now)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM federate_request WHERE device_id = $1 AND account_id = $2 AND token_hash NOT IN
		(SELECT token_hash FROM federate_request WHERE device_id = $1 AND account_id = $2 ORDER BY expires_at DESC LIMIT $3)`,
		r.device, r.account, mostOpen-1); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO federate_request (token_hash, purpose, account_id, device_id, issuer, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, hash, string(r.purpose), r.account, r.device, r.issuer, store.Micros(expires))
	return err
}

func takeRequest(ctx context.Context, tx *store.Tx, hash []byte, device int64) (*request, error) {
	r := &request{device: device}
	var expires int64
	err := tx.QueryRow(ctx, `DELETE FROM federate_request WHERE token_hash = $1 AND device_id = $2
		RETURNING purpose, account_id, issuer, expires_at`, hash, device).Scan(&r.purpose, &r.account, &r.issuer, &expires)
	if err = store.NotFound(err); fault.Is(err, fault.NotFound) {
		return nil, errExpired()
	} else if err != nil {
		return nil, err
	}
	if store.Micros(tx.Now) >= expires {
		return nil, errExpired()
	}
	return r, nil
}

// useIdentity returns the account of an identity, if it may sign in, and notes
// that it was used.
func useIdentity(ctx context.Context, tx *store.Tx, issuer, subject string) (account int64, err error) {
	err = tx.QueryRow(ctx, `UPDATE federate_identity SET used_at = $1 WHERE issuer = $2 AND subject = $3 AND EXISTS
			(SELECT 1 FROM account a WHERE a.id = federate_identity.account_id
				AND `+member.Active(1)+`)
		RETURNING account_id`, store.Micros(tx.Now), issuer, subject).Scan(&account)
	return account, store.NotFound(err)
}

// addIdentity ties an identity to an account. Doing so again changes nothing.
func addIdentity(ctx context.Context, tx *store.Tx, account int64, issuer, subject string) (int64, error) {
	var n int
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM federate_identity WHERE account_id = $1 AND NOT (issuer = $2 AND subject = $3)`,
		account, issuer, subject).Scan(&n); err != nil {
		return 0, err
	}
	if n >= MostIdentities {
		return 0, fault.New(fault.Conflict, "federate.many", "most", MostIdentities)
	}
	if _, err := tx.Exec(ctx, `INSERT INTO federate_identity (account_id, issuer, subject, created_at, used_at)
		VALUES ($1, $2, $3, $4, 0) ON CONFLICT (issuer, subject) DO NOTHING`, account, issuer, subject, store.Micros(tx.Now)); err != nil {
		return 0, err
	}
	var id, owner int64
	if err := tx.QueryRow(ctx, `SELECT id, account_id FROM federate_identity WHERE issuer = $1 AND subject = $2`, issuer, subject).
		Scan(&id, &owner); err != nil {
		return 0, err
	}
	if owner != account {
		return 0, fault.New(fault.Conflict, "federate.taken")
	}
	return id, nil
}

func listIdentities(ctx context.Context, q store.Queryer, account int64) ([]Identity, error) {
	rows, err := q.Query(ctx, `SELECT id, issuer, created_at, used_at FROM federate_identity WHERE account_id = $1 ORDER BY id`, account)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Identity
	for rows.Next() {
		var i Identity
		var created, used int64
		if err := rows.Scan(&i.ID, &i.Issuer, &created, &used); err != nil {
			return nil, err
		}
		i.Created, i.Used = store.Time(created), store.Time(used)
		all = append(all, i)
	}
	return all, rows.Err()
}

func removeIdentity(ctx context.Context, tx *store.Tx, id, account int64) (issuer string, err error) {
	err = tx.QueryRow(ctx, `DELETE FROM federate_identity WHERE id = $1 AND account_id = $2 RETURNING issuer`, id, account).Scan(&issuer)
	return issuer, store.NotFound(err)
}

func removeIdentities(ctx context.Context, tx *store.Tx, account int64) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM federate_identity WHERE account_id = $1`, account)
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
