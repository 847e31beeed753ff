// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

//go:build browser

package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// soundPage is a page without barriers; a broken or a good piece goes into %s.
const soundPage = `<!doctype html><html lang="ja"><head><meta charset="utf-8"><title>よいページ</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>body { font: 16px/1.7 sans-serif; color: #111; background: #fff } a, button { display: inline-block; min-width: 24px; min-height: 24px }
p a { display: inline; min-height: 0 } :focus-visible { outline: 3px solid #00509e } input { border: 1px solid #555; min-height: 24px }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%%) }
@media (prefers-color-scheme: dark) { body { color: #eee; background: #111 } a { color: #8dbdf5 } :focus-visible { outline-color: #ffd43d } input { color: #eee; background: #111; border-color: #aaa } }</style></head>
<body><a href="#main">本文へ</a><header><nav aria-label="ページ"><ul><li><a href="/a">一覧</a></li></ul></nav></header>
<main id="main" tabindex="-1"><h1>よいページ</h1>
%s
</main><footer><p>脚注</p></footer></body></html>`

// broken is a rule, a piece of a page that it must find, and one that it must
// not. If old is set, the broken page is the sound one with bad instead of old.
var broken = []struct{ rule, bad, good, old string }{
	{"language", `<html>`, ``, `<html lang="ja">`},
	{"language-part", `<form><button name="lang" value="en">English</button></form>`, `<form><button name="lang" value="en" lang="en">English</button></form>`, ``},
	{"title", `<title></title>`, ``, `<title>よいページ</title>`},
	{"refresh", `<meta http-equiv="refresh" content="600">`, ``, ``},
	{"viewport", `initial-scale=1, user-scalable=no`, ``, `initial-scale=1`},
	{"moving", `<marquee>動く</marquee>`, ``, ``},
	{"h1", `<h1>二つめ</h1>`, ``, ``},
	{"heading-order", `<h3>三</h3>`, `<h2>二</h2><h3>三</h3>`, ``},
	{"heading-empty", `<h2><span aria-hidden="true">?</span></h2>`, `<h2>見出し</h2>`, ``},
	{"landmarks", `<div>脚注</div>`, ``, `<footer><p>脚注</p></footer>`},
	{"landmark-name", `<nav><a href="/b">次</a></nav>`, `<nav aria-label="前後"><a href="/b">次</a></nav>`, ``},
	{"region", `</main><p>外の文</p>`, ``, `</main>`},
	{"skip-link", ``, ``, `<a href="#main">本文へ</a>`},
	{"name", `<button></button>`, `<button>名のあるボタン</button>`, ``},
	{"link-name", `<a href="/c"><svg aria-hidden="true"></svg></a>`, `<a href="/c"><svg aria-hidden="true"></svg>名のあるリンク</a>`, ``},
	{"label", `<input title="名前">`, `<label>お名前 <input></label>`, ``},
	{"label-in-name", `<button aria-label="閉じる">送る</button>`, `<button aria-label="送る（確認なし）">送る</button>`, ``},
	{"same-name", `<p><a href="/1">詳しく</a></p><p><a href="/2">詳しく</a></p>`, `<ul><li>薬 <a href="/1">詳しく</a></li><li>紙 <a href="/2">詳しく</a></li></ul>`, ``},
	{"image", `<svg role="img" width="9" height="9"></svg>`, `<svg role="img" aria-label="図" width="9" height="9"></svg><img src="data:," alt="絵">`, ``},
	{"frame", `<iframe srcdoc="x"></iframe>`, `<iframe srcdoc="x" title="中の文書"></iframe>`, ``},
	{"error", `<input aria-label="日" aria-invalid="true">`, `<input aria-label="日" aria-invalid="true" aria-describedby="why"><p id="why">日付を書いてください</p>`, ``},
	{"required", `<label>題 <input required></label>`, `<label>題（必須） <input required></label>`, ``},
	{"group", `<label><input type="radio" name="r" value="1">はい</label><label><input type="radio" name="r" value="2">いいえ</label>`, `<fieldset><legend>来ましたか</legend><label><input type="radio" name="r" value="1">はい</label><label><input type="radio" name="r" value="2">いいえ</label></fieldset>`, ``},
	{"autocomplete", `<label>電話 <input autocomplete="telefon"></label>`, `<label>電話 <input type="tel" autocomplete="tel"></label>`, ``},
	{"table", `<table><tr><td>1</td></tr></table>`, `<table><caption>数</caption><tr><th scope="row">件</th><td>1</td></tr></table>`, ``},
	{"list", `<ul><p>項目</p></ul>`, `<ul><li>項目</li></ul><dl><div><dt>語</dt><dd>意味</dd></div></dl>`, ``},
	{"duplicate-id", `<p id="x">1</p><p id="x">2</p>`, `<p id="x1">1</p><p id="x2">2</p>`, ``},
	{"role", `<div role="knob">回す</div>`, `<div role="status">保存しました</div>`, ``},
	{"aria", `<button aria-describedby="nowhere">保存する</button>`, `<button aria-describedby="hint" aria-pressed="false">保存する</button><p id="hint">あとで直せます</p>`, ``},
	{"hidden-focus", `<div aria-hidden="true"><button>隠れた</button></div>`, `<div aria-hidden="true">飾り</div>`, ``},
	{"nested", `<button>外 <span tabindex="0">中</span></button>`, ``, ``},
	{"tabindex", `<button tabindex="3">早い</button>`, `<button tabindex="0">ふつう</button>`, ``},
	{"clickable", `<div onclick="1">押せる</div>`, `<label style="cursor: pointer"><input type="checkbox"> 選べる</label>`, ``},
	{"contrast", `<p style="opacity: 0.5">うすい文</p>`, `<p style="opacity: 0.9">ほぼ濃い文</p>`, ``},
	{"link-in-text", `<p>文の中の<a href="/d" style="text-decoration: none; color: #222">リンク</a>です</p>`, `<p>文の中の<a href="/d">下線のリンク</a>です</p>`, ``},
	{"edge", `<label>町 <input style="border-color: #ddd"></label>`, `<label>町 <input></label>`, ``},
	{"target-size", `<div style="font-size: 0"><button style="min-width: 0; min-height: 0; width: 16px; height: 16px; padding: 0" aria-label="上"></button><button style="min-width: 0; min-height: 0; width: 16px; height: 16px; padding: 0" aria-label="下"></button></div>`, `<div><button style="min-width: 0; min-height: 0; width: 16px; height: 16px; padding: 0; margin: 20px" aria-label="離れた"></button></div>`, ``},
	{"scrollable", `<div style="height: 30px; overflow: auto">あ<br>い<br>う</div>`, `<div style="height: 30px; overflow: auto" tabindex="0" role="region" aria-label="文">あ<br>い<br>う</div>`, ``},
	{"reflow", `<div style="width: 600px">広い</div>`, `<div style="max-width: 600px">狭くなる</div>`, ``},
	{"zoom", `<div style="width: 40px; overflow: hidden; white-space: nowrap">切れてしまう文</div>`, `<div style="width: 40px; overflow: hidden">折れる文</div>`, ``},
	{"spacing", `<div style="height: 24px; line-height: 1; width: 11em; overflow: hidden">ちょうど十一文字の一行</div>`, `<div style="min-height: 24px; width: 11em; overflow: hidden">ちょうど十一文字の一行</div>`, ``},
	{"motion", `<p style="transition: opacity 1s">動く</p>`, `<p style="transition: opacity 0s">動かない</p>`, ``},
	{"focus-visible", `<a href="/e" style="outline: none">見えない</a>`, `<a href="/e">見える</a>`, ``},
	{"focus-contrast", `<style>#pale:focus { color: #777; background: #888 }</style><button id="pale">焦点で薄くなる</button>`, `<style>#dark:focus { color: #000; background: #fff }</style><button id="dark">焦点で濃くなる</button>`, ``},
	{"keyboard", `<button onkeydown="if (event.key === 'Tab') { event.preventDefault(); document.getElementById('third').focus() }">一</button><button>二</button><button id="third">三</button>`, `<button>甲</button><button>乙</button>`, ``},
	{"keyboard-trap", `<input aria-label="わな" onkeydown="if (event.key === 'Tab') event.preventDefault()">`, `<input aria-label="ふつうの欄" type="date">`, ``},
	{"focus-order", `<div style="display: flex; flex-direction: column-reverse"><button>先</button><button>後</button></div>`, `<div style="display: flex"><button>左</button><button>右</button></div>`, ``},
	{"focus-covered", `<div style="position: fixed; inset: 0; background: #fff">覆い</div>`, ``, ``},
	{"focus-changes", `<a href="/f" onfocus="location.hash = 'moved'">行ってしまう</a>`, `<a href="/f">行かない</a>`, ``},
}

