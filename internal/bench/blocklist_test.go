// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"teiten/internal/locale"
	"teiten/internal/store"
)

// blockLists fetches lists whole, as a proxy does each hour, and then asks
// again with the entity tag. It is compared with reading the same columns of the
// same rows out of the table, in no order and with nothing done to them.
func blockLists(b *testing.B, db *store.DB, site *portal, n int) {
	for _, format := range []struct {
		slug string
		size int
	}{{"domains", n}, {"urls", n / 2}, {"csv", n + scaled(others)}} {
		b.Run(format.slug, func(b *testing.B) {
			for b.Loop() {
				fetch(b, db, site, format.slug, format.size)
			}
		})
	}
}

func fetch(b *testing.B, db *store.DB, site *portal, slug string, n int) {
	b.Helper()
	start := time.Now()
	resp := site.get(b, "/blocklists/"+slug, "")
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b.Fatalf("%s: %s", slug, resp.Status)
	}
	head := time.Since(start)
	var first time.Duration // until the first entry
	var size, lines int
	r := bufio.NewReaderSize(resp.Body, 64<<10)
	var last []byte
	for {
		line, err := r.ReadSlice('\n')
		if first == 0 && len(line) > 0 && line[0] != '#' && !bytes.HasPrefix(line, []byte("kind,")) {
			first = time.Since(start)
		}
		if len(line) > 0 {
			size += len(line)
			lines++
			last = append(last[:0], line...)
		}
		if err == io.EOF {
			break
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	whole := time.Since(start)
	// The sample portal's own indicators come beside, so there are a few more.
	if want := fmt.Sprintf("# end: %s", locale.Number(int64(n))); lines < n || !bytes.HasPrefix(last, []byte("# end: ")) {
		b.Fatalf("%s has %d lines and ends with %q, want %q or a little more", slug, lines, last, want)
	}
	tag := resp.Header.Get("ETag")
	again := timed(b, 200, func(int) error {
		resp := site.get(b, "/blocklists/"+slug, tag)
		resp.Body.Close()
		if resp.StatusCode != http.StatusNotModified {
			return fmt.Errorf("%s again: %s", slug, resp.Status)
		}
		return nil
	})
	bare := scan(b, db, n)
	b.Logf("%s: %d lines, %.1f MB in %s: %.0f entries/s; head after %s, first entry after %s; 304: %s; the bare rows in %s; ratio %.2f",
		slug, lines, float64(size)/1e6, short(whole), perSecond(n, whole), short(head), short(first), again, short(bare), ratio(whole, bare))
	report(b, perSecond(n, whole), "entries/s", milliseconds(head), "head-ms", milliseconds(first), "first-entry-ms",
		milliseconds(again.at(.5)), "304-p50-ms", ratio(whole, bare), "×scan")
}

func (p *portal) get(b *testing.B, path, tag string) *http.Response {
	b.Helper()
	req, err := http.NewRequest("GET", p.url+path, nil)
	if err != nil {
		b.Fatal(err)
	}
	if tag != "" {
		req.Header.Set("If-None-Match", tag)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	return resp
}

// scan reads n rows of what a list is made from.
func scan(b *testing.B, db *store.DB, n int) time.Duration {
	b.Helper()
	start := time.Now()
	rows, err := db.Query(context.Background(), fmt.Sprintf(`SELECT i.key, i.kind, i.value, i.host, i.is_entry, i.is_host_entry, i.category, i.brand,
		i.confidence, i.first_seen, i.last_seen, i.valid_until, i.tlp FROM indicator i LIMIT %d`, n))
	if err != nil {
		b.Fatal(err)
	}
	defer rows.Close()
	read := 0
	for rows.Next() {
		var kind, value, host, category, brand string
		var entry, hostEntry bool
		var key, confidence, first, last, until, level int64
		if err := rows.Scan(&key, &kind, &value, &host, &entry, &hostEntry, &category, &brand, &confidence, &first, &last, &until, &level); err != nil {
			b.Fatal(err)
		}
		read++
	}
	if err := rows.Err(); err != nil || read != n {
		b.Fatalf("%d rows: %v", read, err)
	}
	return time.Since(start)
}
