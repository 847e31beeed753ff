// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package category

import (
	"strings"
	"testing"
	"unicode/utf8"

	"teiten/internal/fault"
	"teiten/internal/locale"
)

func TestParse(t *testing.T) {
	for _, c := range All() {
		got, err := Parse(string(c))
		if err != nil || got != c {
			t.Errorf("Parse(%q) = %q, %v", c, got, err)
		}
	}
	for _, k := range AllNotices() {
		got, err := ParseNotice(string(k))
		if err != nil || got != k {
			t.Errorf("ParseNotice(%q) = %q, %v", k, got, err)
		}
	}
	for _, s := range []string{"", "Phishing", " phishing", "フィッシング", "ransomware"} {
		if _, err := Parse(s); fault.Code(err) != "category.unknown" || !fault.Is(err, fault.Invalid) {
			t.Errorf("Parse(%q): %v", s, err)
		}
	}
	for _, s := range []string{"", "Malware", "phishing", "exploited vulnerability"} {
		if _, err := ParseNotice(s); fault.Code(err) != "category.notice_unknown" || !fault.Is(err, fault.Invalid) {
			t.Errorf("ParseNotice(%q): %v", s, err)
		}
	}
}

// A wrong value may be a page of text; the sentence shown must stay a sentence.
func TestParseErrorIsShort(t *testing.T) {
	_, err := Parse(strings.Repeat("長", 100_000))
	if n := utf8.RuneCountInString(locale.Japanese.Fault(err)); n > 250 {
		t.Errorf("error has %d characters", n)
	}
}

// Every value has a name and an explanation of its own in each language, and
// the sentence for a wrong value lists every right one.
func TestNames(t *testing.T) {
	_, wrong := Parse("x")
	_, wrongNotice := ParseNotice("x")
	for _, lang := range locale.Langs {
		seen := map[string]bool{}
		check := func(value, name, about, listed string) {
			t.Helper()
			if name == "" || about == "" || strings.HasPrefix(name, "[") || strings.HasPrefix(about, "[") {
				t.Errorf("%s %s: name %q, about %q", lang, value, name, about)
			}
			if seen[name] || seen[about] {
				t.Errorf("%s %s: %q or its explanation is used twice", lang, value, name)
			}
			seen[name], seen[about] = true, true
			if !strings.Contains(listed, value) {
				t.Errorf("%s: %q is missing in %q", lang, value, listed)
			}
		}
		for _, c := range All() {
			check(string(c), c.Name(lang), c.About(lang), lang.Fault(wrong))
		}
		for _, k := range AllNotices() {
			check(string(k), k.Name(lang), k.About(lang), lang.Fault(wrongNotice))
		}
	}
}