// TestAuditFinds holds the audit itself to account: each rule finds its broken
// piece, no rule minds the good ones, and no rule is without a piece.
func TestAuditFinds(t *testing.T) {
	var page string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, page)
	}))
	defer srv.Close()
	ctx := browser(t)
	open := func(t *testing.T, html string) auditor {
		page = html
		must(t, chromedp.Do(ctx, chromedp.Navigate(srv.URL+"/")))
		return auditor{t, ctx}
	}
	good := ""
	for _, b := range broken {
		good += b.good + "\n"
	}
	a := open(t, fmt.Sprintf(soundPage, good))
	tell(t, a.whole())

	groups := map[string]string{}
	for _, r := range look[[]struct{ ID, Group string }](t, ctx, "audit.rules()") {
		groups[r.ID] = r.Group
	}
	for _, id := range look[[]string](t, ctx, "audit.walkRules") {
		groups[id] = "walk"
	}
	left := maps.Clone(groups)
	for _, b := range broken {
		t.Run(b.rule, func(t *testing.T) {
			html := fmt.Sprintf(soundPage, b.bad)
			if b.old != "" {
				html = strings.Replace(fmt.Sprintf(soundPage, ""), b.old, b.bad, 1)
			}
			a := open(t, html)
			var found []barrier
			switch group := groups[b.rule]; group {
			case "":
				t.Fatal("no such rule")
			case "walk":
				a.screen(1280, "light", 1)
				found = a.walk()
			default:
				a.screen(map[string]int64{"reflow": 320, "zoom": 640}[group], "light", 1) // 0: as wide as it is
				a.prepare()
				found = a.run(group)
			}
			if !slices.ContainsFunc(found, func(f barrier) bool { return f.Rule == b.rule && f.Criterion != "" && f.Path != "" }) {
				t.Errorf("not found; but %v", found)
			}
		})
		delete(left, b.rule)
	}
	for id := range left {
		t.Errorf("no broken piece for the rule %s", id)
	}
}
