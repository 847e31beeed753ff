// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcheck

import (
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/unicode/norm"
)

// folded is a text in the form in which phrases are compared. Unlike
// fold.Text it knows where everything stood, joins what is Japanese over blanks
// and line breaks, and counts what was done to slip past filters.
type folded struct {
	text     string
	at       []int32 // for each byte of text, where it stood in the original; one more for the end
	letters  int     // letters and digits
	japanese int     // kana and kanji among them
	kana     int
	hidden   int // invisible characters between letters
	spaced   int // single blanks between single Japanese characters
	chinese  int // forms of characters that Japanese does not write
	mixed    int // words of Latin letters with Greek or Cyrillic ones inside
}

// place gives the place in the original of text[from:to].
func (f *folded) place(from, to int) (int, int) {
	if from >= to || to >= len(f.at) {
		return 0, 0
	}
	return int(f.at[from]), int(f.at[to])
}

// chinese characters that stand in Japanese text when it was translated by a
// machine or typed with a Chinese keyboard, and their Japanese forms. Forms
// that Japanese writes too are not among them.
var chineseForms = func() map[rune]rune {
	const pairs = "账帳户戸认認证証请請录録验験码碼电電邮郵银銀发発长長门門时時间間问問题題说説话話过過这這还還进進运運选選单単订訂购購费費资資讯訊设設计計划劃务務业業员員图図处処实実应応当當为為会會后後车車东東书書买買卖売见見贝貝页頁颜顔风風飞飛马馬鱼魚鸟鳥龙竜齐斉亿億仅僅从從众衆优優传伝伤傷体體价価儿児们們个個万萬与與专専丢丟两両严厳丽麗举挙义義乐楽习習乱亂争爭亏虧产産亲親确確认認链鏈网網络絡转転换換输輸载載账帳戶戸绑綁冻凍结結锁鎖异異状狀态態态態额額关関闭閉开開启啓获獲奖奨类類级級续続经経终終给給统統绝絶维維护護报報告告线線组組织織细細织織约約红紅纪紀纳納纸紙练練绍紹绿緑编編缴繳罚罰职職联聯胜勝脑脳节節虑慮补補装装觉覚规規视視览覧观観计計让譲议議记記许許论論设設访訪诉訴诊診词詞译訳试試询詢该該详詳误誤请請诸諸谁誰调調谈談谢謝财財责責败敗货貨质質贩販贴貼贵貴贷貸贸貿资資赏賞赔賠赖頼赚賺赛賽赠贈跃躍践践踪蹤轮輪软軟轻軽较較辑輯边辺达達迁遷迟遅适適遗遺邻隣释釈针針钟鐘钥鑰钱銭铁鉄铃鈴错錯键鍵镜鏡闲閑闻聞阅閲队隊阳陽阴陰阶階际際陆陸陈陳险険随隨隐隠难難雾霧静靜须須顾顧顿頓预預领領频頻题題饭飯饮飲馆館驱駆验験鸡鶏麦麥黄黃点點热熱爱愛环環现現电電画畫疗療监監盘盤码碼础礎种種积積称稱稳穩窃竊签簽简簡"
	m := map[rune]rune{}
	r := []rune(pairs)
	for i := 0; i+1 < len(r); i += 2 {
		// What JIS X 0208 has, Japanese writes.
		if _, err := japanese.ShiftJIS.NewEncoder().String(string(r[i])); err != nil {
			m[r[i]] = r[i+1]
		}
	}
	return m
}()

// latinLike are letters of other scripts that look like Latin ones (UTS 39,
// confusables), lower case.
var latinLike = map[rune]byte{
	'а': 'a', 'е': 'e', 'о': 'o', 'р': 'p', 'с': 'c', 'у': 'y', 'х': 'x', 'і': 'i', 'ѕ': 's', 'ј': 'j', 'ԁ': 'd', 'һ': 'h', 'ӏ': 'l', 'к': 'k',
	'м': 'm', 'т': 't', 'в': 'b', 'н': 'h', 'г': 'r', 'п': 'n', 'ѵ': 'v', 'ԝ': 'w', 'ɡ': 'g', 'ɑ': 'a', 'ο': 'o', 'α': 'a', 'ε': 'e', 'ι': 'i', 'κ': 'k', 'ν': 'v',
	'ρ': 'p', 'τ': 't', 'υ': 'u', 'χ': 'x', 'ω': 'w', 'ı': 'i', 'ł': 'l', 'ø': 'o', 'đ': 'd', 'ħ': 'h', 'ŀ': 'l', 'ƅ': 'b', 'ɩ': 'i', 'ʏ': 'y', 'ᴍ': 'm', 'ɴ': 'n', 'ʀ': 'r', 'օ': 'o', 'ս': 'u', 'հ': 'h', 'ց': 'g', 'զ': 'q', 'ո': 'n',
}

func invisible(r rune) bool {
	switch {
	case r == 0xAD, r == 0x034F, r == 0x061C, r == 0x115F, r == 0x1160, r == 0x17B4, r == 0x17B5, r == 0x180E, r == 0x3164, r == 0xFFA0, r == 0xFEFF:
		return true
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F, r >= 0xFE00 && r <= 0xFE0F, r >= 0xE0000 && r <= 0xE01EF:
		return true
	}
	return false
}

