// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"unicode/utf8"
)

// titled hides the name before a title that begins at i. Before 様 and the like
// (any) whatever can be a name is one; before the name of an office (部長) only
// a family name that is known.
func (p *people) titled(i int, any bool) {
	v := p.v
	end := i
	for end > 0 && end > i-2 && (v.flat[end-1] == ' ' || v.flat[end-1] == '-') {
		end--
	}
	r, _ := v.before(end)
	switch {
	case isKanji(r):
		p.kanjiTitled(end, any, 2)
	case isKatakana(r) || isHiragana(r):
		p.kanaTitled(end, any)
	case isLatin(r):
		p.latinTitled(end, i, any)
	case r == ')' && any: // 佐藤(花子)様
		if open := strings.LastIndexByte(v.flat[max(0, end-40):end], '('); open >= 0 {
			at := max(0, end-40) + open
			if name := v.flat[at+1 : end-1]; isFullName(name) || families[name] || familyByReading[v.kana[at+1:end-1]] != nil {
				p.hit(at+1, end-1, Person)
			}
		}
	}
}

// isSingle reports whether a name has one character. Inside a run of kanji that
// is more often the end of a word: 病院長.
func isSingle(s string) bool { return utf8.RuneCountInString(s) == 1 }

// namesRole reports whether a word before a title is a role or a place: 納税者,
// 東京都. No name of a person ends so.
func namesRole(s string) bool {
	last, n := utf8.DecodeLastRuneInString(s)
	return strings.ContainsRune("者員", last) || strings.ContainsRune("都府県市区", last) && len(s) > 2*n
}

// maxName is the most kanji of a name: 勅使河原 and 小百合.
const maxName = 7

// kanjiTitled looks behind at most titles further titles: 田中院長先生様.
func (p *people) kanjiTitled(end int, any bool, titles int) {
	v := p.v
	from := v.runBack(end, 24, isKanji)
	run := v.flat[from:end]
	if !any {
		p.officer(from, end)
		return
	}
	if notNames[run] || orgName(run) || jobTitles[run] || namesRole(run) {
		return
	}
	for title := range titlesBehind {
		if strings.HasSuffix(run, title) && run != title && titles > 0 {
			p.kanjiTitled(end-len(title), any, titles-1)
			return
		}
	}
	count := utf8.RuneCountInString(run)
	// A family name before a blank belongs to it.
	start := from
	if b, n := v.before(from); b == ' ' && count <= 4 {
		left := v.runBack(from-n, 6, isKanji)
		family := v.flat[left : from-n]
		outer, _ := v.before(left)
		switch c := utf8.RuneCountInString(family); {
		case c == 0:
		case families[family], c <= 3 && !orgName(family) && !jobTitles[family] && !notNames[family] && !isKana(outer) && !p.isLabel(family):
			p.name(left, end, Person)
			p.named(left, end)
			return
		default:
			if s := familyInside(family); s >= 0 {
				p.name(left+s, end, Person)
				return
			}
		}
	}
	if count == 1 && !families[run] {
		return
	}
	if s := familyInside(run); s >= 0 && count > 4 {
		start = from + s
	} else if count > maxName {
		for c := count; c > maxName; c-- {
			_, n := utf8.DecodeRuneInString(v.flat[start:])
			start += n
		}
	}
	p.name(start, end, Person)
	p.named(start, end)
}

// officer hides a known name before an office, which is part of the same run or
// stands behind a blank: 田中院長, 総務課 佐藤 花子課長.
func (p *people) officer(from, end int) {
	v := p.v
	run := v.flat[from:end]
	if isFullName(run) {
		p.name(from, end, Person)
		return
	}
	for i := range run {
		rest := run[i:]
		if utf8.RuneCountInString(rest) > 5 {
			continue
		}
		if i > 0 {
			if last, _ := utf8.DecodeLastRuneInString(run[:i]); !strings.ContainsRune(units, last) {
				continue
			}
		}
		if families[rest] && !officeWords[rest] && (i == 0 || !isSingle(rest)) || isFullName(rest) {
			p.name(from+i, end, Person)
			return
		}
	}
	if b, n := v.before(from); b == ' ' {
		left := v.runBack(from-n, 6, isKanji)
		if families[v.flat[left:from-n]] && isGiven(run, false) {
			p.name(left, end, Person)
		}
	}
}

