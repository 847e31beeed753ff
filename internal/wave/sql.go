// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"teiten/internal/caller"
	"teiten/internal/disclose"
	"teiten/internal/locale"
	"teiten/internal/permit"
	"teiten/internal/store"
)

const (
	// Memory is how long after its newest report a print is remembered: a mail
	// that comes later begins a new wave.
	Memory    = 90 * 24 * time.Hour
	newest    = 8  // prints of one feature that are looked at, so that a frequent one costs no more than a rare one
	compared  = 12 // candidates
	noFeature = -1 // no hash: they are positive
)

// candidates finds the prints that share the most features, in one statement
// of always the same text.
var candidates = func() string {
	each := make([]string, indexed)
	for i := range each {
		n := strconv.Itoa(i + 1)
		each[i] = "SELECT * FROM (SELECT print_id FROM wave_feature WHERE hash = $" + n + " ORDER BY print_id DESC LIMIT " + strconv.Itoa(newest) + ") AS f" + n
	}
	return "SELECT p.id, p.case_id, p.content FROM (SELECT print_id, COUNT(*) AS shared FROM (" + strings.Join(each, " UNION ALL ") +
		") AS hits GROUP BY print_id ORDER BY shared DESC, print_id DESC LIMIT " + strconv.Itoa(compared) +
		") AS best JOIN wave_print p ON p.id = best.print_id WHERE p.last_at >= $" + strconv.Itoa(indexed+1)
}()

// Match is the wave that a print belongs to.
type Match struct {
	Case  int64
	Alike float64
}

// Closest returns the case whose reports are most alike, its Case 0 if none is
// alike enough. It asks for no permission: what of it somebody may know, [Find]
// decides.
func Closest(ctx context.Context, q store.Queryer, p Print) (m Match, err error) {
	if p.Empty() {
		return m, nil
	}
	args := make([]any, indexed+1)
	for i := range args {
		args[i] = int64(noFeature)
	}
	for i, h := range p.lookup() {
		args[i] = h
	}
	args[indexed] = store.Micros(present(q).Add(-Memory))
	rows, err := q.Query(ctx, candidates, args...)
	if err != nil {
		return m, fmt.Errorf("wave: candidates: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id, of int64
		var content []byte
		if err := rows.Scan(&id, &of, &content); err != nil {
			return m, err
		}
		other, err := decode(content)
		if err != nil {
			return m, fmt.Errorf("wave: print %d: %w", id, err)
		}
		if likeness := Alike(&p, &other); likeness >= Threshold && (likeness > m.Alike || likeness == m.Alike && of > m.Case) {
			m = Match{of, likeness}
		}
	}
	return m, rows.Err()
}

func present(q store.Queryer) time.Time {
	if tx, ok := q.(*store.Tx); ok {
		return tx.Now
	}
	return time.Now()
}

// Find returns the wave that the mail belongs to, nil for none.
func Find(ctx context.Context, q store.Queryer, c caller.Caller, p Print) (*Seen, error) {
	m, err := Closest(ctx, q, p)
	if err != nil || m.Case == 0 {
		return nil, err
	}
	ceiling, org := store.Sees(c)
	var state string
	var first, ownFirst, linked int64
	var institutions int
	s := &Seen{Alike: m.Alike}
	err = q.QueryRow(ctx, `SELECT c.state, c.first_at, c.advisory_id,
			(SELECT COUNT(*) FROM case_organisation o WHERE o.case_id = c.id),
			COALESCE((SELECT o.reports FROM case_organisation o WHERE o.case_id = c.id AND o.organisation_id = $3), 0),
			COALESCE((SELECT o.first_at FROM case_organisation o WHERE o.case_id = c.id AND o.organisation_id = $3), 0),
			COALESCE((SELECT a.id FROM advisory a WHERE a.id = c.advisory_id AND a.state IN ('published', 'corrected') AND `+store.Visible("a", 2)+`), 0)
		FROM mail_case c WHERE c.id = $1`, m.Case, ceiling, org).
		Scan(&state, &first, &linked, &institutions, &s.Own, &ownFirst, &s.Advisory)
	if err != nil {
		return nil, fmt.Errorf("wave: case %d: %w", m.Case, err)
	}
	insider := permit.May(c, permit.MailCase) == permit.All
	if s.Dismissed = state == "dismissed"; s.Dismissed && !insider {
		return nil, nil
	}
	if insider || s.Advisory != 0 {
		s.Case = m.Case
	}
	s.Institutions = disclose.Exactly(institutions)
	if !insider {
		s.Institutions = disclose.Count(disclose.MailChecks, institutions)
	}
	if s.Institutions.Hidden() {
		first = ownFirst
	}
	s.First = day(store.Time(first))
	return s, nil
}

// day is the midnight in Tokyo at which the day of t began.
func day(t time.Time) time.Time {
	if t.IsZero() {
		return t
	}
	y, m, d := t.In(locale.Tokyo).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, locale.Tokyo)
}

