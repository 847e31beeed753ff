// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/member"
	"teiten/internal/membertest"
	"teiten/internal/pki"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// signer is an authority that is not ours, or somebody who would like to be one.
type signer struct {
	cert *x509.Certificate
	key  crypto.Signer
}

func (s *signer) sign(t testing.TB, key crypto.Signer, change func(*x509.Certificate)) *signer {
	t.Helper()
	c := &x509.Certificate{
		SerialNumber: must(rand.Int(rand.Reader, big.NewInt(1<<62))),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(day), BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	c.Subject = pkix.Name{CommonName: c.SerialNumber.String()}
	if change != nil {
		change(c)
	}
	by := &signer{c, key}
	if s != nil {
		by = s
	}
	return &signer{must(x509.ParseCertificate(must(x509.CreateCertificate(rand.Reader, c, by.cert, key.Public(), by.key)))), key}
}

func authority(c *x509.Certificate) {
	c.IsCA, c.KeyUsage, c.ExtKeyUsage = true, x509.KeyUsageCertSign, nil
}

// ours signs with the installation's own key what the office would never issue.
func ours(t *testing.T, w *world) *signer {
	t.Helper()
	var sealed []byte
	if err := w.db.QueryRow(ctx, `SELECT key_sealed FROM authority`).Scan(&sealed); err != nil {
		t.Fatal(err)
	}
	key := must(w.keys.Reveal("device authority "+pki.Fingerprint(w.Authority()), sealed))
	return &signer{w.Authority(), must(x509.ParsePKCS8PrivateKey(key)).(crypto.Signer)}
}

// Every bad certificate is turned away for its own reason, by the database
// state of a real office, although one good one is there.
func TestBadCertificates(t *testing.T) {
	each(t, func(w *world) {
		ec := func() crypto.Signer { return must(pki.NewKey()) }
		good, _ := w.person(w.StaffA)
		w.admit(good, "")
		w.admit(nil, "device.malformed")

		past := store.At(ctx, time.Now().Add(-40*day))
		w.set(`UPDATE authority SET not_before = 0`) // the certificate itself begins an hour ago
		_, _, err := w.Issue(past, w.db, w.Operator, device.Request{Purpose: device.Person, Org: w.StaffA.Org, Account: w.StaffA.Account}, pki.OneTimePassword(), pki.Modern)
		want(w.t, err, "pki.authority_time")

		own := ours(w.t, w)
		var nobody *signer
		other := must(pki.NewAuthority("見本ISAC", time.Now()))
		foreign := must(other.Client("甲病院", ec().Public(), 0, time.Now()))
		for code, leaf := range map[string]*x509.Certificate{
			"device.expired":     own.sign(w.t, ec(), func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }).cert,
			"device.not_yet":     own.sign(w.t, ec(), func(c *x509.Certificate) { c.NotBefore = time.Now().Add(time.Hour) }).cert,
			"device.foreign":     foreign,
			"device.self_signed": nobody.sign(w.t, ec(), nil).cert,
			"device.usage":       own.sign(w.t, ec(), func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth} }).cert,
			"device.weak":        own.sign(w.t, must(rsa.GenerateKey(rand.Reader, 1024)), nil).cert,
			"device.unknown":     own.sign(w.t, ec(), nil).cert, // signed by us, but in no registry
			"device.malformed": own.sign(w.t, ec(), func(c *x509.Certificate) {
				c.ExtraExtensions = []pkix.Extension{{Id: []int{1, 2, 3}, Critical: true, Value: []byte{5, 0}}}
			}).cert,
		} {
			w.admit(leaf, code)
			w.admit(leaf, code) // what was remembered changes nothing
		}
		w.admit(w.Authority(), "device.usage")

		// A registered one, at its ends.
		_, err = w.Admit(ctx, w.db, good, nil, good.NotAfter.Add(time.Second))
		want(w.t, err, "device.expired")
		_, err = w.Admit(ctx, w.db, good, nil, good.NotBefore.Add(-time.Second))
		want(w.t, err, "device.not_yet")
		w.admit(good, "")
	})
}

