// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// told are the actions and objects of the newest records, the newest first.
func told(t *testing.T, db *store.DB, n int) []audit.Record {
	t.Helper()
	all, err := audit.List(ctx, db, operator, 0, n)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func do(t *testing.T, db *store.DB, c caller.Caller, at time.Time, action, object string, pairs ...any) {
	t.Helper()
	if err := db.Write(store.At(ctx, at), c, func(tx *store.Tx) error { return audit.Append(ctx, tx, action, object, pairs...) }); err != nil {
		t.Fatal(err)
	}
}

// Reading is recorded, and each reads what they may.
func TestRead(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		day := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
		do(t, db, p.StaffA, day, "advisory.submit", "advisory/1")
		do(t, db, p.ContactA, day.Add(time.Hour), "advisory.edit", "advisory/1")
		do(t, db, p.ContactB, day.Add(2*time.Hour), "advisory.submit", "advisory/2")
		do(t, db, p.ContactB, day.Add(3*time.Hour), "adv_sory.submit", "adv_sory/2")
		do(t, db, p.Analyst, day.AddDate(0, 0, 1), "advisory.publish", "advisory/1", "mail", audit.Personal(db, "taro@example.jp"))
		for name, c := range map[string]struct {
			who  caller.Caller
			f    audit.Filter
			want string
		}{
			"of a day":               {p.Operator, audit.Filter{From: day, To: day.AddDate(0, 0, 1)}, "adv_sory.submit advisory.submit advisory.edit advisory.submit"},
			"of a moment":            {p.Operator, audit.Filter{From: day.Add(time.Hour), To: day.Add(time.Hour + 1000)}, "advisory.edit"},
			"of an action":           {p.Operator, audit.Filter{Action: "advisory.submit"}, "advisory.submit advisory.submit"},
			"of an object":           {p.Operator, audit.Filter{Object: "advisory/1"}, "advisory.publish advisory.edit advisory.submit"},
			"of a noun":              {p.Operator, audit.Filter{Object: "adv_sory"}, "adv_sory.submit"},
			"of a person":            {p.Operator, audit.Filter{Person: p.ContactB.Account, To: day.AddDate(0, 0, 2)}, "adv_sory.submit advisory.submit"},
			"of a value":             {p.Operator, audit.Filter{Mark: audit.Personal(db, "taro@example.jp")}, "advisory.publish"},
			"of another value":       {p.Operator, audit.Filter{Mark: audit.Personal(db, "Taro@example.jp")}, ""},
			"her own institution's":  {p.ContactA, audit.Filter{Object: "advisory"}, "advisory.edit advisory.submit"},
			"not another's":          {p.ContactA, audit.Filter{Person: p.ContactB.Account}, ""},
			"nor the ISAC's":         {p.ContactA, audit.Filter{Action: "advisory.publish"}, ""},
			"the other's":            {p.ContactB, audit.Filter{From: day, To: day.AddDate(0, 0, 2)}, "adv_sory.submit advisory.submit"},
			"a vendor did nothing":   {p.ContactV, audit.Filter{Object: "advisory"}, ""},
			"and an outside neither": {p.ContactO, audit.Filter{Object: "advisory"}, ""},
		} {
			got, err := audit.Read(ctx, db, c.who, c.f, 100)
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			var actions []string
			for _, r := range got {
				actions = append(actions, r.Action)
			}
			if s := strings.Join(actions, " "); s != c.want {
				t.Errorf("%s: %q, want %q", name, s, c.want)
			}
			if last := told(t, db, 1)[0]; last.Action != "audit.read" || last.Account != c.who.Account || last.Detail["records"] != float64(len(got)) {
				t.Errorf("%s: the record of the reading: %+v", name, last)
			}
		}
		_, err := audit.Read(ctx, db, p.Operator, audit.Filter{From: day, To: day.AddDate(0, 0, 1), Person: 5, Object: "advisory/1"}, 10)
		if err != nil {
			t.Fatal(err)
		}
		if d := told(t, db, 1)[0].Detail; d["from"] != "2026-03-04T00:00:00Z" || d["to"] != "2026-03-05T00:00:00Z" || d["of_account"] != "5" || d["of_object"] != "advisory/1" {
			t.Errorf("the range is told as %v", d)
		}
		var before int
		count := func() (n int) {
			if err := db.QueryRow(ctx, `SELECT COUNT(*) FROM audit`).Scan(&n); err != nil {
				t.Fatal(err)
			}
			return n
		}
		before = count()
		p.Each(func(name string, c caller.Caller) {
			if c.Role == caller.Contact || c.Account == p.Operator.Account {
				return
			}
			if got, err := audit.Read(ctx, db, c, audit.Filter{}, 10); !fault.Is(err, fault.Forbidden) || got != nil {
				t.Errorf("%s reads %d records, %v", name, len(got), err)
			}
			var b bytes.Buffer
			if _, err := audit.Export(ctx, db, c, audit.Filter{}, audit.CSV, &b); !fault.Is(err, fault.Forbidden) || b.Len() > 0 {
				t.Errorf("%s exports %q, %v", name, b.String(), err)
			}
		})
		impostor := p.ContactA
		impostor.Role = caller.Operator
		for name, c := range map[string]caller.Caller{"nobody": {}, "an operator of a hospital": impostor, "a contact of nowhere": {Role: caller.Contact, OrgKind: caller.Institution}} {
			if _, err := audit.Read(ctx, db, c, audit.Filter{}, 10); !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", name, err)
			}
		}
		for code, f := range map[string]audit.Filter{
			"audit.action": {Action: "山田"}, "audit.object": {Object: "advisory/1 OR 1"}, "audit.mark": {Mark: "h:%"}, "audit.person": {Person: -1},
			"audit.days": {From: day, To: day},
		} {
			if _, err := audit.Read(ctx, db, p.Operator, f, 10); fault.Code(err) != code {
				t.Errorf("%s: %v", code, err)
			}
		}
		if n := count(); n != before {
			t.Errorf("%d records of readings that did not happen", n-before)
		}
	})
}

