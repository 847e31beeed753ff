// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"teiten/internal/mail"
	"teiten/internal/mailcheck"
	"teiten/internal/program"
)

// sevenZip makes an archive with the real program.
func sevenZip(t *testing.T, names []string, options ...string) []byte {
	t.Helper()
	dir := t.TempDir()
	for i, n := range names {
		if err := os.WriteFile(filepath.Join(dir, n), []byte(strings.Repeat(fmt.Sprintln("content", i), 200)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	out := filepath.Join(t.TempDir(), "a.7z")
	c := exec.Command(program.Need(t, "7zz"), append(append([]string{"a", "-bd", "-y"}, options...), out, ".")...)
	c.Dir = dir
	if b, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// enclosed7z checks a mail with the archive, and returns what is said of it.
func enclosed7z(t *testing.T, archive []byte) (mailcheck.File, *mailcheck.Answer) {
	t.Helper()
	m, err := mail.Read([]byte(withFile("a.7z", "application/x-7z-compressed", archive)), mail.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	a := mailcheck.Judge(m, mailcheck.Facts{})
	if len(a.Files) != 1 {
		t.Fatalf("%d files", len(a.Files))
	}
	return a.Files[0], a
}

func manyNames(n int) (names []string) {
	for i := range n {
		names = append(names, fmt.Sprintf("請求書 %03d.pdf", i))
	}
	return append(names, "invoice.exe")
}

// Archives of the real program whose header is not compressed.
func TestSevenZipPlain(t *testing.T) {
	for name, options := range map[string][]string{
		"by default": nil, "not solid": {"-ms=off"}, "stored": {"-mx=0"}, "fastest": {"-mx=1"}, "PPMd": {"-m0=PPMd"}, "bzip2": {"-m0=BZip2"},
		"three coders": {"-m0=BCJ2", "-m1=LZMA", "-m2=LZMA", "-m3=LZMA", "-mb0:1", "-mb0s1:2", "-mb0s2:3"}, "with times": {"-mtc=on", "-mta=on"}, "encrypted": {"-psecret"},
	} {
		for _, n := range []int{1, 2, 60} {
			names := manyNames(n - 1)
			f, a := enclosed7z(t, sevenZip(t, names, append(options, "-mhc=off")...))
			got, want := slices.Sorted(slices.Values(f.Names)), slices.Sorted(slices.Values(names))
			if !slices.Equal(got, want) {
				t.Errorf("%s: of %d names %d are read: %q", name, len(want), len(got), got)
			}
			if f.Encrypted != (name == "encrypted") {
				t.Errorf("%s: encrypted: %v", name, f.Encrypted)
			}
			if !slices.ContainsFunc(a.Findings, func(f mailcheck.Finding) bool { return f.Rule == "file.archive_program" }) {
				t.Errorf("%s: the program in it is not noticed", name)
			}
		}
	}
	f, a := enclosed7z(t, sevenZip(t, manyNames(3), "-psecret", "-mhe=on"))
	if len(f.Names) != 0 || !f.Encrypted || len(a.Incomplete) == 0 {
		t.Errorf("of an encrypted header: %q, %v, %v", f.Names, f.Encrypted, a.Incomplete)
	}
}
