// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package report_test

import (
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/mailcheck"
	"teiten/internal/mailer"
	"teiten/internal/report"
	"teiten/internal/tlp"
)

// Forty reports of eight institutions, at the same time, are one case; and
// mails that are not alike are cases of their own.
func TestFortyReportsAreOneCase(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		_, staff := w.institutions(8)
		var wg sync.WaitGroup
		ids := make([]int64, 40)
		for worker := range 8 {
			wg.Go(func() {
				for i := worker; i < 40; i += 8 {
					var err error
					if ids[i], _, err = report.SubmitRaw(ctx, w.db, w.blobs, w.checker, staff[i%8], parcel(i), report.Submission{}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		for i := range 10 {
			w.submit(w.StaffA, unlike(i))
		}
		wg.Wait()
		k := w.caseOf(ids[0])
		if k.Reports != 40 || k.Institutions != 8 || len(k.ByOrg) != 8 || k.ByOrg[0].Reports != 5 || k.First.After(k.Last) || k.State != report.New {
			t.Errorf("the case is %+v", k)
		}
		page, err := report.Cases(ctx, w.db, w.Analyst, report.CaseFilter{})
		w.ok(err)
		if len(page.Items) != 11 {
			for _, k := range page.Items {
				t.Logf("%d reports: %s", k.Reports, k.Title)
			}
			t.Errorf("%d cases, want 11", len(page.Items))
		}
		n, err := report.CountCases(ctx, w.db, w.Analyst)
		if err != nil || n[report.New] != 11 || len(n) != 1 {
			t.Errorf("counted %v, %v", n, err)
		}
		if page.Items[0].Verdict == page.Items[10].Verdict || page.Items[0].ID != k.ID {
			t.Errorf("the gravest is not the first: %+v", page.Items[0])
		}
		// Page by page they are the same.
		var paged []int64
		for f := (report.CaseFilter{Limit: 3}); ; {
			p, err := report.Cases(ctx, w.db, w.Analyst, f)
			w.ok(err)
			for _, k := range p.Items {
				paged = append(paged, k.ID)
			}
			if f.Before = p.Next; f.Before == 0 {
				break
			}
		}
		if len(paged) != 11 || !slices.EqualFunc(paged, page.Items, func(id int64, k *report.Case) bool { return id == k.ID }) {
			t.Errorf("by pages %v", paged)
		}
		reports, err := report.List(ctx, w.db, w.Analyst, report.Filter{Case: k.ID, Limit: 15})
		if err != nil || len(reports.Items) != 15 || reports.Next == 0 || reports.Items[0].Mail != nil {
			t.Errorf("%d reports of the case, %v", len(reports.Items), err)
		}
		mails, err := report.List(ctx, w.db, w.Analyst, report.Filter{Case: k.ID, Limit: 15, Mails: true})
		w.ok(err)
		for i, r := range mails.Items {
			if one, err := report.Get(ctx, w.db, w.Analyst, r.ID); err != nil || r.ID != reports.Items[i].ID || shared(r.Mail) != shared(one.Mail) {
				t.Errorf("report %d of the list has another mail than itself, %v", r.ID, err)
			}
		}
		// A member is told of the wave, and no more than he may know.
		a, err := w.checker.Check(ctx, w.db, w.StaffB, parcel(99))
		if err != nil || a.Wave == nil || a.Wave.Case != 0 || a.Wave.Institutions.N != 8 || a.Wave.Own != 0 {
			t.Errorf("a check of the same wave: %+v, %v", a.Wave, err)
		}
	})
}

func TestDecisions(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		r := w.submit(w.StaffA, parcel(1))
		k := w.caseOf(r.ID)
		w.fails(report.Dismiss(ctx, w.db, w.Analyst, k.ID, k.Revision, " "), "report.reason_empty")
		w.fails(report.Dismiss(ctx, w.db, w.Analyst, k.ID, k.Revision+1, "x"), "report.case_changed")
		w.fails(report.Reopen(ctx, w.db, w.Analyst, k.ID, "x"), "report.case_state")
		w.ok(report.Take(ctx, w.db, w.Analyst, k.ID))
		k = w.caseOf(r.ID)
		if k.State != report.Triage || k.TakenBy != w.Analyst.Account || k.Taker == "" || k.Taken.IsZero() {
			t.Errorf("taken: %+v", k)
		}
		taken := k.Taken
		w.ok(report.Take(ctx, w.db, w.Operator, k.ID)) // another takes over
		if k = w.caseOf(r.ID); k.TakenBy != w.Operator.Account || !k.Taken.Equal(taken) {
			t.Errorf("taken over: %+v", k)
		}
		mine, err := report.Cases(ctx, w.db, w.Analyst, report.CaseFilter{Mine: true})
		if err != nil || len(mine.Items) != 0 {
			t.Errorf("%d are the analyst's, %v", len(mine.Items), err)
		}
		w.ok(report.Dismiss(ctx, w.db, w.Analyst, k.ID, k.Revision, "宅配業者の本物の連絡"))
		if k = w.caseOf(r.ID); k.State != report.Dismissed || k.Reason == "" || k.Decided.IsZero() {
			t.Errorf("dismissed: %+v", k)
		}
		if got := kinds(w.notices(w.StaffA)); !slices.Equal(got, []report.NoticeKind{report.ToldDismissed}) {
			t.Errorf("the reporter was told %v", got)
		}
		// Another of the wave stays dismissed, and counts as fresh.
		another := w.submit(w.StaffB, parcel(2))
		if k = w.caseOf(another.ID); k.ID != w.caseOf(r.ID).ID || k.State != report.Dismissed || k.Fresh != 1 || k.Reports != 2 {
			t.Errorf("another of a dismissed wave: %+v", k)
		}
		w.ok(report.Reopen(ctx, w.db, w.Analyst, k.ID, "ほかの施設にも届いた"))
		if k = w.caseOf(r.ID); k.State != report.Triage || k.Reopened.IsZero() {
			t.Errorf("reopened: %+v", k)
		}
		// One that is known to be malicious reopens by itself.
		w.ok(report.Dismiss(ctx, w.db, w.Analyst, k.ID, k.Revision, "x"))
		host, err := indicator.Normalise(indicator.Domain, "www.parcel-again.example")
		w.ok(err)
		_, err = advisory.Submit(ctx, w.db, w.Analyst, w.guard, advisory.Submission{State: advisory.Published, Content: advisory.Content{
			Category: category.Phishing, TLP: tlp.Green, Title: "x", Body: "y", Indicators: []indicator.Value{host}}})
		w.ok(err)
		bad := w.submit(w.OtherA, parcel(3))
		if bad.Verdict != mailcheck.Malicious {
			t.Fatalf("a mail with a known host is %s", bad.Verdict)
		}
		if k = w.caseOf(bad.ID); k.State != report.Triage || k.Verdict != mailcheck.Malicious || k.Reports != 3 {
			t.Errorf("after a malicious mail: %+v", k)
		}
	})
}

func TestMergeAndSplit(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b, c := w.submit(w.StaffA, parcel(1)), w.submit(w.StaffB, payroll(1)), w.submit(w.OtherA, parcel(2))
		one, two := w.caseOf(a.ID), w.caseOf(b.ID)
		if one.ID == two.ID || w.caseOf(c.ID).ID != one.ID {
			t.Fatalf("cases %d, %d, %d", one.ID, two.ID, w.caseOf(c.ID).ID)
		}
		w.fails(report.Merge(ctx, w.db, w.Analyst, one.ID, one.ID), "report.merge_which")
		w.fails(report.Merge(ctx, w.db, w.Analyst, one.ID, 99), "fault.not_found")
		w.ok(report.Take(ctx, w.db, w.Analyst, two.ID))
		w.ok(report.Merge(ctx, w.db, w.Analyst, one.ID, two.ID, two.ID))
		k := w.caseOf(b.ID)
		if k.ID != one.ID || k.Reports != 3 || k.Institutions != 2 || k.State != report.Triage || k.TakenBy != w.Analyst.Account {
			t.Errorf("merged: %+v", k)
		}
		gone, err := report.GetCase(ctx, w.db, w.Analyst, two.ID)
		if err != nil || gone.State != report.Merged || gone.MergedInto != one.ID || gone.Reports != 0 || len(gone.ByOrg) != 0 {
			t.Errorf("the other: %+v, %v", gone, err)
		}
		w.fails(report.Take(ctx, w.db, w.Analyst, two.ID), "report.case_state")
		// The next of either wave joins the merged case.
		if n := w.caseOf(w.submit(w.StaffB, payroll(2)).ID).ID; n != one.ID {
			t.Errorf("the next of the merged wave is in case %d", n)
		}
		_, err = report.Split(ctx, w.db, w.Analyst, one.ID, a.ID, 99)
		w.fails(err, "report.split_which")
		page, err := report.List(ctx, w.db, w.Analyst, report.Filter{Case: one.ID})
		w.ok(err)
		var all []int64
		for _, r := range page.Items {
			all = append(all, r.ID)
		}
		_, err = report.Split(ctx, w.db, w.Analyst, one.ID, all...)
		w.fails(err, "report.split_which")
		split, err := report.Split(ctx, w.db, w.Analyst, one.ID, a.ID, c.ID)
		w.ok(err)
		k, err = report.GetCase(ctx, w.db, w.Analyst, split)
		if err != nil || k.Reports != 2 || k.Institutions != 1 || k.Title != a.Subject || k.State != report.Triage || k.TakenBy != w.Analyst.Account {
			t.Errorf("split: %+v, %v", k, err)
		}
		if n := w.caseOf(w.submit(w.StaffB, parcel(5)).ID).ID; n != split {
			t.Errorf("the next parcel is in case %d, want %d", n, split)
		}
		if n := w.caseOf(w.submit(w.ContactB, payroll(6)).ID).ID; n != one.ID {
			t.Errorf("the next payroll is in case %d, want %d", n, one.ID)
		}
		if n := w.count(`SELECT COUNT(*) FROM wave_print WHERE id NOT IN (SELECT print_id FROM mail_report)`); n != 0 {
			t.Errorf("%d prints of no report", n)
		}
		for _, id := range []int64{one.ID, split} {
			if n := w.count(`SELECT COUNT(*) FROM mail_report r JOIN wave_print p ON p.id = r.print_id WHERE r.case_id = $1 AND p.case_id <> r.case_id`, id); n != 0 {
				t.Errorf("%d reports with a print of another case", n)
			}
		}
	})
}

