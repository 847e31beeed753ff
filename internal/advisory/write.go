// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory

import (
	"context"
	"slices"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/intel"
	"teiten/internal/job"
	"teiten/internal/store"
	"teiten/internal/trend"
)

// Submission is a new advisory. Source, ExternalID and ExternalURL are set
// when it comes from outside; an outside id that is known already is a conflict.
type Submission struct {
	Content
	Source      string
	ExternalID  string
	ExternalURL string
	// State is Draft or InReview; a reviewer may publish at once.
	State State
	// RegisteredAt and PublishedAt are for what happened before, elsewhere:
	// imports and samples. Zero means now.
	RegisteredAt time.Time
	PublishedAt  time.Time
}

// Submit registers an advisory and returns its id.
func Submit(ctx context.Context, db *store.DB, c caller.Caller, g *guard.Guard, s Submission) (id int64, err error) {
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		id, err = SubmitIn(ctx, tx, g, s)
		return err
	})
	return id, err
}

// SubmitIn is Submit in a transaction of the caller's.
func SubmitIn(ctx context.Context, tx *store.Tx, g *guard.Guard, s Submission) (int64, error) {
	c := tx.Caller
	if !MayRegister(c) || s.State == Published && !MayReview(c) {
		return 0, fault.New(fault.Forbidden, "fault.forbidden")
	}
	if s.State != Draft && s.State != InReview && s.State != Published {
		return 0, fault.New(fault.Invalid, "advisory.state", "state", string(s.State))
	}
	if err := s.Check(s.State == Draft); err != nil {
		return 0, err
	}
	if err := checkTechniques(ctx, tx, s.Techniques); err != nil {
		return 0, err
	}
	for _, f := range []struct{ field, text string }{{"source", s.Source}, {"external_id", s.ExternalID}, {"external_url", s.ExternalURL}} {
		if err := checkText(f.field, f.text, maxExternal); err != nil {
			return 0, err
		}
	}
	a := Advisory{
		Content: s.Content, State: s.State, Org: c.Org, OrgKind: c.OrgKind, Account: c.Account, Source: s.Source,
		ExternalID: s.ExternalID, ExternalURL: s.ExternalURL,
		RegisteredAt: s.RegisteredAt, ChangedAt: tx.Now, Revision: 1,
	}
	if a.Source == "" || a.Anonymous { // a source that somebody wrote may name the institution
		a.Source = c.OrgName
	}
	if err := checkSharing(ctx, tx, c, nil, &a); err != nil {
		return 0, err
	}
	if a.State == Published {
		a.PublishedAt = s.PublishedAt
		if a.PublishedAt.IsZero() {
			a.PublishedAt = tx.Now
		}
	}
	if a.RegisteredAt.IsZero() { // published elsewhere before: registered no later
		a.RegisteredAt = tx.Now
		if !a.PublishedAt.IsZero() && a.PublishedAt.Before(tx.Now) {
			a.RegisteredAt = a.PublishedAt
		}
	}
	if a.ObservedAt.IsZero() {
		a.ObservedAt = a.RegisteredAt
	}
	if err := insert(ctx, tx, &a); err != nil {
		return 0, err
	}
	if err := setParts(ctx, tx, &a); err != nil {
		return 0, err
	}
	if err := keepRevision(ctx, tx, &a, ""); err != nil {
		return 0, err
	}
	if a.State == Published {
		if err := takeEffect(ctx, tx, g, &a, nil); err != nil {
			return 0, err
		}
	}
	return a.ID, audit.Append(ctx, tx, "advisory.submit", object(a.ID), "state", string(a.State), "category", string(a.Category),
		"tlp", a.TLP.String(), "group", a.Group, "anonymous", a.Anonymous)
}

// Edit changes an advisory that is not published yet and moves it to a state:
// Draft, InReview or Discarded. revision is the one the editor saw: if another
// change came between, nothing is stored and the fault says so.
func Edit(ctx context.Context, db *store.DB, c caller.Caller, id, revision int64, content Content, state State) error {
	if state != Draft && state != InReview && state != Discarded {
		return fault.New(fault.Invalid, "advisory.state", "state", string(state))
	}
	return change(ctx, db, c, id, "advisory.edit", func(tx *store.Tx, a *Advisory) error {
		if !MayEdit(c, a) {
			return fault.New(fault.Forbidden, "fault.forbidden")
		}
		if err := a.unchanged(revision); err != nil {
			return err
		}
		if err := content.Check(state != InReview); err != nil {
			return err
		}
		if content.ObservedAt.IsZero() {
			content.ObservedAt = a.ObservedAt
		}
		a.Content, a.State, a.Reason = content, state, ""
		return nil
	})
}

