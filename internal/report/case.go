// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/mailcheck"
	"teiten/internal/permit"
	"teiten/internal/store"
)

// State is where a case is on its way.
//
//	new → triage → published → (advisory withdrawn) triage
//	             ↘ dismissed → (reopened) triage
//
// A malicious mail that joins a dismissed case reopens it.
type State string

const (
	New       State = "new"
	Triage    State = "triage" // somebody has taken it
	Published State = "published"
	Dismissed State = "dismissed"
	Merged    State = "merged" // into another; in no list
)

// States are those that cases can be listed by.
var States = []State{New, Triage, Published, Dismissed}

// Name returns the word for the state.
func (s State) Name(lang locale.Lang) string { return lang.T("report.state." + string(s)) }

// Case is the reports of one wave: forty reports are one case. Only analysts
// and operators of the ISAC see cases.
type Case struct {
	ID           int64
	State        State
	Title        string            // the redacted subject of its first report, "" for none
	Verdict      mailcheck.Verdict // the strongest of its reports
	Reports      int
	Institutions int
	ByOrg        []OrgCount // the most reports first; nil in lists
	First, Last  time.Time  // of its reports
	Fresh        int        // reports since it was published or dismissed
	Opened       time.Time
	TakenBy      int64 // account, 0 nobody
	Taker        string
	Taken        time.Time // the first time somebody took it
	Decided      time.Time // published or dismissed
	Reopened     time.Time // the last time; zero never
	Reason       string    // why it was dismissed or reopened
	Advisory     int64     // its advisory, which may be a draft; 0 none
	AdvisoryIs   advisory.State
	MergedInto   int64
	// Revision counts decisions, moves of reports, and rises of the verdict, not
	// each report more.
	Revision int64
}

// OrgCount is what one organisation reported.
type OrgCount struct {
	Org         int64
	Name        string
	Reports     int
	First, Last time.Time
}

// CaseFilter narrows the list of cases.
type CaseFilter struct {
	States []State // nil: new and triage, what waits for a decision
	Mine   bool    // taken by the caller
	Before int64   // id: the page after the row that had it
	Limit  int     // 1 to 500; 0 means 50
}

// CasePage is a part of the list: those with the newest report first; of what
// waits for a decision the gravest verdict before that.
type CasePage struct {
	Items []*Case
	Next  int64 // 0 when this is the last
}

// Cases returns a page of the cases that have reports.
func Cases(ctx context.Context, q store.Queryer, c caller.Caller, f CaseFilter) (CasePage, error) {
	if err := permit.Check(c, permit.MailCase); err != nil {
		return CasePage{}, err
	}
	if f.Limit == 0 {
		f.Limit = 50
	}
	if f.Limit < 1 || f.Limit > 500 {
		return CasePage{}, fault.New(fault.Invalid, "fault.limit", "most", 500)
	}
	after, order := afterCase, " ORDER BY c.last_at DESC, c.id DESC LIMIT "
	if len(f.States) == 0 {
		f.States = []State{New, Triage}
		after, order = afterGrave, " ORDER BY c.verdict DESC, c.last_at DESC, c.id DESC LIMIT "
	}
	var args []any
	arg := func(v any) string {
		args = append(args, v)
		return fmt.Sprintf("$%d", len(args))
	}
	states := make([]string, len(f.States))
	for i, s := range f.States {
		if !slices.Contains(States, s) {
			return CasePage{}, fault.New(fault.Invalid, "report.state_unknown", "value", clipped(string(s), 40))
		}
		states[i] = arg(string(s))
	}
	where := []string{"c.state IN (" + strings.Join(states, ", ") + ")", "c.reports > 0"}
	if f.Mine {
		where = append(where, "c.taken_by = "+arg(c.Account))
	}
	if f.Before != 0 {
		where = append(where, fmt.Sprintf(after, arg(f.Before)))
	}
	rows, err := q.Query(ctx, caseColumns+"WHERE "+strings.Join(where, " AND ")+order+arg(f.Limit+1), args...)
	if err != nil {
		return CasePage{}, fmt.Errorf("report: cases: %w", err)
	}
	defer rows.Close()
	var p CasePage
	for rows.Next() {
		k, err := scanCase(rows)
		if err != nil {
			return CasePage{}, err
		}
		p.Items = append(p.Items, k)
	}
	if len(p.Items) > f.Limit {
		p.Items = p.Items[:f.Limit]
		p.Next = p.Items[f.Limit-1].ID
	}
	return p, rows.Err()
}

func scanCase(row scanner) (*Case, error) {
	var k Case
	var rank, first, last, opened, taken, decided, reopened int64
	err := row.Scan(&k.ID, &k.State, &k.Title, &rank, &k.Reports, &k.Institutions, &first, &last, &k.Fresh, &opened, &k.TakenBy, &k.Taker,
		&taken, &decided, &reopened, &k.Reason, &k.Advisory, &k.AdvisoryIs, &k.MergedInto, &k.Revision)
	if err != nil {
		return nil, store.NotFound(err)
	}
	k.Verdict = verdictOf(rank)
	k.First, k.Last, k.Opened = store.Time(first), store.Time(last), store.Time(opened)
	k.Taken, k.Decided, k.Reopened = store.Time(taken), store.Time(decided), store.Time(reopened)
	return &k, nil
}

