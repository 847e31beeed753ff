// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/program"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

func readReal(t testing.TB, parts ...string) []byte {
	t.Helper()
	f, err := os.Open(program.RealData(t, parts...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in, err := open(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(in)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func importBytes(t testing.TB, db *store.DB, c caller.Caller, o Options, name string, data []byte) Summary {
	t.Helper()
	s, err := File(context.Background(), db, c, theGuard(t), o, name, bytes.NewReader(data))
	if err != nil {
		t.Fatalf("%s: %s (%v)", name, locale.Japanese.Fault(err), err)
	}
	return s
}

// TestRealKEV imports two snapshots of the catalogue, each twice, and then the
// older one again.
func TestRealKEV(t *testing.T) {
	if testing.Short() {
		t.Skip("the whole catalogue, twice, on both engines")
	}
	kev := readFacts(t).KEV
	older := readReal(t, "kev", "2025-02-07", "known_exploited_vulnerabilities.json.gz")
	newer := readReal(t, "kev", "2025-03-31", "known_exploited_vulnerabilities.json.gz")
	first, added, changed := int64(kev["2025-02-07"]["entries"]), int64(kev["delta"]["added"]), int64(kev["delta"]["changed"])
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		c := operator(t, db)
		o := Defaults(KEV)
		dry := o
		dry.DryRun = true
		for _, step := range []struct {
			name string
			o    Options
			data []byte
			want Counts
		}{
			{"older, dry", dry, older, Counts{Rows: first, Added: first}},
			{"older", o, older, Counts{Rows: first, Added: first}},
			{"older again", o, older, Counts{Rows: first, Known: first}},
			{"newer, dry", dry, newer, Counts{Rows: first + added, Added: added, Renewed: changed, Known: first - changed}},
			{"newer", o, newer, Counts{Rows: first + added, Added: added, Renewed: changed, Known: first - changed}},
			{"newer again", o, newer, Counts{Rows: first + added, Known: first + added}},
			{"back to the older", o, older, Counts{Rows: first, Known: first}},
		} {
			if s := importBytes(t, db, c, step.o, "kev.json", step.data); s.Counts != step.want {
				t.Errorf("%s: %+v, want %+v", step.name, s.Counts, step.want)
			}
		}
		if n := countRows(t, db, `SELECT COUNT(*) FROM advisory WHERE state = 'corrected'`); n != changed {
			t.Errorf("%d advisories are corrected, want %d", n, changed)
		}
		// The reasons of the corrections name what changed: four became known to be
		// used by ransomware.
		if n := countRows(t, db, `SELECT COUNT(*) FROM advisory WHERE reason LIKE 'CISA KEV 2025.03.31：%ランサムウェアでの悪用（知られていない → 確認されている）%'`); n != int64(kev["delta"]["ransomware_unknown_to_known"]) {
			t.Errorf("%d corrections name the new use by ransomware", n)
		}
		if n := countRows(t, db, `SELECT COUNT(*) FROM advisory WHERE body LIKE '%- ランサムウェアでの悪用：確認されている%'`); n != int64(kev["2025-03-31"]["ransomware_known"]) {
			t.Errorf("%d advisories say that ransomware uses it, want %d", n, kev["2025-03-31"]["ransomware_known"])
		}
		page, err := advisory.List(ctx, db, c, advisory.Filter{Source: "CISA KEV", From: time.Date(2025, 3, 27, 0, 0, 0, 0, locale.Tokyo), To: time.Date(2025, 3, 28, 0, 0, 0, 0, locale.Tokyo)})
		if err != nil || len(page.Items) != 1 {
			t.Fatal(len(page.Items), err)
		}
		a := page.Items[0]
		if a.ExternalID != "CVE-2025-2783" || a.Title != "CVE-2025-2783 Google Chromium Mojo（悪用が確認された脆弱性）" || a.Products != "Google Chromium Mojo" ||
			a.NoticeKind != "exploited_vulnerability" || a.TLP != tlp.Clear || a.State != advisory.Published || a.TimeToPublish() != 0 ||
			!strings.Contains(a.Body, "\n- 対応の期限：2025-04-17") {
			t.Errorf("%+v", a)
		}
	})
}

// TestKEVKeepsWhatAnalystsDid: an import changes only what its source changed.
func TestKEVKeepsWhatAnalystsDid(t *testing.T) {
	entry := func(version, due, action string) []byte {
		return fmt.Appendf(nil, `{"catalogVersion":%q,"count":2,"vulnerabilities":[
			{"cveID":"CVE-2026-0001","vendorProject":"Example","product":"Box","vulnerabilityName":"N","dateAdded":"2024-01-05","shortDescription":"A *bold* <b>flaw</b>.","requiredAction":%q,"dueDate":%q,"knownRansomwareCampaignUse":"Unknown","notes":"","cwes":[]},
			{"cveID":"CVE-2026-0002","vendorProject":"Example","product":"Bag","vulnerabilityName":"N","dateAdded":"2024-01-05","shortDescription":"S","requiredAction":%q,"dueDate":%q,"knownRansomwareCampaignUse":"Unknown","notes":"","cwes":[]}]}`,
			version, action, due, action, due)
	}
	ctx := context.Background()
	db := storetest.SQLite(t)
	c, g := operator(t, db), theGuard(t)
	importBytes(t, db, c, Defaults(KEV), "kev.json", entry("2024.01.05", "2024-02-01", "Patch."))
	get := func(id int64) *advisory.Advisory {
		a, err := advisory.Get(ctx, db, c, id)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	page, err := advisory.List(ctx, db, c, advisory.Filter{})
	if err != nil || len(page.Items) != 2 {
		t.Fatal(page, err)
	}
	kept, gone := page.Items[0], page.Items[1]
	if !strings.Contains(kept.Body+gone.Body, `A \*bold\* \<b\>flaw\</b\>.`) {
		t.Error("markup of the source is not escaped:", kept.Body, gone.Body)
	}
	content := get(kept.ID).Content
	content.Title = "当院の機器も対象です"
	if err := advisory.Correct(ctx, db, c, g, kept.ID, kept.Revision, content, "題名を分かりやすくしました"); err != nil {
		t.Fatal(err)
	}
	if err := advisory.Withdraw(ctx, db, c, g, gone.ID, gone.Revision, "国内では使われていません"); err != nil {
		t.Fatal(err)
	}
	if s := importBytes(t, db, c, Defaults(KEV), "kev.json", entry("2024.01.05", "2024-02-01", "Patch.")); s.Renewed != 0 {
		t.Errorf("nothing new: %+v", s.Counts)
	}
	if s := importBytes(t, db, c, Defaults(KEV), "kev.json", entry("2024.01.06", "2024-03-01", "Patch.")); s.Renewed != 1 || s.Known != 1 {
		t.Errorf("a new date: %+v", s.Counts)
	}
	if a := get(kept.ID); a.Title != "当院の機器も対象です" || !strings.Contains(a.Body, "2024-03-01") ||
		!strings.Contains(a.Reason, "対応の期限（2024-02-01（米国の政府機関に課された期限） → 2024-03-01（米国の政府機関に課された期限）） が変わりました") {
		t.Errorf("%+v", a)
	}
	if a := get(gone.ID); a.State != advisory.Withdrawn || !strings.Contains(a.Body, "2024-02-01") {
		t.Errorf("what was withdrawn came back: %+v", a)
	}
}

func realCSAF(t testing.TB) []string {
	files, err := filepath.Glob(filepath.Join(program.RealData(t, "csaf-icsma"), "*", "*.json*"))
	if err != nil {
		t.Fatal(err)
	}
	kept := files[:0]
	for _, f := range files {
		if !strings.HasSuffix(f, ".sha512") {
			kept = append(kept, f)
		}
	}
	return kept
}

func TestRealCSAF(t *testing.T) {
	facts := readFacts(t).CSAF
	files := realCSAF(t)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := context.Background()
		c := operator(t, db)
		for _, want := range []Counts{{Rows: int64(facts.Documents), Added: int64(facts.Documents)}, {Rows: int64(facts.Documents), Known: int64(facts.Documents)}} {
			s, err := importFiles(ctx, db, c, theGuard(t), Defaults(CSAF), files)
			if err != nil || s.Counts != want {
				t.Fatalf("%+v, want %+v: %v", s.Counts, want, err)
			}
		}
		page, err := advisory.List(ctx, db, c, advisory.Filter{Source: "CISA ICSMA", Limit: 1000})
		if err != nil || len(page.Items) != facts.Documents {
			t.Fatal(len(page.Items), err)
		}
		cves := map[string]bool{}
		for _, a := range page.Items {
			for _, id := range regexp.MustCompile(`CVE-\d{4}-\d{4,}`).FindAllString(a.Body, -1) {
				cves[id] = true
			}
			if a.NoticeKind != "vulnerability" || a.TLP != tlp.Clear || a.Products == "" || !strings.HasPrefix(a.ExternalURL, "https://") || !strings.Contains(a.Body, "\n- 版：") {
				t.Errorf("%s: %+v", a.ExternalID, a)
			}
		}
		if len(cves) < facts.CVEs*9/10 { // documents with more than 40 are cut
			t.Errorf("the advisories name %d CVEs, the documents have %d", len(cves), facts.CVEs)
		}
	})
}

// TestCSAFVersion: a newer version corrects, the same or an older one does not.
func TestCSAFVersion(t *testing.T) {
	data := readReal(t, "csaf-icsma", "2022", "icsma-22-335-01.json")
	next := bytes.Replace(data, []byte(`"version": "1"`), []byte(`"version": "2"`), 1)
	next = bytes.Replace(next, []byte("could allow an attacker"), []byte("allows an attacker"), 1)
	if bytes.Equal(data, next) || !bytes.Contains(next, []byte(`"version": "2"`)) {
		t.Fatal("the document is not as expected")
	}
	db := storetest.SQLite(t)
	c := operator(t, db)
	for i, step := range []struct {
		data []byte
		want Counts
	}{
		{data, Counts{Rows: 1, Added: 1}}, {next, Counts{Rows: 1, Renewed: 1}}, {next, Counts{Rows: 1, Known: 1}}, {data, Counts{Rows: 1, Known: 1}},
	} {
		if s := importBytes(t, db, c, Defaults(CSAF), "a.json", step.data); s.Counts != step.want {
			t.Errorf("step %d: %+v, want %+v", i, s.Counts, step.want)
		}
	}
	var reason string
	if err := db.QueryRow(context.Background(), `SELECT reason FROM advisory`).Scan(&reason); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(reason, "CISA ICSMA 第 2 版：版（1 （2022-12-01） → 2 （2022-12-01））、影響") {
		t.Error(reason)
	}
}

// TestBrokenJSON: what is wrong with a file is said with its place, and nothing
// of it is stored.
func TestBrokenJSON(t *testing.T) {
	whole := `{"catalogVersion":"2024.01.05","count":1,
"vulnerabilities":[
{"cveID":"CVE-2026-0001","vendorProject":"Example","product":"Box","dateAdded":"2024-01-05","shortDescription":"S"}
]}`
	zipped := func(s string, cut int) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		io.WriteString(z, s)
		z.Close()
		return b.Bytes()[:b.Len()-cut]
	}
	csaf := `{"document":{"csaf_version":"2.0","title":"T","publisher":{"name":"P"},"tracking":{"id":"X-1","version":"1","status":"final","initial_release_date":"2024-01-05T00:00:00Z"}}}`
	db := storetest.SQLite(t)
	c := operator(t, db)
	for _, test := range []struct {
		name string
		f    Format
		data []byte
		want string
	}{
		{"empty", KEV, nil, "ファイルが空です。正しいファイルか確かめてください。"},
		{"cut", KEV, []byte(whole[:120]), "JSON が 3 行目（120 バイト目）で途切れています。何も取り込みませんでした。ファイルを取り直してください。"},
		{"cut before the last brace", KEV, []byte(whole[:len(whole)-1]), "JSON が 4 行目（179 バイト目）で途切れています。何も取り込みませんでした。ファイルを取り直してください。"},
		{"gzip cut", KEV, zipped(whole, 20), "gzip ファイルが途中で切れているか、壊れています。何も取り込みませんでした。ファイルを取り直してください。"},
		{"syntax", KEV, []byte(strings.Replace(whole, `"product":`, `product:`, 1)), "JSON の 3 行目"},
		{"more behind", KEV, []byte(whole + "\n{}"), "JSON の終わりの後ろ（5 行目）に、さらに何かがあります。何も取り込みませんでした。"},
		{"count", KEV, []byte(strings.Replace(whole, `"count":1`, `"count":2`, 1)), "カタログには 2 件とありますが、1 件しか入っていません。何も取り込みませんでした。ファイルを取り直してください。"},
		{"not KEV", KEV, []byte(`{"a":[1]}`), "CISA の KEV カタログ（JSON）ではありません。「vulnerabilities」の一覧がありません。"},
		{"list", KEV, []byte(`[]`), "CISA の KEV カタログ（JSON）ではありません。「vulnerabilities」の一覧がありません。"},
		{"entries no list", KEV, []byte(`{"vulnerabilities":{}}`), "CISA の KEV カタログ（JSON）ではありません。「vulnerabilities」の一覧がありません。"},
		{"CSAF cut", CSAF, []byte(csaf[:80]), "JSON が 1 行目（80 バイト目）で途切れています。何も取り込みませんでした。ファイルを取り直してください。"},
		{"CSAF type", CSAF, []byte(strings.Replace(csaf, `"title":"T"`, `"title":7`, 1)), "JSON の「document.title」の値の種類が正しくありません。"},
		{"no CSAF", CSAF, []byte(whole), "CSAF の文書ではありません。「document」に csaf_version と tracking.id が必要です。"},
		{"CSAF 1", CSAF, []byte(strings.Replace(csaf, `"2.0"`, `"1.2"`, 1)), "CSAF 1.2 は読めません。2.0 の文書を選んでください。"},
		{"CSAF draft", CSAF, []byte(strings.Replace(csaf, `final`, `draft`, 1)), "この CSAF 文書は「draft」で、公開されたものではありません。final または interim の文書を選んでください。"},
		{"CSAF without title", CSAF, []byte(strings.Replace(csaf, `"title":"T"`, `"title":" "`, 1)), "CSAF 文書に「document.title」がありません。"},
		{"CSAF date", CSAF, []byte(strings.Replace(csaf, `2024-01-05T`, `2024-31-05T`, 1)), "CSAF 文書の公開日「2024-31-05T00:00:00Z」を読めません。"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, err := File(context.Background(), db, c, theGuard(t), Defaults(test.f), "f.json", bytes.NewReader(test.data))
			if err == nil || !strings.HasPrefix(locale.Japanese.Fault(err), test.want) {
				t.Errorf("%q (%v), want %q", locale.Japanese.Fault(err), err, test.want)
			}
			if s.Added != 0 || countRows(t, db, `SELECT COUNT(*) FROM advisory`) != 0 {
				t.Errorf("something was stored: %+v", s.Counts)
			}
			run, _, err2 := ReadRun(context.Background(), db, c, s.Files[0].Run)
			if err2 != nil || run.State != Failed || locale.Japanese.Fault(run.Err) != locale.Japanese.Fault(err) {
				t.Errorf("the record says %v %q (%v)", run.State, locale.Japanese.Fault(run.Err), err2)
			}
		})
	}
	// Bad entries cost only themselves.
	bad := strings.Replace(whole, "\n]}", `,
{"cveID":"CVE-26-1","vendorProject":"E","product":"B","dateAdded":"2024-01-05"},
{"cveID":"CVE-2026-0002","vendorProject":"E","product":" ","dateAdded":"2024-01-05"},
{"cveID":"CVE-2026-0003","vendorProject":"E","product":"B","dateAdded":"05/01/2026"},
{"cveID":"CVE-2026-0001","vendorProject":"E","product":"B","dateAdded":"2024-01-05"},
{"cveID":7}
]}`, 1)
	s := importBytes(t, db, c, Defaults(KEV), "f.json", []byte(strings.Replace(bad, `"count":1`, `"count":6`, 1)))
	var got []string
	for _, p := range s.Problems {
		got = append(got, fmt.Sprintf("%s:%d %s", p.File, p.Line, locale.Japanese.Fault(p.Err)))
	}
	want := []string{
		"f.json:4 「CVE-26-1」は CVE 番号ではありません。CVE-2026-12345 のような番号が必要です。",
		"f.json:5 CVE-2026-0002 に「product」がありません。",
		"f.json:6 CVE-2026-0003 の「dateAdded」の日付「05/01/2026」を読めません。",
		"f.json:7 CVE-2026-0001 が二度出てきます。二つ目は飛ばしました。",
		"f.json:8 JSON の「cveID」の値の種類が正しくありません。",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || s.Added != 1 || s.Rejected != 5 || s.Rows != 6 {
		t.Errorf("%+v\n%s", s.Counts, strings.Join(got, "\n"))
	}
}

