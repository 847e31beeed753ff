// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// writer makes advisories as hospitals write them: sentences of a few patterns,
// in which some words are in nearly every text and others in very few. The same
// seed gives the same texts.
type writer struct {
	*rand.Rand
	common *rand.Zipf // the first words of a list often, the last ones seldom
}

func newWriter(seed uint64) *writer {
	r := rand.New(rand.NewPCG(seed, 7))
	return &writer{r, rand.NewZipf(r, 1.25, 3, 1<<16)}
}

func (w *writer) of(list []string) string { return list[int(w.common.Uint64())%len(list)] }

func (w *writer) any(list []string) string { return list[w.IntN(len(list))] }

var (
	lures = strings.Fields(`請求書 宅配便の不在通知 パスワードの再設定 口座の確認 医療費の還付 添付ファイル 会議の案内 契約書 見積書 健康診断の結果
		マイナ保険証 電子カルテの更新 VPN装置の保守 学会の演題登録 治験の書類 診療報酬の改定 納品書 ボーナス査定 年末調整 水道料金 カード利用停止
		ふるさと納税 税務署からのお尋ね 給付金の申請 メールボックスの容量超過 FAXの受信通知 共有フォルダーへの招待 電子署名の依頼 国勢調査 助成金の公募`)
	brands = strings.Fields(`青空銀行 みどり信用金庫 ひかりカード 東西運輸 さくら宅配 日の出電力 つばさ航空 あおば損保 山吹生命 若葉通信 黒潮ガス
		すみれクラウド 北斗証券 銀杏百貨店 桔梗ポイント 梅田鉄道 柊モバイル 楓ショップ 白樺ペイ 椿ストア 霞ヶ浦病院共済 薊ネット`)
	places = strings.Fields(`救急外来 医事課 薬剤部 放射線科 手術室 地域連携室 総務課 看護部 検査室 栄養課 透析室 病棟 受付 医療情報部 臨床工学室 リハビリテーション科
		研修センター 図書室 治験事務局 訪問看護ステーション 保育室 霊安室`)
	harms = strings.Fields(`認証情報が盗まれる おそれがある不正なプログラム 遠隔操作ソフト ランサムウェア 情報の持ち出し 電子カルテの停止 端末の感染 偽の警告画面
		不正送金 サポート詐欺 個人情報の漏えい 暗号資産の採掘 業務の中断 医療機器の誤作動 予約システムの停止 画像サーバーの暗号化 鍵束の流出 院内放送の乗っ取り`)
	products = strings.Fields(`リモートアクセス装置 ファイアウォール メールサーバー 電子カルテ 画像管理システム 無線LAN ルーター 勤怠管理 会計システム 表計算ソフト 圧縮ソフト
		ブラウザー 拡張機能 輸液ポンプ 生体情報モニター NAS プリンター複合機 入退室管理 監視カメラ 人工呼吸器 調剤支援 温度記録計`)
	acts = strings.Fields(`開封しないでください 削除してください 情報部門に連絡してください 更新を適用してください パスワードを変更してください 通信を遮断してください
		ログを確認してください 端末をネットワークから切り離してください 公式アプリから確認してください 発信元に折り返さないでください 写真を保存してください`)
	surnames = strings.Fields(`佐藤 鈴木 高橋 田中 伊藤 渡辺 山本 中村 小林 加藤 吉田 山田 佐々木 山口 松本 井上 木村 林 斎藤 清水 山崎 森 池田 橋本
		阿部 石川 山下 中島 石井 小川 前田 岡田 長谷川 藤田 後藤 近藤 村上 遠藤 青木 坂本 斉藤 福田 太田 西村 藤井 金子 岡本 藤原 中野 三浦 原田 中川 松田
		竹内 小野 田村 中山 和田 石田 森田 上田 原 内田 柴田 酒井 宮崎 横山 高木 安藤 宮本 大野 小島 谷口 工藤 今井 高田 増田 丸山 杉山 村田 大塚 新井`)
	towns = strings.Fields(`札幌 旭川 青森 盛岡 仙台 秋田 山形 福島 水戸 宇都宮 前橋 浦和 千葉 横浜 新潟 富山 金沢 福井 甲府 長野 岐阜 静岡 名古屋 津 大津 京都 大阪 神戸
		奈良 和歌山 鳥取 松江 岡山 広島 山口 徳島 高松 松山 高知 福岡 佐賀 長崎 熊本 大分 宮崎 鹿児島 那覇 稚内 礼文 隠岐 対馬 奄美 与那国`)
	rare = strings.Fields(`麒麟 檸檬 躑躅 瑠璃 翡翠 琥珀 珊瑚 漣 暁 篝火 狼煙 蜃気楼 不知火 蜻蛉 蟷螂 鸚鵡 軍鶏 鼈甲 魑魅魍魎 曼荼羅`)
)

