// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/csv"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/category"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

// TestLists asks for lists on both engines.
func TestLists(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db)
		r := w.as("minato contact", "GET", "/advisories", "").is(200).safe().
			has("職員ポータルを装うフィッシング hxxp://login-minato[.]top/ に注意", "カード会社を装うサイト", "電子カルテの保守業者を名乗る請求メール", "自施設に関係：FortiGate", "5 件").
			lacks("書きかけ", "宅配業者")
		if !strings.Contains(r.body, `href="/advisories.csv"`) {
			t.Error("no file of the list")
		}
		// A vendor sees neither AMBER+STRICT nor what is in review.
		w.as("aoba contact", "GET", "/advisories", "").is(200).lacks("職員ポータル", "宅配業者").has("電子カルテの保守業者")
		narrowed := w.as("minato contact", "GET", "/advisories?category=phishing&tlp=green", "").is(200).safe().
			has("カード会社を装うサイト", "1 件", `href="/advisories?tlp=green"`, `href="/advisories?category=phishing"`, `href="/advisories.csv?category=phishing&amp;tlp=green"`).
			lacks("FortiGate")
		if n := strings.Count(narrowed.body, `class="chip"`); n != 2 {
			t.Errorf("%d chips", n)
		}
		w.as("minato contact", "GET", "/advisories?technique=T1566.001", "").has("電子カルテの保守業者").lacks("カード会社を装う")
		w.as("minato contact", "GET", "/advisories?concerns=1", "").has("FortiGate の SSL-VPN").lacks("カード会社を装う")
		w.as("minato contact", "GET", "/advisories?ours=1", "").has("書きかけのお知らせ", "職員ポータル").lacks("カード会社を装う")
		w.as("minato contact", "GET", "/advisories?from=2000-01-01&to=2000-01-02", "").has("当てはまる情報はありません", "条件をすべて外す")
		w.as("minato contact", "GET", "/advisories?brand="+url.QueryEscape("楽天カード"), "").has("カード会社を装うサイト", "1 件")
		for _, bad := range []string{"category=x", "tlp=purple", "state=x", "notice=x"} {
			w.as("minato contact", "GET", "/advisories?"+bad, "").is(400)
		}
		w.as("minato contact", "POST", "/search?category=notice", form("q", "弱点")).is(200).safe().has("FortiGate の SSL-VPN", "1 件")
		w.as("minato contact", "POST", "/search?category=phishing", form("q", "弱点")).is(200).has("登録された情報にはありません", "安全という意味ではありません")
	})
}

// TestPaging walks through a long list: each item comes once, newest first.
func TestPaging(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := worldOn(t, db)
		g, err := w.Guards.Current(t.Context())
		must(t, err)
		for i := range 45 {
			at := time.Now().Add(-time.Duration(i) * time.Minute)
			_, err := advisory.Submit(t.Context(), db, w.people["isac analyst"], g, advisory.Submission{
				Content: advisory.Content{Category: category.Notice, NoticeKind: category.Other, TLP: tlp.Clear, Title: "長い一覧の " + strconv.Itoa(i) + " 番目", Body: "本文"},
				State:   advisory.Published, RegisteredAt: at, PublishedAt: at,
			})
			must(t, err)
		}
		seen := map[string]bool{}
		next, pages := "/advisories?notice=other", 0
		for next != "" && pages < 10 {
			r := w.as("yama staff", "GET", next, "").is(200).has("45 件のうち")
			for _, part := range strings.Split(r.body, "長い一覧の ")[1:] {
				n, _, _ := strings.Cut(part, " ")
				if seen[n] {
					t.Errorf("%s comes twice", n)
				}
				seen[n] = true
			}
			next = ""
			if _, after, ok := strings.Cut(r.body, `href="/advisories?after=`); ok {
				at, _, _ := strings.Cut(after, `"`)
				next = "/advisories?after=" + strings.ReplaceAll(at, "&amp;", "&")
			}
			pages++
		}
		if len(seen) != 45 || pages != 3 {
			t.Errorf("%d items on %d pages", len(seen), pages)
		}
		// The same by a search, whose words stay in the body.
		r := w.as("yama staff", "POST", "/search", form("q", "長い一覧")).is(200).safe().has("45 件")
		_, after, ok := strings.Cut(r.body, `name="after" value="`)
		if !ok {
			t.Fatal("no second page")
		}
		after, _, _ = strings.Cut(after, `"`)
		w.as("yama staff", "POST", "/search", form("q", "長い一覧", "after", after)).is(200).has("長い一覧の 20 番目").lacks("長い一覧の 19 番目")
	})
}

