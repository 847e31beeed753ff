// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package fold

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestSameWordSameFold(t *testing.T) {
	for _, same := range [][]string{
		{"サーバー", "サーバ―", "ｻｰﾊﾞｰ", "さーばー", "サ-バ-", "サ−バ−"},
		{"フィッシング", "ﾌｨｯｼﾝｸﾞ", "ふぃっしんぐ"},
		{"Microsoft 365", "ＭＩＣＲＯＳＯＦＴ　３６５", "microsoft\t365", " Microsoft\u200b  365 "},
		{"covid-19", "COVID‐19", "ＣＯＶＩＤ－１９", "Covid–19"},
		{"①", "1"},
		{"㈱", "(株)"},
		{"が", "か\u3099", "ガ", "ｶﾞ"},
		{"e\u0301cole", "École"},
	} {
		for _, s := range same[1:] {
			if Text(s) != Text(same[0]) {
				t.Errorf("%q folds to %q, %q to %q", s, Text(s), same[0], Text(same[0]))
			}
		}
	}
	for _, differ := range [][2]string{{"は", "ば"}, {"医師", "医者"}, {"つ", "っ"}, {"a b", "ab"}} {
		if Text(differ[0]) == Text(differ[1]) {
			t.Errorf("%q and %q fold to the same %q", differ[0], differ[1], Text(differ[0]))
		}
	}
}

func TestGrams(t *testing.T) {
	if got := strings.Join(Grams("病院 院"), " "); got != "病 院 病院" {
		t.Errorf("grams %q", got)
	}
	for word, want := range map[string]string{"病": "病", "病院": "病院", "電子カ": "電子 子カ", "a 病院": "病院 a"} {
		if got := strings.Join(QueryGrams(word), " "); got != want {
			t.Errorf("query grams of %q: %q, want %q", word, got, want)
		}
	}
}

// A text that contains a word has each gram of the word: nothing is missed.
func FuzzGrams(f *testing.F) {
	f.Add("ランサムウェアの被害", "ウェア")
	f.Add("Ａ b\u3000ｶﾞ", "ガ")
	f.Fuzz(func(t *testing.T, text, word string) {
		folded, query := Text(text), Text(word)
		if again := Text(folded); utf8.ValidString(text) && again != folded {
			t.Fatalf("folding %q twice: %q, then %q", text, folded, again)
		}
		if query == "" || !strings.Contains(folded, query) {
			return
		}
		has := map[string]bool{}
		for _, g := range Grams(folded) {
			has[Token(g)] = true
		}
		for _, g := range QueryGrams(query) {
			if !has[Token(g)] {
				t.Fatalf("%q contains %q but lacks its gram %q", folded, query, g)
			}
		}
	})
}

func TestTokensAreDistinctASCIIWords(t *testing.T) {
	seen := map[string]string{}
	for _, g := range []string{"a", "x", "ax", "xa", "x0", "0", "病", "病院", "院病", "-", "a-", "😀", "y"} {
		tok := Token(g)
		if other, twice := seen[tok]; twice {
			t.Errorf("%q and %q share the token %q", g, other, tok)
		}
		seen[tok] = g
		for _, r := range tok {
			if !(r >= 'a' && r <= 'z' || r >= '0' && r <= '9') {
				t.Errorf("token %q of %q", tok, g)
			}
		}
	}
}
