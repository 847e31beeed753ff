// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/indicator"
	"teiten/internal/intel"
	"teiten/internal/job"
	"teiten/internal/member"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

// hostile are hosts of the world's attacks: no page may show one so that it
// could be opened, nor hold one in an attribute.
var hostile = []string{
	"login-minato.top", "rakuten-card.xyz", "denshi-karte.shop", "evil-cdn.top", "xn--fiqs8s.xyz", "203.0.113.77",
}

// world is a portal with a real store: an ISAC, two hospitals and a vendor.
type world struct {
	*portal
	db     *store.DB
	people map[string]caller.Caller
	ids    map[string]int64 // of advisories, by a short name
}

func newWorld(t *testing.T) *world { return worldOn(t, storetest.SQLite(t)) }

func worldOn(t *testing.T, db *store.DB) *world {
	t.Helper()
	w := emptyWorld(t, db)
	w.fill()
	return w
}

// emptyWorld has people and nothing that they told.
func emptyWorld(t *testing.T, db *store.DB) *world {
	t.Helper()
	ctx := t.Context()
	w := &world{db: db, people: map[string]caller.Caller{}, ids: map[string]int64{}}
	var all people
	must(t, db.Write(ctx, caller.System("test"), func(tx *store.Tx) error {
		for _, o := range []struct {
			kind  caller.OrgKind
			name  string
			short string
			roles []caller.Role
		}{
			{caller.ISAC, "医療セキュリティ情報共有センター", "isac", []caller.Role{caller.Operator, caller.Analyst}},
			{caller.Institution, "みなと総合病院", "minato", []caller.Role{caller.Contact, caller.Staff, caller.Executive}},
			{caller.Institution, "やまなみ市民病院", "yama", []caller.Role{caller.Contact, caller.Staff}},
			{caller.Vendor, "あおば医療システム", "aoba", []caller.Role{caller.Contact}},
		} {
			org, err := member.AddOrganisation(ctx, tx, member.Organisation{Kind: o.kind, Name: o.name})
			if err != nil {
				return err
			}
			for _, role := range o.roles {
				id, err := member.AddAccount(ctx, tx, member.Account{Org: member.Organisation{ID: org}, Name: names[o.short+string(role)], Role: role})
				if err != nil {
					return err
				}
				c, err := member.Caller(ctx, tx, id, "web")
				if err != nil {
					return err
				}
				w.people[o.short+" "+string(role)] = c
				all = append(all, c)
			}
		}
		return nil
	}))
	must(t, member.AddInterest(ctx, db, w.people["minato contact"], member.Interest{
		Org: w.people["minato contact"].Org, Kind: member.Product, Value: "FortiGate"}))
	_, err := member.AddDomain(ctx, db, w.people["isac operator"], w.people["minato contact"].Org, "minato-hp.jp")
	must(t, err)
	w.portal = newPortal(t, func(c *Config) {
		c.Personas, c.Default, c.DB, c.Guards = all, 0, db, intel.NewGuards(db)
		c.Now = time.Now
	})
	return w
}

