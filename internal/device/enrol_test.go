// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device_test

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/member"
	"teiten/internal/pki"
	"teiten/internal/store"
)

func TestEnrol(t *testing.T) {
	each(t, func(w *world) {
		code, inv := w.invite(w.ContactA, device.Invitation{Purpose: device.Person, Org: w.StaffA.Org, Account: w.StaffA.Account, Label: " 診察室の PC "})
		if len(code) != 34 || strings.Count(code, "-") != 6 || inv.Expires.Sub(inv.Created) != 72*time.Hour || inv.OrgName != "甲病院" || inv.Label != "診察室の PC" {
			w.t.Errorf("code %q, invitation %+v", code, inv)
		}
		look := must(device.Look(ctx, w.db, code))
		if look.Purpose != device.Person || look.OrgName != "甲病院" || look.Label != "診察室の PC" || look.AccountName != "" || !look.Expires.Equal(inv.Expires) || look.State(time.Now()) != device.InviteOpen {
			w.t.Errorf("look: %+v", look)
		}
		// A password or a format that will not do does not use it up.
		_, _, err := w.Enrol(ctx, w.db, code, "short", pki.Modern)
		want(w.t, err, "pki.password")
		_, _, err = w.Enrol(ctx, w.db, code, pki.OneTimePassword(), "best")
		want(w.t, err, "pki.format")

		password := pki.OneTimePassword()
		// As somebody types it: small letters, full width, spaces, 0 for O.
		typed := strings.NewReplacer("-", "　", "O", "0", "I", "1", "B", "8").Replace(code)
		typed = " " + strings.Map(func(r rune) rune {
			if r > ' ' && r < 0x7f {
				return r + 0xfee0
			}
			return r
		}, strings.ToLower(typed)) + "\r\n"
		p12, cert, err := w.Enrol(ctx, w.db, typed, password, pki.Legacy)
		if err != nil {
			w.t.Fatal(err)
		}
		leaf := unpack(w.t, p12, password)
		got := w.admit(leaf, "")
		if got.ID != cert.ID || got.Account != w.StaffA.Account || got.Org != w.StaffA.Org || got.Purpose != device.Person || got.Foreign ||
			got.Label != "診察室の PC" || got.IssuedBy != w.ContactA.Account || cert.IssuedBy != got.IssuedBy || got.OrgName != "甲病院" {
			w.t.Errorf("admitted as %+v", got)
		}
		if s := leaf.Subject.String(); !strings.Contains(s, "甲病院") || strings.Contains(s, "staff") || len(leaf.EmailAddresses)+len(leaf.DNSNames) != 0 {
			w.t.Errorf("subject %s", s)
		}
		_, err = device.Look(ctx, w.db, code)
		want(w.t, err, "device.invitation_used")
		_, _, err = w.Enrol(ctx, w.db, code, password, pki.Modern)
		want(w.t, err, "device.invitation_used")
		list := must(device.Invitations(ctx, w.db, w.ContactA, w.ContactA.Org))
		if len(list) != 1 || list[0].Certificate != cert.ID || list[0].AccountName != w.StaffA.Name || list[0].State(time.Now()) != device.InviteUsed {
			w.t.Errorf("invitations %+v", list)
		}

		// By a signing request, for a shared PC and for a machine.
		for _, i := range []device.Invitation{
			{Purpose: device.Device, Org: w.ContactA.Org, Label: "3 階 詰所"},
			{Purpose: device.Machine, Org: w.ContactA.Org, Account: w.MachineA.Account},
		} {
			code, _ := w.invite(w.ContactA, i)
			key := must(pki.NewKey())
			_, _, err := w.EnrolCSR(ctx, w.db, code, []byte("x"))
			want(w.t, err, "pki.csr_format")
			chain, cert, err := w.EnrolCSR(ctx, w.db, code, must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)))
			if err != nil {
				w.t.Fatal(err)
			}
			certs := must(pki.ParseChain(chain))
			if len(certs) != 2 || !key.PublicKey.Equal(certs[0].PublicKey) || !certs[1].Equal(w.Authority()) {
				w.t.Errorf("chain of %d", len(certs))
			}
			if got := w.admit(certs[0], ""); got.ID != cert.ID || got.Purpose != i.Purpose || got.Account != i.Account {
				w.t.Errorf("admitted as %+v", got)
			}
			block, _ := pem.Decode(chain)
			if bytes.Contains(block.Bytes, []byte("詰所")) {
				w.t.Error("the label stands in the certificate")
			}
		}

		// The record has who and what, and neither code nor label nor name.
		for action, n := range map[string]int64{"enrolment.invite": 3, "certificate.enrol": 3} {
			if got := w.number(`SELECT COUNT(*) FROM audit WHERE action = $1 AND organisation_id = $2`, action, w.ContactA.Org); got != n {
				w.t.Errorf("%d records of %s", got, action)
			}
		}
		for _, secret := range []string{code, strings.ReplaceAll(code, "-", ""), "診察室", "詰所", password} {
			if n := w.number(`SELECT COUNT(*) FROM audit WHERE detail LIKE $1`, "%"+secret+"%"); n != 0 {
				w.t.Errorf("%d records have %q", n, secret)
			}
			if n := w.number(`SELECT COUNT(*) FROM enrolment WHERE code_hash LIKE $1`, "%"+secret+"%"); n != 0 {
				w.t.Errorf("%d invitations have %q", n, secret)
			}
		}
	})
}

