// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"teiten/internal/caller"
	"teiten/internal/member"
	"teiten/internal/report"
	"teiten/internal/store"
	"teiten/internal/storetest"
)

// campaign is a mail of one wave as each of its recipients gets it.
func campaign(to string) string {
	return "From: \"情報システム課\" <admin@webmail-kanri.example>\nTo: " + to + "\nSubject: 【重要】メールボックスの容量超過による利用停止のお知らせ\n" +
		"Date: Mon, 02 Nov 2026 09:00:00 +0900\nMessage-ID: <" + strings.ReplaceAll(to, "@", ".") + "@webmail-kanri.example>\n" +
		"MIME-Version: 1.0\nContent-Type: text/plain; charset=utf-8\n\n" + to + " 様\n\nメールボックスの容量が上限を超えました。" +
		"本日中に下記から本人確認をしてください。手続きをされない場合、受信したメールはすべて削除され、アカウントは停止されます。\n" +
		"https://webmail-kanri.example/owa/?u=" + to + "\n\nお問い合わせは情報システム課までお願いします。\n"
}

// join gives an organisation a domain and an address, and a person of it a
// mail address there.
func (w *world) join(c caller.Caller, domain string) (sender string, a Address) {
	w.t.Helper()
	if _, err := member.AddDomain(ctx, w.db, w.p.Operator, c.Org, domain); err != nil {
		w.t.Fatal(err)
	}
	a, err := w.box.AddAddress(ctx, w.p.Operator, c.Org)
	if err != nil {
		w.t.Fatal(err)
	}
	sender = fmt.Sprintf("p%d@%s", c.Account, domain)
	w.exec("UPDATE account SET mail = $1 WHERE id = $2", sender, c.Account)
	return sender, a
}

// Who reports a mail is told that others received it too: how many and since
// when to those who may know, and else that there were some.
func TestOthersReceivedItToo(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w, s := answering(t, db, Limits{})
		w.serve()
		fromB, toB := w.join(w.p.StaffB, "otsu-byouin.example.jp")
		fromV, toV := w.join(w.p.ContactV, "hei-sha.example.jp")
		fromISAC, toISAC := w.join(w.p.Analyst, "isac.example.jp")
		tell := func(from string, to Address) string {
			t.Helper()
			if got := w.deliver(from, to.Address, forward(from, "x", campaign(from))); !strings.HasPrefix(got, "250") {
				t.Fatal(got)
			}
			w.drain()
			all := s.all()
			if last := all[len(all)-1]; last.to == from {
				return last.body
			}
			t.Fatalf("%s was not answered\n%s", from, w.log)
			return ""
		}
		head, also, counted := "■ ほかの施設", "同じ種類のメールを報告した施設: ", "この通報をもとに情報が公開されると、あなたの施設は「うちにも届いた」"
		today := time.Now().In(time.FixedZone("", 9*60*60)).Format("2006年1月2日")

		// Nobody else yet.
		if body := tell(hanako, w.address); strings.Contains(body, also) || !strings.Contains(body, head+"\n"+counted) {
			t.Errorf("the first is told\n%s", body)
		}
		// With one other, a number or a day would tell which: neither is said,
		// whatever the other is called.
		body := tell(fromB, toB)
		if !strings.Contains(body, head+"\n"+also+"3施設未満\n") || strings.Contains(body, today) || strings.Contains(body, "甲病院") || strings.Contains(body, hanako) {
			t.Errorf("the second institution is told\n%s", body)
		}
		// The ISAC's analysts know them all.
		if body := tell(fromISAC, toISAC); !strings.Contains(body, also+"2 ("+today+" から)\n") || strings.Contains(body, counted) {
			t.Errorf("an analyst is told\n%s", body)
		}
		if body := tell(fromV, toV); !strings.Contains(body, also+"3 ("+today+" から)\n") {
			t.Errorf("with three of them a member is told\n%s", body)
		}
		// One's own institution knows since when it has it itself.
		if body := tell(taro, w.address); !strings.Contains(body, also+"4 ("+today+" から)\n") {
			t.Errorf("another of the first institution is told\n%s", body)
		}
		if n := w.count(`SELECT COUNT(DISTINCT case_id) FROM mail_report`); n != 1 {
			t.Fatalf("%d cases of one wave", n)
		}
		// What was found to be no attack is not told of any more.
		var of int64
		if err := db.QueryRow(ctx, `SELECT MIN(id) FROM mail_case`).Scan(&of); err != nil {
			t.Fatal(err)
		}
		k, err := report.GetCase(ctx, db, w.p.Analyst, of)
		if err != nil {
			t.Fatal(err)
		}
		if err := report.Dismiss(ctx, db, w.p.Analyst, of, k.Revision, "本物でした"); err != nil {
			t.Fatal(err)
		}
		if body := tell("x@kou-byouin.example.jp", w.address); strings.Contains(body, also) {
			t.Errorf("of a dismissed wave one is told\n%s", body)
		}
		for _, a := range s.all() {
			if found := linkLike.FindString(a.body); found != "" {
				t.Errorf("something like a link, %q, in\n%s", found, a.body)
			}
			if strings.Contains(a.body, "このメールを通報") {
				t.Errorf("who has reported is asked to report\n%s", a.body)
			}
		}
	})
}