// CountCases returns how many cases with reports there are in each state.
func CountCases(ctx context.Context, q store.Queryer, c caller.Caller) (map[State]int, error) {
	if err := permit.Check(c, permit.MailCase); err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, countCases)
	if err != nil {
		return nil, fmt.Errorf("report: cases: %w", err)
	}
	defer rows.Close()
	all := map[State]int{}
	for rows.Next() {
		var s State
		var n int
		if err := rows.Scan(&s, &n); err != nil {
			return nil, err
		}
		all[s] = n
	}
	return all, rows.Err()
}

// GetCase returns a case, with the institutions that reported it.
func GetCase(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (*Case, error) {
	k, err := loadCase(ctx, q, c, id)
	if err != nil {
		return nil, err
	}
	rows, err := q.Query(ctx, caseOrgs, id)
	if err != nil {
		return nil, fmt.Errorf("report: case %d: %w", id, err)
	}
	defer rows.Close()
	for rows.Next() {
		var n OrgCount
		var first, last int64
		if err := rows.Scan(&n.Org, &n.Name, &n.Reports, &first, &last); err != nil {
			return nil, err
		}
		n.First, n.Last = store.Time(first), store.Time(last)
		k.ByOrg = append(k.ByOrg, n)
	}
	return k, rows.Err()
}

func loadCase(ctx context.Context, q store.Queryer, c caller.Caller, id int64) (*Case, error) {
	if err := permit.Check(c, permit.MailCase); err != nil {
		return nil, err
	}
	return scanCase(q.QueryRow(ctx, oneCase, id))
}

// decide loads a case for a change of it, which fn makes and records.
func decide(ctx context.Context, db *store.DB, c caller.Caller, id int64, fn func(*store.Tx, *Case) error) error {
	if err := permit.Check(c, permit.MailCase); err != nil {
		return err
	}
	return db.Write(ctx, c, func(tx *store.Tx) error {
		if err := serialise(ctx, tx); err != nil {
			return err
		}
		k, err := loadCase(ctx, tx, c, id)
		if err != nil {
			return err
		}
		return fn(tx, k)
	})
}

// in refuses a decision about a case that is in none of the states.
func (k *Case) in(states ...State) error {
	if slices.Contains(states, k.State) {
		return nil
	}
	return fault.New(fault.Conflict, "report.case_state", "state", k.State)
}

// seen refuses a decision about another revision than the analyst saw.
func (k *Case) seen(revision int64) error {
	if k.Revision == revision {
		return nil
	}
	return fault.New(fault.Conflict, "report.case_changed")
}

const maxReason = 1000 // characters

func checkReason(reason string) (string, error) {
	reason = strings.TrimSpace(strings.ReplaceAll(reason, "\r\n", "\n"))
	if reason == "" {
		return "", fault.New(fault.Invalid, "report.reason_empty").At("reason")
	}
	if storable(reason) != reason || len([]rune(reason)) > maxReason {
		return "", fault.New(fault.Invalid, "report.reason_long", "most", maxReason).At("reason")
	}
	return reason, nil
}

// Take makes the caller the one who works on a case; a new case is in triage
// from then on.
func Take(ctx context.Context, db *store.DB, c caller.Caller, id int64) error {
	return decide(ctx, db, c, id, func(tx *store.Tx, k *Case) error {
		if err := k.in(New, Triage); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, takeCase, id, c.Account, store.Micros(tx.Now)); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "case.take", caseObject(id), "from", k.TakenBy)
	})
}

// Dismiss closes a case without an advisory, and tells the reporters so. The
// revision is the one that the analyst saw: if something changed since that
// matters, the fault is a Conflict.
func Dismiss(ctx context.Context, db *store.DB, c caller.Caller, id, revision int64, reason string) error {
	reason, err := checkReason(reason)
	if err != nil {
		return err
	}
	return decide(ctx, db, c, id, func(tx *store.Tx, k *Case) error {
		if err := k.in(New, Triage); err != nil {
			return err
		}
		if err := k.seen(revision); err != nil {
			return err
		}
		if k.Advisory != 0 && k.AdvisoryIs != advisory.Discarded && k.AdvisoryIs != advisory.Withdrawn {
			return fault.New(fault.Conflict, "report.case_advisory")
		}
		if k.State == New {
			if _, err := tx.Exec(ctx, takeCase, id, c.Account, store.Micros(tx.Now)); err != nil {
				return err
			}
		}
		if _, err := tx.Exec(ctx, dismissCase, id, store.Micros(tx.Now), reason); err != nil {
			return err
		}
		if err := tellReporters(ctx, tx, nil, id, ToldDismissed, 0); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "case.dismiss", caseObject(id), "from", string(k.State), "reports", k.Reports)
	})
}

// Reopen brings a dismissed case back to triage.
func Reopen(ctx context.Context, db *store.DB, c caller.Caller, id int64, reason string) error {
	reason, err := checkReason(reason)
	if err != nil {
		return err
	}
	return decide(ctx, db, c, id, func(tx *store.Tx, k *Case) error {
		if err := k.in(Dismissed); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, reopenCase, id, store.Micros(tx.Now), reason); err != nil {
			return err
		}
		return audit.Append(ctx, tx, "case.reopen", caseObject(id))
	})
}
