// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/guard"
	"teiten/internal/locale"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

var ctx = context.Background()

// open opens a case with reports of organisations, as package report does.
func open(t testing.TB, db *store.DB, p Print, at time.Time, orgs ...int64) (id, print int64) {
	t.Helper()
	err := db.Keep(ctx, func(tx *store.Tx) (err error) {
		when := store.Micros(at)
		id, err = tx.Insert(ctx, `INSERT INTO mail_case (state, title, verdict, reports, first_at, last_at, opened_at, taken_by, taken_at, decided_at,
			reopened_at, reason, advisory_id, advisory_state, merged_into, revision) VALUES ('new', 'x', 0, 1, $1, $1, $1, 0, 0, 0, 0, '', 0, '', 0, 1) RETURNING id`, when)
		if err != nil {
			return err
		}
		for _, org := range orgs {
			if _, err := tx.Exec(ctx, `INSERT INTO case_organisation (case_id, organisation_id, reports, first_at, last_at) VALUES ($1, $2, 2, $3, $3)`, id, org, when); err != nil {
				return err
			}
		}
		print, err = Put(ctx, tx, id, p, at)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return id, print
}

// What a member is told of a wave, and what not.
func TestFind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		r := seeded(3)
		wave := newPlan(r)
		first := Of(read(t, wave.mail(r)), db.Key)
		again := Of(read(t, wave.mail(r)), db.Key)
		if seen, err := Find(ctx, db, p.StaffA, again); seen != nil || err != nil {
			t.Fatalf("before any report: %+v, %v", seen, err)
		}
		at := time.Now().Add(-3 * time.Hour)
		day := func(t time.Time) time.Time {
			y, m, d := t.In(locale.Tokyo).Date()
			return time.Date(y, m, d, 0, 0, 0, 0, locale.Tokyo)
		}
		id, _ := open(t, db, first, at, p.ContactA.Org, p.ContactV.Org)
		find := func(c caller.Caller) *Seen {
			t.Helper()
			seen, err := Find(ctx, db, c, again)
			if err != nil {
				t.Fatal(err)
			}
			return seen
		}
		// Two institutions: only that there are fewer than three, no day, no case.
		seen := find(p.StaffB)
		if seen == nil || seen.Case != 0 || seen.Advisory != 0 || seen.Institutions.Fewer != 3 || seen.Institutions.N != 0 || !seen.First.IsZero() || seen.Own != 0 || seen.Alike < Threshold {
			t.Errorf("another institution is told %+v", seen)
		}
		if seen = find(p.StaffA); seen == nil || seen.Own != 2 || !seen.First.Equal(day(at)) || !seen.Institutions.Hidden() || seen.Case != 0 {
			t.Errorf("its own institution is told %+v", seen)
		}
		if seen = find(p.Analyst); seen == nil || seen.Case != id || seen.Institutions.N != 2 || !seen.First.Equal(day(at)) {
			t.Errorf("an analyst is told %+v", seen)
		}
		storetest.Exec(t, db, `INSERT INTO case_organisation (case_id, organisation_id, reports, first_at, last_at) VALUES ($1, $2, 1, 1, 1)`, id, p.ContactO.Org)
		if seen = find(p.StaffB); seen == nil || seen.Institutions.N != 3 || !seen.First.Equal(day(at)) || seen.Case != 0 {
			t.Errorf("with three institutions a member is told %+v", seen)
		}
		// Its advisory is for institutions only.
		a, err := advisory.Submit(ctx, db, p.Analyst, guard.New(nil), advisory.Submission{State: advisory.Published,
			Content: advisory.Content{Category: category.Phishing, TLP: tlp.AmberStrict, Title: "x", Body: "y"}})
		if err != nil {
			t.Fatal(err)
		}
		storetest.Exec(t, db, `UPDATE mail_case SET advisory_id = $1, state = 'published' WHERE id = $2`, a, id)
		if seen = find(p.StaffB); seen == nil || seen.Advisory != a || seen.Case != id {
			t.Errorf("whom the advisory is for is told %+v", seen)
		}
		if seen = find(p.ContactV); seen == nil || seen.Advisory != 0 || seen.Case != 0 {
			t.Errorf("whom the advisory is not for is told %+v", seen)
		}
		storetest.Exec(t, db, `UPDATE mail_case SET advisory_id = 0, state = 'dismissed' WHERE id = $1`, id)
		if seen = find(p.StaffA); seen != nil {
			t.Errorf("of a dismissed wave a member is told %+v", seen)
		}
		if seen = find(p.Analyst); seen == nil || !seen.Dismissed || seen.Case != id {
			t.Errorf("of a dismissed wave an analyst is told %+v", seen)
		}
	})
}

