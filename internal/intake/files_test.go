// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package intake

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/unicode"

	"teiten/internal/fault"
	"teiten/internal/locale"
	"teiten/internal/storetest"
)

// TestEncodings reads one table in every encoding that occurs in Japan.
func TestEncodings(t *testing.T) {
	text := "URL,ブランド,メモ\n"
	for i := range 50 {
		text += fmt.Sprintf("https://host%d.example/,三井住友カード株式会社,①はしご髙と−半角ｶﾅのある行です\n", i)
	}
	plain := strings.NewReplacer("①", "", "髙", "", "ｶﾅ", "カナ", "−", "", "株式会社", "株式会社").Replace(text)
	enc := func(e encoding.Encoding, s string) []byte {
		b, err := e.NewEncoder().Bytes([]byte(s))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	cp932 := strings.ReplaceAll(text, "−", "－")
	for _, test := range []struct {
		name string
		data []byte
	}{
		{"UTF-8", []byte(text)},
		{"UTF-8", []byte("\ufeff" + text)},
		{"Shift_JIS", enc(japanese.ShiftJIS, cp932)},
		{"EUC-JP", enc(japanese.EUCJP, plain)},
		{"ISO-2022-JP", enc(japanese.ISO2022JP, plain)},
		{"UTF-16", enc(unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), text)},
		{"UTF-16", enc(unicode.UTF16(unicode.BigEndian, unicode.UseBOM), text)},
		{"UTF-16", enc(unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM), text)},
		{"UTF-16", enc(unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM), text)},
	} {
		db := storetest.SQLite(t)
		s := importBytes(t, db, operator(t, db), Defaults(CSV), "list.csv", test.data)
		if s.Files[0].Encoding != test.name || s.Added != 50 || s.Rejected != 0 {
			t.Errorf("%s: %+v %s", test.name, s.Files[0], problemsOf(s))
		}
		if n := countRows(t, db, `SELECT COUNT(*) FROM observation WHERE brand = '三井住友カード株式会社'`); n != 50 {
			t.Errorf("%s: %d brands are right", test.name, n)
		}
		if fmt.Sprint(s.Files[0].Ignored) != "[メモ]" {
			t.Errorf("%s: ignored columns %v", test.name, s.Files[0].Ignored)
		}
	}
	// A Shift_JIS file with a broken row far behind the sample loses that row only.
	long := enc(japanese.ShiftJIS, strings.Repeat("https://x.example/,ブランド,\n", 4000))
	long = append(enc(japanese.ShiftJIS, "URL,ブランド,メモ\n"), long...)
	long = append(long, "https://y.example/,\x81\n"...)
	long = append(long, "https://z.example/,Z\n"...)
	db := storetest.SQLite(t)
	if s := importBytes(t, db, operator(t, db), Defaults(CSV), "list.csv", long); s.Added != 4001 || problemsOf(s) != "4002 Shift_JIS として読めない文字があります。元のファイルの文字を確かめてください。\n" {
		t.Errorf("%+v %s", s.Counts, problemsOf(s))
	}
}

func gz(t testing.TB, s string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, s); err != nil {
		t.Fatal(err)
	}
	z.Close()
	return b.Bytes()
}

