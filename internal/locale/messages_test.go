// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package locale_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"teiten/internal/locale"
)

// use is one place in the program that says a sentence.
type use struct {
	place string
	key   string
	args  []string // names of arguments, when they are written out
	known bool     // whether args are all
}

// program is what the source of the whole program says.
type program struct {
	uses     []use
	literals map[string]bool // strings that stand anywhere: keys kept in tables
	prefixes map[string]bool // beginnings to which the program adds a word, as in "category." + c
	suffixes map[string]bool // ends that it adds, as in key + ".hint"
}

// read looks through Go files and templates, tests left out.
func read(t *testing.T) *program {
	t.Helper()
	p := &program{literals: map[string]bool{}, prefixes: map[string]bool{}, suffixes: map[string]bool{}}
	for _, root := range []string{"..", "../../cmd"} {
		err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
			switch {
			case err != nil || d.IsDir():
				return err
			case strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go"):
				return p.readGo(name)
			case strings.Contains(name, "/templates/"):
				return p.readTemplate(name)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(p.uses) < 100 {
		t.Fatalf("only %d sentences are used: the test looks in the wrong place", len(p.uses))
	}
	return p
}

func (p *program) readGo(name string) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, name, nil, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BasicLit:
			if s, ok := text(n); ok {
				p.literals[s] = true
				if before, _, found := strings.Cut(s, "%"); found {
					p.prefixes[before] = true
				}
			}
		case *ast.BinaryExpr:
			if s, ok := text(n.X); ok && n.Op == token.ADD {
				p.prefixes[s] = true
			}
			if s, ok := text(n.Y); ok && n.Op == token.ADD && strings.HasPrefix(s, ".") {
				p.suffixes[s] = true
			}
		case *ast.CallExpr:
			if at := keyArgument(n); at >= 0 && at < len(n.Args) {
				if key, ok := text(n.Args[at]); ok {
					p.uses = append(p.uses, p.call(files.Position(n.Pos()).String(), key, n, at+1))
				}
			}
		}
		return true
	})
	return nil
}

// keyArgument is which argument of a call is a key: of fault.New, fault.Wrap
// and every function named T; -1 for other calls.
func keyArgument(call *ast.CallExpr) int {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return -1
	}
	from, _ := f.X.(*ast.Ident)
	switch {
	case from != nil && from.Name == "fault" && f.Sel.Name == "New":
		return 1
	case from != nil && from.Name == "fault" && f.Sel.Name == "Wrap":
		return 2
	case f.Sel.Name == "T" && (from == nil || from.Name != "testing"):
		return 0
	}
	return -1
}

func (p *program) call(place, key string, call *ast.CallExpr, from int) use {
	u := use{place: place, key: key, known: !call.Ellipsis.IsValid()}
	for i := from; i < len(call.Args); i += 2 {
		if name, ok := text(call.Args[i]); ok {
			u.args = append(u.args, name)
		} else {
			u.known = false
		}
	}
	return u
}

