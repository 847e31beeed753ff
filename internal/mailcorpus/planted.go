// SPDX-FileCopyrightText: The Teiten Authors
// SPDX-License-Identifier: Apache-2.0

package mailcorpus

import (
	"bytes"
	"encoding/base64"
	"html"
	"iter"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
)

// PlantedMail is a mail in one place of which one identifier stands that must
// not leave the institution.
type PlantedMail struct {
	Raw   []byte
	Kind  string // "patient.label", ...
	Place string // "html.title", ...
	// Secrets must nowhere stand in what is shared: what was written, and
	// what it is after NFKC, without blanks, without hyphens, decoded.
	Secrets []string
	// Keep must survive: the sender's address, the attacker's host, the rest
	// of the subject.
	Keep []string
	// Human says that only somebody who knows the person sees a secret.
	Human bool
}

// planting is a mail being written around a value. Empty fields are written
// plainly.
type planting struct {
	*scope
	v       value
	from    string
	to      string
	subject string
	first   []string // header lines before the others
	more    []string // header lines
	body    string   // plain text
	html    string
	parts   []part // besides the body
	wrap    func(part) part
	mark    string // boundary
	id      string // Message-ID
	keep    []string
}

// Sentences that have nothing of a person.
const (
	plantedSubject = "重要なお手続きのご案内"
	plantedText    = "ご利用の状況を確認したいため、下記よりお手続きをお願いいたします。"
)

// combination is a kind in a place.
type combination struct {
	kind  plantedKind
	place place
}

// combinations are all that go together.
func combinations() (all []combination) {
	for _, k := range kinds {
		for _, p := range places {
			if slices.Contains(p.classes, k.class) {
				all = append(all, combination{k, p})
			}
		}
	}
	return all
}

// Combinations is the number of kinds in places; so many mails of [Planted]
// hold each once.
func Combinations() int { return len(combinations()) }

// Planted makes n mails, each combination once before any comes again.
func Planted(seed uint64, n int) iter.Seq[PlantedMail] {
	return func(yield func(PlantedMail) bool) {
		all := combinations()
		order := rand.New(rand.NewPCG(seed, 0x706c616e74)).Perm(len(all))
		for i := range n {
			c := all[order[i%len(all)]]
			if !yield(plant(c, rand.New(rand.NewPCG(seed^0x73656372, uint64(i))))) {
				return
			}
		}
	}
}

func plant(c combination, r *rand.Rand) PlantedMail {
	s := newScope(r, nil)
	host := s.draw(small, 7) + "-" + s.draw(small, 4) + ".example"
	s.bound["attacker"] = host
	p := &planting{scope: s, v: c.kind.make(s)}
	from := "info@" + s.draw(small, 6) + ".example.net"
	p.from = encodedWords("ご利用窓口", "UTF-8", false) + " <" + from + ">"
	p.to = "undisclosed-recipients:;"
	p.subject = encodedWords(plantedSubject, "UTF-8", false)
	p.id = s.draw(hexes, 16) + "@example.net"
	link := "https://" + host + "/start"
	p.body = "お知らせいたします。\n\n" + plantedText + "\n" + link + "\n"
	p.keep = append([]string{from, host, plantedSubject, plantedText}, p.v.keep...)
	c.place.put(p)
	return PlantedMail{
		Raw: p.build(), Kind: c.kind.name, Place: c.place.name, Secrets: p.v.secrets,
		Keep: slices.Compact(p.keep), Human: c.kind.human && !c.place.recipient,
	}
}

