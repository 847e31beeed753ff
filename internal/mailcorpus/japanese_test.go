// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime/quotedprintable"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/unicode"
)

// bodyBytes are the bytes of the first text in a mail whose structure and
// transfer encoding are right.
func bodyBytes(t *testing.T, raw []byte) []byte {
	t.Helper()
	m := regexp.MustCompile(`(?s)Content-Type: text/(?:plain|html)[^\r]*\r\n(?:Content-Transfer-Encoding: ([^\r]*)\r\n)?\r\n(.*)`).FindSubmatch(raw)
	if m == nil {
		t.Fatalf("no text in\n%s", raw)
	}
	body := m[2]
	if mark := regexp.MustCompile(`boundary="?([^"\r]+)`).FindSubmatch(raw); mark != nil {
		body, _, _ = bytes.Cut(body, append([]byte("--"), mark[1]...))
	}
	var r io.Reader = bytes.NewReader(body)
	switch string(m[1]) {
	case "base64":
		r = base64.NewDecoder(base64.StdEncoding, r)
	case "quoted-printable":
		r = quotedprintable.NewReader(r)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return b
}

// readIn decodes as a program that believes the name would.
func readIn(codec string, b []byte) string {
	switch codec {
	case "utf-16":
		s, _ := unicode.UTF16(unicode.BigEndian, unicode.ExpectBOM).NewDecoder().Bytes(b)
		return string(s)
	case "utf-16le":
		s, _ := unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder().Bytes(b)
		return string(s)
	case "utf-8", "us-ascii":
		return string(b)
	case "utf-7":
		return regexp.MustCompile(`\+([A-Za-z0-9+/]*)-`).ReplaceAllStringFunc(string(b), func(run string) string {
			d, _ := base64.RawStdEncoding.DecodeString(run[1 : len(run)-1])
			s, _ := unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder().Bytes(d)
			return string(s)
		})
	}
	s, _ := codecs[codec].NewDecoder().Bytes(b)
	return string(s)
}

// charsets say in what each charset mistake really is, and what it claims.
var charsets = map[string][2]string{
	"nec-in-jis": {"jis", "ISO-2022-JP"}, "jis-ms": {"jis", "ISO-2022-JP-MS"}, "cp50221": {"jis", "CP50221"}, "kana-in-jis": {"jis", "ISO-2022-JP"},
	"cp932-as-sjis": {"sjis", "Shift_JIS"}, "cp51932-as-euc": {"euc", "EUC-JP"}, "kana-in-sjis": {"sjis", "Shift_JIS"},
	"utf7": {"utf-7", "UTF-7"}, "utf16": {"utf-16", "UTF-16"}, "utf16le": {"utf-16le", "UTF-16LE"},
	"none-utf8": {"utf-8", ""}, "none-jis": {"jis", ""}, "none-sjis": {"sjis", ""}, "none-euc": {"euc", ""},
	"sjis-as-utf8": {"sjis", "UTF-8"}, "utf8-as-jis": {"utf-8", "ISO-2022-JP"}, "utf8-as-sjis": {"utf-8", "Shift_JIS"}, "utf8-as-latin1": {"utf-8", "ISO-8859-1"},
	"sjis-as-latin1": {"sjis", "iso-8859-1"}, "jis-as-ascii": {"jis", "us-ascii"}, "jis-as-utf8": {"jis", "utf-8"}, "euc-as-sjis": {"euc", "Shift_JIS"}, "sjis-as-jis": {"sjis", "ISO-2022-JP"},
	"gb": {"gb", "GB2312"}, "big5": {"big5", "Big5"}, "korean": {"euc-kr", "EUC-KR"}, "koi8": {"koi8-r", "KOI8-R"},
}

func TestJapaneseCharsets(t *testing.T) {
	seen := map[string]bool{}
	for s := range Japanese(2, 9*len(mistakes)) {
		name, ok := strings.CutPrefix(s.Mistakes[0], "charset.")
		is, known := charsets[name]
		if !ok || !known || len(s.Mistakes) > 1 {
			continue
		}
		seen[name] = true
		b := bodyBytes(t, s.Raw)
		if text := readIn(is[0], b); !strings.Contains(text, s.Text) {
			t.Errorf("%s: no %q in %q", name, s.Text, text)
		}
		declared := regexp.MustCompile(`Content-Type: text/\w+(?:; charset=([^\r]*))?\r\n`).FindSubmatch(s.Raw)
		if string(declared[1]) != is[1] {
			t.Errorf("%s declares %q, want %q", name, declared[1], is[1])
		}
		lies := map[string]string{"UTF-8": "utf-8", "ISO-2022-JP": "jis", "Shift_JIS": "sjis"}
		if claimed := lies[is[1]]; strings.Contains(name, "-as-") && claimed != "" && claimed != is[0] && strings.Contains(readIn(claimed, b), s.Text) {
			t.Errorf("%s can be read in what it declares", name)
		}
	}
	if len(seen) < len(charsets) {
		t.Errorf("%d of %d charsets were seen alone", len(seen), len(charsets))
	}
}

// signs are what must be seen in the bytes of a mail with the mistake.
var signs = map[string]string{
	"charset.misspelt":             `charset=(utf8|UTF_8|shift-jis|x-sjis|SJIS|windows-31j|MS932|iso2022jp|JIS|euc_jp|x-euc-jp|unicode-1-1-utf-8|"utf-8|'UTF-8')[\r\n]`,
	"charset.no-escape":            `ISO-2022-JP\s+Content-Transfer-Encoding: 7bit[^\x1b]*\$B[^\x1b]*\(B`,
	"charset.question-marks":       `us-ascii[\s\S]*\?{10}`,
	"transfer.base64-junk":         `base64\r\n\r\n[A-Za-z0-9+/]{4,}(?:[!*\t -]|\?!)`,
	"transfer.base64-unpadded":     `base64\r\n\r\n(?:[A-Za-z0-9+/]{76}\r\n)*(?:[A-Za-z0-9+/]{2}|[A-Za-z0-9+/]{6}|[A-Za-z0-9+/]+)(?:\r\n|$)`,
	"transfer.base64-joined":       `BASE64\r\n\r\n[A-Za-z0-9+/\r\n]*=[=\r\n]*[A-Za-z0-9+/]`,
	"transfer.base64-long-line":    `\n[A-Za-z0-9+/]{990}`,
	"transfer.qp-split":            `=[89A-F][0-9A-F]=\r\n=[89AB][0-9A-F]|=[89EF][0-9A-F]=\r\n`,
	"transfer.qp-lower":            `=[0-9a-f]?[a-f][0-9a-f]?`,
	"transfer.qp-raw":              `quoted-printable[\s\S]*[^\x00-\x7f]`,
	"transfer.qp-stray":            `=ZZ 100=% =`,
	"transfer.binary":              `Encoding: binary`,
	"transfer.missing":             `Content-Type: text/\w+; charset=[^\r]+\r\n\r\n`,
	"transfer.8bit-as-7bit":        `Encoding: 7bit\r\n\r\n[\s\S]*[^\x00-\x7f]`,
	"transfer.text-as-base64":      `Encoding: base64\r\n\r\n[\s\S]*[^\x00-\x7f]`,
	"transfer.base64-as-7bit":      `Encoding: 7bit\r\n\r\n[A-Za-z0-9+/=\r\n]{60}`,
	"transfer.qp-as-8bit":          `Encoding: 8bit\r\n\r\n(?:<html><body>\s+<div>)?=[0-9A-F]{2}`,
	"transfer.unknown-8bit":        `Encoding: 8-bit`,
	"transfer.unknown-utf8":        `Encoding: utf-8`,
	"transfer.misspelt-base64":     `Encoding: base-64`,
	"transfer.uuencode":            "begin 644 data\\d+\\.pdf\r\n[\\s\\S]+\r\n`\r\nend",
	"subject.split-escape":         `ISO-2022-JP\?B\?GyR[A-Za-z0-9+/]+=*\?=\s+=\?ISO-2022-JP\?B\?KEI`,
	"subject.split-state":          `Subject: =\?ISO-2022-JP\?B\?GyR[^?]+\?=\s+=\?ISO-2022-JP\?B\?(?:[^G]|G[^y])`,
	"subject.raw-utf8":             `Subject: [^=\r]*\xe3`,
	"subject.raw-jis":              `Subject: [^=\r]*\x1b\$B`,
	"subject.raw-sjis":             `Subject: [^=\r]*[\x81-\x9f]`,
	"subject.raw-euc":              `Subject: [^=\r]*[\xa1-\xfe]`,
	"subject.fold-in-word":         `Subject: =\?UTF-8\?B\?[A-Za-z0-9+/]+\r\n [A-Za-z0-9+/]+=*\?=`,
	"subject.no-end":               `Subject: =\?UTF-8\?B\?[A-Za-z0-9+/]+=*\r\n\S`,
	"subject.space-in-q":           `\?Q\?AB =`,
	"subject.words-touch":          `\?==\?`,
	"subject.unpadded":             `Subject: =\?UTF-8\?B\?(?:[A-Za-z0-9+/]{4})*[A-Za-z0-9+/]{2}\?=`,
	"subject.utf8-as-jis":          `Subject: =\?ISO-2022-JP\?B\?[45]`,
	"subject.sjis-as-latin1":       `Subject: =\?ISO-8859-1\?B\?`,
	"subject.language":             `=\?UTF-8\*ja\?B\?`,
	"subject.long-word":            `Subject: =\?UTF-8\?B\?[^?]{76,}\?=`,
	"subject.fold-first":           `Subject:\r\n\t=`,
	"subject.raw-then-word":        `Subject: Re: \xe8[^=\r]+=\?UTF-8`,
	"from.quoted-word":             `From: "=\?`,
	"from.comment":                 `From: \S+@\S+ \(=\?`,
	"from.no-space":                `From: =\?[^\r]*\?=<`,
	"from.all-encoded":             `From: =\?[^\r<]*\?=\r\n`,
	"from.raw-sjis":                `From: "[^"\r]*[\x81-\x9f]`,
	"from.raw-utf8":                `From: [^"=<\r]*[\xe3-\xe9][^<\r]*<`,
	"from.no-close":                `From: [^>]*<[^>\r]+\r\n\S`,
	"file.encoded-word":            `name="=\?UTF-8\?B\?`,
	"file.2231-jis":                `filename\*(?:0\*)?=ISO-2022-JP''%1B`,
	"file.2231-sjis":               `filename\*(?:0\*)?=Shift_JIS''%[89]`,
	"file.2231-euc":                `filename\*(?:0\*)?=EUC-JP''%[A-F]`,
	"file.2231-disordered":         `filename\*1\*=[\s\S]*filename\*0\*=`,
	"file.2231-split-character":    `filename\*0\*=UTF-8''%[\s\S]*filename\*1\*=%[89AB]`,
	"file.2231-no-star":            `filename=UTF-8''%`,
	"file.2231-sjis-as-utf8":       `filename\*(?:0\*)?=UTF-8''%[89][0-9A-F]`,
	"file.raw-utf8":                `filename="[^"=]*[\xe3-\xe9]`,
	"file.raw-sjis":                `filename="[^"=]*[\x81-\x9f]`,
	"file.raw-jis":                 `filename="\x1b\$B`,
	"file.differs":                 `name="=\?UTF-8\?B\?5Yil`,
	"file.unclosed":                `filename="=\?[^"]*\r\n\r\n`,
	"file.unquoted":                `filename==\?`,
	"structure.declared-base64":    `Encoding: base64\r\nContent-Type: multipart`,
	"structure.version-twice":      `MIME-Version: 1.0\r\nMIME-Version: 1.0`,
	"structure.boundary-odd":       `boundary="=_\?: '\(\)`,
	"structure.boundary-unquoted":  `boundary==_next/part`,
	"structure.boundary-long":      `boundary="x{200}`,
	"structure.boundary-prefix":    `boundary=(a[0-9a-f]{10})\r\n[\s\S]*boundary=a[0-9a-f]{10}b`,
	"structure.deep":               `(?:multipart/mixed[\s\S]*){12}`,
	"structure.empty-parts":        `--\S+\r\n\r\n--`,
	"structure.related":            `multipart/related`,
	"structure.attached":           `message/rfc822\r\nContent-Transfer-Encoding: 8bit`,
	"structure.attached-base64":    `message/rfc822\r\nContent-Transfer-Encoding: base64`,
	"structure.attached-octets":    `application/octet-stream\r\nContent-Transfer-Encoding: base64\r\nContent-Disposition: attachment; filename="original.eml"`,
	"structure.mbox":               `\AFrom \S+ Mon`,
	"structure.blank-first":        `\A\r\n \r\n`,
	"structure.no-blank-line":      `8bit\r\n[^\r]`,
	"structure.type-no-semicolon":  `text/plain charset`,
	"structure.type-empty":         `Content-Type: \r\n`,
	"structure.type-no-slash":      `Content-Type: text;`,
	"structure.type-trailing":      `;;;`,
	"structure.type-charset-twice": `charset=utf-8; charset=utf-8`,
	"structure.html-as-plain":      `text/plain[\s\S]*<html>`,
	"structure.html-as-unknown":    `text/x-html`,
	"structure.space-before-colon": `Subject :`,
	"structure.broken-field":       `\r\nthis is no field\r\n: nor`,
	"structure.no-boundary":        `multipart/mixed\r\n`,
	"structure.boundary-blanks":    `\r\n--\S+ \t \r\n`,
	"lines.cr-cr-lf":               `\r\r\n`,
	"lines.nul":                    `a\x00b`,
	"lines.long":                   `[^\r\n]{1000}`,
	"lines.mixed":                  `[^\r]\n[\s\S]*\r\n|\r\n[\s\S]*[^\r]\n`,
}

// special are mistakes for which no pattern will do.
var special = map[string]func(raw string) bool{
	"structure.unclosed": func(raw string) bool {
		m := regexp.MustCompile(`boundary="([^"]+)"`).FindStringSubmatch(raw)
		return m != nil && strings.Contains(raw, "--"+m[1]+"\r\n") && !strings.Contains(raw, "--"+m[1]+"--")
	},
	"structure.no-type": func(raw string) bool { return !strings.Contains(raw, "Content-Type") },
	"structure.html-without-type": func(raw string) bool {
		return !strings.Contains(raw, "Content-Type") && strings.Contains(raw, "<html>")
	},
	"lines.lf":     func(raw string) bool { return !strings.Contains(raw, "\r") && strings.Contains(raw, "\n") },
	"lines.cr":     func(raw string) bool { return strings.Contains(raw, "\r") && !strings.Contains(raw, "\n") },
	"lines.no-end": func(raw string) bool { return !strings.HasSuffix(raw, "\n") },
	"subject.split-character": func(raw string) bool {
		for _, w := range encodedRun.FindAllStringSubmatch(raw[strings.Index(raw, "\r\nSubject:"):], -1) {
			if d, err := base64.StdEncoding.DecodeString(w[1]); err == nil && !utf8.Valid(d) {
				return true
			}
		}
		return false
	},
}

// TestMistakesAreThere looks for every mistake in the bytes.
func TestMistakesAreThere(t *testing.T) {
	if n := len(Mistakes()); n < 40 {
		t.Errorf("only %d mistakes", n)
	}
	patterns := map[string]*regexp.Regexp{}
	for name, p := range signs {
		// Bytes, not characters: a mail is no UTF-8.
		patterns[name] = regexp.MustCompile(p)
	}
	count, looked := map[string]int{}, map[string]bool{}
	for s := range Japanese(6, 12*len(mistakes)) {
		for _, name := range s.Mistakes {
			count[name]++
		}
		if len(s.Mistakes) > 1 {
			continue
		}
		name := s.Mistakes[0]
		raw := latin(s.Raw)
		if name == "charset.cut" {
			looked[name] = true
			if b := bodyBytes(t, s.Raw); utf8.Valid(b) || !utf8.Valid(b[:len(b)-1]) {
				t.Errorf("%s: nothing is cut in %q", name, b)
			}
		}
		if check, ok := special[name]; ok {
			looked[name] = true
			if !check(string(s.Raw)) {
				t.Errorf("%s is not in %q", name, s.Raw)
			}
		} else if p, ok := patterns[name]; ok {
			looked[name] = true
			if !p.MatchString(raw) {
				t.Errorf("%s is not in %q", name, s.Raw)
			}
		}
	}
	for _, name := range Mistakes() {
		if count[name] < 12 {
			t.Errorf("%s %d times", name, count[name])
		}
		d, rest, _ := strings.Cut(name, ".")
		_, isCharset := charsets[rest]
		switch {
		case looked[name], d == "charset" && isCharset, d == "hide", strings.HasPrefix(rest, "inline-"):
		default:
			t.Errorf("nothing looks for %s", name)
		}
	}
	t.Logf("%d mistakes", len(Mistakes()))
}

// latin turns bytes into characters of the same number, for patterns.
func latin(b []byte) string {
	r := make([]rune, len(b))
	for i, c := range b {
		r[i] = rune(c)
	}
	return string(r)
}

// TestHidden looks for links that a plain search misses, and for the
// originals of forwarded mails.
func TestHidden(t *testing.T) {
	plain := 0
	for s := range Japanese(8, 6*len(mistakes)) {
		name := s.Mistakes[0]
		if strings.HasPrefix(name, "structure.inline-") && len(s.Mistakes) == 1 {
			text := readIn(codecOf(s.Raw), bodyBytes(t, s.Raw))
			for _, want := range []string{s.Original.Subject, s.Original.From, s.Original.FromName, s.Original.Text, s.Text} {
				if !strings.Contains(text, want) {
					t.Errorf("%s: no %q in %q", name, want, text)
				}
			}
		}
		if !strings.HasPrefix(name, "hide.") {
			continue
		}
		if name != "hide.calendar" && len(s.Hosts) == 0 || name == "hide.calendar" && len(s.FileHosts) == 0 {
			t.Errorf("%s: no host", name)
		}
		for _, h := range s.Hosts {
			if h != strings.ToLower(h) || strings.ContainsAny(h, "/:@ ") || !utf8.ValidString(h) {
				t.Errorf("%s: host %q", name, h)
			}
		}
		if strings.Contains(string(s.Raw), "//"+first(s.Hosts)+"/") {
			plain++
		}
	}
	if plain == 0 {
		t.Error("no link at all is written plainly")
	}
}

func first(all []string) string {
	if len(all) == 0 {
		return "\x00"
	}
	return all[0]
}

func codecOf(raw []byte) string {
	m := regexp.MustCompile(`Content-Type: text/\w+; charset=(\S+)`).FindSubmatch(raw)
	switch strings.ToLower(string(m[1])) {
	case "iso-2022-jp":
		return "jis"
	case "shift_jis":
		return "sjis"
	case "euc-jp":
		return "euc"
	}
	return "utf-8"
}

func TestJapaneseIsDeterministic(t *testing.T) {
	a, b := slices.Collect(Japanese(4, 400)), slices.Collect(Japanese(4, 500))
	for i := range a {
		if !bytes.Equal(a[i].Raw, b[i].Raw) || fmt.Sprint(a[i].Truth) != fmt.Sprint(b[i].Truth) && a[i].Original == nil {
			t.Fatalf("mail %d of the same seed differs", i)
		}
		s := a[i]
		if len(s.Raw) > MaxSize || s.Subject == "" || s.From == "" || s.Text == "" || s.Impossible != (s.Reason != "") || len(s.Mistakes) == 0 {
			t.Errorf("%+v", s.Truth)
		}
	}
}