// officeWords are family names that are read as a word before an office.
var officeWords = words("本 副 前 元 新 大 小 中 上 東 西 南 北 森 林 原 関 金 星 岡 泉 城 宮 谷 辻 所 平 奥 旧 現 各 総 当 同 技 本部 中央 西口 東口")

// familyInside returns where the last known family name begins in a run of
// kanji from which on a name of at most maxName characters is left, -1 for none.
func familyInside(run string) int {
	found := -1
	for i := range run {
		rest := run[i:]
		if utf8.RuneCountInString(rest) > maxName {
			continue
		}
		if i > 0 {
			if last, _ := utf8.DecodeLastRuneInString(run[:i]); !strings.ContainsRune(units, last) {
				continue
			}
		}
		if family, _ := splitName(rest); families[rest] && !isSingle(rest) || family != "" && utf8.RuneCountInString(family) > 1 {
			found = i
		}
	}
	return found
}

func (p *people) kanaTitled(end int, any bool) {
	v := p.v
	if !any {
		return
	}
	r, _ := v.before(end)
	script := isHiragana
	if isKatakana(r) && r != 'ー' || r == 'ー' && v.runBack(end, 12, isKatakana) <= v.runBack(end, 12, isHiragana) {
		script = isKatakana
	}
	from := v.runBack(end, 12, script)
	run := v.kana[from:end]
	raw := v.flat[from:end]
	if notNames[raw] || notNames[run] || len(run) < 6 {
		return
	}
	if b, n := v.before(from); b == ' ' || b == '・' { // ヤマダ タロウ様
		left := v.runBack(from-n, 10, script)
		if left < from-n && (familyByReading[v.kana[left:from-n]] != nil || isKatakana(firstRune(raw))) {
			p.name(left, end, Person)
			return
		}
		if kanji := v.runBack(from-n, 5, isKanji); kanji < from-n && families[v.flat[kanji:from-n]] { // 佐藤 はなこ様
			p.name(kanji, end, Person)
			return
		}
	}
	if b, _ := v.before(from); isKanji(b) {
		kanji := v.runBack(from, 5, isKanji)
		if families[v.flat[kanji:from]] && givenReadings[run] {
			p.name(kanji, end, Person)
			return
		}
		if !givenReadings[run] || isKatakana(firstRune(raw)) {
			return
		}
	}
	if isKatakana(firstRune(raw)) {
		p.name(from, end, Person) // スミス様
		return
	}
	// In hiragana the run may begin with the grammar before the name.
	for i := range run {
		if rest := run[i:]; len(rest) >= 6 && (familyByReading[rest] != nil || givenReadings[rest]) && (i == 0 || len(rest) >= 9) {
			p.name(from+i, end, Person)
			return
		}
	}
}

// latinTitled hides a name in Latin letters before 様, さん, or "-san".
func (p *people) latinTitled(end, title int, any bool) {
	v := p.v
	from := v.runBack(end, 24, func(r rune) bool { return isLatin(r) || r == '.' || r == '-' || r == '_' })
	word := v.low[from:end]
	latin := isAlpha(v.flat[title])
	if latin && (end == title || v.flat[end] != '-' || !any) { // "san" is a word of English
		return
	}
	known := romajiFamily[word] != "" || romajiGiven[word]
	start := from
	if b, _ := v.before(from); b == ' ' {
		left := v.runBack(from-1, 24, isLatin)
		if first := v.low[left : from-1]; romajiFamily[first] != "" || romajiGiven[first] {
			start, known = left, true
		}
	}
	if known || latin {
		p.name(start, end, Person)
	}
}

