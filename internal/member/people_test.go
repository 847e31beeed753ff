// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package member_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// add registers an account.
func add(db *store.DB, c caller.Caller, a member.Account) (id int64, err error) {
	err = db.Write(ctx, c, func(tx *store.Tx) error {
		id, err = member.AddAccount(ctx, tx, a)
		return err
	})
	return id, err
}

// must is add that succeeds, and the caller that the account is.
func must(t *testing.T, db *store.DB, c caller.Caller, a member.Account) caller.Caller {
	t.Helper()
	id, err := add(db, c, a)
	if err != nil {
		t.Fatal(err)
	}
	got, err := member.Caller(ctx, db, id, "test")
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func in(org int64) member.Organisation { return member.Organisation{ID: org} }

// register is everything that the register holds, as text.
func register(t *testing.T, db *store.DB) string {
	t.Helper()
	var b strings.Builder
	for _, query := range []string{
		`SELECT id, organisation_id, name || '/' || title || '/' || role || '/' || login || '/' || mail, expires_at + left_at * 3 + CASE WHEN active THEN 1 ELSE 0 END FROM account ORDER BY id`,
		`SELECT id, left_at, name || '/' || short || '/' || kind || '/' || facility || '/' || prefecture, beds * 2 + CASE WHEN ward_check THEN 1 ELSE 0 END FROM organisation ORDER BY id`,
		`SELECT id, closed_at, name || '/' || purpose, 0 FROM sharing_group ORDER BY id`,
		`SELECT group_id, organisation_id, '', 0 FROM sharing_group_member ORDER BY group_id, organisation_id`,
		`SELECT id, organisation_id, domain || '/' || state || '/' || reason, decided_by FROM domain_request ORDER BY id`,
		`SELECT 0, organisation_id, domain, 0 FROM organisation_domain ORDER BY organisation_id, domain`,
		`SELECT id, account_id, name || '/' || scopes || '/' || hash, revoked_at + expires_at + replaced_by FROM token ORDER BY id`,
	} {
		rows, err := db.Query(ctx, query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var x, y, z int64
			var s string
			if err := rows.Scan(&x, &y, &s, &z); err != nil {
				t.Fatal(err)
			}
			fmt.Fprintln(&b, x, y, s, z)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		rows.Close()
	}
	return b.String()
}

func TestLogin(t *testing.T) {
	for written, want := range map[string]string{
		"Tanaka": "tanaka", "ｔａｎａｋａ．１": "tanaka.1", " a_b-c@example.jp ": "a_b-c@example.jp", "123": "123",
		"ab": "", "": "", "田中太郎": "", "a b": "", ".abc": "", "abc\x00": "", "аdmin": "" /* Cyrillic */, "ta\u200bnaka": "",
		strings.Repeat("a", 64): strings.Repeat("a", 64), strings.Repeat("a", 65): "", strings.Repeat("ａ", 5000): "", "\xff\xfe\xfd": "",
	} {
		got, err := member.FoldLogin(written)
		if got != want || (err == nil) != (want != "") || err != nil && fault.From(err).Field != "login" {
			t.Errorf("%.20q: %q, %v", written, got, err)
		}
	}
}

func FuzzFoldLogin(f *testing.F) {
	f.Add("Tanaka.1")
	f.Add("ｔａｎａｋａ")
	f.Fuzz(func(t *testing.T, s string) {
		got, err := member.FoldLogin(s)
		if err != nil {
			return
		}
		if again, err := member.FoldLogin(got); err != nil || again != got || len(got) < 3 || len(got) > 64 {
			t.Errorf("%q: %q, then %q, %v", s, got, again, err)
		}
	})
}

func TestAccount(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		a, o := in(p.ContactA.Org), in(p.ContactO.Org)
		soon := time.Now().Add(24 * time.Hour).Truncate(time.Microsecond).UTC()
		ok := member.Account{Org: a, Name: "田中", Role: caller.Staff, Login: "Ｔanaka", Mail: "tanaka@kou-byouin.jp", Title: "看護師"}
		c := must(t, db, p.ContactA, ok)
		got, err := member.Find(ctx, db, p.ContactA, c.Account)
		if err != nil || got.Login != "tanaka" || got.Mail != ok.Mail || got.Title != "看護師" || got.Org.Name != "甲病院" || !got.Active {
			t.Errorf("%+v, %v", got, err)
		}
		for name, w := range map[string]struct {
			by   caller.Caller
			with func(*member.Account)
			code string
		}{
			"taken":           {p.Operator, func(x *member.Account) { x.Login = "TANAKA" }, "member.login_taken"},
			"machine's login": {p.Operator, func(x *member.Account) { x.Role = caller.Machine }, "member.login_machine"},
			"mail":            {p.Operator, func(x *member.Account) { x.Mail = "a@b@c" }, "member.mail"},
			"mail header":     {p.Operator, func(x *member.Account) { x.Mail = "a@b.jp\r\nBcc: x@y.jp" }, "member.mail"},
			"mail name":       {p.Operator, func(x *member.Account) { x.Mail = "A <a@b.jp>" }, "member.mail"},
			"mail long":       {p.Operator, func(x *member.Account) { x.Mail = strings.Repeat("a", 250) + "@b.jp" }, "member.mail"},
			"title":           {p.Operator, func(x *member.Account) { x.Title = "a\nb" }, "member.name_text"},
			"past":            {p.Operator, func(x *member.Account) { x.ExpiresAt = time.Now().Add(-time.Hour) }, "member.expires_past"},
			"analyst":         {p.ContactA, func(x *member.Account) { x.Role = caller.Analyst }, "member.role_isac"},
			"elsewhere":       {p.ContactB, func(*member.Account) {}, "fault.forbidden"},
			"staff":           {p.StaffA, func(*member.Account) {}, "fault.forbidden"},
			"analyst adds":    {p.Analyst, func(x *member.Account) { x.Org = in(p.Analyst.Org) }, "fault.forbidden"},
			"evaluator":       {p.Operator, func(x *member.Account) { x.Evaluator, x.ExpiresAt = true, soon }, "member.evaluator_outside"},
			"endless":         {p.Operator, func(x *member.Account) { x.Org, x.Evaluator = o, true }, "member.evaluator_expires"},
			"long": {p.Operator, func(x *member.Account) { x.Org, x.Evaluator, x.ExpiresAt = o, true, time.Now().AddDate(1, 0, 3) },
				"member.evaluator_long"},
			"evaluating contact": {p.Operator, func(x *member.Account) { x.Org, x.Evaluator, x.ExpiresAt, x.Role = o, true, soon, caller.Contact },
				"member.evaluator_role"},
			"by a contact":       {p.ContactO, func(x *member.Account) { x.Org, x.Evaluator, x.ExpiresAt = o, true, soon }, "fault.forbidden"},
			"operator with end":  {p.Operator, func(x *member.Account) { x.Org, x.Role, x.ExpiresAt = in(p.Operator.Org), caller.Operator, soon }, "member.expires_operator"},
			"operator elsewhere": {p.Operator, func(x *member.Account) { x.Role = caller.Operator }, "member.role_isac"},
		} {
			x := ok
			x.Login = "other"
			w.with(&x)
			before := register(t, db)
			_, err := add(db, w.by, x)
			if fault.Code(err) != w.code {
				t.Errorf("%s: %v, want %s", name, err, w.code)
			}
			if register(t, db) != before {
				t.Errorf("%s changed the register", name)
			}
		}
		// The ISAC's own contact makes nobody an operator, and touches none.
		isac := must(t, db, p.Operator, member.Account{Org: in(p.Operator.Org), Name: "窓口", Role: caller.Contact})
		_, err = add(db, isac, member.Account{Org: in(isac.Org), Name: "人", Role: caller.Operator})
		want(t, err, "member.role_delegated")
		want(t, member.Leave(ctx, db, isac, p.Analyst.Account, member.Left), "member.role_delegated")
		want(t, member.ChangeAccount(ctx, db, isac, member.Account{ID: p.ISACStaff.Account, Name: "人", Role: caller.Analyst}), "member.role_delegated")

		// Nothing personal in the records.
		records, err := audit.List(ctx, db, p.Operator, 0, 1000)
		want(t, err, "")
		for _, r := range records {
			if text := fmt.Sprint(r.Detail); strings.Contains(text, "tanaka") || strings.Contains(text, "田中") || strings.Contains(text, "看護師") {
				t.Errorf("record %d tells %s", r.ID, text)
			}
		}
	})
}

