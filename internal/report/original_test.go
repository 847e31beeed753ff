// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/report"
	"teiten/internal/store"
)

// Analysts see an original by the institution's consent only, while it holds.
func TestConsent(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		raw := parcel(1)
		r := w.submit(w.StaffA, raw)
		for _, c := range []caller.Caller{w.StaffA, w.ContactA} {
			if got, err := w.original(c, r.ID); err != nil || !bytes.Equal(got, raw) {
				t.Errorf("%s has %d bytes, %v", c.Name, len(got), err)
			}
		}
		sees := func(code string) {
			t.Helper()
			got, err := w.original(w.Analyst, r.ID)
			if fault.Code(err) != code || (code == "") != bytes.Equal(got, raw) {
				t.Errorf("the analyst has %d bytes, %v, want %q", len(got), err, code)
			}
			if may, err := report.MayOriginal(ctx, w.db, w.Analyst, r.ID); may != (code == "") || err != nil {
				t.Errorf("the analyst may: %v, %v", may, err)
			}
		}
		state := func(c caller.Caller, want report.ConsentState) report.Consent {
			t.Helper()
			all, err := report.Consents(ctx, w.db, c, report.ConsentFilter{Report: r.ID})
			w.ok(err)
			if len(all) == 0 || all[0].State != want {
				t.Fatalf("consents %+v, want %s", all, want)
			}
			if one, err := report.GetConsent(ctx, w.db, c, all[0].ID); err != nil || one != all[0] {
				t.Errorf("by itself it is %+v, %v; in the list %+v", one, err, all[0])
			}
			return all[0]
		}
		sees("report.original_consent")
		_, err := report.AskOriginal(ctx, w.db, nil, w.Analyst, r.ID, "")
		w.fails(err, "report.reason_empty")
		ml := mailing(t)
		id, err := report.AskOriginal(ctx, w.db, ml, w.Analyst, r.ID, "リンクの先を確かめたい")
		w.ok(err)
		if again, err := report.AskOriginal(ctx, w.db, ml, w.Operator, r.ID, "私も"); again != id || err != nil {
			t.Errorf("asked again: %d, %v", again, err)
		}
		w.Each(func(who string, c caller.Caller) { // whoever cannot list it cannot get it
			all, err := report.Consents(ctx, w.db, c, report.ConsentFilter{})
			w.ok(err)
			if _, err := report.GetConsent(ctx, w.db, c, id); (err == nil) != (len(all) == 1) || err != nil && fault.Code(err) != "fault.not_found" {
				t.Errorf("%s lists %d consents, and gets it: %v", who, len(all), err)
			}
		})
		if got := kinds(w.notices(w.ContactA)); !slices.Equal(got, []report.NoticeKind{report.ToldAsked}) || len(w.notices(w.ContactB))+len(w.notices(w.StaffA)) != 0 {
			t.Errorf("the contact was told %v", got)
		}
		sees("report.original_consent")
		if n := state(w.StaffA, report.Asked); n.Asker == "" || n.Reason == "" || n.Subject == "" {
			t.Errorf("the reporter sees %+v", n)
		}
		w.fails(report.AnswerConsent(ctx, w.db, ml, w.ContactB, id, true, "", time.Time{}), "fault.not_found")
		w.fails(report.AnswerConsent(ctx, w.db, ml, w.StaffA, id, true, "", time.Time{}), "fault.forbidden")
		w.fails(report.AnswerConsent(ctx, w.db, ml, w.Analyst, id, true, "", time.Time{}), "fault.forbidden")
		w.fails(report.AnswerConsent(ctx, w.db, ml, w.ContactA, id, true, "", time.Now().Add(31*day)), "report.consent_until")
		w.fails(report.AnswerConsent(ctx, w.db, ml, w.ContactA, id, true, "", time.Now().Add(-time.Second)), "report.consent_until")
		w.fails(report.AnswerConsent(ctx, w.db, ml, w.ContactA, id, false, "", time.Time{}), "report.reason_empty")
		w.ok(report.AnswerConsent(ctx, w.db, ml, w.ContactA, id, false, "患者さんの情報があるため", time.Time{}))
		sees("report.original_consent")
		if n := state(w.Analyst, report.Refused); n.Answerer != "" || n.Answer == "" {
			t.Errorf("the analyst sees who answered: %+v", n)
		}
		w.fails(report.AnswerConsent(ctx, w.db, ml, w.ContactA, id, true, "", time.Time{}), "report.consent_state")
		if got := kinds(w.notices(w.Analyst)); !slices.Equal(got, []report.NoticeKind{report.ToldAnswered}) {
			t.Errorf("the analyst was told %v", got)
		}

		id, err = report.AskOriginal(ctx, w.db, ml, w.Analyst, r.ID, "伏せ字の後だけでは分からない")
		w.ok(err)
		w.ok(report.AnswerConsent(ctx, w.db, ml, w.ContactA, id, true, "", time.Time{}))
		if n := state(w.ContactA, report.Granted); n.Until.Sub(n.Answered) != report.DefaultConsent || n.Answerer == "" {
			t.Errorf("granted %+v", n)
		}
		before := w.count(`SELECT COUNT(*) FROM audit WHERE action = 'report.original'`)
		sees("")
		if n := w.count(`SELECT COUNT(*) FROM audit WHERE action = 'report.original'`) - before; n != 1 {
			t.Errorf("%d records of one opening", n)
		}
		records, err := audit.List(ctx, w.db, caller.System("test"), 0, 1)
		if err != nil || records[0].Action != "report.original" || records[0].Detail["consent"] != float64(id) || records[0].Org != w.Analyst.Org {
			t.Errorf("recorded %+v, %v", records, err)
		}
		w.ok(report.RevokeConsent(ctx, w.db, w.ContactA, id, "もう不要"))
		sees("report.original_consent")
		state(w.Analyst, report.Revoked)
		w.fails(report.RevokeConsent(ctx, w.db, w.ContactA, id, "x"), "report.consent_state")

		// A consent ends by itself.
		past := store.At(ctx, time.Now().Add(-8*day))
		id, err = report.AskOriginal(ctx, w.db, ml, w.Analyst, r.ID, "x")
		w.ok(err)
		w.ok(report.AnswerConsent(past, w.db, ml, w.ContactA, id, true, "", time.Time{}))
		sees("report.original_consent")
		state(w.ContactA, report.Ended)
		w.fails(report.RevokeConsent(ctx, w.db, w.ContactA, id, "x"), "report.consent_state")

		// With the report it ends at once.
		id, err = report.AskOriginal(ctx, w.db, ml, w.Analyst, r.ID, "x")
		w.ok(err)
		w.ok(report.AnswerConsent(ctx, w.db, ml, w.ContactA, id, true, "", time.Time{}))
		sees("")
		w.ok(report.Withdraw(ctx, w.db, w.blobs, w.StaffA, r.ID))
		sees("fault.not_found")
		_, err = report.AskOriginal(ctx, w.db, ml, w.Analyst, r.ID, "x")
		w.fails(err, "fault.not_found")
	})
}

