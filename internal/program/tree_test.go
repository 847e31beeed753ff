// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package program

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// needed finds what a test asks Need for by name.
var needed = regexp.MustCompile(`\bNeed\((?:[a-z]+\.)?(?:t|b|tb), "([^"]+)"\)`)

// essential packages are on every Debian.
var essential = []string{"coreutils", "util-linux"}

// Whatever a test needs is installed before CI runs the tests.
func TestNeededIsInstalledByTestDeps(t *testing.T) {
	script, err := os.ReadFile(filepath.Join("..", "..", "scripts", "test-deps"))
	if err != nil {
		t.Fatal(err)
	}
	var installed []string
	for line := range strings.Lines(string(script)) {
		words, ok := strings.CutPrefix(line, "need ")
		if !ok {
			continue
		}
		if quoted, ok := strings.CutPrefix(words, `"`); ok {
			words, _, _ = strings.Cut(quoted, `"`)
			installed = append(installed, strings.Fields(words)...)
			continue
		}
		installed = append(installed, strings.Fields(words)[0])
	}
	names := map[string]bool{}
	for name := range known {
		names[name] = true
	}
	for _, text := range sources(t) {
		for _, m := range needed.FindAllStringSubmatch(text, -1) {
			names[m[1]] = true
		}
	}
	if len(names) <= len(known) {
		t.Error("no test needs anything beyond the table: the search does not find what it looks for")
	}
	for name := range names {
		for _, p := range strings.Fields(packages(name)) {
			if !slices.Contains(installed, p) && !slices.Contains(essential, p) {
				t.Errorf("%s: scripts/test-deps does not install %s", name, p)
			}
		}
	}
}

// skip is a test that leaves itself out, with the line before.
var skip = regexp.MustCompile(`([^\n]*)\n[^\n]*\b(?:t|b|tb|f)\.Skip(?:f|Now)?\(`)

// A test is left out only where the pass of make test that has the time for it
// runs it, or as absent says.
func TestSkipsAreHonest(t *testing.T) {
	honest := []string{"if testing.Short() {", "if underRace {", `if engine == "postgres" && testing.Short() {`}
	short := 0
	for file, text := range sources(t) {
		if !strings.Contains(text, ".Skip") {
			continue // the expression is slow
		}
		for _, m := range skip.FindAllStringSubmatch(text, -1) {
			switch why := strings.TrimSpace(m[1]); {
			case why == honest[0]:
				short++
			case !slices.Contains(honest, why) && file != "real.go":
				t.Errorf("%s skips a test after %q: ask RealData, Need, Rare or Root", file, why)
			}
		}
	}
	if short < 20 {
		t.Errorf("only %d skips of long tests: the search does not find what it looks for", short)
	}
}

// sources are the Go files of all packages, by their paths from here.
func sources(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir("..", func(file string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") {
			return err
		}
		text, err := os.ReadFile(file)
		all[strings.TrimPrefix(filepath.ToSlash(file), "../program/")] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
