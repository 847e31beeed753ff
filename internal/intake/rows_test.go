// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"teiten/internal/category"
	"teiten/internal/fault"
	"teiten/internal/indicator"
	"teiten/internal/locale"
	"teiten/internal/store"
	"teiten/internal/storetest"
	"teiten/internal/tlp"
)

const jpcertHead = "date,URL,description\n"

func problemsOf(s Summary) string {
	var b strings.Builder
	for _, p := range s.Problems {
		fmt.Fprintf(&b, "%d %s\n", p.Line, locale.Japanese.Fault(p.Err))
	}
	return b.String()
}

// holdings lists what is stored, the indicators in order of their values.
func holdings(t *testing.T, db *store.DB) string {
	t.Helper()
	rows, err := db.Query(context.Background(), `SELECT i.kind, i.value, o.brand, o.category, o.day, o.tlp, i.confidence
		FROM observation o JOIN indicator i ON i.key = o.indicator_key AND i.tlp = o.tlp ORDER BY i.value, o.day, o.brand`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	for rows.Next() {
		var kind, value, brand, cat string
		var day, level, confidence int64
		if err := rows.Scan(&kind, &value, &brand, &cat, &day, &level, &confidence); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s %s %q %s %d %s %d\n", kind, value, brand, cat, day, tlp.Level(level), confidence)
	}
	return b.String()
}

// TestBadRows: each kind of bad row has its reason in plain words, the good rows
// around it go in, and nothing of a person is repeated.
func TestBadRows(t *testing.T) {
	for _, test := range []struct {
		name     string
		format   Format
		text     string
		problems string
		stored   string
	}{
		{"blank date, broken schemes, soft hyphen, user, quoted comma", JPCERT, jpcertHead +
			" ,https://a.example/,A\n" +
			"2024/09/02 11:34:00,hhttps://b.example/x,B\n" +
			"2024/09/02 11:34:00,ttps://c.example/,C\n" +
			"2024/09/02 11:34:00,　https://d.example/,D\n" +
			"2024/09/02 11:34:00,https://e\u00ad.example/,E\n" +
			"2024/09/02 11:34:00,https://taro@f.example/,F\n" +
			"2024/09/02 11:34:00,https://g.example/,\"G, \"\"Inc\"\"\"\r\n",
			"",
			"url https://a.example/ \"A\" phishing -1 CLEAR 80\n" +
				"url https://b.example/x \"B\" phishing 19968 CLEAR 80\n" +
				"url https://c.example/ \"C\" phishing 19968 CLEAR 80\n" +
				"url https://d.example/ \"D\" phishing 19968 CLEAR 80\n" +
				"url https://e.example/ \"E\" phishing 19968 CLEAR 80\n" +
				"url https://f.example/ \"F\" phishing 19968 CLEAR 80\n" +
				"url https://g.example/ \"G, \\\"Inc\\\"\" phishing 19968 CLEAR 80\n"},
		{"double dots, date, columns, quotes, encoding, scheme with a person", JPCERT, jpcertHead +
			"2024/09/02 11:34:00,https://a..example/?mail=taro@hospital.example,A\n" +
			"2024/13/02 11:34:00,https://a.example/,A\n" +
			"2031/01/02 11:34:00,https://a.example/,A\n" +
			"hxxp://evil.example/?u=taro,https://a.example/,A\n" +
			"2024/09/02 11:34:00,https://a.example/\n" +
			"2024/09/02 11:34:00,https://a.example/,A,B\n" +
			"2024/09/02 11:34:00,\"https://a.example/\"x,A\n" +
			"2024/09/02 11:34:00,\"https://a.example/,A\n" +
			"2024/09/02 11:34:00,https://a.example/,\xff\n" +
			"2024/09/02 11:34:00,https://a.example/\x01,A\n" +
			"2024/09/02 11:34:00,taro@hospital.example://x/,A\n" +
			"2024/09/02 11:34:00,,A\n" +
			"\n2024/09/02 11:34:00,https://good.example/,A",
			`2 ホスト名「a[.][.]example」の点の前後に文字がありません。写し間違いがないか確かめてください。
3 日付「2024/13/02 11:34:00」を読めません。2026/03/04 または 2026/03/04 09:30:00 のように書いてください。
4 日付「2031/01/02 11:34:00」は、遠い過去か未来です。確かめてください。
5 日付「hxxp://evil[.]example/?…」を読めません。2026/03/04 または 2026/03/04 09:30:00 のように書いてください。
6 列の数が 2 で、見出しの 3 と合いません。カンマを含む欄は「"」で囲んでください。
7 列の数が 4 で、見出しの 3 と合いません。カンマを含む欄は「"」で囲んでください。
8 閉じた「"」の後ろに文字があります。欄の中の「"」は二つ続けて書いてください。
9 「"」で始まる欄が閉じていません。この行だけを飛ばしました。
10 UTF-8 として読めない文字があります。元のファイルの文字を確かめてください。
12 「*[@]hospital[.]example」で始まるURLは登録できません。http:// か https:// で始まるURLを入力してください。
13 指標が空です。調べたいURLやアドレスを入力してください。
`, "url https://a.example/ \"A\" phishing 19968 CLEAR 80\nurl https://good.example/ \"A\" phishing 19968 CLEAR 80\n"},
		{"columns in Japanese", CSV, "\ufeff# 院内で集めた一覧\n指標\t種類\t観測日時\tブランド\t分類\t確度\t共有範囲\tメモ\n" +
			"hxxps://a[.]example/x\turl\t2024年9月2日 9時5分\tＡ社\t標的型\t９０\tGREEN\t山田さんから\n" +
			"192.0.2.1\tIPアドレス\t\t\t\t\t\t\n" +
			"bad.example\tドメイン\t2024-09-02\n" +
			"d41d8cd98f00b204e9800998ecf8427e\tハッシュ\t20240902\t\t\t\t\t\n" +
			"nothing\t\t\t\t\t\t\t\n" +
			"https://a.example/\t電話\t\t\t\t\t\t\n" +
			"https://a.example/\t\t\t\t迷惑\t\t\t\n" +
			"https://a.example/\t\t\t\t\t101\t\t\n" +
			"https://a.example/\t\t\t\t\t\tPINK\t\n" +
			"\t\t2024-09-02\t\t\t\t\t\n" +
			"# 終わり\n",
			`5 列の数が 3 で、見出しの 8 と合いません。カンマを含む欄は「"」で囲んでください。
7 URL、ドメイン、IPアドレス、メールアドレス、ハッシュ値のどれとしても読めません。書き方を確かめるか、種類の列に種類を書いてください。
8 指標の種類「電話」はありません。url、domain、ipv4、ipv6、cidr、email、md5、sha1、sha256 のどれかにしてください。
9 分類「迷惑」はありません。malicious_site（悪意のあるサイト）、phishing（フィッシング）、targeted（標的型）、notice（注意喚起）のどれかにしてください。
10 確度「101」は 0 から 100 の数字にしてください。
11 ` + locale.Japanese.T("tlp.unknown", "value", "PINK") + `
12 指標の欄が空です。URLやアドレスを入れてください。
`,
			"ipv4 192.0.2.1 \"\" malicious_site -1 AMBER 80\n" +
				"md5 d41d8cd98f00b204e9800998ecf8427e \"\" malicious_site 19968 AMBER 80\n" +
				"url https://a.example/x \"Ａ社\" targeted 19968 GREEN 90\n"},
		{"semicolons, a field over two lines, an open quote", CSV, "Date;URL;Description\n" +
			"2024-09-02T11:34:00+09:00;https://a.example/;\"two\nlines\"\n" +
			"2024.9.2 11:34;https://b.example/;\"never closed\n" +
			"2024/9/2;https://c.example/;C\n",
			"4 「\"」で始まる欄が閉じていません。この行だけを飛ばしました。\n",
			"url https://a.example/ \"two\\nlines\" malicious_site 19968 AMBER 80\nurl https://c.example/ \"C\" malicious_site 19968 AMBER 80\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, db *store.DB) {
				c := operator(t, db)
				o := Defaults(test.format)
				o.now = time.Date(2026, 3, 4, 9, 0, 0, 0, locale.Tokyo)
				o.Batch = 3
				s := importBytes(t, db, c, o, "list.csv", []byte(test.text))
				if got := problemsOf(s); got != test.problems {
					t.Errorf("problems:\n%s\nwant:\n%s", got, test.problems)
				}
				for _, secret := range []string{"taro", "山田"} {
					if strings.Contains(problemsOf(s), secret) {
						t.Errorf("a problem repeats %q:\n%s", secret, problemsOf(s))
					}
				}
				if got := holdings(t, db); got != test.stored {
					t.Errorf("stored:\n%s\nwant:\n%s", got, test.stored)
				}
				if s.Rows != s.Added+s.Known+s.Rejected || int(s.Rejected) != len(s.Problems) {
					t.Errorf("%+v", s.Counts)
				}
				before := dump(t, db)
				dry := o
				dry.DryRun = true
				for _, o := range []Options{o, dry} {
					again := importBytes(t, db, c, o, "dir/list.csv.gz", []byte(test.text))
					if again.Added != 0 || again.Known != s.Added || again.Rejected != s.Rejected {
						t.Errorf("again: %+v after %+v", again.Counts, s.Counts)
					}
				}
				if after := dump(t, db); after["observation"] != before["observation"] || after["indicator"] != before["indicator"] {
					t.Error("importing again changed something")
				}
				// The register of imports tells the same.
				run, problems, err := ReadRun(context.Background(), db, c, s.Files[0].Run)
				if err != nil || run.State != Done || run.Rows != s.Rows || run.Added != s.Added || run.Rejected != s.Rejected || problemsOf(Summary{Problems: problems}) != problemsOf(s) {
					t.Errorf("%+v %v\n%s", run, err, problemsOf(Summary{Problems: problems}))
				}
			})
		})
	}
}

