// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"

	"teiten/internal/store"
	"teiten/internal/storetest"
)

// TestSearch asks as a member of staff does, on both engines.
func TestSearch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db)
		ask := func(who, q string) *response { return w.as(who, "POST", "/search", form("q", q)).is(200).safe() }

		// One indicator, in any spelling.
		for _, q := range []string{"https://rakuten-card.xyz/login", "hxxps://rakuten-card[.]xyz/login", "  HTTPS://Rakuten-Card.xyz/login ", "https：//rakuten-card．xyz/login"} {
			ask("minato staff", q).has("危険です。開かないでください", "hxxps://rakuten-card[.]xyz/login", "カード会社を装うサイト", "フィッシング", "同じサイト rakuten-card[.]xyz では、ほかに 1 件")
		}
		ask("minato staff", "https://rakuten-card.xyz/other").has("同じサイトの別のアドレスが登録されています", "これを登録して知らせる", "カード会社を装うサイト")
		ask("minato staff", "http://xn--fiqs8s.xyz/").has("以前に登録されたものです", "医療用手袋の偽通販サイト")
		ask("minato staff", "https://nobody-knows.top/").has("登録された情報にはありません", "安全という意味ではありません", "前から知っている電話番号で確かめてください")
		ask("minato staff", "https://www.google.com/search").has("安全という意味ではありません", "よく知られたサイトの一覧に載っています")
		ask("minato executive", "https://nobody-knows.top/").lacks("これを登録して知らせる")

		// What the caller may not see is not known.
		ask("minato staff", "https://login-minato.top/auth/?uid=8841&mail=tanaka%40minato-hp.jp").has("危険です").lacks("8841", "tanaka")
		ask("aoba contact", "login-minato.top").has("登録された情報にはありません").lacks("職員ポータル")
		ask("minato staff", "http://rakuten-card.xyz/re").has("同じサイトの別のアドレス").lacks("宅配業者")

		// A whole mail.
		mail := "差出人: info@takuhai.top\n件名: 電子カルテの保守業者を名乗る請求メール\n\nhttps://rakuten-card.xyz/login\nhttps://www.google.com/maps\nhttp://new-host.top/a"
		ask("minato staff", mail).has("危険です", "見つかった指標 4 件", "登録なし", "似ている情報", "電子カルテの保守業者を名乗る請求メール", "題名が似ています").
			lacks("同じサイト www[.]google[.]com・")
		ask("minato staff", "件名：カード会社を装うサイト\n\n"+strings.Repeat("至急ご確認ください。", 30)).has("登録された情報にはありません", "似ている情報", "カード会社を装うサイト")

		// Words, of any width.
		ask("minato staff", "ｶｰﾄﾞ会社").has("カード会社を装うサイト", "1 件")
		ask("minato staff", "こんなことばはない").has("登録された情報にはありません", "安全という意味ではありません")
		ask("minato staff", "宅配業者").lacks("再配達のお知らせ")
		ask("minato staff", "").has("調べたいもの")
	})
}

func TestSearchLimits(t *testing.T) {
	w := newWorld(t)
	w.as("minato staff", "GET", "/search", "").is(200).safe()
	w.as("minato staff", "POST", "/search", form("q", strings.Repeat("あ い ", 30))).is(422).safe().has("field-error")
	var many strings.Builder
	for i := range 250 {
		many.WriteString("http://h" + itoa(int64(i)) + ".many.top/\n")
	}
	w.as("minato staff", "POST", "/search", form("q", many.String())).is(200).safe().has("見つかった指標 200 件", "残りの 50 件は調べていません")
	w.as("minato staff", "POST", "/search", form("q", strings.Repeat("a", 5<<20))).is(413)
	w.as("minato staff", "POST", "/search?category=nothing", form("q", "カード")).is(400)
	if log := w.log.String(); strings.Contains(log, "many.top") || strings.Contains(log, "カード") {
		t.Error("the log tells what was searched for")
	}
}

func TestIndicatorPage(t *testing.T) {
	w := newWorld(t)
	at := indicatorAddress(w.db.Key("url", "https://rakuten-card.xyz/login"))
	w.as("minato staff", "GET", at, "").is(200).safe().
		has("登録あり・危険", "hxxps://rakuten-card[.]xyz/login", "カード会社を装うサイト", "同じサイトの指標", "hxxps://rakuten-card[.]xyz/verify", "楽天カード").lacks("/overrule")
	w.as("minato staff", "GET", "/indicators/1", "").is(404)
	w.as("minato staff", "GET", "/indicators/x", "").is(404)
	hidden := indicatorAddress(w.db.Key("domain", "login-minato.top"))
	w.as("minato staff", "GET", hidden, "").is(200)
	w.as("aoba contact", "GET", hidden, "").is(404)

	google := indicatorAddress(w.db.Key("url", "https://www.google.com/"))
	w.as("isac analyst", "GET", google, "").is(200).safe().has("フィルターには入りません", "List of known google domains", google+"/overrule")
	w.as("minato contact", "POST", google+"/overrule", form("reason", "x")).is(403)
	w.as("isac analyst", "POST", google+"/overrule", form("reason", "")).is(422).safe().has("理由を書いてください")
	w.as("isac analyst", "POST", google+"/overrule", form("reason", "攻撃に使われた短縮先です。")).is(303)
	w.as("isac analyst", "GET", google, "").has("佐藤 花子 さんが", "攻撃に使われた短縮先です。", google+"/heed")
	w.as("isac analyst", "POST", google+"/heed", "").is(303)
	w.as("isac analyst", "GET", google, "").has("フィルターには入りません", google+"/overrule")
}
