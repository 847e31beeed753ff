// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"bytes"
	"encoding/base64"
	"strings"
)

// mistakes are all ways in which a mail is written other than the standards
// have it, or as they have it but seldom.
var mistakes = []mistake{
	// The charset of the body.
	label("charset.nec-in-jis", "jspecial", "ISO-2022-JP", "jis", "7bit"),
	label("charset.jis-ms", "jspecial", "ISO-2022-JP-MS", "jis", "7bit"),
	label("charset.cp50221", "jkana", "CP50221", "jis", "7bit"),
	label("charset.kana-in-jis", "jkana", "ISO-2022-JP", "jis", "7bit"),
	label("charset.cp932-as-sjis", "jspecial", "Shift_JIS", "sjis", "base64"),
	label("charset.cp51932-as-euc", "jspecial", "EUC-JP", "euc", "8bit"),
	label("charset.kana-in-sjis", "jkana", "Shift_JIS", "sjis", "8bit"),
	label("charset.utf7", "jtext", "UTF-7", "utf-7", "7bit"),
	label("charset.utf16", "jtext", "UTF-16", "utf-16", "base64"),
	label("charset.utf16le", "jtext", "UTF-16LE", "utf-16le", "base64"),
	label("charset.none-utf8", "jtext", "", "utf-8", "8bit"),
	label("charset.none-jis", "jtext", "", "jis", "7bit"),
	label("charset.none-sjis", "jtext", "", "sjis", "8bit"),
	label("charset.none-euc", "jtext", "", "euc", "base64"),
	label("charset.sjis-as-utf8", "jtext", "UTF-8", "sjis", "base64"),
	label("charset.utf8-as-jis", "jtext", "ISO-2022-JP", "utf-8", "8bit"),
	label("charset.utf8-as-sjis", "jtext", "Shift_JIS", "utf-8", "base64"),
	label("charset.utf8-as-latin1", "jtext", "ISO-8859-1", "utf-8", "quoted-printable"),
	label("charset.sjis-as-latin1", "jtext", "iso-8859-1", "sjis", "8bit"),
	label("charset.jis-as-ascii", "jtext", "us-ascii", "jis", "7bit"),
	label("charset.jis-as-utf8", "jtext", "utf-8", "jis", "7bit"),
	label("charset.euc-as-sjis", "jtext", "Shift_JIS", "euc", "8bit"),
	label("charset.sjis-as-jis", "jtext", "ISO-2022-JP", "sjis", "8bit"),
	label("charset.gb", "", "GB2312", "gb", "base64"),
	label("charset.big5", "", "Big5", "big5", "base64"),
	label("charset.korean", "", "EUC-KR", "euc-kr", "8bit"),
	label("charset.koi8", "", "KOI8-R", "koi8-r", "quoted-printable"),
	{name: "charset.misspelt", apply: func(x *mess) {
		f := []textForm{{"utf8", "utf-8"}, {"UTF_8", "utf-8"}, {"shift-jis", "sjis"}, {"x-sjis", "sjis"}, {"SJIS", "sjis"}, {"windows-31j", "sjis"}, {"MS932", "sjis"}, {"iso2022jp", "jis"}, {"JIS", "jis"}, {"euc_jp", "euc"}, {"x-euc-jp", "euc"}, {"unicode-1-1-utf-8", "utf-8"}, {"\"utf-8", "utf-8"}, {"'UTF-8'", "utf-8"}}
		x.form = f[x.r.IntN(len(f))]
		x.transfer = transferForm{"base64", as("base64")}
	}},
	{name: "charset.cut", apply: func(x *mess) { // the last character, in the middle
		x.form, x.transfer = textForm{"UTF-8", "utf-8"}, transferForm{"base64", as("base64")}
		x.spoil = func(raw []byte) []byte { return append(raw, "続き"[:4]...) }
	}},
	{name: "charset.no-escape", apply: func(x *mess) {
		x.form, x.transfer = textForm{"ISO-2022-JP", "jis"}, transferForm{"7bit", as("7bit")}
		x.spoil = func(raw []byte) []byte { return bytes.ReplaceAll(raw, []byte{0x1b}, nil) }
		x.impossible("the escape characters of the body's text were removed on the way; only a guess reads it")
	}},
	{name: "charset.question-marks", apply: func(x *mess) {
		x.form, x.transfer = textForm{"us-ascii", "utf-8"}, transferForm{"7bit", as("7bit")}
		x.spoil = func(raw []byte) []byte {
			return []byte(strings.Map(func(r rune) rune {
				if r >= 0x80 {
					return '?'
				}
				return r
			}, string(raw)))
		}
		x.impossible("the characters of the body's text were replaced with question marks")
	}},

	// The transfer encoding of the body.
	transferred("transfer.base64-junk", "base64", base64Junk),
	transferred("transfer.base64-unpadded", "base64", base64Unpadded),
	transferred("transfer.base64-joined", "BASE64", base64Joined),
	transferred("transfer.base64-long-line", "base64", base64OneLine),
	transferred("transfer.qp-split", "quoted-printable", quotedSplit),
	transferred("transfer.qp-lower", "Quoted-Printable", quotedLower),
	transferred("transfer.qp-raw", "quoted-printable", quotedRaw),
	transferred("transfer.qp-stray", "quoted-printable", quotedStray),
	transferred("transfer.binary", "binary", as("binary")),
	transferred("transfer.missing", "", as("8bit")),
	transferred("transfer.8bit-as-7bit", "7bit", as("8bit")),
	transferred("transfer.text-as-base64", "base64", as("8bit")),
	transferred("transfer.base64-as-7bit", "7bit", as("base64")),
	transferred("transfer.qp-as-8bit", "8bit", as("quoted-printable")),
	transferred("transfer.unknown-8bit", "8-bit", as("8bit")),
	transferred("transfer.unknown-utf8", "utf-8", as("8bit")),
	transferred("transfer.misspelt-base64", "base-64", as("base64")),
	{name: "transfer.uuencode", apply: func(x *mess) {
		x.asHTML = false
		x.form, x.transfer = textForm{"ISO-2022-JP", "jis"}, transferForm{"7bit", as("7bit")}
		name := "data" + x.draw(digits, 3) + ".pdf"
		x.m.Files = append(x.m.Files, name)
		x.extra = "\r\n" + uuencoded(name, pdf("uu"))
	}},

	// The subject.
	subject("split-character", func(x *mess, text string) string { return wordsOf("UTF-8", chunks([]byte(text), 10), "\r\n ") }),
	subject("split-escape", func(x *mess, text string) string {
		raw := bytesIn("jis", text)
		at := bytes.LastIndexByte(raw, 0x1b) + 1 // the last escape sequence is torn
		return wordsOf("ISO-2022-JP", [][]byte{raw[:at], raw[at:]}, "\r\n ")
	}),
	subject("split-state", func(x *mess, text string) string {
		return wordsOf("ISO-2022-JP", chunks(bytesIn("jis", text), 15), "\r\n ")
	}),
	subject("raw-utf8", func(x *mess, text string) string { return text }),
	subject("raw-jis", func(x *mess, text string) string { return string(bytesIn("jis", text)) }),
	subject("raw-sjis", func(x *mess, text string) string { return string(bytesIn("sjis", text)) }),
	subject("raw-euc", func(x *mess, text string) string { return string(bytesIn("euc", text)) }),
	subject("fold-in-word", func(x *mess, text string) string {
		w := encodedWord(text, "UTF-8", false)
		return w[:len(w)/2] + "\r\n " + w[len(w)/2:]
	}),
	subject("no-end", func(x *mess, text string) string {
		return strings.TrimSuffix(encodedWord(text, "UTF-8", false), "?=")
	}),
	subject("space-in-q", func(x *mess, text string) string {
		x.m.Subject = "AB " + text
		return "=?UTF-8?Q?AB " + qWord([]byte(text)) + "?="
	}),
	subject("words-touch", func(x *mess, text string) string { return wordsOf("UTF-8", chunks([]byte(text), 12), "") }),
	subject("unpadded", func(x *mess, text string) string {
		for len(text)%3 != 1 {
			text += "R"
		}
		x.m.Subject = text
		return "=?UTF-8?B?" + base64.RawStdEncoding.EncodeToString([]byte(text)) + "?="
	}),
	subject("utf8-as-jis", func(x *mess, text string) string { return wordsOf("ISO-2022-JP", [][]byte{[]byte(text)}, "") }),
	subject("sjis-as-latin1", func(x *mess, text string) string {
		return wordsOf("ISO-8859-1", [][]byte{bytesIn("sjis", text)}, "")
	}),
	subject("language", func(x *mess, text string) string { return wordsOf("UTF-8*ja", [][]byte{[]byte(text)}, "") }),
	subject("long-word", func(x *mess, text string) string {
		x.m.Subject = text + "：" + text + "：" + text
		return encodedWord(x.m.Subject, "UTF-8", false)
	}),
	subject("fold-first", func(x *mess, text string) string {
		return "\r\n\t" + strings.ReplaceAll(encodedWords(text, "UTF-8", false), "\r\n ", "\r\n\t  ")
	}),
	subject("raw-then-word", func(x *mess, text string) string {
		x.m.Subject = "Re: 転送" + text
		return "Re: 転送" + encodedWord(text, "UTF-8", false)
	}),

	// The sender.
	sender("quoted-word", func(x *mess, name, address string) string {
		return `"` + strings.ReplaceAll(encodedWords(name, "UTF-8", false), "\r\n ", " ") + `" <` + address + ">"
	}),
	sender("comment", func(x *mess, name, address string) string {
		return address + " (" + encodedWords(name, "UTF-8", false) + ")"
	}),
	sender("no-space", func(x *mess, name, address string) string {
		return encodedWord(name, "UTF-8", false) + "<" + address + ">"
	}),
	sender("all-encoded", func(x *mess, name, address string) string {
		return encodedWord(name+" <"+address+">", "UTF-8", false)
	}),
	sender("raw-sjis", func(x *mess, name, address string) string {
		return `"` + string(bytesIn("sjis", name)) + `" <` + address + ">"
	}),
	sender("raw-utf8", func(x *mess, name, address string) string { return name + " <" + address + ">" }),
	sender("no-close", func(x *mess, name, address string) string {
		return encodedWords(name, "UTF-8", false) + " <" + address
	}),

	// Names of files.
	file("encoded-word", fileEncodedWord),
	file("2231-jis", fileIn("ISO-2022-JP", "jis")),
	file("2231-sjis", fileIn("Shift_JIS", "sjis")),
	file("2231-euc", fileIn("EUC-JP", "euc")),
	file("2231-disordered", fileDisordered),
	file("2231-split-character", fileSplit),
	file("2231-no-star", fileNoStar),
	file("2231-sjis-as-utf8", fileIn("UTF-8", "sjis")),
	file("raw-utf8", fileRaw("utf-8")),
	file("raw-sjis", fileRaw("sjis")),
	file("raw-jis", fileRaw("jis")),
	file("differs", fileDiffers),
	file("unclosed", fileUnclosed),
	file("unquoted", fileBare),
}