// TestSameRows: the same row twice is two observations; a longer edition of the
// file adds what is new, in whatever order; another name is another file.
func TestSameRows(t *testing.T) {
	a, b, n := "2024/09/02 11:34:00,https://a.example/,A\n", "2024/09/03 11:34:00,https://b.example/,B\n", "2024/09/04 11:34:00,https://a.example/,A\n"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := operator(t, db)
		o := Defaults(JPCERT)
		dry := o
		dry.DryRun = true
		for i, step := range []struct {
			name, text string
			want       Counts
		}{
			{"l.csv", jpcertHead + a + a + b, Counts{Rows: 3, Added: 3, New: 2}},
			{"l.csv", jpcertHead + b + a + n + a, Counts{Rows: 4, Added: 1, Known: 3, Renewed: 1}},
			{"l.csv", jpcertHead + a + a + a, Counts{Rows: 3, Added: 1, Known: 2}},
			{"m.csv", jpcertHead + a, Counts{Rows: 1, Added: 1}},
		} {
			for _, o := range []Options{dry, o} {
				if s := importBytes(t, db, c, o, step.name, []byte(step.text)); s.Counts != step.want {
					t.Errorf("step %d, dry %v: %+v, want %+v", i, o.DryRun, s.Counts, step.want)
				}
			}
		}
	})
}

