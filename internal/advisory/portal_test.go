// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package advisory_test

import (
	"context"
	"log/slog"
	"strconv"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
	"teiten/internal/trend"
)

type ctxType = context.Context

var ctx = context.Background()

// portal is a store with people in it.
type portal struct {
	*membertest.People
	t     *testing.T
	db    *store.DB
	guard *guard.Guard
}

func each(t *testing.T, fn func(t *testing.T, p *portal)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		fn(t, &portal{membertest.Register(t, db), t, db, guard.New(nil)})
	})
}

// institution registers another institution and returns its contact.
func (p *portal) institution(name string) (c caller.Caller) {
	p.t.Helper()
	p.must(p.db.Write(ctx, caller.System("test"), func(tx *store.Tx) error {
		org, err := member.AddOrganisation(ctx, tx, member.Organisation{Kind: caller.Institution, Name: name})
		if err != nil {
			return err
		}
		id, err := member.AddAccount(ctx, tx, member.Account{Org: member.Organisation{ID: org}, Name: name + " contact", Role: caller.Contact})
		c = caller.Caller{Account: id, Name: name + " contact", Org: org, OrgName: name, OrgKind: caller.Institution, Role: caller.Contact, Channel: "test"}
		return err
	}))
	return c
}

// group founds a sharing group of the ISAC and others.
func (p *portal) group(name string, members ...caller.Caller) (id int64) {
	p.t.Helper()
	p.must(p.db.Keep(ctx, func(tx *store.Tx) (err error) {
		id, err = tx.Insert(ctx, `INSERT INTO sharing_group (name, purpose, created_at, closed_at) VALUES ($1, '', 1, 0) RETURNING id`, name)
		for _, c := range append(members, p.Analyst) {
			if err == nil {
				_, err = tx.Exec(ctx, `INSERT INTO sharing_group_member (group_id, organisation_id, since) VALUES ($1, $2, 1)`, id, c.Org)
			}
		}
		return err
	}))
	return id
}

func content(title string) advisory.Content {
	return advisory.Content{Category: category.Phishing, TLP: tlp.Green, Title: title, Body: "宅配便をかたるメールが届きました。"}
}

// submit registers content or fails the test.
func (p *portal) submit(c caller.Caller, state advisory.State, content advisory.Content) int64 {
	p.t.Helper()
	id, err := advisory.Submit(ctx, p.db, c, p.guard, advisory.Submission{Content: content, State: state})
	if err != nil {
		p.t.Fatalf("submit %q: %v", content.Title, err)
	}
	return id
}

// in registers an advisory of the caller and brings it to a state.
func (p *portal) in(state advisory.State, c caller.Caller, content advisory.Content) int64 {
	p.t.Helper()
	if state == advisory.Draft || state == advisory.InReview {
		return p.submit(c, state, content)
	}
	id := p.submit(c, advisory.InReview, content)
	if state == advisory.Discarded {
		p.must(advisory.Discard(ctx, p.db, c, id))
		return id
	}
	p.must(advisory.Publish(ctx, p.db, p.Analyst, p.guard, id, 1))
	switch state {
	case advisory.Corrected:
		content.Body += "（訂正済み）"
		p.must(advisory.Correct(ctx, p.db, p.Analyst, p.guard, id, 2, content, "誤字"))
	case advisory.Withdrawn:
		p.must(advisory.Withdraw(ctx, p.db, p.Analyst, p.guard, id, 2, "誤報"))
	}
	return id
}

func (p *portal) get(c caller.Caller, id int64) *advisory.Advisory {
	p.t.Helper()
	a, err := advisory.Get(ctx, p.db, c, id)
	p.must(err)
	return a
}

func (p *portal) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// want fails the test unless err is a fault with the code and field.
func (p *portal) want(err error, code, field string) {
	p.t.Helper()
	if fault.Code(err) != code || err != nil && fault.From(err).Field != field {
		p.t.Errorf("error %v, want %s at %q", err, code, field)
	}
}

// work does the background jobs that are due.
func (p *portal) work() {
	p.t.Helper()
	_, err := job.NewRunner(p.db, slog.New(slog.DiscardHandler), map[string]job.Worker{
		advisory.ConcernJob: advisory.ConcernWorker(p.db), member.RematchJob: advisory.RematchWorker(p.db),
		trend.RefreshJob: trend.Worker(p.db), member.RejudgeJob: func(context.Context, job.Job) error { return nil },
	}).Drain(ctx)
	p.must(err)
}

func url(s string) indicator.Value {
	v, err := indicator.Normalise(indicator.URL, s)
	if err != nil {
		panic(err)
	}
	return v
}

func at(t time.Time) context.Context { return store.At(ctx, t) }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// outcome is how a table writes an error.
func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case fault.Code(err) != "":
		return fault.From(err).Kind.String()
	default:
		return err.Error()
	}
}
