// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package help

import (
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/yuin/goldmark"

	"teiten/internal/caller"
	"teiten/internal/glossary"
	"teiten/internal/locale"
	"teiten/internal/tlp"
)

func TestEveryFileIsAPage(t *testing.T) {
	names, err := fs.Glob(files, "pages/*.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := len(slugs) * len(locale.Langs); len(names) != want {
		t.Errorf("%d files for %d pages", len(names), want)
	}
	if p, ok := Get(locale.Japanese, "lookup"); !ok || p.Title != "怪しいURLを調べる" {
		t.Errorf("lookup: %+v", p)
	}
	if _, ok := Get(locale.Japanese, "../help"); ok {
		t.Error("a page that is none")
	}
}

// Both languages have the same pages with the same shape: as many headings,
// items of each kind and paragraphs, in the same order, and the same links.
func TestLanguagesHaveOneShape(t *testing.T) {
	ja, en := Pages(locale.Japanese), Pages(locale.English)
	if len(ja) != len(slugs) || len(en) != len(slugs) {
		t.Fatalf("%d and %d pages, want %d", len(ja), len(en), len(slugs))
	}
	for i := range ja {
		if ja[i].Slug != en[i].Slug {
			t.Fatalf("page %d is %s and %s", i, ja[i].Slug, en[i].Slug)
		}
		if a, b := shape(ja[i].Body), shape(en[i].Body); a != b {
			t.Errorf("%s: shapes differ:\nja %s\nen %s", ja[i].Slug, a, b)
		}
		if a, b := links(ja[i].Body), links(en[i].Body); !slices.Equal(a, b) {
			t.Errorf("%s: links differ: %v, %v", ja[i].Slug, a, b)
		}
		if strings.Count(ja[i].Body, "\n## ")+strings.Count("\n"+ja[i].Body, "\n## ") == 0 {
			t.Errorf("%s has no heading", ja[i].Slug)
		}
	}
}

// shape names each line by what it is: h heading, - or 1 item, p paragraph.
func shape(body string) string {
	var b strings.Builder
	for line := range strings.Lines(body) {
		switch {
		case strings.HasPrefix(line, "## "):
			b.WriteByte('h')
		case strings.HasPrefix(line, "- "):
			b.WriteByte('-')
		case numbered.MatchString(line):
			b.WriteByte('1')
		case strings.TrimSpace(line) != "":
			b.WriteByte('p')
		}
	}
	return b.String()
}

func links(body string) []string {
	var to []string
	for _, m := range link.FindAllStringSubmatch(body, -1) {
		to = append(to, m[2])
	}
	return to
}

var (
	numbered = regexp.MustCompile(`^\d\. `)
	link     = regexp.MustCompile(`\[([^\]\[]+)\]\(([^)]*)\)`)
	bold     = regexp.MustCompile(`\*\*[^*\s]([^*]*[^*\s])?\*\*`)
)

// Only the subset is used, and a link leads to a page that exists, under that
// page's own title.
func TestSubset(t *testing.T) {
	for _, lang := range locale.Langs {
		for _, p := range Pages(lang) {
			for line := range strings.Lines(p.Body) {
				line = strings.TrimSuffix(line, "\n")
				at := string(lang) + " " + p.Slug + ": " + line
				if line != strings.TrimSpace(line) {
					t.Errorf("%s: white space at an end", at)
				}
				rest := strings.TrimPrefix(strings.TrimPrefix(line, "## "), "- ")
				rest = bold.ReplaceAllString(rest, "")
				for _, m := range link.FindAllStringSubmatch(rest, -1) {
					checkLink(t, lang, at, m[1], m[2])
				}
				rest = link.ReplaceAllString(rest, "")
				rest = strings.ReplaceAll(rest, "[.]", "") // the harmless form itself
				if strings.ContainsAny(rest, "*_`<>#[]|!\\~\t") || strings.Contains(rest, "://") {
					t.Errorf("%s: more than the subset", at)
				}
			}
		}
	}
}

func checkLink(t *testing.T, lang locale.Lang, at, text, to string) {
	t.Helper()
	if to == "/glossary" {
		return
	}
	slug, ok := strings.CutPrefix(to, "/help/")
	if !ok {
		t.Errorf("%s: link %s leaves the help", at, to)
		return
	}
	target, ok := Get(lang, slug)
	if !ok || text != target.Title {
		t.Errorf("%s: link %q to %s, whose title is %q", at, text, to, target.Title)
	}
}

// A CommonMark reader sees what the texts mean: bold in Japanese, for one, is
// not closed after a punctuation mark that a letter follows.
func TestRendering(t *testing.T) {
	for _, lang := range locale.Langs {
		for _, p := range Pages(lang) {
			var out strings.Builder
			if err := goldmark.Convert([]byte(p.Body), &out); err != nil {
				t.Fatal(err)
			}
			html := out.String()
			for tag, want := range map[string]int{
				"<h2":     strings.Count(shape(p.Body), "h"),
				"<li>":    strings.Count(shape(p.Body), "-") + strings.Count(shape(p.Body), "1"),
				"<p>":     strings.Count(shape(p.Body), "p"),
				"<strong": len(bold.FindAllString(p.Body, -1)),
				"<a href": len(links(p.Body)),
				"*":       0,
			} {
				if got := strings.Count(html, tag); got != want {
					t.Errorf("%s %s: %d × %s, want %d", lang, p.Slug, got, tag, want)
				}
			}
		}
	}
}

// Words that the glossary tells us not to use are not used in Japanese pages;
// these have an ordinary meaning as well.
var ordinary = []string{"結果", "会社", "団体"}

func TestWordsOfTheGlossary(t *testing.T) {
	for _, term := range glossary.All() {
		for _, word := range term.Not {
			if slices.Contains(ordinary, word) || word[0] < 0x80 {
				continue
			}
			for _, p := range Pages(locale.Japanese) {
				if strings.Contains(p.Title+p.Body, word) {
					t.Errorf("%s says %q; the word is %q", p.Slug, word, term.Ja)
				}
			}
		}
	}
}

// The pages on roles and TLP name each of them, in the words of the portal.
func TestNothingIsLeftOut(t *testing.T) {
	for _, lang := range locale.Langs {
		roles, _ := Get(lang, "roles")
		for _, r := range caller.Roles {
			if term, _ := glossary.Get(string(r)); !strings.Contains(strings.ToLower(roles.Body), "**"+strings.ToLower(term.Name(lang))+"**") {
				t.Errorf("%s: role %s is not explained", lang, r)
			}
		}
		levels, _ := Get(lang, "tlp")
		for _, l := range tlp.Levels {
			if !strings.Contains(levels.Body, "- **"+l.Label()+"**") {
				t.Errorf("%s: %s is not explained", lang, l.Label())
			}
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	if _, err := load(fstest.MapFS{}); err == nil || !strings.Contains(err.Error(), "pages/start.ja.md") {
		t.Errorf("a missing page: %v", err)
	}
	untitled := fstest.MapFS{"pages/start.ja.md": {Data: []byte("text\n")}}
	if _, err := load(untitled); err == nil || !strings.Contains(err.Error(), "no title") {
		t.Errorf("a page without a title: %v", err)
	}
}
