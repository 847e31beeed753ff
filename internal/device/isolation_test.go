// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device_test

import (
	"context"
	"crypto/x509"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/pki"
	"teiten/internal/store"
)

func newKeys(t testing.TB) *blob.Keyring {
	t.Helper()
	return must(blob.NewKeyring())
}

// everybody are the test's people and those who are nobody: a shared PC
// without a person, roles that do not fit their organisation, the zero caller.
func (w *world) everybody() map[string]caller.Caller {
	all := map[string]caller.Caller{
		"a ward PC of A":             {Org: w.ContactA.Org, OrgKind: caller.Institution, Role: caller.Staff, Device: 1},
		"an operator of A":           {Account: 9001, Org: w.ContactA.Org, OrgKind: caller.Institution, Role: caller.Operator},
		"a contact of the ISAC":      {Account: 9002, Org: w.Operator.Org, OrgKind: caller.ISAC, Role: caller.Contact},
		"a contact of nobody":        {Account: 9003, OrgKind: caller.Institution, Role: caller.Contact},
		"nobody":                     {},
		"a contact without a person": {OrgKind: caller.Institution, Role: caller.Contact},
	}
	w.Each(func(name string, c caller.Caller) { all[name] = c })
	return all
}

// looksAfter is the rule in other words than the program's.
func (w *world) looksAfter(c caller.Caller, org int64) bool {
	switch c.Account {
	case w.Operator.Account:
		return true
	case w.ContactA.Account, w.ContactB.Account, w.ContactV.Account, w.ContactO.Account:
		return c.Account != 0 && org == c.Org
	}
	return false
}

var errUndo = errors.New("undo")

// undone runs a write and takes it back.
func (w *world) undone(fn func(ctx context.Context) error) (err error) {
	w.t.Helper()
	if undo := w.db.Batch(ctx, func(ctx context.Context) error { err = fn(ctx); return errUndo }); !errors.Is(undo, errUndo) {
		w.t.Fatal(undo)
	}
	return err
}