// TestBadFiles: what cannot be read at all, or not to its end.
func TestBadFiles(t *testing.T) {
	var rows strings.Builder
	for i := range 5000 {
		fmt.Fprintf(&rows, "2024/09/02 11:34:%02d,https://host%d.example/%x,Brand\n", i%60, i, i*7919*104729)
	}
	packed := gz(t, jpcertHead+rows.String())
	broken := bytes.Clone(packed)
	broken[len(broken)-6] ^= 1 // the checksum
	middle := bytes.Clone(packed)
	copy(middle[len(middle)/2:], "\xff\xff\xff\xff\xff\xff\xff\xff")
	for _, test := range []struct {
		name   string
		format Format
		data   []byte
		want   string // a prefix
		stream bool   // of a pipe, rows before the damage are stored
	}{
		{"empty", CSV, nil, "ファイルが空です。", false},
		{"empty in gzip", CSV, gz(t, ""), "ファイルが空です。", false},
		{"zip", CSV, []byte("PK\x03\x04……"), "ZIP または Excel のファイルです。", false},
		{"old Excel", CSV, []byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1……"), "古い形式の Office のファイルです。", false},
		{"binary", CSV, []byte("\x7fELF\x00\x01\x02\x00\x00\x00"), "文字のファイルではありません。", false},
		{"no encoding", CSV, []byte("url\nhttps://a.example/\n\xff\xfe\xff\xa0\x80\n"), "文字コードが分かりません。", false},
		{"no header", CSV, []byte("https://a.example/,2024/09/02\n"), "1 行目に列の名前が見つかりません。次の名前が使えます（先頭の value または 指標 は必要です）：value / 指標, kind / 種類, date / 日付, brand / ブランド, category / 分類, confidence / 確度, tlp / 共有範囲", false},
		{"not the list", JPCERT, []byte("url,date\n"), "JPCERT/CC のフィッシング URL リストではありません。1 行目が「date,URL,description」ではありません。", false},
		{"gzip cut", JPCERT, packed[:len(packed)-2000], "gzip ファイルが 4,", false},
		{"gzip cut, from a pipe", JPCERT, packed[:len(packed)-2000], "gzip ファイルが 4,", true},
		{"gzip cut in its header", JPCERT, packed[:5], "gzip ファイルが 1 行目で途切れています。", false},
		{"gzip checksum", JPCERT, broken, "gzip ファイルの中身が壊れています（5,002 行目まで読みました）。", false},
		{"gzip damaged", JPCERT, middle, "gzip ファイル", false},
		{"gzip bomb", JPCERT, gz(t, jpcertHead+strings.Repeat(strings.Repeat(" ", 1<<16)+"\n", 300<<20>>16)), "gzip ファイルが 200 倍を超えて膨らみます。", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := storetest.SQLite(t)
			c := operator(t, db)
			before := importBytes(t, db, c, Defaults(JPCERT), "before.csv", []byte(jpcertHead+"2024/09/02 11:34:00,https://before.example/,B\n"))
			o := Defaults(test.format)
			o.Batch = 1000
			var r io.Reader = bytes.NewReader(test.data)
			if test.stream {
				r = io.MultiReader(r)
			}
			s, err := File(context.Background(), db, c, theGuard(t), o, "list.csv.gz", r)
			if err == nil || !strings.HasPrefix(locale.Japanese.Fault(err), test.want) {
				t.Fatalf("%q (%v), want %q", locale.Japanese.Fault(err), err, test.want)
			}
			if (s.Added > 0) != test.stream || countRows(t, db, `SELECT COUNT(*) FROM observation`) != s.Added+before.Added {
				t.Errorf("%+v", s.Counts)
			}
			if countRows(t, db, `SELECT COUNT(*) FROM indicator WHERE value = 'https://before.example/' AND status = 'active'`) != 1 {
				t.Error("what was stored has changed")
			}
			if test.stream { // the whole file adds the rest
				whole := importBytes(t, db, c, o, "list.csv", packed)
				if whole.Added+whole.Known != 5000 || whole.Known != s.Added || whole.Rejected != 0 {
					t.Errorf("repeated: %+v after %+v", whole.Counts, s.Counts)
				}
			}
		})
	}
}

// endless is a text that is made while it is read.
type endless struct {
	head, tail string
	fill       byte
	n          int64 // of fill between them
}

func (e *endless) Read(p []byte) (int, error) {
	switch {
	case e.head != "":
		n := copy(p, e.head)
		e.head = e.head[n:]
		return n, nil
	case e.n > 0:
		n := int(min(e.n, int64(len(p))))
		for i := range p[:n] {
			p[i] = e.fill
		}
		e.n -= int64(n)
		return n, nil
	case e.tail != "":
		n := copy(p, e.tail)
		e.tail = e.tail[n:]
		return n, nil
	}
	return 0, io.EOF
}

