// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package audit_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var ctx = context.Background()

func TestRecords(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p := membertest.Register(t, db)
		at := time.Date(2026, 3, 4, 5, 6, 7, 8000, time.UTC)
		for i := range 3 {
			if err := db.Write(store.At(ctx, at), p.StaffA, func(tx *store.Tx) error {
				return audit.Append(ctx, tx, "thing.do", fmt.Sprint("thing/", i), "n", i, "word", "語")
			}); err != nil {
				t.Fatal(err)
			}
		}
		if err := audit.Denied(ctx, db, p.ContactV, "thing.undo", "thing/2"); err != nil {
			t.Fatal(err)
		}
		all, err := audit.List(ctx, db, p.Operator, 0, 3)
		if err != nil || len(all) != 3 {
			t.Fatalf("%d records, %v", len(all), err)
		}
		if d := all[0]; d.Action != "denied" || d.Object != "thing/2" || d.Detail["action"] != "thing.undo" || d.Account != p.ContactV.Account {
			t.Errorf("the denial: %+v", d)
		}
		if r := all[1]; !r.At.Equal(at) || r.Account != p.StaffA.Account || r.Org != p.StaffA.Org || r.Actor != p.StaffA.Name || r.Role != caller.Staff ||
			r.Channel != "test" || r.Action != "thing.do" || r.Object != "thing/2" || r.Detail["n"] != 2.0 || r.Detail["word"] != "語" {
			t.Errorf("the record: %+v", r)
		}
		next, err := audit.List(ctx, db, p.Operator, all[2].ID, 1)
		if err != nil || len(next) != 1 || next[0].Object != "thing/0" {
			t.Errorf("the page after: %+v, %v", next, err)
		}
		p.Each(func(name string, c caller.Caller) {
			_, err := audit.List(ctx, db, c, 0, 10)
			if may := name == "見本ISAC operator"; may != (err == nil) || !may && !fault.Is(err, fault.Forbidden) {
				t.Errorf("%s: %v", name, err)
			}
		})
		outsider := p.ContactA
		outsider.Role = caller.Operator
		if _, err := audit.List(ctx, db, outsider, 0, 10); !fault.Is(err, fault.Forbidden) {
			t.Errorf("an operator of a hospital: %v", err)
		}
		for _, limit := range []int{0, -1, 1001} {
			if _, err := audit.List(ctx, db, p.Operator, 0, limit); fault.Code(err) != "fault.limit" {
				t.Errorf("limit %d: %v", limit, err)
			}
		}
	})
}

// Half a pair is a mistake of the program, found by its first test.
func TestOddDetailPanics(t *testing.T) {
	db := storetest.SQLite(t)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	//lint:ignore SA5012 the odd number is what is tested
	_ = db.Keep(ctx, func(tx *store.Tx) error { return audit.Append(ctx, tx, "thing.do", "thing/1", "name") })
}

// What cannot be written down is not done.
func TestDetailThatIsNoJSON(t *testing.T) {
	db := storetest.SQLite(t)
	err := db.Write(ctx, caller.System("test"), func(tx *store.Tx) error {
		return audit.Append(ctx, tx, "thing.do", "thing/1", "what", func() {})
	})
	if err == nil {
		t.Error("no error")
	}
}
