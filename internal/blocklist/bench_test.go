// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"iter"
	"testing"
	"time"

	"teiten/internal/blocklist"
	"teiten/internal/indicator"
)

// hostEntries gives n hosts that may be refused, in the order of ByHost.
func hostEntries(n int) blocklist.Source {
	return func(yield func(blocklist.Entry, error) bool) {
		for i := range n {
			host := fmt.Sprintf("login-%07d.example", i)
			if !yield(blocklist.Entry{Kind: indicator.Domain, Value: host, Host: host, HostBlocked: true, Category: "phishing"}, nil) {
				return
			}
		}
	}
}

func pageEntries(n int) blocklist.Source {
	return func(yield func(blocklist.Entry, error) bool) {
		for i := range n {
			e := blocklist.Entry{Kind: indicator.URL, Value: fmt.Sprintf("https://forms.example/d/%07d/view?usp=sf_link", i),
				Host: "forms.example", Category: "phishing"}
			if !yield(e, nil) {
				return
			}
		}
	}
}

func addressEntries(n int) blocklist.Source {
	return func(yield func(blocklist.Entry, error) bool) {
		for i := range n {
			a := fmt.Sprintf("2001:db8::1%03x:1%03x", i>>12, i&0xfff)
			if !yield(blocklist.Entry{Kind: indicator.IPv6, Value: a, Host: a, HostBlocked: true}, nil) {
				return
			}
		}
	}
}

func firsts(src blocklist.Source) iter.Seq[blocklist.Entry] {
	return func(yield func(blocklist.Entry) bool) {
		for e := range src {
			if !yield(e) {
				return
			}
		}
	}
}

// BenchmarkWrite writes 1,000,000 entries in each format and then the same
// bytes in pieces of 64 KiB, and prints the ratio of the two times. The writer
// below is a buffer of constant size, so that "plain" is a copy in memory.
func BenchmarkWrite(b *testing.B) {
	const n = 1_000_000
	for _, f := range blocklist.Formats() {
		b.Run(f.Slug, func(b *testing.B) {
			src := hostEntries(n)
			switch f.Slug {
			case "urls", "squid-urls":
				src = pageEntries(n)
			case "ips":
				src = addressEntries(n)
			}
			entries := make([]blocklist.Entry, 0, n)
			for e := range src {
				entries = append(entries, e)
			}
			var sum blocklist.Summary
			start := time.Now()
			for b.Loop() {
				var err error
				if sum, err = blocklist.Write(context.Background(), &ring{}, f, header, seq(entries)); err != nil {
					b.Fatal(err)
				}
			}
			took := time.Since(start) / time.Duration(b.N)
			if sum.Written != n {
				b.Fatalf("%+v", sum)
			}
			piece := bytes.Repeat([]byte{'x'}, 64<<10)
			start = time.Now()
			var plain io.Writer = &ring{}
			for left := sum.Bytes; left > 0; left -= int64(len(piece)) {
				plain.Write(piece[:min(left, int64(len(piece)))])
			}
			copied := time.Since(start)
			b.SetBytes(sum.Bytes)
			b.ReportMetric(float64(n)/took.Seconds(), "entries/s")
			b.ReportMetric(float64(took)/float64(copied), "×plain")
		})
	}
}

// ring takes bytes as a socket's buffer does.
type ring struct {
	buf [64 << 10]byte
	at  int
}

func (r *ring) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		c := copy(r.buf[r.at:], p)
		r.at = (r.at + c) % len(r.buf)
		p = p[c:]
	}
	return n, nil
}

// TestConstantMemory writes 100,000 entries and counts allocations, which bounds
// what can have been held.
func TestConstantMemory(t *testing.T) {
	for _, f := range blocklist.Formats() {
		if f.Slug == "suricata" || f.Slug == "json" || f.Slug == "csv" {
			continue // suricata remembers numbers; the tables make short-lived garbage for each entry
		}
		src := hostEntries(1)
		if !f.Takes(indicator.Domain) && f.Takes(indicator.URL) && !f.Takes(indicator.IPv4) {
			src = pageEntries(1)
		}
		for e := range src {
			var many blocklist.Source = func(yield func(blocklist.Entry, error) bool) {
				for range 100_000 {
					if !yield(e, nil) {
						return
					}
				}
			}
			allocs := testing.AllocsPerRun(1, func() {
				if _, err := blocklist.Write(context.Background(), io.Discard, f, header, many); err != nil {
					t.Fatal(err)
				}
			})
			if allocs > 200 {
				t.Errorf("%s: %.0f allocations for 100,000 entries", f.Slug, allocs)
			}
		}
	}
}