// The index finds what comparing with everything finds.
func TestIndexFindsTheClosest(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := seeded(11)
		type stored struct {
			of    int64
			print Print
		}
		var all []stored
		add := func(raw string) {
			p := Of(read(t, raw), db.Key)
			id, _ := open(t, db, p, time.Now())
			all = append(all, stored{id, p})
		}
		var plans []plan
		for i := range 60 {
			plans = append(plans, newPlan(r))
			add(plans[i].mail(r))
		}
		for range 200 {
			add(ordinary(r))
		}
		alike, found, each := 0, 0, 10
		if testing.Short() {
			each = 3
		}
		for i, p := range plans {
			for range each {
				print := Of(read(t, p.mail(r)), db.Key)
				m, err := Closest(ctx, db, print)
				if err != nil {
					t.Fatal(err)
				}
				best, of := 0.0, int64(0)
				for _, s := range all {
					if likeness := Alike(&print, &s.print); likeness > best {
						best, of = likeness, s.of
					}
				}
				if best < Threshold {
					of = 0
				}
				if m.Case != 0 && m.Case != all[i].of {
					t.Errorf("a mail of wave %d was found in case %d", i, m.Case)
				}
				if of != 0 {
					alike++
				}
				if of != 0 && m.Case == of {
					found++
				}
			}
		}
		t.Logf("with one earlier mail of the wave %d of %d are alike (%.1f %%); by the index %d are found", alike, each*len(plans), 100*float64(alike)/float64(each*len(plans)), found)
		if alike < each*len(plans)*9/10 || found < alike*99/100 {
			t.Errorf("%d of %d alike, %d found", alike, each*len(plans), found)
		}
	})
}

func TestPutCopyForgetSweep(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := seeded(5)
		p := Of(read(t, newPlan(r).mail(r)), db.Key)
		old := time.Now().Add(-Memory - time.Hour)
		a, print := open(t, db, p, old)
		if m, err := Closest(ctx, db, p); m.Case != 0 || err != nil {
			t.Errorf("a wave that is over was found: %+v, %v", m, err)
		}
		count := func(query string) (n int) {
			if err := db.QueryRow(ctx, query).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n, err := Sweep(ctx, db); n != 1 || err != nil || count(`SELECT COUNT(*) FROM wave_feature`) != 0 || count(`SELECT COUNT(*) FROM wave_print`) != 1 {
			t.Errorf("swept %d, %v", n, err)
		}
		// The same print again: the old row is found again and indexed anew.
		err := db.Keep(ctx, func(tx *store.Tx) error {
			again, err := Put(ctx, tx, a, p, tx.Now)
			if again != print {
				t.Errorf("the same print is %d and %d", print, again)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := Closest(ctx, db, p); m.Case != a || m.Alike < 0.99 || err != nil {
			t.Errorf("the wave that came back: %+v, %v", m, err)
		}
		b, other := open(t, db, Of(read(t, ordinary(r)), db.Key), time.Now())
		err = db.Keep(ctx, func(tx *store.Tx) error {
			if _, err := Copy(ctx, tx, print, b); err != nil {
				return err
			}
			if err := Forget(ctx, tx, other); err != nil {
				return err
			}
			return Forget(ctx, tx, print)
		})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := Closest(ctx, db, p); m.Case != b || err != nil {
			t.Errorf("after the move: %+v, %v", m, err)
		}
		if n := count(`SELECT COUNT(*) FROM wave_feature WHERE print_id NOT IN (SELECT id FROM wave_print)`); n != 0 {
			t.Errorf("%d features of no print", n)
		}
		var empty Print
		err = db.Keep(ctx, func(tx *store.Tx) error {
			id, err := Put(ctx, tx, a, empty, tx.Now)
			if id != 0 {
				t.Error("an empty print was stored")
			}
			return err
		})
		if m, failed := Closest(ctx, db, empty); m.Case != 0 || err != nil || failed != nil {
			t.Errorf("an empty print belongs to %+v, %v, %v", m, err, failed)
		}
	})
}

// A mail makes the same print however it is encoded, and one that says nothing
// of its recipient.
func TestPrintSaysNothingOfTheRecipient(t *testing.T) {
	mailTo := func(name, address, number, token string) Print {
		return Of(read(t, strings.ReplaceAll("From: 見本 <info@sender.example>\nTo: "+name+" <"+address+">\nSubject: "+name+"様 お荷物 "+number+" のお届け\n\n"+
			name+" 様\n"+strings.Repeat("お荷物の配達にうかがいましたが、ご不在のため持ち帰りました。", 3)+
			"\n"+address+" 宛て\n送り状番号 "+number+"\nhttps://parcel.example/again/delivery/index.php?id="+token+"\n", "\n", "\r\n")), key)
	}
	a := mailTo("山田 太郎", "taro.yamada@hospital.example", "1234-5678", "a8f3c2d19e")
	b := mailTo("佐々木花子", "sasaki@clinic.example.jp", "990011", "00ffee112233aa")
	if !slices.Equal(a.Features, b.Features) || !reflect.DeepEqual(a.Text, b.Text) || !reflect.DeepEqual(a.Title, b.Title) || a.Empty() {
		t.Errorf("two recipients of the same mail have different prints: alike %.2f\n%v\n%v", Alike(&a, &b), a.Features, b.Features)
	}
}

func TestEncode(t *testing.T) {
	r := seeded(9)
	for range 50 {
		p := Of(read(t, newPlan(r).mail(r)), key)
		b := p.encode()
		back, err := decode(b)
		if err != nil || !slices.Equal(back.Features, p.Features) || !reflect.DeepEqual(back.Text, p.Text) || !reflect.DeepEqual(back.Title, p.Title) || back.Length != p.Length {
			t.Fatalf("%v\n%+v\n%+v", err, p, back)
		}
		if len(p.lookup()) > indexed {
			t.Errorf("%d features are looked up, more than %d", len(p.lookup()), indexed)
		}
		for n := range b {
			if _, err := decode(b[:n]); err == nil {
				t.Fatalf("%d of %d bytes are a print", n, len(b))
			}
		}
	}
}