// greeted hides the name behind Mr., Dr. or Dear.
func (p *people) greeted(to int) {
	v := p.v
	word := v.flat[max(0, to-4):to]
	dear := strings.EqualFold(word, "dear")
	i := to
	if i < len(v.flat) && v.flat[i] == '.' {
		i++
	}
	start := v.blanks(i)
	end := start
	for range 3 {
		n := v.run(end, 24, func(r rune) bool { return isLatin(r) || r == '\'' || r == '-' })
		if n == end || v.flat[end] < 'A' || v.flat[end] > 'Z' {
			break
		}
		if w := v.low[end:n]; dear && romajiFamily[w] == "" && !romajiGiven[w] || englishWords[w] {
			break
		}
		end = n
		if n+1 < len(v.flat) && v.flat[n] == '.' && n-end < 2 { // an initial
			n++
		}
		if n < len(v.flat) && v.flat[n] == ' ' {
			n++
		}
		if n >= len(v.flat) || v.flat[n] < 'A' || v.flat[n] > 'Z' {
			break
		}
		end = n
	}
	end = start + len(strings.TrimRight(v.flat[start:end], " .'"))
	if end > start {
		p.hit(start, end, Person)
	}
}

// romaji looks at a word in Latin letters for a name of two words.
func (p *people) romaji(from, to int) {
	v := p.v
	first := v.low[from:to]
	family, given := romajiFamily[first] != "", romajiGiven[first]
	if !family && !given {
		return
	}
	if b, _ := v.before(from); isWord(b) || b == '@' {
		return
	}
	next := v.run(to, 2, func(r rune) bool { return r == ' ' || r == ',' || r == '.' || r == '_' || r == '-' })
	end := v.run(next, 24, isLatin)
	if next == to || end == next {
		return
	}
	second := v.low[next:end]
	if r, _ := v.after(end); isWord(r) || r == '@' {
		return
	}
	if !(family && romajiGiven[second] || given && romajiFamily[second] != "") {
		return
	}
	capital := func(i int) bool { return v.flat[i] >= 'A' && v.flat[i] <= 'Z' }
	if !(capital(from) && capital(next)) && (len(first) < 4 || len(second) < 4) || englishWords[first] && englishWords[second] {
		return
	}
	p.name(from, end, Person)
}

// inURL finds what a URL says of a person when it is decoded.
func (p *people) inURL() {
	v := p.v
	for i := 0; i < len(v.flat); {
		if r, _ := v.after(i); r >= '0' && r <= '9' {
			end := v.run(i, 1<<20, func(r rune) bool { return r >= '0' && r <= '9' || r == '-' })
			before, _ := v.before(i)
			after, _ := v.after(end)
			digits := strings.ReplaceAll(v.flat[i:end], "-", "")
			if !isWord(before) && !isWord(after) && len(digits) == 11 && digits[0] == '0' && digits[2] == '0' && strings.IndexByte("6789", digits[1]) >= 0 {
				p.hit(i, end, Phone)
			}
			i = end
			continue
		}
		i = p.japanese(i)
	}
	p.words(func(c class, from, to int) {
		if c == titleAny && isKanji(firstRune(v.flat[from:])) {
			p.titled(from, true)
		}
	})
}

// namesPerson reports whether the local part of an address is the name of a
// person: family and given name that are known.
func namesPerson(address string) bool {
	local, _, _ := strings.Cut(strings.ToLower(address), "@")
	parts := strings.FieldsFunc(local, func(r rune) bool { return r < utf8.RuneSelf && !isAlpha(byte(r)) })
	if len(parts) != 2 {
		return false
	}
	return romajiFamily[parts[0]] != "" && romajiGiven[parts[1]] || romajiGiven[parts[0]] && romajiFamily[parts[1]] != ""
}

// englishWords are names of persons and words of English.
var englishWords = words(`may mark make made are one note mail rei sage ban mine more take name same here sure use date june
	april page are ii team support customer user member sir madam friend all client partner colleague colleagues valued account holder
	home tone hide nose sake ore shine mane mike tame kane ami are oh an no do to so go`)