var names = map[string]string{
	"isacoperator": "高橋 修", "isacanalyst": "佐藤 花子", "minatocontact": "鈴木 一郎", "minatostaff": "田中 美咲",
	"minatoexecutive": "渡辺 誠", "yamacontact": "山本 恵", "yamastaff": "中村 翔", "aobacontact": "小林 健",
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// as sends a request as one of the world's people.
func (w *world) as(who, method, target, form string, header ...string) *response {
	w.t.Helper()
	c, known := w.people[who]
	if !known {
		w.t.Fatalf("nobody is %q", who)
	}
	header = append(header, "Cookie", "teiten-persona="+strconv.FormatInt(c.Account, 10), "Accept-Language", "ja")
	resp := w.do(method, target, form, header...)
	return &response{t: w.t, status: resp.StatusCode, body: text(w.t, resp), location: resp.Header.Get("Location"), header: resp.Header.Get}
}

// seen is what the form of a button sends: the revision on the page, and pairs.
func (w *world) seen(name string, pairs ...string) string {
	w.t.Helper()
	a, err := advisory.Get(context.Background(), w.db, w.people["isac analyst"], w.ids[name])
	must(w.t, err)
	return form(append(pairs, "revision", itoa(a.Revision))...)
}

// one is the address of an advisory of the world.
func (w *world) one(name string) string { return "/advisories/" + itoa(w.ids[name]) }

func marksOf(t testing.TB, s string) []indicator.Value {
	t.Helper()
	return distinctValues(indicator.Extract(s))
}

// fill registers what tests and pictures show.
func (w *world) fill() {
	t, ctx := w.t, w.t.Context()
	t.Helper()
	now := time.Now()
	g, err := w.Guards.Current(ctx)
	must(t, err)
	submit := func(name, who string, c advisory.Content, state advisory.State, ago, until time.Duration) {
		c.ObservedAt = now.Add(-ago - 2*time.Hour)
		id, err := advisory.Submit(ctx, w.db, w.people[who], g, advisory.Submission{Content: c, State: state, RegisteredAt: now.Add(-ago)})
		must(t, err)
		w.ids[name] = id
		if until > 0 {
			must(t, advisory.Publish(store.At(ctx, now.Add(-ago+until)), w.db, w.people["isac analyst"], g, id, 1))
		}
	}
	submit("phish", "minato contact", advisory.Content{
		Category: category.Phishing, TLP: tlp.AmberStrict, Title: "職員ポータルを装うフィッシング http://login-minato.top/ に注意", Brand: "みなと総合病院",
		Body: "朝 7 時ごろ、**全職員**に次のメールが届きました。\n\n- 件名：【至急】パスワードの有効期限\n- 差出人：`support@login-minato.top`\n\n" +
			"リンク先は https://login-minato.top/auth/?uid=8841&mail=tanaka%40minato-hp.jp でした。\n\n> 24 時間以内に更新しない場合、アカウントを停止します。\n\n" +
			"### 対応\n\n1. メールを削除\n2. [ログイン](https://login-minato.top/x) を開いた職員のパスワードを変更\n\n<script>alert(1)</script> <img src=//evil-cdn.top/a.png>",
		Techniques: []string{"T1566.002"},
		Indicators: marksOf(t, "https://login-minato.top/auth/?uid=8841&mail=tanaka%40minato-hp.jp login-minato.top support@login-minato.top https://www.google.com/ 203.0.113.77"),
	}, advisory.InReview, 50*time.Hour, 38*time.Minute)
	submit("vpn", "isac analyst", advisory.Content{
		Category: category.Notice, NoticeKind: category.ExploitedVulnerability, TLP: tlp.Clear, Title: "FortiGate の SSL-VPN の弱点が攻撃に使われています",
		Body: "対象の版を使っている施設は、**今日中に**更新してください。\n\n更新できない場合は、SSL-VPN を止めてください。", Products: "FortiGate\nFortiProxy",
	}, advisory.InReview, 20*time.Hour, 10*time.Minute)
	submit("invoice", "yama contact", advisory.Content{
		Category: category.Targeted, TLP: tlp.Amber, Title: "電子カルテの保守業者を名乗る請求メール", Brand: "あおば医療システム",
		Body:       "添付の Excel を開くとマクロが動き、http://denshi-karte.shop/inv/2026.xlsm を読み込みます。",
		Techniques: []string{"T1566.001", "T1204.002"},
		Indicators: marksOf(t, "http://denshi-karte.shop/inv/2026.xlsm e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
	}, advisory.InReview, 30*time.Hour, 95*time.Minute)
	submit("card", "isac analyst", advisory.Content{
		Category: category.Phishing, TLP: tlp.Green, Title: "カード会社を装うサイト", Brand: "楽天カード",
		Body: "https://rakuten-card.xyz/login と https://rakuten-card.xyz/verify が確認されています。", Indicators: marksOf(t, "https://rakuten-card.xyz/login https://rakuten-card.xyz/verify"),
	}, advisory.Published, 90*time.Hour, 0)
	submit("shop", "yama staff", advisory.Content{
		Category: category.MaliciousSite, TLP: tlp.Green, Title: "医療用手袋の偽通販サイト", Body: "格安をうたう偽の通販です。http://xn--fiqs8s.xyz/ に誘導されます。",
		Indicators: marksOf(t, "http://xn--fiqs8s.xyz/"),
	}, advisory.InReview, 100*time.Hour, 5*time.Hour)
	submit("waiting", "yama contact", advisory.Content{
		Category: category.Phishing, TLP: tlp.Green, Title: "宅配業者を装う SMS：再配達のお知らせ", Body: "http://rakuten-card.xyz/re に誘導されます。",
		Indicators: marksOf(t, "http://rakuten-card.xyz/re"),
	}, advisory.InReview, 9*time.Hour, 0)
	submit("waiting red", "minato staff", advisory.Content{
		Category: category.Targeted, TLP: tlp.Red, Title: "院長を名乗る振り込み依頼", Body: "経理あてに届きました。",
	}, advisory.InReview, 40*time.Minute, 0)
	submit("draft", "minato contact", advisory.Content{Category: category.Notice, TLP: tlp.AmberStrict, Title: "書きかけのお知らせ"}, advisory.Draft, time.Hour, 0)
	submit("returned", "minato contact", advisory.Content{
		Category: category.Phishing, TLP: tlp.AmberStrict, Title: "不審な電話", Body: "サポートを名乗る電話がありました。",
	}, advisory.InReview, 3*time.Hour, 0)
	must(t, advisory.Return(ctx, w.db, w.people["isac analyst"], w.ids["returned"], 1, "相手の電話番号を書いてください。"))
	must(t, advisory.Withdraw(ctx, w.db, w.people["isac analyst"], g, w.ids["shop"], 2, "正規の通販サイトだったため。http://xn--fiqs8s.xyz/ は無関係でした。"))
	must(t, advisory.See(ctx, w.db, w.people["yama contact"], w.ids["phish"]))
	_, err = advisory.AddComment(ctx, w.db, w.people["yama contact"], w.ids["phish"], "うちでは http://login-minato.top/auth に誘導されました。\n3 名が開きました。")
	must(t, err)
	fixed, err := advisory.Get(ctx, w.db, w.people["isac analyst"], w.ids["card"])
	must(t, err)
	content := fixed.Content
	content.Body += "\n\nhttps://rakuten-card.xyz/new も追加されました。"
	must(t, advisory.Correct(ctx, w.db, w.people["isac analyst"], g, fixed.ID, fixed.Revision, content, "新しい URL を加えました。"))
	w.work(advisory.ConcernJob, advisory.ConcernWorker(w.db))
}

// work does the jobs of a kind that wait.
func (w *world) work(kind string, worker job.Worker) {
	w.t.Helper()
	rows, err := w.db.Query(context.Background(), `SELECT id, args FROM job WHERE kind = $1`, kind)
	must(w.t, err)
	var jobs []job.Job
	for rows.Next() {
		var j job.Job
		var args string
		must(w.t, rows.Scan(&j.ID, &args))
		j.Kind, j.Args = kind, []byte(args)
		jobs = append(jobs, j)
	}
	must(w.t, rows.Close())
	for _, j := range jobs {
		if err := worker(context.Background(), j); err != nil {
			w.t.Fatal(fmt.Errorf("%s: %w", kind, err))
		}
	}
}
