// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"teiten/internal/blob"
	"teiten/internal/fault"
	"teiten/internal/store"
)

const (
	// sealBatch is how many records one transaction seals.
	sealBatch = 10_000
	// sealRush is how many new records of this process do not wait for the minute.
	sealRush = 1_000
)

// Run seals once a minute, or sooner when this process has appended 1,000
// records, until the context ends, and once more then.
func Run(ctx context.Context, db *store.DB, keys *blob.Keyring, log *slog.Logger) {
	seal := func(ctx context.Context) {
		if _, err := Seal(ctx, db, keys); err != nil && ctx.Err() == nil {
			log.Error("sealing of the audit trail", "error", err)
		}
	}
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last, count := time.Time{}, int64(0)
	for {
		if n := appended.Load(); time.Since(last) >= time.Minute || n-count >= sealRush {
			last, count = time.Now(), n
			seal(ctx)
		}
		select {
		case <-ctx.Done():
			ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			seal(ending)
			return
		case <-tick.C:
		}
	}
}

// Seal gives every record that is committed and not sealed yet its position in
// the tree and signs a checkpoint; if there is none, it does nothing. It returns
// the newest checkpoint, nil if there never was a record. Several processes may
// seal at once: they do so one after the other.
//
// Positions are given here, not when a record is appended, because on PostgreSQL
// ids are drawn in one order and committed in another. Ids that are missing when
// later ones are sealed are remembered (audit_gap) and looked for each time, so
// that a record of a transaction that was open for long comes late and is not
// skipped.
func Seal(ctx context.Context, db *store.DB, keys *blob.Keyring) (*Checkpoint, error) {
	if err := recordRepeats(ctx, db); err != nil {
		return nil, err
	}
	for {
		if some, err := pending(ctx, db); err != nil {
			return nil, err
		} else if !some {
			return Newest(ctx, db)
		}
		if err := db.Keep(ctx, func(tx *store.Tx) error { return sealSome(ctx, tx, keys) }); err != nil {
			return nil, err
		}
	}
}

// pending reports whether there is something to seal.
func pending(ctx context.Context, q store.Queryer) (some bool, err error) {
	err = q.QueryRow(ctx, `SELECT EXISTS (SELECT 1 FROM audit WHERE id > COALESCE((SELECT last_id FROM audit_tree WHERE id = 1), 0))
		OR EXISTS (SELECT 1 FROM audit_gap g JOIN audit a ON a.id BETWEEN g.first_id AND g.last_id)`).Scan(&some)
	if err != nil {
		return false, fmt.Errorf("audit: seal: %w", err)
	}
	return some, nil
}

// state is the one row of audit_tree.
type state struct {
	size, lastID, kept int64
	frontier           []byte
}

// lockTree reads the state of the tree and keeps others from changing it until
// the transaction ends.
func lockTree(ctx context.Context, tx *store.Tx) (s state, err error) {
	err = tx.QueryRow(ctx, `INSERT INTO audit_tree (id, size, last_id, kept, frontier) VALUES (1, 0, 0, 0, $1)
		ON CONFLICT (id) DO UPDATE SET id = 1 RETURNING size, last_id, kept, frontier`, []byte{}).
		Scan(&s.size, &s.lastID, &s.kept, &s.frontier)
	if err != nil {
		return s, fmt.Errorf("audit: tree: %w", err)
	}
	return s, nil
}

