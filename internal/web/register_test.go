// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"teiten/internal/advisory"
	"teiten/internal/indicator"
	"teiten/internal/tlp"
)

// registration is a form that goes through.
func registration(change ...string) string {
	v := []string{"category", "phishing", "tlp", "amber-strict", "title", "銀行を装うメール", "body", "外来の端末に届きました。", "paste", "http://evil-cdn.top/a\nhttp://evil-cdn.top/b", "state", "in_review"}
	for i := 0; i+1 < len(change); i += 2 {
		if j := slices.Index(v, change[i]); j >= 0 && j%2 == 0 {
			v[j+1] = change[i+1]
		} else {
			v = append(v, change[i], change[i+1])
		}
	}
	return form(v...)
}

// created reads the advisory that an answer leads to.
func (w *world) created(r *response) *advisory.Advisory {
	w.t.Helper()
	id, err := strconv.ParseInt(strings.TrimPrefix(r.is(303).location, "/advisories/"), 10, 64)
	must(w.t, err)
	a, err := advisory.Get(w.t.Context(), w.db, w.people["isac analyst"], id)
	must(w.t, err)
	return a
}

func TestRegister(t *testing.T) {
	w := newWorld(t)
	w.as("minato staff", "GET", "/advisories/new", "").is(200).safe().has("確認に出す", "下書きに保存", "会員の施設の中だけ。取引先には見せません。").lacks("今すぐ公開する")
	w.as("minato executive", "GET", "/advisories/new", "").is(403)
	a := w.created(w.as("minato staff", "POST", "/advisories", registration(
		"observed_at", "2026-03-04", "techniques", "T1566.002", "omit", "hxxp://evil-cdn[.]top/b", "related", itoa(w.ids["card"]), "duplicate_of", itoa(w.ids["phish"]))))
	if a.State != advisory.InReview || a.TLP != tlp.AmberStrict || a.Title != "銀行を装うメール" || a.OrgName != "みなと総合病院" {
		t.Errorf("%+v", a)
	}
	if len(a.Indicators) != 1 || a.Indicators[0].Value != "http://evil-cdn.top/a" || a.Indicators[0].Written != "http://evil-cdn.top/a" {
		t.Errorf("indicators %v", a.Indicators)
	}
	if !slices.Equal(a.Techniques, []string{"T1566.002"}) || !slices.Equal(a.Related, []int64{w.ids["card"]}) || a.DuplicateOf != w.ids["phish"] {
		t.Errorf("techniques %v, related %v, duplicate of %d", a.Techniques, a.Related, a.DuplicateOf)
	}
	if got := a.ObservedAt.In(tokyo).Format("2006-01-02 15:04"); got != "2026-03-04 00:00" {
		t.Errorf("observed %s", got)
	}
	// The page says so once, and offers to take it back.
	r := w.as("minato staff", "POST", "/advisories", registration("state", "draft", "body", ""))
	draft := w.created(r)
	if draft.State != advisory.Draft {
		t.Errorf("state %s", draft.State)
	}
	w.as("minato staff", "POST", "/advisories", registration("state", "published")).is(403)
	if a := w.created(w.as("isac analyst", "POST", "/advisories", registration("state", "published"))); a.State != advisory.Published {
		t.Errorf("state %s", a.State)
	}
}

func TestRegisterRefused(t *testing.T) {
	w := newWorld(t)
	for name, change := range map[string][]string{
		"f-title":          {"title", ""},
		"f-body":           {"body", ""},
		"f-tlp":            {"tlp", "purple"},
		"f-category":       {"category", "x"},
		"f-notice_kind":    {"category", "notice"},
		"f-observed_at":    {"observed_at", "昨日"},
		"f-paste":          {"paste", strings.Repeat("a", 5<<20)},
		"advisory.unknown": {"techniques", "T9999"},
	} {
		r := w.as("minato staff", "POST", "/advisories", registration(change...)).is(422).safe().has(`id="errors"`)
		if strings.HasPrefix(name, "f-") {
			r.has(`href="#`+name+`"`, name+"-error")
		}
		if name != "f-body" {
			r.has("外来の端末に届きました。") // nothing is lost
		}
	}
}

func TestRegisterAsksFirst(t *testing.T) {
	w := newWorld(t)
	personal := []string{"body", "患者ID：00123456 の山田太郎様（090-1234-5678）に届きました。"}
	w.as("minato staff", "POST", "/advisories", registration(personal...)).is(422).safe().
		has("登録する前に確かめてください", "患者さんの番号", "00123456", "電話番号", "山田太郎様", `name="personal"`)
	w.created(w.as("minato staff", "POST", "/advisories", registration(append(personal, "personal", "yes")...)))
	w.created(w.as("minato staff", "POST", "/advisories", registration(append(personal, "state", "draft")...))) // not shared yet

	wide := []string{"state", "published", "tlp", "clear"}
	w.as("isac analyst", "POST", "/advisories", registration(wide...)).is(422).safe().has("TLP:CLEAR で公開します", `name="confirm"`)
	if a := w.created(w.as("isac analyst", "POST", "/advisories", registration(append(wide, "confirm", "yes")...))); a.State != advisory.Published || a.TLP != tlp.Clear {
		t.Errorf("%s %s", a.State, a.TLP)
	}
}