// Everybody against every certificate, invitation and owner.
func TestIsolation(t *testing.T) {
	each(t, func(w *world) {
		all := w.everybody()
		var certs []device.Certificate
		var owners []caller.Caller
		w.Each(func(name string, c caller.Caller) {
			_, cert := w.person(c)
			certs, owners = append(certs, cert), append(owners, c)
		})
		for _, org := range []int64{w.ContactA.Org, w.ContactB.Org, w.Operator.Org} {
			_, cert := w.issue(device.Request{Purpose: device.Device, Org: org, Label: "共用"})
			certs = append(certs, cert)
		}
		must(w.IssueServer(ctx, w.db, w.Operator, []string{"portal.example.jp"}))
		server := must(device.List(ctx, w.db, w.Operator, device.Filter{Purpose: device.Server}))
		certs = append(certs, server...)
		if len(server) != 1 || len(certs) != len(owners)+4 {
			w.t.Fatalf("%d certificates", len(certs))
		}
		var invitations []device.Invitation
		for _, org := range []int64{w.ContactA.Org, w.ContactB.Org, w.ContactV.Org} {
			_, i := w.invite(w.Operator, device.Invitation{Purpose: device.Device, Org: org, Label: "共用"})
			invitations = append(invitations, i)
		}

		cells := 0
		for name, c := range all {
			var visible []int64
			for _, cert := range certs {
				mine := cert.Account != 0 && cert.Account == c.Account
				if mine || w.looksAfter(c, cert.Org) {
					visible = append(visible, cert.ID)
				}
				found, err := device.Find(ctx, w.db, c, cert.ID)
				revoking := w.undone(func(ctx context.Context) error { return device.Revoke(ctx, w.db, c, cert.ID, device.Lost) })
				cells += 2
				if slices.Contains(visible, cert.ID) {
					if err != nil || found.ID != cert.ID || revoking != nil {
						w.t.Errorf("%s: certificate %d of %d: find %v, revoke %v", name, cert.ID, cert.Org, err, revoking)
					}
				} else if !fault.Is(err, fault.NotFound) || !fault.Is(revoking, fault.NotFound) || found != (device.Certificate{}) {
					w.t.Errorf("%s: certificate %d of %d is reached: find %v, revoke %v", name, cert.ID, cert.Org, err, revoking)
				}
			}
			var listed []int64
			for _, cert := range must(device.List(ctx, w.db, c, device.Filter{})) {
				listed = append(listed, cert.ID)
			}
			slices.Reverse(listed)
			if !slices.Equal(listed, visible) {
				w.t.Errorf("%s: lists %v, should %v", name, listed, visible)
			}
			// A filter narrows and never widens.
			for _, org := range []int64{w.ContactA.Org, w.ContactB.Org, w.Operator.Org} {
				for _, cert := range must(device.List(ctx, w.db, c, device.Filter{Org: org})) {
					if cert.Org != org || !slices.Contains(visible, cert.ID) {
						w.t.Errorf("%s: the filter for %d shows %d", name, org, cert.ID)
					}
				}
			}
			ending := must(w.Expiring(ctx, w.db, c, 400*day))
			if len(ending) != len(visible) {
				w.t.Errorf("%s: %d end, %d are visible", name, len(ending), len(visible))
			}

			for _, owner := range owners {
				inviting := w.undone(func(ctx context.Context) error {
					purpose := device.Person
					if owner.Role == caller.Machine {
						purpose = device.Machine
					}
					_, _, err := device.Invite(ctx, w.db, c, device.Invitation{Purpose: purpose, Org: owner.Org, Account: owner.Account})
					return err
				})
				ending := w.undone(func(ctx context.Context) error {
					return w.db.Write(ctx, c, func(tx *store.Tx) error {
						_, err := device.RevokeAll(ctx, tx, owner.Account, device.Lost)
						return err
					})
				})
				cells += 2
				if w.looksAfter(c, owner.Org) != (inviting == nil) || inviting != nil && !fault.Is(inviting, fault.Forbidden) {
					w.t.Errorf("%s invites %s: %v", name, owner.Name, inviting)
				}
				if w.looksAfter(c, owner.Org) != (ending == nil) || ending != nil && !fault.Is(ending, fault.NotFound) {
					w.t.Errorf("%s revokes all of %s: %v", name, owner.Name, ending)
				}
				// Another's account under one's own organisation.
				if owner.Org != c.Org {
					_, _, err := device.Invite(ctx, w.db, c, device.Invitation{Purpose: device.Person, Org: c.Org, Account: owner.Account})
					if err == nil {
						w.t.Errorf("%s invites %s as her own", name, owner.Name)
					}
				}
			}
			for _, i := range invitations {
				cancelling := w.undone(func(ctx context.Context) error { return device.Cancel(ctx, w.db, c, i.ID) })
				list, listing := device.Invitations(ctx, w.db, c, i.Org)
				cells += 2
				if w.looksAfter(c, i.Org) != (cancelling == nil) || cancelling != nil && !fault.Is(cancelling, fault.NotFound) {
					w.t.Errorf("%s cancels an invitation of %d: %v", name, i.Org, cancelling)
				}
				if w.looksAfter(c, i.Org) != (listing == nil && len(list) == 1) || listing != nil && !fault.Is(listing, fault.Forbidden) {
					w.t.Errorf("%s lists %d invitations of %d: %v", name, len(list), i.Org, listing)
				}
			}
			everything, err := device.Invitations(ctx, w.db, c, 0)
			if (c.Account == w.Operator.Account && c.Account != 0) != (err == nil) || err == nil && len(everything) != len(invitations) {
				w.t.Errorf("%s lists all %d invitations: %v", name, len(everything), err)
			}
		}
		// Nothing of all this has changed anything.
		if n := w.number(`SELECT COUNT(*) FROM certificate WHERE revoked_at <> 0`) + w.number(`SELECT COUNT(*) FROM enrolment WHERE cancelled_at <> 0`); n != 0 {
			w.t.Errorf("%d changes stayed", n)
		}
		w.t.Logf("%d cells", cells)
	})
}

