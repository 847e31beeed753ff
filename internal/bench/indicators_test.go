// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"
	"time"

	"teiten/internal/category"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/store"
	"teiten/internal/tlp"
)

const (
	hosts  = 1_000_000 // indicators that are entries of a list of hosts: names, and URLs on a host of their own
	others = 100_000   // addresses and hashes
)

// zones are what the names end in; all are reserved for documentation.
var zones = []string{"example", "login.example", "mail.example", "shop.example.net", "secure.example.com", "example.org"}

// value is the n-th indicator, always the same. Among the hosts no one is above
// another, so that a list has an entry for each.
func value(n int) indicator.Value {
	sum := sha256.Sum256(fmt.Append(nil, "teiten bench ", n))
	word := hex.EncodeToString(sum[:5])
	host := fmt.Sprintf("%s-%d.%s", word, n, zones[int(sum[5])%len(zones)])
	switch {
	case n >= hosts && n%2 == 0:
		v := hex.EncodeToString(sum[:])
		return indicator.Value{Kind: indicator.SHA256, Value: v, Written: v}
	case n >= hosts:
		v := fmt.Sprintf("2001:db8:%x:%x::%x", n>>16+1, n&0xffff+1, int(sum[0])+1)
		return indicator.Value{Kind: indicator.IPv6, Value: v, Host: v, Written: v}
	case n%2 == 0:
		return indicator.Value{Kind: indicator.Domain, Value: host, Host: host, Written: host}
	default:
		url := "https://" + host + "/" + hex.EncodeToString(sum[6:10]) + "/index.php?id=" + hex.EncodeToString(sum[10:14])
		return indicator.Value{Kind: indicator.URL, Value: url, Host: host, Written: url}
	}
}

// unknown is the n-th of the values that nobody has told.
func unknown(n int) indicator.Value {
	v := value(2*n + 1)
	v.Value, v.Host = "https://www."+v.Value[len("https://"):], "www."+v.Host
	return v
}

// fillIndicators stores n hosts and m others as an import does, in batches, and
// returns how long it took.
func fillIndicators(b *testing.B, db *store.DB, n, m int) time.Duration {
	b.Helper()
	ctx := context.Background()
	const batch = 20_000
	start := time.Now()
	file := importFile(b, db)
	today := start.UTC().Truncate(24 * time.Hour)
	numbers := make([]int, 0, n+m)
	for i := range n {
		numbers = append(numbers, i)
	}
	for i := range m {
		numbers = append(numbers, hosts+i)
	}
	for len(numbers) > 0 {
		part := numbers[:min(batch, len(numbers))]
		numbers = numbers[len(part):]
		rows := make([]intel.Observation, len(part))
		for i, at := range part {
			v := value(at)
			o := intel.NewObservation(v, intel.Claim{
				TLP: tlp.Green, Org: 1, Category: category.Phishing, Confidence: intel.DefaultConfidence, Entry: true, HostEntry: v.Host != "",
			}, today.Add(-time.Duration(at%20*24)*time.Hour))
			o.Key, o.ClaimKey = db.Key("bench", fmt.Sprint(at)), db.Key(string(v.Kind), v.Value)
			o.File, o.Source = file, "csv"
			rows[i] = o
		}
		err := db.Keep(ctx, func(tx *store.Tx) error {
			out, err := intel.Record(ctx, tx, rows)
			if err == nil && out.New != len(rows) {
				err = fmt.Errorf("%d of %d indicators were new", out.New, len(rows))
			}
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	took := time.Since(start)
	settle(b, db)
	return took
}

// importFile is the file that the rows are said to come from.
func importFile(b *testing.B, db *store.DB) (id int64) {
	b.Helper()
	ctx := context.Background()
	err := db.Keep(ctx, func(tx *store.Tx) (err error) {
		id, err = tx.Insert(ctx, `INSERT INTO import_file (format, name, organisation_id) VALUES ('csv', 'bench.csv', 1) RETURNING id`)
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return id
}
