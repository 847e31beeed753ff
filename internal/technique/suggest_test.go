// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package technique

import (
	"slices"
	"strings"
	"testing"
)

// What a hospital's contact might write, and exactly what is proposed.
var examples = []struct {
	text string
	want []string // best first
}{
	{"受付のパソコンに「ウイルスに感染しました」と警告画面が出て、サポートセンターに電話するよう書かれていました。", []string{"isac.support-scam"}},
	{"給与明細の確認と称するメールの QR コードを読み取ると、偽のログイン画面が開きます。", []string{"T1598.003", "isac.qr"}},
	{"ＱＲコードが印刷された貼り紙", []string{"isac.qr"}},
	{"宅配業者の不在通知を装うSMSが職員の携帯に届いた", []string{"isac.delivery-lure", "isac.sms"}},
	{"取引先になりすまし、振込先の変更を求めるメール。ビジネスメール詐欺と思われる。", []string{"isac.bec", "T1656"}},
	{"請求書.pdf.exe という添付ファイルを開いてしまった", []string{"T1204.002", "T1566.001", "T1036.007", "isac.invoice-lure"}},
	{"過去のメールを引用した返信型のメールで、パスワード付き ZIP が添付されていた", []string{"isac.thread-hijack", "isac.password-zip"}},
	{"Excelを開くと「コンテンツの有効化」を求められた", []string{"T1059.005"}},
	{"電子カルテのサーバーが暗号化され、身代金を要求する脅迫文が印刷された。バックアップも削除されていた。", []string{"T1486"}},
	{"VPN 装置の脆弱性を悪用され、院内に侵入された", []string{"T1190", "T1133"}},
	{"放射線装置の保守回線（LTE 回線）から侵入。保守ベンダーの共通パスワードが使われた。", []string{"isac.maintenance-line", "isac.shared-password"}},
	{"給食業者の回線を通じた委託先経由の侵入", []string{"T1199"}},
	{"duckdns.org のサブドメインを使ったフィッシングメール", []string{"T1566.002", "isac.free-hosting"}},
	{"「私はロボットではありません」の後、Win+R を押してコマンドを貼り付けるよう指示される ClickFix", []string{"T1204.004", "isac.captcha-gate"}},
	{"国税庁をかたり未払い税金があるとするショートメッセージ", []string{"isac.sms", "isac.tax-lure"}},
	{"学会の案内に見せかけたメール。診療情報提供書という名のファイル付き。", []string{"isac.medical-lure"}},
	{"短縮 URL から偽の\n通販サイトへ誘導される", []string{"isac.shortener", "isac.fake-shop"}},
	{"身に覚えのない承認通知がスマートフォンに何度も届く", []string{"T1621"}},
	{"ナースステーションのUSBメモリーからウイルスが見つかった", []string{"T1091"}},
	{"ホームページが改ざんされていると患者さんから連絡があった", []string{"T1491.002"}},
	{"乗っ取られたメールアカウントに自動転送が設定されていた", []string{"T1114.003"}},
	{"キリル文字を混ぜた xn-- で始まる住所", []string{"isac.homograph"}},
	{"Users were asked to enter a device code at microsoft.com/devicelogin", []string{"isac.device-code"}},
	{"Invoices attached as password-protected archives", []string{"isac.password-zip", "isac.invoice-lure"}},
	{"Credentials taken by an AiTM proxy; session cookie reused", []string{"T1539", "T1557"}},
	{"Ransomware came in over RDP after password spraying; shadow copies were gone", []string{"T1110.003", "T1490", "T1486", "T1021.001"}},
	{"POWERSHELL -EncodedCommand started by mshta.exe", []string{"T1059.001", "T1218.005"}},
	{"Caller talked staff into installing AnyDesk (vishing)", []string{"T1566.004", "T1219"}},
	{"SMBC の口座について問い合わせがあった。becauseの綴りが誤り。", nil}, // neither SMB nor BEC
	{"本日の会議は 15 時からです。", nil},
	{"", nil},
}

func TestSuggest(t *testing.T) {
	if len(examples) < 30 {
		t.Fatalf("%d examples", len(examples))
	}
	for _, e := range examples {
		if got := Suggest(e.text); !slices.Equal(got, e.want) {
			t.Errorf("%s\n got %v\nwant %v", e.text, got, e.want)
		}
	}
}

// Every word, written in capitals and in the middle of a sentence, proposes
// its technique.
func TestEveryWordSuggests(t *testing.T) {
	for _, x := range All() {
		for _, w := range x.Words {
			text := "本日 " + strings.ToUpper(w) + " について"
			if got := Suggest(text); !slices.Contains(got, x.ID) {
				t.Errorf("%q proposes %v, not %s", text, got, x.ID)
			}
		}
	}
}

func TestSuggestReadsOnlySoMuch(t *testing.T) {
	pad := strings.Repeat("あ", MaxText/3)
	if got := Suggest("身代金" + pad); !slices.Equal(got, []string{"T1486"}) {
		t.Errorf("at the beginning: %v", got)
	}
	if got := Suggest(pad + "身代金"); len(got) != 0 {
		t.Errorf("beyond MaxText: %v", got)
	}
}

func FuzzSuggest(f *testing.F) {
	for _, e := range examples {
		f.Add(e.text)
	}
	f.Add("\xff\xfe身代\x80金")
	f.Fuzz(func(t *testing.T, text string) {
		seen := map[string]bool{}
		for _, id := range Suggest(text) {
			if _, ok := Get(id); !ok || seen[id] {
				t.Fatalf("%q proposes %q", text, id)
			}
			seen[id] = true
		}
	})
}

func BenchmarkSuggest(b *testing.B) {
	text := strings.Repeat(examples[8].text+examples[25].text, 10)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		Suggest(text)
	}
}
