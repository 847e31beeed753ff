// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"bytes"
	"io"
	netmail "net/mail"
	"testing"
	"time"

	"github.com/emersion/go-message"
	gomail "github.com/emersion/go-message/mail"
	"github.com/jhillyerd/enmime/v2"

	"teiten/internal/mailcorpus"
)

// BenchmarkRead reads generated Japanese mails and real ones with this package
// and with others, all to the end: every part decoded. It reports how many times
// as long the others take.
func BenchmarkRead(b *testing.B) {
	b.Run("generated", func(b *testing.B) {
		var mails [][]byte
		for s := range mailcorpus.Japanese(3, 300) {
			mails = append(mails, s.Raw)
		}
		compare(b, mails)
	})
	b.Run("real", func(b *testing.B) {
		var mails [][]byte
		for _, r := range realMails(b) {
			mails = append(mails, r.raw)
		}
		compare(b, mails)
	})
}

// compare measures ours first, to which the others are related.
func compare(b *testing.B, mails [][]byte) {
	size := 0
	for _, m := range mails {
		size += len(m)
	}
	parsers := []struct {
		name string
		read func([]byte)
	}{
		{"teiten", func(m []byte) { _, _ = Read(m, Limits{}) }},
		{"enmime", func(m []byte) { _, _ = enmime.ReadEnvelope(bytes.NewReader(m)) }},
		{"go-message", func(m []byte) {
			mr, err := gomail.CreateReader(bytes.NewReader(m))
			if mr == nil || err != nil && !message.IsUnknownCharset(err) {
				return
			}
			for range 1000 {
				p, err := mr.NextPart()
				if p == nil || err != nil && !message.IsUnknownCharset(err) {
					return
				}
				_, _ = io.Copy(io.Discard, p.Body)
			}
		}},
		{"net-mail", func(m []byte) {
			if p, err := netmail.ReadMessage(bytes.NewReader(m)); err == nil {
				_, _ = io.Copy(io.Discard, p.Body)
			}
		}},
	}
	var own time.Duration
	for i, p := range parsers {
		b.Run(p.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(size))
			start := time.Now()
			for b.Loop() {
				for _, m := range mails {
					p.read(m)
				}
			}
			each := time.Since(start) / time.Duration(b.N*len(mails))
			b.ReportMetric(float64(each.Microseconds()), "µs/mail")
			if i == 0 {
				own = each
			} else {
				b.ReportMetric(float64(each)/float64(own), "x-ours")
			}
		})
	}
}