// TestLevelsStayApart: one URL at two levels in one batch is two claims, and
// nothing of the narrow one shows in the wide one.
func TestLevelsStayApart(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		importBytes(t, db, operator(t, db), Defaults(CSV), "l.csv", []byte("url,tlp,brand,date\n"+
			"https://a.example/,RED,Secret,2024-09-02\nhttps://a.example/,CLEAR,,2024-01-02\n"))
		var brand string
		var last int64
		if err := db.QueryRow(context.Background(), `SELECT brand, last_seen FROM indicator WHERE tlp = 0`).Scan(&brand, &last); err != nil {
			t.Fatal(err)
		}
		if brand != "" || store.Time(last).Year() != 2024 || store.Time(last).Month() != 1 {
			t.Errorf("the CLEAR claim has %q, %v", brand, store.Time(last))
		}
		if n := countRows(t, db, `SELECT COUNT(*) FROM indicator`); n != 2 {
			t.Errorf("%d claims", n)
		}
	})
}

// TestText finds indicators in prose, with their lines.
func TestText(t *testing.T) {
	text := "関係者各位\r\n\r\n不審なメールが届いています。\r\n送信元は hxxps[:]//evil[.]example/login で、\r\n" +
		"添付のSHA256は " + strings.Repeat("ab", 32) + " です。192.0.2[.]7 とも通信します。\r\n"
	text += strings.Repeat("長い文章です。\n", 60_000) + "最後に https://last.example/ です。"
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		o := Defaults(Text)
		o.Brand, o.Category, o.now = "A銀行", category.Targeted, time.Date(2024, 9, 2, 9, 0, 0, 0, locale.Tokyo)
		s := importBytes(t, db, operator(t, db), o, "mail.txt", []byte(text))
		want := "ipv4 192.0.2.7 \"A銀行\" targeted 19968 AMBER 80\n" +
			"sha256 " + strings.Repeat("ab", 32) + " \"A銀行\" targeted 19968 AMBER 80\n" +
			"url https://evil.example/login \"A銀行\" targeted 19968 AMBER 80\n" +
			"url https://last.example/ \"A銀行\" targeted 19968 AMBER 80\n"
		if got := holdings(t, db); got != want || s.Rejected != 0 {
			t.Errorf("%+v\n%s", s.Counts, got)
		}
	})
}

