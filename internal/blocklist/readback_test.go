// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package blocklist_test

import (
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"

	"teiten/internal/blocklist"
)

// whole lines of each line format: what a reader of that format would accept
// of what the writer may produce, and nothing else.
var shapes = map[string]*regexp.Regexp{
	"urls":           regexp.MustCompile(`^(https?://[!-~]+)$`),
	"domains":        regexp.MustCompile(`^([a-z0-9._-]+)$`),
	"ips":            regexp.MustCompile(`^([0-9a-f.:/]+)$`),
	"hosts":          regexp.MustCompile(`^0\.0\.0\.0 ([a-z0-9.-]+)$`),
	"dnsmasq":        regexp.MustCompile(`^address=/([a-z0-9._-]+)/$`),
	"unbound":        regexp.MustCompile(`^local-zone: "([a-z0-9._-]+)\." always_nxdomain$`),
	"rpz":            regexp.MustCompile(`^([a-z0-9._-]+) CNAME \.\n\*\.([a-z0-9._-]+) CNAME \.$`),
	"squid-domains":  regexp.MustCompile(`^\.?([a-z0-9._-]+)$`),
	"squid-urls":     regexp.MustCompile(`^\^https\?://([!-~]+)\$$`),
	"adguard":        regexp.MustCompile(`^\|\|([a-z0-9._-]+)\^$`),
	"paloalto":       regexp.MustCompile(`^([a-z0-9._:-]+/[!-~]*)$`),
	"suricata-hosts": regexp.MustCompile(`^([a-z0-9._-]+)$`),
	"fortigate":      regexp.MustCompile(`^([a-z0-9._:-]+[!-~]*)$`),
}

var (
	ruleShape = regexp.MustCompile(`^alert (dns|tls|http|ip) \$HOME_NET any -> (any|[0-9a-f.:/]+) any \(msg:"TEITEN [a-z_]+ [a-zA-Z0-9 ._:-]+"(; .*)?; classtype:bad-unknown; sid:(\d+); rev:1;\)$`)
	options   = regexp.MustCompile(`; ([a-z._]+)(?::("(?:[^"|]|\|[0-9a-f]{2}\|)*"|[^;"]*))?`)
	hexByte   = regexp.MustCompile(`\|([0-9a-f]{2})\|`)
	metaByte  = regexp.MustCompile(`\\([\\.\[\]()*+?{}|^$])`)
)

// readBack reads a list as its device would and returns what it refuses. It
// fails the test at anything it does not understand.
func readBack(t testing.TB, f blocklist.Format, text string) []string {
	t.Helper()
	if f.Slug == "json" {
		return readJSON(t, text)
	}
	if !strings.HasSuffix(text, "\n") {
		t.Fatalf("%s: does not end in a newline", f.Slug)
	}
	if f.Slug == "suricata-hosts" {
		text = decoded(t, text)
		f.Comment = "#"
	}
	var body []string
	end := ""
	for i, line := range strings.Split(strings.TrimSuffix(text, "\n"), "\n") {
		if strings.ContainsFunc(line, func(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }) {
			t.Fatalf("%s: line %d has a control character: %q", f.Slug, i+1, line)
		}
		if strings.HasPrefix(line, f.Comment) {
			if !strings.HasPrefix(line, f.Comment+" ") {
				t.Fatalf("%s: comment without a space: %q", f.Slug, line)
			}
			end = line
			continue
		}
		body, end = append(body, line), ""
	}
	var got []string
	switch f.Slug {
	case "csv":
		got = readCSV(t, strings.Join(body, "\n"))
	case "suricata":
		got = readRules(t, body)
	case "rpz":
		if len(body) < 3 || body[0] != "$TTL 300" || !strings.HasPrefix(body[1], "@ IN SOA localhost. hostmaster.localhost. ") || body[2] != "@ IN NS localhost." || len(body)%2 != 1 {
			t.Fatalf("rpz: head of %q", body)
		}
		for i := 3; i < len(body); i += 2 {
			m := shapes["rpz"].FindStringSubmatch(body[i] + "\n" + body[i+1])
			if m == nil || m[1] != m[2] {
				t.Fatalf("rpz: %q", body[i:i+2])
			}
			got = append(got, m[1])
		}
	default:
		if f.Slug == "unbound" {
			if len(body) == 0 || body[0] != "server:" {
				t.Fatalf("unbound: head of %q", body)
			}
			body = body[1:]
		}
		for _, line := range body {
			m := shapes[f.Slug].FindStringSubmatch(line)
			if m == nil {
				t.Fatalf("%s: %q", f.Slug, line)
			}
			if f.Slug == "squid-urls" {
				if _, err := regexp.CompilePOSIX(line); err != nil {
					t.Fatal(err)
				}
				m[1] = metaByte.ReplaceAllString(m[1], "$1")
			}
			got = append(got, m[1])
		}
	}
	want := fmt.Sprintf("%s end: %s entries", f.Comment, thousands(len(got)))
	if end != want {
		t.Fatalf("%s: last line %q, want %q", f.Slug, end, want)
	}
	return got
}