func TestExport(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr := newTrail(t, db)
		day := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
		tr.appendAt(day, 2500)
		tr.appendAt(day.AddDate(0, 0, 1), 1)
		do(t, db, operator, day.Add(time.Hour), "thing.do", "=1+1", "a", `"quoted", and more`)
		tr.seal()
		f := audit.Filter{From: day, To: day.AddDate(0, 0, 1)}
		var lines, table bytes.Buffer
		n, err := audit.Export(ctx, db, operator, f, audit.JSONLines, &lines)
		if err != nil || n != 2501 {
			t.Fatalf("%d records, %v", n, err)
		}
		if last := told(t, db, 1)[0]; last.Action != "audit.export" || last.Detail["from"] != "2026-03-04T00:00:00Z" || last.Detail["format"] != "jsonl" {
			t.Errorf("the record of the export: %+v", last)
		}
		var first map[string]any
		all := strings.Split(strings.TrimSuffix(lines.String(), "\n"), "\n")
		if err := json.Unmarshal([]byte(all[0]), &first); err != nil || len(all) != 2501 {
			t.Fatalf("%d lines, %v", len(all), err)
		}
		if first["id"] != 1.0 || first["position"] != 0.0 || first["at"] != "2026-03-04T00:00:00Z" || first["detail"].(map[string]any)["word"] != "語" || len(first["hash"].(string)) != 44 {
			t.Errorf("the first line: %s", all[0])
		}
		if n, err := audit.Export(ctx, db, operator, f, audit.CSV, &table); err != nil || n != 2501 {
			t.Fatalf("%d records, %v", n, err)
		}
		rows, err := csv.NewReader(&table).ReadAll()
		if err != nil || len(rows) != 2502 || len(rows[0]) != 15 {
			t.Fatalf("%d rows, %v", len(rows), err)
		}
		if last := rows[2501]; last[12] != "'=1+1" || last[13] != `{"a":"\"quoted\", and more"}` || last[8] != "3" || last[9] != "4" || last[14] == "" {
			t.Errorf("the last row: %q", last)
		}
		if _, err := audit.Export(ctx, db, operator, f, "xml", &lines); fault.Code(err) != "audit.format" {
			t.Errorf("xml: %v", err)
		}
		if _, err := audit.Export(ctx, db, operator, f, audit.JSONLines, broken{}); err == nil {
			t.Error("a full disk is no error")
		}
		if _, err := audit.Export(ctx, db, operator, f, audit.CSV, broken{}); err == nil {
			t.Error("a full disk is no error for CSV")
		}
	})
}

type broken struct{}

func (broken) Write([]byte) (int, error) { return 0, errors.New("full") }

