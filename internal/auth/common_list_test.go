// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

var update = flag.Bool("update", false, "make common/list.txt anew")

// The keyboards, row by row, as fingers walk them.
var keyboards = [][]string{
	{"1234567890-^", "qwertyuiop@[", "asdfghjkl;:]", "zxcvbnm,./"}, // JIS and, as far as people walk, US
	{"1234567890-=", "qwertyuiop[]", "asdfghjkl;'", "zxcvbnm,./"},
	{"1234567890", "azertyuiop", "qsdfghjklm", "wxcvbn"},
	{"789", "456", "123"}, // the number pad
}

// walks are the ways along rows and down columns, forth and back: whole words
// of 3 to 12 keys in a row, and of columns as in 1qaz2wsx.
func walks() (all []string) {
	line := func(s string) {
		for _, s := range []string{s, backwards(s)} {
			for from := range s {
				for to := from + 3; to <= min(len(s), from+12); to++ {
					all = append(all, s[from:to])
				}
			}
		}
	}
	for _, rows := range keyboards {
		var columns []string
		for _, row := range rows {
			line(row)
		}
		for x := range rows[0] {
			var down strings.Builder
			for _, row := range rows {
				if x < len(row) {
					down.WriteByte(row[x])
				}
			}
			columns = append(columns, down.String())
		}
		for i, c := range columns {
			line(c)
			for _, step := range []int{-2, -1, 1, 2} { // 1qaz2wsx, 1qaz3edc, zaq1xsw2, 1qazxsw2
				if j := i + step; j >= 0 && j < len(columns) {
					all = append(all, c+columns[j], backwards(c)+backwards(columns[j]), c+backwards(columns[j]), backwards(c)+columns[j])
				}
			}
		}
	}
	return all
}

func backwards(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

// makeList is the whole of common/list.txt.
func makeList(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("common/words.txt")
	if err != nil {
		t.Fatal(err)
	}
	all := walks()
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		for _, w := range strings.Fields(line) {
			all = append(all, w)
			if len(w) >= 4 && w[0] < utf8.RuneSelf {
				all = append(all, backwards(w))
			}
		}
	}
	set := map[string]bool{}
	for _, w := range all {
		if w = disguise(norm.NFKC.String(w)); utf8.RuneCountInString(w) >= 3 || len(w) >= 6 {
			set[w] = true
		}
	}
	var list []string
	for w := range set {
		list = append(list, w)
	}
	slices.Sort(list)
	return strings.Join(list, "\n") + "\n"
}

func TestCommonListIsMadeFromItsWords(t *testing.T) {
	made := makeList(t)
	if *update {
		if err := os.WriteFile("common/list.txt", []byte(made), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if made != commonText {
		t.Error("common/list.txt is not what its words make: go test ./internal/auth -run TestCommonList -update")
	}
	if !slices.IsSorted(common) || len(common) < 1000 {
		t.Errorf("%d words, sorted %v", len(common), slices.IsSorted(common))
	}
}