// TestCancel: a cancelled import leaves whole batches, and its repetition ends
// where an undisturbed one does.
func TestCancel(t *testing.T) {
	var rows strings.Builder
	rows.WriteString(jpcertHead)
	for i := range 1000 {
		fmt.Fprintf(&rows, "2024/09/02 11:34:%02d,https://host%d.example/,Brand\n", i%60, i)
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx, cancel := context.WithCancel(context.Background())
		c := operator(t, db)
		o := Defaults(JPCERT)
		o.Batch = 100
		o.Progress = func(p Progress) {
			if p.File != "l.csv" || p.Rows%100 != 0 || p.TotalBytes != int64(rows.Len()) || p.Added != int(p.Rows) {
				t.Errorf("%+v", p)
			}
			if p.Rows == 300 {
				cancel()
			}
		}
		s, err := File(ctx, db, c, theGuard(t), o, "l.csv", strings.NewReader(rows.String()))
		if !errors.Is(err, context.Canceled) {
			t.Fatal(s, err)
		}
		n := countRows(t, db, `SELECT COUNT(*) FROM observation`)
		if n != s.Added || n%100 != 0 || n < 300 || n > 500 {
			t.Errorf("%d rows are stored, %d counted", n, s.Added)
		}
		o.Progress = nil
		if s := importBytes(t, db, c, o, "l.csv", []byte(rows.String())); s.Known != n || s.Added != 1000-n {
			t.Errorf("%+v after %d", s.Counts, n)
		}
		runs, err := Runs(context.Background(), db, c, 0, 10)
		if err != nil || len(runs) != 2 || runs[0].State != Done || runs[1].State != Failed || fault.Code(runs[1].Err) != "import.interrupted" || runs[1].Added != n {
			t.Errorf("%+v %v", runs, err)
		}
	})
}

