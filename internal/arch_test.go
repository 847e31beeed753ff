// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package internal holds no code: this test holds the shape of the program.
package internal

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// The layers, from below. A package imports its own layer and those below it.
var (
	// ground is what every noun stands on.
	ground = []string{"fault", "config", "locale", "caller", "tlp", "store", "audit", "job", "blob", "fold", "indicator", "guard",
		"category", "technique", "glossary", "help", "chart", "outbound", "permit", "pki", "disclose",
		"charset", "outlook", "qr", "mail", "redact"}
	// nouns, in the one order in which they may know each other.
	nouns = []string{"member", "mailer", "device", "auth", "passkey", "federate", "token", "founding", "search", "trend", "intel", "advisory",
		"wave", "mailcheck", "report", "mailbox", "feed", "intake", "backup"}
	// wire is what other programs read.
	wire = []string{"blocklist"}
	// surfaces are what people and programs call. None imports another, but
	// cli, which wires them.
	surfaces = []string{"demo", "web", "api", "httpd", "cli"}
	// helpers are for tests only.
	helpers = []string{"storetest", "membertest", "program", "outlooktest", "mailcorpus", "bench"}
)

// statements may stand in files named sql.go, in these packages and, beside
// the functions that they belong to, in these files.
var statements = []string{
	"store/", "storetest/", "audit/", "job/", "search/", "member/", "auth/",
	"advisory/concern.go", "advisory/share.go", "advisory/duplicate.go", "advisory/react.go", "advisory/read.go", "advisory/tally.go",
	"intel/browse.go", "intel/entries.go", "intel/exception.go", "intel/guards.go", "intel/lookup.go", "intel/overrule.go",
	"trend/trend.go", "trend/hide.go", "backup/load.go",
}

// wiring is what only cli does: opening the store and starting the workers.
// backup reads and fills stores that are not the running one.
var wiring = map[string][]string{
	"store.Open":    {"cli", "storetest"},
	"store.Connect": {"cli", "backup", "store"},
	"job.NewRunner": {"cli"},
}

const mostLines = 450

type goPackage struct {
	ImportPath string
	Dir        string
	Imports    []string
}

const module = "teiten/internal/"

func packages(t *testing.T) (all []goPackage) {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Dir,Imports", "./...")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, stderr.String())
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p goPackage
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	return all
}

func TestLayers(t *testing.T) {
	layers := [][]string{ground, nouns, wire, surfaces, helpers}
	layer := func(name string) int {
		return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, name) })
	}
	seen := 0
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		if name == "teiten/internal" {
			continue
		}
		mine := layer(name)
		if mine < 0 {
			t.Errorf("%s is in no layer: add it where it belongs", name)
			continue
		}
		seen++
		for _, path := range p.Imports {
			other, ours := strings.CutPrefix(path, module)
			if !ours || slices.Contains(helpers, name) {
				continue
			}
			switch theirs := layer(other); {
			case slices.Contains(helpers, other):
				t.Errorf("%s imports %s, which is for tests", name, other)
			case theirs > mine:
				t.Errorf("%s imports %s, which lies above it", name, other)
			case theirs == mine && slices.Contains(surfaces, name) && name != "cli":
				t.Errorf("%s imports %s: a surface knows no other", name, other)
			case theirs == mine && slices.Contains(nouns, name) && slices.Index(nouns, other) > slices.Index(nouns, name):
				t.Errorf("%s imports %s, which comes after it among the nouns", name, other)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d packages were looked at", seen)
	}
}

// file is one Go file of this folder or of the commands.
type file struct {
	name   string // below internal, with slashes
	text   []byte
	syntax *ast.File
	test   bool
}

func (f file) folder() string { return strings.TrimSuffix(filepath.ToSlash(filepath.Dir(f.name)), "/") }

func files(t *testing.T) (all []file) {
	t.Helper()
	for _, root := range []string{".", "../cmd"} {
		err := filepath.WalkDir(root, func(name string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(name, ".go") {
				return err
			}
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			syntax, err := parser.ParseFile(token.NewFileSet(), name, b, parser.SkipObjectResolution)
			all = append(all, file{filepath.ToSlash(name), b, syntax, strings.HasSuffix(name, "_test.go")})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

func TestFiles(t *testing.T) {
	const head = "// SPDX-FileCopyrightText: The Teiten Authors\n// SPDX-License-Identifier: Apache-2.0\n"
	for _, f := range files(t) {
		if !bytes.HasPrefix(f.text, []byte(head)) {
			t.Errorf("%s does not begin with the copyright and the licence", f.name)
		}
		if n := bytes.Count(f.text, []byte("\n")); n > mostLines && !f.test {
			t.Errorf("%s has %d lines, more than %d", f.name, n, mostLines)
		}
	}
}

var statement = regexp.MustCompile(`\b(SELECT\s|INSERT INTO\s|UPDATE \w+ (AS \w+ )?SET\s|DELETE FROM\s|CREATE (TEMP )?TABLE\s)`)

func TestStatementsStandWhereTheyBelong(t *testing.T) {
	used := map[string]bool{}
	for _, f := range files(t) {
		if f.test || strings.HasSuffix(f.name, "/sql.go") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING || !statement.MatchString(lit.Value) {
				return true
			}
			i := slices.IndexFunc(statements, func(place string) bool { return strings.HasPrefix(f.name, place) })
			if i < 0 {
				t.Errorf("%s has a statement: %.60s", f.name, lit.Value)
				return true
			}
			used[statements[i]] = true
			return true
		})
	}
	for _, place := range statements {
		if strings.HasSuffix(place, ".go") && !used[place] {
			t.Errorf("%s has no statement any more: take it off the list", place)
		}
	}
}

// clients are the names of net/http by which something is fetched.
var clients = []string{"Get", "Post", "PostForm", "Head", "Client", "DefaultClient", "Transport", "DefaultTransport"}

func TestOnlyOutboundFetches(t *testing.T) {
	fetches := false
	for _, f := range files(t) {
		if f.test || slices.Contains(helpers, f.folder()) {
			continue
		}
		selectors(f.syntax, func(from, name string) {
			if from != "http" || !slices.Contains(clients, name) {
				return
			}
			if f.folder() == "outbound" {
				fetches = true
				return
			}
			t.Errorf("%s uses http.%s: only package outbound fetches", f.name, name)
		})
	}
	if !fetches {
		t.Error("nothing fetches: the test does not find what it looks for")
	}
}

func TestOnlyTheCommandLineWires(t *testing.T) {
	for _, f := range files(t) {
		if f.test || slices.Contains(helpers, f.folder()) {
			continue
		}
		selectors(f.syntax, func(from, name string) {
			if places, ok := wiring[from+"."+name]; ok && !slices.Contains(places, f.folder()) {
				t.Errorf("%s calls %s.%s, which is for %s", f.name, from, name, strings.Join(places, ", "))
			}
		})
	}
}

// selectors calls fn for each x.Name in a file where x is an imported package.
func selectors(f *ast.File, fn func(from, name string)) {
	imported := map[string]bool{}
	for _, i := range f.Imports {
		path, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			continue
		}
		name := path[strings.LastIndex(path, "/")+1:]
		if i.Name != nil {
			name = i.Name.Name
		}
		imported[name] = true
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := s.X.(*ast.Ident); ok && imported[x.Name] {
				fn(x.Name, s.Sel.Name)
			}
		}
		return true
	})
}