func TestCSV(t *testing.T) {
	w := newWorld(t)
	g, err := w.Guards.Current(t.Context())
	must(t, err)
	_, err = advisory.Submit(t.Context(), w.db, w.people["isac analyst"], g, advisory.Submission{State: advisory.Published, Content: advisory.Content{
		Category: category.Phishing, TLP: tlp.Green, Title: `=HYPERLINK("http://login-minato.top/")`, Body: "式", Brand: "+81",
	}})
	must(t, err)
	r := w.as("minato contact", "GET", "/advisories.csv", "").is(200)
	if got := r.header("Content-Type"); got != "text/csv; charset=utf-8" {
		t.Errorf("Content-Type %q", got)
	}
	body, marked := strings.CutPrefix(r.body, "\ufeff")
	if !marked {
		t.Error("Excel needs the byte order mark")
	}
	records, err := csv.NewReader(strings.NewReader(body)).ReadAll()
	must(t, err)
	if len(records) != 7 {
		t.Errorf("%d rows", len(records))
	}
	for _, record := range records {
		for _, c := range record {
			if strings.ContainsAny(c[:min(1, len(c))], "=+-@") {
				t.Errorf("a spreadsheet would run %q", c)
			}
			for _, h := range hostile {
				if strings.Contains(c, h) {
					t.Errorf("%q can be opened", c)
				}
			}
			if strings.Contains(c, "tanaka") || strings.Contains(c, "8841") {
				t.Errorf("%q tells who received it", c)
			}
		}
	}
	found := w.as("minato contact", "POST", "/advisories.csv?category=phishing", form("q", "カード会社")).is(200)
	if records, err = csv.NewReader(strings.NewReader(found.body)).ReadAll(); err != nil || len(records) != 2 {
		t.Errorf("%d lines for a search (%v)", len(records), err)
	}
	w.as("minato contact", "POST", "/advisories.csv", form("q", strings.Repeat("あ", 3000))).is(413)
}

func TestDetail(t *testing.T) {
	w := newWorld(t)
	w.as("yama staff", "GET", w.one("phish"), "").is(200).safe().
		has("TLP:AMBER+STRICT", "会員の施設の中だけで共有できます", "フィッシング（リンク）", "うちにも届いた", "登録から 38 分",
			"hxxps://login-minato[.]top/auth/?uid=*&amp;mail=*", "を隠したものです", "&lt;script&gt;", "List of known google domains", "フィルターには入りません").
		lacks("tanaka", "/publish", "/withdraw", "/edit\"", "佐藤 花子")
	w.as("isac analyst", "GET", w.one("phish"), "").is(200).has(w.one("phish")+"/withdraw", w.one("phish")+"/edit", "やまなみ市民病院").lacks(w.one("phish") + "/see")
	w.as("aoba contact", "GET", w.one("phish"), "").is(404)
	w.as("minato contact", "GET", w.one("waiting"), "").is(404)
	w.as("yama contact", "GET", w.one("waiting red"), "").is(404)
	w.as("minato contact", "GET", w.one("shop"), "").is(200).has("この情報は取り下げられました", "正規の通販サイトだったため。hxxp://xn--fiqs8s[.]xyz/ は無関係でした。").lacks(w.one("shop") + "/see")
	w.as("minato contact", "GET", "/advisories/99999999", "").is(404)
	w.as("minato contact", "GET", "/advisories/abc", "").is(404)
	w.as("isac analyst", "GET", w.one("waiting"), "").is(200).has("同じものかもしれません", "カード会社を装うサイト")
}

func TestSightings(t *testing.T) {
	w := newWorld(t)
	w.as("minato staff", "POST", w.one("phish")+"/see", "").is(303)
	w.as("minato staff", "GET", w.one("phish"), "").has("3施設未満", "に知らせました")
	w.as("isac analyst", "GET", w.one("phish"), "").has("2<small>施設", "やまなみ市民病院")
	w.as("minato contact", "POST", w.one("phish")+"/unsee", "").is(303)
	w.as("minato staff", "GET", w.one("phish"), "").has("3施設未満").lacks("に知らせました")
	w.as("isac analyst", "POST", w.one("phish")+"/see", "").is(403)
	w.as("aoba contact", "POST", w.one("phish")+"/see", "").is(403)
	w.as("aoba contact", "POST", w.one("card")+"/see", "").is(403)
	w.as("minato executive", "POST", w.one("phish")+"/see", "").is(403)
	w.as("minato staff", "POST", w.one("shop")+"/see", "").is(409)
}