// Originals go when their time is over, redacted mails stay.
func TestRetention(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		days := func(org int64) int {
			t.Helper()
			n, err := report.Retention(ctx, w.db, w.Operator, org)
			w.ok(err)
			return n
		}
		if days(w.StaffA.Org) != report.DefaultRetention {
			t.Errorf("%d days", days(w.StaffA.Org))
		}
		for _, n := range []int{-1, 0, 401} {
			w.fails(report.SetRetention(ctx, w.db, w.ContactA, w.StaffA.Org, n), "report.retention")
		}
		w.fails(report.SetRetention(ctx, w.db, w.ContactA, w.StaffB.Org, 10), "fault.forbidden")
		_, err := report.Retention(ctx, w.db, w.ContactA, w.StaffB.Org)
		w.fails(err, "fault.forbidden")
		ago := func(d time.Duration, c caller.Caller, i int) int64 {
			t.Helper()
			id, _, err := report.SubmitRaw(store.At(ctx, time.Now().Add(-d)), w.db, w.blobs, w.checker, c, parcel(i), report.Submission{})
			w.ok(err)
			return id
		}
		old, recent := ago(20*day, w.StaffA, 1), ago(3*day, w.StaffA, 2)
		other := ago(20*day, w.StaffB, 3)
		consent, err := report.AskOriginal(ctx, w.db, nil, w.Analyst, recent, "x")
		w.ok(err)
		if n, err := report.Sweep(ctx, w.db, w.blobs); n != 0 || err != nil || w.files() != 3 {
			t.Errorf("swept %d, %v", n, err)
		}
		w.ok(report.SetRetention(ctx, w.db, w.ContactA, w.StaffA.Org, 10))
		_, err = w.original(w.StaffA, old) // over, though it is not swept yet
		w.fails(err, "report.original_gone")
		// A consent does not outlive the original.
		w.ok(report.AnswerConsent(ctx, w.db, nil, w.ContactA, consent, true, "", time.Now().Add(20*day)))
		all, err := report.Consents(ctx, w.db, w.ContactA, report.ConsentFilter{Report: recent})
		if err != nil || time.Until(all[0].Until) > 7*day {
			t.Errorf("the consent ends %v, %v", all[0].Until, err)
		}
		if n, err := report.Sweep(ctx, w.db, w.blobs); n != 1 || err != nil || w.files() != 2 || w.count(`SELECT COUNT(*) FROM blob`) != 2 {
			t.Errorf("swept %d, %v; %d files", n, err, w.files())
		}
		r, err := report.Get(ctx, w.db, w.Analyst, old)
		if err != nil || !r.Original.IsZero() || r.Mail == nil || len(r.Mail.Body) == 0 {
			t.Errorf("after the sweep: %+v, %v", r, err)
		}
		_, err = report.AskOriginal(ctx, w.db, nil, w.Analyst, old, "x")
		w.fails(err, "report.original_gone")
		if _, err := w.original(w.StaffB, other); err != nil {
			t.Errorf("another institution's original: %v", err)
		}
		// A longer time does not bring anything back, nor prolong.
		w.ok(report.SetRetention(ctx, w.db, w.ContactA, w.StaffA.Org, 400))
		if n := w.count(`SELECT COUNT(*) FROM mail_report WHERE organisation_id = $1 AND keep_until > reported_at + $2`, w.StaffA.Org, (10 * day).Microseconds()); n != 0 {
			t.Errorf("%d originals are kept longer than promised", n)
		}
		if r := w.submit(w.StaffA, parcel(9)); r.Original.Sub(r.At) != 400*day {
			t.Errorf("a new one is kept until %v", r.Original)
		}
		if n, err := report.Sweep(ctx, w.db, w.blobs); n != 0 || err != nil {
			t.Errorf("swept %d, %v", n, err)
		}
		// Everything else goes in its time.
		if _, err := report.Sweep(store.At(ctx, time.Now().Add(500*day)), w.db, w.blobs); err != nil || w.files() != 0 || w.count(`SELECT COUNT(*) FROM wave_feature`) != 0 {
			t.Errorf("in the end %d files, %v", w.files(), err)
		}
	})
}

// Who left the portal leaves what he told; the institution's contact goes on.
func TestWhoLeft(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.submit(w.StaffA, parcel(1))
		w.write(caller.System("test"), func(tx *store.Tx) error {
			if _, err := tx.Exec(ctx, `UPDATE account SET left_at = 1, active = $2 WHERE id = $1`, w.StaffA.Account, false); err != nil {
				return err
			}
			return audit.Append(ctx, tx, "account.leave", "account/1")
		})
		k := w.caseOf(r.ID)
		w.ok(report.Dismiss(ctx, w.db, w.Analyst, k.ID, k.Revision, "x"))
		if got := kinds(w.notices(w.ContactA)); !slices.Equal(got, []report.NoticeKind{report.ToldDismissed}) || len(w.notices(w.StaffA)) != 0 {
			t.Errorf("the contact was told %v", got)
		}
		if _, err := w.original(w.ContactA, r.ID); err != nil {
			t.Error(err)
		}
	})
}
