// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package backup

import (
	"fmt"
	"testing"
	"time"

	"teiten/internal/audit"
	"teiten/internal/auth"
	"teiten/internal/blob"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/membertest"
	"teiten/internal/store"
)

// A session, a code and an invitation that were there at the backup let nobody
// into the restored portal: they may have ended or been used since. What a
// person has, and what was over already, comes back as it was.
func TestRestoreLetsNobodyInForHavingBeenThere(t *testing.T) {
	t.Parallel()
	for i, from := range engines {
		t.Run(from.String(), func(t *testing.T) {
			src := newPlace(t, from)
			db := src.open(t)
			people := membertest.Register(t, db)
			keys, err := blob.OpenKeyring(src.Data)
			if err != nil {
				t.Fatal(err)
			}
			dev := auth.Device{ID: 7, Account: people.ContactA.Account, Org: people.ContactA.Org}
			must := func(err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
			}
			token, _, err := auth.Open(ctx, db, dev, people.ContactA.Account, "passkey", "")
			must(err)

			invite := func() (string, device.Invitation) {
				code, made, err := device.Invite(ctx, db, people.Operator, device.Invitation{Purpose: device.Person, Org: people.StaffA.Org, Account: people.StaffA.Account})
				must(err)
				return code, made
			}
			open, _ := invite()
			_, cancelled := invite()
			must(device.Cancel(ctx, db, people.Operator, cancelled.ID))

			const setUp = "ABCD-EFGH-JKMN-PQRS"
			staff := auth.Device{ID: 8, Account: people.StaffA.Account, Org: people.StaffA.Org}
			must(db.Write(ctx, people.Operator, func(tx *store.Tx) error {
				return auth.SetUpCode(ctx, tx, people.StaffA.Account, setUp, tx.Now.Add(time.Hour))
			}))
			step, _, err := auth.Begin(ctx, db, keys, staff, "定点", "", setUp)
			must(err)
			local := people.Operator
			local.Channel = "cli"
			var recovery string
			must(db.Write(ctx, local, func(tx *store.Tx) (err error) {
				recovery, err = auth.RecoverLocally(ctx, tx, people.OtherA.Account)
				return err
			}))

			path := archive(t, db, src.Data)
			dst := newPlace(t, engines[1-i])
			s, err := restore(t, dst, path, src.Data)
			must(err)
			if s.Ended == nil || *s.Ended != (Ended{Sessions: 1, Steps: 1, Invitations: 1, Codes: 2, Recoveries: 1}) {
				t.Errorf("ended %+v", s.Ended)
			}
			back := dst.open(t)
			refused := func(what string, err error, code string) {
				t.Helper()
				if fault.Code(err) != code {
					t.Errorf("%s: %v, want %s", what, err, code)
				}
			}
			_, _, err = auth.Resume(ctx, back, token, dev)
			refused("the session", err, "auth.session_over")
			_, err = device.Look(ctx, back, open)
			refused("the invitation", err, "device.invitation_cancelled")
			_, _, err = auth.Begin(ctx, back, keys, staff, "定点", "", setUp)
			refused("the code of the first sign-in", err, "auth.set_up_refused")
			err = auth.ChoosePassword(ctx, back, keys, staff, step, "a long enough password 9")
			refused("the sign-in under way", err, "auth.step_over")
			other := auth.Device{ID: 9, Account: people.OtherA.Account, Org: people.OtherA.Org}
			_, _, err = auth.Begin(ctx, back, keys, other, "定点", "", recovery)
			refused("the code of the recovery", err, "auth.set_up_refused")

			before, err := device.Invitations(ctx, db, people.Operator, people.StaffA.Org)
			must(err)
			after, err := device.Invitations(ctx, back, people.Operator, people.StaffA.Org)
			must(err)
			if len(after) != 2 || len(before) != 2 {
				t.Fatalf("%d invitations, %d before", len(after), len(before))
			}
			for i, a := range after {
				if was := a.ID == cancelled.ID; a.State(time.Now()) != device.InviteCancelled || was != a.Cancelled.Equal(before[i].Cancelled) {
					t.Errorf("invitation %+v, before %+v", a, before[i])
				}
			}
			// The portal that was copied goes on as it was.
			if _, _, err := auth.Resume(ctx, db, token, dev); err != nil {
				t.Errorf("the session of the source: %v", err)
			}
			if _, err := device.Look(ctx, db, open); err != nil {
				t.Errorf("the invitation of the source: %v", err)
			}
			// Everything that was ended is on the record.
			page, err := audit.Read(ctx, back, people.Operator, audit.Filter{Action: "backup.restore"}, 10)
			must(err)
			if len(page) != 1 || fmt.Sprint(page[0].Detail["sessions_ended"]) != "1" {
				t.Errorf("the record says %+v", page)
			}
			// Invited anew, and signed in anew, everything works.
			fresh, _, err := device.Invite(ctx, back, people.Operator, device.Invitation{Purpose: device.Person, Org: people.StaffA.Org, Account: people.StaffA.Account})
			must(err)
			if _, err := device.Look(ctx, back, fresh); err != nil {
				t.Errorf("a new invitation: %v", err)
			}
			if token, _, err = auth.Open(ctx, back, dev, people.ContactA.Account, "passkey", ""); err != nil {
				t.Errorf("a new session: %v", err)
			} else if _, _, err := auth.Resume(ctx, back, token, dev); err != nil {
				t.Errorf("a new session: %v", err)
			}
		})
	}
}
