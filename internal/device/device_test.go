// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package device_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"strings"
	"sync"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/device"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/membertest"
	"teiten/internal/pki"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

var ctx = context.Background()

const day = 24 * time.Hour

// world is a portal with its people and its office.
type world struct {
	*membertest.People
	*device.Office
	t    *testing.T
	db   *store.DB
	keys *blob.Keyring
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func each(t *testing.T, fn func(w *world)) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := &world{People: membertest.Register(t, db), t: t, db: db, keys: must(blob.NewKeyring())}
		var err error
		if w.Office, err = device.Create(ctx, db, w.keys, w.Operator, "見本ISAC"); err != nil {
			t.Fatal(err)
		}
		fn(w)
	})
}

func want(t *testing.T, err error, code string) {
	t.Helper()
	if fault.Code(err) != code || code == "" && err != nil {
		t.Errorf("error %v, want %q", err, code)
	}
}

// another opens the office a second time, as another process does.
func (w *world) another() *device.Office {
	w.t.Helper()
	o, err := device.Open(ctx, w.db, w.keys)
	if err != nil {
		w.t.Fatal(err)
	}
	return o
}

// number is the answer to a question of one number.
func (w *world) number(query string, args ...any) int64 {
	w.t.Helper()
	return storetest.Value[int64](w.t, w.db, query, args...)
}

// set changes what another noun owns.
func (w *world) set(statement string, args ...any) {
	w.t.Helper()
	storetest.Exec(w.t, w.db, statement, args...)
}

func (w *world) invite(c caller.Caller, i device.Invitation) (string, device.Invitation) {
	w.t.Helper()
	code, made, err := device.Invite(ctx, w.db, c, i)
	if err != nil {
		w.t.Fatal(err)
	}
	return code, made
}

// person invites and enrols an account and returns her certificate.
func (w *world) person(c caller.Caller) (*x509.Certificate, device.Certificate) {
	w.t.Helper()
	purpose := device.Person
	if c.Role == caller.Machine {
		purpose = device.Machine
	}
	return w.issue(device.Request{Purpose: purpose, Org: c.Org, Account: c.Account})
}

func (w *world) issue(r device.Request) (*x509.Certificate, device.Certificate) {
	w.t.Helper()
	return w.issueAt(ctx, r)
}

func (w *world) issueAt(ctx context.Context, r device.Request) (*x509.Certificate, device.Certificate) {
	w.t.Helper()
	password := pki.OneTimePassword()
	p12, cert, err := w.Issue(ctx, w.db, w.Operator, r, password, pki.Modern)
	if err != nil {
		w.t.Fatal(err)
	}
	return unpack(w.t, p12, password), cert
}

func unpack(t *testing.T, p12 []byte, password string) *x509.Certificate {
	t.Helper()
	_, leaf, _, err := pkcs12.DecodeChain(p12, password)
	if err != nil {
		t.Fatal(err)
	}
	return leaf
}

func (w *world) admit(leaf *x509.Certificate, code string) device.Certificate {
	w.t.Helper()
	c, err := w.Admit(ctx, w.db, leaf, nil, time.Now())
	want(w.t, err, code)
	return c
}

func TestFounding(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		p, keys := membertest.Register(t, db), must(blob.NewKeyring())
		_, err := device.Open(ctx, db, keys)
		want(t, err, "device.not_founded")
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%v is not NotFound", err)
		}
		p.Each(func(name string, c caller.Caller) {
			if c.Role != caller.Operator {
				_, err := device.Create(ctx, db, keys, c, "x")
				want(t, err, "fault.forbidden")
			}
		})
		var mu sync.Mutex
		var founded int
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				_, err := device.Create(ctx, db, keys, p.Operator, "見本ISAC")
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					founded++
				} else if !fault.Is(err, fault.Conflict) || fault.Code(err) != "device.founded" {
					t.Errorf("create: %v", err)
				}
			})
		}
		all.Wait()
		if founded != 1 {
			t.Fatalf("founded %d times", founded)
		}
		a, b := must(device.Open(ctx, db, keys)), must(device.Open(ctx, db, keys))
		if !a.Authority().Equal(b.Authority()) || len(a.Roots()) != 1 {
			t.Error("two offices of one installation differ")
		}
		// The key is not to be read from the database, and no other key opens it.
		var sealed []byte
		if err := db.QueryRow(ctx, `SELECT key_sealed FROM authority`).Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		if _, err := x509.ParsePKCS8PrivateKey(sealed); err == nil || len(sealed) < 150 {
			t.Errorf("%d bytes of key, readable: %v", len(sealed), err)
		}
		_, err = device.Open(ctx, db, must(blob.NewKeyring()))
		want(t, err, "blob.secret")
	})
}