func TestComments(t *testing.T) {
	w := newWorld(t)
	at := w.one("phish")
	w.as("minato staff", "POST", at+"/comments", form("body", " ")).is(422).safe().has("コメントが空です")
	w.as("minato staff", "POST", at+"/comments", form("body", "http://evil-cdn.top/x も <b>見ました</b>")).is(303)
	r := w.as("yama staff", "GET", at, "").safe().has("hxxp://evil-cdn[.]top/x も &lt;b&gt;見ました").lacks("田中 美咲")
	w.as("minato staff", "GET", at, "").has("/comments/2/remove")
	if strings.Contains(r.body, "/comments/2/remove") {
		t.Error("another institution may not remove it")
	}
	w.as("yama staff", "POST", at+"/comments/2/remove", "").is(404)
	w.as("minato staff", "POST", at+"/comments/2/remove", "").is(303)
	w.as("yama staff", "GET", at, "").lacks("も見ました", "見ました")
	w.as("minato staff", "POST", at+"/comments/2/restore", "").is(303)
	w.as("yama staff", "GET", at, "").has("見ました")

	// What the ISAC has taken away stays away; its author is told, others see
	// nothing of it, and the ISAC can bring it back.
	w.as("isac analyst", "POST", at+"/comments/2/remove", "").is(303)
	said := w.as("minato staff", "GET", at, "").is(200).safe().has("ISAC の担当者が消しました", "見ました", `コメント <span class="count">1</span>`)
	said.lacks("/comments/2/remove", "/comments/2/restore")
	w.as("minato staff", "POST", at+"/comments/2/restore", "").is(403).has("書いた人が戻すことはできません")
	w.as("minato staff", "POST", at+"/comments/2/remove", "").is(403)
	w.as("yama staff", "POST", at+"/comments/2/restore", "").is(404)
	for _, who := range []string{"minato contact", "yama staff"} {
		w.as(who, "GET", at, "").is(200).lacks("見ました", "消した")
	}
	w.as("isac operator", "GET", at, "").is(200).safe().has("ISAC の担当者が消したコメントです", at+"/comments/2/restore")
	w.as("isac operator", "POST", at+"/comments/2/restore", "").is(303)
	w.as("yama staff", "GET", at, "").is(200).has("見ました")
	w.as("minato staff", "GET", at, "").is(200).has("/comments/2/remove")

	w.as("minato executive", "POST", at+"/comments", form("body", "a")).is(403)
}

func TestPublish(t *testing.T) {
	w := newWorld(t)
	at := w.one("waiting")
	w.as("yama contact", "POST", at+"/publish", "").is(403)
	w.as("isac analyst", "GET", "/review", "").is(200).safe().has("宅配業者を装う SMS", "9 時間待ち", "同じものかもしれません", `data-confirm="TLP:GREEN`)
	// TLP:GREEN reaches many: it is asked once more.
	w.as("isac analyst", "POST", at+"/publish", w.seen("waiting", "next", "review")).is(200).safe().has("TLP:GREEN で公開します", `name="confirm" value="yes"`, `name="revision" value="1"`)
	w.as("minato contact", "GET", at, "").is(404)
	// What changed since the page was shown is not what was decided about.
	w.as("isac analyst", "POST", at+"/publish", form("next", "review", "confirm", "yes")).is(409).safe().has("変更")
	if r := w.as("isac analyst", "POST", at+"/publish", w.seen("waiting", "next", "review", "confirm", "yes")).is(303); r.location != "/review" {
		t.Errorf("leads to %s", r.location)
	}
	w.as("minato contact", "GET", at, "").is(200)
	w.as("isac analyst", "POST", at+"/publish", w.seen("waiting", "confirm", "yes")).is(409)
	// RED stays with its source: one click.
	w.as("isac analyst", "POST", w.one("waiting red")+"/publish", w.seen("waiting red")).is(303)
	w.as("isac analyst", "GET", "/review", "").has("確認待ちの情報はありません")
	w.as("minato contact", "GET", "/review", "").is(403)
}

