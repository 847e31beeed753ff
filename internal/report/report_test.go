// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/mailcheck"
	"teiten/internal/report"
	"teiten/internal/store"
)

func TestHold(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		hold := func(c caller.Caller, raw []byte) (int64, error) {
			return report.Hold(ctx, w.db, w.blobs, w.checker, c, raw)
		}
		open := func(c caller.Caller, id int64) (*report.Held, error) {
			return report.Open(ctx, w.db, w.blobs, w.checker, c, id, nil)
		}
		if _, err := hold(w.StaffA, nil); err == nil {
			t.Error("nothing was held")
		}
		if n := w.files(); n != 0 {
			t.Errorf("%d files of what was refused", n)
		}
		raw := parcel(1)
		id, err := hold(w.StaffA, raw)
		w.ok(err)
		h, err := open(w.StaffA, id)
		w.ok(err)
		if !bytes.Equal(h.Raw, raw) || h.Answer.Mail.Subject == "" || h.Report != 0 || h.Until.Sub(h.At) != report.HoldFor {
			t.Errorf("held %+v", h)
		}
		if strings.Contains(shared(h.Redacted), "鈴木") {
			t.Errorf("the preview has the recipient's name: %v", shared(h.Redacted))
		}
		w.Each(func(name string, c caller.Caller) {
			if c.Account != w.StaffA.Account {
				if _, err := open(c, id); err == nil {
					t.Errorf("%s opens somebody else's mail", name)
				}
			}
		})
		// A shared PC: the same device opens it, no other, and nobody who is signed in.
		ward := w.ward(w.StaffA, 71)
		id, err = hold(ward, raw)
		w.ok(err)
		if _, err := open(ward, id); err != nil {
			t.Error(err)
		}
		signedIn := w.StaffA
		signedIn.Device = 71
		for what, c := range map[string]caller.Caller{"another shared PC": w.ward(w.StaffA, 72), "another institution's": w.ward(w.StaffB, 71), "somebody signed in there": signedIn} {
			_, err := open(c, id)
			if err == nil {
				t.Errorf("%s opens a ward's mail", what)
			}
		}
		if _, err := hold(w.ward(w.StaffA, 0), raw); err == nil {
			t.Error("a caller without account and device holds a mail")
		}
		// What is held ends.
		if _, err := report.Hold(store.At(ctx, time.Now().Add(-report.HoldFor-time.Minute)), w.db, w.blobs, w.checker, w.StaffB, raw); err != nil {
			t.Fatal(err)
		}
		late := int64(w.count(`SELECT MAX(id) FROM mail_hold`))
		if _, err := open(w.StaffB, late); err == nil {
			t.Error("a mail is open after its day")
		}
		if n, err := report.Sweep(ctx, w.db, w.blobs); n != 1 || err != nil || w.files() != 2 || w.count(`SELECT COUNT(*) FROM blob`) != 2 {
			t.Errorf("swept %d, %v; %d files", n, err, w.files())
		}
		// An owner's oldest make way.
		for range 52 {
			if _, err := hold(w.ContactB, raw); err != nil {
				t.Fatal(err)
			}
		}
		if n := w.count(`SELECT COUNT(*) FROM mail_hold WHERE account_id = $1`, w.ContactB.Account); n != 50 || w.files() != 52 {
			t.Errorf("%d mails of one owner are held, %d files", n, w.files())
		}
	})
}

