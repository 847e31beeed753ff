// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	_ "embed"
	"strings"
	"sync"
	"unicode/utf8"
)

// The lists hold common knowledge: family names as they are written and read,
// and readings of given names.
var (
	//go:embed families.txt
	familyList string
	//go:embed given.txt
	givenList string
)

var (
	families        = map[string]bool{}     // 佐藤
	familyByReading = map[string][]string{} // さとう: 佐藤, 佐東
	romajiFamily    = map[string]string{}   // sato, satou, satoh: さとう
	givenReadings   = map[string]bool{}     // はなこ
	romajiGiven     = map[string]bool{}     // hanako
	givenKanji      = map[rune]bool{}       // what given names are written with
	placeNames      = map[string]bool{}     // family names that are a place or a word as often
)

// givenEndings end a given name of two or three characters, and few other words.
const givenEndings = "子美郎介太輔香織恵奈菜代枝江夫雄男司樹也哉吾彦吉之斗翔紀乃穂華莉里沙紗実弥朗助亮佑祐介希咲花絵理加佳音羽人仁志史治昭明弘広博浩宏和幸行義孝隆貴誠健剛勝茂清進"

// load reads the lists when they are needed first: they cost some milliseconds,
// which a command that redacts nothing does not pay.
var load = sync.OnceFunc(func() {
	for line := range strings.Lines(familyList) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		reading := fields[0]
		for _, kanji := range fields[1:] {
			if name, place := strings.CutSuffix(kanji, "*"); place {
				kanji = name
				placeNames[kanji] = true
			}
			families[kanji] = true
			familyByReading[reading] = append(familyByReading[reading], kanji)
		}
		for _, latin := range romanise(reading) {
			if len(latin) >= 3 && romajiFamily[latin] == "" {
				romajiFamily[latin] = reading
			}
		}
	}
	for line := range strings.Lines(givenList) {
		fields := strings.Fields(line)
		switch {
		case len(fields) == 0 || fields[0] == "#":
		case fields[0] == "漢字":
			for _, f := range fields[1:] {
				for _, r := range f {
					givenKanji[r] = true
				}
			}
		default:
			for _, reading := range fields {
				givenReadings[reading] = true
				for _, latin := range romanise(reading) {
					if len(latin) >= 3 {
						romajiGiven[latin] = true
					}
				}
			}
		}
	}
})

// syllables are kana and their Latin letters in the system of Hepburn.
var syllables = func() map[string]string {
	const table = `あ a い i う u え e お o か ka き ki く ku け ke こ ko が ga ぎ gi ぐ gu げ ge ご go さ sa し shi す su せ se そ so ざ za じ ji ず zu ぜ ze ぞ zo
		た ta ち chi つ tsu て te と to だ da ぢ ji づ zu で de ど do な na に ni ぬ nu ね ne の no は ha ひ hi ふ fu へ he ほ ho ば ba び bi ぶ bu べ be ぼ bo ぱ pa ぴ pi ぷ pu ぺ pe ぽ po
		ま ma み mi む mu め me も mo や ya ゆ yu よ yo ら ra り ri る ru れ re ろ ro わ wa を o ん n
		きゃ kya きゅ kyu きょ kyo ぎゃ gya ぎゅ gyu ぎょ gyo しゃ sha しゅ shu しょ sho じゃ ja じゅ ju じょ jo ちゃ cha ちゅ chu ちょ cho にゃ nya にゅ nyu にょ nyo
		ひゃ hya ひゅ hyu ひょ hyo びゃ bya びゅ byu びょ byo みゃ mya みゅ myu みょ myo りゃ rya りゅ ryu りょ ryo`
	m := map[string]string{}
	fields := strings.Fields(table)
	for i := 0; i+1 < len(fields); i += 2 {
		m[fields[i]] = fields[i+1]
	}
	return m
}()

// kunrei turns Hepburn's letters into those of the other system in use.
var kunrei = strings.NewReplacer("shi", "si", "chi", "ti", "tsu", "tu", "fu", "hu", "ji", "zi", "sha", "sya", "shu", "syu", "sho", "syo", "cha", "tya", "chu", "tyu", "cho", "tyo", "ja", "zya", "ju", "zyu", "jo", "zyo")

// Long vowels are written as they are, or short, or with an h.
var (
	shortVowels = strings.NewReplacer("ou", "o", "oo", "o", "uu", "u")
	vowelsWithH = strings.NewReplacer("ou", "oh", "oo", "oh", "uu", "u")
	labial      = strings.NewReplacer("nb", "mb", "nm", "mm", "np", "mp")
)

// romanise returns the ways in which people write a reading: さとう is satou,
// sato, satoh.
func romanise(reading string) []string {
	var b strings.Builder
	double := false
	for s := reading; s != ""; {
		_, n := utf8.DecodeRuneInString(s)
		if strings.HasPrefix(s, "っ") {
			double, s = true, s[n:]
			continue
		}
		latin := ""
		if _, m := utf8.DecodeRuneInString(s[n:]); m > 0 {
			if latin = syllables[s[:n+m]]; latin != "" {
				n += m
			}
		}
		if latin == "" {
			latin = syllables[s[:n]]
		}
		if double && latin != "" {
			if latin[0] == 'c' {
				b.WriteByte('t')
			} else {
				b.WriteByte(latin[0])
			}
			double = false
		}
		b.WriteString(latin)
		s = s[n:]
	}
	long := b.String()
	short := shortVowels.Replace(long)
	forms := []string{long, short}
	if short != long {
		forms = append(forms, vowelsWithH.Replace(long))
	}
	for _, f := range forms[:len(forms):len(forms)] {
		forms = append(forms, kunrei.Replace(f), labial.Replace(f))
	}
	return forms
}