// TestDates holds every shape of date.
func TestDates(t *testing.T) {
	now := time.Date(2026, 3, 4, 9, 0, 0, 0, locale.Tokyo)
	for text, want := range map[string]string{
		" ":                         "",
		"":                          "",
		"　":                         "",
		"2024/09/02 11:34:00":       "2024-09-02T11:34:00+09:00",
		"2024/9/2 1:02":             "2024-09-02T01:02:00+09:00",
		"2024-09-02":                "2024-09-02T00:00:00+09:00",
		"２０２４／０９／０２":                "2024-09-02T00:00:00+09:00",
		"2024年9月2日":                 "2024-09-02T00:00:00+09:00",
		"2024年09月02日 11時34分":        "2024-09-02T11:34:00+09:00",
		"2024年9月2日11時34分05秒":        "2024-09-02T11:34:05+09:00",
		"20240902":                  "2024-09-02T00:00:00+09:00",
		"2024.9.2":                  "2024-09-02T00:00:00+09:00",
		"2024-09-02T02:34:00Z":      "2024-09-02T11:34:00+09:00",
		"2024-09-02T11:34:00+09:00": "2024-09-02T11:34:00+09:00",
		"2024/09/02 24:00:00":       "error",
		"2024/02/30 11:34:00":       "error",
		"2024/02/30":                "error",
		"1900/01/01":                "error",
		"2026/03/07":                "error",
		"昨日":                        "error",
	} {
		got, err := parseDate(text, now)
		switch {
		case want == "error":
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%q: %v %v", text, got, err)
			}
		case err != nil, want == "" && !got.IsZero(), want != "" && got.In(locale.Tokyo).Format(time.RFC3339) != want:
			t.Errorf("%q: %v %v, want %s", text, got, err, want)
		}
	}
}

func FuzzCSV(f *testing.F) {
	f.Add([]byte("url,date,brand\nhttps://a.example/,2024/09/02,\"A, B\"\n"), true)
	f.Add([]byte("指標;種類\n\"a\nb\";url\n\"open\nx\n"), true)
	f.Add([]byte(jpcertHead+" ,https://a.example/,x\n\"\n"), false)
	g, err := bundledGuard()
	if err != nil {
		f.Fatal(err)
	}
	// Whatever the bytes: every row is an observation or has a reason with a
	// sentence, lines are in order and within the file, and reading twice gives
	// the same keys.
	f.Fuzz(func(t *testing.T, data []byte, table bool) {
		o := Defaults(JPCERT)
		if table {
			o = Defaults(CSV)
		}
		o.Batch, o.now = 7, time.Date(2026, 3, 4, 9, 0, 0, 0, locale.Tokyo)
		read := func() (keys []int64) {
			in, err := open(bytes.NewReader(data))
			if err != nil {
				if fault.From(err).Kind == fault.Internal {
					t.Fatal(err)
				}
				return nil
			}
			out := make(chan *batch)
			end := make(chan error, 1)
			r := &refiner{ctx: context.Background(), out: out, guard: g, org: 1, base: []string{"row"}, name: "f", input: in, opts: &o, times: map[int64]uint32{}, now: &batch{}}
			go func() {
				defer close(out)
				var err error
				if table {
					_, err = readCSV(in, r)
				} else {
					err = readJPCERT(in, r)
				}
				if err == nil {
					err = r.flush()
				}
				end <- err
			}()
			lines := int64(2 + bytes.Count(data, []byte("\n")))
			gzipped := bytes.HasPrefix(data, []byte{0x1f, 0x8b})
			last := int64(0)
			for b := range out {
				if b.Rows != int64(len(b.rows))+b.Rejected {
					t.Errorf("%d rows, %d observations, %d rejected", b.Rows, len(b.rows), b.Rejected)
				}
				for _, o := range b.rows {
					keys = append(keys, o.Key)
					if _, err := indicator.Normalise(o.Kind, o.Value.Value); err != nil {
						t.Errorf("%q is not normal: %v", o.Value.Value, err)
					}
				}
				for _, p := range b.problems {
					if s := locale.Japanese.Fault(p.Err); strings.HasPrefix(s, "[") {
						t.Errorf("no sentence: %s", s)
					}
					if p.Line <= last && p.Line != last || p.Line < 1 || p.Line > lines && !gzipped {
						t.Errorf("line %d after %d of %d", p.Line, last, lines)
					}
					last = p.Line
				}
			}
			if err := <-end; err != nil && fault.From(err).Kind == fault.Internal {
				t.Error(err)
			}
			return keys
		}
		if a, b := read(), read(); fmt.Sprint(a) != fmt.Sprint(b) {
			t.Errorf("%v, then %v", a, b)
		}
	})
}
