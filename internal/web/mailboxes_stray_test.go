// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strings"
	"testing"

	"teiten/internal/store"
	"teiten/internal/storetest"
)

// An institution's contact finds a mail from outside in the log, looks into it,
// and decides; what she accepts is shown as a report by mail.
func TestMailFromOutside(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		m := newMatrix(t, db)
		contact, staff, operator, analyst := m.named("a contact"), m.named("a staff"), m.named("isac operator"), m.named("isac analyst")
		ask := func(p *somebody, method, target, content string) *response {
			t.Helper()
			m.signedIn(p)
			a := m.ask(p, method, target, content, "")
			return &response{t: t, status: a.status, body: a.text, location: a.to}
		}
		id := m.thingOf("kanaristraya")
		page := "/mailbox/mails/" + itoa(id)
		ask(contact, "GET", "/mailbox", "").is(200).has(`href="`+page+`"`, "施設の外から届いたもの", `href="/mailbox?show=outside"`)
		ask(contact, "GET", "/mailbox?show=outside", "").is(200).has(`href="` + page + `"`)
		// Operators see that there is one, and not what is in it.
		org := "?org=" + itoa(m.orgs["a"])
		ask(operator, "GET", "/mailbox"+org, "").is(200).has("施設の外から").lacks(page)
		ask(operator, "GET", page, "").is(404)
		ask(contact, "GET", page, "").is(200).has("kanaristrayafrom", "kanaristrayatext", "この差出人からの通報として受け付ける").inert("wave40.example")
		// To throw it away is asked once more.
		ask(contact, "POST", page+"/discard", "x=").is(200).has(`name="confirm"`, "元に戻すことはできません")
		ask(contact, "GET", page, "").is(200)
		done := ask(contact, "POST", page+"/accept", "x=").is(303)
		if !strings.HasPrefix(done.location, "/reports/") {
			t.Fatalf("it leads to %s", done.location)
		}
		ask(contact, "GET", done.location, "").is(200).has("メールでの通報", "施設の外のアドレスから届き", "@in."+matrixHost)
		ask(contact, "GET", "/reports", "").is(200).has("メールでの通報", "共用の端末")
		ask(analyst, "GET", done.location, "").is(200).lacks("メールでの通報", "kanaristrayafrom", "@in."+matrixHost)
		ask(staff, "GET", done.location, "").is(404)
		ask(contact, "GET", page, "").is(409)
		ask(contact, "GET", "/mailbox?show=outside", "").is(200).lacks(page)
		// The other institution's is discarded.
		other := m.named("b contact")
		page = "/mailbox/mails/" + itoa(m.thingOf("kanaristrayb"))
		ask(contact, "GET", page, "").is(404)
		ask(contact, "POST", page+"/discard", form("confirm", "yes")).is(404)
		ask(other, "POST", page+"/discard", form("confirm", "yes")).is(303)
		ask(other, "GET", "/mailbox", "").is(200).has("捨てた").lacks(page)
	})
}

// thingOf is the id of the thing that has the word.
func (m *matrix) thingOf(word string) int64 {
	m.t.Helper()
	for _, o := range m.things {
		if o.canary == word {
			return o.id
		}
	}
	m.t.Fatalf("nothing is called %s", word)
	return 0
}

// More than a page of the log is turned over, and only by its institution.
func TestMailboxLogPages(t *testing.T) {
	db := storetest.SQLite(t)
	m := newMatrix(t, db)
	contact := m.named("a contact")
	m.signedIn(contact)
	err := db.Keep(t.Context(), func(tx *store.Tx) error {
		for range mailboxRows + 5 {
			if _, err := tx.Exec(t.Context(), `INSERT INTO mailbox_mail (organisation_id, address_id, imap_id, account_id, received_at, size, blob, sender, sender_key,
				state, reason, verdict, report_id, answer, answer_id, handled_at) VALUES ($1, 1, 0, 0, $2, 77777, '', $3, 1, 'bounce', '', '', 0, 'none', 0, 0)`,
				m.orgs["a"], store.Micros(tx.Now), []byte{}); err != nil {
				return err
			}
		}
		return nil
	})
	must(t, err)
	rows := func(target string) (int, string) {
		t.Helper()
		a := m.ask(contact, "GET", target, "", "")
		if a.status != 200 {
			t.Fatalf("%s: status %d", target, a.status)
		}
		next := ""
		if _, rest, ok := strings.Cut(a.text, `href="/mailbox?after=`); ok {
			next, _, _ = strings.Cut(rest, `"`)
			next = "/mailbox?after=" + next
		}
		return strings.Count(a.text, "配信の知らせ"), next
	}
	n, next := rows("/mailbox")
	if n != mailboxRows || next == "" {
		t.Fatalf("%d rows, then %q", n, next)
	}
	if n, next := rows(next); n != 5 || next != "" {
		t.Errorf("%d rows, then %q", n, next)
	}
}
