// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"teiten/internal/store"
	"teiten/internal/storetest"
)

// BenchmarkImport imports all of JPCERT/CC's list into an empty store with the
// durability of a real installation, and compares that with the driver alone:
// the rows that the import left, ready made, put into the same tables with the
// same indexes by prepared rows, multi-row VALUES or COPY, whichever is fastest.
//
//	go test -run '^$' -bench Import -benchtime 3x ./internal/intake
func BenchmarkImport(b *testing.B) {
	files := realFiles(b)
	g := theGuard(b)
	ctx := context.Background()
	for _, engine := range []store.Dialect{store.SQLite, store.Postgres} {
		b.Run(strings.ToLower(engine.String()), func(b *testing.B) {
			fresh := func() store.Options { return store.Options{Data: b.TempDir()} }
			if engine == store.Postgres {
				address := storetest.Durable(b)
				fresh = func() store.Options { return store.Options{Database: address()} }
			}
			var made *ready
			var ours time.Duration // the best of all rounds, as of the driver
			bare := map[string]time.Duration{}
			best := ""
			for b.Loop() {
				o := fresh()
				db, err := store.Open(ctx, o)
				if err != nil {
					b.Fatal(err)
				}
				c := operator(b, db)
				begin := time.Now()
				if _, err := importFiles(ctx, db, c, g, Defaults(JPCERT), files); err != nil {
					b.Fatal(err)
				}
				ours = shorter(ours, time.Since(begin))
				if made == nil {
					made = readReady(b, db)
				}
				db.Close()
				for name, insert := range ways(engine) {
					if best != "" && bare[name] > 2*bare[best] {
						continue // it will not win
					}
					o := fresh()
					db, err := store.Open(ctx, o)
					if err != nil {
						b.Fatal(err)
					}
					db.Close()
					bare[name] = shorter(bare[name], insert(b, o, made))
				}
				for name, took := range bare {
					if best == "" || took < bare[best] {
						best = name
					}
				}
			}
			rows := float64(len(made.observations))
			var names []string
			for name, took := range bare {
				names = append(names, fmt.Sprintf("%s %.0f", name, rows/took.Seconds()))
			}
			sort.Strings(names)
			b.Logf("bare driver, rows/s: %s", strings.Join(names, ", "))
			b.ReportMetric(rows/ours.Seconds(), "rows/s")
			b.ReportMetric(rows/bare[best].Seconds(), "bare-rows/s")
			b.ReportMetric(bare[best].Seconds()/ours.Seconds(), "ratio")
		})
	}
}

func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b < a {
		return b
	}
	return a
}

