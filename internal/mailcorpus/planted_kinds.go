// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// value is an identifier as it is written in a mail.
type value struct {
	text    string
	secrets []string // the text first if it is one string, then its other spellings
	keep    []string
}

// class says in which places a value may stand.
type class int

const (
	inWords class = iota // anything that people write
	person               // a name: in display names, too
	mailAddress
	address // of a page, with something of the recipient in it
	machine // host name or IP address
)

// plantedKind is a kind of identifier.
type plantedKind struct {
	name  string
	class class
	human bool // only somebody who knows the person sees that it is one
	make  func(s *scope) value
}

// one is a value of one string; variants are computed.
func one(text, secret string, more ...string) value {
	return value{text: text, secrets: spellings(append([]string{secret}, more...)...)}
}

// spellings adds to each string what it becomes without width, without blanks,
// and without hyphens where it is a number.
func spellings(all ...string) []string {
	var out []string
	add := func(s string) {
		for _, o := range out {
			if o == s {
				return
			}
		}
		out = append(out, s)
	}
	for _, s := range all {
		add(s)
		folded := norm.NFKC.String(s)
		add(folded)
		add(strings.Join(strings.Fields(folded), ""))
		if n := strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return r
			}
			if strings.ContainsRune("-()+. ‐−ー–", r) {
				return -1
			}
			return 'x'
		}, folded); len(n) >= 7 && !strings.Contains(n, "x") {
			add(n)
		}
	}
	return out
}

func (s *scope) staff() colleague     { return colleagues[s.r.IntN(len(colleagues))] }
func (s *scope) patient() colleague   { return patients[s.r.IntN(len(patients))] }
func (c colleague) full() string      { return c.family + " " + c.given }
func (c colleague) kana() string      { return c.familyKana + " " + c.givenKana }
func (c colleague) address() string   { return c.local + "@" + c.domain }
func (c colleague) secrets() []string { return spellings(c.full()) }

// wide and narrow digits, and hyphens, that people and programs use.
func wideDigits(s string) string { return wide(strings.ReplaceAll(s, "-", "－")) }

func (s *scope) phone(area string) string {
	return area + "-" + s.draw("23456789", 1) + s.draw(digits, 6-len(area)) + "-" + s.draw(digits, 4)
}

// named is a kind for a person of the list, with what stands around the name.
func named(name string, pick func(*scope) colleague, before string, spell func(colleague) string, after string) plantedKind {
	return plantedKind{name: name, class: person, make: func(s *scope) value {
		n := spell(pick(s))
		return one(before+n+after, n)
	}}
}

func staff(name, before string, spell func(colleague) string, after string) plantedKind {
	return named("staff."+name, (*scope).staff, before, spell, after)
}

// said is a kind of text with a label before it, which is no secret.
func said(name, before string, draw func(s *scope) string, after string) plantedKind {
	return plantedKind{name: name, make: func(s *scope) value {
		v := draw(s)
		return one(before+v+after, v)
	}}
}

// linked is a URL of the attacker's in which something of the recipient stands.
func linked(name string, write func(s *scope, address string) (path string, secrets []string)) plantedKind {
	return plantedKind{name: "token." + name, class: address, make: func(s *scope) value {
		host := s.word("attacker", false)
		path, secrets := write(s, s.staff().address())
		return value{text: "https://" + host + "/" + path, secrets: secrets, keep: []string{host}}
	}}
}

func host(name string, draw func(s *scope) string) plantedKind {
	return plantedKind{name: "host." + name, class: machine, make: func(s *scope) value {
		v := draw(s)
		return one(v, v)
	}}
}

// born draws a date of birth in the formats of fmt: year, month, day.
func (s *scope) born(from, to int, format string) string {
	return fmt.Sprintf(format, from+s.r.IntN(to-from), 1+s.r.IntN(12), 1+s.r.IntN(28))
}

func kanjiNumber(n int) string {
	ones := []rune("〇一二三四五六七八九")
	var b strings.Builder
	if n >= 20 {
		b.WriteRune(ones[n/10])
	}
	if n >= 10 {
		b.WriteRune('十')
	}
	if n%10 > 0 {
		b.WriteRune(ones[n%10])
	}
	return b.String()
}