func TestChangeAccount(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		change := func(by caller.Caller, id int64, with func(*member.Account), code string) {
			t.Helper()
			a, err := member.Find(ctx, db, p.Operator, id)
			if err != nil {
				t.Fatal(err)
			}
			with(&a)
			before := register(t, db)
			want(t, member.ChangeAccount(ctx, db, by, a), code)
			if (register(t, db) == before) != (code != "") {
				t.Errorf("register changed: %v, want code %q", code != "", code)
			}
		}
		role := func(r caller.Role) func(*member.Account) { return func(a *member.Account) { a.Role = r } }
		change(p.ContactA, p.StaffA.Account, func(a *member.Account) { a.Login, a.Name = "Suzuki", "鈴木" }, "")
		change(p.ContactA, p.OtherA.Account, func(a *member.Account) { a.Login = "ｓuzuki" }, "member.login_taken")
		change(p.ContactA, p.StaffA.Account, func(a *member.Account) { a.Title = "主任" }, "") // its own login is not taken
		change(p.ContactA, p.StaffA.Account, role(caller.Contact), "")
		change(p.ContactA, p.ContactA.Account, role(caller.Staff), "member.own_role")
		change(p.ContactA, p.ContactA.Account, func(a *member.Account) { a.Mail = "kou@example.jp" }, "")
		change(p.ContactA, p.StaffB.Account, role(caller.Executive), "fault.not_found")
		change(p.StaffA, p.OtherA.Account, role(caller.Executive), "fault.forbidden")
		change(p.ContactA, p.MachineA.Account, role(caller.Staff), "member.role_machine")
		change(p.ContactA, p.OtherA.Account, role(caller.Machine), "member.role_machine")
		change(p.ContactA, p.OtherA.Account, role(caller.Operator), "member.role_isac")
		change(p.Operator, p.Operator.Account, role(caller.Analyst), "member.own_role")
		change(p.Operator, p.Analyst.Account, role(caller.Operator), "")
		analyst, err := member.Caller(ctx, db, p.Analyst.Account, "test") // who is an operator now
		want(t, err, "")
		change(analyst, p.Operator.Account, role(caller.Staff), "")
		change(p.Operator, p.Analyst.Account, role(caller.Analyst), "member.last_operator") // the caller has a session from before
		want(t, member.Leave(ctx, db, analyst, analyst.Account, member.Left), "member.last_operator")

		records, err := audit.List(ctx, db, analyst, 0, 1000)
		want(t, err, "")
		i := slices.IndexFunc(records, func(r audit.Record) bool {
			return r.Object == fmt.Sprintf("account/%d", p.Operator.Account) && r.Action == "account.change"
		})
		if i < 0 || fmt.Sprint(records[i].Detail["role"]) != "map[after:staff before:operator]" {
			t.Errorf("the record of the changed role: %v", records)
		}
	})
}

