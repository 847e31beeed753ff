// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"testing"

	"teiten/internal/caller"
	"teiten/internal/guard"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/member"
	"teiten/internal/program"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/trend"
)

var bundledGuard = sync.OnceValues(func() (*guard.Guard, error) {
	lists, err := guard.Bundled()
	if err != nil {
		return nil, err
	}
	return guard.New(lists), nil
})

func theGuard(t testing.TB) *guard.Guard {
	t.Helper()
	g, err := bundledGuard()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func operator(t testing.TB, db *store.DB) caller.Caller {
	t.Helper()
	c, err := member.LocalOperator(context.Background(), db, "cli")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// facts is what FACTS.json says.
type factFile struct {
	JPCERT struct {
		Files       int            `json:"files"`
		Rows        int64          `json:"rows"`
		URLs        int            `json:"distinct_urls"`
		Hosts       int            `json:"distinct_hosts_lowercased_go_url_parse"`
		Malformed   []string       `json:"malformed_hosts"`
		BrandLabels int            `json:"brand_labels"`
		TopBrands   [][2]any       `json:"top_brands"`
		Blank       int64          `json:"rows_date_is_single_space"`
		ByMonth     map[string]int `json:"rows_by_month"`
		Health      map[string]int `json:"health_brands"`
	} `json:"jpcert"`
	KEV  map[string]map[string]int `json:"kev"`
	CSAF struct {
		Documents int `json:"documents"`
		CVEs      int `json:"distinct_cves"`
	} `json:"csaf_icsma"`
}

func readFacts(t testing.TB) (f factFile) {
	t.Helper()
	b, err := os.ReadFile(program.RealData(t, "FACTS.json"))
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func realFiles(t testing.TB) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(program.RealData(t, "jpcert-phishurl"), "*", "*.csv.gz"))
	if err != nil || len(files) == 0 {
		t.Fatal("no files of the list", err)
	}
	sort.Strings(files)
	return files
}

// importFiles imports files in order and returns the sum.
func importFiles(ctx context.Context, db *store.DB, c caller.Caller, g *guard.Guard, o Options, files []string) (all Summary, err error) {
	err = New(db, c, g, o).Files(ctx, files, func(name string) (io.ReadCloser, error) { return os.Open(name) },
		func(name string, s Summary, err error) error {
			all.Add(s)
			if err != nil {
				return fmt.Errorf("%s: %w", filepath.Base(name), err)
			}
			return nil
		})
	return all, err
}

func countRows(t testing.TB, db *store.DB, query string, args ...any) (n int64) {
	t.Helper()
	if err := db.QueryRow(context.Background(), query, args...).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// dump returns the number of rows and a hash of everything that an import left,
// which does not depend on the keys that the store handed out.
func dump(t testing.TB, db *store.DB) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, query := range map[string]string{
		"observation": `SELECT f.format, f.name, o.source, o.category, o.brand, o.written, o.observed_at, o.day, o.tlp, i.kind, i.value
			FROM observation o JOIN import_file f ON f.id = o.file_id
			JOIN indicator i ON i.key = o.indicator_key AND i.tlp = o.tlp AND i.organisation_id = o.organisation_id`,
		"indicator": `SELECT kind, value, host, written, category, brand, first_seen, last_seen, valid_until, confidence, status,
			tlp, CASE WHEN is_entry THEN 1 ELSE 0 END, CASE WHEN is_host_entry THEN 1 ELSE 0 END FROM indicator`,
		"daily_count": `SELECT series, dimension, item, day, tlp, count FROM daily_count`,
	} {
		rows, err := db.Query(context.Background(), query)
		if err != nil {
			t.Fatal(err)
		}
		columns, _ := rows.Columns()
		values, into := make([]any, len(columns)), make([]any, len(columns))
		for i := range values {
			into[i] = &values[i]
		}
		var lines []string
		for rows.Next() {
			if err := rows.Scan(into...); err != nil {
				t.Fatal(err)
			}
			lines = append(lines, fmt.Sprintf("%q", values))
		}
		rows.Close()
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		sort.Strings(lines)
		h := sha256.New()
		for _, l := range lines {
			io.WriteString(h, l+"\n")
		}
		all[name] = fmt.Sprintf("%d rows %s", len(lines), hex.EncodeToString(h.Sum(nil)[:8]))
	}
	return all
}

// tally counts rows by file, brand and written host.
type tally struct {
	file, brand, host, url map[string]int
	blank                  int64
}

func newTally() tally {
	return tally{map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, 0}
}

func (c *tally) add(file, brand, written string) {
	c.file[file]++
	c.brand[brand]++
	c.url[written]++
	if h := indicator.WrittenHost(written); h != "" {
		c.host[h]++
	}
}

// TestRealList imports all of JPCERT/CC's list, compares it with FACTS.json,
// and imports it again.
func TestRealList(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	facts := readFacts(t)
	files := realFiles(t)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		c, g := operator(t, db), theGuard(t)
		s, err := importFiles(ctx, db, c, g, Defaults(JPCERT), files)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", s.Counts)
		if len(files) != facts.JPCERT.Files || s.Rows != facts.JPCERT.Rows || s.Added+s.Rejected != facts.JPCERT.Rows || s.Known != 0 {
			t.Fatalf("%d files, %+v; want %d files, %d rows, each added or rejected", len(files), s.Counts, facts.JPCERT.Files, facts.JPCERT.Rows)
		}
		if n := countRows(t, db, `SELECT COUNT(*) FROM observation`); n != s.Added {
			t.Errorf("%d observations are stored, %d were counted", n, s.Added)
		}

		got := newTally()
		rows, err := db.Query(ctx, `SELECT f.name, o.brand, o.written, o.day FROM observation o JOIN import_file f ON f.id = o.file_id`)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var file, brand, written string
			var day int64
			if err := rows.Scan(&file, &brand, &written, &day); err != nil {
				t.Fatal(err)
			}
			got.add(file, brand, written)
			if day == trend.NoDay {
				got.blank++
			}
		}
		rows.Close()
		// What was rejected is found again by file and line, and is what FACTS.json
		// calls malformed: hosts with two dots in a row.
		if int64(len(s.Problems)) != s.Rejected || s.Dropped != 0 {
			t.Fatalf("%d problems for %d rejected rows", len(s.Problems), s.Rejected)
		}
		for _, p := range s.Problems {
			row := rowAt(t, files, p.File, p.Line)
			if host := indicator.WrittenHost(row[1]); !strings.Contains(host, "..") {
				t.Errorf("%s:%d is rejected without need: %s", p.File, p.Line, locale.Japanese.Fault(p.Err))
			}
			got.add(p.File, row[2], row[1])
		}
		if want := 5; len(s.Problems) != want { // the sixth malformed host is 23.94.00.27, which browsers read
			t.Errorf("%d rows rejected, want %d", len(s.Problems), want)
		}
		for file, want := range facts.JPCERT.ByMonth {
			if n := got.file[file+".csv"]; n != want {
				t.Errorf("%s: %d rows, want %d", file, n, want)
			}
		}
		for _, top := range facts.JPCERT.TopBrands {
			if n := got.brand[top[0].(string)]; float64(n) != top[1] {
				t.Errorf("%s: %d rows, want %v", top[0], n, top[1])
			}
		}
		for brand, want := range facts.JPCERT.Health {
			if n := got.brand[brand]; n != want {
				t.Errorf("%s: %d rows, want %v", brand, n, want)
			}
		}
		if len(got.brand) != facts.JPCERT.BrandLabels || len(got.host) != facts.JPCERT.Hosts || len(got.url) != facts.JPCERT.URLs || got.blank != facts.JPCERT.Blank {
			t.Errorf("%d brands, %d hosts, %d URLs, %d without date; want %d, %d, %d, %d", len(got.brand), len(got.host), len(got.url), got.blank,
				facts.JPCERT.BrandLabels, facts.JPCERT.Hosts, facts.JPCERT.URLs, facts.JPCERT.Blank)
		}

		again, err := importFiles(ctx, db, c, g, Defaults(JPCERT), files)
		if err != nil {
			t.Fatal(err)
		}
		if again.Added != 0 || again.New != 0 || again.Renewed != 0 || again.Known != s.Added || again.Rejected != s.Rejected {
			t.Errorf("the second run did %+v", again.Counts)
		}
		if db.Dialect == store.SQLite { // counting is the same SQL; one engine is enough
			if diff, err := trend.Check(ctx, db, c); err != nil || len(diff) > 0 {
				t.Errorf("counts differ from a recount: %v %v", diff, err)
			}
		}
	})
}

var listed sync.Map // file name → rows

func rowAt(t *testing.T, files []string, name string, line int64) []string {
	t.Helper()
	for _, path := range files {
		if filepath.Base(path) != name+".gz" {
			continue
		}
		if rows, ok := listed.Load(path); ok {
			return rows.([][]string)[line-1]
		}
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(z).ReadAll() // no row of the list has several lines
		if err != nil {
			t.Fatal(err)
		}
		listed.Store(path, rows)
		return rows[line-1]
	}
	t.Fatalf("no file %s", name)
	return nil
}