// Of those who come at once with one code, one gets a certificate.
func TestParallelEnrolment(t *testing.T) {
	each(t, func(w *world) {
		code, _ := w.invite(w.ContactA, device.Invitation{Purpose: device.Person, Org: w.StaffA.Org, Account: w.StaffA.Account})
		key := must(pki.NewKey())
		csr := must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key))
		offices := []*device.Office{w.Office, w.another()}
		errs := make([]error, 12)
		var all sync.WaitGroup
		for i := range errs {
			all.Go(func() {
				if i%3 == 0 {
					_, _, errs[i] = offices[i%2].EnrolCSR(ctx, w.db, code, csr)
				} else {
					_, _, errs[i] = offices[i%2].Enrol(ctx, w.db, code, pki.OneTimePassword(), pki.Modern)
				}
			})
		}
		all.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if fault.Code(err) != "device.invitation_used" {
				w.t.Error(err)
			}
		}
		if n := w.number(`SELECT COUNT(*) FROM certificate`); won != 1 || n != 1 {
			w.t.Errorf("%d got one, %d are stored", won, n)
		}
	})
}

func TestInvitationsThatCannotBeUsed(t *testing.T) {
	each(t, func(w *world) {
		for _, code := range []string{"", "AAAA-AAAA-AAAA-AAAA-AAAA-AAAA-AAAA", strings.Repeat("A", 100_000)} {
			_, err := device.Look(ctx, w.db, code)
			want(w.t, err, "device.invitation_unknown")
			_, _, err = w.Enrol(ctx, w.db, code, pki.OneTimePassword(), pki.Modern)
			want(w.t, err, "device.invitation_unknown")
		}
		both := func(code, fault string) {
			w.t.Helper()
			_, err := device.Look(ctx, w.db, code)
			want(w.t, err, fault)
			_, _, err = w.Enrol(ctx, w.db, code, pki.OneTimePassword(), pki.Modern)
			want(w.t, err, fault)
		}
		person := device.Invitation{Purpose: device.Person, Org: w.StaffA.Org, Account: w.StaffA.Account}
		code, _, err := device.Invite(store.At(ctx, time.Now().Add(-73*time.Hour)), w.db, w.ContactA, person)
		want(w.t, err, "")
		both(code, "device.invitation_lapsed")

		code, i := w.invite(w.ContactA, person)
		want(w.t, device.Cancel(ctx, w.db, w.ContactA, i.ID), "")
		both(code, "device.invitation_cancelled")
		want(w.t, device.Cancel(ctx, w.db, w.ContactA, i.ID), "device.invitation_cancelled")

		// The account is over, the organisation has left, the account leaves.
		code, _ = w.invite(w.ContactA, person)
		w.set(`UPDATE account SET expires_at = $1 WHERE id = $2`, store.Micros(time.Now().Add(-time.Second)), w.StaffA.Account)
		both(code, "device.owner_left")
		w.set(`UPDATE account SET expires_at = 0 WHERE id = $1`, w.StaffA.Account)
		w.set(`UPDATE organisation SET left_at = 1 WHERE id = $1`, w.StaffA.Org)
		both(code, "device.owner_left")
		w.set(`UPDATE organisation SET left_at = 0 WHERE id = $1`, w.StaffA.Org)
		if _, err := device.Look(ctx, w.db, code); err != nil {
			w.t.Error(err)
		}
		want(w.t, member.Leave(ctx, w.db, w.Operator, w.StaffA.Account, member.Left), "")
		both(code, "device.invitation_cancelled")
		if n := w.number(`SELECT COUNT(*) FROM certificate`); n != 0 {
			w.t.Errorf("%d certificates", n)
		}
	})
}