func sealSome(ctx context.Context, tx *store.Tx, keys *blob.Keyring) error {
	s, err := lockTree(ctx, tx)
	if err != nil {
		return err
	}
	signer, verifier, err := loadSigner(ctx, tx, keys)
	if fault.Is(err, fault.NotFound) {
		err = fault.Wrap(err, fault.Unavailable, "audit.signer")
		if s.size == 0 {
			signer, err = makeSigner(ctx, tx, keys)
		}
	}
	if err != nil {
		return err
	}
	t, err := growTree(s.size, s.frontier)
	if err != nil {
		return damagedTree(err)
	}
	if err := signedAlready(ctx, tx, t, verifier); err != nil {
		return err
	}
	late, err := unsealed(ctx, tx, `SELECT `+rowColumns+` FROM audit_gap g JOIN audit a ON a.id BETWEEN g.first_id AND g.last_id
		ORDER BY a.id LIMIT $1`, sealBatch)
	if err != nil {
		return err
	}
	fresh, err := unsealed(ctx, tx, `SELECT `+rowColumns+` FROM audit a WHERE a.id > $2 ORDER BY a.id LIMIT $1`, sealBatch, s.lastID)
	if err != nil || len(late)+len(fresh) == 0 { // another process was first
		return err
	}
	for _, l := range late {
		if err := fillGap(ctx, tx, l.id); err != nil {
			return err
		}
	}
	for _, l := range fresh {
		if l.id > s.lastID+1 {
			if err := addGap(ctx, tx, s.lastID+1, l.id-1); err != nil {
				return err
			}
		}
		s.lastID = l.id
	}
	if err := addLeaves(ctx, tx, t, append(late, fresh...)); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE audit_tree SET size = $1, last_id = $2, frontier = $3 WHERE id = 1`,
		t.size, s.lastID, t.frontier()); err != nil {
		return fmt.Errorf("audit: tree: %w", err)
	}
	return sign(ctx, tx, signer, t)
}

func damagedTree(err error) error { return fault.Wrap(err, fault.Conflict, "audit.tree_damaged") }

// signedAlready refuses to go on from a state that is not the one that was
// signed last: what is signed once cannot be taken back.
func signedAlready(ctx context.Context, tx *store.Tx, t *tree, v note.Verifier) error {
	newest, err := Newest(ctx, tx)
	if err != nil {
		return damagedTree(err)
	}
	if newest == nil && t.size == 0 {
		return nil
	}
	if newest == nil || v == nil || newest.Origin != v.Name() || newest.Size != t.size || newest.Root != t.root() {
		return damagedTree(nil)
	}
	return nil
}

// leaf is a record on its way into the tree.
type leaf struct {
	id   int64
	hash tlog.Hash
}

func unsealed(ctx context.Context, tx *store.Tx, query string, args ...any) ([]leaf, error) {
	rows, err := tx.Query(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("audit: seal: %w", err)
	}
	defer rows.Close()
	var all []leaf
	var r row
	var buf []byte
	fields := r.fields()
	for rows.Next() {
		if err := rows.Scan(fields...); err != nil {
			return nil, fmt.Errorf("audit: seal: %w", err)
		}
		l := leaf{id: r.id}
		l.hash, buf = r.hash(buf)
		all = append(all, l)
	}
	return all, rows.Err()
}

func addGap(ctx context.Context, tx *store.Tx, first, last int64) error {
	if first > last {
		return nil
	}
	if _, err := tx.Exec(ctx, `INSERT INTO audit_gap (first_id, last_id) VALUES ($1, $2)`, first, last); err != nil {
		return fmt.Errorf("audit: gap: %w", err)
	}
	return nil
}

// fillGap takes an id out of the gap that holds it.
func fillGap(ctx context.Context, tx *store.Tx, id int64) error {
	var first, last int64
	if err := tx.QueryRow(ctx, `DELETE FROM audit_gap WHERE first_id <= $1 AND last_id >= $1 RETURNING first_id, last_id`, id).
		Scan(&first, &last); err != nil {
		return fmt.Errorf("audit: gap: %w", err)
	}
	if err := addGap(ctx, tx, first, id-1); err != nil {
		return err
	}
	return addGap(ctx, tx, id+1, last)
}

// addLeaves lets the tree grow and stores each leaf.
func addLeaves(ctx context.Context, tx *store.Tx, t *tree, all []leaf) error {
	at := t.size
	for _, l := range all {
		t.add(l.hash)
	}
	if tx.Engine() == store.Postgres {
		_, err := tx.Copy(ctx, "audit_leaf", []string{"position", "audit_id", "hash"}, pgx.CopyFromSlice(len(all), func(i int) ([]any, error) {
			return []any{at + int64(i), all[i].id, all[i].hash[:]}, nil
		}))
		if err != nil {
			return fmt.Errorf("audit: leaves: %w", err)
		}
		return nil
	}
	for i, l := range all {
		if _, err := tx.Exec(ctx, `INSERT INTO audit_leaf (position, audit_id, hash) VALUES ($1, $2, $3)`, at+int64(i), l.id, l.hash[:]); err != nil {
			return fmt.Errorf("audit: leaves: %w", err)
		}
	}
	return nil
}

// day is a day in Tokyo, since 1970.
func day(micros int64) int64 {
	return (micros + (9 * time.Hour).Microseconds()) / (24 * time.Hour).Microseconds()
}

// sign signs the tree as it is and forgets checkpoints older than a day but for
// the last one of each day.
func sign(ctx context.Context, tx *store.Tx, signer note.Signer, t *tree) error {
	c := Checkpoint{Origin: signer.Name(), Size: t.size, Root: t.root()}
	signed, err := note.Sign(&note.Note{Text: c.text()}, signer)
	if err != nil {
		return fmt.Errorf("audit: sign: %w", err)
	}
	now := store.Micros(tx.Now)
	if _, err := tx.Exec(ctx, `INSERT INTO audit_checkpoint (size, at, day, note) VALUES ($1, $2, $3, $4)`, t.size, now, day(now), string(signed)); err != nil {
		return fmt.Errorf("audit: checkpoint: %w", err)
	}
	if _, err := tx.Exec(ctx, `DELETE FROM audit_checkpoint WHERE at < $1 AND EXISTS (SELECT 1 FROM audit_checkpoint AS later
		WHERE later.day = audit_checkpoint.day AND later.size > audit_checkpoint.size)`, now-(24*time.Hour).Microseconds()); err != nil {
		return fmt.Errorf("audit: checkpoint: %w", err)
	}
	return nil
}
