// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"unicode/utf8"
)

// Names are found in four ways: behind a label (氏名：), before a title (様), as
// a known family name with a likely given name, and as a known family name that
// stands alone. What ends like an organisation is none.

// notNames stand before 様, さん, 先生 and the like, and name nobody.
var notNames = words(`お客 客 皆 皆々 各 各位 同 仕 模 多 有 一 何 神 王 奥 殿 若 上 様 異 左 右 別 両 貴 御 生 前 担当者 ご担当者 御担当者 担当 関係者 責任者 管理者 代表者
	契約者 利用者 使用者 会員 組合員 患者 家族 御家族 職員 社員 従業員 受講者 参加者 申込者 受信者 送信者 加入者 被保険者 世帯主 ユーザー ユーザ エンドユーザー お客 取引先 顧客 貴社 御社
	オーナー メンバー クライアント ゲスト カスタマー スタッフ パートナー サポーター ドクター ナース メーカー ベンダー 業者 医者 患者家族 保護者 学生 生徒 娘 息子 母 父 兄
	姉 弟 妹 叔父 叔母 祖父 祖母 爺 婆 赤 子供 子 皆々 主治医 研修医 専門医 担当医 開業医 紹介医 女医 校医 産業医 紹介 指導 諸 看護師 薬剤師 技師 院長 部長 課長 先生 事務 受付 院内 病棟
	外来 講師 教授 医師 専門 常勤 非常勤 当直 主治 執刀 麻酔科 内科 外科 小児科 ホテル アマゾン ヤマト ソニー ソフトバンク マイクロソフト グーグル アップル ヤフー ドコモ
	たく 沢山 みな おく おとう おかあ おにい おねえ おじい おばあ あか 現在 某 摂 華 源 平 本人 ご本人 御本人 当人 宮 沈 貴殿 法人 学会 旦那 旦那 商売 問屋 魚屋 花屋 担任 学校 大学`)

// ordinary are words that look like a family name and a given name.
var ordinary = words(`北海道 東京都 京都府 大阪府 千葉大 福井大 秋田大 岡山大 山口大 長崎大 宮崎大 熊本大 新潟大 富山大 山形大 福島大 香川大 金沢大 内田洋行 関東一 高知大
	東大 中央 大和 平和 南北 東西 上下 本人 西日本 東日本 中日本 大成 大正 明治 昭和 平成 令和 石川一 和光 今日 明日 中心 大学 安全 高度 高等 大手 小児 新規 松本清 森永乳 原子力 金銀 林野 原因
	原則 原本 原文 原理 森林 東洋 西洋 南洋 大洋 北洋 上述 上司 中止 小型 大型 新型 長期 中期 高見 大木 三日 一月 二月 三月 中古 金子 星光 関心 関西 関東 関連 関与 谷川 平日 平均 平野部 本日 本文 本院 本紙 東南 東北 西南 西北 南東
	南西 北東 北西 小中 大小 高低 実行 整理 一人 二人 一行 空行 大丈夫 流行 進行 先行 移行 発行 平行 並行 施行 代行 通行 走行 飛行 銀行 旅行 心理 管理 処理 料理 修理 義理 無理 合理 真理 倫理 調理 代理 経理 総理 推理 原理 物理 論理 政治 自治 法治 実体定義 重要 大切 報告 連絡 相談 回答 返信 なし 一般 正式 必要 緊急 平素 今後 本件 太平洋 安心 安静 安定 辻々 原点 泉水`)

// companySigns stand beside a family name that is a company's.
var companySigns = []string{"(株", "(有", "株式会社", "有限会社", "合同会社"}

// isAmbiguous reports whether a family name is as common as a place or a word.
func isAmbiguous(family string) bool {
	return utf8.RuneCountInString(family) < 2 || placeNames[family]
}

// splitName splits a name in kanji into a known family name and the rest.
func splitName(name string) (family, given string) {
	ends := make([]int, 0, 4)
	for i := range name {
		if i > 0 && len(ends) < 4 {
			ends = append(ends, i)
		}
	}
	for i := len(ends) - 1; i >= 0; i-- {
		if e := ends[i]; families[name[:e]] {
			return name[:e], name[e:]
		}
	}
	return "", name
}

