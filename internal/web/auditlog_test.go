// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/csv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"

	"teiten/internal/audit"
	"teiten/internal/blob"
	"teiten/internal/caller"
	"teiten/internal/locale"
	"teiten/internal/store"
)

func init() {
	q := sampleRequest(locale.Japanese)
	page := &auditPage{Own: true, Narrowed: true, CSV: "/audit.csv", Checkpoint: &audit.Checkpoint{Size: 12, At: testNow}, Verifier: "teiten/audit/0+1+2",
		Records: []auditRow{{At: testNow, Actor: "鈴木", Theirs: "/audit?person=3", Role: caller.Contact, Org: "みなと総合病院", Device: "端末 医事課 1", Action: "変更", Code: "account.change",
			Object: "account/3", Changes: []auditChange{{"role", "staff", "contact"}, {"mail", "", "h:00"}}}}}
	page.Form.From, page.Form.To = q.Field("date", "from", "tools.audit.from"), q.Field("date", "to", "tools.audit.to")
	page.Form.Action = q.Field("select", "action", "tools.audit.what")
	page.Form.Object, page.Form.Person = q.Field("text", "object", "tools.audit.of"), q.Field("select", "person", "tools.audit.who")
	sample("auditlog", page)
	plain := &auditPage{Form: page.Form, Records: []auditRow{
		{At: testNow, Actor: "佐藤", Role: caller.Analyst, Org: "ISAC", Action: "公開", Code: "advisory.publish", Object: "情報 3", Href: "/advisories/3", Detail: []auditDetail{{"tlp", "GREEN"}}},
		{At: testNow, Actor: "プログラム", Action: "x.y", Code: "x.y", Object: "x/1"}}}
	sample("auditlog", plain)
	sample("auditlog", &auditPage{Form: page.Form})
	refused := *page
	refused.Records, refused.Checkpoint, refused.CSV = nil, nil, ""
	refused.Form.Object.Error = "だめ"
	refused.Errors = Summary(refused.Form.fields()...)
	sample("auditlog", &refused)
}

// reads counts who looked at the trail.
func (w *world) reads(action string) (n int) {
	w.t.Helper()
	must(w.t, w.db.QueryRow(w.t.Context(), `SELECT COUNT(*) FROM audit WHERE action = $1`, action).Scan(&n))
	return n
}

func TestAuditPage(t *testing.T) {
	w := newWorld(t)
	must(t, w.db.Write(t.Context(), w.people["minato contact"], func(tx *store.Tx) error {
		return audit.Append(t.Context(), tx, "account.change", "account/3", "role", audit.Delta{Before: "staff", After: "<b>contact"}, "value", "http://login-minato.top/")
	}))
	w.as("isac operator", "GET", "/audit", "").is(200).safe().has("山本 恵", "鈴木 一郎", "<del>staff</del>", "<ins>&lt;b&gt;contact</ins>", "まだ署名していません")
	if n := w.reads("audit.read"); n != 1 {
		t.Errorf("%d readings are recorded", n)
	}
	// A contact sees her own institution's and nothing else.
	page := w.as("minato contact", "GET", "/audit", "").is(200).safe().has("鈴木 一郎", "あなたの施設の人").lacks("山本 恵", "佐藤 花子", "高橋 修", "やまなみ")
	if n := strings.Count(page.body, `<th scope="row">`); n == 0 {
		t.Error("she sees nothing")
	}
	w.as("minato contact", "GET", "/audit?person="+itoa(w.people["yama contact"].Account), "").is(200).safe().has("当てはまる記録はありません")
	w.as("aoba contact", "GET", "/audit", "").is(200).safe().lacks("鈴木 一郎", "みなと")
	for _, who := range []string{"minato staff", "minato executive", "isac analyst"} {
		for _, target := range []string{"/audit", "/audit.csv", "/audit/checkpoint"} {
			w.as(who, "GET", target, "").is(403)
		}
	}
	// Narrowing.
	w.as("isac operator", "GET", "/audit?action=sighting.add", "").is(200).safe().has("「うちにも届いた」を登録", "山本 恵").lacks("<del>")
	w.as("isac operator", "GET", "/audit?object=advisory/"+itoa(w.ids["phish"]), "").is(200).safe().has("情報を公開").lacks("<del>")
	w.as("isac operator", "GET", "/audit?from=2020-01-01&to=2020-01-02", "").is(200).safe().has("当てはまる記録はありません")
	w.as("isac operator", "GET", "/audit?person="+itoa(w.people["minato contact"].Account), "").is(200).safe().has("<del>staff</del>").lacks(`person=` + itoa(w.people["yama contact"].Account) + `"`)
	before := w.reads("audit.read")
	for _, bad := range []string{"object=%E5%B1%B1%E7%94%B0", "action=x%20y", "from=2026-02-02&to=2026-02-01"} {
		w.as("isac operator", "GET", "/audit?"+bad, "").is(422).safe().lacks(`<th scope="row">`)
	}
	if n := w.reads("audit.read"); n != before {
		t.Errorf("%d readings that were refused are recorded", n-before)
	}
}