func TestList(t *testing.T) {
	each(t, func(w *world) {
		var ids []int64
		for range 5 {
			_, cert := w.person(w.StaffA)
			ids = append(ids, cert.ID)
		}
		_, short := w.issue(device.Request{Purpose: device.Device, Org: w.ContactA.Org, Label: "詰所", Valid: time.Minute})
		want(w.t, device.Revoke(ctx, w.db, w.Operator, ids[0], device.Ended), "")
		w.set(`UPDATE certificate SET not_after = $2 WHERE id = $1`, short.ID, store.Micros(time.Now().Add(-time.Second)))
		count := func(f device.Filter) int {
			w.t.Helper()
			list, err := device.List(ctx, w.db, w.ContactA, f)
			want(w.t, err, "")
			for _, c := range list {
				if f.State != "" && c.State(time.Now()) != f.State {
					w.t.Errorf("%+v is listed as %s", c, f.State)
				}
			}
			return len(list)
		}
		for i, f := range map[int]device.Filter{6: {}, 5: {Account: w.StaffA.Account}, 4: {State: device.Valid}, 1: {State: device.Expired}, 0: {Account: w.StaffB.Account}} {
			if got := count(f); got != i {
				w.t.Errorf("%+v: %d, want %d", f, got, i)
			}
		}
		if n := count(device.Filter{State: device.Revoked}) + count(device.Filter{Purpose: device.Device}); n != 2 {
			w.t.Errorf("%d revoked and shared", n)
		}
		var paged []int64
		for before := int64(0); ; {
			page := must(device.List(ctx, w.db, w.ContactA, device.Filter{Limit: 4, Before: before, Purpose: device.Person}))
			if len(page) == 0 {
				break
			}
			for _, c := range page {
				paged, before = append(paged, c.ID), c.ID
			}
		}
		slices.Reverse(paged)
		if !slices.Equal(paged, ids) {
			w.t.Errorf("pages have %v, want %v", paged, ids)
		}
		for code, f := range map[string]device.Filter{"fault.limit": {Limit: 201}, "device.purpose": {Purpose: "x"}, "device.state": {State: "x"}} {
			_, err := device.List(ctx, w.db, w.Operator, f)
			want(w.t, err, code)
		}
		c := must(device.Find(ctx, w.db, w.StaffA, ids[0]))
		if c.Revoked.IsZero() || c.RevokedBy != w.Operator.Account || c.RevokeReason != device.Ended || c.AccountName != w.StaffA.Name || c.State(time.Now()) != device.Revoked {
			w.t.Errorf("found %+v", c)
		}
		want(w.t, device.Revoke(ctx, w.db, w.Operator, ids[0], device.Lost), "device.revoked_before")
		want(w.t, device.Revoke(ctx, w.db, w.Operator, ids[1], "hunch"), "device.reason")
		want(w.t, device.Revoke(ctx, w.db, w.Operator, 9999, device.Lost), "fault.not_found")
	})
}

func TestRevokeAll(t *testing.T) {
	each(t, func(w *world) {
		one, _ := w.person(w.StaffA)
		two, _ := w.person(w.StaffA)
		others, _ := w.person(w.OtherA)
		code, _ := w.invite(w.ContactA, device.Invitation{Purpose: device.Person, Org: w.StaffA.Org, Account: w.StaffA.Account})
		n := 0
		want(w.t, w.db.Write(ctx, w.ContactA, func(tx *store.Tx) (err error) {
			n, err = device.RevokeAll(ctx, tx, w.StaffA.Account, device.Lost)
			return err
		}), "")
		if n != 2 {
			w.t.Errorf("%d ended", n)
		}
		w.admit(one, "device.revoked")
		w.admit(two, "device.revoked")
		w.admit(others, "")
		_, err := device.Look(ctx, w.db, code)
		want(w.t, err, "device.invitation_cancelled")
		list := must(x509.ParseRevocationList(must(w.CRL(ctx, w.db))))
		if len(list.RevokedCertificateEntries) != 2 || list.RevokedCertificateEntries[0].ReasonCode != pki.KeyCompromise {
			w.t.Errorf("listed %+v", list.RevokedCertificateEntries)
		}
	})
}

func TestRevocationList(t *testing.T) {
	each(t, func(w *world) {
		read := func(o *device.Office, at time.Time) *x509.RevocationList {
			w.t.Helper()
			list := must(x509.ParseRevocationList(must(o.CRL(store.At(ctx, at), w.db))))
			if err := list.CheckSignatureFrom(w.Authority()); err != nil {
				w.t.Fatal(err)
			}
			return list
		}
		now, other := time.Now(), w.another()
		first := read(w.Office, now)
		if first.Number.Int64() != 1 || len(first.RevokedCertificateEntries) != 0 {
			w.t.Errorf("number %d", first.Number)
		}
		if again := read(other, now.Add(3*day)); again.Number.Cmp(first.Number) != 0 {
			w.t.Error("signed anew for nothing")
		}
		leaf, cert := w.person(w.StaffA)
		want(w.t, device.Revoke(ctx, w.db, w.ContactA, cert.ID, device.Left), "")
		second := read(other, now)
		if second.Number.Cmp(first.Number) <= 0 || len(second.RevokedCertificateEntries) != 1 ||
			second.RevokedCertificateEntries[0].SerialNumber.Cmp(leaf.SerialNumber) != 0 || second.RevokedCertificateEntries[0].ReasonCode != pki.Affiliation {
			w.t.Errorf("number %d, entries %+v", second.Number, second.RevokedCertificateEntries)
		}
		if !slices.Equal(must(w.CRL(ctx, w.db)), second.Raw) {
			w.t.Error("two processes publish two lists")
		}
		// Processes that find it old together sign one.
		half := now.Add(pki.CRLLife/2 + time.Minute)
		lists := make([]*x509.RevocationList, 6)
		var all sync.WaitGroup
		for i := range lists {
			all.Go(func() { lists[i] = read([]*device.Office{w.Office, other}[i%2], half) })
		}
		all.Wait()
		for _, l := range lists {
			if l.Number.Cmp(second.Number) <= 0 || l.Number.Cmp(lists[0].Number) != 0 || !l.NextUpdate.Equal(half.Add(pki.CRLLife).UTC().Truncate(time.Second)) {
				w.t.Errorf("number %d, after %d, next %s", l.Number, second.Number, l.NextUpdate)
			}
		}
		// A backup brings an old number back; what is published does not go back.
		w.set(`UPDATE revocation_list SET number = 1, seq = 0`)
		if after := read(w.Office, half.Add(time.Hour)); after.Number.Cmp(lists[0].Number) <= 0 {
			w.t.Errorf("number %d after %d", after.Number, lists[0].Number)
		}
		// What has ended long ago is left out.
		if late := read(w.Office, leaf.NotAfter.Add(10*day)); len(late.RevokedCertificateEntries) != 1 {
			w.t.Error("left out too early")
		}
		if late := read(w.Office, leaf.NotAfter.Add(30*day)); len(late.RevokedCertificateEntries) != 0 {
			w.t.Error("kept for ever")
		}
	})
}

