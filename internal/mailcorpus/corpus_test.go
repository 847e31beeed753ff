// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"bytes"
	"fmt"
	"html"
	"iter"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/idna"

	"teiten/internal/program"
)

var corpora = map[string]func(uint64, int) iter.Seq[Sample]{"phishing": Phishing, "benign": Benign}

func TestDeterministic(t *testing.T) {
	for name, make := range corpora {
		a, b := slices.Collect(make(7, 90)), slices.Collect(make(7, 130))
		for i, s := range a {
			if !bytes.Equal(s.Raw, b[i].Raw) || fmt.Sprint(s.Truth) != fmt.Sprint(b[i].Truth) {
				t.Fatalf("%s: mail %d of the same seed differs", name, i)
			}
		}
		if c := slices.Collect(make(8, 90)); slices.ContainsFunc(c, func(s Sample) bool {
			return slices.ContainsFunc(a, func(o Sample) bool { return bytes.Equal(o.Raw, s.Raw) })
		}) {
			t.Errorf("%s: another seed makes the same mail", name)
		}
	}
}

// TestTruth reads every shape's mails with the standard library.
func TestTruth(t *testing.T) {
	for name, make := range corpora {
		count := map[string]int{}
		for s := range make(3, 450) {
			count[s.Shape]++
			r := readStrict(t, s.Raw)
			if r.subject != s.Subject || s.Subject == "" {
				t.Errorf("%s: subject %q, want %q", s.Shape, r.subject, s.Subject)
			}
			if r.from == nil || r.from.Address != s.From || r.from.Name != s.FromName {
				t.Errorf("%s: from %v, want %q <%s>", s.Shape, r.from, s.FromName, s.From)
			}
			text := html.UnescapeString(r.text)
			if s.Text == "" || !strings.Contains(text, s.Text) {
				t.Errorf("%s: no line %q in\n%s", s.Shape, s.Text, text)
			}
			for _, h := range s.Hosts {
				if !strings.Contains(text, "://"+h) {
					t.Errorf("%s: no host %q in\n%s", s.Shape, h, text)
				}
			}
			for _, f := range s.Files {
				if !slices.Contains(r.files, f) && !strings.HasSuffix(f, ".eml") {
					t.Errorf("%s: no file %q in %q", s.Shape, f, r.files)
				}
			}
			for f, b := range r.content {
				if !slices.Contains(s.Files, f) || len(b) == 0 {
					t.Errorf("%s: file %q of %d bytes", s.Shape, f, len(b))
				}
			}
			if len(s.Raw) > MaxSize {
				t.Errorf("%s: %d bytes", s.Shape, len(s.Raw))
			}
			for _, mark := range []string{linkStart, linkText, linkEnd, "{", "<<"} {
				if strings.Contains(s.Subject+s.From+s.FromName+s.Text, mark) {
					t.Errorf("%s: %q is left in %v", s.Shape, mark, s.Truth)
				}
			}
		}
		if len(count) < 30 {
			t.Errorf("%s: only %d shapes", name, len(count))
		}
		t.Logf("%s: %d shapes", name, len(count))
	}
}

func TestHostileHostsAreReserved(t *testing.T) {
	reserved := regexp.MustCompile(`(^|\.)(example|test|invalid|example\.(com|net|org|jp))$`)
	n := 0
	for s := range Phishing(11, 900) {
		for _, h := range append(s.Hosts, s.FileHosts...) {
			n++
			if !reserved.MatchString(h) {
				t.Errorf("%s: %s", s.Shape, h)
			}
			if _, err := idna.Lookup.ToUnicode(h); err != nil && strings.Contains(h, "xn--") {
				t.Errorf("%s: %s: %v", s.Shape, h, err)
			}
		}
		if s.From == "" || !s.Hostile {
			t.Errorf("%s: %+v", s.Shape, s.Truth)
		}
	}
	if n < 600 {
		t.Errorf("only %d hosts", n)
	}
}

func TestVariants(t *testing.T) {
	l := shapes()
	for _, sh := range slices.Concat(l.phishing, l.benign) {
		s := newScope(rand.New(rand.NewPCG(1, 1)), sh.words)
		for _, name := range sh.pick { // fields of tables are drawn, not made
			for _, f := range l.tables[name].fields {
				s.local[f] = []node{{kind: literal}}
			}
		}
		seen := map[string]bool{}
		body := s.variants(sh.body, seen)
		if v := body * s.variants(sh.lines["subject"], seen); v < 1e4 {
			t.Errorf("%s: %.0f variants", sh.name, v)
		}
	}
}

func TestMailsDiffer(t *testing.T) {
	for name, make := range corpora {
		seen, n := map[string]bool{}, 0
		for s := range make(5, 900) {
			n++
			seen[s.Shape+string(s.Raw[bytes.Index(s.Raw, []byte("\r\n\r\n")):])] = true
		}
		if len(seen) < n {
			t.Errorf("%s: %d bodies in %d mails", name, len(seen), n)
		}
	}
}

// TestJudgement counts what the hospital's own server says: attackers pass,
// too.
func TestJudgement(t *testing.T) {
	for name, make := range corpora {
		count := map[string]int{}
		for s := range make(9, 400) {
			r := readStrict(t, s.Raw)
			said := "absent"
			for _, v := range r.header["Authentication-Results"] {
				if strings.HasPrefix(v, OwnAuthserv) {
					_, said, _ = strings.Cut(v, "dmarc=")
					said, _, _ = strings.Cut(said, " ")
				}
			}
			count[said]++
			if name == "phishing" && said == "pass" && strings.HasSuffix(s.From, ".co.jp") {
				t.Errorf("%s: %s passes", s.Shape, s.From)
			}
		}
		t.Log(name, count)
		for _, said := range []string{"pass", "none", "absent"} {
			if count[said] < 20 {
				t.Errorf("%s: %s %d times", name, said, count[said])
			}
		}
	}
}

// TestFilesAreReal gives the archives and codes to real programs.
func TestFilesAreReal(t *testing.T) {
	zbar, unzip := program.Need(t, "zbarimg"), program.Need(t, "unzip")
	dir := t.TempDir()
	codes, archives := 0, 0
	for s := range Phishing(13, 200) {
		r := readStrict(t, s.Raw)
		for name, b := range r.content {
			switch {
			case strings.HasPrefix(s.Shape, "code.") && bytes.HasPrefix(b, []byte("\x89PNG")) && codes < 8:
				codes++
				file := filepath.Join(dir, "code.png")
				if err := os.WriteFile(file, b, 0o600); err != nil {
					t.Fatal(err)
				}
				out, err := exec.Command(zbar, "-q", "--raw", file).Output()
				if err != nil || !strings.Contains(string(out), s.FileHosts[0]) {
					t.Errorf("%s: %s says %q, %v", s.Shape, name, out, err)
				}
			case s.Shape == "malware.reply" && archives < 8:
				archives++
				_, password, _ := strings.Cut(r.text, ": ")
				password, _, _ = strings.Cut(password, "\r\n")
				file := filepath.Join(dir, "a.zip")
				if err := os.WriteFile(file, b, 0o600); err != nil {
					t.Fatal(err)
				}
				if out, err := exec.Command(unzip, "-P", password, "-t", file).CombinedOutput(); err != nil {
					t.Errorf("%s: %s with %q: %v %.200s", s.Shape, name, password, err, out)
				}
			}
		}
	}
	if codes == 0 || archives == 0 {
		t.Errorf("%d codes and %d archives were looked at", codes, archives)
	}
}
