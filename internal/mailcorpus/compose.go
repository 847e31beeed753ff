// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"bytes"
	"fmt"
	"iter"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Phishing makes n hostile mails: in every round each shape once, in an order
// of the seed's.
func Phishing(seed uint64, n int) iter.Seq[Sample] {
	return series(seed, 0x7068697368, n, shapes().phishing, true)
}

// Benign makes n harmless mails, likewise.
func Benign(seed uint64, n int) iter.Seq[Sample] {
	return series(seed, 0x62656e69676e, n, shapes().benign, false)
}

// PhishingShapes and BenignShapes are the names of the shapes.
func PhishingShapes() []string { return names(shapes().phishing) }
func BenignShapes() []string   { return names(shapes().benign) }

func series(seed, kind uint64, n int, all []*shape, hostile bool) iter.Seq[Sample] {
	return func(yield func(Sample) bool) {
		for i := range n {
			round := rand.New(rand.NewPCG(seed, kind+uint64(i/len(all))))
			sh := all[round.Perm(len(all))[i%len(all)]]
			r := rand.New(rand.NewPCG(seed^kind, uint64(i)))
			if !yield(compose(sh, r, hostile)) {
				return
			}
		}
	}
}

// newScope is a mail of its own day.
func newScope(r *rand.Rand, words map[string][]node) *scope {
	at := firstDay.AddDate(0, 0, r.IntN(350)).Add(time.Duration(r.IntN(11*60*60)) * time.Second)
	return &scope{r: r, words: shapes().words, local: words, bound: map[string]string{}, at: at}
}

// compose writes a mail of the shape.
func compose(sh *shape, r *rand.Rand, hostile bool) Sample {
	l := shapes()
	s := newScope(r, sh.words)
	l.bind(sh, s)
	k := &links{s: s, shape: sh, urls: map[string]string{}}
	line := func(key string) string {
		if seq, ok := sh.lines[key]; ok {
			return s.expand(seq)
		}
		return ""
	}
	m := Sample{Shape: sh.name, Truth: Truth{Hostile: hostile, Subject: line("subject")}}
	m.FromName, m.From = mailbox(line("from"))
	envelope, spoofed := m.From, false
	if address := line("spoof"); address != "" && r.IntN(2) == 0 {
		m.From, spoofed = address, true
	}
	if e := line("envelope"); e != "" {
		envelope = e
	}
	body := strings.Trim(blank.ReplaceAllString(s.expand(sh.body), "\n\n"), "\n")
	bulk := hostile && r.IntN(5) == 0
	if bulk { // as a distributor of newsletters would have it
		body += "\n\n" + s.word("footer", false)
	}
	m.Text = sentence(body)

	charset, encoding := s.transfer()
	form := line("form")
	if form == "" {
		form = []string{"html", "both", "both", "text"}[r.IntN(4)]
	}
	var root part
	switch form {
	case "text":
		root = textPart("plain", k.plain(body)+"\n", charset, encoding)
	case "html":
		root = textPart("html", k.html(body, hostile), charset, encoding)
	default:
		root = s.multipart("alternative", textPart("plain", k.plain(body)+"\n", charset, encoding), textPart("html", k.html(body, hostile), charset, encoding))
	}
	m.Hosts = k.hosts
	if seq, ok := sh.lines["code"]; ok {
		root = k.withCode(root, s.expand(seq), &m.Truth)
	}
	if line("structure") == "calendar" {
		root = s.multipart("alternative", root, part{
			head: []string{"Content-Type: text/calendar; charset=UTF-8; method=REQUEST", "Content-Transfer-Encoding: base64"},
			body: base64Lines([]byte(k.calendar("", &m.Truth)), 76),
		})
	}
	var files []part
	for _, seq := range sh.attach {
		if text := s.expand(seq); text != "" {
			files = append(files, k.attachment(text, &m.Truth))
		}
	}
	switch line("structure") {
	case "bounce":
		root = k.bounce(root, m.From)
	case "forward":
		files = append(files, k.forwarded(&m.Truth))
	}
	if len(files) > 0 {
		root = s.multipart("mixed", append([]part{root}, files...)...)
	}

	head := s.trace(k, envelope, m.From, spoofed, line("auth"), hostile)
	q := encoding == "quoted-printable"
	head = append(head, s.headLines(m, line, charset, q)...)
	if bulk {
		head = append(head, "List-Unsubscribe: <mailto:leave-"+s.draw(digits, 8)+"@"+domainOf(envelope)+">", "Precedence: bulk")
	}
	if !hostile && answer.MatchString(m.Subject) {
		id := "<" + s.draw(hexes, 20) + "@" + OwnDomain + ">"
		head = append(head, "In-Reply-To: "+id, "References: "+id)
	}
	for _, seq := range sh.header {
		head = append(head, s.expand(seq))
	}
	head = append(head, "MIME-Version: 1.0")
	root.head = append(head, root.head...)
	var b bytes.Buffer
	root.write(&b)
	m.Raw = b.Bytes()
	return m
}

