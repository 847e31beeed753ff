// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package search_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/width"

	"teiten/internal/advisory"
	"teiten/internal/audit"
	"teiten/internal/caller"
	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/fold"
	"teiten/internal/membertest"
	"teiten/internal/search"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

var ctx = context.Background()

// words of hospitals and of those who attack them, in the ways people write.
var words = strings.Fields(`病院 医療 電子カルテ ｶﾙﾃ かるて サーバー サーバ ｻｰﾊﾞｰ 看護師 医師 薬 血 院 胃 患者 受付 請求書 見積書 添付ファイル
	フィッシング 標的型 ランサムウェア ランサムウエア 不在通知 宅配 銀行 ログイン パスワード 認証 偽 罠 身代金 暗号化 VPN ＶＰＮ vpn RDP Emotet
	ＥＭＯＴＥＴ CVE-2026-1234 CVE－2026－1234 Windows WINDOWS Microsoft マイクロソフト ﾏｲｸﾛｿﾌﾄ メール E-mail Ｅメール 注意喚起 更新 至急 5月 ５月 100%
	a_b C:\temp * % _ ' AND OR NEAR NOT hxxps://evil[.]example/login 192.0.2.1 🏥 ⚠️ 👩‍⚕️ 𠮷田 髙橋 が か゛ ヴァイオリン ① ㈱ ﾊﾟｽﾜｰﾄﾞ 〜 ～ ー -`)

func document(r *rand.Rand) string {
	var b strings.Builder
	for range 1 + r.IntN(25) {
		b.WriteString(words[r.IntN(len(words))])
		b.WriteString([]string{"", "", "", "の", "を", "が", "　", " ", "\n", "、", "。"}[r.IntN(11)])
	}
	return b.String()
}

// spelt writes a text differently without changing what it says.
func spelt(r *rand.Rand, s string) string {
	switch r.IntN(6) {
	case 0:
		return width.Widen.String(s)
	case 1:
		return strings.ToUpper(s)
	case 2:
		return strings.Map(func(c rune) rune {
			if c >= 'ァ' && c <= 'ヶ' {
				return c - 'ァ' + 'ぁ'
			}
			return c
		}, s)
	case 3:
		return width.Narrow.String(s)
	default:
		return s
	}
}

// asked is a query and the texts that it means, all of which must occur.
type asked struct {
	query string
	means []string
}

func substring(r *rand.Rand, s string, most int) string {
	runes := []rune(s)
	from := r.IntN(len(runes))
	return string(runes[from:min(len(runes), from+1+r.IntN(most))])
}

func query(r *rand.Rand, docs []*doc) asked {
	text := docs[r.IntN(len(docs))].text
	var q asked
	for range 1 + r.IntN(3) {
		part := spelt(r, substring(r, text, 6))
		switch r.IntN(5) {
		case 0: // a phrase: spaces belong to it
			part = spelt(r, substring(r, text, 12))
			marks := [][2]string{{`"`, `"`}, {"「", "」"}, {"“", "”"}}[r.IntN(3)]
			q.query += marks[0] + part + marks[1]
			q.means = append(q.means, part)
		case 1: // a word that may be nowhere
			part = []string{"存在しない語", "zzz", "鬱", "qq", "病院病院病院"}[r.IntN(5)]
			fallthrough
		default:
			q.query += " " + part + []string{" ", "　", "\n"}[r.IntN(3)]
			q.means = append(q.means, strings.Fields(part)...)
		}
		if r.IntN(2) == 0 {
			break
		}
	}
	return q
}

type doc struct {
	id, position, org int64
	text, folded      string
	category          category.Category
	tlp               tlp.Level
	state             advisory.State
}

// has reports whether a document is found, by reading it.
func (d *doc) has(q asked) bool {
	for _, m := range q.means {
		if f := fold.Text(m); !strings.Contains(d.folded, f) {
			return false
		}
	}
	return true
}

type library struct {
	*membertest.People
	db   *store.DB
	docs []*doc // the newest first
}