func TestInviteLimits(t *testing.T) {
	each(t, func(w *world) {
		a := w.ContactA.Org
		ward := device.Invitation{Purpose: device.Device, Org: a, Label: "詰所"}
		for name, c := range map[string]struct {
			i    device.Invitation
			code string
		}{
			"too short":              {device.Invitation{Purpose: device.Device, Org: a, Label: "x", For: time.Second}, "device.invitation_for"},
			"too long":               {device.Invitation{Purpose: device.Device, Org: a, Label: "x", For: 15 * day}, "device.invitation_for"},
			"a shared PC, no name":   {device.Invitation{Purpose: device.Device, Org: a}, "device.label_empty"},
			"a long name":            {device.Invitation{Purpose: device.Device, Org: a, Label: strings.Repeat("長", 101)}, "device.label_long"},
			"two lines":              {device.Invitation{Purpose: device.Device, Org: a, Label: "a\nb"}, "device.label_text"},
			"not UTF-8":              {device.Invitation{Purpose: device.Device, Org: a, Label: "\xff"}, "device.label_text"},
			"a shared PC of one":     {device.Invitation{Purpose: device.Device, Org: a, Label: "x", Account: w.StaffA.Account}, "device.owner_device"},
			"nobody":                 {device.Invitation{Purpose: device.Person, Org: a}, "device.owner_none"},
			"no purpose":             {device.Invitation{Org: a, Account: w.StaffA.Account}, "device.purpose"},
			"the server":             {device.Invitation{Purpose: device.Server, Org: a}, "device.purpose"},
			"a machine as a person":  {device.Invitation{Purpose: device.Person, Org: a, Account: w.MachineA.Account}, "device.owner_role"},
			"a person as a machine":  {device.Invitation{Purpose: device.Machine, Org: a, Account: w.StaffA.Account}, "device.owner_role"},
			"another's account":      {device.Invitation{Purpose: device.Person, Org: a, Account: w.StaffB.Account}, "fault.not_found"},
			"an unknown account":     {device.Invitation{Purpose: device.Person, Org: a, Account: 9999}, "fault.not_found"},
			"no organisation":        {device.Invitation{Purpose: device.Person, Org: 0, Account: w.StaffA.Account}, "fault.not_found"},
			"an unknown institution": {device.Invitation{Purpose: device.Device, Org: 9999, Label: "x"}, "fault.not_found"},
		} {
			_, _, err := device.Invite(ctx, w.db, w.Operator, c.i)
			if fault.Code(err) != c.code {
				w.t.Errorf("%s: %v, want %q", name, err, c.code)
			}
		}
		// What was used, cancelled or has lapsed does not count.
		if _, _, err := device.Invite(store.At(ctx, time.Now().Add(-20*day)), w.db, w.ContactA, ward); err != nil {
			w.t.Fatal(err)
		}
		_, first := w.invite(w.ContactA, ward)
		want(w.t, device.Cancel(ctx, w.db, w.ContactA, first.ID), "")
		codes := map[string]bool{}
		var mu sync.Mutex
		var all sync.WaitGroup
		refused := 0
		for range 4 {
			all.Go(func() {
				for range 15 {
					code, _, err := device.Invite(ctx, w.db, w.ContactA, ward)
					mu.Lock()
					if err == nil {
						codes[code] = true
					} else if fault.Code(err) == "device.invitation_many" {
						refused++
					} else {
						w.t.Error(err)
					}
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if len(codes) != 50 || refused != 10 {
			w.t.Errorf("%d invitations, %d refused", len(codes), refused)
		}
		w.invite(w.ContactB, device.Invitation{Purpose: device.Device, Org: w.ContactB.Org, Label: "詰所"})
	})
}

func TestIssue(t *testing.T) {
	each(t, func(w *world) {
		r := device.Request{Purpose: device.Person, Org: w.Operator.Org, Account: w.Operator.Account, Label: "最初の PC"}
		w.Each(func(name string, c caller.Caller) {
			if c.Role == caller.Operator {
				return
			}
			_, _, err := w.Issue(ctx, w.db, c, r, pki.OneTimePassword(), pki.Modern)
			want(w.t, err, "fault.forbidden")
			_, _, err = w.IssueCSR(ctx, w.db, c, r, nil)
			want(w.t, err, "fault.forbidden")
			_, err = w.Register(ctx, w.db, c, r, nil)
			want(w.t, err, "fault.forbidden")
		})
		leaf, cert := w.issue(r)
		if got := w.admit(leaf, ""); got.ID != cert.ID || got.IssuedBy != w.Operator.Account || time.Until(leaf.NotAfter).Round(time.Hour) != 365*day {
			w.t.Errorf("issued %+v", got)
		}
		r.Valid = 30 * day
		chain, _, err := w.IssueCSR(ctx, w.db, w.Operator, r, must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, must(pki.NewKey()))))
		if err != nil {
			w.t.Fatal(err)
		}
		if c := must(pki.ParseChain(chain))[0]; time.Until(c.NotAfter).Round(time.Hour) != 30*day {
			w.t.Errorf("valid until %s", c.NotAfter)
		}
		r.Valid = 5 * 366 * day
		_, _, err = w.Issue(ctx, w.db, w.Operator, r, pki.OneTimePassword(), pki.Modern)
		want(w.t, err, "pki.valid")
		_, _, err = w.Issue(ctx, w.db, w.Operator, device.Request{Purpose: device.Person, Org: w.ContactB.Org, Account: w.StaffA.Account}, pki.OneTimePassword(), pki.Modern)
		want(w.t, err, "fault.not_found")
		if n := w.number(`SELECT COUNT(*) FROM certificate`); n != 2 {
			w.t.Errorf("%d certificates after %s", n, fmt.Sprint(err))
		}
	})
}