// blank is where an empty alternative left nothing between paragraphs.
var blank = regexp.MustCompile(`\n{3,}`)

// answer is the subject of an answer or of something passed on, whose mail
// names the one before.
var answer = regexp.MustCompile(`(?i)^\s*(\[[^\]]*\] )?(re|fw|fwd): `)

// mailbox reads "name <address>".
func mailbox(s string) (name, address string) {
	i := strings.LastIndexByte(s, '<')
	if i < 0 {
		return "", s
	}
	return strings.TrimSpace(s[:i]), strings.TrimSuffix(s[i+1:], ">")
}

// transfer draws a charset and encoding that are right.
func (s *scope) transfer() (charset, encoding string) {
	switch n := s.r.IntN(20); {
	case n < 9:
		return "UTF-8", "base64"
	case n < 13:
		return "UTF-8", "quoted-printable"
	case n < 15:
		return "UTF-8", "8bit"
	case n < 19:
		return "ISO-2022-JP", "7bit"
	}
	return "Shift_JIS", "base64"
}

func (s *scope) headLines(m Sample, line func(string) string, charset string, q bool) []string {
	var head []string
	address := func(name, address string) string {
		switch {
		case name == "":
			return address
		case ascii(name):
			return `"` + name + `" <` + address + ">"
		}
		return encodedWords(name, charset, q) + "\r\n <" + address + ">"
	}
	if m.From != "" {
		head = append(head, "From: "+address(m.FromName, m.From))
	}
	to := line("to")
	if to == "" {
		to = s.word("anyto", false)
	}
	toName, toAddress := mailbox(to)
	head = append(head, "To: "+address(toName, toAddress))
	if reply := line("reply"); reply != "" {
		name, a := mailbox(reply)
		head = append(head, "Reply-To: "+address(name, a))
	}
	head = append(head,
		"Subject: "+encodedWords(m.Subject, charset, q),
		"Date: "+s.at.Format("Mon, 02 Jan 2006 15:04:05 -0700"),
		"Message-ID: <"+s.draw(hexes, 24)+"@"+domainOf(m.From)+">")
	if x := line("mailer"); x != "" {
		head = append(head, "X-Mailer: "+x)
	} else if s.r.IntN(3) == 0 {
		kind := "officemailer"
		if m.Hostile {
			kind = "anymailer"
		}
		head = append(head, "X-Mailer: "+s.word(kind, false))
	}
	return head
}

func domainOf(address string) string {
	if i := strings.LastIndexByte(address, '@'); i >= 0 {
		return address[i+1:]
	}
	return "mail." + OwnDomain
}