func (l *library) add(t *testing.T, docs ...*doc) {
	t.Helper()
	err := l.db.Write(ctx, l.Operator, func(tx *store.Tx) error {
		for _, d := range docs {
			d.folded = fold.Text(d.text)
			var err error
			d.id, err = tx.Insert(ctx, `INSERT INTO advisory (position, category, notice_kind, tlp, state, organisation_id, account_id,
					source, external_id, external_url, title, body, brand, products, observed_at, registered_at, published_at, changed_at, revision, reason)
				VALUES ($1, $2, '', $3, $4, $5, 1, '', '', '', '', $6, '', '', 0, $1, $1, $1, 1, '') RETURNING id`,
				d.position, string(d.category), int64(d.tlp), string(d.state), d.org, d.text)
			if err != nil {
				return err
			}
			if err := search.Put(ctx, tx, d.id, d.position, d.text); err != nil {
				return err
			}
		}
		return audit.Append(ctx, tx, "test.add", "library")
	})
	if err != nil {
		t.Fatal(err)
	}
	l.docs = append(l.docs, docs...)
	slices.SortFunc(l.docs, func(a, b *doc) int { return int(b.position - a.position) })
}

// filled is a library of n documents, the same on each engine.
func filled(t *testing.T, db *store.DB, n int) *library {
	t.Helper()
	l := &library{People: membertest.Register(t, db), db: db}
	r := rand.New(rand.NewPCG(7, 8))
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	docs := make([]*doc, n)
	for i, at := range r.Perm(n) {
		docs[i] = &doc{position: base + int64(at)*1_000_003, text: document(r),
			org:      []int64{l.Analyst.Org, l.StaffA.Org, l.StaffB.Org}[r.IntN(3)],
			category: category.All()[r.IntN(4)], tlp: tlp.Levels[r.IntN(4)],
			state: []advisory.State{advisory.Published, advisory.Published, advisory.Corrected, advisory.Withdrawn, advisory.InReview}[r.IntN(5)]}
	}
	l.add(t, docs...)
	return l
}

// want is what reading every document finds.
func (l *library) want(keep func(*doc) bool) (ids []int64) {
	for _, d := range l.docs {
		if keep(d) {
			ids = append(ids, d.id)
		}
	}
	return ids
}

func list(t *testing.T, db *store.DB, c caller.Caller, f advisory.Filter) (ids []int64, next int64) {
	t.Helper()
	page, err := advisory.List(ctx, db, c, f)
	if err != nil {
		t.Fatalf("%q: %v", f.Text, err)
	}
	for _, a := range page.Items {
		ids = append(ids, a.ID)
	}
	return ids, page.Next
}

func first(ids []int64, n int) []int64 { return ids[:min(n, len(ids))] }

// Both engines find what reading every text finds, in the same order.
func TestAgainstReadingEverything(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := filled(t, db, 3000)
		r := rand.New(rand.NewPCG(1, 2))
		some, none := 0, 0
		for range 2000 {
			q := query(r, l.docs)
			want := l.want(func(d *doc) bool { return d.has(q) })
			got, _ := list(t, db, l.Operator, advisory.Filter{Text: q.query, States: advisory.States, Limit: 60})
			if !slices.Equal(got, first(want, 60)) {
				t.Fatalf("%q: %d found, %d by reading", q.query, len(got), len(want))
			}
			if len(want) == 0 {
				none++
			} else {
				some++
			}
		}
		t.Logf("%d queries found something, %d nothing", some, none)
		if some < 500 || none < 200 {
			t.Error("the queries prove little")
		}
	})
}

