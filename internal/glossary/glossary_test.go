// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package glossary

import (
	"flag"
	"os"
	"strings"
	"testing"
	"unicode"

	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/locale"
)

var update = flag.Bool("update", false, "write docs/glossary.md")

func TestDocument(t *testing.T) {
	const name = "../../docs/glossary.md"
	want := Markdown()
	if *update {
		if err := os.WriteFile(name, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/glossary.md is not what glossary.toml makes: go test ./internal/glossary -update")
	}
	for _, term := range All() {
		if !strings.Contains(string(got), "| "+term.Ja+" | ") {
			t.Errorf("%s is not in the document", term.Key)
		}
	}
}

// The design's table, and what the loop needs, is in the glossary.
func TestTheWordsOfTheDesign(t *testing.T) {
	for key, ja := range map[string]string{
		"advisory": "情報", "malicious_site": "悪意のあるサイト", "phishing": "フィッシング",
		"targeted": "標的型", "notice": "注意喚起", "technique": "攻撃手法", "indicator": "指標",
		"sighting": "うちにも届いた", "specimen": "検体", "verdict": "判定", "institution": "施設",
		"drill": "訓練", "course": "教材", "tlp": "共有範囲", "observation": "観測",
		"warninglist": "誤検知防止リスト", "blocklist": "フィルター", "collection": "収集",
		"import": "取り込み", "trend": "傾向", "time": "時刻", "confidence": "確度",
		"valid_until": "有効期限", "withdrawn": "取り下げ", "corrected": "訂正", "draft": "下書き",
		"in_review": "確認待ち", "published": "公開",
	} {
		if term, ok := Get(key); !ok || term.Name(locale.Japanese) != ja {
			t.Errorf("%s: %q, want %q", key, term.Ja, ja)
		}
	}
	if _, ok := Get("post"); ok {
		t.Error("post is a term")
	}
}

// The names of categories are the glossary's, and every role has a word.
func TestOtherVocabulariesAgree(t *testing.T) {
	for _, c := range category.All() {
		term, ok := Get(string(c))
		if !ok || term.Ja != c.Name(locale.Japanese) || !strings.EqualFold(term.En, c.Name(locale.English)) {
			t.Errorf("category %s: %q and %q", c, term.Ja, c.Name(locale.Japanese))
		}
	}
	for _, r := range caller.Roles {
		term, ok := Get(string(r))
		if !ok || term.Area != "people" {
			t.Errorf("role %s has no term", r)
		}
		if shown := locale.Japanese.T("web.role." + string(r)); term.Ja != shown {
			t.Errorf("role %s is %q here and %q on pages", r, term.Ja, shown)
		}
		if shown := locale.English.T("web.role." + string(r)); !strings.EqualFold(term.En, shown) {
			t.Errorf("role %s is %q here and %q on pages", r, term.En, shown)
		}
	}
	for _, k := range caller.OrgKinds {
		if term, ok := Get(string(k)); !ok || term.Area != "people" {
			t.Errorf("kind of organisation %s has no term", k)
		}
	}
}

func TestTexts(t *testing.T) {
	for _, term := range All() {
		if !strings.HasSuffix(term.About(locale.Japanese), "。") || !strings.HasSuffix(term.About(locale.English), ".") {
			t.Errorf("%s: a meaning is no sentence", term.Key)
		}
		if strings.ContainsFunc(term.En+term.AboutEn, func(r rune) bool {
			return unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana)
		}) {
			t.Errorf("%s: Japanese in the English words", term.Key)
		}
	}
	for _, a := range Areas() {
		if a.Name(locale.Japanese) == "" || a.Name(locale.English) == "" {
			t.Errorf("area %s has no name", a.Key)
		}
		if !strings.Contains(Markdown(), "## "+a.Ja+" / ") {
			t.Errorf("area %s is not in the document", a.Key)
		}
	}
}

func TestLoadRefuses(t *testing.T) {
	const good = `[[area]]
key = "a"
ja = "あ"
en = "A"

[[term]]
key = "one"
area = "a"
ja = "一"
yomi = "いち"
en = "one"
about_ja = "一つです。"
about_en = "One."

[[term]]
key = "two"
area = "a"
ja = "二"
yomi = "に"
en = "two"
about_ja = "二つです。"
about_en = "Two."
not = ["pair"]
`
	if _, terms, err := load([]byte(good)); err != nil || len(terms) != 2 {
		t.Fatalf("good: %v", err)
	}
	for name, c := range map[string]struct{ old, new, want string }{
		"broken":           {`"two"`, `"two`, "line"},
		"unknown key":      {`not =`, `nott =`, "unknown key"},
		"key":              {`key = "two"`, `key = "Two"`, "lower-case"},
		"key twice":        {`key = "two"`, `key = "one"`, "share"},
		"word twice":       {`ja = "二"`, `ja = "一"`, "share"},
		"english twice":    {`en = "two"`, `en = "One"`, "share"},
		"area":             {"key = \"two\"\narea = \"a\"", "key = \"two\"\narea = \"b\"", "no area"},
		"missing":          {`about_en = "Two."`, `about_en = ""`, "missing"},
		"reading":          {`yomi = "に"`, `yomi = "二"`, "reading"},
		"breaks the table": {`二つです。`, `二|つです。`, "break"},
		"forbidden yet used": {`not = ["pair"]`, `not = ["One"]`,
			"two is not to be called"},
	} {
		t.Run(name, func(t *testing.T) {
			changed := strings.Replace(good, c.old, c.new, 1)
			if changed == good {
				t.Fatal("nothing was changed")
			}
			if _, _, err := load([]byte(changed)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q in it", err, c.want)
			}
		})
	}
}