func mailing(t *testing.T) *mailer.Mailer {
	ml, err := mailer.New(mailer.Config{Server: "127.0.0.1:25", Security: mailer.None, From: "teiten@portal.example", Host: "portal.example"},
		slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		t.Fatal(err)
	}
	return ml
}

// From reports to an advisory: what is suggested, who is told, what is known
// then.
func TestPublish(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		ml := mailing(t)
		a := w.submit(w.StaffA, parcel(1))
		w.submit(w.ward(w.StaffA, 5), parcel(2))
		w.submit(w.StaffB, parcel(3))
		k := w.caseOf(a.ID)
		s, err := report.Suggest(ctx, w.db, w.Analyst, w.guard, k.ID)
		w.ok(err)
		if s.Content.Category != category.Phishing || s.Content.TLP != tlp.AmberStrict || !strings.Contains(s.Content.Title, "お荷物") || !s.Content.ObservedAt.Equal(k.First) {
			t.Errorf("suggested %+v", s.Content)
		}
		if !slices.Contains(s.Content.Techniques, "T1566.002") {
			t.Errorf("techniques %v", s.Content.Techniques)
		}
		hosts := 0
		for _, v := range s.Content.Indicators {
			if v.Host == "www.parcel-again.example" {
				hosts++
			}
			if strings.Contains(v.Value, "hospital") {
				t.Errorf("a recipient's address is an indicator: %s", v.Value)
			}
		}
		if hosts == 0 || len(s.Indicators) < len(s.Content.Indicators) || s.Indicators[0].Reports != 3 || s.Indicators[0].Institutions != 2 {
			t.Errorf("indicators %+v", s.Indicators)
		}
		for _, bad := range []string{"https://", "鈴木", "高橋", "user1", "@delivery-note"} {
			if strings.Contains(s.Content.Title+s.Content.Body, bad) {
				t.Errorf("the draft has %q:\n%s", bad, s.Content.Body)
			}
		}
		_, err = report.Publish(ctx, w.db, ml, w.Analyst, w.guard, k.ID, k.Revision+1, s.Content, advisory.Published)
		w.fails(err, "report.case_changed")
		draft, err := report.Publish(ctx, w.db, ml, w.Analyst, w.guard, k.ID, k.Revision, s.Content, advisory.Draft)
		w.ok(err)
		if k = w.caseOf(a.ID); k.State != report.Triage || k.Advisory != draft || k.AdvisoryIs != advisory.Draft || len(w.notices(w.StaffA)) != 0 {
			t.Errorf("with a draft: %+v", k)
		}
		w.fails(report.Dismiss(ctx, w.db, w.Analyst, k.ID, k.Revision, "x"), "report.case_advisory")
		if r, err := report.Get(ctx, w.db, w.StaffA, a.ID); err != nil || r.Advisory != 0 {
			t.Errorf("the reporter sees the draft: %+v, %v", r, err)
		}
		d, err := advisory.Get(ctx, w.db, w.Analyst, draft)
		w.ok(err)
		w.ok(report.PublishAdvisory(ctx, w.db, ml, w.Analyst, w.guard, draft, d.Revision))
		if k = w.caseOf(a.ID); k.State != report.Published || k.Decided.IsZero() || k.AdvisoryIs != advisory.Published {
			t.Errorf("published: %+v", k)
		}
		// The reporters are told, and for the shared PC the contact.
		for _, c := range []caller.Caller{w.StaffA, w.ContactA, w.StaffB} {
			all := w.notices(c)
			if len(all) != 1 || all[0].Kind != report.ToldPublished || all[0].Advisory != draft || all[0].Subject == "" {
				t.Errorf("%s was told %+v", c.Name, all)
			}
		}
		for _, c := range []caller.Caller{w.OtherA, w.ContactB, w.Analyst, w.MachineA} {
			if all := w.notices(c); len(all) != 0 {
				t.Errorf("%s was told %+v", c.Name, all)
			}
		}
		if n := w.count(`SELECT COUNT(*) FROM job WHERE kind = $1`, mailer.SendJob); n != 3 {
			t.Errorf("%d mails are to be sent, want 3", n)
		}
		w.ok(report.MarkRead(ctx, w.db, w.StaffB, w.notices(w.StaffA)[0].ID)) // not his
		if w.notices(w.StaffA)[0].Read != (time.Time{}) {
			t.Error("somebody else read a notice")
		}
		w.ok(report.MarkRead(ctx, w.db, w.StaffA))
		unread, err := report.Notices(ctx, w.db, w.StaffA, true, 10)
		if err != nil || len(unread) != 0 {
			t.Errorf("unread %v, %v", unread, err)
		}
		r, err := report.Get(ctx, w.db, w.StaffA, a.ID)
		if err != nil || r.Advisory != draft || r.State != report.Published {
			t.Errorf("the reporter sees %+v, %v", r, err)
		}
		w.fails(report.Withdraw(ctx, w.db, w.blobs, w.StaffA, a.ID), "report.withdraw_published")
		w.fails(report.Withdraw(ctx, w.db, w.blobs, w.ContactA, a.ID), "report.withdraw_published")
		w.fails(report.Withdraw(ctx, w.db, w.blobs, w.Analyst, a.ID), "report.withdraw") // reads it, and it is not his
		w.fails(report.Withdraw(ctx, w.db, w.blobs, w.OtherA, a.ID), "fault.not_found")  // a colleague
		w.fails(report.Withdraw(ctx, w.db, w.blobs, w.ContactB, a.ID), "fault.not_found")
		// Checks know it at once.
		answer, err := w.checker.Check(ctx, w.db, w.ContactB, parcel(77))
		if err != nil || answer.Verdict != mailcheck.Malicious || answer.Wave == nil || answer.Wave.Advisory != draft || answer.Wave.Case != k.ID {
			t.Errorf("a check after publication: %s, %+v, %v", answer.Verdict, answer.Wave, err)
		}
		if of, err := report.CaseOf(ctx, w.db, w.Analyst, draft); of != k.ID || err != nil {
			t.Errorf("the advisory's case is %d, %v", of, err)
		}
		if of, err := report.CaseOf(ctx, w.db, w.StaffA, draft); of != 0 || err != nil {
			t.Errorf("a member learns the case %d, %v", of, err)
		}
		// It is withdrawn elsewhere, and the case follows.
		d, err = advisory.Get(ctx, w.db, w.Analyst, draft)
		w.ok(err)
		w.ok(advisory.Withdraw(ctx, w.db, w.Analyst, w.guard, draft, d.Revision, "誤り"))
		for want := range 2 {
			if n, err := report.Follow(ctx, w.db, ml); n != 1-want || err != nil {
				t.Errorf("%d cases followed, %v", n, err)
			}
		}
		if k = w.caseOf(a.ID); k.State != report.Triage || k.AdvisoryIs != advisory.Withdrawn {
			t.Errorf("after the withdrawal: %+v", k)
		}
		if got := kinds(w.notices(w.StaffA)); !slices.Equal(got, []report.NoticeKind{report.ToldWithdrawn, report.ToldPublished}) {
			t.Errorf("the reporter was told %v", got)
		}
	})
}