// isGiven reports whether kanji are likely as a given name. strict asks for an
// ending that hardly anything else has.
func isGiven(s string, strict bool) bool {
	n := utf8.RuneCountInString(s)
	if n < 1 || n > 3 {
		return false
	}
	for _, r := range s {
		if !givenKanji[r] {
			return false
		}
	}
	last, _ := utf8.DecodeLastRuneInString(s)
	return !strict || n >= 2 && strings.ContainsRune(givenEndings, last)
}

// isFullName reports whether kanji are family and given name in one.
func isFullName(s string) bool {
	if ordinary[s] {
		return false
	}
	ends := 0
	for i := range s {
		if i == 0 {
			continue
		}
		if ends++; ends > 4 {
			return false
		}
		family := s[:i]
		if families[family] && isGiven(s[i:], isAmbiguous(family)) {
			return !orgName(s) // 千葉銀行
		}
	}
	return false
}

// names walks over the runs of one script and looks at each.
func (p *people) names() {
	v := p.v
	for i := 0; i < len(v.flat); {
		c := v.flat[i]
		switch {
		case c < utf8.RuneSelf && isAlpha(c):
			end := v.run(i, 64, isLatin)
			p.romaji(i, end)
			i = v.run(end, 1<<20, isLatin)
		case c < utf8.RuneSelf:
			i++
		default:
			i = p.japanese(i)
		}
	}
}

// japanese looks for a name in the run of one script of Japanese that begins at
// i, and returns its end; of another character, that one's.
func (p *people) japanese(i int) (end int) {
	v := p.v
	r, n := v.after(i)
	switch {
	case isKanji(r):
		end = v.run(i, 1<<20, isKanji)
		p.kanji(i, end)
	case isKatakana(r):
		end = v.run(i, 1<<20, isKatakana)
		p.kana(i, end, true)
	case isHiragana(r):
		end = v.run(i, 1<<20, isHiragana)
		p.kana(i, end, false)
	default:
		end = i + max(n, 1)
	}
	return end
}

// units are endings after which a name may begin inside a run: 総務課佐藤.
const units = "課部室係科院局所会社店長員師班団隊"

// kanji looks at a run of kanji: for a full name up to its end or a title, and
// for a family name by itself or before a given name behind a blank.
func (p *people) kanji(from, to int) {
	v := p.v
	run := v.flat[from:to]
	starts := []int{0}
	for i, r := range run {
		if n := i + utf8.RuneLen(r); strings.ContainsRune(units, r) && n < len(run) && len(starts) < 12 {
			starts = append(starts, n)
		}
	}
	for _, s := range starts {
		rest := run[s:]
		if utf8.RuneCountInString(rest) > 12 {
			continue
		}
		if isFullName(rest) && !p.company(from+s, to) {
			p.name(from+s, to, Person)
			return
		}
		if families[rest] && (s == 0 || !isSingle(rest)) && p.givenBehind(from+s, to, rest) {
			return
		}
		if s == 0 && families[rest] && !isAmbiguous(rest) && p.alone(from, to) {
			p.name(from, to, Person)
		}
	}
}

// company reports whether a sign of a company stands beside a name.
func (p *people) company(from, to int) bool {
	v := p.v
	before, after := strings.TrimRight(v.flat[max(0, from-24):from], " "), v.flat[to:min(len(v.flat), to+24)]
	for _, s := range companySigns {
		if strings.HasPrefix(after, s) || strings.HasSuffix(before, s) {
			return true
		}
	}
	return strings.HasSuffix(before, "(株)") || strings.HasSuffix(before, "(有)")
}

// alone reports whether a family name stands where only a person can.
func (p *people) alone(from, to int) bool {
	b, _ := p.v.before(from)
	a, _ := p.v.after(to)
	return !isKatakana(b) && !isKatakana(a) && !isWord(b) && !isWord(a) && b != 'ー' && !p.company(from, to)
}

