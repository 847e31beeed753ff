// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

// Package glossary holds the words of Teiten: one word for one thing, in
// Japanese and English, in pages, API, code and documents alike. The data is
// glossary.toml; docs/glossary.md is made from it and a test keeps the two
// equal.
package glossary

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/BurntSushi/toml"

	"teiten/internal/locale"
)

// Term is one thing and its words.
type Term struct {
	Key     string   `toml:"key"`      // the word in code and API: "sighting"
	Area    string   `toml:"area"`     // the key of the Area it stands under
	Ja      string   `toml:"ja"`       // the Japanese word
	Yomi    string   `toml:"yomi"`     // how it is read, in kana; Latin words stay as they are
	En      string   `toml:"en"`       // the English word
	AboutJa string   `toml:"about_ja"` // what it is, for people who are no experts
	AboutEn string   `toml:"about_en"`
	Not     []string `toml:"not"` // words that we do not use for it
}

// Name returns the term's word in the language.
func (t Term) Name(lang locale.Lang) string { return pick(lang, t.Ja, t.En) }

// About explains the term in the language.
func (t Term) About(lang locale.Lang) string { return pick(lang, t.AboutJa, t.AboutEn) }

// Area is a heading of the glossary.
type Area struct {
	Key string `toml:"key"`
	Ja  string `toml:"ja"`
	En  string `toml:"en"`
}

// Name returns the heading in the language.
func (a Area) Name(lang locale.Lang) string { return pick(lang, a.Ja, a.En) }

//go:embed glossary.toml
var source []byte

// data is read when it is asked for: most commands do not.
var data = sync.OnceValues(func() ([]Area, []Term) { return must(load(source)) })

// Areas returns the headings in order. The slice is the caller's.
func Areas() []Area {
	areas, _ := data()
	return slices.Clone(areas)
}

// All returns every term, by area and in the order in which a newcomer meets
// them. The slice is the caller's.
func All() []Term {
	_, terms := data()
	return slices.Clone(terms)
}

// Get returns the term with the key.
func Get(key string) (Term, bool) {
	_, terms := data()
	i := slices.IndexFunc(terms, func(t Term) bool { return t.Key == key })
	if i < 0 {
		return Term{}, false
	}
	return terms[i], true
}

// Markdown returns docs/glossary.md.
func Markdown() string {
	areas, terms := data()
	var b strings.Builder
	b.WriteString("<!-- Made from internal/glossary/glossary.toml: go test ./internal/glossary -update -->\n\n")
	b.WriteString("# 用語集 / Glossary\n\n")
	b.WriteString("一つのものは一つの言葉で呼びます。画面、API、プログラム、文書のどれでも同じです。\n\n")
	b.WriteString("One word for one thing, in pages, API, code and documents alike.\n")
	for _, a := range areas {
		fmt.Fprintf(&b, "\n## %s / %s\n\n", a.Ja, a.En)
		b.WriteString("| 日本語 | 読み | English | 名前 (key) | 意味 / meaning | 使わない言葉 / not |\n")
		b.WriteString("| --- | --- | --- | --- | --- | --- |\n")
		for _, t := range terms {
			if t.Area == a.Key {
				fmt.Fprintf(&b, "| %s | %s | %s | `%s` | %s<br>%s | %s |\n",
					t.Ja, t.Yomi, t.En, t.Key, t.AboutJa, t.AboutEn, strings.Join(t.Not, "、"))
			}
		}
	}
	return b.String()
}

var (
	keyForm  = regexp.MustCompile(`^[a-z]+(_[a-z]+)*$`)
	yomiForm = regexp.MustCompile(`^[\p{Hiragana}ー・ A-Z0-9]+$`)
)

// load reads the data and checks what must hold: one word for one thing.
func load(data []byte) ([]Area, []Term, error) {
	var file struct {
		Area []Area `toml:"area"`
		Term []Term `toml:"term"`
	}
	md, err := toml.Decode(string(data), &file)
	if err != nil {
		return nil, nil, err
	}
	if extra := md.Undecoded(); len(extra) > 0 {
		return nil, nil, fmt.Errorf("unknown key %v", extra[0])
	}
	owner := map[string]string{} // word in any language → key
	for i, t := range file.Term {
		if err := check(t, file.Area); err != nil {
			return nil, nil, fmt.Errorf("term %d (%s): %w", i+1, t.Key, err)
		}
		for _, word := range []string{"key " + t.Key, t.Ja, strings.ToLower(t.En)} {
			if other, taken := owner[word]; taken {
				return nil, nil, fmt.Errorf("%s and %s share %q", other, t.Key, word)
			}
			owner[word] = t.Key
		}
	}
	for _, t := range file.Term {
		for _, word := range t.Not {
			if other, used := owner[strings.ToLower(word)]; used {
				return nil, nil, fmt.Errorf("%s is not to be called %q, but %s is", t.Key, word, other)
			}
		}
	}
	order := func(t Term) int {
		return slices.IndexFunc(file.Area, func(a Area) bool { return a.Key == t.Area })
	}
	slices.SortStableFunc(file.Term, func(a, b Term) int { return order(a) - order(b) })
	return file.Area, file.Term, nil
}

func check(t Term, areas []Area) error {
	switch {
	case !keyForm.MatchString(t.Key):
		return fmt.Errorf("key must be lower-case words joined by _")
	case !slices.ContainsFunc(areas, func(a Area) bool { return a.Key == t.Area }):
		return fmt.Errorf("there is no area %q", t.Area)
	case t.Ja == "" || t.En == "" || t.AboutJa == "" || t.AboutEn == "":
		return fmt.Errorf("a word or a meaning is missing")
	case !yomiForm.MatchString(t.Yomi):
		return fmt.Errorf("reading %q is not in hiragana", t.Yomi)
	}
	for _, s := range []string{t.Ja, t.En, t.AboutJa, t.AboutEn, strings.Join(t.Not, "")} {
		if strings.ContainsAny(s, "|\n<>`") {
			return fmt.Errorf("%q would break the table", s)
		}
	}
	return nil
}

func pick(lang locale.Lang, ja, en string) string {
	if lang == locale.English {
		return en
	}
	return ja
}

// must is for the embedded data, which the tests have read before.
func must(areas []Area, terms []Term, err error) ([]Area, []Term) {
	if err != nil {
		panic("glossary: glossary.toml: " + err.Error())
	}
	return areas, terms
}
