// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"context"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"teiten/internal/store"
	"teiten/internal/storetest"
)

// onEach runs fn on an empty store of each engine: the SQLite file as in
// production, with synchronous=FULL; the tests' PostgreSQL has fsync off.
func onEach(b *testing.B, fn func(b *testing.B, w *world)) {
	for name, o := range map[string]func(b *testing.B) store.Options{
		"sqlite":   func(b *testing.B) store.Options { return store.Options{Data: b.TempDir()} },
		"postgres": func(b *testing.B) store.Options { return store.Options{Database: storetest.Address(b)} },
	} {
		b.Run(name, func(b *testing.B) {
			db, err := store.Open(ctx, o(b))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { db.Close() })
			fn(b, newWorld(b, db))
		})
	}
}

// BenchmarkSignIn compares a sign-in, and one that is refused because nobody
// has the login, with bare argon2id of the same parameters.
//
//	go test -run '^$' -bench SignIn -benchtime 20x ./internal/auth
func BenchmarkSignIn(b *testing.B) {
	defer func(c cost) { charge(c) }(present)
	charge(production)
	onEach(b, func(b *testing.B, w *world) {
		u := w.setUp(w.StaffA, "staff-a", bound(7, w.StaffA))
		var ours, unknown, bare time.Duration
		for b.Loop() {
			w.later(24 * time.Hour)
			code := u.code()
			begin := time.Now()
			if _, _, err := u.attempt(u.dev, u.password, code); err != nil {
				b.Fatal(err)
			}
			ours += time.Since(begin)

			begin = time.Now()
			if _, _, err := SignIn(ctx, w.db, w.keys, u.dev, Attempt{Login: "nobody-here", Password: u.password, Code: code}); err == nil {
				b.Fatal("nobody came in")
			}
			unknown += time.Since(begin)

			begin = time.Now()
			argon2.IDKey([]byte(u.password), make([]byte, saltSize), present.passes, present.memory, present.lanes, hashSize)
			bare += time.Since(begin)
		}
		b.ReportMetric(float64(ours.Milliseconds())/float64(b.N), "ms/sign-in")
		b.ReportMetric(float64(unknown.Milliseconds())/float64(b.N), "ms/unknown")
		b.ReportMetric(float64(bare.Milliseconds())/float64(b.N), "ms/argon2")
		b.ReportMetric(float64(ours)/float64(bare), "sign-in/argon2")
		b.ReportMetric(float64(unknown)/float64(ours), "unknown/sign-in")
	})
}

// BenchmarkResume compares what each request of a signed-in person costs with
// the smallest query by a key, among a thousand sessions.
//
//	go test -run '^$' -bench Resume ./internal/auth
func BenchmarkResume(b *testing.B) {
	onEach(b, func(b *testing.B, w *world) {
		dev := bound(7, w.StaffA)
		token := ""
		err := w.db.Batch(ctx, func(in context.Context) (err error) {
			for range 1000 {
				if token, _, err = Open(in, w.db, dev, w.StaffA.Account, ByPasskey, ""); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		var ours, bare time.Duration
		var id int64
		for b.Loop() {
			begin := time.Now()
			_, s, err := Resume(ctx, w.db, token, dev)
			if err != nil {
				b.Fatal(err)
			}
			middle := time.Now()
			if err := w.db.QueryRow(ctx, `SELECT id FROM account WHERE id = $1`, s.Account).Scan(&id); err != nil {
				b.Fatal(err)
			}
			ours += middle.Sub(begin)
			bare += time.Since(middle)
		}
		b.ReportMetric(float64(ours.Nanoseconds())/1e3/float64(b.N), "µs/resume")
		b.ReportMetric(float64(bare.Nanoseconds())/1e3/float64(b.N), "µs/query")
		b.ReportMetric(float64(ours)/float64(bare), "resume/query")
	})
}

// BenchmarkCheckPassword is the weighing of a long password.
func BenchmarkCheckPassword(b *testing.B) {
	for b.Loop() {
		if err := CheckPassword("tanuki hana sakura ringo umbrella teacup gravel", "hanako.yamada", "甲市民病院"); err != nil {
			b.Fatal(err)
		}
	}
}
