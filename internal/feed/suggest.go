// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package feed

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Categories and kinds of notice that Suggest proposes. The words are those of
// the API.
const (
	CategoryMaliciousSite = "malicious_site"
	CategoryPhishing      = "phishing"
	CategoryTargeted      = "targeted"
	CategoryNotice        = "notice"

	NoticeVulnerability = "vulnerability"
	NoticeExploited     = "exploited_vulnerability"
	NoticeMalware       = "malware"
	NoticeRansomware    = "ransomware"
	NoticeIncident      = "incident"
	NoticeGuideline     = "guideline"
	NoticeTraining      = "training"
	NoticeStatistics    = "statistics"
	NoticeOther         = "other"
)

// Suggestion is a proposal to the analyst, who decides.
type Suggestion struct {
	Category   string
	NoticeKind string // only with CategoryNotice
	Because    string // the word as it stands in the item; "" if nothing matched
}

// rule proposes a category for any of its words.
type rule struct {
	category, kind string
	words          []string
	need           []string // if set, one of these must occur too
	deniable       bool     // "no exploitation is known" is not exploitation
}

// exploited is tried on the text too, after the title has said "vulnerability".
var exploited = rule{category: CategoryNotice, kind: NoticeExploited, deniable: true, words: []string{
	"悪用が確認", "悪用を確認", "悪用した攻撃", "悪用する攻撃", "悪用する動き", "悪用事例", "悪用される事例",
	"悪用されている", "悪用されており", "攻撃に悪用", "既に悪用", "すでに悪用", "悪用の報告", "ゼロデイ",
	"攻撃が観測", "攻撃を観測", "攻撃が確認", "攻撃を確認", "攻撃活動を確認",
	"exploited in the wild", "actively exploited", "active exploitation", "under active attack",
	"known exploited", "zero-day*", "0-day*"},
	need: []string{"脆弱性", "ぜい弱性", "ゼロデイ", "vulnerabilit*", "cve", "zero-day*", "0-day*", "flaw*"}}

// rules are tried in order on the title, then on the summary; the first that
// fits counts. What an item is (a seminar, a statistic, a guideline) comes
// before what it is about: "a seminar on phishing" warns of no phishing. A
// vulnerability comes before what it may lead to.
//
// Words are written as after NFKC and in lower case. A Japanese word may stand
// anywhere; a word of ASCII stands alone, and a * at its end stands for the
// rest of a word.
var rules = []rule{
	{category: CategoryNotice, kind: NoticeTraining, words: []string{
		"訓練", "演習", "研修", "セミナー", "ウェビナー", "講演会", "講習", "勉強会", "eラーニング", "参加者募集",
		"training", "webinar*", "seminar*", "workshop*", "tabletop exercise*", "drill*"}},
	{category: CategoryNotice, kind: NoticeStatistics, words: []string{
		"報告状況", "届出状況", "相談状況", "月次報告", "月次レポート", "四半期レポート", "活動報告",
		"活動四半期", "統計", "集計", "インシデント報告対応", "観測レポート", "定点観測", "年次報告",
		"10大脅威", "白書", "実態調査", "調査結果",
		"statistic*", "quarterly report*", "annual report*", "monthly report*", "survey result*",
		"threat landscape"}},
	{category: CategoryNotice, kind: NoticeGuideline, words: []string{
		"ガイドライン", "手引き", "手引書", "手順書", "チェックリスト", "確認表", "指針", "ガイダンス",
		"パブリックコメント", "意見募集",
		"guideline*", "guidance", "checklist*", "best practice*", "framework"}},
	exploited,
	{category: CategoryNotice, kind: NoticeVulnerability, words: []string{
		"脆弱性", "ぜい弱性", "vulnerabilit*"}},
	{category: CategoryTargeted, words: []string{
		"標的型", "スピアフィッシング", "水飲み場", "やりとり型", "やり取り型", "サイバースパイ", "国家支援",
		"国家を背景", "ビジネスメール詐欺", "の職員を狙", "を狙ったサイバー攻撃", "攻撃グループ",
		"apt", "apt1*", "apt2*", "apt3*", "apt4*", "spear-phishing", "spearphishing", "spear phishing",
		"targeted attack*", "watering hole*", "cyber espionage", "nation-state", "state-sponsored",
		"business email compromise"}},
	{category: CategoryPhishing, words: []string{
		"フィッシング", "スミッシング", "ビッシング", "クイッシング", "なりすましメール", "なりすましsms",
		"偽メール", "偽sms", "偽のログイン", "偽ログイン", "をかたる", "を騙る", "をかたった", "を騙った",
		"かたり", "不審なメール", "不審メール", "不審なsms",
		"phishing", "smishing", "vishing", "quishing", "credential harvesting", "suspicious email*"}},
	{category: CategoryMaliciousSite, words: []string{
		"偽サイト", "偽のサイト", "偽ショッピング", "偽通販", "詐欺サイト", "不審なサイト", "不正なサイト",
		"不正サイト", "悪性サイト", "悪意のあるサイト", "悪意あるサイト", "悪質なサイト",
		"マルウェア配布サイト", "マルウェアを配布するサイト", "サポート詐欺", "偽警告", "偽の警告",
		"偽のセキュリティ警告", "偽のcaptcha", "clickfix", "クリックフィックス",
		"malicious site*", "malicious website*", "fake site*", "fake website*", "fake captcha", "drive-by*",
		"tech support scam*", "scam site*"}},
	{category: CategoryNotice, kind: NoticeRansomware, words: []string{
		"ランサム", "身代金", "二重恐喝", "二重脅迫", "ransom*", "lockbit*", "double extortion"}},
	{category: CategoryNotice, kind: NoticeMalware, words: []string{
		"マルウェア", "コンピュータウイルス", "コンピューターウイルス", "ウイルス付き", "ウイルスメール",
		"トロイの木馬", "バックドア", "ボットネット", "情報窃取型", "不正プログラム", "emotet", "エモテット",
		"malware*", "trojan*", "botnet*", "infostealer*", "info stealer*", "backdoor*", "spyware", "rootkit*"}},
	{category: CategoryNotice, kind: NoticeIncident, words: []string{
		"不正アクセス", "情報漏えい", "情報漏洩", "個人情報の漏", "情報流出", "情報の流出", "サイバー攻撃",
		"システム障害", "改ざん", "usbメモリの紛失", "ddos", "サービス妨害",
		"data breach*", "breach*", "unauthorized access", "unauthorised access", "cyberattack*",
		"cyber attack*", "defacement*", "denial of service", "outage*"}},
	{category: CategoryNotice, kind: NoticeVulnerability, words: []string{
		"修正プログラム", "セキュリティ更新", "セキュリティアップデート", "セキュリティパッチ", "月例パッチ",
		"定例パッチ", "security update*", "security advisor*", "patch tuesday", "patches", "cve", "jvn", "jvnvu"}},
}