func readRules(t testing.TB, body []string) []string {
	t.Helper()
	sids := map[string]bool{}
	var got []string
	for i := 0; i < len(body); i++ {
		m := ruleShape.FindStringSubmatch(body[i])
		if m == nil {
			t.Fatalf("suricata: %q", body[i])
		}
		if n, err := strconv.Atoi(m[4]); err != nil || n < blocklist.FirstSID || n > blocklist.LastSID || sids[m[4]] {
			t.Fatalf("suricata: number %s is out of range or given twice", m[4])
		}
		sids[m[4]] = true
		if strings.Join(options.FindAllString(m[3], -1), "") != m[3] {
			t.Fatalf("suricata: options %q", m[3])
		}
		content := map[string]string{}
		buffer := ""
		for _, o := range options.FindAllStringSubmatch(m[3], -1) {
			switch o[1] {
			case "content":
				content[buffer] = hexByte.ReplaceAllStringFunc(strings.Trim(o[2], `"`), func(h string) string {
					b, _ := strconv.ParseUint(h[1:3], 16, 8)
					return string(rune(b))
				})
			case "bsize":
				if o[2] != strconv.Itoa(len(content[buffer])) {
					t.Fatalf("suricata: bsize %s of %q", o[2], content[buffer])
				}
			default:
				buffer = o[1]
			}
		}
		switch m[1] {
		case "ip":
			got = append(got, m[2])
		case "http":
			got = append(got, content["http.host"]+content["http.uri.raw"])
		case "dns":
			host := strings.TrimPrefix(content["dotprefix"], ".")
			for _, other := range []string{"tls", "http"} {
				if i++; i == len(body) || !strings.HasPrefix(body[i], "alert "+other+" ") || !strings.Contains(body[i], `content:".`+host+`";`) {
					t.Fatalf("suricata: no %s rule for %s", other, host)
				}
				sid := ruleShape.FindStringSubmatch(body[i])[4]
				if sids[sid] {
					t.Fatalf("suricata: number %s given twice", sid)
				}
				sids[sid] = true
			}
			got = append(got, host)
		default:
			t.Fatalf("suricata: %q stands alone", body[i])
		}
	}
	return got
}

// decoded undoes the base64 of every line.
func decoded(t testing.TB, text string) string {
	t.Helper()
	var out strings.Builder
	for line := range strings.Lines(text) {
		plain, err := base64.StdEncoding.DecodeString(strings.TrimSuffix(line, "\n"))
		// Suricata reads lines into a buffer of 1,024 bytes.
		if err != nil || len(plain) == 0 || len(line) > 1000 || !strings.HasSuffix(line, "\n") {
			t.Fatalf("suricata-hosts: line %q: %v", line, err)
		}
		out.Write(append(plain, '\n'))
	}
	return out.String()
}

func readCSV(t testing.TB, text string) []string {
	t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) == 0 || len(rows[0]) != 11 || rows[0][1] != "value" {
		t.Fatalf("csv: %v", err)
	}
	if len(rows) != strings.Count(text, "\n")+1 {
		t.Fatalf("csv: a field spans lines")
	}
	var got []string
	for _, row := range rows[1:] {
		for _, field := range row {
			if field != "" && strings.ContainsAny(field[:1], "=+-@") {
				t.Fatalf("csv: %q is a formula", field)
			}
		}
		v := row[1]
		if len(v) > 1 && strings.ContainsAny(v[1:2], "=+-@") {
			v = strings.TrimPrefix(v, "'")
		}
		got = append(got, v)
	}
	return got
}

func readJSON(t testing.TB, text string) []string {
	t.Helper()
	var list struct {
		Format  string
		Entries []struct{ Value string }
		Skipped map[string]int
		Count   *int
	}
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		t.Fatalf("json: %v", err)
	}
	if list.Format != "teiten-blocklist" || list.Count == nil || *list.Count != len(list.Entries) {
		t.Fatalf("json: %d entries, count %v", len(list.Entries), list.Count)
	}
	var got []string
	for _, e := range list.Entries {
		got = append(got, e.Value)
	}
	return got
}

func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
