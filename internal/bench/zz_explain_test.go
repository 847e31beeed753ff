package bench

import (
	"context"
	"os"
	"strings"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/store"
)

type logged struct {
	*store.DB
	b *testing.B
}

func BenchmarkZZExplain(b *testing.B) {
	each(b, func(b *testing.B, db *store.DB) {
		loadDemo(b, db)
		n := 20000
		if testing.Short() {
			n = 5000
		}
		b.Logf("fill %d %s", n, fillAdvisories(b, db, n))
		b.Run("x", func(b *testing.B) {
			prefix := "EXPLAIN QUERY PLAN "
			if db.Engine() == store.Postgres {
				prefix = "EXPLAIN (ANALYZE, BUFFERS, COSTS) "
			}
			for _, f := range []advisory.Filter{{Limit: 20}, {Text: "の"}, {Text: "メール"}, {Text: "税"}, {Text: "紙"}, {Text: "電子カルテ"}, {Text: "霊安室 確認"}, {Text: "琥珀"}, {Text: "院内容"}} {
				if os.Getenv("Q") != "" && !strings.Contains(os.Getenv("Q"), f.Text) {
					continue
				}
				query, args, _ := advisory.SQLForBench(f, db, contact)
				start := time.Now()
				advisory.List(context.Background(), db, contact, f)
				b.Logf("== %q %s", f.Text, time.Since(start))
				rows, err := db.Query(context.Background(), prefix+query, args...)
				if err != nil {
					b.Fatal(err)
				}
				for rows.Next() {
					var s string
					if db.Engine() == store.Postgres {
						rows.Scan(&s)
					} else {
						var a, c, d int
						rows.Scan(&a, &c, &d, &s)
					}
					b.Log(s)
				}
				rows.Close()
			}
			report(b)
		})
	})
}
