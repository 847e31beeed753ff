// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
	"testing"
	"time"

	"teiten/internal/mail"
)

var testInside = Inside{
	Domains:   []string{"hospital.example.jp"},
	Names:     []string{"定点市立病院", "鈴木 一郎", "Teiten City Hospital"},
	Addresses: []string{"suzuki.ichiro@hospital.example.jp", "ito@mail.example.net"},
}

// testMail is a mail from outside to one of the people inside.
func testMail() *mail.Message {
	return &mail.Message{
		Date: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC),
		From: []mail.Address{{Name: "宅配サービス", Address: "notice@evil.example"}},
		To:   []mail.Address{{Name: "勅使川原 まどか", Address: "teshigawara.madoka@hospital.example.jp"}},
		Root: &mail.Part{},
	}
}

func redactor4(t testing.TB, hide ...string) *redactor {
	t.Helper()
	r, ok := New(testInside).prepare(testMail(), hide)
	if !ok {
		t.Fatal("not prepared")
	}
	return r
}

func hidden(t testing.TB, r *redactor, text string) string {
	t.Helper()
	d, ok := r.hide(text, everything)
	if !ok {
		t.Fatalf("%q does not come to rest", text)
	}
	return d.text
}

// TestKinds has for each kind what is hidden, in context. The whole outcome is
// compared, so that too much hidden is a failure too.
func TestKinds(t *testing.T) {
	r := redactor4(t)
	for _, c := range []struct{ in, want string }{
		// recipients
		{"勅使川原まどか様", "【宛先】様"},
		{"勅使川原　まどか 様", "【宛先】 様"},
		{"勅使川原さん、お疲れさまです", "【宛先】さん、お疲れさまです"},
		{"Dear Madoka Teshigawara,", "Dear 【宛先】,"},
		{"アカウント TESHIGAWARA.MADOKA は停止", "アカウント 【宛先】 は停止"},
		{"ｔｅｓｈｉｇａｗａｒａ．ｍａｄｏｋａ＠ｈｏｓｐｉｔａｌ．ｅｘａｍｐｌｅ．ｊｐ です", "【宛先】 です"},
		{"teshigawara.madoka@hospital.example.jp様", "【宛先】様"},
		{"teshigawara.madoka [at] hospital [dot] example [dot] jp へ", "【宛先】 へ"},
		{"te\u200bshi\u200bgawara.madoka", "【宛先】"},
		{"akodam.arawagihset", "【宛先】"},
		{"To: 総務 <somu@partner.example>\n本文", "To: 【宛先】\n本文"},
		// names
		{"鈴木一郎先生に確認", "【氏名】先生に確認"},
		{"佐藤花子様", "【氏名】様"},
		{"髙橋 美咲さん", "【氏名】さん"},
		{"担当：田中", "担当：【氏名】"},
		{"経理の渡邉です。", "経理の【氏名】です。"},
		{"総務課佐藤花子より", "総務課【氏名】より"},
		{"患者名：山田太郎（ヤマダ タロウ）", "患者名：【氏名】（【氏名】）"},
		{"患者氏名　山田　太郎　殿", "患者氏名　【氏名】　殿"},
		{"患者名：鵜殿 陽菜", "患者名：【氏名】"},
		{"患者名：鵜殿 はるな 様", "患者名：【氏名】 様"},
		{"患者名：山田殿 入院中", "患者名：【氏名】殿 入院中"},
		{"氏　名： 綾小路 公麿", "氏　名： 【氏名】"},
		{"フリガナ：ﾔﾏﾀﾞ ﾀﾛｳ", "フリガナ：【氏名】"},
		{"ヤマダタロウ様", "【氏名】様"},
		{"スミス様", "【氏名】様"},
		{"さとう はなこ さん", "【氏名】 さん"},
		{"Patient Name: John Smith\n", "Patient Name: 【氏名】\n"},
		{"Dr. Tanaka and Mr. Smith", "Dr. 【氏名】 and Mr. 【氏名】"},
		{"TANAKA, Hiroshi", "【氏名】"},
		{"Tanaka-san", "【氏名】-san"},
		{"内科 中村医師", "内科 【氏名】医師"},
		{"田中院長のご指示", "【氏名】院長のご指示"},
		{"看護師の小川", "看護師の【氏名】"},
		// numbers of patients
		{"患者ID：00123456", "患者ID：【患者番号】"},
		{"カルテ番号 12345678 を参照", "カルテ番号 【患者番号】 を参照"},
		{"診察券番号(No.)： 12-34567-8", "診察券番号(No.)： 【患者番号】"},
		{"MRN: A1234567", "MRN: 【患者番号】"},
		{"診察券No.１２３４５", "診察券No.【患者番号】"},
		// births
		{"生年月日：1950/01/02", "生年月日：【生年月日】"},
		{"昭和25年1月2日生まれの方", "【生年月日】の方"},
		{"昭和二十五年一月二日生", "【生年月日】"},
		{"S25.1.2", "【生年月日】"},
		{"㍼25年1月2日", "【生年月日】"},
		{"（1950年1月2日）", "（【生年月日】）"},
		{"DOB: 2 Jan 2019", "DOB: 【生年月日】"},
		{"平成30年5月5日生", "【生年月日】"},
		{"カルテ番号 1234567 H30.5.5 男児", "カルテ番号 【患者番号】 【生年月日】 男児"},
		// telephones
		{"TEL 03-1234-5678", "TEL 【電話番号】"},
		{"電話：０３（１２３４）５６７８", "電話：【電話番号】"},
		{"090 1234 5678", "【電話番号】"},
		{"09012345678まで", "【電話番号】まで"},
		{"+81-90-1234-5678", "【電話番号】"},
		{"+81 (0)3 1234 5678", "【電話番号】"},
		{"内線1234", "内線【電話番号】"},
		{"（内線：８１２３）", "（内線：【電話番号】）"},
		{"PHS 7123 / 7124", "PHS 【電話番号】 / 【電話番号】"},
		{"０１２０－０００－１２３", "【電話番号】"},
		{"call +1 (888) 555-0123 now", "call 【電話番号】 now"},
		{"1-888-555-0123", "【電話番号】"},
		{"直通 1234-5678", "直通 【電話番号】"},
		// postal addresses
		{"〒100-0005 東京都千代田区丸の内1-2-3 丸の内ビル5階", "【住所】"},
		{"横浜市西区みなとみらい二丁目三番四号", "【住所】"},
		{"住所：京都市上京区今出川通烏丸東入", "住所：【住所】"},
		{"1-2-3 Marunouchi, Chiyoda-ku, Tokyo 100-0005", "【住所】"},
		// other numbers
		{"被保険者番号 12345678", "被保険者番号 【番号】"},
		{"記号 12 番号 345", "記号 【番号】 番号 【番号】"},
		{"普通 1234567 カ)テイテン", "普通 【番号】 カ)テイテン"},
		{"4111 1111 1111 1111", "【番号】"},
		{"マイナンバー：123456789018", "マイナンバー：【番号】"},
		{"123456789018", "【番号】"},
		{"職員番号：A-00123", "職員番号：【番号】"},
		{"ログインID：sato01", "ログインID：【識別子】"},
		// machines
		{"http://intra.hospital.example.jp/sso?x=1 を開く", "【院内ホスト】 を開く"},
		{"pacs01.hospital.example.jp", "【院内ホスト】"},
		{`\\fs01\患者一覧\2026.xlsx`, "【院内ホスト】"},
		{"10.1.2.3 と 192.168.0.0/24", "【院内ホスト】 と 【院内ホスト】"},
		{"nas.local", "【院内ホスト】"},
		{"fd00::1", "【院内ホスト】"},
		{"hanako@hospital.example.jp", "【メールアドレス】"},
		{"定点市立病院 御中", "【施設名】 御中"},
		{"定点　市立　病院", "【施設名】"},
		// in URLs
		{"https://evil.example/?e=teshigawara.madoka%40hospital.example.jp&x=1", "https://evil.example/?e=*&x=1"},
		{"https://evil.example/teshigawara.madoka/login", "https://evil.example/*/login"},
		{"https://evil.example/r?n=%E9%88%B4%E6%9C%A8%20%E4%B8%80%E9%83%8E", "https://evil.example/r?n=*"},
		{"https://evil.example/#dGVzaGlnYXdhcmEubWFkb2thQGhvc3BpdGFsLmV4YW1wbGUuanA=", "https://evil.example/#*"},
		{"https://evil.example/u/dGVzaGlnYXdhcmEubWFkb2th/x", "https://evil.example/u/*/x"},
		{"https://hospital.example.jp.evil.example/", "https://*.evil.example/"},
	} {
		if got := hidden(t, r, c.in); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

// TestStays holds what is no person's and must be left for an analyst.
func TestStays(t *testing.T) {
	r := redactor4(t)
	for _, text := range []string{
		"2026年11月30日までにお支払いください",
		"会議は2026/12/01 10:30-11:30、第2会議室",
		"令和8年4月1日施行、R8.4.1から",
		"金額は1,234,567円、3件で4,980円です",
		"請求書番号 INV-2026-00123",
		"Windows 10 バージョン 22H2 (19045.3693)",
		"https://evil.example/4f6a26daf0dc347c/login.php?step=2",
		"hxxps://evil[.]example/a",
		"xhospital.example.jp と secure-hospital.example.jp は別の名前",
		"203.0.113.5 から接続",
		"Amazonプライム会員様、お客様各位、皆様",
		"ヤマト運輸、佐川急便、高橋製作所、武田薬品、小林製薬、内田洋行",
		"東京都、神奈川県、千葉市の病院で",
		"看護師さん、患者さん、業者さん、皆さん、お客さん",
		"同様に、仕様と模様は多様で、各先生に",
		"診療部長、総務課長、副院長、薬剤師",
		"お名前、電話番号、住所をご入力ください。",
		"パスワードの有効期限が24時間以内に切れます",
		"伝票番号 4012-3456-7890",
		"Microsoft 365 サポートチーム",
		"Dear Customer, please verify your account information.",
		"support@evil.example までご連絡ください",
		"MD5 d41d8cd98f00b204e9800998ecf8427e",
		"10時から12時まで、3階の第1会議室",
		"ISBN978-4-00-310101-8",
		"北海道、本日、中央、平日、西口",
		"第75回日本医学会総会のご案内",
		"体重60kg、血圧120/80、HbA1c 6.5%",
	} {
		if got := hidden(t, r, text); got != text {
			t.Errorf("%s\n got %s", text, got)
		}
	}
}

// TestChosen holds that what the reporter hides goes wherever it stands.
func TestChosen(t *testing.T) {
	r := redactor4(t, "ひみつ計画", "Project X-7", "青")
	for _, c := range []struct{ in, want string }{
		{"ヒミツ 計画について", "【非公開】について"},
		{"ＰＲＯＪＥＣＴ　Ｘ７の件", "【非公開】の件"},
		{"青信号", "【非公開】信号"},
		{"https://evil.example/project-x7/a", "https://evil.example/*/a"},
		{"https://evil.example/?q=%E3%81%B2%E3%81%BF%E3%81%A4%E8%A8%88%E7%94%BB", "https://evil.example/?q=*"},
	} {
		if got := hidden(t, r, c.in); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.in, got, c.want)
		}
	}
}

// TestSegments holds that the reporter sees what each mark hides, also where
// hiding took several rounds.
func TestSegments(t *testing.T) {
	r := redactor4(t)
	for _, text := range []string{
		"佐藤花子様　TEL 03-1234-5678\nhttps://evil.example/?e=teshigawara.madoka%40hospital.example.jp&x=1 と 10.0.0.1",
		"まどか佐藤 です。勅使川原まどか佐藤花子鈴木",
		"〒100-0005 東京都千代田区丸の内1-2-3 佐藤ビル 3F 佐藤様方",
	} {
		d, ok := r.hide(text, everything)
		if !ok {
			t.Fatalf("%q does not come to rest", text)
		}
		p := d.piece("text", "")
		var shown, original strings.Builder
		for _, s := range p.Segments() {
			shown.WriteString(s.Text)
			if s.Kind == "" {
				original.WriteString(s.Text)
			} else {
				original.WriteString(s.Original)
			}
		}
		if shown.String() != p.Text || original.String() != text {
			t.Errorf("%q\nshown    %q\noriginal %q", text, shown.String(), original.String())
		}
	}
}
