// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package charset

import "sync"

// frequentKanji make up most of the kanji in Japanese mail: those taught first,
// and those of business and of hospitals. Bytes read in the wrong character set
// give kanji too, but others.
const frequentKanji = "" +
	"日一国人年大十二本中長出三時行見月後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千水半男西電校語土" +
	"木聞食車何南万毎白天母火右読友左休父雨会同事自社発者地業方新場員立開手力問代明動京目通言理体田主題意不作用度強公持野以思" +
	"家世多正安院心界教文元重近考画海売知道集別物使品計死特私始朝運終台広住無真有口少町料工建空急止送切転研足究楽起着店病質待" +
	"試族銀早映親験英医仕去味写字答夜音注帰古歌買悪図週室歩風紙黒花春赤青館屋色走秋夏習駅洋旅服夕借曜飲肉貸堂鳥飯勉冬昼茶弟牛" +
	"魚兄犬妹姉漢政議民連対部合市内相定回選米実関決全表戦経最現調化当約首法性的要制治務成期取都和機平加受続進数記初指権支産点" +
	"報済活原共得解交資予向際勝面告反判認参利組信在件側任引求所次昨論官増係感情投示変打直両式確果容必演歳争談能位置流格疑過局" +
	"放常状球職与供役構割費付由説難優夫収断石違消神番規術備宅害配警育席訪乗残想声念助労例然限追商葉伝働形景落好退頭負渡失差末" +
	"守若種美命福望非観察段横深申様財港識呼達良候程満敗値突光路科積他処太客否師登易速存飛殺号単座破除完降責捕危給苦迎園具辞因" +
	"馬愛富彼未舞亡冷適婦寄込顔類余王返妻背熱宿薬険頼覚船途許抜便留罪努精散静婚喜浮絶幸押倒等老曲払庭徒勤遅居雑招困欠更刻賛抱" +
	"犯恐息遠戻願絵越欲痛笑互束似列探逃遊迷夢君閉緒折草暮酒悲晴掛到寝暗盗吸陽御歯忘雪吹娘誤洗慣礼窓昔貧怒泳祖杯疲皆鳴腹煙眠怖" +
	"耳頂箱晩寒髪忙才靴恥偶偉猫幾請検査結絡患診療護看担添緊振録停再設各株団協総課委講修案締催郵荷届購領証契納依宛署圧縮凍保管" +
	"削復旧障漏洩策喚脅迫標型攻撃審効即至詳細照致承敬拝啓貴弊素厚剤紹介救染症防接健康祉施省県区村阪岡鈴佐藤辺伊林吉斎橋松井清" +
	"森池阿谷坂岸浦久武宮崎郎"

// frequent are the places of frequentKanji in JIS X 0208.
var frequent = sync.OnceValue(func() *[120 * cells]bool {
	at := map[uint16]int{}
	for i, c := range japaneseTables().x0208 {
		if _, twice := at[c]; !twice {
			at[c] = i
		}
	}
	var f [120 * cells]bool
	for _, r := range frequentKanji {
		f[at[uint16(r)]] = true
	}
	return &f
})
