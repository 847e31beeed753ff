// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"io"
	"strings"
	"testing"

	"teiten/internal/blob"
	"teiten/internal/intake"
	"teiten/internal/job"
	"teiten/internal/trend"
)

func importWorld(t *testing.T) *world {
	w := newWorld(t)
	blobs, err := blob.Open(t.TempDir())
	must(t, err)
	w.Blobs = blobs
	return w
}

func (w *world) runImports() {
	w.t.Helper()
	r := job.NewRunner(w.db, w.Log, map[string]job.Worker{
		intake.Job: intake.Worker(w.db, w.Guards.Current, func(ctx context.Context, name string) (io.ReadCloser, error) {
			return w.Blobs.Open(ctx, w.db, name)
		}),
		trend.RefreshJob: trend.Worker(w.db),
	})
	_, err := r.Drain(w.t.Context())
	must(w.t, err)
}

const listCSV = "date,url\n2026-03-01,hxxp://refund-nhi[.]top/apply\n2026-03-01,=cmd|x\n2026-03-01,https://rakuten-card.xyz/pay?mail=tanaka%40minato-hp.jp\n"

// TestImport: a file is tried first, then imported without being sent again.
func TestImport(t *testing.T) {
	w := importWorld(t)
	w.as("isac analyst", "GET", "/import", "").is(200).safe().has("まだ取り込んだものがありません", "KEV")
	woken := 0
	w.Wake = func() { woken++ }
	sent := w.upload("isac analyst", "/import", "file", "一覧.csv", listCSV, "format", "csv", "tlp", "amber", "category", "phishing", "source", "県警", "dry", "yes").is(303)
	if woken != 1 {
		t.Errorf("workers woken %d times", woken)
	}
	waiting := w.as("isac analyst", "GET", sent.location, "").is(200).safe().has("取り込み中")
	if waiting.header("Refresh") == "" {
		t.Error("the page of a running import stays as it is")
	}
	w.runImports()
	known := func() int {
		var n int
		must(t, w.db.QueryRow(t.Context(), `SELECT COUNT(*) FROM observation`).Scan(&n))
		return n
	}
	tried := w.as("isac analyst", "GET", sent.location, "", "Cookie", sent.header("Set-Cookie")).is(200).safe()
	tried.has("まだ取り込んでいません", "この内容で取り込む", "一覧.csv")
	if known() != 0 || tried.header("Refresh") != "" {
		t.Fatal("a trial has stored something, or goes on")
	}
	// In another browser, or as somebody else, the file must be chosen again.
	w.as("isac analyst", "GET", sent.location, "").lacks("この内容で取り込む")
	w.as("isac analyst", "POST", sent.location+"/earnest", form("x", "")).is(404)
	w.as("isac operator", "POST", sent.location+"/earnest", form("x", ""), "Cookie", sent.header("Set-Cookie")).is(404)
	real := w.as("isac analyst", "POST", sent.location+"/earnest", form("x", ""), "Cookie", sent.header("Set-Cookie")).is(303)
	w.runImports()
	done := w.as("isac analyst", "GET", real.location, "").is(200).safe().has("取り込みました", "/problems.csv")
	if known() != 2 {
		t.Errorf("%d observations, want 2", known())
	}
	done.lacks("tanaka")
	problems := w.as("isac analyst", "GET", real.location+"/problems.csv", "").is(200).has("ファイル,行,理由", "一覧.csv,3,")
	if !strings.Contains(problems.header("Content-Disposition"), "problems.csv") {
		t.Error("the problems are no file")
	}
	w.as("isac analyst", "GET", "/import", "").is(200).safe().has("一覧.csv", "確認だけ", "完了")
	w.as("minato contact", "GET", real.location, "").is(404)
	w.as("minato contact", "GET", real.location+"/problems.csv", "").is(404)
	w.as("minato contact", "GET", "/import", "").is(200).safe().lacks("一覧.csv", "KEV")
	w.as("minato staff", "GET", "/import", "").is(403)
	w.as("isac analyst", "GET", "/import/999", "").is(404)
	w.as("isac analyst", "GET", "/import/x", "").is(404)
}

