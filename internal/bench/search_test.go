// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package bench

import (
	"context"
	"slices"
	"testing"
	"time"

	"teiten/internal/advisory"
	"teiten/internal/fold"
	"teiten/internal/store"
)

const texts = 200_000

// questions are what is searched for, by what makes a search easy or hard.
var questions = []struct {
	class string
	words []string
}{
	{"1 character", []string{"鍵", "森", "林", "津", "漣", "暁", "税", "紙"}},
	{"2 characters", []string{"琥珀", "霊安", "梅田", "稚内", "翡翠", "採掘", "保育", "ペイ"}},
	{"3 characters", []string{"与那国", "不知火", "診療録", "和歌山", "年末調", "監視カ", "栄養課", "水道料"}},
	{"5 characters", []string{"霞ヶ浦病院", "電子カルテ", "輸液ポンプ", "魑魅魍魎と", "国勢調査の", "ひかりカー"}},
	{"two words", []string{"奄美 透析室", "椿ストア 学会", "隠岐 保育室", "ランサムウェア 電子カルテ", "薊ネット 助成金", "人工呼吸器 更新"}},
	{"rare and common", []string{"軍鶏 メール", "鼈甲 病院", "曼荼羅 の", "霊安室 確認", "鸚鵡 メール 病院"}},
	{"very common", []string{"の", "メール", "病院", "不審な", "確認してください", "メール 病院"}},
	{"absent", []string{"鯨", "饂飩", "蜂蜜酒", "紫陽花通り", "量子暗号機", "鯨 メール", "zzz"}},
	// Both pairs of the three characters are common, the three of them are not.
	{"misleading", []string{"院内容", "療情報部長", "電子署名簿", "不審者は"}},
}

// BenchmarkSearch searches 200,000 advisories of about 600 characters. It is
// compared with reading every text, which is what it must give the same answer
// as.
func BenchmarkSearch(b *testing.B) {
	each(b, func(b *testing.B, db *store.DB) {
		ctx := context.Background()
		site := loadDemo(b, db)
		n := scaled(texts)
		took := fillAdvisories(b, db, n)
		var plain times
		for _, w := range []string{"琥珀", "霞ヶ浦病院", "メール", "鯨"} {
			plain = append(plain, timed(b, 3, func(int) error { return readEvery(ctx, db, fold.Text(w)) })...)
		}
		slices.Sort(plain)
		b.Run("fill", func(b *testing.B) {
			b.Logf("%d advisories stored and indexed in %s (%.0f/s); reading every text: %s", n, short(took), perSecond(n, took), plain)
			report(b, perSecond(n, took), "texts/s", milliseconds(plain.at(.5)), "scan-p50-ms")
		})
		var all times
		for _, q := range questions {
			b.Run(q.class, func(b *testing.B) {
				for b.Loop() {
					all = append(all, searchWords(b, db, q.words, plain.at(.5))...)
				}
			})
		}
		b.Run("all", func(b *testing.B) {
			slices.Sort(all)
			faster := ratio(plain.at(.5), all.at(.5))
			b.Logf("%s; reading every text: %s; ratio %.0f", all, plain, faster)
			report(b, milliseconds(all.at(.5)), "p50-ms", milliseconds(all.at(.99)), "p99-ms", faster, "×faster-than-scan")
		})
		b.Run("pages", func(b *testing.B) {
			for b.Loop() {
				manyPages(b, site)
			}
		})
	})
}

// searchWords asks for each word some times; what it is compared with is how
// long reading every text takes.
func searchWords(b *testing.B, db *store.DB, words []string, plain time.Duration) times {
	b.Helper()
	ctx := context.Background()
	const repeat = 20
	var all times
	worst, slowest := "", time.Duration(0)
	for _, w := range words {
		took := timed(b, repeat, func(int) error {
			_, err := advisory.List(ctx, db, contact, advisory.Filter{Text: w, Limit: 20})
			return err
		})
		if all = append(all, took...); took.at(.5) > slowest {
			slowest, worst = took.at(.5), w
		}
	}
	slices.Sort(all)
	faster := ratio(plain, all.at(.5))
	b.Logf("%s; the slowest is %q, p50 %s; ratio %.0f", all, worst, short(slowest), faster)
	report(b, milliseconds(all.at(.5)), "p50-ms", milliseconds(all.at(.99)), "p99-ms", milliseconds(slowest), "slowest-p50-ms", faster, "×faster-than-scan")
	return all
}

// readEvery looks for a word in every text without the index.
func readEvery(ctx context.Context, db *store.DB, word string) error {
	contains := "instr"
	if db.Engine() == store.Postgres {
		contains = "strpos"
	}
	var n int
	return db.QueryRow(ctx, `SELECT COUNT(*) FROM search_text WHERE `+contains+`(folded, $1) > 0`, word).Scan(&n)
}

// manyPages measures pages, one reader at a time, over the many advisories.
func manyPages(b *testing.B, site *portal) {
	for _, p := range []struct{ name, method, path, query string }{
		{"home", "GET", "/", ""},
		{"list", "GET", "/advisories", ""},
		{"list of a category", "GET", "/advisories?category=targeted", ""},
		{"trends", "GET", "/trends", ""},
		{"rare word", "POST", "/search", "琥珀"},
		{"common word", "POST", "/search", "メール"},
		{"known URL", "POST", "/search", "https://example.com/known"},
		{"unknown hash", "POST", "/search", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"},
	} {
		took := timed(b, 20, func(int) error {
			_, err := site.ask(context.Background(), page{p.name, func(int) (string, string, string) { return p.method, p.path, p.query }}, 0)
			return err
		})
		b.Logf("%-18s %s", p.name, took)
	}
	report(b)
}