func TestExpiring(t *testing.T) {
	each(t, func(w *world) {
		request := device.Request{Purpose: device.Person, Org: w.StaffA.Org, Account: w.StaffA.Account, Label: "診察室", Valid: 20 * day}
		_, soon := w.issue(request)
		request.Label, request.Valid = "自宅", 10*day
		_, sooner := w.issue(request)
		request.Account, request.Valid = w.OtherA.Account, 5*day
		_, left := w.issue(request)
		want(w.t, device.Revoke(ctx, w.db, w.ContactA, left.ID, device.Left), "")
		ids := func(c caller.Caller, within time.Duration) (ids []int64) {
			w.t.Helper()
			for _, e := range must(w.Expiring(ctx, w.db, c, within)) {
				if e.Kind != device.EndingDevice || !e.NotAfter.Equal(e.Certificate.NotAfter) {
					w.t.Errorf("ending %+v", e)
				}
				ids = append(ids, e.Certificate.ID)
			}
			return ids
		}
		for _, c := range []caller.Caller{w.Operator, w.ContactA, w.StaffA} {
			if got := ids(c, 30*day); !slices.Equal(got, []int64{sooner.ID, soon.ID}) {
				w.t.Errorf("%s: %v end", c.Name, got)
			}
		}
		if got := ids(w.ContactA, 15*day); !slices.Equal(got, []int64{sooner.ID}) {
			w.t.Errorf("within 15 days %v", got)
		}
		if got := ids(w.ContactB, 30*day); got != nil {
			w.t.Errorf("another's contact is told of %v", got)
		}
		// With a successor for the same device it is no news.
		request.Account, request.Valid = w.StaffA.Account, 0
		w.issue(request)
		if got := ids(w.ContactA, 30*day); !slices.Equal(got, []int64{soon.ID}) {
			w.t.Errorf("with a successor %v", got)
		}
		// The server's, the own authority's and the others' ends are the operator's.
		must(w.IssueServer(ctx, w.db, w.Operator, []string{"portal.example.jp"}))
		other := must(pki.NewAuthority("よそ", time.Now().AddDate(-10, 0, 20)))
		w.Trust([]*x509.Certificate{other.Certificate()})
		kinds := map[device.EndingKind]int{}
		for _, e := range must(w.Expiring(ctx, w.db, w.Operator, 11*366*day)) {
			kinds[e.Kind]++
		}
		if kinds[device.EndingServer] != 1 || kinds[device.EndingAuthority] != 1 || kinds[device.EndingForeign] != 1 || kinds[device.EndingDevice] != 2 {
			w.t.Errorf("endings %v", kinds)
		}
		if near := must(w.Expiring(ctx, w.db, w.Operator, 25*day)); len(near) != 2 || near[1].Kind != device.EndingForeign && near[0].Kind != device.EndingForeign {
			w.t.Errorf("near %+v", near)
		}
		for _, e := range must(w.Expiring(ctx, w.db, w.ContactA, 11*366*day)) {
			if e.Kind != device.EndingDevice {
				w.t.Errorf("a contact is told of %+v", e)
			}
		}
	})
}
