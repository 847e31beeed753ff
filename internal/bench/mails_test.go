// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jhillyerd/enmime/v2"

	"teiten/internal/intel"
	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/mailcorpus"
	"teiten/internal/program"
	"teiten/internal/store"
)

// BenchmarkMails reads and checks the same mails with a million indicators in
// the store, beside enmime, which only reads, and a running rspamd, which has
// no such indicators. Mails with images are counted apart: their codes are
// looked for.
func BenchmarkMails(b *testing.B) {
	plain, images := mails(b)
	beside := program.StartRspamd(b)
	each(b, func(b *testing.B, db *store.DB) {
		loadDemo(b, db)
		fillIndicators(b, db, scaled(hosts), scaled(others))
		checker, err := mailcheck.New(intel.NewGuards(db))
		if err != nil {
			b.Fatal(err)
		}
		who := contact
		ctx := context.Background()
		for _, set := range []struct {
			name  string
			mails [][]byte
		}{{"plain", plain}, {"images", images}} {
			b.Run(set.name, func(b *testing.B) {
				check := func(i int) error {
					_, err := checker.Check(ctx, db, who, set.mails[i])
					return err
				}
				if err := check(0); err != nil { // the guard's lists are unpacked at the first one
					b.Fatal(err)
				}
				for b.Loop() {
					n := len(set.mails)
					// One at a time: the processor's time of one is what it took in all.
					spent := func(clock func() time.Duration, op func(i int) error) (time.Duration, times) {
						before := clock()
						all := timed(b, n, op)
						return (clock() - before) / time.Duration(n), all
					}
					read, _ := spent(processor, func(i int) error { _, err := mail.Read(set.mails[i], mail.Limits{}); return err })
					whole, ours := spent(processor, check)
					parsed, _ := spent(processor, func(i int) error {
						_, err := enmime.ReadEnvelope(bytes.NewReader(set.mails[i]))
						if err != nil && !strings.Contains(err.Error(), "EOF") {
							return nil // it cannot read all of them; what it tried counts
						}
						return nil
					})
					scanned, theirs := spent(beside.Processor, func(i int) error { beside.Scan(set.mails[i]); return nil })
					b.Logf("%d mails: read %s, checked %s of processor time each (%s); enmime reads in %s, rspamd scans in %s (%s)",
						n, short(read), short(whole), ours, short(parsed), short(scanned), theirs)
					report(b, microseconds(read), "read-µs", microseconds(whole), "check-µs", microseconds(ours.at(0.5)), "check-p50-µs", microseconds(ours.at(0.99)), "check-p99-µs",
						ratio(parsed, read), "enmime/read", ratio(scanned, whole), "rspamd/check")
				}
			})
		}
	})
}

// mails are generated ones, without and with images.
func mails(b *testing.B) (plain, images [][]byte) {
	for s := range mailcorpus.Phishing(11, scaled(400)) {
		plain = append(plain, s.Raw)
	}
	for s := range mailcorpus.Benign(11, scaled(400)) {
		plain = append(plain, s.Raw)
	}
	plain = slices.DeleteFunc(plain, func(raw []byte) bool {
		m, err := mail.Read(raw, mail.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		has := false
		m.Walk(func(p *mail.Part) bool {
			has = has || strings.HasPrefix(p.MediaType, "image/")
			return !has
		})
		if has {
			images = append(images, raw)
		}
		return has
	})
	return plain, images
}