// A case can get an advisory that is there already; merging gives it on.
func TestLinkAndMergePublished(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		a, b := w.submit(w.StaffA, parcel(1)), w.submit(w.StaffB, payroll(1))
		one, two := w.caseOf(a.ID), w.caseOf(b.ID)
		submit := func() int64 {
			id, err := advisory.Submit(ctx, w.db, w.Analyst, w.guard, advisory.Submission{State: advisory.Published,
				Content: advisory.Content{Category: category.Phishing, TLP: tlp.Green, Title: "x", Body: "y"}})
			w.ok(err)
			return id
		}
		known := submit()
		w.fails(report.Link(ctx, w.db, nil, w.Analyst, one.ID, 99), "fault.not_found")
		w.ok(report.Link(ctx, w.db, nil, w.Analyst, one.ID, known))
		if k := w.caseOf(a.ID); k.State != report.Published || k.Advisory != known || len(w.notices(w.StaffA)) != 1 {
			t.Errorf("linked: %+v", k)
		}
		w.ok(report.Merge(ctx, w.db, w.Analyst, two.ID, one.ID))
		if _, err := report.Follow(ctx, w.db, nil); err != nil {
			t.Fatal(err)
		}
		if k := w.caseOf(a.ID); k.ID != two.ID || k.State != report.Published || k.Advisory != known || len(w.notices(w.StaffB)) != 1 {
			t.Errorf("merged: %+v", k)
		}
		third := w.caseOf(w.submit(w.OtherA, unlike(1)).ID)
		w.ok(report.Link(ctx, w.db, nil, w.Analyst, third.ID, submit()))
		w.fails(report.Merge(ctx, w.db, w.Analyst, two.ID, third.ID), "report.merge_advisories")
	})
}

// The words that the program makes keys of exist.
func TestWords(t *testing.T) {
	for _, l := range locale.Langs {
		for _, s := range append([]report.State{report.Merged}, report.States...) {
			if strings.HasPrefix(s.Name(l), "[") {
				t.Errorf("%s has no word in %s", s, l)
			}
		}
		for _, s := range []report.ConsentState{report.Asked, report.Granted, report.Refused, report.Revoked, report.Ended} {
			if strings.HasPrefix(s.Name(l), "[") {
				t.Errorf("%s has no word in %s", s, l)
			}
		}
		for _, k := range []report.NoticeKind{report.ToldPublished, report.ToldDismissed, report.ToldWithdrawn, report.ToldAsked, report.ToldAnswered} {
			if strings.HasPrefix(k.Text(l), "[") {
				t.Errorf("%s has no sentence in %s", k, l)
			}
		}
	}
}
