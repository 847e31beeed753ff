// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"slices"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/store"
	"teiten/internal/wave"
)

// mostMoved bounds how many cases or reports one step moves.
const mostMoved = 500

// Merge moves the reports of other cases into one. The most advanced state
// counts; an advisory of the others becomes that of the one, which [Follow]
// then makes published. Of two cases with different advisories neither can be
// merged into the other.
func Merge(ctx context.Context, db *store.DB, c caller.Caller, into int64, others ...int64) error {
	others = distinct(others)
	if len(others) == 0 || len(others) > mostMoved || slices.Contains(others, into) {
		return fault.New(fault.Invalid, "report.merge_which", "most", mostMoved).At("cases")
	}
	return decide(ctx, db, c, into, func(tx *store.Tx, k *Case) error {
		if k.State == Merged {
			return k.in(States...)
		}
		for _, id := range others {
			other, err := loadCase(ctx, tx, c, id)
			if err != nil {
				return err
			}
			if err := other.in(States...); err != nil {
				return err
			}
			if k.Advisory != 0 && other.Advisory != 0 && k.Advisory != other.Advisory {
				return fault.New(fault.Conflict, "report.merge_advisories")
			}
			if err := moveAll(ctx, tx, id, into); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, mergeCase, id, into); err != nil {
				return err
			}
			if err := recount(ctx, tx, id); err != nil {
				return err
			}
			k.absorb(other)
			if err := audit.Append(ctx, tx, "case.merge", caseObject(id), "into", into, "reports", other.Reports); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, intoCase, into, string(k.State), store.Micros(k.Opened), k.TakenBy, store.Micros(k.Taken),
			store.Micros(k.Decided), k.Advisory, string(k.AdvisoryIs)); err != nil {
			return err
		}
		return recount(ctx, tx, into)
	})
}

// absorb makes k what it is together with another case.
func (k *Case) absorb(other *Case) {
	order := []State{Dismissed, New, Triage, Published}
	if slices.Index(order, other.State) > slices.Index(order, k.State) {
		k.State, k.Decided = other.State, time.Time{}
	}
	if k.TakenBy == 0 {
		k.TakenBy = other.TakenBy
	}
	k.Opened, k.Taken = earlier(k.Opened, other.Opened), earlier(k.Taken, other.Taken)
	if k.Advisory == 0 && other.Advisory != 0 {
		// Follow will find it published, and tell the reporters of k too.
		k.Advisory, k.AdvisoryIs = other.Advisory, ""
		if k.State == Published {
			k.State = Triage
		}
	}
}

// earlier is the earlier of two times, of which zero is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// moved is what a move of reports needs to know of one.
type moved struct {
	id, print int64
	withdrawn bool
}

func reportsOf(ctx context.Context, tx *store.Tx, of int64) (all []moved, err error) {
	rows, err := tx.Query(ctx, caseReports, of)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m moved
		var at int64
		if err := rows.Scan(&m.id, &m.print, &at); err != nil {
			return nil, err
		}
		m.withdrawn = at != 0
		all = append(all, m)
	}
	return all, rows.Err()
}

func moveAll(ctx context.Context, tx *store.Tx, from, to int64) error {
	all, err := reportsOf(ctx, tx, from)
	if err != nil {
		return err
	}
	return move(ctx, tx, all, to)
}

// move moves reports to another case with their prints.
func move(ctx context.Context, tx *store.Tx, all []moved, to int64) error {
	prints := map[int64]int64{}
	for _, m := range all {
		if _, known := prints[m.print]; !known {
			copied, err := wave.Copy(ctx, tx, m.print, to)
			if err != nil {
				return err
			}
			prints[m.print] = copied
		}
		if _, err := tx.Exec(ctx, moveReport, m.id, to, prints[m.print]); err != nil {
			return err
		}
	}
	for old := range prints {
		if err := forgetPrint(ctx, tx, old); err != nil {
			return err
		}
	}
	return nil
}

// Split moves reports out of a case into a new one, which it returns; the caller
// has taken it. At least one report stays.
func Split(ctx context.Context, db *store.DB, c caller.Caller, id int64, reports ...int64) (split int64, err error) {
	reports = distinct(reports)
	err = decide(ctx, db, c, id, func(tx *store.Tx, k *Case) error {
		if err := k.in(States...); err != nil {
			return err
		}
		all, err := reportsOf(ctx, tx, id)
		if err != nil {
			return err
		}
		var leave []moved
		stay := 0
		for _, m := range all {
			if !slices.Contains(reports, m.id) {
				stay += number(!m.withdrawn)
			} else if !m.withdrawn {
				leave = append(leave, m)
			}
		}
		if len(reports) == 0 || len(reports) > mostMoved || len(leave) != len(reports) || stay == 0 {
			return fault.New(fault.Invalid, "report.split_which", "most", mostMoved).At("reports")
		}
		at := store.Micros(tx.Now)
		if split, err = tx.Insert(ctx, insertCase, string(New), "", 0, at, at, at); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, takeCase, split, c.Account, at); err != nil {
			return err
		}
		if err := move(ctx, tx, leave, split); err != nil {
			return err
		}
		for _, of := range []int64{id, split} {
			if err := recount(ctx, tx, of); err != nil {
				return err
			}
		}
		return audit.Append(ctx, tx, "case.split", caseObject(id), "into", split, "reports", len(leave))
	})
	return split, err
}

func distinct(ids []int64) []int64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}
