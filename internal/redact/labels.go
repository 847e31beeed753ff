// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"unicode/utf8"
)

// class is what a word of the vocabulary says of what is beside it.
type class uint8

const (
	noClass      class = iota
	labelPhone         // a telephone number follows
	labelLine          // an extension: three figures are enough
	labelPatient       // a number of a patient
	labelNumber        // a number of an account, insurance, person
	labelUser          // what an account is called
	labelPerson        // a name
	labelBirth         // a date of birth
	labelPostal        // a postal address
	labelTo            // at the beginning of a line: recipients
	labelMail          // a mail address, of whomever
	labelMachine       // the name of a machine
	titleAny           // 様, さん: whatever stands before is a name
	titleJob           // 部長, 医師: a family name that is known may stand before
	titleLatin         // Mr., Dr.: a name follows
	prefecture
)

// vocabulary is what the rules are hung on, in the tight form.
var vocabulary = newFinder(vocabularyNeedles())

var vocabularyWords = []struct {
	class class
	words string
}{
	{labelPhone, `電話番号 電話 でんわ ℡ TEL Telephone Phone PhoneNumber Mobile Cell FAX ファックス ファクス ファクシミリ 携帯 携帯番号 携帯電話
		ケータイ 連絡先 緊急連絡先 直通 代表番号 代表電話 TEL/FAX 自宅 ☎ 📞`},
	{labelLine, `内線 内線番号 PHS ピッチ ext extension 内線PHS 院内PHS`},
	{labelPatient, `患者ID 患者番号 患者No 患者コード 診察券番号 診察券 診察券No 診察番号 カルテ番号 カルテNo カルテID カルテ 受診番号 受診者番号 入院番号
		MRN PatientID PatientNo PatientNumber ChartNo 病歴番号 ID番号 登録番号 検体番号 処方箋番号 処方せん番号 予約番号`},
	{labelNumber, `口座番号 口座 普通預金 普通口座 普通 当座 当座預金 預金口座 AccountNo AccountNumber BankAccount IBAN
		被保険者番号 保険者番号 被保険者証 保険証 保険証番号 被保険者記号 被保険者証記号 記号番号 記号・番号 記号 公費負担者番号 受給者番号 介護保険番号 保険番号
		マイナンバー 個人番号 基礎年金番号 年金番号 運転免許証番号 免許証番号 免許番号 旅券番号 パスポート番号 PassportNo 医籍登録番号 医籍番号 医師免許番号
		カード番号 クレジットカード番号 カードNo CardNumber セキュリティコード 暗証番号
		職員番号 社員番号 職員ID 社員ID 職員No 社員No 職員コード 社員コード 従業員番号 EmployeeID EmployeeNo StaffID 職番`},
	{labelUser, `ユーザー名 ユーザ名 ユーザーID ユーザID ログインID ログイン名 会員ID 会員番号 アカウント名 アカウントID お客様番号 お客様ID 顧客番号 顧客ID
		利用者ID 利用者番号 Username UserID LoginID CustomerID`},
	{labelPerson, `患者名 患者氏名 患者様氏名 患者様名 患者様 患者さん 患者 氏名 お名前 名前 ご氏名 フリガナ ふりがな カナ氏名 氏名カナ 漢字氏名 受診者 受診者名 受診者氏名
		受検者 受検者名 被験者 本人氏名 保護者 保護者名 保護者氏名 ご家族 世帯主 続柄氏名 担当者 担当者名 担当 担当医 主治医 担当医師 執刀医 紹介医 医師名 看護師名 記入者
		発信者 申請者 申込者 連絡者 責任者 口座名義 口座名義人 名義人 名義 カード名義 代表者 作成者 承認者 宛名 受取人 届け先 お届け先 PatientName
		Patient Name FullName Attn 送付先`},
	{labelBirth, `生年月日 誕生日 生年 出生日 出生年月日 DOB DateofBirth Birthdate Birthday BirthDate 生まれ born`},
	{labelPostal, `住所 ご住所 現住所 所在地 自宅住所 送付先住所 お届け先住所 Address`},
	{labelTo, `To Cc Bcc 宛先 受信者 送信先 写し`},
	{labelMail, `メールアドレス メール Eメール Email Mail アドレス 連絡先メール MailAddress`},
	{labelMachine, `ホスト名 端末名 端末 コンピュータ名 コンピューター名 PC名 サーバ名 サーバー名 ファイルサーバ ファイルサーバー hostname computername マシン名 機器名 プリンタ名 プリンター名`},
	{titleAny, `様 さま さん さまへ ちゃん くん 君 氏 殿 先生 san sama sensei`},
	{titleJob, `医師 医長 看護師 看護師長 師長 主任 副主任 係長 課長 次長 部長 室長 局長 所長 院長 副院長 病院長 理事長 理事 事務長 総師長 看護部長 薬剤師 技師 技師長
		放射線技師 検査技師 療法士 理学療法士 作業療法士 言語聴覚士 栄養士 管理栄養士 助産師 保健師 教授 准教授 助教 講師 研修医 専攻医 主査 主事 事務員 相談員 職員
		会長 社長 副社長 専務 常務 取締役 代表 店長 支店長 リーダー マネージャー 主幹 参事 顧問 博士 婦長 ドクター`},
	{titleLatin, `Mr Mrs Ms Miss Dr Prof Professor Dear`},
	{prefecture, `北海道 青森県 岩手県 宮城県 秋田県 山形県 福島県 茨城県 栃木県 群馬県 埼玉県 千葉県 東京都 神奈川県 新潟県 富山県 石川県 福井県 山梨県
		長野県 岐阜県 静岡県 愛知県 三重県 滋賀県 京都府 大阪府 兵庫県 奈良県 和歌山県 鳥取県 島根県 岡山県 広島県 山口県 徳島県 香川県 愛媛県 高知県 福岡県
		佐賀県 長崎県 熊本県 大分県 宮崎県 鹿児島県 沖縄県`},
}

