// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package passkey

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/store"
)

func list(ctx context.Context, q store.Queryer, account int64) ([]Passkey, error) {
	rows, err := q.Query(ctx, `SELECT id, label, created_at, used_at, backed_up FROM passkey WHERE account_id = $1 ORDER BY id`, account)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []Passkey
	for rows.Next() {
		var p Passkey
		var created, used int64
		if err := rows.Scan(&p.ID, &p.Label, &created, &used, &p.Synced); err != nil {
			return nil, err
		}
		p.Created, p.Used = store.Time(created), store.Time(used)
		all = append(all, p)
	}
	return all, rows.Err()
}

func count(ctx context.Context, q store.Queryer, account int64) (n int, err error) {
	err = q.QueryRow(ctx, `SELECT COUNT(*) FROM passkey WHERE account_id = $1`, account).Scan(&n)
	return n, err
}

func rename(ctx context.Context, tx *store.Tx, id, account int64, label string) error {
	return one(tx.Exec(ctx, `UPDATE passkey SET label = $1 WHERE id = $2 AND account_id = $3`, label, id, account))
}

func remove(ctx context.Context, tx *store.Tx, id, account int64) error {
	return one(tx.Exec(ctx, `DELETE FROM passkey WHERE id = $1 AND account_id = $2`, id, account))
}

func removeAll(ctx context.Context, tx *store.Tx, account int64) (int64, error) {
	return tx.Exec(ctx, `DELETE FROM passkey WHERE account_id = $1`, account)
}

// one is NotFound unless a statement changed a row.
func one(n int64, err error) error {
	if err == nil && n == 0 {
		return fault.New(fault.NotFound, "fault.not_found")
	}
	return err
}

// lockUser makes those who count an account's passkeys wait for each other.
func lockUser(ctx context.Context, tx *store.Tx, account int64) error {
	return one(tx.Exec(ctx, `UPDATE passkey_user SET created_at = created_at WHERE account_id = $1`, account))
}

// advance writes down that a passkey was used, unless its counter did not
// advance or it is gone: then it is false. The statement compares, not the
// library, whose look is older: of two answers with the same count one passes.
func advance(ctx context.Context, tx *store.Tx, used *stored) (bool, error) {
	count := int64(used.Authenticator.SignCount)
	n, err := tx.Exec(ctx, `UPDATE passkey SET sign_count = $1, backed_up = $2, used_at = $3
		WHERE id = $4 AND (sign_count < $1 OR sign_count = 0 AND $1 = 0)`,
		count, used.Flags.BackupState, store.Micros(tx.Now), used.id)
	return n > 0, err
}