// maxRead bounds how much of a summary is read for words, in bytes; what an
// item is about, it says at its beginning.
const maxRead = 8 << 10

// Suggest proposes a category for an item by the words in it, and says which
// word it was. It is a table of words and not a judgement: an item that
// matches nothing is a notice of kind "other".
func Suggest(it Item) Suggestion {
	heading, body := fold(it.Title), fold(cutBytes(it.Summary, maxRead))
	s := Suggestion{Category: CategoryNotice, NoticeKind: NoticeOther}
	var found bool
	if s, found = firstRule(s, heading, heading+"\n"+body); !found {
		if s, found = firstRule(s, body, heading+"\n"+body); !found && len(it.Identifiers) > 0 {
			s.NoticeKind, s.Because = NoticeVulnerability, it.Identifiers[0]
		}
	}
	if s.NoticeKind == NoticeVulnerability {
		// A title names the hole; whether it is used stands in the text, and
		// decides how soon a hospital must act.
		if w := exploited.match(body, heading+"\n"+body); w != "" {
			s.NoticeKind, s.Because = NoticeExploited, w
		}
	}
	return s
}

func firstRule(s Suggestion, text, all string) (Suggestion, bool) {
	for _, r := range rules {
		if w := r.match(text, all); w != "" {
			return Suggestion{Category: r.category, NoticeKind: r.kind, Because: w}, true
		}
	}
	return s, false
}

// match returns the rule's word that stands in the text, if what the rule needs
// stands in all of the item.
func (r rule) match(text, all string) string {
	if len(r.need) > 0 && firstWord(all, r.need, false) == "" {
		return ""
	}
	return firstWord(text, r.words, r.deniable)
}

func fold(s string) string {
	return strings.ToLower(norm.NFKC.String(s))
}

// firstWord returns the first of the words that stands in the text, as it
// stands there.
func firstWord(text string, words []string, deniable bool) string {
	for _, w := range words {
		for from := 0; from < len(text); {
			start, end := find(text[from:], w)
			if start < 0 {
				break
			}
			start, end = start+from, end+from
			if !deniable || !denied(text, start, end) {
				return text[start:end]
			}
			from = end
		}
	}
	return ""
}

// find returns where the word stands, or -1.
func find(text, word string) (start, end int) {
	stem, open := strings.CutSuffix(word, "*")
	ascii := stem[0] < utf8.RuneSelf && stem[len(stem)-1] < utf8.RuneSelf
	for from := 0; ; {
		i := strings.Index(text[from:], stem)
		if i < 0 {
			return -1, -1
		}
		start, end = from+i, from+i+len(stem)
		if !ascii {
			return start, end
		}
		before, _ := utf8.DecodeLastRuneInString(text[:start])
		after := strings.IndexFunc(text[end:], func(r rune) bool { return !wordRune(r) })
		if after < 0 {
			after = len(text) - end
		}
		if !wordRune(before) && (open || after == 0) {
			return start, end + after
		}
		from = end
	}
}

// wordRune reports whether r continues a word of Latin letters. Japanese
// follows such a word without a space.
func wordRune(r rune) bool {
	return r < 0x250 && (unicode.IsLetter(r) || unicode.IsDigit(r))
}

// denied reports whether the sentence takes back what the word says: Japanese
// after it, English before or after it.
func denied(text string, start, end int) bool {
	const reach = 90 // bytes; thirty characters of Japanese
	after := cutBytes(text[end:], reach)
	if i := strings.IndexAny(after, "。\n"); i >= 0 {
		after = after[:i]
	}
	before := text[max(0, start-reach):start]
	if i := strings.LastIndexAny(before, "。.\n"); i >= 0 {
		before = before[i:]
	}
	for _, no := range []string{"されていません", "されておりません", "されていない", "ありません", "報告はない", "情報はない", "確認していません", "has not been", "have not been"} {
		if strings.Contains(after, no) {
			return true
		}
	}
	for _, no := range []string{"not been ", "not ", "no evidence", "not aware", "no known", "no report", "unaware"} {
		if strings.Contains(before, no) {
			return true
		}
	}
	return false
}