// The registry is read at every request, whatever is remembered of the chain.
func TestAdmitSeesChangesAtOnce(t *testing.T) {
	each(t, func(w *world) {
		other := w.another()
		both := func(leaf *x509.Certificate, code string) {
			w.t.Helper()
			w.admit(leaf, code)
			_, err := other.Admit(ctx, w.db, leaf, nil, time.Now())
			want(w.t, err, code)
		}
		leaf, cert := w.person(w.StaffA)
		both(leaf, "")
		for name, change := range map[string]string{
			"an account that is switched off":         `UPDATE account SET active = FALSE WHERE id = $1`,
			"an account that has left":                `UPDATE account SET left_at = 1 WHERE id = $1`,
			"an evaluator whose time is over":         `UPDATE account SET expires_at = 1 WHERE id = $1`,
			"an organisation that has left":           `UPDATE organisation SET left_at = 1 WHERE id = (SELECT organisation_id FROM account WHERE id = $1)`,
			"an account that changed its institution": `UPDATE account SET organisation_id = organisation_id + 1 WHERE id = $1`,
		} {
			w.set(change, w.StaffA.Account)
			both(leaf, "device.left")
			if w.t.Failed() {
				w.t.Fatal(name)
			}
			w.set(`UPDATE account SET active = TRUE, left_at = 0, expires_at = 0, organisation_id = $2 WHERE id = $1`, w.StaffA.Account, w.StaffA.Org)
			w.set(`UPDATE organisation SET left_at = 0`)
			both(leaf, "")
		}
		w.set(`UPDATE account SET expires_at = $2 WHERE id = $1`, w.StaffA.Account, store.Micros(time.Now().Add(day)))
		both(leaf, "")
		want(w.t, device.Revoke(ctx, w.db, w.StaffA, cert.ID, device.Lost), "")
		both(leaf, "device.revoked")
		if c, _ := w.Admit(ctx, w.db, leaf, nil, time.Now()); c.ID != cert.ID || c.Account != w.StaffA.Account {
			w.t.Errorf("the denial cannot say whose it was: %+v", c)
		}

		// A shared PC of an institution that leaves.
		ward, _ := w.issue(device.Request{Purpose: device.Device, Org: w.ContactA.Org, Label: "詰所"})
		both(ward, "")
		w.set(`UPDATE organisation SET left_at = 1 WHERE id = $1`, w.ContactA.Org)
		both(ward, "device.left")
		w.set(`UPDATE organisation SET left_at = 0 WHERE id = $1`, w.ContactA.Org)

		// Leaving ends certificates by itself, and for good.
		leaf, cert = w.person(w.OtherA)
		both(leaf, "")
		want(w.t, member.Leave(ctx, w.db, w.ContactA, w.OtherA.Account, member.Left), "")
		both(leaf, "device.revoked")
		if n := w.number(`SELECT COUNT(*) FROM certificate WHERE id = $1 AND revoked_at <> 0 AND revoked_by = $2 AND revoke_reason = 'left'`, cert.ID, w.ContactA.Account); n != 1 {
			w.t.Error("the revocation does not say who and why")
		}
		want(w.t, member.Return(ctx, w.db, w.ContactA, w.OtherA.Account), "")
		both(leaf, "device.revoked")
	})
}