// Put notes that a report of the case has the print, and returns the print's
// id; 0 for an empty print.
func Put(ctx context.Context, tx *store.Tx, of int64, p Print, at time.Time) (id int64, err error) {
	if p.Empty() {
		return 0, nil
	}
	return put(ctx, tx, of, p.encode(), at)
}

func put(ctx context.Context, tx *store.Tx, of int64, content []byte, at time.Time) (id int64, err error) {
	var was bool
	digest := tx.Key(version, "print", string(content))
	err = tx.QueryRow(ctx, `INSERT INTO wave_print (case_id, digest, content, last_at, indexed) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (case_id, digest) DO UPDATE SET last_at = CASE WHEN wave_print.last_at > excluded.last_at THEN wave_print.last_at ELSE excluded.last_at END
		RETURNING id, indexed`, of, digest, content, store.Micros(at), false).Scan(&id, &was)
	if err != nil {
		return 0, fmt.Errorf("wave: print: %w", err)
	}
	if was {
		return id, nil
	}
	p, err := decode(content)
	if err != nil {
		return 0, err
	}
	for _, hash := range p.lookup() {
		if _, err := tx.Exec(ctx, `INSERT INTO wave_feature (hash, print_id) VALUES ($1, $2) ON CONFLICT (hash, print_id) DO NOTHING`, hash, id); err != nil {
			return 0, fmt.Errorf("wave: features: %w", err)
		}
	}
	_, err = tx.Exec(ctx, `UPDATE wave_print SET indexed = $2 WHERE id = $1`, id, true)
	return id, err
}

// Copy gives another case the print too, for reports that move there, and
// returns its id in that case.
func Copy(ctx context.Context, tx *store.Tx, id, to int64) (int64, error) {
	if id == 0 {
		return 0, nil
	}
	var content []byte
	var at int64
	if err := tx.QueryRow(ctx, `SELECT content, last_at FROM wave_print WHERE id = $1`, id).Scan(&content, &at); err != nil {
		return 0, fmt.Errorf("wave: print %d: %w", id, err)
	}
	return put(ctx, tx, to, content, store.Time(at))
}

// Forget removes a print that no report has any more.
func Forget(ctx context.Context, tx *store.Tx, id int64) error {
	if _, err := tx.Exec(ctx, `DELETE FROM wave_feature WHERE print_id = $1`, id); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `DELETE FROM wave_print WHERE id = $1`, id)
	return err
}

const sweepBatch = 500

// Sweep takes prints out of the index whose wave is over. It returns how many.
func Sweep(ctx context.Context, db *store.DB) (n int, err error) {
	for {
		var old []int64
		err := db.Keep(ctx, func(tx *store.Tx) error {
			old, err = store.Numbers(ctx, tx, `SELECT id FROM wave_print WHERE indexed AND last_at < $1 ORDER BY last_at LIMIT `+strconv.Itoa(sweepBatch),
				store.Micros(tx.Now.Add(-Memory)))
			if err != nil {
				return err
			}
			for _, id := range old {
				if _, err := tx.Exec(ctx, `DELETE FROM wave_feature WHERE print_id = $1`, id); err != nil {
					return err
				}
				if _, err := tx.Exec(ctx, `UPDATE wave_print SET indexed = $2 WHERE id = $1`, id, false); err != nil {
					return err
				}
			}
			return nil
		})
		if n += len(old); err != nil || len(old) < sweepBatch {
			return n, err
		}
	}
}