func TestRegisterPreview(t *testing.T) {
	w := newWorld(t)
	r := w.as("minato staff", "POST", "/advisories/preview", registration(
		"title", "カード会社を装うサイト", "body", "**偽のログイン画面**で ID とパスワードを盗むフィッシングです。",
		"paste", "http://rakuten-card.xyz/re https://www.google.com/ https://rakuten-card.xyz/login?mail=tanaka@minato-hp.jp", "omit", "hxxp://rakuten-card[.]xyz/re")).is(200).safe().
		has("3 件の指標を取り出しました", "List of known google domains", "同じ情報があるかもしれません", "カード会社を装うサイト", "「うちにも届いた」を押してください",
			`class="omitted"`, "合いそうな攻撃手法", "<strong>偽のログイン画面</strong>", "を隠したものです")
	if strings.Contains(r.body, "<html") {
		t.Error("the preview is a whole page")
	}
	w.as("minato staff", "POST", "/advisories/preview", form("paste", "")).is(200).has("貼り付けた文面から取り出した指標が、ここに出ます")
	w.as("minato staff", "POST", "/advisories", registration("state", "preview")).is(200).safe().has("hxxp://evil-cdn[.]top/a", "銀行を装うメール")
	// From a search: what was pasted there is in the form, defanged.
	w.as("minato staff", "POST", "/advisories/new", form("paste", "hxxp://evil-cdn[.]top/a")).is(200).safe().has("hxxp://evil-cdn[.]top/a", "1 件の指標")
	w.as("minato executive", "POST", "/advisories/preview", registration()).is(403)
}

func TestEdit(t *testing.T) {
	w := newWorld(t)
	at := w.one("waiting")
	before, err := advisory.Get(t.Context(), w.db, w.people["yama contact"], w.ids["waiting"])
	must(t, err)
	revision := itoa(before.Revision)
	w.as("yama contact", "GET", at+"/edit", "").is(200).safe().has("宅配業者を装う SMS", "hxxp://rakuten-card[.]xyz/re", `name="revision" value="`+revision+`"`, `action="`+at+`/edit"`)
	w.as("minato contact", "GET", at+"/edit", "").is(404)
	w.as("yama contact", "GET", w.one("invoice")+"/edit", "").is(403)
	change := []string{"revision", revision, "tlp", "green", "category", "phishing", "title", "宅配業者を装う SMS", "paste", "hxxp://rakuten-card[.]xyz/re\nhxxp://evil-cdn[.]top/new"}
	after := w.created(w.as("yama contact", "POST", at+"/edit", registration(change...)))
	if after.Title != "宅配業者を装う SMS" || len(after.Indicators) != 2 || after.Revision != before.Revision+1 {
		t.Errorf("%+v", after)
	}
	i := slices.IndexFunc(after.Indicators, func(v indicator.Value) bool { return v.Value == "http://rakuten-card.xyz/re" })
	if i < 0 || after.Indicators[i].Written != "http://rakuten-card.xyz/re" {
		t.Errorf("the form in which an indicator came is lost: %+v", after.Indicators)
	}
	// Two people at once: the second sees what the first did, and loses nothing.
	change[5+2], change[3+2] = "私の題名", "phishing"
	r := w.as("isac analyst", "POST", at+"/edit", registration("revision", revision, "tlp", "green", "title", "私の題名")).is(409).safe().
		has("ほかの人が先に変更しました", "私の題名", `name="revision" value="`+itoa(after.Revision)+`"`)
	if !strings.Contains(r.body, "<ins>") || !strings.Contains(r.body, "<del>") {
		t.Error("the difference is not shown")
	}
	if got := w.created(w.as("isac analyst", "POST", at+"/edit", registration("revision", itoa(after.Revision), "title", "私の題名", "state", "published"))); got.State != advisory.Published || got.Title != "私の題名" {
		t.Errorf("%s %q", got.State, got.Title)
	}
}

func TestCorrect(t *testing.T) {
	w := newWorld(t)
	at := w.one("phish")
	a, err := advisory.Get(t.Context(), w.db, w.people["isac analyst"], w.ids["phish"])
	must(t, err)
	w.as("minato contact", "GET", at+"/edit", "").is(403)
	w.as("isac analyst", "GET", at+"/edit", "").is(200).safe().has("訂正の理由", `action="`+at+`/correct"`, "訂正を公開する").lacks("下書きに保存")
	form := func(more ...string) string {
		return registration(append([]string{"revision", itoa(a.Revision), "title", "訂正した題名"}, more...)...)
	}
	w.as("isac analyst", "POST", at+"/correct", form("reason", "")).is(422).safe().has("理由がありません", "訂正した題名")
	w.as("minato contact", "POST", at+"/correct", form("reason", "x")).is(403)
	got := w.created(w.as("isac analyst", "POST", at+"/correct", form("reason", "題名を直しました。")))
	if got.State != advisory.Corrected || got.Reason != "題名を直しました。" {
		t.Errorf("%s %q", got.State, got.Reason)
	}
	w.as("minato staff", "GET", at, "").has("この情報は訂正されました", "題名を直しました。", "訂正した題名")
}

func TestPersonal(t *testing.T) {
	for text, want := range map[string]string{
		"患者ID 00123456":                      "patient",
		"診察券番号：１２３４５６７":                      "patient",
		"カルテNo.0012-3456":                    "patient",
		"生年月日 昭和40年3月4日":                     "birth",
		"被保険者番号 12345678":                    "insurance",
		"03-1234-5678 に電話":                   "phone",
		"０９０ー１２３４ー５６７８":                      "phone",
		"09012345678":                        "phone",
		"tanaka@minato-hp.jp に届いた":           "mail",
		"山田太郎様あてのメール":                        "name",
		"鈴木さんが開きました":                         "name",
		"患者様への案内":                            "",
		"お客様各位":                              "",
		"2026年3月4日 09:05 に届きました。":            "",
		"CVE-2026-12345 の更新、バージョン 1.2.3":     "",
		"同様の仕様です":                            "",
		"http://evil.example.com/?id=123456": "",
	} {
		var kinds []string
		for _, h := range personal(text) {
			kinds = append(kinds, h.Kind)
		}
		if got := strings.Join(slices.Compact(kinds), " "); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