// What is imported for a sharing group says so in the form, the list and the
// run, and is found by nobody else.
func TestImportForAGroup(t *testing.T) {
	w := importWorld(t)
	w.as("isac analyst", "GET", "/import", "").is(200).safe().lacks(`name="group"`)
	id := w.group("画像診断ネットワーク", "minato contact")
	w.as("isac analyst", "GET", "/import", "").is(200).safe().has(`name="group"`, "画像診断ネットワーク")
	w.as("minato contact", "GET", "/import", "").is(200).safe().lacks(`name="group"`) // what a hospital imports is its own and the ISAC's
	for _, wrong := range []string{"x", "-1", itoa(id + 1)} {
		w.upload("isac analyst", "/import", "file", "a.csv", listCSV, "format", "csv", "tlp", "green", "group", wrong, "dry", "no").is(422).safe().has(`href="#f-group"`, "この共有先は選べません")
	}
	fields := []string{"format", "csv", "tlp", "green", "category", "phishing", "group", itoa(id), "dry"}
	refused := w.upload("isac analyst", "/import", "", "", "", append(fields, "yes")...).is(422).safe()
	refused.has(`<option value="` + itoa(id) + `" selected>`)

	// A trial that is made earnest is for the group as well.
	tried := w.upload("isac analyst", "/import", "file", "組の一覧.csv", listCSV, append(fields, "yes")...).is(303)
	w.runImports()
	real := w.as("isac analyst", "POST", tried.location+"/earnest", form("x", ""), "Cookie", tried.header("Set-Cookie")).is(303)
	w.runImports()
	for _, at := range []string{tried.location, real.location, "/import"} {
		w.as("isac analyst", "GET", at, "").is(200).safe().has("共有グループ: </span>画像診断ネットワーク")
	}
	w.as("minato contact", "POST", "/search", form("q", "https://refund-nhi.top/apply")).is(200).lacks("登録された情報にはありません")
	w.as("yama contact", "POST", "/search", form("q", "https://refund-nhi.top/apply")).is(200).has("登録された情報にはありません")
}

func TestImportPasted(t *testing.T) {
	w := importWorld(t)
	sent := w.upload("minato contact", "/import", "", "", "", "format", "text", "tlp", "red", "dry", "no", "text", "届いたメール：hxxp://refund-nhi[.]top/ を開くよう書かれていました。").is(303)
	w.runImports()
	w.as("minato contact", "GET", sent.location, "").is(200).safe().has("取り込みました", "貼り付け")
	w.as("yama contact", "GET", sent.location, "").is(404)
}

func TestImportRefuses(t *testing.T) {
	w := importWorld(t)
	w.upload("isac analyst", "/import", "", "", "", "format", "csv").is(422).safe().has("f-file-error")
	w.upload("isac analyst", "/import", "file", "a.csv", listCSV, "format", "excel").is(422).safe().has("f-format-error")
	w.upload("isac analyst", "/import", "file", "a.csv", listCSV, "format", "csv", "tlp", "purple").is(422).safe().has("f-tlp")
	w.upload("isac analyst", "/import", "file", "a.csv", listCSV, "format", "csv", "category", "x").is(422).safe().has("f-category")
	w.upload("isac analyst", "/import", "file", "a.csv", listCSV, "format", "csv", "source", strings.Repeat("長", 201)).is(422).safe().has("f-source-error")
	w.upload("minato contact", "/import", "file", "a.json", "{}", "format", "kev").is(403)
	w.upload("minato contact", "/import", "file", "a.csv", listCSV, "format", "csv", "tlp", "green").is(403)
	w.upload("isac analyst", "/import", "", "", "", "format", "text", "text", strings.Repeat("a", maxPaste+1)).is(413)
	w.as("isac analyst", "POST", "/import", form("format", "csv")).is(400)
	var n int
	must(t, w.db.QueryRow(t.Context(), `SELECT COUNT(*) FROM blob`).Scan(&n))
	if n != 0 {
		t.Errorf("%d files are kept of what was refused", n)
	}
	// What cannot be read shows why.
	sent := w.upload("isac analyst", "/import", "file", "表.xlsx", "PK\x03\x04 not a table", "format", "csv", "dry", "no").is(303)
	w.runImports()
	w.as("isac analyst", "GET", sent.location, "").is(200).safe().has("最後まで読めませんでした")
}