func text(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

var (
	called = regexp.MustCompile(`[({ |]t "([^"]+)"`)
	quoted = regexp.MustCompile(`"([^"]+)"`)
	begun  = regexp.MustCompile(`\bprintf? "([^"%]+)`)
)

func (p *program) readTemplate(name string) error {
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	for i, line := range strings.Split(string(b), "\n") {
		for _, m := range called.FindAllStringSubmatch(line, -1) {
			p.uses = append(p.uses, use{place: name + ":" + strconv.Itoa(i+1), key: m[1]})
			p.literals[m[1]] = true
		}
		for _, m := range quoted.FindAllStringSubmatch(line, -1) {
			p.literals[m[1]] = true
		}
		for _, m := range begun.FindAllStringSubmatch(line, -1) {
			p.prefixes[m[1]] = true
		}
	}
	return nil
}

var placeholder = regexp.MustCompile(`\{([a-z_]+)\}`)

func placeholders(s string) []string {
	set := map[string]bool{}
	for _, m := range placeholder.FindAllStringSubmatch(s, -1) {
		set[m[1]] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// What the program says exists, and gets every word that its sentence leaves open.
func TestEverySentenceExists(t *testing.T) {
	all := locale.All()
	for _, u := range read(t).uses {
		m, ok := all[u.key]
		if !ok {
			t.Errorf("%s: %q is in no file of messages", u.place, u.key)
			continue
		}
		if !u.known {
			continue
		}
		for _, name := range placeholders(m.Ja) {
			if !slices.Contains(u.args, name) && !(name == "line" && strings.HasPrefix(u.key, "import.")) { // imports add the line on the way up
				t.Errorf("%s: %q is not given {%s}", u.place, u.key, name)
			}
		}
	}
}

// A sentence that nobody says is a remnant.
func TestEverySentenceIsUsed(t *testing.T) {
	p := read(t)
	all := locale.All()
	var prefixes []string
	for prefix := range p.prefixes {
		// A whole area, such as "web.", would hide everything.
		if strings.Contains(prefix, ".") {
			prefixes = append(prefixes, prefix)
		}
	}
	used := func(key string) bool {
		if p.literals[key] || slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
			return true
		}
		for suffix := range p.suffixes {
			if base, ok := strings.CutSuffix(key, suffix); ok && p.literals[base] {
				return true
			}
		}
		return false
	}
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if !used(key) {
			t.Errorf("%q is not used", key)
		}
	}
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	halfWidth := regexp.MustCompile(`[\x{FF61}-\x{FF9F}]`)
	japanese := regexp.MustCompile(`[\p{Hiragana}\p{Katakana}\p{Han}]`)
	for key, m := range locale.All() {
		if strings.TrimSpace(m.Ja) == "" || strings.TrimSpace(m.En) == "" && !counters[key] {
			t.Errorf("%q has an empty text", key)
		}
		if ja, en := placeholders(m.Ja), placeholders(m.En); !slices.Equal(ja, en) {
			t.Errorf("%q: {%s} in Japanese, {%s} in English", key, strings.Join(ja, "} {"), strings.Join(en, "} {"))
		}
		if s := halfWidth.FindString(m.Ja); s != "" {
			t.Errorf("%q has half-width katakana: %s", key, s)
		}
		if s := japanese.FindString(m.En); s != "" && !inBoth[key] {
			t.Errorf("%q has Japanese in its English text: %s", key, s)
		}
	}
	for key := range inBoth {
		if m := locale.All()[key]; !japanese.MatchString(m.En) {
			t.Errorf("%q needs no exception", key)
		}
	}
}

// inBoth are the sentences that show Japanese to readers of English too.
var inBoth = map[string]bool{
	"web.name": true, // the program's name
}

// counters are Japanese words behind a number that English does without.
var counters = map[string]bool{"web.style.cases": true, "tools.filters.unit": true, "tools.trends.unit": true}

func TestSentences(t *testing.T) {
	if got := locale.Japanese.T("no.such.key"); got != "[no.such.key]" {
		t.Errorf("a missing key is shown as %q", got)
	}
	for s, want := range map[string]locale.Lang{"": locale.Japanese, "en-US,en;q=0.9,ja;q=0.8": locale.English, "fr, ja": locale.Japanese,
		"ja_JP.UTF-8": locale.Japanese, "C": locale.Japanese, "de,fr": locale.Japanese, "EN": locale.English} {
		if got := locale.Parse(s); got != want {
			t.Errorf("Parse(%q) = %s, want %s", s, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", -1000: "-1,000", -999: "-999", 1234567: "1,234,567", -9223372036854775808: "-9,223,372,036,854,775,808"} {
		if got := locale.Number(n); got != want {
			t.Errorf("Number(%d) = %s, want %s", n, got, want)
		}
	}
}
