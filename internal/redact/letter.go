// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"unicode/utf8"
)

// A name that is in no list is given away by its place in the letter, and by the
// same name behind a label or before a title elsewhere.

const (
	maxNamed      = 200 // names of one mail that are looked for elsewhere in it
	signatureRows = 6   // lines behind a closing that may hold the writer's name
)

// closings end a letter: behind them stands who wrote it.
var closings = words(`敬具 敬白 草々 早々 謹白 謹言 かしこ 以上 拝`)

// closingEnds are of the sentence before the writer's name.
var closingEnds = []string{"お願いいたします", "お願い致します", "お願いします", "お願い申し上げます", "お願い申しあげます", "まで", "失礼いたします", "失礼します", "ございました"}

// named notes a name for which a label or a title vouches, to look for it in
// the rest of the mail.
func (p *people) named(from, to int) {
	w := p.red.vouched
	if !p.collects || len(w.needles) >= maxNamed {
		return
	}
	text := p.v.flat[from:to]
	family, given, parted := strings.Cut(text, " ")
	given = strings.TrimLeft(given, " ")
	if !allKanji(family) || strings.ContainsRune(given, ' ') {
		return
	}
	switch n := utf8.RuneCountInString(family); {
	case orgName(text) || orgName(family) || ordinary[tighten(text)] || jobTitles[given]:
	case parted && n <= 5 && p.givenName(given):
		w.add(tighten(text), Person, kanjiWord)
		if n >= 2 && !families[family] && !notNames[family] && !jobTitles[family] { // those of the list have their own rules
			w.add(tighten(family), Person, kanjiWord)
		}
	case !parted && n >= 3 && n <= maxName && endsStrictly(family):
		w.add(tighten(text), Person, kanjiWord)
	}
}

// givenName reports whether a word is likely as a given name.
func (p *people) givenName(s string) bool {
	return s != "" && (allKanji(s) && !ordinary[s] && isGiven(s, false) || givenReadings[tighten(s)])
}

// singles are given names of one character.
const singles = "蓮桃葵楓樹翼誠健剛勝茂清進稔実学隆豊薫恵愛凛凜湊陸蒼海修聡勲弘博浩潤淳純駿翔司努昇功昭武猛稜怜玲澪栞杏椿蘭舞馨彰徹透渉望光円静梢忍敦毅寛肇巌勉晃哲守渚瞳操緑葉紬律奏匠悟篤亘翠碧"

// moreEndings end given names too, and other words; in a letter's places they
// count.
const moreEndings = "一二三平生衣央久世音代依"

// endsGiven reports whether kanji end like a given name of two characters or
// more, or are one of one.
func endsGiven(s string) bool {
	if ordinary[s] {
		return false
	}
	last, n := utf8.DecodeLastRuneInString(s)
	if n == len(s) {
		return strings.ContainsRune(singles, last)
	}
	before, _ := utf8.DecodeLastRuneInString(s[:len(s)-n])
	return givenKanji[last] && givenKanji[before] && strings.ContainsRune(givenEndings+moreEndings, last)
}

// endsStrictly reports whether kanji in one run end like a given name of two
// characters.
func endsStrictly(s string) bool {
	last, n := utf8.DecodeLastRuneInString(s)
	_, m := utf8.DecodeLastRuneInString(s[:len(s)-n])
	return len(s) > n+m && isGiven(s[len(s)-n-m:], last != '一')
}

func allKanji(s string) bool {
	for _, r := range s {
		if !isKanji(r) {
			return false
		}
	}
	return s != ""
}

// letter looks at the lines of a body in which people write whom they write to
// and who they are: the first, and those behind a closing or a rule.
func (p *people) letter() {
	v := p.v
	rows, first := 0, true
	for from := 0; from < len(v.flat); {
		to := lineEnd(v.flat, from)
		line := strings.Trim(v.flat[from:to], " >|")
		start := from + strings.Index(v.flat[from:to], line)
		from = to + 1
		if line == "" {
			continue
		}
		if first || rows > 0 {
			p.lone(start, line, first)
		}
		first = false
		rows--
		if closes(line) {
			rows = signatureRows
		}
	}
}

// closes reports whether a writer's name may follow a line.
func closes(line string) bool {
	sentence := strings.TrimRight(line, "。.!、 ")
	if closings[sentence] {
		return true
	}
	for _, e := range closingEnds {
		if strings.HasSuffix(sentence, e) {
			return true
		}
	}
	if len(line) < 2 {
		return false
	}
	return strings.Trim(line, "-_=*+~#/:.<>|─━・☆★◆◇■□●○ー…") == ""
}

// lone hides a name that is all of a line, perhaps behind a department, and in
// the first line before a comma.
func (p *people) lone(start int, line string, first bool) {
	if first {
		line = strings.TrimRight(line, " 、,")
	}
	for {
		word, rest, parted := strings.Cut(line, " ")
		if !parted || !orgName(word) {
			break
		}
		rest = strings.TrimLeft(rest, " ")
		start += len(line) - len(rest)
		line = rest
	}
	family, given, parted := strings.Cut(line, " ")
	given = strings.TrimLeft(given, " ")
	n := utf8.RuneCountInString(family)
	switch {
	case !allKanji(family) || n > maxName, orgName(family), notNames[family], jobTitles[family], ordinary[family], placeNames[family], namesRole(family), p.isLabel(family):
		return
	case !parted && n >= 3 && endsStrictly(family):
	case parted && n <= 5 && n+utf8.RuneCountInString(given) >= 3 && !orgName(given) && !notNames[given] && !jobTitles[given] &&
		(endsGiven(given) && allKanji(given) || givenReadings[tighten(given)]):
	default:
		return
	}
	p.name(start, start+len(line), Person)
}