// jobTitles are those words alone, which a display name may hold.
var jobTitles = map[string]bool{}

func vocabularyNeedles() (needles []needle) {
	for _, v := range vocabularyWords {
		for _, w := range strings.Fields(v.words) {
			t := tighten(w)
			if t == "" {
				continue
			}
			if v.class == titleAny || v.class == titleJob {
				jobTitles[t] = true
			}
			needles = append(needles, needle{text: t, shape: edge(t), class: v.class})
		}
	}
	return needles
}

// people looks for what identifies people in a view.
type people struct {
	v        *view
	red      *redactor
	collects bool // names for which a label or a title vouches
	hit      func(from, to int, kind Kind)
	whole    func(from, to int, kind Kind) // also what is an indicator
	found    []found
	patient  []stretch // lines that speak of one patient, in order
}

// words calls fn for every word of the vocabulary that is not part of a longer
// one, in order: 生年月日, and not the 生年 in it.
func (p *people) words(fn func(c class, from, to int)) {
	if p.found == nil {
		p.v.squeeze()
		p.found = []found{}
		vocabulary.each(p.v.tight, func(n *needle, end int) {
			f := found{n.class, int(p.v.pos[end-len(n.text)]), int(p.v.pos[end-1]) + 1}
			if f.to-f.from > len(n.text)+6 || strings.IndexByte(p.v.flat[f.from:f.to], '\n') >= 0 || n.shape == word && !p.v.wordEdges(f.from, f.to) {
				return
			}
			for k := len(p.found) - 1; k >= 0 && p.found[k].from >= f.from; k-- {
				p.found = p.found[:k]
			}
			if k := len(p.found) - 1; k >= 0 && p.found[k].from <= f.from && p.found[k].to >= f.to && p.found[k].to-p.found[k].from > f.to-f.from {
				return
			}
			p.found = append(p.found, f)
		})
	}
	for _, f := range p.found {
		fn(f.class, f.from, f.to)
	}
}

// found is a word of the vocabulary in a view.
type found struct {
	class    class
	from, to int
}

// labels finds what stands behind a word that says what it is.
func (p *people) labels(rule rules) {
	p.words(func(c class, from, to int) {
		switch c {
		case labelPhone, labelLine:
			p.phoneBehind(to, c == labelLine)
		case labelPatient:
			p.codeBehind(to, Patient)
			p.notePatient(from)
		case labelNumber:
			p.codeBehind(to, Number)
		case labelUser:
			p.codeBehind(to, Token)
		case labelPerson:
			p.nameBehind(from, to)
		case labelBirth:
			p.birthBehind(to)
		case labelPostal:
			p.addressBehind(to)
		case labelTo:
			p.recipientsBehind(from, to)
		case labelMail:
			p.mailBehind(to)
		case labelMachine:
			p.machineBehind(to)
		case prefecture:
			p.addressFrom(from)
		case titleAny:
			if p.v.flat[from:to] == p.v.kana[from:to] || !isKana(firstRune(p.v.flat[from:])) {
				p.titled(from, true)
			}
		case titleJob:
			p.titled(from, false)
		case titleLatin:
			if rule != claimed {
				p.greeted(to)
			}
		}
	})
}

// notePatient marks the line as one about a patient. Lines come in order.
func (p *people) notePatient(i int) {
	if n := len(p.patient); n == 0 || p.patient[n-1].to <= i {
		p.patient = append(p.patient, p.v.line(i))
	}
}

// fillers stand between a label and its value.
var fillers = []string{"番号", "no.", "no", "№", "id", "コード", "こーど", "#", "は", "が", "欄", "名", "など", "等"}

