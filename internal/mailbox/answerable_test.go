// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailbox

import (
	"strings"
	"testing"
	"unicode/utf8"

	"teiten/internal/mail"
)

func answerableTo(sender string, fields ...mail.Field) Refusal {
	s, _ := ParseSender(sender)
	own := func(s Sender) bool { return s.Domain == "houkoku.example.jp" }
	return Answerable(s, fields, own, func(v string) bool { return v == "ours" })
}

func TestAnswerable(t *testing.T) {
	for _, c := range []struct {
		sender, name, value string
		want                Refusal
	}{
		{hanako, "", "", ""},
		{"", "", "", NullSender},
		{"x@houkoku.example.jp", "", "", OwnAddress},
		{"MAILER-DAEMON@example.jp", "", "", RoleSender},
		{"No-Reply@example.jp", "", "", RoleSender},
		{"bounces+abc@example.jp", "", "", RoleSender},
		{"news-bounces@example.jp", "", "", RoleSender},
		{"owner-staff@example.jp", "", "", RoleSender},
		{"noriko@example.jp", "", "", ""},
		{hanako, "Auto-Submitted", "auto-replied (vacation)", AutoSubmitted},
		{hanako, "AUTO-SUBMITTED", " Auto-Generated; x=1", AutoSubmitted},
		{hanako, "Auto-Submitted", "No", ""},
		{hanako, "Auto-Submitted", "(a comment) no", ""},
		{hanako, "Auto-Submitted", "", AutoSubmitted}, // there, and not "no"
		{hanako, "Auto-Submitted", "nope", AutoSubmitted},
		{hanako, "Precedence", "LIST", BulkMail},
		{hanako, "Precedence", "first-class", ""},
		{hanako, "X-Auto-Response-Suppress", "OOF, DR", Suppressed},
		{hanako, "X-Auto-Response-Suppress", "None", ""},
		{hanako, "List-Id", "<a.example.jp>", ListMail},
		{hanako, "List-Unsubscribe", "<mailto:x@example.jp>", ListMail},
		{hanako, AnswerField, "ours", OwnAnswer},
		{hanako, AnswerField, "theirs", ""},
		{hanako, "Subject", "Auto-Submitted: auto-replied", ""},
	} {
		if got := answerableTo(c.sender, mail.Field{Name: c.name, Value: c.value}); got != c.want {
			t.Errorf("%s, %s: %s: %q, want %q", c.sender, c.name, c.value, got, c.want)
		}
	}
}

func FuzzAnswerable(f *testing.F) {
	f.Add(hanako, "Auto-Submitted: no\nSubject: x")
	f.Add(hanako, "auto-submitted: (x auto-replied")
	f.Add("", "Precedence: bulk\nList-Id: a")
	f.Add("a-request@x.jp", "X-Auto-Response-Suppress: all")
	f.Fuzz(func(t *testing.T, sender, header string) {
		var fields []mail.Field
		for line := range strings.Lines(header) {
			name, value, _ := strings.Cut(line, ":")
			fields = append(fields, mail.Field{Name: strings.TrimSpace(name), Value: value})
		}
		got := answerableTo(sender, fields...)
		if s, ok := ParseSender(sender); (!ok || s == (Sender{})) && got == "" {
			t.Error("nobody is answered")
		}
		// Nothing that is added makes a mail answerable that was not.
		for _, more := range []mail.Field{{Name: "Auto-Submitted", Value: "no"}, {Name: "Precedence", Value: "normal"}, {Name: "Subject", Value: "x"}} {
			for _, all := range [][]mail.Field{append([]mail.Field{more}, fields...), append(fields[:len(fields):len(fields)], more)} {
				if again := answerableTo(sender, all...); (again == "") != (got == "") {
					t.Errorf("%q with %s: %s", got, more.Name, again)
				}
			}
		}
		// What machines must say of themselves is heeded, wherever it stands
		// and however it is written.
		for _, said := range []mail.Field{{Name: "aUTO-sUBMITTED", Value: " Auto-Replied"}, {Name: "precedence", Value: "Bulk"}, {Name: "LIST-ID", Value: "x"},
			{Name: "x-auto-response-suppress", Value: "ALL"}, {Name: "teiten-answer", Value: "ours"}} {
			for _, all := range [][]mail.Field{append([]mail.Field{said}, fields...), append(fields[:len(fields):len(fields)], said)} {
				if answerableTo(sender, all...) == "" {
					t.Errorf("%s: %s is answered", said.Name, said.Value)
				}
			}
		}
	})
}

func TestNeutral(t *testing.T) {
	for in, want := range map[string]string{
		"":                      "",
		"請求書のご確認":               "請求書のご確認",
		" a\r\nb\t c ":          "a b c",
		"http://evil.example/x": "http[:]//evil[.]example/x",
		"ｗｗｗ．ｅｖｉｌ．ｅｘａｍｐｌｅ":       "www[.]evil[.]example",
		"mail a@b.example now.":  "mail a[@]b[.]example now.",
		"a[.]b":                  "a[.]b",
		"病院.example を":           "病院[.]example を",
		"a\u200bb\u202ec\ufeffd": "abcd",
		strings.Repeat("あ", 90):  strings.Repeat("あ", mostSubject) + "…",
		"Ver 1.2":                "Ver 1[.]2",
		"\x00\x1b[31mred":        "[31mred",
	} {
		if got := Neutral(in, mostSubject); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func FuzzNeutral(f *testing.F) {
	f.Add("http://evil.example/?a=b@c")
	f.Add("ｈｔｔｐ：／／ｅｖｉｌ．ｅｘａｍｐｌｅ")
	f.Add("a.\u0301b.c")
	f.Fuzz(func(t *testing.T, s string) {
		got := Neutral(s, mostSubject)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > 4*mostSubject {
			t.Errorf("%q: %q", s, got)
		}
		if strings.ContainsAny(got, "\r\n\t\x00\x1b\u200b\u202e") || strings.Contains(got, "://") {
			t.Errorf("%q: %q", s, got)
		}
		if linkLike.MatchString(got) {
			t.Errorf("%q becomes %q, of which a link could be made", s, got)
		}
	})
}
