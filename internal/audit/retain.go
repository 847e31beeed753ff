// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/permit"
	"teiten/internal/store"
)

const (
	// segmentSize is how many leaves go together: a full tile of C2SP tlog-tiles.
	segmentSize = 256
	// retainBatch is how many segments one transaction drops.
	retainBatch = 40
	// MinimumAge is how old records are, in years, before they may be dropped.
	MinimumAge = 1
)

// Retention is what Retain did.
type Retention struct {
	Before  time.Time `json:"before"`
	Dropped int64     `json:"dropped"` // records
	Kept    int64     `json:"kept"`    // position from which records are kept now
}

// Retain drops the records of every whole segment, from the oldest on, in which
// all records are older than a day in Tokyo that is at least a year ago, and
// stops at the first that is not. Their hashes stay, and a note is signed that
// says how far was dropped, so that a gap without one is found. A segment in
// which something was changed is not dropped: it is evidence. Operators of the
// ISAC only; it is on the audit record.
func Retain(ctx context.Context, db *store.DB, keys *blob.Keyring, c caller.Caller, before time.Time) (*Retention, error) {
	if err := permit.Check(c, permit.InstallationManage); err != nil {
		return nil, err
	}
	y, m, d := before.In(locale.Tokyo).Date()
	done := &Retention{Before: time.Date(y, m, d, 0, 0, 0, 0, locale.Tokyo)}
	for {
		more := false
		err := db.Write(ctx, c, func(tx *store.Tx) error {
			if done.Before.After(tx.Now.AddDate(-MinimumAge, 0, 0)) {
				return fault.New(fault.Invalid, "audit.retain_young", "years", MinimumAge).At("before")
			}
			s, err := lockTree(ctx, tx)
			if err != nil {
				return err
			}
			upto, err := storeSegments(ctx, tx, s, done.Before)
			if err != nil {
				return err
			}
			if upto > s.kept {
				if err := drop(ctx, tx, keys, upto); err != nil {
					return err
				}
			}
			more = upto == s.kept+retainBatch*segmentSize
			done.Dropped += upto - s.kept
			done.Kept = upto
			return Append(ctx, tx, "audit.retain", "audit/records", "before", done.Before.Format(time.DateOnly),
				"from", s.kept, "upto", upto)
		})
		if err != nil || !more {
			return done, err
		}
	}
}

// storeSegments stores the hashes of the next whole segments that are old
// enough, and returns the position up to which they reach.
func storeSegments(ctx context.Context, tx *store.Tx, s state, before time.Time) (int64, error) {
	upto := s.kept
	for range retainBatch {
		if upto+segmentSize > s.size {
			break
		}
		hashes, first, last, err := segment(ctx, tx, upto)
		if err != nil {
			return 0, err
		}
		if last >= store.Micros(before) {
			break
		}
		if _, err := tx.Exec(ctx, `INSERT INTO audit_segment (number, hashes, first_at, last_at) VALUES ($1, $2, $3, $4)`,
			upto/segmentSize, hashes, first, last); err != nil {
			return 0, fmt.Errorf("audit: segment: %w", err)
		}
		upto += segmentSize
	}
	return upto, nil
}

// segment reads the leaves of the segment that begins at a position, and the
// times of its oldest and newest record. It refuses one that is not as sealed.
func segment(ctx context.Context, tx *store.Tx, from int64) (hashes []byte, first, last int64, err error) {
	rows, err := tx.Query(ctx, `SELECT l.position, l.hash, `+rowColumns+` FROM audit_leaf l JOIN audit a ON a.id = l.audit_id
		WHERE l.position >= $1 AND l.position < $2 ORDER BY l.position`, from, from+segmentSize)
	if err != nil {
		return nil, 0, 0, fmt.Errorf("audit: segment: %w", err)
	}
	defer rows.Close()
	var r row
	var buf, stored []byte
	var position int64
	into := append([]any{&position, &stored}, r.fields()...)
	for n := from; rows.Next(); n++ {
		if err := rows.Scan(into...); err != nil {
			return nil, 0, 0, fmt.Errorf("audit: segment: %w", err)
		}
		var is tlog.Hash
		if is, buf = r.hash(buf); position != n || string(is[:]) != string(stored) {
			return nil, 0, 0, fault.New(fault.Conflict, "audit.retain_damaged", "record", plain(r.id))
		}
		hashes = append(hashes, stored...)
		if n == from || r.at < first {
			first = r.at
		}
		last = max(last, r.at)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, 0, fmt.Errorf("audit: segment: %w", err)
	}
	if len(hashes) != segmentSize*tlog.HashSize {
		return nil, 0, 0, damagedTree(nil)
	}
	return hashes, first, last, nil
}

// drop signs how far records are dropped, and drops them.
func drop(ctx context.Context, tx *store.Tx, keys *blob.Keyring, upto int64) error {
	signer, _, err := loadSigner(ctx, tx, keys)
	if err != nil {
		return err
	}
	var t tree
	if err := eachSegment(ctx, tx, func(h tlog.Hash) { t.add(h) }); err != nil {
		return err
	}
	if t.size != upto {
		return damagedTree(nil)
	}
	c := Checkpoint{Origin: signer.Name() + retentionOrigin, Size: upto, Root: t.root()}
	signed, err := note.Sign(&note.Note{Text: c.text()}, signer)
	if err != nil {
		return fmt.Errorf("audit: sign: %w", err)
	}
	for _, change := range []struct {
		query string
		args  []any
	}{
		{`INSERT INTO audit_retention (upto, at, note) VALUES ($1, $2, $3)`, []any{upto, store.Micros(tx.Now), string(signed)}},
		// The database lets go of what lies before this, and of nothing else.
		{`UPDATE audit_tree SET kept = $1 WHERE id = 1`, []any{upto}},
		{`DELETE FROM audit WHERE id IN (SELECT audit_id FROM audit_leaf WHERE position < $1)`, []any{upto}},
		{`DELETE FROM audit_leaf WHERE position < $1`, []any{upto}},
	} {
		if _, err := tx.Exec(ctx, change.query, change.args...); err != nil {
			return fmt.Errorf("audit: retain: %w", err)
		}
	}
	return nil
}

// eachSegment gives the hashes of all dropped leaves, in order.
func eachSegment(ctx context.Context, q store.Queryer, fn func(tlog.Hash)) error {
	rows, err := q.Query(ctx, `SELECT hashes FROM audit_segment ORDER BY number`)
	if err != nil {
		return fmt.Errorf("audit: segments: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var hashes []byte
		if err := rows.Scan(&hashes); err != nil {
			return fmt.Errorf("audit: segments: %w", err)
		}
		for _, h := range splitHashes(hashes) {
			fn(h)
		}
	}
	return errors.Join(rows.Err(), rows.Close())
}
