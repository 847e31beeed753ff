// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import "strings"

// Known is what an institution registers of itself.
type Known struct {
	Domains   []string
	Names     []string
	Addresses []string
}

// colleague is a person in the forms in which names are written.
type colleague struct {
	family, given           string
	familyKana, givenKana   string
	familyRoman, givenRoman string
	local, domain           string
}

// colleagues are the staff whom the institution registered. Their family names
// are in no other list of this package.
var colleagues = []colleague{
	{"佐藤", "花子", "サトウ", "ハナコ", "Sato", "Hanako", "hanako.sato", OwnDomain},
	{"鈴木", "一郎", "スズキ", "イチロウ", "Suzuki", "Ichiro", "i-suzuki", OwnDomain},
	{"高橋", "健太", "タカハシ", "ケンタ", "Takahashi", "Kenta", "takahashi.k", "med." + OwnDomain},
	{"伊藤", "美咲", "イトウ", "ミサキ", "Ito", "Misaki", "misaki-ito", OwnDomain},
	{"小林", "裕子", "コバヤシ", "ユウコ", "Kobayashi", "Yuko", "kobayashi2", "med." + OwnDomain},
	{"吉田", "拓海", "ヨシダ", "タクミ", "Yoshida", "Takumi", "t_yoshida", OwnDomain},
}

// patients are registered nowhere.
var patients = []colleague{
	{"山本", "太一", "ヤマモト", "タイチ", "Yamamoto", "Taichi", "", ""},
	{"大野", "節子", "オオノ", "セツコ", "Ohno", "Setsuko", "", ""},
	{"水野", "正雄", "ミズノ", "マサオ", "Mizuno", "Masao", "", ""},
	{"和田", "キヨ", "ワダ", "キヨ", "Wada", "Kiyo", "", ""},
	{"五十嵐", "勝", "イガラシ", "マサル", "Igarashi", "Masaru", "", ""},
}

// Inside are the facts that the institution of [Planted] registered.
var Inside = func() Known {
	k := Known{Domains: []string{OwnDomain, "med." + OwnDomain}, Names: []string{OwnName}}
	for _, c := range colleagues {
		k.Names = append(k.Names, c.full(), c.kana(), c.givenRoman+" "+c.familyRoman)
		k.Addresses = append(k.Addresses, c.address())
	}
	return k
}()

// hiragana and narrowKana write katakana in other forms.
func hiragana(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'ァ' && r <= 'ヶ' {
			return r - 'ァ' + 'ぁ'
		}
		return r
	}, s)
}

func narrowKana(s string) string { return narrow.Replace(s) }

var narrow = func() *strings.Replacer {
	full := []rune("アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワヲンァィゥェォャュョッー")
	half := []rune("ｱｲｳｴｵｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾅﾆﾇﾈﾉﾊﾋﾌﾍﾎﾏﾐﾑﾒﾓﾔﾕﾖﾗﾘﾙﾚﾛﾜｦﾝｧｨｩｪｫｬｭｮｯｰ")
	var pairs []string
	for i, r := range full {
		pairs = append(pairs, string(r), string(half[i]))
	}
	for i, r := range []rune("ガギグゲゴザジズゼゾダヂヅデドバビブベボ") {
		base := []rune("ｶｷｸｹｺｻｼｽｾｿﾀﾁﾂﾃﾄﾊﾋﾌﾍﾎ")
		pairs = append(pairs, string(r), string(base[i])+"ﾞ")
	}
	return strings.NewReplacer(pairs...)
}()