func FuzzKEV(f *testing.F) {
	f.Add([]byte(`{"count":1,"vulnerabilities":[{"cveID":"CVE-2026-0001","vendorProject":"E","product":"B","dateAdded":"2024-01-05","cwes":["CWE-1"]}]}`))
	f.Add([]byte(`{"vulnerabilities":[{},`))
	fuzzDocuments(f, readKEV, Defaults(KEV))
}

func FuzzCSAF(f *testing.F) {
	f.Add([]byte(`{"document":{"csaf_version":"2.0","title":"T","publisher":{"name":"CISA"},"tracking":{"id":"ICSMA-1","version":"1","status":"final","initial_release_date":"2024-01-05T00:00:00Z"}},
		"product_tree":{"branches":[{"category":"vendor","name":"V","branches":[{"category":"product_name","name":"P","product":{"name":"P 1"}}]}]},
		"vulnerabilities":[{"cve":"CVE-2026-0001","scores":[{"cvss_v3":{"baseScore":9.8,"baseSeverity":"CRITICAL"}}],"notes":[{"category":"summary","text":"t"}],"remediations":[{"details":"d"}]}]}`))
	fuzzDocuments(f, readCSAF, Defaults(CSAF))
}

// fuzzDocuments: whatever the bytes, there is a fault with a sentence or an
// advisory that can be stored, and reading is repeatable.
func fuzzDocuments(f *testing.F, read func([]byte, Options) ([]document, []Problem, error), o Options) {
	f.Fuzz(func(t *testing.T, data []byte) {
		docs, problems, err := read(data, o)
		for _, p := range problems {
			if s := locale.Japanese.Fault(shown(p.Err)); strings.Contains(s, "{") || strings.HasPrefix(s, "[") && !strings.Contains(s, " ") {
				t.Errorf("no sentence: %s", s)
			}
		}
		if err != nil {
			if fault.From(err).Kind == fault.Internal || len(docs) > 0 {
				t.Errorf("%v with %d documents", err, len(docs))
			}
			return
		}
		for _, d := range docs {
			before := d.Content.Body
			if err := d.Content.Check(false); err != nil || d.Content.Body != before || d.id == "" || !utf8.ValidString(d.id+d.url) {
				t.Errorf("%v: %+v", err, d)
			}
			if strings.ContainsRune(d.id+d.url+d.source, 0) {
				t.Error("NUL")
			}
			if facts(d.Content.Body)["出典"] == "" {
				t.Errorf("the facts are not read back: %q", d.Content.Body)
			}
		}
	})
}