func TestSubmit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		raw := parcel(3)
		held, err := report.Hold(ctx, w.db, w.blobs, w.checker, w.StaffA, raw)
		w.ok(err)
		submit := func(c caller.Caller, s report.Submission) (int64, error) {
			return report.Submit(ctx, w.db, w.blobs, w.checker, c, held, s)
		}
		_, err = submit(w.OtherA, report.Submission{})
		w.fails(err, "fault.not_found")
		_, err = submit(w.StaffA, report.Submission{Did: "danced"})
		w.fails(err, "report.did")
		_, err = submit(w.StaffA, report.Submission{Hide: []string{strings.Repeat("x", 201)}})
		w.fails(err, "report.hide_long")
		_, err = submit(w.StaffA, report.Submission{Hide: strings.Split(strings.Repeat("x ", 51), " ")})
		w.fails(err, "report.hide_many")
		_, err = submit(w.StaffA, report.Submission{Channel: "pigeon"})
		w.fails(err, "report.channel")
		id, err := submit(w.StaffA, report.Submission{Did: mailcheck.Clicked, Hide: []string{"二十四時間"}})
		w.ok(err)
		again, err := submit(w.StaffA, report.Submission{})
		if again != id || err != nil {
			t.Errorf("the same mail again is report %d, %v", again, err)
		}
		colleague := w.submit(w.OtherA, raw)
		if colleague.ID == id {
			t.Error("two people have one report")
		}
		r, err := report.Get(ctx, w.db, w.StaffA, id)
		w.ok(err)
		text := shared(r.Mail)
		if r.Did != mailcheck.Clicked || !r.Mine || r.Channel != report.Web || r.State != report.New || r.Case != 0 || r.Size != int64(len(raw)) ||
			r.Original.Sub(r.At) != report.DefaultRetention*day || r.Subject == "" || r.Rules == "" {
			t.Errorf("report %+v", r)
		}
		for _, secret := range []string{"二十四時間", "田中", "user3@", "hospital3"} {
			if strings.Contains(text+r.Subject, secret) {
				t.Errorf("the redacted mail has %q: %s", secret, text)
			}
		}
		h, err := report.Open(ctx, w.db, w.blobs, w.checker, w.StaffA, held, nil)
		if err != nil || h.Report != id {
			t.Errorf("the held mail is report %d, %v", h.Report, err)
		}
		k := w.caseOf(id)
		if k.Reports != 2 || k.Institutions != 1 || k.Title != r.Subject || len(k.ByOrg) != 1 || k.ByOrg[0].Reports != 2 {
			t.Errorf("case %+v", k)
		}
		// The mailbox hands in what came a while ago.
		came := time.Now().Add(-time.Hour).UTC().Truncate(time.Microsecond)
		id, _, err = report.SubmitRaw(ctx, w.db, w.blobs, w.checker, w.StaffB, raw, report.Submission{Channel: report.Mailbox, At: came})
		w.ok(err)
		if r, err = report.Get(ctx, w.db, w.StaffB, id); err != nil || !r.At.Equal(came) || r.Channel != report.Mailbox {
			t.Errorf("from the mailbox: %+v, %v", r, err)
		}
		if k = w.caseOf(id); !k.First.Equal(came) {
			t.Errorf("the case's first report is of %v, want %v", k.First, came)
		}
	})
}

// The draft can be stored with something else, or not at all; what was
// acknowledged is there once.
func TestDraft(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		prepare := func() *report.Draft {
			d, err := report.Prepare(ctx, w.db, w.blobs, w.checker, w.StaffA, parcel(1), report.Submission{})
			w.ok(err)
			return d
		}
		d := prepare()
		d.Discard()
		if w.files() != 0 {
			t.Error("a draft that was thrown away left its file")
		}
		d = prepare()
		err := w.db.Write(ctx, w.StaffB, func(tx *store.Tx) error { _, _, err := d.SubmitIn(ctx, tx); return err })
		w.fails(err, "fault.forbidden")
		// The process dies after the file is written and before the commit: nothing
		// is reported, and trying again makes one report.
		died := context.Canceled
		err = w.db.Write(ctx, w.StaffA, func(tx *store.Tx) error {
			if _, fresh, err := d.SubmitIn(ctx, tx); err != nil || !fresh {
				t.Errorf("fresh %v, %v", fresh, err)
			}
			return died
		})
		if err != died || w.count(`SELECT COUNT(*) FROM mail_report`)+w.count(`SELECT COUNT(*) FROM mail_case`)+w.count(`SELECT COUNT(*) FROM wave_print`) != 0 {
			t.Fatalf("after a rollback something is left: %v", err)
		}
		first, second := prepare(), prepare()
		var a, b int64
		w.write(w.StaffA, func(tx *store.Tx) (err error) { a, _, err = first.SubmitIn(ctx, tx); return err })
		w.write(w.StaffA, func(tx *store.Tx) error {
			id, fresh, err := second.SubmitIn(ctx, tx)
			if b = id; fresh {
				t.Error("the same mail is fresh twice")
			}
			return err
		})
		second.Discard()
		first.Discard() // nothing happens: it was taken
		if a != b || w.count(`SELECT COUNT(*) FROM mail_report`) != 1 || w.count(`SELECT COUNT(*) FROM blob`) != 1 {
			t.Errorf("reports %d and %d", a, b)
		}
		if got, err := w.original(w.StaffA, a); err != nil || !bytes.Equal(got, parcel(1)) {
			t.Errorf("the original is %d bytes, %v", len(got), err)
		}
	})
}

