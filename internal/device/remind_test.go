// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device

import (
	"context"
	"fmt"
	"testing"
	"time"

	"teiten/internal/blob"
	"teiten/internal/membertest"
	"teiten/internal/pki"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// Owners hear of the end of their certificates once on each of the days that
// are meant for it, and of a day on which no program ran on the next.
func TestRemind(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, p := context.Background(), membertest.Register(t, db)
		keys, err := blob.NewKeyring()
		if err != nil {
			t.Fatal(err)
		}
		o, err := Create(ctx, db, keys, p.Operator, "見本")
		if err != nil {
			t.Fatal(err)
		}
		const valid = 20 * 24 * time.Hour
		for _, r := range []Request{
			{Purpose: Person, Org: p.StaffA.Org, Account: p.StaffA.Account, Valid: valid},
			{Purpose: Device, Org: p.ContactB.Org, Label: "3階", Valid: valid},
			{Purpose: Person, Org: p.StaffB.Org, Account: p.StaffB.Account, Valid: 300 * 24 * time.Hour},
		} {
			if _, _, err := o.Issue(ctx, db, p.Operator, r, pki.OneTimePassword(), pki.Modern); err != nil {
				t.Fatal(err)
			}
		}
		heard := func(day int) (all string) {
			t.Helper()
			err := o.Remind(ctx, db, time.Now().Add(time.Duration(day)*24*time.Hour), func(_ context.Context, _ *store.Tx, r Reminder) error {
				name := map[int64]string{p.StaffA.Account: "staff A", p.ContactB.Account: "contact B"}[r.Account]
				all += fmt.Sprintf("%s %d;", name, r.Days)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		for _, want := range []struct {
			day   int
			heard string
		}{
			{0, ""}, {1, ""}, {6, "staff A 14;contact B 14;"}, {6, ""}, {7, ""},
			{14, "staff A 6;contact B 6;"}, // the seventh was missed
			{15, ""}, {17, "staff A 3;contact B 3;"}, {19, "staff A 1;contact B 1;"}, {20, ""}, {30, ""},
		} {
			if got := heard(want.day); got != want.heard {
				t.Errorf("after %d days: %q, want %q", want.day, got, want.heard)
			}
		}
	})
}
