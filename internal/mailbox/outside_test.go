// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"errors"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/report"
)

const nurse = "hanako.private@freemail.example"

// stray brings a mail from outside, which waits.
func (w *world) stray(text string) Mail {
	w.t.Helper()
	w.mustDeliver(nurse, text)
	w.drain()
	if m := w.mails()[0]; m.State == Outside && !m.Until.IsZero() && m.blob != "" {
		return m
	}
	w.t.Fatalf("%+v\n%s", w.mails()[0], w.log)
	return Mail{}
}

// A mail that somebody forwarded from her private address becomes a report of
// the institution, as others are, and the address gets nothing.
func TestAcceptFromOutside(t *testing.T) {
	eachAnswering(t, Limits{}, func(w *world, s *sink) {
		m := w.stray(forward(nurse, "x", hostile("Renew now")))
		if want := m.At.Add(keepFor); !m.Until.Equal(want) || m.Reason != string(NotInside) {
			w.t.Errorf("%+v", m)
		}
		look, err := w.box.Look(ctx, w.p.ContactA, m.ID)
		if err != nil || look.Sender != nurse || look.Problem != nil || look.Answer.Mail.Subject != "Renew now" || look.Answer.Verdict == "" {
			w.t.Fatalf("%+v, %v", look, err)
		}
		if _, err := w.box.Look(ctx, w.p.Operator, m.ID); !fault.Is(err, fault.NotFound) {
			w.t.Errorf("an operator reads the institution's mail: %v", err)
		}
		id, err := w.box.Accept(ctx, w.p.ContactA, m.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		w.drain()
		after := w.mails()[0]
		if after.State != Reported || after.Report != id || after.Verdict != look.Answer.Verdict || after.Reply != NoReply || after.blob != "" || len(after.sender) != 0 || !after.Until.IsZero() {
			w.t.Errorf("%+v", after)
		}
		if _, err := os.Stat(blob.Path(w.data, m.blob)); !errors.Is(err, os.ErrNotExist) {
			w.t.Errorf("the mailbox's own copy: %v", err)
		}
		if all := s.all(); len(all) != 0 {
			w.t.Errorf("%d letters were sent, the first to %s", len(all), all[0].to)
		}
		r, err := report.Get(ctx, w.db, w.p.ContactA, id)
		if err != nil || r.Channel != report.Mailbox || r.Org != w.p.ContactA.Org || r.Account != 0 || r.Subject != "Renew now" || r.Verdict != after.Verdict || !r.At.Equal(m.At) {
			w.t.Fatalf("%+v, %v", r, err)
		}
		if r, err := report.Get(ctx, w.db, w.p.Analyst, id); err != nil || r.Mail == nil || strings.Contains(strings.Join(texts(r), " "), "private") {
			w.t.Errorf("an analyst is shown %+v, %v", r, err)
		}
		if _, err := report.Get(ctx, w.db, w.p.ContactB, id); !fault.Is(err, fault.NotFound) {
			w.t.Errorf("another institution's contact: %v", err)
		}
		o, err := CameBy(ctx, w.db, w.p.ContactA, id, r.At)
		if err != nil || o.Address != w.address.Address || !o.At.Equal(m.At) || !o.Accepted || o.Fetched {
			w.t.Errorf("%+v, %v", o, err)
		}
		if _, err := CameBy(ctx, w.db, w.p.ContactB, id, r.At); !fault.Is(err, fault.NotFound) {
			w.t.Errorf("another institution learns how it came: %v", err)
		}
		// Who decided it is written down, and nobody's address.
		for action, account := range map[string]int64{"mailbox.look": w.p.ContactA.Account, "mailbox.accept": w.p.ContactA.Account, "report.add": 0} {
			if n := w.count(`SELECT COUNT(*) FROM audit WHERE action = $1 AND account_id = $2 AND organisation_id = $3`, action, account, w.p.ContactA.Org); n != 1 {
				w.t.Errorf("%d records of %s", n, action)
			}
		}
		if n := w.count(`SELECT COUNT(*) FROM audit WHERE detail LIKE '%private%' OR detail LIKE '%Renew%'`); n != 0 {
			w.t.Errorf("%d records name somebody", n)
		}
		// It is decided once.
		for name, err := range map[string]error{"accept": second(w.box.Accept(ctx, w.p.ContactA, m.ID)), "discard": w.box.Discard(ctx, w.p.ContactA, m.ID),
			"look": second(w.box.Look(ctx, w.p.ContactA, m.ID))} {
			if fault.Code(err) != "mailbox.decided" {
				w.t.Errorf("%s once more: %v", name, err)
			}
		}
	})
}

func second[T any](_ T, err error) error { return err }

// texts is all that is shared of a report.
func texts(r *report.Report) (all []string) {
	for _, p := range slices.Concat(r.Mail.From, r.Mail.ReplyTo, r.Mail.Header, r.Mail.Body, r.Mail.Links) {
		all = append(all, p.Text)
	}
	return append(all, r.Mail.Subject.Text)
}

// The account of somebody who has given her private address has the report.
func TestAcceptFromKnownAddress(t *testing.T) {
	eachAnswering(t, Limits{}, func(w *world, s *sink) {
		w.exec("UPDATE account SET mail = $1 WHERE id = $2", nurse, w.p.OtherA.Account)
		m := w.stray(hostile("x"))
		id, err := w.box.Accept(ctx, w.p.Operator, m.ID)
		if err != nil {
			w.t.Fatal(err)
		}
		if r, err := report.Get(ctx, w.db, w.p.OtherA, id); err != nil || !r.Mine {
			w.t.Errorf("%+v, %v", r, err)
		}
		w.drain()
		if n := len(s.all()); n != 0 {
			w.t.Errorf("%d letters", n)
		}
	})
}

func TestDiscardFromOutside(t *testing.T) {
	eachAnswering(t, Limits{}, func(w *world, _ *sink) {
		m := w.stray(hostile("x"))
		if err := w.box.Discard(ctx, w.p.ContactA, m.ID); err != nil {
			w.t.Fatal(err)
		}
		after := w.mails()[0]
		if after.State != Discarded || after.blob != "" || len(after.sender) != 0 || after.Report != 0 {
			w.t.Errorf("%+v", after)
		}
		if _, err := os.Stat(blob.Path(w.data, m.blob)); !errors.Is(err, os.ErrNotExist) {
			w.t.Errorf("its file: %v", err)
		}
		if n := w.count(`SELECT COUNT(*) FROM blob`) + w.count(`SELECT COUNT(*) FROM mail_report`); n != 0 {
			w.t.Errorf("%d things are left of it", n)
		}
		// The log forgets it in its time, as any other.
		w.exec("UPDATE mailbox_mail SET received_at = received_at - $1", (logFor + time.Hour).Microseconds())
		if n, err := w.box.Sweep(ctx); err != nil || len(w.mails()) != 0 {
			w.t.Errorf("%d swept, %d left, %v", n, len(w.mails()), err)
		}
	})
}

// What is not kept any more, what cannot be read, and what is no mail from
// outside at all.
func TestCannotAccept(t *testing.T) {
	eachAnswering(t, Limits{}, func(w *world, _ *sink) {
		old := w.stray(hostile("old"))
		w.exec("UPDATE mailbox_mail SET received_at = received_at - $1", (keepFor + time.Hour).Microseconds())
		if _, err := w.box.Sweep(ctx); err != nil {
			w.t.Fatal(err)
		}
		w.mustDeliver(hanako, forward(hanako, "x", hostile("x")))
		w.drain()
		reported := w.mails()[0]
		for name, id := range map[string]int64{"swept": old.ID, "reported": reported.ID} {
			if _, err := w.box.Accept(ctx, w.p.ContactA, id); fault.Code(err) != "mailbox.decided" {
				w.t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := w.box.Accept(ctx, w.p.ContactA, reported.ID+1); !fault.Is(err, fault.NotFound) {
			w.t.Errorf("nothing: %v", err)
		}
		broken := w.stray("%PDF-1.7 no mail at all")
		look, err := w.box.Look(ctx, w.p.ContactA, broken.ID)
		if err != nil || look.Answer != nil || look.Problem == nil {
			w.t.Fatalf("%+v, %v", look, err)
		}
		if _, err := w.box.Accept(ctx, w.p.ContactA, broken.ID); fault.Code(err) != fault.Code(look.Problem) || fault.Code(err) == "" {
			w.t.Errorf("an unreadable mail is accepted: %v", err)
		}
		if m := w.mails()[0]; m.Until.IsZero() {
			w.t.Errorf("it is kept no more: %+v", m)
		}
		if err := w.box.Discard(ctx, w.p.ContactA, broken.ID); err != nil {
			w.t.Error(err)
		}
	})
}

// Several people decide at the same time: one of them does.
func TestDecidedOnce(t *testing.T) {
	eachAnswering(t, Limits{}, func(w *world, _ *sink) {
		m := w.stray(hostile("x"))
		errs := make([]error, 6)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() {
				if i%2 == 0 {
					_, errs[i] = w.box.Accept(ctx, w.p.ContactA, m.ID)
				} else {
					errs[i] = w.box.Discard(ctx, w.p.ContactA, m.ID)
				}
			})
		}
		wg.Wait()
		did := 0
		for _, err := range errs {
			if err == nil {
				did++
			} else if fault.Code(err) != "mailbox.decided" {
				w.t.Error(err)
			}
		}
		after, reports, files := w.mails()[0], w.count(`SELECT COUNT(*) FROM mail_report`), w.count(`SELECT COUNT(*) FROM blob`)
		if did != 1 || reports != files || (after.State == Reported) != (reports == 1) {
			w.t.Errorf("%d decided it: %+v, %d reports, %d files", did, after, reports, files)
		}
	})
}

// Who may: the institution's contact, and operators, who may not read it.
func TestWhoMayDecide(t *testing.T) {
	eachAnswering(t, Limits{}, func(w *world, _ *sink) {
		m := w.stray(hostile("x"))
		w.p.Each(func(name string, c caller.Caller) {
			own, may := c.Account == w.p.ContactA.Account, c.Account == w.p.Operator.Account
			refused := func(what string, err error) {
				w.t.Helper()
				if !fault.Is(err, fault.Forbidden) && !fault.Is(err, fault.NotFound) {
					w.t.Errorf("%s: %s: %v", name, what, err)
				}
			}
			if !own {
				refused("look", second(w.box.Look(ctx, c, m.ID)))
			}
			if !own && !may {
				refused("accept", second(w.box.Accept(ctx, c, m.ID)))
				refused("discard", w.box.Discard(ctx, c, m.ID))
			}
			page, err := Recent(ctx, w.db, c, Filter{Org: m.Org})
			if err == nil && len(page.Items) > 0 && !own && !may {
				w.t.Errorf("%s sees %+v", name, page.Items)
			}
		})
		if after := w.mails()[0]; after.State != Outside {
			w.t.Errorf("%+v", after)
		}
	})
}

// The log is read in pages, of one institution or of all.
func TestRecentPages(t *testing.T) {
	each(t, func(w *world) {
		add := func(org int64, state State, name string) {
			w.exec(`INSERT INTO mailbox_mail (organisation_id, address_id, imap_id, account_id, received_at, size, blob, sender, sender_key,
				state, reason, verdict, report_id, answer, answer_id, handled_at) VALUES ($1, 1, 0, 0, $2, 1, $3, $4, 1, $5, '', '', 0, 'none', 0, 0)`,
				org, time.Now().UnixMicro(), name, []byte{}, string(state))
		}
		a, b := w.p.ContactA.Org, w.p.ContactB.Org
		const most = 7
		for i := range 3 * most {
			add(a, []State{Reported, Outside, Outside}[i%3], []string{"", "kept", ""}[i%3])
			add(b, Outside, "kept")
		}
		walk := func(c caller.Caller, f Filter) (ids []int64) {
			for {
				page, err := Recent(ctx, w.db, c, f)
				if err != nil {
					w.t.Fatal(err)
				}
				for _, m := range page.Items {
					if f.Org != 0 && m.Org != f.Org || f.Outside && m.Until.IsZero() || len(ids) > 0 && m.ID >= ids[len(ids)-1] {
						w.t.Errorf("%+v does not belong here", m)
					}
					ids = append(ids, m.ID)
				}
				if page.Next == 0 {
					return ids
				}
				if len(page.Items) != f.Limit {
					w.t.Fatalf("a page of %d", len(page.Items))
				}
				f.Before = page.Next
			}
		}
		for _, c := range []struct {
			name string
			who  caller.Caller
			f    Filter
			want int
		}{
			{"contact", w.p.ContactA, Filter{Limit: most}, 3 * most},
			{"her own by number", w.p.ContactA, Filter{Org: a, Limit: most}, 3 * most},
			{"another's", w.p.ContactA, Filter{Org: b, Limit: most}, 0},
			{"outside", w.p.ContactA, Filter{Outside: true, Limit: 3}, most},
			{"operator, all", w.p.Operator, Filter{Limit: 4}, 6 * most},
			{"operator, one", w.p.Operator, Filter{Org: b, Limit: most}, 3 * most},
			{"operator, outside", w.p.Operator, Filter{Outside: true, Limit: most}, 4 * most},
		} {
			if got := walk(c.who, c.f); len(got) != c.want {
				w.t.Errorf("%s: %d mails, want %d", c.name, len(got), c.want)
			}
		}
		for _, limit := range []int{-1, MostRecent + 1} {
			if _, err := Recent(ctx, w.db, w.p.ContactA, Filter{Limit: limit}); fault.Code(err) != "fault.limit" {
				w.t.Errorf("limit %d: %v", limit, err)
			}
		}
		for org, want := range map[int64]int{0: 4 * most, a: most, b: 3 * most} {
			if s, err := ReadStatus(ctx, w.db, w.p.Operator, org); err != nil || s.Outside != want {
				w.t.Errorf("organisation %d: %+v, %v; want %d", org, s, err, want)
			}
		}
		if s, err := ReadStatus(ctx, w.db, w.p.ContactA, b); err != nil || s != (Status{}) {
			w.t.Errorf("of another institution: %+v, %v", s, err)
		}
	})
}