func TestReturnAndWithdraw(t *testing.T) {
	w := newWorld(t)
	w.as("isac analyst", "POST", w.one("waiting")+"/return", form("reason", "")).is(422).safe().has("理由がありません", `href="#f-reason"`, "<details open>")
	w.as("isac analyst", "POST", w.one("waiting")+"/return", form("reason", "届いた日を書いてください。")).is(409).safe().has("届いた日を書いてください。", "<details open>", `name="revision" value="1"`)
	w.as("isac analyst", "POST", w.one("waiting")+"/return", w.seen("waiting", "reason", "届いた日を書いてください。")).is(303)
	w.as("yama contact", "GET", w.one("waiting"), "").has("差し戻されました", "届いた日を書いてください。")
	w.as("yama contact", "GET", "/", "").has("差し戻されました：届いた日を書いてください。", "急ぎ")
	w.as("yama contact", "POST", w.one("phish")+"/withdraw", form("reason", "x")).is(403)
	w.as("isac analyst", "POST", w.one("phish")+"/withdraw", form("reason", "")).is(422)
	w.as("isac analyst", "POST", w.one("phish")+"/withdraw", w.seen("phish", "reason", "誤りでした。")).is(303)
	w.as("minato staff", "GET", w.one("phish"), "").has("この情報は取り下げられました", "誤りでした。")
	w.as("minato contact", "POST", w.one("draft")+"/discard", "").is(303)
	w.as("minato contact", "GET", "/advisories?ours=1", "").lacks("書きかけのお知らせ")
	w.as("minato contact", "POST", w.one("draft")+"/restore", "").is(303)
	w.as("minato contact", "GET", "/advisories?ours=1", "").has("書きかけのお知らせ")
}

func TestRevisions(t *testing.T) {
	w := newWorld(t)
	w.as("minato staff", "GET", w.one("card")+"/revisions", "").is(200).safe().
		has("第 2 版", "新しい URL を加えました。", "<ins>", "hxxps://rakuten-card[.]xyz/new も追加されました。", "最初の版です").lacks("佐藤 花子")
	w.as("isac analyst", "GET", w.one("card")+"/revisions", "").has("佐藤 花子")
	w.as("aoba contact", "GET", w.one("phish")+"/revisions", "").is(404)
}

func TestHelped(t *testing.T) {
	w := newWorld(t)
	w.as("minato staff", "POST", w.one("phish")+"/helped", form("helped", "yes")).is(303)
	w.as("yama staff", "POST", w.one("phish")+"/helped", form("helped", "no")).is(303)
	w.as("minato staff", "GET", w.one("phish"), "").has("役に立った 1・足りなかった 1", `value="yes" aria-pressed="true"`)
	r := w.as("minato staff", "POST", "/search/helped", form("helped", "yes"), "X-Teiten-Part", "1").is(200).has("ありがとうございます")
	if strings.Contains(r.body, "<html") {
		t.Error("the script got a whole page")
	}
	w.as("minato staff", "POST", "/search/helped", form("helped", "yes")).is(303)
}

func TestHome(t *testing.T) {
	w := newWorld(t)
	w.as("minato contact", "GET", "/", "").is(200).safe().
		has("自施設に関係：FortiGate", "差し戻されました：相手の電話番号を書いてください。", "書きかけのお知らせ", "95<small>分", "この 30 日間の 3 件の中央値", `href="/filters"`)
	w.as("yama contact", "GET", "/", "").has("使っている製品を登録する", "使っている製品を登録すると")
	w.as("isac analyst", "GET", "/", "").has("宅配業者を装う SMS", "やまなみ市民病院・登録から 9 時間", "急ぎ", "確認を待っている情報")
	w.as("minato staff", "GET", "/", "").has("開いてしまったら").lacks("書きかけのお知らせ")
	w.as("minato executive", "GET", "/", "").has("傾向を見る").lacks(`href="/advisories/new"`)
}

func TestHomeOfANewPortal(t *testing.T) {
	w := emptyWorld(t, storetest.SQLite(t))
	w.as("minato contact", "GET", "/", "").is(200).safe().has("まだ情報がありません", "最初の情報を登録する", "施設から届いて公開した情報はありません")
	w.as("minato executive", "GET", "/", "").is(200).safe().has("まだ情報がありません").lacks("最初の情報を登録する")
	w.as("isac analyst", "GET", "/review", "").is(200).safe().has("確認待ちの情報はありません")
}

func TestMedian(t *testing.T) {
	if d := median([]time.Duration{10, 500, 30, 20}); d != 25 {
		t.Errorf("median of four: %d", d)
	}
	if d := median([]time.Duration{500, 30, 10}); d != 30 {
		t.Errorf("median of three: %d", d)
	}
}