// What looks like an operator is text.
func TestNothingIsAnOperator(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := filled(t, db, 300)
		l.add(t, &doc{position: 1, text: `100% a_b C:\temp * ' AND OR NEAR( NOT x:y {a} ^b -c + & | ! <-> \ ; -- /* 🏥`, org: l.Analyst.Org, category: category.Notice, state: advisory.Published})
		for _, q := range []string{`%`, `_`, `*`, `a*`, `vp*`, `'`, `''`, `\`, `\temp`, `C:\temp`, `a_b`, `a%b`, `AND`, `OR`, `NOT`, `NEAR`, `NEAR(a b)`, `病院 AND 医療`,
			`病院 OR 医療`, `-病院`, `+病院`, `grams:病院`, `病院^2`, `(病院`, `病院)`, `a & b`, `a | b`, `!病院`, `病院:*`, `<->`, `;`, `--`, `/*`, `'; DROP TABLE advisory; --`,
			`$1`, `?1`, `{a}`, `🏥`, `👩‍⚕️`, "\ufe0f", "病\x00院", "\x00", "病\xff院", "\xff", "\u200b", "　", "", `\'`, `x0000`, `st.folded`,
			"か\u3099", "\U0010FFFF", strings.Repeat("病", 600), strings.Repeat("あい", 300)} {
			want := l.want(func(d *doc) bool { return d.has(asked{means: strings.Fields(q)}) })
			if got, _ := list(t, db, l.Operator, advisory.Filter{Text: q, States: advisory.States, Limit: 1000}); !slices.Equal(got, want) {
				t.Errorf("%q: %d found, %d by reading", q, len(got), len(want))
			}
		}
		for q, code := range map[string]string{strings.Repeat("あ", 700): "search.long", strings.Repeat("a ", 21): "search.words"} {
			if _, err := advisory.List(ctx, db, l.Operator, advisory.Filter{Text: q}); fault.Code(err) != code {
				t.Errorf("a query of %d bytes: %v, want %s", len(q), err, code)
			}
			if _, err := advisory.Count(ctx, db, l.Operator, advisory.Filter{Text: q}, 10); fault.Code(err) != code {
				t.Errorf("counting a query of %d bytes: %v, want %s", len(q), err, code)
			}
		}
	})
}

func TestWords(t *testing.T) {
	for q, want := range map[string][]string{
		`病院 サーバー`:              {"病院", "さーばー"},
		`"電子 カルテ" 停止`:          {"電子 かるて", "停止"},
		`「電子　カルテ」停止`:           {"電子 かるて", "停止"},
		`前"中 央"後`:              {"前", "中 央", "後"},
		`"閉じない 引用`:             {"閉じない", "引用"},
		`""`:                   nil,
		` 「」 「 」 `:             nil,
		`ＶＰＮ　ｻｰﾊﾞｰ`:            {"vpn", "さーばー"},
		"“a b” c":              {"a b", "c"},
		strings.Repeat(`"`, 9): nil,
	} {
		got, err := search.Words(q)
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("Words(%q) = %q, %v; want %q", q, got, err, want)
		}
	}
}

// Page after page gives each document once, while others are added.
func TestPaging(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := filled(t, db, 400)
		for _, text := range []string{"", "病院", "e"} {
			q := asked{means: strings.Fields(text)}
			want := l.want(func(d *doc) bool { return d.state != advisory.InReview && d.has(q) })
			var got []int64
			f := advisory.Filter{Text: text, Limit: 7}
			for page := 0; ; page++ {
				ids, next := list(t, db, l.Operator, f)
				got = append(got, ids...)
				if next == 0 {
					break
				}
				f.Before = next
				l.add(t, &doc{position: time.Now().UnixMicro(), text: "新しい病院 e " + fmt.Sprint(page), org: l.Analyst.Org, category: category.Notice, state: advisory.Published})
			}
			if !slices.Equal(got, want) {
				t.Errorf("%q: %d documents over pages, want %d", text, len(got), len(want))
			}
			if n, err := advisory.Count(ctx, db, l.Operator, advisory.Filter{Text: text}, 100_000); err != nil || n < len(want) {
				t.Errorf("%q: counted %d, %v", text, n, err)
			}
			if n, err := advisory.Count(ctx, db, l.Operator, advisory.Filter{Text: text, Before: 5}, 3); err != nil || n != 3 {
				t.Errorf("%q: counted %d with at most 3, %v", text, n, err)
			}
		}
	})
}

// Filters narrow together, with text and without.
func TestFilters(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := filled(t, db, 600)
		r := rand.New(rand.NewPCG(3, 4))
		found := 0
		for range 300 {
			var f advisory.Filter
			f.Limit = 1000
			q := asked{}
			if r.IntN(2) == 0 {
				q = query(r, l.docs)
				f.Text = q.query
			}
			tests := []func(*doc) bool{func(d *doc) bool { return d.has(q) }}
			narrow := func(test func(*doc) bool) { tests = append(tests, test) }
			states := []advisory.State{advisory.Published, advisory.Corrected, advisory.Withdrawn}
			if r.IntN(3) == 0 {
				states = []advisory.State{advisory.States[r.IntN(5)], advisory.InReview}
				f.States = states
			}
			narrow(func(d *doc) bool { return slices.Contains(states, d.state) })
			if r.IntN(3) == 0 {
				f.Category = category.All()[r.IntN(4)]
				narrow(func(d *doc) bool { return d.category == f.Category })
			}
			if r.IntN(3) == 0 {
				level := tlp.Levels[r.IntN(4)]
				f.TLP = &level
				narrow(func(d *doc) bool { return d.tlp == level })
			}
			if r.IntN(3) == 0 {
				f.Org = l.StaffA.Org
				narrow(func(d *doc) bool { return d.org == f.Org })
			}
			if r.IntN(3) == 0 {
				a, b := l.docs[r.IntN(len(l.docs))].position, l.docs[r.IntN(len(l.docs))].position
				f.From, f.To = store.Time(min(a, b)), store.Time(max(a, b))
				narrow(func(d *doc) bool { return d.position >= min(a, b) && d.position < max(a, b) })
			}
			c := []caller.Caller{l.Operator, l.StaffA, l.ContactV, l.ContactO}[r.IntN(4)]
			review := c.Role == caller.Operator
			narrow(func(d *doc) bool {
				return (d.tlp <= c.Ceiling() || d.org == c.Org) && (d.state.Public() || d.org == c.Org || review)
			})
			want := l.want(func(d *doc) bool {
				return !slices.ContainsFunc(tests, func(test func(*doc) bool) bool { return !test(d) })
			})
			got, _ := list(t, db, c, f)
			if !slices.Equal(got, want) {
				t.Fatalf("%+v: %d found, want %d", f, len(got), len(want))
			}
			found += len(want)
		}
		t.Logf("%d documents found", found)
	})
}

// What is indexed anew or removed is found as it is, not as it was.
func TestPutAndRemove(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		l := filled(t, db, 1)
		d := l.docs[0]
		d.state = advisory.Published
		change := func(fn func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Keep(ctx, fn); err != nil {
				t.Fatal(err)
			}
		}
		finds := func(text string) bool {
			got, _ := list(t, db, l.Operator, advisory.Filter{Text: text, States: advisory.States})
			return len(got) == 1
		}
		change(func(tx *store.Tx) error { return search.Put(ctx, tx, d.id, d.position, "最初の本文") })
		change(func(tx *store.Tx) error { return search.Put(ctx, tx, d.id, d.position+5, "次の文章") })
		if finds("最初") || !finds("文章") {
			t.Error("indexed anew, the old text is found or the new one is not")
		}
		change(func(tx *store.Tx) error { return search.Remove(ctx, tx, d.id) })
		if finds("文章") {
			t.Error("removed, but found")
		}
		// A text of more grams than PostgreSQL can hold is indexed as far as it goes.
		var huge strings.Builder
		for i := range rune(400_000) {
			huge.WriteRune(0x20000 + i%40_000)
			if i%3 == 0 {
				huge.WriteRune(0x4E00 + (i*7)%20_000)
			}
		}
		change(func(tx *store.Tx) error { return search.Put(ctx, tx, d.id, d.position, "冒頭の語 "+huge.String()) })
		if !finds("冒頭の語") {
			t.Error("the beginning of a huge text is not found")
		}
	})
}
