// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package indicator

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"teiten/internal/fault"
	"teiten/internal/program"
)

var (
	realOnce sync.Once
	realURLs []string
	realErr  error
)

// realRows are the URLs of all rows of the JPCERT/CC list, as written.
func realRows(t testing.TB) []string {
	dir := program.RealData(t, "jpcert-phishurl")
	realOnce.Do(func() {
		files, err := filepath.Glob(filepath.Join(dir, "*", "*.csv.gz"))
		if err != nil {
			realErr = err
			return
		}
		for _, name := range files {
			if err := readRows(name); err != nil {
				realErr = err
				return
			}
		}
	})
	if realErr != nil {
		t.Fatal(realErr)
	}
	return realURLs
}

func readRows(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return err
	}
	r := csv.NewReader(z)
	r.FieldsPerRecord = 3
	if _, err := r.Read(); err != nil { // the names of the columns
		return err
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		realURLs = append(realURLs, row[1])
	}
}

type facts struct {
	JPCERT struct {
		Rows          int      `json:"rows"`
		DistinctURLs  int      `json:"distinct_urls"`
		DistinctHosts int      `json:"distinct_hosts_lowercased_go_url_parse"`
		IPv4Hosts     int      `json:"distinct_valid_ipv4_hosts"`
		Malformed     []string `json:"malformed_hosts"`
	} `json:"jpcert"`
}

func realFacts(t testing.TB) facts {
	var f facts
	b, err := os.ReadFile(program.RealData(t, "FACTS.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRealRows normalises every row, and holds that the result is stable, that
// its defanged form means the same, and that both ways of reading agree.
func TestRealRows(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	rows, want := realRows(t), realFacts(t).JPCERT
	if len(rows) != want.Rows {
		t.Fatalf("%d rows, want %d", len(rows), want.Rows)
	}
	reasons, repairs := map[string]int{}, map[Repair]int{}
	urls, values, written, hosts, v4 := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	good, bad, fast := 0, 0, 0
	for i, row := range rows {
		urls[row] = true
		if h := WrittenHost(row); h != "" {
			written[h] = true
		}
		v, err := Normalise(URL, row)
		if err != nil {
			bad++
			reasons[fault.Code(err)]++
			continue
		}
		good++
		values[v.Value], hosts[v.Host] = true, true
		if endsInNumber(v.Host) {
			v4[v.Host] = true
		}
		if fv, fh, ok := fastURL(row); ok {
			fast++
			u, err := parseURL(row)
			if err != nil || u.value != fv || u.host != fh {
				t.Errorf("row %d: the two ways differ: %v", i, err)
			}
		}
		for _, r := range Repaired(row) {
			repairs[r]++
		}
		again, err := Normalise(URL, v.Value)
		if err != nil || again.Value != v.Value || again.Host != v.Host {
			t.Errorf("row %d: not stable: %v", i, err)
		}
		back, err := Normalise(URL, Defang(URL, v.Value))
		if err != nil || back.Value != v.Value {
			t.Errorf("row %d: not the same after defanging: %v", i, err)
		}
	}
	t.Logf("%d rows: %d normalised (%d the fast way), %d refused %v", len(rows), good, fast, bad, reasons)
	t.Logf("distinct: %d written URLs, %d values, %d written hosts, %d hosts, %d IPv4 hosts; repairs %v",
		len(urls), len(values), len(written), len(hosts), len(v4), repairs)
	if good+bad != want.Rows {
		t.Errorf("%d + %d rows, want %d", good, bad, want.Rows)
	}
	if len(urls) != want.DistinctURLs {
		t.Errorf("%d distinct URLs, want %d", len(urls), want.DistinctURLs)
	}
	if len(written) != want.DistinctHosts {
		t.Errorf("%d distinct written hosts, want %d", len(written), want.DistinctHosts)
	}
	if len(v4) != want.IPv4Hosts {
		t.Errorf("%d distinct IPv4 hosts, want %d", len(v4), want.IPv4Hosts)
	}
}