func isCJK(r rune) bool {
	return r >= 0x3041 && r <= 0x30FF || r >= 0x3400 && r <= 0x9FFF || r == '々' || r == 'ー' || r >= 0xF900 && r <= 0xFAFF || r >= 0x20000 && r <= 0x3FFFF || r >= 0xFF66 && r <= 0xFF9F
}

func isASCIILetter(r rune) bool { return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' }

// foldText folds a text in one pass.
func foldText(s string) folded {
	f := folded{at: make([]int32, 0, len(s)+1)}
	out := make([]byte, 0, len(s))
	put := func(b []byte, at int) {
		out = append(out, b...)
		for range b {
			f.at = append(f.at, int32(at))
		}
	}
	var buf [16]byte
	var last, beforeBlank rune // last kept; the one before a pending blank
	blank, blanks, unseen := -1, 0, 0
	latin, other := false, false // of the word at hand
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf && c > ' ' { // most of HTML mail and of headers
			r := rune(c)
			if c >= 'A' && c <= 'Z' {
				c |= 0x20
			}
			letter := c >= 'a' && c <= 'z' || c >= '0' && c <= '9'
			if letter {
				f.letters++
				latin = latin || c > '9'
				if unseen > 0 && isASCIILetter(last) {
					f.hidden++
				}
			} else {
				if latin && other {
					f.mixed++
				}
				latin, other = false, false
			}
			if blank >= 0 {
				if last != 0 {
					put(buf[:copy(buf[:], " ")], blank)
				}
				blank, latin, other = -1, letter && c > '9', false
			}
			put(append(buf[:0], c), i)
			last, unseen, blanks = r, 0, 0
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		if r <= ' ' || r == 0xA0 || r == 0x3000 || r >= 0x2000 && r <= 0x200A || r == 0x202F || r == 0x205F || r == 0x2028 || r == 0x2029 {
			if latin && other {
				f.mixed++
			}
			latin, other = false, false
			if blank < 0 {
				blank, beforeBlank = i, last
			}
			blanks++
			i += n
			continue
		}
		if invisible(r) {
			unseen++
			i += n
			continue
		}
		start := i
		i += n
		r, i = narrow(s, r, i)
		if to, ok := chineseForms[r]; ok {
			f.chinese++
			r = to
		}
		if l, ok := latinLike[r]; ok && (latin || isASCIILetter(last)) {
			other, r = true, rune(l)
		}
		if r >= 'ァ' && r <= 'ヶ' {
			r -= 'ァ' - 'ぁ'
			f.kana++
		} else if r >= 'ぁ' && r <= 'ゖ' {
			f.kana++
		}
		cjk := isCJK(r)
		if cjk {
			f.japanese++
			if latin && other {
				f.mixed++
			}
			latin, other = false, false
			if unseen > 0 && isCJK(last) {
				f.hidden++
			}
			if blank >= 0 && blanks == 1 && s[blank] != '\n' && isCJK(beforeBlank) && lone(s, start, i) {
				f.spaced++
			}
		}
		if cjk || unicode.IsLetter(r) || unicode.IsDigit(r) {
			f.letters++
		}
		if blank >= 0 {
			if last != 0 && !cjk && !isCJK(beforeBlank) {
				put(buf[:copy(buf[:], " ")], blank)
			}
			blank = -1
		}
		r = unicode.ToLower(r)
		put(utf8.AppendRune(buf[:0], r), start)
		last, unseen, blanks = r, 0, 0
	}
	if latin && other {
		f.mixed++
	}
	f.at = append(f.at, int32(len(s)))
	f.text = string(out)
	return f
}

// lone reports whether the character s[start:end] stands alone between blanks.
func lone(s string, start, end int) bool {
	if end >= len(s) {
		return true
	}
	r, _ := utf8.DecodeRuneInString(s[end:])
	return r == ' ' || r == 0x3000 || r == 0xA0
}

// narrow gives the compatibility form of a character: Latin letters narrow, kana
// wide with their voicing mark. next is behind what was read.
func narrow(s string, r rune, next int) (rune, int) {
	switch {
	case r >= 0xFF01 && r <= 0xFF5E:
		return unicode.ToLower(r - 0xFEE0), next
	case r >= 0xFF65 && r <= 0xFF9D:
		n := 0
		if m, w := utf8.DecodeRuneInString(s[next:]); m == 0xFF9E || m == 0xFF9F {
			n = w
		}
		start := next - utf8.RuneLen(r)
		wide, _ := utf8.DecodeRune(norm.NFKC.Append(nil, []byte(s[start:next+n])...))
		return wide, next + n
	case r == '‐' || r == '‑' || r == '–' || r == '—' || r == '―' || r == '−' || r == '－':
		return '-', next
	case r >= 0x1D400 && r <= 0x1D7FF || r >= 0x2460 && r <= 0x24FF || r >= 0x3300 && r <= 0x33FF || r >= 0x2100 && r <= 0x214F || r >= 0xF900 && r <= 0xFAFF:
		if d := norm.NFKC.String(string(r)); utf8.RuneCountInString(d) == 1 {
			r, _ = utf8.DecodeRuneInString(d)
		}
	}
	return r, next
}
