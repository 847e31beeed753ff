// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package wave

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/text/encoding/japanese"

	"teiten/internal/mail"
)

// The corpus is made of parts that waves and ordinary mails share: greetings,
// phrases, brands, signatures. A wave chooses some of them and keeps to them; each of
// its mails differs in what attackers change from recipient to recipient.

var brands = []string{"みらい銀行", "さくらカード", "ひので電力", "あおぞら宅配便", "まごころ通販", "こだま生命", "国税の窓口", "あさひ証券", "つばさ鉄道", "ほたるモバイル"}

var threats = []string{
	"お客様のアカウントに、通常とは異なる端末からのアクセスが確認されました。",
	"第三者による不正利用のおそれがあるため、お取引を一時的に制限しております。",
	"ご登録のお支払い方法が承認されず、今月分のご請求を完了できませんでした。",
	"法令の改正に伴い、すべてのお客様に本人情報の再確認をお願いしております。",
	"お荷物をお届けにあがりましたが、宛先の住所に不備があり持ち戻りました。",
	"ポイントの有効期限が近づいております。失効すると元に戻すことはできません。",
	"メールボックスの容量が上限に達しました。このままでは新しいメールを受信できません。",
	"未納の料金が確認されました。本日中にお支払いがない場合は差し押さえの手続きに入ります。",
	"セキュリティ強化のため、現在の認証方法は今月末で使えなくなります。",
	"還付金のお受け取り手続きが完了していません。期限を過ぎると無効になります。",
}

var demands = []string{
	"下記のリンクより、二十四時間以内にお手続きをお願いいたします。",
	"お手数ですが、次のページでご本人確認を完了してください。",
	"以下のボタンを押して、ログインのうえ内容をご確認ください。",
	"ご確認いただけない場合、サービスのご利用を永久に停止いたします。",
	"添付の書類をご覧になり、必要事項をご記入ください。",
	"暗証番号とカード番号をご用意のうえ、画面の案内に従ってください。",
	"パスワードを変更しないまま放置すると、すべてのデータが削除されます。",
	"専用のサイトから配達日時の再指定を行ってください。",
}

var closings = []string{
	"本メールは送信専用です。ご返信いただいてもお答えできません。",
	"ご不明な点はカスタマーセンターまでお問い合わせください。",
	"ご迷惑をおかけしますが、ご理解とご協力をお願い申し上げます。",
	"今後ともよろしくお願いいたします。",
	"このお知らせは重要なお知らせのため、配信を希望されない方にもお送りしています。",
	"Copyright All Rights Reserved. 無断転載を禁じます。",
}

var topics = []string{
	"来月の院内感染対策委員会の開催について", "電子カルテの定期保守に伴う停止時間", "医療材料の納品書", "薬剤の出荷調整に関するお詫び",
	"学術集会の演題募集", "職員健康診断の日程", "紹介患者さまの受診結果のご報告", "医療機器の点検作業の見積", "地域連携パスの説明会",
	"診療報酬改定の研修会", "厨房の食材の価格改定", "清掃業務の実施報告", "リース契約の更新手続き", "新人看護師の研修計画",
	"廃棄物の収集日の変更", "電話回線の工事", "災害訓練の振り返り", "医師の当直表", "広報誌の原稿依頼", "防火設備の点検結果",
}

var remarks = []string{
	"平素より大変お世話になっております。", "先日はお忙しいところお時間をいただき、ありがとうございました。", "標記の件につきまして、下記のとおりご連絡いたします。",
	"詳細は添付の資料をご確認くださいますようお願いいたします。", "ご都合のつかない場合は、今週中にお知らせいただけますと幸いです。",
	"会場は二階の大会議室を予定しております。", "変更のある箇所は赤字で示しております。", "担当者が変わりましたので、今後は私あてにご連絡ください。",
	"前回の議事録もあわせてお送りします。", "金額に変更はございません。", "作業中は一部の端末がご利用いただけません。", "参加を希望される方は、所属とお名前をご返信ください。",
	"検査の結果は概ね良好で、引き続き外来で経過を見てまいります。", "在庫の回復は来月下旬を見込んでおります。", "ご不便をおかけしますが、よろしくお願いいたします。",
	"当日は駐車場が混み合いますので、公共交通機関をご利用ください。", "請求書は月末にまとめてお送りいたします。", "ご査収のほどよろしくお願い申し上げます。",
	"内容に誤りがございましたら、お手数ですがご一報ください。", "なお、本件は院内の規程に基づき五年間保存いたします。",
}