// givenBehind hides a family name with a given name behind a blank: 佐藤 花子,
// 佐藤 はなこ.
func (p *people) givenBehind(from, to int, family string) bool {
	v := p.v
	next := v.run(to, 2, func(r rune) bool { return r == ' ' || r == '・' || r == '_' })
	if next == to {
		if r, _ := v.after(to); isKana(r) { // 佐藤はなこ
			end := v.run(to, 8, isKana)
			if givenReadings[v.kana[to:end]] && !isAmbiguous(family) && end-to >= 9 {
				p.name(from, end, Person)
				return true
			}
		}
		return false
	}
	r, _ := v.after(next)
	switch {
	case isKanji(r):
		end := v.run(next, 12, isKanji)
		given := v.flat[next:end]
		for title := range titlesBehind { // 佐藤 花子様
			given = strings.TrimSuffix(given, title)
		}
		if given != "" && !ordinary[given] && !orgName(given) && isGiven(given, isAmbiguous(family)) && !p.company(from, end) {
			p.name(from, next+len(given), Person)
			return true
		}
	case isKana(r):
		end := v.run(next, 8, isKana)
		word := v.kana[next:end]
		for _, t := range []string{"さま", "さん", "くん", "ちゃん"} {
			word = strings.TrimSuffix(word, t)
		}
		if givenReadings[word] {
			p.name(from, next+len(word), Person)
			return true
		}
	}
	return false
}

// titlesBehind are titles of one or two kanji that join a name's run.
var titlesBehind = words("様 殿 氏 君 先生 医師 院長 部長 課長")

// name hides a name and the reading of it in parentheses behind.
func (p *people) name(from, to int, kind Kind) {
	p.hit(from, to, kind)
	v := p.v
	i := v.blanks(to)
	if r, n := v.after(i); r == '(' && n > 0 {
		end := v.run(i+n, 24, func(r rune) bool { return isKana(r) || isLatin(r) || r == ' ' || r == '・' })
		inner := strings.TrimSpace(v.kana[i+n : end])
		if c, _ := v.after(end); c == ')' && inner != "" && (len(strings.FieldsFunc(inner, func(r rune) bool { return r == ' ' || r == '・' })) > 1 || startsWithReading(inner)) {
			p.hit(i+n, end, kind)
		}
	}
}

// startsWithReading reports whether kana begin with the reading of a family name.
func startsWithReading(s string) bool {
	ends := 0
	for i := range s + " " {
		if i > 0 && ends < 8 && familyByReading[s[:min(i, len(s))]] != nil {
			return true
		}
		ends++
	}
	return false
}

// kana looks at a run of kana for family and given name, together or parted.
// Hiragana is grammar too, so that a blank must part the two there.
func (p *people) kana(from, to int, katakana bool) {
	v := p.v
	word := v.kana[from:to]
	if len(word) > 45 {
		return
	}
	next := v.run(to, 2, func(r rune) bool { return r == ' ' || r == '・' })
	if next > to && familyByReading[word] != nil {
		end := v.run(next, 10, func(r rune) bool { return katakana && isKatakana(r) || !katakana && isHiragana(r) })
		given := v.kana[next:end]
		for _, t := range []string{"さま", "さん", "くん", "ちゃん"} {
			given = strings.TrimSuffix(given, t)
		}
		if givenReadings[given] {
			p.name(from, next+len(given), Person)
			return
		}
	}
	if !katakana {
		return
	}
	for i := range word {
		if i >= 6 && familyByReading[word[:i]] != nil && givenReadings[word[i:]] && len(word)-i >= 6 {
			p.name(from, to, Person)
			return
		}
	}
}

// nameBehind hides the name behind a label. Without a colon it must look like
// one.
func (p *people) nameBehind(from, to int) {
	start, strong := p.value(to)
	if start < 0 {
		return
	}
	v := p.v
	inName := func(r rune) bool {
		return isKanji(r) || isKana(r) || isLatin(r) || r == ' ' || r == '・' || r == '.' || r == '-' || r == '\''
	}
	end := v.run(start, 40, inName)
	text := v.flat[start:end]
	if i := strings.Index(text, "  "); i >= 0 {
		text = text[:i]
	}
	text = untitled(text)
	text = strings.TrimRight(text, " .-・")
	count := utf8.RuneCountInString(text)
	if count == 0 || notNames[text] || orgName(text) || p.isLabel(text) {
		return
	}
	if strong {
		end := p.nameValue(start)
		if value := v.flat[start:end]; value != "" && !notNames[value] && !ordinary[value] && !orgName(value) && !namesRole(value) && !p.isLabel(value) {
			p.name(start, end, Person)
			p.named(start, end)
		}
		return
	}
	// 氏名 山田太郎: as much as is one or two words of one script
	end = v.run(start, 10, isKanji)
	if end == start {
		end = v.run(start, 12, isKatakana)
	}
	if end == start {
		return
	}
	if next := v.run(end, 1, func(r rune) bool { return r == ' ' || r == '・' }); next > end && !isFullName(untitled(v.flat[start:end])) {
		more := v.run(next, 4, func(r rune) bool { return isKanji(r) || isKatakana(r) })
		if more > next && !orgName(v.flat[next:more]) && !p.isLabel(v.flat[next:more]) {
			end = more
		}
	}
	text = untitled(v.flat[start:end])
	whole := strings.NewReplacer(" ", "", "・", "").Replace(text)
	family, rest := splitName(whole)
	switch {
	case isFullName(whole), families[whole] && !isAmbiguous(whole), family != "" && strings.ContainsAny(text, " ・") && isGiven(rest, false):
	case isKatakana(firstRune(whole)) && (startsWithReading(v.kana[start:end])):
	default:
		return
	}
	p.name(start, start+len(text), Person)
}