// trace is what servers on the way wrote, the last one first: the path, the
// hospital's own judgement (RFC 8601), a signature (RFC 6376).
func (s *scope) trace(k *links, envelope, from string, spoofed bool, auth string, hostile bool) []string {
	r := s.r
	domain, envelopeDomain := domainOf(from), domainOf(envelope)
	if auth == "" {
		switch n := r.IntN(20); {
		case !hostile && n < 17, hostile && !spoofed && n < 11:
			auth = "pass"
		case hostile && spoofed && n < 14, hostile && n < 15:
			auth = "fail"
		default:
			auth = "none"
		}
	}
	if spoofed && auth == "pass" {
		auth = "fail"
	}
	ip := fmt.Sprintf("%s.%d", []string{"192.0.2", "198.51.100", "203.0.113"}[r.IntN(3)], 1+r.IntN(254))
	host := []string{"mail.", "mta" + s.draw(digits, 2) + ".", "smtp" + s.draw(digits, 1) + ".", ""}[r.IntN(4)] + envelopeDomain
	if hostile && r.IntN(3) == 0 {
		host = "v" + s.draw(digits, 3) + "-" + s.draw(digits, 3) + ".host.example.net"
	}
	at := func(seconds int) string {
		return s.at.Add(time.Duration(seconds) * time.Second).Format("Mon, 02 Jan 2006 15:04:05 -0700")
	}
	id := func() string { return strings.ToUpper(s.draw(hexes, 10)) }
	head := []string{"Return-Path: <" + envelope + ">"}
	if envelope == "" {
		head[0] = "Return-Path: <>"
	}
	to := s.word("toaddr", false)
	head = append(head,
		"Delivered-To: "+to,
		"Received: from "+OwnAuthserv+" (localhost [127.0.0.1])\r\n\tby imap."+OwnDomain+" (Postfix) with ESMTP id "+id()+"\r\n\tfor <"+to+">; "+at(4))
	if r.IntN(8) != 0 {
		head = append(head, "Authentication-Results: "+OwnAuthserv+";\r\n\t"+results(auth, spoofed, domain, envelope))
	}
	head = append(head, "Received: from "+host+" ("+host+" ["+ip+"])\r\n\tby "+OwnAuthserv+" (Postfix) with ESMTPS id "+id()+"\r\n\tfor <"+to+">; "+at(2))
	if hostile && r.IntN(8) == 0 {
		// Anybody may write such a line; only the own server's counts.
		head = append(head, "Authentication-Results: "+host+"; spf=pass; dkim=pass header.d="+domain+"; dmarc=pass")
	}
	if auth == "pass" || r.IntN(4) == 0 {
		d := domain
		if spoofed {
			d = envelopeDomain
		}
		head = append(head, "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d="+d+"; s="+s.draw(small, 4)+s.draw(digits, 4)+";\r\n\th=From:To:Subject:Date; bh="+string(bytes.TrimSpace(base64Lines([]byte(s.draw(hexes, 32)), 76)))+";\r\n\tb="+strings.TrimSpace(strings.ReplaceAll(string(base64Lines([]byte(s.draw(hexes, 128)), 64)), "\r\n", "\r\n\t ")))
	}
	if r.IntN(2) == 0 {
		head = append(head, "Received: from ["+fmt.Sprintf("192.0.2.%d", 1+r.IntN(254))+"] (unknown)\r\n\tby "+host+" with ESMTPA id "+id()+"; "+at(0))
	}
	return slices.Clip(head)
}

// results are the values of an Authentication-Results field.
func results(auth string, spoofed bool, domain, envelope string) string {
	smtp, e := " smtp.mailfrom="+envelope, domainOf(envelope)
	switch {
	case auth == "pass" && e == domain:
		return "spf=pass" + smtp + ";\r\n\tdkim=pass header.d=" + domain + ";\r\n\tdmarc=pass header.from=" + domain
	case auth == "pass": // the signature is aligned, the envelope is the distributor's
		return "spf=pass" + smtp + ";\r\n\tdkim=pass header.d=" + domain + ";\r\n\tdmarc=pass (p=none) header.from=" + domain
	case auth == "fail" && spoofed:
		return "spf=pass" + smtp + ";\r\n\tdkim=none;\r\n\tdmarc=fail (p=none) header.from=" + domain
	case auth == "fail":
		return "spf=fail" + smtp + ";\r\n\tdkim=none;\r\n\tdmarc=fail (p=quarantine) header.from=" + domain
	}
	return "spf=none" + smtp + ";\r\n\tdkim=none;\r\n\tdmarc=none header.from=" + domain
}
