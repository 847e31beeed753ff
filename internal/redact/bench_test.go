// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"testing"

	"teiten/internal/mail"
	"teiten/internal/mailcorpus"
	"teiten/internal/redact"
)

// BenchmarkRedact is what one mail costs, without reading it.
func BenchmarkRedact(b *testing.B) {
	known := mailcorpus.Inside
	r := redact.New(redact.Inside{Domains: known.Domains, Names: known.Names, Addresses: known.Addresses})
	var mails []*mail.Message
	bytes := 0
	for p := range mailcorpus.Planted(1, 200) {
		m, err := mail.Read(p.Raw, mail.Limits{})
		if err != nil {
			b.Fatal(err)
		}
		m, _ = m.Original()
		mails = append(mails, m)
		bytes += len(p.Raw)
	}
	i := 0
	for b.Loop() {
		r.Redact(mails[i%len(mails)], nil)
		i++
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N), "µs/mail")
	b.ReportMetric(float64(bytes)/float64(len(mails)), "B/mail")
}

// BenchmarkNew is what an institution of a thousand people costs.
func BenchmarkNew(b *testing.B) {
	known := mailcorpus.Inside
	in := redact.Inside{Domains: known.Domains}
	for i := range 1000 {
		in.Names = append(in.Names, known.Names[i%len(known.Names)]+string(rune('一'+i)))
		in.Addresses = append(in.Addresses, "staff"+string(rune('a'+i%26))+string(rune('a'+i/26))+"@hospital.example")
	}
	for b.Loop() {
		redact.New(in)
	}
}