func (w *writer) title() string {
	switch w.IntN(4) {
	case 0:
		return fmt.Sprintf("%sを装う「%s」のメールについて", w.of(brands), w.of(lures))
	case 1:
		return fmt.Sprintf("%sの脆弱性（CVE-20%02d-%d）に関する注意喚起", w.of(products), 18+w.IntN(9), 1000+w.IntN(60000))
	case 2:
		return fmt.Sprintf("【%s】%sに届いた%sの不審なメール", w.any(towns), w.of(places), w.of(lures))
	default:
		return fmt.Sprintf("%sによる%sの事例", w.of(harms), w.of(products))
	}
}

// body is about 600 characters.
func (w *writer) body() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d月%d日、%s市の病院の%sで、%sを名乗る不審なメールを受信しました。", 1+w.IntN(12), 1+w.IntN(28), w.any(towns), w.of(places), w.of(brands))
	for n := 0; n < 560; {
		var s string
		switch w.IntN(12) {
		case 0:
			s = fmt.Sprintf("件名は「%s」で、差出人は%s%sとなっていました。", w.of(lures), w.any(surnames), w.any([]string{"様", "先生", "課長", "事務長", "部長"}))
		case 1:
			s = fmt.Sprintf("本文のリンクを開くと、%sの偽のログイン画面が表示され、%sにつながります。", w.of(brands), w.of(harms))
		case 2:
			s = fmt.Sprintf("%sを使用している施設では、%s。", w.of(products), w.of(acts))
		case 3:
			s = fmt.Sprintf("当院では%d台の端末を調査し、%sには影響がないことを確認しました。", 1+w.IntN(400), w.of(products))
		case 4:
			s = fmt.Sprintf("同じ内容のメールが%sと%sにも%d通届いています。", w.of(places), w.of(places), 2+w.IntN(80))
		case 5:
			s = fmt.Sprintf("担当は%sの%sです。心当たりのないメールは、%s。", w.of(places), w.any(surnames), w.of(acts))
		case 6:
			s = fmt.Sprintf("攻撃者は%sの脆弱性を悪用し、%sに至ったとみられます。", w.of(products), w.of(harms))
		case 7:
			s = fmt.Sprintf("通信先はhxxps://%s[.]example/%xで、%d時%d分に初めて観測しました。", w.any([]string{"login", "secure", "mypage", "portal", "pay", "auth"}), w.Uint32(), w.IntN(24), w.IntN(60))
		case 8:
			s = fmt.Sprintf("検体の識別番号は%016xで、ファイル名は「%s_%d.zip」でした。", w.Uint64(), w.of(lures), w.IntN(10000))
		case 9:
			s = fmt.Sprintf("ご不明な点は%s医療情報センターの%sまでお問い合わせください。", w.any(towns), w.any(surnames))
		case 10:
			s = fmt.Sprintf("復旧には約%d日を要し、その間は紙の伝票で診療を続けました。", 1+w.IntN(60))
		default:
			s = fmt.Sprintf("%sの利用者を狙った%sの情報も、あわせて確認してください。", w.of(brands), w.of(lures))
		}
		if w.IntN(400) == 0 {
			s += fmt.Sprintf("この活動は「%s」と呼ばれています。", w.of(rare))
		}
		b.WriteString(s)
		n += len(s) / 3
		if w.IntN(5) == 0 {
			b.WriteString("\n\n")
		}
	}
	return b.String()
}