// BenchmarkRead is the part of an import before the store: unpacking, parsing,
// normalising, judging and naming the rows.
func BenchmarkRead(b *testing.B) {
	files := realFiles(b)
	g := theGuard(b)
	rows := int64(0)
	for b.Loop() {
		for _, name := range files {
			f, err := os.Open(name)
			if err != nil {
				b.Fatal(err)
			}
			in, err := open(f)
			if err != nil {
				b.Fatal(err)
			}
			o := Defaults(JPCERT)
			o.Batch, o.now = defaultBatch, time.Now()
			out := make(chan *batch, 1)
			done := make(chan int64)
			go func() {
				n := int64(0)
				for x := range out {
					n += x.Rows
				}
				done <- n
			}()
			r := &refiner{ctx: context.Background(), out: out, guard: g, org: 1, base: []string{"row", "1", "jpcert", stem(name)}, name: name, input: in, opts: &o, times: map[int64]uint32{}, now: &batch{}}
			if err := readJPCERT(in, r); err != nil {
				b.Fatal(err)
			}
			r.flush()
			close(out)
			rows += <-done
			f.Close()
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}

// ready are the rows that an import left, as a driver takes them.
type ready struct{ observations, indicators [][]any }

var readyTables = []struct {
	name    string
	columns string
	rows    func(*ready) *[][]any
}{
	{"observation", "key, indicator_key, tlp, organisation_id, file_id, source, category, brand, written, observed_at, day",
		func(r *ready) *[][]any { return &r.observations }},
	{"indicator", "key, tlp, organisation_id, kind, value, host, host_key, written, category, brand, first_seen, last_seen, confidence, valid_until, status, is_entry, is_host_entry",
		func(r *ready) *[][]any { return &r.indicators }},
}

// readReady reads in the order of the keys, which is the fastest to insert in.
func readReady(b *testing.B, db *store.DB) *ready {
	var all ready
	for _, t := range readyTables {
		rows, err := db.Query(context.Background(), `SELECT `+t.columns+` FROM `+t.name+` ORDER BY key`)
		if err != nil {
			b.Fatal(err)
		}
		defer rows.Close()
		n := strings.Count(t.columns, ",") + 1
		for rows.Next() {
			values, into := make([]any, n), make([]any, n)
			for i := range values {
				into[i] = &values[i]
			}
			if err := rows.Scan(into...); err != nil {
				b.Fatal(err)
			}
			*t.rows(&all) = append(*t.rows(&all), values)
		}
		if err := rows.Err(); err != nil {
			b.Fatal(err)
		}
	}
	return &all
}

// inserter puts the ready rows into an empty store and says how long it took.
type inserter func(b *testing.B, o store.Options, r *ready) time.Duration

func ways(engine store.Dialect) map[string]inserter {
	all := map[string]inserter{}
	for _, size := range []int{20_000, 1 << 30} {
		name := fmt.Sprintf(" in batches of %d", size)
		if size == 1<<30 {
			name = " in one transaction"
		}
		if engine == store.Postgres {
			all["COPY"+name] = copyAll(size)
			all["VALUES"+name] = valuesAll(size, 20)
			continue
		}
		all["prepared"+name] = valuesAll(size, 1)
		all["VALUES"+name] = valuesAll(size, 20)
	}
	return all
}

// valuesAll inserts with a prepared statement of so many rows.
func valuesAll(batch, many int) inserter {
	return func(b *testing.B, o store.Options, r *ready) time.Duration {
		driver, dsn := "pgx", o.Database
		if o.Database == "" {
			driver, dsn = "sqlite", "file:"+filepath.Join(o.Data, "teiten.db")+"?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)"+
				"&_pragma=temp_store(MEMORY)&_pragma=mmap_size(268435456)&_pragma=cache_size(-32768)&_pragma=wal_autocheckpoint(20000)"
		}
		db, err := sql.Open(driver, dsn)
		if err != nil {
			b.Fatal(err)
		}
		defer db.Close()
		db.SetMaxOpenConns(1)
		if err := db.Ping(); err != nil {
			b.Fatal(err)
		}
		begin := time.Now()
		for _, t := range readyTables {
			rows := *t.rows(r)
			for from := 0; from < len(rows); from += batch {
				insertSome(b, db, t.name, t.columns, rows[from:min(len(rows), from+batch)], many)
			}
		}
		return time.Since(begin)
	}
}

func insertSome(b *testing.B, db *sql.DB, table, columns string, rows [][]any, many int) {
	tx, err := db.Begin()
	if err != nil {
		b.Fatal(err)
	}
	width := strings.Count(columns, ",") + 1
	prepare := func(many int) *sql.Stmt {
		var text strings.Builder
		text.WriteString("INSERT INTO " + table + " (" + columns + ") VALUES ")
		for i := range many * width {
			switch {
			case i == 0:
				text.WriteString("(")
			case i%width == 0:
				text.WriteString("), (")
			default:
				text.WriteString(", ")
			}
			fmt.Fprintf(&text, "$%d", i+1)
		}
		stmt, err := tx.Prepare(text.String() + ")")
		if err != nil {
			b.Fatal(err)
		}
		return stmt
	}
	several, one := prepare(many), prepare(1)
	args := make([]any, 0, many*width)
	for len(rows) > 0 {
		stmt, n := several, many
		if len(rows) < many {
			stmt, n = one, 1
		}
		args = args[:0]
		for _, row := range rows[:n] {
			args = append(args, row...)
		}
		if _, err := stmt.Exec(args...); err != nil {
			b.Fatal(err)
		}
		rows = rows[n:]
	}
	if err := tx.Commit(); err != nil {
		b.Fatal(err)
	}
}

func copyAll(batch int) inserter {
	return func(b *testing.B, o store.Options, r *ready) time.Duration {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, o.Database)
		if err != nil {
			b.Fatal(err)
		}
		defer conn.Close(ctx)
		begin := time.Now()
		for _, t := range readyTables {
			rows := *t.rows(r)
			for from := 0; from < len(rows); from += batch {
				if _, err := conn.CopyFrom(ctx, pgx.Identifier{t.name}, strings.Split(t.columns, ", "), pgx.CopyFromRows(rows[from:min(len(rows), from+batch)])); err != nil {
					b.Fatal(err)
				}
			}
		}
		return time.Since(begin)
	}
}