// Two operators who let each other go at the same time: one stays.
func TestLastOperatorStays(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		second := must(t, db, p.Operator, member.Account{Org: in(p.Operator.Org), Name: "もう一人", Role: caller.Operator})
		var wg sync.WaitGroup
		errs := make([]error, 2)
		for i, pair := range [2][2]caller.Caller{{p.Operator, second}, {second, p.Operator}} {
			wg.Go(func() { errs[i] = member.Leave(ctx, db, pair[0], pair[1].Account, member.Left) })
		}
		wg.Wait()
		codes := []string{fault.Code(errs[0]), fault.Code(errs[1])}
		slices.Sort(codes)
		if !slices.Equal(codes, []string{"", "member.last_operator"}) {
			t.Errorf("%v", errs)
		}
	})
}

func TestLeaveAndReturn(t *testing.T) {
	var told []int64
	fails := false
	member.OnLeave(func(_ context.Context, _ *store.Tx, account int64) error {
		told = append(told, account)
		if fails {
			return fault.New(fault.Internal, "fault.internal")
		}
		return nil
	})
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		told = nil
		before := register(t, db)
		want(t, member.Leave(ctx, db, p.ContactB, p.StaffA.Account, member.Left), "fault.not_found")
		want(t, member.Leave(ctx, db, p.StaffA, p.OtherA.Account, member.Left), "fault.forbidden")
		want(t, member.Leave(ctx, db, p.ContactA, p.StaffA.Account, "bored"), "member.reason")
		want(t, member.Leave(ctx, db, p.ContactA, p.StaffA.Account, member.Moved), "member.reason")
		want(t, member.Return(ctx, db, p.ContactA, p.StaffA.Account), "member.present")
		fails = true // what cannot be ended keeps the person from leaving half
		want(t, member.Leave(ctx, db, p.ContactA, p.StaffA.Account, member.Left), "fault.internal")
		if fails = false; register(t, db) != before || len(told) != 1 {
			t.Errorf("the register changed, or not what ends was called: %v", told)
		}
		told = nil
		want(t, member.Leave(ctx, db, p.ContactA, p.StaffA.Account, member.Left), "")
		if !slices.Equal(told, []int64{p.StaffA.Account}) {
			t.Errorf("ended: %v", told)
		}
		_, err := member.Caller(ctx, db, p.StaffA.Account, "web")
		want(t, err, "fault.not_found")
		want(t, member.Leave(ctx, db, p.ContactA, p.StaffA.Account, member.Left), "member.left")
		want(t, member.ChangeAccount(ctx, db, p.ContactA, member.Account{ID: p.StaffA.Account, Name: "人", Role: caller.Staff}), "member.left")
		people, err := member.People(ctx, db, p.ContactA, p.ContactA.Org)
		if err != nil || len(people) != 5 || !slices.ContainsFunc(people, func(a member.Account) bool { return a.ID == p.StaffA.Account && !a.LeftAt.IsZero() && !a.Active }) {
			t.Errorf("%+v, %v", people, err)
		}
		want(t, member.Return(ctx, db, p.ContactB, p.StaffA.Account), "fault.not_found")
		want(t, member.Return(ctx, db, p.ContactA, p.StaffA.Account), "")
		if c, err := member.Caller(ctx, db, p.StaffA.Account, "test"); err != nil || c != p.StaffA {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestMove(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		c := must(t, db, p.ContactA, member.Account{Org: in(p.ContactA.Org), Name: "佐々木", Role: caller.Contact, Login: "sasaki", Mail: "s@example.jp", Title: "係長"})
		for name, w := range map[string]struct {
			by      caller.Caller
			account int64
			to      int64
			role    caller.Role
			code    string
		}{
			"by a contact": {p.ContactA, c.Account, p.ContactB.Org, caller.Staff, "fault.forbidden"},
			"same":         {p.Operator, c.Account, p.ContactA.Org, caller.Staff, "member.move_same"},
			"nowhere":      {p.Operator, c.Account, 999, caller.Staff, "fault.not_found"},
			"nobody":       {p.Operator, 999, p.ContactB.Org, caller.Staff, "fault.not_found"},
			"machine":      {p.Operator, p.MachineA.Account, p.ContactB.Org, caller.Staff, "member.move_machine"},
			"role":         {p.Operator, c.Account, p.ContactB.Org, caller.Analyst, "member.role_isac"},
			"herself":      {p.Operator, p.Operator.Account, p.ContactB.Org, caller.Staff, "member.own_role"},
		} {
			before := register(t, db)
			_, err := member.Move(ctx, db, w.by, w.account, w.to, w.role, "")
			if fault.Code(err) != w.code || register(t, db) != before {
				t.Errorf("%s: %v, want %s", name, err, w.code)
			}
		}
		id, err := member.Move(ctx, db, p.Operator, c.Account, p.ContactB.Org, caller.Staff, "")
		want(t, err, "")
		_, err = member.Caller(ctx, db, c.Account, "web")
		want(t, err, "fault.not_found")
		now, err := member.Caller(ctx, db, id, "web")
		if err != nil || now.Org != p.ContactB.Org || now.Role != caller.Staff || now.Name != "佐々木" || id == c.Account {
			t.Errorf("%+v, %v", now, err)
		}
		moved, err := member.Find(ctx, db, p.ContactB, id)
		if err != nil || moved.Login != "sasaki" || moved.Mail != "s@example.jp" || moved.Title != "" || moved.MovedFrom != c.Account {
			t.Errorf("%+v, %v", moved, err)
		}
		old, err := member.Find(ctx, db, p.ContactA, c.Account)
		if err != nil || old.Login != "" || old.Mail != "" || old.Name != "佐々木" {
			t.Errorf("%+v, %v", old, err)
		}
		_, err = member.Find(ctx, db, p.ContactA, id)
		want(t, err, "fault.not_found")
		want(t, member.Return(ctx, db, p.ContactA, c.Account), "member.moved")
		back, err := member.Move(ctx, db, p.Operator, id, p.ContactA.Org, caller.Staff, "係長")
		if want(t, err, ""); back == c.Account {
			t.Error("the old account came back to life")
		}
	})
}