func (p *planting) build() []byte {
	body := textPart("plain", p.body, "UTF-8", "8bit")
	if p.html != "" {
		page := textPart("html", p.html, "UTF-8", []string{"8bit", "quoted-printable", "base64"}[p.r.IntN(3)])
		body = p.multipart("alternative", body, page)
	}
	if p.wrap != nil {
		body = p.wrap(body)
	}
	if len(p.parts) > 0 || p.mark != "" {
		body = p.multipart("mixed", append([]part{body}, p.parts...)...)
		if p.mark != "" {
			body.boundary = p.mark
			body.head[0] = "Content-Type: multipart/mixed; boundary=\"" + p.mark + "\""
		}
	}
	head := append(p.first,
		"Received: from mail.example.net (mail.example.net [192.0.2.25]) by "+OwnAuthserv+" with ESMTP id "+p.draw(hexes, 8)+"; "+p.at.Format("Mon, 02 Jan 2006 15:04:05 -0700"),
		"From: "+p.from, "To: "+p.to, "Subject: "+p.subject,
		"Date: "+p.at.Format("Mon, 02 Jan 2006 15:04:05 -0700"),
		"Message-ID: <"+p.id+">")
	head = append(append(head, p.more...), "MIME-Version: 1.0")
	body.head = append(head, body.head...)
	var b bytes.Buffer
	body.write(&b)
	return b.Bytes()
}

// page is HTML around a fragment, with the words of the plain body.
func (p *planting) page(fragment string) {
	p.html = "<html><head></head><body><p>お知らせいたします。</p>\n" + fragment + "\n<p>" + plantedText + "</p><p><a href=\"https://" + p.bound["attacker"] + "/start\">お手続きへ</a></p></body></html>\n"
}

// place is where a value stands.
type place struct {
	name      string
	classes   []class
	recipient bool // the place itself tells what it is
	put       func(p *planting)
}

var (
	words     = []class{inWords, person, mailAddress, address, machine}
	addresses = []class{mailAddress}
)

// inBody puts a line into the plain body, before the words that stay.
func inBody(name string, write func(v string) string) place {
	return place{name: name, classes: words, put: func(p *planting) { p.body = write(p.v.text) + "\n" + p.body }}
}

func inHTML(name string, classes []class, write func(v string) string) place {
	return place{name: name, classes: classes, put: func(p *planting) { p.page(write(html.EscapeString(p.v.text))) }}
}

func inHeader(name string, classes []class, recipient bool, write func(p *planting) string) place {
	return place{name: name, classes: classes, recipient: recipient, put: func(p *planting) { p.more = append(p.more, write(p)) }}
}

// onTop is a header line that a server on the way wrote.
func onTop(name string, classes []class, write func(v string) string) place {
	return place{name: name, classes: classes, recipient: true, put: func(p *planting) { p.first = append(p.first, write(p.v.text)) }}
}

func word64(v string) string { return encodedWords(v, "UTF-8", false) }