// A loop of refusals becomes two records, and the count is whole.
func TestDenialsAreCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr := newTrail(t, db)
		c := caller.Caller{Account: 9, Name: "職員", Org: 2, OrgKind: caller.Institution, Role: caller.Staff, Channel: "web", Device: 8}
		other := c
		other.Account = 10
		start := time.Date(2026, 3, 4, 0, 0, 0, 0, time.UTC)
		deny := func(c caller.Caller, after time.Duration, object string) {
			t.Helper()
			if err := audit.Denied(store.At(ctx, start.Add(after)), db, c, "GET /audit", object); err != nil {
				t.Fatal(err)
			}
		}
		denials := func() (all []string) {
			for _, r := range told(t, db, 1000) {
				if r.Action == "denied" {
					all = append([]string{fmt.Sprintf("%d %s %v", r.Account, r.Object, r.Detail["times"])}, all...)
					if r.Detail["action"] != "GET /audit" && r.Detail["action"] != "*" || r.Org != 2 || r.Device != 8 || r.Channel != "web" {
						t.Errorf("%+v", r)
					}
				}
			}
			return all
		}
		for i := range 50 {
			deny(c, time.Duration(i)*time.Second, "route")
		}
		deny(c, time.Second, "another")
		deny(other, time.Second, "route")
		if got := strings.Join(denials(), ", "); got != "9 route <nil>, 9 another <nil>, 10 route <nil>" {
			t.Errorf("within the minute: %s", got)
		}
		deny(c, 70*time.Second, "route")
		if got := strings.Join(denials()[3:], ", "); got != "9 route 49, 9 route <nil>" {
			t.Errorf("after a minute: %s", got)
		}
		deny(c, 71*time.Second, "route")
		deny(c, 72*time.Second, "route")
		if _, err := audit.Seal(store.At(ctx, start.Add(5*time.Minute)), db, tr.keys); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(denials()[5:], ", "); got != "9 route 2" {
			t.Errorf("after sealing: %s", got)
		}
		tr.whole()
		if n := tr.count(`SELECT COUNT(*) FROM audit_denial`); n != 0 {
			t.Errorf("%d counts are left", n)
		}
		// Many different ones do not get round it.
		for i := range 300 {
			deny(c, time.Hour, fmt.Sprint("advisory/", i))
		}
		got := denials()[6:]
		if len(got) != 101 || got[99] != "9 advisory/99 <nil>" || got[100] != "9 * <nil>" {
			t.Errorf("%d records of 300: %v", len(got), got)
		}
		if _, err := audit.Seal(store.At(ctx, start.Add(2*time.Hour)), db, tr.keys); err != nil {
			t.Fatal(err)
		}
		if got := denials(); got[len(got)-1] != "9 * 199" {
			t.Errorf("the rest is %s", got[len(got)-1])
		}
		if err := audit.Denied(ctx, db, other, "GET /audit", strings.Repeat("長", 5000)); err != nil {
			t.Fatal(err)
		}
		if o := told(t, db, 1)[0].Object; len([]rune(o)) != 201 {
			t.Errorf("an object of %d characters", len([]rune(o)))
		}
	})
}

func TestDenialsAtOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tr := newTrail(t, db)
		at := store.At(ctx, time.Now().Add(-time.Hour))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					if err := audit.Denied(at, db, operator, "x.y", "route"); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		tr.seal()
		all := told(t, db, 10)
		if len(all) != 2 || all[0].Detail["times"] != 79.0 || all[1].Detail["times"] != nil {
			t.Errorf("%+v", all)
		}
	})
}

func TestChange(t *testing.T) {
	type account struct {
		Role    string   `audit:"role"`
		Mail    string   `audit:"mail,personal"`
		Expires int64    `audit:"expires"`
		Groups  []string `audit:"groups"`
		Hash    string
	}
	db := storetest.SQLite(t)
	a := account{"staff", "taro@example.jp", 0, []string{"a"}, "secret"}
	b := account{"contact", "hanako@example.jp", 0, []string{"a"}, "other"}
	text := func(a, b account) string {
		pairs := audit.Change(db, a, b)
		do(t, db, operator, time.Now(), "account.change", "account/1", pairs...)
		out, err := json.Marshal(told(t, db, 1)[0].Detail)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	}
	if got := text(a, a); got != "null" && got != "{}" {
		t.Errorf("no change is told as %s", got)
	}
	got := text(a, b)
	want := fmt.Sprintf(`{"mail":{"after":"%s","before":"%s"},"role":{"after":"contact","before":"staff"}}`,
		audit.Personal(db, "hanako@example.jp"), audit.Personal(db, "taro@example.jp"))
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if strings.Contains(got, "taro") || strings.Contains(got, "secret") {
		t.Error("it tells too much")
	}
	b.Mail, b.Role, b.Groups = "", "staff", nil
	if got := text(a, b); got != fmt.Sprintf(`{"groups":{"after":null,"before":["a"]},"mail":{"after":"","before":"%s"}}`, audit.Personal(db, a.Mail)) {
		t.Error(got)
	}
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	audit.Change(db, "a", "b")
}

func TestPersonal(t *testing.T) {
	a, b := storetest.SQLite(t), storetest.SQLite(t)
	one := audit.Personal(a, "taro@example.jp")
	if len(one) != 34 || !strings.HasPrefix(one, "h:") || one != audit.Personal(a, "taro@example.jp") || one == audit.Personal(a, "taro@example.jq") ||
		one == audit.Personal(b, "taro@example.jp") || one[2:18] == one[18:] || audit.Personal(a, "") != "" {
		t.Errorf("%s", one)
	}
}