// Nobody but those who may sees anything of a report.
func TestIsolation(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		mine := w.submit(w.StaffA, parcel(1))
		ward := w.ward(w.StaffA, 5)
		fromWard := w.submit(ward, parcel(2))
		machine := w.submit(w.MachineA, parcel(4))
		k := w.caseOf(mine.ID)
		consent, err := report.AskOriginal(ctx, w.db, nil, w.Analyst, mine.ID, "添付を調べたい")
		w.ok(err)
		may := map[string]map[int64]bool{ // who sees which
			"甲病院 staff": {mine.ID: true}, "甲病院 machine": {machine.ID: true},
			"甲病院 contact":    {mine.ID: true, fromWard.ID: true, machine.ID: true},
			"見本ISAC analyst": {mine.ID: true, fromWard.ID: true, machine.ID: true}, "見本ISAC operator": {mine.ID: true, fromWard.ID: true, machine.ID: true},
		}
		w.Each(func(name string, c caller.Caller) {
			page, err := report.List(ctx, w.db, c, report.Filter{})
			if err != nil || len(page.Items) != len(may[name]) {
				t.Errorf("%s lists %d reports, want %d: %v", name, len(page.Items), len(may[name]), err)
			}
			for _, r := range page.Items {
				if !may[name][r.ID] {
					t.Errorf("%s lists report %d", name, r.ID)
				}
			}
			for _, id := range []int64{mine.ID, fromWard.ID, machine.ID} {
				r, err := report.Get(ctx, w.db, c, id)
				if (err == nil) != may[name][id] {
					t.Errorf("%s reads report %d: %v", name, id, err)
				}
				if err == nil && c.Org != w.StaffA.Org && (r.Reporter != "" || r.Account != 0 || r.Mine) {
					t.Errorf("%s reads who reported: %+v", name, r)
				}
				if err == nil && c.OrgKind != caller.ISAC && r.Case != 0 {
					t.Errorf("%s reads the case", name)
				}
				if b, err := w.original(c, id); err == nil && !(c.Org == w.StaffA.Org && may[name][id]) || len(b) > 0 && c.OrgKind == caller.ISAC {
					t.Errorf("%s has the original of %d", name, id)
				}
			}
			insider := name == "見本ISAC analyst" || name == "見本ISAC operator"
			for what, err := range map[string]error{
				"case":     err2(report.GetCase(ctx, w.db, c, k.ID)),
				"cases":    err2(report.Cases(ctx, w.db, c, report.CaseFilter{})),
				"count":    err2(report.CountCases(ctx, w.db, c)),
				"suggest":  err2(report.Suggest(ctx, w.db, c, w.guard, k.ID)),
				"by case":  err2(report.List(ctx, w.db, c, report.Filter{Case: k.ID})),
				"by other": err2(report.List(ctx, w.db, c, report.Filter{Org: otherOrg(w, c)})),
			} {
				if (err == nil) != insider {
					t.Errorf("%s: %s: %v", name, what, err)
				}
			}
			consents, err := report.Consents(ctx, w.db, c, report.ConsentFilter{})
			if want := insider || name == "甲病院 staff" || name == "甲病院 contact"; (len(consents) == 1) != want || err != nil {
				t.Errorf("%s reads %d consents, %v", name, len(consents), err)
			}
			if !insider {
				for what, err := range map[string]error{
					"take": report.Take(ctx, w.db, c, k.ID), "dismiss": report.Dismiss(ctx, w.db, c, k.ID, k.Revision, "x"),
					"reopen": report.Reopen(ctx, w.db, c, k.ID, "x"), "merge": report.Merge(ctx, w.db, c, k.ID, 99), "link": report.Link(ctx, w.db, nil, c, k.ID, 0),
					"split": err2(report.Split(ctx, w.db, c, k.ID, mine.ID)), "ask": err2(report.AskOriginal(ctx, w.db, nil, c, mine.ID, "x")),
				} {
					if err == nil {
						t.Errorf("%s may %s", name, what)
					}
				}
			}
			if name != "甲病院 contact" {
				for what, err := range map[string]error{
					"answer": report.AnswerConsent(ctx, w.db, nil, c, consent, true, "", time.Time{}), "revoke": report.RevokeConsent(ctx, w.db, c, consent, "x"),
					"set retention": report.SetRetention(ctx, w.db, c, w.StaffA.Org, 1)} {
					if err == nil && !(what == "set retention" && name == "見本ISAC operator") {
						t.Errorf("%s may %s", name, what)
					}
				}
			}
			if c.Org != w.StaffA.Org {
				if err := report.Withdraw(ctx, w.db, w.blobs, c, mine.ID); err == nil {
					t.Errorf("%s withdraws a report", name)
				}
			}
		})
		// The shared PC sees its own reports for a day, and no original.
		if _, err := report.Get(ctx, w.db, ward, fromWard.ID); err != nil {
			t.Error(err)
		}
		if _, err := report.Get(ctx, w.db, ward, mine.ID); err == nil {
			t.Error("a shared PC reads somebody's report")
		}
		if _, err := w.original(ward, fromWard.ID); err == nil {
			t.Error("a shared PC has an original")
		}
		err = w.db.View(store.At(ctx, time.Now().Add(25*time.Hour)), ward, func(tx *store.Tx) error {
			_, err := report.Get(ctx, tx, ward, fromWard.ID)
			return err
		})
		w.fails(err, "fault.not_found")
	})
}

