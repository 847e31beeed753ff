// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"teiten/internal/program"
)

func TestRealJVNRSS(t *testing.T) {
	tests := []struct {
		file       string
		guids      []string
		ids        []string // of the first item, the first ones
		published  time.Time
		updated    time.Time
		severity   Severity
		firstCPE   string
		summaryHas string
	}{
		{
			file:      "jvndb_2011.rdf",
			guids:     []string{"https://jvndb.jvn.jp/ja/contents/2011/JVNDB-2011-001013.html"},
			ids:       []string{"JVNDB-2011-001013", "JVNVU#427980", "JVNTA11-102A", "CVE-2011-0346", "JPCERT-AT-2011-0008"},
			published: utc(2011, 1, 28, 6, 38, 0), updated: utc(2011, 5, 2, 4, 25, 0),
			severity:   Severity{Version: "2.0", Score: 9.3, Level: "high", Vector: "AV:N/AC:M/Au:N/C:C/I:C/A:C"},
			firstCPE:   "cpe:/a:microsoft:internet_explorer",
			summaryHas: "use-after-free",
		},
		{
			file:      "jvndb_2021.rdf",
			guids:     []string{"https://jvndb.jvn.jp/ja/contents/2021/JVNDB-2021-005429.html"},
			ids:       []string{"JVNDB-2021-005429", "JVNVU#96768815", "CVE-2021-44228", "JPCERT-AT-2021-0050"},
			published: utc(2021, 12, 14, 7, 37, 0), updated: utc(2022, 12, 15, 1, 24, 0),
			severity:   Severity{Version: "3.0", Score: 10, Level: "critical", Vector: "CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H"},
			firstCPE:   "cpe:/a:apache:log4j",
			summaryHas: "JNDI Lookup",
		},
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			f := parseReal(t, tt.file)
			if len(f.Items) != len(tt.guids) {
				t.Fatalf("%d items, want %d", len(f.Items), len(tt.guids))
			}
			it := f.Items[0]
			if it.GUID != tt.guids[0] || !it.Published.Equal(tt.published) || !it.Updated.Equal(tt.updated) || it.Severity != tt.severity {
				t.Errorf("got %+v", it)
			}
			if !slices.Equal(it.Identifiers, tt.ids) || it.CPEs[0] != tt.firstCPE || !strings.Contains(it.Summary, tt.summaryHas) {
				t.Errorf("identifiers %q, CPEs %q, summary %q", it.Identifiers, it.CPEs, it.Summary)
			}
			if s := Suggest(it); s.Category != CategoryNotice || s.NoticeKind != NoticeVulnerability {
				t.Errorf("suggestion %+v", s)
			}
		})
	}
	f := parseReal(t, "jvndb_2022.rdf")
	if len(f.Items) == 0 {
		t.Fatal("no items in jvndb_2022.rdf")
	}
	for _, it := range f.Items {
		if it.Published.IsZero() || it.Updated.IsZero() || len(it.Identifiers) == 0 || it.Link == "" {
			t.Errorf("incomplete: %+v", it)
		}
	}
}

func parseReal(t *testing.T, name string) *Feed {
	t.Helper()
	file, err := os.Open(program.RealData(t, "jvnrss", name))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	f, err := Parse(file, "application/rdf+xml")
	if err != nil {
		t.Fatal(err)
	}
	wantProblems(t, f)
	if !strings.HasPrefix(f.Title, "JVNDB RSS Feed") || f.Link != "https://jvndb.jvn.jp/" {
		t.Errorf("feed %q, %q", f.Title, f.Link)
	}
	return f
}