// Discard puts a draft away; Edit with State Draft brings it back.
func Discard(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	return change(ctx, db, c, id, "advisory.discard", func(tx *store.Tx, a *Advisory) error {
		return a.toState(c, Discarded, Draft, InReview)
	})
}

// Restore brings a discarded draft back.
func Restore(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	return change(ctx, db, c, id, "advisory.restore", func(tx *store.Tx, a *Advisory) error {
		return a.toState(c, Draft, Discarded)
	})
}

// Return sends an advisory in review back to its source with a reason. revision
// is the one that the reviewer saw, as for [Edit].
func Return(ctx context.Context, db *store.DB, c caller.Caller, id, revision int64, reason string) error {
	if !MayReview(c) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	reason, err := checkReason(reason)
	if err != nil {
		return err
	}
	return change(ctx, db, c, id, "advisory.return", func(tx *store.Tx, a *Advisory) error {
		if err := a.toState(c, Draft, InReview); err != nil {
			return err
		}
		a.Reason = reason
		return a.unchanged(revision)
	})
}

// toState moves an advisory that is not published from one of the states.
func (a *Advisory) toState(c caller.Caller, to State, from ...State) error {
	if !slices.Contains(from, a.State) {
		return fault.New(fault.Conflict, "advisory.state_now", "state", a.State)
	}
	if !MayEdit(c, a) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	a.State, a.Reason = to, ""
	return nil
}

// unchanged refuses a decision about another revision than the one that was
// seen: who publishes has read what becomes public.
func (a *Advisory) unchanged(revision int64) error {
	if a.Revision != revision {
		return fault.New(fault.Conflict, "advisory.changed_meanwhile")
	}
	return nil
}

// Publish makes an advisory known to all for whom its TLP is meant, and its
// indicators to their filters. revision is the one that the reviewer read, as
// for [Edit].
func Publish(ctx context.Context, db *store.DB, c caller.Caller, g *guard.Guard, id, revision int64) error {
	if !MayReview(c) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	return changeEffective(ctx, db, c, g, id, "advisory.publish", func(tx *store.Tx, a *Advisory) error {
		// A draft is its organisation's own affair until it is sent for review.
		if a.State != InReview && !(a.State == Draft && a.Org == c.Org) {
			return fault.New(fault.Conflict, "advisory.state_now", "state", a.State)
		}
		if err := a.unchanged(revision); err != nil {
			return err
		}
		if err := a.Check(false); err != nil {
			return err
		}
		a.State, a.PublishedAt, a.Reason = Published, tx.Now, ""
		return nil
	})
}

// Correct replaces the content of a published advisory and says why. A
// withdrawn one comes back this way.
func Correct(ctx context.Context, db *store.DB, c caller.Caller, g *guard.Guard, id, revision int64, content Content, reason string) error {
	if !MayReview(c) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	reason, err := checkReason(reason)
	if err != nil {
		return err
	}
	return changeEffective(ctx, db, c, g, id, "advisory.correct", func(tx *store.Tx, a *Advisory) error {
		if !a.State.Public() {
			return fault.New(fault.Conflict, "advisory.state_now", "state", a.State)
		}
		if err := a.unchanged(revision); err != nil {
			return err
		}
		if err := content.Check(false); err != nil {
			return err
		}
		if content.ObservedAt.IsZero() {
			content.ObservedAt = a.ObservedAt
		}
		a.Content, a.State, a.Reason = content, Corrected, reason
		return nil
	})
}