// personal is a "my number" with its check digit (Ordinance 85 of 2014 of the
// ministry of internal affairs, article 5).
func (s *scope) personal() string {
	d := s.draw("123456789", 1) + s.draw(digits, 10)
	sum := 0
	for n := 1; n <= 11; n++ {
		p, q := int(d[11-n]-'0'), n+1
		if n > 6 {
			q = n - 5
		}
		sum += p * q
	}
	check := 11 - sum%11
	if sum%11 <= 1 {
		check = 0
	}
	return d + fmt.Sprint(check)
}

// payment is a card number with its check digit (ISO/IEC 7812-1, annex B).
func (s *scope) payment() string {
	d := "4" + s.draw(digits, 14)
	sum := 0
	for i := range d {
		v := int(d[14-i] - '0')
		if i%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	d += fmt.Sprint((10 - sum%10) % 10)
	return d[:4] + "-" + d[4:8] + "-" + d[8:12] + "-" + d[12:]
}

var kinds = []plantedKind{
	{name: "address.recipient", class: mailAddress, make: func(s *scope) value { return addressOf(s.staff().address()) }},
	{name: "address.capitals", class: mailAddress, make: func(s *scope) value { return addressOf(strings.ToUpper(s.staff().address())) }},
	{name: "address.unregistered", class: mailAddress, make: func(s *scope) value { return addressOf("k" + s.draw(digits, 5) + "@" + OwnDomain) }},
	{name: "address.below", class: mailAddress, make: func(s *scope) value { return addressOf("ns-" + s.draw(small, 6) + "@ward." + OwnDomain) }},
	{name: "address.plus", class: mailAddress, make: func(s *scope) value { return addressOf(strings.Replace(s.staff().address(), "@", "+shop@", 1)) }},

	staff("kanji", "", colleague.full, ""),
	staff("kanji-san", "", colleague.full, "さん"),
	staff("kanji-sama", "", func(c colleague) string { return c.family + c.given }, "様"),
	staff("kanji-wide-blank", "", func(c colleague) string { return c.family + "　" + c.given }, "　殿"),
	staff("doctor", "", func(c colleague) string { return c.family + c.given }, "先生"),
	staff("physician", "", colleague.full, "医師"),
	staff("head-nurse", "", func(c colleague) string { return c.family + c.given }, "看護師長"),
	staff("kana", "", colleague.kana, " 様"),
	staff("kana-narrow", "", func(c colleague) string { return narrowKana(c.kana()) }, "ｻﾏ"),
	staff("hiragana", "", func(c colleague) string { return hiragana(c.kana()) }, "さん"),
	staff("roman", "", func(c colleague) string { return c.givenRoman + " " + strings.ToUpper(c.familyRoman) }, ""),
	staff("roman-reversed", "", func(c colleague) string { return c.familyRoman + ", " + c.givenRoman }, ""),
	staff("roman-title", "Dr. ", func(c colleague) string { return c.givenRoman + " " + c.familyRoman }, ""),
	staff("surname-doctor", "", func(c colleague) string { return c.family }, "先生"),
	staff("surname-nurse", "", func(c colleague) string { return c.family }, "看護師"),
	staff("surname-chief", "", func(c colleague) string { return c.family }, "事務長"),
	staff("department", "医療情報部 ", func(c colleague) string { return c.family }, ""),
	said("staff.number", "職員番号：", func(s *scope) string { return "S" + s.draw(digits, 6) }, ""),
	said("staff.number-english", "Employee ID: ", func(s *scope) string { return "E" + s.draw(digits, 5) }, ""),

	linked("query", func(s *scope, _ string) (string, []string) { t := s.draw(hexes, 32); return "v?uid=" + t, []string{t} }),
	linked("query-long", func(s *scope, _ string) (string, []string) {
		t := s.draw(small+digits, 24)
		return "a/b?c=1&token=" + t, []string{t}
	}),
	linked("path", func(s *scope, _ string) (string, []string) {
		t := s.draw(hexes, 40)
		return "t/" + t + "/open", []string{t}
	}),
	linked("uuid", func(s *scope, _ string) (string, []string) {
		t := s.draw(hexes, 8) + "-" + s.draw(hexes, 4) + "-4" + s.draw(hexes, 3) + "-a" + s.draw(hexes, 3) + "-" + s.draw(hexes, 12)
		return "r/" + t, []string{t}
	}),
	linked("fragment", func(s *scope, a string) (string, []string) { return "login#" + a, addressOf(a).secrets }),
	linked("address", func(s *scope, a string) (string, []string) { return "login?email=" + a, addressOf(a).secrets }),
	linked("address-path", func(s *scope, a string) (string, []string) { return "u/" + a + "/", addressOf(a).secrets }),
	linked("percent", func(s *scope, a string) (string, []string) {
		return "?e=" + url.QueryEscape(a), append([]string{url.QueryEscape(a)}, addressOf(a).secrets...)
	}),
	linked("percent-all", func(s *scope, a string) (string, []string) {
		p := perCharacter(a, "%%%02X")
		return "?e=" + p, append([]string{p}, addressOf(a).secrets...)
	}),
	linked("base64", func(s *scope, a string) (string, []string) {
		b := base64.StdEncoding.EncodeToString([]byte(a))
		return "?m=" + url.QueryEscape(b), append([]string{strings.TrimRight(b, "=")}, addressOf(a).secrets...)
	}),
	linked("base64-path", func(s *scope, a string) (string, []string) {
		b := base64.RawURLEncoding.EncodeToString([]byte(a))
		return "c/" + b + "/x", append([]string{b}, addressOf(a).secrets...)
	}),
	linked("base64-fragment", func(s *scope, a string) (string, []string) {
		b := base64.RawURLEncoding.EncodeToString([]byte(a))
		return "#" + b, append([]string{b}, addressOf(a).secrets...)
	}),
	linked("hex", func(s *scope, a string) (string, []string) {
		h := hex.EncodeToString([]byte(a))
		return "?x=" + h, append([]string{h}, addressOf(a).secrets...)
	}),
	linked("local-part", func(s *scope, a string) (string, []string) {
		local, _, _ := strings.Cut(a, "@")
		return "?user=" + local + "&d=hospital", []string{local}
	}),
	linked("host-label", func(s *scope, a string) (string, []string) {
		return "?site=portal." + OwnDomain, []string{"portal." + OwnDomain}
	}),

	named("patient.label", (*scope).patient, "患者名：", colleague.full, ""),
	named("patient.name-label", (*scope).patient, "氏名 ", func(c colleague) string { return c.family + c.given }, ""),
	named("patient.sama", (*scope).patient, "患者の", func(c colleague) string { return c.family + c.given }, "様"),
	named("patient.furigana", (*scope).patient, "フリガナ：", colleague.kana, ""),
	named("patient.kana-narrow", (*scope).patient, "ｶﾅ氏名:", func(c colleague) string { return narrowKana(c.kana()) }, ""),
	named("patient.english", (*scope).patient, "Patient: ", func(c colleague) string { return c.givenRoman + " " + c.familyRoman }, ""),
	{name: "patient.free", class: person, human: true, make: func(s *scope) value { p := s.patient(); return value{text: p.full(), secrets: p.secrets()} }},
	{name: "patient.free-kana", class: person, human: true, make: func(s *scope) value { p := s.patient(); return one(p.kana(), p.kana()) }},

	said("number.patient", "患者番号：", func(s *scope) string { return s.draw("123456789", 8) }, ""),
	said("number.patient-id", "患者ID ", func(s *scope) string { return s.draw("123456789", 7) }, ""),
	said("number.patient-wide", "患者番号：", func(s *scope) string { return wideDigits(s.draw("123456789", 8)) }, ""),
	said("number.chart", "カルテ番号 ", func(s *scope) string { return s.draw("123456789", 6) + "-" + s.draw(digits, 2) }, ""),
	said("number.mrn", "MRN: ", func(s *scope) string { return s.draw("123456789", 9) }, ""),
	said("number.card", "診察券番号：", func(s *scope) string {
		return s.draw("123456789", 3) + "-" + s.draw(digits, 4) + "-" + s.draw(digits, 2)
	}, ""),
	said("number.insurer", "保険者番号：", func(s *scope) string { return s.draw("123456789", 8) }, ""),
	said("number.insured", "記号・番号：", func(s *scope) string { return s.draw("123456789", 4) + "・" + s.draw(digits, 5) }, ""),
	said("number.personal", "マイナンバー：", func(s *scope) string { return s.personal() }, ""),
	said("number.personal-groups", "個人番号 ", func(s *scope) string { n := s.personal(); return n[:4] + " " + n[4:8] + " " + n[8:] }, ""),
	said("number.payment-card", "カード番号 ", func(s *scope) string { return s.payment() }, ""),
	said("number.payment-bare", "", func(s *scope) string { return strings.ReplaceAll(s.payment(), "-", "") }, ""),
	said("number.bank", "普通預金 口座番号 ", func(s *scope) string { return s.draw("123456789", 7) }, ""),
	said("number.pension", "基礎年金番号 ", func(s *scope) string { return s.draw("123456789", 4) + "-" + s.draw(digits, 6) }, ""),

	said("birth.western", "", func(s *scope) string { return s.born(1930, 2010, "%d年%d月%d日") }, "生"),
	said("birth.western-label", "生年月日：", func(s *scope) string { return s.born(1930, 2010, "%d年%d月%d日") }, ""),
	said("birth.slashes", "生年月日 ", func(s *scope) string { return s.born(1930, 2010, "%d/%d/%d") }, ""),
	said("birth.iso", "DOB: ", func(s *scope) string { return s.born(1930, 2010, "%d-%02d-%02d") }, ""),
	said("birth.digits", "生年月日:", func(s *scope) string { return s.born(1930, 2010, "%d%02d%02d") }, ""),
	said("birth.showa", "", func(s *scope) string { return s.born(2, 63, "昭和%d年%d月%d日") }, "生まれ"),
	said("birth.showa-letter", "生年月日：", func(s *scope) string { return s.born(2, 63, "S%d.%d.%d") }, ""),
	said("birth.showa-letter-bare", "", func(s *scope) string { return s.born(10, 63, "S%d.%d.%d") }, "生"),
	said("birth.taisho", "生年月日 ", func(s *scope) string { return s.born(2, 14, "大正%d年%d月%d日") }, ""),
	said("birth.meiji", "生年月日 ", func(s *scope) string { return s.born(30, 44, "明治%d年%d月%d日") }, ""),
	said("birth.heisei", "", func(s *scope) string { return s.born(2, 30, "平成%d年%d月%d日") }, "生"),
	said("birth.reiwa", "生年月日：", func(s *scope) string { return s.born(2, 7, "令和%d年%d月%d日") }, ""),
	said("birth.first-year", "生年月日：", func(s *scope) string { return fmt.Sprintf("平成元年%d月%d日", 2+s.r.IntN(11), 1+s.r.IntN(28)) }, ""),
	said("birth.kanji", "生年月日：", func(s *scope) string {
		return "昭和" + kanjiNumber(11+s.r.IntN(50)) + "年" + kanjiNumber(1+s.r.IntN(12)) + "月" + kanjiNumber(1+s.r.IntN(28)) + "日"
	}, ""),
	said("birth.wide", "生年月日：", func(s *scope) string { return wide(s.born(1930, 2010, "%d")[:4]) + "年１月２日" }, ""),
	said("birth.english", "Date of birth: ", func(s *scope) string {
		return fmt.Sprintf("%d %s %d", 1+s.r.IntN(28), []string{"January", "March", "Sep", "Dec"}[s.r.IntN(4)], 1930+s.r.IntN(80))
	}, ""),

	said("phone.hyphens", "電話 ", func(s *scope) string { return s.phone("045") }, ""),
	said("phone.bare", "", func(s *scope) string { return s.phone("03") }, ""),
	said("phone.parentheses", "TEL ", func(s *scope) string { p := s.phone("045"); return "(" + p[:3] + ")" + p[4:] }, ""),
	said("phone.wide", "ＴＥＬ：", func(s *scope) string { return wideDigits(s.phone("045")) }, ""),
	said("phone.international", "Tel: ", func(s *scope) string { return "+81-" + s.phone("045")[1:] }, ""),
	said("phone.international-blanks", "", func(s *scope) string { return "+81 " + strings.ReplaceAll(s.phone("045")[1:], "-", " ") }, ""),
	said("phone.mobile", "携帯 ", func(s *scope) string { return "090-" + s.draw("23456789", 4) + "-" + s.draw(digits, 4) }, ""),
	said("phone.mobile-joined", "", func(s *scope) string { return "080" + s.draw("23456789", 8) }, ""),
	said("phone.fax", "FAX: ", func(s *scope) string { return s.phone("045") }, ""),
	said("phone.hyphen-minus", "電話：", func(s *scope) string { return strings.ReplaceAll(s.phone("045"), "-", "−") }, ""),
	said("phone.hyphen-true", "電話：", func(s *scope) string { return strings.ReplaceAll(s.phone("045"), "-", "‐") }, ""),
	said("phone.hyphen-long", "電話：", func(s *scope) string { return strings.ReplaceAll(s.phone("045"), "-", "ー") }, ""),
	said("phone.dots", "tel. ", func(s *scope) string { return strings.ReplaceAll(s.phone("045"), "-", ".") }, ""),
	said("phone.extension", "内線 ", func(s *scope) string { return s.draw("23456789", 5) }, ""),
	said("phone.extension-english", "ext. ", func(s *scope) string { return s.draw("23456789", 5) }, ""),
	said("phone.phs", "PHS：", func(s *scope) string { return s.draw("23456789", 5) }, ""),

	said("postal.code", "〒", func(s *scope) string { return s.draw("123456789", 3) + "-" + s.draw(digits, 4) }, ""),
	said("postal.address", "住所：", func(s *scope) string {
		return "神奈川県定点市東町" + s.draw("123456789", 1) + "丁目" + s.draw("123456789", 2) + "番地"
	}, ""),
	said("postal.address-bare", "", func(s *scope) string {
		return "東京都定点区本町" + s.draw("123456789", 1) + "-" + s.draw("123456789", 1) + "-" + s.draw("123456789", 2)
	}, ""),
	said("postal.address-wide", "", func(s *scope) string {
		return "神奈川県定点市西町" + wideDigits(s.draw("123456789", 1)+"-"+s.draw("123456789", 2))
	}, ""),

	host("ten", func(s *scope) string {
		return fmt.Sprintf("10.%d.%d.%d", s.r.IntN(250), s.r.IntN(250), 1+s.r.IntN(250))
	}),
	host("one-nine-two", func(s *scope) string { return fmt.Sprintf("192.168.%d.%d", s.r.IntN(250), 1+s.r.IntN(250)) }),
	host("one-seven-two", func(s *scope) string {
		return fmt.Sprintf("172.%d.%d.%d", 16+s.r.IntN(16), s.r.IntN(250), 1+s.r.IntN(250))
	}),
	host("local", func(s *scope) string { return "srv" + s.draw(digits, 2) + "-" + s.draw(small, 3) + ".local" }),
	host("own", func(s *scope) string { return "files" + s.draw(digits, 2) + "." + OwnDomain }),
	host("own-deep", func(s *scope) string { return "emr" + s.draw(digits, 2) + ".med." + OwnDomain }),
	host("six", func(s *scope) string {
		return "fd12:3456:" + s.draw("123456789abcdef", 4) + "::" + s.draw("123456789", 2)
	}),
	said("host.share", `\\srv`, func(s *scope) string { return s.draw(digits, 2) + s.draw(small, 5) }, `\share\karte`),
	said("institution.name", "", func(*scope) string { return OwnName }, " 御中"),
}

func addressOf(a string) value {
	lower := strings.ToLower(a)
	local, domain, _ := strings.Cut(lower, "@")
	written, _, _ := strings.Cut(a, "@")
	return value{text: a, secrets: spellings(a, lower, local+"="+domain, local, written)}
}