var (
	families = []string{"佐藤", "鈴木", "高橋", "田中", "伊藤", "渡辺", "山本", "中村", "小林", "加藤", "吉田", "山田", "佐々木", "山口", "松本", "井上"}
	givens   = []string{"太郎", "花子", "一郎", "美咲", "健", "由美子", "翔太", "さくら", "誠", "恵", "大輔", "直美"}
	doms     = []string{"hospital-a.example", "byoin.example", "clinic-b.example.jp", "iryo.example.jp"}
	words    = []string{"secure", "login", "update", "account", "member", "verify", "portal", "service", "support", "info", "center", "online", "web", "my", "card", "mail"}
)

type random struct{ *rand.Rand }

func seeded(n uint64) random { return random{rand.New(rand.NewPCG(n, 7))} }

func (r random) one(list []string) string { return list[r.IntN(len(list))] }

func (r random) some(list []string, n int) []string {
	out := make([]string, 0, n)
	for _, i := range r.Perm(len(list))[:n] {
		out = append(out, list[i])
	}
	return out
}

func (r random) hex(n int) string {
	const digits = "0123456789abcdef"
	b := make([]byte, n)
	for i := range b {
		b[i] = digits[r.IntN(16)]
	}
	return string(b)
}

func (r random) letters(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return string(b)
}

// plan is what the mails of one wave have in common.
type plan struct {
	brand, subject, path, param string
	hosts, senders              []string
	text                        []string
	file                        string
	html                        bool
}

func newPlan(r random) plan {
	p := plan{brand: r.one(brands), html: r.IntN(2) == 0}
	p.subject = []string{"【%s】重要なお知らせ", "%s：ご利用の確認", "【緊急】%sのアカウント制限", "%sからのお支払いに関するご連絡", "お荷物のお届けについて（%s）",
		"[%s] 本人確認のお願い", "%s ポイント失効のお知らせ", "%sをかたる請求にご注意"}[r.IntN(8)]
	p.path = "/" + strings.Join(r.some(words, 1+r.IntN(2)), "/") + []string{"/index.php", "/", "/signin.html", "/auth/step.aspx"}[r.IntN(4)]
	p.param = r.one([]string{"id", "token", "u", "session", "key", "cid"})
	for range 1 + r.IntN(3) {
		p.hosts = append(p.hosts, r.one(words)+"-"+r.letters(4)+".example")
		p.senders = append(p.senders, r.one(words)+"."+r.letters(5)+".example")
	}
	p.text = append(p.text, r.some(threats, 2+r.IntN(2))...)
	p.text = append(p.text, r.some(demands, 1+r.IntN(2))...)
	p.text = append(p.text, "対象のサービス: "+p.brand+" 会員サービス", "担当: "+p.brand+" "+r.one([]string{"お客様", "安全対策", "会員", "決済"})+"センター "+r.letters(3))
	p.text = append(p.text, r.some(closings, 2)...)
	if r.IntN(4) == 0 {
		p.file = r.one([]string{"請求書", "配達票", "明細", "確認書類"})
	}
	return p
}

// synonyms are small changes of the wording.
var synonyms = strings.NewReplacer("お客様", "お客さま", "ください", "下さい", "確認", "ご確認", "お手続き", "手続", "お願いいたします", "お願い致します")

// mail makes one mail of the wave.
func (p plan) mail(r random) string {
	person := r.one(families) + []string{"", " ", "　"}[r.IntN(3)] + r.one(givens)
	domain := r.one(doms)
	local := r.letters(3) + "." + r.letters(6)
	host := r.one(p.hosts)
	switch r.IntN(5) {
	case 0:
		host = r.hex(8) + "." + host
	case 1:
		host = "www" + fmt.Sprint(r.IntN(90)) + "." + host
	}
	url := fmt.Sprintf("https://%s%s?%s=%s", host, p.path, p.param, r.hex(24))
	if r.IntN(3) == 0 {
		url += "&e=" + base64.RawURLEncoding.EncodeToString([]byte(local+"@"+domain))
	}
	text := append([]string{}, p.text...)
	if r.IntN(3) == 0 { // one sentence is left out
		i := r.IntN(len(text))
		text = append(text[:i], text[i+1:]...)
	}
	if r.IntN(3) == 0 {
		i := r.IntN(len(text))
		text[i] = synonyms.Replace(text[i])
	}
	greeting := []string{person + " 様", local + "@" + domain + " 様", "お客様番号 " + fmt.Sprint(r.IntN(1e8)) + " " + person + "様"}[r.IntN(3)]
	lines := append([]string{greeting, ""}, text[:2]...)
	lines = append(lines, fmt.Sprintf("受付番号: %d-%s", r.IntN(1e6), r.hex(6)), fmt.Sprintf("ご利用日時: 2026年%d月%d日 %d:%02d", 1+r.IntN(12), 1+r.IntN(28), r.IntN(24), r.IntN(60)))
	if r.IntN(2) == 0 {
		lines = append(lines, fmt.Sprintf("金額: %d,%03d円", r.IntN(90), r.IntN(1000)))
	}
	lines = append(lines, url)
	lines = append(lines, text[2:]...)
	subject := fmt.Sprintf(p.subject, p.brand)
	switch r.IntN(4) {
	case 0:
		subject += fmt.Sprintf("（%d）", r.IntN(1e6))
	case 1:
		subject = "[No." + r.hex(8) + "] " + subject
	case 2:
		subject = person + "様 " + subject
	}
	from := fmt.Sprintf("%s@%s", r.one([]string{"no-reply", "info" + fmt.Sprint(r.IntN(100)), r.letters(8)}), r.one(p.senders))
	name := p.brand
	if r.IntN(3) == 0 {
		name += "カスタマーセンター"
	}
	return build(r, name, from, person, local+"@"+domain, subject, lines, url, p.html, p.file)
}

