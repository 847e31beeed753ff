// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// The automaton finds what a search for each phrase finds.
func TestMatcher(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	word := func(most int) string {
		var b strings.Builder
		for range 1 + r.IntN(most) {
			b.WriteString([]string{"あ", "い", "亜", "a", "b"}[r.IntN(5)])
		}
		return b.String()
	}
	found := 0
	for range 300 {
		var phrases []string
		for range 1 + r.IntN(12) {
			phrases = append(phrases, word(4))
		}
		text := word(60)
		want := map[[3]int]int{}
		for n, p := range phrases {
			for i := 0; i+len(p) <= len(text); i++ {
				if text[i:i+len(p)] == p && (!isWord(p[0]) && !isWord(p[len(p)-1]) || bounded(text, i, i+len(p))) {
					want[[3]int{n, i, i + len(p)}]++
				}
			}
		}
		newMatcher(phrases).each(text, func(n, from, to int) { want[[3]int{n, from, to}]--; found++ })
		for k, n := range want {
			if n != 0 {
				t.Fatalf("phrases %q in %q: %v off by %d", phrases, text, k, n)
			}
		}
	}
	if found < 1000 {
		t.Errorf("only %d found", found)
	}
}

func TestFoldText(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"ＡＢＣ　ｶﾞｷﾞ ｱ", "abcがぎあ"},
		{"お 支 払 い", "お支払い"},
		{"アカ\u200bウント\n停止", "あかうんと停止"},
		{"log\r\n  in  now", "log in now"},
		{"Аmazon", "аmazon"}, // a Cyrillic letter in front of Latin ones is looked at in names
		{"Amаzon", "amazon"},
		{"账户", "帳戸"},
	} {
		f := foldText(c.text)
		if f.text != c.want {
			t.Errorf("%q becomes %q, want %q", c.text, f.text, c.want)
		}
		if len(f.at) != len(f.text)+1 || int(f.at[len(f.text)]) != len(c.text) {
			t.Errorf("%q: places %v", c.text, f.at)
		}
	}
	if f := foldText("お 支 払 い の ご 確 認"); f.spaced < 5 {
		t.Errorf("%d spaced", f.spaced)
	}
	if f := foldText("ロ\u200bグ\u200bイ\u200bン"); f.hidden != 3 {
		t.Errorf("%d hidden", f.hidden)
	}
}