var places = []place{
	{name: "to", classes: addresses, recipient: true, put: func(p *planting) { p.to = "<" + p.v.text + ">" }},
	{name: "to.name", classes: []class{person}, recipient: true, put: func(p *planting) { p.to = word64(p.v.text) + " <office@" + OwnDomain + ">" }},
	{name: "to.second", classes: addresses, recipient: true, put: func(p *planting) { p.to = "a@example.org, " + p.v.text + ", b@example.org" }},
	inHeader("cc", addresses, true, func(p *planting) string { return "Cc: " + p.v.text }),
	inHeader("cc.name", []class{person}, true, func(p *planting) string { return "Cc: " + word64(p.v.text) + " <ward@" + OwnDomain + ">" }),
	inHeader("bcc", addresses, true, func(p *planting) string { return "Bcc: " + p.v.text }),
	inHeader("reply-to", addresses, true, func(p *planting) string { return "Reply-To: " + p.v.text }),
	onTop("delivered-to", addresses, func(v string) string { return "Delivered-To: " + v }),
	onTop("x-original-to", addresses, func(v string) string { return "X-Original-To: " + v }),
	onTop("envelope-to", addresses, func(v string) string { return "X-Envelope-To: <" + v + ">" }),
	onTop("received.for", addresses, func(v string) string {
		return "Received: by mx.hospital.example (Postfix) id 4ABC\r\n\tfor <" + v + ">; Mon, 05 Jan 2026 08:00:00 +0900"
	}),
	onTop("received.from", []class{machine}, func(v string) string {
		return "Received: from " + v + " (" + v + ") by gate.example.net with ESMTP id 4ABD; Mon, 05 Jan 2026 08:00:00 +0900"
	}),
	onTop("return-path.verp", addresses, func(v string) string {
		return "Return-Path: <bounce+" + strings.Replace(v, "@", "=", 1) + "@example.net>"
	}),
	onTop("return-path.srs", addresses, func(v string) string {
		local, domain, _ := strings.Cut(v, "@")
		return "Return-Path: <SRS0=Ab1c=ZZ=" + domain + "=" + local + "@example.net>"
	}),
	onTop("authentication-results", addresses, func(v string) string {
		return "Authentication-Results: mx.hospital.example; spf=fail smtp.mailfrom=example.net; x-rcpt=pass policy.to=" + v
	}),
	{name: "message-id", classes: addresses, put: func(p *planting) {
		p.id = "1234." + strings.Replace(p.v.text, "@", "=", 1) + "@example.net"
	}},
	{name: "message-id.host", classes: []class{machine}, put: func(p *planting) { p.id = "1234.5678@" + p.v.text }},
	inHeader("references", []class{machine}, false, func(p *planting) string { return "References: <a.b@" + p.v.text + "> <c.d@example.net>" }),
	inHeader("in-reply-to", addresses, false, func(p *planting) string { return "In-Reply-To: <" + p.v.text + ">" }),
	inHeader("list-unsubscribe", []class{address}, false, func(p *planting) string { return "List-Unsubscribe: <" + p.v.text + ">" }),
	inHeader("list-unsubscribe.mail", addresses, false, func(p *planting) string {
		return "List-Unsubscribe: <mailto:leave@example.net?subject=" + strings.Replace(p.v.text, "@", "%40", 1) + ">"
	}),
	inHeader("header.x", words, false, func(p *planting) string { return "X-Note: " + word64(p.v.text) }),
	inHeader("header.comment", []class{person, machine}, false, func(p *planting) string {
		return "X-Mailer: Mailer 1.0 (" + word64(p.v.text) + ")"
	}),
	inHeader("header.x-originating", []class{machine}, false, func(p *planting) string { return "X-Originating-IP: [" + p.v.text + "]" }),
	inHeader("header.thread-topic", words, false, func(p *planting) string { return "Thread-Topic: " + word64(p.v.text) }),

	{name: "subject", classes: words, put: func(p *planting) { p.subject = word64(p.v.text + " " + plantedSubject) }},
	{name: "subject.raw", classes: words, put: func(p *planting) { p.subject = p.v.text + " " + plantedSubject }},
	{name: "subject.torn", classes: words, put: func(p *planting) {
		p.subject = wordsOf("UTF-8", chunks([]byte(plantedSubject+"（"+p.v.text+"）"), 13), "\r\n ")
	}},
	{name: "sender.name", classes: []class{person, mailAddress}, put: func(p *planting) {
		_, address := mailbox(p.from)
		p.from = word64(p.v.text+" ご案内") + " <" + address + ">"
	}},

	inBody("greeting", func(v string) string { return v + "\n" }),
	inBody("body", func(v string) string { return "この件は " + v + " についてのご連絡です。" }),
	inBody("body.brackets", func(v string) string { return "対象（" + v + "）をご確認ください。" }),
	inBody("body.table", func(v string) string { return "項目\t内容\n対象\t" + v + "\t済" }),
	inBody("body.quoted", func(v string) string { return "> > " + v + " の件\n> 承知しました。" }),
	{name: "body.signature", classes: words, put: func(p *planting) { p.body += "\n-- \n" + p.v.text + "\n" }},
	{name: "body.base64", classes: words, put: func(p *planting) {
		text := p.v.text + "\n" + p.body
		p.wrap = func(part) part { return textPart("plain", text, "UTF-8", "base64") }
	}},
	{name: "body.quoted-printable", classes: words, put: func(p *planting) {
		text := p.v.text + "\n" + p.body
		p.wrap = func(part) part {
			q := textPart("plain", text, "UTF-8", "quoted-printable")
			q.body = quotedPrintable([]byte(strings.ReplaceAll(text, "\n", "\r\n")), 20)
			return q
		}
	}},
	{name: "body.iso-2022-jp", classes: words, put: func(p *planting) {
		text := p.v.text + "\n" + p.body
		p.wrap = func(part) part { return textPart("plain", text, "ISO-2022-JP", "7bit") }
	}},
	{name: "body.zero-width", classes: []class{inWords, person}, put: func(p *planting) {
		r := []rune(p.v.text)
		p.body = string(r[:len(r)/2]) + "\u200b" + string(r[len(r)/2:]) + "\n" + p.body
	}},
	{name: "forward.inline", classes: []class{person, mailAddress}, put: func(p *planting) {
		_, address := mailbox(p.from)
		name := p.v.text
		if strings.Contains(name, "@") {
			name = "<" + name + ">"
		}
		p.body = "転送します。\n\n-----Original Message-----\nFrom: <" + address + ">\nSent: Monday, January 5, 2026 8:00 AM\nTo: " + name + "\nSubject: " + plantedSubject + "\n\n" + p.body
		p.from, p.subject = "office@"+OwnDomain, word64("Fw: "+plantedSubject)
	}},
	{name: "forward.sender", classes: []class{person}, recipient: true, put: func(p *planting) {
		_, address := mailbox(p.from)
		p.body = "転送します。\n\n-----Original Message-----\nFrom: <" + address + ">\nSent: Monday, January 5, 2026 8:00 AM\nTo: office@" + OwnDomain + "\nSubject: " + plantedSubject + "\n\n" + p.body
		p.from, p.subject = word64(p.v.text)+" <office@"+OwnDomain+">", word64("Fw: "+plantedSubject)
	}},
	{name: "attached.body", classes: words, put: func(p *planting) { p.forward(p.v.text+"\n"+p.body, "") }},
	{name: "attached.to", classes: addresses, recipient: true, put: func(p *planting) { p.forward(p.body, p.v.text) }},
	{name: "file.name", classes: words, put: func(p *planting) {
		name := strings.NewReplacer("/", "_", `\`, "_").Replace(p.v.text)
		if name != p.v.text {
			p.v.secrets = append(p.v.secrets, strings.NewReplacer("/", "_", `\`, "_").Replace(p.v.secrets[0]))
		}
		p.parts = append(p.parts, p.filePart(name+".pdf", "application/pdf", "attachment", pdf("a")))
	}},
	{name: "file.type-name", classes: []class{person, mailAddress}, put: func(p *planting) {
		f := p.filePart("a.pdf", "application/pdf", "attachment", pdf("a"))
		f.head[0] = "Content-Type: application/pdf; name=\"" + word64(p.v.text) + "\""
		p.parts = append(p.parts, f)
	}},
	{name: "calendar.attendee", classes: []class{person, mailAddress}, recipient: true, put: func(p *planting) {
		line := "ATTENDEE;CN=\"" + p.v.text + "\":mailto:office@" + OwnDomain
		if strings.Contains(p.v.text, "@") {
			line = "ATTENDEE:mailto:" + p.v.text
		}
		p.calendar(line)
	}},
	{name: "calendar.description", classes: words, put: func(p *planting) { p.calendar("DESCRIPTION:" + p.v.text) }},
	{name: "boundary", classes: addresses, put: func(p *planting) { p.mark = "=_" + strings.Replace(p.v.text, "@", "=", 1) + "_part" }},
	{name: "content-id", classes: addresses, put: func(p *planting) {
		f := p.filePart("a.png", "image/png", "inline", code("定点"))
		f.head = append(f.head, "Content-ID: <"+p.v.text+">")
		p.page(`<img src="cid:` + p.v.text + `">`)
		p.parts = append(p.parts, f)
	}},

	inHTML("html.text", words, func(v string) string { return "<p>" + v + "</p>" }),
	inHTML("html.cells", words, func(v string) string { return "<table><tr><td>対象</td><td>" + v + "</td></tr></table>" }),
	inHTML("html.title", words, func(v string) string { return "<title>" + v + "</title>" }),
	inHTML("html.attribute", words, func(v string) string { return `<div title="` + v + `" data-x="` + v + `">ご案内</div>` }),
	inHTML("html.alt", words, func(v string) string { return `<img src="cid:none" alt="` + v + `">` }),
	inHTML("html.preheader", words, func(v string) string { return `<div style="display:none;max-height:0">` + v + `</div>` }),
	inHTML("html.comment", words, func(v string) string { return "<!-- " + v + " -->" }),
	inHTML("html.link-text", words, func(v string) string { return `<a href="https://example.org/a">` + v + `</a>` }),
	inHTML("html.value", words, func(v string) string { return `<form><input name="a" value="` + v + `"></form>` }),
	inHTML("html.href", []class{address}, func(v string) string { return `<a href="` + v + `">詳細</a>` }),
	inHTML("html.image", []class{address}, func(v string) string { return `<img src="` + v + `">` }),
	inHTML("html.pixel", []class{address}, func(v string) string { return `<img src="` + v + `" width="1" height="1">` }),
	inHTML("html.form", []class{address}, func(v string) string { return `<form action="` + v + `"><input type="password"></form>` }),
	inHTML("html.style", []class{address}, func(v string) string { return `<div style="background:url('` + v + `')">a</div>` }),
	inHTML("html.mailto", addresses, func(v string) string { return `<a href="mailto:` + v + `?subject=a">返信</a>` }),
	inHTML("html.host", []class{machine}, func(v string) string { return `<a href="http://` + bracketed(v) + `/a/b">詳細</a>` }),
	{name: "html.entities", classes: words, put: func(p *planting) {
		var b strings.Builder
		for _, r := range p.v.text {
			b.WriteString("&#" + strconv.Itoa(int(r)) + ";")
		}
		p.page("<p>" + b.String() + "</p>")
	}},
	{name: "html.tags", classes: []class{inWords, person, mailAddress}, put: func(p *planting) {
		r := []rune(p.v.text)
		p.page("<p>" + html.EscapeString(string(r[:len(r)/2])) + "<b></b>" + html.EscapeString(string(r[len(r)/2:])) + "</p>")
	}},
}

// bracketed is a host as URLs have it (RFC 3986, section 3.2.2).
func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

func (p *planting) forward(body, to string) {
	inner := textPart("plain", body, "UTF-8", "8bit")
	if to == "" {
		to = "undisclosed-recipients:;"
	}
	inner.head = append([]string{"From: " + p.from, "To: " + to, "Subject: " + p.subject, "Date: Mon, 05 Jan 2026 08:00:00 +0900", "Message-ID: <a.b@example.net>", "MIME-Version: 1.0"}, inner.head...)
	var b bytes.Buffer
	inner.write(&b)
	p.parts = append(p.parts, part{head: []string{"Content-Type: message/rfc822", "Content-Disposition: attachment; filename=\"original.eml\""}, body: b.Bytes()})
	p.from, p.subject, p.body = "office@"+OwnDomain, word64("Fw: "+plantedSubject), "転送します。\n"
}

func (p *planting) calendar(line string) {
	text := "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:a1\r\nDTSTART:20261201T010000Z\r\nSUMMARY:" + plantedSubject + "\r\n" + line + "\r\nURL:https://" + p.bound["attacker"] + "/join\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
	p.parts = append(p.parts, part{
		head: []string{"Content-Type: text/calendar; charset=UTF-8; method=REQUEST", "Content-Transfer-Encoding: base64"},
		body: []byte(base64.StdEncoding.EncodeToString([]byte(text)) + "\r\n"),
	})
}