func init() { mistakes = append(mistakes, append(structures, hidings...)...) }

func (x *mess) impossible(why string) { x.m.Impossible, x.m.Reason = true, why }

// foreign are lines in charsets of the neighbours.
var foreign = map[string][2]string{
	"gb":     {"您好", "请您查看附件中的会议资料并尽快回复我们。"},
	"big5":   {"您好", "請您查看附件中的會議資料並儘快回覆我們。"},
	"euc-kr": {"안녕하세요", "첨부한 회의 자료를 확인하시고 회신해 주시기 바랍니다."},
	"koi8-r": {"Здравствуйте", "Пожалуйста, ознакомьтесь с приложенными материалами."},
}

func label(name, word, charset, codec, encoding string) mistake {
	return mistake{name: name, apply: func(x *mess) {
		x.form, x.transfer = textForm{charset, codec}, transferForm{encoding, as(encoding)}
		if f, ok := foreign[codec]; ok {
			x.greeting, x.text, x.closing = f[0], f[1], "2026"
			return
		}
		x.text = x.scope.word(word, false)
	}}
}

func transferred(name, said string, apply func(*scope, []byte) []byte) mistake {
	return mistake{name: name, apply: func(x *mess) {
		x.form = []textForm{{"UTF-8", "utf-8"}, {"Shift_JIS", "sjis"}}[x.r.IntN(2)]
		if name == "transfer.qp-raw" || name == "transfer.text-as-base64" {
			x.form = textForm{"UTF-8", "utf-8"}
		}
		x.transfer = transferForm{said, apply}
	}}
}

func subject(name string, write func(x *mess, text string) string) mistake {
	return mistake{name: "subject." + name, apply: func(x *mess) {
		x.subject = func(text string) string {
			v := write(x, text)
			if strings.HasPrefix(v, "\r\n") {
				return v
			}
			return " " + v
		}
	}}
}

func sender(name string, write func(x *mess, name, address string) string) mistake {
	return mistake{name: "from." + name, apply: func(x *mess) {
		x.from = func(n, a string) string { return write(x, n, a) }
	}}
}

func file(name string, write func(string) (string, string)) mistake {
	return mistake{name: "file." + name, apply: func(x *mess) { x.file = write }}
}
