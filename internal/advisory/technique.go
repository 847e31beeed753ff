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

// TechniqueMemo remembers the vocabulary.
type TechniqueMemo struct {
	memo *store.Memo[struct{}, *technique.Vocabulary]
}

// NewTechniqueMemo returns an empty one.
func NewTechniqueMemo(db *store.DB) TechniqueMemo {
	return TechniqueMemo{store.NewMemo[struct{}, *technique.Vocabulary](db, techniqueTopic)}
}

// Read is [Techniques], remembered.
func (m TechniqueMemo) Read(ctx context.Context, q store.Queryer) (*technique.Vocabulary, error) {
	return m.memo.Get(struct{}{}, func() (*technique.Vocabulary, error) { return Techniques(ctx, q) })
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
		if err := deleteTechnique(ctx, tx, id); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "technique.remove", "technique/"+id)
	})
}
