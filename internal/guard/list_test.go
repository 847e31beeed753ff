// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package guard

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"

	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/locale"
)

func TestParseList(t *testing.T) {
	l, err := ParseList(strings.NewReader(`{"name": "Top 10K most-used sites from Tranco", "type": "hostname",
		"description": "d", "version": 20250115, "matching_attributes": ["hostname", "url"], "unknown": [1, {"a": 2}],
		"list": ["Example.ORG", " .a.example ", "no host", "", "münchen.example", "192.0.2.1"]}`))
	if err != nil {
		t.Fatal(err)
	}
	if l.Slug != "tranco10k" || l.Effect != HostOnly || l.Version != 20250115 || l.Values.Len() != 4 || l.Skipped != 2 {
		t.Errorf("%+v", l)
	}
	for i, want := range []struct {
		code  string
		index int
	}{{"guard.value_hostname", 2}, {"guard.value_empty", 3}} {
		if p := l.Problems[i]; p.Code != want.code || p.Args["index"] != want.index {
			t.Errorf("problem %d: %v, want %v", i, p, want)
		}
	}
	g := New([]*List{l})
	for host, may := range map[string]bool{
		"example.org": false, "sub.example.org": true, // the list writes dots, so this one is alone
		"a.example": false, "sub.a.example": false, "xn--mnchen-3ya.example": false,
	} {
		if v := g.Judge(value(t, indicator.Domain, host)); v.HostEntry != may {
			t.Errorf("%s: %+v", host, v)
		}
	}
}

func TestParseListRefuses(t *testing.T) {
	list := func(typ, values string) string {
		return fmt.Sprintf(`{"name":"n","description":"","version":1,"type":%q,"list":[%s]}`, typ, values)
	}
	for _, tt := range []struct{ name, json, code string }{
		{"nothing", ``, "guard.list_json"},
		{"no object", `[]`, "guard.list_json"},
		{"cut", `{"name":"n","type":"string","list":["a"`, "guard.list_json"},
		{"followed", list("string", `"a.example"`) + `{}`, "guard.list_json"},
		{"no name", `{"type":"string","list":["a.example"]}`, "guard.list_name"},
		{"long name", `{"name":"` + strings.Repeat("n", 1001) + `","type":"string","list":["a.example"]}`, "guard.list_name_long"},
		{"no type", `{"name":"n","list":["a.example"]}`, "guard.list_type"},
		{"other type", list("glob", `"a"`), "guard.list_type"},
		{"no values", list("string", ``), "guard.list_empty"},
		{"number", list("string", `"a.example", 7`), "guard.list_value_type"},
		{"nested", list("string", `["a.example"]`), "guard.list_value_type"},
		{"no usable range", list("cidr", `"10.0.0.0/33", "ten"`), "guard.list_empty"},
		{"short substring", list("substring", `"com"`), "guard.list_empty"},
		{"look-behind", list("regex", `"/(?<!a)b/"`), "guard.list_empty"},
		{"matches nothing and everything", list("regex", `"/.*/"`), "guard.list_empty"},
		{"huge program", list("regex", `"/([a-z]{100}){10}x/"`), "guard.list_empty"},
		{"unknown flag", list("regex", `"/evil/e"`), "guard.list_empty"},
		{"too many", list("string", strings.Repeat(`"a",`, MaxValues)+`"a"`), "guard.list_values"},
		{"too large", list("string", `"`+strings.Repeat("a", MaxListBytes)+`"`), "guard.list_too_large"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l, err := ParseList(strings.NewReader(tt.json))
			if fault.Code(err) != tt.code {
				t.Errorf("got %v, %v, want %s", l, err, tt.code)
			}
		})
	}
}