// value returns where the value of a label that ends at i begins. It is strong
// if a colon or the like says that a value follows. -1 means that there is none.
func (p *people) value(i int) (start int, strong bool) {
	v := p.v
	for range 8 {
		i = v.blanks(i)
		r, n := v.after(i)
		switch r {
		case 0, hole:
			return -1, false
		case ':', '=', '】', ']', '」', '|', '→', '>', ';', '：':
			strong = true
			i += n
			continue
		case '.', '・', '-', '*', '、', '/':
			i += n
			continue
		case '\n':
			if i+1 >= len(v.flat) || v.flat[i+1] == '\n' {
				return -1, false
			}
			i++
			continue
		case '(', '[', '〔':
			end := v.run(i+n, 12, func(r rune) bool { return !strings.ContainsRune(")]〕(\n", r) && (r < '0' || r > '9') })
			if c, n := v.after(end); strings.ContainsRune(")]〕", c) && n > 0 {
				i = end + n
				continue
			}
			if r == '(' {
				return i, strong
			}
			i += n
			strong = true
			continue
		}
		matched := false
		for _, f := range fillers {
			if strings.HasPrefix(v.low[i:], f) || strings.HasPrefix(v.kana[i:], f) {
				i += len(f)
				matched = true
				break
			}
		}
		if !matched {
			return i, strong
		}
	}
	return i, strong
}

// codeBehind hides a number or code. A name of an account needs no figure.
func (p *people) codeBehind(i int, kind Kind) {
	start, strong := p.value(i)
	if start < 0 {
		return
	}
	v := p.v
	end, digits, letters := start, 0, 0
	if r, n := v.after(end); isKanji(r) && strong && kind == Number { // 記号 鉄道12
		for k := 0; k < 4 && isKanji(r); k++ {
			end += n
			r, n = v.after(end)
		}
		end = v.blanks(end)
	}
	for end < len(v.flat) && end-start < 64 {
		c := v.flat[end]
		switch {
		case isDigit(c):
			digits++
		case isAlpha(c):
			letters++
		case strings.IndexByte("-_./@*", c) >= 0 && end > start && end+1 < len(v.flat) && isAlnum(v.flat[end+1]):
		case c == ' ' && digits > 0 && end+1 < len(v.flat) && isDigit(v.flat[end+1]) && isDigit(v.flat[end-1]):
		default:
			c = 0
		}
		if c == 0 {
			break
		}
		end++
	}
	least := 4
	if strong || kind == Number && strings.HasPrefix(v.flat[v.blanks(end):], "番号") { // 記号 12 番号 345
		least = 2
	}
	if kind == Token && strong && digits+letters >= 3 || digits >= least {
		if end > start && !p.unit(end, digits) {
			p.hit(start, end, kind)
			p.pair(end, kind)
		}
	}
}

// pair hides the second of 記号 12-34 番号 567.
func (p *people) pair(i int, kind Kind) {
	i = p.v.run(i, 3, func(r rune) bool { return strings.ContainsRune(" ・,、/-", r) })
	if kind != Number || !strings.HasPrefix(p.v.flat[i:], "番号") {
		return
	}
	start, _ := p.value(i + len("番号"))
	if start < 0 {
		return
	}
	if end := p.v.run(start, 20, func(r rune) bool { return isWord(r) || r == '-' }); end > start && isDigit(p.v.flat[start]) {
		p.hit(start, end, kind)
	}
}

// unit reports whether a short number is followed by what it counts.
func (p *people) unit(i, digits int) bool {
	if digits > 5 {
		return false
	}
	r, n := p.v.after(p.v.blanks(i))
	if n == 0 {
		return false
	}
	return strings.ContainsRune("円件個名人回台本枚冊年月日時分秒歳才度%点倍kKMG", r)
}

// mailBehind hides the address of a person who is asked after: none of the
// sender's.
func (p *people) mailBehind(i int) {
	start, strong := p.value(i)
	if start < 0 || !strong {
		return
	}
	v := p.v
	end := v.run(start, 320, func(r rune) bool { return r > ' ' && r < utf8.RuneSelf && !strings.ContainsRune("()<>,;\"", r) })
	address := v.low[start:end]
	if at := strings.IndexByte(address, '@'); at <= 0 || p.red.senders[strings.TrimRight(address, ".")] {
		return
	}
	if len(p.patient) > 0 || namesPerson(address) {
		p.hit(start, end, Address)
	}
}

// recipientsBehind hides the rest of a line such as "To: ..." in a quoted mail.
func (p *people) recipientsBehind(from, to int) {
	v := p.v
	begin := v.runBack(from, 16, func(r rune) bool { return strings.ContainsRune(" >*|-・", r) })
	if b, n := v.before(begin); n > 0 && b != '\n' {
		return
	}
	to = v.blanks(to)
	if to >= len(v.flat) || v.flat[to] != ':' {
		return
	}
	start := v.blanks(to + 1)
	end := lineEnd(v.flat, start)
	for lines := 0; end+1 < len(v.flat) && lines < 50; lines++ { // folded lines
		next := lineEnd(v.flat, end+1)
		if strings.IndexByte(v.flat[end+1:next], '@') < 0 || v.flat[end+1] != ' ' {
			break
		}
		end = next
	}
	if end > start {
		p.whole(start, end, Recipient)
	}
}
