// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/mailer"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// Publish makes an advisory of a case: a draft, one in review, or a published
// one. When it is published, the reporters are told in the same transaction.
// revision is the one of the case that the analyst saw. ml may be nil.
func Publish(ctx context.Context, db *store.DB, ml *mailer.Mailer, c caller.Caller, g *guard.Guard, id, revision int64, content advisory.Content, state advisory.State) (advisoryID int64, err error) {
	err = decide(ctx, db, c, id, func(tx *store.Tx, k *Case) error {
		if err := k.in(New, Triage); err != nil {
			return err
		}
		if err := k.seen(revision); err != nil {
			return err
		}
		if k.Advisory != 0 && k.AdvisoryIs != advisory.Discarded && k.AdvisoryIs != advisory.Withdrawn {
			return fault.New(fault.Conflict, "report.case_advisory")
		}
		if advisoryID, err = advisory.SubmitIn(ctx, tx, g, advisory.Submission{Content: content, State: state}); err != nil {
			return err
		}
		return link(ctx, tx, ml, k, advisoryID)
	})
	return advisoryID, err
}

// Link says that an existing advisory, which the caller may see, is that of a
// case; 0 takes the link away, as long as it is not published.
func Link(ctx context.Context, db *store.DB, ml *mailer.Mailer, c caller.Caller, id, advisoryID int64) error {
	return decide(ctx, db, c, id, func(tx *store.Tx, k *Case) error {
		if err := k.in(New, Triage); err != nil {
			return err
		}
		if advisoryID != 0 {
			a, err := advisory.Get(ctx, tx, c, advisoryID)
			if err != nil {
				return err
			}
			if a.State == advisory.Discarded || a.State == advisory.Withdrawn {
				return fault.New(fault.Conflict, "report.link_state", "state", a.State)
			}
		}
		return link(ctx, tx, ml, k, advisoryID)
	})
}

// link sets a case's advisory, and lets the case follow it.
func link(ctx context.Context, tx *store.Tx, ml *mailer.Mailer, k *Case, advisoryID int64) error {
	if k.State == New || k.TakenBy == 0 {
		if _, err := tx.Exec(ctx, takeCase, k.ID, tx.Caller.Account, store.Micros(tx.Now)); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, linkCase, k.ID, advisoryID, ""); err != nil {
		return err
	}
	if err := audit.Append(ctx, tx, "case.link", caseObject(k.ID), "advisory", audit.Delta{Before: k.Advisory, After: advisoryID}); err != nil {
		return err
	}
	if advisoryID != 0 {
		if err := follow(ctx, tx, ml, k.ID); err != nil {
			return err
		}
	}
	if k.Advisory == advisoryID {
		return nil
	}
	return sightings(ctx, tx, k.Advisory) // which these reports are no more
}

// PublishAdvisory is advisory.Publish, and makes the cases of the advisory
// follow in the same transaction. It is right for advisories without a case too.
func PublishAdvisory(ctx context.Context, db *store.DB, ml *mailer.Mailer, c caller.Caller, g *guard.Guard, advisoryID, revision int64) error {
	return db.Batch(ctx, func(ctx context.Context) error {
		// Reports come first everywhere, so that no two changes wait for each other.
		if err := db.Keep(ctx, func(tx *store.Tx) error { return serialise(ctx, tx) }); err != nil {
			return err
		}
		if err := advisory.Publish(ctx, db, c, g, advisoryID, revision); err != nil {
			return err
		}
		return db.Keep(ctx, func(tx *store.Tx) error {
			cases, err := store.Numbers(ctx, tx, casesOf, advisoryID)
			if err != nil {
				return err
			}
			for _, id := range cases {
				if err := follow(ctx, tx, ml, id); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

const followBatch = 100

// Follow makes cases follow their advisories: published, corrected, shared with
// others, withdrawn, discarded elsewhere. It returns how many changed. To be called every some
// seconds; it is cheap when there is nothing to do.
func Follow(ctx context.Context, db *store.DB, ml *mailer.Mailer) (n int, err error) {
	ids, err := store.Numbers(ctx, db, behind, followBatch)
	if err != nil {
		return 0, fmt.Errorf("report: follow: %w", err)
	}
	for _, id := range ids {
		err := db.Write(ctx, caller.System("report"), func(tx *store.Tx) error {
			if err := serialise(ctx, tx); err != nil {
				return err
			}
			return follow(ctx, tx, ml, id)
		})
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// follow makes one case follow its advisory, and records it.
func follow(ctx context.Context, tx *store.Tx, ml *mailer.Mailer, id int64) error {
	k, err := scanCase(tx.QueryRow(ctx, oneCase, id))
	if err != nil {
		return err
	}
	var state advisory.State
	var published, revision int64
	if err := tx.QueryRow(ctx, advisoryState, k.Advisory).Scan(&state, &published, &revision); err != nil {
		return store.NotFound(err)
	}
	was := k.State
	switch {
	case k.State == Merged:
		return nil
	case state == advisory.Published || state == advisory.Corrected:
		k.State, k.Decided = Published, store.Time(published)
		err = protected(ctx, tx, k.Advisory, published)
	case state == advisory.Withdrawn && k.State == Published:
		k.State, k.Decided, k.Reopened = Triage, time.Time{}, tx.Now
		err = tellReporters(ctx, tx, ml, id, ToldWithdrawn, k.Advisory)
	}
	if err != nil {
		return err
	}
	if k.State == Published && was != Published {
		if err := tellReporters(ctx, tx, ml, id, ToldPublished, k.Advisory); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, followCase, id, string(k.State), store.Micros(k.Decided), store.Micros(k.Reopened), string(state), revision); err != nil {
		return err
	}
	if err := sightings(ctx, tx, k.Advisory); err != nil {
		return err
	}
	return audit.Append(ctx, tx, "case.follow", caseObject(id), "advisory", k.Advisory, "advisory_state", string(state),
		"from", string(was), "to", string(k.State))
}

// CaseOf returns the case of an advisory, the newest if there are several, for
// those who see cases; 0 for none.
func CaseOf(ctx context.Context, q store.Queryer, c caller.Caller, advisoryID int64) (int64, error) {
	if permit.May(c, permit.MailCase) == permit.None {
		return 0, nil
	}
	all, err := store.Numbers(ctx, q, casesOf, advisoryID)
	if err != nil || len(all) == 0 {
		return 0, err
	}
	return all[len(all)-1], nil
}