func TestForeignCertificates(t *testing.T) {
	each(t, func(w *world) {
		var nobody *signer
		ca := nobody.sign(w.t, must(pki.NewKey()), authority)
		between := ca.sign(w.t, must(pki.NewKey()), authority)
		leaf := ca.sign(w.t, must(pki.NewKey()), nil).cert
		r := device.Request{Purpose: device.Person, Org: w.StaffA.Org, Account: w.StaffA.Account, Label: "病院の IC カード"}
		register := func(b []byte) error {
			_, err := w.Register(ctx, w.db, w.Operator, r, b)
			return err
		}
		w.admit(leaf, "device.foreign")
		want(w.t, register(leaf.Raw), "device.foreign")

		w.Trust([]*x509.Certificate{ca.cert})
		if len(w.Roots()) != 2 {
			w.t.Errorf("%d roots", len(w.Roots()))
		}
		w.admit(leaf, "device.unknown")
		cert, err := w.Register(ctx, w.db, w.Operator, r, pki.EncodePEM(leaf))
		want(w.t, err, "")
		if got := w.admit(leaf, ""); got.ID != cert.ID || !got.Foreign || got.Account != w.StaffA.Account || got.Label != "病院の IC カード" {
			w.t.Errorf("admitted as %+v", got)
		}
		r.Account = w.OtherA.Account
		want(w.t, register(leaf.Raw), "device.registered")

		// Through an authority in between, which comes with the certificate.
		far := between.sign(w.t, must(pki.NewKey()), nil).cert
		want(w.t, register(far.Raw), "device.foreign")
		want(w.t, register(pki.EncodePEM(far, between.cert)), "")
		w.admit(far, "device.foreign")
		_, err = w.Admit(ctx, w.db, far, []*x509.Certificate{between.cert}, time.Now())
		want(w.t, err, "")

		// What is wrong is told at once.
		own, _ := w.person(w.StaffB)
		want(w.t, register(own.Raw), "device.register_own")
		want(w.t, register(ca.cert.Raw), "device.usage")
		want(w.t, register([]byte("x")), "pki.certificate_format")
		want(w.t, register(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte{1}})), "pki.pem_type")
		want(w.t, register(ca.sign(w.t, must(pki.NewKey()), func(c *x509.Certificate) { c.NotAfter = time.Now().Add(-time.Minute) }).cert.Raw), "device.expired")
		r.Account = w.StaffB.Account
		want(w.t, register(ca.sign(w.t, must(pki.NewKey()), nil).cert.Raw), "fault.not_found")

		// When the authority is trusted no more, its certificates are out at once.
		w.Trust(nil)
		w.admit(leaf, "device.foreign")
		w.Trust([]*x509.Certificate{ca.cert})
		w.admit(leaf, "")
		want(w.t, device.Revoke(ctx, w.db, w.ContactA, cert.ID, device.Replaced), "")
		w.admit(leaf, "device.revoked")
		want(w.t, register(leaf.Raw), "fault.not_found")
		r.Account = w.StaffA.Account
		want(w.t, register(leaf.Raw), "device.registered") // never again
		list := must(x509.ParseRevocationList(must(w.CRL(ctx, w.db))))
		if len(list.RevokedCertificateEntries) != 0 {
			w.t.Error("our list revokes another's certificate")
		}
	})
}

func TestSeen(t *testing.T) {
	each(t, func(w *world) {
		_, cert := w.person(w.StaffA)
		now := time.Now().Truncate(time.Microsecond)
		other := w.another()
		last := func() time.Time {
			return must(device.Find(ctx, w.db, w.StaffA, cert.ID)).LastSeen
		}
		see := func(o *device.Office, at, stored time.Time) {
			w.t.Helper()
			if err := o.Seen(ctx, w.db, cert.ID, at); err != nil {
				w.t.Fatal(err)
			}
			if got := last(); !got.Equal(stored) {
				w.t.Errorf("seen at %s, stored %s, want %s", at, got, stored)
			}
		}
		if !last().IsZero() {
			w.t.Error("seen before it was")
		}
		see(w.Office, now, now)
		see(w.Office, now.Add(9*time.Minute), now)
		see(other, now.Add(9*time.Minute), now) // another process, which remembers nothing
		see(w.Office, now.Add(10*time.Minute), now.Add(10*time.Minute))
		see(w.Office, now, now.Add(10*time.Minute)) // never back
	})
}

// BenchmarkAdmit compares a request's question with the bare query for a row
// by the same key.
func BenchmarkAdmit(b *testing.B) {
	for name, db := range map[string]*store.DB{"sqlite": storetest.SQLite(b), "postgres": storetest.Postgres(b)} {
		p, keys := membertest.Register(b, db), newKeys(b)
		o, err := device.Create(ctx, db, keys, p.Operator, "見本ISAC")
		if err != nil {
			b.Fatal(err)
		}
		key := must(pki.NewKey())
		csr := must(x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key))
		var leaf *x509.Certificate
		for range 1000 {
			chain, _, err := o.IssueCSR(ctx, db, caller.System("bench"), device.Request{Purpose: device.Person, Org: p.StaffA.Org, Account: p.StaffA.Account}, csr)
			if err != nil {
				b.Fatal(err)
			}
			leaf = must(pki.ParseChain(chain))[0]
		}
		fingerprint := pki.Fingerprint(leaf)
		b.Run(name+"/bare", func(b *testing.B) {
			for b.Loop() {
				var id int64
				if err := db.QueryRow(ctx, `SELECT id FROM certificate WHERE fingerprint = $1`, fingerprint).Scan(&id); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/admit", func(b *testing.B) {
			for b.Loop() {
				if _, err := o.Admit(ctx, db, leaf, nil, time.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/seen", func(b *testing.B) {
			for b.Loop() {
				if err := o.Seen(ctx, db, 1, time.Now()); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
