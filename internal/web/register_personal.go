// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/unicode/norm"

	"teiten/internal/indicator"
)

// personalHit is a place in a text that looks like somebody's data.
type personalHit struct {
	Kind string // the part of the locale key behind "personal."
	Text string // the place, harmless
}

// personalMost bounds what a warning lists.
const personalMost = 10

// What the data of patients and colleagues looks like in Japanese reports,
// after NFKC. It is a warning, not a verdict: a miss does not make a text safe
// to share, and a false hit costs one tick.
var personalPatterns = []struct {
	kind    string
	pattern *regexp.Regexp
}{
	{"patient", regexp.MustCompile(`(?i)(?:患者|受診者|診察券|カルテ|入院|外来)\s*(?:ID|番号|No\.?|NO\.?|№)?\s*[:=#]?\s*[A-Z]{0,2}\d[\d-]{3,11}`)},
	{"insurance", regexp.MustCompile(`(?:保険者|被保険者|保険証|マイナンバー|個人番号)\s*(?:番号|の番号)?\s*[:=]?\s*\d[\d -]{5,15}\d`)},
	{"birth", regexp.MustCompile(`(?:生年月日|誕生日)\s*[:=]?\s*(?:明治|大正|昭和|平成|令和|[MTSHR])?\s*\d{1,4}\s*[年./-]\s*\d{1,2}\s*[月./-]\s*\d{1,2}`)},
	{"phone", regexp.MustCompile(`(?:\+81[- ]?|\b0)\d{1,4}[-(). ]{1,2}\d{1,4}[-). ]{1,2}\d{3,4}\b|\b0[789]0\d{8}\b`)},
	{"name", regexp.MustCompile(`[\p{Han}々]{2,4}[ ]?[\p{Han}ァ-ヶー々]{0,6}\s?(?:様|さん|殿|先生)`)},
}

// notNames end like a name and are none.
var notNames = []string{"皆様", "各位", "患者様", "患者さん", "利用者", "担当者", "関係者", "取引先", "会員", "職員", "業者", "主治医", "同様", "仕様", "模様", "多様", "一様", "異様", "有様", "神様", "看護師", "医師", "先生方"}

// personal finds what looks like the data of patients or colleagues.
func personal(text string) []personalHit {
	text = norm.NFKC.String(digitsDashed(text))
	var hits []personalHit
	add := func(kind, s string) {
		hit := personalHit{kind, harmless(strings.TrimSpace(s))}
		if len(hits) < personalMost && !slices.Contains(hits, hit) {
			hits = append(hits, hit)
		}
	}
	for _, f := range indicator.Extract(text) {
		if f.Kind == indicator.Email {
			add("mail", f.Written)
		}
	}
	for _, p := range personalPatterns {
		for _, s := range p.pattern.FindAllString(text, 100) {
			if p.kind != "name" || !commonName(s) {
				add(p.kind, s)
			}
		}
	}
	return hits
}

// commonName reports whether what ends like a name is a word.
func commonName(s string) bool {
	for _, w := range notNames {
		if strings.HasPrefix(s, w) || strings.HasSuffix(s, w) && len(s) <= len(w)+len("御") {
			return true
		}
	}
	return false
}

// digitsDashed turns the long vowel mark between digits, which is typed for a
// hyphen in telephone numbers, into one, and leaves it in words.
var longBetweenDigits = regexp.MustCompile(`([0-9０-９])[ー―—–－]([0-9０-９])`)

func digitsDashed(s string) string {
	s = longBetweenDigits.ReplaceAllString(s, "$1-$2")
	return longBetweenDigits.ReplaceAllString(s, "$1-$2") // neighbours share a digit
}