// Withdraw takes a published advisory back with a reason. Its text stays
// readable, its indicators leave the filters. revision is as for [Edit].
func Withdraw(ctx context.Context, db *store.DB, c caller.Caller, g *guard.Guard, id, revision int64, reason string) error {
	if !MayReview(c) {
		return fault.New(fault.Forbidden, "fault.forbidden")
	}
	reason, err := checkReason(reason)
	if err != nil {
		return err
	}
	return changeEffective(ctx, db, c, g, id, "advisory.withdraw", func(tx *store.Tx, a *Advisory) error {
		if a.State != Published && a.State != Corrected {
			return fault.New(fault.Conflict, "advisory.state_now", "state", a.State)
		}
		a.State, a.Reason = Withdrawn, reason
		return a.unchanged(revision)
	})
}

// change loads by id and caller, lets fn decide, and stores a new revision.
func change(ctx context.Context, db *store.DB, c caller.Caller, id int64, action string, fn func(*store.Tx, *Advisory) error) error {
	return db.Write(ctx, c, func(tx *store.Tx) error {
		_, err := changeIn(ctx, tx, id, action, fn)
		return err
	})
}

// changeEffective is change for what filters, counts and concerns must follow.
func changeEffective(ctx context.Context, db *store.DB, c caller.Caller, g *guard.Guard, id int64, action string, fn func(*store.Tx, *Advisory) error) error {
	return db.Write(ctx, c, func(tx *store.Tx) error {
		var before Advisory
		after, err := changeIn(ctx, tx, id, action, func(tx *store.Tx, a *Advisory) error {
			before = *a
			return fn(tx, a)
		})
		if err != nil {
			return err
		}
		return takeEffect(ctx, tx, g, after, &before)
	})
}

func changeIn(ctx context.Context, tx *store.Tx, id int64, action string, fn func(*store.Tx, *Advisory) error) (*Advisory, error) {
	a, err := load(ctx, tx, tx.Caller, id)
	if err != nil {
		return nil, err
	}
	before := *a
	if err := fn(tx, a); err != nil {
		return nil, err
	}
	if err := checkSharing(ctx, tx, tx.Caller, &before, a); err != nil {
		return nil, err
	}
	if err := checkTechniques(ctx, tx, a.Techniques); err != nil {
		return nil, err
	}
	a.Revision++
	a.ChangedAt = tx.Now
	if err := update(ctx, tx, a); err != nil {
		return nil, err
	}
	if err := setParts(ctx, tx, a); err != nil {
		return nil, err
	}
	if err := keepRevision(ctx, tx, a, a.Reason); err != nil {
		return nil, err
	}
	return a, audit.Append(ctx, tx, action, object(id), "from", string(before.State), "to", string(a.State), "revision", a.Revision,
		"tlp", a.TLP.String(), "group", a.Group, "anonymous", a.Anonymous)
}

func (a *Advisory) audience() intel.Audience {
	return intel.Audience{TLP: a.TLP, Org: a.Org, Group: a.Group}
}

// takeEffect makes claims, counts and concerns follow a change of what is
// public. before is nil for a new advisory. Claims come first everywhere, so
// that no two changes wait for each other.
func takeEffect(ctx context.Context, tx *store.Tx, g *guard.Guard, a, before *Advisory) error {
	days := []int64{trend.Day(a.PublishedAt)}
	if before != nil && !before.PublishedAt.IsZero() {
		days = append(days, trend.Day(before.PublishedAt))
		if err := intel.Release(ctx, tx, a.ID, before.audience(), before.Indicators); err != nil {
			return err
		}
	}
	if a.State != Withdrawn {
		seen, err := lastSeen(ctx, tx, a)
		if err != nil {
			return err
		}
		claims := make([]intel.Claim, len(a.Indicators))
		for i, v := range a.Indicators {
			claims[i] = intel.Claim{
				Value: v, TLP: a.TLP, Org: a.Org, Group: a.Group, Category: a.Category, Brand: a.Brand, Confidence: intel.DefaultConfidence,
				FirstSeen: a.ObservedAt, LastSeen: seen, ValidUntil: intel.ValidUntil(v.Kind, seen),
			}
			claims[i].Judge(g)
		}
		if err := intel.Assert(ctx, tx, claims); err != nil {
			return err
		}
	}
	if err := trend.MarkDirty(ctx, tx, trend.Advisory, days...); err != nil {
		return err
	}
	if err := dirtySightings(ctx, tx, a.ID); err != nil {
		return err
	}
	return job.Enqueue(ctx, tx, ConcernJob, ConcernArgs{a.ID}, job.Unique(object(a.ID)))
}