// nameValue returns the end of the name that begins at i, where a label says
// that there is one: at most two words of Japanese, or three of Latin letters.
func (p *people) nameValue(i int) int {
	v := p.v
	end := i
	for n := 0; n < 3; n++ {
		from := end
		if n > 0 {
			if from = v.run(end, 2, func(r rune) bool { return r == ' ' || r == '・' || r == ',' || r == '.' }); from == end {
				break
			}
		}
		r, _ := v.after(from)
		to := from
		switch {
		case isLatin(r):
			if to = v.run(from, 30, func(r rune) bool { return isLatin(r) || r == '-' || r == '\'' }); n > 0 && !isLatin(rune(v.flat[end-1])) || n > 0 && v.flat[from] >= 'a' && v.flat[i] < 'a' {
				return end
			}
		case n > 1:
			return end
		case isKanji(r):
			to = v.run(from, 10, isKanji)
			word := v.flat[from:to]
			if short := untitled(word); n > 0 || short == word || !p.givenAt(to) { // 鵜殿 陽菜 is no 鵜
				word = short
			}
			if to = from + len(word); n > 0 && (utf8.RuneCountInString(word) > 3 || notNames[word] || orgName(word) || ordinary[word] || p.isLabel(word)) {
				return end
			}
			kana := v.run(to, 6, isKana)
			if r, _ := v.after(to); kana > to && (givenReadings[v.kana[to:kana]] || isKatakana(r)) {
				to = kana // 勅使川原まどか
			} else if kana > to && n > 0 {
				return end // a word of a sentence
			}
		case isKatakana(r):
			to = v.run(from, 12, isKatakana)
		case isHiragana(r):
			to = v.run(from, 8, isHiragana)
			word := v.kana[from:to]
			if cut := untitled(word); givenReadings[cut] || familyByReading[cut] != nil {
				to = from + len(cut)
			} else if startsWithReading(word) && n == 0 && len(word) <= 21 {
			} else {
				return end
			}
		}
		if to == from {
			break
		}
		end = to
	}
	return end
}

// givenAt reports whether a blank and a given name stand at i.
func (p *people) givenAt(i int) bool {
	v := p.v
	from := v.run(i, 2, func(r rune) bool { return r == ' ' || r == '・' })
	if from == i {
		return false
	}
	word := untitled(v.flat[from:v.run(from, 5, isKanji)])
	return word != "" && isGiven(word, false) && !notNames[word] && !ordinary[word] || givenReadings[untitled(v.kana[from:v.run(from, 8, isKana)])]
}

// untitled drops titles behind a name.
func untitled(s string) string {
	s = strings.TrimSpace(s)
	for _, t := range []string{"様", "さま", "さん", "殿", "先生", "医師", "氏", "君", "くん", "ちゃん", "看護師", "部長", "課長", "院長"} {
		if rest := strings.TrimSuffix(s, t); rest != s && rest != "" {
			return strings.TrimSpace(rest)
		}
	}
	return s
}

// isLabel reports whether a text is a label itself, as in the head of a table.
func (p *people) isLabel(s string) bool {
	t := tighten(s)
	found := false
	vocabulary.each(t, func(n *needle, end int) {
		found = found || len(n.text) == len(t) && n.class < titleAny
	})
	return found
}
