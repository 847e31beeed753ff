// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package web

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strconv"
	"testing"

	"teiten/internal/feed"
	"teiten/internal/outbound"
)

func TestCollectors(t *testing.T) {
	w := newWorld(t)
	const rss = `<?xml version="1.0"?><rss version="2.0"><channel><title>お知らせ</title><link>https://a.example/</link>
		<item><title>FortiGate の脆弱性が悪用されています http://login-minato.top/</title><link>https://a.example/1</link><guid>1</guid></item></channel></rss>`
	src := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/feed" {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/rss+xml")
		io.WriteString(w, rss)
	}))
	defer src.Close()
	at, err := url.Parse(src.URL)
	must(t, err)
	port, err := strconv.ParseUint(at.Port(), 10, 16)
	must(t, err)
	w.Client = outbound.New(outbound.Policy{AllowHTTP: true, AllowPorts: []uint16{uint16(port)}, AllowPrivate: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}})

	w.as("minato contact", "GET", "/collectors", "").is(403)
	w.as("isac analyst", "GET", "/collectors", "").is(200).safe().has("まだ収集先がありません")
	fields := func(do, name, address, every string) string {
		return form("do", do, "name", name, "url", address, "every", every, "tlp", "green")
	}
	items := func() int {
		list, err := feed.Collectors(t.Context(), w.db, w.people["isac analyst"])
		must(t, err)
		return len(list)
	}
	w.as("isac analyst", "POST", "/collectors", fields("test", "", src.URL+"/feed", "60")).is(200).safe().has("お知らせ", "何も保存していません", "注意喚起")
	w.as("isac analyst", "POST", "/collectors", fields("test", "", src.URL+"/none", "60")).is(200).safe().has("読めませんでした")
	w.as("isac analyst", "POST", "/collectors", fields("test", "", "file:///etc/passwd", "60")).is(422).safe().has("f-url-error")
	if items() != 0 {
		t.Fatal("a test has stored something")
	}
	w.as("isac analyst", "POST", "/collectors", fields("add", "", src.URL+"/feed", "60")).is(422).safe().has("f-name-error")
	w.as("isac analyst", "POST", "/collectors", fields("add", "A", "ftp://a.example", "60")).is(422).safe().has("f-url-error")
	w.as("isac analyst", "POST", "/collectors", fields("add", "A", src.URL+"/feed", "1")).is(422).safe().has("f-every-error")
	w.as("isac analyst", "POST", "/collectors", fields("add", "A社", src.URL+"/feed", "60")).is(303)
	w.as("isac analyst", "POST", "/collectors", fields("add", "B", src.URL+"/feed", "60")).is(422).safe().has("f-url-error")
	list, err := feed.Collectors(t.Context(), w.db, w.people["isac analyst"])
	must(t, err)
	if len(list) != 1 || !list[0].Enabled {
		t.Fatalf("%d collectors", len(list))
	}
	one := "/collectors/" + itoa(list[0].ID)
	w.as("isac analyst", "GET", "/collectors", "").is(200).safe().has("A社", "最初の収集を待っています")
	suffix := "-" + itoa(list[0].ID)
	w.as("isac analyst", "POST", one, form("name"+suffix, "", "url"+suffix, src.URL+"/feed", "every"+suffix, "60", "tlp"+suffix, "clear")).is(422).safe().has("f-name" + suffix + "-error")
	w.as("isac analyst", "POST", one, form("name"+suffix, "C社", "url"+suffix, src.URL+"/feed", "every"+suffix, "360", "tlp"+suffix, "clear")).is(303)
	w.as("isac analyst", "GET", "/collectors", "").has("C社", "6 時間")

	// With a sharing group: chosen, named, changed back, and kept by a form that
	// does not speak of it.
	w.as("isac analyst", "GET", "/collectors", "").lacks("共有先")
	id := w.group("画像診断ネットワーク", "minato contact")
	w.as("isac analyst", "GET", "/collectors", "").is(200).safe().has(`name="group"`, `name="group`+suffix+`"`)
	change := func(more ...string) *response {
		return w.as("isac analyst", "POST", one, form(append([]string{"name" + suffix, "C社", "url" + suffix, src.URL + "/feed", "every" + suffix, "360", "tlp" + suffix, "clear"}, more...)...))
	}
	change("group"+suffix, itoa(id+1)).is(422).safe().has(`href="#f-group`+suffix, "この共有先は選べません")
	change("group"+suffix, "x").is(422).safe().has(`href="#f-group` + suffix)
	change("group"+suffix, itoa(id)).is(303)
	change().is(303)
	w.as("isac analyst", "GET", "/collectors", "").is(200).safe().has("共有グループ: </span>画像診断ネットワーク", `<option value="`+itoa(id)+`" selected>`)
	change("group"+suffix, "").is(303)
	w.as("isac analyst", "GET", "/collectors", "").lacks("共有グループ: ")
	w.as("isac analyst", "POST", "/collectors", form("do", "add", "name", "D", "url", src.URL+"/d", "every", "60", "tlp", "green", "group", itoa(id+1))).is(422).safe().has(`href="#f-group"`)
	w.as("isac analyst", "POST", "/collectors", form("do", "add", "name", "D", "url", src.URL+"/d", "every", "60", "tlp", "green", "group", itoa(id))).is(303)
	all, err := feed.Collectors(t.Context(), w.db, w.people["isac analyst"])
	must(t, err)
	for _, c := range all {
		if c.Name == "D" {
			if c.Group != id {
				t.Errorf("added for group %d", c.Group)
			}
			must(t, feed.Remove(t.Context(), w.db, w.people["isac analyst"], c.ID))
		}
	}

	off := w.send("isac analyst", one+"/off", form("x", ""))
	w.as("isac analyst", "GET", "/collectors", "").has("停止中")
	w.undo("isac analyst", off).is(303)
	w.as("isac analyst", "GET", "/collectors", "").lacks("停止中")
	w.as("isac analyst", "POST", one+"/test", form("x", "")).is(200).safe().has("お知らせ")
	w.as("isac analyst", "POST", one+"/run", form("x", "")).is(303)
	w.as("isac analyst", "POST", one+"/remove", form("x", "")).is(200).safe().has("削除しますか")
	w.as("minato contact", "POST", one+"/remove", form("confirm", "yes")).is(403)
	if items() != 1 {
		t.Fatal("it is gone without an answer")
	}
	w.as("isac analyst", "POST", one+"/remove", form("confirm", "yes")).is(303)
	if items() != 0 {
		t.Error("it is still there")
	}
	for _, part := range []string{"/run", "/remove", "/test", "/on", ""} {
		w.as("isac analyst", "POST", "/collectors/999"+part, form("confirm", "yes", "name-999", "n", "url-999", src.URL, "every-999", "60", "tlp-999", "clear")).is(404)
	}
}
