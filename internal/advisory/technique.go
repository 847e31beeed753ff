// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"context"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
	"teiten/internal/technique"
)

// Techniques returns the vocabulary that advisories can choose from: what comes
// with the program and what the ISAC added.
func Techniques(ctx context.Context, q store.Queryer) (*technique.Vocabulary, error) {
	own, err := ownTechniques(ctx, q)
	if err != nil {
		return nil, err
	}
	return technique.With(own)
}

// AddTechnique adds one of the ISAC's own. Reviewers only.
func AddTechnique(ctx context.Context, db *store.DB, c caller.Caller, t technique.Technique) error {
	if !MayReview(c) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	if err := technique.CheckOwn(t); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		n, err := insertTechnique(ctx, tx, t)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.Conflict, "technique.known").At("id")
		}
		return audit.Append(ctx, tx, "technique.add", "technique/"+t.ID, "ja", t.Ja, "en", t.En, "tactic", t.Tactic)
	})
}

// RemoveTechnique removes one of the ISAC's own that no advisory uses.
func RemoveTechnique(ctx context.Context, db *store.DB, c caller.Caller, id string) error {
	if !MayReview(c) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		var used int
		if err := tx.QueryRow(ctx, `SELECT COUNT(*) FROM advisory_technique WHERE technique_id = $1`, id).Scan(&used); err != nil {
			return err
		}
		if used > 0 {
			return fault.New(fault.Conflict, "technique.used")
		}
		n, err := tx.Exec(ctx, `DELETE FROM own_technique WHERE id = $1`, id)
		if err != nil {
			return err
		}
		if n == 0 {
			return fault.New(fault.NotFound, "fault.not_found")
		}
		return audit.Append(ctx, tx, "technique.remove", "technique/"+id)
	})
}

func insertTechnique(ctx context.Context, tx *store.Tx, t technique.Technique) (int64, error) {
	return tx.Exec(ctx, `INSERT INTO own_technique (id, attack, tactic, ja, en, about_ja, about_en)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING`, t.ID, t.Attack, t.Tactic, t.Ja, t.En, t.AboutJa, t.AboutEn)
}

func ownTechniques(ctx context.Context, q store.Queryer) ([]technique.Technique, error) {
	rows, err := q.Query(ctx, `SELECT id, attack, tactic, ja, en, about_ja, about_en FROM own_technique ORDER BY id`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var own []technique.Technique
	for rows.Next() {
		var t technique.Technique
		if err := rows.Scan(&t.ID, &t.Attack, &t.Tactic, &t.Ja, &t.En, &t.AboutJa, &t.AboutEn); err != nil {
			return nil, err
		}
		own = append(own, t)
	}
	return own, rows.Err()
}
