// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mail

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/encoding/japanese"
)

func read(t testing.TB, raw string) *Message {
	t.Helper()
	m, err := Read([]byte(raw), Limits{})
	if err != nil {
		t.Fatalf("%v\n%.300s", err, raw)
	}
	return m
}

func jis(s string) string  { return mustEncode(japanese.ISO2022JP.NewEncoder().String(s)) }
func sjis(s string) string { return mustEncode(japanese.ShiftJIS.NewEncoder().String(s)) }
func euc(s string) string  { return mustEncode(japanese.EUCJP.NewEncoder().String(s)) }

func mustEncode(s string, err error) string {
	if err != nil {
		panic(err)
	}
	return s
}

func b64(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

func repaired(m *Message, code string) bool {
	return slices.ContainsFunc(m.Repairs, func(r Repair) bool { return r.Code == "mail."+code })
}

func TestSubject(t *testing.T) {
	j := jis("日本語の件名")
	tests := []struct{ name, raw, want string }{
		{"plain", "Hello", "Hello"},
		{"word", "=?UTF-8?B?" + b64("日本") + "?=", "日本"},
		{"blanks between words vanish", "=?utf-8?q?a?=  =?utf-8?q?b?= c", "ab c"},
		{"underscore", "=?utf-8?Q?a_b=20c?=", "a b c"},
		{"split inside a character", "=?utf-8?B?" + b64("日本"[:4]) + "?= =?utf-8?B?" + b64("日本"[4:]) + "?=", "日本"},
		{"split inside a character, Q", "=?shift_jis?Q?=8D?= =?shift_jis?Q?=82?=", "高"},
		{"split inside an escape", "=?iso-2022-jp?B?" + b64(j[:2]) + "?= =?ISO-2022-JP?B?" + b64(j[2:9]) + "?=\r\n =?iso-2022-jp?B?" + b64(j[9:]) + "?=", "日本語の件名"},
		{"state carried on", "=?iso-2022-jp?B?" + b64(j[:5]) + "?= =?iso-2022-jp?B?" + b64(j[5:]) + "?=", "日本語の件名"},
		{"base64 cut anywhere", "=?utf-8?B?" + b64("日本語です")[:9] + "?= =?utf-8?B?" + b64("日本語です")[9:] + "?=", "日本語です"},
		{"no padding", "=?utf-8?B?" + strings.TrimRight(b64("日本a"), "=") + "?=", "日本a"},
		{"no padding, and another", "=?utf-8?B?" + strings.TrimRight(b64("ab"), "=") + "?= =?utf-8?B?" + b64("cde") + "?=", "abcde"},
		{"no end", "=?utf-8?B?" + b64("日本語") + " =?utf-8?B?" + b64("です") + "?=", "日本語です"},
		{"no end at all", "=?utf-8?Q?=E6=97=A5", "日"},
		{"half an end", "=?utf-8?B?" + b64("日本語") + "? abc", "日本語 abc"},
		{"blanks inside", "=?utf-8?Q?=E6=97=A5 =E6=9C=AC?=", "日 本"},
		{"question mark inside", "=?utf-8?Q?a?=3F?=", "a??"},
		{"wrong label", "=?us-ascii?B?" + b64("日本語") + "?=", "日本語"},
		{"label lies", "=?utf-8?B?" + b64(sjis("お知らせです")) + "?=", "お知らせです"},
		{"unknown label", "=?x-unknown?B?" + b64(euc("お知らせです")) + "?=", "お知らせです"},
		{"language", "=?utf-8*ja?B?" + b64("日本") + "?=", "日本"},
		{"no blank between", "=?utf-8?B?" + b64("日") + "?==?utf-8?B?" + b64("本") + "?=", "日本"},
		{"inside a word", "Re:=?utf-8?B?" + b64("日本") + "?=abc", "Re:日本abc"},
		{"in quotes", "\"=?utf-8?B?" + b64("日本") + "?=\"", "\"日本\""},
		{"raw UTF-8", "日本語", "日本語"},
		{"raw Shift_JIS", sjis("お知らせ表示"), "お知らせ表示"},
		{"raw EUC-JP", euc("お知らせ表示"), "お知らせ表示"},
		{"raw JIS", j, "日本語の件名"},
		{"raw JIS without ESC", strings.ReplaceAll(j, "\x1b", ""), "日本語の件名"},
		{"extensions", "=?ISO-2022-JP?B?" + b64("\x1b$B-!-j\x1b(B") + "?=", "①㈱"},
		{"half-width kana", "=?ISO-2022-JP?B?" + b64("\x1b(I6@\x1b(B") + "?=", "ｶﾀ"},
		{"mixed charsets", "=?utf-8?B?" + b64("あ") + "?= =?iso-2022-jp?B?" + b64(jis("い")) + "?=", "あい"},
		{"folded", "one\r\n two\r\n\tthree", "one two three"},
		{"a line made up inside", "=?utf-8?Q?a=0D=0AFrom:_b?=", "a From: b"},
		{"none", "=?utf-8?X?abc?= =?=", "=?utf-8?X?abc?= =?="},
	}
	for _, tt := range tests {
		if got := read(t, "From: a@b.example\r\nSubject: "+tt.raw+"\r\n\r\nx\r\n").Subject; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	one := func(name, address string) []Address { return []Address{{name, address}} }
	tests := []struct {
		raw  string
		want []Address
	}{
		{"a@b.example", one("", "a@b.example")},
		{"<A@B.Example>", one("", "A@b.example")},
		{"\"Yamada, Taro\" <a@b.example>", one("Yamada, Taro", "a@b.example")},
		{"Yamada, Taro <a@b.example>", one("Yamada, Taro", "a@b.example")},
		{"a@b.example, Yamada Taro <c@d.example>", []Address{{"", "a@b.example"}, {"Yamada Taro", "c@d.example"}}},
		{"Dr. A. Smith <a@b.example>", one("Dr. A. Smith", "a@b.example")},
		{"=?utf-8?B?" + b64("山田") + "?= <a@b.example>", one("山田", "a@b.example")},
		{"=?utf-8?B?" + b64("山田") + "?=<a@b.example>", one("山田", "a@b.example")},
		{"\"=?utf-8?B?" + b64("山田, 太郎") + "?=\" <a@b.example>", one("山田, 太郎", "a@b.example")},
		{"=?utf-8?B?" + b64("山田 <a@b.example>") + "?=", one("山田", "a@b.example")},
		{"=?utf-8?B?" + b64("山") + "?= =?utf-8?B?" + b64("田") + "?= <a@b.example>", one("山田", "a@b.example")},
		{"山田　太郎＜a＠b．example＞", one("山田　太郎", "a@b.example")},
		{sjis("山田表示のお知らせ") + " <a@b.example>", one("山田表示のお知らせ", "a@b.example")},
		{jis("山田") + " <a@b.example>", one("山田", "a@b.example")},
		{"\"" + jis("表示\"の件") + "\" <a@b.example>", one("表示の件", "a@b.example")},
		{"a@b.example (山田)", one("山田", "a@b.example")},
		{"(comment (nested)) a@b.example", one("comment (nested)", "a@b.example")},
		{"Team: a@b.example, c@d.example;", []Address{{"", "a@b.example"}, {"", "c@d.example"}}},
		{"undisclosed-recipients:;", nil},
		{"お知らせ:重要 <a@b.example>", one("お知らせ:重要", "a@b.example")},
		{"real@bank.example <evil@x.example>", one("real@bank.example", "evil@x.example")},
		{"\"real@bank.example\" <evil@x.example>", one("real@bank.example", "evil@x.example")},
		{"Name <a@b.example> <c@d.example>", []Address{{"Name", "a@b.example"}, {"", "c@d.example"}}},
		{"Name <a@b.example", one("Name", "a@b.example")},
		{"\"Name <a@b.example>", one("Name", "a@b.example")},
		{"<@r.example:a@b.example>", one("", "a@b.example")},
		{"<mailto:a@b.example>", one("", "a@b.example")},
		{"山田 [mailto:a@b.example]", one("山田", "a@b.example")},
		{"a@b.example c@d.example", []Address{{"", "a@b.example"}, {"", "c@d.example"}}},
		{"a@b.example、c@d.example", []Address{{"", "a@b.example"}, {"", "c@d.example"}}},
		{"a@b.example; c@d.example", []Address{{"", "a@b.example"}, {"", "c@d.example"}}},
		{"山田、太郎 <a@b.example>", one("山田、太郎", "a@b.example")},
		{"name only", one("name only", "")},
		{"a..b.@b.example", one("", "a..b.@b.example")},
		{"<=?utf-8?Q?a=40b=2Eexample?=>", one("", "a@b.example")},
		{"", nil},
	}
	for _, tt := range tests {
		if got := ParseAddresses(tt.raw); !slices.Equal(got, tt.want) {
			t.Errorf("%q: %q, want %q", tt.raw, got, tt.want)
		}
	}
	m := read(t, "From: a@b.example\nFrom: c@d.example\n\nx")
	if len(m.From) != 2 || !repaired(m, "repair_twice") {
		t.Errorf("%v %v", m.From, m.Repairs)
	}
}

func TestFileNames(t *testing.T) {
	sj := sjis("表示ソ.pdf") // second bytes that look like backslashes
	percent := func(s string) string {
		var b strings.Builder
		for i := range len(s) {
			fmt.Fprintf(&b, "%%%02X", s[i])
		}
		return b.String()
	}
	tests := []struct{ name, raw, want string }{
		{"quoted", `attachment; filename="a b.pdf"`, "a b.pdf"},
		{"token", `attachment; filename=a.pdf`, "a.pdf"},
		{"unquoted blanks", `attachment; filename=a b c.pdf; size=3`, "a b c.pdf"},
		{"RFC 2231", "attachment; filename*=UTF-8''" + percent("請求書.pdf"), "請求書.pdf"},
		{"RFC 2231 in JIS", "attachment; filename*=iso-2022-jp'ja'" + percent(jis("請求書.pdf")), "請求書.pdf"},
		{"RFC 2231 label lies", "attachment; filename*=utf-8''" + percent(sj), "表示ソ.pdf"},
		{"RFC 2231 no charset", "attachment; filename*=" + percent("請求書.pdf"), "請求書.pdf"},
		{"no asterisk", "attachment; filename=\"UTF-8''" + percent("請求書.pdf") + "\"", "請求書.pdf"},
		{"pieces", "attachment; filename*0*=utf-8''" + percent("請求書")[:15] + "; filename*1*=" + percent("請求書")[15:] + "; filename*2=.pdf", "請求書.pdf"},
		{"pieces out of order", "attachment; filename*1=b; filename*0=a; filename*2=c.pdf", "abc.pdf"},
		{"a gap", "attachment; filename*0=a; filename*2=c.pdf", "ac.pdf"},
		{"pieces in JIS, cut in an escape", "attachment; filename*0*=iso-2022-jp''" + percent(jis("請求書.pdf"))[:6] + ";\r\n filename*1*=" + percent(jis("請求書.pdf"))[6:], "請求書.pdf"},
		{"encoded word", "attachment; filename=\"=?ISO-2022-JP?B?" + b64(jis("請求書.pdf")) + "?=\"", "請求書.pdf"},
		{"encoded word, no quotes", "attachment; filename==?utf-8?B?" + b64("請求書.pdf") + "?=", "請求書.pdf"},
		{"encoded words, folded", "attachment; filename=\"=?utf-8?B?" + b64("請求") + "?=\r\n =?utf-8?B?" + b64("書.pdf") + "?=\"", "請求書.pdf"},
		{"encoded word in pieces", "attachment; filename*0=\"=?utf-8?B?" + b64("請求書.pdf")[:8] + "\"; filename*1=\"" + b64("請求書.pdf")[8:] + "?=\"", "請求書.pdf"},
		{"raw Shift_JIS", "attachment; filename=\"" + sj + "\"", "表示ソ.pdf"},
		{"raw JIS that looks like quotes", "attachment; filename=\"" + jis("明暗.pdf") + "\"; size=1", "明暗.pdf"},
		{"raw UTF-8", "attachment; filename=\"請求書.pdf\"", "請求書.pdf"},
		{"never closed", "attachment; filename=\"a.pdf", "a.pdf"},
		{"semicolon missing", "attachment; size=1 filename=\"a.pdf\"", "a.pdf"},
		{"escaped quote", `attachment; filename="a\"b.pdf"`, `a"b.pdf`},
		{"a path", `attachment; filename="C:\docs\a.pdf"`, `C:\docs\a.pdf`},
		{"both", "attachment; filename=\"x.pdf\"; filename*=utf-8''" + percent("請求書.pdf"), "請求書.pdf"},
	}
	for _, tt := range tests {
		m := read(t, "From: a@b.example\r\nContent-Type: application/pdf\r\nContent-Disposition: "+tt.raw+"\r\n\r\n%PDF-1.4\r\n")
		if got := m.Root.Name; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestDates(t *testing.T) {
	for raw, want := range map[string]string{
		"Sun, 22 Nov 2026 12:34:56 +0900":             "2026-11-22T03:34:56Z",
		"22 Nov 2026 03:34 GMT":                       "2026-11-22T03:34:00Z",
		"Sun, 22 Nov 26 12:34:56 +0900 (JST)":         "2026-11-22T03:34:56Z",
		"Sun, Nov 22, 2026 at 12:34 PM":               "2026-11-22T03:34:00Z",
		"Sunday, November 22, 2026 9:05 PM":           "2026-11-22T12:05:00Z",
		"2026年11月22日(日) 12:34":                        "2026-11-22T03:34:00Z",
		"2026年11月22日 日曜日 午後 1:05":                     "2026-11-22T04:05:00Z",
		"2026年11月22日 12時34分56秒":                       "2026-11-22T03:34:56Z",
		"2026/11/22 12:34":                            "2026-11-22T03:34:00Z",
		"2026/11/22, Sun 12:34":                       "2026-11-22T03:34:00Z",
		"2026-11-22T12:34:56+09:00":                   "2026-11-22T03:34:56Z",
		"11/22/2026 12:34 PM":                         "2026-11-22T03:34:00Z",
		"Sun Nov 22 03:34:56 2026 +0000":              "2026-11-22T03:34:56Z",
		"yesterday":                                   "0001-01-01T00:00:00Z",
		"Sun, 99 Nov 2026 12:34:56 +0900":             "0001-01-01T00:00:00Z",
		"99999999999999999999999 Nov 2026 12:34 +090": "0001-01-01T00:00:00Z",
	} {
		if got := parseDate(raw).UTC().Format(time.RFC3339); got != want {
			t.Errorf("%q: %s, want %s", raw, got, want)
		}
	}
}

func TestBodies(t *testing.T) {
	tests := []struct{ name, raw, want, repair string }{
		{"nothing said", "\r\n本文", "本文", ""},
		{"JIS without a label", "\r\n" + jis("本文です"), "本文です", ""},
		{"label lies", "Content-Type: text/plain; charset=iso-2022-jp\r\n\r\n" + sjis("本文です。お知らせ"), "本文です。お知らせ", "repair_charset"},
		{"CP50221", "Content-Type: text/plain; charset=CP50221\r\n\r\n\x1b$B-!\x1b(I6\x1b(B", "①ｶ", ""},
		{"HTML tells itself", "Content-Type: text/html\r\n\r\n<meta charset=shift_jis>" + sjis("表"), "<meta charset=shift_jis>表", ""},
		{"quoted-printable", "Content-Transfer-Encoding: quoted-printable\r\n\r\na=E3=81=\r\n=82=\r\nb=3d", "aあb=", ""},
		{"bad escapes", "Content-Transfer-Encoding: quoted-printable\r\n\r\na=ZZ b=", "a=ZZ b", "repair_qp"},
		{"blanks behind a soft break", "Content-Transfer-Encoding: quoted-printable\r\n\r\na=  \r\nb", "ab", ""},
		{"base64, odd lines", "Content-Transfer-Encoding: base64\r\n\r\n" + b64("本文です。これで。")[:7] + "\r\n\r\n" + b64("本文です。これで。")[7:], "本文です。これで。", ""},
		{"base64, no padding", "Content-Transfer-Encoding: base64\r\n\r\n" + strings.TrimRight(b64("hello"), "="), "hello", ""},
		{"base64, junk", "Content-Transfer-Encoding: base64\r\n\r\naGVs!bG8s*IHdvcmxk", "hello, world", "repair_base64"},
		{"base64, a footer", "Content-Transfer-Encoding: base64\r\n\r\n" + b64("hello") + "\r\n-- \r\nThe list footer", "hello\n-- \nThe list footer", "repair_base64_tail"},
		{"base64 is a lie", "Content-Transfer-Encoding: base64\r\n\r\nThis is just plain text, with words.", "This is just plain text, with words.", "repair_encoding"},
		{"base64 forgotten", "Content-Transfer-Encoding: 7bit\r\n\r\n" + b64("お世話になっております。本文です。"), "お世話になっております。本文です。", "repair_encoding"},
		{"8 bit", "Content-Transfer-Encoding: 8 bit\r\n\r\nあ", "あ", ""},
		{"unknown encoding", "Content-Transfer-Encoding: foo\r\n\r\nあ", "あ", "repair_encoding_unknown"},
		{"UTF-7", "Content-Type: text/plain; charset=utf-7\r\n\r\n+MEI-", "あ", ""},
		{"line ends", "\r\na\r\nb\nc\r\r\nd", "a\nb\nc\nd", ""},
	}
	for _, tt := range tests {
		m := read(t, "From: a@b.example\r\n"+tt.raw)
		if got := m.Root.Text; got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
		if tt.repair != "" && !repaired(m, tt.repair) {
			t.Errorf("%s: %s is not in %v", tt.name, tt.repair, m.Repairs)
		}
		if tt.repair == "" && len(m.Repairs) > 0 && tt.name != "line ends" {
			t.Errorf("%s: repaired %v", tt.name, m.Repairs)
		}
	}
}

func TestHeaderBlocks(t *testing.T) {
	tests := []struct{ name, raw, subject, body string }{
		{"LF", "From: a@b.example\nSubject: s\n\nbody", "s", "body"},
		{"CR", "From: a@b.example\rSubject: s\r\rbody", "s", "body"},
		{"CR CR LF", "From: a@b.example\r\r\nSubject: s\r\r\n\r\r\nbody", "s", "body"},
		{"mixed", "From: a@b.example\nSubject: s\r\n\nbody", "s", "body"},
		{"mbox", "From x@y Mon Jan 1\nFrom: a@b.example\nSubject: s\n\nbody", "s", "body"},
		{"quoted mbox", ">From x@y Mon Jan 1\nFrom: a@b.example\nSubject: s\n\nbody", "s", "body"},
		{"blank lines before", "\r\n \r\nFrom: a@b.example\nSubject: s\n\nbody", "s", "body"},
		{"BOM", "\xef\xbb\xbfFrom: a@b.example\nSubject: s\n\nbody", "s", "body"},
		{"no colon", "From: a@b.example\nrubbish line\nSubject: s\n\nbody", "s", "body"},
		{"lost fold", "From: a@b.example\nSubject: s\nand more\nDate: x\n\nbody", "s and more", "body"},
		{"no empty line", "From: a@b.example\nSubject: s\nThis is the body.\nMore of it.", "s", "This is the body.\nMore of it."},
		{"line of blanks", "From: a@b.example\nSubject: s\n  \nbody", "s", "body"},
		{"blank before the colon", "From : a@b.example\nSubject : s\n\nbody", "s", "body"},
		{"NUL", "From: a@b.example\nSubject: s\x00\n\nbo\x00dy", "s", "body"},
		{"first of two", "From: a@b.example\nSubject: s\nSubject: t\n\nbody", "s", "body"},
		{"indented", "  From: a@b.example\n  Subject: s\n\n  body", "s", "body"},
		{"UTF-16", "\xff\xfeF\x00r\x00o\x00m\x00:\x00a\x00@\x00b\x00\n\x00S\x00u\x00b\x00j\x00e\x00c\x00t\x00:\x00s\x00\n\x00\n\x00b\x00o\x00d\x00y\x00", "s", "body"},
		{"Gmail's page", "元のメッセージ\nメッセージ ID\t<x@y>\n件名:\tabc\n\nクリップボードにコピー\nDelivered-To: c@d.example\nReceived: by x\nFrom: a@b.example\nSubject: s\n\nbody", "s", "body"},
		{"Apple Mail's file", "43\nFrom: a@b.example\nSubject: s\n\nbody, and more\n<?xml version=\"1.0\"?><plist/>", "s", "body, and more"[:6]},
	}
	for _, tt := range tests {
		if tt.name == "Apple Mail's file" {
			inner := "From: a@b.example\nSubject: s\n\nbody, "
			tt.raw = fmt.Sprintf("%d\n%s<?xml version=\"1.0\"?><plist/>", len(inner), inner)
		}
		m := read(t, tt.raw)
		if m.Format != EML || m.Subject != tt.subject || strings.TrimSpace(m.Root.Text) != strings.TrimSpace(tt.body) || len(m.From) != 1 {
			t.Errorf("%s: %s %q %q %v", tt.name, m.Format, m.Subject, m.Root.Text, m.From)
		}
	}
}

func TestFormats(t *testing.T) {
	if m := read(t, "Received: from a\r\n by b\r\nFrom: a@b.example\r\nSubject: s\r\n"); m.Format != Header || m.Subject != "s" || m.Raw != nil {
		t.Errorf("%s %q", m.Format, m.Subject)
	}
	if m := read(t, "お世話になっております。\nhttps://evil.example/ をご確認ください。"); m.Format != Text || !strings.Contains(m.Root.Text, "evil.example") || len(m.Texts()) != 1 {
		t.Errorf("%s", m.Format)
	}
	if m := read(t, sjis("お世話になっております。")); m.Format != Text || m.Root.Charset != "Shift_JIS" {
		t.Errorf("%s %s", m.Format, m.Root.Charset)
	}
	if m := read(t, "<html><body>x</body></html>"); m.Format != Text || len(m.HTML()) != 1 {
		t.Errorf("%s", m.Format)
	}
	m := read(t, "From x\nFrom: a@b.example\nSubject: 1\n\nbody\n\nFrom y\nFrom: c@d.example\nSubject: 2\n\nother\n")
	if m.Subject != "1" || strings.Contains(m.Root.Text, "other") || len(m.Incomplete) != 1 || m.Incomplete[0].Code != "mail.incomplete_mbox" {
		t.Errorf("%q %v", m.Root.Text, m.Incomplete)
	}
	raw := "Subject: x\r\nDKIM-Signature: a\r\n\r\nbody\r\n"
	if m := read(t, raw); string(m.Raw) != raw || m.Size != int64(len(raw)) || len(m.SHA256) != 64 {
		t.Errorf("raw %q", m.Raw)
	}
}