// err2 is the error of a call that returns something beside it.
func err2[T any](_ T, err error) error { return err }

func otherOrg(w *world, c caller.Caller) int64 {
	if c.Org == w.StaffA.Org {
		return w.StaffB.Org
	}
	return w.StaffA.Org
}

func TestWithdraw(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b := w.submit(w.StaffA, parcel(1)), w.submit(w.StaffB, parcel(2))
		k := w.caseOf(a.ID)
		w.fails(report.Withdraw(ctx, w.db, w.blobs, w.OtherA, a.ID), "fault.not_found")
		w.fails(report.Withdraw(ctx, w.db, w.blobs, w.Analyst, a.ID), "report.withdraw")
		w.ok(report.Withdraw(ctx, w.db, w.blobs, w.ContactA, a.ID))
		w.fails(report.Withdraw(ctx, w.db, w.blobs, w.StaffA, a.ID), "report.withdraw")
		if _, err := report.Get(ctx, w.db, w.Analyst, a.ID); err == nil {
			t.Error("an analyst reads a report that was withdrawn")
		}
		r, err := report.Get(ctx, w.db, w.StaffA, a.ID)
		if err != nil || r.Withdrawn.IsZero() || r.Mail != nil || !r.Original.IsZero() {
			t.Errorf("the reporter reads %+v, %v", r, err)
		}
		if k, err = report.GetCase(ctx, w.db, w.Analyst, k.ID); err != nil || k.Reports != 1 || len(k.ByOrg) != 1 || k.ByOrg[0].Org != w.StaffB.Org || k.Title != b.Subject {
			t.Errorf("the case is %+v, %v", k, err)
		}
		if w.files() != 1 || w.count(`SELECT COUNT(*) FROM blob`) != 1 {
			t.Errorf("%d files", w.files())
		}
		// It can be reported anew.
		if again := w.submit(w.StaffA, parcel(1)); again.ID == a.ID {
			t.Error("a withdrawn report came back")
		}
		w.ok(report.Withdraw(ctx, w.db, w.blobs, w.StaffA, w.submit(w.StaffA, parcel(1)).ID))
		w.ok(report.Withdraw(ctx, w.db, w.blobs, w.StaffB, b.ID))
		page, err := report.Cases(ctx, w.db, w.Analyst, report.CaseFilter{States: report.States})
		if err != nil || len(page.Items) != 0 || w.count(`SELECT COUNT(*) FROM wave_feature`)+w.count(`SELECT COUNT(*) FROM wave_print`) != 0 || w.files() != 0 {
			t.Errorf("after all reports were withdrawn: %d cases, %v, %d prints", len(page.Items), err, w.count(`SELECT COUNT(*) FROM wave_print`))
		}
	})
}

// What the audit says of it all has no word of the mails, and no name.
func TestAuditSaysNothingPersonal(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.submit(w.StaffA, parcel(1))
		_, err := report.AskOriginal(ctx, w.db, nil, w.Analyst, r.ID, "佐藤さんのメールを見たい")
		w.ok(err)
		k := w.caseOf(r.ID)
		w.ok(report.Dismiss(ctx, w.db, w.Analyst, k.ID, k.Revision, "佐藤さんの勘違い"))
		var all strings.Builder
		rows, err := w.db.Query(ctx, `SELECT action, object, detail FROM audit ORDER BY id`)
		w.ok(err)
		defer rows.Close()
		for rows.Next() {
			var action, object, detail string
			w.ok(rows.Scan(&action, &object, &detail))
			if strings.HasPrefix(action, "report.") || strings.HasPrefix(action, "case.") || strings.HasPrefix(action, "consent.") {
				all.WriteString(action + " " + object + " " + detail + "\n")
			}
		}
		for _, action := range []string{"report.add", "consent.ask", "case.dismiss"} {
			if !strings.Contains(all.String(), action) {
				t.Errorf("%s is not recorded", action)
			}
		}
		for _, secret := range []string{"佐藤", "鈴木", "お荷物", "example", "parcel"} {
			if strings.Contains(all.String(), secret) {
				t.Errorf("the audit has %q:\n%s", secret, all.String())
			}
		}
	})
}