func TestExpiryAndEvaluations(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB, p *membertest.People) {
		end := time.Now().AddDate(0, 6, 0).Truncate(time.Microsecond).UTC()
		e := must(t, db, p.Operator, member.Account{Org: in(p.ContactO.Org), Name: "研究者", Role: caller.Staff, Login: "kenkyu", Evaluator: true, ExpiresAt: end})
		second := must(t, db, p.Operator, member.Account{Org: in(p.ContactO.Org), Name: "研究者二", Role: caller.Staff, Evaluator: true, ExpiresAt: end})
		for at, code := range map[time.Time]string{end.Add(-time.Microsecond): "", end: "fault.not_found", end.AddDate(0, 1, 0): "fault.not_found"} {
			err := db.View(store.At(ctx, at), p.Operator, func(tx *store.Tx) error {
				_, err := member.Caller(ctx, tx, e.Account, "web")
				all, listed := member.Accounts(ctx, tx)
				if has := slices.ContainsFunc(all, func(a member.Account) bool { return a.ID == e.Account }); listed != nil || has != (err == nil) {
					t.Errorf("at %v: listed %v, %v", at, has, listed)
				}
				return err
			})
			want(t, err, code)
		}
		if err := db.Keep(ctx, func(tx *store.Tx) error {
			for i, o := range []struct {
				subject string
				who     int64
				helped  bool
			}{{"advisory/1", e.Account, true}, {"advisory/2", e.Account, true}, {"advisory/3", e.Account, false}, {"search", e.Account, true},
				{"advisory/1", p.StaffA.Account, true}, {"search", p.StaffA.Account, false}} {
				if _, err := tx.Exec(ctx, `INSERT INTO opinion (subject, account_id, organisation_id, day, at, helped) VALUES ($1, $2, $3, $4, $5, $6)`,
					o.subject, o.who, p.ContactO.Org, i, 1, o.helped); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		p.Each(func(name string, c caller.Caller) {
			_, _, err := member.Evaluations(ctx, db, c)
			if (err == nil) != (c == p.Operator) {
				t.Errorf("%s: %v", name, err)
			}
		})
		want(t, member.Leave(ctx, db, p.Operator, second.Account, member.Left), "")
		all, total, err := member.Evaluations(ctx, db, p.Operator)
		if err != nil || len(all) != 2 {
			t.Fatalf("%+v, %v", all, err)
		}
		first := member.Evaluation{Account: e.Account, Name: "研究者", OrgName: "丁庁", ExpiresAt: end, Admitted: true, AdvisoryHelped: 2, AdvisoryNotHelped: 1, SearchHelped: 1}
		if all[0] != first || all[1].Answers() != 0 || all[1].Admitted || total != (member.Evaluation{AdvisoryHelped: 2, AdvisoryNotHelped: 1, SearchHelped: 1}) {
			t.Errorf("%+v, total %+v", all, total)
		}
		if row := first.Record(); len(row) != len(member.EvaluationHeader()) || row[9] != "4" || !strings.HasSuffix(row[3], "+09:00") {
			t.Errorf("%q", row)
		}
		// Prolonged: at most a year from now; one that has run out can be changed.
		a, err := member.Find(ctx, db, p.Operator, e.Account)
		want(t, err, "")
		later := store.At(ctx, end.AddDate(0, 1, 0))
		a.Name = "研究者改"
		want(t, member.ChangeAccount(later, db, p.Operator, a), "")
		a.ExpiresAt = end.AddDate(1, 1, 5)
		want(t, member.ChangeAccount(later, db, p.Operator, a), "member.evaluator_long")
		a.ExpiresAt = end.AddDate(0, 6, 0)
		want(t, member.ChangeAccount(later, db, p.Operator, a), "")
		_, err = member.Move(ctx, db, p.Operator, e.Account, p.ContactA.Org, caller.Staff, "")
		want(t, err, "member.move_evaluator")
	})
}

func TestFound(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		found := func(isac, name, login string) (org, account int64, err error) {
			err = db.Write(ctx, caller.System("init"), func(tx *store.Tx) error {
				org, account, err = member.Found(ctx, tx, isac, name, login)
				return err
			})
			return org, account, err
		}
		local, err := member.LocalOperator(ctx, db, "cli")
		want(t, err, "")
		_, _, err = found("医療ISAC", "山田", "x")
		want(t, err, "member.login_length")
		_, _, err = found(" ", "山田", "yamada")
		want(t, err, "member.name_empty")
		org, account, err := found("医療ISAC", "山田", "Yamada")
		if err != nil || account != local.Account || org != local.Org {
			t.Fatalf("%d %d %v", org, account, err)
		}
		_, _, err = found("別のISAC", "鈴木", "suzuki")
		want(t, err, "member.founded")
		c, err := member.LocalOperator(ctx, db, "cli")
		if err != nil || c.Account != account || c.Name != "山田" || c.OrgName != "医療ISAC" {
			t.Errorf("%+v, %v", c, err)
		}
		if a, err := member.Find(ctx, db, c, account); err != nil || a.Login != "yamada" {
			t.Errorf("%+v, %v", a, err)
		}
	})
	storetest.Each(t, func(t *testing.T, db *store.DB) { // the first thing that is done at all
		err := db.Write(ctx, caller.System("init"), func(tx *store.Tx) error {
			org, account, err := member.Found(ctx, tx, "医療ISAC", "山田", "yamada")
			if err != nil {
				return err
			}
			c, err := member.Caller(ctx, tx, account, "cli")
			if c.Org != org || c.OrgKind != caller.ISAC || c.Role != caller.Operator {
				t.Errorf("%+v", c)
			}
			return err
		})
		want(t, err, "")
	})
}