func TestServerCertificate(t *testing.T) {
	each(t, func(w *world) {
		hosts := []string{"Portal.example.jp", "192.0.2.7"}
		w.Each(func(name string, c caller.Caller) {
			if c.Role != caller.Operator {
				_, err := w.IssueServer(ctx, w.db, c, hosts)
				want(w.t, err, "fault.forbidden")
			}
		})
		// Processes that start at once agree on one.
		offices := []*device.Office{w.Office, w.another(), w.another(), w.another()}
		pairs := make([]*tls.Certificate, len(offices))
		var all sync.WaitGroup
		for i, o := range offices {
			all.Go(func() {
				var err error
				if pairs[i], err = o.IssueServer(ctx, w.db, caller.System("serve"), hosts); err != nil {
					w.t.Error(err)
				}
			})
		}
		all.Wait()
		if w.t.Failed() {
			return
		}
		first := pairs[0]
		for _, p := range pairs {
			if !p.Leaf.Equal(first.Leaf) || len(p.Certificate) != 2 || !bytes.Equal(p.Certificate[1], w.Authority().Raw) {
				w.t.Error("the offices do not agree")
			}
		}
		if n := w.number(`SELECT COUNT(*) FROM certificate WHERE purpose = 'server'`); n != 1 {
			w.t.Fatalf("%d certificates", n)
		}
		roots := x509.NewCertPool()
		roots.AddCert(w.Authority())
		for _, host := range []string{"portal.example.jp", "192.0.2.7"} {
			if _, err := first.Leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: host}); err != nil {
				w.t.Error(err)
			}
		}
		at := func(t time.Time, hosts ...string) *tls.Certificate {
			w.t.Helper()
			p, err := w.IssueServer(store.At(ctx, t), w.db, w.Operator, hosts)
			if err != nil {
				w.t.Fatal(err)
			}
			return p
		}
		end := first.Leaf.NotAfter
		if !at(time.Now(), "192.0.2.7", "portal.example.jp", "PORTAL.example.jp.").Leaf.Equal(first.Leaf) {
			w.t.Error("the order and the spelling of hosts matter")
		}
		if !at(end.Add(-31*day), hosts...).Leaf.Equal(first.Leaf) {
			w.t.Error("renewed too early")
		}
		second := at(end.Add(-29*day), hosts...)
		if second.Leaf.Equal(first.Leaf) || !at(end.Add(-29*day), hosts...).Leaf.Equal(second.Leaf) {
			w.t.Error("not renewed once")
		}
		other := at(time.Now(), "other.example.jp")
		if other.Leaf.Equal(second.Leaf) || len(other.Leaf.DNSNames) != 1 {
			w.t.Error("not renewed for another host")
		}
		// One that was revoked is not used again.
		list := must(device.List(ctx, w.db, w.Operator, device.Filter{Purpose: device.Server, Limit: 1}))
		if err := device.Revoke(ctx, w.db, w.Operator, list[0].ID, device.Lost); err != nil {
			w.t.Fatal(err)
		}
		if at(time.Now(), "other.example.jp").Leaf.Equal(other.Leaf) {
			w.t.Error("a revoked certificate is served")
		}
		// Near the authority's end a new one would not last longer.
		late := w.Authority().NotAfter.Add(-10 * day)
		if last := at(late, hosts...); !at(late.Add(day), hosts...).Leaf.Equal(last.Leaf) {
			w.t.Error("renewed for nothing")
		}
		// The portal's own certificate opens no door.
		_, err := w.Admit(ctx, w.db, first.Leaf, nil, time.Now())
		want(w.t, err, "device.usage")
		_, err = w.IssueServer(ctx, w.db, w.Operator, nil)
		want(w.t, err, "pki.hosts_none")

		// A key that was put in another's row is not served.
		w.set(`UPDATE server_key SET key_sealed = (SELECT key_sealed FROM server_key ORDER BY certificate_id LIMIT 1)`)
		_, err = w.another().IssueServer(store.At(ctx, late), w.db, w.Operator, hosts)
		want(w.t, err, "blob.secret")
	})
}

func TestPeerContext(t *testing.T) {
	if _, ok := device.PeerOf(ctx); ok {
		t.Error("a peer out of nowhere")
	}
	p, ok := device.PeerOf(device.WithPeer(ctx, device.Peer{Certificate: &device.Certificate{ID: 7}}))
	if !ok || p.Certificate.ID != 7 {
		t.Errorf("peer %+v", p)
	}
}

// Every word that a page shows exists in both languages.
func TestNames(t *testing.T) {
	var named []interface{ Key() string }
	for _, p := range append(device.Purposes, device.Server) {
		named = append(named, p)
	}
	for _, r := range device.Reasons {
		named = append(named, r)
	}
	for _, s := range device.States {
		named = append(named, s)
	}
	for _, s := range device.InvitationStates {
		named = append(named, s)
	}
	for _, k := range []device.EndingKind{device.EndingDevice, device.EndingServer, device.EndingAuthority, device.EndingForeign} {
		named = append(named, k)
	}
	for _, n := range named {
		for _, lang := range locale.Langs {
			if s := lang.T(n.Key()); s == "" || strings.HasPrefix(s, "[") {
				t.Errorf("%v is called %q", n, s)
			}
		}
	}
}
