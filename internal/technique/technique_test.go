// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package technique

import (
	"compress/gzip"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"teiten/internal/locale"
	"teiten/internal/program"
)

func TestCounts(t *testing.T) {
	var attack, own int
	for _, x := range All() {
		if x.Own() {
			own++
		} else {
			attack++
		}
	}
	if attack < 62 || own < 24 {
		t.Errorf("%d techniques of ATT&CK, %d of our own", attack, own)
	}
}

func TestOrderAndGroups(t *testing.T) {
	var flat []string
	for _, g := range Groups() {
		if g.Name(locale.Japanese) == g.Name(locale.English) {
			t.Errorf("tactic %s has one name for two languages", g.Tactic)
		}
		for _, x := range g.Techniques {
			if x.Tactic != g.Tactic {
				t.Errorf("%s lies under %s", x.ID, g.Tactic)
			}
			flat = append(flat, x.ID)
		}
	}
	var ids []string
	for _, x := range All() {
		ids = append(ids, x.ID)
	}
	if !slices.Equal(flat, ids) {
		t.Errorf("All and Groups differ in order")
	}
}

func TestGet(t *testing.T) {
	x, ok := Get("T1566.002")
	if !ok || x.Name(locale.Japanese) != "フィッシング（リンク）" || x.Name(locale.English) != "Phishing: Spearphishing Link" {
		t.Errorf("T1566.002: %v %+v", ok, x)
	}
	if x, ok := Get("isac.qr"); !ok || x.Name(locale.English) != "QR code phishing" || !x.Own() {
		t.Errorf("isac.qr: %v %+v", ok, x)
	}
	for _, id := range []string{"", "t1566.002", "T9999", "isac."} {
		if x, ok := Get(id); ok {
			t.Errorf("Get(%q) = %s", id, x.ID)
		}
	}
}

// What people choose from must be told apart, and be short enough to be read.
func TestTexts(t *testing.T) {
	seen := map[string]string{}
	for _, x := range All() {
		for _, lang := range locale.Langs {
			name, about := x.Name(lang), x.About(lang)
			for _, s := range []string{name, about} {
				if other := seen[s]; other != "" {
					t.Errorf("%s and %s share %q", x.ID, other, s)
				}
				seen[s] = x.ID
			}
			limit, end := 70, "。"
			if lang == locale.English {
				limit, end = 150, "."
			}
			if n := utf8.RuneCountInString(about); n > limit || !strings.HasSuffix(about, end) {
				t.Errorf("%s: %d characters: %s", x.ID, n, about)
			}
			if n := strings.Count(about, end); lang == locale.Japanese && n > 2 {
				t.Errorf("%s: %d sentences", x.ID, n)
			}
		}
		if !strings.ContainsFunc(x.Ja, japanese) || strings.ContainsFunc(x.En+x.AboutEn, japanese) {
			t.Errorf("%s: languages are mixed: %q, %q", x.ID, x.Ja, x.En)
		}
	}
}

func japanese(r rune) bool {
	return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
}

// The vocabulary against ATT&CK itself: every id is live, has that English
// name and parent, and the tactic is one of its own.
func TestAgainstATTACK(t *testing.T) {
	live := readATTACK(t)
	if len(live) != 679 {
		t.Fatalf("%d live techniques in ATT&CK 17.1, want 679", len(live))
	}
	for _, x := range All() {
		if x.Attack == "" {
			continue
		}
		a, ok := live[x.Attack]
		if !ok {
			t.Errorf("%s: %s is not a live technique", x.ID, x.Attack)
			continue
		}
		if x.Own() {
			continue
		}
		if a.Name != x.En {
			t.Errorf("%s: name %q, in ATT&CK %q", x.ID, x.En, a.Name)
		}
		if !slices.ContainsFunc(a.Phases, func(p phase) bool { return p.Name == x.Tactic }) {
			t.Errorf("%s: tactic %s, in ATT&CK %v", x.ID, x.Tactic, a.Phases)
		}
		parent := ""
		if above, _, sub := strings.Cut(x.ID, "."); sub {
			parent = live[above].Name
		}
		if x.Parent != parent {
			t.Errorf("%s: parent %q, in ATT&CK %q", x.ID, x.Parent, parent)
		}
	}
}

type phase struct {
	Name string `json:"phase_name"`
}

type attackPattern struct {
	Type       string
	Name       string
	Revoked    bool
	Deprecated bool    `json:"x_mitre_deprecated"`
	Phases     []phase `json:"kill_chain_phases"`
	References []struct {
		Source string `json:"source_name"`
		ID     string `json:"external_id"`
	} `json:"external_references"`
}

// readATTACK returns the live techniques of ATT&CK by id.
func readATTACK(t *testing.T) map[string]attackPattern {
	t.Helper()
	f, err := os.Open(program.RealData(t, "attack", "enterprise-attack-17.1-stix20-composed.json.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var bundle struct{ Objects []attackPattern }
	if err := json.NewDecoder(z).Decode(&bundle); err != nil {
		t.Fatal(err)
	}
	live := map[string]attackPattern{}
	for _, o := range bundle.Objects {
		if o.Type != "attack-pattern" || o.Revoked || o.Deprecated {
			continue
		}
		for _, r := range o.References {
			if r.Source == "mitre-attack" {
				live[r.ID] = o
			}
		}
	}
	return live
}

// MITRE's terms ask for the notice in every copy.
func TestNotice(t *testing.T) {
	const notice = "© 2025 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE Corporation."
	if !strings.Contains(Notice(), notice) || !strings.Contains(Notice(), "Disclaimers") {
		t.Error("NOTICE.md lacks MITRE's notice or its terms")
	}
	if oneLine := strings.Join(strings.Fields(strings.ReplaceAll(string(source), "#", "")), " "); !strings.Contains(oneLine, notice) {
		t.Error("techniques.toml lacks MITRE's notice")
	}
}

func TestLoadRefuses(t *testing.T) {
	const good = `[[technique]]
id = "isac.one"
attack = ""
tactic = "impact"
ja = "一"
en = "One"
words = ["いち", "one"]
about_ja = "一つ。"
about_en = "One."
`
	if got, err := load([]byte(good)); err != nil || len(got) != 1 {
		t.Fatalf("good: %v %v", got, err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"broken":        {`"isac.one"`, `"isac.one`, "line 2"},
		"unknown key":   {`about_en`, `about_fr`, "unknown key"},
		"id":            {`"isac.one"`, `"isac.One"`, "id must be"},
		"attack id":     {`"isac.one"`, `"T1234"`, "not the id"},
		"attack":        {`attack = ""`, `attack = "T12"`, "no ATT&CK id"},
		"tactic":        {`"impact"`, `"impakt"`, "tactic"},
		"no name":       {`ja = "一"`, `ja = ""`, "missing"},
		"few words":     {`"いち", `, ``, "two words"},
		"empty word":    {`"one"]`, `"　"]`, "empty"},
		"word twice":    {`"one"]`, `"イチ"]`, "belongs to"},
		"defined twice": {`[[technique]]`, good + "[[technique]]", "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := load([]byte(strings.Replace(good, c.old, c.new, 1)))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}
