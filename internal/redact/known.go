// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"

	"teiten/internal/mail"
)

// maxRecipients is how many addresses of recipients are looked for. The text
// of a mail with more is left out.
const maxRecipients = 2000

// recipientFields name header fields that say whom a mail was for, in lower
// case.
var recipientFields = words(`to cc bcc resent-to resent-cc resent-bcc delivered-to x-delivered-to x-original-to
	envelope-to x-envelope-to x-rcpt-to x-rcptto x-real-to x-forwarded-to x-forwarded-for apparently-to
	original-recipient final-recipient x-receiver x-recipient x-yahoo-forwarded`)

// generic are local parts that name a function rather than a person. Alone
// they are words; with their domain they are hidden like any other.
var generic = words(`info mail admin administrator root office contact support help helpdesk service sales webmaster
	postmaster hostmaster noreply no-reply reply news user users test staff all team abuse security system soumu somu jimu
	keiri jinji kanri iji renkei kango kangobu yakuzai houshasen kensa shinryo uketsuke gairai byoin byouin hospital
	clinic member members account accounts billing order orders shop web www ml list lists owner request update alert
	notice notification marketing recruit saiyo press public portal login secretary desk center centre data daemon mailer
	koho kouhou johou jouhou system-admin network server backup guest doctor nurse pharmacy medical isac mailmagazine
	the and for from with your have this that customer company post home work group japan tokyo osaka`)

// organisation are endings of names that are no person's.
var organisation = []string{"病院", "医院", "診療所", "クリニック", "センター", "大学", "大学校", "学校", "会社", "財団", "法人", "協会",
	"学会", "連合会", "組合", "会", "株式会社", "(株)", "薬局", "銀行", "課", "部", "室", "科", "係", "局", "院", "所", "館", "園", "機構", "本部", "事務局"}

// wanted collects needles.
type wanted struct {
	needles []needle
	seen    map[string]bool
	hashes  map[string]Kind // as hexadecimal digits or base64url
}

func (w *wanted) add(text string, kind Kind, s shape) {
	if text == "" || w.seen[text] {
		return
	}
	if w.seen == nil {
		w.seen = map[string]bool{}
	}
	w.seen[text] = true
	w.needles = append(w.needles, needle{text: text, kind: kind, shape: s})
}

// address adds an address in the forms in which mails carry one: as it is,
// reversed, rotated, and hashed. Base64 and hexadecimal digits are decoded
// instead, wherever they stand.
func (w *wanted) address(address string, kind Kind) {
	address = strings.Trim(address, " \t<>\"'.,;")
	at := strings.LastIndexByte(address, '@')
	if at <= 0 || len(address) > 320 {
		return
	}
	lower := strings.ToLower(address)
	local, host := lower[:at], lower[at+1:]
	whole := tighten(lower)
	w.add(whole, kind, word)
	w.add(tighten(local+"at"+host), kind, word)
	w.add(tighten(local+host), kind, word) // sato=hospital.example.jp, as bounce addresses have it
	w.add(reverse(whole), kind, word)
	w.add(rot13(whole), kind, word)
	for _, form := range []string{lower, address, strings.ToUpper(address), lower + "\n"} {
		w.digests(form, kind)
	}
	w.local(local, kind)
}

// digests adds the hashes that trackers make of an address.
func (w *wanted) digests(s string, kind Kind) {
	if w.hashes == nil {
		w.hashes = map[string]Kind{}
	}
	m, s1, s2 := md5.Sum([]byte(s)), sha1.Sum([]byte(s)), sha256.Sum256([]byte(s))
	for _, sum := range [][]byte{m[:], s1[:], s2[:]} {
		w.hashes[hex.EncodeToString(sum)] = kind
		w.hashes[base64.RawURLEncoding.EncodeToString(sum)] = kind
	}
}

// local adds the part of an address before the "@", which is used as a name:
// "sato.hanako", "h-sato", and the 佐藤 that it stands for.
func (w *wanted) local(local string, kind Kind) {
	if plus := strings.IndexByte(local, '+'); plus > 0 {
		local = local[:plus]
	}
	if utf8.RuneCountInString(local) < 3 || generic[local] {
		return
	}
	w.add(tighten(local), kind, word)
	w.digests(local, kind)
	if letters := tighten(local); len(letters) >= 5 {
		w.add(reverse(letters), kind, word)
		w.add(rot13(letters), kind, word)
	}
	parts := strings.FieldsFunc(local, func(r rune) bool { return r < utf8.RuneSelf && !isAlpha(byte(r)) })
	for _, p := range parts {
		known := len(p) >= 3 && (romajiFamily[p] != "" || romajiGiven[p])
		if known || len(p) >= 5 && !generic[p] && len(parts) > 1 {
			w.add(p, kind, word)
		}
		w.spellings(p, kind)
	}
	if len(parts) == 1 && len(local) > 5 { // hsato, satoh
		w.spellings(local[1:], kind)
		w.spellings(local[:len(local)-1], kind)
	}
}

// spellings adds the kanji and katakana that a romanised family name is read from.
func (w *wanted) spellings(romaji string, kind Kind) {
	if kind == Address {
		kind = Person
	}
	kana := romajiFamily[romaji]
	if kana == "" {
		return
	}
	if utf8.RuneCountInString(kana) >= 3 {
		w.add(kana, kind, kanaWord)
	}
	for _, kanji := range familyByReading[kana] {
		if utf8.RuneCountInString(kanji) >= 2 && !placeNames[kanji] {
			w.add(kanji, kind, anywhere)
		}
	}
}

