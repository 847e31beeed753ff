// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"math/rand/v2"
	"strings"
	"testing"

	"teiten/internal/mail"
)

// Names that are in no list of this package, which the test makes sure of, and
// words that stand where names do.
var (
	rareFamilies = strings.Fields(`小鳥遊 四月一日 栗花落 月見里 勘解由小路 纐纈 薬袋 一尺八寸 春夏秋冬 鴨脚 帷子 毒島 雲母 十六沢 百目鬼 鵜殿 轟木 能年
		剛力 神々廻 卜部 雪竹 蛯子 榎園 舘盛 飛鳥馬 八月朔日 五百旗頭 文珠四郎 波々伯部 躑躅森 躰中 砂糖元 銀鏡 狼谷 霊群 無量小路 遊佐原 柊元`)
	rareGivens = strings.Fields(`六花 結衣 陽菜 蓮 悠真 千代 徳治 佐和子 健太郎 紗英 昌弘 桃 大和 虎之介 美津子 清志郎 颯太 芽依 正一 ふみ`)
	// Others, that nobody looked at while the rules were made.
	heldFamilies = strings.Fields(`東江 栗林院 左右田 冷泉院 万里小路 仏生寺 猪苗代田 玖珠 鷹觜 薗頭 橿棒 鵤木 垳田 間人 狐塚原 壬生川 贄川 蛭海 雪下 鮫川原
		朽網 葛巻沢 鷲津川 樗木 苣木 砥綿 蟇目 榊枝 朏島 鍵冨`)
	heldGivens = strings.Fields(`勇輝 菜々子 咲良 芳雄 ヨシ子 豊 隆史 みどり 康介 凛 穂乃香 良平 静江 孝太郎 亜由美 久美 龍之介 瑞希 里奈 克己 志保 浩二 晴 伸吾`)
	lineWords  = strings.Fields(`地域連携室 医療安全管理室 情報システム課 総務部_人事課 大会事務局 定点市立病院 編集部 感染対策委員会 敬具 以上 追伸 記 添付資料_一覧
		東京_本社 日時_場所 会場_案内 重要_通知 至急_回覧 個人情報_保護 安全_第一 医療_安全 東京_大阪 営業時間_変更 受付_時間 平日_午前 電話_受付 代表_番号
		配信_停止 登録_解除 無断転載_禁止 お客様_各位 関係者_各位 重要 緊急 至急 注意 警告 確認 本日_正午 経理_担当 情報_提供 利用_規約 会社_概要 発行_責任者
		保健_福祉 健康_増進 公益_財団 一般_社団 三井_住友 三菱_東京 楽天_市場 佐川_急便 日本_郵便 大和_運輸 国税_庁 警視庁 金融_庁 住信_銀行 新生_銀行 京都_大阪_神戸 明治_安田 千葉_銀行
		小児_外科 整形_外科 内科_外来 循環器_内科 臨床_工学 看護_部長室 年末_年始 春_夏 東_西 第一_会議室 三階_講堂 徳島_香川 和歌山_奈良 市民_公開講座 広島_太郎岳 大分_宮崎 佐賀_長崎 紀伊_半島 美術_館 文化_会館`)
)

// contexts are places where a name stands without label and title.
type context struct{ name, text string }

var contexts = []context{
	{"after thanks", "検査の日程をお知らせします。\n以上、よろしくお願いいたします。\n\nF G\n"},
	{"after thanks, joined", "検査の日程をお知らせします。\nどうぞよろしくお願い申し上げます。\nFG\n"},
	{"after 敬具", "まずはご報告まで。\n敬具\n\n　　F　G\n"},
	{"signature", "検査の日程をお知らせします。\n-- \nF G\n電話 内線\n"},
	{"signature with department", "検査の日程をお知らせします。\n\n**********\n地域連携室\n　F　G\n**********\n"},
	{"behind the department", "検査の日程をお知らせします。\n-----\n地域連携室 F G\n-----\n"},
	{"greeted with a comma", "F G、\n\n検査の日程をお知らせします。\n"},
	{"labelled elsewhere", "患者名：F G\n検査を終えました。\n次回、F Gの予約は来月です。\n"},
	{"titled elsewhere, joined", "FG様の検査を終えました。\n次回のFGの予約は来月です。\n"},
	{"family alone, labelled elsewhere", "氏名：F G\n検査を終えました。\nFには伝えてあります。\n"},
}

func rareText(pattern, family, given string) string {
	return strings.NewReplacer("F", family, "G", given).Replace(pattern)
}

// TestRareNames counts names that only their place gives away, and words in the
// same places that are no names.
func TestRareNames(t *testing.T) {
	r := New(Inside{})
	hide := func(text string) (string, int) {
		m, err := mail.Read([]byte("From: a@sender.example\r\nSubject: test\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n"+text), mail.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		out := r.Redact(m, nil)
		if len(out.Body) == 0 {
			return "", 0
		}
		return out.Body[0].Text, len(out.Body[0].Spans)
	}
	random := rand.New(rand.NewPCG(20261122, 3))
	count := func(c context, familyNames, givenNames []string) (hidden, n int) {
		for _, f := range familyNames {
			if families[f] {
				t.Errorf("%s is in the list", f)
			}
			for range 5 {
				n++
				if text, _ := hide(rareText(c.text, f, givenNames[random.IntN(len(givenNames))])); !strings.Contains(text, f) {
					hidden++
				}
			}
		}
		return hidden, n
	}
	for _, c := range contexts {
		hidden, n := count(c, rareFamilies, rareGivens)
		held, of := count(c, heldFamilies, heldGivens)
		t.Logf("%-34s %3d of %d names hidden, %3d of %d of those nobody looked at", c.name, hidden, n, held, of)
		if 2*hidden < n || 2*held < of {
			t.Errorf("%s: fewer than half of the names are hidden", c.name)
		}
	}
	wrong, n := 0, 0
	for _, c := range contexts {
		if strings.Contains(c.name, "elsewhere") {
			continue
		}
		for _, w := range lineWords {
			text := strings.NewReplacer("F G", strings.ReplaceAll(w, "_", " "), "F　G", strings.ReplaceAll(w, "_", "　"), "FG", strings.ReplaceAll(w, "_", "")).Replace(c.text)
			n++
			if out, spans := hide(text); spans > 0 {
				wrong++
				t.Logf("%s: %q is taken for a name: %q", c.name, w, out)
			}
		}
	}
	t.Logf("%d of %d other words hidden", wrong, n)
	if 100*wrong > 2*n {
		t.Errorf("more than 2 %% of the other words are hidden")
	}
}