// TestLongLine reads files with a line of 1 GiB in constant memory.
func TestLongLine(t *testing.T) {
	if testing.Short() {
		t.Skip("long; make test runs it")
	}
	const row = "2024/09/02 11:34:00,https://%s.example/,A\n"
	for _, test := range []struct {
		name       string
		format     Format
		head, tail string
	}{
		{"field", JPCERT, jpcertHead + fmt.Sprintf(row, "a") + "2024/09/02 11:34:00,https://", "/,A\n" + fmt.Sprintf(row, "b")},
		{"quoted", JPCERT, jpcertHead + fmt.Sprintf(row, "a") + `2024/09/02 11:34:00,"https://`, "\"/,A\n" + fmt.Sprintf(row, "b")},
		{"text", Text, "一行目 https://a.example/ です\n次の行\n", "\nhttps://b.example/ も\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			db := storetest.SQLite(t)
			c, g := operator(t, db), theGuard(t)
			var before, peak runtime.MemStats
			runtime.GC()
			runtime.ReadMemStats(&before)
			stop, done := make(chan bool), make(chan uint64)
			go func() {
				most := uint64(0)
				for {
					select {
					case <-stop:
						done <- most
						return
					case <-time.After(20 * time.Millisecond):
						runtime.ReadMemStats(&peak)
						most = max(most, peak.HeapAlloc)
					}
				}
			}()
			s, err := File(context.Background(), db, c, g, Defaults(test.format), "long.csv", &endless{head: test.head, fill: 'a', n: 1 << 30, tail: test.tail})
			close(stop)
			most := <-done
			if err != nil || s.Added != 2 || problemsOf(s) != "3 1 行が 1 MiB を超えています。この行は飛ばしました。\n" {
				t.Errorf("%+v %v %s", s.Counts, err, problemsOf(s))
			}
			if grown := int64(most) - int64(before.HeapAlloc); grown > 64<<20 {
				t.Errorf("memory grew by %d MiB", grown>>20)
			}
			var after runtime.MemStats
			runtime.ReadMemStats(&after)
			if made := after.TotalAlloc - before.TotalAlloc; made > 256<<20 {
				t.Errorf("%d MiB were allocated in all", made>>20)
			}
		})
	}
}

// TestFiles: a file that cannot be opened or read does not keep the others out,
// unless the one who is told wants it so.
func TestFiles(t *testing.T) {
	db := storetest.SQLite(t)
	content := map[string]string{
		"a.csv": "url\nhttps://a.example/\n", "b.csv": "no header\n", "d.csv": "url\nhttps://d.example/\nbad\n", "e.csv": "url\nhttps://e.example/\n",
	}
	closed := 0
	open := func(name string) (io.ReadCloser, error) {
		text, ok := content[name]
		if !ok {
			return nil, os.ErrNotExist
		}
		return closer{strings.NewReader(text), &closed}, nil
	}
	for _, test := range []struct {
		stop string
		want string
	}{
		{"", "a.csv 1 0 / b.csv 0 0 import.csv_header / c.csv 0 0 fault.internal / d.csv 1 1 / e.csv 1 0"},
		{"b.csv", "a.csv 0 0 / b.csv 0 0 import.csv_header"},
	} {
		var got []string
		err := New(db, operator(t, db), theGuard(t), Defaults(CSV)).Files(context.Background(), []string{"a.csv", "b.csv", "c.csv", "d.csv", "e.csv"}, open,
			func(name string, s Summary, err error) error {
				line := fmt.Sprintf("%s %d %d", name, s.Added, s.Rejected)
				if err != nil {
					line += " " + fault.From(err).Code
				}
				got = append(got, line)
				if name == test.stop {
					return err
				}
				return nil
			})
		if strings.Join(got, " / ") != test.want || (err != nil) != (test.stop != "") {
			t.Errorf("%q, %v; want %q", got, err, test.want)
		}
	}
	if closed != 6 { // a, b, d, e; then a, b, for c was not there
		t.Errorf("%d files were closed", closed)
	}
}

type closer struct {
	io.Reader
	n *int
}

func (c closer) Close() error { *c.n++; return nil }