// ordinary makes a mail that belongs to no wave.
func ordinary(r random) string {
	topic := r.one(topics)
	sender := r.one(families)
	from := r.letters(6) + "@" + r.one(words) + "-" + r.letters(3) + ".example"
	person := r.one(families)
	lines := []string{person + []string{" 様", "先生", " 様 各位"}[r.IntN(3)], "", r.one(remarks), r.letters(4) + "の" + sender + "です。", topic + "、ご連絡いたします。"}
	lines = append(lines, r.some(remarks, 3+r.IntN(4))...)
	lines = append(lines, fmt.Sprintf("日時: %d月%d日 %d時から", 1+r.IntN(12), 1+r.IntN(28), 9+r.IntN(8)))
	url := ""
	if r.IntN(3) == 0 {
		url = "https://www." + r.one(words) + r.letters(5) + ".example/" + r.one(words) + "/" + fmt.Sprint(r.IntN(1000)) + ".html"
		lines = append(lines, url)
	}
	lines = append(lines, "--", sender+" "+r.one(givens), fmt.Sprintf("電話 0%d-%04d-%04d", 1+r.IntN(99), r.IntN(1e4), r.IntN(1e4)))
	file := ""
	if r.IntN(3) == 0 {
		file = topic
	}
	return build(r, sender+" "+r.one(givens), from, person, r.letters(7)+"@"+r.one(doms), topic, lines, url, r.IntN(3) == 0, file)
}

func build(r random, name, from, toName, to, subject string, lines []string, url string, html bool, file string) string {
	word := func(s string) string { return "=?UTF-8?B?" + base64.StdEncoding.EncodeToString([]byte(s)) + "?=" }
	var b strings.Builder
	fmt.Fprintf(&b, "From: %s <%s>\r\nTo: %s <%s>\r\nSubject: %s\r\nDate: Mon, 02 Nov 2026 09:00:00 +0900\r\nMessage-ID: <%s@%s>\r\nMIME-Version: 1.0\r\n",
		word(name), from, word(toName), to, word(subject), r.hex(20), "mail.example")
	body, kind, charset := strings.Join(lines, "\n"), "text/plain", "utf-8"
	if html {
		kind = "text/html"
		body = "<html><head><style>p{}</style></head><body><p>" + strings.ReplaceAll(strings.ReplaceAll(body, url, ""), "\n", "</p>\n<p>") +
			"</p><a href=\"" + url + "\">次へ</a><div style=\"display: none\">" + r.letters(40) + "</div></body></html>"
	}
	if r.IntN(3) == 0 && !html {
		if s, err := japanese.ISO2022JP.NewEncoder().String(body); err == nil {
			body, charset = s, "iso-2022-jp"
		}
	}
	part := fmt.Sprintf("Content-Type: %s; charset=%s\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n", kind, charset, wrap(body))
	if file == "" {
		return b.String() + part
	}
	content := make([]byte, 3000+r.IntN(3000))
	for i := range content {
		content[i] = byte(r.IntN(256))
	}
	fmt.Fprintf(&b, "Content-Type: multipart/mixed; boundary=b1\r\n\r\n--b1\r\n%s--b1\r\nContent-Type: application/zip; name=\"%s\"\r\n"+
		"Content-Disposition: attachment\r\nContent-Transfer-Encoding: base64\r\n\r\n%s\r\n--b1--\r\n",
		part, word(fmt.Sprintf("%s_%d.zip", file, r.IntN(1e6))), wrap(string(content)))
	return b.String()
}

func wrap(s string) string {
	s = base64.StdEncoding.EncodeToString([]byte(s))
	var b strings.Builder
	for len(s) > 76 {
		b.WriteString(s[:76] + "\r\n")
		s = s[76:]
	}
	return b.String() + s
}

func read(t testing.TB, raw string) *mail.Message {
	t.Helper()
	m, err := mail.Read([]byte(raw), mail.Limits{})
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return m
}