func TestAuditFiles(t *testing.T) {
	w := newWorld(t)
	w.as("minato contact", "GET", "/audit/checkpoint", "").is(400)
	page := w.as("minato contact", "GET", "/audit.csv", "").is(200)
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(page.body, "\ufeff"))).ReadAll()
	must(t, err)
	org := itoa(w.people["minato contact"].Org)
	for _, row := range rows[1:] {
		if row[4] != org {
			t.Errorf("a foreign row: %q", row)
		}
	}
	if len(rows) < 3 || !strings.HasPrefix(page.body, "\ufeffid,") || !strings.Contains(page.header("Content-Disposition"), "teiten-audit-") {
		t.Errorf("%d rows, %s", len(rows), page.header("Content-Disposition"))
	}
	w.as("isac operator", "GET", "/audit.csv?format=jsonl&from=2020-01-01&to=2020-01-02", "").is(200)
	w.as("isac operator", "GET", "/audit.csv?object=%3Cb%3E", "").is(400)
	if n := w.reads("audit.export"); n != 2 {
		t.Errorf("%d exports are recorded", n)
	}

	keys, err := blob.NewKeyring()
	must(t, err)
	kept, err := audit.Seal(t.Context(), w.db, keys)
	must(t, err)
	text, err := audit.Verifier(t.Context(), w.db)
	must(t, err)
	v, err := note.NewVerifier(text)
	must(t, err)
	w.as("minato contact", "GET", "/audit", "").is(200).safe().has("チェックポイントを保存", strings.ReplaceAll(text, "+", "&#43;"))
	if got := w.as("minato contact", "GET", "/audit/checkpoint", "").is(200); got.body != kept.Note || !strings.HasPrefix(got.header("Content-Type"), "text/plain") {
		t.Errorf("the checkpoint: %q", got.body)
	}
	newest, err := audit.Seal(t.Context(), w.db, keys)
	must(t, err)
	proof := w.as("minato contact", "GET", "/audit/checkpoint?since="+itoa(kept.Size), "").is(200)
	if now, err := audit.CheckProof(kept, []byte(proof.body), note.VerifierList(v)); err != nil || now.Size != newest.Size {
		t.Errorf("the proof: %v\n%s", err, proof.body)
	}
	w.as("minato contact", "GET", "/audit/checkpoint?since=999999", "").is(400)
	if n := w.reads("audit.checkpoint"); n != 2 {
		t.Errorf("%d downloads are recorded", n)
	}
}

// What is taken out of the portal is recorded before it leaves; a list that a
// proxy has already is not taken again.
func TestDownloadsAreRecorded(t *testing.T) {
	w := newWorld(t)
	for _, d := range []struct{ who, target, action string }{
		{"minato contact", "/advisories.csv", "advisory.export"}, {"minato staff", "/trends.csv", "trend.export"},
		{"minato contact", "/blocklists/domains", "blocklist.export"}, {"isac operator", "/members/evaluators.csv", "evaluation.export"},
	} {
		before := w.reads(d.action)
		r := w.as(d.who, "GET", d.target, "").is(200)
		if n := w.reads(d.action) - before; n != 1 {
			t.Errorf("%s: %d records of %s", d.target, n, d.action)
		}
		if tag := r.header("ETag"); tag != "" {
			w.as(d.who, "GET", d.target, "", "If-None-Match", tag).is(304)
			if n := w.reads(d.action) - before; n != 1 {
				t.Errorf("%s: a list that is known is recorded again", d.target)
			}
		}
	}
	before := w.reads("advisory.export")
	w.as("minato contact", "GET", "/advisories.csv?category=nonsense", "").is(400)
	if w.reads("advisory.export") != before {
		t.Error("a refused download is recorded as one")
	}
}
