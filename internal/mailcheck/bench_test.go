// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/mailcorpus"
	"teiten/internal/membertest"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

// generated are mails without and with images, as bytes.
func generated(b *testing.B) (plain, images [][]byte) {
	b.Helper()
	add := func(s mailcorpus.Sample) {
		m, err := mail.Read(s.Raw, mail.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		has := false
		m.Walk(func(p *mail.Part) bool {
			has = has || len(p.MediaType) > 6 && p.MediaType[:6] == "image/"
			return true
		})
		if has {
			images = append(images, s.Raw)
		} else {
			plain = append(plain, s.Raw)
		}
	}
	for s := range mailcorpus.Phishing(11, 200) {
		add(s)
	}
	for s := range mailcorpus.Benign(11, 200) {
		add(s)
	}
	return plain, images
}

// percentiles runs fn over the mails for each iteration and reports the time of one.
func percentiles(b *testing.B, mails [][]byte, fn func([]byte)) {
	var all []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		fn(mails[i%len(mails)])
		all = append(all, time.Since(start))
	}
	slices.Sort(all)
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
}

// BenchmarkJudge reads and judges without a store.
func BenchmarkJudge(b *testing.B) {
	plain, images := generated(b)
	for name, mails := range map[string][][]byte{"plain": plain, "images": images} {
		b.Run(name, func(b *testing.B) {
			percentiles(b, mails, func(raw []byte) {
				m, err := mail.Read(raw, mail.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				mailcheck.Judge(m, mailcheck.Facts{})
			})
		})
	}
}

// BenchmarkCheck is the full check with 100,000 indicators in SQLite.
func BenchmarkCheck(b *testing.B) {
	plain, images := generated(b)
	db := storetest.SQLite(b)
	p := membertest.Register(b, db)
	now := time.Now()
	for from := 0; from < 100_000; from += 10_000 {
		batch := make([]intel.Observation, 0, 10_000)
		for i := from; i < from+10_000; i++ {
			v, err := indicator.Normalise(indicator.URL, fmt.Sprintf("https://h%d.evil.example/p/%d", i, i))
			if err != nil {
				b.Fatal(err)
			}
			o := intel.NewObservation(v, intel.Claim{TLP: tlp.Green, Org: p.Analyst.Org, Entry: true, HostEntry: true}, now)
			o.Key, o.ClaimKey = int64(i+1), db.Key("url", v.Value)
			batch = append(batch, o)
		}
		if err := db.Keep(ctx, func(tx *store.Tx) error { _, err := intel.Record(ctx, tx, batch); return err }); err != nil {
			b.Fatal(err)
		}
	}
	checker, err := mailcheck.New(intel.NewGuards(db))
	if err != nil {
		b.Fatal(err)
	}
	for name, mails := range map[string][][]byte{"plain": plain, "images": images} {
		b.Run(name, func(b *testing.B) {
			percentiles(b, mails, func(raw []byte) {
				if _, err := checker.Check(ctx, db, p.StaffA, raw); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
