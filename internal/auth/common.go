// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package auth

import (
	_ "embed" // for common/list.txt
	"sort"
	"strings"
	"unicode"
)

// common are the words and patterns that many passwords are made of, sorted,
// one on a line, in the form of disguise. common/README.md tells how it is made.
//
//go:embed common/list.txt
var commonText string

var common = strings.Split(strings.TrimSuffix(commonText, "\n"), "\n")

func isCommon(word string) bool {
	i := sort.SearchStrings(common, word)
	return i < len(common) && common[i] == word
}

// Weights are about the bits that a guess of each part costs somebody who
// tries what people usually take; enough is what must come together. Guesses
// are made at the door, a handful in an hour, and the hash is slow.
const (
	enough      = 36
	ofWord      = 9 // one of a few hundred
	ofAgain     = 2 // the same part once more
	ofDate      = 9 // eight digits that are a day
	ofYear      = 6
	ofRun       = 6 // abcdef, 87654321, aaaaaa
	ofLetter    = 5
	ofDigit     = 3
	ofJoint     = 1 // a space or a mark between parts
	ofOwn       = 2 // what is known about the person
	longestPart = 40
)

// leet undoes the usual disguises of letters.
var leet = strings.NewReplacer("@", "a", "4", "a", "8", "b", "(", "c", "3", "e", "€", "e", "6", "g", "1", "i", "l", "i", "!", "i", "|", "i",
	"0", "o", "9", "g", "$", "s", "5", "s", "7", "t", "+", "t", "2", "z")

// disguise is the form in which words are compared: lower case without the
// usual disguises. 1 stands for i and for l, so these two are one letter here.
func disguise(s string) string { return leet.Replace(strings.ToLower(s)) }

// weight is what a normalised password weighs: the least sum over all ways to
// cut it into known parts and single characters.
func weight(password string, own map[string]bool) int {
	plain := []rune(strings.ToLower(password))
	masked := []rune(disguise(string(plain)))
	if len(masked) != len(plain) { // each disguise is one character for one
		masked = plain
	}
	least := make([]int, len(plain)+1)
	for end := 1; end <= len(plain); end++ {
		least[end] = least[end-1] + single(plain[end-1], end == len(plain))
		for start := max(0, end-longestPart); start < end-1; start++ {
			if w := part(plain, masked, start, end, own); least[start]+w < least[end] {
				least[end] = least[start] + w
			}
		}
	}
	return least[len(plain)]
}

func single(r rune, last bool) int {
	switch {
	case unicode.IsDigit(r):
		return ofDigit
	case unicode.IsLetter(r):
		return ofLetter
	case last || r == ' ' || r == '-' || r == '_' || r == '.':
		return ofJoint // also the exclamation mark that somebody had to add
	default:
		return ofDigit
	}
}

// part is the weight of password[start:end] as one part, or more than it is
// worth when it is none. It is at least two characters long.
func part(plain, masked []rune, start, end int, own map[string]bool) int {
	p, m := plain[start:end], masked[start:end]
	none := ofLetter * len(p)
	// The same once more: find it directly before.
	if n := len(p); start >= n && string(plain[start-n:start]) == string(p) {
		none = min(none, ofAgain)
	}
	if own[string(m)] {
		return min(none, ofOwn)
	}
	switch {
	case len(p) >= 3 && isRun(p):
		return min(none, ofRun)
	case len(p) == 8 && isDate(p):
		return min(none, ofDate)
	case len(p) == 4 && isYear(p):
		return min(none, ofYear)
	case isCommon(string(m)):
		return min(none, ofWord)
	}
	return none
}

// isRun reports whether every character follows the one before it by the same
// small step: aaaa, abcd, 9876.
func isRun(p []rune) bool {
	step := p[1] - p[0]
	if step < -1 || step > 1 {
		return false
	}
	for i := 2; i < len(p); i++ {
		if p[i]-p[i-1] != step {
			return false
		}
	}
	return true
}

// isYear reports whether four digits are a year that people write.
func isYear(p []rune) bool {
	n, ok := number(p)
	return ok && n >= 1900 && n < 2100
}

// isDate reports whether eight digits are a day: 19850412.
func isDate(p []rune) bool {
	n, ok := number(p)
	month, day := n/100%100, n%100
	return ok && isYear(p[:4]) && month >= 1 && month <= 12 && day >= 1 && day <= 31
}

func number(p []rune) (n int, ok bool) {
	for _, r := range p {
		if r < '0' || r > '9' {
			return 0, false
		}
		n = n*10 + int(r-'0')
	}
	return n, true
}