// TestProblemsAreBounded holds that a hostile list cannot fill memory with
// complaints, nor get its values into them.
func TestProblemsAreBounded(t *testing.T) {
	l, err := ParseList(strings.NewReader(`{"name":"n","type":"hostname","list":["a.example"` +
		strings.Repeat(`,"not a host"`, 5000) + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	if l.Skipped != 5000 || len(l.Problems) != maxProblems {
		t.Errorf("skipped %d, %d problems", l.Skipped, len(l.Problems))
	}
	if strings.Contains(l.Problems[0].Error(), "not a host") {
		t.Error("the problem repeats the value")
	}
}

// TestPatternLimits holds that a list of patterns, which cost more than plain
// values, is cut at its limit with a report.
func TestPatternLimits(t *testing.T) {
	for typ, limit := range map[string]int{TypeRegex: MaxRegexes, TypeSubstring: MaxSubstrings} {
		l, err := ParseList(strings.NewReader(`{"name":"n","type":"` + typ + `","list":["abcd"` +
			strings.Repeat(`,"abcd"`, limit+1) + `]}`))
		if err != nil {
			t.Fatal(err)
		}
		if l.Values.Len() != limit || l.Skipped != 2 || l.Problems[0].Code != "guard.value_patterns" {
			t.Errorf("%s: %d values, %d skipped, %v", typ, l.Values.Len(), l.Skipped, l.Problems)
		}
	}
}

// TestPatterns holds what substrings and expressions look at: of a URL the
// host only, unless the list speaks of URLs alone.
func TestPatterns(t *testing.T) {
	parse := func(typ, attribute string, values ...string) *List {
		t.Helper()
		list, err := json.Marshal(map[string]any{
			"name": typ + " " + attribute, "type": typ, "list": values, "matching_attributes": []string{attribute},
		})
		if err != nil {
			t.Fatal(err)
		}
		l, err := ParseList(bytes.NewReader(list))
		if err != nil {
			t.Fatal(err)
		}
		if l.Effect != Note || l.Skipped != 0 {
			t.Fatalf("effect %v, problems %v; an unknown pattern list is only noted", l.Effect, l.Problems)
		}
		l.Effect = Exclude
		return l
	}
	g := New([]*List{
		parse(TypeSubstring, "hostname", "sandbox", "andbo-x", "mail-one", "mail-two"),
		parse(TypeRegex, "domain", `/^cdn[0-9]+\.KASK\.example$/i`),
		parse(TypeRegex, "url", `/^https?:\/\/[^\/]+\/privacy-policy$/`),
		parse(TypeSubstring, "email-src", "noreply@"),
	})
	for text, entry := range map[string]bool{
		"my.sandbox.example":                    false,
		"sandboandbo-x.example":                 false,
		"mail-two.example":                      false,
		"mail-three.example":                    true,
		"https://sandbox.example/x":             false,
		"https://evil.example/?q=sandbox":       true,
		"cdn12.kask.example":                    false,
		"cdn12.kask.example.evil":               true,
		"https://evil.example/privacy-policy":   false,
		"https://evil.example/privacy-policy/x": true,
		"noreply@evil.example":                  false,
		"x@evil.example":                        true,
	} {
		if v := g.Judge(value(t, kindOf(text), text)); v.Entry != entry {
			t.Errorf("%s: %+v", text, v)
		}
	}
}

func TestEffectNames(t *testing.T) {
	for _, e := range Effects {
		if back, ok := ParseEffect(e.String()); !ok || back != e {
			t.Errorf("%v reads back as %v", e, back)
		}
		if key := "guard.effect." + e.String(); !locale.Has(key) {
			t.Errorf("no sentence for %s", key)
		}
	}
	if _, ok := ParseEffect("block"); ok {
		t.Error("unknown name accepted")
	}
}

// TestCodesHaveSentences reads the codes from the source, so that none is
// forgotten.
func TestCodesHaveSentences(t *testing.T) {
	files, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, f := range files {
		if !strings.HasSuffix(f.Name(), ".go") || strings.HasSuffix(f.Name(), "_test.go") {
			continue
		}
		src, err := os.ReadFile(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`"(guard\.[a-z_]+)"`).FindAllStringSubmatch(string(src), -1) {
			found++
			if !locale.Has(m[1]) {
				t.Errorf("%s: no sentence for %s", f.Name(), m[1])
			}
		}
	}
	if found < 15 {
		t.Errorf("only %d codes found", found)
	}
}

func TestBundled(t *testing.T) {
	lists, err := Bundled()
	if err != nil {
		t.Fatal(err)
	}
	origin, err := os.ReadFile("lists/ORIGIN.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, l := range lists {
		if l.Skipped > 0 {
			t.Errorf("%s: %d values skipped: %v", l.Slug, l.Skipped, l.Problems)
		}
		if l.Effect == 0 || seen[l.Slug] {
			t.Errorf("%s: effect %v, seen before %v", l.Slug, l.Effect, seen[l.Slug])
		}
		seen[l.Slug] = true
		if _, ok := bundledFile(l.Slug); !ok {
			t.Errorf("list %q has another file name; is its name in knownLists?", l.Slug)
		}
	}
	var size int64
	files, err := bundled.ReadDir("lists")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
		slug := strings.TrimSuffix(strings.TrimSuffix(f.Name(), ".gz"), ".json")
		row := regexp.MustCompile(`(?m)^\| ` + regexp.QuoteMeta(slug) + ` \|.*$`).FindString(string(origin))
		if row == "" {
			t.Errorf("%s is not in ORIGIN.md", f.Name())
			continue
		}
		if data, ok := bundledFile(slug); ok && strings.HasSuffix(f.Name(), ".gz") {
			sum := sha256.Sum256(data)
			if !strings.Contains(row, hex.EncodeToString(sum[:])) {
				t.Errorf("%s: SHA-256 %x is not in ORIGIN.md", f.Name(), sum)
			}
		}
	}
	t.Logf("%d lists, %d bytes packed", len(lists), size)
	if size > 400_000 {
		t.Errorf("the bundled lists take %d bytes, more than 400,000", size)
	}
}

// bundledFile returns the unpacked bytes of a bundled list.
func bundledFile(slug string) ([]byte, bool) {
	if b, err := bundled.ReadFile("lists/" + slug + ".json"); err == nil {
		return b, true
	}
	f, err := bundled.Open("lists/" + slug + ".json.gz")
	if err != nil {
		return nil, false
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, false
	}
	b, err := io.ReadAll(z)
	return b, err == nil
}

func FuzzParseList(f *testing.F) {
	f.Add([]byte(`{"name":"n","type":"string","version":1,"list":["a.example",".b.example","10.0.0.0/8","d41d8cd98f00b204e9800998ecf8427e"]}`), "https://a.example/x")
	f.Add([]byte(`{"name":"n","type":"hostname","list":["a.example",".b.example","*.c.example"],"matching_attributes":["url"]}`), "www.b.example")
	f.Add([]byte(`{"name":"n","type":"cidr","list":["10.0.0.0/8","::/0","fe80::1","::ffff:1.2.3.4"]}`), "1.2.3.4")
	f.Add([]byte(`{"name":"n","type":"substring","list":["abcd","example"]}`), "abcd.example")
	f.Add([]byte(`{"name":"n","type":"regex","list":["/^(noc|soc)\\@.*$/i","a+b"]}`), "noc@a.example")
	f.Fuzz(func(t *testing.T, data []byte, judged string) {
		l, err := ParseList(bytes.NewReader(data))
		if err != nil {
			if fault.Code(err) == "" {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		if l.Values.Len() == 0 || l.Slug == "" && l.Name == "" || len(l.Problems) > maxProblems {
			t.Fatalf("%+v", l)
		}
		g := New([]*List{l}, Own("own", []string{judged}))
		for _, kind := range indicator.Kinds {
			v := g.Judge(indicator.Value{Kind: kind, Value: judged, Host: judged})
			if !v.Entry && len(v.Reasons) == 0 && kind != indicator.CIDR {
				t.Fatalf("%s left out without a reason", kind)
			}
			if len(v.Reasons) > maxReasons {
				t.Fatalf("%d reasons", len(v.Reasons))
			}
		}
	})
}