// name adds a display name or registered name, and its parts: family and given
// name are used alone.
func (w *wanted) name(name string, kind Kind, given bool) {
	name = strings.Trim(strings.TrimSpace(name), `"'“”`)
	if strings.ContainsRune(name, '@') {
		w.address(name, kind)
		return
	}
	whole := tighten(name)
	if n := utf8.RuneCountInString(whole); n < 2 || n == 2 && isWord(rune(whole[0])) || len(whole) > 400 || generic[whole] {
		return
	}
	if orgName(name) {
		kind = Institution
	}
	w.add(whole, kind, edge(whole))
	parts := strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(" 　\t,、・/／()（）[]［］【】<>._", r) })
	if len(parts) == 1 {
		if family, rest := splitName(parts[0]); family != "" {
			parts = []string{family, rest}
		}
	}
	if len(parts) == 2 && kind != Institution { // Hanako Sato for Sato Hanako
		other := tighten(parts[1] + parts[0])
		w.add(other, kind, edge(other))
	}
	for i, p := range parts {
		p = tighten(p)
		n := utf8.RuneCountInString(p)
		switch {
		case n < 2 || len(parts) < 2 || generic[p] || jobTitles[p]:
		case kind == Institution:
			if n >= 4 && orgName(p) && !strings.Contains(p, "法人") {
				w.add(p, kind, edge(p))
			}
		case orgName(p):
		case isWord(rune(p[0])):
			if n >= 3 {
				w.add(p, kind, word)
			}
		case i > 0 && !given:
		case isKana(firstRune(p)):
			if n >= 3 {
				w.add(p, kind, kanaWord)
			}
		default:
			w.add(p, kind, anywhere)
		}
	}
}

// inside adds what is known of the institution.
func (w *wanted) inside(in Inside) {
	for _, d := range in.Domains {
		if d = plainDomain(d); d != "" {
			w.add(tighten(d), Host, domain)
			w.add(reverse(tighten(d)), Host, word)
			w.add(rot13(tighten(d)), Host, word)
		}
	}
	for _, a := range in.Addresses {
		w.address(a, Address)
	}
	for _, n := range in.Names {
		w.name(n, Person, false)
	}
}

// recipients adds whom the mail was for. It returns how many there are.
func (w *wanted) recipients(m *mail.Message) int {
	n := 0
	for _, list := range [][]mail.Address{m.To, m.Cc} {
		for _, a := range list {
			if n++; n > maxRecipients {
				return n
			}
			w.address(a.Address, Recipient)
			w.name(a.Name, Recipient, true)
		}
	}
	for _, f := range m.Fields {
		value := f.Value
		name := strings.ToLower(f.Name)
		switch {
		case recipientFields[name]:
			for _, a := range readAddresses(value) {
				if n++; n > maxRecipients {
					return n
				}
				w.address(a.Address, Recipient)
				w.name(a.Name, Recipient, true)
			}
		case name == "received" || name == "x-received":
			if a := receivedFor(value); a != "" {
				n++
				w.address(a, Recipient)
			}
		}
		if n > maxRecipients {
			return n
		}
	}
	return n
}

// readAddresses reads a list of addresses without asking that it be well
// formed: each word with an "@", and what stands before it since the last
// comma as its name.
func readAddresses(s string) (list []mail.Address) {
	if len(s) > 1<<20 {
		s = s[:1<<20]
	}
	for len(s) > 0 && len(list) <= maxRecipients {
		at := strings.IndexByte(s, '@')
		if at < 0 {
			return list
		}
		from := strings.LastIndexAny(s[:at], " \t<,;:\"()") + 1
		to := at + 1
		for to < len(s) && strings.IndexByte(" \t>,;:\"()<", s[to]) < 0 {
			to++
		}
		name := s[:from]
		name = name[strings.LastIndexAny(name, ",;")+1:]
		name = strings.Trim(name, " \t<>\"',:")
		list = append(list, mail.Address{Name: name, Address: strings.ToLower(s[from:to])})
		s = s[to:]
	}
	return list
}

// receivedFor reads the "for" of a Received field (RFC 5321, section 4.4).
func receivedFor(value string) string {
	i := strings.LastIndex(strings.ToLower(value), "for ")
	if i < 0 || i > 0 && isAlnum(value[i-1]) {
		return ""
	}
	if list := readAddresses(value[i:]); len(list) > 0 {
		return list[0].Address
	}
	return ""
}

func plainDomain(s string) string {
	s = strings.ToLower(strings.Trim(strings.TrimSpace(s), ".@*"))
	if strings.IndexByte(s, '.') < 0 {
		return ""
	}
	return s
}

func orgName(s string) bool {
	s = strings.TrimSpace(s)
	for _, o := range organisation {
		if strings.HasSuffix(s, o) || len(o) > 6 && strings.Contains(s, o) {
			return true
		}
	}
	return false
}

// edge is how a needle must stand by what it is written in.
func edge(s string) shape {
	if s != "" && (isWord(firstRune(s)) || isAlnum(s[len(s)-1])) {
		return word
	}
	return anywhere
}

func firstRune(s string) rune {
	r, _ := utf8.DecodeRuneInString(s)
	return r
}

func reverse(s string) string {
	r := []rune(s)
	for i, j := 0, len(r)-1; i < j; i, j = i+1, j-1 {
		r[i], r[j] = r[j], r[i]
	}
	return string(r)
}

func rot13(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' {
			return 'a' + (r-'a'+13)%26
		}
		return r
	}, s)
}

func words(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}