func add(ctx context.Context, tx *store.Tx, account int64, label string, c *webauthn.Credential) (int64, error) {
	var taken int
	if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM passkey WHERE credential_id = $1`, c.ID).Scan(&taken); err != nil {
		return 0, err
	}
	if taken > 0 { // whosever it is: WebAuthn section 7.1, step 27
		return 0, fault.New(fault.Conflict, "passkey.known")
	}
	var transports []string
	for _, t := range c.Transport {
		if known := string(t); len(known) <= 20 && !strings.ContainsAny(known, " \t\r\n\x00") && len(transports) < 10 {
			transports = append(transports, known)
		}
	}
	return tx.Insert(ctx, `INSERT INTO passkey (account_id, credential_id, public_key, format, aaguid, transports,
			sign_count, backup_eligible, backed_up, label, created_at, used_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0) RETURNING id`,
		account, c.ID, c.PublicKey, c.AttestationFormat, c.Authenticator.AAGUID, strings.Join(transports, " "),
		int64(c.Authenticator.SignCount), c.Flags.BackupEligible, c.Flags.BackupState, label, store.Micros(tx.Now))
}

// loadOrAddUser returns the caller with a handle, made now if it has none.
func loadOrAddUser(ctx context.Context, tx *store.Tx, c caller.Caller) (*user, error) {
	var handle [32]byte
	rand.Read(handle[:])
	if _, err := tx.Exec(ctx, `INSERT INTO passkey_user (account_id, handle, created_at)
		VALUES ($1, $2, $3) ON CONFLICT (account_id) DO NOTHING`, c.Account, handle[:], store.Micros(tx.Now)); err != nil {
		return nil, err
	}
	u := &user{account: c.Account, name: c.Name}
	if c.OrgName != "" {
		u.name += " (" + c.OrgName + ")"
	}
	if err := tx.QueryRow(ctx, `SELECT handle FROM passkey_user WHERE account_id = $1`, c.Account).Scan(&u.handle); err != nil {
		return nil, err
	}
	var err error
	u.keys, err = keys(ctx, tx, c.Account)
	return u, err
}

// loadUser returns an account that may sign in and has passkeys; otherwise the
// fault is passkey.none.
func loadUser(ctx context.Context, q store.Queryer, account int64) (*user, error) {
	return withKeys(ctx, q, `SELECT a.id, u.handle, a.name FROM passkey_user u JOIN account a ON a.id = u.account_id
		WHERE `+member.Active(1)+` AND a.id = $2`, account)
}

// findUser returns the account of a passkey and a handle, both of which must fit.
func findUser(ctx context.Context, q store.Queryer, credential, handle []byte) (*user, error) {
	return withKeys(ctx, q, `SELECT a.id, u.handle, a.name FROM passkey_user u JOIN account a ON a.id = u.account_id
		JOIN passkey p ON p.account_id = u.account_id
		WHERE `+member.Active(1)+` AND p.credential_id = $2 AND u.handle = $3`, credential, handle)
}

func withKeys(ctx context.Context, q store.Queryer, query string, args ...any) (*user, error) {
	u := &user{}
	args = append([]any{store.Micros(now(q))}, args...)
	err := store.NotFound(q.QueryRow(ctx, query, args...).Scan(&u.account, &u.handle, &u.name))
	if err == nil {
		u.keys, err = keys(ctx, q, u.account)
	}
	if fault.Is(err, fault.NotFound) || err == nil && len(u.keys) == 0 {
		return nil, fault.Wrap(err, fault.NotFound, "passkey.none")
	}
	return u, err
}

func now(q store.Queryer) time.Time {
	if tx, ok := q.(*store.Tx); ok {
		return tx.Now
	}
	return time.Now()
}

func keys(ctx context.Context, q store.Queryer, account int64) ([]stored, error) {
	rows, err := q.Query(ctx, `SELECT id, credential_id, public_key, format, aaguid, transports, sign_count, backup_eligible, backed_up
		FROM passkey WHERE account_id = $1 ORDER BY id`, account)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []stored
	for rows.Next() {
		var k stored
		var transports string
		var count int64
		if err := rows.Scan(&k.id, &k.ID, &k.PublicKey, &k.AttestationFormat, &k.Authenticator.AAGUID, &transports,
			&count, &k.Flags.BackupEligible, &k.Flags.BackupState); err != nil {
			return nil, err
		}
		k.Authenticator.SignCount = uint32(count)
		for _, t := range strings.Fields(transports) {
			k.Transport = append(k.Transport, protocol.AuthenticatorTransport(t))
		}
		all = append(all, k)
	}
	return all, rows.Err()
}

func addCeremony(ctx context.Context, tx *store.Tx, hash []byte, c ceremony, session string, expires time.Time) error {
	// Those that nobody finished go when others begin, and nobody has many open.
	if _, err := tx.Exec(ctx, `DELETE FROM passkey_ceremony WHERE expires_at <= $1`, store.Micros(tx.Now)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `DELETE FROM passkey_ceremony WHERE device_id = $1 AND account_id = $2 AND purpose = $3 AND token_hash NOT IN
		(SELECT token_hash FROM passkey_ceremony WHERE device_id = $1 AND account_id = $2 AND purpose = $3 ORDER BY expires_at DESC LIMIT $4)`,
		c.device, c.account, string(c.purpose), mostOpen-1); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO passkey_ceremony (token_hash, purpose, account_id, device_id, session, expires_at)
		VALUES ($1, $2, $3, $4, $5, $6)`, hash, string(c.purpose), c.account, c.device, session, store.Micros(expires))
	return err
}

func takeCeremony(ctx context.Context, tx *store.Tx, hash []byte, p purpose, device, account int64) (*ceremony, error) {
	c := &ceremony{purpose: p, device: device}
	var text string
	var expires int64
	err := tx.QueryRow(ctx, `DELETE FROM passkey_ceremony WHERE token_hash = $1 AND purpose = $2 AND device_id = $3 AND (account_id = $4 OR $4 = -1)
		RETURNING account_id, session, expires_at`, hash, string(p), device, account).Scan(&c.account, &text, &expires)
	if err = store.NotFound(err); fault.Is(err, fault.NotFound) {
		return nil, errExpired()
	} else if err != nil {
		return nil, err
	}
	if store.Micros(tx.Now) >= expires {
		return nil, errExpired()
	}
	return c, json.Unmarshal([]byte(text), &c.session)
}
